#include "ow_engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_clock.h"
#include "ow_integral.h"
#include "ow_kernel.h"
#include "ow_newton.h"
#include "ow_pages.h"
#include "ow_power.h"
#include "ow_stepper.h"
#include "ow_system.h"

struct ow_engine {
    const struct ow_circuit *circuit; /* borrowed */
    struct ow_engine_options options;
    struct ow_system sys;
    struct ow_mass *mass; /* NULL for DC only */
    struct ow_newton *newton;
    struct ow_stepper *stepper; /* NULL for DC only */

    /* The drive of the read in progress. */
    const double *amplitude;
    const struct ow_pulse *pulse;

    double *v_row, *dv_row, *i_row;  /* [n_source] workspace */
    double *v_sense;                 /* [cols] */
    double *y_dc;                    /* [n_y]; for DC only where v_node has its free nodes */
    double *into, *step;             /* [n_free] A and V: of Newton's method at DC */
    double *most;                    /* [chunks of n_free] */
    double *g_rest;                  /* [n_cell] S, of the matrix that is factored */
    bool has_rest;                   /* if it is one of DC at rest */
    double *x;                       /* [n_state][n_cell] */
    double *v_before, *f_before;     /* [n_cell], [n_state][n_cell]: before lines settle */
    struct ow_integral integral;     /* of the powers, over the smooth piece at hand */
    double energy[OW_INTEGRAL_MOST]; /* what it has summed up */
};

/* ---- life -------------------------------------------------------------------------- */

/* Within a straight piece of the pulse, so corners need no care. */
static void drive(void *data, double t, double v_row[])
{
    const struct ow_engine *e = data;
    const double height = ow_pulse_at(e->pulse, t);
    for (size_t r = 0; r < e->circuit->n_source; r++)
        v_row[r] = height * e->amplitude[r];
}

/* Below that many cells waiting for each other costs more than it brings. */
static int threads_for(const struct ow_circuit *ckt, const struct ow_engine_options *options)
{
    const bool is_large = ckt->xb->rows * ckt->xb->cols > (size_t)300 * 300;
    return is_large && options->n_threads > 1 ? (int)options->n_threads : 1;
}

enum ow_status ow_engine_create(const struct ow_circuit *circuit,
                                const struct ow_engine_options *options, bool dc_only,
                                struct ow_engine **out, struct ow_error *err)
{
    const size_t n_source = circuit->n_source, cols = circuit->xb->cols;
    struct ow_engine *e = calloc(1, sizeof *e);
    if (!e)
        return ow_fail(err, OW_ERR_NOMEM, "out of memory");
    e->circuit = circuit;
    e->options = *options;
    enum ow_status st = ow_system_create(circuit, threads_for(circuit, options), &e->sys);
    if (st)
        goto fail;
    ow_system_hold(&e->sys, dc_only);
    const size_t massless = ow_system_massless(&e->sys);
    if (!dc_only && massless < circuit->n_node) {
        char name[32];
        ow_circuit_node_name(circuit, massless, name);
        st = ow_fail(err, OW_ERR_INPUT,
                     "node %s has no capacitance, so its voltage is no state of a transient: "
                     "give array.c_wordline, array.c_bitline, sense.c_in and sense.c_load "
                     "values above 0, or use engine.name: dc",
                     name);
        goto fail;
    }
    if (!dc_only && (st = ow_mass_create(&e->sys, &e->mass)))
        goto fail;
    if ((st = ow_newton_create(&e->sys, e->mass, &e->newton)))
        goto fail;
    /* The error norm averages over all nodes, so an absolute tolerance near rtol v_scale
     * would let one driven row among many quiet ones go unwatched. */
    const double atol_v = 1e-2 * options->rtol * options->v_scale;
    const double atol_x = 1e-3 * options->rtol;
    if (!dc_only && (st = ow_stepper_create(&e->sys, e->mass, e->newton, options->rtol, atol_v,
                                            atol_x, drive, e, &e->stepper)))
        goto fail;
    st = OW_ERR_NOMEM;
    e->v_row = calloc(n_source, sizeof *e->v_row);
    e->dv_row = calloc(n_source, sizeof *e->dv_row);
    e->i_row = calloc(n_source, sizeof *e->i_row);
    e->v_sense = calloc(cols, sizeof *e->v_sense);
    e->y_dc = dc_only ? e->sys.v_node + circuit->first_free
                      : ow_pages_calloc(e->sys.n_y + 1, sizeof *e->y_dc);
    e->into = ow_pages_calloc(e->sys.n_free + 1, sizeof *e->into);
    e->most = calloc(ow_chunks(e->sys.n_free) + 1, sizeof *e->most);
    e->step = ow_pages_calloc(e->sys.n_free + 1, sizeof *e->step);
    e->x = ow_pages_calloc(e->sys.n_state * e->sys.n_cell + 1, sizeof *e->x);
    if (circuit->xb->model->fire) { /* else nothing settles */
        e->v_before = ow_pages_calloc(e->sys.n_cell, sizeof *e->v_before);
        e->f_before = ow_pages_calloc(e->sys.n_state * e->sys.n_cell, sizeof *e->f_before);
        if (!e->v_before || !e->f_before)
            goto fail;
    }
    e->g_rest = ow_pages_calloc(e->sys.n_cell, sizeof *e->g_rest);
    if (!e->v_row || !e->dv_row || !e->i_row || !e->v_sense || !e->y_dc || !e->into ||
        !e->step || !e->most || !e->x || !e->g_rest)
        goto fail;
    *out = e;
    return OW_OK;
fail:
    ow_engine_destroy(e);
    return err && err->status ? st : ow_fail(err, st, "the engine: %s", ow_status_str(st));
}

