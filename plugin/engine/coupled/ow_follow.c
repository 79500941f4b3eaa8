#include "ow_follow.h"

#include <stdlib.h>
#include <string.h>

#include "ow_pages.h"

/* What remains of the linear solution: far below what a step's guess is good for. */
static const double tolerance = 1e-4;

enum ow_status ow_follow_init(struct ow_system *sys, const struct ow_mass *mass,
                              struct ow_follow *out)
{
    *out = (struct ow_follow){.sys = sys};
    out->g = ow_pages_calloc(sys->n_cell, sizeof *out->g);
    out->rhs = ow_pages_calloc(sys->n_free + 1, sizeof *out->rhs);
    if (!out->g || !out->rhs)
        return OW_ERR_NOMEM;
    return ow_newton_create(sys, mass, &out->newton);
}

void ow_follow_finish(struct ow_follow *f)
{
    ow_newton_destroy(f->newton);
    free(f->g);
    free(f->rhs);
    *f = (struct ow_follow){0};
}

enum ow_status ow_follow_update(struct ow_follow *f)
{
    const size_t size = f->sys->n_cell * sizeof *f->g;
    if (f->is_ready && memcmp(f->g, f->sys->at.di_dv, size) == 0)
        return OW_OK;
    memcpy(f->g, f->sys->at.di_dv, size);
    const enum ow_status st = ow_newton_setup_dc(f->newton);
    f->is_ready = st == OW_OK;
    return st == OW_ERR_SOLVER ? OW_OK : st;
}

enum ow_status ow_follow_add(struct ow_follow *f, const double d[], double y[], double to[])
{
    struct ow_system *sys = f->sys;
    if (!f->is_ready)
        return OW_OK;
    memset(y, 0, sys->n_free * sizeof *y);
    ow_system_put_voltages(sys, d, y);
    memcpy(sys->at.di_dv, f->g, sys->n_cell * sizeof *f->g); /* which the matrix borrows */
    for (size_t k = 0; k < sys->n_cell; k++)
        sys->at.i[k] = f->g[k] * sys->v_cell[k];
    ow_system_currents(sys, f->rhs);
    const enum ow_status st = ow_newton_solve_dc(f->newton, f->rhs, tolerance, y);
    for (size_t k = 0; st == OW_OK && k < sys->n_free; k++)
        to[k] += y[k];
    return st == OW_ERR_SOLVER ? OW_OK : st;
}
