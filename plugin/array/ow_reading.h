/* What one simulated read (or write) of a crossbar leaves behind, whichever host did it. */
#ifndef OW_READING_H
#define OW_READING_H

#include "ow_crossbar.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Physical energy balance from t = 0 to ow_pulse_end(), in joule; each entry is the
 * integral of its own power, none is a difference of others.
 *   source + supply = drivers + devices + wires + sense + stored
 * `supply` is what the amplifiers draw from their rails (quiescent: vdd i_q; output
 * stage: S |i_o|), `sense` all that the periphery dissipates (quiescent, output stage,
 * r_out, feedback or sense resistors). */
struct ow_energy {
    double source, supply;
    double drivers, devices, wires, sense, stored;
    double throughput; /* integral of the sum of |p| over all sources and output stages,
                          without the quiescent part, which balances trivially          */
    double charge;     /* C, drawn from the drivers' supply: integral of max(i, 0) summed
                          over the drivers (no credit for returned charge)              */
    double output;     /* part of `supply` that the output stages draw                  */
    double quiescent;  /* part of `supply` that the quiescent current draws             */
    /* What subcircuits of the user's draw from their own supplies, static (the power before
     * the pulse, all the time) and the rest; parts of quiescent and output. */
    double driver_static, driver_dynamic, sense_static, sense_dynamic, adc_static, adc_dynamic;
};

void ow_energy_add(struct ow_energy *sum, const struct ow_energy *e);

/* |imbalance| / throughput; 0 when nothing flowed.  Equal inputs leave lines that float without
 * any current but rounding errors: less than 1e-4 of kT at 300 K is nothing. */
#define OW_ENERGY_NOTHING 4e-25 /* J */
double ow_energy_residual(const struct ow_energy *e);

/* Sense outputs against time: t[n], v[n][cols], row-major.  Owned by the reading. */
struct ow_waveform {
    size_t n, capacity;
    double *t, *v;
};

/* How well two simulators agreed. */
struct ow_coupling {
    long points, rejected, iterations, solutions;
    double mismatch;   /* between the voltages of a port, the largest, of full scale */
    size_t worst_port; /* word lines, then bit lines                                 */
};

struct ow_reading {
    size_t cols, n_cell, n_state;
    double *v_sample; /* [cols] V, sense outputs at ow_pulse_sample(); with widths, their
                         integral from 0 to ow_pulse_end() over ow_pulse_area(); of
                         integrators, with widths, the outputs at ow_pulse_end()       */
    double *v_gain;   /* [cols] V, the amplifiers' gain nodes there, which the supply bounds; 0
                         for sense resistors; with widths, their greatest magnitude; of
                         integrators their outputs, as v_sample                         */
    double *v_dc;     /* [cols] V, DC solution with the inputs held on and the devices
                         at their initial states; of integrators, where that current
                         takes them in ow_pulse_integrated()                           */
    double *x_end;    /* [n_state][n_cell] device states at ow_pulse_end()             */
    double *t_event;  /* [n_cell] s, time of the last jump; NaN without one            */
    struct ow_waveform wave; /* from 0 to ow_pulse_end(), both included               */
    struct ow_energy energy;
    long steps;  /* accepted time steps                                          */
    long events; /* jumps of all cells                                           */
    struct ow_coupling coupling; /* of a co-simulation, else zeros                 */
    double wall_s;
};

enum ow_status ow_reading_init(struct ow_reading *r, size_t cols, size_t n_cell,
                               size_t n_state);
void ow_reading_finish(struct ow_reading *r);
/* Append one time point; v is [cols]. */
enum ow_status ow_waveform_append(struct ow_waveform *w, size_t cols, double t,
                                  const double v[]);

#ifdef __cplusplus
}
#endif
#endif
