/* Sense circuits that the engine has as equivalents of netlists/periphery: exact with ideal
 * wires, the same in ngspice, and what they cost. */
#include "ow_check.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STUDY_FILE "n.yaml"
#include "ow_study.h"
#include "ow_verify.h"
#include "ow_vmm.h"

#define N(table) ((int)(sizeof(table) / sizeof(table)[0]))

#ifndef OW_CODEMODEL /* built without code models */
#define OW_CODEMODEL ""
#endif

#define DEVICE "device: {set: ow_benign}\n" /* linear, 10 kohm to 1 Mohm */
#define IDEAL  "array: {r_wordline: 0, r_bitline: 0, r_driver: 0}\n"
#define VMM    "vmm: {weights: {random: [7, 5], seed: 7}, inputs: {random: [12, 7], seed: 8}}\n"
#define SMALL  "vmm: {weights: {random: [5, 2], seed: 3}, inputs: {random: [2, 5], seed: 4}}\n"

static void measure(const char *text, struct study *s, struct ow_vmm_result *r)
{
    struct ow_error err = {0};
    const struct ow_vmm_options how = {.codemodel = OW_CODEMODEL, .n_worker = 2};
    memset(r, 0, sizeof *r);
    study_init(text, s);
    ck_assert_ok(ow_vmm_run(&s->problem, &how, r, &err), err);
}

static void done(struct study *s, struct ow_vmm_result *r)
{
    ow_vmm_result_finish(r);
    study_finish(s);
}

/* ---- integrators ---------------------------------------------------------------------------
 */

/* What line j takes from ideal drivers over a read, into r_in: the areas of the pulses,
 * weighted with conductances g, over 1 + r_in sum(g); in time, where a pulse is still on, later
 * by r_in and the line's capacitance. */
static double charge(const struct ow_array *a, bool is_dc, size_t read, size_t j)
{
    const struct ow_crossbar *xb = &a->xb;
    double amplitude[8], width[8], sum = 0.0, g_all = 0.0;
    for (size_t i = 0; i < xb->rows; i++)
        g_all += ow_matrix_row(&a->mapping.g, i)[j];
    const double slowed = 1.0 + xb->sense.r_f * g_all;
    const double c_line = (double)xb->rows * xb->c_bitline + xb->sense.c_in;
    const double lag = is_dc ? 0.0 : xb->sense.r_f * c_line / slowed;
    ow_array_amplitudes(a, read, amplitude);
    const bool has_width = ow_array_widths(a, read, width);
    for (size_t i = 0; i < xb->rows; i++) {
        const double t = has_width ? width[i] + a->pulse.t_rise
                                   : a->pulse.t_read + 0.5 * a->pulse.t_rise - lag;
        sum += ow_matrix_row(&a->mapping.g, i)[j] * amplitude[i] * t;
    }
    return sum / slowed;
}

static const char *const input[] = {
    "input: {t_read: 9n, t_rise: 1n}\n", "input: {encoding: pulse_width, bits: 4}\n",
    "input: {encoding: bit_serial, bits: 2}\n", "input: {signed: true}\n"};

/* A charge is a charge, whatever the pulse: linear devices on ideal lines, in closed form.  The
 * engine's tolerance is 1e-5. */
START_TEST(test_integrators_take_in_charge)
{
    static const char *const more[] = {"engine: {name: dc}\n", "",
                                       "mapping: {scheme: offset}\n"};
    struct study s;
    struct ow_vmm_result r;
    char text[600];
    snprintf(text, sizeof text, "%s%s%ssense: {amp: integrator, r_in: 5}\n%s%s", VMM, DEVICE,
             IDEAL, input[_i % N(input)], more[_i / N(input)]);
    measure(text, &s, &r);
    const struct ow_array *a = s.problem.array;
    for (size_t read = 0; read < r.v_sense.rows; read++)
        for (size_t j = 0; j < r.v_sense.cols; j++)
            ck_assert_close(ow_matrix_row(&r.v_sense, read)[j],
                            -charge(a, _i < N(input), read, j) / a->xb.sense.c_int, 0.0, 2e-7);
    ck_assert_double_lt(r.cost.balance_residual, 1e-5);
    ck_assert_double_eq(r.clipped, 0.0);
    ck_assert(isnan(r.latency.median)); /* it never settles */
    done(&s, &r);
}
END_TEST

