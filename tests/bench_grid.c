/* For scripts/bench --scale: one linear crossbar of N x N cells at DC by the lines' solver and,
 * if asked, by KLU or CHOLMOD on the whole matrix; and the machine's memory bandwidth and rate
 * of multiply-adds.  One line of JSON.
 *
 *   bench_grid N R_WIRE G_MIN G_MAX THREADS REPETITIONS lines|klu|cholmod
 *   bench_grid machine */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_CHOLMOD
#include <suitesparse/cholmod.h>
#endif

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

/* Bytes a second of one thread: a = b + s c, with the line of a that is fetched before it is
 * written. */
static double triad(double *sample)
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
    *sample = a[N / 2];
    free(a);
    free(b);
    free(c);
    return 4.0 * N * sizeof *a / best;
}

/* Multiply-adds a second of one thread in the widest registers: CHAINS of them that do not wait
 * for each other, nothing from memory. */
#define DEFINE_CHAINS(name, attribute, LANES)                                                  \
    attribute static void name(size_t n, double x[])                                           \
    {                                                                                          \
        typedef double vector __attribute__((vector_size((LANES) * sizeof(double))));          \
        vector s0 = {x[0]}, s1 = {x[1]}, s2 = {x[2]}, s3 = {x[3]}, s4 = {x[4]}, s5 = {x[5]},   \
               s6 = {x[6]}, s7 = {x[7]}, s8 = {x[8]}, s9 = {x[9]}, a = {0.5}, b = {0.25};      \
        for (size_t k = 0; k < n; k++) {                                                       \
            s0 = s0 * a + b, s1 = s1 * a + b, s2 = s2 * a + b, s3 = s3 * a + b;                \
            s4 = s4 * a + b, s5 = s5 * a + b, s6 = s6 * a + b, s7 = s7 * a + b;                \
            s8 = s8 * a + b, s9 = s9 * a + b;                                                  \
        }                                                                                      \
        x[0] = s0[0] + s1[0] + s2[0] + s3[0] + s4[0] + s5[0] + s6[0] + s7[0] + s8[0] + s9[0];  \
    }
enum { CHAINS = 10 };
DEFINE_CHAINS(chains_2, , 2)
#ifdef __x86_64__
DEFINE_CHAINS(chains_4, __attribute__((target("avx2,fma"))), 4)
DEFINE_CHAINS(chains_8, __attribute__((target("avx512f"))), 8)
#endif

static double multiply_adds(double *sample)
{
    enum { N = 200000, TIMES = 99 }; /* short: undisturbed at least once */
    double x[CHAINS] = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0}, best = INFINITY;
    void (*chains)(size_t n, double x[]) = chains_2;
    double lanes = 2.0;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f")) {
        chains = chains_8;
        lanes = 8.0;
    } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        chains = chains_4;
        lanes = 4.0;
    }
#endif
    for (int m = 0; m < TIMES; m++) {
        const double begin = ow_seconds();
        chains(N, x);
        best = fmin(best, ow_seconds() - begin);
    }
    *sample = x[0];
    return N * (double)CHAINS * lanes / best;
}

/* The samples are printed so that nothing is left out. */
static void machine(void)
{
    double sample[2];
    const double bandwidth = triad(&sample[0]), rate = multiply_adds(&sample[1]);
    printf("{\"bandwidth\": %.6g, \"multiply_adds\": %.6g, \"sample\": [%g, %g]}\n", bandwidth,
           rate, sample[0], sample[1]);
}

static int fail(const char *what)
{
    fprintf(stderr, "bench_grid: %s\n", what);
    return EXIT_FAILURE;
}

/* ---- CHOLMOD --------------------------------------------------------------------------- */

/* A solution by somebody else's solver. */
struct other {
    double seconds, off; /* NAN: not asked for; of the largest voltage */
    const char *how;     /* order of elimination */
    const char *blas;
};

static double largest_difference(size_t n, const double x[], const double y[])
{
    double most = 0.0, off = 0.0;
    for (size_t k = 0; k < n; k++) {
        most = fmax(most, fabs(y[k]));
        off = fmax(off, fabs(x[k] - y[k]));
    }
    return off / most;
}

#ifdef HAVE_CHOLMOD
/* The order in which CHOLMOD may be told to eliminate, as KLU is: a rectangle of cells falls in
 * two without the word-line nodes of its middle column, or the bit-line nodes of its middle
 * row, which come last. */
