#include "ow_switches.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_kernel.h"

/* Gauss's three points and the four that Kronrod put between (Dokl. Akad. Nauk SSSR 154 (1964)
 * 283), on -1 .. 1. */
enum { POINTS = 7 };
static const double node[POINTS] = {
    -0.96049126870802028, -0.77459666924148338, -0.43424374934680256, 0.0,
    0.43424374934680256,  0.77459666924148338,  0.96049126870802028};
static const double weight[POINTS] = {
    0.10465622602646727, 0.26848808986833344, 0.40139741477596222, 0.45091653865847414,
    0.40139741477596222, 0.26848808986833344, 0.10465622602646727};
static const double gauss[POINTS] = {0.0, 5.0 / 9.0, 0.0, 8.0 / 9.0, 0.0, 5.0 / 9.0, 0.0};

enum ow_status ow_switches_init(struct ow_system *sys, double rtol, struct ow_switches *out)
{
    struct ow_switches s = {.sys = sys, .rtol = rtol};
    s.at_h = ow_system_place_of(sys, sys->circuit->xb->model->event_state);
    s.there = calloc(sys->n_y + 1, sizeof *s.there);
    s.used = calloc(4 * sys->n_cell, sizeof *s.used);
    s.v_row = calloc(2 * sys->circuit->n_source, sizeof *s.v_row);
    *out = s;
    if (!s.there || !s.used || !s.v_row)
        return OW_ERR_NOMEM;
    out->coarse = s.used + sys->n_cell;
    out->v[0] = s.used + 2 * sys->n_cell;
    out->v[1] = s.used + 3 * sys->n_cell;
    out->v_begin = s.v_row + sys->circuit->n_source;
    return OW_OK;
}

void ow_switches_finish(struct ow_switches *s)
{
    free(s->there);
    free(s->used);
    free(s->v_row);
    *s = (struct ow_switches){0};
}

static void move_voltages(const double w[], double s, size_t n, double y[])
{
    for (size_t k = 0; k < n; k++)
        y[k] += s * w[k];
}

/* ---- a constant drive ------------------------------------------------------------------ */

static bool advance_along(struct ow_switches *s, const double f[], double t_end, double *t,
                          double h[])
{
    const size_t n = s->sys->n_cell;
    double next = INFINITY; /* a cell that waits has f = 0 */
    size_t first = n;
    for (size_t k = 0; k < n; k++)
        if (h[k] < -next * f[k]) {
            next = fmax(h[k], 0.0) / -f[k];
            first = k;
        }
    const bool is_jump = first < n && *t + next <= t_end;
    const double dt = is_jump ? next : t_end - *t;
    for (size_t k = 0; k < n; k++)
        h[k] += dt * f[k];
    if (is_jump)
        h[first] = 0.0;
    *t = is_jump ? *t + next : t_end;
    return is_jump;
}

/* ---- an edge --------------------------------------------------------------------------- */

/* How the voltages move, from where y is now. */
struct edge {
    const double *v_row, *dv_row; /* [n_source] */
    const double *w;              /* [n_free]   */
};

/* `used` over the next `length` (s) by 7 points; returns the largest difference to 3 points. */
static double integrate(struct ow_switches *s, const struct edge *e, double length,
                        const double y[])
{
    struct ow_system *sys = s->sys;
    const size_t n = sys->n_cell, n_source = sys->circuit->n_source;
    const double *f = sys->at.f[sys->circuit->xb->model->event_state];
    memset(s->used, 0, n * sizeof *s->used);
    memset(s->coarse, 0, n * sizeof *s->coarse);
    for (size_t p = 0; p < POINTS; p++) {
        const double dt = 0.5 * length * (1.0 + node[p]);
        for (size_t r = 0; r < n_source; r++)
            s->v_row[r] = e->v_row[r] + dt * e->dv_row[r];
        memcpy(s->there, y, sys->n_y * sizeof *y);
        move_voltages(e->w, dt, sys->n_free, s->there);
        ow_system_place_values(sys, s->v_row, s->there);
        const double fine = -0.5 * length * weight[p], coarse = -0.5 * length * gauss[p];
        for (size_t k = 0; k < n; k++) {
            s->used[k] += fine * f[k];
            s->coarse[k] += coarse * f[k];
        }
        if (p == 0 || p + 1 == POINTS)
            memcpy(s->v[p > 0], sys->v_cell, n * sizeof *sys->v_cell);
    }
    double largest = 0.0;
    for (size_t k = 0; k < n; k++)
        largest = fmax(largest, fabs(s->used[k] - s->coarse[k]));
    return largest;
}

