#include "ow_multigrid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <suitesparse/klu.h>

enum { FACTOR = 4, COARSEST = 64 * 64, SHORT = 16, MOST_LEVELS = 12 };

/* Fine index k lies between coarse indices at[k] and at[k] + 1, with this much of the first. */
struct axis {
    size_t n_fine, n_coarse, factor;
    size_t *at;    /* [n_fine] */
    double *share; /* [n_fine] */
};

struct level {
    struct ow_lines *lines; /* of the finest level borrowed, of the others owned */
    struct axis row, col;   /* to the next level                                 */
    double *product, *work; /* [n]                                               */
    double *r, *e;          /* [n] of the coarser levels                         */
    double *between;        /* [rows][coarse cols]                               */
};

struct ow_multigrid {
    size_t n_level;
    struct level level[MOST_LEVELS];

    /* The coarsest level, w and b together. */
    int *column, *row;
    double *value, *rhs;
    klu_common common;
    klu_symbolic *symbolic;
    klu_numeric *numeric;
};

/* ---- life ---------------------------------------------------------------------------- */

static bool axis_create(struct axis *a, size_t n)
{
    a->n_fine = n;
    a->factor = n > SHORT ? FACTOR : 1;
    a->n_coarse = (n + a->factor - 1) / a->factor;
    a->at = malloc(n * sizeof *a->at);
    a->share = malloc(n * sizeof *a->share);
    if (!a->at || !a->share)
        return false;
    for (size_t k = 0; k < n; k++) {
        /* place of fine k where coarse centres are 0, 1, ..., held within them */
        double x = ((double)k + 0.5) / (double)a->factor - 0.5;
        x = fmin(fmax(x, 0.0), (double)(a->n_coarse - 1));
        const size_t at = (size_t)x < a->n_coarse - 1 ? (size_t)x : a->n_coarse - 1;
        a->at[k] = at;
        a->share[k] = 1.0 - (x - (double)at);
    }
    return true;
}

static void level_finish(struct level *v, bool is_finest)
{
    if (!is_finest)
        ow_lines_destroy(v->lines);
    free(v->row.at);
    free(v->row.share);
    free(v->col.at);
    free(v->col.share);
    free(v->product);
    free(v->work);
    free(v->r);
    free(v->e);
    free(v->between);
}

/* Pattern of [Aw + D, -D; -D, Ab + D], column by column: a node's own, its neighbours on the
 * line, and the node across its cell. */
static bool coarsest_create(struct ow_multigrid *mg)
{
    const struct ow_lines *l = mg->level[mg->n_level - 1].lines;
    const int rows = (int)l->rows, cols = (int)l->cols, n = (int)l->n;
    mg->column = malloc((2 * l->n + 1) * sizeof *mg->column);
    mg->row = malloc(8 * l->n * sizeof *mg->row);
    mg->value = malloc(8 * l->n * sizeof *mg->value);
    mg->rhs = malloc(2 * l->n * sizeof *mg->rhs);
    if (!mg->column || !mg->row || !mg->value || !mg->rhs)
        return false;
    int nnz = 0;
    for (int k = 0; k < 2 * n; k++) {
        const bool is_bit = k >= n;
        const int cell = is_bit ? k - n : k;
        const int step = is_bit ? cols : 1;
        const int place = is_bit ? cell / cols : cell % cols;
        const int length = is_bit ? rows : cols;
        mg->column[k] = nnz;
        if (is_bit)
            mg->row[nnz++] = cell;
        if (place > 0)
            mg->row[nnz++] = k - step;
        mg->row[nnz++] = k;
        if (place + 1 < length)
            mg->row[nnz++] = k + step;
        if (!is_bit)
            mg->row[nnz++] = cell + n;
    }
    mg->column[2 * n] = nnz;
    klu_defaults(&mg->common);
    mg->symbolic = klu_analyze(2 * n, mg->column, mg->row, &mg->common);
    return mg->symbolic != NULL;
}

