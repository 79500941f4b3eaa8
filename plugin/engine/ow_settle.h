/* Lines that settle.  After a corner of the drive or a jump of a device the lines ring off
 * within picoseconds, which takes CVODE a hundred steps although hardly any state moves
 * meanwhile.  What they settle onto is the slow solution of M dV/dt = I(V, x, t): with V' the
 * DC point of the present sources and states, I(V', x, t) = 0, and G = -dI/dV there,
 *
 *   V = V' - L,   W = dV'/dt = G^-1 (dI/dt + dI/dx f),   L = G^-1 M W   (the lag),
 *
 * exact for linear cells on a straight drive.  On the way there lines differ from it by u(t),
 * with u(0) known and
 *
 *   D = integral of u dt = G^-1 M u(0),   D2 = integral of t u dt = G^-1 M D,
 *   integral of u'Gu dt = u(0)'M u(0)/2 .
 *
 * Meanwhile states move by df/dv D and energies as ow_ledger.h has it.  For a state that leaves
 * out what is of second order,
 *   (f(V + u) - f(V) - df/dv u) D/u .
 * Where it is beyond the tolerance, or a state moves visibly, or u takes a part of the energy
 * that counts, nothing is settled and CVODE has to follow; likewise with amplifiers, which take
 * nanoseconds. */
#ifndef OW_SETTLE_H
#define OW_SETTLE_H

#include "ow_newton.h"

struct ow_settle {
    struct ow_system *sys; /* borrowed, as are the next two */
    const struct ow_mass *mass;
    struct ow_newton *newton;
    double rtol, v_scale;
    bool is_linear; /* of switches (ow_system.h): di_dv is always there */
    double
        energy_most; /* J, the u'M u/2 beyond which lines are followed; to be set, 0 to begin */

    /* What the last one has found. */
    double *slope;        /* [n_y] dy/dt on the slow solution: W; states' are left unset  */
    double *area, *area2; /* [n_free] D in V s, D2 in V s^2 (unset if is_constant)      */
    double energy;        /* J, u'M u/2                                                 */
    double from_sources;  /* J, -V'M u: what u draws from the sources of linear cells   */
    bool is_constant;     /* voltages, those of the sources as well: W is 0             */
    bool is_still;        /* and states, too                                            */

    double *off; /* [n_free] V, u(0)                                           */

    double *there;    /* [n_y] workspace         */
    double *rhs;      /* [n_free]                */
    double *zero;     /* [n_source]              */
    double *v_before; /* [n_cell]                */
    double *f_before; /* [n_continuous][n_cell]  */
    double *in_cell;  /* [n_cell] D across cells */
    double *moved;    /* [n_cell]                */
};

/* rtol and v_scale (V) as in ow_engine.h.  OW_ERR_NOMEM. */
enum ow_status ow_settle_init(struct ow_system *sys, const struct ow_mass *mass,
                              struct ow_newton *newton, double rtol, double v_scale,
                              struct ow_settle *out);
void ow_settle_finish(struct ow_settle *settle);

/* Let the lines of y[n_y] settle, with sources at v_row (V) and their slopes dv_row (V/s).
 * True: y is there, the system is placed at it (switches: their values), and what is found is
 * set.  False: y is as it was.  is_placed: the system is placed at y, the sources at v_row. */
bool ow_settle(struct ow_settle *settle, const double v_row[], const double dv_row[],
               bool is_placed, double y[]);

#endif
