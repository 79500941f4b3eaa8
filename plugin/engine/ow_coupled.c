#include "ow_coupled.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_engine.h"
#include "ow_follow.h"
#include "ow_jumps.h"
#include "ow_kernel.h"
#include "ow_ledger.h"
#include "ow_pace.h"
#include "ow_pages.h"
#include "ow_stepper.h"

enum { SOURCE, SUPPLY, DRIVERS, DEVICES, WIRES, SENSE, THROUGHPUT, CHARGE };

/* What is known of one time. */
struct moment {
    double t;        /* s                                                    */
    double *v, *i;   /* [n_port] V, A: i without what charges the ports' own
                        capacitance, which depends on the step               */
    double *y;       /* [n_free] V                                           */
    double *x;       /* [n_state][n_cell]                                    */
    double *t_event; /* [n_cell] s                                           */
    long n_event;
    double p[OW_N_POWER]; /* W, at its end, those of the ports for i above        */
    double e[OW_N_POWER]; /* J, since time 0                                      */
    double stored;        /* J                                                    */

    /* How it got here. */
    double span;     /* s, a stretch before; 0: there is none               */
    double *rate;    /* [n_free] V/s, mean over it, or 0                     */
    double *v_rate;  /* [n_port] V/s, likewise                               */
    double *f;       /* [n_continuous][n_cell] 1/s, here                     */
    bool is_at_rest; /* every f is 0 here                                    */
    double longest;  /* s, what the powers allow for a step from here        */
};

struct ow_coupled {
    const struct ow_circuit *circuit; /* borrowed */
    struct ow_coupled_options options;
    size_t n_port;
    struct ow_system sys;
    struct ow_mass *mass;
    struct ow_newton *newton;
    struct ow_stepper *stepper;
    struct ow_engine *dc;
    struct ow_ledger ledger;
    struct ow_pace pace;
    struct ow_follow follow;
    bool is_follow_old;     /* it has not seen the accepted point */
    struct moment at, next; /* accepted, and tried */
    bool is_held;           /* next has the states of at, and next.x is not used ... */
    bool has_states;        /* ... and so has the system                             */
    double stored_0;        /* J, at time 0 */
    double *c_port;         /* [n_port] F, merged onto the ports */
    bool has_c_port;
    double *v_node, *v_sense; /* [n_node], [cols] workspace */

    /* The ports' voltages of the step that is tried, v + s d + s (s - 1) b with s from 0 to
     * 1, and those of the accepted step before. */
    double *d, *b;             /* [n_port] V */
    double *slope;             /* [n_port] V/s, of the accepted step before, its mean */
    double h_before;           /* s, 0: there is none */
    double *rate;              /* [n_y] 1/s, how the unknowns are expected to go on ... */
    const double *expected;    /* ... there, or that of the accepted point              */
    double t_anchor;           /* s, of a point before the one that is sampled ...      */
    const double *anchor;      /* [n_free] V, ... what there was ...                    */
    const double *anchor_rate; /* [n_free] V/s, ... and its mean rate ...            */
    double anchor_span;        /* s, ... over this time before, 0: not known            */
    double *anchor_room[2];    /* [n_free] for these two, but at the accepted point      */
    double *end_rate;          /* [n_free] V/s, at the point that is sampled ...        */
    bool has_end_rate;         /* ... or nothing changes there                          */
    double *v_row, *dv_row;    /* [n_port] workspace */
};

/* ---- life ---------------------------------------------------------------------------- */

static bool create_moment(const struct ow_coupled *c, struct moment *m)
{
    const size_t n_cell = c->sys.n_cell, n_free = c->sys.n_free + 1;
    m->v = calloc(c->n_port, sizeof *m->v);
    m->i = calloc(c->n_port, sizeof *m->i);
    m->y = ow_pages_calloc(n_free, sizeof *m->y);
    m->x = ow_pages_calloc(c->sys.n_state * n_cell + 1, sizeof *m->x);
    m->t_event = ow_pages_calloc(n_cell, sizeof *m->t_event);
    m->rate = ow_pages_calloc(n_free, sizeof *m->rate);
    m->v_rate = calloc(c->n_port, sizeof *m->v_rate);
    m->f = ow_pages_calloc(c->sys.n_continuous * n_cell + 1, sizeof *m->f);
    return m->v && m->i && m->y && m->x && m->t_event && m->rate && m->v_rate && m->f;
}

static void finish_moment(struct moment *m)
{
    free(m->v);
    free(m->i);
    free(m->y);
    free(m->x);
    free(m->t_event);
    free(m->rate);
    free(m->v_rate);
    free(m->f);
}

