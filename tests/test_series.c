/* Cells of two elements in series (ow_series.h): Kirchhoff's laws by bisection, derivatives by
 * differences, many cells against single ones, for memristors of every kind with a transistor
 * and with selectors. */
#include <float.h>
#include <stdbool.h>
#include <string.h>

#include "ow_check.h"
#include "ow_event.h"
#include "ow_random.h"
#include "ow_reference_ode.h"
#include "ow_series.h"
#include "ow_sets.h"

static const char *const memristor[] = {
    "ow_benign",        "team_f10",     "driftdiff_write", "driftdiff_noise_tw_single",
    "stochastic_write", "sky130",       "stanford_v1",     "stanford_noise_v1",
    "jart_v1b",         "jart_var_v1b", "threshold_r2",    "lindrift_r1",
    "ddk_shi",          "yakopcic_jo",  "yakopcic_nbsto"};

/* A gate well above, near and far below the threshold; a selector that conducts nothing. */
static const struct {
    const char *set, *change;
    double to;
} access_device[] = {
    {"ekv_180nm", NULL, 0},         {"ekv_180nm", "v_gate", 0.6},
    {"ekv_180nm", "v_gate", -0.3},  {"ekv_180nm", "rs", 1.7e3},
    {"selector_exp_60mv", NULL, 0}, {"selector_exp_miec", "rs", 300},
    {"selector_ts_fast", NULL, 0},  {"selector_ts_ag", NULL, 0},
};
enum {
    N_MEMRISTOR = sizeof memristor / sizeof memristor[0],
    N_ACCESS = sizeof access_device / sizeof access_device[0],
    N_PAIR = N_MEMRISTOR * N_ACCESS
};

struct pair {
    struct ow_series *s;
    double param[OW_MAX_PARAMS];
};

/* NULL in s: they have more than four states together. */
static struct pair pair_of(int k)
{
    double param[OW_MAX_PARAMS];
    struct pair p = {0};
    struct ow_error err = {0};
    const struct ow_model *m = use_set(memristor[k / N_ACCESS], p.param);
    const struct ow_model *a = use_set(access_device[k % N_ACCESS].set, param);
    if (access_device[k % N_ACCESS].change)
        put(a, param, access_device[k % N_ACCESS].change, access_device[k % N_ACCESS].to);
    const enum ow_status st = ow_series_create(m, a, "access", &p.s, &err);
    if (m->n_state + a->n_state > OW_MAX_STATES) {
        ck_assert_int_eq(st, OW_ERR_INPUT);
        ck_assert_ptr_nonnull(strstr(err.text, "states a cell, expected at most 4"));
        return p;
    }
    ck_assert_ok(st, err);
    memcpy(p.param + m->n_param, param, a->n_param * sizeof *param);
    ck_assert_ok(ow_params_check(&p.s->model, p.param, NULL, &err), err);
    return p;
}

/* Uneven; within the travel and a little outside it. */
static const struct {
    double v, x[4];
} bias[] = {
    {0.2013, {0.2385, 0.3317, 1.03, 0.41}},   {-0.2013, {0.6143, 0.1221, 1.37, 0.73}},
    {1.1937, {0.6143, 0.3729, 1.41, 0.12}},   {-1.7129, {0.2385, 0.0717, 1.02, 0.87}},
    {0.0007, {0.9172, 0.0303, 1.37, 0.55}},   {2.3111, {1.0437, 0.0037, 1.11, 0.21}},
    {-0.9317, {-0.0418, 0.9713, 1.41, 1.02}}, {0.7312, {0.4318, 0.2718, 1.03, 0.31}},
};
enum { N_BIAS = sizeof bias / sizeof bias[0] };

/* Currents and slopes of both elements with u across the memristor. */
struct both {
    struct ow_point m, a;
    double excess; /* of the memristor's current */
};
static struct both at_inner(const struct pair *p, double v, const double x[], double u)
{
    struct both b;
    ow_eval_one(p->s->part[0], p->param, u, x, &b.m);
    ow_eval_one(p->s->part[1], p->param + p->s->part[0]->n_param, v - u,
                x + p->s->part[0]->n_state, &b.a);
    b.excess = b.m.i - b.a.i;
    return b;
}

