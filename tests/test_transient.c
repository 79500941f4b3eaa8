/* Transients of the engine: every node and state against an integration of the circuit's
 * equations by other means, and the errors of whole reads against their tolerance. */
#include "ow_check.h"

#include <complex.h>
#include <string.h>

#include "ow_engine.h"
#include "ow_reference_ode.h"
#include "ow_rk4.h"
#include "ow_stepper.h"

/* ---- a device that carries less at a higher voltage ---------------------------------------
 */

/* i = (1 uS + 0.9 mS x) v,  dx/dt = (1/(1 + (v/0.3)^4) - x)/0.3 ns: at rest the current falls
 * from 0.23 V on, faster than a load of 1 kohm takes up. */
enum { FALL_X0 = OW_N_COMMON };

/* clang-format off */
static const struct ow_param fall_param[] = {
    OW_COMMON_PARAMS,
    {"x0", "1", 1.0, 0.0, 1.0, NULL, "initial state"},
};
/* clang-format on */
static const struct ow_state fall_state[] = {{"x", 0.0, 1.0, FALL_X0, false, "on"}};

static void fall_eval(const struct ow_cells *c, struct ow_response *out)
{
    const double tau = 0.3e-9;
    for (size_t j = 0; j < c->n; j++) {
        const double v = c->v[j], x = c->x[0][j], u = v / 0.3,
                     rest = 1.0 / (1.0 + u * u * u * u);
        out->i[j] = (1e-6 + 9e-4 * x) * v;
        out->f[0][j] = (rest - x) / tau;
        if (!out->di_dv)
            continue;
        out->di_dv[j] = 1e-6 + 9e-4 * x;
        out->di_dx[0][j] = 9e-4 * v;
        out->df_dv[0][j] = -4.0 * u * u * u / 0.3 * rest * rest / tau;
        out->df_dx[0][0][j] = -1.0 / tau;
    }
}

static const struct ow_model falling = {.name = "falling",
                                        .param = fall_param,
                                        .n_param = FALL_X0 + 1,
                                        .state = fall_state,
                                        .n_state = 1,
                                        .program = FALL_X0,
                                        .eval = fall_eval};

/* ---- the circuit, written down from ow_crossbar.h alone
 * --------------------------------------
 */

enum { ROWS = 2, COLS = 3, CELLS = ROWS * COLS, MOST = 2 * CELLS + 3 * COLS + 4 * CELLS };

/* y: word-line nodes, bit-line nodes, sense inputs, then outputs and gain nodes with
 * amplifiers, then the states, one after the other. */
struct reference {
    const struct ow_crossbar *xb;
    double v_row[ROWS]; /* V, at the plateau */
    struct ow_pulse pulse;
    size_t n_node, n;
    double y[MOST];
    size_t n_state;               /* continuous ones, which come first */
    double x_most[OW_MAX_STATES]; /* how far each of them has gone in any cell */
    double g_least; /* S, of falling cells: least di/dv so far with the state at rest */
};

static const double *in_of(const double y[])
{
    return y + 2 * CELLS;
}

/* dy/dt.  A node's equation: C dV/dt = currents into it; a cell's capacitance joins its nodes,
 * and c_f an amplifier's input and output. */
static void slope(void *data, double t, const double y[], double dy[])
{
    struct reference *ref = data;
    const struct ow_crossbar *xb = ref->xb;
    const struct ow_sense *s = &xb->sense;
    const double *w = y, *b = y + CELLS, *in = in_of(y);
    const double *out = in + COLS, *inner = out + COLS, *x = y + ref->n_node;
    const double height = ow_pulse_at(&ref->pulse, t);
    const double g_w = 1.0 / xb->r_wordline, g_b = 1.0 / xb->r_bitline;
    const double c = xb->c_cell, c_w = xb->c_wordline, c_b = xb->c_bitline;
    for (size_t k = 0; k < CELLS; k++) {
        const size_t i = k / COLS, j = k % COLS;
        double param[OW_MAX_PARAMS], state[OW_MAX_STATES];
        struct ow_point at;
        ow_crossbar_cell(xb, k, param, state);
        for (size_t m = 0; m < ref->n_state; m++)
            state[m] = x[m * CELLS + k];
        ow_eval_one(xb->model, param, w[k] - b[k], state, &at);
        if (xb->model == &falling)
            ref->g_least =
                fmin(ref->g_least, at.di_dv - at.di_dx[0] * at.df_dv[0] / at.df_dx[0][0]);
        const double from_left =
            j == 0 ? (height * ref->v_row[i] - w[k]) / (xb->r_driver + xb->r_wordline)
                   : (w[k - 1] - w[k]) * g_w;
        const double to_right = j + 1 < COLS ? (w[k] - w[k + 1]) * g_w : 0.0;
        const double from_above = i == 0 ? 0.0 : (b[k - COLS] - b[k]) * g_b;
        const double to_below = (b[k] - (i + 1 < ROWS ? b[k + COLS] : in[j])) * g_b;
        const double i_w = from_left - to_right - at.i, i_b = from_above - to_below + at.i;
        const double det = c_w * c_b + c * (c_w + c_b);
        dy[k] = (i_w * (c_b + c) + i_b * c) / det;
        dy[CELLS + k] = (i_b * (c_w + c) + i_w * c) / det;
        for (size_t m = 0; m < ref->n_state; m++)
            dy[ref->n_node + m * CELLS + k] = at.f[m];
    }
    double *din = dy + 2 * CELLS, *dout = din + COLS, *da = dout + COLS;
    for (size_t j = 0; j < COLS; j++) {
        const double i_line = (b[CELLS - COLS + j] - in[j]) * g_b;
        if (s->kind == OW_SENSE_RESISTOR) {
            din[j] = (i_line - in[j] / s->r_f) / (s->c_in + s->c_load);
            continue;
        }
        const double i_f = (in[j] - out[j]) / s->r_f, tau = s->gain / (2.0 * M_PI * s->gbw);
        const double i_in = i_line - i_f, i_out = i_f + (inner[j] - out[j]) / s->r_out;
        const double det = s->c_in * s->c_load + s->c_f * (s->c_in + s->c_load);
        din[j] = (i_in * (s->c_load + s->c_f) + i_out * s->c_f) / det;
        dout[j] = (i_out * (s->c_in + s->c_f) + i_in * s->c_f) / det;
        da[j] = (-s->gain * in[j] - inner[j]) / tau; /* the rails are far */
    }
}

/* From t0 to t1 in steps of at most 1 ps: the fastest time
 * constant is 20 ps, so that what it leaves is of the order of (1/20)^4/120 of what is fast,
 * which is next to nothing of the answer. */
