/* Drift models (threshold, team's windows, lindrift, yakopcic) and selectors: their equations
 * by hand, and closed forms.  Derivatives, finiteness and passivity of every model are
 * tests/test_models.c's. */
#include "ow_reference_ode.h"
#include "ow_soft_stop.h"

#include <float.h>
#include <stdio.h>

/* ---- the equations, by hand ----------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *set;
    struct { const char *name; double to; } change[3];
    double v, x;
    double i, f;
} hand[] = {
    /* R = 1k + 9k * 0.2385 = 3146.5; below the threshold alpha = 0 */
    {"threshold_r2", {{NULL, 0}}, 4.5, 0.2385, 4.5/3146.5, 0.0},
    /* f = 1e13 (4.7312 - 4.6)/9k */
    {"threshold_r2", {{NULL, 0}}, 4.7312, 0.2385, 4.7312/3146.5, 145777777.77777778},
    {"threshold_r2", {{NULL, 0}}, -4.7312, 0.2385, -4.7312/3146.5, -145777777.77777778},
    /* below: f = 2e12 * -3.1/9k; above: (2e12 * 4.6 + 1e13 * 0.9)/9k */
    {"threshold_r2", {{"alpha", 2e12}}, -3.1, 0.6143, -3.1/6528.7, -688888888.88888889},
    {"threshold_r2", {{"alpha", 2e12}}, 5.5, 0.6143, 5.5/6528.7, 2022222222.2222222},
    /* at rest on the bound under drive, at full speed away from it */
    {"threshold_r2", {{NULL, 0}}, 5.1, 1.0, 5.1e-4, 0.0},
    {"threshold_r2", {{NULL, 0}}, -5.1, 1.0, -5.1e-4, -555555555.55555556},
    {"threshold_r2", {{NULL, 0}}, -5.1, 0.0, -5.1e-3, 0.0},
    {"threshold_r2", {{NULL, 0}}, 5.1, 0.0, 5.1e-3, 555555555.55555556},
    /* VTEAM with the windows: 5e-4/3e-9 (0.7312/0.02 - 1) = 5926666.7 and
     * -10/3e-9 (1.1907/0.2 - 1)^3 = -4.0514944e11, times
     * joglekar 1 - 0.523^6 and 1 - 0.2286^6; biolek 1 - 0.2385^6 (moving up) and
     * 1 - 0.3857^6 (down); prodromakis 1.3 (1 - (0.2615^2 + 0.75)^2.7), likewise */
    {"vteam_memtorch", {{"window", 2}, {"p", 3}}, 0.7312, 0.2385, 0.7312/276.575, 5805377.884584902},
    {"vteam_memtorch", {{"window", 2}, {"p", 3}}, -1.1907, 0.6143, -1.1907/633.585, -405091624747.9888},
    {"vteam_memtorch", {{"window", 3}, {"p", 3}}, 0.7312, 0.2385, 0.7312/276.575, 5925575.8775348095},
    {"vteam_memtorch", {{"window", 3}, {"p", 3}}, -1.1907, 0.6143, -1.1907/633.585, -403815575321.7197},
    {"vteam_memtorch", {{"window", 4}, {"p", 2.7}, {"j", 1.3}}, 0.7312, 0.2385, 0.7312/276.575, 3219943.935935172},
    {"vteam_memtorch", {{"window", 4}, {"p", 2.7}, {"j", 1.3}}, -1.1907, 0.6143, -1.1907/633.585, -272904597595.92746},
    {"vteam_memtorch", {{"window", 5}}, 0.7312, 0.2385, 0.7312/276.575, 5926666.6666666667},
    /* biolek at the end that is being left: free */
    {"vteam_memtorch", {{"window", 3}, {"p", 3}}, 0.7312, 0.0, 0.7312/50, 5926666.6666666667},
    {"vteam_memtorch", {{"window", 3}, {"p", 3}}, 0.7312, 1.0, 0.7312/1000, 0.0},
    /* joglekar there: the value at 1e-4, 4e-4 (1 - 1e-4), also beyond; and ahead of a bound
     * 0.01 behind the state the tangent, -4 * 2 * 0.01 */
    {"vteam_memtorch", {{"window", 2}}, 0.7312, 0.0, 0.7312/50, 2370.4295999999963},
    {"vteam_memtorch", {{"window", 2}}, 0.7312, -0.3, 0.7312/50, 2370.4295999999963},
    {"vteam_memtorch", {{"window", 2}, {"p", 2}}, 0.7312, 1.01, 0.7312/1000, -474133.33333333333},
    /* R = 100 * 0.2385 + 16k * 0.7615, dx/dt = 1e4 i */
    {"lindrift_hp_160", {{NULL, 0}}, 0.7312, 0.2385, 5.9895886663089726e-05, 0.5989588666308973},
    {"lindrift_hp_160", {{"window", 2}, {"p", 2}}, 0.7312, 0.2385, 5.9895886663089726e-05, 0.5970208810929576},
    /* R = 100 * 0.6143 + 10k * 0.3857, dx/dt = 1e4 i (1 - 0.2286^2) */
    {"lindrift_r1", {{NULL, 0}}, -1.1907, 0.6143, -0.0003038717037180708, -2.8799198838003996},
    /* i = 0.17 x sinh(0.05 v), g = 4000 (e^0.7312 - e^0.16); x < xp: f = 1 */
    {"yakopcic_agchalc", {{NULL, 0}}, 0.7312, 0.2385, 0.0014826554430146638, 3616.245312269446},
    /* x >= xp: f = exp(-0.3143) 0.3857/0.7 */
    {"yakopcic_agchalc", {{NULL, 0}}, 0.7312, 0.6143, 0.17*0.6143*0.03656814509840089, 1455.1599286515977},
    /* g = -4000 (e^0.7312 - e^0.15); x <= 1 - xn: f = exp(5 * -0.2615) 0.2385/0.5, then 1 */
    {"yakopcic_agchalc", {{NULL, 0}}, -0.7312, 0.2385, -0.0014826554430146638, -472.61723043384774},
    {"yakopcic_agchalc", {{NULL, 0}}, -0.7312, 0.6143, -0.17*0.6143*0.03656814509840089, -3662.951825323555},
    /* between the thresholds; and at the ends of the travel: 0 ahead, free behind */
    {"yakopcic_agchalc", {{NULL, 0}}, 0.15, 0.2385, 0.17*0.2385*0.007500070312697754, 0.0},
    {"yakopcic_agchalc", {{NULL, 0}}, 0.7312, 1.0, 0.17*0.03656814509840089, 0.0},
    {"yakopcic_agchalc", {{NULL, 0}}, -0.7312, 1.0, -0.17*0.03656814509840089, -3662.951825323555},
    {"yakopcic_agchalc", {{NULL, 0}}, 0.7312, 0.0, 0.0, 3616.245312269446},
    /* 9e-5 sinh(4.96 v) x + 1.5e-5 sinh(6.91 v) (1 - x); 1.7e-4 sinh(3.23 v) x + 4.4e-7 sinh(2.6 v) (1 - x) */
    {"yakopcic_nbsto", {{NULL, 0}}, 0.3127, 0.2385, 9.724273307282895e-05, 774.4018604352085},
    {"yakopcic_nbsto", {{NULL, 0}}, -0.1127, 0.6143, -3.891067091704689e-05, 0.0},
    {"lindrift_r1", {{NULL, 0}}, -1.1907, 1.5, -0.011907, -119.07 * 4e-4 * (1.0 - 1e-4)},
};
/* clang-format on */

