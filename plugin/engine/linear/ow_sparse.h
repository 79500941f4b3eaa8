/* The direct solver, for any circuit: KLU on the circuit's graph.  The lines' solver
 * (ow_schur.h) is faster where it applies. */
#ifndef OW_SPARSE_H
#define OW_SPARSE_H

#include "ow_linear.h"

struct ow_sparse;

/* Floating nodes (ow_circuit_floating) are held at 0 V where there is no mass. */
enum ow_status ow_sparse_create(const struct ow_system *sys, struct ow_sparse **out);
void ow_sparse_destroy(struct ow_sparse *sparse);

/* OW_ERR_SOLVER if singular. */
enum ow_status ow_sparse_factor(struct ow_sparse *sparse, const struct ow_linear *linear);

/* In place, [n_free]. */
void ow_sparse_solve(struct ow_sparse *sparse, double rhs[]);

#endif
