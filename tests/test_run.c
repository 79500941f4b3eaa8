/* The library behind the commands: a specification made concrete, its reads on several
 * threads, and the measures of the main job. */
#include "ow_check.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ow_solve.h"
#define STUDY_FILE "s.yaml"
#include "ow_study.h"
#include "ow_table.h"
#include "ow_vmm.h"
#include "ow_vmm_json.h"

#define N(table) ((int)(sizeof(table) / sizeof(table)[0]))

/* ---- cases ------------------------------------------------------------------------------ */

static void measure(const struct ow_problem *p, struct ow_vmm_result *r)
{
    struct ow_error err = {0};
    const struct ow_vmm_options how = {.n_worker = 2};
    memset(r, 0, sizeof *r);
    ck_assert_ok(ow_vmm_run(p, &how, r, &err), err);
}

/* A run of `text`, whose problem may go. */
static void measure_text(const char *text, struct ow_vmm_result *r)
{
    struct study s;
    study_init(text, &s);
    measure(&s.problem, r);
    study_finish(&s);
}

/* Benign devices: 10 kohm to 1 Mohm, far below their thresholds. */
#define DEVICE "device: {set: ow_benign}\n"
/* A circuit that computes: no wires, no drivers, and an amplifier without error. */
#define NO_WIRES "array: {r_wordline: 0, r_bitline: 0, r_driver: 0}\n"
#define EXACT    NO_WIRES "sense: {gain: 1g, gbw: 1t}\nengine: {name: dc}\n"
#define SMALL    "vmm: {weights: {random: [5, 3], seed: 7}, inputs: {random: [6, 5], seed: 8}}\n"

static bool is_same(const struct ow_matrix *a, const struct ow_matrix *b)
{
    return a->rows == b->rows && a->cols == b->cols &&
           memcmp(a->a, b->a, a->rows * a->cols * sizeof *a->a) == 0;
}

static void check_product(const struct ow_matrix *x, const struct ow_matrix *w,
                          const struct ow_matrix *y)
{
    ck_assert_uint_eq(y->rows, x->rows);
    ck_assert_uint_eq(y->cols, w->cols);
    for (size_t k = 0; k < x->rows; k++)
        for (size_t j = 0; j < w->cols; j++) {
            double sum = 0.0, size = 0.0;
            for (size_t i = 0; i < x->cols; i++) {
                const double term = ow_matrix_row(x, k)[i] * ow_matrix_row(w, i)[j];
                sum += term;
                size += fabs(term);
            }
            /* each of the sums is off by a few roundings of its terms */
            ck_assert_close(ow_matrix_row(y, k)[j], sum, 0.0, 1e-15 * size);
        }
}

/* ---- the problem ------------------------------------------------------------------------- */

START_TEST(test_random_sources_are_reproducible_corners)
{
    struct study a, b, large, other;
    study_init(SMALL DEVICE, &a);
    study_init(SMALL DEVICE, &b);
    study_init(
        "vmm: {weights: {random: [9, 4], seed: 7}, inputs: {random: [7, 9], seed: 8}}\n" DEVICE,
        &large);
    study_init(
        "vmm: {weights: {random: [5, 3], seed: 8}, inputs: {random: [6, 5], seed: 7}}\n" DEVICE,
        &other);
    ck_assert(is_same(&a.problem.weights, &b.problem.weights));
    ck_assert(is_same(&a.problem.inputs, &b.problem.inputs));
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 3; j++) {
            const double w = ow_matrix_row(&a.problem.weights, i)[j];
            ck_assert_double_eq(w, ow_matrix_row(&large.problem.weights, i)[j]);
            ck_assert_double_ne(w, ow_matrix_row(&other.problem.weights, i)[j]);
        }
    for (size_t k = 0; k < 6; k++)
        for (size_t i = 0; i < 5; i++) {
            const double x = ow_matrix_row(&a.problem.inputs, k)[i];
            ck_assert(x >= 0.0 && x <= 1.0);
            ck_assert_double_eq(x, ow_matrix_row(&large.problem.inputs, k)[i]);
            ck_assert_double_ne(x, ow_matrix_row(&other.problem.inputs, k)[i]);
        }
    study_finish(&a);
    study_finish(&b);
    study_finish(&large);
    study_finish(&other);
}
END_TEST

/* n = 4096 draws: a mean is within 4 sigma / sqrt(n), a variance within 4 sqrt(2/n) for the
 * normal and 4 x 0.9/sqrt(n) for the uniform distribution (relative). */
START_TEST(test_random_sources_have_their_distributions)
{
    struct study s;
    study_init("vmm: {weights: {random: [64, 64]}, inputs: {random: [64, 64]}}\n" DEVICE
               "input: {signed: true}\n",
               &s);
    const struct ow_matrix *m[] = {&s.problem.weights, &s.problem.inputs};
    const double variance[] = {1.0, 1.0 / 3.0}; /* uniform on (-1, 1) */
    for (int k = 0; k < 2; k++) {
        double sum = 0.0, square = 0.0;
        for (size_t i = 0; i < 4096; i++) {
            sum += m[k]->a[i] / 4096.0;
            square += m[k]->a[i] * m[k]->a[i] / 4096.0;
        }
        ck_assert_double_lt(fabs(sum), 4.0 * sqrt(variance[k] / 4096.0));
        ck_assert_double_lt(fabs(square / variance[k] - 1.0), 4.0 * sqrt(2.0 / 4096.0));
    }
    study_finish(&s);
}
END_TEST

START_TEST(test_quantised_problem)
{
    struct study s;
    study_init(SMALL DEVICE "input: {bits: 3}\nmapping: {levels: 5}\n", &s);
    const struct ow_problem *p = &s.problem;
    bool is_moved = false;
    for (size_t k = 0; k < p->n_vec * p->n_in; k++) {
        ck_assert_double_eq(p->driven.a[k], floor(p->inputs.a[k] * 7.0 + 0.5) / 7.0);
        is_moved = is_moved || p->driven.a[k] != p->inputs.a[k];
    }
    ck_assert(is_moved);
    for (size_t k = 0; k < p->n_in * p->n_out; k++) {
        const double step = p->array->mapping.w_max / 4.0;
        ck_assert_close(p->array->mapping.wq.a[k], step * round(p->weights.a[k] / step), 1e-14,
                        0.0);
    }
    check_product(&p->inputs, &p->weights, &p->y);
    check_product(&p->driven, &p->array->mapping.wq, &p->yq);
    study_finish(&s);
}
END_TEST