START_TEST(test_models_match_hand_values)
{
    double param[OW_MAX_PARAMS];
    struct ow_point pt;
    const struct ow_model *m = use_set(hand[_i].set, param);
    for (size_t k = 0; k < 3 && hand[_i].change[k].name; k++)
        put(m, param, hand[_i].change[k].name, hand[_i].change[k].to);
    ck_assert_ok(ow_params_check(m, param, NULL, NULL), (struct ow_error){0});
    ow_eval_one(m, param, hand[_i].v, &hand[_i].x, &pt);
    ck_assert_close(pt.i, hand[_i].i, 1e-13, 0.0);
    /* v - v_t loses two digits; a stop's end is a rounding error away from x = 1 */
    ck_assert_close(pt.f[0], hand[_i].f, 1e-12, hand[_i].f == 0.0 ? 1e-2 : 0.0);
}
END_TEST

/* What single ranges cannot say. */
/* clang-format off */
static const struct {
    const char *set;
    struct { const char *name; double to; } change[2];
    const char *expect;
} refused[] = {
    {"threshold_r2", {{"r_off", 1e3}}, "r_on must be below r_off"},
    {"lindrift_r1", {{"r_off", 99.0}}, "r_on must be below r_off"},
    {"lindrift_r1", {{"p", 0.5}}, "p must be at least 1"},
    {"team_f10", {{"window", 2}, {"p", 0.5}}, "p must be at least 1"},
    {"team_f10", {{"window", 3}, {"p", 0.5}}, "p must be at least 1"},
    {"yakopcic_jo", {{"eta", 0.5}}, "eta must be 1 or -1"},
    {"selector_ts_fast", {{"v_hold", 0.8}}, "v_hold must be below v_th"},
    {"selector_ts_fast", {{"v_w", 0.05}}, "v_w must be at most"},
    {"selector_ts_fast", {{"r_off", 1e3}}, "r_on must be below r_off"},
};
/* clang-format on */

