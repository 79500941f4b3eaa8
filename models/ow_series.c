#include "ow_series.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ow_bracket.h"
#include "ow_simd.h"

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

#define SMALL_STEP 1e-7 /* its square is below rounding */

/* Some cells, both elements of which are evaluated together.  u, v and currents are magnitudes
 * where nothing else is said. */
struct pair {
    const struct ow_series *s;
    size_t n;
    struct ow_cells cells[2];            /* their v are voltage[]                       */
    double v[BLOCK], u[BLOCK];           /* V                                           */
    double voltage[2][BLOCK];            /* V, with their sign                          */
    double i[2][BLOCK], slope[2][BLOCK]; /* A, with their sign; S                       */
    double share[BLOCK];                 /* du/dv                                       */
};

/* Where the search begins: on from where it ended, or in the middle. */
static double guess(const struct ow_inner *last, double v)
{
    const double u = last ? last->u + last->share * (v - last->v) : 0.0;
    const double size = v < 0.0 ? -u : u;
    return size > 0.0 && size < fabs(v) ? size : 0.5 * fabs(v);
}

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
        p->v[j] = fabs(cells->v[j]);
        p->u[j] = guess(cells->inner ? &cells->inner[j] : NULL, cells->v[j]);
    }
}

/* The elements' voltages. */
static void divide(struct pair *p, const double v[])
{
    for (size_t j = 0; j < p->n; j++) {
        p->voltage[MEMRISTOR][j] = copysign(p->u[j], v[j]);
        p->voltage[ACCESS][j] = copysign(p->v[j] - p->u[j], v[j]);
    }
}

static void place(struct pair *p, const double v[])
{
    divide(p, v);
    for (size_t k = 0; k < 2; k++)
        ow_conduct(p->s->part[k], &p->cells[k], p->i[k], p->slope[k]);
}

/* Steps of Newton's method for many cells.  A step is small if it changes neither current by
 * more than SMALL_STEP of it (far < 0), or if rounding does as much to u or to v - u (near <=
 * 0): what is left after it goes with the square. */
OW_WIDE static void series_steps(const struct pair *p, double step[], double share[],
                                 double far[], double near[])
{
    const double *i_m = p->i[MEMRISTOR], *i_a = p->i[ACCESS];
    const double *g_m = p->slope[MEMRISTOR], *g_a = p->slope[ACCESS];
    for (size_t j = 0; j < p->n; j++) {
        const double m = fabs(i_m[j]), a = fabs(i_a[j]), per_g = 1.0 / (g_m[j] + g_a[j]);
        step[j] = (a - m) * per_g;
        share[j] = g_a[j] * per_g;
        far[j] = fabs(step[j]) * (g_m[j] * a + g_a[j] * m) - SMALL_STEP * (m * a);
        near[j] = fabs(step[j]) - 4.0 * DBL_EPSILON * p->u[j];
    }
}

enum { QUICK_STEPS = 4 };

/* Newton's method without a bracket, which near the root is all that it takes.  False where it
 * has left (0, v) or takes longer. */
static bool find_quickly(struct pair *p, const double v[])
{
    double step[BLOCK], far[BLOCK], near[BLOCK];
    for (int k = 0; k < QUICK_STEPS; k++) {
        bool is_done = true, is_in = true;
        place(p, v);
        series_steps(p, step, p->share, far, near);
        for (size_t j = 0; j < p->n; j++)
            is_done &= far[j] < 0.0 || near[j] <= 0.0;
        for (size_t j = 0; j < p->n; j++) {
            const double next = p->u[j] + step[j];
            is_in &= next > 0.0 && next < p->v[j];
            p->u[j] = next;
        }
        for (size_t j = 0; is_done && !is_in && j < p->n; j++)
            p->u[j] = fmin(fmax(p->u[j], 0.0), p->v[j]);
        if (is_done || !is_in)
            return is_done;
    }
    return false;
}

/* One cell's search for u in [0, v]. */
struct search {
    double v, u, lo, hi;
    double last; /* V, the step before */
    bool was_slow, is_done;
};

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

/* As in series_steps(). */
static bool is_small(const struct search *f, const struct answer *at)
{
    const double size = fabs(at->step);
    return size <= 4.0 * DBL_EPSILON * f->u ||
           size * (at->g_m * at->i_a + at->g_a * at->i_m) < SMALL_STEP * (at->i_m * at->i_a);
}

