/* Memory: whichever allocation fails, the caller gets an error and nothing is left behind; and
 * a thousand runs hold no more than one. */
#define _GNU_SOURCE
#include "ow_memory.h"

#include "ow_check.h"

#include <stdio.h>
#include <string.h>
#include <sundials/sundials_context.h>

#include "ow_case.h"
#include "ow_coupled.h"
#include "ow_engine.h"
#include "ow_program.h"
#include "ow_solve.h"
#include "ow_vmm.h"

/* ---- jobs: from nothing to nothing ------------------------------------------------------- */

/* What came out, to compare one run with another. */
struct answer {
    size_t n;
    double value[2000];
};

static void answer_add(struct answer *a, const double value[], size_t n)
{
    if (a->n + n > sizeof a->value / sizeof a->value[0])
        abort(); /* an assertion would allocate */
    memcpy(a->value + a->n, value, n * sizeof *value);
    a->n += n;
}

static void answer_matrix(struct answer *a, const struct ow_matrix *m)
{
    answer_add(a, m->a, m->rows * m->cols);
}

struct job {
    const char *name, *text; /* a specification, or a model's name */
    enum ow_status (*run)(const struct job *job, struct answer *answer, struct ow_error *err);
    double r_wordline, r_bitline; /* of run_engine */
    unsigned n_worker;            /* of run_vmm    */
};

typedef enum ow_status problem_fn(const struct job *job, const struct ow_problem *problem,
                                  struct answer *answer, struct ow_error *err);

static enum ow_status with_problem(const struct job *job, problem_fn *run,
                                   struct answer *answer, struct ow_error *err)
{
    struct ow_spec spec = {0};
    struct ow_problem problem = {0};
    enum ow_status st = ow_spec_parse(job->text, strlen(job->text), "m.yaml", NULL, &spec, err);
    if (st)
        return st;
    if (!(st = ow_problem_init(&spec, &problem, err))) {
        st = run(job, &problem, answer, err);
        ow_problem_finish(&problem);
    }
    ow_spec_finish(&spec);
    return st;
}

static enum ow_status vmm_of(const struct job *job, const struct ow_problem *problem,
                             struct answer *answer, struct ow_error *err)
{
    struct ow_vmm_result r = {0};
    const struct ow_vmm_options how = {.n_worker = job->n_worker};
    const enum ow_status st = ow_vmm_run(problem, &how, &r, err);
    if (st)
        return st;
    answer_matrix(answer, &r.v_sense);
    answer_matrix(answer, &r.energy);
    ow_vmm_result_finish(&r);
    return OW_OK;
}

static enum ow_status program_of(const struct job *job, const struct ow_problem *problem,
                                 struct answer *answer, struct ow_error *err)
{
    struct ow_program_result r = {0};
    const struct ow_program_options how = {0};
    const enum ow_status st = ow_program_run(problem->array, &how, &r, err);
    if (st)
        return st;
    answer_matrix(answer, &r.x);
    answer_matrix(answer, &r.pulses);
    ow_program_result_finish(&r);
    return OW_OK;
}

static enum ow_status run_vmm(const struct job *job, struct answer *answer,
                              struct ow_error *err)
{
    return with_problem(job, vmm_of, answer, err);
}

static enum ow_status run_program(const struct job *job, struct answer *answer,
                                  struct ow_error *err)
{
    return with_problem(job, program_of, answer, err);
}

/* A description, its circuit, an engine: one DC point and two transients, the first of which
 * may need what the second has. */