START_TEST(test_relations_are_enforced)
{
    double param[OW_MAX_PARAMS];
    struct ow_error err = {0};
    const struct ow_model *m = use_set(refused[_i].set, param);
    for (size_t k = 0; k < 2 && refused[_i].change[k].name; k++)
        put(m, param, refused[_i].change[k].name, refused[_i].change[k].to);
    ck_assert_int_eq(ow_params_check(m, param, NULL, &err), OW_ERR_RANGE);
    ck_assert_msg(strstr(err.text, refused[_i].expect), "%s", err.text);
}
END_TEST

/* p below 1 is prodromakis' own. */
START_TEST(test_small_p_is_fine_for_prodromakis)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("lindrift_r1", param);
    put(m, param, "window", 3);
    put(m, param, "p", 0.5);
    ck_assert_int_eq(ow_params_check(m, param, NULL, NULL), OW_OK);
}
END_TEST

/* ---- threshold --------------------------------------------------------------------------- */

/* Equation 18 of Biolek, Di Ventra, Pershin 2013: the steady lower resistance under a sine
 * that fills the travel upwards. */
static double law_r_low(double r_off, double beta, double v_t, double v, double f)
{
    const double s = v / v_t;
    return r_off - beta * v_t / (2.0 * M_PI * f) *
                       (2.0 * sqrt(s * s - 1.0) - M_PI + 2.0 * asin(1.0 / s));
}

/* Extremes of the resistance in the first two periods. */
static void check_threshold_loop(const struct ow_model *m, const double param[], double r_on,
                                 double r_off)
{
    const double f = 50e6, law = law_r_low(10e3, 1e13, 4.6, 5.0, f);
    const struct ode ode = {.m = m, .param = param, .v = ode_sine, .arg = {5.0, f}};
    double x[OW_MAX_STATES];
    ow_states_init(m, param, x);
    for (int period = 0; period < 2; period++) {
        double least = INFINITY, most = -INFINITY;
        ode_run(&ode, period / f, (period + 1) / f, 100.0, 1e-10, x, &least, &most);
        /* The first half wave drives the state onto its bound with force, and only the
         * error of the integrator is left: 1e-10 a step over some thousand steps and
         * corners.  The second brings back just what was taken, so that the state enters the
         * stop as the drive ends: it comes to rest in its second half. */
        const double rtol = 1e-6, atol = period ? 0.5 * OW_STOP_DEPTH * (r_off - r_on) : 0.0;
        ck_assert_close(r_on + (r_off - r_on) * least, law, rtol, atol);
        ck_assert_close(r_on + (r_off - r_on) * most, r_off, rtol, atol);
    }
}

START_TEST(test_threshold_loop_is_that_of_equation_18)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("threshold_r2", param);
    /* the value in 50 digits, so that the law above is itself checked */
    ck_assert_close(law_r_low(10e3, 1e13, 4.6, 5.0, 50e6), 3181.8708047256969, 1e-14, 0.0);
    check_threshold_loop(m, param, get(m, param, "r_on"), get(m, param, "r_off"));
}
END_TEST

/* Four corners of f: continuous, odd, slope alpha inside and beta outside. */
START_TEST(test_threshold_speed_has_two_slopes)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("threshold_r2", param);
    const double x = 0.4183, span = 9e3;
    put(m, param, "alpha", 3e12);
    struct ow_point below, above, inside, outside;
    ow_eval_one(m, param, 4.6 * (1.0 - 1e-12), &x, &below);
    ow_eval_one(m, param, 4.6 * (1.0 + 1e-12), &x, &above);
    ck_assert_close(below.f[0], above.f[0], 1e-11, 0.0);
    ow_eval_one(m, param, -1.7, &x, &inside);
    ow_eval_one(m, param, -7.1, &x, &outside);
    ck_assert_close(inside.df_dv[0], 3e12 / span, 1e-14, 0.0);
    ck_assert_close(outside.df_dv[0], 1e13 / span, 1e-14, 0.0);
    put(m, param, "v_t", 0.0);
    ow_eval_one(m, param, 1e-3, &x, &inside);
    ck_assert_close(inside.f[0], 1e10 / span, 1e-14, 0.0);
}
END_TEST