/* The root by halving alone, as far as doubles go. */
static double halve(const struct pair *p, double v, const double x[])
{
    double lo = fmin(v, 0.0), hi = fmax(v, 0.0);
    for (int k = 0; k < 1100; k++) {
        const double middle = 0.5 * lo + 0.5 * hi;
        if (at_inner(p, v, x, middle).excess > 0.0)
            hi = middle;
        else
            lo = middle;
    }
    return 0.5 * lo + 0.5 * hi;
}

/* At the root by halving, either current is off by its slope times the rounding of u; weighted
 * by the other's slope that cancels.  Slopes are those a step of 1e-7 before, which where a
 * transistor saturates is some 3e-6 of what it leaves. */
START_TEST(test_both_carry_one_current)
{
    struct pair p = pair_of(_i);
    for (size_t b = 0; p.s && b < N_BIAS; b++) {
        const double v = bias[b].v, *x = bias[b].x;
        const double u = halve(&p, v, x);
        const struct both at = at_inner(&p, v, x, u);
        const double sum = at.m.di_dv + at.a.di_dv;
        const double i = at.m.i * (at.a.di_dv / sum) + at.a.i * (at.m.di_dv / sum);
        struct ow_point pt;
        ow_eval_one(&p.s->model, p.param, v, x, &pt);
        ck_assert_close(pt.i, i, 1e-11, 0.0);
        ck_assert_close(pt.di_dv, at.m.di_dv * (at.a.di_dv / sum), 1e-5, 0.0);
        ck_assert_close(ow_series_inner(p.s, p.param, v, x), u, 1e-10, 4e-16 * fabs(v));
        for (size_t r = 0; r < p.s->part[0]->n_state; r++)
            ck_assert_close(pt.f[r], at.m.f[r], 1e-9, 1e-20);
        for (size_t r = 0; r < p.s->part[1]->n_state; r++)
            ck_assert_close(pt.f[p.s->part[0]->n_state + r], at.a.f[r], 1e-9, 1e-9);
    }
    ow_series_destroy(p.s);
}
END_TEST

/* Five-point central difference of every output; `s` is a state, or n_state for v. */
static void difference(const struct pair *p, double v, const double x[], size_t s, double h,
                       double *di, double df[])
{
    static const double weight[4] = {1.0 / 12, -2.0 / 3, 2.0 / 3, -1.0 / 12};
    const size_t n = p->s->model.n_state;
    *di = 0.0;
    memset(df, 0, OW_MAX_STATES * sizeof *df);
    for (int k = 0; k < 4; k++) {
        const double step = h * (k < 2 ? k - 2 : k - 1);
        double at[OW_MAX_STATES];
        struct ow_point pt;
        memcpy(at, x, sizeof at);
        if (s < n)
            at[s] += step;
        ow_eval_one(&p->s->model, p->param, s < n ? v : v + step, at, &pt);
        *di += weight[k] * pt.i / h;
        for (size_t r = 0; r < n; r++)
            df[r] += weight[k] * pt.f[r] / h;
    }
}

/* h^4 times the fifth derivative; the noise of the values, 1e-12 of them, over h.  At a
 * nanovolt, which an open transistor leaves, jart's own rates are noise: hence 1e-4/s. */
START_TEST(test_derivatives_match_differences)
{
    struct pair p = pair_of(_i);
    const size_t n = p.s ? p.s->model.n_state : 0;
    for (size_t b = 0; p.s && b < N_BIAS; b++) {
        const double v = bias[b].v, *x = bias[b].x;
        struct ow_point pt;
        ow_eval_one(&p.s->model, p.param, v, x, &pt);
        for (size_t s = 0; s <= n; s++) {
            const double h = s < n ? 1e-5 : 1e-4 * fabs(v);
            double di, df[OW_MAX_STATES];
            difference(&p, v, x, s, h, &di, df);
            ck_assert_close(s < n ? pt.di_dx[s] : pt.di_dv, di, 1e-5, 1e-12 * fabs(pt.i) / h);
            for (size_t r = 0; r < n; r++)
                ck_assert_close(s < n ? pt.df_dx[r][s] : pt.df_dv[r], df[r], 1e-5,
                                1e-11 * (fabs(pt.f[r]) + fabs(pt.df_dx[r][r])) / h + 1e-4);
        }
    }
    ow_series_destroy(p.s);
}
END_TEST

