/* The code models ow_array, ow_array_more, ow_array_port and ow_array_monitor: a whole array,
 * stepped by CVODE (ow_coupled.h), as a part of an ngspice circuit.
 *
 * ngspice factors a dense block for an instance of many terminals, so the array is many: one
 * ow_array that only looks at all ports (ow_array_more: at those of a large array that its card
 * has no room for), and one ow_array_port for each line end, with a
 * current and a conductance of its own.  ngspice evaluates them in the order of their models
 * (array/models.lst): first the array, which solves once for the present voltages of all
 * ports, then the ports, which hand over what it found. */
#ifndef OW_PART_H
#define OW_PART_H

#include "ngspice/cm.h"

void ow_part_array(Mif_Private_t *mif);
void ow_part_more(Mif_Private_t *mif);
void ow_part_port(Mif_Private_t *mif);
void ow_part_monitor(Mif_Private_t *mif);

#endif
