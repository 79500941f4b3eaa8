/* plugin/xspice: the state integrator by itself, then the code models inside ngspice and
 * libngspice.  The latter need a built ohmweave.cm and an installed ngspice; without them
 * the program says so and tests the integrator only. */
#include <dlfcn.h>
#include <float.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#ifdef OW_HAVE_SHAREDSPICE
#include <ngspice/sharedspice.h>
#endif

#include "ow_advance.h"
#include "ow_check.h"
#include "ow_model.h"
#include "ow_sets.h"

/* ---- models of our own, with solutions known in closed form -------------------------- */

enum { TOY_K = OW_N_COMMON, TOY_X0, TOY_N };
static const struct ow_param toy_param[] = {
    OW_COMMON_PARAMS,
    {"k", "1", 1.0, 0.0, 1e9, NULL, "rate"},
    {"x0", "1", 0.0, -9.0, 9.0, NULL, "initial state"},
};
static const struct ow_state toy_state[] = {{"x", 0.0, 1.0, TOY_X0, false, "state"},
                                            {"y", 0.0, 1.0, TOY_X0, false, "state"}};

/* dx/dt = k v x^2: 1/x = 1/x1 - k (integral of v) */
static void riccati_eval(const struct ow_cells *c, struct ow_response *out)
{
    const double k = c->param[TOY_K], v = c->v[0], x = c->x[0][0];
    out->i[0] = out->di_dv[0] = out->di_dx[0][0] = 0.0;
    out->f[0][0] = k * v * x * x;
    out->df_dv[0][0] = k * x * x;
    out->df_dx[0][0][0] = 2.0 * k * v * x;
}
static const struct ow_model riccati = {.name = "riccati",
                                        .param = toy_param,
                                        .n_param = TOY_N,
                                        .state = toy_state,
                                        .n_state = 1,
                                        .eval = riccati_eval};

/* Two states, stiff for a large k: dx/dt = k (v - x), dy/dt = x - y. */
static void stiff_eval(const struct ow_cells *c, struct ow_response *out)
{
    const double k = c->param[TOY_K], v = c->v[0], x = c->x[0][0], y = c->x[1][0];
    out->i[0] = out->di_dv[0] = out->di_dx[0][0] = out->di_dx[1][0] = 0.0;
    out->f[0][0] = k * (v - x);
    out->df_dv[0][0] = k;
    out->df_dx[0][0][0] = -k;
    out->df_dx[0][1][0] = 0.0;
    out->f[1][0] = x - y;
    out->df_dv[1][0] = 0.0;
    out->df_dx[1][0][0] = 1.0;
    out->df_dx[1][1][0] = -1.0;
}
static const struct ow_model stiff = {.name = "stiff",
                                      .param = toy_param,
                                      .n_param = TOY_N,
                                      .state = toy_state,
                                      .n_state = 2,
                                      .eval = stiff_eval};

static struct ow_advanced advance(const struct ow_model *m, const double param[],
                                  const struct ow_path *path, const double x1[])
{
    struct ow_advanced out = {0};
    ck_assert_int_eq(ow_advance(m, param, path, x1, NULL, &out), OW_OK);
    return out;
}

/* v from 0.3 to 1.7 in 0.8 s: integral 0.8 */
static const struct ow_path ramp = {2.0, 0.3, 2.8, 1.7, 0.0};
#define RAMP_AREA 0.8

static double riccati_error(double tol, long *n_step)
{
    double param[TOY_N];
    ow_params_default(&riccati, param);
    param[OW_TOL] = tol;
    const double x1 = 1.1; /* to 1/(1/1.1 - 0.8) = 9.17: every order of derivative acts */
    const struct ow_advanced out = advance(&riccati, param, &ramp, &x1);
    *n_step = out.n_step;
    return fabs(out.x[0] - 1.0 / (1.0 / x1 - RAMP_AREA));
}

/* A method of order p needs n steps for an error in n^-p.  With the order of the embedded
 * solution in the step control, tol and n keep that relation too. */
START_TEST(test_order_is_four)
{
    long n_coarse, n_fine;
    const double coarse = riccati_error(1e-3, &n_coarse), fine = riccati_error(1e-8, &n_fine);
    const double order = log(coarse / fine) / log((double)n_fine / (double)n_coarse);
    ck_assert_msg(order > 3.6 && order < 4.6, "order %g: errors %g and %g in %ld and %ld steps",
                  order, coarse, fine, n_coarse, n_fine);
}
END_TEST

/* The error follows the tolerance down, and stays below it (the solution amplifies early
 * errors by (x/x1)^2 = 70). */
START_TEST(test_error_follows_tolerance)
{
    double last = INFINITY;
    for (double tol = 1e-2; tol > 0.5e-10; tol *= 0.1) {
        long n;
        const double error = riccati_error(tol, &n);
        ck_assert_msg(error < 70.0 * tol, "tol %g: error %g", tol, error);
        ck_assert_msg(error < 0.5 * last, "tol %g: error %g after %g", tol, error, last);
        last = error;
    }
}
END_TEST

/* With u = t - t1, v = a + b u:  x = v - b/k + (x1 - a + b/k) e^(-k u), which for k = 1e6
 * is v - b/k; y' = x - y gives y = a - b/k - b + b u + (y1 - a + b/k + b) e^-u, up to 1/k. */
START_TEST(test_stiff_state_costs_few_steps)
{
    double param[TOY_N];
    ow_params_default(&stiff, param);
    param[TOY_K] = 1e6;
    const double x1[] = {-0.4, 0.7}, u = ramp.t0 - ramp.t1, b = (ramp.v0 - ramp.v1) / u;
    const struct ow_advanced out = advance(&stiff, param, &ramp, x1);
    const double y = ramp.v1 - b + b * u + (x1[1] - ramp.v1 + b) * exp(-u);
    ck_assert_close(out.x[0], ramp.v0 - b / 1e6, 0.0, 1e-6);
    ck_assert_close(out.x[1], y, 0.0, 1e-5); /* the neglected 1/k terms */
    ck_assert_int_lt(out.n_step, 200);       /* an explicit method: 3e5 */
    /* x follows v at once; d y(t0)/d v0 = integral of u/T e^(u - T) = (e^-T - 1 + T)/T */
    ck_assert_close(out.dx_dv[0], 1.0, 0.01, 0.0);
    ck_assert_close(out.dx_dv[1], (exp(-u) - 1.0 + u) / u, 0.01, 0.0);
}
END_TEST

/* A step of size 0, and one in many pieces. */
START_TEST(test_pieces_make_the_whole)
{
    double param[TOY_N];
    ow_params_default(&riccati, param);
    double x = 1.1;
    const struct ow_path none = {2.0, 0.3, 2.0, 0.3, 0.0};
    ck_assert_double_eq(advance(&riccati, param, &none, &x).x[0], x);
    const int n = 1000;
    for (int k = 0; k < n; k++) {
        const double a = (double)k / n, b = (double)(k + 1) / n;
        const struct ow_path piece = {
            ramp.t1 + a * (ramp.t0 - ramp.t1), ramp.v1 + a * (ramp.v0 - ramp.v1),
            ramp.t1 + b * (ramp.t0 - ramp.t1), ramp.v1 + b * (ramp.v0 - ramp.v1), 0.0};
        x = advance(&riccati, param, &piece, &x).x[0];
    }
    ck_assert_close(x, 1.0 / (1.0 / 1.1 - RAMP_AREA), 0.0, 1e-6);
}
END_TEST

/* A parabola: 4 b u (1 - u) has the area 2/3 b.  The slow one is a single explicit step, the
 * fast one several implicit ones. */
START_TEST(test_bulge_in_closed_form)
{
    double param[TOY_N];
    ow_params_default(&riccati, param);
    const double k[] = {1e-4, 1.0}, x1 = 1.1;
    for (int fast = 0; fast < 2; fast++) {
        param[TOY_K] = k[fast];
        struct ow_path path = ramp;
        path.bulge = -0.6;
        const double area = RAMP_AREA + 2.0 / 3.0 * path.bulge * (path.t0 - path.t1);
        const struct ow_advanced out = advance(&riccati, param, &path, &x1);
        ck_assert_close(out.x[0], 1.0 / (1.0 / x1 - k[fast] * area), 0.0, 1e-6);
        ck_assert_int_eq(out.n_step == 1, !fast);
        /* the answer at the beginning may be given */
        struct ow_point at;
        struct ow_advanced again = {0};
        ow_eval_one(&riccati, param, path.v1, &x1, &at);
        ck_assert_int_eq(ow_advance(&riccati, param, &path, &x1, &at, &again), OW_OK);
        ck_assert_double_eq(again.x[0], out.x[0]);
        ck_assert_int_eq(again.n_eval, out.n_eval - 1);
    }
}
END_TEST

START_TEST(test_nonsense_is_refused)
{
    double param[TOY_N];
    ow_params_default(&riccati, param);
    const struct ow_advanced untouched = {.n_step = 42};
    struct ow_advanced out = untouched;
    const struct ow_path nan_path = {0.0, 0.0, 1.0, NAN, 0.0};
    const double x1 = 1.0;
    ck_assert_int_eq(ow_advance(&riccati, param, &nan_path, &x1, NULL, &out), OW_ERR_SOLVER);
    ck_assert_mem_eq(&out, &untouched, sizeof out);
    /* 1/x = 1 - 2 t: no solution beyond 0.5 s */
    const struct ow_path pole = {0.0, 2.0, 1.0, 2.0, 0.0};
    ck_assert_int_eq(ow_advance(&riccati, param, &pole, &x1, NULL, &out), OW_ERR_SOLVER);
    ck_assert_mem_eq(&out, &untouched, sizeof out);
}
END_TEST

