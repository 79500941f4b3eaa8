#include "ow_lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ow_kernel.h"

/* Bit lines side by side: a block's intermediate values stay in the cache. */
enum { WIDTH = 64 };

/* Below this many cells threads cost more than they bring: 256 x 256 takes milliseconds. */
enum { CELLS_FOR_THREADS = 300 * 300 };

static size_t word_blocks(const struct ow_lines *l)
{
    return (l->rows + OW_LINES - 1) / OW_LINES;
}

static size_t bit_blocks(const struct ow_lines *l)
{
    return (l->cols + WIDTH - 1) / WIDTH;
}

/* Long rows get an odd number of cache lines: neighbours in a column of a power-of-two array
 * would all fall into the same few sets of the cache. */
static size_t stride_of(size_t cols)
{
    const size_t line = 64 / sizeof(float);
    return cols < 16 * line ? cols : ((cols + line - 1) / line | 1) * line;
}

/* Floats.  Large arrays ask for huge pages: sweeps go down columns, a page a row. */
static float *allocate(size_t n)
{
    enum { HUGE_PAGE = 1 << 21 };
#ifdef MADV_HUGEPAGE
    void *a;
    if (n * sizeof(float) >= HUGE_PAGE) {
        if (posix_memalign(&a, HUGE_PAGE, n * sizeof(float)))
            return NULL;
        madvise(a, n * sizeof(float), MADV_HUGEPAGE); /* a wish: refused, nothing is lost */
        return a;
    }
#endif
    return malloc(n * sizeof(float));
}

struct ow_lines *ow_lines_create(size_t rows, size_t cols, int n_threads)
{
    struct ow_lines *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->rows = rows;
    l->cols = cols;
    l->stride = stride_of(cols);
    l->size = rows * l->stride;
    l->n_threads = l->size < CELLS_FOR_THREADS ? 1 : n_threads;
    const size_t bit_work = rows * (cols < WIDTH ? cols : WIDTH), word_work = cols * OW_LINES;
    l->n_work = bit_work > word_work ? bit_work : word_work;
    l->source = calloc(rows, sizeof *l->source);
    l->end = calloc(cols, sizeof *l->end);
    l->d = ow_lines_vector(l);
    l->t_word = allocate(word_blocks(l) * cols * OW_LINES);
    l->t_bit = ow_lines_vector(l);
    l->work = calloc((size_t)l->n_threads * l->n_work, sizeof *l->work);
    l->sum =
        calloc(bit_blocks(l) > word_blocks(l) ? bit_blocks(l) : word_blocks(l), sizeof *l->sum);
    if (l->source && l->end && l->d && l->t_word && l->t_bit && l->work && l->sum)
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
    free(l->work);
    free(l->sum);
    free(l);
}

/* By the threads that will use it: memory is given out, and cleared, at the first touch. */
float *ow_lines_vector(const struct ow_lines *l)
{
    float *a = allocate(l->size);
    if (!a)
        return NULL;
    OW_SWEEP(l->n_threads, i, l->rows, 1,
             memset(a + i * l->stride + l->cols, 0, (l->stride - l->cols) * sizeof *a));
    return a;
}

/* ---- word lines ------------------------------------------------------------------------ */

/* Four lines (or columns) at once: what every x86 and ARM has.  Wider registers would gain
 * little, since turning corners is most of the work. */
typedef float quad __attribute__((vector_size(16)));
enum { QUAD = 4, QUADS = OW_LINES / QUAD };

OW_INLINE quad load(const float *a)
{
    quad q;
    memcpy(&q, a, sizeof q);
    return q;
}

OW_INLINE void store(float *a, quad q)
{
    memcpy(a, &q, sizeof q);
}

/* Rows to columns. */
OW_INLINE void turn(quad m[QUAD])
{
    const quad ab0 = __builtin_shufflevector(m[0], m[1], 0, 4, 1, 5);
    const quad ab2 = __builtin_shufflevector(m[0], m[1], 2, 6, 3, 7);
    const quad cd0 = __builtin_shufflevector(m[2], m[3], 0, 4, 1, 5);
    const quad cd2 = __builtin_shufflevector(m[2], m[3], 2, 6, 3, 7);
    m[0] = __builtin_shufflevector(ab0, cd0, 0, 1, 4, 5);
    m[1] = __builtin_shufflevector(ab0, cd0, 2, 3, 6, 7);
    m[2] = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
    m[3] = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
}

