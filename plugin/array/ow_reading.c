#include "ow_reading.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void ow_energy_add(struct ow_energy *sum, const struct ow_energy *e)
{
    sum->source += e->source;
    sum->supply += e->supply;
    sum->drivers += e->drivers;
    sum->devices += e->devices;
    sum->wires += e->wires;
    sum->sense += e->sense;
    sum->stored += e->stored;
    sum->throughput += e->throughput;
    sum->charge += e->charge;
    sum->output += e->output;
    sum->quiescent += e->quiescent;
    sum->driver_static += e->driver_static;
    sum->driver_dynamic += e->driver_dynamic;
    sum->sense_static += e->sense_static;
    sum->sense_dynamic += e->sense_dynamic;
    sum->adc_static += e->adc_static;
    sum->adc_dynamic += e->adc_dynamic;
}

double ow_energy_residual(const struct ow_energy *e)
{
    /* Quiescent energy is on both sides; taking it off first keeps its rounding error
     * out of a small balance. */
    const double in = e->source + (e->supply - e->quiescent);
    const double out =
        e->drivers + e->devices + e->wires + (e->sense - e->quiescent) + e->stored;
    return e->throughput > 0.0 ? fabs(in - out) / fmax(e->throughput, OW_ENERGY_NOTHING) : 0.0;
}

/* calloc of n doubles that never returns NULL for n = 0. */
static double *doubles(size_t n)
{
    return calloc(n ? n : 1, sizeof(double));
}

enum ow_status ow_reading_init(struct ow_reading *r, size_t cols, size_t n_cell, size_t n_state)
{
    *r = (struct ow_reading){.cols = cols, .n_cell = n_cell, .n_state = n_state};
    if (n_state && n_cell > SIZE_MAX / sizeof(double) / n_state)
        return OW_ERR_NOMEM;
    r->v_sample = doubles(cols);
    r->v_gain = doubles(cols);
    r->v_dc = doubles(cols);
    r->x_end = doubles(n_state * n_cell);
    r->t_event = doubles(n_cell);
    if (!r->v_sample || !r->v_gain || !r->v_dc || !r->x_end || !r->t_event) {
        ow_reading_finish(r);
        return OW_ERR_NOMEM;
    }
    for (size_t j = 0; j < n_cell; j++)
        r->t_event[j] = NAN;
    return OW_OK;
}

void ow_reading_finish(struct ow_reading *r)
{
    free(r->v_sample);
    free(r->v_gain);
    free(r->v_dc);
    free(r->x_end);
    free(r->t_event);
    free(r->wave.t);
    free(r->wave.v);
    *r = (struct ow_reading){0};
}

/* Room for `capacity` points; what is stored stays valid on failure. */
static enum ow_status waveform_reserve(struct ow_waveform *w, size_t cols, size_t capacity)
{
    if (capacity > SIZE_MAX / sizeof(double) / (cols ? cols : 1))
        return OW_ERR_NOMEM;
    double *t = realloc(w->t, capacity * sizeof *t);
    if (!t)
        return OW_ERR_NOMEM;
    w->t = t;
    double *v = realloc(w->v, (cols ? capacity * cols : 1) * sizeof *v);
    if (!v)
        return OW_ERR_NOMEM;
    w->v = v;
    w->capacity = capacity;
    return OW_OK;
}

enum ow_status ow_waveform_append(struct ow_waveform *w, size_t cols, double t,
                                  const double v[])
{
    if (w->n == w->capacity) {
        const enum ow_status st = waveform_reserve(w, cols, w->n ? 2 * w->n : 64);
        if (st != OW_OK)
            return st;
    }
    w->t[w->n] = t;
    memcpy(w->v + w->n * cols, v, cols * sizeof *v);
    w->n++;
    return OW_OK;
}
