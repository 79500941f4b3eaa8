/* Binary stochastic switch: a point process with the hazard 1/tau(v).
 *   Jo, Kim, Lu, Nano Lett. 9 (2009) 496; Gaba et al., Nanoscale 5 (2013) 5872:
 *
 *   tau(v) = tau0 exp(-|v|/v0),   P(t) dt = (dt/tau) exp(-t/tau)  at constant v
 *   time-varying v: P = 1 - exp(-integral of dt/tau(v(t)))
 *
 * with one pair (tau0, v0) for set (off, v > 0) and one for reset (on, v < 0).
 *
 * Sampling that does not depend on steps (mode=event): draw E from Exp(1), let the hazard
 * h left fall from E by dh/dt = -1/tau(v), switch when h reaches 0, draw again.  Where the
 * voltage cannot switch the device (v <= 0 while off, v >= 0 while on) the hazard is 0: h
 * waits.  At v = 0 the law would jump from 1/tau0 to 0; below v0/10 it is led to 0 smoothly,
 * which changes an integral over a ramp to V by less than a part in 20 exp(V/v0).
 *
 * The master equation of the same process (mode=mean; Dowling, Slipko, Pershin, Chaos
 * Solitons Fractals 142 (2021) 110385) for the probability p of being on,
 *   dp/dt = (1 - p)/tau_set(v) - p/tau_reset(v),   i = (p/r_on + (1 - p)/r_off) v
 * is the mean of many such devices under one and the same voltage.
 *
 * Random telegraph noise: a two-state Markov process (Machlup, J. Appl. Phys. 25 (1954) 341)
 * that multiplies both resistances by 1 + rtn in level 1, with mean times rtn_tau0 and
 * rtn_tau1 in its levels.  It competes with switching: h falls by the sum of both hazards,
 * and when it is used up a second draw says which of the two it was, in proportion to the
 * hazards at that instant (Gillespie, J. Comput. Phys. 22 (1976) 403). */
#include "ow_cells.h"
#include "ow_event.h"
#include "ow_exp.h"

#include <math.h>
#include <string.h>

extern const struct ow_model ow_stochastic;

enum {
    X0 = OW_N_COMMON, /* initial states first: see ow_cells_vary() */
    H0,
    K0,
    P0,
    MODE,
    R_ON,
    R_OFF,
    TAU_SET,
    V_SET,
    TAU_RESET,
    V_RESET,
    SIGMA_TAU_D2D,
    SIGMA_TAU_C2C,
    SIGMA_R_D2D,
    SIGMA_R_C2C,
    RTN,
    RTN_TAU0,
    RTN_TAU1,
    RTN0,
    N_PARAM
};

enum { X, H, K, P, N_STATE };

enum { MODE_EVENT, MODE_MEAN };

static const char *const mode_name[] = {"event", "mean", NULL};
static const char *const rtn0_name[] = {"low", "high", NULL};

#define P0_IS_X0 (-1.0) /* p0: x0 says it */

/* k in one number: switches, whose draws repeat after 1e7 of them, and telegraph events; the
 * sum is exact up to 9e8 of these. */
#define K_TELEGRAPH 1e7

