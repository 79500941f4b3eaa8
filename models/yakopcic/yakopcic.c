/* Yakopcic's generalised memristor.
 *   Yakopcic, Taha, Subramanyam, Pino, Rogers, IEEE EDL 32 (2011) 1436; Yakopcic, Taha,
 *   Subramanyam, Pino, IEEE TCAD 32 (2013) 1201 (form=v2011):
 *
 *   i = a1 x sinh(b v)  v >= 0,   a2 x sinh(b v)  v < 0
 *   g(v) =  ap (e^v - e^vp)     v > vp
 *        = -an (e^-v - e^vn)    v < -vn,   0 between
 *   dx/dt = eta g(v) f(x)
 *   f = exp(-alphap (x - xp)) (1 - x)/(1 - xp)   x >= xp,     1 below,  while eta v >= 0
 *     = exp(alphan (x + xn - 1)) x/(1 - xn)      x <= 1 - xn, 1 above,  while eta v < 0
 *
 *   Yakopcic, Taha, Mountain, Salter, Marinella, McLean, IEEE TCAD 39 (2020) 1084
 *   (form=v2020), with a pair (gmax, bmax) and (gmin, bmin) for each polarity:
 *
 *   i = gmax sinh(bmax v) x + gmin sinh(bmin v) (1 - x)
 *
 * x: 1 is on, 0 is off; a positive voltage moves it up where eta = 1. */
#include "ow_cells.h"
#include "ow_exp.h"
#include "ow_simd.h"
#include "ow_soft_stop.h"

#include <math.h>
#include <string.h>

extern const struct ow_model ow_yakopcic;

enum {
    X0 = OW_N_COMMON, /* the initial state first: see ow_cells_vary() */
    FORM,
    A1,
    A2,
    B,
    GMAX_P,
    BMAX_P,
    GMAX_N,
    BMAX_N,
    GMIN_P,
    BMIN_P,
    GMIN_N,
    BMIN_N,
    AP,
    AN,
    VP,
    VN,
    XP,
    XN,
    ALPHAP,
    ALPHAN,
    ETA,
    N_PARAM
};

enum { FORM_2011, FORM_2020 };
static const char *const form_name[] = {"v2011", "v2020", NULL};

/* Defaults: set yakopcic_agchalc; the currents of 2020: set yakopcic_nbsto. */
/* clang-format off */
static const struct ow_param param[] = {
    OW_COMMON_PARAMS,
    {"x0",     "1",   0.11,   0.0,  1.0,   NULL,      "initial state, 1 = on, 0 = off"},
    {"form",   "1",   0.0,    0.0,  1.0,   form_name, "current: of 2011 and 2013 (a1, a2, b) or of 2020 (gmax .. bmin)"},
    {"a1",     "A",   0.17,   0.0,  1e3,   NULL,      "v2011: amplitude of the current for v >= 0"},
    {"a2",     "A",   0.17,   0.0,  1e3,   NULL,      "v2011: amplitude of the current for v < 0"},
    {"b",      "1/V", 0.05,   1e-6, 1e3,   NULL,      "v2011: curvature of the current"},
    {"gmax_p", "A",   9e-5,   0.0,  1e3,   NULL,      "v2020: amplitude at x = 1, v >= 0"},
    {"bmax_p", "1/V", 4.96,   1e-6, 1e3,   NULL,      "v2020: curvature at x = 1, v >= 0"},
    {"gmax_n", "A",   1.7e-4, 0.0,  1e3,   NULL,      "v2020: amplitude at x = 1, v < 0"},
    {"bmax_n", "1/V", 3.23,   1e-6, 1e3,   NULL,      "v2020: curvature at x = 1, v < 0"},
    {"gmin_p", "A",   1.5e-5, 0.0,  1e3,   NULL,      "v2020: amplitude at x = 0, v >= 0"},
    {"bmin_p", "1/V", 6.91,   1e-6, 1e3,   NULL,      "v2020: curvature at x = 0, v >= 0"},
    {"gmin_n", "A",   4.4e-7, 0.0,  1e3,   NULL,      "v2020: amplitude at x = 0, v < 0"},
    {"bmin_n", "1/V", 2.6,    1e-6, 1e3,   NULL,      "v2020: curvature at x = 0, v < 0"},
    {"ap",     "1/s", 4000.0, 0.0,  1e15,  NULL,      "speed for v > vp"},
    {"an",     "1/s", 4000.0, 0.0,  1e15,  NULL,      "speed for v < -vn"},
    {"vp",     "V",   0.16,   0.0,  100.0, NULL,      "positive threshold"},
    {"vn",     "V",   0.15,   0.0,  100.0, NULL,      "magnitude of the negative threshold"},
    {"xp",     "1",   0.3,    0.0,  0.999, NULL,      "where the motion up begins to slow down"},
    {"xn",     "1",   0.5,    0.0,  0.999, NULL,      "1 - xn: where the motion down begins to slow down"},
    {"alphap", "1",   1.0,    0.0,  1e3,   NULL,      "decay of the motion up"},
    {"alphan", "1",   5.0,    0.0,  1e3,   NULL,      "decay of the motion down"},
    {"eta",    "1",   1.0,    -1.0, 1.0,   NULL,      "1: a positive voltage moves x up; -1: down"},
};
static const struct ow_state state[] = {
    {"x", 0.0, 1.0, X0, false, "1 = on, 0 = off"},
};
/* clang-format on */
_Static_assert(sizeof param / sizeof param[0] == N_PARAM, "one row for each index");
_Static_assert((int)N_PARAM <= (int)OW_MAX_PARAMS, "raise OW_MAX_PARAMS");

