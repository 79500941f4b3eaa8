/* The user's own circuits around an array: SPICE subcircuits, one for each line.  Only ngspice
 * can simulate them; the description says what to connect. */
#ifndef OW_PERIPHERY_H
#define OW_PERIPHERY_H

#include <stdbool.h>
#include <stddef.h>

enum ow_pin_kind {
    OW_PIN_IN,   /* sense: the bit line; driver: the wanted voltage; adc: the output of sense */
    OW_PIN_OUT,  /* sense: the output; driver: the word line; adc: the voltage that it means  */
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
enum ow_block_kind { OW_BLOCK_DRIVER, OW_BLOCK_SENSE, OW_BLOCK_ADC, OW_N_BLOCK };
extern const char *const ow_block_name[OW_N_BLOCK]; /* "driver", "sense", "adc" */

struct ow_periphery {
    struct ow_block block[OW_N_BLOCK];
    char *lib, *corner; /* NULL, or a library of transistors and its section (or NULL) */
    char *command;      /* NULL, or where in these files ngspice is told to do something that a
                           circuit is not: "FILE:LINE: .control"                   */
};

/* NULL: there is none of this kind. */
static inline const struct ow_block *ow_periphery_block(const struct ow_periphery *periphery,
                                                        enum ow_block_kind kind)
{
    return periphery && periphery->block[kind].subckt ? &periphery->block[kind] : NULL;
}

/* Whether there is any subcircuit: only ngspice simulates those. */
static inline bool ow_periphery_is_there(const struct ow_periphery *periphery)
{
    bool is_there = false;
    for (int kind = 0; kind < OW_N_BLOCK; kind++)
        is_there |= ow_periphery_block(periphery, (enum ow_block_kind)kind) != NULL;
    return is_there;
}

#endif
