#include "ow_shorted.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_kernel.h"
#include "ow_pages.h"

/* Columns side by side, whose values of a sweep stay in the cache. */
enum { WIDTH = 64 };

enum { MOST_ITERATIONS = 400, MOST_PASSES = 4 };

struct work {
    const struct ow_shorted *a; /* borrowed */
    int n_threads;
    size_t n_block;
    double *factor;        /* [rows][cols] g/pivot, or [cols] 1/(t + sum d) of single nodes  */
    double *own;           /* [rows] s + sum d                                               */
    double *sweep;         /* [n_threads][rows][WIDTH]                                       */
    double *part;          /* [n_block][rows]: a block's share of every row                  */
    double *r, *z, *p, *q; /* [rows]                                                         */
};

static bool is_chain(const struct ow_shorted *a)
{
    return isfinite(a->g);
}

static size_t width_of(const struct ow_shorted *a, size_t j0)
{
    return a->cols - j0 < WIDTH ? a->cols - j0 : WIDTH;
}

static void work_finish(struct work *k)
{
    free(k->factor);
    free(k->own);
    free(k->sweep);
    free(k->part);
    free(k->r);
    free(k->z);
    free(k->p);
    free(k->q);
}

static bool work_init(struct work *k, const struct ow_shorted *a, int n_threads)
{
    enum { CELLS_FOR_THREADS = 300 * 300 };
    const size_t rows = a->rows;
    *k = (struct work){.a = a, .n_block = (a->cols + WIDTH - 1) / WIDTH};
    k->n_threads = n_threads > 0 ? n_threads : ow_threads();
    if (rows * a->cols < CELLS_FOR_THREADS)
        k->n_threads = 1;
    k->factor = ow_pages_calloc((is_chain(a) ? rows : 1) * a->cols, sizeof *k->factor);
    k->own = calloc(rows, sizeof *k->own);
    k->sweep = calloc((size_t)k->n_threads * rows * WIDTH, sizeof *k->sweep);
    k->part = calloc(k->n_block * rows, sizeof *k->part);
    k->r = calloc(rows, sizeof *k->r);
    k->z = calloc(rows, sizeof *k->z);
    k->p = calloc(rows, sizeof *k->p);
    k->q = calloc(rows, sizeof *k->q);
    return k->factor && k->own && k->sweep && k->part && k->r && k->z && k->p && k->q;
}

/* ---- columns ------------------------------------------------------------------------------
 */

/* Pivots as sums of positive terms: what a node sees behind itself is q, with
 * q[0] = d[0], q[i] = d[i] + g q[i-1]/(g + q[i-1]); a pivot is q + g, at the end q + t. */
OW_CLONES static void factor_chains(const struct work *k, size_t j0, size_t width)
{
    const struct ow_shorted *a = k->a;
    const double g = a->g;
    double behind[WIDTH] = {0.0};
    for (size_t i = 0; i < a->rows; i++) {
        const bool is_last = i + 1 == a->rows;
        const double *d = a->d + i * a->cols + j0;
        double *f = k->factor + i * a->cols + j0;
        for (size_t j = 0; j < width; j++) {
            const double q = behind[j] + d[j], pivot = q + (is_last ? a->t[j0 + j] : g);
            f[j] = pivot > 0.0 ? g / pivot : 0.0; /* a column that floats stands at 0 */
            behind[j] = f[j] * q;
        }
    }
}

OW_CLONES static void factor_nodes(const struct work *k, size_t j0, size_t width)
{
    const struct ow_shorted *a = k->a;
    double sum[WIDTH];
    for (size_t j = 0; j < width; j++)
        sum[j] = a->t[j0 + j];
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < width; j++)
            sum[j] += a->d[i * a->cols + j0 + j];
    for (size_t j = 0; j < width; j++)
        k->factor[j0 + j] = sum[j] > 0.0 ? 1.0 / sum[j] : 0.0; /* 0 if it floats, or is held */
}

