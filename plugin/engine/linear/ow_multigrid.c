#include "ow_multigrid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_direct.h"
#include "ow_kernel.h"

enum { FACTOR = 4, COARSEST = 64 * 64, TINY = 16 * 16, SHORT = 16, MOST_LEVELS = 16 };

/* Fine index k lies between coarse indices at[k] and at[k] + 1, with this much of the first;
 * first[c] .. first[c + 1] are those with at[k] = c. */
struct axis {
    size_t n_fine, n_coarse, factor;
    size_t *at;    /* [n_fine]       */
    float *share;  /* [n_fine]       */
    size_t *first; /* [n_coarse + 1] */
};

struct level {
    struct ow_lines *lines; /* of the finest level borrowed, of the others owned  */
    struct axis row, col;   /* to the next level                                  */
    float *left;            /* [rows][stride] what is left to do                  */
    float *r, *e;           /* [rows][stride] of the coarser levels               */
    float *wide;            /* two rows of every thread                           */
};

struct ow_multigrid {
    size_t n_made;  /* levels that there are              */
    size_t n_level; /* of them in use; 0: before factors  */
    struct level level[MOST_LEVELS];
    struct ow_direct *direct;    /* the coarsest level */
    double *source, *end, *cell; /* its values         */
    double *rhs;                 /* [2][rows][cols]    */
};

/* ---- life ---------------------------------------------------------------------------- */

static bool axis_create(struct axis *a, size_t n)
{
    a->n_fine = n;
    a->factor = n > SHORT ? FACTOR : 1;
    a->n_coarse = (n + a->factor - 1) / a->factor;
    a->at = malloc(n * sizeof *a->at);
    a->share = malloc(n * sizeof *a->share);
    a->first = calloc(a->n_coarse + 1, sizeof *a->first);
    if (!a->at || !a->share || !a->first)
        return false;
    for (size_t k = 0; k < n; k++) {
        /* place of fine k where coarse centres are 0, 1, ..., held within them */
        double x = ((double)k + 0.5) / (double)a->factor - 0.5;
        x = fmin(fmax(x, 0.0), (double)(a->n_coarse - 1));
        a->at[k] = (size_t)x;
        a->share[k] = (float)(1.0 - (x - (double)a->at[k]));
        a->first[a->at[k] + 1] = k + 1;
    }
    for (size_t c = 0; c < a->n_coarse; c++)
        if (a->first[c + 1] < a->first[c])
            a->first[c + 1] = a->first[c];
    return true;
}

static void coarsest_finish(struct ow_multigrid *mg)
{
    ow_direct_destroy(mg->direct);
    free(mg->source);
    free(mg->end);
    free(mg->cell);
    free(mg->rhs);
    mg->direct = NULL;
    mg->source = mg->end = mg->cell = mg->rhs = NULL;
}

/* Take the first n levels. */
static bool coarsest_create(struct ow_multigrid *mg, size_t n)
{
    const struct ow_lines *l = mg->level[n - 1].lines;
    if (n == mg->n_level)
        return true;
    coarsest_finish(mg);
    mg->n_level = n;
    mg->source = malloc(l->rows * sizeof *mg->source);
    mg->end = malloc(l->cols * sizeof *mg->end);
    mg->cell = malloc(l->rows * l->cols * sizeof *mg->cell);
    mg->rhs = malloc(2 * l->rows * l->cols * sizeof *mg->rhs);
    return mg->source && mg->end && mg->cell && mg->rhs &&
           ow_direct_create(l->rows, l->cols, &mg->direct) == OW_OK;
}

enum ow_status ow_multigrid_create(struct ow_lines *finest, struct ow_multigrid **out)
{
    struct ow_multigrid *mg = calloc(1, sizeof *mg);
    if (!mg)
        return OW_ERR_NOMEM;
    struct ow_lines *lines = finest;
    for (;;) {
        struct level *v = &mg->level[mg->n_made++];
        const bool is_finest = mg->n_made == 1;
        v->lines = lines;
        v->r = is_finest ? NULL : ow_lines_vector(lines);
        v->e = is_finest ? NULL : ow_lines_vector(lines);
        if (!is_finest && (!v->r || !v->e))
            goto fail;
        if (lines->rows * lines->cols <= TINY || mg->n_made == MOST_LEVELS)
            break;
        v->left = ow_lines_vector(lines);
        v->wide = malloc((size_t)lines->n_threads * 2 * lines->cols * sizeof *v->wide);
        if (!v->left || !v->wide || !axis_create(&v->row, lines->rows) ||
            !axis_create(&v->col, lines->cols))
            goto fail;
        lines = ow_lines_create(v->row.n_coarse, v->col.n_coarse, lines->n_threads);
        if (!lines)
            goto fail;
    }
    *out = mg;
    return OW_OK;
fail:
    ow_multigrid_destroy(mg);
    return OW_ERR_NOMEM;
}

