#include "ow_corrector.h"

#include <cvode/cvode.h>
#include <float.h>
#include <math.h>

#include "ow_vector.h"

static SUNNonlinearSolver_Type solver_type(SUNNonlinearSolver s)
{
    return SUNNONLINEARSOLVER_ROOTFIND;
}

/* CVODE's residual and linear solution: not used. */
static int ignore_residual(SUNNonlinearSolver s, SUNNonlinSolSysFn fn)
{
    return SUN_NLS_SUCCESS;
}

static int set_matrix(SUNNonlinearSolver s, SUNNonlinSolLSetupFn fn)
{
    struct ow_corrector *c = s->content;
    c->make_matrix = fn;
    return SUN_NLS_SUCCESS;
}

static int set_test(SUNNonlinearSolver s, SUNNonlinSolConvTestFn fn, void *data)
{
    struct ow_corrector *c = s->content;
    c->test = fn;
    c->test_data = data;
    return SUN_NLS_SUCCESS;
}

static int set_most(SUNNonlinearSolver s, int most)
{
    struct ow_corrector *c = s->content;
    c->most = most;
    return SUN_NLS_SUCCESS;
}

static int iterations(SUNNonlinearSolver s, long *n)
{
    *n = ((const struct ow_corrector *)s->content)->n_iteration;
    return SUN_NLS_SUCCESS;
}

static int iteration(SUNNonlinearSolver s, int *k)
{
    *k = ((const struct ow_corrector *)s->content)->iteration;
    return SUN_NLS_SUCCESS;
}

static int failures(SUNNonlinearSolver s, long *n)
{
    *n = ((const struct ow_corrector *)s->content)->n_failure;
    return SUN_NLS_SUCCESS;
}

/* Are all amplifiers away from their rails at y, or y + more? */
static bool are_in_range(const struct ow_corrector *c, const double y[], const double *more)
{
    const struct ow_circuit *ckt = c->sys->circuit;
    const double most = ow_amp_linear_to(&ckt->xb->sense);
    bool are = true;
    for (size_t j = 0; are && j < ckt->n_amp; j++) {
        const size_t k = ckt->amp[j].inner - ckt->first_free;
        are = fabs(y[k] + (more ? more[k] : 0.0)) < most;
    }
    return are;
}

/* Is the matrix to be made anew?  At the rails: one of a stiff clamp would take the way back
 * from it for a small correction, and CVODE's test would believe that.  And where one
 * correction is to be the solution, if that costs no more than a correction. */
static bool is_worth_a_matrix(const struct ow_corrector *c, double gamma, bool is_in_range)
{
    if (!is_in_range || !c->was_in_range)
        return true;
    return c->sys->is_ohmic && gamma != c->gamma && ow_newton_is_by_lines(c->newton);
}

/* d = the solution, with a matrix of another gamma scaled between the factors that its M and
 * its G would need, as CVODE does. */
static int correct(struct ow_corrector *c, const struct ow_bdf *at, N_Vector weight, double tol,
                   N_Vector d)
{
    const double norm = 0.05 * tol * sqrt((double)N_VGetLength(d)),
                 ratio = at->gamma / c->gamma;
    const enum ow_status st = ow_newton_correct(c->newton, at, N_VGetArrayPointer(weight), norm,
                                                ow_vector_overwrite(d));
    c->is_short = st == OW_ERR_NOMEM;
    if (ratio != 1.0)
        N_VScale(2.0 / (1.0 + ratio), d, d);
    return st == OW_OK ? SUN_NLS_SUCCESS : c->is_short ? SUN_NLS_MEM_FAIL : SUN_NLS_CONV_RECVR;
}

