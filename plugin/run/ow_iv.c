#include "ow_iv.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_ode.h"

static const double two_pi = 6.283185307179586;

const char *const ow_iv_shape_name[] = {"sine", "triangle", "pulse", NULL};

/* ---- the drive ------------------------------------------------------------------------- */

/* Corners of one period, straight lines between; a sine has none but its ends. */
enum { MOST_CORNERS = 9 };
struct corners {
    size_t n;
    double t[MOST_CORNERS], v[MOST_CORNERS]; /* s, V */
};

static void corner(struct corners *c, double t, double v)
{
    c->t[c->n] = t;
    c->v[c->n++] = v;
}

static struct corners corners_of(const struct ow_iv_drive *d)
{
    struct corners c = {0};
    corner(&c, 0.0, 0.0);
    for (int half = 0; half < 2 && d->shape != OW_IV_SINE; half++) {
        const double t = half * 0.5 * d->period, end = (half + 1) * 0.5 * d->period;
        if (d->shape == OW_IV_TRIANGLE)
            corner(&c, t + 0.25 * d->period, d->peak[half]);
        else {
            corner(&c, t + d->rise, d->peak[half]);
            corner(&c, t + d->rise + d->width, d->peak[half]);
            if (t + 2.0 * d->rise + d->width < end * (1.0 - 1e-9))
                corner(&c, t + 2.0 * d->rise + d->width, 0.0);
        }
        corner(&c, end, 0.0);
    }
    if (d->shape == OW_IV_SINE)
        corner(&c, d->period, 0.0);
    return c;
}

/* u: time within the period. */
static double voltage(const struct ow_iv_drive *d, const struct corners *c, double u)
{
    if (d->shape == OW_IV_SINE)
        return d->peak[0] * sin(two_pi * u / d->period);
    for (size_t k = 1; k < c->n; k++)
        if (u < c->t[k]) {
            const double s = fmax(u - c->t[k - 1], 0.0) / (c->t[k] - c->t[k - 1]);
            return c->v[k - 1] + s * (c->v[k] - c->v[k - 1]);
        }
    return 0.0;
}

double ow_iv_drive_at(const struct ow_iv_drive *d, double t)
{
    const struct corners c = corners_of(d);
    return voltage(d, &c, t - floor(t / d->period) * d->period);
}

enum ow_status ow_iv_drive_check(const struct ow_iv_drive *d, struct ow_error *err)
{
    if (!(fabs(d->peak[0]) > 0.0 && fabs(d->peak[0]) <= 1e6))
        return ow_fail(err, OW_ERR_RANGE, "amplitude: %g V, expected a voltage other than 0",
                       d->peak[0]);
    if (!(fabs(d->peak[1]) <= 1e6))
        return ow_fail(err, OW_ERR_RANGE, "second amplitude: %g V, expected a finite voltage",
                       d->peak[1]);
    if (d->shape == OW_IV_SINE && d->peak[1] != -d->peak[0])
        return ow_fail(err, OW_ERR_RANGE,
                       "second amplitude: %g V, but a sine has one amplitude; use triangle or "
                       "pulse",
                       d->peak[1]);
    if (!(d->period >= 1e-15 && d->period <= 1e12))
        return ow_fail(err, OW_ERR_RANGE, "period: %g s, expected 1e-15 to 1e12 s", d->period);
    if (d->shape == OW_IV_PULSE &&
        !(d->rise > 0.0 && d->width >= 0.0 &&
          2.0 * d->rise + d->width <= 0.5 * d->period * (1.0 + 1e-9)))
        return ow_fail(err, OW_ERR_RANGE,
                       "pulse: width %g s with two edges of %g s, expected positive times that "
                       "fit into half a period, %g s",
                       d->width, d->rise, 0.5 * d->period);
    if (d->cycles < 1 || d->cycles > 100000)
        return ow_fail(err, OW_ERR_RANGE, "cycles: %zu, expected 1 to 100000", d->cycles);
    return OW_OK;
}

/* ---- the circuit ----------------------------------------------------------------------- */

bool ow_iv_has_branch(const struct ow_iv_circuit *c)
{
    return c->series > 0.0 || isfinite(c->compliance);
}

double ow_iv_branch(const struct ow_iv_circuit *c, double u, double *di_du)
{
    if (!isfinite(c->compliance)) {
        *di_du = 1.0 / c->series;
        return u / c->series;
    }
    const double g = 1.0 / fmax(c->series, OW_IV_KNEE / c->compliance);
    const double z = g * u / c->compliance;
    if (fabs(z) > 1e4) { /* 1 within 1e-33; z^8 could overflow */
        *di_du = 0.0;
        return copysign(c->compliance, z);
    }
    const double z2 = z * z, z8 = z2 * z2 * z2 * z2, root = pow(1.0 + z8, 0.125);
    *di_du = g / (root * (1.0 + z8));
    return c->compliance * z / root;
}

