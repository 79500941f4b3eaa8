#include "ow_grid.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_gradients.h"
#include "ow_kernel.h"

enum { MOST_PASSES = 12 };

/* What conjugate gradients in single precision are trusted with in one pass. */
static const double single = 2e-6;

/* Residuals of this size are the same in single and in double precision. */
static const double coarse = 5e-6;

/* Beyond this relative residual no solution is believed, whatever rounding does. */
static const double worst = 1e-6;

struct ow_grid_solver {
    struct ow_grid grid; /* arrays borrowed */
    int n_threads;       /* for the double-precision side                      */
    double unit;         /* lines are in units of this conductance             */
    double largest;      /* row sum of the matrix, at most                     */
    struct ow_lines *lines;
    struct ow_multigrid *mg; /* made when it is first wanted                   */
    struct ow_gradients cg;
    float *b;       /* [rows][stride] bit-line side of a pass                */
    double *sum[2]; /* [rows] squares                                        */
    double level;   /* of the last right-hand side, see level_of()           */
    double follow;  /* at most the greatest (Ab + D)^-1 D 1: an error of the word lines that is
                     * nowhere above e brings none above follow e on the bit lines */
    double *work;   /* of every thread: two rows and two of each that are taken at a time */
};

/* ---- life ------------------------------------------------------------------------------ */

static size_t room(size_t cols)
{
    return (2 + 2 * ow_some_rows(cols)) * cols;
}

enum ow_status ow_grid_create(size_t rows, size_t cols, int n_threads,
                              struct ow_grid_solver **out)
{
    struct ow_grid_solver *s = calloc(1, sizeof *s);
    if (!s)
        return OW_ERR_NOMEM;
    s->lines = ow_lines_create(rows, cols, n_threads > 0 ? n_threads : ow_threads());
    if (!s->lines || ow_gradients_init(&s->cg, s->lines))
        goto fail;
    s->n_threads = s->lines->n_threads;
    s->level = 1.0;
    s->b = ow_lines_vector(s->lines);
    s->sum[0] = malloc(rows * sizeof *s->sum[0]);
    s->sum[1] = malloc(rows * sizeof *s->sum[1]);
    s->work = malloc((size_t)s->n_threads * room(cols) * sizeof *s->work);
    if (!s->b || !s->sum[0] || !s->sum[1] || !s->work)
        goto fail;
    *out = s;
    return OW_OK;
fail:
    ow_grid_destroy(s);
    return OW_ERR_NOMEM;
}

void ow_grid_destroy(struct ow_grid_solver *s)
{
    if (!s)
        return;
    ow_multigrid_destroy(s->mg);
    ow_gradients_finish(&s->cg);
    ow_lines_destroy(s->lines);
    free(s->b);
    free(s->sum[0]);
    free(s->sum[1]);
    free(s->work);
    free(s);
}

/* ---- factors ----------------------------------------------------------------------------- */

struct sums {
    double all, largest;
};

OW_CLONES static double sum_of(const double a[], size_t n)
{
    enum { LANES = 8 };
    double sum[LANES] = {0.0};
    size_t k = 0;
    for (; k + LANES <= n; k += LANES)
        for (size_t m = 0; m < LANES; m++)
            sum[m] += a[k + m];
    for (; k < n; k++)
        sum[0] += a[k];
    return ow_total(sum, LANES);
}

OW_CLONES static void cells_to_single(const double d[], double own, double per_d, double scale,
                                      float out[], size_t n)
{
    for (size_t j = 0; j < n; j++)
        out[j] = (float)((own + per_d * d[j]) * scale);
}

OW_CLONES static double largest_of(const double d[], size_t n)
{
    return ow_largest(d, n);
}

/* out = scale times the cells of row i; their sum, and a bound on the largest. */
static struct sums scale_row(const struct ow_grid *g, size_t i, double scale, float out[])
{
    const double *d = g->d + i * g->cols;
    cells_to_single(d, g->d_own, g->d_scale, scale, out, g->cols);
    return (struct sums){.all = (double)g->cols * g->d_own + g->d_scale * sum_of(d, g->cols),
                         .largest = g->d_own + g->d_scale * largest_of(d, g->cols)};
}

/* Iterations of the word lines alone grow with sqrt(d / a): what the cells carry against
 * what holds the smoothest bit-line error, its shunts and the wire's whole length.  A V-cycle
 * costs as much as two and a half of them and needs three or four. */
