#include "ow_lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ow_lines *ow_lines_create(size_t rows, size_t cols)
{
    struct ow_lines *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->rows = rows;
    l->cols = cols;
    l->n = rows * cols;
    l->source = malloc(rows * sizeof *l->source);
    l->end = malloc(cols * sizeof *l->end);
    l->d = malloc(l->n * sizeof *l->d);
    l->t_word = malloc(l->n * sizeof *l->t_word);
    l->t_bit = malloc(l->n * sizeof *l->t_bit);
    l->behind = malloc(cols * sizeof *l->behind);
    if (l->source && l->end && l->d && l->t_word && l->t_bit && l->behind)
        return l;
    ow_lines_destroy(l);
    return NULL;
}

void ow_lines_destroy(struct ow_lines *l)
{
    if (!l)
        return;
    free(l->source);
    free(l->end);
    free(l->d);
    free(l->t_word);
    free(l->t_bit);
    free(l->behind);
    free(l);
}

/* All bit lines at once, row by row; behind[j] is g q / (g + q) of the row before. */
static bool factor_bit(struct ow_lines *l)
{
    const size_t cols = l->cols;
    const double g = l->g_bit;
    double *behind = l->behind, least = INFINITY;
    memset(behind, 0, cols * sizeof *behind);
    for (size_t i = 0; i < l->rows; i++) {
        const bool is_last = i + 1 == l->rows;
        double *t = l->t_bit + i * cols;
        const double *d = l->d + i * cols;
        for (size_t j = 0; j < cols; j++) {
            const double q = behind[j] + l->c_bit + d[j] + (is_last ? l->end[j] : 0.0);
            least = q < least ? q : least;
            t[j] = is_last ? g / q : g / (g + q);
            behind[j] = g * q / (g + q);
        }
    }
    return least > 0.0 && isfinite(least);
}

static bool factor_word(struct ow_lines *l)
{
    const double g = l->g_word;
    double least = INFINITY;
    for (size_t i = 0; i < l->rows; i++) {
        const double *d = l->d + i * l->cols;
        double *t = l->t_word + i * l->cols;
        double behind = l->source[i];
        for (size_t j = 0; j < l->cols; j++) {
            const double q = behind + l->c_word + d[j];
            least = q < least ? q : least;
            t[j] = j + 1 < l->cols ? g / (g + q) : g / q;
            behind = g * q / (g + q);
        }
    }
    return least > 0.0 && isfinite(least);
}

bool ow_lines_factor(struct ow_lines *l)
{
    return factor_bit(l) && factor_word(l);
}

void ow_lines_bit(const struct ow_lines *l, double x[])
{
    const size_t cols = l->cols, last = l->rows - 1;
    const double inv_g = 1.0 / l->g_bit;
    for (size_t i = 1; i < l->rows; i++) {
        const double *t = l->t_bit + (i - 1) * cols, *before = x + (i - 1) * cols;
        double *y = x + i * cols;
        for (size_t j = 0; j < cols; j++)
            y[j] += t[j] * before[j];
    }
    for (size_t j = 0; j < cols; j++)
        x[last * cols + j] *= l->t_bit[last * cols + j] * inv_g;
    for (size_t i = last; i-- > 0;) {
        const double *t = l->t_bit + i * cols, *next = x + (i + 1) * cols;
        double *y = x + i * cols;
        for (size_t j = 0; j < cols; j++)
            y[j] = t[j] * (y[j] * inv_g + next[j]);
    }
}

/* BLOCK word lines side by side: a line alone would wait for each of its own results. */
enum { BLOCK = 8 };

static inline void word_block(const struct ow_lines *l, size_t i, size_t n_line,
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

void ow_lines_word(const struct ow_lines *l, const double f[], double z[])
{
    size_t i = 0;
    for (; i + BLOCK <= l->rows; i += BLOCK)
        word_block(l, i, BLOCK, f, z);
    if (i < l->rows)
        word_block(l, i, l->rows - i, f, z);
}

/* out = (Aw + D) p - D b on one word line. */
static void word_product(const struct ow_lines *l, size_t i, const double p[], const double b[],
                         double out[])
{
    const size_t last = l->cols - 1;
    const double g = l->g_word, c = l->c_word;
    const double *d = l->d + i * l->cols;
    for (size_t j = 0; j <= last; j++)
        out[j] = c * p[j] + d[j] * (p[j] - b[j]);
    for (size_t j = 0; j < last; j++)
        out[j] += g * (p[j] - p[j + 1]);
    for (size_t j = 1; j <= last; j++)
        out[j] += g * (p[j] - p[j - 1]);
    out[0] += l->source[i] * p[0];
}

void ow_lines_product(const struct ow_lines *l, const double p[], double b[], double out[])
{
    for (size_t k = 0; k < l->n; k++)
        b[k] = l->d[k] * p[k];
    ow_lines_bit(l, b);
    for (size_t i = 0; i < l->rows; i++)
        word_product(l, i, p + i * l->cols, b + i * l->cols, out + i * l->cols);
}
