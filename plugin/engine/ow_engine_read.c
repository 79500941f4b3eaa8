/* One transient: from the DC point at t = 0 through the pieces between the corners of the
 * sources' pulses,
 *
 *   v_source(t) = amplitude pulse(t) ,
 *
 * to the end of the last.  States that do not move under the full drive are held, which leaves
 * the nodes alone as unknowns; if one stirs after all, the pulse is run once more. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_clock.h"
#include "ow_engine_parts.h"
#include "ow_kernel.h"

/* ---- the drive --------------------------------------------------------------------- */

void ow_engine_drive(void *data, double t, double v_row[])
{
    const struct ow_engine *e = data;
    const struct ow_pulse *pulse = e->pulse;
    const double height = ow_pulse_at(pulse, t);
    for (size_t r = 0; r < e->circuit->n_source; r++)
        v_row[r] = (pulse->width ? ow_pulse_source_at(pulse, r, t) : height) * e->amplitude[r];
}

/* Slope of a source's pulse at time t [1/s]. */
static double slope_at(const struct ow_pulse *pulse, size_t source, double t)
{
    const double fall = ow_pulse_fall(pulse, source);
    return t < pulse->t_rise                      ? 1.0 / pulse->t_rise
           : t > fall && t < fall + pulse->t_rise ? -1.0 / pulse->t_rise
                                                  : 0.0;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Where the sources' pulses turn, in order, and the end; those that differ by rounding once. */
static size_t find_corners(struct ow_engine *e)
{
    const struct ow_pulse *p = e->pulse;
    double *corner = e->corner;
    size_t n = 0, n_kept = 1;
    corner[n++] = 0.0;
    corner[n++] = p->t_rise;
    for (size_t r = 0; r < (p->width ? e->circuit->n_source : 1); r++)
        if (!p->width || e->amplitude[r] != 0.0) {
            corner[n++] = ow_pulse_fall(p, r);
            corner[n++] = ow_pulse_fall(p, r) + p->t_rise;
        }
    corner[n++] = ow_pulse_end(p);
    if (!p->width)
        return n;
    qsort(corner, n, sizeof *corner, ascending);
    for (size_t k = 1; k < n; k++)
        if (corner[k] - corner[n_kept - 1] > 1e-9 * p->t_rise)
            corner[n_kept++] = corner[k];
    return n_kept;
}

/* ---- the pulse --------------------------------------------------------------------- */

static double stored(struct ow_engine *e, double t, const double y[])
{
    ow_engine_drive(e, t, e->v_row);
    ow_system_place_values(&e->sys, e->v_row, y);
    return ow_energy_stored(e->circuit, e->sys.v_node);
}

/* To the DC point at t = 0 with states x. */
static enum ow_status begin(struct ow_engine *e, const double x[], struct ow_reading *out,
                            double *stored_before, struct ow_error *err)
{
    double *y = ow_stepper_y(e->stepper);
    ow_engine_drive(e, 0.0, e->v_row);
    enum ow_status st = ow_dc_solve(&e->dc, e->v_row, x, e->y_dc, err);
    if (st)
        return st;
    memcpy(y, e->y_dc, e->sys.n_y * sizeof *y);
    *stored_before = stored(e, 0.0, y);
    ow_ledger_clear(&e->ledger);
    st = ow_sensed_begin(&e->sensed, e->pulse, y, out);
    return st ? ow_fail(err, st, "out of memory") : OW_OK;
}

/* Whether outputs are sampled at corner k of n: where the fall begins, and of integrators with
 * widths at the end. */
static bool is_sample(const struct ow_engine *e, size_t k, size_t n)
{
    return e->pulse->width ? k == n - 1 && ow_sensed_are_integrals(&e->sensed) : k == 2;
}

/* Of cells that are held, where the system is placed.  No node is above all that drive one:
 * sources, and amplifiers, which an offset may take a little past their rails; a cell is
 * between two of them. */
static bool are_ohmic(const struct ow_engine *e)
{
    const struct ow_sense *sense = &e->circuit->xb->sense;
    const double source = ow_largest(e->amplitude, e->circuit->n_source),
                 output = e->circuit->n_amp > 0 ? 0.5 * sense->vdd + fabs(sense->v_os) : 0.0;
    return ow_look_is_ohmic(&e->sys, NULL, 2.0 * fmax(source, output), e->ledger.room);
}

/* The whole pulse from states x, held or not.  *has_stirred: a held state has a rate, so what
 * is in `out` is not the answer. */
static enum ow_status run_pulse(struct ow_engine *e, const double x[], bool is_held,
                                bool *has_stirred, struct ow_reading *out, struct ow_error *err)
{
    const double *corner = e->corner, *y = ow_stepper_y(e->stepper);
    const size_t n = find_corners(e);
    double stored_before;
    ow_engine_clear(out);
    *has_stirred = false;
    ow_system_hold(&e->sys, is_held);
    enum ow_status st = begin(e, x, out, &stored_before, err);
    e->sys.is_ohmic = !st && is_held && are_ohmic(e);
    for (size_t k = 1; !st && k < n; k++) {
        const double middle = 0.5 * (corner[k - 1] + corner[k]);
        for (size_t r = 0; r < e->circuit->n_source; r++)
            e->dv_row[r] = slope_at(e->pulse, r, middle) * e->amplitude[r];
        st = ow_engine_piece(e, corner[k - 1], corner[k], has_stirred, out, err);
        if (*has_stirred)
            return st;
        if (!st && is_sample(e, k, n))
            ow_sensed_sample(&e->sensed, y, out);
    }
    if (st)
        return st;
    out->energy = ow_ledger_energy(&e->ledger, stored(e, corner[n - 1], y) - stored_before);
    ow_system_get_states(&e->sys, y, out->x_end);
    return OW_OK;
}

enum ow_status ow_engine_read(struct ow_engine *e, const double amplitude[],
                              const struct ow_pulse *pulse, const double *x_begin,
                              struct ow_reading *out, struct ow_error *err)
{
    const double start = ow_seconds();
    struct ow_power at;
    e->amplitude = amplitude;
    e->pulse = pulse;
    const double *x = ow_engine_states(e, x_begin);
    enum ow_status st = ow_engine_dc(e, amplitude, x, out->v_dc, NULL, err);
    if (st)
        return st;
    ow_sensed_hold(&e->sensed, pulse, out->v_dc);
    ow_ledger_dc(&e->ledger, e->options.rtol, &at);
    /* lines that settle share out energies of that order by guess */
    e->settle.energy_most = 30.0 * e->options.rtol * pulse->t_read * at.throughput;
    ow_system_place_values(&e->sys, amplitude, e->y_dc);
    /* If nothing moves under the full drive, most likely nothing will. */
    bool has_stirred = true;
    if (!e->circuit->xb->model->fire && ow_system_is_at_rest(&e->sys))
        st = run_pulse(e, x, true, &has_stirred, out, err);
    if (!st && has_stirred)
        st = run_pulse(e, x, false, &has_stirred, out, err);
    ow_system_hold(&e->sys, false);
    out->wall_s = ow_seconds() - start;
    return st;
}
