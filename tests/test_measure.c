/* Accuracy, cost and latency against numbers worked by hand, and against what must not
 * change them. */
#include "ow_check.h"

#include <float.h>
#include <string.h>

#include "ow_accuracy.h"
#include "ow_cost.h"
#include "ow_latency.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static struct ow_matrix matrix(size_t rows, size_t cols, const double a[])
{
    struct ow_matrix m = ow_matrix_create(rows, cols);
    ck_assert_ptr_nonnull(m.a);
    if (a)
        memcpy(m.a, a, rows * cols * sizeof *a);
    return m;
}

/* ---- accuracy --------------------------------------------------------------------------- */

/* Vectors 0 and 2 calibrate, 1 and 3 are scored, where
 *   Y' - Y = [0.1 -0.2; 0.3 0.1],  Yq - Y = [0.05 0; -0.1 0.2],  Y = [1 2; -1 4]. */
static const double y_a[] = {0.3, -1.1, 1.0, 2.0, 0.7, 0.4, -1.0, 4.0};
static const double yq_a[] = {0.3, -1.0, 1.05, 2.0, 0.8, 0.4, -1.1, 4.2};
static const double yc_a[] = {0.5, -1.0, 1.1, 1.8, 0.7, -0.25, -0.7, 4.1};

struct products {
    struct ow_matrix y, yq, yc;
};
static struct products products(void)
{
    return (struct products){matrix(4, 2, y_a), matrix(4, 2, yq_a), matrix(4, 2, yc_a)};
}
static void finish(struct products *p)
{
    ow_matrix_finish(&p->y);
    ow_matrix_finish(&p->yq);
    ow_matrix_finish(&p->yc);
}

static struct ow_accuracy accuracy(const struct products *p, const bool is_calibration[],
                                   const double labels[], double fs)
{
    const struct ow_accuracy_input in = {&p->y, &p->yq, &p->yc, is_calibration, labels, fs};
    struct ow_error err = {0};
    struct ow_accuracy a;
    ck_assert_ok(ow_accuracy_measure(&in, &a, &err), err);
    return a;
}

/* What the definitions make of N scored samples' sum e^2 and max |e|; here norm Y^2 = 22
 * and, with a mean of 1.5, var Y = (0.25 + 0.25 + 6.25 + 6.25) / 4 = 3.25. */
static void check_deviation(const struct ow_deviation *d, double sum_e2, double max, double fs)
{
    const double tol = 1e-13, rms = sqrt(sum_e2 / 4.0); /* a few roundings of 8 terms */
    ck_assert_close(d->rel_l2, sqrt(sum_e2 / 22.0), tol, 0.0);
    ck_assert_close(d->csnr_db, 10.0 * log10(3.25 * 4.0 / sum_e2), tol, 0.0);
    ck_assert_close(d->rmse_fs, rms / fs, tol, 0.0);
    ck_assert_close(d->max_fs, max / fs, tol, 0.0);
    ck_assert_close(d->enob, log2(fs / (sqrt(12.0) * rms)), tol, 0.0);
}

START_TEST(test_raw_errors_match_hand_values)
{
    struct products p = products();
    const struct ow_accuracy a = accuracy(&p, NULL, NULL, 5.0);
    check_deviation(&a.raw.total, 0.01 + 0.04 + 0.09 + 0.01, 0.3, 5.0);
    check_deviation(&a.raw.circuit, 0.0025 + 0.04 + 0.16 + 0.01, 0.4, 5.0);
    check_deviation(&a.raw.quantisation, 0.0025 + 0.01 + 0.04, 0.2, 5.0);
    ck_assert(a.fs == 5.0 && a.n_vec == 4 && a.n_calibration == 2 && a.n_scored == 2);
    ck_assert(isnan(a.top1) && isnan(a.top1_ideal) && isnan(a.top1_column));
    /* Numbers, so that the formulas above are no excuse. */
    ck_assert_close(a.raw.total.csnr_db, 19.378520932511556, 1e-13, 0.0);
    ck_assert_close(a.raw.total.enob, 2.8979296416098874, 1e-13, 0.0);
    ck_assert_close(a.raw.total.rel_l2, 0.08257228238447705, 1e-13, 0.0);
    finish(&p);
}
END_TEST

START_TEST(test_calibrated_errors_match_hand_values)
{
    struct products p = products();
    const struct ow_accuracy a = accuracy(&p, NULL, NULL, 5.0);
    /* Two calibration points a column: Y = 2 Y' - 0.7 and Y = 2 Y' + 0.9. */
    check_deviation(&a.column.total, 0.5 * 0.5 + 2.5 * 2.5 + 1.1 * 1.1 + 5.1 * 5.1, 5.1, 5.0);
    /* Over the array: mean Y' = -0.0125, mean Y = 0.075, sums of products about them
     * 1.801875 and 1.64375. */
    const double gain = 1.64375 / 1.801875, offset = 0.075 + 0.0125 * gain;
    const double e[] = {gain * 1.1 + offset - 1.0, gain * 1.8 + offset - 2.0,
                        gain * -0.7 + offset + 1.0, gain * 4.1 + offset - 4.0};
    double sum = 0.0, max = 0.0;
    for (size_t k = 0; k < 4; k++) {
        sum += e[k] * e[k];
        max = fmax(max, fabs(e[k]));
    }
    check_deviation(&a.array.total, sum, max, 5.0);
    /* Yq against Y by column: (0.3, 0.8) -> (0.3, 0.7): gain 0.8, offset 0.06;
     * (-1, 0.4) -> (-1.1, 0.4): gain 1.5 / 1.4, offset 0.4 - 0.4 * 1.5 / 1.4. */
    const double g = 1.5 / 1.4, o = 0.4 - 0.4 * g;
    const double q[] = {0.8 * 1.05 + 0.06 - 1.0, 2.0 * g + o - 2.0, 0.8 * -1.1 + 0.06 + 1.0,
                        4.2 * g + o - 4.0};
    sum = max = 0.0;
    for (size_t k = 0; k < 4; k++) {
        sum += q[k] * q[k];
        max = fmax(max, fabs(q[k]));
    }
    check_deviation(&a.column.quantisation, sum, max, 5.0);
    finish(&p);
}
END_TEST

