/* TEAM and VTEAM.
 *   Kvatinsky, Friedman, Kolodny, Weiser, IEEE TCAS-I 60(1) (2013) 211; equation numbers
 *   below are those of its preprint, CCIT Report 804.
 *   Kvatinsky, Ramadan, Friedman, Kolodny, IEEE TCAS-II 62 (2015) 786 (VTEAM), in the form
 *   of Biolek et al., IEEE Access 9 (2021) 30242.
 *
 *   dx/dt = k_off (q/q_off - 1)^alpha_off f_off(x)     0 < q_off < q           (14a)
 *         = 0                                           q_on <= q <= q_off     (14b)
 *         = k_on (q/q_on - 1)^alpha_on f_on(x)          q < q_on < 0            (14c)
 *   with q = i (ctrl=current: TEAM) or q = v (ctrl=voltage: VTEAM)
 *   R = r_on + (r_off - r_on) s                         iv=linear               (15)
 *   R = r_on (r_off/r_on)^s                             iv=exp                  (16)(17)
 *   f_off = exp(-exp((x - a_off)/w_c))                  window=kvatinsky        (18)
 *   f_on  = exp(-exp(-(x - a_on)/w_c))                                          (19)
 *   the other windows, of the paper's (5) to (8) and later: ow_window.h, with s for the
 *   normalised width
 *
 * The state kept here is s = (x - x_on)/(x_off - x_on): 0 is on, 1 is off, a positive
 * voltage moves it up. */
#include "ow_cells.h"
#include "ow_exp.h"
#include "ow_simd.h"
#include "ow_window.h"

#include <assert.h>
#include <math.h>
#include <string.h>

extern const struct ow_model ow_team;

enum {
    X0 = OW_N_COMMON, /* the initial state first: see ow_cells_vary() */
    CTRL,
    IV,
    WINDOW,
    R_ON,
    R_OFF,
    X_ON,
    X_OFF,
    K_ON,
    K_OFF,
    ALPHA_ON,
    ALPHA_OFF,
    I_ON,
    I_OFF,
    V_ON,
    V_OFF,
    A_ON,
    A_OFF,
    W_C,
    P,
    J,
    N_PARAM
};

enum { CTRL_CURRENT, CTRL_VOLTAGE };
enum { IV_LINEAR, IV_EXP };
enum { WINDOW_NONE, WINDOW_KVATINSKY, WINDOW_OTHERS /* in the order of ow_window_kind */ };

static const char *const ctrl_name[] = {"current", "voltage", NULL};
static const char *const iv_name[] = {"linear", "exp", NULL};
static const char *const window_name[] = {"none",        "kvatinsky", "joglekar", "biolek",
                                          "prodromakis", "rect_asym", NULL};

/* Defaults: figure 10 of the paper, with i_on negative, and the geometry and windows of
 * Xyce's reference guide (a_on = x_on, a_off = x_off). */