/* Many DC reads go through the ports of the array, with the same answer. */
START_TEST(test_integrators_behind_ports)
{
    struct study s;
    struct ow_vmm_result r;
    measure(
        "vmm: {weights: {random: [7, 5], seed: 7}, inputs: {random: [3000, 7]}}\n" DEVICE IDEAL
        "sense: {amp: integrator, r_in: 5}\nengine: {name: dc}\n",
        &s, &r);
    const struct ow_array *a = s.problem.array;
    ck_assert_double_gt(r.setup_s, 0.0);
    for (size_t read = 0; read < r.v_sense.rows; read++)
        for (size_t j = 0; j < r.v_sense.cols; j++)
            ck_assert_close(ow_matrix_row(&r.v_sense, read)[j],
                            -charge(a, true, read, j) / a->xb.sense.c_int, 1e-9, 1e-12);
    ck_assert_close(r.cost.physical.quiescent, 10 * 1.8 * 20e-6 * 21e-9, 1e-9, 0.0);
    ck_assert_double_lt(r.cost.balance_residual, 1e-9);
    done(&s, &r);
}
END_TEST

/* Into next to no resistance Y' is the product of what was driven with the weights: 0.1 ohm in
 * seven cells of 10 kohm at the most take 7e-5 of it. */
START_TEST(test_ideal_integrators_are_the_product)
{
    struct study s;
    struct ow_vmm_result r;
    char text[600];
    snprintf(text, sizeof text, "%s%s%ssense: {amp: integrator, r_in: 0.1}\n%s", VMM, DEVICE,
             IDEAL, input[_i]);
    measure(text, &s, &r);
    for (size_t k = 0; k < r.y_circuit.rows * r.y_circuit.cols; k++)
        ck_assert_close(r.y_circuit.a[k], s.problem.yq.a[k], 0.0, 1e-4 * r.accuracy.fs);
    done(&s, &r);
}
END_TEST

/* `c_int: auto`: the largest charge of the calibration vectors takes an output to 80 % of half
 * the supply.  From 0 to where a pulse falls its height has an area of t_read + t_rise/2. */
START_TEST(test_auto_capacitance)
{
    struct study s;
    struct ow_vmm_result r;
    measure(VMM DEVICE IDEAL "sense: {amp: integrator, vdd: 1.6}\n"
                             "input: {t_read: 9n, t_rise: 2n}\ncalibration: {vectors: all}\n",
            &s, &r);
    const struct ow_problem *p = &s.problem;
    double largest = 0.0, lowest = 0.0;
    for (size_t k = 0; k < p->n_vec; k++)
        for (size_t j = 0; j < p->array->xb.cols; j++) {
            double i = 0.0;
            for (size_t row = 0; row < p->n_in; row++)
                i += 0.2 * ow_matrix_row(&p->inputs, k)[row] *
                     ow_matrix_row(&p->array->mapping.g, row)[j];
            largest = fmax(largest, i);
        }
    ck_assert_close(p->array->xb.sense.c_int, largest * 10e-9 / (0.8 * 0.8), 1e-12, 0.0);
    for (size_t k = 0; k < r.v_sense.rows * r.v_sense.cols; k++)
        lowest = fmin(lowest, r.v_sense.a[k]);
    ck_assert_close(lowest, -0.64, 3e-3, 0.0); /* 4 ohm in 10 kohm of seven cells */
    done(&s, &r);
}
END_TEST

/* Of pulses of many widths the areas count: an output that is driven by all of them at full
 * width stays where amplitudes of 1 take it. */