static void axis_finish(struct axis *a)
{
    free(a->at);
    free(a->share);
    free(a->first);
}

void ow_multigrid_destroy(struct ow_multigrid *mg)
{
    if (!mg)
        return;
    for (size_t k = 0; k < mg->n_made; k++) {
        struct level *v = &mg->level[k];
        if (k > 0)
            ow_lines_destroy(v->lines);
        axis_finish(&v->row);
        axis_finish(&v->col);
        free(v->left);
        free(v->r);
        free(v->e);
        free(v->wide);
    }
    coarsest_finish(mg);
    free(mg);
}

/* ---- coarser crossbars ----------------------------------------------------------------- */

/* g in series with half a block of line on the way to the block's centre. */
static float lengthen(float g, float g_line, size_t factor)
{
    return g / (1.0f + 0.5f * (float)(factor - 1) * g / g_line);
}

OW_CLONES static void sum_cells(const struct level *v, struct ow_lines *c, size_t coarse_row)
{
    const struct ow_lines *l = v->lines;
    const size_t fr = v->row.factor, fc = v->col.factor, begin = coarse_row * fr;
    const size_t end = begin + fr < l->rows ? begin + fr : l->rows;
    float *d = c->d + coarse_row * c->stride;
    memset(d, 0, c->cols * sizeof *d);
    for (size_t i = begin; i < end; i++) {
        const float *fine = l->d + i * l->stride;
        const size_t n_full = l->cols / fc;
        for (size_t j = 0; j < n_full; j++)
            for (size_t m = 0; m < fc; m++)
                d[j] += fine[j * fc + m];
        for (size_t j = n_full * fc; j < l->cols; j++)
            d[n_full] += fine[j];
    }
}

static void coarsen(const struct level *v, struct ow_lines *c)
{
    const struct ow_lines *l = v->lines;
    const size_t fr = v->row.factor, fc = v->col.factor;
    const float ratio = (float)fr / (float)fc, block = (float)(fr * fc);
    c->g_word = l->g_word * ratio;
    c->g_bit = l->g_bit / ratio;
    c->c_word = l->c_word * block;
    c->c_bit = l->c_bit * block;
    memset(c->source, 0, c->rows * sizeof *c->source);
    memset(c->end, 0, c->cols * sizeof *c->end);
    for (size_t i = 0; i < l->rows; i++)
        c->source[i / fr] += lengthen(l->source[i], l->g_word, fc);
    for (size_t j = 0; j < l->cols; j++)
        c->end[j / fc] += lengthen(l->end[j], l->g_bit, fr);
    OW_SWEEP(l->n_threads, i, c->rows, 1, sum_cells(v, c, i));
}

static bool factor_coarsest(struct ow_multigrid *mg)
{
    const struct ow_lines *l = mg->level[mg->n_level - 1].lines;
    for (size_t i = 0; i < l->rows; i++) {
        mg->source[i] = (double)l->source[i];
        for (size_t j = 0; j < l->cols; j++)
            mg->cell[i * l->cols + j] = (double)l->d[i * l->stride + j];
    }
    for (size_t j = 0; j < l->cols; j++)
        mg->end[j] = (double)l->end[j];
    const struct ow_grid grid = {.rows = l->rows,
                                 .cols = l->cols,
                                 .g_word = (double)l->g_word,
                                 .g_bit = (double)l->g_bit,
                                 .c_word = (double)l->c_word,
                                 .c_bit = (double)l->c_bit,
                                 .source = mg->source,
                                 .end = mg->end,
                                 .d = mg->cell,
                                 .d_scale = 1.0};
    return ow_direct_factor(mg->direct, &grid) == OW_OK;
}

/* Is this level the last?  Its cells' mean stands for all of them. */
static bool is_coarsest(const struct ow_lines *l)
{
    const size_t n = l->rows * l->cols;
    double sum = 0.0;
    for (size_t k = 0; n <= COARSEST && k < l->size; k++)
        sum += (double)l->d[k];
    return n <= TINY || (n <= COARSEST && sum > (double)l->g_bit * (double)n);
}

