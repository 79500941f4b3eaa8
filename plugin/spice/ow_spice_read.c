#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ow_clock.h"
#include "ow_netlist.h"
#include "ow_power.h"
#include "ow_spice_child.h"
#include "ow_spice_meter.h"
#include "ow_spice_outputs.h"
#include "ow_spice_private.h"

enum { N_RESPONSE = 2 + 3 * OW_MAX_STATES + OW_MAX_STATES * OW_MAX_STATES };

/* One read under way.  A point is v_node[n_node], then x[n_state][n_cell], then what the meter
 * wants, then the outputs of integrators. */
struct reader {
    const struct ow_circuit *circuit;
    const struct ow_model *model;
    const struct ow_pulse *pulse;
    struct ow_reading *out;
    size_t n_node, n_cell, n_state, n_value;
    size_t metered; /* where the meter's begin */
    bool is_integrator;
    struct ow_meter meter;
    char (*name)[OW_METER_NAME]; /* [n_value] */
    const char **name_or_0;      /* [n_value] */
    struct ow_response response;
    double *memory;       /* of all arrays below and of the response              */
    double *before;       /* [n_value] the previous time point                    */
    double *i_before, *i; /* [n_cell] A, cell currents there and here             */
    double *v_cell;       /* [n_cell] V                                           */
    double *dv_source;    /* [n_source] V/s within the step                       */
    double *i_source;     /* [n_source] A                                         */
    struct ow_outputs outputs;
};

/* -- workspace ------------------------------------------------------------------------ */

static double *carve(double **at, size_t n)
{
    double *a = *at;
    *at += n;
    return a;
}

static void carve_response(struct ow_response *r, double **at, size_t n)
{
    r->i = carve(at, n);
    r->di_dv = carve(at, n);
    for (size_t s = 0; s < OW_MAX_STATES; s++) {
        r->di_dx[s] = carve(at, n);
        r->f[s] = carve(at, n);
        r->df_dv[s] = carve(at, n);
        for (size_t k = 0; k < OW_MAX_STATES; k++)
            r->df_dx[s][k] = carve(at, n);
    }
}

static bool allocate(struct reader *r)
{
    const size_t n_source = r->circuit->n_source, cols = r->circuit->xb->cols;
    r->name = calloc(r->n_value, sizeof *r->name);
    r->name_or_0 = calloc(r->n_value, sizeof *r->name_or_0);
    r->memory = calloc(r->n_value + (3 + N_RESPONSE) * r->n_cell + 2 * n_source + cols,
                       sizeof *r->memory);
    if (!r->name || !r->name_or_0 || !r->memory)
        return false;
    double *at = r->memory;
    r->before = carve(&at, r->n_value);
    r->i_before = carve(&at, r->n_cell);
    r->i = carve(&at, r->n_cell);
    r->v_cell = carve(&at, r->n_cell);
    carve_response(&r->response, &at, r->n_cell);
    r->dv_source = carve(&at, n_source);
    r->i_source = carve(&at, n_source);
    return true;
}

static void finish(struct reader *r)
{
    ow_outputs_finish(&r->outputs);
    free(r->name);
    free((void *)r->name_or_0);
    free(r->memory);
}

/* Ground and floating nodes are not in the deck: they read 0 V. */
static enum ow_status name_vectors(struct reader *r, struct ow_error *err)
{
    bool *is_floating = calloc(r->n_node, sizeof *is_floating);
    if (!is_floating)
        return ow_fail(err, OW_ERR_NOMEM, "ngspice: out of memory");
    const enum ow_status st = ow_circuit_floating(r->circuit, is_floating, err);
    for (size_t k = 1; st == OW_OK && k < r->n_node; k++) {
        if (is_floating[k])
            continue;
        ow_circuit_node_name(r->circuit, k, r->name[k]);
        r->name_or_0[k] = r->name[k];
    }
    ow_meter_names(&r->meter, r->name + r->metered);
    for (size_t j = 0; r->is_integrator && j < r->circuit->xb->cols; j++)
        snprintf(r->name[r->metered + r->meter.n_vector + j], OW_METER_NAME, "out%zu", j);
    for (size_t k = r->metered; k < r->n_value; k++)
        r->name_or_0[k] = r->name[k];
    for (size_t k = r->n_node; st == OW_OK && k < r->metered; k++) {
        const size_t s = (k - r->n_node) / r->n_cell, cell = (k - r->n_node) % r->n_cell;
        ow_netlist_state_name(r->circuit, cell, s, r->name[k]);
        r->name_or_0[k] = r->name[k];
    }
    free(is_floating);
    return st;
}

