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
 *   state feels the difference.
 * - The state is integrated here (ow_advance.h), not by cm_analog_integrate(), which under
 *   trapezoidal order 2 is backward Euler.
 * - A step that is too long is refused through ngspice's truncation error: see
 *   ask_for_step().  A temporary breakpoint before the attempted time would do the same in
 *   ngspice; libngspice then goes back twice (dctran.c moves CKTtime back, and so does
 *   sharedsync() a few lines later) and lands before the last accepted time. */
#include "ow_codemodel.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ngspice/cktdefs.h"

#include "ow_advance.h"

enum { TAG_PAST, TAG_LTE }; /* of cm_analog_alloc() */

/* What is remembered of a time point; ngspice keeps one for each of the last few, and copies
 * it byte by byte, so it is short: x has as many places as the model has states. */
struct past {
    double t, v;   /* s, V                                                            */
    int n_before;  /* points before this one that count, at most 2: none from before a
                      jump or from a time when the voltage was unknown                */
    int is_smooth; /* 0 or 1: a parabola would have told this voltage better than a
                      straight line                                                   */
    double x[OW_MAX_STATES];
};

/* A time step with its history.  h[k] is the time from point k + 1 to point k, 0 being this
 * one; what there are no points for is 0. */
struct step {
    struct ow_path path;
    double h[3];          /* s                                                       */
    double second;        /* V/s^2, half of the second derivative: through this point */
    double second_before; /* and through those before it                             */
    double dbulge_dv0;    /* 1: path.bulge follows v0                                */
    int n_before;         /* of point 1                                              */
    bool has_jumped;      /* at t1                                                   */
};

/* What an instance keeps for its life. */
struct cell {
    double param[OW_MAX_PARAMS];
    bool is_bad;     /* parameters refused: the analysis must fail              */
    bool is_foreign; /* a host that this library was not built for           */
    bool has_lte;    /* ngspice watches the truncation error of TAG_LTE         */
    bool was_transient;
    int n_dc;                     /* DC evaluations since the last transient analysis        */
    double x_last[OW_MAX_STATES]; /* at the last call: has Newton settled?       */

    /* The model's answer at the last accepted point: each attempt starts from it. */
    struct ow_point start;
    double v_start, x_start[OW_MAX_STATES]; /* v_start: NAN if there is none */

