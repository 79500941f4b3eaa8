/* The compact models: their equations by hand, closed-form curves, laws that hold for
 * every entry of the registry, and the random draws. */
#include "ow_check.h"

#include "ow_curve.h"
#include "ow_exp.h"
#include "ow_model.h"
#include "ow_random.h"
#include "ow_reference_ode.h"
#include "ow_sets.h"
#include "ow_soft_stop.h"

#include <float.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- helpers ------------------------------------------------------------------------ */

/* What drives a device: see struct ode. */
typedef double drive_fn(const struct ode *ode, double t, const double x[]);

static double ramp(const struct ode *ode, double t, const double x[])
{
    return ode->arg[0] * t;
}

/* All models are ohmic at frozen state, so one evaluation finds the voltage for i. */
static double constant_current(const struct ode *ode, double t, const double x[])
{
    struct ow_point pt;
    ow_eval_one(ode->m, ode->param, 1.0, x, &pt);
    return ode->arg[0] / pt.i;
}

static void integrate(const struct ow_model *m, const double param[], drive_fn *drive,
                      double arg, double t, double t_end, double x[], double tol)
{
    const struct ode ode = {.m = m, .param = param, .v = drive, .arg = {arg}};
    ode_run(&ode, t, t_end, 1.0, tol, x, NULL, NULL);
}

/* ---- the equations, by hand ----------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *set;
    const char *change; double to; /* one parameter of the set, or NULL */
    double v, x[3];
    double i, f[2];
} hand[] = {
    /* TEAM (14a)(15)(18): R = 50 + 950 * 0.2385 = 276.575, i = 0.7312/R, z = i/115u - 1 = 21.98928272,
     * u = (0.2385 * 3n - 1.2n)/107p = -4.528037383, f = 1.46e-18/3e-9 z^10 exp(-exp(u)) */
    {"team_f10", NULL, 0, 0.7312, {0.2385}, 0.0026437675133327307, {12724.802399153307}},
    /* (14c)(19): R = 633.585, z = i/-8.9u - 1 = 15.51029326, u = -(0.6143 * 3n - 1.8n)/107p = -0.4009345794 */
    {"team_f10", NULL, 0, -0.0931, {0.6143}, -0.00014694161004442971, {-0.064339893740788308}},
    /* (14b): between the thresholds; i = 0.0281/276.575 = 101.6 uA */
    {"team_f10", NULL, 0, 0.0281, {0.2385}, 0.0281 / 276.575, {0.0}},
    /* z^25 alone is 4.5e1, k/length 1.4e-33: R = 1000 + 99000 * 0.6143, z = 1.164280544 */
    {"team_f14", NULL, 0, -1.1907, {0.6143}, -1.9262096845946903e-5, {-6.1697817966629565e-32}},
    /* (16)(17): R = 1000 * 100^0.6143 = 16927.77976, z = 0.1902226028 */
    {"team_f14", "iv", 1, 2.317, {0.6143}, 0.00013687559932343628, {1.3194161404364032e-51}},
    /* VTEAM: f = 5e-4/3e-9 (0.7312/0.02 - 1) */
    {"vteam_memtorch", NULL, 0, 0.7312, {0.2385}, 0.0026437675133327307, {5926666.6666666667}},
    /* f = -10/3e-9 (1.1907/0.2 - 1)^3 */
    {"vteam_memtorch", NULL, 0, -1.1907, {0.6143}, -0.001879305854778759, {-405149444017.91667}},
    /* R beyond the ends: held at r_off and r_on */
    {"vteam_memtorch", NULL, 0, 0.0107, {1.5}, 0.0107 / 1000.0, {0.0}},
    {"vteam_memtorch", NULL, 0, 0.0107, {-0.5}, 0.0107 / 50.0, {0.0}},
    /* t = 0.5702, D = 16 * 0.7312/(0.1 + 0.4298) = 22.08229521, R = 1.7e4 t + 1e10 (e^4.298 - 1)/(e^10 - 1),
     * df = D - 50.35 * 0.2385, dr = 0.35 * 0.2385 - 0.42 * 0.3317; symmetric */
    {"driftdiff_tw_single", "rate_max", 0, -0.7312, {0.2385, 0.3317}, -2.2191204355804407e-8, {10.073820205738014, -0.055839}},
    /* EKV, in 40 digits: on, backwards, near 0, below the threshold, and where a difference of the
     * squares would have no digits */
    {"ekv_180nm", NULL, 0, 0.7312, {0.0}, 0.0010659015392499966, {0.0}},
    {"ekv_180nm", NULL, 0, -1.1907, {0.0}, -0.0042149886972773668, {0.0}},
    {"ekv_180nm", NULL, 0, 0.0281, {0.0}, 6.2369589016406364e-05, {0.0}},
    {"ekv_180nm", "v_gate", 0.3, 0.7312, {0.0}, 3.0208357617449887e-08, {0.0}},
    {"ekv_180nm", NULL, 0, 1e-9, {0.0}, 2.2499999948272879e-12, {0.0}},
    /* the limiter of the set: df = 1 */
    {"driftdiff_tw_single", NULL, 0, -0.7312, {0.2385, 0.3317}, -2.2191204355804407e-8, {1.0, -0.055839}},
    /* one-sided: no drift for v < 0: df = -50.35 * 0.2385 */
    {"driftdiff_tw_single", "symmetric", 0, -0.7312, {0.2385, 0.3317}, -2.2191204355804407e-8, {-12.008475, -0.055839}},
    /* full gap, halfway into the stop: D = 16 * 10/0.1 * (1 - 0.5^2) = 1200, df = D - 50.35 * 0.6,
     * dr = 0.35 * 0.6 - 0.42 * 0.40005 */
    {"driftdiff_tw_single", "rate_max", 0, 10.0, {0.6, 0.4 + 0.5e-4}, 10.0 / 1.7e4, {1169.79, 0.041979}},
    /* hazard while off: exp(2.7312/0.156)/2.85e5; a negative voltage cannot set, a positive one not reset */
    {"stochastic_gaba", NULL, 0, 2.7312, {0.0, 0.7, 0.0}, 2.7312e-6, {0.0, -140.81512339638252}},
    {"stochastic_gaba", NULL, 0, -2.7312, {0.0, 0.7, 0.0}, -2.7312e-6, {0.0, 0.0}},
    {"stochastic_gaba", NULL, 0, -2.7312, {1.0, 0.7, 0.0}, -2.7312e-4, {0.0, -140.81512339638252}},
    {"stochastic_gaba", NULL, 0, 2.7312, {1.0, 0.7, 0.0}, 2.7312e-4, {0.0, 0.0}},
};
/* clang-format on */

/* Logarithms of rates reach 100, where a rounding error is 1e-14 of the rate; the tables
 * carry 17 digits. */
START_TEST(test_models_match_hand_values)
{
    double param[OW_MAX_PARAMS];
    struct ow_point pt;
    const struct ow_model *m = use_set(hand[_i].set, param);
    if (hand[_i].change)
        put(m, param, hand[_i].change, hand[_i].to);
    ow_eval_one(m, param, hand[_i].v, hand[_i].x, &pt);
    ck_assert_close(pt.i, hand[_i].i, 1e-13, 0.0);
    /* In the stop a rounding error of t = 1 counts 1/depth times as much. */
    const bool in_stop = hand[_i].x[0] + hand[_i].x[1] > 1.0 && hand[_i].v == 10.0;
    if (m->n_state > 0)
        ck_assert_close(pt.f[0], hand[_i].f[0], in_stop ? 1e-11 : 1e-12, 0.0);
    if (m->n_state > 1)
        ck_assert_close(pt.f[1], hand[_i].f[1], 1e-12, 0.0);
}
END_TEST

/* ---- closed-form curves ---------------------------------------------------------------- */

