#include "ow_direct.h"

#include <limits.h>
#include <stdlib.h>
#include <suitesparse/klu.h>

struct ow_direct {
    int rows, cols, n; /* n: cells */
    int *column, *row; /* CSC, word lines first */
    double *value;
    klu_common common;
    klu_symbolic *symbolic;
    klu_numeric *numeric;
};

/* Pattern, column by column: a node's own, its neighbours on the line, and the node across
 * its cell. */
static void fill_pattern(struct ow_direct *s)
{
    int nnz = 0;
    for (int k = 0; k < 2 * s->n; k++) {
        const bool is_bit = k >= s->n;
        const int cell = is_bit ? k - s->n : k;
        const int step = is_bit ? s->cols : 1;
        const int place = is_bit ? cell / s->cols : cell % s->cols;
        const int length = is_bit ? s->rows : s->cols;
        s->column[k] = nnz;
        if (is_bit)
            s->row[nnz++] = cell;
        if (place > 0)
            s->row[nnz++] = k - step;
        s->row[nnz++] = k;
        if (place + 1 < length)
            s->row[nnz++] = k + step;
        if (!is_bit)
            s->row[nnz++] = cell + s->n;
    }
    s->column[2 * s->n] = nnz;
}

enum ow_status ow_direct_create(size_t rows, size_t cols, struct ow_direct **out)
{
    if (rows > INT_MAX / 8 / cols)
        return OW_ERR_SOLVER;
    const size_t n = rows * cols;
    struct ow_direct *s = calloc(1, sizeof *s);
    if (!s)
        return OW_ERR_NOMEM;
    *s = (struct ow_direct){.rows = (int)rows, .cols = (int)cols, .n = (int)n};
    s->column = malloc((2 * n + 1) * sizeof *s->column);
    s->row = malloc(8 * n * sizeof *s->row);
    s->value = malloc(8 * n * sizeof *s->value);
    if (!s->column || !s->row || !s->value)
        goto fail;
    fill_pattern(s);
    klu_defaults(&s->common);
    s->symbolic = klu_analyze(2 * s->n, s->column, s->row, &s->common);
    if (!s->symbolic)
        goto fail;
    *out = s;
    return OW_OK;
fail:
    ow_direct_destroy(s);
    return OW_ERR_NOMEM;
}

void ow_direct_destroy(struct ow_direct *s)
{
    if (!s)
        return;
    if (s->numeric)
        klu_free_numeric(&s->numeric, &s->common);
    if (s->symbolic)
        klu_free_symbolic(&s->symbolic, &s->common);
    free(s->column);
    free(s->row);
    free(s->value);
    free(s);
}

static void fill_values(struct ow_direct *s, const struct ow_grid *grid)
{
    for (int k = 0; k < 2 * s->n; k++) {
        const bool is_bit = k >= s->n;
        const int cell = is_bit ? k - s->n : k, i = cell / s->cols, j = cell % s->cols;
        const double g = is_bit ? grid->g_bit : grid->g_word;
        double own = grid->d[cell] + (is_bit ? grid->c_bit : grid->c_word);
        int diagonal = 0;
        if (!is_bit && j == 0)
            own += grid->source[i];
        if (is_bit && i + 1 == s->rows)
            own += grid->end[j];
        for (int at = s->column[k]; at < s->column[k + 1]; at++) {
            const int other = s->row[at];
            if (other == k)
                diagonal = at;
            else if ((other >= s->n) != is_bit)
                s->value[at] = -grid->d[cell];
            else {
                s->value[at] = -g;
                own += g;
            }
        }
        s->value[diagonal] = own;
    }
}

enum ow_status ow_direct_factor(struct ow_direct *s, const struct ow_grid *grid)
{
    fill_values(s, grid);
    if (s->numeric &&
        klu_refactor(s->column, s->row, s->value, s->symbolic, s->numeric, &s->common))
        return OW_OK;
    if (s->numeric)
        klu_free_numeric(&s->numeric, &s->common);
    s->numeric = klu_factor(s->column, s->row, s->value, s->symbolic, &s->common);
    if (s->numeric)
        return OW_OK;
    return s->common.status == KLU_SINGULAR ? OW_ERR_SOLVER : OW_ERR_NOMEM;
}

void ow_direct_solve(struct ow_direct *s, double rhs[])
{
    klu_solve(s->symbolic, s->numeric, 2 * s->n, 1, rhs, &s->common);
}
