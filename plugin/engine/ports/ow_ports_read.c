/* Reads by the ports, OW_PORTS_BLOCK of them at once:
 *   i_sense = z' N,   i_source = z' S,   p_devices = z' P z,   p_wires = z' W z ,
 * with the gain nodes of amplifiers far from their rails
 *   v_a = (v_os - (r_f + r_out) i_sense) / (1 + 1/gain) ,
 * and for those near them Newton's method on the columns k that are,
 *   v_a (1 + 1/gain) + h_j - gain sum_k N_kj h_k = v_os - (r_f + r_out) i_linear ,
 * after which J_k = -gain h_k / (r_f + r_out) stand in z. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_kernel.h"
#include "ow_ports_parts.h"
#include "ow_power.h"

/* A block of reads under way.  Excitations run along the rows of z, so that they can be the
 * left factor of a product; results have a row a read. */
struct block {
    size_t n, wide; /* reads, and rounded up for products                               */
    size_t n_used;  /* excitations that are not 0                                       */
    double *z;      /* [n_excitation][Z_STRIDE]                                         */
    double *sense;  /* [BLOCK][wide_cols]   A (V where there are no amplifiers)         */
    double *source; /* [BLOCK][wide_rows]   A                                           */
    double store[];
};

/* out = z' matrix, of the excitations that are not 0 */
static void multiply(const struct block *b, const double matrix[], size_t width, double out[])
{
    ow_product(b->n_used, b->wide, width, b->z, Z_STRIDE, matrix, width, out, width);
}

/* The linear part: excitations and sense currents as if no amplifier had rails. */
static struct block *block_create(const struct ow_ports *p, size_t n, const double amplitude[])
{
    const size_t n_z = p->n_excitation * Z_STRIDE, n_sense = BLOCK * p->wide_cols,
                 n_source = BLOCK * p->wide_rows;
    struct block *b = calloc(1, sizeof *b + (n_z + n_sense + n_source) * sizeof(double));
    if (!b)
        return NULL;
    b->n = n;
    b->wide = ow_ports_round_up(n, LANES);
    b->n_used = p->first_clamp;
    b->z = b->store;
    b->sense = b->z + n_z;
    b->source = b->sense + n_sense;
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < p->rows; i++)
            b->z[i * Z_STRIDE + k] = amplitude[k * p->rows + i];
        if (ow_ports_has_offset(p))
            b->z[p->rows * Z_STRIDE + k] = 1.0;
    }
    multiply(b, p->sense, p->wide_cols, b->sense);
    return b;
}

/* v_a where the clamp h adds to the loop. */
static double gain_node(const struct ow_ports *p, double i_sense)
{
    const struct ow_sense *s = &p->circuit->xb->sense;
    return (s->v_os - p->r_loop * i_sense) / (1.0 + 1.0 / s->gain);
}

static bool is_near_rail(const struct ow_ports *p, const double i_sense[])
{
    for (size_t j = 0; ow_ports_has_amps(p) && j < p->cols; j++)
        if (!(fabs(gain_node(p, i_sense[j])) <= p->v_linear))
            return true;
    return false;
}

/* ---- rails ------------------------------------------------------------------------------- */

/* Amplifiers near their rails, n of them: the system of the header, by Newton's method. */
struct rails {
    size_t n;
    size_t *col;     /* [n] which columns                  */
    bool *is_member; /* [cols] is this one of them?        */
    double *v_a;     /* [cols] V, of every column          */
    double *h, *dh;  /* [n] V and its derivative           */
    double *change;  /* [n] V, of v_a                      */
    double *matrix;  /* [n][n]                             */
};

static void rails_finish(struct rails *r)
{
    free(r->col);
    free(r->is_member);
    free(r->v_a);
    free(r->h);
    free(r->dh);
    free(r->change);
    free(r->matrix);
}

static bool rails_init(struct rails *r, size_t cols)
{
    *r = (struct rails){.col = calloc(cols, sizeof *r->col),
                        .is_member = calloc(cols, sizeof *r->is_member),
                        .v_a = calloc(cols, sizeof *r->v_a),
                        .h = calloc(cols, sizeof *r->h),
                        .dh = calloc(cols, sizeof *r->dh),
                        .change = calloc(cols, sizeof *r->change),
                        .matrix = calloc(cols * cols, sizeof *r->matrix)};
    return r->col && r->is_member && r->v_a && r->h && r->dh && r->change && r->matrix;
}

