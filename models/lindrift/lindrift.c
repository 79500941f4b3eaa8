/* Linear ion drift.
 *   Strukov, Snider, Stewart, Williams, Nature 453 (2008) 80, equations 5 and 6:
 *
 *   v = (r_on w/D + r_off (1 - w/D)) i
 *   dw/dt = mu (r_on/D) i
 *
 * with x = w/D, and the window functions of ow_window.h for the ends of the travel:
 *
 *   dx/dt = k i f(x),  k = mu r_on/D^2   [1/(A s)]
 *
 * x is the doped fraction: 1 is on, 0 is off, a positive voltage moves it up. */
#include "ow_cells.h"
#include "ow_window.h"

#include <math.h>

extern const struct ow_model ow_lindrift;

enum {
    X0 = OW_N_COMMON, /* the initial state first: see ow_cells_vary() */
    WINDOW,
    P,
    J,
    R_ON,
    R_OFF,
    MU,
    D,
    N_PARAM
};

/* In the order of ow_window_kind. */
static const char *const window_name[] = {"none",        "joglekar",  "biolek",
                                          "prodromakis", "rect_asym", NULL};

/* Defaults: figure 2b of the paper. */
/* clang-format off */
static const struct ow_param param[] = {
    OW_COMMON_PARAMS,
    {"x0",     "1",        0.1,   0.0,   1.0,   NULL,        "initial state, 1 = on, 0 = off"},
    {"window", "1",        4.0,   0.0,   4.0,   window_name, "what ends the travel"},
    {"p",      "1",        1.0,   0.1,   100.0, NULL,        "exponent of joglekar, biolek (1 at least) and prodromakis"},
    {"j",      "1",        1.0,   1e-3,  1e3,   NULL,        "scale of prodromakis"},
    {"r_on",   "ohm",      100.0, 1e-3,  1e12,  NULL,        "resistance, doped throughout"},
    {"r_off",  "ohm",      16e3,  1e-3,  1e15,  NULL,        "resistance, undoped throughout; above r_on"},
    {"mu",     "m^2/(V s)", 1e-14, 1e-25, 1.0,   NULL,        "mobility of the dopants"},
    {"d",      "m",        10e-9, 1e-10, 1e-3,  NULL,        "thickness of the film"},
};
static const struct ow_state state[] = {
    {"x", 0.0, 1.0, X0, false, "doped fraction w/D: 1 = on, 0 = off"},
};
/* clang-format on */
_Static_assert(sizeof param / sizeof param[0] == N_PARAM, "one row for each index");
_Static_assert((int)N_PARAM <= (int)OW_MAX_PARAMS, "raise OW_MAX_PARAMS");

static const char *check(const double p[])
{
    const enum ow_window_kind kind = (enum ow_window_kind)p[WINDOW];
    if (!(p[R_ON] < p[R_OFF]))
        return "r_on must be below r_off";
    if ((kind == OW_WINDOW_JOGLEKAR || kind == OW_WINDOW_BIOLEK) && !(p[P] >= 1.0))
        return "p must be at least 1 for window=joglekar and window=biolek";
    return NULL;
}

static void lindrift_cell(const double p[], double v, const double x[], struct ow_point *pt)
{
    /* R is held at its end values outside the travel: extrapolated, it would cross zero
     * just above x = 1 and turn the device into a source. */
    const double xc = fmin(fmax(x[0], 0.0), 1.0);
    const double r = p[R_ON] * xc + p[R_OFF] * (1.0 - xc);
    const double dr_dx = x[0] == xc ? p[R_ON] - p[R_OFF] : 0.0;
    ow_ohmic(1.0 / r, v, pt);
    pt->di_dx[0] = -pt->i * dr_dx / r;

    const double k = p[MU] * p[R_ON] / (p[D] * p[D]);
    const struct ow_window w =
        ow_window_at((enum ow_window_kind)p[WINDOW], p[P], p[J], x[0], pt->i);
    pt->f[0] = k * pt->i * w.f;
    pt->df_dv[0] = k * pt->di_dv * w.f;
    pt->df_dx[0][0] = k * (pt->di_dx[0] * w.f + pt->i * w.df_dx);
}

static void eval(const struct ow_cells *cells, struct ow_response *out)
{
    ow_each_cell(cells, &ow_lindrift, X0 + 1, 1, lindrift_cell, out);
}

const struct ow_model ow_lindrift = {
    .name = "lindrift",
    .doc = "linear ion drift, the memristor of 2008, with a choice of windows",
    .source = "Strukov, Snider, Stewart, Williams, Nature 453 (2008) 80",
    .param = param,
    .n_param = N_PARAM,
    .state = state,
    .n_state = 1,
    .program = X0,
    .check = check,
    .eval = eval,
};
