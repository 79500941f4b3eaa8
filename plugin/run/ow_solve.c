#include "ow_solve.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_clock.h"
#include "ow_engine.h"

/* A conductor of 1 S; `scale` makes it what the caller asks for. */
static void unit_eval(const struct ow_cells *cells, struct ow_response *out)
{
    for (size_t k = 0; k < cells->n; k++) {
        out->i[k] = cells->v[k];
        out->di_dv[k] = 1.0;
    }
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

/* Node voltages to planes and to line currents; a line's current is the sum over its
 * cells, whatever merged or ended open. */
static void collect(const struct ow_circuit *ckt, const struct ow_matrix *g,
                    const double v_node[], struct ow_solve_result *out)
{
    const size_t n_cell = g->rows * g->cols;
    for (size_t k = 0; k < n_cell; k++) {
        const double te = v_node[ckt->cell_te[k]], be = v_node[ckt->cell_be[k]];
        const double i = g->a[k] * (te - be);
        out->nodes.a[k] = te;
        out->nodes.a[n_cell + k] = be;
        out->i_wordline.a[k / g->cols] += i;
        out->i_bitline.a[k % g->cols] += i;
    }
}

enum ow_status ow_solve(const struct ow_matrix *g, const struct ow_matrix *drive,
                        const struct ow_solve_wires *wires, struct ow_solve_result *out,
                        struct ow_error *err)
{
    struct ow_crossbar xb = {0};
    struct ow_circuit *ckt = NULL;
    struct ow_engine *engine = NULL;
    struct ow_solve_result result = {0};
    double *v_sense = NULL, *v_node = NULL;
    enum ow_status st = check(g, drive, wires, err);
    if (st)
        return st;
    const double v_scale = largest(drive);
    const struct ow_engine_options options = {.rtol = 1e-5,
                                              .v_scale = v_scale > 0 ? v_scale : 1};
    if ((st = describe(g, wires, &xb, err)) || (st = ow_circuit_create(&xb, &ckt, err)))
        goto done;
    result.i_bitline = ow_matrix_create(1, g->cols);
    result.i_wordline = ow_matrix_create(1, g->rows);
    result.nodes = ow_matrix_create(2 * g->rows, g->cols);
    v_sense = calloc(g->cols, sizeof *v_sense);
    v_node = calloc(ckt->n_node, sizeof *v_node);
    if (!result.i_bitline.a || !result.i_wordline.a || !result.nodes.a || !v_sense || !v_node) {
        st = ow_fail(err, OW_ERR_NOMEM, "solve: out of memory");
        goto done;
    }
    const double begin = ow_seconds();
    if ((st = ow_engine_create(ckt, &options, true, &engine, err)) ||
        (st = ow_engine_dc(engine, drive->a, NULL, v_sense, v_node, err)))
        goto done;
    result.wall_s = ow_seconds() - begin;
    collect(ckt, g, v_node, &result);
    *out = result;
    result = (struct ow_solve_result){0};
done:
    ow_solve_result_finish(&result);
    free(v_sense);
    free(v_node);
    ow_engine_destroy(engine);
    ow_circuit_destroy(ckt);
    ow_crossbar_finish(&xb);
    return st;
}

void ow_solve_result_finish(struct ow_solve_result *result)
{
    ow_matrix_finish(&result->i_bitline);
    ow_matrix_finish(&result->i_wordline);
    ow_matrix_finish(&result->nodes);
}
