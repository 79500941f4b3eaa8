/* Circuits of switches (has_switches in ow_system.h): between two jumps their cells are linear
 * conductances, and the only continuous states are hazards that nothing depends on.  Once the
 * lines have settled (ow_settle.h) on a straight drive, the circuit's solution up to the next
 * jump is there in closed form,
 *
 *   V(t + s) = V(t) + W s,   h(t + s) = h(t) + integral of f(v + w s) ds,
 *
 * v and w across the cell.  While the drive is constant, W = 0 and h falls along a straight
 * line: the next jump is the least h/-f.  On an edge the integral is taken by Gauss's formula
 * with Kronrod's points (3 and 7) over parts of the edge, so long that their difference, which
 * is far above the error, stays below the tolerance; the first root is found cell by cell with
 * Newton's method on the same formula. */
#ifndef OW_SWITCHES_H
#define OW_SWITCHES_H

#include "ow_system.h"

struct ow_switches {
    struct ow_system *sys; /* borrowed */
    double rtol;
    size_t at_h;             /* where the hazards are in y                        */
    double *there;           /* [n_y] workspace                                   */
    double *used;            /* [n_cell] hazard over a part                       */
    double *coarse;          /* [n_cell] the same with 3 points                   */
    double *v[2];            /* [n_cell] V at the first and the last of 7 points  */
    double *v_row, *v_begin; /* [n_source] V, at a point and at the part's beginning */
};

/* OW_ERR_NOMEM.  rtol: of a hazard whose mean is 1. */
enum ow_status ow_switches_init(struct ow_system *sys, double rtol, struct ow_switches *out);
void ow_switches_finish(struct ow_switches *switches);

/* Take y, where lines have settled and the system is placed, from *t to the next jump or to
 * t_end, and *t with it.  True for a jump: the hazard of its cell is 0.  Voltages move with
 * slopes w[n_free] (V/s), sources, at v_row[n_source] (V) now, with dv_row (V/s); w is NULL if
 * all of that is constant, and the system then stays placed. */
bool ow_switches_advance(struct ow_switches *switches, const double v_row[],
                         const double dv_row[], const double w[], double t_end, double *t,
                         double y[]);

#endif