/* Current that the device takes more than the branch gives, at device voltage v. */
static double excess(const struct ow_iv_circuit *c, double v_source, const double x[], double v,
                     struct ow_point *at, double *slope)
{
    double di_du;
    ow_eval_one(c->model, c->param, v, x, at);
    const double i = ow_iv_branch(c, v_source - v, &di_du);
    *slope = at->di_dv + di_du;
    return at->i - i;
}

/* Newton within a bracket that shrinks; bisection where a step would leave it or the
 * bracket does not halve. */
enum ow_status ow_iv_bias(const struct ow_iv_circuit *c, double v_source, const double x[],
                          double near, double *v, struct ow_point *at)
{
    enum { MOST_STEPS = 200 };
    if (!ow_iv_has_branch(c)) {
        *v = v_source;
        ow_eval_one(c->model, c->param, v_source, x, at);
        return OW_OK;
    }
    /* A passive device stands between 0 and the source; others may need more room. */
    double lo = fmin(0.0, v_source), hi = fmax(0.0, v_source), slope;
    double room = fmax(fabs(v_source), 1e-3);
    for (int k = 0; k < 60 && excess(c, v_source, x, lo, at, &slope) > 0.0; k++, room *= 2.0)
        lo -= room;
    for (int k = 0; k < 60 && excess(c, v_source, x, hi, at, &slope) < 0.0; k++, room *= 2.0)
        hi += room;
    double u = near > lo && near < hi ? near : 0.5 * (lo + hi);
    for (int k = 0; k < MOST_STEPS; k++) {
        const double f = excess(c, v_source, x, u, at, &slope);
        if (!isfinite(f))
            return OW_ERR_SOLVER;
        if (f > 0.0)
            hi = u;
        else
            lo = u;
        double next = u - f / slope;
        const double step = fabs(next - u);
        /* Rounding of v_source - v is what is left. */
        if (f == 0.0 || step <= 1e-15 * (fabs(u) + 1e-3 * fabs(v_source)) ||
            !(hi - lo > 1e-15 * fabs(u))) {
            *v = u;
            return OW_OK;
        }
        if (!(next > lo && next < hi) || k % 8 == 7)
            next = 0.5 * (lo + hi);
        if (next == u) {
            *v = u;
            return OW_OK;
        }
        u = next;
    }
    *v = u; /* the bracket has shrunk by 2^-25 at least and f has no better root */
    return hi - lo <= 1e-9 * fmax(fabs(v_source), 1e-3) ? OW_OK : OW_ERR_SOLVER;
}

/* ---- waveforms -------------------------------------------------------------------------- */

double *ow_iv_append(struct ow_iv_wave *w)
{
    const size_t stride = OW_IV_X + w->n_state;
    if (w->n == w->room) {
        const size_t room = w->room ? 2 * w->room : 1024;
        double *more = realloc(w->row, room * stride * sizeof *more);
        if (!more)
            return NULL;
        w->row = more;
        w->room = room;
    }
    return w->row + stride * w->n++;
}

void ow_iv_wave_finish(struct ow_iv_wave *w)
{
    free(w->row);
    *w = (struct ow_iv_wave){0};
}

/* ---- the run ---------------------------------------------------------------------------- */

struct run {
    const struct ow_iv_circuit *circuit;
    const struct ow_iv_drive *drive;
    struct corners corners;
    struct ow_ode *ode; /* NULL if no state moves */
    size_t n_moving, moving[OW_MAX_STATES];
    double t_period;         /* s, begin of the present period */
    double t_base;           /* s, where the ODE's time began  */
    double t_ode;            /* s, the ODE's time              */
    double u;                /* s, the last stop, within the period         */
    size_t n_at;             /* rows of options->at that lie behind         */
    double x[OW_MAX_STATES]; /* discrete states are here only  */
    double near;             /* V, of the device, last time    */
    size_t n_jump, max_jumps;
    struct ow_iv_wave *wave;
};

static double source_at(const struct run *r, double t)
{
    return voltage(r->drive, &r->corners, t - r->t_period);
}

/* dx/dt of the continuous states with the device's voltage solved for, so that
 * dv/dx = -(di/dx) / (di/dv + dI/du), I the branch's current. */
