#include "ow_gap.h"

#include "ow_exp.h"
#include "ow_simd.h"

OW_WIDE static void exponents(const struct ow_gap *gap, size_t n, const double x[], double u[])
{
    const double at_off = -gap->g_off / gap->g_0, slope = gap->travel / gap->g_0;
    for (size_t k = 0; k < n; k++) {
        const double above = x[k] < 0.0 ? 0.0 : x[k], xc = above > 1.0 ? 1.0 : above;
        u[k] = at_off + slope * xc;
    }
}

OW_WIDE static void divide(size_t n, double v_0, double v[])
{
    for (size_t k = 0; k < n; k++)
        v[k] /= v_0;
}

OW_WIDE static void multiply(const struct ow_gap *gap, size_t n, const double fall[],
                             double i[], double di_dv[])
{
    const double i_0 = gap->i_0, v_0 = gap->v_0;
    for (size_t k = 0; k < n; k++) {
        const double at_gap = i_0 * fall[k];
        i[k] *= at_gap;
        di_dv[k] *= at_gap / v_0;
    }
}

void ow_gap_conduct(const struct ow_gap *gap, const struct ow_cells *cells, const double x[],
                    double i[], double di_dv[])
{
    double fall[OW_CELLS_BLOCK];
    for (size_t first = 0; first < cells->n; first += OW_CELLS_BLOCK) {
        const size_t n = ow_cells_left(cells, first);
        double *i_block = i + first, *g_block = di_dv + first;
        exponents(gap, n, x + first, fall);
        ow_exp_all(n, fall, fall);
        ow_hold_all(n, cells->v + first, OW_V_LIMIT, i_block);
        divide(n, gap->v_0, i_block);
        ow_sinh_all(n, i_block, i_block, g_block);
        multiply(gap, n, fall, i_block, g_block);
    }
}