/* A mask with the same vectors is the same; the other half is not. */
START_TEST(test_calibration_vectors_are_those_named)
{
    static const bool even[] = {true, false, true, false}, odd[] = {false, true, false, true};
    struct products p = products();
    const struct ow_accuracy a = accuracy(&p, NULL, NULL, 5.0);
    const struct ow_accuracy b = accuracy(&p, even, NULL, 5.0);
    const struct ow_accuracy c = accuracy(&p, odd, NULL, 5.0);
    ck_assert(memcmp(&a.column.total, &b.column.total, sizeof a.column.total) == 0);
    /* Raw on vectors 0 and 2: e = [0.2 0.1; 0 -0.65], norm Y^2 = 0.09 + 1.21 + 0.49 + 0.16 */
    ck_assert_close(c.raw.total.rel_l2,
                    sqrt((0.04 + 0.01 + 0.4225) / (0.09 + 1.21 + 0.49 + 0.16)), 1e-13, 0.0);
    finish(&p);
}
END_TEST

/* 40 x 3 of uneven numbers; Y' = gain_j Yq + offset_j. */
static struct products distorted(const double gain[3], const double offset[3])
{
    struct products p = {matrix(40, 3, NULL), matrix(40, 3, NULL), matrix(40, 3, NULL)};
    for (size_t k = 0; k < 120; k++) {
        p.y.a[k] = sin(1.7 * (double)k) + 0.3 * (double)(k % 3);
        p.yq.a[k] = floor(p.y.a[k] * 16.0 + 0.5) / 16.0;
        p.yc.a[k] = gain[k % 3] * p.yq.a[k] + offset[k % 3];
    }
    return p;
}

START_TEST(test_calibration_removes_gain_and_offset_and_nothing_else)
{
    static const double one[] = {1.0, 1.0, 1.0}, zero[] = {0.0, 0.0, 0.0};
    static const double gain[] = {0.71, 0.71, 0.71}, offset[] = {0.23, 0.23, 0.23};
    static const double gains[] = {0.71, 1.34, 0.052}, offsets[] = {0.23, -0.51, 3.3};
    struct products exact = distorted(one, zero), array = distorted(gain, offset);
    struct products column = distorted(gains, offsets);
    const struct ow_accuracy a = accuracy(&exact, NULL, NULL, 2.5);
    const struct ow_accuracy b = accuracy(&array, NULL, NULL, 2.5);
    const struct ow_accuracy c = accuracy(&column, NULL, NULL, 2.5);
    /* No circuit error at all: 0, and no logarithm of it.  (A least-squares gain is 1 only
     * to rounding.) */
    ck_assert(a.raw.circuit.rel_l2 == 0.0 && a.raw.circuit.max_fs == 0.0);
    ck_assert(isnan(a.raw.circuit.csnr_db) && isnan(a.raw.circuit.enob));
    ck_assert(a.column.circuit.rel_l2 < 1e-14);
    ck_assert(memcmp(&a.raw.total, &a.raw.quantisation, sizeof a.raw.total) == 0);
    ck_assert(a.raw.quantisation.rel_l2 > 1e-2); /* the 1/16 steps are there */
    /* One gain and offset: gone for the array and by column.  The distortion itself rounds
     * to 1e-16 / 0.052 at most. */
    ck_assert(b.raw.circuit.rel_l2 > 0.1);
    ck_assert(b.array.circuit.rel_l2 < 1e-13 && b.column.circuit.rel_l2 < 1e-13);
    /* One per column: gone by column only. */
    ck_assert(c.array.circuit.rel_l2 > 0.1 && c.column.circuit.rel_l2 < 1e-13);
    /* The quantisation error is as it was, and all that is left. */
    ck_assert_close(c.raw.quantisation.csnr_db, a.raw.quantisation.csnr_db, 1e-15, 0.0);
    ck_assert_close(b.array.total.csnr_db, a.array.quantisation.csnr_db, 1e-10, 0.0);
    ck_assert_close(c.column.total.enob, a.column.quantisation.enob, 1e-10, 0.0);
    finish(&exact);
    finish(&array);
    finish(&column);
}
END_TEST

/* Everything but rel_l2 ignores a constant added to Y, Yq and Y'; all ignores a common
 * factor that FS shares. */
START_TEST(test_measures_are_invariant)
{
    static const double gains[] = {0.71, 1.34, 0.52}, offsets[] = {0.23, -0.51, 0.3};
    struct products p = distorted(gains, offsets);
    const struct ow_accuracy a = accuracy(&p, NULL, NULL, 2.5);
    for (size_t k = 0; k < 120; k++)
        p.y.a[k] *= -37.0, p.yq.a[k] *= -37.0, p.yc.a[k] *= -37.0;
    const struct ow_accuracy b = accuracy(&p, NULL, NULL, 2.5 * 37.0);
    for (size_t k = 0; k < 120; k++)
        p.y.a[k] += 11.0, p.yq.a[k] += 11.0, p.yc.a[k] += 11.0;
    const struct ow_accuracy c = accuracy(&p, NULL, NULL, 2.5 * 37.0);
    ck_assert_close(b.raw.total.rel_l2, a.raw.total.rel_l2, 1e-12, 0.0);
    ck_assert_close(b.array.circuit.csnr_db, a.array.circuit.csnr_db, 1e-11, 0.0);
    ck_assert_close(b.array.total.enob, a.array.total.enob, 1e-11, 0.0);
    ck_assert_close(c.raw.total.csnr_db, a.raw.total.csnr_db, 1e-11, 0.0);
    ck_assert_close(c.raw.total.max_fs, a.raw.total.max_fs, 1e-11, 0.0);
    finish(&p);
}
END_TEST

