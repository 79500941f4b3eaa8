/* Facts of ngspice 39 that shape this file, beside those in ow_codemodel.c:
 *
 * - All instances of a model are evaluated before those of the next model, in the order of
 *   the library's list.
 * - An attempt from the time of the attempt before means that that one was accepted, with the
 *   voltages of its last evaluation; one from the same time as before, that it was not.
 * - At an attempt's first iteration the inputs are still those of the last accepted point.
 * - A card of more than some 250 nodes overflows a table of tokens (alltokens of mif_inp2.c):
 *   the flag behind it then makes ngspice evaluate every model once more for each input, or it
 *   crashes.  So an ow_array has ow_array_more for others.
 * - A subcircuit gives no string to what is in it, and no code model knows its instance's name.
 *   So a port finds its array by its node: of those with the array's name, the one whose port
 *   `index` is the same node and not taken.  Where two qualify, either will do.
 *
 * Coupling.  For port voltages v the array answers with currents i(v), and ngspice is told
 *   i_p(v) = i_p(v*) + g_p (v_p - v*_p)
 * at each port p, with v* the voltages that it had last and g_p about the slope of i_p alone
 * (ow_coupled_conductance).  It solves for the next voltages with everything else of the
 * circuit, and so on.  As soon as all of them are within `tol` / 2 of full scale of v*, the
 * array has nothing new to say: what is left is the other ports' part of i_p, less than g_p
 * times that.  ngspice then converges on its own terms, which are much narrower than what is
 * left of a solver's tolerance in i.  At the end both sides have the same voltages and
 * currents, whatever g is. */
#include "ow_part.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ngspice/cktdefs.h"
#include "ngspice/jobdefs.h"

#include "ow_bare.h"
#include "ow_coupled.h"
#include "ow_mix.h"
#include "ow_offer.h"
#include "ow_path.h"

#ifndef OW_VERSION
#define OW_VERSION "(unversioned)"
#endif

enum { NAME, ID, SPEC, CONDUCTANCE, TOL, V_SCALE }; /* array/ow_array.ifs */
enum { PORT_ARRAY, PORT_INDEX };                    /* array/ow_array_port.ifs */
enum { MORE_ARRAY, MORE_ID, MORE_FIRST };           /* array/ow_array_more.ifs */
enum { MONITOR_ARRAY, MONITOR_ID };                 /* array/ow_array_monitor.ifs */

enum { MOST_NODES = 240 }; /* of a card */

/* The array of one ow_array instance. */
struct part {
    struct part *other;    /* the next in the list of all */
    const CKTcircuit *ckt; /* whose it is */
    char *name;
    int id;
    int *node;    /* [n_port] ngspice's numbers; < 0: not known */
    bool *is_met; /* [n_port] there is an ow_array_port     */
    size_t n_known, n_met;
    bool has_stray;           /* an ow_array_port that is not at its place */
    const JOB *job;           /* of which something was ... */
    bool is_refused;          /* ... refused, as was said   */
    struct ow_bare bare;      /* unless it was offered     */
    struct ow_coupled *array; /* NULL: bad                 */
    const double *x_begin;    /* NULL: as programmed       */
    size_t n_port;
    double tol, v_scale;
    struct ow_offer_report *report, own_report;

    double *v, *i, *g;           /* [n_port] what ngspice has been told: i + g (. - v)     */
    double *v_now, *i_now;       /* [n_port] workspace                                     */
    double *v_before, *i_before; /* [n_port] accepted before the last accepted point ... */
    double t_before;             /* s ... then; < 0: there is none                      */
    double h_told;               /* s, the step that g is for                              */
    double t_attempt;            /* s, of the attempt under way; < 0: none                 */
    bool is_solved;              /* the attempt has a solution, for v                      */
    struct ow_mix mix;           /* of the attempt                                         */
    bool is_dc;                  /* so has the operating point under way                   */
    double dv;                   /* how far ngspice is from v, of full scale               */
    size_t worst;                /* at which port                                          */
};

