/* The current-voltage loop: drive, circuit, runs against closed forms, figures, the
 * comparison, files, both hosts over the registry, and the command.
 *
 * Environment, set by meson: OW_PROGRAM, OW_NGSPICE, OW_HAS_SPICE (see test_cli.c). */
#include "ow_check.h"
#include "ow_compare.h"
#include "ow_iv.h"
#include "ow_ode.h"
#include "ow_sets.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define N(table) ((int)(sizeof(table) / sizeof(table)[0]))
static const double pi = 3.14159265358979324;

/* Set by meson where the code models are built; the environment wins. */
#ifndef OW_CODEMODEL
#define OW_CODEMODEL ""
#endif
static const char *codemodel(void)
{
    const char *path = getenv("OW_CODEMODEL");
    return path ? path : OW_CODEMODEL;
}

/* ---- the drive --------------------------------------------------------------------------- */

#define SINE(a, t)                                                                             \
    {                                                                                          \
        OW_IV_SINE, {a, -(a)}, t, 0.0, 0.0, 2                                                  \
    }
#define TRIANGLE(a, b, t)                                                                      \
    {                                                                                          \
        OW_IV_TRIANGLE, {a, b}, t, 0.0, 0.0, 2                                                 \
    }
#define PULSE(a, b, t, w, r)                                                                   \
    {                                                                                          \
        OW_IV_PULSE, {a, b}, t, w, r, 2                                                        \
    }

/* clang-format off */
static const struct { struct ow_iv_drive drive; double t, v; } instant[] = {
    {SINE(0.7, 3.0),                    0.25,       0.35},     /* sin 30 degrees          */
    {SINE(0.7, 3.0),                    3.0 + 2.25, -0.7},     /* second period           */
    {TRIANGLE(0.6, -1.1, 4.0),          0.5,        0.3},
    {TRIANGLE(0.6, -1.1, 4.0),          1.25,       0.45},
    {TRIANGLE(0.6, -1.1, 4.0),          2.5,        -0.55},
    {TRIANGLE(0.6, -1.1, 4.0),          7.75,       -0.275},
    {PULSE(0.9, -0.4, 10.0, 2.0, 0.5),  0.25,       0.45},     /* rising                  */
    {PULSE(0.9, -0.4, 10.0, 2.0, 0.5),  1.7,        0.9},      /* plateau 0.5 to 2.5      */
    {PULSE(0.9, -0.4, 10.0, 2.0, 0.5),  2.9,        0.18},     /* falling, a fifth left   */
    {PULSE(0.9, -0.4, 10.0, 2.0, 0.5),  4.0,        0.0},      /* waiting                 */
    {PULSE(0.9, -0.4, 10.0, 2.0, 0.5),  16.5,       -0.4},
};

static const struct { struct ow_iv_drive drive; const char *word; } bad_drive[] = {
    {SINE(0.0, 1.0),                    "amplitude: 0 V"},
    {SINE(NAN, 1.0),                    "amplitude: nan"},
    {{OW_IV_SINE, {1.0, -0.5}, 1.0, 0.0, 0.0, 1}, "second amplitude: -0.5 V"},
    {TRIANGLE(1.0, INFINITY, 1.0),      "second amplitude: inf"},
    {TRIANGLE(1.0, -1.0, 0.0),          "period: 0 s"},
    {PULSE(1.0, -1.0, 1.0, 0.4, 0.06),  "pulse: width 0.4 s"},
    {PULSE(1.0, -1.0, 1.0, 0.4, 0.0),   "two edges of 0 s"},
    {{OW_IV_SINE, {1.0, -1.0}, 1.0, 0.0, 0.0, 0}, "cycles: 0"},
};
/* clang-format on */

START_TEST(test_drive_matches_hand_values)
{
    struct ow_error err = {0};
    ck_assert_ok(ow_iv_drive_check(&instant[_i].drive, &err), err);
    ck_assert_close(ow_iv_drive_at(&instant[_i].drive, instant[_i].t), instant[_i].v, 1e-13,
                    1e-15);
}
END_TEST

START_TEST(test_drives_are_refused)
{
    struct ow_error err = {0};
    ck_assert_int_eq(ow_iv_drive_check(&bad_drive[_i].drive, &err), OW_ERR_RANGE);
    ck_assert_msg(strstr(err.text, bad_drive[_i].word) != NULL, "no '%s' in '%s'",
                  bad_drive[_i].word, err.text);
}
END_TEST

/* ---- the circuit ------------------------------------------------------------------------- */

/* A model with its parameters, one of them by name. */
struct device {
    struct ow_iv_circuit circuit;
    double param[OW_MAX_PARAMS];
};

static void device_init(struct device *d, const char *model, const char *set)
{
    struct ow_error err = {0};
    d->circuit = (struct ow_iv_circuit){
        .model = ow_model_find(model), .param = d->param, .compliance = INFINITY};
    ck_assert_ptr_nonnull(d->circuit.model);
    ow_params_default(d->circuit.model, d->param);
    if (set)
        ck_assert_ok(
            ow_set_apply(ow_set_find(set)->text, set, d->circuit.model, d->param, &err), err);
}

