/* JART VCM v1b: a filament whose disc fills with oxygen vacancies, behind a Schottky contact.
 *   Bengel, Siemon, Cueppers, Hoffmann-Eifert, Hardtdegen, von Witzleben, Hellmich, Waser,
 *   Menzel, IEEE Trans. Circuits Syst. I 67(12) (2020) 4618 (the paper was not at hand;
 *   equations and numbers as in public ports of its Verilog-A).
 *
 * With V = V(AE) = -v, so that a positive v (TE over BE, TE = ohmic, BE = active electrode)
 * sets, and magnitudes of V, Vs and I below:
 *   V = Vs + I (R_disc + R_plug + r_tiox + r0 (1 + r0 alpha_line r_th_line I^2))
 *   R_disc = l_disc/(N z q mu_n A),  R_plug = (l_cell - l_disc)/(n_plug z q mu_n A)
 *   phi = max(0, phi_bn0 - (q^3 z N psi/(8 pi^2 eps_phib^3))^(1/4))
 *   RESET (V > 0), thermionic emission, psi = phi_bn0 - phi_n:
 *     I = A A* T^2 exp(-phi/kT) (exp(Vs/kT) - 1)
 *   SET (V < 0), thermionic field emission, psi = phi_bn0 - phi_n + Vs:
 *     I = A A* (T/k) sqrt(pi W (Vs + phi/cosh^2 w)) exp(-phi tanh(w)/W) (exp(Vs/W') - 1)
 *     W = (q hbar/2) sqrt(z N/(m eps)), w = W/kT, W' = W/(w - tanh w)
 *   dN/dt = -/+ c a0 nu0/l_disc (exp(-dWmin/kT) - exp(-dWmax/kT)) F,  c = (n_plug + N)/2
 *     dWmin, dWmax = dw_a (sqrt(1 - g^2) -/+ g pi/2 + g asin g),  g = z a0 E/(pi dw_a)
 *     RESET: E = Vc/l_cell, F = 1 - (n_min/N)^10;  SET: E = I R_disc/l_disc,
 *     F = 1 - (N/n_max)^10;  Vc = Vs + I (R_disc + R_plug)
 *   tau_thermal dT/dt = T0 + I Vc R_th - T,  R_th = r_th0, in RESET times r_th_reset
 * Energies in eV.  States: x = ln(N/n_min)/ln(n_max/n_min); theta = (T - T0)/1000 K.
 *
 * jart_var: the same with variability (v1b var; equations 21 to 24 of the paper).  In each SET
 * and RESET radius and length of the disc follow N from where they were to new random targets,
 *   r = r_old + (r_new - r_old) (N - N_old)/(N_max - N_old)
 * Here they follow the travel of x, which resolves the off state, forth and back:
 *   dh/dt = -|dx/dt|,  h from 1 to 0 in a whole travel; then k counts and h is 1 again
 *   r = radius (1 + d2d_radius u) (1 + c2c_radius (h u_k + (1 - h) u_(k+1)))
 * and l_disc likewise, with u, u_k uniform in (-1, 1), of the device and of its travels, so
 * that steps do not matter.  r_th0 goes with 1/r^2. */
#include "ow_bracket.h"
#include "ow_event.h"
#include "ow_physics.h"

#include <string.h>

extern const struct ow_model ow_jart, ow_jart_var;

enum {
    X0 = OW_N_COMMON, /* initial states first: see ow_cells_vary() */
    THETA0,
    TEMP,
    N_MIN,
    N_MAX,
    N_PLUG,
    L_DISC,
    L_CELL,
    RADIUS,
    EPS,
    EPS_PHIB,
    PHI_BN0,
    PHI_N,
    MU_N,
    RICHARDSON,
    Z_VO,
    A0,
    NU0,
    DW_A,
    R_TH0,
    R_TH_RESET,
    TAU_THERMAL,
    R_TIOX,
    R0,
    R_TH_LINE,
    ALPHA_LINE,
    N_PARAM,

    H0 = N_PARAM, /* jart_var */
    K0,
    D2D_RADIUS,
    D2D_L_DISC,
    D2D_N_MIN,
    D2D_N_MAX,
    C2C_RADIUS,
    C2C_L_DISC,
    N_VAR_PARAM
};