/* ---- windows ------------------------------------------------------------------------------
 */

/* VTEAM with alpha = 1 and a rectangular window is the threshold model, with
 * beta = (r_off - r_on) k/(length v_th). */
START_TEST(test_team_with_rect_asym_is_that_of_equation_18)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("vteam_memtorch", param);
    const double k = 1e13 * 4.6 * 3e-9 / 9e3;
    const struct {
        const char *name;
        double value;
    } set[] = {{"window", 5},  {"alpha_on", 1}, {"alpha_off", 1}, {"v_on", -4.6},
               {"v_off", 4.6}, {"r_on", 1e3},   {"r_off", 10e3},  {"k_on", -k},
               {"k_off", k},   {"x0", 4.0 / 9}};
    for (size_t n = 0; n < sizeof set / sizeof set[0]; n++)
        put(m, param, set[n].name, set[n].value);
    check_threshold_loop(m, param, 1e3, 10e3);
}
END_TEST

/* Every window of both models, driven from one end of the travel into the other and back,
 * from just outside as well: no state sticks, and none leaves. */
static const struct {
    const char *set;
    double window, v_up, v_down;
    double t; /* s: many times a travel without a window */
} travel[] = {
    {"vteam_memtorch", 0, 0.73, -1.2, 8e-6}, {"vteam_memtorch", 1, 0.73, -1.2, 8e-6},
    {"vteam_memtorch", 2, 0.73, -1.2, 8e-6}, {"vteam_memtorch", 3, 0.73, -1.2, 8e-6},
    {"vteam_memtorch", 4, 0.73, -1.2, 8e-6}, {"vteam_memtorch", 5, 0.73, -1.2, 8e-6},
    {"lindrift_hp_160", 0, 1.3, -1.7, 0.5},  {"lindrift_hp_160", 1, 1.3, -1.7, 0.5},
    {"lindrift_hp_160", 2, 1.3, -1.7, 0.5},  {"lindrift_hp_160", 3, 1.3, -1.7, 0.5},
    {"lindrift_hp_160", 4, 1.3, -1.7, 0.5},
};
static const double travel_p[] = {1.0, 7.0};

START_TEST(test_no_window_sticks_or_leaks)
{
    double param[OW_MAX_PARAMS];
    const size_t row = (size_t)_i / 2;
    const struct ow_model *m = use_set(travel[row].set, param);
    put(m, param, "window", travel[row].window);
    put(m, param, "p", travel_p[_i % 2]);
    if (m == ow_model_find("team"))
        put(m, param, "k_on", -1e-4); /* of the order of k_off */
    else
        put(m, param, "r_on", 4e3); /* of the order of r_off: dx/dt from 32 to 170 /s */
    struct ode ode = {.m = m, .param = param, .v = ode_constant};
    /* Kvatinsky's closes over w_c/length = 0.036, some of which it takes to be closed. */
    const double soft = travel[row].window == 1 && row < 6 ? 0.3 : 1.01 * OW_STOP_DEPTH;
    static const double from[] = {0.0, -0.5 * OW_STOP_DEPTH, -2.0 * OW_STOP_DEPTH};
    for (size_t k = 0; k < 3; k++) {
        double x = from[k];
        ode.arg[0] = travel[row].v_up;
        ode_run(&ode, 0.0, travel[row].t, 100.0, 1e-9, &x, NULL, NULL);
        ck_assert_msg(fabs(x - 1.0) < soft, "from %g up to %.9g", from[k], x);
        x = 1.0 - from[k];
        ode.arg[0] = travel[row].v_down;
        ode_run(&ode, 0.0, travel[row].t, 100.0, 1e-9, &x, NULL, NULL);
        ck_assert_msg(fabs(x) < soft, "from %g down to %.9g", 1.0 - from[k], x);
    }
}
END_TEST

/* ---- lindrift -----------------------------------------------------------------------------
 */

