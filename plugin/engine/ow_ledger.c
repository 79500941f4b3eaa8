#include "ow_ledger.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_kernel.h"
#include "ow_pages.h"

enum { SOURCE, SUPPLY, DRIVERS, DEVICES, WIRES, SENSE, THROUGHPUT, CHARGE, OUTPUT, QUIESCENT };
_Static_assert(QUIESCENT + 1 == OW_N_POWER && (int)OW_N_POWER <= (int)OW_INTEGRAL_MOST,
               "one place for each power");

enum ow_status ow_ledger_init(struct ow_system *sys, const struct ow_mass *mass,
                              bool can_settle, struct ow_ledger *out)
{
    *out = (struct ow_ledger){.sys = sys, .mass = mass};
    out->i_source = calloc(sys->circuit->n_source, sizeof *out->i_source);
    out->i_bit = calloc(sys->circuit->xb->cols, sizeof *out->i_bit);
    out->charging = ow_pages_calloc(sys->n_free + 1, sizeof *out->charging);
    out->part = calloc(sys->circuit->xb->rows, sizeof *out->part);
    out->is_at_rest = calloc(sys->circuit->xb->rows, sizeof *out->is_at_rest);
    out->room = calloc((size_t)sys->n_threads * ow_look_room(sys), sizeof *out->room);
    out->zero = calloc(sys->circuit->n_source, sizeof *out->zero);
    const bool has_room = out->i_source && out->i_bit && out->charging && out->part &&
                          out->is_at_rest && out->room && out->zero;
    if (!has_room || !can_settle)
        return has_room ? OW_OK : OW_ERR_NOMEM;
    out->i_cell = calloc(sys->n_cell, sizeof *out->i_cell);
    out->i_slope = calloc(sys->n_cell, sizeof *out->i_slope);
    out->q = calloc(sys->n_free + 1, sizeof *out->q);
    out->dq = calloc(sys->n_free + 1, sizeof *out->dq);
    return out->i_cell && out->i_slope && out->q && out->dq ? OW_OK : OW_ERR_NOMEM;
}

void ow_ledger_finish(struct ow_ledger *l)
{
    free(l->i_source);
    free(l->i_bit);
    free(l->charging);
    free(l->part);
    free(l->is_at_rest);
    free(l->room);
    free(l->i_cell);
    free(l->i_slope);
    free(l->zero);
    free(l->q);
    free(l->dq);
    *l = (struct ow_ledger){0};
}

void ow_ledger_clear(struct ow_ledger *l)
{
    memset(l->sum, 0, sizeof l->sum);
}

struct ow_energy ow_ledger_energy(const struct ow_ledger *l, double stored)
{
    return (struct ow_energy){.source = l->sum[SOURCE],
                              .supply = l->sum[SUPPLY],
                              .drivers = l->sum[DRIVERS],
                              .devices = l->sum[DEVICES],
                              .wires = l->sum[WIRES],
                              .sense = l->sum[SENSE],
                              .throughput = l->sum[THROUGHPUT],
                              .charge = l->sum[CHARGE],
                              .output = l->sum[OUTPUT],
                              .quiescent = l->sum[QUIESCENT],
                              .stored = stored};
}

/* All parts are there, of blocks of so many rows. */
static void add_up(struct ow_ledger *l, const double nodes[], const double i_cell[],
                   size_t block, struct ow_power *at)
{
    const struct ow_circuit *ckt = l->sys->circuit;
    ow_power_end(ckt, nodes, i_cell, l->part, (ckt->xb->rows + block - 1) / block, l->i_source,
                 at);
}

static void by_drops(struct ow_ledger *l, const double dv_row[], const double i_cell[],
                     struct ow_power *at)
{
    const struct ow_system *sys = l->sys;
    const struct ow_circuit *ckt = sys->circuit;
    const size_t rows = ckt->xb->rows, block = ow_system_rows(sys);
    ow_power_begin(ckt, dv_row, l->i_source);
    OW_SWEEP(sys->n_threads, from, rows, block,
             ow_power_rows(ckt, sys->v_node, i_cell + from * ckt->xb->cols, from,
                           ow_until(from, block, rows), l->i_source, &l->part[from / block]));
    add_up(l, sys->v_node, i_cell, block, at);
}

static void by_sums(struct ow_ledger *l, const double dv_row[], const double i_cell[],
                    const double charging[], struct ow_power *at)
{
    ow_power_summed(l->sys->circuit, l->sys->v_node, dv_row, charging, i_cell, l->i_source,
                    l->i_bit, at);
}

static void list(const struct ow_power *at, double p[OW_N_POWER])
{
    p[SOURCE] = at->source;
    p[SUPPLY] = at->supply;
    p[DRIVERS] = at->drivers;
    p[DEVICES] = at->devices;
    p[WIRES] = at->wires;
    p[SENSE] = at->sense;
    p[THROUGHPUT] = at->throughput;
    p[CHARGE] = at->charge_rate;
    p[OUTPUT] = at->output;
    p[QUIESCENT] = at->quiescent;
}

