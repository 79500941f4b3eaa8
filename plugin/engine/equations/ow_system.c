#include "ow_system.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_kernel.h"
#include "ow_pages.h"
#include "ow_planes.h"
#include "ow_simd.h"

static const double two_pi = 6.283185307179586;

static enum ow_status create_response(struct ow_system *sys)
{
    const size_t ns = sys->n_state, n_array = 2 + ns * (3 + ns);
    double *next = sys->at_store = ow_pages_calloc(n_array * sys->n_cell, sizeof *next);
    if (!next)
        return OW_ERR_NOMEM;
#define TAKE(array) (array) = next, next += sys->n_cell
    TAKE(sys->at.i);
    TAKE(sys->at.di_dv);
    for (size_t r = 0; r < ns; r++) {
        TAKE(sys->at.di_dx[r]);
        TAKE(sys->at.f[r]);
        TAKE(sys->at.df_dv[r]);
        for (size_t s = 0; s < ns; s++)
            TAKE(sys->at.df_dx[r][s]);
    }
#undef TAKE
    return OW_OK;
}

static bool are_switches(const struct ow_crossbar *xb)
{
    bool are = xb->model->is_switch != NULL;
    for (size_t k = 0; are && k < xb->rows * xb->cols; k++) {
        double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
        ow_crossbar_cell(xb, k, param, x);
        are = xb->model->is_switch(param);
    }
    return are;
}

int ow_system_threads(const struct ow_circuit *circuit, unsigned n_threads)
{
    const bool is_large = circuit->xb->rows * circuit->xb->cols > (size_t)300 * 300;
    return is_large && n_threads > 1 ? (int)n_threads : 1;
}

enum ow_status ow_system_create(const struct ow_circuit *circuit, int n_threads,
                                struct ow_system *out)
{
    const struct ow_crossbar *xb = circuit->xb;
    struct ow_system sys = {.circuit = circuit,
                            .n_threads = n_threads,
                            .n_free = circuit->n_node - circuit->first_free,
                            .n_cell = xb->rows * xb->cols,
                            .n_state = xb->model->n_state};
    sys.has_switches = are_switches(xb);
    for (size_t s = 0; s < sys.n_state; s++)
        if (sys.has_switches ? s == xb->model->event_state : !xb->model->state[s].is_discrete)
            sys.moving[sys.n_continuous++] = s;
    ow_system_hold(&sys, false);
    sys.tau = xb->sense.gain / (two_pi * xb->sense.gbw);
    sys.v_node = ow_pages_calloc(circuit->n_node, sizeof *sys.v_node);
    sys.v_cell = ow_pages_calloc(sys.n_cell, sizeof *sys.v_cell);
    sys.still = ow_pages_calloc(sys.n_cell * sys.n_state + 1, sizeof *sys.still);
    sys.current = ow_pages_calloc(sys.n_free + 1, sizeof *sys.current);
    sys.most = calloc(xb->rows, sizeof *sys.most);
    if (xb->model->series)
        sys.inner = ow_pages_calloc(sys.n_cell, sizeof *sys.inner);
    if ((xb->model->series && !sys.inner) || !sys.most || !sys.v_node || !sys.v_cell ||
        !sys.still || !sys.current || create_response(&sys)) {
        ow_system_finish(&sys);
        return OW_ERR_NOMEM;
    }
    *out = sys;
    return OW_OK;
}

void ow_system_finish(struct ow_system *sys)
{
    free(sys->v_node);
    free(sys->v_cell);
    free(sys->inner);
    free(sys->still);
    free(sys->at_store);
    free(sys->current);
    free(sys->most);
    memset(sys, 0, sizeof *sys);
}

void ow_system_hold(struct ow_system *sys, bool is_held)
{
    sys->n_moving = is_held ? 0 : sys->n_continuous;
    sys->is_ohmic = false;
    sys->n_y = sys->n_free + sys->n_moving * sys->n_cell;
}

