/* The series resistance that every device has, over all sets; and the filament models:
 * rram_asu, stanford, jart. */
#include "ow_check.h"

#include "ow_model.h"
#include "ow_sets.h"

#include <float.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

static const struct ow_model *use_set(const struct ow_set *set, double param[])
{
    struct ow_error err = {0};
    const struct ow_model *m = NULL;
    ck_assert_ok(ow_set_model(set->text, set->name, &m, &err), err);
    ow_params_default(m, param);
    ck_assert_ok(ow_set_apply(set->text, set->name, m, param, &err), err);
    ck_assert_ok(ow_params_check(m, param, NULL, &err), err);
    return m;
}

/* ---- the series resistance --------------------------------------------------------------- */

/* Uneven points within the travel; the third and fourth states are counters and spares. */
static const struct {
    double v, x[OW_MAX_STATES];
} bias[] = {
    {0.7312, {0.2385, 0.3317, 0.2, 0.1}},  {-1.1907, {0.6143, 0.1221, 0.1, 0.3}},
    {0.0131, {0.6143, 0.3729, 0.07, 0.2}}, {-0.0427, {0.2385, 0.0717, 0.3, 0.1}},
    {2.7183, {0.6143, 0.1857, 0.07, 0.1}}, {-0.3391, {1.0032, 0.0103, 0.2, 0.2}},
    {1.9719, {-0.0317, 0.0183, 0.1, 0.0}}, {1e3, {0.3317, 0.1183, 0.1, 0.0}},
};
enum { N_BIAS = sizeof bias / sizeof bias[0] };

/* Parts of the device's own resistance at the bias. */
static const double part[] = {1e-3, 0.61, 1.0, 37.0, 1e6};
enum { N_PART = sizeof part / sizeof part[0] };

/* A resistor outside: the voltage of a device without rs, by bisection. */
static double device_voltage(const struct ow_model *m, const double bare[], double rs, double v,
                             const double x[])
{
    double lo = 0.0, hi = 1.0; /* shares of v */
    for (int k = 0; k < 400; k++) {
        const double at = 0.5 * (lo + hi);
        struct ow_point pt;
        ow_eval_one(m, bare, at * v, x, &pt);
        if (((at - 1.0) * v / rs + pt.i > 0.0) == (v > 0.0))
            hi = at;
        else
            lo = at;
    }
    return 0.5 * (lo + hi) * v;
}

START_TEST(test_rs_is_a_resistor_outside)
{
    double bare[OW_MAX_PARAMS], param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set(&ow_sets[_i], bare);
    bare[OW_RS] = 0.0;
    memcpy(param, bare, sizeof param);
    for (size_t b = 0; b < N_BIAS; b++)
        for (size_t k = 0; k < N_PART; k++) {
            const double v = bias[b].v, *x = bias[b].x;
            struct ow_point own, with, alone;
            ow_eval_one(m, bare, v, x, &own);
            param[OW_RS] = own.i != 0.0 ? fmin(part[k] * v / own.i, 1e12) : 1e3;
            ow_eval_one(m, param, v, x, &with);
            const double v_d = device_voltage(m, bare, param[OW_RS], v, x);
            ow_eval_one(m, bare, v_d, x, &alone);
            /* Rounding of v_d, times the steepness d ln i/d ln v of the device. */
            const double steep = alone.i != 0.0 ? fabs(alone.di_dv * v_d / alone.i) + 1.0 : 1.0;
            ck_assert_close(with.i, alone.i, 1e-14 * steep, 0.0);
            ck_assert_close(with.i * param[OW_RS] + v_d, v, 1e-14 * steep, 0.0);
            for (size_t s = 0; s < m->n_state; s++) {
                const double moved = fabs(alone.df_dv[s] * v_d) + fabs(alone.f[s]);
                ck_assert_close(with.f[s], alone.f[s], 1e-13, 1e-14 * moved);
            }
        }
}
END_TEST

/* Five-point central difference by state s, or by v for s = n_state. */
static void difference(const struct ow_model *m, const double param[], double v,
                       const double x[], size_t s, double h, double *di, double df[])
{
    static const double weight[4] = {1.0 / 12, -2.0 / 3, 2.0 / 3, -1.0 / 12};
    *di = 0.0;
    memset(df, 0, OW_MAX_STATES * sizeof *df);
    for (int k = 0; k < 4; k++) {
        const double step = h * (k < 2 ? k - 2 : k - 1);
        double at[OW_MAX_STATES];
        struct ow_point pt;
        memcpy(at, x, sizeof at);
        if (s < m->n_state)
            at[s] += step;
        ow_eval_one(m, param, s < m->n_state ? v : v + step, at, &pt);
        *di += weight[k] * pt.i / h;
        for (size_t r = 0; r < m->n_state; r++)
            df[r] += weight[k] * pt.f[r] / h;
    }
}

