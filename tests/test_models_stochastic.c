/* The stochastic switch: its distributions against their laws, its spread, its telegraph
 * noise and its master equation. */
#include "ow_check.h"

#include "ow_event_run.h"
#include "ow_model.h"
#include "ow_random.h"
#include "ow_reference_ode.h"
#include "ow_statistics.h"

#include <stdint.h>

enum { X, H, K, P, N = 10000 };

static const struct ow_model *model(double param[])
{
    const struct ow_model *m = ow_model_find("stochastic");
    ck_assert_ptr_nonnull(m);
    ow_params_default(m, param);
    return m;
}

/* ---- Kolmogorov and Smirnov ------------------------------------------------------------ */

/* The tests' own tool on what it must accept and refuse: quantiles of the limit law (1.358
 * at 5 %, 1.628 at 1 %), and samples of a law that is off by 3 %. */
START_TEST(test_the_ks_test_itself)
{
    static double u[N];
    ck_assert_close(ks_probability(1.3581 / sqrt(1e8), 1e8), 0.05, 2e-3, 0.0);
    ck_assert_close(ks_probability(1.6276 / sqrt(1e8), 1e8), 0.01, 2e-3, 0.0);
    for (int bad = 0; bad < 2; bad++) {
        for (size_t k = 0; k < N; k++) {
            const struct ow_draw_key key = {.seed = 5, .purpose = OW_DRAW_TEST, .id = k};
            const double t = ow_draw_exponential(&key);
            u[k] = -expm1(-t * (bad ? 1.05 : 1.0));
        }
        const double p = ks_probability(ks_uniform(u, N), N);
        ck_assert_msg(bad ? p < 0.01 : p > 0.01, "p = %g", p);
    }
}
END_TEST

/* ---- devices in time -------------------------------------------------------------------- */

/* The instant of the first event under v = v0 + slope t, in steps of dt. */
static double first_event(const struct ow_model *m, const double param[], double v0,
                          double slope, double dt)
{
    const struct drive d = {0.0, v0, slope};
    double x[OW_MAX_STATES] = {0.0}, t = 0.0;
    ow_states_init(m, param, x);
    ck_assert_msg(run(m, param, &d, 1e5 * dt, dt, &t, x), "the device never switches");
    return t;
}

/* Probability that a device has switched, from the integrated hazard:
 * constant voltage t/tau; ramp V = r t: V0/(r tau0) (e^(V/V0) - 1) (MODELS, C1; Gaba 2013). */
static double law(bool is_ramp, double volt, double t)
{
    const double tau0 = 2.85e5, v0 = 0.156;
    const double lambda =
        is_ramp ? v0 / (volt * tau0) * expm1(volt * t / v0) : t / (tau0 * exp(-volt / v0));
    return -expm1(-lambda);
}

/* clang-format off */
static const struct { bool is_ramp; double volt, dt; } pulse[] = {
    {false, 2.6, 11e-3},  /* V; mean 16.5 ms                     */
    {false, 3.2, 0.1e-3}, /*    mean 0.352 ms                    */
    {true, 1.0, 0.02},    /* V/s: switches between 1.5 and 2.5 V */
    {true, 30.0, 0.7e-3},
};
/* clang-format on */

/* 10,000 devices of one seed: p > 0.01; with half the step each device switches at the same
 * instant (Simpson's rule on exp(v/v0) over dt: (dt slope/v0)^4/2880 = 1e-7 of it), and another
 * seed with half the step gives another sample of the same law. */
START_TEST(test_switching_times_follow_the_law)
{
    static double u[N], whole[N], half[N];
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = model(param);
    const bool is_ramp = pulse[_i].is_ramp;
    const double volt = pulse[_i].volt, dt = pulse[_i].dt;
    const double v0 = is_ramp ? 0.0 : volt, slope = is_ramp ? volt : 0.0;
    for (size_t k = 0; k < N; k++) {
        param[OW_ID] = (double)k;
        param[OW_SEED] = 3.0;
        whole[k] = first_event(m, param, v0, slope, dt);
        u[k] = law(is_ramp, volt, whole[k]);
        const double again = first_event(m, param, v0, slope, 0.5 * dt);
        /* Hazard used up until then: -ln(1 - P). */
        ck_assert_close(-log1p(-law(is_ramp, volt, again)), -log1p(-u[k]), 3e-6, 3e-6);
        param[OW_SEED] = 4.0;
        half[k] = first_event(m, param, v0, slope, 0.5 * dt);
    }
    const double p_law = ks_probability(ks_uniform(u, N), N);
    ck_assert_msg(p_law > 0.01, "p = %g against the law", p_law);
    const double p_two = ks_probability(ks_two(whole, half, N), 0.5 * N);
    ck_assert_msg(p_two > 0.01, "p = %g between steps", p_two);
    for (size_t k = 0; k < N; k++) /* 5 % off: must be seen */
        u[k] = law(is_ramp, volt, half[k] * (is_ramp ? 1.005 : 1.05));
    ck_assert(ks_probability(ks_uniform(u, N), N) < 0.01);
}
END_TEST

