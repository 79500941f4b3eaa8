/* Models that are noisy versions of others: the laws of their jumps, the same device whatever
 * the steps, and without the jumps the model they come from. */
#include "ow_check.h"

#include <stdio.h>

#include "ow_event_run.h"
#include "ow_random.h"
#include "ow_reference_ode.h"
#include "ow_statistics.h"

enum { N = 10000 };

/* Smallest probability that a test of a true law may have; seeds are fixed. */
static const double P_LEAST = 0.01;

static void check_uniform(double u[], size_t n, const char *what)
{
    const double p = ks_probability(ks_uniform(u, n), (double)n);
    ck_assert_msg(p > P_LEAST, "%s: p = %g", what, p);
}

/* ---- driftdiff_noise --------------------------------------------------------------------- */

enum { F, R, H, K };

/* Nothing but shrinking: the k-th waits with the hazard kappa f^m at a constant f, exactly
 * Exp(1) in units of it, and leaves (1 - eta) f.  100 devices, 100 times each. */
START_TEST(test_filament_shrinks_by_its_hazard)
{
    static double u[N], off[N];
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    const struct ow_model *m = use_set("driftdiff_noise_tw_single", param);
    const struct drive rest = {0.0, 0.0, 0.0};
    put(m, param, "gamma1", 0.0);
    put(m, param, "beta", 0.0);
    put(m, param, "gamma2", 0.0);
    put(m, param, "kappa", 130.0);
    put(m, param, "m", 2.3);
    put(m, param, "f0", 0.83);
    put(m, param, "r0", 0.1);
    param[OW_SEED] = 12.0;
    for (size_t k = 0; k < N; k++) {
        double t = 0.0;
        if (k % 100 == 0) {
            param[OW_ID] = (double)k;
            ow_states_init(m, param, x);
        }
        const double f = x[F], hazard = 130.0 * pow(f, 2.3);
        ck_assert_close(f, 0.83 * pow(0.99, (double)(k % 100)), 1e-12, 0.0);
        ck_assert(x[K] == (double)(k % 100) && x[R] == 0.1);
        ck_assert(run(m, param, &rest, 1e3 / hazard, 3.0 / hazard, &t, x));
        ck_assert(x[F] == f);
        u[k] = -expm1(-t * hazard);
        off[k] = -expm1(-t * hazard * 1.05); /* must be seen */
        m->fire(param, 0.0, x);
    }
    check_uniform(u, N, "waiting times");
    ck_assert(ks_probability(ks_uniform(off, N), N) < P_LEAST);
}
END_TEST

/* While the filament decays, f = f0 e^(-g t) with g = gamma1 + beta, the hazard used up at t is
 * kappa f0^m/(m g) (1 - e^(-m g t)).  10,000 devices; half the step moves no event, and another
 * seed with half the step gives another sample of one law. */
START_TEST(test_hazard_follows_the_filament)
{
    static double u[N], whole[N], half[N];
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("driftdiff_noise_tw_single", param);
    const struct drive rest = {0.0, 0.0, 0.0};
    const double f0 = 0.9, g = 50.35, most = 2e4 * f0 * f0 / (2.0 * g);
    put(m, param, "kappa", 2e4);
    put(m, param, "f0", f0);
    ck_assert_double_gt(most, 100.0); /* nobody gets away */
    for (size_t k = 0; k < N; k++) {
        double time[3];
        for (int way = 0; way < 3; way++) {
            double x[OW_MAX_STATES], t = 0.0;
            param[OW_ID] = (double)k;
            param[OW_SEED] = way < 2 ? 3.0 : 4.0;
            ow_states_init(m, param, x);
            ck_assert(run(m, param, &rest, 1.0, way == 0 ? 2e-4 : 1e-4, &t, x));
            ck_assert_close(x[F], f0 * exp(-g * t), 1e-9, 0.0);
            time[way] = t;
        }
        ck_assert_close(time[0], time[1], 1e-7, 1e-12);
        whole[k] = time[0];
        half[k] = time[2];
        u[k] = -expm1(most * expm1(-2.0 * g * whole[k]));
    }
    check_uniform(u, N, "against the law");
    const double p = ks_probability(ks_two(whole, half, N), 0.5 * N);
    ck_assert_msg(p > P_LEAST, "p = %g between steps", p);
}
END_TEST

