/* Numbers as circuit people write them, and the parameter sets. */
#include "ow_check.h"

#include "ow_number.h"
#include "ow_sets.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

/* ---- numbers -------------------------------------------------------------------------- */

/* clang-format off */
static const struct { const char *text; enum ow_number result; double value; } number[] = {
    {"10k", OW_NUMBER_OK, 10e3},        {"0.1f", OW_NUMBER_OK, 0.1e-15},    {"2.5n", OW_NUMBER_OK, 2.5e-9},
    {"3meg", OW_NUMBER_OK, 3e6},        {"3MEG", OW_NUMBER_OK, 3e6},        {"3Megohm", OW_NUMBER_OK, 3e6},
    {"4.7", OW_NUMBER_OK, 4.7},         {"-4.7e-3", OW_NUMBER_OK, -4.7e-3}, {"+.5", OW_NUMBER_OK, 0.5},
    {"5.", OW_NUMBER_OK, 5.0},          {"1e3k", OW_NUMBER_OK, 1e6},        {"1E3", OW_NUMBER_OK, 1e3},
    {"7t", OW_NUMBER_OK, 7e12},         {"7G", OW_NUMBER_OK, 7e9},          {"7K", OW_NUMBER_OK, 7e3},
    {"7m", OW_NUMBER_OK, 7e-3},         {"7U", OW_NUMBER_OK, 7e-6},         {"7N", OW_NUMBER_OK, 7e-9},
    {"7P", OW_NUMBER_OK, 7e-12},        {"7f", OW_NUMBER_OK, 7e-15},        {"7aF", OW_NUMBER_OK, 7e-18},
    {"7mil", OW_NUMBER_OK, 7 * 25.4e-6},{"7MIL", OW_NUMBER_OK, 7 * 25.4e-6},{"7\xc2\xb5s", OW_NUMBER_OK, 7e-6},
    {"1s", OW_NUMBER_OK, 1.0},          {"1S", OW_NUMBER_OK, 1.0},          {"1V", OW_NUMBER_OK, 1.0},
    {"50ohm", OW_NUMBER_OK, 50.0},      {"50Ohm", OW_NUMBER_OK, 50.0},      {"5k\xce\xa9", OW_NUMBER_OK, 5e3},
    {"1Hz", OW_NUMBER_OK, 1.0},         {"1kHz", OW_NUMBER_OK, 1e3},        {"1mHz", OW_NUMBER_OK, 1e-3},
    {"2ns", OW_NUMBER_OK, 2e-9},        {"2mA", OW_NUMBER_OK, 2e-3},        {"2pF", OW_NUMBER_OK, 2e-12},
    {"2fF", OW_NUMBER_OK, 2e-15},       {"2nm", OW_NUMBER_OK, 2e-9},        {"1eV", OW_NUMBER_OK, 1.0},
    {"1meV", OW_NUMBER_OK, 1e-3},       {"1e-2eV", OW_NUMBER_OK, 1e-2},     {"1e-400", OW_NUMBER_OK, 0.0},
    {"0", OW_NUMBER_OK, 0.0},           {"1e-310", OW_NUMBER_OK, 1e-310},   {"1e305k", OW_NUMBER_OK, 1e308},
    {"1e310p", OW_NUMBER_OK, 1e298},    {"0e99999999999999999999", OW_NUMBER_OK, 0.0},
    {"inf", OW_NUMBER_INFINITE, INFINITY}, {"+Inf", OW_NUMBER_INFINITE, INFINITY},
    {"-inf", OW_NUMBER_INFINITE, -INFINITY},
    {"1M", OW_NUMBER_AMBIGUOUS, 0},     {"1MHz", OW_NUMBER_AMBIGUOUS, 0},   {"1Mohm", OW_NUMBER_AMBIGUOUS, 0},
    {"1F", OW_NUMBER_AMBIGUOUS, 0},     {"1A", OW_NUMBER_AMBIGUOUS, 0},     {"1a", OW_NUMBER_AMBIGUOUS, 0},
    {"", OW_NUMBER_EMPTY, 0},           {"-", OW_NUMBER_SYNTAX, 0},         {".", OW_NUMBER_SYNTAX, 0},
    {"nan", OW_NUMBER_SYNTAX, 0},       {"k", OW_NUMBER_SYNTAX, 0},         {" 1", OW_NUMBER_SYNTAX, 0},
    {"--1", OW_NUMBER_SYNTAX, 0},       {"e5", OW_NUMBER_SYNTAX, 0},        {"infinity", OW_NUMBER_SYNTAX, 0},
    {"1 ", OW_NUMBER_SUFFIX, 0},        {"1x", OW_NUMBER_SUFFIX, 0},        {"0x10", OW_NUMBER_SUFFIX, 0},
    {"1e", OW_NUMBER_SUFFIX, 0},        {"1,5", OW_NUMBER_SUFFIX, 0},       {"1.2.3", OW_NUMBER_SUFFIX, 0},
    {"1kk5", OW_NUMBER_SUFFIX, 0},      {"1nsx", OW_NUMBER_SUFFIX, 0},      {"1mils", OW_NUMBER_SUFFIX, 0},
    {"1e400", OW_NUMBER_OVERFLOW, 0},   {"-1e308k", OW_NUMBER_OVERFLOW, 0},
    {"1e99999999999999999999", OW_NUMBER_OVERFLOW, 0},
};
/* clang-format on */

