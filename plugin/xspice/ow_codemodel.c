/* One registry model as an XSPICE device.  Facts of ngspice 39 that shape this file
 * (dctran.c, niiter.c, mif/mifload.c, mif/miftrunc.c):
 *
 * - The model is called at every Newton iteration of every attempted time.  What
 *   cm_analog_get_ptr(tag, 1) returns belongs to the last accepted time; an attempt that is
 *   rejected is simply followed by another.
 * - At the first iteration of an attempt (anal_init) the input still is the last accepted
 *   voltage.
 * - The voltage of the last call counts, not the solution that follows from it, and both
 *   agree to reltol only.  cm_analog_not_converged() asks for another iteration where the
 *   state would feel the difference.
 * - The state is integrated here (ow_advance.h), not by cm_analog_integrate(), which under
 *   trapezoidal order 2 is backward Euler.
 * - A step that is too long is refused through ngspice's truncation error: see
 *   ask_for_step().  A temporary breakpoint before the attempted time would do the same in
 *   ngspice; libngspice then goes back twice (dctran.c moves CKTtime back, and so does
 *   sharedsync() a few lines later) and lands before the last accepted time. */
#include "ow_codemodel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ngspice/cktdefs.h"

#include "ow_advance.h"

enum { TAG_PAST, TAG_LTE }; /* of cm_analog_alloc() */

/* What is remembered of a time point; ngspice keeps one for each of the last few. */
struct past {
    double t, v, x[OW_MAX_STATES]; /* s, V                                             */
    double t_before, v_before;     /* the point before this one                        */
    double has_before;             /* 0 or 1: there is one, and nothing jumped since   */
};

/* What an instance keeps for its life. */
struct cell {
    double param[OW_MAX_PARAMS];
    bool is_bad;  /* parameters refused: the analysis must fail              */
    bool has_lte; /* ngspice watches the truncation error of TAG_LTE         */
    bool was_transient;
    int n_dc;      /* DC evaluations since the last transient analysis        */
    double v_last; /* V, at the last call: to see whether Newton has settled  */

    /* The last integration: Newton's last iteration mostly asks for it again. */
    struct ow_path path;
    double x1[OW_MAX_STATES];
    struct ow_advanced result;
};

/* Shares of `tol`: what the state may still move when Newton stops; how near to 0 an event
 * state is taken to be due; what a voltage that is not linear may cost in one step. */
static const double NEWTON_SHARE = 0.02, DUE_SHARE = 0.02, STEP_SHARE = 0.2;

static void destroy(Mif_Private_t *mif, Mif_Callback_Reason_t reason)
{
    if (reason == MIF_CB_DESTROY) {
        free(mif->inst_var[0]->element[0].pvalue);
        mif->inst_var[0]->element[0].pvalue = NULL;
    }
}

/* A word or a number for a choice; NaN if it is neither. */
static double choice(const struct ow_param *row, const char *text)
{
    for (size_t c = 0; row->choice[c]; c++)
        if (strcmp(row->choice[c], text) == 0)
            return (double)c;
    char *end;
    const double value = strtod(text, &end);
    return *text && !*end ? value : NAN;
}

/* ngspice's number reader may be a last bit off, which a seed does not forgive. */
static double whole(double value)
{
    const double near = rint(value);
    return fabs(value - near) <= 1e-14 * fabs(value) ? near : value;
}

/* The .model card's values in table order.  false, and a sentence in err, if one is refused. */
static bool gather(const struct ow_model *model, const Mif_Private_t *mif, double param[],
                   struct ow_error *err)
{
    for (size_t k = 0; k < model->n_param; k++) {
        const struct ow_param *row = &model->param[k];
        const Mif_Value_t *value = &mif->param[k]->element[0];
        param[k] = row->choice ? choice(row, value->svalue) : value->rvalue;
        if (row->choice || k == OW_SEED || k == OW_ID)
            param[k] = whole(param[k]);
        if (row->choice && isnan(param[k])) {
            ow_fail(err, OW_ERR_RANGE,
                    "%s = %s: expected \"%s\", another of its names or a number", row->name,
                    value->svalue, row->choice[0]);
            return false;
        }
    }
    return ow_params_check(model, param, NULL, err) == OW_OK;
}

