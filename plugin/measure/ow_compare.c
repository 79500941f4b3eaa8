#include "ow_compare.h"

#include <math.h>
#include <stdlib.h>

/* |a - b| / unit; infinite where that is not a number, 0 for no difference at all. */
static double distance(double a, double b, double unit)
{
    if (a == b)
        return 0.0;
    return unit > 0.0 && isfinite(a - b) ? fabs(a - b) / unit : INFINITY;
}

/* Keep the larger of what is there and this one. */
static void note(struct ow_difference *d, double unit, size_t read, size_t index, size_t state,
                 double a, double b)
{
    const double worst = distance(a, b, unit);
    if (worst > d->worst)
        *d = (struct ow_difference){
            .worst = worst, .read = read, .index = index, .state = state, .a = a, .b = b};
}

static enum ow_status check_sizes(const struct ow_crossbar *xb, const struct ow_reading a[],
                                  const struct ow_reading b[], size_t n_read,
                                  struct ow_error *err)
{
    for (size_t k = 0; k < n_read; k++)
        for (int host = 0; host < 2; host++) {
            const struct ow_reading *r = host ? &b[k] : &a[k];
            if (r->cols != xb->cols || r->n_cell != xb->rows * xb->cols ||
                r->n_state != xb->model->n_state)
                return ow_fail(
                    err, OW_ERR_INPUT,
                    "reading %zu of %s has %zu columns, %zu cells and %zu states; the "
                    "crossbar %zu, %zu and %zu",
                    k, host ? "the reference" : "the first host", r->cols, r->n_cell,
                    r->n_state, xb->cols, xb->rows * xb->cols, xb->model->n_state);
        }
    return n_read ? OW_OK : ow_fail(err, OW_ERR_INPUT, "no readings to compare");
}

/* -- sense outputs and energies ------------------------------------------------------------ */

static double full_scale(const struct ow_reading b[], size_t n_read)
{
    double lo = INFINITY, hi = -INFINITY;
    for (size_t k = 0; k < n_read; k++)
        for (size_t j = 0; j < b[k].cols; j++) {
            lo = fmin(lo, b[k].v_sample[j]);
            hi = fmax(hi, b[k].v_sample[j]);
        }
    return hi > lo ? hi - lo : fabs(hi);
}

static void compare_sense(const struct ow_reading a[], const struct ow_reading b[],
                          struct ow_comparison *out)
{
    out->full_scale = full_scale(b, out->n_read);
    for (size_t k = 0; k < out->n_read; k++)
        for (size_t j = 0; j < b[k].cols; j++)
            note(&out->sense, out->full_scale, k, j, 0, a[k].v_sample[j], b[k].v_sample[j]);
    out->sense.is_ok = out->sense.worst <= OW_AGREE_SENSE;
}

static void add_energies(const struct ow_energy *e, double share, double sum[OW_N_COMPARED])
{
    sum[OW_COMPARED_TOTAL] += share * (e->source + e->supply);
    sum[OW_COMPARED_DYNAMIC] += share * (e->source + e->output);
    sum[OW_COMPARED_CHARGE] += share * e->charge;
}

static void compare_energies(const struct ow_reading a[], const struct ow_reading b[],
                             struct ow_comparison *out)
{
    const double share = 1.0 / (double)out->n_read;
    for (size_t k = 0; k < out->n_read; k++) {
        add_energies(&a[k].energy, share, out->energy_a);
        add_energies(&b[k].energy, share, out->energy_b);
    }
    for (size_t kind = 0; kind < OW_N_COMPARED; kind++)
        note(&out->energy, fabs(out->energy_b[kind]), 0, kind, 0, out->energy_a[kind],
             out->energy_b[kind]);
    out->energy.is_ok = out->energy.worst <= OW_AGREE_ENERGY;
}

/* -- cells
 * ------------------------------------------------------------------------------------- */

static double state_at(const struct ow_reading *r, size_t s, size_t cell)
{
    return r->x_end[s * r->n_cell + cell];
}

/* Hazard left over hazard drawn, and both; infinite for states that are none.  The draw follows
 * from the discrete states, which count the jumps: with them and the default of the hazard's
 * own parameter, the model's initial states are those just after the last jump. */
static double share_left(const struct ow_crossbar *xb, const struct ow_reading *r, size_t cell,
                         double *left, double *draw)
{
    const struct ow_model *m = xb->model;
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    ow_crossbar_cell(xb, cell, param, x);
    *left = state_at(r, m->event_state, cell);
    *draw = NAN;
    for (size_t s = 0; s < m->n_state; s++) {
        const struct ow_param *row = &m->param[m->state[s].init];
        const double now = state_at(r, s, cell);
        if (!m->state[s].is_discrete)
            continue;
        if (!(now >= row->lo && now <= row->hi))
            return INFINITY;
        param[m->state[s].init] = now;
    }
    const size_t h = m->state[m->event_state].init;
    param[h] = m->param[h].dflt;
    ow_states_init(m, param, x);
    *draw = x[m->event_state];
    return *left / *draw;
}