/* Many small losses: df/dt = -kappa eta f^(m+1), that is f = f0 (1 + m kappa eta f0^m t)^(-1/m)
 * for the mean, up to terms of the order of eta. */
START_TEST(test_small_losses_have_a_mean)
{
    enum { N_DEVICE = 100 };
    double param[OW_MAX_PARAMS], sum = 0.0, square = 0.0;
    const struct ow_model *m = use_set("driftdiff_noise_tw_single", param);
    const struct drive rest = {0.0, 0.0, 0.0};
    const double eta = 2e-3, t_end = 1.1,
                 mean = 0.95 / sqrt(1.0 + 2.0 * 200.0 * eta * 0.9025 * t_end);
    put(m, param, "gamma1", 0.0);
    put(m, param, "beta", 0.0);
    put(m, param, "eta", eta);
    put(m, param, "f0", 0.95);
    for (size_t k = 0; k < N_DEVICE; k++) {
        double x[OW_MAX_STATES], t = 0.0;
        param[OW_ID] = (double)k;
        ow_states_init(m, param, x);
        while (run(m, param, &rest, t_end, 0.02, &t, x))
            m->fire(param, 0.0, x);
        sum += x[F];
        square += x[F] * x[F];
    }
    const double found = sum / N_DEVICE;
    const double error = sqrt((square / N_DEVICE - found * found) / N_DEVICE);
    ck_assert_double_lt(mean, 0.75);
    ck_assert_close(found, mean, 0.0, 3.9 * error + eta * mean);
}
END_TEST