enum ow_status ow_multigrid_create(struct ow_lines *finest, struct ow_multigrid **out)
{
    struct ow_multigrid *mg = calloc(1, sizeof *mg);
    if (!mg)
        return OW_ERR_NOMEM;
    struct ow_lines *lines = finest;
    for (;;) {
        struct level *v = &mg->level[mg->n_level++];
        v->lines = lines;
        v->product = malloc(lines->n * sizeof *v->product);
        v->work = malloc(lines->n * sizeof *v->work);
        v->r = malloc(lines->n * sizeof *v->r);
        v->e = malloc(lines->n * sizeof *v->e);
        if (!v->product || !v->work || !v->r || !v->e)
            goto fail;
        if (lines->n <= COARSEST || mg->n_level == MOST_LEVELS)
            break;
        if (!axis_create(&v->row, lines->rows) || !axis_create(&v->col, lines->cols))
            goto fail;
        v->between = malloc(lines->rows * v->col.n_coarse * sizeof *v->between);
        lines = ow_lines_create(v->row.n_coarse, v->col.n_coarse);
        if (!v->between || !lines) {
            ow_lines_destroy(lines);
            goto fail;
        }
    }
    if (!coarsest_create(mg))
        goto fail;
    *out = mg;
    return OW_OK;
fail:
    ow_multigrid_destroy(mg);
    return OW_ERR_NOMEM;
}

void ow_multigrid_destroy(struct ow_multigrid *mg)
{
    if (!mg)
        return;
    if (mg->numeric)
        klu_free_numeric(&mg->numeric, &mg->common);
    if (mg->symbolic)
        klu_free_symbolic(&mg->symbolic, &mg->common);
    for (size_t k = 0; k < mg->n_level; k++)
        level_finish(&mg->level[k], k == 0);
    free(mg->column);
    free(mg->row);
    free(mg->value);
    free(mg->rhs);
    free(mg);
}

/* ---- coarser crossbars ----------------------------------------------------------------- */

/* g in series with half a block of line on the way to the block's centre. */
static double lengthen(double g, double g_line, size_t factor)
{
    return g / (1.0 + 0.5 * (double)(factor - 1) * g / g_line);
}

static void coarsen(const struct level *v, struct ow_lines *c)
{
    const struct ow_lines *l = v->lines;
    const size_t fr = v->row.factor, fc = v->col.factor;
    const double ratio = (double)fr / (double)fc, block = (double)(fr * fc);
    c->g_word = l->g_word * ratio;
    c->g_bit = l->g_bit / ratio;
    c->c_word = l->c_word * block;
    c->c_bit = l->c_bit * block;
    memset(c->source, 0, c->rows * sizeof *c->source);
    memset(c->end, 0, c->cols * sizeof *c->end);
    memset(c->d, 0, c->n * sizeof *c->d);
    for (size_t i = 0; i < l->rows; i++) {
        double *d = c->d + i / fr * c->cols;
        c->source[i / fr] += lengthen(l->source[i], l->g_word, fc);
        for (size_t j = 0; j < l->cols; j++)
            d[j / fc] += l->d[i * l->cols + j];
    }
    for (size_t j = 0; j < l->cols; j++)
        c->end[j / fc] += lengthen(l->end[j], l->g_bit, fr);
}

static bool factor_coarsest(struct ow_multigrid *mg)
{
    const struct ow_lines *l = mg->level[mg->n_level - 1].lines;
    const size_t n = l->n, cols = l->cols;
    for (size_t k = 0; k < 2 * n; k++) {
        const bool is_bit = k >= n;
        const size_t cell = is_bit ? k - n : k, i = cell / cols, j = cell % cols;
        const double g = is_bit ? l->g_bit : l->g_word;
        double own = l->d[cell] + (is_bit ? l->c_bit : l->c_word);
        int self = 0;
        if (!is_bit && j == 0)
            own += l->source[i];
        if (is_bit && i + 1 == l->rows)
            own += l->end[j];
        for (int m = mg->column[k]; m < mg->column[k + 1]; m++) {
            const size_t other = (size_t)mg->row[m];
            if (other == k) {
                self = m;
            } else if ((other >= n) != is_bit) {
                mg->value[m] = -l->d[cell];
            } else {
                mg->value[m] = -g;
                own += g;
            }
        }
        mg->value[self] = own;
    }
    if (mg->numeric)
        klu_free_numeric(&mg->numeric, &mg->common);
    mg->numeric = klu_factor(mg->column, mg->row, mg->value, mg->symbolic, &mg->common);
    return mg->numeric != NULL;
}