/* The next iterate.  is_done: it is the root. */
static void narrow(struct search *f, int k, const struct answer *at)
{
    if (at->i_m == at->i_a || f->u == f->lo) {
        f->is_done = true;
        return;
    }
    if (is_small(f, at)) {
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

/* The same for all cells, each in a bracket of its own. */
static void find_surely(struct pair *p, const double v[])
{
    struct search search[BLOCK];
    bool is_done = false;
    for (size_t j = 0; j < p->n; j++) {
        if (!(p->u[j] > 0.0 && p->u[j] < p->v[j]))
            p->u[j] = 0.5 * p->v[j];
        search[j] = (struct search){.v = p->v[j], .u = p->u[j], .hi = p->v[j], .last = p->v[j]};
    }
    for (int k = 0; !is_done && k < OW_BRACKET_MAX; k++) {
        place(p, v);
        is_done = true;
        for (size_t j = 0; j < p->n; j++) {
            const double g_m = p->slope[MEMRISTOR][j], g_a = p->slope[ACCESS][j];
            struct answer at = {fabs(p->i[MEMRISTOR][j]), fabs(p->i[ACCESS][j]), g_m, g_a, 0.0};
            if (search[j].is_done)
                continue;
            at.step = (at.i_a - at.i_m) / (g_m + g_a);
            narrow(&search[j], k, &at);
            p->u[j] = search[j].u;
            p->share[j] = g_m + g_a > 0.0 ? g_a / (g_m + g_a) : 0.5;
            is_done = is_done && search[j].is_done;
        }
    }
}

/* All cells' elements at their roots; currents and slopes are those of the iterate before. */
static void find(struct pair *p, const struct ow_cells *cells)
{
    if (!find_quickly(p, cells->v))
        find_surely(p, cells->v);
    divide(p, cells->v);
    for (size_t j = 0; cells->inner && j < p->n; j++)
        cells->inner[j] = (struct ow_inner){cells->v[j], p->voltage[MEMRISTOR][j], p->share[j]};
}

/* ---- the pair ---------------------------------------------------------------------- */

/* After a last step of Newton's method, to its first order: the same from either element.  What
 * is left out goes with the square of SMALL_STEP, so neither has to be evaluated again for it.
 */
static double current(const struct pair *p, size_t j)
{
    return p->share[j] * p->i[MEMRISTOR][j] + (1.0 - p->share[j]) * p->i[ACCESS][j];
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
        find(&p, &part);
        for (size_t j = 0; j < p.n; j++) {
            i[first + j] = current(&p, j);
            di_dv[first + j] = p.slope[MEMRISTOR][j] * p.share[j];
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

static void make_shares(const struct pair *p, const struct ow_response *out, struct shares *sh)
{
    for (size_t j = 0; j < p->n; j++) {
        const double g_a = p->slope[ACCESS][j], sum = out->di_dv[j] + g_a;
        sh->per_g[j] = sum > 0.0 ? 1.0 / sum : 0.0;
        sh->by_m[j] = sum > 0.0 ? g_a / sum : 0.5;
        sh->by_a[j] = 1.0 - sh->by_m[j];
    }
    for (size_t x = 0; x < p->s->model.n_state; x++) {
        const double sign = x < p->s->part[MEMRISTOR]->n_state ? -1.0 : 1.0;
        for (size_t j = 0; j < p->n; j++)
            sh->du_dx[x][j] = sign * out->di_dx[x][j] * sh->per_g[j];
    }
}

/* Derivatives of rate r at a given v from those at given voltages of the elements. */
static void join_rate(const struct pair *p, const struct shares *sh, size_t r,
                      struct ow_response *out)
{
    const size_t n_m = p->s->part[MEMRISTOR]->n_state;
    const bool is_m = r < n_m;
    const double sign = is_m ? 1.0 : -1.0, *by = is_m ? sh->by_m : sh->by_a;
    double *df_dv = out->df_dv[r];
    for (size_t x = 0; x < p->s->model.n_state; x++) {
        double *df_dx = out->df_dx[r][x];
        if (is_m == (x < n_m))
            for (size_t j = 0; j < p->n; j++)
                df_dx[j] += sign * df_dv[j] * sh->du_dx[x][j];
        else
            for (size_t j = 0; j < p->n; j++)
                df_dx[j] = sign * df_dv[j] * sh->du_dx[x][j];
    }
    for (size_t j = 0; j < p->n; j++)
        df_dv[j] *= by[j];
}

static void join(const struct pair *p, struct ow_response *out)
{
    struct shares sh;
    make_shares(p, out, &sh);
    for (size_t r = 0; r < p->s->model.n_state; r++)
        join_rate(p, &sh, r, out);
    for (size_t x = 0; x < p->s->model.n_state; x++) {
        const double *by = x < p->s->part[MEMRISTOR]->n_state ? sh.by_m : sh.by_a;
        for (size_t j = 0; j < p->n; j++)
            out->di_dx[x][j] *= by[j];
    }
    for (size_t j = 0; j < p->n; j++)
        out->di_dv[j] *= sh.by_m[j];
}

static void eval_block(const struct ow_series *s, const struct ow_cells *cells,
                       struct ow_response *out)
{
    struct pair p;
    double i_a[BLOCK];
    begin(&p, s, cells);
    find(&p, cells);
    struct ow_response access = access_of(s, out, i_a, p.slope[ACCESS]);
    ow_eval(s->part[MEMRISTOR], &p.cells[MEMRISTOR], out);
    if (s->part[ACCESS]->n_state > 0)
        ow_eval(s->part[ACCESS], &p.cells[ACCESS], &access);
    if (out->di_dv)
        join(&p, out);
    for (size_t j = 0; j < p.n; j++)
        out->i[j] = current(&p, j);
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
    find(&p, &cell);
    return p.voltage[MEMRISTOR][0];
}
