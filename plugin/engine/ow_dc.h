/* The DC point: I(V) = 0 at the free nodes, device states frozen, by Newton's method
 *
 *   G d = I(V),   V += d,   G = -dI/dV .
 *
 * The first step is taken from 0 V, where the matrix depends on the cells' conductances alone:
 * reads of one array share it.  Where plain Newton fails, the drive is followed up from zero.
 */
#ifndef OW_DC_H
#define OW_DC_H

#include "ow_newton.h"

struct ow_dc {
    struct ow_system *sys;    /* borrowed, as is the next */
    struct ow_newton *newton; /* which factors the matrices */
    bool is_shared;           /* it factors others' as well */
    double v_scale;           /* V                          */
    double *step;             /* [n_free] V, workspace, as the next two */
    double *most;             /* [chunks of n_free]                     */
    double *v_part;           /* [n_source] V                           */
    double *g_rest;           /* [n_cell] S, of the matrix that is factored */
    bool has_rest;            /* if it is one at rest                       */
};

/* v_scale (V) as in ow_engine.h; is_shared: matrices are factored by `newton` for others, too.
 * OW_ERR_NOMEM. */
enum ow_status ow_dc_init(struct ow_system *sys, struct ow_newton *newton, bool is_shared,
                          double v_scale, struct ow_dc *out);
void ow_dc_finish(struct ow_dc *dc);

/* Sources at v_row[n_source] (V), states at x[n_state][n_cell]: the unknowns y[n_y] there.
 * OW_ERR_SOLVER, OW_ERR_NOMEM. */
enum ow_status ow_dc_solve(struct ow_dc *dc, const double v_row[], const double x[], double y[],
                           struct ow_error *err);

#endif
