#include "ow_ode.h"

#include <assert.h>
#include <cvode/cvode.h>
#include <math.h>
#include <nvector/nvector_serial.h>
#include <stdio.h>
#include <stdlib.h>
#include <sundials/sundials_linearsolver.h>
#include <sundials/sundials_matrix.h>

struct ow_ode {
    struct ow_ode_options options;
    double lu[OW_ODE_MOST][OW_ODE_MOST]; /* of I - gamma J */
    size_t pivot[OW_ODE_MOST];

    SUNContext context;
    void *cvode;
    N_Vector y, atol;
    SUNMatrix matrix;
    SUNLinearSolver solver;
    char message[256];
};

static int rates(realtype t, N_Vector y, N_Vector ydot, void *data)
{
    const struct ow_ode *ode = data;
    ode->options.fn(ode->options.data, t, N_VGetArrayPointer(y), N_VGetArrayPointer(ydot),
                    NULL);
    return 0;
}

/* Gaussian elimination with partial pivoting, in place.  False if singular. */
static bool factor(struct ow_ode *ode)
{
    const size_t n = ode->options.n;
    for (size_t k = 0; k < n; k++) {
        size_t p = k;
        for (size_t r = k + 1; r < n; r++)
            if (fabs(ode->lu[r][k]) > fabs(ode->lu[p][k]))
                p = r;
        ode->pivot[k] = p;
        if (!(fabs(ode->lu[p][k]) > 0.0) || !isfinite(ode->lu[p][k]))
            return false;
        for (size_t c = 0; p != k && c < n; c++) {
            const double swap = ode->lu[k][c];
            ode->lu[k][c] = ode->lu[p][c];
            ode->lu[p][c] = swap;
        }
        for (size_t r = k + 1; r < n; r++) {
            ode->lu[r][k] /= ode->lu[k][k];
            for (size_t c = k + 1; c < n; c++)
                ode->lu[r][c] -= ode->lu[r][k] * ode->lu[k][c];
        }
    }
    return true;
}

/* I - gamma J, always current: it costs one evaluation of one device. */
static int newton_matrix(realtype t, N_Vector y, N_Vector fy, SUNMatrix a, booleantype jok,
                         booleantype *jcur, realtype gamma, void *data, N_Vector t1,
                         N_Vector t2, N_Vector t3)
{
    struct ow_ode *ode = data;
    const size_t n = ode->options.n;
    double f[OW_ODE_MOST], jac[OW_ODE_MOST * OW_ODE_MOST];
    ode->options.fn(ode->options.data, t, N_VGetArrayPointer(y), f, jac);
    for (size_t r = 0; r < n; r++)
        for (size_t c = 0; c < n; c++)
            ode->lu[r][c] = (r == c ? 1.0 : 0.0) - gamma * jac[r * n + c];
    *jcur = SUNTRUE;
    return factor(ode) ? 0 : 1;
}

static int newton_solve(SUNLinearSolver solver, SUNMatrix a, N_Vector x_out, N_Vector b_in,
                        realtype tol)
{
    const struct ow_ode *ode = solver->content;
    const size_t n = ode->options.n;
    const double *b = N_VGetArrayPointer(b_in);
    double *x = N_VGetArrayPointer(x_out);
    for (size_t k = 0; k < n; k++)
        x[k] = b[k];
    for (size_t k = 0; k < n; k++) {
        const double swap = x[k];
        x[k] = x[ode->pivot[k]];
        x[ode->pivot[k]] = swap;
    }
    for (size_t r = 1; r < n; r++)
        for (size_t c = 0; c < r; c++)
            x[r] -= ode->lu[r][c] * x[c];
    for (size_t r = n; r-- > 0;) {
        for (size_t c = r + 1; c < n; c++)
            x[r] -= ode->lu[r][c] * x[c];
        x[r] /= ode->lu[r][r];
    }
    return SUNLS_SUCCESS;
}

static int remaining(realtype t, N_Vector y, realtype *g, void *data)
{
    const struct ow_ode *ode = data;
    *g = N_VGetArrayPointer(y)[ode->options.event];
    return 0;
}

static SUNMatrix_ID matrix_id(SUNMatrix a)
{
    return SUNMATRIX_CUSTOM;
}

static SUNLinearSolver_Type solver_type(SUNLinearSolver s)
{
    return SUNLINEARSOLVER_DIRECT;
}