struct order {
    size_t side, n_node;
    int *node;           /* [2 side^2] */
    unsigned char *deep; /* [2 side^2] 1 + how deep the cut is that has the node; 0: none */
};

static void dissect(struct order *o, size_t i0, size_t i1, size_t j0, size_t j1,
                    unsigned char depth)
{
    const size_t n = o->side * o->side;
    if (i1 - i0 <= 2 && j1 - j0 <= 2) {
        for (size_t k = 0; k < 2; k++)
            for (size_t i = i0; i < i1; i++)
                for (size_t j = j0; j < j1; j++)
                    if (!o->deep[k * n + i * o->side + j])
                        o->node[o->n_node++] = (int)(k * n + i * o->side + j);
        return;
    }
    const bool by_column = j1 - j0 > i1 - i0;
    const size_t middle = by_column ? (j0 + j1) / 2 : (i0 + i1) / 2;
    const size_t first = by_column ? i0 * o->side + middle : n + middle * o->side + j0;
    const size_t step = by_column ? o->side : 1, length = by_column ? i1 - i0 : j1 - j0;
    for (size_t k = 0; k < length; k++)
        if (!o->deep[first + k * step])
            o->deep[first + k * step] = depth;
    dissect(o, i0, by_column ? i1 : middle, j0, by_column ? middle : j1, depth + 1);
    dissect(o, by_column ? i0 : middle, i1, by_column ? middle : j0, j1, depth + 1);
    for (size_t k = 0; k < length; k++)
        if (o->deep[first + k * step] == depth)
            o->node[o->n_node++] = (int)(first + k * step);
}

/* The lower triangle, column by column. */
static cholmod_sparse *matrix_of(const struct ow_grid *g, cholmod_common *c)
{
    const size_t side = g->rows, n = side * side;
    cholmod_sparse *a = cholmod_allocate_sparse(2 * n, 2 * n, 5 * n, 1, 1, -1, CHOLMOD_REAL, c);
    if (!a)
        return NULL;
    int *column = a->p, *row = a->i, nnz = 0;
    double *value = a->x;
    for (size_t k = 0; k < 2 * n; k++) {
        const size_t cell = k % n, i = cell / side, j = cell % side;
        const bool is_bit = k >= n;
        const size_t place = is_bit ? i : j;
        const double wire = is_bit ? g->g_bit : g->g_word, d = ow_grid_cell(g, cell);
        column[k] = nnz;
        row[nnz] = (int)k;
        value[nnz++] = d + wire * ((place > 0) + (place + 1 < side)) +
                       (is_bit && i + 1 == side ? g->end[j] : 0.0) +
                       (!is_bit && j == 0 ? g->source[i] : 0.0);
        if (place + 1 < side) {
            row[nnz] = (int)(k + (is_bit ? side : 1));
            value[nnz++] = -wire;
        }
        if (!is_bit) {
            row[nnz] = (int)(k + n);
            value[nnz++] = -d;
        }
    }
    column[2 * n] = nnz;
    return a;
}

/* Which one does CHOLMOD's arithmetic; OpenBLAS is told to take one thread. */
static const char *blas_library(void)
{
    Dl_info info;
    void (*set_threads)(int) = NULL;
    *(void **)&set_threads = dlsym(RTLD_DEFAULT, "openblas_set_num_threads");
    if (set_threads)
        set_threads(1);
    void *dgemm = dlsym(RTLD_DEFAULT, "dgemm_");
    return dgemm && dladdr(dgemm, &info) ? realpath(info.dli_fname, NULL) : NULL;
}

