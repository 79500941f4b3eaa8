/* Readings made by hand: each criterion just within and just beyond its limit. */
#include "ow_case.h"
#include "ow_compare.h"

enum { ROWS = 2, COLS = 3, N_CELL = ROWS * COLS, N_READ = 2 };
enum { X, H, K }; /* states of the stochastic model */

static const struct ow_pulse pulse = {.t_rise = 2e-9, .t_read = 46e-9}; /* 50 ns long */

struct pair {
    struct ow_crossbar xb;
    struct ow_reading a[N_READ], b[N_READ];
};

static void fill(const struct ow_crossbar *xb, struct ow_reading *r, size_t read)
{
    ck_assert_int_eq(ow_reading_init(r, COLS, N_CELL, xb->model->n_state), OW_OK);
    for (size_t j = 0; j < COLS; j++)
        r->v_sample[j] = -0.013 + 0.1 * (double)read + 0.05 * (double)j; /* span 0.2 V */
    r->energy = (struct ow_energy){.source = 3.1e-12 + 1e-13 * (double)read,
                                   .supply = 90e-12,
                                   .quiescent = 89e-12,
                                   .output = 1e-12,
                                   .charge = 17e-12};
    for (size_t j = 0; j < N_CELL; j++) {
        double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
        ow_crossbar_cell(xb, j, param, x);
        for (size_t s = 0; s < xb->model->n_state; s++)
            r->x_end[s * N_CELL + j] = x[s];
    }
}

static void start(struct pair *p, const char *model)
{
    struct ow_error err = {0};
    ck_assert_ok(ow_crossbar_init(&p->xb, ROWS, COLS, ow_model_find(model), &err), err);
    for (size_t k = 0; k < N_READ; k++) {
        fill(&p->xb, &p->a[k], k);
        fill(&p->xb, &p->b[k], k);
    }
}

static void finish(struct pair *p)
{
    for (size_t k = 0; k < N_READ; k++) {
        ow_reading_finish(&p->a[k]);
        ow_reading_finish(&p->b[k]);
    }
    ow_crossbar_finish(&p->xb);
}

static struct ow_comparison compare(const struct pair *p)
{
    struct ow_error err = {0};
    struct ow_comparison c;
    ck_assert_ok(ow_compare(&p->xb, &pulse, p->a, p->b, N_READ, &c, &err), err);
    return c;
}

/* Jump of a cell: on, counted, with a fresh draw, at time t. */
static void jump(const struct ow_crossbar *xb, struct ow_reading *r, size_t cell, double t)
{
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    ow_crossbar_cell(xb, cell, param, x);
    xb->model->fire(param, 0.0, x);
    for (size_t s = 0; s < xb->model->n_state; s++)
        r->x_end[s * N_CELL + cell] = x[s];
    r->t_event[cell] = t;
}

START_TEST(test_equal_readings_agree)
{
    struct pair p;
    start(&p, _i ? "stochastic" : "team");
    struct ow_comparison c = compare(&p);
    ck_assert(c.is_ok && c.sense.is_ok && c.energy.is_ok && c.state.is_ok && c.event.is_ok);
    ck_assert(c.sense.worst == 0.0 && c.energy.worst == 0.0 && c.state.worst == 0.0);
    ck_assert_close(c.full_scale, 0.2, 1e-12, 0.0);
    ck_assert_close(c.energy_b[OW_COMPARED_TOTAL], 93.15e-12, 1e-12, 0.0);
    ck_assert_close(c.energy_a[OW_COMPARED_DYNAMIC], 4.15e-12, 1e-12, 0.0);
    ck_assert_close(c.energy_a[OW_COMPARED_CHARGE], 17e-12, 1e-12, 0.0);
    ck_assert_uint_eq(c.n_event + c.n_near + c.n_unlike, 0);
    ow_comparison_finish(&c);
    finish(&p);
}
END_TEST

/* limit times 0.98 passes, times 1.02 does not; the place is told. */
START_TEST(test_sense_limit)
{
    struct pair p;
    start(&p, "team");
    const double beyond = _i ? 1.02 : 0.98;
    p.a[1].v_sample[2] -= 0.2 * 1e-3 * beyond;
    struct ow_comparison c = compare(&p);
    ck_assert_close(c.sense.worst, 1e-3 * beyond, 1e-9, 0.0);
    ck_assert(c.sense.read == 1 && c.sense.index == 2);
    ck_assert(c.sense.is_ok == !_i && c.is_ok == !_i);
    ck_assert(c.energy.is_ok && c.state.is_ok);
    ck_assert(c.sense.a == p.a[1].v_sample[2] && c.sense.b == p.b[1].v_sample[2]);
    ow_comparison_finish(&c);
    finish(&p);
}
END_TEST

