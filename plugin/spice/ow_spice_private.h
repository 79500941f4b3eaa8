/* What the files of this room share. */
#ifndef OW_SPICE_PRIVATE_H
#define OW_SPICE_PRIVATE_H

#include "ow_spice.h"

struct ow_spice {
    struct ow_spice_options options;
    char *library, *codemodel, *array_codemodel; /* owned; the latter absolute, or NULL */
};

/* Before a read: what points add to. */
void ow_spice_clear(struct ow_reading *out);

#endif