START_TEST(test_auto_capacitance_of_widths)
{
    struct study s;
    struct ow_vmm_result r;
    double lowest = 0.0;
    measure(VMM DEVICE IDEAL "sense: {amp: integrator}\ncalibration: {vectors: all}\n"
                             "input: {encoding: pulse_width, bits: 4}\n",
            &s, &r);
    for (size_t k = 0; k < r.v_sense.rows * r.v_sense.cols; k++)
        lowest = fmin(lowest, r.v_sense.a[k]);
    ck_assert_close(lowest, -0.72, 3e-3, 0.0);
    done(&s, &r);
}
END_TEST

/* Class A: every integrator takes i_q from its supply all the time, and the input resistance is
 * all that it dissipates besides. */
START_TEST(test_integrator_energy)
{
    static const char *const engine[] = {"dc", "cvode"};
    struct study s;
    struct ow_vmm_result r;
    char text[400];
    snprintf(text, sizeof text,
             VMM DEVICE "sense: {amp: integrator, r_in: 300, i_q: 3u, vdd: 1.4}\n"
                        "engine: {name: %s}\n",
             engine[_i]);
    measure(text, &s, &r);
    const struct ow_energy *e = &r.cost.physical;
    ck_assert_close(e->quiescent, 10 * 1.4 * 3e-6 * 21e-9, 1e-9, 0.0);
    ck_assert_close(e->supply, e->quiescent, 1e-12, 0.0);
    ck_assert_double_gt(e->sense - e->quiescent, 0.0);
    ck_assert_double_lt(r.cost.balance_residual, 1e-5);
    ck_assert_close(r.cost.billed.amplifiers, 10 * 1.4 * 3e-6 * r.billing.t_cycle, 1e-9, 0.0);
    done(&s, &r);
}
END_TEST

/* Nothing clamps, and what lies beyond a rail is said to be clipped. */
START_TEST(test_integrators_beyond_the_rail)
{
    struct study s;
    struct ow_vmm_result r;
    measure(VMM DEVICE "sense: {amp: integrator, c_int: 50f}\n", &s, &r);
    ck_assert_double_gt(r.clipped, 0.3);
    ck_assert_uint_gt(r.warnings.n, 0);
    done(&s, &r);
}
END_TEST

/* Integration over 10 ns passes 50 MHz, whatever the devices' noise has beyond. */
START_TEST(test_integrators_limit_noise)
{
    struct study s;
    study_init(SMALL "device: {set: ow_benign, noise_bandwidth: 1g}\n"
                     "input: {t_read: 9n, t_rise: 2n}\nsense: {amp: integrator, c_int: 1p}\n",
               &s);
    ck_assert_close(ow_array_bandwidth(s.problem.array), 50e6, 1e-12, 0.0);
    ck_assert_close(ow_array_ohm(s.problem.array), 10e3, 1e-12, 0.0);
    study_finish(&s);
}
END_TEST

/* ---- floating lines ------------------------------------------------------------------------
 */

/* sum(g v)/sum(g) times sum(g) is the product, in DC to rounding.  In time lines have to
 * settle: 15 fF by four cells of 1 uS at the least, 4 ns; what is left is the engine's
 * tolerance, 1e-5. */
START_TEST(test_floating_lines_are_the_product)
{
    static const char *const engine[] = {"dc", "cvode"};
    static const char *const more[] = {
        "input: {t_read: 200n}\n", "mapping: {scheme: offset}\ninput: {t_read: 200n}\n",
        "mapping: {slices: 2, levels: 4}\ninput: {t_read: 200n}\n",
        "input: {encoding: bit_serial, bits: 2, t_read: 200n}\n",
        "input: {signed: true, t_read: 200n}\n"};
    struct study s;
    struct ow_vmm_result r;
    char text[600];
    snprintf(text, sizeof text,
             "%s%sarray: {r_wordline: 0, r_bitline: 0, r_driver: 0, tile: [4, 14]}\n"
             "sense: {amp: voltage}\nengine: {name: %s}\n%s",
             VMM, DEVICE, engine[_i % 2], more[_i / 2]);
    measure(text, &s, &r);
    for (size_t k = 0; k < r.y_circuit.rows * r.y_circuit.cols; k++)
        ck_assert_close(r.y_circuit.a[k], s.problem.yq.a[k], 0.0,
                        (_i % 2 ? 1e-5 : 1e-13) * r.accuracy.fs);
    ck_assert_double_eq(r.cost.physical.supply, 0.0);
    ck_assert_double_eq(r.cost.physical.sense, 0.0);
    ck_assert_double_lt(r.cost.balance_residual, 1e-5);
    if (_i % 2)
        ck_assert_uint_eq(r.latency.n_settled, r.y_circuit.rows);
    done(&s, &r);
}
END_TEST