static void device_set(struct device *d, const char *name, double value)
{
    const size_t k = ow_param_index(d->circuit.model, name);
    ck_assert_uint_lt(k, d->circuit.model->n_param);
    d->param[k] = value;
}

static const struct {
    double series, compliance, u;
} branch[] = {
    {170.0, INFINITY, 0.3}, {0.0, 2e-6, 3e-4},   {0.0, 2e-6, 9.7e-4}, {0.0, 2e-6, -1.4e-3},
    {3.7e4, 2e-6, -5.5e-2}, {3.7e4, 2e-6, 0.09}, {50.0, 1e-3, 0.7},
};

START_TEST(test_branch)
{
    const struct ow_iv_circuit c = {.series = branch[_i].series,
                                    .compliance = branch[_i].compliance};
    const double u = branch[_i].u, h = 1e-5 * fabs(u);
    double slope, unused;
    const double i = ow_iv_branch(&c, u, &slope);
    const double up = ow_iv_branch(&c, u + h, &unused), down = ow_iv_branch(&c, u - h, &unused);
    /* central differences: h^2 + eps/h, amplified by the eighth power */
    const double r = fmax(c.series, isfinite(c.compliance) ? 1e-3 / c.compliance : 0.0);
    ck_assert_close(slope, (up - down) / (2.0 * h), 1e-7, 1e-9 / r);
    /* 2^-8/8 below half of the compliance, and never above it */
    if (fabs(u / r) <= 0.5 * c.compliance)
        ck_assert_close(i, u / r, 5e-4, 0.0);
    ck_assert_double_le(fabs(i), c.compliance);
    if (fabs(u / r) >= 5.0 * c.compliance)
        ck_assert_close(fabs(i), c.compliance, 1e-6, 0.0);
    ck_assert(i * u > 0.0);
    ck_assert(isfinite(ow_iv_branch(&c, 1e300, &slope)) && isfinite(slope));
}
END_TEST

/* Kirchhoff's current law at the device, over the registry. */
START_TEST(test_bias_obeys_kirchhoff)
{
    static const double source[] = {0.0, 0.731, -1.19, 4.3};
    static const struct {
        double series, compliance;
    } limit[] = {{73.0, INFINITY}, {0.0, 3e-7}, {5.1e5, 2e-5}};
    struct device d;
    device_init(&d, ow_models[_i]->name, NULL);
    double x[OW_MAX_STATES] = {0.0};
    ow_states_init(d.circuit.model, d.param, x);
    for (int s = 0; s < N(source); s++)
        for (int k = 0; k < N(limit); k++) {
            struct ow_point at;
            double v, slope;
            d.circuit.series = limit[k].series;
            d.circuit.compliance = limit[k].compliance;
            ck_assert_int_eq(ow_iv_bias(&d.circuit, source[s], x, 0.0, &v, &at), OW_OK);
            const double i = ow_iv_branch(&d.circuit, source[s] - v, &slope);
            /* what a rounding error of v, 1e-15, does to either side */
            ck_assert_close(at.i, i, 1e-9,
                            2e-15 * (fabs(source[s]) + 1.0) * (slope + at.di_dv));
            ck_assert(v * source[s] >= 0.0 && fabs(v) <= fabs(source[s]));
        }
}
END_TEST

/* ---- runs against closed forms -------------------------------------------------------------
 */

static const struct ow_iv_options fine = {.points = 400, .rtol = 1e-8};

static void run(const struct device *d, const struct ow_iv_drive *drive, struct ow_iv_wave *w)
{
    struct ow_error err = {0};
    ck_assert_ok(ow_iv_run(&d->circuit, drive, &fine, w, &err), err);
    const double *last = ow_iv_row(w, w->n - 1);
    ck_assert_close(last[OW_IV_T], (double)drive->cycles * drive->period, 1e-12, 0.0);
    for (size_t k = 1; k < w->n; k++)
        ck_assert_double_ge(ow_iv_row(w, k)[OW_IV_T], ow_iv_row(w, k - 1)[OW_IV_T]);
}

static const double *row_at(const struct ow_iv_wave *w, double t)
{
    size_t k = 0;
    while (k + 1 < w->n && ow_iv_row(w, k)[OW_IV_T] < t * (1.0 - 1e-9))
        k++;
    return ow_iv_row(w, k);
}

/* VTEAM with alpha = 1 and no window under v = A sin(w t): ds/dt = (k/L)(v/v_off - 1) above the
 * threshold does not know s, so
 *   s = s0 + (k/L) [A/(w v_off) (cos w t1 - cos w t) - (t - t1)],  sin w t1 = v_off/A */