/* At the voltages that are placed, with these currents of cells and into the nodes'
 * capacitances (A; NULL: not known). */
static void powers(struct ow_ledger *l, const double dv_row[], const double i_cell[],
                   const double charging[], double p[OW_N_POWER])
{
    struct ow_power at;
    if (l->is_short && charging)
        by_sums(l, dv_row, i_cell, charging, &at);
    else
        by_drops(l, dv_row, i_cell, &at);
    list(&at, p);
}

void ow_ledger_powers(struct ow_ledger *l, const double dv_row[], const double rate[],
                      double p[OW_N_POWER])
{
    if (l->is_short && rate)
        ow_mass_times(l->mass, rate, l->charging);
    powers(l, dv_row, l->sys->at.i, rate ? l->charging : NULL, p);
}

static bool is_source(const struct ow_circuit *ckt, size_t node)
{
    return node != OW_GROUND && node < ckt->first_free;
}

/* ohm, the least of all segments and drivers, those that lead to no source taken for 100 times
 * what they are; INFINITY: there is none. */
static double least_resistance(const struct ow_circuit *ckt)
{
    double least = INFINITY;
    for (size_t k = 0; k < OW_N_RESISTOR_KIND; k++) {
        const struct ow_resistors *all = &ckt->resistors[k];
        const bool is_end = is_source(ckt, all->a.first) || is_source(ckt, all->b.first);
        if (all->rows * all->cols > 0 && !all->of.is_sense)
            least = fmin(least, (is_end ? 1.0 : 100.0) * all->of.r);
    }
    return least;
}

void ow_ledger_judge(struct ow_ledger *l, const double v[], double rtol)
{
    const struct ow_circuit *ckt = l->sys->circuit;
    const double drop = least_resistance(ckt) * ow_largest(l->i_source, ckt->n_source);
    l->is_short = drop < 10.0 * rtol * ow_largest(v, ckt->n_source);
}

void ow_ledger_dc(struct ow_ledger *l, double rtol, struct ow_power *at)
{
    const struct ow_system *sys = l->sys;
    by_drops(l, l->zero, sys->at.i, at);
    ow_ledger_judge(l, sys->v_node + 1, rtol);
    if (!l->is_short)
        return;
    memset(l->charging, 0, sys->n_free * sizeof *l->charging);
    by_sums(l, l->zero, sys->at.i, l->charging, at);
}

void ow_ledger_begin(struct ow_ledger *l)
{
    ow_integral_begin(&l->integral, OW_N_POWER);
}

void ow_ledger_sample(struct ow_ledger *l, const double dv_row[], const double rate[], double t)
{
    double p[OW_N_POWER];
    ow_ledger_powers(l, dv_row, rate, p);
    ow_integral_add(&l->integral, t, p, l->sum);
}

static void look_at_rows(struct ow_ledger *l, const double nodes[], const double y[],
                         size_t from, size_t to, size_t part)
{
    const struct ow_system *sys = l->sys;
    struct ow_look look;
    ow_look(sys, nodes, y, true, from, to,
            l->room + ow_thread(sys->n_threads) * ow_look_room(sys), &look);
    ow_power_rows(sys->circuit, nodes, look.i, from, to, l->i_source, &l->part[part]);
    l->is_at_rest[part] = ow_look_is_at_rest(sys, &look);
}

bool ow_ledger_sample_held(struct ow_ledger *l, const double v_row[], const double dv_row[],
                           double y[], double t)
{
    struct ow_system *sys = l->sys;
    const size_t rows = sys->circuit->xb->rows, block = ow_system_rows(sys);
    struct ow_power at;
    double p[OW_N_POWER];
    bool is_at_rest = true;
    if (!sys->circuit->is_grid && !sys->circuit->is_merged) {
        ow_system_place_values(sys, v_row, y);
        ow_ledger_sample(l, dv_row, NULL, t);
        return ow_system_is_at_rest(sys);
    }
    const double *nodes = ow_system_nodes_around(sys, v_row, y);
    ow_power_begin(sys->circuit, dv_row, l->i_source);
    OW_SWEEP(sys->n_threads, from, rows, block,
             look_at_rows(l, nodes, y, from, ow_until(from, block, rows), from / block));
    add_up(l, nodes, NULL, block, &at);
    list(&at, p);
    ow_integral_add(&l->integral, t, p, l->sum);
    for (size_t from = 0; from < rows; from += block)
        is_at_rest = is_at_rest && l->is_at_rest[from / block];
    return is_at_rest;
}

void ow_ledger_end(struct ow_ledger *l)
{
    ow_integral_end(&l->integral, l->sum);
}

void ow_ledger_add(struct ow_ledger *l, double dt, const double middle[OW_N_POWER],
                   const double end[OW_N_POWER])
{
    for (size_t k = 0; k < OW_N_POWER; k++)
        l->sum[k] += dt * (l->settled[k] + 4.0 * middle[k] + end[k]) / 6.0;
}

