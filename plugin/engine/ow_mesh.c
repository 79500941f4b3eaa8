#include "ow_mesh.h"

#include <stdlib.h>
#include <string.h>

#include "ow_kernel.h"
#include "ow_product.h"

enum {
    LANES = OW_PRODUCT_STEP,
    PANEL = 32,  /* nodes that are eliminated before the rest of the mesh hears of them */
    TILE = 64,   /* rows of a task */
    DEPTH = 256, /* of a product, so that its factors stay in the cache */
    SMALL = 48,  /* nodes: below, products are not worth it */
    SHARED = 256 /* nodes: from here on threads share a mesh */
};

static size_t round_up(size_t n)
{
    return (n + LANES - 1) / LANES * LANES;
}

/* Products want zeros behind a row that begins anywhere.  An odd number of lanes, so that a
 * column does not fall into a few sets of the cache. */
static size_t stride_of(size_t n)
{
    return n <= SMALL ? round_up(n) : round_up(n) + LANES * (1 + round_up(n) / LANES % 2);
}

/* ---- life ------------------------------------------------------------------------------ */

/* Products write whole blocks, up to LANES - 1 rows behind a mesh. */
struct ow_mesh *ow_mesh_create(size_t n)
{
    const size_t stride = stride_of(n), size = (n <= SMALL ? n : n + LANES) * stride;
    struct ow_mesh *mesh = calloc(1, sizeof *mesh + OW_MESH_N_PART * size * sizeof(double));
    if (!mesh)
        return NULL;
    mesh->n = n;
    mesh->stride = stride;
    for (size_t k = 0; k < OW_MESH_N_PART; k++)
        mesh->part[k] = mesh->store + k * size;
    return mesh;
}

struct ow_mesh *ow_mesh_rest(const struct ow_mesh *mesh, size_t n_gone)
{
    const size_t n = mesh->n - n_gone;
    struct ow_mesh *rest = ow_mesh_create(n);
    for (size_t k = 0; rest && k < OW_MESH_N_PART; k++)
        for (size_t a = 0; a < n; a++)
            memcpy(rest->part[k] + a * rest->stride + a,
                   ow_mesh_at(mesh, (int)k, n_gone + a, n_gone + a), (n - a) * sizeof(double));
    return rest;
}

/* ---- few nodes ------------------------------------------------------------------------- */

OW_INLINE double sum_of(const double x[], size_t from, size_t to)
{
    double sum = 0.0;
    for (size_t k = from; k < to; k++)
        sum += x[k];
    return sum;
}

/* The formulas of the header, node by node: a's and t's take the place of row m. */
OW_CLONES
static void eliminate_few(struct ow_mesh *mesh, size_t n_gone, size_t n_node)
{
    const size_t n = mesh->n, stride = mesh->stride;
    double y[SMALL];
    for (size_t m = 0; m < n_gone; m++) {
        double *a = mesh->part[OW_MESH_ALL] + m * stride;
        double *d = mesh->part[OW_MESH_DEVICES] + m * stride;
        double *w = mesh->part[OW_MESH_WIRES] + m * stride;
        const double s = sum_of(a, m + 1, n_node), share = s > 0.0 ? 1.0 / s : 0.0;
        const double half_d = 0.5 * sum_of(d, m + 1, n_node),
                     half_w = 0.5 * sum_of(w, m + 1, n_node);
        for (size_t b = m + 1; b < n; b++) {
            y[b] = a[b];
            a[b] *= share;
            d[b] -= half_d * a[b];
            w[b] -= half_w * a[b];
        }
        for (size_t r = m + 1; r < n; r++) {
            double *yr = mesh->part[OW_MESH_ALL] + r * stride;
            double *dr = mesh->part[OW_MESH_DEVICES] + r * stride;
            double *wr = mesh->part[OW_MESH_WIRES] + r * stride;
            for (size_t b = r; b < n; b++) {
                yr[b] += y[r] * a[b];
                dr[b] += a[r] * d[b] + d[r] * a[b];
                wr[b] += a[r] * w[b] + w[r] * a[b];
            }
        }
    }
}

/* ---- many nodes ------------------------------------------------------------------------ */

/* c += a' b, as ow_product() has it. */
static void multiply(size_t n_k, size_t m, size_t n, const double a[], size_t lda,
                     const double b[], size_t ldb, double c[], size_t ldc)
{
    for (size_t k = 0; k < n_k; k += DEPTH)
        ow_product(n_k - k < DEPTH ? n_k - k : DEPTH, m, n, a + k * lda, lda, b + k * ldb, ldb,
                   c, ldc);
}