static bool jumped_alike(const struct ow_model *m, const struct ow_reading *a,
                         const struct ow_reading *b, size_t cell)
{
    if (isnan(a->t_event[cell]) != isnan(b->t_event[cell]))
        return false;
    for (size_t s = 0; s < m->n_state; s++)
        if (m->state[s].is_discrete &&
            !(fabs(state_at(a, s, cell) - state_at(b, s, cell)) < 0.5))
            return false;
    return true;
}

static enum ow_status add_near(struct ow_comparison *out, const struct ow_near_event *near)
{
    if ((out->n_near & (out->n_near - 1)) == 0) { /* 0 or a power of two: full */
        const size_t capacity = out->n_near ? 2 * out->n_near : 1;
        struct ow_near_event *grown = realloc(out->near, capacity * sizeof *grown);
        if (!grown)
            return OW_ERR_NOMEM;
        out->near = grown;
    }
    out->near[out->n_near++] = *near;
    return OW_OK;
}

/* Jumps first.  *is_done where the states of the cell are not to be compared. */
static enum ow_status compare_jumps(const struct ow_crossbar *xb, const struct ow_pulse *pulse,
                                    const struct ow_reading *a, const struct ow_reading *b,
                                    size_t read, size_t cell, struct ow_comparison *out,
                                    bool *is_done)
{
    const bool is_alike = jumped_alike(xb->model, a, b, cell);
    const bool has_jumped = !isnan(a->t_event[cell]) || !isnan(b->t_event[cell]);
    double left_a, draw_a, left_b, draw_b;
    const double share_a = share_left(xb, a, cell, &left_a, &draw_a);
    const double share_b = share_left(xb, b, cell, &left_b, &draw_b);
    out->n_event += has_jumped;
    *is_done = true;
    if (fmin(share_a, share_b) < OW_NEAR_EVENT) {
        const bool is_a = share_a <= share_b;
        return add_near(out, &(struct ow_near_event){.read = read,
                                                     .cell = cell,
                                                     .left = is_a ? left_a : left_b,
                                                     .draw = is_a ? draw_a : draw_b,
                                                     .is_alike = is_alike});
    }
    if (!is_alike) {
        if (out->n_unlike++ == 0) {
            out->unlike_read = read;
            out->unlike_cell = cell;
        }
        return OW_OK;
    }
    *is_done = false;
    if (has_jumped)
        note(&out->event, ow_pulse_sample(pulse) + pulse->t_rise, read, cell, 0,
             a->t_event[cell], b->t_event[cell]);
    return OW_OK;
}

static enum ow_status compare_cells(const struct ow_crossbar *xb, const struct ow_pulse *pulse,
                                    const struct ow_reading *a, const struct ow_reading *b,
                                    size_t read, struct ow_comparison *out)
{
    const struct ow_model *m = xb->model;
    for (size_t cell = 0; cell < b->n_cell; cell++) {
        bool is_done = false;
        enum ow_status st = OW_OK;
        if (m->fire)
            st = compare_jumps(xb, pulse, a, b, read, cell, out, &is_done);
        if (st != OW_OK)
            return st;
        for (size_t s = 0; s < m->n_state && !is_done; s++)
            note(&out->state, m->state[s].hi - m->state[s].lo, read, cell, s,
                 state_at(a, s, cell), state_at(b, s, cell));
    }
    return OW_OK;
}

enum ow_status ow_compare(const struct ow_crossbar *xb, const struct ow_pulse *pulse,
                          const struct ow_reading a[], const struct ow_reading b[],
                          size_t n_read, struct ow_comparison *out, struct ow_error *err)
{
    enum ow_status st = check_sizes(xb, a, b, n_read, err);
    if (st != OW_OK)
        return st;
    struct ow_comparison c = {.n_read = n_read};
    compare_sense(a, b, &c);
    compare_energies(a, b, &c);
    for (size_t k = 0; k < n_read; k++)
        if (compare_cells(xb, pulse, &a[k], &b[k], k, &c) != OW_OK) {
            ow_comparison_finish(&c);
            return ow_fail(err, OW_ERR_NOMEM, "comparison: out of memory");
        }
    c.state.is_ok = c.state.worst <= OW_AGREE_STATE;
    c.event.is_ok = c.event.worst <= OW_AGREE_EVENT;
    c.is_ok =
        c.sense.is_ok && c.energy.is_ok && c.state.is_ok && c.event.is_ok && c.n_unlike == 0;
    *out = c;
    return OW_OK;
}

void ow_comparison_finish(struct ow_comparison *c)
{
    free(c->near);
    *c = (struct ow_comparison){0};
}