/* Their a_on and a_off are those of figure 8 swapped, so that the state can travel. */
static void check_team_curve(const char *name, double current)
{
    static struct curve curve;
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("team_f10", param);
    const double length = get(m, param, "x_off") - get(m, param, "x_on");
    put(m, param, "a_on", 1.2e-9);
    put(m, param, "a_off", 1.8e-9);
    load_curve(name, 3, &curve);
    double x[OW_MAX_STATES] = {curve.row[0][1] / length};
    for (size_t k = 0; k < curve.n_row; k++) {
        struct ow_point pt;
        if (k > 0)
            integrate(m, param, constant_current, current, curve.row[k - 1][0], curve.row[k][0],
                      x, 1e-12);
        /* A step error of 1e-12 each over some thousand steps. */
        ck_assert_close(x[0] * length, curve.row[k][1], 1e-9, 0.0);
        const struct ode ode = {.m = m, .param = param, .arg = {current}};
        const double v = constant_current(&ode, 0.0, x);
        ow_eval_one(m, param, v, x, &pt);
        /* df/dx of the closing window magnifies the error of x by up to w_c: 28 travels. */
        ck_assert_close(pt.f[0] * length, curve.row[k][2], 1e-7, 0.0);
    }
}

START_TEST(test_team_moves_off_as_the_exponential_integral)
{
    check_team_curve("team_const_current_off", 1e-3);
}
END_TEST

START_TEST(test_team_moves_on_as_the_exponential_integral)
{
    check_team_curve("team_const_current_on", -100e-6);
}
END_TEST

START_TEST(test_driftdiff_decays_as_two_exponentials)
{
    static struct curve curve;
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("driftdiff_tw_single", param);
    load_curve("diffusive_decay", 4, &curve);
    put(m, param, "f0", curve.row[0][1]);
    put(m, param, "r0", curve.row[0][2]);
    double x[OW_MAX_STATES];
    ow_states_init(m, param, x);
    for (size_t k = 1; k < curve.n_row; k++) {
        integrate(m, param, ode_constant, 0.0, curve.row[k - 1][0], curve.row[k][0], x, 1e-14);
        ck_assert_close(x[0], curve.row[k][1], 0.0, 1e-12);
        ck_assert_close(x[1], curve.row[k][2], 0.0, 1e-11);
    }
}
END_TEST

/* Lambda = h(0) - h(t). */
static double hazard_after(const struct ow_model *m, const double param[], drive_fn *drive,
                           double arg, double t)
{
    double x[OW_MAX_STATES] = {0.0, 0.0, 0.0};
    integrate(m, param, drive, arg, 0.0, t, x, 1e-11);
    return -x[1];
}

START_TEST(test_stochastic_hazard_gives_the_poisson_distribution)
{
    static struct curve curve;
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("stochastic_gaba", param);
    load_curve("poisson_switching_cdf", 4, &curve);
    for (size_t k = 0; k < curve.n_row; k++) {
        const double *row = curve.row[k]; /* V, tau, t, P */
        const double lambda = hazard_after(m, param, ode_constant, row[0], row[2]);
        ck_assert_close(lambda, row[2] / row[1], 1e-10, 0.0);
        ck_assert_close(-expm1(-lambda), row[3], 1e-10, 0.0);
    }
}
END_TEST

START_TEST(test_stochastic_hazard_over_a_ramp)
{
    static struct curve curve;
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("stochastic_gaba", param);
    load_curve("poisson_ramp_cdf", 3, &curve);
    for (size_t k = 0; k < curve.n_row; k++) {
        const double *row = curve.row[k]; /* V, Lambda, P; 1 V/s */
        const double lambda = hazard_after(m, param, ramp, 1.0, row[0]);
        /* The taper below v0/10 takes 0.05 of exp(2/0.156) = 3.7e5 at most. */
        ck_assert_close(lambda, row[1], 1.5e-7, 0.0);
        ck_assert_close(-expm1(-lambda), row[2], 1.5e-7, 0.0);
    }
}
END_TEST

/* ---- laws, over the registry and all sets ------------------------------------------------ */

/* A case of parameters: every set, and variants that turn each choice once. */
static const struct {
    const char *set, *change;
    double to;
} variant[] = {
    {"team_f10", NULL, 0},
    {"team_f10", "iv", 1},
    {"team_f10", "window", 0},
    {"team_f10", "window", 2},
    {"team_f10", "window", 3},
    {"team_f10", "window", 4},
    {"team_f10", "window", 5},
    {"vteam_memtorch", "window", 2},
    {"team_f14", NULL, 0},
    {"team_f14", "iv", 1},
    {"team_ccit801", NULL, 0},
    {"team_xyce", NULL, 0},
    {"vteam_memtorch", NULL, 0},
    {"vteam_memtorch", "iv", 1},
    {"vteam_memtorch", "window", 1},
    {"ow_benign", NULL, 0},
    {"ow_hard", NULL, 0},
    {"team_write", NULL, 0},
    {"driftdiff_tw_single", NULL, 0},
    {"driftdiff_tw_multi", NULL, 0},
    {"driftdiff_tw_single", "rate_max", 0},
    {"driftdiff_tw_single", "symmetric", 0},
    {"driftdiff_yang_dc_symmetric", NULL, 0},
    {"driftdiff_yang_dc_asymmetric", NULL, 0},
    {"driftdiff_yang_pulse", NULL, 0},
    {"driftdiff_yang_lif", NULL, 0},
    {"driftdiff_yang_oscillator", NULL, 0},
    {"driftdiff_write", NULL, 0},
    {"driftdiff_wox", NULL, 0},
    {"driftdiff_wox", "gap", 0},
    {"driftdiff_tw_single", "drift", 1},
    {"driftdiff_tw_single", "diffusion", 1},
    {"driftdiff_tw_single", "diffusion", 2},
    {"driftdiff_tw_single", "e_mu", 0.61},
    {"driftdiff_yang_pulse", "e_gamma", 0.37},
    {"driftdiff_write", "thermal", 1},
    {"driftdiff_noise_tw_single", NULL, 0},
    {"driftdiff_noise_tw_multi", "rate_max", 0},
    {"driftdiff_noise_tw_single", "m", 1},
    {"driftdiff_noise_tw_single", "rs", 1.7e4},
    {"stochastic_gaba", NULL, 0},
    {"stochastic_write", NULL, 0},
    {"lindrift_hp_160", NULL, 0},
    {"lindrift_hp_160", "window", 0},
    {"lindrift_hp_380", "window", 2},
    {"lindrift_hp_380", "window", 3},
    {"lindrift_r1", NULL, 0},
    {"lindrift_r1", "p", 7},
    {"yakopcic_agchalc", NULL, 0},
    {"yakopcic_jo", NULL, 0},
    {"yakopcic_knowm", NULL, 0},
    {"yakopcic_miao", NULL, 0},
    {"yakopcic_nbsto", NULL, 0},
    {"yakopcic_oblea_pulsed", NULL, 0},
    {"yakopcic_agchalc", "eta", -1},
    {"yakopcic_nbsto", "eta", -1},
    {"selector_exp_60mv", NULL, 0},
    {"selector_exp_60mv", "rs", 1.3e3},
    {"ekv_180nm", NULL, 0},
    {"ekv_180nm", "rs", 1.3e3},
    {"ekv_180nm", "v_gate", 0.31},
    {"ekv_180nm", "temp", 125.0},
    {"selector_ts_fast", NULL, 0},
    {"selector_ts_fast", "rs", 1.3e3},
    {"threshold_r2", NULL, 0},
    {"threshold_r2", "alpha", 2e12},
    {"ddk_shi", NULL, 0},
    {"stochastic_write", "scale", 1.37},
    {"team_write", "rate", 0.83},
    {"driftdiff_write", "rate", 2.3},
    {"sky130", NULL, 0},
    {"sky130", "rs", 2.9e3},
    {"sky130", "temp", 85.0},
    {"rram_asu_chen_yu", NULL, 0},
    {"jart_v1b", NULL, 0},
    {"jart_v1b", "rs", 310.0},
    {"jart_v1b", "temp", 125.0},
    {"jart_var_v1b", NULL, 0},
    {"jart_var_v1b", "rs", 310.0},
    {"jart_var_v1b", "c2c_l_disc", 0.5},
    {"stanford_v1", NULL, 0},
    {"stanford_v1", "rs", 1.7e3},
    {"stanford_v1", "f_min", 1e6},
    {"stanford_noise_v1", NULL, 0},
    {"stanford_noise_v1", "form", 0},
    {"stanford_tiox_hfox_a", NULL, 0},
    {"stanford_tiox_hfox_b", "temp", -40.0},
    {"stanford_tiox_hfox_c", "alpha", 2.5},
    {"team_write", "rs", 3.1e3},
    {"team_f10", "rs", 71.0},
    {"driftdiff_write", "rs", 1.7e4},
    {"stochastic_write", "rs", 2.3e3},
    {"stochastic_write", "sigma_tau_d2d", 0.31},
    {"stochastic_write", "sigma_tau_c2c", 0.43},
};
enum { N_VARIANT = sizeof variant / sizeof variant[0] };