/* Voltages of the ports at time t of the step. */
static void drive(void *data, double t, double v_row[])
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

static enum ow_status create_stepper(struct ow_coupled *c)
{
    const struct ow_coupled_options *o = &c->options;
    /* Nodes are held by the absolute tolerance, the same for driven and quiet lines; states by
     * a tighter relative one, since a first-order start in every try adds up in what remembers.
     */
    const double rtol = 1e-2 * o->rtol;
    const double atol_v = 5e-2 * o->rtol * o->v_scale, atol_x = 1e-3 * rtol;
    enum ow_status st = ow_mass_create(&c->sys, &c->mass);
    if (st || (st = ow_newton_create(&c->sys, c->mass, &c->newton)))
        return st;
    return ow_stepper_create(&c->sys, c->mass, c->newton, rtol, atol_v, atol_x, drive, c,
                             &c->stepper);
}

static bool create_arrays(struct ow_coupled *c)
{
    const size_t n = c->n_port;
    double **const array[] = {&c->c_port, &c->d, &c->b, &c->slope, &c->v_row, &c->dv_row};
    for (size_t k = 0; k < sizeof array / sizeof array[0]; k++)
        if (!(*array[k] = calloc(n, sizeof **array[k])))
            return false;
    c->rate = ow_pages_calloc(c->sys.n_y + 1, sizeof *c->rate);
    for (size_t k = 0; k < 2; k++)
        c->anchor_room[k] = ow_pages_calloc(c->sys.n_free + 1, sizeof **c->anchor_room);
    c->end_rate = ow_pages_calloc(c->sys.n_free + 1, sizeof *c->end_rate);
    c->v_node = calloc(c->circuit->n_node, sizeof *c->v_node);
    c->v_sense = calloc(c->circuit->xb->cols, sizeof *c->v_sense);
    return c->v_node && c->v_sense && c->rate && c->anchor_room[0] && c->anchor_room[1] &&
           c->end_rate && create_moment(c, &c->at) && create_moment(c, &c->next) &&
           ow_ledger_init(&c->sys, false, &c->ledger) == OW_OK &&
           ow_pace_init(&c->sys, &c->pace) == OW_OK;
}

enum ow_status ow_coupled_create(const struct ow_circuit *circuit,
                                 const struct ow_coupled_options *options,
                                 struct ow_coupled **out, struct ow_error *err)
{
    const struct ow_engine_options dc = {
        .rtol = options->rtol, .v_scale = options->v_scale, .n_threads = options->n_threads};
    struct ow_coupled *c = calloc(1, sizeof *c);
    if (!c)
        return ow_fail(err, OW_ERR_NOMEM, "out of memory");
    c->circuit = circuit;
    c->options = *options;
    c->n_port = circuit->n_source;
    enum ow_status st =
        ow_system_create(circuit, ow_system_threads(circuit, options->n_threads), &c->sys);
    if (st)
        goto fail;
    const size_t massless = ow_system_massless(&c->sys);
    if (massless < circuit->n_node) {
        char name[32];
        ow_circuit_node_name(circuit, massless, name);
        st = ow_fail(err, OW_ERR_INPUT,
                     "node %s has no capacitance, so its voltage is no state of a transient: "
                     "give array.c_wordline and array.c_bitline values above 0",
                     name);
        goto fail;
    }
    if (circuit->xb->c_cell > 0.0 &&
        (circuit->te.first < circuit->first_free || circuit->be.first < circuit->first_free)) {
        st = ow_fail(err, OW_ERR_INPUT,
                     "device.cp = %g F: expected 0 where a port is a whole line, without any "
                     "resistance",
                     circuit->xb->c_cell);
        goto fail;
    }
    if ((st = create_stepper(c)) || (st = ow_follow_init(&c->sys, c->mass, &c->follow)) ||
        (st = ow_engine_create(circuit, &dc, true, &c->dc, err)))
        goto fail;
    if (!create_arrays(c)) {
        st = OW_ERR_NOMEM;
        goto fail;
    }
    for (size_t k = 0; k < c->n_port; k++) {
        c->c_port[k] = ow_circuit_c(circuit, 1 + k);
        c->has_c_port |= c->c_port[k] > 0.0;
    }
    *out = c;
    return OW_OK;
fail:
    ow_coupled_destroy(c);
    return err && err->status ? st : ow_fail(err, st, "the array: %s", ow_status_str(st));
}

