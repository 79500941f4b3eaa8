#include "ow_accuracy.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ow_is_calibration(const bool is_calibration[], size_t k)
{
    return is_calibration ? is_calibration[k] : k % 2 == 0;
}

/* ---- output range -------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the neighbours of place (n - 1) p. */
static double percentile(const double sorted[], size_t n, double p)
{
    const double place = (double)(n - 1) * p;
    const size_t k = (size_t)place;
    return k + 1 < n ? sorted[k] + (place - (double)k) * (sorted[k + 1] - sorted[k])
                     : sorted[n - 1];
}

static enum ow_status range_calibrated(const struct ow_matrix *y, const bool is_calibration[],
                                       struct ow_range *out, struct ow_error *err)
{
    size_t n_vec = 0, n = 0;
    for (size_t k = 0; k < y->rows; k++)
        n_vec += ow_is_calibration(is_calibration, k);
    if (n_vec == 0 || y->cols == 0)
        return ow_fail(err, OW_ERR_INPUT,
                       "calibration.vectors: none of %zu: adc.range needs at least one",
                       y->rows);
    double *all = malloc(n_vec * y->cols * sizeof *all);
    if (!all)
        return ow_fail(err, OW_ERR_NOMEM, "adc.range: out of memory");
    for (size_t k = 0; k < y->rows; k++)
        if (ow_is_calibration(is_calibration, k)) {
            memcpy(all + n, ow_matrix_row(y, k), y->cols * sizeof *all);
            n += y->cols;
        }
    qsort(all, n, sizeof *all, ascending);
    out->lo = percentile(all, n, 0.001);
    out->hi = percentile(all, n, 0.999);
    out->is_from_few = n_vec < OW_RANGE_FEW;
    free(all);
    return OW_OK;
}

static void range_max(const struct ow_matrix *w, double least_input, struct ow_range *out)
{
    for (size_t j = 0; j < w->cols; j++) {
        double lo = 0.0, hi = 0.0;
        for (size_t i = 0; i < w->rows; i++) {
            const double at_most = ow_matrix_row(w, i)[j], at_least = at_most * least_input;
            lo += fmin(at_most, at_least);
            hi += fmax(at_most, at_least);
        }
        out->lo = fmin(out->lo, lo);
        out->hi = fmax(out->hi, hi);
    }
}

enum ow_status ow_range_find(enum ow_range_rule rule, const struct ow_matrix *y,
                             const bool is_calibration[], const struct ow_matrix *weights,
                             double least_input, double fixed_lo, double fixed_hi,
                             struct ow_range *out, struct ow_error *err)
{
    struct ow_range r = {0};
    enum ow_status st = OW_OK;
    switch (rule) {
    case OW_RANGE_CALIBRATED:
        st = range_calibrated(y, is_calibration, &r, err);
        break;
    case OW_RANGE_MAX:
        range_max(weights, least_input, &r);
        break;
    case OW_RANGE_FIXED:
        r.lo = fixed_lo;
        r.hi = fixed_hi;
        break;
    }
    if (st != OW_OK)
        return st;
    if (!(r.lo <= r.hi && isfinite(r.hi - r.lo)))
        return ow_fail(err, OW_ERR_INPUT, "adc.range: [%g, %g]: expected lo <= hi, finite",
                       r.lo, r.hi);
    *out = r;
    return OW_OK;
}

void ow_adc_quantise(struct ow_matrix *y, const struct ow_range *range, unsigned bits)
{
    const double n_bin = ldexp(1.0, (int)bits);
    const double lsb = (range->hi - range->lo) / n_bin;
    if (bits == 0 || !(lsb > 0.0))
        return;
    for (size_t k = 0; k < y->rows * y->cols; k++) {
        const double bin = floor((y->a[k] - range->lo) / lsb);
        y->a[k] = range->lo + (fmin(fmax(bin, 0.0), n_bin - 1.0) + 0.5) * lsb;
    }
}

/* ---- calibration --------------------------------------------------------------------- */

enum calibration { RAW, ARRAY, COLUMN };

struct fit {
    double gain, offset;
};

/* One estimate, its reference, and which vectors are for what. */
struct pair {
    const struct ow_matrix *estimate, *reference;
    const bool *is_calibration;
};

/* Least squares of reference = gain estimate + offset over the calibration vectors and the
 * columns j0 .. j1-1.  Means first: the products of large, nearly equal numbers would
 * otherwise cancel. */
