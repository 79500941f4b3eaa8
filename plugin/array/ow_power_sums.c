/* Powers from sums of currents.  A segment carries all that leaves its line beyond it,
 *
 *   i_word = sum over the cells from it to the far end    i + M dw/dt ,
 *   i_bit  = sum over the cells from the far end to it    i - M db/dt ,
 *
 * i the cells' currents, M dv/dt what charges a node; it takes r i^2, and so does the driver at
 * the end, whose source delivers i.  Of 1 uA along 1 mohm voltages tell no more than that they
 * differ by 1 nV; a sum is as good as its terms, whatever the resistance. */
#include <math.h>
#include <string.h>

#include "ow_power.h"

struct lines {
    const struct ow_circuit *circuit;
    const double *charging, *i_cell; /* [n_free], [rows*cols] A */
};

/* What charges a node; the sources' own capacitance is counted elsewhere. */
static double charge_of(const struct lines *l, size_t node)
{
    const size_t first = l->circuit->first_free;
    return node < first ? 0.0 : l->charging[node - first];
}

/* Word line `row` from its far end; returns what enters it. */
static double add_word_line(const struct lines *l, size_t row, struct ow_power *out)
{
    const struct ow_circuit *ckt = l->circuit;
    const struct ow_crossbar *xb = ckt->xb;
    const double *i_cell = l->i_cell + row * xb->cols;
    const bool has_segments = xb->r_wordline > 0.0;
    double i = 0.0, squares = 0.0;
    for (size_t j = xb->cols; j-- > 0;) {
        const size_t te = ow_terminal(&ckt->te, row, j);
        const bool is_loop = te == ow_terminal(&ckt->be, row, j);
        i += (is_loop ? 0.0 : i_cell[j]) + (has_segments || j == 0 ? charge_of(l, te) : 0.0);
        squares += j > 0 ? i * i : 0.0;
    }
    const double r_first = xb->r_driver + xb->r_wordline;
    if (!isfinite(r_first))
        i = 0.0; /* open */
    else
        out->drivers += xb->r_driver * i * i;
    out->wires += xb->r_wordline * (squares + i * i);
    return i;
}

/* Row `row` of the bit lines: i_bit[cols] goes on to the segments behind it. */
static void add_bit_row(const struct lines *l, size_t row, double i_bit[], struct ow_power *out)
{
    const struct ow_circuit *ckt = l->circuit;
    const struct ow_crossbar *xb = ckt->xb;
    const bool has_segments = xb->r_bitline > 0.0; /* else what charges it is the end's */
    const double *i_cell = l->i_cell + row * xb->cols;
    double squares = 0.0;
    for (size_t j = 0; j < xb->cols; j++) {
        const size_t be = ow_terminal(&ckt->be, row, j);
        const bool is_loop = be == ow_terminal(&ckt->te, row, j);
        i_bit[j] += (is_loop ? 0.0 : i_cell[j]) - (has_segments ? charge_of(l, be) : 0.0);
        squares += i_bit[j] * i_bit[j];
    }
    out->wires += xb->r_bitline * squares;
}

/* Behind the last row: what arrives there goes on through the drivers of the bit lines. */
static void add_bit_drivers(const struct lines *l, const double i_bit[], double i_source[],
                            struct ow_power *out)
{
    const struct ow_crossbar *xb = l->circuit->xb;
    if (xb->sense.kind != OW_SENSE_DRIVER || !isfinite(xb->sense.r_f))
        return;
    for (size_t j = 0; j < xb->cols; j++) {
        const double i = i_bit[j] - charge_of(l, l->circuit->sense_in[j]);
        out->drivers += xb->sense.r_f * i * i;
        i_source[xb->rows + j] -= i;
    }
}

/* Sense and feedback resistors, at whose ends voltages are small. */
static void add_sense_resistors(const struct ow_circuit *ckt, const double v[],
                                struct ow_power *out)
{
    const struct ow_resistors *all = &ckt->resistors[OW_SENSE_RESISTORS];
    for (size_t j = 0; all->of.is_sense && j < all->cols; j++) {
        const double u = v[ow_terminal(&all->a, 0, j)] - v[ow_terminal(&all->b, 0, j)];
        out->sense += u * u / all->of.r;
    }
}

static void add_devices(const struct lines *l, const double v[], size_t row,
                        struct ow_power *out)
{
    const struct ow_circuit *ckt = l->circuit;
    const double *i_cell = l->i_cell + row * ckt->xb->cols;
    for (size_t j = 0; j < ckt->xb->cols; j++)
        out->devices +=
            (v[ow_terminal(&ckt->te, row, j)] - v[ow_terminal(&ckt->be, row, j)]) * i_cell[j];
}

void ow_power_summed(const struct ow_circuit *circuit, const double v_node[],
                     const double dv_source[], const double charging[], const double i_cell[],
                     double i_source[], double i_bit[], struct ow_power *out)
{
    const struct ow_crossbar *xb = circuit->xb;
    const struct lines lines = {circuit, charging, i_cell};
    *out = (struct ow_power){0};
    ow_power_begin(circuit, dv_source, i_source);
    memset(i_bit, 0, xb->cols * sizeof *i_bit);
    for (size_t row = 0; row < xb->rows; row++) {
        i_source[row] += add_word_line(&lines, row, out);
        add_bit_row(&lines, row, i_bit, out);
        add_devices(&lines, v_node, row, out);
    }
    add_bit_drivers(&lines, i_bit, i_source, out);
    add_sense_resistors(circuit, v_node, out);
    ow_power_add_periphery(circuit, v_node, i_source, out);
}
