/* Numbered tasks in processes of their own, so that one which crashes, hangs or takes too much
 * memory costs itself alone.  A process takes task after task until one ends it.
 *
 * When the caller's process dies, however, its workers die with it; what they start they must
 * start so that it dies with them. */
#ifndef OW_POOL_H
#define OW_POOL_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ow_status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ow_pool_end {
    OW_POOL_ANSWERED, /* work() returned              */
    OW_POOL_TIMEOUT,  /* killed when its time was over */
    OW_POOL_DIED      /* its process ended by itself   */
};

/* What is known when a task has ended. */
struct ow_pool_answer {
    size_t task;
    enum ow_pool_end end;
    int signal;        /* that ended the process, of OW_POOL_DIED; 0: it exited           */
    const char *bytes; /* [n] what work() gave, of OW_POOL_ANSWERED                       */
    size_t n;
    double wall_s, cpu_s; /* cpu_s NaN unless it answered                                  */
    int64_t peak_bytes;   /* resident, at most while the task ran; -1: not known           */
    int64_t began;        /* s since 1970                                                  */
};

/* Bytes that grow; a worker's answer. */
struct ow_bytes {
    char *a; /* [n] */
    size_t n, room;
    bool is_short; /* of memory: some are missing */
};
void ow_bytes_add(struct ow_bytes *bytes, const void *more, size_t n);

/* What a task will take and may take. */
struct ow_pool_cost {
    double bytes;     /* of memory                    */
    double timeout_s; /* then it is killed; 0: never  */
};

enum { OW_POOL_MAX_WORKERS = 256 };

struct ow_pool {
    void *data;
    /* In a worker. */
    void (*work)(void *data, size_t task, struct ow_bytes *answer);
    /* In the caller's process, one at a time.  What is not OW_OK ends the pool. */
    enum ow_status (*done)(void *data, const struct ow_pool_answer *answer,
                           struct ow_error *err);
    /* Now and then, at least five times a second.  May be NULL. */
    void (*tick)(void *data);
    struct ow_pool_cost (*cost)(void *data, size_t task);

    unsigned n_worker; /* 1 to OW_POOL_MAX_WORKERS                                        */
    double memory;     /* bytes for all tasks at once; one that alone takes more runs alone.
                          0: no limit                                                     */
    const volatile sig_atomic_t *cancel; /* may be NULL: then no further task begins and those
                                            that run are stopped                          */
};

/* task[n] in that order.  OW_ERR_CANCELLED after cancel; OW_ERR_HOST if no process can be
 * made. */
enum ow_status ow_pool_run(const struct ow_pool *pool, const size_t task[], size_t n,
                           struct ow_error *err);

#ifdef __cplusplus
}
#endif
#endif