static void check_undefined(const struct ow_deviation *d)
{
    ck_assert(isnan(d->rel_l2) && isnan(d->csnr_db) && isnan(d->rmse_fs) && isnan(d->max_fs) &&
              isnan(d->enob));
}

START_TEST(test_what_is_not_defined_is_nan_and_never_infinite)
{
    struct products p = products();
    struct ow_accuracy a = accuracy(&p, NULL, NULL, 0.0); /* no range */
    ck_assert(isnan(a.raw.total.rmse_fs) && isnan(a.raw.total.max_fs) &&
              isnan(a.raw.total.enob));
    ck_assert(isfinite(a.raw.total.rel_l2) && isfinite(a.raw.total.csnr_db));

    static const bool all[] = {true, true, true, true}, none[4] = {false};
    a = accuracy(&p, all, NULL, 5.0); /* nothing left to score: raw only, on all */
    ck_assert(a.n_scored == 0);
    ck_assert_close(a.raw.total.rel_l2, sqrt((0.15 + 0.04 + 0.01 + 0.4225) / (22.0 + 1.95)),
                    1e-13, 0.0);
    check_undefined(&a.array.total);
    check_undefined(&a.column.quantisation);
    a = accuracy(&p, none, NULL, 5.0); /* nothing to calibrate with */
    ck_assert(isfinite(a.raw.total.csnr_db));
    check_undefined(&a.array.circuit);
    check_undefined(&a.column.circuit);

    for (size_t k = 0; k < 8; k++)
        p.y.a[k] = 0.0;
    a = accuracy(&p, NULL, NULL, 5.0); /* no signal */
    ck_assert(isnan(a.raw.total.rel_l2) && isnan(a.raw.total.csnr_db));
    ck_assert(isfinite(a.raw.total.enob) && isfinite(a.raw.total.rmse_fs));
    finish(&p);

    static const double two[6] = {0.1, 0.7, 0.3, 0.9}; /* one scored vector of 2 samples */
    struct products q = {matrix(2, 2, two), matrix(2, 2, two), matrix(2, 2, two)};
    q.yc.a[3] += 0.1;
    a = accuracy(&q, NULL, NULL, 1.0);
    check_undefined(&a.raw.total);
    check_undefined(&a.column.total);
    finish(&q);
    /* Three samples are enough: errors 0, 0.1, 0; Y = 0.3, 1.2, 0.9 about 0.8 */
    q = (struct products){matrix(2, 3, two), matrix(2, 3, two), matrix(2, 3, two)};
    for (size_t k = 3; k < 6; k++)
        q.y.a[k] = q.yq.a[k] = 0.3 * (double)(k == 3 ? 1 : 8 - k), q.yc.a[k] = q.y.a[k];
    q.yc.a[4] -= 0.1;
    a = accuracy(&q, NULL, NULL, 1.0);
    ck_assert_close(a.raw.total.csnr_db, 10.0 * log10(0.14 / (0.01 / 3.0)), 1e-12, 0.0);
    finish(&q);
}
END_TEST

/* A column that never changes in calibration fixes no gain: 1, with the offset that fits. */
START_TEST(test_fit_without_variance_keeps_the_gain)
{
    static const double y[] = {2.0, 5.0, 2.2, 7.0, 2.1, 6.0, 2.5, 5.0};
    static const double c[] = {0.7, 1.0, 0.9, 3.0, 0.7, 2.0, 1.2, 1.0};
    struct products p = {matrix(4, 2, y), matrix(4, 2, y), matrix(4, 2, c)};
    struct ow_accuracy a = accuracy(&p, NULL, NULL, 1.0);
    /* column 0: offset 2.05 - 0.7, errors 2.25 - 2.2 and 2.55 - 2.5; column 1: Y = Y' + 4 */
    ck_assert_close(a.column.total.rmse_fs, sqrt(2.0 * 0.0025 / 4.0), 1e-12, 0.0);
    /* Nor does rounding: 0.7 on top of 1e6, apart by one unit in the last place. */
    for (size_t k = 0; k < 4; k++)
        p.yc.a[2 * k] += 1e6;
    p.yc.a[4] = nextafter(p.yc.a[0], 2e6);
    a = accuracy(&p, NULL, NULL, 1.0);
    ck_assert_close(a.column.total.rmse_fs, sqrt(2.0 * 0.0025 / 4.0), 1e-8, 0.0);
    finish(&p);
}
END_TEST

START_TEST(test_top1_counts_largest_outputs)
{
    static const double y[] = {1.0, 2.0, 3.0, 9.0, 5.0, 1.0, 2.0, 2.0, 1.0, 0.1, 0.3, 0.2};
    static const double c[] = {1.0, 2.0, 1.9, 9.0, 5.0, 1.0, 2.0, 2.5, 1.0, 0.1, 0.2, 0.3};
    static const double labels[] = {2.0, 0.0, 0.0, 1.0}; /* vector 2 is a draw: the first */
    struct products p = {matrix(4, 3, y), matrix(4, 3, y), matrix(4, 3, c)};
    const struct ow_accuracy a = accuracy(&p, NULL, labels, 1.0);
    ck_assert_close(a.top1_ideal, 1.0, 0.0, 0.0);
    ck_assert_close(a.top1, 0.25, 0.0, 0.0);
    finish(&p);
    /* Gains by column mislead the raw decision and are mended by calibration. */
    static const double gains[] = {0.2, 1.0, 0.4}, offsets[] = {0.0, 0.4, 0.1};
    double best[40];
    p = distorted(gains, offsets);
    for (size_t k = 0; k < 40; k++) {
        const double *r = ow_matrix_row(&p.yq, k);
        best[k] = r[0] >= r[1] && r[0] >= r[2] ? 0.0 : r[1] >= r[2] ? 1.0 : 2.0;
    }
    const struct ow_accuracy b = accuracy(&p, NULL, best, 1.0);
    ck_assert(b.top1 < 0.7 && b.top1_column > 0.9);
    finish(&p);
}
END_TEST