START_TEST(test_threshold_device_under_a_sine)
{
    static const double a = 1.3, v_off = 0.47, s0 = 0.21, period = 2.7e-3, length = 3e-9;
    const double w = 2.0 * pi / period, k = 1.1e-6, t1 = asin(v_off / a) / w;
    struct device d;
    struct ow_iv_wave wave = {0};
    const struct ow_iv_drive drive = SINE(1.3, 2.7e-3);
    device_init(&d, "team", "ow_benign");
    device_set(&d, "x0", s0);
    device_set(&d, "alpha_on", 1.0);
    device_set(&d, "alpha_off", 1.0);
    device_set(&d, "k_off", k);
    device_set(&d, "k_on", -k);
    device_set(&d, "v_off", v_off);
    device_set(&d, "v_on", -v_off);
    run(&d, &drive, &wave);
    static const double share[] = {0.25, 0.3, 0.5};
    for (int j = 0; j < N(share); j++) {
        const double t = fmin(share[j] * period, 0.5 * period - t1);
        const double s =
            s0 + k / length * (a / (w * v_off) * (cos(w * t1) - cos(w * t)) - (t - t1));
        const double *row = row_at(&wave, share[j] * period), r = 10e3 + 990e3 * s;
        ck_assert(s > s0 && s < 1.0);
        /* rtol 1e-8 a step and a hundred steps */
        ck_assert_close(row[OW_IV_X], s, 1e-6, 0.0);
        ck_assert_close(row[OW_IV_V], a * sin(w * share[j] * period), 0.0, 1e-12);
        ck_assert_close(row[OW_IV_I], row[OW_IV_V] / r, 1e-6, 1e-18);
    }
    /* the second half undoes the first */
    ck_assert_close(row_at(&wave, period)[OW_IV_X], s0, 1e-6, 0.0);
    ow_iv_wave_finish(&wave);
}
END_TEST

/* y' = A y, symmetric, with the eigenvalues -1 and -20001: y = (e^-t + e^-20001 t, e^-t -
 * e^-20001 t).  Newton's method on a linear system needs one iteration a step, if the linear
 * solver solves; a wrong one costs many steps before it costs accuracy. */
static void stiff_pair(void *data, double t, const double y[], double f[], double *jac)
{
    const double a = -10001.0, b = 10000.0;
    ++*(size_t *)data;
    f[0] = a * y[0] + b * y[1];
    f[1] = b * y[0] + a * y[1];
    if (jac) {
        jac[0] = jac[3] = a;
        jac[1] = jac[2] = b;
    }
}

START_TEST(test_ode_is_stiff_and_cheap)
{
    size_t n_call = 0;
    struct ow_ode *ode;
    double t = 0.0;
    const struct ow_ode_options how = {
        .n = 2, .rtol = 1e-7, .atol = {1e-10, 1e-10}, .fn = stiff_pair, .data = &n_call};
    ck_assert_int_eq(ow_ode_create(&how, &ode), OW_OK);
    ow_ode_y(ode)[0] = 2.0;
    ow_ode_y(ode)[1] = 0.0;
    ck_assert_int_eq(ow_ode_restart(ode, 0.0), OW_OK);
    enum ow_step_result result = OW_STEP_ON;
    while (result == OW_STEP_ON)
        result = ow_ode_step(ode, 1.0, &t);
    ck_assert_int_eq(result, OW_STEP_STOP);
    ck_assert(t == 1.0);
    ck_assert_close(ow_ode_y(ode)[0], exp(-1.0), 1e-5, 0.0);
    ck_assert_close(ow_ode_y(ode)[1], exp(-1.0), 1e-5, 0.0);
    ck_assert_uint_le(n_call, 500); /* 233 when this was written */
    ow_ode_destroy(ode);
}
END_TEST

/* Below its threshold the device is a resistor R behind R_s:
 * energy of a period A^2 R / (2 (R + R_s)^2) T, no loop, no switching. */
START_TEST(test_resistor_behind_a_resistor)
{
    const double a = 0.8, period = 1.7e-6, r = 10e3 + 990e3 * 0.37, r_s = 2.2e5;
    const struct ow_iv_drive drive = SINE(0.8, 1.7e-6);
    struct device d;
    struct ow_iv_wave wave = {0};
    struct ow_iv_figures f;
    device_init(&d, "team", "ow_benign");
    device_set(&d, "x0", 0.37);
    d.circuit.series = r_s;
    run(&d, &drive, &wave);
    ow_iv_measure(d.circuit.model, &wave, period, 2.0 * period, 0.1 * a, &f);
    /* trapezoidal rule on a whole period of a sine: exact but for rounding and the row that
     * a step may add */
    ck_assert_close(f.energy, a * a * r / (2.0 * (r + r_s) * (r + r_s)) * period, 1e-5, 0.0);
    ck_assert_close(f.energy_source, a * a / (2.0 * (r + r_s)) * period, 1e-5, 0.0);
    ck_assert_close(f.i_max, a / (r + r_s), 1e-12, 0.0);
    ck_assert_close(f.i_min, -a / (r + r_s), 1e-12, 0.0);
    ck_assert_close(f.v_max, a * r / (r + r_s), 1e-12, 0.0);
    ck_assert_close(f.r_on, r, 1e-10, 0.0);
    ck_assert_close(f.r_off, r, 1e-10, 0.0);
    ck_assert_close(f.x_max, 0.37, 1e-12, 0.0);
    ck_assert(isnan(f.v_set) && isnan(f.v_reset));
    ck_assert_double_le(f.area[0] + f.area[1], 1e-9 * f.v_max * f.i_max);
    ow_iv_wave_finish(&wave);
}
END_TEST

