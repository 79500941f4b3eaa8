#include "ow_vector.h"

#include <math.h>

/* z = a x + b y; any of them may be the same vector. */
static void linear_sum(realtype a, N_Vector x, realtype b, N_Vector y, N_Vector z)
{
    const sunindextype n = NV_LENGTH_S(x);
    const realtype *xd = NV_DATA_S(x), *yd = NV_DATA_S(y);
    realtype *zd = NV_DATA_S(z);
    /* x + y has the predictor's form; a product with 1.0 costs as much as the sum */
    if (a == 1.0 && b == 1.0)
        for (sunindextype k = 0; k < n; k++)
            zd[k] = xd[k] + yd[k];
    else
        for (sunindextype k = 0; k < n; k++)
            zd[k] = a * xd[k] + b * yd[k];
}

static void scale(realtype a, N_Vector x, N_Vector z)
{
    const sunindextype n = NV_LENGTH_S(x);
    const realtype *xd = NV_DATA_S(x);
    realtype *zd = NV_DATA_S(z);
    for (sunindextype k = 0; k < n; k++)
        zd[k] = a * xd[k];
}

/* Four partial sums in a fixed order: the same result on every machine. */
static realtype wrms_norm(N_Vector x, N_Vector w)
{
    const sunindextype n = NV_LENGTH_S(x);
    const realtype *xd = NV_DATA_S(x), *wd = NV_DATA_S(w);
    realtype sum[4] = {0.0, 0.0, 0.0, 0.0};
    sunindextype k = 0;
    for (; k + 4 <= n; k += 4)
        for (int lane = 0; lane < 4; lane++) {
            const realtype t = xd[k + lane] * wd[k + lane];
            sum[lane] += t * t;
        }
    for (; k < n; k++)
        sum[0] += xd[k] * wd[k] * xd[k] * wd[k];
    return sqrt(((sum[0] + sum[1]) + (sum[2] + sum[3])) / (realtype)n);
}

N_Vector ow_vector_create(sunindextype n, SUNContext context)
{
    N_Vector v = N_VNew_Serial(n, context);
    if (!v)
        return NULL;
    v->ops->nvlinearsum = linear_sum;
    v->ops->nvscale = scale;
    v->ops->nvwrmsnorm = wrms_norm;
    return v;
}