/* Defaults: set stochastic_gaba (after Gaba 2013, unverified), reset like set. */
/* clang-format off */
static const struct ow_param param[] = {
    OW_COMMON_PARAMS,
    {"x0",        "1",   0.0,    0.0,   1.0,  NULL, "initial state: 1 = on, 0 = off; between them in mode=mean only"},
    {"h0",        "1",   -1.0,   -1.0,  1e12, NULL, "hazard left until the next event; -1 takes the draw"},
    {"k0",        "1",   0.0,    0.0,   9e15, NULL, "switches so far, plus 1e7 for each telegraph event (whole number)"},
    {"p0",        "1",   -1.0,   -1.0,  1.0,  NULL, "initial probability of being on (mode=mean); -1 takes x0"},
    {"mode",      "1",   0.0,    0.0,   1.0,  mode_name, "event: jumps at random times; mean: the master equation"},
    {"r_on",      "ohm", 1e4,    1e-3,  1e12, NULL, "resistance while on"},
    {"r_off",     "ohm", 1e6,    1e-3,  1e18, NULL, "resistance while off; above r_on"},
    {"tau_set",   "s",   2.85e5, 1e-30, 1e60, NULL, "mean time to set, extrapolated to 0 V"},
    {"v_set",     "V",   0.156,  1e-4,  1e3,  NULL, "voltage that makes set e times faster"},
    {"tau_reset", "s",   2.85e5, 1e-30, 1e60, NULL, "mean time to reset, extrapolated to 0 V"},
    {"v_reset",   "V",   0.156,  1e-4,  1e3,  NULL, "voltage that makes reset e times faster"},
    {"sigma_tau_d2d", "1", 0.0,  0.0,   3.0,  NULL, "spread of ln tau from device to device"},
    {"sigma_tau_c2c", "1", 0.0,  0.0,   3.0,  NULL, "spread of ln tau from switch to switch; 0 in mode=mean"},
    {"sigma_r_d2d",   "1", 0.0,  0.0,   3.0,  NULL, "spread of ln r_on and ln r_off from device to device"},
    {"sigma_r_c2c",   "1", 0.0,  0.0,   3.0,  NULL, "spread of ln r_on and ln r_off from switch to switch; 0 in mode=mean"},
    {"rtn",       "1",   0.0,    0.0,   1e3,  NULL, "random telegraph noise: resistance times 1 + rtn in level 1; 0 is none"},
    {"rtn_tau0",  "s",   1e-3,   1e-15, 1e15, NULL, "mean time in level 0"},
    {"rtn_tau1",  "s",   1e-3,   1e-15, 1e15, NULL, "mean time in level 1"},
    {"rtn0",      "1",   0.0,    0.0,   1.0,  rtn0_name, "level after an even number of telegraph events; the other one after an odd one"},
};
static const struct ow_state state[] = {
    {"x", 0.0, 1.0, X0, true,  "1 = on, 0 = off"},
    {"h", 0.0, 1.0, H0, false, "hazard left until the next event; 1 is the mean"},
    {"k", 0.0, 1.0, K0, true,  "switches so far, plus 1e7 for each telegraph event"},
    {"p", 0.0, 1.0, P0, false, "probability of being on (mode=mean)"},
};
/* clang-format on */
_Static_assert(sizeof param / sizeof param[0] == N_PARAM, "one row for each index");
_Static_assert((int)N_PARAM <= (int)OW_MAX_PARAMS, "raise OW_MAX_PARAMS");

static bool is_mean(const double p[])
{
    return p[MODE] == MODE_MEAN;
}

static bool is_switch(const double p[])
{
    return !is_mean(p);
}

static const char *check(const double p[])
{
    const bool has_cycles = p[SIGMA_TAU_C2C] > 0.0 || p[SIGMA_R_C2C] > 0.0;
    if (!(p[R_ON] < p[R_OFF]))
        return "r_on must be below r_off";
    if (!is_mean(p) && p[X0] != 0.0 && p[X0] != 1.0)
        return "x0 must be 0 (off) or 1 (on)";
    if (p[P0] < 0.0 && p[P0] != P0_IS_X0)
        return "p0 must be -1 (take x0) or at least 0";
    if (is_mean(p) && (has_cycles || p[RTN] > 0.0))
        return "mode=mean has no events: sigma_tau_c2c, sigma_r_c2c and rtn must be 0";
    return ow_event_check(p[H0], p[K0]);
}

static double n_switch(double k)
{
    return fmod(ow_event_count(k), K_TELEGRAPH);
}

static double n_telegraph(double k)
{
    return floor(ow_event_count(k) / K_TELEGRAPH);
}

static void init(const double p[], double x[])
{
    if (p[P0] == P0_IS_X0)
        x[P] = p[X0];
    if (is_mean(p))
        x[H] = 1.0; /* never used up */
    else if (p[H0] == OW_H0_DRAW)
        x[H] = ow_event_hazard(p, OW_DRAW_SWITCH, p[K0]);
}

