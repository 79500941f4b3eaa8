#include "ow_vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_simd.h"

enum { PIECE = 1024 };

struct content {
    struct ow_vector_space *space; /* borrowed, shared by all clones */
    size_t capacity;
    double *data;
};

static inline struct ow_vector_space *space_of(N_Vector v)
{
    return ((const struct content *)v->content)->space;
}

static inline size_t length_of(N_Vector v)
{
    return space_of(v)->length;
}

/* ---- sums that wait -------------------------------------------------------------------- */

OW_SIMD static void make_sums(struct ow_vector_space *space)
{
    for (size_t begin = 0; begin < space->length; begin += PIECE) {
        const size_t end = begin + PIECE < space->length ? begin + PIECE : space->length;
        for (size_t m = 0; m < space->n_sum; m++) {
            const double *y = space->sum[m].y, b = space->sum[m].b;
            double *z = space->sum[m].z;
            for (size_t k = begin; k < end; k++)
                z[k] += b * y[k];
        }
    }
    space->n_sum = 0;
}

/* The entries, up to date. */
static inline double *data_of(N_Vector v)
{
    const struct content *c = v->content;
    if (c->space->n_sum > 0)
        make_sums(c->space);
    return c->data;
}

static void put_off(N_Vector z, realtype b, N_Vector y)
{
    struct ow_vector_space *space = space_of(z);
    if (space->n_sum == OW_VECTOR_SUMS)
        make_sums(space);
    space->sum[space->n_sum].z = ((const struct content *)z->content)->data;
    space->sum[space->n_sum].y = ((const struct content *)y->content)->data;
    space->sum[space->n_sum++].b = b;
}

/* ---- life ---------------------------------------------------------------------------- */

static void destroy(N_Vector v)
{
    struct content *c = v->content;
    if (c && c->data)
        data_of(v); /* a sum may wait for it */
    if (c)
        free(c->data);
    free(c);
    N_VFreeEmpty(v);
}

static N_Vector fill(N_Vector v, size_t capacity, struct ow_vector_space *space)
{
    if (!v)
        return NULL;
    struct content *c = v->content = calloc(1, sizeof *c);
    if (c) {
        *c = (struct content){.space = space, .capacity = capacity};
        c->data = calloc(capacity + 1, sizeof *c->data);
    }
    if (c && c->data)
        return v;
    destroy(v);
    return NULL;
}

static N_Vector clone(N_Vector w)
{
    const struct content *c = w->content;
    N_Vector v = N_VNewEmpty(w->sunctx);
    if (v && N_VCopyOps(w, v)) {
        N_VFreeEmpty(v);
        return NULL;
    }
    return fill(v, c->capacity, c->space);
}

static realtype *array_pointer(N_Vector v)
{
    return data_of(v);
}

static sunindextype get_length(N_Vector v)
{
    return (sunindextype)length_of(v);
}

/* ---- sums, in any of which the result may be an operand ---------------------------------- */

OW_SIMD static void sum_of(size_t n, double a, const double x[], double b, const double y[],
                           double z[])
{
    for (size_t k = 0; k < n; k++)
        z[k] = a * x[k] + b * y[k];
}

static void linear_sum(realtype a, N_Vector x, realtype b, N_Vector y, N_Vector z)
{
    if (a == 1.0 && x == z && y != z)
        put_off(z, b, y);
    else if (b == 1.0 && y == z && x != z)
        put_off(z, a, x);
    else
        sum_of(length_of(x), a, data_of(x), b, data_of(y), data_of(z));
}

/* z[m] = y[m] + a[m] x for all m, a piece of x at a time, so that it is read once.  The end
 * of every step: the whole history takes its share of the correction. */
OW_SIMD static int scale_add_multi(int n_vector, realtype *a, N_Vector x, N_Vector *y,
                                   N_Vector *z)
{
    const size_t n = length_of(x);
    const double *xd = data_of(x);
    for (size_t begin = 0; begin < n; begin += PIECE) {
        const size_t end = begin + PIECE < n ? begin + PIECE : n;
        for (int m = 0; m < n_vector; m++) {
            const double factor = a[m], *yd = data_of(y[m]);
            double *zd = data_of(z[m]);
            for (size_t k = begin; k < end; k++)
                zd[k] = yd[k] + factor * xd[k];
        }
    }
    return 0;
}

