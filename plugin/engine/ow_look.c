#include "ow_look.h"

#include "ow_kernel.h"
#include "ow_planes.h"

size_t ow_look_rows(const struct ow_system *sys)
{
    return ow_some_rows(sys->circuit->xb->cols);
}

/* Voltages, currents, slopes, and rates of every state. */
size_t ow_look_room(const struct ow_system *sys)
{
    return (3 + sys->n_state) * ow_look_rows(sys) * sys->circuit->xb->cols;
}

void ow_look(const struct ow_system *sys, const double nodes[], const double y[],
             bool has_rates, size_t from, size_t to, double room[], struct ow_look *out)
{
    const struct ow_crossbar *xb = sys->circuit->xb;
    const size_t first = from * xb->cols, n = (to - from) * xb->cols;
    double *di_dv = room + 2 * n;
    *out = (struct ow_look){.from = from, .to = to, .v = room, .i = room + n};
    ow_planes_across(sys->circuit, nodes, from, to, out->v);

    struct ow_cells all = {.n = sys->n_cell,
                           .param = xb->param,
                           .spread = (const double *const *)xb->spread,
                           .v = sys->v_cell, /* not these, but out->v, below */
                           .inner = sys->inner};
    for (size_t s = 0; s < sys->n_state; s++)
        all.x[s] = sys->still + s * sys->n_cell;
    for (size_t m = 0; m < sys->n_moving; m++)
        all.x[sys->moving[m]] = y + sys->n_free + m * sys->n_cell;
    const double *spread[OW_MAX_PARAMS];
    struct ow_cells some;
    ow_cells_slice(xb->model, &all, first, n, &some, spread);
    some.v = out->v;
    if (!has_rates) {
        ow_conduct(xb->model, &some, out->i, di_dv);
        return;
    }
    struct ow_response answer = {.i = out->i};
    for (size_t s = 0; s < sys->n_state; s++)
        answer.f[s] = out->f[s] = room + (3 + s) * n;
    ow_eval(xb->model, &some, &answer);
}

bool ow_look_is_at_rest(const struct ow_system *sys, const struct ow_look *look)
{
    const size_t n = (look->to - look->from) * sys->circuit->xb->cols;
    bool is = true;
    for (size_t m = 0; m < sys->n_continuous; m++)
        is = is && !ow_system_is_any(look->f[sys->moving[m]], n);
    return is;
}
