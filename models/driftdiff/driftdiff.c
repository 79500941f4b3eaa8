/* Drift and diffusion in a volatile (Ag:SiO2-type) memristor.
 *   Wang et al., IEEE TCASAI 1(2) (2024) 141, doi 10.1109/TCASAI.2024.3484370; lineage
 *   Zhuo et al., Adv. Electron. Mater. 8 (2022), doi 10.1002/aelm.202100696.
 *
 *   t = f + r         f: active filament, r: residue left in the gap, t: bridged part
 *   D = mu V(v) / (alpha + 1 - t)                 drift in the field over the gap
 *   df/dt = min(D - gamma1 L(f) - beta f, rate_max)
 *   dr/dt = beta f - gamma2 r
 *   ds/dt = theta |v| e^(1-s) - gamma3 e^(s-1)    thickness s >= 1, grows while t = 1;
 *                                                 f and r are frozen while s > 1
 *   R = r_on t/s^2 + r_off (e^((1-t)/lambda) - 1)/(e^(1/lambda) - 1),   i = v / R
 * on 0 <= f, 0 <= r, f + r <= 1.  In the paper V = |v| or max(v, 0) and L = f.
 *
 * This project's extensions, each off by default:
 *   drift=sinh       V = v_0 sinh(|v|/v_0): hopping over barriers (Mott, Gurney, Electronic
 *                    Processes in Ionic Crystals (1940))
 *   gap=off          D = mu V(v): with drift=sinh, symmetric=signed the WOx model of Chang et
 *                    al., Appl. Phys. A 102 (2011) 857
 *   diffusion        L = 1/f, or 1/f^3 (surface diffusion: Wang et al., IEEE TED 66(9)
 *                    (2019)); below f_min L falls linearly to L(0) = 0
 *   thermal=on       dT/dt = |v i|/c_th - (T - T0)/tau_th, T = T0 (1 + rise), T0 = temp
 *   e_mu, e_gamma    mu and theta, or gamma1 to gamma3, times exp(-(E/k)(1/T - 1/t_ref))
 *
 * On the first two faces the equations point inwards by themselves, except for symmetric=
 * signed, which stops at f = 0.  On the third the paper projects: where t > 1 would grow,
 * df/dt := -dr/dt, that is, drift only refills what diffusion takes away.  Here
 * ow_soft_stop() leads D to zero beyond t = 1; drift and diffusion balance inside the stop,
 * which is the same.  The switches at t = 1 and s = 1 are led over a width OW_STOP_DEPTH.
 *
 * driftdiff_noise: f and r with the noise of the SPICE port published with the paper, without
 * thickness and heat.  The port lets f shrink to (1 - eta) f in each time bin dt with the
 * probability 1 - exp(-kappa f^m dt); that is, at the points of a process with the hazard
 *   kappa f^m
 * whatever the bins: h falls by it from an Exp(1) draw, and f shrinks when h reaches 0. */
#include "ow_cells.h"
#include "ow_event.h"
#include "ow_physics.h"
#include "ow_soft_stop.h"

#include <math.h>

extern const struct ow_model ow_driftdiff, ow_driftdiff_noise;

enum {
    F0 = OW_N_COMMON, /* initial states first: see ow_cells_vary() */
    R0,
    S0,
    RISE0,
    H0 = S0, /* of the noisy model */
    K0,
    SYMMETRIC = RISE0 + 1,
    R_ON,
    R_OFF,
    MU,
    ALPHA,
    BETA,
    GAMMA1,
    GAMMA2,
    LAMBDA,
    RATE_MAX,
    DRIFT,
    V_0,
    GAP,
    DIFFUSION,
    F_MIN,
    E_MU,
    E_GAMMA,
    T_REF,
    TEMP,
    N_FILAMENT, /* both models have those above */

    THETA = N_FILAMENT,
    GAMMA3,
    THERMAL,
    C_TH,
    TAU_TH,
    N_PARAM,

    KAPPA = N_FILAMENT,
    POWER,
    ETA,
    N_NOISE_PARAM
};

enum { F, R, S, RISE, N_STATE, H = S, K };

enum { ONE_SIDED, BOTH_SIDED, SIGNED };
enum { DRIFT_LINEAR, DRIFT_SINH };
enum { GAP_ON, GAP_OFF };
enum { DIFFUSION_LINEAR, DIFFUSION_INVERSE, DIFFUSION_INVERSE_CUBE };

