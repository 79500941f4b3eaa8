#include "ow_netlist.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_deck.h"
#include "ow_series.h"

/* ohm: the load of an amplifier's gain node.  Only its products with the transconductance
 * (the gain) and the capacitance (the pole) matter. */
#define R_GAIN 1e3

/* ngspice truncates the charge error of a step against reltol and chgtol; node
 * capacitances of 0.1 fF at millivolts hold 1e-19 C. */
#define VNTOL  1e-9  /* V */
#define ABSTOL 1e-15 /* A */
#define CHGTOL 1e-20 /* C */

/* With the array as a part, whose currents come with the errors of a solver, or with
 * transistors, whose milliamperes leave rounding errors above the values for the array alone:
 * ngspice would look for structure in them until its steps are too small. */
#define WIDE_RELTOL 1e-4
#define WIDE_VNTOL  1e-7  /* V */
#define WIDE_ABSTOL 1e-11 /* A */
#define WIDE_CHGTOL 1e-16 /* C */

static bool has_wide_tolerances(const struct ow_deck *d)
{
    return d->options.is_coupled || ow_periphery_is_there(d->xb->periphery);
}

/* -- the blocks of the deck, top to bottom -------------------------------------------- */

static void write_header(struct ow_deck *d)
{
    const struct ow_crossbar *xb = d->xb;
    if (d->options.title)
        ow_deck_line(d, "%s", d->options.title);
    else
        ow_deck_line(d, "ohmweave: %zu x %zu crossbar of %s cells", xb->rows, xb->cols,
                     xb->model->name);
    ow_deck_line(d, "* Written by ohmweave " OW_VERSION ".  Run: ngspice -b THIS_FILE");
    const struct ow_series *pair = xb->model->series;
    ow_deck_line(d, "* %zu word lines, %zu bit lines, cells of model ow_%s%s%s.  SI units.",
                 xb->rows, xb->cols, pair ? pair->part[0]->name : xb->model->name,
                 pair ? " and ow_" : "", pair ? pair->part[1]->name : "");
    ow_deck_line(
        d, "* Nodes: sI source of word line I; wI_J and bI_J word and bit line at row I,");
    ow_deck_line(d,
                 "* column J (wI, bJ: a whole line without resistance); inJ sense input; outJ");
    ow_deck_line(d, "* amplifier output, aJ its gain node%s.",
                 d->options.has_states ? "; xI_J_NAME state NAME of the cell, 1 V = 1" : "");
    if (pair)
        ow_deck_line(d, "* nI_J is the node between both devices of a cell.");
    if (xb->sense.kind == OW_SENSE_DRIVER)
        ow_deck_line(d, "* Bit lines are driven: dJ source of bit line J, behind inJ.");
    ow_deck_line(
        d, "* Nodes joined by 0 ohm are one node; parts that nothing drives are left out.");
    const bool is_wide = has_wide_tolerances(d);
    ow_deck_line(d, ".options reltol=%s vntol=%s abstol=%s chgtol=%s", NUM(d->options.reltol),
                 NUM(is_wide ? WIDE_VNTOL : VNTOL), NUM(is_wide ? WIDE_ABSTOL : ABSTOL),
                 NUM(is_wide ? WIDE_CHGTOL : CHGTOL));
}

static void write_sources(struct ow_deck *d)
{
    const double t1 = d->pulse->t_rise;
    ow_deck_blank(d);
    ow_deck_line(
        d, "* Inputs: a pulse in the transient; the DC value is for `op`, inputs held on.");
    for (size_t i = 0; i < d->circuit->n_source; i++) {
        const double a = d->amplitude[i], t2 = ow_pulse_fall(d->pulse, i);
        char name[OW_NODE_NAME];
        if (i < d->xb->rows)
            ow_deck_drive(d, i, name);
        else
            ow_circuit_node_name(d->circuit, 1 + i, name);
        ow_deck_word(d, "V%s %s 0 DC %s", name, name, NUM(a));
        ow_deck_word(d, "PWL(0 0 %s %s", NUM(t1), NUM(a));
        if (t2 > t1)
            ow_deck_word(d, "%s %s", NUM(t2), NUM(a));
        ow_deck_word(d, "%s 0)", NUM(t2 + t1));
        ow_deck_end_card(d);
    }
}

