#include "ow_mass.h"

#include <stdlib.h>
#include <string.h>

#include "ow_kernel.h"
#include "ow_sparse.h"

struct ow_mass {
    const struct ow_system *sys; /* borrowed */
    struct ow_sparse *factors;   /* NULL where M is made of small blocks */
};

enum ow_status ow_mass_create(const struct ow_system *sys, struct ow_mass **out)
{
    struct ow_mass *m = calloc(1, sizeof *m);
    if (!m)
        return OW_ERR_NOMEM;
    m->sys = sys;
    enum ow_status st = OW_OK;
    if (!sys->circuit->is_grid && sys->circuit->xb->c_cell > 0.0) {
        const struct ow_linear only_mass = {.sys = sys, .mass = 1.0};
        st = ow_sparse_create(sys, &m->factors);
        if (!st)
            st = ow_sparse_factor(m->factors, &only_mass);
    }
    if (st)
        ow_mass_destroy(m);
    else
        *out = m;
    return st;
}

void ow_mass_destroy(struct ow_mass *m)
{
    if (!m)
        return;
    ow_sparse_destroy(m->factors);
    free(m);
}

/* The two nodes of every cell of a grid. */
static void times_planes(const struct ow_mass *m, const double y[], double out[])
{
    const struct ow_crossbar *xb = m->sys->circuit->xb;
    const size_t n = m->sys->n_cell;
    const double c_w = xb->c_wordline, c_b = xb->c_bitline, c = xb->c_cell;
    const double *y_w = y, *y_b = y + n;
    OW_SWEEP(m->sys->n_threads, k, n, 1, {
        const double q = c * (y_w[k] - y_b[k]);
        out[k] = c_w * y_w[k] + q;
        out[n + k] = c_b * y_b[k] - q;
    });
}

void ow_mass_times(const struct ow_mass *m, const double y[], double out[])
{
    ow_mass_times_from(m, 0, y, out);
}

void ow_mass_times_from(const struct ow_mass *m, size_t begin, const double y[], double out[])
{
    const struct ow_circuit *ckt = m->sys->circuit;
    const size_t first = ckt->first_free, planes = ckt->is_grid ? 2 * m->sys->n_cell : 0;
    const double c_f = ckt->xb->sense.c_f, c_cell = ckt->xb->c_cell;
    if (ckt->is_grid && begin == 0)
        times_planes(m, y, out);
    for (size_t k = planes; k < m->sys->n_free;) {
        const struct ow_node_block *block = ow_circuit_block(ckt, first + k);
        for (; first + k < block->end; k++)
            out[k] = block->c * y[k];
    }
    for (size_t k = 0; !ckt->is_grid && c_cell > 0.0 && k < m->sys->n_cell; k++) {
        const size_t te = ow_circuit_te(ckt, k), be = ow_circuit_be(ckt, k);
        const double q = c_cell * (y[te - first] - (be < first ? 0.0 : y[be - first]));
        out[te - first] += q;
        if (be >= first)
            out[be - first] -= q;
    }
    for (size_t k = 0; k < ckt->n_amp; k++) {
        const struct ow_amp *amp = &ckt->amp[k];
        const double q = c_f * (y[amp->in - first] - y[amp->out - first]);
        out[amp->in - first] += q;
        out[amp->out - first] -= q;
        out[amp->inner - first] = m->sys->tau * y[amp->inner - first];
    }
}

/* [c_a + c, -c; -c, c_b + c] by Cramer's rule. */
static inline void solve_pair(double c_a, double c_b, double c, double i_a, double i_b,
                              double *y_a, double *y_b)
{
    const double det = c_a * c_b + c * (c_a + c_b);
    *y_a = (i_a * (c_b + c) + i_b * c) / det;
    *y_b = (i_b * (c_a + c) + i_a * c) / det;
}

/* Of rows of a grid, in place: all cells have the same block. */
static void solve_rows(const void *data, size_t from, size_t to, double y[])
{
    const struct ow_mass *m = data;
    const struct ow_crossbar *xb = m->sys->circuit->xb;
    double own_w, own_b, other; /* of the inverse */
    solve_pair(xb->c_wordline, xb->c_bitline, xb->c_cell, 1.0, 0.0, &own_w, &other);
    solve_pair(xb->c_wordline, xb->c_bitline, xb->c_cell, 0.0, 1.0, &other, &own_b);
    double *y_w = y, *y_b = y + m->sys->n_cell;
    for (size_t k = from * xb->cols; k < to * xb->cols; k++) {
        const double w = y_w[k], b = y_b[k];
        y_w[k] = own_w * w + other * b;
        y_b[k] = other * w + own_b * b;
    }
}

/* Of all but the planes of a grid, in place. */
static void solve_behind(const struct ow_mass *m, double y[])
{
    const struct ow_circuit *ckt = m->sys->circuit;
    const size_t first = ckt->first_free, planes = ckt->is_grid ? 2 * m->sys->n_cell : 0;
    if (m->factors) {
        ow_sparse_solve(m->factors, y);
        return;
    }
    const size_t end = ckt->n_amp > 0 ? ckt->amp[0].in - first : m->sys->n_free;
    for (size_t k = planes; k < end;) {
        const struct ow_node_block *block = ow_circuit_block(ckt, first + k);
        for (; k < end && first + k < block->end; k++)
            y[k] /= block->c;
    }
    if (ckt->n_amp == 0)
        return;
    const double c_in = ow_circuit_c(ckt, ckt->amp[0].in),
                 c_out = ow_circuit_c(ckt, ckt->amp[0].out);
    for (size_t k = 0; k < ckt->n_amp; k++) {
        const struct ow_amp *amp = &ckt->amp[k];
        const size_t in = amp->in - first, out = amp->out - first;
        solve_pair(c_in, c_out, ckt->xb->sense.c_f, y[in], y[out], &y[in], &y[out]);
        y[amp->inner - first] /= m->sys->tau;
    }
}

void ow_mass_rates(const struct ow_mass *m, struct ow_system *sys, const double v_row[],
                   const double y[], double ydot[])
{
    ow_system_place_flow(sys, v_row, y, solve_rows, m, ydot);
    solve_behind(m, ydot);
    ow_system_state_rates(sys, ydot);
}
