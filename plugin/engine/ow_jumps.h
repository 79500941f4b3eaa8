/* Jumps of cells whose event state has run out. */
#ifndef OW_JUMPS_H
#define OW_JUMPS_H

#include "ow_system.h"

/* Jump every cell that is due at time t, at whose point the system is placed: into y and the
 * system.  The root is located to a rounding error of the time, so cells with a remaining
 * hazard below that of the root count as due.  t_event[n_cell] gets t; returns how many. */
long ow_jumps_make(struct ow_system *sys, double t, double y[], double t_event[]);

/* Whether any cell is due. */
bool ow_jumps_are_due(const struct ow_system *sys, const double y[]);

#endif
