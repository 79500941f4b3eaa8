/* Arrays of cells with an access device: what a specification may say of them, both hosts on
 * the same circuit, reads and writes. */
#include <stdio.h>
#include <unistd.h>

#define STUDY_FILE "c.yaml"
#include "ow_compare.h"
#include "ow_program.h"
#include "ow_series.h"
#include "ow_study.h"
#include "ow_verify.h"
#include "ow_vmm.h"

#define N(a) ((int)(sizeof(a) / sizeof(a)[0]))
#ifndef OW_CODEMODEL
#define OW_CODEMODEL ""
#endif

/* ---- what may be said ----------------------------------------------------------------- */

#define VMM    "vmm: {weights: {random: [3, 2], seed: 7}, inputs: {random: [4, 3], seed: 8}}\n"
#define WRITES "program: {pulses: {v_set: -1, v_reset: 1, t_width: 1n}, "

/* clang-format off */
static const struct { const char *text, *message; } refused[] = {
    {VMM "array: {cell: 1T}\n",  "c.yaml:2:15: array.cell: '1T': expected 1R, 1T1R, 1S1R or 2T2R"},
    {VMM "access: {params: {v_gate: 1}}\n", "c.yaml:2:19: access.params.v_gate: would be ignored, array.cell is 1R"},
    {VMM "access: {model: ekv}\n", "c.yaml:2:17: access.model: would be ignored, array.cell is 1R"},
    {VMM "access: {set: ekv_180nm}\n", "c.yaml:2:15: access.set: would be ignored, array.cell is 1R"},
    {VMM "array: {cell: 1T1R}\naccess: {model: selector_exp}\n", "c.yaml:3:17: access.model: selector_exp in a cell of another kind: expected ekv for this array.cell"},
    {VMM "array: {cell: 1S1R}\naccess: {model: ekv}\n", "c.yaml:3:17: access.model: ekv in a cell of another kind: expected selector_exp or selector_ts for this array.cell"},
    {VMM "array: {cell: 1T1R}\naccess: {params: {v_gat: 1}}\n", "c.yaml:3:19: access.params.v_gat: ekv has no such parameter (did you mean v_gate?)"},
    {VMM "array: {cell: 1T1R}\naccess: {params: {n: 0.5}}\n", "c.yaml:3:22: access.params: n = 0.5: expected a number from 1 to 10"},
    {VMM "array: {cell: 1T1R}\naccess: {params: {seed: 3}}\n", "c.yaml:3:19: access.params.seed: cannot be set, it comes from the specification's `seed`"},
    {VMM "array: {cell: 1T1R}\naccess: {set: ow_benign}\n", "c.yaml:3:15: access.set: ow_benign:3: the card is for 'ow_team', expected ow_ekv"},
    {VMM "array: {cell: 1S1R}\naccess: {model: selector_ts}\ndevice: {model: stochastic}\n", "c.yaml:2:15: array.cell: stochastic in series with selector_ts: 5 states a cell, expected at most 4"},
    {VMM "array: {cell: 1S1R}\naccess: {model: selector_ts, params: {v_hold: 0.9}}\n", "c.yaml:3:39: access.params: v_hold must be below v_th"},
    {VMM "array: {cell: 2T2R}\nmapping: {scheme: offset}\n", "c.yaml:3:19: mapping.scheme: offset: array.cell 2T2R"},
    {VMM WRITES "v_gate_off: 0.1}\n", "c.yaml:2:69: program.v_gate_off: 0.1 V would be ignored"},
    /* 1/(10 kohm + 0.4445 kohm) */
    {VMM "array: {cell: 1T1R}\ndevice: {set: ow_benign, g_max: 99u}\n", "c.yaml:3:33: device.g_max: device.g_min = 1e-06 S, device.g_max = 9.9e-05 S: device team + ekv of cell (0, 0) reaches from 9.99"},
};
/* clang-format on */

START_TEST(test_refused)
{
    struct study s;
    struct ow_error err = {0};
    ck_assert_int_ne(study_try(refused[_i].text, &s, &err), OW_OK);
    ck_assert_msg(strncmp(err.text, refused[_i].message, strlen(refused[_i].message)) == 0,
                  "expected '%s...', got '%s'", refused[_i].message, err.text);
}
END_TEST

