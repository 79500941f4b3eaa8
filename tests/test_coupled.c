/* An array as a part of another circuit (ow_coupled.h): currents, states and energies against
 * an integration of the circuit's equations by other means and against the engine, steps that
 * are tried and dropped, cells that move and jump, lines without resistance. */
#include "ow_check.h"

#include <stdbool.h>
#include <string.h>

#include "ow_coupled.h"
#include "ow_engine.h"
#include "ow_reference_ode.h"
#include "ow_rk4.h"
#include "ow_series.h"

/* ---- port voltages ---------------------------------------------------------------------- */

enum { MOST_CELLS = 12, MOST_PORTS = 8, N_CORNER = 5 };

/* Straight from corner to corner, every port in a way of its own; after that nothing moves. */
static const double corner_t[N_CORNER] = {0.0, 0.7e-9, 4.1e-9, 5.3e-9, 8.9e-9};
static const double corner_v[N_CORNER][3] = {
    {0.0, 0.0, 0.0}, {1.0, -0.3, 0.2}, {0.9, -0.1, 0.2}, {0.1, 0.2, -0.1}, {0.0, 0.0, 0.0}};

static double piecewise(double t, size_t port, double v)
{
    size_t k = 0;
    while (k + 2 < N_CORNER && t >= corner_t[k + 1])
        k++;
    const double s = fmin((t - corner_t[k]) / (corner_t[k + 1] - corner_t[k]), 1.0);
    const double *a = corner_v[k], *b = corner_v[k + 1];
    return v * ((1.0 - s) * a[port % 3] + s * b[port % 3]) * (1.0 - 0.1 * (double)(port / 3));
}

/* Without a corner. */
static double wave(double t, size_t port, double v)
{
    const double period = 4e-9 * (1.0 + 0.3 * (double)port);
    return v * sin(M_PI * t / period) * sin(M_PI * t / period);
}

typedef double drive_fn(double t, size_t port, double v);

/* ---- an array of its own ---------------------------------------------------------------- */

struct bench {
    struct ow_crossbar xb;
    struct ow_circuit *circuit;
    struct ow_coupled *c;
    struct ow_series *pair;
    struct ow_error err;
    size_t n_port;
    long n_step;
    drive_fn *drive;
    double v[MOST_PORTS], i[MOST_PORTS];
};

struct device {
    const char *set, *access; /* parameter sets, the second of an access device or NULL */
    struct {
        const char *name; /* of a parameter ... */
        double value;     /* ... that is not the set's */
    } change[7];
    double v; /* V */
};

/* Slow lines, so that the reference can follow them: 90 ps a segment. */
static void begin(struct bench *b, const struct device *d, size_t rows, size_t cols)
{
    double param[OW_MAX_PARAMS];
    *b = (struct bench){.n_port = rows + cols, .drive = piecewise};
    const struct ow_model *m = use_set(d->set, param);
    for (size_t k = 0; k < 7 && d->change[k].name; k++)
        put(m, param, d->change[k].name, d->change[k].value);
    if (d->access) {
        const struct ow_model *a = use_set(d->access, param + m->n_param);
        ck_assert_ok(ow_series_create(m, a, "access", &b->pair, &b->err), b->err);
        m = &b->pair->model;
    }
    ck_assert_ok(ow_crossbar_init(&b->xb, rows, cols, m, &b->err), b->err);
    memcpy(b->xb.param, param, m->n_param * sizeof *param);
    for (size_t k = 0; k < rows * cols; k++) /* uneven */
        b->xb.spread[m->program][k] = b->xb.param[m->program] * (1.0 - 0.03 * (double)k);
    b->xb.r_wordline = 310.0;
    b->xb.r_bitline = 270.0;
    b->xb.c_wordline = 290e-15;
    b->xb.c_bitline = 330e-15;
    b->xb.c_cell = 37e-15;
    b->xb.sense.kind = OW_SENSE_DRIVER;
}

static void build(struct bench *b, double v_scale, double rtol)
{
    const struct ow_coupled_options options = {.rtol = rtol, .v_scale = v_scale};
    ck_assert_ok(ow_crossbar_check(&b->xb, &b->err), b->err);
    ck_assert_ok(ow_circuit_create(&b->xb, &b->circuit, &b->err), b->err);
    ck_assert_ok(ow_coupled_create(b->circuit, &options, &b->c, &b->err), b->err);
}