void ow_coupled_destroy(struct ow_coupled *c)
{
    if (!c)
        return;
    ow_engine_destroy(c->dc);
    ow_stepper_destroy(c->stepper);
    ow_newton_destroy(c->newton);
    ow_mass_destroy(c->mass);
    ow_ledger_finish(&c->ledger);
    ow_pace_finish(&c->pace);
    ow_follow_finish(&c->follow);
    ow_system_finish(&c->sys);
    finish_moment(&c->at);
    finish_moment(&c->next);
    free(c->c_port);
    free(c->d);
    free(c->b);
    free(c->slope);
    free(c->v_row);
    free(c->dv_row);
    free(c->rate);
    free(c->anchor_room[0]);
    free(c->anchor_room[1]);
    free(c->end_rate);
    free(c->v_node);
    free(c->v_sense);
    free(c);
}

/* ---- powers and currents --------------------------------------------------------------- */

/* The three powers that the ports' currents i decide. */
static void port_powers(const struct ow_coupled *c, const double v[], const double i[],
                        double p[])
{
    p[SOURCE] = p[THROUGHPUT] = p[CHARGE] = 0.0;
    for (size_t k = 0; k < c->n_port; k++) {
        p[SOURCE] += v[k] * i[k];
        p[THROUGHPUT] += fabs(v[k] * i[k]);
        p[CHARGE] += fmax(i[k], 0.0);
    }
}

/* dv/dt of a node. */
static double node_rate(const struct ow_coupled *c, size_t node)
{
    const size_t first = c->circuit->first_free;
    return node < first ? 0.0 : c->end_rate[node - first];
}

/* What leaves word line `row` and joins the bit lines there: through the cells, and what
 * charges them and the nodes. */
static void add_row(const struct ow_coupled *c, size_t row, double *i_word, double i_bit[])
{
    const struct ow_circuit *ckt = c->circuit;
    const struct ow_crossbar *xb = ckt->xb;
    const double *i = c->sys.at.i + row * xb->cols;
    for (size_t j = 0; j < xb->cols; j++) {
        *i_word += i[j];
        i_bit[j] -= i[j];
        if (!c->has_end_rate)
            continue;
        const double w = node_rate(c, ow_terminal(&ckt->te, row, j));
        const double b = node_rate(c, ow_terminal(&ckt->be, row, j));
        *i_word += xb->c_wordline * w + xb->c_cell * (w - b);
        i_bit[j] += xb->c_bitline * b + xb->c_cell * (b - w);
    }
}

/* The same of two planes of nodes: w[cols], b[cols] hold their dv/dt. */
OW_CLONES static void add_plane_row(const struct ow_crossbar *xb, const double i[],
                                    const double w[], const double b[], double *i_word,
                                    double i_bit[])
{
    enum { LANES = 8 };
    const double c_w = xb->c_wordline, c_b = xb->c_bitline, c = xb->c_cell;
    double sum[LANES] = {0.0};
    size_t j = 0;
    for (; j + LANES <= xb->cols; j += LANES)
        for (size_t m = 0; m < LANES; m++) {
            const size_t k = j + m;
            sum[m] += i[k] + c_w * w[k] + c * (w[k] - b[k]);
            i_bit[k] += c_b * b[k] + c * (b[k] - w[k]) - i[k];
        }
    for (; j < xb->cols; j++) {
        sum[0] += i[j] + c_w * w[j] + c * (w[j] - b[j]);
        i_bit[j] += c_b * b[j] + c * (b[j] - w[j]) - i[j];
    }
    *i_word += ow_total(sum, LANES);
}

/* The ports' currents at the placed point, but for what charges the ports' own capacitance:
 * all that leaves a line.  The drop over its first segment would tell them as well, but that
 * is a small difference of voltages, and what the solver leaves of an error there is large in
 * it. */
static void port_currents(const struct ow_coupled *c, double i[])
{
    const struct ow_circuit *ckt = c->circuit;
    const size_t rows = ckt->xb->rows, cols = ckt->xb->cols, first = ckt->first_free;
    memset(i, 0, c->n_port * sizeof *i);
    for (size_t row = 0; row < rows; row++) {
        const size_t k = row * cols;
        if (ckt->is_grid && c->has_end_rate)
            add_plane_row(ckt->xb, c->sys.at.i + k, c->end_rate + (ckt->wline - first) + k,
                          c->end_rate + (ckt->bline - first) + k, &i[row], i + rows);
        else
            add_row(c, row, &i[row], i + rows);
    }
}

/* Powers and the ports' currents at the placed point of port voltages v, both but for what
 * charges the ports' own capacitance. */
