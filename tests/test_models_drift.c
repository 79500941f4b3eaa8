/* Drift models (threshold, ...): their equations by hand, and closed forms.  Derivatives,
 * finiteness and passivity of every model are tests/test_models.c's. */
#include "ow_ode.h"
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

int main(void)
{
    Suite *suite = suite_create("models_drift");
    TCase *tc = tcase_create("equations");
    tcase_add_loop_test(tc, test_models_match_hand_values, 0, sizeof hand / sizeof hand[0]);
    suite_add_tcase(suite, tc);

    tc = tcase_create("threshold");
    tcase_add_test(tc, test_threshold_loop_is_that_of_equation_18);
    tcase_add_test(tc, test_threshold_speed_has_two_slopes);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