/* What cell k has used after dt of a part of `length`, and its rate there. */
static double used_by(const struct ow_switches *s, const double y[], size_t k, double length,
                      double dt, double *rate)
{
    const struct ow_system *sys = s->sys;
    const struct ow_model *model = sys->circuit->xb->model;
    const double slope =
        (s->v[1][k] - s->v[0][k]) / (0.5 * length * (node[POINTS - 1] - node[0]));
    const double v = s->v[0][k] - slope * 0.5 * length * (1.0 + node[0]);
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES], sum = 0.0;
    struct ow_point at;
    ow_crossbar_cell(sys->circuit->xb, k, param, x);
    ow_system_get_cell(sys, y, k, x);
    for (size_t p = 0; p < POINTS; p++) {
        ow_eval_one(model, param, v + slope * 0.5 * dt * (1.0 + node[p]), x, &at);
        sum -= 0.5 * dt * weight[p] * at.f[model->event_state];
    }
    ow_eval_one(model, param, v + slope * dt, x, &at);
    *rate = -at.f[model->event_state];
    return sum;
}

/* When cell k, which uses up its h within `length`, does so: Newton's method, halving what is
 * known where that leads out of it. */
static double root_of(const struct ow_switches *s, const double y[], size_t k, double length)
{
    const double h = y[s->at_h + k];
    double lo = 0.0, hi = length, t = 0.5 * length;
    for (int turn = 0; turn < 200 && hi - lo > 1e-15 * length; turn++) {
        double rate;
        const double left = h - used_by(s, y, k, length, t, &rate);
        if (left > 0.0)
            lo = t;
        else
            hi = t;
        const double next = t + left / rate;
        if (fabs(next - t) <= 1e-15 * length)
            break;
        t = next > lo && next < hi ? next : 0.5 * (lo + hi);
    }
    return t;
}

static bool advance_on_edge(struct ow_switches *s, struct edge *e, double t_end, double *t,
                            double y[])
{
    struct ow_system *sys = s->sys;
    const size_t n = sys->n_cell, n_source = sys->circuit->n_source;
    const double all = t_end - *t;
    double *h = y + s->at_h, part = 0.25 * all;
    for (double done = 0.0; done < all;) {
        const bool is_last = part >= all - done;
        double length = is_last ? all - done : part;
        const double error = integrate(s, e, length, y);
        /* the difference goes with the seventh power of the length */
        const double factor = 0.9 * pow(s->rtol / fmax(error, 1e-30), 1.0 / 7.0);
        part = length * fmin(fmax(factor, 0.2), 4.0);
        if (error > s->rtol && length > 1e-9 * all)
            continue;
        size_t first = n;
        double dt = length;
        for (size_t k = 0; k < n; k++) {
            const double root = h[k] <= s->used[k] ? root_of(s, y, k, length) : INFINITY;
            if (root <= dt) {
                dt = root;
                first = k;
            }
        }
        if (first < n)
            integrate(s, e, dt, y);
        for (size_t k = 0; k < n; k++)
            h[k] -= s->used[k];
        move_voltages(e->w, dt, sys->n_free, y);
        for (size_t r = 0; r < n_source; r++)
            s->v_begin[r] += dt * e->dv_row[r];
        done += dt;
        if (first < n) {
            h[first] = 0.0;
            *t += done;
            return true;
        }
        if (is_last)
            break;
    }
    *t = t_end;
    return false;
}

bool ow_switches_advance(struct ow_switches *s, const double v_row[], const double dv_row[],
                         const double w[], double t_end, double *t, double y[])
{
    struct ow_system *sys = s->sys;
    const size_t n_source = sys->circuit->n_source;
    if (!w)
        return advance_along(s, sys->at.f[sys->circuit->xb->model->event_state], t_end, t,
                             y + s->at_h);
    memcpy(s->v_begin, v_row, n_source * sizeof *v_row);
    struct edge e = {.v_row = s->v_begin, .dv_row = dv_row, .w = w};
    return advance_on_edge(s, &e, t_end, t, y);
}