/* b = (A + D)^-1 (D x + t e), with e if has_ends, into b (whose rows are `stride` apart) or, if
 * that is NULL, into y, and D b summed up into share[rows]. */
OW_CLONES static void solve_chains(const struct work *k, size_t j0, size_t width,
                                   const double x[], bool has_ends, double y[], double share[])
{
    const struct ow_shorted *a = k->a;
    const double inv_g = 1.0 / a->g;
    double v[WIDTH] = {0.0};
    for (size_t i = 0; i < a->rows; i++) {
        const double *d = a->d + i * a->cols + j0;
        const double *before = k->factor + (i ? i - 1 : 0) * a->cols + j0;
        const double x_i = x[i] * inv_g;
        for (size_t j = 0; j < width; j++)
            v[j] = d[j] * x_i + before[j] * (i ? v[j] : 0.0);
        if (i + 1 == a->rows && has_ends)
            for (size_t j = 0; j < width; j++)
                v[j] += a->t[j0 + j] * a->e[j0 + j] * inv_g;
        memcpy(y + i * WIDTH, v, sizeof v);
    }
    for (size_t j = 0; j < width; j++)
        v[j] = 0.0;
    for (size_t i = a->rows; i-- > 0;) {
        const double *d = a->d + i * a->cols + j0, *f = k->factor + i * a->cols + j0;
        enum { LANES = 8 };
        double sum[LANES] = {0.0};
        for (size_t j = 0; j < width; j++)
            v[j] = f[j] * (y[i * WIDTH + j] + v[j]);
        memcpy(y + i * WIDTH, v, sizeof v);
        size_t j = 0;
        for (; j + LANES <= width; j += LANES)
            for (size_t m = 0; m < LANES; m++)
                sum[m] += d[j + m] * v[j + m];
        for (; j < width; j++)
            sum[0] += d[j] * v[j];
        share[i] = ow_total(sum, LANES);
    }
}

OW_CLONES static void solve_nodes(const struct work *k, size_t j0, size_t width,
                                  const double x[], bool has_ends, double y[], double share[])
{
    const struct ow_shorted *a = k->a;
    double v[WIDTH];
    for (size_t j = 0; j < width; j++)
        v[j] = has_ends && isfinite(a->t[j0 + j]) ? a->t[j0 + j] * a->e[j0 + j] : 0.0;
    for (size_t i = 0; i < a->rows; i++)
        for (size_t j = 0; j < width; j++)
            v[j] += a->d[i * a->cols + j0 + j] * x[i];
    for (size_t j = 0; j < width; j++)
        v[j] = isfinite(a->t[j0 + j]) ? v[j] * k->factor[j0 + j]
               : has_ends             ? a->e[j0 + j]
                                      : 0.0;
    for (size_t i = 0; i < a->rows; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < width; j++)
            sum += a->d[i * a->cols + j0 + j] * v[j];
        share[i] = sum;
        memcpy(y + i * WIDTH, v, width * sizeof *v);
    }
}

static void solve_block(const struct work *k, size_t j0, const double x[], bool has_ends,
                        double *b)
{
    const struct ow_shorted *a = k->a;
    const size_t width = width_of(a, j0);
    double *y = k->sweep + ow_thread(k->n_threads) * a->rows * WIDTH;
    (is_chain(a) ? solve_chains : solve_nodes)(k, j0, width, x, has_ends, y,
                                               k->part + j0 / WIDTH * a->rows);
    for (size_t i = 0; b && i < a->rows; i++)
        memcpy(b + i * a->cols + j0, y + i * WIDTH, width * sizeof *b);
}