static void check_number(const char *text, enum ow_number result, double expected)
{
    double value = -77.0;
    ck_assert_msg(ow_number_parse(text, &value) == result, "'%s': %s", text,
                  ow_number_str(ow_number_parse(text, &value)));
    /* A power of ten is read with the digits: the nearest double, not one rounded twice.
     * 25.4 of a mil is a factor, and so is the table's. */
    if (result == OW_NUMBER_OK || result == OW_NUMBER_INFINITE)
        ck_assert_msg(value == expected || fabs(value / expected - 1.0) < 3e-16, "'%s' = %.17g",
                      text, value);
    else
        ck_assert_msg(value == -77.0, "'%s' was refused but written", text);
    ck_assert(ow_number_str(result)[0] != '\0');
}

START_TEST(test_numbers)
{
    check_number(number[_i].text, number[_i].result, number[_i].value);
}
END_TEST

START_TEST(test_numbers_are_the_nearest_double)
{
    static const double exact[] = {0.1e-15, 0.7e-12, 0.3e6, 2.5e-9, 4.7e3};
    static const char *const text[] = {"0.1f", "0.7p", "0.3meg", "2.5n", "4.7k"};
    for (size_t k = 0; k < sizeof exact / sizeof exact[0]; k++) {
        double value;
        ck_assert_int_eq(ow_number_parse(text[k], &value), OW_NUMBER_OK);
        ck_assert(value == exact[k]);
    }
}
END_TEST

START_TEST(test_numbers_may_have_many_digits)
{
    char text[1000] = "0.";
    double value = 0.0;
    memset(text + 2, '3', 300);
    strcpy(text + 302, "k");
    ck_assert_int_eq(ow_number_parse(text, &value), OW_NUMBER_OK);
    ck_assert_close(value, 1000.0 / 3.0, 1e-15, 0.0);
    memset(text + 2, '3', 900);
    text[902] = '\0';
    ck_assert_int_eq(ow_number_parse(text, &value), OW_NUMBER_SYNTAX);
}
END_TEST

START_TEST(test_numbers_ignore_the_locale)
{
    /* Without such a locale on this machine the comparison is the same as before. */
    if (!setlocale(LC_ALL, "de_DE.UTF-8"))
        setlocale(LC_ALL, "");
    check_number("2.5n", OW_NUMBER_OK, 2.5e-9);
    setlocale(LC_ALL, "C");
}
END_TEST

/* ---- sets ------------------------------------------------------------------------------- */

