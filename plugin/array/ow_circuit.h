/* The crossbar as a circuit: numbered nodes and the elements between them.  Zero
 * resistances have merged their nodes, so a node may stand for a whole line, and a line
 * may have merged onto its source, or onto ground through a sense resistor of 0 ohm.  An
 * infinite resistance is no element.  Both hosts build from this and from nothing else;
 * of the amplifiers they take c_f (between in and out), r_out, the gain stage and the
 * supply current from xb->sense, through the two functions below.
 *
 * A crossbar is regular: its millions of elements are numbers that can be computed, and no
 * list of them is kept. */
#ifndef OW_CIRCUIT_H
#define OW_CIRCUIT_H

#include "ow_crossbar.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Node numbers: 0 is ground, 1 .. n_source are the sources' terminals (prescribed voltages;
 * node 1 + i drives word line i, node 1 + rows + j bit line j if it is driven), the rest
 * are free. */
enum { OW_GROUND = 0 };

/* A resistor between two different nodes.  A driver and its first word-line segment are
 * in series with nothing between them, hence one element: `driver_share` of its
 * resistance, and of its dissipation, is the driver's. */
struct ow_resistor {
    size_t a, b;         /* nodes; for lines: a nearer to the source      */
    double r;            /* ohm, > 0                                      */
    double driver_share; /* 0 .. 1                                        */
    bool is_sense;       /* belongs to the periphery, not to the wires    */
};

/* Nodes at first + i row + j col: those of cell (i, j), where merged lines have steps of 0, or
 * the ends of resistor (i, j) of a kind. */
struct ow_terminals {
    size_t first, row, col;
};

/* Resistors alike, rows x cols of them or none. */
enum ow_resistor_kind {
    OW_FIRST_SEGMENTS, /* one of each word line, with its driver           */
    OW_WORD_SEGMENTS,  /* of word line i, from column j to j + 1           */
    OW_BIT_SEGMENTS,   /* of bit line j, from row i to i + 1               */
    OW_LAST_SEGMENTS,  /* one of each bit line, to its sense input         */
    OW_SENSE_RESISTORS,
    OW_N_RESISTOR_KIND
};
struct ow_resistors {
    size_t rows, cols;
    struct ow_terminals a, b;
    struct ow_resistor of; /* all but a and b */
};

/* Nodes alike, from the end of the block before. */
struct ow_node_block {
    size_t end;
    double c; /* F, of each to ground */
};
enum { OW_N_NODE_BLOCK = 8 };

struct ow_amp {
    size_t in, inner, out; /* free nodes; `inner` is v_a of ow_crossbar.h */
};

struct ow_circuit {
    const struct ow_crossbar *xb; /* borrowed */
    size_t n_node;
    size_t n_source;   /* rows, and cols more where the bit lines are driven */
    size_t first_free; /* 1 + n_source                                      */
    bool is_grid;      /* no line has merged: the nodes are two planes, row by row:
                          word line (i, j) is node wline + i cols + j, bit line
                          bline + i cols + j, and sense input j, unless grounded or a
                          source, continues the bit lines as row `rows`      */
    bool is_merged;    /* every line has: word line i is node wline + i, bit line j sense
                          input j, both free, the latter one after the other        */
    size_t wline, bline;
    struct ow_terminals te, be; /* of the cells                                         */
    size_t n_resistor;          /* lines, drivers, sense and feedback resistors         */
    struct ow_resistors resistors[OW_N_RESISTOR_KIND];
    struct ow_node_block block[OW_N_NODE_BLOCK];
    struct ow_amp *amp; /* [cols] for a TIA, else NULL                       */
    size_t n_amp;
    size_t *sense_in, *sense_out; /* [cols] nodes; the same without a TIA (an integrator's
                                     output is no node)                              */
};

/* Build it.  A cell whose two ends are one node (all resistances zero) is legal: it
 * carries no current.  OW_ERR_NOMEM on failure. */
enum ow_status ow_circuit_create(const struct ow_crossbar *xb, struct ow_circuit **out,
                                 struct ow_error *err);
void ow_circuit_destroy(struct ow_circuit *circuit);

static inline size_t ow_terminal(const struct ow_terminals *t, size_t i, size_t j)
{
    return t->first + i * t->row + j * t->col;
}

/* Resistor k of n_resistor: word line by word line, bit line by bit line, sense input by sense
 * input.  It divides: loops over many go over their kinds. */
struct ow_resistor ow_circuit_resistor(const struct ow_circuit *circuit, size_t k);

/* The block of a node. */
static inline const struct ow_node_block *ow_circuit_block(const struct ow_circuit *circuit,
                                                           size_t node)
{
    const struct ow_node_block *block = circuit->block;
    while (node >= block->end)
        block++;
    return block;
}

/* F, from a node to ground: 0 at amplifiers' inner nodes and at ground itself. */
static inline double ow_circuit_c(const struct ow_circuit *circuit, size_t node)
{
    return ow_circuit_block(circuit, node)->c;
}

/* The nodes of cell k, which is (k / cols, k % cols). */
static inline size_t ow_circuit_te(const struct ow_circuit *circuit, size_t k)
{
    return ow_terminal(&circuit->te, k / circuit->xb->cols, k % circuit->xb->cols);
}
static inline size_t ow_circuit_be(const struct ow_circuit *circuit, size_t k)
{
    return ow_terminal(&circuit->be, k / circuit->xb->cols, k % circuit->xb->cols);
}

/* Mark the nodes that no resistor and no conducting cell (scale above 0) connects to a
 * source, to ground, to an amplifier's output or to a subcircuit: is_floating[n_node].  They
 * carry no current and stand at 0 V; no host can solve for them.  OW_ERR_NOMEM. */
enum ow_status ow_circuit_floating(const struct ow_circuit *circuit, bool is_floating[],
                                   struct ow_error *err);

/* A readable name of a node, as in decks and messages: "w3_7" (word line 3 at column
 * 7, or "w3" for a merged line), "b3_7", "in2", "s2" (source of word line 2), "d2" (of bit
 * line 2), "out5", "a5", "0".
 * Where nodes have merged, the name is that of the first in that order: source, word
 * line, bit line, sense input. */
void ow_circuit_node_name(const struct ow_circuit *circuit, size_t node, char name[32]);

/* Current of one amplifier's output stage, from v_a to the output node. */
double ow_amp_current(const struct ow_sense *sense, double v_a, double v_out);
/* The supply clamp h(v_a) of ow_crossbar.h [V] and dh/dv_a. */
double ow_amp_clamp(const struct ow_sense *sense, double v_a, double *dh);
/* Below this |v_a| [V] the clamp is nothing: h is 1e-27 V there, 60 widths before a rail.  0 or
 * less: it is something everywhere. */
double ow_amp_linear_to(const struct ow_sense *sense);
/* gain (v_os - v_in - h(v_a)) - v_a [V] and its derivatives: tau dv_a/dt of
 * ow_crossbar.h. */
double ow_amp_drive(const struct ow_sense *sense, double v_in, double v_a, double *d_in,
                    double *d_a);

#ifdef __cplusplus
}
#endif
#endif
