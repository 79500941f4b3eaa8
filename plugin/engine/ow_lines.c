#include "ow_lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One family of tridiagonal lines, wire conductance g between neighbours.  Eliminating a
 * line from its first node on leaves at node k the conductance q that it sees behind
 * itself,
 *   q[0] = s[0],  q[k] = s[k] + g q[k-1] / (g + q[k-1]),   s: shunts and cells,
 * a sum of positive terms, so nothing cancels.  Kept is t = g / pivot, with pivot = q + g
 * (q at the last node):
 *   forwards   y[k] = f[k] + t[k-1] y[k-1]
 *   backwards  x[k] = t[k] (y[k] / g + x[k+1]) */
struct ow_lines {
    const struct ow_system *sys; /* borrowed */
    size_t rows, cols, n;        /* n = rows cols                                       */
    size_t n_chain;              /* nodes of a bit line: rows, and its sense input unless
                                    that is ground                                      */
    double g_word, g_bit;        /* gamma / r of a segment                              */
    double *t_word;              /* [rows][cols]                                        */
    double *t_bit;               /* [n_chain][cols]                                     */
    double *d;                   /* [rows][cols] gamma g of the cells                   */

    /* Amplifiers, eliminated: out = (f_out + k_out f_inner + k_in in) / c_out etc. */
    struct folded {
        double k_in, k_inner, c_out; /* of the output node                              */
        double a_in, a_own;          /* of the inner node: (f + a_in in) / a_own        */
        double k_back;               /* feedback admittance seen from the input         */
    } * amp;                         /* [cols]                                          */

    double *r, *z, *p, *u;   /* [rows][cols] conjugate gradients                    */
    double *b;               /* [n_chain][cols]                                     */
    double *f_out, *f_inner; /* [cols]                                              */
    long iterations;
};

/* ---- life ---------------------------------------------------------------------------- */

enum ow_status ow_lines_create(const struct ow_system *sys, struct ow_lines **out)
{
    const struct ow_circuit *ckt = sys->circuit;
    struct ow_lines *l = calloc(1, sizeof *l);
    if (!l)
        return OW_ERR_NOMEM;
    l->sys = sys;
    l->rows = ckt->xb->rows;
    l->cols = ckt->xb->cols;
    l->n = l->rows * l->cols;
    l->n_chain = l->rows + (ckt->sense_in[0] >= ckt->first_free);
    l->t_word = malloc(l->n * sizeof *l->t_word);
    l->t_bit = malloc(l->n_chain * l->cols * sizeof *l->t_bit);
    l->d = malloc(l->n * sizeof *l->d);
    l->amp = calloc(l->cols, sizeof *l->amp);
    l->r = malloc(l->n * sizeof *l->r);
    l->z = malloc(l->n * sizeof *l->z);
    l->p = malloc(l->n * sizeof *l->p);
    l->u = malloc(l->n * sizeof *l->u);
    l->b = malloc(l->n_chain * l->cols * sizeof *l->b);
    l->f_out = calloc(l->cols, sizeof *l->f_out);
    l->f_inner = calloc(l->cols, sizeof *l->f_inner);
    if (!l->t_word || !l->t_bit || !l->d || !l->amp || !l->r || !l->z || !l->p || !l->u ||
        !l->b || !l->f_out || !l->f_inner) {
        ow_lines_destroy(l);
        return OW_ERR_NOMEM;
    }
    *out = l;
    return OW_OK;
}

void ow_lines_destroy(struct ow_lines *l)
{
    if (!l)
        return;
    free(l->t_word);
    free(l->t_bit);
    free(l->d);
    free(l->amp);
    free(l->r);
    free(l->z);
    free(l->p);
    free(l->u);
    free(l->b);
    free(l->f_out);
    free(l->f_inner);
    free(l);
}

long ow_lines_iterations(const struct ow_lines *l)
{
    return l->iterations;
}

/* ---- factors ------------------------------------------------------------------------- */