static void rates(void *data, double t, const double y[], double f[], double *jac)
{
    struct run *r = data;
    const size_t n = r->n_moving;
    double x[OW_MAX_STATES], v;
    struct ow_point at;
    memcpy(x, r->x, sizeof x);
    for (size_t m = 0; m < n; m++)
        x[r->moving[m]] = y[m];
    const double v_source = source_at(r, r->t_base + t);
    if (ow_iv_bias(r->circuit, v_source, x, r->near, &v, &at)) {
        for (size_t m = 0; m < n; m++)
            f[m] = NAN; /* CVODE tries a shorter step */
        return;
    }
    r->near = v;
    double di_du = 0.0;
    const bool has_branch = ow_iv_has_branch(r->circuit);
    if (has_branch && jac)
        ow_iv_branch(r->circuit, v_source - v, &di_du);
    for (size_t m = 0; m < n; m++)
        f[m] = at.f[r->moving[m]];
    for (size_t m = 0; jac && m < n; m++)
        for (size_t s = 0; s < n; s++) {
            const size_t a = r->moving[m], b = r->moving[s];
            const double dv_dx = has_branch ? -at.di_dx[b] / (at.di_dv + di_du) : 0.0;
            jac[m * n + s] = at.df_dx[a][b] + at.df_dv[a] * dv_dx;
        }
}

static void take_states(struct run *r)
{
    for (size_t m = 0; m < r->n_moving; m++)
        r->x[r->moving[m]] = ow_ode_y(r->ode)[m];
}

static void put_states(struct run *r)
{
    for (size_t m = 0; m < r->n_moving; m++)
        ow_ode_y(r->ode)[m] = r->x[r->moving[m]];
}

static enum ow_status record(struct run *r, double t, struct ow_error *err)
{
    struct ow_point at;
    double v, *row = ow_iv_append(r->wave);
    if (!row)
        return ow_fail(err, OW_ERR_NOMEM, "the loop: out of memory");
    const double v_source = source_at(r, t);
    if (ow_iv_bias(r->circuit, v_source, r->x, r->near, &v, &at))
        return ow_fail(err, OW_ERR_SOLVER, "no voltage across the device at %g s", t);
    r->near = v;
    row[OW_IV_T] = t;
    row[OW_IV_SOURCE] = v_source;
    row[OW_IV_V] = v;
    row[OW_IV_I] = at.i;
    memcpy(row + OW_IV_X, r->x, r->wave->n_state * sizeof *row);
    return OW_OK;
}

/* The ODE counts time from the last restart: near 0 a double tells much smaller steps
 * apart than near t. */
static enum ow_status restart(struct run *r, double t, struct ow_error *err)
{
    r->t_base = t;
    r->t_ode = 0.0;
    if (r->ode && ow_ode_restart(r->ode, 0.0))
        return ow_fail(err, OW_ERR_SOLVER, "CVODE cannot restart at %g s", t);
    return OW_OK;
}

/* Both sides of a jump are rows of the same time. */
static enum ow_status jump(struct run *r, double t, struct ow_error *err)
{
    if (r->n_jump++ == r->max_jumps)
        return ow_fail(err, OW_ERR_SOLVER, "more than %zu jumps until t = %g s", r->max_jumps,
                       t);
    ow_fire(r->circuit->model, r->circuit->param, r->near, r->x);
    put_states(r);
    const enum ow_status st = record(r, t, err);
    return st ? st : restart(r, t, err);
}

/* A device whose state feeds back on itself runs away in finite time, in TEAM within 1e-20 s:
 * steps that time in seconds cannot tell apart.  Counting time from where CVODE gave up
 * resolves 15 decades more, until the travel ends. */
enum { MOST_REBASES = 8 };

/* From the present time to t_stop, over which the drive is smooth. */
static enum ow_status run_to(struct run *r, double t_stop, const struct ow_iv_options *options,
                             struct ow_error *err)
{
    enum ow_status st;
    int n_rebase = 0;
    if (!r->ode)
        return record(r, t_stop, err);
    for (;;) {
        double t;
        enum ow_step_result result = ow_ode_step(r->ode, t_stop - r->t_base, &t);
        if (result == OW_STEP_FAILED && n_rebase++ < MOST_REBASES) {
            put_states(r);
            if ((st = restart(r, r->t_base + r->t_ode, err)))
                return st;
            continue;
        }
        if (result == OW_STEP_FAILED)
            return ow_fail(err, OW_ERR_SOLVER, "CVODE failed after t = %g s: %s", r->t_base,
                           ow_ode_message(r->ode));
        if (options->cancel && *options->cancel)
            return ow_fail(err, OW_ERR_CANCELLED, "cancelled");
        r->t_ode = t;
        take_states(r);
        const bool is_end =
            result == OW_STEP_STOP || t_stop - (r->t_base + t) <= 1e-14 * t_stop;
        if ((st = record(r, is_end ? t_stop : r->t_base + t, err)))
            return st;
        if (result == OW_STEP_EVENT && (st = jump(r, r->t_base + t, err)))
            return st;
        if (is_end)
            return OW_OK;
    }
}

