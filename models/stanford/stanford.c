/* The Stanford gap model.
 *   form=paper   Jiang, Wu, Yu, Yu, Chen, Wong et al., IEEE Trans. Electron Devices 63(5)
 *                (2016) 1884; equation numbers are its own.
 *   form=v1      Stanford RRAM v1.0.0 (Verilog-A and manual).
 *
 *   dg/dt = -v0 exp(-ea/kT) sinh(gamma (a0/tox) v/kT)                      (1)
 *   gamma = gamma0 - beta (g/1nm)^alpha                                     (4)
 *           form=v1: alpha is 3, gamma0 is 16 for v < 0, and gamma is 0 where
 *           gamma |v|/tox < f_min
 *   T = T0 + v i r_th                                                       (5)
 *   i = i0 exp(-g/g0) sinh(v/v_i)                                           (6)
 * with kT in eV; gamma0, beta are a pair for v > 0 (set) and one for v < 0 (reset).  The
 * current does not depend on T, so (5) is explicit.  State: x = (gap_max - g)/(gap_max -
 * gap_min), 1 is on; it stops at the ends by itself, where the Verilog-A clamps what idt()
 * returns while the integral runs on.
 *
 * stanford_noise: the same with the gap noise of the paper,
 *   g(t + dt) = g(t) + (dg/dt + dg(T) chi) dt,  chi from N(0, 1) anew in each step dt     (2)
 *   dg(T) = dg0/(1 + exp((t_crit - T)/t_smth))                                            (3)
 * whose variance, dg(T)^2 dt in unit time, depends on the simulator's dt.  Here the dt that is
 * meant is a parameter, dg_dt, and the chi come at the points of a Poisson process of the rate
 * noise_rate: each moves the gap by dg(T) chi sqrt(dg_dt/noise_rate), which has that variance
 * whatever the rate and whatever the steps. */
#include "ow_event.h"
#include "ow_gap.h"
#include "ow_physics.h"

extern const struct ow_model ow_stanford, ow_stanford_noise;

enum {
    X0 = OW_N_COMMON, /* the initial state first: see ow_cells_vary() */
    TEMP,
    FORM,
    GAP_MIN,
    GAP_MAX,
    G0,
    V_I,
    I0,
    V0,
    EA,
    A0,
    TOX,
    GAMMA_SET,
    BETA_SET,
    GAMMA_RESET,
    BETA_RESET,
    ALPHA,
    F_MIN,
    F_WIDTH,
    R_TH,
    N_PARAM, /* both models have those above */

    H0 = N_PARAM, /* no equation reads them, and no array varies them */
    K0,
    DG0,
    T_CRIT,
    T_SMTH,
    DG_DT,
    NOISE_RATE,
    N_NOISE_PARAM
};

enum { X, H, K, N_NOISE_STATE };

enum { FORM_PAPER, FORM_V1 };
static const char *const form_name[] = {"paper", "v1", NULL};

