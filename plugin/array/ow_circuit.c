#include "ow_circuit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the blocks of free nodes begin.  The crossbar is regular, so zero resistances
 * need no search for merged nodes: a word line is one node per cell, one node, or its
 * source; a bit line is one node per cell or its sense input; a sense input is a node of
 * its own, or, with a resistor of 0 ohm behind it, ground or the bit line's source. */
struct layout {
    size_t wline; /* first word-line node; rows*per_wline of them          */
    size_t bline; /* first bit-line node; cols*per_bline of them           */
    size_t in;    /* first sense input, cols of them unless is_merged      */
    size_t inner; /* first amplifiers' inner node, cols of them or none    */
    size_t out;   /* first amplifiers' output node, cols of them or none   */
    size_t n_node, cols;
    size_t per_wline; /* nodes of its own that a word line has: cols, 1 or 0   */
    size_t per_bline; /* nodes of its own that a bit line has: rows or 0       */
    size_t driver;    /* first source of the bit lines, or OW_GROUND           */
    bool is_merged;   /* the sense inputs are those sources, or ground         */
};

static struct layout layout_of(const struct ow_crossbar *xb)
{
    struct layout l = {0};
    const size_t n_amp = xb->sense.kind == OW_SENSE_TIA ? xb->cols : 0;
    l.cols = xb->cols;
    l.driver = xb->sense.kind == OW_SENSE_DRIVER ? 1 + xb->rows : OW_GROUND;
    l.is_merged = (xb->sense.kind == OW_SENSE_RESISTOR || xb->sense.kind == OW_SENSE_DRIVER) &&
                  xb->sense.r_f == 0.0;
    l.per_wline = xb->r_wordline > 0.0 ? xb->cols : xb->r_driver > 0.0 ? 1 : 0;
    l.per_bline = xb->r_bitline > 0.0 ? xb->rows : 0;
    l.wline = 1 + ow_crossbar_sources(xb);
    l.bline = l.wline + xb->rows * l.per_wline;
    l.in = l.bline + xb->cols * l.per_bline;
    l.inner = l.in + (l.is_merged ? 0 : xb->cols);
    l.out = l.inner + n_amp;
    l.n_node = l.out + n_amp;
    return l;
}

/* What a resistor behind a sense input leads to. */
static size_t node_end(const struct layout *l, size_t j)
{
    return l->driver == OW_GROUND ? OW_GROUND : l->driver + j;
}

static size_t node_sense(const struct layout *l, size_t j)
{
    return l->is_merged ? node_end(l, j) : l->in + j;
}

static size_t node_wline(const struct layout *l, size_t i, size_t j)
{
    if (l->per_wline == 0)
        return 1 + i;
    return l->wline + i * l->per_wline + (l->per_wline > 1 ? j : 0);
}

static size_t node_bline(const struct layout *l, size_t i, size_t j)
{
    return l->per_bline == 0 ? node_sense(l, j) : l->bline + i * l->cols + j;
}

/* ---- resistors ---------------------------------------------------------------------------
 */

/* An element only where there is a resistance to speak of: 0 has merged its ends, and
 * infinity is an open end. */
static bool is_element(double r)
{
    return r > 0.0 && isfinite(r);
}

/* From the corners: steps that a single row or column never takes may be anything. */
static struct ow_terminals terminals(size_t first, size_t below, size_t beside)
{
    return (struct ow_terminals){.first = first, .row = below - first, .col = beside - first};
}

static struct ow_terminals word_line_nodes(const struct layout *l, size_t j)
{
    return terminals(node_wline(l, 0, j), node_wline(l, 1, j), node_wline(l, 0, j + 1));
}

static struct ow_terminals bit_line_nodes(const struct layout *l, size_t i)
{
    return terminals(node_bline(l, i, 0), node_bline(l, i + 1, 0), node_bline(l, i, 1));
}

static struct ow_terminals sense_nodes(const struct layout *l)
{
    return terminals(node_sense(l, 0), 0, node_sense(l, 1));
}

static void put_kind(struct ow_circuit *c, enum ow_resistor_kind kind, size_t rows, size_t cols,
                     struct ow_resistors all)
{
    if (!is_element(all.of.r))
        return;
    all.rows = rows;
    all.cols = cols;
    c->resistors[kind] = all;
    c->n_resistor += rows * cols;
}

