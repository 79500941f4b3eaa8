/* Bipolar memristor with a voltage threshold.
 *   Pershin, Di Ventra, Neural Networks 23 (2010) 881, as written in Biolek, Di Ventra,
 *   Pershin, Radioengineering 22 (2013) 945, equations 12 to 14 (model R.2):
 *
 *   i = v/R,  dR/dt = f(v) W(R, v)
 *   f = beta v + (alpha - beta) (|v + v_t| - |v - v_t|)/2
 *   W = H(v) H(r_off - R) + H(-v) H(R - r_on)
 *
 * The state kept here is x = (R - r_on)/(r_off - r_on): 0 is on, 1 is off, a positive
 * voltage moves it up.  f is alpha v below the threshold and grows with beta above. */
#include "ow_cells.h"
#include "ow_window.h"

#include <math.h>

extern const struct ow_model ow_threshold;

enum {
    X0 = OW_N_COMMON, /* the initial state first: see ow_cells_vary() */
    R_ON,
    R_OFF,
    ALPHA,
    BETA,
    V_T,
    N_PARAM
};

/* Defaults: model R.2 (where x0 = 4/9).  Not `vt`: inside an expression of a
 * netlist that is ngspice's thermal voltage. */
/* clang-format off */
static const struct ow_param param[] = {
    OW_COMMON_PARAMS,
    {"x0",    "1",         0.0,       0.0,  1.0,  NULL, "initial state, 0 = on, 1 = off"},
    {"r_on",  "ohm",       1e3,       1e-3, 1e12, NULL, "least resistance"},
    {"r_off", "ohm",       10e3,      1e-3, 1e15, NULL, "largest resistance; above r_on"},
    {"alpha", "ohm/(V s)", 0.0,       0.0,  1e30, NULL, "speed below the threshold"},
    {"beta",  "ohm/(V s)", 1e13,      0.0,  1e30, NULL, "speed above the threshold"},
    {"v_t",   "V",         4.6,       0.0,  1e3,  NULL, "threshold voltage"},
};
static const struct ow_state state[] = {
    {"x", 0.0, 1.0, X0, false, "(R - r_on)/(r_off - r_on): 0 = on, 1 = off"},
};
/* clang-format on */
_Static_assert(sizeof param / sizeof param[0] == N_PARAM, "one row for each index");
_Static_assert((int)N_PARAM <= (int)OW_MAX_PARAMS, "raise OW_MAX_PARAMS");

static const char *check(const double p[])
{
    return p[R_ON] < p[R_OFF] ? NULL : "r_on must be below r_off";
}

static void threshold_cell(const double p[], double v, const double x[], struct ow_point *pt)
{
    /* R is held at its end values outside the travel. */
    const double span = p[R_OFF] - p[R_ON];
    const double xc = fmin(fmax(x[0], 0.0), 1.0);
    const double r = p[R_ON] + span * xc;
    ow_ohmic(1.0 / r, v, pt);
    pt->di_dx[0] = x[0] == xc ? -pt->i * span / r : 0.0;

    /* v is odd in f: with u = |v|, f = sign(v) (alpha min(u, v_t) + beta max(u - v_t, 0)). */
    const double u = fmin(fabs(v), OW_V_LIMIT), over = fmax(u - p[V_T], 0.0);
    const double speed = (p[ALPHA] * fmin(u, p[V_T]) + p[BETA] * over) / span;
    const double slope = fabs(v) > OW_V_LIMIT ? 0.0 : (over > 0.0 ? p[BETA] : p[ALPHA]) / span;
    const struct ow_window w = ow_window_at(OW_WINDOW_RECT_ASYM, 0.0, 0.0, x[0], v);
    const double f = copysign(speed, v);
    pt->f[0] = f * w.f;
    pt->df_dv[0] = slope * w.f;
    pt->df_dx[0][0] = f * w.df_dx;
}

static void eval(const struct ow_cells *cells, struct ow_response *out)
{
    ow_each_cell(cells, &ow_threshold, X0 + 1, 1, threshold_cell, out);
}

const struct ow_model ow_threshold = {
    .name = "threshold",
    .doc = "bipolar memristor whose resistance moves above a threshold voltage",
    .source = "Pershin, Di Ventra, Neural Networks 23 (2010) 881; Biolek, Di Ventra, Pershin, "
              "Radioengineering 22 (2013) 945",
    .param = param,
    .n_param = N_PARAM,
    .state = state,
    .n_state = 1,
    .program = X0,
    .check = check,
    .eval = eval,
};