static void finish(struct bench *b)
{
    ow_coupled_destroy(b->c);
    ow_circuit_destroy(b->circuit);
    ow_crossbar_finish(&b->xb);
    ow_series_destroy(b->pair);
}

static void put_ports(struct bench *b, double t, double v)
{
    for (size_t k = 0; k < b->n_port; k++)
        b->v[k] = b->drive(t, k, v);
}

static void at_dc(struct bench *b)
{
    memset(b->v, 0, sizeof b->v);
    ck_assert_ok(ow_coupled_dc(b->c, b->v, NULL, b->i, &b->err), b->err);
}

static void try_to(struct bench *b, double t, double v, bool is_smooth)
{
    put_ports(b, t, v);
    ck_assert_ok(ow_coupled_try(b->c, t, b->v, is_smooth, b->i, &b->n_step, &b->err), b->err);
}

/* ---- the circuit, written down from ow_crossbar.h alone --------------------------------- */

enum { MOST = 2 * MOST_CELLS + OW_MAX_STATES * MOST_CELLS + 2 };

/* y: word-line nodes, bit-line nodes, the states, one after the other, and two energies: in
 * through the ports, and in the devices. */
struct reference {
    const struct ow_crossbar *xb;
    drive_fn *drive;
    double v;
    size_t n_cell, n_state, n;
    double y[MOST], i[MOST_PORTS];
};

/* dy/dt, and the ports' currents.  A node's equation: C dV/dt = currents into it; a cell's
 * capacitance joins its nodes. */
static void slope(void *data, double t, const double y[], double dy[])
{
    struct reference *ref = data;
    const struct ow_crossbar *xb = ref->xb;
    const size_t rows = xb->rows, cols = xb->cols, n = ref->n_cell;
    const double *w = y, *b = y + n, *x = y + 2 * n;
    const double g_w = 1.0 / xb->r_wordline, g_b = 1.0 / xb->r_bitline;
    const double c = xb->c_cell, c_w = xb->c_wordline, c_b = xb->c_bitline;
    double *power = dy + ref->n - 2;
    power[0] = power[1] = 0.0;
    for (size_t k = 0; k < n; k++) {
        const size_t row = k / cols, col = k % cols;
        double param[OW_MAX_PARAMS], state[OW_MAX_STATES];
        struct ow_point at;
        ow_crossbar_cell(xb, k, param, state);
        for (size_t m = 0; m < ref->n_state; m++)
            state[m] = x[m * n + k];
        ow_eval_one(xb->model, param, w[k] - b[k], state, &at);
        const double v_left = col == 0 ? ref->drive(t, row, ref->v) : w[k - 1];
        const double v_below =
            row + 1 == rows ? ref->drive(t, rows + col, ref->v) : b[k + cols];
        const double from_left = (v_left - w[k]) * g_w, from_below = (v_below - b[k]) * g_b;
        const double to_right = col + 1 < cols ? (w[k] - w[k + 1]) * g_w : 0.0;
        const double to_above = row > 0 ? (b[k] - b[k - cols]) * g_b : 0.0;
        const double i_w = from_left - to_right - at.i, i_b = from_below - to_above + at.i;
        const double det = c_w * c_b + c * (c_w + c_b);
        dy[k] = (i_w * (c_b + c) + i_b * c) / det;
        dy[n + k] = (i_b * (c_w + c) + i_w * c) / det;
        for (size_t m = 0; m < ref->n_state; m++)
            dy[2 * n + m * n + k] = at.f[m];
        power[1] += (w[k] - b[k]) * at.i;
        if (col == 0) {
            ref->i[row] = from_left;
            power[0] += v_left * from_left;
        }
        if (row + 1 == rows) {
            ref->i[rows + col] = from_below;
            power[0] += v_below * from_below;
        }
    }
}

/* From t0 to t1 in steps of at most 1 ps: the fastest time
 * constant is 20 ps. */
static void march(struct reference *ref, double t0, double t1)
{
    rk4_march(slope, ref, ref->n, t0, t1, 1e-12, ref->y);
    double dy[MOST];
    slope(ref, t1, ref->y, dy); /* the currents there */
}

