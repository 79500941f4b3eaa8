/* An array as a subcircuit for a circuit of one's own: its code models (ow_array) and nothing
 * else, which read what it is from a specification when ngspice runs. */
#ifndef OW_ARRAY_INC_H
#define OW_ARRAY_INC_H

#include <stdbool.h>
#include <stdio.h>

#include "ow_status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_array_inc {
    const char *name;         /* of the subcircuit: a letter, then letters, digits and _,
                                 60 in all at most                                       */
    const char *spec;         /* path of the specification, as ngspice is to open it     */
    const char *conductances; /* the same of a table of S; NULL: the weights             */
    size_t rows, cols;
    bool has_monitor; /* five more pins, see ow_array_monitor                   */
};

/* OW_ERR_INPUT (names), OW_ERR_FILE (out cannot be written). */
enum ow_status ow_array_inc_write(const struct ow_array_inc *inc, FILE *out,
                                  struct ow_error *err);

#ifdef __cplusplus
}
#endif
#endif