static void write_resistor(struct ow_deck *d, size_t k)
{
    const struct ow_resistor el = ow_circuit_resistor(d->circuit, k);
    char a[OW_NODE_NAME], b[OW_NODE_NAME];
    if (d->is_floating[el.a])
        return; /* then so is b */
    ow_deck_word(d, "R%zu %s %s %s", k, ow_deck_node(d, el.a, a), ow_deck_node(d, el.b, b),
                 NUM(el.r));
    ow_deck_end_card(d);
}

static void write_resistors(struct ow_deck *d, bool is_sense)
{
    for (size_t k = 0; k < d->circuit->n_resistor; k++)
        if (ow_circuit_resistor(d->circuit, k).is_sense == is_sense)
            write_resistor(d, k);
}

static void write_wires(struct ow_deck *d)
{
    char name[OW_NODE_NAME];
    ow_deck_blank(d);
    ow_deck_line(
        d, "* Lines (ohm); a driver and the first segment of its word line are one resistor.");
    write_resistors(d, false);
    ow_deck_blank(d);
    ow_deck_line(d, "* Capacitance to ground, all that meets at a node (F).");
    for (size_t k = 1; k < d->circuit->n_node; k++) {
        if (d->is_floating[k] || !(ow_circuit_c(d->circuit, k) > 0.0))
            continue;
        ow_deck_node(d, k, name);
        ow_deck_word(d, "C%s %s 0 %s", name, name, NUM(ow_circuit_c(d->circuit, k)));
        ow_deck_end_card(d);
    }
}

/* gain (v_os - v_in - h(v_a)) - v_a = tau dv_a/dt of ow_crossbar.h, divided by R_GAIN: a
 * current into R_GAIN beside a capacitor. */
void ow_deck_amp_macro(struct ow_deck *d)
{
    const struct ow_sense *s = &d->xb->sense;
    const double tau = s->gain / (2.0 * M_PI * s->gbw);
    ow_deck_line(d,
                 "* sp(u) = ln(1 + e^u) without overflow; h is the clamp at the supply rails.");
    ow_deck_line(d, ".func sp(u) {max(u, 0) + ln(1 + exp(-abs(u)))}");
    ow_deck_line(d, ".func h(x) {%s*(sp((x - %s)/%s) - sp((-x - %s)/%s))}",
                 NUM(OW_CLAMP_SLOPE * OW_CLAMP_WIDTH), NUM(0.5 * s->vdd), NUM(OW_CLAMP_WIDTH),
                 NUM(0.5 * s->vdd), NUM(OW_CLAMP_WIDTH));
    ow_deck_line(d, ".subckt ow_amp in a out");
    ow_deck_line(d, "Bgain 0 a I = %s*(%s - V(in) - h(V(a)))", NUM(s->gain / R_GAIN),
                 NUM(s->v_os));
    ow_deck_line(d, "Rgain a 0 %s", NUM(R_GAIN));
    ow_deck_line(d, "Cgain a 0 %s", NUM(tau / R_GAIN));
    ow_deck_line(d, "Ebuf o 0 a 0 1");
    ow_deck_line(d, "Rout o out %s", NUM(s->r_out));
    if (s->c_f > 0.0)
        ow_deck_line(d, "Cf in out %s", NUM(s->c_f));
    ow_deck_line(d, ".ends");
}