/* Admittance of column j's amplifier or resistor at the sense input, its other nodes
 * eliminated; what that takes is kept in l->amp[j].  With K = c_f + gamma / r_f:
 *   inner  (tau - gamma d_a) a = f_a + gamma d_in in
 *   out    (c_out + K + gamma/r_out) out = f_out + K in + gamma/r_out a
 *   in     ... + (c_in + K) in - K out = f_in */
static double fold_amplifier(struct ow_lines *l, const struct ow_linear *lin, size_t j)
{
    const struct ow_circuit *ckt = l->sys->circuit;
    const struct ow_sense *sense = &ckt->xb->sense;
    const double c_in = lin->mass * ckt->c[ckt->sense_in[j]], gamma = lin->gamma;
    if (!ckt->n_amp)
        return c_in + gamma / sense->r_f;
    const struct ow_amp *amp = &ckt->amp[j];
    struct folded *f = &l->amp[j];
    double d_in, d_a;
    ow_amp_drive(sense, l->sys->v_node[amp->in], l->sys->v_node[amp->inner], &d_in, &d_a);
    f->k_back = lin->mass * sense->c_f + gamma / sense->r_f;
    f->a_own = lin->mass * l->sys->tau - gamma * d_a;
    f->a_in = gamma * d_in;
    f->k_inner = gamma / sense->r_out;
    f->c_out = lin->mass * ckt->c[amp->out] + f->k_back + f->k_inner;
    f->k_in = f->k_back + f->k_inner * f->a_in / f->a_own;
    return c_in + f->k_back - f->k_back * f->k_in / f->c_out;
}

/* All bit lines at once, row by row; behind[j] is g q / (g + q) of the row before. */
static bool factor_bit(struct ow_lines *l, const struct ow_linear *lin)
{
    const double g = l->g_bit, shunt = lin->mass * l->sys->circuit->xb->c_bitline;
    double least = INFINITY, *behind = l->b;
    memset(behind, 0, l->cols * sizeof *behind);
    for (size_t i = 0; i < l->rows; i++)
        for (size_t j = 0; j < l->cols; j++) {
            const double q = behind[j] + shunt + l->d[i * l->cols + j];
            least = fmin(least, q);
            l->t_bit[i * l->cols + j] = g / (g + q);
            behind[j] = g * q / (g + q);
        }
    /* a grounded bit line's last segment, too, is a pivot of q + g: nothing to do */
    for (size_t j = 0; l->n_chain > l->rows && j < l->cols; j++) {
        const double q = behind[j] + fold_amplifier(l, lin, j);
        least = fmin(least, q);
        l->t_bit[l->rows * l->cols + j] = g / q;
    }
    return least > 0.0 && isfinite(least);
}

static bool factor_word(struct ow_lines *l, const struct ow_linear *lin)
{
    const struct ow_crossbar *xb = l->sys->circuit->xb;
    const double g = l->g_word, shunt = lin->mass * xb->c_wordline;
    const double source = lin->gamma / (xb->r_driver + xb->r_wordline); /* 0 if open */
    double least = INFINITY;
    for (size_t i = 0; i < l->rows; i++) {
        const double *d = l->d + i * l->cols;
        double *t = l->t_word + i * l->cols;
        double q = source;
        for (size_t j = 0; j < l->cols; j++) {
            q += shunt + d[j];
            least = fmin(least, q);
            t[j] = j + 1 < l->cols ? g / (g + q) : g / q;
            q = g * q / (g + q);
        }
    }
    return least > 0.0 && isfinite(least);
}

bool ow_lines_factor(struct ow_lines *l, const struct ow_linear *lin)
{
    const struct ow_crossbar *xb = l->sys->circuit->xb;
    l->g_word = lin->gamma / xb->r_wordline;
    l->g_bit = lin->gamma / xb->r_bitline;
    for (size_t k = 0; k < l->n; k++)
        l->d[k] = lin->gamma * lin->g[k];
    return factor_bit(l, lin) && factor_word(l, lin);
}

