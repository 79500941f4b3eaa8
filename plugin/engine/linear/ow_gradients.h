/* Preconditioned conjugate gradients in single precision for S x = r on the word-line nodes of
 * a crossbar (ow_lines.h).  Preconditioner: the word lines or a multigrid V-cycle. */
#ifndef OW_GRADIENTS_H
#define OW_GRADIENTS_H

#include "ow_multigrid.h"

struct ow_gradients {
    const struct ow_lines *lines; /* borrowed, factored                      */
    struct ow_multigrid *mg;      /* borrowed, factored; NULL: word lines    */
    float *x, *r;                 /* [rows][stride] solution, right-hand side */
    float *z, *p, *q;             /* [rows][stride] workspace                */
    double *sum;                  /* one a chunk                             */
    int iterations;               /* of the last solution                    */
};

/* What ends the iterations: the residual |r| reduced so far; or, with weights, z as the
 * estimated error: sum (scale weight z)^2 <= tol^2, where the weight at a cell is the larger of
 * word and follow bit, both [rows][cols]. */
struct ow_gradients_goal {
    double reduction;
    const double *word, *bit; /* NULL without */
    double follow, scale, tol;
};

enum ow_gradients_end {
    OW_GRADIENTS_REDUCED,
    OW_GRADIENTS_WITHIN_TOL, /* of the weights */
    OW_GRADIENTS_SLOW,       /* many iterations, or rounding is all that is left */
    OW_GRADIENTS_BROKE       /* S is not positive definite, or infinity was met  */
};

/* Vectors; OW_ERR_NOMEM. */
enum ow_status ow_gradients_init(struct ow_gradients *cg, const struct ow_lines *lines);
void ow_gradients_finish(struct ow_gradients *cg);

/* From x = 0; r is spoilt, x is what was reached. */
enum ow_gradients_end ow_gradients_solve(struct ow_gradients *cg,
                                         const struct ow_gradients_goal *goal);

#endif