static const char *check(const double p[])
{
    return fabs(p[ETA]) == 1.0 ? NULL : "eta must be 1 or -1";
}

/* sinh(b v), and on from there along its tangent where it would leave the range of a
 * double; held beyond OW_V_LIMIT. */
static double safe_sinh(double b, double v, double *d_v)
{
    const double most = 80.0, vc = fmin(fmax(v, -OW_V_LIMIT), OW_V_LIMIT);
    const double z = b * vc, zc = fmin(fmax(z, -most), most);
    const double slope = cosh(zc);
    *d_v = v == vc ? b * slope : 0.0;
    return sinh(zc) + slope * (z - zc);
}

static void current(const double p[], double v, double x, struct ow_point *pt)
{
    const double xc = fmin(fmax(x, 0.0), 1.0), is_free = x == xc ? 1.0 : 0.0;
    const bool is_up = v >= 0.0;
    double on, off = 0.0, on_v, off_v = 0.0; /* at x = 1 and x = 0 */
    if (p[FORM] == FORM_2020) {
        const double g_on = p[is_up ? GMAX_P : GMAX_N], g_off = p[is_up ? GMIN_P : GMIN_N];
        on = g_on * safe_sinh(p[is_up ? BMAX_P : BMAX_N], v, &on_v);
        off = g_off * safe_sinh(p[is_up ? BMIN_P : BMIN_N], v, &off_v);
        on_v *= g_on;
        off_v *= g_off;
    } else {
        const double a = p[is_up ? A1 : A2];
        on = a * safe_sinh(p[B], v, &on_v);
        on_v *= a;
    }
    pt->i = on * xc + off * (1.0 - xc);
    pt->di_dv = on_v * xc + off_v * (1.0 - xc);
    pt->di_dx[0] = is_free * (on - off);
}

/* |g| for u = |v| beyond its threshold: a (e^u - e^th); the exponent is cut at
 * OW_LOG_RATE_LIMIT. */
static double speed(double a, double th, double u, double *d_u)
{
    const double uc = fmin(u, OW_LOG_RATE_LIMIT);
    *d_u = 0.0;
    if (!(uc > th))
        return 0.0;
    if (u == uc)
        *d_u = a * exp(uc);
    return a * exp(th) * expm1(uc - th);
}

/* f for a motion to h = 1: h = x on the way up, 1 - x on the way down.  Beyond 1 its tangent
 * there, which brings back what a solver's step carried too far. */
static double slowing(double alpha, double begin, double h, double *d_h)
{
    *d_h = 0.0;
    if (h < begin)
        return 1.0;
    const double hc = fmin(h, 1.0), decay = exp(-alpha * (hc - begin)) / (1.0 - begin);
    if (h <= 1.0) {
        *d_h = -decay * (1.0 + alpha * (1.0 - h));
        return decay * (1.0 - h);
    }
    if (h - 1.0 >= OW_STOP_DEEPEST)
        return -decay * OW_STOP_DEEPEST;
    *d_h = -decay;
    return decay * (1.0 - h);
}

