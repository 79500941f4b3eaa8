/* A product on several arrays: how weights are cut, that nothing else changes, converters on
 * partial sums, sums over arrays, and what tile size trades. */
#include "ow_check.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STUDY_FILE "t.yaml"
#include "ow_study.h"
#include "ow_vmm.h"

#define N(table) ((int)(sizeof(table) / sizeof(table)[0]))

#define DEVICE "device: {set: ow_benign}\n"
#define NOISY                                                                                  \
    "device: {set: ow_benign, sigma_d2d: 0.1, sigma_program: 0.03, sigma_read: 0.05, "         \
    "stuck_on: 0.05, stuck_off: 0.03, noise_bandwidth: 100meg}\n"
/* A circuit that computes: no wires, no drivers, and an amplifier without error. */
#define IDEAL "r_wordline: 0, r_bitline: 0, r_driver: 0"
#define EXACT "sense: {gain: 1g, gbw: 1t}\nengine: {name: dc}\n"
#define VMM   "vmm: {weights: {random: [7, 5], seed: 7}, inputs: {random: [12, 7], seed: 8}}\n"

static void measure(const struct ow_problem *p, struct ow_vmm_result *r)
{
    struct ow_error err = {0};
    const struct ow_vmm_options how = {.n_worker = 2};
    memset(r, 0, sizeof *r);
    ck_assert_ok(ow_vmm_run(p, &how, r, &err), err);
}

static void measure_text(const char *text, struct study *s, struct ow_vmm_result *r)
{
    study_init(text, s);
    measure(&s->problem, r);
}

static void done(struct study *s, struct ow_vmm_result *r)
{
    ow_vmm_result_finish(r);
    study_finish(s);
}

static bool is_same(const struct ow_matrix *a, const struct ow_matrix *b)
{
    return a->rows == b->rows && a->cols == b->cols &&
           memcmp(a->a, b->a, a->rows * a->cols * sizeof *a->a) == 0;
}

/* ---- how weights are cut ----------------------------------------------------------------- */

/* 7 x 5 weights on arrays of 3 x 5 lines: 3 inputs and 2 outputs each, one line left out; what
 * is left for the last ones is 1 input and 1 output. */
START_TEST(test_weights_are_cut)
{
    static const size_t rows[] = {3, 3, 1}, cols[] = {4, 4, 2};
    struct study whole, s;
    struct ow_matrix g, g_whole;
    struct ow_error err = {0};
    study_init(VMM NOISY, &whole);
    study_init(VMM NOISY "array: {tile: [3, 5]}\n", &s);
    const struct ow_problem *p = &s.problem;
    ck_assert_uint_eq(p->n_row_tile, 3);
    ck_assert_uint_eq(p->n_col_tile, 3);
    bool has_id[70] = {false};
    for (size_t k = 0; k < 9; k++) {
        const struct ow_array *a = &p->array[k];
        ck_assert_uint_eq(a->xb.rows, rows[k / 3]);
        ck_assert_uint_eq(a->xb.cols, cols[k % 3]);
        ck_assert_uint_eq(a->first_in, k / 3 * 3);
        ck_assert_uint_eq(a->first_out, k % 3 * 2);
        ck_assert_uint_eq(a->n_in, rows[k / 3]);
        ck_assert_uint_eq(2 * a->n_out, cols[k % 3]);
        /* one design */
        ck_assert_double_eq(a->mapping.w_max, whole.problem.array->mapping.w_max);
        ck_assert_double_eq(a->xb.sense.r_f, p->array->xb.sense.r_f);
        ck_assert_double_eq(a->y_per_volt, p->array->y_per_volt);
        for (size_t i = 0; i < a->xb.rows; i++)
            for (size_t j = 0; j < a->xb.cols; j++) {
                const size_t id = (size_t)a->xb.spread[OW_ID][i * a->xb.cols + j];
                ck_assert_uint_eq(id, (a->first_in + i) * 10 + 2 * a->first_out + j);
                ck_assert(!has_id[id]);
                has_id[id] = true;
            }
    }
    /* the same devices with the same faults hold the same weights */
    ck_assert_ok(ow_problem_conductance(&s.problem, &g, &err), err);
    ck_assert_ok(ow_problem_conductance(&whole.problem, &g_whole, &err), err);
    ck_assert(is_same(&g, &g_whole));
    ck_assert(is_same(&g_whole, &whole.problem.array->mapping.g));
    ck_assert(is_same(&p->y, &whole.problem.y) && is_same(&p->yq, &whole.problem.yq));
    ow_matrix_finish(&g);
    ow_matrix_finish(&g_whole);
    study_finish(&whole);
    study_finish(&s);
}
END_TEST