static void march(struct reference *ref, double t0, double t1)
{
    rk4_march(slope, ref, ref->n, t0, t1, 1e-12, ref->y);
}

/* ---- the engine's way -----------------------------------------------------------------------
 */

static void drive(void *data, double t, double v_row[])
{
    const struct reference *ref = data;
    for (size_t i = 0; i < ROWS; i++)
        v_row[i] = ow_pulse_at(&ref->pulse, t) * ref->v_row[i];
}

/* Where the engine keeps the reference's unknown k. */
static size_t place_of(const struct ow_system *sys, const struct reference *ref, size_t k)
{
    const struct ow_circuit *ckt = sys->circuit;
    if (k >= ref->n_node)
        return sys->n_free + (k - ref->n_node);
    const size_t j = k < 2 * CELLS ? 0 : (k - 2 * CELLS) % COLS;
    const size_t node = k < CELLS                  ? ckt->wline + k
                        : k < 2 * CELLS            ? ckt->bline + k - CELLS
                        : k < 2 * CELLS + COLS     ? ckt->sense_in[j]
                        : k < 2 * CELLS + 2 * COLS ? ckt->amp[j].out
                                                   : ckt->amp[j].inner;
    return node - ckt->first_free;
}

/* The largest error over all nodes (of v_scale) and states, at all steps of a pulse. */
static double largest_error(struct reference *ref, double v_scale, double rtol, size_t *n_step)
{
    struct ow_error err = {0};
    struct ow_circuit *circuit;
    struct ow_system sys;
    struct ow_mass *mass;
    struct ow_newton *newton;
    struct ow_stepper *stepper;
    const struct ow_pulse *pulse = &ref->pulse;
    const double corner[] = {0.0, pulse->t_rise, ow_pulse_sample(pulse),
                             ow_pulse_sample(pulse) + pulse->t_rise, ow_pulse_end(pulse)};
    double largest = 0.0;
    ck_assert_ok(ow_circuit_create(ref->xb, &circuit, &err), err);
    ck_assert_int_eq(ow_system_create(circuit, 1, &sys), OW_OK);
    ck_assert_int_eq(ow_mass_create(&sys, &mass), OW_OK);
    ck_assert_int_eq(ow_newton_create(&sys, mass, &newton), OW_OK);
    ck_assert_int_eq(ow_stepper_create(&sys, mass, newton, rtol, 1e-2 * rtol * v_scale,
                                       1e-3 * rtol, drive, ref, &stepper),
                     OW_OK);
    ck_assert_uint_eq(sys.n_y, ref->n);
    ck_assert_uint_eq(sys.n_continuous, ref->n_state);
    double *y = ow_stepper_y(stepper), begin[4 * CELLS];
    memset(ref->y, 0, sizeof ref->y);
    memset(y, 0, sys.n_y * sizeof *y);
    ow_system_initial_states(&sys, begin);
    memcpy(ref->y + ref->n_node, begin, ref->n_state * CELLS * sizeof *begin);
    ow_system_put_states(&sys, begin, y);
    *n_step = 0;
    for (int piece = 0; piece < 4; piece++) {
        enum ow_step_result result;
        double t = corner[piece];
        ck_assert_int_eq(ow_stepper_restart(stepper, t), OW_OK);
        do {
            const double before = t;
            result = ow_stepper_step(stepper, corner[piece + 1], &t);
            ck_assert(result == OW_STEP_ON || result == OW_STEP_STOP);
            y = ow_stepper_y(stepper);
            march(ref, before, t);
            for (size_t k = 0; k < ref->n; k++) {
                const double error = fabs(y[place_of(&sys, ref, k)] - ref->y[k]);
                largest = fmax(largest, error / (k < ref->n_node ? v_scale : 1.0));
                if (k < ref->n_node)
                    continue;
                double *most = &ref->x_most[(k - ref->n_node) / CELLS];
                *most = fmax(*most, fabs(ref->y[k] - begin[k - ref->n_node]));
            }
            ++*n_step;
        } while (result == OW_STEP_ON);
    }
    ow_stepper_destroy(stepper);
    ow_newton_destroy(newton);
    ow_mass_destroy(mass);
    ow_system_finish(&sys);
    ow_circuit_destroy(circuit);
    return largest;
}

/* Slow enough for the reference: 90 ps a segment. */
static void describe(struct ow_crossbar *xb, const struct ow_model *m, const double param[],
                     enum ow_sense_kind kind)
{
    struct ow_error err = {0};
    ck_assert_ok(ow_crossbar_init(xb, ROWS, COLS, m, &err), err);
    if (param)
        memcpy(xb->param, param, m->n_param * sizeof *param);
    xb->r_wordline = 310.0;
    xb->r_bitline = 270.0;
    xb->c_wordline = 290e-15;
    xb->c_bitline = 330e-15;
    xb->c_cell = 37e-15;
    xb->r_driver = 170.0;
    xb->sense = (struct ow_sense){.kind = kind,
                                  .r_f = kind == OW_SENSE_TIA ? 1.3e3 : 410.0,
                                  .c_f = 70e-15,
                                  .gain = 130.0,
                                  .gbw = 1.1e9,
                                  .r_out = 190.0,
                                  .c_in = 110e-15,
                                  .c_load = 900e-15,
                                  .vdd = 9.0};
}

/* One to four continuous states from the registry, and one falling device. */
static const struct {
    const char *set;
    enum ow_sense_kind kind;
    struct {
        const char *name; /* of a parameter ... */
        double value;     /* ... that is not the set's */
    } change[7];
    double v;       /* V */
    double x_least; /* how far some state goes at least ... */
    size_t n_moved; /* ... and how many by 1e-3 */
    double most;    /* error over rtol at most: two or three times what is found */
} device[] = {
    {"team_write", OW_SENSE_RESISTOR, {{"rate", 2.0}}, 1.3, 0.2, 1, 10.0},
    {"team_write", OW_SENSE_TIA, {{"rate", 2.0}}, 1.3, 0.2, 1, 10.0},
    {"driftdiff_write", OW_SENSE_TIA, {{"rate", 60.0}}, 1.1, 0.2, 2, 10.0},
    {"jart_v1b", OW_SENSE_RESISTOR, {{"x0", 0.4}}, -1.0, 0.05, 1, 10.0},
    {"jart_var_v1b",
     OW_SENSE_TIA,
     {{"x0", 0.6}, {"h0", 1.0}, {"dw_a", 0.7}},
     -1.1,
     0.05,
     3,
     10.0},
    {"driftdiff_write",
     OW_SENSE_RESISTOR,
     {{"rate", 60.0},
      {"f0", 0.97},
      {"theta", 1e6},
      {"gamma3", 2e5},
      {"thermal", 1.0},
      {"c_th", 4e-14},
      {"tau_th", 30e-9}},
     1.2,
     0.05,
     4,
     300.0}, /* the bridge grows where there is one, from one instant to the next: when, is
                loose */
    {NULL, OW_SENSE_RESISTOR, {{NULL, 0.0}}, 2.9, 0.2, 1, 60.0},
    {NULL, OW_SENSE_TIA, {{NULL, 0.0}}, 2.9, 0.2, 1, 60.0},
};
enum { N_DEVICE = sizeof device / sizeof device[0] };

