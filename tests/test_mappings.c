/* How weights become bit lines and inputs become pulses, and that what is decoded from them is
 * the product: every scheme and encoding, with tiles, signs and converters. */
#include "ow_check.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STUDY_FILE "m.yaml"
#include "ow_convert.h"
#include "ow_study.h"
#include "ow_verify.h"
#include "ow_vmm.h"

#define N(table) ((int)(sizeof(table) / sizeof(table)[0]))

#ifndef OW_CODEMODEL /* built without code models */
#define OW_CODEMODEL ""
#endif

#define DEVICE "device: {set: ow_benign}\n"
#define IDEAL  "r_wordline: 0, r_bitline: 0, r_driver: 0"
#define EXACT  "sense: {gain: 1g, gbw: 1t}\nengine: {name: dc}\n"
#define VMM    "vmm: {weights: {random: [7, 5], seed: 7}, inputs: {random: [12, 7], seed: 8}}\n"

static void measure(const char *text, struct study *s, struct ow_vmm_result *r)
{
    struct ow_error err = {0};
    const struct ow_vmm_options how = {.n_worker = 2};
    memset(r, 0, sizeof *r);
    study_init(text, s);
    ck_assert_ok(ow_vmm_run(&s->problem, &how, r, &err), err);
}

static void done(struct study *s, struct ow_vmm_result *r)
{
    ow_vmm_result_finish(r);
    study_finish(s);
}

/* ---- where weights go -------------------------------------------------------------------- */

/* G = g_min + (1 + w / w_max) / 2 (g_max - g_min), and the reference in the middle: 1 to
 * 100 uS here. */
START_TEST(test_offset_weights_by_hand)
{
    struct study s;
    study_init(VMM DEVICE "mapping: {scheme: offset}\narray: {rows: 8, cols: 7}\n", &s);
    const struct ow_problem *p = &s.problem;
    const struct ow_array *a = p->array;
    for (size_t i = 0; i < 8; i++)
        for (size_t j = 0; j < 7; j++) {
            const double w = i < 7 && j < 5 ? ow_matrix_row(&p->weights, i)[j] : 0.0;
            const double g = i == 7 || j == 6 ? 1e-6 /* beyond the weights */
                             : j == 5         ? 50.5e-6
                                              : 50.5e-6 + 49.5e-6 * w / a->mapping.w_max;
            ck_assert_close(ow_matrix_row(&a->mapping.g, i)[j], g, 1e-11, 0.0);
        }
    study_finish(&s);
}
END_TEST

/* Of 4 levels, 1/3 apart in G: weights of -1, -1/3, 1/3 and 1 times w_max, and no zero. */
START_TEST(test_levels_of_an_offset_are_those_of_the_device)
{
    struct study s;
    study_init(VMM DEVICE "mapping: {scheme: offset, levels: 4}\n", &s);
    const struct ow_problem *p = &s.problem;
    const double w_max = p->array->mapping.w_max;
    for (size_t k = 0; k < 35; k++) {
        const double level = 1.5 * (p->wq.a[k] / w_max + 1.0);
        ck_assert_close(level, round(level), 0.0, 1e-12);
        ck_assert_double_le(fabs(p->wq.a[k] - p->weights.a[k]), w_max * (1.0 / 3.0 + 1e-12));
        ck_assert_close(ow_matrix_row(&p->array->mapping.g, k / 5)[k % 5],
                        1e-6 + round(level) * 33e-6, 1e-11, 0.0);
    }
    study_finish(&s);
}
END_TEST

/* 7 x 5 weights on arrays of 3 x 3 lines: two outputs and a reference each, one in the last. */
START_TEST(test_every_tile_has_a_reference)
{
    static const size_t first_out[] = {0, 2, 4}, n_out[] = {2, 2, 1};
    struct study s;
    struct ow_matrix g;
    struct ow_error err = {0};
    bool has_id[56] = {false};
    study_init(VMM "device: {set: ow_benign, sigma_d2d: 0.1}\nmapping: {scheme: offset}\n"
                   "array: {tile: [3, 3]}\n",
               &s);
    const struct ow_problem *p = &s.problem;
    ck_assert_uint_eq(p->n_row_tile, 3);
    ck_assert_uint_eq(p->n_col_tile, 3);
    ck_assert_ok(ow_problem_conductance(p, &g, &err), err);
    ck_assert_uint_eq(g.cols, 8);
    for (size_t k = 0; k < 9; k++) {
        const struct ow_array *a = &p->array[k];
        ck_assert_uint_eq(a->first_out, first_out[k % 3]);
        ck_assert_uint_eq(a->n_out, n_out[k % 3]);
        ck_assert_uint_eq(a->xb.cols, n_out[k % 3] + 1);
        for (size_t i = 0; i < a->xb.rows; i++)
            for (size_t j = 0; j < a->xb.cols; j++) {
                const size_t place = j < a->n_out ? a->first_out + j : 5 + k % 3,
                             id = (size_t)a->xb.spread[OW_ID][i * a->xb.cols + j];
                ck_assert_uint_eq(id, (a->first_in + i) * 8 + place);
                ck_assert(!has_id[id]);
                has_id[id] = true;
                ck_assert_double_eq(ow_matrix_row(&g, a->first_in + i)[place],
                                    ow_matrix_row(&a->mapping.g, i)[j]);
            }
    }
    ow_matrix_finish(&g);
    study_finish(&s);
}
END_TEST