START_TEST(test_accuracy_refuses_what_cannot_be_compared)
{
    struct products p = products();
    struct ow_matrix small = matrix(3, 2, y_a);
    struct ow_error err = {0};
    struct ow_accuracy a = {.fs = 7.0};
    struct ow_accuracy_input in = {&p.y, &p.yq, &small, NULL, NULL, 5.0};
    ck_assert_int_eq(ow_accuracy_measure(&in, &a, &err), OW_ERR_INPUT);
    ck_assert_msg(strstr(err.text, "Y' is 3 x 2"), "%s", err.text);
    in.circuit = &p.yc;
    p.yc.a[5] = NAN;
    ck_assert_int_eq(ow_accuracy_measure(&in, &a, &err), OW_ERR_INPUT);
    ck_assert_msg(strstr(err.text, "output 1 of vector 2"), "%s", err.text);
    p.yc.a[5] = 0.0;
    p.y.a[0] = INFINITY;
    ck_assert_int_eq(ow_accuracy_measure(&in, &a, &err), OW_ERR_INPUT);
    ck_assert_msg(strstr(err.text, "Y: output 0 of vector 0"), "%s", err.text);
    p.y.a[0] = 0.3;
    static const double bad_label[] = {2.0, -1.0, 0.5, NAN};
    for (size_t k = 0; k < LEN(bad_label); k++) {
        const double labels[] = {0.0, 1.0, bad_label[k], 0.0};
        in.labels = labels;
        ck_assert_int_eq(ow_accuracy_measure(&in, &a, &err), OW_ERR_INPUT);
        ck_assert_msg(strstr(err.text, "label of vector 2") && strstr(err.text, "0 to 1"), "%s",
                      err.text);
    }
    in.labels = (const double[]){7.0, 0.0, 0.0, 0.0};
    ck_assert_int_eq(ow_accuracy_measure(&in, &a, &err), OW_ERR_INPUT);
    ck_assert_msg(strstr(err.text, "label of vector 0 is 7"), "%s", err.text);
    in.labels = NULL;
    static const double bad_fs[] = {NAN, -1.0, INFINITY};
    for (size_t k = 0; k < LEN(bad_fs); k++) {
        in.fs = bad_fs[k];
        ck_assert_int_eq(ow_accuracy_measure(&in, &a, &err), OW_ERR_INPUT);
    }
    ck_assert(a.fs == 7.0);
    ow_matrix_finish(&small);
    finish(&p);
}
END_TEST

/* ---- range and converter ---------------------------------------------------------------- */

static struct ow_range range(enum ow_range_rule rule, const struct ow_matrix *y,
                             const struct ow_matrix *w, double lo, double hi)
{
    struct ow_error err = {0};
    struct ow_range r;
    ck_assert_ok(ow_range_find(rule, y, NULL, w, 0.0, lo, hi, &r, &err), err);
    return r;
}

START_TEST(test_range_rules_match_hand_values)
{
    /* Calibration vectors 0 and 2 hold {2, 11, 5, 3}; what is scored must not count.  Places
     * 0.003 and 2.997 of 2, 3, 5, 11. */
    struct ow_matrix y = matrix(4, 2, (const double[]){2, 11, -99, 99, 5, 3, 77, -77});
    struct ow_range r = range(OW_RANGE_CALIBRATED, &y, NULL, 0.0, 0.0);
    ck_assert_close(r.lo, 2.003, 1e-14, 0.0);
    ck_assert_close(r.hi, 5.0 + 0.997 * 6.0, 1e-14, 0.0);
    ck_assert(r.is_from_few);
    ow_matrix_finish(&y);

    /* 1001 pooled values 0 .. 1000, out of order: percentiles 0.1 and 99.9 are 1 and 999. */
    y = matrix(286, 7, NULL);
    for (size_t k = 0; k < 286 * 7; k++)
        y.a[k] = k / 7 % 2 ? 1e6 : (double)((k / 14 * 7 + k % 7) * 379 % 1001);
    r = range(OW_RANGE_CALIBRATED, &y, NULL, 0.0, 0.0);
    ck_assert_close(r.lo, 1.0, 1e-12, 0.0);
    ck_assert_close(r.hi, 999.0, 1e-12, 0.0);
    ck_assert(!r.is_from_few);     /* 143 vectors */
    y.rows = 2 * OW_RANGE_FEW - 1; /* 0, 2, .. 198 are just enough */
    ck_assert(!range(OW_RANGE_CALIBRATED, &y, NULL, 0.0, 0.0).is_from_few);
    y.rows -= 2;
    ck_assert(range(OW_RANGE_CALIBRATED, &y, NULL, 0.0, 0.0).is_from_few);
    ow_matrix_finish(&y);

    /* Columns reach from -1.5 to 1.25 and from -2 to 1.3. */
    struct ow_matrix w = matrix(3, 2, (const double[]){0.5, -2.0, -1.5, 0.3, 0.75, 1.0});
    r = range(OW_RANGE_MAX, NULL, &w, 0.0, 0.0);
    ck_assert(r.lo == -2.0 && fabs(r.hi - 1.3) < 1e-15);
    ow_matrix_finish(&w);
    w = matrix(3, 1, (const double[]){0.5, -1.75, 0.75}); /* one column: FS = sum |w| */
    r = range(OW_RANGE_MAX, NULL, &w, 0.0, 0.0);
    ck_assert(r.hi - r.lo == 3.0);
    /* with inputs from -1 on, to both sides */
    struct ow_error err = {0};
    ck_assert_ok(ow_range_find(OW_RANGE_MAX, NULL, NULL, &w, -1.0, 0.0, 0.0, &r, &err), err);
    ck_assert(r.lo == -3.0 && r.hi == 3.0);
    ow_matrix_finish(&w);
    r = range(OW_RANGE_FIXED, NULL, NULL, -0.3, 1.7);
    ck_assert(r.lo == -0.3 && r.hi == 1.7);
    r = range(OW_RANGE_FIXED, NULL, NULL, 0.4, 0.4); /* FS = 0 is legal: measures are null */
    ck_assert(r.lo == r.hi);
}
END_TEST