static void begin_reference(struct reference *ref, const struct bench *b, double v)
{
    const struct ow_crossbar *xb = &b->xb;
    *ref =
        (struct reference){.xb = xb, .drive = b->drive, .v = v, .n_cell = xb->rows * xb->cols};
    while (ref->n_state < xb->model->n_state && !xb->model->state[ref->n_state].is_discrete)
        ref->n_state++;
    ref->n = (2 + ref->n_state) * ref->n_cell + 2;
    for (size_t k = 0; k < ref->n_cell; k++) {
        double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
        ow_crossbar_cell(xb, k, param, x);
        for (size_t m = 0; m < ref->n_state; m++)
            ref->y[(2 + m) * ref->n_cell + k] = x[m];
    }
}

/* ---- a whole drive against it ----------------------------------------------------------- */

struct errors {
    double x, i, source, devices; /* of 1, of the largest current, of all energy that moved */
    double balance;
    double moved;
};

static double largest(const double a[], size_t n)
{
    double most = 0.0;
    for (size_t k = 0; k < n; k++)
        most = fmax(most, fabs(a[k]));
    return most;
}

static void compare(struct bench *b, struct reference *ref, const double x0[], double *i_most,
                    struct errors *e)
{
    double x[OW_MAX_STATES * MOST_CELLS];
    ow_coupled_states(b->c, x);
    for (size_t k = 0; k < ref->n_state * ref->n_cell; k++) {
        e->x = fmax(e->x, fabs(x[k] - ref->y[2 * ref->n_cell + k]));
        e->moved = fmax(e->moved, fabs(x[k] - x0[k]));
    }
    *i_most = fmax(*i_most, largest(ref->i, b->n_port));
    for (size_t k = 0; k < b->n_port; k++)
        e->i = fmax(e->i, fabs(b->i[k] - ref->i[k]));
}

/* n steps from corner to corner.  is_smooth: after the first of them the course is a parabola.
 */
static struct errors errors_of(struct bench *b, double v, int n, bool is_smooth)
{
    struct errors e = {0};
    struct reference ref;
    double x0[OW_MAX_STATES * MOST_CELLS], i_most = 0.0;
    begin_reference(&ref, b, v);
    at_dc(b);
    ow_coupled_states(b->c, x0);
    double before = 0.0;
    for (size_t piece = 0; piece + 1 < N_CORNER; piece++)
        for (int k = 1; k <= n; k++) {
            const double from = corner_t[piece], to = corner_t[piece + 1];
            const double t = k == n ? to : from + (to - from) * k / n;
            try_to(b, t, v, is_smooth && (k > 1 || b->drive == wave));
            ow_coupled_accept(b->c);
            march(&ref, before, t);
            before = t;
            compare(b, &ref, x0, &i_most, &e);
        }
    const struct ow_energy energy = ow_coupled_energy(b->c, false);
    e.i /= i_most;
    e.source = fabs(energy.source - ref.y[ref.n - 2]) / energy.throughput;
    e.devices = fabs(energy.devices - ref.y[ref.n - 1]) / energy.throughput;
    e.balance = ow_energy_residual(&energy);
    ck_assert_double_eq(ow_coupled_time(b->c), corner_t[N_CORNER - 1]);
    return e;
}

/* One to four continuous states, pairs among them; none of them reaches an end of its travel,
 * which the reference would pass. */
static const struct device device[] = {
    {"team_write", NULL, {{"rate", 2.0}}, 1.3},
    {"driftdiff_write", NULL, {{"rate", 90.0}}, 1.4},
    {"jart_var_v1b", NULL, {{"x0", 0.6}, {"h0", 1.0}, {"dw_a", 0.7}}, -1.0},
    {"team_write", "ekv_180nm", {{"rate", 3.0}}, 1.3},
    {"driftdiff_write", "selector_exp_60mv", {{"rate", 150.0}}, 1.4},
};
enum { N_DEVICE = sizeof device / sizeof device[0] };

/* Rows and columns; a single line of each kind. */
static const size_t shape[][2] = {{2, 3}, {4, 1}, {1, 4}};
enum { N_SHAPE = sizeof shape / sizeof shape[0] };