/* 47 of 63 levels is 2, 3, 3 in base 4, whose most significant digit comes first. */
START_TEST(test_slices_by_hand)
{
    static const struct {
        const char *mapping;
        double w;           /* of w_max */
        double digit[2][3]; /* of G (or G+) and G-, in thirds of the range */
    } row[] = {
        {"{levels: 4, slices: 3}", 47.0 / 63.0, {{2, 3, 3}, {0}}},
        {"{levels: 4, slices: 3}", -47.4 / 63.0, {{0}, {2, 3, 3}}},
        {"{levels: 4, slices: 3, scheme: offset}", 2.0 * 47.0 / 63.0 - 1.0, {{2, 3, 3}, {0}}},
        {"{levels: 4, slices: 3, scheme: offset}", -1.0, {{0}, {0}}},
    };
    const bool is_offset = _i >= 2;
    char path[] = "/tmp/ow-mappings-XXXXXX", text[400];
    struct study s;
    FILE *f = fdopen(mkstemp(path), "wb");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "1,%.17g\n", row[_i].w);
    fclose(f);
    snprintf(text, sizeof text,
             "vmm: {weights: %s, inputs: {random: [4, 1]}}\n" DEVICE "mapping: %s\n", path,
             row[_i].mapping);
    study_init(text, &s);
    const struct ow_array *a = s.problem.array;
    ck_assert_uint_eq(a->xb.cols, is_offset ? 7 : 12);
    for (size_t k = 0; k < 3; k++)
        for (size_t arm = 0; arm < (is_offset ? 1 : 2); arm++)
            ck_assert_close(a->mapping.g.a[is_offset ? 3 + k : 6 + 2 * k + arm],
                            1e-6 + row[_i].digit[arm][k] * 33e-6, 1e-11, 0.0);
    if (is_offset)
        ck_assert_close(a->mapping.g.a[6], 50.5e-6, 1e-11, 0.0);
    study_finish(&s);
    unlink(path);
}
END_TEST

/* ---- what is decoded --------------------------------------------------------------------- */

/* Sense voltages of ideal devices, wires and amplifiers. */
static void sense(const struct ow_array *a, size_t read, double v[])
{
    double amplitude[16], width[16];
    const double r = a->xb.sense.kind == OW_SENSE_TIA ? -a->xb.sense.r_f : a->xb.sense.r_f;
    ow_array_amplitudes(a, read, amplitude);
    if (ow_array_widths(a, read, width)) /* integrated */
        for (size_t i = 0; i < a->xb.rows; i++)
            amplitude[i] *= (width[i] + a->pulse.t_rise) / (a->pulse.t_read + a->pulse.t_rise);
    for (size_t j = 0; j < a->xb.cols; j++) {
        v[j] = 0.0;
        for (size_t i = 0; i < a->xb.rows; i++)
            v[j] += r * amplitude[i] * ow_matrix_row(&a->mapping.g, i)[j];
    }
}

static const char *const scheme[] = {"mapping: {scheme: differential}\n",
                                     "mapping: {scheme: offset}\n",
                                     "mapping: {scheme: differential, levels: 6}\n",
                                     "mapping: {scheme: offset, levels: 5}\n",
                                     "mapping: {scheme: differential, levels: 4, slices: 2}\n",
                                     "mapping: {scheme: offset, levels: 2, slices: 5}\n"};