START_TEST(test_bad_ranges_are_refused)
{
    static const struct {
        double lo, hi;
    } bad[] = {{1.0, -1.0}, {NAN, 1.0}, {0.0, NAN}, {-INFINITY, 0.0}, {0.0, INFINITY}};
    struct ow_error err = {0};
    struct ow_range r = {.lo = 5.0};
    for (size_t k = 0; k < LEN(bad); k++) {
        ck_assert_int_eq(ow_range_find(OW_RANGE_FIXED, NULL, NULL, NULL, 0.0, bad[k].lo,
                                       bad[k].hi, &r, &err),
                         OW_ERR_INPUT);
        ck_assert_msg(strstr(err.text, "adc.range"), "%s", err.text);
    }
    static const bool none[4] = {false};
    struct ow_matrix y = matrix(4, 2, y_a);
    ck_assert_int_eq(
        ow_range_find(OW_RANGE_CALIBRATED, &y, none, NULL, 0.0, 0.0, 0.0, &r, &err),
        OW_ERR_INPUT);
    ck_assert_msg(strstr(err.text, "calibration.vectors"), "%s", err.text);
    ck_assert(r.lo == 5.0);
    ow_matrix_finish(&y);
}
END_TEST

START_TEST(test_converter_reads_the_centre_of_each_bin)
{
    /* 2 bits from -1 to 3: bins of 1, read at -0.5, 0.5, 1.5, 2.5 */
    static const double in[] = {-0.7, 0.0, 0.99, 1.3, 2.2, 3.0, 9.0, -5.0};
    static const double out[] = {-0.5, 0.5, 0.5, 1.5, 2.5, 2.5, 2.5, -0.5};
    const struct ow_range r = {.lo = -1.0, .hi = 3.0}, empty = {.lo = 2.0, .hi = 2.0};
    struct ow_matrix y = matrix(2, 4, in);
    ow_adc_quantise(&y, &r, 0);
    ow_adc_quantise(&y, &empty, 3);
    ck_assert(memcmp(y.a, in, sizeof in) == 0);
    ow_adc_quantise(&y, &r, 2);
    for (size_t k = 0; k < 8; k++)
        ck_assert_close(y.a[k], out[k], 1e-15, 0.0);
    ow_matrix_finish(&y);
}
END_TEST

/* The definition of enob: an ideal converter has as many effective bits as it has bits. */
START_TEST(test_ideal_converter_has_its_own_bits)
{
    const unsigned bits = 5;
    enum { N = 3200 }; /* 100 points a bin, midway between steps: variance low by 1e-4 */
    const struct ow_range r = {.lo = -0.35, .hi = 1.85};
    struct products p = {matrix(N, 1, NULL), matrix(N, 1, NULL), matrix(N, 1, NULL)};
    for (size_t k = 0; k < N; k++)
        p.y.a[k] = p.yq.a[k] = p.yc.a[k] = r.lo + (r.hi - r.lo) * ((double)k + 0.5) / N;
    ow_adc_quantise(&p.yc, &r, bits);
    static const bool none[N] = {false};
    const struct ow_accuracy a = accuracy(&p, none, NULL, r.hi - r.lo);
    ck_assert_close(a.raw.total.enob, 5.0, 1e-4, 0.0);
    ck_assert(a.raw.total.max_fs <= 1.0 / 64.0 && a.raw.total.max_fs > 0.98 / 64.0);
    finish(&p);
}
END_TEST

START_TEST(test_clipping_is_within_1_percent_of_a_rail)
{
    static const double v[] = {0.8915, 0.88, 0.8905, 0.0, -0.8915, -0.95, -0.7};
    ck_assert_close(ow_clipped_fraction(v, 7, 0.9), 3.0 / 7.0, 1e-15, 0.0); /* 0.891 */
    ck_assert(ow_clipped_fraction(v, 7, INFINITY) == 0.0);
    ck_assert(ow_clipped_fraction((const double[]){0.99 * 0.9}, 1, 0.9) == 1.0); /* the edge */
    ck_assert(isnan(ow_clipped_fraction(v, 0, 0.9)));
}
END_TEST

/* ---- cost ------------------------------------------------------------------------------- */

static const struct ow_cost_spec spec = {.n_in = 5,
                                         .n_out = 3,
                                         .v_supply = 0.7,
                                         .n_amp = 6,
                                         .vdd = 1.8,
                                         .i_q = 21e-6,
                                         .t_cycle = 19e-9,
                                         .n_dac = 5,
                                         .n_adc = 3,
                                         .e_dac = NAN,
                                         .e_adc = 0.4e-12,
                                         .input_bits = 4.0,
                                         .weight_bits = 2.5};