/* ---- the master equation ------------------------------------------------------------------
 */

/* At constant v > 0 only set acts: p = 1 - (1 - p0) exp(-t/tau); at v < 0 p = p0
 * exp(-t/tau). */
START_TEST(test_mean_follows_its_closed_form)
{
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    const struct ow_model *m = model(param);
    put(m, param, "mode", 1.0);
    put(m, param, "x0", 0.23);
    put(m, param, "tau_reset", 1.7e4);
    put(m, param, "v_reset", 0.131);
    const double tau_set = 2.85e5 * exp(-2.9 / 0.156), tau_reset = 1.7e4 * exp(-2.1 / 0.131);
    const struct drive set = {0.0, 2.9, 0.0}, reset = {0.0, -2.1, 0.0};
    struct ow_point pt;
    double t = 0.0;
    ow_states_init(m, param, x);
    ck_assert(x[P] == 0.23);
    /* 100 steps of a method of order 4: an error of (0.02)^4/120 */
    ck_assert(!run(m, param, &set, 0.7 * tau_set, 0.007 * tau_set, &t, x));
    const double p1 = 1.0 - 0.77 * exp(-0.7);
    ck_assert_close(x[P], p1, 0.0, 1e-9);
    ow_eval_one(m, param, 0.31, x, &pt);
    ck_assert_close(pt.i, 0.31 * (x[P] / 1e4 + (1.0 - x[P]) / 1e6), 1e-14, 0.0);
    t = 0.0;
    ck_assert(!run(m, param, &reset, 1.9 * tau_reset, 0.01 * tau_reset, &t, x));
    ck_assert_close(x[P], p1 * exp(-1.9), 0.0, 1e-9);
    /* Nothing happens at rest. */
    ow_eval_one(m, param, 0.0, x, &pt);
    ck_assert(pt.f[P] == 0.0 && pt.f[H] == 0.0);
}
END_TEST

/* The mean of 10,000 devices under set and reset pulses is the master equation's, within 3.9
 * standard errors (p = 1e-4). */
START_TEST(test_mean_is_the_mean_of_the_events)
{
    static const double t[] = {0.0, 0.1e-3, 0.5e-3, 0.55e-3, 0.9e-3},
                        v[] = {0.0, 3.1, 3.0, -3.0, -3.1};
    double param[OW_MAX_PARAMS], mean[OW_MAX_PARAMS], x[OW_MAX_STATES], y[OW_MAX_STATES];
    const struct ow_model *m = model(param);
    param[OW_SEED] = 9.0;
    memcpy(mean, param, sizeof mean);
    put(m, mean, "mode", 1.0);
    ow_states_init(m, mean, y);
    double on[4] = {0.0}, p[4];
    for (size_t k = 0; k < N; k++) {
        param[OW_ID] = (double)k;
        ow_states_init(m, param, x);
        for (size_t c = 0; c < 4; c++) {
            const struct drive d = {t[c], v[c], (v[c + 1] - v[c]) / (t[c + 1] - t[c])};
            double now = t[c];
            while (run(m, param, &d, t[c + 1], 0.1 * (t[c + 1] - t[c]), &now, x))
                m->fire(param, d.v + d.slope * (now - d.t), x);
            on[c] += x[X];
        }
    }
    for (size_t c = 0; c < 4; c++) {
        const struct drive d = {t[c], v[c], (v[c + 1] - v[c]) / (t[c + 1] - t[c])};
        double now = t[c];
        run(m, mean, &d, t[c + 1], 1e-3 * (t[c + 1] - t[c]), &now, y);
        p[c] = y[P];
        ck_assert_close(on[c] / N, p[c], 0.0, 3.9 * sqrt(p[c] * (1.0 - p[c]) / N));
    }
    ck_assert(p[1] > 0.3 && p[3] < 0.8 * p[1]); /* both kinds took part */
}
END_TEST

