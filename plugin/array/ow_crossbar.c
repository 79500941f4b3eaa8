#include "ow_crossbar.h"

#include "ow_periphery.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const char *const ow_block_name[OW_N_BLOCK] = {"driver", "sense", "adc"};

static size_t n_cell(const struct ow_crossbar *xb)
{
    return xb->rows * xb->cols;
}

enum ow_status ow_crossbar_init(struct ow_crossbar *xb, size_t rows, size_t cols,
                                const struct ow_model *model, struct ow_error *err)
{
    /* Every cell has its own id, and an id has 32 bits (OW_COMMON_PARAMS). */
    const size_t most =
        SIZE_MAX / sizeof(double) < UINT32_MAX ? SIZE_MAX / sizeof(double) : (size_t)UINT32_MAX;
    *xb = (struct ow_crossbar){0};
    if (rows == 0 || cols == 0 || rows > most / cols)
        return ow_fail(err, OW_ERR_RANGE,
                       "array of %zu x %zu: expected at least 1 x 1 and at most %zu cells",
                       rows, cols, most);
    xb->rows = rows;
    xb->cols = cols;
    xb->model = model;
    ow_params_default(model, xb->param);
    double *id = ow_crossbar_spread(xb, OW_ID);
    if (!id || !ow_crossbar_spread(xb, model->program)) {
        ow_crossbar_finish(xb);
        return ow_fail(err, OW_ERR_NOMEM, "array of %zu x %zu: out of memory", rows, cols);
    }
    for (size_t j = 0; j < n_cell(xb); j++)
        id[j] = (double)j;
    return OW_OK;
}

void ow_crossbar_finish(struct ow_crossbar *xb)
{
    for (size_t k = 0; k < OW_MAX_PARAMS; k++)
        free(xb->spread[k]);
    *xb = (struct ow_crossbar){0};
}

double *ow_crossbar_spread(struct ow_crossbar *xb, size_t k)
{
    if (xb->spread[k])
        return xb->spread[k];
    double *own = malloc(n_cell(xb) * sizeof *own);
    if (!own)
        return NULL;
    for (size_t j = 0; j < n_cell(xb); j++)
        own[j] = xb->param[k];
    return xb->spread[k] = own;
}

void ow_crossbar_cell(const struct ow_crossbar *xb, size_t cell, double param[], double x[])
{
    for (size_t k = 0; k < xb->model->n_param; k++)
        param[k] = xb->spread[k] ? xb->spread[k][cell] : xb->param[k];
    ow_states_init(xb->model, param, x);
}

/* What each electrical field may be.  The names are the keys of a specification. */
enum { ZERO_OK = 1, INF_OK = 2, SIGNED_OK = 4 };
struct field {
    const char *name, *unit;
    size_t offset;
    int allow;
};

/* clang-format off */
static const struct field line_field[] = {
    {"array.r_wordline", "ohm", offsetof(struct ow_crossbar, r_wordline), ZERO_OK},
    {"array.r_bitline",  "ohm", offsetof(struct ow_crossbar, r_bitline),  ZERO_OK},
    {"array.c_wordline", "F",   offsetof(struct ow_crossbar, c_wordline), ZERO_OK},
    {"array.c_bitline",  "F",   offsetof(struct ow_crossbar, c_bitline),  ZERO_OK},
    {"device.cp",        "F",   offsetof(struct ow_crossbar, c_cell),     ZERO_OK},
    {"array.r_driver",   "ohm", offsetof(struct ow_crossbar, r_driver),   ZERO_OK | INF_OK},
    {"sense.c_in",       "F",   offsetof(struct ow_crossbar, sense.c_in),   ZERO_OK},
    {"sense.c_load",     "F",   offsetof(struct ow_crossbar, sense.c_load), ZERO_OK},
};
static const struct field resistor_field[] = {
    {"sense.r_f", "ohm", offsetof(struct ow_crossbar, sense.r_f), ZERO_OK | INF_OK},
};
static const struct field tia_field[] = {
    {"sense.r_f",   "ohm", offsetof(struct ow_crossbar, sense.r_f),   0},
    {"sense.c_f",   "F",   offsetof(struct ow_crossbar, sense.c_f),   ZERO_OK},
    {"sense.gain",  "V/V",   offsetof(struct ow_crossbar, sense.gain),  0},
    {"sense.gbw",   "Hz",  offsetof(struct ow_crossbar, sense.gbw),   0},
    {"sense.r_out", "ohm", offsetof(struct ow_crossbar, sense.r_out), 0},
    {"sense.v_os",  "V",   offsetof(struct ow_crossbar, sense.v_os),  ZERO_OK | SIGNED_OK},
    {"sense.vdd",   "V",   offsetof(struct ow_crossbar, sense.vdd),   0},
    {"sense.i_q",   "A",   offsetof(struct ow_crossbar, sense.i_q),   ZERO_OK},
};
static const struct field integrator_field[] = {
    {"sense.r_in",  "ohm", offsetof(struct ow_crossbar, sense.r_f),   0},
    {"sense.c_int", "F",   offsetof(struct ow_crossbar, sense.c_int), 0},
    {"sense.vdd",   "V",   offsetof(struct ow_crossbar, sense.vdd),   0},
    {"sense.i_q",   "A",   offsetof(struct ow_crossbar, sense.i_q),   ZERO_OK},
};
/* clang-format on */
#define LEN(table) (sizeof(table) / sizeof(table)[0])

