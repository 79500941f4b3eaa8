/* What a loop says: its figures, and how far two loops are apart. */
#include <math.h>
#include <string.h>

#include "ow_compare.h"
#include "ow_iv.h"

/* Below this share of the largest voltage, i/v is a ratio of rounding errors. */
static const double SMALL_VOLTAGE = 1e-3;

/* Conductances this near are one: the device has not switched. */
static const double LEAST_RATIO = 2.0;

struct span {
    size_t begin, end; /* rows begin .. end - 1 */
};

/* A row that is a rounding error outside still belongs. */
static struct span rows_between(const struct ow_iv_wave *w, double t0, double t1)
{
    const double near = 1e-9 * (t1 - t0);
    struct span s = {0, 0};
    while (s.begin < w->n && ow_iv_row(w, s.begin)[OW_IV_T] < t0 - near)
        s.begin++;
    for (s.end = s.begin; s.end < w->n && ow_iv_row(w, s.end)[OW_IV_T] <= t1 + near; s.end++) {
    }
    return s;
}

static void extremes(const struct ow_iv_wave *w, struct span s, size_t state,
                     struct ow_iv_figures *f)
{
    f->v_min = f->i_min = INFINITY;
    f->v_max = f->i_max = -INFINITY;
    for (size_t k = s.begin; k < s.end; k++) {
        const double *r = ow_iv_row(w, k);
        f->v_min = fmin(f->v_min, r[OW_IV_V]);
        f->v_max = fmax(f->v_max, r[OW_IV_V]);
        f->i_min = fmin(f->i_min, r[OW_IV_I]);
        f->i_max = fmax(f->i_max, r[OW_IV_I]);
        if (w->n_state) { /* fmin and fmax pass over NaN */
            f->x_min = fmin(f->x_min, r[OW_IV_X + state]);
            f->x_max = fmax(f->x_max, r[OW_IV_X + state]);
        }
    }
}

/* Trapezoidal rule; the strip of i dv that crosses v = 0 is as good as empty there. */
static void integrals(const struct ow_iv_wave *w, struct span s, struct ow_iv_figures *f)
{
    for (size_t k = s.begin + 1; k < s.end; k++) {
        const double *a = ow_iv_row(w, k - 1), *b = ow_iv_row(w, k);
        const double dt = b[OW_IV_T] - a[OW_IV_T];
        const double strip = 0.5 * (a[OW_IV_I] + b[OW_IV_I]) * (b[OW_IV_V] - a[OW_IV_V]);
        f->energy += 0.5 * dt * (a[OW_IV_V] * a[OW_IV_I] + b[OW_IV_V] * b[OW_IV_I]);
        f->energy_source +=
            0.5 * dt * (a[OW_IV_SOURCE] * a[OW_IV_I] + b[OW_IV_SOURCE] * b[OW_IV_I]);
        f->area[a[OW_IV_V] + b[OW_IV_V] < 0.0] += strip;
    }
    f->area[0] = fabs(f->area[0]);
    f->area[1] = fabs(f->area[1]);
}

static void switching(const struct ow_iv_wave *w, struct span s, struct ow_iv_figures *f)
{
    const double least_v = SMALL_VOLTAGE * fmax(f->v_max, -f->v_min);
    double g_min = INFINITY, g_max = 0.0;
    for (size_t k = s.begin; k < s.end; k++) {
        const double *r = ow_iv_row(w, k);
        const double g = fabs(r[OW_IV_V]) > least_v ? r[OW_IV_I] / r[OW_IV_V] : 0.0;
        if (g > 0.0) {
            g_min = fmin(g_min, g);
            g_max = fmax(g_max, g);
        }
    }
    if (!(g_max > LEAST_RATIO * g_min))
        return;
    const double middle = sqrt(g_min) * sqrt(g_max);
    int was_on = -1;
    double v_before = NAN; /* the bias that made it switch, not what is left afterwards */
    for (size_t k = s.begin; k < s.end; k++) {
        const double *r = ow_iv_row(w, k);
        if (!(fabs(r[OW_IV_V]) > least_v))
            continue;
        const int is_on = r[OW_IV_I] / r[OW_IV_V] > middle;
        if (was_on == 0 && is_on && isnan(f->v_set))
            f->v_set = v_before;
        if (was_on == 1 && !is_on && isnan(f->v_reset))
            f->v_reset = v_before;
        was_on = is_on;
        v_before = r[OW_IV_V];
    }
}

/* Where the source passes +-v_read: both numbers are interpolated there. */
static void resistances(const struct ow_iv_wave *w, struct span s, double v_read,
                        struct ow_iv_figures *f)
{
    for (size_t k = s.begin + 1; k < s.end; k++) {
        const double *a = ow_iv_row(w, k - 1), *b = ow_iv_row(w, k);
        const double from = fabs(a[OW_IV_SOURCE]) - v_read;
        const double to = fabs(b[OW_IV_SOURCE]) - v_read;
        if (!(from * to < 0.0 || (to == 0.0 && from != 0.0)))
            continue;
        const double u = from / (from - to);
        const double v = a[OW_IV_V] + u * (b[OW_IV_V] - a[OW_IV_V]);
        const double i = a[OW_IV_I] + u * (b[OW_IV_I] - a[OW_IV_I]);
        if (!(fabs(i) > 0.0))
            continue;
        f->r_on = fmin(f->r_on, v / i);
        f->r_off = fmax(f->r_off, v / i);
    }
}

static size_t program_state(const struct ow_model *m)
{
    size_t s = 0;
    while (s + 1 < m->n_state && m->state[s].init != m->program)
        s++;
    return s;
}