static const struct ow_model *use_variant(size_t k, double param[])
{
    const struct ow_model *m = use_set(variant[k].set, param);
    if (variant[k].change)
        put(m, param, variant[k].change, variant[k].to);
    return m;
}

/* Uneven points; states within, at the stops (depth 1e-4) and well outside the travel.
 * h is small against the distance to the next kink. */
static const struct {
    double v, x[4], h;
} bias[] = {
    {0.7312, {0.2385, 0.3317, 2.03}, 1e-4},    {-1.1907, {0.6143, 0.1221, 1.37}, 1e-4},
    {0.0131, {0.6143, 0.3729, 0.41}, 1e-4},    {-0.0427, {0.2385, 0.0717, 3.02}, 1e-4},
    {3.2717, {1.00004, 0.0, 1.37}, 2e-6},      {-2.4191, {-0.00004, 0.9713, 0.41}, 2e-6},
    {2.7183, {0.61432, 0.38571, 0.41}, 2e-6},  {0.8641, {1.0032, 0.0103, 2.03}, 1e-4},
    {-1.3337, {-0.0417, -0.0032, 1.37}, 1e-4}, {0.9719, {0.7317, 0.4183, 1.37}, 1e-4},
    {-0.8329, {1.5319, 1.2713, 1.37}, 1e-4},   {1.7321, {-1.3371, 0.2, 4.04}, 1e-4},
};
enum { N_BIAS = sizeof bias / sizeof bias[0] };

/* Five-point central difference of every output; `s` is a state, or n_state for v. */
static void difference(const struct ow_model *m, const double param[], double v,
                       const double x[], size_t s, double h, double *di, double df[])
{
    static const double weight[4] = {1.0 / 12, -2.0 / 3, 2.0 / 3, -1.0 / 12};
    *di = 0.0;
    memset(df, 0, OW_MAX_STATES * sizeof *df);
    for (int k = 0; k < 4; k++) {
        const double step = h * (k < 2 ? k - 2 : k - 1);
        double at[OW_MAX_STATES], u = v;
        struct ow_point pt;
        memcpy(at, x, sizeof at);
        if (s < m->n_state)
            at[s] += step;
        else
            u += step;
        ow_eval_one(m, param, u, at, &pt);
        *di += weight[k] * pt.i / h;
        for (size_t r = 0; r < m->n_state; r++)
            df[r] += weight[k] * pt.f[r] / h;
    }
}

/* Error: h^4 times the fifth derivative, at most (alpha/z)^5/30 of a rate and 3e-10 of it
 * with alpha = 25, or (h length/w_c)^4 = 1e-9 in team_xyce's window; and the noise of a
 * logarithm near 100, 1e-14 of the rate over h.  The latter scales with the value, not
 * with the derivative: hence atol. */
START_TEST(test_derivatives_match_differences)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_variant((size_t)_i / N_BIAS, param);
    const size_t b = (size_t)_i % N_BIAS, ns = m->n_state;
    const double v = bias[b].v, *x = bias[b].x;
    struct ow_point pt;
    ow_eval_one(m, param, v, x, &pt);
    for (size_t s = 0; s <= ns; s++) {
        const double h = s < ns ? bias[b].h : 1e-4 * fabs(v);
        double di, df[OW_MAX_STATES];
        difference(m, param, v, x, s, h, &di, df);
        ck_assert_close(s < ns ? pt.di_dx[s] : pt.di_dv, di, 1e-6, 1e-13 * fabs(pt.i) / h);
        for (size_t r = 0; r < ns; r++)
            ck_assert_close(s < ns ? pt.df_dx[r][s] : pt.df_dv[r], df[r], 2e-6,
                            2e-13 * fabs(pt.f[r]) / h);
    }
}
END_TEST

/* Deterministic numbers for the tests. */
static double draw(uint64_t id, uint64_t event)
{
    const struct ow_draw_key key = {
        .seed = 7, .purpose = OW_DRAW_TEST, .id = id, .event = event};
    return ow_draw_uniform(&key);
}

/* A value within [lo, hi], over all its decades where it has any. */
static double draw_within(const struct ow_param *p, double u)
{
    if (p->choice || p->hi == 4294967295.0)
        return floor(p->lo + u * (p->hi - p->lo));
    if (p->lo > 0.0)
        return fmin(fmax(p->lo * pow(p->hi / p->lo, u), p->lo), p->hi);
    if (p->hi < 0.0)
        return fmin(fmax(p->lo * pow(p->hi / p->lo, u), p->lo), p->hi);
    return p->lo + u * (p->hi - p->lo);
}

static const double extreme_v[] = {0.0, 4e-320, 1e-300, 1e-9,  0.31,
                                   1e3, 1e30,   1.7e30, 1e200, DBL_MAX};
static const double extreme_x[] = {-DBL_MAX, -1e9, -1.7,       -1e-4,      -1e-5, 0.0, 4e-320,
                                   0.37,     1.0,  1.0 + 1e-5, 1.0 + 1e-4, 1.9,   3e4, DBL_MAX};
enum {
    N_V = sizeof extreme_v / sizeof extreme_v[0],
    N_X = sizeof extreme_x / sizeof extreme_x[0]
};

/* i, i v >= 0, and all derivatives finite, for one set of parameters. */
static void check_extremes(const struct ow_model *m, const double param[])
{
    size_t n_point = 1;
    for (size_t s = 0; s < m->n_state; s++)
        n_point *= N_X;
    /* Four states make 38416 combinations: every 61st, which meets all values of each. */
    const size_t stride = n_point > 3000 ? 61 : 1;
    for (size_t k = 0; k < n_point; k += stride)
        for (size_t b = 0; b < 2 * N_V; b++) {
            const double v = (b % 2 ? -1.0 : 1.0) * extreme_v[b / 2];
            double x[OW_MAX_STATES];
            struct ow_point pt;
            for (size_t s = 0, rest = k; s < m->n_state; s++, rest /= N_X)
                x[s] = extreme_x[rest % N_X];
            ow_eval_one(m, param, v, x, &pt);
            double sum = fabs(pt.i) * 1e-30 + fabs(pt.di_dv) * 1e-30;
            for (size_t r = 0; r < m->n_state; r++) {
                sum += fabs(pt.di_dx[r]) * 1e-100 + fabs(pt.f[r]) * 1e-100 +
                       fabs(pt.df_dv[r]) * 1e-100;
                for (size_t s = 0; s < m->n_state; s++)
                    sum += fabs(pt.df_dx[r][s]) * 1e-100;
            }
            ck_assert_msg(isfinite(sum), "%s at v = %g, x = %g %g: not finite", m->name, v,
                          x[0], x[1]);
            ck_assert_msg(v > 0.0   ? pt.i >= 0.0
                          : v < 0.0 ? pt.i <= 0.0
                                    : pt.i == 0.0,
                          "%s at v = %g: i = %g delivers power", m->name, v, pt.i);
            ck_assert_msg(pt.di_dv >= 0.0, "%s at v = %g: di/dv = %g", m->name, v, pt.di_dv);
        }
}

START_TEST(test_sets_are_finite_and_passive_everywhere)
{
    double param[OW_MAX_PARAMS];
    check_extremes(use_variant((size_t)_i, param), param);
}
END_TEST

/* The same at random corners of the allowed parameters. */
START_TEST(test_any_parameters_are_finite_and_passive)
{
    const struct ow_model *m = ow_models[_i];
    double param[OW_MAX_PARAMS];
    int n_checked = 0;
    for (uint64_t trial = 0; trial < 4000 && n_checked < 60; trial++) {
        for (size_t k = 0; k < m->n_param; k++) {
            const double u = draw(trial, 2 * k), corner = draw(trial, 2 * k + 1);
            /* Ends of ranges are where products overflow: take them often. */
            param[k] = draw_within(&m->param[k], corner < 0.2 ? 0.0 : corner > 0.8 ? 1.0 : u);
        }
        if (ow_params_check(m, param, NULL, NULL) != OW_OK)
            continue;
        n_checked++;
        check_extremes(m, param);
    }
    ck_assert_msg(n_checked >= 20, "only %d parameter sets were legal", n_checked);
}
END_TEST

