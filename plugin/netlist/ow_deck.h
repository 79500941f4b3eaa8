/* A deck while it is written: for the files of this room. */
#ifndef OW_DECK_H
#define OW_DECK_H

#include "ow_netlist.h"
#include "ow_number.h"

#ifndef OW_VERSION
#define OW_VERSION "(unversioned)"
#endif

enum { OW_NODE_NAME = 32, OW_STATE_NAME = 64 };

struct ow_deck {
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
__attribute__((format(printf, 2, 3))) void ow_deck_word(struct ow_deck *d, const char *format,
                                                        ...);
void ow_deck_end_card(struct ow_deck *d);
/* A whole line: comments and commands, which must not be continued. */
__attribute__((format(printf, 2, 3))) void ow_deck_line(struct ow_deck *d, const char *format,
                                                        ...);
void ow_deck_blank(struct ow_deck *d);

/* A printf argument that reads back as the same number. */
#define NUM(value) ow_number_text(value, 15, (char[32]){0})

/* What a floating node connects to has no voltage across it: ground stands in. */
const char *ow_deck_node(const struct ow_deck *d, size_t node, char name[OW_NODE_NAME]);

/* What looks at an array's n ports: cards Aarray and, for those that it has no room for,
 * Amore100,
 * ..., of models array, more100, ...; what else the latter's cards say is `also`.  `port` names
 * port k. */
typedef void ow_deck_port_fn(const void *data, size_t k, char name[OW_NODE_NAME]);
void ow_deck_ports(struct ow_deck *d, size_t n, ow_deck_port_fn *port, const void *data,
                   const char *also);

/* Subcircuit ow_amp, in a out: an amplifier without its feedback resistor. */
void ow_deck_amp_macro(struct ow_deck *d);
/* The integrator of column j, without its input resistance. */
void ow_deck_integrator(struct ow_deck *d, size_t j, const char *in, const char *out);

/* ---- ow_netlist_periphery.c ---------------------------------------------------------- */

/* The user's files, and the sources of their subcircuits' supplies. */
void ow_deck_periphery(struct ow_deck *d);
/* Where the wanted voltage of word line i is, and what is between that and the line. */
const char *ow_deck_drive(const struct ow_deck *d, size_t i, char name[OW_NODE_NAME]);
void ow_deck_drivers(struct ow_deck *d);
/* What is behind the sense inputs: instances of the user's, and in a coupled deck the others
 * as well. */
void ow_deck_sense(struct ow_deck *d);
/* Instead of lines and cells: the array as a part of its own. */
void ow_deck_array(struct ow_deck *d);

#endif
