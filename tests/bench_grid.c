/* For scripts/bench --scale: one linear crossbar of N x N cells at DC by the lines' solver and,
 * if asked, by KLU on the whole matrix; and the machine's memory bandwidth.  One line of JSON.
 *
 *   bench_grid N R_WIRE G_MIN G_MAX THREADS REPETITIONS lines|klu
 *   bench_grid triad */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ow_clock.h"
#include "ow_direct.h"
#include "ow_grid.h"
#include "ow_pages.h"
#include "ow_peak.h"

/* Uniform in [0, 1): a multiplicative congruential generator is enough here. */
static double uniform(unsigned long long *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (double)(*state >> 11) * 0x1p-53;
}

/* What one thread's solution moves at least, in bytes a cell, arrays of 4 bytes read or written
 * and allocated on a write: 16 an iteration with the word lines, 38 and its share of coarser
 * levels with multigrid; a pass adds fold, substitution, both planes and the residual. */
static double bytes_moved(const struct ow_grid_effort *effort)
{
    const double iteration = effort->has_multigrid ? 38.0 * 4.0 * 16.0 / 15.0 : 16.0 * 4.0;
    return 48.0 + effort->iterations * iteration + effort->passes * 120.0;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void triad(void)
{
    enum { N = 1 << 24, TIMES = 9 };
    double *a = malloc(N * sizeof *a), *b = malloc(N * sizeof *b), *c = malloc(N * sizeof *c);
    double best = INFINITY;
    if (!a || !b || !c)
        exit(EXIT_FAILURE);
    for (size_t k = 0; k < N; k++)
        a[k] = b[k] = c[k] = (double)k;
    for (int m = 0; m < TIMES; m++) {
        const double begin = ow_seconds();
        for (size_t k = 0; k < N; k++)
            a[k] = b[k] + 0.5 * c[k];
        best = fmin(best, ow_seconds() - begin);
    }
    /* a[N / 2] is printed so that nothing is left out */
    printf("{\"bandwidth\": %.6g, \"sample\": %g}\n", 4.0 * N * sizeof *a / best, a[N / 2]);
    free(a);
    free(b);
    free(c);
}

static int fail(const char *what)
{
    fprintf(stderr, "bench_grid: %s\n", what);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "triad") == 0)
        return triad(), EXIT_SUCCESS;
    if (argc != 8)
        return fail("arguments: see the source");
    const size_t side = strtoul(argv[1], NULL, 10), n = side * side;
    const double r_wire = strtod(argv[2], NULL), g_min = strtod(argv[3], NULL);
    const double g_max = strtod(argv[4], NULL), r_end = 50.0;
    const int n_threads = atoi(argv[5]), times = atoi(argv[6]);
    const double before = peak_memory();
    double *d = malloc(n * sizeof *d), *x = ow_pages_calloc(2 * n, sizeof *x), *spent = NULL;
    double *ends = malloc(side * sizeof *ends), *f = malloc(side * sizeof *f);
    spent = malloc((size_t)(times > 0 ? times : 1) * sizeof *spent);
    if (!d || !x || !ends || !f || !spent)
        return fail("out of memory");
    unsigned long long seed = 1;
    for (size_t k = 0; k < n; k++)
        d[k] = g_min + (g_max - g_min) * uniform(&seed);
    for (size_t k = 0; k < side; k++) {
        ends[k] = 1.0 / (r_wire + r_end);
        f[k] = 0.2 * uniform(&seed) * ends[k];
    }
    const struct ow_grid grid = {.rows = side,
                                 .cols = side,
                                 .g_word = 1.0 / r_wire,
                                 .g_bit = 1.0 / r_wire,
                                 .source = ends,
                                 .end = ends,
                                 .d = d,
                                 .d_scale = 1.0};
    const struct ow_grid_rhs rhs = {.source = f};
    struct ow_grid_effort effort = {0};
    for (int k = 0; k < times; k++) {
        struct ow_grid_solver *solver;
        const double begin = ow_seconds();
        if (ow_grid_create(side, side, n_threads, &solver) || !ow_grid_factor(solver, &grid) ||
            !ow_grid_solve(solver, &rhs, NULL, 1e-10, x, x + n, &effort))
            return fail("the lines' solver failed");
        ow_grid_destroy(solver);
        spent[k] = ow_seconds() - begin;
    }
    qsort(spent, (size_t)times, sizeof *spent, compare);
    const double memory = peak_memory() - before;
    double klu = NAN, off = NAN;
    if (strcmp(argv[7], "klu") == 0) {
        double *y = calloc(2 * n, sizeof *y), most = 0.0;
        struct ow_direct *direct;
        for (size_t i = 0; y && i < side; i++)
            y[i * side] = f[i];
        const double begin = ow_seconds();
        if (!y || ow_direct_create(side, side, &direct) || ow_direct_factor(direct, &grid))
            return fail("KLU failed");
        ow_direct_solve(direct, y);
        klu = ow_seconds() - begin;
        ow_direct_destroy(direct);
        off = 0.0;
        for (size_t k = 0; k < 2 * n; k++) {
            most = fmax(most, fabs(y[k]));
            off = fmax(off, fabs(x[k] - y[k]));
        }
        off /= most;
        free(y);
    }
    printf("{\"seconds\": %.6g, \"bytes_a_cell\": %.4g, \"moved\": %.6g, \"iterations\": %d, "
           "\"residual\": %.3g, \"klu\": %.6g, \"off\": %.3g}\n",
           spent[times / 2], memory / (double)n, bytes_moved(&effort) * (double)n,
           effort.iterations, effort.residual, isnan(klu) ? -1.0 : klu,
           isnan(off) ? -1.0 : off);
    free(d);
    free(x);
    free(ends);
    free(f);
    free(spent);
    return EXIT_SUCCESS;
}