/* A device at rest carries no current, and keeps what was programmed unless it is volatile:
 * for 30 years (1e9 s), with all else where it starts, since a hot filament may move, and but
 * for jumps, which noise may bring at any time. */
START_TEST(test_nothing_moves_at_rest)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_variant((size_t)_i, param);
    for (size_t b = 0; b < N_BIAS; b++) {
        double x[OW_MAX_STATES];
        struct ow_point pt;
        ow_eval_one(m, param, 0.0, bias[b].x, &pt);
        ck_assert(pt.i == 0.0);
        ow_states_init(m, param, x);
        for (size_t s = 0; s < m->n_state; s++)
            if (m->state[s].init == m->program)
                x[s] = fmin(fmax(bias[b].x[s], m->state[s].lo), m->state[s].hi);
        ow_eval_one(m, param, 0.0, x, &pt);
        for (size_t s = 0; s < m->n_state && !m->is_volatile; s++)
            if (!m->fire || s != m->event_state)
                ck_assert(fabs(pt.f[s]) <= 1e-9);
    }
}
END_TEST

/* Discrete states have no derivative. */
START_TEST(test_discrete_states_stand_still)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_variant((size_t)_i, param);
    for (size_t b = 0; b < N_BIAS; b++) {
        struct ow_point pt;
        ow_eval_one(m, param, bias[b].v, bias[b].x, &pt);
        for (size_t s = 0; s < m->n_state; s++)
            if (m->state[s].is_discrete)
                ck_assert(pt.f[s] == 0.0 && pt.df_dv[s] == 0.0);
    }
}
END_TEST

/* What calls itself a switch is linear, and nothing depends on what moves. */
START_TEST(test_switches_are_switches)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_variant((size_t)_i, param);
    if (!m->is_switch || !m->is_switch(param))
        return;
    for (size_t b = 0; b < N_BIAS; b++) {
        struct ow_point pt, half;
        ow_eval_one(m, param, bias[b].v, bias[b].x, &pt);
        ow_eval_one(m, param, 0.5 * bias[b].v, bias[b].x, &half);
        ck_assert_close(half.i, 0.5 * pt.i, 1e-12, 0.0);
        ck_assert_close(pt.di_dv, pt.i / bias[b].v, 1e-12, 0.0);
        ck_assert(pt.f[m->event_state] <= 0.0);
        for (size_t s = 0; s < m->n_state; s++) {
            ck_assert(s == m->event_state || pt.f[s] == 0.0);
            for (size_t r = 0; r < m->n_state && !m->state[s].is_discrete; r++)
                ck_assert(pt.di_dx[s] == 0.0 && pt.df_dx[r][s] == 0.0);
        }
    }
}
END_TEST

START_TEST(test_stochastic_is_a_switch_unless_it_is_a_mean)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("stochastic_write", param);
    ck_assert(m->is_switch(param));
    put(m, param, "mode", 1);
    ck_assert(!m->is_switch(param));
}
END_TEST

/* One step of the last digit above a threshold, with mantissas from 1 to nearly 2. */
START_TEST(test_team_is_finite_at_its_threshold)
{
    static const double v_off[] = {1.0, 1.3, 1.9999999, 0x1.fffffffffffffp0, 1e-9};
    double param[OW_MAX_PARAMS];
    const double x[1] = {0.3};
    struct ow_point pt;
    const struct ow_model *m = use_set("team_write", param);
    put(m, param, "v_off", v_off[_i]);
    ow_eval_one(m, param, v_off[_i], x, &pt);
    ck_assert(pt.f[0] == 0.0 && pt.df_dv[0] == 0.0);
    ow_eval_one(m, param, nextafter(v_off[_i], 2.5), x, &pt);
    /* z is one rounding unit: f = k/length z^2 = 8.9e6 * (2.2e-16)^2. */
    ck_assert_close(pt.f[0], 0.0267 / 3e-9 * DBL_EPSILON * DBL_EPSILON, 0.0, 5e-25);
    ck_assert(pt.f[0] > 0.0 && isfinite(pt.df_dv[0]) && pt.df_dv[0] > 0.0);
}
END_TEST

/* ---- the registry ------------------------------------------------------------------------ */

static bool is_name(const char *s)
{
    size_t n = 0;
    for (; s[n]; n++)
        if (!((s[n] >= 'a' && s[n] <= 'z') || s[n] == '_' || (n && s[n] >= '0' && s[n] <= '9')))
            return false;
    return n > 0;
}

START_TEST(test_registry_is_sane)
{
    const struct ow_model *m = ow_models[_i];
    double param[OW_MAX_PARAMS];
    struct ow_error err = {0};
    ck_assert(ow_model_find(m->name) == m);
    ck_assert(is_name(m->name) && m->doc[0] && m->source[0]);
    ck_assert(m->n_param >= OW_N_COMMON && m->n_param <= OW_MAX_PARAMS);
    ck_assert(m->n_state <= OW_MAX_STATES);
    ck_assert_str_eq(m->param[OW_SCALE].name, "scale");
    ck_assert_str_eq(m->param[OW_RATE].name, "rate");
    ck_assert_str_eq(m->param[OW_SEED].name, "seed");
    ck_assert_str_eq(m->param[OW_ID].name, "id");
    ck_assert_str_eq(m->param[OW_TOL].name, "tol");
    ck_assert_str_eq(m->param[OW_RS].name, "rs");
    ow_params_default(m, param);
    ck_assert_ok(ow_params_check(m, param, NULL, &err), err);
    for (size_t k = 0; k < m->n_param; k++) {
        const struct ow_param *p = &m->param[k];
        ck_assert_msg(is_name(p->name) && p->doc[0] && p->unit[0], "%s: row %zu", m->name, k);
        /* Unique: the first of that name is this one. */
        ck_assert_uint_eq(ow_param_index(m, p->name), k);
        ck_assert(p->lo <= p->hi);
        if (p->choice) {
            size_t n = 0;
            while (p->choice[n])
                ck_assert(is_name(p->choice[n++]));
            ck_assert(p->lo == 0.0 && p->hi == (double)n - 1.0);
        }
    }
    /* Without a state a weight can only be the area. */
    bool has_program = m->n_state == 0 && m->program == OW_SCALE;
    for (size_t s = 0; s < m->n_state; s++) {
        ck_assert(is_name(m->state[s].name) && m->state[s].doc[0]);
        ck_assert(m->state[s].lo < m->state[s].hi);
        ck_assert(m->state[s].init >= OW_N_COMMON && m->state[s].init < m->n_param);
        has_program |= m->state[s].init == m->program;
    }
    ck_assert(has_program);
    ck_assert(m->fire || m->event_state == 0);
    if (m->fire)
        ck_assert(m->event_state < m->n_state && !m->state[m->event_state].is_discrete);
}
END_TEST

START_TEST(test_registry_finds_only_its_own)
{
    ck_assert(ow_model_find("hp") == NULL);
    ck_assert(ow_model_find("") == NULL);
    ck_assert_uint_eq(ow_param_index(ow_models[0], "no_such"), ow_models[0]->n_param);
}
END_TEST

/* array/ inverts g over the travel of the programmed state. */
START_TEST(test_conductance_is_monotone_in_the_programmed_state)
{
    double param[OW_MAX_PARAMS], first = NAN, last = NAN, sign = 0.0;
    const struct ow_model *m = use_variant((size_t)_i, param);
    size_t s = 0;
    if (m->n_state == 0)
        return; /* proportional to its area: test_scale_and_rate_multiply */
    while (m->state[s].init != m->program)
        s++;
    for (int k = 0; k <= 100; k++) {
        double x[OW_MAX_STATES];
        struct ow_point pt;
        param[m->program] = m->state[s].lo + 0.01 * k * (m->state[s].hi - m->state[s].lo);
        ow_states_init(m, param, x);
        ow_eval_one(m, param, 1.0, x, &pt);
        if (k == 0)
            first = pt.i;
        else if (pt.i != last) {
            const double step = pt.i > last ? 1.0 : -1.0;
            ck_assert_msg(sign == 0.0 || sign == step, "%s: g turns at step %d", m->name, k);
            sign = step;
        }
        last = pt.i;
    }
    ck_assert(sign != 0.0);
    if (ow_param_index(m, "r_on") == m->n_param || ow_param_index(m, "r_off") == m->n_param)
        return; /* not a resistor between two limits */
    const double scale = param[OW_SCALE], rs = param[OW_RS];
    ck_assert_close(fmax(first, last), scale / (get(m, param, "r_on") + rs), 1e-12, 0.0);
    /* A residue bridges a part of the gap from the beginning. */
    if (strcmp(m->name, "driftdiff") != 0 || get(m, param, "r0") == 0.0)
        ck_assert_close(fmin(first, last), scale / (get(m, param, "r_off") + rs), 1e-12, 0.0);
}
END_TEST

