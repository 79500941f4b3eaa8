/* The crossbar as an ngspice deck that a person can read and plain `ngspice -b` runs.
 * The libngspice host sources the very same text. */
#ifndef OW_NETLIST_H
#define OW_NETLIST_H

#include <stdio.h>

#include "ow_circuit.h"
#include "ow_periphery.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero or NULL in a field takes the default. */
struct ow_netlist_options {
    const char *title;     /* one line; default: what the array is                         */
    const char *codemodel; /* path of ohmweave.cm; default "./ohmweave.cm".  ngspice splits
                              commands at spaces and has no quoting for this one: letters,
                              digits and / . _ - + @ = only, else OW_ERR_INPUT              */
    const char *raw;       /* binary raw file of the whole transient, same letters; NULL:
                              none                                                         */
    bool has_states;       /* every device state on a node of its own                      */
    const double *x_begin; /* [n_state][n_cell] states to begin with; NULL: programmed.
                              Held to the range of their parameter.                        */
    double reltol;         /* 1, default 1e-6; coupled or with subcircuits 1e-4            */
    double max_step;       /* s, default t_rise / 20                                       */
    bool is_coupled;       /* the array as one part (ow_array) that a program offers, and
                              only the periphery as a circuit: for co-simulation           */
    double tol;            /* then of ow_array; default 1e-5                               */
};

/* Write the deck.  amplitude[n_source] in V are the pulses' heights.  `op` in the deck is the
 * DC point with the inputs held on; the transient starts from the DC point at 0 V.
 * OW_ERR_INPUT (paths), OW_ERR_RANGE (amplitudes, pulse, options), OW_ERR_FILE (out
 * cannot be written), OW_ERR_NOMEM. */
enum ow_status ow_netlist_write(const struct ow_circuit *circuit, const double amplitude[],
                                const struct ow_pulse *pulse,
                                const struct ow_netlist_options *options, FILE *out,
                                struct ow_error *err);

/* The node, and with a V in front the source, of what pin k of a user's subcircuit is supplied
 * with: "sense_vdd".  False if that is ground or no supply.  kind is "sense" or "driver". */
enum { OW_SUPPLY_NAME = 56 };
bool ow_netlist_supply(const struct ow_block *block, const char *kind, size_t k,
                       char name[OW_SUPPLY_NAME]);

/* The node that carries state s of a cell, when the deck has states: "x3_7_w". */
void ow_netlist_state_name(const struct ow_circuit *circuit, size_t cell, size_t s,
                           char name[64]);

#ifdef __cplusplus
}
#endif
#endif
