#include "ow_host.h"

#include <math.h>
#include <stdlib.h>

#include "ow_engine.h"
#include "ow_spice.h"
#include "ow_variant.h"

struct ow_host {
    const struct ow_array *array; /* borrowed */
    enum ow_engine_kind kind;
    struct ow_variant variant;
    struct ow_engine *engine;
    struct ow_spice *spice;
    double *amplitude; /* [n_source] */
};

static enum ow_status open_simulator(struct ow_host *h, const struct ow_host_options *o,
                                     struct ow_error *err)
{
    const struct ow_engine_options engine = {.rtol = o->rtol,
                                             .v_scale = h->array->v_scale,
                                             .n_threads = o->n_threads,
                                             .cancel = o->cancel};
    const struct ow_spice_options spice = {
        .codemodel = o->codemodel, .timeout_s = o->timeout_s, .cancel = o->cancel};
    switch (o->kind) {
    case OW_ENGINE_CVODE:
    case OW_ENGINE_DC:
        return ow_engine_create(h->variant.circuit, &engine, o->kind == OW_ENGINE_DC,
                                &h->engine, err);
    case OW_ENGINE_NGSPICE:
        return ow_spice_open(&spice, &h->spice, err);
    case OW_ENGINE_COSIM:
        break;
    }
    return ow_spec_fail(h->array->spec, "engine.name", err, OW_ERR_INPUT,
                        "cosim is not supported yet; expected cvode, ngspice or dc");
}

enum ow_status ow_host_open(const struct ow_array *array, const struct ow_host_options *options,
                            struct ow_host **out, struct ow_error *err)
{
    struct ow_host *h = calloc(1, sizeof *h);
    if (!h)
        return ow_fail(err, OW_ERR_NOMEM, "the simulator: out of memory");
    h->array = array;
    h->kind = options->kind;
    h->amplitude = calloc(ow_crossbar_sources(&array->xb), sizeof *h->amplitude);
    enum ow_status st;
    if (!h->amplitude) {
        st = ow_fail(err, OW_ERR_NOMEM, "the simulator: out of memory");
        goto fail;
    }
    if ((st = ow_variant_init(&h->variant, array, options->has_ideal_wires, err)) ||
        (st = open_simulator(h, options, err)))
        goto fail;
    *out = h;
    return OW_OK;
fail:
    ow_host_close(h);
    return st;
}

void ow_host_close(struct ow_host *h)
{
    if (!h)
        return;
    ow_engine_destroy(h->engine);
    ow_spice_close(h->spice);
    ow_variant_finish(&h->variant);
    free(h->amplitude);
    free(h);
}

static enum ow_status simulate(struct ow_host *h, const double amplitude[],
                               const double *x_begin, struct ow_reading *out,
                               struct ow_error *err)
{
    const struct ow_pulse *pulse = &h->array->pulse;
    switch (h->kind) {
    case OW_ENGINE_DC:
        return ow_engine_read_dc(h->engine, amplitude, pulse, x_begin, out, err);
    case OW_ENGINE_NGSPICE:
        return ow_spice_read(h->spice, h->variant.circuit, amplitude, pulse, x_begin, out, err);
    default:
        return ow_engine_read(h->engine, amplitude, pulse, x_begin, out, err);
    }
}

enum ow_status ow_host_balance(const struct ow_energy *energy, struct ow_error *err)
{
    const double residual = ow_energy_residual(energy);
    if (!(residual <= OW_BALANCE))
        return ow_fail(err, OW_ERR_BALANCE,
                       "the energy does not balance: sources and dissipation differ by %.3g of "
                       "the throughput, expected at most %g",
                       residual, OW_BALANCE);
    return OW_OK;
}

void ow_host_select(struct ow_host *h, size_t row)
{
    ow_variant_select(&h->variant, row);
}

enum ow_status ow_host_drive(struct ow_host *h, const double amplitude[], const double *x_begin,
                             struct ow_reading *out, struct ow_error *err)
{
    const enum ow_status st = simulate(h, amplitude, x_begin, out, err);
    return st ? st : ow_host_balance(&out->energy, err);
}

enum ow_status ow_host_read(struct ow_host *h, size_t read, const double *x_begin,
                            struct ow_reading *out, struct ow_error *err)
{
    const size_t vector = read / h->array->n_phase;
    struct ow_error why = {0};
    ow_array_amplitudes(h->array, read, h->amplitude);
    ow_variant_redraw(&h->variant, read / h->array->n_sign);
    const enum ow_status st = ow_host_drive(h, h->amplitude, x_begin, out, &why);
    if (st == OW_ERR_CANCELLED)
        return ow_fail(err, st, "cancelled");
    return st ? ow_fail(err, st, "%s %zu: %s", h->array->writes.n ? "pulse" : "input vector",
                        vector, why.text)
              : OW_OK;
}

enum ow_status ow_host_reading(const struct ow_array *a, struct ow_reading *out,
                               struct ow_error *err)
{
    if (ow_reading_init(out, a->xb.cols, a->xb.rows * a->xb.cols, a->xb.model->n_state))
        return ow_fail(err, OW_ERR_NOMEM, "a reading: out of memory");
    return OW_OK;
}