void ow_engine_destroy(struct ow_engine *e)
{
    if (!e)
        return;
    if (e->mass) /* else it is the system's */
        free(e->y_dc);
    ow_stepper_destroy(e->stepper);
    ow_newton_destroy(e->newton);
    ow_mass_destroy(e->mass);
    ow_system_finish(&e->sys);
    free(e->v_row);
    free(e->dv_row);
    free(e->i_row);
    free(e->v_sense);
    free(e->into);
    free(e->step);
    free(e->most);
    free(e->x);
    free(e->v_before);
    free(e->f_before);
    free(e->g_rest);
    free(e);
}

static bool is_cancelled(const struct ow_engine *e)
{
    return e->options.cancel && *e->options.cancel;
}

static void sense_outputs(const struct ow_engine *e, const double y[], double v_sense[])
{
    const struct ow_circuit *ckt = e->circuit;
    for (size_t j = 0; j < ckt->xb->cols; j++)
        v_sense[j] = ckt->sense_out[j] < ckt->first_free
                         ? e->sys.v_node[ckt->sense_out[j]]
                         : y[ckt->sense_out[j] - ckt->first_free];
}

static void gain_nodes(const struct ow_engine *e, const double y[], double v_gain[])
{
    const struct ow_circuit *ckt = e->circuit;
    for (size_t j = 0; j < ckt->n_amp; j++)
        v_gain[j] = y[ckt->amp[j].inner - ckt->first_free];
}

/* ---- DC ---------------------------------------------------------------------------- */

enum { MAX_NEWTON = 60, N_RAMP = 20 };

/* Factor at the placed point; at_rest: all free nodes are at 0 V.  There the matrix changes
 * with the cells' conductances alone, so that reads of one array share it. */
static enum ow_status factor_dc(struct ow_engine *e, bool at_rest)
{
    const size_t size = e->sys.n_cell * sizeof *e->g_rest;
    const double *g = e->sys.at.di_dv;
    if (at_rest && e->has_rest && memcmp(e->g_rest, g, size) == 0)
        return OW_OK;
    e->has_rest = false;
    const enum ow_status st = ow_newton_setup_dc(e->newton);
    if (st)
        return st;
    if (at_rest && !e->stepper) { /* which factors matrices of its own */
        memcpy(e->g_rest, g, size);
        e->has_rest = true;
    }
    return OW_OK;
}

OW_CLONES static double take_chunk(double part, const double step[], double y[], size_t n)
{
    for (size_t k = 0; k < n; k++)
        y[k] += part * step[k];
    return ow_largest(step, n);
}

