/* For tests of models that jump: devices in time, with a method of fixed steps that shares
 * nothing with the hosts. */
#ifndef OW_EVENT_RUN_H
#define OW_EVENT_RUN_H

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "ow_model.h"

/* A drive: from (t, v) with a slope, s, V, V/s. */
struct drive {
    double t, v, slope;
};

/* The classical Runge-Kutta method, one step. */
static inline void step(const struct ow_model *m, const double param[], const struct drive *d,
                        double t, double h, double x[])
{
    static const double at[4] = {0.0, 0.5, 0.5, 1.0}, weight[4] = {1, 2, 2, 1};
    double x0[OW_MAX_STATES], y[OW_MAX_STATES], sum[OW_MAX_STATES] = {0.0};
    memcpy(x0, x, m->n_state * sizeof *x);
    memcpy(y, x, m->n_state * sizeof *x);
    for (int k = 0; k < 4; k++) {
        struct ow_point pt;
        ow_eval_one(m, param, d->v + d->slope * (t + at[k] * h - d->t), y, &pt);
        for (size_t s = 0; s < m->n_state; s++) {
            sum[s] += weight[k] * pt.f[s];
            y[s] = x0[s] + (k < 2 ? 0.5 : 1.0) * h * pt.f[s];
        }
    }
    for (size_t s = 0; s < m->n_state; s++)
        x[s] = x0[s] + h / 6.0 * sum[s];
}

/* On to t_end in steps of dt at most, or to the first event: true, *t is its instant and
 * x[m->event_state] is 0 there. */
static inline bool run(const struct ow_model *m, const double param[], const struct drive *d,
                       double t_end, double dt, double *t, double x[])
{
    while (*t < t_end) {
        const bool is_last = *t + dt >= t_end;
        const double h = is_last ? t_end - *t : dt;
        double y[OW_MAX_STATES];
        memcpy(y, x, sizeof y);
        step(m, param, d, *t, h, y);
        if (y[m->event_state] > 0.0) {
            memcpy(x, y, sizeof y);
            *t = is_last ? t_end : *t + h;
            continue;
        }
        /* The secant through both ends, the one that stays halved (Illinois), down to a
         * rounding error of a hazard that was about 1. */
        double lo = 0.0, hi = h, at = h, f_lo = x[m->event_state], f_hi = y[m->event_state];
        for (int k = 0; k < 100 && fabs(y[m->event_state]) > 1e-14; k++) {
            at = lo + (hi - lo) * f_lo / (f_lo - f_hi);
            memcpy(y, x, sizeof y);
            step(m, param, d, *t, at, y);
            const double f = y[m->event_state];
            if (f > 0.0) {
                lo = at, f_lo = f, f_hi *= 0.5;
            } else {
                hi = at, f_hi = f, f_lo *= 0.5;
            }
        }
        memcpy(x, y, sizeof y);
        x[m->event_state] = 0.0;
        *t += at;
        return true;
    }
    return false;
}

#endif