static double draw(uint64_t id, uint64_t event)
{
    const struct ow_draw_key key = {
        .seed = 11, .purpose = OW_DRAW_TEST, .id = id, .event = event};
    return ow_draw_uniform(&key);
}

enum { N_CELL = 131 }; /* two blocks and a rest */

struct cells {
    struct ow_cells cells;
    double v[N_CELL], x[OW_MAX_STATES][N_CELL];
    struct ow_inner inner[N_CELL];
    double scale[N_CELL], access[N_CELL];
    const double *spread[OW_MAX_PARAMS];
};

/* Cells with a scale of their own, of the memristor and of the access device. */
static void make_cells(const struct pair *p, struct cells *c)
{
    memset(c, 0, sizeof *c);
    c->cells =
        (struct ow_cells){.n = N_CELL, .param = p->param, .spread = c->spread, .v = c->v};
    for (size_t j = 0; j < N_CELL; j++) {
        c->v[j] = 4.0 * draw(j, 0) - 2.0;
        c->scale[j] = 0.5 + draw(j, 1);
        c->access[j] = 0.5 + draw(j, 2);
        for (size_t s = 0; s < p->s->model.n_state; s++) {
            const struct ow_state *state = &p->s->model.state[s];
            c->x[s][j] = state->lo + draw(j, 3 + s) * (state->hi - state->lo);
            if (state->is_discrete)
                c->x[s][j] = floor(c->x[s][j] + 0.5);
        }
    }
    c->v[5] = 0.0;
    for (size_t s = 0; s < p->s->model.n_state; s++)
        c->cells.x[s] = c->x[s];
    c->spread[OW_SCALE] = c->scale;
    c->spread[p->s->part[0]->n_param + OW_SCALE] = c->access;
}

struct answers {
    struct ow_response at;
    double store[2 + OW_MAX_STATES * (3 + OW_MAX_STATES)][N_CELL];
};
static void make_answers(struct answers *a)
{
    double(*to)[N_CELL] = a->store;
    a->at = (struct ow_response){.i = *to++};
    a->at.di_dv = *to++;
    for (size_t r = 0; r < OW_MAX_STATES; r++) {
        a->at.di_dx[r] = *to++;
        a->at.f[r] = *to++;
        a->at.df_dv[r] = *to++;
        for (size_t s = 0; s < OW_MAX_STATES; s++)
            a->at.df_dx[r][s] = *to++;
    }
}

static void check_cell(const struct pair *p, const struct cells *c, const struct answers *a,
                       size_t j)
{
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    struct ow_point pt;
    ow_params_gather(&p->s->model, &c->cells, j, param);
    for (size_t s = 0; s < p->s->model.n_state; s++)
        x[s] = c->x[s][j];
    ow_eval_one(&p->s->model, param, c->v[j], x, &pt);
    ck_assert_close(a->at.i[j], pt.i, 1e-11, 0.0);
    ck_assert_close(a->at.di_dv[j], pt.di_dv, 1e-5, 0.0);
    for (size_t r = 0; r < p->s->model.n_state; r++) {
        ck_assert_close(a->at.f[r][j], pt.f[r], 1e-9, 1e-9);
        ck_assert_close(a->at.di_dx[r][j], pt.di_dx[r], 1e-5, 1e-20);
        for (size_t s = 0; s < p->s->model.n_state; s++)
            ck_assert_close(a->at.df_dx[r][s][j], pt.df_dx[r][s], 1e-5, 1e-6 * fabs(pt.f[r]));
    }
}

/* Many cells at once are single ones, whatever the search begins with; i and f alone, and i and
 * its slope alone, are the same. */