/* ---- the registry: a drive that moves each model, as a .model card and as a path -------- */

struct setting {
    const char *name;
    double value;
};
/* Piecewise linear voltage across the device, n corners; the last time is the end. */
struct drive {
    const char *model;
    struct setting set[18];
    size_t n;
    double t[8], v[8]; /* s, V */
};
/* clang-format off */
static const struct drive drive[] = {
    {"team", {{"ctrl", 1}, {"window", 0}, {"r_on", 1e4}, {"r_off", 1e5}, {"k_on", -26.7e-3},
              {"k_off", 26.7e-3}, {"alpha_on", 2}, {"alpha_off", 2}, {"v_on", -0.4},
              {"v_off", 0.4}, {"x0", 0.13}}, /* set team_write */
     5, {0, 3e-9, 20e-9, 24e-9, 41e-9}, {0, 1.1, 1.3, -0.9, -1.2}},
    {"team", {{"x0", 0.07}, {"w_c", 1e-12}}, /* current-controlled, Xyce's set */
     5, {0, 1e-4, 4e-4, 5e-4, 6e-4}, {0, 0.31, 0.17, -0.02, -0.01}},
    {"driftdiff", {{"r_on", 1e4}, {"r_off", 1e6}, {"mu", 1e6}, {"alpha", 0.5}, {"beta", 2e5},
                   {"gamma1", 5e5}, {"gamma2", 3e5}, {"lambda", 0.5}}, /* set driftdiff_write */
     6, {0, 1e-7, 2e-6, 2.2e-6, 3e-6, 3.7e-6}, {0, 0.9, 1.1, 0.2, 0.1, -0.7}},
    {"driftdiff", {{"rate_max", 1}}, /* set driftdiff_tw_single */
     4, {0, 0.01, 1.6, 1.63}, {0, 1.0, 0.8, 0}},
    {"stochastic", {{"r_on", 1e4}, {"r_off", 1e6}, {"tau_set", 8e-3}, {"v_set", 0.1},
                    {"tau_reset", 8e-3}, {"v_reset", 0.1}, {"seed", 11}, {"id", 5}},
     7, {0, 1e-8, 1e-6, 1.1e-6, 2e-6, 2.1e-6, 3.3e-6}, /* set stochastic_write */
     {0, 1.2, 1.1, -1.1, -1.2, 1.15, 1.05}},
    {"driftdiff", {{"r_on", 1e4}, {"r_off", 1e6}, {"mu", 1e6}, {"alpha", 0.5}, {"beta", 2e5},
                   {"gamma1", 5e5}, {"gamma2", 3e5}, {"lambda", 0.5}, {"theta", 5e6},
                   {"gamma3", 1e6}, {"thermal", 1}, {"c_th", 1e-13}, {"tau_th", 0.3e-6},
                   {"e_mu", 0.05}, {"e_gamma", 0.08}}, /* the same, thicker and warm */
     5, {0, 1e-7, 2e-6, 2.2e-6, 3e-6}, {0, 0.9, 1.1, 0.9, 0.8}},
    {"driftdiff_noise", {{"r_on", 1e4}, {"r_off", 1e6}, {"mu", 1e6}, {"alpha", 0.5}, {"beta", 2e5},
                   {"gamma1", 5e5}, {"gamma2", 3e5}, {"lambda", 0.5}, {"kappa", 3e6}, {"eta", 0.21}},
     6, {0, 1e-7, 2e-6, 2.2e-6, 3e-6, 3.7e-6}, {0, 0.9, 1.1, 0.2, 0.1, -0.7}},
    {"stanford_noise", {{"rs", 1e3}, {"noise_rate", 4e6}, {"dg0", 0.014}},
     4, {0, 2e-6, 4e-6, 6e-6}, {0, 2.0, -1.7, 2.1}},
    {"ddk", {{"alpha", 0.712}, {"z0", 0.8}}, /* set ddk_shi */
     5, {0, 1e-4, 1.2e-3, 1.3e-3, 2e-3}, {0, 0.9, 2.1, -0.4, 0.3}},
    {"rram_asu", {{"rs", 2e4}}, /* set sky130, at 27 degrees, and hot at the end */
     4, {0, 1e-7, 2e-7, 3e-7}, {0, 3.2, -3.6, 3.4}},
    {"jart", {{"rs", 100}}, /* set jart_v1b, at 27 degrees, and hot at the end */
     4, {0, 1e-7, 2e-7, 3e-7}, {0, 1.6, -2.2, 1.7}},
    {"jart_var", {{"rs", 100}, {"x0", 0.41}, {"h0", 0.23}, {"c2c_radius", 0.1}, {"c2c_l_disc", 0.1},
                  {"d2d_radius", 0.1}, {"d2d_l_disc", 0.1}, {"d2d_n_min", 0.3}, {"d2d_n_max", 0.05}},
     4, {0, 1e-7, 2e-7, 3e-7}, {0, 1.6, -2.2, 1.7}},
    {"stanford", {{"rs", 1e3}}, /* set stanford_v1, at 27 degrees */
     4, {0, 2e-6, 4e-6, 6e-6}, {0, 2.0, -1.7, 2.1}},
    {"stochastic", {{"mode", 1}, {"r_on", 1e4}, {"r_off", 1e6}, {"tau_set", 8e-3}, {"v_set", 0.1},
                    {"tau_reset", 8e-3}, {"v_reset", 0.1}, {"x0", 0.13}},
     5, {0, 1e-8, 1e-7, 1.2e-7, 2e-7}, {0, 1.2, 1.1, -1.1, -1.15}}, /* the mean of the same */
    {"threshold", {{"alpha", 2e11}, {"x0", 0.37}}, /* set threshold_r2, not quite still below v_t */
     5, {0, 3e-9, 9e-9, 14e-9, 17e-9}, {0, 4.63, 4.7, -4.7, -4.65}},
    {"yakopcic", {{"x0", 0.13}}, /* set yakopcic_agchalc */
     5, {0, 1e-4, 1e-3, 1.2e-3, 2e-3}, {0, 0.27, 0.41, -0.23, -0.29}},
    {"yakopcic", {{"form", 1}, {"eta", -1}, {"x0", 0.83}},
     5, {0, 1e-4, 1e-3, 1.2e-3, 1.4e-3}, {0, 0.27, 0.41, -0.23, -0.29}},
    {"selector_ts", {{"x0", 0.13}}, /* set selector_ts_fast */
     6, {0, 1e-9, 3e-9, 4e-9, 9e-9, 14e-9}, {0, 0.85, 0.9, 0.4, 0.1, 0.05}},
    {"lindrift", {{"x0", 0.13}}, /* set lindrift_hp_160 */
     5, {0, 0.1, 0.4, 0.5, 0.6}, {0, 0.9, 1.1, -0.8, -0.9}},
    {"lindrift", {{"window", 1}, {"r_off", 1e4}, {"x0", 0.41}}, /* set lindrift_r1 */
     5, {0, 0.01, 0.04, 0.05, 0.06}, {0, 0.9, 1.1, -0.8, -0.9}},
    {"team", {{"ctrl", 1}, {"window", 3}, {"p", 2}, {"r_on", 1e4}, {"r_off", 1e5}, {"k_on", -26.7e-3},
              {"k_off", 26.7e-3}, {"alpha_on", 2}, {"alpha_off", 2}, {"v_on", -0.4}, {"v_off", 0.4}},
     5, {0, 3e-9, 20e-9, 24e-9, 36e-9}, {0, 1.1, 1.3, -0.9, -1.2}},
};
/* clang-format on */
enum { N_DRIVE = sizeof drive / sizeof drive[0] };

static const struct ow_model *use(const struct drive *d, double param[])
{
    const struct ow_model *m = ow_model_find(d->model);
    ck_assert_ptr_nonnull(m);
    ow_params_default(m, param);
    for (size_t k = 0; d->set[k].name; k++) {
        const size_t p = ow_param_index(m, d->set[k].name);
        ck_assert_msg(p < m->n_param, "%s has no %s", d->model, d->set[k].name);
        param[p] = d->set[k].value;
    }
    struct ow_error err = {0};
    ck_assert_ok(ow_params_check(m, param, NULL, &err), err);
    return m;
}

/* Corner to corner, jumps included. */
static void follow(const struct ow_model *m, const double param[], const struct drive *d,
                   double x[])
{
    ow_states_init(m, param, x);
    for (size_t k = 1; k < d->n; k++) {
        struct ow_path path = {d->t[k - 1], d->v[k - 1], d->t[k], d->v[k], 0.0};
        for (;;) {
            const struct ow_advanced out = advance(m, param, &path, x);
            if (!out.is_due || out.t_due >= path.t0) {
                memcpy(x, out.x, sizeof out.x);
                break;
            }
            struct ow_path part = path;
            part.t0 = out.t_due;
            part.v0 = path.v1 + (path.v0 - path.v1) * (part.t0 - path.t1) / (path.t0 - path.t1);
            const struct ow_advanced due = advance(m, param, &part, x);
            memcpy(x, due.x, sizeof due.x);
            ck_assert_int_gt(ow_fire_due(m, param, part.v0, 1e-6, x), 0);
            path.t1 = part.t0, path.v1 = part.v0;
        }
    }
}

