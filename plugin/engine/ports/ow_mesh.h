/* A network of conductances between nodes, some of which are eliminated: the star-mesh
 * transformation (Rosen, J. IEE 62 (1924) 916).  Node m, connected to the others by y_mk, takes
 * the voltage
 *
 *   v_m = sum of a_k v_k,   a_k = y_mk / s,   s = sum of y_mk,
 *
 * and leaves y_ab += y_ma a_b between any two others: sums of positive numbers, so nothing
 * cancels, however far conductances lie apart (cells of 1 uS on wires of 1 kS).
 *
 * What some of the elements dissipate is a form of the same kind,
 *
 *   p = sum over pairs  f_ab (v_a - v_b)^2 ,   f_ab += a_a t_b + t_a a_b ,
 *                                              t_b = f_mb - (sum of f_mk) a_b / 2 :
 *
 * f = y for those elements in the beginning, anything later, but never large against y. */
#ifndef OW_MESH_H
#define OW_MESH_H

#include <stdbool.h>
#include <stddef.h>

#include "ow_pool.h"

enum { OW_MESH_ALL, OW_MESH_DEVICES, OW_MESH_WIRES, OW_MESH_N_PART };

struct ow_mesh {
    struct ow_pool *pool; /* that it is from, or NULL */
    size_t n, stride;
    double *part[OW_MESH_N_PART]; /* [n][stride] S: y, and f of devices and of wires; entries
                                     on and below the diagonal and behind the n are free */
};

/* All conductances 0, from the pool or without one.  NULL without memory. */
struct ow_mesh *ow_mesh_create(size_t n, struct ow_pool *pool);
void ow_mesh_destroy(struct ow_mesh *mesh);

static inline double *ow_mesh_at(const struct ow_mesh *mesh, int part, size_t a, size_t b)
{
    return mesh->part[part] + (a < b ? a : b) * mesh->stride + (a < b ? b : a);
}

/* Eliminate the first n_gone nodes.  Those from n_node on are no nodes but columns: currents of
 * y_mk amperes out of nodes m, which drive v_m = sum of y_mk / s on top; after it y_ab is
 * the current of column b out of node a, and forms have diagonal entries there, which are
 * - p of the column alone.
 *
 * response (or NULL): [n_gone][n - n_gone], the a_k of all nodes that are gone.  Nodes that
 * nothing holds stand at 0 V.  Large meshes make tasks of OpenMP.  False without memory. */
bool ow_mesh_eliminate(struct ow_mesh *mesh, size_t n_gone, size_t n_node, double response[]);

/* The mesh without its first n_gone nodes, a copy from no pool; NULL without memory. */
struct ow_mesh *ow_mesh_rest(const struct ow_mesh *mesh, size_t n_gone);

#endif