bool ow_multigrid_factor(struct ow_multigrid *mg)
{
    for (size_t k = 0; k + 1 < mg->n_level; k++) {
        coarsen(&mg->level[k], mg->level[k + 1].lines);
        if (!ow_lines_factor(mg->level[k + 1].lines))
            return false;
    }
    return factor_coarsest(mg);
}

/* ---- the cycle ------------------------------------------------------------------------- */

/* coarse = transposed interpolation of fine. */
static void restrict_to(const struct level *v, const double fine[], double coarse[])
{
    const size_t cols = v->col.n_fine, n_c = v->col.n_coarse;
    memset(v->between, 0, v->row.n_fine * n_c * sizeof *v->between);
    memset(coarse, 0, v->row.n_coarse * n_c * sizeof *coarse);
    for (size_t i = 0; i < v->row.n_fine; i++) {
        double *b = v->between + i * n_c;
        for (size_t j = 0; j < cols; j++) {
            const double f = fine[i * cols + j], first = f * v->col.share[j];
            b[v->col.at[j]] += first;
            if (first != f)
                b[v->col.at[j] + 1] += f - first;
        }
        const double share = v->row.share[i];
        double *c = coarse + v->row.at[i] * n_c;
        for (size_t j = 0; j < n_c; j++)
            c[j] += share * b[j];
        for (size_t j = 0; share != 1.0 && j < n_c; j++)
            c[n_c + j] += (1.0 - share) * b[j];
    }
}

/* fine += interpolation of coarse. */
static void prolong(const struct level *v, const double coarse[], double fine[])
{
    const size_t cols = v->col.n_fine, n_c = v->col.n_coarse;
    for (size_t i = 0; i < v->row.n_fine; i++) {
        const double share = v->row.share[i];
        const double *c = coarse + v->row.at[i] * n_c;
        const double *next = share != 1.0 ? c + n_c : c;
        double *b = v->between;
        for (size_t j = 0; j < n_c; j++)
            b[j] = share * c[j] + (1.0 - share) * next[j];
        for (size_t j = 0; j < cols; j++) {
            const double first = v->col.share[j];
            const size_t at = v->col.at[j];
            fine[i * cols + j] +=
                first != 1.0 ? first * b[at] + (1.0 - first) * b[at + 1] : b[at];
        }
    }
}

static void solve_coarsest(struct ow_multigrid *mg, const double r[], double e[])
{
    const size_t n = mg->level[mg->n_level - 1].lines->n;
    memcpy(mg->rhs, r, n * sizeof *r);
    memset(mg->rhs + n, 0, n * sizeof *r);
    klu_solve(mg->symbolic, mg->numeric, (int)(2 * n), 1, mg->rhs, &mg->common);
    memcpy(e, mg->rhs, n * sizeof *e);
}

/* product = r - S e */
static void residual(struct level *v, const double r[], const double e[])
{
    ow_lines_product(v->lines, e, v->work, v->product);
    for (size_t k = 0; k < v->lines->n; k++)
        v->product[k] = r[k] - v->product[k];
}

static void cycle(struct ow_multigrid *mg, size_t k, const double r[], double e[])
{
    if (k + 1 == mg->n_level) {
        solve_coarsest(mg, r, e);
        return;
    }
    struct level *v = &mg->level[k], *c = &mg->level[k + 1];
    ow_lines_word(v->lines, r, e);
    residual(v, r, e);
    restrict_to(v, v->product, c->r);
    cycle(mg, k + 1, c->r, c->e);
    prolong(v, c->e, e);
    residual(v, r, e);
    ow_lines_word(v->lines, v->product, v->work);
    for (size_t m = 0; m < v->lines->n; m++)
        e[m] += v->work[m];
}

void ow_multigrid_cycle(struct ow_multigrid *mg, const double r[], double e[])
{
    cycle(mg, 0, r, e);
}