START_TEST(test_signed_inputs_take_two_phases)
{
    struct study s;
    struct ow_vmm_result r;
    double plus[5], minus[5];
    study_init(SMALL DEVICE "input: {signed: true, bits: 4, v_read: 0.15}\n" EXACT
                            "calibration: {vectors: all}\n",
               &s);
    const struct ow_problem *p = &s.problem;
    ck_assert_uint_eq(p->n_phase, 2);
    size_t n_negative = 0;
    for (size_t k = 0; k < p->n_vec; k++) {
        ow_array_amplitudes(p->array, 2 * k, plus);
        ow_array_amplitudes(p->array, 2 * k + 1, minus);
        for (size_t i = 0; i < p->n_in; i++) {
            const double x = ow_matrix_row(&p->driven, k)[i];
            n_negative += x < 0.0;
            ck_assert_double_eq(plus[i], x > 0.0 ? 0.15 * x : 0.0);
            ck_assert_double_eq(minus[i], x < 0.0 ? -0.15 * x : 0.0);
            /* 16 levels of magnitude */
            ck_assert_close(15.0 * fabs(x), round(15.0 * fabs(x)), 1e-14, 0.0);
        }
    }
    ck_assert_uint_gt(n_negative, 5);
    check_product(&p->inputs, &p->weights, &p->y);
    measure(p, &r);
    ck_assert_uint_eq(r.v_sense.rows, 2 * p->n_vec);
    for (size_t k = 0; k < p->n_vec * p->n_out; k++)
        ck_assert_close(r.y_circuit.a[k], p->yq.a[k], 0.0, 1e-6 * r.accuracy.fs);
    /* two reads a vector, 21 ns each: twice the quiescent energy of 6 amplifiers at 1.8 V and
     * 20 uA, as billed */
    ck_assert_close(r.cost.physical.quiescent, 2.0 * 6.0 * 1.8 * 20e-6 * 21e-9, 1e-9, 0.0);
    ck_assert_close(r.cost.physical.supply, r.cost.billed.amplifiers, 1e-9, 0.0);
    ck_assert_close(r.billing.t_cycle, 4.0 * 10.5e-9, 1e-12, 0.0);
    ow_vmm_result_finish(&r);
    study_finish(&s);
}
END_TEST

/* An amplifier with a large r_out saturates inside while its output is far from the rail. */
START_TEST(test_a_saturated_gain_node_is_clipped)
{
    struct study s;
    struct ow_vmm_result r;
    study_init(SMALL DEVICE "sense: {r_f: 20k, r_out: 50k, vdd: 0.4}\nengine: {name: dc}\n",
               &s);
    measure(&s.problem, &r);
    ck_assert_double_gt(r.clipped, 0.5);
    for (size_t k = 0; k < r.v_sense.rows * r.v_sense.cols; k++)
        ck_assert_double_lt(fabs(r.v_sense.a[k]), 0.15);
    bool is_said = false;
    for (size_t k = 0; k < r.warnings.n; k++)
        is_said = is_said || strstr(r.warnings.text[k], "clipped at a rail");
    ck_assert(is_said);
    ow_vmm_result_finish(&r);
    study_finish(&s);
}
END_TEST

/* Reads far above the thresholds: the weights move, and the result says so. */
START_TEST(test_reads_that_write_are_reported)
{
    struct study s;
    struct ow_vmm_result r;
    study_init(SMALL "device: {set: team_write, g_min: 12u, g_max: 90u}\n"
                     "input: {v_read: 1.4}\nsense: {amp: resistor, r_f: 50}\n",
               &s);
    measure(&s.problem, &r);
    ck_assert_double_gt(r.moved, 0.05);
    bool is_said = false;
    for (size_t k = 0; k < r.warnings.n; k++)
        is_said = is_said || strstr(r.warnings.text[k], "move the devices");
    ck_assert(is_said);
    ow_vmm_result_finish(&r);
    study_finish(&s);
}
END_TEST

START_TEST(test_array_larger_than_the_weights)
{
    struct study s;
    struct ow_vmm_result r;
    double amplitude[8];
    study_init(SMALL DEVICE "array: {rows: 8, cols: 10, r_wordline: 0, r_bitline: 0, "
                            "r_driver: 0}\n"
                            "sense: {gain: 1g, gbw: 1t}\nengine: {name: dc}\n",
               &s);
    const struct ow_problem *p = &s.problem;
    ck_assert_uint_eq(p->array->xb.rows, 8);
    ck_assert_uint_eq(p->array->xb.cols, 10);
    ow_array_amplitudes(p->array, 2, amplitude);
    for (size_t i = 0; i < 8; i++)
        ck_assert_double_eq(amplitude[i], i < 5 ? 0.2 * ow_matrix_row(&p->driven, 2)[i] : 0.0);
    for (size_t k = 0; k < 80; k++)
        if (k / 10 >= 5 || k % 10 >= 6)
            ck_assert_close(p->array->mapping.g.a[k], 1e-6, 1e-9, 0.0);
    measure(p, &r);
    ck_assert_uint_eq(r.v_sense.cols, 10);
    ck_assert_uint_eq(r.y_circuit.cols, 3);
    for (size_t k = 0; k < p->n_vec * p->n_out; k++)
        ck_assert_close(r.y_circuit.a[k], p->y.a[k], 0.0, 1e-6 * r.accuracy.fs);
    /* MACs are logical: 5 x 3, whatever the array */
    ck_assert_close(r.cost.per_mac * 15.0, r.cost.billed.total, 1e-12, 0.0);
    ow_vmm_result_finish(&r);
    study_finish(&s);
}
END_TEST

/* The largest ideal current of the calibration vectors puts the gain node, which carries the
 * drop over r_out too, at 80 % of half the supply; a sense resistor at 80 % of 5 % of v_read.
 */
START_TEST(test_auto_resistance)
{
    static const struct {
        const char *more;
        double swing;
        size_t step; /* which vectors calibrate */
    } row[] = {{"sense: {vdd: 1.6}\n", 0.8, 2},
               {"sense: {amp: resistor}\n", 0.05 * 0.2, 2},
               {"sense: {vdd: 1.6}\ncalibration: {vectors: all}\n", 0.8, 1}};
    struct study s;
    char text[400];
    snprintf(text, sizeof text, "%s%s%s", SMALL, DEVICE, row[_i].more);
    study_init(text, &s);
    const struct ow_problem *p = &s.problem;
    double largest = 0.0;
    for (size_t k = 0; k < p->n_vec; k += row[_i].step)
        for (size_t j = 0; j < p->array->xb.cols; j++) {
            double i = 0.0;
            for (size_t r = 0; r < p->n_in; r++)
                i += 0.2 * ow_matrix_row(&p->inputs, k)[r] *
                     ow_matrix_row(&p->array->mapping.g, r)[j];
            largest = fmax(largest, i);
        }
    const double r_out =
        p->array->xb.sense.kind == OW_SENSE_TIA ? p->array->xb.sense.r_out : 0.0;
    ck_assert_close((p->array->xb.sense.r_f + r_out) * largest, 0.8 * row[_i].swing, 1e-12,
                    0.0);
    /* decoding undoes the mapping: 1 V between the arms */
    double v[6] = {1.0, 0.0, 0.25, 1.25, 0.0, 0.0}, y[3];
    ow_array_decode(p->array, v, y);
    const double volt = p->array->mapping.w_max / (0.2 * p->array->xb.sense.r_f * 99e-6) *
                        (p->array->xb.sense.kind == OW_SENSE_TIA ? -1.0 : 1.0);
    ck_assert_close(y[0], volt, 1e-9, 0.0);
    ck_assert_close(y[1], -volt, 1e-9, 0.0);
    ck_assert_double_eq(y[2], 0.0);
    study_finish(&s);
}
END_TEST

