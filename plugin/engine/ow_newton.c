#include "ow_newton.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_merged.h"
#include "ow_pages.h"
#include "ow_schur.h"
#include "ow_sparse.h"

struct ow_newton {
    const struct ow_system *sys; /* borrowed */
    const struct ow_mass *mass;  /* borrowed */
    struct ow_schur *schur;      /* NULL where lines have merged      */
    struct ow_merged *merged;    /* NULL unless all of them have      */
    struct ow_sparse *sparse;    /* made when it is first needed      */
    bool is_sparse;              /* which of them is factored         */
    struct ow_linear linear;

    double *g;            /* [n_cell] effective conductances                      */
    double *keep;         /* [n_moving][n_moving][n_cell] K                       */
    double *to_current;   /* [n_moving][n_cell] gamma di/dx K                     */
    double *from_voltage; /* [n_moving][n_cell] gamma K f_v                       */
    double *across;       /* [n_cell] workspace                                   */
    double *rhs;          /* [n_free] right-hand side                             */
};

/* ---- life -------------------------------------------------------------------------- */

enum ow_status ow_newton_create(const struct ow_system *sys, const struct ow_mass *mass,
                                struct ow_newton **out)
{
    struct ow_newton *nw = calloc(1, sizeof *nw);
    if (!nw)
        return OW_ERR_NOMEM;
    nw->sys = sys;
    nw->mass = mass;
    const size_t nm = sys->n_continuous;
    enum ow_status st = OW_ERR_NOMEM;
    nw->g = ow_pages_calloc(sys->n_cell, sizeof *nw->g);
    nw->keep = ow_pages_calloc(sys->n_cell * nm * nm + 1, sizeof *nw->keep);
    nw->to_current = ow_pages_calloc(sys->n_cell * nm + 1, sizeof *nw->to_current);
    nw->from_voltage = ow_pages_calloc(sys->n_cell * nm + 1, sizeof *nw->from_voltage);
    nw->across = ow_pages_calloc(sys->n_cell, sizeof *nw->across);
    nw->rhs = ow_pages_calloc(sys->n_free + 1, sizeof *nw->rhs);
    if (!nw->g || !nw->keep || !nw->to_current || !nw->from_voltage || !nw->across || !nw->rhs)
        goto fail;
    st = sys->circuit->is_grid     ? ow_schur_create(sys, &nw->schur)
         : sys->circuit->is_merged ? ow_merged_create(sys, &nw->merged)
                                   : OW_OK;
    if (st)
        goto fail;
    *out = nw;
    return OW_OK;
fail:
    ow_newton_destroy(nw);
    return st;
}

void ow_newton_destroy(struct ow_newton *nw)
{
    if (!nw)
        return;
    ow_schur_destroy(nw->schur);
    ow_merged_destroy(nw->merged);
    ow_sparse_destroy(nw->sparse);
    free(nw->g);
    free(nw->keep);
    free(nw->to_current);
    free(nw->from_voltage);
    free(nw->across);
    free(nw->rhs);
    free(nw);
}

/* ---- elimination of the states ------------------------------------------------------- */

/* K = (1 - gamma f_x)^-1 of one cell, by Gauss-Jordan with partial pivoting; at most
 * OW_MAX_STATES square.  False if singular. */
static bool invert(size_t n, double a[][OW_MAX_STATES], double inverse[])
{
    for (size_t r = 0; r < n; r++)
        for (size_t c = 0; c < n; c++)
            inverse[r * n + c] = r == c;
    for (size_t p = 0; p < n; p++) {
        size_t best = p;
        for (size_t r = p + 1; r < n; r++)
            if (fabs(a[r][p]) > fabs(a[best][p]))
                best = r;
        if (!(fabs(a[best][p]) > 0.0))
            return false;
        for (size_t c = 0; c < n; c++) {
            const double t = a[p][c], u = inverse[p * n + c];
            a[p][c] = a[best][c], a[best][c] = t;
            inverse[p * n + c] = inverse[best * n + c], inverse[best * n + c] = u;
        }
        const double pivot = 1.0 / a[p][p];
        for (size_t c = 0; c < n; c++) {
            a[p][c] *= pivot;
            inverse[p * n + c] *= pivot;
        }
        for (size_t r = 0; r < n; r++) {
            const double m = a[r][p];
            if (r == p || m == 0.0)
                continue;
            for (size_t c = 0; c < n; c++) {
                a[r][c] -= m * a[p][c];
                inverse[r * n + c] -= m * inverse[p * n + c];
            }
        }
    }
    return true;
}

