/* Exponential selector: a symmetric non-linear resistor without a state, as mixed
 * ionic-electronic and tunnelling access devices are modelled in array studies (Burr et al.,
 * J. Vac. Sci. Technol. B 32 (2014) 040802, a review; equation from memory, not verified):
 *
 *   i = i_0 sinh(v/v_0) + v/r_leak
 *
 * Half the voltage carries 2 cosh(v/(2 v_0)) times less: the selectivity of a V/2 scheme. */
#include "ow_cells.h"
#include "ow_exp.h"
#include "ow_simd.h"

#include <math.h>

extern const struct ow_model ow_selector_exp;

enum { I_0 = OW_N_COMMON, V_0, R_LEAK, N_PARAM };

/* clang-format off */
static const struct ow_param param[] = {
    OW_COMMON_PARAMS,
    {"i_0",    "A",   1e-12, 0.0,  1e3,  NULL, "amplitude of the sinh"},
    {"v_0",    "V",   0.06,  1e-3, 1e3,  NULL, "voltage that makes the current e times larger"},
    {"r_leak", "ohm", 1e12,  1e-3, 1e18, NULL, "leakage in parallel"},
};
/* clang-format on */
_Static_assert(sizeof param / sizeof param[0] == N_PARAM, "one row for each index");

static void selector_cell(const double p[], double v, const double x[], struct ow_point *pt)
{
    (void)x;
    /* Far beyond any physics (e^80) the sinh goes on along its tangent, to stay finite. */
    const double most = 80.0, vc = fmin(fmax(v, -OW_V_LIMIT), OW_V_LIMIT);
    const double z = vc / p[V_0], zc = fmin(fmax(z, -most), most), slope = cosh(zc);
    ow_ohmic(1.0 / p[R_LEAK], v, pt);
    pt->i += p[I_0] * (sinh(zc) + slope * (z - zc));
    if (v == vc)
        pt->di_dv += p[I_0] * slope / p[V_0];
}

static void eval(const struct ow_cells *cells, struct ow_response *out)
{
    ow_each_cell(cells, &ow_selector_exp, I_0, 0, selector_cell, out);
}

OW_WIDE static void in_slopes(size_t n, const double v[], double v_0, double z[])
{
    for (size_t j = 0; j < n; j++)
        z[j] = v[j] / v_0;
}

/* i and di_dv: the sinh and its slope on entry. */
OW_WIDE static void currents(size_t n, const double v[], const double p[], double i[],
                             double di_dv[])
{
    const double i_0 = p[I_0], g = 1.0 / p[R_LEAK], per_volt = i_0 / p[V_0];
    for (size_t j = 0; j < n; j++) {
        i[j] = g * v[j] + i_0 * i[j];
        di_dv[j] = g + per_volt * di_dv[j];
    }
}

static void conduct(const struct ow_cells *cells, double i[], double di_dv[])
{
    if (ow_cells_vary(cells, I_0, N_PARAM)) {
        ow_each_current(cells, &ow_selector_exp, I_0, 0, selector_cell, i, di_dv);
        return;
    }
    for (size_t first = 0; first < cells->n; first += OW_CELLS_BLOCK) {
        const size_t n = ow_cells_left(cells, first);
        double v[OW_CELLS_BLOCK], *i_block = i + first, *g_block = di_dv + first;
        ow_hold_all(n, cells->v + first, OW_V_LIMIT, v);
        in_slopes(n, v, cells->param[V_0], i_block);
        ow_sinh_all(n, i_block, i_block, g_block);
        currents(n, v, cells->param, i_block, g_block);
    }
}

/* No state: a weight would set the area. */
const struct ow_model ow_selector_exp = {
    .name = "selector_exp",
    .doc = "exponential selector for 1S1R cells: i_0 sinh(v/v_0), no state",
    .source = "after Burr et al., J. Vac. Sci. Technol. B 32 (2014) 040802 (unverified)",
    .param = param,
    .n_param = N_PARAM,
    .n_state = 0,
    .program = OW_SCALE,
    .eval = eval,
    .conduct = conduct,
};
