/* The deck of one read, shared by `netlist` and `verify`. */
#ifndef OW_CLI_DECK_H
#define OW_CLI_DECK_H

#include "cli_spec.h"

/* Write read number `read` as a deck to the open file. */
enum ow_status cli_write_deck(const struct ow_array *array, size_t read, const char *codemodel,
                              const char *raw, FILE *to, struct ow_error *err);

#endif