/* ngspice gives a code model nothing that could hold what its instances share. */
static struct part *all_parts;
static const struct ow_offer *the_offer;

__attribute__((visibility("default"))) int ow_array_offer(const struct ow_offer *offer);
int ow_array_offer(const struct ow_offer *offer)
{
    const bool is_ours =
        offer->size == sizeof *offer && strcmp(offer->version, OW_VERSION) == 0;
    the_offer = is_ours ? offer : NULL;
    return is_ours;
}

__attribute__((visibility("default"))) void ow_array_close(void);
void ow_array_close(void)
{
    const struct part *p = all_parts;
    while (p && p->report != the_offer->report)
        p = p->other;
    if (!p || !p->array)
        return;
    if (p->is_solved) /* nothing comes after the last point to say that it was accepted */
        ow_coupled_accept(p->array);
    ow_coupled_states(p->array, the_offer->x_end);
    memcpy(the_offer->t_event, ow_coupled_events(p->array),
           ow_coupled_n_cell(p->array) * sizeof *the_offer->t_event);
    p->report->events = ow_coupled_n_event(p->array);
}

static bool is_of(const struct part *p, const char *name)
{
    return p->ckt == cm_get_circuit() && strcmp(p->name, name) == 0;
}

/* The n-th of them. */
static struct part *find_part(const char *name, int id, int n)
{
    struct part *p = all_parts;
    while (p && !(is_of(p, name) && p->id == id && n-- == 0))
        p = p->other;
    return p;
}

/* The one whose port `index` is at the node and not met. */
static struct part *find_port(const char *name, int index, int node)
{
    struct part *p = all_parts;
    while (p && !(is_of(p, name) && index >= 0 && (size_t)index < p->n_port &&
                  p->node[index] == node && !p->is_met[index]))
        p = p->other;
    return p;
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    const int n = snprintf(text, sizeof text, "ERROR - ");
    vsnprintf(text + n, sizeof text - (size_t)n, format, args);
    va_end(args);
    cm_message_send(text);
}

/* ---- life ------------------------------------------------------------------------------ */

static void free_part(struct part *p)
{
    ow_coupled_destroy(p->array);
    ow_bare_finish(&p->bare);
    free(p->name);
    free(p->node);
    free(p->is_met);
    ow_mix_finish(&p->mix);
    free(p->v);
    free(p);
}

static void destroy(Mif_Private_t *mif, Mif_Callback_Reason_t reason)
{
    struct part *p = mif->inst_var[0]->element[0].pvalue;
    if (reason != MIF_CB_DESTROY || !p)
        return;
    for (struct part **at = &all_parts; *at; at = &(*at)->other)
        if (*at == p) {
            *at = p->other;
            break;
        }
    free_part(p);
    mif->inst_var[0]->element[0].pvalue = NULL;
}

static bool allocate(struct part *p, size_t n)
{
    double **const array[] = {&p->v,     &p->i,        &p->g,       &p->v_now,
                              &p->i_now, &p->v_before, &p->i_before};
    const size_t n_array = sizeof array / sizeof array[0];
    double *memory = calloc(n_array * n, sizeof *memory); /* freed as p->v */
    for (size_t k = 0; memory && k < n_array; k++)
        *array[k] = memory + k * n;
    return memory != NULL;
}

/* NULL: not given.  Relative ones are seen from the working directory or the deck's. */
static const char *file_name(const Mif_Private_t *mif, int param, char found[OW_PATH_SIZE])
{
    if (mif->param[param]->is_null)
        return NULL;
    ow_path_find(mif->param[param]->element[0].svalue, cm_get_path(), found);
    return found;
}