/* Central differences as in test_models.c; noise is a rounding error of i and f, times the
 * steepness of f in v_d, over h. */
START_TEST(test_rs_derivatives_match_differences)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set(&ow_sets[_i], param);
    param[OW_RS] = 0.0;
    for (size_t b = 0; b < 5; b++) {
        const double v = bias[b].v, *x = bias[b].x;
        struct ow_point pt, own;
        param[OW_RS] = 0.0;
        ow_eval_one(m, param, v, x, &own);
        param[OW_RS] = own.i != 0.0 ? fmin(0.37 * v / own.i, 1e12) : 1e3;
        ow_eval_one(m, param, v, x, &pt);
        for (size_t s = 0; s <= m->n_state; s++) {
            double h = s < m->n_state ? 2e-5 : 2e-5 * fabs(v);
            for (size_t r = 0; r < m->n_state; r++) { /* (v - v_th)^25 just above v_th */
                const double slope = fabs(s < m->n_state ? pt.df_dx[r][s] : pt.df_dv[r]);
                if (slope > 0.0 && pt.f[r] != 0.0)
                    h = fmin(h, 1e-2 * fabs(pt.f[r]) / slope);
            }
            double di, df[OW_MAX_STATES];
            difference(m, param, v, x, s, h, &di, df);
            ck_assert_close(s < m->n_state ? pt.di_dx[s] : pt.di_dv, di, 2e-6,
                            1e-12 * fabs(pt.i) / h);
            for (size_t r = 0; r < m->n_state; r++) {
                double size = fabs(pt.f[r]) + fabs(pt.df_dv[r] * v); /* of what f is a sum of */
                for (size_t q = 0; q < m->n_state; q++)
                    size += fabs(pt.df_dx[r][q]);
                ck_assert_close(s < m->n_state ? pt.df_dx[r][s] : pt.df_dv[r], df[r], 4e-6,
                                1e-12 * size / h);
            }
        }
    }
}
END_TEST

/* Anything finite in, anything finite out, no power delivered, and never more current than
 * rs alone would let through. */
START_TEST(test_rs_is_finite_and_passive)
{
    static const double volt[] = {0.0, 4e-320, 1e-9, 0.31, 7.0, 1e30, DBL_MAX};
    static const double ohm[] = {1e-300, 1e-3, 50.0, 1e6, 1e12};
    static const double state[] = {-DBL_MAX, -1e-4, 0.0, 0.37, 1.0, 1.0 + 1e-4, DBL_MAX};
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set(&ow_sets[_i], param);
    for (int k = 0; k < 2 * LENGTH(volt) * LENGTH(ohm) * LENGTH(state); k++) {
        const double v = (k % 2 ? -1.0 : 1.0) * volt[k / 2 % LENGTH(volt)];
        const double rs = ohm[k / 2 / LENGTH(volt) % LENGTH(ohm)];
        double x[OW_MAX_STATES];
        struct ow_point pt;
        for (size_t s = 0; s < OW_MAX_STATES; s++)
            x[s] = state[(k / 2 / LENGTH(volt) / LENGTH(ohm) + 3 * (int)s) % LENGTH(state)];
        param[OW_RS] = rs;
        ow_eval_one(m, param, v, x, &pt);
        double sum = fabs(pt.i) * 1e-30 + fabs(pt.di_dv) * 1e-30;
        for (size_t r = 0; r < m->n_state; r++) {
            sum += fabs(pt.f[r]) * 1e-100 + fabs(pt.df_dv[r]) * 1e-100;
            for (size_t s = 0; s < m->n_state; s++)
                sum += fabs(pt.df_dx[r][s]) * 1e-100 + fabs(pt.di_dx[s]) * 1e-100;
        }
        ck_assert_msg(isfinite(sum), "%s, v = %g, rs = %g", m->name, v, rs);
        ck_assert_msg(v == 0.0 ? pt.i == 0.0 : pt.i * (v > 0.0 ? 1.0 : -1.0) >= 0.0,
                      "%s, v = %g, rs = %g: i = %g", m->name, v, rs, pt.i);
        ck_assert(pt.di_dv >= 0.0 && pt.di_dv * rs <= 1.0 + 1e-14);
        ck_assert_msg(fabs(pt.i) * rs <= fabs(v) * (1.0 + 1e-13) + rs * DBL_TRUE_MIN,
                      "%s, v = %g, rs = %g: i = %g", m->name, v, rs, pt.i);
    }
}
END_TEST