enum { X, THETA, N_STATE, H = N_STATE, K, N_VAR_STATE };

#define RISE_UNIT     1000.0           /* K, one unit of theta      */
#define EPS_0         8.8541878128e-12 /* F/m (CODATA 2018)         */
#define ELECTRON_MASS 9.1093837015e-31 /* kg (CODATA 2018)         */
#define HBAR          1.054571817e-34  /* J s, exact to the digits  */
#define PI            3.14159265358979323846

/* Defaults: set jart_v1b; tau_thermal is not JART's. */
/* clang-format off */
#define JART_MODEL \
    OW_COMMON_PARAMS, \
    {"x0",          "1",       0.0,      0.0,   1.0,  NULL, "initial state: 0 = n_min (off), 1 = n_max (on)"}, \
    {"theta0",      "1",       0.0,      0.0,   10.0, NULL, "initial temperature rise over ambient, in 1000 K"}, \
    OW_TEMP_PARAM, \
    {"n_min",       "1/m^3",   8e23,     1e20,  1e29, NULL, "least vacancy concentration of the disc"}, \
    {"n_max",       "1/m^3",   20e26,    1e21,  1e30, NULL, "largest vacancy concentration of the disc; above n_min"}, \
    {"n_plug",      "1/m^3",   20e26,    1e22,  1e30, NULL, "vacancy concentration of the plug"}, \
    {"l_disc",      "m",       0.4e-9,   1e-11, 1e-7, NULL, "length of the disc; below l_cell"}, \
    {"l_cell",      "m",       3e-9,     1e-10, 1e-6, NULL, "length of disc and plug"}, \
    {"radius",      "m",       45e-9,    1e-10, 1e-6, NULL, "radius of the filament"}, \
    {"eps",         "1",       17.0,     1.0,   1e3,  NULL, "relative permittivity, static"}, \
    {"eps_phib",    "1",       5.5,      1.0,   1e3,  NULL, "relative permittivity, for the image force"}, \
    {"phi_bn0",     "eV",      0.18,     0.01,  2.0,  NULL, "Schottky barrier; above phi_n"}, \
    {"phi_n",       "eV",      0.1,      0.0,   2.0,  NULL, "conduction band over the Fermi level"}, \
    {"mu_n",        "m^2/(V s)", 4e-6,   1e-10, 1.0,  NULL, "electron mobility"}, \
    {"richardson",  "A/(m K)^2", 6.01e5, 1.0,   1e8,  NULL, "Richardson's constant"}, \
    {"z_vo",        "1",       2.0,      1.0,   4.0,  NULL, "charge of a vacancy, in q"}, \
    {"a0",          "m",       0.25e-9,  1e-12, 1e-8, NULL, "hopping distance"}, \
    {"nu0",         "1/s",     2e13,     1.0,   1e16, NULL, "attempt frequency"}, \
    {"dw_a",        "eV",      1.35,     0.01,  5.0,  NULL, "activation energy"}, \
    {"r_th0",       "K/W",     15.72e6,  0.0,   1e10, NULL, "thermal resistance"}, \
    {"r_th_reset",  "1",       0.27,     0.0,   10.0, NULL, "factor on r_th0 in RESET"}, \
    {"tau_thermal", "s",       2.3e-10,  1e-15, 1e3,  NULL, "thermal time constant (not part of JART: 0 there)"}, \
    {"r_tiox",      "ohm",     650.0,    1.0,   1e9,  NULL, "series resistance of the oxide"}, \
    {"r0",          "ohm",     719.2437, 0.0,   1e9,  NULL, "resistance of the lines, cold"}, \
    {"r_th_line",   "K/W",     90471.47, 0.0,   1e9,  NULL, "thermal resistance of the lines"}, \
    {"alpha_line",  "1/K",     3.92e-3,  0.0,   1.0,  NULL, "temperature coefficient of the lines"}

