/* MOS transistor with a fixed gate voltage, as the two-terminal element of a 1T1R cell: the
 * long-channel EKV model.  Enz, Krummenacher, Vittoz, Analog Integr. Circuits Signal Process. 8
 * (1995) 83 (from memory, not verified):
 *
 *   i = I_s (F((V_P - V_S)/U_T) - F((V_P - V_D)/U_T)),   F(u) = ln^2(1 + exp(u/2))
 *   I_s = 2 n kp (w/l) U_T^2,   V_P = (V_G - vt0)/n,   U_T = k T/q
 *
 * all voltages against the bulk.  TE is the drain, at V_D = v; BE is source and bulk, at
 * V_S = 0, and what the gate voltage is counted from.  Source and drain are alike, so below 0
 * they have changed places.
 *
 * With a = ln(1 + e^z), b = ln(1 + e^(z - d)), z = V_P/(2 U_T), d = v/(2 U_T):
 *
 *   i = I_s (a - b)(a + b),   di/dv = I_s b s/U_T,   s = 1/(1 + e^(d - z))
 *   a - b = ln(1 + s (e^d - 1)), where the difference would lose its digits. */
#include "ow_cells.h"
#include "ow_exp.h"
#include "ow_physics.h"
#include "ow_simd.h"

extern const struct ow_model ow_ekv;

enum { V_GATE = OW_N_COMMON, VT0, SLOPE, KP, W, L, TEMP, N_PARAM };

/* clang-format off */
static const struct ow_param param[] = {
    OW_COMMON_PARAMS,
    {"v_gate", "V",     1.8,    -1e3,  1e3,  NULL, "gate over BE"},
    {"vt0",    "V",     0.45,   -1e3,  1e3,  NULL, "threshold at a source without bias"},
    {"n",      "1",     1.3,    1.0,   10.0, NULL, "slope factor"},
    {"kp",     "A/V^2", 300e-6, 0.0,   1e3,  NULL, "mobility times oxide capacitance an area"},
    {"w",      "m",     1e-6,   1e-9,  1.0,  NULL, "width"},
    {"l",      "m",     180e-9, 1e-9,  1.0,  NULL, "length"},
    OW_TEMP_PARAM,
};
/* clang-format on */
_Static_assert(sizeof param / sizeof param[0] == N_PARAM, "one row for each index");

/* Arguments of e^ beyond which d makes its own difference (then |a - b| > 0.4 s). */
#define SMALL 0.5

enum { BLOCK = 64 };

/* ln(1 + t) = 2 artanh(t/(2 + t)) for 0 <= t <= 1: what is left out of the series is below
 * (1/9)^17/35 = 2e-18. */
static inline __attribute__((always_inline)) double ln_1p(double t)
{
    const double r = t / (2.0 + t), y = r * r;
    double s = 1.0 / 33.0;
    s = s * y + 1.0 / 31.0;
    s = s * y + 1.0 / 29.0;
    s = s * y + 1.0 / 27.0;
    s = s * y + 1.0 / 25.0;
    s = s * y + 1.0 / 23.0;
    s = s * y + 1.0 / 21.0;
    s = s * y + 1.0 / 19.0;
    s = s * y + 1.0 / 17.0;
    s = s * y + 1.0 / 15.0;
    s = s * y + 1.0 / 13.0;
    s = s * y + 1.0 / 11.0;
    s = s * y + 1.0 / 9.0;
    s = s * y + 1.0 / 7.0;
    s = s * y + 1.0 / 5.0;
    s = s * y + 1.0 / 3.0;
    return 2.0 * (r + r * y * s);
}

/* The same for |e^d - 1| with |d| <= 0.5, where y is below 0.06 = 0.245^2: 0.06^12/25 = 9e-17.
 */
