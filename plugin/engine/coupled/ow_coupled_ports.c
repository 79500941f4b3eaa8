/* What flows into the array at its ports: all that leaves the line there,
 *
 *   i_word = sum over j  i + c_wordline dw/dt + c_cell d(w - b)/dt ,
 *   i_bit  = sum over i  c_bitline db/dt + c_cell d(b - w)/dt - i ,
 *
 * i the cells' currents, and what charges capacitance at the port itself; its power is v i.  An
 * admittance is that of the ladder of segments and cells, from its far end. */
#include <math.h>
#include <string.h>

#include "ow_coupled_parts.h"
#include "ow_kernel.h"

/* ---- powers and currents --------------------------------------------------------------- */

/* The three powers that the ports' currents i decide. */
static void port_powers(const struct ow_coupled *c, const double v[], const double i[],
                        double p[])
{
    p[SOURCE] = p[THROUGHPUT] = p[CHARGE] = 0.0;
    for (size_t k = 0; k < c->n_port; k++) {
        p[SOURCE] += v[k] * i[k];
        p[THROUGHPUT] += fabs(v[k] * i[k]);
        p[CHARGE] += fmax(i[k], 0.0);
    }
}

/* dv/dt of a node. */
static double node_rate(const struct ow_coupled *c, size_t node)
{
    const size_t first = c->circuit->first_free;
    return node < first ? 0.0 : c->end_rate[node - first];
}

/* What leaves word line `row` and joins the bit lines there: through the cells, and what
 * charges them and the nodes. */
static void add_row(const struct ow_coupled *c, size_t row, double *i_word, double i_bit[])
{
    const struct ow_circuit *ckt = c->circuit;
    const struct ow_crossbar *xb = ckt->xb;
    const double *i = c->sys.at.i + row * xb->cols;
    for (size_t j = 0; j < xb->cols; j++) {
        *i_word += i[j];
        i_bit[j] -= i[j];
        if (!c->has_end_rate)
            continue;
        const double w = node_rate(c, ow_terminal(&ckt->te, row, j));
        const double b = node_rate(c, ow_terminal(&ckt->be, row, j));
        *i_word += xb->c_wordline * w + xb->c_cell * (w - b);
        i_bit[j] += xb->c_bitline * b + xb->c_cell * (b - w);
    }
}

/* The same of two planes of nodes: w[cols], b[cols] hold their dv/dt. */
OW_CLONES static void add_plane_row(const struct ow_crossbar *xb, const double i[],
                                    const double w[], const double b[], double *i_word,
                                    double i_bit[])
{
    enum { LANES = 8 };
    const double c_w = xb->c_wordline, c_b = xb->c_bitline, c = xb->c_cell;
    double sum[LANES] = {0.0};
    size_t j = 0;
    for (; j + LANES <= xb->cols; j += LANES)
        for (size_t m = 0; m < LANES; m++) {
            const size_t k = j + m;
            sum[m] += i[k] + c_w * w[k] + c * (w[k] - b[k]);
            i_bit[k] += c_b * b[k] + c * (b[k] - w[k]) - i[k];
        }
    for (; j < xb->cols; j++) {
        sum[0] += i[j] + c_w * w[j] + c * (w[j] - b[j]);
        i_bit[j] += c_b * b[j] + c * (b[j] - w[j]) - i[j];
    }
    *i_word += ow_total(sum, LANES);
}

/* The ports' currents at the placed point, but for what charges the ports' own capacitance:
 * all that leaves a line.  The drop over its first segment would tell them as well, but that
 * is a small difference of voltages, and what the solver leaves of an error there is large in
 * it. */
static void port_currents(const struct ow_coupled *c, double i[])
{
    const struct ow_circuit *ckt = c->circuit;
    const size_t rows = ckt->xb->rows, cols = ckt->xb->cols, first = ckt->first_free;
    memset(i, 0, c->n_port * sizeof *i);
    for (size_t row = 0; row < rows; row++) {
        const size_t k = row * cols;
        if (ckt->is_grid && c->has_end_rate)
            add_plane_row(ckt->xb, c->sys.at.i + k, c->end_rate + (ckt->wline - first) + k,
                          c->end_rate + (ckt->bline - first) + k, &i[row], i + rows);
        else
            add_row(c, row, &i[row], i + rows);
    }
}

void ow_coupled_sample(struct ow_coupled *c, const double v[], double p[], double i[])
{
    memset(c->dv_row, 0, c->n_port * sizeof *c->dv_row);
    ow_ledger_powers(&c->ledger, c->dv_row, c->has_end_rate ? c->end_rate : NULL, p);
    port_currents(c, i);
    port_powers(c, v, i, p);
}

void ow_coupled_charge(const struct ow_coupled *c, const double v[], double i[], double p[])
{
    for (size_t k = 0; k < c->n_port; k++)
        i[k] += c->c_port[k] * c->dv_row[k];
    port_powers(c, v, i, p);
}

/* ---- conductances ------------------------------------------------------------------------ */

/* From the far end of a line: each node's own branch, and what lies behind in series with a
 * segment.  Cells lead to lines that stand still. */
static double seen_from(const struct ow_coupled *c, size_t first, size_t step, size_t n,
                        double r, double r_first, double c_node, double h)
{
    const struct ow_crossbar *xb = c->circuit->xb;
    double y = 0.0;
    for (size_t k = n; k-- > 0;) {
        const size_t cell = first + k * step;
        const double own = fmax(c->sys.at.di_dv[cell], 0.0) + (c_node + xb->c_cell) / h;
        y = own + (k + 1 < n && y > 0.0 ? y / (1.0 + r * y) : 0.0);
    }
    return y / (1.0 + r_first * y);
}

/* A bit line's port is behind its last row; a row without resistance meets all its cells. */
void ow_coupled_conductance(const struct ow_coupled *c, double h, double g[])
{
    const struct ow_crossbar *xb = c->circuit->xb;
    for (size_t i = 0; i < xb->rows; i++)
        g[i] = seen_from(c, i * xb->cols, 1, xb->cols, xb->r_wordline,
                         xb->r_driver + xb->r_wordline, xb->c_wordline, h);
    for (size_t j = 0; j < xb->cols; j++)
        g[xb->rows + j] =
            seen_from(c, (xb->rows - 1) * xb->cols + j, (size_t)0 - xb->cols, xb->rows,
                      xb->r_bitline, xb->sense.r_f + xb->r_bitline, xb->c_bitline, h);
}