/* ---- spread --------------------------------------------------------------------------------
 */

/* Current, or the hazard at a set or reset voltage, of a device: what a spread acts on. */
static double observe(const struct ow_model *m, const double param[], int what, double k)
{
    struct ow_point pt;
    const double x[OW_MAX_STATES] = {what == 1 || what == 2 ? 1.0 : 0.0, 1.0, k, 0.0};
    ow_eval_one(m, param, what == 1 ? -2.0 : 2.0, x, &pt);
    return what < 2 ? -pt.f[H] : pt.i;
}

/* ln of tau_set, tau_reset, r_on and r_off is normal over devices (d2d) or over the events of
 * one device (c2c), with median nominal; the four are independent of each other. */
START_TEST(test_spread_is_lognormal)
{
    static double z[4][N], u[N];
    static const char *const name[2][2] = {{"sigma_tau_d2d", "sigma_tau_c2c"},
                                           {"sigma_r_d2d", "sigma_r_c2c"}};
    double param[OW_MAX_PARAMS], nominal[OW_MAX_PARAMS];
    const struct ow_model *m = model(nominal);
    const double sigma = 0.37;
    memcpy(param, nominal, sizeof param);
    put(m, param, name[0][_i], sigma);
    put(m, param, name[1][_i], sigma);
    for (int what = 0; what < 4; what++) {
        for (size_t k = 0; k < N; k++) {
            param[OW_ID] = _i ? 17.0 : (double)k;
            const double event = _i ? (double)k : 0.0;
            z[what][k] =
                log(observe(m, nominal, what, 0.0) / observe(m, param, what, event)) / sigma;
            u[k] = normal_cdf(z[what][k]);
        }
        const double p = ks_probability(ks_uniform(u, N), N);
        ck_assert_msg(p > 0.01, "quantity %d: p = %g", what, p);
        for (size_t k = 0; k < N; k++)
            u[k] = normal_cdf(1.06 * z[what][k]);
        ck_assert(ks_probability(ks_uniform(u, N), N) < 0.01);
    }
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < a; b++) {
            double sum = 0.0;
            for (size_t k = 0; k < N; k++)
                sum += z[a][k] * z[b][k];
            ck_assert_close(sum / N, 0.0, 0.0, 4.0 / sqrt(N));
        }
}
END_TEST

/* A device keeps its own draw: d2d does not change with events, c2c does. */
START_TEST(test_device_spread_stays_and_cycle_spread_changes)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = model(param);
    put(m, param, "sigma_r_d2d", 0.2);
    put(m, param, "sigma_tau_d2d", 0.2);
    for (int what = 0; what < 4; what++)
        ck_assert(observe(m, param, what, 0.0) == observe(m, param, what, 5.0));
    put(m, param, "sigma_r_c2c", 0.2);
    put(m, param, "sigma_tau_c2c", 0.2);
    for (int what = 0; what < 4; what++)
        ck_assert(observe(m, param, what, 0.0) != observe(m, param, what, 5.0));
}
END_TEST

/* ---- telegraph noise
 * ------------------------------------------------------------------------- */

static bool is_high(const struct ow_model *m, const double param[], const double x[])
{
    struct ow_point pt;
    ow_eval_one(m, param, 1.0, x, &pt);
    const double r = x[X] != 0.0 ? 1e4 : 1e6;
    if (fabs(pt.i * r - 1.0) < 1e-12)
        return false;
    ck_assert_close(pt.i * r, 1.0 / 1.31, 1e-12, 0.0);
    return true;
}

/* At rest only the telegraph noise acts: dwell times are exponential with the mean of the
 * level (two KS tests), the level turns over each time, and the device does not switch. */
START_TEST(test_telegraph_dwells_are_exponential)
{
    static double dwell[2][N / 2];
    static const double tau[2] = {1.3e-3, 0.4e-3};
    const struct drive rest = {0.0, 0.0, 0.0};
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    const struct ow_model *m = model(param);
    put(m, param, "rtn", 0.31);
    put(m, param, "rtn_tau0", tau[0]);
    put(m, param, "rtn_tau1", tau[1]);
    put(m, param, "x0", 1.0);
    put(m, param, "rtn0", 1.0);
    param[OW_SEED] = 21.0;
    ow_states_init(m, param, x);
    for (size_t k = 0; k < N; k++) {
        const bool high = is_high(m, param, x);
        ck_assert(high == (k % 2 == 0) && x[X] == 1.0 && x[K] == 1e7 * (double)k);
        double t = 0.0;
        ck_assert(run(m, param, &rest, 0.1, 1e-3, &t, x));
        dwell[high][k / 2] = -expm1(-t / tau[high]);
        m->fire(param, 0.0, x);
    }
    for (int high = 0; high < 2; high++) {
        const double p = ks_probability(ks_uniform(dwell[high], N / 2), N / 2);
        ck_assert_msg(p > 0.01, "level %d: p = %g", high, p);
    }
}
END_TEST

