#include "ow_newton.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <suitesparse/klu.h>

/* Where the conductance between nodes a and b goes in the value array; entries of
 * prescribed nodes go to a bin behind the last value. */
struct stamp {
    int aa, ab, ba, bb;
};

struct amp_stamp {
    struct stamp c_f;       /* between in and out */
    int out_out, out_inner; /* r_out: the inner node is an ideal source */
    int inner_in, inner_inner;
};

struct ow_newton {
    const struct ow_system *sys;
    int n, *column, *row; /* CSC pattern of the n_free x n_free matrix */
    double *value;        /* [nnz + 1], the last one is the bin */
    int *diagonal;        /* [n_free] */
    struct stamp *resistor, *cell;
    struct amp_stamp *amp;
    bool *is_floating; /* [n_free] one node of each floating island */

    double gamma;
    double *keep;         /* [n_cell][n_moving][n_moving] K, row-major */
    double *to_current;   /* [n_cell][n_moving] di/dx K */
    double *from_voltage; /* [n_cell][n_moving] gamma K f_v */
    double *rhs;          /* [n_free] workspace */

    klu_common common;
    klu_symbolic *symbolic;
    klu_numeric *numeric;
};

/* ---- pattern ---------------------------------------------------------------------- */

struct pair {
    int row, col;
};

static int by_column(const void *a, const void *b)
{
    const struct pair *p = a, *q = b;
    if (p->col != q->col)
        return p->col < q->col ? -1 : 1;
    return (p->row > q->row) - (p->row < q->row);
}

struct pattern {
    struct pair *pair;
    size_t n;
    size_t first; /* first free node */
};

static void join(struct pattern *p, size_t a, size_t b)
{
    if (a >= p->first && b >= p->first)
        p->pair[p->n++] = (struct pair){(int)(a - p->first), (int)(b - p->first)};
}

static void join_both(struct pattern *p, size_t a, size_t b)
{
    join(p, a, b);
    join(p, b, a);
}

