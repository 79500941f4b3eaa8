/* The deck of one read of one array, shared by `netlist` and `verify`. */
#ifndef OW_CLI_DECK_H
#define OW_CLI_DECK_H

#include "cli_spec.h"

/* Which of several arrays, from --tile=ROW,COL: the text, or NULL without.  NULL, with a
 * message, when that is none of them, or there are several and it is not said which. */
enum { CLI_KEY_TILE = 0x1100 };
#define CLI_TILE_OPTION                                                                        \
    {                                                                                          \
        "tile", CLI_KEY_TILE, "ROW,COL", 0,                                                    \
            "which array of those that array.tile makes, from 0,0", 0                          \
    }
const struct ow_array *cli_choose_tile(const struct ow_problem *problem, const char *text,
                                       struct ow_error *err);

/* Write read number `read` as a deck to the open file. */
enum ow_status cli_write_deck(const struct ow_array *array, size_t read, const char *codemodel,
                              const char *raw, FILE *to, struct ow_error *err);

#endif
