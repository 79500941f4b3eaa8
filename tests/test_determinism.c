/* The same specification gives the same bits, on however many threads and however often. */
#include "ow_check.h"

#include <stdbool.h>
#include <string.h>

#include "ow_engine.h"
#include "ow_program.h"
#include "ow_reference_ode.h"
#include "ow_solve.h"
#include "ow_vmm.h"

/* The last: once more, in a process that has been through it all. */
static const unsigned n_threads[] = {1, 3, 2, 4, 1};
enum { N_TURN = sizeof n_threads / sizeof n_threads[0] };

/* A large read takes seconds: the first two will do where the slow tests are not asked for. */
static int large_turns(void)
{
    return getenv("OW_SLOW") ? N_TURN : 2;
}

/* Large enough for threads everywhere in the engine. */
enum { ROWS = 301, COLS = 307, CELLS = ROWS * COLS };

static void check_same(const struct ow_matrix *a, const struct ow_matrix *b)
{
    ck_assert_uint_eq(a->rows, b->rows);
    ck_assert_uint_eq(a->cols, b->cols);
    ck_assert_mem_eq(a->a, b->a, a->rows * a->cols * sizeof *a->a);
}

/* States move, lines ring, and the last sum of a norm decides how far a step goes. */
START_TEST(test_one_large_read)
{
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *circuit;
    struct ow_reading r[2];
    static double v_row[ROWS];
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("team_write", param);
    const struct ow_pulse pulse = {.t_rise = 0.05e-9, .t_read = 0.1e-9};
    put(m, param, "rate", 80.0);
    ck_assert_ok(ow_crossbar_init(&xb, ROWS, COLS, m, &err), err);
    memcpy(xb.param, param, m->n_param * sizeof *param);
    for (size_t k = 0; k < CELLS; k++)
        xb.spread[m->program][k] = 0.5 + 0.4 * sin((double)k);
    for (size_t i = 0; i < ROWS; i++)
        v_row[i] = 1.2 * cos(0.3 * (double)i);
    xb.r_wordline = xb.r_bitline = 1.5;
    xb.c_wordline = xb.c_bitline = 0.1e-15;
    xb.r_driver = 50.0;
    xb.sense = (struct ow_sense){
        .kind = OW_SENSE_RESISTOR, .r_f = 30.0, .c_in = 5e-15, .c_load = 10e-15};
    ck_assert_ok(ow_circuit_create(&xb, &circuit, &err), err);
    for (int turn = 0; turn < large_turns(); turn++) {
        const struct ow_engine_options options = {
            .rtol = 1e-2, .v_scale = 1.2, .n_threads = n_threads[turn]};
        struct ow_reading *at = &r[turn > 0];
        struct ow_engine *engine;
        ck_assert_int_eq(ow_reading_init(at, COLS, CELLS, m->n_state), OW_OK);
        ck_assert_ok(ow_engine_create(circuit, &options, false, &engine, &err), err);
        ck_assert_ok(ow_engine_read(engine, v_row, &pulse, NULL, at, &err), err);
        ow_engine_destroy(engine);
        if (turn == 0)
            continue;
        ck_assert_int_eq(at->steps, r[0].steps);
        ck_assert_mem_eq(at->v_sample, r[0].v_sample, COLS * sizeof *at->v_sample);
        ck_assert_mem_eq(at->v_dc, r[0].v_dc, COLS * sizeof *at->v_dc);
        ck_assert_mem_eq(at->x_end, r[0].x_end, CELLS * sizeof *at->x_end);
        ck_assert_mem_eq(&at->energy, &r[0].energy, sizeof at->energy);
        ow_reading_finish(at);
    }
    ck_assert_int_gt(r[0].steps, 20);
    ck_assert_double_gt(fabs(r[0].x_end[0] - xb.spread[m->program][0]), 1e-3);
    ow_reading_finish(&r[0]);
    ow_circuit_destroy(circuit);
    ow_crossbar_finish(&xb);
}
END_TEST

/* A write: lines that settle, few cells that move, and switches that jump on an edge and on the
 * plateau. */