/* A cell with one state: K is a quotient. */
static bool eliminate_one(struct ow_newton *nw)
{
    const struct ow_system *sys = nw->sys;
    const size_t m = sys->moving[0];
    const double gamma = nw->linear.gamma;
    const double *di_dv = sys->at.di_dv, *di_dx = sys->at.di_dx[m];
    const double *df_dv = sys->at.df_dv[m], *df_dx = sys->at.df_dx[m][m];
    double least = INFINITY;
    for (size_t k = 0; k < sys->n_cell; k++) {
        const double pivot = 1.0 - gamma * df_dx[k];
        const double keep = 1.0 / pivot;
        least = fabs(pivot) < least ? fabs(pivot) : least;
        nw->keep[k] = keep;
        nw->to_current[k] = gamma * di_dx[k] * keep;
        nw->from_voltage[k] = gamma * keep * df_dv[k];
        nw->g[k] = di_dv[k] + di_dx[k] * nw->from_voltage[k];
    }
    return least > 0.0;
}

/* Eliminate the states of cell k. */
static bool eliminate(struct ow_newton *nw, size_t k)
{
    const struct ow_system *sys = nw->sys;
    const size_t n = sys->n_moving, n_cell = sys->n_cell;
    const double gamma = nw->linear.gamma;
    double a[OW_MAX_STATES][OW_MAX_STATES], keep[OW_MAX_STATES * OW_MAX_STATES];
    for (size_t r = 0; r < n; r++)
        for (size_t c = 0; c < n; c++)
            a[r][c] = (r == c) - gamma * sys->at.df_dx[sys->moving[r]][sys->moving[c]][k];
    if (!invert(n, a, keep))
        return false;
    nw->g[k] = sys->at.di_dv[k];
    for (size_t r = 0; r < n; r++) {
        double to = 0.0, from = 0.0;
        for (size_t c = 0; c < n; c++) {
            to += gamma * sys->at.di_dx[sys->moving[c]][k] * keep[c * n + r];
            from += gamma * keep[r * n + c] * sys->at.df_dv[sys->moving[c]][k];
            nw->keep[(r * n + c) * n_cell + k] = keep[r * n + c];
        }
        nw->to_current[r * n_cell + k] = to;
        nw->from_voltage[r * n_cell + k] = from;
        nw->g[k] += sys->at.di_dx[sys->moving[r]][k] * from;
    }
    return true;
}

static bool eliminate_all(struct ow_newton *nw)
{
    const struct ow_system *sys = nw->sys;
    if (sys->n_moving == 1)
        return eliminate_one(nw);
    for (size_t k = 0; sys->n_moving > 1 && k < sys->n_cell; k++)
        if (!eliminate(nw, k))
            return false;
    return true;
}

/* ---- the matrix ---------------------------------------------------------------------- */

static enum ow_status factor_sparse(struct ow_newton *nw)
{
    if (!nw->sparse) {
        const enum ow_status st = ow_sparse_create(nw->sys, &nw->sparse);
        if (st)
            return st;
    }
    nw->is_sparse = true;
    return ow_sparse_factor(nw->sparse, &nw->linear);
}

/* By lines if they are lines and their pivots are sound, else as any circuit. */
static enum ow_status factor(struct ow_newton *nw)
{
    nw->is_sparse = false;
    if (nw->schur && ow_schur_factor(nw->schur, &nw->linear))
        return OW_OK;
    if (nw->merged && ow_merged_factor(nw->merged, &nw->linear))
        return OW_OK;
    return factor_sparse(nw);
}

enum ow_status ow_newton_setup(struct ow_newton *nw, double gamma)
{
    nw->linear = (struct ow_linear){.sys = nw->sys,
                                    .mass = 1.0,
                                    .gamma = gamma,
                                    .g = nw->sys->n_moving > 0 ? nw->g : nw->sys->at.di_dv};
    return eliminate_all(nw) ? factor(nw) : OW_ERR_SOLVER;
}

