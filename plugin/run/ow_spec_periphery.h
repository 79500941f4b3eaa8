/* The periphery that a specification asks for, made of its keys and of what the files hold. */
#ifndef OW_SPEC_PERIPHERY_H
#define OW_SPEC_PERIPHERY_H

#include "ow_spec.h"

/* Letters of a name in a netlist, which ngspice neither splits nor evaluates. */
#define OW_NETLIST_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

/* spec->periphery, from the other keys, which have been read.  Pins are those of the
 * subcircuit, in its order: as `pins` says, or by their names (in, out, ref, gnd, vdd, vss). */
enum ow_status ow_spec_periphery(struct ow_spec *spec, struct ow_error *err);
void ow_periphery_finish(struct ow_periphery *periphery);

#endif
