#include "cli_deck.h"

#include <stdlib.h>

#include "ow_netlist.h"
#include "ow_variant.h"

enum ow_status cli_write_deck(const struct ow_array *a, size_t read, const char *codemodel,
                              const char *raw, FILE *to, struct ow_error *err)
{
    const struct ow_netlist_options deck = {
        .codemodel = codemodel, .raw = raw, .has_states = true};
    struct ow_variant variant;
    double *amplitude = calloc(ow_crossbar_sources(&a->xb), sizeof *amplitude);
    if (!amplitude)
        return ow_fail(err, OW_ERR_NOMEM, "the deck: out of memory");
    enum ow_status st = ow_variant_init(&variant, a, false, err);
    if (!st) {
        ow_array_amplitudes(a, read, amplitude);
        ow_variant_redraw(&variant, read / a->n_phase);
        st = ow_netlist_write(variant.circuit, amplitude, &a->pulse, &deck, to, err);
    }
    ow_variant_finish(&variant);
    free(amplitude);
    return st;
}
