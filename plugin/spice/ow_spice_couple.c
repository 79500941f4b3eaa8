#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ow_clock.h"
#include "ow_netlist.h"
#include "ow_offer.h"
#include "ow_spice_child.h"
#include "ow_spice_meter.h"
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
    char (*name)[OW_METER_NAME];   /* [n_value] */
    const char **name_or_0;        /* [n_value] */
    double *before, *v_sense;      /* [n_value], [cols] V */
    double t_before;               /* s, -1 before the first point */
    struct ow_offer_report report; /* in ngspice's process, then here */
    double *x_end, *t_event;       /* [n_state][n_cell], [n_cell]: likewise */
};

static void finish(struct coupler *c)
{
    free(c->name);
    free((void *)c->name_or_0);
    free(c->before);
    free(c->v_sense);
}

static bool allocate(struct coupler *c)
{
    c->name = calloc(c->n_value, sizeof *c->name);
    c->name_or_0 = calloc(c->n_value, sizeof *c->name_or_0);
    c->before = calloc(c->n_value, sizeof *c->before);
    c->v_sense = calloc(c->circuit->xb->cols, sizeof *c->v_sense);
    if (!c->name || !c->name_or_0 || !c->before || !c->v_sense)
        return false;
    for (size_t k = 0; k < N_MONITOR; k++)
        snprintf(c->name[k], OW_METER_NAME, "%s", monitor[k]);
    ow_meter_names(&c->meter, c->name + N_MONITOR);
    for (size_t k = 0; k < c->n_value; k++)
        c->name_or_0[k] = c->name[k];
    return true;
}

static double output(const struct coupler *c, const double value[], size_t j)
{
    return ow_meter_output(&c->meter, value + N_MONITOR, j);
}

static bool is_integrator(const struct coupler *c)
{
    return c->circuit->xb->sense.kind == OW_SENSE_INTEGRATOR;
}

/* Linear between the points around the sampling time, which is a time point but for
 * rounding. */
static void sample(struct coupler *c, const double value[], double t)
{
    const double ts = ow_pulse_sample(c->pulse);
    if (!(c->t_before < ts && t >= ts))
        return;
    const double share = (ts - c->t_before) / (t - c->t_before);
    for (size_t j = 0; j < c->circuit->xb->cols; j++) {
        const double before = output(c, c->before, j);
        c->out->v_sample[j] = before + (output(c, value, j) - before) * share;
    }
    for (size_t j = 0; c->circuit->n_amp > 0 && j < c->circuit->xb->cols; j++) {
        const double before = ow_meter_gain(&c->meter, c->before + N_MONITOR, j);
        c->out->v_gain[j] =
            before + (ow_meter_gain(&c->meter, value + N_MONITOR, j) - before) * share;
    }
    if (is_integrator(c))
        memcpy(c->out->v_gain, c->out->v_sample, c->out->cols * sizeof(double));
}

/* With widths: integrals, by the trapezoidal rule, and the extremes of the gain nodes; of
 * integrators what they have come to. */
static void accumulate(struct coupler *c, const double value[], double dt)
{
    const double part = 0.5 * dt / ow_pulse_area(c->pulse);
    for (size_t j = 0; is_integrator(c) && j < c->out->cols; j++)
        c->out->v_sample[j] = c->out->v_gain[j] = output(c, value, j);
    if (is_integrator(c))
        return;
    for (size_t j = 0; j < c->circuit->xb->cols; j++)
        c->out->v_sample[j] += part * (output(c, c->before, j) + output(c, value, j));
    for (size_t j = 0; c->circuit->n_amp > 0 && j < c->circuit->xb->cols; j++) {
        const double v = ow_meter_gain(&c->meter, value + N_MONITOR, j);
        if (fabs(v) > fabs(c->out->v_gain[j]))
            c->out->v_gain[j] = v;
    }
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
        c->v_sense[j] = output(c, p->value, j);
    if (!p->is_tran) {
        memcpy(c->out->v_dc, c->v_sense, cols * sizeof *c->v_sense);
        return OW_OK;
    }
    if (c->t_before >= 0.0 && !(p->t > c->t_before))
        return ow_fail(err, OW_ERR_HOST, "ngspice went back in time: %.17g s after %.17g s",
                       p->t, c->t_before);
    ow_meter_take(&c->meter, p->t, p->value + N_MONITOR);
    if (c->t_before >= 0.0) {
        if (c->pulse->width)
            accumulate(c, p->value, p->t - c->t_before);
        else
            sample(c, p->value, p->t);
        c->out->steps++;
    }
    memcpy(c->before, p->value, p->n * sizeof *c->before);
    c->t_before = p->t;
    return ow_waveform_append(&c->out->wave, cols, p->t, c->v_sense) == OW_OK
               ? OW_OK
               : ow_fail(err, OW_ERR_NOMEM, "ngspice: out of memory");
}

static enum ow_status write_deck(const struct coupler *c, const struct ow_spice *spice,
                                 double tol, const double amplitude[], char **deck,
                                 struct ow_error *err)
{
    const struct ow_netlist_options options = {
        .codemodel = spice->codemodel ? "./" OW_CODEMODEL_FILE : NULL,
        .is_coupled = true,
        .tol = tol,
        .reltol = spice->options.reltol,
        .max_step = spice->options.max_step};
    size_t size = 0;
    FILE *text = open_memstream(deck, &size);
    if (!text)
        return ow_fail(err, OW_ERR_NOMEM, "ngspice: out of memory");
    const enum ow_status st =
        ow_netlist_write(c->circuit, amplitude, c->pulse, &options, text, err);
    if (fclose(text) != 0 && st == OW_OK)
        return ow_fail(err, OW_ERR_NOMEM, "ngspice: out of memory");
    return st;
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
    struct coupler c = {.circuit = circuit,
                        .pulse = pulse,
                        .out = out,
                        .meter = ow_meter_of(circuit, true),
                        .t_before = -1.0,
                        .x_end = out->x_end,
                        .t_event = out->t_event};
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
    struct ow_error why = {0};
    char *deck = NULL;
    if (!spice->array_codemodel)
        return ow_fail(err, OW_ERR_HOST,
                       "no code models of arrays (ohmweave_array.cm) given for ngspice");
    c.n_value = N_MONITOR + c.meter.n_vector;
    enum ow_status st = allocate(&c) ? OW_OK : ow_fail(err, OW_ERR_NOMEM, "out of memory");
    if (st == OW_OK)
        st = write_deck(&c, spice, options->tol, amplitude, &deck, err);
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
        ow_spice_clear(out);
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