static enum ow_status run_engine(const struct job *job, struct answer *answer,
                                 struct ow_error *err)
{
    enum { ROWS = 3, COLS = 2 };
    const struct ow_engine_options options = {.rtol = 1e-4, .v_scale = 0.2};
    const struct ow_pulse pulse = {.t_rise = 0.5e-9, .t_read = 5e-9};
    const double amplitude[ROWS] = {0.2, 0.13, 0.07};
    struct ow_crossbar xb;
    struct ow_circuit *circuit = NULL;
    struct ow_engine *engine = NULL;
    struct ow_reading reading = {0};
    double v_sense[COLS];
    enum ow_status st = ow_crossbar_init(&xb, ROWS, COLS, ow_model_find(job->text), err);
    if (st)
        return st;
    xb.r_wordline = job->r_wordline;
    xb.r_bitline = job->r_bitline;
    xb.c_wordline = xb.c_bitline = xb.c_cell = 1e-15;
    xb.r_driver = 50.0;
    xb.sense = (struct ow_sense){.kind = OW_SENSE_TIA,
                                 .r_f = 5e3,
                                 .c_f = 3e-15,
                                 .gain = 1e4,
                                 .gbw = 1e9,
                                 .r_out = 100.0,
                                 .c_in = 5e-15,
                                 .c_load = 9e-15,
                                 .vdd = 1.8};
    const size_t n_cell = ROWS * COLS;
    if (!(st = ow_circuit_create(&xb, &circuit, err)) &&
        !(st = ow_engine_create(circuit, &options, false, &engine, err)) &&
        !(st = ow_reading_init(&reading, COLS, n_cell, xb.model->n_state)
                   ? ow_fail(err, OW_ERR_NOMEM, "a reading: out of memory")
                   : OW_OK) &&
        !(st = ow_engine_dc(engine, amplitude, NULL, v_sense, NULL, err)))
        for (int k = 0; k < 2 && !st; k++) {
            st = ow_engine_read(engine, amplitude, &pulse, NULL, &reading, err);
            answer_add(answer, reading.v_sample, COLS);
            answer_add(answer, reading.x_end, n_cell * xb.model->n_state);
        }
    ow_reading_finish(&reading);
    ow_engine_destroy(engine);
    ow_circuit_destroy(circuit);
    ow_crossbar_finish(&xb);
    return st;
}

/* An array as a part of a circuit: a DC point, then steps of which every third is tried twice.
 */
static enum ow_status run_coupled(const struct job *job, struct answer *answer,
                                  struct ow_error *err)
{
    enum { ROWS = 3, COLS = 2, PORTS = ROWS + COLS };
    const struct ow_coupled_options options = {.rtol = 1e-4, .v_scale = 0.2};
    struct ow_crossbar xb;
    struct ow_circuit *circuit = NULL;
    struct ow_coupled *coupled = NULL;
    double v[PORTS] = {0.0}, i[PORTS];
    long n_step = 0;
    enum ow_status st = ow_crossbar_init(&xb, ROWS, COLS, ow_model_find(job->text), err);
    if (st)
        return st;
    xb.r_wordline = job->r_wordline;
    xb.r_bitline = job->r_bitline;
    xb.c_wordline = xb.c_bitline = 1e-15;
    xb.sense.kind = OW_SENSE_DRIVER;
    if (!(st = ow_circuit_create(&xb, &circuit, err)) &&
        !(st = ow_coupled_create(circuit, &options, &coupled, err)))
        st = ow_coupled_dc(coupled, v, NULL, i, err);
    for (int k = 0; k < 12 && !st; k++) {
        for (size_t p = 0; p < PORTS; p++)
            v[p] = 0.02 * (k + 1) * (1.0 - 0.1 * (double)p);
        if (k % 3 == 0)
            st = ow_coupled_try(coupled, (k + 2) * 1e-10, v, k > 0, i, &n_step, err);
        if (!st)
            st = ow_coupled_try(coupled, (k + 1) * 1e-10, v, k > 0, i, &n_step, err);
        if (st)
            break;
        ow_coupled_accept(coupled);
        answer_add(answer, i, PORTS);
    }
    ow_coupled_destroy(coupled);
    ow_circuit_destroy(circuit);
    ow_crossbar_finish(&xb);
    return st;
}

