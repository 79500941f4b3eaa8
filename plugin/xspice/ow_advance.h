/* The state of one device from one accepted time point of a circuit simulator to the
 * next, with an error control of its own: the answer depends on the parameter `tol`, not
 * on the simulator's step.  No host in here; models/ is all it needs. */
#ifndef OW_ADVANCE_H
#define OW_ADVANCE_H

#include "ow_model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The voltage across the device from (t1, v1) to (t0, v0), which is the order in which
 * XSPICE counts time points back: linear, or a parabola that is higher by `bulge` half way.
 * s and V; t0 >= t1. */
struct ow_path {
    double t1, v1, t0, v0, bulge;
};

struct ow_advanced {
    double x[OW_MAX_STATES];         /* states at t0                                       */
    double dx_dv[OW_MAX_STATES];     /* 1/V, by v0: what Newton's method needs             */
    double dx_dbulge[OW_MAX_STATES]; /* 1/V, by b in v + 4 b u (1 - u), u = (t - t1)/(t0 -
                                      t1): what another shape of the voltage would do.
                                      Both sensitivities are first order estimates, good
                                      to a few per cent; nothing accumulates in them.    */
    bool is_due;                     /* x[event_state] reached 0 on the way ...            */
    double t_due;                    /* ... at this time, in [t1, t0]                      */
    struct ow_point end;             /* the model's answer at t0                           */
    long n_step, n_eval;             /* accepted steps and model evaluations               */
};

/* Integrate.  x1 is [n_state]; at1 is the model's answer at (v1, x1), or NULL.  The local error
 * of every step stays below a small fraction of `tol` of each state's travel, so that the sum
 * over a whole simulation stays near `tol`.  Nothing is fired: a jump belongs to the caller,
 * since the circuit around the device has to see it (ow_fire_due()).  A state that was due
 * stays defined: the event state goes on below 0. OW_ERR_SOLVER if the step underflows or the
 * model gives something that is not finite; *out is untouched then. */
enum ow_status ow_advance(const struct ow_model *model, const double param[],
                          const struct ow_path *path, const double x1[],
                          const struct ow_point *at1, struct ow_advanced *out);

/* Make every jump that is due at this instant: an event state at or below `slack` (the
 * accuracy with which the instant was reached).  v is the voltage then.  Returns the number of
 * jumps; 0 for models without events.  At most OW_MAX_JUMPS at one instant. */
enum { OW_MAX_JUMPS = 1000 };
int ow_fire_due(const struct ow_model *model, const double param[], double v, double slack,
                double x[]);

#ifdef __cplusplus
}
#endif
#endif