START_TEST(test_labels)
{
    /* clang-format off */
    static const struct { const char *file, *word; } bad[] = {
        {"0,1,2,1,0\n",        "1 x 5 values, expected 6 labels"},
        {"0,1\n2,1\n0,1\n",    "3 x 2 values, expected 6 labels"},
        {"0,1,2,1,0,3\n",      "label 5 is 3, expected a whole number from 0 to 2"},
        {"0,1,2,1,-1,0\n",     "label 4 is -1"},
        {"0,1,2,0.5,1,0\n",    "label 3 is 0.5"},
    };
    /* clang-format on */
    static const int good[] = {2, 0, 1, 1, 0, 2};
    char path[] = "/tmp/ow-run-XXXXXX", text[400];
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    snprintf(text, sizeof text,
             "vmm: {weights: {random: [5, 3]}, inputs: {random: [6, 5]}, labels: %s}\n" DEVICE,
             path);
    for (int k = 0; k <= N(bad); k++) {
        struct study s;
        struct ow_error err = {0};
        FILE *f = fopen(path, "wb");
        ck_assert_ptr_nonnull(f);
        fputs(k < N(bad) ? bad[k].file : "2\n0\n1\n1\n0\n2\n", f);
        fclose(f);
        const enum ow_status st = study_try(text, &s, &err);
        if (k < N(bad)) {
            ck_assert_int_eq(st, OW_ERR_INPUT);
            ck_assert_msg(strstr(err.text, "s.yaml:1:") == err.text &&
                              strstr(err.text, "vmm.labels: ") && strstr(err.text, bad[k].word),
                          "%s", err.text);
        } else {
            ck_assert_ok(st, err);
            for (size_t i = 0; i < 6; i++)
                ck_assert_int_eq(s.problem.labels[i], good[i]);
            study_finish(&s);
        }
    }
    unlink(path);
}
END_TEST

/* ---- reads on threads ---------------------------------------------------------------------
 */

struct counter {
    size_t n_call, last, total;
    volatile sig_atomic_t cancel;
    size_t cancel_at; /* 0: never */
};

static void count(void *data, size_t n_done, size_t n_total)
{
    struct counter *c = data;
    ck_assert_uint_gt(n_done, c->last);
    c->last = n_done;
    c->total = n_total;
    c->n_call++;
    if (n_done == c->cancel_at)
        c->cancel = 1;
}

#define NOISY                                                                                  \
    SMALL "device: {set: ow_benign, sigma_read: 0.05, sigma_d2d: 0.1, flicker: 1e-5, "         \
          "noise_bandwidth: 1g}\narray: {r_wordline: "                                         \
          "9}\n"

START_TEST(test_thread_count_changes_no_bit)
{
    static const unsigned n_worker[] = {1, 2, 4};
    struct ow_batch batch[3];
    struct study s;
    study_init(NOISY, &s);
    for (int k = 0; k < 3; k++) {
        struct ow_error err = {0};
        struct counter counter = {0};
        const struct ow_batch_options options = {
            .host = {.kind = OW_ENGINE_CVODE, .rtol = 1e-5},
            .band = 1e-3,
            .n_worker = n_worker[k],
            .progress = count,
            .data = &counter};
        ck_assert_ok(ow_batch_run(s.problem.array, &options, &batch[k], &err), err);
        ck_assert_uint_eq(counter.n_call, 6);
        ck_assert_uint_eq(counter.total, 6);
        ck_assert_uint_eq(batch[k].n_read, 6);
        ck_assert(is_same(&batch[k].v_sense, &batch[0].v_sense));
        ck_assert_mem_eq(batch[k].energy, batch[0].energy, 6 * sizeof *batch[k].energy);
        ck_assert_mem_eq(batch[k].settle, batch[0].settle, 6 * sizeof *batch[k].settle);
        ck_assert_mem_eq(batch[k].steps, batch[0].steps, batch[0].n_read * sizeof(long));
    }
    for (int k = 0; k < 3; k++)
        ow_batch_finish(&batch[k]);
    study_finish(&s);
}
END_TEST

START_TEST(test_cancel_ends_a_batch)
{
    struct study s;
    study_init(NOISY, &s);
    for (unsigned n = 1; n <= 3; n++) {
        struct ow_error err = {0};
        struct ow_batch batch = {.n_read = 99};
        struct counter counter = {.cancel_at = 2};
        const struct ow_batch_options options = {
            .host = {.kind = OW_ENGINE_CVODE, .rtol = 1e-5, .cancel = &counter.cancel},
            .n_worker = n,
            .progress = count,
            .data = &counter};
        ck_assert_int_eq(ow_batch_run(s.problem.array, &options, &batch, &err),
                         OW_ERR_CANCELLED);
        ck_assert_str_eq(err.text, "cancelled");
        ck_assert_uint_eq(batch.n_read, 99); /* as it was */
        ck_assert_uint_lt(counter.n_call, 6);
    }
    study_finish(&s);
}
END_TEST

/* Many DC reads.  Those that come from the array's ports are reported by blocks of 64. */
#define READS                                                                                  \
    "vmm: {weights: {random: [9, 4], seed: 3}, inputs: {random: [150, 9], seed: 4}}\n"         \
    "array: {r_wordline: 4, r_bitline: 3}\nengine: {name: dc}\n"
#define WIDE                                                                                   \
    "vmm: {weights: {random: [9, 40], seed: 3}, inputs: {random: [150, 9], seed: 4}}\n"        \
    "array: {r_wordline: 4, r_bitline: 3}\nengine: {name: dc}\n"
static const struct {
    const char *spec;
    bool has_ideal_wires;
    size_t n_call, n_read;
} many[] = {
    {READS DEVICE, false, 3, 150},
    {READS DEVICE, true, 3, 150},
    {READS DEVICE "input: {signed: true}\nsense: {v_os: 2m}\n", false, 5, 300},
    {READS DEVICE "sense: {amp: resistor}\n", false, 3, 150},
    {READS DEVICE "input: {state: carry}\n", false, 3, 150},
    {WIDE DEVICE "sense: {r_f: 24k}\n", false, 3, 150},   /* few clip */
    {READS DEVICE "sense: {r_f: 200k}\n", false, 3, 150}, /* all clip */
    {READS "device: {set: ow_benign, sigma_d2d: 0.2}\n", false, 3, 150},
    {READS "device: {set: ow_benign, sigma_read: 0.02}\n", false, 150, 150},
    {READS "device: {model: yakopcic, set: yakopcic_miao, g_min: 400u, g_max: 4m}\n", false,
     150, 150},
};

START_TEST(test_many_reads_are_single_reads)
{
    struct study s;
    struct ow_host *host;
    struct ow_reading reading;
    struct ow_error err = {0};
    struct ow_batch batch[3];
    const size_t n_read = many[_i].n_read;
    const struct ow_host_options how = {
        .kind = OW_ENGINE_DC, .rtol = 1e-5, .has_ideal_wires = many[_i].has_ideal_wires};
    study_init(many[_i].spec, &s);
    for (unsigned k = 0; k < 3; k++) {
        struct counter counter = {0};
        const struct ow_batch_options options = {
            .host = how, .n_worker = k + 1, .progress = count, .data = &counter};
        ck_assert_ok(ow_batch_run(s.problem.array, &options, &batch[k], &err), err);
        ck_assert_uint_eq(counter.last, n_read);
        ck_assert_uint_eq(counter.n_call, many[_i].n_call);
        ck_assert(is_same(&batch[k].v_sense, &batch[0].v_sense));
        ck_assert(is_same(&batch[k].v_gain, &batch[0].v_gain));
        ck_assert_mem_eq(batch[k].energy, batch[0].energy, n_read * sizeof *batch[k].energy);
    }
    ck_assert_ok(ow_host_open(s.problem.array, &how, &host, &err), err);
    ck_assert_ok(ow_host_reading(s.problem.array, &reading, &err), err);
    for (size_t read = 0; read < n_read; read++) {
        ck_assert_ok(ow_host_read(host, read, NULL, &reading, &err), err);
        for (size_t j = 0; j < s.problem.array->xb.cols; j++) {
            ck_assert_close(ow_matrix_row(&batch[0].v_sense, read)[j], reading.v_sample[j],
                            1e-9, 1e-12);
            ck_assert_close(ow_matrix_row(&batch[0].v_gain, read)[j], reading.v_gain[j], 1e-9,
                            1e-12);
        }
        const double total = reading.energy.throughput;
        ck_assert_close(batch[0].energy[read].devices, reading.energy.devices, 1e-9,
                        1e-12 * total);
        ck_assert_close(batch[0].energy[read].wires, reading.energy.wires, 1e-9, 1e-12 * total);
        ck_assert_close(batch[0].energy[read].source, reading.energy.source, 1e-9,
                        1e-12 * total);
        ck_assert_close(batch[0].energy[read].sense, reading.energy.sense, 1e-9, 1e-12 * total);
        ck_assert_double_eq(batch[0].moved[read], 0.0);
        ck_assert(isnan(batch[0].settle[read]));
    }
    ow_reading_finish(&reading);
    ow_host_close(host);
    for (int k = 0; k < 3; k++)
        ow_batch_finish(&batch[k]);
    study_finish(&s);
}
END_TEST