static inline __attribute__((always_inline)) double ln_1p_near(double t)
{
    const double r = t / (2.0 + t), y = r * r;
    double s = 1.0 / 25.0;
    s = s * y + 1.0 / 23.0;
    s = s * y + 1.0 / 21.0;
    s = s * y + 1.0 / 19.0;
    s = s * y + 1.0 / 17.0;
    s = s * y + 1.0 / 15.0;
    s = s * y + 1.0 / 13.0;
    s = s * y + 1.0 / 11.0;
    s = s * y + 1.0 / 9.0;
    s = s * y + 1.0 / 7.0;
    s = s * y + 1.0 / 5.0;
    s = s * y + 1.0 / 3.0;
    return 2.0 * (r + r * y * s);
}

/* e^d - 1 for |d| <= 0.5: what is left out is below 0.5^15/15! = 3e-17. */
static inline __attribute__((always_inline)) double exp_m1(double d)
{
    double s = 1.0 / 87178291200.0;
    s = s * d + 1.0 / 6227020800.0;
    s = s * d + 1.0 / 479001600.0;
    s = s * d + 1.0 / 39916800.0;
    s = s * d + 1.0 / 3628800.0;
    s = s * d + 1.0 / 362880.0;
    s = s * d + 1.0 / 40320.0;
    s = s * d + 1.0 / 5040.0;
    s = s * d + 1.0 / 720.0;
    s = s * d + 1.0 / 120.0;
    s = s * d + 1.0 / 24.0;
    s = s * d + 1.0 / 6.0;
    s = s * d + 0.5;
    return d + d * d * s;
}

/* 1 above 0, 0 below: no branch, for which the compiler would give up its vectors. */
static inline __attribute__((always_inline)) double step(double y)
{
    return 0.5 + copysign(0.5, y);
}

/* ln(1 + e^z), and what s above is for z, from e = e^-|z|. */
static inline __attribute__((always_inline)) double soft_plus(double z, double e)
{
    return 0.5 * (z + fabs(z)) + ln_1p(e);
}
static inline __attribute__((always_inline)) double logistic(double z, double e)
{
    return (e + step(z) * (1.0 - e)) / (1.0 + e);
}

/* What the equations read of a cell, in their letters. */
struct channel {
    double z[BLOCK], a[BLOCK], two_ut[BLOCK], i_s[BLOCK];
};

static void channel_of(const struct ow_cells *cells, size_t j, size_t to, struct channel *c)
{
    const double ut = OW_K_EV * (OW_ZERO_CELSIUS + ow_param_at(cells, TEMP, j));
    const double n = ow_param_at(cells, SLOPE, j);
    const double v_p = (ow_param_at(cells, V_GATE, j) - ow_param_at(cells, VT0, j)) / n;
    const double z = v_p / (2.0 * ut);
    c->two_ut[to] = 2.0 * ut;
    c->z[to] = z;
    c->a[to] = soft_plus(z, exp(-fabs(z)));
    c->i_s[to] = 2.0 * n * ow_param_at(cells, KP, j) * ut * ut * ow_param_at(cells, W, j) /
                 ow_param_at(cells, L, j);
}

/* What differs from cell to cell. */
struct own {
    size_t n;
    const double *value[N_PARAM];
};

static struct own own_of(const struct ow_cells *cells)
{
    struct own own = {0};
    for (size_t k = V_GATE; cells->spread && k < N_PARAM; k++)
        if (cells->spread[k])
            own.value[own.n++] = cells->spread[k];
    return own;
}

/* Gates of a word line are alike: most cells are like the one before. */
static bool is_like_before(const struct own *own, size_t j)
{
    bool is = true;
    for (size_t k = 0; k < own->n && is; k++)
        is = own->value[k][j] == own->value[k][j - 1];
    return is;
}

static void channels(const struct ow_cells *cells, size_t first, size_t n,
                     const struct own *own, struct channel *c)
{
    for (size_t j = 0; j < n; j++)
        if (j == 0 || !is_like_before(own, first + j)) {
            channel_of(cells, first + j, j, c);
        } else {
            c->two_ut[j] = c->two_ut[j - 1];
            c->z[j] = c->z[j - 1];
            c->a[j] = c->a[j - 1];
            c->i_s[j] = c->i_s[j - 1];
        }
}

