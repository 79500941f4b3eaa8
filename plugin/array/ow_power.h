/* Where the power goes at one instant.  Both hosts integrate the same function, so a
 * difference between their energies is a difference between their solutions. */
#ifndef OW_POWER_H
#define OW_POWER_H

#include "ow_circuit.h"
#include "ow_reading.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Powers at one instant, in W unless noted; see struct ow_energy for the definitions.
 * For node voltages, source slopes and cell currents that obey Kirchhoff's current law,
 *   source + supply = drivers + devices + wires + sense + d(stored)/dt
 * holds exactly, whatever the devices are. */
struct ow_power {
    double source, supply;
    double drivers, devices, wires, sense;
    double throughput;        /* sum of |p| over sources and output stages     */
    double charge_rate;       /* A, sum over the sources of max(i, 0)          */
    double output, quiescent; /* the two parts of `supply`                     */
};

/* v_node[n_node] in V (entry 0, ground, is taken as it stands: 0); dv_source[n_source]
 * in V/s, the slopes of the sources, for the capacitance that has merged onto them;
 * i_cell[rows*cols] in A, from TE to BE with `scale` applied.  i_source[n_source] in A is
 * filled with what each source delivers into the circuit.  Inputs and outputs must not
 * overlap. */
void ow_power_at(const struct ow_circuit *circuit, const double v_node[],
                 const double dv_source[], const double i_cell[], double i_source[],
                 struct ow_power *out);

/* The same in parts, which threads may share: begin; word lines [from, to) with the currents of
 * their cells, all of them once, in any order and at the same time, each call with a part[] of
 * its own; end. */
void ow_power_begin(const struct ow_circuit *circuit, const double dv_source[],
                    double i_source[]);
void ow_power_rows(const struct ow_circuit *circuit, const double v_node[],
                   const double i_cell[], size_t from, size_t to, double i_source[],
                   struct ow_power *part);
void ow_power_end(const struct ow_circuit *circuit, const double v_node[],
                  const double i_cell[], const struct ow_power part[], size_t n_part,
                  double i_source[], struct ow_power *out);

/* The same where drops along the lines are too small a difference of voltages that are known to
 * a tolerance: the currents of wires, drivers and sources are all that leaves the line beyond
 * them (ow_power_sums.c), with charging[n_node - first_free] in A, which charges the free
 * nodes: M dv/dt.  i_bit[cols] is workspace.
 *
 * Where ow_power_at() has Ohm's law and who solves for the voltages owes Kirchhoff's, it is the
 * other way round here, and
 *
 *   source + supply - drivers - devices - wires - sense - v'M dv/dt
 *       =  sum over wires and drivers (u - r i) i  +  sum over sense inputs v (i_to - i_from)
 *
 * with their voltages u, and what arrives at a sense input and goes on by its voltage: nothing
 * if the voltages are the circuit's, and v'M dv/dt adds up to what is stored. */
void ow_power_summed(const struct ow_circuit *circuit, const double v_node[],
                     const double dv_source[], const double charging[], const double i_cell[],
                     double i_source[], double i_bit[], struct ow_power *out);

/* All but resistors and cells, with the sources' currents: what sources and supplies deliver,
 * and what amplifiers and integrators take. */
void ow_power_add_periphery(const struct ow_circuit *circuit, const double v_node[],
                            const double i_source[], struct ow_power *out);

/* Add one amplifier, without its feedback resistor, to output, quiescent and sense. */
void ow_power_add_amp(const struct ow_sense *sense, double v_a, double v_out,
                      struct ow_power *sum);

/* Add one integrator, without its input resistance: its quiescent current. */
void ow_power_add_integrator(const struct ow_sense *sense, struct ow_power *sum);

/* The energy of a DC read: `at` held for a time t, the plateau; the quiescent current flows for
 * t_quiescent, on through edges and recovery. */
struct ow_energy ow_power_plateau(const struct ow_power *at, double t, double t_quiescent);

/* J in all capacitors: node capacitances, cells and the amplifiers' feedback.  The pole of an
 * amplifier's gain node is a property of the macromodel and stores nothing. */
double ow_energy_stored(const struct ow_circuit *circuit, const double v_node[]);

#ifdef __cplusplus
}
#endif
#endif
