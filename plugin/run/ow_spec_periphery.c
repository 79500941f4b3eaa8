#include "ow_spec_periphery.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ow_number.h"
#include "ow_quote.h"
#include "ow_spec_keys.h"
#include "ow_subckt.h"

/* One of the two kinds of subcircuits while it is made. */
struct maker {
    const struct ow_spec *spec;
    const char *section; /* "sense", "driver", "adc" */
    const char *word;    /* the key that asks for a subcircuit */
    const struct ow_block_source *source;
    struct ow_block *block;
    struct ow_subckt found;
    struct ow_error *err;
};

static enum ow_status out_of_memory(const struct maker *m)
{
    return ow_fail(m->err, OW_ERR_NOMEM, "%s: out of memory", m->spec->path);
}

static const char *key_of(const struct maker *m, const char *key, char text[32])
{
    snprintf(text, 32, "%s.%s", m->section, key);
    return text;
}

/* ---- pins ---------------------------------------------------------------------------- */

/* A source's function goes into the deck as it stands: words, numbers and brackets only. */
static bool is_wave(const char *text)
{
    static const char *const functions[] = {"pulse", "pwl", "sin", "exp", "sffm", "am"};
    static const char letters[] = OW_NETLIST_LETTERS " .()+-,";
    if (text[strspn(text, letters)])
        return false;
    for (size_t k = 0; k < sizeof functions / sizeof functions[0]; k++) {
        const size_t n = strlen(functions[k]);
        if (strncasecmp(text, functions[k], n) == 0 && text[n] == '(' &&
            text[strlen(text) - 1] == ')')
            return true;
    }
    return false;
}

static enum ow_status say_pin(const struct maker *m, const struct ow_entry *entry,
                              struct ow_pin *pin)
{
    const struct ow_node *node = entry->value;
    const char *text = node->kind == OW_NODE_SCALAR ? node->text : "";
    if (strcasecmp(text, "in") == 0)
        pin->kind = OW_PIN_IN;
    else if (strcasecmp(text, "out") == 0)
        pin->kind = OW_PIN_OUT;
    else if (is_wave(text))
        pin->wave = strdup(text);
    else if (ow_number_parse(text, &pin->level) != OW_NUMBER_OK)
        return ow_node_fail(node, m->err, OW_ERR_INPUT,
                            "%s.pins.%s: expected in, out, a voltage against signal ground, or "
                            "a source such as pulse(0 0.9 1n 0.1n 0.1n 5n)",
                            m->section, entry->key->text);
    return is_wave(text) && !pin->wave ? out_of_memory(m) : OW_OK;
}

/* What a pin is by its name. */
static bool guess_pin(const struct maker *m, struct ow_pin *pin)
{
    const double rail = 0.5 * m->spec->sense.vdd;
    const struct {
        const char *name;
        enum ow_pin_kind kind;
        double level;
    } known[] = {{"in", OW_PIN_IN, 0.0},      {"out", OW_PIN_OUT, 0.0},
                 {"ref", OW_PIN_LEVEL, 0.0},  {"gnd", OW_PIN_LEVEL, 0.0},
                 {"vdd", OW_PIN_LEVEL, rail}, {"vss", OW_PIN_LEVEL, -rail}};
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
        if (strcmp(pin->name, known[k].name) == 0) {
            pin->kind = known[k].kind;
            pin->level = known[k].level;
            return true;
        }
    return false;
}

static const struct ow_entry *entry_of(const struct ow_section *section, const char *name)
{
    for (size_t k = 0; k < section->n; k++)
        if (strcasecmp(section->entry[k].key->text, name) == 0)
            return &section->entry[k];
    return NULL;
}

static bool has_name(const struct ow_names *names, const char *name)
{
    for (size_t k = 0; k < names->n; k++)
        if (strcasecmp(names->name[k], name) == 0)
            return true;
    return false;
}

/* Names that the user gives must be the subcircuit's: ngspice would take a misspelt parameter
 * without a word. */