/* Rows of t, v, q, x, R, i of a reference curve at 1 V and 1 Hz, as far as `t_end`. */
static void check_sine_curve(const struct ow_model *m, const double param[], const char *name,
                             double t_end)
{
    char path[1024], line[512];
    snprintf(path, sizeof path, "%s/analytic/%s.csv", test_data_dir(), name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "cannot read %s", path);
    const struct ode ode = {.m = m, .param = param, .v = ode_sine, .arg = {1.0, 1.0}};
    double t = 0.0, x[OW_MAX_STATES];
    size_t n_row = 0;
    ow_states_init(m, param, x);
    while (fgets(line, sizeof line, file)) {
        double row[6];
        if (line[0] == '#')
            continue;
        ck_assert_int_eq(sscanf(line, "%lf,%lf,%lf,%lf,%lf,%lf", &row[0], &row[1], &row[2],
                                &row[3], &row[4], &row[5]),
                         6);
        if (row[0] > t_end)
            break;
        if (row[0] > t)
            ode_run(&ode, t, row[0], 1.0, 1e-13, x, NULL, NULL);
        t = row[0];
        struct ow_point pt;
        ow_eval_one(m, param, row[1], x, &pt);
        /* 1e-13 a step, over some thousand steps */
        ck_assert_close(x[0], row[3], 0.0, 1e-10);
        ck_assert_close(pt.i, row[5], 1e-7, 1e-16);
        n_row++;
    }
    fclose(file);
    ck_assert_uint_gt(n_row, 50);
}

START_TEST(test_lindrift_follows_the_flux)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("lindrift_hp_160", param);
    for (int window = 0; window <= 4; window += 4) { /* none, rect_asym */
        put(m, param, "window", window);
        check_sine_curve(m, param, "linear_ion_drift_sine", 1.0);
    }
}
END_TEST

/* Up to the turn: afterwards the published law has left the range of a double. */
START_TEST(test_lindrift_joglekar_in_closed_form)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("lindrift_r1", param);
    check_sine_curve(m, param, "joglekar_p1_sine", 0.5);
}
END_TEST

/* The same law there and back: at 3 Hz the state turns before the end.  With the charge q,
 * phi = r_off q + (r_on - r_off)/(4 k) ln((e^(4 k q) + a)/(1 + a)). */
START_TEST(test_lindrift_joglekar_there_and_back)
{
    const double k = 1e4, r_on = 100.0, r_off = 10e3, a = (5e3 - r_on) / (r_off - 5e3);
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES], most = 0.0, t = 0.0;
    const struct ow_model *m = use_set("lindrift_r1", param);
    const struct ode ode = {.m = m, .param = param, .v = ode_sine, .arg = {1.0, 3.0}};
    ow_states_init(m, param, x);
    for (int n = 1; n <= 20; n++) {
        ode_run(&ode, t, n / 60.0, 1.0, 1e-13, x, NULL, &most);
        t = n / 60.0;
        const double phi = (1.0 - cos(6.0 * M_PI * t)) / (6.0 * M_PI);
        double lo = 0.0, hi = phi / r_on; /* dphi/dq = R >= r_on */
        for (int half = 0; half < 200; half++) {
            const double q = 0.5 * (lo + hi);
            const double at = r_off * q + (r_on - r_off) / (4.0 * k) *
                                              log((exp(4.0 * k * q) + a) / (1.0 + a));
            *(at > phi ? &hi : &lo) = q;
        }
        const double r = r_off + (r_on - r_off) / (a * exp(-4.0 * k * lo) + 1.0);
        ck_assert_close(r_on * x[0] + r_off * (1.0 - x[0]), r, 1e-9, 0.0);
    }
    ck_assert_double_gt(most, 0.7);
}
END_TEST

/* ---- the TEAM circuit of Xyce's regression test -------------------------------------------
 */

/* 1 V, 1 kHz through 50 ohm, written down anew: y = R + 50 ohm goes from 100 to 1050 as x does
 * from 0 to 3 nm, and both windows are 1 to the last bit from 30 w_c = 0.01 of the travel off
 * its ends. On the way off (i > 115 uA) and on the way on (i < -8.9 uA), ohm/s: */
static double team_circuit(double t, double y)
{
    const double i = sin(2e3 * M_PI * t) / y, per_metre = 950.0 / 3e-9;
    if (i > 115e-6)
        return per_metre * 1.46e-18 * pow(i / 115e-6 - 1.0, 10.0);
    return i < -8.9e-6 ? -per_metre * 4.68e-22 * pow(-i / 8.9e-6 - 1.0, 10.0) : 0.0;
}

