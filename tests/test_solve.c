/* ohmweave solve on random and adversarial arrays of every kind: whatever solver it takes, the
 * answer is that of a direct factorisation, all nodes of it, and threads change no number. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ow_check.h"
#include "ow_engine.h"
#include "ow_solve.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* ---- arrays -------------------------------------------------------------------------------
 */

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

enum pattern { UNIFORM, LOG, CHECKER, MISSING, STUCK, DEAD_LINES, N_PATTERN };
enum wires { BOTH_SHORT, WORD_SHORT, BIT_SHORT, NONE_SHORT, N_WIRES };

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
    case MISSING:
        return u < 0.9 ? 0.0 : 1e-4 * u;
    case STUCK:
        return u < 0.05 ? 1e-1 : u < 0.1 ? 0.0 : 1e-5;
    default: /* rows and columns of nothing */
        return i % 5 == 2 || j % 4 == 1 ? 0.0 : 1e-4 * u;
    }
}

struct question {
    struct ow_matrix g, drive;
    struct ow_solve_wires wires;
};

/* Everything but the size follows from the seed. */
static struct question question_of(unsigned long long seed, size_t rows, size_t cols)
{
    unsigned long long s = seed;
    const enum pattern pattern = (enum pattern)(uniform(&s) * N_PATTERN);
    const enum wires wires = (enum wires)(seed % N_WIRES);
    const double r_word = decades(&s, 1e-2, 1e2), r_bit = decades(&s, 1e-2, 1e2);
    const double driver = uniform(&s), sense = uniform(&s);
    struct question q = {.g = ow_matrix_create(rows, cols), .drive = ow_matrix_create(rows, 1)};
    ck_assert(q.g.a && q.drive.a);
    q.wires = (struct ow_solve_wires){
        .r_wordline = wires == BOTH_SHORT || wires == WORD_SHORT ? 0.0 : r_word,
        .r_bitline = wires == BOTH_SHORT || wires == BIT_SHORT ? 0.0 : r_bit,
        .r_driver = driver < 0.3 ? 0.0 : decades(&s, 1.0, 1e5),
        .r_sense = sense < 0.25  ? 0.0
                   : sense < 0.5 ? INFINITY /* no end at all */
                                 : decades(&s, 1.0, 1e5)};
    for (size_t k = 0; k < rows * cols; k++)
        q.g.a[k] = cell(pattern, k / cols, k % cols, &s);
    for (size_t i = 0; i < rows; i++)
        q.drive.a[i] = i % 3 == 1 ? 0.0 : uniform(&s) - 0.3;
    return q;
}

static void question_finish(struct question *q)
{
    ow_matrix_finish(&q->g);
    ow_matrix_finish(&q->drive);
}

/* ---- the same by KLU on the circuit's graph
 * --------------------------------------------------
 */

static void unit_eval(const struct ow_cells *cells, struct ow_response *out)
{
    for (size_t k = 0; k < cells->n; k++) {
        out->i[k] = cells->v[k];
        if (out->di_dv)
            out->di_dv[k] = 1.0;
    }
}
static const struct ow_param unit_param[] = {OW_COMMON_PARAMS};
static const struct ow_model unit = {.name = "unit",
                                     .doc = "1 S times scale",
                                     .param = unit_param,
                                     .n_param = OW_N_COMMON,
                                     .program = OW_SCALE,
                                     .eval = unit_eval};