/* Newton's iteration with one matrix; can_be_one: the equation is linear where it begins. */
static int iterate(struct ow_corrector *c, struct ow_bdf *at, bool can_be_one,
                   N_Vector predicted, N_Vector sum, N_Vector weight, double tol)
{
    int flag = SUN_NLS_CONTINUE;
    at->y = c->y;
    at->c = NULL;
    for (c->iteration = 0; flag == SUN_NLS_CONTINUE; c->iteration++) {
        N_Vector d = c->iteration == 0 ? sum : c->delta;
        if (c->iteration == c->most)
            return SUN_NLS_CONV_RECVR;
        c->n_iteration++;
        if ((flag = correct(c, at, weight, tol, d)))
            return flag;
        if (d != sum)
            N_VLinearSum(1.0, sum, 1.0, d, sum);
        const bool is_one = can_be_one && d == sum && at->gamma == c->gamma &&
                            are_in_range(c, c->y, N_VGetArrayPointer(sum));
        flag = c->test(c->solver, sum, d, is_one ? DBL_MAX : tol, weight, c->test_data);
        if (flag != SUN_NLS_CONTINUE)
            return flag;
        N_VLinearSum(1.0, predicted, 1.0, sum, c->there);
        at->y = N_VGetArrayPointer(c->there);
        at->c = N_VGetArrayPointer(sum);
    }
    return flag;
}

/* sum: the correction to `predicted`, 0 on entry. */
static int solve(SUNNonlinearSolver s, N_Vector predicted, N_Vector sum, N_Vector weight,
                 realtype tol, booleantype is_due, void *cvode)
{
    struct ow_corrector *c = s->content;
    struct ow_bdf at = {.v_row = c->v_row};
    realtype t;
    N_Vector same, y, rate, z1;
    void *data;
    if (CVodeGetNonlinearSystemData(cvode, &t, &same, &y, &rate, &at.gamma, &at.rl1, &z1,
                                    &data))
        return SUN_NLS_MEM_NULL;
    c->n_iteration = c->n_failure = 0;
    if (!c->has_roots)
        ow_vector_ignore(y); /* CVODE's y, for its own Newton, and the copy of a result */
    c->source(c->data, t, c->v_row);
    c->y = N_VGetArrayPointer(predicted);
    at.z1 = N_VGetArrayPointer(z1);
    const bool is_in_range = are_in_range(c, c->y, NULL);
    const bool can_be_one = is_in_range && c->sys->is_ohmic;
    if (is_worth_a_matrix(c, at.gamma, is_in_range))
        is_due = SUNTRUE;
    booleantype is_bad = SUNFALSE;
    for (;;) {
        booleantype is_new = SUNFALSE;
        if (is_due)
            c->was_in_range = is_in_range;
        int flag = is_due ? c->make_matrix(is_bad, &is_new, cvode) : SUN_NLS_SUCCESS;
        if (flag)
            return flag;
        flag = iterate(c, &at, can_be_one, predicted, sum, weight, tol);
        if (flag == SUN_NLS_SUCCESS)
            return flag;
        c->n_failure++;
        if (flag < 0 || is_new)
            return flag;
        is_due = is_bad = SUNTRUE;
    }
}

enum ow_status ow_corrector_init(const struct ow_system *sys, struct ow_newton *newton,
                                 ow_source_fn source, void *data, double v_row[], N_Vector like,
                                 struct ow_corrector *out)
{
    *out = (struct ow_corrector){.sys = sys,
                                 .newton = newton,
                                 .source = source,
                                 .data = data,
                                 .v_row = v_row,
                                 .gamma = 1.0};
    out->solver = SUNNonlinSolNewEmpty(like->sunctx);
    out->delta = N_VClone(like);
    out->there = N_VClone(like);
    if (!out->solver || !out->delta || !out->there)
        return OW_ERR_NOMEM;
    out->solver->content = out;
    out->solver->ops->gettype = solver_type;
    out->solver->ops->solve = solve;
    out->solver->ops->setsysfn = ignore_residual;
    out->solver->ops->setlsetupfn = set_matrix;
    out->solver->ops->setctestfn = set_test;
    out->solver->ops->setmaxiters = set_most;
    out->solver->ops->getnumiters = iterations;
    out->solver->ops->getcuriter = iteration;
    out->solver->ops->getnumconvfails = failures;
    return OW_OK;
}

void ow_corrector_finish(struct ow_corrector *c)
{
    if (c->delta)
        N_VDestroy(c->delta);
    if (c->there)
        N_VDestroy(c->there);
    if (c->solver)
        SUNNonlinSolFreeEmpty(c->solver);
    *c = (struct ow_corrector){0};
}
