#include "ow_batch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_batch_ports.h"
#include "ow_clock.h"
#include "ow_crew.h"
#include "ow_latency.h"
#include "ow_noise.h"

struct job {
    const struct ow_array *array;
    const struct ow_batch_options *options;
    struct ow_batch *batch;
    bool *is_done; /* [n_read] by the ports  */
    size_t *read;  /* [n_read] which are left */
    size_t n_done;
    struct ow_host_options host;
};

/* What a thread has for itself. */
struct reader {
    struct ow_host *host;
    struct ow_reading reading;
    double *x; /* where the last read ended, when states are carried */
    bool has_read;
};

static void reader_end(void *own)
{
    struct reader *r = own;
    free(r->x);
    ow_reading_finish(&r->reading);
    ow_host_close(r->host);
    free(r);
}

static enum ow_status reader_begin(void *data, void **own, struct ow_error *err)
{
    const struct job *job = data;
    const struct ow_array *a = job->array;
    const size_t n_x = a->xb.rows * a->xb.cols * a->xb.model->n_state;
    struct reader *r = *own = calloc(1, sizeof *r);
    if (!r)
        return ow_fail(err, OW_ERR_NOMEM, "reads: out of memory");
    enum ow_status st = ow_host_reading(a, &r->reading, err);
    if (!st)
        st = ow_host_open(a, &job->host, &r->host, err);
    if (!st && a->spec->input.state == OW_STATE_CARRY &&
        !(r->x = malloc((n_x + 1) * sizeof *r->x)))
        st = ow_fail(err, OW_ERR_NOMEM, "states: out of memory");
    return st;
}

/* Integrators never settle. */
static double settling(const struct job *job, const struct ow_reading *r)
{
    const struct ow_array *a = job->array;
    if (a->xb.sense.kind == OW_SENSE_INTEGRATOR)
        return NAN;
    return a->spec->input.encoding == OW_ENCODING_PULSE_WIDTH
               ? ow_latency_settle_integral(&r->wave, r->cols, &a->lines,
                                            job->options->band * ow_pulse_area(&a->pulse))
               : ow_latency_settle(&r->wave, r->cols, &a->lines, r->v_dc, job->options->band,
                                   ow_pulse_sample(&a->pulse));
}

static void store(struct job *job, size_t read, const struct ow_reading *r)
{
    const struct ow_array *a = job->array;
    memcpy(ow_matrix_row(&job->batch->v_sense, read), r->v_sample,
           r->cols * sizeof *r->v_sample);
    memcpy(ow_matrix_row(&job->batch->v_gain, read), r->v_gain, r->cols * sizeof *r->v_gain);
    size_t n_moved = 0;
    job->batch->moved[read] = ow_array_moved(a, r, &n_moved);
    job->batch->energy[read] = r->energy;
    job->batch->steps[read] = r->steps;
    job->batch->coupling[read] = r->coupling;
    job->batch->settle[read] = r->wave.n ? settling(job, r) : NAN;
}

static enum ow_status read_one(void *data, void *own, size_t k, struct ow_error *err)
{
    struct job *job = data;
    struct reader *r = own;
    const size_t read = job->read[k];
    const enum ow_status st =
        ow_host_read(r->host, read, r->has_read ? r->x : NULL, &r->reading, err);
    if (st)
        return st;
    store(job, read, &r->reading);
    if (r->x)
        memcpy(r->x, r->reading.x_end, r->reading.n_cell * r->reading.n_state * sizeof *r->x);
    r->has_read = true;
    return OW_OK;
}

static void read_done(void *data, size_t k)
{
    struct job *job = data;
    job->n_done++;
    if (job->options->progress)
        job->options->progress(job->options->data, job->n_done, job->batch->n_read);
}

/* From the ports what they give, the rest one by one. */
static enum ow_status run(struct job *job, struct ow_error *err)
{
    const bool is_carried = job->array->spec->input.state == OW_STATE_CARRY;
    const struct ow_crew crew = {.data = job,
                                 .begin = reader_begin,
                                 .end = reader_end,
                                 .task = read_one,
                                 .done = read_done};
    const enum ow_status st =
        ow_batch_ports(job->array, job->options, job->batch, job->is_done, err);
    if (st)
        return st;
    size_t n_left = 0;
    for (size_t read = 0; read < job->batch->n_read; read++)
        if (!job->is_done[read])
            job->read[n_left++] = read;
    job->n_done = job->batch->n_read - n_left;
    const size_t n_side = is_carried ? 1 : n_left; /* reads at the same time, at most */
    const unsigned n_worker = job->options->n_worker;
    job->host = job->options->host;
    job->host.n_threads = ow_crew_share(n_worker, n_side);
    return ow_crew_run(&crew, ow_crew_size(n_worker, n_side), n_left, err);
}

enum ow_status ow_batch_run(const struct ow_array *a, const struct ow_batch_options *options,
                            struct ow_batch *out, struct ow_error *err)
{
    const double begin = ow_seconds();
    struct ow_batch batch = {.n_read = a->n_vec * a->n_phase};
    struct job job = {.array = a, .options = options, .batch = &batch};
    job.is_done = calloc(batch.n_read + 1, sizeof *job.is_done);
    job.read = calloc(batch.n_read + 1, sizeof *job.read);
    batch.v_sense = ow_matrix_create(batch.n_read, a->xb.cols);
    batch.v_gain = ow_matrix_create(batch.n_read, a->xb.cols);
    batch.energy = calloc(batch.n_read + 1, sizeof *batch.energy);
    batch.moved = calloc(batch.n_read + 1, sizeof *batch.moved);
    batch.settle = calloc(batch.n_read + 1, sizeof *batch.settle);
    batch.steps = calloc(batch.n_read + 1, sizeof *batch.steps);
    batch.coupling = calloc(batch.n_read + 1, sizeof *batch.coupling);
    enum ow_status st;
    if (!job.is_done || !job.read || !batch.v_sense.a || !batch.v_gain.a || !batch.energy ||
        !batch.moved || !batch.settle || !batch.steps || !batch.coupling)
        st = ow_fail(err, OW_ERR_NOMEM, "results: out of memory");
    else
        st = run(&job, err);
    struct ow_crossbar seen = a->xb;
    seen.sense.r_f = ow_array_ohm(a);
    if (!st)
        ow_noise_add_thermal(&seen, &a->mapping.g, ow_array_bandwidth(a), &batch.v_sense);
    free(job.is_done);
    free(job.read);
    batch.wall_s = ow_seconds() - begin;
    if (st)
        ow_batch_finish(&batch);
    else
        *out = batch;
    return st;
}

void ow_batch_finish(struct ow_batch *batch)
{
    ow_matrix_finish(&batch->v_sense);
    ow_matrix_finish(&batch->v_gain);
    free(batch->energy);
    free(batch->moved);
    free(batch->settle);
    free(batch->steps);
    free(batch->coupling);
    memset(batch, 0, sizeof *batch);
}
