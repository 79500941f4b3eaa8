/* Binary stochastic switch: a point process with the hazard 1/tau(v).
 *   Jo, Kim, Lu, Nano Lett. 9 (2009) 496; Gaba et al., Nanoscale 5 (2013) 5872:
 *
 *   tau(v) = tau0 exp(-|v|/v0),   P(t) dt = (dt/tau) exp(-t/tau)  at constant v
 *   time-varying v: P = 1 - exp(-integral of dt/tau(v(t)))
 *
 * with one pair (tau0, v0) for set (off, v > 0) and one for reset (on, v < 0).
 *
 * Sampling that does not depend on steps: draw E from Exp(1), let the hazard h left fall
 * from E by dh/dt = -1/tau(v), switch when h reaches 0, draw again.  Where the voltage
 * cannot switch the device (v <= 0 while off, v >= 0 while on) the hazard is 0: h waits.
 * At v = 0 the law would jump from 1/tau0 to 0; below v0/10 it is led to 0 smoothly,
 * which changes an integral over a ramp to V by less than a part in 20 exp(V/v0). */
#include "ow_cells.h"
#include "ow_random.h"

#include <math.h>

extern const struct ow_model ow_stochastic;

enum {
    X0 = OW_N_COMMON, /* initial states first: see ow_cells_vary() */
    H0,
    K0,
    R_ON,
    R_OFF,
    TAU_SET,
    V_SET,
    TAU_RESET,
    V_RESET,
    N_PARAM
};

enum { X, H, K, N_STATE };

#define H0_DRAW (-1.0) /* h0: take the draw */

/* Defaults: set stochastic_gaba (after Gaba 2013, unverified), reset like set. */
/* clang-format off */
static const struct ow_param param[] = {
    OW_COMMON_PARAMS,
    {"x0",        "1",   0.0,    0.0,   1.0,  NULL, "initial state: 1 = on, 0 = off, nothing between"},
    {"h0",        "1",   -1.0,   -1.0,  1e12, NULL, "hazard left until the next event; -1 takes the draw"},
    {"k0",        "1",   0.0,    0.0,   1e15, NULL, "number of events so far (whole number)"},
    {"r_on",      "ohm", 1e4,    1e-3,  1e12, NULL, "resistance while on"},
    {"r_off",     "ohm", 1e6,    1e-3,  1e18, NULL, "resistance while off; above r_on"},
    {"tau_set",   "s",   2.85e5, 1e-30, 1e60, NULL, "mean time to set, extrapolated to 0 V"},
    {"v_set",     "V",   0.156,  1e-4,  1e3,  NULL, "voltage that makes set e times faster"},
    {"tau_reset", "s",   2.85e5, 1e-30, 1e60, NULL, "mean time to reset, extrapolated to 0 V"},
    {"v_reset",   "V",   0.156,  1e-4,  1e3,  NULL, "voltage that makes reset e times faster"},
};
static const struct ow_state state[] = {
    {"x", 0.0, 1.0, X0, true,  "1 = on, 0 = off"},
    {"h", 0.0, 1.0, H0, false, "hazard left until the next event; 1 is the mean"},
    {"k", 0.0, 1.0, K0, true,  "number of events so far"},
};
/* clang-format on */
_Static_assert(sizeof param / sizeof param[0] == N_PARAM, "one row for each index");
_Static_assert((int)N_PARAM <= (int)OW_MAX_PARAMS, "raise OW_MAX_PARAMS");

static const char *check(const double p[])
{
    if (!(p[R_ON] < p[R_OFF]))
        return "r_on must be below r_off";
    if (p[X0] != 0.0 && p[X0] != 1.0)
        return "x0 must be 0 (off) or 1 (on)";
    if (p[H0] < 0.0 && p[H0] != H0_DRAW)
        return "h0 must be -1 (take the draw) or at least 0";
    if (p[K0] != floor(p[K0]))
        return "k0 must be a whole number";
    return NULL;
}

/* Hazard until event number k, counted from 0. */
static double draw(const double p[], double k)
{
    const struct ow_draw_key key = {.seed = (uint32_t)p[OW_SEED],
                                    .purpose = OW_DRAW_SWITCH,
                                    .id = (uint64_t)p[OW_ID],
                                    .event = (uint64_t)k};
    return ow_draw_exponential(&key);
}

static void init(const double p[], double x[])
{
    if (p[H0] == H0_DRAW)
        x[H] = draw(p, p[K0]);
}

static void fire(const double p[], double v, double x[])
{
    (void)v; /* one event at a time: set or reset */
    x[X] = x[X] < 0.5 ? 1.0 : 0.0;
    x[K] += 1.0;
    x[H] = draw(p, x[K]);
}

/* 1/tau at v and its derivative; 0 for v <= 0. */
static double hazard(double tau, double v0, double v, double *d_v)
{
    const double z = v / v0, taper = 0.1;
    *d_v = 0.0;
    if (!(z > 0.0))
        return 0.0;
    const double rate = exp(fmin(z, OW_LOG_RATE_LIMIT)) / tau;
    const double rate_z = z < OW_LOG_RATE_LIMIT ? rate : 0.0;
    if (z >= taper) {
        *d_v = rate_z / v0;
        return rate;
    }
    const double u = z / taper, w = u * u * (3.0 - 2.0 * u), w_z = 6.0 * u * (1.0 - u) / taper;
    *d_v = (rate_z * w + rate * w_z) / v0;
    return rate * w;
}

static void stochastic_cell(const double p[], double v, const double x[], struct ow_point *pt)
{
    /* x is 0 or 1; between (a solver's guess) everything is linear in it. */
    const double on = fmin(fmax(x[X], 0.0), 1.0), is_free = on == x[X] ? 1.0 : 0.0;
    const double g_on = 1.0 / p[R_ON], g_off = 1.0 / p[R_OFF];
    ow_ohmic(g_off + (g_on - g_off) * on, v, pt);
    const double vc = fmin(fmax(v, -OW_V_LIMIT), OW_V_LIMIT);
    pt->di_dx[X] = is_free * (g_on - g_off) * vc;

    double set_v, reset_v;
    const double set = hazard(p[TAU_SET], p[V_SET], v, &set_v);
    const double reset = hazard(p[TAU_RESET], p[V_RESET], -v, &reset_v);
    pt->f[H] = -((1.0 - on) * set + on * reset);
    pt->df_dv[H] = -((1.0 - on) * set_v - on * reset_v);
    pt->df_dx[H][X] = is_free * (set - reset);
}

static void eval(const struct ow_cells *cells, struct ow_response *out)
{
    ow_each_cell(cells, &ow_stochastic, K0 + 1, N_STATE, stochastic_cell, out);
}

const struct ow_model ow_stochastic = {
    .name = "stochastic",
    .doc = "binary switch: a point process whose hazard grows exponentially with voltage",
    .source = "Gaba et al., Nanoscale 5 (2013) 5872; Jo, Kim, Lu, Nano Lett. 9 (2009) 496",
    .param = param,
    .n_param = N_PARAM,
    .state = state,
    .n_state = N_STATE,
    .program = X0,
    .is_binary = true,
    .check = check,
    .init = init,
    .eval = eval,
    .event_state = H,
    .fire = fire,
};
