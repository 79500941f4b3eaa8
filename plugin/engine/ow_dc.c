#include "ow_dc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_kernel.h"
#include "ow_pages.h"

enum { MAX_NEWTON = 60, N_RAMP = 20 };

enum ow_status ow_dc_init(struct ow_system *sys, struct ow_newton *newton, bool is_shared,
                          double v_scale, struct ow_dc *out)
{
    *out = (struct ow_dc){
        .sys = sys, .newton = newton, .is_shared = is_shared, .v_scale = v_scale};
    out->most = calloc(ow_chunks(sys->n_free) + 1, sizeof *out->most);
    out->step = ow_pages_calloc(sys->n_free + 1, sizeof *out->step);
    out->v_part = calloc(sys->circuit->n_source, sizeof *out->v_part);
    out->g_rest = ow_pages_calloc(sys->n_cell, sizeof *out->g_rest);
    return out->most && out->step && out->v_part && out->g_rest ? OW_OK : OW_ERR_NOMEM;
}

void ow_dc_finish(struct ow_dc *dc)
{
    free(dc->most);
    free(dc->step);
    free(dc->v_part);
    free(dc->g_rest);
    *dc = (struct ow_dc){0};
}

/* Factor at the placed point; at_rest: all free nodes are at 0 V. */
static enum ow_status factor(struct ow_dc *dc, bool at_rest)
{
    const size_t size = dc->sys->n_cell * sizeof *dc->g_rest;
    const double *g = dc->sys->at.di_dv;
    if (at_rest && dc->has_rest && memcmp(dc->g_rest, g, size) == 0)
        return OW_OK;
    dc->has_rest = false;
    const enum ow_status st = ow_newton_setup_dc(dc->newton);
    if (st)
        return st;
    if (at_rest && !dc->is_shared) {
        memcpy(dc->g_rest, g, size);
        dc->has_rest = true;
    }
    return OW_OK;
}

OW_CLONES static double take_chunk(double part, const double step[], double y[], size_t n)
{
    for (size_t k = 0; k < n; k++)
        y[k] += part * step[k];
    return ow_largest(step, n);
}

/* y += part of the step, whose greatest magnitude is returned; NaN if anything is not finite.
 */
static double take(struct ow_dc *dc, double part, double y[])
{
    const size_t n = dc->sys->n_free, n_chunk = ow_chunks(n);
    OW_SWEEP(dc->sys->n_threads, c, n_chunk, 1,
             dc->most[c] = take_chunk(part, dc->step + c * OW_CHUNK, y + c * OW_CHUNK,
                                      ow_chunk_length(n, c)));
    return ow_largest(dc->most, n_chunk);
}

/* Newton on I(V) = 0 from the voltages in y, states frozen; at_rest: they are 0.  A step may
 * not carry a node past twice the supply, since the clamps beyond it are exponentially stiff.
 * The matrix is kept while it still takes the residual down by 1e3: a linear circuit is
 * factored once.
 *
 * Linear solutions are inexact: one pass in single precision, which leaves `exact` of the
 * residual, or less work where the last step has shown that the devices' curvature will leave
 * more than that (its square, with a new matrix).  What remains after a step is guessed
 * likewise: the contraction seen last, squared if the matrix is new, or `exact`. */
static enum ow_status iterate(struct ow_dc *dc, const double v_row[], bool at_rest, double y[])
{
    const struct ow_circuit *ckt = dc->sys->circuit;
    const double limit = 2.0 * fmax(ckt->xb->sense.vdd, 0.0) + 10.0 * dc->v_scale;
    const bool has_amps = ckt->n_amp > 0; /* whose clamps are anything but square */
    const double exact = 5e-6, coarse = 1e-2, curved = 0.1;
    double residual = 0.0, step = 0.0;
    for (int k = 0; k < MAX_NEWTON; k++) {
        const double residual_before = residual, step_before = step;
        residual = ow_system_place_static(dc->sys, v_row, y, dc->sys->current);
        const double left = k > 0 ? residual / residual_before : 0.0;
        const bool is_new = k == 0 || left > 1e-3;
        enum ow_status st = is_new ? factor(dc, at_rest && k == 0) : OW_OK;
        const double tol = left > curved ? fmin(left * left, coarse) : exact;
        if (st || (st = ow_newton_solve_dc(dc->newton, dc->sys->current, tol, dc->step)))
            return st;
        step = take(dc, 1.0, y);
        if (!isfinite(step))
            return OW_ERR_SOLVER;
        if (step > limit)
            take(dc, limit / step - 1.0, y);
        const double contraction = k > 0 && step < step_before ? step / step_before : 1.0;
        const double next = is_new && !has_amps ? contraction * contraction : contraction;
        if (step * fmax(next, tol) <= 1e-13 * dc->v_scale)
            return OW_OK;
    }
    return OW_ERR_SOLVER;
}

enum ow_status ow_dc_solve(struct ow_dc *dc, const double v_row[], const double x[], double y[],
                           struct ow_error *err)
{
    memset(y, 0, dc->sys->n_y * sizeof *y);
    ow_system_put_states(dc->sys, x, y);
    enum ow_status st = iterate(dc, v_row, true, y);
    if (st != OW_ERR_SOLVER)
        return st ? ow_fail(err, st, "the DC solution: %s", ow_status_str(st)) : OW_OK;
    memset(y, 0, dc->sys->n_free * sizeof *y);
    for (int step = 0; step <= N_RAMP; step++) {
        for (size_t r = 0; r < dc->sys->circuit->n_source; r++)
            dc->v_part[r] = v_row[r] * step / N_RAMP;
        if ((st = iterate(dc, dc->v_part, step == 0, y)))
            return ow_fail(err, st,
                           "no DC solution found (Newton's method, %d %% of the drive): %s",
                           100 * step / N_RAMP, ow_status_str(st));
    }
    return OW_OK;
}