/* More cells than are solved at a time, each with its own resistance, every seventh none. */
START_TEST(test_rs_of_many_cells)
{
    enum { N = 75 };
    double param[OW_MAX_PARAMS], rs[N], v[N], x[OW_MAX_STATES][N];
    double out[2 + 3 * OW_MAX_STATES + OW_MAX_STATES * OW_MAX_STATES][N];
    const double *spread[OW_MAX_PARAMS] = {NULL};
    const struct ow_model *m = use_set(&ow_sets[_i], param);
    struct ow_cells cells = {.n = N, .param = param, .spread = spread, .v = v};
    struct ow_response to = {.i = out[0], .di_dv = out[1]};
    size_t at = 2;
    spread[OW_RS] = rs;
    for (size_t s = 0; s < m->n_state; s++) {
        cells.x[s] = x[s];
        to.di_dx[s] = out[at++];
        to.f[s] = out[at++];
        to.df_dv[s] = out[at++];
        for (size_t r = 0; r < m->n_state; r++)
            to.df_dx[s][r] = out[at++];
    }
    for (size_t j = 0; j < N; j++) {
        v[j] = bias[j % N_BIAS].v * (1.0 + 0.01 * (double)j);
        rs[j] = j % 7 == 3 ? 0.0 : 10.0 * pow(1.3, (double)j);
        for (size_t s = 0; s < m->n_state; s++)
            x[s][j] = bias[j % N_BIAS].x[s];
    }
    ow_eval(m, &cells, &to);
    for (size_t j = 0; j < N; j++) {
        struct ow_point pt;
        param[OW_RS] = rs[j];
        ow_eval_one(m, param, v[j], bias[j % N_BIAS].x, &pt);
        ck_assert(to.i[j] == pt.i && to.di_dv[j] == pt.di_dv);
        for (size_t r = 0; r < m->n_state; r++) {
            ck_assert(to.f[r][j] == pt.f[r] && to.df_dv[r][j] == pt.df_dv[r]);
            for (size_t s = 0; s < m->n_state; s++)
                ck_assert(to.df_dx[r][s][j] == pt.df_dx[r][s]);
        }
    }
}
END_TEST

/* Two devices with rs in parallel are one of scale 2: rs/2 at its terminals. */
START_TEST(test_scale_divides_rs)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set(ow_set_find("team_write"), param);
    const double x[OW_MAX_STATES] = {0.25}; /* R = 10k + 90k/4 */
    struct ow_point pt;
    param[OW_RS] = 7e3;
    param[OW_SCALE] = 2.0;
    ow_eval_one(m, param, 0.3, x, &pt);
    ck_assert_close(pt.i, 0.3 / (32.5e3 / 2.0 + 7e3 / 2.0), 1e-14, 0.0);
}
END_TEST

/* A device as steep as any, i = 1e-12 A (e^(v/2mV) - 1) up to e^80 and straight on, which
 * counts its evaluations. */
static int n_eval;
static void steep_eval(const struct ow_cells *c, struct ow_response *out)
{
    n_eval++;
    for (size_t j = 0; j < c->n; j++) {
        const double u = fabs(c->v[j]) / 2e-3, e = expm1(fmin(u, 80.0));
        out->i[j] = copysign(1e-12 * (e + fmax(u - 80.0, 0.0) * (e + 1.0)), c->v[j]);
        out->di_dv[j] = 1e-12 / 2e-3 * (e + 1.0);
    }
}
static const struct ow_param steep_param[] = {OW_COMMON_PARAMS};
static const struct ow_model steep = {
    .name = "steep", .param = steep_param, .n_param = OW_N_COMMON, .eval = steep_eval};

