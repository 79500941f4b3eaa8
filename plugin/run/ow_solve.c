#include "ow_solve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_clock.h"
#include "ow_direct.h"
#include "ow_engine.h"
#include "ow_grid.h"
#include "ow_pages.h"
#include "ow_shorted.h"

/* A conductor of 1 S; `scale` makes it what the caller asks for. */
static void unit_eval(const struct ow_cells *cells, struct ow_response *out)
{
    for (size_t k = 0; k < cells->n; k++)
        out->i[k] = cells->v[k];
    for (size_t k = 0; out->di_dv && k < cells->n; k++)
        out->di_dv[k] = 1.0;
}

static const struct ow_param unit_param[] = {OW_COMMON_PARAMS};
static const struct ow_model unit_conductor = {.name = "conductor",
                                               .doc = "linear conductor of 1 S times scale",
                                               .param = unit_param,
                                               .n_param = OW_N_COMMON,
                                               .program = OW_SCALE,
                                               .eval = unit_eval};

static enum ow_status check(const struct ow_matrix *g, const struct ow_matrix *drive,
                            const struct ow_solve_wires *w, struct ow_error *err)
{
    if (g->rows == 0 || g->cols == 0)
        return ow_fail(err, OW_ERR_INPUT, "conductance: expected at least one row and column");
    if (drive->rows * drive->cols != g->rows || (drive->rows != 1 && drive->cols != 1))
        return ow_fail(err, OW_ERR_INPUT,
                       "drive: %zu x %zu values, expected one voltage for each of the %zu rows "
                       "of the conductance",
                       drive->rows, drive->cols, g->rows);
    for (size_t k = 0; k < g->rows * g->cols; k++)
        if (!(g->a[k] >= 0.0 && isfinite(g->a[k])))
            return ow_fail(err, OW_ERR_RANGE,
                           "conductance[%zu, %zu] = %g S: expected a finite number, 0 or above",
                           k / g->cols, k % g->cols, g->a[k]);
    for (size_t k = 0; k < g->rows; k++)
        if (!isfinite(drive->a[k]))
            return ow_fail(err, OW_ERR_RANGE, "drive[%zu] = %g V: expected a finite number", k,
                           drive->a[k]);
    const struct {
        const char *name;
        double r;
        bool may_be_open;
    } wire[] = {{"r_wordline", w->r_wordline, false},
                {"r_bitline", w->r_bitline, false},
                {"r_driver", w->r_driver, true},
                {"r_sense", w->r_sense, true}};
    for (size_t k = 0; k < sizeof wire / sizeof wire[0]; k++)
        if (!(wire[k].r >= 0.0) || (!wire[k].may_be_open && isinf(wire[k].r)))
            return ow_fail(err, OW_ERR_RANGE, "%s = %g ohm: expected 0 or above%s",
                           wire[k].name, wire[k].r,
                           wire[k].may_be_open ? "; inf is an open end" : ", finite");
    return OW_OK;
}

static enum ow_status describe(const struct ow_matrix *g, const struct ow_solve_wires *wires,
                               struct ow_crossbar *xb, struct ow_error *err)
{
    const enum ow_status st = ow_crossbar_init(xb, g->rows, g->cols, &unit_conductor, err);
    if (st)
        return st;
    memcpy(xb->spread[OW_SCALE], g->a, g->rows * g->cols * sizeof *g->a);
    xb->r_wordline = wires->r_wordline;
    xb->r_bitline = wires->r_bitline;
    xb->r_driver = wires->r_driver;
    xb->sense = (struct ow_sense){.kind = OW_SENSE_RESISTOR, .r_f = wires->r_sense};
    return OW_OK;
}

static double largest(const struct ow_matrix *m)
{
    double max = 0.0;
    for (size_t k = 0; k < m->rows * m->cols; k++)
        max = fmax(max, fabs(m->a[k]));
    return max;
}

/* ---- lines of some resistance ---------------------------------------------------------- */

/* Bit line j floats if it is open and no cell holds it; a held one carries nothing either. */
static bool is_floating(const struct ow_matrix *g, size_t j)
{
    for (size_t i = 0; i < g->rows; i++)
        if (g->a[i * g->cols + j] > 0.0)
            return false;
    return true;
}

