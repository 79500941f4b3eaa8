#include "ow_netlist.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ow_number.h"
#include "ow_series.h"

#ifndef OW_VERSION
#define OW_VERSION "(unversioned)"
#endif

enum { NAME = 32, STATE_NAME = 64, LINE_WIDTH = 88 };

/* ohm: the load of an amplifier's gain node.  Only its products with the transconductance
 * (the gain) and the capacitance (the pole) matter. */
#define R_GAIN 1e3

/* ngspice truncates the charge error of a step against reltol and chgtol; node
 * capacitances of 0.1 fF at millivolts hold 1e-19 C. */
#define VNTOL  1e-9  /* V */
#define ABSTOL 1e-15 /* A */
#define CHGTOL 1e-20 /* C */

struct deck {
    const struct ow_circuit *circuit;
    const struct ow_crossbar *xb;
    const double *amplitude;
    const struct ow_pulse *pulse;
    struct ow_netlist_options options;
    bool *is_floating; /* [n_node] */
    FILE *out;
    int column;
};

/* One word of a card; goes to a continuation line where the line would get long.  Write
 * errors stay with the stream until ow_netlist_write() asks. */
__attribute__((format(printf, 2, 3))) static void word(struct deck *d, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (d->column > 0 && d->column + 1 + n > LINE_WIDTH) {
        fputs("\n+", d->out);
        d->column = 1;
    }
    d->column += fprintf(d->out, "%s%s", d->column ? " " : "", text);
}

static void end_card(struct deck *d)
{
    fputc('\n', d->out);
    d->column = 0;
}

/* A whole line: comments and commands, which must not be continued. */
__attribute__((format(printf, 2, 3))) static void line(struct deck *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(d->out, format, args);
    va_end(args);
    fputc('\n', d->out);
}

static void blank(struct deck *d)
{
    fputc('\n', d->out);
}

/* A printf argument that reads back as the same number. */
#define NUM(value) ow_number_text(value, 15, (char[32]){0})

/* What a floating node connects to has no voltage across it: ground stands in. */
static const char *node_name(const struct deck *d, size_t node, char name[NAME])
{
    ow_circuit_node_name(d->circuit, d->is_floating[node] ? OW_GROUND : node, name);
    return name;
}

/* -- the blocks of the deck, top to bottom -------------------------------------------- */

static void write_header(struct deck *d)
{
    const struct ow_crossbar *xb = d->xb;
    if (d->options.title)
        line(d, "%s", d->options.title);
    else
        line(d, "ohmweave: %zu x %zu crossbar of %s cells", xb->rows, xb->cols,
             xb->model->name);
    line(d, "* Written by ohmweave " OW_VERSION ".  Run: ngspice -b THIS_FILE");
    const struct ow_series *pair = xb->model->series;
    line(d, "* %zu word lines, %zu bit lines, cells of model ow_%s%s%s.  SI units.", xb->rows,
         xb->cols, pair ? pair->part[0]->name : xb->model->name, pair ? " and ow_" : "",
         pair ? pair->part[1]->name : "");
    line(d, "* Nodes: sI source of word line I; wI_J and bI_J word and bit line at row I,");
    line(d, "* column J (wI, bJ: a whole line without resistance); inJ sense input; outJ");
    line(d, "* amplifier output, aJ its gain node%s.",
         d->options.has_states ? "; xI_J_NAME state NAME of the cell, 1 V = 1" : "");
    if (pair)
        line(d, "* nI_J is the node between both devices of a cell.");
    if (xb->sense.kind == OW_SENSE_DRIVER)
        line(d, "* Bit lines are driven: dJ source of bit line J, behind inJ.");
    line(d, "* Nodes joined by 0 ohm are one node; parts that nothing drives are left out.");
    line(d, ".options reltol=%s vntol=%s abstol=%s chgtol=%s", NUM(d->options.reltol),
         NUM(VNTOL), NUM(ABSTOL), NUM(CHGTOL));
}

static void write_sources(struct deck *d)
{
    const double t1 = d->pulse->t_rise, t2 = ow_pulse_sample(d->pulse), t3 = t2 + t1;
    blank(d);
    line(d, "* Inputs: a pulse in the transient; the DC value is for `op`, inputs held on.");
    for (size_t i = 0; i < d->circuit->n_source; i++) {
        const double a = d->amplitude[i];
        char name[NAME];
        ow_circuit_node_name(d->circuit, 1 + i, name);
        word(d, "V%s %s 0 DC %s", name, name, NUM(a));
        word(d, "PWL(0 0 %s %s", NUM(t1), NUM(a));
        word(d, "%s %s", NUM(t2), NUM(a));
        word(d, "%s 0)", NUM(t3));
        end_card(d);
    }
}

static void write_resistor(struct deck *d, size_t k)
{
    const struct ow_resistor el = ow_circuit_resistor(d->circuit, k);
    char a[NAME], b[NAME];
    if (d->is_floating[el.a])
        return; /* then so is b */
    word(d, "R%zu %s %s %s", k, node_name(d, el.a, a), node_name(d, el.b, b), NUM(el.r));
    end_card(d);
}