START_TEST(test_states_currents_and_energies)
{
    const struct device *d = &device[_i / N_SHAPE];
    const size_t *size = shape[_i % N_SHAPE];
    if (strcmp(d->set, "jart_var_v1b") == 0 && size != shape[0])
        return; /* runs away there, faster than the reference can follow */
    const double rtol = 1e-5;
    struct bench b;
    begin(&b, d, size[0], size[1]);
    build(&b, fabs(d->v), rtol);
    const struct errors e = errors_of(&b, d->v, 40, true);
    /* Twice what is found.  Each of 160 steps begins anew, at first order. */
    ck_assert_double_lt(e.x, 30.0 * rtol);
    ck_assert_double_lt(e.i, 200.0 * rtol);
    ck_assert_double_lt(e.source, 40.0 * rtol);
    ck_assert_double_lt(e.devices, 4.0 * rtol);
    ck_assert_double_lt(e.balance, 40.0 * rtol);
    ck_assert_double_gt(e.moved, 0.2);
    ck_assert_int_eq(ow_coupled_n_event(b.c), 0);
    finish(&b);
}
END_TEST

START_TEST(test_answers_converge_with_rtol)
{
    struct errors before = {.x = INFINITY, .i = INFINITY, .source = INFINITY};
    for (double rtol = 1e-1; rtol > 0.5e-6; rtol *= 0.1) { /* of states 1e-3 to 1e-8 */
        struct bench b;
        begin(&b, &device[0], 2, 3);
        build(&b, fabs(device[0].v), rtol);
        const struct errors e = errors_of(&b, device[0].v, 30, true);
        ck_assert_double_lt(e.x, fmin(0.5 * before.x, 30.0 * rtol));
        /* a parabola through three points, and the trapezoidal rule over CVODE's steps, which
         * grow with the fourth root */
        ck_assert_double_lt(e.i, 0.9 * before.i);
        ck_assert_double_lt(e.source, 0.9 * before.source);
        before = e;
        finish(&b);
    }
    ck_assert_double_lt(before.x, 3e-7);
    ck_assert_double_lt(before.i, 2e-4);
    ck_assert_double_lt(before.source, 3e-5);
}
END_TEST

/* The ports' voltages between two steps are a straight line, or a parabola: errors with the
 * square and the cube of the step. */
START_TEST(test_order_of_the_course)
{
    const double least = _i ? 6.0 : 3.5;
    struct errors before = {0};
    for (int n = 10; n <= 40; n *= 2) {
        struct bench b;
        begin(&b, &device[0], 2, 3);
        b.drive = wave;
        build(&b, fabs(device[0].v), 1e-8);
        const struct errors e = errors_of(&b, device[0].v, n, _i);
        if (n > 10) {
            ck_assert_double_gt(before.x / e.x, least);
            ck_assert_double_gt(before.i / e.i, least - 1.0);
        }
        before = e;
        finish(&b);
    }
}
END_TEST

/* ---- steps that are tried and dropped --------------------------------------------------- */

/* All that is known of an accepted point. */
struct known {
    double t, v[MOST_PORTS], i[MOST_PORTS], x[OW_MAX_STATES * MOST_CELLS], event[MOST_CELLS];
    struct ow_energy energy;
    long n_event;
};

static struct known known_of(const struct bench *b)
{
    struct known k;
    memset(&k, 0, sizeof k);
    k.t = ow_coupled_time(b->c);
    memcpy(k.v, ow_coupled_v(b->c), b->n_port * sizeof *k.v);
    memcpy(k.i, ow_coupled_i(b->c), b->n_port * sizeof *k.i);
    ow_coupled_states(b->c, k.x);
    memcpy(k.event, ow_coupled_events(b->c), b->xb.rows * b->xb.cols * sizeof *k.event);
    k.energy = ow_coupled_energy(b->c, false);
    k.n_event = ow_coupled_n_event(b->c);
    return k;
}

static const struct device tried[] = {
    {"driftdiff_write", NULL, {{"rate", 90.0}}, 1.4},
    {"team_write", "ekv_180nm", {{"rate", 3.0}}, 1.3},
    {"stochastic_write", NULL, {{"rate", 10.0}}, 1.3},
};
enum { N_TRIED = sizeof tried / sizeof tried[0] };

/* Tries to other times and with other voltages, too long, too short, much too high, and not a
 * number. */
