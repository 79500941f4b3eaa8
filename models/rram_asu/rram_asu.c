/* Filament growth and rupture by a gap, with a temperature of its own.
 *   Chen, Yu, IEEE Trans. Electron Devices 62(12) (2015) 4022 (not at hand); the equations
 *   are those of the Verilog-A that SkyWater publishes for its ReRAM (sky130_fd_pr_reram,
 *   reram_cell) and of the "Stanford & ASU" Verilog-A, which agree.
 *
 *   g = tox - Tfil                                    gap left by a filament of length Tfil
 *   i = i_k1 exp(-g/(tox - tfilament_ref)) sinh(v/v_ref)
 *   dTfil/dt = velocity_k1 [  exp(-eact_generation/kT)    exp(+gamma (a0/tox) v/kT)
 *                           - exp(-eact_recombination/kT) exp(-gamma (a0/tox) v/kT)]
 *   gamma = gamma_k0 + gamma_k1 (g/1nm)^3
 *   c_thermal dT/dt = v i - c_thermal (T - T0)/tau_thermal
 * with kT in eV; a positive voltage (TE over BE) sets, as there.  States:
 *   x     = (Tfil - tfilament_min)/(tfilament_max - tfilament_min)
 *   theta = (T - T0)/1000 K                                                          */
#include "ow_gap.h"
#include "ow_physics.h"

extern const struct ow_model ow_rram_asu;

enum {
    X0 = OW_N_COMMON, /* initial states first: see ow_cells_vary() */
    THETA0,
    TEMP,
    TOX,
    TFILAMENT_MAX,
    TFILAMENT_MIN,
    TFILAMENT_REF,
    EACT_GENERATION,
    EACT_RECOMBINATION,
    I_K1,
    V_REF,
    VELOCITY_K1,
    GAMMA_K0,
    GAMMA_K1,
    A0,
    C_THERMAL,
    TAU_THERMAL,
    N_PARAM
};

enum { X, THETA, N_STATE };

/* K of one unit of theta: the rise of a few nanoseconds of programming. */
#define RISE_UNIT 1000.0

/* Defaults: set sky130, at 27 degrees. */
/* clang-format off */
static const struct ow_param param[] = {
    OW_COMMON_PARAMS,
    {"x0",                 "1",   0.0,       0.0,   1.0,  NULL, "initial state: 0 = shortest filament, 1 = longest"},
    {"theta0",             "1",   0.0,       0.0,   10.0, NULL, "initial temperature rise over ambient, in 1000 K"},
    OW_TEMP_PARAM,
    {"tox",                "m",   5e-9,      1e-9,  1e-6, NULL, "thickness of the oxide between the electrodes"},
    {"tfilament_max",      "m",   4.9e-9,    1e-11, 1e-7, NULL, "longest filament (least resistance); below tox"},
    {"tfilament_min",      "m",   3.3e-9,    1e-12, 1e-7, NULL, "shortest filament; below tfilament_max"},
    {"tfilament_ref",      "m",   4.7249e-9, 1e-12, 1e-7, NULL, "filament with a gap that changes i by e; below tox"},
    {"eact_generation",    "eV",  1.501,     0.0,   5.0,  NULL, "activation energy of vacancy generation"},
    {"eact_recombination", "eV",  1.5,       0.0,   5.0,  NULL, "activation energy of vacancy recombination"},
    {"i_k1",               "A",   6.14e-5,   1e-18, 1.0,  NULL, "current scale"},
    {"v_ref",              "V",   0.43,      1e-3,  1e3,  NULL, "voltage scale of the current"},
    {"velocity_k1",        "m/s", 150.0,     1e-12, 1e12, NULL, "velocity scale of the filament's end"},
    {"gamma_k0",           "1",   16.5,      0.0,   1e3,  NULL, "enhancement of the field without a gap"},
    {"gamma_k1",           "1",   -1.25,     -1e3,  1e3,  NULL, "change of the enhancement with (gap/1nm)^3"},
    {"a0",                 "m",   0.25e-9,   1e-12, 1e-8, NULL, "hopping distance"},
    {"c_thermal",          "J/K", 3.1825e-16,1e-24, 1e-3, NULL, "thermal capacitance"},
    {"tau_thermal",        "s",   2.3e-10,   1e-15, 1e3,  NULL, "thermal time constant"},
};
static const struct ow_state state[] = {
    {"x",     0.0, 1.0, X0,     false, "length of the filament: 0 = tfilament_min, 1 = tfilament_max"},
    {"theta", 0.0, 1.0, THETA0, false, "temperature rise over ambient, in 1000 K"},
};
/* clang-format on */
_Static_assert(sizeof param / sizeof param[0] == N_PARAM, "one row for each index");
_Static_assert((int)N_PARAM <= (int)OW_MAX_PARAMS, "raise OW_MAX_PARAMS");

