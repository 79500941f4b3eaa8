/* Small crossbars for tests of hosts, and their DC point by dense elimination. */
#ifndef OW_CASE_H
#define OW_CASE_H

#include <string.h>

#include "ow_check.h"
#include "ow_circuit.h"

/* Uneven values, so that a missing factor shows. */
static inline void case_init(struct ow_crossbar *xb, size_t rows, size_t cols,
                             const char *model, enum ow_sense_kind kind)
{
    struct ow_error err = {0};
    ck_assert_ok(ow_crossbar_init(xb, rows, cols, ow_model_find(model), &err), err);
    xb->r_wordline = 3.7;
    xb->r_bitline = 2.3;
    xb->c_wordline = 0.13e-15;
    xb->c_bitline = 0.11e-15;
    xb->r_driver = 53.0;
    xb->sense = (struct ow_sense){.kind = kind,
                                  .r_f = kind == OW_SENSE_TIA ? 7.1e3 : 310.0,
                                  .c_f = 4.3e-15,
                                  .gain = 9.1e3,
                                  .gbw = 1.3e9,
                                  .r_out = 110.0,
                                  .c_in = 5.2e-15,
                                  .c_load = 9.7e-15,
                                  .v_os = 0.7e-3,
                                  .vdd = 1.8,
                                  .i_q = 21e-6};
}

/* Set one parameter of all cells by name. */
static inline void case_param(struct ow_crossbar *xb, const char *name, double value)
{
    const size_t k = ow_param_index(xb->model, name);
    ck_assert_uint_lt(k, xb->model->n_param);
    xb->param[k] = value;
    for (size_t j = 0; xb->spread[k] && j < xb->rows * xb->cols; j++)
        xb->spread[k][j] = value;
}

/* v_node[n_node] V with the sources at v_row, cells as linear conductances at their
 * initial states, amplifiers far from their rails.  Dense Gauss elimination with row
 * pivoting; the gain equation takes the inner node's row. */
static inline void case_dense_op(const struct ow_circuit *c, const double v_row[],
                                 double v_node[])
{
    const struct ow_crossbar *xb = c->xb;
    const struct ow_sense *s = &xb->sense;
    const size_t n = c->n_node;
    double *a = calloc(n * (n + 1), sizeof *a);
    ck_assert_ptr_nonnull(a);
#define AT(i, j) a[(i) * (n + 1) + (j)]
#define CONDUCTANCE(p, q, g)                                                                   \
    (AT(p, p) += (g), AT(q, q) += (g), AT(p, q) -= (g), AT(q, p) -= (g))
    for (size_t k = 0; k < c->n_resistor; k++)
        CONDUCTANCE(ow_circuit_resistor(c, k).a, ow_circuit_resistor(c, k).b,
                    1.0 / ow_circuit_resistor(c, k).r);
    for (size_t j = 0; j < xb->rows * xb->cols; j++) {
        double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
        struct ow_point at;
        ow_crossbar_cell(xb, j, param, x);
        ow_eval_one(xb->model, param, 1.0, x, &at);
        CONDUCTANCE(ow_circuit_te(c, j), ow_circuit_be(c, j), at.i);
    }
    for (size_t k = 0; k < c->n_amp; k++) {
        const struct ow_amp *amp = &c->amp[k];
        AT(amp->out, amp->out) += 1.0 / s->r_out;
        AT(amp->out, amp->inner) -= 1.0 / s->r_out;
        AT(amp->inner, amp->inner) = 1.0;
        AT(amp->inner, amp->in) = s->gain;
        AT(amp->inner, n) = s->gain * s->v_os;
    }
    for (size_t k = 0; k < c->first_free; k++) { /* ground and the sources */
        memset(&AT(k, 0), 0, (n + 1) * sizeof *a);
        AT(k, k) = 1.0;
        AT(k, n) = k == OW_GROUND ? 0.0 : v_row[k - 1];
    }
    for (size_t p = 0; p < n; p++) {
        size_t best = p;
        for (size_t i = p + 1; i < n; i++)
            if (fabs(AT(i, p)) > fabs(AT(best, p)))
                best = i;
        ck_assert(AT(best, p) != 0.0);
        for (size_t j = p; j <= n; j++) {
            const double t = AT(p, j);
            AT(p, j) = AT(best, j);
            AT(best, j) = t;
        }
        for (size_t i = p + 1; i < n; i++)
            for (size_t j = n + 1; j-- > p;)
                AT(i, j) -= AT(i, p) / AT(p, p) * AT(p, j);
    }
    for (size_t p = n; p-- > 0;) {
        v_node[p] = AT(p, n);
        for (size_t j = p + 1; j < n; j++)
            v_node[p] -= AT(p, j) * v_node[j];
        v_node[p] /= AT(p, p);
    }
#undef AT
#undef CONDUCTANCE
    free(a);
}

#endif
