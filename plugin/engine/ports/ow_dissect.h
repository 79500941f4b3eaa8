/* A crossbar of linear cells as a mesh (ow_mesh.h) between its terminals, by nested dissection
 * (George, SIAM J. Numer. Anal. 10 (1973) 345): an array is cut in two across its longer side,
 * each part reduced to the ends of its lines, and the two joined by eliminating the nodes that
 * they share.  For N x N cells that takes some 200 N^3 operations, nearly all of them in
 * products of matrices if N is not small, and 500 to 900 bytes a cell. */
#ifndef OW_DISSECT_H
#define OW_DISSECT_H

#include <signal.h>

#include "ow_circuit.h"
#include "ow_mesh.h"

/* Nodes of *out: the sources of the word lines, then the sense inputs, or once ground where
 * they are grounded; sense resistors and amplifiers are not in it.  ow_mesh_destroy() it.  g
 * [rows][cols] S, >= 0, of the cells, whose zeros do not conduct.  n_threads, 1 or more, change
 * no bit of the result. cancel may be NULL.  OW_ERR_NOMEM, OW_ERR_CANCELLED. */
enum ow_status ow_dissect(const struct ow_circuit *circuit, const double g[], int n_threads,
                          const volatile sig_atomic_t *cancel, struct ow_mesh **out);

/* About what it takes: operations, and bytes at most. */
double ow_dissect_operations(size_t rows, size_t cols);
double ow_dissect_bytes(size_t rows, size_t cols);

#endif