/* Two vectors, pJ, uneven; they are off balance by +0.06 and -0.02 of 8 and 4 that flowed. */
static struct ow_energy vector(int k)
{
    struct ow_energy e = {.source = 5.0,
                          .supply = 9.0,
                          .quiescent = 6.0,
                          .output = 3.0,
                          .drivers = 0.4,
                          .devices = 2.1,
                          .wires = 0.9,
                          .sense = 10.2,
                          .stored = 0.34,
                          .throughput = 8.0,
                          .charge = 11.0};
    if (k)
        e = (struct ow_energy){.source = 3.0,
                               .supply = 7.0,
                               .quiescent = 6.0,
                               .output = 1.0,
                               .drivers = 0.2,
                               .devices = 1.5,
                               .wires = 0.5,
                               .sense = 7.6,
                               .stored = 0.22,
                               .throughput = 4.0,
                               .charge = 5.0};
    double *y = (double *)(void *)&e;
    for (size_t j = 0; j < sizeof e / sizeof *y; j++)
        y[j] *= 1e-12;
    return e;
}

START_TEST(test_cost_matches_hand_values)
{
    const struct ow_energy e[] = {vector(0), vector(1)};
    const struct ow_cost c = ow_cost_measure(&spec, e, 2, 2);
    const double tol = 1e-13;
    ck_assert_close(c.physical.source, 4e-12, tol, 0.0);
    ck_assert_close(c.physical.supply, 8e-12, tol, 0.0);
    ck_assert_close(c.physical.drivers, 0.3e-12, tol, 0.0);
    ck_assert_close(c.physical.devices, 1.8e-12, tol, 0.0);
    ck_assert_close(c.physical.wires, 0.7e-12, tol, 0.0);
    ck_assert_close(c.physical.sense, 8.9e-12, tol, 0.0);
    ck_assert_close(c.physical.stored, 0.28e-12, tol, 0.0);
    ck_assert_close(c.physical.quiescent, 6e-12, tol, 0.0);
    ck_assert_close(c.balance_residual, (0.06 + 0.02) / 12.0, 1e-11, 0.0); /* cancellation */
    /* 8 pC x 0.7 V; 6 x 1.8 V x 21 uA x 19 ns + 2 pJ; 3 x 0.4 pJ; 15 MACs */
    ck_assert_close(c.billed.drivers, 5.6e-12, tol, 0.0);
    ck_assert_close(c.billed.amplifiers, 4.3092e-12 + 2e-12, tol, 0.0);
    ck_assert(isnan(c.billed.dac));
    ck_assert_close(c.billed.adc, 1.2e-12, tol, 0.0);
    ck_assert_close(c.billed.total, 13.1092e-12, tol, 0.0);
    ck_assert_close(c.per_mac_array, 11.9092e-12 / 15.0, tol, 0.0);
    ck_assert_close(c.per_mac, 13.1092e-12 / 15.0, tol, 0.0);
    ck_assert_close(c.tops_per_watt, 30.0 / 13.1092, tol, 0.0); /* 2 x 15 / 13.1 pJ */
    ck_assert_close(c.tops_per_watt_1b, 300.0 / 13.1092, tol, 0.0);
    ck_assert(c.has_adc && !c.has_dac);
    char text[96];
    ow_cost_scope(&spec, &c, text);
    ck_assert_str_eq(text, "array with drivers, amplifiers and ADC, without DAC");
    /* two readings of one vector: the energies add up, what does not balance too, also where
     * one has too much and the other too little */
    const struct ow_cost sum = ow_cost_measure(&spec, e, 2, 1);
    ck_assert_close(sum.physical.devices, 2.0 * c.physical.devices, tol, 0.0);
    ck_assert_close(sum.billed.drivers, 2.0 * c.billed.drivers, tol, 0.0);
    ck_assert_close(sum.balance_residual, (0.06 + 0.02) / 12.0, 1e-11, 0.0);
}
END_TEST

START_TEST(test_cost_says_what_is_not_specified)
{
    const struct ow_energy e[] = {vector(0), vector(1)};
    struct ow_cost_spec s = spec;
    char text[96];
    s.e_adc = NAN;
    s.weight_bits = 0.0; /* continuous */
    s.n_amp = 0;
    struct ow_cost c = ow_cost_measure(&s, e, 2, 2);
    ck_assert(isnan(c.billed.adc) && c.per_mac == c.per_mac_array);
    ck_assert(isfinite(c.tops_per_watt) && isnan(c.tops_per_watt_1b));
    ow_cost_scope(&s, &c, text);
    ck_assert_str_eq(text, "array with drivers, without DAC and ADC");
    s.e_dac = 0.25e-12;
    c = ow_cost_measure(&s, e, 2, 2);
    ck_assert_close(c.billed.total, 5.6e-12 + 2e-12 + 5.0 * 0.25e-12, 1e-13, 0.0);
    s.e_dac = 0.0; /* specified as nothing is not the same as not specified */
    c = ow_cost_measure(&s, e, 2, 2);
    ck_assert(c.billed.dac == 0.0 && c.has_dac);
    c = ow_cost_measure(&s, e, 0, 0);
    ck_assert(isnan(c.per_mac) && isnan(c.tops_per_watt) && isnan(c.balance_residual) &&
              isnan(c.physical.devices));
    s.v_supply = 0.0;
    const struct ow_energy nothing = {0};
    c = ow_cost_measure(&s, &nothing, 1, 1);
    ck_assert(c.per_mac == 0.0 && isnan(c.tops_per_watt) && c.balance_residual == 0.0);
}
END_TEST

START_TEST(test_cycle_inputs_and_hand_check)
{
    const struct ow_pulse p = {.t_rise = 0.6e-9, .t_read = 9e-9};
    ck_assert_close(ow_cycle_time(&p, 3e-9, 4), 2.0 * 9.6e-9 + 12e-9, 1e-14, 0.0);
    struct ow_matrix x = matrix(2, 3, (const double[]){0.0, 0.5, 1.0, 0.25, 0.75, 0.0});
    const struct ow_input_statistics s = ow_input_statistics(&x);
    ck_assert_close(s.mean, 2.5 / 6.0, 1e-15, 0.0);
    ck_assert_close(s.mean_square, 1.875 / 6.0, 1e-15, 0.0);
    ck_assert_close(s.zeros, 2.0 / 6.0, 1e-15, 0.0);
    ow_matrix_finish(&x);
    struct ow_matrix g = matrix(2, 3, (const double[]){1e-6, 2e-6, 3e-6, 1e-5, 2e-5, 4e-5});
    /* (6 uS 0.04 V^2 + 70 uS 0.01 V^2) (9 + 0.4) ns */
    ck_assert_close(ow_hand_check(&g, (const double[]){0.2, -0.1}, &p), 0.94e-6 * 9.4e-9, 1e-14,
                    0.0);
    ow_matrix_finish(&g);
}
END_TEST