static const struct ow_param param[] = {JART_MODEL};
static const struct ow_param var_param[] = {
    JART_MODEL,
    {"h0",          "1",       -1.0,     -1.0,  1.0,  NULL, "travel left until new targets are drawn; -1 takes a draw"},
    {"k0",          "1",       0.0,      0.0,   9e15, NULL, "number of whole travels so far (whole number)"},
    {"d2d_radius",  "1",       0.0,      0.0,   0.5,  NULL, "radius from device to device: uniform, up or down by this part"},
    {"d2d_l_disc",  "1",       0.0,      0.0,   0.5,  NULL, "l_disc likewise"},
    {"d2d_n_min",   "1",       0.0,      0.0,   0.5,  NULL, "n_min likewise"},
    {"d2d_n_max",   "1",       0.0,      0.0,   0.5,  NULL, "n_max likewise"},
    {"c2c_radius",  "1",       0.0,      0.0,   0.5,  NULL, "radius from travel to travel: targets, up or down by this part"},
    {"c2c_l_disc",  "1",       0.0,      0.0,   0.5,  NULL, "l_disc likewise"},
};
static const struct ow_state state[] = {
    {"x",     0.0, 1.0, X0,     false, "ln(N/n_min)/ln(n_max/n_min): 0 = off, 1 = on"},
    {"theta", 0.0, 1.0, THETA0, false, "temperature rise over ambient, in 1000 K"},
};
static const struct ow_state var_state[] = {
    {"x",     0.0, 1.0, X0,     false, "ln(N/n_min)/ln(n_max/n_min): 0 = off, 1 = on"},
    {"theta", 0.0, 1.0, THETA0, false, "temperature rise over ambient, in 1000 K"},
    {"h",     0.0, 1.0, H0,     false, "travel of x left until radius and l_disc have new targets"},
    {"k",     0.0, 1.0, K0,     true,  "number of whole travels so far"},
};
/* clang-format on */
_Static_assert(sizeof param / sizeof param[0] == N_PARAM, "one row for each index");
_Static_assert(sizeof var_param / sizeof var_param[0] == N_VAR_PARAM, "as above");
_Static_assert((int)N_VAR_PARAM <= (int)OW_MAX_PARAMS, "raise OW_MAX_PARAMS");

static const char *check(const double p[])
{
    if (!(p[N_MAX] >= 1.01 * p[N_MIN]))
        return "n_max must be above n_min by 1 % at least";
    if (!(p[L_DISC] < p[L_CELL]))
        return "l_disc must be below l_cell";
    if (!(p[PHI_BN0] - p[PHI_N] >= 1e-3))
        return "phi_bn0 must be above phi_n by 1 meV at least";
    return NULL;
}

/* What does not change while the port is solved. */
struct inside {
    double n, dlogn_dx;      /* 1/m^3, 1                                     */
    double t, kt;            /* K, eV                                        */
    double area;             /* m^2                                          */
    double r_disc;           /* ohm; d/dx is -r_disc dlogn_dx                */
    double r_plug, r, cubic; /* ohm; all of it at I = 0; V/A^3           */
    double lowering4;        /* V^3: (barrier lowering)^4 per volt of psi    */
};

/* Current of the contact at the voltage Vs, and its partial derivatives. */
struct contact {
    double i, dv, dx, dt; /* A, S, A, A/K */
};

/* expm1 cut far beyond any current, so that its cube is finite. */
static struct ow_value expm1_cut(double u)
{
    const double c = fmin(u, 100.0), y = expm1(c);
    return (struct ow_value){y, u < 100.0 ? y + 1.0 : 0.0};
}

/* phi and its derivatives by psi and by x. */
static double barrier(const double p[], const struct inside *in, double psi, double *dpsi,
                      double *dx)
{
    const double lowering = sqrt(sqrt(in->lowering4 * psi));
    *dpsi = *dx = 0.0;
    if (lowering >= p[PHI_BN0])
        return 0.0;
    *dpsi = -0.25 * lowering / psi;
    *dx = -0.25 * lowering * in->dlogn_dx;
    return p[PHI_BN0] - lowering;
}

/* RESET.  psi is held at its value for Vs = 0: with psi falling in Vs the barrier comes back
 * so fast near flat band that the current falls, and the port has three solutions. */