/* Defaults: set stanford_v1. */
/* clang-format off */
#define GAP_MODEL \
    OW_COMMON_PARAMS, \
    {"x0",          "1",   0.0,     0.0,   1.0,  NULL,      "initial state: 0 = widest gap, 1 = narrowest"}, \
    OW_TEMP_PARAM, \
    {"form",        "1",   1.0,     0.0,   1.0,  form_name, "enhancement of the paper of 2016 or of the code v1.0.0"}, \
    {"gap_min",     "m",   0.2e-9,  0.0,   1e-7, NULL,      "narrowest gap"}, \
    {"gap_max",     "m",   1.7e-9,  1e-11, 1e-7, NULL,      "widest gap; above gap_min"}, \
    {"g0",          "m",   0.25e-9, 1e-12, 1e-7, NULL,      "gap that changes the current by e"}, \
    {"v_i",         "V",   0.25,    1e-3,  1e3,  NULL,      "voltage scale of the current"}, \
    {"i0",          "A",   1e-3,    1e-18, 1.0,  NULL,      "current scale"}, \
    {"v0",          "m/s", 10.0,    1e-12, 1e12, NULL,      "velocity scale of the gap"}, \
    {"ea",          "eV",  0.6,     0.0,   5.0,  NULL,      "activation energy"}, \
    {"a0",          "m",   0.25e-9, 1e-12, 1e-8, NULL,      "hopping distance"}, \
    {"tox",         "m",   12e-9,   1e-10, 1e-6, NULL,      "thickness of the oxide"}, \
    {"gamma_set",   "1",   16.0,    0.0,   1e3,  NULL,      "enhancement of the field without a gap, v > 0"}, \
    {"beta_set",    "1",   0.8,     0.0,   1e3,  NULL,      "its decrease with the gap, v > 0"}, \
    {"gamma_reset", "1",   16.0,    0.0,   1e3,  NULL,      "enhancement of the field without a gap, v < 0"}, \
    {"beta_reset",  "1",   0.8,     0.0,   1e3,  NULL,      "its decrease with the gap, v < 0"}, \
    {"alpha",       "1",   3.0,     1.0,   10.0, NULL,      "exponent of the gap; form=paper (3 in v1)"}, \
    {"f_min",       "V/m", 1.4e9,   1.0,   1e12, NULL,      "least enhanced field that moves the gap; form=v1"}, \
    {"f_width",     "1",   0.02,    1e-4,  1.0,  NULL,      "part of f_min over which the motion sets in; form=v1"}, \
    {"r_th",        "K/W", 2.1e3,   0.0,   1e9,  NULL,      "thermal resistance"}

static const struct ow_param param[] = {GAP_MODEL};
static const struct ow_param noise_param[] = {
    GAP_MODEL,
    {"h0",          "1",   -1.0,    -1.0,  1e12, NULL,      "hazard left until the next jump of the gap; -1 takes the draw"},
    {"k0",          "1",   0.0,     0.0,   9e15, NULL,      "number of jumps so far (whole number)"},
    {"dg0",         "m/s", 0.0,     0.0,   1e12, NULL,      "gap noise, the speed that is drawn anew in each dg_dt; 0 is none"},
    {"t_crit",      "degC", 176.85, -273.0, 1e4, NULL,      "temperature at which the noise has half of it"},
    {"t_smth",      "K",   500.0,   1e-3,  1e6,  NULL,      "over which the noise sets in with temperature"},
    {"dg_dt",       "s",   1e-9,    1e-15, 1.0,  NULL,      "time step that dg0 is meant for: dg0^2 dg_dt is the variance in 1 s"},
    {"noise_rate",  "1/s", 1e8,     1e-3,  1e15, NULL,      "jumps in 1 s that the noise is made of: more are smaller"},
};
static const struct ow_state noise_state[] = {
    {"x", 0.0, 1.0, X0, false, "(gap_max - gap)/(gap_max - gap_min): 0 = off, 1 = on"},
    {"h", 0.0, 1.0, H0, false, "hazard left until the next jump of the gap; 1 is the mean"},
    {"k", 0.0, 1.0, K0, true,  "number of jumps so far"},
};
static const struct ow_state state[] = {
    {"x", 0.0, 1.0, X0, false, "(gap_max - gap)/(gap_max - gap_min): 0 = off, 1 = on"},
};
/* clang-format on */
_Static_assert(sizeof param / sizeof param[0] == N_PARAM, "one row for each index");
_Static_assert(sizeof noise_param / sizeof noise_param[0] == N_NOISE_PARAM, "as above");
_Static_assert((int)N_NOISE_PARAM <= (int)OW_MAX_PARAMS, "raise OW_MAX_PARAMS");

static const char *check(const double p[])
{
    if (!(p[GAP_MAX] - p[GAP_MIN] >= 1e-12))
        return "gap_max must be above gap_min by 1e-12 m at least";
    return NULL;
}

struct enhancement {
    double gamma, dg, dv; /* 1, 1/m, 1/V */
};

/* (4), not below 0: there a voltage would drive the gap the wrong way. */
static struct enhancement paper_gamma(double gamma0, double beta, double alpha, double g)
{
    const double nm = g / 1e-9;
    const double gamma = gamma0 - beta * pow(nm, alpha);
    if (gamma <= 0.0)
        return (struct enhancement){0.0, 0.0, 0.0};
    return (struct enhancement){gamma, -beta * alpha * pow(nm, alpha - 1.0) / 1e-9, 0.0};
}