/* From the file, or what was offered. */
static enum ow_status find_array(struct part *p, const Mif_Private_t *mif,
                                 struct ow_coupled_options *options,
                                 const struct ow_circuit **circuit, struct ow_error *err)
{
    char spec_path[OW_PATH_SIZE], table_path[OW_PATH_SIZE];
    const char *spec = file_name(mif, SPEC, spec_path);
    const struct ow_offer *offer = the_offer;
    enum ow_status st = OW_OK;
    if (!spec && !offer)
        return ow_fail(err, OW_ERR_INPUT, "spec=\"FILE\" with a specification is missing");
    if (spec) {
        st = ow_bare_load(spec, file_name(mif, CONDUCTANCE, table_path), &p->bare, err);
        options->rtol = 10.0 * p->bare.spec.engine.rtol;
        options->v_scale = p->bare.spec.input.v_read;
        *circuit = p->bare.circuit;
    } else {
        options->rtol = offer->rtol;
        options->v_scale = offer->v_scale;
        options->n_threads = offer->n_threads;
        *circuit = offer->circuit;
        p->x_begin = offer->x_begin;
        p->report = offer->report;
    }
    if (p->v_scale > 0.0)
        options->v_scale = p->v_scale;
    p->v_scale = options->v_scale;
    return st;
}

/* The first ones; ow_array_more has the others. */
static bool note_nodes(struct part *p, const Mif_Private_t *mif)
{
    const size_t n = (size_t)mif->conn[0]->size;
    p->node = calloc(p->n_port, sizeof *p->node);
    p->is_met = calloc(p->n_port, sizeof *p->is_met);
    for (size_t k = 0; p->node && p->is_met && k < p->n_port; k++)
        p->node[k] = k < n ? mif->conn[0]->port[k]->smp_data.pos_node : -1;
    p->n_known = n;
    return p->node && p->is_met;
}

static enum ow_status open_array(struct part *p, const Mif_Private_t *mif, struct ow_error *err)
{
    struct ow_coupled_options options = {.n_threads = 1};
    const struct ow_circuit *circuit = NULL;
    if (!(p->tol > 0.0 && p->tol < 1.0))
        return ow_fail(err, OW_ERR_RANGE, "tol = %g, expected a number between 0 and 1",
                       p->tol);
    const enum ow_status st = find_array(p, mif, &options, &circuit, err);
    if (st)
        return st;
    if (circuit->n_source < (size_t)mif->conn[0]->size)
        return ow_fail(err, OW_ERR_INPUT,
                       "%d nodes, and the array has %zu word lines and "
                       "%zu bit lines",
                       mif->conn[0]->size, circuit->xb->rows, circuit->xb->cols);
    if (mif->conn[0]->size > MOST_NODES)
        return ow_fail(
            err, OW_ERR_INPUT,
            "%d nodes on one card, which ngspice has no room for: expected %d at most, "
            "and ow_array_more for the others",
            mif->conn[0]->size, MOST_NODES);
    p->n_port = circuit->n_source;
    if (!allocate(p, p->n_port) || !note_nodes(p, mif) || !ow_mix_init(&p->mix, p->n_port))
        return ow_fail(err, OW_ERR_NOMEM, "out of memory");
    return ow_coupled_create(circuit, &options, &p->array, err);
}

static void note_failure(struct part *p, const struct ow_error *err)
{
    snprintf(p->report->failure, sizeof p->report->failure, "%.*s",
             (int)sizeof p->report->failure - 1, err->text);
}

static void create(Mif_Private_t *mif)
{
    struct ow_error err = {0};
    const char *name = mif->param[NAME]->element[0].svalue;
    struct part *p = calloc(1, sizeof *p);
    if (!p) {
        say("ow_array '%s': out of memory", name);
        return;
    }
    p->ckt = cm_get_circuit();
    p->name = strdup(name);
    p->id = mif->param[ID]->element[0].ivalue;
    p->tol = mif->param[TOL]->element[0].rvalue;
    p->v_scale = mif->param[V_SCALE]->element[0].rvalue;
    p->report = &p->own_report;
    if (!p->name) {
        free_part(p);
        say("ow_array '%s': out of memory", name);
        return;
    }
    mif->inst_var[0]->element[0].pvalue = p;
    *mif->callback = destroy;
    p->other = all_parts;
    all_parts = p;
    if (open_array(p, mif, &err) != OW_OK) {
        say("ow_array '%s': %s", name, err.text[0] ? err.text : "out of memory");
        note_failure(p, &err);
    }
}