/* Every model is in the table, and its drive moves each of its states. */
START_TEST(test_drives_cover_the_registry)
{
    for (size_t m = 0; m < ow_n_models; m++) {
        double most[OW_MAX_STATES] = {0};
        for (size_t d = 0; d < N_DRIVE; d++) {
            double param[OW_MAX_PARAMS], x0[OW_MAX_STATES], x[OW_MAX_STATES];
            if (strcmp(drive[d].model, ow_models[m]->name) != 0)
                continue;
            const struct ow_model *model = use(&drive[d], param);
            ow_states_init(model, param, x0);
            follow(model, param, &drive[d], x);
            for (size_t s = 0; s < model->n_state; s++)
                most[s] = fmax(most[s], fabs(x[s] - x0[s]));
        }
        for (size_t s = 0; s < ow_models[m]->n_state; s++)
            ck_assert_msg(most[s] > 0.05, "%s: no drive moves %s", ow_models[m]->name,
                          ow_models[m]->state[s].name);
    }
}
END_TEST

/* A tolerance 1000 times smaller moves no final state by more than 10 times the larger. */
START_TEST(test_tolerance_bounds_the_answer)
{
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES], fine[OW_MAX_STATES];
    const struct ow_model *m = use(&drive[_i], param);
    follow(m, param, &drive[_i], x);
    param[OW_TOL] = 1e-9;
    follow(m, param, &drive[_i], fine);
    for (size_t s = 0; s < m->n_state; s++)
        ck_assert_close(x[s], fine[s], 0.0, 1e-5 * (m->state[s].hi - m->state[s].lo));
}
END_TEST

/* Sensitivities steer Newton's method and step sizes, no more: a few per cent will do. */
START_TEST(test_sensitivities_match_differences)
{
    double param[OW_MAX_PARAMS], x1[OW_MAX_STATES];
    const struct drive *d = &drive[_i];
    const struct ow_model *m = use(d, param);
    param[OW_TOL] = 1e-10;
    ow_states_init(m, param, x1);
    /* where the first pulse begins, for a small travel: nothing saturates or jumps */
    struct ow_point bias;
    double speed = 0.0, slope = 0.0;
    ow_eval_one(m, param, d->v[1], x1, &bias);
    for (size_t s = 0; s < m->n_state; s++) {
        speed = fmax(speed, fabs(bias.f[s]));
        slope = fmax(slope, fabs(bias.df_dv[s]));
    }
    ck_assert_double_gt(speed, 0.0);
    const double span = 0.03 / speed, dv = 1e-4 * d->v[1];
    const struct ow_path at = {0.0, d->v[1], span, 1.02 * d->v[1], 0.0};
    struct ow_path up = at, down = at, half = at, rest = at;
    up.v0 += dv, down.v0 -= dv;
    const struct ow_advanced here = advance(m, param, &at, x1),
                             plus = advance(m, param, &up, x1),
                             minus = advance(m, param, &down, x1);
    /* a tent of height h as a bulge with the same area: 4 u (1 - u) has 2/3, a tent 1/2 */
    half.t0 = rest.t1 = 0.5 * span;
    half.v0 = rest.v1 = 0.5 * (at.v1 + at.v0) + dv * 4.0 / 3.0;
    const struct ow_advanced tent_half = advance(m, param, &half, x1),
                             tent = advance(m, param, &rest, tent_half.x);
    ck_assert(!here.is_due && !tent.is_due);
    double most = 0.0;
    for (size_t s = 0; s < m->n_state; s++) {
        most = fmax(most, fabs(here.dx_dv[s]));
        ck_assert_close(here.dx_dv[s], (plus.x[s] - minus.x[s]) / (2.0 * dv), 0.03, 1e-6);
        ck_assert_close(here.dx_dbulge[s], (tent.x[s] - here.x[s]) / dv, 0.05, 1e-6);
    }
    /* driftdiff's limiter makes the one drive blind to the voltage */
    ck_assert(slope == 0.0 || most > 0.1 * slope * span);
}
END_TEST

/* VTEAM without a window on a ramp: dx/dt = k/(x_off - x_on) (v/v_off - 1)^alpha, from the
 * instant t_th at which v passes v_off. */
START_TEST(test_vteam_ramp_in_closed_form)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use(&drive[0], param);
    const double x1 = 0.13, slope = 1.3 / 7e-9; /* V/s */
    const struct ow_path path = {0.0, 0.0, 7e-9, 1.3, 0.0};
    const double speed = 26.7e-3 / 3e-9, u = 1.3 / 0.4 - 1.0;
    const double expected = x1 + speed * 0.4 / slope * u * u * u / 3.0;
    ck_assert_double_lt(expected, 0.99);
    ck_assert_close(advance(m, param, &path, &x1).x[0], expected, 0.0, 2e-6);
}
END_TEST

/* At rest at both ends, below the threshold, and above it between them: v/v_off - 1 = e -
 * a w^2 with w from -1 to 1, e and a from the two voltages, so the integral of its square
 * where it is positive, |w| < c = sqrt(e/a), is span/2 times 16/15 e^2 c. */
START_TEST(test_vteam_bulge_above_the_threshold)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use(&drive[0], param);
    const double x1 = 0.13, span = 1e-9;
    const struct ow_path path = {0.0, 0.39, span, 0.39, 0.05};
    const double e = 0.44 / 0.4 - 1.0, a = 0.05 / 0.4, c = sqrt(e / a);
    const double speed = 26.7e-3 / 3e-9;
    const double expected = x1 + speed * span / 2.0 * 16.0 / 15.0 * e * e * c;
    ck_assert_double_gt(expected - x1, 1e-5);
    ck_assert_close(advance(m, param, &path, &x1).x[0], expected, 0.0, 1e-7);
}
END_TEST

/* Through the threshold, up and down: dR/dt = beta (v - v_t) beyond it, so the change of R is
 * beta/2 times the overdrive squared over the slope.  A threshold is found, not stepped at. */
START_TEST(test_threshold_is_crossed_at_once)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = ow_model_find("threshold");
    ow_params_default(m, param); /* beta 1e13, v_t 4.6, 1 k to 10 k */
    const double x1 = 0.31, over = 0.13;
    struct ow_path path = {1e-9, 4.51, 1.2e-9, 4.6 + over, 0.0};
    if (_i == 1) {
        path.v0 = path.v1;
        path.v1 = 4.6 + over;
    }
    const double slope = fabs(path.v0 - path.v1) / 0.2e-9; /* V/s */
    const double expected = x1 + 1e13 / 9e3 * over * over / 2.0 / slope;
    const struct ow_advanced out = advance(m, param, &path, &x1);
    ck_assert_close(out.x[0], expected, 0.0, 1e-8);
    ck_assert_int_lt(out.n_eval, 15); /* by steps: about 100 */
    ck_assert_close(out.dx_dv[0],
                    _i == 0 ? 1e13 / 9e3 * over / slope * (1.0 - over / 2.0 / 0.22)
                            : 1e13 / 9e3 * over * over / 2.0 / slope / 0.22,
                    0.05, 0.0);
}
END_TEST

/* At zero volts (MODELS, B1): f = f0 e^-(g1+b)t,
 * r = r0 e^-g2 t + b f0/(g2 - g1 - b) (e^-(g1+b)t - e^-g2 t). */
START_TEST(test_driftdiff_decay_in_closed_form)
{
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = ow_model_find("driftdiff");
    ow_params_default(m, param);
    const double g1 = 50.0, b = 7.0, g2 = 3.1, t = 0.043;
    double x1[OW_MAX_STATES];
    param[ow_param_index(m, "gamma1")] = g1;
    param[ow_param_index(m, "beta")] = b;
    param[ow_param_index(m, "gamma2")] = g2;
    ow_states_init(m, param, x1);
    x1[0] = 0.61, x1[1] = 0.22;
    const struct ow_path path = {0.0, 0.0, t, 0.0, 0.0};
    const struct ow_advanced out = advance(m, param, &path, x1);
    const double f = exp(-(g1 + b) * t), r = exp(-g2 * t);
    ck_assert_close(out.x[0], x1[0] * f, 0.0, 1e-6);
    ck_assert_close(out.x[1], x1[1] * r + b * x1[0] / (g2 - g1 - b) * (f - r), 0.0, 1e-6);
}
END_TEST

/* Ramp v = s t (MODELS, C1): integrated hazard V0/(s tau0) (e^(v/V0) - 1), so the draw E
 * is used up at t = V0/s ln(1 + E s tau0/V0).  The model leads the hazard to 0 below
 * V0/10, a few parts in 1e9 of E here. */
START_TEST(test_event_time_on_a_ramp)
{
    const struct ow_model *m = ow_model_find("stochastic");
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    ow_params_default(m, param);
    const double v0 = 0.11, tau0 = 37.0, slope = 1.3e4; /* V/s */
    param[ow_param_index(m, "v_set")] = v0;
    param[ow_param_index(m, "tau_set")] = tau0;
    for (int id = 0; id < 50; id++) {
        param[OW_ID] = id;
        ow_states_init(m, param, x);
        const double t = v0 / slope * log1p(x[m->event_state] * slope * tau0 / v0);
        const struct ow_path path = {0.0, 0.0, 1.3 * t, 1.3 * t * slope, 0.0};
        const struct ow_advanced out = advance(m, param, &path, x);
        ck_assert(out.is_due);
        /* dt = dE/hazard, hazard = e^(v/V0)/tau0: allow an error of 1e-6 in E */
        ck_assert_close(out.t_due, t, 0.0, 1e-6 * tau0 * exp(-slope * t / v0));
        ck_assert_double_lt(out.x[m->event_state], 0.0); /* not fired */
        const struct ow_path early = {0.0, 0.0, 0.99 * t, 0.99 * t * slope, 0.0};
        ck_assert(!advance(m, param, &early, x).is_due);
    }
}
END_TEST