static enum ow_status check_names(const struct maker *m, const char *what,
                                  const struct ow_section *section,
                                  const struct ow_names *names)
{
    for (size_t k = 0; k < section->n; k++) {
        const struct ow_node *key = section->entry[k].key;
        if (has_name(names, key->text))
            continue;
        struct ow_guess guess = ow_guess_begin(key->text);
        for (size_t n = 0; n < names->n; n++)
            ow_guess_offer(&guess, names->name[n], names->name[n]);
        return ow_node_fail(key, m->err, OW_ERR_INPUT, "%s.%s.%s: %s has no such %s%s",
                            m->section, what, ow_quote(key->text, strlen(key->text)).text,
                            m->source->subckt, strcmp(what, "pins") == 0 ? "pin" : "parameter",
                            ow_guess_text(&guess).text);
    }
    return OW_OK;
}

static enum ow_status make_pins(const struct maker *m)
{
    struct ow_block *b = m->block;
    char text[32];
    size_t n_in = 0, n_out = 0;
    b->pin = calloc(m->found.pin.n + 1, sizeof *b->pin);
    if (!b->pin)
        return out_of_memory(m);
    for (size_t k = 0; k < m->found.pin.n; k++) {
        struct ow_pin *pin = &b->pin[k];
        *pin = (struct ow_pin){.kind = OW_PIN_LEVEL, .name = strdup(m->found.pin.name[k])};
        b->n_pin = k + 1;
        if (!pin->name)
            return out_of_memory(m);
        const struct ow_entry *entry = entry_of(&m->source->pins, pin->name);
        const enum ow_status st = entry ? say_pin(m, entry, pin) : OW_OK;
        if (st)
            return st;
        if (!entry && !guess_pin(m, pin))
            return ow_spec_fail(m->spec, key_of(m, "subckt", text), m->err, OW_ERR_INPUT,
                                "its pin %s: what is it? Expected %s.pins: {%s: in, out, a "
                                "voltage or a source}",
                                pin->name, m->section, pin->name);
        n_in += pin->kind == OW_PIN_IN;
        n_out += pin->kind == OW_PIN_OUT;
    }
    if (n_in != 1 || n_out != 1)
        return ow_spec_fail(
            m->spec, key_of(m, "subckt", text), m->err, OW_ERR_INPUT,
            "%s has %zu pins that are `in` and %zu that are `out`, expected one "
            "of each (%s.pins)",
            m->source->subckt, n_in, n_out, m->section);
    return OW_OK;
}

/* ---- parameters ------------------------------------------------------------------------ */

static enum ow_status make_params(const struct maker *m)
{
    struct ow_block *b = m->block;
    const struct ow_section *params = &m->source->params;
    b->param = calloc(params->n + 1, sizeof *b->param);
    if (!b->param)
        return out_of_memory(m);
    for (size_t k = 0; k < params->n; k++) {
        const struct ow_node *value = params->entry[k].value;
        double number;
        if (value->kind != OW_NODE_SCALAR ||
            ow_number_parse(value->text, &number) != OW_NUMBER_OK)
            return ow_node_fail(value, m->err, OW_ERR_INPUT, "%s.params.%s: expected a number",
                                m->section, params->entry[k].key->text);
        b->param[k].name = strdup(params->entry[k].key->text);
        b->param[k].value = strdup(value->text);
        b->n_param = k + 1;
        if (!b->param[k].name || !b->param[k].value)
            return out_of_memory(m);
    }
    return OW_OK;
}

/* ---- one kind ---------------------------------------------------------------------------- */

static char *absolute(const char *path)
{
    return realpath(path, NULL);
}

/* A quote would end the name in the deck. */
static enum ow_status check_path(const struct maker *m, const char *key, const char *path)
{
    if (!strpbrk(path, "\"'\n\r"))
        return OW_OK;
    return ow_spec_fail(m->spec, key, m->err, OW_ERR_INPUT,
                        "ngspice cannot name a file with quotes or line ends in its path");
}

static enum ow_status make_block(struct maker *m)
{
    char key[32];
    if (!m->source->file)
        return ow_spec_fail(m->spec, key_of(m, "file", key), m->err, OW_ERR_INPUT,
                            "null with %s.%s: subckt, expected a netlist", m->section, m->word);
    if (!m->source->subckt)
        return ow_spec_fail(m->spec, key_of(m, "subckt", key), m->err, OW_ERR_INPUT,
                            "null with %s.%s: subckt, expected the name of a subcircuit in %s",
                            m->section, m->word, m->source->file);
    struct ow_error why = {0};
    enum ow_status st = ow_subckt_find(m->source->file, m->source->subckt, &m->found, &why);
    if (st)
        return ow_spec_fail(m->spec, key_of(m, "subckt", key), m->err, st, "%s", why.text);
    if ((st = check_names(m, "pins", &m->source->pins, &m->found.pin)) ||
        (st = check_names(m, "params", &m->source->params, &m->found.param)) ||
        (st = make_pins(m)) || (st = make_params(m)))
        return st;
    m->block->file = absolute(m->source->file);
    m->block->subckt = strdup(m->source->subckt);
    if (!m->block->file || !m->block->subckt)
        return out_of_memory(m);
    return check_path(m, key_of(m, "file", key), m->block->file);
}

