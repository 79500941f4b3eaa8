#include "ow_series.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ow_bracket.h"

/* ---- making ------------------------------------------------------------------------ */

static enum ow_status check(const struct ow_model *memristor, const struct ow_model *access,
                            struct ow_error *err)
{
    const size_t n_state = memristor->n_state + access->n_state;
    const size_t n_param = memristor->n_param + access->n_param;
    if (memristor->series || access->series || access->fire || access->init)
        return ow_fail(err, OW_ERR_INPUT,
                       "%s in series with %s: expected an access device without random jumps",
                       memristor->name, access->name);
    if (n_state > OW_MAX_STATES)
        return ow_fail(err, OW_ERR_INPUT,
                       "%s in series with %s: %zu states a cell, expected at most %d",
                       memristor->name, access->name, n_state, OW_MAX_STATES);
    if (n_param > OW_MAX_PARAMS)
        return ow_fail(err, OW_ERR_INPUT,
                       "%s in series with %s: %zu parameters a cell, expected at most %d",
                       memristor->name, access->name, n_param, OW_MAX_PARAMS);
    return OW_OK;
}

/* Names beside which no other table has to stay. */
static void copy_tables(struct ow_series *s, const char *prefix)
{
    size_t p = 0, x = 0;
    for (size_t part = 0; part < 2; part++) {
        const struct ow_model *m = s->part[part];
        const size_t first = p;
        for (size_t k = 0; k < m->n_param; k++, p++) {
            s->param[p] = m->param[k];
            if (part == 0)
                continue;
            snprintf(s->param_name[p], sizeof s->param_name[p], "%s.%s", prefix,
                     m->param[k].name);
            s->param[p].name = s->param_name[p];
        }
        for (size_t k = 0; k < m->n_state; k++, x++) {
            s->state[x] = m->state[k];
            s->state[x].init += first;
            if (part == 0)
                continue;
            snprintf(s->state_name[x], sizeof s->state_name[x], "%s_%s", prefix,
                     m->state[k].name);
            s->state[x].name = s->state_name[x];
        }
    }
}

/* The memristor stands first in parameters and states, so its own check(), init() and fire()
 * read those of the pair. */
static void describe(struct ow_series *s)
{
    const struct ow_model *m = s->part[0], *a = s->part[1];
    snprintf(s->name, sizeof s->name, "%s + %s", m->name, a->name);
    snprintf(s->doc, sizeof s->doc, "%s and %s in series", m->name, a->name);
    s->model = (struct ow_model){.name = s->name,
                                 .doc = s->doc,
                                 .source = m->source,
                                 .param = s->param,
                                 .n_param = m->n_param + a->n_param,
                                 .state = s->state,
                                 .n_state = m->n_state + a->n_state,
                                 .program = m->program,
                                 .is_binary = m->is_binary,
                                 .is_volatile = m->is_volatile,
                                 .check = m->check,
                                 .init = m->init,
                                 .event_state = m->event_state,
                                 .fire = m->fire,
                                 .series = s};
}

enum ow_status ow_series_create(const struct ow_model *memristor, const struct ow_model *access,
                                const char *prefix, struct ow_series **out,
                                struct ow_error *err)
{
    const enum ow_status st = check(memristor, access, err);
    if (st != OW_OK)
        return st;
    struct ow_series *s = calloc(1, sizeof *s);
    if (!s)
        return ow_fail(err, OW_ERR_NOMEM, "%s in series with %s: out of memory",
                       memristor->name, access->name);
    s->part[0] = memristor;
    s->part[1] = access;
    copy_tables(s, prefix);
    describe(s);
    *out = s;
    return OW_OK;
}

void ow_series_destroy(struct ow_series *series)
{
    free(series);
}

/* ---- the inner node ---------------------------------------------------------------- */

enum { MEMRISTOR, ACCESS };
enum { BLOCK = 64 };

/* One cell's search for the magnitude u in [0, v]. */
struct search {
    double v, u, lo, hi;
    double last; /* V, the step before */
    bool was_slow, is_done;
};

/* Some cells, both elements of which are evaluated together. */
struct pair {
    const struct ow_series *s;
    size_t n;
    struct ow_cells cells[2];            /* their v are voltage[]                       */
    double voltage[2][BLOCK];            /* V                                           */
    double i[2][BLOCK], slope[2][BLOCK]; /* A, S                                        */
    double share[BLOCK];                 /* du/dv                                       */
    struct search search[BLOCK];
};

