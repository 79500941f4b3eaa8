/* What a linear solver of one Newton step is given: the matrix
 *
 *   mass M + gamma G,   G = -dI/dV with every cell a conductance g[cell]
 *
 * over the free nodes.  In a transient mass is 1 and gamma CVODE's; in DC mass is 0 and
 * gamma 1.  Amplifiers are linearised where the system was placed last. */
#ifndef OW_LINEAR_H
#define OW_LINEAR_H

#include "ow_system.h"

struct ow_linear {
    const struct ow_system *sys; /* borrowed */
    double mass, gamma;          /* 1, s (DC: 0, 1)          */
    const double *g;             /* [n_cell] S, any sign; unused if gamma is 0 */
};

/* What joins the two ends of a cell: its conductance and its capacitance. */
static inline double ow_linear_cell(const struct ow_linear *linear, size_t cell)
{
    const double c = linear->mass * linear->sys->circuit->xb->c_cell;
    return linear->gamma > 0.0 ? c + linear->gamma * linear->g[cell] : c;
}

#endif