/* What is known is what was asked for: a cell that is stuck changes the mean, and not the sum
 * that it is multiplied with. */
START_TEST(test_known_sums_are_those_of_the_weights)
{
    struct study s;
    struct ow_vmm_result r;
    measure(VMM "device: {set: ow_benign, stuck_off: 0.2, sigma_program: 0.05}\n" IDEAL
                "sense: {amp: voltage}\nengine: {name: dc}\n",
            &s, &r);
    const struct ow_array *a = s.problem.array;
    const struct ow_matrix *w = &s.problem.wq;
    ck_assert_uint_gt(a->mapping.n_stuck_off, 0);
    for (size_t k = 0; k < r.y_circuit.rows; k++)
        for (size_t j = 0; j < r.y_circuit.cols; j++) {
            double y = 0.0;
            for (int arm = 0; arm < 2; arm++) {
                double known = 0.0, sum = 0.0, all = 0.0;
                for (size_t i = 0; i < w->rows; i++) {
                    const double part = (arm ? -1.0 : 1.0) * ow_matrix_row(w, i)[j];
                    const double g = ow_matrix_row(&a->mapping.g, i)[2 * j + (size_t)arm];
                    known += 1e-6 + 99e-6 * fmax(part, 0.0) / a->mapping.w_max;
                    sum += g * ow_matrix_row(&s.problem.driven, k)[i];
                    all += g;
                }
                y += (arm ? -1.0 : 1.0) * known * sum / all;
            }
            ck_assert_close(ow_matrix_row(&r.y_circuit, k)[j], y * a->mapping.w_max / 99e-6,
                            1e-9, 1e-9 * r.accuracy.fs);
        }
    done(&s, &r);
}
END_TEST

/* Integrals of what floats, and many reads by the ports. */
START_TEST(test_floating_lines_otherwise)
{
    static const char *const text[] = {
        VMM DEVICE IDEAL "sense: {amp: voltage}\ninput: {encoding: pulse_width, bits: 4}\n",
        "vmm: {weights: {random: [7, 5]}, inputs: {random: [3000, 7]}}\n" DEVICE IDEAL
        "sense: {amp: voltage}\nengine: {name: dc}\n"};
    struct study s;
    struct ow_vmm_result r;
    measure(text[_i], &s, &r);
    ck_assert((r.setup_s > 0.0) == (_i == 1));
    for (size_t k = 0; k < r.y_circuit.rows * r.y_circuit.cols; k++)
        ck_assert_close(r.y_circuit.a[k], s.problem.yq.a[k], 0.0,
                        (_i ? 1e-9 : 2e-5) * r.accuracy.fs);
    done(&s, &r);
}
END_TEST

/* ---- converters ----------------------------------------------------------------------------
 */

/* In volts of the difference that is converted: once a conversion, of positive and negative
 * inputs together, whatever the bits. */
START_TEST(test_offset_of_all_converters)
{
    static const char *const way[] = {"", "input: {signed: true}\n"};
    struct study s[2];
    struct ow_vmm_result r[2];
    for (int k = 0; k < 2; k++) {
        char text[500];
        snprintf(text, sizeof text, "%s%s%s%sengine: {name: dc}\nadc: {offset: %s}\n", VMM,
                 DEVICE, "array: {tile: [4, 4]}\n", way[_i], k ? "-7m" : "0");
        measure(text, &s[k], &r[k]);
    }
    const double y = -7e-3 * s[0].problem.array->y_per_volt * 2.0; /* of two row tiles */
    for (size_t k = 0; k < r[0].y_circuit.rows * r[0].y_circuit.cols; k++)
        ck_assert_close(r[1].y_circuit.a[k] - r[0].y_circuit.a[k], y, 1e-9, 0.0);
    for (int k = 0; k < 2; k++)
        done(&s[k], &r[k]);
}
END_TEST