static const char *const tile[] = {"none", "[3, 6]", "[7, 13]", "[1, 100]"};
static const char *const drive[] = {
    "input: {bits: 3}\n",
    "input: {signed: true}\nsense: {amp: resistor}\n",
    "input: {encoding: bit_serial, bits: 1}\n",
    "input: {encoding: bit_serial, bits: 5, v_read: 0.15}\n",
    "input: {encoding: bit_serial, bits: 3, signed: true}\n",
    "input: {encoding: pulse_width, bits: 4}\n",
    "input: {encoding: pulse_width, bits: 3, signed: true, v_read: 0.1}\n"};

static struct ow_matrix sense_all(const struct ow_problem *p)
{
    size_t n_col = 0, first = 0;
    for (size_t n = 0; n < ow_problem_arrays(p); n++)
        n_col += p->array[n].xb.cols;
    struct ow_matrix v = ow_matrix_create(p->n_vec * p->n_phase, n_col);
    for (size_t n = 0; n < ow_problem_arrays(p); n++) {
        for (size_t read = 0; read < v.rows; read++)
            sense(&p->array[n], read, ow_matrix_row(&v, read) + first);
        first += p->array[n].xb.cols;
    }
    return v;
}

START_TEST(test_ideal_voltages_decode_to_the_product)
{
    struct study s;
    struct ow_matrix v, y;
    struct ow_error err = {0};
    const struct ow_range none = {0};
    char text[600];
    snprintf(text, sizeof text, "%s%s%s%sarray: {tile: %s}\n", VMM, DEVICE,
             scheme[_i % N(scheme)], drive[_i / N(scheme) % N(drive)],
             tile[_i / N(scheme) / N(drive)]);
    study_init(text, &s);
    const struct ow_problem *p = &s.problem;
    v = sense_all(p);
    ck_assert_ok(ow_convert(p, &v, &none, &y, &err), err);
    for (size_t k = 0; k < p->n_vec * p->n_out; k++)
        ck_assert_close(y.a[k], p->yq.a[k], 0.0, 1e-9);
    ow_matrix_finish(&v);
    ow_matrix_finish(&y);
    study_finish(&s);
}
END_TEST

static const char *const whole[] = {"input: {bits: 4}\n", "input: {signed: true}\n",
                                    "input: {encoding: bit_serial, bits: 4, signed: true}\n",
                                    "input: {encoding: pulse_width, bits: 4}\n",
                                    "input: {encoding: pulse_width, bits: 3, signed: true}\n"};

/* The whole run: an amplifier with a gain of 1e9 is what keeps the circuit from the product. */
START_TEST(test_ideal_runs_are_the_product)
{
    struct study s;
    struct ow_vmm_result r;
    char text[600];
    snprintf(text, sizeof text,
             "%s%s%s%s%sarray: {tile: %s, " IDEAL "}\n"
             "calibration: {vectors: all}\n",
             VMM, DEVICE, EXACT, scheme[_i % N(scheme)], whole[_i / N(scheme) % N(whole)],
             tile[_i / N(scheme) / N(whole)]);
    measure(text, &s, &r);
    for (size_t k = 0; k < r.y_circuit.rows * r.y_circuit.cols; k++)
        ck_assert_close(r.y_circuit.a[k], s.problem.yq.a[k], 0.0, 1e-6 * r.accuracy.fs);
    ck_assert_double_lt(r.cost.balance_residual, 1e-9);
    ck_assert_close(r.cost.physical.devices, r.hand_devices, 1e-6, 0.0);
    done(&s, &r);
}
END_TEST

/* With one line an output there are fewer amplifiers, and all of them carry half of g_max. */
START_TEST(test_what_an_offset_trades)
{
    struct study s[2];
    struct ow_vmm_result r[2];
    for (int k = 0; k < 2; k++) {
        char text[400];
        snprintf(text, sizeof text, "%s%s%sengine: {name: cvode}\n", VMM, DEVICE, scheme[k]);
        measure(text, &s[k], &r[k]);
    }
    ck_assert_uint_eq(r[0].billing.n_amp, 10);
    ck_assert_uint_eq(r[1].billing.n_amp, 6);
    ck_assert_uint_eq(r[1].billing.n_adc, 5);
    ck_assert_double_lt(r[1].cost.billed.amplifiers, r[0].cost.billed.amplifiers);
    ck_assert_double_gt(r[1].cost.physical.devices, r[0].cost.physical.devices);
    ck_assert_uint_eq(r[1].latency.n_settled, 12);
    for (int k = 0; k < 2; k++)
        done(&s[k], &r[k]);
}
END_TEST