START_TEST(test_cancel_ends_many_reads)
{
    struct study s;
    study_init(READS DEVICE, &s);
    for (size_t at = 0; at <= 64; at += 64) {
        struct ow_error err = {0};
        struct ow_batch batch = {.n_read = 99};
        struct counter counter = {.cancel = at == 0, .cancel_at = at};
        const struct ow_batch_options options = {
            .host = {.kind = OW_ENGINE_DC, .rtol = 1e-5, .cancel = &counter.cancel},
            .n_worker = 1,
            .progress = count,
            .data = &counter};
        ck_assert_int_eq(ow_batch_run(s.problem.array, &options, &batch, &err),
                         OW_ERR_CANCELLED);
        ck_assert_str_eq(err.text, "cancelled");
        ck_assert_uint_eq(batch.n_read, 99); /* as it was */
        ck_assert_uint_eq(counter.last, at);
    }
    study_finish(&s);
}
END_TEST

/* Writing pulses: states move, and with `carry` each read begins where the last ended. */
#define WRITING                                                                                \
    "vmm: {weights: {random: [3, 2], seed: 11}, inputs: {random: [4, 3], seed: 12}}\n"         \
    "device: {set: team_write, g_min: 12u, g_max: 90u}\n"                                      \
    "sense: {amp: resistor, r_f: 50}\n"

START_TEST(test_carried_states)
{
    struct study carry, restore;
    struct ow_error err = {0};
    struct ow_batch batch[3];
    struct ow_reading reading = {0};
    struct ow_host *host;
    study_init(WRITING "input: {v_read: 1.4, state: carry}\n", &carry);
    study_init(WRITING "input: {v_read: 1.4}\n", &restore);
    const struct ow_host_options cvode = {.kind = OW_ENGINE_CVODE, .rtol = 1e-5};
    for (unsigned k = 0; k < 3; k++) {
        const struct ow_batch_options options = {.host = cvode, .n_worker = k ? 3 : 1};
        ck_assert_ok(ow_batch_run(k < 2 ? carry.problem.array : restore.problem.array, &options,
                                  &batch[k], &err),
                     err);
    }
    ck_assert(is_same(&batch[0].v_sense, &batch[1].v_sense));
    /* the same by hand */
    ck_assert_ok(ow_host_open(carry.problem.array, &cvode, &host, &err), err);
    ck_assert_ok(ow_host_reading(carry.problem.array, &reading, &err), err);
    const size_t n_x = reading.n_cell * reading.n_state;
    double x[12];
    ck_assert_uint_le(n_x, 12);
    for (size_t k = 0; k < 4; k++) {
        ck_assert_ok(ow_host_read(host, k, k ? x : NULL, &reading, &err), err);
        memcpy(x, reading.x_end, n_x * sizeof *x);
        ck_assert_mem_eq(reading.v_sample, ow_matrix_row(&batch[0].v_sense, k),
                         4 * sizeof(double));
    }
    /* the first read is the same, the later ones see what the first has written */
    ck_assert_mem_eq(batch[0].v_sense.a, batch[2].v_sense.a, 4 * sizeof(double));
    for (size_t k = 1; k < 4; k++)
        ck_assert_double_gt(fabs(ow_matrix_row(&batch[0].v_sense, k)[0] /
                                     ow_matrix_row(&batch[2].v_sense, k)[0] -
                                 1.0),
                            1e-2);
    ow_host_close(host);
    ow_reading_finish(&reading);
    for (int k = 0; k < 3; k++)
        ow_batch_finish(&batch[k]);
    study_finish(&carry);
    study_finish(&restore);
}
END_TEST

/* ---- the main job --------------------------------------------------------------------------
 */

/* 1 us of read and a fast amplifier: what the edges cost is some nanoseconds, some 1e-3. */
START_TEST(test_good_circuit_computes)
{
    struct ow_vmm_result r;
    measure_text(SMALL DEVICE NO_WIRES "sense: {gain: 1meg, gbw: 10g}\n"
                                       "input: {t_read: 1u}\n",
                 &r);
    ck_assert_double_gt(r.accuracy.raw.total.csnr_db, 60.0);
    ck_assert_double_gt(r.accuracy.raw.circuit.csnr_db, 60.0);
    ck_assert_double_lt(r.accuracy.raw.total.rel_l2, 1e-3);
    ck_assert_close(r.cost.physical.devices, r.hand_devices, 2e-3, 0.0);
    ck_assert_double_lt(r.cost.balance_residual, 1e-5);
    ck_assert_double_eq(r.clipped, 0.0);
    ck_assert_uint_eq(r.latency.n_settled, 6);
    ck_assert(r.latency.median > 0.5e-9 && r.latency.worst < 50e-9 &&
              r.latency.median <= r.latency.worst);
    ow_vmm_result_finish(&r);
    /* at DC nothing is left but the gain */
    measure_text(SMALL DEVICE EXACT, &r);
    ck_assert_double_gt(r.accuracy.raw.total.csnr_db, 120.0);
    ck_assert_close(r.cost.physical.devices, r.hand_devices, 1e-6, 0.0);
    ck_assert_double_lt(r.cost.balance_residual, 1e-9);
    ck_assert(isnan(r.latency.median) && isnan(r.latency.worst));
    ow_vmm_result_finish(&r);
}
END_TEST

/* Sources and rails deliver what the parts take, in every kind of circuit. */
static const char *const balanced[] = {
    SMALL DEVICE, SMALL DEVICE "sense: {amp: resistor, r_f: 300}\n",
    SMALL DEVICE "input: {signed: true}\narray: {r_wordline: 40, r_bitline: 25}\n",
    SMALL DEVICE "engine: {name: dc}\nsense: {v_os: 3m}\n",
    WRITING "input: {v_read: 1.4, state: carry}\n",
    /* overdriven: the outputs sit at their rails */
    SMALL DEVICE "sense: {r_f: 200k}\n"};

START_TEST(test_energy_balances)
{
    struct ow_vmm_result r;
    measure_text(balanced[_i], &r);
    const struct ow_energy *e = &r.cost.physical;
    const double in = e->source + e->supply,
                 out = e->drivers + e->devices + e->wires + e->sense + e->stored;
    ck_assert_double_gt(in, 0.0);
    /* the quiescent part balances by itself; the rest within 1e-4 of what flows */
    ck_assert_double_lt(fabs(in - out), 1e-4 * e->throughput);
    ck_assert_double_lt(r.cost.balance_residual, 1e-4);
    ck_assert_double_gt(e->devices, 0.0);
    double mean = 0.0;
    for (size_t k = 0; k < r.energy.rows; k++)
        mean += r.energy.a[k] / (double)r.energy.rows;
    ck_assert_close(mean, in, 1e-12, 0.0);
    ck_assert_close(ow_vmm_energy_total(&r), out, 1e-12, 0.0);
    ow_vmm_result_finish(&r);
}
END_TEST