    /* The last integration: Newton's last iteration mostly asks for it again. */
    struct ow_path path; /* path.t0: NAN if there is none */
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

/* Do the counts that ngspice hands over stand where the headers say that they do?  Before
 * they do, no pointer among them may be followed. */
static bool has_counts(const struct ow_model *model, const Mif_Private_t *mif)
{
    return mif->num_conn == (int)(1 + model->n_state) &&
           mif->num_param == (int)model->n_param && mif->num_inst_var == 1;
}

/* And the rest?  What ngspice tells in two places has to agree, counts have to be those of
 * the interface, and settings to be in their ranges.  A library that is loaded at all may
 * still differ there: ngspice itself compares nothing, and has no version that a code model
 * could ask for. */
static bool is_home(const Mif_Private_t *mif)
{
    const CKTcircuit *ckt = cm_get_circuit();
    if (!ckt || mif->conn[0]->size != 1) /* NULL: another function (46's in 44) */
        return false;
    const Mif_Port_Data_t *device = mif->conn[0]->port[0];
    if (device->type != MIF_DIFF_CONDUCTANCE || device->is_null != MIF_FALSE ||
        (uintptr_t)device->partial < 4096) /* a count or a flag rather than an address */
        return false;
    if (!(fabs(ckt->CKTtemp - 273.15 - mif->circuit.temperature) < 1e-9) ||
        !(ckt->CKTreltol > 0.0 && ckt->CKTreltol < 1.0) ||
        !(ckt->CKTtrtol > 0.0 && ckt->CKTtrtol < 1e6) ||
        !(ckt->CKTmaxOrder >= 1 && ckt->CKTmaxOrder <= 6) ||
        !(ckt->CKTintegrateMethod == TRAPEZOIDAL || ckt->CKTintegrateMethod == GEAR))
        return false;
    const double *state = cm_analog_get_ptr(TAG_LTE, 0);
    return ckt->CKTstates[0] && state >= ckt->CKTstates[0] &&
           state < ckt->CKTstates[0] + ckt->CKTnumStates;
}

static void refuse_host(const struct ow_model *model)
{
    char text[256];
    snprintf(text, sizeof text,
             "ERROR - ow_%s: this library of code models was built for another ngspice "
             "(version " OW_NGSPICE_VERSION ", or configured otherwise); rebuild it with "
             "-Dngspice_src= and the source of this one",
             model->name);
    cm_message_send(text);
}

/* NULL: no memory, or a host whose structures are too foreign to keep anything in. */
static struct cell *instance(const struct ow_model *model, Mif_Private_t *mif)
{
    if (!has_counts(model, mif)) {
        if (mif->circuit.init) /* once */
            refuse_host(model);
        return NULL;
    }
    if (mif->circuit.init) {
        cm_analog_alloc(TAG_PAST,
                        (int)(offsetof(struct past, x) + model->n_state * sizeof(double)));
        cm_analog_alloc(TAG_LTE, sizeof(double));
        mif->inst_var[0]->element[0].pvalue = calloc(1, sizeof(struct cell));
        *mif->callback = destroy;
        struct cell *cell = mif->inst_var[0]->element[0].pvalue;
        if (cell && !is_home(mif)) {
            refuse_host(model);
            cell->is_foreign = true;
        } else if (cell)
            read_params(model, cell, mif);
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
 * afterwards.  Above, it is the limit of the next step.  wish: s, 0 for none. */
static void ask_for_step(double wish)
{
    const CKTcircuit *ckt = cm_get_circuit();
    double *y = cm_analog_get_ptr(TAG_LTE, 0), *y1 = cm_analog_get_ptr(TAG_LTE, 1);
    *y = *y1 = 1.0; /* y1 may still hold the last point's wish */
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

/* The parabola through this point and the two before it, as a bulge of the step.  V */
static double parabola(const struct step *step)
{
    return -0.25 * step->second * step->h[0] * step->h[0];
}

/* By how much it changes with the points it is put through: twice the cubic term where v is
 * smooth and steps are even, and the whole error behind a corner.  V */
static double parabola_error(const struct step *step)
{
    return -0.25 * (step->second - step->second_before) * step->h[0] * step->h[0];
}

/* The step that this attempt should have been, or what the next may be; 0 for no limit.  The
 * path is taken as linear, or as a parabola where that has proved better; how far that was
 * off says what it may cost. */
static double better_step(const struct ow_model *model, const struct cell *cell,
                          const struct step *step, const struct ow_advanced *now)
{
    const CKTcircuit *ckt = cm_get_circuit();
    const double tol = cell->param[OW_TOL], h = step->h[0];
    const double dv = step->path.v0 - step->path.v1;
    double wish = 0.0, cost, order;
    if (step->has_jumped) {
        cost = moved(model, now->dx_dv, dv);
        order = 2.0;
    } else if (step->dbulge_dv0 != 0.0) {
        cost = moved(model, now->dx_dbulge, parabola_error(step));
        order = 4.0;
    } else {
        /* without a point before: the whole change of voltage */
        cost = moved(model, now->dx_dbulge, step->n_before > 0 ? parabola(step) : 0.25 * dv);
        order = 3.0;
    }
    /* Aim a little below the limit, so that few attempts are refused; ngspice does not let
     * a step grow more than twofold. */
    const double aim = 0.7 * STEP_SHARE * tol;
    if (cost > aim / 16.0)
        wish = h * fmax(pow(aim / cost, 1.0 / order), 1e-3);
    /* The jump itself took no time; between its two points the circuit sees a ramp. */
    if (step->has_jumped && h > 0.1 * ckt->CKTmaxStep)
        wish = wish > 0.0 ? fmin(wish, 0.1 * ckt->CKTmaxStep) : 0.1 * ckt->CKTmaxStep;
    /* An event inside the step: come back to just there.  ngspice honours nothing above
     * 0.9 h; half the way first, then. */
    if (now->is_due && now->x[model->event_state] < -DUE_SHARE * tol) {
        const double left = now->t_due - step->path.t1;
        const double landing = left < 0.85 * h ? left : 0.5 * left;
        wish = wish > 0.0 ? fmin(wish, landing) : landing;
    }
    /* Below ngspice's own least step the analysis would end. */
    if (!(wish > 0.0) || h <= 4.0 * ckt->CKTdelmin)
        return 0.0;
    return fmax(wish, 2.0 * ckt->CKTdelmin);
}

/* The model's answer at the beginning of the step: mostly the end of the one before. */
static const struct ow_point *start_of(const struct ow_model *model, struct cell *cell,
                                       double v1, const double x1[])
{
    const size_t size = model->n_state * sizeof *x1;
    if (v1 == cell->v_start && memcmp(x1, cell->x_start, size) == 0)
        return &cell->start;
    if (cell->path.v0 == v1 && memcmp(x1, cell->result.x, size) == 0 && !isnan(cell->path.t0))
        cell->start = cell->result.end;
    else
        ow_eval_one(model, cell->param, v1, x1, &cell->start);
    cell->v_start = v1;
    memcpy(cell->x_start, x1, size);
    return &cell->start;
}

/* ow_advance(), from memory if it was the last thing asked.  NULL if it fails. */
static const struct ow_advanced *integrate(const struct ow_model *model, struct cell *cell,
                                           const struct ow_path *path, const double x1[])
{
    const size_t size = model->n_state * sizeof *x1;
    const bool is_known = path->t1 == cell->path.t1 && path->v1 == cell->path.v1 &&
                          path->t0 == cell->path.t0 && path->v0 == cell->path.v0 &&
                          path->bulge == cell->path.bulge && memcmp(x1, cell->x1, size) == 0;
    if (!is_known) {
        const struct ow_point *start = start_of(model, cell, path->v1, x1);
        cell->path.t0 = NAN; /* nothing is known should it fail */
        if (ow_advance(model, cell->param, path, x1, start, &cell->result) != OW_OK)
            return NULL;
        cell->path = *path;
        memcpy(cell->x1, x1, size);
    }
    return &cell->result;
}

/* ngspice's points before the last; cm_analog_get_ptr() knows the last two only. */
static const struct past *point_back(const CKTcircuit *ckt, const struct past *now, int k)
{
    const size_t offset = (size_t)((const char *)now - (const char *)ckt->CKTstates[0]);
    return (const struct past *)((const char *)ckt->CKTstates[k] + offset);
}

/* The voltage as a function of time, as far as it is known. */
static struct step step_to(const struct past *now, const struct past *past, double t, double v,
                           bool is_unknown, bool has_jumped)
{
    const CKTcircuit *ckt = cm_get_circuit();
    struct step s = {.path = {.t1 = past->t, .v1 = is_unknown ? v : past->v, .t0 = t, .v0 = v},
                     .n_before = is_unknown || has_jumped ? 0 : past->n_before,
                     .has_jumped = has_jumped};
    if (s.n_before > ckt->CKTmaxOrder) /* older points are not kept */
        s.n_before = ckt->CKTmaxOrder;
    s.h[0] = t - past->t;
    if (s.n_before < 1)
        return s;
    const struct past *p2 = point_back(ckt, now, 2);
    s.h[1] = past->t - p2->t;
    const double slope0 = (v - past->v) / s.h[0], slope1 = (past->v - p2->v) / s.h[1];
    s.second = (slope0 - slope1) / (s.h[0] + s.h[1]);
    if (s.n_before < 2)
        return s;
    const struct past *p3 = point_back(ckt, now, 3);
    s.h[2] = p2->t - p3->t;
    const double slope2 = (p2->v - p3->v) / s.h[2];
    s.second_before = (slope1 - slope2) / (s.h[1] + s.h[2]);
    if (past->is_smooth) { /* decided by the past: no iterate shall change it */
        s.path.bulge = parabola(&s);
        s.dbulge_dv0 = -0.25 * s.h[0] / (s.h[0] + s.h[1]);
    }
    return s;
}

/* Newton's first iteration sees the voltage of the last point again and is never the last:
 * the states one step of Euler's method further, damped where the Jacobian is stiff, which
 * costs no evaluation. */
static void first_iteration(const struct ow_model *model, struct cell *cell, Mif_Private_t *mif,
                            double h, double v, const double x1[])
{
    struct ow_point at = *start_of(model, cell, v, x1);
    double dx_dv[OW_MAX_STATES];
    for (size_t s = 0; s < model->n_state; s++) {
        const double most = 0.1 * (model->state[s].hi - model->state[s].lo);
        const double damping = fmax(-h * at.df_dx[s][s], 0.0);
        const double dx = fmin(fmax(h * at.f[s] / (1.0 + damping), -most), most);
        at.i += at.di_dx[s] * dx;
        cell->x_last[s] = x1[s] + dx;
        dx_dv[s] = 0.5 * h * at.df_dv[s] / (1.0 + 0.5 * damping);
    }
    put(model, mif, &at, cell->x_last, dx_dv);
}

/* ngspice compares currents and voltages, to reltol only, and what it keeps of a time point is
 * the last iterate but one: it has to agree in the states. */
static void compare_iterates(const struct ow_model *model, struct cell *cell, const double x[])
{
    const double share = NEWTON_SHARE * cell->param[OW_TOL];
    bool is_same = true;
    for (size_t s = 0; s < model->n_state; s++) {
        const double range = model->state[s].hi - model->state[s].lo;
        is_same = is_same && fabs(x[s] - cell->x_last[s]) <= share * range;
        cell->x_last[s] = x[s];
    }
    if (!is_same)
        cm_analog_not_converged();
}

/* The step cannot be integrated: ngspice tries a shorter one. */
static void give_up(const struct ow_model *model, struct cell *cell, Mif_Private_t *mif,
                    double v, const double x1[])
{
    struct ow_point at;
    cm_analog_not_converged();
    ask_for_step(0.0);
    ow_eval_one(model, cell->param, v, x1, &at);
    put(model, mif, &at, x1, NULL);
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

    double x1[OW_MAX_STATES];
    memcpy(x1, past->x, model->n_state * sizeof *x1);
    const bool has_jumped = ow_fire_due(model, cell->param, past->v, DUE_SHARE * tol, x1) > 0;
    if (mif->circuit.anal_init) {
        first_iteration(model, cell, mif, mif->circuit.time - past->t, v, x1);
        return;
    }

    /* With `uic` there is one DC call, at zero volts: the voltage at t = 0 is unknown. */
    const bool is_unknown = past->t == 0.0 && cell->n_dc == 1;
    const struct step step = step_to(now, past, mif->circuit.time, v, is_unknown, has_jumped);
    const struct ow_advanced *next = integrate(model, cell, &step.path, x1);
    if (!next) {
        give_up(model, cell, mif, v, x1);
        return;
    }
    double dx_dv[OW_MAX_STATES];
    for (size_t s = 0; s < model->n_state; s++)
        dx_dv[s] = next->dx_dv[s] + step.dbulge_dv0 * next->dx_dbulge[s];
    compare_iterates(model, cell, next->x);
    ask_for_step(better_step(model, cell, &step, next));

    now->t = step.path.t0;
    now->v = v;
    memcpy(now->x, next->x, model->n_state * sizeof now->x[0]);
    now->n_before = is_unknown || has_jumped ? 0 : past->n_before < 2 ? past->n_before + 1 : 2;
    now->is_smooth =
        step.n_before >= 2 && fabs(parabola_error(&step)) < 0.5 * fabs(parabola(&step));
    put(model, mif, &next->end, next->x, dx_dv);
}

/* DC: the current at the initial states, which is also where a transient begins. */
static void operating_point(const struct ow_model *model, struct cell *cell, Mif_Private_t *mif)
{
    struct past *now = cm_analog_get_ptr(TAG_PAST, 0);
    struct ow_point at;
    read_params(model, cell, mif);
    if (cell->is_bad)
        return;
    cell->path.t0 = cell->v_start = NAN; /* parameters may be others now */
    cell->n_dc = cell->was_transient ? 1 : cell->n_dc + 1;
    cell->was_transient = false;
    memset(now, 0, offsetof(struct past, x));
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
    if (!cell || cell->is_bad || cell->is_foreign)
        cm_analog_not_converged(); /* for ever: ngspice then gives up the analysis */
    if (!cell || cell->is_foreign)
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
