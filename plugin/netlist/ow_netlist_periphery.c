/* The user's subcircuits around the array, and the array as one part of the deck.
 *
 *   uI --[driver]-- qI --Vq-- word line I   ...   inJ --Vm-- xJ --[amplifier]-- outJ
 *
 * Without a driver of the user's, sI stands for uI and array.r_driver for it.  Vq and Vm are
 * ammeters, sources of 0 V: their currents say what the array and its periphery exchange.  A
 * flat deck has no Vq but where there is a driver. */
#include <math.h>
#include <string.h>

#include "ow_deck.h"
#include "ow_periphery.h"

static const struct ow_block *block_of(const struct ow_deck *d, enum ow_block_kind kind)
{
    return ow_periphery_block(d->xb->periphery, kind);
}

static void write_supplies(struct ow_deck *d, enum ow_block_kind kind)
{
    const struct ow_block *block = block_of(d, kind);
    for (size_t k = 0; block && k < block->n_pin; k++) {
        const struct ow_pin *pin = &block->pin[k];
        char name[OW_SUPPLY_NAME];
        if (!ow_netlist_supply(block, ow_block_name[kind], k, name))
            continue;
        if (pin->wave)
            ow_deck_word(d, "V%s %s 0 %s", name, name, pin->wave);
        else
            ow_deck_word(d, "V%s %s 0 DC %s", name, name, NUM(pin->level));
        ow_deck_end_card(d);
    }
}

bool ow_netlist_supply(const struct ow_block *block, const char *kind, size_t k,
                       char name[OW_SUPPLY_NAME])
{
    const struct ow_pin *pin = &block->pin[k];
    if (pin->kind != OW_PIN_LEVEL || (pin->level == 0.0 && !pin->wave))
        return false;
    snprintf(name, OW_SUPPLY_NAME, "%s_%.40s", kind, pin->name);
    return true;
}

static void write_include(struct ow_deck *d, const char *file)
{
    ow_deck_line(d, ".include \"%s\"", file);
}

/* Every file once. */
static void write_includes(struct ow_deck *d)
{
    for (size_t k = 0; k < OW_N_BLOCK; k++) {
        const struct ow_block *block = block_of(d, (enum ow_block_kind)k);
        bool is_known = false;
        for (size_t before = 0; block && before < k; before++) {
            const struct ow_block *other = block_of(d, (enum ow_block_kind)before);
            is_known |= other && strcmp(other->file, block->file) == 0;
        }
        if (block && !is_known)
            write_include(d, block->file);
    }
}

void ow_deck_periphery(struct ow_deck *d)
{
    const struct ow_periphery *p = d->xb->periphery;
    if (!ow_periphery_is_there(p))
        return;
    ow_deck_blank(d);
    ow_deck_line(d, "* Subcircuits of the periphery, and their supplies.");
    if (p->lib && p->corner)
        ow_deck_line(d, ".lib \"%s\" %s", p->lib, p->corner);
    else if (p->lib)
        write_include(d, p->lib);
    write_includes(d);
    for (size_t k = 0; k < OW_N_BLOCK; k++)
        write_supplies(d, (enum ow_block_kind)k);
}

/* One instance, its pins in the subcircuit's order. */
static void write_instance(struct ow_deck *d, enum ow_block_kind which, size_t k,
                           const char *in, const char *out)
{
    const struct ow_block *block = block_of(d, which);
    ow_deck_word(d, "X%s%zu", ow_block_name[which], k);
    for (size_t n = 0; n < block->n_pin; n++) {
        const enum ow_pin_kind kind = block->pin[n].kind;
        char supply[OW_SUPPLY_NAME] = "0";
        ow_netlist_supply(block, ow_block_name[which], n, supply);
        ow_deck_word(d, "%s", kind == OW_PIN_IN ? in : kind == OW_PIN_OUT ? out : supply);
    }
    ow_deck_word(d, "%s", block->subckt);
    for (size_t n = 0; n < block->n_param; n++)
        ow_deck_word(d, "%s=%s", block->param[n].name, block->param[n].value);
    ow_deck_end_card(d);
}

const char *ow_deck_drive(const struct ow_deck *d, size_t i, char name[OW_NODE_NAME])
{
    snprintf(name, OW_NODE_NAME, "%c%zu", block_of(d, OW_BLOCK_DRIVER) ? 'u' : 's', i);
    return name;
}

/* Where the array begins: its word line's source, or its port. */
static const char *line_begin(const struct ow_deck *d, size_t i, char name[OW_NODE_NAME])
{
    snprintf(name, OW_NODE_NAME, "%c%zu", d->options.is_coupled ? 'p' : 's', i);
    return name;
}