static const struct ow_model *apply(const char *name, double param[])
{
    struct ow_error err = {0};
    const struct ow_set *set = ow_set_find(name);
    const struct ow_model *m = NULL;
    ck_assert_msg(set != NULL, "no set %s", name);
    ck_assert_ok(ow_set_model(set->text, set->name, &m, &err), err);
    ow_params_default(m, param);
    ck_assert_ok(ow_set_apply(set->text, set->name, m, param, &err), err);
    return m;
}

static double get(const struct ow_model *m, const double param[], const char *name)
{
    const size_t k = ow_param_index(m, name);
    ck_assert_msg(k < m->n_param, "%s has no %s", m->name, name);
    return param[k];
}

START_TEST(test_every_set_loads_and_passes)
{
    const struct ow_set *set = &ow_sets[_i];
    double param[OW_MAX_PARAMS];
    struct ow_error err = {0};
    const struct ow_model *m = apply(set->name, param);
    ck_assert_ok(ow_params_check(m, param, NULL, &err), err);
    ck_assert(ow_set_find(set->name) == set);
    ck_assert_msg(_i == 0 || strcmp(ow_sets[_i - 1].name, set->name) < 0, "not sorted");
    /* A comment with the source comes first, and the card bears the set's name. */
    ck_assert(set->text[0] == '*' && set->text[1] == ' ');
    char card[128];
    snprintf(card, sizeof card, "\n.model %s ow_%s (", set->name, m->name);
    ck_assert_msg(strstr(set->text, card) != NULL, "no '%s' in %s", card + 1, set->name);
    for (const char *c = set->name; *c; c++)
        ck_assert((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_');
    /* The other models refuse it. */
    for (size_t k = 0; k < ow_n_models; k++)
        if (ow_models[k] != m)
            ck_assert_int_eq(ow_set_apply(set->text, "f", ow_models[k], param, &err),
                             OW_ERR_INPUT);
}
END_TEST

/* Numbers of the sources, as printed there, so that a slip in a file is seen. */
/* clang-format off */
static const struct { const char *set, *name; double value; } published[] = {
    {"team_f10", "k_off", 1.46e-18}, {"team_f10", "k_on", -4.68e-22}, {"team_f10", "alpha_on", 10},
    {"team_f10", "i_off", 115e-6}, {"team_f10", "i_on", -8.9e-6}, {"team_f10", "r_on", 50},
    {"team_f10", "r_off", 1e3}, {"team_f10", "a_off", 1.2e-9}, {"team_f10", "a_on", 1.8e-9},
    {"team_f10", "w_c", 107e-12}, {"team_f10", "window", 1},
    {"team_f14", "k_off", 4.13e-42}, {"team_f14", "k_on", -4.13e-42}, {"team_f14", "alpha_off", 25},
    {"team_f14", "r_on", 1e3}, {"team_f14", "r_off", 100e3},
    {"team_ccit801", "k_on", -8e-13}, {"team_ccit801", "alpha_on", 3}, {"team_ccit801", "r_off", 200e3},
    {"team_ccit801", "a_on", 2e-9}, {"team_ccit801", "x_off", 3e-9},
    {"team_xyce", "w_c", 1e-12}, {"team_xyce", "a_on", 0}, {"team_xyce", "a_off", 3e-9}, {"team_xyce", "ctrl", 0},
    {"vteam_memtorch", "k_on", -10}, {"vteam_memtorch", "k_off", 5e-4}, {"vteam_memtorch", "v_on", -0.2},
    {"vteam_memtorch", "v_off", 0.02}, {"vteam_memtorch", "alpha_off", 1}, {"vteam_memtorch", "ctrl", 1},
    {"driftdiff_tw_single", "mu", 16}, {"driftdiff_tw_single", "beta", 0.35}, {"driftdiff_tw_single", "rate_max", 1},
    {"driftdiff_tw_single", "r_on", 1.7e4}, {"driftdiff_tw_single", "r_off", 1e10}, {"driftdiff_tw_multi", "beta", 0.2},
    {"driftdiff_yang_dc_symmetric", "lambda", 0.8}, {"driftdiff_yang_dc_symmetric", "r_off", 1e11},
    {"driftdiff_yang_dc_asymmetric", "symmetric", 0}, {"driftdiff_yang_dc_asymmetric", "gamma1", 40},
    {"driftdiff_yang_pulse", "gamma1", 800}, {"driftdiff_yang_pulse", "beta", 80},
    {"driftdiff_yang_lif", "gamma1", 5000}, {"driftdiff_yang_lif", "r0", 0.9},
    {"driftdiff_yang_oscillator", "mu", 300}, {"driftdiff_yang_oscillator", "lambda", 1},
    {"lindrift_hp_160", "r_off", 16e3}, {"lindrift_hp_160", "mu", 1e-14}, {"lindrift_hp_380", "r_off", 38e3},
    {"lindrift_r1", "r_off", 10e3}, {"lindrift_r1", "window", 1}, {"lindrift_r1", "p", 1},
    {"yakopcic_agchalc", "a1", 0.17}, {"yakopcic_agchalc", "ap", 4000}, {"yakopcic_oblea_pulsed", "a2", 0.097},
    {"yakopcic_oblea_pulsed", "x0", 0.001}, {"yakopcic_miao", "vn", 0.75}, {"yakopcic_miao", "ap", 7.5}, {"yakopcic_miao", "b", 0.5},
    {"yakopcic_jo", "a1", 3.7e-7}, {"yakopcic_jo", "a2", 4.35e-7}, {"yakopcic_jo", "an", 0.08}, {"yakopcic_jo", "alphap", 1.2},
    {"yakopcic_knowm", "vp", 0.65}, {"yakopcic_knowm", "vn", 0.56}, {"yakopcic_nbsto", "gmax_n", 1.7e-4}, {"yakopcic_nbsto", "form", 1},
    {"ekv_180nm", "kp", 300e-6}, {"selector_exp_60mv", "v_0", 0.06}, {"selector_ts_fast", "v_hold", 0.2},
    {"selector_exp_miec", "v_0", 36.915031e-3}, {"selector_ts_ag", "r_on", 806}, {"stanford_v1", "beta_reset", 0.8},
    {"stochastic_dowling", "tau_set", 3e5}, {"stochastic_dowling", "v_reset", 0.05},
    {"threshold_r2", "beta", 1e13}, {"threshold_r2", "v_t", 4.6}, {"threshold_r2", "x0", 4.0 / 9.0},
    {"stochastic_gaba", "tau_set", 2.85e5}, {"stochastic_gaba", "v_set", 0.156},
};
/* clang-format on */

START_TEST(test_sets_hold_the_published_numbers)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = apply(published[_i].set, param);
    ck_assert_close(get(m, param, published[_i].name), published[_i].value, 1e-15, 0.0);
}
END_TEST

/* Rate of the first continuous state that moves. */
static double rate_at(const struct ow_model *m, const double param[], double v,
                      const double x[])
{
    struct ow_point pt;
    double f = 0.0;
    ow_eval_one(m, param, v, x, &pt);
    for (size_t s = 0; s < m->n_state; s++)
        f = fabs(pt.f[s]) > fabs(f) ? pt.f[s] : f;
    return f;
}

/* Reads at 0.2 V (0.4 V in the worst case of two drivers) must not move the corners of
 * the digits example, and its conductances must be within reach. */
START_TEST(test_read_sets_stand_still_below_their_thresholds)
{
    static const struct {
        const char *set;
        double g_min, g_max, v_still;
    } corner[] = {{"ow_benign", 1e-6, 100e-6, 0.99}, {"ow_hard", 100e-6, 1e-3, 0.49}};
    const double x[1] = {0.4183};
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = apply(corner[_i].set, param);
    ck_assert(get(m, param, "ctrl") == 1.0);
    ck_assert_close(1.0 / get(m, param, "r_on"), corner[_i].g_max, 1e-15, 0.0);
    ck_assert_close(1.0 / get(m, param, "r_off"), corner[_i].g_min, 1e-15, 0.0);
    ck_assert(rate_at(m, param, corner[_i].v_still, x) == 0.0);
    ck_assert(rate_at(m, param, -corner[_i].v_still, x) == 0.0);
    /* Twice the threshold: the travel in 1 us, as the file says. */
    ck_assert_close(rate_at(m, param, 2.0 * get(m, param, "v_off"), x), 1e6, 1e-12, 0.0);
    ck_assert_close(rate_at(m, param, 2.0 * get(m, param, "v_on"), x), -1e6, 1e-12, 0.0);
}
END_TEST

/* What the files of the write sets promise in their comments. */
START_TEST(test_write_sets_move_as_they_say)
{
    double param[OW_MAX_PARAMS];
    const double half[OW_MAX_STATES] = {0.5}, off[OW_MAX_STATES] = {0.0, 1.0},
                 on[OW_MAX_STATES] = {1.0, 1.0};
    const struct ow_model *m = apply("team_write", param);
    ck_assert_close(rate_at(m, param, 1.0, half) * 10e-9, 0.2, 0.01, 0.0);
    ck_assert_close(rate_at(m, param, 1.6, half) * 10e-9, 0.8, 0.01, 0.0);
    ck_assert(rate_at(m, param, 0.4, half) == 0.0 && rate_at(m, param, -0.4, half) == 0.0);
    m = apply("stochastic_write", param);
    ck_assert_close(rate_at(m, param, 1.2, off) * -50e-9, 1.0, 0.03, 0.0);
    ck_assert_close(rate_at(m, param, 1.0, off) * -360e-9, 1.0, 0.03, 0.0);
    ck_assert(rate_at(m, param, 1.2, off) == rate_at(m, param, -1.2, on));
}
END_TEST

/* Small steps of Euler's method: 1e-3 is all that the words in the file need. */
static void run_driftdiff(const struct ow_model *m, const double param[], double v,
                          double t_end, double x[])
{
    const double h = 1e-11;
    for (double t = 0.0; t < t_end; t += h) {
        struct ow_point pt;
        ow_eval_one(m, param, v, x, &pt);
        x[0] += h * pt.f[0];
        x[1] += h * pt.f[1];
    }
}

START_TEST(test_driftdiff_write_moves_as_it_says)
{
    static const struct {
        double v, t_before, t_after;
    } fill[] = {{1.0, 1.2e-6, 1.27e-6}, {0.5, 3.23e-6, 3.33e-6}};
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = apply("driftdiff_write", param);
    for (size_t k = 0; k < sizeof fill / sizeof fill[0]; k++) {
        double x[OW_MAX_STATES] = {0.0};
        run_driftdiff(m, param, fill[k].v, fill[k].t_before, x);
        ck_assert_msg(x[0] + x[1] < 1.0, "%g V: full too early", fill[k].v);
        run_driftdiff(m, param, fill[k].v, fill[k].t_after - fill[k].t_before, x);
        ck_assert_msg(x[0] + x[1] >= 1.0, "%g V: %g full", fill[k].v, x[0] + x[1]);
    }
    /* Time constants without a voltage: 1/(gamma1 + beta) and 1/gamma2. */
    ck_assert_close(get(m, param, "gamma1") + get(m, param, "beta"), 1.0 / 1.43e-6, 0.01, 0.0);
    ck_assert_close(get(m, param, "gamma2"), 1.0 / 3.33e-6, 0.01, 0.0);
}
END_TEST

/* ---- the reader ---------------------------------------------------------------------------
 */

START_TEST(test_reader_takes_spice_as_it_comes)
{
    static const char text[] = "; a comment\r\n\n  * another\n"
                               ".MODEL Mine OW_Team R_ON = 2K, CTRL=\"Voltage\" $ trailing\n"
                               "\n* between\n"
                               "  + R_OFF=3MEG ; trailing\n"
                               "+ ( iv=1 ) i_on=-1u\n"
                               "* the end";
    const struct ow_model *team = ow_model_find("team"), *found = NULL;
    double param[OW_MAX_PARAMS], before[OW_MAX_PARAMS];
    struct ow_error err = {0};
    ow_params_default(team, param);
    memcpy(before, param, sizeof before);
    ck_assert_ok(ow_set_apply(text, "f.inc", team, param, &err), err);
    ck_assert_ok(ow_set_model(text, "f.inc", &found, &err), err);
    ck_assert(found == team);
    ck_assert(get(team, param, "r_on") == 2e3 && get(team, param, "r_off") == 3e6);
    ck_assert(get(team, param, "ctrl") == 1.0 && get(team, param, "iv") == 1.0);
    ck_assert(get(team, param, "i_on") == -1e-6);
    /* What is not named stays. */
    ck_assert(get(team, param, "i_off") == get(team, before, "i_off"));
    ck_assert(err.status == OW_OK && err.text[0] == '\0');
}
END_TEST

/* clang-format off */
static const struct { const char *text; enum ow_status status; const char *expect; } refused[] = {
    {"", OW_ERR_INPUT, "f.inc:1: no .model card"},
    {"* only\n* comments\n", OW_ERR_INPUT, "f.inc:3: no .model card"},
    {"r1 a b 1k\n", OW_ERR_INPUT, "f.inc:1: expected comments and one .model card, not 'r1'"},
    {".model m", OW_ERR_INPUT, "f.inc:1: expected .model NAME ow_MODEL"},
    {"*\n.model m d (is=1)", OW_ERR_INPUT, "f.inc:2: the card is for 'd', expected ow_team"},
    {".model m ow_driftdiff", OW_ERR_INPUT, "f.inc:1: the card is for 'ow_driftdiff', expected ow_team"},
    {".model m team", OW_ERR_INPUT, "f.inc:1: the card is for 'team', expected ow_team"},
    {".model m ow_team (r_onn=1)", OW_ERR_INPUT, "f.inc:1: ow_team has no parameter 'r_onn'"},
    {".model m ow_team (r_on=1k\n*\n+ r_on=2k)", OW_ERR_INPUT, "f.inc:3: a second value for 'r_on'"},
    {".model m ow_team (\n+ r_on=1M)", OW_ERR_INPUT, "f.inc:2: r_on = '1M': ambiguous"},
    {".model m ow_team (r_on=1q)", OW_ERR_INPUT, "f.inc:1: r_on = '1q': a number with an unknown suffix"},
    {".model m ow_team (r_on={r})", OW_ERR_INPUT, "f.inc:1: r_on = '{r}': not a number"},
    {".model m ow_team (r_on=inf)", OW_ERR_RANGE, "f.inc:1: r_on = inf: expected a number from"},
    {".model m ow_team (\n\n+ i_on=8.9u)", OW_ERR_RANGE, "f.inc:3: i_on = 8.9e-06: expected a number from"},
    {".model m ow_team (ctrl=charge)", OW_ERR_INPUT, "f.inc:1: ctrl = 'charge': expected one of current, voltage"},
    {".model m ow_team (ctrl=2)", OW_ERR_RANGE, "f.inc:1: ctrl = 2: expected a whole number"},
    {".model m ow_team (seed=0.5)", OW_ERR_RANGE, "f.inc:1: seed = 0.5: expected a whole number"},
    {".model m ow_team (r_on)", OW_ERR_INPUT, "f.inc:1: expected key=value at 'r_on'"},
    {".model m ow_team (r_on=)", OW_ERR_INPUT, "f.inc:1: no value for 'r_on'"},
    {".model m ow_team (r_on==2)", OW_ERR_INPUT, "f.inc:1: no value for 'r_on'"},
    {".model m ow_team (=2)", OW_ERR_INPUT, "f.inc:1: expected key=value at '='"},
    {".model m ow_team (r_on=1k)\n\n.model n ow_team ()", OW_ERR_INPUT, "f.inc:3: expected nothing behind"},
    {".model m ow_team (r_on=1k)\nr1 a b 1k", OW_ERR_INPUT, "f.inc:2: expected nothing behind"},
};
/* clang-format on */

START_TEST(test_reader_says_where_and_what)
{
    const struct ow_model *team = ow_model_find("team");
    double param[OW_MAX_PARAMS], before[OW_MAX_PARAMS];
    struct ow_error err = {0};
    ow_params_default(team, param);
    memcpy(before, param, sizeof before);
    ck_assert_int_eq(ow_set_apply(refused[_i].text, "f.inc", team, param, &err),
                     refused[_i].status);
    ck_assert_msg(strncmp(err.text, refused[_i].expect, strlen(refused[_i].expect)) == 0,
                  "got: %s\nexpected: %s", err.text, refused[_i].expect);
    ck_assert_int_eq(err.status, refused[_i].status);
    ck_assert(memcmp(param, before, team->n_param * sizeof *param) == 0);
    ck_assert_int_eq(ow_set_apply(refused[_i].text, "f.inc", team, param, NULL),
                     refused[_i].status);
}
END_TEST

START_TEST(test_reader_survives_long_words)
{
    const struct ow_model *team = ow_model_find("team");
    double param[OW_MAX_PARAMS];
    struct ow_error err = {0};
    char text[3000] = ".model m ow_team (r_on=";
    const size_t n = strlen(text);
    memset(text + n, '1', sizeof text - 1 - n);
    text[sizeof text - 1] = '\0';
    ow_params_default(team, param);
    ck_assert_int_eq(ow_set_apply(text, "f.inc", team, param, &err), OW_ERR_INPUT);
    ck_assert(strstr(err.text, "f.inc:1: a word is too long") != NULL);
}
END_TEST

/* A relation between parameters is the caller's to check: r_on above the default r_off
 * is no error of this card alone. */
START_TEST(test_reader_leaves_relations_to_the_caller)
{
    const struct ow_model *team = ow_model_find("team");
    double param[OW_MAX_PARAMS];
    struct ow_error err = {0};
    ow_params_default(team, param);
    ck_assert_ok(ow_set_apply(".model m ow_team (r_on=2k)", "f", team, param, &err), err);
    ck_assert_int_eq(ow_params_check(team, param, NULL, NULL), OW_ERR_RANGE);
}
END_TEST

START_TEST(test_unknown_models_and_sets)
{
    const struct ow_model *m = NULL;
    struct ow_error err = {0};
    ck_assert(ow_set_find("no_such_set") == NULL);
    ck_assert(ow_set_find("TEAM_F10") == ow_set_find("team_f10"));
    ck_assert_int_eq(ow_set_model(".model m ow_hp", "f", &m, &err), OW_ERR_INPUT);
    ck_assert(strstr(err.text, "ow_hp") != NULL);
    ck_assert_int_eq(ow_set_model("", "f", &m, &err), OW_ERR_INPUT);
    ck_assert(m == NULL);
}
END_TEST

#define LENGTH(a) ((int)(sizeof(a) / sizeof(a)[0]))

int main(void)
{
    Suite *suite = suite_create("sets");
    TCase *tc = tcase_create("numbers");
    tcase_add_loop_test(tc, test_numbers, 0, LENGTH(number));
    tcase_add_test(tc, test_numbers_are_the_nearest_double);
    tcase_add_test(tc, test_numbers_may_have_many_digits);
    tcase_add_test(tc, test_numbers_ignore_the_locale);
    suite_add_tcase(suite, tc);

    tc = tcase_create("sets");
    tcase_add_loop_test(tc, test_every_set_loads_and_passes, 0, (int)ow_n_sets);
    tcase_add_loop_test(tc, test_sets_hold_the_published_numbers, 0, LENGTH(published));
    tcase_add_loop_test(tc, test_read_sets_stand_still_below_their_thresholds, 0, 2);
    tcase_add_test(tc, test_write_sets_move_as_they_say);
    tcase_add_test(tc, test_driftdiff_write_moves_as_it_says);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);

    tc = tcase_create("reader");
    tcase_add_test(tc, test_reader_takes_spice_as_it_comes);
    tcase_add_loop_test(tc, test_reader_says_where_and_what, 0, LENGTH(refused));
    tcase_add_test(tc, test_reader_survives_long_words);
    tcase_add_test(tc, test_reader_leaves_relations_to_the_caller);
    tcase_add_test(tc, test_unknown_models_and_sets);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
