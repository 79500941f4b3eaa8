#include "ow_stepper.h"

#include <cvode/cvode.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sundials/sundials_linearsolver.h>
#include <sundials/sundials_matrix.h>

#include "ow_kernel.h"
#include "ow_simd.h"
#include "ow_vector.h"

struct ow_stepper {
    struct ow_system *sys;      /* borrowed */
    const struct ow_mass *mass; /* borrowed */
    struct ow_newton *newton;   /* borrowed */
    ow_source_fn source;
    void *data;
    double *v_row; /* [n_source] workspace */

    SUNContext context;
    void *cvode;
    struct ow_vector_space space;
    N_Vector y;    /* the first of CVODE's history: the result of a step              */
    N_Vector copy; /* where CVODE would put it; others are clones of it               */
    N_Vector ydot;
    struct ow_corrector corrector;
    SUNMatrix matrix;
    SUNLinearSolver solver;
    long n_step, n_order; /* steps, and the sum of their orders */
    double longest;       /* s                                                */
    bool is_short;        /* of memory, in a Newton step                      */
    const double *slope;  /* NULL, or what the next look at the rates returns */
    char message[256];
};

static int rates(realtype t, N_Vector y, N_Vector ydot, void *data)
{
    struct ow_stepper *st = data;
    double *rate = N_VGetArrayPointer(ydot);
    if (st->slope) {
        memcpy(rate, st->slope, st->sys->n_y * sizeof *rate);
        st->slope = NULL;
        return 0;
    }
    st->source(st->data, t, st->v_row);
    ow_mass_rates(st->mass, st->sys, st->v_row, N_VGetArrayPointer(y), rate);
    return 0;
}

/* I - gamma J, where the corrector is.  The devices are evaluated anew in any case, so the
 * Jacobian is always current. */
static int newton_matrix(realtype t, N_Vector y, N_Vector fy, SUNMatrix a, booleantype jok,
                         booleantype *jcur, realtype gamma, void *data, N_Vector t1,
                         N_Vector t2, N_Vector t3)
{
    struct ow_stepper *st = data;
    if (st->sys->is_ohmic)
        ow_system_put_behind(st->sys, st->corrector.y);
    else if (st->sys->n_moving > 0)
        ow_system_place(st->sys, st->v_row, st->corrector.y);
    else
        ow_system_place_static(st->sys, st->v_row, st->corrector.y, NULL);
    *jcur = SUNTRUE;
    st->corrector.gamma = gamma;
    const enum ow_status status = ow_newton_setup(st->newton, gamma);
    st->is_short = status == OW_ERR_NOMEM;
    return status == OW_OK ? 0 : st->is_short ? -1 : 1;
}

/* CVODE wants a linear solver to have one, but only its own Newton would call it. */
static int no_solve(SUNLinearSolver solver, SUNMatrix a, N_Vector x, N_Vector b, realtype tol)
{
    return SUNLS_PACKAGE_FAIL_UNREC;
}

/* Error weights, which CVODE would take four sweeps for. */
static int weigh(N_Vector y, N_Vector weight, void *data)
{
    ow_vector_weigh(y, weight);
    return 0;
}

/* CVODE finds where this falls through 0: the earliest due jump of all cells. */
static int least_remaining(realtype t, N_Vector y, realtype *g, void *data)
{
    const struct ow_stepper *st = data;
    const struct ow_system *sys = st->sys;
    const double *h =
        N_VGetArrayPointer(y) + ow_system_place_of(sys, sys->circuit->xb->model->event_state);
    *g = INFINITY;
    for (size_t k = 0; k < sys->n_cell; k++)
        *g = fmin(*g, h[k]);
    return 0;
}

static SUNMatrix_ID matrix_id(SUNMatrix a)
{
    return SUNMATRIX_CUSTOM;
}

static SUNLinearSolver_Type solver_type(SUNLinearSolver s)
{
    return SUNLINEARSOLVER_MATRIX_ITERATIVE;
}

