/* The set-up of the ports: whether they pay and apply, and the responses
 *   u_e (cells' voltages), N_e, S_e    of every excitation e alone,
 * by the solver of DC points on the array in which an amplifier is the resistor that it looks
 * like: G y = i_e, refined until steps are rounding errors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_kernel.h"
#include "ow_newton.h"
#include "ow_ports_parts.h"

/* h 60 widths before a rail is 1e-27 V: nearer than this an amplifier is not linear. */
static const double clamp_reach = 60.0 * OW_CLAMP_WIDTH;

/* ---- does it pay ----------------------------------------------------------------------- */

/* Counts of operations, weighed by how well they run: those of the lines' solver, some 10
 * iterations of 60 a cell, and those of products come in long vectors.  Where lines have
 * merged, elimination fills the shorter side of the array. */
static double cells_of(const struct ow_circuit *c)
{
    return (double)(c->xb->rows * c->xb->cols);
}

static double filled_of(const struct ow_circuit *c)
{
    return (double)(c->n_node - c->first_free) * fmin((double)c->xb->rows, (double)c->xb->cols);
}

static double solve_operations(const struct ow_circuit *c)
{
    return c->is_grid ? 40.0 * cells_of(c) : 5.0 * cells_of(c) + 2.0 * filled_of(c);
}

static double factor_operations(const struct ow_circuit *c)
{
    const double width = fmin((double)c->xb->rows, (double)c->xb->cols);
    return c->is_grid ? 20.0 * cells_of(c) : width * filled_of(c);
}

/* One read: two solutions with a matrix that is there, devices and powers. */
static double read_operations(const struct ow_circuit *c)
{
    return 2.0 * solve_operations(c) + 60.0 * cells_of(c);
}

/* n more excitations behind `before`: two solutions, and products with all others. */
static double reduce_operations(const struct ow_circuit *c, double before, double n)
{
    return n * (2.0 * solve_operations(c) + (20.0 + 0.3 * (before + 0.5 * n)) * cells_of(c));
}

static bool fits(const struct ow_circuit *c, size_t n_excitation)
{
    const double most = 2147483648.0; /* bytes of panels */
    return 8.0 * (double)n_excitation * cells_of(c) <= most;
}

bool ow_ports_pays(const struct ow_circuit *c, size_t n_read)
{
    return fits(c, c->xb->rows + 1) &&
           reduce_operations(c, 0.0, (double)c->xb->rows) < (double)n_read * read_operations(c);
}

bool ow_ports_clamps_pay(const struct ow_circuit *c, size_t n_clamped)
{
    /* it takes Newton's method some 8 matrices to find an amplifier near its rail */
    const double read = 8.0 * (factor_operations(c) + read_operations(c));
    return fits(c, c->xb->rows + 1 + c->xb->cols) &&
           reduce_operations(c, (double)c->xb->rows, (double)c->xb->cols) <
               (double)n_clamped * read;
}

/* ---- does it apply --------------------------------------------------------------------- */

/* Are currents g v, as far as some voltages up to v_most show?  Devices' models are smooth
 * or bent at some voltage, and none is bent back. */
static bool are_linear(struct ow_system *sys, double v_most, const double g[])
{
    static const double part[] = {1.0, -1.0, 0.37, -0.37, 0.11, -0.11, 0.013, -0.013};
    const struct ow_crossbar *xb = sys->circuit->xb;
    struct ow_cells cells = {.n = sys->n_cell,
                             .param = xb->param,
                             .spread = (const double *const *)xb->spread,
                             .v = sys->v_cell};
    memcpy(cells.x, sys->x, sizeof cells.x);
    for (size_t t = 0; t < sizeof part / sizeof part[0]; t++) {
        const double v = part[t] * v_most;
        for (size_t k = 0; k < sys->n_cell; k++)
            sys->v_cell[k] = v;
        ow_conduct(xb->model, &cells, sys->at.i, sys->at.di_dv);
        for (size_t k = 0; k < sys->n_cell; k++)
            if (!(fabs(sys->at.i[k] - g[k] * v) <= 1e-12 * fabs(g[k] * v)))
                return false;
    }
    return true;
}

