/* An engine's life, and its DC point. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_engine_parts.h"
#include "ow_pages.h"

/* ---- life -------------------------------------------------------------------------- */

static enum ow_status check_mass(const struct ow_engine *e, bool dc_only, struct ow_error *err)
{
    const struct ow_circuit *ckt = e->circuit;
    const size_t massless = dc_only ? ckt->n_node : ow_system_massless(&e->sys);
    char name[32];
    if (massless == ckt->n_node)
        return OW_OK;
    ow_circuit_node_name(ckt, massless, name);
    return ow_fail(err, OW_ERR_INPUT,
                   "node %s has no capacitance, so its voltage is no state of a transient: "
                   "give array.c_wordline, array.c_bitline, sense.c_in and sense.c_load "
                   "values above 0, or use engine.name: dc",
                   name);
}

/* The solvers: Newton's method, and CVODE unless dc_only. */
static enum ow_status create_solvers(struct ow_engine *e, bool dc_only)
{
    const struct ow_engine_options *o = &e->options;
    /* The error norm averages over all nodes, so an absolute tolerance near rtol v_scale
     * would let one driven row among many quiet ones go unwatched. */
    const double atol_v = 1e-2 * o->rtol * o->v_scale, atol_x = 1e-3 * o->rtol;
    enum ow_status st = dc_only ? OW_OK : ow_mass_create(&e->sys, &e->mass);
    if (st || (st = ow_newton_create(&e->sys, e->mass, &e->newton)) || dc_only)
        return st;
    return ow_stepper_create(&e->sys, e->mass, e->newton, o->rtol, atol_v, atol_x,
                             ow_engine_drive, e, &e->stepper);
}

static enum ow_status create_parts(struct ow_engine *e)
{
    const struct ow_crossbar *xb = e->circuit->xb;
    const struct ow_engine_options *o = &e->options;
    e->has_settle = e->stepper && e->circuit->n_amp == 0 &&
                    (xb->model->fire || xb->sense.kind == OW_SENSE_DRIVER);
    e->has_switches = e->has_settle && e->sys.has_switches;
    if (ow_dc_init(&e->sys, e->newton, e->stepper != NULL, o->v_scale, &e->dc) ||
        ow_sensed_init(&e->sys, &e->sensed) ||
        ow_ledger_init(&e->sys, e->mass, e->has_settle, &e->ledger) ||
        ow_pace_init(&e->sys, &e->pace))
        return OW_ERR_NOMEM;
    if (e->has_settle &&
        ow_settle_init(&e->sys, e->mass, e->newton, o->rtol, o->v_scale, &e->settle))
        return OW_ERR_NOMEM;
    e->settle.is_linear = e->has_switches;
    return e->has_switches ? ow_switches_init(&e->sys, o->rtol, &e->switches) : OW_OK;
}

static enum ow_status create_arrays(struct ow_engine *e)
{
    const size_t n_source = e->circuit->n_source;
    e->v_row = calloc(n_source, sizeof *e->v_row);
    e->dv_row = calloc(n_source, sizeof *e->dv_row);
    e->corner = calloc(2 * n_source + 3, sizeof *e->corner);
    e->y_dc = e->mass ? ow_pages_calloc(e->sys.n_y + 1, sizeof *e->y_dc)
                      : e->sys.v_node + e->circuit->first_free;
    e->x = ow_pages_calloc(e->sys.n_state * e->sys.n_cell + 1, sizeof *e->x);
    return e->v_row && e->dv_row && e->corner && e->y_dc && e->x ? OW_OK : OW_ERR_NOMEM;
}

enum ow_status ow_engine_create(const struct ow_circuit *circuit,
                                const struct ow_engine_options *options, bool dc_only,
                                struct ow_engine **out, struct ow_error *err)
{
    struct ow_engine *e = calloc(1, sizeof *e);
    if (!e)
        return ow_fail(err, OW_ERR_NOMEM, "out of memory");
    e->circuit = circuit;
    e->options = *options;
    enum ow_status st =
        ow_system_create(circuit, ow_system_threads(circuit, options->n_threads), &e->sys);
    if (st)
        goto fail;
    ow_system_hold(&e->sys, dc_only);
    if ((st = check_mass(e, dc_only, err)) || (st = create_solvers(e, dc_only)) ||
        (st = create_parts(e)) || (st = create_arrays(e)))
        goto fail;
    *out = e;
    return OW_OK;
fail:
    ow_engine_destroy(e);
    return err && err->status ? st : ow_fail(err, st, "the engine: %s", ow_status_str(st));
}

void ow_engine_destroy(struct ow_engine *e)
{
    if (!e)
        return;
    if (e->mass) /* else it is the system's */
        free(e->y_dc);
    free(e->v_row);
    free(e->dv_row);
    free(e->corner);
    free(e->x);
    ow_dc_finish(&e->dc);
    ow_sensed_finish(&e->sensed);
    ow_settle_finish(&e->settle);
    ow_switches_finish(&e->switches);
    ow_ledger_finish(&e->ledger);
    ow_pace_finish(&e->pace);
    ow_stepper_destroy(e->stepper);
    ow_newton_destroy(e->newton);
    ow_mass_destroy(e->mass);
    ow_system_finish(&e->sys);
    free(e);
}

const double *ow_engine_states(struct ow_engine *e, const double *x_begin)
{
    if (!x_begin)
        ow_system_initial_states(&e->sys, e->x);
    return x_begin ? x_begin : e->x;
}

void ow_engine_clear(struct ow_reading *out)
{
    out->wave.n = 0;
    out->steps = out->events = 0;
    memset(out->v_sample, 0, out->cols * sizeof *out->v_sample);
    memset(out->v_gain, 0, out->cols * sizeof *out->v_gain);
    for (size_t k = 0; k < out->n_cell; k++)
        out->t_event[k] = NAN;
}

/* ---- DC ---------------------------------------------------------------------------- */

struct ow_effort ow_engine_effort(const struct ow_engine *e)
{
    return e->stepper ? ow_stepper_effort(e->stepper) : ow_newton_effort(e->newton);
}

enum ow_status ow_engine_dc(struct ow_engine *e, const double v_row[], const double *x_begin,
                            double v_sense[], double *v_node, struct ow_error *err)
{
    const double *x = ow_engine_states(e, x_begin);
    const enum ow_status st = ow_dc_solve(&e->dc, v_row, x, e->y_dc, err);
    if (st)
        return st;
    ow_system_put_voltages(&e->sys, v_row, e->y_dc);
    ow_sensed_at(&e->sensed, e->y_dc, v_sense);
    if (v_node)
        memcpy(v_node, e->sys.v_node, e->circuit->n_node * sizeof *v_node);
    return OW_OK;
}