OW_SIMD static bool is_any_moving(const double f[], size_t n)
{
    int is_moving = 0;
    for (size_t k = 0; k < n; k++)
        is_moving |= f[k] != 0.0;
    return is_moving;
}

bool ow_system_is_any(const double f[], size_t n)
{
    return is_any_moving(f, n);
}

bool ow_system_is_at_rest(const struct ow_system *sys)
{
    for (size_t m = 0; m < sys->n_continuous; m++)
        for (size_t c = 0; c < ow_chunks(sys->n_cell); c++)
            if (is_any_moving(sys->at.f[sys->moving[m]] + c * OW_CHUNK,
                              ow_chunk_length(sys->n_cell, c)))
                return false;
    return true;
}

size_t ow_system_rows(const struct ow_system *sys)
{
    return ow_some_rows(sys->circuit->xb->cols);
}

void ow_system_put_sources(struct ow_system *sys, const double v_row[])
{
    memcpy(sys->v_node + 1, v_row, sys->circuit->n_source * sizeof *v_row);
}

static void put_nodes(struct ow_system *sys, const double v_row[], const double y[])
{
    double *free_nodes = sys->v_node + sys->circuit->first_free;
    ow_system_put_sources(sys, v_row);
    if (y == free_nodes)
        return;
    OW_SWEEP(sys->n_threads, c, ow_chunks(sys->n_free), 1,
             memcpy(free_nodes + c * OW_CHUNK, y + c * OW_CHUNK,
                    ow_chunk_length(sys->n_free, c) * sizeof *y));
}

void ow_system_put_behind(struct ow_system *sys, const double y[])
{
    const size_t planes = sys->circuit->is_grid ? 2 * sys->n_cell : 0;
    memcpy(sys->v_node + sys->circuit->first_free + planes, y + planes,
           (sys->n_free - planes) * sizeof *y);
}

const double *ow_system_nodes_around(const struct ow_system *sys, const double v_row[],
                                     double y[])
{
    double *nodes = y - sys->circuit->first_free;
    nodes[OW_GROUND] = 0.0;
    memcpy(nodes + 1, v_row, sys->circuit->n_source * sizeof *v_row);
    return nodes;
}

static bool is_regular(const struct ow_circuit *ckt)
{
    return ckt->is_grid || ckt->is_merged;
}

/* v_cell where the circuit is not regular. */
static void across_any(struct ow_system *sys)
{
    const struct ow_circuit *ckt = sys->circuit;
    for (size_t k = 0; !is_regular(ckt) && k < sys->n_cell; k++)
        sys->v_cell[k] =
            sys->v_node[ow_circuit_te(ckt, k)] - sys->v_node[ow_circuit_be(ckt, k)];
}

void ow_system_put_voltages(struct ow_system *sys, const double v_row[], const double y[])
{
    const struct ow_circuit *ckt = sys->circuit;
    const size_t rows = is_regular(ckt) ? ckt->xb->rows : 0, block = ow_system_rows(sys);
    put_nodes(sys, v_row, y);
    OW_SWEEP(sys->n_threads, from, rows, block,
             ow_planes_across(ckt, sys->v_node, from, ow_until(from, block, rows),
                              sys->v_cell + from * ckt->xb->cols));
    across_any(sys);
}

/* All cells at the voltages that are placed and the states of y. */
static struct ow_cells cells_at(struct ow_system *sys, const double y[])
{
    const struct ow_crossbar *xb = sys->circuit->xb;
    for (size_t s = 0; s < sys->n_state; s++)
        sys->x[s] = sys->still + s * sys->n_cell;
    for (size_t m = 0; m < sys->n_moving; m++)
        sys->x[sys->moving[m]] = y + sys->n_free + m * sys->n_cell;
    struct ow_cells cells = {.n = sys->n_cell,
                             .param = xb->param,
                             .spread = (const double *const *)xb->spread,
                             .v = sys->v_cell,
                             .inner = sys->inner};
    memcpy(cells.x, sys->x, sizeof cells.x);
    return cells;
}

