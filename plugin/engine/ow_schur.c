#include "ow_schur.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_lines.h"
#include "ow_multigrid.h"

/* What hangs behind the last segment of one bit line: sense input, and with an amplifier
 * its gain and output nodes.  With K = mass c_f + gamma / r_f:
 *   gain    (mass tau - gamma d_a) a = f_a + gamma d_in in
 *   output  (mass c_out + K + gamma / r_out) out = f_out + K in + gamma / r_out a
 *   input   (g + mass c_in + K) in = f_in + g b_last + K out */
struct folded {
    double y_in;                 /* admittance of the input, all behind it included */
    double k_back;               /* K                                               */
    double k_in, k_inner, c_out; /* of the output: (f_out + k_inner f_a / a_own + k_in in) /
                                    c_out                                           */
    double a_in, a_own;          /* of the gain node: (f_a + a_in in) / a_own       */
    double f_in, f_inner, f_out; /* right-hand sides at hand                        */
};

struct ow_schur {
    const struct ow_system *sys; /* borrowed */
    struct ow_lines *lines;
    struct ow_multigrid *mg;   /* made when it is first wanted */
    bool has_mg;               /* in use for the factors at hand */
    bool has_input;            /* sense inputs are nodes, not ground */
    double follow;             /* how far bit lines can follow word lines, 0 .. 1 */
    struct folded *behind;     /* [cols] */
    double *r, *z, *p, *u, *b; /* [rows][cols] */
};

/* ---- life ---------------------------------------------------------------------------- */

enum ow_status ow_schur_create(const struct ow_system *sys, struct ow_schur **out)
{
    const struct ow_circuit *ckt = sys->circuit;
    const size_t n = sys->n_cell;
    struct ow_schur *s = calloc(1, sizeof *s);
    if (!s)
        return OW_ERR_NOMEM;
    s->sys = sys;
    s->has_input = ckt->sense_in[0] >= ckt->first_free;
    s->lines = ow_lines_create(ckt->xb->rows, ckt->xb->cols);
    s->behind = calloc(ckt->xb->cols, sizeof *s->behind);
    s->r = malloc(n * sizeof *s->r);
    s->z = malloc(n * sizeof *s->z);
    s->p = malloc(n * sizeof *s->p);
    s->u = malloc(n * sizeof *s->u);
    s->b = malloc(n * sizeof *s->b);
    if (!s->lines || !s->behind || !s->r || !s->z || !s->p || !s->u || !s->b) {
        ow_schur_destroy(s);
        return OW_ERR_NOMEM;
    }
    *out = s;
    return OW_OK;
}

void ow_schur_destroy(struct ow_schur *s)
{
    if (!s)
        return;
    ow_multigrid_destroy(s->mg);
    ow_lines_destroy(s->lines);
    free(s->behind);
    free(s->r);
    free(s->z);
    free(s->p);
    free(s->u);
    free(s->b);
    free(s);
}

/* ---- factors ------------------------------------------------------------------------- */

static struct folded fold(const struct ow_linear *lin, size_t j)
{
    const struct ow_circuit *ckt = lin->sys->circuit;
    const struct ow_sense *sense = &ckt->xb->sense;
    const double gamma = lin->gamma;
    struct folded f = {.y_in = lin->mass * ckt->c[ckt->sense_in[j]]};
    if (!ckt->n_amp) {
        f.y_in += gamma / sense->r_f;
        return f;
    }
    const struct ow_amp *amp = &ckt->amp[j];
    double d_in, d_a;
    ow_amp_drive(sense, lin->sys->v_node[amp->in], lin->sys->v_node[amp->inner], &d_in, &d_a);
    f.k_back = lin->mass * sense->c_f + gamma / sense->r_f;
    f.a_own = lin->mass * lin->sys->tau - gamma * d_a;
    f.a_in = gamma * d_in;
    f.k_inner = gamma / sense->r_out;
    f.c_out = lin->mass * ckt->c[amp->out] + f.k_back + f.k_inner;
    f.k_in = f.k_back + f.k_inner * f.a_in / f.a_own;
    f.y_in += f.k_back - f.k_back * f.k_in / f.c_out;
    return f;
}