START_TEST(test_every_node_at_every_time)
{
    struct ow_crossbar xb;
    double param[OW_MAX_PARAMS], x_most = 0.0;
    size_t n_moved = 0;
    const struct ow_model *m = &falling;
    if (device[_i].set)
        m = use_set(device[_i].set, param);
    for (size_t k = 0; k < 7 && device[_i].change[k].name; k++)
        put(m, param, device[_i].change[k].name, device[_i].change[k].value);
    const double v = device[_i].v;
    describe(&xb, m, device[_i].set ? param : NULL, device[_i].kind);
    for (size_t k = 0; k < CELLS; k++) /* uneven */
        xb.spread[m->program][k] = xb.param[m->program] * (1.0 - 0.07 * (double)k);
    struct reference ref = {.xb = &xb,
                            .v_row = {v, 0.61 * v},
                            .pulse = {.t_rise = 0.7e-9, .t_read = 7.1e-9},
                            .n_node =
                                2 * CELLS + (device[_i].kind == OW_SENSE_TIA ? 3 : 1) * COLS};
    if (m == &falling) /* too much for a stable divider: the cells run through their slope */
        xb.r_driver = 5e3;
    while (ref.n_state < m->n_state && !m->state[ref.n_state].is_discrete)
        ref.n_state++;
    ref.n = ref.n_node + ref.n_state * CELLS;
    for (double rtol = 1e-3; rtol > 1e-8; rtol *= 1e-2) {
        size_t n_step;
        const double e = largest_error(&ref, fabs(v), rtol, &n_step);
        ck_assert_double_lt(e, device[_i].most * rtol);
        ck_assert_uint_gt(n_step, 50);
    }
    for (size_t s = 0; s < ref.n_state; s++) {
        n_moved += ref.x_most[s] > 1e-3;
        x_most = fmax(x_most, ref.x_most[s]);
    }
    ck_assert_double_gt(x_most, device[_i].x_least);
    ck_assert_uint_ge(n_moved, device[_i].n_moved);
    if (m == &falling) /* steeper down than anything in parallel goes up */
        ck_assert_double_lt(ref.g_least, -3e-4);
    ow_crossbar_finish(&xb);
}
END_TEST

/* ---- a manufactured solution ---------------------------------------------------------------
 */

/* Every voltage and state is prescribed as a sine or so, and what the circuit's equations then
 * ask of sources and devices is given to it.  With phasors, v(t) = Re(V e^(i theta)):
 *   bit lines   sense inputs In and all nodes but the last of each line are chosen; the last
 * one and the currents of the cells, I, follow from Kirchhoff, from the input upwards; word
 * lines  the last node of each line is chosen; the others and the source follow. Each cell has
 * a clock theta and a state x, dtheta/dt = w,   dx/dt = phi'(theta) w - lambda (x - phi) +
 * kappa (v - v*), i = i* + (g0 + g1 x) v - (g0 + g1 phi) v*,   phi = 1/2 + 3/10 sin theta, with
 * v* = Re(V), i* = Re(I) at theta, so that x = phi and v = v* is a solution, of equations that
 * are nonlinear and, with lambda w^-1 = 5e4 and lines of 0.1 to 40 ps against a period of 5 ns,
 * stiff. */
enum { MADE_I_RE = OW_N_COMMON, MADE_I_IM, MADE_V_RE, MADE_V_IM, MADE_X0, MADE_N };
static const double made_w = 2.0 * M_PI / 5e-9, made_lambda = 6e13, made_kappa = 4e10,
                    made_g0 = 2e-4, made_g1 = 7e-4;

/* clang-format off */
static const struct ow_param made_param[] = {
    OW_COMMON_PARAMS,
    {"i_re", "A", 0.0, -1.0, 1.0, NULL, "current"}, {"i_im", "A", 0.0, -1.0, 1.0, NULL, "current"},
    {"v_re", "V", 0.0, -9.0, 9.0, NULL, "voltage"}, {"v_im", "V", 0.0, -9.0, 9.0, NULL, "voltage"},
    {"x0", "1", 0.5, 0.0, 1.0, NULL, "initial state"},
};
/* clang-format on */
static const struct ow_state made_state[] = {{"x", 0.0, 1.0, MADE_X0, false, "follows phi"},
                                             {"theta", 0.0, 1.0, OW_TOL, false, "clock"}};

static void made_init(const double param[], double x[])
{
    x[1] = 0.0;
}

static void made_eval(const struct ow_cells *c, struct ow_response *out)
{
    for (size_t j = 0; j < c->n; j++) {
        const double v = c->v[j], x = c->x[0][j], theta = c->x[1][j];
        const double co = cos(theta), si = sin(theta);
        const double i_re = ow_param_at(c, MADE_I_RE, j), i_im = ow_param_at(c, MADE_I_IM, j);
        const double v_re = ow_param_at(c, MADE_V_RE, j), v_im = ow_param_at(c, MADE_V_IM, j);
        const double i_at = i_re * co - i_im * si, di_at = -i_re * si - i_im * co;
        const double v_at = v_re * co - v_im * si, dv_at = -v_re * si - v_im * co;
        const double phi = 0.5 + 0.3 * si, dphi = 0.3 * co;
        const double g = made_g0 + made_g1 * x, g_at = made_g0 + made_g1 * phi;
        out->i[j] = i_at + g * v - g_at * v_at;
        out->f[0][j] = dphi * made_w - made_lambda * (x - phi) + made_kappa * (v - v_at);
        out->f[1][j] = made_w;
        if (!out->di_dv)
            continue;
        out->di_dv[j] = g;
        out->di_dx[0][j] = made_g1 * v;
        out->di_dx[1][j] = di_at - made_g1 * dphi * v_at - g_at * dv_at;
        out->df_dv[0][j] = made_kappa;
        out->df_dx[0][0][j] = -made_lambda;
        out->df_dx[0][1][j] = -0.3 * si * made_w + made_lambda * dphi - made_kappa * dv_at;
        out->df_dv[1][j] = out->df_dx[1][0][j] = out->df_dx[1][1][j] = 0.0;
    }
}