/* ---- solutions of the circuit ------------------------------------------------------------ */

struct ow_ports_solver {
    struct ow_system sys;
    struct ow_newton *newton;
    double *v_row;   /* [n_source] V */
    double i_offset; /* A, into every sense input                */
    double *i_clamp; /* [cols] A, into each of them              */
    double *y, *into, *step;
    double *voltage; /* [LANES][n_cell] V, of the cells          */
    double *column;  /* [cols][LANES] A, out of the bit lines    */
};

/* Placed at no excitation at all and factored there: for ever, since all is linear. */
static enum ow_status solver_create(const struct ow_circuit *network,
                                    struct ow_ports_solver **out, struct ow_error *err)
{
    struct ow_ports_solver *s = calloc(1, sizeof *s);
    double *x = NULL;
    enum ow_status st = OW_ERR_NOMEM;
    if (!s || ow_system_create(network, 1, &s->sys))
        goto fail;
    s->v_row = calloc(network->n_source, sizeof *s->v_row);
    s->i_clamp = calloc(network->xb->cols, sizeof *s->i_clamp);
    s->y = calloc(s->sys.n_y + 1, sizeof *s->y);
    s->into = calloc(s->sys.n_free + 1, sizeof *s->into);
    s->step = calloc(s->sys.n_free + 1, sizeof *s->step);
    s->voltage = calloc(s->sys.n_cell, LANES * sizeof *s->voltage);
    s->column = calloc(network->xb->cols, LANES * sizeof *s->column);
    x = calloc(s->sys.n_state * s->sys.n_cell + 1, sizeof *x);
    if (!s->v_row || !s->i_clamp || !s->y || !s->into || !s->step || !s->voltage ||
        !s->column || !x || ow_newton_create(&s->sys, NULL, &s->newton))
        goto fail;
    ow_system_initial_states(&s->sys, x);
    ow_system_put_states(&s->sys, x, s->y);
    ow_system_place(&s->sys, s->v_row, s->y);
    if ((st = ow_newton_setup_dc(s->newton)))
        goto fail;
    free(x);
    *out = s;
    return OW_OK;
fail:
    free(x);
    ow_ports_solver_destroy(s);
    return ow_fail(err, st, "the array's ports: %s", ow_status_str(st));
}

enum ow_status ow_ports_solver_create(const struct ow_ports *p, struct ow_ports_solver **out,
                                      struct ow_error *err)
{
    return solver_create(p->network, out, err);
}

void ow_ports_solver_destroy(struct ow_ports_solver *s)
{
    if (!s)
        return;
    ow_newton_destroy(s->newton);
    ow_system_finish(&s->sys);
    free(s->v_row);
    free(s->i_clamp);
    free(s->y);
    free(s->into);
    free(s->step);
    free(s->voltage);
    free(s->column);
    free(s);
}

/* ow_system_place() for linear devices. */
static void place(const struct ow_ports *p, struct ow_ports_solver *s)
{
    struct ow_system *sys = &s->sys;
    ow_system_put_voltages(sys, s->v_row, s->y);
    for (size_t k = 0; k < p->n_cell; k++)
        sys->at.i[k] = p->g[k] * sys->v_cell[k];
}

/* Place the system where the excitations put it: solutions of the linear system, refined
 * until nothing more is to be expected. */
static enum ow_status respond(const struct ow_ports *p, struct ow_ports_solver *s)
{
    enum { MOST = 20 };
    const struct ow_circuit *ckt = p->network;
    const size_t n = s->sys.n_free;
    double step = 0.0;
    memset(s->y, 0, n * sizeof *s->y);
    for (int k = 0; k < MOST; k++) {
        place(p, s);
        ow_system_currents(&s->sys, s->into);
        for (size_t j = 0; j < p->cols && ckt->sense_in[j] >= ckt->first_free; j++)
            s->into[ckt->sense_in[j] - ckt->first_free] += s->i_offset + s->i_clamp[j];
        if (ow_newton_solve_dc(s->newton, s->into, 1e-8, s->step))
            return OW_ERR_SOLVER;
        const double before = step;
        step = ow_largest(s->step, n);
        if (!isfinite(step))
            return OW_ERR_SOLVER;
        for (size_t m = 0; m < n; m++)
            s->y[m] += s->step[m];
        /* the next step would be smaller by as much again */
        if (step * fmin(step / before, 1.0) <= 1e-14 * ow_largest(s->y, n)) {
            place(p, s);
            return OW_OK;
        }
    }
    return OW_ERR_SOLVER;
}

