#include "ow_vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_kernel.h"
#include "ow_pages.h"
#include "ow_simd.h"

enum { PIECE = 256 }; /* at which a step's ten vectors stay in the first cache */

struct content {
    struct ow_vector_space *space; /* borrowed, shared by all clones */
    size_t capacity;
    size_t n_other; /* clones that it stands in for */
    double *store;  /* room, and the entries        */
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

enum ow_status ow_vector_space_init(struct ow_vector_space *space, size_t capacity, size_t room,
                                    int n_threads)
{
    *space = (struct ow_vector_space){.length = capacity,
                                      .room = room,
                                      .few = capacity,
                                      .split = capacity,
                                      .n_threads = n_threads};
    space->part = calloc(2 * (ow_chunks(capacity) + 1), sizeof *space->part);
    return space->part ? OW_OK : OW_ERR_NOMEM;
}

void ow_vector_space_finish(struct ow_vector_space *space)
{
    free(space->part);
    *space = (struct ow_vector_space){0};
}

/* ---- sums that wait -------------------------------------------------------------------- */

OW_INLINE void make_weights(double rtol, double atol, const double x[], double w[], size_t n)
{
    for (size_t k = 0; k < n; k++)
        w[k] = 1.0 / (rtol * fabs(x[k]) + atol);
}

/* Entries [begin, end) of one of them, in any of which the result may be an operand. */
OW_INLINE void make_sum(const struct ow_vector_space *space, const struct ow_vector_sum *s,
                        size_t begin, size_t end)
{
    double *z = s->z;
    const double *x = s->x, *y = s->y, a = s->a, b = s->b;
    const size_t middle = end < space->split     ? end
                          : begin < space->split ? space->split
                                                 : begin;
    if (s->is_weight) {
        make_weights(space->rtol, space->atol, x + begin, z + begin, middle - begin);
        make_weights(space->rtol, space->atol_behind, x + middle, z + middle, end - middle);
    } else if (!x && !y)
        memset(z + begin, 0, (end - begin) * sizeof *z);
    else if (!y && a == 1.0)
        memmove(z + begin, x + begin, (end - begin) * sizeof *z);
    else if (!y)
        for (size_t k = begin; k < end; k++)
            z[k] = a * x[k];
    else if (x == z && a == 1.0)
        for (size_t k = begin; k < end; k++)
            z[k] += b * y[k];
    else
        for (size_t k = begin; k < end; k++)
            z[k] = a * x[k] + b * y[k];
}

/* sum (x w)^2; partial sums in a fixed order.  Within other loops, or with a second
 * sum, gcc 12 shuffles lanes for longer than all sums of a piece take. */
OW_WIDE static double weighted_square(const double x[], const double w[], size_t n)
{
    enum { LANES = 8 };
    double sum[LANES] = {0.0};
    size_t k = 0;
    for (; k + LANES <= n; k += LANES)
        for (size_t lane = 0; lane < LANES; lane++) {
            const double t = x[k + lane] * w[k + lane];
            sum[lane] += t * t;
        }
    for (; k < n; k++)
        sum[0] += x[k] * w[k] * x[k] * w[k];
    return ow_total(sum, LANES);
}

/* A chunk of sums, and, unless v is NULL, its part of the first entries' sum (v w)^2 after
 * them. */
OW_WIDE static double make_chunk(const struct ow_vector_space *space, size_t chunk,
                                 const struct ow_vector_sum sum[], size_t n_sum,
                                 const double *v, const double *w)
{
    double square = 0.0;
    const size_t stop = chunk * OW_CHUNK + ow_chunk_length(space->length, chunk);
    for (size_t begin = chunk * OW_CHUNK; begin < stop; begin += PIECE) {
        const size_t end = begin + PIECE < stop ? begin + PIECE : stop;
        const size_t last = end < space->few ? end : space->few;
        for (size_t m = 0; m < n_sum; m++)
            make_sum(space, &sum[m], begin, end);
        if (v && begin < last)
            square += weighted_square(v + begin, w + begin, last - begin);
    }
    return square;
}

static void make_sums(struct ow_vector_space *space)
{
    OW_SWEEP(space->n_threads, c, ow_chunks(space->length), 1,
             make_chunk(space, c, space->sum, space->n_sum, NULL, NULL));
    space->n_sum = 0;
}

/* Of two sums noted down in this order: does b need what a makes, or change what a needs? */
static bool is_before(const struct ow_vector_sum *a, const struct ow_vector_sum *b)
{
    return b->x == a->z || b->y == a->z || b->z == a->z || b->z == a->x || b->z == a->y;
}

/* Move the sums that are to be made before one more, `next`, to due[]; how many.  Those that
 * need not may wait for the next sweep over their vectors, but not where vectors are in the
 * cache anyway, or where most sums are due, which then pass over most vectors. */
static size_t take_due(struct ow_vector_space *space, const struct ow_vector_sum *next,
                       struct ow_vector_sum due[OW_VECTOR_SUMS])
{
    const size_t n = space->n_sum;
    bool is_due[OW_VECTOR_SUMS], are_all = space->length <= OW_CHUNK;
    size_t n_due = 0;
    for (size_t m = n; m-- > 0 && !are_all; n_due += is_due[m]) {
        is_due[m] = is_before(&space->sum[m], next);
        for (size_t later = m + 1; later < n && !is_due[m]; later++)
            is_due[m] = is_due[later] && is_before(&space->sum[m], &space->sum[later]);
    }
    are_all = are_all || (n_due > 0 && 2 * n_due >= n);
    n_due = space->n_sum = 0;
    for (size_t m = 0; m < n; m++)
        *(are_all || is_due[m] ? &due[n_due++] : &space->sum[space->n_sum++]) = space->sum[m];
    return n_due;
}

/* The entries as they lie there. */
static inline double *raw(N_Vector v)
{
    return ((const struct content *)v->content)->data;
}

/* The entries, up to date, for the caller to read and to change; nothing waits. */
static inline double *data_of(N_Vector v)
{
    struct ow_vector_space *space = space_of(v);
    if (space->n_sum > 0)
        make_sums(space);
    return raw(v);
}

/* Likewise, but what has nothing to do with v waits on. */
static double *look_at(N_Vector v)
{
    struct ow_vector_space *space = space_of(v);
    const struct ow_vector_sum change = {.z = raw(v), .x = raw(v)};
    struct ow_vector_sum due[OW_VECTOR_SUMS];
    const size_t n_due = take_due(space, &change, due);
    if (n_due > 0)
        OW_SWEEP(space->n_threads, c, ow_chunks(space->length), 1,
                 make_chunk(space, c, due, n_due, NULL, NULL));
    return raw(v);
}

double *ow_vector_overwrite(N_Vector v)
{
    struct ow_vector_space *space = space_of(v);
    const double *z = raw(v);
    const size_t n = space->n_sum;
    bool is_left_out[OW_VECTOR_SUMS], is_asked_for = false; /* by what waits behind */
    for (size_t m = n; m-- > 0;) {
        const struct ow_vector_sum *s = &space->sum[m];
        is_left_out[m] = s->z == z && !is_asked_for;
        is_asked_for = is_asked_for || (!is_left_out[m] && (s->x == z || s->y == z));
    }
    space->n_sum = 0;
    for (size_t m = 0; m < n; m++)
        if (!is_left_out[m])
            space->sum[space->n_sum++] = space->sum[m];
    return look_at(v);
}

void ow_vector_ignore(N_Vector v)
{
    space_of(v)->unread = raw(v);
}

void ow_vector_space_make(struct ow_vector_space *space)
{
    if (space->n_sum > 0)
        make_sums(space);
}

static void wait(struct ow_vector_space *space, const struct ow_vector_sum *sum)
{
    if (sum->z == space->unread)
        return;
    if (space->n_sum == OW_VECTOR_SUMS)
        make_sums(space);
    space->sum[space->n_sum++] = *sum;
}

/* z = a x + b y, later. */
static void put_off(N_Vector z, double a, const double *x, double b, const double *y)
{
    wait(space_of(z), &(struct ow_vector_sum){.z = raw(z), .a = a, .x = x, .b = b, .y = y});
}

void ow_vector_weigh(N_Vector y, N_Vector w)
{
    wait(space_of(w), &(struct ow_vector_sum){.z = raw(w), .x = raw(y), .is_weight = true});
}

/* ---- life ---------------------------------------------------------------------------- */

static void destroy(N_Vector v)
{
    struct content *c = v->content;
    if (c && c->n_other > 0) {
        c->n_other--;
        return;
    }
    if (c && c->data)
        data_of(v); /* a sum may wait for it */
    if (c)
        free(c->store);
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
        /* entries begin where a cache line does, if the store does */
        const size_t line = 64 / sizeof *c->data,
                     before = (space->room + line - 1) / line * line;
        c->store = ow_pages_calloc(before + capacity + 1, sizeof *c->data);
        c->data = c->store ? c->store + before : NULL;
    }
    if (c && c->data)
        return v;
    destroy(v);
    return NULL;
}