/* Two states are enough for weights of many bits. */
START_TEST(test_slices_of_binary_devices)
{
    struct study s;
    struct ow_matrix v, y;
    struct ow_error err = {0};
    const struct ow_range none = {0};
    study_init(VMM "device: {model: stochastic, set: stochastic_write}\nmapping: {slices: 6}\n"
                   "input: {bits: 4, signed: true}\n",
               &s);
    const struct ow_problem *p = &s.problem;
    double farthest = 0.0;
    v = sense_all(p);
    ck_assert_ok(ow_convert(p, &v, &none, &y, &err), err);
    for (size_t k = 0; k < p->n_vec * p->n_out; k++)
        ck_assert_close(y.a[k], p->yq.a[k], 0.0, 1e-9);
    for (size_t k = 0; k < 35; k++)
        farthest = fmax(farthest, fabs(p->wq.a[k] - p->weights.a[k]));
    ck_assert_double_le(farthest, 0.5 / 63.0 * p->array->mapping.w_max * (1.0 + 1e-12));
    ck_assert_double_gt(farthest, 0.3 / 63.0 * p->array->mapping.w_max);
    ow_matrix_finish(&v);
    ow_matrix_finish(&y);
    study_finish(&s);
}
END_TEST

/* One slice of another by hand: w = w_max sum of 4^-s (3/4) / (1 - 1/16) digit / 3. */
START_TEST(test_slices_are_converted_then_added)
{
    struct study s;
    struct ow_vmm_result r;
    measure(VMM DEVICE EXACT
            "array: {tile: [4, 8], " IDEAL "}\ninput: {bits: 3}\n"
            "mapping: {levels: 4, slices: 2}\n"
            "adc: {bits: 6, range: [-5, 6], energy: 1p, t_conv: 1n, share: 3}\n",
            &s, &r);
    const struct ow_problem *p = &s.problem;
    const double step = 11.0 / 64.0, w_max = p->array->mapping.w_max;
    size_t n_checked = 0;
    for (size_t k = 0; k < p->n_vec; k++)
        for (size_t j = 0; j < 5; j++) {
            double sum = 0.0, edge = 1.0;
            for (size_t t = 0; t < 2; t++)
                for (int slice = 0; slice < 2; slice++) {
                    double part = 0.0;
                    for (size_t i = 4 * t; i < 7 && i < 4 * t + 4; i++) {
                        const double w = ow_matrix_row(&p->weights, i)[j];
                        const int level = (int)lround(15.0 * fabs(w) / w_max);
                        const int digit = slice ? level % 4 : level / 4;
                        part +=
                            ow_matrix_row(&p->driven, k)[i] * w_max * copysign(digit / 3.0, w);
                    }
                    const double bin = (part + 5.0) / step;
                    edge = fmin(edge, fabs(bin - round(bin)));
                    sum += (-5.0 + (fmin(fmax(floor(bin), 0.0), 63.0) + 0.5) * step) *
                           (slice ? 0.2 : 0.8);
                }
            if (edge > 1e-5) {
                ck_assert_close(ow_matrix_row(&r.y_circuit, k)[j], sum, 0.0, 1e-12);
                n_checked++;
            }
        }
    ck_assert_uint_gt(n_checked, 50);
    ck_assert_uint_eq(p->n_col_tile, 3); /* of two outputs in four pairs of lines */
    ck_assert_uint_eq(r.billing.n_adc, 2 * 5 * 2);
    ck_assert_uint_eq(r.billing.n_amp, 2 * 5 * 4);
    ck_assert_double_eq(r.billing.weight_bits, 4.0);
    ck_assert_close(r.accuracy.fs, 22.0, 1e-12, 0.0);
    ck_assert_close(r.billing.t_cycle, 21e-9 + 3e-9, 1e-12, 0.0);
    done(&s, &r);
}
END_TEST

/* ---- bit by bit -------------------------------------------------------------------------- */

/* 5/7 is 101: the most significant bit first, each at the whole read voltage. */
START_TEST(test_bits_are_pulses_of_one_height)
{
    static const double lsb[] = {1.0, 0.0, 1.0};
    struct study s;
    double amplitude[16];
    study_init(VMM DEVICE "input: {encoding: bit_serial, bits: 3, signed: true}\n", &s);
    struct ow_problem *p = &s.problem;
    ck_assert_uint_eq(p->n_phase, 6);
    ow_matrix_row(&p->driven, 2)[3] = -5.0 / 7.0;
    for (size_t phase = 0; phase < 6; phase++) {
        ow_array_amplitudes(p->array, 2 * 6 + phase, amplitude);
        ck_assert_double_eq(amplitude[3], phase % 2 ? 0.2 * lsb[phase / 2] : 0.0);
        for (size_t i = 0; i < 7; i++)
            ck_assert(amplitude[i] == 0.0 || amplitude[i] == 0.2);
    }
    study_finish(&s);
}
END_TEST

