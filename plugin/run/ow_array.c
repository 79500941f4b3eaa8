#include "ow_array.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_random.h"

/* ---- making ------------------------------------------------------------------------ */

enum ow_status ow_array_build(struct ow_array *a, size_t rows, size_t cols,
                              struct ow_error *err)
{
    const struct ow_spec *spec = a->spec;
    const enum ow_status st = ow_crossbar_init(&a->xb, rows, cols, spec->cell.model, err);
    if (st)
        return st;
    memcpy(a->xb.param, spec->cell.param, sizeof a->xb.param);
    a->xb.r_wordline = spec->array.r_wordline;
    a->xb.r_bitline = spec->array.r_bitline;
    a->xb.c_wordline = spec->array.c_wordline;
    a->xb.c_bitline = spec->array.c_bitline;
    a->xb.c_cell = spec->device.cp;
    a->xb.r_driver = spec->driver.kind == OW_DRIVER_SUBCKT ? 0.0 : spec->array.r_driver;
    a->xb.sense = spec->sense;
    if (spec->sense.kind == OW_SENSE_VOLTAGE) {
        a->xb.sense.kind = OW_SENSE_RESISTOR;
        a->xb.sense.r_f = INFINITY;
    }
    a->xb.periphery = &spec->periphery;
    return OW_OK;
}

struct ow_mapping_spec ow_array_mapping(const struct ow_spec *spec)
{
    return (struct ow_mapping_spec){.scheme = spec->mapping.scheme,
                                    .v_read = spec->input.v_read,
                                    .g_min = spec->device.g_min,
                                    .g_max = spec->device.g_max,
                                    .levels = (unsigned)spec->mapping.levels,
                                    .slices = (unsigned)spec->mapping.slices,
                                    .sigma_program = spec->device.sigma_program,
                                    .sigma_d2d = spec->device.sigma_d2d,
                                    .sigma_read = ow_spec_sigma_read(spec),
                                    .stuck_on = spec->device.stuck_on,
                                    .stuck_off = spec->device.stuck_off};
}

/* Which end of the range made the mapping refuse: the one that is farther from what the device
 * can do, by *excess on a logarithmic scale. */
static const char *refused_end(const struct ow_array *a, double *excess)
{
    const struct ow_spec *spec = a->spec;
    double lo, hi;
    ow_mapping_reach(&a->xb, 0, spec->input.v_read, &lo, &hi);
    double below = log(lo / spec->device.g_min), above = log(spec->device.g_max / hi);
    if (spec->device.model->is_binary) { /* must match its two conductances */
        below = fabs(below);
        above = fabs(above);
    }
    *excess = fmax(below, above);
    return below > above ? "device.g_min" : "device.g_max";
}

/* Or conductances from a file, where the range itself is what devices can do. */
static const char *refused_file(const struct ow_array *a, const char *key)
{
    double excess;
    const char *end = refused_end(a, &excess);
    return excess > (a->spec->device.model->is_binary ? 0.01 : 1e-6) ? end : key;
}

/* The mapping's own message, with the place of the key that it is about. */
static enum ow_status refuse(const struct ow_array *a, const char *key, enum ow_status st,
                             const struct ow_error *why, struct ow_error *err)
{
    if (st == OW_ERR_INPUT)
        return ow_spec_fail(a->spec, key, err, st, "%s", why->text);
    if (st == OW_ERR_SOLVER)
        return ow_spec_fail(a->spec, "device.model", err, st, "%s", why->text);
    return ow_fail(err, st, "%s", why->text);
}

enum ow_status ow_array_map(struct ow_array *a, const struct ow_mapping_spec *how,
                            const struct ow_matrix *weights, struct ow_mapping *out,
                            struct ow_error *err)
{
    struct ow_error why = {0};
    double excess;
    const enum ow_status st = ow_mapping_init(how, weights, &a->xb, out, &why);
    return st ? refuse(a, refused_end(a, &excess), st, &why, err) : OW_OK;
}

enum ow_status ow_array_hold(struct ow_array *a, const struct ow_mapping_spec *how,
                             const struct ow_matrix *g, const char *key, struct ow_mapping *out,
                             struct ow_error *err)
{
    struct ow_error why = {0};
    const enum ow_status st = ow_mapping_write(how, g, &a->xb, out, &why);
    return st ? refuse(a, refused_file(a, key), st, &why, err) : OW_OK;
}

void ow_array_finish(struct ow_array *a)
{
    free(a->weight);
    ow_writes_finish(&a->writes);
    ow_mapping_finish(&a->mapping);
    ow_crossbar_finish(&a->xb);
    *a = (struct ow_array){0};
}

/* ---- reads ------------------------------------------------------------------------- */