static N_Vector clone(N_Vector w)
{
    struct content *c = w->content;
    N_Vector v = N_VNewEmpty(w->sunctx);
    if (v && N_VCopyOps(w, v)) {
        N_VFreeEmpty(v);
        v = NULL;
    }
    v = fill(v, c->capacity, c->space);
    if (v)
        return v;
    c->space->is_short = true;
    c->n_other++;
    return w;
}

static realtype *array_pointer(N_Vector v)
{
    return look_at(v);
}

static sunindextype get_length(N_Vector v)
{
    return (sunindextype)length_of(v);
}

/* ---- sums ------------------------------------------------------------------------------ */

static void linear_sum(realtype a, N_Vector x, realtype b, N_Vector y, N_Vector z)
{
    if (b == 1.0 && y == z) /* z += a x */
        put_off(z, 1.0, raw(y), a, raw(x));
    else
        put_off(z, a, raw(x), b, raw(y));
}

/* z[m] = y[m] + a[m] x for all m: the end of every step, when the whole history takes its share
 * of the correction. */
static int scale_add_multi(int n_vector, realtype *a, N_Vector x, N_Vector *y, N_Vector *z)
{
    for (int m = 0; m < n_vector; m++)
        put_off(z[m], 1.0, raw(y[m]), a[m], raw(x));
    return 0;
}

