#include "ow_program.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_clock.h"
#include "ow_crew.h"

struct run {
    const struct ow_array *array;
    const struct ow_writes *writes;
    struct ow_host *host;
    struct ow_reading reading;
    size_t n_cell, n_state, cols;
    size_t programmed;  /* which state a write moves                       */
    double t;           /* s, when the next pulse begins                   */
    double *x;          /* [n_state][n_cell] now                           */
    double *g_row;      /* [cols] S, what the row at hand held when looked at */
    double *amplitude;  /* [n_source] V                                    */
    bool *has_selected; /* [n_cell] by any pulse so far                    */
    size_t capacity;    /* of result.pulses, in rows                       */
    struct ow_program_result result;
};

static size_t programmed_state(const struct ow_model *model)
{
    size_t s = 0;
    while (model->state[s].init != model->program)
        s++;
    return s;
}

static enum ow_status run_init(struct run *r, const struct ow_array *a,
                               const struct ow_program_options *options, struct ow_error *err)
{
    const struct ow_model *model = a->xb.model;
    const struct ow_host_options host = {.kind = a->spec->engine.name,
                                         .rtol = a->spec->engine.rtol,
                                         .codemodel = options->codemodel,
                                         .n_threads = ow_crew_share(0, 1),
                                         .cancel = options->cancel};
    *r = (struct run){.array = a,
                      .writes = &a->writes,
                      .n_cell = a->xb.rows * a->xb.cols,
                      .n_state = model->n_state,
                      .cols = a->xb.cols,
                      .programmed = programmed_state(model)};
    r->g_row = calloc(r->cols, sizeof *r->g_row);
    r->amplitude = calloc(ow_crossbar_sources(&a->xb), sizeof *r->amplitude);
    r->has_selected = calloc(r->n_cell, sizeof *r->has_selected);
    r->result.x = ow_matrix_create(r->n_state, r->n_cell);
    r->result.g = ow_matrix_create(a->xb.rows, r->cols);
    r->result.disturb = ow_matrix_create(a->xb.rows, r->cols);
    r->result.t_event = ow_matrix_create(a->xb.rows, r->cols);
    r->x = r->result.x.a;
    if (!r->g_row || !r->amplitude || !r->has_selected || !r->x || !r->result.g.a ||
        !r->result.disturb.a || !r->result.t_event.a)
        return ow_fail(err, OW_ERR_NOMEM, "results: out of memory");
    for (size_t k = 0; k < r->n_cell; k++) {
        double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
        ow_crossbar_cell(&a->xb, k, param, x);
        for (size_t s = 0; s < r->n_state; s++)
            r->x[s * r->n_cell + k] = x[s];
        r->result.t_event.a[k] = NAN;
    }
    const enum ow_status st = ow_host_reading(a, &r->reading, err);
    return st ? st : ow_host_open(a, &host, &r->host, err);
}

static void run_finish(struct run *r)
{
    ow_host_close(r->host);
    ow_reading_finish(&r->reading);
    free(r->g_row);
    free(r->amplitude);
    free(r->has_selected);
}

/* Of one cell as it is now, at the read voltage [S]. */
static double conductance(const struct run *r, size_t cell)
{
    const struct ow_crossbar *xb = &r->array->xb;
    const double v_read = r->array->spec->input.v_read;
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    struct ow_point at;
    ow_crossbar_cell(xb, cell, param, x);
    for (size_t s = 0; s < r->n_state; s++)
        x[s] = r->x[s * r->n_cell + cell];
    ow_eval_one(xb->model, param, v_read, x, &at);
    return at.i / v_read;
}

static void look_at_row(struct run *r, size_t row)
{
    for (size_t j = 0; j < r->cols; j++)
        r->g_row[j] = conductance(r, row * r->cols + j);
}

/* ---- one pulse ---------------------------------------------------------------------- */