/* 1 % of the moving part: 89 pJ of quiescent energy must not hide it.  And charge. */
START_TEST(test_energy_limit)
{
    struct pair p;
    start(&p, "team");
    const double beyond = _i % 2 ? 1.02 : 0.98;
    if (_i < 2)
        p.a[0].energy.source += 2.0 * 4.15e-12 * 1e-2 * beyond; /* means of two reads */
    else
        p.a[0].energy.charge -= 2.0 * 17e-12 * 1e-2 * beyond;
    struct ow_comparison c = compare(&p);
    ck_assert_close(c.energy.worst, 1e-2 * beyond, 1e-9, 0.0);
    ck_assert_uint_eq(c.energy.index, _i < 2 ? OW_COMPARED_DYNAMIC : OW_COMPARED_CHARGE);
    ck_assert(c.energy.is_ok == !(_i % 2) && c.is_ok == c.energy.is_ok);
    ow_comparison_finish(&c);
    finish(&p);
}
END_TEST

START_TEST(test_state_limit)
{
    struct pair p;
    start(&p, "driftdiff");
    const size_t s = 1;
    const double range = p.xb.model->state[s].hi - p.xb.model->state[s].lo;
    p.a[1].x_end[s * N_CELL + 4] += range * 1e-3 * (_i ? 1.02 : 0.98);
    struct ow_comparison c = compare(&p);
    ck_assert_close(c.state.worst, _i ? 1.02e-3 : 0.98e-3, 1e-9, 0.0);
    ck_assert(c.state.read == 1 && c.state.index == 4 && c.state.state == 1);
    ck_assert(c.state.is_ok == !_i && c.is_ok == !_i);
    ow_comparison_finish(&c);
    finish(&p);
}
END_TEST

/* 1 % of 50 ns. */
START_TEST(test_event_time_limit)
{
    struct pair p;
    start(&p, "stochastic");
    jump(&p.xb, &p.a[0], 3, 20e-9);
    jump(&p.xb, &p.b[0], 3, 20e-9 + 0.5e-9 * (_i ? 1.02 : 0.98));
    struct ow_comparison c = compare(&p);
    ck_assert_uint_eq(c.n_event, 1);
    ck_assert_uint_eq(c.n_unlike + c.n_near, 0);
    ck_assert_close(c.event.worst, _i ? 1.02e-2 : 0.98e-2, 1e-9, 0.0);
    ck_assert(c.event.read == 0 && c.event.index == 3);
    ck_assert(c.event.is_ok == !_i && c.is_ok == !_i);
    ow_comparison_finish(&c);
    finish(&p);
}
END_TEST

/* A jump in one host only: a failure, unless the other was within 1 % of its draw. */
START_TEST(test_unlike_and_near_events)
{
    struct pair p;
    start(&p, "stochastic");
    const double draw = p.b[1].x_end[H * N_CELL + 2];
    ck_assert(draw > 0.0);
    jump(&p.xb, &p.a[1], 2, 47e-9);
    p.b[1].x_end[H * N_CELL + 2] = draw * (_i ? 1.02e-2 : 0.98e-2);
    struct ow_comparison c = compare(&p);
    ck_assert_uint_eq(c.n_event, 1);
    ck_assert(c.is_ok == !_i);
    if (_i) {
        ck_assert(c.n_unlike == 1 && c.n_near == 0);
        ck_assert(c.unlike_read == 1 && c.unlike_cell == 2);
    } else {
        ck_assert(c.n_unlike == 0 && c.n_near == 1);
        ck_assert(c.near[0].read == 1 && c.near[0].cell == 2 && !c.near[0].is_alike);
        ck_assert_close(c.near[0].draw, draw, 1e-14, 0.0);
        ck_assert_close(c.near[0].left, draw * 0.98e-2, 1e-14, 0.0);
    }
    ow_comparison_finish(&c);
    finish(&p);
}
END_TEST