/* z = sum of a[m] x[m], of which z may be one: that first. */
static int linear_combination(int n_vector, realtype *a, N_Vector *x, N_Vector z)
{
    int first = 0;
    while (first + 1 < n_vector && x[first] != z)
        first++;
    put_off(z, a[first], raw(x[first]), 0.0, NULL);
    for (int m = 0; m < n_vector; m++)
        if (m != first)
            put_off(z, 1.0, raw(z), a[m], raw(x[m]));
    return 0;
}

static void scale(realtype a, N_Vector x, N_Vector z)
{
    if (a != 1.0 || x != z)
        put_off(z, a, raw(x), 0.0, NULL);
}

static void constant(realtype c, N_Vector z)
{
    if (c == 0.0) {
        put_off(z, 0.0, NULL, 0.0, NULL);
        return;
    }
    const size_t n = length_of(z);
    double *zd = data_of(z);
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

/* sum (x w)^4, likewise. */
OW_WIDE static double weighted_fourth(const double x[], const double w[], size_t n)
{
    enum { LANES = 8 };
    double sum[LANES] = {0.0};
    size_t k = 0;
    for (; k + LANES <= n; k += LANES)
        for (size_t lane = 0; lane < LANES; lane++) {
            const double t = x[k + lane] * w[k + lane];
            sum[lane] += (t * t) * (t * t);
        }
    for (; k < n; k++) {
        const double t = x[k] * w[k];
        sum[0] += (t * t) * (t * t);
    }
    return ow_total(sum, LANES);
}

/* Both of one chunk. */
static void weighted_powers(const double x[], const double w[], size_t n, double *squares,
                            double *fourths)
{
    *squares = *fourths = 0.0;
    for (size_t begin = 0; begin < n; begin += PIECE) {
        const size_t some = n - begin < PIECE ? n - begin : PIECE;
        *squares += weighted_square(x + begin, w + begin, some);
        *fourths += weighted_fourth(x + begin, w + begin, some);
    }
}

/* Of the lines' nodes, in the sweep that makes the sums. */
static double root_mean_square(struct ow_vector_space *space, const double x[],
                               const double w[])
{
    /* z: nothing that a sum knows */
    const struct ow_vector_sum norm = {.z = space->part, .x = x, .y = w};
    struct ow_vector_sum due[OW_VECTOR_SUMS];
    const size_t n_due = take_due(space, &norm, due), n_chunk = ow_chunks(space->length);
    OW_SWEEP(space->n_threads, c, n_chunk, 1,
             space->part[c] = make_chunk(space, c, due, n_due, x, w));
    return sqrt(ow_total(space->part, ow_chunks(space->few)) / (double)space->length);
}

static double root_of_weighed(struct ow_vector_space *space, const double x[], const double w[],
                              size_t n)
{
    const size_t n_chunk = ow_chunks(n);
    double *four = space->part + n_chunk;
    OW_SWEEP(space->n_threads, c, n_chunk, 1,
             weighted_powers(x + c * OW_CHUNK, w + c * OW_CHUNK, ow_chunk_length(n, c),
                             &space->part[c], &four[c]));
    const double squares = ow_total(space->part, n_chunk), fourths = ow_total(four, n_chunk);
    const bool is_plain = squares > 0.0 && fourths < INFINITY; /* and not overflown */
    return sqrt(is_plain ? fourths / squares : squares);
}

static double root_of_few(const double x[], const double w[], size_t n)
{
    return sqrt(weighted_square(x, w, n) / (double)n);
}

static realtype wrms_norm(N_Vector x, N_Vector w)
{
    struct ow_vector_space *space = space_of(x);
    const size_t n = space->length, few = space->few, split = space->split;
    const double lines = split > 0 ? root_mean_square(space, raw(x), raw(w)) : 0.0;
    const double behind =
        split > few ? root_of_few(raw(x) + few, raw(w) + few, split - few) : 0.0;
    const double nodes = sqrt(lines * lines + behind * behind);
    const double states =
        n > split ? root_of_weighed(space, look_at(x) + split, look_at(w) + split, n - split)
                  : 0.0;
    return nodes > states ? nodes : states + 0.0 * nodes; /* not a number stays one */
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
    v->ops->nvlinearcombination = linear_combination;
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
