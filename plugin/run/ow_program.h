/* Write pulses, one after the other, each beginning with the states that the one before has
 * left: row by row (or cell by cell), first those that raise conductances, then those that
 * lower them.
 *
 * Open loop, every cell that is farther than the tolerance from its target when its turn
 * comes gets `count` pulses of one polarity.  With verification the conductances are looked
 * at before each pulse (at input.v_read, exactly, without a read of its own), and cells that
 * have arrived are no longer selected, up to `max_pulses` of each polarity. */
#ifndef OW_PROGRAM_H
#define OW_PROGRAM_H

#include "ow_host.h"
#include "ow_warnings.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_program_options {
    const char *codemodel; /* path of ohmweave.cm, for engine.name: ngspice                */
    const volatile sig_atomic_t *cancel;
    void (*progress)(void *data, size_t n_done, size_t n_total); /* rows, or cells */
    void *data;
};

/* Columns of `pulses`. */
enum ow_pulse_column {
    OW_PULSE_ROW,      /* word line                                     */
    OW_PULSE_V,        /* V                                             */
    OW_PULSE_SELECTED, /* cells                                         */
    OW_PULSE_EVENTS,   /* jumps of all cells                            */
    OW_PULSE_ENERGY,   /* J from the sources                            */
    OW_PULSE_RESIDUAL, /* ow_energy_residual()                          */
    OW_N_PULSE_COLUMNS
};

struct ow_program_result {
    struct ow_matrix x;       /* [n_state][rows cols] final states                        */
    struct ow_matrix g;       /* [rows][cols] S, final, at input.v_read                   */
    struct ow_matrix disturb; /* [rows][cols] what all pulses that did not select the cell
                                 have moved its programmed state by, of the travel, signed */
    struct ow_matrix t_event; /* [rows][cols] s from the beginning of the first pulse: the
                                 last jump, NaN without one                               */
    struct ow_matrix pulses;  /* [n_pulse][OW_N_PULSE_COLUMNS]                            */

    size_t n_row;        /* word lines that were programmed                        */
    size_t n_selected;   /* cells that at least one pulse selected                 */
    size_t n_missed;     /* cells of these word lines not within the tolerance now */
    long events;         /* jumps of all cells, and ...                            */
    long events_disturb; /* ... cells that jumped in a pulse which did not select them */
    double g_rms, g_max; /* error of these word lines' cells, of g_max - g_min         */
    double disturb_rms, disturb_max, disturb_fraction; /* of all cells; the fraction is that
                                                          beyond the tolerance             */
    struct ow_energy energy;                           /* of all pulses together           */
    double residual;      /* ow_energy_residual(), of the worst pulse                   */
    double steps, wall_s; /* of all pulses                                              */
    struct ow_warnings warnings;
};

/* `array` must have writes.  A pulse whose energy does not balance within OW_BALANCE ends
 * the run with OW_ERR_BALANCE. */
enum ow_status ow_program_run(const struct ow_array *array,
                              const struct ow_program_options *options,
                              struct ow_program_result *out, struct ow_error *err);
void ow_program_result_finish(struct ow_program_result *result);

#ifdef __cplusplus
}
#endif
#endif