static enum ow_status note_pulse(struct run *r, const struct ow_write *write, size_t n_selected,
                                 struct ow_error *err)
{
    struct ow_matrix *m = &r->result.pulses;
    if (m->rows == r->capacity) {
        const size_t capacity = r->capacity ? 2 * r->capacity : 64;
        double *a = realloc(m->a, capacity * OW_N_PULSE_COLUMNS * sizeof *a);
        if (!a)
            return ow_fail(err, OW_ERR_NOMEM, "results: out of memory");
        m->a = a;
        m->cols = OW_N_PULSE_COLUMNS;
        r->capacity = capacity;
    }
    const struct ow_energy *e = &r->reading.energy;
    double *row = ow_matrix_row(m, m->rows++);
    row[OW_PULSE_ROW] = (double)write->row;
    row[OW_PULSE_V] = r->amplitude[write->row];
    row[OW_PULSE_SELECTED] = (double)n_selected;
    row[OW_PULSE_EVENTS] = (double)r->reading.events;
    row[OW_PULSE_ENERGY] = e->source + e->supply;
    row[OW_PULSE_RESIDUAL] = ow_energy_residual(e);
    r->result.residual = fmax(r->result.residual, row[OW_PULSE_RESIDUAL]);
    r->result.events += r->reading.events;
    r->result.steps += (double)r->reading.steps;
    ow_energy_add(&r->result.energy, e);
    return OW_OK;
}

/* What the pulse has done to every cell, which then is what the next one begins with. */
static void take_states(struct run *r, const struct ow_write *write)
{
    const struct ow_state *state = &r->array->xb.model->state[r->programmed];
    const double *x_end = r->reading.x_end + r->programmed * r->n_cell;
    const double *x = r->x + r->programmed * r->n_cell;
    for (size_t k = 0; k < r->n_cell; k++) {
        const size_t j = k % r->cols;
        const bool has_jumped = !isnan(r->reading.t_event[k]);
        if (k / r->cols == write->row && ow_write_selects(r->writes, write, j, r->g_row[j])) {
            r->has_selected[k] = true;
        } else {
            r->result.disturb.a[k] += (x_end[k] - x[k]) / (state->hi - state->lo);
            r->result.events_disturb += has_jumped;
        }
        if (has_jumped)
            r->result.t_event.a[k] = r->t + r->reading.t_event[k];
    }
    memcpy(r->x, r->reading.x_end, r->n_state * r->n_cell * sizeof *r->x);
    r->t += ow_pulse_end(&r->array->pulse);
}

/* One pulse for the cells that need it as g_row says; *n is how many. */
static enum ow_status give_pulse(struct run *r, const struct ow_write *write, size_t *n,
                                 struct ow_error *err)
{
    struct ow_error why = {0};
    *n = ow_write_amplitudes(r->writes, write, r->g_row, r->amplitude);
    if (*n == 0)
        return OW_OK;
    ow_host_select(r->host, write->row);
    const enum ow_status st = ow_host_drive(r->host, r->amplitude, r->x, &r->reading, &why);
    if (st == OW_ERR_CANCELLED)
        return ow_fail(err, st, "cancelled");
    if (st)
        return ow_fail(err, st, "%s pulse on word line %zu: %s",
                       write->is_set ? "SET" : "RESET", write->row, why.text);
    take_states(r, write);
    return note_pulse(r, write, *n, err);
}

/* ---- one group of cells ------------------------------------------------------------- */

static enum ow_status write_open(struct run *r, size_t group, struct ow_error *err)
{
    enum ow_status st = OW_OK;
    look_at_row(r, ow_writes_group(r->writes, group, true).row);
    for (int is_reset = 0; is_reset < 2; is_reset++) {
        const struct ow_write write = ow_writes_group(r->writes, group, !is_reset);
        size_t n = 1;
        for (size_t k = 0; !st && n && k < r->array->spec->program.pulses.count; k++)
            st = give_pulse(r, &write, &n, err);
    }
    return st;
}

static enum ow_status write_verified(struct run *r, size_t group, struct ow_error *err)
{
    enum ow_status st = OW_OK;
    size_t n_both = 1; /* cells that the last two pulses selected */
    for (size_t k = 0; n_both && k < r->array->spec->program.verify.max_pulses; k++) {
        n_both = 0;
        for (int is_reset = 0; is_reset < 2; is_reset++) {
            const struct ow_write write = ow_writes_group(r->writes, group, !is_reset);
            size_t n;
            look_at_row(r, write.row);
            if ((st = give_pulse(r, &write, &n, err)))
                return st;
            n_both += n;
        }
    }
    return st;
}

/* ---- the result --------------------------------------------------------------------- */

