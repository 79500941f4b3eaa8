/* CVODE's nonlinear solver, in place of its own Newton: the same iteration, with the same tests
 * and the same moments for a new matrix, but the residual goes to the lines' solver as it is
 * made, row by row (ow_newton.h), and the first correction is the result.  CVODE's own makes a
 * rate, a residual, a right-hand side and a solution, each of them a vector that goes through
 * memory, three times.
 *
 * Near amplifiers' rails every step has a matrix of its own.  Where cells conduct linearly and
 * amplifiers are away from their rails, one correction by a matrix of the step's own gamma
 * solves the equation, to what the linear solution leaves, and no second one is made to see
 * that. */
#ifndef OW_CORRECTOR_H
#define OW_CORRECTOR_H

#include <sundials/sundials_nonlinearsolver.h>

#include "ow_newton.h"

/* The sources' voltages at time t: v_row[n_source].  Must be smooth between two restarts. */
typedef void (*ow_source_fn)(void *data, double t, double v_row[]);

struct ow_corrector {
    const struct ow_system *sys; /* borrowed */
    struct ow_newton *newton;    /* borrowed */
    ow_source_fn source;
    void *data;
    double *v_row; /* [n_source] borrowed workspace */

    SUNNonlinearSolver solver;
    N_Vector delta; /* corrections but the first                                           */
    N_Vector there; /* the prediction with them                                            */
    bool has_roots; /* CVODE looks for roots, with vectors that nothing else is done with  */
    double *y;      /* where a matrix is to be made, with room for ow_system_nodes_around() */
    double gamma;   /* of the matrix; who makes it says so                                 */
    bool was_in_range; /* no amplifier was near a rail where the matrix was made           */
    bool is_short;     /* of memory, in the last solution                                  */

    /* What CVODE asks of such a solver. */
    SUNNonlinSolLSetupFn make_matrix;
    SUNNonlinSolConvTestFn test;
    void *test_data;
    int iteration, most;
    long n_iteration, n_failure; /* of the last solution */
};

/* like: one of the vectors to come.  v_row: [n_source], borrowed.  OW_ERR_NOMEM. */
enum ow_status ow_corrector_init(const struct ow_system *sys, struct ow_newton *newton,
                                 ow_source_fn source, void *data, double v_row[], N_Vector like,
                                 struct ow_corrector *out);
void ow_corrector_finish(struct ow_corrector *corrector);

#endif