/* m[column][line] of up to 4 x 4 values; zeros where there are none. */
OW_INLINE void read_corner(const float *f, size_t stride, size_t n_line, size_t n_col,
                           quad m[QUAD])
{
    if (n_line == QUAD && n_col == QUAD) {
        for (size_t k = 0; k < QUAD; k++)
            m[k] = load(f + k * stride);
        turn(m);
        return;
    }
    for (size_t j = 0; j < QUAD; j++)
        for (size_t k = 0; k < QUAD; k++)
            m[j][k] = k < n_line && j < n_col ? f[k * stride + j] : 0.0f;
}

OW_INLINE void write_corner(quad m[QUAD], size_t stride, size_t n_line, size_t n_col,
                            bool is_added, float *z)
{
    if (n_line == QUAD && n_col == QUAD) {
        turn(m);
        for (size_t k = 0; k < QUAD; k++)
            store(z + k * stride, is_added ? load(z + k * stride) + m[k] : m[k]);
        return;
    }
    for (size_t k = 0; k < n_line; k++)
        for (size_t j = 0; j < n_col; j++)
            z[k * stride + j] = is_added ? z[k * stride + j] + m[j][k] : m[j][k];
}

static size_t at_most(size_t n, size_t most)
{
    return n < most ? n : most;
}

/* Lines in quad q of a block; lines that do not exist get a unit shunt. */
static size_t lines_in(const struct ow_lines *l, size_t block, size_t q)
{
    const size_t first = block * OW_LINES + q * QUAD;
    return first < l->rows ? at_most(l->rows - first, QUAD) : 0;
}

OW_CLONES static bool factor_word_block(struct ow_lines *l, size_t block)
{
    const float *d = l->d + block * OW_LINES * l->stride;
    const float g = l->g_word, c = l->c_word;
    float *t = l->t_word + block * l->cols * OW_LINES;
    float behind[OW_LINES];
    int is_bad = 0;
    for (size_t k = 0; k < OW_LINES; k++)
        behind[k] = block * OW_LINES + k < l->rows ? l->source[block * OW_LINES + k] : g;
    for (size_t j0 = 0; j0 < l->cols; j0 += QUAD) {
        const size_t n_col = at_most(l->cols - j0, QUAD);
        for (size_t q = 0; q < QUADS; q++) {
            quad m[QUAD];
            read_corner(d + q * QUAD * l->stride + j0, l->stride, lines_in(l, block, q), n_col,
                        m);
            for (size_t j = 0; j < n_col; j++)
                store(t + (j0 + j) * OW_LINES + q * QUAD, m[j]);
        }
    }
    for (size_t j = 0; j < l->cols; j++, t += OW_LINES) {
        const float ahead = j + 1 < l->cols ? g : 0.0f;
        for (size_t k = 0; k < OW_LINES; k++) {
            const float q = behind[k] + c + t[k], pivot = ahead + q;
            is_bad |= !(pivot > 0.0f && pivot < INFINITY);
            t[k] = g / pivot;
            behind[k] = t[k] * q;
        }
    }
    return !is_bad;
}

