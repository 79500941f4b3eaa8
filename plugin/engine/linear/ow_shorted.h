/* A linear crossbar at DC, one of whose two families of lines has no resistance: row i is one
 * node x[i], joined with its source u[i] by s[i]; column j is a chain of nodes b[i][j] with g
 * between neighbours, whose last is joined with e[j] by t[j], or one node if g is infinite.
 * Cell (i, j) joins x[i] and b[i][j] by d[i][j].  Columns are eliminated,
 *
 *   S x = s u + sum D (A + D)^-1 (t e),   S = s + sum D - sum D (A + D)^-1 D   (sums over
 * columns)
 *
 * which leaves a number for each row.  Rows that are held (s infinite) need no more than that;
 * likewise, each for itself, rows whose columns are held (g and t infinite).  Others are found
 * by conjugate gradients in double precision, preconditioned by the diagonal s + sum D: a
 * product with S is one sweep over the cells. */
#ifndef OW_SHORTED_H
#define OW_SHORTED_H

#include <stdbool.h>
#include <stddef.h>

#include "ow_status.h"

struct ow_shorted {
    size_t rows, cols;
    const double *s, *u; /* [rows] S, V; all of s infinite or none; 0 is open       */
    double g;            /* S, > 0                                                  */
    const double *t, *e; /* [cols] S, V; infinite only where g is; 0 is open        */
    const double *d;     /* [rows][cols] S, >= 0                                    */
};

struct ow_shorted_effort {
    bool is_closed;  /* no iterations were needed              */
    int iterations;  /* of conjugate gradients                 */
    double residual; /* |f - A v| / |f| of all node equations  */
};

/* x[rows], b[rows][cols]; what floats stands at 0 V.  n_threads at most, or as many as OpenMP
 * finds for 0; their number changes no result.  OW_ERR_NOMEM; OW_ERR_SOLVER if the iterations
 * do not take the residual below 1e-12, or as far as rounding lets them. */
enum ow_status ow_shorted_solve(const struct ow_shorted *shorted, int n_threads, double x[],
                                double b[], struct ow_shorted_effort *effort);

#endif
