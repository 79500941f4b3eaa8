/* The linear system of a Newton step on the crossbar's own lines (ow_lines.h), without a
 * general sparse matrix: everything behind the last segment of a bit line is folded into one
 * conductance, the bit lines are eliminated, and conjugate gradients solve
 *
 *   S w = fw + D (Ab + D)^-1 fb
 *
 * on the word-line nodes.  Preconditioner: the word lines, (Aw + D)^-1, or, where a cost
 * model says that they alone would take many iterations, a multigrid V-cycle. */
#ifndef OW_SCHUR_H
#define OW_SCHUR_H

#include "ow_linear.h"

struct ow_schur;

/* Of a circuit that is_grid. */
enum ow_status ow_schur_create(const struct ow_system *sys, struct ow_schur **out);
void ow_schur_destroy(struct ow_schur *schur);

/* False if a line's pivots are not positive (cells with negative differential conductance,
 * floating lines): then this solver does not apply. */
bool ow_schur_factor(struct ow_schur *schur, const struct ow_linear *linear);

/* In place, [n_free].  The estimated errors e of the word-line voltages, and of the bit lines
 * that follow them, fulfil sum (weight e)^2 <= tol^2; without weights the word lines' fulfil
 * sum e^2 <= tol^2 sum w^2.  False if that was not
 * reached; rhs is spoilt then. */
bool ow_schur_solve(struct ow_schur *schur, double rhs[], const double weight[], double tol);

#endif
