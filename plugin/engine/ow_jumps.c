#include "ow_jumps.h"

#include <math.h>

static const double *remaining(const struct ow_system *sys, const double y[])
{
    return y + ow_system_place_of(sys, sys->circuit->xb->model->event_state);
}

long ow_jumps_make(struct ow_system *sys, double t, double y[], double t_event[])
{
    const struct ow_crossbar *xb = sys->circuit->xb;
    const double *h = remaining(sys, y);
    double least = INFINITY;
    long n = 0;
    for (size_t k = 0; k < sys->n_cell; k++)
        least = h[k] < least ? h[k] : least;
    const double due = fmax(least, 0.0) + 1e-12;
    for (size_t k = 0; k < sys->n_cell; k++) {
        double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
        if (h[k] > due)
            continue;
        ow_crossbar_cell(xb, k, param, x);
        ow_system_get_cell(sys, y, k, x);
        ow_fire(xb->model, param, sys->v_cell[k], x);
        ow_system_put_cell(sys, k, x, y);
        ow_system_place_cell(sys, k, param, x);
        t_event[k] = t;
        n++;
    }
    return n;
}

bool ow_jumps_are_due(const struct ow_system *sys, const double y[])
{
    const double *h = remaining(sys, y);
    for (size_t k = 0; k < sys->n_cell; k++)
        if (h[k] <= 0.0)
            return true;
    return false;
}