START_TEST(test_ranges_are_enforced)
{
    const struct ow_model *m = ow_models[_i];
    for (size_t k = 0; k < m->n_param; k++) {
        const struct ow_param *p = &m->param[k];
        const double wrong[] = {nextafter(p->lo, -INFINITY),
                                nextafter(p->hi, INFINITY),
                                NAN,
                                INFINITY,
                                -INFINITY,
                                p->lo + 0.5};
        const bool is_whole = p->choice || k == OW_SEED || k == OW_ID;
        for (size_t w = 0; w < (is_whole ? 6 : 5); w++) {
            double param[OW_MAX_PARAMS];
            struct ow_error err = {0};
            size_t bad = 999;
            ow_params_default(m, param);
            param[k] = wrong[w];
            ck_assert_msg(ow_params_check(m, param, &bad, &err) == OW_ERR_RANGE,
                          "%s: %s = %g passed", m->name, p->name, wrong[w]);
            ck_assert_uint_eq(bad, k);
            ck_assert(strncmp(err.text, p->name, strlen(p->name)) == 0);
            ck_assert_int_eq(err.status, OW_ERR_RANGE);
        }
    }
}
END_TEST

/* clang-format off */
static const struct {
    const char *model, *name; double value; const char *expect;
} relation[] = {
    {"team", "r_on", 1000.0, "r_on must be below r_off"},
    {"team", "r_off", 50.0, "r_on must be below r_off"},
    {"team", "x_on", 3e-9, "x_off must be above x_on"},
    {"team", "x_off", -1e-9, "x_off must be above x_on"},
    {"driftdiff", "r_on", 2e10, "r_on must be below r_off"},
    {"jart", "n_min", 20e26, "n_max must be above n_min"},
    {"jart", "l_disc", 3e-9, "l_disc must be below l_cell"},
    {"jart", "phi_n", 0.18, "phi_bn0 must be above phi_n"},
    {"jart_var", "phi_n", 0.18, "phi_bn0 must be above phi_n"},
    {"jart_var", "n_min", 20e26, "n_max must be above n_min"},
    {"jart_var", "l_disc", 3e-9, "l_disc must be below l_cell"},
    {"jart_var", "k0", 2.5, "k0 must be a whole number"},
    {"jart_var", "h0", -0.5, "h0 must be -1"},
    {"stanford", "gap_min", 1.7e-9, "gap_max must be above gap_min"},
    {"rram_asu", "tfilament_min", 4.9e-9, "tfilament_max must be above tfilament_min"},
    {"rram_asu", "tfilament_max", 5.1e-9, "tfilament_max must not be above tox"},
    {"rram_asu", "tfilament_ref", 5e-9, "tfilament_ref must be below tox"},
    {"stochastic", "r_off", 1e4, "r_on must be below r_off"},
    {"stochastic", "x0", 0.5, "x0 must be 0"},
    {"stochastic", "h0", -0.5, "h0 must be -1"},
    {"stochastic", "k0", 2.5, "k0 must be a whole number"},
};
/* Signs that are printed wrong in the literature: the message must say what is expected. */
static const struct { const char *name; double value; const char *expect; } sign_error[] = {
    {"i_on", 8.9e-6, "must be negative"}, {"i_off", -115e-6, "must be positive"},
    {"v_on", 0.2, "must be negative"}, {"v_off", -0.02, "must be positive"},
    {"k_on", 8e-13, "must be negative"}, {"k_off", -8e-13, "must be positive"},
    {"i_on", 0.0, "must be negative"}, {"k_on", 0.0, "must be negative"},
};
/* clang-format on */

START_TEST(test_relations_are_enforced)
{
    const struct ow_model *m = ow_model_find(relation[_i].model);
    double param[OW_MAX_PARAMS];
    struct ow_error err = {0};
    size_t bad = 999;
    ow_params_default(m, param);
    put(m, param, relation[_i].name, relation[_i].value);
    ck_assert_int_eq(ow_params_check(m, param, &bad, &err), OW_ERR_RANGE);
    ck_assert_uint_eq(bad, m->n_param);
    ck_assert_msg(strstr(err.text, relation[_i].expect) != NULL, "%s", err.text);
    /* Both out-parameters are optional. */
    ck_assert_int_eq(ow_params_check(m, param, NULL, NULL), OW_ERR_RANGE);
}
END_TEST

START_TEST(test_signs_are_enforced)
{
    const struct ow_model *m = ow_model_find("team");
    double param[OW_MAX_PARAMS];
    struct ow_error err = {0};
    ow_params_default(m, param);
    put(m, param, sign_error[_i].name, sign_error[_i].value);
    ck_assert_int_eq(ow_params_check(m, param, NULL, &err), OW_ERR_RANGE);
    ck_assert_msg(strstr(err.text, sign_error[_i].expect) != NULL, "%s", err.text);
    ck_assert(strncmp(err.text, sign_error[_i].name, strlen(sign_error[_i].name)) == 0);
}
END_TEST

/* ---- arrays of cells -----------------------------------------------------------------------
 */

/* n cells, all with one parameter set, with ids of their own, or with every second parameter
 * spread, must be exactly n single devices. */
enum spread { NOTHING, IDS, MUCH };

static void check_cells_equal_single_devices(size_t which, enum spread spread_what)
{
    enum { N = 5 };
    double param[OW_MAX_PARAMS], spread[OW_MAX_PARAMS][N], v[N], x[OW_MAX_STATES][N];
    double out[2 + 2 * OW_MAX_STATES + OW_MAX_STATES * (1 + OW_MAX_STATES)][N];
    const double *spread_of[OW_MAX_PARAMS] = {NULL};
    const struct ow_model *m = use_variant(which, param);
    struct ow_cells cells = {.n = N, .param = param, .spread = spread_of, .v = v};
    struct ow_response to = {.i = out[0], .di_dv = out[1]};
    size_t at = 2;
    for (size_t j = 0; j < N; j++)
        v[j] = bias[j].v;
    for (size_t s = 0; s < m->n_state; s++) {
        for (size_t j = 0; j < N; j++)
            x[s][j] = bias[j].x[s];
        cells.x[s] = x[s];
        to.di_dx[s] = out[at++];
        to.f[s] = out[at++];
        to.df_dv[s] = out[at++];
        for (size_t r = 0; r < m->n_state; r++)
            to.df_dx[s][r] = out[at++];
    }
    for (size_t k = 0; spread_what != NOTHING && k < m->n_param; k++) {
        if (k != OW_ID && (spread_what == IDS || k % 2 || m->param[k].choice))
            continue;
        for (size_t j = 0; j < N; j++)
            spread[k][j] = k == OW_ID ? 3.0 + (double)j : param[k] * (1.0 + 0.01 * (double)j);
        spread_of[k] = spread[k];
    }
    ow_eval(m, &cells, &to);
    double i[N], f[OW_MAX_STATES][N];
    struct ow_response values = {.i = i};
    for (size_t s = 0; s < m->n_state; s++)
        values.f[s] = f[s];
    ow_eval(m, &cells, &values); /* without derivatives */
    for (size_t j = 0; j < N; j++) {
        double own[OW_MAX_PARAMS], one[OW_MAX_STATES];
        struct ow_point pt;
        ow_params_gather(m, &cells, j, own);
        for (size_t s = 0; s < m->n_state; s++)
            one[s] = x[s][j];
        ow_eval_one(m, own, v[j], one, &pt);
        ck_assert(to.i[j] == pt.i && to.di_dv[j] == pt.di_dv && i[j] == pt.i);
        for (size_t r = 0; r < m->n_state; r++) {
            ck_assert(to.di_dx[r][j] == pt.di_dx[r]);
            ck_assert(to.f[r][j] == pt.f[r] && to.df_dv[r][j] == pt.df_dv[r]);
            ck_assert(f[r][j] == pt.f[r]);
            for (size_t s = 0; s < m->n_state; s++)
                ck_assert(to.df_dx[r][s][j] == pt.df_dx[r][s]);
        }
    }
}