static void write_sense(struct ow_deck *d)
{
    char in[OW_NODE_NAME], a[OW_NODE_NAME], out[OW_NODE_NAME];
    if (d->xb->sense.kind == OW_SENSE_DRIVER)
        return; /* their drivers stand among the lines */
    if (d->xb->sense.kind == OW_SENSE_SUBCKT) {
        ow_deck_sense(d);
        return;
    }
    ow_deck_blank(d);
    if (d->circuit->n_amp) {
        ow_deck_line(d, "* Transimpedance amplifiers and their feedback resistors.");
        ow_deck_amp_macro(d);
    } else if (d->xb->sense.kind == OW_SENSE_INTEGRATOR) {
        ow_deck_line(d, "* Integrators and their input resistances.");
    } else {
        ow_deck_line(d, "* Sense resistors.");
    }
    for (size_t k = 0; k < d->circuit->n_amp; k++) {
        const struct ow_amp *amp = &d->circuit->amp[k];
        ow_deck_word(d, "X%zu %s %s %s ow_amp", k, ow_deck_node(d, amp->in, in),
                     ow_deck_node(d, amp->inner, a), ow_deck_node(d, amp->out, out));
        ow_deck_end_card(d);
    }
    write_resistors(d, true);
    for (size_t j = 0; d->xb->sense.kind == OW_SENSE_INTEGRATOR && j < d->xb->cols; j++) {
        snprintf(out, sizeof out, "out%zu", j);
        ow_deck_integrator(d, j, ow_deck_node(d, d->circuit->sense_in[j], in), out);
    }
}

/* c_int dv_out/dt = -v_in / r_f of ow_crossbar.h.  In DC, at time 0, a resistor stands for the
 * capacitor: there v_out is where the current takes it by the time it is read, and 0 at rest.
 */
void ow_deck_integrator(struct ow_deck *d, size_t j, const char *in, const char *out)
{
    const struct ow_sense *s = &d->xb->sense;
    ow_deck_word(d, "Gint%zu %s 0 %s 0 %s", j, out, in, NUM(1.0 / s->r_f));
    ow_deck_end_card(d);
    ow_deck_word(d, "Cint%zu %s 0 %s", j, out, NUM(s->c_int));
    ow_deck_end_card(d);
    ow_deck_line(d, "Bdc%zu %s 0 I = time > 0 ? 0 : V(%s)*%s", j, out, out,
                 NUM(s->c_int / ow_pulse_integrated(d->pulse)));
}

/* Initial states are parameters, so carried ones are as good as programmed ones.  A
 * solver may leave a state a rounding error outside the range that the model accepts. */
static void carry_states(const struct ow_deck *d, size_t cell, double param[])
{
    const struct ow_model *model = d->xb->model;
    const size_t n_cell = d->xb->rows * d->xb->cols;
    for (size_t s = 0; s < model->n_state; s++) {
        const struct ow_param *row = &model->param[model->state[s].init];
        /* A jump that is a rounding error overdue is due now; below 0 may mean more. */
        const bool is_hazard = model->fire && s == model->event_state;
        const double x = d->options.x_begin[s * n_cell + cell];
        param[model->state[s].init] = fmin(fmax(x, is_hazard ? 0.0 : row->lo), row->hi);
    }
}

static void write_model_card(struct ow_deck *d, const struct ow_model *model, const char *name,
                             const double param[])
{
    ow_deck_word(d, ".model %s ow_%s(", name, model->name);
    for (size_t k = 0; k < model->n_param; k++) {
        const struct ow_param *row = &model->param[k];
        if (param[k] == row->dflt)
            continue;
        if (row->choice) /* without the quotes ngspice takes the word for a .param */
            ow_deck_word(d, "%s=\"%s\"", row->name, row->choice[(size_t)param[k]]);
        else
            ow_deck_word(d, "%s=%s", row->name, NUM(param[k]));
    }
    ow_deck_word(d, ")");
    ow_deck_end_card(d);
}

/* One device with its card, named by a letter and the cell's place; its states are the cell's
 * from `first` on. */
