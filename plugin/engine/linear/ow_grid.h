/* The linear system of a crossbar at one point, as two families of lines and cells:
 *
 *   [ Aw + D    -D    ] [w]   [fw]     w[i][j], b[i][j]: word-line and bit-line nodes
 *   [  -D     Ab + D  ] [b] = [fb]     D: of the cells
 *
 * Aw: independent tridiagonals, one a word line along j, fed at its first node; Ab: one a bit
 * line along i, ended at its last.  Symmetric and, for d >= 0 and lines that something holds,
 * positive definite.
 *
 * The bit lines are eliminated, and conjugate gradients in single precision solve
 *   S w = fw + D (Ab + D)^-1 fb,   S = Aw + D - D (Ab + D)^-1 D
 * preconditioned by the word lines, (Aw + D)^-1, or, where a cost model says that they alone
 * would take many iterations, by a multigrid V-cycle (ow_multigrid.h).  Around them the
 * residual of the whole system and the solution are kept in double precision: each pass takes
 * the residual down by up to 5e5 (iterative refinement). */
#ifndef OW_GRID_H
#define OW_GRID_H

#include <stdbool.h>
#include <stddef.h>

#include "ow_status.h"

struct ow_grid {
    size_t rows, cols;
    double g_word, g_bit; /* S (or S s), > 0: between neighbours                        */
    double c_word, c_bit; /* the same, >= 0: from every node to ground                  */
    const double *source; /* [rows] >= 0, from each word line's first node to ground    */
    const double *end;    /* [cols] >= 0, from each bit line's last node to ground      */
    const double *d;      /* [rows][cols] cells: D = d_own + d_scale d                  */
    double d_scale, d_own;
};

static inline double ow_grid_cell(const struct ow_grid *grid, size_t k)
{
    return grid->d_own + grid->d_scale * grid->d[k];
}

/* Rows [from, to) of a right-hand side: w[(to - from) cols] of the word lines, b of the bit
 * lines. Called by several threads at a time, and anew whenever the rows are looked at. */
typedef void ow_grid_rows_fn(const void *data, size_t from, size_t to, double w[], double b[]);

/* Right-hand side; NULL is 0. */
struct ow_grid_rhs {
    const double *w, *b;   /* [rows][cols]                     */
    const double *source;  /* [rows] into the word lines' first nodes, added to w */
    ow_grid_rows_fn *rows; /* or NULL: in place of the three, from `data`; ow_some_rows() at a
                              time at most */
    const void *data;
};

struct ow_grid_weights {
    const double *w, *b; /* [rows][cols] */
};

/* What a solution took. */
struct ow_grid_effort {
    int passes, iterations; /* of refinement; of conjugate gradients, all passes       */
    bool has_multigrid;
    double residual; /* |f - A x| / |f|, 2-norms, 0 if it was not asked for       */
};

struct ow_grid_solver;

/* n_threads at most, or as many as OpenMP finds for 0; small grids take one.  Their number
 * changes no result.  OW_ERR_NOMEM. */
enum ow_status ow_grid_create(size_t rows, size_t cols, int n_threads,
                              struct ow_grid_solver **out);
void ow_grid_destroy(struct ow_grid_solver *solver);

/* The grid's arrays are borrowed until the next factors.  False if a line's pivots are not
 * positive (cells with negative differential conductance, a line that nothing holds) or
 * leave single precision: then this solver does not apply. */
bool ow_grid_factor(struct ow_grid_solver *solver, const struct ow_grid *grid);

/* Without weights: until the residual of the whole system is at most tol |f|, or as small as
 * rounding lets it be, if that is below 1e-6 |f|; a tol of 5e-6 and more takes one pass, which
 * single precision vouches for, and effort->residual is not found out.  With weights: until the
 * estimated errors e of w, and of the bit lines that follow it, fulfil sum (weight e)^2 <=
 * tol^2, the larger of the two at every cell. False if that was not reached.  w, b:
 * [rows][cols], no part of rhs. */
bool ow_grid_solve(struct ow_grid_solver *solver, const struct ow_grid_rhs *rhs,
                   const struct ow_grid_weights *weights, double tol, double w[], double b[],
                   struct ow_grid_effort *effort);

#endif
