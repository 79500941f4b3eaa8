/* The linear system of one Newton step, with every device's states eliminated in their
 * own cell.  For CVODE's (I - gamma J) d = r, voltage rows multiplied by M:
 *
 *   (M + gamma G) dV + gamma B di/dx dx = M r_V        B: which nodes a cell joins
 *   (1 - gamma f_x) dx - gamma f_v dv   = r_x          cell by cell
 *
 * so with K = (1 - gamma f_x)^-1 a cell looks like the conductance
 *   g = di/dv + gamma di/dx K f_v
 * and the matrix has the circuit's own graph: lines and cells.  DC is the same with M = 0,
 * gamma = 1 and frozen states.  Solved line by line (ow_schur.h) where the circuit is a
 * grid of lines, likewise where all lines have merged (ow_merged.h); where neither applies
 * or converges, by a direct factorisation (ow_sparse.h). */
#ifndef OW_NEWTON_H
#define OW_NEWTON_H

#include "ow_mass.h"

struct ow_newton;

/* System and mass are borrowed; mass may be NULL for DC.  Floating nodes
 * (ow_circuit_floating) are held at 0 V in DC. */
enum ow_status ow_newton_create(const struct ow_system *sys, const struct ow_mass *mass,
                                struct ow_newton **out);
void ow_newton_destroy(struct ow_newton *newton);

/* Assemble at the system's placed point and factor.  OW_ERR_SOLVER if singular. */
enum ow_status ow_newton_setup(struct ow_newton *newton, double gamma);
/* The system's conductances are borrowed: where it is placed elsewhere afterwards, solutions
 * may be those with the newer ones. */
enum ow_status ow_newton_setup_dc(struct ow_newton *newton);

/* Solve for d (n_y) with the right-hand side r (n_y) of CVODE's form; d is not r.  The
 * error e of an iterative solution fulfils sum (weight e)^2 <= tol^2 over the node
 * voltages; weight is [n_y]. */
enum ow_status ow_newton_solve(struct ow_newton *newton, const double r[],
                               const double weight[], double tol, double d[]);
/* Solve (-dI/dV) d = into, both [n_free] and apart; `into` is as it was afterwards.  Iterative
 * solutions until the residual is tol of `into`; a tol of 5e-6 and more costs the least. */
enum ow_status ow_newton_solve_dc(struct ow_newton *newton, double into[], double tol,
                                  double d[]);

#endif
