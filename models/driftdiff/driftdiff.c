/* Drift and diffusion in a volatile (Ag:SiO2-type) memristor, two states.
 *   Wang et al., IEEE TCASAI 1(2) (2024) 141, doi 10.1109/TCASAI.2024.3484370; lineage
 *   Zhuo et al., Adv. Electron. Mater. 8 (2022), doi 10.1002/aelm.202100696.
 *
 *   t = f + r         f: active filament, r: residue left in the gap, t: bridged part
 *   D = mu |v| / (alpha + 1 - t)                  drift in the field over the gap
 *   df/dt = min(D - (gamma1 + beta) f, rate_max)
 *   dr/dt = beta f - gamma2 r
 *   R(t) = r_on t + r_off (e^((1-t)/lambda) - 1)/(e^(1/lambda) - 1)
 *   i = v / R
 * on 0 <= f, 0 <= r, f + r <= 1.  On the first two faces the equations point inwards by
 * themselves.  On the third the paper projects: where t > 1 would grow, df/dt := -dr/dt,
 * that is, drift only refills what diffusion takes away.  Here ow_soft_stop() leads D to
 * zero beyond t = 1; drift and diffusion balance inside the stop, which is the same. */
#include "ow_cells.h"
#include "ow_soft_stop.h"

#include <math.h>

extern const struct ow_model ow_driftdiff;

enum {
    F0 = OW_N_COMMON, /* initial states first: see ow_cells_vary() */
    R0,
    SYMMETRIC,
    R_ON,
    R_OFF,
    MU,
    ALPHA,
    BETA,
    GAMMA1,
    GAMMA2,
    LAMBDA,
    RATE_MAX,
    N_PARAM
};

enum { F, R, N_STATE };

static const char *const symmetric_name[] = {"no", "yes", NULL};

/* Defaults: the voltage-driven single-pulse set of the SPICE port published with the
 * paper (set driftdiff_tw_single), without its limiter. */
/* clang-format off */
static const struct ow_param param[] = {
    OW_COMMON_PARAMS,
    {"f0",        "1",       0.0,   0.0,  1.0,  NULL,           "initial filament; cut at 1 - r0, where the gap is full"},
    {"r0",        "1",       0.0,   0.0,  1.0,  NULL,           "initial residue"},
    {"symmetric", "1",       1.0,   0.0,  1.0,  symmetric_name, "yes: either polarity grows the filament; no: v > 0 only"},
    {"r_on",      "ohm",     1.7e4, 1e-3, 1e12, NULL,           "resistance at f + r = 1"},
    {"r_off",     "ohm",     1e10,  1e-3, 1e18, NULL,           "resistance at f + r = 0; above r_on"},
    {"mu",        "1/(V s)", 16.0,  0.0,  1e15, NULL,           "drift mobility"},
    {"alpha",     "1",       0.1,   1e-4, 1e3,  NULL,           "limits the field over a closing gap"},
    {"beta",      "1/s",     0.35,  0.0,  1e15, NULL,           "filament that turns into residue"},
    {"gamma1",    "1/s",     50.0,  0.0,  1e15, NULL,           "diffusion of the filament"},
    {"gamma2",    "1/s",     0.42,  0.0,  1e15, NULL,           "diffusion of the residue"},
    {"lambda",    "1",       0.1,   1e-2, 1e3,  NULL,           "decay length of tunnelling, in gap lengths"},
    {"rate_max",  "1/s",     0.0,   0.0,  1e30, NULL,           "limit of df/dt (the SPICE port's is 1); 0 is none"},
};
static const struct ow_state state[] = {
    {"f", 0.0, 1.0, F0, false, "active filament"},
    {"r", 0.0, 1.0, R0, false, "residue in the gap"},
};
/* clang-format on */
_Static_assert(sizeof param / sizeof param[0] == N_PARAM, "one row for each index");
_Static_assert((int)N_PARAM <= (int)OW_MAX_PARAMS, "raise OW_MAX_PARAMS");

