/* A sweep on a cluster.  The points that are not done are cut into tasks, each with a list of
 * points and a store of its own (ow_shard.h) in a folder beside the sweep's store, STORE.tasks;
 * a scheduler runs the tasks where it likes, and what they leave is merged here.
 *
 *   STORE.tasks/job             what was submitted last, JSON; gone when all of it is merged
 *   STORE.tasks/round-1/task.sh what a task runs, the same for all
 *                      /points-7, shard-7, log-7, end-7   of task 7; end: its exit code
 *
 * Front end and tasks meet in these files only: one that is killed loses nothing, and whoever
 * calls ow_cluster_run() again goes on where the one before has stopped. */
#ifndef OW_CLUSTER_H
#define OW_CLUSTER_H

#include "ow_scheduler.h"
#include "ow_sweep.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_cluster_progress {
    size_t n_task, n_waiting, n_running; /* the others have ended                           */
    const char *reason;                  /* why one waits, or ""                            */
};

struct ow_cluster_options {
    const struct ow_scheduler *scheduler;
    const char *program;            /* absolute path of what the tasks run: ohmweave          */
    const char *directory;          /* absolute: where they run it, for relative names        */
    const char *spec;               /* name of the specification, as seen from there          */
    const char *const *word;        /* more words for `ohmweave sweep`, ends with NULL        */
    bool has_memory;                /* --memory is one of them                                */
    unsigned jobs;                  /* processes, and processors, of a task                   */
    size_t n_task;                  /* 0: ow_chunks_number()                                  */
    size_t at_once;                 /* tasks at a time; 0: any                                */
    const char *partition;          /* may be NULL                                            */
    const char *const *extra;       /* options for the scheduler, ends with NULL; may be NULL */
    unsigned n_again;               /* how often tasks that were lost are submitted again     */
    double pause_least, pause_most; /* s between two looks at the queue                     */
    double settle_s; /* s that files of other machines may take to be seen here             */
    const volatile sig_atomic_t *cancel; /* may be NULL                                     */
    void (*progress)(void *data, const struct ow_cluster_progress *progress);
    void (*say)(void *data, const char *line); /* what a user should know, one line         */
    void (*ended)(void *data, const struct ow_point_record *point); /* as in ow_sweep.h     */
    void *data;
};

/* Before the store is opened: refuse a new store (is_new) beside a folder that is there, and
 * say whose points are still out if somebody wants to run them here (scheduler NULL). */
enum ow_status ow_cluster_check(const char *store_path, const struct ow_scheduler *scheduler,
                                bool is_new, struct ow_error *err);

/* Every point that the store does not have as done, unless an array of an earlier call is
 * still to be heard of: then that one's.  OW_OK when every task was heard of, however its
 * points end: that is in the store.
 *
 * OW_ERR_CANCELLED: the array goes on.  OW_ERR_HOST: points are left, and why. */
enum ow_status ow_cluster_run(struct ow_store *store, const char *store_path,
                              const struct ow_plan *plan, const struct ow_sweep_cost *cost,
                              const struct ow_cluster_options *options, struct ow_error *err);

#ifdef __cplusplus
}
#endif
#endif
