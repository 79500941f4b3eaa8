/* The linear system on the crossbar's own lines, without a general sparse matrix.
 *
 *   [ Aw + D    -D    ] [w]   [fw]     w[i][j] word-line, b[i][j] bit-line nodes; row
 *   [  -D     Ab + D  ] [b] = [fb]     `rows` of b are the sense inputs
 *
 * D = diag(cells).  Aw are independent tridiagonals, one a word line along j, Ab one a bit
 * line along i, shunted by their capacitance and ended by driver and sense amplifier (whose
 * other nodes are eliminated into the sense input's diagonal).  Eliminating all bit lines
 * leaves the Schur complement on the word-line nodes,
 *
 *   S w = fw + D (Ab + D)^-1 fb,   S = Aw + D - D (Ab + D)^-1 D,
 *
 * symmetric and, for cells >= 0, positive definite: conjugate gradients, preconditioned by
 * (Aw + D)^-1.  A product with S is one sweep down and up all bit lines at once; the
 * preconditioner one sweep along every word line.  Since P z = r for P = Aw + D, the product
 * P p obeys the same recurrence as p and is never formed. */
#ifndef OW_LINES_H
#define OW_LINES_H

#include "ow_linear.h"

struct ow_lines;

/* Of a circuit that is_grid. */
enum ow_status ow_lines_create(const struct ow_system *sys, struct ow_lines **out);
void ow_lines_destroy(struct ow_lines *lines);

/* False if a line's pivots are not positive (cells with negative differential conductance,
 * floating lines): then this solver does not apply. */
bool ow_lines_factor(struct ow_lines *lines, const struct ow_linear *linear);

/* In place, [n_free].  The estimated error e of the word-line voltages fulfils
 * sum (weight e)^2 <= tol^2; without weights sum e^2 <= tol^2 sum w^2.  False if that was not
 * reached; rhs is spoilt then. */
bool ow_lines_solve(struct ow_lines *lines, double rhs[], const double weight[], double tol);

/* Iterations of all solutions so far. */
long ow_lines_iterations(const struct ow_lines *lines);

#endif