/* The code jumps from 0 at f_min; here gamma rises smoothly, by s^2 (3 - 2 s), over the
 * part f_width of f_min above it, so that solvers see no jump. */
static struct enhancement v1_gamma(const double p[], double v, double g)
{
    const bool is_set = v > 0.0;
    struct enhancement e = is_set ? paper_gamma(p[GAMMA_SET], p[BETA_SET], 3.0, g)
                                  : paper_gamma(p[GAMMA_RESET], p[BETA_RESET], 3.0, g);
    const double width = p[F_WIDTH] * p[F_MIN], per_gamma = fabs(v) / p[TOX];
    const struct ow_value s = ow_hold((e.gamma * per_gamma - p[F_MIN]) / width, 0.0, 1.0);
    const double on = s.y * s.y * (3.0 - 2.0 * s.y);
    const double don = 6.0 * s.y * (1.0 - s.y) * s.dy / width; /* per V/m */
    const double sign = is_set ? 1.0 : -1.0;
    e.dv = e.gamma * don * e.gamma * sign / p[TOX];
    e.dg *= on + e.gamma * don * per_gamma;
    e.gamma *= on;
    return e;
}

static void stanford_cell(const double p[], double v, const double x[], struct ow_point *pt)
{
    /* The gap is held at its ends, the voltage far beyond any use. */
    const double travel = p[GAP_MAX] - p[GAP_MIN];
    const struct ow_value xc = ow_hold(x[X], 0.0, 1.0);
    const double g = p[GAP_MAX] - travel * xc.y, dg_dx = -travel * xc.dy;
    const struct ow_value vc = ow_hold(v, -OW_V_LIMIT, OW_V_LIMIT);

    const struct ow_value sinh_v = ow_sinh(vc.y / p[V_I]);
    const double i_gap = p[I0] * exp(-g / p[G0]);
    pt->i = i_gap * sinh_v.y; /* (6) */
    pt->di_dv = i_gap * sinh_v.dy * vc.dy / p[V_I];
    pt->di_dx[X] = -pt->i * dg_dx / p[G0];

    /* (5), held at 1e9 K, where the rates have long been at their limit. */
    const struct ow_value rise = ow_hold(vc.y * pt->i * p[R_TH], 0.0, 1e9);
    const double t = p[TEMP] + OW_ZERO_CELSIUS + rise.y, kt = OW_K_EV * t;
    const double dt_dv = rise.dy * p[R_TH] * (vc.dy * pt->i + vc.y * pt->di_dv);
    const double dt_dx = rise.dy * p[R_TH] * vc.y * pt->di_dx[X];

    struct enhancement e;
    if (p[FORM] == FORM_V1)
        e = v1_gamma(p, vc.y, g);
    else if (vc.y > 0.0)
        e = paper_gamma(p[GAMMA_SET], p[BETA_SET], p[ALPHA], g);
    else
        e = paper_gamma(p[GAMMA_RESET], p[BETA_RESET], p[ALPHA], g);

    /* (1) as dx/dt = (v0/travel) exp(-ea/kT) sinh(z): for large z in the logarithm, since
     * either factor alone leaves the range of a double. */
    const double hop = p[A0] / p[TOX] / kt; /* 1/V */
    const double z = e.gamma * hop * vc.y;
    const double log_speed = log(p[V0] / travel) - p[EA] / kt;
    double f, df_dz, df_dlog;
    if (fabs(z) < 20.0) {
        const double speed = exp(log_speed); /* e^230 at most: the ranges */
        f = speed * sinh(z);
        df_dz = speed * cosh(z);
        df_dlog = f;
    } else {
        const struct ow_value y = ow_exp(log_speed + fabs(z) - log(2.0));
        f = copysign(y.y, z);
        df_dz = y.dy;
        df_dlog = copysign(y.dy, z);
    }
    const double df_dt = (df_dlog * p[EA] / kt - df_dz * z) / t;
    pt->f[X] = f;
    pt->df_dv[X] = df_dz * hop * (e.gamma + e.dv * vc.y) * vc.dy + df_dt * dt_dv;
    pt->df_dx[X][X] = df_dz * hop * e.dg * vc.y * dg_dx + df_dt * dt_dx;
    ow_stop_state(X, 1, x[X], pt);
}