/* The hazard under a ramp of slope S from 0: E = v0/(tau S) (e^(V/v0) - 1) at the jump. */
START_TEST(test_jump_where_the_hazard_says)
{
    const double v0 = 0.1, tau = 8e-3, a = 1.9, period = 1e-3, slope = 4.0 * a / period;
    const struct ow_iv_drive drive = TRIANGLE(1.9, -1.9, 1e-3);
    struct device d;
    struct ow_iv_wave wave = {0};
    struct ow_iv_figures f;
    double x[OW_MAX_STATES];
    /* behind a resistor the voltage falls at the jump: what counts is the one before */
    const double r_s = _i % 2 ? 3e3 : 0.0, share = 1e6 / (1e6 + r_s);
    device_init(&d, "stochastic", "stochastic_write");
    d.param[OW_ID] = 100.0 + _i;
    d.circuit.series = r_s;
    ow_states_init(d.circuit.model, d.param, x);
    const double v_set = v0 * log1p(x[d.circuit.model->event_state] * tau * slope * share / v0);
    ck_assert_double_lt(v_set, a * share);
    run(&d, &drive, &wave);
    ow_iv_measure(d.circuit.model, &wave, 0.0, period, 0.1 * a, &f);
    /* the taper of the hazard near 0 V is worth e^(-V/v0)/20 of it */
    ck_assert_close(f.v_set, v_set, 1e-6, v0 * exp(-v_set / v0));
    ck_assert_close(f.r_on, 10e3, 1e-9, 0.0);
    ck_assert_close(f.r_off, 1e6, 1e-9, 0.0);
    ck_assert_double_lt(f.v_reset, 0.0);
    size_t n_jump = 0;
    for (size_t k = 1; k < wave.n; k++) {
        const double *was = ow_iv_row(&wave, k - 1), *is = ow_iv_row(&wave, k);
        if (is[OW_IV_X] == was[OW_IV_X])
            continue;
        n_jump++;
        ck_assert(is[OW_IV_T] == was[OW_IV_T]);
        ck_assert(r_s > 0.0 || is[OW_IV_V] == was[OW_IV_V]);
    }
    ck_assert_uint_ge(n_jump, 3);
    ow_iv_wave_finish(&wave);
}
END_TEST

/* Behind `rs` the device, which is on, sees 1 % of the 6 V: they do not reset it, all its
 * events are those of the telegraph noise.  At 6 V across itself it would reset at once. */
START_TEST(test_jump_knows_the_voltage_behind_rs)
{
    const struct ow_iv_drive drive = TRIANGLE(-6.0, 6.0, 1e-3);
    struct device d;
    struct ow_iv_wave wave = {0};
    device_init(&d, "stochastic", "stochastic_gaba");
    device_set(&d, "x0", 1.0);
    device_set(&d, "r_on", 1e4);
    device_set(&d, "rs", 0.99e6);
    device_set(&d, "rtn", 0.1);
    device_set(&d, "rtn_tau0", 1e-5);
    device_set(&d, "rtn_tau1", 1e-5);
    run(&d, &drive, &wave);
    const double *last = ow_iv_row(&wave, wave.n - 1), n_telegraph = last[OW_IV_X + 2] / 1e7;
    ck_assert_double_gt(n_telegraph, 50.0);
    ck_assert(last[OW_IV_X] == 1.0 && n_telegraph == floor(n_telegraph));
    ow_iv_wave_finish(&wave);
}
END_TEST

/* TEAM's way on feeds back on itself: at 1 V/s across 0.1 V its edge lasts less than a rounding
 * error of the time.  It must arrive, and stay. */
START_TEST(test_runaway_is_resolved)
{
    const struct ow_iv_drive drive = SINE(0.5, 1.0);
    struct device d;
    struct ow_iv_wave wave = {0};
    struct ow_iv_figures f;
    device_init(&d, "team", NULL);
    run(&d, &drive, &wave);
    ow_iv_measure(d.circuit.model, &wave, 1.0, 2.0, 0.05, &f);
    ck_assert_close(f.i_min, -0.5 / 50.0, 1e-9, 0.0);
    ck_assert_close(f.r_on, 50.0, 1e-6, 0.0);
    ck_assert_double_gt(f.r_off, 400.0);
    ck_assert(f.v_set < -0.05 && f.v_set > -0.2);
    ow_iv_wave_finish(&wave);
}
END_TEST

/* A device without a state follows its i(v): nothing switches, however curved it is. */
START_TEST(test_curve_is_no_switch)
{
    const struct ow_iv_drive drive = SINE(0.7, 1e-6);
    struct device d;
    struct ow_iv_wave wave = {0};
    struct ow_iv_figures f;
    device_init(&d, "selector_exp", NULL);
    run(&d, &drive, &wave);
    ow_iv_measure(d.circuit.model, &wave, 0.0, 1e-6, 0.07, &f);
    ck_assert(isnan(f.v_set) && isnan(f.v_reset) && isnan(f.x_min) && isnan(f.x_max));
    ck_assert_close(f.i_max, 0.5e-12 * exp(0.7 / 0.06), 1e-4, 0.0);
    ow_iv_wave_finish(&wave);
}
END_TEST

