/* For tests of models: parameters out of a set, and an integrator of the tests' own that
 * shares nothing with the hosts. */
#ifndef OW_REFERENCE_ODE_H
#define OW_REFERENCE_ODE_H

#include <string.h>

#include "ow_check.h"
#include "ow_model.h"
#include "ow_sets.h"

/* A set's model, and in `param` its parameters on top of the defaults. */
static inline const struct ow_model *use_set(const char *name, double param[])
{
    struct ow_error err = {0};
    const struct ow_set *set = ow_set_find(name);
    const struct ow_model *m = NULL;
    ck_assert_msg(set != NULL, "no set %s", name);
    ck_assert_ok(ow_set_model(set->text, set->name, &m, &err), err);
    ow_params_default(m, param);
    ck_assert_ok(ow_set_apply(set->text, set->name, m, param, &err), err);
    ck_assert_ok(ow_params_check(m, param, NULL, &err), err);
    return m;
}

static inline size_t index_of(const struct ow_model *m, const char *name)
{
    const size_t k = ow_param_index(m, name);
    ck_assert_msg(k < m->n_param, "%s has no %s", m->name, name);
    return k;
}

static inline void put(const struct ow_model *m, double param[], const char *name, double value)
{
    param[index_of(m, name)] = value;
}

static inline double get(const struct ow_model *m, const double param[], const char *name)
{
    return param[index_of(m, name)];
}

/* A device and what drives it: v(t), or a circuit around the device in v(t, x). */
struct ode {
    const struct ow_model *m;
    const double *param;
    double (*v)(const struct ode *ode, double t, const double x[]);
    double arg[3]; /* of v() */
};

static inline void ode_slope(const struct ode *ode, double t, const double x[], double f[])
{
    struct ow_point pt;
    ow_eval_one(ode->m, ode->param, ode->v(ode, t, x), x, &pt);
    memcpy(f, pt.f, sizeof pt.f);
}

/* Dormand and Prince's 5(4) pair (J. Comput. Appl. Math. 6 (1980) 19) from t to t_end with
 * steps of t_end - t over `n_least` at most; local error `tol` in every state.  least and
 * most: NULL, or the extremes of state 0 at the ends of steps, which go on from what they
 * hold. */
static inline void ode_run(const struct ode *ode, double t, double t_end, double n_least,
                           double tol, double x[], double *least, double *most)
{
    static const double c[7] = {0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1};
    static const double a[7][6] = {
        {0},
        {1.0 / 5},
        {3.0 / 40, 9.0 / 40},
        {44.0 / 45, -56.0 / 15, 32.0 / 9},
        {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
        {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656},
        {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84}};
    static const double e[7] = {71.0 / 57600,      0,          -71.0 / 16695, 71.0 / 1920,
                                -17253.0 / 339200, 22.0 / 525, -1.0 / 40};
    const double h_most = (t_end - t) / n_least;
    double h = h_most * 1e-3, k[7][OW_MAX_STATES], y[OW_MAX_STATES];
    for (long n_step = 0; t < t_end; n_step++) {
        if (n_step >= 20000000) /* not ck_assert_msg(), which takes its time */
            ck_abort_msg("the test's integrator is stuck at t = %g", t);
        const bool is_last = h >= t_end - t;
        if (is_last)
            h = t_end - t;
        double error = 0.0;
        for (size_t q = 0; q < 7; q++) {
            for (size_t s = 0; s < ode->m->n_state; s++) {
                y[s] = x[s];
                for (size_t r = 0; r < q; r++)
                    y[s] += h * a[q][r] * k[r][s];
            }
            ode_slope(ode, t + c[q] * h, y, k[q]);
        }
        for (size_t s = 0; s < ode->m->n_state; s++) {
            double d = 0.0;
            for (size_t q = 0; q < 7; q++)
                d += h * e[q] * k[q][s];
            error = fmax(error, fabs(d) / tol);
        }
        if (error <= 1.0) {
            t = is_last ? t_end : t + h;
            memcpy(x, y, ode->m->n_state * sizeof *x);
            if (least)
                *least = fmin(*least, x[0]);
            if (most)
                *most = fmax(*most, x[0]);
        }
        h *= fmin(fmax(0.9 * pow(fmax(error, 1e-10), -0.2), 0.2), 5.0);
        h = fmin(h, h_most);
    }
}

/* v = arg[0] sin(2 pi arg[1] t) across the device */
static inline double ode_sine(const struct ode *ode, double t, const double x[])
{
    (void)x;
    return ode->arg[0] * sin(2.0 * M_PI * ode->arg[1] * t);
}

/* v = arg[0] across the device */
static inline double ode_constant(const struct ode *ode, double t, const double x[])
{
    (void)t, (void)x;
    return ode->arg[0];
}

#endif
