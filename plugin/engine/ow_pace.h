/* How long a step may be for the energies' sake.  A state that moves at a constant rate is
 * followed exactly in one step of any length, while the power v i(x) is anything but the cubic
 * of ow_integral.h meanwhile.  With
 *
 *   P = |v i|,   r = |sum over the states of di/dx f| / |i|
 *
 * of each cell, r the rate at which its states change its power, the cubic over a step h is
 * wrong by 11/30 (h r)^4 of P where i goes like 1/(1 - r t).  Here
 *
 *   h = 0.15 (sum of P / sum of P r^8)^(1/8) ,
 *
 * for 2e-4 if one cell takes all the power.  The fourth power would do for this step alone, but
 * a cell with a small part of the power may have most of it a few steps on. */
#ifndef OW_PACE_H
#define OW_PACE_H

#include "ow_system.h"

struct ow_pace {
    const struct ow_system *sys; /* borrowed */
    double *power, *moment;      /* [rows] of blocks of rows: sums of P and P r^8 */
};

/* OW_ERR_NOMEM. */
enum ow_status ow_pace_init(const struct ow_system *sys, struct ow_pace *out);
void ow_pace_finish(struct ow_pace *pace);

/* Whether there is any limit: states move, and currents with them. */
bool ow_pace_counts(const struct ow_pace *pace);

/* h (s) at the placed point, whose derivatives are there; INFINITY where no power changes. */
double ow_pace_limit(struct ow_pace *pace);

#endif