/* Gauss, with row pivoting, in place; the solution in b.  False if singular. */
OW_CLONES
static bool gauss(size_t n, double a[], double b[])
{
    for (size_t p = 0; p < n; p++) {
        size_t best = p;
        for (size_t i = p + 1; i < n; i++)
            if (fabs(a[i * n + p]) > fabs(a[best * n + p]))
                best = i;
        if (!(fabs(a[best * n + p]) > 0.0))
            return false;
        for (size_t j = p; j < n; j++) {
            const double t = a[p * n + j];
            a[p * n + j] = a[best * n + j];
            a[best * n + j] = t;
        }
        const double t = b[p];
        b[p] = b[best];
        b[best] = t;
        for (size_t i = p + 1; i < n; i++) {
            const double m = a[i * n + p] / a[p * n + p];
            for (size_t j = p + 1; j < n; j++)
                a[i * n + j] -= m * a[p * n + j];
            b[i] -= m * b[p];
        }
    }
    for (size_t p = n; p-- > 0;) {
        for (size_t j = p + 1; j < n; j++)
            b[p] -= a[p * n + j] * b[j];
        b[p] /= a[p * n + p];
    }
    return true;
}

/* What the clamps' currents make of column j's sense current. */
static double clamped_current(const struct ow_ports *p, const struct rails *r, size_t j)
{
    const struct ow_sense *s = &p->circuit->xb->sense;
    const double *response = p->sense + p->first_clamp * p->wide_cols;
    double i = 0.0;
    for (size_t k = 0; k < r->n; k++)
        i -= response[r->col[k] * p->wide_cols + j] * s->gain / p->r_loop * r->h[k];
    return i;
}

static void clamp_rails(const struct ow_ports *p, struct rails *r)
{
    for (size_t k = 0; k < r->n; k++)
        r->h[k] = ow_amp_clamp(&p->circuit->xb->sense, r->v_a[r->col[k]], &r->dh[k]);
}

/* i_linear[cols]: sense currents without clamps.  False if it does not converge. */
static bool newton_rails(const struct ow_ports *p, const double i_linear[], struct rails *r)
{
    enum { MOST = 100 };
    const struct ow_sense *s = &p->circuit->xb->sense;
    const double self = 1.0 + 1.0 / s->gain;
    const double *response = p->sense + p->first_clamp * p->wide_cols;
    double largest = INFINITY;
    clamp_rails(p, r);
    for (int step = 0; step < MOST && largest > 1e-7 * OW_CLAMP_WIDTH; step++) {
        for (size_t j = 0; j < r->n; j++) {
            const size_t col = r->col[j];
            const double i = i_linear[col] + clamped_current(p, r, col);
            r->change[j] = s->v_os - p->r_loop * i - r->h[j] - self * r->v_a[col];
            for (size_t k = 0; k < r->n; k++)
                r->matrix[j * r->n + k] =
                    -s->gain * response[r->col[k] * p->wide_cols + col] * r->dh[k];
            r->matrix[j * r->n + j] += r->dh[j] + self;
        }
        if (!gauss(r->n, r->matrix, r->change))
            return false;
        for (size_t k = 0; k < r->n; k++)
            r->v_a[r->col[k]] += r->change[k];
        clamp_rails(p, r);
        largest = ow_largest(r->change, r->n);
        if (!isfinite(largest))
            return false;
    }
    /* h bends over OW_CLAMP_WIDTH and convergence is quadratic: what is left is rounding */
    return largest <= 1e-7 * OW_CLAMP_WIDTH;
}

/* Columns beyond the linear range join the others.  Is there a new one? */
static bool join_rails(const struct ow_ports *p, struct rails *r)
{
    const size_t before = r->n;
    for (size_t j = 0; j < p->cols; j++)
        if (!r->is_member[j] && !(fabs(r->v_a[j]) <= p->v_linear)) {
            r->is_member[j] = true;
            r->col[r->n++] = j;
        }
    return r->n > before;
}

/* Sense currents [cols] of a read and its gain nodes, whose J go into column k of z.  False if
 * that is dear or fails: then the circuit is to be solved as a whole. */
static bool solve_rails(const struct ow_ports *p, struct rails *r, double i_sense[],
                        struct block *b, size_t k)
{
    const struct ow_sense *s = &p->circuit->xb->sense;
    const double rail = 0.5 * s->vdd;
    r->n = 0;
    for (size_t j = 0; j < p->cols; j++) {
        r->is_member[j] = false;
        r->v_a[j] = fmin(fmax(gain_node(p, i_sense[j]), -rail), rail);
    }
    while (join_rails(p, r)) {
        if (r->n > p->most_rails || !newton_rails(p, i_sense, r))
            return false;
        for (size_t j = 0; j < p->cols; j++)
            if (!r->is_member[j])
                r->v_a[j] = gain_node(p, i_sense[j] + clamped_current(p, r, j));
    }
    for (size_t j = 0; j < p->cols; j++)
        i_sense[j] += clamped_current(p, r, j);
    for (size_t m = 0; m < r->n; m++)
        b->z[(p->first_clamp + r->col[m]) * Z_STRIDE + k] = -s->gain / p->r_loop * r->h[m];
    return true;
}