static void put_resistors(struct ow_circuit *c, const struct layout *l)
{
    const struct ow_crossbar *xb = c->xb;
    const size_t rows = xb->rows, cols = xb->cols;
    const double r_first = xb->r_driver + xb->r_wordline;
    put_kind(
        c, OW_FIRST_SEGMENTS, rows, 1,
        (struct ow_resistors){.a = {.first = 1, .row = 1},
                              .b = word_line_nodes(l, 0),
                              .of = {.r = r_first, .driver_share = xb->r_driver / r_first}});
    put_kind(c, OW_WORD_SEGMENTS, rows, cols - 1,
             (struct ow_resistors){.a = word_line_nodes(l, 0),
                                   .b = word_line_nodes(l, 1),
                                   .of = {.r = xb->r_wordline}});
    put_kind(c, OW_BIT_SEGMENTS, rows - 1, cols,
             (struct ow_resistors){.a = bit_line_nodes(l, 0),
                                   .b = bit_line_nodes(l, 1),
                                   .of = {.r = xb->r_bitline}});
    put_kind(c, OW_LAST_SEGMENTS, 1, cols,
             (struct ow_resistors){.a = bit_line_nodes(l, rows - 1),
                                   .b = sense_nodes(l),
                                   .of = {.r = xb->r_bitline}});
}

static void put_sense_resistors(struct ow_circuit *c, const struct layout *l)
{
    const struct ow_sense *s = &c->xb->sense;
    const struct ow_terminals in = sense_nodes(l),
                              end = terminals(node_end(l, 0), 0, node_end(l, 1)),
                              out = {.first = l->out, .col = 1};
    struct ow_resistors all = {.a = in, .b = end, .of = {.r = s->r_f, .is_sense = true}};
    if (s->kind == OW_SENSE_TIA)
        all.b = out;
    if (s->kind == OW_SENSE_SUBCKT) /* no part of this circuit */
        all.of.r = INFINITY;
    if (s->kind == OW_SENSE_DRIVER)
        all =
            (struct ow_resistors){.a = end, .b = in, .of = {.r = s->r_f, .driver_share = 1.0}};
    put_kind(c, OW_SENSE_RESISTORS, 1, c->xb->cols, all);
}

static struct ow_resistor resistor_of(const struct ow_resistors *all, size_t i, size_t j)
{
    struct ow_resistor one = all->of;
    one.a = ow_terminal(&all->a, i, j);
    one.b = ow_terminal(&all->b, i, j);
    return one;
}

struct ow_resistor ow_circuit_resistor(const struct ow_circuit *circuit, size_t k)
{
    const struct ow_resistors *kind = circuit->resistors;
    const size_t rows = circuit->xb->rows, cols = circuit->xb->cols;
    const size_t n_first = kind[OW_FIRST_SEGMENTS].cols,
                 per_word = n_first + kind[OW_WORD_SEGMENTS].cols;
    if (k < rows * per_word) {
        const size_t i = k / per_word, j = k % per_word;
        return j < n_first ? resistor_of(&kind[OW_FIRST_SEGMENTS], i, j)
                           : resistor_of(&kind[OW_WORD_SEGMENTS], i, j - n_first);
    }
    k -= rows * per_word;
    const size_t n_between = kind[OW_BIT_SEGMENTS].rows,
                 per_bit = n_between + kind[OW_LAST_SEGMENTS].rows;
    if (k < cols * per_bit) {
        const size_t i = k % per_bit, j = k / per_bit;
        return i < n_between ? resistor_of(&kind[OW_BIT_SEGMENTS], i, j)
                             : resistor_of(&kind[OW_LAST_SEGMENTS], 0, j);
    }
    return resistor_of(&kind[OW_SENSE_RESISTORS], 0, k - cols * per_bit);
}

/* ---- capacitances --------------------------------------------------------------------------
 */

/* Of what has merged into a sense input: the amplifier's or resistor's, and its bit line's. */
static double c_sense(const struct ow_crossbar *xb, const struct layout *l)
{
    const struct ow_sense *s = &xb->sense;
    return (l->per_bline == 0 ? (double)xb->rows * xb->c_bitline : 0.0) + s->c_in +
           (s->kind == OW_SENSE_RESISTOR ? s->c_load : 0.0);
}