/* Twenty times as long as the travel takes, then as long the other way, each as one step: over
 * every set, in both directions.  A way that feeds back on itself (TEAM's) runs away in less
 * than a rounding error of the time and has to arrive; no end holds a state that the other
 * polarity would move from the middle. */
START_TEST(test_no_end_holds_the_state)
{
    const struct ow_set *set = &ow_sets[_i / 2];
    const double sign = _i % 2 ? -1.0 : 1.0;
    const struct ow_model *m = NULL;
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES] = {0};
    struct ow_error err = {0};
    ck_assert_ok(ow_set_model(set->text, set->name, &m, &err), err);
    ow_params_default(m, param);
    ck_assert_ok(ow_set_apply(set->text, set->name, m, param, &err), err);
    size_t s = 0;
    while (s + 1 < m->n_state && m->state[s].init != m->program)
        s++;
    if (m->n_state == 0 || m->state[s].is_discrete)
        return;
    struct ow_point there = {0}, back;
    double v = 0.25 * sign;
    ow_states_init(m, param, x);
    x[s] = 0.5;
    while (fabs(there.f[s]) < 1e-3 && fabs(v) < 10.0)
        ow_eval_one(m, param, v *= 2.0, x, &there);
    if (!(fabs(there.f[s]) >= 1e-3))
        return; /* for ever, as far as this test goes */
    ow_eval_one(m, param, -v, x, &back);
    const double span = 20.0 / fabs(there.f[s]);
    const struct ow_path up = {0.0, v, span, v, 0.0}, down = {0.0, -v, span, -v, 0.0};
    struct ow_advanced out = {0};
    ck_assert_msg(ow_advance(m, param, &up, x, NULL, &out) == OW_OK, "%s, %g V for %g s",
                  set->name, v, span);
    memcpy(x, out.x, sizeof x);
    ck_assert_msg(ow_advance(m, param, &down, x, NULL, &out) == OW_OK, "%s, %g V for %g s",
                  set->name, -v, span);
    for (size_t k = 0; k < m->n_state; k++)
        ck_assert(isfinite(x[k]) && isfinite(out.x[k]) && isfinite(out.dx_dv[k]));
    if (!m->is_volatile && fabs(back.f[s]) * span > 1.0)
        ck_assert_msg(fabs(out.x[s] - x[s]) > 0.02, "%s stays at %g after %g V, then %g V",
                      set->name, x[s], v, -v);
}
END_TEST

START_TEST(test_fire_due_fires_once)
{
    const struct ow_model *m = ow_model_find("stochastic");
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    ow_params_default(m, param);
    ow_states_init(m, param, x);
    const size_t e = m->event_state;
    ck_assert_int_eq(ow_fire_due(m, param, 0.0, 1e-9, x), 0);
    x[e] = 0.9e-9;
    ck_assert_int_eq(ow_fire_due(m, param, 0.0, 1e-9, x), 1);
    ck_assert_double_gt(x[e], 1e-9);
    ck_assert_double_eq(x[0], 1.0);
    const struct ow_model *team = ow_model_find("team");
    ow_params_default(team, param);
    ow_states_init(team, param, x);
    ck_assert_int_eq(ow_fire_due(team, param, 0.0, 1e9, x), 0);
}
END_TEST

#if defined(OW_CODEMODEL) && defined(OW_NGSPICE)
#include "ow_deck.h"

/* ---- ngspice -------------------------------------------------------------------------- */

/* Instance `name` of `d` at node `te` with its states at <name>_<state>, and its card. */
static void add_device(struct text *t, const struct drive *d, const char *name, const char *te,
                       const char *more)
{
    const struct ow_model *m = ow_model_find(d->model);
    add(t, "a%s %%gd(%s 0)", name, te);
    for (size_t s = 0; s < m->n_state; s++)
        add(t, " %s_%s", name, m->state[s].name);
    add(t, " m%s\n.model m%s ow_%s(%s", name, name, m->name, more);
    for (size_t k = 0; d->set[k].name; k++)
        add(t, " %s=%.17g", d->set[k].name, d->set[k].value);
    add(t, ")\n");
}

static void add_drive(struct text *t, const struct drive *d, const char *node)
{
    add(t, "v1 %s 0 pwl(", node);
    for (size_t k = 0; k < d->n; k++)
        add(t, " %.17g %.17g", d->t[k], d->v[k]);
    add(t, ")\n");
}

static const char *const method[] = {"trap", "gear"};

/* The promise: a piecewise linear drive directly across the device, maximum steps a factor
 * of 100 apart, same final states within 10 tol of each other; and of the integrator by
 * itself, corner to corner.  A jump ends a step early by way of ngspice's truncation error,
 * which at the default reltol cannot ask for less than 0.4 of the step before. */
START_TEST(test_step_does_not_matter)
{
    const struct drive *d = &drive[_i / 2];
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    const struct ow_model *m = use(d, param);
    follow(m, param, d, x);
    const double end = d->t[d->n - 1];
    for (int fine = 0; fine < 2; fine++) {
        struct text t = {0}, saved = {0};
        add(&t, ".options method=%s reltol=%g\n", method[_i % 2], m->fire ? 1e-6 : 1e-3);
        add_drive(&t, d, "in");
        add_device(&t, d, "d", "in", "");
        const double step = end / (fine ? 3000.0 : 30.0);
        add(&t, ".tran %.17g %.17g 0 %.17g\n", step, end, step);
        for (size_t s = 0; s < m->n_state; s++)
            add(&saved, " d_%s", m->state[s].name);
        struct saved out = simulate(t.s, saved.s);
        ck_assert_close(saved_last(&out, 0), end, 1e-9, 0.0);
        for (size_t s = 0; s < m->n_state; s++)
            ck_assert_close(saved_last(&out, 1 + s), x[s], 0.0,
                            5e-6 * (m->state[s].hi - m->state[s].lo));
        free(out.value), free(t.s), free(saved.s);
    }
}
END_TEST

/* ---- TEAM-XYCE: 1 V, 1 kHz through 50 ohm ---------------------------------------------- */

#define TEAM_XYCE                                                                              \
    "v1 in 0 sin(0 1 1k)\nr1 in te 50\na1 %gd(te 0) x m1\n.model m1 ow_team(w_c=1e-12)\n"

/* The same circuit as one explicit ODE, v = sin R/(R + 50), classical Runge-Kutta with step
 * doubling: nothing in common with the code under test but the model. */
static double team_xyce_speed(const struct ow_model *m, const double param[], double t,
                              double x)
{
    const double r = 50.0 + 950.0 * fmin(fmax(x, 0.0), 1.0);
    struct ow_point at;
    ow_eval_one(m, param, sin(2e3 * M_PI * t) * r / (r + 50.0), &x, &at);
    return at.f[0];
}
static double runge_kutta(const struct ow_model *m, const double param[], double t, double x,
                          double h)
{
    const double k1 = team_xyce_speed(m, param, t, x),
                 k2 = team_xyce_speed(m, param, t + h / 2, x + h / 2 * k1),
                 k3 = team_xyce_speed(m, param, t + h / 2, x + h / 2 * k2),
                 k4 = team_xyce_speed(m, param, t + h, x + h * k3);
    return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
}
/* The state at the peak of the first half wave, and the largest one. */
static void team_xyce(double *x_quarter, double *x_max)
{
    const struct ow_model *m = ow_model_find("team");
    double param[OW_MAX_PARAMS];
    ow_params_default(m, param);
    param[ow_param_index(m, "w_c")] = 1e-12;
    double t = 0.0, x = 0.0, h = 1e-9;
    *x_quarter = NAN;
    *x_max = 0.0;
    while (t < 0.52e-3) {
        const double stop = t < 0.25e-3 ? 0.25e-3 : 0.52e-3;
        const double step = fmin(h, stop - t);
        const double whole = runge_kutta(m, param, t, x, step);
        const double half = runge_kutta(m, param, t + step / 2,
                                        runge_kutta(m, param, t, x, step / 2), step / 2);
        const double error = fabs(whole - half) / 1e-11;
        if (error <= 1.0) {
            t = stop - t <= step ? stop : t + step;
            x = half;
            *x_max = fmax(*x_max, x);
            if (t == 0.25e-3)
                *x_quarter = x;
        }
        h = step * fmin(2.0, fmax(0.2, 0.9 * pow(error + 1e-10, -0.2)));
    }
}

START_TEST(test_team_xyce)
{
    double x_quarter, x_max;
    team_xyce(&x_quarter, &x_max);
    double end[2] = {0};
    for (int fine = 0; fine < 2; fine++) {
        struct text t = {0};
        add(&t, ".options method=%s\n%s.tran %s 1m 0 %s\n", method[_i], TEAM_XYCE,
            fine ? "0.2u" : "20u", fine ? "0.2u" : "20u");
        struct saved out = simulate(t.s, "v(x)");
        double max = 0.0;
        for (size_t p = 0; p < out.n_point; p++)
            max = fmax(max, saved_at(&out, p, 1));
        ck_assert_close(max, x_max, 0.0, 1e-4); /* 100 tol */
        end[fine] = saved_last(&out, 1);
        free(out.value), free(t.s);
    }
    ck_assert_close(end[0], end[1], 0.0, 1e-4);
    ck_assert_close(x_max, 0.448218, 0.0, 1e-5); /* netlists/examples/team_loop.cir says so */
    ck_assert_double_gt(x_quarter, 0.2);
}
END_TEST

