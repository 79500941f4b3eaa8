#include "ow_power.h"

#include <math.h>

#include "ow_planes.h"

/* Sources are the nodes 1 .. n_source; anything that leaves one of them is its current. */
static void leave(const struct ow_circuit *circuit, double i_source[], size_t node, double i)
{
    if (node != OW_GROUND && node < circuit->first_free)
        i_source[node - 1] += i;
}

static void add_resistors(const struct ow_circuit *circuit, const struct ow_resistors *all,
                          const double v[], double i_source[], struct ow_power *out)
{
    double sum = 0.0;
    for (size_t i = 0; i < all->rows; i++)
        for (size_t j = 0; j < all->cols; j++) {
            const size_t a = ow_terminal(&all->a, i, j), b = ow_terminal(&all->b, i, j);
            const double u = v[a] - v[b], current = u / all->of.r;
            leave(circuit, i_source, a, current);
            leave(circuit, i_source, b, -current);
            sum += u * current;
        }
    if (all->of.is_sense) {
        out->sense += sum;
    } else {
        out->drivers += all->of.driver_share * sum;
        out->wires += (1.0 - all->of.driver_share) * sum;
    }
}

static void add_cells(const struct ow_circuit *circuit, const double v[], const double i_cell[],
                      double i_source[], struct ow_power *out)
{
    const size_t n_cell = circuit->xb->rows * circuit->xb->cols;
    for (size_t j = 0; j < n_cell; j++) {
        const size_t te = ow_circuit_te(circuit, j), be = ow_circuit_be(circuit, j);
        if (te == be)
            continue; /* a loop within the node: nothing flows out of it */
        leave(circuit, i_source, te, i_cell[j]);
        leave(circuit, i_source, be, -i_cell[j]);
        out->devices += (v[te] - v[be]) * i_cell[j];
    }
}

/* A class-B output stage between the rails +-S: a current i_o into the load comes from
 * the rail on its side, S |i_o|, and v_out i_o of that reaches the output node.  The
 * rest heats the stage and r_out.  The feedback resistor is among the resistors. */
void ow_power_add_amp(const struct ow_sense *sense, double v_a, double v_out,
                      struct ow_power *sum)
{
    const double i_o = ow_amp_current(sense, v_a, v_out);
    const double p_rail = 0.5 * sense->vdd * fabs(i_o);
    const double p_quiescent = sense->vdd * sense->i_q;
    sum->output += p_rail;
    sum->quiescent += p_quiescent;
    sum->sense += p_quiescent + p_rail - v_out * i_o;
}

void ow_power_add_integrator(const struct ow_sense *sense, struct ow_power *sum)
{
    sum->quiescent += sense->vdd * sense->i_q;
    sum->sense += sense->vdd * sense->i_q;
}

void ow_power_add_periphery(const struct ow_circuit *circuit, const double v_node[],
                            const double i_source[], struct ow_power *out)
{
    for (size_t k = 0; k < circuit->n_amp; k++)
        ow_power_add_amp(&circuit->xb->sense, v_node[circuit->amp[k].inner],
                         v_node[circuit->amp[k].out], out);
    for (size_t j = 0; j < circuit->xb->cols; j++)
        if (circuit->xb->sense.kind == OW_SENSE_INTEGRATOR)
            ow_power_add_integrator(&circuit->xb->sense, out);
    out->supply = out->output + out->quiescent;
    for (size_t i = 0; i < circuit->n_source; i++) {
        const double p = v_node[1 + i] * i_source[i];
        out->source += p;
        out->throughput += fabs(p);
        out->charge_rate += fmax(i_source[i], 0.0);
    }
    out->throughput += out->output;
}

void ow_power_begin(const struct ow_circuit *circuit, const double dv_source[],
                    double i_source[])
{
    for (size_t i = 0; i < circuit->n_source; i++)
        i_source[i] = ow_circuit_c(circuit, 1 + i) * dv_source[i];
}

void ow_power_rows(const struct ow_circuit *circuit, const double v_node[],
                   const double i_cell[], size_t from, size_t to, double i_source[],
                   struct ow_power *part)
{
    *part = (struct ow_power){0};
    if (circuit->is_grid)
        ow_planes_power(circuit, v_node, from, to, i_source, part);
    if (circuit->is_grid || circuit->is_merged) /* no cell meets a source */
        part->devices = ow_planes_devices(circuit, v_node, i_cell, from, to);
}

void ow_power_end(const struct ow_circuit *circuit, const double v_node[],
                  const double i_cell[], const struct ow_power part[], size_t n_part,
                  double i_source[], struct ow_power *out)
{
    *out = (struct ow_power){0};
    for (size_t k = 0; k < n_part; k++) {
        out->drivers += part[k].drivers;
        out->wires += part[k].wires;
        out->devices += part[k].devices;
    }
    if (circuit->is_grid)
        ow_planes_driven(circuit, v_node, i_source);
    else if (!circuit->is_merged)
        add_cells(circuit, v_node, i_cell, i_source, out);
    for (size_t k = circuit->is_grid ? OW_SENSE_RESISTORS : 0; k < OW_N_RESISTOR_KIND; k++)
        add_resistors(circuit, &circuit->resistors[k], v_node, i_source, out);
    ow_power_add_periphery(circuit, v_node, i_source, out);
}

void ow_power_at(const struct ow_circuit *circuit, const double v_node[],
                 const double dv_source[], const double i_cell[], double i_source[],
                 struct ow_power *out)
{
    struct ow_power all;
    ow_power_begin(circuit, dv_source, i_source);
    ow_power_rows(circuit, v_node, i_cell, 0, circuit->xb->rows, i_source, &all);
    ow_power_end(circuit, v_node, i_cell, &all, 1, i_source, out);
}

struct ow_energy ow_power_plateau(const struct ow_power *at, double t, double t_quiescent)
{
    const double quiescent = at->quiescent * t_quiescent;
    return (struct ow_energy){.source = at->source * t,
                              .supply = at->output * t + quiescent,
                              .drivers = at->drivers * t,
                              .devices = at->devices * t,
                              .wires = at->wires * t,
                              .sense = (at->sense - at->quiescent) * t + quiescent,
                              .throughput = at->throughput * t,
                              .charge = at->charge_rate * t,
                              .output = at->output * t,
                              .quiescent = quiescent};
}

double ow_energy_stored(const struct ow_circuit *circuit, const double v_node[])
{
    double e = 0.0;
    for (size_t k = 1; k < circuit->n_node;) {
        const struct ow_node_block *block = ow_circuit_block(circuit, k);
        double squares = 0.0;
        for (; k < block->end; k++)
            squares += v_node[k] * v_node[k];
        e += 0.5 * block->c * squares;
    }
    const size_t n_cell = circuit->xb->rows * circuit->xb->cols;
    for (size_t k = 0; circuit->xb->c_cell > 0.0 && k < n_cell; k++) {
        const double u = v_node[ow_circuit_te(circuit, k)] - v_node[ow_circuit_be(circuit, k)];
        e += 0.5 * circuit->xb->c_cell * u * u;
    }
    for (size_t k = 0; k < circuit->n_amp; k++) {
        const double u = v_node[circuit->amp[k].in] - v_node[circuit->amp[k].out];
        e += 0.5 * circuit->xb->sense.c_f * u * u;
    }
    return e;
}