/* What was merged onto ground has no voltage to be charged to. */
static void put_blocks(struct ow_circuit *c, const struct layout *l)
{
    const struct ow_crossbar *xb = c->xb;
    const double c_line = (double)xb->cols * xb->c_wordline;
    const struct ow_node_block block[OW_N_NODE_BLOCK] = {
        {1, 0.0},
        {1 + xb->rows, l->per_wline == 0 ? c_line : 0.0},
        {l->wline, l->is_merged ? c_sense(xb, l) : 0.0},
        {l->bline, l->per_wline == 1 ? c_line : xb->c_wordline},
        {l->in, xb->c_bitline},
        {l->inner, c_sense(xb, l)},
        {l->out, 0.0},
        {l->n_node, xb->sense.c_load},
    };
    memcpy(c->block, block, sizeof block);
}

/* ---- life --------------------------------------------------------------------------------
 */

static void add_sense(struct ow_circuit *c, const struct layout *l, size_t j)
{
    const bool is_tia = c->xb->sense.kind == OW_SENSE_TIA;
    const size_t in = node_sense(l, j), out = is_tia ? l->out + j : in;
    c->sense_in[j] = in;
    c->sense_out[j] = out;
    if (is_tia)
        c->amp[j] = (struct ow_amp){.in = in, .inner = l->inner + j, .out = out};
}

enum ow_status ow_circuit_create(const struct ow_crossbar *xb, struct ow_circuit **out,
                                 struct ow_error *err)
{
    const struct layout l = layout_of(xb);
    const size_t rows = xb->rows, cols = xb->cols;
    const bool is_tia = xb->sense.kind == OW_SENSE_TIA;
    struct ow_circuit *c = calloc(1, sizeof *c);
    if (!c)
        goto fail;
    c->xb = xb;
    c->n_node = l.n_node;
    c->n_source = ow_crossbar_sources(xb);
    c->first_free = 1 + c->n_source;
    c->is_grid = l.per_wline == cols && l.per_bline == rows && xb->r_wordline > 0.0;
    c->is_merged =
        l.per_wline == 1 && xb->r_wordline == 0.0 && l.per_bline == 0 && !l.is_merged;
    c->wline = l.wline;
    c->bline = l.bline;
    c->te = word_line_nodes(&l, 0);
    c->be = bit_line_nodes(&l, 0);
    put_resistors(c, &l);
    put_sense_resistors(c, &l);
    put_blocks(c, &l);
    c->sense_in = calloc(cols, sizeof *c->sense_in);
    c->sense_out = calloc(cols, sizeof *c->sense_out);
    c->amp = is_tia ? calloc(cols, sizeof *c->amp) : NULL;
    if (!c->sense_in || !c->sense_out || (is_tia && !c->amp))
        goto fail;
    c->n_amp = is_tia ? cols : 0;
    for (size_t j = 0; j < cols; j++)
        add_sense(c, &l, j);
    *out = c;
    return OW_OK;
fail:
    ow_circuit_destroy(c);
    return ow_fail(err, OW_ERR_NOMEM, "circuit of a %zu x %zu array: out of memory", rows,
                   cols);
}

void ow_circuit_destroy(struct ow_circuit *circuit)
{
    if (!circuit)
        return;
    free(circuit->amp);
    free(circuit->sense_in);
    free(circuit->sense_out);
    free(circuit);
}

void ow_circuit_node_name(const struct ow_circuit *circuit, size_t node, char name[32])
{
    const struct layout l = layout_of(circuit->xb);
    if (node == OW_GROUND)
        snprintf(name, 32, "0");
    else if (node <= circuit->xb->rows)
        snprintf(name, 32, "s%zu", node - 1);
    else if (node < l.wline)
        snprintf(name, 32, "d%zu", node - l.driver);
    else if (node < l.bline && circuit->xb->r_wordline == 0.0)
        snprintf(name, 32, "w%zu", node - l.wline);
    else if (node < l.bline)
        snprintf(name, 32, "w%zu_%zu", (node - l.wline) / l.per_wline,
                 (node - l.wline) % l.per_wline);
    else if (node < l.in)
        snprintf(name, 32, "b%zu_%zu", (node - l.bline) / l.cols, (node - l.bline) % l.cols);
    else if (node < l.inner)
        snprintf(name, 32, "%s%zu", l.per_bline ? "in" : "b", node - l.in);
    else if (node < l.out)
        snprintf(name, 32, "a%zu", node - l.inner);
    else
        snprintf(name, 32, "out%zu", node - l.out);
}

