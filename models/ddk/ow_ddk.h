/* The discrete recursion of Shi et al., Nat. Commun. 16 (2025), doi
 * 10.1038/s41467-025-56286-y, as the code published with it has it:
 *
 *   z[0] = 1,   z[k] = z[k-1] + alpha/z[k-1] - beta u[k-1],   u in [0, 1]
 *
 * which is Euler's method with a step of 1 for the kinetics of the model `ddk`. */
#ifndef OW_DDK_H
#define OW_DDK_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One step of n independent states: z[j] becomes z[j] + alpha/z[j] - beta u[j].  Near 0 the
 * recursion is singular and may cross to negative widths, where 1/z turns its sign: z is
 * held at z_min > 0, before and after. */
void ow_ddk_step(double alpha, double beta, double z_min, size_t n, const double u[],
                 double z[]);

#ifdef __cplusplus
}
#endif
#endif
