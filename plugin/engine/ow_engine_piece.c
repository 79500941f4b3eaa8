/* One piece of a transient, over which the drive is a straight line, as stretches that CVODE
 * follows, or that are known: where lines have settled (ow_settle.h) and nothing but switches
 * moves, one step with
 *
 *   V(t) = V + W t
 *
 * takes them to the piece's end or the next jump.  After a jump lines settle again, or CVODE
 * follows them from where they are. */
#include <string.h>

#include "ow_engine_parts.h"
#include "ow_jumps.h"

static bool is_cancelled(const struct ow_engine *e)
{
    return e->options.cancel && *e->options.cancel;
}

static bool are_held(const struct ow_engine *e)
{
    return e->sys.n_moving < e->sys.n_continuous;
}

/* Sample the powers at CVODE's present point, with the nodes' rate[n_free] if it is known;
 * CVODE will not go on farther than they allow.  False if held states have stirred. */
static bool add_power(struct ow_engine *e, const double rate[], double t)
{
    ow_engine_drive(e, t, e->v_row);
    if (are_held(e) && !e->ledger.is_short)
        return ow_ledger_sample_held(&e->ledger, e->v_row, e->dv_row, ow_stepper_y(e->stepper),
                                     t);
    if (ow_pace_counts(&e->pace)) {
        ow_system_place(&e->sys, e->v_row, ow_stepper_y(e->stepper));
        ow_stepper_limit(e->stepper, ow_pace_limit(&e->pace));
    } else {
        ow_system_place_values(&e->sys, e->v_row, ow_stepper_y(e->stepper));
    }
    ow_ledger_sample(&e->ledger, e->dv_row, rate, t);
    return !are_held(e) || ow_system_is_at_rest(&e->sys);
}

/* Note the outputs at CVODE's present point, to which the drive has been taken: some may be
 * sources. */
static enum ow_status note(struct ow_engine *e, double t, struct ow_reading *out,
                           struct ow_error *err)
{
    ow_system_put_sources(&e->sys, e->v_row);
    const enum ow_status st = ow_sensed_note(&e->sensed, t, ow_stepper_y(e->stepper), out);
    return st ? ow_fail(err, st, "out of memory") : OW_OK;
}

/* ---- jumps ------------------------------------------------------------------------- */

/* True if y now is where the lines have settled, and the system is placed there. */
static bool settle(struct ow_engine *e, double t, bool is_placed)
{
    if (!e->has_settle)
        return false;
    ow_engine_drive(e, t, e->v_row);
    double *y = ow_stepper_y(e->stepper);
    if (!ow_settle(&e->settle, e->v_row, e->dv_row, is_placed, y))
        return false;
    ow_ledger_settle(&e->ledger, &e->settle, e->v_row, e->dv_row, y);
    ow_sensed_settle(&e->sensed, e->settle.area);
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

/* ---- stretches --------------------------------------------------------------------- */

/* How a stretch has ended. */
enum ending { AT_END, AT_JUMP, HAS_STIRRED };

/* CVODE begins anew at time t, from settled lines or as they are. */
static enum ow_status restart(struct ow_engine *e, bool is_settled, double t, double t1,
                              struct ow_error *err)
{
    if (is_settled)
        ow_system_state_rates(&e->sys, e->settle.slope);
    if (is_settled ? ow_stepper_resume(e->stepper, t, 1e-2 * (t1 - t), e->settle.slope)
                   : ow_stepper_restart(e->stepper, t))
        return ow_fail(err, OW_ERR_SOLVER, "CVODE cannot restart at %g s", t);
    return OW_OK;
}

/* One step from *t. */
static enum ow_status step(struct ow_engine *e, double t1, double *t,
                           enum ow_step_result *result, struct ow_error *err)
{
    const double before = *t;
    *result = ow_stepper_step(e->stepper, t1, t);
    if (*result == OW_STEP_NOMEM)
        return ow_fail(err, OW_ERR_NOMEM, "out of memory");
    if (*result == OW_STEP_FAILED)
        return ow_fail(err, OW_ERR_SOLVER, "CVODE failed after t = %g s: %s", before,
                       ow_stepper_message(e->stepper));
    return is_cancelled(e) ? ow_fail(err, OW_ERR_CANCELLED, "cancelled") : OW_OK;
}

/* From *t to t1 or the next jump by CVODE, from settled lines or as they are; ends early if
 * held states have stirred. */
static enum ow_status follow(struct ow_engine *e, bool is_settled, double t1, double *t,
                             enum ending *ending, struct ow_reading *out, struct ow_error *err)
{
    enum ow_step_result result = OW_STEP_ON;
    const size_t first = out->wave.n - 1;
    enum ow_status st = restart(e, is_settled, *t, t1, err);
    if (st)
        return st;
    ow_ledger_begin(&e->ledger);
    add_power(e, is_settled ? e->settle.slope : NULL, *t);
    while (result == OW_STEP_ON) {
        if ((st = step(e, t1, t, &result, err)))
            return st;
        *ending = HAS_STIRRED;
        if (!add_power(e, e->ledger.is_short ? ow_stepper_rates(e->stepper, *t) : NULL, *t))
            return OW_OK;
        out->steps++;
        if ((st = note(e, *t, out, err)))
            return st;
    }
    ow_ledger_end(&e->ledger);
    ow_sensed_end_piece(&e->sensed, first, out);
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
    ow_engine_drive(e, t, e->v_row);
    memcpy(e->y_dc, y, e->sys.n_y * sizeof *y);
    for (size_t k = 0; k < e->sys.n_free; k++)
        e->y_dc[k] -= back * w[k];
    ow_system_place_values(&e->sys, e->v_row, e->y_dc);
    ow_ledger_powers(&e->ledger, e->dv_row, w, p);
}

/* The same from settled lines without a step: of switches, and where nothing moves. */
static enum ow_status coast(struct ow_engine *e, double t1, double *t, enum ending *ending,
                            struct ow_reading *out, struct ow_error *err)
{
    const double begin = *t, *w = e->settle.slope, *settled = e->ledger.settled;
    double middle[OW_N_POWER], end[OW_N_POWER];
    if (is_cancelled(e))
        return ow_fail(err, OW_ERR_CANCELLED, "cancelled");
    ow_engine_drive(e, begin, e->v_row);
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
    const enum ow_status st = note(e, *t, out, err);
    if (!st)
        ow_sensed_end_piece(&e->sensed, out->wave.n - 2, out);
    return st;
}

/* Waveforms of driven bit lines are of no interest, so there lines settle at corners as well.
 */
enum ow_status ow_engine_piece(struct ow_engine *e, double t0, double t1, bool *has_stirred,
                               struct ow_reading *out, struct ow_error *err)
{
    double t = t0;
    enum ending ending = AT_JUMP;
    bool is_settled = e->circuit->xb->sense.kind == OW_SENSE_DRIVER && settle(e, t, false);
    while (ending == AT_JUMP && t1 - t > 1e-12 * t1) {
        const bool can_coast = is_settled && (e->has_switches || e->settle.is_still);
        enum ow_status st = can_coast ? coast(e, t1, &t, &ending, out, err)
                                      : follow(e, is_settled, t1, &t, &ending, out, err);
        if (st)
            return st;
        if (ending != AT_JUMP)
            continue;
        is_settled = jump(e, t, out);
        st = ow_sensed_step(&e->sensed, is_settled, t, ow_stepper_y(e->stepper), out);
        if (st)
            return ow_fail(err, st, "out of memory");
    }
    *has_stirred = ending == HAS_STIRRED;
    return OW_OK;
}