/* ---- one evaluation ---------------------------------------------------------------------- */

static void fail(struct part *p, const struct ow_error *err)
{
    note_failure(p, err);
    cm_analog_not_converged();
}

/* How far ngspice has gone from what it was told about, of full scale. */
static double distance(struct part *p)
{
    p->dv = 0.0;
    for (size_t k = 0; k < p->n_port; k++) {
        const double dv = fabs(p->v_now[k] - p->v[k]) / p->v_scale;
        if (!(dv <= p->dv)) {
            p->dv = dv;
            p->worst = k;
        }
    }
    return p->dv;
}

/* Tell it what is true at v_now. */
static void tell(struct part *p)
{
    memcpy(p->v, p->v_now, p->n_port * sizeof *p->v);
    memcpy(p->i, p->i_now, p->n_port * sizeof *p->i);
    p->is_solved = true;
    cm_analog_not_converged();
}

static void set_conductance(struct part *p, double h)
{
    if (!(fabs(h / p->h_told - 1.0) < 0.1) || h == INFINITY)
        ow_coupled_conductance(p->array, h, p->g);
    p->h_told = h;
}

static void operating_point(struct part *p)
{
    struct ow_error err = {0};
    if (p->is_dc && distance(p) <= 0.5 * p->tol)
        return;
    if (ow_coupled_dc(p->array, p->v_now, p->x_begin, p->i_now, &err)) {
        fail(p, &err);
        return;
    }
    tell(p);
    set_conductance(p, INFINITY);
    if (p->t_attempt >= 0.0) /* another run */
        p->report->mismatch = 0.0;
    p->t_before = p->t_attempt = -1.0;
    p->is_solved = false;
    p->is_dc = true;
}

/* The attempt before was accepted: note what there is to say about it. */
static void accept(struct part *p)
{
    struct ow_offer_report *r = p->report;
    memcpy(p->v_before, ow_coupled_v(p->array), p->n_port * sizeof *p->v);
    memcpy(p->i_before, ow_coupled_i(p->array), p->n_port * sizeof *p->i);
    p->t_before = ow_coupled_time(p->array);
    ow_coupled_accept(p->array);
    r->points++;
    if (p->dv > r->mismatch) {
        r->mismatch = p->dv;
        r->worst_port = p->worst;
    }
}

/* A guess at the end of the step: as the accepted step before went on. */
static void begin_attempt(struct part *p, double t, bool is_smooth)
{
    const double t0 = ow_coupled_time(p->array), h = t - t0;
    const double *v0 = ow_coupled_v(p->array), *i0 = ow_coupled_i(p->array);
    const double s = is_smooth && p->t_before >= 0.0 ? h / (t0 - p->t_before) : 0.0;
    for (size_t k = 0; k < p->n_port; k++) {
        p->v[k] = v0[k] + s * (v0[k] - p->v_before[k]);
        p->i[k] = i0[k] + s * (i0[k] - p->i_before[k]);
    }
    /* a charge that follows a parabola flows faster at its end: d (dv/dt)/dv there is 1/h plus
     * the reciprocal of both steps */
    set_conductance(
        p, is_smooth && p->t_before >= 0.0 ? 1.0 / (1.0 / h + 1.0 / (t - p->t_before)) : h);
    ow_mix_clear(&p->mix);
    p->t_attempt = t;
    p->is_solved = p->is_dc = false;
    cm_analog_not_converged();
}