/* The other way round, s/ohm: on an edge t(y) is smooth where y(t) runs away. */
static double team_edge(double y, double t)
{
    return 1.0 / team_circuit(t, y);
}

/* Gragg, Bulirsch and Stoer: y' = f(t, y) from t0 to t1 in n_step steps, each by the modified
 * midpoint rule with 2 to 16 substeps, extrapolated in their squares. */
static double extrapolated(double (*f)(double t, double y), double t0, double t1, int n_step,
                           double y)
{
    enum { N_COLUMN = 8 };
    const double big = (t1 - t0) / n_step;
    for (int step = 0; step < n_step; step++) {
        double column[N_COLUMN];
        const double t = t0 + step * big;
        for (int k = 0; k < N_COLUMN; k++) {
            const int n = 2 * (k + 1);
            const double h = big / n;
            double last = y, now = y + h * f(t, y);
            for (int q = 1; q < n; q++) {
                const double next = last + 2.0 * h * f(t + q * h, now);
                last = now, now = next;
            }
            column[k] = 0.5 * (now + last + h * f(t + big, now));
            for (int q = k - 1; q >= 0; q--) {
                const double part = (double)(k + 1) / (q + 1);
                column[q] = column[q + 1] + (column[q + 1] - column[q]) / (part * part - 1.0);
            }
        }
        y = column[0];
    }
    return y;
}

START_TEST(test_team_xyce_by_extrapolation)
{
    static const double at[] = {0.125e-3, 0.25e-3, 0.375e-3, 0.5e-3, 0.53e-3, 0.534e-3}; /* s */
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES] = {0}, y = 100.0, t = 0.0;
    const struct ow_model *m = use_set("team_xyce", param);
    param[OW_RS] = 50.0;
    const struct ode ode = {.m = m, .param = param, .v = ode_sine, .arg = {1.0, 1e3}};
    for (size_t k = 0; k < sizeof at / sizeof at[0]; k++) {
        const double rough = extrapolated(team_circuit, t, at[k], 300, y);
        y = extrapolated(team_circuit, t, at[k], 1000, y);
        ck_assert_close(rough, y, 0.0, 950.0 * 3e-12);
        ode_run(&ode, t, at[k], 100.0, 1e-15, x, NULL, NULL);
        t = at[k];
        ck_assert_close(x[0], (y - 100.0) / 950.0, 0.0, 1e-11);
    }
    ck_assert_close(x[0], 0.43212408642376804, 0.0, 1e-11); /* well on the way back */
    /* The edge: what is well-conditioned is its time.  At s = 0.3 the state falls so fast that
     * 1e-11 of that time are 2e-9 of the travel. */
    const double y_edge = 100.0 + 950.0 * 0.3;
    const double t_edge = extrapolated(team_edge, y, y_edge, 1000, t);
    ode_run(&ode, t, t_edge, 100.0, 1e-15, x, NULL, NULL);
    const double off = (x[0] - 0.3) / (team_circuit(t_edge, y_edge) / 950.0);
    ck_assert_double_le(fabs(off), 1e-11 * t_edge);
}
END_TEST

/* ---- yakopcic -----------------------------------------------------------------------------
 */

/* Gauss and Legendre's five points on each of n panels. */
static double gauss(double (*f)(const double arg[], double s), const double arg[], double a,
                    double b, int n)
{
    static const double at[3] = {0.0, 0.53846931010568309, 0.90617984593866399};
    static const double weight[3] = {0.56888888888888889, 0.47862867049936647,
                                     0.23692688505618909};
    const double half = 0.5 * (b - a) / n;
    double sum = 0.0;
    for (int k = 0; k < n; k++) {
        const double mid = a + (2 * k + 1) * half;
        sum += weight[0] * f(arg, mid);
        for (int q = 1; q < 3; q++)
            sum += weight[q] * (f(arg, mid - half * at[q]) + f(arg, mid + half * at[q]));
    }
    return sum * half;
}

/* |g| at the phase s of a sine; arg: amplitude, threshold, speed */
static double speed_at(const double arg[], double s)
{
    return arg[2] * (exp(arg[0] * sin(s)) - exp(arg[1]));
}
/* 1/f in w = -ln(1 - h), which makes it smooth up to h = 1; arg: alpha, begin */
static double slowness_at(const double arg[], double w)
{
    return (1.0 - arg[1]) * exp(arg[0] * (1.0 - exp(-w) - arg[1]));
}