/* Two competing hazards at one voltage: the time to the first event has the sum of both,
 * and the share of switches is that of its hazard, whatever the time.  A switch keeps the
 * level, a telegraph event keeps the device. */
START_TEST(test_telegraph_competes_with_switching)
{
    static double u[N];
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = model(param);
    const double tau = 2.85e5 * exp(-3.0 / 0.156), tau0 = 0.6 * tau;
    put(m, param, "rtn", 0.31);
    put(m, param, "rtn_tau0", tau0);
    param[OW_SEED] = 8.0;
    const double rate = 1.0 / tau + 1.0 / tau0;
    double n_switch = 0.0, early = 0.0, n_early = 0.0;
    for (size_t k = 0; k < N; k++) {
        double x[OW_MAX_STATES];
        param[OW_ID] = (double)k;
        const double t = first_event(m, param, 3.0, 0.0, 0.31 * tau);
        u[k] = -expm1(-t * rate);
        ow_states_init(m, param, x);
        m->fire(param, 3.0, x);
        ck_assert(x[K] == (x[X] == 0.0 ? 1e7 : 1.0));
        ck_assert(is_high(m, param, x) == (x[X] == 0.0));
        n_switch += x[X];
        if (u[k] < 0.5)
            early += x[X], n_early += 1.0;
    }
    const double share = 1.0 / (tau * rate), p = ks_probability(ks_uniform(u, N), N);
    ck_assert_msg(p > 0.01, "p = %g", p);
    const double error = sqrt(share * (1.0 - share));
    ck_assert_close(n_switch / N, share, 0.0, 3.9 * error / sqrt(N));
    ck_assert_close(early / n_early, share, 0.0, 3.9 * error / sqrt(n_early));
}
END_TEST

/* Behind a series resistance the device sees less: the share of switches is that of its own
 * voltage, whatever `scale` makes of the current.  3 V across 1 Mohm and 0.2 Mohm. */
START_TEST(test_series_resistance_counts_when_hazards_compete)
{
    double param[OW_MAX_PARAMS], n_switch = 0.0;
    const struct ow_model *m = model(param);
    const double tau = 2.85e5 * exp(-2.5 / 0.156);
    put(m, param, "rtn", 0.31);
    put(m, param, "rtn_tau0", tau);
    param[OW_RS] = 0.2e6;
    param[OW_SCALE] = 7.0;
    for (size_t k = 0; k < N; k++) {
        double x[OW_MAX_STATES];
        param[OW_ID] = (double)k;
        ow_states_init(m, param, x);
        ow_fire(m, param, 3.0, x);
        n_switch += x[X];
    }
    ck_assert_close(n_switch / N, 0.5, 0.0, 3.9 * 0.5 / sqrt(N));
}
END_TEST

/* Together: every switch draws the resistances of the next cycle anew, a telegraph event leaves
 * the cycle as it is and turns the level over, and the draws of the cycles are those of a
 * device without telegraph noise. */
