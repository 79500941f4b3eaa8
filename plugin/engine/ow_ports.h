/* A crossbar of linear devices at frozen states, reduced to its ports, for many DC reads.
 *
 * Sources v and currents J injected into the sense inputs excite a linear network, so with
 * the excitations z = [v; 1; J] every current that leaves the array is
 *
 *   i_sense = z' N,   i_source = z' S            (N, S: one solution of the circuit a row)
 *
 * and what devices and wires dissipate are the quadratic forms
 *
 *   p_devices = z' P z,  P = sum over cells     g u u'    u: responses of the cell's voltage
 *   p_wires   = z' W z,  W = sum over segments  r s s'    s: of the segment's current
 *
 * An amplifier between its rails looks into its input like the resistor
 * (r_f + r_out) / (1 + gain) with a current gain v_os / (r_f + r_out) injected (the
 * excitation "1"), so the network has no other elements than resistors.  The clamp h(v_a) of
 * ow_crossbar.h injects J = -gain h / (r_f + r_out) on top, which leaves for the columns near
 * their rails
 *
 *   v_a (1 + 1/gain) + h(v_a) - gain N_JJ h(v_a) = v_os - (r_f + r_out) i_linear .
 *
 * A read is then a few products with small matrices, done for blocks of reads, each sum in
 * an order of its own that nothing changes.  The set-up is cut into tasks that threads may
 * share; reads are const. */
#ifndef OW_PORTS_H
#define OW_PORTS_H

#include "ow_circuit.h"
#include "ow_reading.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OW_PORTS_BLOCK = 64 }; /* reads at once */

struct ow_ports;

/* Do the ports pay for n_read reads, and fit into memory?  Do clamps, which make n_clamped
 * reads with an amplifier near its rail as cheap as the others for `cols` more solutions of
 * the circuit?  From counts of operations alone. */
bool ow_ports_pays(const struct ow_circuit *circuit, size_t n_read);
bool ow_ports_clamps_pay(const struct ow_circuit *circuit, size_t n_clamped);

/* *out is NULL where devices, at their programmed states, are not linear up to v_most [V] > 0
 * or amplifiers nowhere, and where bit lines are driven.  The circuit is borrowed and, with
 * its cells' values, must not change.  OW_ERR_NOMEM, OW_ERR_SOLVER. */
enum ow_status ow_ports_create(const struct ow_circuit *circuit, double v_most,
                               struct ow_ports **out, struct ow_error *err);
void ow_ports_destroy(struct ow_ports *ports);

/* The set-up: solve tasks; then, should clamps pay, extend() and the further tasks that it
 * makes; then form tasks; then ow_ports_close().  Tasks of one kind may run at the same time
 * and in any order; each once.  A solver belongs to one thread. */
struct ow_ports_solver;
enum ow_status ow_ports_solver_create(const struct ow_ports *ports,
                                      struct ow_ports_solver **out, struct ow_error *err);
void ow_ports_solver_destroy(struct ow_ports_solver *solver);
size_t ow_ports_n_solve(const struct ow_ports *ports);
enum ow_status ow_ports_solve(struct ow_ports *ports, struct ow_ports_solver *solver,
                              size_t task, struct ow_error *err);
/* Tasks from the former ow_ports_n_solve() on remain to be solved.  OW_ERR_NOMEM. */
enum ow_status ow_ports_extend(struct ow_ports *ports, struct ow_error *err);
size_t ow_ports_n_form(const struct ow_ports *ports);
enum ow_status ow_ports_form(struct ow_ports *ports, size_t task, struct ow_error *err);
/* Give back what only the set-up needed. */
void ow_ports_close(struct ow_ports *ports);

/* After the first solve tasks: how many of n <= OW_PORTS_BLOCK reads have an amplifier near
 * its rail.  amplitude is [n][rows] V. */
enum ow_status ow_ports_count(const struct ow_ports *ports, size_t n, const double amplitude[],
                              size_t *n_clamped, struct ow_error *err);

/* n <= OW_PORTS_BLOCK reads, as ow_engine_read_dc() has them: v_sense and v_gain [n][cols],
 * energy[n].  is_done[k] is false where read k has amplifiers near their rails and there are
 * no clamps, or no solution with them was found; its results are then undefined. */
enum ow_status ow_ports_read(const struct ow_ports *ports, size_t n, const double amplitude[],
                             const struct ow_pulse *pulse, double v_sense[], double v_gain[],
                             struct ow_energy energy[], bool is_done[], struct ow_error *err);

#ifdef __cplusplus
}
#endif
#endif
