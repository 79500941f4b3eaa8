/* The linear system of a Newton step where the circuit is a grid of lines, without a general
 * sparse matrix: everything behind the last segment of a bit line is folded into one
 * conductance, and what is left is solved by lines (ow_grid.h). */
#ifndef OW_SCHUR_H
#define OW_SCHUR_H

#include "ow_grid.h"
#include "ow_linear.h"

struct ow_schur;

/* Of a circuit that is_grid. */
enum ow_status ow_schur_create(const struct ow_system *sys, struct ow_schur **out);
void ow_schur_destroy(struct ow_schur *schur);

/* False if a line's pivots are not positive (cells with negative differential conductance,
 * floating lines): then this solver does not apply. */
bool ow_schur_factor(struct ow_schur *schur, const struct ow_linear *linear);

/* rhs and out: [n_free], apart; rows (or NULL) with `data`: the right-hand side of the two
 * planes, in place of what rhs has there.  The estimated errors e of the word-line voltages,
 * and of the bit lines that follow them, fulfil sum (weight e)^2 <= tol^2; without weights the
 * residual is at most tol of the right-hand side.  False if that was not reached. */
bool ow_schur_solve(struct ow_schur *schur, const double rhs[], ow_grid_rows_fn *rows,
                    const void *data, const double weight[], double tol, double out[]);

/* Iterations of conjugate gradients, of all solutions so far. */
long ow_schur_iterations(const struct ow_schur *schur);

#endif
