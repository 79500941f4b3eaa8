#include "ow_batch.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ow_clock.h"
#include "ow_latency.h"

/* What the workers share; everything below the lock is guarded by it. */
struct job {
    const struct ow_problem *problem;
    const struct ow_batch_options *options;
    struct ow_batch *batch;
    pthread_mutex_t lock;
    size_t next, n_done;
    size_t failed_read; /* n_read while nothing has failed */
    enum ow_status status;
    struct ow_error err;
};

/* The next read to do, or n_read. */
static size_t take(struct job *job)
{
    pthread_mutex_lock(&job->lock);
    const bool is_over = job->status != OW_OK || job->next == job->batch->n_read;
    const size_t read = is_over ? job->batch->n_read : job->next++;
    pthread_mutex_unlock(&job->lock);
    return read;
}

/* Reads are taken in order, so when one fails all before it have been taken and will be
 * finished: the least failing number is the same for any number of workers. */
static void give(struct job *job, size_t read, enum ow_status status,
                 const struct ow_error *err, long steps)
{
    pthread_mutex_lock(&job->lock);
    if (status && read < job->failed_read) {
        job->failed_read = read;
        job->status = status;
        job->err = *err;
    }
    job->batch->steps += (double)steps;
    job->n_done++;
    if (!status && job->options->progress)
        job->options->progress(job->options->data, job->n_done, job->batch->n_read);
    pthread_mutex_unlock(&job->lock);
}

static void store(const struct job *job, size_t read, const struct ow_reading *r)
{
    const struct ow_problem *p = job->problem;
    memcpy(ow_matrix_row(&job->batch->v_sense, read), r->v_sample,
           r->cols * sizeof *r->v_sample);
    memcpy(ow_matrix_row(&job->batch->v_gain, read), r->v_gain, r->cols * sizeof *r->v_gain);
    size_t n_moved = 0;
    job->batch->moved[read] = ow_problem_moved(p, r, &n_moved);
    job->batch->energy[read] = r->energy;
    job->batch->settle[read] =
        r->wave.n ? ow_latency_settle(&r->wave, r->cols, p->n_out, r->v_dc, job->options->band,
                                      ow_pulse_sample(&p->pulse))
                  : NAN;
}

static void *work(void *data)
{
    struct job *job = data;
    const struct ow_problem *p = job->problem;
    const bool is_carried = p->spec->input.state == OW_STATE_CARRY;
    const size_t n_x = p->xb.rows * p->xb.cols * p->xb.model->n_state;
    struct ow_host *host = NULL;
    struct ow_reading reading = {0};
    struct ow_error err = {0};
    double *x = NULL; /* where the last read ended, when states are carried */
    size_t read = take(job);
    if (read == job->batch->n_read) /* nothing left: no simulator for nothing */
        return NULL;
    enum ow_status st = ow_host_reading(p, &reading, &err);
    if (!st)
        st = ow_host_open(p, &job->options->host, &host, &err);
    if (!st && is_carried && !(x = malloc((n_x + 1) * sizeof *x)))
        st = ow_fail(&err, OW_ERR_NOMEM, "states: out of memory");
    for (bool is_first = true; read < job->batch->n_read; is_first = false) {
        if (!st)
            st = ow_host_read(host, read, x && !is_first ? x : NULL, &reading, &err);
        if (!st)
            store(job, read, &reading);
        if (!st && x)
            memcpy(x, reading.x_end, n_x * sizeof *x);
        give(job, read, st, &err, reading.steps);
        if (st)
            break;
        read = take(job);
    }
    free(x);
    ow_reading_finish(&reading);
    ow_host_close(host);
    return NULL;
}

static unsigned worker_count(const struct ow_problem *p, const struct ow_batch_options *options,
                             size_t n_read)
{
    if (p->spec->input.state == OW_STATE_CARRY)
        return 1;
    const long n_processor = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = options->n_worker ? options->n_worker
               : n_processor > 0 ? (size_t)n_processor
                                 : 1;
    enum { MOST = 256 };
    n = n < n_read ? n : n_read;
    return (unsigned)(n < 1 ? 1 : n > MOST ? MOST : n);
}

/* The calling thread is one of the workers. */
static void run_workers(struct job *job, unsigned n_worker)
{
    pthread_t thread[256];
    unsigned n_started = 0;
    while (n_started + 1 < n_worker && pthread_create(&thread[n_started], NULL, work, job) == 0)
        n_started++;
    work(job);
    for (unsigned k = 0; k < n_started; k++)
        pthread_join(thread[k], NULL);
}

enum ow_status ow_batch_run(const struct ow_problem *p, const struct ow_batch_options *options,
                            struct ow_batch *out, struct ow_error *err)
{
    const double begin = ow_seconds();
    struct ow_batch batch = {.n_read = p->n_vec * p->n_phase};
    struct job job = {.problem = p,
                      .options = options,
                      .batch = &batch,
                      .lock = PTHREAD_MUTEX_INITIALIZER,
                      .failed_read = batch.n_read};
    batch.v_sense = ow_matrix_create(batch.n_read, p->xb.cols);
    batch.v_gain = ow_matrix_create(batch.n_read, p->xb.cols);
    batch.energy = calloc(batch.n_read + 1, sizeof *batch.energy);
    batch.moved = calloc(batch.n_read + 1, sizeof *batch.moved);
    batch.settle = calloc(batch.n_read + 1, sizeof *batch.settle);
    if (!batch.v_sense.a || !batch.v_gain.a || !batch.energy || !batch.moved || !batch.settle) {
        ow_batch_finish(&batch);
        return ow_fail(err, OW_ERR_NOMEM, "results: out of memory");
    }
    run_workers(&job, worker_count(p, options, batch.n_read));
    pthread_mutex_destroy(&job.lock);
    batch.wall_s = ow_seconds() - begin;
    if (job.status) {
        ow_batch_finish(&batch);
        return ow_fail(err, job.status, "%s", job.err.text);
    }
    *out = batch;
    return OW_OK;
}

void ow_batch_finish(struct ow_batch *batch)
{
    ow_matrix_finish(&batch->v_sense);
    ow_matrix_finish(&batch->v_gain);
    free(batch->energy);
    free(batch->moved);
    free(batch->settle);
    memset(batch, 0, sizeof *batch);
}