/* The state's share of di/dv makes Newton's method quadratic: 3.8 iterations an attempted
 * time point here (one to see the new source voltage, two for the answer, one to know it),
 * 4.5 without it. */
START_TEST(test_newton_knows_the_state_moves)
{
    write_deck(TEAM_XYCE ".tran 20u 1m 0 20u\n.control\npre_codemodel ./ohmweave.cm\n"
                         "run\nrusage traniter tranpoints\nquit 0\n.endc\n",
               "x");
    ck_assert_int_eq(run(OW_NGSPICE " -b deck.cir", "log"), 0);
    char *log = slurp("log");
    const char *iterations = strstr(log, "Transient iterations = "),
               *points = strstr(log, "Transient timepoints = ");
    ck_assert_msg(iterations && points, "%s", log);
    const double n_iteration = strtod(strchr(iterations, '=') + 1, NULL),
                 n_point = strtod(strchr(points, '=') + 1, NULL);
    ck_assert_msg(n_iteration < 4.1 * n_point, "%g iterations, %g points", n_iteration,
                  n_point);
    free(log);
}
END_TEST

/* ---- jumps in a circuit ----------------------------------------------------------------- */

/* Behind a resistor the voltage falls when the device switches on, and the next draw is
 * used up at another speed.  In closed form, since the voltage is constant between jumps:
 * the reference follows each plateau of the source with ow_advance. */
START_TEST(test_jump_is_seen_by_the_circuit)
{
    static const struct drive d = {"stochastic",
                                   {{"r_on", 1e4},
                                    {"r_off", 1e6},
                                    {"tau_set", 8e-3},
                                    {"v_set", 0.1},
                                    {"tau_reset", 8e-3},
                                    {"v_reset", 0.1},
                                    {"seed", 3},
                                    {"id", 17}},
                                   5,
                                   {0, 1e-8, 1e-6, 1.1e-6, 4e-6},
                                   {0, 1.2, 1.2, -1.6, -1.6}};
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    const struct ow_model *m = use(&d, param);
    const size_t e = m->event_state;
    ow_states_init(m, param, x);
    for (size_t k = 1; k < d.n; k++) {
        double t = d.t[k - 1];
        const double slope = (d.v[k] - d.v[k - 1]) / (d.t[k] - d.t[k - 1]);
        while (t < d.t[k]) {
            const double r = x[0] > 0.5 ? 1e4 : 1e6, share = r / (r + 5e3);
            struct ow_path path = {t, share * (d.v[k - 1] + slope * (t - d.t[k - 1])), d.t[k],
                                   share * d.v[k], 0.0};
            struct ow_advanced out = advance(m, param, &path, x);
            if (out.is_due) {
                path.v0 = path.v1 + (path.v0 - path.v1) * (out.t_due - t) / (d.t[k] - t);
                path.t0 = out.t_due;
                out = advance(m, param, &path, x);
            }
            memcpy(x, out.x, sizeof out.x);
            ow_fire_due(m, param, path.v0, 1e-6, x);
            t = path.t0;
        }
    }
    ck_assert_double_eq(x[2], 2.0); /* set and reset */
    for (int fine = 0; fine < 2; fine++) {
        struct text t = {0};
        add(&t, ".options method=%s\n", method[_i]);
        add_drive(&t, &d, "in");
        add(&t, "r1 in te 5k\n");
        add_device(&t, &d, "d", "te", "");
        add(&t, ".tran %s 4u 0 %s\n", fine ? "1n" : "100n", fine ? "1n" : "100n");
        struct saved out = simulate(t.s, "d_x d_h d_k te in");
        ck_assert_close(saved_last(&out, 1), x[0], 0.0, 1e-12);
        ck_assert_close(saved_last(&out, 1 + e), x[e], 0.0, 1e-4); /* 100 tol */
        ck_assert_close(saved_last(&out, 3), 2.0, 0.0, 1e-12);
        /* before and behind each jump the divider is that of its state, to ngspice's reltol
           of 1e-3 (linear circuit: much better), and the ramp between is short */
        for (size_t p = 1; p < out.n_point; p++) {
            const double r = saved_at(&out, p, 1) > 0.5 ? 1e4 : 1e6;
            ck_assert_close(saved_at(&out, p, 4), saved_at(&out, p, 5) * r / (r + 5e3), 1e-6,
                            1e-9);
            if (saved_at(&out, p, 3) != saved_at(&out, p - 1, 3))
                ck_assert_double_le(saved_at(&out, p, 0) - saved_at(&out, p - 1, 0), 10.1e-9);
        }
        free(out.value), free(t.s);
    }
}
END_TEST

/* ---- DC, AC, many instances, seeds --------------------------------------------------------
 */

START_TEST(test_dc_is_the_current_at_the_initial_state)
{
    const struct drive *d = &drive[_i];
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    const struct ow_model *m = use(d, param);
    ow_states_init(m, param, x);
    struct text t = {0};
    /* Newton's method goes to its end only if it is told to: a device may be curved. */
    add(&t, ".options reltol=1e-9\nv1 in 0 0\n");
    add_device(&t, d, "d", "in", "scale=1.7");
    add(&t, ".dc v1 -1.5 1.3 0.4\n");
    struct saved out = simulate(t.s, "i(v1)");
    ck_assert_uint_eq(out.n_point, 8);
    for (size_t p = 0; p < out.n_point; p++) {
        struct ow_point at;
        ow_eval_one(m, param, saved_at(&out, p, 0), x, &at);
        /* ngspice adds gmin = 1e-12 S nowhere here; its solution is exact to rounding */
        ck_assert_close(-saved_at(&out, p, 1), 1.7 * at.i, 1e-9, 1e-18);
    }
    free(out.value), free(t.s);
}
END_TEST

START_TEST(test_ac_is_the_conductance_at_frozen_states)
{
    const struct drive *d = &drive[_i];
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    const struct ow_model *m = use(d, param);
    ow_states_init(m, param, x);
    struct ow_point at;
    ow_eval_one(m, param, 0.83, x, &at);
    struct text t = {0};
    add(&t, "v1 in 0 0.83 ac 1\n");
    add_device(&t, d, "d", "in", "");
    add(&t, ".ac dec 1 1 1meg\n");
    struct saved out = simulate(t.s, "i(v1)");
    ck_assert(out.is_complex);
    ck_assert_uint_eq(out.n_point, 7);
    for (size_t p = 0; p < out.n_point; p++)
        ck_assert_close(-saved_at(&out, p, 1), at.di_dv, 1e-9, 0.0);
    free(out.value), free(t.s);
}
END_TEST

/* Every instance keeps its own parameters and its own state: 4000 of them, no two alike. */
START_TEST(test_four_thousand_instances)
{
    enum { N = 4000 };
    const struct ow_model *m = ow_model_find("team");
    struct text t = {0};
    add(&t, "v1 in 0 pwl(0 0 1n 0.9 30n 0.9)\n");
    double param[OW_MAX_PARAMS], current = 0.0;
    static double expected[N];
    ow_params_default(m, param);
    use(&drive[0], param);
    for (int k = 0; k < N; k++) {
        param[ow_param_index(m, "x0")] = 0.1 + 1e-4 * k;
        param[ow_param_index(m, "r_on")] = 1e4 + k;
        param[OW_RATE] = 1.0 + 1e-4 * k;
        add(&t,
            "a%d %%gd(in 0) x%d m%d\n.model m%d ow_team(ctrl=\"voltage\" window=\"none\" "
            "r_on=%d r_off=100k k_on=-26.7m k_off=26.7m alpha_on=2 alpha_off=2 v_on=-0.4 "
            "v_off=0.4 x0=%.17g rate=%.17g)\n",
            k, k, k, k, 10000 + k, param[ow_param_index(m, "x0")], param[OW_RATE]);
        double x = param[ow_param_index(m, "x0")];
        const struct ow_path rise = {0.0, 0.0, 1e-9, 0.9, 0.0},
                             flat = {1e-9, 0.9, 30e-9, 0.9, 0.0};
        x = advance(m, param, &rise, &x).x[0];
        x = advance(m, param, &flat, &x).x[0];
        expected[k] = x;
        struct ow_point at;
        ow_eval_one(m, param, 0.9, &x, &at);
        current += at.i;
    }
    add(&t, ".tran 1n 30n 0 1n\n");
    struct saved out = simulate(t.s, "i(v1) x0 x1 x1234 x3999");
    ck_assert_close(-saved_last(&out, 1), current, 1e-6, 0.0);
    const int shown[] = {0, 1, 1234, 3999};
    for (size_t k = 0; k < 4; k++)
        ck_assert_close(saved_last(&out, 2 + k), expected[shown[k]], 0.0, 1e-5);
    free(out.value), free(t.s);
}
END_TEST