static struct contact thermionic(const double p[], const struct inside *in, double vs)
{
    double dpsi, dphi_dx;
    const double phi = barrier(p, in, p[PHI_BN0] - p[PHI_N], &dpsi, &dphi_dx);
    const double f = in->area * p[RICHARDSON] * in->t * in->t * exp(-phi / in->kt);
    const struct ow_value m = expm1_cut(vs / in->kt);
    const double i = f * m.y;
    return (struct contact){.i = i,
                            .dv = f * m.dy / in->kt,
                            .dx = -i * dphi_dx / in->kt,
                            .dt = (i * (2.0 + phi / in->kt) - f * m.dy * vs / in->kt) / in->t};
}

/* SET: I = F M, F = A A* T/k sqrt(S) e^-B, M = e^(Vs g) - 1, g = 1/W' = 1/kT - tanh(w)/W. */
static struct contact field_emission(const double p[], const struct inside *in, double vs)
{
    double dphi_dv, dphi_dx;
    const double phi = barrier(p, in, p[PHI_BN0] - p[PHI_N] + vs, &dphi_dv, &dphi_dx);
    const double w_ev =
        0.5 * HBAR * sqrt(p[Z_VO] * in->n / (ELECTRON_MASS * p[EPS] * EPS_0)); /* J/q = eV */
    const double dw_dx = 0.5 * w_ev * in->dlogn_dx;
    const double w = w_ev / in->kt, th = tanh(w), sech = 1.0 / cosh(fmin(w, 300.0));
    const double s2 = sech * sech, ds2_dw = -2.0 * s2 * th;
    const double s = PI * w_ev * (vs + phi * s2);
    if (!(s > 1e-200)) /* no barrier and no voltage to speak of */
        return (struct contact){0.0, 0.0, 0.0, 0.0};
    const double f =
        in->area * p[RICHARDSON] * in->t / OW_K_EV * sqrt(s) * exp(-phi * th / w_ev);
    const double g = 1.0 / in->kt - th / w_ev;
    const struct ow_value m = expm1_cut(vs * g);

    /* Logarithmic derivatives of F, plain ones of g. */
    const double by_phi = 0.5 * PI * w_ev * s2 / s - th / w_ev;
    const double by_w = 0.5 / w_ev + 0.5 * PI * w_ev * phi * ds2_dw / in->kt / s -
                        phi * (s2 / in->kt - th / w_ev) / w_ev;
    const double by_t = 1.0 / in->t - 0.5 * PI * w_ev * phi * ds2_dw * w / in->t / s +
                        phi * s2 * w / (w_ev * in->t);
    const double dg_dw = -(s2 / in->kt - th / w_ev) / w_ev, dg_dt = -th * th / (in->kt * in->t);
    const double i = f * m.y;
    return (struct contact){.i = i,
                            .dv = i * (0.5 * PI * w_ev / s + by_phi * dphi_dv) + f * m.dy * g,
                            .dx = i * (by_phi * dphi_dx + by_w * dw_dx) +
                                  f * m.dy * vs * dg_dw * dw_dx,
                            .dt = i * by_t + f * m.dy * vs * dg_dt};
}

static struct contact contact_at(const double p[], const struct inside *in, bool is_set,
                                 double vs)
{
    return is_set ? field_emission(p, in, vs) : thermionic(p, in, vs);
}

/* Vs >= 0 of V = Vs + I r + cubic I^3, V >= 0: increasing in Vs, so there is one. */
static double solve_port(const double p[], const struct inside *in, bool is_set, double v,
                         struct contact *c)
{
    struct ow_bracket b = ow_bracket_start(v);
    for (int k = 0; k < OW_BRACKET_MAX; k++) {
        *c = contact_at(p, in, is_set, b.u);
        const double drop = c->i * (in->r + in->cubic * c->i * c->i);
        ow_bracket_narrow(&b, drop, c->dv * (in->r + 3.0 * in->cubic * c->i * c->i), v);
        if (b.is_done)
            break;
    }
    return b.u;
}

/* Barrier difference of hopping with and against the field: rate factor and derivatives by
 * E >= 0 and T. */