static void wander(struct bench *b, double t, double h, double v)
{
    static const double step[] = {3.0, 0.4, 1.0, 1e-3, 1.0},
                        height[] = {1.0, -1.3, 2.5, 0.0, NAN};
    const struct known before = known_of(b);
    for (size_t k = 0; k < sizeof step / sizeof step[0]; k++) {
        struct ow_error err = {0};
        put_ports(b, t + h, v * height[k]);
        const enum ow_status st =
            ow_coupled_try(b->c, t + step[k] * h, b->v, k % 2 == 0, b->i, &b->n_step, &err);
        ck_assert_int_eq(st, isnan(height[k]) ? OW_ERR_SOLVER : OW_OK);
        ck_assert(st == OW_OK || err.text[0]);
        const struct known after = known_of(b);
        ck_assert_mem_eq(&after, &before, sizeof before);
    }
}

START_TEST(test_a_try_leaves_nothing)
{
    const double v = tried[_i].v, h = 0.1e-9;
    struct bench b[2];
    for (int k = 0; k < 2; k++) {
        begin(&b[k], &tried[_i], 2, 3);
        build(&b[k], v, 1e-6);
        at_dc(&b[k]);
    }
    for (int n = 0; n < 60; n++) {
        if (n % 7 == 3)
            wander(&b[1], n * h, h, v);
        for (int k = 0; k < 2; k++) {
            try_to(&b[k], (n + 1) * h, v, n > 0);
            ck_assert_double_eq(ow_coupled_tried(b[k].c), (n + 1) * h);
            ow_coupled_accept(b[k].c);
        }
        const struct known one = known_of(&b[0]), other = known_of(&b[1]);
        ck_assert_mem_eq(&one, &other, sizeof one);
    }
    ck_assert_int_eq(ow_coupled_n_event(b[0].c) > 0, _i == 2);
    for (int k = 0; k < 2; k++)
        finish(&b[k]);
}
END_TEST

/* A second run from the DC point is the first one. */
START_TEST(test_a_run_leaves_nothing)
{
    struct bench b;
    struct known first = {0};
    begin(&b, &tried[_i], 2, 3);
    build(&b, tried[_i].v, 1e-6);
    for (int run = 0; run < 2; run++) {
        at_dc(&b);
        for (int n = 1; n <= 30; n++) {
            try_to(&b, n * 0.1e-9, tried[_i].v, n > 1);
            ow_coupled_accept(b.c);
        }
        const struct known end = known_of(&b);
        if (run == 0)
            first = end;
        ck_assert_mem_eq(&first, &end, sizeof end);
    }
    finish(&b);
}
END_TEST

/* ---- against the engine ----------------------------------------------------------------- */

static const struct ow_pulse pulse = {.t_rise = 0.5e-9, .t_read = 6e-9};

/* A pulse on every port in n steps a piece. */
static void run_pulse(struct bench *b, const double amplitude[], int n)
{
    const double corner[] = {0.0, pulse.t_rise, ow_pulse_sample(&pulse),
                             ow_pulse_sample(&pulse) + pulse.t_rise, ow_pulse_end(&pulse)};
    at_dc(b);
    for (size_t piece = 0; piece < 4; piece++)
        for (int k = 1; k <= n; k++) {
            const double from = corner[piece], to = corner[piece + 1];
            const double t = k == n ? to : from + (to - from) * k / n;
            for (size_t p = 0; p < b->n_port; p++)
                b->v[p] = amplitude[p] * ow_pulse_at(&pulse, t);
            ck_assert_ok(ow_coupled_try(b->c, t, b->v, k > 1, b->i, &b->n_step, &b->err),
                         b->err);
            ow_coupled_accept(b->c);
        }
}

static const double pulse_v[MOST_PORTS] = {1.3, 1.1, 0.9, -0.1, 0.2, 0.1, -0.2};

/* The same pulse by ow_engine.h, on lines that have a milliohm a segment at least. */
static void run_engine(const struct bench *b, double rtol, struct ow_reading *r)
{
    const struct ow_engine_options options = {.rtol = rtol, .v_scale = 1.3};
    struct ow_crossbar xb = b->xb;
    struct ow_circuit *circuit;
    struct ow_engine *engine;
    struct ow_error err = {0};
    xb.r_wordline = fmax(xb.r_wordline, 1e-3);
    xb.r_bitline = fmax(xb.r_bitline, 1e-3);
    ck_assert_ok(ow_circuit_create(&xb, &circuit, &err), err);
    ck_assert_ok(ow_engine_create(circuit, &options, false, &engine, &err), err);
    ck_assert_int_eq(ow_reading_init(r, xb.cols, xb.rows * xb.cols, xb.model->n_state), OW_OK);
    ck_assert_ok(ow_engine_read(engine, pulse_v, &pulse, NULL, r, &err), err);
    ow_engine_destroy(engine);
    ow_circuit_destroy(circuit);
}

