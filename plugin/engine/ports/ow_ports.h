/* A crossbar of linear devices at frozen states, reduced to its ports, for many DC reads.
 *
 * Sources v and currents J injected into the sense inputs excite a linear network, so with
 * the excitations z = [v; 1; J] every current that leaves the array is
 *
 *   i_sense = z' N,   i_source = z' S            (N, S: the response to one of them a row)
 *
 * and what devices and wires dissipate are the quadratic forms
 *
 *   p_devices = z' P z,   p_wires = z' W z .
 *
 * They are what ow_dissect.h leaves of the array once sense resistors are joined to it, P and W
 * each from its own elements, so that power balances only as far as all of it is right.
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
 * an order of its own that nothing changes.  Reads are const. */
#ifndef OW_PORTS_H
#define OW_PORTS_H

#include <signal.h>

#include "ow_circuit.h"
#include "ow_reading.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OW_PORTS_BLOCK = 64 }; /* reads at once */

struct ow_ports;

/* Do the ports pay for n_read reads, and fit into memory?  From counts of operations alone. */
bool ow_ports_pays(const struct ow_circuit *circuit, size_t n_read);

/* *out is NULL where devices, at their programmed states, are not linear up to v_most [V] > 0
 * or amplifiers nowhere, and where bit lines are driven.  The circuit is borrowed and, with
 * its cells' values, must not change.  n_threads, 1 or more, share the work and change no bit
 * of it; cancel may be NULL.  OW_ERR_NOMEM, OW_ERR_CANCELLED. */
enum ow_status ow_ports_create(const struct ow_circuit *circuit, double v_most, int n_threads,
                               const volatile sig_atomic_t *cancel, struct ow_ports **out,
                               struct ow_error *err);
void ow_ports_destroy(struct ow_ports *ports);

/* n <= OW_PORTS_BLOCK reads, as ow_engine_read_dc() has them: v_sense and v_gain [n][cols],
 * energy[n].  is_done[k] is false where read k has amplifiers near their rails and no
 * solution with them was found, or so many of them that the whole circuit is solved sooner; its
 * results are then undefined. */
enum ow_status ow_ports_read(const struct ow_ports *ports, size_t n, const double amplitude[],
                             const struct ow_pulse *pulse, double v_sense[], double v_gain[],
                             struct ow_energy energy[], bool is_done[], struct ow_error *err);

#ifdef __cplusplus
}
#endif
#endif