/* Parameters may have changed between analyses (altermod), so this is done in every DC
 * evaluation, and only there. */
static void read_params(const struct ow_model *model, struct cell *cell, Mif_Private_t *mif)
{
    struct ow_error err = {0};
    const bool is_bad = !gather(model, mif, cell->param, &err);
    if (is_bad && !cell->is_bad) { /* once, not in every iteration */
        char text[sizeof err.text + 64];
        snprintf(text, sizeof text, "ERROR - ow_%s: %s", model->name, err.text);
        cm_message_send(text);
    }
    cell->is_bad = is_bad;
}

static struct cell *instance(const struct ow_model *model, Mif_Private_t *mif)
{
    if (mif->circuit.init) {
        cm_analog_alloc(TAG_PAST, sizeof(struct past));
        cm_analog_alloc(TAG_LTE, sizeof(double));
        mif->inst_var[0]->element[0].pvalue = calloc(1, sizeof(struct cell));
        *mif->callback = destroy;
        if (mif->inst_var[0]->element[0].pvalue)
            read_params(model, mif->inst_var[0]->element[0].pvalue, mif);
    }
    return mif->inst_var[0]->element[0].pvalue;
}

/* Current and states to the ports.  x follows v within a step, hence
 * di/dv = pd(i, v) + sum pd(i, x) dx/dv; dx_dv is NULL where states are frozen. */
static void put(const struct ow_model *model, Mif_Private_t *mif, const struct ow_point *at,
                const double x[], const double *dx_dv)
{
    Mif_Port_Data_t *device = mif->conn[0]->port[0];
    double g = at->di_dv;
    for (size_t s = 0; dx_dv && s < model->n_state; s++)
        g += at->di_dx[s] * dx_dv[s];
    device->output.rvalue = at->i;
    device->partial[0].port[0] = g;
    for (size_t s = 0; s < model->n_state; s++) {
        if (mif->conn[1 + s]->is_null)
            continue;
        mif->conn[1 + s]->port[0]->output.rvalue = x[s];
        mif->conn[1 + s]->port[0]->partial[0].port[0] = dx_dv ? dx_dv[s] : 0.0;
    }
}

/* MIFterr() computes from a state y its truncation error, and from that the step it would
 * like.  With y = 1 at every accepted time and y = 1 - e at this one (order p, method's
 * constant c, steps h0, h1, h2 back in time; mif/miftrunc.c) it finds
 *   p = 1: trtol reltol (h0 + h1) / (c e)
 *   p = 2: sqrt(trtol reltol (h0 + h1) (h0 + h1 + h2) / (c e))
 * Below 0.9 h0 ngspice refuses the attempt and repeats it with just that step, in both
 * ngspice and libngspice, for converged iterates only, and without a lower order
 * afterwards.  wish: s, 0 for none. */
static void ask_for_step(double wish)
{
    const CKTcircuit *ckt = cm_get_circuit();
    double *y = cm_analog_get_ptr(TAG_LTE, 0);
    *y = 1.0;
    if (!(wish > 0.0))
        return;
    const double *h = ckt->CKTdeltaOld;
    const bool is_first_order = ckt->CKTorder == 1;
    const bool is_trap = ckt->CKTintegrateMethod == TRAPEZOIDAL;
    const double c = is_first_order ? 0.5 : is_trap ? 0.08333333333 : 0.2222222222;
    const double tol = ckt->CKTtrtol * ckt->CKTreltol;
    const double e = is_first_order
                         ? tol * (h[0] + h[1]) / (c * wish)
                         : tol * (h[0] + h[1]) * (h[0] + h[1] + h[2]) / (c * wish * wish);
    *y = 1.0 - fmin(e, 1.0);
}

