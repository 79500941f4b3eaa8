/* One try: from the accepted point at time t0 to another, the ports on a course
 *
 *   v(t0 + s h) = v + s d + s (s - 1) b ,
 *
 * CVODE in between, energies by the trapezoidal rule over its steps.  What charges the nodes at
 * its end is told by the rates of the parabola through three points, y at the end and two
 * before it,
 *
 *   dV/dt = r1 + h1/(h1 + h2) (r1 - r2) ,
 *
 * r1 and r2 the mean rates over the stretches h1 and h2 between them. */
#include <math.h>
#include <string.h>

#include "ow_coupled_parts.h"
#include "ow_jumps.h"

/* ---- the course ------------------------------------------------------------------------ */

void ow_coupled_drive(void *data, double t, double v_row[])
{
    const struct ow_coupled *c = data;
    const double h = c->next.t - c->at.t, s = (t - c->at.t) / h;
    for (size_t k = 0; k < c->n_port; k++)
        v_row[k] = c->at.v[k] + s * c->d[k] + s * (s - 1.0) * c->b[k];
}

/* And their slopes at its ends, s = 0 or 1. */
static void slopes(const struct ow_coupled *c, double s, double dv[])
{
    const double h = c->next.t - c->at.t;
    for (size_t k = 0; k < c->n_port; k++)
        dv[k] = (c->d[k] + (2.0 * s - 1.0) * c->b[k]) / h;
}

/* The parabola goes through the accepted point before as well. */
static void set_course(struct ow_coupled *c, double t, const double v[], bool is_smooth)
{
    const double h = t - c->at.t;
    const bool has_parabola = is_smooth && c->h_before > 0.0;
    for (size_t k = 0; k < c->n_port; k++) {
        c->d[k] = v[k] - c->at.v[k];
        c->b[k] = has_parabola ? (c->d[k] / h - c->slope[k]) / (h + c->h_before) * h * h : 0.0;
    }
    c->next.t = t;
    memcpy(c->next.v, v, c->n_port * sizeof *v);
}

/* ---- rates ----------------------------------------------------------------------------- */

/* The point before the end is the anchor.  CVODE's own rates, and those over its shortest
 * steps, are those of lines that have not quite settled: it lies a fiftieth of the step back at
 * least. */
static const double least_span = 0.02;

static void set_anchor(struct ow_coupled *c, double t, const double y[], const double rate[],
                       double span)
{
    c->t_anchor = t;
    c->anchor = y;
    c->anchor_rate = rate;
    c->anchor_span = span;
}

/* The same of what will change. */
static void copy_anchor(struct ow_coupled *c, double t, const double y[], const double rate[],
                        double span)
{
    double *const *room = c->anchor_room;
    memcpy(room[0], y, c->sys.n_free * sizeof *y);
    if (span > 0.0)
        memcpy(room[1], rate, c->sys.n_free * sizeof *rate);
    set_anchor(c, t, room[0], room[1], span);
}

/* The mean rates from the anchor to time t, where the voltages are y, and the rates there. */
static void find_end_rate(struct ow_coupled *c, double t, const double y[])
{
    struct ow_moment *m = &c->next;
    const double span = m->span = t - c->t_anchor, span_before = c->anchor_span;
    const double bend = span_before > 0.0 ? span / (span + span_before) : 0.0;
    const double *y0 = c->anchor, *before = c->anchor_rate;
    for (size_t k = 0; k < c->sys.n_free; k++) {
        const double rate = m->rate[k] = (y[k] - y0[k]) / span;
        c->end_rate[k] = rate + bend * (rate - before[k]);
    }
    c->has_end_rate = true;
}

void ow_coupled_note_rates(const struct ow_coupled *c, struct ow_moment *m)
{
    const size_t n = c->sys.n_cell;
    m->is_at_rest = ow_system_is_at_rest(&c->sys);
    for (size_t k = 0; !m->is_at_rest && k < c->sys.n_continuous; k++)
        memcpy(m->f + k * n, c->sys.at.f[c->sys.moving[k]], n * sizeof *m->f);
}

void ow_coupled_limit(struct ow_coupled *c, struct ow_moment *m)
{
    m->longest = ow_pace_counts(&c->pace) ? ow_pace_limit(&c->pace) : INFINITY;
    ow_stepper_limit(c->stepper, m->longest);
}

/* ---- from point to point --------------------------------------------------------------- */

/* Trapezoidal rule. */
static void integrate(struct ow_coupled *c, double dt, const double from[], const double to[])
{
    for (size_t k = 0; k < OW_N_POWER; k++)
        c->next.e[k] += 0.5 * dt * (from[k] + to[k]);
}