/* y += part of e->step, whose greatest magnitude is returned; NaN if anything is not finite. */
static double take(struct ow_engine *e, double part, size_t n, double y[])
{
    const size_t n_chunk = ow_chunks(n);
    OW_SWEEP(e->sys.n_threads, c, n_chunk, 1,
             e->most[c] = take_chunk(part, e->step + c * OW_CHUNK, y + c * OW_CHUNK,
                                     ow_chunk_length(n, c)));
    return ow_largest(e->most, n_chunk);
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
static enum ow_status newton_dc(struct ow_engine *e, const double v_row[], bool at_rest,
                                double y[])
{
    const size_t n = e->sys.n_free;
    const double scale = e->options.v_scale;
    const double limit = 2.0 * fmax(e->circuit->xb->sense.vdd, 0.0) + 10.0 * scale;
    const bool has_amps = e->circuit->n_amp > 0; /* whose clamps are anything but square */
    const double exact = 5e-6, coarse = 1e-2, curved = 0.1;
    double residual = 0.0, step = 0.0;
    for (int k = 0; k < MAX_NEWTON; k++) {
        const double residual_before = residual, step_before = step;
        residual = ow_system_place_static(&e->sys, v_row, y, e->into);
        const double left = k > 0 ? residual / residual_before : 0.0;
        const bool is_new = k == 0 || left > 1e-3;
        enum ow_status st = is_new ? factor_dc(e, at_rest && k == 0) : OW_OK;
        const double tol = left > curved ? fmin(left * left, coarse) : exact;
        if (st || (st = ow_newton_solve_dc(e->newton, e->into, tol, e->step)))
            return st;
        step = take(e, 1.0, n, y);
        if (!isfinite(step))
            return OW_ERR_SOLVER;
        if (step > limit)
            take(e, limit / step - 1.0, n, y);
        const double contraction = k > 0 && step < step_before ? step / step_before : 1.0;
        const double next = is_new && !has_amps ? contraction * contraction : contraction;
        if (step * fmax(next, tol) <= 1e-13 * scale)
            return OW_OK;
    }
    return OW_ERR_SOLVER;
}

/* The DC point into y_dc; if plain Newton fails, follow the drive up from zero. */
static enum ow_status solve_dc(struct ow_engine *e, const double v_row[], const double x[],
                               struct ow_error *err)
{
    memset(e->y_dc, 0, e->sys.n_y * sizeof *e->y_dc);
    ow_system_put_states(&e->sys, x, e->y_dc);
    enum ow_status st = newton_dc(e, v_row, true, e->y_dc);
    if (st != OW_ERR_SOLVER)
        return st ? ow_fail(err, st, "the DC solution: %s", ow_status_str(st)) : OW_OK;
    memset(e->y_dc, 0, e->sys.n_free * sizeof *e->y_dc);
    for (int step = 0; step <= N_RAMP; step++) {
        for (size_t r = 0; r < e->circuit->n_source; r++)
            e->dv_row[r] = v_row[r] * step / N_RAMP;
        if ((st = newton_dc(e, e->dv_row, step == 0, e->y_dc)))
            return ow_fail(err, st,
                           "no DC solution found (Newton's method, %d %% of the drive): %s",
                           100 * step / N_RAMP, ow_status_str(st));
    }
    return OW_OK;
}

static const double *begin_states(struct ow_engine *e, const double *x_begin)
{
    if (!x_begin)
        ow_system_initial_states(&e->sys, e->x);
    return x_begin ? x_begin : e->x;
}

enum ow_status ow_engine_dc(struct ow_engine *e, const double v_row[], const double *x_begin,
                            double v_sense[], double *v_node, struct ow_error *err)
{
    const enum ow_status st = solve_dc(e, v_row, begin_states(e, x_begin), err);
    if (st)
        return st;
    ow_system_put_voltages(&e->sys, v_row, e->y_dc);
    sense_outputs(e, e->y_dc, v_sense);
    if (v_node)
        memcpy(v_node, e->sys.v_node, e->circuit->n_node * sizeof *v_node);
    return OW_OK;
}

/* ---- energy ------------------------------------------------------------------------ */

/* The entries of struct ow_energy that are integrals of powers, as an array: all but
 * `stored`. */
enum { N_POWER = 10 };

static void powers(struct ow_engine *e, double p[N_POWER])
{
    struct ow_power at;
    ow_power_at(e->circuit, e->sys.v_node, e->dv_row, e->sys.at.i, e->i_row, &at);
    const double list[N_POWER] = {at.source, at.supply,   at.drivers,    at.devices,
                                  at.wires,  at.sense,    at.throughput, at.charge_rate,
                                  at.output, at.quiescent};
    memcpy(p, list, sizeof list);
}

static struct ow_energy energy_of(const double sum[N_POWER], double stored)
{
    return (struct ow_energy){.source = sum[0],
                              .supply = sum[1],
                              .drivers = sum[2],
                              .devices = sum[3],
                              .wires = sum[4],
                              .sense = sum[5],
                              .throughput = sum[6],
                              .charge = sum[7],
                              .output = sum[8],
                              .quiescent = sum[9],
                              .stored = stored};
}

/* Sample the powers at CVODE's present point. */
static void add_power(struct ow_engine *e, double t)
{
    double p[N_POWER];
    drive(e, t, e->v_row);
    ow_system_place_values(&e->sys, e->v_row, ow_stepper_y(e->stepper));
    powers(e, p);
    ow_integral_add(&e->integral, t, p, e->energy);
}

static double stored(struct ow_engine *e, double t, const double y[])
{
    drive(e, t, e->v_row);
    ow_system_place_values(&e->sys, e->v_row, y);
    return ow_energy_stored(e->circuit, e->sys.v_node);
}

/* ---- transient --------------------------------------------------------------------- */

static enum ow_status record(struct ow_engine *e, double t, struct ow_reading *out)
{
    sense_outputs(e, ow_stepper_y(e->stepper), e->v_sense);
    return ow_waveform_append(&out->wave, out->cols, t, e->v_sense);
}

/* Jump every cell that is due at time t.  The root is located to a rounding error of
 * the time, so cells with a remaining hazard below that of the root count as due. */
static void fire(struct ow_engine *e, double t, struct ow_reading *out)
{
    struct ow_system *sys = &e->sys;
    const struct ow_model *model = e->circuit->xb->model;
    double *y = ow_stepper_y(e->stepper);
    ow_system_get_states(sys, y, e->x);
    const double *h = e->x + model->event_state * sys->n_cell;
    double least = INFINITY;
    for (size_t k = 0; k < sys->n_cell; k++)
        least = fmin(least, h[k]);
    const double due = fmax(least, 0.0) + 1e-12;
    for (size_t k = 0; k < sys->n_cell; k++) {
        double param[OW_MAX_PARAMS], programmed[OW_MAX_STATES], x[OW_MAX_STATES];
        if (h[k] > due)
            continue;
        ow_crossbar_cell(e->circuit->xb, k, param, programmed);
        for (size_t s = 0; s < sys->n_state; s++)
            x[s] = e->x[s * sys->n_cell + k];
        ow_fire(model, param, sys->v_cell[k], x);
        for (size_t s = 0; s < sys->n_state; s++)
            e->x[s * sys->n_cell + k] = x[s];
        out->t_event[k] = t;
        out->events++;
    }
    ow_system_put_states(sys, e->x, y);
}

static bool is_due(struct ow_engine *e)
{
    const struct ow_system *sys = &e->sys;
    ow_system_get_states(sys, ow_stepper_y(e->stepper), e->x);
    const double *h = e->x + e->circuit->xb->model->event_state * sys->n_cell;
    for (size_t k = 0; k < sys->n_cell; k++)
        if (h[k] <= 0.0)
            return true;
    return false;
}

/* d of free nodes across cell k; sources have none. */
static double across(const struct ow_engine *e, const double d[], size_t k)
{
    const struct ow_circuit *ckt = e->circuit;
    const size_t te = ow_circuit_te(ckt, k), be = ow_circuit_be(ckt, k),
                 first = ckt->first_free;
    return (te < first ? 0.0 : d[te - first]) - (be < first ? 0.0 : d[be - first]);
}

/* After a jump the lines settle within picoseconds, which takes CVODE a hundred steps although
 * hardly any state moves meanwhile.  At a constant drive the end of it is the DC point V' of
 * the present states, and with D = integral of (V - V') dt = G^-1 M (V - V'), linear in V,
 * states move by df/dv D and energies by dp/dv D.  What that leaves out is of second order,
 *   (f(V) - f(V') - df/dv (V - V')) D/(V - V')
 * for a state.  Where it is beyond the tolerance, or a state moves visibly, CVODE follows
 * instead; likewise with amplifiers, which take nanoseconds.
 *
 * Move the states of y, at whose V' the system stands; false if they are to be followed. */
static bool move_states(const struct ow_engine *e, const double d[], double y[])
{
    const struct ow_system *sys = &e->sys;
    const double rtol = e->options.rtol;
    for (size_t k = 0; k < sys->n_cell; k++) {
        const double area = across(e, d, k), dv = e->v_before[k] - sys->v_cell[k];
        for (size_t m = 0; m < sys->n_moving; m++) {
            const size_t s = sys->moving[m];
            const double moved = sys->at.df_dv[s][k] * area;
            const double curved =
                e->f_before[s * sys->n_cell + k] - sys->at.f[s][k] - sys->at.df_dv[s][k] * dv;
            const double left_out = dv != 0.0 ? curved * area / dv : 0.0;
            if (!(fabs(moved) <= 100.0 * rtol && fabs(left_out) <= rtol))
                return false;
            y[sys->n_free + m * sys->n_cell + k] += moved;
        }
    }
    return true;
}

/* dp/dv D by a difference: powers are quadratic in the voltages. */
static void add_settling(struct ow_engine *e, const double d[])
{
    const size_t n_free = e->sys.n_free;
    double p[N_POWER], p_aside[N_POWER];
    const double dt = ow_largest(d, n_free) / (1e-3 * e->options.v_scale);
    if (dt == 0.0)
        return;
    powers(e, p);
    for (size_t k = 0; k < e->sys.n_cell; k++)
        e->sys.at.i[k] += e->sys.at.di_dv[k] * across(e, d, k) / dt;
    for (size_t k = 0; k < n_free; k++)
        e->sys.v_node[e->circuit->first_free + k] += d[k] / dt;
    powers(e, p_aside);
    for (size_t k = 0; k < N_POWER; k++)
        e->energy[k] += dt * (p_aside[k] - p[k]);
}

/* True if y now is where the lines have settled. */
static bool settle(struct ow_engine *e, double t)
{
    struct ow_system *sys = &e->sys;
    double *y = ow_stepper_y(e->stepper), *there = e->y_dc, *d = e->step;
    if (e->circuit->n_amp > 0)
        return false;
    drive(e, t, e->v_row);
    ow_system_place(sys, e->v_row, y);
    memcpy(e->v_before, sys->v_cell, sys->n_cell * sizeof *e->v_before);
    for (size_t s = 0; s < sys->n_state; s++)
        memcpy(e->f_before + s * sys->n_cell, sys->at.f[s], sys->n_cell * sizeof *e->f_before);
    memcpy(there, y, sys->n_y * sizeof *y);
    if (newton_dc(e, e->v_row, false, there))
        return false;
    for (size_t k = 0; k < sys->n_free; k++)
        d[k] = y[k] - there[k];
    ow_mass_times(e->mass, d, e->into);
    if (ow_newton_solve_dc(e->newton, e->into, 1e-8, d))
        return false;
    ow_system_place(sys, e->v_row, there);
    if (!move_states(e, d, there))
        return false;
    add_settling(e, d);
    memcpy(y, there, sys->n_y * sizeof *y);
    return true;
}

/* From t0 to t1, over which the drive is one straight line with slope `slope` (1/s); ends early
 * if held states have stirred. */
static enum ow_status run_piece(struct ow_engine *e, double t0, double t1, double slope,
                                bool *has_stirred, struct ow_reading *out, struct ow_error *err)
{
    for (size_t r = 0; r < e->circuit->n_source; r++)
        e->dv_row[r] = slope * e->amplitude[r];
    if (ow_stepper_restart(e->stepper, t0))
        return ow_fail(err, OW_ERR_SOLVER, "CVODE cannot restart at %g s", t0);
    double t = t0;
    ow_integral_begin(&e->integral, N_POWER);
    add_power(e, t0);
    for (;;) {
        const double before = t;
        const enum ow_step_result result = ow_stepper_step(e->stepper, t1, &t);
        if (result == OW_STEP_NOMEM)
            return ow_fail(err, OW_ERR_NOMEM, "out of memory");
        if (result == OW_STEP_FAILED)
            return ow_fail(err, OW_ERR_SOLVER, "CVODE failed after t = %g s: %s", before,
                           ow_stepper_message(e->stepper));
        if (is_cancelled(e))
            return ow_fail(err, OW_ERR_CANCELLED, "cancelled");
        add_power(e, t);
        *has_stirred = e->sys.n_moving < e->sys.n_continuous && !ow_system_is_at_rest(&e->sys);
        if (*has_stirred)
            return OW_OK;
        out->steps++;
        if (record(e, t, out))
            return ow_fail(err, OW_ERR_NOMEM, "out of memory");
        if (result != OW_STEP_ON)
            ow_integral_end(&e->integral, e->energy);
        if (result == OW_STEP_STOP)
            return OW_OK;
        if (result == OW_STEP_EVENT) {
            fire(e, t, out);
            while (slope == 0.0 && settle(e, t) && is_due(e)) /* one jump may bring on others */
                fire(e, t, out);
            ow_integral_begin(&e->integral, N_POWER);
            add_power(e, t);
            if (t1 - t <= 1e-12 * t1) /* a jump at the very end of the piece */
                return OW_OK;
            if (ow_stepper_restart(e->stepper, t))
                return ow_fail(err, OW_ERR_SOLVER, "CVODE cannot restart at %g s", t);
        }
    }
}

static void clear(struct ow_reading *out)
{
    out->wave.n = 0;
    out->steps = out->events = 0;
    for (size_t k = 0; k < out->n_cell; k++)
        out->t_event[k] = NAN;
}

/* The whole pulse from states x, held or not.  *has_stirred: a held state has a rate, so what
 * is in `out` is not the answer. */
static enum ow_status run_pulse(struct ow_engine *e, const double x[], bool is_held,
                                bool *has_stirred, struct ow_reading *out, struct ow_error *err)
{
    const struct ow_pulse *pulse = e->pulse;
    const double corner[] = {0.0, pulse->t_rise, ow_pulse_sample(pulse),
                             ow_pulse_sample(pulse) + pulse->t_rise, ow_pulse_end(pulse)};
    const double slope[] = {1.0 / pulse->t_rise, 0.0, -1.0 / pulse->t_rise, 0.0};
    double *y = ow_stepper_y(e->stepper);
    clear(out);
    *has_stirred = false;
    ow_system_hold(&e->sys, is_held);
    drive(e, 0.0, e->v_row);
    enum ow_status st = solve_dc(e, e->v_row, x, err);
    if (st)
        return st;
    memcpy(y, e->y_dc, e->sys.n_y * sizeof *y);
    const double stored_before = stored(e, 0.0, y);
    memset(e->energy, 0, sizeof e->energy);
    if (record(e, 0.0, out))
        return ow_fail(err, OW_ERR_NOMEM, "out of memory");
    for (size_t k = 0; k < 4; k++) {
        if ((st = run_piece(e, corner[k], corner[k + 1], slope[k], has_stirred, out, err)))
            return st;
        if (*has_stirred)
            return OW_OK;
        if (k == 1) {
            sense_outputs(e, y, out->v_sample);
            gain_nodes(e, y, out->v_gain);
        }
    }
    out->energy = energy_of(e->energy, stored(e, corner[4], y) - stored_before);
    ow_system_get_states(&e->sys, y, out->x_end);
    return OW_OK;
}

enum ow_status ow_engine_read(struct ow_engine *e, const double amplitude[],
                              const struct ow_pulse *pulse, const double *x_begin,
                              struct ow_reading *out, struct ow_error *err)
{
    const double begin = ow_seconds();
    e->amplitude = amplitude;
    e->pulse = pulse;
    const double *x = begin_states(e, x_begin);
    enum ow_status st = ow_engine_dc(e, amplitude, x, out->v_dc, NULL, err);
    if (st)
        return st;
    /* If nothing moves under the full drive, most likely nothing will. */
    ow_system_place(&e->sys, amplitude, e->y_dc);
    bool has_stirred = true;
    if (!e->circuit->xb->model->fire && ow_system_is_at_rest(&e->sys))
        st = run_pulse(e, x, true, &has_stirred, out, err);
    if (!st && has_stirred)
        st = run_pulse(e, x, false, &has_stirred, out, err);
    ow_system_hold(&e->sys, false);
    out->wall_s = ow_seconds() - begin;
    return st;
}

enum ow_status ow_engine_read_dc(struct ow_engine *e, const double amplitude[],
                                 const struct ow_pulse *pulse, const double *x_begin,
                                 struct ow_reading *out, struct ow_error *err)
{
    const double begin = ow_seconds();
    clear(out);
    const double *x = begin_states(e, x_begin);
    const enum ow_status st = ow_engine_dc(e, amplitude, x, out->v_dc, NULL, err);
    if (st)
        return st;
    ow_system_place_static(&e->sys, amplitude, e->y_dc, e->into);
    memcpy(out->v_sample, out->v_dc, out->cols * sizeof *out->v_dc);
    gain_nodes(e, e->y_dc, out->v_gain);
    memset(e->dv_row, 0, e->circuit->n_source * sizeof *e->dv_row);
    struct ow_power at;
    ow_power_at(e->circuit, e->sys.v_node, e->dv_row, e->sys.at.i, e->i_row, &at);
    out->energy = ow_power_plateau(&at, pulse);
    memcpy(out->x_end, x, e->sys.n_state * e->sys.n_cell * sizeof *x);
    out->wall_s = ow_seconds() - begin;
    return OW_OK;
}