/* The third of each edge is the integral of the pulse that the simulator applies. */
START_TEST(test_hand_check_is_the_integral_of_the_pulse)
{
    const struct ow_pulse p = {.t_rise = 0.6e-9, .t_read = 2.3e-9};
    enum { N = 200000 };
    double sum = 0.0; /* midpoint rule: error (h / t_rise)^2 */
    for (size_t k = 0; k < N; k++) {
        const double y = ow_pulse_at(&p, ((double)k + 0.5) / N * ow_pulse_end(&p));
        sum += 3e-5 * 0.04 * y * y * ow_pulse_end(&p) / N;
    }
    struct ow_matrix g = matrix(1, 1, (const double[]){3e-5});
    ck_assert_close(ow_hand_check(&g, (const double[]){0.2}, &p), sum, 1e-8, 0.0);
    ow_matrix_finish(&g);
}
END_TEST

/* ---- latency ---------------------------------------------------------------------------- */

/* Columns (v0, v1, v2, v3): two outputs.  The first settles at 0.5 V, the second at -0.2 V. */
static const double v_dc[] = {0.6, 0.1, 0.3, 0.5};

static struct ow_waveform waveform(size_t n, const double t[], const double e0[],
                                   const double e1[])
{
    struct ow_waveform w = {0};
    for (size_t k = 0; k < n; k++) {
        const double v[] = {0.6 + 0.75 * e0[k], 0.1 - 0.25 * e0[k], 0.3, 0.5 - e1[k]};
        ck_assert_int_eq(ow_waveform_append(&w, 4, t[k], v), OW_OK);
    }
    return w;
}
static void finish_waveform(struct ow_waveform *w)
{
    free(w->t), free(w->v);
}

static const struct ow_lines pair = {.scheme = OW_SCHEME_DIFFERENTIAL, .n = 1},
                             pairs = {.scheme = OW_SCHEME_DIFFERENTIAL, .n = 2};

/* Band 0.1 V, sampled at 10 s; what the outputs are off at t = 0, 2, 4, 6, 10, 12. */
/* clang-format off */
static const double t6[] = {0.0, 2.0, 4.0, 6.0, 10.0, 12.0};
static const struct { double e0[6], e1[6], latency; } wave[] = {
    {{-0.5, -0.3, -0.05, 0.0, 0.0, -0.5}, {0}, 3.6},   /* -0.3 to -0.05 crosses after 0.8 of 2 s */
    {{-0.5, -0.3, -0.05, 0.0, 0.0, -0.5}, {0.2, 0.2, 0.15, 0.05, 0.0, 0.2}, 5.0}, /* the later counts */
    {{-0.5, 0.3, -0.1, 0.0, 0.0, 0.0},    {0}, 3.0},   /* through the whole band, in from above  */
    {{-0.5, 0.0, 0.0, 0.2, 0.0, 0.0},     {0}, 8.0},   /* settled once, out again, in for good   */
    {{0.05, 0.1, -0.1, 0.0, 0.0, 0.9},    {0}, 0.0},   /* the edge belongs to the band           */
    {{-0.5, 0.0, 0.0, 0.0, 0.11, 0.0},    {0}, NAN},   /* out at the sample                      */
    {{0.0, 0.0, 0.0, 0.0, 0.0, 0.0},      {-0.3, -0.3, -0.3, -0.3, -0.3, 0.0}, NAN},
};
/* clang-format on */

START_TEST(test_settling_matches_hand_values)
{
    struct ow_waveform w = waveform(6, t6, wave[_i].e0, wave[_i].e1);
    const double t = ow_latency_settle(&w, 4, &pairs, v_dc, 0.1 * (1.0 + 1e-14), 10.0);
    ck_assert(isnan(t) == isnan(wave[_i].latency));
    if (!isnan(t))
        ck_assert_close(t, wave[_i].latency, 1e-12, 1e-12);
    finish_waveform(&w);
}
END_TEST

START_TEST(test_settling_between_points_and_beyond_the_waveform)
{
    struct ow_waveform w = waveform(6, t6, wave[0].e0, wave[0].e1);
    /* At 11 s, between points, the output is 0.25 V off; at 10.2 s still in the band. */
    ck_assert(isnan(ow_latency_settle(&w, 4, &pairs, v_dc, 0.1, 11.0)));
    ck_assert_close(ow_latency_settle(&w, 4, &pairs, v_dc, 0.1, 10.2), 3.6, 1e-12, 0.0);
    ck_assert(isnan(ow_latency_settle(&w, 4, &pairs, v_dc, 0.1, 12.5))); /* not recorded */
    struct ow_waveform u = waveform(6, t6, wave[3].e0, wave[3].e1); /* falls from 6 to 10 s */
    ck_assert(isnan(ow_latency_settle(&u, 4, &pairs, v_dc, 0.1, 7.5)));
    ck_assert_close(ow_latency_settle(&u, 4, &pairs, v_dc, 0.1, 9.0), 8.0, 1e-12, 0.0);
    finish_waveform(&u);
    ck_assert(isnan(ow_latency_settle(&w, 4, &pairs, v_dc, 0.0, 10.0)));
    ck_assert(isnan(ow_latency_settle(&w, 4, &pairs, v_dc, NAN, 10.0)));
    finish_waveform(&w);
    w = (struct ow_waveform){0};
    ck_assert(isnan(ow_latency_settle(&w, 4, &pairs, v_dc, 0.1, 0.0)));
    /* The edge of the band belongs to it, at the sample and before. */
    for (size_t k = 0; k < 3; k++)
        ck_assert_int_eq(ow_waveform_append(&w, 2, (double)k, (const double[]){0.125, 0.0}),
                         OW_OK);
    ck_assert(ow_latency_settle(&w, 2, &pair, (const double[]){0.0, 0.0}, 0.125, 2.0) == 0.0);
    finish_waveform(&w);
}
END_TEST

