/* The linear system of a Newton step where all lines have merged: word line i is one node, bit
 * line j is its sense input, and every word line meets every bit line in a cell (wires without
 * resistance, the control run).  With the cells' matrix D and what hangs behind a bit line
 * folded (ow_behind.h):
 *
 *   [ W   -D ] [w]   [fw]     W = diag(source + mass C + row sums of D)
 *   [ -D'  B ] [b] = [fb]     B = diag(y_in + column sums of D)
 *
 * Conjugate gradients on S = W - D B^-1 D' with W as preconditioner; a product costs two
 * sweeps over the cells, where a factorisation would fill S. */
#ifndef OW_MERGED_H
#define OW_MERGED_H

#include <stdbool.h>

#include "ow_linear.h"

struct ow_merged;

/* Of a circuit that is_merged.  OW_ERR_NOMEM. */
enum ow_status ow_merged_create(const struct ow_system *sys, struct ow_merged **out);
void ow_merged_destroy(struct ow_merged *merged);

/* False if W or B is not positive: then this solver does not apply. */
bool ow_merged_factor(struct ow_merged *merged, const struct ow_linear *linear);

/* As ow_schur_solve(). */
bool ow_merged_solve(struct ow_merged *merged, const double rhs[], const double weight[],
                     double tol, double out[]);

#endif
