/* What one transient leaves of its sense outputs: their waveform, and with pulses of many
 * widths the integral
 *
 *   v_sample = 1/area integral of v dt .
 *
 * Of integrators the circuit holds the inputs alone, currents through r_f as voltages; outputs
 * are
 *
 *   v = -1/(r_f c_int) integral of v_in dt ,
 *
 * piece by piece of what is smooth (ow_integral.h), and what lines have taken with them that
 * settled in no time. */
#ifndef OW_SENSED_H
#define OW_SENSED_H

#include "ow_reading.h"
#include "ow_system.h"

struct ow_sensed {
    const struct ow_system *sys;  /* borrowed */
    const struct ow_pulse *pulse; /* of the transient in progress, borrowed                 */
    double *v;                    /* [cols] V, outputs noted last, of integrators inputs    */
    double *v_begin, *v_jump;     /* [cols] V, of integrators: inputs where a piece begins,
                                     and what outputs gain while lines settle in no time    */
};

/* OW_ERR_NOMEM. */
enum ow_status ow_sensed_init(const struct ow_system *sys, struct ow_sensed *out);
void ow_sensed_finish(struct ow_sensed *s);

bool ow_sensed_are_integrals(const struct ow_sensed *s);

/* At unknowns y, and where the system has the sources: the outputs, of integrators their
 * inputs, to v[cols]; the gain nodes of amplifiers to v_gain[cols]. */
void ow_sensed_at(const struct ow_sensed *s, const double y[], double v[]);
void ow_sensed_gain(const struct ow_sensed *s, const double y[], double v_gain[]);
/* The latter where they are greater, in magnitude, than what is there. */
void ow_sensed_extremes(const struct ow_sensed *s, const double y[], double v_gain[]);

/* Inputs of integrators held over a pulse become outputs; other outputs are as they are. */
void ow_sensed_hold(const struct ow_sensed *s, const struct ow_pulse *pulse, double v[]);

/* A new transient, from time 0 and unknowns y: `out` has no waveform yet.  OW_ERR_NOMEM, as
 * the next. */
enum ow_status ow_sensed_begin(struct ow_sensed *s, const struct ow_pulse *pulse,
                               const double y[], struct ow_reading *out);
/* A point more. */
enum ow_status ow_sensed_note(struct ow_sensed *s, double t, const double y[],
                              struct ow_reading *out);
/* That which was noted last ends a smooth piece, which began with point `first` of the
 * waveform. */
void ow_sensed_end_piece(struct ow_sensed *s, size_t first, struct ow_reading *out);
/* Lines have settled, with area[n_free] (V s) of ow_settle.h under what has passed. */
void ow_sensed_settle(struct ow_sensed *s, const double area[]);
/* Outputs may have stepped at time t: another point there, where the next piece begins.
 * is_settled: lines have.  OW_ERR_NOMEM. */
enum ow_status ow_sensed_step(struct ow_sensed *s, bool is_settled, double t, const double y[],
                              struct ow_reading *out);
/* Outputs are sampled here, at the unknowns y. */
void ow_sensed_sample(const struct ow_sensed *s, const double y[], struct ow_reading *out);

#endif
