#include "ow_dissect.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_kernel.h"

enum {
    LEAF = 2,   /* rows and columns that are not cut any further */
    TASK = 1024 /* cells from which on the halves are tasks of their own */
};

struct region {
    size_t i, i_end, j, j_end; /* rows and columns of cells */
};

/* A region reduced to the nodes that others see. */
struct part {
    struct ow_mesh *mesh;
    size_t *node; /* [mesh->n] of the circuit */
};

struct dissection {
    const struct ow_circuit *circuit;
    const double *g;
    const volatile sig_atomic_t *cancel;
    struct ow_pool *pool;
    int n_threads;
    size_t n_place;
    size_t *place; /* [n_threads][n_place] 0, else 1 + where a node stands in a list */
};

static void part_free(struct part *p)
{
    ow_mesh_destroy(p->mesh);
    free(p->node);
    *p = (struct part){0};
}

/* ---- nodes ----------------------------------------------------------------------------- */

/* The cell's elements: from `from` through the word line's segment to `word`, through the cell
 * to `bit`, through the bit line's segment to `to`. */
static size_t node_from(const struct ow_circuit *c, size_t i, size_t j)
{
    return j == 0 ? 1 + i : ow_terminal(&c->te, i, j - 1);
}

static size_t node_to(const struct ow_circuit *c, size_t i, size_t j)
{
    return i + 1 == c->xb->rows ? c->sense_in[j] : ow_terminal(&c->be, i + 1, j);
}

/* Lists of nodes, each once: lines that have merged are met again and again. */
struct list {
    size_t n, *node, *place;
};

static void list_put(struct list *l, size_t node)
{
    if (l->place[node] != 0)
        return;
    l->node[l->n++] = node;
    l->place[node] = l->n;
}

static void list_forget(struct list *l)
{
    for (size_t k = 0; k < l->n; k++)
        l->place[l->node[k]] = 0;
}

/* The nodes of a region that elements outside it, or the world, are connected to. */
static void put_ends(const struct ow_circuit *c, const struct region *r, struct list *l)
{
    for (size_t i = r->i; i < r->i_end; i++)
        list_put(l, node_from(c, i, r->j));
    for (size_t i = r->i; i < r->i_end && r->j_end < c->xb->cols; i++)
        list_put(l, ow_terminal(&c->te, i, r->j_end - 1));
    for (size_t j = r->j; j < r->j_end && r->i > 0; j++)
        list_put(l, ow_terminal(&c->be, r->i, j));
    for (size_t j = r->j; j < r->j_end; j++)
        list_put(l, node_to(c, r->i_end - 1, j));
}

static size_t *places(const struct dissection *d)
{
    return d->place + ow_thread(d->n_threads) * d->n_place;
}

/* ---- a few cells ----------------------------------------------------------------------- */

static void put_nodes(const struct ow_circuit *c, const struct region *r, struct list *l)
{
    for (size_t i = r->i; i < r->i_end; i++)
        for (size_t j = r->j; j < r->j_end; j++) {
            list_put(l, ow_terminal(&c->te, i, j));
            list_put(l, ow_terminal(&c->be, i, j));
        }
}

/* Nodes that go stand in front of the n_end others, which come first in the list. */
static size_t index_of(const struct list *l, size_t n_end, size_t node)
{
    const size_t k = l->place[node] - 1;
    return k < n_end ? k + (l->n - n_end) : k - n_end;
}

static void put_element(struct ow_mesh *mesh, size_t a, size_t b, double y, int what,
                        double share)
{
    if (a == b)
        return;
    *ow_mesh_at(mesh, OW_MESH_ALL, a, b) += y;
    *ow_mesh_at(mesh, what, a, b) += share * y;
}

