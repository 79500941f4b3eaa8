#include "ow_batch_ports.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "ow_clock.h"
#include "ow_crew.h"
#include "ow_ports.h"
#include "ow_variant.h"

struct job {
    const struct ow_array *array;
    const struct ow_batch_options *options;
    struct ow_batch *batch;
    struct ow_ports *ports;
    bool *is_done; /* [n_read] */
    size_t n_done;
};

/* ---- tasks ----------------------------------------------------------------------------- */

static enum ow_status check_cancel(const struct job *job, struct ow_error *err)
{
    const volatile sig_atomic_t *cancel = job->options->host.cancel;
    return cancel && *cancel ? ow_fail(err, OW_ERR_CANCELLED, "cancelled") : OW_OK;
}

static size_t block_size(const struct job *job, size_t block)
{
    const size_t left = job->batch->n_read - block * OW_PORTS_BLOCK;
    return left < OW_PORTS_BLOCK ? left : OW_PORTS_BLOCK;
}

/* Pulse heights of a block's reads, [n][rows]; NULL without memory. */
static double *block_amplitudes(const struct job *job, size_t block)
{
    const size_t rows = job->array->xb.rows;
    double *amplitude = malloc(OW_PORTS_BLOCK * rows * sizeof *amplitude);
    for (size_t k = 0; amplitude && k < block_size(job, block); k++)
        ow_array_amplitudes(job->array, block * OW_PORTS_BLOCK + k, amplitude + k * rows);
    return amplitude;
}

static enum ow_status read_block(void *data, void *own, size_t block, struct ow_error *err)
{
    struct job *job = data;
    struct ow_batch *batch = job->batch;
    const size_t first = block * OW_PORTS_BLOCK, n = block_size(job, block);
    enum ow_status st = check_cancel(job, err);
    if (st)
        return st;
    double *amplitude = block_amplitudes(job, block);
    if (!amplitude)
        return ow_fail(err, OW_ERR_NOMEM, "inputs: out of memory");
    st = ow_ports_read(
        job->ports, n, amplitude, &job->array->pulse, ow_matrix_row(&batch->v_sense, first),
        ow_matrix_row(&batch->v_gain, first), batch->energy + first, job->is_done + first, err);
    free(amplitude);
    for (size_t read = first; read < first + n && !st; read++) {
        struct ow_error why = {0};
        if (!job->is_done[read])
            continue;
        batch->settle[read] = NAN;
        if ((st = ow_host_balance(&batch->energy[read], &why)))
            ow_fail(err, st, "input vector %zu: %s", read / job->array->n_phase, why.text);
    }
    return st;
}

static void block_done(void *data, size_t block)
{
    struct job *job = data;
    const size_t before = job->n_done;
    for (size_t k = 0; k < block_size(job, block); k++)
        job->n_done += job->is_done[block * OW_PORTS_BLOCK + k];
    if (job->options->progress && job->n_done > before)
        job->options->progress(job->options->data, job->n_done, job->batch->n_read);
}

/* ---- the whole --------------------------------------------------------------------------- */

enum ow_status ow_batch_ports(const struct ow_array *a, const struct ow_batch_options *options,
                              struct ow_batch *batch, bool is_done[], struct ow_error *err)
{
    const double v_most = 2.0 * (a->v_scale + fabs(a->xb.sense.v_os));
    struct ow_variant variant = {0};
    struct ow_error why = {0};
    struct job job = {.array = a, .options = options, .batch = batch, .is_done = is_done};
    const struct ow_crew readers = {.data = &job, .task = read_block, .done = block_done};
    const size_t n_block = (batch->n_read + OW_PORTS_BLOCK - 1) / OW_PORTS_BLOCK;
    const double begin = ow_seconds();
    if (options->host.kind != OW_ENGINE_DC || a->mapping.sigma_read > 0.0 ||
        a->spec->input.encoding == OW_ENCODING_PULSE_WIDTH)
        return OW_OK;
    enum ow_status st = ow_variant_init(&variant, a, options->host.has_ideal_wires, &why);
    if (!st && ow_ports_pays(variant.circuit, batch->n_read))
        st = ow_ports_create(variant.circuit, v_most,
                             (int)ow_crew_size(options->n_worker, SIZE_MAX),
                             options->host.cancel, &job.ports, &why);
    if (job.ports) {
        batch->setup_s = ow_seconds() - begin;
        st = ow_crew_run(&readers, options->n_worker, n_block, &why);
    }
    ow_ports_destroy(job.ports);
    ow_variant_finish(&variant);
    return st ? ow_fail(err, st, "%s", why.text) : OW_OK;
}