static void transient(struct part *p, const Mif_Private_t *mif)
{
    const double t = mif->circuit.t[0], t1 = mif->circuit.t[1];
    const bool is_smooth = cm_get_circuit()->CKTorder > 1;
    struct ow_error err = {0};
    p->report->iterations++;
    if (mif->circuit.anal_init || t != p->t_attempt) {
        const bool is_next =
            p->is_solved && t1 > 0.5 * (ow_coupled_time(p->array) + p->t_attempt);
        if (is_next)
            accept(p);
        else if (p->t_attempt >= 0.0)
            p->report->rejected++;
        begin_attempt(p, t, is_smooth);
        return;
    }
    if (p->is_solved && distance(p) <= 0.5 * p->tol)
        return;
    if (p->is_solved) /* which what was told about has led to */
        ow_mix_step(&p->mix, p->v, p->v_now, p->v_now);
    p->report->solutions++;
    if (ow_coupled_try(p->array, t, p->v_now, is_smooth, p->i_now, &p->report->steps, &err)) {
        p->is_solved = false;
        fail(p, &err);
        return;
    }
    tell(p);
}

/* Small-signal analyses have no iterations, in which an array of many devices could find what
 * one port's current owes to the other ports' voltages. */
static bool is_possible(const CKTcircuit *ckt)
{
    static const char *const possible[] = {"Operating Point", "DC transfer characteristic",
                                           "Transient Analysis"};
    for (size_t k = 0; k < sizeof possible / sizeof possible[0]; k++)
        if (ckt->CKTcurJob && strcmp(ckt->CKTcurJob->JOBname, possible[k]) == 0)
            return true;
    return false;
}

/* Said once an analysis; whatever it is, the analysis must fail. */
static bool is_refused(struct part *p, bool is_first)
{
    const CKTcircuit *ckt = cm_get_circuit();
    const bool was_refused = p->is_refused && p->job == ckt->CKTcurJob;
    size_t k = 0;
    if (!p->array)
        return true;
    p->is_refused = true;
    p->job = ckt->CKTcurJob;
    if (!is_possible(ckt)) {
        if (!was_refused)
            say("ow_array '%s': %s: an array takes part in op, dc and tran only", p->name,
                ckt->CKTcurJob ? ckt->CKTcurJob->JOBname : "an analysis");
        return true;
    }
    if (!is_first && p->n_met < p->n_port) {
        while (p->is_met[k])
            k++;
        if (!was_refused && p->n_known < p->n_port)
            say("ow_array '%s': %zu nodes, and the array has %zu word lines and %zu bit lines",
                p->name, p->n_known, ow_coupled_rows(p->array),
                p->n_port - ow_coupled_rows(p->array));
        else if (!was_refused && !p->has_stray)
            say("ow_array '%s': port %zu has no ow_array_port at its node", p->name, k);
        return true;
    }
    p->is_refused = false;
    return false;
}

void ow_part_array(Mif_Private_t *mif)
{
    if (mif->circuit.init)
        create(mif);
    struct part *p = mif->inst_var[0]->element[0].pvalue;
    if (!p || is_refused(p, mif->circuit.init)) {
        cm_analog_not_converged(); /* for ever: ngspice then gives up the analysis */
        return;
    }
    for (size_t k = 0; k < p->n_port && p->n_met == p->n_port; k++)
        p->v_now[k] = cm_get_circuit()->CKTrhsOld[p->node[k]];
    if (mif->circuit.anal_type == MIF_DC)
        operating_point(p);
    else if (mif->circuit.anal_type == MIF_TRAN)
        transient(p, mif);
}

/* ---- the other nodes -------------------------------------------------------------------- */

/* Of the arrays of that name and id, the one whose first node is the same, and whose nodes from
 * `first` on are not known. */
static struct part *find_beginning(const Mif_Private_t *mif, size_t first, struct part *after)
{
    const char *name = mif->param[MORE_ARRAY]->element[0].svalue;
    const int id = mif->param[MORE_ID]->element[0].ivalue;
    const int node = mif->conn[0]->port[0]->smp_data.pos_node;
    const size_t n = (size_t)mif->conn[0]->size - 1;
    struct part *p = after ? after->other : all_parts;
    while (p && !(is_of(p, name) && p->id == id && p->array && p->node[0] == node &&
                  first + n <= p->n_port && p->node[first] < 0))
        p = p->other;
    return p;
}