/* y is workspace, [cols][OW_LINES]. */
OW_CLONES static void word_block(const struct ow_lines *l, size_t block, const float *f,
                                 bool is_added, float *z, float *y)
{
    const size_t cols = l->cols, stride = l->stride;
    const float inv_g = 1.0f / l->g_word;
    const float *t = l->t_word + block * cols * OW_LINES;
    quad x[QUADS] = {{0.0f}};
    f += block * OW_LINES * stride;
    z += block * OW_LINES * stride;
    for (size_t j0 = 0; j0 < cols; j0 += QUAD) {
        const size_t n_col = at_most(cols - j0, QUAD);
        for (size_t q = 0; q < QUADS; q++) {
            quad m[QUAD];
            read_corner(f + q * QUAD * stride + j0, stride, lines_in(l, block, q), n_col, m);
            for (size_t j = 0; j < n_col; j++) {
                const size_t at = (j0 + j) * OW_LINES + q * QUAD;
                x[q] = m[j] * inv_g + load(at < OW_LINES ? t + at : t + at - OW_LINES) * x[q];
                store(y + at, x[q]);
            }
        }
    }
    for (size_t q = 0; q < QUADS; q++)
        x[q] = (quad){0.0f};
    for (size_t j0 = (cols + QUAD - 1) / QUAD * QUAD; j0 > 0;) {
        j0 -= QUAD;
        const size_t n_col = at_most(cols - j0, QUAD);
        for (size_t q = 0; q < QUADS; q++) {
            quad m[QUAD];
            for (size_t j = n_col; j-- > 0;) {
                const size_t at = (j0 + j) * OW_LINES + q * QUAD;
                m[j] = x[q] = load(t + at) * (load(y + at) + x[q]);
            }
            write_corner(m, stride, lines_in(l, block, q), n_col, is_added,
                         z + q * QUAD * stride + j0);
        }
    }
}

void ow_lines_word(const struct ow_lines *l, const float f[], bool is_added, float z[])
{
    OW_SWEEP(
        l->n_threads, block, word_blocks(l), 1,
        word_block(l, block, f, is_added, z, l->work + ow_thread(l->n_threads) * l->n_work));
}

/* ---- bit lines --------------------------------------------------------------------------- */

OW_CLONES static bool factor_bit_block(struct ow_lines *l, size_t j0, size_t width)
{
    const float g = l->g_bit, c = l->c_bit;
    float behind[WIDTH] = {0.0f};
    int is_bad = 0;
    for (size_t i = 0; i < l->rows; i++) {
        const bool is_last = i + 1 == l->rows;
        const float *d = l->d + i * l->stride + j0;
        float *t = l->t_bit + i * l->stride + j0;
        for (size_t j = 0; j < width; j++) {
            const float q = behind[j] + c + d[j];
            const float pivot = q + (is_last ? l->end[j0 + j] : g);
            is_bad |= !(pivot > 0.0f && pivot < INFINITY);
            t[j] = g / pivot;
            behind[j] = t[j] * q;
        }
    }
    return !is_bad;
}

enum { LANES = 16 };
enum purpose { SUBSTITUTE, FOLD, AFTER_WORD, RESIDUAL };

/* x = (Ab + D)^-1 (f + D p) of `width` bit lines, and out of it, with A = Aw + D,
 *   SUBSTITUTE  out = x           FOLD      out += D x            (p = 0)
 *   AFTER_WORD  out = D x (f = 0) RESIDUAL  out = r + D x - A p   (f = 0), returns p out */
OW_INLINE double sweep(const struct ow_lines *l, enum purpose what, size_t j0, size_t width,
                       const float *f, const float *p, const float *r, float *out, float *y)
{
    const size_t stride = l->stride, rows = l->rows;
    const bool has_f = what == SUBSTITUTE || what == FOLD, has_p = what != FOLD;
    const bool has_left = j0 > 0, has_right = j0 + width < l->cols;
    const float inv_g = 1.0f / l->g_bit, g = l->g_word, c = l->c_word;
    double dot[LANES] = {0.0}, sum = 0.0;
    float x[WIDTH] = {0.0f}, edge[WIDTH + 2];
    const float *d = l->d + j0, *t = l->t_bit + j0;
    for (size_t i = 0; i < rows; i++) {
        const size_t at = i * stride;
        for (size_t j = 0; j < width; j++) {
            const float into =
                (has_f ? f[at + j0 + j] : 0.0f) + (has_p ? d[at + j] * p[at + j0 + j] : 0.0f);
            x[j] = into * inv_g + (i ? t[at - stride + j] * x[j] : 0.0f);
            y[i * width + j] = x[j];
        }
    }
    for (size_t j = 0; j < width; j++)
        x[j] = 0.0f;
    for (size_t i = rows; i-- > 0;) {
        const size_t at = i * stride;
        for (size_t j = 0; j < width; j++)
            x[j] = t[at + j] * (y[i * width + j] + x[j]);
        float *o = out + at + j0;
        if (what == SUBSTITUTE)
            for (size_t j = 0; j < width; j++)
                o[j] = x[j];
        if (what == FOLD)
            for (size_t j = 0; j < width; j++)
                o[j] += d[at + j] * x[j];
        if (what == AFTER_WORD)
            for (size_t j = 0; j < width; j++)
                o[j] = d[at + j] * x[j];
        if (what != RESIDUAL)
            continue;
        /* h[0], h[1], h[2]: left neighbour, node, right neighbour */
        const float *h = edge, *row = p + at + j0;
        if (has_left && has_right) {
            h = row - 1;
        } else { /* beyond an end the voltage is the end's: no current */
            memcpy(edge + 1, row, width * sizeof *row);
            edge[0] = has_left ? row[-1] : row[0];
            edge[width + 1] = has_right ? row[width] : row[width - 1];
        }
        for (size_t j = 0; j < width; j++) {
            const float bend = (h[j + 1] - h[j]) + (h[j + 1] - h[j + 2]);
            o[j] = (r ? r[at + j0 + j] : 0.0f) - (g * bend + c * h[j + 1]) +
                   d[at + j] * (x[j] - h[j + 1]);
        }
        if (!has_left)
            o[0] -= l->source[i] * row[0];
        float part[LANES] = {0.0f};
        for (size_t j = 0; j + LANES <= width; j += LANES)
            for (size_t m = 0; m < LANES; m++)
                part[m] += row[j + m] * o[j + m];
        for (size_t j = width / LANES * LANES; j < width; j++)
            sum += (double)(row[j] * o[j]);
        for (size_t m = 0; m < LANES; m++)
            dot[m] += (double)part[m];
    }
    for (size_t m = 0; m < LANES; m++)
        sum += dot[m];
    return sum;
}

