/* Write pulses: what a pulse selects and how high its lines stand, what it does to every cell
 * by the device's own law, verification, carried states, and ngspice on the same pulses. */
#include "ow_check.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ow_program.h"
#include "ow_program_json.h"
#define STUDY_FILE "p.yaml"
#include "ow_study.h"
#include "ow_table.h"
#include "ow_verify.h"

#define N(table) ((int)(sizeof(table) / sizeof(table)[0]))

/* Set by meson where the code models are built. */
#ifndef OW_CODEMODEL
#define OW_CODEMODEL ""
#endif

static char dir[64], cwd[2000];

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

/* Every test runs in a directory of its own. */
static void set_up(void)
{
    strcpy(dir, "/tmp/ow-program-XXXXXX");
    ck_assert_ptr_nonnull(getcwd(cwd, sizeof cwd));
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
    put("target.csv", "12e-6,50e-6,20e-6\n40e-6,12e-6,12e-6\n");
    put("begin.csv", "30e-6,12e-6,20e-6\n40e-6,12e-6,70e-6\n");
    put("small.csv", "12e-6,50e-6\n");
    put("far.csv", "12e-6,50e-6,20e-6\n40e-6,12e-6,105e-6\n");
}

static void tear_down(void)
{
    static const char *const file[] = {"target.csv", "begin.csv", "small.csv", "far.csv"};
    for (int k = 0; k < N(file); k++)
        unlink(file[k]);
    ck_assert_int_eq(chdir(cwd), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}

static void write_all(const struct study *s, struct ow_program_result *r)
{
    struct ow_error err = {0};
    const struct ow_program_options how = {.codemodel = OW_CODEMODEL};
    ck_assert_ok(ow_program_run(s->problem.array, &how, r, &err), err);
}

/* team_write: 10 to 100 kohm, dx/dt = +-8.9e6 /s (|v|/0.4 - 1)^2, positive towards off. */
#define TEAM   "device: {set: team_write, g_min: 12u, g_max: 90u}\n"
#define DIRECT "array: {r_wordline: 0, r_bitline: 0, r_driver: 0}\n"
#define FILES  "target: target.csv, begin: begin.csv"
#define PULSE  "v_set: -1.1, v_reset: 1.3, t_width: 2n, t_rise: 0.4n"

static const double target[] = {12e-6, 50e-6, 20e-6, 40e-6, 12e-6, 12e-6};
static const double begin[] = {30e-6, 12e-6, 20e-6, 40e-6, 12e-6, 70e-6};

/* ---- the pulses ------------------------------------------------------------------------- */

START_TEST(test_plan_and_heights)
{
    struct study s;
    study_init(TEAM "program: {" FILES ", pulses: {" PULSE "}}\n", &s);
    const struct ow_array *p = s.problem.array;
    const struct ow_writes *w = &p->writes;
    ck_assert_uint_eq(p->xb.rows, 2);
    ck_assert_uint_eq(p->xb.cols, 3);
    ck_assert_int_eq(p->xb.sense.kind, OW_SENSE_DRIVER);
    ck_assert_double_eq(p->xb.sense.r_f, 50.0); /* as the word lines' */
    ck_assert_double_eq(p->v_scale, 1.3);
    for (size_t k = 0; k < 6; k++) { /* the mapping reaches them to range_rtol */
        ck_assert_close(w->target.a[k], target[k], 2e-6, 0.0);
        ck_assert_close(w->begin.a[k], begin[k], 2e-6, 0.0);
    }
    /* Row 0: cell 1 up, cell 0 down.  Row 1: cell 2 down. */
    static const struct {
        size_t row;
        bool is_set;
        double v2[5], v3[5];
    } expected[] = {
        {0, true, {-1.1, -0.55, -0.55, 0.0, -0.55}, {-1.1, -1.1 / 3, -2.2 / 3, 0.0, -2.2 / 3}},
        {0, false, {1.3, 0.65, 0.0, 0.65, 0.65}, {1.3, 1.3 / 3, 0.0, 2.6 / 3, 2.6 / 3}},
        {1, false, {0.65, 1.3, 0.65, 0.65, 0.0}, {1.3 / 3, 1.3, 2.6 / 3, 2.6 / 3, 0.0}},
    };
    ck_assert_uint_eq(w->n, 3);
    ck_assert_uint_eq(p->n_vec, 3);
    for (size_t k = 0; k < 3; k++) {
        double v[5];
        ck_assert_uint_eq(w->write[k].row, expected[k].row);
        ck_assert_int_eq(w->write[k].is_set, expected[k].is_set);
        ow_array_amplitudes(p, k, v);
        for (size_t j = 0; j < 5; j++)
            ck_assert_close(v[j], expected[k].v2[j], 1e-15, 0.0);
    }
    s.spec.program.scheme = OW_WRITE_V3;
    for (size_t k = 0; k < 3; k++) {
        double v[5];
        ow_array_amplitudes(p, k, v);
        for (size_t j = 0; j < 5; j++)
            ck_assert_close(v[j], expected[k].v3[j], 1e-15, 0.0);
    }
    study_finish(&s);
    /* Rows in the order of the list, cells one by one. */
    study_init(TEAM "program: {" FILES ", r_driver: 75, pulses: {" PULSE
                    ", rows: [1, 0], order: cells}}\n",
               &s);
    ck_assert_double_eq(s.problem.array->xb.sense.r_f, 75.0);
    ck_assert_uint_eq(s.problem.array->writes.n, 3);
    static const size_t row[] = {1, 0, 0}, col[] = {2, 0, 1};
    for (size_t k = 0; k < 3; k++) {
        ck_assert_uint_eq(s.problem.array->writes.write[k].row, row[k]);
        ck_assert_uint_eq(s.problem.array->writes.write[k].first, col[k]);
        ck_assert_uint_eq(s.problem.array->writes.write[k].last, col[k]);
    }
    study_finish(&s);
}
END_TEST

/* Weights ask for the conductances that they map to, whatever goes wrong in the devices. */
START_TEST(test_targets_of_weights)
{
    struct study plain, faulty;
    study_init("vmm: {weights: {random: [3, 2], seed: 4}}\nmapping: {levels: 5}\n" TEAM
               "program: {pulses: {" PULSE "}}\n",
               &plain);
    study_init("vmm: {weights: {random: [3, 2], seed: 4}}\nmapping: {levels: 5}\n"
               "device: {set: team_write, g_min: 12u, g_max: 90u, sigma_d2d: 0.1, "
               "sigma_program: 0.1, stuck_on: 0.6}\nprogram: {pulses: {" PULSE "}}\n",
               &faulty);
    for (size_t k = 0; k < 12; k++) {
        const double level = (plain.problem.array->writes.target.a[k] - 12e-6) / 19.5e-6;
        ck_assert_close(level, floor(level + 0.5), 0.0, 1e-5);
        ck_assert_close(plain.problem.array->writes.begin.a[k], 12e-6, 2e-6, 0.0);
        ck_assert_double_eq(faulty.problem.array->writes.target.a[k],
                            plain.problem.array->writes.target.a[k]);
    }
    ck_assert_uint_gt(faulty.problem.array->mapping.n_stuck_on, 0);
    study_finish(&plain);
    study_finish(&faulty);
}
END_TEST

/* clang-format off */
static const struct { const char *text, *message; } refused[] = {
    {TEAM "program: {target: small.csv, begin: begin.csv, pulses: {" PULSE "}}\n", "p.yaml:2:37: program.begin: 2 x 3 conductances: expected 1 x 2"},
    {TEAM "array: {rows: 4}\nprogram: {" FILES ", pulses: {" PULSE "}}\n", "p.yaml:2:15: array.rows: 2 x 3 conductances in program.target, expected auto or as many"},
    {TEAM "array: {cols: 4}\nprogram: {" FILES ", pulses: {" PULSE "}}\n", "p.yaml:2:15: array.cols: 2 x 3 conductances in program.target, expected auto or as many"},
    {TEAM "array: {tile: [2, 2]}\nprogram: {" FILES ", pulses: {" PULSE "}}\n", "p.yaml:2:15: array.tile: [2, 2]: the section program writes one array: expected none"},
    {TEAM "program: {target: far.csv, pulses: {" PULSE "}}\n", "p.yaml:2:19: program.target: [1, 2] = 0.000105 S: expected 1e-05 S to 0.0001 S, which is what device team can do at input.v_read = 0.2 V"},
    {TEAM "program: {" FILES ", pulses: {" PULSE ", rows: [0, 2]}}\n", "p.yaml:2:118: program.pulses.rows: word line 2: expected 0 to 1"},
    {TEAM "engine: {name: dc}\nprogram: {" FILES ", pulses: {" PULSE "}}\n", "p.yaml:2:16: engine.name: dc moves no states: expected cvode or ngspice to write"},
    {TEAM "program: {target: begin.csv, begin: begin.csv, pulses: {" PULSE "}}\n", "p.yaml: program.verify.tolerance (default): nothing to write: every cell begins within 0.05 of g_max - g_min of its target"},
    {"device: {set: team_write, g_min: 1u}\nprogram: {" FILES ", pulses: {" PULSE "}}\n", "p.yaml:1:34: device.g_min: device.g_min = 1e-06 S"},
    {"vmm: {weights: {random: [2, 1]}}\ndevice: {set: team_write, g_min: 1u}\nprogram: {pulses: {" PULSE "}}\n", "p.yaml:2:34: device.g_min: device.g_min = 1e-06 S"},
    {"device: {model: selector_exp}\nprogram: {" FILES ", pulses: {" PULSE "}}\n", NULL},
};
/* clang-format on */

START_TEST(test_refused)
{
    struct study s;
    struct ow_error err = {0};
    ck_assert_int_eq(study_try(refused[_i].text, &s, &err), OW_ERR_INPUT);
    if (refused[_i].message)
        ck_assert_msg(strncmp(err.text, refused[_i].message, strlen(refused[_i].message)) == 0,
                      "expected '%s...', got '%s'", refused[_i].message, err.text);
}
END_TEST

/* ---- what they do ----------------------------------------------------------------------- */

/* What a pulse of height v does to team_write: the plateau, and the two edges beyond the
 * threshold, integrated by hand. */
static double travel(double v)
{
    if (v == 0.0)
        return 0.0;
    const double over = fmax(fabs(v) / 0.4 - 1.0, 0.0);
    const double edge = 0.4e-9 * 0.4 / fabs(v) * over / 3.0;
    return copysign(8.9e6 * over * over * (2e-9 + 2.0 * edge), v);
}

static double state_of(double g)
{
    return (1.0 / g - 10e3) / 90e3;
}

/* Without wires every cell sees what its lines stand at, so states follow from the law. */
START_TEST(test_cells_move_by_their_law)
{
    /* v of every cell in the three pulses of the plan */
    static const double v_v2[][6] = {
        {-0.55, -1.1, -0.55, 0.0, -0.55, 0.0},
        {1.3, 0.65, 0.65, 0.65, 0.0, 0.0},
        {0.0, 0.0, 0.65, 0.65, 0.65, 1.3},
    };
    struct study s;
    struct ow_program_result r;
    study_init(TEAM DIRECT "engine: {rtol: 1e-8}\nprogram: {" FILES ", pulses: {" PULSE "}}\n",
               &s);
    write_all(&s, &r);
    for (size_t k = 0; k < 6; k++) {
        double x = state_of(begin[k]), disturb = 0.0;
        for (size_t pulse = 0; pulse < 3; pulse++) {
            const double dx = travel(v_v2[pulse][k]);
            x += dx;
            disturb += fabs(v_v2[pulse][k]) > 1.0 ? 0.0 : dx;
        }
        ck_assert_close(r.x.a[k], x, 0.0, 1e-5);
        ck_assert_close(r.g.a[k], 1.0 / (10e3 + 90e3 * x), 1e-4, 0.0);
        ck_assert_close(r.disturb.a[k], disturb, 0.0, 1e-5);
        ck_assert(isnan(r.t_event.a[k]));
    }
    ck_assert_uint_eq(r.pulses.rows, 3);
    ck_assert_uint_eq(r.n_row, 2);
    ck_assert_uint_eq(r.n_selected, 3);
    ow_program_result_finish(&r);
    /* V/3: a third of 1.1 V is below the threshold. */
    static const double v_v3[] = {1.1, -1.1, 0.0, 0.0, 0.0, 1.1};
    s.spec.program.scheme = OW_WRITE_V3;
    s.spec.program.pulses.v_reset = 1.1;
    write_all(&s, &r);
    for (size_t k = 0; k < 6; k++) {
        ck_assert_close(r.x.a[k], state_of(begin[k]) + travel(v_v3[k]), 0.0, 1e-5);
        ck_assert_double_le(fabs(r.disturb.a[k]), 1e-9);
    }
    ow_program_result_finish(&r);
    study_finish(&s);
}
END_TEST

/* Sums are those of the pulses, measures those of the matrices. */
START_TEST(test_figures_follow_from_the_arrays)
{
    struct study s;
    struct ow_program_result r;
    study_init(TEAM "program: {" FILES ", pulses: {" PULSE ", count: 4, rows: [0]}}\n", &s);
    write_all(&s, &r);
    double energy = 0.0, square = 0.0, worst = 0.0, moved = 0.0;
    size_t n_missed = 0;
    ck_assert_uint_eq(r.pulses.rows, 8); /* four of either polarity */
    for (size_t k = 0; k < 8; k++) {
        const double *row = ow_matrix_row(&r.pulses, k);
        ck_assert_double_eq(row[OW_PULSE_ROW], 0.0);
        ck_assert_double_eq(row[OW_PULSE_V], k < 4 ? -1.1 : 1.3);
        ck_assert_double_eq(row[OW_PULSE_SELECTED], 1.0);
        ck_assert_double_lt(row[OW_PULSE_RESIDUAL], 1e-4);
        energy += row[OW_PULSE_ENERGY];
    }
    ck_assert_close(ow_program_energy_total(&r), energy, 1e-4, 0.0);
    ck_assert(r.energy.drivers > 0.0 && r.energy.devices > 0.0 && r.energy.wires > 0.0);
    ck_assert_double_eq(r.energy.sense, 0.0);
    for (size_t k = 0; k < 3; k++) {
        const double e = fabs(r.g.a[k] - target[k]) / 78e-6;
        square += e * e / 3.0;
        worst = fmax(worst, e);
        n_missed += e > 0.05;
    }
    for (size_t k = 0; k < 6; k++)
        moved += r.disturb.a[k] * r.disturb.a[k] / 6.0;
    ck_assert_close(r.g_rms, sqrt(square), 1e-5, 0.0);
    ck_assert_close(r.g_max, worst, 1e-5, 0.0);
    ck_assert_close(r.disturb_rms, sqrt(moved), 1e-12, 0.0);
    ck_assert_uint_eq(r.n_missed, n_missed);
    ck_assert_uint_eq(r.n_row, 1);
    ck_assert_uint_eq(r.n_selected, 2);
    json_t *root = ow_program_json(s.problem.array, &r);
    json_t *program = json_object_get(root, "program");
    ck_assert_str_eq(json_string_value(json_object_get(program, "scheme")), "v2");
    ck_assert_int_eq(json_integer_value(json_object_get(program, "pulses")), 8);
    ck_assert_int_eq(json_integer_value(json_object_get(program, "missed")), (int)n_missed);
    json_decref(root);
    ow_program_result_finish(&r);
    study_finish(&s);
}
END_TEST

#define SEED "vmm: {weights: {random: [4, 2], seed: 11}}\n"

/* Verified, cells end where they should, without it they do not; a stuck one never does and
 * gets no more than max_pulses. */
START_TEST(test_verification_reaches_the_targets)
{
    struct study s;
    struct ow_program_result r;
    study_init(SEED "device: {set: team_write, g_min: 12u, g_max: 60u}\nprogram: {pulses: "
                    "{v_set: -0.9, v_reset: 0.9, t_width: 1n, t_rise: 0.2n}, scheme: v3, "
                    "verify: {tolerance: 0.06, max_pulses: 100}}\n",
               &s);
    write_all(&s, &r);
    ck_assert_uint_eq(r.n_missed, 0);
    ck_assert_double_le(r.g_max, 0.06);
    ck_assert_double_lt(r.disturb_max, 1e-4); /* 0.3 V is below the threshold */
    ck_assert_double_lt(r.residual, 1e-4);
    ck_assert_uint_eq(r.warnings.n, 0);
    ow_program_result_finish(&r);
    s.spec.program.verify.max_pulses = 0;
    write_all(&s, &r);
    ck_assert_uint_gt(r.n_missed, 0);
    ck_assert_uint_eq(r.pulses.rows, s.problem.array->writes.n);
    ck_assert_ptr_nonnull(strstr(r.warnings.text[0], "open loop"));
    ow_program_result_finish(&r);
    study_finish(&s);

    study_init("device: {set: team_write, g_min: 12u, g_max: 90u, stuck_off: 1}\n"
               "program: {target: target.csv, pulses: {" PULSE "}, verify: {max_pulses: 3}}\n",
               &s);
    write_all(&s, &r);
    ck_assert_uint_eq(r.pulses.rows, 6); /* three on either row */
    ck_assert_double_eq(r.disturb_max, 0.0);
    ck_assert_uint_eq(r.n_missed, 3);
    ow_program_result_finish(&r);
    study_finish(&s);
}
END_TEST

#define BINARY                                                                                 \
    "device: {model: stochastic, set: stochastic_write, g_min: 1u, g_max: 100u}\n"             \
    "program: {pulses: {v_set: 1.3, v_reset: -1.3, t_width: 100n, t_rise: 2n}}\n"

/* Binary devices: every jump is counted, is dated within its pulse, and decides a state. */
START_TEST(test_jumps_are_counted_and_dated)
{
    struct study s;
    struct ow_program_result r, again;
    study_init("vmm: {weights: {random: [8, 4], seed: 11}}\n" BINARY, &s);
    write_all(&s, &r);
    const double t_pulse = ow_pulse_end(&s.problem.array->pulse);
    double events = 0.0;
    long dated = 0;
    for (size_t k = 0; k < r.pulses.rows; k++)
        events += ow_matrix_row(&r.pulses, k)[OW_PULSE_EVENTS];
    ck_assert_int_eq(r.events, (long)events);
    ck_assert_int_gt(r.events, 10);
    for (size_t k = 0; k < 64; k++) {
        const double t = r.t_event.a[k], in_pulse = fmod(t, t_pulse);
        dated += !isnan(t);
        ck_assert(isnan(t) || (in_pulse > 0.0 && in_pulse < 104e-9));
        /* all begin off: on means that it has jumped */
        ck_assert(r.x.a[k] == (isnan(t) ? 0.0 : 1.0) || r.events > dated);
        ck_assert(r.x.a[k] == 0.0 || r.x.a[k] == 1.0);
    }
    ck_assert_int_le(dated, r.events);
    ck_assert_double_lt(r.residual, 1e-4);
    /* The same again, to the last bit. */
    write_all(&s, &again);
    ck_assert_mem_eq(again.x.a, r.x.a, r.x.rows * r.x.cols * sizeof *r.x.a);
    ck_assert_mem_eq(again.pulses.a, r.pulses.a,
                     r.pulses.rows * r.pulses.cols * sizeof *r.pulses.a);
    ow_program_result_finish(&again);
    ow_program_result_finish(&r);
    study_finish(&s);
}
END_TEST

/* Drops along segments that are nothing beside the voltages, without drivers: the sources'
 * energy is as good as the cells'; and behind drivers that lines settle through, where what
 * they leave there when cells jump is a thousandth of it. */
static const char *const short_device[] = {
    "device: {set: team_write, g_min: 12u, g_max: 60u}\n"
    "program: {pulses: {v_set: -0.9, v_reset: 0.9, t_width: 1n, t_rise: 0.2n}, verify: "
    "{max_pulses: 3}}\n",
    "device: {set: team_write, g_min: 12u, g_max: 60u}\n"
    "program: {pulses: {v_set: -1.3, v_reset: 1.3, t_width: 10n, t_rise: 0.2n}}\n",
    "device: {model: yakopcic, set: yakopcic_miao}\n"
    "program: {pulses: {v_set: 1.5, v_reset: -1.5, t_width: 100n, t_rise: 2n}}\n",
    BINARY,
};
static const struct {
    const char *array;
    double residual;
} short_wires[] = {
    {"array: {r_wordline: 1, r_bitline: 1m, r_driver: 0}\n", 2e-5},
    {"array: {r_wordline: 1m, r_bitline: 1m, r_driver: 0}\n", 2e-5},
    {"array: {r_wordline: 1u, r_bitline: 1u, r_driver: 0}\n", 2e-5},
    {"array: {r_wordline: 1n, r_bitline: 1n, r_driver: 1m}\n", 2e-5},
    {"array: {r_wordline: 1m, r_bitline: 1m, r_driver: 50, c_wordline: 1p, c_bitline: 1p}\n",
     2e-4},
};

START_TEST(test_short_lines_balance)
{
    static const int size[] = {1, 2, 5};
    for (int k = 0; k < N(size); k++) {
        struct study s;
        struct ow_program_result r;
        char text[1000];
        snprintf(text, sizeof text, "vmm: {weights: {random: [%d, %d], seed: 11}}\n%s%s",
                 size[k], size[k], short_wires[_i % N(short_wires)].array,
                 short_device[_i / N(short_wires)]);
        study_init(text, &s);
        write_all(&s, &r);
        ck_assert_uint_gt(r.pulses.rows, 0);
        ck_assert_double_lt(r.residual, short_wires[_i % N(short_wires)].residual);
        ow_program_result_finish(&r);
        study_finish(&s);
    }
}
END_TEST

START_TEST(test_cancel)
{
    static volatile sig_atomic_t cancel = 1;
    struct study s;
    struct ow_program_result r;
    struct ow_error err = {0};
    const struct ow_program_options how = {.cancel = &cancel};
    study_init(TEAM "program: {" FILES ", pulses: {" PULSE "}}\n", &s);
    ck_assert_int_eq(ow_program_run(s.problem.array, &how, &r, &err), OW_ERR_CANCELLED);
    ck_assert_str_eq(err.text, "cancelled");
    study_finish(&s);
}
END_TEST

/* ---- ngspice on the same pulses --------------------------------------------------------- */

/* Single pulses on 8 x 8 devices, within the limits of `verify`. */
static const char *const referee[] = {
    "vmm: {weights: {random: [8, 4], seed: 11}}\narray: {r_wordline: 2.5, r_bitline: 2.5}\n"
    "device: {set: team_write, g_min: 12u, g_max: 90u}\n"
    "program: {pulses: {v_set: -1.4, v_reset: 1.4, t_width: 10n, t_rise: 0.5n}}\n",
    "vmm: {weights: {random: [8, 4], seed: 11}}\narray: {r_wordline: 2.5, r_bitline: 2.5}\n"
    "device: {set: team_write, g_min: 12u, g_max: 90u}\n"
    "program: {scheme: v3, pulses: {v_set: -1.4, v_reset: 1.4, t_width: 10n, t_rise: 0.5n}}\n",
    "vmm: {weights: {random: [8, 4], seed: 11}}\narray: {r_wordline: 2.5, r_bitline: 2.5}\n" //
    BINARY,
};

START_TEST(test_hosts_agree_on_a_pulse)
{
    struct study s;
    struct ow_error err = {0};
    struct ow_verify_result r;
    static const size_t vector[] = {0, 5};
    study_init(referee[_i], &s);
    const struct ow_verify_options how = {
        .vector = vector, .n_vector = 2, .codemodel = OW_CODEMODEL, .timeout_s = 100.0};
    ck_assert_ok(ow_verify_run(s.problem.array, &how, &r, &err), err);
    ck_assert_msg(r.comparison.is_ok, "state %g, energy %g, sense %g, event %g, unlike %zu",
                  r.comparison.state.worst, r.comparison.energy.worst, r.comparison.sense.worst,
                  r.comparison.event.worst, r.comparison.n_unlike);
    ck_assert_uint_gt(r.n_moved, 1); /* or it would prove little */
    ow_verify_result_finish(&r);
    study_finish(&s);
}
END_TEST

/* The whole sequence, each host on from its own states. */
START_TEST(test_hosts_agree_on_a_program)
{
    static const char *const device[] = {
        "device: {set: team_write, g_min: 12u, g_max: 90u}\n"
        "program: {pulses: {v_set: -1.2, v_reset: 1.2, t_width: 10n, t_rise: 1n}}\n",
        BINARY,
    };
    char text[600];
    struct study s;
    struct ow_program_result engine, spice;
    snprintf(text, sizeof text, "vmm: {weights: {random: [5, 2], seed: 3}}\n%s", device[_i]);
    study_init(text, &s);
    write_all(&s, &engine);
    s.spec.engine.name = OW_ENGINE_NGSPICE;
    write_all(&s, &spice);
    ck_assert_uint_eq(engine.pulses.rows, spice.pulses.rows);
    ck_assert_int_eq(engine.events, spice.events);
    for (size_t k = 0; k < 20; k++) {
        ck_assert_close(engine.x.a[k], spice.x.a[k], 0.0, OW_AGREE_STATE);
        ck_assert_close(engine.disturb.a[k], spice.disturb.a[k], 0.0, OW_AGREE_STATE);
        ck_assert_int_eq(isnan(engine.t_event.a[k]), isnan(spice.t_event.a[k]));
        if (!isnan(engine.t_event.a[k]))
            ck_assert_close(engine.t_event.a[k], spice.t_event.a[k], 0.0,
                            OW_AGREE_EVENT * 104e-9);
    }
    ck_assert_close(ow_program_energy_total(&engine), ow_program_energy_total(&spice),
                    OW_AGREE_ENERGY, 0.0);
    ow_program_result_finish(&engine);
    ow_program_result_finish(&spice);
    study_finish(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("program");
    TCase *tc = tcase_create("program");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, test_plan_and_heights);
    tcase_add_test(tc, test_targets_of_weights);
    tcase_add_loop_test(tc, test_refused, 0, N(refused));
    tcase_add_test(tc, test_cells_move_by_their_law);
    tcase_add_test(tc, test_figures_follow_from_the_arrays);
    tcase_add_test(tc, test_verification_reaches_the_targets);
    tcase_add_test(tc, test_jumps_are_counted_and_dated);
    tcase_add_loop_test(tc, test_short_lines_balance, 0, N(short_device) * N(short_wires));
    tcase_add_test(tc, test_cancel);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    if (getenv("OW_HAS_SPICE") && access(OW_CODEMODEL, R_OK) == 0) {
        TCase *hosts = tcase_create("hosts");
        tcase_add_loop_test(hosts, test_hosts_agree_on_a_pulse, 0, N(referee));
        tcase_add_loop_test(hosts, test_hosts_agree_on_a_program, 0, 2);
        tcase_set_timeout(hosts, 100);
        suite_add_tcase(suite, hosts);
    }
    return run_suite(suite);
}