/* Behind the first jump the draw is another: that of the count in the states. */
START_TEST(test_near_the_second_event)
{
    struct pair p;
    start(&p, "stochastic");
    jump(&p.xb, &p.a[0], 5, 9e-9);
    jump(&p.xb, &p.b[0], 5, 9e-9);
    const double draw = p.a[0].x_end[H * N_CELL + 5];
    ck_assert(fabs(draw / p.a[1].x_end[H * N_CELL + 5] - 1.0) > 0.05); /* really another */
    p.a[0].x_end[H * N_CELL + 5] = draw * 0.98e-2;
    p.b[0].x_end[H * N_CELL + 5] = draw * 1.05e-2;
    struct ow_comparison c = compare(&p);
    ck_assert(c.is_ok && c.n_near == 1 && c.near[0].is_alike);
    ck_assert_close(c.near[0].left / c.near[0].draw, 0.98e-2, 1e-12, 0.0);
    ow_comparison_finish(&c);
    /* Many of them: the list grows. */
    for (size_t k = 0; k < N_READ; k++)
        for (size_t j = 0; j < N_CELL; j++)
            p.a[k].x_end[H * N_CELL + j] = 1e-9;
    c = compare(&p);
    ck_assert_uint_eq(c.n_near, N_READ * N_CELL);
    ck_assert_uint_eq(c.near[N_READ * N_CELL - 1].cell, N_CELL - 1);
    ow_comparison_finish(&c);
    finish(&p);
}
END_TEST

/* NaN agrees with nothing, wherever it comes from. */
START_TEST(test_nan_never_agrees)
{
    struct pair p;
    start(&p, _i < 4 ? "team" : "stochastic");
    double *const at[] = {
        &p.a[0].v_sample[1], &p.b[1].v_sample[0],           &p.a[1].energy.source,
        &p.b[0].x_end[3],    &p.a[0].x_end[K * N_CELL + 1], &p.b[0].x_end[H * N_CELL + 1],
    };
    *at[_i] = NAN;
    struct ow_comparison c = compare(&p);
    ck_assert(!c.is_ok);
    ow_comparison_finish(&c);
    finish(&p);
}
END_TEST

START_TEST(test_outputs_without_a_span)
{
    struct pair p;
    start(&p, "team");
    for (size_t k = 0; k < N_READ; k++)
        for (size_t j = 0; j < COLS; j++)
            p.a[k].v_sample[j] = p.b[k].v_sample[j] = _i ? 0.0 : -0.31;
    struct ow_comparison c = compare(&p);
    ck_assert(c.is_ok && c.full_scale == (_i ? 0.0 : 0.31));
    ow_comparison_finish(&c);
    p.a[0].v_sample[0] += 1e-3;
    c = compare(&p);
    ck_assert(!c.is_ok);
    ow_comparison_finish(&c);
    finish(&p);
}
END_TEST

START_TEST(test_sizes_must_match)
{
    struct ow_error err = {0};
    struct ow_comparison c;
    struct pair p;
    start(&p, "team");
    ck_assert_int_eq(ow_compare(&p.xb, &pulse, p.a, p.b, 0, &c, &err), OW_ERR_INPUT);
    p.b[1].n_cell--;
    ck_assert_int_eq(ow_compare(&p.xb, &pulse, p.a, p.b, N_READ, &c, &err), OW_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.text, "reading 1 of the reference"));
    p.b[1].n_cell++;
    finish(&p);
}
END_TEST

/* ---- waveforms --------------------------------------------------------------------------- */

/* V at t (s): a ramp to 20 ns with a corner, then a wave that bends; or steps at `jump`. */
static double wave(double t, double jump)
{
    const double ramp = fmin(t, 20e-9) / 20e-9;
    const double bend = t > 30e-9 ? 0.2 * (1.0 - cos((t - 30e-9) * 5e8)) : 0.0;
    return jump > 0.0 ? (t >= jump ? 0.3 : 0.1) : ramp + bend;
}

/* 50 ns in points `dt` apart, the first of them at `first` after 0. */
static void fill_wave(struct ow_reading *r, double first, double dt, double jump)
{
    const int n = (int)((50e-9 - first) / dt);
    for (int k = -1; k <= n; k++) {
        const double t = k < 0 ? 0.0 : k == n ? 50e-9 : first + k * dt, v = wave(t, jump);
        const double all[COLS] = {v, 0.5 * v, 0.0};
        ck_assert_int_eq(ow_waveform_append(&r->wave, COLS, t, all), OW_OK);
    }
}

/* Of full scale, 1 V. */
static struct ow_difference wave_difference(const struct pair *p, double *t)
{
    struct ow_difference d;
    ow_compare_waves(p->a, p->b, N_READ, 1.0, &d, t);
    return d;
}

static void start_waves(struct pair *p, double jump_a, double jump_b)
{
    start(p, jump_a > 0.0 ? "stochastic" : "team");
    for (int k = 0; k < N_READ; k++) {
        fill_wave(&p->a[k], 0.13e-9, 0.25e-9, k ? jump_a : 0.0);
        fill_wave(&p->b[k], 0.27e-9, 0.31e-9, k ? jump_b : 0.0);
    }
}