/* Every bit of every tile is converted over one range, then shifted and added. */
START_TEST(test_bits_are_converted_then_added)
{
    struct study s;
    struct ow_vmm_result r;
    measure(VMM DEVICE EXACT
            "array: {tile: [4, 100], " IDEAL "}\n"
            "input: {encoding: bit_serial, bits: 3, signed: true}\n"
            "adc: {bits: 5, range: [-4, 3], energy: 1p, t_conv: 1n, share: 2}\n",
            &s, &r);
    const struct ow_problem *p = &s.problem;
    const double step = 7.0 / 32.0;
    size_t n_checked = 0;
    for (size_t k = 0; k < p->n_vec; k++)
        for (size_t j = 0; j < 5; j++) {
            double sum = 0.0, edge = 1.0;
            for (size_t t = 0; t < 2; t++)
                for (int b = 0; b < 3; b++) {
                    double part = 0.0;
                    for (size_t i = 4 * t; i < 7 && i < 4 * t + 4; i++) {
                        const double x = ow_matrix_row(&p->driven, k)[i];
                        const int bit = (int)lround(7.0 * fabs(x)) >> b & 1;
                        part += copysign(bit, x) * ow_matrix_row(&p->weights, i)[j];
                    }
                    const double bin = (part + 4.0) / step;
                    edge = fmin(edge, fabs(bin - round(bin)));
                    sum += (-4.0 + (fmin(fmax(floor(bin), 0.0), 31.0) + 0.5) * step) *
                           (1 << b) / 7.0;
                }
            if (edge > 1e-5) { /* the circuit's error does not take it over the edge */
                ck_assert_close(ow_matrix_row(&r.y_circuit, k)[j], sum, 0.0, 1e-12);
                n_checked++;
            }
        }
    ck_assert_uint_gt(n_checked, 50);
    ck_assert_close(r.accuracy.fs, 2.0 * 7.0, 1e-12, 0.0); /* of two partial sums */
    ck_assert_uint_eq(r.billing.n_adc, 2 * 5 * 3);
    ck_assert_close(r.cost.billed.adc, 30e-12, 1e-12, 0.0);
    /* six reads of 21 ns, and two conversions after every second of them */
    ck_assert_close(r.billing.t_cycle, 6.0 * 21e-9 + 3.0 * 2e-9, 1e-12, 0.0);
    done(&s, &r);
}
END_TEST

/* The range from the converters' own results: 99.8 % of them, or what none can leave. */
START_TEST(test_range_of_a_bit)
{
    static const char *const rule[] = {"calibrated", "max"};
    struct study s;
    struct ow_vmm_result r;
    char text[500];
    double lo = 0.0, hi = 0.0;
    snprintf(text, sizeof text,
             VMM DEVICE EXACT "array: {" IDEAL "}\ncalibration: {vectors: all}\n"
                              "input: {encoding: bit_serial, bits: 2}\nadc: {range: %s}\n",
             rule[_i]);
    measure(text, &s, &r);
    const struct ow_problem *p = &s.problem;
    for (size_t j = 0; j < 5; j++) {
        double least = 0.0, most = 0.0;
        for (size_t i = 0; i < 7; i++) {
            least += fmin(ow_matrix_row(&p->weights, i)[j], 0.0);
            most += fmax(ow_matrix_row(&p->weights, i)[j], 0.0);
        }
        for (size_t k = 0; k < 24 && _i == 0; k++) {
            double part = 0.0;
            for (size_t i = 0; i < 7; i++) {
                const double x = ow_matrix_row(&p->driven, k / 2)[i];
                part += (lround(3.0 * x) >> k % 2 & 1) ? ow_matrix_row(&p->weights, i)[j] : 0.0;
            }
            lo = fmin(lo, part);
            hi = fmax(hi, part);
        }
        lo = _i ? fmin(lo, least) : lo;
        hi = _i ? fmax(hi, most) : hi;
    }
    /* of 120 results, the percentiles lie within a neighbour of the ends */
    ck_assert_close(r.adc_range.lo, lo, _i ? 1e-12 : 0.1, 0.0);
    ck_assert_close(r.adc_range.hi, hi, _i ? 1e-12 : 0.1, 0.0);
    ck_assert_double_lt(r.range.hi, r.adc_range.hi * (_i ? 1.0 + 1e-12 : 1.0));
    done(&s, &r);
}
END_TEST