static void yakopcic_cell(const double p[], double v, const double x[], struct ow_point *pt)
{
    current(p, v, x[0], pt);
    double g_u, f_h;
    const double g = v >= 0.0 ? speed(p[AP], p[VP], v, &g_u) : speed(p[AN], p[VN], -v, &g_u);
    const bool is_up = p[ETA] * v >= 0.0;
    const double f = is_up ? slowing(p[ALPHAP], p[XP], x[0], &f_h)
                           : slowing(p[ALPHAN], p[XN], 1.0 - x[0], &f_h);
    /* eta g has the sign of the direction, and so has dh/dx */
    const double sign = is_up ? 1.0 : -1.0;
    pt->f[0] = sign * g * f;
    pt->df_dv[0] = p[ETA] * g_u * f;
    pt->df_dx[0][0] = g * f_h;
}

static void eval(const struct ow_cells *cells, struct ow_response *out)
{
    ow_each_cell(cells, &ow_yakopcic, X0 + 1, 1, yakopcic_cell, out);
}

/* ---- the current alone, of many cells ---------------------------------------------------- */

static void current_cell(const double p[], double v, const double x[], struct ow_point *pt)
{
    current(p, v, x[0], pt);
}

/* One of the two terms: amplitude a and curvature b for v >= 0 and for v < 0, and a share of
 * it, x (1 - x if is_off).  Adds to i and di_dv. */
struct term {
    double a_p, b_p, a_n, b_n;
    bool is_off;
};

OW_WIDE static void arguments(const struct term *t, size_t n, double v[])
{
    for (size_t j = 0; j < n; j++)
        v[j] *= v[j] >= 0.0 ? t->b_p : t->b_n;
}

OW_WIDE static void add_term(const struct term *t, size_t n, const double v[], const double x[],
                             const double y[], const double dy[], double i[], double di_dv[])
{
    const double at_0 = t->is_off ? 1.0 : 0.0, slope = t->is_off ? -1.0 : 1.0;
    for (size_t j = 0; j < n; j++) {
        const double above = x[j] < 0.0 ? 0.0 : x[j], xc = above > 1.0 ? 1.0 : above;
        const double a = (v[j] >= 0.0 ? t->a_p : t->a_n) * (at_0 + slope * xc);
        i[j] += a * y[j];
        di_dv[j] += a * (v[j] >= 0.0 ? t->b_p : t->b_n) * dy[j];
    }
}

static void conduct(const struct ow_cells *cells, double i[], double di_dv[])
{
    const double *p = cells->param;
    const bool is_2020 = p[FORM] == FORM_2020;
    const struct term term[] = {
        is_2020 ? (struct term){p[GMAX_P], p[BMAX_P], p[GMAX_N], p[BMAX_N], false}
                : (struct term){p[A1], p[B], p[A2], p[B], false},
        {p[GMIN_P], p[BMIN_P], p[GMIN_N], p[BMIN_N], true},
    };
    if (ow_cells_vary(cells, X0 + 1, N_PARAM)) {
        ow_each_current(cells, &ow_yakopcic, X0 + 1, 1, current_cell, i, di_dv);
        return;
    }
    for (size_t first = 0; first < cells->n; first += OW_CELLS_BLOCK) {
        const size_t n = ow_cells_left(cells, first);
        double y[OW_CELLS_BLOCK], dy[OW_CELLS_BLOCK];
        memset(i + first, 0, n * sizeof *i);
        memset(di_dv + first, 0, n * sizeof *di_dv);
        for (size_t k = 0; k < (is_2020 ? 2 : 1); k++) {
            ow_hold_all(n, cells->v + first, OW_V_LIMIT, y);
            arguments(&term[k], n, y);
            ow_sinh_all(n, y, y, dy);
            add_term(&term[k], n, cells->v + first, cells->x[0] + first, y, dy, i + first,
                     di_dv + first);
        }
    }
}

const struct ow_model ow_yakopcic = {
    .name = "yakopcic",
    .doc = "generalised memristor with sinh currents and exponential state motion",
    .source =
        "Yakopcic et al., IEEE EDL 32 (2011) 1436; TCAD 32 (2013) 1201; TCAD 39 (2020) 1084",
    .param = param,
    .n_param = N_PARAM,
    .state = state,
    .n_state = 1,
    .program = X0,
    .check = check,
    .eval = eval,
    .conduct = conduct,
};