/* What charges the ports' own capacitance joins i and p, with the slopes of the course at s. */
static void add_charging(struct ow_coupled *c, double s, const double v[], double i[],
                         double p[])
{
    if (!c->has_c_port)
        return;
    slopes(c, s, c->dv_row);
    ow_coupled_charge(c, v, i, p);
}

static enum ow_status jump(struct ow_coupled *c, double t, double y[], double p[])
{
    ow_coupled_drive(c, t, c->v_row);
    ow_system_place(&c->sys, c->v_row, y);
    c->next.n_event += ow_jumps_make(&c->sys, t, y, c->next.t_event);
    copy_anchor(c, t, y, NULL, 0.0);
    ow_coupled_sample(c, c->v_row, p, c->next.i);
    const enum ow_status st = ow_stepper_restart(c->stepper, t);
    ow_coupled_limit(c, &c->next);
    return st;
}

/* Devices at time t and unknowns y. */
static void place(struct ow_coupled *c, double t, const double y[])
{
    ow_coupled_drive(c, t, c->v_row);
    if (ow_pace_counts(&c->pace)) { /* which asks for derivatives */
        ow_system_place(&c->sys, c->v_row, y);
        ow_coupled_limit(c, &c->next);
    } else {
        ow_system_place_values(&c->sys, c->v_row, y);
    }
}

/* Powers and currents at the point that CVODE has reached, time t after the step from `before`
 * with powers p, which become those here. */
static void look(struct ow_coupled *c, double before, double t, double p[])
{
    struct ow_moment *m = &c->next;
    const double *y = ow_stepper_y(c->stepper);
    double p1[OW_N_POWER];
    place(c, t, y);
    find_end_rate(c, t, y);
    ow_coupled_sample(c, c->v_row, p1, m->i);
    memcpy(m->p, p1, sizeof p1);
    if (c->has_c_port) { /* inside the step its slopes are those between its ends */
        const double s = (t - c->at.t) / (m->t - c->at.t);
        double *i = c->v_node; /* as workspace */
        memcpy(i, m->i, c->n_port * sizeof *i);
        add_charging(c, s, c->v_row, i, p1);
    }
    integrate(c, t - before, p, p1);
    memcpy(p, p1, sizeof p1);
}

/* From the accepted point to next.t along the course that is set; ends early if held states
 * have stirred. */
static enum ow_status advance(struct ow_coupled *c, bool *has_stirred, long *n_step,
                              struct ow_error *err)
{
    struct ow_moment *m = &c->next;
    double p[OW_N_POWER], t = c->at.t;
    enum ow_step_result result = OW_STEP_ON;
    enum ow_status st = ow_stepper_resume(c->stepper, t, m->t - t, c->expected);
    memcpy(p, c->at.p, sizeof p);
    memcpy(m->i, c->at.i, c->n_port * sizeof *m->i);
    add_charging(c, 0.0, c->at.v, m->i, p);
    ow_stepper_limit(c->stepper, c->is_held ? INFINITY : c->at.longest);
    while (st == OW_OK && result != OW_STEP_STOP) {
        const double before = t;
        result = ow_stepper_step(c->stepper, m->t, &t);
        if (result == OW_STEP_NOMEM)
            return ow_fail(err, OW_ERR_NOMEM, "out of memory");
        if (result == OW_STEP_FAILED)
            return ow_fail(err, OW_ERR_SOLVER, "the array failed after t = %g s: %s", before,
                           ow_stepper_message(c->stepper));
        look(c, before, t, p);
        ++*n_step;
        if (c->is_held && !ow_system_is_at_rest(&c->sys)) {
            *has_stirred = true;
            return OW_OK;
        }
        if (result == OW_STEP_EVENT)
            st = jump(c, t, ow_stepper_y(c->stepper), p);
        else if (m->span >= least_span * (m->t - c->at.t))
            copy_anchor(c, t, ow_stepper_y(c->stepper), m->rate, m->span);
    }
    return st ? ow_fail(err, st, "the array: %s", ow_status_str(st)) : OW_OK;
}

/* ---- tries ----------------------------------------------------------------------------- */

/* The conductances at the accepted point. */
static enum ow_status update_follow(struct ow_coupled *c)
{
    if (!c->is_follow_old)
        return OW_OK;
    ow_system_place_static(&c->sys, c->at.v, ow_stepper_y(c->stepper), NULL);
    c->is_follow_old = false;
    return ow_follow_update(&c->follow);
}

