#include "ow_sparse.h"

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

struct ow_sparse {
    const struct ow_system *sys; /* borrowed */
    int n, *column, *row;        /* CSC pattern of the n_free x n_free matrix */
    double *value;               /* [nnz + 1], the last one is the bin */
    int *diagonal;               /* [n_free] */
    struct stamp *resistor, *cell;
    struct amp_stamp *amp;
    bool *is_floating; /* [n_node] */

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

static int place_of(const struct ow_sparse *sp, size_t a, size_t b)
{
    const size_t first = sp->sys->circuit->first_free;
    const int bin = sp->column[sp->n];
    if (a < first || b < first)
        return bin;
    const int row = (int)(a - first), col = (int)(b - first);
    int lo = sp->column[col], hi = sp->column[col + 1];
    while (hi - lo > 1) {
        const int mid = lo + (hi - lo) / 2;
        if (sp->row[mid] <= row)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static struct stamp stamp_of(const struct ow_sparse *sp, size_t a, size_t b)
{
    return (struct stamp){place_of(sp, a, a), place_of(sp, a, b), place_of(sp, b, a),
                          place_of(sp, b, b)};
}

static enum ow_status build_pattern(struct ow_sparse *sp)
{
    const struct ow_circuit *ckt = sp->sys->circuit;
    const size_t n = sp->sys->n_free, n_cell = sp->sys->n_cell;
    struct pattern p = {.first = ckt->first_free};
    p.pair = calloc(n + 2 * ckt->n_resistor + 2 * n_cell + 6 * ckt->n_amp + 1, sizeof *p.pair);
    if (!p.pair)
        return OW_ERR_NOMEM;
    for (size_t k = 0; k < n; k++)
        join(&p, p.first + k, p.first + k);
    for (size_t k = 0; k < ckt->n_resistor; k++) {
        const struct ow_resistor r = ow_circuit_resistor(ckt, k);
        join_both(&p, r.a, r.b);
    }
    for (size_t k = 0; k < n_cell; k++)
        join_both(&p, ow_circuit_te(ckt, k), ow_circuit_be(ckt, k));
    for (size_t k = 0; k < ckt->n_amp; k++) {
        join_both(&p, ckt->amp[k].in, ckt->amp[k].out);
        join(&p, ckt->amp[k].out, ckt->amp[k].inner);
        join(&p, ckt->amp[k].inner, ckt->amp[k].in);
    }
    qsort(p.pair, p.n, sizeof *p.pair, by_column);

    sp->column = calloc(n + 1, sizeof *sp->column);
    sp->row = calloc(p.n + 1, sizeof *sp->row);
    sp->value = calloc(p.n + 1, sizeof *sp->value);
    if (!sp->column || !sp->row || !sp->value) {
        free(p.pair);
        return OW_ERR_NOMEM;
    }
    int nnz = 0;
    for (size_t k = 0; k < p.n; k++) {
        if (k && by_column(&p.pair[k - 1], &p.pair[k]) == 0)
            continue;
        sp->row[nnz++] = p.pair[k].row;
        sp->column[p.pair[k].col + 1] = nnz;
    }
    free(p.pair);
    return OW_OK;
}

static enum ow_status build_stamps(struct ow_sparse *sp)
{
    const struct ow_circuit *ckt = sp->sys->circuit;
    const size_t n = sp->sys->n_free, n_cell = sp->sys->n_cell;
    sp->diagonal = calloc(n + 1, sizeof *sp->diagonal);
    sp->resistor = calloc(ckt->n_resistor + 1, sizeof *sp->resistor);
    sp->cell = calloc(n_cell, sizeof *sp->cell);
    sp->amp = calloc(ckt->n_amp + 1, sizeof *sp->amp);
    if (!sp->diagonal || !sp->resistor || !sp->cell || !sp->amp)
        return OW_ERR_NOMEM;
    for (size_t k = 0; k < n; k++)
        sp->diagonal[k] = place_of(sp, ckt->first_free + k, ckt->first_free + k);
    for (size_t k = 0; k < ckt->n_resistor; k++) {
        const struct ow_resistor r = ow_circuit_resistor(ckt, k);
        sp->resistor[k] = stamp_of(sp, r.a, r.b);
    }
    for (size_t k = 0; k < n_cell; k++)
        sp->cell[k] = stamp_of(sp, ow_circuit_te(ckt, k), ow_circuit_be(ckt, k));
    for (size_t k = 0; k < ckt->n_amp; k++) {
        const struct ow_amp *amp = &ckt->amp[k];
        sp->amp[k] = (struct amp_stamp){.c_f = stamp_of(sp, amp->in, amp->out),
                                        .out_out = place_of(sp, amp->out, amp->out),
                                        .out_inner = place_of(sp, amp->out, amp->inner),
                                        .inner_in = place_of(sp, amp->inner, amp->in),
                                        .inner_inner = place_of(sp, amp->inner, amp->inner)};
    }
    return OW_OK;
}

/* ---- life -------------------------------------------------------------------------- */

enum ow_status ow_sparse_create(const struct ow_system *sys, struct ow_sparse **out)
{
    struct ow_sparse *sp = calloc(1, sizeof *sp);
    if (!sp)
        return OW_ERR_NOMEM;
    sp->sys = sys;
    sp->n = (int)sys->n_free;
    enum ow_status st = OW_ERR_NOMEM;
    sp->is_floating = calloc(sys->circuit->n_node, sizeof *sp->is_floating);
    if (!sp->is_floating || (st = build_pattern(sp)) || (st = build_stamps(sp)) ||
        (st = ow_circuit_floating(sys->circuit, sp->is_floating, NULL)))
        goto fail;
    klu_defaults(&sp->common);
    if (sp->n > 0) {
        sp->symbolic = klu_analyze(sp->n, sp->column, sp->row, &sp->common);
        if (!sp->symbolic) {
            st = sp->common.status == KLU_OUT_OF_MEMORY ? OW_ERR_NOMEM : OW_ERR_SOLVER;
            goto fail;
        }
    }
    *out = sp;
    return OW_OK;
fail:
    ow_sparse_destroy(sp);
    return st;
}

void ow_sparse_destroy(struct ow_sparse *sp)
{
    if (!sp)
        return;
    if (sp->numeric)
        klu_free_numeric(&sp->numeric, &sp->common);
    if (sp->symbolic)
        klu_free_symbolic(&sp->symbolic, &sp->common);
    free(sp->column);
    free(sp->row);
    free(sp->value);
    free(sp->diagonal);
    free(sp->resistor);
    free(sp->cell);
    free(sp->amp);
    free(sp->is_floating);
    free(sp);
}

/* ---- values ------------------------------------------------------------------------ */

static inline void add(double value[], const struct stamp *s, double g)
{
    value[s->aa] += g;
    value[s->ab] -= g;
    value[s->ba] -= g;
    value[s->bb] += g;
}

/* Resistors, amplifiers: gamma times their conductances, plus `mass` times M. */
static void assemble_linear(struct ow_sparse *sp, double gamma, double mass)
{
    const struct ow_system *sys = sp->sys;
    const struct ow_circuit *ckt = sys->circuit;
    const struct ow_sense *sense = &ckt->xb->sense;
    double *value = sp->value;
    memset(value, 0, ((size_t)sp->column[sp->n] + 1) * sizeof *value);
    for (size_t k = 0; k < sys->n_free; k++)
        value[sp->diagonal[k]] = mass * ow_circuit_c(ckt, ckt->first_free + k);
    for (size_t k = 0; k < ckt->n_resistor; k++)
        add(value, &sp->resistor[k], gamma / ow_circuit_resistor(ckt, k).r);
    for (size_t k = 0; k < ckt->n_amp; k++) {
        const struct amp_stamp *s = &sp->amp[k];
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
static enum ow_status factor(struct ow_sparse *sp)
{
    if (sp->n == 0)
        return OW_OK;
    if (sp->numeric) {
        if (klu_refactor(sp->column, sp->row, sp->value, sp->symbolic, sp->numeric,
                         &sp->common) &&
            klu_rcond(sp->symbolic, sp->numeric, &sp->common) && sp->common.rcond > 1e-14)
            return OW_OK;
        klu_free_numeric(&sp->numeric, &sp->common);
    }
    sp->numeric = klu_factor(sp->column, sp->row, sp->value, sp->symbolic, &sp->common);
    if (sp->numeric)
        return OW_OK;
    return sp->common.status == KLU_OUT_OF_MEMORY ? OW_ERR_NOMEM : OW_ERR_SOLVER;
}

enum ow_status ow_sparse_factor(struct ow_sparse *sp, const struct ow_linear *linear)
{
    assemble_linear(sp, linear->gamma, linear->mass);
    for (size_t k = 0; k < sp->sys->n_cell; k++)
        add(sp->value, &sp->cell[k], ow_linear_cell(linear, k));
    for (size_t k = 0; linear->mass == 0.0 && k < sp->sys->n_free; k++)
        if (sp->is_floating[sp->sys->circuit->first_free + k])
            sp->value[sp->diagonal[k]] += 1.0;
    return factor(sp);
}

void ow_sparse_solve(struct ow_sparse *sp, double rhs[])
{
    if (sp->n > 0)
        klu_solve(sp->symbolic, sp->numeric, sp->n, 1, rhs, &sp->common);
}