static void write_device(struct ow_deck *d, const struct ow_model *model, char letter,
                         size_t cell, size_t first, const char *te, const char *be,
                         const double param[])
{
    const size_t i = cell / d->xb->cols, j = cell % d->xb->cols;
    char name[OW_STATE_NAME];
    if (letter == 'm')
        ow_deck_word(d, "A%zu_%zu %%gd(%s %s)", i, j, te, be);
    else
        ow_deck_word(d, "A%c%zu_%zu %%gd(%s %s)", letter, i, j, te, be);
    for (size_t s = 0; s < model->n_state; s++) {
        if (d->options.has_states)
            ow_netlist_state_name(d->circuit, cell, first + s, name);
        ow_deck_word(d, "%s", d->options.has_states ? name : "null");
    }
    snprintf(name, sizeof name, "%c%zu_%zu", letter, i, j);
    ow_deck_word(d, "%s", name);
    ow_deck_end_card(d);
    write_model_card(d, model, name, param);
}

/* The cell's device, or a memristor, an inner node and an access device. */
static void write_devices(struct ow_deck *d, size_t cell, const char *te, const char *be)
{
    const struct ow_model *model = d->xb->model;
    const struct ow_series *pair = model->series;
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    char inner[OW_STATE_NAME];
    ow_crossbar_cell(d->xb, cell, param, x);
    if (d->options.x_begin)
        carry_states(d, cell, param);
    if (!pair) {
        write_device(d, model, 'm', cell, 0, te, be, param);
        return;
    }
    snprintf(inner, sizeof inner, "n%zu_%zu", cell / d->xb->cols, cell % d->xb->cols);
    write_device(d, pair->part[0], 'm', cell, 0, te, inner, param);
    write_device(d, pair->part[1], 's', cell, pair->part[0]->n_state, inner, be,
                 param + pair->part[0]->n_param);
}

/* A cell without a voltage (both ends one node, or floating) matters only where its
 * state does: it is then tied across ground. */
static void write_cell(struct ow_deck *d, size_t cell)
{
    const size_t te = ow_circuit_te(d->circuit, cell), be = ow_circuit_be(d->circuit, cell);
    const size_t i = cell / d->xb->cols, j = cell % d->xb->cols;
    const bool is_idle = te == be || d->is_floating[te] || d->is_floating[be];
    char a[OW_NODE_NAME], b[OW_NODE_NAME];
    if (is_idle && !d->options.has_states)
        return;
    write_devices(d, cell, ow_deck_node(d, is_idle ? OW_GROUND : te, a),
                  ow_deck_node(d, is_idle ? OW_GROUND : be, b));
    if (d->xb->c_cell > 0.0 && !is_idle) {
        ow_deck_word(d, "C%zu_%zu %s %s %s", i, j, ow_deck_node(d, te, a),
                     ow_deck_node(d, be, b), NUM(d->xb->c_cell));
        ow_deck_end_card(d);
    }
}

static void write_cells(struct ow_deck *d)
{
    ow_deck_blank(d);
    ow_deck_line(
        d, "* Cells: TE on the word line, BE on the bit line%s; parameters that are not the",
        d->options.has_states ? ", then the state nodes" : "");
    ow_deck_line(d, "* model's defaults.");
    for (size_t cell = 0; cell < d->xb->rows * d->xb->cols; cell++)
        write_cell(d, cell);
}

/* ngspice 39 turns every `pre_codemodel` line into lower case, but not one that begins
 * with pre_osdi.  A path with capitals therefore goes through an alias of that name. */
static void write_codemodel(struct ow_deck *d)
{
    const char *path = d->options.codemodel;
    bool has_capitals = false;
    for (const char *c = path; *c; c++)
        has_capitals |= isupper((unsigned char)*c) != 0;
    if (has_capitals) {
        ow_deck_line(
            d, "* ngspice would write pre_codemodel's path in lower case; pre_osdi keeps it.");
        ow_deck_line(d, "pre_alias osdi codemodel");
    }
    /* dlopen() looks for a bare file name in the system's folders only. */
    ow_deck_line(d, "%s %s%s", has_capitals ? "pre_osdi" : "pre_codemodel",
                 strchr(path, '/') ? "" : "./", path);
}

