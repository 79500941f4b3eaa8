#include "ow_ports.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_kernel.h"
#include "ow_newton.h"
#include "ow_power.h"
#include "ow_product.h"

/* Excitations are solved for in panels of LANES; forms are made in tiles of TILE x TILE. */
enum { LANES = OW_PRODUCT_STEP, TILE = 64, BLOCK = OW_PORTS_BLOCK };
_Static_assert(TILE % LANES == 0 && BLOCK % LANES == 0, "whole blocks of a product");

/* h 60 widths before a rail is 1e-27 V: nearer than this an amplifier is not linear. */
static const double clamp_reach = 60.0 * OW_CLAMP_WIDTH;

struct ow_ports {
    const struct ow_circuit *circuit; /* borrowed */
    size_t rows, cols, n_cell;
    size_t wide_rows, wide_cols; /* rounded up to whole lanes     */
    double v_most;               /* V */
    double r_loop;               /* ohm, r_f + r_out              */
    double v_linear;             /* V, up to which amplifiers are */

    /* The same array, an amplifier being the resistor that it looks like. */
    struct ow_crossbar folded; /* borrows the cells' values */
    struct ow_circuit *network;

    /* Excitations: the sources, then the offset, from first_clamp on J; rounded up to whole
     * lanes, the rest not excited. */
    size_t first_clamp, n_excitation;
    double *g;       /* [n_cell] S                                                        */
    double **panel;  /* [n_excitation / LANES] of [n_cell][LANES]: the cells' voltages    */
    double *sense;   /* [n_excitation][wide_cols] N; voltages where there are no amps     */
    double *source;  /* [n_excitation][wide_rows] S                                       */
    double *devices; /* [n_excitation][n_excitation] P and W: blocks of TILE above the    */
    double *wires;   /*                              diagonal twice, below it unset       */
};

static bool has_amps(const struct ow_ports *p)
{
    return p->circuit->n_amp > 0;
}

static bool has_offset(const struct ow_ports *p)
{
    return has_amps(p) && p->circuit->xb->sense.v_os != 0.0;
}

static bool has_clamps(const struct ow_ports *p)
{
    return p->n_excitation > p->first_clamp;
}

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

static enum ow_status no_memory(struct ow_error *err)
{
    return ow_fail(err, OW_ERR_NOMEM, "the array's ports: out of memory");
}

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
    if (e == p->rows && has_offset(p)) {
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
    for (size_t lane = 0; lane < LANES && has_amps(p); lane++)
        for (size_t j = 0; j < p->cols; j++)
            p->sense[(task * LANES + lane) * p->wide_cols + j] = s->column[j * LANES + lane];
}