START_TEST(test_rs_takes_few_evaluations)
{
    double param[OW_N_COMMON];
    ow_params_default(&steep, param);
    for (double rs = 1e-3; rs < 2e12; rs *= 10.0)
        for (double v = 1e-12; v < 1e31; v *= 9.7) {
            struct ow_point pt;
            param[OW_RS] = rs;
            n_eval = 0;
            ow_eval_one(&steep, param, v, NULL, &pt);
            /* Newton's method alone goes down an exponential in steps of 2 mV: 80 of them
             * at most, since the device is straight above. */
            ck_assert_msg(n_eval <= 80, "%d evaluations at %g V, %g ohm", n_eval, v, rs);
            const double u = v - rs * pt.i;
            /* What remains for the device, where that is more than rounding. */
            if (u > 1e-9 * v && u < 0.159)
                ck_assert_close(pt.i, 1e-12 * expm1(u / 2e-3), 1e-3, 0.0);
            ck_assert(pt.i * rs <= v * (1.0 + 1e-13) && pt.i > 0.0);
        }
    param[OW_RS] = 0.0;
    struct ow_point pt;
    n_eval = 0;
    ow_eval_one(&steep, param, 0.1, NULL, &pt);
    ck_assert_int_eq(n_eval, 1); /* costs nothing when there is none */
}
END_TEST

/* ---- equations and loops, from programs of their own ---------------------------------------
 *
 * Numbers below come from separate programs in another language that hold the papers'
 * equations in SI units: classical Runge-Kutta with fixed steps, series resistance by
 * Newton's method on the whole circuit. */

static const struct ow_model *use_named(const char *set, double param[])
{
    ck_assert_msg(ow_set_find(set) != NULL, "no set %s", set);
    return use_set(ow_set_find(set), param);
}

/* clang-format off */
static const struct {
    const char *set;
    double v, x[2];
    double i, f[2];
} hand[] = {
    {"sky130",  1.317, {0.2385, 0.0317},  5.4326422959425e-06,  {64.3496938559323, -115344421.901514}},
    {"sky130", -0.943, {0.6143, 0.3117}, -2.00453404761048e-05, {-69847.6084084321, -1295821457.0735}},
    {"sky130",  0.2,   {0.871, 0.0},      9.71784828561641e-06, {3.32749455350349e-12, 6107053.12528918}},
    {"sky130", -3.1,   {0.0431, 0.1507}, -0.000110461368193812, {-24909922124030.4, 420761371.934671}},
    {"sky130",  0.0,   {0.5, 0.25},       0.0,                  {-3.52218806156066e-05, -1086956521.73913}},
    {"stanford_v1", 1.317, {0.2385}, 0.000451954510960949, {826934.780652832}},
    {"stanford_v1", -0.943, {0.6143}, -0.000964759340379912, {0.0}},
    {"stanford_v1", 0.2, {0.871}, 0.000184028582493017, {0}},
    {"stanford_v1", -1.731, {0.8431}, -0.0890726074700621, {-2075689681.13019}},
    {"stanford_v1", -1.2, {0.2385}, -0.000283026453175168, {-1.62073867202049}},
    {"stanford_v1", 1.057, {0.9}, 0.00845400400578551, {4.84969964097226}},
    {"stanford_tiox_hfox_a", 1.317, {0.2385}, 5.59425344129692e-07, {10991238.8160278}},
    {"stanford_tiox_hfox_a", -0.943, {0.6143}, -8.20335817832714e-06, {-2.975910472726}},
    {"stanford_tiox_hfox_a", 0.2, {0.871}, 8.75136471601666e-06, {0.000277138430054915}},
    {"stanford_tiox_hfox_a", -1.731, {0.8431}, -0.000771626427334139, {-18174884038.4685}},
    {"stanford_tiox_hfox_a", 1.057, {0.9}, 0.000198234852852097, {186334.047624409}},
    {"stanford_tiox_hfox_c", 1.317, {0.2385}, 5.59425344129692e-07, {9088.25977846509}},
    {"stanford_tiox_hfox_c", -0.943, {0.6143}, -8.20335817832714e-06, {-0.16363933989812}},
    {"stanford_tiox_hfox_c", 0.2, {0.871}, 8.75136471601666e-06, {0.000201639921582036}},
    {"stanford_tiox_hfox_c", -1.731, {0.8431}, -0.000771626427334139, {-931700270.950363}},
    {"stanford_tiox_hfox_c", 1.057, {0.9}, 0.000198234852852097, {41752.6170165061}},
    {"jart_v1b", 0.731, {0.2385, 0.0317}, 6.16631666620827e-05, {0.0795610981848298, 2586981923.62762}},
    {"jart_v1b", -0.943, {0.6143, 0.3117}, -0.000449160698785764, {-99.4424098986272, 1225614544.14126}},
    {"jart_v1b", 0.2, {0.871, 0.0}, 0.000122011301911631, {7.36013097643985e-12, 271887835.156682}},
    {"jart_v1b", 1.31, {0.0431, 0.1507}, 2.42215288929765e-05, {3900655.68303, 1458564100.15887}},
    {"jart_v1b", -1.2, {0.9, 0.2}, -0.00070298130943654, {-0.0279699666761544, 1383955602.03165}},
    {"jart_v1b", -0.31, {0.02, 0.01}, -5.553207938133e-06, {-1.0610824356969e-07, -12489169.625208}},
};
/* clang-format on */

