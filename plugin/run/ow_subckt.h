/* What a user's netlist file declares: the pins and parameters of one subcircuit, found in the
 * file or in what it includes, and whether anything in there is a command rather than a
 * circuit.  Read as ngspice reads: any case, `+` continues a line, `*`, `$` and `;` begin
 * comments. */
#ifndef OW_SUBCKT_H
#define OW_SUBCKT_H

#include <stddef.h>

#include "ow_status.h"

struct ow_names {
    size_t n;
    char **name; /* [n] owned, lower case */
};

struct ow_subckt {
    struct ow_names pin, param; /* in their order                                     */
    char *command;              /* NULL, or "FILE:LINE: .control", see ow_periphery.h */
};

/* name NULL: commands only.  OW_ERR_FILE for a file that cannot be read, also among those
 * included; OW_ERR_INPUT if there is no such subcircuit, naming those that there are. */
enum ow_status ow_subckt_find(const char *file, const char *name, struct ow_subckt *out,
                              struct ow_error *err);
void ow_subckt_finish(struct ow_subckt *subckt);

#endif