static enum ow_status by_iterations(const struct ow_grid *grid, const double into_source[],
                                    int n_threads, struct ow_solve_result *out)
{
    const size_t n = grid->rows * grid->cols;
    const double tol = n <= 256 * 256 ? 1e-13 : 1e-10;
    const struct ow_grid_rhs rhs = {.source = into_source};
    struct ow_grid_solver *solver;
    struct ow_grid_effort effort;
    enum ow_status st = ow_grid_create(grid->rows, grid->cols, n_threads, &solver);
    if (st)
        return st;
    if (!ow_grid_factor(solver, grid) ||
        !ow_grid_solve(solver, &rhs, NULL, tol, out->nodes.a, out->nodes.a + n, &effort)) {
        st = OW_ERR_SOLVER;
    } else {
        out->method = effort.has_multigrid ? OW_SOLVE_MULTIGRID : OW_SOLVE_LINES;
        out->iterations = effort.iterations;
        out->residual = effort.residual;
    }
    ow_grid_destroy(solver);
    return st;
}

static enum ow_status by_factors(const struct ow_grid *grid, const double into_source[],
                                 struct ow_solve_result *out)
{
    struct ow_direct *direct = NULL;
    enum ow_status st = ow_direct_create(grid->rows, grid->cols, &direct);
    if (!st)
        st = ow_direct_factor(direct, grid);
    if (!st) {
        memset(out->nodes.a, 0, 2 * grid->rows * grid->cols * sizeof *out->nodes.a);
        for (size_t i = 0; i < grid->rows; i++)
            out->nodes.a[i * grid->cols] = into_source[i];
        ow_direct_solve(direct, out->nodes.a);
        out->method = OW_SOLVE_DIRECT;
        out->residual = NAN;
    }
    ow_direct_destroy(direct);
    return st;
}

static enum ow_status solve_grid(const struct ow_matrix *g, const double drive[],
                                 const struct ow_solve_wires *w, int n_threads,
                                 struct ow_solve_result *out)
{
    const double source = 1.0 / (w->r_driver + w->r_wordline);
    const double end = 1.0 / (w->r_sense + w->r_bitline), g_bit = 1.0 / w->r_bitline;
    double *sources = malloc(g->rows * sizeof *sources);
    double *into = malloc(g->rows * sizeof *into);
    double *ends = malloc(g->cols * sizeof *ends);
    enum ow_status st = OW_ERR_NOMEM;
    if (!sources || !into || !ends)
        goto done;
    for (size_t i = 0; i < g->rows; i++) {
        sources[i] = source;
        into[i] = source * drive[i];
    }
    for (size_t j = 0; j < g->cols; j++)
        ends[j] = end == 0.0 && is_floating(g, j) ? g_bit : end;
    const struct ow_grid grid = {.rows = g->rows,
                                 .cols = g->cols,
                                 .g_word = 1.0 / w->r_wordline,
                                 .g_bit = g_bit,
                                 .source = sources,
                                 .end = ends,
                                 .d = g->a,
                                 .d_scale = 1.0};
    st = by_iterations(&grid, into, n_threads, out);
    if (st == OW_ERR_SOLVER)
        st = by_factors(&grid, into, out);
done:
    free(sources);
    free(into);
    free(ends);
    return st;
}

/* ---- lines without resistance ------------------------------------------------------------ */

/* The array as ow_shorted.h has it: rows are its lines without resistance, words if both have
 * none; columns end at their sources, so that word lines run backwards when they are columns.
 */
struct turned {
    bool is_turned;          /* rows are bit lines                     */
    struct ow_shorted array; /* its arrays are the following           */
    double *s, *u, *t, *e;   /* [rows] and [cols]                      */
    double *d;               /* [rows][cols] if is_turned              */
    double *x, *b;           /* [rows], [rows][cols] if is_turned      */
};

static void turned_finish(struct turned *a)
{
    free(a->s);
    free(a->u);
    free(a->t);
    free(a->e);
    free(a->d);
    free(a->x);
    free(a->b);
}

/* out[cols - 1 - j][i] = a[i][j], tile by tile. */
static void turn(const double a[], size_t rows, size_t cols, double out[])
{
    enum { TILE = 32 };
    for (size_t i0 = 0; i0 < rows; i0 += TILE)
        for (size_t j0 = 0; j0 < cols; j0 += TILE)
            for (size_t i = i0; i < i0 + TILE && i < rows; i++)
                for (size_t j = j0; j < j0 + TILE && j < cols; j++)
                    out[(cols - 1 - j) * rows + i] = a[i * cols + j];
}