/* Lines as fast as they are: 1 fs a segment. */
static void make_fast(struct bench *b)
{
    b->xb.r_wordline = 3.1;
    b->xb.r_bitline = 2.7;
    b->xb.c_wordline = 0.29e-15;
    b->xb.c_bitline = 0.33e-15;
    b->xb.c_cell = 0.0;
}

/* Cells that jump do so at the same times. */
START_TEST(test_jumps_are_the_engines)
{
    struct bench b;
    struct ow_reading r;
    double x[OW_MAX_STATES * MOST_CELLS];
    begin(&b, &tried[2], 3, 4);
    make_fast(&b);
    build(&b, 1.3, 1e-6);
    run_pulse(&b, pulse_v, 20);
    run_engine(&b, 1e-6, &r);
    ck_assert_int_ge(r.events, 5);
    ck_assert_int_eq(ow_coupled_n_event(b.c), r.events);
    ow_coupled_states(b.c, x);
    const double *t_event = ow_coupled_events(b.c);
    for (size_t k = 0; k < 12; k++) {
        ck_assert(isnan(t_event[k]) == isnan(r.t_event[k]));
        if (!isnan(t_event[k]))
            ck_assert_close(t_event[k], r.t_event[k], 0.0, 1e-13);
        ck_assert_close(x[k], r.x_end[k], 0.0, 1e-4);
    }
    const struct ow_energy e = ow_coupled_energy(b.c, false);
    ck_assert_double_lt(ow_energy_residual(&e), 1e-3);
    ck_assert_close(e.devices, r.energy.devices, 1e-4, 0.0);
    ow_reading_finish(&r);
    finish(&b);
}
END_TEST

/* Lines without resistance on either or both sides, which the ports drive as they are, are the
 * limit of those with little.  Energies of steps and of ten times finer ones. */
START_TEST(test_lines_without_resistance)
{
    struct bench b;
    struct ow_reading r;
    double x[OW_MAX_STATES * MOST_CELLS];
    begin(&b, &device[_i / 4], 3, 4);
    make_fast(&b);
    if (_i & 1)
        b.xb.r_wordline = 0.0;
    if (_i & 2)
        b.xb.r_bitline = 0.0;
    build(&b, 1.3, 1e-6);
    run_pulse(&b, pulse_v, 200);
    const struct ow_energy fine = ow_coupled_energy(b.c, false);
    run_pulse(&b, pulse_v, 20);
    const struct ow_energy e = ow_coupled_energy(b.c, false);
    run_engine(&b, 1e-6, &r);
    ow_coupled_states(b.c, x);
    double moved = 0.0;
    for (size_t k = 0; k < 12 * b.xb.model->n_state; k++) {
        ck_assert_close(x[k], r.x_end[k], 0.0, 5e-5);
        if (k < 12)
            moved = fmax(moved, fabs(x[k] - b.xb.spread[b.xb.model->program][k]));
    }
    ck_assert_double_gt(moved, 0.2);
    ck_assert_close(e.source, fine.source, 2e-3, 0.0);
    ck_assert_close(e.devices, fine.devices, 2e-3, 0.0);
    ck_assert_close(e.wires, fine.wires, 5e-4, 1e-6 * e.source);
    ck_assert_double_lt(ow_energy_residual(&fine), 1e-5);
    ck_assert_close(e.devices, r.energy.devices, 1.5e-3, 0.0);
    ck_assert_close(e.source, r.energy.source, (_i & 3) == 0 ? 1e-4 : 2e-3, 0.0);
    if ((_i & 3) == 3)
        ck_assert_double_eq(e.wires, 0.0);
    ow_reading_finish(&r);
    finish(&b);
}
END_TEST

/* What enters leaves, and a ramp charges what it has to: with cells that conduct next to
 * nothing each line is a capacitor, wherever its nodes are. */