/* The draw depends on seed and id, on nothing else: not on order, neighbours or steps. */
START_TEST(test_seed_and_id_make_the_draw)
{
    const struct ow_model *m = ow_model_find("stochastic");
    const double seed[] = {1, 1, 2, 4294967295.0}, id[] = {0, 9, 9, 4294967295.0};
    struct text t = {0};
    add(&t, ".param s=2 i=9\nv1 in 0 0.3\n");
    for (int k = 0; k < 4; k++)
        add(&t,
            "a%d %%gd(in 0) null h%d null null m%d\n.model m%d ow_stochastic(seed=%.0f "
            "id=%.0f)\n",
            k, k, k, k, seed[k], id[k]);
    /* through a subcircuit's braces, as text with an exponent */
    add(&t, ".include %s/ohmweave.inc\nx1 in 0 xx xh xk xp ow_stochastic_x seed={s} id={i}\n",
        OW_NETLISTS);
    add(&t, ".tran 1u 10u\n");
    struct saved out = simulate(t.s, "h0 h1 h2 h3 xh");
    double h[4];
    for (int k = 0; k < 4; k++) {
        double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
        ow_params_default(m, param);
        param[OW_SEED] = seed[k];
        param[OW_ID] = id[k];
        ow_states_init(m, param, x);
        h[k] = x[m->event_state];
        ck_assert_close(saved_at(&out, 0, 1 + (size_t)k), h[k], 1e-12, 0.0);
    }
    ck_assert_close(saved_at(&out, 0, 5), h[2], 1e-12, 0.0);
    ck_assert(h[0] != h[1] && h[1] != h[2] && h[2] != h[3]);
    free(out.value), free(t.s);
}
END_TEST

/* With `uic` there is no operating point; the drive is there from the first step. */
START_TEST(test_uic)
{
    const struct drive *d = &drive[0];
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use(d, param);
    double x = 0.13;
    const struct ow_path flat = {0.0, 0.9, 20e-9, 0.9, 0.0};
    x = advance(m, param, &flat, &x).x[0];
    struct text t = {0};
    add(&t, "v1 in 0 0.9\n");
    add_device(&t, d, "d", "in", "");
    add(&t, ".tran 1n 20n uic\n");
    struct saved out = simulate(t.s, "d_x");
    ck_assert_close(saved_last(&out, 1), x, 0.0, 5e-6);
    free(out.value), free(t.s);
}
END_TEST

/* Analyses one after the other in one session, with a parameter changed between. */
START_TEST(test_second_analysis_starts_afresh)
{
    struct text t = {0};
    const struct drive *d = &drive[0];
    add_drive(&t, d, "in");
    add_device(&t, d, "d", "in", "");
    add(&t, ".tran 1n 41n\n");
    add(&t, ".control\npre_codemodel ./ohmweave.cm\n"
            "run\nset numdgt=17\nlet a = d_x[length(d_x)-1]\nlet first = d_x[0]\n"
            "tran 0.5n 41n\nlet b = d_x[length(d_x)-1]\nlet again = d_x[0]\n"
            "altermod md x0 = 0.31\ntran 1n 41n\nlet c = d_x[0]\n"
            "print tran1.a tran1.first tran2.b tran2.again tran3.c\nquit 0\n.endc\n");
    write_deck(t.s, "d_x");
    ck_assert_int_eq(run(OW_NGSPICE " -b deck.cir", "log"), 0);
    char *log = slurp("log");
    const char *const name[] = {
        "tran1.a = ", "tran1.first = ", "tran2.b = ", "tran2.again = ", "tran3.c = "};
    double value[5];
    for (int k = 0; k < 5; k++) {
        const char *at = strstr(log, name[k]);
        ck_assert_msg(at, "no %s in %s", name[k], log);
        value[k] = strtod(at + strlen(name[k]), NULL);
    }
    ck_assert_close(value[0], value[2], 0.0, 1e-5);
    ck_assert_close(value[1], 0.13, 1e-12, 0.0);
    ck_assert_close(value[3], 0.13, 1e-12, 0.0);
    ck_assert_close(value[4], 0.31, 1e-12, 0.0);
    free(log), free(t.s);
}
END_TEST

/* ---- every parameter set ------------------------------------------------------------------
 */

/* The least of a few voltages that moves something, and for as long as it takes it about half
 * of its travel, both ways.  Positive feedback may take it to the end: so much the better. */
static struct drive drive_of(const struct ow_model *m, const double param[])
{
    static const double volt[] = {0.4, 0.9, 1.7, 3.3, 5.9};
    struct drive d = {.model = m->name, .n = 6};
    double speed = 0.0, x[OW_MAX_STATES];
    ow_states_init(m, param, x);
    for (size_t k = 0; k < 5 && speed < 1e-2; k++) {
        for (int sign = 0; sign < 2; sign++) {
            struct ow_point at;
            ow_eval_one(m, param, d.v[1] = sign ? -volt[k] : volt[k], x, &at);
            for (size_t s = 0; s < m->n_state; s++)
                speed = fmax(speed, fabs(at.f[s]) / (m->state[s].hi - m->state[s].lo));
        }
        d.v[1] = volt[k];
    }
    const double span = 0.5 / fmax(speed, 1e-2);
    const double t[] = {0.0, 0.1, 1.0, 1.3, 2.1, 2.4}, v[] = {0.0, 1.0, 0.9, -1.1, -1.0, 0.2};
    const double most = d.v[1];
    for (size_t k = 0; k < d.n; k++) {
        d.t[k] = span * t[k];
        d.v[k] = most * v[k];
    }
    return d;
}

/* A set's card, as the file has it: the operating point, a sweep and the small signal are the
 * model's at its initial states, a transient with and without an operating point ends where
 * the integrator by itself does. */
START_TEST(test_every_set_in_every_analysis)
{
    const struct ow_set *set = &ow_sets[_i];
    const struct ow_model *m = NULL;
    double param[OW_MAX_PARAMS], x0[OW_MAX_STATES] = {0}, x[OW_MAX_STATES] = {0};
    struct ow_error err = {0};
    struct ow_point at;
    struct text t = {0}, nodes = {0};
    ck_assert_ok(ow_set_model(set->text, set->name, &m, &err), err);
    ow_params_default(m, param);
    ck_assert_ok(ow_set_apply(set->text, set->name, m, param, &err), err);
    const struct drive d = drive_of(m, param);
    follow(m, param, &d, x);
    ow_states_init(m, param, x0);
    ow_eval_one(m, param, 0.83, x0, &at);

    add(&t,
        "* set\n.options reltol=1e-9 abstol=1e-18 numdgt=17\n.include %s/%s.inc\nv1 in 0 dc "
        "0.83 ac 1 pwl(",
        OW_SETS, set->name);
    for (size_t k = 0; k < d.n; k++)
        add(&t, " %.17g %.17g", d.t[k], d.v[k]);
    add(&t, ")\na1 %%gd(in 0)");
    for (size_t s = 0; s < m->n_state; s++) {
        add(&t, " n_%s", m->state[s].name);
        add(&nodes, " n_%s", m->state[s].name);
    }
    const double end = d.t[d.n - 1];
    add(&t,
        " %s\n.control\npre_codemodel ./ohmweave.cm\nset filetype=ascii\nset numdgt=17\n"
        "op\nwrite op.raw i(v1)\ndc v1 -1.3 1.3 0.26\nwrite dc.raw i(v1)\nac dec 1 10 1k\n"
        "write ac.raw i(v1)\n",
        set->name);
    for (int uic = 0; uic < 2; uic++)
        add(&t, "tran %.17g %.17g 0 %.17g%s\nwrite tran%d.raw i(v1)%s\n", end / 100.0, end,
            end / 100.0, uic ? " uic" : "", uic, nodes.s ? nodes.s : "");
    add(&t, "quit 0\n.endc\n.end\n");
    write_file("deck.cir", t.s);
    const int status = run(OW_NGSPICE " -b deck.cir", "log");
    if (status != 0) {
        char *log = slurp("log");
        ck_abort_msg("%s: status %d: %.2000s", set->name, status, log);
    }

    struct saved op = read_raw("op.raw"), dc = read_raw("dc.raw"), ac = read_raw("ac.raw");
    ck_assert_close(-saved_at(&op, 0, op.n_vector - 1), at.i, 1e-9, 1e-18);
    for (size_t p = 0; p < ac.n_point; p++)
        ck_assert_close(-saved_at(&ac, p, 1), at.di_dv, 1e-9, 0.0);
    ck_assert_uint_eq(dc.n_point, 11);
    for (size_t p = 0; p < dc.n_point; p++) {
        ow_eval_one(m, param, saved_at(&dc, p, 0), x0, &at);
        ck_assert_close(-saved_at(&dc, p, 1), at.i, 1e-9, 1e-18);
    }
    for (int uic = 0; uic < 2; uic++) {
        struct saved out = read_raw(uic ? "tran1.raw" : "tran0.raw");
        ck_assert_close(saved_last(&out, 0), end, 1e-9, 0.0);
        for (size_t p = 0; p < out.n_point; p++) /* passive at every instant */
            ck_assert(isfinite(saved_at(&out, p, 1)));
        for (size_t s = 0; s < m->n_state; s++)
            ck_assert_close(saved_last(&out, 2 + s), x[s], 0.0,
                            5e-6 * (m->state[s].hi - m->state[s].lo));
        ow_eval_one(m, param, d.v[d.n - 1], x, &at);
        ck_assert_close(-saved_last(&out, 1), at.i, 1e-3, 1e-18);
        free(out.value);
    }
    free(op.value), free(dc.value), free(ac.value), free(t.s), free(nodes.s);
}
END_TEST

/* ---- parameters that are refused ------------------------------------------------------------
 */