static void remember(int code, const char *module, const char *function, char *text, void *data)
{
    struct ow_ode *ode = data;
    size_t n = 0;
    for (; text[n] && text[n] != '\n' && n + 1 < sizeof ode->message; n++)
        ode->message[n] = text[n];
    ode->message[n] = '\0';
}

enum ow_status ow_ode_create(const struct ow_ode_options *options, struct ow_ode **out)
{
    assert(options->n >= 1 && options->n <= OW_ODE_MOST);
    struct ow_ode *ode = calloc(1, sizeof *ode);
    if (!ode)
        return OW_ERR_NOMEM;
    ode->options = *options;
    if (SUNContext_Create(NULL, &ode->context))
        goto fail;
    ode->y = N_VNew_Serial((sunindextype)options->n, ode->context);
    ode->atol = N_VNew_Serial((sunindextype)options->n, ode->context);
    ode->matrix = SUNMatNewEmpty(ode->context);
    ode->solver = SUNLinSolNewEmpty(ode->context);
    ode->cvode = CVodeCreate(CV_BDF, ode->context);
    if (!ode->y || !ode->atol || !ode->matrix || !ode->solver || !ode->cvode)
        goto fail;
    ode->matrix->ops->getid = matrix_id;
    ode->solver->ops->gettype = solver_type;
    ode->solver->ops->solve = newton_solve;
    ode->solver->content = ode;
    for (size_t k = 0; k < options->n; k++)
        N_VGetArrayPointer(ode->atol)[k] = options->atol[k];
    N_VConst(0.0, ode->y);
    if (CVodeSetErrHandlerFn(ode->cvode, remember, ode) ||
        CVodeInit(ode->cvode, rates, 0.0, ode->y) || CVodeSetUserData(ode->cvode, ode) ||
        CVodeSVtolerances(ode->cvode, options->rtol, ode->atol) ||
        CVodeSetLinearSolver(ode->cvode, ode->solver, ode->matrix) ||
        CVodeSetLinSysFn(ode->cvode, newton_matrix) ||
        CVodeSetMaxErrTestFails(ode->cvode, 20) || CVodeSetMaxConvFails(ode->cvode, 40) ||
        (options->has_event && CVodeRootInit(ode->cvode, 1, remaining)))
        goto fail;
    *out = ode;
    return OW_OK;
fail:
    ow_ode_destroy(ode);
    return OW_ERR_NOMEM; /* nothing else can fail above: the arguments are ours */
}

void ow_ode_destroy(struct ow_ode *ode)
{
    if (!ode)
        return;
    if (ode->cvode)
        CVodeFree(&ode->cvode);
    if (ode->solver)
        SUNLinSolFreeEmpty(ode->solver);
    if (ode->matrix)
        SUNMatFreeEmpty(ode->matrix);
    if (ode->atol)
        N_VDestroy(ode->atol);
    if (ode->y)
        N_VDestroy(ode->y);
    if (ode->context)
        SUNContext_Free(&ode->context);
    free(ode);
}

double *ow_ode_y(struct ow_ode *ode)
{
    return N_VGetArrayPointer(ode->y);
}

enum ow_status ow_ode_restart(struct ow_ode *ode, double t)
{
    return CVodeReInit(ode->cvode, t, ode->y) ? OW_ERR_SOLVER : OW_OK;
}

enum ow_step_result ow_ode_step(struct ow_ode *ode, double t_stop, double *t)
{
    snprintf(ode->message, sizeof ode->message, "no reason given");
    /* Time cannot tell steps below this apart: what runs away in finite time ends here. */
    realtype now;
    if (CVodeGetCurrentTime(ode->cvode, &now) || CVodeSetStopTime(ode->cvode, t_stop) ||
        CVodeSetMinStep(ode->cvode, 1e-15 * fabs(now)))
        return OW_STEP_FAILED;
    const int flag = CVode(ode->cvode, t_stop, ode->y, t, CV_ONE_STEP);
    return flag < 0                  ? OW_STEP_FAILED
           : flag == CV_TSTOP_RETURN ? OW_STEP_STOP
           : flag == CV_ROOT_RETURN  ? OW_STEP_EVENT
                                     : OW_STEP_ON;
}

const char *ow_ode_message(const struct ow_ode *ode)
{
    return ode->message;
}
