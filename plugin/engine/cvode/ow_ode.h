/* CVODE around a handful of equations with a dense Jacobian, for one device by itself;
 * ow_stepper.h is the same around a crossbar.  BDF with Newton, our own linear solver. */
#ifndef OW_ODE_H
#define OW_ODE_H

#include "ow_stepper.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OW_ODE_MOST = 8 }; /* equations */

/* dy/dt = f(t, y).  f and y are [n]; jac is [n][n], d f[r] / d y[c] in jac[r * n + c], or
 * NULL where it is not wanted.  Must be finite for every finite y. */
typedef void (*ow_ode_fn)(void *data, double t, const double y[], double f[], double *jac);

struct ow_ode_options {
    size_t n; /* 1 .. OW_ODE_MOST                                              */
    double rtol;
    double atol[OW_ODE_MOST]; /* in the units of y                              */
    bool has_event;           /* stop where y[event] falls to 0                 */
    size_t event;
    ow_ode_fn fn;
    void *data; /* of fn, borrowed                                                */
};

struct ow_ode;

/* OW_ERR_NOMEM. */
enum ow_status ow_ode_create(const struct ow_ode_options *options, struct ow_ode **out);
void ow_ode_destroy(struct ow_ode *ode);

/* As in ow_stepper.h, but the least step is a rounding error of the present time: a state
 * that runs away ends in OW_STEP_FAILED there, and can be resolved further by a restart
 * that counts time from it. */
double *ow_ode_y(struct ow_ode *ode);
enum ow_status ow_ode_restart(struct ow_ode *ode, double t);
enum ow_step_result ow_ode_step(struct ow_ode *ode, double t_stop, double *t);
const char *ow_ode_message(const struct ow_ode *ode);

#ifdef __cplusplus
}
#endif
#endif