/* Without this, batch mode would run the .tran card once more after the commands. */
static void write_quit(struct ow_deck *d)
{
    ow_deck_line(d, "if $?batchmode");
    ow_deck_line(d, "  quit $sim_status");
    ow_deck_line(d, "end");
}

/* False for a column that has no voltage in the results: it stands at 0 V. */
static bool output_name(const struct ow_deck *d, size_t col, char name[OW_NODE_NAME])
{
    const size_t node = d->circuit->sense_out[col];
    if (d->options.is_coupled || d->xb->sense.kind == OW_SENSE_SUBCKT ||
        d->xb->sense.kind == OW_SENSE_INTEGRATOR) {
        snprintf(name, OW_NODE_NAME, "out%zu", col);
        return true;
    }
    ow_deck_node(d, node, name);
    return node != OW_GROUND && !d->is_floating[node];
}

static void write_control(struct ow_deck *d)
{
    char name[OW_NODE_NAME];
    ow_deck_blank(d);
    ow_deck_line(d, ".tran %s %s 0 %s", NUM(d->options.max_step), NUM(ow_pulse_end(d->pulse)),
                 NUM(d->options.max_step));
    ow_deck_blank(d);
    ow_deck_line(d, ".control");
    write_codemodel(d);
    ow_deck_line(d, "set numdgt=12");
    ow_deck_line(d, "echo sense outputs in DC, inputs held on:");
    ow_deck_line(d, "op");
    for (size_t j = 0; j < d->xb->cols; j++)
        if (output_name(d, j, name))
            ow_deck_line(d, "print v(%s)", name);
    ow_deck_line(d, "run");
    if (d->options.raw) {
        ow_deck_line(d, "set filetype=binary");
        ow_deck_line(d, "write %s", d->options.raw);
    }
    const bool has_integrals = d->pulse->width && d->xb->sense.kind != OW_SENSE_INTEGRATOR;
    const double t_taken = d->pulse->width ? ow_pulse_end(d->pulse) : ow_pulse_sample(d->pulse);
    ow_deck_line(d, "if $sim_status = 0");
    ow_deck_line(d, "  echo %s:",
                 has_integrals ? "integrals of the sense outputs (V s)"
                               : "sense outputs at the sampling time");
    for (size_t j = 0; j < d->xb->cols; j++)
        if (output_name(d, j, name) && has_integrals)
            ow_deck_line(d, "  meas tran sense%zu integ v(%s) from=0 to=%s", j, name,
                         NUM(ow_pulse_end(d->pulse)));
        else if (output_name(d, j, name))
            ow_deck_line(d, "  meas tran sense%zu find v(%s) at=%s", j, name, NUM(t_taken));
    ow_deck_line(d, "end");
    write_quit(d);
    ow_deck_line(d, ".endc");
    ow_deck_line(d, ".end");
}

/* -- the door -------------------------------------------------------------------------- */

static enum ow_status check_path(const char *key, const char *path, struct ow_error *err)
{
    const char *bad = path;
    while (*bad && (isalnum((unsigned char)*bad) || strchr("/._-+@=", *bad)))
        bad++;
    if (!*path || *bad)
        return ow_fail(err, OW_ERR_INPUT,
                       "%s '%s': an ngspice command cannot name this file; use letters, "
                       "digits and / . _ - + @ = only",
                       key, path);
    return OW_OK;
}