/* Full blocks with their width known to the compiler. */
#define SWEEP(name, what)                                                                      \
    OW_CLONES static double name(const struct ow_lines *l, size_t j0, const float *f,          \
                                 const float *p, const float *r, float *out, float *y)         \
    {                                                                                          \
        return l->cols - j0 >= WIDTH ? sweep(l, what, j0, WIDTH, f, p, r, out, y)              \
                                     : sweep(l, what, j0, l->cols - j0, f, p, r, out, y);      \
    }
SWEEP(substitute, SUBSTITUTE)
SWEEP(fold, FOLD)
SWEEP(after_word, AFTER_WORD)
SWEEP(residual, RESIDUAL)

static float *work_of(const struct ow_lines *l)
{
    return l->work + ow_thread(l->n_threads) * l->n_work;
}

void ow_lines_bit(const struct ow_lines *l, const float w[], float x[])
{
    OW_SWEEP(l->n_threads, j0, l->cols, WIDTH, substitute(l, j0, x, w, NULL, x, work_of(l)));
}

void ow_lines_fold(const struct ow_lines *l, const float fb[], float fw[])
{
    OW_SWEEP(l->n_threads, j0, l->cols, WIDTH, fold(l, j0, fb, NULL, NULL, fw, work_of(l)));
}

void ow_lines_residual_after_word(const struct ow_lines *l, const float p[], float out[])
{
    OW_SWEEP(l->n_threads, j0, l->cols, WIDTH,
             after_word(l, j0, NULL, p, NULL, out, work_of(l)));
}

double ow_lines_residual(const struct ow_lines *l, const float r[], const float p[],
                         float out[])
{
    OW_SWEEP(l->n_threads, j0, l->cols, WIDTH,
             l->sum[j0 / WIDTH] = residual(l, j0, NULL, p, r, out, work_of(l)));
    return ow_total(l->sum, bit_blocks(l));
}

/* ---- factors -------------------------------------------------------------------------------
 */

bool ow_lines_factor(struct ow_lines *l)
{
    OW_SWEEP(l->n_threads, j0, l->cols, WIDTH,
             l->sum[j0 / WIDTH] =
                 factor_bit_block(l, j0, l->cols - j0 < WIDTH ? l->cols - j0 : WIDTH));
    if (ow_total(l->sum, bit_blocks(l)) < (double)bit_blocks(l))
        return false;
    OW_SWEEP(l->n_threads, block, word_blocks(l), 1,
             l->sum[block] = factor_word_block(l, block));
    return ow_total(l->sum, word_blocks(l)) == (double)word_blocks(l);
}
