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
    const struct ow_circuit *ckt = m->sys->circuit;
    const size_t first = ckt->first_free, planes = ckt->is_grid ? 2 * m->sys->n_cell : 0;
    const double c_f = ckt->xb->sense.c_f, c_cell = ckt->xb->c_cell;
    if (ckt->is_grid)
        times_planes(m, y, out);
    for (size_t k = planes; k < m->sys->n_free; k++)
        out[k] = ow_circuit_c(ckt, first + k) * y[k];
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

/* All cells of a grid have the same block. */
static void solve_planes(const struct ow_mass *m, const double i[], double y[])
{
    const struct ow_circuit *ckt = m->sys->circuit;
    const size_t n = m->sys->n_cell;
    const double c_w = ckt->xb->c_wordline, c_b = ckt->xb->c_bitline, c = ckt->xb->c_cell;
    double own_w, own_b, other; /* of the inverse */
    solve_pair(c_w, c_b, c, 1.0, 0.0, &own_w, &other);
    solve_pair(c_w, c_b, c, 0.0, 1.0, &other, &own_b);
    const double *i_w = i, *i_b = i + n;
    double *y_w = y, *y_b = y + n;
    OW_SWEEP(m->sys->n_threads, k, n, 1, {
        const double w = i_w[k], b = i_b[k];
        y_w[k] = own_w * w + other * b;
        y_b[k] = other * w + own_b * b;
    });
}

void ow_mass_solve(const struct ow_mass *m, const double i[], double y[])
{
    const struct ow_circuit *ckt = m->sys->circuit;
    const size_t first = ckt->first_free;
    size_t done = 0;
    if (m->factors) {
        memcpy(y, i, m->sys->n_free * sizeof *y);
        ow_sparse_solve(m->factors, y);
        return;
    }
    if (ckt->is_grid) {
        solve_planes(m, i, y);
        done = 2 * m->sys->n_cell;
    }
    for (size_t k = done; k < m->sys->n_free; k++)
        y[k] = i[k] / ow_circuit_c(ckt, first + k);
    for (size_t k = 0; k < ckt->n_amp; k++) {
        const struct ow_amp *amp = &ckt->amp[k];
        const size_t in = amp->in - first, out = amp->out - first, inner = amp->inner - first;
        solve_pair(ow_circuit_c(ckt, amp->in), ow_circuit_c(ckt, amp->out), ckt->xb->sense.c_f,
                   i[in], i[out], &y[in], &y[out]);
        y[inner] = i[inner] / m->sys->tau;
    }
}