static enum ow_status measure_errors(struct run *r, struct ow_error *err)
{
    const struct ow_writes *w = r->writes;
    const double tolerance = r->array->spec->program.verify.tolerance;
    struct ow_program_result *out = &r->result;
    bool *is_listed = calloc(w->target.rows, sizeof *is_listed);
    if (!is_listed)
        return ow_fail(err, OW_ERR_NOMEM, "results: out of memory");
    for (size_t k = 0; k < w->n_row; k++) {
        out->n_row += !is_listed[w->row[k]];
        is_listed[w->row[k]] = true;
    }
    for (size_t k = 0; k < r->n_cell; k++) {
        out->g.a[k] = conductance(r, k);
        const double error = fabs(out->g.a[k] - w->target.a[k]) / w->range;
        const double moved = fabs(out->disturb.a[k]);
        out->n_selected += r->has_selected[k];
        if (is_listed[k / r->cols]) {
            out->n_missed += !(error <= tolerance);
            out->g_rms += error * error;
            out->g_max = fmax(out->g_max, error);
        }
        out->disturb_rms += moved * moved;
        out->disturb_max = fmax(out->disturb_max, moved);
        out->disturb_fraction += moved > tolerance;
    }
    out->g_rms = sqrt(out->g_rms / (double)(out->n_row * r->cols));
    out->disturb_rms = sqrt(out->disturb_rms / (double)r->n_cell);
    out->disturb_fraction /= (double)r->n_cell;
    free(is_listed);
    return OW_OK;
}

static void add_warnings(const struct run *r, struct ow_program_result *out)
{
    const struct ow_array *a = r->array;
    const struct ow_spec *spec = a->spec;
    const size_t n_stuck = a->mapping.n_stuck_on + a->mapping.n_stuck_off;
    if (out->n_row < a->xb.rows)
        ow_warn(&out->warnings, "%zu of %zu word lines were programmed", out->n_row,
                a->xb.rows);
    if (out->n_missed > 0)
        ow_warn(&out->warnings,
                "%zu of %zu cells are farther than %g of g_max - g_min from their targets%s",
                out->n_missed, out->n_row * a->xb.cols, spec->program.verify.tolerance,
                spec->program.verify.max_pulses ? "" : " (open loop: see program.verify)");
    if (n_stuck > 0)
        ow_warn(&out->warnings, "%zu devices are stuck and no pulse moves them", n_stuck);
    if (spec->device.sigma_program > 0.0)
        ow_warn(&out->warnings,
                "device.sigma_program does not apply where the write itself is simulated");
    if (a->xb.model->is_volatile)
        ow_warn(&out->warnings,
                "the device %s is volatile: states hold only as long as its physics lets them",
                a->xb.model->name);
}

/* ---- the run ------------------------------------------------------------------------ */

static enum ow_status run(struct run *r, const struct ow_program_options *options,
                          struct ow_error *err)
{
    const double begin = ow_seconds();
    const size_t n_group = ow_writes_groups(r->writes);
    const bool is_verified = r->array->spec->program.verify.max_pulses > 0;
    for (size_t k = 0; k < n_group; k++) {
        const enum ow_status st =
            is_verified ? write_verified(r, k, err) : write_open(r, k, err);
        if (st)
            return st;
        if (options->progress)
            options->progress(options->data, k + 1, n_group);
    }
    r->result.wall_s = ow_seconds() - begin;
    const enum ow_status st = measure_errors(r, err);
    add_warnings(r, &r->result);
    return st;
}

enum ow_status ow_program_run(const struct ow_array *a,
                              const struct ow_program_options *options,
                              struct ow_program_result *out, struct ow_error *err)
{
    struct run r;
    enum ow_status st = run_init(&r, a, options, err);
    if (!st)
        st = run(&r, options, err);
    run_finish(&r);
    if (st)
        ow_program_result_finish(&r.result);
    else
        *out = r.result;
    return st;
}

void ow_program_result_finish(struct ow_program_result *r)
{
    ow_matrix_finish(&r->x);
    ow_matrix_finish(&r->g);
    ow_matrix_finish(&r->disturb);
    ow_matrix_finish(&r->t_event);
    ow_matrix_finish(&r->pulses);
    *r = (struct ow_program_result){0};
}