static const struct ow_model made = {.name = "made",
                                     .param = made_param,
                                     .n_param = MADE_N,
                                     .state = made_state,
                                     .n_state = 2,
                                     .program = MADE_X0,
                                     .init = made_init,
                                     .eval = made_eval};

struct made_solution {
    double complex w[CELLS], b[CELLS], in[COLS], source[ROWS];
};

static void made_drive(void *data, double t, double v_row[])
{
    const struct made_solution *m = data;
    for (size_t i = 0; i < ROWS; i++)
        v_row[i] = creal(m->source[i] * cexp(I * made_w * t));
}

/* Kirchhoff's laws at e^(i w t), as the header says; cells get their currents and voltages. */
static void made_solve(struct ow_crossbar *xb, struct made_solution *m)
{
    const double complex s = I * made_w;
    const double g_w = 1.0 / xb->r_wordline, g_b = 1.0 / xb->r_bitline;
    double *i_re = ow_crossbar_spread(xb, MADE_I_RE), *i_im = ow_crossbar_spread(xb, MADE_I_IM);
    double *v_re = ow_crossbar_spread(xb, MADE_V_RE), *v_im = ow_crossbar_spread(xb, MADE_V_IM);
    double complex i_all[CELLS]; /* of device and c_cell together */
    ck_assert(i_re && i_im && v_re && v_im);
    for (size_t j = 0; j < COLS; j++) {
        m->in[j] = (0.05 + 0.01 * (double)j) * cexp(0.7 * I * (double)j);
        for (size_t i = 0; i + 1 < ROWS; i++)
            m->b[i * COLS + j] = (0.08 + 0.03 * (double)i) * cexp(I * (0.4 + 0.3 * (double)j));
        m->b[CELLS - COLS + j] =
            m->in[j] +
            m->in[j] * (1.0 / xb->sense.r_f + s * (xb->sense.c_in + xb->sense.c_load)) / g_b;
        for (size_t i = 0; i < ROWS; i++) {
            const double complex *b = &m->b[i * COLS + j];
            const double complex after = i + 1 < ROWS ? b[COLS] : m->in[j];
            const double complex before = i > 0 ? b[-COLS] : *b;
            i_all[i * COLS + j] =
                s * xb->c_bitline * *b + g_b * (*b - after) + g_b * (*b - before);
        }
    }
    for (size_t i = 0; i < ROWS; i++) {
        double complex *w = m->w + i * COLS, flow = 0.0;
        w[COLS - 1] = (0.6 - 0.2 * (double)i) * cexp(-0.2 * I * (double)i);
        for (size_t j = COLS; j-- > 0;) {
            const size_t k = i * COLS + j;
            const double complex v = w[j] - m->b[k];
            const double complex own = i_all[k] - s * xb->c_cell * v;
            v_re[k] = creal(v), v_im[k] = cimag(v);
            i_re[k] = creal(own), i_im[k] = cimag(own);
            flow += s * xb->c_wordline * w[j] + i_all[k]; /* through the segment before it */
            if (j > 0)
                w[j - 1] = w[j] + flow / g_w;
            else
                m->source[i] = w[0] + flow * (xb->r_driver + xb->r_wordline);
        }
    }
}

/* The largest error of all voltages (V) and states over two periods. */
static double made_error(double rtol)
{
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *circuit;
    struct ow_system sys;
    struct ow_mass *mass;
    struct ow_newton *newton;
    struct ow_stepper *stepper;
    struct made_solution m;
    double largest = 0.0, t = 0.0;
    ck_assert_ok(ow_crossbar_init(&xb, ROWS, COLS, &made, &err), err);
    xb.r_wordline = 31.0;
    xb.r_bitline = 27.0;
    xb.c_wordline = 3e-15;
    xb.c_bitline = 4e-15;
    xb.c_cell = 7e-15;
    xb.r_driver = 170.0;
    xb.sense = (struct ow_sense){
        .kind = OW_SENSE_RESISTOR, .r_f = 410.0, .c_in = 11e-15, .c_load = 90e-15};
    made_solve(&xb, &m);
    ck_assert_ok(ow_circuit_create(&xb, &circuit, &err), err);
    ck_assert_int_eq(ow_system_create(circuit, 1, &sys), OW_OK);
    ck_assert_int_eq(ow_mass_create(&sys, &mass), OW_OK);
    ck_assert_int_eq(ow_newton_create(&sys, mass, &newton), OW_OK);
    ck_assert_int_eq(ow_stepper_create(&sys, mass, newton, rtol, 1e-2 * rtol, 1e-3 * rtol,
                                       made_drive, &m, &stepper),
                     OW_OK);
    double *y = ow_stepper_y(stepper);
    const size_t w = circuit->wline - circuit->first_free,
                 b = circuit->bline - circuit->first_free,
                 in = circuit->sense_in[0] - circuit->first_free;
    for (int n_step = 0;; n_step++) {
        const double complex turn = cexp(I * made_w * t);
        const double theta = made_w * t;
        for (size_t k = 0; k < CELLS; k++) {
            double *const at[] = {&y[w + k], &y[b + k], &y[sys.n_free + k],
                                  &y[sys.n_free + CELLS + k]};
            const double exact[] = {creal(m.w[k] * turn), creal(m.b[k] * turn),
                                    0.5 + 0.3 * sin(theta), theta};
            for (size_t q = 0; q < 4; q++) {
                if (n_step == 0)
                    *at[q] = exact[q];
                largest = fmax(largest, fabs(*at[q] - exact[q]));
            }
        }
        for (size_t j = 0; j < COLS; j++) {
            const double exact = creal(m.in[j] * turn);
            if (n_step == 0)
                y[in + j] = exact;
            largest = fmax(largest, fabs(y[in + j] - exact));
        }
        if (n_step == 0)
            ck_assert_int_eq(ow_stepper_restart(stepper, 0.0), OW_OK);
        else if (t == 10e-9)
            break;
        const enum ow_step_result result = ow_stepper_step(stepper, 10e-9, &t);
        ck_assert(result == OW_STEP_ON || result == OW_STEP_STOP);
        y = ow_stepper_y(stepper);
    }
    ow_stepper_destroy(stepper);
    ow_newton_destroy(newton);
    ow_mass_destroy(mass);
    ow_system_finish(&sys);
    ow_circuit_destroy(circuit);
    ow_crossbar_finish(&xb);
    return largest;
}

/* The error is known, at every node, and falls with the tolerance: at order one, but for the
 * room that choosing steps leaves. */
START_TEST(test_a_manufactured_solution)
{
    double error[6], rtol = 1e-3;
    for (size_t n = 0; n < 6; n++, rtol *= 0.1) {
        error[n] = made_error(rtol);
        ck_assert_double_lt(error[n], rtol);
    }
    /* the exponent of error ~ rtol^p over five decades */
    const double order = log10(error[0] / error[5]) / 5.0;
    ck_assert_double_gt(order, 0.7);
    ck_assert_double_lt(order, 1.2);
}
END_TEST