/* Largest |sensitivity| times dv, in units of each state's travel. */
static double moved(const struct ow_model *model, const double dx[], double dv)
{
    double most = 0.0;
    for (size_t s = 0; s < model->n_state; s++)
        most = fmax(most, fabs(dx[s] * dv) / (model->state[s].hi - model->state[s].lo));
    return most;
}

/* The step that this attempt should have been, 0 if it is fine as it is.  The path was
 * taken as linear; the parabola through the point before, or without one the whole change
 * of voltage, says what that may cost. */
static double better_step(const struct ow_model *model, const struct cell *cell,
                          const struct past *past, const struct ow_path *path, bool has_jumped,
                          const struct ow_advanced *now)
{
    const CKTcircuit *ckt = cm_get_circuit();
    const double tol = cell->param[OW_TOL], h = path->t0 - path->t1;
    const double dv = path->v0 - path->v1;
    double wish = 0.0, cost;
    if (has_jumped) {
        cost = moved(model, now->dx_dv, dv);
    } else if (past->has_before != 0.0) {
        const double h_before = past->t - past->t_before;
        const double bend =
            (dv / h - (past->v - past->v_before) / h_before) / (h + h_before); /* V/s^2 */
        cost = moved(model, now->dx_dbulge, 0.25 * bend * h * h);
    } else {
        cost = moved(model, now->dx_dbulge, 0.25 * dv);
    }
    /* The cost goes with h^3 where v is smooth, h^2 behind a corner or a jump.  Halves, so
     * that the wish does not change from one iteration to the next. */
    if (cost > STEP_SHARE * tol) {
        wish = 0.5 * h;
        for (double left = 0.25 * cost; left > STEP_SHARE * tol && wish > 1e-3 * h;
             left *= 0.25)
            wish *= 0.5;
    }
    /* The jump itself took no time; between its two points the circuit sees a ramp. */
    if (has_jumped && h > 0.1 * ckt->CKTmaxStep)
        wish = wish > 0.0 ? fmin(wish, 0.1 * ckt->CKTmaxStep) : 0.1 * ckt->CKTmaxStep;
    /* An event inside the step: come back to just there.  ngspice honours nothing above
     * 0.9 h; half the way first, then. */
    if (now->is_due && now->x[model->event_state] < -DUE_SHARE * tol) {
        const double left = now->t_due - path->t1;
        const double landing = left < 0.85 * h ? left : 0.5 * left;
        wish = wish > 0.0 ? fmin(wish, landing) : landing;
    }
    /* Below ngspice's own least step the analysis would end. */
    if (!(wish > 0.0) || h <= 4.0 * ckt->CKTdelmin)
        return 0.0;
    return fmax(wish, 2.0 * ckt->CKTdelmin);
}

/* ow_advance(), from memory if it was the last thing asked. */
static enum ow_status integrate(const struct ow_model *model, struct cell *cell,
                                const struct ow_path *path, const double x1[],
                                struct ow_advanced *out)
{
    const bool is_known = path->t1 == cell->path.t1 && path->v1 == cell->path.v1 &&
                          path->t0 == cell->path.t0 && path->v0 == cell->path.v0 &&
                          memcmp(x1, cell->x1, model->n_state * sizeof *x1) == 0;
    if (!is_known) {
        cell->path.t0 = NAN; /* nothing is known should it fail */
        const enum ow_status st = ow_advance(model, cell->param, path, x1, &cell->result);
        if (st != OW_OK)
            return st;
        cell->path = *path;
        memcpy(cell->x1, x1, sizeof cell->x1);
    }
    *out = cell->result;
    return OW_OK;
}