static const char *check(const double p[])
{
    if (!(p[TFILAMENT_MAX] - p[TFILAMENT_MIN] >= 1e-12))
        return "tfilament_max must be above tfilament_min by 1e-12 m at least";
    if (!(p[TFILAMENT_MAX] <= p[TOX]))
        return "tfilament_max must not be above tox";
    if (!(p[TOX] - p[TFILAMENT_REF] >= 1e-12))
        return "tfilament_ref must be below tox by 1e-12 m at least";
    return NULL;
}

static void rram_asu_cell(const double p[], double v, const double x[], struct ow_point *pt)
{
    /* Gap and temperature are held where their equations end: the filament at its ends,
     * the temperature above half the ambient (a solver's overshoot; nothing cools). */
    const double travel = p[TFILAMENT_MAX] - p[TFILAMENT_MIN];
    const struct ow_value xc = ow_hold(x[X], 0.0, 1.0);
    const double g = p[TOX] - p[TFILAMENT_MIN] - travel * xc.y, dg_dx = -travel * xc.dy;
    const double t0 = p[TEMP] + OW_ZERO_CELSIUS;
    const struct ow_value rise = ow_hold(x[THETA], -0.5 * t0 / RISE_UNIT, 1e6);
    const double t = t0 + RISE_UNIT * rise.y, dt_dtheta = RISE_UNIT * rise.dy;
    const double kt = OW_K_EV * t;
    const struct ow_value vc = ow_hold(v, -OW_V_LIMIT, OW_V_LIMIT);

    const double g0 = p[TOX] - p[TFILAMENT_REF];
    const struct ow_value sinh_v = ow_sinh(vc.y / p[V_REF]);
    const double i_gap = p[I_K1] * exp(-g / g0);
    pt->i = i_gap * sinh_v.y;
    pt->di_dv = i_gap * sinh_v.dy * vc.dy / p[V_REF];
    pt->di_dx[X] = -pt->i * dg_dx / g0;

    const double nm = g / 1e-9;
    const double gamma = p[GAMMA_K0] + p[GAMMA_K1] * nm * nm * nm;
    const double dgamma_dx = 3.0 * p[GAMMA_K1] * nm * nm * dg_dx / 1e-9;
    const double field = p[A0] / p[TOX] * vc.y, lowering = gamma * field; /* eV */
    const double log_speed = log(p[VELOCITY_K1] / travel);
    const struct ow_value grow = ow_exp(log_speed + (-p[EACT_GENERATION] + lowering) / kt);
    const struct ow_value shrink = ow_exp(log_speed + (-p[EACT_RECOMBINATION] - lowering) / kt);
    const double df_dlowering = (grow.dy + shrink.dy) / kt;
    pt->f[X] = grow.y - shrink.y;
    pt->df_dv[X] = df_dlowering * gamma * p[A0] / p[TOX] * vc.dy;
    pt->df_dx[X][X] = df_dlowering * dgamma_dx * field;
    pt->df_dx[X][THETA] = (grow.dy * (p[EACT_GENERATION] - lowering) -
                           shrink.dy * (p[EACT_RECOMBINATION] + lowering)) /
                          kt * (dt_dtheta / t);
    ow_stop_state(X, N_STATE, x[X], pt);

    const struct ow_value theta = ow_hold(x[THETA], -OW_V_LIMIT, OW_V_LIMIT);
    const double heat = 1.0 / (p[C_THERMAL] * RISE_UNIT); /* 1/J */
    pt->f[THETA] = heat * vc.y * pt->i - theta.y / p[TAU_THERMAL];
    pt->df_dv[THETA] = heat * (vc.dy * pt->i + vc.y * pt->di_dv);
    pt->df_dx[THETA][X] = heat * vc.y * pt->di_dx[X];
    pt->df_dx[THETA][THETA] = -theta.dy / p[TAU_THERMAL];
}

static void eval(const struct ow_cells *cells, struct ow_response *out)
{
    ow_each_cell(cells, &ow_rram_asu, THETA0 + 1, N_STATE, rram_asu_cell, out);
}

static void conduct(const struct ow_cells *cells, double i[], double di_dv[])
{
    const double *p = cells->param;
    const struct ow_gap gap = {.i_0 = p[I_K1],
                               .g_off = p[TOX] - p[TFILAMENT_MIN],
                               .travel = p[TFILAMENT_MAX] - p[TFILAMENT_MIN],
                               .g_0 = p[TOX] - p[TFILAMENT_REF],
                               .v_0 = p[V_REF]};
    if (ow_cells_vary(cells, THETA0 + 1, N_PARAM))
        ow_each_current(cells, &ow_rram_asu, THETA0 + 1, N_STATE, rram_asu_cell, i, di_dv);
    else
        ow_gap_conduct(&gap, cells, cells->x[X], i, di_dv);
}

const struct ow_model ow_rram_asu = {
    .name = "rram_asu",
    .doc = "filament with a gap and a temperature: the sky130 ReRAM",
    .source = "Chen, Yu, IEEE Trans. Electron Devices 62(12) (2015) 4022; SkyWater "
              "sky130_fd_pr_reram",
    .param = param,
    .n_param = N_PARAM,
    .state = state,
    .n_state = N_STATE,
    .program = X0,
    .check = check,
    .eval = eval,
    .conduct = conduct,
};