/* And back. */
static void turn_back(const double a[], size_t rows, size_t cols, double out[])
{
    enum { TILE = 32 };
    for (size_t i0 = 0; i0 < rows; i0 += TILE)
        for (size_t j0 = 0; j0 < cols; j0 += TILE)
            for (size_t i = i0; i < i0 + TILE && i < rows; i++)
                for (size_t j = j0; j < j0 + TILE && j < cols; j++)
                    out[i * cols + j] = a[(cols - 1 - j) * rows + i];
}

static enum ow_status turned_init(struct turned *a, const struct ow_matrix *g,
                                  const double drive[], const struct ow_solve_wires *w)
{
    const bool is_turned = w->r_wordline > 0.0;
    const size_t rows = is_turned ? g->cols : g->rows, cols = is_turned ? g->rows : g->cols;
    const double word = 1.0 / (w->r_driver + w->r_wordline); /* infinite if there is none */
    const double bit = 1.0 / (w->r_sense + w->r_bitline);
    *a = (struct turned){.is_turned = is_turned};
    a->s = malloc(rows * sizeof *a->s);
    a->u = calloc(rows, sizeof *a->u);
    a->t = malloc(cols * sizeof *a->t);
    a->e = calloc(cols, sizeof *a->e);
    a->x = malloc(rows * sizeof *a->x);
    a->d = is_turned ? malloc(rows * cols * sizeof *a->d) : NULL;
    a->b = is_turned ? malloc(rows * cols * sizeof *a->b) : NULL;
    if (!a->s || !a->u || !a->t || !a->e || !a->x || (is_turned && (!a->d || !a->b)))
        return OW_ERR_NOMEM;
    for (size_t i = 0; i < rows; i++)
        a->s[i] = is_turned ? bit : word;
    for (size_t j = 0; j < cols; j++)
        a->t[j] = is_turned ? word : bit;
    memcpy(is_turned ? a->e : a->u, drive, g->rows * sizeof *drive);
    if (is_turned)
        turn(g->a, g->rows, g->cols, a->d);
    a->array = (struct ow_shorted){.rows = rows,
                                   .cols = cols,
                                   .s = a->s,
                                   .u = a->u,
                                   .g = 1.0 / (is_turned ? w->r_wordline : w->r_bitline),
                                   .t = a->t,
                                   .e = a->e,
                                   .d = is_turned ? a->d : g->a};
    return OW_OK;
}

/* Rows and columns into the two planes of nodes. */
static void unturn(const struct turned *a, const struct ow_matrix *g, double w[], double b[])
{
    for (size_t i = 0; i < g->rows; i++)
        for (size_t j = 0; j < g->cols; j++) {
            const size_t k = i * g->cols + j;
            if (a->is_turned)
                b[k] = a->x[g->cols - 1 - j];
            else
                w[k] = a->x[i];
        }
    if (a->is_turned)
        turn_back(a->b, g->rows, g->cols, w);
}

static enum ow_status solve_shorted(const struct ow_matrix *g, const double drive[],
                                    const struct ow_solve_wires *wires, int n_threads,
                                    struct ow_solve_result *out)
{
    double *w = out->nodes.a, *b = w + g->rows * g->cols;
    struct ow_shorted_effort effort;
    struct turned a;
    enum ow_status st = turned_init(&a, g, drive, wires);
    if (!st)
        st = ow_shorted_solve(&a.array, n_threads, a.x, a.is_turned ? a.b : b, &effort);
    if (!st) {
        unturn(&a, g, w, b);
        out->method = effort.is_closed ? OW_SOLVE_CLOSED : OW_SOLVE_REDUCED;
        out->iterations = effort.iterations;
        out->residual = effort.residual;
    }
    turned_finish(&a);
    return st;
}

/* ---- any circuit ------------------------------------------------------------------------- */