/* Current i leaves node a and enters node b; prescribed nodes take what comes. */
static inline void flow(double into[], size_t first, size_t a, size_t b, double i)
{
    if (a >= first)
        into[a - first] -= i;
    if (b >= first)
        into[b - first] += i;
}

static void add_resistors(const struct ow_circuit *ckt, const struct ow_resistors *all,
                          const double v[], double into[])
{
    for (size_t i = 0; i < all->rows; i++)
        for (size_t j = 0; j < all->cols; j++) {
            const size_t a = ow_terminal(&all->a, i, j), b = ow_terminal(&all->b, i, j);
            flow(into, ckt->first_free, a, b, (v[a] - v[b]) / all->of.r);
        }
}

/* All but the currents into the two planes of a grid; v: of all nodes. */
static void currents_behind(const struct ow_system *sys, const double v[], double into[])
{
    const struct ow_circuit *ckt = sys->circuit;
    const struct ow_sense *sense = &ckt->xb->sense;
    const size_t first = ckt->first_free, planes = ckt->is_grid ? 2 * sys->n_cell : 0;
    memset(into + planes, 0, (sys->n_free - planes) * sizeof *into);
    if (ckt->is_grid)
        ow_planes_inputs(ckt, v, into);
    for (size_t k = ckt->is_grid ? OW_SENSE_RESISTORS : 0; k < OW_N_RESISTOR_KIND; k++)
        add_resistors(ckt, &ckt->resistors[k], v, into);
    if (ckt->is_merged)
        ow_planes_add_cells(ckt, sys->at.i, into);
    for (size_t k = 0; !ckt->is_grid && !ckt->is_merged && k < sys->n_cell; k++)
        flow(into, first, ow_circuit_te(ckt, k), ow_circuit_be(ckt, k), sys->at.i[k]);
    for (size_t k = 0; k < ckt->n_amp; k++) {
        const struct ow_amp *amp = &ckt->amp[k];
        double d_in, d_a; /* not needed here */
        into[amp->out - first] += ow_amp_current(sense, v[amp->inner], v[amp->out]);
        into[amp->inner - first] = ow_amp_drive(sense, v[amp->in], v[amp->inner], &d_in, &d_a);
    }
}

/* Into the planes' rows [from, to) of a grid. */
static void row_currents(const struct ow_system *sys, size_t from, size_t to, double into[])
{
    const struct ow_circuit *ckt = sys->circuit;
    const size_t first = ckt->first_free, at = from * ckt->xb->cols;
    ow_planes_currents(ckt, sys->v_node, sys->at.i + at, from, to,
                       into + (ckt->wline - first) + at, into + (ckt->bline - first) + at);
}

void ow_system_currents(const struct ow_system *sys, double into[])
{
    const struct ow_circuit *ckt = sys->circuit;
    const size_t rows = ckt->is_grid ? ckt->xb->rows : 0, block = ow_system_rows(sys);
    OW_SWEEP(sys->n_threads, from, rows, block,
             row_currents(sys, from, ow_until(from, block, rows), into));
    currents_behind(sys, sys->v_node, into);
}

void ow_system_currents_behind(const struct ow_system *sys, const double nodes[], double into[])
{
    currents_behind(sys, nodes, into);
}

/* What is asked of all cells. */
struct sweep {
    const struct ow_response *at; /* where their answers go                                 */
    bool is_static;               /* currents and slopes alone                              */
    double *into;                 /* NULL, or I                                             */
    ow_system_rows_fn *then;      /* NULL, or what looks at rows of a grid afterwards       */
    const void *data;
};