static bool wants_multigrid(const struct ow_grid *g, double mean_cell)
{
    const double a = g->c_bit + g->g_bit * 2.5 / ((double)g->rows * (double)g->rows);
    return mean_cell > 15.0 * a;
}

bool ow_grid_factor(struct ow_grid_solver *s, const struct ow_grid *grid)
{
    struct ow_lines *l = s->lines;
    const size_t rows = grid->rows, cols = grid->cols;
    const double scale = 1.0 / grid->g_word;
    s->grid = *grid;
    s->unit = grid->g_word;
    l->g_word = 1.0f;
    l->g_bit = (float)(grid->g_bit * scale);
    l->c_word = (float)(grid->c_word * scale);
    l->c_bit = (float)(grid->c_bit * scale);
    for (size_t i = 0; i < rows; i++)
        l->source[i] = (float)(grid->source[i] * scale);
    for (size_t j = 0; j < cols; j++)
        l->end[j] = (float)(grid->end[j] * scale);
    OW_SWEEP(s->n_threads, i, rows, 1, {
        const struct sums of = scale_row(grid, i, scale, l->d + i * l->stride);
        s->sum[0][i] = of.all;
        s->sum[1][i] = of.largest;
    });
    double cells = 0.0, largest = 0.0, ends = 0.0;
    for (size_t i = 0; i < rows; i++) {
        cells += s->sum[0][i];
        largest = fmax(largest, s->sum[1][i]);
        ends = fmax(ends, grid->source[i]);
    }
    for (size_t j = 0; j < cols; j++)
        ends = fmax(ends, grid->end[j]);
    s->largest = 4.0 * fmax(grid->g_word, grid->g_bit) + fmax(grid->c_word, grid->c_bit) +
                 2.0 * largest + ends;
    if (!ow_lines_factor(l))
        return false;
    s->follow = largest > 0.0 ? largest / (largest + grid->c_bit) : 0.0;
    s->cg.mg = NULL;
    if (wants_multigrid(grid, cells / (double)(rows * cols)) &&
        (s->mg || ow_multigrid_create(l, &s->mg) == OW_OK) && ow_multigrid_factor(s->mg))
        s->cg.mg = s->mg;
    return true;
}

/* ---- residual ------------------------------------------------------------------------------
 */

OW_INLINE double square(const double a[], size_t n)
{
    enum { LANES = 8 };
    double sum[LANES] = {0.0}, all = 0.0;
    size_t k = 0;
    for (; k + LANES <= n; k += LANES)
        for (size_t m = 0; m < LANES; m++)
            sum[m] += a[k + m] * a[k + m];
    for (; k < n; k++)
        all += a[k] * a[k];
    return all + ow_total(sum, LANES);
}

/* Rows [from, to) of a right-hand side, where they are or in room[]. */
struct rows {
    size_t from;
    const double *w, *b; /* NULL: 0 */
};

static struct rows rows_of(const struct ow_grid *g, const struct ow_grid_rhs *rhs, size_t from,
                           size_t to, double room[])
{
    const size_t at = from * g->cols, n = (to - from) * g->cols;
    if (!rhs->rows)
        return (struct rows){from, rhs->w ? rhs->w + at : NULL, rhs->b ? rhs->b + at : NULL};
    rhs->rows(rhs->data, from, to, room, room + n);
    return (struct rows){from, room, room + n};
}

/* Row i of f - A x: r on the word line, q on the bit lines.  Currents along lines are
 * conductance times a difference of neighbours, so nothing else cancels. */