/* The keys of a block mean something with amp: subckt only. */
static enum ow_status take_block(struct maker *m, bool is_subckt, struct ow_periphery *p)
{
    char key[32];
    const struct ow_block_source *s = m->source;
    if (!is_subckt && (s->file || s->subckt || s->pins.n || s->params.n))
        return ow_spec_fail(m->spec, key_of(m, s->file ? "file" : "subckt", key), m->err,
                            OW_ERR_INPUT, "means nothing without %s.%s: subckt", m->section,
                            m->word);
    const enum ow_status st = is_subckt ? make_block(m) : OW_OK;
    if (!p->command) {
        p->command = m->found.command;
        m->found.command = NULL;
    }
    ow_subckt_finish(&m->found);
    return st;
}

static enum ow_status take_process(const struct ow_spec *spec, struct ow_periphery *p,
                                   struct ow_error *err)
{
    struct ow_subckt found = {0};
    struct ow_error why = {0};
    if (!spec->process.lib)
        return spec->process.corner ? ow_spec_fail(spec, "process.corner", err, OW_ERR_INPUT,
                                                   "means nothing without process.lib")
                                    : OW_OK;
    const enum ow_status st = ow_subckt_find(spec->process.lib, NULL, &found, &why);
    if (st)
        return ow_spec_fail(spec, "process.lib", err, st, "%s", why.text);
    if (!p->command) {
        p->command = found.command;
        found.command = NULL;
    }
    ow_subckt_finish(&found);
    p->lib = absolute(spec->process.lib);
    p->corner = spec->process.corner ? strdup(spec->process.corner) : NULL;
    if (!p->lib || (spec->process.corner && !p->corner))
        return ow_fail(err, OW_ERR_NOMEM, "%s: out of memory", spec->path);
    const struct maker m = {.spec = spec, .err = err};
    return check_path(&m, "process.lib", p->lib);
}

enum ow_status ow_spec_periphery(struct ow_spec *spec, struct ow_error *err)
{
    struct ow_periphery *p = &spec->periphery;
    const struct {
        const char *word; /* that says what it is */
        const struct ow_block_source *source;
        bool is_subckt;
    } kind[OW_N_BLOCK] = {
        [OW_BLOCK_DRIVER] = {"amp", &spec->driver.block, spec->driver.kind == OW_DRIVER_SUBCKT},
        [OW_BLOCK_SENSE] = {"amp", &spec->sense_block, spec->sense.kind == OW_SENSE_SUBCKT},
        [OW_BLOCK_ADC] = {"converter", &spec->adc.block,
                          spec->adc.kind == OW_CONVERTER_SUBCKT}};
    enum ow_status st = OW_OK;
    for (size_t k = 0; k < OW_N_BLOCK && st == OW_OK; k++) {
        struct maker m = {.spec = spec,
                          .section = ow_block_name[k],
                          .word = kind[k].word,
                          .source = kind[k].source,
                          .block = &p->block[k],
                          .err = err};
        st = take_block(&m, kind[k].is_subckt, p);
    }
    return st == OW_OK ? take_process(spec, p, err) : st;
}

static void finish_block(struct ow_block *b)
{
    for (size_t k = 0; k < b->n_pin; k++) {
        free(b->pin[k].name);
        free(b->pin[k].wave);
    }
    for (size_t k = 0; k < b->n_param; k++) {
        free(b->param[k].name);
        free(b->param[k].value);
    }
    free(b->pin);
    free(b->param);
    free(b->file);
    free(b->subckt);
}

void ow_periphery_finish(struct ow_periphery *p)
{
    for (size_t k = 0; k < OW_N_BLOCK; k++)
        finish_block(&p->block[k]);
    free(p->lib);
    free(p->corner);
    free(p->command);
    *p = (struct ow_periphery){0};
}
