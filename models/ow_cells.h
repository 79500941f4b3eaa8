/* For authors of models: from arrays of cells to one cell at a time, so that a model's
 * function is the paper's arithmetic and nothing else.  Not part of the contract that
 * hosts see. */
#ifndef OW_CELLS_H
#define OW_CELLS_H

#include "ow_model.h"

/* Beyond this voltage the current is held: it keeps i and its derivatives finite for
 * every finite v. */
#define OW_V_LIMIT 1e30

/* exp() of a rate's logarithm is cut here (1e100 /s): far beyond any physics, and its
 * products with derivatives and the stop stay finite. */
#define OW_LOG_RATE_LIMIT 230.0

/* One cell: p is [n_param], x is [n_state].  Fills pt whole, except that derivatives with
 * respect to a state it does not name may stay at the zeros they start from. */
typedef void ow_cell_fn(const double p[], double v, const double x[], struct ow_point *pt);

/* True if a parameter from `first` on differs between cells.  Initial states stand
 * before `first`: equations do not read them, and in an array they always differ. */
static inline bool ow_cells_vary(const struct ow_cells *cells, size_t first, size_t n_param)
{
    if (cells->spread)
        for (size_t k = first; k < n_param; k++)
            if (cells->spread[k])
                return true;
    return false;
}

/* Call `cell` for cell j; with `own`, an array for its parameters, if they are its own. */
static inline void ow_this_cell(const struct ow_cells *cells, const struct ow_model *model,
                                size_t n_state, ow_cell_fn *cell, size_t j, double own[],
                                struct ow_response *out)
{
    double x[OW_MAX_STATES];
    struct ow_point pt; /* only what this model has is cleared: it is a large struct */
    for (size_t r = 0; r < n_state; r++) {
        x[r] = cells->x[r][j];
        pt.di_dx[r] = pt.f[r] = pt.df_dv[r] = 0.0;
        for (size_t s = 0; s < n_state; s++)
            pt.df_dx[r][s] = 0.0;
    }
    if (own)
        ow_params_gather(model, cells, j, own);
    cell(own ? own : cells->param, cells->v[j], x, &pt);
    out->i[j] = pt.i;
    for (size_t r = 0; r < n_state; r++)
        out->f[r][j] = pt.f[r];
    if (!out->di_dv)
        return;
    out->di_dv[j] = pt.di_dv;
    for (size_t r = 0; r < n_state; r++) {
        out->di_dx[r][j] = pt.di_dx[r];
        out->df_dv[r][j] = pt.df_dv[r];
        for (size_t s = 0; s < n_state; s++)
            out->df_dx[r][s][j] = pt.df_dx[r][s];
    }
}

/* Call `cell` for every cell.  Inlined with constant arguments, so that the compiler
 * sees the model's function inside the loop. */
static inline void ow_each_cell(const struct ow_cells *cells, const struct ow_model *model,
                                size_t first, size_t n_state, ow_cell_fn *cell,
                                struct ow_response *out)
{
    double own[OW_MAX_PARAMS];
    const bool vary = ow_cells_vary(cells, first, model->n_param);
    for (size_t j = 0; j < cells->n; j++)
        ow_this_cell(cells, model, n_state, cell, j, vary ? own : NULL, out);
}

/* i and di_dv of every cell; `cell` need not fill anything else. */
static inline void ow_each_current(const struct ow_cells *cells, const struct ow_model *model,
                                   size_t first, size_t n_state, ow_cell_fn *cell, double i[],
                                   double di_dv[])
{
    double own[OW_MAX_PARAMS], x[OW_MAX_STATES];
    const bool vary = ow_cells_vary(cells, first, model->n_param);
    for (size_t j = 0; j < cells->n; j++) {
        struct ow_point pt;
        for (size_t r = 0; r < n_state; r++)
            x[r] = cells->x[r][j];
        if (vary)
            ow_params_gather(model, cells, j, own);
        cell(vary ? own : cells->param, cells->v[j], x, &pt);
        i[j] = pt.i;
        di_dv[j] = pt.di_dv;
    }
}

/* Loops over arrays take as many cells at a time, so that what lies between them stays in the
 * cache. */
enum { OW_CELLS_BLOCK = 256 };
static inline size_t ow_cells_left(const struct ow_cells *cells, size_t first)
{
    return cells->n - first < OW_CELLS_BLOCK ? cells->n - first : OW_CELLS_BLOCK;
}

/* The ohmic part that all models share: i = g v with v held within +-OW_V_LIMIT. */
static inline void ow_ohmic(double g, double v, struct ow_point *pt)
{
    const double vc = v > OW_V_LIMIT ? OW_V_LIMIT : v < -OW_V_LIMIT ? -OW_V_LIMIT : v;
    pt->i = g * vc;
    pt->di_dv = v == vc ? g : 0.0;
}

#endif