/* An edge of a hundredth of a period has rows enough to be drawn. */
START_TEST(test_edges_have_rows)
{
    const struct ow_iv_drive drive = PULSE(0.7, -0.7, 1.0, 0.2, 0.01);
    struct device d;
    struct ow_iv_wave wave = {0};
    size_t n = 0;
    device_init(&d, "team", "ow_benign");
    run(&d, &drive, &wave);
    for (size_t k = 0; k < wave.n; k++)
        n += ow_iv_row(&wave, k)[OW_IV_T] < 0.01;
    ck_assert_uint_ge(n, 50);
    ow_iv_wave_finish(&wave);
}
END_TEST

/* Twice the tolerance, the same loop; behind a compliance and a resistor, where the voltage is
 * solved for. */
START_TEST(test_tolerance_converges)
{
    static const double rtol[] = {1e-5, 1e-7, 1e-9};
    const struct ow_iv_drive drive = TRIANGLE(0.5, -0.5, 1.0);
    struct device d;
    double x[N(rtol)];
    device_init(&d, "driftdiff", "driftdiff_yang_dc_symmetric");
    d.circuit.compliance = 1e-6;
    d.circuit.series = 1e4;
    for (int k = 0; k < N(rtol); k++) {
        const struct ow_iv_options how = {.points = 100, .rtol = rtol[k]};
        struct ow_iv_wave wave = {0};
        struct ow_error err = {0};
        ck_assert_ok(ow_iv_run(&d.circuit, &drive, &how, &wave, &err), err);
        double i = 0.0;
        for (size_t j = 0; j < wave.n; j++)
            i = fmax(i, ow_iv_row(&wave, j)[OW_IV_I]);
        ck_assert(i <= 1e-6 && i > 0.99e-6);
        x[k] = row_at(&wave, 0.7)[OW_IV_X];
        ow_iv_wave_finish(&wave);
    }
    ck_assert_close(x[0], x[2], 1e-3, 0.0);
    ck_assert_close(x[1], x[2], 1e-5, 0.0);
}
END_TEST

START_TEST(test_cancel)
{
    static const volatile sig_atomic_t cancel = 1;
    const struct ow_iv_options how = {.points = 100, .cancel = &cancel};
    const struct ow_iv_drive drive = SINE(0.5, 1.0);
    struct ow_iv_drive open = {.peak = {NAN, NAN}, .period = NAN, .cycles = 1};
    struct device d;
    struct ow_iv_wave wave = {0};
    struct ow_error err = {0};
    device_init(&d, "team", NULL);
    ck_assert_int_eq(ow_iv_run(&d.circuit, &drive, &how, &wave, &err), OW_ERR_CANCELLED);
    ck_assert_int_eq(ow_iv_choose(&d.circuit, &cancel, &open, &err), OW_ERR_CANCELLED);
    ow_iv_wave_finish(&wave);
}
END_TEST

/* ---- a drive by itself ------------------------------------------------------------------- */

static const struct {
    const char *model, *set;
    double least, most; /* V: where its thresholds are */
} chosen[] = {
    {"team", "ow_benign", 1.0, 2.0},
    {"team", "ow_hard", 0.5, 1.0},
    {"team", "vteam_memtorch", 0.2, 0.5},
    {"stochastic", "stochastic_write", 0.5, 1.0},
    {"driftdiff", "driftdiff_write", 0.5, 1.0},
};

START_TEST(test_choice_opens_a_loop)
{
    struct ow_iv_drive drive = {.peak = {NAN, NAN}, .period = NAN, .cycles = 2};
    struct device d;
    struct ow_iv_wave wave = {0};
    struct ow_iv_figures f;
    struct ow_error err = {0};
    device_init(&d, chosen[_i].model, chosen[_i].set);
    ck_assert_ok(ow_iv_choose(&d.circuit, NULL, &drive, &err), err);
    ck_assert(drive.peak[0] >= chosen[_i].least && drive.peak[0] <= chosen[_i].most);
    ck_assert_ok(ow_iv_drive_check(&drive, &err), err);
    run(&d, &drive, &wave);
    ow_iv_measure(d.circuit.model, &wave, drive.period, 2.0 * drive.period, 0.1 * drive.peak[0],
                  &f);
    ck_assert_double_ge(f.x_max - f.x_min, OW_IV_LOOP);
    ck_assert(!isnan(f.v_set) && !isnan(f.v_reset));
    /* pinched: nearly no current where the voltage is nearly 0 */
    for (size_t k = 0; k < wave.n; k++) {
        const double *row = ow_iv_row(&wave, k);
        if (fabs(row[OW_IV_V]) < 1e-3 * drive.peak[0])
            ck_assert_double_le(fabs(row[OW_IV_I]), 0.01 * fmax(f.i_max, -f.i_min));
    }
    ow_iv_wave_finish(&wave);
    struct ow_iv_drive given = {.peak = {0.77, NAN}, .period = 1.3e-5, .cycles = 1};
    ck_assert_ok(ow_iv_choose(&d.circuit, NULL, &given, &err), err);
    ck_assert(given.peak[0] == 0.77 && given.peak[1] == -0.77 && given.period == 1.3e-5);
}
END_TEST