/* Iterations of the word lines alone grow with sqrt(d / a): what the cells carry against
 * what holds the smoothest bit-line error, its shunts and the wire's whole length.  A V-cycle
 * costs as much as three and a half of them and needs about five. */
static bool wants_multigrid(const struct ow_lines *l)
{
    double d = 0.0;
    for (size_t k = 0; k < l->n; k++)
        d += l->d[k];
    d /= (double)l->n;
    const double a = l->c_bit + l->g_bit * 2.5 / ((double)l->rows * (double)l->rows);
    return d > 60.0 * a;
}

/* The greatest (Ab + D)^-1 D 1: an error of the word lines that is nowhere above e brings
 * none above follow e on the bit lines. */
static double follow_of(struct ow_schur *s)
{
    const struct ow_lines *l = s->lines;
    double most = 0.0;
    memcpy(s->b, l->d, l->n * sizeof *s->b);
    ow_lines_bit(l, s->b);
    for (size_t k = 0; k < l->n; k++)
        most = fmax(most, fabs(s->b[k]));
    return most;
}

bool ow_schur_factor(struct ow_schur *s, const struct ow_linear *lin)
{
    const struct ow_crossbar *xb = s->sys->circuit->xb;
    struct ow_lines *l = s->lines;
    l->g_word = lin->gamma / xb->r_wordline;
    l->g_bit = lin->gamma / xb->r_bitline;
    l->c_word = lin->mass * xb->c_wordline;
    l->c_bit = lin->mass * xb->c_bitline;
    for (size_t i = 0; i < l->rows; i++) /* 0 if the driver is open */
        l->source[i] = lin->gamma / (xb->r_driver + xb->r_wordline);
    for (size_t j = 0; j < l->cols; j++) {
        l->end[j] = l->g_bit;
        if (s->has_input) {
            s->behind[j] = fold(lin, j);
            l->end[j] *= s->behind[j].y_in / (l->g_bit + s->behind[j].y_in);
        }
    }
    for (size_t k = 0; k < l->n; k++)
        l->d[k] = ow_linear_cell(lin, k);
    if (!ow_lines_factor(l))
        return false;
    s->follow = follow_of(s);
    s->has_mg = wants_multigrid(l);
    if (s->has_mg && !s->mg && ow_multigrid_create(l, &s->mg))
        s->has_mg = false;
    if (s->has_mg && !ow_multigrid_factor(s->mg))
        s->has_mg = false;
    return true;
}

/* ---- conjugate gradients --------------------------------------------------------------- */

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

/* sum (weight e)^2 for an error of the word lines and what follows it on the bit lines, the
 * larger of both at every cell; sum e^2 without weights. */