#define MANY "vmm: {weights: {random: [8, 4]}, inputs: {random: [400, 8]}}\n"

/* An ideal circuit with a converter of B bits has B bits: 800 scored samples, each error
 * uniform within half a step.  The mean square of n of those is within 4 x 0.9/sqrt(n) =
 * 13 %, 0.09 bits.  The range is one that nothing can leave. */
START_TEST(test_converter_bits_are_enob)
{
    struct ow_vmm_result r;
    char text[400];
    snprintf(text, sizeof text, MANY DEVICE EXACT "adc: {bits: %d, range: max}\n", _i);
    measure_text(text, &r);
    ck_assert_close(r.accuracy.raw.total.enob, _i, 0.0, 0.1);
    /* nothing was quantised before the converter */
    ck_assert_close(r.accuracy.raw.circuit.enob, r.accuracy.raw.total.enob, 1e-9, 0.0);
    ow_vmm_result_finish(&r);
}
END_TEST

/* Coarse weights and inputs: the circuit computes what it was given, exactly. */
START_TEST(test_circuit_error_is_without_quantisation)
{
    struct ow_vmm_result r;
    measure_text(MANY DEVICE EXACT "mapping: {levels: 4}\ninput: {bits: 3}\n", &r);
    ck_assert_double_gt(r.accuracy.raw.circuit.csnr_db, 120.0);
    ck_assert_double_lt(r.accuracy.raw.quantisation.csnr_db, 40.0);
    ck_assert_double_gt(r.accuracy.raw.quantisation.csnr_db, 5.0);
    ck_assert_close(r.accuracy.raw.total.rmse_fs, r.accuracy.raw.quantisation.rmse_fs, 1e-5,
                    0.0);
    ck_assert_close(r.billing.weight_bits, 2.0, 1e-15, 0.0);
    ck_assert_close(r.billing.input_bits, 3.0, 1e-15, 0.0);
    ow_vmm_result_finish(&r);
}
END_TEST

static double circuit_rmse(const char *text, struct ow_matrix *y)
{
    struct ow_vmm_result r;
    measure_text(text, &r);
    const double rmse = r.accuracy.raw.circuit.rmse_fs;
    *y = r.y_circuit;
    r.y_circuit = (struct ow_matrix){0};
    ow_vmm_result_finish(&r);
    return rmse;
}

/* Each spread shows, is the same for the same seed and another for another, and its error
 * grows with it: twice the sigma is about twice the error. */
static const char *const spread[] = {"sigma_d2d", "sigma_program", "sigma_read"};

START_TEST(test_spreads)
{
    struct ow_matrix y[4];
    char text[4][500];
    static const struct {
        int seed;
        double sigma;
    } row[] = {{3, 0.02}, {3, 0.02}, {4, 0.02}, {3, 0.04}};
    double rmse[4];
    for (int k = 0; k < 4; k++) {
        snprintf(
            text[k], sizeof text[k],
            "vmm: {weights: {random: [8, 4], seed: 1}, inputs: {random: [60, 8], seed: 1}}\n"
            "device: {set: ow_benign, g_min: 2u, g_max: 80u, %s: %g}\n" EXACT "seed: %d\n",
            spread[_i], row[k].sigma, row[k].seed);
        rmse[k] = circuit_rmse(text[k], &y[k]);
    }
    ck_assert(is_same(&y[0], &y[1]));
    ck_assert(!is_same(&y[0], &y[2]));
    ck_assert_double_gt(rmse[0], 1e-4); /* without spread it is below 1e-7 */
    ck_assert_close(rmse[3] / rmse[0], 2.0, 0.05, 0.0);
    for (int k = 0; k < 4; k++)
        ow_matrix_finish(&y[k]);
}
END_TEST

/* Only read noise is another one for the same input. */
START_TEST(test_read_noise_is_new_in_every_vector)
{
    char path[] = "/tmp/ow-run-XXXXXX", text[500];
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    FILE *f = fdopen(fd, "wb");
    fputs("0.5,0.25,1\n0.5,0.25,1\n0.5,0.25,1\n0.5,0.25,0.9\n", f);
    fclose(f);
    for (int k = 0; k < N(spread); k++) {
        struct ow_matrix y;
        snprintf(text, sizeof text,
                 "vmm: {weights: {random: [3, 2]}, inputs: %s}\n"
                 "device: {set: ow_benign, g_min: 2u, g_max: 80u, %s: 0.05}\n" EXACT,
                 path, spread[k]);
        circuit_rmse(text, &y);
        const bool is_equal =
            memcmp(ow_matrix_row(&y, 0), ow_matrix_row(&y, 1), 2 * sizeof(double)) == 0;
        ck_assert_int_eq(is_equal, strcmp(spread[k], "sigma_read") != 0);
        ow_matrix_finish(&y);
    }
    unlink(path);
}
END_TEST

/* Thermal noise of an otherwise exact circuit: the decoded error has the variance that
 * Nyquist's formula gives both arms; 1600 outputs, within 4 standard errors.  Energies do not
 * know of it. */
START_TEST(test_thermal_noise_enters_accuracy)
{
    struct study s;
    struct ow_vmm_result r;
    struct ow_matrix quiet;
    const double rmse = circuit_rmse(MANY DEVICE EXACT, &quiet);
    measure_text(MANY DEVICE EXACT, &r);
    const double energy = ow_vmm_energy_total(&r);
    ow_vmm_result_finish(&r);
    measure_text(MANY "device: {set: ow_benign, noise_bandwidth: 100meg}\n" EXACT, &r);
    study_init(MANY DEVICE EXACT, &s);
    const struct ow_problem *p = &s.problem;
    double square = 0.0;
    for (size_t j = 0; j < p->n_out; j++) {
        double sum = 0.0; /* S, of both arms */
        for (size_t i = 0; i < p->array->xb.rows; i++)
            sum += ow_matrix_row(&p->array->mapping.g, i)[2 * j] +
                   ow_matrix_row(&p->array->mapping.g, i)[2 * j + 1];
        const double volt =
            p->array->xb.sense.r_f * sqrt(4.0 * 1.380649e-23 * 300.15 * 100e6 * sum);
        for (size_t k = 0; k < p->n_vec; k++) {
            const double e = ow_matrix_row(&r.y_circuit, k)[j] - ow_matrix_row(&quiet, k)[j];
            const double z = e / (p->array->y_per_volt * volt);
            square += z * z / (double)(p->n_vec * p->n_out);
        }
    }
    ck_assert_close(square, 1.0, 0.0, 4.0 * sqrt(2.0 / 1600.0));
    ck_assert_double_gt(r.accuracy.raw.circuit.rmse_fs, 100.0 * rmse);
    ck_assert(ow_vmm_energy_total(&r) == energy);
    ck_assert_double_lt(r.cost.balance_residual, 1e-9);
    ow_vmm_result_finish(&r);
    ow_matrix_finish(&quiet);
    study_finish(&s);
}
END_TEST