START_TEST(test_cells_equal_single_devices)
{
    struct pair p = pair_of(_i);
    struct cells c;
    struct answers a, quick;
    double i[N_CELL], di_dv[N_CELL];
    if (!p.s)
        return;
    make_cells(&p, &c);
    make_answers(&a);
    make_answers(&quick);
    quick.at.di_dv = NULL;
    for (int k = 0; k < 3; k++) {
        c.cells.inner = k > 0 ? c.inner : NULL; /* not known, then known */
        for (size_t j = 0; k == 2 && j < N_CELL; j++)
            c.inner[j].u = c.v[j] * draw(j, 17); /* or far off */
        ow_eval(&p.s->model, &c.cells, &a.at);
        ow_eval(&p.s->model, &c.cells, &quick.at);
        ow_conduct(&p.s->model, &c.cells, i, di_dv);
        for (size_t j = 0; j < N_CELL; j++) {
            check_cell(&p, &c, &a, j);
            ck_assert_close(quick.at.i[j], a.at.i[j], 1e-11, 0.0);
            ck_assert_close(i[j], a.at.i[j], 1e-11, 0.0);
            ck_assert_close(di_dv[j], a.at.di_dv[j], 1e-5, 0.0);
            for (size_t r = 0; r < p.s->model.n_state; r++)
                ck_assert_close(quick.at.f[r][j], a.at.f[r][j], 1e-9, 1e-9);
        }
    }
    ow_series_destroy(p.s);
}
END_TEST

/* Finite for every v and x, and passive. */
START_TEST(test_pairs_are_finite_and_passive_everywhere)
{
    static const double far_v[] = {0.0, 4e-320, 1e-300, 1e-9, 0.31, 33.0, 1e30, 1e200, DBL_MAX};
    static const double far_x[] = {-DBL_MAX, -1.7, -1e-4, 0.0, 0.37, 1.0, 1.9, 3e4, DBL_MAX};
    enum { N_V = sizeof far_v / sizeof far_v[0], N_X = sizeof far_x / sizeof far_x[0] };
    struct pair p = pair_of(_i);
    const size_t n = p.s ? p.s->model.n_state : 0;
    for (size_t k = 0; p.s && k < 2 * N_V * N_X; k++) {
        const double v = (k % 2 ? -1.0 : 1.0) * far_v[k / 2 % N_V];
        double x[OW_MAX_STATES], sum;
        struct ow_point pt;
        for (size_t s = 0; s < n; s++)
            x[s] = far_x[(k / 2 / N_V + 5 * s) % N_X];
        ow_eval_one(&p.s->model, p.param, v, x, &pt);
        sum = fabs(pt.i) * 1e-30 + fabs(pt.di_dv) * 1e-30;
        for (size_t r = 0; r < n; r++) {
            sum += (fabs(pt.di_dx[r]) + fabs(pt.f[r]) + fabs(pt.df_dv[r])) * 1e-100;
            for (size_t s = 0; s < n; s++)
                sum += fabs(pt.df_dx[r][s]) * 1e-100;
        }
        ck_assert_msg(isfinite(sum), "%s at v = %g: not finite", p.s->model.name, v);
        ck_assert_msg(pt.i * v >= 0.0 && pt.di_dv >= 0.0, "%s at v = %g: i = %g, di/dv = %g",
                      p.s->model.name, v, pt.i, pt.di_dv);
    }
    ow_series_destroy(p.s);
}
END_TEST

/* A resistor and a transistor that is on: by hand, from the triode region's equation. */
START_TEST(test_transistor_limits_the_current)
{
    struct pair p = pair_of(0);
    const double x[] = {0.0}; /* ow_benign: on */
    const double r = get(&p.s->model, p.param, "r_on"), ut = 8.617333262145e-5 * 300.15;
    const double i_s = 2.0 * 1.3 * 300e-6 / 0.18 * ut * ut, v_p = (1.8 - 0.45) / 1.3;
    struct ow_point pt;
    ow_eval_one(&p.s->model, p.param, 0.7, x, &pt);
    const double v_d = 0.7 - r * pt.i;
    const double a = log1p(exp(v_p / (2.0 * ut))), b = log1p(exp((v_p - v_d) / (2.0 * ut)));
    ck_assert_close(pt.i, i_s * (a * a - b * b), 1e-9, 0.0);
    /* saturated, whatever the memristor */
    ow_eval_one(&p.s->model, p.param, 1e3, x, &pt);
    ck_assert_close(pt.i, i_s * a * a, 1e-9, 0.0);
    ow_series_destroy(p.s);
}
END_TEST