/* 15 digits, and logarithms of rates up to 80. */
START_TEST(test_equations_match_hand_values)
{
    double param[OW_MAX_PARAMS];
    struct ow_point pt;
    const struct ow_model *m = use_named(hand[_i].set, param);
    ow_eval_one(m, param, hand[_i].v, hand[_i].x, &pt);
    ck_assert_close(pt.i, hand[_i].i, 1e-13, 0.0);
    for (size_t s = 0; s < m->n_state; s++)
        ck_assert_close(pt.f[s], hand[_i].f[s], 1e-11, 0.0);
}
END_TEST

/* A triangle to +v and back to +0.2 V, to -v and back to -0.2 V, at 16 V/us for 3.2 V: states
 * and current at those four instants. */
struct loop {
    const char *set;
    double rs, v; /* ohm, V          */
    double t[5];  /* s, the corners  */
    double step;  /* s               */
    double x[4], i[4];
};
/* clang-format off */
static const struct loop loop[] = {
    /* Set and reset; the read current changes by a factor of 219. */
    {"sky130", 5e3, 3.2, {0, 2e-7, 2.5e-7, 4.5e-7, 5e-7}, 1e-11,
     {1.0, 1.0, 0.0, 0.0},
     {0.0003899017248576965, 1.340978011145092e-05, -5.634101232743642e-05, -6.12084442866145e-08}},
    /* A large resistor stops both half-way. */
    {"sky130", 2e4, 3.2, {0, 2e-7, 2.5e-7, 4.5e-7, 5e-7}, 1e-11,
     {0.6812874768677954, 0.6869662700681242, 0.6520883081349798, 0.5562194082536479},
     {8.933600401741876e-05, 2.4704886886458295e-06, -8.640833936366346e-05, -1.3373930668342552e-06}},
    /* The code's threshold: 1.39 V where the gap is widest. */
    {"stanford_v1", 1e3, 2.0, {0, 2e-6, 2.5e-6, 4.5e-6, 5e-6}, 5e-10,
     {0.36834880684639476, 0.40214166650369376, 0.22381476068609385, 0.07984417548544755},
     {0.0007508592514909388, 1.036434886855055e-05, -0.0005930508820003953, -1.581860746293569e-06}},
    /* Set and reset; the read current changes by a factor of 41. */
    {"jart_v1b", 0.0, 2.2, {0, 2e-7, 2.5e-7, 4.5e-7, 5e-7}, 5e-11,
     {1.0, 1.0, 0.0, 0.0},
     {0.001171376995164036, 0.00012583024000166983, -3.4893515778562105e-05, -3.060811227310589e-06}},
    /* RESET stops by itself, as beta_reset is large. */
    {"stanford_tiox_hfox_a", 1e3, 1.6, {0, 2e-6, 2.5e-6, 4.5e-6, 5e-6}, 5e-10,
     {1.0, 1.0, 0.732034928006029, 0.712836241122839},
     {0.00054137609698279, 2.7113384703760465e-05, -0.00012298049921449585, -1.7818950869621771e-06}},
};
/* clang-format on */

/* Runge and Kutta's classical step, with v linear from v0 to v1.  The first state is held in
 * its travel: an explicit method cannot step through the soft stops (1e-4 deep). */
static void rk4(const struct ow_model *m, const double param[], double v0, double v1, double h,
                double x[])
{
    static const double at[4] = {0.0, 0.5, 0.5, 1.0}, weight[4] = {1, 2, 2, 1};
    double k[OW_MAX_STATES] = {0}, sum[OW_MAX_STATES] = {0};
    for (int q = 0; q < 4; q++) {
        double y[OW_MAX_STATES];
        struct ow_point pt;
        for (size_t s = 0; s < m->n_state; s++)
            y[s] = x[s] + at[q] * h * k[s];
        y[0] = fmin(fmax(y[0], 0.0), 1.0);
        ow_eval_one(m, param, v0 + at[q] * (v1 - v0), y, &pt);
        for (size_t s = 0; s < m->n_state; s++) {
            k[s] = pt.f[s];
            sum[s] += weight[q] / 6.0 * pt.f[s];
        }
    }
    for (size_t s = 0; s < m->n_state; s++)
        x[s] += h * sum[s];
}

