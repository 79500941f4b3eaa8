/* Reads at DC: the powers p of a DC point, held for the plateau,
 *
 *   E = p t_read ,
 *
 * and with pulses of many widths the sum over the plateaus between their ends, each a DC point
 * of the sources that are still on. */
#include <math.h>
#include <string.h>

#include "ow_clock.h"
#include "ow_engine_parts.h"

/* The DC point with sources at v_row, for a time t; quiescent currents for t_quiescent. */
static enum ow_status add_plateau(struct ow_engine *e, const double v_row[], const double x[],
                                  double t, double t_quiescent, struct ow_energy *sum,
                                  struct ow_error *err)
{
    struct ow_power at;
    const enum ow_status st = ow_engine_dc(e, v_row, x, e->sensed.v, NULL, err);
    if (st)
        return st;
    ow_system_place_static(&e->sys, v_row, e->y_dc, e->sys.current);
    ow_ledger_dc(&e->ledger, e->options.rtol, &at);
    const struct ow_energy energy = ow_power_plateau(&at, t, t_quiescent);
    ow_energy_add(sum, &energy);
    return OW_OK;
}

/* Sources whose pulses have more than `area` (s) left to do, and the least of those areas. */
static double still_on(struct ow_engine *e, const double amplitude[],
                       const struct ow_pulse *pulse, double area)
{
    double next = INFINITY;
    for (size_t r = 0; r < e->circuit->n_source; r++) {
        const double own = ow_pulse_fall(pulse, r);
        const bool is_on =
            amplitude[r] != 0.0 && own > area + 1e-9 * pulse->t_rise; /* but for rounding */
        e->v_row[r] = is_on ? amplitude[r] : 0.0;
        next = is_on ? fmin(next, own) : next;
    }
    return next;
}

/* Of many widths, one plateau after the other; the last is the rest of the run, all off. */
static enum ow_status add_plateaus(struct ow_engine *e, const double amplitude[],
                                   const struct ow_pulse *pulse, const double x[],
                                   struct ow_reading *out, struct ow_error *err)
{
    const double whole = ow_pulse_area(pulse);
    double area = 0.0, next;
    do {
        next = still_on(e, amplitude, pulse, area);
        const bool is_last = isinf(next);
        const double part = ((is_last ? ow_pulse_end(pulse) : next) - area) / whole;
        const enum ow_status st =
            add_plateau(e, e->v_row, x, is_last ? 0.0 : part * pulse->t_read,
                        is_last ? ow_pulse_end(pulse) : 0.0, &out->energy, err);
        if (st)
            return st;
        ow_sensed_extremes(&e->sensed, e->y_dc, out->v_gain);
        ow_sensed_hold(&e->sensed, pulse, e->sensed.v);
        for (size_t j = 0; j < out->cols; j++)
            out->v_sample[j] += part * e->sensed.v[j];
        area = next;
    } while (!isinf(next));
    return OW_OK;
}

enum ow_status ow_engine_read_dc(struct ow_engine *e, const double amplitude[],
                                 const struct ow_pulse *pulse, const double *x_begin,
                                 struct ow_reading *out, struct ow_error *err)
{
    const double start = ow_seconds();
    ow_engine_clear(out);
    out->energy = (struct ow_energy){0};
    const double *x = ow_engine_states(e, x_begin);
    enum ow_status st =
        add_plateau(e, amplitude, x, pulse->width ? 0.0 : pulse->t_read,
                    pulse->width ? 0.0 : ow_pulse_end(pulse), &out->energy, err);
    if (st)
        return st;
    memcpy(out->v_dc, e->sensed.v, out->cols * sizeof *out->v_dc);
    ow_sensed_hold(&e->sensed, pulse, out->v_dc);
    if (pulse->width) {
        st = add_plateaus(e, amplitude, pulse, x, out, err);
    } else {
        memcpy(out->v_sample, out->v_dc, out->cols * sizeof *out->v_dc);
        ow_sensed_gain(&e->sensed, e->y_dc, out->v_gain);
    }
    if (ow_sensed_are_integrals(&e->sensed))
        memcpy(out->v_gain, out->v_sample, out->cols * sizeof *out->v_gain);
    memcpy(out->x_end, x, e->sys.n_state * e->sys.n_cell * sizeof *x);
    out->wall_s = ow_seconds() - start;
    return st;
}
