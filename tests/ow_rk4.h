/* The classical Runge-Kutta formula for references of the tests' own, which share nothing with
 * the engine. */
#ifndef OW_RK4_H
#define OW_RK4_H

#include <assert.h>
#include <math.h>
#include <stddef.h>

enum { RK4_MOST = 128 }; /* equations */

/* dy/dt = f(t, y); dy is [n]. */
typedef void (*rk4_fn)(void *data, double t, const double y[], double dy[]);

/* y[n] from t0 to t1 in even steps of at most `longest`. */
static inline void rk4_march(rk4_fn f, void *data, size_t n, double t0, double t1,
                             double longest, double y[])
{
    assert(n <= RK4_MOST);
    const int n_step = (int)ceil((t1 - t0) / longest);
    const double h = (t1 - t0) / n_step;
    double k1[RK4_MOST], k2[RK4_MOST], k3[RK4_MOST], k4[RK4_MOST], at[RK4_MOST];
    for (int step = 0; step < n_step; step++) {
        const double t = t0 + h * step;
        f(data, t, y, k1);
        for (size_t k = 0; k < n; k++)
            at[k] = y[k] + 0.5 * h * k1[k];
        f(data, t + 0.5 * h, at, k2);
        for (size_t k = 0; k < n; k++)
            at[k] = y[k] + 0.5 * h * k2[k];
        f(data, t + 0.5 * h, at, k3);
        for (size_t k = 0; k < n; k++)
            at[k] = y[k] + h * k3[k];
        f(data, t + h, at, k4);
        for (size_t k = 0; k < n; k++)
            y[k] += h / 6.0 * (k1[k] + 2.0 * k2[k] + 2.0 * k3[k] + k4[k]);
    }
}

#endif