/* By lines, by multigrid, directly, and on lines without resistance. */
static enum ow_status run_solve(const struct job *job, struct answer *answer,
                                struct ow_error *err)
{
    static const struct ow_solve_wires way[] = {{1.0, 2.0, 50.0, 50.0},
                                                {1.0, 1e6, 50.0, 50.0},
                                                {1e12, 1e-12, 0.0, 1e9},
                                                {0.0, 2.0, 50.0, 50.0},
                                                {1.0, 0.0, 50.0, 50.0}};
    double g[20 * 30], v[20];
    const struct ow_matrix conductance = {20, 30, g}, drive = {20, 1, v};
    for (size_t k = 0; k < 600; k++)
        g[k] = 1e-6 + 1e-4 * fmod(0.618033988749895 * (double)k, 1.0);
    for (size_t k = 0; k < 20; k++)
        v[k] = 0.2;
    for (size_t k = 0; k < 5; k++) {
        struct ow_solve_result r = {0};
        const enum ow_status st = ow_solve(&conductance, &drive, &way[k], 1, &r, err);
        if (st)
            return st;
        answer_matrix(answer, &r.i_bitline);
        ow_solve_result_finish(&r);
    }
    return OW_OK;
}

#define SMALL                                                                                  \
    "vmm: {weights: {random: [3, 2], seed: 7}, inputs: {random: [2, 3], seed: 8}}\n"           \
    "engine: {rtol: 1e-3}\n"
static const struct job job[] = {
    {.name = "solve", .run = run_solve},
    {"lines", "team", run_engine, 3.0, 2.0, .n_worker = 1},
    {"merged lines", "team", run_engine, 0.0, 0.0, .n_worker = 1},
    {"merged word lines", "team", run_engine, 0.0, 2.0, .n_worker = 1},
    {"two states", "driftdiff", run_engine, 3.0, 2.0, .n_worker = 1},
    {"jumps", "stochastic", run_engine, 3.0, 2.0, .n_worker = 1},
    {"a part of a circuit", "team", run_coupled, 3.0, 2.0, .n_worker = 1},
    {"a part, merged word lines", "driftdiff", run_coupled, 0.0, 2.0, .n_worker = 1},
    {"a part that jumps", "stochastic", run_coupled, 3.0, 2.0, .n_worker = 1},
    {"vmm", SMALL "device: {set: ow_benign, sigma_d2d: 0.1, sigma_read: 0.02}\n",
     .run = run_vmm, .n_worker = 1},
    {"vmm by resistors",
     SMALL "device: {set: ow_benign}\nsense: {amp: resistor}\ninput: {signed: true}\n",
     .run = run_vmm, .n_worker = 1},
    {"vmm in tiles",
     "vmm: {weights: {random: [3, 2], seed: 7}, inputs: {random: [2, 3], seed: 8}}\n"
     "engine: {name: dc}\narray: {tile: [2, 2]}\nadc: {bits: 6}\n"
     "device: {set: ow_benign, sigma_d2d: 0.1, sigma_read: 0.02}\n",
     .run = run_vmm, .n_worker = 1},
    {"vmm of 1T1R cells",
     SMALL "array: {cell: 1T1R}\ndevice: {set: ow_benign, g_max: 90u}\n"
           "access: {set: ekv_180nm}\n",
     .run = run_vmm, .n_worker = 1},
    {"program of 1T1R cells",
     "vmm: {weights: {random: [3, 2], seed: 11}}\narray: {cell: 1T1R}\n"
     "device: {set: team_write, g_min: 12u, g_max: 60u}\n"
     "program: {pulses: {v_set: -0.9, v_reset: 0.9, t_width: 1n, t_rise: 0.2n}}\n",
     .run = run_program},
    {"vmm by ports",
     "vmm: {weights: {random: [8, 2], seed: 7}, inputs: {random: [60, 8], seed: 8}}\n"
     "device: {set: ow_benign}\nengine: {name: dc}\n",
     .run = run_vmm, .n_worker = 1},
    {"program",
     "vmm: {weights: {random: [3, 2], seed: 11}}\n"
     "device: {set: team_write, g_min: 12u, g_max: 60u}\n"
     "program: {scheme: v3, pulses: {v_set: -0.9, v_reset: 0.9, t_width: 1n, t_rise: 0.2n}}\n",
     .run = run_program},
    {"program of switches",
     "vmm: {weights: {random: [3, 2], seed: 11}}\n"
     "device: {model: stochastic, set: stochastic_write}\n"
     "program: {pulses: {v_set: 1.3, v_reset: -1.3, t_width: 40n, t_rise: 5n},"
     " verify: {tolerance: 0.1, max_pulses: 2}}\n",
     .run = run_program},
};
enum { N_JOB = sizeof job / sizeof job[0] };