START_TEST(test_loops_match_another_program)
{
    const struct loop *l = &loop[_i];
    const double corner[5] = {0.0, l->v, 0.2, -l->v, -0.2};
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    const struct ow_model *m = use_named(l->set, param);
    param[OW_RS] = l->rs;
    ow_states_init(m, param, x);
    for (size_t k = 0; k < 4; k++) {
        const int n = (int)lrint((l->t[k + 1] - l->t[k]) / l->step);
        for (int j = 0; j < n; j++) {
            const double a = corner[k], b = corner[k + 1];
            rk4(m, param, a + (b - a) * j / n, a + (b - a) * (j + 1) / n,
                (l->t[k + 1] - l->t[k]) / n, x);
            x[0] = fmin(fmax(x[0], 0.0), 1.0);
        }
        struct ow_point pt;
        ow_eval_one(m, param, corner[k + 1], x, &pt);
        /* Both programs take the same steps; the kink where the travel ends costs one. */
        ck_assert_close(x[0], l->x[k], 1e-6, 1e-9);
        ck_assert_close(pt.i, l->i[k], 1e-6, 0.0);
    }
}
END_TEST

/* However long it was driven against an end, the state is at most a stop's depth beyond it,
 * and leaves at the speed it has at the end: nothing winds up. */
static const char *const stopped[] = {"sky130", "stanford_v1"};

START_TEST(test_ends_of_the_travel_do_not_wind_up)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_named(stopped[_i], param);
    const double hot = 0.3, v = 2.3;
    for (int end = 0; end < 2; end++) {
        const double x_end[2] = {end, hot}, beyond[2] = {end ? 1.0001 : -0.0001, hot};
        const double out = end ? v : -v; /* a positive voltage sets: x up */
        struct ow_point pt, at;
        ow_eval_one(m, param, out, beyond, &pt);
        ow_eval_one(m, param, out, x_end, &at);
        ck_assert(at.f[0] * (end ? 1.0 : -1.0) > 0.0);
        ck_assert_close(pt.f[0], 0.0, 0.0, 1e-9 * fabs(at.f[0]));
        ow_eval_one(m, param, -out, beyond, &pt);
        ow_eval_one(m, param, -out, x_end, &at);
        ck_assert(pt.f[0] == at.f[0]);
    }
}
END_TEST

/* A jump of power P makes T rise by P tau/C (1 - e^(-t/tau)) (reference/analytic). */
START_TEST(test_rram_asu_heats_as_one_time_constant)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_named("sky130", param);
    double x[OW_MAX_STATES] = {0.5, 0.0};
    struct ow_point pt;
    param[ow_param_index(m, "velocity_k1")] = 1e-12; /* nothing moves: P is constant */
    const double v = 0.71, tau = 2.3e-10, t = 3.1e-10;
    for (int k = 0; k < 1000; k++)
        rk4(m, param, v, v, t / 1000.0, x);
    ow_eval_one(m, param, v, x, &pt);
    ck_assert_close(x[1], v * pt.i * tau / 3.1825e-16 * -expm1(-t / tau) / 1000.0, 1e-9, 0.0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("models_filament");
    TCase *tc = tcase_create("series resistance");
    const int n_sets = (int)ow_n_sets;
    tcase_add_loop_test(tc, test_rs_is_a_resistor_outside, 0, n_sets);
    tcase_add_loop_test(tc, test_rs_derivatives_match_differences, 0, n_sets);
    tcase_add_loop_test(tc, test_rs_is_finite_and_passive, 0, n_sets);
    tcase_add_loop_test(tc, test_rs_of_many_cells, 0, n_sets);
    tcase_add_test(tc, test_scale_divides_rs);
    tcase_add_test(tc, test_rs_takes_few_evaluations);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);

    tc = tcase_create("equations");
    tcase_add_loop_test(tc, test_equations_match_hand_values, 0, LENGTH(hand));
    tcase_add_loop_test(tc, test_loops_match_another_program, 0, LENGTH(loop));
    tcase_add_loop_test(tc, test_ends_of_the_travel_do_not_wind_up, 0, LENGTH(stopped));
    tcase_add_test(tc, test_rram_asu_heats_as_one_time_constant);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