/* Rows from `row` on, as many as stay in the cache from the first to the last line. */
static void sweep_rows(struct ow_system *sys, const struct ow_cells *cells,
                       const struct sweep *s, size_t row)
{
    const struct ow_circuit *ckt = sys->circuit;
    const struct ow_crossbar *xb = ckt->xb;
    const size_t most = ow_system_rows(sys), left = xb->rows - row,
                 n = left < most ? left : most;
    const double *spread[OW_MAX_PARAMS];
    struct ow_cells part;
    struct ow_response answer = {0};
    ow_cells_part(xb->model, cells, s->at, row * xb->cols, n * xb->cols, &part, &answer,
                  spread);
    if (is_regular(ckt))
        ow_planes_across(ckt, sys->v_node, row, row + n, sys->v_cell + row * xb->cols);
    if (s->is_static)
        ow_conduct(xb->model, &part, answer.i, answer.di_dv);
    else
        ow_eval(xb->model, &part, &answer);
    if (s->into && ckt->is_grid)
        row_currents(sys, row, row + n, s->into);
    if (s->then && ckt->is_grid)
        s->then(s->data, row, row + n, s->into);
}

static void place(struct ow_system *sys, const double v_row[], const double y[],
                  const struct sweep *s)
{
    put_nodes(sys, v_row, y);
    across_any(sys);
    const struct ow_cells cells = cells_at(sys, y);
    OW_SWEEP(sys->n_threads, row, sys->circuit->xb->rows, ow_system_rows(sys),
             sweep_rows(sys, &cells, s, row));
    if (s->into)
        currents_behind(sys, sys->v_node, s->into);
}

void ow_system_place(struct ow_system *sys, const double v_row[], const double y[])
{
    place(sys, v_row, y, &(struct sweep){.at = &sys->at});
}

void ow_system_place_values(struct ow_system *sys, const double v_row[], const double y[])
{
    ow_system_place_flow(sys, v_row, y, NULL, NULL, NULL);
}

void ow_system_place_flow(struct ow_system *sys, const double v_row[], const double y[],
                          ow_system_rows_fn *then, const void *data, double into[])
{
    struct ow_response values = sys->at;
    values.di_dv = NULL;
    place(sys, v_row, y,
          &(struct sweep){.at = &values, .into = into, .then = then, .data = data});
}

OW_SIMD static double largest_in(const double x[], size_t n)
{
    return ow_largest(x, n);
}

/* The greatest current into a node of these rows. */
static void note_largest(const void *data, size_t from, size_t to, double into[])
{
    const struct ow_system *sys = data;
    const size_t cols = sys->circuit->xb->cols, n = (to - from) * cols;
    const double *w = into + from * cols, *b = w + sys->n_cell;
    const double word = largest_in(w, n), bit = largest_in(b, n);
    sys->most[from / ow_system_rows(sys)] = word > bit ? word : bit;
}

double ow_system_place_static(struct ow_system *sys, const double v_row[], const double y[],
                              double into[])
{
    const size_t rows = sys->circuit->xb->rows, block = ow_system_rows(sys);
    place(sys, v_row, y,
          &(struct sweep){.at = &sys->at,
                          .is_static = true,
                          .into = into,
                          .then = into ? note_largest : NULL,
                          .data = sys});
    if (!into)
        return 0.0;
    if (!sys->circuit->is_grid)
        return ow_largest(into, sys->n_free);
    const double lines = ow_largest(sys->most, (rows + block - 1) / block);
    const double behind = ow_largest(into + 2 * sys->n_cell, sys->n_free - 2 * sys->n_cell);
    return lines > behind ? lines : behind;
}

void ow_system_state_rates(const struct ow_system *sys, double ydot[])
{
    for (size_t m = 0; m < sys->n_moving; m++)
        memcpy(ydot + sys->n_free + m * sys->n_cell, sys->at.f[sys->moving[m]],
               sys->n_cell * sizeof *ydot);
}

