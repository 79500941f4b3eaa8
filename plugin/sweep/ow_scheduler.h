/* What a cluster's scheduler must be able to do for a sweep: take an array of tasks, all the
 * same script, and tell what has become of them. */
#ifndef OW_SCHEDULER_H
#define OW_SCHEDULER_H

#include <stddef.h>

#include "ow_status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OW_SCHEDULER_ID = 64 };

struct ow_scheduler_array {
    const char *name;         /* by which it is found again: letters, digits, '-'      */
    const char *script;       /* path of the shell script that every task runs         */
    const char *log;          /* absolute path: what task 7 prints is added to `log`-7 */
    size_t n_task;            /* numbered from 0                                       */
    size_t at_once;           /* tasks at a time; 0: as many as there is room for      */
    unsigned cpus;            /* processors of a task                                  */
    const char *partition;    /* NULL: the scheduler's usual one                       */
    const char *const *extra; /* further options for it, ends with NULL; may be NULL   */
};

struct ow_scheduler_state {
    size_t n_waiting, n_running; /* tasks in the queue; none: the array has left it          */
    size_t n_held;               /* of those waiting: until somebody releases them           */
    char reason[80];             /* why one waits, if the scheduler says so                  */
    /* Of those that have ended, as far as it remembers. */
    size_t n_cancelled, n_late; /* by a person; because their time was over                  */
    char id[OW_SCHEDULER_ID];   /* "" if it does not know the array                          */
};

struct ow_scheduler {
    const char *name;
    /* The script's first lines, as shell text: they set $task, the task's number, and $memory,
     * the bytes that it may take, or to nothing. */
    const char *preamble;
    const char *cancel; /* the command that ends an array, before its id */
    /* OW_ERR_HOST: its commands are not there. */
    enum ow_status (*check)(struct ow_error *err);
    /* OW_ERR_HOST with its own words when it refuses. */
    enum ow_status (*submit)(const struct ow_scheduler_array *array, char id[OW_SCHEDULER_ID],
                             struct ow_error *err);
    /* OW_ERR_HOST when it does not answer: a reason to ask again later. */
    enum ow_status (*look)(const char *name, const char *id, struct ow_scheduler_state *out,
                           struct ow_error *err);
};

#ifdef __cplusplus
}
#endif
#endif
