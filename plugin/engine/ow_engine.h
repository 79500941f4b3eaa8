/* The crossbar as one stiff ODE, stepped by CVODE (BDF).  The only room with SUNDIALS
 * headers.  Unknowns: free node voltages, amplifier inner nodes, continuous device
 * states.  Inside the Newton matrix every device's states are eliminated in their own
 * cell, so the linear system has the circuit's graph.
 *
 * An engine belongs to one thread at a time; several may read one circuit. */
#ifndef OW_ENGINE_H
#define OW_ENGINE_H

#include <signal.h>

#include "ow_circuit.h"
#include "ow_effort.h"
#include "ow_reading.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_engine;

struct ow_engine_options {
    double rtol;                         /* CVODE's relative tolerance, 1e-12 .. 1e-2    */
    unsigned n_threads;                  /* that may share the work of a large array; 0 is 1;
                                            results do not depend on it                  */
    double v_scale;                      /* V, > 0: voltages below 1e-2 rtol v_scale do
                                            not matter                                   */
    const volatile sig_atomic_t *cancel; /* NULL, or stop when it becomes non-zero       */
};

/* The circuit is borrowed until destroy; the values of its cells' spread arrays may be
 * changed between reads (structure, wires and amplifiers may not).
 * OW_ERR_INPUT for a free node without capacitance (create with dc_only for those). */
enum ow_status ow_engine_create(const struct ow_circuit *circuit,
                                const struct ow_engine_options *options, bool dc_only,
                                struct ow_engine **out, struct ow_error *err);
void ow_engine_destroy(struct ow_engine *engine);

/* One transient: pulses of height amplitude[n_source] (V) on the sources (all of full width, or
 * each of its own), from the DC point at t = 0.  x_begin is [n_state][n_cell], or NULL for the
 * programmed states. `out` was initialised with the circuit's sizes and is filled whole.
 * OW_ERR_SOLVER, OW_ERR_CANCELLED, OW_ERR_NOMEM. */
enum ow_status ow_engine_read(struct ow_engine *engine, const double amplitude[],
                              const struct ow_pulse *pulse, const double *x_begin,
                              struct ow_reading *out, struct ow_error *err);

/* The DC solution with the sources at v_row[n_source] (V) and the devices at frozen states:
 * sense outputs (of integrators their inputs) to v_sense[cols]; node voltages to v_node[n_node]
 * unless NULL. */
enum ow_status ow_engine_dc(struct ow_engine *engine, const double v_row[],
                            const double *x_begin, double v_sense[], double *v_node,
                            struct ow_error *err);

/* The DC point held for the plateau t_read: powers times t_read in the energies (quiescent:
 * times ow_pulse_end), no waveform, states as they began.  With widths, a DC point for each
 * time at which some sources are still on: without edges, for its part of the pulse's area. */
enum ow_status ow_engine_read_dc(struct ow_engine *engine, const double amplitude[],
                                 const struct ow_pulse *pulse, const double *x_begin,
                                 struct ow_reading *out, struct ow_error *err);

/* What all transients of the engine have taken so far, for benchmarks. */
struct ow_effort ow_engine_effort(const struct ow_engine *engine);

#ifdef __cplusplus
}
#endif
#endif
