/* What a multiply-accumulate costs.  Two accounts, both per input vector:
 *
 * physical  where the energy of the simulated circuit goes (struct ow_energy), from 0 to the
 *           end of the run; it must balance.
 * billed    what a supply would have to deliver in one cycle of t_cycle:
 *             drivers     charge drawn from the drivers' supply x v_supply, no credit for
 *                         charge returned
 *             amplifiers  vdd i_q t_cycle each, and what their output stages draw
 *             converters  a given energy for each conversion
 *
 * One vector is n_in x n_out logical products (not physical cells); 1 MAC = 2 operations.
 * NaN stands for "not specified" or "not defined" (null in JSON). */
#ifndef OW_COST_H
#define OW_COST_H

#include "ow_matrix.h"
#include "ow_reading.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_cost_spec {
    size_t n_in, n_out;             /* logical inputs and outputs                             */
    double v_supply;                /* V, supply of the drivers                               */
    size_t n_amp;                   /* amplifiers; 0 for sense resistors                      */
    double vdd, i_q;                /* V, A: of one amplifier, as in struct ow_sense          */
    double t_cycle;                 /* s, see ow_cycle_time()                                 */
    size_t n_dac, n_adc;            /* conversions for one vector                             */
    double e_dac, e_adc;            /* J for one conversion; NaN when not specified           */
    double input_bits, weight_bits; /* log2 of the number of levels; 0 = continuous    */
};

/* J per vector.  A converter that is not specified is NaN here and not in the total. */
struct ow_bill {
    double drivers, amplifiers, dac, adc, total;
};

struct ow_bill ow_cost_bill(const struct ow_cost_spec *spec, const struct ow_energy *energy);

struct ow_cost {
    struct ow_energy physical; /* mean over the vectors                                 */
    double balance_residual;   /* sum of |imbalance| / sum of throughput, over the readings:
                                  none makes up for another, and one in which next to
                                  nothing flows weighs next to nothing                  */
    struct ow_bill billed;     /* mean over the vectors                                 */
    double per_mac_array;      /* J, drivers and amplifiers                             */
    double per_mac;            /* J, and those converters that are specified            */
    bool has_dac, has_adc;     /* which those are                                       */
    double tops_per_watt;      /* 1e12 operations a joule: 2e-12 / per_mac; NaN when
                                  nothing is billed                                     */
    double tops_per_watt_1b;   /* times input_bits x weight_bits; NaN when one is 0     */
};

/* energy[n] of all readings of n_vec vectors: a vector has several where it takes several
 * phases or arrays.  Everything is NaN for n_vec = 0. */
struct ow_cost ow_cost_measure(const struct ow_cost_spec *spec, const struct ow_energy energy[],
                               size_t n, size_t n_vec);

/* "array with amplifiers and ADC, without DAC": what the per_mac of this cost contains. */
void ow_cost_scope(const struct ow_cost_spec *spec, const struct ow_cost *cost, char text[96]);

/* t_sample + recovery (falling edge and t_read) + t_conv x share, in s: `share` outputs wait
 * for one converter. */
double ow_cycle_time(const struct ow_pulse *pulse, double t_conv, size_t share);

/* They decide the energy, so they stand beside it.  NaN for an empty matrix. */
struct ow_input_statistics {
    double mean, mean_square, zeros; /* zeros: fraction of exact zeros */
};
struct ow_input_statistics ow_input_statistics(const struct ow_matrix *inputs);

/* Hand check of the device energy of one read [J]: sum g v^2 t over the cells, without wires,
 * for g [rows][cols] (S) and amplitude[rows] (V).  The pulse counts as its plateau and a
 * third of each edge, which is the integral of its height squared. */
double ow_hand_check(const struct ow_matrix *g, const double amplitude[],
                     const struct ow_pulse *pulse);

#ifdef __cplusplus
}
#endif
#endif