/* The largest current of any array puts its gain node at 80 % of half the supply. */
START_TEST(test_auto_resistance_suits_all_arrays)
{
    struct study s;
    study_init(VMM DEVICE "array: {tile: [3, 4]}\nsense: {vdd: 1.6}\n", &s);
    const struct ow_problem *p = &s.problem;
    double largest = 0.0;
    for (size_t n = 0; n < 9; n++)
        for (size_t k = 0; k < p->n_vec; k += 2)
            for (size_t j = 0; j < p->array[n].xb.cols; j++) {
                double i = 0.0;
                for (size_t r = 0; r < p->array[n].n_in; r++)
                    i += 0.2 * ow_matrix_row(&p->inputs, k)[p->array[n].first_in + r] *
                         ow_matrix_row(&p->array[n].mapping.g, r)[j];
                largest = fmax(largest, i);
            }
    ck_assert_close((p->array->xb.sense.r_f + 100.0) * largest, 0.8 * 0.8, 1e-12, 0.0);
    study_finish(&s);
}
END_TEST

/* An array that holds zeros alone is part of the product all the same. */
START_TEST(test_an_array_of_zeros)
{
    char path[] = "/tmp/ow-tiles-XXXXXX", text[400];
    struct study s;
    struct ow_vmm_result r;
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    FILE *f = fdopen(fd, "wb");
    fputs("0,0\n0,0\n0.5,-1\n0.25,0\n", f);
    fclose(f);
    snprintf(text, sizeof text,
             "vmm: {weights: %s, inputs: {random: [4, 4]}}\n" DEVICE
             "array: {tile: [2, 4], " IDEAL "}\n" EXACT,
             path);
    measure_text(text, &s, &r);
    for (size_t k = 0; k < 8; k++)
        ck_assert_close(r.y_circuit.a[k], s.problem.y.a[k], 0.0, 1e-6);
    done(&s, &r);
    unlink(path);
}
END_TEST

/* ---- nothing else changes ---------------------------------------------------------------- */

#define BOTH VMM DEVICE EXACT
static const char *const exact[] = {
    BOTH, BOTH "input: {signed: true, bits: 4}\nmapping: {levels: 8}\n",
    BOTH "input: {state: carry}\n",
    VMM "device: {set: ow_benign, sigma_d2d: 0.1, sigma_read: 0.05, stuck_on: 0.1}\n" EXACT,
    VMM "device: {model: stochastic, set: stochastic_write}\n" EXACT};
static const char *const size[] = {"[3, 4]", "[7, 2]", "[1, 10]", "[1, 2]", "[4, 7]"};

/* Without wires a sum of partial sums is the product: with the same devices, and read noise
 * and faults in them, tiles of any size compute what one array does, with the same energy in
 * the devices. */