void ow_iv_measure(const struct ow_model *model, const struct ow_iv_wave *wave, double t0,
                   double t1, double v_read, struct ow_iv_figures *out)
{
    const struct span s = rows_between(wave, t0, t1);
    struct ow_iv_figures f = {
        .x_min = NAN, .x_max = NAN, .v_set = NAN, .v_reset = NAN, .r_on = NAN, .r_off = NAN};
    extremes(wave, s, program_state(model), &f);
    integrals(wave, s, &f);
    if (wave->n_state > 0) /* without, i(v) is a curve and nothing switches */
        switching(wave, s, &f);
    resistances(wave, s, v_read, &f);
    *out = f;
}

/* ---- two curves ----------------------------------------------------------------------- */

/* The piecewise linear curve of one column, seen through a window that only moves on. */
struct window {
    const struct ow_iv_wave *wave;
    size_t column, first; /* first: the last row before the window, or 0 */
};

static double between(const double *a, const double *b, size_t column, double t)
{
    const double dt = b[OW_IV_T] - a[OW_IV_T];
    return dt > 0.0 ? a[column] + (t - a[OW_IV_T]) / dt * (b[column] - a[column]) : b[column];
}

/* Least and largest value from t0 to t1. */
static void range_in(struct window *w, double t0, double t1, double *lo, double *hi)
{
    const size_t n = w->wave->n;
    *lo = INFINITY;
    *hi = -INFINITY;
    while (w->first + 1 < n && ow_iv_row(w->wave, w->first + 1)[OW_IV_T] < t0)
        w->first++;
    for (size_t k = w->first; k < n; k++) {
        const double *r = ow_iv_row(w->wave, k);
        const double *next = k + 1 < n ? ow_iv_row(w->wave, k + 1) : r;
        double value[2] = {r[w->column], r[w->column]};
        if (r[OW_IV_T] > t1)
            break;
        if (r[OW_IV_T] < t0)
            value[0] = value[1] = between(r, next, w->column, t0);
        if (next[OW_IV_T] > t1)
            value[1] = between(r, next, w->column, t1);
        *lo = fmin(*lo, fmin(value[0], value[1]));
        *hi = fmax(*hi, fmax(value[0], value[1]));
    }
}

/* Worst distance of b's points from a's curve. */
static double distance(const struct ow_iv_wave *a, const struct ow_iv_wave *b, size_t column,
                       double edge, double *t_worst)
{
    struct window w = {.wave = a, .column = column};
    double worst = 0.0;
    for (size_t k = 0; k < b->n; k++) {
        const double *r = ow_iv_row(b, k);
        double lo, hi;
        range_in(&w, r[OW_IV_T] - edge, r[OW_IV_T] + edge, &lo, &hi);
        /* fmax() passes over NaN, which is the worst of all */
        const double d = isnan(r[column]) ? INFINITY : fmax(lo - r[column], r[column] - hi);
        if (d > worst) {
            worst = d;
            *t_worst = r[OW_IV_T];
        }
    }
    return worst;
}

/* Integrals of v i and of |v i|. */
static double energy(const struct ow_iv_wave *w, double *size)
{
    double sum = 0.0;
    *size = 0.0;
    for (size_t k = 1; k < w->n; k++) {
        const double *a = ow_iv_row(w, k - 1), *b = ow_iv_row(w, k);
        const double dt = b[OW_IV_T] - a[OW_IV_T];
        const double p = 0.5 * (a[OW_IV_V] * a[OW_IV_I] + b[OW_IV_V] * b[OW_IV_I]);
        sum += dt * p;
        *size += dt * fabs(p);
    }
    return sum;
}

/* Widen lo .. hi to what the column goes through. */
static void widen(const struct ow_iv_wave *w, size_t column, double *lo, double *hi)
{
    for (size_t k = 0; k < w->n; k++) {
        *lo = fmin(*lo, ow_iv_row(w, k)[column]);
        *hi = fmax(*hi, ow_iv_row(w, k)[column]);
    }
}

void ow_iv_compare(const struct ow_model *model, const struct ow_iv_wave *a,
                   const struct ow_iv_wave *b, double period, struct ow_iv_difference *out)
{
    const double edge = OW_IV_EDGE * period;
    struct ow_iv_difference d = {0};
    double i_lo = 0.0, i_hi = 0.0;
    widen(a, OW_IV_I, &i_lo, &i_hi);
    widen(b, OW_IV_I, &i_lo, &i_hi);
    const double i = fmax(-i_lo, i_hi);
    d.current = distance(a, b, OW_IV_I, edge, &d.t_current);
    if (i > 0.0)
        d.current /= i;
    for (size_t s = 0; s < model->n_state; s++) {
        /* The hazard left leaps at every jump, which hosts make at times that differ by the sum
         * of their errors so far; what the jump does shows in the other states. */
        if (model->fire && s == model->event_state)
            continue;
        /* A state that is no share of anything, such as a temperature, may go farther than
         * its nominal travel. */
        double t = 0.0, lo = model->state[s].lo, hi = model->state[s].hi;
        widen(a, OW_IV_X + s, &lo, &hi);
        widen(b, OW_IV_X + s, &lo, &hi);
        const double worst = distance(a, b, OW_IV_X + s, edge, &t) / (hi - lo);
        if (worst > d.state) {
            d.state = worst;
            d.t_state = t;
        }
    }
    double size_a, size_b;
    const double e_a = energy(a, &size_a), e_b = energy(b, &size_b);
    const double size = fmax(size_a, size_b);
    d.energy = size > 0.0 ? fabs(e_a - e_b) / size : fabs(e_a - e_b);
    d.is_ok =
        d.current <= OW_AGREE_SENSE && d.state <= OW_AGREE_STATE && d.energy <= OW_AGREE_ENERGY;
    *out = d;
}