static double hopping(const double p[], double e, double kt, double t, double *de, double *dt)
{
    const struct ow_value g = ow_hold(p[Z_VO] * p[A0] * e / (PI * p[DW_A]), 0.0, 1.0);
    const double root = sqrt(1.0 - g.y * g.y), arc = asin(g.y);
    const double w_min = p[DW_A] * (root - g.y * PI / 2.0 + g.y * arc);
    const double w_max = p[DW_A] * (root + g.y * PI / 2.0 + g.y * arc);
    const double with = exp(-w_min / kt), against = exp(-w_max / kt);
    const double dg = (with * (PI / 2.0 - arc) + against * (PI / 2.0 + arc)) * p[DW_A] / kt;
    *de = dg * g.dy * p[Z_VO] * p[A0] / (PI * p[DW_A]);
    *dt = (with * w_min - against * w_max) / (kt * t);
    return with - against;
}

/* d ln(radius)/dh and d ln(l_disc)/dh of jart_var. */
struct reshaping {
    double radius, l_disc;
};

/* NULL: radius and l_disc do not change, and there is no h. */
static inline void filament(const double p[], const struct reshaping *by_h, double v,
                            const double x[], struct ow_point *pt)
{
    /* Concentration held at its ends; the temperature above half the ambient. */
    const double log_span = log(p[N_MAX] / p[N_MIN]);
    const struct ow_value xc = ow_hold(x[X], 0.0, 1.0);
    const double t0 = p[TEMP] + OW_ZERO_CELSIUS;
    const struct ow_value rise = ow_hold(x[THETA], -0.5 * t0 / RISE_UNIT, 1e3);
    const struct ow_value vc = ow_hold(v, -OW_V_LIMIT, OW_V_LIMIT);
    const bool is_set = v > 0.0;
    const double sign = is_set ? 1.0 : -1.0, volt = fabs(vc.y);
    struct inside in = {.n = p[N_MIN] * exp(log_span * xc.y),
                        .dlogn_dx = log_span * xc.dy,
                        .t = t0 + RISE_UNIT * rise.y,
                        .area = PI * p[RADIUS] * p[RADIUS]};
    const double dt_dtheta = RISE_UNIT * rise.dy;
    const double per_n = p[Z_VO] * OW_Q * p[MU_N] * in.area;
    const double eps = p[EPS_PHIB] * EPS_0;
    in.kt = OW_K_EV * in.t;
    in.r_disc = p[L_DISC] / (in.n * per_n);
    in.r_plug = (p[L_CELL] - p[L_DISC]) / (p[N_PLUG] * per_n);
    in.r = in.r_disc + in.r_plug + p[R_TIOX] + p[R0];
    in.cubic = p[R0] * p[R0] * p[ALPHA_LINE] * p[R_TH_LINE];
    in.lowering4 = pow(OW_Q / eps, 3.0) * p[Z_VO] * in.n / (8.0 * PI * PI);

    struct contact c;
    const double vs = solve_port(p, &in, is_set, volt, &c);
    const double r_diff = in.r + 3.0 * in.cubic * c.i * c.i, d = 1.0 + c.dv * r_diff;
    const double dr_dx = -in.r_disc * in.dlogn_dx;
    const double i_v = c.dv / d, i_x = (c.dx - c.dv * c.i * dr_dx) / d, i_t = c.dt / d;
    pt->i = sign * c.i;
    pt->di_dv = i_v * vc.dy;
    pt->di_dx[X] = sign * i_x;
    pt->di_dx[THETA] = sign * i_t * dt_dtheta;

    /* Voltage of the cell without the series resistors, Vc = Vs + I (R_disc + R_plug). */
    const double r_cell = in.r_disc + in.r_plug;
    const double cell = vs + c.i * r_cell, cell_v = 1.0 / d + i_v * r_cell;
    const double cell_x = -(c.dx * r_diff + c.i * dr_dx) / d + i_x * r_cell + c.i * dr_dx;
    const double cell_t = -c.dt * r_diff / d + i_t * r_cell;

    double e, e_v, e_x, e_t;
    if (is_set) {
        e = c.i * in.r_disc / p[L_DISC];
        e_v = i_v * in.r_disc / p[L_DISC];
        e_x = (i_x * in.r_disc + c.i * dr_dx) / p[L_DISC];
        e_t = i_t * in.r_disc / p[L_DISC];
    } else {
        e = cell / p[L_CELL];
        e_v = cell_v / p[L_CELL];
        e_x = cell_x / p[L_CELL];
        e_t = cell_t / p[L_CELL];
    }
    double hop_e, hop_t;
    const double hop = hopping(p, e, in.kt, in.t, &hop_e, &hop_t);
    /* F closes at the end ahead and is negative beyond it: x comes back. */
    const struct ow_value past = ow_exp(10.0 * log_span * (is_set ? x[X] - 1.0 : -x[X]));
    const double limit = 1.0 - past.y, dlimit_dx = -10.0 * log_span * sign * past.dy;
    const double unit = sign * p[A0] * p[NU0] / (2.0 * p[L_DISC] * log_span);
    const double supply = unit * (p[N_PLUG] / in.n + 1.0);
    const double dsupply_dx = -unit * p[N_PLUG] / in.n * in.dlogn_dx;
    pt->f[X] = supply * hop * limit;
    pt->df_dv[X] = supply * hop_e * e_v * limit * sign * vc.dy;
    pt->df_dx[X][X] =
        supply * (hop_e * e_x * limit + hop * dlimit_dx) + dsupply_dx * hop * limit;
    pt->df_dx[X][THETA] = supply * (hop_e * e_t + hop_t) * limit * dt_dtheta;

    const double r_th = p[R_TH0] * (is_set ? 1.0 : p[R_TH_RESET]);
    const double heat = r_th / (RISE_UNIT * p[TAU_THERMAL]); /* 1/(W s) */
    const struct ow_value theta = ow_hold(x[THETA], -OW_V_LIMIT, OW_V_LIMIT);
    pt->f[THETA] = heat * c.i * cell - theta.y / p[TAU_THERMAL];
    pt->df_dv[THETA] = heat * (i_v * cell + c.i * cell_v) * sign * vc.dy;
    pt->df_dx[THETA][X] = heat * (i_x * cell + c.i * cell_x);
    pt->df_dx[THETA][THETA] =
        heat * (i_t * cell + c.i * cell_t) * dt_dtheta - theta.dy / p[TAU_THERMAL];
    if (!by_h)
        return;

    /* The contact and r_th0 go with the area and its inverse, the plug ends where the disc
     * begins; what drops outside the cell falls as the current rises. */
    const double dr_disc = in.r_disc * (by_h->l_disc - 2.0 * by_h->radius);
    const double dr_h = dr_disc - 2.0 * in.r_plug * by_h->radius -
                        in.r_plug * by_h->l_disc * p[L_DISC] / (p[L_CELL] - p[L_DISC]);
    const double i_h = c.i * (2.0 * by_h->radius - c.dv * dr_h) / d;
    const double cell_h = -i_h * (r_diff - r_cell);
    const double e_h =
        is_set ? (i_h - 2.0 * c.i * by_h->radius) * in.r_disc / p[L_DISC] : cell_h / p[L_CELL];
    pt->di_dx[H] = sign * i_h;
    pt->df_dx[X][H] = supply * hop_e * e_h * limit - pt->f[X] * by_h->l_disc;
    pt->df_dx[THETA][H] = heat * (i_h * cell + c.i * cell_h - 2.0 * c.i * cell * by_h->radius);
}