/* Whose allocations come in no set order. */
static const struct job on_threads = {"vmm on threads", SMALL "device: {set: ow_benign}\n",
                                      .run = run_vmm, .n_worker = 2};

/* One run, watched. */
static enum ow_status watch(const struct job *j, size_t fail, bool is_persistent,
                            struct answer *answer, struct ow_error *err)
{
    answer->n = 0;
    *err = (struct ow_error){0};
    memory_watch(fail, is_persistent);
    const enum ow_status st = j->run(j, answer, err);
    memory_rest();
    return st;
}

/* SUNDIALS 6.4 does not look at what its logger's allocations return; that is not ours to
 * test. */
int SUNContext_Create(void *comm, SUNContext *context)
{
    int (*create)(void *, SUNContext *);
    void *found = dlsym(RTLD_NEXT, "SUNContext_Create");
    memcpy(&create, &found, sizeof create);
    const size_t fail = memory.fail;
    memory.fail = 0;
    const int flag = create(comm, context);
    memory.fail = fail;
    return flag;
}

/* ---- failures ---------------------------------------------------------------------------- */

/* Solvers that hold on with a smaller step or another factorisation stay within the loosest
 * tolerance of the jobs. */
static bool is_alike(const struct answer *a, const struct answer *b)
{
    for (size_t k = 0; k < b->n; k++)
        if (!(fabs(a->value[k] - b->value[k]) <= 1e-3 * fabs(b->value[k]) + 1e-6))
            return false;
    return a->n == b->n;
}

/* One allocation alone or all from it on: a failure ends in OW_ERR_NOMEM, or, where one can do
 * without, in the same answer. */
START_TEST(test_every_allocation_may_fail)
{
    static struct answer sound, answer;
    const struct job *j = &job[_i % N_JOB];
    const bool is_persistent = _i >= N_JOB;
    struct ow_error err;
    /* what libraries keep from their first use on is not ours: that is not looked at */
    ck_assert_ok(watch(j, 0, false, &sound, &err), err);
    ck_assert_ok(watch(j, 0, false, &sound, &err), err);
    ck_assert_uint_eq(memory.n_live, 0);
    const size_t n = memory.n;
    size_t n_failed = 0;
    /* a failure that lasts is met at the next of ours: every fifth place will do */
    for (size_t k = 1; k <= n; k += is_persistent ? 5 : 1) {
        const enum ow_status st = watch(j, k, is_persistent, &answer, &err);
        ck_assert_msg(memory.n_live == 0, "%s, allocation %zu of %zu: %zu not freed (%s)",
                      j->name, k, n, memory.n_live, err.text);
        ck_assert_msg(st == OW_ERR_NOMEM || (st == OW_OK && is_alike(&answer, &sound)),
                      "%s, allocation %zu of %zu: %s: %s", j->name, k, n, ow_status_str(st),
                      err.text);
        ck_assert(st == OW_OK || (err.status == st && err.text[0]));
        n_failed += st != OW_OK;
    }
    ck_assert_uint_gt(n_failed, n / 10);
}
END_TEST

/* ---- growth ------------------------------------------------------------------------------ */

/* A thousand, or twenty where the slow tests are not asked for. */
static int many(void)
{
    return getenv("OW_SLOW") ? 1000 : 20;
}

START_TEST(test_runs_leave_nothing)
{
    static struct answer answer;
    struct ow_error err = {0};
    ck_assert_ok(job[_i].run(&job[_i], &answer, &err), err);
    memory_watch(0, false);
    for (int k = 0; k < many(); k++) {
        answer.n = 0;
        if (job[_i].run(&job[_i], &answer, &err))
            break;
    }
    memory_rest();
    ck_assert_msg(err.status == OW_OK, "%s: %s", job[_i].name, err.text);
    ck_assert_uint_eq(memory.n_live, 0);
}
END_TEST