static int place_of(const struct ow_newton *nw, size_t a, size_t b)
{
    const size_t first = nw->sys->circuit->first_free;
    const int bin = nw->column[nw->n];
    if (a < first || b < first)
        return bin;
    const int row = (int)(a - first), col = (int)(b - first);
    int lo = nw->column[col], hi = nw->column[col + 1];
    while (hi - lo > 1) {
        const int mid = lo + (hi - lo) / 2;
        if (nw->row[mid] <= row)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static struct stamp stamp_of(const struct ow_newton *nw, size_t a, size_t b)
{
    return (struct stamp){place_of(nw, a, a), place_of(nw, a, b), place_of(nw, b, a),
                          place_of(nw, b, b)};
}

static enum ow_status build_pattern(struct ow_newton *nw)
{
    const struct ow_circuit *ckt = nw->sys->circuit;
    const size_t n = nw->sys->n_free, n_cell = nw->sys->n_cell;
    struct pattern p = {.first = ckt->first_free};
    p.pair = calloc(n + 2 * ckt->n_resistor + 2 * n_cell + 6 * ckt->n_amp + 1, sizeof *p.pair);
    if (!p.pair)
        return OW_ERR_NOMEM;
    for (size_t k = 0; k < n; k++)
        join(&p, p.first + k, p.first + k);
    for (size_t k = 0; k < ckt->n_resistor; k++)
        join_both(&p, ckt->resistor[k].a, ckt->resistor[k].b);
    for (size_t k = 0; k < n_cell; k++)
        join_both(&p, ckt->cell_te[k], ckt->cell_be[k]);
    for (size_t k = 0; k < ckt->n_amp; k++) {
        join_both(&p, ckt->amp[k].in, ckt->amp[k].out);
        join(&p, ckt->amp[k].out, ckt->amp[k].inner);
        join(&p, ckt->amp[k].inner, ckt->amp[k].in);
    }
    qsort(p.pair, p.n, sizeof *p.pair, by_column);

    nw->column = calloc(n + 1, sizeof *nw->column);
    nw->row = calloc(p.n + 1, sizeof *nw->row);
    nw->value = calloc(p.n + 1, sizeof *nw->value);
    if (!nw->column || !nw->row || !nw->value) {
        free(p.pair);
        return OW_ERR_NOMEM;
    }
    int nnz = 0;
    for (size_t k = 0; k < p.n; k++) {
        if (k && by_column(&p.pair[k - 1], &p.pair[k]) == 0)
            continue;
        nw->row[nnz++] = p.pair[k].row;
        nw->column[p.pair[k].col + 1] = nnz;
    }
    free(p.pair);
    return OW_OK;
}

static enum ow_status build_stamps(struct ow_newton *nw)
{
    const struct ow_circuit *ckt = nw->sys->circuit;
    const size_t n = nw->sys->n_free, n_cell = nw->sys->n_cell;
    nw->diagonal = calloc(n + 1, sizeof *nw->diagonal);
    nw->resistor = calloc(ckt->n_resistor + 1, sizeof *nw->resistor);
    nw->cell = calloc(n_cell, sizeof *nw->cell);
    nw->amp = calloc(ckt->n_amp + 1, sizeof *nw->amp);
    if (!nw->diagonal || !nw->resistor || !nw->cell || !nw->amp)
        return OW_ERR_NOMEM;
    for (size_t k = 0; k < n; k++)
        nw->diagonal[k] = place_of(nw, ckt->first_free + k, ckt->first_free + k);
    for (size_t k = 0; k < ckt->n_resistor; k++)
        nw->resistor[k] = stamp_of(nw, ckt->resistor[k].a, ckt->resistor[k].b);
    for (size_t k = 0; k < n_cell; k++)
        nw->cell[k] = stamp_of(nw, ckt->cell_te[k], ckt->cell_be[k]);
    for (size_t k = 0; k < ckt->n_amp; k++) {
        const struct ow_amp *amp = &ckt->amp[k];
        nw->amp[k] = (struct amp_stamp){.c_f = stamp_of(nw, amp->in, amp->out),
                                        .out_out = place_of(nw, amp->out, amp->out),
                                        .out_inner = place_of(nw, amp->out, amp->inner),
                                        .inner_in = place_of(nw, amp->inner, amp->in),
                                        .inner_inner = place_of(nw, amp->inner, amp->inner)};
    }
    return OW_OK;
}

/* ---- life -------------------------------------------------------------------------- */

enum ow_status ow_newton_create(const struct ow_system *sys, struct ow_newton **out)
{
    struct ow_newton *nw = calloc(1, sizeof *nw);
    if (!nw)
        return OW_ERR_NOMEM;
    nw->sys = sys;
    nw->n = (int)sys->n_free;
    const size_t nm = sys->n_moving;
    enum ow_status st = OW_ERR_NOMEM;
    nw->keep = calloc(sys->n_cell * nm * nm + 1, sizeof *nw->keep);
    nw->to_current = calloc(sys->n_cell * nm + 1, sizeof *nw->to_current);
    nw->from_voltage = calloc(sys->n_cell * nm + 1, sizeof *nw->from_voltage);
    nw->rhs = calloc(sys->n_free + 1, sizeof *nw->rhs);
    nw->is_floating = calloc(sys->circuit->n_node, sizeof *nw->is_floating);
    if (!nw->is_floating || !nw->keep || !nw->to_current || !nw->from_voltage || !nw->rhs)
        goto fail;
    if ((st = build_pattern(nw)) || (st = build_stamps(nw)) ||
        (st = ow_circuit_floating(sys->circuit, nw->is_floating, NULL)))
        goto fail;
    klu_defaults(&nw->common);
    if (nw->n > 0) {
        nw->symbolic = klu_analyze(nw->n, nw->column, nw->row, &nw->common);
        if (!nw->symbolic) {
            st = nw->common.status == KLU_OUT_OF_MEMORY ? OW_ERR_NOMEM : OW_ERR_SOLVER;
            goto fail;
        }
    }
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
    if (nw->numeric)
        klu_free_numeric(&nw->numeric, &nw->common);
    if (nw->symbolic)
        klu_free_symbolic(&nw->symbolic, &nw->common);
    free(nw->column);
    free(nw->row);
    free(nw->value);
    free(nw->diagonal);
    free(nw->resistor);
    free(nw->cell);
    free(nw->amp);
    free(nw->is_floating);
    free(nw->keep);
    free(nw->to_current);
    free(nw->from_voltage);
    free(nw->rhs);
    free(nw);
}

/* ---- values ------------------------------------------------------------------------ */

static inline void add(double value[], const struct stamp *s, double g)
{
    value[s->aa] += g;
    value[s->ab] -= g;
    value[s->ba] -= g;
    value[s->bb] += g;
}

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

/* Eliminate the states of cell k; its effective conductance. */
static bool eliminate(struct ow_newton *nw, size_t k, double *g)
{
    const struct ow_system *sys = nw->sys;
    const size_t n = sys->n_moving;
    const double gamma = nw->gamma;
    double a[OW_MAX_STATES][OW_MAX_STATES];
    double *keep = nw->keep + k * n * n;
    for (size_t r = 0; r < n; r++)
        for (size_t c = 0; c < n; c++)
            a[r][c] = (r == c) - gamma * sys->at.df_dx[sys->moving[r]][sys->moving[c]][k];
    if (!invert(n, a, keep))
        return false;
    *g = sys->at.di_dv[k];
    for (size_t r = 0; r < n; r++) {
        double to = 0.0, from = 0.0;
        for (size_t c = 0; c < n; c++) {
            to += sys->at.di_dx[sys->moving[c]][k] * keep[c * n + r];
            from += keep[r * n + c] * sys->at.df_dv[sys->moving[c]][k];
        }
        nw->to_current[k * n + r] = to;
        nw->from_voltage[k * n + r] = gamma * from;
        *g += gamma * sys->at.di_dx[sys->moving[r]][k] * from;
    }
    return true;
}

/* Resistors, amplifiers: gamma times their conductances, plus `mass` times M. */
static void assemble_linear(struct ow_newton *nw, double gamma, double mass)
{
    const struct ow_system *sys = nw->sys;
    const struct ow_circuit *ckt = sys->circuit;
    const struct ow_sense *sense = &ckt->xb->sense;
    double *value = nw->value;
    memset(value, 0, ((size_t)nw->column[nw->n] + 1) * sizeof *value);
    for (size_t k = 0; k < sys->n_free; k++)
        value[nw->diagonal[k]] = mass * ckt->c[ckt->first_free + k];
    for (size_t k = 0; k < ckt->n_resistor; k++)
        add(value, &nw->resistor[k], gamma / ckt->resistor[k].r);
    for (size_t k = 0; k < ckt->n_amp; k++) {
        const struct amp_stamp *s = &nw->amp[k];
        const struct ow_amp *amp = &ckt->amp[k];
        double d_in, d_a;
        ow_amp_drive(sense, sys->v_node[amp->in], sys->v_node[amp->inner], &d_in, &d_a);
        add(value, &s->c_f, mass * sense->c_f);
        value[s->out_out] += gamma / sense->r_out;
        value[s->out_inner] -= gamma / sense->r_out;
        value[s->inner_in] -= gamma * d_in;
        value[s->inner_inner] += mass * sys->tau - gamma * d_a;
    }
}

/* The pattern never changes, so old pivots are tried first.  A matrix whose pivots have
 * become tiny is factored anew. */
static enum ow_status factor(struct ow_newton *nw)
{
    if (nw->n == 0)
        return OW_OK;
    if (nw->numeric) {
        if (klu_refactor(nw->column, nw->row, nw->value, nw->symbolic, nw->numeric,
                         &nw->common) &&
            klu_rcond(nw->symbolic, nw->numeric, &nw->common) && nw->common.rcond > 1e-14)
            return OW_OK;
        klu_free_numeric(&nw->numeric, &nw->common);
    }
    nw->numeric = klu_factor(nw->column, nw->row, nw->value, nw->symbolic, &nw->common);
    if (nw->numeric)
        return OW_OK;
    return nw->common.status == KLU_OUT_OF_MEMORY ? OW_ERR_NOMEM : OW_ERR_SOLVER;
}

enum ow_status ow_newton_setup(struct ow_newton *nw, double gamma)
{
    nw->gamma = gamma;
    assemble_linear(nw, gamma, 1.0);
    for (size_t k = 0; k < nw->sys->n_cell; k++) {
        double g;
        if (!eliminate(nw, k, &g))
            return OW_ERR_SOLVER;
        add(nw->value, &nw->cell[k], gamma * g);
    }
    return factor(nw);
}

enum ow_status ow_newton_setup_dc(struct ow_newton *nw)
{
    assemble_linear(nw, 1.0, 0.0);
    for (size_t k = 0; k < nw->sys->n_cell; k++)
        add(nw->value, &nw->cell[k], nw->sys->at.di_dv[k]);
    for (size_t k = 0; k < nw->sys->n_free; k++)
        if (nw->is_floating[nw->sys->circuit->first_free + k])
            nw->value[nw->diagonal[k]] += 1.0;
    return factor(nw);
}

/* ---- solution ---------------------------------------------------------------------- */

void ow_newton_solve(struct ow_newton *nw, const double r[], double d[])
{
    const struct ow_system *sys = nw->sys;
    const struct ow_circuit *ckt = sys->circuit;
    const size_t n = sys->n_moving, first = ckt->first_free, n_cell = sys->n_cell;
    double *rhs = nw->rhs;
    ow_system_mass(sys, r, rhs);
    for (size_t k = 0; k < n_cell; k++) {
        double i = 0.0;
        for (size_t m = 0; m < n; m++)
            i += nw->to_current[k * n + m] * r[sys->n_free + m * n_cell + k];
        if (ckt->cell_te[k] >= first)
            rhs[ckt->cell_te[k] - first] -= nw->gamma * i;
        if (ckt->cell_be[k] >= first)
            rhs[ckt->cell_be[k] - first] += nw->gamma * i;
    }
    if (nw->n > 0)
        klu_solve(nw->symbolic, nw->numeric, nw->n, 1, rhs, &nw->common);
    for (size_t k = 0; k < n_cell; k++) {
        const size_t te = ckt->cell_te[k], be = ckt->cell_be[k];
        const double dv =
            (te >= first ? rhs[te - first] : 0.0) - (be >= first ? rhs[be - first] : 0.0);
        double dx[OW_MAX_STATES];
        for (size_t m = 0; m < n; m++) {
            dx[m] = nw->from_voltage[k * n + m] * dv;
            for (size_t c = 0; c < n; c++)
                dx[m] += nw->keep[(k * n + m) * n + c] * r[sys->n_free + c * n_cell + k];
        }
        for (size_t m = 0; m < n; m++)
            d[sys->n_free + m * n_cell + k] = dx[m];
    }
    memcpy(d, rhs, sys->n_free * sizeof *d);
}

void ow_newton_solve_dc(struct ow_newton *nw, double into[])
{
    if (nw->n > 0)
        klu_solve(nw->symbolic, nw->numeric, nw->n, 1, into, &nw->common);
}