/* ---- reads ------------------------------------------------------------------------------- */

/* Gain nodes [cols] of every read of the block, with clamps where they are needed. */
static enum ow_status find_gain_nodes(const struct ow_ports *p, struct block *b,
                                      double v_gain[], bool is_done[])
{
    struct rails rails;
    bool has_rails = false;
    for (size_t k = 0; k < b->n; k++) {
        double *i_sense = b->sense + k * p->wide_cols, *v_a = v_gain + k * p->cols;
        for (size_t j = 0; j < p->cols; j++)
            v_a[j] = ow_ports_has_amps(p) ? gain_node(p, i_sense[j]) : 0.0;
        is_done[k] = !is_near_rail(p, i_sense);
        if (is_done[k])
            continue;
        if (!has_rails && !(has_rails = rails_init(&rails, p->cols))) {
            rails_finish(&rails);
            return OW_ERR_NOMEM;
        }
        is_done[k] = solve_rails(p, &rails, i_sense, b, k);
        memcpy(v_a, rails.v_a, p->cols * sizeof *v_a);
        b->n_used = p->n_excitation;
    }
    if (has_rails)
        rails_finish(&rails);
    return OW_OK;
}

/* power[k] = z' form z for every read. */
static void dissipate(const struct ow_ports *p, const struct block *b, const double form[],
                      double power[BLOCK])
{
    double part[BLOCK * TILE];
    memset(power, 0, BLOCK * sizeof *power);
    for (size_t first = 0; first < b->n_used; first += TILE) {
        const size_t end = first + TILE < b->n_used ? first + TILE : b->n_used;
        memset(part, 0, sizeof part);
        ow_product(end, b->wide, end - first, b->z, Z_STRIDE, form + first, p->n_excitation,
                   part, TILE);
        for (size_t k = 0; k < b->n; k++)
            for (size_t e = first; e < end; e++)
                power[k] += part[k * TILE + e - first] * b->z[e * Z_STRIDE + k];
    }
}

/* Everything else of read k. */
static void finish_read(const struct ow_ports *p, const double amplitude[],
                        const double i_source[], const double sense[],
                        const struct ow_pulse *pulse, double v_gain[], double v_sense[],
                        struct ow_power *at)
{
    const struct ow_crossbar *xb = p->circuit->xb;
    const bool is_integrator = xb->sense.kind == OW_SENSE_INTEGRATOR;
    const double r_f = xb->sense.r_f;
    for (size_t i = 0; i < p->rows; i++) {
        const double power = amplitude[i] * i_source[i];
        at->source += power;
        at->throughput += fabs(power);
        at->charge_rate += fmax(i_source[i], 0.0);
        at->drivers += isinf(xb->r_driver) ? 0.0 : xb->r_driver * i_source[i] * i_source[i];
    }
    for (size_t j = 0; j < p->cols; j++) {
        if (ow_ports_has_amps(p)) { /* sense[j] flows through r_f, and on through r_out */
            v_sense[j] = v_gain[j] + xb->sense.r_out * sense[j];
            at->sense += r_f * sense[j] * sense[j];
            ow_power_add_amp(&xb->sense, v_gain[j], v_sense[j], at);
        } else {
            v_sense[j] = sense[j];
            at->sense += r_f > 0.0 ? sense[j] * sense[j] / r_f : 0.0;
        }
        if (is_integrator) {
            v_sense[j] *= ow_integrator_gain(&xb->sense, pulse);
            v_gain[j] = v_sense[j];
            ow_power_add_integrator(&xb->sense, at);
        }
    }
    at->supply = at->output + at->quiescent;
    at->throughput += at->output;
}

enum ow_status ow_ports_read(const struct ow_ports *p, size_t n, const double amplitude[],
                             const struct ow_pulse *pulse, double v_sense[], double v_gain[],
                             struct ow_energy energy[], bool is_done[], struct ow_error *err)
{
    double devices[BLOCK], wires[BLOCK];
    struct block *b = block_create(p, n, amplitude);
    if (!b || find_gain_nodes(p, b, v_gain, is_done)) {
        free(b);
        return ow_ports_no_memory(err);
    }
    multiply(b, p->source, p->wide_rows, b->source);
    dissipate(p, b, p->devices, devices);
    dissipate(p, b, p->wires, wires);
    for (size_t k = 0; k < n; k++) {
        struct ow_power at = {.devices = devices[k], .wires = wires[k]};
        finish_read(p, amplitude + k * p->rows, b->source + k * p->wide_rows,
                    b->sense + k * p->wide_cols, pulse, v_gain + k * p->cols,
                    v_sense + k * p->cols, &at);
        energy[k] = ow_power_plateau(&at, pulse->t_read, ow_pulse_end(pulse));
    }
    free(b);
    return OW_OK;
}
