#include "ow_mesh.h"

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

/* Behind the head of a block from the pool: a product is half as fast where each of its loads
 * touches two lines of the cache. */
enum { HEAD = 64 };
_Static_assert(sizeof(struct ow_mesh) <= HEAD, "a mesh's head");

static double *numbers(void *block)
{
    return (double *)(void *)((char *)block + HEAD);
}

/* Products write whole blocks, up to LANES - 1 rows behind a mesh. */
struct ow_mesh *ow_mesh_create(size_t n, struct ow_pool *pool)
{
    const size_t stride = stride_of(n), size = (n <= SMALL ? n : n + LANES) * stride;
    struct ow_mesh *mesh = ow_pool_take(pool, HEAD + OW_MESH_N_PART * size * sizeof(double));
    if (!mesh)
        return NULL;
    mesh->pool = pool;
    mesh->n = n;
    mesh->stride = stride;
    for (size_t k = 0; k < OW_MESH_N_PART; k++)
        mesh->part[k] = numbers(mesh) + k * size;
    return mesh;
}

void ow_mesh_destroy(struct ow_mesh *mesh)
{
    if (mesh)
        ow_pool_give(mesh->pool, mesh);
}

struct ow_mesh *ow_mesh_rest(const struct ow_mesh *mesh, size_t n_gone)
{
    const size_t n = mesh->n - n_gone;
    struct ow_mesh *rest = ow_mesh_create(n, NULL);
    for (size_t k = 0; rest && k < OW_MESH_N_PART; k++)
        for (size_t a = 0; a < n; a++)
            memcpy(rest->part[k] + a * rest->stride + a,
                   ow_mesh_at(mesh, (int)k, n_gone + a, n_gone + a), (n - a) * sizeof(double));
    return rest;
}

/* ---- few nodes ------------------------------------------------------------------------- */

/* In lanes, which are added up at last: one number after the other would wait for each other.
 */
OW_INLINE double sum_of(const double x[], size_t from, size_t to)
{
    double sum[LANES] = {0.0};
    size_t k = from;
    for (; k + LANES <= to; k += LANES)
        for (size_t m = 0; m < LANES; m++)
            sum[m] += x[k + m];
    for (size_t m = 0; k < to; k++, m++)
        sum[m] += x[k];
    return ow_total(sum, LANES);
}

/* A lane, wherever it begins. */
typedef double lane __attribute__((vector_size(LANES * sizeof(double)), aligned(8), may_alias));

/* The formulas of the header, node by node: a's and t's take the place of row m.  Rows are
 * taken in whole lanes, which is why what stands before the diagonal becomes 0. */
