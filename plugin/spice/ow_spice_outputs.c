#include "ow_spice_outputs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void clear(struct ow_reading *out)
{
    out->energy = (struct ow_energy){0};
    out->coupling = (struct ow_coupling){0};
    out->wave.n = 0;
    out->steps = out->events = 0;
    memset(out->v_sample, 0, out->cols * sizeof *out->v_sample);
    memset(out->v_gain, 0, out->cols * sizeof *out->v_gain);
    for (size_t j = 0; j < out->n_cell; j++)
        out->t_event[j] = NAN;
}

enum ow_status ow_outputs_init(const struct ow_circuit *circuit, const struct ow_pulse *pulse,
                               struct ow_reading *out, struct ow_outputs *o,
                               struct ow_error *err)
{
    const size_t cols = circuit->xb->cols;
    *o = (struct ow_outputs){.pulse = pulse,
                             .out = out,
                             .is_integrator = circuit->xb->sense.kind == OW_SENSE_INTEGRATOR,
                             .n_gain = circuit->n_amp,
                             .t = -1.0};
    o->v = calloc(5 * cols, sizeof *o->v);
    if (!o->v)
        return ow_fail(err, OW_ERR_NOMEM, "ngspice: out of memory");
    o->gain = o->v + cols;
    o->v_before = o->v + 2 * cols;
    o->gain_before = o->v + 3 * cols;
    o->converted = o->v + 4 * cols;
    clear(out);
    return OW_OK;
}

void ow_outputs_finish(struct ow_outputs *o)
{
    free(o->v);
    *o = (struct ow_outputs){0};
}

/* Linear between the points around the sampling time, which is a time point but for
 * rounding. */
static void sample(struct ow_outputs *o, double t)
{
    struct ow_reading *r = o->out;
    const double ts = ow_pulse_sample(o->pulse);
    if (!(o->t < ts && t >= ts))
        return;
    const double share = (ts - o->t) / (t - o->t);
    for (size_t j = 0; j < r->cols; j++)
        r->v_sample[j] = o->v_before[j] + (o->v[j] - o->v_before[j]) * share;
    for (size_t j = 0; j < o->n_gain; j++)
        r->v_gain[j] = o->gain_before[j] + (o->gain[j] - o->gain_before[j]) * share;
    if (o->is_integrator)
        memcpy(r->v_gain, r->v_sample, r->cols * sizeof *r->v_gain);
}

/* With widths: integrals, by the trapezoidal rule, and the extremes of the gain nodes; of
 * integrators what they have come to. */
static void accumulate(struct ow_outputs *o, double dt)
{
    struct ow_reading *r = o->out;
    const double part = 0.5 * dt / ow_pulse_area(o->pulse);
    for (size_t j = 0; j < r->cols; j++) {
        if (o->is_integrator)
            r->v_sample[j] = r->v_gain[j] = o->v[j];
        else
            r->v_sample[j] += part * (o->v_before[j] + o->v[j]);
    }
    for (size_t j = 0; j < o->n_gain; j++)
        if (fabs(o->gain[j]) > fabs(r->v_gain[j]))
            r->v_gain[j] = o->gain[j];
}

enum ow_status ow_outputs_take(struct ow_outputs *o, const struct ow_spice_point *point,
                               struct ow_error *err)
{
    struct ow_reading *r = o->out;
    if (!point->is_tran) {
        memcpy(r->v_dc, o->v, r->cols * sizeof *o->v);
        return OW_OK;
    }
    if (o->t >= 0.0) {
        if (!(point->t > o->t))
            return ow_fail(err, OW_ERR_HOST, "ngspice went back in time: %.17g s after %.17g s",
                           point->t, o->t);
        if (o->pulse->width)
            accumulate(o, point->t - o->t);
        else
            sample(o, point->t);
        r->steps++;
    }
    if (o->is_converted)
        memcpy(r->v_sample, o->converted, r->cols * sizeof *r->v_sample);
    memcpy(o->v_before, o->v, r->cols * sizeof *o->v);
    memcpy(o->gain_before, o->gain, r->cols * sizeof *o->gain);
    o->t = point->t;
    return ow_waveform_append(&r->wave, r->cols, point->t, o->v) == OW_OK
               ? OW_OK
               : ow_fail(err, OW_ERR_NOMEM, "ngspice: out of memory");
}