static struct fit fit_columns(const struct pair *p, size_t j0, size_t j1)
{
    double n = 0.0, x = 0.0, y = 0.0, sxx = 0.0, sxy = 0.0, largest = 0.0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t k = 0; k < p->estimate->rows; k++)
            for (size_t j = j0; ow_is_calibration(p->is_calibration, k) && j < j1; j++) {
                const double a = ow_matrix_row(p->estimate, k)[j];
                const double b = ow_matrix_row(p->reference, k)[j];
                if (pass == 0) {
                    n += 1.0;
                    x += a;
                    y += b;
                    largest = fmax(largest, fabs(a));
                } else {
                    sxx += (a - x) * (a - x);
                    sxy += (a - x) * (b - y);
                }
            }
        x /= pass == 0 ? n : 1.0;
        y /= pass == 0 ? n : 1.0;
    }
    /* Rounding of the mean alone leaves up to this much; no slope can be read from it. */
    const double noise = 4.0 * DBL_EPSILON * largest;
    const double gain = sxx > n * noise * noise ? sxy / sxx : 1.0;
    return (struct fit){gain, y - gain * x};
}

/* fit[n_out], the same one in every column for an array-wide calibration. */
static void fit_all(const struct pair *p, enum calibration how, struct fit fit[])
{
    const size_t cols = p->estimate->cols;
    const struct fit whole =
        how == ARRAY ? fit_columns(p, 0, cols) : (struct fit){.gain = 1.0, .offset = 0.0};
    for (size_t j = 0; j < cols; j++)
        fit[j] = how == COLUMN ? fit_columns(p, j, j + 1) : whole;
}

/* ---- scores -------------------------------------------------------------------------- */

static const struct ow_deviation undefined = {NAN, NAN, NAN, NAN, NAN};

/* What the scored samples are measured by: the same for all errors. */
struct yardstick {
    const struct ow_matrix *y;
    const bool *is_scored; /* [n_vec] */
    size_t n;              /* samples */
    double norm2, var;     /* sum Y^2; variance of Y */
    double fs;
};

static struct yardstick yardstick_of(const struct ow_accuracy_input *in, const bool is_scored[])
{
    struct yardstick s = {.y = in->y, .is_scored = is_scored, .fs = in->fs};
    double mean = 0.0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t k = 0; k < in->y->rows; k++)
            for (size_t j = 0; is_scored[k] && j < in->y->cols; j++) {
                const double y = ow_matrix_row(in->y, k)[j];
                if (pass == 0) {
                    s.n++;
                    s.norm2 += y * y;
                    mean += y;
                } else {
                    s.var += (y - mean) * (y - mean) / (double)s.n;
                }
            }
        if (pass == 0 && s.n)
            mean /= (double)s.n;
    }
    return s;
}

static struct ow_deviation score(const struct yardstick *s, const struct pair *p,
                                 const struct fit fit[])
{
    double e2 = 0.0, max = 0.0;
    if (s->n < 3)
        return undefined;
    for (size_t k = 0; k < p->estimate->rows; k++)
        for (size_t j = 0; s->is_scored[k] && j < p->estimate->cols; j++) {
            const double e = fit[j].gain * ow_matrix_row(p->estimate, k)[j] + fit[j].offset -
                             ow_matrix_row(p->reference, k)[j];
            e2 += e * e;
            max = fmax(max, fabs(e));
        }
    const double mean2 = e2 / (double)s->n, rms = sqrt(mean2);
    struct ow_deviation d = undefined;
    if (s->norm2 > 0.0)
        d.rel_l2 = sqrt(e2 / s->norm2);
    if (s->var > 0.0 && mean2 > 0.0)
        d.csnr_db = 10.0 * log10(s->var / mean2);
    if (s->fs > 0.0) {
        d.rmse_fs = rms / s->fs;
        d.max_fs = max / s->fs;
        if (rms > 0.0)
            d.enob = log2(s->fs / (sqrt(12.0) * rms));
    }
    return d;
}

static struct ow_deviations score_all(const struct ow_accuracy_input *in,
                                      const struct yardstick *s, enum calibration how,
                                      struct fit fit[])
{
    struct ow_deviations d;
    const struct pair quantisation = {in->yq, in->y, in->is_calibration};
    const struct pair circuit = {in->circuit, in->yq, in->is_calibration};
    const struct pair total = {in->circuit, in->y, in->is_calibration};
    fit_all(&quantisation, how, fit);
    d.quantisation = score(s, &quantisation, fit);
    fit_all(&circuit, how, fit);
    d.circuit = score(s, &circuit, fit);
    fit_all(&total, how, fit); /* last: ow_accuracy_measure() goes on with these */
    d.total = score(s, &total, fit);
    return d;
}

/* ---- classes ------------------------------------------------------------------------- */