static enum ow_status check(const struct ow_deck *d, struct ow_error *err)
{
    enum ow_status st = check_path("path of the code models", d->options.codemodel, err);
    if (st == OW_OK && d->options.raw)
        st = check_path("raw file", d->options.raw, err);
    if (st != OW_OK)
        return st;
    if (d->options.title && strpbrk(d->options.title, "\r\n"))
        return ow_fail(err, OW_ERR_INPUT, "title of a deck: expected one line");
    if (!(d->pulse->t_rise > 0.0 && d->pulse->t_read > 0.0 &&
          ow_pulse_end(d->pulse) < INFINITY))
        return ow_fail(err, OW_ERR_RANGE,
                       "pulse: t_rise = %g s and t_read = %g s, expected positive times",
                       d->pulse->t_rise, d->pulse->t_read);
    for (size_t i = 0; d->pulse->width && i < d->circuit->n_source; i++)
        if (!(d->pulse->width[i] >= 0.0 && d->pulse->width[i] <= d->pulse->t_read))
            return ow_fail(err, OW_ERR_RANGE, "pulse: a width of %g s, expected 0 to %g s",
                           d->pulse->width[i], d->pulse->t_read);
    if (!(d->options.reltol > 0.0 && d->options.reltol < 1.0 && d->options.max_step > 0.0 &&
          d->options.max_step < INFINITY))
        return ow_fail(err, OW_ERR_RANGE,
                       "deck: reltol = %g and max_step = %g s, expected 0 < reltol < 1 and a "
                       "positive time",
                       d->options.reltol, d->options.max_step);
    for (size_t i = 0; i < d->circuit->n_source; i++)
        if (!isfinite(d->amplitude[i]))
            return ow_fail(err, OW_ERR_RANGE, "%s line %zu: amplitude %g V is not finite",
                           i < d->xb->rows ? "word" : "bit",
                           i < d->xb->rows ? i : i - d->xb->rows, d->amplitude[i]);
    return OW_OK;
}

static void write_deck(struct ow_deck *d)
{
    write_header(d);
    write_sources(d);
    ow_deck_periphery(d);
    ow_deck_drivers(d);
    if (d->options.is_coupled) {
        ow_deck_array(d);
        ow_deck_sense(d);
    } else {
        write_wires(d);
        write_sense(d);
        write_cells(d);
    }
    write_control(d);
}

static void take_defaults(struct ow_deck *d, const struct ow_netlist_options *options)
{
    d->options = options ? *options : (struct ow_netlist_options){0};
    if (!d->options.codemodel)
        d->options.codemodel = "ohmweave.cm";
    if (d->options.reltol == 0.0)
        d->options.reltol = has_wide_tolerances(d) ? WIDE_RELTOL : 1e-6;
    if (d->options.tol == 0.0)
        d->options.tol = 1e-5;
    if (d->options.max_step == 0.0)
        d->options.max_step = d->pulse->t_rise / 20.0;
}

enum ow_status ow_netlist_write(const struct ow_circuit *circuit, const double amplitude[],
                                const struct ow_pulse *pulse,
                                const struct ow_netlist_options *options, FILE *out,
                                struct ow_error *err)
{
    struct ow_deck d = {.circuit = circuit,
                        .xb = circuit->xb,
                        .amplitude = amplitude,
                        .pulse = pulse,
                        .out = out};
    take_defaults(&d, options);
    enum ow_status st = check(&d, err);
    if (st != OW_OK)
        return st;
    d.is_floating = calloc(circuit->n_node, sizeof *d.is_floating);
    /* A caller's locale must not put commas into the numbers. */
    const locale_t c_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (!d.is_floating || c_locale == (locale_t)0) {
        st = ow_fail(err, OW_ERR_NOMEM, "netlist: out of memory");
    } else {
        st = ow_circuit_floating(circuit, d.is_floating, err);
    }
    if (st == OW_OK) {
        const locale_t before = uselocale(c_locale);
        write_deck(&d);
        uselocale(before);
        if (fflush(out) != 0 || ferror(out))
            st = ow_fail(err, OW_ERR_FILE, "netlist: writing failed");
    }
    if (c_locale != (locale_t)0)
        freelocale(c_locale);
    free(d.is_floating);
    return st;
}

void ow_netlist_state_name(const struct ow_circuit *circuit, size_t cell, size_t s,
                           char name[64])
{
    const struct ow_crossbar *xb = circuit->xb;
    snprintf(name, OW_STATE_NAME, "x%zu_%zu_%s", cell / xb->cols, cell % xb->cols,
             xb->model->state[s].name);
}