/* clang-format off */
static const struct ow_param param[] = {
    OW_COMMON_PARAMS,
    {"x0",        "1",   0.0,       0.0,   1.0,    NULL,        "initial state, 0 = on, 1 = off"},
    {"ctrl",      "1",   0.0,       0.0,   1.0,    ctrl_name,   "what moves the state: current (TEAM) or voltage (VTEAM)"},
    {"iv",        "1",   0.0,       0.0,   1.0,    iv_name,     "resistance against state: linear or exp"},
    {"window",    "1",   1.0,       0.0,   5.0,    window_name, "what ends the travel"},
    {"r_on",      "ohm", 50.0,      1e-3,  1e12,   NULL,        "resistance at x = x_on"},
    {"r_off",     "ohm", 1e3,       1e-3,  1e15,   NULL,        "resistance at x = x_off; above r_on"},
    {"x_on",      "m",   0.0,       -1e-3, 1e-3,   NULL,        "barrier width at state 0"},
    {"x_off",     "m",   3e-9,      -1e-3, 1e-3,   NULL,        "barrier width at state 1; above x_on"},
    {"k_on",      "m/s", -4.68e-22, -1e6,  -1e-60, NULL,        "speed towards on; must be negative"},
    {"k_off",     "m/s", 1.46e-18,  1e-60, 1e6,    NULL,        "speed towards off; must be positive"},
    {"alpha_on",  "1",   10.0,      1.0,   100.0,  NULL,        "exponent of the speed towards on"},
    {"alpha_off", "1",   10.0,      1.0,   100.0,  NULL,        "exponent of the speed towards off"},
    {"i_on",      "A",   -8.9e-6,   -1e3,  -1e-18, NULL,        "current threshold towards on; must be negative"},
    {"i_off",     "A",   115e-6,    1e-18, 1e3,    NULL,        "current threshold towards off; must be positive"},
    {"v_on",      "V",   -0.2,      -1e3,  -1e-9,  NULL,        "voltage threshold towards on; must be negative"},
    {"v_off",     "V",   0.02,      1e-9,  1e3,    NULL,        "voltage threshold towards off; must be positive"},
    {"a_on",      "m",   0.0,       -1e-3, 1e-3,   NULL,        "where the window closes towards on"},
    {"a_off",     "m",   3e-9,      -1e-3, 1e-3,   NULL,        "where the window closes towards off"},
    {"w_c",       "m",   107e-12,   1e-15, 1e-3,   NULL,        "width over which the window closes"},
    {"p",         "1",   1.0,       0.1,   100.0,  NULL,        "exponent of joglekar, biolek (1 at least) and prodromakis"},
    {"j",         "1",   1.0,       1e-3,  1e3,    NULL,        "scale of prodromakis"},
};
static const struct ow_state state[] = {
    {"x", 0.0, 1.0, X0, false, "(x - x_on)/(x_off - x_on): 0 = on, 1 = off"},
};
/* clang-format on */
_Static_assert(sizeof param / sizeof param[0] == N_PARAM, "one row for each index");
_Static_assert((int)N_PARAM <= (int)OW_MAX_PARAMS, "raise OW_MAX_PARAMS");

/* Of the windows that are not Kvatinsky's. */
static enum ow_window_kind window_kind(const double p[])
{
    const int window = (int)p[WINDOW];
    return window < WINDOW_OTHERS
               ? OW_WINDOW_NONE
               : (enum ow_window_kind)(window - WINDOW_OTHERS + OW_WINDOW_JOGLEKAR);
}

static const char *check(const double p[])
{
    if (!(p[R_ON] < p[R_OFF]))
        return "r_on must be below r_off";
    if (!(p[X_OFF] - p[X_ON] >= 1e-12))
        return "x_off must be above x_on by 1e-12 m at least";
    const enum ow_window_kind kind = window_kind(p);
    if ((kind == OW_WINDOW_JOGLEKAR || kind == OW_WINDOW_BIOLEK) && !(p[P] >= 1.0))
        return "p must be at least 1 for window=joglekar and window=biolek";
    return NULL;
}

/* Factor on a rate and its derivative to the state; `log_f` adds to the rate's logarithm. */
struct window {
    double f, df_ds;
    double log_f, dlog_f_ds;
};

/* One end of the travel, seen by the rate that leads to it; `sign` is +1 at off and -1
 * at on. */
static struct window window_at(const double p[], double s, double sign)
{
    struct window w = {.f = 1.0};
    if ((int)p[WINDOW] == WINDOW_KVATINSKY) {
        const double length = p[X_OFF] - p[X_ON];
        const double a = sign > 0.0 ? p[A_OFF] : p[A_ON];
        /* exp(-exp(20)) outdoes the largest (q/q_th - 1)^alpha, so cutting the inner
         * exponent there changes no number. */
        const double u = fmin(sign * (p[X_ON] + s * length - a) / p[W_C], 20.0);
        w.log_f = -exp(u);
        w.dlog_f_ds = w.log_f * sign * length / p[W_C];
    } else {
        const struct ow_window at = ow_window_at(window_kind(p), p[P], p[J], s, sign);
        w.f = at.f;
        w.df_ds = at.df_dx;
    }
    return w;
}

/* f = (k/length) (q/q_th - 1)^alpha window, for q beyond its threshold, in the log domain:
 * (q/q_th - 1)^25 and k near 1e-42 m/s each leave the range of a double, their product
 * does not.  Sets f, df/dq and df/ds at constant q. */