static void sample(struct ow_coupled *c, const double v[], double p[], double i[])
{
    memset(c->dv_row, 0, c->n_port * sizeof *c->dv_row);
    ow_ledger_powers(&c->ledger, c->dv_row, p);
    port_currents(c, i);
    port_powers(c, v, i, p);
}

/* With it, at an end of the step (s = 0 or 1): p again, and i. */
static void add_charging(struct ow_coupled *c, double s, const double v[], double i[],
                         double p[])
{
    if (!c->has_c_port)
        return;
    slopes(c, s, c->dv_row);
    for (size_t k = 0; k < c->n_port; k++)
        i[k] += c->c_port[k] * c->dv_row[k];
    port_powers(c, v, i, p);
}

/* The states' rates at the placed point. */
static void note_rates(const struct ow_coupled *c, struct moment *m)
{
    const size_t n = c->sys.n_cell;
    m->is_at_rest = ow_system_is_at_rest(&c->sys);
    for (size_t k = 0; !m->is_at_rest && k < c->sys.n_continuous; k++)
        memcpy(m->f + k * n, c->sys.at.f[c->sys.moving[k]], n * sizeof *m->f);
}

/* How far the powers at the placed point let the next step go. */
static void limit_step(struct ow_coupled *c, struct moment *m)
{
    m->longest = ow_pace_counts(&c->pace) ? ow_pace_limit(&c->pace) : INFINITY;
    ow_stepper_limit(c->stepper, m->longest);
}

/* ---- DC ------------------------------------------------------------------------------- */

enum ow_status ow_coupled_dc(struct ow_coupled *c, const double v[], const double *x_begin,
                             double i[], struct ow_error *err)
{
    struct moment *m = &c->at;
    if (x_begin)
        memcpy(m->x, x_begin, c->sys.n_state * c->sys.n_cell * sizeof *m->x);
    else
        ow_system_initial_states(&c->sys, m->x);
    const enum ow_status st = ow_engine_dc(c->dc, v, m->x, c->v_sense, c->v_node, err);
    if (st)
        return st;
    memcpy(m->v, v, c->n_port * sizeof *v);
    memcpy(m->y, c->v_node + c->circuit->first_free, c->sys.n_free * sizeof *m->y);
    for (size_t k = 0; k < c->sys.n_cell; k++)
        m->t_event[k] = c->next.t_event[k] = NAN;
    m->t = c->next.t = c->h_before = m->span = 0.0;
    m->n_event = 0;
    memset(m->e, 0, sizeof m->e);
    double *y = ow_stepper_y(c->stepper);
    ow_system_hold(&c->sys, false);
    memcpy(y, m->y, c->sys.n_free * sizeof *y);
    ow_system_put_states(&c->sys, m->x, y);
    ow_system_place(&c->sys, v, y);
    c->has_end_rate = false;
    sample(c, v, m->p, m->i);
    note_rates(c, m);
    limit_step(c, m);
    memset(m->rate, 0, c->sys.n_free * sizeof *m->rate);
    memset(m->v_rate, 0, c->n_port * sizeof *m->v_rate);
    m->stored = c->stored_0 = ow_energy_stored(c->circuit, c->sys.v_node);
    c->is_follow_old = true;
    c->has_states = false;
    memcpy(i, m->i, c->n_port * sizeof *i);
    return OW_OK;
}

/* ---- a step ------------------------------------------------------------------------------ */

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

/* Trapezoidal rule. */
static void integrate(struct ow_coupled *c, double dt, const double from[], const double to[])
{
    for (size_t k = 0; k < OW_N_POWER; k++)
        c->next.e[k] += 0.5 * dt * (from[k] + to[k]);
}

/* dV/dt at time t is that of the parabola through the point there, the anchor and one before
 * it. CVODE's own rates, and those over its shortest steps, are those of lines that have not
 * quite settled: an anchor lies a fiftieth of the step back at least. */
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
    struct moment *m = &c->next;
    const double span = m->span = t - c->t_anchor, span_before = c->anchor_span;
    const double bend = span_before > 0.0 ? span / (span + span_before) : 0.0;
    const double *y0 = c->anchor, *before = c->anchor_rate;
    for (size_t k = 0; k < c->sys.n_free; k++) {
        const double rate = m->rate[k] = (y[k] - y0[k]) / span;
        c->end_rate[k] = rate + bend * (rate - before[k]);
    }
    c->has_end_rate = true;
}

static enum ow_status jump(struct ow_coupled *c, double t, double y[], double p[])
{
    drive(c, t, c->v_row);
    ow_system_place(&c->sys, c->v_row, y);
    c->next.n_event += ow_jumps_make(&c->sys, t, y, c->next.t_event);
    copy_anchor(c, t, y, NULL, 0.0);
    sample(c, c->v_row, p, c->next.i);
    const enum ow_status st = ow_stepper_restart(c->stepper, t);
    limit_step(c, &c->next);
    return st;
}