static void write_resistors(struct deck *d, bool is_sense)
{
    for (size_t k = 0; k < d->circuit->n_resistor; k++)
        if (ow_circuit_resistor(d->circuit, k).is_sense == is_sense)
            write_resistor(d, k);
}

static void write_wires(struct deck *d)
{
    char name[NAME];
    blank(d);
    line(d, "* Lines (ohm); a driver and the first segment of its word line are one resistor.");
    write_resistors(d, false);
    blank(d);
    line(d, "* Capacitance to ground, all that meets at a node (F).");
    for (size_t k = 1; k < d->circuit->n_node; k++) {
        if (d->is_floating[k] || !(ow_circuit_c(d->circuit, k) > 0.0))
            continue;
        node_name(d, k, name);
        word(d, "C%s %s 0 %s", name, name, NUM(ow_circuit_c(d->circuit, k)));
        end_card(d);
    }
}

/* gain (v_os - v_in - h(v_a)) - v_a = tau dv_a/dt of ow_crossbar.h, divided by R_GAIN: a
 * current into R_GAIN beside a capacitor. */
static void write_amp_macro(struct deck *d)
{
    const struct ow_sense *s = &d->xb->sense;
    const double tau = s->gain / (2.0 * M_PI * s->gbw);
    line(d, "* sp(u) = ln(1 + e^u) without overflow; h is the clamp at the supply rails.");
    line(d, ".func sp(u) {max(u, 0) + ln(1 + exp(-abs(u)))}");
    line(d, ".func h(x) {%s*(sp((x - %s)/%s) - sp((-x - %s)/%s))}",
         NUM(OW_CLAMP_SLOPE * OW_CLAMP_WIDTH), NUM(0.5 * s->vdd), NUM(OW_CLAMP_WIDTH),
         NUM(0.5 * s->vdd), NUM(OW_CLAMP_WIDTH));
    line(d, ".subckt ow_amp in a out");
    line(d, "Bgain 0 a I = %s*(%s - V(in) - h(V(a)))", NUM(s->gain / R_GAIN), NUM(s->v_os));
    line(d, "Rgain a 0 %s", NUM(R_GAIN));
    line(d, "Cgain a 0 %s", NUM(tau / R_GAIN));
    line(d, "Ebuf o 0 a 0 1");
    line(d, "Rout o out %s", NUM(s->r_out));
    if (s->c_f > 0.0)
        line(d, "Cf in out %s", NUM(s->c_f));
    line(d, ".ends");
}

static void write_sense(struct deck *d)
{
    char in[NAME], a[NAME], out[NAME];
    if (d->xb->sense.kind == OW_SENSE_DRIVER)
        return; /* their drivers stand among the lines */
    blank(d);
    if (d->circuit->n_amp) {
        line(d, "* Transimpedance amplifiers and their feedback resistors.");
        write_amp_macro(d);
    } else {
        line(d, "* Sense resistors.");
    }
    for (size_t k = 0; k < d->circuit->n_amp; k++) {
        const struct ow_amp *amp = &d->circuit->amp[k];
        word(d, "X%zu %s %s %s ow_amp", k, node_name(d, amp->in, in),
             node_name(d, amp->inner, a), node_name(d, amp->out, out));
        end_card(d);
    }
    write_resistors(d, true);
}

/* Initial states are parameters, so carried ones are as good as programmed ones.  A
 * solver may leave a state a rounding error outside the range that the model accepts. */
static void carry_states(const struct deck *d, size_t cell, double param[])
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

static void write_model_card(struct deck *d, const struct ow_model *model, const char *name,
                             const double param[])
{
    word(d, ".model %s ow_%s(", name, model->name);
    for (size_t k = 0; k < model->n_param; k++) {
        const struct ow_param *row = &model->param[k];
        if (param[k] == row->dflt)
            continue;
        if (row->choice) /* without the quotes ngspice takes the word for a .param */
            word(d, "%s=\"%s\"", row->name, row->choice[(size_t)param[k]]);
        else
            word(d, "%s=%s", row->name, NUM(param[k]));
    }
    word(d, ")");
    end_card(d);
}

/* One device with its card, named by a letter and the cell's place; its states are the cell's
 * from `first` on. */
static void write_device(struct deck *d, const struct ow_model *model, char letter, size_t cell,
                         size_t first, const char *te, const char *be, const double param[])
{
    const size_t i = cell / d->xb->cols, j = cell % d->xb->cols;
    char name[STATE_NAME];
    if (letter == 'm')
        word(d, "A%zu_%zu %%gd(%s %s)", i, j, te, be);
    else
        word(d, "A%c%zu_%zu %%gd(%s %s)", letter, i, j, te, be);
    for (size_t s = 0; s < model->n_state; s++) {
        if (d->options.has_states)
            ow_netlist_state_name(d->circuit, cell, first + s, name);
        word(d, "%s", d->options.has_states ? name : "null");
    }
    snprintf(name, sizeof name, "%c%zu_%zu", letter, i, j);
    word(d, "%s", name);
    end_card(d);
    write_model_card(d, model, name, param);
}

