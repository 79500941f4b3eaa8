/* The user's own circuits around an array: SPICE subcircuits, one for each line.  Only ngspice
 * can simulate them; the description says what to connect. */
#ifndef OW_PERIPHERY_H
#define OW_PERIPHERY_H

#include <stdbool.h>
#include <stddef.h>

enum ow_pin_kind {
    OW_PIN_IN,   /* sense: the bit line; driver: the wanted voltage         */
    OW_PIN_OUT,  /* sense: the output; driver: the word line                */
    OW_PIN_LEVEL /* a supply or bias of its own, shared by all instances    */
};

struct ow_pin {
    char *name;
    enum ow_pin_kind kind;
    double level; /* V, at the beginning; 0 without `wave` is signal ground */
    char *wave;   /* NULL, or a source's function: "pulse(0 0.9 1n ...)"    */
};

struct ow_block_param {
    char *name, *value;
};

/* One kind of subcircuit. */
struct ow_block {
    char *file, *subckt; /* subckt NULL: there is none */
    size_t n_pin;
    struct ow_pin *pin; /* [n_pin] in the subcircuit's order */
    size_t n_param;
    struct ow_block_param *param; /* [n_param] */
};

/* Files as absolute paths.  Owned by whoever made it (ow_spec). */
struct ow_periphery {
    struct ow_block sense, driver;
    char *lib, *corner; /* NULL, or a library of transistors and its section (or NULL) */
    char *command;      /* NULL, or where in these files ngspice is told to do something that a
                           circuit is not: "FILE:LINE: .control"                   */
};

static inline bool ow_block_is_there(const struct ow_block *block)
{
    return block->subckt != NULL;
}

#endif
