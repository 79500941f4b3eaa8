#include "ow_spice_meter.h"

#include <math.h>
#include <stdio.h>

#include "ow_netlist.h"
#include "ow_power.h"

/* Powers in W but for the charge (A):
 *   SOURCE      what the sources of the wanted voltages deliver        sum of v i
 *   CHARGE      what they draw from their supply                       sum of max(i, 0)
 *   THROUGHPUT  sum of |v i| of the sources
 *   WORD        into the array at the word lines                       sum of v_q i_q
 *   BIT         out of it at the bit lines                             sum of v_in i_m
 *   DRIVER, AMP, ADC  what the supplies of each kind deliver           - sum of v i
 *   STAGE       the output stages of the program's own amplifiers      (ow_power.h)  */
enum { SOURCE, CHARGE, THROUGHPUT, WORD, BIT, DRIVER, AMP, ADC, STAGE };
_Static_assert(STAGE + 1 == sizeof((struct ow_meter){0}.sum) / sizeof(double), "all of them");

static const int of_kind[OW_N_BLOCK] = {DRIVER, AMP, ADC};

static const struct ow_block *block_of(const struct ow_meter *m, size_t kind)
{
    return ow_periphery_block(m->circuit->xb->periphery, (enum ow_block_kind)kind);
}

/* Vectors of one kind, in this order: drives and word lines, bit lines, gain nodes, supplies,
 * converters. */
static bool has_drives(const struct ow_meter *m)
{
    return m->is_coupled || m->has_driver;
}
static bool has_bits(const struct ow_meter *m)
{
    return m->is_coupled || m->has_sense;
}
static bool has_gains(const struct ow_meter *m)
{
    return m->is_coupled && m->circuit->xb->sense.kind == OW_SENSE_TIA;
}

static bool has_integrators(const struct ow_meter *m)
{
    return m->is_coupled && m->circuit->xb->sense.kind == OW_SENSE_INTEGRATOR;
}

static size_t count_supplies(const struct ow_meter *m, size_t kind)
{
    char name[OW_SUPPLY_NAME];
    size_t n = 0;
    const struct ow_block *b = block_of(m, kind);
    for (size_t k = 0; b && k < b->n_pin; k++)
        n += ow_netlist_supply(b, ow_block_name[kind], k, name);
    return n;
}

struct ow_meter ow_meter_of(const struct ow_circuit *circuit, bool is_coupled)
{
    struct ow_meter m = {.circuit = circuit, .is_coupled = is_coupled, .t = -1.0};
    const struct ow_crossbar *xb = circuit->xb;
    m.has_driver = block_of(&m, OW_BLOCK_DRIVER) != NULL;
    m.has_sense = block_of(&m, OW_BLOCK_SENSE) != NULL;
    m.has_adc = block_of(&m, OW_BLOCK_ADC) != NULL;
    size_t n_supply = 0;
    for (size_t kind = 0; kind < OW_N_BLOCK; kind++)
        n_supply += m.n_supply[kind] = count_supplies(&m, kind);
    m.converted = (has_drives(&m) ? 4 * xb->rows : 0) + (has_bits(&m) ? 3 * xb->cols : 0) +
                  (has_gains(&m) ? xb->cols : 0) + 2 * n_supply;
    m.n_vector = m.converted + (m.has_adc ? xb->cols : 0);
    return m;
}

void ow_meter_names(const struct ow_meter *m, char name[][OW_METER_NAME])
{
    const size_t rows = m->circuit->xb->rows, cols = m->circuit->xb->cols;
    const char drive = m->has_driver ? 'u' : 's';
    size_t n = 0;
    for (size_t i = 0; has_drives(m) && i < rows; i++) {
        snprintf(name[n++], OW_METER_NAME, "%c%zu", drive, i);
        snprintf(name[n++], OW_METER_NAME, "v%c%zu#branch", drive, i);
        snprintf(name[n++], OW_METER_NAME, "q%zu", i);
        snprintf(name[n++], OW_METER_NAME, "vq%zu#branch", i);
    }
    for (size_t j = 0; has_bits(m) && j < cols; j++) {
        snprintf(name[n++], OW_METER_NAME, "x%zu", j);
        snprintf(name[n++], OW_METER_NAME, "vm%zu#branch", j);
        snprintf(name[n++], OW_METER_NAME, "out%zu", j);
    }
    for (size_t j = 0; has_gains(m) && j < cols; j++)
        snprintf(name[n++], OW_METER_NAME, "a%zu", j);
    for (size_t kind = 0; kind < OW_N_BLOCK; kind++)
        for (size_t k = 0; m->n_supply[kind] && k < block_of(m, kind)->n_pin; k++) {
            char supply[OW_SUPPLY_NAME];
            if (!ow_netlist_supply(block_of(m, kind), ow_block_name[kind], k, supply))
                continue;
            snprintf(name[n++], OW_METER_NAME, "%s", supply);
            snprintf(name[n++], OW_METER_NAME, "v%s#branch", supply);
        }
    for (size_t j = 0; m->has_adc && j < cols; j++)
        snprintf(name[n++], OW_METER_NAME, "adc%zu", j);
}