bool ow_multigrid_factor(struct ow_multigrid *mg)
{
    size_t k = 0;
    for (; k + 1 < mg->n_made && !is_coarsest(mg->level[k].lines); k++) {
        coarsen(&mg->level[k], mg->level[k + 1].lines);
        if (!ow_lines_factor(mg->level[k + 1].lines))
            return false;
    }
    return coarsest_create(mg, k + 1) && factor_coarsest(mg);
}

/* ---- the cycle ------------------------------------------------------------------------- */

/* One row of coarse = transposed interpolation of fine; sum[fine cols] is workspace. */
OW_CLONES static void restrict_row(const struct level *v, size_t c, const float fine[],
                                   float coarse[], float sum[])
{
    const struct axis *row = &v->row, *col = &v->col;
    memset(sum, 0, col->n_fine * sizeof *sum);
    for (size_t i = row->first[c ? c - 1 : 0]; i < row->first[c + 1]; i++) {
        const float share = row->at[i] == c ? row->share[i] : 1.0f - row->share[i];
        const float *f = fine + i * v->lines->stride;
        for (size_t j = 0; j < col->n_fine; j++)
            sum[j] += share * f[j];
    }
    float carried = 0.0f; /* what the interval before leaves to its second end */
    for (size_t m = 0; m < col->n_coarse; m++) {
        float first = carried, second = 0.0f;
        for (size_t j = col->first[m]; j < col->first[m + 1]; j++) {
            first += col->share[j] * sum[j];
            second += (1.0f - col->share[j]) * sum[j];
        }
        coarse[m] = first;
        carried = second;
    }
}

/* A coarse row interpolated along itself. */
static void widen(const struct axis *col, const float coarse[], float wide[])
{
    for (size_t m = 0; m < col->n_coarse; m++) {
        const float here = coarse[m], next = m + 1 < col->n_coarse ? coarse[m + 1] : here;
        for (size_t j = col->first[m]; j < col->first[m + 1]; j++)
            wide[j] = next + col->share[j] * (here - next);
    }
}

/* fine += interpolation of coarse, on the rows between coarse rows c and c + 1. */
OW_CLONES static void prolong_rows(const struct level *v, const struct ow_lines *coarse_lines,
                                   size_t c, const float coarse[], float fine[], float wide[])
{
    const struct axis *row = &v->row;
    const size_t n = v->col.n_fine;
    const float *here = coarse + c * coarse_lines->stride;
    float *next_wide = wide + n;
    widen(&v->col, here, wide);
    widen(&v->col, c + 1 < row->n_coarse ? here + coarse_lines->stride : here, next_wide);
    for (size_t i = row->first[c]; i < row->first[c + 1]; i++) {
        const float share = row->share[i];
        float *f = fine + i * v->lines->stride;
        for (size_t j = 0; j < n; j++)
            f[j] += next_wide[j] + share * (wide[j] - next_wide[j]);
    }
}

static float *wide_of(const struct level *v)
{
    return v->wide + ow_thread(v->lines->n_threads) * 2 * v->col.n_fine;
}

static void solve_coarsest(struct ow_multigrid *mg, const float r[], float e[])
{
    const struct ow_lines *l = mg->level[mg->n_level - 1].lines;
    const size_t n = l->rows * l->cols;
    for (size_t k = 0; k < n; k++)
        mg->rhs[k] = (double)r[k / l->cols * l->stride + k % l->cols];
    memset(mg->rhs + n, 0, n * sizeof *mg->rhs);
    ow_direct_solve(mg->direct, mg->rhs);
    for (size_t k = 0; k < n; k++)
        e[k / l->cols * l->stride + k % l->cols] = (float)mg->rhs[k];
}

static void cycle(struct ow_multigrid *mg, size_t k, const float r[], float e[])
{
    if (k + 1 == mg->n_level) {
        solve_coarsest(mg, r, e);
        return;
    }
    struct level *v = &mg->level[k], *c = &mg->level[k + 1];
    const int n_threads = v->lines->n_threads;
    ow_lines_word(v->lines, r, false, e);
    ow_lines_residual_after_word(v->lines, e, v->left);
    OW_SWEEP(n_threads, i, v->row.n_coarse, 1,
             restrict_row(v, i, v->left, c->r + i * c->lines->stride, wide_of(v)));
    cycle(mg, k + 1, c->r, c->e);
    OW_SWEEP(n_threads, i, v->row.n_coarse, 1,
             prolong_rows(v, c->lines, i, c->e, e, wide_of(v)));
    ow_lines_residual(v->lines, r, e, v->left);
    ow_lines_word(v->lines, v->left, true, e);
}

void ow_multigrid_cycle(struct ow_multigrid *mg, const float r[], float e[])
{
    cycle(mg, 0, r, e);
}