START_TEST(test_kinds_have_their_devices)
{
    static const struct {
        const char *cell, *model;
    } kind[] = {{"1T1R", "ekv"}, {"2T2R", "ekv"}, {"1S1R", "selector_exp"}};
    struct ow_error err = {0};
    for (int k = 0; k < N(kind); k++) {
        char text[300];
        struct ow_spec s = {0};
        snprintf(text, sizeof text, VMM "array: {cell: %s}\naccess: {model: auto, set: null}\n",
                 kind[k].cell);
        ck_assert_ok(ow_spec_parse(text, strlen(text), "c.yaml", NULL, &s, &err), err);
        ck_assert_str_eq(s.access.model->name, kind[k].model);
        ck_assert_ptr_eq(s.cell.model, &s.cell.series->model);
        ow_spec_finish(&s);
    }
    static const char plain[] = VMM "access: {model: auto, set: null, params: {}}\n";
    struct ow_spec s = {0};
    ck_assert_ok(ow_spec_parse(plain, strlen(plain), "c.yaml", NULL, &s, &err), err);
    ck_assert_ptr_null(s.access.model);
    ck_assert_ptr_eq(s.cell.model, s.device.model);
    ow_spec_finish(&s);
}
END_TEST

#define CELL_1T1R                                                                              \
    "array: {cell: 1T1R, r_wordline: 2, r_bitline: 3}\n"                                       \
    "device: {set: ow_benign, g_min: 2u, g_max: 60u, sigma_d2d: 0.1, stuck_on: 0.5}\n"         \
    "access: {set: ekv_180nm, params: {v_gate: 0.8, w: 2u}}\n"

/* What is printed loads again, with the same parameters. */
START_TEST(test_the_print_loads_again)
{
    static const char *const text[] = {
        VMM CELL_1T1R, VMM "array: {cell: 1R}\n",
        VMM "array: {cell: 1S1R}\naccess: {model: selector_ts, set: selector_ts_ag}\n"};
    struct ow_error err = {0};
    struct ow_spec s = {0}, again = {0};
    char *printed = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&printed, &n);
    ck_assert_ok(ow_spec_parse(text[_i], strlen(text[_i]), "c.yaml", NULL, &s, &err), err);
    ck_assert_ok(ow_spec_print(&s, to, &err), err);
    ck_assert_int_eq(fclose(to), 0);
    ck_assert_ok(ow_spec_parse(printed, n, "again.yaml", NULL, &again, &err), err);
    ck_assert_ptr_eq(again.access.model, s.access.model);
    ck_assert_uint_eq(again.cell.model->n_param, s.cell.model->n_param);
    for (size_t k = 0; k < s.cell.model->n_param; k++)
        ck_assert_close(again.cell.param[k], s.cell.param[k], 1e-5, 0.0);
    if (_i == 0) {
        ck_assert_double_eq(s.cell.param[ow_param_index(s.cell.model, "access.v_gate")], 0.8);
        ck_assert_double_eq(s.cell.param[ow_param_index(s.cell.model, "access.w")], 2e-6);
        ck_assert_double_eq(s.cell.param[ow_param_index(s.cell.model, "r_on")], 10e3);
    }
    free(printed);
    ow_spec_finish(&again);
    ow_spec_finish(&s);
}
END_TEST

/* ---- reads ---------------------------------------------------------------------------- */

/* Cells hold the conductance of the series connection, whatever spread their devices have: in
 * it the scale stands for the memristor alone, and the stuck ones do not move. */
START_TEST(test_the_mapping_is_of_the_whole_cell)
{
    struct study s;
    study_init(VMM CELL_1T1R, &s);
    const struct ow_array *a = s.problem.array;
    const struct ow_model *m = a->xb.model;
    size_t n_stuck = 0;
    for (size_t k = 0; k < a->xb.rows * a->xb.cols; k++) {
        double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
        struct ow_point pt, device;
        ow_crossbar_cell(&a->xb, k, param, x);
        ow_eval_one(m, param, 0.2, x, &pt);
        ck_assert_close(a->mapping.g.a[k], pt.i / 0.2, 1e-12, 0.0);
        const double u = ow_series_inner(m->series, param, 0.2, x);
        ow_eval_one(m->series->part[0], param, u, x, &device);
        ck_assert_close(device.i, pt.i, 1e-9, 0.0);
        ck_assert_double_gt(param[OW_SCALE], 0.0);
        n_stuck += param[OW_RATE] == 0.0;
    }
    ck_assert_uint_eq(n_stuck, a->mapping.n_stuck_on);
    ck_assert_uint_gt(n_stuck, 0);
    study_finish(&s);
}
END_TEST