static void powers(const struct ow_meter *m, const double value[], double p[])
{
    const struct ow_crossbar *xb = m->circuit->xb;
    const double *at = value;
    for (int k = 0; k <= STAGE; k++)
        p[k] = 0.0;
    for (size_t i = 0; has_drives(m) && i < xb->rows; i++, at += 4) {
        p[SOURCE] -= at[0] * at[1];
        p[CHARGE] += fmax(-at[1], 0.0);
        p[THROUGHPUT] += fabs(at[0] * at[1]);
        p[WORD] += at[2] * at[3];
    }
    const double *bits = at;
    for (size_t j = 0; has_bits(m) && j < xb->cols; j++, at += 3)
        p[BIT] += at[0] * at[1];
    for (size_t j = 0; has_gains(m) && j < xb->cols; j++) {
        struct ow_power own = {0};
        ow_power_add_amp(&xb->sense, *at++, bits[3 * j + 2], &own);
        p[AMP] += own.quiescent + own.output;
        p[STAGE] += own.output;
    }
    if (has_integrators(m))
        p[AMP] += (double)xb->cols * xb->sense.vdd * xb->sense.i_q;
    for (size_t kind = 0; kind < OW_N_BLOCK; kind++)
        for (size_t k = 0; k < m->n_supply[kind]; k++, at += 2)
            p[of_kind[kind]] -= at[0] * at[1];
}

void ow_meter_take(struct ow_meter *m, double t, const double value[])
{
    double p[STAGE + 1];
    powers(m, value, p);
    if (m->t < 0.0) {
        for (size_t kind = 0; kind < OW_N_BLOCK; kind++)
            m->at_rest[kind] = p[of_kind[kind]];
    }
    for (int k = 0; k <= STAGE; k++) {
        m->sum[k] += m->t < 0.0 ? 0.0 : 0.5 * (t - m->t) * (m->before[k] + p[k]);
        m->before[k] = p[k];
    }
    m->t = t;
}

double ow_meter_output(const struct ow_meter *m, const double value[], size_t j)
{
    return value[(has_drives(m) ? 4 * m->circuit->xb->rows : 0) + 3 * j + 2];
}

double ow_meter_converted(const struct ow_meter *m, const double value[], size_t j)
{
    return value[m->converted + j];
}

double ow_meter_gain(const struct ow_meter *m, const double value[], size_t j)
{
    return value[4 * m->circuit->xb->rows + 3 * m->circuit->xb->cols + j];
}

/* What comes in from the sources and supplies and does not go on into the array stays in the
 * drivers; what comes out of the array and from the supplies, in the amplifiers. */
void ow_meter_put(const struct ow_meter *m, double t_end, struct ow_energy *e)
{
    const double *s = m->sum, *at_rest = m->at_rest;
    const double rest[] = {at_rest[0] * t_end, at_rest[1] * t_end, at_rest[2] * t_end};
    if (has_drives(m)) {
        e->source = s[SOURCE];
        e->charge = s[CHARGE];
        e->throughput = s[THROUGHPUT];
        e->drivers += s[SOURCE] + s[DRIVER] - s[WORD];
        e->supply += s[DRIVER];
    }
    if (has_bits(m)) {
        e->sense += s[BIT] + s[AMP] + s[ADC];
        e->supply += s[AMP] + s[ADC];
    }
    if (m->has_driver) {
        e->driver_static = rest[0];
        e->driver_dynamic = s[DRIVER] - rest[0];
    }
    if (m->has_sense) {
        e->sense_static = rest[1];
        e->sense_dynamic = s[AMP] - rest[1];
    }
    if (m->has_adc) {
        e->adc_static = rest[2];
        e->adc_dynamic = s[ADC] - rest[2];
    }
    const double own = has_gains(m) || has_integrators(m) ? s[AMP] - s[STAGE] : 0.0;
    e->quiescent += e->driver_static + e->sense_static + e->adc_static + own;
    e->output += e->driver_dynamic + e->sense_dynamic + e->adc_dynamic + s[STAGE];
    e->throughput +=
        fabs(e->driver_dynamic) + fabs(e->sense_dynamic) + fabs(e->adc_dynamic) + s[STAGE];
}
