/* exp() and sinh() of many numbers at once, in plain arithmetic without branches and tables, so
 * that the compiler makes vectors of it: some ten times as fast as one call each.  The same
 * bits on every machine; accurate to 3 units in the last place. */
#ifndef OW_EXP_H
#define OW_EXP_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* out = u held within +-most; out may be u. */
void ow_hold_all(size_t n, const double u[], double most, double out[]);

/* y = e^u, u held within +-700; y may be u. */
void ow_exp_all(size_t n, const double u[], double y[]);

/* y = sinh(z) and dy = cosh(z) up to |z| = 80; beyond, y goes straight on with the slope there,
 * to stay finite for every finite z.  y may be z. */
void ow_sinh_all(size_t n, const double z[], double y[], double dy[]);

#ifdef __cplusplus
}
#endif
#endif