/* Two ways through the other's points: a straight line, which misses an edge by a thousandth of
 * it, and a cubic through four of them, which is nonsense across a corner.  Of column j at time
 * t, which is between point `at` and the next. */
static double line_at(const struct ow_waveform *w, size_t cols, size_t j, double t, size_t at)
{
    const double t0 = w->t[at], t1 = w->t[at + 1], v0 = w->v[at * cols + j];
    const double s = fmin(fmax((t - t0) / (t1 - t0), 0.0), 1.0);
    return v0 + s * (w->v[(at + 1) * cols + j] - v0);
}

static double cubic_at(const struct ow_waveform *w, size_t cols, size_t j, double t, size_t at)
{
    double v = 0.0;
    if (w->n < 4)
        return line_at(w, cols, j, t, at);
    const size_t from = at == 0 ? 0 : at + 2 < w->n ? at - 1 : w->n - 4;
    for (size_t k = from; k < from + 4; k++) {
        double weight = 1.0; /* Lagrange's */
        for (size_t m = from; m < from + 4; m++)
            weight *= m == k ? 1.0 : (t - w->t[m]) / (w->t[k] - w->t[m]);
        v += weight * w->v[k * cols + j];
    }
    return v;
}

/* Where cells jump, hosts do it at times that differ, which `event` judges: then any value will
 * do that the other has within as much time, and a step more of either. */
static double jump_shift(const struct ow_reading *a, const struct ow_reading *b)
{
    double shift = -1.0; /* no jumps */
    for (size_t k = 0; k < a->n_cell; k++)
        if (isfinite(a->t_event[k]) && isfinite(b->t_event[k]))
            shift = fmax(shift, fabs(a->t_event[k] - b->t_event[k]));
    return shift;
}

static double nearest_at(const struct ow_waveform *w, size_t cols, size_t j, double t,
                         double shift, size_t at, double mine)
{
    const double line = line_at(w, cols, j, t, at), cubic = cubic_at(w, cols, j, t, at);
    double lo = line, hi = line;
    size_t from = at, to = at + 1;
    if (shift < 0.0)
        return fabs(mine - cubic) < fabs(mine - line) ? cubic : line;
    while (from > 0 && w->t[from] > t - shift)
        from--;
    while (to + 1 < w->n && w->t[to] < t + shift)
        to++;
    from -= from > 0;
    to += to + 1 < w->n;
    for (size_t k = from; k <= to; k++) {
        lo = fmin(lo, w->v[k * cols + j]);
        hi = fmax(hi, w->v[k * cols + j]);
    }
    return isnan(mine) ? line : fmin(fmax(mine, lo), hi);
}

/* At the points of `at`, against the other. */
static void compare_wave(const struct ow_reading *at, const struct ow_reading *other,
                         size_t read, bool is_swapped, double full_scale,
                         struct ow_difference *worst, double *t_worst)
{
    const struct ow_waveform *w = &at->wave, *o = &other->wave;
    const double jump = jump_shift(at, other);
    size_t k = 0;
    for (size_t n = 0; n < w->n && o->n > 1; n++) {
        const double shift = jump < 0.0 || n == 0 ? jump : jump + w->t[n] - w->t[n - 1];
        while (k + 2 < o->n && o->t[k + 1] < w->t[n])
            k++;
        for (size_t j = 0; j < at->cols; j++) {
            const double mine = w->v[n * at->cols + j];
            const double theirs = nearest_at(o, at->cols, j, w->t[n], shift, k, mine);
            const double d = distance(mine, theirs, full_scale);
            if (d <= worst->worst)
                continue;
            *t_worst = w->t[n];
            *worst = (struct ow_difference){.worst = d,
                                            .read = read,
                                            .index = j,
                                            .a = is_swapped ? theirs : mine,
                                            .b = is_swapped ? mine : theirs};
        }
    }
}

/* Of all outputs at all times. */
static double wave_span(const struct ow_reading r[], size_t n_read)
{
    double lo = INFINITY, hi = -INFINITY;
    for (size_t k = 0; k < n_read; k++)
        for (size_t n = 0; n < r[k].wave.n * r[k].cols; n++) {
            lo = fmin(lo, r[k].wave.v[n]);
            hi = fmax(hi, r[k].wave.v[n]);
        }
    return hi - lo;
}

void ow_compare_waves(const struct ow_reading a[], const struct ow_reading b[], size_t n_read,
                      double full_scale, struct ow_difference *out, double *t)
{
    *out = (struct ow_difference){0};
    *t = 0.0;
    full_scale = fmax(full_scale, wave_span(b, n_read));
    for (size_t k = 0; k < n_read; k++) {
        compare_wave(&a[k], &b[k], k, false, full_scale, out, t);
        compare_wave(&b[k], &a[k], k, true, full_scale, out, t);
    }
    out->is_ok = out->worst <= OW_AGREE_SENSE;
}
