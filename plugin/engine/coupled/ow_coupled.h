/* An array as a part of another simulator's circuit (COUPLING.md): the other side knows the
 * voltages at the ends of the lines (the ports), this one the currents that flow into them.
 *
 * Between two time points of the other simulator the ports' voltages follow a parabola or a
 * straight line, and the array is an ODE driven by them (ow_system.h), stepped with error
 * control of its own (CVODE, ow_stepper.h).  A step may be tried any number of times, to any
 * time and with any voltages, before the last of these tries is accepted.
 *
 * CVODE keeps a history and cannot go back, so every try begins anew from the accepted point,
 * at first order, but with a slope that is known: on as the unknowns have come there, and where
 * the ports turn off, lines follow (ow_follow.h).  Lines are much faster than any step (1 ohm x
 * 0.1 fF), so they do, and a first-order step that is told where to go passes its error test at
 * once.  A try depends on what has been accepted and on nothing else, to the last bit.  While
 * no state moves, y is the nodes alone.  Measured on a 64 x 64 array, a pulse in steps of 25
 * ps, milliseconds a try (rtol 1e-5): begun anew with that slope 0.25, without it 1.4; ARKODE,
 * which could go back, 9.4 (ESDIRK324L2SA), 25 (Cash(5,2,4)), 28 (SDIRK(5,3,4)), 580 (TR-BDF2):
 * one-step methods take such lines' rounding errors for slopes.
 *
 * The circuit is a crossbar whose bit lines are driven (OW_SENSE_DRIVER); its sources are
 * the ports: word lines first, then bit lines. */
#ifndef OW_COUPLED_H
#define OW_COUPLED_H

#include "ow_circuit.h"
#include "ow_reading.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_coupled;

struct ow_coupled_options {
    double rtol;        /* tolerance in time, 1e-12 .. 1e-2: of v_scale for nodes / 20,
                           relative for states / 100                              */
    double v_scale;     /* V, > 0 */
    unsigned n_threads; /* 0 is 1                                                 */
};

/* The circuit is borrowed until destroy.  OW_ERR_INPUT for a free node without capacitance, and
 * for cells with capacitance at lines that are whole ports. */
enum ow_status ow_coupled_create(const struct ow_circuit *circuit,
                                 const struct ow_coupled_options *options,
                                 struct ow_coupled **out, struct ow_error *err);
void ow_coupled_destroy(struct ow_coupled *c);

/* The DC point at the port voltages v[n_source] (V), states frozen at x_begin
 * ([n_state][n_cell], NULL: programmed): currents i[n_source] (A) into the array.  It is
 * accepted at once and where a transient begins, at time 0. */
enum ow_status ow_coupled_dc(struct ow_coupled *c, const double v[], const double *x_begin,
                             double i[], struct ow_error *err);

/* From the accepted point to time t (s) with the voltages v[n_source] there.  is_smooth: the
 * voltages have gone on as they did in the accepted step before, without a corner.  The
 * number of CVODE's steps is added to *n_step.  OW_ERR_SOLVER, OW_ERR_NOMEM; another try may
 * follow. */
enum ow_status ow_coupled_try(struct ow_coupled *c, double t, const double v[], bool is_smooth,
                              double i[], long *n_step, struct ow_error *err);

/* The last try is what happened. */
void ow_coupled_accept(struct ow_coupled *c);

/* Word lines; the other ports are bit lines. */
size_t ow_coupled_rows(const struct ow_coupled *c);
/* s, of the accepted point; and of the last try. */
double ow_coupled_time(const struct ow_coupled *c);
double ow_coupled_tried(const struct ow_coupled *c);
/* [n_source] V and A at the accepted point, borrowed. */
const double *ow_coupled_v(const struct ow_coupled *c);
const double *ow_coupled_i(const struct ow_coupled *c);

/* S: about how i[k] follows v[k] over a step of h (s; infinite: DC), the other ports held: the
 * admittance of the line with its cells to ground.  g[n_source]. */
void ow_coupled_conductance(const struct ow_coupled *c, double h, double g[]);

/* From time 0 to the accepted point, or to the last try: `source` is what entered through the
 * ports, `stored` the change since time 0. */
struct ow_energy ow_coupled_energy(const struct ow_coupled *c, bool with_try);

/* States of the accepted point x[n_state][n_cell]; the time of each cell's last jump
 * (NaN: none), [n_cell], borrowed; and how many there were. */
void ow_coupled_states(const struct ow_coupled *c, double x[]);
const double *ow_coupled_events(const struct ow_coupled *c);
long ow_coupled_n_event(const struct ow_coupled *c);
size_t ow_coupled_n_cell(const struct ow_coupled *c);

#ifdef __cplusplus
}
#endif
#endif