static void rate(double k, double alpha, double q_th, double q, const struct window *w,
                 double length, double *f, double *df_dq, double *df_ds)
{
    const double z = q / q_th - 1.0;
    /* The next double above q_th has a quotient above 1 + eps/2, which rounds up. */
    assert(z > 0.0);
    const double log_speed = log(fabs(k) / length) + alpha * log(z) + w->log_f;
    const double speed = copysign(exp(fmin(log_speed, OW_LOG_RATE_LIMIT)), k);
    const double is_free = log_speed < OW_LOG_RATE_LIMIT ? 1.0 : 0.0;
    *f = speed * w->f;
    *df_dq = is_free * *f * alpha / (z * q_th);
    *df_ds = is_free * speed * w->f * w->dlog_f_ds + speed * w->df_ds;
}

static void team_cell(const double p[], double v, const double x[], struct ow_point *pt)
{
    const double s = x[0];
    /* R is held at its end values outside the travel: extrapolated, it would cross zero
     * below on and turn the device into a source. */
    const double sc = fmin(fmax(s, 0.0), 1.0);
    double r, dr_ds;
    if (p[IV] == IV_EXP) {
        const double lambda = log(p[R_OFF] / p[R_ON]);
        r = p[R_ON] * exp(lambda * sc);
        dr_ds = lambda * r;
    } else {
        r = p[R_ON] + (p[R_OFF] - p[R_ON]) * sc;
        dr_ds = p[R_OFF] - p[R_ON];
    }
    if (s != sc)
        dr_ds = 0.0;
    ow_ohmic(1.0 / r, v, pt);
    pt->di_dx[0] = -pt->i * dr_ds / r;

    const bool by_voltage = p[CTRL] == CTRL_VOLTAGE;
    const double q = by_voltage ? v : pt->i;
    const double q_on = by_voltage ? p[V_ON] : p[I_ON];
    const double q_off = by_voltage ? p[V_OFF] : p[I_OFF];
    const double length = p[X_OFF] - p[X_ON];
    double f = 0.0, df_dq = 0.0, df_ds = 0.0;
    if (q > q_off) {
        const struct window w = window_at(p, s, +1.0);
        rate(p[K_OFF], p[ALPHA_OFF], q_off, q, &w, length, &f, &df_dq, &df_ds);
    } else if (q < q_on) {
        const struct window w = window_at(p, s, -1.0);
        rate(p[K_ON], p[ALPHA_ON], q_on, q, &w, length, &f, &df_dq, &df_ds);
    }
    pt->f[0] = f;
    pt->df_dv[0] = by_voltage ? df_dq : df_dq * pt->di_dv;
    pt->df_dx[0][0] = by_voltage ? df_ds : df_ds + df_dq * pt->di_dx[0];
}

/* All cells as the resistors that they are at rest, in loops without branches: most cells of
 * an array, at most times.  The same bits as team_cell()'s. */
OW_WIDE static void resistors(const struct ow_cells *cells, struct ow_response *out)
{
    const double r_on = cells->param[R_ON], dr = cells->param[R_OFF] - r_on;
    const double *v = cells->v, *x = cells->x[0];
    double *i = out->i, *di_dv = out->di_dv, *di_dx = out->di_dx[0];
    memset(out->f[0], 0, cells->n * sizeof *out->f[0]);
    for (size_t j = 0; !di_dv && j < cells->n; j++) {
        const double above = x[j] < 0.0 ? 0.0 : x[j], s = above > 1.0 ? 1.0 : above;
        const double low = v[j] > OW_V_LIMIT ? OW_V_LIMIT : v[j];
        const double vc = low < -OW_V_LIMIT ? -OW_V_LIMIT : low;
        i[j] = 1.0 / (r_on + dr * s) * vc;
    }
    if (!di_dv)
        return;
    for (size_t j = 0; j < cells->n; j++) {
        const double above = x[j] < 0.0 ? 0.0 : x[j], s = above > 1.0 ? 1.0 : above;
        const double low = v[j] > OW_V_LIMIT ? OW_V_LIMIT : v[j];
        const double vc = low < -OW_V_LIMIT ? -OW_V_LIMIT : low;
        const double r = r_on + dr * s, g = 1.0 / r;
        i[j] = g * vc;
        di_dv[j] = v[j] == vc ? g : 0.0;
        di_dx[j] = x[j] == s ? -(g * vc) * dr / r : 0.0;
    }
    memset(out->df_dv[0], 0, cells->n * sizeof *out->df_dv[0]);
    memset(out->df_dx[0][0], 0, cells->n * sizeof *out->df_dx[0][0]);
}

