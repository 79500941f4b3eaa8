/* What the files of this room share. */
#ifndef OW_SPICE_PRIVATE_H
#define OW_SPICE_PRIVATE_H

#include "ow_spice.h"

struct ow_spice {
    struct ow_spice_options options;
    char *library, *codemodel; /* owned; codemodel is absolute, or NULL */
};

#endif
