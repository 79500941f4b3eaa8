/* A circuit that is_grid, as what it is: two planes of nodes, word lines w[rows][cols] and bit
 * lines b[rows][cols], with the same few elements at every cell; or one that is_merged, with
 * w[rows] and b[cols].  The sums over its elements that hosts take at every step, row by
 * row, without a look at the lists of elements.  What they compute is what the lists say.
 *
 * v_node is [n_node]; arrays of the rows [from, to) begin with row `from`. */
#ifndef OW_PLANES_H
#define OW_PLANES_H

#include "ow_power.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Word lines [from, to): v_cell[(to - from) * cols] = w - b there, of either kind. */
void ow_planes_across(const struct ow_circuit *circuit, const double v_node[], size_t from,
                      size_t to, double v_cell[]);

/* Of a grid: the currents of wires, drivers and cells into the nodes of both planes' rows
 * [from, to), into_w and into_b; and into the sense inputs (if they are free), into[n_free], of
 * which other nodes are not touched.  i_cell: of those rows, as for ow_power_at(). */
void ow_planes_currents(const struct ow_circuit *circuit, const double v_node[],
                        const double i_cell[], size_t from, size_t to, double into_w[],
                        double into_b[]);
void ow_planes_inputs(const struct ow_circuit *circuit, const double v_node[], double into[]);

/* Of merged lines: add the cells' currents to into[n_free]. */
void ow_planes_add_cells(const struct ow_circuit *circuit, const double i_cell[],
                         double into[]);

/* Of either kind: the sum of (w - b) i_cell over word lines [from, to), in W; i_cell of them.
 */
double ow_planes_devices(const struct ow_circuit *circuit, const double v_node[],
                         const double i_cell[], size_t from, size_t to);

/* Of a grid's word lines [from, to) and the segments behind their rows of the bit lines: add
 * the power of wires and drivers to *out, and what leaves the word lines' sources to
 * i_source[n_source]; then what leaves those of driven bit lines. */
void ow_planes_power(const struct ow_circuit *circuit, const double v_node[], size_t from,
                     size_t to, double i_source[], struct ow_power *out);
void ow_planes_driven(const struct ow_circuit *circuit, const double v_node[],
                      double i_source[]);

#ifdef __cplusplus
}
#endif
#endif