/* What differs from device to device and from cycle to cycle. */
enum quantity { Q_TAU_SET, Q_TAU_RESET, Q_R_ON, Q_R_OFF, N_QUANTITY };

/* Lognormal with median 1 (Medeiros-Ribeiro et al., Nanotechnology 22 (2011) 095702,
 * unverified): one draw for the device, one for each cycle, which begins with a switch. */
static double factor(const double p[], enum quantity q, double sigma_d2d, double sigma_c2c,
                     double k)
{
    double log_factor = 0.0;
    if (sigma_d2d > 0.0) {
        const struct ow_draw_key key = ow_event_key(p, OW_DRAW_DEVICE, q);
        log_factor += sigma_d2d * ow_draw_normal(&key);
    }
    if (sigma_c2c > 0.0) {
        const struct ow_draw_key key =
            ow_event_key(p, OW_DRAW_CYCLE, N_QUANTITY * n_switch(k) + q);
        log_factor += sigma_c2c * ow_draw_normal(&key);
    }
    return log_factor == 0.0 ? 1.0 : exp(log_factor);
}

static double level(const double p[], double k)
{
    return fmod(p[RTN0] + n_telegraph(k), 2.0);
}

/* This device in its present cycle: conductances, and times extrapolated to 0 V. */
struct device {
    double g_on, g_off;        /* S */
    double tau_set, tau_reset; /* s */
    double rtn_rate;           /* 1/s, out of the present level */
};

static struct device device_of(const double p[], const double x[])
{
    const double k = x[K];
    struct device d = {1.0 / p[R_ON], 1.0 / p[R_OFF], p[TAU_SET], p[TAU_RESET], 0.0};
    if (p[SIGMA_TAU_D2D] > 0.0 || p[SIGMA_TAU_C2C] > 0.0) {
        d.tau_set *= factor(p, Q_TAU_SET, p[SIGMA_TAU_D2D], p[SIGMA_TAU_C2C], k);
        d.tau_reset *= factor(p, Q_TAU_RESET, p[SIGMA_TAU_D2D], p[SIGMA_TAU_C2C], k);
    }
    if (p[SIGMA_R_D2D] > 0.0 || p[SIGMA_R_C2C] > 0.0) {
        d.g_on /= factor(p, Q_R_ON, p[SIGMA_R_D2D], p[SIGMA_R_C2C], k);
        d.g_off /= factor(p, Q_R_OFF, p[SIGMA_R_D2D], p[SIGMA_R_C2C], k);
    }
    if (p[RTN] > 0.0) {
        const bool is_high = level(p, k) != 0.0;
        const double g = is_high ? 1.0 / (1.0 + p[RTN]) : 1.0;
        d.g_on *= g;
        d.g_off *= g;
        d.rtn_rate = 1.0 / (is_high ? p[RTN_TAU1] : p[RTN_TAU0]);
    }
    return d;
}

/* 1/tau at v = z v0 and its derivative, e being e^z held at its limit; 0 for z <= 0. */
static inline double hazard_of(double tau, double v0, double z, double e, double *d_v)
{
    const double taper = 0.1, rate = e / tau, rate_z = z < OW_LOG_RATE_LIMIT ? rate : 0.0;
    const double u = z < taper ? z / taper : 1.0, w = u * u * (3.0 - 2.0 * u);
    const double w_z = 6.0 * u * (1.0 - u) / taper;
    const bool is_up = z > 0.0;
    *d_v = is_up ? (rate_z * w + rate * w_z) / v0 : 0.0;
    return is_up ? rate * w : 0.0;
}

static double hazard(double tau, double v0, double v, double *d_v)
{
    const double z = v / v0, held = fmin(z, OW_LOG_RATE_LIMIT);
    double e;
    ow_exp_all(1, &held, &e); /* as eval_alike() has it, to the last bit */
    return hazard_of(tau, v0, z, e, d_v);
}