START_TEST(test_cells_equal_single_devices)
{
    check_cells_equal_single_devices((size_t)_i, NOTHING);
    check_cells_equal_single_devices((size_t)_i, IDS);
    check_cells_equal_single_devices((size_t)_i, MUCH);
}
END_TEST

static double uniform(void) /* 0 .. 1 */
{
    return (double)rand() / RAND_MAX;
}

/* The current alone is the current, of more cells than are taken at a time; cells that share
 * their parameters and cells that do not take different ways. */
START_TEST(test_conduct_is_the_current)
{
    enum { N = 300 };
    double param[OW_MAX_PARAMS], v[N], x[OW_MAX_STATES][N], i[N], di_dv[N], same[N];
    const double *spread_of[OW_MAX_PARAMS] = {NULL};
    const struct ow_model *m = use_variant((size_t)_i / 4, param);
    struct ow_cells cells = {.n = N, .param = param, .spread = spread_of, .v = v};
    if (_i % 2)
        param[OW_RS] = 3.3e3, param[OW_SCALE] = 1.7;
    for (size_t j = 0; j < N; j++)
        same[j] = param[m->n_param - 1];
    if (_i / 2 % 2)
        spread_of[m->n_param - 1] = same;
    srand((unsigned)_i);
    for (size_t j = 0; j < N; j++) {
        /* from far below a thermal voltage to far beyond any use, either sign, and 0 */
        v[j] = j == 7 ? 0.0 : (j % 2 ? 1.0 : -1.0) * pow(10.0, -6.0 + 9.0 * uniform());
        for (size_t s = 0; s < m->n_state; s++)
            x[s][j] =
                m->state[s].lo + (1.4 * uniform() - 0.2) * (m->state[s].hi - m->state[s].lo);
    }
    for (size_t s = 0; s < m->n_state; s++)
        cells.x[s] = x[s];
    ow_conduct(m, &cells, i, di_dv);
    for (size_t j = 0; j < N; j++) {
        double own[OW_MAX_PARAMS], one[OW_MAX_STATES];
        struct ow_point pt;
        ow_params_gather(m, &cells, j, own);
        for (size_t s = 0; s < m->n_state; s++)
            one[s] = x[s][j];
        ow_eval_one(m, own, v[j], one, &pt);
        /* exponents of up to 80 magnify what rounding leaves in them */
        ck_assert_close(i[j], pt.i, 1e-13, 0.0);
        ck_assert_close(di_dv[j], pt.di_dv, 1e-13, 0.0);
    }
}
END_TEST

START_TEST(test_exp_and_sinh_of_many)
{
    enum { N = 2003 };
    double u[N], y[N], dy[N];
    for (int k = 0; k < N; k++) /* dense near 0 and out to +-1000 */
        u[k] = (k % 2 ? 1.0 : -1.0) * pow(10.0, -9.0 + 12.0 * (double)k / N);
    u[0] = 0.0;
    ow_exp_all(N, u, y);
    for (int k = 0; k < N; k++)
        ck_assert_close(y[k], exp(fmin(fmax(u[k], -700.0), 700.0)), 3.0 * DBL_EPSILON, 0.0);
    ow_sinh_all(N, u, y, dy);
    for (int k = 0; k < N; k++) {
        const double held = fmin(fmax(u[k], -80.0), 80.0);
        ck_assert_close(dy[k], cosh(held), 3.0 * DBL_EPSILON, 0.0);
        ck_assert_close(y[k], sinh(held) + cosh(held) * (u[k] - held), 4.0 * DBL_EPSILON, 0.0);
    }
    ow_sinh_all(N, u, u, dy); /* in place */
    ck_assert_mem_eq(u, y, sizeof u);
}
END_TEST

START_TEST(test_scale_and_rate_multiply)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_variant((size_t)_i, param);
    struct ow_point one, two;
    param[OW_SCALE] = param[OW_RATE] = 1.0;
    ow_eval_one(m, param, bias[0].v, bias[0].x, &one);
    param[OW_SCALE] = 1.75;
    param[OW_RATE] = 0.375;
    ow_eval_one(m, param, bias[0].v, bias[0].x, &two);
    ck_assert(two.i == 1.75 * one.i && two.di_dv == 1.75 * one.di_dv);
    for (size_t r = 0; r < m->n_state; r++) {
        ck_assert(two.di_dx[r] == 1.75 * one.di_dx[r]);
        /* The unscaled current moves the state: scale is not in here. */
        ck_assert(two.f[r] == 0.375 * one.f[r] && two.df_dv[r] == 0.375 * one.df_dv[r]);
        for (size_t s = 0; s < m->n_state; s++)
            ck_assert(two.df_dx[r][s] == 0.375 * one.df_dx[r][s]);
    }
}
END_TEST

/* ---- the soft stop
 * --------------------------------------------------------------------------- */

START_TEST(test_soft_stop_is_smooth_and_concave)
{
    double last = 1.0, d_last = 0.0, d;
    ck_assert(ow_soft_stop(-0.3, &d) == 1.0 && d == 0.0);
    ck_assert_close(ow_soft_stop(OW_STOP_DEPTH, &d), 0.0, 0.0, 1e-15);
    for (int k = 1; k <= 4000; k++) {
        const double past = k * 1e-3 * OW_STOP_DEPTH, value = ow_soft_stop(past, &d);
        ck_assert(value < last && d <= d_last + 1e-9);
        /* The slope changes by no more than its own second derivative allows: no kink. */
        ck_assert(fabs(d - d_last) <= 2.0 * 1.001e-3 / OW_STOP_DEPTH);
        last = value;
        d_last = d;
    }
}
END_TEST

/* Solve a y = b in place by elimination without pivoting; 1 - h df/dx of a decaying system
 * has a dominant diagonal or nearly so, and a bad step only costs the test an iteration. */
static void solve(size_t n, double a[][OW_MAX_STATES], double b[])
{
    for (size_t p = 0; p < n; p++)
        for (size_t r = 0; r < n; r++) {
            if (r == p)
                continue;
            const double factor = a[r][p] / a[p][p];
            for (size_t c = 0; c < n; c++)
                a[r][c] -= factor * a[p][c];
            b[r] -= factor * b[p];
        }
    for (size_t p = 0; p < n; p++)
        b[p] /= a[p][p];
}

/* One backward Euler step by plain Newton, from x; the number of iterations, or -1. */
static int euler_step(const struct ow_model *m, const double param[], double v, double h,
                      double x[])
{
    double x0[OW_MAX_STATES];
    memcpy(x0, x, m->n_state * sizeof *x0);
    for (int k = 1; k <= 50; k++) {
        struct ow_point pt;
        double a[OW_MAX_STATES][OW_MAX_STATES], dx[OW_MAX_STATES], size = 0.0;
        ow_eval_one(m, param, v, x, &pt);
        for (size_t r = 0; r < m->n_state; r++) {
            dx[r] = x0[r] + h * pt.f[r] - x[r];
            for (size_t s = 0; s < m->n_state; s++)
                a[r][s] = (r == s ? 1.0 : 0.0) - h * pt.df_dx[r][s];
        }
        solve(m->n_state, a, dx);
        for (size_t s = 0; s < m->n_state; s++) {
            x[s] += dx[s];
            size += fabs(dx[s]);
        }
        if (size < 1e-11)
            return k;
    }
    return -1;
}

/* Steps from far below to far beyond the time of travel (here 10 ns): Newton converges
 * from inside the travel, the state rests within the stop, and leaves it at the very rate
 * a free device has. */
