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
    const double *g;             /* [n_cell] S, any sign     */
};

#endif