/* Hazards of the two events that may be next. */
struct rates {
    double switching, telegraph; /* 1/s */
};

static struct rates rates_of(const double p[], double v, const double x[])
{
    const struct device d = device_of(p, x);
    double unused;
    return (struct rates){x[X] < 0.5 ? hazard(d.tau_set, p[V_SET], v, &unused)
                                     : hazard(d.tau_reset, p[V_RESET], -v, &unused),
                          d.rtn_rate};
}

/* The next of two: with the probability rtn_rate/(rtn_rate + 1/tau) it was the telegraph
 * noise.  The time that the host has overrun is taken off the next wait, at its own hazard:
 * none where the device, once switched, waits for the other polarity. */
static void fire(const double p[], double v, double x[])
{
    if (is_mean(p)) {
        x[H] = 1.0;
        return;
    }
    const struct rates was = rates_of(p, v, x);
    const double all = was.switching + was.telegraph;
    const double overrun = all > 0.0 ? fmax(-x[H], 0.0) / all : 0.0; /* s */
    bool is_rtn = false;
    if (was.telegraph > 0.0) {
        const struct ow_draw_key key = ow_event_key(p, OW_DRAW_RTN, ow_event_count(x[K]));
        is_rtn = ow_draw_uniform(&key) * all < was.telegraph;
    }
    const double switches = n_switch(x[K]), telegraph = n_telegraph(x[K]);
    if (!is_rtn)
        x[X] = x[X] < 0.5 ? 1.0 : 0.0;
    x[K] = is_rtn ? switches + (telegraph + 1.0) * K_TELEGRAPH
                  : fmod(switches + 1.0, K_TELEGRAPH) + telegraph * K_TELEGRAPH;
    const struct rates is = rates_of(p, v, x);
    x[H] = ow_event_hazard(p, OW_DRAW_SWITCH, x[K]) - overrun * (is.switching + is.telegraph);
}

/* What conducts, and how fast it goes from off to on and back, which conduct() leaves at 0. */
struct conduction {
    double on, is_free; /* the state within 0 to 1, and whether it was there */
    double di_dx;
    double set, reset, set_v, reset_v;
};

static inline struct conduction conduct(const struct device *d, double v, double x,
                                        struct ow_point *pt)
{
    struct conduction c;
    /* x is 0 or 1; between (a solver's guess) everything is linear in it, as it is in p. */
    c.on = x > 0.0 ? x < 1.0 ? x : 1.0 : 0.0;
    c.is_free = c.on == x ? 1.0 : 0.0;
    ow_ohmic(d->g_off + (d->g_on - d->g_off) * c.on, v, pt);
    const double vc = v > OW_V_LIMIT ? OW_V_LIMIT : v < -OW_V_LIMIT ? -OW_V_LIMIT : v;
    c.di_dx = c.is_free * (d->g_on - d->g_off) * vc;
    c.set = c.set_v = c.reset = c.reset_v = 0.0;
    return c;
}

/* The hazard is used up: dh/dt and its derivatives. */
static inline void use_up(const struct conduction *c, double rtn_rate, double *f, double *df_dv,
                          double *df_dx)
{
    *f = -((1.0 - c->on) * c->set + c->on * c->reset + rtn_rate);
    *df_dv = -((1.0 - c->on) * c->set_v - c->on * c->reset_v);
    *df_dx = c->is_free * (c->set - c->reset);
}