static const char *const symmetric_name[] = {"no", "yes", "signed", NULL};
static const char *const drift_name[] = {"linear", "sinh", NULL};
static const char *const gap_name[] = {"on", "off", NULL};
static const char *const diffusion_name[] = {"linear", "inverse", "inverse_cube", NULL};
static const char *const thermal_name[] = {"off", "on", NULL};

/* Defaults: the voltage-driven single-pulse set of the SPICE port published with the
 * paper (set driftdiff_tw_single), without its limiter.  c_th and tau_th: the sky130 ReRAM
 * model of SkyWater. */
/* clang-format off */
#define INITIAL_FILAMENT \
    {"f0",        "1",       0.0,   0.0,  1.0,  NULL,           "initial filament; cut at 1 - r0, where the gap is full"}, \
    {"r0",        "1",       0.0,   0.0,  1.0,  NULL,           "initial residue"}
#define FILAMENT \
    {"symmetric", "1",       1.0,   0.0,  2.0,  symmetric_name, "yes: either polarity grows the filament; no: v > 0 only; signed: v < 0 shrinks it"}, \
    {"r_on",      "ohm",     1.7e4, 1e-3, 1e12, NULL,           "resistance at f + r = 1"}, \
    {"r_off",     "ohm",     1e10,  1e-3, 1e18, NULL,           "resistance at f + r = 0; above r_on"}, \
    {"mu",        "1/(V s)", 16.0,  0.0,  1e15, NULL,           "drift mobility"}, \
    {"alpha",     "1",       0.1,   1e-4, 1e3,  NULL,           "limits the field over a closing gap"}, \
    {"beta",      "1/s",     0.35,  0.0,  1e15, NULL,           "filament that turns into residue"}, \
    {"gamma1",    "1/s",     50.0,  0.0,  1e15, NULL,           "diffusion of the filament"}, \
    {"gamma2",    "1/s",     0.42,  0.0,  1e15, NULL,           "diffusion of the residue"}, \
    {"lambda",    "1",       0.1,   1e-2, 1e3,  NULL,           "decay length of tunnelling, in gap lengths"}, \
    {"rate_max",  "1/s",     0.0,   0.0,  1e30, NULL,           "limit of df/dt (the SPICE port's is 1); 0 is none"}, \
    {"drift",     "1",       0.0,   0.0,  1.0,  drift_name,     "drift against voltage: linear, or v_0 sinh(v/v_0)"}, \
    {"v_0",       "V",       0.25,  1e-3, 1e3,  NULL,           "voltage scale of drift=sinh"}, \
    {"gap",       "1",       0.0,   0.0,  1.0,  gap_name,       "on: the field grows as the gap closes; off: it does not"}, \
    {"diffusion", "1",       0.0,   0.0,  2.0,  diffusion_name, "loss of the filament: gamma1 times f, 1/f or 1/f^3"}, \
    {"f_min",     "1",       0.05,  1e-3, 1.0,  NULL,           "below it 1/f and 1/f^3 fall linearly to 0"}, \
    {"e_mu",      "eV",      0.0,   0.0,  5.0,  NULL,           "activation energy of drift: of mu and, if there is one, theta"}, \
    {"e_gamma",   "eV",      0.0,   0.0,  5.0,  NULL,           "activation energy of diffusion, of every gamma"}, \
    {"t_ref",     "degC",    27.0,  -200.0, 1000.0, NULL,       "temperature at which the rates hold"}, \
    OW_TEMP_PARAM

