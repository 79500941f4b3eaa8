#include "ow_coupled.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_engine.h"
#include "ow_jumps.h"
#include "ow_ledger.h"
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
    struct moment at, next; /* accepted, and tried */
    double stored_0;        /* J, at time 0 */
    double *c_port;         /* [n_port] F, merged onto the ports */
    bool has_c_port;
    double *v_node, *v_sense; /* [n_node], [cols] workspace */

    /* The ports' voltages of the step that is tried, v + s d + s (s - 1) b with s from 0 to
     * 1, and those of the accepted step before. */
    double *d, *b;          /* [n_port] V */
    double *slope;          /* [n_port] V/s, of the accepted step before, its mean */
    double h_before;        /* s, 0: there is none */
    double *rate;           /* [n_y] 1/s, how the unknowns are expected to go on ... */
    bool has_rate;          /* ... if anything is                                    */
    double *mean_rate;      /* [n_free] V/s, of the accepted step before             */
    double *end_rate;       /* [n_free] V/s, at the point that is sampled ...        */
    bool has_end_rate;      /* ... or nothing changes there                          */
    bool is_smooth;         /* the course is a parabola                              */
    double *v_row, *dv_row; /* [n_port] workspace */
};

/* ---- life ---------------------------------------------------------------------------- */

static bool create_moment(const struct ow_coupled *c, struct moment *m)
{
    const size_t n_x = c->sys.n_state * c->sys.n_cell;
    m->v = calloc(c->n_port, sizeof *m->v);
    m->i = calloc(c->n_port, sizeof *m->i);
    m->y = ow_pages_calloc(c->sys.n_free + 1, sizeof *m->y);
    m->x = ow_pages_calloc(n_x + 1, sizeof *m->x);
    m->t_event = ow_pages_calloc(c->sys.n_cell, sizeof *m->t_event);
    return m->v && m->i && m->y && m->x && m->t_event;
}

