#include "ow_latency.h"

#include <math.h>
#include <stdlib.h>

double ow_latency_band(double fs, unsigned bits)
{
    return ldexp(fs, -(int)(bits ? bits : 8) - 1);
}

/* One output of a waveform. */
struct output {
    const struct ow_waveform *wave;
    size_t cols, k;
    const struct ow_lines *lines;
    double dc; /* V, where it should end */
};

/* What it is off its DC solution at a point of the waveform [V]. */
static double excess(const struct output *o, size_t point)
{
    return ow_lines_difference(o->lines, o->k, o->wave->v + point * o->cols) - o->dc;
}

/* Where the straight line from (t0, e0) to (t1, e1) comes into the band for good; |e0| is
 * above it and |e1| is not.  e1 may be on the other side of zero. */
static double entry(double t0, double e0, double t1, double e1, double band)
{
    const double edge = copysign(band, e0);
    return t0 + (t1 - t0) * (e0 - edge) / (e0 - e1);
}

/* The same for one output: from t_sample backwards to the last point outside. */
static double settle_one(const struct output *o, double band, double t_sample)
{
    const struct ow_waveform *wave = o->wave;
    size_t k = 0;
    while (k < wave->n && wave->t[k] < t_sample)
        k++;
    if (k == wave->n)
        return NAN;
    double t = wave->t[k], e = excess(o, k);
    if (t > t_sample && k > 0) { /* no point at t_sample itself */
        const double t0 = wave->t[k - 1], e0 = excess(o, k - 1);
        e = e0 + (e - e0) * (t_sample - t0) / (t - t0);
        t = t_sample;
    }
    if (!(fabs(e) <= band))
        return NAN;
    while (k-- > 0) {
        const double t0 = wave->t[k], e0 = excess(o, k);
        if (!(fabs(e0) <= band))
            return entry(t0, e0, t, e, band);
        t = t0;
        e = e0;
    }
    return 0.0;
}

double ow_latency_settle(const struct ow_waveform *wave, size_t cols,
                         const struct ow_lines *lines, const double v_dc[], double band,
                         double t_sample)
{
    double latest = 0.0;
    if (!(band > 0.0))
        return NAN;
    for (size_t k = 0; k < lines->n; k++) {
        const struct output o = {.wave = wave,
                                 .cols = cols,
                                 .k = k,
                                 .lines = lines,
                                 .dc = ow_lines_difference(lines, k, v_dc)};
        const double t = settle_one(&o, band, t_sample);
        if (isnan(t))
            return NAN;
        latest = fmax(latest, t);
    }
    return latest;
}

/* The same of one output's integral: what is left of it, from the end backwards. */
static double settle_integral(const struct output *o, double band)
{
    const struct ow_waveform *wave = o->wave;
    double left = 0.0;
    for (size_t k = wave->n; k-- > 1;) {
        const double dt = wave->t[k] - wave->t[k - 1];
        const double before = left + 0.5 * dt * (excess(o, k) + excess(o, k - 1));
        if (!(fabs(before) <= band))
            return entry(wave->t[k - 1], before, wave->t[k], left, band);
        left = before;
    }
    return 0.0;
}

double ow_latency_settle_integral(const struct ow_waveform *wave, size_t cols,
                                  const struct ow_lines *lines, double band)
{
    double latest = 0.0;
    if (!(band > 0.0))
        return NAN;
    for (size_t k = 0; k < lines->n; k++) {
        const struct output o = {.wave = wave, .cols = cols, .k = k, .lines = lines};
        latest = fmax(latest, settle_integral(&o, band));
    }
    return latest;
}

/* NaN after all numbers. */
static int by_time(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    if (isnan(x) || isnan(y))
        return !!isnan(x) - !!isnan(y);
    return (x > y) - (x < y);
}

struct ow_latency ow_latency_summary(double settle[], size_t n_vec)
{
    struct ow_latency l = {.median = NAN, .worst = NAN};
    if (n_vec == 0)
        return l;
    qsort(settle, n_vec, sizeof *settle, by_time);
    while (l.n_settled < n_vec && !isnan(settle[l.n_settled]))
        l.n_settled++;
    l.median = 0.5 * (settle[(n_vec - 1) / 2] + settle[n_vec / 2]);
    l.worst = settle[n_vec - 1];
    return l;
}
