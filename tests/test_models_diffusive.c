/* The diffusive models: each option of driftdiff against a closed form or a value worked by
 * hand. */
#include "ow_check.h"
#include "ow_curve.h"
#include "ow_ddk.h"
#include "ow_model.h"
#include "ow_reference_ode.h"
#include "ow_soft_stop.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

enum { F, R, S, RISE };

static void hold_voltage(const struct ow_model *m, const double param[], double v, double t,
                         double tol, double x[])
{
    const struct ode ode = {.m = m, .param = param, .v = ode_constant, .arg = {v}};
    ode_run(&ode, 0.0, t, 20.0, tol, x, NULL, NULL);
}

/* ---- driftdiff: the options ------------------------------------------------------------- */

/* Without activation energies heat changes nothing, to the last bit, at any temperature; and
 * an untouched thickness is 1. */
START_TEST(test_extensions_reduce_to_the_published_model)
{
    static const char *const set[] = {"driftdiff_tw_single", "driftdiff_yang_pulse",
                                      "driftdiff_write"};
    double param[OW_MAX_PARAMS], hot[OW_MAX_PARAMS];
    const struct ow_model *m = use_set(set[_i], param);
    memcpy(hot, param, sizeof hot);
    put(m, hot, "thermal", 1.0);
    put(m, hot, "temp", 83.0);
    put(m, hot, "t_ref", 12.0);
    for (int k = 0; k < 50; k++) {
        const double f = 0.021 * k, r = 0.31 * (1.0 - 0.019 * k), v = -0.7 + 0.031 * k;
        const double x[OW_MAX_STATES] = {f, r, 1.0, 0.0}, y[OW_MAX_STATES] = {f, r, 1.0, 0.37};
        struct ow_point a, b;
        ow_eval_one(m, param, v, x, &a);
        ow_eval_one(m, hot, v, y, &b);
        ck_assert(a.i == b.i && a.f[F] == b.f[F] && a.f[R] == b.f[R] && a.f[S] == b.f[S]);
        ck_assert(a.f[RISE] == 0.0);
        if (f + r > 0.999)
            continue;
        /* B1 as it is printed */
        const double p_max = get(m, param, "rate_max");
        double df = get(m, param, "mu") * fabs(v) / (get(m, param, "alpha") + 1 - f - r) -
                    get(m, param, "gamma1") * f - get(m, param, "beta") * f;
        if (p_max > 0.0)
            df = fmin(df, p_max);
        ck_assert_close(a.f[F], df, 1e-12, 1e-12 * get(m, param, "gamma1"));
        ck_assert_close(a.f[R], get(m, param, "beta") * f - get(m, param, "gamma2") * r, 1e-12,
                        1e-15);
    }
}
END_TEST

/* dw/dt = lambda (eta1 sinh(eta2 v) - w/tau), the closed form of MODELS, B4. */
START_TEST(test_wox_relaxes_as_in_closed_form)
{
    static struct curve curve;
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES] = {0.0};
    const struct ow_model *m = use_set("driftdiff_wox", param);
    load_curve("wox_diffusion_const_v", 3, &curve);
    for (size_t k = 0; k < curve.n_row; k++) {
        const double *row = curve.row[k]; /* V, s, w */
        if (row[1] == 0.0)
            ow_states_init(m, param, x);
        else if (row[2] < 1.0) /* the curve knows no end of travel */
            hold_voltage(m, param, row[0], row[1] - curve.row[k - 1][1], 1e-12, x);
        if (row[2] < 1.0)
            ck_assert_close(x[F], row[2], 1e-9, 1e-12);
    }
}
END_TEST

/* A negative voltage dissolves a signed filament, which comes to rest at 0 and leaves it at
 * the full rate. */
START_TEST(test_signed_drift_stops_at_zero)
{
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    struct ow_point pt;
    const struct ow_model *m = use_set("driftdiff_wox", param);
    put(m, param, "f0", 0.4);
    ow_states_init(m, param, x);
    hold_voltage(m, param, -1.3, 60.0, 1e-12, x);
    ck_assert_close(x[F], 0.0, 0.0, 1.01 * OW_STOP_DEPTH);
    ow_eval_one(m, param, 0.9, x, &pt);
    ck_assert_close(pt.f[F], 4.5 * 0.004 * sinh(3.6), 1e-3, 0.0);
    const double rest[OW_MAX_STATES] = {0.0, 0.0, 1.0, 0.0};
    ow_eval_one(m, param, -0.9, rest, &pt);
    ck_assert(pt.f[F] == 0.0);
}
END_TEST

