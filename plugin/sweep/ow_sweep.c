#define _GNU_SOURCE /* strsignal */
#include "ow_sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ow_clock.h"
#include "ow_pool.h"

#define TIMEOUT_LEAST 600.0 /* s */
#define TIMEOUT_TIMES 50.0  /* the estimate is rough, and machines are slow or busy */

struct job {
    struct ow_store *store;
    const struct ow_plan *plan;
    const struct ow_limits *limits;
    const struct ow_sweep_cost *cost;
    const struct ow_sweep_options *options;
    char host[256];
    struct ow_sweep_progress progress;
    double begin;                     /* s, monotonic                 */
    double wall_s, store_s;           /* of points, and of the store  */
    double seconds_all, seconds_done; /* estimates, of the run's points */
};

/* ---- in a worker ------------------------------------------------------------------- */

/* The answer: a status, then three texts: specification, result, message. */
static void add_text(struct ow_bytes *answer, const char *text)
{
    ow_bytes_add(answer, text ? text : "", text ? strlen(text) + 1 : 1);
}

static void work(void *data, size_t point, struct ow_bytes *answer)
{
    const struct job *job = data;
    const struct ow_vmm_options how = {.codemodel = job->options->codemodel, .n_worker = 1};
    struct ow_point_result result = {0};
    struct ow_error err = {0};
    struct ow_spec spec;
    enum ow_status st = ow_plan_spec(job->plan, point, &spec, &err);
    if (!st) {
        st = ow_point_run(&spec, &how, &result, &err);
        ow_spec_finish(&spec);
    }
    ow_bytes_add(answer, &st, sizeof st);
    add_text(answer, result.spec);
    add_text(answer, result.result);
    add_text(answer, st && !err.text[0] ? ow_status_str(st) : err.text);
    ow_point_result_finish(&result);
}

/* ---- what becomes of a point ------------------------------------------------------- */

static const char *not_empty(const char *text)
{
    return *text ? text : NULL;
}

static void read_answer(const struct ow_pool_answer *answer, struct ow_point_record *row)
{
    enum ow_status st;
    memcpy(&st, answer->bytes, sizeof st);
    const char *spec = answer->bytes + sizeof st, *result = spec + strlen(spec) + 1,
               *error = result + strlen(result) + 1;
    row->status = !st ? OW_POINT_DONE : st == OW_ERR_NOMEM ? OW_POINT_MEMORY : OW_POINT_FAILED;
    row->spec = not_empty(spec);
    row->result = not_empty(result);
    row->error = not_empty(error);
}

static enum ow_status check_limits(const struct ow_limits *limits, struct ow_point_record *row,
                                   char *misses, size_t size, struct ow_error *err)
{
    if (!row->result || limits->n == 0)
        return OW_OK;
    json_t *result = json_loads(row->result, 0, NULL);
    if (!result)
        return ow_fail(err, OW_ERR_NOMEM, "a result: out of memory");
    row->pass = ow_limits_keep(limits, result, misses, size);
    row->misses = not_empty(misses);
    json_decref(result);
    return OW_OK;
}

static double seconds_of(const struct job *job, size_t point)
{
    return ow_sweep_cost_of(job->cost, point)->seconds + 1e-3;
}

/* A worker that was killed has not said what it worked on. */
static char *spec_text(const struct job *job, size_t point)
{
    struct ow_spec spec;
    char *text = NULL;
    if (ow_plan_spec(job->plan, point, &spec, NULL) == OW_OK) {
        if (ow_point_print(&spec, &text, NULL))
            text = NULL;
        ow_spec_finish(&spec);
    }
    return text;
}

static enum ow_status done(void *data, const struct ow_pool_answer *answer,
                           struct ow_error *err)
{
    struct job *job = data;
    char began[32], ended[32], misses[1024], text[200];
    struct ow_point_record row = {.id = answer->task,
                                  .pass = -1,
                                  .wall_s = answer->wall_s,
                                  .cpu_s = answer->cpu_s,
                                  .peak_bytes = answer->peak_bytes,
                                  .began = ow_sweep_time(answer->began, began),
                                  .ended = ow_sweep_time((int64_t)time(NULL), ended),
                                  .host = job->host,
                                  .version = job->options->version,
                                  .error = text};
    switch (answer->end) {
    case OW_POOL_ANSWERED:
        read_answer(answer, &row);
        break;
    case OW_POOL_TIMEOUT:
        row.status = OW_POINT_TIMEOUT;
        snprintf(text, sizeof text, "stopped after %.3g s (--timeout)", answer->wall_s);
        break;
    case OW_POOL_DIED:
        row.status = OW_POINT_CRASHED;
        snprintf(text, sizeof text, "the process ended: %s%s",
                 answer->signal ? strsignal(answer->signal) : "without an answer",
                 answer->signal == SIGKILL ? " (out of memory?)" : "");
        break;
    }
    char *spec = answer->end == OW_POOL_ANSWERED ? NULL : spec_text(job, row.id);
    if (spec)
        row.spec = spec;
    enum ow_status st = check_limits(job->limits, &row, misses, sizeof misses, err);
    const double begin = ow_seconds();
    if (!st)
        st = ow_store_put(job->store, &row, err);
    job->store_s += ow_seconds() - begin;
    job->wall_s += row.wall_s;
    free(spec);
    if (st)
        return st;
    job->progress.n_done++;
    job->progress.n_failed += row.status != OW_POINT_DONE;
    job->seconds_done += seconds_of(job, row.id);
    if (job->options->ended)
        job->options->ended(job->options->data, &row);
    return OW_OK;
}