/* Without jumps it is driftdiff, thin and cold, to the last bit. */
START_TEST(test_quiet_filament_is_driftdiff)
{
    static const double v[] = {0.7312, -0.0131}, f[] = {0.2385, 0.6143, 0.61432};
    double param[OW_MAX_PARAMS], noisy[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("driftdiff_tw_single", param);
    const struct ow_model *n = use_set("driftdiff_noise_tw_single", noisy);
    put(m, param, "e_mu", 0.21);
    put(n, noisy, "e_mu", 0.21);
    put(m, param, "temp", 61.0);
    put(n, noisy, "temp", 61.0);
    for (size_t b = 0; b < 6; b++) {
        const double x[] = {f[b / 2], 0.38571, 1.0, 0.0}, y[] = {f[b / 2], 0.38571, 0.7, 5.0};
        struct ow_point at, too;
        ow_eval_one(m, param, v[b % 2], x, &at);
        ow_eval_one(n, noisy, v[b % 2], y, &too);
        ck_assert(at.i == too.i && at.di_dx[F] == too.di_dx[F] && too.di_dx[K] == 0.0);
        for (size_t r = F; r <= R; r++) {
            ck_assert(at.f[r] == too.f[r] && at.df_dv[r] == too.df_dv[r]);
            ck_assert(at.df_dx[r][F] == too.df_dx[r][F] && at.df_dx[r][R] == too.df_dx[r][R]);
            ck_assert(too.df_dx[r][H] == 0.0 && too.df_dx[r][K] == 0.0);
        }
        ck_assert_close(too.f[H], -200.0 * f[b / 2] * f[b / 2], 1e-15, 0.0);
    }
}
END_TEST

/* ---- stanford_noise ---------------------------------------------------------------------- */

enum { GAP_X, GAP_H, GAP_K };
#define TRAVEL 1.5e-9 /* m */

/* The speed of the noise at the temperature t in degrees Celsius: (3). */
static double gap_noise(double t)
{
    return 0.02 / (1.0 + exp((176.85 - t) / 500.0));
}

/* At rest nothing else moves: times between jumps are exponential with the mean 1/noise_rate,
 * their sizes normal with the deviation dg(T) sqrt(dg_dt/noise_rate), at 24.85 degrees. */
START_TEST(test_gap_jumps_follow_their_laws)
{
    static double wait[N], size[N], off[N];
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    const struct ow_model *m = use_set("stanford_noise_v1", param);
    const struct drive rest = {0.0, 0.0, 0.0};
    const double rate = 0.7e9, sigma = gap_noise(24.85) * sqrt(1.3e-9 / rate) / TRAVEL;
    put(m, param, "noise_rate", rate);
    put(m, param, "dg_dt", 1.3e-9);
    put(m, param, "x0", 0.5);
    param[OW_SEED] = 5.0;
    ow_states_init(m, param, x);
    for (size_t k = 0; k < N; k++) {
        double t = 0.0;
        ck_assert(run(m, param, &rest, 100.0 / rate, 3.0 / rate, &t, x));
        ck_assert(x[GAP_X] == 0.5 && x[GAP_K] == (double)k);
        m->fire(param, 0.0, x);
        wait[k] = -expm1(-t * rate);
        size[k] = normal_cdf((x[GAP_X] - 0.5) / sigma);
        off[k] = normal_cdf((x[GAP_X] - 0.5) / (1.06 * sigma));
        x[GAP_X] = 0.5;
    }
    check_uniform(wait, N, "times");
    check_uniform(size, N, "sizes");
    ck_assert(ks_probability(ks_uniform(off, N), N) < P_LEAST);
}
END_TEST

/* The printed noise has the variance dg(T)^2 dt in unit time, whatever noise_rate: that of
 * 10,000 gaps at rest after 5 mean times between jumps, whose fourth moment is that of a sum of
 * Poisson many normal ones, 3 + 3/5 in units of the variance squared. */
START_TEST(test_gap_diffuses_as_printed)
{
    double param[OW_MAX_PARAMS], m1 = 0.0, m2 = 0.0, m4 = 0.0;
    const struct ow_model *m = use_set("stanford_noise_v1", param);
    const struct drive rest = {0.0, 0.0, 0.0};
    const double dt = 1e-9, t_end = 5.0 / 3e9;
    const double deviation = gap_noise(24.85) * sqrt(dt * t_end) / TRAVEL;
    put(m, param, "x0", 0.5);
    put(m, param, "noise_rate", 3e9);
    for (size_t k = 0; k < N; k++) {
        double x[OW_MAX_STATES], t = 0.0;
        param[OW_ID] = (double)k;
        ow_states_init(m, param, x);
        while (run(m, param, &rest, t_end, t_end, &t, x))
            m->fire(param, 0.0, x);
        const double z = (x[GAP_X] - 0.5) / deviation;
        m1 += z / N;
        m2 += z * z / N;
        m4 += z * z * z * z / N;
    }
    /* 3.9 standard errors; the eighth moment of the sum is 105 (1 + 6/5 + 3/25 ...) < 340 */
    ck_assert_close(m1, 0.0, 0.0, 3.9 / sqrt(N));
    ck_assert_close(m2, 1.0, 0.0, 3.9 * sqrt(2.6 / N));
    ck_assert_close(m4, 3.6, 0.0, 3.9 * sqrt(340.0 / N));
}
END_TEST

/* Heat: T by the power at the instant of the jump, here v i r_th, of the current that
 * the model gives. */
START_TEST(test_gap_jumps_grow_with_temperature)
{
    double param[OW_MAX_PARAMS], cold[OW_MAX_STATES] = {0.6, 0.0, 7.0}, hot[OW_MAX_STATES];
    const struct ow_model *m = use_set("stanford_noise_v1", param);
    struct ow_point pt;
    put(m, param, "r_th", 1e6);
    memcpy(hot, cold, sizeof hot);
    ow_eval_one(m, param, 0.8, cold, &pt);
    const double t = 24.85 + 0.8 * pt.i * 1e6;
    ck_assert_double_gt(t, 400.0);
    m->fire(param, 0.0, cold);
    m->fire(param, 0.8, hot);
    ck_assert_close((hot[GAP_X] - 0.6) / (cold[GAP_X] - 0.6), gap_noise(t) / gap_noise(24.85),
                    1e-9, 0.0);
    ck_assert(hot[GAP_K] == 8.0 && hot[GAP_H] == cold[GAP_H]);
    /* and ends where the gap does */
    put(m, param, "dg0", 1e6);
    m->fire(param, 0.0, hot);
    ck_assert(hot[GAP_X] == 0.0 || hot[GAP_X] == 1.0);
}
END_TEST

/* A pulse that sets, with its jumps, in two step sizes: the same devices; and another seed is
 * another sample of one law (the error of a step is that of a method of order 4). */
START_TEST(test_noisy_set_does_not_depend_on_steps)
{
    enum { N_DEVICE = 500 };
    static double whole[N_DEVICE], half[N_DEVICE];
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("stanford_noise_v1", param);
    const struct drive pulse = {0.0, 1.22, 0.0};
    const double t_end = 2e-7;
    put(m, param, "noise_rate", 1e8);
    put(m, param, "dg0", 3e-3);  /* so that no end is reached, where a fixed step is too long */
    put(m, param, "f_min", 1e6); /* no threshold, at which it is worse */
    put(m, param, "x0", 0.45);
    double least = 1.0, most = 0.0;
    for (size_t k = 0; k < N_DEVICE; k++) {
        double end[3];
        for (int way = 0; way < 3; way++) {
            double x[OW_MAX_STATES], t = 0.0;
            param[OW_ID] = (double)k;
            param[OW_SEED] = way < 2 ? 1.0 : 2.0;
            ow_states_init(m, param, x);
            while (run(m, param, &pulse, t_end, way == 0 ? 4e-9 : 2e-9, &t, x))
                ow_fire(m, param, 1.22, x);
            end[way] = x[GAP_X];
        }
        ck_assert_close(end[0], end[1], 0.0, 1e-6);
        whole[k] = end[0];
        half[k] = end[2];
        least = fmin(least, end[0]);
        most = fmax(most, end[0]);
    }
    ck_assert_msg(most > 0.5 && most - least > 0.05, "%g to %g", least, most);
    const double p = ks_probability(ks_two(whole, half, N_DEVICE), 0.5 * N_DEVICE);
    ck_assert_msg(p > P_LEAST, "p = %g between steps", p);
}
END_TEST

/* Without noise it is stanford, to the last bit, and nothing is ever due. */
START_TEST(test_quiet_gap_is_stanford)
{
    double param[OW_MAX_PARAMS], noisy[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("stanford_v1", param);
    const struct ow_model *n = use_set("stanford_noise_v1", noisy);
    put(n, noisy, "dg0", 0.0);
    for (int b = 0; b < 2; b++) {
        const double v = b ? -1.31 : 1.27, x[] = {0.6143}, y[] = {0.6143, 0.7, 5.0};
        struct ow_point at, too;
        ow_eval_one(m, param, v, x, &at);
        ow_eval_one(n, noisy, v, y, &too);
        ck_assert(at.f[0] != 0.0 && at.f[0] == too.f[GAP_X] && at.i == too.i);
        ck_assert(at.df_dx[0][0] == too.df_dx[GAP_X][GAP_X] && at.df_dv[0] == too.df_dv[GAP_X]);
        ck_assert(too.f[GAP_H] == 0.0 && too.di_dx[GAP_H] == 0.0);
    }
}
END_TEST

/* What a host overran of the hazard comes off the next one; what it left does not. */
START_TEST(test_overrun_hazard_is_not_lost)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("stanford_noise_v1", param);
    double on_time[] = {0.5, 0.0, 3.0}, late[] = {0.5, -0.25, 3.0}, early[] = {0.5, 1e-9, 3.0};
    m->fire(param, 0.0, on_time);
    m->fire(param, 0.0, late);
    m->fire(param, 0.0, early);
    ck_assert(late[GAP_H] == on_time[GAP_H] - 0.25 && early[GAP_H] == on_time[GAP_H]);
}
END_TEST

/* ---- jart_var ---------------------------------------------------------------------------- */

enum { JART_X, JART_THETA, JART_H, JART_K };

/* Without spreads it is jart, to the last bit, however far it has travelled. */
START_TEST(test_even_filament_is_jart)
{
    static const char *const spread[] = {"d2d_radius", "d2d_l_disc", "d2d_n_min",
                                         "d2d_n_max",  "c2c_radius", "c2c_l_disc"};
    double param[OW_MAX_PARAMS], even[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("jart_v1b", param);
    const struct ow_model *n = use_set("jart_var_v1b", even);
    for (size_t k = 0; k < sizeof spread / sizeof *spread; k++)
        put(n, even, spread[k], 0.0);
    put(n, even, "n_min", 8e23);
    put(n, even, "n_max", 20e26);
    for (int b = 0; b < 2; b++) {
        const double v = b ? -1.31 : 1.27, x[] = {0.6143, 0.21}, y[] = {0.6143, 0.21, 0.7, 5.0};
        struct ow_point at, too;
        ow_eval_one(m, param, v, x, &at);
        ow_eval_one(n, even, v, y, &too);
        ck_assert(at.f[JART_X] != 0.0 && at.i == too.i && at.di_dv == too.di_dv);
        for (size_t r = JART_X; r <= JART_THETA; r++) {
            ck_assert(at.f[r] == too.f[r] && at.df_dv[r] == too.df_dv[r]);
            ck_assert(at.di_dx[r] == too.di_dx[r] && too.df_dx[r][JART_K] == 0.0);
            for (size_t s = JART_X; s <= JART_THETA; s++)
                ck_assert(at.df_dx[r][s] == too.df_dx[r][s]);
        }
        ck_assert(too.f[JART_H] == -fabs(at.f[JART_X]) && too.df_dx[JART_X][JART_H] == 0.0);
    }
}
END_TEST

/* A filament that is nothing but a resistor, R = (l_cell - l_disc)/(c N r^2): what a quantity
 * does to its current, in units of the spread. */
static const struct {
    const char *name;
    double power; /* of the current in the quantity */
    double x, n_min, n_max, n_plug;
} quantity[] = {
    {"radius", 2.0, 0.5, 1e28, 2e28, 1e22}, /* the plug's resistance */
    {"l_disc", -1.0, 0.0, 1e20, 2e26, 1e30},
    {"n_min", 1.0, 0.0, 1e20, 2e26, 1e30},
    {"n_max", 1.0, 1.0, 1e20, 1e22, 1e30},
};
enum { N_QUANTITY = sizeof quantity / sizeof quantity[0], N_CYCLED = 2 };

static const struct ow_model *resistor(int q, double param[])
{
    const struct ow_model *m = ow_model_find("jart_var");
    ow_params_default(m, param);
    put(m, param, "n_min", quantity[q].n_min);
    put(m, param, "n_max", quantity[q].n_max);
    put(m, param, "n_plug", quantity[q].n_plug);
    put(m, param, "r_tiox", 1.0);
    put(m, param, "r0", 0.0);
    put(m, param, "phi_bn0", 0.02); /* no barrier: the contact is a short circuit */
    put(m, param, "phi_n", 0.01);
    put(m, param, "richardson", 1e8);
    return m;
}

static double deviation(const struct ow_model *m, const double param[], int q, const double x[])
{
    double plain[OW_MAX_PARAMS];
    struct ow_point at, nominal;
    resistor(q, plain);
    ow_eval_one(m, param, 5.0, x, &at);
    ow_eval_one(m, plain, 5.0, x, &nominal);
    return (pow(at.i / nominal.i, 1.0 / quantity[q].power) - 1.0) / 0.4;
}

static double triangle_cdf(double z) /* of the mean of two in (-1, 1) */
{
    return z < 0.0 ? 0.5 * (1.0 + z) * (1.0 + z) : 1.0 - 0.5 * (1.0 - z) * (1.0 - z);
}

/* 10,000 devices: each quantity is uniform about its nominal value, and independent of the next
 * device's and of the other quantities' (whose draws, with the same keys, would be the same).
 */
START_TEST(test_devices_are_spread_uniformly)
{
    static double u[N], off[N];
    double param[OW_MAX_PARAMS], mean = 0.0, product = 0.0, last = 0.0;
    char name[20];
    const struct ow_model *m = resistor(_i, param);
    snprintf(name, sizeof name, "d2d_%s", quantity[_i].name);
    put(m, param, name, 0.4);
    for (size_t k = 0; k < N; k++) {
        const double x[] = {quantity[_i].x, 0.0, 1.0, (double)(k % 3)};
        param[OW_ID] = (double)k;
        const double z = deviation(m, param, _i, x);
        mean += z / N;
        product += z * last / N;
        last = z;
        u[k] = 0.5 * (1.0 + z);
        off[k] = 0.5 * (1.0 + 1.05 * z); /* must be seen */
    }
    check_uniform(u, N, quantity[_i].name);
    ck_assert(ks_probability(ks_uniform(off, N), N) < P_LEAST);
    ck_assert_close(mean, 0.0, 0.0, 3.9 * sqrt(1.0 / 3.0 / N));
    ck_assert_close(product, 0.0, 0.0, 3.9 / 3.0 / sqrt(N));
}
END_TEST

/* Targets of one device, travel by travel: uniform; half-way, the mean of two; and where one
 * travel ends the next begins. */
START_TEST(test_targets_are_uniform_and_joined)
{
    static double u[N], half[N];
    double param[OW_MAX_PARAMS], square = 0.0;
    char name[20];
    const struct ow_model *m = resistor(_i, param);
    snprintf(name, sizeof name, "c2c_%s", quantity[_i].name);
    put(m, param, name, 0.4);
    param[OW_SEED] = 3.0;
    for (size_t k = 0; k < N; k++) {
        double x[] = {quantity[_i].x, 0.0, 1.0, (double)k};
        u[k] = 0.5 * (1.0 + deviation(m, param, _i, x));
        x[JART_H] = 0.5;
        const double z = deviation(m, param, _i, x);
        half[k] = triangle_cdf(z);
        square += z * z / N;
        x[JART_H] = 0.0;
        const double end = deviation(m, param, _i, x);
        m->fire(param, 0.0, x);
        ck_assert(x[JART_H] == 1.0 && x[JART_K] == (double)k + 1.0);
        ck_assert_close(deviation(m, param, _i, x), end, 1e-12, 1e-12);
    }
    /* variance 1/6; the fourth moment of the triangle is 1/15 */
    ck_assert_close(square, 1.0 / 6.0, 0.0, 3.9 * sqrt((1.0 / 15.0 - 1.0 / 36.0) * 2.0 / N));
    check_uniform(u, N, quantity[_i].name);
    /* neighbours share a target: every second one is independent */
    for (size_t k = 0; k < N / 2; k++)
        half[k] = half[2 * k];
    check_uniform(half, N / 2, "half-way");
}
END_TEST

/* SET and RESET in two step sizes are the same devices, other seeds are others; h has gone down
 * by the travel there and back, and the geometry with it. */
START_TEST(test_travel_is_what_counts)
{
    enum { N_DEVICE = 12 };
    double least = 1.0, most = 0.0;
    for (size_t k = 0; k < N_DEVICE; k++) {
        double end[2] = {0.0};
        for (int way = 0; way < 2; way++) {
            static const double v[] = {1.0, -2.0};
            double param[OW_MAX_PARAMS], x[OW_MAX_STATES], travel = 0.0;
            const struct ow_model *m = use_set("jart_var_v1b", param);
            param[OW_ID] = (double)k;
            put(m, param, "temp", 400.0); /* and no more heat, so that steps may be long */
            put(m, param, "r_th0", 0.0);
            put(m, param, "h0", 0.1);
            put(m, param, "x0", 0.3);
            ow_states_init(m, param, x);
            for (int half = 0; half < 2; half++) {
                const struct drive pulse = {0.0, v[half], 0.0};
                const double begin = x[JART_X];
                double t = 0.0;
                while (run(m, param, &pulse, 4e-7, way ? 2.5e-10 : 5e-10, &t, x))
                    ow_fire(m, param, v[half], x);
                ck_assert((x[JART_X] > begin) == (half == 0));
                travel += fabs(x[JART_X] - begin);
            }
            ck_assert_double_gt(travel, 0.2);
            ck_assert(x[JART_K] == 1.0);
            ck_assert_close(1.1 - x[JART_H], travel, 0.0, 1e-9);
            end[way] = x[JART_X];
        }
        ck_assert_close(end[0], end[1], 0.0, 1e-5);
        least = fmin(least, end[0]);
        most = fmax(most, end[0]);
    }
    ck_assert_msg(most - least > 0.02, "%g to %g", least, most);
}
END_TEST

/* What a host overran is travel of the next. */
START_TEST(test_overrun_travel_is_not_lost)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("jart_var_v1b", param);
    double late[] = {0.5, 0.0, -0.25, 3.0}, early[] = {0.5, 0.0, 1e-9, 3.0};
    m->fire(param, 0.0, late);
    m->fire(param, 0.0, early);
    ck_assert(late[JART_H] == 0.75 && early[JART_H] == 1.0 && late[JART_K] == 4.0);
}
END_TEST

/* ---- both ------------------------------------------------------------------------------- */

/* A device in the middle of its life, written down as parameters, is the same device. */
START_TEST(test_state_parameters_say_everything)
{
    static const char *const set[] = {"driftdiff_noise_tw_single", "stanford_noise_v1"};
    double param[OW_MAX_PARAMS], copy[OW_MAX_PARAMS], x[OW_MAX_STATES], y[OW_MAX_STATES];
    const struct ow_model *m = use_set(set[_i], param);
    param[OW_SEED] = 77.0;
    param[m->program] = 0.71;
    ow_states_init(m, param, x);
    for (int k = 0; k < 20; k++) {
        struct ow_error err = {0};
        memcpy(copy, param, sizeof copy);
        for (size_t s = 0; s < m->n_state; s++)
            copy[m->state[s].init] = x[s];
        ck_assert_ok(ow_params_check(m, copy, NULL, &err), err);
        ow_states_init(m, copy, y);
        m->fire(param, 0.1, x);
        m->fire(copy, 0.1, y);
        for (size_t s = 0; s < m->n_state; s++)
            ck_assert(x[s] == y[s]);
    }
    ck_assert(x[m->program - OW_N_COMMON] != 0.71);
}
END_TEST

START_TEST(test_contradictions_are_refused)
{
    /* clang-format off */
    static const struct { const char *set, *name; double to; const char *expect; } refused[] = {
        {"driftdiff_noise_tw_single", "h0", -0.5, "h0 must be -1"},
        {"driftdiff_noise_tw_single", "k0", 2.5, "k0 must be a whole number"},
        {"driftdiff_noise_tw_single", "r_off", 1.0, "r_on must be below r_off"},
        {"stanford_noise_v1", "h0", -0.5, "h0 must be -1"},
        {"stanford_noise_v1", "k0", 2.5, "k0 must be a whole number"},
        {"stanford_noise_v1", "gap_min", 2e-9, "gap_max must be above gap_min"},
        {"jart_var_v1b", "l_cell", 0.48e-9, "l_disc must be below l_cell in every device"},
        {"jart_var_v1b", "n_max", 0.84e24, "n_max must be above n_min by 1 % at least in every"},
    };
    /* clang-format on */
    for (size_t k = 0; k < sizeof refused / sizeof *refused; k++) {
        double param[OW_MAX_PARAMS];
        struct ow_error err = {0};
        const struct ow_model *m = use_set(refused[k].set, param);
        put(m, param, refused[k].name, refused[k].to);
        ck_assert_int_eq(ow_params_check(m, param, NULL, &err), OW_ERR_RANGE);
        ck_assert_msg(strstr(err.text, refused[k].expect) != NULL, "%s", err.text);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("models_noise");
    TCase *tc = tcase_create("driftdiff_noise");
    tcase_add_test(tc, test_filament_shrinks_by_its_hazard);
    tcase_add_test(tc, test_hazard_follows_the_filament);
    tcase_add_test(tc, test_small_losses_have_a_mean);
    tcase_add_test(tc, test_quiet_filament_is_driftdiff);
    tcase_set_timeout(tc, 100);
    suite_add_tcase(suite, tc);
    tc = tcase_create("stanford_noise");
    tcase_add_test(tc, test_gap_jumps_follow_their_laws);
    tcase_add_test(tc, test_gap_diffuses_as_printed);
    tcase_add_test(tc, test_gap_jumps_grow_with_temperature);
    tcase_add_test(tc, test_noisy_set_does_not_depend_on_steps);
    tcase_add_test(tc, test_quiet_gap_is_stanford);
    tcase_add_test(tc, test_overrun_hazard_is_not_lost);
    tcase_set_timeout(tc, 100);
    suite_add_tcase(suite, tc);
    tc = tcase_create("jart_var");
    tcase_add_test(tc, test_even_filament_is_jart);
    tcase_add_loop_test(tc, test_devices_are_spread_uniformly, 0, N_QUANTITY);
    tcase_add_loop_test(tc, test_targets_are_uniform_and_joined, 0, N_CYCLED);
    tcase_add_test(tc, test_travel_is_what_counts);
    tcase_add_test(tc, test_overrun_travel_is_not_lost);
    tcase_set_timeout(tc, 100);
    suite_add_tcase(suite, tc);
    tc = tcase_create("both");
    tcase_add_loop_test(tc, test_state_parameters_say_everything, 0, 2);
    tcase_add_test(tc, test_contradictions_are_refused);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