static double solve_cholmod(const struct ow_grid *grid, int ordering, const double f[],
                            double y[])
{
    const size_t n = 2 * grid->rows * grid->cols;
    struct order o = {.side = grid->rows};
    cholmod_common c;
    cholmod_start(&c);
    c.supernodal = CHOLMOD_SUPERNODAL;
    c.nmethods = 1;
    c.method[0].ordering = ordering;
    c.postorder = 1;
    double seconds = NAN;
    const double begin = ow_seconds();
    if (ordering == CHOLMOD_GIVEN) {
        o.node = malloc(n * sizeof *o.node);
        o.deep = calloc(n, sizeof *o.deep);
        if (o.node && o.deep)
            dissect(&o, 0, grid->rows, 0, grid->cols, 1);
    }
    cholmod_sparse *a = matrix_of(grid, &c);
    cholmod_dense *b = cholmod_zeros(n, 1, CHOLMOD_REAL, &c), *x = NULL;
    cholmod_factor *factor = !a || !b ? NULL
                             : ordering == CHOLMOD_GIVEN
                                 ? cholmod_analyze_p(a, o.node, NULL, 0, &c)
                                 : cholmod_analyze(a, &c);
    if (factor && cholmod_factorize(a, factor, &c) && c.status == CHOLMOD_OK) {
        for (size_t i = 0; i < grid->rows; i++)
            ((double *)b->x)[i * grid->cols] = f[i];
        x = cholmod_solve(CHOLMOD_A, factor, b, &c);
    }
    if (x) {
        seconds = ow_seconds() - begin;
        memcpy(y, x->x, n * sizeof *y);
    }
    free(o.node);
    free(o.deep);
    cholmod_free_dense(&x, &c);
    cholmod_free_dense(&b, &c);
    cholmod_free_factor(&factor, &c);
    cholmod_free_sparse(&a, &c);
    cholmod_finish(&c);
    return seconds;
}

/* With whatever order is the fastest, analysis included. */
static struct other by_cholmod(const struct ow_grid *grid, const double f[], const double x[])
{
    static const struct {
        int ordering;
        const char *name;
    } way[] = {{CHOLMOD_GIVEN, "geometric"}, {CHOLMOD_METIS, "METIS"}, {CHOLMOD_AMD, "AMD"}};
    const size_t n = 2 * grid->rows * grid->cols;
    struct other best = {.seconds = NAN, .off = NAN, .blas = blas_library()};
    double *y = malloc(n * sizeof *y);
    for (size_t k = 0; y && k < sizeof way / sizeof way[0]; k++) {
        const double seconds = solve_cholmod(grid, way[k].ordering, f, y);
        if (!(seconds >= best.seconds) && !isnan(seconds)) {
            best.seconds = seconds;
            best.how = way[k].name;
            best.off = largest_difference(n, x, y);
        }
    }
    free(y);
    return best;
}
#else
static struct other by_cholmod(const struct ow_grid *grid, const double f[], const double x[])
{
    return (struct other){.seconds = NAN, .off = NAN};
}
#endif

static struct other by_klu(const struct ow_grid *grid, const double f[], const double x[])
{
    const size_t n = grid->rows * grid->cols;
    struct other klu = {.seconds = NAN, .off = NAN, .how = "geometric"};
    struct ow_direct *direct;
    double *y = calloc(2 * n, sizeof *y);
    for (size_t i = 0; y && i < grid->rows; i++)
        y[i * grid->cols] = f[i];
    const double begin = ow_seconds();
    if (!y || ow_direct_create((int)grid->rows, (int)grid->cols, &direct) ||
        ow_direct_factor(direct, grid)) {
        free(y);
        return klu;
    }
    ow_direct_solve(direct, y);
    klu.seconds = ow_seconds() - begin;
    ow_direct_destroy(direct);
    klu.off = largest_difference(2 * n, x, y);
    free(y);
    return klu;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "machine") == 0)
        return machine(), EXIT_SUCCESS;
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
    struct other other = {.seconds = NAN, .off = NAN};
    if (strcmp(argv[7], "klu") == 0)
        other = by_klu(&grid, f, x);
    if (strcmp(argv[7], "cholmod") == 0)
        other = by_cholmod(&grid, f, x);
    printf("{\"seconds\": %.6g, \"bytes_a_cell\": %.4g, \"moved\": %.6g, \"iterations\": %d, "
           "\"residual\": %.3g, \"other\": %.6g, \"off\": %.3g, \"how\": \"%s\", "
           "\"blas\": \"%s\"}\n",
           spent[times / 2], memory / (double)n, bytes_moved(&effort) * (double)n,
           effort.iterations, effort.residual, isnan(other.seconds) ? -1.0 : other.seconds,
           isnan(other.off) ? -1.0 : other.off, other.how ? other.how : "",
           other.blas ? other.blas : "");
    free(d);
    free(x);
    free(ends);
    free(f);
    free(spent);
    return EXIT_SUCCESS;
}