/* At rest df/dt = -gamma1 f^-n: f^(n+1) = f0^(n+1) - (n+1) gamma1 t. */
START_TEST(test_diffusion_exponents)
{
    static const double n[] = {1.0, 3.0};
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES], t = 0.0;
    const struct ow_model *m = use_set("driftdiff_tw_single", param);
    put(m, param, "diffusion", 1.0 + _i);
    put(m, param, "beta", 0.0);
    put(m, param, "gamma1", 3.7);
    put(m, param, "f0", 0.83);
    ow_states_init(m, param, x);
    const double whole = pow(0.83, n[_i] + 1.0) / ((n[_i] + 1.0) * 3.7);
    for (int k = 1; k <= 9; k++) {
        hold_voltage(m, param, 0.0, 0.11 * whole, 1e-13, x);
        t += 0.11 * whole;
        const double f =
            pow(pow(0.83, n[_i] + 1.0) - (n[_i] + 1.0) * 3.7 * t, 1.0 / (n[_i] + 1.0));
        ck_assert(f > get(m, param, "f_min"));
        ck_assert_close(x[F], f, 1e-9, 0.0);
    }
    /* Below f_min exponentially, gamma1 f_min^-(n+1): nothing is left, nothing negative. */
    hold_voltage(m, param, 0.0, whole, 1e-13, x);
    ck_assert(x[F] > -1e-12 && x[F] < 0.05);
}
END_TEST

/* sinh: V = 0.25 sinh(0.7312/0.25) at t = 0.5702, D = 16 V/0.5298; without the gap 16 V. */
START_TEST(test_sinh_drift_by_hand)
{
    double param[OW_MAX_PARAMS];
    struct ow_point pt;
    const struct ow_model *m = use_set("driftdiff_tw_single", param);
    const double x[OW_MAX_STATES] = {0.2385, 0.3317, 1.0, 0.0}, loss = 50.35 * 0.2385;
    put(m, param, "rate_max", 0.0);
    put(m, param, "drift", 1.0);
    const double v_sinh = 0.125 * (exp(2.9248) - exp(-2.9248));
    ow_eval_one(m, param, -0.7312, x, &pt);
    ck_assert_close(pt.f[F], 16.0 * v_sinh / 0.5298 - loss, 1e-12, 0.0);
    put(m, param, "gap", 1.0);
    ow_eval_one(m, param, -0.7312, x, &pt);
    ck_assert_close(pt.f[F], 16.0 * v_sinh - loss, 1e-12, 0.0);
    put(m, param, "symmetric", 2.0);
    ow_eval_one(m, param, -0.7312, x, &pt);
    ck_assert_close(pt.f[F], -16.0 * v_sinh - loss, 1e-12, 0.0);
}
END_TEST

/* T = 300.15 K (1 + 0.21): exp(-(0.61/k)(1/T - 1/300.15)) on mu, 0.37 eV on gamma1, gamma2. */
START_TEST(test_activation_energies_by_hand)
{
    double param[OW_MAX_PARAMS];
    struct ow_point pt;
    const struct ow_model *m = use_set("driftdiff_tw_single", param);
    const double x[OW_MAX_STATES] = {0.2385, 0.3317, 1.0, 0.21};
    put(m, param, "rate_max", 0.0);
    put(m, param, "e_mu", 0.61);
    put(m, param, "e_gamma", 0.37);
    const double a = (1.0 - 1.0 / 1.21) / (8.617333262145e-5 * 300.15);
    ow_eval_one(m, param, 0.7312, x, &pt);
    ck_assert_close(pt.f[F],
                    exp(0.61 * a) * 16.0 * 0.7312 / 0.5298 -
                        (50.0 * exp(0.37 * a) + 0.35) * 0.2385,
                    1e-11, 0.0);
    ck_assert_close(pt.f[R], 0.35 * 0.2385 - 0.42 * exp(0.37 * a) * 0.3317, 1e-11, 0.0);
    /* the ambient temperature alone does the same */
    const double cool[OW_MAX_STATES] = {0.2385, 0.3317, 1.0, 0.0};
    struct ow_point ambient;
    put(m, param, "temp", 1.21 * 300.15 - 273.15);
    ow_eval_one(m, param, 0.7312, cool, &ambient);
    ck_assert_close(ambient.f[F], pt.f[F], 1e-11, 0.0);
}
END_TEST

