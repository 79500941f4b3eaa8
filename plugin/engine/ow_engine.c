#include "ow_engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_clock.h"
#include "ow_integral.h"
#include "ow_jumps.h"
#include "ow_kernel.h"
#include "ow_ledger.h"
#include "ow_newton.h"
#include "ow_pace.h"
#include "ow_pages.h"
#include "ow_power.h"
#include "ow_settle.h"
#include "ow_stepper.h"
#include "ow_switches.h"
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

    double *v_row, *dv_row, *i_row; /* [n_source] workspace */
    double *v_sense;                /* [cols] outputs, of integrators their inputs */
    double *v_begin, *v_jump;       /* [cols] of integrators: inputs where a piece begins, and
                                       what outputs gain while lines settle in no time */
    double *corner;                 /* [2 n_source + 3] s, where some pulse turns */
    double *y_dc;                   /* [n_y]; for DC only where v_node has its free nodes */
    double *step;                   /* [n_free] V, of Newton's method at DC */
    double *most;                   /* [chunks of n_free] */
    double *g_rest;                 /* [n_cell] S, of the matrix that is factored */
    bool has_rest;                  /* if it is one of DC at rest */
    double *x;                      /* [n_state][n_cell] */
    struct ow_ledger ledger;
    struct ow_pace pace;
    bool has_settle, has_switches; /* whether there are the following */
    struct ow_settle settle;
    struct ow_switches switches;
};

/* ---- life -------------------------------------------------------------------------- */