START_TEST(test_telegraph_leaves_the_cycle_alone)
{
    static double r[2][N];
    double param[OW_MAX_PARAMS], quiet[OW_MAX_PARAMS], x[OW_MAX_STATES], y[OW_MAX_STATES];
    const struct ow_model *m = model(param);
    struct ow_error err = {0};
    put(m, param, "sigma_r_c2c", 0.4);
    put(m, param, "sigma_tau_c2c", 0.3);
    param[OW_SEED] = 6.0;
    memcpy(quiet, param, sizeof quiet);
    put(m, param, "rtn", 0.31);
    put(m, param, "rtn_tau0", 2e-3);
    put(m, param, "rtn_tau1", 3e-3);
    ck_assert_ok(ow_params_check(m, param, NULL, &err), err);
    ow_states_init(m, param, x);
    ow_states_init(m, quiet, y);
    size_t n_switch = 0, n_telegraph = 0;
    while (n_switch < N) {
        struct ow_point noisy, calm;
        const double was_on = x[X], v = was_on ? -2.9 : 2.9; /* about as often as the noise */
        m->fire(param, v, x);
        if (x[X] == was_on) {
            n_telegraph++;
        } else {
            m->fire(quiet, v, y);
            n_switch++;
        }
        ck_assert(x[X] == y[X] && y[K] == (double)n_switch);
        ck_assert(x[K] == (double)n_switch + 1e7 * (double)n_telegraph);
        ow_eval_one(m, param, 1.0, x, &noisy);
        ow_eval_one(m, quiet, 1.0, y, &calm);
        ck_assert_close(noisy.i, calm.i / (n_telegraph % 2 ? 1.31 : 1.0), 1e-12, 0.0);
        if (x[X] != was_on)
            r[x[X] == 1.0][n_switch / 2] = normal_cdf(log((x[X] ? 1e-4 : 1e-6) / calm.i) / 0.4);
    }
    ck_assert(n_telegraph > N / 10);
    for (int on = 0; on < 2; on++) {
        const double p = ks_probability(ks_uniform(r[on] + !on, N / 2), N / 2);
        ck_assert_msg(p > 0.01, "on = %d: p = %g", on, p);
    }
}
END_TEST

/* What a host overran is time, which comes off the next wait at the hazard that counts then;
 * what it left does not.  Levels of 2 and 3 ms; a switch, after which nothing competes, waits
 * for the other polarity whole. */
START_TEST(test_overrun_time_is_not_lost)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = model(param);
    double on_time[] = {0.0, 0.0, 3.0, 0.0}, late[] = {0.0, -0.25, 3.0, 0.0},
           early[] = {0.0, 1e-9, 3.0, 0.0};
    m->fire(param, 3.0, on_time);
    m->fire(param, 3.0, late);
    m->fire(param, 3.0, early);
    ck_assert(on_time[X] == 1.0 && late[H] == on_time[H] && early[H] == on_time[H]);
    put(m, param, "rtn", 0.31);
    put(m, param, "rtn_tau0", 2e-3);
    put(m, param, "rtn_tau1", 3e-3);
    double exact[] = {0.0, 0.0, 3.0, 0.0}, over[] = {0.0, -0.25, 3.0, 0.0};
    m->fire(param, 0.0, exact);
    m->fire(param, 0.0, over);
    ck_assert(exact[X] == 0.0 && over[K] == exact[K]);
    ck_assert_close(over[H], exact[H] - 0.25 * 2.0 / 3.0, 1e-15, 1e-15);
}
END_TEST

/* The sum that k is holds both counts apart where either is at its end. */
START_TEST(test_counts_do_not_run_into_each_other)
{
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES] = {0.0, 0.0, 9999999.0 + 3e7};
    const struct ow_model *m = model(param);
    put(m, param, "rtn", 0.31);
    put(m, param, "rtn_tau0", 1e15); /* never: the next one is a switch */
    put(m, param, "rtn_tau1", 1e15);
    ck_assert(is_high(m, param, x));
    m->fire(param, 3.0, x);
    ck_assert(x[X] == 1.0 && x[K] == 3e7 && is_high(m, param, x));
}
END_TEST

/* A device in the middle of its life, written down as parameters, is the same device. */
START_TEST(test_state_parameters_say_everything)
{
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES], y[OW_MAX_STATES];
    const struct ow_model *m = model(param);
    put(m, param, "rtn", 0.31);
    put(m, param, "sigma_r_c2c", 0.2);
    put(m, param, "sigma_tau_c2c", 0.2);
    ow_states_init(m, param, x);
    for (int k = 0; k < 20; k++) {
        double copy[OW_MAX_PARAMS];
        struct ow_point a, b;
        memcpy(copy, param, sizeof copy);
        for (size_t s = 0; s < m->n_state; s++)
            copy[m->state[s].init] = x[s];
        struct ow_error err = {0};
        ck_assert_ok(ow_params_check(m, copy, NULL, &err), err);
        ow_states_init(m, copy, y);
        const double v = k % 3 ? 0.0 : 2.9;
        ow_eval_one(m, param, v, x, &a);
        ow_eval_one(m, copy, v, y, &b);
        ck_assert(a.i == b.i && a.f[H] == b.f[H]);
        m->fire(param, v, x);
        m->fire(copy, v, y);
        ck_assert(x[X] == y[X] && x[K] == y[K] && x[H] == y[H]);
    }
}
END_TEST

