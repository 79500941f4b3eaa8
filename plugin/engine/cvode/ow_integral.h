/* Integrals of several functions that are sampled at CVODE's own time points: over each
 * interval the cubic through its ends and the points beside them (at the ends of a piece the
 * parabola through the three nearest), which is fourth order and needs no evaluation
 * between the points. */
#ifndef OW_INTEGRAL_H
#define OW_INTEGRAL_H

#include <stdbool.h>
#include <stddef.h>

enum { OW_INTEGRAL_MOST = 12 }; /* functions */

struct ow_integral {
    size_t n_function;
    size_t n;                            /* samples kept, at most 4                 */
    bool has_first;                      /* the first interval has been added       */
    double t[4], f[4][OW_INTEGRAL_MOST]; /* the latest ones, oldest first           */
};

/* Begin a smooth piece. */
void ow_integral_begin(struct ow_integral *in, size_t n_function);
/* Sample f[n_function] at t, which increases; adds what is decided by now to sum[]. */
void ow_integral_add(struct ow_integral *in, double t, const double f[], double sum[]);
/* Add what is left of the piece. */
void ow_integral_end(struct ow_integral *in, double sum[]);

#endif
