#include "ow_gradients.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_kernel.h"

enum { MOST_ITERATIONS = 400 };

enum ow_status ow_gradients_init(struct ow_gradients *cg, const struct ow_lines *lines)
{
    *cg = (struct ow_gradients){.lines = lines};
    cg->x = ow_lines_vector(lines);
    cg->r = ow_lines_vector(lines);
    cg->z = ow_lines_vector(lines);
    cg->p = ow_lines_vector(lines);
    cg->q = ow_lines_vector(lines);
    cg->sum = malloc((ow_chunks(lines->size) + lines->rows) * sizeof *cg->sum);
    if (cg->x && cg->r && cg->z && cg->p && cg->q && cg->sum)
        return OW_OK;
    ow_gradients_finish(cg);
    return OW_ERR_NOMEM;
}

void ow_gradients_finish(struct ow_gradients *cg)
{
    free(cg->x);
    free(cg->r);
    free(cg->z);
    free(cg->p);
    free(cg->q);
    free(cg->sum);
    *cg = (struct ow_gradients){0};
}

/* ---- vectors --------------------------------------------------------------------------- */

OW_CLONES static double dot_chunk(const float a[], const float b[], size_t n)
{
    enum { LANES = 16 };
    double sum[LANES] = {0.0}, all = 0.0;
    size_t k = 0;
    for (; k + LANES <= n; k += LANES)
        for (size_t m = 0; m < LANES; m++)
            sum[m] += (double)a[k + m] * (double)b[k + m];
    for (; k < n; k++)
        all += (double)a[k] * (double)b[k];
    for (size_t m = 0; m < LANES; m++)
        all += sum[m];
    return all;
}

static double dot(const struct ow_gradients *cg, const float a[], const float b[])
{
    const size_t n = cg->lines->size, n_chunk = ow_chunks(n);
    OW_SWEEP(cg->lines->n_threads, c, n_chunk, 1,
             cg->sum[c] = dot_chunk(a + c * OW_CHUNK, b + c * OW_CHUNK, ow_chunk_length(n, c)));
    return ow_total(cg->sum, n_chunk);
}

/* sum (weight z)^2 */
OW_CLONES static double weighted_row(const float z[], const double word[], const double bit[],
                                     double follow, size_t n)
{
    enum { LANES = 8 };
    double sum[LANES] = {0.0}, all = 0.0;
    size_t k = 0;
    for (; k + LANES <= n; k += LANES)
        for (size_t m = 0; m < LANES; m++) {
            const double follows = follow * bit[k + m];
            const double e = (double)z[k + m] * (word[k + m] > follows ? word[k + m] : follows);
            sum[m] += e * e;
        }
    for (; k < n; k++) {
        const double e = (double)z[k] * fmax(word[k], follow * bit[k]);
        all += e * e;
    }
    for (size_t m = 0; m < LANES; m++)
        all += sum[m];
    return all;
}

static double weighted(const struct ow_gradients *cg, const struct ow_gradients_goal *goal)
{
    const struct ow_lines *l = cg->lines;
    OW_SWEEP(l->n_threads, i, l->rows, 1,
             cg->sum[i] = weighted_row(cg->z + i * l->stride, goal->word + i * l->cols,
                                       goal->bit + i * l->cols, goal->follow, l->cols));
    return ow_total(cg->sum, l->rows);
}

static void swap(float **a, float **b)
{
    float *c = *a;
    *a = *b;
    *b = c;
}

/* p = z + beta p */
OW_CLONES static void turn_chunk(float p[], const float z[], float beta, size_t n)
{
    for (size_t k = 0; k < n; k++)
        p[k] = z[k] + beta * p[k];
}

static void turn(const struct ow_gradients *cg, double beta)
{
    const size_t n = cg->lines->size, n_chunk = ow_chunks(n);
    OW_SWEEP(cg->lines->n_threads, c, n_chunk, 1,
             turn_chunk(cg->p + c * OW_CHUNK, cg->z + c * OW_CHUNK, (float)beta,
                        ow_chunk_length(n, c)));
}

/* x += alpha p (of 0, if it is the first), r += alpha q; |r|^2 */
OW_CLONES static double step_chunk(bool is_first, float x[], float r[], const float p[],
                                   const float q[], float alpha, size_t n)
{
    for (size_t k = 0; is_first && k < n; k++)
        x[k] = alpha * p[k];
    for (size_t k = 0; !is_first && k < n; k++)
        x[k] += alpha * p[k];
    for (size_t k = 0; k < n; k++)
        r[k] += alpha * q[k];
    return dot_chunk(r, r, n);
}

static double step(const struct ow_gradients *cg, bool is_first, double alpha)
{
    const size_t n = cg->lines->size, n_chunk = ow_chunks(n);
    OW_SWEEP(cg->lines->n_threads, c, n_chunk, 1, {
        const size_t at = c * OW_CHUNK;
        cg->sum[c] = step_chunk(is_first, cg->x + at, cg->r + at, cg->p + at, cg->q + at,
                                (float)alpha, ow_chunk_length(n, c));
    });
    return ow_total(cg->sum, n_chunk);
}

/* x += z */
OW_CLONES static void add_chunk(float x[], const float z[], size_t n)
{
    for (size_t k = 0; k < n; k++)
        x[k] += z[k];
}

/* ---- iterations -------------------------------------------------------------------------- */

/* x += z, its error as it is estimated, so what is left is less: how much less is not known. */
static void take_estimate(struct ow_gradients *cg)
{
    const size_t n = cg->lines->size, n_chunk = ow_chunks(n);
    if (cg->iterations == 0)
        swap(&cg->x, &cg->z);
    else
        OW_SWEEP(cg->lines->n_threads, c, n_chunk, 1,
                 add_chunk(cg->x + c * OW_CHUNK, cg->z + c * OW_CHUNK, ow_chunk_length(n, c)));
}

enum ow_gradients_end ow_gradients_solve(struct ow_gradients *cg,
                                         const struct ow_gradients_goal *goal)
{
    const double goal_rr = goal->reduction * goal->reduction * dot(cg, cg->r, cg->r);
    double rz_before = 1.0;
    cg->iterations = 0;
    if (goal_rr == 0.0) {
        memset(cg->x, 0, cg->lines->size * sizeof *cg->x);
        return OW_GRADIENTS_REDUCED;
    }
    while (cg->iterations < MOST_ITERATIONS) {
        if (cg->mg)
            ow_multigrid_cycle(cg->mg, cg->r, cg->z);
        else
            ow_lines_word(cg->lines, cg->r, false, cg->z);
        if (goal->word && goal->scale * sqrt(weighted(cg, goal)) <= goal->tol) {
            take_estimate(cg);
            return OW_GRADIENTS_WITHIN_TOL;
        }
        const double rz = dot(cg, cg->r, cg->z);
        if (!(rz > 0.0 && isfinite(rz)))
            return OW_GRADIENTS_BROKE;
        const bool is_first = cg->iterations == 0;
        if (is_first)
            swap(&cg->p, &cg->z); /* p = z */
        else
            turn(cg, rz / rz_before);
        rz_before = rz;
        const double curvature = -ow_lines_residual(cg->lines, NULL, cg->p, cg->q);
        if (!(curvature > 0.0))
            return OW_GRADIENTS_BROKE;
        const double rr = step(cg, is_first, rz / curvature);
        cg->iterations++;
        if (rr <= goal_rr)
            return OW_GRADIENTS_REDUCED;
    }
    return OW_GRADIENTS_SLOW;
}
