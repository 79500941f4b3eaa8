/* The life of a coupled array, its DC point, and what there is to know of it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_coupled_parts.h"
#include "ow_pages.h"

/* ---- life ---------------------------------------------------------------------------- */

static bool create_moment(const struct ow_coupled *c, struct ow_moment *m)
{
    const size_t n_cell = c->sys.n_cell, n_free = c->sys.n_free + 1;
    m->v = calloc(c->n_port, sizeof *m->v);
    m->i = calloc(c->n_port, sizeof *m->i);
    m->y = ow_pages_calloc(n_free, sizeof *m->y);
    m->x = ow_pages_calloc(c->sys.n_state * n_cell + 1, sizeof *m->x);
    m->t_event = ow_pages_calloc(n_cell, sizeof *m->t_event);
    m->rate = ow_pages_calloc(n_free, sizeof *m->rate);
    m->v_rate = calloc(c->n_port, sizeof *m->v_rate);
    m->f = ow_pages_calloc(c->sys.n_continuous * n_cell + 1, sizeof *m->f);
    return m->v && m->i && m->y && m->x && m->t_event && m->rate && m->v_rate && m->f;
}

static void finish_moment(struct ow_moment *m)
{
    free(m->v);
    free(m->i);
    free(m->y);
    free(m->x);
    free(m->t_event);
    free(m->rate);
    free(m->v_rate);
    free(m->f);
}
static enum ow_status create_stepper(struct ow_coupled *c)
{
    const struct ow_coupled_options *o = &c->options;
    /* Nodes are held by the absolute tolerance, the same for driven and quiet lines; states by
     * a tighter relative one, since a first-order start in every try adds up in what remembers.
     */
    const double rtol = 1e-2 * o->rtol;
    const double atol_v = 5e-2 * o->rtol * o->v_scale, atol_x = 1e-3 * rtol;
    enum ow_status st = ow_mass_create(&c->sys, &c->mass);
    if (st || (st = ow_newton_create(&c->sys, c->mass, &c->newton)))
        return st;
    return ow_stepper_create(&c->sys, c->mass, c->newton, rtol, atol_v, atol_x,
                             ow_coupled_drive, c, &c->stepper);
}

static bool create_arrays(struct ow_coupled *c)
{
    const size_t n = c->n_port;
    double **const array[] = {&c->c_port, &c->d, &c->b, &c->slope, &c->v_row, &c->dv_row};
    for (size_t k = 0; k < sizeof array / sizeof array[0]; k++)
        if (!(*array[k] = calloc(n, sizeof **array[k])))
            return false;
    c->rate = ow_pages_calloc(c->sys.n_y + 1, sizeof *c->rate);
    for (size_t k = 0; k < 2; k++)
        c->anchor_room[k] = ow_pages_calloc(c->sys.n_free + 1, sizeof **c->anchor_room);
    c->end_rate = ow_pages_calloc(c->sys.n_free + 1, sizeof *c->end_rate);
    c->v_node = calloc(c->circuit->n_node, sizeof *c->v_node);
    c->v_sense = calloc(c->circuit->xb->cols, sizeof *c->v_sense);
    return c->v_node && c->v_sense && c->rate && c->anchor_room[0] && c->anchor_room[1] &&
           c->end_rate && create_moment(c, &c->at) && create_moment(c, &c->next) &&
           ow_ledger_init(&c->sys, c->mass, false, &c->ledger) == OW_OK &&
           ow_pace_init(&c->sys, &c->pace) == OW_OK;
}

enum ow_status ow_coupled_create(const struct ow_circuit *circuit,
                                 const struct ow_coupled_options *options,
                                 struct ow_coupled **out, struct ow_error *err)
{
    const struct ow_engine_options dc = {
        .rtol = options->rtol, .v_scale = options->v_scale, .n_threads = options->n_threads};
    struct ow_coupled *c = calloc(1, sizeof *c);
    if (!c)
        return ow_fail(err, OW_ERR_NOMEM, "out of memory");
    c->circuit = circuit;
    c->options = *options;
    c->n_port = circuit->n_source;
    enum ow_status st =
        ow_system_create(circuit, ow_system_threads(circuit, options->n_threads), &c->sys);
    if (st)
        goto fail;
    const size_t massless = ow_system_massless(&c->sys);
    if (massless < circuit->n_node) {
        char name[32];
        ow_circuit_node_name(circuit, massless, name);
        st = ow_fail(err, OW_ERR_INPUT,
                     "node %s has no capacitance, so its voltage is no state of a transient: "
                     "give array.c_wordline and array.c_bitline values above 0",
                     name);
        goto fail;
    }
    if (circuit->xb->c_cell > 0.0 &&
        (circuit->te.first < circuit->first_free || circuit->be.first < circuit->first_free)) {
        st = ow_fail(err, OW_ERR_INPUT,
                     "device.cp = %g F: expected 0 where a port is a whole line, without any "
                     "resistance",
                     circuit->xb->c_cell);
        goto fail;
    }
    if ((st = create_stepper(c)) || (st = ow_follow_init(&c->sys, c->mass, &c->follow)) ||
        (st = ow_engine_create(circuit, &dc, true, &c->dc, err)))
        goto fail;
    if (!create_arrays(c)) {
        st = OW_ERR_NOMEM;
        goto fail;
    }
    for (size_t k = 0; k < c->n_port; k++) {
        c->c_port[k] = ow_circuit_c(circuit, 1 + k);
        c->has_c_port |= c->c_port[k] > 0.0;
    }
    *out = c;
    return OW_OK;
fail:
    ow_coupled_destroy(c);
    return err && err->status ? st : ow_fail(err, st, "the array: %s", ow_status_str(st));
}