static void remember(int code, const char *module, const char *function, char *text, void *data)
{
    struct ow_stepper *st = data;
    size_t n = 0;
    for (; text[n] && text[n] != '\n' && n + 1 < sizeof st->message; n++)
        st->message[n] = text[n];
    st->message[n] = '\0';
}

static enum ow_status status_from_cvode(int flag)
{
    return flag >= 0 ? OW_OK : flag == CV_MEM_FAIL ? OW_ERR_NOMEM : OW_ERR_SOLVER;
}

/* CVODE gives its history away to nonlinear solvers only. */
static int find_history(struct ow_stepper *st)
{
    realtype t, gamma, rl1;
    N_Vector y, rate, z1;
    void *data;
    return CVodeGetNonlinearSystemData(st->cvode, &t, &st->y, &y, &rate, &gamma, &rl1, &z1,
                                       &data);
}

enum ow_status ow_stepper_create(struct ow_system *sys, const struct ow_mass *mass,
                                 struct ow_newton *newton, double rtol, double atol_v,
                                 double atol_x, ow_source_fn source, void *data,
                                 struct ow_stepper **out)
{
    struct ow_stepper *st = calloc(1, sizeof *st);
    if (!st)
        return OW_ERR_NOMEM;
    st->sys = sys;
    st->mass = mass;
    st->newton = newton;
    st->source = source;
    st->data = data;
    st->v_row = calloc(sys->circuit->n_source, sizeof *st->v_row);
    if (!st->v_row || SUNContext_Create(NULL, &st->context) ||
        ow_vector_space_init(&st->space, sys->n_y, sys->circuit->first_free, sys->n_threads))
        goto fail;
    st->space.few = sys->circuit->is_grid ? 2 * sys->n_cell : sys->n_free;
    st->space.split = sys->n_free;
    st->space.rtol = rtol;
    st->space.atol = atol_v;
    st->space.atol_behind = atol_x;
    st->copy = ow_vector_create(sys->n_y, &st->space, st->context);
    st->ydot = ow_vector_create(sys->n_y, &st->space, st->context);
    st->matrix = SUNMatNewEmpty(st->context);
    st->solver = SUNLinSolNewEmpty(st->context);
    st->cvode = CVodeCreate(CV_BDF, st->context);
    if (!st->copy || !st->ydot || !st->matrix || !st->solver || !st->cvode ||
        ow_corrector_init(sys, newton, source, data, st->v_row, st->copy, &st->corrector))
        goto fail;
    st->corrector.has_roots = sys->circuit->xb->model->fire != NULL;
    st->matrix->ops->getid = matrix_id;
    st->solver->ops->gettype = solver_type;
    st->solver->ops->solve = no_solve;

    if (CVodeSetErrHandlerFn(st->cvode, remember, st))
        goto fail;
    if (CVodeInit(st->cvode, rates, 0.0, st->copy)) {
        /* has freed its vectors, and CVodeFree() would once more */
        free(st->cvode);
        st->cvode = NULL;
        goto fail;
    }
    /* Order 4 at most takes fewer steps than CVODE's own 5, which amplifiers that ring do not
     * suit.  Where KLU solves, a factorisation costs as much as several steps: keep it while
     * gamma is within a factor of 1.5 (CVODE's own choice is 1.3).  What Newton leaves undone
     * is a tenth of CVODE's own choice: a line's current is a small difference of its voltages,
     * and steps that begin with cleaner ones are fewer. */
    if (CVodeSetUserData(st->cvode, st) || CVodeWFtolerances(st->cvode, weigh) ||
        CVodeSetLinearSolver(st->cvode, st->solver, st->matrix) ||
        CVodeSetLinSysFn(st->cvode, newton_matrix) ||
        CVodeSetNonlinearSolver(st->cvode, st->corrector.solver) ||
        CVodeSetMaxOrd(st->cvode, 4) || CVodeSetDeltaGammaMaxLSetup(st->cvode, 0.5) ||
        CVodeSetMaxErrTestFails(st->cvode, 20) || CVodeSetMaxConvFails(st->cvode, 40) ||
        CVodeSetNonlinConvCoef(st->cvode, 1e-2) ||
        (sys->circuit->xb->model->fire && CVodeRootInit(st->cvode, 1, least_remaining)) ||
        find_history(st) || st->space.is_short)
        goto fail;
    *out = st;
    return OW_OK;
fail:
    ow_stepper_destroy(st);
    return OW_ERR_NOMEM; /* nothing else can fail above: the arguments are ours */
}