/* Where h goes from h0 with dh/f(h) = g dt from phase 0 to `phase` of a half wave. */
static double moved_by(double h0, const double g[3], double f, const double slow[2],
                       double phase)
{
    const double first = asin(g[1] / g[0]), last = fmin(phase, M_PI - first);
    double left = gauss(speed_at, g, first, last, 200) / (2.0 * M_PI * f);
    if (h0 + left <= slow[1])
        return h0 + left;
    const double begin = fmax(h0, slow[1]);
    left -= begin - h0;
    const double w0 = -log1p(-begin), rate = 1.0 - slow[1]; /* 1/f is that at least */
    double lo = w0, hi = w0 + left / rate;
    for (int k = 0; k < 60; k++) {
        const double w = 0.5 * (lo + hi);
        *(gauss(slowness_at, slow, w0, w, 100) > left ? &hi : &lo) = w;
    }
    return -expm1(-lo);
}

/* netlists/examples/yakopcic_agchalc.cir says so: state at the peak, after the positive and
 * after the negative half wave. */
static const double agchalc[3] = {0.8708727, 0.9697371, 0.0929252};

START_TEST(test_yakopcic_agchalc_by_quadrature)
{
    const double f = 100.0, g_up[3] = {0.45, 0.16, 4000.0}, g_down[3] = {0.45, 0.15, 4000.0};
    const double slow_up[2] = {1.0, 0.3}, slow_down[2] = {5.0, 0.5};
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES], begin = 0.11;
    const struct ow_model *m = use_set("yakopcic_agchalc", param);
    const struct ode ode = {.m = m, .param = param, .v = ode_sine, .arg = {0.45, f}};
    ow_states_init(m, param, x);
    for (int period = 0; period < 3; period++) {
        double expect[4], t = period / f;
        expect[0] = moved_by(begin, g_up, f, slow_up, M_PI / 2);
        expect[1] = moved_by(begin, g_up, f, slow_up, M_PI);
        expect[2] = 1.0 - moved_by(1.0 - expect[1], g_down, f, slow_down, M_PI / 2);
        expect[3] = 1.0 - moved_by(1.0 - expect[1], g_down, f, slow_down, M_PI);
        for (int quarter = 0; quarter < 4; quarter++) {
            const double end = (period + 0.25 * (quarter + 1)) / f;
            ode_run(&ode, t, end, 20.0, 1e-14, x, NULL, NULL);
            t = end;
            ck_assert_close(x[0], expect[quarter], 0.0, 1e-11);
        }
        if (period == 0) {
            ck_assert_close(expect[0], agchalc[0], 0.0, 1e-7);
            ck_assert_close(expect[1], agchalc[1], 0.0, 1e-7);
            ck_assert_close(expect[3], agchalc[2], 0.0, 1e-7);
        }
        begin = expect[3];
    }
}
END_TEST

/* eta = -1 turns the device round: -v moves up, with the parameters of the way up, but the
 * speed of its polarity. */
START_TEST(test_yakopcic_eta_turns_the_direction)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("yakopcic_agchalc", param);
    const double x = 0.2385;
    struct ow_point as, turned;
    put(m, param, "an", 3000.0);
    ow_eval_one(m, param, -0.7312, &x, &as);
    ck_assert(as.f[0] < 0.0);
    put(m, param, "eta", -1.0);
    ow_eval_one(m, param, -0.7312, &x, &turned);
    /* 0.2385 < xp: free */
    ck_assert_close(turned.f[0], 3000.0 * (exp(0.7312) - exp(0.15)), 1e-13, 0.0);
    put(m, param, "eta", 0.5);
    ck_assert_int_eq(ow_params_check(m, param, NULL, NULL), OW_ERR_RANGE);
}
END_TEST

/* ---- selectors ----------------------------------------------------------------------------
 */

/* i_0 sinh(v/v_0) + v/r_leak, and what the set promises. */
START_TEST(test_selector_exp_is_a_sinh)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("selector_exp_60mv", param);
    struct ow_point full, half, back;
    ck_assert_uint_eq(m->n_state, 0);
    ow_eval_one(m, param, 1.0, NULL, &full);
    ow_eval_one(m, param, 0.5, NULL, &half);
    ow_eval_one(m, param, -1.0, NULL, &back);
    ck_assert_close(full.i, 1e-12 * sinh(1.0 / 0.06) + 1e-12, 1e-14, 0.0);
    ck_assert_close(full.di_dv, 1e-12 / 0.06 * cosh(1.0 / 0.06) + 1e-12, 1e-14, 0.0);
    ck_assert(back.i == -full.i);
    ck_assert_close(full.i, 8.7e-6, 0.01, 0.0);
    ck_assert_close(full.i / half.i, 4160.0, 0.01, 0.0);
}
END_TEST