/* Excitation e alone, and how large: 0 where there is none. */
static double excite(const struct ow_ports *p, struct ow_ports_solver *s, size_t e)
{
    const struct ow_sense *sense = &p->circuit->xb->sense;
    memset(s->v_row, 0, p->rows * sizeof *s->v_row);
    memset(s->i_clamp, 0, p->cols * sizeof *s->i_clamp);
    s->i_offset = 0.0;
    if (e < p->rows)
        return s->v_row[e] = p->v_most;
    if (e == p->rows && ow_ports_has_offset(p)) {
        s->i_offset = sense->gain * sense->v_os / p->r_loop;
        return 1.0;
    }
    if (e >= p->first_clamp && e < p->first_clamp + p->cols)
        return s->i_clamp[e - p->first_clamp] = p->v_most / p->folded.sense.r_f;
    return 0.0;
}

/* A panel and the currents of its excitations, from the cells' voltages. */
OW_CLONES
static void fold_panel(struct ow_ports *p, struct ow_ports_solver *s, size_t task)
{
    double *panel = p->panel[task];
    memset(s->column, 0, p->cols * LANES * sizeof *s->column);
    for (size_t i = 0; i < p->rows; i++) {
        double row[LANES] = {0.0};
        for (size_t j = 0; j < p->cols; j++) {
            const size_t k = i * p->cols + j;
            for (size_t lane = 0; lane < LANES; lane++) {
                const double u = s->voltage[lane * p->n_cell + k];
                panel[k * LANES + lane] = u;
                row[lane] += p->g[k] * u;
                s->column[j * LANES + lane] += p->g[k] * u;
            }
        }
        /* not even a rounding error flows through an open driver */
        for (size_t lane = 0; lane < LANES && !isinf(p->folded.r_driver); lane++)
            p->source[(task * LANES + lane) * p->wide_rows + i] = row[lane];
    }
    for (size_t lane = 0; lane < LANES && ow_ports_has_amps(p); lane++)
        for (size_t j = 0; j < p->cols; j++)
            p->sense[(task * LANES + lane) * p->wide_cols + j] = s->column[j * LANES + lane];
}

enum ow_status ow_ports_solve(struct ow_ports *p, struct ow_ports_solver *s, size_t task,
                              struct ow_error *err)
{
    const struct ow_system *sys = &s->sys;
    p->panel[task] = malloc(p->n_cell * LANES * sizeof *p->panel[task]);
    if (!p->panel[task])
        return ow_ports_no_memory(err);
    for (size_t lane = 0; lane < LANES; lane++) {
        const size_t e = task * LANES + lane;
        double *voltage = s->voltage + lane * p->n_cell;
        const double size = excite(p, s, e), per_excitation = size != 0.0 ? 1.0 / size : 0.0;
        if (respond(p, s))
            return ow_fail(err, OW_ERR_SOLVER,
                           "no DC solution found (excitation %zu of the array's ports)", e);
        for (size_t k = 0; k < p->n_cell; k++)
            voltage[k] = sys->v_cell[k] * per_excitation;
        for (size_t j = 0; j < p->cols && !ow_ports_has_amps(p); j++)
            p->sense[e * p->wide_cols + j] =
                sys->v_node[p->network->sense_in[j]] * per_excitation;
    }
    fold_panel(p, s, task);
    return OW_OK;
}

size_t ow_ports_n_solve(const struct ow_ports *p)
{
    return p->n_excitation / LANES;
}

/* ---- life ------------------------------------------------------------------------------ */

