/* A crossbar's grid of lines (ow_grid.h) by direct factorisation, KLU in double precision,
 * ordered by nested dissection: the coarsest level of multigrid, and what is left where
 * iterations fail.  Memory grows with n log n and time with n^1.5 and more, so this is for
 * small grids and for patience. */
#ifndef OW_DIRECT_H
#define OW_DIRECT_H

#include "ow_grid.h"

struct ow_direct;

/* OW_ERR_NOMEM, or OW_ERR_SOLVER for a grid too large for it. */
enum ow_status ow_direct_create(size_t rows, size_t cols, struct ow_direct **out);
void ow_direct_destroy(struct ow_direct *direct);

/* OW_ERR_NOMEM; OW_ERR_SOLVER if singular. */
enum ow_status ow_direct_factor(struct ow_direct *direct, const struct ow_grid *grid);

/* rhs: [w | b], each [rows][cols], in place. */
void ow_direct_solve(struct ow_direct *direct, double rhs[]);

#endif
