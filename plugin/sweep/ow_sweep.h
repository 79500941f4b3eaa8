/* A sweep: the points of a plan, run in processes of their own, into a store. */
#ifndef OW_SWEEP_H
#define OW_SWEEP_H

#include <signal.h>

#include "ow_limits.h"
#include "ow_plan.h"
#include "ow_point.h"
#include "ow_store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what it will take ------------------------------------------------------------- */

/* Of every point, by the axes that matter to it (sizes, model, engine). */
struct ow_sweep_cost {
    const struct ow_plan *plan;        /* borrowed */
    bool matters[OW_PLAN_MAX_COLUMNS]; /* [n_axis] */
    size_t n;
    struct ow_point_estimate *estimate; /* [n] of each combination of those axes */
    double seconds;                     /* of all points, on one processor       */
    size_t largest;                     /* the point that takes the most memory  */
    double bytes;                       /* that memory                           */
};
enum ow_status ow_sweep_cost_init(const struct ow_plan *plan, struct ow_sweep_cost *out,
                                  struct ow_error *err);
void ow_sweep_cost_finish(struct ow_sweep_cost *cost);
const struct ow_point_estimate *ow_sweep_cost_of(const struct ow_sweep_cost *cost,
                                                 size_t point);

/* Memory that this process and its children may still take: of the machine, and of its control
 * group if that has a limit.  0 if nobody knows. */
double ow_sweep_free_memory(void);

/* Refuse what cannot fit, and say what could be done. */
enum ow_status ow_sweep_fits(const struct ow_sweep_cost *cost, double memory,
                             struct ow_error *err);

/* ---- the store's head -------------------------------------------------------------- */

/* Write down what the sweep is, and an open row for every point.  All or nothing. */
enum ow_status ow_sweep_describe(struct ow_store *store, const struct ow_plan *plan,
                                 const struct ow_limits *limits, const char *version,
                                 struct ow_error *err);
/* The same with rows for these points alone: point[n] without repetitions. */
enum ow_status ow_sweep_describe_some(struct ow_store *store, const struct ow_plan *plan,
                                      const struct ow_limits *limits, const char *version,
                                      const size_t point[], size_t n, struct ow_error *err);

/* Refuse a store that was made for another specification, or whose input files have changed
 * since. */
enum ow_status ow_sweep_same(struct ow_store *store, const struct ow_plan *plan,
                             const struct ow_limits *limits, struct ow_error *err);

/* One of the two: a store that says nothing yet is described, any other must be of this sweep.
 */
enum ow_status ow_sweep_begin(struct ow_store *store, const struct ow_plan *plan,
                              const struct ow_limits *limits, const char *version,
                              struct ow_error *err);

/* Refuse one that was made for another sweep than this store. */
enum ow_status ow_sweep_alike(struct ow_store *store, struct ow_store *other,
                              const char *other_path, struct ow_error *err);

/* Fail if a file that the sweep read has changed since or is gone. */
enum ow_status ow_sweep_check_files(struct ow_store *store, struct ow_error *err);

/* ---- running ----------------------------------------------------------------------- */

struct ow_sweep_progress {
    size_t n_done, n_total; /* of this run                     */
    size_t n_failed;        /* of those done                   */
    double left_s;          /* s to go, NaN at first           */
};

/* Where the time went, of the points that have ended. */
struct ow_sweep_usage {
    double wall_s;  /* of the run                                  */
    double busy;    /* part of the jobs' time that points had      */
    double store_s; /* of writing them down                        */
};

struct ow_sweep_options {
    const char *codemodel; /* path of ohmweave.cm, for engine.name: ngspice       */
    const char *version;   /* of this program                                     */
    unsigned jobs;         /* processes, 1 to OW_POOL_MAX_WORKERS                 */
    double timeout_s;      /* of a point; 0: none; NaN: generous against its estimate */
    double memory;         /* bytes for all; 0: no limit                          */
    const size_t *only;    /* [n_only] ascending: these points alone; NULL: all   */
    size_t n_only;
    const volatile sig_atomic_t *cancel;
    void (*progress)(void *data, const struct ow_sweep_progress *progress);
    /* A point has ended and is in the store.  May be NULL. */
    void (*ended)(void *data, const struct ow_point_record *point);
    void *data;
};

/* Every point that the store does not have as done, the costly ones first.  OW_OK however
 * points end: what became of them is in the store.  *usage (or NULL) is written in any case. */
enum ow_status ow_sweep_run(struct ow_store *store, const struct ow_plan *plan,
                            const struct ow_limits *limits, const struct ow_sweep_cost *cost,
                            const struct ow_sweep_options *options,
                            struct ow_sweep_usage *usage, struct ow_error *err);

/* "2026-11-29T07:30:00Z" */
const char *ow_sweep_time(int64_t since_1970, char text[32]);

#ifdef __cplusplus
}
#endif
#endif
