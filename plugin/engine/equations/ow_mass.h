/* M of the circuit (ow_system.h) and its inverse.  M is diagonal but for two couplings: the
 * feedback capacitances join sense inputs with outputs, and the cells' own capacitances
 * c_cell join both ends of every cell.  On a grid of lines that leaves 2 x 2 blocks, which
 * are inverted in place; where lines have merged, cells share their nodes, and M is
 * factored (ow_sparse.h), once.  With c_cell every TE is a free node (ow_crossbar_check). */
#ifndef OW_MASS_H
#define OW_MASS_H

#include "ow_system.h"

struct ow_mass;

/* The system is borrowed.  OW_ERR_NOMEM; OW_ERR_SOLVER if M is singular. */
enum ow_status ow_mass_create(const struct ow_system *sys, struct ow_mass **out);
void ow_mass_destroy(struct ow_mass *mass);

/* out[n_free] = M times the voltage part of y. */
void ow_mass_times(const struct ow_mass *mass, const double y[], double out[]);
/* The same from the free node `begin` on, which is 0 or the first one behind a grid's planes.
 */
void ow_mass_times_from(const struct ow_mass *mass, size_t begin, const double y[],
                        double out[]);

/* dy/dt at y[n_y] with the sources at v_row: ydot[n_y], apart from y.  The system, which is the
 * mass's own, is placed there, without the devices' derivatives. */
void ow_mass_rates(const struct ow_mass *mass, struct ow_system *sys, const double v_row[],
                   const double y[], double ydot[]);

#endif