/* On as the unknowns have come to the accepted point, and where the ports turn off from there,
 * lines follow. */
static enum ow_status expect(struct ow_coupled *c)
{
    const struct ow_system *sys = &c->sys;
    /* a third of what does not matter */
    const double h = c->next.t - c->at.t, least = 3e-3 * c->options.rtol * c->options.v_scale;
    double most = 0.0;
    for (size_t k = 0; k < c->n_port; k++) {
        c->dv_row[k] = c->d[k] / h - c->at.v_rate[k];
        most = fmax(most, h * fabs(c->dv_row[k]));
    }
    c->expected = c->at.rate;
    if (most <= least && sys->n_moving == 0)
        return OW_OK;
    c->expected = c->rate;
    memcpy(c->rate, c->at.rate, sys->n_free * sizeof *c->rate);
    if (sys->n_moving > 0 && c->at.is_at_rest)
        memset(c->rate + sys->n_free, 0, sys->n_moving * sys->n_cell * sizeof *c->rate);
    else if (sys->n_moving > 0)
        memcpy(c->rate + sys->n_free, c->at.f, sys->n_moving * sys->n_cell * sizeof *c->rate);
    if (most <= least)
        return OW_OK;
    const enum ow_status st = update_follow(c);
    return st ? st : ow_follow_add(&c->follow, c->dv_row, c->end_rate, c->rate);
}

/* Once, with the states held or not. */
static enum ow_status attempt(struct ow_coupled *c, bool is_held, bool is_smooth,
                              bool *has_stirred, long *n_step, struct ow_error *err)
{
    const struct ow_moment *at = &c->at;
    struct ow_moment *m = &c->next;
    double *y = ow_stepper_y(c->stepper);
    memcpy(y, at->y, c->sys.n_free * sizeof *y);
    if (!(is_held && c->is_held && c->has_states && !c->sys.inner)) {
        ow_system_hold(&c->sys, is_held);
        ow_system_put_states(&c->sys, at->x, y);
    }
    c->is_held = c->has_states = is_held;
    memcpy(m->e, at->e, sizeof m->e);
    if (at->n_event != m->n_event || m->n_event > 0)
        memcpy(m->t_event, at->t_event, c->sys.n_cell * sizeof *m->t_event);
    m->n_event = at->n_event;
    m->longest = at->longest;
    const enum ow_status st = expect(c);
    set_anchor(c, at->t, at->y, at->rate, is_smooth ? at->span : 0.0);
    return st ? ow_fail(err, st, "the array: %s", ow_status_str(st))
              : advance(c, has_stirred, n_step, err);
}

enum ow_status ow_coupled_try(struct ow_coupled *c, double t, const double v[], bool is_smooth,
                              double i[], long *n_step, struct ow_error *err)
{
    struct ow_moment *m = &c->next;
    bool has_stirred = !c->at.is_at_rest || c->circuit->xb->model->fire;
    enum ow_status st = OW_OK;
    set_course(c, t, v, is_smooth);
    if (!has_stirred)
        st = attempt(c, true, is_smooth, &has_stirred, n_step, err);
    if (!st && has_stirred)
        st = attempt(c, false, is_smooth, &has_stirred, n_step, err);
    if (st)
        return st;
    const double *y = ow_stepper_y(c->stepper);
    memcpy(m->y, y, c->sys.n_free * sizeof *y);
    if (!c->is_held)
        ow_system_get_states(&c->sys, y, m->x);
    ow_coupled_note_rates(c, m);
    ow_coupled_drive(c, t - m->span, c->v_row);
    for (size_t k = 0; k < c->n_port; k++)
        m->v_rate[k] = (v[k] - c->v_row[k]) / m->span;
    m->stored = ow_energy_stored(c->circuit, c->sys.v_node);
    memcpy(i, m->i, c->n_port * sizeof *i);
    double p[OW_N_POWER];
    add_charging(c, 1.0, v, i, p);
    return OW_OK;
}

void ow_coupled_accept(struct ow_coupled *c)
{
    const double h = c->next.t - c->at.t;
    if (!(h > 0.0))
        return;
    for (size_t k = 0; k < c->n_port; k++)
        c->slope[k] = (c->next.v[k] - c->at.v[k]) / h;
    c->h_before = h;
    ow_ledger_judge(&c->ledger, c->next.v, c->options.rtol);
    const struct ow_moment old = c->at;
    c->at = c->next;
    c->next = old;
    c->next.t = c->at.t;
    if (c->is_held) {
        c->next.x = c->at.x;
        c->at.x = old.x;
    }
    c->is_follow_old = true;
}