/* Whether q is beyond a threshold anywhere. */
OW_WIDE static bool is_any_beyond(const double q[], size_t n, double q_on, double q_off)
{
    int beyond = 0;
    for (size_t j = 0; j < n; j++)
        beyond |= (q[j] > q_off) | (q[j] < q_on);
    return beyond;
}

static void eval(const struct ow_cells *cells, struct ow_response *out)
{
    const double *p = cells->param;
    if (cells->n == 1 || p[IV] != IV_LINEAR || ow_cells_vary(cells, X0 + 1, N_PARAM)) {
        ow_each_cell(cells, &ow_team, X0 + 1, 1, team_cell, out);
        return;
    }
    const bool by_voltage = p[CTRL] == CTRL_VOLTAGE;
    const double *q = by_voltage ? cells->v : out->i;
    const double q_on = by_voltage ? p[V_ON] : p[I_ON];
    const double q_off = by_voltage ? p[V_OFF] : p[I_OFF];
    resistors(cells, out);
    if (is_any_beyond(q, cells->n, q_on, q_off))
        for (size_t j = 0; j < cells->n; j++)
            if (q[j] > q_off || q[j] < q_on)
                ow_this_cell(cells, &ow_team, 1, team_cell, j, NULL, out);
}

/* ---- the current alone ------------------------------------------------------------------- */

/* Logarithms of r/r_on. */
OW_WIDE static void logarithms(size_t n, double lambda, const double x[], double u[])
{
    for (size_t j = 0; j < n; j++) {
        const double above = x[j] < 0.0 ? 0.0 : x[j], s = above > 1.0 ? 1.0 : above;
        u[j] = lambda * s;
    }
}

/* r/r_on on entry to di_dv; v is held. */
OW_WIDE static void ohms(size_t n, double r_on, const double v[], double i[], double di_dv[])
{
    for (size_t j = 0; j < n; j++) {
        di_dv[j] = 1.0 / (r_on * di_dv[j]);
        i[j] = di_dv[j] * v[j];
    }
}

OW_WIDE static void linear(size_t n, double r_on, double r_off, const double x[], double g[])
{
    for (size_t j = 0; j < n; j++) {
        const double above = x[j] < 0.0 ? 0.0 : x[j], s = above > 1.0 ? 1.0 : above;
        g[j] = 1.0 + (r_off / r_on - 1.0) * s;
    }
}

static void conduct(const struct ow_cells *cells, double i[], double di_dv[])
{
    const double *p = cells->param;
    if (ow_cells_vary(cells, X0 + 1, N_PARAM)) {
        ow_each_current(cells, &ow_team, X0 + 1, 1, team_cell, i, di_dv);
        return;
    }
    for (size_t first = 0; first < cells->n; first += OW_CELLS_BLOCK) {
        const size_t n = ow_cells_left(cells, first);
        const double *x = cells->x[0] + first;
        double v[OW_CELLS_BLOCK], *g = di_dv + first;
        if (p[IV] == IV_EXP) {
            logarithms(n, log(p[R_OFF] / p[R_ON]), x, g);
            ow_exp_all(n, g, g);
        } else {
            linear(n, p[R_ON], p[R_OFF], x, g);
        }
        ow_hold_all(n, cells->v + first, OW_V_LIMIT, v);
        ohms(n, p[R_ON], v, i + first, g);
    }
}

const struct ow_model ow_team = {
    .name = "team",
    .doc = "threshold adaptive memristor, moved by current (TEAM) or voltage (VTEAM)",
    .source = "Kvatinsky et al., IEEE TCAS-I 60(1) (2013) 211; TCAS-II 62 (2015) 786",
    .param = param,
    .n_param = N_PARAM,
    .state = state,
    .n_state = 1,
    .program = X0,
    .check = check,
    .eval = eval,
    .conduct = conduct,
};