static void run_vmm(const struct study *s, struct ow_vmm_result *r)
{
    struct ow_error err = {0};
    const struct ow_vmm_options how = {.n_worker = 1};
    ck_assert_ok(ow_vmm_run(&s->problem, &how, r, &err), err);
}

/* 2T2R is 1T1R in the two arms of the differential mapping, to the last bit; and the DC
 * solution is where the transient ends. */
START_TEST(test_kinds_and_engines_agree)
{
    struct study s;
    struct ow_vmm_result r, twin, dc;
    study_init(VMM CELL_1T1R, &s);
    run_vmm(&s, &r);
    const size_t n = r.y_circuit.rows * r.y_circuit.cols;
    s.spec.engine.name = OW_ENGINE_DC;
    run_vmm(&s, &dc);
    for (size_t k = 0; k < n; k++)
        ck_assert_close(dc.y_circuit.a[k], r.y_circuit.a[k], 1e-3, 1e-3);
    study_finish(&s);
    study_init(VMM "array: {cell: 2T2R, r_wordline: 2, r_bitline: 3}\n"
                   "device: {set: ow_benign, g_min: 2u, g_max: 60u, sigma_d2d: 0.1, "
                   "stuck_on: 0.5}\n"
                   "access: {set: ekv_180nm, params: {v_gate: 0.8, w: 2u}}\n",
               &s);
    run_vmm(&s, &twin);
    ck_assert_mem_eq(twin.y_circuit.a, r.y_circuit.a, n * sizeof *r.y_circuit.a);
    ow_vmm_result_finish(&r);
    ow_vmm_result_finish(&twin);
    ow_vmm_result_finish(&dc);
    study_finish(&s);
}
END_TEST

/* ---- writes --------------------------------------------------------------------------- */

#define WRITE(cell, height, more)                                                              \
    "vmm: {weights: {random: [4, 2], seed: 11}}\n" cell                                        \
    "program: {scheme: v2, pulses: {v_set: -" height ", v_reset: " height                      \
    ", t_width: 1n, t_rise: 0.2n}, verify: {tolerance: 0.05, max_pulses: 60}" more "}\n"
#define TEAM "device: {set: team_write, g_min: 12u, g_max: 60u}\n"

static double worst_disturb(const char *text)
{
    struct study s;
    struct ow_error err = {0};
    struct ow_program_result r;
    const struct ow_program_options how = {.codemodel = OW_CODEMODEL};
    double worst = 0.0;
    study_init(text, &s);
    ck_assert_ok(ow_program_run(s.problem.array, &how, &r, &err), err);
    for (size_t k = 0; k < r.disturb.rows * r.disturb.cols; k++)
        worst = fmax(worst, fabs(r.disturb.a[k]));
    ow_program_result_finish(&r);
    study_finish(&s);
    return worst;
}

/* V/2 is above these devices' threshold: without an access device all half-selected cells move,
 * with a transistor those on other word lines do not, whose gates are off, and with a selector
 * nobody does. */
START_TEST(test_access_devices_keep_writes_to_themselves)
{
    const double alone = worst_disturb(WRITE(TEAM, "1.0", ""));
    const double gated = worst_disturb(WRITE("array: {cell: 1T1R}\n" TEAM, "1.0", ""));
    const double open =
        worst_disturb(WRITE("array: {cell: 1T1R}\n" TEAM, "1.0", ", v_gate_off: 1.8"));
    const double selector = worst_disturb(
        WRITE("array: {cell: 1S1R}\ndevice: {set: team_write, g_min: 5u, g_max: 25u}\n"
              "access: {params: {i_0: 1n}}\ninput: {v_read: 0.9}\n",
              "1.6", ""));
    ck_assert_double_gt(alone, 0.02);
    ck_assert_double_lt(gated, 0.5 * alone);
    ck_assert_double_gt(open, 1.5 * gated);
    ck_assert_double_lt(selector, 1e-6);
}
END_TEST

/* ---- both hosts ----------------------------------------------------------------------- */

#define SIZE(n, half)                                                                          \
    "vmm: {weights: {random: [" #n ", " #half "], seed: 11}, inputs: {random: [2, " #n         \
    "], seed: 12}}\n"
