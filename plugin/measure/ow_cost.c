#include "ow_cost.h"

#include <math.h>
#include <stdio.h>

static double zero_if_nan(double y)
{
    return isnan(y) ? 0.0 : y;
}

struct ow_bill ow_cost_bill(const struct ow_cost_spec *spec, const struct ow_energy *energy)
{
    struct ow_bill b;
    b.drivers = energy->charge * spec->v_supply;
    b.amplifiers = (double)spec->n_amp * spec->vdd * spec->i_q * spec->t_cycle + energy->output;
    b.dac = (double)spec->n_dac * spec->e_dac;
    b.adc = (double)spec->n_adc * spec->e_adc;
    b.total = b.drivers + b.amplifiers + zero_if_nan(b.dac) + zero_if_nan(b.adc);
    return b;
}

/* The entries of struct ow_energy, to add them up without writing each twice. */
/* clang-format off */
static const size_t energy_at[] = {
    offsetof(struct ow_energy, source),  offsetof(struct ow_energy, supply),
    offsetof(struct ow_energy, drivers), offsetof(struct ow_energy, devices),
    offsetof(struct ow_energy, wires),   offsetof(struct ow_energy, sense),
    offsetof(struct ow_energy, stored),  offsetof(struct ow_energy, throughput),
    offsetof(struct ow_energy, charge),  offsetof(struct ow_energy, output),
    offsetof(struct ow_energy, quiescent), offsetof(struct ow_energy, driver_static),
    offsetof(struct ow_energy, driver_dynamic), offsetof(struct ow_energy, sense_static),
    offsetof(struct ow_energy, sense_dynamic),
    offsetof(struct ow_energy, adc_static), offsetof(struct ow_energy, adc_dynamic),
};
/* clang-format on */
_Static_assert(sizeof(struct ow_energy) ==
                   sizeof energy_at / sizeof energy_at[0] * sizeof(double),
               "energy_at lists every entry of struct ow_energy");

static struct ow_energy mean_energy(const struct ow_energy energy[], size_t n, size_t n_vec)
{
    struct ow_energy mean = {0};
    for (size_t f = 0; f < sizeof energy_at / sizeof energy_at[0]; f++) {
        double sum = 0.0;
        for (size_t k = 0; k < n; k++)
            sum += *(const double *)(const void *)((const char *)&energy[k] + energy_at[f]);
        *(double *)(void *)((char *)&mean + energy_at[f]) = n_vec ? sum / (double)n_vec : NAN;
    }
    return mean;
}

static double residual(const struct ow_energy energy[], size_t n)
{
    double imbalance = 0.0, throughput = 0.0;
    for (size_t k = 0; k < n; k++) {
        imbalance += ow_energy_residual(&energy[k]) * energy[k].throughput;
        throughput += energy[k].throughput;
    }
    return throughput > 0.0 ? imbalance / throughput : 0.0;
}

struct ow_cost ow_cost_measure(const struct ow_cost_spec *spec, const struct ow_energy energy[],
                               size_t n, size_t n_vec)
{
    struct ow_cost c = {.has_dac = !isnan(spec->e_dac), .has_adc = !isnan(spec->e_adc)};
    const double n_mac = (double)spec->n_in * (double)spec->n_out;
    c.physical = mean_energy(energy, n, n_vec);
    c.balance_residual = n_vec ? residual(energy, n) : NAN;
    /* The bill is linear in the energies, so the bill of the means is the mean bill. */
    c.billed = ow_cost_bill(spec, &c.physical);
    c.per_mac_array = (c.billed.drivers + c.billed.amplifiers) / n_mac;
    c.per_mac = c.billed.total / n_mac;
    c.tops_per_watt = c.per_mac > 0.0 ? 2e-12 / c.per_mac : NAN;
    const double bits = spec->input_bits * spec->weight_bits;
    c.tops_per_watt_1b = bits > 0.0 ? c.tops_per_watt * bits : NAN;
    return c;
}

void ow_cost_scope(const struct ow_cost_spec *spec, const struct ow_cost *cost, char text[96])
{
    const char *with = cost->has_dac && cost->has_adc ? ", DAC and ADC"
                       : cost->has_dac                ? " and DAC, without ADC"
                       : cost->has_adc                ? " and ADC, without DAC"
                                                      : ", without DAC and ADC";
    snprintf(text, 96, "array with drivers%s%s", spec->n_amp ? ", amplifiers" : "", with);
}

double ow_cycle_time(const struct ow_pulse *pulse, double t_conv, size_t share)
{
    return ow_pulse_end(pulse) + t_conv * (double)share;
}

struct ow_input_statistics ow_input_statistics(const struct ow_matrix *inputs)
{
    const size_t n = inputs->rows * inputs->cols;
    struct ow_input_statistics s = {0};
    if (n == 0)
        return (struct ow_input_statistics){NAN, NAN, NAN};
    for (size_t k = 0; k < n; k++) {
        s.mean += inputs->a[k];
        s.mean_square += inputs->a[k] * inputs->a[k];
        s.zeros += inputs->a[k] == 0.0;
    }
    s.mean /= (double)n;
    s.mean_square /= (double)n;
    s.zeros /= (double)n;
    return s;
}

double ow_hand_check(const struct ow_matrix *g, const double amplitude[],
                     const struct ow_pulse *pulse)
{
    double p = 0.0;
    for (size_t i = 0; i < g->rows; i++)
        for (size_t j = 0; j < g->cols; j++)
            p += ow_matrix_row(g, i)[j] * amplitude[i] * amplitude[i];
    return p * (pulse->t_read + 2.0 / 3.0 * pulse->t_rise);
}