START_TEST(test_ideal_tiles_are_one_array)
{
    struct study whole, s;
    struct ow_vmm_result r_whole, r;
    char text[600];
    snprintf(text, sizeof text, "%sarray: {" IDEAL "}\n", exact[_i / N(size)]);
    measure_text(text, &whole, &r_whole);
    snprintf(text, sizeof text, "%sarray: {tile: %s, " IDEAL "}\n", exact[_i / N(size)],
             size[_i % N(size)]);
    measure_text(text, &s, &r);
    ck_assert_uint_gt(ow_problem_arrays(&s.problem), 1);
    for (size_t k = 0; k < r.y_circuit.rows * r.y_circuit.cols; k++)
        ck_assert_close(r.y_circuit.a[k], r_whole.y_circuit.a[k], 0.0, 1e-6 * r.accuracy.fs);
    ck_assert_double_eq(r.accuracy.fs, r_whole.accuracy.fs);
    ck_assert_close(r.cost.physical.devices, r_whole.cost.physical.devices, 1e-6, 0.0);
    ck_assert_close(r.hand_devices, r_whole.hand_devices, 1e-12, 0.0);
    ck_assert_close(r.cost.billed.drivers, r_whole.cost.billed.drivers, 1e-6, 0.0);
    ck_assert_double_lt(r.cost.balance_residual, 1e-9);
    done(&s, &r);
    done(&whole, &r_whole);
}
END_TEST

/* One array is one tile, bit for bit. */
static const char *const single[] = {
    VMM NOISY "input: {signed: true, bits: 4}\nadc: {bits: 6, energy: 1p, range: [-2, 3]}\n",
    VMM NOISY "engine: {name: dc}\nadc: {bits: 6, range: max}\n"};

START_TEST(test_a_tile_that_holds_all_is_one_array)
{
    struct study s[3];
    struct ow_vmm_result r[3];
    static const char *const tile[] = {"none", "[7, 10]", "[100, 101]"};
    for (int k = 0; k < 3; k++) {
        char text[600];
        snprintf(text, sizeof text, "%sarray: {tile: %s, r_wordline: 20}\n", single[_i],
                 tile[k]);
        measure_text(text, &s[k], &r[k]);
        ck_assert(is_same(&r[k].y_circuit, &r[0].y_circuit));
        ck_assert(is_same(&r[k].v_sense, &r[0].v_sense));
        ck_assert(is_same(&r[k].energy, &r[0].energy));
        ck_assert_mem_eq(&r[k].accuracy, &r[0].accuracy, sizeof r[k].accuracy);
        ck_assert_mem_eq(&r[k].cost, &r[0].cost, sizeof r[k].cost);
        ck_assert_mem_eq(&r[k].latency, &r[0].latency, sizeof r[k].latency);
        ck_assert_mem_eq(&r[k].adc_range, &r[k].range, sizeof r[k].range);
    }
    for (int k = 0; k < 3; k++)
        done(&s[k], &r[k]);
}
END_TEST

/* ---- converters on partial sums ---------------------------------------------------------- */

/* 2, 2, 2 and 1 inputs of 7. */
enum { PART = 2, N_PART = 4 };