static void transient(const struct ow_model *model, struct cell *cell, Mif_Private_t *mif)
{
    const struct past *past = cm_analog_get_ptr(TAG_PAST, 1);
    struct past *now = cm_analog_get_ptr(TAG_PAST, 0);
    const double v = mif->conn[0]->port[0]->input.rvalue;
    const double tol = cell->param[OW_TOL];
    if (!cell->has_lte) {
        double unused;
        cm_analog_integrate(0.0, cm_analog_get_ptr(TAG_LTE, 0), &unused);
        cell->has_lte = true;
    }
    cell->was_transient = true;

    /* With `uic` there is one DC call, at zero volts: the voltage at t = 0 is unknown. */
    const bool is_unknown = past->t == 0.0 && cell->n_dc == 1;
    const struct ow_path path = {
        .t1 = past->t, .v1 = is_unknown ? v : past->v, .t0 = mif->circuit.time, .v0 = v};
    double x1[OW_MAX_STATES];
    memcpy(x1, past->x, sizeof x1);
    const bool has_jumped = ow_fire_due(model, cell->param, DUE_SHARE * tol, x1) > 0;

    struct ow_advanced next;
    if (integrate(model, cell, &path, x1, &next) != OW_OK) {
        cm_analog_not_converged(); /* ngspice tries a shorter step */
        memset(&next, 0, sizeof next);
        memcpy(next.x, x1, sizeof x1);
        ow_eval_one(model, cell->param, v, x1, &next.end);
        ask_for_step(0.0);
    } else {
        if (!mif->circuit.anal_init &&
            moved(model, next.dx_dv, v - cell->v_last) > NEWTON_SHARE * tol)
            cm_analog_not_converged();
        ask_for_step(better_step(model, cell, past, &path, has_jumped, &next));
    }
    cell->v_last = v;

    now->t = path.t0;
    now->v = v;
    memcpy(now->x, next.x, sizeof now->x);
    now->t_before = path.t1;
    now->v_before = path.v1;
    now->has_before = !has_jumped && !is_unknown;
    put(model, mif, &next.end, next.x, next.dx_dv);
}

/* DC: the current at the initial states, which is also where a transient begins. */
static void operating_point(const struct ow_model *model, struct cell *cell, Mif_Private_t *mif)
{
    struct past *now = cm_analog_get_ptr(TAG_PAST, 0);
    struct ow_point at;
    read_params(model, cell, mif);
    if (cell->is_bad)
        return;
    cell->path.t0 = NAN; /* parameters may be others now */
    cell->n_dc = cell->was_transient ? 1 : cell->n_dc + 1;
    cell->was_transient = false;
    memset(now, 0, sizeof *now);
    now->v = mif->conn[0]->port[0]->input.rvalue;
    ow_states_init(model, cell->param, now->x);
    ask_for_step(0.0);
    ow_eval_one(model, cell->param, now->v, now->x, &at);
    put(model, mif, &at, now->x, NULL);
}

/* AC: linearised at frozen states. */
static void small_signal(const struct ow_model *model, const struct cell *cell,
                         Mif_Private_t *mif)
{
    const struct past *now = cm_analog_get_ptr(TAG_PAST, 0);
    Mif_Port_Data_t *device = mif->conn[0]->port[0];
    struct ow_point at;
    ow_eval_one(model, cell->param, device->input.rvalue, now->x, &at);
    device->ac_gain[0].port[0] = (Mif_Complex_t){at.di_dv, 0.0};
}

void ow_codemodel(const struct ow_model *model, Mif_Private_t *mif)
{
    struct cell *cell = instance(model, mif);
    if (!cell || cell->is_bad)
        cm_analog_not_converged(); /* for ever: ngspice then gives up the analysis */
    if (!cell)
        return;
    switch (mif->circuit.anal_type) {
    case MIF_DC:
        operating_point(model, cell, mif);
        break;
    case MIF_AC:
        small_signal(model, cell, mif);
        break;
    case MIF_TRAN:
        if (!cell->is_bad)
            transient(model, cell, mif);
        break;
    }
}