/* 1/f noise between 1/t and B is a wider sigma_read: hypot(0.03, 0.04), K ln(B t) = 0.0016. */
START_TEST(test_flicker_widens_read_noise)
{
    struct study wide, flicker, off;
    study_init(SMALL "device: {set: ow_benign, sigma_read: 0.05, noise_bandwidth: 10meg}\n",
               &wide);
    study_init(SMALL "device: {set: ow_benign, sigma_read: 0.03, noise_bandwidth: 10meg, "
                     "flicker_time: 25, flicker: 8.274305e-5}\n",
               &flicker);
    study_init(SMALL "device: {set: ow_benign, sigma_read: 0.03, flicker_time: 25}\n", &off);
    ck_assert_double_eq(wide.problem.array->mapping.sigma_read, 0.05);
    ck_assert_close(flicker.problem.array->mapping.sigma_read, 0.05, 1e-6, 0.0);
    ck_assert_double_eq(off.problem.array->mapping.sigma_read, 0.03);
    study_finish(&wide);
    study_finish(&flicker);
    study_finish(&off);
}
END_TEST

START_TEST(test_stuck_cells)
{
    struct study s;
    struct ow_vmm_result r;
    study_init("vmm: {weights: {random: [12, 5]}, inputs: {random: [40, 12]}}\n"
               "device: {set: ow_benign, stuck_on: 0.1, stuck_off: 0.05}\n" EXACT,
               &s);
    const struct ow_problem *p = &s.problem;
    size_t n_on = 0;
    for (size_t k = 0; k < 120; k++)
        n_on += fabs(p->array->mapping.g.a[k] / 100e-6 - 1.0) < 1e-9;
    /* 12 of 120 expected, +-4 sigma; one more cell may hold the largest weight */
    ck_assert(n_on == p->array->mapping.n_stuck_on || n_on == p->array->mapping.n_stuck_on + 1);
    ck_assert(p->array->mapping.n_stuck_on >= 1 && p->array->mapping.n_stuck_on <= 25);
    measure(p, &r);
    ck_assert_double_lt(r.accuracy.raw.circuit.csnr_db, 15.0);
    /* continuous weights: no quantisation error at all, and null for its ratio */
    ck_assert_double_eq(r.accuracy.raw.quantisation.rmse_fs, 0.0);
    ck_assert(isnan(r.accuracy.raw.quantisation.csnr_db));
    ow_vmm_result_finish(&r);
    study_finish(&s);
}
END_TEST

/* More wire, more error; the control run does not see the wires at all. */
START_TEST(test_wires_cost_accuracy)
{
    static const double r_wire[] = {0.5, 5.0, 50.0, 500.0};
    struct ow_vmm_result r[4];
    for (int k = 0; k < 4; k++) {
        char text[400];
        snprintf(text, sizeof text, SMALL DEVICE "array: {r_wordline: %g, r_bitline: %g}\n",
                 r_wire[k], r_wire[k]);
        measure_text(text, &r[k]);
        ck_assert_close(r[k].ideal_wires.raw.circuit.rmse_fs,
                        r[0].ideal_wires.raw.circuit.rmse_fs, 1e-3, 0.0);
    }
    /* the first differ by less than the amplifier's own error, 100 times more wire by more */
    for (int k = 1; k < 4; k++)
        ck_assert_double_gt(r[k].accuracy.raw.circuit.rmse_fs,
                            r[k - 1].accuracy.raw.circuit.rmse_fs);
    ck_assert_double_gt(r[3].accuracy.raw.circuit.rmse_fs,
                        5.0 * r[0].accuracy.raw.circuit.rmse_fs);
    ck_assert_double_gt(r[3].cost.physical.wires, 20.0 * r[0].cost.physical.wires);
    for (int k = 0; k < 4; k++)
        ow_vmm_result_finish(&r[k]);
}
END_TEST

static bool warns(const struct ow_vmm_result *r, const char *word)
{
    for (size_t k = 0; k < r->warnings.n; k++)
        if (strstr(r->warnings.text[k], word))
            return true;
    return false;
}

/* What a reader must know is said, and only then. */
START_TEST(test_warnings)
{
    struct ow_vmm_result r;
    measure_text(SMALL DEVICE, &r);
    ck_assert(warns(&r, "from 3 calibration vectors, fewer than 100"));
    ck_assert(warns(&r, "billed at v_read"));
    ck_assert(!warns(&r, "clipped") && !warns(&r, "volatile") && !warns(&r, "settled"));
    ow_vmm_result_finish(&r);
    measure_text(SMALL DEVICE "input: {v_supply: 1, t_read: 0.2n, t_rise: 0.1n}\n"
                              "adc: {range: [-2, 2]}\nsense: {r_f: 400k}\n",
                 &r);
    ck_assert(!warns(&r, "calibration vectors") && !warns(&r, "billed at v_read"));
    ck_assert(warns(&r, "6 of 6 vectors had not settled"));
    ck_assert(isnan(r.latency.median) && isnan(r.latency.worst));
    ow_vmm_result_finish(&r);
    measure_text(SMALL DEVICE "sense: {r_f: 400k}\n", &r);
    ck_assert_double_gt(r.clipped, 0.1);
    ck_assert(warns(&r, "clipped"));
    ow_vmm_result_finish(&r);
    measure_text("vmm: {weights: {random: [3, 2]}, inputs: {random: [4, 3]}}\n"
                 "device: {model: driftdiff, set: driftdiff_write, g_min: 1.5u, g_max: 50u}\n"
                 "engine: {name: dc}\n",
                 &r);
    ck_assert(warns(&r, "volatile"));
    ow_vmm_result_finish(&r);
}
END_TEST

/* The zero-wire network of one input by hand: charge, conversions, time of a cycle. */
START_TEST(test_bill_by_hand)
{
    struct study s;
    struct ow_vmm_result r;
    study_init(SMALL DEVICE EXACT
               "adc: {energy: 40f, bits: 8, t_conv: 3n, share: 2}\n"
               "input: {v_supply: 0.9, v_read: 0.2, t_read: 10n, t_rise: 0.5n, bits: 5}\n"
               "mapping: {levels: 16}\n",
               &s);
    const struct ow_problem *p = &s.problem;
    measure(p, &r);
    double charge = 0.0; /* C, of a vector: sum g v t over the plateau, virtual ground */
    for (size_t k = 0; k < 6; k++)
        for (size_t i = 0; i < 5; i++)
            for (size_t j = 0; j < 6; j++)
                charge += ow_matrix_row(&p->driven, k)[i] * 0.2 *
                          ow_matrix_row(&p->array->mapping.g, i)[j] * 10e-9 / 6.0;
    ck_assert_close(r.cost.billed.drivers, 0.9 * charge, 1e-6, 0.0);
    ck_assert_close(r.cost.billed.adc, 3.0 * 40e-15, 1e-12, 0.0); /* an output a conversion */
    /* rise and read, fall and recovery, two conversions in turn */
    ck_assert_close(r.billing.t_cycle, 2.0 * 10.5e-9 + 2.0 * 3e-9, 1e-12, 0.0);
    ck_assert(isnan(r.cost.billed.dac));
    ck_assert_close(r.cost.tops_per_watt, 2e-12 / r.cost.per_mac, 1e-12, 0.0);
    ck_assert_close(r.cost.tops_per_watt_1b, 5.0 * 4.0 * r.cost.tops_per_watt, 1e-12, 0.0);
    ck_assert_close(15.0 * (r.cost.per_mac - r.cost.per_mac_array), 120e-15, 1e-9, 0.0);
    ow_vmm_result_finish(&r);
    study_finish(&s);
}
END_TEST

/* ---- JSON
 * ------------------------------------------------------------------------------------ */