/* Fraction of the chosen vectors whose largest output is at the label. */
static double top1(const struct ow_matrix *y, const double labels[], const struct fit fit[],
                   const bool is_chosen[])
{
    size_t n = 0, n_right = 0;
    for (size_t k = 0; k < y->rows; k++) {
        const double *row = ow_matrix_row(y, k);
        size_t best = 0;
        double most = -INFINITY;
        for (size_t j = 0; j < y->cols; j++) {
            const double v = fit ? fit[j].gain * row[j] + fit[j].offset : row[j];
            if (v > most) {
                most = v;
                best = j;
            }
        }
        n += !is_chosen || is_chosen[k];
        n_right += (!is_chosen || is_chosen[k]) && labels[k] == (double)best;
    }
    return n ? (double)n_right / (double)n : NAN;
}

/* ---- all together -------------------------------------------------------------------- */

static enum ow_status check_matrix(const struct ow_accuracy_input *in,
                                   const struct ow_matrix *m, const char *name,
                                   struct ow_error *err)
{
    if (m->rows != in->y->rows || m->cols != in->y->cols)
        return ow_fail(err, OW_ERR_INPUT, "%s is %zu x %zu and Y is %zu x %zu", name, m->rows,
                       m->cols, in->y->rows, in->y->cols);
    for (size_t k = 0; k < m->rows * m->cols; k++)
        if (!isfinite(m->a[k]))
            return ow_fail(err, OW_ERR_INPUT, "%s: output %zu of vector %zu is %g", name,
                           k % m->cols, k / m->cols, m->a[k]);
    return OW_OK;
}

static enum ow_status check_input(const struct ow_accuracy_input *in, struct ow_error *err)
{
    enum ow_status st = check_matrix(in, in->y, "Y", err);
    if (st == OW_OK)
        st = check_matrix(in, in->yq, "Yq", err);
    if (st == OW_OK)
        st = check_matrix(in, in->circuit, "Y'", err);
    if (st == OW_OK && !(in->fs >= 0.0 && isfinite(in->fs)))
        return ow_fail(err, OW_ERR_INPUT, "FS = %g: expected a finite number >= 0", in->fs);
    for (size_t k = 0; st == OW_OK && in->labels && k < in->y->rows; k++)
        if (!(in->labels[k] >= 0.0 && in->labels[k] < (double)in->y->cols &&
              in->labels[k] == floor(in->labels[k])))
            return ow_fail(err, OW_ERR_INPUT,
                           "label of vector %zu is %g: expected a whole number from 0 to %zu",
                           k, in->labels[k], in->y->cols - 1);
    return st;
}

static void measure(const struct ow_accuracy_input *in, bool is_scored[], struct fit fit[],
                    struct ow_accuracy *out)
{
    const size_t n_vec = in->y->rows;
    *out = (struct ow_accuracy){.fs = in->fs, .n_vec = n_vec};
    for (size_t k = 0; k < n_vec; k++) {
        is_scored[k] = !ow_is_calibration(in->is_calibration, k);
        out->n_scored += is_scored[k];
    }
    out->n_calibration = n_vec - out->n_scored;
    out->top1 = in->labels ? top1(in->circuit, in->labels, NULL, NULL) : NAN;
    out->top1_ideal = in->labels ? top1(in->y, in->labels, NULL, NULL) : NAN;
    out->top1_column = NAN;
    for (size_t k = 0; out->n_scored == 0 && k < n_vec; k++)
        is_scored[k] = true;
    const struct yardstick s = yardstick_of(in, is_scored);
    out->raw = score_all(in, &s, RAW, fit);
    out->array = out->column = (struct ow_deviations){undefined, undefined, undefined};
    if (out->n_scored == 0 || out->n_calibration == 0)
        return;
    out->array = score_all(in, &s, ARRAY, fit);
    out->column = score_all(in, &s, COLUMN, fit);
    if (in->labels)
        out->top1_column = top1(in->circuit, in->labels, fit, is_scored);
}

enum ow_status ow_accuracy_measure(const struct ow_accuracy_input *in, struct ow_accuracy *out,
                                   struct ow_error *err)
{
    enum ow_status st = check_input(in, err);
    if (st != OW_OK)
        return st;
    bool *is_scored = malloc((in->y->rows + 1) * sizeof *is_scored);
    struct fit *fit = malloc((in->y->cols + 1) * sizeof *fit);
    if (is_scored && fit)
        measure(in, is_scored, fit, out);
    else
        st = ow_fail(err, OW_ERR_NOMEM, "accuracy of %zu vectors: out of memory", in->y->rows);
    free(is_scored);
    free(fit);
    return st;
}

double ow_clipped_fraction(const double v[], size_t n, double rail)
{
    size_t n_clipped = 0;
    for (size_t k = 0; k < n; k++)
        n_clipped += fabs(v[k]) >= 0.99 * rail;
    return n ? (double)n_clipped / (double)n : NAN;
}