static double square(const struct ow_schur *s, const double e[], const double word[],
                     const double bit[])
{
    const size_t n = s->lines->n;
    if (!word)
        return dot(e, e, n);
    double sum[4] = {0.0, 0.0, 0.0, 0.0};
    size_t k = 0;
    for (; k + 4 <= n; k += 4)
        for (size_t lane = 0; lane < 4; lane++) {
            const double follows = s->follow * bit[k + lane];
            const double t =
                e[k + lane] * (word[k + lane] > follows ? word[k + lane] : follows);
            sum[lane] += t * t;
        }
    for (; k < n; k++) {
        const double t = e[k] * fmax(word[k], s->follow * bit[k]);
        sum[0] += t * t;
    }
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* p = z + beta p, and b = S p.  Behind the word lines P z = r holds, so u = P p follows the
 * recurrence of p and needs no product: S p = u - D (Ab + D)^-1 D p. */
static void direction(struct ow_schur *s, double beta)
{
    const struct ow_lines *l = s->lines;
    const size_t n = l->n;
    if (s->has_mg) {
        for (size_t k = 0; k < n; k++)
            s->p[k] = s->z[k] + beta * s->p[k];
        ow_lines_product(l, s->p, s->u, s->b);
        return;
    }
    for (size_t k = 0; k < n; k++) {
        s->p[k] = s->z[k] + beta * s->p[k];
        s->u[k] = s->r[k] + beta * s->u[k];
        s->b[k] = l->d[k] * s->p[k];
    }
    ow_lines_bit(l, s->b);
    for (size_t k = 0; k < n; k++)
        s->b[k] = s->u[k] - l->d[k] * s->b[k];
}

enum { MOST_ITERATIONS = 300 };

/* S w = r for s->r, which is spoilt.  False if S is not positive definite after all or the
 * iterations run out. */
static bool conjugate_gradients(struct ow_schur *s, const double word[], const double bit[],
                                double tol, double w[])
{
    const size_t n = s->lines->n;
    double rz_before = 1.0, norm_w = 0.0;
    memset(w, 0, n * sizeof *w);
    memset(s->p, 0, n * sizeof *s->p);
    memset(s->u, 0, n * sizeof *s->u);
    for (int k = 0; k < MOST_ITERATIONS; k++) {
        if (s->has_mg)
            ow_multigrid_cycle(s->mg, s->r, s->z);
        else
            ow_lines_word(s->lines, s->r, s->z);
        /* z estimates the error that is left */
        if (square(s, s->z, word, bit) <= tol * tol * (word ? 1.0 : norm_w))
            return true;
        const double rz = dot(s->r, s->z, n);
        if (!(rz > 0.0)) /* also NaN */
            return false;
        direction(s, k ? rz / rz_before : 0.0);
        rz_before = rz;
        const double curvature = dot(s->p, s->b, n);
        if (!(curvature > 0.0))
            return false;
        const double alpha = rz / curvature;
        for (size_t m = 0; m < n; m++) {
            w[m] += alpha * s->p[m];
            s->r[m] -= alpha * s->b[m];
        }
        if (!word)
            norm_w = dot(w, w, n);
    }
    return false;
}

/* ---- solution ------------------------------------------------------------------------ */

/* Right-hand sides behind the bit lines onto their last nodes, and back. */
static void fold_rhs(struct ow_schur *s, double rhs[], double last[])
{
    const struct ow_circuit *ckt = s->sys->circuit;
    const double g = s->lines->g_bit;
    for (size_t j = 0; s->has_input && j < s->lines->cols; j++) {
        struct folded *f = &s->behind[j];
        f->f_in = rhs[ckt->sense_in[j] - ckt->first_free];
        if (ckt->n_amp) {
            f->f_inner = rhs[ckt->amp[j].inner - ckt->first_free];
            f->f_out =
                rhs[ckt->amp[j].out - ckt->first_free] + f->k_inner * f->f_inner / f->a_own;
            f->f_in += f->k_back * f->f_out / f->c_out;
        }
        last[j] += g / (g + f->y_in) * f->f_in;
    }
}

static void unfold(const struct ow_schur *s, const double last[], double rhs[])
{
    const struct ow_circuit *ckt = s->sys->circuit;
    const double g = s->lines->g_bit;
    for (size_t j = 0; s->has_input && j < s->lines->cols; j++) {
        const struct folded *f = &s->behind[j];
        const double in = (f->f_in + g * last[j]) / (g + f->y_in);
        rhs[ckt->sense_in[j] - ckt->first_free] = in;
        if (ckt->n_amp) {
            rhs[ckt->amp[j].out - ckt->first_free] = (f->f_out + f->k_in * in) / f->c_out;
            rhs[ckt->amp[j].inner - ckt->first_free] = (f->f_inner + f->a_in * in) / f->a_own;
        }
    }
}

bool ow_schur_solve(struct ow_schur *s, double rhs[], const double weight[], double tol)
{
    const struct ow_circuit *ckt = s->sys->circuit;
    const struct ow_lines *l = s->lines;
    const size_t n = l->n, at_w = ckt->wline - ckt->first_free;
    const size_t at_b = ckt->bline - ckt->first_free;
    double *w = rhs + at_w, *b = rhs + at_b;
    fold_rhs(s, rhs, b + n - l->cols);
    memcpy(s->b, b, n * sizeof *b);
    ow_lines_bit(l, s->b);
    for (size_t k = 0; k < n; k++)
        s->r[k] = w[k] + l->d[k] * s->b[k];
    if (!conjugate_gradients(s, weight ? weight + at_w : NULL, weight ? weight + at_b : NULL,
                             tol, w))
        return false;
    for (size_t k = 0; k < n; k++)
        b[k] += l->d[k] * w[k];
    ow_lines_bit(l, b);
    unfold(s, b + n - l->cols, rhs);
    return true;
}