static const struct ow_param param[] = {
    OW_COMMON_PARAMS,
    INITIAL_FILAMENT,
    {"s0",        "1",       1.0,   1.0,  20.0, NULL,           "initial thickness of the bridge; 1 is the least"},
    {"rise0",     "1",       0.0,   0.0,  1e3,  NULL,           "initial rise of the temperature over temp, relative to it"},
    FILAMENT,
    {"theta",     "1/(V s)", 0.0,   0.0,  1e15, NULL,           "growth of the thickness once bridged; 0 keeps it at 1"},
    {"gamma3",    "1/s",     0.0,   0.0,  1e15, NULL,           "diffusion of the thickness"},
    {"thermal",   "1",       0.0,   0.0,  1.0,  thermal_name,   "on: the device heats itself"},
    {"c_th",      "J/K",     3.1825e-16, 1e-25, 1e3, NULL,      "heat capacity"},
    {"tau_th",    "s",       0.23e-9, 1e-15, 1e6, NULL,         "thermal time constant; the resistance is tau_th/c_th"},
};
static const struct ow_param noise_param[] = {
    OW_COMMON_PARAMS,
    INITIAL_FILAMENT,
    {"h0",        "1",       -1.0,  -1.0, 1e12, NULL,           "hazard left until the filament shrinks next; -1 takes the draw"},
    {"k0",        "1",       0.0,   0.0,  9e15, NULL,           "number of times it has shrunk so far (whole number)"},
    FILAMENT,
    {"kappa",     "1/s",     0.0,   0.0,  1e15, NULL,           "how often the filament shrinks, at f = 1; 0 is never"},
    {"m",         "1",       2.0,   1.0,  20.0, NULL,           "exponent of f in that"},
    {"eta",       "1",       0.01,  0.0,  1.0,  NULL,           "part of the filament that is lost"},
};
static const struct ow_state state[] = {
    {"f",    0.0, 1.0, F0,    false, "active filament"},
    {"r",    0.0, 1.0, R0,    false, "residue in the gap"},
    {"s",    1.0, 2.0, S0,    false, "thickness of the bridge (theta > 0)"},
    {"rise", 0.0, 1.0, RISE0, false, "rise of the temperature over temp, relative to it (thermal=on)"},
};
static const struct ow_state noise_state[] = {
    {"f",    0.0, 1.0, F0,    false, "active filament"},
    {"r",    0.0, 1.0, R0,    false, "residue in the gap"},
    {"h",    0.0, 1.0, H0,    false, "hazard left until the filament shrinks next; 1 is the mean"},
    {"k",    0.0, 1.0, K0,    true,  "number of times the filament has shrunk so far"},
};
/* clang-format on */
_Static_assert(sizeof param / sizeof param[0] == N_PARAM, "one row for each index");
_Static_assert(sizeof noise_param / sizeof noise_param[0] == N_NOISE_PARAM, "as above");
_Static_assert((int)N_PARAM <= (int)OW_MAX_PARAMS && (int)N_NOISE_PARAM <= (int)OW_MAX_PARAMS,
               "raise OW_MAX_PARAMS");

/* exp() of this, as the largest factor of a rate: 1e50, so that products of two are finite. */
#define LOG_FACTOR_LIMIT (0.5 * OW_LOG_RATE_LIMIT)

static const char *check(const double p[])
{
    return p[R_ON] < p[R_OFF] ? NULL : "r_on must be below r_off";
}

/* A weight may ask for more filament than the residue leaves room for. */
static void init(const double p[], double x[])
{
    x[F] = fmin(p[F0], 1.0 - p[R0]);
}

static double hold(double a, double limit)
{
    return fmin(fmax(a, -limit), limit);
}

/* 0 below u = 0, 1 above u = 1, smooth between. */
static struct ow_value smooth_step(double u)
{
    if (u <= 0.0)
        return (struct ow_value){0.0, 0.0};
    if (u >= 1.0)
        return (struct ow_value){1.0, 0.0};
    return (struct ow_value){u * u * (3.0 - 2.0 * u), 6.0 * u * (1.0 - u)};
}

static struct ow_value soft_stop(double past)
{
    struct ow_value stop;
    stop.y = ow_soft_stop(past, &stop.dy);
    return stop;
}

/* What drives the filament, V(v) in volts and with its sign, and dV/dv.  At v = 0, where
 * |v| has a kink, the mean of both slopes, and the lower one of max(v, 0). */
static struct ow_value drive(const double p[], double v)
{
    const double sign = v > 0.0   ? 1.0
                        : v < 0.0 ? (p[SYMMETRIC] == ONE_SIDED ? 0.0 : -1.0)
                                  : (p[SYMMETRIC] == SIGNED ? 1.0 : 0.0);
    const double grow = p[SYMMETRIC] == SIGNED ? fabs(sign) : sign;
    if (p[DRIFT] == DRIFT_SINH) {
        const double z = v / p[V_0], zc = hold(z, LOG_FACTOR_LIMIT);
        return (struct ow_value){grow * p[V_0] * sinh(zc), z == zc ? grow * cosh(zc) : 0.0};
    }
    const double vc = hold(v, OW_V_LIMIT);
    return (struct ow_value){grow * vc, v == vc ? grow : 0.0};
}

