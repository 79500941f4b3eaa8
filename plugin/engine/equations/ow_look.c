#include "ow_look.h"

#include <math.h>

#include "ow_kernel.h"
#include "ow_planes.h"
#include "ow_simd.h"

/* Voltages, currents, slopes, and rates of every state. */
size_t ow_look_room(const struct ow_system *sys)
{
    return (3 + sys->n_state) * ow_system_rows(sys) * sys->circuit->xb->cols;
}

/* Cells [first, first + n) at voltages v. */
static void slice(const struct ow_system *sys, const double y[], const double v[], size_t first,
                  size_t n, struct ow_cells *out, const double *spread[OW_MAX_PARAMS])
{
    const struct ow_crossbar *xb = sys->circuit->xb;
    struct ow_cells all = {.n = sys->n_cell,
                           .param = xb->param,
                           .spread = (const double *const *)xb->spread,
                           .v = sys->v_cell, /* not these, but v */
                           .inner = sys->inner};
    for (size_t s = 0; s < sys->n_state; s++)
        all.x[s] = sys->still + s * sys->n_cell;
    for (size_t m = 0; m < sys->n_moving; m++)
        all.x[sys->moving[m]] = y + sys->n_free + m * sys->n_cell;
    ow_cells_slice(xb->model, &all, first, n, out, spread);
    out->v = v;
}

OW_WIDE static void ohmic_currents(const double g[], const double v[], double i[], size_t n)
{
    for (size_t k = 0; k < n; k++)
        i[k] = g[k] * v[k];
}

void ow_look(const struct ow_system *sys, const double nodes[], const double y[],
             bool has_rates, size_t from, size_t to, double room[], struct ow_look *out)
{
    const struct ow_model *model = sys->circuit->xb->model;
    const size_t cols = sys->circuit->xb->cols, first = from * cols, n = (to - from) * cols;
    *out = (struct ow_look){.from = from, .to = to, .v = room, .i = room + n};
    ow_planes_across(sys->circuit, nodes, from, to, out->v);
    if (!has_rates && sys->is_ohmic) {
        ohmic_currents(sys->at.di_dv + first, out->v, out->i, n);
        return;
    }
    const double *spread[OW_MAX_PARAMS];
    struct ow_cells some;
    slice(sys, y, out->v, first, n, &some, spread);
    if (!has_rates) {
        ow_conduct(model, &some, out->i, room + 2 * n);
        return;
    }
    struct ow_response answer = {.i = out->i};
    for (size_t s = 0; s < sys->n_state; s++)
        answer.f[s] = out->f[s] = room + (3 + s) * n;
    ow_eval(model, &some, &answer);
}

bool ow_cells_are_ohmic(const struct ow_model *model, const struct ow_cells *cells,
                        const double g[], double v_most, double v[], double i[], double di_dv[])
{
    static const double part[] = {1.0, -1.0, 0.37, -0.37, 0.11, -0.11, 0.013, -0.013};
    for (size_t t = 0; t < sizeof part / sizeof part[0]; t++) {
        const double at = part[t] * v_most;
        for (size_t k = 0; k < cells->n; k++)
            v[k] = at;
        ow_conduct(model, cells, i, di_dv);
        for (size_t k = 0; k < cells->n; k++)
            if (!(fabs(i[k] - g[k] * at) <= 1e-12 * fabs(g[k] * at)))
                return false;
    }
    return true;
}

bool ow_look_is_ohmic(const struct ow_system *sys, const double y[], double v_most,
                      double room[])
{
    const size_t most = ow_system_rows(sys) * sys->circuit->xb->cols;
    bool is = true;
    for (size_t first = 0, n; is && first < sys->n_cell; first += n) {
        n = sys->n_cell - first < most ? sys->n_cell - first : most;
        const double *spread[OW_MAX_PARAMS];
        struct ow_cells some;
        slice(sys, y, room, first, n, &some, spread);
        is = ow_cells_are_ohmic(sys->circuit->xb->model, &some, sys->at.di_dv + first, v_most,
                                room, room + n, room + 2 * n);
    }
    return is;
}

bool ow_look_is_at_rest(const struct ow_system *sys, const struct ow_look *look)
{
    const size_t n = (look->to - look->from) * sys->circuit->xb->cols;
    bool is = true;
    for (size_t m = 0; m < sys->n_continuous; m++)
        is = is && !ow_system_is_any(look->f[sys->moving[m]], n);
    return is;
}