/* ---- sweeps -------------------------------------------------------------------------- */

/* x = (Ab + D)^-1 x for all bit lines, x[n_chain][cols]. */
static void sweep_bit(const struct ow_lines *l, double x[])
{
    const size_t cols = l->cols;
    const double inv_g = 1.0 / l->g_bit;
    for (size_t i = 1; i < l->n_chain; i++) {
        const double *t = l->t_bit + (i - 1) * cols, *before = x + (i - 1) * cols;
        double *y = x + i * cols;
        for (size_t j = 0; j < cols; j++)
            y[j] += t[j] * before[j];
    }
    double *last = x + (l->n_chain - 1) * cols;
    for (size_t j = 0; j < cols; j++)
        last[j] *= l->t_bit[(l->n_chain - 1) * cols + j] * inv_g;
    for (size_t i = l->n_chain - 1; i-- > 0;) {
        const double *t = l->t_bit + i * cols, *next = x + (i + 1) * cols;
        double *y = x + i * cols;
        for (size_t j = 0; j < cols; j++)
            y[j] = t[j] * (y[j] * inv_g + next[j]);
    }
}

/* z = (Aw + D)^-1 f for BLOCK word lines side by side: a line alone would wait for each of
 * its own results. */
enum { BLOCK = 8 };

static inline void sweep_word_block(const struct ow_lines *l, size_t i, size_t n_line,
                                    const double f[], double z[])
{
    const size_t cols = l->cols;
    const double inv_g = 1.0 / l->g_word;
    const double *t = l->t_word + i * cols;
    double y[BLOCK] = {0.0};
    f += i * cols;
    z += i * cols;
    for (size_t k = 0; k < n_line; k++)
        z[k * cols] = y[k] = f[k * cols];
    for (size_t j = 1; j < cols; j++)
        for (size_t k = 0; k < n_line; k++)
            z[k * cols + j] = y[k] = f[k * cols + j] + t[k * cols + j - 1] * y[k];
    for (size_t k = 0; k < n_line; k++)
        y[k] = 0.0;
    for (size_t j = cols; j-- > 0;)
        for (size_t k = 0; k < n_line; k++)
            z[k * cols + j] = y[k] = t[k * cols + j] * (z[k * cols + j] * inv_g + y[k]);
}

static void sweep_word(const struct ow_lines *l, const double f[], double z[])
{
    size_t i = 0;
    for (; i + BLOCK <= l->rows; i += BLOCK)
        sweep_word_block(l, i, BLOCK, f, z);
    if (i < l->rows)
        sweep_word_block(l, i, l->rows - i, f, z);
}

/* ---- solution ------------------------------------------------------------------------ */