OW_INLINE void residual_row(const struct ow_grid *g, const struct rows *f, const double *source,
                            size_t i, const double w[], const double b[], double r[],
                            double q[])
{
    const size_t n = g->cols, at = (i - f->from) * n;
    const double *d = g->d + i * n, *above = b - n, *below = b + n;
    const double own = g->d_own, per_d = g->d_scale;
    for (size_t j = 0; j < n; j++) {
        const double cell = (own + per_d * d[j]) * (w[j] - b[j]);
        r[j] = -cell - g->c_word * w[j];
        q[j] = cell - g->c_bit * b[j];
    }
    for (size_t j = 0; j + 1 < n; j++)
        r[j] -= g->g_word * (w[j] - w[j + 1]);
    for (size_t j = 1; j < n; j++)
        r[j] -= g->g_word * (w[j] - w[j - 1]);
    r[0] -= g->source[i] * w[0];
    for (size_t j = 0; i > 0 && j < n; j++)
        q[j] -= g->g_bit * (b[j] - above[j]);
    for (size_t j = 0; i + 1 < g->rows && j < n; j++)
        q[j] -= g->g_bit * (b[j] - below[j]);
    for (size_t j = 0; i + 1 == g->rows && j < n; j++)
        q[j] -= g->end[j] * b[j];
    for (size_t j = 0; f->w && j < n; j++)
        r[j] += f->w[at + j];
    for (size_t j = 0; f->b && j < n; j++)
        q[j] += f->b[at + j];
    if (source)
        r[0] += source[i];
}

/* The same in single precision, times `unit`; squares[0] of the residual, [1] of x. */
OW_CLONES static void residual_to_single(const struct ow_grid *g, const struct rows *f,
                                         const double *source, size_t i, const double w[],
                                         const double b[], double unit, double work[],
                                         float rw[], float rb[], double squares[2])
{
    const size_t n = g->cols;
    double *r = work, *q = work + n;
    residual_row(g, f, source, i, w + i * n, b + i * n, r, q);
    for (size_t j = 0; j < n; j++) {
        rw[j] = (float)(r[j] * unit);
        rb[j] = (float)(q[j] * unit);
    }
    squares[0] = square(r, n) + square(q, n);
    squares[1] = square(w + i * n, n) + square(b + i * n, n);
}

/* The workspace of the calling thread. */
static double *work_of(const struct ow_grid_solver *s)
{
    return s->work + ow_thread(s->n_threads) * room(s->grid.cols);
}

static void residual_rows(struct ow_grid_solver *s, const struct ow_grid_rhs *rhs,
                          const double w[], const double b[], double unit, size_t from,
                          size_t to)
{
    const struct ow_grid *g = &s->grid;
    const size_t stride = s->lines->stride;
    double *work = work_of(s);
    const struct rows f = rows_of(g, rhs, from, to, work + 2 * g->cols);
    for (size_t i = from; i < to; i++) {
        double squares[2];
        residual_to_single(g, &f, rhs->source, i, w, b, unit, work, s->cg.r + i * stride,
                           s->b + i * stride, squares);
        s->sum[0][i] = squares[0];
        s->sum[1][i] = squares[1];
    }
}

/* |f - A x| and |x|. */
static double residual(struct ow_grid_solver *s, const struct ow_grid_rhs *rhs,
                       const double w[], const double b[], double unit, double *norm_x)
{
    const size_t rows = s->grid.rows, some = ow_some_rows(s->grid.cols);
    OW_SWEEP(s->n_threads, from, rows, some,
             residual_rows(s, rhs, w, b, unit, from, ow_until(from, some, rows)));
    *norm_x = sqrt(ow_total(s->sum[1], rows));
    return sqrt(ow_total(s->sum[0], rows));
}

/* ---- passes --------------------------------------------------------------------------------
 */

/* out = scale x, or 0; |x|^2 */
OW_CLONES static double start_row(const double *x, double scale, float out[], size_t n)
{
    if (!x) {
        memset(out, 0, n * sizeof *out);
        return 0.0;
    }
    for (size_t j = 0; j < n; j++)
        out[j] = (float)(scale * x[j]);
    return square(x, n);
}

static void start_rows(struct ow_grid_solver *s, const struct ow_grid_rhs *rhs, double unit,
                       size_t from, size_t to)
{
    const size_t cols = s->grid.cols, stride = s->lines->stride;
    const struct rows f = rows_of(&s->grid, rhs, from, to, work_of(s));
    for (size_t i = from; i < to; i++) {
        const size_t at = (i - from) * cols;
        s->sum[0][i] = start_row(f.w ? f.w + at : NULL, unit, s->cg.r + i * stride, cols) +
                       start_row(f.b ? f.b + at : NULL, unit, s->b + i * stride, cols);
        if (rhs->source) {
            const double first = f.w ? f.w[at] : 0.0, all = first + rhs->source[i];
            s->cg.r[i * stride] = (float)(unit * all);
            s->sum[0][i] += all * all - first * first;
        }
    }
}