enum ow_status ow_newton_setup_dc(struct ow_newton *nw)
{
    nw->linear =
        (struct ow_linear){.sys = nw->sys, .mass = 0.0, .gamma = 1.0, .g = nw->sys->at.di_dv};
    return factor(nw);
}

static enum ow_status solve(struct ow_newton *nw, double rhs[], const double weight[],
                            double tol, double out[])
{
    if (!nw->is_sparse) {
        if (nw->schur ? ow_schur_solve(nw->schur, rhs, weight, tol, out)
                      : ow_merged_solve(nw->merged, rhs, weight, tol, out))
            return OW_OK;
        const enum ow_status st = factor_sparse(nw);
        if (st)
            return st;
    }
    memcpy(out, rhs, nw->sys->n_free * sizeof *out);
    ow_sparse_solve(nw->sparse, out);
    return OW_OK;
}

/* ---- solution ------------------------------------------------------------------------ */

/* The states' part of r, as currents of the cells, joins the nodes': rhs -= B gamma di/dx K
 * r_x. */
static void add_states(const struct ow_newton *nw, const double r[], double rhs[])
{
    const struct ow_system *sys = nw->sys;
    const struct ow_circuit *ckt = sys->circuit;
    const size_t n_cell = sys->n_cell, first = ckt->first_free;
    for (size_t m = 0; m < sys->n_moving; m++) {
        const double *to = nw->to_current + m * n_cell, *rx = r + sys->n_free + m * n_cell;
        double *w = rhs + (ckt->wline - first), *b = rhs + (ckt->bline - first);
        for (size_t k = 0; ckt->is_grid && k < n_cell; k++) {
            const double i = to[k] * rx[k];
            w[k] -= i;
            b[k] += i;
        }
        for (size_t k = 0, row = 0; !ckt->is_grid && k < n_cell; row++)
            for (size_t col = 0; col < ckt->xb->cols; col++, k++) {
                const double i = to[k] * rx[k];
                const size_t te = ow_terminal(&ckt->te, row, col);
                const size_t be = ow_terminal(&ckt->be, row, col);
                if (te >= first)
                    rhs[te - first] -= i;
                if (be >= first)
                    rhs[be - first] += i;
            }
    }
}

/* The voltages of d are there: dx = K r_x + gamma K f_v dv. */
static void find_states(struct ow_newton *nw, const double r[], double d[])
{
    const struct ow_system *sys = nw->sys;
    const struct ow_circuit *ckt = sys->circuit;
    const size_t n = sys->n_moving, n_cell = sys->n_cell, first = ckt->first_free;
    const double *w = d + (ckt->wline - first), *b = d + (ckt->bline - first);
    for (size_t k = 0; n > 0 && ckt->is_grid && k < n_cell; k++)
        nw->across[k] = w[k] - b[k];
    for (size_t k = 0, row = 0; n > 0 && !ckt->is_grid && k < n_cell; row++)
        for (size_t col = 0; col < ckt->xb->cols; col++, k++) {
            const size_t te = ow_terminal(&ckt->te, row, col);
            const size_t be = ow_terminal(&ckt->be, row, col);
            nw->across[k] =
                (te >= first ? d[te - first] : 0.0) - (be >= first ? d[be - first] : 0.0);
        }
    for (size_t m = 0; m < n; m++) {
        const double *from = nw->from_voltage + m * n_cell;
        double *dx = d + sys->n_free + m * n_cell;
        for (size_t k = 0; k < n_cell; k++)
            dx[k] = from[k] * nw->across[k];
        for (size_t c = 0; c < n; c++) {
            const double *keep = nw->keep + (m * n + c) * n_cell;
            const double *rx = r + sys->n_free + c * n_cell;
            for (size_t k = 0; k < n_cell; k++)
                dx[k] += keep[k] * rx[k];
        }
    }
}

enum ow_status ow_newton_solve(struct ow_newton *nw, const double r[], const double weight[],
                               double tol, double d[])
{
    ow_mass_times(nw->mass, r, nw->rhs);
    add_states(nw, r, nw->rhs);
    const enum ow_status st = solve(nw, nw->rhs, weight, tol, d);
    if (st == OW_OK)
        find_states(nw, r, d);
    return st;
}

enum ow_status ow_newton_solve_dc(struct ow_newton *nw, double into[], double tol, double d[])
{
    return solve(nw, into, NULL, tol, d);
}
