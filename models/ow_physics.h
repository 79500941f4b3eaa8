/* For authors of filament models: constants, and the functions whose arguments leave the
 * range of a double.  All of it is finite for every finite argument and has its derivative
 * beside it, that of the side the argument is on. */
#ifndef OW_PHYSICS_H
#define OW_PHYSICS_H

#include <math.h>

#include "ow_cells.h"
#include "ow_soft_stop.h"

/* Exact in the SI of 2019 (CODATA 2018). */
#define OW_Q    1.602176634e-19   /* C, elementary charge        */
#define OW_K_EV 8.617333262145e-5 /* eV/K, Boltzmann's constant  */

/* A value and its slope. */
struct ow_value {
    double y, dy;
};

/* u held within [lo, hi]. */
static inline struct ow_value ow_hold(double u, double lo, double hi)
{
    if (u > hi)
        return (struct ow_value){hi, 0.0};
    if (u < lo)
        return (struct ow_value){lo, 0.0};
    return (struct ow_value){u, 1.0};
}

/* exp(u), held at e^OW_LOG_RATE_LIMIT. */
static inline struct ow_value ow_exp(double u)
{
    const double y = exp(fmin(u, OW_LOG_RATE_LIMIT));
    return (struct ow_value){y, u < OW_LOG_RATE_LIMIT ? y : 0.0};
}

/* sinh(u) up to |u| = 80, straight on beyond with the slope there: e^80/2 times a device's
 * current is far beyond any use, and stays finite with every factor that follows. */
#define OW_SINH_LIMIT 80.0
static inline struct ow_value ow_sinh(double u)
{
    const double c = u > OW_SINH_LIMIT    ? OW_SINH_LIMIT
                     : u < -OW_SINH_LIMIT ? -OW_SINH_LIMIT
                                          : u;
    const double slope = cosh(c);
    return (struct ow_value){sinh(c) + slope * (u - c), slope};
}

/* Put a state with free rate F, given in f and df, between soft stops at 0 and 1. */
static inline void ow_stop_state(size_t s, size_t n_state, double x, struct ow_point *pt)
{
    double d_past;
    const bool is_up = pt->f[s] > 0.0;
    const double ramp = ow_soft_stop(is_up ? x - 1.0 : -x, &d_past);
    for (size_t r = 0; r < n_state; r++)
        pt->df_dx[s][r] *= ramp;
    pt->df_dx[s][s] += pt->f[s] * (is_up ? d_past : -d_past);
    pt->df_dv[s] *= ramp;
    pt->f[s] *= ramp;
}

#endif