/* Of each straight piece of the drive, at least: pulses have steep edges. */
enum { POINTS_A_PIECE = 50 };

/* The grid of `points`, or a finer one over a short piece, the corners of a period and the
 * times of options->at, in order; what is nearer to one another than `near` is one stop. */
static enum ow_status run_period(struct run *r, const struct ow_iv_options *options,
                                 struct ow_error *err)
{
    const double period = r->drive->period, near = 1e-9 * period;
    const struct ow_iv_wave *at = options->at;
    size_t k = 1, next = 1; /* of the grid, of the corners */
    enum ow_status st = restart(r, r->t_period, err);
    while (!st && next < r->corners.n) {
        const double grid = period * (double)k / (double)options->points;
        const double piece = r->corners.t[next] - r->corners.t[next - 1];
        double u = fmin(r->corners.t[next], fmin(grid, r->u + piece / POINTS_A_PIECE));
        while (at && r->n_at < at->n &&
               ow_iv_row(at, r->n_at)[OW_IV_T] <= r->t_period + r->u + near)
            r->n_at++;
        if (at && r->n_at < at->n)
            u = fmin(u, ow_iv_row(at, r->n_at)[OW_IV_T] - r->t_period);
        const bool is_corner = r->corners.t[next] <= u + near;
        if (is_corner)
            u = r->corners.t[next++];
        if (grid <= u + near)
            k++;
        st = run_to(r, r->t_period + u, options, err);
        if (!st && is_corner)
            st = restart(r, r->t_period + u, err);
        r->u = u;
    }
    return st;
}

static enum ow_status create_ode(struct run *r, const struct ow_iv_options *options)
{
    const struct ow_model *m = r->circuit->model;
    struct ow_ode_options how = {.rtol = options->rtol > 0.0 ? options->rtol : 1e-7,
                                 .has_event = m->fire != NULL,
                                 .fn = rates,
                                 .data = r};
    for (size_t s = 0; s < m->n_state; s++)
        if (!m->state[s].is_discrete) {
            if (m->fire && s == m->event_state)
                how.event = r->n_moving;
            how.atol[r->n_moving] = 0.01 * how.rtol * (m->state[s].hi - m->state[s].lo);
            r->moving[r->n_moving++] = s;
        }
    how.n = r->n_moving;
    return how.n ? ow_ode_create(&how, &r->ode) : OW_OK;
}

enum ow_status ow_iv_run(const struct ow_iv_circuit *circuit, const struct ow_iv_drive *drive,
                         const struct ow_iv_options *options, struct ow_iv_wave *wave,
                         struct ow_error *err)
{
    assert(wave->n == 0 && options->points >= 40);
    struct run r = {.circuit = circuit,
                    .drive = drive,
                    .corners = corners_of(drive),
                    .max_jumps = options->max_jumps ? options->max_jumps : (size_t)-1,
                    .wave = wave};
    wave->n_state = circuit->model->n_state;
    ow_states_init(circuit->model, circuit->param, r.x);
    if (create_ode(&r, options))
        return ow_fail(err, OW_ERR_NOMEM, "the loop: out of memory");
    put_states(&r);
    enum ow_status st = record(&r, 0.0, err);
    for (size_t k = 0; !st && k < drive->cycles; k++) {
        r.t_period = (double)k * drive->period;
        r.u = 0.0;
        st = run_period(&r, options, err);
    }
    ow_ode_destroy(r.ode);
    return st;
}

/* ---- a drive that opens a loop ---------------------------------------------------------- */

/* Does the state say how far the device has switched?  The programmed one does; a binary
 * device may have a continuous one beside it (the mean of many). */
static bool is_measure(const struct ow_model *m, size_t s)
{
    return m->state[s].init == m->program ||
           (m->is_binary && !m->state[s].is_discrete && s != m->event_state);
}

