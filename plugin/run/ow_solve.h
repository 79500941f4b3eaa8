/* One linear array, solved once: the question that other crossbar solvers answer, in the
 * same topology, so that they can be compared. */
#ifndef OW_SOLVE_H
#define OW_SOLVE_H

#include "ow_matrix.h"
#include "ow_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Source i drives r_driver + r_wordline to cell (i, 0); r_wordline leads on to cell
 * (i, cols - 1).  Bit line j leads through r_bitline segments to cell (rows - 1, j) and
 * through one more and r_sense to ground.  All in ohm, >= 0; r_driver and r_sense may be
 * infinite (an open end). */
struct ow_solve_wires {
    double r_wordline, r_bitline, r_driver, r_sense;
};

struct ow_solve_result {
    struct ow_matrix i_bitline;  /* [1][cols] A, out of each bit line's end        */
    struct ow_matrix i_wordline; /* [1][rows] A, into each word line               */
    struct ow_matrix nodes;      /* [2 rows][cols] V: the word-line plane, then the
                                    bit-line plane                                 */
    double wall_s;               /* s, the solution alone                          */
};

/* g is [rows][cols] in S, finite and >= 0; drive holds `rows` voltages, as a row or a
 * column.  Floating parts carry no current and stand at 0 V.  OW_ERR_INPUT (shapes),
 * OW_ERR_RANGE (values), OW_ERR_SOLVER, OW_ERR_NOMEM. */
enum ow_status ow_solve(const struct ow_matrix *g, const struct ow_matrix *drive,
                        const struct ow_solve_wires *wires, struct ow_solve_result *out,
                        struct ow_error *err);
void ow_solve_result_finish(struct ow_solve_result *result);

#ifdef __cplusplus
}
#endif
#endif