static void tick(void *data)
{
    struct job *job = data;
    const double spent = ow_seconds() - job->begin;
    job->progress.left_s = job->seconds_done > 0.0 ? spent / job->seconds_done *
                                                         (job->seconds_all - job->seconds_done)
                                                   : NAN;
    if (job->options->progress)
        job->options->progress(job->options->data, &job->progress);
}

static struct ow_pool_cost cost_of(void *data, size_t point)
{
    const struct job *job = data;
    const double own = TIMEOUT_TIMES * seconds_of(job, point), given = job->options->timeout_s;
    return (struct ow_pool_cost){.bytes = ow_sweep_cost_of(job->cost, point)->bytes,
                                 .timeout_s = isnan(given) ? fmax(own, TIMEOUT_LEAST) : given};
}

/* ---- which points, in which order -------------------------------------------------- */

struct list {
    const struct job *job;
    const struct ow_sweep_options *options;
    size_t n;
    struct task {
        size_t point;
        double seconds;
    } * task; /* [n_point] */
};

static int compare_numbers(const void *a, const void *b)
{
    const size_t s = *(const size_t *)a, t = *(const size_t *)b;
    return s < t ? -1 : s > t;
}

static enum ow_status list_row(void *data, const struct ow_point_record *row,
                               struct ow_error *err)
{
    struct list *list = data;
    const struct ow_sweep_options *o = list->options;
    const bool is_wanted =
        !o->only || bsearch(&row->id, o->only, o->n_only, sizeof *o->only, compare_numbers);
    if (is_wanted && row->id < list->job->plan->n_point)
        list->task[list->n++] = (struct task){row->id, seconds_of(list->job, row->id)};
    return OW_OK;
}

/* The costly ones first, so that none is left over at the end with one processor at work. */
static int compare(const void *a, const void *b)
{
    const struct task *s = a, *t = b;
    if (s->seconds != t->seconds)
        return s->seconds > t->seconds ? -1 : 1;
    return s->point < t->point ? -1 : s->point > t->point;
}

static enum ow_status list_tasks(struct job *job, size_t task[], size_t *n,
                                 struct ow_error *err)
{
    struct list list = {.job = job,
                        .options = job->options,
                        .task = calloc(job->plan->n_point, sizeof *list.task)};
    const struct ow_store_query left = {.statuses = ~(1u << OW_POINT_DONE)};
    if (!list.task)
        return ow_fail(err, OW_ERR_NOMEM, "sweep: out of memory");
    const enum ow_status st = ow_store_each(job->store, &left, list_row, &list, err);
    qsort(list.task, list.n, sizeof *list.task, compare);
    for (size_t k = 0; k < list.n; k++) {
        task[k] = list.task[k].point;
        job->seconds_all += list.task[k].seconds;
    }
    *n = list.n;
    free(list.task);
    return st;
}

enum ow_status ow_sweep_run(struct ow_store *store, const struct ow_plan *plan,
                            const struct ow_limits *limits, const struct ow_sweep_cost *cost,
                            const struct ow_sweep_options *options,
                            struct ow_sweep_usage *usage, struct ow_error *err)
{
    struct job job = {.store = store,
                      .plan = plan,
                      .limits = limits,
                      .cost = cost,
                      .options = options,
                      .begin = ow_seconds()};
    const struct ow_pool pool = {.data = &job,
                                 .work = work,
                                 .done = done,
                                 .tick = tick,
                                 .cost = cost_of,
                                 .n_worker = options->jobs,
                                 .memory = options->memory,
                                 .cancel = options->cancel};
    size_t *task = calloc(plan->n_point, sizeof *task), n = 0;
    if (!task)
        return ow_fail(err, OW_ERR_NOMEM, "sweep: out of memory");
    gethostname(job.host, sizeof job.host - 1);
    enum ow_status st = list_tasks(&job, task, &n, err);
    job.progress.n_total = n;
    if (!st)
        st = ow_pool_run(&pool, task, n, err);
    free(task);
    const double wall_s = ow_seconds() - job.begin;
    const unsigned jobs = n < options->jobs ? (unsigned)n : options->jobs;
    if (usage)
        *usage = (struct ow_sweep_usage){.wall_s = n > 0 ? wall_s : 0.0,
                                         .busy = jobs ? job.wall_s / (jobs * wall_s) : 0.0,
                                         .store_s = job.store_s};
    return st;
}