/* b as above (NULL: not wanted), and sum[rows] = D b over all columns, in a fixed order. */
static void solve_columns(const struct work *k, const double x[], bool has_ends, double *b,
                          double sum[])
{
    const size_t rows = k->a->rows;
    OW_SWEEP(k->n_threads, j0, k->a->cols, WIDTH, solve_block(k, j0, x, has_ends, b));
    memset(sum, 0, rows * sizeof *sum);
    for (size_t block = 0; block < k->n_block; block++)
        for (size_t i = 0; i < rows; i++)
            sum[i] += k->part[block * rows + i];
}

static void factor(struct work *k)
{
    const struct ow_shorted *a = k->a;
    OW_SWEEP(k->n_threads, j0, a->cols, WIDTH,
             (is_chain(a) ? factor_chains : factor_nodes)(k, j0, width_of(a, j0)));
    OW_SWEEP(k->n_threads, i, a->rows, 1,
             k->own[i] = a->s[i] + ow_total(a->d + i * a->cols, a->cols));
}

/* ---- rows ---------------------------------------------------------------------------------
 */

static double dot(const double a[], const double b[], size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* r = s u + sum D (A + D)^-1 (D x + t e) - (s + sum D) x, what each row is left with. */
static void residual(struct work *k, const double x[], double *b)
{
    const struct ow_shorted *a = k->a;
    solve_columns(k, x, true, b, k->r);
    for (size_t i = 0; i < a->rows; i++)
        k->r[i] += a->s[i] * a->u[i] - k->own[i] * x[i];
}

/* One pass on S dx = r, from 0, until |r| has fallen by 1e-13 or so; dx is added to x.  False
 * if it was no use. */
static bool pass(struct work *k, double x[], int *iterations)
{
    const size_t n = k->a->rows;
    const double goal = 1e-26 * dot(k->r, k->r, n);
    double rz_before = 1.0;
    for (int step = 0; step < MOST_ITERATIONS; step++) {
        for (size_t i = 0; i < n; i++)
            k->z[i] = k->own[i] > 0.0 ? k->r[i] / k->own[i] : 0.0;
        const double rz = dot(k->r, k->z, n);
        if (dot(k->r, k->r, n) <= goal || rz == 0.0)
            return true;
        for (size_t i = 0; i < n; i++)
            k->p[i] = k->z[i] + (step ? rz / rz_before : 0.0) * k->p[i];
        solve_columns(k, k->p, false, NULL, k->q);
        for (size_t i = 0; i < n; i++)
            k->q[i] = k->own[i] * k->p[i] - k->q[i];
        rz_before = rz;
        const double curvature = dot(k->p, k->q, n);
        if (!(curvature > 0.0 && isfinite(rz)))
            return step > 0;
        for (size_t i = 0; i < n; i++) {
            x[i] += rz / curvature * k->p[i];
            k->r[i] -= rz / curvature * k->q[i];
        }
        ++*iterations;
    }
    return false;
}

/* ---- the whole ----------------------------------------------------------------------------
 */

/* Squares of what the nodes of row i are left with, of what goes into them, and of what
 * rounding may make of the largest currents that meet there. */
static void account(const struct work *k, size_t i, const double x[], const double b[],
                    double *left, double *given, double *noise)
{
    const struct ow_shorted *a = k->a;
    const size_t n = a->cols;
    const double *d = a->d + i * n, *v = b + i * n;
    const bool is_held = isinf(a->s[i]);
    double row = is_held ? 0.0 : a->s[i] * (a->u[i] - x[i]), size = 0.0;
    for (size_t j = 0; j < n; j++) {
        const double cell = d[j] * (x[i] - v[j]), end = i + 1 == a->rows ? a->t[j] : 0.0;
        double node = cell, most = d[j] * (fabs(x[i]) + fabs(v[j]));
        row -= cell;
        size += most;
        if (!is_chain(a))
            continue;
        if (i > 0)
            node += a->g * (b[(i - 1) * n + j] - v[j]);
        if (i + 1 < a->rows)
            node += a->g * (v[j + n] - v[j]);
        most += 4.0 * a->g * fabs(v[j]) + end * (fabs(v[j]) + fabs(a->e[j]));
        node += end * (a->e[j] - v[j]);
        *left += node * node;
        *given += end * a->e[j] * end * a->e[j];
        *noise += most * most;
        if (is_held)
            *given += d[j] * x[i] * d[j] * x[i];
    }
    if (is_held)
        return;
    *left += row * row;
    *given += a->s[i] * a->u[i] * a->s[i] * a->u[i];
    size += a->s[i] * (fabs(x[i]) + fabs(a->u[i]));
    *noise += size * size;
}

/* Columns that are single nodes. */
static void account_nodes(const struct work *k, const double x[], const double b[],
                          double *left, double *given, double *noise)
{
    const struct ow_shorted *a = k->a;
    for (size_t j = 0; j < a->cols && !is_chain(a); j++) {
        if (isinf(a->t[j]))
            continue;
        double node = a->t[j] * (a->e[j] - b[j]), most = a->t[j] * (fabs(a->e[j]) + fabs(b[j]));
        double into = a->t[j] * a->e[j];
        for (size_t i = 0; i < a->rows; i++) {
            const double d = a->d[i * a->cols + j];
            node += d * (x[i] - b[j]);
            most += d * (fabs(x[i]) + fabs(b[j]));
            into += isinf(a->s[i]) ? d * x[i] : 0.0;
        }
        *left += node * node;
        *given += into * into;
        *noise += most * most;
    }
}

/* |f - A v| / |f|; sets *is_noise if rounding is all that is left. */
static double relative_residual(const struct work *k, const double x[], const double b[],
                                bool *is_noise)
{
    double left = 0.0, given = 0.0, noise = 0.0;
    for (size_t i = 0; i < k->a->rows; i++)
        account(k, i, x, b, &left, &given, &noise);
    account_nodes(k, x, b, &left, &given, &noise);
    *is_noise = left <= 64.0 * DBL_EPSILON * DBL_EPSILON * noise;
    return left > 0.0 ? sqrt(left / given) : 0.0;
}

/* Rows that are held, or each of which hangs on held columns alone. */
static bool is_closed(const struct ow_shorted *a)
{
    bool are_columns_held = true;
    for (size_t j = 0; j < a->cols; j++)
        are_columns_held = are_columns_held && isinf(a->t[j]);
    return isinf(a->s[0]) || are_columns_held;
}

static enum ow_status find(struct work *k, double x[], double b[],
                           struct ow_shorted_effort *effort)
{
    const struct ow_shorted *a = k->a;
    bool is_noise = false;
    effort->is_closed = is_closed(a);
    factor(k);
    for (size_t i = 0; i < a->rows; i++)
        x[i] = isinf(a->s[i]) ? a->u[i] : 0.0;
    if (isinf(a->s[0])) {
        solve_columns(k, x, true, b, k->r);
        effort->residual = relative_residual(k, x, b, &is_noise);
        return OW_OK;
    }
    residual(k, x, b);
    for (int n = 0; n < MOST_PASSES; n++) {
        const bool is_some_use = pass(k, x, &effort->iterations);
        residual(k, x, b);
        effort->residual = relative_residual(k, x, b, &is_noise);
        if (effort->residual <= 1e-14 || (is_noise && effort->residual <= 1e-6))
            return OW_OK;
        if (!is_some_use)
            break;
    }
    return effort->residual <= 1e-12 ? OW_OK : OW_ERR_SOLVER;
}

enum ow_status ow_shorted_solve(const struct ow_shorted *a, int n_threads, double x[],
                                double b[], struct ow_shorted_effort *effort)
{
    struct work k;
    enum ow_status st = OW_ERR_NOMEM;
    *effort = (struct ow_shorted_effort){0};
    if (work_init(&k, a, n_threads))
        st = find(&k, x, b, effort);
    if (effort->is_closed)
        effort->iterations = 0;
    work_finish(&k);
    return st;
}