/* ---- lines that settle ------------------------------------------------------------------- */

/* Voltages of sources and free nodes, and at them the currents of cells and into the nodes'
 * capacitances. */
struct point {
    const double *row, *v, *i, *q; /* [n_source] V, [n_free] V, [n_cell] A, [n_free] A */
};

/* Of `at` with c times d more at the free nodes, which are c d_cell across cells and charge
 * nodes by c dq. */
static void powers_beside(struct ow_ledger *l, const struct point *at, double c,
                          const double d[], const double d_cell[], const double dq[],
                          const double dv_row[], double p[OW_N_POWER])
{
    struct ow_system *sys = l->sys;
    const double *g = sys->at.di_dv;
    double *v = sys->v_node + sys->circuit->first_free;
    memcpy(sys->v_node + 1, at->row, sys->circuit->n_source * sizeof *v);
    for (size_t k = 0; k < sys->n_free; k++)
        v[k] = at->v[k] + c * d[k];
    for (size_t k = 0; k < sys->n_cell; k++)
        l->i_cell[k] = at->i[k] + c * g[k] * d_cell[k];
    for (size_t k = 0; l->is_short && k < sys->n_free; k++)
        l->charging[k] = at->q[k] + c * dq[k];
    powers(l, dv_row, l->i_cell, l->charging, p);
}

/* -M x */
static void charge_lost(const struct ow_ledger *l, const double x[], double dq[])
{
    if (!l->is_short)
        return;
    ow_mass_times(l->mass, x, dq);
    for (size_t k = 0; k < l->sys->n_free; k++)
        dq[k] = -dq[k];
}

static bool dissipates(size_t k)
{
    return k == DRIVERS || k == DEVICES || k == WIRES || k == SENSE;
}

/* 2 P(W, D2) */
static void add_drift(struct ow_ledger *l, const struct ow_settle *s, const double dv_row[])
{
    struct ow_system *sys = l->sys;
    const double w = ow_largest(s->slope, sys->n_free), d2 = ow_largest(s->area2, sys->n_free);
    const struct point at = {dv_row, s->slope, l->i_slope, l->q};
    double up[OW_N_POWER], down[OW_N_POWER];
    if (w == 0.0 || d2 == 0.0)
        return;
    memset(l->q, 0, sys->n_free * sizeof *l->q); /* W does not change */
    charge_lost(l, s->area, l->dq);
    ow_system_put_voltages(sys, dv_row, s->slope);
    for (size_t k = 0; k < sys->n_cell; k++)
        l->i_slope[k] = sys->at.di_dv[k] * sys->v_cell[k];
    ow_system_put_voltages(sys, l->zero, s->area2);
    powers_beside(l, &at, w / d2, s->area2, sys->v_cell, l->dq, dv_row, up);
    powers_beside(l, &at, -w / d2, s->area2, sys->v_cell, l->dq, dv_row, down);
    for (size_t k = 0; k < OW_N_POWER; k++)
        if (k == SOURCE || dissipates(k))
            l->sum[k] += 0.5 * (up[k] - down[k]) * d2 / w;
}

void ow_ledger_settle(struct ow_ledger *l, const struct ow_settle *s, const double v_row[],
                      const double dv_row[], const double y[])
{
    struct ow_system *sys = l->sys;
    const double largest = ow_largest(s->area, sys->n_free);
    const double *p = l->settled;
    double up[OW_N_POWER], down[OW_N_POWER], square[OW_N_POWER], all = 0.0;
    ow_ledger_powers(l, dv_row, s->slope, l->settled);
    if (largest == 0.0)
        return;
    if (l->is_short)
        memcpy(l->q, l->charging, sys->n_free * sizeof *l->q);
    charge_lost(l, s->off, l->dq);
    /* aside by so little that no source's power changes its sign */
    const double c = 1e-3 * s->v_scale / largest;
    const struct point at = {v_row, y, sys->at.i, l->q};
    powers_beside(l, &at, c, s->area, s->in_cell, l->dq, dv_row, up);
    const bool is_small = s->is_constant && s->energy < 1e-2 * fabs(s->from_sources);
    if (!is_small)
        powers_beside(l, &at, -c, s->area, s->in_cell, l->dq, dv_row, down);
    for (size_t k = 0; k < OW_N_POWER; k++) {
        l->sum[k] += is_small ? (up[k] - p[k]) / c : 0.5 * (up[k] - down[k]) / c;
        square[k] = is_small || !dissipates(k) ? 0.0 : 0.5 * (up[k] + down[k]) - p[k];
        all += square[k];
    }
    for (size_t k = 0; k < OW_N_POWER && all > 0.0; k++)
        l->sum[k] += s->energy * square[k] / all;
    if (!s->is_constant)
        add_drift(l, s, dv_row);
    if (s->is_constant)
        memcpy(sys->v_node + sys->circuit->first_free, y, sys->n_free * sizeof *y);
    else
        ow_system_put_voltages(sys, v_row, y);
}