/* A vector costs what its reads cost, takes as long as they take one after the other, and
 * its bits have read noise each of its own. */
START_TEST(test_bits_add_up)
{
    struct study s;
    struct ow_vmm_result r;
    struct ow_error err = {0};
    measure(VMM "device: {set: ow_benign, sigma_read: 0.05}\n"
                "input: {encoding: bit_serial, bits: 2, signed: true}\n",
            &s, &r);
    const struct ow_problem *p = &s.problem;
    const struct ow_batch_options how = {.host = {.rtol = s.spec.engine.rtol},
                                         .band = (r.adc_range.hi - r.adc_range.lo) / 512.0 /
                                                 fabs(p->array->y_per_volt),
                                         .n_worker = 2};
    struct ow_batch batch;
    double worst = 0.0;
    ck_assert_ok(ow_batch_run(p->array, &how, &batch, &err), err);
    ck_assert_uint_eq(batch.n_read, 48);
    for (size_t k = 0; k < 12; k++) {
        const struct ow_energy *e = batch.energy + 4 * k;
        const double *t = batch.settle + 4 * k;
        double energy = 0.0;
        for (size_t n = 0; n < 4; n++)
            energy += e[n].source + e[n].supply;
        ck_assert_close(r.energy.a[k], energy, 1e-12, 0.0);
        worst = fmax(worst, fmax(t[0], t[1]) + fmax(t[2], t[3]));
    }
    ck_assert_close(r.latency.worst, worst, 1e-12, 0.0);
    ow_batch_finish(&batch);
    done(&s, &r);

    /* one input, whose bits are alike */
    study_init("vmm: {weights: {random: [1, 1]}, inputs: {random: [1, 1]}}\n"
               "device: {set: ow_benign, sigma_read: 0.05}\n"
               "input: {encoding: bit_serial, bits: 2}\nengine: {name: dc}\n",
               &s);
    s.problem.driven.a[0] = 1.0;
    const struct ow_batch_options dc = {.host = {.kind = OW_ENGINE_DC}, .n_worker = 1};
    ck_assert_ok(ow_batch_run(s.problem.array, &dc, &batch, &err), err);
    ck_assert_double_gt(fabs(batch.v_sense.a[0] - batch.v_sense.a[2]),
                        0.001 * fabs(batch.v_sense.a[0]));
    ow_batch_finish(&batch);
    study_finish(&s);
}
END_TEST

/* ---- widths ------------------------------------------------------------------------------ */

/* x is the width half way up, of 10 ns; an input of 0 has no pulse. */
START_TEST(test_widths_by_hand)
{
    struct study s;
    double amplitude[16], width[16];
    study_init(VMM DEVICE "input: {encoding: pulse_width, bits: 3, t_read: 9n, t_rise: 1n}\n",
               &s);
    struct ow_problem *p = &s.problem;
    static const double x[] = {0.0, 1.0 / 7.0, 3.0 / 7.0, 1.0};
    for (size_t i = 0; i < 4; i++)
        ow_matrix_row(&p->driven, 5)[i] = x[i];
    ow_array_amplitudes(p->array, 5, amplitude);
    ck_assert(ow_array_widths(p->array, 5, width));
    for (size_t i = 0; i < 4; i++) {
        ck_assert_double_eq(amplitude[i], i ? 0.2 : 0.0);
        ck_assert_close(width[i], i ? x[i] * 10e-9 - 1e-9 : 0.0, 1e-12, 0.0);
        double area = 0.0; /* under the pulse itself */
        const struct ow_pulse pulse = {.t_rise = 1e-9, .t_read = 9e-9, .width = width};
        for (int k = 0; k < 22000; k++)
            area += 1e-12 * ow_pulse_source_at(&pulse, i, ((double)k + 0.5) * 1e-12);
        ck_assert_close(amplitude[i] * area, 0.2 * x[i] * 10e-9, 1e-6, 0.0);
    }
    study_finish(&s);
}
END_TEST

/* The integral of a linear circuit's output is its DC gain times that of the input, whatever
 * its capacitors do meanwhile, so transients decode to what DC says. */