/* -- one time point --------------------------------------------------------------------- */

static double output(const struct reader *r, const double value[], size_t j)
{
    if (r->is_integrator)
        return value[r->metered + r->meter.n_vector + j];
    return r->meter.has_sense ? ow_meter_output(&r->meter, value + r->metered, j)
                              : value[r->circuit->sense_out[j]];
}

/* The models' own currents at ngspice's voltages and states. */
static void cell_currents(struct reader *r, const double value[], double i[])
{
    const struct ow_crossbar *xb = r->circuit->xb;
    struct ow_cells cells = {.n = r->n_cell,
                             .param = xb->param,
                             .spread = (const double *const *)xb->spread,
                             .v = r->v_cell};
    for (size_t j = 0; j < r->n_cell; j++)
        r->v_cell[j] =
            value[ow_circuit_te(r->circuit, j)] - value[ow_circuit_be(r->circuit, j)];
    for (size_t s = 0; s < r->n_state; s++)
        cells.x[s] = value + r->n_node + s * r->n_cell;
    ow_eval(r->model, &cells, &r->response);
    memcpy(i, r->response.i, r->n_cell * sizeof *i);
}

static void add_power(struct ow_energy *e, const struct ow_power *p, double dt)
{
    e->source += dt * p->source;
    e->supply += dt * p->supply;
    e->drivers += dt * p->drivers;
    e->devices += dt * p->devices;
    e->wires += dt * p->wires;
    e->sense += dt * p->sense;
    e->throughput += dt * p->throughput;
    e->charge += dt * p->charge_rate;
    e->output += dt * p->output;
    e->quiescent += dt * p->quiescent;
}

/* Trapezoidal rule over one step.  The sources' slopes are constant within it, since
 * their corners are time points, and jump from one step to the next: hence both ends. */
static void integrate(struct reader *r, const double value[], double dt)
{
    struct ow_power p;
    for (size_t i = 0; i < r->circuit->n_source; i++)
        r->dv_source[i] = (value[1 + i] - r->before[1 + i]) / dt;
    ow_power_at(r->circuit, r->before, r->dv_source, r->i_before, r->i_source, &p);
    add_power(&r->out->energy, &p, 0.5 * dt);
    ow_power_at(r->circuit, value, r->dv_source, r->i, r->i_source, &p);
    add_power(&r->out->energy, &p, 0.5 * dt);
}

/* The code model makes a jump that is due at an accepted point at the beginning of the
 * step that follows.  Capacitors hold the voltages meanwhile, so that step begins with
 * the old voltages and the new discrete states: put them in, for its energy. */
static void note_events(struct reader *r, const double value[])
{
    bool has_jumped = false;
    for (size_t s = 0; s < r->n_state; s++) {
        const double *x = value + r->n_node + s * r->n_cell;
        double *x_before = r->before + r->n_node + s * r->n_cell;
        if (!r->model->state[s].is_discrete)
            continue;
        for (size_t j = 0; j < r->n_cell; j++)
            if (fabs(x[j] - x_before[j]) > 0.5) {
                /* one jump may change several of them */
                r->out->events += r->out->t_event[j] != r->outputs.t;
                r->out->t_event[j] = r->outputs.t;
                x_before[j] = x[j];
                has_jumped = true;
            }
    }
    if (has_jumped)
        cell_currents(r, r->before, r->i_before);
}

/* The circuit's states and the periphery's energies, over the step from the point before. */
static void take_tran(struct reader *r, const struct ow_spice_point *p)
{
    cell_currents(r, p->value, r->i);
    ow_meter_take(&r->meter, p->t, p->value + r->metered);
    if (r->outputs.t < 0.0) {
        r->out->energy.stored = -ow_energy_stored(r->circuit, p->value);
    } else {
        note_events(r, p->value);
        integrate(r, p->value, p->t - r->outputs.t);
    }
    memcpy(r->before, p->value, p->n * sizeof *r->before);
    memcpy(r->i_before, r->i, r->n_cell * sizeof *r->i);
}

