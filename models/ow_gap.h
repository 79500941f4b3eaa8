/* For authors of filament models: the current over a gap at given gaps, of many cells at once,
 *   i = i_0 exp(-g/g_0) sinh(v/v_0),   g = g_off - travel x,  x held within 0 .. 1 */
#ifndef OW_GAP_H
#define OW_GAP_H

#include "ow_cells.h"

struct ow_gap {
    double i_0, g_off, travel, g_0, v_0; /* A, m, m, m, V */
};

/* x[n] of cells->n; i and di_dv to rounding. */
void ow_gap_conduct(const struct ow_gap *gap, const struct ow_cells *cells, const double x[],
                    double i[], double di_dv[]);

#endif
