#include "ow_deck.h"

#include <stdarg.h>

enum { LINE_WIDTH = 88 };

void ow_deck_word(struct ow_deck *d, const char *format, ...)
{
    char text[512];
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

void ow_deck_end_card(struct ow_deck *d)
{
    fputc('\n', d->out);
    d->column = 0;
}

void ow_deck_line(struct ow_deck *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(d->out, format, args);
    va_end(args);
    fputc('\n', d->out);
}

void ow_deck_blank(struct ow_deck *d)
{
    fputc('\n', d->out);
}

const char *ow_deck_node(const struct ow_deck *d, size_t node, char name[OW_NODE_NAME])
{
    ow_circuit_node_name(d->circuit, d->is_floating[node] ? OW_GROUND : node, name);
    return name;
}

/* ngspice 39 has 512 places for what it reads of a card, and takes two a node. */
enum { MOST_PORTS = 100 };

void ow_deck_ports(struct ow_deck *d, size_t n, ow_deck_port_fn *port, const void *data,
                   const char *also)
{
    char name[OW_NODE_NAME];
    for (size_t from = 0; from < n; from += MOST_PORTS) {
        if (from == 0)
            ow_deck_word(d, "Aarray %%v [");
        else {
            port(data, 0, name);
            ow_deck_word(d, "Amore%zu %%v [ %s", from, name);
        }
        for (size_t k = from; k < n && k < from + MOST_PORTS; k++) {
            port(data, k, name);
            ow_deck_word(d, "%s", name);
        }
        if (from == 0)
            ow_deck_word(d, "] array");
        else
            ow_deck_word(d, "] more%zu", from);
        ow_deck_end_card(d);
        if (from > 0)
            ow_deck_line(d, ".model more%zu ow_array_more(%sfirst=%zu)", from, also, from);
    }
}
