#include "ow_merged.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_behind.h"
#include "ow_simd.h"

struct ow_merged {
    const struct ow_system *sys; /* borrowed */
    size_t rows, cols;
    double *d;                 /* [rows][cols]                              */
    double *own_w, *own_b;     /* [rows] W, [cols] B                        */
    struct ow_behind *behind;  /* [cols]                                    */
    double *b, *r, *z, *p, *s; /* [cols], then [rows] each: s = S p         */
    double follow;             /* how far bit lines can follow word lines   */
    double grip;               /* least part of W that is not handed on     */
};

enum ow_status ow_merged_create(const struct ow_system *sys, struct ow_merged **out)
{
    struct ow_merged *m = calloc(1, sizeof *m);
    if (!m)
        return OW_ERR_NOMEM;
    m->sys = sys;
    m->rows = sys->circuit->xb->rows;
    m->cols = sys->circuit->xb->cols;
    m->d = malloc(m->rows * m->cols * sizeof *m->d);
    m->own_w = malloc(m->rows * sizeof *m->own_w);
    m->own_b = malloc(m->cols * sizeof *m->own_b);
    m->behind = malloc(m->cols * sizeof *m->behind);
    m->b = malloc(m->cols * sizeof *m->b);
    m->r = malloc(m->rows * sizeof *m->r);
    m->z = malloc(m->rows * sizeof *m->z);
    m->p = malloc(m->rows * sizeof *m->p);
    m->s = malloc(m->rows * sizeof *m->s);
    if (!m->d || !m->own_w || !m->own_b || !m->behind || !m->b || !m->r || !m->z || !m->p ||
        !m->s) {
        ow_merged_destroy(m);
        return OW_ERR_NOMEM;
    }
    *out = m;
    return OW_OK;
}

void ow_merged_destroy(struct ow_merged *m)
{
    if (!m)
        return;
    free(m->d);
    free(m->own_w);
    free(m->own_b);
    free(m->behind);
    free(m->b);
    free(m->r);
    free(m->z);
    free(m->p);
    free(m->s);
    free(m);
}

/* S 1 over W: where cells hold a word line more than its driver does, and bit lines follow, W
 * alone says little of the error that a residual leaves. For S has no positive entry beside its
 * diagonal: |S^-1 r| <= max |r| / S 1. */
static void find_grip(struct ow_merged *m)
{
    m->grip = 1.0;
    for (size_t i = 0; i < m->rows; i++) {
        double s = m->own_w[i];
        for (size_t j = 0; j < m->cols; j++)
            s -= m->d[i * m->cols + j] * (m->b[j] / m->own_b[j]);
        m->grip = fmin(m->grip, fmax(s / m->own_w[i], 1e-9));
    }
}

bool ow_merged_factor(struct ow_merged *m, const struct ow_linear *lin)
{
    const struct ow_circuit *ckt = m->sys->circuit;
    double least = INFINITY;
    m->follow = 0.0;
    memset(m->b, 0, m->cols * sizeof *m->b);
    for (size_t i = 0; i < m->rows; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < m->cols; j++) {
            const double d = m->d[i * m->cols + j] = ow_linear_cell(lin, i * m->cols + j);
            sum += d;
            m->b[j] += d;
        }
        m->own_w[i] = sum + lin->gamma / ckt->xb->r_driver +
                      lin->mass * ow_circuit_c(ckt, ckt->wline + i);
        least = fmin(least, m->own_w[i]);
    }
    for (size_t j = 0; j < m->cols; j++) {
        m->behind[j] = ow_behind_of(lin, j);
        m->own_b[j] = m->b[j] + m->behind[j].y_in;
        m->follow = fmax(m->follow, fabs(m->b[j] / m->own_b[j]));
        least = fmin(least, m->own_b[j]);
    }
    find_grip(m);
    return least > 0.0 && isfinite(least) && isfinite(m->follow);
}