/* ---- whole reads ----------------------------------------------------------------------------
 */

/* One word line among many is driven: all the others have their share in the mean over which
 * CVODE holds its error, and none in the error. */
static const struct {
    const char *set;
    const char *name; /* of a parameter ... */
    double value;     /* ... that is not the set's */
    double v, r_f;    /* V, ohm of an amplifier; resistors are an eighth of it */
} lone[] = {
    {"ow_benign", "rate", 1.0, 0.2, 2e3},         {"team_write", "rate", 1.0, 1.2, 400.0},
    {"driftdiff_write", "rate", 40.0, 1.0, 10e3}, {"stanford_v1", "x0", 0.6, 1.2, 150.0},
    {"jart_v1b", "x0", 0.4, -1.0, 200.0},
};
enum { N_LONE = sizeof lone / sizeof lone[0], MANY_ROWS = 400, FEW_COLS = 5 };

/* *full_scale: V, the largest output with all word lines driven. */
static void lone_read(int k, size_t rows, enum ow_sense_kind kind, double rtol,
                      struct ow_reading *out, double *full_scale)
{
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *circuit;
    struct ow_engine *engine;
    double param[OW_MAX_PARAMS], v_row[MANY_ROWS], v_sense[FEW_COLS];
    const struct ow_model *m = use_set(lone[k].set, param);
    const struct ow_pulse pulse = {.t_rise = 0.5e-9, .t_read = 9.5e-9};
    const struct ow_engine_options options = {.rtol = rtol, .v_scale = fabs(lone[k].v)};
    put(m, param, lone[k].name, lone[k].value);
    ck_assert_ok(ow_crossbar_init(&xb, rows, FEW_COLS, m, &err), err);
    memcpy(xb.param, param, m->n_param * sizeof *param);
    for (size_t c = 0; c < rows * FEW_COLS; c++) /* uneven */
        xb.spread[m->program][c] = 0.05 + 0.9 * param[m->program] + 0.04 * sin((double)c);
    xb.r_wordline = xb.r_bitline = 2.5;
    xb.c_wordline = xb.c_bitline = 0.1e-15;
    xb.r_driver = 50.0;
    xb.sense = (struct ow_sense){.kind = kind,
                                 .r_f = kind == OW_SENSE_TIA ? lone[k].r_f : lone[k].r_f / 8.0,
                                 .c_f = 10e-15,
                                 .gain = 1e4,
                                 .gbw = 1e9,
                                 .r_out = 100.0,
                                 .c_in = 5e-15,
                                 .c_load = 10e-15,
                                 .vdd = 9.0,
                                 .i_q = 20e-6};
    ck_assert_ok(ow_circuit_create(&xb, &circuit, &err), err);
    ck_assert_ok(ow_engine_create(circuit, &options, false, &engine, &err), err);
    ck_assert_int_eq(ow_reading_init(out, FEW_COLS, rows * FEW_COLS, m->n_state), OW_OK);
    for (size_t i = 0; i < rows; i++)
        v_row[i] = lone[k].v;
    ck_assert_ok(ow_engine_dc(engine, v_row, NULL, v_sense, NULL, &err), err);
    *full_scale = 0.0;
    for (size_t j = 0; j < FEW_COLS; j++)
        *full_scale = fmax(*full_scale, fabs(v_sense[j]));
    for (size_t i = 0; i < rows; i++)
        v_row[i] = i == rows / 3 ? lone[k].v : 0.0;
    ck_assert_ok(ow_engine_read(engine, v_row, &pulse, NULL, out, &err), err);
    ow_engine_destroy(engine);
    ow_circuit_destroy(circuit);
    ow_crossbar_finish(&xb);
}

/* Output j of a waveform at time t by Lagrange's polynomial through up to six of its points
 * around t, none of them beyond the corners of the pulse at `from` and `to`. */
static double wave_at(const struct ow_waveform *w, size_t j, double t, double from, double to)
{
    enum { POINTS = 6 };
    size_t next = 0, first = 0, last = w->n - 1;
    while (next + 1 < w->n && w->t[next] < t)
        next++;
    while (w->t[first] < from)
        first++;
    while (w->t[last] > to)
        last--;
    first = next > first + POINTS / 2 ? next - POINTS / 2 : first;
    last = first + POINTS - 1 < last ? first + POINTS - 1 : last;
    double sum = 0.0;
    for (size_t k = first; k <= last; k++) {
        double term = w->v[k * FEW_COLS + j];
        for (size_t m = first; m <= last; m++)
            if (m != k)
                term *= (t - w->t[m]) / (w->t[k] - w->t[m]);
        sum += term;
    }
    return sum;
}

START_TEST(test_a_lone_row_is_watched)
{
    const enum ow_sense_kind kind = _i % 2 ? OW_SENSE_TIA : OW_SENSE_RESISTOR;
    static const double corner[] = {0.0, 0.5e-9, 10e-9, 10.5e-9, 20e-9};
    struct ow_reading at, fine;
    double full_scale, largest = 0.0, most = 0.0, x = 0.0;
    lone_read(_i / 2, 40, kind, 1e-5, &at, &full_scale);
    lone_read(_i / 2, 40, kind, 1e-8, &fine, &full_scale);
    for (size_t k = 0; k < fine.wave.n * FEW_COLS; k++)
        largest = fmax(largest, fabs(fine.wave.v[k]));
    for (size_t k = 0; k < at.wave.n; k++) {
        const double t = at.wave.t[k];
        int piece = 0;
        while (piece < 3 && t > corner[piece + 1] * (1.0 + 1e-12))
            piece++;
        for (size_t j = 0; j < FEW_COLS; j++)
            most = fmax(most, fabs(at.wave.v[k * FEW_COLS + j] -
                                   wave_at(&fine.wave, j, t, corner[piece] * (1.0 - 1e-12),
                                           corner[piece + 1] * (1.0 + 1e-12))));
    }
    for (size_t k = 0; k < at.n_cell * at.n_state; k++)
        x = fmax(x, fabs(at.x_end[k] - fine.x_end[k]));
    ck_assert_double_gt(largest, 0.005 * full_scale); /* it is read */
    ck_assert_double_lt(largest, full_scale);         /* and no amplifier clips */
    ck_assert_double_lt(most, 1e-4 * full_scale);
    ck_assert_double_lt(x, 3e-5); /* five of 605 unknowns move */
    ck_assert_int_gt(at.steps, 50);
    ow_reading_finish(&at);
    ow_reading_finish(&fine);
}
END_TEST