/* Devices at time t and unknowns y. */
static void place(struct ow_coupled *c, double t, const double y[])
{
    drive(c, t, c->v_row);
    if (ow_pace_counts(&c->pace)) { /* which asks for derivatives */
        ow_system_place(&c->sys, c->v_row, y);
        limit_step(c, &c->next);
    } else {
        ow_system_place_values(&c->sys, c->v_row, y);
    }
}

/* Powers and currents at the point that CVODE has reached, time t after the step from `before`
 * with powers p, which become those here. */
static void look(struct ow_coupled *c, double before, double t, double p[])
{
    struct moment *m = &c->next;
    const double *y = ow_stepper_y(c->stepper);
    double p1[OW_N_POWER];
    place(c, t, y);
    find_end_rate(c, t, y);
    sample(c, c->v_row, p1, m->i);
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
    struct moment *m = &c->next;
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
    const struct moment *at = &c->at;
    struct moment *m = &c->next;
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
    struct moment *m = &c->next;
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
    note_rates(c, m);
    drive(c, t - m->span, c->v_row);
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
    const struct moment old = c->at;
    c->at = c->next;
    c->next = old;
    c->next.t = c->at.t;
    if (c->is_held) {
        c->next.x = c->at.x;
        c->at.x = old.x;
    }
    c->is_follow_old = true;
}

/* ---- what there is to know --------------------------------------------------------------- */

size_t ow_coupled_rows(const struct ow_coupled *c)
{
    return c->circuit->xb->rows;
}

double ow_coupled_time(const struct ow_coupled *c)
{
    return c->at.t;
}

double ow_coupled_tried(const struct ow_coupled *c)
{
    return c->next.t;
}

const double *ow_coupled_v(const struct ow_coupled *c)
{
    return c->at.v;
}

const double *ow_coupled_i(const struct ow_coupled *c)
{
    return c->at.i;
}

/* From the far end of a line: each node's own branch, and what lies behind in series with a
 * segment.  Cells lead to lines that stand still. */
static double seen_from(const struct ow_coupled *c, size_t first, size_t step, size_t n,
                        double r, double r_first, double c_node, double h)
{
    const struct ow_crossbar *xb = c->circuit->xb;
    double y = 0.0;
    for (size_t k = n; k-- > 0;) {
        const size_t cell = first + k * step;
        const double own = fmax(c->sys.at.di_dv[cell], 0.0) + (c_node + xb->c_cell) / h;
        y = own + (k + 1 < n && y > 0.0 ? y / (1.0 + r * y) : 0.0);
    }
    return y / (1.0 + r_first * y);
}

/* A bit line's port is behind its last row; a row without resistance meets all its cells. */
void ow_coupled_conductance(const struct ow_coupled *c, double h, double g[])
{
    const struct ow_crossbar *xb = c->circuit->xb;
    for (size_t i = 0; i < xb->rows; i++)
        g[i] = seen_from(c, i * xb->cols, 1, xb->cols, xb->r_wordline,
                         xb->r_driver + xb->r_wordline, xb->c_wordline, h);
    for (size_t j = 0; j < xb->cols; j++)
        g[xb->rows + j] =
            seen_from(c, (xb->rows - 1) * xb->cols + j, (size_t)0 - xb->cols, xb->rows,
                      xb->r_bitline, xb->sense.r_f + xb->r_bitline, xb->c_bitline, h);
}

struct ow_energy ow_coupled_energy(const struct ow_coupled *c, bool with_try)
{
    const struct moment *m = with_try && c->next.t > c->at.t ? &c->next : &c->at;
    return (struct ow_energy){.source = m->e[SOURCE],
                              .drivers = m->e[DRIVERS],
                              .devices = m->e[DEVICES],
                              .wires = m->e[WIRES],
                              .throughput = m->e[THROUGHPUT],
                              .charge = m->e[CHARGE],
                              .stored = m->stored - c->stored_0};
}

void ow_coupled_states(const struct ow_coupled *c, double x[])
{
    memcpy(x, c->at.x, c->sys.n_state * c->sys.n_cell * sizeof *x);
}

const double *ow_coupled_events(const struct ow_coupled *c)
{
    return c->at.t_event;
}

long ow_coupled_n_event(const struct ow_coupled *c)
{
    return c->at.n_event;
}

size_t ow_coupled_n_cell(const struct ow_coupled *c)
{
    return c->sys.n_cell;
}
