/* A V-cycle on the word lines' Schur complement (ow_lines.h), for long or strongly coupled
 * lines, where the word lines alone are a poor preconditioner: what they leave is smooth along
 * the bit lines, and a smooth error can be solved for on a coarser crossbar.
 *
 * A coarse node stands for a block of up to 4 x 4 cells: its cell is their sum, a segment is
 * 4 segments of 4 lines in parallel, the ends take in half a block of line, and voltages in
 * between are interpolated linearly between the blocks' centres.  Levels end where a cell
 * carries as much as a segment of the bit line, since errors are smooth no longer, or where
 * the grid is small; the coarsest is solved directly.  Pre- and post-smoothing by (Aw + D)^-1
 * and restriction by the transposed interpolation make the whole cycle symmetric positive
 * definite. */
#ifndef OW_MULTIGRID_H
#define OW_MULTIGRID_H

#include "ow_lines.h"
#include "ow_status.h"

struct ow_multigrid;

/* For the finest level, which is borrowed.  OW_ERR_NOMEM. */
enum ow_status ow_multigrid_create(struct ow_lines *finest, struct ow_multigrid **out);
void ow_multigrid_destroy(struct ow_multigrid *mg);

/* After the finest level has been factored: build and factor the others.  False if one of
 * them cannot be. */
bool ow_multigrid_factor(struct ow_multigrid *mg);

/* e: one V-cycle towards S e = r, from 0. */
void ow_multigrid_cycle(struct ow_multigrid *mg, const float r[], float e[]);

#endif