/* Both planes into v[2][rows][cols]. */
static void solve_directly(const struct question *q, double v[])
{
    const size_t rows = q->g.rows, cols = q->g.cols, n = rows * cols;
    const struct ow_engine_options options = {.rtol = 1e-5, .v_scale = 1.0};
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *ckt;
    struct ow_engine *engine;
    ck_assert_ok(ow_crossbar_init(&xb, rows, cols, &unit, &err), err);
    memcpy(xb.spread[OW_SCALE], q->g.a, n * sizeof *q->g.a);
    xb.r_wordline = q->wires.r_wordline;
    xb.r_bitline = q->wires.r_bitline;
    xb.r_driver = q->wires.r_driver;
    xb.sense = (struct ow_sense){.kind = OW_SENSE_RESISTOR, .r_f = q->wires.r_sense};
    ck_assert_ok(ow_circuit_create(&xb, &ckt, &err), err);
    ckt->is_grid = ckt->is_merged = false;
    double *v_node = calloc(ckt->n_node, sizeof *v_node);
    double *v_sense = calloc(cols, sizeof *v_sense);
    ck_assert_ok(ow_engine_create(ckt, &options, true, &engine, &err), err);
    ck_assert_ok(ow_engine_dc(engine, q->drive.a, NULL, v_sense, v_node, &err), err);
    for (size_t k = 0; k < n; k++) {
        v[k] = v_node[ow_circuit_te(ckt, k)];
        v[n + k] = v_node[ow_circuit_be(ckt, k)];
    }
    free(v_node);
    free(v_sense);
    ow_engine_destroy(engine);
    ow_circuit_destroy(ckt);
    ow_crossbar_finish(&xb);
}

/* ---- properties
 * ------------------------------------------------------------------------------
 */

static void attempt(unsigned long long seed, size_t rows, size_t cols, char complaint[400])
{
    struct question q = question_of(seed, rows, cols);
    struct ow_solve_result r;
    struct ow_error err = {0};
    const size_t n = 2 * rows * cols;
    double *v = calloc(n, sizeof *v), off = 0.0, in = 0.0, out = 0.0, most = 0.0;
    *complaint = '\0';
    if (ow_solve(&q.g, &q.drive, &q.wires, 1, &r, &err)) {
        snprintf(complaint, 300, "%.250s", err.text);
    } else {
        solve_directly(&q, v);
        for (size_t k = 0; k < n; k++)
            off = fmax(off, fabs(v[k] - r.nodes.a[k]));
        for (size_t i = 0; i < rows; i++) {
            in += r.i_wordline.a[i];
            most = fmax(most, fabs(r.i_wordline.a[i]));
        }
        for (size_t j = 0; j < cols; j++)
            out += r.i_bitline.a[j];
        /* KLU's own error grows with the ratio of conductances, up to 1e9 here; voltages on
         * lines that almost nothing holds follow it */
        const bool is_short = q.wires.r_wordline == 0.0 || q.wires.r_bitline == 0.0;
        if (!(off <= 1e-8))
            snprintf(complaint, 300, "off by %g V, %s", off, ow_solve_method_str(r.method));
        else if (!(fabs(in - out) <= 1e-9 * most))
            snprintf(complaint, 300, "%g A in, %g A out", in, out);
        else if (is_short && r.method != OW_SOLVE_NONE && r.method != OW_SOLVE_CLOSED &&
                 r.method != OW_SOLVE_REDUCED)
            snprintf(complaint, 300, "not solved on the lines");
        else if (is_short && !(r.residual <= 1e-9))
            snprintf(complaint, 300, "residual %g", r.residual);
        ow_solve_result_finish(&r);
    }
    if (*complaint)
        snprintf(complaint + strlen(complaint), 100, "; wires %g %g, ends %g %g",
                 q.wires.r_wordline, q.wires.r_bitline, q.wires.r_driver, q.wires.r_sense);
    free(v);
    question_finish(&q);
}

/* The smallest array that still fails. */
static void check_seed(unsigned long long seed, size_t rows, size_t cols)
{
    char complaint[400], smaller[400];
    attempt(seed, rows, cols, complaint);
    if (!*complaint)
        return;
    for (bool is_smaller = true; is_smaller;) {
        const size_t next[][2] = {{rows / 2, cols / 2},
                                  {rows / 2, cols},
                                  {rows, cols / 2},
                                  {rows - 1, cols},
                                  {rows, cols - 1}};
        is_smaller = false;
        for (size_t k = 0; k < N(next) && !is_smaller; k++) {
            if (next[k][0] == 0 || next[k][1] == 0)
                continue;
            attempt(seed, next[k][0], next[k][1], smaller);
            if (*smaller) {
                is_smaller = true;
                rows = next[k][0], cols = next[k][1];
                memcpy(complaint, smaller, sizeof complaint);
            }
        }
    }
    ck_abort_msg("seed %llu, %zu x %zu: %s", seed, rows, cols, complaint);
}