OW_SIMD static void scale(realtype a, N_Vector x, N_Vector z)
{
    const size_t n = length_of(x);
    const double *xd = data_of(x);
    double *zd = data_of(z);
    if (a == 1.0)
        memmove(zd, xd, n * sizeof *zd);
    else
        for (size_t k = 0; k < n; k++)
            zd[k] = a * xd[k];
}

static void constant(realtype c, N_Vector z)
{
    const size_t n = length_of(z);
    double *zd = data_of(z);
    if (c == 0.0)
        memset(zd, 0, n * sizeof *zd);
    else
        for (size_t k = 0; k < n; k++)
            zd[k] = c;
}

/* ---- entry by entry: the first step of a run, and the checks of the set-up ------------- */

static void product(N_Vector x, N_Vector y, N_Vector z)
{
    for (size_t k = 0; k < length_of(x); k++)
        data_of(z)[k] = data_of(x)[k] * data_of(y)[k];
}

static void quotient(N_Vector x, N_Vector y, N_Vector z)
{
    for (size_t k = 0; k < length_of(x); k++)
        data_of(z)[k] = data_of(x)[k] / data_of(y)[k];
}

static void absolute(N_Vector x, N_Vector z)
{
    for (size_t k = 0; k < length_of(x); k++)
        data_of(z)[k] = fabs(data_of(x)[k]);
}

static void inverse(N_Vector x, N_Vector z)
{
    for (size_t k = 0; k < length_of(x); k++)
        data_of(z)[k] = 1.0 / data_of(x)[k];
}

static void add_constant(N_Vector x, realtype b, N_Vector z)
{
    for (size_t k = 0; k < length_of(x); k++)
        data_of(z)[k] = data_of(x)[k] + b;
}

/* ---- norms --------------------------------------------------------------------------- */

static realtype max_norm(N_Vector x)
{
    double most = 0.0;
    for (size_t k = 0; k < length_of(x); k++)
        most = fmax(most, fabs(data_of(x)[k]));
    return most;
}

static realtype least(N_Vector x)
{
    double m = INFINITY;
    for (size_t k = 0; k < length_of(x); k++)
        m = fmin(m, data_of(x)[k]);
    return m;
}

/* Partial sums in a fixed order: the same result on every machine. */
OW_SIMD static realtype wrms_norm(N_Vector x, N_Vector w)
{
    enum { LANES = 8 };
    const size_t n = length_of(x);
    const double *xd = data_of(x), *wd = data_of(w);
    double sum[LANES] = {0.0};
    size_t k = 0;
    for (; k + LANES <= n; k += LANES)
        for (size_t lane = 0; lane < LANES; lane++) {
            const double t = xd[k + lane] * wd[k + lane];
            sum[lane] += t * t;
        }
    for (; k < n; k++)
        sum[0] += xd[k] * wd[k] * xd[k] * wd[k];
    for (size_t lane = 1; lane < LANES; lane++)
        sum[0] += sum[lane];
    return sqrt(sum[0] / (double)n);
}

N_Vector ow_vector_create(size_t capacity, struct ow_vector_space *space, SUNContext context)
{
    N_Vector v = N_VNewEmpty(context);
    if (!v)
        return NULL;
    v->ops->nvclone = clone;
    v->ops->nvdestroy = destroy;
    v->ops->nvgetarraypointer = array_pointer;
    v->ops->nvgetlength = get_length;
    v->ops->nvlinearsum = linear_sum;
    v->ops->nvscaleaddmulti = scale_add_multi;
    v->ops->nvscale = scale;
    v->ops->nvconst = constant;
    v->ops->nvprod = product;
    v->ops->nvdiv = quotient;
    v->ops->nvabs = absolute;
    v->ops->nvinv = inverse;
    v->ops->nvaddconst = add_constant;
    v->ops->nvmaxnorm = max_norm;
    v->ops->nvmin = least;
    v->ops->nvwrmsnorm = wrms_norm;
    return fill(v, capacity, space);
}