START_TEST(test_a_ramp_charges_the_lines)
{
    const struct device open = {"team_write", NULL, {{"scale", 1e-9}}, 1.0};
    struct bench b;
    begin(&b, &open, 3, 4);
    make_fast(&b);
    if (_i & 1)
        b.xb.r_wordline = 0.0;
    if (_i & 2)
        b.xb.r_bitline = 0.0;
    build(&b, 1.0, 1e-6);
    at_dc(&b);
    for (int n = 1; n <= 5; n++) {
        for (size_t k = 0; k < b.n_port; k++)
            b.v[k] = 0.02 * n * (1.0 + 0.1 * (double)k);
        ck_assert_ok(ow_coupled_try(b.c, n * 20e-12, b.v, n > 1, b.i, &b.n_step, &b.err),
                     b.err);
        ow_coupled_accept(b.c);
        for (size_t k = 0; k < b.n_port; k++) {
            const double c = k < 3 ? 4 * b.xb.c_wordline : 3 * b.xb.c_bitline;
            /* the first step holds the bend at its beginning */
            ck_assert_close(b.i[k], c * 1e9 * (1.0 + 0.1 * (double)k), n == 1 ? 1e-2 : 1e-4,
                            0.0);
        }
    }
    finish(&b);
}
END_TEST

/* ---- the rest --------------------------------------------------------------------------- */

/* What a port is told to be: against differences, at DC and over a step. */
START_TEST(test_conductance_is_about_right)
{
    const double h = _i ? 2e-12 : INFINITY, dv = 1e-4;
    struct bench b;
    double v[MOST_PORTS], i0[MOST_PORTS], g[MOST_PORTS];
    begin(&b, &device[0], 3, 4);
    make_fast(&b);
    b.xb.c_wordline = 3e-15;
    b.xb.c_cell = 1e-15;
    build(&b, 1.3, 1e-8);
    memcpy(v, pulse_v, sizeof v);
    for (size_t k = 0; k <= b.n_port; k++) {
        if (k > 0)
            v[k - 1] += dv;
        ck_assert_ok(ow_coupled_dc(b.c, _i ? pulse_v : v, NULL, b.i, &b.err), b.err);
        ow_coupled_conductance(b.c, h, g);
        if (_i)
            ck_assert_ok(ow_coupled_try(b.c, h, v, false, b.i, &b.n_step, &b.err), b.err);
        if (k == 0) {
            memcpy(i0, b.i, sizeof i0);
            continue;
        }
        ck_assert_close(g[k - 1], (b.i[k - 1] - i0[k - 1]) / dv, 0.06, 0.0);
        v[k - 1] = pulse_v[k - 1];
    }
    finish(&b);
}
END_TEST

START_TEST(test_what_cannot_be_stepped_is_refused)
{
    const struct ow_coupled_options options = {.rtol = 1e-5, .v_scale = 1.0};
    struct bench b;
    begin(&b, &device[0], 2, 3);
    if (_i == 0)
        b.xb.c_bitline = b.xb.c_cell = 0.0;
    else
        b.xb.r_wordline = 0.0; /* the ports drive the cells' capacitance */
    ck_assert_ok(ow_circuit_create(&b.xb, &b.circuit, &b.err), b.err);
    ck_assert_int_eq(ow_coupled_create(b.circuit, &options, &b.c, &b.err), OW_ERR_INPUT);
    ck_assert_ptr_null(b.c);
    ck_assert_ptr_nonnull(strstr(b.err.text, _i == 0 ? "no capacitance" : "device.cp"));
    finish(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("coupled");
    TCase *reference = tcase_create("reference"), *rest = tcase_create("rest");
    tcase_add_loop_test(reference, test_states_currents_and_energies, 0, N_DEVICE * N_SHAPE);
    tcase_add_test(reference, test_answers_converge_with_rtol);
    tcase_add_loop_test(reference, test_order_of_the_course, 0, 2);
    tcase_add_loop_test(rest, test_a_try_leaves_nothing, 0, N_TRIED);
    tcase_add_loop_test(rest, test_a_run_leaves_nothing, 0, N_TRIED);
    tcase_add_test(rest, test_jumps_are_the_engines);
    tcase_add_loop_test(rest, test_lines_without_resistance, 0, 8);
    tcase_add_loop_test(rest, test_a_ramp_charges_the_lines, 0, 4);
    tcase_add_loop_test(rest, test_conductance_is_about_right, 0, 2);
    tcase_add_loop_test(rest, test_what_cannot_be_stepped_is_refused, 0, 2);
    tcase_set_timeout(reference, 60);
    suite_add_tcase(suite, reference);
    suite_add_tcase(suite, rest);
    return run_suite(suite);
}