static double dot(const double a[], const double b[], size_t n)
{
    double sum[4] = {0.0, 0.0, 0.0, 0.0};
    size_t k = 0;
    for (; k + 4 <= n; k += 4)
        for (size_t lane = 0; lane < 4; lane++)
            sum[lane] += a[k + lane] * b[k + lane];
    for (; k < n; k++)
        sum[0] += a[k] * b[k];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* sum (weight e)^2, or sum e^2 without weights. */
static double square(const double e[], const double weight[], size_t n)
{
    if (!weight)
        return dot(e, e, n);
    double sum[4] = {0.0, 0.0, 0.0, 0.0};
    size_t k = 0;
    for (; k + 4 <= n; k += 4)
        for (size_t lane = 0; lane < 4; lane++) {
            const double t = e[k + lane] * weight[k + lane];
            sum[lane] += t * t;
        }
    for (; k < n; k++)
        sum[0] += e[k] * weight[k] * e[k] * weight[k];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* b = (Ab + D)^-1 (extra + D w); extra may be NULL. */
static void bit_lines(struct ow_lines *l, const double *extra, const double w[])
{
    const size_t n_b = l->n_chain * l->cols;
    for (size_t k = 0; k < l->n; k++)
        l->b[k] = l->d[k] * w[k];
    memset(l->b + l->n, 0, (n_b - l->n) * sizeof *l->b);
    for (size_t k = 0; extra && k < n_b; k++)
        l->b[k] += extra[k];
    sweep_bit(l, l->b);
}

enum { MOST_ITERATIONS = 300 };

/* S w = r for l->r, which is spoilt; the answer is written to w. */
static bool conjugate_gradients(struct ow_lines *l, const double weight[], double tol,
                                double w[])
{
    const size_t n = l->n;
    double *r = l->r, *z = l->z, *p = l->p, *u = l->u;
    double rz_before = 1.0, norm_w = 0.0;
    memset(w, 0, n * sizeof *w);
    for (int k = 0; k < MOST_ITERATIONS; k++) {
        sweep_word(l, r, z);
        /* z estimates the error that is left: P is S but for the bit lines' sag */
        const double left = square(z, weight, n);
        if (left <= tol * tol * (weight ? 1.0 : norm_w))
            return true;
        const double rz = dot(r, z, n), beta = k ? rz / rz_before : 0.0;
        if (!isfinite(rz))
            return false;
        rz_before = rz;
        if (k == 0) {
            memcpy(p, z, n * sizeof *p);
            memcpy(u, r, n * sizeof *u);
        } else
            for (size_t m = 0; m < n; m++) {
                p[m] = z[m] + beta * p[m];
                u[m] = r[m] + beta * u[m]; /* = P p */
            }
        bit_lines(l, NULL, p);
        for (size_t m = 0; m < n; m++)
            l->b[m] = u[m] - l->d[m] * l->b[m]; /* = S p */
        const double curvature = dot(p, l->b, n);
        if (!(curvature > 0.0)) /* indefinite, or nothing to do */
            return rz == 0.0;
        const double alpha = rz / curvature;
        for (size_t m = 0; m < n; m++) {
            w[m] += alpha * p[m];
            r[m] -= alpha * l->b[m];
        }
        if (!weight)
            norm_w = dot(w, w, n);
        l->iterations++;
    }
    return false;
}

/* The amplifiers' right-hand sides onto the sense inputs. */
static void fold_rhs(struct ow_lines *l, double in[], const double inner[], const double out[])
{
    for (size_t j = 0; j < l->cols; j++) {
        const struct folded *f = &l->amp[j];
        l->f_inner[j] = inner[j];
        l->f_out[j] = out[j] + f->k_inner * inner[j] / f->a_own;
        in[j] += f->k_back * l->f_out[j] / f->c_out;
    }
}

static void unfold(const struct ow_lines *l, const double in[], double inner[], double out[])
{
    for (size_t j = 0; j < l->cols; j++) {
        const struct folded *f = &l->amp[j];
        out[j] = (l->f_out[j] + f->k_in * in[j]) / f->c_out;
        inner[j] = (l->f_inner[j] + f->a_in * in[j]) / f->a_own;
    }
}

bool ow_lines_solve(struct ow_lines *l, double rhs[], const double weight[], double tol)
{
    const struct ow_circuit *ckt = l->sys->circuit;
    const size_t n = l->n, n_b = l->n_chain * l->cols;
    double *w = rhs + (ckt->wline - ckt->first_free);
    double *b = rhs + (ckt->bline - ckt->first_free);
    double *in = b + n, *inner = in + l->cols, *out = inner + l->cols;
    if (ckt->n_amp)
        fold_rhs(l, in, inner, out);
    memcpy(l->b, b, n_b * sizeof *b);
    sweep_bit(l, l->b);
    for (size_t k = 0; k < n; k++)
        l->r[k] = w[k] + l->d[k] * l->b[k];
    if (!conjugate_gradients(l, weight ? weight + (ckt->wline - ckt->first_free) : NULL, tol,
                             w))
        return false;
    bit_lines(l, b, w);
    memcpy(b, l->b, n_b * sizeof *b);
    if (ckt->n_amp)
        unfold(l, in, inner, out);
    return true;
}