START_TEST(test_one_large_write)
{
    static const char *const set[] = {"team_write", "stochastic_write"};
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *circuit;
    struct ow_reading r[2];
    static double amplitude[ROWS + COLS];
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set(set[_i], param);
    const struct ow_pulse pulse = {.t_rise = 0.2e-9, .t_read = 0.4e-9};
    const double v = 1.4;
    if (_i == 0)
        put(m, param, "rate", 20.0);
    else
        put(m, param, "tau_set", 5e-4);
    ck_assert_ok(ow_crossbar_init(&xb, ROWS, COLS, m, &err), err);
    memcpy(xb.param, param, m->n_param * sizeof *param);
    for (size_t k = 0; k < CELLS; k++)
        xb.spread[m->program][k] = _i ? 0.0 : 0.5 + 0.4 * sin((double)k);
    for (size_t i = 0; i < ROWS; i++)
        amplitude[i] = i == 17 ? v : v / 3.0;
    for (size_t j = 0; j < COLS; j++)
        amplitude[ROWS + j] = j % 30 ? 2.0 * v / 3.0 : 0.0;
    xb.r_wordline = xb.r_bitline = 1.5;
    xb.c_wordline = xb.c_bitline = 0.1e-15;
    xb.r_driver = 50.0;
    xb.sense = (struct ow_sense){.kind = OW_SENSE_DRIVER, .r_f = 50.0, .c_in = 0.1e-15};
    ck_assert_ok(ow_circuit_create(&xb, &circuit, &err), err);
    for (int turn = 0; turn < large_turns(); turn++) {
        const struct ow_engine_options options = {
            .rtol = 1e-4, .v_scale = v, .n_threads = n_threads[turn]};
        struct ow_reading *at = &r[turn > 0];
        struct ow_engine *engine;
        ck_assert_int_eq(ow_reading_init(at, COLS, CELLS, m->n_state), OW_OK);
        ck_assert_ok(ow_engine_create(circuit, &options, false, &engine, &err), err);
        ck_assert_ok(ow_engine_read(engine, amplitude, &pulse, NULL, at, &err), err);
        ow_engine_destroy(engine);
        if (turn == 0)
            continue;
        ck_assert_int_eq(at->steps, r[0].steps);
        ck_assert_int_eq(at->events, r[0].events);
        ck_assert_mem_eq(at->t_event, r[0].t_event, CELLS * sizeof *at->t_event);
        ck_assert_mem_eq(at->x_end, r[0].x_end, m->n_state * CELLS * sizeof *at->x_end);
        ck_assert_mem_eq(&at->energy, &r[0].energy, sizeof at->energy);
        ow_reading_finish(at);
    }
    if (_i == 0)
        ck_assert_double_gt(fabs(r[0].x_end[17 * COLS] - xb.spread[m->program][17 * COLS]),
                            0.01);
    else
        ck_assert_int_gt(r[0].events, 2);
    ck_assert_int_lt(r[0].steps, 200);
    ow_reading_finish(&r[0]);
    ow_circuit_destroy(circuit);
    ow_crossbar_finish(&xb);
}
END_TEST

START_TEST(test_one_large_solution)
{
    static const struct ow_solve_wires way[] = {{1.0, 1.5, 50.0, 30.0},
                                                {1.0, 200.0, 50.0, 30.0}};
    struct ow_error err = {0};
    struct ow_matrix g = ow_matrix_create(ROWS, COLS), drive = ow_matrix_create(ROWS, 1);
    struct ow_solve_result r[2];
    ck_assert(g.a && drive.a);
    for (size_t k = 0; k < CELLS; k++)
        g.a[k] = 1e-4 * (1.0 + sin((double)k));
    for (size_t i = 0; i < ROWS; i++)
        drive.a[i] = cos((double)i);
    for (int turn = 0; turn < N_TURN; turn++) {
        struct ow_solve_result *at = &r[turn > 0];
        ck_assert_ok(ow_solve(&g, &drive, &way[_i], (int)n_threads[turn], at, &err), err);
        ck_assert_int_eq(at->iterations, r[0].iterations);
        check_same(&at->nodes, &r[0].nodes);
        check_same(&at->i_bitline, &r[0].i_bitline);
        if (turn > 0)
            ow_solve_result_finish(at);
    }
    ow_solve_result_finish(&r[0]);
    ow_matrix_finish(&g);
    ow_matrix_finish(&drive);
}
END_TEST

/* ---- specifications ---------------------------------------------------------------------- */

#define SMALL "vmm: {weights: {random: [6, 4], seed: 7}, inputs: {random: [8, 6], seed: 8}}\n"
#define NOISY "device: {set: ow_benign, sigma_d2d: 0.1, sigma_read: 0.05, stuck_off: 0.05}\n"