void ow_coupled_destroy(struct ow_coupled *c)
{
    if (!c)
        return;
    ow_engine_destroy(c->dc);
    ow_stepper_destroy(c->stepper);
    ow_newton_destroy(c->newton);
    ow_mass_destroy(c->mass);
    ow_ledger_finish(&c->ledger);
    ow_pace_finish(&c->pace);
    ow_follow_finish(&c->follow);
    ow_system_finish(&c->sys);
    finish_moment(&c->at);
    finish_moment(&c->next);
    free(c->c_port);
    free(c->d);
    free(c->b);
    free(c->slope);
    free(c->v_row);
    free(c->dv_row);
    free(c->rate);
    free(c->anchor_room[0]);
    free(c->anchor_room[1]);
    free(c->end_rate);
    free(c->v_node);
    free(c->v_sense);
    free(c);
}
/* ---- DC ------------------------------------------------------------------------------- */

enum ow_status ow_coupled_dc(struct ow_coupled *c, const double v[], const double *x_begin,
                             double i[], struct ow_error *err)
{
    struct ow_moment *m = &c->at;
    if (x_begin)
        memcpy(m->x, x_begin, c->sys.n_state * c->sys.n_cell * sizeof *m->x);
    else
        ow_system_initial_states(&c->sys, m->x);
    const enum ow_status st = ow_engine_dc(c->dc, v, m->x, c->v_sense, c->v_node, err);
    if (st)
        return st;
    memcpy(m->v, v, c->n_port * sizeof *v);
    memcpy(m->y, c->v_node + c->circuit->first_free, c->sys.n_free * sizeof *m->y);
    for (size_t k = 0; k < c->sys.n_cell; k++)
        m->t_event[k] = c->next.t_event[k] = NAN;
    m->t = c->next.t = c->h_before = m->span = 0.0;
    m->n_event = 0;
    memset(m->e, 0, sizeof m->e);
    double *y = ow_stepper_y(c->stepper);
    ow_system_hold(&c->sys, false);
    memcpy(y, m->y, c->sys.n_free * sizeof *y);
    ow_system_put_states(&c->sys, m->x, y);
    ow_system_place(&c->sys, v, y);
    c->has_end_rate = false;
    ow_coupled_sample(c, v, m->p, m->i);
    ow_ledger_judge(&c->ledger, v, c->options.rtol);
    ow_coupled_note_rates(c, m);
    ow_coupled_limit(c, m);
    memset(m->rate, 0, c->sys.n_free * sizeof *m->rate);
    memset(m->v_rate, 0, c->n_port * sizeof *m->v_rate);
    m->stored = c->stored_0 = ow_energy_stored(c->circuit, c->sys.v_node);
    c->is_follow_old = true;
    c->has_states = false;
    memcpy(i, m->i, c->n_port * sizeof *i);
    return OW_OK;
}
/* ---- what there is to know --------------------------------------------------------------- */

size_t ow_coupled_rows(const struct ow_coupled *c)
{
    return c->circuit->xb->rows;
}

double ow_coupled_time(const struct ow_coupled *c)
{
    return c->at.t;
}

double ow_coupled_tried(const struct ow_coupled *c)
{
    return c->next.t;
}

const double *ow_coupled_v(const struct ow_coupled *c)
{
    return c->at.v;
}

const double *ow_coupled_i(const struct ow_coupled *c)
{
    return c->at.i;
}
struct ow_energy ow_coupled_energy(const struct ow_coupled *c, bool with_try)
{
    const struct ow_moment *m = with_try && c->next.t > c->at.t ? &c->next : &c->at;
    return (struct ow_energy){.source = m->e[SOURCE],
                              .drivers = m->e[DRIVERS],
                              .devices = m->e[DEVICES],
                              .wires = m->e[WIRES],
                              .throughput = m->e[THROUGHPUT],
                              .charge = m->e[CHARGE],
                              .stored = m->stored - c->stored_0};
}

void ow_coupled_states(const struct ow_coupled *c, double x[])
{
    memcpy(x, c->at.x, c->sys.n_state * c->sys.n_cell * sizeof *x);
}

const double *ow_coupled_events(const struct ow_coupled *c)
{
    return c->at.t_event;
}

long ow_coupled_n_event(const struct ow_coupled *c)
{
    return c->at.n_event;
}

size_t ow_coupled_n_cell(const struct ow_coupled *c)
{
    return c->sys.n_cell;
}
