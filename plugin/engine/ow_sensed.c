#include "ow_sensed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_integral.h"

enum ow_status ow_sensed_init(const struct ow_system *sys, struct ow_sensed *out)
{
    const size_t cols = sys->circuit->xb->cols;
    *out = (struct ow_sensed){.sys = sys};
    out->v = calloc(cols, sizeof *out->v);
    out->v_begin = calloc(cols, sizeof *out->v_begin);
    out->v_jump = calloc(cols, sizeof *out->v_jump);
    return out->v && out->v_begin && out->v_jump ? OW_OK : OW_ERR_NOMEM;
}

void ow_sensed_finish(struct ow_sensed *s)
{
    free(s->v);
    free(s->v_begin);
    free(s->v_jump);
    *s = (struct ow_sensed){0};
}

/* ---- one point ------------------------------------------------------------------------- */

bool ow_sensed_are_integrals(const struct ow_sensed *s)
{
    return s->sys->circuit->xb->sense.kind == OW_SENSE_INTEGRATOR;
}

void ow_sensed_at(const struct ow_sensed *s, const double y[], double v[])
{
    const struct ow_circuit *ckt = s->sys->circuit;
    for (size_t j = 0; j < ckt->xb->cols; j++)
        v[j] = ckt->sense_out[j] < ckt->first_free ? s->sys->v_node[ckt->sense_out[j]]
                                                   : y[ckt->sense_out[j] - ckt->first_free];
}

void ow_sensed_gain(const struct ow_sensed *s, const double y[], double v_gain[])
{
    const struct ow_circuit *ckt = s->sys->circuit;
    for (size_t j = 0; j < ckt->n_amp; j++)
        v_gain[j] = y[ckt->amp[j].inner - ckt->first_free];
}

void ow_sensed_extremes(const struct ow_sensed *s, const double y[], double v_gain[])
{
    const struct ow_circuit *ckt = s->sys->circuit;
    for (size_t j = 0; j < ckt->n_amp; j++) {
        const double v = y[ckt->amp[j].inner - ckt->first_free];
        v_gain[j] = fabs(v) > fabs(v_gain[j]) ? v : v_gain[j];
    }
}

void ow_sensed_hold(const struct ow_sensed *s, const struct ow_pulse *pulse, double v[])
{
    const struct ow_crossbar *xb = s->sys->circuit->xb;
    for (size_t j = 0; ow_sensed_are_integrals(s) && j < xb->cols; j++)
        v[j] *= ow_integrator_gain(&xb->sense, pulse);
}

/* ---- integrals ------------------------------------------------------------------------- */

/* The gain from an integrator's input to the slope of its output [1/s]. */
static double integrator_rate(const struct ow_sensed *s)
{
    const struct ow_sense *sense = &s->sys->circuit->xb->sense;
    return -1.0 / (sense->r_f * sense->c_int);
}

/* As many of the columns from j on as one ow_integral takes. */
static size_t columns_from(size_t j, size_t cols)
{
    return cols - j < OW_INTEGRAL_MOST ? cols - j : (size_t)OW_INTEGRAL_MOST;
}

/* Columns [j, j + n) of integrators: from their inputs at the points of a smooth piece, all
 * but the first, to their outputs there.  An interval's integral is known one point later. */
static void integrate_inputs(const struct ow_sensed *s, size_t first, size_t j, size_t n,
                             struct ow_reading *out)
{
    const double rate = integrator_rate(s);
    struct ow_waveform *w = &out->wave;
    double f[OW_INTEGRAL_MOST], v_out[OW_INTEGRAL_MOST];
    struct ow_integral integral;
    memcpy(v_out, w->v + first * out->cols + j, n * sizeof *v_out);
    ow_integral_begin(&integral, n);
    for (size_t k = first; k < w->n; k++) {
        const double *v_in = k == first ? s->v_begin + j : w->v + k * out->cols + j;
        for (size_t c = 0; c < n; c++)
            f[c] = rate * v_in[c];
        ow_integral_add(&integral, w->t[k], f, v_out);
        if (k >= first + 2)
            memcpy(w->v + (k - 1) * out->cols + j, v_out, n * sizeof *v_out);
    }
    ow_integral_end(&integral, v_out);
    memcpy(w->v + (w->n - 1) * out->cols + j, v_out, n * sizeof *v_out);
}