/* ---- the comparison ---------------------------------------------------------------------- */

/* A square loop of 1000 rows: i falls from 1 to 0.1 mA at `edge`, times 1 + `off`. */
static void put_step(struct ow_iv_wave *w, double edge, double off)
{
    w->n_state = 1;
    for (int k = 0; k <= 1000; k++) {
        double *row = ow_iv_append(w);
        ck_assert_ptr_nonnull(row);
        row[OW_IV_T] = k * 1e-3;
        row[OW_IV_SOURCE] = row[OW_IV_V] = 0.9;
        row[OW_IV_X] = row[OW_IV_T] > edge ? 1.0 : 0.0;
        row[OW_IV_I] = (row[OW_IV_T] > edge ? 1e-4 : 1e-3) * (1.0 + off);
    }
}

static const struct {
    double edge, off; /* s of a period of 1 s; share of the current */
    bool is_ok;
} other[] = {
    {0.5, 0.0, true},    {0.5, 0.9e-3, true}, {0.5, 1.2e-3, false},
    {0.501, 0.0, false}, {0.5, NAN, false},   {0.5, -0.02, false},
};

START_TEST(test_comparison)
{
    const struct ow_model *m = ow_model_find("team");
    struct ow_iv_wave a = {0}, b = {0};
    struct ow_iv_difference d, swapped;
    put_step(&a, 0.5, 0.0);
    put_step(&b, other[_i].edge, other[_i].off);
    ow_iv_compare(m, &a, &b, 1.0, &d);
    ow_iv_compare(m, &b, &a, 1.0, &swapped);
    ck_assert_msg(d.is_ok == other[_i].is_ok, "current %g, state %g, energy %g", d.current,
                  d.state, d.energy);
    ck_assert(swapped.is_ok == d.is_ok);
    ck_assert(!isnan(other[_i].off) || d.current == INFINITY);
    if (other[_i].edge == 0.5 && !isnan(other[_i].off))
        ck_assert_close(d.current, fabs(other[_i].off), 2e-3, 1e-15);
    if (other[_i].edge != 0.5)
        ck_assert_close(d.state, 1.0, 0.03, 0.0); /* rows 1e-3 apart, edge 2e-5 */
    ow_iv_wave_finish(&a);
    ow_iv_wave_finish(&b);
}
END_TEST

/* ---- files ------------------------------------------------------------------------------- */

static char dir[64];