void ow_part_more(Mif_Private_t *mif)
{
    const int first = mif->param[MORE_FIRST]->element[0].ivalue;
    if (!mif->circuit.init)
        return;
    struct part *p = first > 0 ? find_beginning(mif, (size_t)first, NULL) : NULL;
    if (!p || find_beginning(mif, (size_t)first, p)) {
        say(p ? "ow_array_more: several arrays of the name '%s' begin at this node: each needs "
                "an "
                "id of its own"
              : "ow_array_more: no ow_array of the name '%s' begins at this node and lacks "
                "these",
            mif->param[MORE_ARRAY]->element[0].svalue);
        return;
    }
    for (int k = 1; k < mif->conn[0]->size; k++)
        p->node[first + k - 1] = mif->conn[0]->port[k]->smp_data.pos_node;
    p->n_known += (size_t)mif->conn[0]->size - 1;
}

/* ---- ports and monitors ----------------------------------------------------------------- */

static struct part *meet(const Mif_Private_t *mif, int index)
{
    const char *name = mif->param[PORT_ARRAY]->element[0].svalue;
    struct part *p = find_port(name, index, mif->conn[0]->port[0]->smp_data.pos_node);
    if (p) {
        p->is_met[index] = true;
        p->n_met++;
        return p;
    }
    for (p = all_parts; p && !is_of(p, name);)
        p = p->other;
    if (!p) {
        say("ow_array_port: there is no ow_array of the name '%s'", name);
        return NULL;
    }
    if (!p->array || p->n_known < p->n_port)
        return NULL; /* which is the array's to say */
    if (index < 0 || (size_t)index >= p->n_port)
        say("ow_array_port: index = %d, and the array '%s' has %zu ports, from 0", index, name,
            p->n_port);
    else
        say("ow_array_port: index = %d: that port of the array '%s' is at another node, or has "
            "an ow_array_port already",
            index, name);
    p->has_stray = true;
    return NULL;
}

void ow_part_port(Mif_Private_t *mif)
{
    Mif_Port_Data_t *port = mif->conn[0]->port[0];
    const int index = mif->param[PORT_INDEX]->element[0].ivalue;
    if (mif->circuit.init)
        mif->inst_var[0]->element[0].pvalue = meet(mif, index);
    const struct part *p = mif->inst_var[0]->element[0].pvalue;
    if (!p || !p->array) {
        cm_analog_not_converged();
        return;
    }
    port->output.rvalue = p->i[index] + p->g[index] * (port->input.rvalue - p->v[index]);
    port->partial[0].port[0] = p->g[index];
}

static struct part *watch(const Mif_Private_t *mif)
{
    const char *name = mif->param[MONITOR_ARRAY]->element[0].svalue;
    const int id = mif->param[MONITOR_ID]->element[0].ivalue;
    struct part *p = find_part(name, id, 0);
    if (p && !find_part(name, id, 1))
        return p;
    say(p ? "ow_array_monitor: several arrays of the name '%s' with id = %d: each needs its own"
          : "ow_array_monitor: there is no ow_array of the name '%s' with id = %d",
        name, id);
    return NULL;
}

void ow_part_monitor(Mif_Private_t *mif)
{
    if (mif->circuit.init)
        mif->inst_var[0]->element[0].pvalue = watch(mif);
    const struct part *p = mif->inst_var[0]->element[0].pvalue;
    if (!p || !p->array) {
        cm_analog_not_converged();
        return;
    }
    const struct ow_energy e = ow_coupled_energy(p->array, p->is_solved);
    const double value[] = {e.source, e.devices, e.wires, e.stored, p->report->mismatch};
    const int n = (int)(sizeof value / sizeof value[0]);
    for (int k = 0; k < mif->conn[0]->size && k < n; k++)
        mif->conn[0]->port[k]->output.rvalue = value[k];
}