double ow_array_digit(const struct ow_array *a, double x, size_t bit)
{
    if (a->spec->input.encoding != OW_ENCODING_BIT_SERIAL)
        return x;
    const uint64_t level = (uint64_t)round(fabs(x) * (ldexp(1.0, (int)a->n_bit) - 1.0));
    return copysign((double)(level >> (a->n_bit - 1 - bit) & 1), x);
}

double ow_array_bit_weight(const struct ow_array *a, size_t bit)
{
    const int n = (int)a->n_bit;
    return ldexp(1.0, n - 1 - (int)bit) / (ldexp(1.0, n) - 1.0);
}

/* Of word line i in a read, 0 to 1. */
static double driven(const struct ow_array *a, size_t read, size_t i)
{
    const double *x = a->driven + read / a->n_phase * a->n_driven + a->first_in;
    const double sign = read % a->n_sign ? -1.0 : 1.0;
    const size_t bit = read / a->n_sign % a->n_bit;
    return i < a->n_in ? fmax(sign * ow_array_digit(a, x[i], bit), 0.0) : 0.0;
}

void ow_array_amplitudes(const struct ow_array *a, size_t read, double amplitude[])
{
    if (a->writes.n) {
        const struct ow_write *write = &a->writes.write[read];
        ow_write_amplitudes(&a->writes, write, ow_matrix_row(&a->writes.begin, write->row),
                            amplitude);
        return;
    }
    for (size_t i = 0; i < a->xb.rows; i++) {
        const double x = driven(a, read, i);
        const bool is_width = a->spec->input.encoding == OW_ENCODING_PULSE_WIDTH;
        amplitude[i] = a->spec->input.v_read * (is_width ? x > 0.0 : x);
    }
}

static bool has_widths(const struct ow_array *a)
{
    return a->spec->input.encoding == OW_ENCODING_PULSE_WIDTH && a->writes.n == 0;
}

double ow_array_taken(const struct ow_array *a)
{
    return has_widths(a) ? ow_pulse_end(&a->pulse) : ow_pulse_sample(&a->pulse);
}

bool ow_array_widths(const struct ow_array *a, size_t read, double width[])
{
    if (!has_widths(a))
        return false;
    for (size_t i = 0; i < a->xb.rows; i++) {
        const double w = driven(a, read, i) * ow_pulse_area(&a->pulse) - a->pulse.t_rise;
        width[i] = fmin(fmax(w, 0.0), a->pulse.t_read);
    }
    return true;
}

/* s */
static double integrated(const struct ow_array *a)
{
    struct ow_pulse pulse = a->pulse;
    const double width = 0.0;
    pulse.width = has_widths(a) ? &width : NULL;
    return ow_pulse_integrated(&pulse);
}

double ow_array_ohm(const struct ow_array *a)
{
    const struct ow_sense *s = &a->xb.sense;
    return s->kind == OW_SENSE_INTEGRATOR ? integrated(a) / s->c_int : s->r_f;
}

double ow_array_bandwidth(const struct ow_array *a)
{
    const double given = a->spec->device.noise_bandwidth;
    return a->xb.sense.kind == OW_SENSE_INTEGRATOR ? fmin(given, 0.5 / integrated(a)) : given;
}

double ow_array_offset(const struct ow_array *a, size_t k)
{
    const double sigma = a->spec->adc.sigma_offset;
    const size_t first = k - k % a->spec->adc.share;
    const struct ow_draw_key key = {
        .seed = (uint32_t)a->xb.param[OW_SEED],
        .purpose = OW_DRAW_ADC,
        .id = (uint64_t)a->xb.spread[OW_ID][ow_lines_plus(&a->lines, first)]};
    return a->spec->adc.offset + (sigma > 0.0 ? sigma * ow_draw_normal(&key) : 0.0);
}

void ow_array_decode(const struct ow_array *a, const double v[], double y[])
{
    for (size_t k = 0; k < a->lines.n; k++)
        y[k] = a->y_per_volt * ow_lines_difference(&a->lines, k, v);
}

double ow_array_moved(const struct ow_array *a, const struct ow_reading *r, size_t *n_moved)
{
    const struct ow_model *model = a->xb.model;
    const double *programmed = a->xb.spread[model->program];
    double farthest = 0.0;
    for (size_t s = 0; s < model->n_state; s++) {
        if (model->state[s].init != model->program)
            continue;
        const double travel = model->state[s].hi - model->state[s].lo;
        for (size_t k = 0; k < r->n_cell; k++) {
            const double moved = fabs(r->x_end[s * r->n_cell + k] - programmed[k]) / travel;
            farthest = fmax(farthest, moved);
            *n_moved += moved >= OW_MOVED;
        }
    }
    return farthest;
}