/* Each converter has its own, which is the same in every run; those that share one have one.
 * 400 of them: the mean square is within 4 sqrt(2/400) = 28 % of sigma^2. */
START_TEST(test_offset_of_each_converter)
{
    struct study s;
    double square = 0.0;
    study_init("vmm: {weights: {random: [2, 800]}, inputs: {random: [2, 2]}}\n" DEVICE
               "adc: {offset: 1m, sigma_offset: 3m, share: 2}\n",
               &s);
    const struct ow_array *a = s.problem.array;
    for (size_t k = 0; k < 800; k += 2) {
        const double v = ow_array_offset(a, k);
        ck_assert_double_eq(v, ow_array_offset(a, k + 1));
        ck_assert(k == 0 || v != ow_array_offset(a, k - 1));
        square += (v - 1e-3) * (v - 1e-3) / 400.0;
    }
    ck_assert_close(square, 9e-6, 0.28, 0.0);
    study_finish(&s);
}
END_TEST

/* An offset for each column is what calibration by column takes off. */
START_TEST(test_offsets_are_calibrated_away)
{
    struct study s;
    struct ow_vmm_result r;
    measure(VMM DEVICE IDEAL
            "adc: {sigma_offset: 10m}\nsense: {gain: 1g, gbw: 1t}\nengine: {name: dc}\n",
            &s, &r);
    ck_assert_double_lt(r.accuracy.raw.total.csnr_db, 60.0);
    ck_assert_double_gt(r.accuracy.column.total.csnr_db, 100.0);
    done(&s, &r);
}
END_TEST

/* ---- the referee ------------------------------------------------------------------------- */

static const char *const referee[] = {
    SMALL DEVICE "sense: {amp: integrator}\narray: {r_wordline: 20, c_bitline: 2f}\n",
    SMALL DEVICE "sense: {amp: integrator, r_in: 400}\n"
                 "input: {encoding: pulse_width, bits: 3}\n",
    SMALL "device: {set: team_write, g_min: 12u, g_max: 90u}\n" /* states move */
          "sense: {amp: integrator, r_in: 50}\ninput: {v_read: 1.4}\n",
    SMALL "device: {model: stochastic, set: stochastic_write}\n" /* and jump */
          "sense: {amp: integrator, r_in: 50}\n"
          "input: {v_read: 1.3, t_read: 100n, t_rise: 2n}\n",
    SMALL DEVICE "sense: {amp: voltage}\narray: {r_wordline: 20, c_bitline: 2f}\n",
    SMALL "device: {set: team_write, g_min: 12u, g_max: 90u}\n" /* states move */
          "sense: {amp: voltage}\ninput: {v_read: 2}\n"};

START_TEST(test_hosts_agree)
{
    struct study s;
    struct ow_error err = {0};
    struct ow_verify_result r;
    static const size_t vector[] = {1};
    study_init(referee[_i], &s);
    const struct ow_verify_options how = {
        .vector = vector, .n_vector = 1, .codemodel = OW_CODEMODEL, .timeout_s = 100.0};
    ck_assert_ok(ow_verify_run(s.problem.array, &how, &r, &err), err);
    ck_assert_msg(r.comparison.is_ok, "state %g, energy %g, sense %g", r.comparison.state.worst,
                  r.comparison.energy.worst, r.comparison.sense.worst);
    ck_assert_double_le(r.comparison.sense.worst, 1e-4);
    for (size_t j = 0; j < s.problem.array->xb.cols; j++)
        ck_assert_close(r.engine[0].v_dc[j], r.spice[0].v_dc[j], 1e-6, 0.0);
    if (strstr(referee[_i], "_write"))
        ck_assert_uint_gt(r.n_moved, 0);
    ow_verify_result_finish(&r);
    study_finish(&s);
}
END_TEST