static void jart_cell(const double p[], double v, const double x[], struct ow_point *pt)
{
    filament(p, NULL, v, x, pt);
}

static void eval(const struct ow_cells *cells, struct ow_response *out)
{
    ow_each_cell(cells, &ow_jart, THETA0 + 1, N_STATE, jart_cell, out);
}

const struct ow_model ow_jart = {
    .name = "jart",
    .doc = "JART VCM v1b: vacancies in a disc behind a Schottky contact",
    .source = "Bengel et al., IEEE Trans. Circuits Syst. I 67(12) (2020) 4618 (JART VCM v1b)",
    .param = param,
    .n_param = N_PARAM,
    .state = state,
    .n_state = N_STATE,
    .program = X0,
    .check = check,
    .eval = eval,
};

/* ---- with variability ------------------------------------------------------------------ */

static const char *var_check(const double p[])
{
    const double l_most = p[L_DISC] * (1.0 + p[D2D_L_DISC]) * (1.0 + p[C2C_L_DISC]);
    if (!(p[N_MAX] * (1.0 - p[D2D_N_MAX]) >= 1.01 * p[N_MIN] * (1.0 + p[D2D_N_MIN])))
        return "n_max must be above n_min by 1 % at least in every device (d2d_n_max, "
               "d2d_n_min)";
    if (!(l_most < p[L_CELL]))
        return "l_disc must be below l_cell in every device (d2d_l_disc, c2c_l_disc)";
    const char *wrong = ow_event_check(p[H0], p[K0]);
    return wrong ? wrong : check(p);
}