static const struct {
    const char *card, *complaint;
} refused[] = {
    {"ow_team(r_on=-5)", "r_on = -5"}, {"ow_team(r_on=2k r_off=1k)", "r_o"},
    {"ow_team(i_on=8.9u)", "i_on"},    {"ow_team(ctrl=\"volt\")", "ctrl = volt"},
    {"ow_team(ctrl=2)", "ctrl"},       {"ow_team(ctrl=0.5)", "ctrl"},
    {"ow_team(seed=1.5)", "seed"},     {"ow_team(tol=1)", "tol"},
};
static const char *const analysis[] = {".op", ".dc v1 0 1 0.5", ".ac dec 1 1 10",
                                       ".tran 1u 10u", ".tran 1u 10u uic"};
enum {
    N_REFUSED = sizeof refused / sizeof refused[0],
    N_ANALYSIS = sizeof analysis / sizeof analysis[0]
};

START_TEST(test_refused_parameter_fails_the_analysis)
{
    const char *how = analysis[_i % N_ANALYSIS];
    const size_t r = (size_t)_i / N_ANALYSIS;
    struct text t = {0};
    add(&t,
        "v1 in 0 1\na_good %%gd(in 0) null good\n.model good ow_team()\n"
        ".subckt inner te\na_bad %%gd(te 0) null bad\n.model bad %s\n.ends\nx7 in inner\n%s\n",
        refused[r].card, how);
    write_deck(t.s, "all");
    remove("out.raw");
    run(OW_NGSPICE " -b deck.cir", "log");
    char *log = slurp("log");
    ck_assert_msg(strstr(log, "a.x7.a_bad"), "the instance is not named: %s", log);
    ck_assert_msg(strstr(log, refused[r].complaint), "no %s in: %s", refused[r].complaint, log);
    ck_assert_msg(!strstr(log, "a_good  "), "the wrong instance: %s", log);
    ck_assert_msg(strstr(log, "aborted"), "not aborted: %s", log);
    const char *first = strstr(log, "ERROR - ow_team");
    ck_assert(first && !strstr(first + 1, "ERROR - ow_team")); /* said once */
    if (access("out.raw", R_OK) == 0) { /* no more than ngspice's constants */
        char *raw = slurp("out.raw");
        ck_assert_msg(strstr(raw, "Plotname: constants"), "%s", raw);
        free(raw);
    }
    free(log), free(t.s);
}
END_TEST

/* A library for a host that this one is not says so, and the analysis fails. */
START_TEST(test_foreign_host_is_refused)
{
    static const char *const foreign[] = {OW_FOREIGN_CODEMODEL, OW_FOREIGN_PORT,
                                          OW_FOREIGN_HEAD};
    write_deck("v1 in 0 1\na_here %gd(in 0) null m1\n.model m1 ow_team()\n.tran 1u 10u\n",
               "all");
    ck_assert_int_eq(remove("ohmweave.cm"), 0);
    ck_assert_int_eq(symlink(foreign[_i], "ohmweave.cm"), 0);
    run(OW_NGSPICE " -b deck.cir", "log");
    char *log = slurp("log");
    ck_assert_msg(strstr(log, "built for another ngspice"), "%s", log);
    ck_assert_msg(strstr(log, "a_here") && strstr(log, "aborted"), "%s", log);
    free(log);
}
END_TEST

/* How many devices the library offers to whoever loads it. */
static int n_offered(void)
{
    void *library = dlopen(OW_CODEMODEL, RTLD_NOW), *(*count)(void);
    ck_assert_msg(library != NULL, "%s", dlerror());
    *(void **)&count = dlsym(library, "CMdevNum");
    ck_assert(count != NULL);
    const int n = *(const int *)count();
    ck_assert_int_eq(dlclose(library), 0);
    return n;
}

/* An ngspice whose own code models are laid out otherwise would crash over ours. */
START_TEST(test_nothing_is_offered_to_another_host)
{
    const char *path = getenv("OW_OTHER_HOST");
    ck_assert_int_eq(n_offered(), (int)ow_n_models);
    if (!path) {
        puts("OW_OTHER_HOST is not set");
        return;
    }
    void *other = dlopen(path, RTLD_NOW);
    ck_assert_msg(other != NULL, "%s", dlerror());
    ck_assert_int_eq(n_offered(), 0);
    ck_assert_int_eq(dlclose(other), 0);
    ck_assert_int_eq(n_offered(), (int)ow_n_models);
}
END_TEST

/* ---- libngspice
 * --------------------------------------------------------------------------------- */

#ifdef OW_HAVE_SHAREDSPICE
static int on_text(char *text, int id, void *user)
{
    (void)id;
    if (strstr(text, "rror") && !strstr(text, "spinit"))
        (*(int *)user)++;
    return 0;
}
static int on_exit_request(int status, NG_BOOL unload, NG_BOOL quit, int id, void *user)
{
    (void)status, (void)unload, (void)quit, (void)id, (void)user;
    _exit(3);
}

/* libngspice, loaded and started; `command` is NULL where there is none. */
struct library {
    int (*command)(char *);
    int (*circ)(char **);
    pvector_info (*vector)(char *);
    int n_error; /* counted by on_text() */
};

static void start_library(struct library *l)
{
    *l = (struct library){0};
    void *lib = dlopen("libngspice.so.0", RTLD_NOW);
    if (!lib) {
        printf("skipped: no libngspice (%s)\n", dlerror());
        return;
    }
    int (*init)(SendChar *, SendStat *, ControlledExit *, SendData *, SendInitData *,
                BGThreadRunning *, void *);
    *(void **)&init = dlsym(lib, "ngSpice_Init");
    *(void **)&l->circ = dlsym(lib, "ngSpice_Circ");
    *(void **)&l->command = dlsym(lib, "ngSpice_Command");
    *(void **)&l->vector = dlsym(lib, "ngGet_Vec_Info");
    ck_assert(init && l->circ && l->command && l->vector);
    ck_assert_int_eq(init(on_text, NULL, on_exit_request, NULL, NULL, NULL, &l->n_error), 0);
}

static void tell(const struct library *l, const char *format, const char *word)
{
    char line[256];
    snprintf(line, sizeof line, format, word);
    ck_assert_msg(l->command(line) == 0, "libngspice: %s", line);
}

/* Rejected steps must go back to the last accepted time, no further (see ow_codemodel.c):
 * same circuit, same answer, time that only grows. */
START_TEST(test_libngspice_agrees)
{
    struct library lib;
    start_library(&lib);
    if (!lib.command)
        return;
    tell(&lib, "codemodel %s", "./ohmweave.cm");
    char line[][64] = {"* team",
                       "v1 in 0 sin(0 1 1k)",
                       "r1 in te 50",
                       "a1 %gd(te 0) x m1",
                       ".model m1 ow_team(w_c=1e-12)",
                       "c1 te 0 1n",
                       ".tran 20u 1m 0 20u",
                       ".end"};
    char *deck[sizeof line / sizeof line[0] + 1] = {0};
    for (size_t k = 0; k < sizeof line / sizeof line[0]; k++)
        deck[k] = line[k];
    ck_assert_int_eq(lib.circ(deck), 0);
    char v_x[] = "v(x)", v_time[] = "time";
    tell(&lib, "%s", "run");
    ck_assert_int_eq(lib.n_error, 0);
    const pvector_info time = lib.vector(v_time);
    ck_assert(time && time->v_length > 10);
    for (int k = 1; k < time->v_length; k++)
        ck_assert_double_gt(time->v_realdata[k], time->v_realdata[k - 1]);
    const pvector_info x = lib.vector(v_x); /* the same memory as `time` */
    ck_assert_ptr_nonnull(x);
    double x_max = 0.0;
    for (int k = 0; k < x->v_length; k++)
        x_max = fmax(x_max, x->v_realdata[k]);

    struct saved out = simulate(TEAM_XYCE "c1 te 0 1n\n.tran 20u 1m 0 20u\n", "v(x)");
    double wanted = 0.0;
    for (size_t p = 0; p < out.n_point; p++)
        wanted = fmax(wanted, saved_at(&out, p, 1));
    ck_assert_close(x_max, wanted, 0.0, 1e-9); /* the same steps */
    ck_assert_int_eq(x->v_length, (int)out.n_point);
    ck_assert_close(x->v_realdata[x->v_length - 1], saved_last(&out, 1), 0.0, 1e-9);
    free(out.value);
}
END_TEST
#endif

/* ---- slow: many instances of every model, every analysis, both hosts ----------------------
 */

static const struct {
    const char *name, *command;
    double v[3]; /* V, of each point; the transient ends at v[0] */
    size_t n_point;
    double rtol;
} session[] = {
    {"op", "op", {0.1}, 1, 1e-9},
    {"dc", "dc v1 0.07 0.17 0.05", {0.07, 0.12, 0.17}, 3, 1e-9},
    {"ac", "ac dec 1 10 100", {0.1, 0.1}, 2, 1e-9},
    {"tran", "tran 1n 20n", {0.1}, 0, 1e-5}, /* the states are good to 1e-6 of their travel */
    {"uic", "tran 1n 20n uic", {0.1}, 0, 1e-5},
};
enum { N_SESSION = sizeof session / sizeof session[0], N_MANY = 10000 };
static const double SESSION_END = 20e-9;

/* Instance k: no two have the same scale, nor the same initial state where the model's first
 * state has a range for it. */