/* What is left of a triangle of 2 s and 1 V, then nothing: 0.5 V s from its top, at 1 s, on;
 * (2 - t)^2 / 2 = 0.08 at 1.6 s; straight lines between points 1 s apart, of the integral,
 * reach 0.08 after 1 - 0.16 s of the second. */
START_TEST(test_integrals_settle_by_hand)
{
    struct ow_waveform w = {0};
    static const double v[] = {0.0, 1.0, 0.0, 0.0};
    for (size_t k = 0; k < 4; k++)
        ck_assert_int_eq(ow_waveform_append(&w, 2, (double)k, (const double[]){v[k], 0.0}),
                         OW_OK);
    ck_assert_close(ow_latency_settle_integral(&w, 2, &pair, 0.08), 1.84, 1e-12, 0.0);
    ck_assert_close(ow_latency_settle_integral(&w, 2, &pair, 0.75), 0.5, 1e-12, 0.0);
    ck_assert(ow_latency_settle_integral(&w, 2, &pair, 1.0) == 0.0);
    ck_assert(isnan(ow_latency_settle_integral(&w, 2, &pair, 0.0)));
    finish_waveform(&w);
}
END_TEST

START_TEST(test_exponential_settles_after_the_logarithm)
{
    enum { N = 4000 };
    const double tau = 1.3e-9, end = 20e-9;
    struct ow_waveform w = {0};
    for (size_t k = 0; k <= N; k++) {
        const double t = end * (double)k / N, v[] = {1.0 - exp(-t / tau), 0.0};
        ck_assert_int_eq(ow_waveform_append(&w, 2, t, v), OW_OK);
    }
    const double band = ow_latency_band(1.0, 6);
    ck_assert(band == 1.0 / 128.0);
    ck_assert(ow_latency_band(1.0, 0) == 1.0 / 512.0);
    /* chord against curve: (step / tau)^2 / 8 of the band */
    ck_assert_close(ow_latency_settle(&w, 2, &pair, (const double[]){1.0, 0.0}, band, 19e-9),
                    tau * log(128.0), 1e-6, 0.0);
    finish_waveform(&w);
}
END_TEST

START_TEST(test_summary_takes_the_unsettled_as_latest)
{
    double odd[] = {3.0, 1.0, 7.0}, even[] = {9.0, 2.0, 4.0, 1.0};
    struct ow_latency l = ow_latency_summary(odd, 3);
    ck_assert(l.median == 3.0 && l.worst == 7.0 && l.n_settled == 3);
    l = ow_latency_summary(even, 4);
    ck_assert(l.median == 3.0 && l.worst == 9.0);
    double some[] = {NAN, 2.0, 5.0, NAN, 1.0}, half[] = {NAN, 2.0, NAN, 1.0};
    l = ow_latency_summary(some, 5);
    ck_assert(l.median == 5.0 && isnan(l.worst) && l.n_settled == 3);
    l = ow_latency_summary(half, 4);
    ck_assert(isnan(l.median) && isnan(l.worst) && l.n_settled == 2);
    l = ow_latency_summary(NULL, 0);
    ck_assert(isnan(l.median) && isnan(l.worst) && l.n_settled == 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("measure");
    TCase *a = tcase_create("accuracy"), *c = tcase_create("cost"),
          *l = tcase_create("latency");
    tcase_add_test(a, test_raw_errors_match_hand_values);
    tcase_add_test(a, test_calibrated_errors_match_hand_values);
    tcase_add_test(a, test_calibration_vectors_are_those_named);
    tcase_add_test(a, test_calibration_removes_gain_and_offset_and_nothing_else);
    tcase_add_test(a, test_measures_are_invariant);
    tcase_add_test(a, test_what_is_not_defined_is_nan_and_never_infinite);
    tcase_add_test(a, test_fit_without_variance_keeps_the_gain);
    tcase_add_test(a, test_top1_counts_largest_outputs);
    tcase_add_test(a, test_accuracy_refuses_what_cannot_be_compared);
    tcase_add_test(a, test_range_rules_match_hand_values);
    tcase_add_test(a, test_bad_ranges_are_refused);
    tcase_add_test(a, test_converter_reads_the_centre_of_each_bin);
    tcase_add_test(a, test_ideal_converter_has_its_own_bits);
    tcase_add_test(a, test_clipping_is_within_1_percent_of_a_rail);
    tcase_add_test(c, test_cost_matches_hand_values);
    tcase_add_test(c, test_cost_says_what_is_not_specified);
    tcase_add_test(c, test_cycle_inputs_and_hand_check);
    tcase_add_test(c, test_hand_check_is_the_integral_of_the_pulse);
    tcase_add_loop_test(l, test_settling_matches_hand_values, 0, (int)LEN(wave));
    tcase_add_test(l, test_settling_between_points_and_beyond_the_waveform);
    tcase_add_test(l, test_integrals_settle_by_hand);
    tcase_add_test(l, test_exponential_settles_after_the_logarithm);
    tcase_add_test(l, test_summary_takes_the_unsettled_as_latest);
    suite_add_tcase(s, a);
    suite_add_tcase(s, c);
    suite_add_tcase(s, l);
    return run_suite(s);
}