/* b = B^-1 (fb + D' w); fb may be NULL: 0. */
OW_SIMD static void bit_lines(const struct ow_merged *m, const double fb[], const double w[],
                              double b[])
{
    const size_t cols = m->cols;
    for (size_t j = 0; j < cols; j++)
        b[j] = fb ? fb[j] : 0.0;
    for (size_t i = 0; i < m->rows; i++) {
        const double *d = m->d + i * cols, w_i = w[i];
        for (size_t j = 0; j < cols; j++)
            b[j] += d[j] * w_i;
    }
    for (size_t j = 0; j < cols; j++)
        b[j] /= m->own_b[j];
}

static double dot(const double a[], const double b[], size_t n)
{
    double sum = 0.0;
    for (size_t k = 0; k < n; k++)
        sum += a[k] * b[k];
    return sum;
}

/* Row i of D b; partial sums in a fixed order. */
static inline double across(const struct ow_merged *m, size_t i, const double b[])
{
    const double *d = m->d + i * m->cols;
    double sum[4] = {0.0, 0.0, 0.0, 0.0};
    size_t j = 0;
    for (; j + 4 <= m->cols; j += 4)
        for (size_t lane = 0; lane < 4; lane++)
            sum[lane] += d[j + lane] * b[j + lane];
    for (; j < m->cols; j++)
        sum[0] += d[j] * b[j];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* s = S p. */
OW_SIMD static void times_s(struct ow_merged *m)
{
    bit_lines(m, NULL, m->p, m->b);
    for (size_t i = 0; i < m->rows; i++)
        m->s[i] = m->own_w[i] * m->p[i] - across(m, i, m->b);
}

enum { MOST_ITERATIONS = 300 };

/* S w = m->r.  The error of the word lines is watched, and of the bit lines what can follow. */
static bool conjugate_gradients(struct ow_merged *m, const double weight[], double bit_weight,
                                double tol, double w[])
{
    const size_t n = m->rows;
    const double reach = tol * m->grip;
    double rz_before = 1.0;
    memset(w, 0, n * sizeof *w);
    memset(m->p, 0, n * sizeof *m->p);
    for (int k = 0; k < MOST_ITERATIONS; k++) {
        double error = 0.0;
        for (size_t i = 0; i < n; i++) {
            m->z[i] = m->r[i] / m->own_w[i];
            const double e = m->z[i] * (weight ? fmax(weight[i], bit_weight) : 1.0);
            error += e * e;
        }
        if (error <= reach * reach * (weight ? 1.0 : dot(w, w, n)))
            return true;
        const double rz = dot(m->r, m->z, n), beta = rz / rz_before;
        if (!(rz > 0.0)) /* also NaN */
            return false;
        for (size_t i = 0; i < n; i++)
            m->p[i] = m->z[i] + (k ? beta : 0.0) * m->p[i];
        times_s(m);
        rz_before = rz;
        const double curvature = dot(m->p, m->s, n);
        if (!(curvature > 0.0))
            return false;
        for (size_t i = 0; i < n; i++) {
            w[i] += rz / curvature * m->p[i];
            m->r[i] -= rz / curvature * m->s[i];
        }
    }
    return false;
}

bool ow_merged_solve(struct ow_merged *m, const double rhs[], const double weight[], double tol,
                     double out[])
{
    const struct ow_circuit *ckt = m->sys->circuit;
    const size_t at_w = ckt->wline - ckt->first_free,
                 at_in = ckt->sense_in[0] - ckt->first_free;
    double *w = out + at_w, *in = out + at_in, bit_weight = 0.0;
    for (size_t j = 0; j < m->cols; j++) {
        in[j] = ow_behind_fold(&m->behind[j], ckt, j, rhs);
        m->b[j] = in[j] / m->own_b[j];
        if (weight)
            bit_weight = fmax(bit_weight, m->follow * weight[at_in + j]);
    }
    for (size_t i = 0; i < m->rows; i++)
        m->r[i] = rhs[at_w + i] + across(m, i, m->b);
    if (!conjugate_gradients(m, weight ? weight + at_w : NULL, bit_weight, tol, w))
        return false;
    bit_lines(m, in, w, m->b);
    for (size_t j = 0; j < m->cols; j++)
        ow_behind_unfold(&m->behind[j], ckt, j, m->b[j], out);
    return true;
}
