#include "cli_deck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ow_netlist.h"
#include "ow_variant.h"

const struct ow_array *cli_choose_tile(const struct ow_problem *p, const char *text,
                                       struct ow_error *err)
{
    unsigned row = 0, col = 0;
    int used = 0;
    if (!text && ow_problem_arrays(p) > 1) {
        ow_spec_fail(p->spec, "array.tile", err, OW_ERR_INPUT,
                     "%zu x %zu arrays, and this command takes one: expected --tile=ROW,COL "
                     "from 0,0 to %zu,%zu",
                     p->n_row_tile, p->n_col_tile, p->n_row_tile - 1, p->n_col_tile - 1);
        return NULL;
    }
    const bool is_read =
        !text || (sscanf(text, "%5u,%5u%n", &row, &col, &used) == 2 && text[used] == '\0' &&
                  text[strspn(text, "0123456789,")] == '\0');
    if (!is_read || row >= p->n_row_tile || col >= p->n_col_tile) {
        ow_fail(err, OW_ERR_INPUT, "--tile=%s: expected ROW,COL from 0,0 to %zu,%zu", text,
                p->n_row_tile - 1, p->n_col_tile - 1);
        return NULL;
    }
    return &p->array[row * p->n_col_tile + col];
}

enum ow_status cli_write_deck(const struct ow_array *a, size_t read, const char *codemodel,
                              const char *raw, FILE *to, struct ow_error *err)
{
    const struct ow_netlist_options deck = {
        .codemodel = codemodel, .raw = raw, .has_states = true};
    struct ow_variant variant;
    const size_t n_source = ow_crossbar_sources(&a->xb);
    double *amplitude = calloc(2 * n_source, sizeof *amplitude), *width = amplitude + n_source;
    struct ow_pulse pulse = a->pulse;
    if (!amplitude)
        return ow_fail(err, OW_ERR_NOMEM, "the deck: out of memory");
    enum ow_status st = ow_variant_init(&variant, a, false, err);
    if (!st) {
        ow_array_amplitudes(a, read, amplitude);
        pulse.width = ow_array_widths(a, read, width) ? width : NULL;
        ow_variant_redraw(&variant, read / a->n_sign);
        st = ow_netlist_write(variant.circuit, amplitude, &pulse, &deck, to, err);
    }
    ow_variant_finish(&variant);
    free(amplitude);
    return st;
}