/* L(f) by its exponent n = -1, 1 or 3. */
static struct ow_value loss_of(const double p[], double f)
{
    if (p[DIFFUSION] == DIFFUSION_LINEAR)
        return (struct ow_value){f, 1.0};
    const double n = p[DIFFUSION] == DIFFUSION_INVERSE ? 1.0 : 3.0;
    if (f < p[F_MIN]) {
        const double slope = pow(p[F_MIN], -n - 1.0);
        return (struct ow_value){f * slope, slope};
    }
    return (struct ow_value){pow(f, -n), -n * pow(f, -n - 1.0)};
}

/* exp(-(E/k)(1/T - 1/t_ref)) and its derivative to T; exactly 1 for E = 0. */
static struct ow_value arrhenius(const double p[], double energy, double t)
{
    if (energy == 0.0)
        return (struct ow_value){1.0, 0.0};
    const double a = energy / OW_K_EV;
    const double z = a * (1.0 / (p[T_REF] + OW_ZERO_CELSIUS) - 1.0 / t);
    const double zc = hold(z, LOG_FACTOR_LIMIT), y = exp(zc);
    return (struct ow_value){y, z == zc ? y * a / (t * t) : 0.0};
}

/* R(t, s) on the travel, held at its ends outside, and its derivatives. */
static double resistance(const double p[], double t, double s, double *dr_dt, double *dr_ds)
{
    const double tc = fmin(fmax(t, 0.0), 1.0), sc = fmax(s, 1.0), lambda = p[LAMBDA];
    const double whole = expm1(1.0 / lambda);
    const double gap = expm1((1.0 - tc) / lambda);
    const double metal = p[R_ON] / (sc * sc);
    *dr_dt = t == tc ? metal - p[R_OFF] * (gap + 1.0) / (lambda * whole) : 0.0;
    *dr_ds = s == sc ? -2.0 * metal * tc / sc : 0.0;
    return metal * tc + p[R_OFF] * gap / whole;
}

/* Where the equations are evaluated, and 1 or 0 where that is the state or a bound. */
struct point {
    double f, r, t, s, rise;
    double is_f, is_r, is_s, is_rise;
    struct ow_value e_mu, e_gamma; /* Arrhenius factors, and by the temperature in K */
    double t_0;                    /* K */
};

static struct point point_at(const double p[], const double x[])
{
    /* Nothing happens a thousand travels outside, but it must be finite. */
    struct point q = {.f = hold(x[F], 1e3), .r = hold(x[R], 1e3)};
    q.s = fmin(fmax(x[S], 0.0), 50.0);
    q.rise = fmin(fmax(x[RISE], -0.5), 1e3);
    q.t = q.f + q.r;
    q.is_f = q.f == x[F] ? 1.0 : 0.0;
    q.is_r = q.r == x[R] ? 1.0 : 0.0;
    q.is_s = q.s == x[S] ? 1.0 : 0.0;
    q.is_rise = q.rise == x[RISE] ? 1.0 : 0.0;
    q.t_0 = p[TEMP] + OW_ZERO_CELSIUS;
    q.e_mu = arrhenius(p, p[E_MU], q.t_0 * (1.0 + q.rise));
    q.e_gamma = arrhenius(p, p[E_GAMMA], q.t_0 * (1.0 + q.rise));
    return q;
}

