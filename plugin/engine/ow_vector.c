#include "ow_vector.h"

#include <math.h>
#include <string.h>

#include "ow_simd.h"

/* z = a x + b y; any of them may be the same vector. */
OW_SIMD static void linear_sum(realtype a, N_Vector x, realtype b, N_Vector y, N_Vector z)
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

OW_SIMD static void scale(realtype a, N_Vector x, N_Vector z)
{
    const sunindextype n = NV_LENGTH_S(x);
    const realtype *xd = NV_DATA_S(x);
    realtype *zd = NV_DATA_S(z);
    for (sunindextype k = 0; k < n; k++)
        zd[k] = a * xd[k];
}

static void constant(realtype c, N_Vector z)
{
    const sunindextype n = NV_LENGTH_S(z);
    realtype *zd = NV_DATA_S(z);
    if (c == 0.0)
        memset(zd, 0, (size_t)n * sizeof *zd);
    else
        for (sunindextype k = 0; k < n; k++)
            zd[k] = c;
}

/* z[m] = y[m] + a[m] x for all m, a piece of x at a time, so that it is read once.  The end
 * of every step: the whole history takes its share of the correction. */
OW_SIMD static int scale_add_multi(int n_vector, realtype *a, N_Vector x, N_Vector *y,
                                   N_Vector *z)
{
    enum { PIECE = 1024 };
    const sunindextype n = NV_LENGTH_S(x);
    const realtype *xd = NV_DATA_S(x);
    for (sunindextype begin = 0; begin < n; begin += PIECE) {
        const sunindextype end = begin + PIECE < n ? begin + PIECE : n;
        for (int m = 0; m < n_vector; m++) {
            const realtype factor = a[m], *yd = NV_DATA_S(y[m]);
            realtype *zd = NV_DATA_S(z[m]);
            for (sunindextype k = begin; k < end; k++)
                zd[k] = yd[k] + factor * xd[k];
        }
    }
    return 0;
}

/* Four partial sums in a fixed order: the same result on every machine. */
OW_SIMD static realtype wrms_norm(N_Vector x, N_Vector w)
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
    v->ops->nvconst = constant;
    v->ops->nvscaleaddmulti = scale_add_multi;
    v->ops->nvwrmsnorm = wrms_norm;
    return v;
}