/* 100 uW from the first instant (sky130's thermal numbers). */
START_TEST(test_joule_heating_follows_its_closed_form)
{
    static struct curve curve;
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    const struct ow_model *m = use_set("driftdiff_tw_single", param);
    static const char *const still[] = {"mu", "beta", "gamma1", "gamma2"};
    load_curve("joule_step", 2, &curve);
    for (size_t k = 0; k < 4; k++)
        put(m, param, still[k], 0.0);
    put(m, param, "f0", 1.0);
    put(m, param, "thermal", 1.0);
    put(m, param, "temp", 300.0 - 273.15);
    ow_states_init(m, param, x);
    for (size_t k = 1; k < curve.n_row; k++) {
        hold_voltage(m, param, -sqrt(100e-6 * 1.7e4), curve.row[k][0] - curve.row[k - 1][0],
                     1e-13, x);
        ck_assert_close(300.0 * (1.0 + x[RISE]), curve.row[k][1], 1e-10, 0.0);
    }
}
END_TEST

/* Bridged, at constant v: with y = e^(s-1), dy/dt = theta v - gamma3 y^2, so
 * y = y_e tanh(sqrt(theta v gamma3) t + artanh(1/y_e)), y_e^2 = theta v/gamma3; at v = 0
 * y = y0/(1 + gamma3 y0 t).  f and r are frozen meanwhile, R = r_on/s^2. */
START_TEST(test_thickness_grows_and_shrinks_in_closed_form)
{
    double param[OW_MAX_PARAMS],
        x[OW_MAX_STATES] = {0.63, 0.37, 1.0 + 3.0 * OW_STOP_DEPTH, 0.0};
    const struct ow_model *m = use_set("driftdiff_yang_lif", param);
    const double theta = 200.0, gamma3 = 10.0, v = 0.8, root = sqrt(theta * v * gamma3);
    const double y_e = sqrt(theta * v / gamma3);
    struct ow_point pt;
    double phase = atanh(exp(x[S] - 1.0) / y_e);
    for (int k = 0; k < 10; k++) {
        hold_voltage(m, param, v, 0.004, 1e-12, x);
        phase += root * 0.004;
        ck_assert_close(x[S], 1.0 + log(y_e * tanh(phase)), 0.0, 1e-9);
        ck_assert(x[F] == 0.63 && x[R] == 0.37);
        ow_eval_one(m, param, 0.1, x, &pt);
        ck_assert_close(pt.i, 0.1 * x[S] * x[S] / 5e3, 1e-13, 0.0);
    }
    ck_assert(x[S] > 1.8);
    double y = exp(x[S] - 1.0);
    for (int k = 0; k < 5; k++) {
        hold_voltage(m, param, 0.0, 0.01, 1e-12, x);
        y /= 1.0 + gamma3 * y * 0.01;
        ck_assert_close(x[S], 1.0 + log(y), 0.0, 1e-9);
        ck_assert(x[F] == 0.63);
    }
    /* back at s = 1 the filament decays at its own rate */
    hold_voltage(m, param, 0.0, 0.3, 1e-12, x);
    ck_assert_close(x[S], 1.0, 0.0, 1e-6);
    ck_assert(x[F] < 1e-9);
}
END_TEST

/* Where theta v stays below gamma3 the thickness stays at 1 and nothing is frozen: drift holds
 * the gap closed and the residue follows its own equation.  dr/dt = beta (1 - r) - gamma2 r. */
START_TEST(test_weak_voltage_holds_the_bridge_at_thickness_1)
{
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES] = {0.63, 0.37, 1.0, 0.0};
    const struct ow_model *m = use_set("driftdiff_yang_dc_symmetric", param);
    const double t = 0.011, v = 0.07; /* 100 * 0.07 < 10; drift 60 * 0.07/0.01 > 100 f */
    hold_voltage(m, param, v, t, 1e-11, x);
    ck_assert_close(x[S], 1.0, 0.0, OW_STOP_DEPTH);
    ck_assert_close(x[F] + x[R], 1.0, 0.0, 1.01 * OW_STOP_DEPTH);
    /* beta = gamma2 = 40: r -> 1/2 with 1/80 s; f is up to 1e-4 above 1 - r */
    ck_assert_close(x[R], 0.5 - 0.13 * exp(-80.0 * t), 0.0, 1e-4);
    ck_assert(x[R] > 0.43);
}
END_TEST

/* ---- ddk ------------------------------------------------------------------------------------
 */

/* t in steps; u = 0 and u = 0.5. */
START_TEST(test_ddk_follows_its_closed_form)
{
    static struct curve curve;
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES] = {0.0};
    const struct ow_model *m = use_set("ddk_shi", param);
    put(m, param, "alpha", 0.7);
    put(m, param, "beta", 1.0);
    put(m, param, "v_1", 0.8);
    load_curve("ddk_continuous", 3, &curve);
    int n_start = 0;
    for (size_t k = 0; k < curve.n_row; k++) {
        const double *row = curve.row[k]; /* u, t, z */
        if (row[1] == 0.0) {
            ow_states_init(m, param, x);
            n_start++;
        } else
            hold_voltage(m, param, 0.8 * row[0], 1e-3 * (row[1] - curve.row[k - 1][1]), 1e-13,
                         x);
        ck_assert_close(x[0], row[2], 1e-11, 0.0);
    }
    ck_assert_int_eq(n_start, 2);
}
END_TEST