/* States that move are held to the tolerance, however many do not. */
START_TEST(test_few_states_are_watched)
{
    static const size_t rows[] = {3, 40, 400};
    double error[3], full_scale, moved = 0.0;
    for (size_t n = 0; n < 3; n++) {
        struct ow_reading at, fine;
        lone_read(1, rows[n], OW_SENSE_RESISTOR, 1e-5, &at, &full_scale);
        lone_read(1, rows[n], OW_SENSE_RESISTOR, 1e-8, &fine, &full_scale);
        error[n] = 0.0;
        for (size_t k = 0; k < at.n_cell; k++) {
            error[n] = fmax(error[n], fabs(at.x_end[k] - fine.x_end[k]));
            moved = fmax(moved, fabs(fine.x_end[k] - fine.x_end[0]));
        }
        ck_assert_double_lt(error[n], 2e-5);
        ow_reading_finish(&at);
        ow_reading_finish(&fine);
    }
    ck_assert_double_gt(moved, 0.1);
    ck_assert_double_lt(error[2], 10.0 * error[0]);
}
END_TEST

/* ---- writes ------------------------------------------------------------------------------
 */

enum { WRITE_ROWS = 9, WRITE_COLS = 7, WRITE_CELLS = WRITE_ROWS * WRITE_COLS };

/* A pulse in the V/2 scheme on word line 3 for every other bit line, uneven states and wires
 * that take some of it; c: F a segment. */
static void write_pulse(const struct ow_model *m, const double param[], double v, double c,
                        const struct ow_pulse *pulse, double rtol, struct ow_reading *out)
{
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *circuit;
    struct ow_engine *engine;
    double amplitude[WRITE_ROWS + WRITE_COLS];
    const struct ow_engine_options options = {.rtol = rtol, .v_scale = fabs(v)};
    ck_assert_ok(ow_crossbar_init(&xb, WRITE_ROWS, WRITE_COLS, m, &err), err);
    memcpy(xb.param, param, m->n_param * sizeof *param);
    double *id = ow_crossbar_spread(&xb, OW_ID);
    for (size_t k = 0; k < WRITE_CELLS; k++) {
        id[k] = (double)k;
        xb.spread[m->program][k] = m->is_binary ? 0.0 : 0.5 + 0.4 * sin((double)k);
    }
    xb.r_wordline = c > 0.0 ? 21.0 : 0.0;
    xb.r_bitline = c > 0.0 ? 17.0 : 0.0;
    xb.c_wordline = xb.c_bitline = c;
    xb.r_driver = c > 0.0 ? 50.0 : 0.0;
    xb.sense = (struct ow_sense){.kind = OW_SENSE_DRIVER, .r_f = xb.r_driver, .c_in = c};
    for (size_t i = 0; i < WRITE_ROWS; i++)
        amplitude[i] = i == 3 ? v : 0.5 * v;
    for (size_t j = 0; j < WRITE_COLS; j++)
        amplitude[WRITE_ROWS + j] = j % 2 ? 0.0 : 0.5 * v;
    ck_assert_ok(ow_circuit_create(&xb, &circuit, &err), err);
    ck_assert_ok(ow_engine_create(circuit, &options, false, &engine, &err), err);
    ck_assert_int_eq(ow_reading_init(out, WRITE_COLS, WRITE_CELLS, m->n_state), OW_OK);
    ck_assert_ok(ow_engine_read(engine, amplitude, pulse, NULL, out, &err), err);
    ow_engine_destroy(engine);
    ow_circuit_destroy(circuit);
    ow_crossbar_finish(&xb);
}

static void check_energies(const struct ow_energy *a, const struct ow_energy *b, double rtol)
{
    ck_assert_close(a->source, b->source, rtol, 0.0);
    ck_assert_close(a->devices, b->devices, rtol, rtol * b->source);
    ck_assert_close(a->wires, b->wires, rtol, rtol * b->source);
    ck_assert_close(a->drivers, b->drivers, rtol, rtol * b->source);
    /* sums of magnitudes, whose signs may change while lines settle */
    ck_assert_close(a->throughput, b->throughput, 0.1, 0.0);
    ck_assert_close(a->charge, b->charge, 0.05, 0.0);
}

/* Lines of a write that settle within picoseconds are not followed there: a few dozen steps
 * instead of hundreds, states and energies within the tolerance, and a balance that what is
 * left out does not touch.  Lines that are as slow as the devices are followed. */
START_TEST(test_writes_settle_at_corners)
{
    const double c = _i ? 100e-15 : 0.1e-15;
    const struct ow_pulse pulse = {.t_rise = 0.2e-9, .t_read = 1e-9};
    double param[OW_MAX_PARAMS], x = 0.0, moved = 0.0;
    const struct ow_model *m = use_set("team_write", param);
    struct ow_reading at, fine;
    write_pulse(m, param, 1.1, c, &pulse, 1e-5, &at);
    write_pulse(m, param, 1.1, c, &pulse, 1e-10, &fine);
    for (size_t k = 0; k < WRITE_CELLS; k++) {
        x = fmax(x, fabs(at.x_end[k] - fine.x_end[k]));
        moved = fmax(moved, fabs(fine.x_end[k] - (0.5 + 0.4 * sin((double)k))));
    }
    ck_assert_double_gt(moved, 0.02);
    ck_assert_double_lt(x, 5e-5);
    check_energies(&at.energy, &fine.energy, _i ? 1e-4 : 3e-5);
    ck_assert_double_lt(ow_energy_residual(&at.energy), _i ? 1e-4 : 1e-6);
    ck_assert_int_gt(fine.steps, 200);
    if (_i)
        ck_assert_int_gt(at.steps, 100);
    else
        ck_assert_int_lt(at.steps, 60);
    ow_reading_finish(&at);
    ow_reading_finish(&fine);
}
END_TEST

/* One cell at a constant rate, others of its word line at rest beneath their threshold: E is
 * the integral of v^2/R(x(t)), known in closed form but for a sum.  What the lines' resistance
 * takes is nothing beside the cells'. */
