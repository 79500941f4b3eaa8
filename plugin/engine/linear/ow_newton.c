#include "ow_newton.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_kernel.h"
#include "ow_look.h"
#include "ow_merged.h"
#include "ow_pages.h"
#include "ow_planes.h"
#include "ow_schur.h"
#include "ow_simd.h"
#include "ow_sparse.h"

struct ow_newton {
    struct ow_system *sys;      /* borrowed */
    const struct ow_mass *mass; /* borrowed */
    struct ow_schur *schur;     /* NULL where lines have merged      */
    struct ow_merged *merged;   /* NULL unless all of them have      */
    struct ow_sparse *sparse;   /* made when it is first needed      */
    bool is_sparse;             /* which of them is factored         */
    struct ow_linear linear;
    struct ow_effort effort;

    double *g;             /* [n_cell] effective conductances                      */
    double *keep;          /* [n_moving][n_moving][n_cell] K                       */
    double *to_current;    /* [n_moving][n_cell] gamma di/dx K                     */
    double *from_voltage;  /* [n_moving][n_cell] gamma K f_v                       */
    double *rhs, *by_mass; /* [n_free] right-hand side, and a part of it           */
    double *room;          /* of every thread, ow_look_room()                      */
};

/* ---- life -------------------------------------------------------------------------- */

