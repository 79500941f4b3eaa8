#include "ow_array_inc.h"

#include <ctype.h>
#include <string.h>

#include "ow_deck.h"

static bool is_name(const char *s)
{
    if (!isalpha((unsigned char)*s))
        return false;
    const char *end = s;
    while (isalnum((unsigned char)*end) || *end == '_')
        end++;
    return *end == '\0' && end - s <= 60;
}

/* A card has no escapes. */
static bool is_quotable(const char *s)
{
    for (; *s; s++)
        if (*s == '"' || *s == '{' || *s == '}' || !isprint((unsigned char)*s))
            return false;
    return true;
}

static enum ow_status check(const struct ow_array_inc *inc, struct ow_error *err)
{
    const char *path = is_quotable(inc->spec) ? inc->conductances : inc->spec;
    if (!is_name(inc->name))
        return ow_fail(err, OW_ERR_INPUT,
                       "'%s' as the name of a subcircuit: expected a letter, then letters, "
                       "digits and _, 60 at most",
                       inc->name);
    if (path && !is_quotable(path))
        return ow_fail(err, OW_ERR_INPUT,
                       "%s: ngspice cannot read this path: expected plain characters without "
                       "quotes and braces",
                       path);
    return OW_OK;
}

static void write_head(const struct ow_array_inc *inc, struct ow_deck *d)
{
    ow_deck_line(d, "* %s: a %zu x %zu array, stepped by ohmweave inside ngspice", inc->name,
                 inc->rows, inc->cols);
    ow_deck_line(d,
                 "* Written by ohmweave %s.  Load ohmweave_array.cm before the deck is read:",
                 OW_VERSION);
    ow_deck_line(d, "*   pre_codemodel PATH/ohmweave_array.cm      (in .control)");
    ow_deck_line(d,
                 "* Pins: ends of word lines r0 to r%zu and of bit lines c0 to c%zu, in their",
                 inc->rows - 1, inc->cols - 1);
    ow_deck_line(d, "* places in the drawing of the crossbar: left, below.");
    if (inc->has_monitor) {
        ow_deck_line(d,
                     "* e_in, e_devices, e_wires, e_stored: J since time 0 as V; mismatch of "
                     "both sides' port");
        ow_deck_line(d, "* voltages, of full scale.  Each instance needs an id of its own: "
                        "id=1, id=2, ...");
    }
}

static void name_pin(const void *data, size_t k, char name[OW_NODE_NAME])
{
    const struct ow_array_inc *inc = data;
    const bool is_row = k < inc->rows;
    snprintf(name, OW_NODE_NAME, "%c%zu", is_row ? 'r' : 'c', is_row ? k : k - inc->rows);
}

static const char *const monitor_pins = "e_in e_devices e_wires e_stored mismatch";

enum ow_status ow_array_inc_write(const struct ow_array_inc *inc, FILE *out,
                                  struct ow_error *err)
{
    struct ow_deck d = {.out = out};
    char pin[OW_NODE_NAME], also[96];
    const enum ow_status st = check(inc, err);
    if (st)
        return st;
    write_head(inc, &d);
    ow_deck_word(&d, ".subckt %s", inc->name);
    for (size_t k = 0; k < inc->rows + inc->cols; k++) {
        name_pin(inc, k, pin);
        ow_deck_word(&d, "%s", pin);
    }
    ow_deck_word(&d, "%s id=0", inc->has_monitor ? monitor_pins : "");
    ow_deck_end_card(&d);
    snprintf(also, sizeof also, "array=\"%.60s\" id={id} ", inc->name);
    ow_deck_ports(&d, inc->rows + inc->cols, name_pin, inc, also);
    /* one word a line: ow_deck_word() holds no path */
    fprintf(out, ".model array ow_array(name=\"%s\" id={id}\n", inc->name);
    fprintf(out, "+ spec=\"%s\"", inc->spec);
    if (inc->conductances)
        fprintf(out, "\n+ g=\"%s\"", inc->conductances);
    fputs(")\n", out);
    for (size_t k = 0; k < inc->rows + inc->cols; k++) {
        name_pin(inc, k, pin);
        ow_deck_line(&d, "Aport%zu %%g %s port%zu", k, pin, k);
        ow_deck_line(&d, ".model port%zu ow_array_port(array=\"%s\" index=%zu)", k, inc->name,
                     k);
    }
    if (inc->has_monitor) {
        ow_deck_line(&d, "Amonitor [%s] monitor", monitor_pins);
        ow_deck_line(&d, ".model monitor ow_array_monitor(array=\"%s\" id={id})", inc->name);
    }
    ow_deck_line(&d, ".ends");
    return fflush(out) || ferror(out) ? ow_fail(err, OW_ERR_FILE, "the subcircuit: not written")
                                      : OW_OK;
}
