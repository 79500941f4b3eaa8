/* Threshold switch with a hold voltage: a volatile selector.
 *
 * It turns on above v_th, keeps its state between v_hold and v_th, and turns off below
 * v_hold, as in V-VTEAM (Patni, Daniels, Kvatinsky, 2024; structure as in public code, paper
 * not read).  The smooth form is ohmweave's own: two rates, opened by logistic functions of
 * width v_w instead of steps,
 *
 *   dx/dt = (1 - x) s((|v| - v_th)/v_w)/tau_on - x s((v_hold - |v|)/v_w)/tau_off
 *   s(z) = 1/(1 + exp(-z)),   R = r_off (r_on/r_off)^x
 *
 * x: 1 is on, 0 is off; it stays between them by itself. */
#include "ow_cells.h"
#include "ow_exp.h"
#include "ow_simd.h"
#include "ow_soft_stop.h"

#include <math.h>

extern const struct ow_model ow_selector_ts;

enum {
    X0 = OW_N_COMMON, /* the initial state first: see ow_cells_vary() */
    R_ON,
    R_OFF,
    V_TH,
    V_HOLD,
    V_W,
    TAU_ON,
    TAU_OFF,
    N_PARAM
};

/* clang-format off */
static const struct ow_param param[] = {
    OW_COMMON_PARAMS,
    {"x0",      "1",   0.0,   0.0,   1.0,  NULL, "initial state, 1 = on, 0 = off"},
    {"r_on",    "ohm", 1e3,   1e-3,  1e12, NULL, "resistance while on"},
    {"r_off",   "ohm", 1e9,   1e-3,  1e18, NULL, "resistance while off; above r_on"},
    {"v_th",    "V",   0.8,   1e-3,  1e3,  NULL, "threshold: turns on above; above v_hold"},
    {"v_hold",  "V",   0.2,   1e-3,  1e3,  NULL, "hold voltage: turns off below"},
    {"v_w",     "V",   10e-3, 1e-4,  1e2,  NULL, "width of both thresholds; at most v_hold/5"},
    {"tau_on",  "s",   1e-9,  1e-15, 1e6,  NULL, "time constant of turning on"},
    {"tau_off", "s",   10e-9, 1e-15, 1e6,  NULL, "time constant of turning off"},
};
static const struct ow_state state[] = {
    {"x", 0.0, 1.0, X0, false, "1 = on, 0 = off"},
};
/* clang-format on */
_Static_assert(sizeof param / sizeof param[0] == N_PARAM, "one row for each index");
_Static_assert((int)N_PARAM <= (int)OW_MAX_PARAMS, "raise OW_MAX_PARAMS");

static const char *check(const double p[])
{
    if (!(p[R_ON] < p[R_OFF]))
        return "r_on must be below r_off";
    if (!(p[V_HOLD] < p[V_TH]))
        return "v_hold must be below v_th";
    /* or the switch would neither rest at 0 V nor have a corner there small enough */
    if (!(p[V_W] <= 0.2 * p[V_HOLD]))
        return "v_w must be at most a fifth of v_hold";
    return NULL;
}

/* The logistic function and its derivative. */
static double logistic(double z, double *d_z)
{
    const double e = exp(-fabs(z)), s = z >= 0.0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
    *d_z = e / ((1.0 + e) * (1.0 + e));
    return s;
}

static void selector_cell(const double p[], double v, const double x[], struct ow_point *pt)
{
    const double xc = fmin(fmax(x[0], 0.0), 1.0);
    const double lambda = log(p[R_OFF] / p[R_ON]);
    ow_ohmic(exp(lambda * xc) / p[R_OFF], v, pt);
    pt->di_dx[0] = x[0] == xc ? lambda * pt->i : 0.0;

    double on_z, off_z;
    const double u = fabs(v), sign = v < 0.0 ? -1.0 : 1.0;
    const double on = logistic((u - p[V_TH]) / p[V_W], &on_z) / p[TAU_ON];
    const double off = logistic((p[V_HOLD] - u) / p[V_W], &off_z) / p[TAU_OFF];
    /* linear in x, also outside the travel, up to a size that stays finite */
    const double xf = fmin(fmax(x[0], -OW_STOP_DEEPEST), OW_STOP_DEEPEST);
    pt->f[0] = (1.0 - xf) * on - xf * off;
    pt->df_dv[0] = sign * ((1.0 - xf) * on_z / p[TAU_ON] + xf * off_z / p[TAU_OFF]) / p[V_W];
    pt->df_dx[0][0] = x[0] == xf ? -on - off : 0.0;
}

static void eval(const struct ow_cells *cells, struct ow_response *out)
{
    ow_each_cell(cells, &ow_selector_ts, X0 + 1, 1, selector_cell, out);
}

OW_WIDE static void ts_exponents(size_t n, const double x[], double lambda, double z[])
{
    for (size_t j = 0; j < n; j++)
        z[j] = lambda * x[j];
}

OW_WIDE static void ts_currents(size_t n, const double v[], double r_off, double i[],
                                double di_dv[])
{
    for (size_t j = 0; j < n; j++) {
        di_dv[j] /= r_off;
        i[j] = di_dv[j] * v[j];
    }
}

static void conduct(const struct ow_cells *cells, double i[], double di_dv[])
{
    const double *p = cells->param;
    if (ow_cells_vary(cells, X0 + 1, N_PARAM)) {
        ow_each_current(cells, &ow_selector_ts, X0 + 1, 1, selector_cell, i, di_dv);
        return;
    }
    const double lambda = log(p[R_OFF] / p[R_ON]);
    for (size_t first = 0; first < cells->n; first += OW_CELLS_BLOCK) {
        const size_t n = ow_cells_left(cells, first);
        double v[OW_CELLS_BLOCK], *g = di_dv + first;
        ow_hold_all(n, cells->v + first, OW_V_LIMIT, v);
        /* x held within [0, 1], as +-1/2 around the middle */
        for (size_t j = 0; j < n; j++)
            g[j] = cells->x[0][first + j] - 0.5;
        ow_hold_all(n, g, 0.5, g);
        for (size_t j = 0; j < n; j++)
            g[j] += 0.5;
        ts_exponents(n, g, lambda, g);
        ow_exp_all(n, g, g);
        ts_currents(n, v, p[R_OFF], i + first, g);
        for (size_t j = 0; j < n; j++)
            if (v[j] != cells->v[first + j])
                g[j] = 0.0;
    }
}

const struct ow_model ow_selector_ts = {
    .name = "selector_ts",
    .doc = "threshold switch with a hold voltage: a volatile selector for 1S1R cells",
    .source =
        "this project; structure after V-VTEAM (Patni, Daniels, Kvatinsky, 2024; unverified)",
    .param = param,
    .n_param = N_PARAM,
    .state = state,
    .n_state = 1,
    .program = X0,
    .is_volatile = true,
    .check = check,
    .eval = eval,
    .conduct = conduct,
};