OW_CLONES
static void eliminate_few(struct ow_mesh *mesh, size_t n_gone, size_t n_node)
{
    const size_t n = mesh->n, stride = mesh->stride;
    double *const y = mesh->part[OW_MESH_ALL], *const devices = mesh->part[OW_MESH_DEVICES],
                  *const wires = mesh->part[OW_MESH_WIRES];
    double y_m[SMALL];
    for (size_t m = 0; m < n_gone; m++) {
        double *a = y + m * stride, *d = devices + m * stride, *w = wires + m * stride;
        const double s = sum_of(a, m + 1, n_node), share = s > 0.0 ? 1.0 / s : 0.0;
        const double half_d = 0.5 * sum_of(d, m + 1, n_node),
                     half_w = 0.5 * sum_of(w, m + 1, n_node);
        for (size_t b = 0; b <= m; b++)
            a[b] = d[b] = w[b] = 0.0;
        for (size_t b = 0; b < stride; b++) {
            y_m[b] = a[b];
            a[b] *= share;
            d[b] -= half_d * a[b];
            w[b] -= half_w * a[b];
        }
        for (size_t r = m + 1; r < n; r++) {
            const double y_r = y_m[r], a_r = a[r], d_r = d[r], w_r = w[r];
            if (a_r == 0.0 && d_r == 0.0 && w_r == 0.0) /* not connected */
                continue;
            for (size_t b = r / LANES * LANES; b < stride; b += LANES) {
                const size_t at = r * stride + b;
                const lane a_b = *(const lane *)(a + b), d_b = *(const lane *)(d + b),
                           w_b = *(const lane *)(w + b);
                *(lane *)(y + at) += y_r * a_b;
                *(lane *)(devices + at) += a_r * d_b + d_r * a_b;
                *(lane *)(wires + at) += a_r * w_b + w_r * a_b;
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
static void add_tile(size_t n_k, size_t n, size_t first, const double a[], size_t lda,
                     const double b[], size_t ldb, double c[], size_t ldc)
{
    const size_t rows = n - first < TILE ? round_up(n - first) : TILE;
    multiply(n_k, rows, round_up(n - first), a + first, lda, b + first, ldb,
             c + first * ldc + first, ldc);
}

/* What it takes to eliminate n nodes, rows and columns rounded up with zeros. */
struct gone {
    size_t n, rows, stride, square_stride;
    double *share;  /* [n] 1 / s                                                         */
    double *y;      /* [rows][square_stride] y_mk of the later nodes k that go, when m went */
    double *square; /* the same of a_mk, transposed, then of half a form                */
    /* [rows][stride], for the nodes that remain: a's in terms of them, t, and the a's once
     * more, so that both [r t] and [t r] are one factor */
    double *r, *t, *again;
    double *panel; /* [PANEL][square_stride] a's of a panel */
    double *held;  /* [n] what connects m to all nodes that remain */
};

static bool gone_init(struct gone *g, size_t n, size_t rest, struct ow_pool *pool)
{
    const size_t rows = round_up(n), stride = stride_of(rest), square_stride = stride_of(n),
                 size = rows * stride, square = rows * square_stride;
    double *store = ow_pool_take(
        pool, (3 * size + (2 * rows + PANEL) * square_stride + 2 * rows) * sizeof *store);
    *g = (struct gone){
        .n = n, .rows = rows, .stride = stride, .square_stride = square_stride, .r = store};
    if (!store)
        return false;
    g->t = g->r + size;
    g->again = g->t + size;
    g->y = g->again + size;
    g->square = g->y + square;
    g->panel = g->square + square;
    g->share = g->panel + PANEL * square_stride;
    g->held = g->share + rows;
    return true;
}

/* Nodes first .. end - 1 one by one. */
OW_CLONES
static void eliminate_panel(struct gone *g, size_t first, size_t end)
{
    const size_t n = g->n, stride = g->square_stride;
    for (size_t m = first; m < end; m++) {
        const double *y = g->y + m * stride;
        const double s = sum_of(y, m + 1, n) + g->held[m], share = s > 0.0 ? 1.0 / s : 0.0;
        g->share[m] = share;
        for (size_t r = m + 1; r < end; r++) {
            double *yr = g->y + r * stride;
            const double a = y[r] * share;
            for (size_t b = r + 1; b < n; b++)
                yr[b] += a * y[b];
        }
        for (size_t r = m + 1; r < n; r++)
            g->held[r] += y[r] * share * g->held[m];
    }
}

/* y, share and square. */
static void eliminate_nodes(const struct ow_mesh *mesh, size_t n_node, struct gone *g)
{
    const size_t n = g->n, stride = g->square_stride;
    double *a = g->panel;
    for (size_t m = 0; m < n; m++) {
        const double *y = mesh->part[OW_MESH_ALL] + m * mesh->stride;
        memcpy(g->y + m * stride + m + 1, y + m + 1, (n - m - 1) * sizeof *y);
        g->held[m] = sum_of(y, n, n_node);
    }
    for (size_t first = 0, end; first < n; first = end) {
        end = n - first < PANEL ? n : first + PANEL;
        eliminate_panel(g, first, end);
        for (size_t m = first; m < end; m++)
            for (size_t k = m + 1; k < n; k++)
                g->square[k * stride + m] = a[(m - first) * stride + k] =
                    g->y[m * stride + k] * g->share[m];
        SHARE(n >= SHARED, k, n - end, TILE,
              add_tile(end - first, n - end, k, g->y + first * stride + end, stride, a + end,
                       stride, g->y + end * stride + end, stride));
    }
}

/* Columns c to c + width of r, from y in place there:
 *   forwards   a_m = (y_m + sum of y_lm a_l) / s_m   over the nodes l that went before,
 *   backwards  r_m = a_m + sum of a_mk r_k           over those that went after. */
OW_CLONES
static void substitute_gone(struct gone *g, size_t c, size_t width)
{
    const size_t n = g->n, stride = g->stride, ld = g->square_stride, wide = round_up(width);
    double *r = g->r + c;
    for (size_t first = 0, end; first < n; first = end) {
        end = n - first < PANEL ? n : first + PANEL;
        multiply(first, round_up(end - first), wide, g->y + first, ld, r, stride,
                 r + first * stride, stride);
        for (size_t m = first; m < end; m++) {
            for (size_t l = first; l < m; l++)
                for (size_t b = 0; b < width; b++)
                    r[m * stride + b] += g->y[l * ld + m] * r[l * stride + b];
            for (size_t b = 0; b < width; b++)
                r[m * stride + b] *= g->share[m];
        }
    }
    for (size_t end = n, first; end > 0; end = first) {
        first = (end - 1) / PANEL * PANEL;
        if (end < n) /* whole panels then */
            multiply(n - end, PANEL, wide, g->square + end * ld + first, ld, r + end * stride,
                     stride, r + first * stride, stride);
        for (size_t m = end; m-- > first;)
            for (size_t k = m + 1; k < end; k++)
                for (size_t b = 0; b < width; b++)
                    r[m * stride + b] += g->square[k * ld + m] * r[k * stride + b];
    }
}

static size_t width_of(size_t rest, size_t c)
{
    return rest - c < TILE ? rest - c : TILE;
}

/* r, and y of all that remain: y_ab + sum of y_ma r_mb, in which columns have no rows. */
static void transform_nodes(struct ow_mesh *mesh, size_t n_node, struct gone *g)
{
    const size_t n = g->n, rest = mesh->n - n, stride = mesh->stride;
    const double *y = mesh->part[OW_MESH_ALL] + n;
    double *remaining = mesh->part[OW_MESH_ALL] + n * stride + n;
    for (size_t m = 0; m < n; m++)
        memcpy(g->r + m * g->stride, y + m * stride, rest * sizeof *y);
    SHARE(mesh->n >= SHARED, c, rest, TILE, substitute_gone(g, c, width_of(rest, c)));
    memcpy(g->again, g->r, g->rows * g->stride * sizeof *g->r);
    SHARE(mesh->n >= SHARED, k, n_node - n, TILE,
          add_tile(n, rest, k, y, stride, g->r, g->stride, remaining, stride));
}

/* Half the form of the nodes that go, as a matrix. */
OW_CLONES
static void load_square(const struct ow_mesh *mesh, const double form[], struct gone *g,
                        size_t n_node)
{
    const size_t n = g->n, stride = g->square_stride;
    for (size_t m = 0; m < n; m++)
        g->square[m * stride + m] = 0.0;
    for (size_t m = 0; m < n; m++) {
        const double *f = form + m * mesh->stride;
        double *q = g->square + m * stride;
        for (size_t k = m + 1; k < n; k++) {
            q[k] = g->square[k * stride + m] = 0.5 * f[k];
            g->square[k * stride + k] -= 0.5 * f[k];
        }
        q[m] -= 0.5 * sum_of(f, m + 1, n_node);
    }
}

/* f of all that remain. */
static void transform_form(struct ow_mesh *mesh, double form[], size_t n_node, struct gone *g)
{
    const size_t n = g->n, rest = mesh->n - n;
    double *remaining = form + n * mesh->stride + n;
    load_square(mesh, form, g, n_node);
    for (size_t m = 0; m < n; m++)
        memcpy(g->t + m * g->stride, form + m * mesh->stride + n, rest * sizeof *form);
    SHARE(mesh->n >= SHARED, c, rest, TILE,
          multiply(n, g->rows, round_up(width_of(rest, c)), g->square, g->square_stride,
                   g->r + c, g->stride, g->t + c, g->stride));
    SHARE(mesh->n >= SHARED, k, rest, TILE,
          add_tile(2 * g->rows, rest, k, g->r, g->stride, g->t, g->stride, remaining,
                   mesh->stride));
}

static bool eliminate_many(struct ow_mesh *mesh, size_t n_gone, size_t n_node,
                           double response[])
{
    const size_t rest = mesh->n - n_gone;
    struct gone g;
    if (!gone_init(&g, n_gone, rest, mesh->pool))
        return false;
    eliminate_nodes(mesh, n_node, &g);
    transform_nodes(mesh, n_node, &g);
    transform_form(mesh, mesh->part[OW_MESH_DEVICES], n_node, &g);
    transform_form(mesh, mesh->part[OW_MESH_WIRES], n_node, &g);
    for (size_t m = 0; response && m < n_gone; m++)
        memcpy(response + m * rest, g.r + m * g.stride, rest * sizeof *response);
    ow_pool_give(mesh->pool, g.r);
    return true;
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