static const struct {
    double iv;     /* linear or exponential in x  */
    double ratio;  /* r_off over r_on             */
    double v;      /* V, towards off or on        */
    double r, c;   /* ohm, F a segment            */
    double t_rise; /* s, the plateau takes 10 ns  */
    size_t cols;
} steady[] = {
    {0.0, 10.0, 1.1, 0.0, 0.0, 0.2e-9, 1},      {0.0, 10.0, -1.1, 1e-3, 0.1e-15, 0.2e-9, 1},
    {0.0, 100.0, 1.1, 0.0, 0.0, 0.2e-9, 1},     {0.0, 100.0, -1.1, 0.0, 0.0, 0.2e-9, 1},
    {0.0, 100.0, 1.1, 1e-3, 1e-18, 0.2e-9, 1},  {0.0, 100.0, -1.1, 1e-3, 0.1e-15, 0.2e-9, 1},
    {0.0, 100.0, 1.1, 0.1, 0.1e-15, 0.2e-9, 1}, {0.0, 100.0, -1.1, 0.1, 0.1e-15, 0.2e-9, 1},
    {1.0, 100.0, 1.1, 0.0, 0.0, 0.2e-9, 1},     {1.0, 100.0, -1.1, 0.0, 0.0, 0.2e-9, 1},
    {1.0, 100.0, 1.1, 1e-3, 1e-18, 0.2e-9, 1},  {1.0, 100.0, -1.1, 1e-3, 0.1e-15, 0.2e-9, 1},
    {0.0, 100.0, -1.1, 0.0, 0.0, 8e-9, 1},      {1.0, 100.0, 1.1, 1e-3, 0.1e-15, 8e-9, 1},
    {0.0, 100.0, -1.1, 0.0, 0.0, 0.2e-9, 60},   {0.0, 100.0, -1.1, 1e-3, 0.1e-15, 0.2e-9, 60},
    {1.0, 100.0, 1.1, 0.0, 0.0, 0.2e-9, 60},
};
enum { N_STEADY = sizeof steady / sizeof steady[0], STEADY_COLS = 60 };
static const double steady_th = 0.6; /* V */

/* Integral of (|v|/0.6 V - 1)^2 from 0 to t, where it is not negative [s]: u^3/3 on an edge, in
 * units of the time over which it grows by 1. */
static double steady_area(double v, const struct ow_pulse *p, double t)
{
    const double top = v / steady_th - 1.0, unit = p->t_rise * steady_th / v;
    const double end = p->t_rise + p->t_read;
    const double up = (fmin(t, p->t_rise) * v / p->t_rise) / steady_th - 1.0;
    double area = unit * pow(fmax(up, 0.0), 3.0) / 3.0;
    area += top * top * (fmin(fmax(t, p->t_rise), end) - p->t_rise);
    const double left = fmax(top - fmax(t - end, 0.0) / unit, 0.0);
    return area + unit * (pow(top, 3.0) - pow(left, 3.0)) / 3.0;
}

static double steady_r(int k, double r_on, double x)
{
    const double ratio = steady[k].ratio;
    return r_on * (steady[k].iv != 0.0 ? pow(ratio, x) : 1.0 + (ratio - 1.0) * x);
}

/* J, by midpoints; and of a single cell the integral of i^2 [A^2 s] */
static double steady_energy(int k, double x0, double x1, const struct ow_pulse *p, double r_on,
                            double *squares)
{
    enum { N = 100000 };
    const double v = fabs(steady[k].v), end = 2.0 * p->t_rise + p->t_read;
    const double whole = steady_area(v, p, end);
    const double g_rest = 0.25 * ((double)steady[k].cols - 1.0) / steady_r(k, r_on, x0);
    double sum = 0.0;
    *squares = 0.0;
    for (int n = 0; n < N; n++) {
        const double t = (n + 0.5) * end / N, h = v * ow_pulse_at(p, t);
        const double x = x0 + (x1 - x0) * steady_area(v, p, t) / whole;
        const double i = h / steady_r(k, r_on, x);
        sum += h * i + h * h * g_rest;
        *squares += i * i * end / N;
    }
    return sum * end / N;
}

static void steady_write(int k, double x0, double k_rate, const struct ow_pulse *pulse,
                         double r_on, struct ow_reading *out)
{
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *circuit;
    struct ow_engine *engine;
    double param[OW_MAX_PARAMS], amplitude[1 + STEADY_COLS];
    const struct ow_engine_options options = {.rtol = 1e-5, .v_scale = fabs(steady[k].v)};
    const struct ow_model *m = use_set("team_write", param);
    put(m, param, "iv", steady[k].iv);
    put(m, param, "r_on", r_on);
    put(m, param, "r_off", r_on * steady[k].ratio);
    put(m, param, "k_on", -k_rate);
    put(m, param, "k_off", k_rate);
    put(m, param, "v_on", -steady_th);
    put(m, param, "v_off", steady_th);
    put(m, param, "x0", x0);
    ck_assert_ok(ow_crossbar_init(&xb, 1, steady[k].cols, m, &err), err);
    memcpy(xb.param, param, m->n_param * sizeof *param);
    for (size_t c = 0; c < steady[k].cols; c++)
        xb.spread[m->program][c] = x0;
    xb.r_wordline = xb.r_bitline = xb.r_driver = steady[k].r;
    xb.c_wordline = xb.c_bitline = steady[k].c;
    xb.sense =
        (struct ow_sense){.kind = OW_SENSE_DRIVER, .r_f = xb.r_driver, .c_in = xb.c_bitline};
    amplitude[0] = steady[k].v;
    for (size_t j = 0; j < steady[k].cols; j++)
        amplitude[1 + j] = j == 0 ? 0.0 : 0.5 * steady[k].v;
    ck_assert_ok(ow_circuit_create(&xb, &circuit, &err), err);
    ck_assert_ok(ow_engine_create(circuit, &options, false, &engine, &err), err);
    ck_assert_int_eq(ow_reading_init(out, steady[k].cols, steady[k].cols, m->n_state), OW_OK);
    ck_assert_ok(ow_engine_read(engine, amplitude, pulse, NULL, out, &err), err);
    ow_engine_destroy(engine);
    ow_circuit_destroy(circuit);
    ow_crossbar_finish(&xb);
}

START_TEST(test_energies_while_a_cell_moves)
{
    const struct ow_pulse pulse = {.t_rise = steady[_i].t_rise, .t_read = 10e-9};
    const double r_on = 10e3, length = 3e-9;
    const double x0 = steady[_i].v > 0.0 ? 0.02 : 0.98, x1 = steady[_i].v > 0.0 ? 0.97 : 0.03;
    const double area = steady_area(fabs(steady[_i].v), &pulse, 2.0 * pulse.t_rise + 10e-9);
    struct ow_reading at;
    double squares;
    steady_write(_i, x0, fabs(x1 - x0) * length / area, &pulse, r_on, &at);
    const double energy = steady_energy(_i, x0, x1, &pulse, r_on, &squares);
    ck_assert_close(at.x_end[0], x1, 0.0, 2e-4);
    ck_assert_close(at.energy.devices, energy, 1e-3, 0.0);
    ck_assert_close(at.energy.source, energy, 1e-3, 0.0);
    ck_assert_double_lt(ow_energy_residual(&at.energy), 1e-5);
    if (steady[_i].cols == 1) { /* segment and driver at either end; i^2 is twice as steep */
        ck_assert_close(at.energy.wires, 2.0 * steady[_i].r * squares, 1e-2, 0.0);
        ck_assert_close(at.energy.drivers, 2.0 * steady[_i].r * squares, 1e-2, 0.0);
    }
    ck_assert_int_lt(at.steps, 120);
    ow_reading_finish(&at);
}
END_TEST

