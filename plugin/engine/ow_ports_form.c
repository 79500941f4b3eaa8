/* The quadratic forms of the ports, from the cells' voltages u_e under every excitation e:
 *   P_ef = sum over cells     (g u_e) u_f ,
 *   W_ef = sum over segments  r s_e s_f ,
 * where the segment of a word line in front of cell (i, j) carries the currents of the cells
 * from j on, and that of a bit line behind it those of the cells down to i. */
#include <stdlib.h>
#include <string.h>

#include "ow_kernel.h"
#include "ow_ports_parts.h"

/* Currents of TILE excitations in one row of cells: all [cols][TILE], A. */
struct strip {
    double *cell;
    double *word, *bit; /* of the segments that lead to the cells and on from them */
};

struct former {
    struct strip left, right;
    double *devices, *word, *bit; /* [TILE][TILE] sums */
    double store[];
};

static struct former *former_create(size_t cols)
{
    const size_t n = cols * TILE;
    struct former *f = calloc(1, sizeof *f + (6 * n + 3 * TILE * TILE) * sizeof(double));
    if (!f)
        return NULL;
    double *at = f->store;
    f->left = (struct strip){at, at + n, at + 2 * n};
    f->right = (struct strip){at + 3 * n, at + 4 * n, at + 5 * n};
    f->devices = at + 6 * n;
    f->word = f->devices + TILE * TILE;
    f->bit = f->word + TILE * TILE;
    return f;
}

/* Voltages [cols][LANES] of the cells of row i under excitations e, e + 1, ... */
static const double *panel_row(const struct ow_ports *p, size_t e, size_t i)
{
    return p->panel[e / LANES] + i * p->cols * LANES;
}

/* Row i under `width` excitations from `first` on; the rows above it have come before, their
 * currents being in `bit`. */
OW_CLONES
static void load_strip(const struct ow_ports *p, size_t first, size_t width, size_t i,
                       struct strip *s)
{
    for (size_t e = 0; e < width; e += LANES) {
        const double *u = panel_row(p, first + e, i);
        double sum[LANES] = {0.0};
        for (size_t j = p->cols; j-- > 0;) {
            const double g = p->g[i * p->cols + j];
            double *cell = s->cell + j * TILE + e, *bit = s->bit + j * TILE + e;
            for (size_t lane = 0; lane < LANES; lane++) {
                cell[lane] = g * u[j * LANES + lane];
                bit[lane] += cell[lane];
                sum[lane] += cell[lane];
            }
            memcpy(s->word + j * TILE + e, sum, sizeof sum);
        }
    }
}

static size_t n_tile(const struct ow_ports *p)
{
    return (p->n_excitation + TILE - 1) / TILE;
}

size_t ow_ports_n_form(const struct ow_ports *p)
{
    return n_tile(p) * (n_tile(p) + 1) / 2;
}

enum ow_status ow_ports_form(struct ow_ports *p, size_t task, struct ow_error *err)
{
    const struct ow_crossbar *xb = p->circuit->xb;
    const size_t n = p->n_excitation, cols = p->cols;
    size_t right = 0; /* task counts up the columns of the upper triangle */
    while (task > right)
        task -= ++right;
    const size_t left = task;
    const size_t m_left = left + 1 < n_tile(p) ? TILE : n - left * TILE;
    const size_t m_right = right + 1 < n_tile(p) ? TILE : n - right * TILE;
    struct former *f = former_create(cols);
    if (!f)
        return ow_ports_no_memory(err);
    const struct strip *l = &f->left, *r = left == right ? l : &f->right;
    for (size_t i = 0; i < p->rows; i++) {
        load_strip(p, left * TILE, m_left, i, &f->left);
        if (left != right)
            load_strip(p, right * TILE, m_right, i, &f->right);
        for (size_t e = 0; e < m_right; e += LANES)
            ow_product(cols, m_left, LANES, l->cell, TILE, panel_row(p, right * TILE + e, i),
                       LANES, f->devices + e, TILE);
        if (xb->r_wordline > 0.0)
            ow_product(cols, m_left, m_right, l->word, TILE, r->word, TILE, f->word, TILE);
        if (xb->r_bitline > 0.0)
            ow_product(cols, m_left, m_right, l->bit, TILE, r->bit, TILE, f->bit, TILE);
    }
    const double times = left == right ? 1.0 : 2.0;
    for (size_t a = 0; a < m_left; a++)
        for (size_t b = 0; b < m_right; b++) {
            const size_t at = a * TILE + b, to = (left * TILE + a) * n + right * TILE + b;
            p->devices[to] = times * f->devices[at];
            p->wires[to] = times * (xb->r_wordline * f->word[at] + xb->r_bitline * f->bit[at]);
        }
    free(f);
    return OW_OK;
}