double ow_amp_current(const struct ow_sense *sense, double v_a, double v_out)
{
    return (v_a - v_out) / sense->r_out;
}

/* ln(1 + e^u) and its derivative 1/(1 + e^-u), without overflow. */
static double softplus(double u, double *d)
{
    const double e = fabs(u) > 700.0 ? 0.0 : exp(-fabs(u)); /* e^-700: 1e-304 */
    *d = (u >= 0.0 ? 1.0 : e) / (1.0 + e);
    return fmax(u, 0.0) + (e == 0.0 ? 0.0 : log1p(e));
}

double ow_amp_clamp(const struct ow_sense *sense, double v_a, double *dh)
{
    const double half_supply = 0.5 * sense->vdd;
    double d_hi, d_lo;
    const double hi = softplus((v_a - half_supply) / OW_CLAMP_WIDTH, &d_hi);
    const double lo = softplus((-v_a - half_supply) / OW_CLAMP_WIDTH, &d_lo);
    *dh = OW_CLAMP_SLOPE * (d_hi + d_lo);
    return OW_CLAMP_SLOPE * OW_CLAMP_WIDTH * (hi - lo);
}

double ow_amp_linear_to(const struct ow_sense *sense)
{
    return 0.5 * sense->vdd - 60.0 * OW_CLAMP_WIDTH;
}

double ow_amp_drive(const struct ow_sense *sense, double v_in, double v_a, double *d_in,
                    double *d_a)
{
    double dh;
    const double h = ow_amp_clamp(sense, v_a, &dh);
    *d_in = -sense->gain;
    *d_a = -sense->gain * dh - 1.0;
    return sense->gain * (sense->v_os - v_in - h) - v_a;
}

static size_t root_of(size_t parent[], size_t k)
{
    while (parent[k] != k)
        k = parent[k] = parent[parent[k]]; /* halves the path on the way */
    return k;
}

static void join(size_t parent[], size_t a, size_t b)
{
    parent[root_of(parent, a)] = root_of(parent, b);
}

enum ow_status ow_circuit_floating(const struct ow_circuit *circuit, bool is_floating[],
                                   struct ow_error *err)
{
    const size_t n_cell = circuit->xb->rows * circuit->xb->cols;
    const struct ow_resistors *end = circuit->resistors + OW_N_RESISTOR_KIND;
    size_t *parent = calloc(circuit->n_node, sizeof *parent);
    if (!parent)
        return ow_fail(err, OW_ERR_NOMEM, "floating nodes: out of memory");
    for (size_t k = 0; k < circuit->n_node; k++)
        parent[k] = k;
    for (size_t k = 1; k < circuit->first_free; k++)
        join(parent, k, OW_GROUND);
    for (size_t j = 0; j < circuit->xb->cols; j++)
        if (circuit->xb->sense.kind == OW_SENSE_SUBCKT)
            join(parent, circuit->sense_in[j], OW_GROUND);
    for (size_t k = 0; k < circuit->n_amp; k++) {
        join(parent, circuit->amp[k].inner, OW_GROUND);
        join(parent, circuit->amp[k].out, OW_GROUND);
    }
    for (const struct ow_resistors *r = circuit->resistors; r < end; r++)
        for (size_t i = 0; i < r->rows; i++)
            for (size_t j = 0; j < r->cols; j++)
                join(parent, ow_terminal(&r->a, i, j), ow_terminal(&r->b, i, j));
    for (size_t j = 0; j < n_cell; j++)
        if (ow_crossbar_scale(circuit->xb, j) > 0.0)
            join(parent, ow_circuit_te(circuit, j), ow_circuit_be(circuit, j));
    for (size_t k = 0; k < circuit->n_node; k++)
        is_floating[k] = root_of(parent, k) != root_of(parent, OW_GROUND);
    free(parent);
    return OW_OK;
}