/* Every field that the design promises; a * stands for each of the names below it. */
static const char *const promised[] = {"accuracy.fs",         "accuracy.top1",
                                       "accuracy.top1_ideal", "accuracy.clipped",
                                       "energy.per_mac",      "energy.per_mac_array",
                                       "energy.total",        "energy.drivers",
                                       "energy.devices",      "energy.wires",
                                       "energy.sense",        "energy.adc",
                                       "energy.stored",       "energy.balance_residual",
                                       "tops_per_watt",       "tops_per_watt_1b",
                                       "latency.median",      "latency.worst",
                                       "array.rows",          "array.cols",
                                       "solver.steps",        "solver.wall_s",
                                       "solver.setup_s"};
static const char *const fit[] = {"raw", "array", "column"};
static const char *const part[] = {"total", "circuit", "quantisation"};
static const char *const figure[] = {"rel_l2", "csnr_db", "rmse_fs", "max_fs", "enob"};

/* NULL if there is no such field. */
static const json_t *at(const json_t *root, const char *path)
{
    char name[100];
    snprintf(name, sizeof name, "%s", path);
    for (char *word = name, *dot; word; word = dot ? dot + 1 : NULL) {
        dot = strchr(word, '.');
        if (dot)
            *dot = '\0';
        root = json_object_get(root, word);
    }
    return root;
}

static void check_field(const json_t *root, const char *path)
{
    const json_t *field = at(root, path);
    ck_assert_msg(field != NULL, "%s is missing", path);
    ck_assert_msg(json_is_number(field) || json_is_null(field),
                  "%s is neither a number nor null", path);
}

static json_t *json_of(const char *text)
{
    struct study s;
    struct ow_vmm_result r;
    study_init(text, &s);
    measure(&s.problem, &r);
    json_t *root = ow_vmm_json(&s.problem, &r);
    ck_assert_ptr_nonnull(root);
    ow_vmm_result_finish(&r);
    study_finish(&s);
    return root;
}

static const char *const undefined[] = {
    /* labels are not given, the converter's energy is not known */
    "accuracy.top1", "accuracy.top1_ideal", "energy.adc", "energy.billed.dac",
    /* continuous weights and inputs */
    "tops_per_watt_1b",
    /* DC knows no time */
    "latency.median", "latency.worst",
    /* one vector of two outputs: too few samples for any figure */
    "accuracy.raw.total.rel_l2", "accuracy.raw.total.csnr_db", "accuracy.raw.total.enob",
    "accuracy.column.circuit.rmse_fs", "accuracy.array.quantisation.max_fs"};

START_TEST(test_json_has_every_promised_field)
{
    static const char *const text[] = {
        SMALL DEVICE, SMALL DEVICE "sense: {amp: resistor}\nadc: {bits: 6, energy: 1p}\n",
        "vmm: {weights: {random: [3, 2]}, inputs: {random: [1, 3]}}\n" DEVICE
        "engine: {name: dc}\n"};
    json_t *root = json_of(text[_i]);
    char *dump = json_dumps(root, 0);
    ck_assert_ptr_nonnull(dump);
    json_t *again = json_loads(dump, 0, NULL); /* no NaN in it */
    ck_assert_ptr_nonnull(again);
    for (int k = 0; k < N(promised); k++)
        check_field(again, promised[k]);
    for (int f = 0; f < N(fit); f++)
        for (int p = 0; p < N(part); p++)
            for (int k = 0; k < N(figure); k++) {
                char path[100];
                snprintf(path, sizeof path, "accuracy.%s.%s.%s", fit[f], part[p], figure[k]);
                check_field(again, path);
            }
    for (int k = 0; k < N(undefined); k++)
        if (_i == 2)
            ck_assert_msg(json_is_null(at(again, undefined[k])), "%s is not null",
                          undefined[k]);
    if (_i == 1) {
        ck_assert_close(json_number_value(at(again, "energy.adc")), 3e-12, 1e-12, 0.0);
        ck_assert(json_is_null(at(again, "accuracy.clipped"))); /* no rail */
    }
    if (_i != 2)
        ck_assert_double_gt(json_number_value(at(again, "accuracy.raw.total.csnr_db")), 10.0);
    ck_assert(json_is_array(at(again, "warnings")));
    free(dump);
    json_decref(again);
    json_decref(root);
}
END_TEST

/* The parts add up to the total, with the converter in it. */
START_TEST(test_json_total_is_the_sum)
{
    static const char *const term[] = {"energy.drivers", "energy.devices", "energy.wires",
                                       "energy.sense",   "energy.adc",     "energy.stored"};
    json_t *root = json_of(SMALL DEVICE "adc: {energy: 70f}\n");
    double sum = 0.0;
    for (int k = 0; k < N(term); k++)
        sum += json_number_value(at(root, term[k]));
    ck_assert_close(json_number_value(at(root, "energy.total")), sum, 1e-12, 0.0);
    ck_assert_close(json_number_value(at(root, "array.rows")), 5.0, 0.0, 0.0);
    ck_assert_close(json_number_value(at(root, "array.cols")), 6.0, 0.0, 0.0);
    ck_assert_double_gt(json_number_value(at(root, "solver.steps")), 10.0);
    json_decref(root);
}
END_TEST

/* ---- solve
 * ------------------------------------------------------------------------------------ */

/* One cell is four resistors in series. */
START_TEST(test_solve_one_cell)
{
    double g = 1.0 / 730.0, v = 0.61;
    const struct ow_matrix conductance = {1, 1, &g}, drive = {1, 1, &v};
    const struct ow_solve_wires wires = {3.0, 5.0, 47.0, 11.0};
    struct ow_solve_result r = {0};
    struct ow_error err = {0};
    ck_assert_ok(ow_solve(&conductance, &drive, &wires, 1, &r, &err), err);
    const double i = 0.61 / (3.0 + 5.0 + 47.0 + 11.0 + 730.0);
    ck_assert_close(r.i_bitline.a[0], i, 1e-13, 0.0);
    ck_assert_close(r.i_wordline.a[0], i, 1e-13, 0.0);
    ck_assert_close(r.nodes.a[0], 0.61 - 50.0 * i, 1e-13, 0.0);
    ck_assert_close(r.nodes.a[1], 16.0 * i, 1e-13, 0.0);
    ow_solve_result_finish(&r);
}
END_TEST

/* What solves what, and that it says so.  A wire of 1 pohm on a line that 1 Gohm holds is
 * beyond the iterations; currents are conserved all the same. */
START_TEST(test_solve_methods)
{
    double g[20 * 30], v[20];
    const struct ow_matrix conductance = {20, 30, g}, drive = {20, 1, v};
    static const struct {
        struct ow_solve_wires wires;
        double v;
        enum ow_solve_method method;
        const char *name;
    } way[] = {
        {{1.0, 2.0, 50.0, 50.0}, 0.2, OW_SOLVE_LINES, "lines"},
        {{1.0, 1e6, 50.0, 50.0}, 0.2, OW_SOLVE_MULTIGRID, "multigrid"},
        {{1e12, 1e-12, 0.0, 1e9}, 0.2, OW_SOLVE_DIRECT, "direct"},
        {{0.0, 2.0, 50.0, 50.0}, 0.2, OW_SOLVE_REDUCED, "reduced"},
        {{1.0, 0.0, 50.0, 50.0}, 0.2, OW_SOLVE_REDUCED, "reduced"},
        {{0.0, 0.0, 50.0, 50.0}, 0.2, OW_SOLVE_REDUCED, "reduced"},
        {{0.0, 2.0, 0.0, 50.0}, 0.2, OW_SOLVE_CLOSED, "closed form"},
        {{1.0, 0.0, 50.0, 0.0}, 0.2, OW_SOLVE_CLOSED, "closed form"},
        {{0.0, 0.0, 50.0, 0.0}, 0.2, OW_SOLVE_CLOSED, "closed form"},
        {{1.0, 2.0, 50.0, 50.0}, 0.0, OW_SOLVE_NONE, "none"},
        {{1.0, 2.0, INFINITY, 50.0}, 0.2, OW_SOLVE_NONE, "none"},
    };
    for (size_t k = 0; k < 600; k++)
        g[k] = 1e-6 + 1e-4 * fmod(0.618033988749895 * (double)k, 1.0);
    for (int k = 0; k < N(way); k++) {
        struct ow_solve_result r = {0};
        struct ow_error err = {0};
        double in = 0.0, out = 0.0;
        for (size_t i = 0; i < 20; i++)
            v[i] = way[k].v;
        ck_assert_ok(ow_solve(&conductance, &drive, &way[k].wires, 1, &r, &err), err);
        ck_assert_str_eq(ow_solve_method_str(r.method), way[k].name);
        ck_assert_int_eq(r.method, way[k].method);
        ck_assert_int_eq(isnan(r.residual), r.method == OW_SOLVE_DIRECT);
        for (size_t i = 0; i < 20; i++)
            in += r.i_wordline.a[i];
        for (size_t j = 0; j < 30; j++)
            out += r.i_bitline.a[j];
        ck_assert_close(in, out, 1e-12, 0.0);
        ck_assert_int_eq(out > 0.0, r.method != OW_SOLVE_NONE);
        ow_solve_result_finish(&r);
    }
}
END_TEST