/* Where iterations fail on lines that have merged into one node: the engine's solvers. */
static enum ow_status solve_circuit(const struct ow_matrix *g, const double drive[],
                                    const struct ow_solve_wires *wires, double v_scale,
                                    struct ow_solve_result *out, struct ow_error *err)
{
    const size_t n_cell = g->rows * g->cols;
    const struct ow_engine_options options = {.rtol = 1e-5, .v_scale = v_scale};
    struct ow_crossbar xb = {0};
    struct ow_circuit *ckt = NULL;
    struct ow_engine *engine = NULL;
    double *v_sense = calloc(g->cols, sizeof *v_sense), *v_node = NULL;
    enum ow_status st;
    if ((st = describe(g, wires, &xb, err)) || (st = ow_circuit_create(&xb, &ckt, err)) ||
        (st = ow_engine_create(ckt, &options, true, &engine, err)))
        goto done;
    v_node = calloc(ckt->n_node, sizeof *v_node);
    if (!v_sense || !v_node) {
        st = OW_ERR_NOMEM;
        goto done;
    }
    if ((st = ow_engine_dc(engine, drive, NULL, v_sense, v_node, err)))
        goto done;
    for (size_t k = 0; k < n_cell; k++) {
        out->nodes.a[k] = v_node[ow_circuit_te(ckt, k)];
        out->nodes.a[n_cell + k] = v_node[ow_circuit_be(ckt, k)];
    }
    out->method = OW_SOLVE_DIRECT;
    out->residual = NAN;
done:
    free(v_sense);
    free(v_node);
    ow_engine_destroy(engine);
    ow_circuit_destroy(ckt);
    ow_crossbar_finish(&xb);
    return st;
}

/* ---- either -------------------------------------------------------------------------------
 */

/* A line's current is the sum over its cells, whatever merged or ended open. */
static void collect(const struct ow_matrix *g, struct ow_solve_result *out)
{
    for (size_t i = 0; i < g->rows; i++) {
        const double *d = g->a + i * g->cols, *w = out->nodes.a + i * g->cols;
        const double *b = w + g->rows * g->cols;
        for (size_t j = 0; j < g->cols; j++) {
            const double current = d[j] * (w[j] - b[j]);
            out->i_wordline.a[i] += current;
            out->i_bitline.a[j] += current;
        }
    }
}

const char *ow_solve_method_str(enum ow_solve_method method)
{
    static const char *const name[] = {
        [OW_SOLVE_NONE] = "none",           [OW_SOLVE_LINES] = "lines",
        [OW_SOLVE_MULTIGRID] = "multigrid", [OW_SOLVE_CLOSED] = "closed form",
        [OW_SOLVE_REDUCED] = "reduced",     [OW_SOLVE_DIRECT] = "direct"};
    return name[method];
}

enum ow_status ow_solve(const struct ow_matrix *g, const struct ow_matrix *drive,
                        const struct ow_solve_wires *wires, int n_threads,
                        struct ow_solve_result *out, struct ow_error *err)
{
    struct ow_solve_result result = {0};
    enum ow_status st = check(g, drive, wires, err);
    if (st)
        return st;
    const double v_scale = largest(drive);
    result.i_bitline = ow_matrix_create(1, g->cols);
    result.i_wordline = ow_matrix_create(1, g->rows);
    result.nodes = (struct ow_matrix){
        2 * g->rows, g->cols, ow_pages_calloc(2 * g->rows * g->cols, sizeof *result.nodes.a)};
    const double begin = ow_seconds();
    if (!result.i_bitline.a || !result.i_wordline.a || !result.nodes.a)
        st = OW_ERR_NOMEM;
    else if (v_scale == 0.0 || isinf(wires->r_driver))
        result.method = OW_SOLVE_NONE;
    else if (wires->r_wordline > 0.0 && wires->r_bitline > 0.0)
        st = solve_grid(g, drive->a, wires, n_threads, &result);
    else if ((st = solve_shorted(g, drive->a, wires, n_threads, &result)) == OW_ERR_SOLVER)
        st = solve_circuit(g, drive->a, wires, v_scale, &result, err);
    if (st) {
        ow_solve_result_finish(&result);
        return err && err->status ? st : ow_fail(err, st, "solve: %s", ow_status_str(st));
    }
    collect(g, &result);
    result.wall_s = ow_seconds() - begin;
    *out = result;
    return OW_OK;
}

void ow_solve_result_finish(struct ow_solve_result *result)
{
    ow_matrix_finish(&result->i_bitline);
    ow_matrix_finish(&result->i_wordline);
    ow_matrix_finish(&result->nodes);
}