/* Of its range: how far state s goes in the second period, and comes back. */
static double excursion(const struct ow_model *m, const struct ow_iv_wave *wave, size_t s,
                        double period)
{
    double lo = INFINITY, hi = -INFINITY, first = NAN, last = NAN;
    for (size_t j = 0; j < wave->n; j++) {
        const double *row = ow_iv_row(wave, j);
        if (row[OW_IV_T] < period)
            continue;
        last = row[OW_IV_X + s];
        if (isnan(first))
            first = last;
        lo = fmin(lo, last);
        hi = fmax(hi, last);
    }
    return (hi - lo - fabs(last - first)) / (m->state[s].hi - m->state[s].lo);
}

/* The least of all draws; a run that fails goes nowhere. */
static double travel(const struct ow_iv_circuit *circuit, const struct ow_iv_drive *drive,
                     const volatile sig_atomic_t *cancel)
{
    const struct ow_model *m = circuit->model;
    /* a drive much slower than the noise would take for ever, and says nothing of a loop */
    const struct ow_iv_options how = {
        .points = 200, .rtol = 1e-4, .max_jumps = 3000, .cancel = cancel};
    double param[OW_MAX_PARAMS], least = 1.0;
    memcpy(param, circuit->param, m->n_param * sizeof *param);
    struct ow_iv_circuit one = *circuit;
    one.param = param;
    for (int k = 0; k < (m->fire ? 8 : 1) && least > 0.0; k++, param[OW_ID] += 1.0) {
        struct ow_iv_wave wave = {0};
        double farthest = 0.0;
        const bool is_run = ow_iv_run(&one, drive, &how, &wave, NULL) == OW_OK;
        for (size_t s = 0; is_run && s < m->n_state; s++)
            if (is_measure(m, s))
                farthest = fmax(farthest, excursion(m, &wave, s, drive->period));
        ow_iv_wave_finish(&wave);
        least = fmin(least, farthest);
    }
    return least;
}

static void default_pulse(struct ow_iv_drive *d)
{
    if (!(d->rise > 0.0))
        d->rise = 0.01 * d->period;
    if (!(d->width > 0.0))
        d->width = 0.25 * d->period;
}

/* *found is how far the state goes and comes back under the drive that was found. */
static enum ow_status search(const struct ow_iv_circuit *circuit,
                             const volatile sig_atomic_t *cancel, struct ow_iv_drive *drive,
                             double *found, struct ow_error *err)
{
    static const double volts[] = {0.5, 1.0, 1.5, 2.0, 3.0, 5.0};
    const bool has_peak = !isnan(drive->peak[0]), has_period = !isnan(drive->period);
    const size_t n_volt = has_peak ? 1 : sizeof volts / sizeof volts[0];
    struct ow_iv_drive best = *drive;
    double farthest = -1.0;
    for (int slow = 0; slow < (has_period ? 1 : 2) && farthest < OW_IV_LOOP; slow++)
        for (size_t a = 0; a < n_volt && farthest < OW_IV_LOOP; a++)
            for (int decade = slow ? -1 : 8; decade >= (slow ? -2 : 0) && farthest < OW_IV_LOOP;
                 decade--) {
                struct ow_iv_drive d = *drive;
                if (!has_peak)
                    d.peak[0] = volts[a];
                if (isnan(d.peak[1]))
                    d.peak[1] = -d.peak[0];
                if (!has_period)
                    d.period = pow(10.0, -decade);
                if (d.shape == OW_IV_PULSE)
                    default_pulse(&d);
                if (cancel && *cancel)
                    return ow_fail(err, OW_ERR_CANCELLED, "cancelled");
                if (has_peak && has_period) {
                    *drive = d;
                    *found = 1.0;
                    return OW_OK;
                }
                struct ow_iv_drive two = d;
                two.cycles = 2;
                const double t = ow_iv_drive_check(&two, NULL) == OW_OK
                                     ? travel(circuit, &two, cancel)
                                     : -1.0;
                if (t > farthest || farthest < 0.0) {
                    farthest = t;
                    best = d;
                }
                if (has_period)
                    break;
            }
    *drive = best;
    *found = farthest;
    return OW_OK;
}

enum ow_status ow_iv_choose(const struct ow_iv_circuit *circuit,
                            const volatile sig_atomic_t *cancel, struct ow_iv_drive *drive,
                            struct ow_error *err)
{
    struct ow_iv_drive limited = *drive, bare = *drive;
    double found;
    enum ow_status st = search(circuit, cancel, &limited, &found, err);
    if (st)
        return st;
    *drive = limited;
    if (found >= OW_IV_LOOP || !ow_iv_has_branch(circuit))
        return OW_OK;
    struct ow_iv_circuit alone = *circuit;
    alone.series = 0.0;
    alone.compliance = INFINITY;
    if ((st = search(&alone, cancel, &bare, &found, err)))
        return st;
    *drive = bare;
    return OW_OK;
}