static void eval(const struct ow_cells *cells, struct ow_response *out)
{
    ow_each_cell(cells, &ow_stanford, X0 + 1, 1, stanford_cell, out);
}

/* (6) alone.  Cells whose parameters are their own take the whole equations. */
static void conduct_any(const struct ow_cells *cells, const struct ow_model *model,
                        size_t n_state, double i[], double di_dv[])
{
    const double *p = cells->param;
    const struct ow_gap gap = {.i_0 = p[I0],
                               .g_off = p[GAP_MAX],
                               .travel = p[GAP_MAX] - p[GAP_MIN],
                               .g_0 = p[G0],
                               .v_0 = p[V_I]};
    if (ow_cells_vary(cells, X0 + 1, model->n_param))
        ow_each_current(cells, model, X0 + 1, n_state, stanford_cell, i, di_dv);
    else
        ow_gap_conduct(&gap, cells, cells->x[X], i, di_dv);
}

static void conduct(const struct ow_cells *cells, double i[], double di_dv[])
{
    conduct_any(cells, &ow_stanford, 1, i, di_dv);
}

const struct ow_model ow_stanford = {
    .name = "stanford",
    .doc = "Stanford gap model of a filament, the paper of 2016 and the code v1.0.0",
    .source =
        "Jiang et al., IEEE Trans. Electron Devices 63(5) (2016) 1884; Stanford RRAM v1.0.0",
    .param = param,
    .n_param = N_PARAM,
    .state = state,
    .n_state = 1,
    .program = X0,
    .check = check,
    .eval = eval,
    .conduct = conduct,
};

/* ---- the noisy model ------------------------------------------------------------------- */

static const char *noise_check(const double p[])
{
    const char *wrong = check(p);
    return wrong ? wrong : ow_event_check(p[H0], p[K0]);
}

static void noise_init(const double p[], double x[])
{
    if (p[H0] == OW_H0_DRAW)
        x[H] = ow_event_hazard(p, OW_DRAW_GAP, p[K0]);
}

static void noise_cell(const double p[], double v, const double x[], struct ow_point *pt)
{
    stanford_cell(p, v, x, pt);
    pt->f[H] = p[DG0] > 0.0 ? -p[NOISE_RATE] : 0.0;
}

/* (2) and (3); a jump ends where the gap does. */
static void fire(const double p[], double v, double x[])
{
    struct ow_point pt = {0};
    stanford_cell(p, v, x, &pt);
    const double t = p[TEMP] + fmax(v * pt.i, 0.0) * p[R_TH]; /* degC */
    const double speed = p[DG0] / (1.0 + exp((p[T_CRIT] - t) / p[T_SMTH]));
    const struct ow_draw_key key = ow_event_key(p, OW_DRAW_GAP_JUMP, ow_event_count(x[K]));
    const double jump = speed * ow_draw_normal(&key) * sqrt(p[DG_DT] / p[NOISE_RATE]); /* m */
    x[X] = fmin(fmax(x[X] - jump / (p[GAP_MAX] - p[GAP_MIN]), 0.0), 1.0);
    ow_event_next(p, OW_DRAW_GAP, &x[H], &x[K]);
}

static void noise_eval(const struct ow_cells *cells, struct ow_response *out)
{
    ow_each_cell(cells, &ow_stanford_noise, X0 + 1, N_NOISE_STATE, noise_cell, out);
}

static void noise_conduct(const struct ow_cells *cells, double i[], double di_dv[])
{
    conduct_any(cells, &ow_stanford_noise, N_NOISE_STATE, i, di_dv);
}

const struct ow_model ow_stanford_noise = {
    .name = "stanford_noise",
    .doc = "stanford with gap noise: jumps of the gap at random times",
    .source = "Jiang et al., IEEE Trans. Electron Devices 63(5) (2016) 1884, equations 2 and 3",
    .param = noise_param,
    .n_param = N_NOISE_PARAM,
    .state = noise_state,
    .n_state = N_NOISE_STATE,
    .program = X0,
    .check = noise_check,
    .init = noise_init,
    .eval = noise_eval,
    .conduct = noise_conduct,
    .event_state = H,
    .fire = fire,
};