START_TEST(test_random_arrays_agree_with_direct_factors)
{
    unsigned long long s = (unsigned long long)_i + 1;
    const size_t rows = 1 + (size_t)(uniform(&s) * 35.0);
    const size_t cols = 1 + (size_t)(uniform(&s) * 35.0);
    check_seed((unsigned long long)_i, rows, cols);
}
END_TEST

static const struct {
    size_t rows, cols;
} shape[] = {{1, 1}, {1, 300}, {300, 1}, {2, 131}, {131, 2}, {63, 65}, {129, 64}, {17, 150}};

START_TEST(test_every_shape_agrees_with_direct_factors)
{
    for (unsigned long long seed = 1000; seed < 1000 + 2 * N_WIRES; seed++)
        check_seed(seed, shape[_i].rows, shape[_i].cols);
}
END_TEST

/* Large arrays on the lines: no factorisation, few iterations, the same bits on any number of
 * threads. */
START_TEST(test_large_arrays_stay_on_the_lines)
{
    static const struct {
        size_t rows, cols;
        struct ow_solve_wires wires;
        enum ow_solve_method method;
    } large[] = {
        {400, 401, {0.0, 2.0, 50.0, 50.0}, OW_SOLVE_REDUCED},
        {400, 401, {2.0, 0.0, 50.0, 50.0}, OW_SOLVE_REDUCED},
        {400, 401, {0.0, 0.0, 50.0, 50.0}, OW_SOLVE_REDUCED},
        {400, 401, {0.0, 0.0, 1e3, INFINITY}, OW_SOLVE_REDUCED},
        {4096, 64, {0.0, 2.0, 0.0, 50.0}, OW_SOLVE_CLOSED},
        {64, 4096, {2.0, 0.0, 50.0, 0.0}, OW_SOLVE_CLOSED},
        {4096, 64, {2.0, 0.0, 50.0, 50.0}, OW_SOLVE_REDUCED},
        {4096, 64, {0.0, 2.0, 50.0, INFINITY}, OW_SOLVE_REDUCED},
    };
    struct question q = {.g = ow_matrix_create(large[_i].rows, large[_i].cols),
                         .drive = ow_matrix_create(large[_i].rows, 1),
                         .wires = large[_i].wires};
    struct ow_solve_result r, other;
    struct ow_error err = {0};
    unsigned long long s = 5;
    for (size_t k = 0; k < q.g.rows * q.g.cols; k++)
        q.g.a[k] = 1e-6 + 99e-6 * uniform(&s);
    for (size_t i = 0; i < q.drive.rows; i++)
        q.drive.a[i] = 0.2 * uniform(&s);
    ck_assert_ok(ow_solve(&q.g, &q.drive, &q.wires, 1, &r, &err), err);
    ck_assert_int_eq(r.method, large[_i].method);
    ck_assert_double_le(r.residual, 1e-12);
    ck_assert_int_le(r.iterations, 200);
    ck_assert_int_eq(r.iterations > 0, r.method == OW_SOLVE_REDUCED);
    for (int n_threads = 2; n_threads <= 4; n_threads++) {
        ck_assert_ok(ow_solve(&q.g, &q.drive, &q.wires, n_threads, &other, &err), err);
        ck_assert_mem_eq(r.nodes.a, other.nodes.a,
                         r.nodes.rows * r.nodes.cols * sizeof *r.nodes.a);
        ow_solve_result_finish(&other);
    }
    ow_solve_result_finish(&r);
    question_finish(&q);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("solve");
    TCase *tc = tcase_create("solve");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_random_arrays_agree_with_direct_factors, 0, 160);
    tcase_add_loop_test(tc, test_every_shape_agrees_with_direct_factors, 0, N(shape));
    tcase_add_loop_test(tc, test_large_arrays_stay_on_the_lines, 0, 8);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
