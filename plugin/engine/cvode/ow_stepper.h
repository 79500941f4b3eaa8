/* CVODE around one ow_system.  SUNDIALS is called here, in ow_corrector.c, ow_vector.c and
 * ow_ode.c, and nowhere else: a new version of it touches nothing else.  BDF with our own
 * vectors and our own Newton. */
#ifndef OW_STEPPER_H
#define OW_STEPPER_H

#include "ow_corrector.h"

struct ow_stepper;

enum ow_step_result {
    OW_STEP_ON,    /* one internal step further                 */
    OW_STEP_STOP,  /* the stop time has been reached, exactly   */
    OW_STEP_EVENT, /* a cell's event state has reached 0        */
    OW_STEP_NOMEM, /* no memory for the Newton matrix           */
    OW_STEP_FAILED /* see ow_stepper_message()                  */
};

/* System, mass and Newton matrix are borrowed.  `rtol` is relative; atol_v (V) and atol_x
 * (states) absolute. */
enum ow_status ow_stepper_create(struct ow_system *sys, const struct ow_mass *mass,
                                 struct ow_newton *newton, double rtol, double atol_v,
                                 double atol_x, ow_source_fn source, void *data,
                                 struct ow_stepper **out);
void ow_stepper_destroy(struct ow_stepper *st);

/* The unknowns [n_y] at the current time: read, or written before a restart.  Before them is
 * room for ow_system_nodes_around(). */
double *ow_stepper_y(struct ow_stepper *st);

/* Begin anew at time t, with the unknowns as they are; first order, own step choice. */
enum ow_status ow_stepper_restart(struct ow_stepper *st, double t);
/* The same with a first step and the slope slope[n_y] there (borrowed until the next step):
 * what the unknowns follow slowly, without what stiff parts make of rounding errors. */
enum ow_status ow_stepper_resume(struct ow_stepper *st, double t, double step,
                                 const double slope[]);

/* Rates [n_y] of the unknowns at the time t that the last step has reached, those of the
 * polynomial that it has put through the past; borrowed until the next call.  NULL where there
 * is none. */
const double *ow_stepper_rates(struct ow_stepper *st, double t);

/* The longest step (s) from now on, INFINITY: any; so it is after a restart. */
void ow_stepper_limit(struct ow_stepper *st, double step);

/* One internal step, not past t_stop.  *t is the time reached. */
enum ow_step_result ow_stepper_step(struct ow_stepper *st, double t_stop, double *t);

/* All that the steps have taken so far. */
struct ow_effort ow_stepper_effort(const struct ow_stepper *st);

/* Why the last step failed: one line, never NULL. */
const char *ow_stepper_message(const struct ow_stepper *st);

#endif