/* Columns [j, j + n) of others: the integrals of their outputs. */
static void integrate_outputs(const struct ow_sensed *s, size_t first, size_t j, size_t n,
                              struct ow_reading *out)
{
    const struct ow_waveform *w = &out->wave;
    double sum[OW_INTEGRAL_MOST] = {0.0};
    struct ow_integral integral;
    ow_integral_begin(&integral, n);
    for (size_t k = first; k < w->n; k++)
        ow_integral_add(&integral, w->t[k], w->v + k * out->cols + j, sum);
    ow_integral_end(&integral, sum);
    for (size_t k = 0; k < n; k++)
        out->v_sample[j + k] += sum[k] / ow_pulse_area(s->pulse);
}

void ow_sensed_end_piece(struct ow_sensed *s, size_t first, struct ow_reading *out)
{
    const bool are_integrals = ow_sensed_are_integrals(s);
    for (size_t j = 0, n; are_integrals && j < out->cols; j += n)
        integrate_inputs(s, first, j, n = columns_from(j, out->cols), out);
    if (are_integrals)
        memcpy(s->v_begin, s->v, out->cols * sizeof *s->v_begin);
    for (size_t j = 0, n; !are_integrals && s->pulse->width && j < out->cols; j += n)
        integrate_outputs(s, first, j, n = columns_from(j, out->cols), out);
}

/* ---- the waveform ---------------------------------------------------------------------- */

enum ow_status ow_sensed_note(struct ow_sensed *s, double t, const double y[],
                              struct ow_reading *out)
{
    if (s->pulse->width)
        ow_sensed_extremes(s, y, out->v_gain);
    ow_sensed_at(s, y, s->v);
    return ow_waveform_append(&out->wave, out->cols, t, s->v);
}

/* The last point of the waveform, of integrators: the outputs of the one before, or 0, and what
 * lines have given that have settled since; their inputs are where the next piece begins. */
static void begin_inputs(struct ow_sensed *s, struct ow_reading *out)
{
    double *v = out->wave.v + (out->wave.n - 1) * out->cols;
    for (size_t j = 0; j < out->cols; j++)
        v[j] = (out->wave.n > 1 ? v[(ptrdiff_t)j - (ptrdiff_t)out->cols] : 0.0) + s->v_jump[j];
    memset(s->v_jump, 0, out->cols * sizeof *s->v_jump);
    memcpy(s->v_begin, s->v, out->cols * sizeof *s->v_begin);
}

enum ow_status ow_sensed_begin(struct ow_sensed *s, const struct ow_pulse *pulse,
                               const double y[], struct ow_reading *out)
{
    s->pulse = pulse;
    memset(s->v_jump, 0, out->cols * sizeof *s->v_jump);
    const enum ow_status st = ow_sensed_note(s, 0.0, y, out);
    if (!st && ow_sensed_are_integrals(s))
        begin_inputs(s, out);
    return st;
}

void ow_sensed_settle(struct ow_sensed *s, const double area[])
{
    const struct ow_circuit *ckt = s->sys->circuit;
    for (size_t j = 0; ow_sensed_are_integrals(s) && j < ckt->xb->cols; j++)
        s->v_jump[j] += integrator_rate(s) * area[ckt->sense_in[j] - ckt->first_free];
}

enum ow_status ow_sensed_step(struct ow_sensed *s, bool is_settled, double t, const double y[],
                              struct ow_reading *out)
{
    const bool are_integrals = ow_sensed_are_integrals(s);
    if (!are_integrals && !(is_settled && s->pulse->width))
        return OW_OK;
    const enum ow_status st = ow_sensed_note(s, t, y, out);
    if (!st && are_integrals)
        begin_inputs(s, out);
    return st;
}

void ow_sensed_sample(const struct ow_sensed *s, const double y[], struct ow_reading *out)
{
    if (ow_sensed_are_integrals(s)) { /* where the waveform has come to */
        const double *v = out->wave.v + (out->wave.n - 1) * out->cols;
        memcpy(out->v_sample, v, out->cols * sizeof *v);
        memcpy(out->v_gain, v, out->cols * sizeof *v);
    } else {
        ow_sensed_at(s, y, out->v_sample);
        ow_sensed_gain(s, y, out->v_gain);
    }
}