static enum ow_status take(void *user, const struct ow_spice_point *p, struct ow_error *err)
{
    struct reader *r = user;
    for (size_t k = 0; k < p->n; k++)
        if (!isfinite(p->value[k]))
            return ow_fail(err, OW_ERR_HOST, "ngspice: '%s' is not finite at %g s", r->name[k],
                           p->t);
    for (size_t j = 0; j < r->circuit->xb->cols; j++)
        r->outputs.v[j] = output(r, p->value, j);
    for (size_t j = 0; j < r->circuit->n_amp; j++)
        r->outputs.gain[j] = p->value[r->circuit->amp[j].inner];
    for (size_t j = 0; r->meter.has_adc && j < r->circuit->xb->cols; j++)
        r->outputs.converted[j] = ow_meter_converted(&r->meter, p->value + r->metered, j);
    if (p->is_tran && (r->outputs.t < 0.0 || p->t > r->outputs.t))
        take_tran(r, p);
    return ow_outputs_take(&r->outputs, p, err);
}

/* -- the door -------------------------------------------------------------------------------
 */

enum ow_status ow_spice_deck(const struct ow_circuit *circuit, const double amplitude[],
                             const struct ow_pulse *pulse,
                             const struct ow_netlist_options *options, char **deck,
                             struct ow_error *err)
{
    size_t size = 0;
    FILE *text = open_memstream(deck, &size);
    if (!text)
        return ow_fail(err, OW_ERR_NOMEM, "ngspice: out of memory");
    const enum ow_status st = ow_netlist_write(circuit, amplitude, pulse, options, text, err);
    if (fclose(text) != 0 && st == OW_OK)
        return ow_fail(err, OW_ERR_NOMEM, "ngspice: out of memory");
    return st;
}

enum ow_status ow_spice_read(struct ow_spice *spice, const struct ow_circuit *circuit,
                             const double amplitude[], const struct ow_pulse *pulse,
                             const double *x_begin, struct ow_reading *out,
                             struct ow_error *err)
{
    const double t_start = ow_seconds();
    struct reader r = {.circuit = circuit,
                       .model = circuit->xb->model,
                       .pulse = pulse,
                       .out = out,
                       .n_node = circuit->n_node,
                       .n_cell = circuit->xb->rows * circuit->xb->cols,
                       .n_state = circuit->xb->model->n_state};
    const struct ow_netlist_options options = {.codemodel = "./" OW_CODEMODEL_FILE,
                                               .has_states = true,
                                               .x_begin = x_begin,
                                               .reltol = spice->options.reltol,
                                               .max_step = spice->options.max_step};
    r.meter = ow_meter_of(circuit, false);
    r.metered = r.n_node + r.n_state * r.n_cell;
    r.is_integrator = circuit->xb->sense.kind == OW_SENSE_INTEGRATOR;
    r.n_value = r.metered + r.meter.n_vector + (r.is_integrator ? circuit->xb->cols : 0);
    char *deck = NULL;
    if (!spice->codemodel)
        return ow_fail(err, OW_ERR_HOST, "no code models (ohmweave.cm) given for ngspice");
    enum ow_status st = OW_OK;
    if (!allocate(&r))
        st = ow_fail(err, OW_ERR_NOMEM, "ngspice: out of memory");
    if (st == OW_OK)
        st = name_vectors(&r, err);
    if (st == OW_OK)
        st = ow_outputs_init(circuit, pulse, out, &r.outputs, err);
    if (st == OW_OK)
        r.outputs.is_converted = r.meter.has_adc;
    if (st == OW_OK)
        st = ow_spice_deck(circuit, amplitude, pulse, &options, &deck, err);
    if (st == OW_OK) {
        const struct ow_spice_job job = {.deck = deck,
                                         .name = r.name_or_0,
                                         .n_name = r.n_value,
                                         .needs_op = true,
                                         .t_end = ow_pulse_end(pulse),
                                         .point = take,
                                         .user = &r};
        st = ow_spice_run(spice, &job, err);
    }
    if (st == OW_OK) {
        out->energy.stored += ow_energy_stored(circuit, r.before);
        ow_meter_put(&r.meter, ow_pulse_end(pulse), &out->energy);
        memcpy(out->x_end, r.before + r.n_node, r.n_state * r.n_cell * sizeof *out->x_end);
        out->wall_s = ow_seconds() - t_start;
    }
    free(deck);
    finish(&r);
    return st;
}