static void put_cell(const struct dissection *d, struct ow_mesh *mesh, const struct list *l,
                     size_t n_end, size_t i, size_t j)
{
    const struct ow_circuit *c = d->circuit;
    const struct ow_crossbar *xb = c->xb;
    const double r_word = xb->r_wordline + (j == 0 ? xb->r_driver : 0.0);
    const size_t from = index_of(l, n_end, node_from(c, i, j)),
                 word = index_of(l, n_end, ow_terminal(&c->te, i, j)),
                 bit = index_of(l, n_end, ow_terminal(&c->be, i, j)),
                 to = index_of(l, n_end, node_to(c, i, j));
    put_element(mesh, word, bit, d->g[i * xb->cols + j], OW_MESH_DEVICES, 1.0);
    if (r_word > 0.0 && isfinite(r_word)) /* else merged, or open */
        put_element(mesh, from, word, 1.0 / r_word, OW_MESH_WIRES, xb->r_wordline / r_word);
    if (xb->r_bitline > 0.0)
        put_element(mesh, bit, to, 1.0 / xb->r_bitline, OW_MESH_WIRES, 1.0);
}

/* What both kinds of parts end with: the first n_gone nodes of `all` go. */
static bool finish(struct ow_mesh *all, size_t n_gone, const struct list *l, struct part *out)
{
    const size_t n_end = all->n - n_gone;
    if (ow_mesh_eliminate(all, n_gone, all->n, NULL)) {
        out->mesh = ow_mesh_rest(all, n_gone);
        out->node = malloc((n_end + 1) * sizeof *out->node);
    }
    ow_mesh_destroy(all);
    if (!out->mesh || !out->node) {
        part_free(out);
        return false;
    }
    memcpy(out->node, l->node, n_end * sizeof *out->node);
    return true;
}

static bool make_leaf(const struct dissection *d, const struct region *r, struct part *out)
{
    enum { MOST = 2 * LEAF * LEAF + 2 * LEAF };
    size_t node[MOST];
    struct list l = {.node = node, .place = places(d)};
    put_ends(d->circuit, r, &l);
    const size_t n_end = l.n;
    put_nodes(d->circuit, r, &l);
    struct ow_mesh *all = ow_mesh_create(l.n, d->pool);
    for (size_t i = r->i; all && i < r->i_end; i++)
        for (size_t j = r->j; j < r->j_end; j++)
            put_cell(d, all, &l, n_end, i, j);
    list_forget(&l);
    return all && finish(all, l.n - n_end, &l, out);
}

/* ---- two parts ------------------------------------------------------------------------- */

/* Add a row of a part from its entry b on, whose node has become `a`. */
OW_INLINE void add_row(struct ow_mesh *all, int what, const double row[], size_t n, size_t b,
                       size_t a, const size_t at[], const size_t run[])
{
    while (b < n) {
        const size_t length = run[b];
        if (at[b] > a) {
            double *to = all->part[what] + a * all->stride + at[b];
            for (size_t k = 0; k < length; k++)
                to[k] += row[b + k];
        } else
            for (size_t k = 0; k < length; k++)
                *ow_mesh_at(all, what, a, at[b + k]) += row[b + k];
        b += length;
    }
}

/* Add a part, node k of it at at[k].  run[n] is for counting how many nodes from each on stay
 * beside each other: most of them stand in a few long rows. */
OW_CLONES
static void add_part(struct ow_mesh *all, const struct ow_mesh *part, const size_t at[],
                     size_t run[])
{
    const size_t n = part->n;
    for (size_t k = n; k-- > 0;)
        run[k] = k + 1 < n && at[k + 1] == at[k] + 1 ? run[k + 1] + 1 : 1;
    for (int what = 0; what < OW_MESH_N_PART; what++)
        for (size_t a = 0; a < n; a++)
            add_row(all, what, part->part[what] + a * part->stride, n, a + 1, at[a], at, run);
}