static const char *const circuit[] = {
    "", "sense: {amp: resistor, r_f: 200, c_in: 300f}\n", "sense: {v_os: 0.01, gbw: 2g}\n",
    "array: {r_wordline: 30, r_bitline: 20, c_wordline: 5f, c_bitline: 5f}\n"};

START_TEST(test_integrals_follow_dc)
{
    static const char *const engine[] = {"dc", "cvode"};
    struct study s[2];
    struct ow_vmm_result r[2];
    for (int k = 0; k < 2; k++) {
        char text[600];
        snprintf(text, sizeof text,
                 "%s%s%sinput: {encoding: pulse_width, bits: 4}\nengine: {name: %s}\n", VMM,
                 DEVICE, circuit[_i], engine[k]);
        measure(text, &s[k], &r[k]);
    }
    for (size_t k = 0; k < r[0].y_circuit.rows * r[0].y_circuit.cols; k++)
        ck_assert_close(r[1].y_circuit.a[k], r[0].y_circuit.a[k], 0.0, 2e-5 * r[0].accuracy.fs);
    ck_assert_double_lt(r[1].cost.balance_residual, 1e-5);
    ck_assert_close(r[1].cost.physical.devices, r[0].cost.physical.devices, 0.1, 0.0);
    ck_assert_uint_eq(r[1].latency.n_settled, 12);
    ck_assert_double_gt(r[1].latency.worst, 5e-9);
    ck_assert_double_lt(r[1].latency.worst, 21e-9);
    if (_i != 1)
        ck_assert_double_eq(r[1].clipped, 0.0);
    for (int k = 0; k < 2; k++)
        done(&s[k], &r[k]);
}
END_TEST

/* ---- the referee ------------------------------------------------------------------------- */

#define SMALL "vmm: {weights: {random: [5, 2], seed: 3}, inputs: {random: [2, 5], seed: 4}}\n"
static const char *const referee[] = {
    SMALL DEVICE "input: {encoding: pulse_width, bits: 4}\n",
    SMALL DEVICE "input: {encoding: pulse_width, bits: 3, signed: true}\n"
                 "mapping: {scheme: offset, levels: 4, slices: 2}\narray: {r_wordline: 20}\n",
    SMALL DEVICE "input: {encoding: bit_serial, bits: 2}\nmapping: {levels: 2, slices: 3}\n",
    SMALL "device: {set: team_write, g_min: 12u, g_max: 90u}\n" /* states move */
          "sense: {amp: resistor, r_f: 50}\n"
          "input: {encoding: pulse_width, bits: 3, v_read: 1.4}\n",
    SMALL "device: {model: stochastic, set: stochastic_write}\n" /* and jump */
          "sense: {amp: resistor, r_f: 50}\n"
          "input: {encoding: pulse_width, bits: 3, v_read: 1.3, t_read: 100n, t_rise: 2n}\n"};

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
    ck_assert_double_le(r.comparison.sense.worst, _i < 3 ? 1e-5 : 2e-4);
    if (_i >= 3)
        ck_assert_uint_gt(r.n_moved, 0);
    ow_verify_result_finish(&r);
    study_finish(&s);
}
END_TEST

/* The same array in CVODE with its amplifiers in ngspice. */
START_TEST(test_coupled_hosts_agree)
{
    static const char *const name[] = {"cvode", "cosim"};
    static const char *const input[] = {"input: {encoding: pulse_width, bits: 4}\n",
                                        "input: {encoding: bit_serial, bits: 2}\n"};
    struct study s[2];
    struct ow_vmm_result r[2];
    for (int k = 0; k < 2; k++) {
        char text[400];
        const struct ow_vmm_options how = {.codemodel = OW_CODEMODEL, .n_worker = 1};
        struct ow_error err = {0};
        snprintf(text, sizeof text, "%s%s%sengine: {name: %s}\n", SMALL, DEVICE, input[_i],
                 name[k]);
        study_init(text, &s[k]);
        memset(&r[k], 0, sizeof r[k]);
        ck_assert_ok(ow_vmm_run(&s[k].problem, &how, &r[k], &err), err);
    }
    for (size_t k = 0; k < r[0].y_circuit.rows * r[0].y_circuit.cols; k++)
        ck_assert_close(r[1].y_circuit.a[k], r[0].y_circuit.a[k], 0.0, 1e-4 * r[0].accuracy.fs);
    ck_assert_close(r[1].latency.worst, r[0].latency.worst, 0.01, 0.0);
    for (int k = 0; k < 2; k++)
        done(&s[k], &r[k]);
}
END_TEST