START_TEST(test_team_stops_without_chatter_and_leaves_without_sticking)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("team_write", param);
    const double v = _i % 2 ? -1.7 : 1.7, inside = 0.37;
    for (double h = 1e-12; h < 1.0; h *= 10.0) {
        double x[OW_MAX_STATES] = {inside};
        for (int k = 0; k < 100; k++)
            ck_assert_msg(euler_step(m, param, v, h, x) > 0, "Newton fails with h = %g", h);
        ck_assert(x[0] > -1.01 * OW_STOP_DEPTH && x[0] < 1.0 + 1.01 * OW_STOP_DEPTH);
        if (h < 1e-10)
            continue;
        ck_assert_close(x[0], v > 0.0 ? 1.0 + OW_STOP_DEPTH : -OW_STOP_DEPTH, 0.0, 1e-9);
        struct ow_point free_device, stopped;
        ow_eval_one(m, param, -v, &inside, &free_device);
        ow_eval_one(m, param, -v, x, &stopped);
        ck_assert(stopped.f[0] == free_device.f[0] && stopped.f[0] != 0.0);
    }
}
END_TEST

/* Driven against f + r = 1 the gap stays full, the residue follows its own equation, and
 * without a voltage the filament decays at once at its own rate. */
START_TEST(test_driftdiff_stops_at_a_full_gap)
{
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    const struct ow_model *m = use_set("driftdiff_write", param);
    struct ow_point pt;
    ow_states_init(m, param, x);
    integrate(m, param, ode_constant, 1.0, 0.0, 3e-6, x, 1e-10);
    ck_assert(x[0] > 0.0 && x[1] > 0.0);
    ck_assert_close(x[0] + x[1], 1.0 + 0.5 * OW_STOP_DEPTH, 0.0, 0.51 * OW_STOP_DEPTH);
    ow_eval_one(m, param, 1.0, x, &pt);
    /* On the stop f + r no longer grows, as the paper's projection has it: both rates go to 0
     * and their sum is small against the free rate of 2e6 /s and the diffusion of 4e5 /s. */
    ck_assert_close(pt.f[0] + pt.f[1], 0.0, 0.0, 10.0);
    ck_assert_close(pt.i, 1.0 / get(m, param, "r_on"), 1e-12, 0.0);
    ow_eval_one(m, param, 0.0, x, &pt);
    const double fall = get(m, param, "gamma1") + get(m, param, "beta");
    ck_assert_close(pt.f[0], -fall * x[0], 1e-13, 0.0);
}
END_TEST

/* With steps of 1e-4 to 1e4 of the time of drift, into the stop and out again at a lower
 * voltage: Newton's plain iteration ends, at the physical root. */
START_TEST(test_driftdiff_stop_suits_implicit_steps)
{
    static const char *const set[] = {"driftdiff_write",      "driftdiff_tw_single",
                                      "driftdiff_yang_pulse", "driftdiff_yang_dc_symmetric",
                                      "driftdiff_yang_lif",   "driftdiff_yang_oscillator"};
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set(set[_i], param);
    const double unit = 1.0 / get(m, param, "mu");
    /* Growth in thickness freezes f and r: no step of any size goes across that switch. */
    put(m, param, "theta", 0.0);
    put(m, param, "gamma3", 0.0);
    for (double step = 1e-4; step < 2e4; step *= 10.0) {
        double x[OW_MAX_STATES];
        ow_states_init(m, param, x);
        for (int k = 0; k < 300; k++) {
            const double v = k < 150 ? 1.0 : -0.3;
            ck_assert_msg(euler_step(m, param, v, step * unit, x) > 0,
                          "%s: Newton fails with steps of %g/mu", set[_i], step);
            ck_assert(x[0] >= 0.0 && x[1] >= 0.0 && x[0] + x[1] <= 1.0 + 1.01 * OW_STOP_DEPTH);
        }
    }
}
END_TEST

START_TEST(test_driftdiff_cuts_a_filament_that_the_residue_leaves_no_room_for)
{
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    const struct ow_model *m = use_set("driftdiff_yang_pulse", param);
    put(m, param, "f0", 0.93);
    ow_states_init(m, param, x);
    ck_assert(x[0] == 1.0 - 0.4 && x[1] == 0.4);
    put(m, param, "f0", 0.13);
    ow_states_init(m, param, x);
    ck_assert(x[0] == 0.13);
}
END_TEST

/* ---- events
 * ------------------------------------------------------------------------------------ */

START_TEST(test_stochastic_fires_by_its_key)
{
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    const struct ow_model *m = use_set("stochastic_write", param);
    param[OW_SEED] = 4294967295.0;
    param[OW_ID] = 1234567.0;
    ow_states_init(m, param, x);
    for (uint64_t event = 0; event < 5; event++) {
        const struct ow_draw_key key = {
            .seed = 4294967295u, .purpose = OW_DRAW_SWITCH, .id = 1234567, .event = event};
        ck_assert(x[0] == (double)(event % 2) && x[2] == (double)event);
        ck_assert(x[1] == ow_draw_exponential(&key));
        /* A device written down in this condition goes on in the same way. */
        double copy[OW_MAX_PARAMS], y[OW_MAX_STATES];
        memcpy(copy, param, sizeof copy);
        for (size_t s = 0; s < m->n_state; s++)
            copy[m->state[s].init] = x[s];
        ow_states_init(m, copy, y);
        m->fire(copy, 0.0, y);
        m->fire(param, 0.0, x);
        ck_assert(x[0] == y[0] && x[1] == y[1] && x[2] == y[2]);
    }
}
END_TEST

/* Times to the first switch of 4000 devices at 1.2 V against the exponential law: the
 * Kolmogorov-Smirnov distance times sqrt(n) exceeds 1.63 in one of 100 seeds; this seed
 * is fixed. */
static int by_value(const void *a, const void *b)
{
    const double p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

static double ks_exponential(double t[], size_t n, double mean)
{
    double worst = 0.0;
    qsort(t, n, sizeof *t, by_value);
    for (size_t k = 0; k < n; k++) {
        const double p = -expm1(-t[k] / mean);
        worst = fmax(worst, fmax(p - (double)k / (double)n, (double)(k + 1) / (double)n - p));
    }
    return worst * sqrt((double)n);
}

START_TEST(test_stochastic_switching_times_are_exponential)
{
    enum { N = 4000 };
    static double t[N];
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    const struct ow_model *m = use_set("stochastic_write", param);
    param[OW_SEED] = 3.0;
    for (size_t k = 0; k < N; k++) {
        struct ow_point pt;
        param[OW_ID] = (double)k;
        ow_states_init(m, param, x);
        ow_eval_one(m, param, 1.2, x, &pt);
        t[k] = x[1] / -pt.f[1];
    }
    /* tau = 8 ms exp(-1.2/0.1) = 49.15 ns */
    ck_assert(ks_exponential(t, N, 8e-3 * exp(-12.0)) < 1.63);
    ck_assert_msg(ks_exponential(t, N, 8e-3 * exp(-12.0) * 1.06) > 1.63,
                  "a mean off by 6 %% must not pass");
}
END_TEST

/* ---- random draws
 * -------------------------------------------------------------------------------- */

/* Known answers that accompany Random123 (kat_vectors, philox4x32 10): all bits 0, all 1,
 * and digits of pi. */
START_TEST(test_philox_known_answers)
{
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        uint32_t out[4];
        ow_philox(known[k].counter, known[k].key, out);
        for (size_t j = 0; j < 4; j++)
            ck_assert_uint_eq(out[j], known[k].out[j]);
    }
}
END_TEST

/* Which words of the counter and key a draw uses is part of every result: pin it. */
START_TEST(test_draw_layout_is_fixed)
{
    const struct ow_draw_key key = {.seed = 0xa4093822,
                                    .purpose = OW_DRAW_PROGRAM,
                                    .id = 0x85a308d3243f6a88,
                                    .event = 0x0370734413198a2e};
    const uint32_t counter[4] = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344};
    const uint32_t k[2] = {0xa4093822, 2};
    uint32_t out[4];
    ow_philox(counter, k, out);
    const double u = ((double)((uint64_t)out[0] << 20 | out[1] >> 12) + 0.5) * 0x1p-52;
    const double w = ((double)((uint64_t)out[2] << 20 | out[3] >> 12) + 0.5) * 0x1p-52;
    ck_assert(ow_draw_uniform(&key) == u);
    ck_assert_close(ow_draw_exponential(&key), -log(u), 1e-15, 0.0);
    ck_assert_close(ow_draw_normal(&key), sqrt(-2.0 * log(u)) * cos(2.0 * acos(-1.0) * w),
                    1e-13, 1e-15);
}
END_TEST

