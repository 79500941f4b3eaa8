/* The lines' solver (ow_grid.h) against direct factorisation and against node equations
 * written out here: random and adversarial arrays of every shape, numbers that do not depend
 * on threads, and what it must refuse. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ow_check.h"
#include "ow_direct.h"
#include "ow_grid.h"

#define N(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* ---- arrays ------------------------------------------------------------------------------ */

/* Steele and Vigna's SplitMix64; uniform in [0, 1). */
static double uniform(unsigned long long *state)
{
    unsigned long long z = *state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double decades(unsigned long long *state, double lo, double hi)
{
    return lo * pow(hi / lo, uniform(state));
}

struct array {
    struct ow_grid grid;
    double *source, *end, *d, *f; /* f: [rows], into the word lines' first nodes */
};

enum pattern { UNIFORM, LOG, CHECKER, STRIPES, COLUMNS, FEW_ON, STUCK, N_PATTERN };

static double cell(enum pattern pattern, size_t i, size_t j, unsigned long long *seed)
{
    const double u = uniform(seed);
    switch (pattern) {
    case UNIFORM:
        return 1e-6 + 99e-6 * u;
    case LOG:
        return 1e-8 * pow(1e5, u);
    case CHECKER:
        return (i + j) % 2 ? 1e-3 : 1e-6;
    case STRIPES:
        return i / 3 % 2 ? 1e-3 : 1e-7;
    case COLUMNS:
        return j % 5 ? 1e-7 : 1e-3;
    case FEW_ON:
        return u < 0.02 ? 1e-3 : 0.0;
    default: /* shorts, and whole rows of nothing */
        return i % 7 == 3 ? 0.0 : u < 0.05 ? 1e-1 : u < 0.3 ? 0.0 : 1e-4 * u;
    }
}

static struct array array_of(size_t rows, size_t cols, double r_word, double r_bit)
{
    struct array a = {.source = calloc(rows, sizeof(double)),
                      .end = calloc(cols, sizeof(double)),
                      .d = calloc(rows * cols, sizeof(double)),
                      .f = calloc(rows, sizeof(double))};
    ck_assert(a.source && a.end && a.d && a.f);
    a.grid = (struct ow_grid){.rows = rows,
                              .cols = cols,
                              .g_word = 1.0 / r_word,
                              .g_bit = 1.0 / r_bit,
                              .source = a.source,
                              .end = a.end,
                              .d = a.d,
                              .d_scale = 1.0};
    return a;
}

static void array_finish(struct array *a)
{
    free(a->source);
    free(a->end);
    free(a->d);
    free(a->f);
}

static void fill(struct array *a, enum pattern pattern, double g_source, double g_end,
                 unsigned long long seed)
{
    const size_t rows = a->grid.rows, cols = a->grid.cols;
    for (size_t i = 0; i < rows; i++) {
        a->source[i] = g_source;
        a->f[i] = g_source * (uniform(&seed) - 0.3);
    }
    for (size_t j = 0; j < cols; j++)
        a->end[j] = g_end;
    for (size_t k = 0; k < rows * cols; k++)
        a->d[k] = cell(pattern, k / cols, k % cols, &seed);
    /* a bit line that nothing holds */
    for (size_t j = 0; g_end == 0.0 && j < cols; j++)
        a->d[j] += 1e-6;
}

/* ---- Kirchhoff's current law, node by node -------------------------------------------------
 */

/* Current into each node over the largest of the currents that meet there, at most: rounding
 * leaves a few eps. */
static double law_broken(const struct array *a, const double w[], const double b[],
                         double *relative)
{
    const struct ow_grid *g = &a->grid;
    double worst = 0.0, squares = 0.0, squares_f = 0.0;
    for (size_t i = 0; i < g->rows; i++)
        for (size_t j = 0; j < g->cols; j++) {
            const size_t k = i * g->cols + j;
            double into_w = -g->d[k] * (w[k] - b[k]) - g->c_word * w[k];
            double into_b = g->d[k] * (w[k] - b[k]) - g->c_bit * b[k];
            double most = (2.0 * g->g_word + g->d[k]) * fabs(w[k]) + g->d[k] * fabs(b[k]) +
                          2.0 * g->g_bit * fabs(b[k]);
            if (j > 0)
                into_w += g->g_word * (w[k - 1] - w[k]);
            if (j + 1 < g->cols)
                into_w += g->g_word * (w[k + 1] - w[k]);
            if (j == 0)
                into_w += a->f[i] - a->source[i] * w[k];
            if (i > 0)
                into_b += g->g_bit * (b[k - g->cols] - b[k]);
            if (i + 1 < g->rows)
                into_b += g->g_bit * (b[k + g->cols] - b[k]);
            if (i + 1 == g->rows)
                into_b -= a->end[j] * b[k];
            squares += into_w * into_w + into_b * into_b;
            if (j == 0)
                squares_f += a->f[i] * a->f[i];
            worst = fmax(worst, most);
        }
    *relative = sqrt(squares / squares_f);
    return sqrt(squares) / (worst * sqrt((double)(2 * g->rows * g->cols)));
}

static bool solve(const struct array *a, int n_threads, double tol, double x[],
                  struct ow_grid_effort *effort)
{
    const size_t n = a->grid.rows * a->grid.cols;
    const struct ow_grid_rhs rhs = {.source = a->f};
    struct ow_grid_solver *solver;
    ck_assert_int_eq(ow_grid_create(a->grid.rows, a->grid.cols, n_threads, &solver), OW_OK);
    const bool is_solved = ow_grid_factor(solver, &a->grid) &&
                           ow_grid_solve(solver, &rhs, NULL, tol, x, x + n, effort);
    ow_grid_destroy(solver);
    return is_solved;
}

static void solve_directly(const struct array *a, double x[])
{
    struct ow_direct *direct;
    memset(x, 0, 2 * a->grid.rows * a->grid.cols * sizeof *x);
    for (size_t i = 0; i < a->grid.rows; i++)
        x[i * a->grid.cols] = a->f[i];
    ck_assert_int_eq(ow_direct_create(a->grid.rows, a->grid.cols, &direct), OW_OK);
    ck_assert_int_eq(ow_direct_factor(direct, &a->grid), OW_OK);
    ow_direct_solve(direct, x);
    ow_direct_destroy(direct);
}

/* ---- random arrays -------------------------------------------------------------------------
 */

/* Everything about an array but its size follows from the seed.  Empty if all is well. */
static void attempt(unsigned long long seed, size_t rows, size_t cols, char *complaint)
{
    unsigned long long s = seed;
    const enum pattern pattern = (enum pattern)(uniform(&s) * N_PATTERN);
    const double r_word = decades(&s, 1e-2, 1e2), r_bit = decades(&s, 1e-2, 1e2);
    const double g_end = uniform(&s) < 0.15 ? 0.0 : decades(&s, 1e-4, 1e2);
    struct array a = array_of(rows, cols, r_word, r_bit);
    if (uniform(&s) < 0.3) {
        a.grid.c_word = decades(&s, 1e-9, 1e-1);
        a.grid.c_bit = decades(&s, 1e-9, 1e-1);
    }
    const double g_source = decades(&s, 1e-4, 1.0);
    fill(&a, pattern, g_source, g_end, seed);
    const size_t n = 2 * rows * cols;
    double *x = calloc(n, sizeof *x), *y = calloc(n, sizeof *y), most = 0.0, off = 0.0, left;
    struct ow_grid_effort effort;
    *complaint = '\0';
    if (!solve(&a, 1, 1e-12, x, &effort)) {
        snprintf(complaint, 200, "not solved: %d iterations, residual %g", effort.iterations,
                 effort.residual);
    } else {
        solve_directly(&a, y);
        for (size_t k = 0; k < n; k++) {
            most = fmax(most, fabs(y[k]));
            off = fmax(off, fabs(x[k] - y[k]));
        }
        const double broken = law_broken(&a, x, x + n / 2, &left);
        /* KLU's own error grows with wire over cell, here up to 1e7 a node; a residual current
         * of tol |f| moves a bit line by what its cells of 1 uS make of it */
        const double moved = g_end > 0.0 ? 0.0 : 1e-12 * g_source * (double)rows / 1e-6;
        if (!(off <= 1e-7 * most + moved))
            snprintf(complaint, 200, "off by %g of %g", off, most);
        else if (left > 1e-12 && broken > 1e-15)
            snprintf(complaint, 200, "residual %g, %g of the largest current", left, broken);
    }
    if (*complaint)
        snprintf(complaint + strlen(complaint), 200, "; pattern %d, wires %g and %g, end %g",
                 (int)pattern, r_word, r_bit, g_end);
    free(x);
    free(y);
    array_finish(&a);
}

/* The smallest array that still fails. */
static void check_seed(unsigned long long seed, size_t rows, size_t cols)
{
    char complaint[400], smaller[400];
    attempt(seed, rows, cols, complaint);
    if (!*complaint)
        return;
    for (size_t half = 2; half > 0; half--) {
        const size_t r = rows > 1 ? rows / half : 1, c = cols > 1 ? cols / half : 1;
        attempt(seed, r ? r : 1, c ? c : 1, smaller);
        if (half == 2 && *smaller) {
            rows = r ? r : 1, cols = c ? c : 1;
            memcpy(complaint, smaller, sizeof complaint);
            half = rows * cols > 1 ? 3 : 1;
        }
    }
    ck_abort_msg("seed %llu, %zu x %zu: %s", seed, rows, cols, complaint);
}

START_TEST(test_random_arrays_agree_with_direct_factors)
{
    unsigned long long s = (unsigned long long)_i + 1;
    const size_t most = _i % 50 ? 40 : 120;
    const size_t rows = 1 + (size_t)(uniform(&s) * (double)most);
    const size_t cols = 1 + (size_t)(uniform(&s) * (double)most);
    check_seed((unsigned long long)_i, rows, cols);
}
END_TEST

static const struct {
    size_t rows, cols;
} shape[] = {{1, 1},   {1, 700}, {700, 1},  {2, 300},   {300, 2},  {16, 17},
             {33, 31}, {64, 64}, {65, 129}, {1000, 17}, {17, 1000}};

START_TEST(test_every_shape_agrees_with_direct_factors)
{
    for (unsigned long long seed = 100; seed < 104; seed++)
        check_seed(seed, shape[_i].rows, shape[_i].cols);
}
END_TEST

/* ---- large and hard arrays ------------------------------------------------------------------
 */

static const struct {
    size_t rows, cols;
    enum pattern pattern;
    double r_wire, g_source, g_end;
    int most_iterations;
} large[] = {
    {400, 400, UNIFORM, 2.0, 0.02, 0.02, 40},  {500, 500, UNIFORM, 200.0, 0.02, 0.02, 20},
    {4096, 64, UNIFORM, 20.0, 0.02, 0.02, 20}, {64, 4096, UNIFORM, 20.0, 0.02, 0.02, 40},
    {320, 320, CHECKER, 2.0, 0.02, 0.02, 300}, {333, 511, STRIPES, 2.0, 0.02, 0.02, 150},
    {400, 401, COLUMNS, 2.0, 0.02, 0.02, 100}, {513, 257, FEW_ON, 2.0, 0.02, 0.02, 100},
    {257, 300, STUCK, 0.5, 0.02, 0.02, 300},   {300, 300, LOG, 20.0, 0.02, 0.0, 100},
    {1, 30000, UNIFORM, 2.0, 0.02, 0.02, 100}, {30000, 1, UNIFORM, 2.0, 0.02, 0.02, 100},
};

START_TEST(test_large_arrays_fulfil_the_node_equations)
{
    const size_t n = large[_i].rows * large[_i].cols;
    struct array a =
        array_of(large[_i].rows, large[_i].cols, large[_i].r_wire, large[_i].r_wire);
    struct ow_grid_effort effort;
    double *x = calloc(2 * n, sizeof *x), left;
    fill(&a, large[_i].pattern, large[_i].g_source, large[_i].g_end, 7);
    ck_assert_msg(solve(&a, 0, 1e-10, x, &effort), "%d iterations, residual %g",
                  effort.iterations, effort.residual);
    law_broken(&a, x, x + n, &left);
    ck_assert_double_le(left, 1e-10);
    ck_assert_close(effort.residual, left, 0.0, 1e-13);
    ck_assert_int_le(effort.iterations, large[_i].most_iterations);
    free(x);
    array_finish(&a);
}
END_TEST

/* Bit for bit. */
START_TEST(test_threads_change_no_number)
{
    const double r_wire = _i ? 50.0 : 1.0; /* with and without multigrid */
    struct array a = array_of(299, 411, r_wire, r_wire);
    const size_t n = 299 * 411;
    double *x = calloc(2 * n, sizeof *x), *y = calloc(2 * n, sizeof *y);
    struct ow_grid_effort effort;
    fill(&a, UNIFORM, 0.02, 0.02, 3);
    ck_assert(solve(&a, 1, 1e-10, x, &effort));
    ck_assert_int_eq(effort.has_multigrid, _i);
    for (int n_threads = 2; n_threads <= 4; n_threads++) {
        ck_assert(solve(&a, n_threads, 1e-10, y, &effort));
        ck_assert_mem_eq(x, y, 2 * n * sizeof *x);
    }
    free(x);
    free(y);
    array_finish(&a);
}
END_TEST

/* ---- edges
 * ----------------------------------------------------------------------------------- */

/* Single precision inside has a range of its own; the drive's scale must not meet it. */
START_TEST(test_scale_of_the_drive)
{
    const size_t n = 20 * 30;
    struct array a = array_of(20, 30, 2.0, 3.0);
    double x[1200], y[1200];
    struct ow_grid_effort effort;
    fill(&a, UNIFORM, 0.02, 0.1, 5);
    ck_assert(solve(&a, 1, 1e-12, x, &effort));
    static const double scale[] = {0x1p-160, 0x1p160};
    for (int k = 0; k < N(scale); k++) {
        for (size_t i = 0; i < 20; i++)
            a.f[i] *= scale[k];
        ck_assert(solve(&a, 1, 1e-12, y, &effort));
        for (size_t m = 0; m < 2 * n; m++)
            ck_assert_close(y[m], x[m] * scale[k], 1e-10, 0.0);
        for (size_t i = 0; i < 20; i++)
            a.f[i] /= scale[k];
    }
    memset(a.f, 0, 20 * sizeof *a.f);
    ck_assert(solve(&a, 1, 1e-12, y, &effort));
    for (size_t m = 0; m < 2 * n; m++)
        ck_assert_double_eq(y[m], 0.0);
    array_finish(&a);
}
END_TEST

/* With weights the estimated error is what the caller asked for; the estimate is that of a
 * preconditioner and may be off by a factor. */
START_TEST(test_weighted_error)
{
    const size_t n = 40 * 50;
    struct array a = array_of(40, 50, 2.0, 3.0);
    double *exact = calloc(2 * n, sizeof *exact), *x = calloc(2 * n, sizeof *x);
    double *f = calloc(2 * n, sizeof *f), *weight = calloc(2 * n, sizeof *weight);
    struct ow_grid_solver *solver;
    struct ow_grid_effort effort;
    unsigned long long seed = 17;
    fill(&a, UNIFORM, 0.02, 0.1, 5);
    for (size_t k = 0; k < 2 * n; k++) {
        f[k] = 1e-3 * (uniform(&seed) - 0.5);
        weight[k] = decades(&seed, 1.0, 1e3);
    }
    const struct ow_grid_rhs rhs = {.w = f, .b = f + n};
    const struct ow_grid_weights weights = {.w = weight, .b = weight + n};
    ck_assert_int_eq(ow_grid_create(40, 50, 1, &solver), OW_OK);
    ck_assert(ow_grid_factor(solver, &a.grid));
    ck_assert(ow_grid_solve(solver, &rhs, NULL, 1e-13, exact, exact + n, &effort));
    static const double tol[] = {1.0, 1e-3, 1e-9};
    int iterations = 0;
    for (int k = 0; k < N(tol); k++) {
        double squares = 0.0;
        ck_assert(ow_grid_solve(solver, &rhs, &weights, tol[k], x, x + n, &effort));
        for (size_t m = 0; m < n; m++) {
            const double e = fmax(weight[m] * fabs(x[m] - exact[m]),
                                  weight[n + m] * fabs(x[n + m] - exact[n + m]));
            squares += e * e;
        }
        ck_assert_double_le(sqrt(squares), 3.0 * tol[k]);
        ck_assert_int_gt(effort.iterations, iterations); /* no more work than asked for */
        iterations = effort.iterations;
    }
    ow_grid_destroy(solver);
    free(exact);
    free(x);
    free(f);
    free(weight);
    array_finish(&a);
}
END_TEST

/* Pivots below zero are found by the factors; a matrix that is indefinite all the same, by the
 * iterations; a bit line that nothing holds, by the factors. */
START_TEST(test_what_does_not_apply_is_refused)
{
    struct array a = array_of(1, 1, 1.0, 1.0);
    struct ow_grid_effort effort;
    double x[2];
    a.source[0] = a.end[0] = a.f[0] = 1.0;
    a.d[0] = -0.49; /* positive definite down to -0.5 */
    ck_assert(solve(&a, 1, 1e-12, x, &effort));
    ck_assert_close(x[0], 0.51 / 0.02, 1e-9, 0.0);
    static const double refused[] = {-0.6, -1.1, INFINITY, NAN};
    for (int k = 0; k < N(refused); k++) {
        a.d[0] = refused[k];
        ck_assert(!solve(&a, 1, 1e-12, x, &effort));
    }
    a.d[0] = a.end[0] = 0.0;
    ck_assert(!solve(&a, 1, 1e-12, x, &effort));
    array_finish(&a);

    /* rounding hides all of the residual: no solution is claimed */
    a = array_of(9, 8, 1e12, 1e-12);
    double y[144];
    fill(&a, UNIFORM, 1e-12, 1e-9, 5);
    ck_assert(!solve(&a, 1, 1e-12, y, &effort));
    array_finish(&a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("grid");
    TCase *tc = tcase_create("grid");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_random_arrays_agree_with_direct_factors, 0, 150);
    tcase_add_loop_test(tc, test_every_shape_agrees_with_direct_factors, 0, N(shape));
    tcase_add_loop_test(tc, test_large_arrays_fulfil_the_node_equations, 0, N(large));
    tcase_add_loop_test(tc, test_threads_change_no_number, 0, 2);
    tcase_add_test(tc, test_scale_of_the_drive);
    tcase_add_test(tc, test_weighted_error);
    tcase_add_test(tc, test_what_does_not_apply_is_refused);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
