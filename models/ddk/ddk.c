/* Drift-diffusion kinetics in one state.
 *   Shi et al., Nat. Commun. 16 (2025), doi 10.1038/s41467-025-56286-y; the recursion is that
 *   of the published code (ow_ddk.h), the differential equation its continuous form:
 *
 *   t_step dz/dt = alpha/z - beta u        z: normalised width of a gap; 1/z is diffusion
 *
 * The paper's device equations were not at hand.  This project's own: the input is
 * u = v/v_1 for v > 0 and 0 otherwise, the resistance is linear in the gap,
 * R = r_on + (r_off - r_on) z/z_off up to z_off; below z_min diffusion is alpha/z_min, and
 * ow_soft_stop() ends the drift at z = 0. */
#include "ow_cells.h"
#include "ow_ddk.h"
#include "ow_soft_stop.h"

#include <math.h>

extern const struct ow_model ow_ddk;

enum {
    Z0 = OW_N_COMMON, /* the initial state first: see ow_cells_vary() */
    R_ON,
    R_OFF,
    Z_OFF,
    ALPHA,
    BETA,
    V_1,
    T_STEP,
    Z_MIN,
    N_PARAM
};

#define Z_TRAVEL 4.0 /* nominal: at u = 0 z grows as a root of time, without an end */

/* Defaults: alpha and beta of the reference curves, within the trained values' range;
 * everything else is invented. */
/* clang-format off */
static const struct ow_param param[] = {
    OW_COMMON_PARAMS,
    {"z0",     "1",   1.0,  0.0,   1e3,  NULL, "initial width of the gap"},
    {"r_on",   "ohm", 1e4,  1e-3,  1e12, NULL, "resistance at z = 0"},
    {"r_off",  "ohm", 1e6,  1e-3,  1e18, NULL, "resistance from z = z_off on; above r_on"},
    {"z_off",  "1",   3.0,  1e-2,  Z_TRAVEL, NULL, "width at which the resistance is r_off"},
    {"alpha",  "1",   0.7,  0.0,   1e6,  NULL, "diffusion, per step of the recursion"},
    {"beta",   "1",   1.0,  0.0,   1e6,  NULL, "drift, per step of the recursion"},
    {"v_1",    "V",   1.0,  1e-6,  1e3,  NULL, "voltage of the input u = 1"},
    {"t_step", "s",   1e-3, 1e-15, 1e6,  NULL, "duration of one step of the recursion"},
    {"z_min",  "1",   0.01, 1e-4,  1.0,  NULL, "below it diffusion no longer grows"},
};
static const struct ow_state state[] = {
    {"z", 0.0, Z_TRAVEL, Z0, false, "normalised width of the gap"},
};
/* clang-format on */
_Static_assert(sizeof param / sizeof param[0] == N_PARAM, "one row for each index");
_Static_assert((int)N_PARAM <= (int)OW_MAX_PARAMS, "raise OW_MAX_PARAMS");

void ow_ddk_step(double alpha, double beta, double z_min, size_t n, const double u[],
                 double z[])
{
    for (size_t j = 0; j < n; j++) {
        const double before = fmax(z[j], z_min);
        z[j] = fmax(before + alpha / before - beta * u[j], z_min);
    }
}

static const char *check(const double p[])
{
    return p[R_ON] < p[R_OFF] ? NULL : "r_on must be below r_off";
}

static void ddk_cell(const double p[], double v, const double x[], struct ow_point *pt)
{
    const double z = fmin(fmax(x[0], -1e3), 1e9), is_free = z == x[0] ? 1.0 : 0.0;
    const double zc = fmin(fmax(z, 0.0), p[Z_OFF]);
    const double dr_dz = z == zc ? (p[R_OFF] - p[R_ON]) / p[Z_OFF] : 0.0;
    const double r = p[R_ON] + (p[R_OFF] - p[R_ON]) * (zc / p[Z_OFF]);
    ow_ohmic(1.0 / r, v, pt);
    pt->di_dx[0] = is_free * -pt->i * dr_dz / r;

    const double u = fmin(fmax(v, 0.0), OW_V_LIMIT) / p[V_1];
    const double du_dv = v > 0.0 && v <= OW_V_LIMIT ? 1.0 / p[V_1] : 0.0;
    const double zd = fmax(z, p[Z_MIN]), diffusion = p[ALPHA] / zd;
    double stop_z;
    const double stop = ow_soft_stop(-z, &stop_z);
    pt->f[0] = (diffusion - stop * p[BETA] * u) / p[T_STEP];
    pt->df_dv[0] = -stop * p[BETA] * du_dv / p[T_STEP];
    pt->df_dx[0][0] =
        is_free * ((z == zd ? -diffusion / zd : 0.0) + stop_z * p[BETA] * u) / p[T_STEP];
}

static void eval(const struct ow_cells *cells, struct ow_response *out)
{
    ow_each_cell(cells, &ow_ddk, Z0 + 1, 1, ddk_cell, out);
}

const struct ow_model ow_ddk = {
    .name = "ddk",
    .doc = "drift-diffusion kinetics: a gap that widens as alpha/z and narrows with the input",
    .source = "Shi et al., Nat. Commun. 16 (2025), doi 10.1038/s41467-025-56286-y",
    .param = param,
    .n_param = N_PARAM,
    .state = state,
    .n_state = 1,
    .program = Z0,
    .is_volatile = true,
    .check = check,
    .eval = eval,
};