#ifdef _OPENMP
#define SHARE(is_shared, k, end, step, ...)                                                    \
    do {                                                                                       \
        OW_PRAGMA(omp taskloop grainsize(1) if (is_shared))                                    \
        for (size_t k = 0; k < (end); k += (step)) {                                           \
            __VA_ARGS__;                                                                       \
        }                                                                                      \
    } while (0)
#else
#define SHARE(is_shared, k, end, step, ...) OW_SWEEP(1, k, end, step, __VA_ARGS__)
#endif

/* Rows first .. first + TILE of c, [n][ldc], from the diagonal on: c += a' b. */
static void add_tile(size_t n_k, size_t n, size_t first, const double a[], const double b[],
                     size_t ld, double c[], size_t ldc)
{
    const size_t rows = n - first < TILE ? round_up(n - first) : TILE;
    multiply(n_k, rows, round_up(n - first), a + first, ld, b + first, ld,
             c + first * ldc + first, ldc);
}

struct panel {
    size_t first, end;
    double *y; /* [PANEL][stride] its rows of y, which become a's in place */
};

/* Its own nodes one by one. */
OW_CLONES
static void eliminate_panel(struct ow_mesh *mesh, size_t n_node, struct panel *p)
{
    const size_t n = mesh->n, stride = mesh->stride;
    for (size_t m = p->first; m < p->end; m++) {
        double *a = mesh->part[OW_MESH_ALL] + m * stride;
        double *y = p->y + (m - p->first) * stride;
        const double s = sum_of(a, m + 1, n_node), share = s > 0.0 ? 1.0 / s : 0.0;
        memcpy(y, a, stride * sizeof *y);
        for (size_t b = m + 1; b < n; b++)
            a[b] *= share;
        for (size_t r = m + 1; r < p->end; r++) {
            double *yr = mesh->part[OW_MESH_ALL] + r * stride;
            for (size_t b = r + 1; b < n; b++)
                yr[b] += y[r] * a[b];
        }
    }
}

/* y of all that remain, a's in the rows of the nodes that are gone. */
static bool eliminate_nodes(struct ow_mesh *mesh, size_t n_gone, size_t n_node)
{
    const size_t n = mesh->n, stride = mesh->stride;
    struct panel p = {.y = malloc(PANEL * stride * sizeof *p.y)};
    if (!p.y)
        return false;
    for (p.first = 0; p.first < n_gone; p.first = p.end) {
        p.end = n_gone - p.first < PANEL ? n_gone : p.first + PANEL;
        eliminate_panel(mesh, n_node, &p);
        const size_t n_k = p.end - p.first, rest = n - p.end;
        const double *y = p.y + p.end, *a = mesh->part[OW_MESH_ALL] + p.first * stride + p.end;
        double *c = mesh->part[OW_MESH_ALL] + p.end * stride + p.end;
        SHARE(n >= SHARED, k, n_node - p.end, TILE,
              add_tile(n_k, rest, k, y, a, stride, c, stride));
    }
    free(p.y);
    return true;
}

/* A stack of matrices [rows][stride], rows and columns rounded up with zeros: r, the voltages
 * of the nodes that are gone, by those of the nodes that remain; t; and r once more, so that
 * both [r t] and [t r] are one factor.  Then a square matrix of the nodes that are gone. */
struct stack {
    size_t rows, stride, square_stride;
    double *r, *t, *again, *square;
    double store[];
};

static struct stack *stack_create(size_t n_gone, size_t rest)
{
    const size_t rows = round_up(n_gone), stride = stride_of(rest),
                 square_stride = stride_of(n_gone), size = rows * stride;
    struct stack *s = calloc(1, sizeof *s + (3 * size + rows * square_stride) * sizeof(double));
    if (!s)
        return NULL;
    s->rows = rows;
    s->stride = stride;
    s->square_stride = square_stride;
    s->r = s->store;
    s->t = s->r + size;
    s->again = s->t + size;
    s->square = s->again + size;
    return s;
}

/* r_m = a_m + sum of a_mk r_k over the later nodes k that are gone: columns c to c + n. */
OW_CLONES
static void substitute_gone(const struct ow_mesh *mesh, struct stack *s, size_t n_gone,
                            size_t c, size_t n)
{
    const size_t stride = s->stride;
    for (size_t end = n_gone, first; end > 0; end = first) {
        first = (end - 1) / PANEL * PANEL;
        if (end < n_gone) /* whole panels then */
            multiply(n_gone - end, PANEL, round_up(n),
                     s->square + end * s->square_stride + first, s->square_stride,
                     s->r + end * stride + c, stride, s->r + first * stride + c, stride);
        for (size_t m = end; m-- > first;) {
            const double *a = mesh->part[OW_MESH_ALL] + m * mesh->stride;
            double *r = s->r + m * stride + c;
            for (size_t k = m + 1; k < end; k++) {
                const double *rk = s->r + k * stride + c;
                for (size_t b = 0; b < n; b++)
                    r[b] += a[k] * rk[b];
            }
        }
    }
}

