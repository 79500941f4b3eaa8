#include "ow_host.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ow_bare.h"
#include "ow_engine.h"
#include "ow_spice.h"
#include "ow_variant.h"

struct ow_host {
    const struct ow_array *array; /* borrowed */
    enum ow_engine_kind kind;
    struct ow_variant variant;
    struct ow_engine *engine;
    struct ow_spice *spice;
    struct ow_crossbar bare; /* of a co-simulation: what CVODE has of it, ... */
    struct ow_circuit *bare_circuit;
    unsigned n_threads;
    double *amplitude; /* [n_source] V */
    double *width;     /* [n_source] s */
    bool has_width;    /* of the read at hand */
};

/* A netlist that can run commands on this machine is not run unless the user says so. */
static enum ow_status check_commands(const struct ow_spec *spec, bool are_allowed,
                                     struct ow_error *err)
{
    const char *command = spec->periphery.command;
    return !command || are_allowed
               ? OW_OK
               : ow_fail(
                     err, OW_ERR_INPUT,
                     "%s: a file for the periphery holds a command for ngspice, which could "
                     "do anything on this machine: expected subcircuits and models only, or "
                     "--allow-commands",
                     command);
}

/* The code models of arrays lie beside the others, or in a folder there. */
static void find_array_codemodel(const char *codemodel, char path[PATH_MAX])
{
    const char *slash = codemodel ? strrchr(codemodel, '/') : NULL;
    const int n = slash ? (int)(slash - codemodel) : 1;
    const char *folder = slash ? codemodel : ".";
    snprintf(path, PATH_MAX, "%.*s/ohmweave_array.cm", n, folder);
    if (access(path, R_OK) != 0)
        snprintf(path, PATH_MAX, "%.*s/array/ohmweave_array.cm", n, folder);
}

static enum ow_status open_spice(struct ow_host *h, const struct ow_host_options *o,
                                 struct ow_error *err)
{
    char array_codemodel[PATH_MAX];
    const bool is_coupled = o->kind == OW_ENGINE_COSIM;
    const struct ow_spice_options options = {.codemodel = o->codemodel,
                                             .array_codemodel =
                                                 is_coupled ? array_codemodel : NULL,
                                             .timeout_s = o->timeout_s,
                                             .cancel = o->cancel};
    enum ow_status st = check_commands(h->array->spec, o->allows_commands, err);
    if (st)
        return st;
    if (is_coupled) {
        find_array_codemodel(o->codemodel, array_codemodel);
        h->n_threads = o->n_threads;
        h->bare = ow_bare_crossbar(&h->variant.xb);
        if ((st = ow_circuit_create(&h->bare, &h->bare_circuit, err)))
            return st;
    }
    return ow_spice_open(&options, &h->spice, err);
}

static enum ow_status open_simulator(struct ow_host *h, const struct ow_host_options *o,
                                     struct ow_error *err)
{
    const struct ow_engine_options engine = {.rtol = o->rtol,
                                             .v_scale = h->array->v_scale,
                                             .n_threads = o->n_threads,
                                             .cancel = o->cancel};
    switch (o->kind) {
    case OW_ENGINE_CVODE:
    case OW_ENGINE_DC:
        return ow_engine_create(h->variant.circuit, &engine, o->kind == OW_ENGINE_DC,
                                &h->engine, err);
    case OW_ENGINE_NGSPICE:
    case OW_ENGINE_COSIM:
        break;
    }
    return open_spice(h, o, err);
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
    h->width = calloc(ow_crossbar_sources(&array->xb), sizeof *h->width);
    enum ow_status st;
    if (!h->amplitude || !h->width) {
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
    ow_circuit_destroy(h->bare_circuit);
    ow_variant_finish(&h->variant);
    free(h->amplitude);
    free(h->width);
    free(h);
}

/* What ow_coupled.h makes of it is a tenth of engine.rtol for states. */
#define COUPLED_RTOL 10.0 /* times engine.rtol */

static enum ow_status couple(struct ow_host *h, const double amplitude[],
                             const struct ow_pulse *pulse, const double *x_begin,
                             struct ow_reading *out, struct ow_error *err)
{
    const struct ow_spec *spec = h->array->spec;
    const struct ow_couple_options options = {.rtol =
                                                  fmin(COUPLED_RTOL * spec->engine.rtol, 1e-2),
                                              .tol = spec->engine.tol,
                                              .v_scale = h->array->v_scale,
                                              .n_threads = h->n_threads};
    return ow_spice_couple(h->spice, h->variant.circuit, h->bare_circuit, &options, amplitude,
                           pulse, x_begin, out, err);
}

static enum ow_status simulate(struct ow_host *h, const double amplitude[],
                               const double *x_begin, struct ow_reading *out,
                               struct ow_error *err)
{
    struct ow_pulse own = h->array->pulse;
    const struct ow_pulse *pulse = &own;
    own.width = h->has_width ? h->width : NULL;
    switch (h->kind) {
    case OW_ENGINE_DC:
        return ow_engine_read_dc(h->engine, amplitude, pulse, x_begin, out, err);
    case OW_ENGINE_NGSPICE:
        return ow_spice_read(h->spice, h->variant.circuit, amplitude, pulse, x_begin, out, err);
    case OW_ENGINE_COSIM:
        return couple(h, amplitude, pulse, x_begin, out, err);
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
    h->has_width = ow_array_widths(h->array, read, h->width);
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