enum ow_status ow_ports_solve(struct ow_ports *p, struct ow_ports_solver *s, size_t task,
                              struct ow_error *err)
{
    const struct ow_system *sys = &s->sys;
    p->panel[task] = malloc(p->n_cell * LANES * sizeof *p->panel[task]);
    if (!p->panel[task])
        return no_memory(err);
    for (size_t lane = 0; lane < LANES; lane++) {
        const size_t e = task * LANES + lane;
        double *voltage = s->voltage + lane * p->n_cell;
        const double size = excite(p, s, e), per_excitation = size != 0.0 ? 1.0 / size : 0.0;
        if (respond(p, s))
            return ow_fail(err, OW_ERR_SOLVER,
                           "no DC solution found (excitation %zu of the array's ports)", e);
        for (size_t k = 0; k < p->n_cell; k++)
            voltage[k] = sys->v_cell[k] * per_excitation;
        for (size_t j = 0; j < p->cols && !has_amps(p); j++)
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
        return no_memory(err);
    p->circuit = circuit;
    p->rows = xb->rows;
    p->cols = xb->cols;
    p->n_cell = p->rows * p->cols;
    p->wide_rows = round_up(p->rows, LANES);
    p->wide_cols = round_up(p->cols, LANES);
    p->v_most = v_most;
    p->r_loop = sense->r_f + sense->r_out;
    p->v_linear = 0.5 * sense->vdd - clamp_reach;
    p->folded = *xb;
    if (has_amps(p)) {
        p->folded.sense.kind = OW_SENSE_RESISTOR;
        p->folded.sense.r_f = p->r_loop / (1.0 + sense->gain);
    }
    p->first_clamp = round_up(p->rows + has_offset(p), LANES);
    p->g = malloc(p->n_cell * sizeof *p->g);
    enum ow_status st = p->g ? make_room(p, p->first_clamp) : OW_ERR_NOMEM;
    if (st) {
        no_memory(err);
        goto fail;
    }
    if ((st = ow_circuit_create(&p->folded, &p->network, err)) ||
        (st = solver_create(p->network, &solver, err)))
        goto fail;
    memcpy(p->g, solver->sys.at.di_dv, p->n_cell * sizeof *p->g);
    if (xb->sense.kind == OW_SENSE_DRIVER || (has_amps(p) && p->v_linear <= 0.0) ||
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
        return no_memory(err);
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

/* ---- forms ------------------------------------------------------------------------------- */

/* Currents of TILE excitations in one row of cells: all [cols][TILE], A. */
struct strip {
    double *cell;
    double *word, *bit; /* of the segments that lead to the cells and on from them */
};

struct former {
    struct strip left, right;
    double *devices, *word, *bit; /* [TILE][TILE] sums */
    double store[];
};

static struct former *former_create(size_t cols)
{
    const size_t n = cols * TILE;
    struct former *f = calloc(1, sizeof *f + (6 * n + 3 * TILE * TILE) * sizeof(double));
    if (!f)
        return NULL;
    double *at = f->store;
    f->left = (struct strip){at, at + n, at + 2 * n};
    f->right = (struct strip){at + 3 * n, at + 4 * n, at + 5 * n};
    f->devices = at + 6 * n;
    f->word = f->devices + TILE * TILE;
    f->bit = f->word + TILE * TILE;
    return f;
}

/* Voltages [cols][LANES] of the cells of row i under excitations e, e + 1, ... */
static const double *panel_row(const struct ow_ports *p, size_t e, size_t i)
{
    return p->panel[e / LANES] + i * p->cols * LANES;
}

/* Row i under `width` excitations from `first` on; the rows above it have come before, their
 * currents being in `bit`. */
OW_CLONES
static void load_strip(const struct ow_ports *p, size_t first, size_t width, size_t i,
                       struct strip *s)
{
    for (size_t e = 0; e < width; e += LANES) {
        const double *u = panel_row(p, first + e, i);
        double sum[LANES] = {0.0};
        for (size_t j = p->cols; j-- > 0;) {
            const double g = p->g[i * p->cols + j];
            double *cell = s->cell + j * TILE + e, *bit = s->bit + j * TILE + e;
            for (size_t lane = 0; lane < LANES; lane++) {
                cell[lane] = g * u[j * LANES + lane];
                bit[lane] += cell[lane];
                sum[lane] += cell[lane];
            }
            memcpy(s->word + j * TILE + e, sum, sizeof sum);
        }
    }
}

static size_t n_tile(const struct ow_ports *p)
{
    return (p->n_excitation + TILE - 1) / TILE;
}

size_t ow_ports_n_form(const struct ow_ports *p)
{
    return n_tile(p) * (n_tile(p) + 1) / 2;
}

enum ow_status ow_ports_form(struct ow_ports *p, size_t task, struct ow_error *err)
{
    const struct ow_crossbar *xb = p->circuit->xb;
    const size_t n = p->n_excitation, cols = p->cols;
    size_t right = 0; /* task counts up the columns of the upper triangle */
    while (task > right)
        task -= ++right;
    const size_t left = task;
    const size_t m_left = left + 1 < n_tile(p) ? TILE : n - left * TILE;
    const size_t m_right = right + 1 < n_tile(p) ? TILE : n - right * TILE;
    struct former *f = former_create(cols);
    if (!f)
        return no_memory(err);
    const struct strip *l = &f->left, *r = left == right ? l : &f->right;
    for (size_t i = 0; i < p->rows; i++) {
        load_strip(p, left * TILE, m_left, i, &f->left);
        if (left != right)
            load_strip(p, right * TILE, m_right, i, &f->right);
        for (size_t e = 0; e < m_right; e += LANES)
            ow_product(cols, m_left, LANES, l->cell, TILE, panel_row(p, right * TILE + e, i),
                       LANES, f->devices + e, TILE);
        if (xb->r_wordline > 0.0)
            ow_product(cols, m_left, m_right, l->word, TILE, r->word, TILE, f->word, TILE);
        if (xb->r_bitline > 0.0)
            ow_product(cols, m_left, m_right, l->bit, TILE, r->bit, TILE, f->bit, TILE);
    }
    const double times = left == right ? 1.0 : 2.0;
    for (size_t a = 0; a < m_left; a++)
        for (size_t b = 0; b < m_right; b++) {
            const size_t at = a * TILE + b, to = (left * TILE + a) * n + right * TILE + b;
            p->devices[to] = times * f->devices[at];
            p->wires[to] = times * (xb->r_wordline * f->word[at] + xb->r_bitline * f->bit[at]);
        }
    free(f);
    return OW_OK;
}

/* ---- reads ------------------------------------------------------------------------------- */

/* A block of reads under way.  Excitations run along the rows of z, so that they can be the
 * left factor of a product; results have a row a read. */
struct block {
    size_t n, wide; /* reads, and rounded up for products                               */
    size_t n_used;  /* excitations that are not 0                                       */
    double *z;      /* [n_excitation][BLOCK]                                            */
    double *sense;  /* [BLOCK][wide_cols]   A (V where there are no amplifiers)         */
    double *source; /* [BLOCK][wide_rows]   A                                           */
    double store[];
};

/* out = z' matrix, of the excitations that are not 0 */
static void multiply(const struct block *b, const double matrix[], size_t width, double out[])
{
    ow_product(b->n_used, b->wide, width, b->z, BLOCK, matrix, width, out, width);
}

/* The linear part: excitations and sense currents as if no amplifier had rails. */
static struct block *block_create(const struct ow_ports *p, size_t n, const double amplitude[])
{
    const size_t n_z = p->n_excitation * BLOCK, n_sense = BLOCK * p->wide_cols,
                 n_source = BLOCK * p->wide_rows;
    struct block *b = calloc(1, sizeof *b + (n_z + n_sense + n_source) * sizeof(double));
    if (!b)
        return NULL;
    b->n = n;
    b->wide = round_up(n, LANES);
    b->n_used = p->first_clamp;
    b->z = b->store;
    b->sense = b->z + n_z;
    b->source = b->sense + n_sense;
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < p->rows; i++)
            b->z[i * BLOCK + k] = amplitude[k * p->rows + i];
        if (has_offset(p))
            b->z[p->rows * BLOCK + k] = 1.0;
    }
    multiply(b, p->sense, p->wide_cols, b->sense);
    return b;
}

/* v_a where the clamp h adds to the loop. */
static double gain_node(const struct ow_ports *p, double i_sense)
{
    const struct ow_sense *s = &p->circuit->xb->sense;
    return (s->v_os - p->r_loop * i_sense) / (1.0 + 1.0 / s->gain);
}

static bool is_near_rail(const struct ow_ports *p, const double i_sense[])
{
    for (size_t j = 0; has_amps(p) && j < p->cols; j++)
        if (!(fabs(gain_node(p, i_sense[j])) <= p->v_linear))
            return true;
    return false;
}

enum ow_status ow_ports_count(const struct ow_ports *p, size_t n, const double amplitude[],
                              size_t *n_clamped, struct ow_error *err)
{
    *n_clamped = 0;
    if (!has_amps(p))
        return OW_OK;
    struct block *b = block_create(p, n, amplitude);
    if (!b)
        return no_memory(err);
    for (size_t k = 0; k < n; k++)
        *n_clamped += is_near_rail(p, b->sense + k * p->wide_cols);
    free(b);
    return OW_OK;
}

/* Amplifiers near their rails, n of them: the system of the header, by Newton's method. */
struct rails {
    size_t n;
    size_t *col;     /* [n] which columns                  */
    bool *is_member; /* [cols] is this one of them?        */
    double *v_a;     /* [cols] V, of every column          */
    double *h, *dh;  /* [n] V and its derivative           */
    double *change;  /* [n] V, of v_a                      */
    double *matrix;  /* [n][n]                             */
};

static void rails_finish(struct rails *r)
{
    free(r->col);
    free(r->is_member);
    free(r->v_a);
    free(r->h);
    free(r->dh);
    free(r->change);
    free(r->matrix);
}

static bool rails_init(struct rails *r, size_t cols)
{
    *r = (struct rails){.col = calloc(cols, sizeof *r->col),
                        .is_member = calloc(cols, sizeof *r->is_member),
                        .v_a = calloc(cols, sizeof *r->v_a),
                        .h = calloc(cols, sizeof *r->h),
                        .dh = calloc(cols, sizeof *r->dh),
                        .change = calloc(cols, sizeof *r->change),
                        .matrix = calloc(cols * cols, sizeof *r->matrix)};
    return r->col && r->is_member && r->v_a && r->h && r->dh && r->change && r->matrix;
}

/* Gauss, with row pivoting, in place; the solution in b.  False if singular. */
OW_CLONES
static bool gauss(size_t n, double a[], double b[])
{
    for (size_t p = 0; p < n; p++) {
        size_t best = p;
        for (size_t i = p + 1; i < n; i++)
            if (fabs(a[i * n + p]) > fabs(a[best * n + p]))
                best = i;
        if (!(fabs(a[best * n + p]) > 0.0))
            return false;
        for (size_t j = p; j < n; j++) {
            const double t = a[p * n + j];
            a[p * n + j] = a[best * n + j];
            a[best * n + j] = t;
        }
        const double t = b[p];
        b[p] = b[best];
        b[best] = t;
        for (size_t i = p + 1; i < n; i++) {
            const double m = a[i * n + p] / a[p * n + p];
            for (size_t j = p + 1; j < n; j++)
                a[i * n + j] -= m * a[p * n + j];
            b[i] -= m * b[p];
        }
    }
    for (size_t p = n; p-- > 0;) {
        for (size_t j = p + 1; j < n; j++)
            b[p] -= a[p * n + j] * b[j];
        b[p] /= a[p * n + p];
    }
    return true;
}

/* What the clamps' currents make of column j's sense current. */
static double clamped_current(const struct ow_ports *p, const struct rails *r, size_t j)
{
    const struct ow_sense *s = &p->circuit->xb->sense;
    const double *response = p->sense + p->first_clamp * p->wide_cols;
    double i = 0.0;
    for (size_t k = 0; k < r->n; k++)
        i -= response[r->col[k] * p->wide_cols + j] * s->gain / p->r_loop * r->h[k];
    return i;
}

static void clamp_rails(const struct ow_ports *p, struct rails *r)
{
    for (size_t k = 0; k < r->n; k++)
        r->h[k] = ow_amp_clamp(&p->circuit->xb->sense, r->v_a[r->col[k]], &r->dh[k]);
}

/* i_linear[cols]: sense currents without clamps.  False if it does not converge. */
static bool newton_rails(const struct ow_ports *p, const double i_linear[], struct rails *r)
{
    enum { MOST = 100 };
    const struct ow_sense *s = &p->circuit->xb->sense;
    const double self = 1.0 + 1.0 / s->gain;
    const double *response = p->sense + p->first_clamp * p->wide_cols;
    double largest = INFINITY;
    clamp_rails(p, r);
    for (int step = 0; step < MOST && largest > 1e-7 * OW_CLAMP_WIDTH; step++) {
        for (size_t j = 0; j < r->n; j++) {
            const size_t col = r->col[j];
            const double i = i_linear[col] + clamped_current(p, r, col);
            r->change[j] = s->v_os - p->r_loop * i - r->h[j] - self * r->v_a[col];
            for (size_t k = 0; k < r->n; k++)
                r->matrix[j * r->n + k] =
                    -s->gain * response[r->col[k] * p->wide_cols + col] * r->dh[k];
            r->matrix[j * r->n + j] += r->dh[j] + self;
        }
        if (!gauss(r->n, r->matrix, r->change))
            return false;
        for (size_t k = 0; k < r->n; k++)
            r->v_a[r->col[k]] += r->change[k];
        clamp_rails(p, r);
        largest = ow_largest(r->change, r->n);
        if (!isfinite(largest))
            return false;
    }
    /* h bends over OW_CLAMP_WIDTH and convergence is quadratic: what is left is rounding */
    return largest <= 1e-7 * OW_CLAMP_WIDTH;
}

/* Columns beyond the linear range join the others.  Is there a new one? */
static bool join_rails(const struct ow_ports *p, struct rails *r)
{
    const size_t before = r->n;
    for (size_t j = 0; j < p->cols; j++)
        if (!r->is_member[j] && !(fabs(r->v_a[j]) <= p->v_linear)) {
            r->is_member[j] = true;
            r->col[r->n++] = j;
        }
    return r->n > before;
}

/* Sense currents [cols] of a read and its gain nodes, whose J go into column k of z. */
static bool solve_rails(const struct ow_ports *p, struct rails *r, double i_sense[],
                        struct block *b, size_t k)
{
    const struct ow_sense *s = &p->circuit->xb->sense;
    const double rail = 0.5 * s->vdd;
    r->n = 0;
    for (size_t j = 0; j < p->cols; j++) {
        r->is_member[j] = false;
        r->v_a[j] = fmin(fmax(gain_node(p, i_sense[j]), -rail), rail);
    }
    while (join_rails(p, r)) {
        if (!newton_rails(p, i_sense, r))
            return false;
        for (size_t j = 0; j < p->cols; j++)
            if (!r->is_member[j])
                r->v_a[j] = gain_node(p, i_sense[j] + clamped_current(p, r, j));
    }
    for (size_t j = 0; j < p->cols; j++)
        i_sense[j] += clamped_current(p, r, j);
    for (size_t m = 0; m < r->n; m++)
        b->z[(p->first_clamp + r->col[m]) * BLOCK + k] = -s->gain / p->r_loop * r->h[m];
    return true;
}

/* Gain nodes [cols] of every read of the block, with clamps where they are needed. */
static enum ow_status find_gain_nodes(const struct ow_ports *p, struct block *b,
                                      double v_gain[], bool is_done[])
{
    struct rails rails;
    bool has_rails = false;
    for (size_t k = 0; k < b->n; k++) {
        double *i_sense = b->sense + k * p->wide_cols, *v_a = v_gain + k * p->cols;
        for (size_t j = 0; j < p->cols; j++)
            v_a[j] = has_amps(p) ? gain_node(p, i_sense[j]) : 0.0;
        is_done[k] = !is_near_rail(p, i_sense);
        if (is_done[k] || !has_clamps(p))
            continue;
        if (!has_rails && !(has_rails = rails_init(&rails, p->cols))) {
            rails_finish(&rails);
            return OW_ERR_NOMEM;
        }
        is_done[k] = solve_rails(p, &rails, i_sense, b, k);
        memcpy(v_a, rails.v_a, p->cols * sizeof *v_a);
        b->n_used = p->n_excitation;
    }
    if (has_rails)
        rails_finish(&rails);
    return OW_OK;
}

/* power[k] = z' form z for every read. */
static void dissipate(const struct ow_ports *p, const struct block *b, const double form[],
                      double power[BLOCK])
{
    double part[BLOCK * TILE];
    memset(power, 0, BLOCK * sizeof *power);
    for (size_t first = 0; first < b->n_used; first += TILE) {
        const size_t end = first + TILE < b->n_used ? first + TILE : b->n_used;
        memset(part, 0, sizeof part);
        ow_product(end, b->wide, end - first, b->z, BLOCK, form + first, p->n_excitation, part,
                   TILE);
        for (size_t k = 0; k < b->n; k++)
            for (size_t e = first; e < end; e++)
                power[k] += part[k * TILE + e - first] * b->z[e * BLOCK + k];
    }
}

/* Everything else of read k. */
static void finish_read(const struct ow_ports *p, const double amplitude[],
                        const double i_source[], const double sense[], const double v_gain[],
                        double v_sense[], struct ow_power *at)
{
    const struct ow_crossbar *xb = p->circuit->xb;
    const double r_f = xb->sense.r_f;
    for (size_t i = 0; i < p->rows; i++) {
        const double power = amplitude[i] * i_source[i];
        at->source += power;
        at->throughput += fabs(power);
        at->charge_rate += fmax(i_source[i], 0.0);
        at->drivers += isinf(xb->r_driver) ? 0.0 : xb->r_driver * i_source[i] * i_source[i];
    }
    for (size_t j = 0; j < p->cols; j++) {
        if (has_amps(p)) { /* sense[j] flows through r_f, and on through r_out */
            v_sense[j] = v_gain[j] + xb->sense.r_out * sense[j];
            at->sense += r_f * sense[j] * sense[j];
            ow_power_add_amp(&xb->sense, v_gain[j], v_sense[j], at);
        } else {
            v_sense[j] = sense[j];
            at->sense += r_f > 0.0 ? sense[j] * sense[j] / r_f : 0.0;
        }
    }
    at->supply = at->output + at->quiescent;
    at->throughput += at->output;
}

enum ow_status ow_ports_read(const struct ow_ports *p, size_t n, const double amplitude[],
                             const struct ow_pulse *pulse, double v_sense[], double v_gain[],
                             struct ow_energy energy[], bool is_done[], struct ow_error *err)
{
    double devices[BLOCK], wires[BLOCK];
    struct block *b = block_create(p, n, amplitude);
    if (!b || find_gain_nodes(p, b, v_gain, is_done)) {
        free(b);
        return no_memory(err);
    }
    multiply(b, p->source, p->wide_rows, b->source);
    dissipate(p, b, p->devices, devices);
    dissipate(p, b, p->wires, wires);
    for (size_t k = 0; k < n; k++) {
        struct ow_power at = {.devices = devices[k], .wires = wires[k]};
        finish_read(p, amplitude + k * p->rows, b->source + k * p->wide_rows,
                    b->sense + k * p->wide_cols, v_gain + k * p->cols, v_sense + k * p->cols,
                    &at);
        energy[k] = ow_power_plateau(&at, pulse);
    }
    free(b);
    return OW_OK;
}