static void set_up(void)
{
    strcpy(dir, "/tmp/ow-iv-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void tear_down(void)
{
    char line[128];
    snprintf(line, sizeof line, "rm -r %s", dir);
    ck_assert_int_eq(system(line), 0);
}

/* Output of a command, without its error messages unless it says 2>&1; its exit code. */
static int output_of(const char *line, char text[], size_t size)
{
    FILE *from = popen(line, "r");
    ck_assert_ptr_nonnull(from);
    const size_t n = fread(text, 1, size - 1, from);
    text[n] = '\0';
    char rest[4096];
    while (fread(rest, 1, sizeof rest, from) > 0) {
    }
    const int status = pclose(from);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* Two devices, two plots: ngspice loads both and finds the same numbers. */
START_TEST(test_raw_loads_in_ngspice)
{
    const char *ngspice = getenv("OW_NGSPICE");
    if (!ngspice) {
        puts("ngspice is not installed: the raw file is not tried");
        return;
    }
    const struct ow_iv_drive drive = SINE(1.5, 1e-4);
    struct device d;
    struct ow_iv_wave wave[2] = {{0}, {0}};
    struct ow_error err = {0};
    char path[100], deck[100], line[300], text[8192];
    device_init(&d, "team", "ow_benign");
    run(&d, &drive, &wave[0]);
    device_set(&d, "x0", 0.6);
    run(&d, &drive, &wave[1]);
    snprintf(path, sizeof path, "%s/iv.raw", dir);
    ck_assert_ok(ow_iv_write_raw(path, "two", d.circuit.model, wave, 2, &err), err);
    snprintf(deck, sizeof deck, "%s/load.cir", dir);
    FILE *f = fopen(deck, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(
        f,
        "load\n.control\nload %s\nset numdgt=15\n"
        "setplot tran1\nprint length(time) time[100] v(source)[100] v(te)[101] i(device)[102] "
        "v(x)[103]\nsetplot tran2\nprint length(time) time[100] v(source)[100] v(te)[101] "
        "i(device)[102] v(x)[103]\nquit\n.endc\n.end\n",
        path);
    ck_assert_int_eq(fclose(f), 0);
    snprintf(line, sizeof line, "%s -b %s 2>&1", ngspice, deck);
    output_of(line, text, sizeof text);
    const char *at = text;
    for (int k = 0; k < 2; k++) {
        const double expected[] = {(double)wave[k].n,
                                   ow_iv_row(&wave[k], 100)[OW_IV_T],
                                   ow_iv_row(&wave[k], 100)[OW_IV_SOURCE],
                                   ow_iv_row(&wave[k], 101)[OW_IV_V],
                                   ow_iv_row(&wave[k], 102)[OW_IV_I],
                                   ow_iv_row(&wave[k], 103)[OW_IV_X]};
        for (int j = 0; j < N(expected); j++) {
            at = strstr(at, " = ");
            ck_assert_msg(at != NULL, "plot %d, value %d is not in: %s", k, j, text);
            at += 3;
            ck_assert_close(strtod(at, NULL), expected[j], 1e-13, 0.0);
        }
        ow_iv_wave_finish(&wave[k]);
    }
}
END_TEST

/* ---- both hosts, over the registry ------------------------------------------------------- */

/* One loop in both hosts, at the drive that the device by itself opens its loop with. */
static void check_hosts(const struct device *d, const char *name, double series,
                        double compliance)
{
    if (!getenv("OW_HAS_SPICE") || !codemodel()[0])
        return;
    struct ow_iv_circuit circuit = d->circuit;
    const struct ow_model *m = circuit.model;
    struct ow_iv_drive drive = {.peak = {NAN, NAN}, .period = NAN, .cycles = 1};
    struct ow_spice *spice;
    struct ow_iv_wave a = {0}, b = {0};
    struct ow_iv_difference diff;
    struct ow_error err = {0};
    ck_assert_ok(ow_iv_choose(&circuit, NULL, &drive, &err), err);
    circuit.series = series;
    circuit.compliance = compliance;
    ck_assert_ok(ow_spice_open(&(struct ow_spice_options){.timeout_s = 60.0}, &spice, &err),
                 err);
    ck_assert_ok(ow_iv_run_spice(spice, &circuit, 1, &drive, 1000, codemodel(), &b, &err), err);
    ow_spice_close(spice);
    const struct ow_iv_options how = {.points = 1000, .at = &b};
    ck_assert_ok(ow_iv_run(&circuit, &drive, &how, &a, &err), err);
    ow_iv_compare(m, &a, &b, drive.period, &diff);
    ck_assert_msg(diff.is_ok,
                  "%s, %g ohm, %g A: current %g at %g s, states %g at %g s, energy %g", name,
                  series, compliance, diff.current, diff.t_current, diff.state, diff.t_state,
                  diff.energy);
    ow_iv_wave_finish(&a);
    ow_iv_wave_finish(&b);
}

START_TEST(test_hosts_agree)
{
    static const struct {
        double series, compliance;
    } limit[] = {{1e3, INFINITY}, {0.0, 1e-5}};
    const struct ow_model *m = ow_models[(size_t)_i / N(limit)];
    const int k = _i % N(limit);
    struct device d;
    device_init(&d, m->name, NULL);
    check_hosts(&d, m->name, limit[k].series, limit[k].compliance);
}
END_TEST

START_TEST(test_hosts_agree_on_every_set)
{
    const struct ow_set *set = &ow_sets[_i];
    const struct ow_model *m = NULL;
    struct ow_error err = {0};
    struct device d;
    ck_assert_ok(ow_set_model(set->text, set->name, &m, &err), err);
    device_init(&d, m->name, set->name);
    check_hosts(&d, set->name, 0.0, INFINITY);
}
END_TEST

START_TEST(test_deck_refuses_paths)
{
    const struct ow_iv_drive drive = SINE(1.0, 1.0);
    struct device d;
    struct ow_error err = {0};
    FILE *to = fopen("/dev/null", "w");
    device_init(&d, "team", NULL);
    ck_assert_int_eq(ow_iv_deck(&d.circuit, 1, &drive, 100, "a b.cm", NULL, to, &err),
                     OW_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.text, "'a b.cm'"));
    ck_assert_int_eq(ow_iv_deck(&d.circuit, 1, &drive, 100, "./o.cm", "x;y", to, &err),
                     OW_ERR_INPUT);
    ck_assert_ok(ow_iv_deck(&d.circuit, 1, &drive, 100, "./o.cm", "x.raw", to, &err), err);
    fclose(to);
}
END_TEST

/* ---- the command ------------------------------------------------------------------------- */

/* clang-format off */
static const struct { const char *args; int code; const char *word; } command[] = {
    {"team --set ow_benign",                             0, "team, ow_benign: sine"},
    {"team --set ow_benign --drive pulse --cycles 1",    0, "width"},
    {"stochastic --devices 7 --set stochastic_write",    0, "deviation"},
    {"team --set ow_benign --series 1k --compliance 20u", 0, "compliance 20 uA"},
    {"team --set ow_benign --amplitude 0.5 --frequency 1k", 0, "does not switch under this drive"},
    {"",                                                 2, "a model is required"},
    {"tean",                                             2, "no model 'tean'"},
    {"team --set none",                                  2, "neither a set of"},
    {"team --set stochastic_write",                      2, "stochastic"},
    {"team --param r_of=1",                              2, "no such parameter"},
    {"team --param r_on",                                2, "expected key=value"},
    {"team --param r_on=2k",                             2, "r_on must be below r_off"},
    {"team --param r_on=-1",                             2, "--param r_on=-1"},
    {"team --frequency 1 --period 1",                    2, "give one"},
    {"team --amplitude 0",                               2, "amplitude: 0 V"},
    {"team --amplitude 1 --second 0.5 --period 1",       2, "second amplitude: 0.5 V"},
    {"team --cycles 1.5",                                2, "--cycles=1.5: expected a whole number"},
    {"team --points 10",                                 2, "--points=10"},
    {"team --series 1M",                                 2, "ambiguous"},
    {"team --rise 1m",                                   2, "--rise: only a pulse"},
    {"team --drive triangle --width 1m",                 2, "--width: only a pulse"},
    {"team --drive pulse --width 0",                     2, "--width=0"},
    {"team --drive square",                              2, "expected sine, triangle or pulse"},
    {"team --engine dc",                                 2, "expected cvode, ngspice or both"},
    {"team --overlay x.csv",                             2, "give --svg or --out"},
    {"team --overlay none.csv --svg x.svg",              2, "none.csv"},
    {"team --csv /no/where.csv",                         2, "/no/where.csv"},
    {"team --read 5 --amplitude 1",                      2, "--read=5"},
    {"team --devices 10000 --points 1000",               2, "more than 2000000 rows"},
};
/* clang-format on */

START_TEST(test_command)
{
    char line[400], text[8192];
    snprintf(line, sizeof line, "cd %s && %s iv %s 2>&1 < /dev/null", dir, getenv("OW_PROGRAM"),
             command[_i].args);
    const int code = output_of(line, text, sizeof text);
    ck_assert_msg(code == command[_i].code, "%s: exit code %d: %s", command[_i].args, code,
                  text);
    ck_assert_msg(strstr(text, command[_i].word) != NULL, "no '%s' in %s", command[_i].word,
                  text);
}
END_TEST

static bool is_file(const char *name)
{
    char path[200];
    struct stat s;
    snprintf(path, sizeof path, "%s/o/%s", dir, name);
    return stat(path, &s) == 0 && s.st_size > 100;
}

START_TEST(test_command_leaves_files)
{
    char line[500], text[16384];
    const bool has_gnuplot = system("gnuplot --version > /dev/null 2>&1") == 0;
    snprintf(
        line, sizeof line,
        "cd %s && printf '0.1,1e-6\\n0.5,2e-5\\n' > m.csv && %s iv team --set ow_benign --out "
        "o --overlay m.csv 2>&1",
        dir, getenv("OW_PROGRAM"));
    ck_assert_int_eq(output_of(line, text, sizeof text), has_gnuplot ? 0 : 1);
    ck_assert(is_file("iv.csv") && is_file("iv.raw") && is_file("iv.json"));
    if (!has_gnuplot)
        return;
    ck_assert(is_file("iv.svg"));
    snprintf(line, sizeof line, "cat %s/o/iv.svg", dir);
    output_of(line, text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "<svg"));
}
END_TEST

int main(void)
{
    if (!getenv("OW_HAS_SPICE") || !codemodel()[0])
        puts("no libngspice or no ohmweave.cm: the hosts are not compared");
    Suite *s = suite_create("iv");
    TCase *tc = tcase_create("loop");
    tcase_set_timeout(tc, 120.0);
    tcase_add_loop_test(tc, test_drive_matches_hand_values, 0, N(instant));
    tcase_add_loop_test(tc, test_drives_are_refused, 0, N(bad_drive));
    tcase_add_loop_test(tc, test_branch, 0, N(branch));
    tcase_add_loop_test(tc, test_bias_obeys_kirchhoff, 0, (int)ow_n_models);
    tcase_add_test(tc, test_ode_is_stiff_and_cheap);
    tcase_add_test(tc, test_threshold_device_under_a_sine);
    tcase_add_test(tc, test_resistor_behind_a_resistor);
    tcase_add_loop_test(tc, test_jump_where_the_hazard_says, 0, 10);
    tcase_add_test(tc, test_jump_knows_the_voltage_behind_rs);
    tcase_add_test(tc, test_runaway_is_resolved);
    tcase_add_test(tc, test_curve_is_no_switch);
    tcase_add_test(tc, test_edges_have_rows);
    tcase_add_test(tc, test_tolerance_converges);
    tcase_add_test(tc, test_cancel);
    tcase_add_loop_test(tc, test_choice_opens_a_loop, 0, N(chosen));
    tcase_add_loop_test(tc, test_comparison, 0, N(other));
    tcase_add_loop_test(tc, test_hosts_agree, 0, 2 * (int)ow_n_models);
    tcase_add_loop_test(tc, test_hosts_agree_on_every_set, 0, (int)ow_n_sets);
    tcase_add_test(tc, test_deck_refuses_paths);
    suite_add_tcase(s, tc);
    tc = tcase_create("files");
    tcase_set_timeout(tc, 120.0);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, test_raw_loads_in_ngspice);
    tcase_add_loop_test(tc, test_command, 0, N(command));
    tcase_add_test(tc, test_command_leaves_files);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