/* ---- what cannot be ---------------------------------------------------------------------- */

/* clang-format off */
static const struct { const char *text, *says; } refused[] = {
    {VMM "device: {model: stochastic, set: stochastic_write}\nmapping: {scheme: offset}\n",
     "m.yaml:3:19: mapping.scheme: offset: stochastic has two states"},
    {VMM DEVICE "array: {cell: 2T2R}\nmapping: {scheme: offset}\n",
     "m.yaml:4:19: mapping.scheme: offset: array.cell 2T2R"},
    {VMM DEVICE "mapping: {scheme: offset}\narray: {cols: 5}\n",
     "m.yaml:4:15: array.cols: 5 bit lines, expected auto or at least 6, one for each column of the weights and a reference"},
    {VMM DEVICE "array: {cols: 9}\n",
     "m.yaml:3:15: array.cols: 9 bit lines, expected auto or at least 10, two for each column of the weights"},
    {VMM DEVICE "input: {encoding: bit_serial}\n",
     "m.yaml: input.bits (default): 0 with input.encoding bit_serial: expected 1 to 32"},
    {VMM DEVICE "input: {encoding: bit_serial, bits: 0}\n", "m.yaml:3:37: input.bits: 0 with"},
    {VMM DEVICE "mapping: {slices: 3}\n",
     "mapping.levels (default): 0 with mapping.slices = 3: expected a power of two"},
    {VMM DEVICE "mapping: {slices: 3, levels: 6}\n",
     "m.yaml:3:30: mapping.levels: 6 with mapping.slices = 3: expected a power of two"},
    {VMM DEVICE "mapping: {slices: 9, levels: 16}\n",
     "m.yaml:3:19: mapping.slices: 9 of 4 bits each: expected 32 bits together at most"},
    {VMM DEVICE "mapping: {slices: 3, levels: 4}\narray: {tile: [4, 5]}\n",
     "m.yaml:4:15: array.tile: [4, 5]: no room for an output of mapping.slices = 3"},
    {VMM DEVICE "mapping: {slices: 3, levels: 4}\narray: {cols: 29}\n",
     "m.yaml:4:15: array.cols: 29 bit lines, expected auto or at least 30, two for each column of the weights and slice"},
    {VMM DEVICE "input: {encoding: pulse_width}\n",
     "input.bits (default): 0 with input.encoding pulse_width: expected 1 or more"},
    {VMM DEVICE "input: {encoding: pulse_width, bits: 5}\n",
     "m.yaml:3:38: input.bits: 5: the shortest pulse, 3.39e-10 s, would be over before it has risen"},
    {VMM DEVICE "mapping: {scheme: bipolar}\n", "differential or offset"},
};
/* clang-format on */

START_TEST(test_refusals_name_their_place)
{
    study_refused(refused[_i].text, refused[_i].says);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mappings");
    TCase *tc = tcase_create("mappings");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_offset_weights_by_hand);
    tcase_add_test(tc, test_levels_of_an_offset_are_those_of_the_device);
    tcase_add_test(tc, test_every_tile_has_a_reference);
    tcase_add_loop_test(tc, test_ideal_voltages_decode_to_the_product, 0,
                        N(scheme) * N(drive) * N(tile));
    tcase_add_loop_test(tc, test_ideal_runs_are_the_product, 0, N(scheme) * N(whole) * N(tile));
    tcase_add_test(tc, test_what_an_offset_trades);
    tcase_add_loop_test(tc, test_slices_by_hand, 0, 4);
    tcase_add_test(tc, test_slices_of_binary_devices);
    tcase_add_test(tc, test_slices_are_converted_then_added);
    tcase_add_test(tc, test_bits_are_pulses_of_one_height);
    tcase_add_test(tc, test_bits_are_converted_then_added);
    tcase_add_loop_test(tc, test_range_of_a_bit, 0, 2);
    tcase_add_test(tc, test_bits_add_up);
    tcase_add_test(tc, test_widths_by_hand);
    tcase_add_loop_test(tc, test_integrals_follow_dc, 0, N(circuit));
    if (getenv("OW_HAS_SPICE") && access(OW_CODEMODEL, R_OK) == 0) {
        tcase_add_loop_test(tc, test_hosts_agree, 0, N(referee));
        tcase_add_loop_test(tc, test_coupled_hosts_agree, 0, 2);
    }
    tcase_add_loop_test(tc, test_refusals_name_their_place, 0, N(refused));
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