/* A cell that rests at R, between one segment and r_f behind another: i = v/(R + 2 r + r_f), of
 * whose square edges count by a third; charges come back.  Drops along segments are down to
 * some 1e-11 of the voltages. */
static const double short_r[] = {1.0, 1e-3, 1e-5, 1e-6};
static const struct {
    enum ow_sense_kind kind;
    double r_f;
} short_end[] = {
    {OW_SENSE_RESISTOR, 50.0}, {OW_SENSE_INTEGRATOR, 50.0}, {OW_SENSE_DRIVER, 0.0}};
enum { N_SHORT_R = 4, N_SHORT = 3 * N_SHORT_R };

START_TEST(test_energies_along_short_lines)
{
    const double r = short_r[_i % N_SHORT_R], r_f = short_end[_i / N_SHORT_R].r_f, v = 0.53;
    const struct ow_pulse pulse = {.t_rise = 0.7e-9, .t_read = 9e-9};
    const struct ow_engine_options options = {.rtol = 1e-5, .v_scale = v};
    const double amplitude[] = {v, 0.0};
    double param[OW_MAX_PARAMS];
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *circuit;
    struct ow_engine *engine;
    struct ow_reading at;
    const struct ow_model *m = use_set("team_write", param);
    put(m, param, "r_on", 37e3);
    put(m, param, "v_off", steady_th);
    put(m, param, "x0", 0.0);
    ck_assert_ok(ow_crossbar_init(&xb, 1, 1, m, &err), err);
    memcpy(xb.param, param, m->n_param * sizeof *param);
    xb.spread[m->program][0] = 0.0;
    xb.r_wordline = xb.r_bitline = r;
    xb.c_wordline = xb.c_bitline = 0.1e-15;
    xb.sense = (struct ow_sense){.kind = short_end[_i / N_SHORT_R].kind,
                                 .r_f = r_f,
                                 .c_int = 1e-12,
                                 .c_in = 0.1e-15,
                                 .c_load = 0.1e-15,
                                 .vdd = 1.8};
    ck_assert_ok(ow_circuit_create(&xb, &circuit, &err), err);
    ck_assert_ok(ow_engine_create(circuit, &options, false, &engine, &err), err);
    ck_assert_int_eq(ow_reading_init(&at, 1, 1, m->n_state), OW_OK);
    ck_assert_ok(ow_engine_read(engine, amplitude, &pulse, NULL, &at, &err), err);
    const double i = v / (37e3 + 2.0 * r + r_f), t = 9e-9 + 2.0 / 3.0 * 0.7e-9;
    ck_assert_close(at.energy.source, v * i * t, 1e-4, 0.0);
    ck_assert_close(at.energy.devices, 37e3 * i * i * t, 1e-4, 0.0);
    ck_assert_close(at.energy.wires, 2.0 * r * i * i * t, 1e-3, 0.0);
    ck_assert_close(at.energy.sense, r_f * i * i * t, 1e-3, 0.0);
    ck_assert_close(at.energy.charge, i * (9e-9 + 0.7e-9), 1e-3, 0.0);
    ck_assert_double_lt(ow_energy_residual(&at.energy), 1e-5);
    ow_reading_finish(&at);
    ow_engine_destroy(engine);
    ow_circuit_destroy(circuit);
    ow_crossbar_finish(&xb);
}
END_TEST

/* Switches need no steps at all, on edges either.  Without the promise that they are
 * (is_switch) CVODE steps them; c = 0: no lines, and slow ones are followed to begin with. */
START_TEST(test_switches_jump_without_steps)
{
    static const double c[] = {0.1e-15, 0.0, 300e-15};
    const struct ow_pulse pulse = {.t_rise = 60e-9, .t_read = 60e-9};
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set("stochastic_write", param);
    struct ow_model stepped = *m;
    struct ow_reading at, fine;
    size_t n_edge = 0;
    stepped.is_switch = NULL;
    write_pulse(m, param, 1.8, c[_i], &pulse, 1e-5, &at);
    write_pulse(&stepped, param, 1.8, c[_i], &pulse, 1e-9, &fine);
    ck_assert_int_eq(at.events, fine.events);
    ck_assert_int_ge(at.events, 4);
    const double dt = _i < 2 ? 1e-13 : 2e-12;
    for (size_t k = 0; k < WRITE_CELLS; k++) {
        ck_assert_int_eq(isnan(at.t_event[k]), isnan(fine.t_event[k]));
        if (!isnan(at.t_event[k]))
            ck_assert_close(at.t_event[k], fine.t_event[k], 0.0, dt);
        n_edge += at.t_event[k] < 60e-9;
        for (size_t s = 0; s < m->n_state; s++)
            ck_assert_close(at.x_end[s * WRITE_CELLS + k], fine.x_end[s * WRITE_CELLS + k], 0.0,
                            2e-5);
    }
    ck_assert_uint_ge(n_edge, 1);
    check_energies(&at.energy, &fine.energy, 2e-5);
    /* lines settle by solutions of 5e-6 */
    ck_assert_double_lt(ow_energy_residual(&at.energy), _i < 2 ? 5e-6 : 1e-5);
    if (_i < 2)
        ck_assert_int_le(at.steps, at.events + 4);
    ow_reading_finish(&at);
    ow_reading_finish(&fine);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transient");
    TCase *node = tcase_create("nodes"), *read = tcase_create("reads"),
          *write = tcase_create("writes");
    tcase_add_loop_test(node, test_every_node_at_every_time, 0, N_DEVICE);
    tcase_add_test(node, test_a_manufactured_solution);
    tcase_set_timeout(node, 60);
    suite_add_tcase(suite, node);
    tcase_add_loop_test(read, test_a_lone_row_is_watched, 0, 2 * N_LONE);
    tcase_add_test(read, test_few_states_are_watched);
    tcase_set_timeout(read, 60);
    suite_add_tcase(suite, read);
    tcase_add_loop_test(write, test_writes_settle_at_corners, 0, 2);
    tcase_add_loop_test(write, test_energies_while_a_cell_moves, 0, N_STEADY);
    tcase_add_loop_test(write, test_energies_along_short_lines, 0, N_SHORT);
    tcase_add_loop_test(write, test_switches_jump_without_steps, 0, 3);
    suite_add_tcase(suite, write);
    return run_suite(suite);
}
