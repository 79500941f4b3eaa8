/* One step of Newton's method, with every device's states eliminated in their own cell.  The
 * equation of a step of CVODE's is that of its correction c to a prediction y_0,
 *
 *   r(c) = rl1 z1 + c - gamma dy/dt(y_0 + c) = 0,
 *
 * z1: CVODE's first column of history.  Newton's (I - gamma J) d = -r, voltage rows multiplied
 * by M so that nothing has to be multiplied by its inverse:
 *
 *   (M + gamma G) dV + gamma B di/dx dx = gamma I - M (rl1 z1 + c)  B: which nodes a cell joins
 *   (1 - gamma f_x) dx - gamma f_v dv   = gamma f - (rl1 z1 + c)    cell by cell
 *
 * so with K = (1 - gamma f_x)^-1 a cell looks like the conductance
 *   g = di/dv + gamma di/dx K f_v
 * and the matrix has the circuit's own graph: lines and cells.  DC is the same with M = 0,
 * gamma = 1 and frozen states.  Solved line by line (ow_schur.h) where the circuit is a
 * grid of lines, likewise where all lines have merged (ow_merged.h); where neither applies
 * or converges, by a direct factorisation (ow_sparse.h). */
#ifndef OW_NEWTON_H
#define OW_NEWTON_H

#include "ow_effort.h"
#include "ow_mass.h"

struct ow_newton;

/* System and mass are borrowed; mass may be NULL for DC.  Floating nodes
 * (ow_circuit_floating) are held at 0 V in DC. */
enum ow_status ow_newton_create(struct ow_system *sys, const struct ow_mass *mass,
                                struct ow_newton **out);
void ow_newton_destroy(struct ow_newton *newton);

/* Assemble at the system's placed point and factor.  OW_ERR_SOLVER if singular. */
enum ow_status ow_newton_setup(struct ow_newton *newton, double gamma);
/* The system's conductances are borrowed: where it is placed elsewhere afterwards, solutions
 * may be those with the newer ones. */
enum ow_status ow_newton_setup_dc(struct ow_newton *newton);

/* Whether the matrix is factored by lines, which costs no more than a correction. */
bool ow_newton_is_by_lines(const struct ow_newton *newton);

/* Where -r is looked at; all arrays are [n_y] but for the sources'. */
struct ow_bdf {
    double gamma, rl1;   /* gamma: r's, of which the matrix may have an older one   */
    const double *v_row; /* [n_source] V                                            */
    double *y;           /* y_0 + c, with room for ow_system_nodes_around()         */
    const double *z1;
    const double *c; /* NULL: 0 */
};

/* Solve for d[n_y], apart from all of them.  The error e of an iterative solution fulfils
 * sum (weight e)^2 <= tol^2 over the node voltages; weight is [n_y].  Where lines are no grid
 * the system is placed there, without the devices' derivatives. */
enum ow_status ow_newton_correct(struct ow_newton *newton, const struct ow_bdf *at,
                                 const double weight[], double tol, double d[]);
/* What all of it has taken so far; CVODE's steps are not known here. */
struct ow_effort ow_newton_effort(const struct ow_newton *newton);

/* Solve (-dI/dV) d = into, both [n_free] and apart; `into` is as it was afterwards.  Iterative
 * solutions until the residual is tol of `into`; a tol of 5e-6 and more costs the least. */
enum ow_status ow_newton_solve_dc(struct ow_newton *newton, double into[], double tol,
                                  double d[]);

#endif