static enum ow_status check_fields(const struct ow_crossbar *xb, const struct field field[],
                                   size_t n, struct ow_error *err)
{
    for (size_t k = 0; k < n; k++) {
        const struct field *f = &field[k];
        double y;
        memcpy(&y, (const char *)xb + f->offset, sizeof y);
        const bool is_in = (y > 0.0 || (y == 0.0 && f->allow & ZERO_OK) ||
                            (y < 0.0 && f->allow & SIGNED_OK)) &&
                           (isfinite(y) || f->allow & INF_OK);
        if (!is_in)
            return ow_fail(err, OW_ERR_RANGE, "%s = %g %s: expected a number %s%s", f->name, y,
                           f->unit,
                           f->allow & SIGNED_OK ? "of either sign"
                           : f->allow & ZERO_OK ? ">= 0"
                                                : "> 0",
                           f->allow & INF_OK ? " (inf: an open end)" : ", finite");
    }
    return OW_OK;
}

static enum ow_status check_cells(const struct ow_crossbar *xb, struct ow_error *err)
{
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    for (size_t j = 0; j < n_cell(xb); j++) {
        struct ow_error why = {0};
        ow_crossbar_cell(xb, j, param, x);
        const enum ow_status st = ow_params_check(xb->model, param, NULL, &why);
        if (st != OW_OK)
            return ow_fail(err, st, "cell (%zu, %zu), model %s: %s", j / xb->cols, j % xb->cols,
                           xb->model->name, why.text);
    }
    return OW_OK;
}

enum ow_status ow_crossbar_check(const struct ow_crossbar *xb, struct ow_error *err)
{
    enum ow_status st = check_fields(xb, line_field, LEN(line_field), err);
    if (st == OW_OK && xb->sense.kind == OW_SENSE_TIA)
        st = check_fields(xb, tia_field, LEN(tia_field), err);
    else if (st == OW_OK && xb->sense.kind == OW_SENSE_INTEGRATOR)
        st = check_fields(xb, integrator_field, LEN(integrator_field), err);
    else if (st == OW_OK)
        st = check_fields(xb, resistor_field, LEN(resistor_field), err);
    const bool is_driven = xb->r_driver + xb->r_wordline == 0.0 ||
                           (xb->sense.kind == OW_SENSE_DRIVER && /* of the bit lines */
                            xb->sense.r_f + xb->r_bitline == 0.0);
    if (st == OW_OK && xb->c_cell > 0.0 && is_driven)
        st = ow_fail(err, OW_ERR_RANGE,
                     "device.cp = %g F: expected 0 where sources drive the devices directly, "
                     "without any resistance of driver and line",
                     xb->c_cell);
    return st == OW_OK ? check_cells(xb, err) : st;
}

static double height(const struct ow_pulse *p, double fall, double t)
{
    if (t <= 0.0 || t >= fall + p->t_rise)
        return 0.0;
    if (t < p->t_rise)
        return t / p->t_rise;
    return t <= fall ? 1.0 : (fall + p->t_rise - t) / p->t_rise;
}

double ow_pulse_at(const struct ow_pulse *p, double t)
{
    return height(p, ow_pulse_sample(p), t);
}

double ow_pulse_source_at(const struct ow_pulse *p, size_t source, double t)
{
    return height(p, ow_pulse_fall(p, source), t);
}