static const char *check(const double p[])
{
    return p[R_ON] < p[R_OFF] ? NULL : "r_on must be below r_off";
}

/* A weight may ask for more filament than the residue leaves room for. */
static void init(const double p[], double x[])
{
    x[F] = fmin(p[F0], 1.0 - p[R0]);
}

/* R(t) on the travel, held at its ends outside; dR/dt. */
static double resistance(const double p[], double t, double *dr_dt)
{
    const double tc = fmin(fmax(t, 0.0), 1.0), lambda = p[LAMBDA];
    const double whole = expm1(1.0 / lambda);
    const double gap = expm1((1.0 - tc) / lambda);
    *dr_dt = t == tc ? p[R_ON] - p[R_OFF] * (gap + 1.0) / (lambda * whole) : 0.0;
    return p[R_ON] * tc + p[R_OFF] * gap / whole;
}

static double hold(double a, double limit)
{
    return fmin(fmax(a, -limit), limit);
}

static void driftdiff_cell(const double p[], double v, const double x[], struct ow_point *pt)
{
    /* Nothing happens a thousand travels outside, but it must be finite. */
    const double f = hold(x[F], 1e3), r = hold(x[R], 1e3), t = f + r;
    const double is_f = f == x[F] ? 1.0 : 0.0, is_r = r == x[R] ? 1.0 : 0.0;
    double dr_dt;
    const double res = resistance(p, t, &dr_dt);
    ow_ohmic(1.0 / res, v, pt);
    pt->di_dx[F] = is_f * -pt->i * dr_dt / res;
    pt->di_dx[R] = is_r * -pt->i * dr_dt / res;

    /* |v|, or the positive part; at v = 0, where it has a kink, the mean of both slopes
     * for |v| and the lower one for max(v, 0). */
    const double sign = v > 0.0 ? 1.0 : v < 0.0 && p[SYMMETRIC] != 0.0 ? -1.0 : 0.0;
    const double vc = hold(v, OW_V_LIMIT), is_v = v == vc ? 1.0 : 0.0;
    const double gap = fmax(1.0 - t, 0.0), is_open = t < 1.0 ? 1.0 : 0.0;
    double stop_t;
    const double stop = ow_soft_stop(t - 1.0, &stop_t);
    const double per_volt = p[MU] * sign / (p[ALPHA] + gap), drift = per_volt * vc;
    const double loss = p[GAMMA1] + p[BETA];
    const double drift_t = stop_t * drift + is_open * stop * drift / (p[ALPHA] + gap);
    double a = stop * drift - loss * f;
    double a_v = is_v * stop * per_volt, a_f = drift_t - loss, a_r = drift_t;
    if (p[RATE_MAX] > 0.0 && a > p[RATE_MAX]) {
        a = p[RATE_MAX];
        a_v = a_f = a_r = 0.0;
    }
    const double b = p[BETA] * f - p[GAMMA2] * r, b_f = p[BETA], b_r = -p[GAMMA2];
    pt->f[F] = a;
    pt->df_dv[F] = a_v;
    pt->df_dx[F][F] = is_f * a_f;
    pt->df_dx[F][R] = is_r * a_r;
    pt->f[R] = b;
    pt->df_dx[R][F] = is_f * b_f;
    pt->df_dx[R][R] = is_r * b_r;
}

static void eval(const struct ow_cells *cells, struct ow_response *out)
{
    ow_each_cell(cells, &ow_driftdiff, R0 + 1, N_STATE, driftdiff_cell, out);
}

const struct ow_model ow_driftdiff = {
    .name = "driftdiff",
    .doc = "volatile filament: drift over the remaining gap, diffusion, residue",
    .source = "Wang et al., IEEE TCASAI 1(2) (2024) 141, doi 10.1109/TCASAI.2024.3484370",
    .param = param,
    .n_param = N_PARAM,
    .state = state,
    .n_state = N_STATE,
    .program = F0,
    .is_volatile = true,
    .check = check,
    .init = init,
    .eval = eval,
};