/* What the C library keeps for its threads does not grow either. */
START_TEST(test_threads_leave_nothing)
{
    static struct answer answer;
    struct ow_error err = {0};
    ck_assert_ok(on_threads.run(&on_threads, &answer, &err), err);
    memory_watch(0, false);
    for (int k = 0; k < many(); k++) {
        answer.n = 0;
        if (on_threads.run(&on_threads, &answer, &err))
            break;
    }
    memory_rest();
    ck_assert_msg(err.status == OW_OK, "%s", err.text);
    ck_assert_uint_le(memory.n_live, 16);
}
END_TEST

/* After its first read an engine and its reading allocate nothing that stays. */
START_TEST(test_reads_do_not_grow)
{
    enum { ROWS = 3, COLS = 2 };
    const struct ow_engine_options options = {.rtol = 1e-4, .v_scale = 0.2};
    const struct ow_pulse pulse = {.t_rise = 0.5e-9, .t_read = 5e-9};
    const double amplitude[ROWS] = {0.2, 0.13, 0.07};
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *circuit;
    struct ow_engine *engine;
    struct ow_reading reading;
    case_init(&xb, ROWS, COLS, _i ? "stochastic" : "team", OW_SENSE_TIA);
    ck_assert_ok(ow_circuit_create(&xb, &circuit, &err), err);
    ck_assert_ok(ow_engine_create(circuit, &options, false, &engine, &err), err);
    ck_assert_int_eq(ow_reading_init(&reading, COLS, ROWS * COLS, xb.model->n_state), OW_OK);
    ck_assert_ok(ow_engine_read(engine, amplitude, &pulse, NULL, &reading, &err), err);
    memory_watch(0, false);
    for (int k = 0; k < many(); k++)
        if (ow_engine_read(engine, amplitude, &pulse, NULL, &reading, &err))
            break;
    memory_rest();
    ck_assert_msg(err.status == OW_OK, "%s", err.text);
    ck_assert_uint_eq(memory.n_live, 0);
    ow_reading_finish(&reading);
    ow_engine_destroy(engine);
    ow_circuit_destroy(circuit);
    ow_crossbar_finish(&xb);
}
END_TEST

/* Nor do steps of a part of a circuit. */
START_TEST(test_tries_do_not_grow)
{
    enum { ROWS = 3, COLS = 2, PORTS = ROWS + COLS };
    const struct ow_coupled_options options = {.rtol = 1e-4, .v_scale = 0.2};
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *circuit;
    struct ow_coupled *coupled;
    double v[PORTS] = {0.0}, i[PORTS];
    long n_step = 0;
    case_init(&xb, ROWS, COLS, _i ? "stochastic" : "team", OW_SENSE_DRIVER);
    ck_assert_ok(ow_circuit_create(&xb, &circuit, &err), err);
    ck_assert_ok(ow_coupled_create(circuit, &options, &coupled, &err), err);
    for (int k = 0; k < 20 * many(); k++) {
        if (k == 20)
            memory_watch(0, false);
        if (k % 40 == 0 && ow_coupled_dc(coupled, v, NULL, i, &err))
            break;
        for (size_t p = 0; p < PORTS; p++)
            v[p] = 0.01 * (double)(k % 40 * (p + 1));
        if (ow_coupled_try(coupled, (k % 40 + 1) * 1e-10, v, k % 40 > 0, i, &n_step, &err))
            break;
        if (k % 3)
            ow_coupled_accept(coupled);
    }
    memory_rest();
    ck_assert_msg(err.status == OW_OK, "%s", err.text);
    ck_assert_uint_eq(memory.n_live, 0);
    ow_coupled_destroy(coupled);
    ow_circuit_destroy(circuit);
    ow_crossbar_finish(&xb);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *failure = tcase_create("failure"), *growth = tcase_create("growth");
    tcase_add_loop_test(failure, test_every_allocation_may_fail, 0, 2 * N_JOB);
    tcase_add_loop_test(growth, test_runs_leave_nothing, 0, N_JOB);
    tcase_add_test(growth, test_threads_leave_nothing);
    tcase_add_loop_test(growth, test_reads_do_not_grow, 0, 2);
    tcase_add_loop_test(growth, test_tries_do_not_grow, 0, 2);
    tcase_set_timeout(failure, 60);
    tcase_set_timeout(growth, 120);
    suite_add_tcase(suite, failure);
    suite_add_tcase(suite, growth);
    return run_suite(suite);
}