static void finish_moment(struct moment *m)
{
    free(m->v);
    free(m->i);
    free(m->y);
    free(m->x);
    free(m->t_event);
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
    const double atol_v = 1e-2 * o->rtol * o->v_scale, atol_x = 1e-3 * o->rtol;
    enum ow_status st = ow_mass_create(&c->sys, &c->mass);
    if (st || (st = ow_newton_create(&c->sys, c->mass, &c->newton)))
        return st;
    return ow_stepper_create(&c->sys, c->mass, c->newton, o->rtol, atol_v, atol_x, drive, c,
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
    c->mean_rate = ow_pages_calloc(c->sys.n_free + 1, sizeof *c->mean_rate);
    c->end_rate = ow_pages_calloc(c->sys.n_free + 1, sizeof *c->end_rate);
    c->v_node = calloc(c->circuit->n_node, sizeof *c->v_node);
    c->v_sense = calloc(c->circuit->xb->cols, sizeof *c->v_sense);
    return c->v_node && c->v_sense && c->rate && c->mean_rate && c->end_rate &&
           create_moment(c, &c->at) && create_moment(c, &c->next) &&
           ow_ledger_init(&c->sys, false, &c->ledger) == OW_OK;
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
    enum ow_status st = ow_system_create(
        circuit, options->n_threads > 1 ? (int)options->n_threads : 1, &c->sys);
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
    /* Unlike in a read there is no telling what the ports will do, but most do not move. */
    ow_system_hold(&c->sys, false);
    if ((st = create_stepper(c)) || (st = ow_engine_create(circuit, &dc, true, &c->dc, err)))
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
    free(c->mean_rate);
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

/* What charges a line's nodes and cells at this end of cell (i, j): `slope` holds their dv/dt.
 */
static double charging(const struct ow_coupled *c, const struct ow_terminals *at,
                       const struct ow_terminals *other, double c_node, size_t i, size_t j)
{
    const size_t first = c->circuit->first_free;
    const size_t a = ow_terminal(at, i, j), b = ow_terminal(other, i, j);
    const double da = a < first ? 0.0 : c->end_rate[a - first];
    const double db = b < first ? 0.0 : c->end_rate[b - first];
    return c_node * da + c->circuit->xb->c_cell * (da - db);
}

/* The ports' currents at the placed point, but for what charges the ports' own capacitance:
 * all that leaves a line.  The drop over its first segment would tell them as well, but that
 * is a small difference of voltages, and what the solver leaves of an error there is large in
 * it. */
static void port_currents(const struct ow_coupled *c, double i[])
{
    const struct ow_circuit *ckt = c->circuit;
    const struct ow_crossbar *xb = ckt->xb;
    const bool is_charging = c->has_end_rate;
    memset(i, 0, c->n_port * sizeof *i);
    for (size_t row = 0, k = 0; row < xb->rows; row++)
        for (size_t col = 0; col < xb->cols; col++, k++) {
            i[row] += c->sys.at.i[k];
            i[xb->rows + col] -= c->sys.at.i[k];
            if (!is_charging)
                continue;
            i[row] += charging(c, &ckt->te, &ckt->be, xb->c_wordline, row, col);
            i[xb->rows + col] += charging(c, &ckt->be, &ckt->te, xb->c_bitline, row, col);
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

/* ---- DC ------------------------------------------------------------------------------- */

static void copy_moment(const struct ow_coupled *c, const struct moment *from,
                        struct moment *to)
{
    memcpy(to->v, from->v, c->n_port * sizeof *to->v);
    memcpy(to->i, from->i, c->n_port * sizeof *to->i);
    memcpy(to->y, from->y, c->sys.n_free * sizeof *to->y);
    memcpy(to->x, from->x, c->sys.n_state * c->sys.n_cell * sizeof *to->x);
    memcpy(to->t_event, from->t_event, c->sys.n_cell * sizeof *to->t_event);
    memcpy(to->p, from->p, sizeof to->p);
    memcpy(to->e, from->e, sizeof to->e);
    to->t = from->t;
    to->n_event = from->n_event;
    to->stored = from->stored;
}

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
        m->t_event[k] = NAN;
    m->t = 0.0;
    m->n_event = 0;
    memset(m->e, 0, sizeof m->e);
    double *y = ow_stepper_y(c->stepper);
    memcpy(y, m->y, c->sys.n_free * sizeof *y);
    ow_system_put_states(&c->sys, m->x, y);
    ow_system_place(&c->sys, v, y);
    c->has_end_rate = false;
    sample(c, v, m->p, m->i);
    m->stored = c->stored_0 = ow_energy_stored(c->circuit, c->sys.v_node);
    memcpy(i, m->i, c->n_port * sizeof *i);
    c->h_before = 0.0;
    c->has_rate = false;
    copy_moment(c, m, &c->next);
    return OW_OK;
}

/* ---- a step ------------------------------------------------------------------------------ */

/* The parabola goes through the accepted point before as well. */
static void set_course(struct ow_coupled *c, double t, const double v[], bool is_smooth)
{
    const double h = t - c->at.t;
    const bool has_parabola = c->is_smooth = is_smooth && c->h_before > 0.0;
    for (size_t k = 0; k < c->n_port; k++) {
        c->d[k] = v[k] - c->at.v[k];
        c->b[k] = has_parabola ? (c->d[k] / h - c->slope[k]) / (h + c->h_before) * h * h : 0.0;
    }
    c->next.t = t;
    memcpy(c->next.v, v, c->n_port * sizeof *v);
}

static enum ow_status restart(struct ow_coupled *c, double t)
{
    return c->has_rate ? ow_stepper_resume(c->stepper, t, c->next.t - t, c->rate)
                       : ow_stepper_restart(c->stepper, t);
}

/* Trapezoidal rule. */
static void integrate(struct ow_coupled *c, double dt, const double from[], const double to[])
{
    for (size_t k = 0; k < OW_N_POWER; k++)
        c->next.e[k] += 0.5 * dt * (from[k] + to[k]);
}

static enum ow_status jump(struct ow_coupled *c, double t, double y[], double p[])
{
    drive(c, t, c->v_row);
    ow_system_place(&c->sys, c->v_row, y);
    c->next.n_event += ow_jumps_make(&c->sys, t, y, c->next.t_event);
    sample(c, c->v_row, p, c->next.i);
    c->has_rate = false;
    return restart(c, t);
}

/* dV/dt at t of the step: of the parabola through the points there, at its beginning and before
 * it.  CVODE's own rates are those of lines that have not quite settled. */
static void find_end_rate(struct ow_coupled *c, double t, const double y[])
{
    const double h = t - c->at.t, bend = c->is_smooth ? h / (h + c->h_before) : 0.0;
    const double *y0 = c->at.y, *mean = c->mean_rate;
    for (size_t k = 0; k < c->sys.n_free; k++) {
        const double rate = (y[k] - y0[k]) / h;
        c->end_rate[k] = rate + bend * (rate - mean[k]);
    }
    c->has_end_rate = true;
}

/* From the accepted point to next.t along the course that is set. */
static enum ow_status advance(struct ow_coupled *c, long *n_step, struct ow_error *err)
{
    struct moment *m = &c->next;
    double p[OW_N_POWER], p1[OW_N_POWER], t = c->at.t;
    enum ow_step_result result = OW_STEP_ON;
    enum ow_status st = restart(c, t);
    memcpy(p, c->at.p, sizeof p);
    memcpy(m->i, c->at.i, c->n_port * sizeof *m->i);
    add_charging(c, 0.0, c->at.v, m->i, p);
    while (st == OW_OK && result != OW_STEP_STOP) {
        const double before = t;
        result = ow_stepper_step(c->stepper, m->t, &t);
        if (result == OW_STEP_NOMEM)
            return ow_fail(err, OW_ERR_NOMEM, "out of memory");
        if (result == OW_STEP_FAILED)
            return ow_fail(err, OW_ERR_SOLVER, "the array failed after t = %g s: %s", before,
                           ow_stepper_message(c->stepper));
        double *y = ow_stepper_y(c->stepper);
        drive(c, t, c->v_row);
        ow_system_place_values(&c->sys, c->v_row, y);
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
        memcpy(p, p1, sizeof p);
        ++*n_step;
        if (result == OW_STEP_EVENT)
            st = jump(c, t, y, p);
    }
    return st ? ow_fail(err, st, "the array: %s", ow_status_str(st)) : OW_OK;
}

/* As in the last try, or as in the accepted step before; the mean of a step does. */
static void expect(struct ow_coupled *c, const struct moment *from, const struct moment *to)
{
    const struct ow_system *sys = &c->sys;
    const double h = to->t - from->t;
    c->has_rate = h > 0.0;
    for (size_t k = 0; c->has_rate && k < sys->n_free; k++)
        c->rate[k] = (to->y[k] - from->y[k]) / h;
    for (size_t m = 0; c->has_rate && m < sys->n_moving; m++)
        for (size_t k = 0; k < sys->n_cell; k++) {
            const size_t at = sys->moving[m] * sys->n_cell + k;
            c->rate[sys->n_free + m * sys->n_cell + k] = (to->x[at] - from->x[at]) / h;
        }
}

enum ow_status ow_coupled_try(struct ow_coupled *c, double t, const double v[], bool is_smooth,
                              double i[], long *n_step, struct ow_error *err)
{
    struct moment *m = &c->next;
    double *y = ow_stepper_y(c->stepper);
    if (m->t > c->at.t)
        expect(c, &c->at, m);
    else if (!is_smooth)
        c->has_rate = false;
    set_course(c, t, v, is_smooth);
    memcpy(y, c->at.y, c->sys.n_free * sizeof *y);
    ow_system_put_states(&c->sys, c->at.x, y);
    memcpy(m->e, c->at.e, sizeof m->e);
    memcpy(m->t_event, c->at.t_event, c->sys.n_cell * sizeof *m->t_event);
    m->n_event = c->at.n_event;
    const enum ow_status st = advance(c, n_step, err);
    if (st)
        return st;
    y = ow_stepper_y(c->stepper);
    memcpy(m->y, y, c->sys.n_free * sizeof *y);
    ow_system_get_states(&c->sys, y, m->x);
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
    expect(c, &c->at, &c->next);
    memcpy(c->mean_rate, c->rate, c->sys.n_free * sizeof *c->mean_rate);
    const struct moment old = c->at;
    c->at = c->next;
    c->next = old;
    c->next.t = c->at.t;
}

/* ---- what there is to know --------------------------------------------------------------- */

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