/* A straight line between points 0.31 ns apart is off by v'' dt^2/8 = 0.2 25e16 96e-21/8 =
 * 6e-4 V where the wave bends, a cubic by 5e-6 V; across a corner of 0.05 V/ns each of them by
 * a tenth of 0.05 0.31 V, and that the limit bears. */
START_TEST(test_waves_agree_between_points)
{
    struct pair p;
    double t;
    start_waves(&p, 0.0, 0.0);
    struct ow_difference d = wave_difference(&p, &t);
    ck_assert_msg(d.is_ok && d.worst > 1e-4, "%g at %g s", d.worst, t);
    for (int k = 0; k < N_READ; k++) /* without the ramp */
        for (int host = 0; host < 2; host++) {
            struct ow_waveform *w = host ? &p.b[k].wave : &p.a[k].wave;
            for (size_t n = 0; n < w->n; n++)
                for (size_t j = 0; j < COLS; j++)
                    w->v[n * COLS + j] = j < 2 ? 0.2 * sin(w->t[n] * 5e8) : 0.0;
        }
    d = wave_difference(&p, &t);
    ck_assert_msg(d.is_ok && d.worst < 1e-4, "%g at %g s", d.worst, t);
    p.b[1].wave.v[100 * COLS + 2] = 0.9e-3;
    d = wave_difference(&p, &t);
    ck_assert(d.is_ok && d.read == 1 && d.index == 2 && t == p.b[1].wave.t[100]);
    p.b[1].wave.v[100 * COLS + 2] = 1.1e-3;
    d = wave_difference(&p, &t);
    ck_assert(!d.is_ok && d.a == 0.0 && d.b == 1.1e-3);
    p.b[1].wave.v[100 * COLS + 2] = NAN;
    ck_assert(!wave_difference(&p, &t).is_ok);
    finish(&p);
}
END_TEST

/* Jumps 1 ns apart: waveforms that differ by 0.2 V for 1 ns agree if the cells' jumps are as
 * far apart, not if they are at one time or if nothing jumped. */
START_TEST(test_waves_may_jump_when_cells_do)
{
    struct pair p;
    double t;
    start_waves(&p, 10e-9, 11e-9);
    for (int k = 0; k < N_READ; k++) /* the first read as the second */
        for (int host = 0; host < 2; host++) {
            struct ow_waveform *w = host ? &p.b[k].wave : &p.a[k].wave;
            for (size_t n = 0; n < w->n; n++)
                w->v[n * COLS] = wave(w->t[n], host ? 11e-9 : 10e-9);
            for (size_t n = 0; n < w->n; n++)
                w->v[n * COLS + 1] = w->v[n * COLS + 2] = 0.0;
        }
    ck_assert(!wave_difference(&p, &t).is_ok);
    for (int k = 0; k < N_READ; k++)
        jump(&p.xb, &p.a[k], 3, 10e-9), jump(&p.xb, &p.b[k], 3, 10e-9);
    ck_assert(!wave_difference(&p, &t).is_ok);
    for (int k = 0; k < N_READ; k++)
        jump(&p.xb, &p.b[k], 3, 11e-9);
    ck_assert_double_eq(wave_difference(&p, &t).worst, 0.0);
    for (size_t n = p.a[0].wave.n - 20; n < p.a[0].wave.n; n++)
        p.a[0].wave.v[n * COLS] += 2e-3; /* long after */
    ck_assert(!wave_difference(&p, &t).is_ok);
    finish(&p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compare");
    TCase *tc = tcase_create("compare");
    tcase_add_loop_test(tc, test_equal_readings_agree, 0, 2);
    tcase_add_loop_test(tc, test_sense_limit, 0, 2);
    tcase_add_loop_test(tc, test_energy_limit, 0, 4);
    tcase_add_loop_test(tc, test_state_limit, 0, 2);
    tcase_add_loop_test(tc, test_event_time_limit, 0, 2);
    tcase_add_loop_test(tc, test_unlike_and_near_events, 0, 2);
    tcase_add_test(tc, test_near_the_second_event);
    tcase_add_loop_test(tc, test_nan_never_agrees, 0, 6);
    tcase_add_loop_test(tc, test_outputs_without_a_span, 0, 2);
    tcase_add_test(tc, test_sizes_must_match);
    tcase_add_test(tc, test_waves_agree_between_points);
    tcase_add_test(tc, test_waves_may_jump_when_cells_do);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