void ow_deck_drivers(struct ow_deck *d)
{
    const bool is_subckt = block_of(d, OW_BLOCK_DRIVER) != NULL,
               is_coupled = d->options.is_coupled;
    char drive[OW_NODE_NAME], begin[OW_NODE_NAME], q[OW_NODE_NAME];
    if (!is_subckt && !is_coupled)
        return;
    ow_deck_blank(d);
    ow_deck_line(d, "* Word-line drivers, and what they deliver.");
    for (size_t i = 0; i < d->xb->rows; i++) {
        ow_deck_drive(d, i, drive);
        line_begin(d, i, begin);
        snprintf(q, sizeof q, "q%zu", i);
        if (is_subckt) {
            write_instance(d, OW_BLOCK_DRIVER, i, drive, q);
        } else {
            ow_deck_word(d, "Rd%zu %s %s %s", i, drive, q,
                         NUM(d->xb->r_driver > 0.0 ? d->xb->r_driver : 1e-3));
            ow_deck_end_card(d);
        }
        ow_deck_word(d, "Vq%zu %s %s 0", i, q, begin);
        ow_deck_end_card(d);
    }
}

static void write_capacitor(struct ow_deck *d, const char *node, double c)
{
    if (c > 0.0) {
        ow_deck_word(d, "C%s %s 0 %s", node, node, NUM(c));
        ow_deck_end_card(d);
    }
}

/* The program's own amplifiers and resistors, where the array is no circuit. */
static void write_own(struct ow_deck *d, size_t j, const char *x, const char *out)
{
    const struct ow_sense *s = &d->xb->sense;
    const bool is_tia = s->kind == OW_SENSE_TIA;
    if (is_tia) {
        ow_deck_word(d, "X%zu %s a%zu %s ow_amp", j, x, j, out);
        ow_deck_end_card(d);
    } else if (s->kind == OW_SENSE_INTEGRATOR) {
        ow_deck_integrator(d, j, x, out);
    } else {
        ow_deck_word(d, "Vo%zu %s %s 0", j, x, out);
        ow_deck_end_card(d);
    }
    if (s->r_f < INFINITY) {
        ow_deck_word(d, "Rf%zu %s %s %s", j, x, is_tia ? out : "0",
                     NUM(s->r_f > 0.0 ? s->r_f : 1e-3));
        ow_deck_end_card(d);
    }
}

void ow_deck_sense(struct ow_deck *d)
{
    const struct ow_sense *s = &d->xb->sense;
    const bool is_subckt = block_of(d, OW_BLOCK_SENSE) != NULL,
               is_coupled = d->options.is_coupled;
    char in[OW_NODE_NAME], x[OW_NODE_NAME], out[OW_NODE_NAME];
    ow_deck_blank(d);
    ow_deck_line(d, "* Sense amplifiers, what they take from the bit lines, and their loads.");
    if (s->kind == OW_SENSE_TIA)
        ow_deck_amp_macro(d);
    for (size_t j = 0; j < d->xb->cols; j++) {
        snprintf(in, sizeof in, "in%zu", j);
        snprintf(x, sizeof x, "x%zu", j);
        snprintf(out, sizeof out, "out%zu", j);
        if (is_subckt)
            write_instance(d, OW_BLOCK_SENSE, j, x, out);
        else
            write_own(d, j, x, out);
        if (!is_coupled)
            ow_deck_node(d, d->circuit->sense_in[j], in);
        ow_deck_word(d, "Vm%zu %s %s 0", j, in, x);
        ow_deck_end_card(d);
        if (is_coupled) /* else it stands among the lines' */
            write_capacitor(d, x, s->c_in);
        if (s->kind != OW_SENSE_INTEGRATOR)
            write_capacitor(d, out, s->c_load);
        if (block_of(d, OW_BLOCK_ADC)) {
            snprintf(x, sizeof x, "adc%zu", j);
            write_instance(d, OW_BLOCK_ADC, j, out, x);
        }
    }
}

/* The array's ports: word lines, then bit lines. */
static void name_port(const void *data, size_t k, char name[OW_NODE_NAME])
{
    const size_t rows = ((const struct ow_crossbar *)data)->rows;
    snprintf(name, OW_NODE_NAME, "%s%zu", k < rows ? "p" : "in", k < rows ? k : k - rows);
}

static void write_ports(struct ow_deck *d)
{
    char name[OW_NODE_NAME];
    for (size_t k = 0; k < d->xb->rows + d->xb->cols; k++) {
        name_port(d->xb, k, name);
        ow_deck_line(d, "Aport%zu %%g %s port%zu", k, name, k);
        ow_deck_line(d, ".model port%zu ow_array_port(index=%zu)", k, k);
    }
}

void ow_deck_array(struct ow_deck *d)
{
    ow_deck_blank(d);
    ow_deck_line(d,
                 "* The array, from what the program offers: ow_array looks at the line ends,");
    ow_deck_line(d, "* ow_array_port draws the currents; me J in, md in devices, mw in wires,");
    ow_deck_line(d, "* ms stored, mm the largest mismatch at a port.");
    ow_deck_ports(d, d->xb->rows + d->xb->cols, name_port, d->xb, "");
    ow_deck_line(d, ".model array ow_array(tol=%s)", NUM(d->options.tol));
    write_ports(d);
    ow_deck_line(d, "Amonitor [me md mw ms mm] monitor");
    ow_deck_line(d, ".model monitor ow_array_monitor(array=\"array\")");
}