START_TEST(test_ddk_recursion)
{
    static struct curve curve;
    double z[2] = {1.0, 1.0}; /* the second state has no input: z^2 grows */
    load_curve("ddk_discrete", 2, &curve);
    for (size_t k = 1; k < curve.n_row; k++) {
        const double u[2] = {k % 2 ? 0.5 : 0.0, 0.0}, before = z[1];
        ow_ddk_step(0.7, 1.0, 1e-3, 2, u, z);
        ck_assert_close(z[0], curve.row[k][1], 1e-14, 0.0);
        ck_assert_close(z[1], before + 0.7 / before, 1e-15, 0.0);
    }
    /* A step that would cross 0 ends at the floor, and goes on from there. */
    const double u[1] = {1.0};
    z[0] = 0.3;
    ow_ddk_step(0.01, 1.0, 0.05, 1, u, z);
    ck_assert(z[0] == 0.05);
    const double none[1] = {0.0};
    z[0] = -2.0;
    ow_ddk_step(0.01, 1.0, 0.05, 1, none, z);
    ck_assert_close(z[0], 0.05 + 0.01 / 0.05, 1e-15, 0.0);
}
END_TEST

/* With alpha and beta small the device, stepped by t_step, is the recursion: their difference
 * goes with the step.  alpha/n and beta/n, n steps: at n = 400 half of what it is at 200. */
START_TEST(test_ddk_recursion_is_eulers_method)
{
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES], error[2];
    const struct ow_model *m = use_set("ddk_shi", param);
    ow_states_init(m, param, x);
    hold_voltage(m, param, 0.4, 1e-3, 1e-13, x);
    for (int fine = 0; fine < 2; fine++) {
        const int n = fine ? 400 : 200;
        const double u[1] = {0.4};
        double z[1] = {1.0};
        for (int k = 0; k < n; k++)
            ow_ddk_step(0.712 / n, 0.999 / n, 1e-3, 1, u, z);
        error[fine] = z[0] - x[0];
    }
    ck_assert_close(error[0] / error[1], 2.0, 0.02, 0.0);
    ck_assert(fabs(error[0]) < 1e-3 && error[0] != 0.0);
}
END_TEST

/* Strong drift closes the gap and holds it there; without it the gap opens at the rate of
 * z_min at once.  A negative voltage is no input. */
START_TEST(test_ddk_ends_at_zero)
{
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    struct ow_point pt, rest;
    const struct ow_model *m = use_set("ddk_shi", param);
    ow_states_init(m, param, x);
    hold_voltage(m, param, 300.0, 1e-4, 1e-10, x);
    ck_assert_close(x[0], 0.0, 0.0, 1.01 * OW_STOP_DEPTH);
    ow_eval_one(m, param, 0.0, x, &rest);
    ck_assert_close(rest.f[0], 0.712 / 0.01 / 1e-3, 1e-12, 0.0);
    ow_eval_one(m, param, -0.7, x, &pt);
    ck_assert(pt.f[0] == rest.f[0] && pt.i < 0.0);
    /* R at z = 1: a third of the way */
    x[0] = 1.0;
    ow_eval_one(m, param, 0.31, x, &pt);
    ck_assert_close(pt.i, 0.31 / (1e4 + 990e3 / 3.0), 1e-14, 0.0);
}
END_TEST

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

int main(void)
{
    Suite *suite = suite_create("models_diffusive");
    TCase *tc = tcase_create("driftdiff");
    tcase_add_loop_test(tc, test_extensions_reduce_to_the_published_model, 0, 3);
    tcase_add_test(tc, test_wox_relaxes_as_in_closed_form);
    tcase_add_test(tc, test_signed_drift_stops_at_zero);
    tcase_add_loop_test(tc, test_diffusion_exponents, 0, 2);
    tcase_add_test(tc, test_sinh_drift_by_hand);
    tcase_add_test(tc, test_activation_energies_by_hand);
    tcase_add_test(tc, test_joule_heating_follows_its_closed_form);
    tcase_add_test(tc, test_thickness_grows_and_shrinks_in_closed_form);
    tcase_add_test(tc, test_weak_voltage_holds_the_bridge_at_thickness_1);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);

    tc = tcase_create("ddk");
    tcase_add_test(tc, test_ddk_follows_its_closed_form);
    tcase_add_test(tc, test_ddk_recursion);
    tcase_add_test(tc, test_ddk_recursion_is_eulers_method);
    tcase_add_test(tc, test_ddk_ends_at_zero);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