/* The cell's device, or a memristor, an inner node and an access device. */
static void write_devices(struct deck *d, size_t cell, const char *te, const char *be)
{
    const struct ow_model *model = d->xb->model;
    const struct ow_series *pair = model->series;
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    char inner[STATE_NAME];
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
static void write_cell(struct deck *d, size_t cell)
{
    const size_t te = ow_circuit_te(d->circuit, cell), be = ow_circuit_be(d->circuit, cell);
    const size_t i = cell / d->xb->cols, j = cell % d->xb->cols;
    const bool is_idle = te == be || d->is_floating[te] || d->is_floating[be];
    char a[NAME], b[NAME];
    if (is_idle && !d->options.has_states)
        return;
    write_devices(d, cell, node_name(d, is_idle ? OW_GROUND : te, a),
                  node_name(d, is_idle ? OW_GROUND : be, b));
    if (d->xb->c_cell > 0.0 && !is_idle) {
        word(d, "C%zu_%zu %s %s %s", i, j, node_name(d, te, a), node_name(d, be, b),
             NUM(d->xb->c_cell));
        end_card(d);
    }
}

static void write_cells(struct deck *d)
{
    blank(d);
    line(d, "* Cells: TE on the word line, BE on the bit line%s; parameters that are not the",
         d->options.has_states ? ", then the state nodes" : "");
    line(d, "* model's defaults.");
    for (size_t cell = 0; cell < d->xb->rows * d->xb->cols; cell++)
        write_cell(d, cell);
}

/* ngspice 39 turns every `pre_codemodel` line into lower case, but not one that begins
 * with pre_osdi.  A path with capitals therefore goes through an alias of that name. */
static void write_codemodel(struct deck *d)
{
    const char *path = d->options.codemodel;
    bool has_capitals = false;
    for (const char *c = path; *c; c++)
        has_capitals |= isupper((unsigned char)*c) != 0;
    if (has_capitals) {
        line(d, "* ngspice would write pre_codemodel's path in lower case; pre_osdi keeps it.");
        line(d, "pre_alias osdi codemodel");
    }
    /* dlopen() looks for a bare file name in the system's folders only. */
    line(d, "%s %s%s", has_capitals ? "pre_osdi" : "pre_codemodel",
         strchr(path, '/') ? "" : "./", path);
}

/* Without this, batch mode would run the .tran card once more after the commands. */
static void write_quit(struct deck *d)
{
    line(d, "if $?batchmode");
    line(d, "  quit $sim_status");
    line(d, "end");
}

/* False for a column that has no voltage in the results: it stands at 0 V. */
static bool output_name(const struct deck *d, size_t col, char name[NAME])
{
    const size_t node = d->circuit->sense_out[col];
    node_name(d, node, name);
    return node != OW_GROUND && !d->is_floating[node];
}

static void write_control(struct deck *d)
{
    char name[NAME];
    blank(d);
    line(d, ".tran %s %s 0 %s", NUM(d->options.max_step), NUM(ow_pulse_end(d->pulse)),
         NUM(d->options.max_step));
    blank(d);
    line(d, ".control");
    write_codemodel(d);
    line(d, "set numdgt=12");
    line(d, "echo sense outputs in DC, inputs held on:");
    line(d, "op");
    for (size_t j = 0; j < d->xb->cols; j++)
        if (output_name(d, j, name))
            line(d, "print v(%s)", name);
    line(d, "run");
    if (d->options.raw) {
        line(d, "set filetype=binary");
        line(d, "write %s", d->options.raw);
    }
    line(d, "if $sim_status = 0");
    line(d, "  echo sense outputs at the sampling time:");
    for (size_t j = 0; j < d->xb->cols; j++)
        if (output_name(d, j, name))
            line(d, "  meas tran sense%zu find v(%s) at=%s", j, name,
                 NUM(ow_pulse_sample(d->pulse)));
    line(d, "end");
    write_quit(d);
    line(d, ".endc");
    line(d, ".end");
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

static enum ow_status check(const struct deck *d, struct ow_error *err)
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

static void write_deck(struct deck *d)
{
    write_header(d);
    write_sources(d);
    write_wires(d);
    write_sense(d);
    write_cells(d);
    write_control(d);
}

static void take_defaults(struct deck *d, const struct ow_netlist_options *options)
{
    d->options = options ? *options : (struct ow_netlist_options){0};
    if (!d->options.codemodel)
        d->options.codemodel = "ohmweave.cm";
    if (d->options.reltol == 0.0)
        d->options.reltol = 1e-6;
    if (d->options.max_step == 0.0)
        d->options.max_step = d->pulse->t_rise / 20.0;
}

enum ow_status ow_netlist_write(const struct ow_circuit *circuit, const double amplitude[],
                                const struct ow_pulse *pulse,
                                const struct ow_netlist_options *options, FILE *out,
                                struct ow_error *err)
{
    struct deck d = {.circuit = circuit,
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
    snprintf(name, STATE_NAME, "x%zu_%zu_%s", cell / xb->cols, cell % xb->cols,
             xb->model->state[s].name);
}