START_TEST(test_draws_depend_on_every_part_of_the_key)
{
    const struct ow_draw_key a = {.seed = 1, .purpose = OW_DRAW_D2D, .id = 5, .event = 9};
    struct ow_draw_key b = a;
    ck_assert(ow_draw_uniform(&a) == ow_draw_uniform(&b));
    b.seed = 2;
    ck_assert(ow_draw_uniform(&a) != ow_draw_uniform(&b));
    b = a, b.purpose = OW_DRAW_READ;
    ck_assert(ow_draw_uniform(&a) != ow_draw_uniform(&b));
    b = a, b.id = 5 + (1ull << 40);
    ck_assert(ow_draw_uniform(&a) != ow_draw_uniform(&b));
    b = a, b.event = 9 + (1ull << 40);
    ck_assert(ow_draw_uniform(&a) != ow_draw_uniform(&b));
}
END_TEST

/* Means of n = 1e5 draws: 4 standard errors. */
START_TEST(test_draws_have_their_distributions)
{
    enum { N = 100000, N_BIN = 100 };
    double sum_u = 0, sum_e = 0, sum_e2 = 0, sum_n = 0, sum_n2 = 0, sum_n4 = 0, product = 0;
    double bin[N_BIN] = {0}, last = 0.0;
    int inside = 0;
    for (uint64_t k = 0; k < N; k++) {
        const struct ow_draw_key key = {
            .seed = 11, .purpose = OW_DRAW_TEST, .id = k % 317, .event = k / 317};
        const double u = ow_draw_uniform(&key), e = ow_draw_exponential(&key);
        const double n = ow_draw_normal(&key);
        ck_assert(u > 0.0 && u < 1.0 && e > 0.0);
        bin[(int)(u * N_BIN)] += 1.0;
        sum_u += u, sum_e += e, sum_e2 += e * e;
        sum_n += n, sum_n2 += n * n, sum_n4 += n * n * n * n;
        inside += fabs(n) < 1.0;
        product += (u - 0.5) * last;
        last = u - 0.5;
    }
    const double root = sqrt((double)N);
    ck_assert_close(sum_u / N, 0.5, 0.0, 4.0 * sqrt(1.0 / 12) / root);
    ck_assert_close(product / N, 0.0, 0.0, 4.0 / 12 / root); /* neighbours do not correlate */
    ck_assert_close(sum_e / N, 1.0, 0.0, 4.0 / root);
    ck_assert_close(sum_e2 / N, 2.0, 0.0, 4.0 * sqrt(20.0) / root); /* E e^4 - 4 = 24 - 4 */
    ck_assert_close(sum_n / N, 0.0, 0.0, 4.0 / root);
    ck_assert_close(sum_n2 / N, 1.0, 0.0, 4.0 * sqrt(2.0) / root);
    ck_assert_close(sum_n4 / N, 3.0, 0.0, 4.0 * sqrt(96.0) / root); /* 105 - 9 */
    const double p = erf(sqrt(0.5));
    ck_assert_close((double)inside / N, p, 0.0, 4.0 * sqrt(p * (1.0 - p)) / root);
    /* Chi squared with 99 degrees of freedom: mean 99, standard deviation 14. */
    double chi2 = 0.0;
    for (int b = 0; b < N_BIN; b++)
        chi2 += (bin[b] - N / N_BIN) * (bin[b] - N / N_BIN) / (N / N_BIN);
    ck_assert(chi2 > 99.0 - 4 * 14 && chi2 < 99.0 + 4 * 14);
}
END_TEST

/* ---- status
 * ------------------------------------------------------------------------------------------ */

START_TEST(test_every_status_has_a_text)
{
#define CHECK_TEXT(name, text) ck_assert_str_eq(ow_status_str(name), text);
    OW_STATUS_LIST(CHECK_TEXT)
#undef CHECK_TEXT
    ck_assert_str_eq(ow_status_str((enum ow_status)12345), "unknown status");
}
END_TEST

START_TEST(test_errors_are_cut_to_fit)
{
    struct ow_error err = {0};
    char text[3000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(ow_fail(&err, OW_ERR_FILE, "%s", text), OW_ERR_FILE);
    ck_assert_uint_eq(strlen(err.text), sizeof err.text - 1);
    ck_assert_int_eq(err.status, OW_ERR_FILE);
    ck_assert_int_eq(ow_fail(NULL, OW_ERR_HOST, "nobody reads this"), OW_ERR_HOST);
}
END_TEST

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

int main(void)
{
    Suite *suite = suite_create("models");
    TCase *tc = tcase_create("equations");
    const int n_models = (int)ow_n_models;
    tcase_add_loop_test(tc, test_models_match_hand_values, 0, LENGTH(hand));
    tcase_add_test(tc, test_team_moves_off_as_the_exponential_integral);
    tcase_add_test(tc, test_team_moves_on_as_the_exponential_integral);
    tcase_add_test(tc, test_driftdiff_decays_as_two_exponentials);
    tcase_add_test(tc, test_stochastic_hazard_gives_the_poisson_distribution);
    tcase_add_test(tc, test_stochastic_hazard_over_a_ramp);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);

    tc = tcase_create("laws");
    tcase_add_loop_test(tc, test_derivatives_match_differences, 0, N_VARIANT * N_BIAS);
    tcase_add_loop_test(tc, test_sets_are_finite_and_passive_everywhere, 0, N_VARIANT);
    tcase_add_loop_test(tc, test_any_parameters_are_finite_and_passive, 0, n_models);
    tcase_add_loop_test(tc, test_team_is_finite_at_its_threshold, 0, 5);
    tcase_add_loop_test(tc, test_nothing_moves_at_rest, 0, N_VARIANT);
    tcase_add_loop_test(tc, test_discrete_states_stand_still, 0, N_VARIANT);
    tcase_add_loop_test(tc, test_switches_are_switches, 0, N_VARIANT);
    tcase_add_test(tc, test_stochastic_is_a_switch_unless_it_is_a_mean);
    tcase_add_loop_test(tc, test_conductance_is_monotone_in_the_programmed_state, 0, N_VARIANT);
    tcase_add_loop_test(tc, test_cells_equal_single_devices, 0, N_VARIANT);
    tcase_add_loop_test(tc, test_conduct_is_the_current, 0, 4 * N_VARIANT);
    tcase_add_test(tc, test_exp_and_sinh_of_many);
    tcase_add_loop_test(tc, test_scale_and_rate_multiply, 0, N_VARIANT);
    tcase_set_timeout(tc, 300); /* a hang, and no busy machine */
    suite_add_tcase(suite, tc);

    tc = tcase_create("registry");
    tcase_add_loop_test(tc, test_registry_is_sane, 0, n_models);
    tcase_add_test(tc, test_registry_finds_only_its_own);
    tcase_add_loop_test(tc, test_ranges_are_enforced, 0, n_models);
    tcase_add_loop_test(tc, test_relations_are_enforced, 0, LENGTH(relation));
    tcase_add_loop_test(tc, test_signs_are_enforced, 0, LENGTH(sign_error));
    tcase_add_test(tc, test_every_status_has_a_text);
    tcase_add_test(tc, test_errors_are_cut_to_fit);
    suite_add_tcase(suite, tc);

    tc = tcase_create("stops and events");
    tcase_add_test(tc, test_soft_stop_is_smooth_and_concave);
    tcase_add_loop_test(tc, test_team_stops_without_chatter_and_leaves_without_sticking, 0, 2);
    tcase_add_test(tc, test_driftdiff_stops_at_a_full_gap);
    tcase_add_loop_test(tc, test_driftdiff_stop_suits_implicit_steps, 0, 6);
    tcase_add_test(tc, test_driftdiff_cuts_a_filament_that_the_residue_leaves_no_room_for);
    tcase_add_test(tc, test_stochastic_fires_by_its_key);
    tcase_add_test(tc, test_stochastic_switching_times_are_exponential);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);

    tc = tcase_create("random");
    tcase_add_test(tc, test_philox_known_answers);
    tcase_add_test(tc, test_draw_layout_is_fixed);
    tcase_add_test(tc, test_draws_depend_on_every_part_of_the_key);
    tcase_add_test(tc, test_draws_have_their_distributions);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