/* drain: -|z - d|, of which e^ is wanted. */
OW_WIDE static void ekv_arguments(size_t n, const double v[], const struct channel *c,
                                  double d[], double drain[])
{
    for (size_t j = 0; j < n; j++) {
        d[j] = v[j] / c->two_ut[j];
        drain[j] = -fabs(c->z[j] - d[j]);
    }
}

/* drain: e^ of what it was; near: d held within +-SMALL.  a - b and b, with what is right far
 * from 0 V where d is there. */
OW_WIDE static void ekv_currents(size_t n, const struct channel *c, const double d[],
                                 const double near[], const double drain[], double i[],
                                 double di_dv[])
{
    for (size_t j = 0; j < n; j++) {
        const double z = c->z[j] - d[j], e = drain[j], a = c->a[j], s = logistic(z, e);
        const double b_far = soft_plus(z, e), close = ln_1p_near(s * exp_m1(near[j]));
        const double is_far = step(fabs(d[j]) - SMALL), is_near = 1.0 - is_far;
        const double b = is_far * b_far + is_near * (a - close);
        i[j] = c->i_s[j] * (is_far * (a - b_far) + is_near * close) * (a + b);
        di_dv[j] = 2.0 * c->i_s[j] * b * s / c->two_ut[j];
    }
}

/* The same, to the last bit, where all are near. */
OW_WIDE static void ekv_triode(size_t n, const struct channel *c, const double d[],
                               const double drain[], double i[], double di_dv[])
{
    for (size_t j = 0; j < n; j++) {
        const double a = c->a[j], s = logistic(c->z[j] - d[j], drain[j]);
        const double close = ln_1p_near(s * exp_m1(d[j])), b = a - close;
        i[j] = c->i_s[j] * close * (a + b);
        di_dv[j] = 2.0 * c->i_s[j] * b * s / c->two_ut[j];
    }
}

static void conduct(const struct ow_cells *cells, double i[], double di_dv[])
{
    const struct own own = own_of(cells);
    struct channel c;
    for (size_t first = 0; first < cells->n; first += BLOCK) {
        const size_t n = cells->n - first < BLOCK ? cells->n - first : BLOCK;
        double v[BLOCK], d[BLOCK], near[BLOCK], drain[BLOCK];
        bool is_held = false, is_far = false;
        if (own.n > 0 || first == 0)
            channels(cells, first, n, &own, &c);
        ow_hold_all(n, cells->v + first, OW_V_LIMIT, v);
        ekv_arguments(n, v, &c, d, drain);
        ow_hold_all(n, d, SMALL, near);
        ow_exp_all(n, drain, drain);
        for (size_t j = 0; j < n; j++) {
            is_held |= v[j] != cells->v[first + j];
            is_far |= fabs(d[j]) >= SMALL;
        }
        if (is_far)
            ekv_currents(n, &c, d, near, drain, i + first, di_dv + first);
        else
            ekv_triode(n, &c, d, drain, i + first, di_dv + first);
        for (size_t j = 0; is_held && j < n; j++)
            if (v[j] != cells->v[first + j])
                di_dv[first + j] = 0.0;
    }
}

/* Without states there is nothing else to say. */
static void eval(const struct ow_cells *cells, struct ow_response *out)
{
    double unwanted[BLOCK];
    if (out->di_dv) {
        conduct(cells, out->i, out->di_dv);
        return;
    }
    for (size_t first = 0; first < cells->n; first += BLOCK) {
        const size_t n = cells->n - first < BLOCK ? cells->n - first : BLOCK;
        const double *spread[OW_MAX_PARAMS];
        struct ow_cells part;
        ow_cells_slice(&ow_ekv, cells, first, n, &part, spread);
        conduct(&part, out->i + first, unwanted);
    }
}

/* No state: a weight would set the area. */
const struct ow_model ow_ekv = {
    .name = "ekv",
    .doc =
        "MOS transistor with a fixed gate voltage for 1T1R cells: long-channel EKV, no state",
    .source = "Enz, Krummenacher, Vittoz, Analog Integr. Circuits Signal Process. 8 (1995) 83",
    .param = param,
    .n_param = N_PARAM,
    .n_state = 0,
    .program = OW_SCALE,
    .eval = eval,
    .conduct = conduct,
};