static size_t width_of(size_t rest, size_t c)
{
    return rest - c < TILE ? rest - c : TILE;
}

static void find_response(const struct ow_mesh *mesh, struct stack *s, size_t n_gone)
{
    const size_t rest = mesh->n - n_gone;
    for (size_t m = 0; m < n_gone; m++) {
        const double *a = mesh->part[OW_MESH_ALL] + m * mesh->stride;
        memcpy(s->r + m * s->stride, a + n_gone, rest * sizeof *a);
        for (size_t k = m + 1; k < n_gone; k++)
            s->square[k * s->square_stride + m] = a[k];
    }
    SHARE(mesh->n >= SHARED, c, rest, TILE,
          substitute_gone(mesh, s, n_gone, c, width_of(rest, c)));
    memcpy(s->again, s->r, s->rows * s->stride * sizeof *s->r);
}

/* Half the form of the nodes that are gone, as a matrix. */
OW_CLONES
static void load_square(const struct ow_mesh *mesh, const double form[], struct stack *s,
                        size_t n_gone, size_t n_node)
{
    const size_t stride = s->square_stride;
    for (size_t m = 0; m < n_gone; m++)
        s->square[m * stride + m] = 0.0;
    for (size_t m = 0; m < n_gone; m++) {
        const double *f = form + m * mesh->stride;
        double *q = s->square + m * stride;
        for (size_t k = m + 1; k < n_gone; k++) {
            q[k] = s->square[k * stride + m] = 0.5 * f[k];
            s->square[k * stride + k] -= 0.5 * f[k];
        }
        q[m] -= 0.5 * sum_of(f, m + 1, n_node);
    }
}

/* f of all that remain. */
static void transform(struct ow_mesh *mesh, double form[], struct stack *s, size_t n_gone,
                      size_t n_node)
{
    const size_t n = mesh->n, rest = n - n_gone;
    load_square(mesh, form, s, n_gone, n_node);
    for (size_t m = 0; m < n_gone; m++)
        memcpy(s->t + m * s->stride, form + m * mesh->stride + n_gone, rest * sizeof *form);
    SHARE(n >= SHARED, c, rest, TILE,
          multiply(n_gone, s->rows, round_up(width_of(rest, c)), s->square, s->square_stride,
                   s->r + c, s->stride, s->t + c, s->stride));
    double *remaining = form + n_gone * mesh->stride + n_gone;
    SHARE(n >= SHARED, k, rest, TILE,
          add_tile(2 * s->rows, rest, k, s->r, s->t, s->stride, remaining, mesh->stride));
}

static bool eliminate_many(struct ow_mesh *mesh, size_t n_gone, size_t n_node,
                           double response[])
{
    const size_t rest = mesh->n - n_gone;
    struct stack *s = stack_create(n_gone, rest);
    const bool is_ok = s && eliminate_nodes(mesh, n_gone, n_node);
    if (is_ok) {
        find_response(mesh, s, n_gone);
        transform(mesh, mesh->part[OW_MESH_DEVICES], s, n_gone, n_node);
        transform(mesh, mesh->part[OW_MESH_WIRES], s, n_gone, n_node);
    }
    for (size_t m = 0; is_ok && response && m < n_gone; m++)
        memcpy(response + m * rest, s->r + m * s->stride, rest * sizeof *response);
    free(s);
    return is_ok;
}

static void respond_few(const struct ow_mesh *mesh, size_t n_gone, double response[])
{
    const size_t rest = mesh->n - n_gone;
    for (size_t m = n_gone; m-- > 0;) {
        const double *a = mesh->part[OW_MESH_ALL] + m * mesh->stride;
        memcpy(response + m * rest, a + n_gone, rest * sizeof *a);
        for (size_t k = m + 1; k < n_gone; k++)
            for (size_t b = 0; b < rest; b++)
                response[m * rest + b] += a[k] * response[k * rest + b];
    }
}

bool ow_mesh_eliminate(struct ow_mesh *mesh, size_t n_gone, size_t n_node, double response[])
{
    if (n_gone == 0)
        return true;
    if (mesh->n > SMALL)
        return eliminate_many(mesh, n_gone, n_node, response);
    eliminate_few(mesh, n_gone, n_node);
    if (response)
        respond_few(mesh, n_gone, response);
    return true;
}