/* The right-hand side of the first pass, times `unit`; |f| */
static double start(struct ow_grid_solver *s, const struct ow_grid_rhs *rhs, double unit)
{
    const size_t rows = s->grid.rows, some = ow_some_rows(s->grid.cols);
    OW_SWEEP(s->n_threads, from, rows, some,
             start_rows(s, rhs, unit, from, ow_until(from, some, rows)));
    return sqrt(ow_total(s->sum[0], rows));
}

/* x = scale dx, or x += that. */
OW_CLONES static void correct_row(double x[], const float dx[], double scale, bool is_added,
                                  size_t n)
{
    for (size_t j = 0; j < n; j++)
        x[j] = (is_added ? x[j] : 0.0) + scale * (double)dx[j];
}

/* The bit-line side of a pass's solution, and both into w and b. */
static void correct(struct ow_grid_solver *s, double scale, bool is_added, double w[],
                    double b[])
{
    const size_t cols = s->grid.cols, stride = s->lines->stride;
    ow_lines_bit(s->lines, s->cg.x, s->b);
    OW_SWEEP(s->n_threads, i, s->grid.rows, 1, {
        correct_row(w + i * cols, s->cg.x + i * stride, scale, is_added, cols);
        correct_row(b + i * cols, s->b + i * stride, scale, is_added, cols);
    });
}

/* Is rounding w and b all that is left of the residual?  Wires may carry far more conductance
 * than cells. */
static bool is_noise(const struct ow_grid_solver *s, double size, double before, double norm_f,
                     double norm_x)
{
    return size <= 4.0 * DBL_EPSILON * s->largest * norm_x && size <= worst * norm_f &&
           size > 0.1 * before;
}

/* A power of two near x, by which single precision is multiplied without rounding: so it is
 * near 1, where its products do not underflow, and nobody can tell from a solution which
 * right-hand sides there have been before. */
static double level_of(double x)
{
    return ldexp(1.0, x > 0.0 && isfinite(x) ? ilogb(x) : 0);
}

bool ow_grid_solve(struct ow_grid_solver *s, const struct ow_grid_rhs *rhs,
                   const struct ow_grid_weights *weights, double tol, double w[], double b[],
                   struct ow_grid_effort *effort)
{
    const size_t n = s->grid.rows * s->grid.cols;
    struct ow_gradients_goal goal = {.tol = tol};
    if (weights) {
        goal.word = weights->w;
        goal.bit = weights->b;
        goal.follow = s->follow;
    }
    double divided = s->unit * s->level;
    const double norm_f = start(s, rhs, 1.0 / divided);
    *effort = (struct ow_grid_effort){.has_multigrid = s->cg.mg != NULL};
    if (norm_f == 0.0) {
        memset(w, 0, n * sizeof *w);
        memset(b, 0, n * sizeof *b);
        return true;
    }
    /* |f - A x|, and by how much less the pass at hand has it than double precision: there the
     * lines' conductance is 1 and the residual nearly so */
    double size = norm_f, norm_x;
    s->level = level_of(norm_f / s->unit);
    if (size < 1e-3 * divided || size > 1e3 * divided)
        start(s, rhs, 1.0 / (divided = s->unit * s->level));
    while (effort->passes < MOST_PASSES) {
        const double scale = divided / s->unit, before = size;
        goal.scale = scale;
        goal.reduction = fmax(weights ? 0.0 : 0.3 * tol * norm_f / size, single);
        if (effort->passes > 0 || rhs->b || rhs->rows)
            ow_lines_fold(s->lines, s->b, s->cg.r);
        const enum ow_gradients_end end = ow_gradients_solve(&s->cg, &goal);
        effort->iterations += s->cg.iterations;
        if (end == OW_GRADIENTS_BROKE)
            return false;
        correct(s, scale, effort->passes > 0, w, b);
        effort->passes++;
        if (end == OW_GRADIENTS_WITHIN_TOL ||
            (end == OW_GRADIENTS_REDUCED && !weights && tol >= coarse))
            return true;
        divided = size;
        size = residual(s, rhs, w, b, 1.0 / divided, &norm_x);
        effort->residual = size / norm_f;
        if (!weights && (size <= tol * norm_f || is_noise(s, size, before, norm_f, norm_x)))
            return true;
        if (!(size < 0.5 * before))
            return false;
    }
    return false;
}