/* On above v_th, kept between, off below v_hold: three levels in turn, either polarity. */
START_TEST(test_selector_ts_switches_holds_and_falls_off)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("selector_ts_fast", param);
    for (double sign = -1.0; sign <= 1.0; sign += 2.0) {
        struct ode ode = {.m = m, .param = param, .v = ode_constant};
        double x = 0.0;
        ode.arg[0] = sign * 0.5; /* between: stays off for a microsecond */
        ode_run(&ode, 0.0, 1e-6, 10.0, 1e-12, &x, NULL, NULL);
        ck_assert_close(x, 0.0, 0.0, 1e-9);
        /* 20 widths above: x = 1 - exp(-t/tau_on) up to e^-20 */
        ode.arg[0] = sign;
        ode_run(&ode, 0.0, 1.3e-9, 10.0, 1e-12, &x, NULL, NULL);
        ck_assert_close(x, 1.0 - exp(-1.3), 0.0, 1e-8);
        ode_run(&ode, 0.0, 50e-9, 10.0, 1e-12, &x, NULL, NULL);
        ode.arg[0] = sign * 0.5; /* the same voltage: stays on */
        ode_run(&ode, 0.0, 1e-6, 10.0, 1e-12, &x, NULL, NULL);
        ck_assert_close(x, 1.0, 0.0, 1e-9);
        ode.arg[0] = 0.0; /* exp(-t/tau_off), 20 widths below v_hold */
        ode_run(&ode, 0.0, 13e-9, 10.0, 1e-12, &x, NULL, NULL);
        ck_assert_close(x, exp(-1.3), 0.0, 1e-8);
        /* in the middle of either threshold the rates are halved */
        struct ow_point at;
        x = 0.3;
        ow_eval_one(m, param, sign * 0.8, &x, &at);
        ck_assert_close(at.f[0], 0.5 * 0.7 / 1e-9, 1e-12, 0.0);
        ow_eval_one(m, param, sign * 0.2, &x, &at);
        ck_assert_close(at.f[0], -0.5 * 0.3 / 10e-9, 1e-12, 0.0);
        ck_assert_close(at.i, sign * 0.2 * pow(1e6, 0.3) / 1e9, 1e-12, 0.0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("models_drift");
    TCase *tc = tcase_create("equations");
    tcase_add_loop_test(tc, test_models_match_hand_values, 0, sizeof hand / sizeof hand[0]);
    tcase_add_loop_test(tc, test_relations_are_enforced, 0, sizeof refused / sizeof refused[0]);
    tcase_add_test(tc, test_small_p_is_fine_for_prodromakis);
    suite_add_tcase(suite, tc);

    tc = tcase_create("threshold");
    tcase_add_test(tc, test_threshold_loop_is_that_of_equation_18);
    tcase_add_test(tc, test_threshold_speed_has_two_slopes);
    suite_add_tcase(suite, tc);
    tc = tcase_create("windows");
    tcase_add_test(tc, test_team_with_rect_asym_is_that_of_equation_18);
    tcase_add_loop_test(tc, test_no_window_sticks_or_leaks, 0,
                        2 * sizeof travel / sizeof travel[0]);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);

    tc = tcase_create("lindrift");
    tcase_add_test(tc, test_lindrift_follows_the_flux);
    tcase_add_test(tc, test_lindrift_joglekar_in_closed_form);
    tcase_add_test(tc, test_lindrift_joglekar_there_and_back);
    suite_add_tcase(suite, tc);
    tc = tcase_create("team circuit");
    tcase_add_test(tc, test_team_xyce_by_extrapolation);
    suite_add_tcase(suite, tc);

    tc = tcase_create("yakopcic");
    tcase_add_test(tc, test_yakopcic_agchalc_by_quadrature);
    tcase_add_test(tc, test_yakopcic_eta_turns_the_direction);
    suite_add_tcase(suite, tc);
    tc = tcase_create("selectors");
    tcase_add_test(tc, test_selector_exp_is_a_sinh);
    tcase_add_test(tc, test_selector_ts_switches_holds_and_falls_off);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