/* The same array in CVODE with its integrators in ngspice. */
START_TEST(test_coupled_hosts_agree)
{
    static const char *const name[] = {"cvode", "cosim"};
    static const char *const way[] = {
        "sense: {amp: integrator, r_in: 20}\n",
        "sense: {amp: integrator, r_in: 20}\ninput: {encoding: pulse_width, bits: 4}\n",
        "sense: {amp: voltage}\n"};
    struct study s[2];
    struct ow_vmm_result r[2];
    for (int k = 0; k < 2; k++) {
        char text[400];
        snprintf(text, sizeof text, "%s%s%sengine: {name: %s}\n", SMALL, DEVICE, way[_i],
                 name[k]);
        measure(text, &s[k], &r[k]);
    }
    for (size_t k = 0; k < r[0].y_circuit.rows * r[0].y_circuit.cols; k++)
        ck_assert_close(r[1].y_circuit.a[k], r[0].y_circuit.a[k], 0.0, 1e-4 * r[0].accuracy.fs);
    const struct ow_energy *a = &r[0].cost.physical, *b = &r[1].cost.physical;
    ck_assert_close(b->supply, a->supply, 1e-6, 0.0);
    ck_assert_close(b->sense - b->quiescent, a->sense - a->quiescent, 1e-2, 1e-18);
    for (int k = 0; k < 2; k++)
        done(&s[k], &r[k]);
}
END_TEST

/* The transistors of netlists/periphery in ngspice, and what stands for them in the engine: 16
 * x 8 devices with wires. */
struct pair {
    struct study s[2];
    struct ow_vmm_result r[2];
};

static void measure_pair(const char *subckt, const char *equivalent, const char *t_read,
                         struct pair *p)
{
    char text[1200];
    static const char array[] =
        "vmm: {weights: {random: [16, 4], seed: 3}, inputs: {random: [6, 16], seed: 4}}\n"
        "array: {r_wordline: 1, r_bitline: 1}\n" DEVICE;
    snprintf(text, sizeof text,
             "%sinput: {t_read: %s}\nengine: {name: cosim}\nsense: {amp: subckt, "
             "file: %s/../../netlists/periphery/generic_tt.inc, c_in: 0, %s}\n",
             array, t_read, test_data_dir(), subckt);
    measure(text, &p->s[0], &p->r[0]);
    snprintf(text, sizeof text, "%sinput: {t_read: %s}\nsense: {%s}\n", array, t_read,
             equivalent);
    measure(text, &p->s[1], &p->r[1]);
}

static void done_pair(struct pair *p)
{
    for (int k = 0; k < 2; k++)
        done(&p->s[k], &p->r[k]);
}

/* Largest difference of two matrices alike, of the span of the first. */
static double apart(const struct ow_matrix *a, const struct ow_matrix *b)
{
    double worst = 0.0, lo = INFINITY, hi = -INFINITY;
    for (size_t k = 0; k < a->rows * a->cols; k++) {
        worst = fmax(worst, fabs(a->a[k] - b->a[k]));
        lo = fmin(lo, a->a[k]);
        hi = fmax(hi, a->a[k]);
    }
    return worst / (hi - lo);
}

/* The values of ow_tia_cmos.inc.  Settled outputs are 7e-5 of their span apart; with infinite
 * gain and no offset they would be by 2.6e-3. */
START_TEST(test_cmos_amplifier_has_an_equivalent)
{
    struct pair p;
    measure_pair("subckt: ow_tia_cmos, r_f: 8k, params: {r_f: 8k}, c_load: 50f",
                 "amp: tia, r_f: 8k, c_f: 24f, gain: 1645, gbw: 11.2g, r_out: 110, c_in: 67f, "
                 "c_load: 50f, v_os: -22u, i_q: 826u",
                 "15n", &p);
    ck_assert_double_le(apart(&p.r[0].v_sense, &p.r[1].v_sense), 5e-4);
    const struct ow_energy *a = &p.r[0].cost.physical, *b = &p.r[1].cost.physical;
    ck_assert_close(b->devices, a->devices, 2e-3, 0.0);
    ck_assert_close(b->wires, a->wires, 1e-2, 0.0);
    ck_assert_close(b->sense, a->sense, 1e-2, 0.0);
    ck_assert_close(p.r[1].latency.worst, p.r[0].latency.worst, 0.4, 0.0);
    done_pair(&p);
}
END_TEST