/* Room for the first n excitations, those that are there kept. */
static enum ow_status make_room(struct ow_ports *p, size_t n)
{
    const size_t before = p->n_excitation;
    double **panel = realloc(p->panel, n / LANES * sizeof *panel);
    if (panel)
        p->panel = panel;
    double *sense = realloc(p->sense, n * p->wide_cols * sizeof *sense);
    if (sense)
        p->sense = sense;
    double *source = realloc(p->source, n * p->wide_rows * sizeof *source);
    if (source)
        p->source = source;
    free(p->devices);
    free(p->wires);
    p->devices = calloc(n * n, sizeof *p->devices);
    p->wires = calloc(n * n, sizeof *p->wires);
    if (!panel || !sense || !source || !p->devices || !p->wires)
        return OW_ERR_NOMEM;
    for (size_t t = before / LANES; t < n / LANES; t++)
        panel[t] = NULL;
    memset(sense + before * p->wide_cols, 0, (n - before) * p->wide_cols * sizeof *sense);
    memset(source + before * p->wide_rows, 0, (n - before) * p->wide_rows * sizeof *source);
    p->n_excitation = n;
    return OW_OK;
}

enum ow_status ow_ports_create(const struct ow_circuit *circuit, double v_most,
                               struct ow_ports **out, struct ow_error *err)
{
    const struct ow_crossbar *xb = circuit->xb;
    const struct ow_sense *sense = &xb->sense;
    struct ow_ports_solver *solver = NULL;
    struct ow_ports *p = calloc(1, sizeof *p);
    if (!p)
        return ow_ports_no_memory(err);
    p->circuit = circuit;
    p->rows = xb->rows;
    p->cols = xb->cols;
    p->n_cell = p->rows * p->cols;
    p->wide_rows = ow_ports_round_up(p->rows, LANES);
    p->wide_cols = ow_ports_round_up(p->cols, LANES);
    p->v_most = v_most;
    p->r_loop = sense->r_f + sense->r_out;
    p->v_linear = 0.5 * sense->vdd - clamp_reach;
    p->folded = *xb;
    if (ow_ports_has_amps(p)) {
        p->folded.sense.kind = OW_SENSE_RESISTOR;
        p->folded.sense.r_f = p->r_loop / (1.0 + sense->gain);
    }
    p->first_clamp = ow_ports_round_up(p->rows + ow_ports_has_offset(p), LANES);
    p->g = malloc(p->n_cell * sizeof *p->g);
    enum ow_status st = p->g ? make_room(p, p->first_clamp) : OW_ERR_NOMEM;
    if (st) {
        ow_ports_no_memory(err);
        goto fail;
    }
    if ((st = ow_circuit_create(&p->folded, &p->network, err)) ||
        (st = solver_create(p->network, &solver, err)))
        goto fail;
    memcpy(p->g, solver->sys.at.di_dv, p->n_cell * sizeof *p->g);
    if (xb->sense.kind == OW_SENSE_DRIVER || (ow_ports_has_amps(p) && p->v_linear <= 0.0) ||
        !are_linear(&solver->sys, v_most, p->g)) {
        ow_ports_destroy(p);
        p = NULL;
    }
    ow_ports_solver_destroy(solver);
    *out = p;
    return OW_OK;
fail:
    ow_ports_solver_destroy(solver);
    ow_ports_destroy(p);
    return st;
}

enum ow_status ow_ports_extend(struct ow_ports *p, struct ow_error *err)
{
    if (make_room(p, p->first_clamp + p->wide_cols))
        return ow_ports_no_memory(err);
    return OW_OK;
}

void ow_ports_close(struct ow_ports *p)
{
    for (size_t t = 0; p->panel && t < p->n_excitation / LANES; t++)
        free(p->panel[t]);
    free(p->panel);
    p->panel = NULL;
}

void ow_ports_destroy(struct ow_ports *p)
{
    if (!p)
        return;
    ow_ports_close(p);
    ow_circuit_destroy(p->network);
    free(p->g);
    free(p->sense);
    free(p->source);
    free(p->devices);
    free(p->wires);
    free(p);
}
