/* How exact the products of a crossbar are.
 *
 *   Y   [n_vec][n_out]  X W in floating point
 *   Yq  [n_vec][n_out]  the same with the weights at their levels and quantised inputs
 *   Y'  [n_vec][n_out]  decoded from the circuit (after the ADC, if there is one)
 *
 * Three errors, each an estimate against its reference: total Y' - Y, circuit Y' - Yq,
 * quantisation Yq - Y.  Each is given raw, and after the least-squares gain and offset that
 * bring the estimate closest to its own reference, one pair for the array or one for each
 * column.  The fit sees the calibration vectors only; all three are scored on the others.
 * So a perfect circuit has no circuit error under any calibration, and its total error is
 * the quantisation error.
 *
 * NaN stands for "not defined" everywhere (null in JSON); nothing is ever infinite. */
#ifndef OW_ACCURACY_H
#define OW_ACCURACY_H

#include <stdbool.h>
#include <stddef.h>

#include "ow_matrix.h"
#include "ow_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* e over the scored samples, N = vectors x columns of them; all in the units of Y or
 * without.  All are NaN for N < 3. */
struct ow_deviation {
    double rel_l2;  /* ||e|| / ||Y||; NaN when Y is 0                                   */
    double csnr_db; /* 10 log10(var Y / mean e^2), var over all samples pooled, divided
                       by N; NaN when var Y or e is 0                                   */
    double rmse_fs; /* sqrt(mean e^2) / FS; NaN when FS is 0                            */
    double max_fs;  /* max |e| / FS; likewise                                           */
    double enob;    /* log2(FS / (sqrt(12) sqrt(mean e^2))): the bits of an ideal
                       quantiser with this rms error; NaN when FS or e is 0             */
};

struct ow_deviations {
    struct ow_deviation total, circuit, quantisation;
};

/* The output range, in the units of Y, from `lo` to `hi`; FS = hi - lo. */
enum ow_range_rule {
    OW_RANGE_CALIBRATED, /* the 0.1 and 99.9 percentiles of Y, all columns pooled, over the
                            calibration vectors.  Percentile p of n sorted values lies at
                            place (n - 1) p, counted from 0, linear in between           */
    OW_RANGE_MAX,        /* what no product with inputs in [least_input, 1] can leave; from 0
                            on: from the least column sum of negative weights to the
                            largest of positive ones, for one column FS = sum |w|; from -1
                            on: +- the largest column sum of |w|                         */
    OW_RANGE_FIXED       /* as given                                                     */
};

/* Below this many calibration vectors the percentiles hang on single values: warn. */
enum { OW_RANGE_FEW = 100 };

struct ow_range {
    double lo, hi;
    bool is_from_few; /* calibrated on fewer than OW_RANGE_FEW vectors */
};

/* Which vectors calibrate: is_calibration[n_vec], or NULL for vectors 0, 2, 4, ... */
bool ow_is_calibration(const bool is_calibration[], size_t k);

/* weights [n_in][n_out] and least_input (0, or -1 for signed ones) for OW_RANGE_MAX, fixed_lo
 * and fixed_hi for OW_RANGE_FIXED; unused otherwise.  OW_ERR_INPUT when there is no calibration
 * vector, when lo > hi or not finite; OW_ERR_NOMEM. */
enum ow_status ow_range_find(enum ow_range_rule rule, const struct ow_matrix *y,
                             const bool is_calibration[], const struct ow_matrix *weights,
                             double least_input, double fixed_lo, double fixed_hi,
                             struct ow_range *out, struct ow_error *err);

/* An ideal converter on decoded outputs, in place: 2^bits equal bins from lo to hi, each read
 * as its centre, so that the error is at most FS / 2^(bits + 1) within the range; beyond
 * it, the outermost bin.  bits = 0 or an empty range changes nothing. */
void ow_adc_quantise(struct ow_matrix *y, const struct ow_range *range, unsigned bits);

struct ow_accuracy_input {
    const struct ow_matrix *y, *yq, *circuit; /* Y, Yq, Y'; same sizes                 */
    const bool *is_calibration;               /* as above                              */
    const double *labels;                     /* NULL, or [n_vec] right columns, 0 ..  */
    double fs;                                /* units of Y                            */
};

struct ow_accuracy {
    double fs;
    struct ow_deviations raw, array, column;
    double top1;        /* fraction of all vectors whose largest raw Y' (the first, among
                           equals) is at the label; NaN without labels                   */
    double top1_ideal;  /* the same of Y                                                 */
    double top1_column; /* of Y' after calibration by column, over the scored vectors   */
    size_t n_vec, n_calibration, n_scored; /* vectors                                   */
};

/* With no vector left to score, raw is scored on all of them and the rest is NaN.  A gain
 * that the data do not fix (an estimate without variance) is 1, with the offset that fits.
 * OW_ERR_INPUT: sizes differ, values not finite, a label is no column. OW_ERR_NOMEM. */
enum ow_status ow_accuracy_measure(const struct ow_accuracy_input *in, struct ow_accuracy *out,
                                   struct ow_error *err);

/* Fraction of n sense voltages (V, against signal ground) that are within 1 % of a rail at
 * +-rail: |v| >= 0.99 rail.  NaN for n = 0. */
double ow_clipped_fraction(const double v[], size_t n, double rail);

#ifdef __cplusplus
}
#endif
#endif