enum ow_status ow_newton_create(struct ow_system *sys, const struct ow_mass *mass,
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
    nw->rhs = ow_pages_calloc(sys->n_free + 1, sizeof *nw->rhs);
    nw->by_mass = ow_pages_calloc(sys->n_free + 1, sizeof *nw->by_mass);
    nw->room = calloc((size_t)sys->n_threads * ow_look_room(sys), sizeof *nw->room);
    if (!nw->g || !nw->keep || !nw->to_current || !nw->from_voltage || !nw->rhs ||
        !nw->by_mass || !nw->room)
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
    free(nw->rhs);
    free(nw->by_mass);
    free(nw->room);
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
OW_WIDE static bool eliminate_one(struct ow_newton *nw)
{
    const struct ow_system *sys = nw->sys;
    const size_t m = sys->moving[0], n = sys->n_cell;
    const double gamma = nw->linear.gamma;
    const double *restrict di_dv = sys->at.di_dv, *restrict di_dx = sys->at.di_dx[m];
    const double *restrict df_dv = sys->at.df_dv[m], *restrict df_dx = sys->at.df_dx[m][m];
    double *restrict keep = nw->keep, *restrict to = nw->to_current;
    double *restrict from = nw->from_voltage, *restrict g = nw->g;
    int is_singular = 0;
    for (size_t k = 0; k < n; k++) {
        const double pivot = 1.0 - gamma * df_dx[k];
        is_singular |= pivot == 0.0;
        keep[k] = 1.0 / pivot;
        to[k] = gamma * di_dx[k] * keep[k];
        from[k] = gamma * keep[k] * df_dv[k];
        g[k] = di_dv[k] + di_dx[k] * from[k];
    }
    return !is_singular;
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
    nw->effort.matrices++;
    return eliminate_all(nw) ? factor(nw) : OW_ERR_SOLVER;
}

enum ow_status ow_newton_setup_dc(struct ow_newton *nw)
{
    nw->linear =
        (struct ow_linear){.sys = nw->sys, .mass = 0.0, .gamma = 1.0, .g = nw->sys->at.di_dv};
    return factor(nw);
}

/* rows: NULL, or the planes of a grid in place of what rhs has of them, see ow_schur_solve().
 */
static enum ow_status solve(struct ow_newton *nw, double rhs[], ow_grid_rows_fn *rows,
                            const void *data, const double weight[], double tol, double out[])
{
    const struct ow_circuit *ckt = nw->sys->circuit;
    if (!nw->is_sparse) {
        if (nw->schur ? ow_schur_solve(nw->schur, rhs, rows, data, weight, tol, out)
                      : ow_merged_solve(nw->merged, rhs, weight, tol, out))
            return OW_OK;
        const enum ow_status st = factor_sparse(nw);
        if (st)
            return st;
    }
    const size_t some = ow_some_rows(ckt->xb->cols);
    memcpy(out, rhs, nw->sys->n_free * sizeof *out);
    for (size_t from = 0; rows && from < ckt->xb->rows; from += some) {
        const size_t at = from * ckt->xb->cols;
        rows(data, from, ow_until(from, some, ckt->xb->rows),
             out + (ckt->wline - ckt->first_free) + at,
             out + (ckt->bline - ckt->first_free) + at);
    }
    ow_sparse_solve(nw->sparse, out);
    return OW_OK;
}

enum ow_status ow_newton_solve_dc(struct ow_newton *nw, double into[], double tol, double d[])
{
    return solve(nw, into, NULL, NULL, NULL, tol, d);
}

bool ow_newton_is_by_lines(const struct ow_newton *nw)
{
    return !nw->is_sparse;
}

/* ---- the right-hand side ------------------------------------------------------------- */

/* -(rl1 z1 + c) */
OW_INLINE void history(const struct ow_bdf *at, size_t from, size_t n, double out[])
{
    const double *z1 = at->z1 + from, *c = at->c ? at->c + from : NULL, rl1 = -at->rl1;
    for (size_t k = 0; !c && k < n; k++)
        out[k] = rl1 * z1[k];
    for (size_t k = 0; c && k < n; k++)
        out[k] = rl1 * z1[k] - c[k];
}

/* Currents of so many cells' nodes into right-hand sides: gamma times them, and M of what the
 * history has there. */
OW_WIDE static void add_history(const struct ow_crossbar *xb, const struct ow_bdf *at,
                                size_t at_w, size_t at_b, size_t n, double w[], double b[])
{
    enum { SOME = 256 };
    const double c_w = xb->c_wordline, c_b = xb->c_bitline, c = xb->c_cell, gamma = at->gamma;
    double h_w[SOME], h_b[SOME];
    for (size_t k = 0; k < n; k += SOME) {
        const size_t some = n - k < SOME ? n - k : (size_t)SOME;
        history(at, at_w + k, some, h_w);
        history(at, at_b + k, some, h_b);
        for (size_t j = 0; j < some; j++) {
            const double q = c * (h_w[j] - h_b[j]);
            w[k + j] = gamma * w[k + j] + (c_w * h_w[j] + q);
            b[k + j] = gamma * b[k + j] + (c_b * h_b[j] - q);
        }
    }
}

/* The states' rows: r[n] = gamma f - (rl1 z1 + c), and what they are as currents of the cells,
 * which are taken from w and given to b. */
OW_WIDE static void add_state(const struct ow_bdf *at, size_t from, size_t n, const double f[],
                              const double to_current[], double r[], double w[], double b[])
{
    const double gamma = at->gamma;
    history(at, from, n, r);
    for (size_t k = 0; k < n; k++) {
        r[k] += gamma * f[k];
        const double i = to_current[k] * r[k];
        w[k] -= i;
        b[k] += i;
    }
}

/* A right-hand side of a grid whose planes are made row by row, in the cache. */
struct by_rows {
    const struct ow_newton *nw;
    const struct ow_bdf *at;
    const double *nodes;
    double *d; /* whose states' part gets theirs */
};

static void make_rows(const void *data, size_t from, size_t to, double w[], double b[])
{
    const struct by_rows *by = data;
    const struct ow_newton *nw = by->nw;
    const struct ow_system *sys = nw->sys;
    const struct ow_circuit *ckt = sys->circuit;
    const size_t cols = ckt->xb->cols, n = (to - from) * cols, first = from * cols;
    struct ow_look look;
    ow_look(sys, by->nodes, by->at->y, sys->n_moving > 0, from, to,
            nw->room + ow_thread(sys->n_threads) * ow_look_room(sys), &look);
    ow_planes_currents(ckt, by->nodes, look.i, from, to, w, b);
    add_history(ckt->xb, by->at, ckt->wline - ckt->first_free + first,
                ckt->bline - ckt->first_free + first, n, w, b);
    for (size_t m = 0; m < sys->n_moving; m++) {
        const size_t x = sys->n_free + m * sys->n_cell + first;
        add_state(by->at, x, n, look.f[sys->moving[m]],
                  nw->to_current + m * sys->n_cell + first, by->d + x, w, b);
    }
}

/* rhs = gamma rhs + M h of all nodes from `begin` on; rhs: I. */
static void add_nodes_history(struct ow_newton *nw, const struct ow_bdf *at, size_t begin,
                              double rhs[], double h[])
{
    const size_t n = nw->sys->n_free;
    history(at, begin, n - begin, h + begin);
    ow_mass_times_from(nw->mass, begin, h, nw->by_mass);
    for (size_t k = begin; k < n; k++)
        rhs[k] = at->gamma * rhs[k] + nw->by_mass[k];
}

/* The states' part of r, as currents of the cells, joins the nodes', in any circuit. */
static void add_states(const struct ow_newton *nw, const double r[], double rhs[])
{
    const struct ow_system *sys = nw->sys;
    const struct ow_circuit *ckt = sys->circuit;
    const size_t n_cell = sys->n_cell, first = ckt->first_free;
    for (size_t m = 0; m < sys->n_moving; m++) {
        const double *to = nw->to_current + m * n_cell, *rx = r + sys->n_free + m * n_cell;
        for (size_t k = 0, row = 0; k < n_cell; row++)
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

/* All of it at once, of circuits that are no grids; states' rows into d. */
static void make_all(struct ow_newton *nw, const struct ow_bdf *at, double d[])
{
    struct ow_system *sys = nw->sys;
    ow_system_place_values(sys, at->v_row, at->y);
    ow_system_currents(sys, nw->rhs);
    add_nodes_history(nw, at, 0, nw->rhs, d);
    for (size_t m = 0; m < sys->n_moving; m++) {
        const double *f = sys->at.f[sys->moving[m]];
        double *r = d + sys->n_free + m * sys->n_cell;
        history(at, sys->n_free + m * sys->n_cell, sys->n_cell, r);
        for (size_t k = 0; k < sys->n_cell; k++)
            r[k] += at->gamma * f[k];
    }
    add_states(nw, d, nw->rhs);
}

/* ---- solution ------------------------------------------------------------------------ */

OW_WIDE static void find_one_state(const double from_voltage[], const double keep[],
                                   const double across[], double dx[], size_t n)
{
    for (size_t k = 0; k < n; k++)
        dx[k] = from_voltage[k] * across[k] + keep[k] * dx[k];
}

OW_WIDE static void difference(const double a[], const double b[], double out[], size_t n)
{
    for (size_t k = 0; k < n; k++)
        out[k] = a[k] - b[k];
}

/* Cells [from, to), whose voltages of d are there, `across` them: dx = K r_x + gamma K f_v dv,
 * where d has r_x. */
static void find_some_states(const struct ow_newton *nw, size_t from, size_t to,
                             const double across[], double d[])
{
    const size_t n = nw->sys->n_moving, n_cell = nw->sys->n_cell;
    double *dx = d + nw->sys->n_free;
    if (n == 1)
        find_one_state(nw->from_voltage + from, nw->keep + from, across, dx + from, to - from);
    for (size_t k = from; n > 1 && k < to; k++) {
        double r[OW_MAX_STATES];
        for (size_t m = 0; m < n; m++)
            r[m] = dx[m * n_cell + k];
        for (size_t m = 0; m < n; m++) {
            double x = nw->from_voltage[m * n_cell + k] * across[k - from];
            for (size_t c = 0; c < n; c++)
                x += nw->keep[(m * n + c) * n_cell + k] * r[c];
            dx[m * n_cell + k] = x;
        }
    }
}

static void find_states(const struct ow_newton *nw, double d[])
{
    enum { SOME = 256 };
    const struct ow_system *sys = nw->sys;
    const struct ow_circuit *ckt = sys->circuit;
    const size_t cols = ckt->xb->cols, first = ckt->first_free;
    double across[SOME];
    for (size_t row = 0; sys->n_moving > 0 && row < ckt->xb->rows; row++)
        for (size_t col = 0, n; col < cols; col += n) {
            n = cols - col < SOME ? cols - col : (size_t)SOME;
            if (ckt->is_grid)
                difference(d + (ckt->wline - first) + row * cols + col,
                           d + (ckt->bline - first) + row * cols + col, across, n);
            for (size_t j = 0; !ckt->is_grid && j < n; j++) {
                const size_t te = ow_terminal(&ckt->te, row, col + j);
                const size_t be = ow_terminal(&ckt->be, row, col + j);
                across[j] =
                    (te >= first ? d[te - first] : 0.0) - (be >= first ? d[be - first] : 0.0);
            }
            find_some_states(nw, row * cols + col, row * cols + col + n, across, d);
        }
}

struct ow_effort ow_newton_effort(const struct ow_newton *nw)
{
    struct ow_effort effort = nw->effort;
    effort.iterations = nw->schur ? ow_schur_iterations(nw->schur) : 0;
    return effort;
}

enum ow_status ow_newton_correct(struct ow_newton *nw, const struct ow_bdf *at,
                                 const double weight[], double tol, double d[])
{
    const struct ow_system *sys = nw->sys;
    enum ow_status st;
    nw->effort.corrections++;
    if (sys->circuit->is_grid) {
        const double *nodes = ow_system_nodes_around(sys, at->v_row, at->y);
        const struct by_rows by = {.nw = nw, .at = at, .nodes = nodes, .d = d};
        ow_system_currents_behind(sys, nodes, nw->rhs);
        add_nodes_history(nw, at, 2 * sys->n_cell, nw->rhs, d);
        st = solve(nw, nw->rhs, make_rows, &by, weight, tol, d);
    } else {
        make_all(nw, at, d);
        st = solve(nw, nw->rhs, NULL, NULL, weight, tol, d);
    }
    if (st == OW_OK)
        find_states(nw, d);
    return st;
}