/* Current, df/dt and dr/dt. */
static void filament(const double p[], double v, const struct point *at, struct ow_point *pt)
{
    const double f = at->f, r = at->r, t = at->t, s = at->s;
    const double is_f = at->is_f, is_r = at->is_r, is_s = at->is_s, is_rise = at->is_rise;
    double dr_dt, dr_ds;
    const double res = resistance(p, t, s, &dr_dt, &dr_ds);
    ow_ohmic(1.0 / res, v, pt);
    pt->di_dx[F] = is_f * -pt->i * dr_dt / res;
    pt->di_dx[R] = is_r * -pt->i * dr_dt / res;
    pt->di_dx[S] = is_s * -pt->i * dr_ds / res;

    const struct ow_value e_mu = at->e_mu, e_gamma = at->e_gamma;
    const double e_mu_rise = e_mu.dy * at->t_0, e_gamma_rise = e_gamma.dy * at->t_0;

    /* D: the stop at t = 1 acts on growth, the one at f = 0 on a negative drift, such that
     * it rests at 0. */
    const struct ow_value volt = drive(p, v);
    const bool has_gap = p[GAP] == GAP_ON, is_growth = volt.y >= 0.0;
    const double gap = has_gap ? p[ALPHA] + fmax(1.0 - t, 0.0) : 1.0;
    const double is_open = has_gap && t < 1.0 ? 1.0 : 0.0;
    const struct ow_value stop = soft_stop(is_growth ? t - 1.0 : OW_STOP_DEPTH - f);
    const double per_volt = p[MU] * e_mu.y / gap, drift = per_volt * volt.y;
    const double drift_v = stop.y * per_volt * volt.dy;
    const double drift_t = (is_growth ? stop.dy * drift : 0.0) + is_open * stop.y * drift / gap;
    const double drift_f = drift_t - (is_growth ? 0.0 : stop.dy * drift);
    const double drift_rise = stop.y * p[MU] * e_mu_rise / gap * volt.y;

    const struct ow_value loss = loss_of(p, f);
    double a = stop.y * drift - p[GAMMA1] * e_gamma.y * loss.y - p[BETA] * f;
    double a_v = drift_v, a_r = drift_t;
    double a_f = drift_f - p[GAMMA1] * e_gamma.y * loss.dy - p[BETA];
    double a_rise = drift_rise - p[GAMMA1] * e_gamma_rise * loss.y;
    if (p[RATE_MAX] > 0.0 && a > p[RATE_MAX]) {
        a = p[RATE_MAX];
        a_v = a_f = a_r = a_rise = 0.0;
    }
    const double b_f = p[BETA], b_r = -p[GAMMA2] * e_gamma.y, b = b_f * f + b_r * r;
    const double b_rise = -p[GAMMA2] * e_gamma_rise * r;

    /* Frozen while s > 1: beyond 1 + OW_STOP_DEPTH, which growth that cannot hold against
     * gamma3 does not pass. */
    const struct ow_value frozen = smooth_step((s - 1.0) / OW_STOP_DEPTH - 1.0);
    const double free = 1.0 - frozen.y, free_s = is_s * -frozen.dy / OW_STOP_DEPTH;
    pt->f[F] = free * a;
    pt->df_dv[F] = free * a_v;
    pt->df_dx[F][F] = is_f * free * a_f;
    pt->df_dx[F][R] = is_r * free * a_r;
    pt->df_dx[F][S] = free_s * a;
    pt->df_dx[F][RISE] = is_rise * free * a_rise;
    pt->f[R] = free * b;
    pt->df_dx[R][F] = is_f * free * b_f;
    pt->df_dx[R][R] = is_r * free * b_r;
    pt->df_dx[R][S] = free_s * b;
    pt->df_dx[R][RISE] = is_rise * free * b_rise;
}

/* ds/dt: growth needs the bridge; diffusion rests at s = 1. */
static void thickness(const double p[], double v, const struct point *at, struct ow_point *pt)
{
    const double s = at->s, e_mu_rise = at->e_mu.dy * at->t_0;
    const struct ow_value bridged = smooth_step((at->t - 1.0) / OW_STOP_DEPTH + 1.0);
    const struct ow_value rest = soft_stop(1.0 + OW_STOP_DEPTH - s);
    const double vc = hold(v, OW_V_LIMIT), v_sign = v > 0.0 ? 1.0 : v < 0.0 ? -1.0 : 0.0;
    const double per_volt_s = p[THETA] * exp(1.0 - s), shrink = p[GAMMA3] * exp(s - 1.0);
    const double grow = per_volt_s * at->e_mu.y * fabs(vc);
    pt->f[S] = bridged.y * grow - rest.y * shrink * at->e_gamma.y;
    pt->df_dv[S] = v == vc ? bridged.y * per_volt_s * at->e_mu.y * v_sign : 0.0;
    pt->df_dx[S][F] = at->is_f * bridged.dy / OW_STOP_DEPTH * grow;
    pt->df_dx[S][R] = at->is_r * bridged.dy / OW_STOP_DEPTH * grow;
    pt->df_dx[S][S] =
        at->is_s * (-bridged.y * grow - (rest.y - rest.dy) * shrink * at->e_gamma.y);
    pt->df_dx[S][RISE] = at->is_rise * (bridged.y * per_volt_s * e_mu_rise * fabs(vc) -
                                        rest.y * shrink * at->e_gamma.dy * at->t_0);
}