/* clang-format off */
static const struct { const char *a, *b; double to_a, to_b; const char *expect; } refused[] = {
    {"mode", "sigma_r_c2c", 1.0, 0.1, "mode=mean has no events"},
    {"mode", "sigma_tau_c2c", 1.0, 0.1, "mode=mean has no events"},
    {"mode", "rtn", 1.0, 0.1, "mode=mean has no events"},
    {"p0", "rtn", -0.5, 0.0, "p0 must be -1"},
    {"mode", "x0", 0.0, 0.3, "x0 must be 0"},
};
/* clang-format on */

START_TEST(test_contradictions_are_refused)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = model(param);
    struct ow_error err = {0};
    put(m, param, refused[_i].a, refused[_i].to_a);
    put(m, param, refused[_i].b, refused[_i].to_b);
    ck_assert_int_eq(ow_params_check(m, param, NULL, &err), OW_ERR_RANGE);
    ck_assert_msg(strstr(err.text, refused[_i].expect) != NULL, "%s", err.text);
}
END_TEST

/* Derivatives of the options, by central differences (error h^2 of curvature). */
START_TEST(test_option_derivatives)
{
    static const struct {
        const char *name;
        double to;
    } option[] = {{"mode", 1}, {"rtn", 0.31}, {"sigma_r_c2c", 0.3}, {"sigma_tau_d2d", 0.4}};
    static const double v[] = {2.31, -2.17, 0.0093, -0.0071};
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = model(param);
    put(m, param, option[_i].name, option[_i].to);
    const double x[OW_MAX_STATES] = {0.2713, 0.7, 2.0, 0.6131}, h = 1e-5;
    for (size_t b = 0; b < 4; b++)
        for (size_t s = 0; s <= m->n_state; s++) {
            struct ow_point at, lo, hi;
            double x_lo[OW_MAX_STATES], x_hi[OW_MAX_STATES], dv = 0.0;
            memcpy(x_lo, x, sizeof x);
            memcpy(x_hi, x, sizeof x);
            const double step = s < m->n_state ? h : h * fabs(v[b]);
            if (s < m->n_state)
                x_lo[s] -= step, x_hi[s] += step;
            else
                dv = step;
            ow_eval_one(m, param, v[b], x, &at);
            ow_eval_one(m, param, v[b] - dv, x_lo, &lo);
            ow_eval_one(m, param, v[b] + dv, x_hi, &hi);
            ck_assert_close(s < m->n_state ? at.di_dx[s] : at.di_dv, (hi.i - lo.i) / (2 * step),
                            1e-6, 1e-13);
            for (size_t r = 0; r < m->n_state; r++)
                ck_assert_close(s < m->n_state ? at.df_dx[r][s] : at.df_dv[r],
                                (hi.f[r] - lo.f[r]) / (2 * step), 1e-6,
                                1e-14 / step * fabs(at.f[r]));
        }
}
END_TEST

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

int main(void)
{
    Suite *suite = suite_create("models_stochastic");
    TCase *tc = tcase_create("laws");
    tcase_add_test(tc, test_the_ks_test_itself);
    tcase_add_loop_test(tc, test_switching_times_follow_the_law, 0, LENGTH(pulse));
    tcase_add_test(tc, test_mean_follows_its_closed_form);
    tcase_add_test(tc, test_mean_is_the_mean_of_the_events);
    tcase_add_loop_test(tc, test_spread_is_lognormal, 0, 2);
    tcase_add_test(tc, test_device_spread_stays_and_cycle_spread_changes);
    tcase_add_test(tc, test_telegraph_dwells_are_exponential);
    tcase_add_test(tc, test_telegraph_competes_with_switching);
    tcase_add_test(tc, test_series_resistance_counts_when_hazards_compete);
    tcase_add_test(tc, test_telegraph_leaves_the_cycle_alone);
    tcase_add_test(tc, test_overrun_time_is_not_lost);
    tcase_add_test(tc, test_counts_do_not_run_into_each_other);
    tcase_add_test(tc, test_state_parameters_say_everything);
    tcase_add_loop_test(tc, test_contradictions_are_refused, 0, LENGTH(refused));
    tcase_add_loop_test(tc, test_option_derivatives, 0, 4);
    tcase_set_timeout(tc, 100);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