START_TEST(test_solve_refuses)
{
    /* clang-format off */
    static const struct {
        double g, v;
        struct ow_solve_wires wires;
        enum ow_status status;
        const char *word;
    } bad[] = {
        {NAN,      1.0,      {1.0, 1.0, 0.0, 0.0},      OW_ERR_RANGE, "conductance[0, 0] = nan S"},
        {INFINITY, 1.0,      {1.0, 1.0, 0.0, 0.0},      OW_ERR_RANGE, "conductance[0, 0] = inf S"},
        {-1e-9,    1.0,      {1.0, 1.0, 0.0, 0.0},      OW_ERR_RANGE, "conductance[0, 0] = -1e-09 S"},
        {1e-3,     NAN,      {1.0, 1.0, 0.0, 0.0},      OW_ERR_RANGE, "drive[0] = nan V"},
        {1e-3,     INFINITY, {1.0, 1.0, 0.0, 0.0},      OW_ERR_RANGE, "drive[0] = inf V"},
        {1e-3,     1.0,      {-1.0, 1.0, 0.0, 0.0},     OW_ERR_RANGE, "r_wordline = -1 ohm"},
        {1e-3,     1.0,      {INFINITY, 1.0, 0.0, 0.0}, OW_ERR_RANGE, "r_wordline = inf ohm"},
        {1e-3,     1.0,      {1.0, NAN, 0.0, 0.0},      OW_ERR_RANGE, "r_bitline = nan ohm"},
        {1e-3,     1.0,      {1.0, 1.0, -2.0, 0.0},     OW_ERR_RANGE, "r_driver = -2 ohm"},
        {1e-3,     1.0,      {1.0, 1.0, 0.0, NAN},      OW_ERR_RANGE, "r_sense = nan ohm"},
    };
    /* clang-format on */
    for (int k = 0; k < N(bad); k++) {
        double g = bad[k].g, v = bad[k].v;
        const struct ow_matrix conductance = {1, 1, &g}, drive = {1, 1, &v};
        struct ow_solve_result r = {0};
        struct ow_error err = {0};
        ck_assert_int_eq(ow_solve(&conductance, &drive, &bad[k].wires, 1, &r, &err),
                         bad[k].status);
        ck_assert_msg(strstr(err.text, bad[k].word) == err.text, "%s", err.text);
        ck_assert_ptr_null(r.nodes.a);
    }
    double two[] = {1.0, 2.0};
    const struct ow_matrix g = {1, 2, two}, drive = {1, 2, two}, none = {0};
    const struct ow_solve_wires wires = {0};
    struct ow_solve_result r = {0};
    struct ow_error err = {0};
    ck_assert_int_eq(ow_solve(&g, &drive, &wires, 1, &r, &err), OW_ERR_INPUT);
    ck_assert_int_eq(ow_solve(&none, &drive, &wires, 1, &r, &err), OW_ERR_INPUT);
}
END_TEST

/* ---- main
 * -------------------------------------------------------------------------------------- */

/* Cells that hold lines without resistance far more than drivers and capacitances to ground do:
 * errors of Newton's method that all lines share must be seen, or no step is short enough. */
static const char *const holding[] = {"1p", "30p", "1u"};

START_TEST(test_cells_hold_ideal_lines)
{
    char text[400];
    struct study s;
    struct ow_error err = {0};
    struct ow_vmm_result r;
    const struct ow_vmm_options how = {.n_worker = 1};
    snprintf(text, sizeof text,
             "vmm: {weights: {random: [16, 4], seed: 1}, inputs: {random: [2, 16], seed: 2}}\n"
             "array: {r_wordline: 0, r_bitline: 0}\ndevice: {set: ow_benign, cp: %s}\n",
             holding[_i]);
    study_init(text, &s);
    ck_assert_ok(ow_vmm_run(&s.problem, &how, &r, &err), err);
    ck_assert_msg(r.steps < 2000.0, "%g steps a read", r.steps); /* 300 to 600 */
    ow_vmm_result_finish(&r);
    study_finish(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("run");
    TCase *tc = tcase_create("run");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_random_sources_are_reproducible_corners);
    tcase_add_test(tc, test_random_sources_have_their_distributions);
    tcase_add_test(tc, test_quantised_problem);
    tcase_add_test(tc, test_signed_inputs_take_two_phases);
    tcase_add_test(tc, test_array_larger_than_the_weights);
    tcase_add_test(tc, test_a_saturated_gain_node_is_clipped);
    tcase_add_test(tc, test_reads_that_write_are_reported);
    tcase_add_loop_test(tc, test_auto_resistance, 0, 3);
    tcase_add_test(tc, test_labels);
    tcase_add_test(tc, test_thread_count_changes_no_bit);
    tcase_add_loop_test(tc, test_many_reads_are_single_reads, 0, N(many));
    tcase_add_test(tc, test_cancel_ends_many_reads);
    tcase_add_test(tc, test_cancel_ends_a_batch);
    tcase_add_test(tc, test_carried_states);
    tcase_add_test(tc, test_good_circuit_computes);
    tcase_add_loop_test(tc, test_energy_balances, 0, N(balanced));
    tcase_add_loop_test(tc, test_converter_bits_are_enob, 4, 13);
    tcase_add_test(tc, test_circuit_error_is_without_quantisation);
    tcase_add_loop_test(tc, test_spreads, 0, N(spread));
    tcase_add_test(tc, test_read_noise_is_new_in_every_vector);
    tcase_add_test(tc, test_thermal_noise_enters_accuracy);
    tcase_add_test(tc, test_flicker_widens_read_noise);
    tcase_add_test(tc, test_stuck_cells);
    tcase_add_test(tc, test_wires_cost_accuracy);
    tcase_add_test(tc, test_warnings);
    tcase_add_test(tc, test_bill_by_hand);
    tcase_add_loop_test(tc, test_json_has_every_promised_field, 0, 3);
    tcase_add_test(tc, test_json_total_is_the_sum);
    tcase_add_loop_test(tc, test_cells_hold_ideal_lines, 0, N(holding));
    tcase_add_test(tc, test_solve_one_cell);
    tcase_add_test(tc, test_solve_methods);
    tcase_add_test(tc, test_solve_refuses);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