static void parameters_of(const struct ow_model *m, int k, double param[])
{
    ow_params_default(m, param);
    param[OW_SCALE] = 0.5 + (double)k / N_MANY;
    if (m->n_state == 0)
        return;
    const struct ow_state *st = &m->state[0];
    const struct ow_param *row = &m->param[st->init];
    const double lo = fmax(row->lo, st->lo), hi = fmin(row->hi, st->hi);
    const double dflt = param[st->init];
    if (hi > lo && !st->is_discrete)
        param[st->init] = lo + (0.2 + 0.6 * k / N_MANY) * (hi - lo);
    if (ow_params_check(m, param, NULL, NULL) != OW_OK)
        param[st->init] = dflt;
}

/* What all instances together carry: A, or S for ac. */
static double expected_sum(const struct ow_model *m, size_t a, double v)
{
    double sum = 0.0;
    for (int k = 0; k < N_MANY; k++) {
        double param[OW_MAX_PARAMS], x[OW_MAX_STATES] = {0};
        parameters_of(m, k, param);
        ow_states_init(m, param, x);
        if (session[a].n_point == 0) {
            const struct ow_path flat = {0.0, v, SESSION_END, v, 0.0};
            const struct ow_advanced out = advance(m, param, &flat, x);
            ck_assert(!out.is_due);
            memcpy(x, out.x, sizeof x);
        }
        struct ow_point at;
        ow_eval_one(m, param, v, x, &at);
        sum += strcmp(session[a].name, "ac") == 0 ? at.di_dv : at.i;
    }
    return sum;
}

static void check_session(const struct ow_model *m, const char *host)
{
    for (size_t a = 0; a < N_SESSION; a++) {
        char file[32];
        snprintf(file, sizeof file, "%s.raw", session[a].name);
        ck_assert_msg(access(file, R_OK) == 0, "ow_%s in %s: no %s", m->name, host,
                      session[a].command);
        struct saved out = read_raw(file);
        const size_t n = session[a].n_point, last = n > 0 ? n : 1;
        ck_assert_msg(n > 0 ? out.n_point == n : out.n_point > 10, "%s: %zu points",
                      session[a].command, out.n_point);
        for (size_t p = 0; p < last; p++) {
            const double is = -saved_at(&out, n > 0 ? p : out.n_point - 1, out.n_vector - 1),
                         wanted = expected_sum(m, a, session[a].v[p]);
            ck_assert_msg(fabs(is - wanted) <= session[a].rtol * fabs(wanted),
                          "ow_%s in %s, %s, point %zu: %.17g, expected %.17g", m->name, host,
                          session[a].command, p, is, wanted);
        }
        free(out.value);
    }
}

static void many_instances(const struct ow_model *m, struct text *t)
{
    add(t, "* many\n.options numdgt=17 reltol=1e-9\nv1 in 0 dc 0.1 ac 1\n");
    for (int k = 0; k < N_MANY; k++) {
        double param[OW_MAX_PARAMS];
        parameters_of(m, k, param);
        add(t, "a%d %%gd(in 0)", k);
        for (size_t s = 0; s < m->n_state; s++)
            add(t, " null");
        add(t, " m%d\n.model m%d ow_%s(scale=%.17g", k, k, m->name, param[OW_SCALE]);
        if (m->n_state > 0)
            add(t, " %s=%.17g", m->param[m->state[0].init].name, param[m->state[0].init]);
        add(t, ")\n");
    }
}

START_TEST(test_many_instances_in_ngspice)
{
    const struct ow_model *m = ow_models[_i];
    struct text t = {0};
    many_instances(m, &t);
    add(&t, ".control\npre_codemodel ./ohmweave.cm\nset filetype=ascii\nset numdgt=17\n"
            "save i(v1)\n");
    for (size_t a = 0; a < N_SESSION; a++)
        add(&t, "%s\nwrite %s.raw i(v1)\n", session[a].command, session[a].name);
    add(&t, "quit 0\n.endc\n.end\n");
    write_file("deck.cir", t.s);
    const int status = run(OW_NGSPICE " -b deck.cir", "log");
    if (status != 0) {
        char *log = slurp("log");
        ck_abort_msg("ow_%s: status %d: %.2000s", m->name, status, log);
    }
    check_session(m, "ngspice");
    free(t.s);
}
END_TEST

#ifdef OW_HAVE_SHAREDSPICE
START_TEST(test_many_instances_in_libngspice)
{
    const struct ow_model *m = ow_models[_i];
    struct library lib;
    start_library(&lib);
    if (!lib.command)
        return;
    struct text t = {0};
    many_instances(m, &t);
    add(&t, ".end\n");
    write_file("deck.cir", t.s);
    free(t.s);
    tell(&lib, "codemodel %s", "./ohmweave.cm");
    tell(&lib, "set filetype=%s", "ascii");
    tell(&lib, "set numdgt=%s", "17");
    tell(&lib, "source %s", "deck.cir");
    tell(&lib, "save %s", "i(v1)");
    for (size_t a = 0; a < N_SESSION; a++) {
        tell(&lib, "%s", session[a].command);
        tell(&lib, "write %s.raw i(v1)", session[a].name);
    }
    ck_assert_int_eq(lib.n_error, 0);
    check_session(m, "libngspice");
}
END_TEST
#endif

static void add_slow_tests(Suite *suite)
{
    TCase *tc = tcase_create("slow");
    tcase_set_timeout(tc, 110);
    tcase_add_checked_fixture(tc, make_folder, remove_folder);
    tcase_add_loop_test(tc, test_many_instances_in_ngspice, 0, (int)ow_n_models);
#ifdef OW_HAVE_SHAREDSPICE
    /* one process each: ngspice is not made to be started twice */
    if (!(getenv("CK_FORK") && strcmp(getenv("CK_FORK"), "no") == 0))
        tcase_add_loop_test(tc, test_many_instances_in_libngspice, 0, (int)ow_n_models);
#endif
    suite_add_tcase(suite, tc);
}

static void add_ngspice_tests(Suite *suite)
{
    TCase *tc = tcase_create("ngspice");
    tcase_set_timeout(tc, 110);
    tcase_add_checked_fixture(tc, make_folder, remove_folder);
    tcase_add_loop_test(tc, test_step_does_not_matter, 0, 2 * N_DRIVE);
    tcase_add_loop_test(tc, test_team_xyce, 0, 2);
    tcase_add_test(tc, test_newton_knows_the_state_moves);
    tcase_add_loop_test(tc, test_jump_is_seen_by_the_circuit, 0, 2);
    tcase_add_loop_test(tc, test_dc_is_the_current_at_the_initial_state, 0, N_DRIVE);
    tcase_add_loop_test(tc, test_ac_is_the_conductance_at_frozen_states, 0, N_DRIVE);
    tcase_add_test(tc, test_four_thousand_instances);
    tcase_add_test(tc, test_seed_and_id_make_the_draw);
    tcase_add_test(tc, test_uic);
    tcase_add_loop_test(tc, test_every_set_in_every_analysis, 0, (int)ow_n_sets);
    tcase_add_test(tc, test_second_analysis_starts_afresh);
    tcase_add_loop_test(tc, test_refused_parameter_fails_the_analysis, 0,
                        N_REFUSED * N_ANALYSIS);
    tcase_add_loop_test(tc, test_foreign_host_is_refused, 0, 3);
    tcase_add_test(tc, test_nothing_is_offered_to_another_host);
#ifdef OW_HAVE_SHAREDSPICE
    tcase_add_test(tc, test_libngspice_agrees);
#endif
    suite_add_tcase(suite, tc);
}

#endif

int main(void)
{
    Suite *suite = suite_create("xspice");
#if defined(OW_CODEMODEL) && defined(OW_NGSPICE)
    if (getenv("OW_SLOW")) { /* meson test --suite slow */
        add_slow_tests(suite);
        return run_suite(suite);
    }
#endif
    TCase *tc = tcase_create("advance");
    tcase_set_timeout(tc, 110);
    tcase_add_test(tc, test_order_is_four);
    tcase_add_test(tc, test_error_follows_tolerance);
    tcase_add_test(tc, test_stiff_state_costs_few_steps);
    tcase_add_test(tc, test_pieces_make_the_whole);
    tcase_add_test(tc, test_bulge_in_closed_form);
    tcase_add_test(tc, test_nonsense_is_refused);
    tcase_add_test(tc, test_drives_cover_the_registry);
    tcase_add_loop_test(tc, test_tolerance_bounds_the_answer, 0, N_DRIVE);
    tcase_add_loop_test(tc, test_sensitivities_match_differences, 0, N_DRIVE);
    tcase_add_test(tc, test_vteam_ramp_in_closed_form);
    tcase_add_test(tc, test_vteam_bulge_above_the_threshold);
    tcase_add_loop_test(tc, test_threshold_is_crossed_at_once, 0, 2);
    tcase_add_test(tc, test_driftdiff_decay_in_closed_form);
    tcase_add_test(tc, test_event_time_on_a_ramp);
    tcase_add_loop_test(tc, test_no_end_holds_the_state, 0, 2 * (int)ow_n_sets);
    tcase_add_test(tc, test_fire_due_fires_once);
    suite_add_tcase(suite, tc);
#if defined(OW_CODEMODEL) && defined(OW_NGSPICE)
    add_ngspice_tests(suite);
#else
    printf("skipped: everything inside ngspice (ohmweave.cm not built or ngspice missing; "
           "scripts/setup fetches what it needs)\n");
#endif
    return run_suite(suite);
}
