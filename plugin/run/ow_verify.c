#include "ow_verify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_clock.h"

static enum ow_status make_readings(const struct ow_array *a, size_t n, struct ow_reading **out,
                                    struct ow_error *err)
{
    *out = calloc(n, sizeof **out);
    if (!*out)
        return ow_fail(err, OW_ERR_NOMEM, "readings: out of memory");
    for (size_t k = 0; k < n; k++) {
        const enum ow_status st = ow_host_reading(a, &(*out)[k], err);
        if (st)
            return st;
    }
    return OW_OK;
}

/* Every chosen read in one host. */
static enum ow_status read_all(const struct ow_array *a, const struct ow_verify_options *o,
                               enum ow_engine_kind kind, size_t n_before,
                               struct ow_reading out[], double *wall_s, struct ow_error *err)
{
    const struct ow_host_options how = {.kind = kind,
                                        .rtol = a->spec->engine.rtol,
                                        .allows_commands = a->spec->allows_commands,
                                        .codemodel = o->codemodel,
                                        .timeout_s = o->timeout_s,
                                        .cancel = o->cancel};
    const size_t n = o->n_vector * a->n_phase;
    const double begin = ow_seconds();
    struct ow_host *host = NULL;
    enum ow_status st = ow_host_open(a, &how, &host, err);
    for (size_t k = 0; !st && k < n; k++) {
        const size_t read = o->vector[k / a->n_phase] * a->n_phase + k % a->n_phase;
        st = ow_host_read(host, read, NULL, &out[k], err);
        if (!st && o->progress)
            o->progress(o->data, n_before + k + 1, 2 * n);
    }
    ow_host_close(host);
    *wall_s = ow_seconds() - begin;
    return st;
}

enum ow_status ow_verify_run(const struct ow_array *a, const struct ow_verify_options *options,
                             struct ow_verify_result *out, struct ow_error *err)
{
    const bool is_coupled = a->spec->engine.name == OW_ENGINE_COSIM;
    const enum ow_engine_kind kind = is_coupled ? OW_ENGINE_COSIM : OW_ENGINE_CVODE;
    struct ow_verify_result r = {.n_read = options->n_vector * a->n_phase,
                                 .has_wave = is_coupled};
    enum ow_status st;
    if ((st = make_readings(a, r.n_read, &r.engine, err)) ||
        (st = make_readings(a, r.n_read, &r.spice, err)) ||
        (st = read_all(a, options, kind, 0, r.engine, &r.engine_s, err)) ||
        (st = read_all(a, options, OW_ENGINE_NGSPICE, r.n_read, r.spice, &r.spice_s, err)) ||
        (st = ow_compare(&a->xb, &a->pulse, r.engine, r.spice, r.n_read, &r.comparison, err))) {
        ow_verify_result_finish(&r);
        return st;
    }
    if (is_coupled) {
        ow_compare_waves(r.engine, r.spice, r.n_read, r.comparison.full_scale, &r.wave,
                         &r.t_wave);
        r.comparison.is_ok = r.comparison.is_ok && r.wave.is_ok;
    }
    for (size_t k = 0; k < r.n_read; k++)
        r.moved = fmax(r.moved, ow_array_moved(a, &r.engine[k], &r.n_moved));
    *out = r;
    return OW_OK;
}

void ow_verify_result_finish(struct ow_verify_result *r)
{
    for (size_t k = 0; k < r->n_read; k++) {
        if (r->engine)
            ow_reading_finish(&r->engine[k]);
        if (r->spice)
            ow_reading_finish(&r->spice[k]);
    }
    free(r->engine);
    free(r->spice);
    ow_comparison_finish(&r->comparison);
    memset(r, 0, sizeof *r);
}