/* What is drawn. */
enum quantity { Q_RADIUS, Q_L_DISC, Q_N_MIN, Q_N_MAX, N_QUANTITY, Q_H0 = N_QUANTITY };

/* 1 + spread u; each quantity of the device or of one of its travels has a draw of its own. */
static double factor(const double p[], enum ow_draw purpose, double event, double spread)
{
    if (spread == 0.0)
        return 1.0;
    const struct ow_draw_key key = ow_event_key(p, purpose, event);
    return 1.0 + spread * (2.0 * ow_draw_uniform(&key) - 1.0);
}

/* From one target to the next; *dlog is d ln/dh. */
static double on_the_way(const double p[], enum quantity q, double spread, const double x[],
                         double *dlog)
{
    const double event = N_QUANTITY * ow_event_count(x[K]) + q;
    const struct ow_value h = ow_hold(x[H], 0.0, 1.0);
    const double from = factor(p, OW_DRAW_CYCLE, event, spread);
    const double to = factor(p, OW_DRAW_CYCLE, event + N_QUANTITY, spread);
    const double y = to + h.y * (from - to);
    *dlog = h.dy * (from - to) / y;
    return y;
}

/* Nothing is known of the travels before: some part of the present one is left.  (A whole one
 * from end to end would be over where x comes to rest, that is, at no certain time.) */
static void var_init(const double p[], double x[])
{
    const struct ow_draw_key key = ow_event_key(p, OW_DRAW_DEVICE, Q_H0);
    if (p[H0] == OW_H0_DRAW)
        x[H] = ow_draw_uniform(&key);
}

static void var_cell(const double p[], double v, const double x[], struct ow_point *pt)
{
    double own[N_PARAM];
    struct reshaping by_h;
    memcpy(own, p, sizeof own);
    const double radius = factor(p, OW_DRAW_DEVICE, Q_RADIUS, p[D2D_RADIUS]) *
                          on_the_way(p, Q_RADIUS, p[C2C_RADIUS], x, &by_h.radius);
    own[RADIUS] *= radius;
    own[R_TH0] /= radius * radius;
    own[L_DISC] *= factor(p, OW_DRAW_DEVICE, Q_L_DISC, p[D2D_L_DISC]) *
                   on_the_way(p, Q_L_DISC, p[C2C_L_DISC], x, &by_h.l_disc);
    own[N_MIN] *= factor(p, OW_DRAW_DEVICE, Q_N_MIN, p[D2D_N_MIN]);
    own[N_MAX] *= factor(p, OW_DRAW_DEVICE, Q_N_MAX, p[D2D_N_MAX]);
    filament(own, &by_h, v, x, pt);

    const double sign = pt->f[X] > 0.0 ? -1.0 : 1.0; /* dh/dt = -|dx/dt| */
    pt->f[H] = sign * pt->f[X];
    pt->df_dv[H] = sign * pt->df_dv[X];
    for (size_t s = X; s <= H; s++)
        pt->df_dx[H][s] = sign * pt->df_dx[X][s];
}

static void fire(const double p[], double v, double x[])
{
    x[K] = ow_event_count(x[K]) + 1.0;
    x[H] = 1.0 + fmin(x[H], 0.0);
}

static void var_eval(const struct ow_cells *cells, struct ow_response *out)
{
    /* ids make devices differ */
    ow_each_cell(cells, &ow_jart_var, OW_SEED, N_VAR_STATE, var_cell, out);
}

const struct ow_model ow_jart_var = {
    .name = "jart_var",
    .doc = "jart with variability: radius and length of the disc from travel to travel",
    .source = "Bengel et al., IEEE Trans. Circuits Syst. I 67(12) (2020) 4618 (v1b var)",
    .param = var_param,
    .n_param = N_VAR_PARAM,
    .state = var_state,
    .n_state = N_VAR_STATE,
    .program = X0,
    .check = var_check,
    .init = var_init,
    .eval = var_eval,
    .event_state = H,
    .fire = fire,
};