void ow_system_put_states(struct ow_system *sys, const double x[], double y[])
{
    memcpy(sys->still, x, sys->n_state * sys->n_cell * sizeof *x);
    if (sys->inner) /* what was before must not show in a single bit */
        memset(sys->inner, 0, sys->n_cell * sizeof *sys->inner);
    for (size_t m = 0; m < sys->n_moving; m++)
        memcpy(y + sys->n_free + m * sys->n_cell, x + sys->moving[m] * sys->n_cell,
               sys->n_cell * sizeof *x);
}

void ow_system_get_states(const struct ow_system *sys, const double y[], double x[])
{
    memcpy(x, sys->still, sys->n_state * sys->n_cell * sizeof *x);
    for (size_t m = 0; m < sys->n_moving; m++)
        memcpy(x + sys->moving[m] * sys->n_cell, y + sys->n_free + m * sys->n_cell,
               sys->n_cell * sizeof *x);
}

size_t ow_system_place_of(const struct ow_system *sys, size_t state)
{
    size_t m = 0;
    while (sys->moving[m] != state)
        m++;
    return sys->n_free + m * sys->n_cell;
}

void ow_system_put_cell(struct ow_system *sys, size_t cell, const double x[], double y[])
{
    for (size_t s = 0; s < sys->n_state; s++)
        sys->still[s * sys->n_cell + cell] = x[s];
    for (size_t m = 0; m < sys->n_moving; m++)
        y[sys->n_free + m * sys->n_cell + cell] = x[sys->moving[m]];
}

void ow_system_get_cell(const struct ow_system *sys, const double y[], size_t cell, double x[])
{
    for (size_t s = 0; s < sys->n_state; s++)
        x[s] = sys->still[s * sys->n_cell + cell];
    for (size_t m = 0; m < sys->n_moving; m++)
        x[sys->moving[m]] = y[sys->n_free + m * sys->n_cell + cell];
}

void ow_system_place_cell(struct ow_system *sys, size_t cell, const double param[],
                          const double x[])
{
    const size_t ns = sys->n_state;
    struct ow_point p;
    ow_eval_one(sys->circuit->xb->model, param, sys->v_cell[cell], x, &p);
    sys->at.i[cell] = p.i;
    sys->at.di_dv[cell] = p.di_dv;
    for (size_t r = 0; r < ns; r++) {
        sys->at.di_dx[r][cell] = p.di_dx[r];
        sys->at.f[r][cell] = p.f[r];
        sys->at.df_dv[r][cell] = p.df_dv[r];
        for (size_t s = 0; s < ns; s++)
            sys->at.df_dx[r][s][cell] = p.df_dx[r][s];
    }
}

void ow_system_initial_states(const struct ow_system *sys, double x[])
{
    const struct ow_crossbar *xb = sys->circuit->xb;
    for (size_t s = 0; !xb->model->init && s < sys->n_state; s++) {
        const size_t from = xb->model->state[s].init;
        for (size_t k = 0; k < sys->n_cell; k++)
            x[s * sys->n_cell + k] = xb->spread[from] ? xb->spread[from][k] : xb->param[from];
    }
    for (size_t k = 0; xb->model->init && k < sys->n_cell; k++) {
        double param[OW_MAX_PARAMS], state[OW_MAX_STATES];
        ow_crossbar_cell(sys->circuit->xb, k, param, state);
        for (size_t s = 0; s < sys->n_state; s++)
            x[s * sys->n_cell + k] = state[s];
    }
}

size_t ow_system_massless(const struct ow_system *sys)
{
    const struct ow_circuit *ckt = sys->circuit;
    for (size_t node = ckt->first_free; node < ckt->n_node;) {
        const struct ow_node_block *block = ow_circuit_block(ckt, node);
        const bool is_inner = ckt->n_amp > 0 && node == ckt->amp[0].inner;
        if (!(block->c > 0.0) && !is_inner)
            return node;
        node = block->end;
    }
    return ckt->n_node;
}