/* Within a straight piece of the pulse, so corners need no care. */
static void drive(void *data, double t, double v_row[])
{
    const struct ow_engine *e = data;
    const struct ow_pulse *pulse = e->pulse;
    const double height = ow_pulse_at(pulse, t);
    for (size_t r = 0; r < e->circuit->n_source; r++)
        v_row[r] = (pulse->width ? ow_pulse_source_at(pulse, r, t) : height) * e->amplitude[r];
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
    enum ow_status st =
        ow_system_create(circuit, ow_system_threads(circuit, options->n_threads), &e->sys);
    if (st)
        goto fail;
    ow_system_hold(&e->sys, dc_only);
    const size_t massless = dc_only ? circuit->n_node : ow_system_massless(&e->sys);
    if (massless < circuit->n_node) {
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
    e->v_begin = calloc(cols, sizeof *e->v_begin);
    e->v_jump = calloc(cols, sizeof *e->v_jump);
    e->corner = calloc(2 * n_source + 3, sizeof *e->corner);
    e->y_dc = dc_only ? e->sys.v_node + circuit->first_free
                      : ow_pages_calloc(e->sys.n_y + 1, sizeof *e->y_dc);
    e->most = calloc(ow_chunks(e->sys.n_free) + 1, sizeof *e->most);
    e->step = ow_pages_calloc(e->sys.n_free + 1, sizeof *e->step);
    e->x = ow_pages_calloc(e->sys.n_state * e->sys.n_cell + 1, sizeof *e->x);
    e->has_settle = e->stepper && circuit->n_amp == 0 &&
                    (circuit->xb->model->fire || circuit->xb->sense.kind == OW_SENSE_DRIVER);
    e->has_switches = e->has_settle && e->sys.has_switches;
    if (ow_ledger_init(&e->sys, e->has_settle, &e->ledger) || ow_pace_init(&e->sys, &e->pace) ||
        (e->has_settle && ow_settle_init(&e->sys, e->mass, e->newton, options->rtol,
                                         options->v_scale, &e->settle)) ||
        (e->has_switches && ow_switches_init(&e->sys, options->rtol, &e->switches)))
        goto fail;
    e->settle.is_linear = e->has_switches;
    e->g_rest = ow_pages_calloc(e->sys.n_cell, sizeof *e->g_rest);
    if (!e->v_row || !e->dv_row || !e->i_row || !e->v_sense || !e->v_begin || !e->v_jump ||
        !e->corner || !e->y_dc || !e->step || !e->most || !e->x || !e->g_rest)
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
    free(e->v_begin);
    free(e->v_jump);
    free(e->corner);
    free(e->step);
    free(e->most);
    free(e->x);
    ow_settle_finish(&e->settle);
    ow_switches_finish(&e->switches);
    ow_ledger_finish(&e->ledger);
    ow_pace_finish(&e->pace);
    free(e->g_rest);
    free(e);
}

static bool is_cancelled(const struct ow_engine *e)
{
    return e->options.cancel && *e->options.cancel;
}

static bool is_integrator(const struct ow_engine *e)
{
    return e->circuit->xb->sense.kind == OW_SENSE_INTEGRATOR;
}

/* The gain from an integrator's input to the slope of its output [1/s]. */
static double integrator_rate(const struct ow_engine *e)
{
    const struct ow_sense *sense = &e->circuit->xb->sense;
    return -1.0 / (sense->r_f * sense->c_int);
}

/* Inputs of integrators held while they integrate become outputs. */
static void hold_inputs(const struct ow_engine *e, const struct ow_pulse *pulse, double v[])
{
    for (size_t j = 0; is_integrator(e) && j < e->circuit->xb->cols; j++)
        v[j] *= ow_integrator_gain(&e->circuit->xb->sense, pulse);
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
        residual = ow_system_place_static(&e->sys, v_row, y, e->sys.current);
        const double left = k > 0 ? residual / residual_before : 0.0;
        const bool is_new = k == 0 || left > 1e-3;
        enum ow_status st = is_new ? factor_dc(e, at_rest && k == 0) : OW_OK;
        const double tol = left > curved ? fmin(left * left, coarse) : exact;
        if (st || (st = ow_newton_solve_dc(e->newton, e->sys.current, tol, e->step)))
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

/* Sample the powers at CVODE's present point, which will not go on farther than they allow. */
static void add_power(struct ow_engine *e, double t)
{
    drive(e, t, e->v_row);
    if (ow_pace_counts(&e->pace)) {
        ow_system_place(&e->sys, e->v_row, ow_stepper_y(e->stepper));
        ow_stepper_limit(e->stepper, ow_pace_limit(&e->pace));
    } else {
        ow_system_place_values(&e->sys, e->v_row, ow_stepper_y(e->stepper));
    }
    ow_ledger_sample(&e->ledger, e->dv_row, t);
}

static double stored(struct ow_engine *e, double t, const double y[])
{
    drive(e, t, e->v_row);
    ow_system_place_values(&e->sys, e->v_row, y);
    return ow_energy_stored(e->circuit, e->sys.v_node);
}

/* ---- transient --------------------------------------------------------------------- */

/* Of pulses of many widths: the greatest magnitude of each gain node. */
static void keep_extremes(const struct ow_engine *e, const double y[], double v_gain[])
{
    const struct ow_circuit *ckt = e->circuit;
    for (size_t j = 0; j < ckt->n_amp; j++) {
        const double v = y[ckt->amp[j].inner - ckt->first_free];
        v_gain[j] = fabs(v) > fabs(v_gain[j]) ? v : v_gain[j];
    }
}

/* Columns [j, j + n) of integrators: from their inputs at the points of a smooth piece, all
 * but the first, to their outputs there.  An interval's integral is known one point later. */
static void integrate_inputs(const struct ow_engine *e, size_t first, size_t j, size_t n,
                             struct ow_reading *out)
{
    const double rate = integrator_rate(e);
    struct ow_waveform *w = &out->wave;
    double f[OW_INTEGRAL_MOST], v_out[OW_INTEGRAL_MOST];
    struct ow_integral integral;
    memcpy(v_out, w->v + first * out->cols + j, n * sizeof *v_out);
    ow_integral_begin(&integral, n);
    for (size_t k = first; k < w->n; k++) {
        const double *v_in = k == first ? e->v_begin + j : w->v + k * out->cols + j;
        for (size_t c = 0; c < n; c++)
            f[c] = rate * v_in[c];
        ow_integral_add(&integral, w->t[k], f, v_out);
        if (k >= first + 2)
            memcpy(w->v + (k - 1) * out->cols + j, v_out, n * sizeof *v_out);
    }
    ow_integral_end(&integral, v_out);
    memcpy(w->v + (w->n - 1) * out->cols + j, v_out, n * sizeof *v_out);
}

static void add_inputs(const struct ow_engine *e, size_t first, struct ow_reading *out)
{
    for (size_t j = 0, n; j < out->cols; j += n) {
        n = out->cols - j < OW_INTEGRAL_MOST ? out->cols - j : (size_t)OW_INTEGRAL_MOST;
        integrate_inputs(e, first, j, n, out);
    }
    memcpy(e->v_begin, e->v_sense, out->cols * sizeof *e->v_begin);
}

/* And the integrals of the outputs over the smooth piece that begins with point `first` of the
 * waveform. */
static void add_outputs(const struct ow_engine *e, size_t first, struct ow_reading *out)
{
    const struct ow_waveform *w = &out->wave;
    double sum[OW_INTEGRAL_MOST];
    if (is_integrator(e)) {
        add_inputs(e, first, out);
        return;
    }
    for (size_t j = 0, n; e->pulse->width && j < out->cols; j += n) {
        struct ow_integral integral;
        n = out->cols - j < OW_INTEGRAL_MOST ? out->cols - j : (size_t)OW_INTEGRAL_MOST;
        memset(sum, 0, sizeof sum);
        ow_integral_begin(&integral, n);
        for (size_t k = first; k < w->n; k++)
            ow_integral_add(&integral, w->t[k], w->v + k * out->cols + j, sum);
        ow_integral_end(&integral, sum);
        for (size_t k = 0; k < n; k++)
            out->v_sample[j + k] += sum[k] / ow_pulse_area(e->pulse);
    }
}

static enum ow_status record(struct ow_engine *e, double t, struct ow_reading *out)
{
    if (e->pulse->width)
        keep_extremes(e, ow_stepper_y(e->stepper), out->v_gain);
    sense_outputs(e, ow_stepper_y(e->stepper), e->v_sense);
    return ow_waveform_append(&out->wave, out->cols, t, e->v_sense);
}

/* The last point of the waveform, of integrators: the outputs of the one before, or 0, and what
 * lines have given that have settled since; their inputs are where the next piece begins. */
static void begin_inputs(struct ow_engine *e, struct ow_reading *out)
{
    double *v = out->wave.v + (out->wave.n - 1) * out->cols;
    for (size_t j = 0; j < out->cols; j++)
        v[j] = (out->wave.n > 1 ? v[(ptrdiff_t)j - (ptrdiff_t)out->cols] : 0.0) + e->v_jump[j];
    memset(e->v_jump, 0, out->cols * sizeof *e->v_jump);
    memcpy(e->v_begin, e->v_sense, out->cols * sizeof *e->v_begin);
}

/* Lines that settle in no time take charge with them all the same. */
static void add_jump(struct ow_engine *e)
{
    const struct ow_circuit *ckt = e->circuit;
    for (size_t j = 0; is_integrator(e) && j < ckt->xb->cols; j++)
        e->v_jump[j] += integrator_rate(e) * e->settle.area[ckt->sense_in[j] - ckt->first_free];
}

/* True if y now is where the lines have settled, and the system is placed there. */
static bool settle(struct ow_engine *e, double t, bool is_placed)
{
    if (!e->has_settle)
        return false;
    drive(e, t, e->v_row);
    double *y = ow_stepper_y(e->stepper);
    if (!ow_settle(&e->settle, e->v_row, e->dv_row, is_placed, y))
        return false;
    ow_ledger_settle(&e->ledger, &e->settle, e->v_row, e->dv_row, y);
    add_jump(e);
    return true;
}

/* Jump what is due at time t, at whose point the system is placed, and what that brings on;
 * true if lines have settled then. */
static bool jump(struct ow_engine *e, double t, struct ow_reading *out)
{
    bool is_settled;
    do {
        out->events += ow_jumps_make(&e->sys, t, ow_stepper_y(e->stepper), out->t_event);
        is_settled = settle(e, t, true);
    } while (is_settled && ow_jumps_are_due(&e->sys, ow_stepper_y(e->stepper)));
    return is_settled;
}

/* How a stretch has ended. */
enum ending { AT_END, AT_JUMP, HAS_STIRRED };

/* From *t to t1 or the next jump by CVODE, from settled lines or as they are; ends early if
 * held states have stirred. */
static enum ow_status follow(struct ow_engine *e, bool is_settled, double t1, double *t,
                             enum ending *ending, struct ow_reading *out, struct ow_error *err)
{
    enum ow_step_result result = OW_STEP_ON;
    const size_t first = out->wave.n - 1;
    if (is_settled)
        ow_system_state_rates(&e->sys, e->settle.slope);
    if (is_settled ? ow_stepper_resume(e->stepper, *t, 1e-2 * (t1 - *t), e->settle.slope)
                   : ow_stepper_restart(e->stepper, *t))
        return ow_fail(err, OW_ERR_SOLVER, "CVODE cannot restart at %g s", *t);
    ow_ledger_begin(&e->ledger);
    add_power(e, *t);
    while (result == OW_STEP_ON) {
        const double before = *t;
        result = ow_stepper_step(e->stepper, t1, t);
        if (result == OW_STEP_NOMEM)
            return ow_fail(err, OW_ERR_NOMEM, "out of memory");
        if (result == OW_STEP_FAILED)
            return ow_fail(err, OW_ERR_SOLVER, "CVODE failed after t = %g s: %s", before,
                           ow_stepper_message(e->stepper));
        if (is_cancelled(e))
            return ow_fail(err, OW_ERR_CANCELLED, "cancelled");
        add_power(e, *t);
        *ending = HAS_STIRRED;
        if (e->sys.n_moving < e->sys.n_continuous && !ow_system_is_at_rest(&e->sys))
            return OW_OK;
        out->steps++;
        if (record(e, *t, out))
            return ow_fail(err, OW_ERR_NOMEM, "out of memory");
    }
    ow_ledger_end(&e->ledger);
    add_outputs(e, first, out);
    *ending = result == OW_STEP_EVENT ? AT_JUMP : AT_END;
    if (result == OW_STEP_EVENT) /* where add_power() has placed it, with slopes */
        ow_system_place(&e->sys, e->v_row, ow_stepper_y(e->stepper));
    return OW_OK;
}

/* The powers at time t of voltages that are those of y less `back` (s) times w. */
static void look_back(struct ow_engine *e, double t, double back, const double w[],
                      double p[OW_N_POWER])
{
    const double *y = ow_stepper_y(e->stepper);
    drive(e, t, e->v_row);
    memcpy(e->y_dc, y, e->sys.n_y * sizeof *y);
    for (size_t k = 0; k < e->sys.n_free; k++)
        e->y_dc[k] -= back * w[k];
    ow_system_place_values(&e->sys, e->v_row, e->y_dc);
    ow_ledger_powers(&e->ledger, e->dv_row, p);
}

/* The same from settled lines without a step: of switches, and where nothing moves. */
static enum ow_status coast(struct ow_engine *e, double t1, double *t, enum ending *ending,
                            struct ow_reading *out, struct ow_error *err)
{
    const double begin = *t, *w = e->settle.slope, *settled = e->ledger.settled;
    double middle[OW_N_POWER], end[OW_N_POWER];
    if (is_cancelled(e))
        return ow_fail(err, OW_ERR_CANCELLED, "cancelled");
    drive(e, begin, e->v_row);
    *ending = AT_END;
    if (!e->has_switches)
        *t = t1;
    else if (ow_switches_advance(&e->switches, e->v_row, e->dv_row,
                                 e->settle.is_constant ? NULL : w, t1, t,
                                 ow_stepper_y(e->stepper)))
        *ending = AT_JUMP;
    const double dt = *t - begin;
    if (e->settle.is_constant) {
        ow_ledger_add(&e->ledger, dt, settled, settled);
    } else {
        look_back(e, begin + 0.5 * dt, 0.5 * dt, w, middle);
        look_back(e, *t, 0.0, w, end);
        ow_ledger_add(&e->ledger, dt, middle, end);
    }
    out->steps++;
    if (record(e, *t, out))
        return ow_fail(err, OW_ERR_NOMEM, "out of memory");
    add_outputs(e, out->wave.n - 2, out);
    return OW_OK;
}

/* Slope of a source's pulse at time t [1/s]. */
static double slope_at(const struct ow_pulse *pulse, size_t source, double t)
{
    const double fall = ow_pulse_fall(pulse, source);
    return t < pulse->t_rise                      ? 1.0 / pulse->t_rise
           : t > fall && t < fall + pulse->t_rise ? -1.0 / pulse->t_rise
                                                  : 0.0;
}

/* From t0 to t1, over which the drive is one straight line; ends early if held states have
 * stirred.  Waveforms of driven bit lines are of no interest, so there
 * lines settle at corners as well. */
static enum ow_status run_piece(struct ow_engine *e, double t0, double t1, bool *has_stirred,
                                struct ow_reading *out, struct ow_error *err)
{
    for (size_t r = 0; r < e->circuit->n_source; r++)
        e->dv_row[r] = slope_at(e->pulse, r, 0.5 * (t0 + t1)) * e->amplitude[r];
    double t = t0;
    enum ending ending = AT_JUMP;
    bool is_settled = e->circuit->xb->sense.kind == OW_SENSE_DRIVER && settle(e, t, false);
    while (ending == AT_JUMP && t1 - t > 1e-12 * t1) {
        const bool can_coast = is_settled && (e->has_switches || e->settle.is_still);
        const enum ow_status st = can_coast ? coast(e, t1, &t, &ending, out, err)
                                            : follow(e, is_settled, t1, &t, &ending, out, err);
        if (st)
            return st;
        if (ending != AT_JUMP)
            continue;
        is_settled = jump(e, t, out);
        /* integrals go on from where the outputs have stepped to */
        const bool has_stepped = is_integrator(e) || (is_settled && e->pulse->width);
        if (has_stepped && record(e, t, out))
            return ow_fail(err, OW_ERR_NOMEM, "out of memory");
        if (is_integrator(e))
            begin_inputs(e, out);
    }
    *has_stirred = ending == HAS_STIRRED;
    return OW_OK;
}

static void clear(struct ow_reading *out)
{
    out->wave.n = 0;
    out->steps = out->events = 0;
    memset(out->v_sample, 0, out->cols * sizeof *out->v_sample);
    memset(out->v_gain, 0, out->cols * sizeof *out->v_gain);
    for (size_t k = 0; k < out->n_cell; k++)
        out->t_event[k] = NAN;
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

/* The outputs of integrators where the waveform has come to. */
static void take_integrators(struct ow_reading *out)
{
    const double *v = out->wave.v + (out->wave.n - 1) * out->cols;
    memcpy(out->v_sample, v, out->cols * sizeof *v);
    memcpy(out->v_gain, v, out->cols * sizeof *v);
}

/* The whole pulse from states x, held or not.  *has_stirred: a held state has a rate, so what
 * is in `out` is not the answer. */
static enum ow_status run_pulse(struct ow_engine *e, const double x[], bool is_held,
                                bool *has_stirred, struct ow_reading *out, struct ow_error *err)
{
    const double *corner = e->corner;
    const size_t n = find_corners(e);
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
    ow_ledger_clear(&e->ledger);
    if (record(e, 0.0, out))
        return ow_fail(err, OW_ERR_NOMEM, "out of memory");
    memset(e->v_jump, 0, out->cols * sizeof *e->v_jump);
    if (is_integrator(e))
        begin_inputs(e, out);
    for (size_t k = 1; k < n; k++) {
        if ((st = run_piece(e, corner[k - 1], corner[k], has_stirred, out, err)))
            return st;
        if (*has_stirred)
            return OW_OK;
        if (is_integrator(e) && k == (e->pulse->width ? n - 1 : 2)) {
            take_integrators(out);
        } else if (k == 2 && !e->pulse->width) {
            sense_outputs(e, y, out->v_sample);
            gain_nodes(e, y, out->v_gain);
        }
    }
    out->energy = ow_ledger_energy(&e->ledger, stored(e, corner[n - 1], y) - stored_before);
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
    hold_inputs(e, pulse, out->v_dc);
    if (e->has_settle) { /* which shares out energies of that order by guess */
        memset(e->dv_row, 0, e->circuit->n_source * sizeof *e->dv_row);
        e->settle.energy_most = 30.0 * e->options.rtol * pulse->t_read *
                                ow_ledger_throughput(&e->ledger, e->dv_row);
    }
    /* If nothing moves under the full drive, most likely nothing will. */
    ow_system_place_values(&e->sys, amplitude, e->y_dc);
    bool has_stirred = true;
    if (!e->circuit->xb->model->fire && ow_system_is_at_rest(&e->sys))
        st = run_pulse(e, x, true, &has_stirred, out, err);
    if (!st && has_stirred)
        st = run_pulse(e, x, false, &has_stirred, out, err);
    ow_system_hold(&e->sys, false);
    out->wall_s = ow_seconds() - begin;
    return st;
}

/* The DC point with sources at v_row, for a time t; quiescent currents for t_quiescent. */
static enum ow_status add_plateau(struct ow_engine *e, const double v_row[], const double x[],
                                  double t, double t_quiescent, struct ow_energy *sum,
                                  struct ow_error *err)
{
    struct ow_power at;
    const enum ow_status st = ow_engine_dc(e, v_row, x, e->v_sense, NULL, err);
    if (st)
        return st;
    ow_system_place_static(&e->sys, v_row, e->y_dc, e->sys.current);
    memset(e->dv_row, 0, e->circuit->n_source * sizeof *e->dv_row);
    ow_power_at(e->circuit, e->sys.v_node, e->dv_row, e->sys.at.i, e->i_row, &at);
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
        keep_extremes(e, e->y_dc, out->v_gain);
        hold_inputs(e, pulse, e->v_sense);
        for (size_t j = 0; j < out->cols; j++)
            out->v_sample[j] += part * e->v_sense[j];
        area = next;
    } while (!isinf(next));
    return OW_OK;
}

enum ow_status ow_engine_read_dc(struct ow_engine *e, const double amplitude[],
                                 const struct ow_pulse *pulse, const double *x_begin,
                                 struct ow_reading *out, struct ow_error *err)
{
    const double begin = ow_seconds();
    clear(out);
    out->energy = (struct ow_energy){0};
    const double *x = begin_states(e, x_begin);
    enum ow_status st =
        add_plateau(e, amplitude, x, pulse->width ? 0.0 : pulse->t_read,
                    pulse->width ? 0.0 : ow_pulse_end(pulse), &out->energy, err);
    if (st)
        return st;
    memcpy(out->v_dc, e->v_sense, out->cols * sizeof *out->v_dc);
    hold_inputs(e, pulse, out->v_dc);
    if (pulse->width) {
        st = add_plateaus(e, amplitude, pulse, x, out, err);
    } else {
        memcpy(out->v_sample, out->v_dc, out->cols * sizeof *out->v_dc);
        gain_nodes(e, e->y_dc, out->v_gain);
    }
    if (is_integrator(e))
        memcpy(out->v_gain, out->v_sample, out->cols * sizeof *out->v_gain);
    memcpy(out->x_end, x, e->sys.n_state * e->sys.n_cell * sizeof *x);
    out->wall_s = ow_seconds() - begin;
    return st;
}