/* The elements' cells out of at most BLOCK of the pair's. */
static void begin(struct pair *p, const struct ow_series *s, const struct ow_cells *cells)
{
    const size_t n_state = s->part[MEMRISTOR]->n_state, n_param = s->part[MEMRISTOR]->n_param;
    p->s = s;
    p->n = cells->n;
    for (size_t k = 0; k < 2; k++) {
        const size_t skip = k == ACCESS ? n_param : 0;
        p->cells[k] = (struct ow_cells){.n = cells->n,
                                        .param = cells->param + skip,
                                        .spread = cells->spread ? cells->spread + skip : NULL,
                                        .v = p->voltage[k]};
        for (size_t x = 0; x < s->part[k]->n_state; x++)
            p->cells[k].x[x] = cells->x[k == ACCESS ? n_state + x : x];
    }
    for (size_t j = 0; j < p->n; j++) {
        const double v = fabs(cells->v[j]);
        const double part = cells->inner && cells->inner[j] > 0.0 ? cells->inner[j] : 0.5;
        p->search[j] = (struct search){.v = v, .u = fmin(part, 1.0) * v, .hi = v, .last = v};
    }
}

/* The elements' voltages. */
static void divide(struct pair *p, const double v[])
{
    for (size_t j = 0; j < p->n; j++) {
        const struct search *f = &p->search[j];
        p->voltage[MEMRISTOR][j] = copysign(f->u, v[j]);
        p->voltage[ACCESS][j] = copysign(f->v - f->u, v[j]);
    }
}

static void place(struct pair *p, const double v[])
{
    divide(p, v);
    for (size_t k = 0; k < 2; k++)
        ow_conduct(p->s->part[k], &p->cells[k], p->i[k], p->slope[k]);
}

/* What one cell's elements say at an iterate: magnitudes of currents, slopes. */
struct answer {
    double i_m, i_a, g_m, g_a;
    double step; /* V, to where the currents are equal by their slopes */
};

/* Where the currents are far apart and one of them is bent upwards like an exponential,
 * Newton's method of their logarithms, or it would come near one thermal voltage a step.  Near
 * an end, where the difference has no digits, a current in proportion to the voltage there. */
static double far_step(const struct search *f, const struct answer *at)
{
    const double w = f->v - f->u, u = f->u + at->step;
    const double e_m = at->g_m / at->i_m, e_a = at->g_a / at->i_a;
    if (fmin(at->i_m, at->i_a) > 0.0 && fmax(e_m * f->u, e_a * w) > 2.0) {
        const double by_log = f->u - log(at->i_m / at->i_a) / (e_m + e_a);
        if (by_log > f->lo && by_log < f->hi)
            return by_log;
    }
    if (u < 1e-3 * f->u)
        return f->u * (at->i_a / at->i_m);
    return f->v - u < 1e-3 * w ? f->v - w * (at->i_m / at->i_a) : u;
}

/* Whether the step changes neither current by more than this part of it (or u by more than
 * what rounding makes of it or of v - u): what is left after it goes with the square. */
static bool is_small(const struct search *f, const struct answer *at, double part)
{
    const double size = fabs(at->step), product = at->i_m * at->i_a;
    return size <= 2.0 * DBL_EPSILON * (f->u > 0.5 * f->v ? f->v : f->u) ||
           (product > 0.0 && size * (at->g_m * at->i_a + at->g_a * at->i_m) <= part * product);
}

/* The next iterate.  is_done: it is the root. */
static void narrow(struct search *f, int k, const struct answer *at, double part)
{
    if (at->i_m == at->i_a || f->u == f->lo) {
        f->is_done = true;
        return;
    }
    if (is_small(f, at, part)) {
        f->u = fmin(fmax(f->u + at->step, 0.0), f->v);
        f->is_done = true;
        return;
    }
    if (at->i_m > at->i_a)
        f->hi = f->u;
    else
        f->lo = f->u;
    const bool is_near = fmax(at->i_m, at->i_a) <= 2.0 * fmin(at->i_m, at->i_a);
    double next = is_near ? f->u + at->step : far_step(f, at);
    const bool is_slow = !(fabs(next - f->u) < 0.5 * f->last);
    const bool is_newton = next > f->lo && next < f->hi && !(is_slow && f->was_slow);
    if (!is_newton)
        next = k < OW_BRACKET_MAX / 8 ? 0.5 * (f->lo + f->hi) : ow_bracket_middle(f->lo, f->hi);
    f->was_slow = is_newton && is_slow;
    f->last = fabs(next - f->u);
    f->is_done = next == f->u;
    f->u = next;
}

