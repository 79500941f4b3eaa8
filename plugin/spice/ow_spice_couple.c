#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ow_clock.h"
#include "ow_netlist.h"
#include "ow_offer.h"
#include "ow_spice_child.h"
#include "ow_spice_meter.h"
#include "ow_spice_outputs.h"
#include "ow_spice_private.h"

/* The array's monitor, before what the meter wants: see ow_netlist.h. */
enum { IN, DEVICES, WIRES, STORED, MISMATCH, N_MONITOR };
static const char *const monitor[N_MONITOR] = {"me", "md", "mw", "ms", "mm"};

/* One co-simulated read under way. */
struct coupler {
    const struct ow_circuit *circuit;
    const struct ow_pulse *pulse;
    struct ow_reading *out;
    struct ow_meter meter;
    size_t n_value;
    char (*name)[OW_METER_NAME]; /* [n_value] */
    const char **name_or_0;      /* [n_value] */
    double *before;              /* [n_value] the latest time point */
    struct ow_outputs outputs;
    struct ow_offer_report report; /* in ngspice's process, then here */
};

static void finish(struct coupler *c)
{
    free(c->name);
    free((void *)c->name_or_0);
    free(c->before);
    ow_outputs_finish(&c->outputs);
}

static bool allocate(struct coupler *c)
{
    c->name = calloc(c->n_value, sizeof *c->name);
    c->name_or_0 = calloc(c->n_value, sizeof *c->name_or_0);
    c->before = calloc(c->n_value, sizeof *c->before);
    if (!c->name || !c->name_or_0 || !c->before)
        return false;
    for (size_t k = 0; k < N_MONITOR; k++)
        snprintf(c->name[k], OW_METER_NAME, "%s", monitor[k]);
    ow_meter_names(&c->meter, c->name + N_MONITOR);
    for (size_t k = 0; k < c->n_value; k++)
        c->name_or_0[k] = c->name[k];
    return true;
}

static enum ow_status take(void *user, const struct ow_spice_point *p, struct ow_error *err)
{
    struct coupler *c = user;
    const size_t cols = c->circuit->xb->cols;
    for (size_t k = 0; k < p->n; k++)
        if (!isfinite(p->value[k]))
            return ow_fail(err, OW_ERR_HOST, "ngspice: '%s' is not finite at %g s", c->name[k],
                           p->t);
    for (size_t j = 0; j < cols; j++)
        c->outputs.v[j] = ow_meter_output(&c->meter, p->value + N_MONITOR, j);
    for (size_t j = 0; j < c->circuit->n_amp; j++)
        c->outputs.gain[j] = ow_meter_gain(&c->meter, p->value + N_MONITOR, j);
    for (size_t j = 0; c->meter.has_adc && j < cols; j++)
        c->outputs.converted[j] = ow_meter_converted(&c->meter, p->value + N_MONITOR, j);
    if (p->is_tran) {
        ow_meter_take(&c->meter, p->t, p->value + N_MONITOR);
        memcpy(c->before, p->value, p->n * sizeof *c->before);
    }
    return ow_outputs_take(&c->outputs, p, err);
}

/* What the array has come to, and what it exchanged with the periphery. */
static void put_energy(struct coupler *c)
{
    struct ow_energy *e = &c->out->energy;
    e->devices = c->before[DEVICES];
    e->wires = c->before[WIRES];
    e->stored = c->before[STORED];
    ow_meter_put(&c->meter, ow_pulse_end(c->pulse), e);
    c->out->events = c->report.events;
    c->out->coupling = (struct ow_coupling){.points = c->report.points,
                                            .rejected = c->report.rejected,
                                            .iterations = c->report.iterations,
                                            .solutions = c->report.solutions,
                                            .mismatch = c->report.mismatch,
                                            .worst_port = c->report.worst_port};
}

/* The port that is to blame in the words of the deck. */
static enum ow_status explain(const struct coupler *c, enum ow_status st,
                              const struct ow_error *why, struct ow_error *err)
{
    const size_t rows = c->circuit->xb->rows, k = c->report.worst_port;
    if (st != OW_ERR_HOST || c->report.iterations == 0)
        return ow_fail(err, st, "%s", why->text);
    return ow_fail(err, st, "%s (the array's ports disagreed most at %s line %zu%s%s)",
                   why->text, k < rows ? "word" : "bit", k < rows ? k : k - rows,
                   c->report.failure[0] ? ": " : "", c->report.failure);
}

enum ow_status ow_spice_couple(struct ow_spice *spice, const struct ow_circuit *circuit,
                               const struct ow_circuit *bare,
                               const struct ow_couple_options *options,
                               const double amplitude[], const struct ow_pulse *pulse,
                               const double *x_begin, struct ow_reading *out,
                               struct ow_error *err)
{
    const double t_start = ow_seconds();
    struct coupler c = {
        .circuit = circuit, .pulse = pulse, .out = out, .meter = ow_meter_of(circuit, true)};
    const struct ow_offer offer = {.size = sizeof offer,
                                   .version = OW_VERSION,
                                   .circuit = bare,
                                   .x_begin = x_begin,
                                   .v_scale = options->v_scale,
                                   .rtol = options->rtol,
                                   .n_threads = options->n_threads,
                                   .report = &c.report,
                                   .x_end = out->x_end,
                                   .t_event = out->t_event};
    const struct ow_spice_place back[] = {
        {&c.report, sizeof c.report},
        {out->x_end, out->n_state * out->n_cell * sizeof *out->x_end},
        {out->t_event, out->n_cell * sizeof *out->t_event}};
    const struct ow_netlist_options deck_options = {
        .codemodel = spice->codemodel ? "./" OW_CODEMODEL_FILE : NULL,
        .is_coupled = true,
        .tol = options->tol,
        .reltol = spice->options.reltol,
        .max_step = spice->options.max_step};
    struct ow_error why = {0};
    char *deck = NULL;
    if (!spice->array_codemodel)
        return ow_fail(err, OW_ERR_HOST,
                       "no code models of arrays (ohmweave_array.cm) given for ngspice");
    c.n_value = N_MONITOR + c.meter.n_vector;
    enum ow_status st = allocate(&c) ? OW_OK : ow_fail(err, OW_ERR_NOMEM, "out of memory");
    if (st == OW_OK)
        st = ow_outputs_init(circuit, pulse, out, &c.outputs, err);
    if (st == OW_OK)
        c.outputs.is_converted = c.meter.has_adc;
    if (st == OW_OK)
        st = ow_spice_deck(circuit, amplitude, pulse, &deck_options, &deck, err);
    if (st == OW_OK) {
        const struct ow_spice_job job = {.deck = deck,
                                         .name = c.name_or_0,
                                         .n_name = c.n_value,
                                         .needs_op = true,
                                         .t_end = ow_pulse_end(pulse),
                                         .point = take,
                                         .user = &c,
                                         .offer = &offer,
                                         .back = back,
                                         .n_back = sizeof back / sizeof back[0]};
        st = ow_spice_run(spice, &job, &why);
        if (st)
            explain(&c, st, &why, err);
    }
    if (st == OW_OK) {
        put_energy(&c);
        out->wall_s = ow_seconds() - t_start;
    }
    free(deck);
    finish(&c);
    return st;
}
