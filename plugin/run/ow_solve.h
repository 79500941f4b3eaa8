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

/* What found the answer. */
enum ow_solve_method {
    OW_SOLVE_NONE,      /* nothing is driven, so nothing flows               */
    OW_SOLVE_LINES,     /* iterations preconditioned by the word lines       */
    OW_SOLVE_MULTIGRID, /* the same, by multigrid                            */
    OW_SOLVE_CLOSED,    /* line by line, where lines without resistance are held
                           by their sources or by ground                     */
    OW_SOLVE_REDUCED,   /* iterations on one voltage a line, of the lines that
                           have no resistance                                */
    OW_SOLVE_DIRECT     /* a sparse direct factorisation, where iterations did not
                           converge                                          */
};
const char *ow_solve_method_str(enum ow_solve_method method);

struct ow_solve_result {
    struct ow_matrix i_bitline;  /* [1][cols] A, out of each bit line's end        */
    struct ow_matrix i_wordline; /* [1][rows] A, into each word line               */
    struct ow_matrix nodes;      /* [2 rows][cols] V: the word-line plane, then the
                                    bit-line plane                                 */
    enum ow_solve_method method;
    int iterations;  /* of conjugate gradients                                     */
    double residual; /* |f - A x| / |f| of all node equations; NaN where it was not
                        computed (OW_SOLVE_DIRECT)                                 */
    double wall_s;   /* s, the solution alone                                      */
};

/* g is [rows][cols] in S, finite and >= 0; drive holds `rows` voltages, as a row or a
 * column.  Floating parts carry no current and stand at 0 V.  n_threads at most, or as many as
 * OpenMP finds for 0; the numbers are the same for any number.  The relative residual of an
 * iterative solution is at most 1e-10 (1e-13 up to 256 x 256), or as small as rounding lets it
 * be, if that is below 1e-6.  OW_ERR_INPUT (shapes), OW_ERR_RANGE (values), OW_ERR_SOLVER,
 * OW_ERR_NOMEM. */
enum ow_status ow_solve(const struct ow_matrix *g, const struct ow_matrix *drive,
                        const struct ow_solve_wires *wires, int n_threads,
                        struct ow_solve_result *out, struct ow_error *err);
void ow_solve_result_finish(struct ow_solve_result *result);

#ifdef __cplusplus
}
#endif
#endif