/* All cells' elements at their roots, but for a last step of `part` (is_small above), which is
 * taken. */
static void find(struct pair *p, const struct ow_cells *cells, double part)
{
    bool is_done = false;
    for (int k = 0; !is_done && k < OW_BRACKET_MAX; k++) {
        place(p, cells->v);
        is_done = true;
        for (size_t j = 0; j < p->n; j++) {
            if (p->search[j].is_done)
                continue;
            struct answer at = {fabs(p->i[MEMRISTOR][j]), fabs(p->i[ACCESS][j]),
                                p->slope[MEMRISTOR][j], p->slope[ACCESS][j], 0.0};
            at.step = (at.i_a - at.i_m) / (at.g_m + at.g_a);
            narrow(&p->search[j], k, &at, part);
            p->share[j] = at.g_m + at.g_a > 0.0 ? at.g_a / (at.g_m + at.g_a) : 0.5;
            is_done = is_done && p->search[j].is_done;
        }
    }
    divide(p, cells->v);
    for (size_t j = 0; cells->inner && j < p->n; j++)
        if (p->search[j].v > 0.0)
            cells->inner[j] = p->search[j].u / p->search[j].v;
}

/* ---- the pair ---------------------------------------------------------------------- */

/* Of the currents' steps towards the root, what may be left to the end. */
#define SMALL_STEP   1e-7 /* squared, it is below rounding                                  */
#define LEFT_TO_EVAL 1e-5 /* an evaluation with derivatives takes a step of its own        */

/* The currents differ by what is left of the way to the root; to first order this is the
 * pair's. */
static double current(double share, double i_m, double i_a)
{
    return share * i_m + (1.0 - share) * i_a;
}

void ow_series_conduct(const struct ow_series *series, const struct ow_cells *cells, double i[],
                       double di_dv[])
{
    for (size_t first = 0; first < cells->n; first += BLOCK) {
        const size_t left = cells->n - first;
        const double *spread[OW_MAX_PARAMS];
        struct ow_cells part;
        struct pair p;
        ow_cells_slice(&series->model, cells, first, left < BLOCK ? left : BLOCK, &part,
                       spread);
        begin(&p, series, &part);
        find(&p, &part, SMALL_STEP);
        place(&p, part.v);
        for (size_t j = 0; j < p.n; j++) {
            const double g_m = p.slope[MEMRISTOR][j], g_a = p.slope[ACCESS][j];
            i[first + j] = current(p.share[j], p.i[MEMRISTOR][j], p.i[ACCESS][j]);
            di_dv[first + j] = g_m + g_a > 0.0 ? g_m * (g_a / (g_m + g_a)) : 0.0;
        }
    }
}

/* The access device's response where the pair's has it; i and di_dv go elsewhere. */
static struct ow_response access_of(const struct ow_series *s, const struct ow_response *out,
                                    double i[], double di_dv[])
{
    const size_t skip = s->part[MEMRISTOR]->n_state, n = s->part[ACCESS]->n_state;
    struct ow_response to = {.i = i, .di_dv = out->di_dv ? di_dv : NULL};
    for (size_t r = 0; r < n; r++) {
        to.di_dx[r] = out->di_dx[skip + r];
        to.f[r] = out->f[skip + r];
        to.df_dv[r] = out->df_dv[skip + r];
        for (size_t x = 0; x < n; x++)
            to.df_dx[r][x] = out->df_dx[skip + r][skip + x];
    }
    return to;
}

/* What all derivatives of a pair are made of. */
struct shares {
    double by_m[BLOCK], by_a[BLOCK]; /* du/dv, d(v - u)/dv                  */
    double per_g[BLOCK];             /* 1/(g_m + g_a); 0 where neither is   */
    double step[BLOCK];              /* V, what is left of the way to u     */
    double du_dx[OW_MAX_STATES][BLOCK];
};