/* An ideal conveyor beside ow_conveyor_rgc, whose line rests at 3 mV and moves with the
 * current: 4 % of the span apart, which a gain and an offset for each column make up. */
START_TEST(test_conveyor_has_an_ideal)
{
    struct pair p;
    measure_pair("subckt: ow_conveyor_rgc, r_f: 1.2339k, inverting: false, c_load: 0, "
                 "pins: {rst: pwl(0 0.9 5p -0.9), vrst: -0.7}",
                 "amp: integrator, r_in: 5, c_int: 5.07p, c_in: 20f, i_q: 540u", "6n", &p);
    ck_assert_double_le(apart(&p.r[0].y_circuit, &p.r[1].y_circuit), 6e-2);
    ck_assert_close(p.r[0].accuracy.column.total.csnr_db, p.r[1].accuracy.column.total.csnr_db,
                    0.0, 3.0);
    const struct ow_energy *a = &p.r[0].cost.physical, *b = &p.r[1].cost.physical;
    ck_assert_close(b->devices, a->devices, 6e-2, 0.0);
    ck_assert_close(b->sense, a->sense, 1e-2, 0.0);
    done_pair(&p);
}
END_TEST

/* ---- what cannot be ---------------------------------------------------------------------- */

/* clang-format off */
static const struct { const char *text, *says; } refused[] = {
    {SMALL DEVICE "sense: {amp: integrator, r_in: 0}\n", "n.yaml:3:32: sense.r_in: '0' is too small"},
    {SMALL DEVICE "sense: {amp: integrator, c_int: 0}\n", "n.yaml:3:33: sense.c_int: '0' is too small"},
    {SMALL DEVICE "sense: {amp: integrator, c_in: 0}\n", "n.yaml:3:32: sense.c_in: 0"},
};
/* clang-format on */

START_TEST(test_refusals_name_their_place)
{
    study_refused(refused[_i].text, refused[_i].says);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sense");
    TCase *tc = tcase_create("sense");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_integrators_take_in_charge, 0, 3 * N(input));
    tcase_add_loop_test(tc, test_ideal_integrators_are_the_product, 0, N(input));
    tcase_add_test(tc, test_integrators_behind_ports);
    tcase_add_test(tc, test_auto_capacitance);
    tcase_add_test(tc, test_auto_capacitance_of_widths);
    tcase_add_loop_test(tc, test_integrator_energy, 0, 2);
    tcase_add_test(tc, test_integrators_beyond_the_rail);
    tcase_add_test(tc, test_integrators_limit_noise);
    tcase_add_loop_test(tc, test_floating_lines_are_the_product, 0, 10);
    tcase_add_test(tc, test_known_sums_are_those_of_the_weights);
    tcase_add_loop_test(tc, test_floating_lines_otherwise, 0, 2);
    tcase_add_loop_test(tc, test_offset_of_all_converters, 0, 2);
    tcase_add_test(tc, test_offset_of_each_converter);
    tcase_add_test(tc, test_offsets_are_calibrated_away);
    if (getenv("OW_HAS_SPICE") && access(OW_CODEMODEL, R_OK) == 0) {
        tcase_add_loop_test(tc, test_hosts_agree, 0, N(referee));
        tcase_add_loop_test(tc, test_coupled_hosts_agree, 0, 3);
        tcase_add_test(tc, test_cmos_amplifier_has_an_equivalent);
        tcase_add_test(tc, test_conveyor_has_an_ideal);
    }
    tcase_add_loop_test(tc, test_refusals_name_their_place, 0, N(refused));
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