/* Who stands where, under which name; the access device's own relations hold. */
START_TEST(test_tables_are_one_after_the_other)
{
    double param[OW_MAX_PARAMS];
    struct ow_series *s;
    struct ow_error err = {0};
    size_t bad;
    const struct ow_model *m = ow_model_find("rram_asu"), *a = ow_model_find("selector_ts");
    ck_assert_ok(ow_series_create(m, a, "access", &s, &err), err);
    ck_assert_str_eq(s->model.name, "rram_asu + selector_ts");
    ck_assert_uint_eq(s->model.n_param, m->n_param + a->n_param);
    ck_assert_uint_eq(s->model.n_state, m->n_state + a->n_state);
    ck_assert_uint_eq(s->model.program, m->program);
    for (size_t k = 0; k < m->n_param; k++)
        ck_assert_uint_eq(ow_param_index(&s->model, m->param[k].name), k);
    ck_assert_uint_eq(ow_param_index(&s->model, "access.v_th"),
                      m->n_param + ow_param_index(a, "v_th"));
    ck_assert_str_eq(s->model.state[m->n_state].name, "access_x");
    ck_assert_uint_eq(s->model.state[m->n_state].init, m->n_param + a->state[0].init);
    ow_params_default(&s->model, param);
    ck_assert_ok(ow_params_check(&s->model, param, &bad, &err), err);
    put(&s->model, param, "access.x0", 0.25);
    double x[OW_MAX_STATES];
    ow_states_init(&s->model, param, x);
    ck_assert(x[m->n_state] == 0.25);
    put(&s->model, param, "access.x0", 1.25);
    ck_assert_int_eq(ow_params_check(&s->model, param, &bad, &err), OW_ERR_RANGE);
    ck_assert_uint_eq(bad, ow_param_index(&s->model, "access.x0"));
    put(&s->model, param, "access.x0", 0.25);
    put(&s->model, param, "access.v_hold", 0.9);
    ck_assert_int_eq(ow_params_check(&s->model, param, &bad, &err), OW_ERR_RANGE);
    ck_assert_ptr_nonnull(strstr(err.text, "v_hold must be below v_th"));
    ow_series_destroy(s);
}
END_TEST

START_TEST(test_what_cannot_be_a_cell_is_refused)
{
    struct ow_series *s = NULL, *pair;
    struct ow_error err = {0};
    const struct ow_model *m = ow_model_find("team"), *a = ow_model_find("ekv");
    ck_assert_int_eq(ow_series_create(m, ow_model_find("stochastic"), "a", &s, &err),
                     OW_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.text, "without random jumps"));
    ck_assert_ok(ow_series_create(m, a, "a", &pair, &err), err);
    ck_assert_int_eq(ow_series_create(&pair->model, a, "b", &s, &err), OW_ERR_INPUT);
    ck_assert_ptr_null(s);
    ow_series_destroy(pair);
}
END_TEST

/* A jump sees the memristor's own voltage: what decides is the rate of each cause there. */
START_TEST(test_a_jump_is_the_memristors)
{
    struct pair p = pair_of(4 * N_ACCESS + 1); /* stochastic, the gate at 0.6 V */
    double x[OW_MAX_STATES], alone[OW_MAX_STATES];
    ow_states_init(&p.s->model, p.param, x);
    x[p.s->model.event_state] = 0.0;
    memcpy(alone, x, sizeof alone);
    const double u = ow_series_inner(p.s, p.param, 1.9, x);
    ck_assert(u > 0.0 && u < 1.9);
    ow_fire(&p.s->model, p.param, 1.9, x);
    ow_fire(p.s->part[0], p.param, u, alone);
    ck_assert_mem_eq(x, alone, p.s->model.n_state * sizeof *x);
    ck_assert(x[p.s->model.event_state] > 0.0);
    ow_series_destroy(p.s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("series");
    TCase *tc = tcase_create("pairs");
    tcase_add_loop_test(tc, test_both_carry_one_current, 0, N_PAIR);
    tcase_add_loop_test(tc, test_derivatives_match_differences, 0, N_PAIR);
    tcase_add_loop_test(tc, test_cells_equal_single_devices, 0, N_PAIR);
    tcase_add_loop_test(tc, test_pairs_are_finite_and_passive_everywhere, 0, N_PAIR);
    tcase_add_test(tc, test_transistor_limits_the_current);
    tcase_add_test(tc, test_tables_are_one_after_the_other);
    tcase_add_test(tc, test_what_cannot_be_a_cell_is_refused);
    tcase_add_test(tc, test_a_jump_is_the_memristors);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