static void make_shares(const struct pair *p, const double v[], const struct ow_response *out,
                        struct shares *sh)
{
    for (size_t j = 0; j < p->n; j++) {
        const double g_a = p->slope[ACCESS][j], sum = out->di_dv[j] + g_a;
        const double step = (p->i[ACCESS][j] - out->i[j]) / sum;
        sh->per_g[j] = sum > 0.0 ? 1.0 / sum : 0.0;
        sh->by_m[j] = sum > 0.0 ? g_a / sum : 0.5;
        sh->by_a[j] = 1.0 - sh->by_m[j];
        sh->step[j] = fabs(step) <= LEFT_TO_EVAL * fabs(v[j]) ? step : 0.0; /* no number: 0 */
    }
    for (size_t x = 0; x < p->s->model.n_state; x++) {
        const double sign = x < p->s->part[MEMRISTOR]->n_state ? -1.0 : 1.0;
        for (size_t j = 0; j < p->n; j++)
            sh->du_dx[x][j] = sign * out->di_dx[x][j] * sh->per_g[j];
    }
}

/* Rate r of the pair and its derivatives at a given v from those at given voltages of the
 * elements. */
static void join_rate(const struct pair *p, const struct shares *sh, size_t r,
                      struct ow_response *out)
{
    const size_t n_m = p->s->part[MEMRISTOR]->n_state;
    const bool is_m = r < n_m;
    const double sign = is_m ? 1.0 : -1.0, *by = is_m ? sh->by_m : sh->by_a;
    double *f = out->f[r], *df_dv = out->df_dv[r];
    for (size_t x = 0; x < p->s->model.n_state; x++) {
        double *df_dx = out->df_dx[r][x];
        if (is_m == (x < n_m))
            for (size_t j = 0; j < p->n; j++)
                df_dx[j] += sign * df_dv[j] * sh->du_dx[x][j];
        else
            for (size_t j = 0; j < p->n; j++)
                df_dx[j] = sign * df_dv[j] * sh->du_dx[x][j];
    }
    for (size_t j = 0; j < p->n; j++) {
        f[j] += sign * df_dv[j] * sh->step[j];
        df_dv[j] *= by[j];
    }
}

static void join(const struct pair *p, const double v[], struct ow_response *out)
{
    struct shares sh;
    make_shares(p, v, out, &sh);
    for (size_t r = 0; r < p->s->model.n_state; r++)
        join_rate(p, &sh, r, out);
    for (size_t x = 0; x < p->s->model.n_state; x++) {
        const double *by = x < p->s->part[MEMRISTOR]->n_state ? sh.by_m : sh.by_a;
        for (size_t j = 0; j < p->n; j++)
            out->di_dx[x][j] *= by[j];
    }
    for (size_t j = 0; j < p->n; j++) {
        out->i[j] = sh.by_m[j] * out->i[j] + sh.by_a[j] * p->i[ACCESS][j];
        out->di_dv[j] *= sh.by_m[j];
    }
}

static void eval_block(const struct ow_series *s, const struct ow_cells *cells,
                       struct ow_response *out)
{
    struct pair p;
    begin(&p, s, cells);
    find(&p, cells, out->di_dv ? LEFT_TO_EVAL : SMALL_STEP);
    struct ow_response access = access_of(s, out, p.i[ACCESS], p.slope[ACCESS]);
    ow_eval(s->part[MEMRISTOR], &p.cells[MEMRISTOR], out);
    ow_eval(s->part[ACCESS], &p.cells[ACCESS], &access);
    if (out->di_dv)
        join(&p, cells->v, out);
    for (size_t j = 0; !out->di_dv && j < p.n; j++)
        out->i[j] = current(p.share[j], out->i[j], p.i[ACCESS][j]);
}

void ow_series_eval(const struct ow_series *series, const struct ow_cells *cells,
                    struct ow_response *out)
{
    for (size_t first = 0; first < cells->n; first += BLOCK) {
        const size_t left = cells->n - first;
        const double *spread[OW_MAX_PARAMS];
        struct ow_cells part;
        struct ow_response to = {0};
        ow_cells_part(&series->model, cells, out, first, left < BLOCK ? left : BLOCK, &part,
                      &to, spread);
        eval_block(series, &part, &to);
    }
}

double ow_series_inner(const struct ow_series *series, const double param[], double v,
                       const double x[])
{
    struct ow_cells cell = {.n = 1, .param = param, .v = &v};
    struct pair p;
    for (size_t s = 0; s < series->model.n_state; s++)
        cell.x[s] = &x[s];
    begin(&p, series, &cell);
    find(&p, &cell, SMALL_STEP);
    return p.voltage[MEMRISTOR][0];
}
