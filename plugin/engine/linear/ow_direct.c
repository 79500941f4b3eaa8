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

/* The order of elimination by nested dissection.  Only word lines cross from column to column
 * and only bit lines from row to row, so a rectangle of cells falls into two without the
 * word-line nodes of its middle column, or the bit-line nodes of its middle row. */
struct order {
    int *node; /* [2 n], n_node so far                                                 */
    int n_node;
    unsigned char *cut; /* [2 n] depth of the cut on which a node is, which comes after both
                           halves; 0: none                                             */
};

static void dissect(const struct ow_direct *s, int i0, int i1, int j0, int j1,
                    unsigned char depth, struct order *o)
{
    enum { SMALL = 2 };
    if (i1 - i0 <= SMALL && j1 - j0 <= SMALL) {
        for (int plane = 0; plane <= s->n; plane += s->n)
            for (int i = i0; i < i1; i++)
                for (int j = j0; j < j1; j++)
                    if (!o->cut[plane + i * s->cols + j])
                        o->node[o->n_node++] = plane + i * s->cols + j;
        return;
    }
    const bool by_column = j1 - j0 > i1 - i0;
    const int middle = by_column ? j0 + (j1 - j0) / 2 : i0 + (i1 - i0) / 2;
    const int first = by_column ? i0 * s->cols + middle : s->n + middle * s->cols + j0;
    const int step = by_column ? s->cols : 1, length = by_column ? i1 - i0 : j1 - j0;
    for (int k = 0; k < length; k++)
        if (!o->cut[first + k * step])
            o->cut[first + k * step] = depth;
    dissect(s, i0, by_column ? i1 : middle, j0, by_column ? middle : j1, depth + 1, o);
    dissect(s, by_column ? i0 : middle, i1, by_column ? middle : j0, j1, depth + 1, o);
    for (int k = 0; k < length; k++)
        if (o->cut[first + k * step] == depth)
            o->node[o->n_node++] = first + k * step;
}

static bool analyse(struct ow_direct *s)
{
    const size_t n = 2 * (size_t)s->n;
    struct order o = {.node = malloc(n * sizeof *o.node), .cut = calloc(n, sizeof *o.cut)};
    if (o.node && o.cut) {
        dissect(s, 0, s->rows, 0, s->cols, 1, &o);
        s->symbolic =
            klu_analyze_given(2 * s->n, s->column, s->row, o.node, o.node, &s->common);
    }
    free(o.node);
    free(o.cut);
    return s->symbolic != NULL;
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
    s->common.btf = 0; /* one block: a permutation to find it would spoil the order */
    if (!analyse(s))
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
        double own = ow_grid_cell(grid, (size_t)cell) + (is_bit ? grid->c_bit : grid->c_word);
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
                s->value[at] = -ow_grid_cell(grid, (size_t)cell);
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