/* The halves are gone then. */
static bool join(const struct dissection *d, const struct region *r, struct part half[2],
                 struct part *out)
{
    const size_t most = half[0].mesh->n + half[1].mesh->n;
    size_t *node = malloc(3 * most * sizeof *node), *at = node + most, *run = at + most;
    if (!node)
        return false;
    struct list l = {.node = node, .place = places(d)};
    put_ends(d->circuit, r, &l);
    const size_t n_end = l.n;
    for (int h = 0; h < 2; h++)
        for (size_t k = 0; k < half[h].mesh->n; k++)
            list_put(&l, half[h].node[k]);
    struct ow_mesh *all = ow_mesh_create(l.n, d->pool);
    for (int h = 0; all && h < 2; h++) {
        for (size_t k = 0; k < half[h].mesh->n; k++)
            at[k] = index_of(&l, n_end, half[h].node[k]);
        add_part(all, half[h].mesh, at, run);
        part_free(&half[h]);
    }
    list_forget(&l);
    const bool is_ok = all && finish(all, l.n - n_end, &l, out);
    free(node);
    return is_ok;
}

/* ---- the whole ------------------------------------------------------------------------- */

static size_t n_cell(const struct region *r)
{
    return (r->i_end - r->i) * (r->j_end - r->j);
}

static bool cut(const struct region *r, struct region half[2])
{
    const size_t rows = r->i_end - r->i, cols = r->j_end - r->j;
    half[0] = half[1] = *r;
    if (rows >= cols)
        half[0].i_end = half[1].i = r->i + rows / 2;
    else
        half[0].j_end = half[1].j = r->j + cols / 2;
    return rows > LEAF || cols > LEAF;
}

static void reduce(const struct dissection *d, struct region r, struct part *out)
{
    struct region half[2];
    struct part part[2] = {{0}};
    if (d->cancel && *d->cancel)
        return;
    if (!cut(&r, half)) {
        make_leaf(d, &r, out);
        return;
    }
#ifdef _OPENMP
    OW_PRAGMA(omp task shared(part, half) if (n_cell(&r) >= TASK))
#endif
    reduce(d, half[0], &part[0]);
    reduce(d, half[1], &part[1]);
#ifdef _OPENMP
    OW_PRAGMA(omp taskwait)
#endif
    if (part[0].mesh && part[1].mesh)
        join(d, &r, part, out);
    part_free(&part[0]);
    part_free(&part[1]);
}

enum ow_status ow_dissect(const struct ow_circuit *circuit, const double g[], int n_threads,
                          const volatile sig_atomic_t *cancel, struct ow_mesh **out)
{
    const struct region all = {0, circuit->xb->rows, 0, circuit->xb->cols};
    n_threads = n_cell(&all) < 2 * TASK ? 1 : n_threads;
    struct part whole = {0};
    struct dissection d = {.circuit = circuit,
                           .g = g,
                           .cancel = cancel,
                           .n_threads = n_threads,
                           .n_place = circuit->n_node};
    d.place = calloc((size_t)n_threads * d.n_place, sizeof *d.place);
    d.pool = ow_pool_create();
    if (d.place && d.pool) {
#ifdef _OPENMP
        OW_PRAGMA(omp parallel num_threads(n_threads))
        OW_PRAGMA(omp single)
#endif
        reduce(&d, all, &whole);
    }
    ow_pool_destroy(d.pool);
    free(d.place);
    if (!whole.mesh)
        return cancel && *cancel ? OW_ERR_CANCELLED : OW_ERR_NOMEM;
    free(whole.node);
    *out = whole.mesh;
    return OW_OK;
}

/* ---- what it takes ---------------------------------------------------------------------- */

/* Measured, in the operations of ow_ports.c: cells in small parts, products of matrices, and
 * what is done with every pair of terminals there and when the sense inputs are eliminated. */
double ow_dissect_operations(size_t rows, size_t cols)
{
    const double cells = (double)rows * (double)cols, ends = (double)(rows + cols);
    return cells * (3500.0 + 3.0 * fmin((double)rows, (double)cols)) +
           ends * ends * (200.0 + 0.8 * (double)cols);
}

double ow_dissect_bytes(size_t rows, size_t cols)
{
    const double cells = (double)rows * (double)cols, ends = (double)(rows + cols);
    return 650.0 * cells + 100.0 * ends * ends;
}