/* d rise/dt, by the current that pt holds. */
static void heat(const double p[], double v, const struct point *at, struct ow_point *pt)
{
    const double vc = hold(v, OW_V_LIMIT), v_sign = v > 0.0 ? 1.0 : v < 0.0 ? -1.0 : 0.0;
    const double per_joule = 1.0 / (p[C_TH] * at->t_0);
    pt->f[RISE] = per_joule * pt->i * vc - at->rise / p[TAU_TH];
    pt->df_dv[RISE] = v == vc ? 2.0 * per_joule * pt->i : 0.0;
    for (size_t k = 0; k < RISE; k++)
        pt->df_dx[RISE][k] = per_joule * pt->di_dx[k] * v_sign * fabs(vc);
    pt->df_dx[RISE][RISE] = at->is_rise * -1.0 / p[TAU_TH];
}

static void driftdiff_cell(const double p[], double v, const double x[], struct ow_point *pt)
{
    const struct point at = point_at(p, x);
    filament(p, v, &at, pt);
    thickness(p, v, &at, pt);
    if (p[THERMAL] != 0.0)
        heat(p, v, &at, pt);
}

/* ---- the noisy model ------------------------------------------------------------------- */

static const char *noise_check(const double p[])
{
    const char *wrong = check(p);
    return wrong ? wrong : ow_event_check(p[H0], p[K0]);
}

static void noise_init(const double p[], double x[])
{
    init(p, x);
    if (p[H0] == OW_H0_DRAW)
        x[H] = ow_event_hazard(p, OW_DRAW_SHRINK, p[K0]);
}

static void noise_cell(const double p[], double v, const double x[], struct ow_point *pt)
{
    const double thin_and_cold[N_STATE] = {[F] = x[F], [R] = x[R], [S] = 1.0, [RISE] = 0.0};
    const struct point at = point_at(p, thin_and_cold);
    filament(p, v, &at, pt);
    for (size_t s = H; s <= K; s++) /* the same places as S and RISE */
        pt->di_dx[s] = pt->df_dx[F][s] = pt->df_dx[R][s] = 0.0;

    const struct ow_value f = ow_hold(x[F], 0.0, 1.0);
    const double per_f = p[KAPPA] * pow(f.y, p[POWER] - 1.0);
    pt->f[H] = -per_f * f.y;
    pt->df_dx[H][F] = -p[POWER] * per_f * f.dy;
}

static void fire(const double p[], double v, double x[])
{
    x[F] *= 1.0 - p[ETA];
    ow_event_next(p, OW_DRAW_SHRINK, &x[H], &x[K]);
}

static void eval(const struct ow_cells *cells, struct ow_response *out)
{
    ow_each_cell(cells, &ow_driftdiff, RISE0 + 1, N_STATE, driftdiff_cell, out);
}

const struct ow_model ow_driftdiff = {
    .name = "driftdiff",
    .doc =
        "volatile filament: drift over the remaining gap, diffusion, residue, thickness, heat",
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

static void noise_eval(const struct ow_cells *cells, struct ow_response *out)
{
    ow_each_cell(cells, &ow_driftdiff_noise, K0 + 1, K + 1, noise_cell, out);
}

const struct ow_model ow_driftdiff_noise = {
    .name = "driftdiff_noise",
    .doc = "volatile filament that shrinks at random times: driftdiff, thin and cold",
    .source = "Wang et al., IEEE TCASAI 1(2) (2024) 141, doi 10.1109/TCASAI.2024.3484370",
    .param = noise_param,
    .n_param = N_NOISE_PARAM,
    .state = noise_state,
    .n_state = K + 1,
    .program = F0,
    .is_volatile = true,
    .check = noise_check,
    .init = noise_init,
    .eval = noise_eval,
    .event_state = H,
    .fire = fire,
};