#define PULSES                                                                                 \
    "input: {v_read: 1.7, t_read: 10n, t_rise: 0.5n}\nsense: {amp: resistor, r_f: 50}\n"
static const struct {
    const char *text;
    bool moves;
} referee[] = {
    {SIZE(8, 4) CELL_1T1R, false},
    {SIZE(16, 8) "array: {cell: 1T1R}\ndevice: {set: ow_benign, g_max: 90u}\n", false},
    {SIZE(8, 4) "array: {cell: 1S1R}\ndevice: {set: ow_benign, g_max: 20u}\n"
                "access: {params: {i_0: 1n}}\ninput: {v_read: 0.8}\n",
     false},
    {SIZE(8, 4) "array: {cell: 1T1R}\ndevice: {model: stanford, g_min: 50u, g_max: 100u}\n"
                "access: {params: {v_gate: 1.1}}\n",
     false},
    {SIZE(8,
          4) "array: {cell: 1T1R}\ndevice: {set: team_write, g_min: 12u, g_max: 90u}\n" PULSES,
     true},
    {SIZE(8, 4) "array: {cell: 1S1R}\ndevice: {set: team_write, g_min: 10u, g_max: 30u}\n"
                "access: {params: {i_0: 1u}}\n" PULSES,
     true},
    {SIZE(8, 4) "array: {cell: 1S1R}\ndevice: {set: team_write, g_min: 12u, g_max: 80u}\n"
                "access: {model: selector_ts, set: selector_ts_fast, params: {x0: 1}}\n" PULSES,
     true},
    {SIZE(8, 4) "array: {cell: 1T1R}\ndevice: {model: stochastic, set: stochastic_write, "
                "g_min: 1u, g_max: 95.6u}\ninput: {v_read: 1.3, t_read: 100n, t_rise: 2n}\n"
                "sense: {amp: resistor, r_f: 50}\n",
     true},
    {"vmm: {weights: {random: [8, 4], seed: 11}}\narray: {cell: 1T1R}\n"
     "device: {set: team_write, g_min: 12u, g_max: 90u}\n"
     "program: {v_gate_off: 0.1, pulses: {v_set: -1.5, v_reset: 1.5, t_width: 10n, "
     "t_rise: 0.5n}}\n",
     true},
};

START_TEST(test_hosts_agree)
{
    struct study s;
    struct ow_error err = {0};
    struct ow_verify_result r;
    static const size_t vector[] = {0};
    study_init(referee[_i].text, &s);
    const struct ow_verify_options how = {
        .vector = vector, .n_vector = 1, .codemodel = OW_CODEMODEL, .timeout_s = 100.0};
    ck_assert_ok(ow_verify_run(s.problem.array, &how, &r, &err), err);
    ck_assert_msg(r.comparison.is_ok, "state %g, energy %g, sense %g, unlike %zu",
                  r.comparison.state.worst, r.comparison.energy.worst, r.comparison.sense.worst,
                  r.comparison.n_unlike);
    ck_assert_double_le(r.comparison.sense.worst, referee[_i].moves ? 1e-4 : 1e-5);
    ck_assert_double_le(r.comparison.state.worst, referee[_i].moves ? 3e-4 : 1e-9);
    if (referee[_i].moves)
        ck_assert_uint_gt(r.n_moved, 1);
    ow_verify_result_finish(&r);
    study_finish(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cells");
    TCase *tc = tcase_create("cells");
    tcase_add_loop_test(tc, test_refused, 0, N(refused));
    tcase_add_test(tc, test_kinds_have_their_devices);
    tcase_add_loop_test(tc, test_the_print_loads_again, 0, 3);
    tcase_add_test(tc, test_the_mapping_is_of_the_whole_cell);
    tcase_add_test(tc, test_kinds_and_engines_agree);
    tcase_add_test(tc, test_access_devices_keep_writes_to_themselves);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    if (getenv("OW_HAS_SPICE") && access(OW_CODEMODEL, R_OK) == 0) {
        TCase *hosts = tcase_create("hosts");
        tcase_add_loop_test(hosts, test_hosts_agree, 0, N(referee));
        tcase_set_timeout(hosts, 100);
        suite_add_tcase(suite, hosts);
    }
    return run_suite(suite);
}