static double partial_sum(const struct ow_problem *p, size_t k, size_t t, size_t j)
{
    double sum = 0.0;
    for (size_t i = t * PART; i < p->n_in && i < (t + 1) * PART; i++)
        sum += ow_matrix_row(&p->inputs, k)[i] * ow_matrix_row(&p->weights, i)[j];
    return sum;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The range by hand, in the order of `rule`; full scale of the whole in *fs. */
static void hand_range(const struct ow_problem *p, int rule, double *lo, double *hi, double *fs)
{
    double all[6 * N_PART * 5];
    size_t n = 0;
    *lo = *hi = 0.0;
    for (size_t k = 0; k < p->n_vec; k += 2)
        for (size_t t = 0; t < N_PART; t++)
            for (size_t j = 0; j < 5; j++)
                all[n++] = partial_sum(p, k, t, j);
    qsort(all, n, sizeof *all, ascending);
    double most = 0.0, least = 0.0; /* of a column of the whole */
    for (size_t j = 0; rule == 1 && j < 5; j++) {
        double up = 0.0, down = 0.0;
        for (size_t t = 0; t < N_PART; t++) {
            double a = 0.0, b = 0.0;
            for (size_t i = t * PART; i < 7 && i < (t + 1) * PART; i++) {
                a += fmax(ow_matrix_row(&p->weights, i)[j], 0.0);
                b += fmin(ow_matrix_row(&p->weights, i)[j], 0.0);
            }
            *hi = fmax(*hi, a);
            *lo = fmin(*lo, b);
            up += a;
            down += b;
        }
        most = fmax(most, up);
        least = fmin(least, down);
    }
    if (rule == 0) { /* of n sorted values, places (n - 1) 0.1 and 99.9 %, between neighbours */
        const double place = (double)(n - 1) * 0.001;
        *lo = all[0] + place * (all[1] - all[0]);
        *hi = all[n - 1] - place * (all[n - 1] - all[n - 2]);
    } else if (rule == 1) {
        *fs = most - least;
    } else {
        *lo = -0.9;
        *hi = 1.4;
        *fs = N_PART * 2.3; /* of a sum of that many */
    }
}

static const char *const rule[] = {"calibrated", "max", "[-0.9, 1.4]"};

START_TEST(test_partial_sums_are_converted_then_added)
{
    struct study s, whole;
    struct ow_vmm_result r, r_whole;
    char text[500];
    double lo, hi, fs;
    snprintf(text, sizeof text,
             VMM DEVICE EXACT "array: {tile: [2, 4], " IDEAL
                              "}\nadc: {bits: 4, energy: 30f, range: %s}\n",
             rule[_i]);
    measure_text(text, &s, &r);
    measure_text(VMM DEVICE EXACT, &whole, &r_whole);
    const struct ow_problem *p = &s.problem;
    fs = r_whole.accuracy.fs;
    hand_range(p, _i, &lo, &hi, &fs);
    ck_assert_close(r.adc_range.lo, lo, 1e-12, 1e-15);
    ck_assert_close(r.adc_range.hi, hi, 1e-12, 0.0);
    ck_assert_close(r.accuracy.fs, fs, 1e-12, 0.0);
    size_t n_beyond = 0;
    const double step = (hi - lo) / 16.0;
    for (size_t k = 0; k < p->n_vec; k++)
        for (size_t j = 0; j < 5; j++) {
            double sum = 0.0, edge = 1.0;
            for (size_t t = 0; t < N_PART; t++) {
                const double bin = (partial_sum(p, k, t, j) - lo) / step;
                edge = fmin(edge, fabs(bin - round(bin)));
                n_beyond += bin < 0.0 || bin > 16.0;
                sum += lo + (fmin(fmax(floor(bin), 0.0), 15.0) + 0.5) * step;
            }
            if (edge > 1e-5) /* the circuit's error does not take it over the edge */
                ck_assert_close(ow_matrix_row(&r.y_circuit, k)[j], sum, 0.0, 1e-12);
        }
    ck_assert_int_eq(n_beyond == 0, _i == 1);
    /* 4 conversions of each of 5 outputs; drivers of 3 arrays side by side */
    ck_assert_close(r.cost.billed.adc, 20.0 * 30e-15, 1e-12, 0.0);
    ck_assert_uint_eq(r.billing.n_adc, 20);
    ck_assert_uint_eq(r.billing.n_dac, 3 * 7);
    ck_assert_uint_eq(r.billing.n_amp, 4 * 10);
    done(&s, &r);
    done(&whole, &r_whole);
}
END_TEST

/* ---- sums over arrays ---------------------------------------------------------------------
 */

static const char *const summed[] = {
    VMM NOISY "array: {tile: [3, 4], r_wordline: 30, r_bitline: 20}\n",
    VMM NOISY "array: {tile: [3, 4], r_wordline: 30}\ninput: {signed: true}\n"
              "adc: {bits: 5}\n",
    VMM DEVICE "array: {tile: [4, 6], r_wordline: 30}\nengine: {name: dc}\n"
               "sense: {r_f: 60k}\n", /* some clip */
    "vmm: {weights: {random: [9, 40], seed: 3}, inputs: {random: [150, 9], seed: 4}}\n" DEVICE
    "array: {tile: [5, 30]}\nengine: {name: dc}\n", /* by ports */
    "vmm: {weights: {random: [4, 3], seed: 11}, inputs: {random: [4, 4], seed: 12}}\n"
    "device: {set: team_write, g_min: 12u, g_max: 90u}\narray: {tile: [2, 4]}\n"
    "sense: {amp: resistor, r_f: 50}\ninput: {v_read: 1.4, state: carry}\n"};

/* A run is the batches of its arrays: columns side by side, energies added, the slowest
 * array's latency, and amplifiers, clipping and moves of all. */
START_TEST(test_runs_are_the_sum_of_their_arrays)
{
    struct study s;
    struct ow_vmm_result r;
    struct ow_error err = {0};
    measure_text(summed[_i], &s, &r);
    const struct ow_problem *p = &s.problem;
    const double bits = (double)(s.spec.adc.bits ? s.spec.adc.bits : 8);
    const struct ow_batch_options how = {
        .host = {.kind = s.spec.engine.name, .rtol = s.spec.engine.rtol},
        .band = (r.adc_range.hi - r.adc_range.lo) / pow(2.0, bits + 1.0) /
                fabs(p->array->y_per_volt),
        .n_worker = 1};
    double energy = 0.0, moved = 0.0, slowest = 0.0, clipped = 0.0, imbalance = 0.0, flow = 0.0;
    size_t first = 0;
    for (size_t k = 0; k < ow_problem_arrays(p); k++) {
        struct ow_batch batch;
        const struct ow_array *a = &p->array[k];
        ck_assert_ok(ow_batch_run(a, &how, &batch, &err), err);
        for (size_t read = 0; read < batch.n_read; read++) {
            ck_assert_mem_eq(ow_matrix_row(&r.v_sense, read) + first,
                             ow_matrix_row(&batch.v_sense, read), a->xb.cols * sizeof(double));
            const struct ow_energy *e = &batch.energy[read];
            energy += (e->source + e->supply) / (double)p->n_vec;
            imbalance += ow_energy_residual(e) * e->throughput;
            flow += e->throughput;
            moved = fmax(moved, batch.moved[read]);
            slowest = isnan(batch.settle[read]) ? NAN : fmax(slowest, batch.settle[read]);
            for (size_t j = 0; j < a->xb.cols; j++)
                clipped += fabs(ow_matrix_row(&batch.v_gain, read)[j]) >= 0.99 * 0.9;
        }
        first += a->xb.cols;
        ow_batch_finish(&batch);
    }
    ck_assert_uint_eq(first, r.v_sense.cols);
    const struct ow_energy *e = &r.cost.physical;
    ck_assert_close(e->source + e->supply, energy, 1e-12, 0.0);
    ck_assert_close(r.cost.balance_residual, imbalance / flow, 1e-9, 0.0);
    ck_assert_double_eq(r.moved, moved);
    ck_assert(r.latency.worst == slowest || (isnan(slowest) && isnan(r.latency.worst)));
    if (s.spec.sense.kind == OW_SENSE_TIA) {
        ck_assert_close(r.clipped, clipped / (double)(r.v_sense.rows * first), 1e-12, 0.0);
        ck_assert_uint_eq(r.billing.n_amp, first);
    } else
        ck_assert_uint_eq(r.billing.n_amp, 0);
    ck_assert_int_eq(clipped > 0.0, _i == 2);
    ck_assert_int_eq(moved > 0.05, _i == 4);
    done(&s, &r);
}
END_TEST

/* Converters that 4 columns may share have 2 each in arrays of 2 outputs, so nobody waits for
 * more: 21 ns of read and 2 conversions. */
START_TEST(test_converters_wait_for_the_columns_there_are)
{
    static const struct {
        const char *tile;
        size_t n;
    } row[] = {{"[3, 4]", 2}, {"[3, 7]", 3}, {"none", 4}, {"[7, 2]", 1}};
    struct study s;
    struct ow_vmm_result r;
    char text[500];
    snprintf(text, sizeof text,
             VMM DEVICE EXACT "array: {tile: %s}\nadc: {bits: 6, t_conv: 3n, share: 4}\n",
             row[_i].tile);
    measure_text(text, &s, &r);
    ck_assert_close(r.billing.t_cycle, 21e-9 + (double)row[_i].n * 3e-9, 1e-12, 0.0);
    done(&s, &r);
}
END_TEST

/* Two arrays with the same weights and the same inputs: what is random differs. */
static const char *const random_effect[] = {"temp",
                                            "sigma_d2d: 0.1",
                                            "sigma_program: 0.1",
                                            "sigma_read: 0.1",
                                            "noise_bandwidth: 1g",
                                            "stuck_on: 0.4"};

START_TEST(test_arrays_have_draws_of_their_own)
{
    char w[] = "/tmp/ow-tiles-XXXXXX", x[] = "/tmp/ow-tiles-XXXXXX", text[600];
    struct study s;
    struct ow_vmm_result r;
    const int fd_w = mkstemp(w), fd_x = mkstemp(x);
    ck_assert(fd_w >= 0 && fd_x >= 0);
    FILE *f = fdopen(fd_w, "wb");
    fputs("0.5,-1,0.5,-1\n0.25,0.3,0.25,0.3\n0.5,-1,0.5,-1\n0.25,0.3,0.25,0.3\n", f);
    fclose(f);
    f = fdopen(fd_x, "wb");
    fputs("0.5,0.25,0.5,0.25\n1,0.6,1,0.6\n", f);
    fclose(f);
    snprintf(
        text, sizeof text,
        "vmm: {weights: %s, inputs: %s}\ndevice: {set: ow_benign, g_min: 2u, g_max: 80u%s%s}\n"
        "array: {tile: [2, 4]}\nengine: {name: dc}\n",
        w, x, _i ? ", " : "", _i ? random_effect[_i] : "");
    measure_text(text, &s, &r);
    ck_assert_uint_eq(r.v_sense.cols, 16);
    for (size_t a = 1; a < 4; a++) {
        const bool is_alike =
            memcmp(ow_matrix_row(&r.v_sense, 1), ow_matrix_row(&r.v_sense, 1) + 4 * a,
                   4 * sizeof(double)) == 0;
        ck_assert_int_eq(is_alike, _i == 0);
    }
    done(&s, &r);
    unlink(w);
    unlink(x);
}
END_TEST

/* Devices that jump at random do so at times of their own. */
START_TEST(test_arrays_jump_for_themselves)
{
    struct study s;
    struct ow_error err = {0};
    study_init("vmm: {weights: {random: [4, 2]}, inputs: {random: [1, 4]}}\n"
               "device: {model: stochastic, set: stochastic_write}\narray: {tile: [2, 4]}\n"
               "input: {v_read: 1.2}\nsense: {amp: resistor, r_f: 50}\n",
               &s);
    ck_assert_uint_eq(ow_problem_arrays(&s.problem), 2);
    double first[2];
    const double amplitude[] = {1.3, 1.3};
    for (size_t k = 0; k < 2; k++) {
        struct ow_host *host;
        struct ow_reading reading;
        const struct ow_host_options how = {.kind = OW_ENGINE_CVODE, .rtol = 1e-5};
        struct ow_array *a = &s.problem.array[k];
        for (size_t c = 0; c < 8; c++)
            a->xb.spread[a->xb.model->program][c] = a->xb.param[a->xb.model->program];
        ck_assert_ok(ow_host_open(a, &how, &host, &err), err);
        ck_assert_ok(ow_host_reading(a, &reading, &err), err);
        ck_assert_ok(ow_host_drive(host, amplitude, NULL, &reading, &err), err);
        first[k] = reading.t_event[0];
        ow_reading_finish(&reading);
        ow_host_close(host);
    }
    ck_assert(isfinite(first[0]) && isfinite(first[1]) && first[0] != first[1]);
    study_finish(&s);
}
END_TEST

/* A message says which of the arrays it is about. */
START_TEST(test_failures_name_the_array)
{
    struct study s;
    struct ow_vmm_result r;
    struct ow_error err = {0};
    const struct ow_vmm_options how = {.codemodel = "/nowhere/ohmweave.cm", .n_worker = 1};
    study_init(VMM DEVICE "array: {tile: [4, 6]}\nengine: {name: cosim}\n", &s);
    ck_assert_int_ne(ow_vmm_run(&s.problem, &how, &r, &err), OW_OK);
    ck_assert_msg(strncmp(err.text, "array (0, 0): ", 14) == 0, "%s", err.text);
    study_finish(&s);
}
END_TEST

/* ---- the trade --------------------------------------------------------------------------- */

/* Wires of 20 ohm on devices of 1 to 10 kohm: shorter lines lose less, and pay with amplifiers
 * and conversions. */
START_TEST(test_smaller_tiles_are_more_exact_and_dearer)
{
    static const char *const tile[] = {"array.tile=[8, 8]", "array.tile=[16, 16]",
                                       "array.tile=[32, 32]", "array.tile=none"};
    struct ow_vmm_result r[4];
    char path[4096];
    snprintf(path, sizeof path, "%s/../../netlists/examples/digits_hard.yaml", test_data_dir());
    for (int k = 0; k < 4; k++) {
        const char *const set[] = {tile[k], "engine.name=dc", "adc.bits=8", "adc.energy=1p",
                                   NULL};
        struct ow_spec spec;
        struct ow_problem problem;
        struct ow_error err = {0};
        ck_assert_ok(ow_spec_load(path, set, &spec, &err), err);
        ck_assert_ok(ow_problem_init(&spec, &problem, &err), err);
        measure(&problem, &r[k]);
        ow_problem_finish(&problem);
        ow_spec_finish(&spec);
    }
    for (int k = 1; k < 4; k++) {
        ck_assert_double_gt(r[k - 1].accuracy.raw.circuit.csnr_db,
                            r[k].accuracy.raw.circuit.csnr_db + 1.0);
        ck_assert_double_gt(r[k - 1].accuracy.column.circuit.csnr_db,
                            r[k].accuracy.column.circuit.csnr_db + 1.0);
        ck_assert_double_gt(r[k - 1].cost.billed.amplifiers, r[k].cost.billed.amplifiers);
        ck_assert_close(r[k - 1].cost.billed.adc, 2.0 * r[k].cost.billed.adc, 1e-12, 0.0);
    }
    ck_assert_double_gt(r[0].accuracy.top1, 0.95);
    ck_assert_double_lt(r[3].accuracy.top1, 0.5);
    for (int k = 0; k < 4; k++)
        ow_vmm_result_finish(&r[k]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tiles");
    TCase *tc = tcase_create("tiles");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_weights_are_cut);
    tcase_add_test(tc, test_auto_resistance_suits_all_arrays);
    tcase_add_test(tc, test_an_array_of_zeros);
    tcase_add_loop_test(tc, test_ideal_tiles_are_one_array, 0, N(exact) * N(size));
    tcase_add_loop_test(tc, test_a_tile_that_holds_all_is_one_array, 0, N(single));
    tcase_add_loop_test(tc, test_partial_sums_are_converted_then_added, 0, N(rule));
    tcase_add_loop_test(tc, test_runs_are_the_sum_of_their_arrays, 0, N(summed));
    tcase_add_loop_test(tc, test_converters_wait_for_the_columns_there_are, 0, 4);
    tcase_add_loop_test(tc, test_arrays_have_draws_of_their_own, 0, N(random_effect));
    tcase_add_test(tc, test_arrays_jump_for_themselves);
    tcase_add_test(tc, test_failures_name_the_array);
    tcase_add_test(tc, test_smaller_tiles_are_more_exact_and_dearer);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