void ow_stepper_destroy(struct ow_stepper *st)
{
    if (!st)
        return;
    if (st->cvode)
        CVodeFree(&st->cvode);
    if (st->solver)
        SUNLinSolFreeEmpty(st->solver);
    if (st->matrix)
        SUNMatFreeEmpty(st->matrix);
    ow_corrector_finish(&st->corrector);
    if (st->copy)
        N_VDestroy(st->copy);
    if (st->ydot)
        N_VDestroy(st->ydot);
    ow_vector_space_finish(&st->space);
    if (st->context)
        SUNContext_Free(&st->context);
    free(st->v_row);
    free(st);
}

double *ow_stepper_y(struct ow_stepper *st)
{
    return N_VGetArrayPointer(st->y);
}

/* step 0: CVODE's own choice. */
enum ow_status ow_stepper_resume(struct ow_stepper *st, double t, double step,
                                 const double slope[])
{
    ow_vector_space_make(&st->space); /* nothing waits that knows another length */
    st->space.length = st->sys->n_y;
    st->space.unread = NULL;
    st->slope = slope;
    st->longest = INFINITY;
    const int flag = CVodeReInit(st->cvode, t, st->y);
    N_VGetArrayPointer(st->y); /* taken over, whatever is written to it now */
    return status_from_cvode(flag ? flag : CVodeSetInitStep(st->cvode, step));
}

enum ow_status ow_stepper_restart(struct ow_stepper *st, double t)
{
    return ow_stepper_resume(st, t, 0.0, NULL);
}

const double *ow_stepper_rates(struct ow_stepper *st, double t)
{
    return CVodeGetDky(st->cvode, t, 1, st->ydot) ? NULL : N_VGetArrayPointer(st->ydot);
}

void ow_stepper_limit(struct ow_stepper *st, double step)
{
    st->longest = step;
}

enum ow_step_result ow_stepper_step(struct ow_stepper *st, double t_stop, double *t)
{
    snprintf(st->message, sizeof st->message, "no reason given");
    /* Time cannot tell steps below `least` apart: a device that runs away in finite time ends
     * here and not in an endless approach. */
    const double least = 1e-15 * t_stop;
    const bool is_limited = st->longest < t_stop;
    if (CVodeSetStopTime(st->cvode, t_stop) || CVodeSetMaxStep(st->cvode, 0.0) ||
        CVodeSetMinStep(st->cvode, least) ||
        (is_limited && CVodeSetMaxStep(st->cvode, fmax(st->longest, 2.0 * least))))
        return OW_STEP_FAILED;
    const int flag = CVode(st->cvode, t_stop, st->copy, t, CV_ONE_STEP);
    if (flag == CV_ROOT_RETURN) /* before the step's end, and nothing goes on from that */
        CVodeGetDky(st->cvode, *t, 0, st->y);
    N_VGetArrayPointer(st->y); /* up to date for those who know where it is */
    int order;
    if (CVodeGetLastOrder(st->cvode, &order) == CV_SUCCESS && flag >= 0) {
        st->n_step++;
        st->n_order += order;
    }
    if (flag < 0)
        return st->is_short || st->corrector.is_short ? OW_STEP_NOMEM : OW_STEP_FAILED;
    return flag == CV_TSTOP_RETURN  ? OW_STEP_STOP
           : flag == CV_ROOT_RETURN ? OW_STEP_EVENT
                                    : OW_STEP_ON;
}

const char *ow_stepper_message(const struct ow_stepper *st)
{
    return st->message;
}

struct ow_effort ow_stepper_effort(const struct ow_stepper *st)
{
    struct ow_effort effort = ow_newton_effort(st->newton);
    effort.steps = st->n_step;
    effort.orders = st->n_order;
    return effort;
}