static void stochastic_cell(const double p[], double v, const double x[], struct ow_point *pt)
{
    const struct device d = device_of(p, x);
    const size_t s = is_mean(p) ? P : X; /* the state that conducts */
    struct conduction c = conduct(&d, v, x[s], pt);
    c.set = hazard(d.tau_set, p[V_SET], v, &c.set_v);
    c.reset = hazard(d.tau_reset, p[V_RESET], -v, &c.reset_v);
    pt->di_dx[s] = c.di_dx;
    if (is_mean(p)) {
        /* Outside 0 to 1 the equation leads back inside. */
        const double q = fmin(fmax(x[P], -1e3), 1e3), is_q = q == x[P] ? 1.0 : 0.0;
        pt->f[P] = (1.0 - q) * c.set - q * c.reset;
        pt->df_dv[P] = (1.0 - q) * c.set_v + q * c.reset_v;
        pt->df_dx[P][P] = -is_q * (c.set + c.reset);
        return;
    }
    use_up(&c, d.rtn_rate, &pt->f[H], &pt->df_dv[H], &pt->df_dx[H][X]);
}

/* Cells that jump and are all alike but for their states: most arrays.  The same arithmetic
 * with the device outside the loop, in a tenth of the time. */
static bool are_alike(const struct ow_cells *cells)
{
    const double *p = cells->param;
    return !is_mean(p) && p[RTN] == 0.0 && p[SIGMA_TAU_D2D] == 0.0 && p[SIGMA_TAU_C2C] == 0.0 &&
           p[SIGMA_R_D2D] == 0.0 && p[SIGMA_R_C2C] == 0.0 &&
           !ow_cells_vary(cells, P0 + 1, N_PARAM);
}

static void eval_alike(const struct ow_cells *cells, struct ow_response *out)
{
    const size_t n = cells->n;
    const double *p = cells->param;
    const struct device d = device_of(p, (const double[N_STATE]){0.0});
    const bool has_slopes = out->di_dv != NULL;
    for (size_t r = 0; r < N_STATE; r++) {
        if (r != H)
            memset(out->f[r], 0, n * sizeof(double));
        if (!has_slopes)
            continue;
        if (r != X)
            memset(out->di_dx[r], 0, n * sizeof(double));
        if (r != H)
            memset(out->df_dv[r], 0, n * sizeof(double));
        for (size_t s = 0; s < N_STATE; s++)
            if (r != H || s != X)
                memset(out->df_dx[r][s], 0, n * sizeof(double));
    }
    double z[OW_CELLS_BLOCK], e[OW_CELLS_BLOCK];
    for (size_t first = 0; first < n; first += OW_CELLS_BLOCK) {
        const size_t left = ow_cells_left(cells, first);
        const double *v = cells->v + first, *x = cells->x[X] + first;
        double *i = out->i + first, *f = out->f[H] + first;
        for (size_t j = 0; j < left; j++) {
            z[j] = v[j] > 0.0 ? v[j] / p[V_SET] : -v[j] / p[V_RESET];
            e[j] = z[j] < OW_LOG_RATE_LIMIT ? z[j] : OW_LOG_RATE_LIMIT;
        }
        ow_exp_all(left, e, e);
        for (size_t j = 0; j < left; j++) {
            const bool sets = v[j] > 0.0;
            double slope, df_dv, df_dx;
            struct ow_point pt;
            struct conduction c = conduct(&d, v[j], x[j], &pt);
            const double rate = hazard_of(sets ? d.tau_set : d.tau_reset,
                                          sets ? p[V_SET] : p[V_RESET], z[j], e[j], &slope);
            c.set = sets ? rate : 0.0;
            c.set_v = sets ? slope : 0.0;
            c.reset = sets ? 0.0 : rate;
            c.reset_v = sets ? 0.0 : slope;
            use_up(&c, d.rtn_rate, &f[j], &df_dv, &df_dx);
            i[j] = pt.i;
            if (!has_slopes)
                continue;
            out->di_dv[first + j] = pt.di_dv;
            out->di_dx[X][first + j] = c.di_dx;
            out->df_dv[H][first + j] = df_dv;
            out->df_dx[H][X][first + j] = df_dx;
        }
    }
}

static void eval(const struct ow_cells *cells, struct ow_response *out)
{
    if (are_alike(cells))
        eval_alike(cells, out);
    else
        ow_each_cell(cells, &ow_stochastic, OW_SEED, N_STATE, stochastic_cell,
                     out); /* by their ids */
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
    .is_switch = is_switch,
};
