/* What the files of this room share. */
#ifndef OW_SPICE_PRIVATE_H
#define OW_SPICE_PRIVATE_H

#include "ow_netlist.h"
#include "ow_spice.h"

struct ow_spice {
    struct ow_spice_options options;
    char *library, *codemodel, *array_codemodel; /* owned; the latter absolute, or NULL */
};

/* A deck as text: *deck is for the caller to free, also after a failure. */
enum ow_status ow_spice_deck(const struct ow_circuit *circuit, const double amplitude[],
                             const struct ow_pulse *pulse,
                             const struct ow_netlist_options *options, char **deck,
                             struct ow_error *err);

#endif