static const char *const vmm_text[] = {
    SMALL NOISY, SMALL NOISY "sense: {amp: resistor}\ninput: {signed: true, bits: 4}\n",
    SMALL NOISY "engine: {name: dc}\n", SMALL NOISY "array: {tile: [4, 4]}\nadc: {bits: 6}\n",
    /* pairs, whose search for the inner node begins where it ended last */
    SMALL "device: {set: ow_benign, g_max: 50u, sigma_d2d: 0.1, sigma_read: 0.05}\n"
          "array: {cell: 1T1R}\naccess: {params: {v_gate: 0.9}}\n",
    /* by ports */
    "vmm: {weights: {random: [16, 2], seed: 7}, inputs: {random: [99, 16], seed: 8}}\n"
    "device: {set: ow_benign}\nengine: {name: dc}\n",
    /* jumps */
    "vmm: {weights: {random: [6, 2], seed: 7}, inputs: {random: [5, 6], seed: 8}}\n"
    "device: {model: stochastic, set: stochastic_write}\n"
    "input: {v_read: 1.2}\nsense: {amp: resistor, r_f: 50}\n"};
enum { N_VMM = sizeof vmm_text / sizeof vmm_text[0] };

static void load(const char *text, struct ow_spec *spec, struct ow_problem *problem)
{
    struct ow_error err = {0};
    ck_assert_ok(ow_spec_parse(text, strlen(text), "d.yaml", NULL, spec, &err), err);
    ck_assert_ok(ow_problem_init(spec, problem, &err), err);
}

START_TEST(test_vmm)
{
    struct ow_vmm_result r[2];
    for (int turn = 0; turn < N_TURN; turn++) {
        struct ow_error err = {0};
        struct ow_spec spec;
        struct ow_problem problem;
        struct ow_vmm_result *at = &r[turn > 0];
        const struct ow_vmm_options how = {.n_worker = n_threads[turn]};
        load(vmm_text[_i], &spec, &problem);
        ck_assert_ok(ow_vmm_run(&problem, &how, at, &err), err);
        check_same(&at->y_circuit, &r[0].y_circuit);
        check_same(&at->v_sense, &r[0].v_sense);
        check_same(&at->energy, &r[0].energy);
        ck_assert_mem_eq(&at->accuracy, &r[0].accuracy, sizeof at->accuracy);
        ck_assert_mem_eq(&at->ideal_wires, &r[0].ideal_wires, sizeof at->ideal_wires);
        ck_assert_mem_eq(&at->steps, &r[0].steps, sizeof at->steps);
        ck_assert_mem_eq(&at->moved, &r[0].moved, sizeof at->moved);
        if (turn > 0)
            ow_vmm_result_finish(at);
        ow_problem_finish(&problem);
        ow_spec_finish(&spec);
    }
    ow_vmm_result_finish(&r[0]);
}
END_TEST

#define WRITE "vmm: {weights: {random: [6, 3], seed: 11}}\n"
static const char *const program_text[] = {
    WRITE
    "device: {set: team_write, g_min: 12u, g_max: 60u}\n"
    "program: {scheme: v2, pulses: {v_set: -0.9, v_reset: 0.9, t_width: 1n, t_rise: 0.2n},"
    " verify: {tolerance: 0.1, max_pulses: 4}}\n",
    WRITE "device: {model: stochastic, set: stochastic_write}\n"
          "program: {pulses: {v_set: 1.1, v_reset: -1.1, t_width: 5n, t_rise: 0.5n}}\n"};
enum { N_PROGRAM = sizeof program_text / sizeof program_text[0] };

START_TEST(test_program)
{
    struct ow_program_result r[2];
    for (int turn = 0; turn < 2; turn++) {
        struct ow_error err = {0};
        struct ow_spec spec;
        struct ow_problem problem;
        const struct ow_program_options how = {0};
        load(program_text[_i], &spec, &problem);
        ck_assert_ok(ow_program_run(problem.array, &how, &r[turn], &err), err);
        ow_problem_finish(&problem);
        ow_spec_finish(&spec);
    }
    check_same(&r[0].x, &r[1].x);
    check_same(&r[0].t_event, &r[1].t_event);
    check_same(&r[0].pulses, &r[1].pulses);
    ck_assert_mem_eq(&r[0].energy, &r[1].energy, sizeof r[0].energy);
    ow_program_result_finish(&r[0]);
    ow_program_result_finish(&r[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("determinism");
    TCase *large = tcase_create("large"), *write = tcase_create("write"),
          *specification = tcase_create("specification");
    tcase_add_test(large, test_one_large_read);
    tcase_add_loop_test(large, test_one_large_solution, 0, 2);
    tcase_add_loop_test(specification, test_vmm, 0, N_VMM);
    tcase_add_loop_test(specification, test_program, 0, N_PROGRAM);
    tcase_add_loop_test(write, test_one_large_write, 0, 2);
    tcase_set_timeout(write, 0);
    tcase_set_timeout(large, 0); /* with sanitizers it takes minutes: meson has the limit */
    tcase_set_timeout(specification, 60);
    suite_add_tcase(suite, large);
    suite_add_tcase(suite, write);
    suite_add_tcase(suite, specification);
    return run_suite(suite);
}
