/* The CVODE engine: DC against published and independent solutions, the Newton matrix
 * against differences, transients against closed forms, energy, events, failures. */
#include "ow_check.h"
#include "ow_engine.h"
#include "ow_integral.h"
#include "ow_look.h"
#include "ow_newton.h"
#include "ow_power.h"
#include "ow_schur.h"
#include "ow_sparse.h"

#include <stdio.h>
#include <string.h>

/* ---- a device whose numbers can be checked by hand ---------------------------------- */

/* i = (G0 + G1 x) v,  dx/dt = K v (1 - x) - B x : smooth, one state. */
enum { G0 = OW_N_COMMON, G1, K, B, X0, N_PARAM };

/* clang-format off */
static const struct ow_param toy_param[] = {
    OW_COMMON_PARAMS,
    {"g0", "S",       1e-4, 0.0, 1e3,    NULL, "conductance at x = 0"},
    {"g1", "S",       4e-4, 0.0, 1e3,    NULL, "conductance gained up to x = 1"},
    {"k",  "1/(V s)", 0.0, -1e12, 1e12,  NULL, "growth"},
    {"b",  "1/s",     0.0, -1e12, 1e12,  NULL, "decay"},
    {"x0", "1",       0.3,  0.0, 1.0,    NULL, "initial state"},
};
/* clang-format on */
static const struct ow_state toy_state[] = {{"x", 0.0, 1.0, X0, false, "filament"}};

static void toy_eval(const struct ow_cells *c, struct ow_response *out)
{
    for (size_t j = 0; j < c->n; j++) {
        const double v = c->v[j], x = c->x[0][j];
        const double g0 = ow_param_at(c, G0, j), g1 = ow_param_at(c, G1, j);
        const double k = ow_param_at(c, K, j), b = ow_param_at(c, B, j);
        out->i[j] = (g0 + g1 * x) * v;
        out->f[0][j] = k * v * (1.0 - x) - b * x;
        if (!out->di_dv)
            continue;
        out->di_dv[j] = g0 + g1 * x;
        out->di_dx[0][j] = g1 * v;
        out->df_dv[0][j] = k * (1.0 - x);
        out->df_dx[0][0][j] = -k * v - b;
    }
}

static const struct ow_model toy = {.name = "toy",
                                    .param = toy_param,
                                    .n_param = N_PARAM,
                                    .state = toy_state,
                                    .n_state = 1,
                                    .program = X0,
                                    .eval = toy_eval};

/* Runs away in finite time: dx/dt = k x^2 from x0 reaches infinity at 1/(k x0). */
static void runaway_eval(const struct ow_cells *c, struct ow_response *out)
{
    toy_eval(c, out);
    for (size_t j = 0; j < c->n; j++) {
        const double x = c->x[0][j], k = ow_param_at(c, K, j);
        out->i[j] = 0.0;
        out->f[0][j] = k * x * x;
        if (!out->di_dv)
            continue;
        out->di_dv[j] = out->di_dx[0][j] = 0.0;
        out->df_dv[0][j] = 0.0;
        out->df_dx[0][0][j] = 2.0 * k * x;
    }
}

/* Moves between 20 and 180 mV only: dx/dt = k (v - 0.02) (0.18 - v). */
static void band_eval(const struct ow_cells *c, struct ow_response *out)
{
    toy_eval(c, out);
    for (size_t j = 0; j < c->n; j++) {
        const double v = c->v[j], k = ow_param_at(c, K, j);
        const bool is_in = v > 0.02 && v < 0.18;
        out->f[0][j] = is_in ? k * (v - 0.02) * (0.18 - v) : 0.0;
        if (!out->di_dv)
            continue;
        out->df_dv[0][j] = is_in ? k * (0.2 - 2.0 * v) : 0.0;
        out->df_dx[0][0][j] = 0.0;
    }
}

/* ---- fixtures ----------------------------------------------------------------------- */

struct bench {
    struct ow_crossbar xb;
    struct ow_circuit *circuit;
    struct ow_engine *engine;
    struct ow_reading reading;
    struct ow_error err;
};

static const struct ow_sense resistor_sense = {
    .kind = OW_SENSE_RESISTOR, .r_f = 130.0, .c_in = 2e-15, .c_load = 3e-15};
static const struct ow_sense tia_sense = {.kind = OW_SENSE_TIA,
                                          .r_f = 700.0,
                                          .c_f = 3e-15,
                                          .gain = 2000.0,
                                          .gbw = 3e9,
                                          .r_out = 60.0,
                                          .c_in = 4e-15,
                                          .c_load = 9e-15,
                                          .vdd = 1.8,
                                          .i_q = 20e-6};

/* No amplifier, hence no load. */
static const struct ow_sense driver_sense = {
    .kind = OW_SENSE_DRIVER, .r_f = 71.0, .c_in = 2e-15, .c_load = 3e-15};

static void bench_begin(struct bench *b, size_t rows, size_t cols, const struct ow_model *model,
                        const struct ow_sense *sense)
{
    memset(b, 0, sizeof *b);
    ck_assert_ok(ow_crossbar_init(&b->xb, rows, cols, model, &b->err), b->err);
    b->xb.r_wordline = 3.0;
    b->xb.r_bitline = 5.0;
    b->xb.c_wordline = 0.3e-15;
    b->xb.c_bitline = 0.2e-15;
    b->xb.r_driver = 47.0;
    b->xb.sense = *sense;
    for (size_t k = 0; k < rows * cols; k++)
        b->xb.spread[model->program][k] = fmod(0.37 + 0.61 * (double)k, 1.0);
}

static void bench_build(struct bench *b, double rtol, bool dc_only)
{
    const struct ow_engine_options options = {.rtol = rtol, .v_scale = 0.2};
    ck_assert_ok(ow_circuit_create(&b->xb, &b->circuit, &b->err), b->err);
    ck_assert_ok(ow_engine_create(b->circuit, &options, dc_only, &b->engine, &b->err), b->err);
    ck_assert_int_eq(
        ow_reading_init(&b->reading, b->xb.cols, b->xb.rows * b->xb.cols, b->xb.model->n_state),
        OW_OK);
}

static void bench_end(struct bench *b)
{
    ow_reading_finish(&b->reading);
    ow_engine_destroy(b->engine);
    ow_circuit_destroy(b->circuit);
    ow_crossbar_finish(&b->xb);
}

static const struct ow_pulse short_pulse = {.t_rise = 0.5e-9, .t_read = 10e-9};

/* ---- DC ----------------------------------------------------------------------------- */

/* Resistances 10 (4 i + j + 1) ohm, 5 x 4, drives 3 2 -1 2 3 V, wires 1 and 2 ohm: the
 * currents that badcrossbar (Joksas and Mehonic, SoftwareX 12, 2020) publishes for it. */
START_TEST(test_dc_matches_published_currents)
{
    static const double drive[5] = {3.0, 2.0, -1.0, 2.0, 3.0};
    static const double current[4] = {0.15274675287437675, 0.10872370543516569,
                                      0.08719952841122902, 0.07446608444256336};
    static const struct ow_sense grounded = {.kind = OW_SENSE_RESISTOR, .r_f = 0.0};
    struct bench b;
    double v_sense[4], v_node[64];
    bench_begin(&b, 5, 4, &toy, &grounded);
    double *scale = ow_crossbar_spread(&b.xb, OW_SCALE);
    b.xb.param[G0] = 1.0;
    b.xb.param[G1] = 0.0;
    b.xb.r_wordline = 1.0;
    b.xb.r_bitline = 2.0;
    b.xb.r_driver = 0.0;
    for (size_t k = 0; k < 20; k++)
        scale[k] = 1.0 / (10.0 * (double)(k + 1));
    bench_build(&b, 1e-5, true);
    ck_assert_uint_le(b.circuit->n_node, 64);
    ck_assert_ok(ow_engine_dc(b.engine, drive, NULL, v_sense, v_node, &b.err), b.err);
    for (size_t j = 0; j < 4; j++) {
        double i = 0.0;
        for (size_t k = j; k < 20; k += 4)
            i += scale[k] *
                 (v_node[ow_circuit_te(b.circuit, k)] - v_node[ow_circuit_be(b.circuit, k)]);
        ck_assert_close(i, current[j], 1e-13, 0.0);
    }
    bench_end(&b);
}
END_TEST

/* A 1 x 1 array is a voltage divider. */
START_TEST(test_dc_of_one_cell_is_a_divider)
{
    struct bench b;
    const double v = 0.173;
    double v_sense;
    bench_begin(&b, 1, 1, &toy, &resistor_sense);
    bench_build(&b, 1e-5, false);
    ck_assert_ok(ow_engine_dc(b.engine, &v, NULL, &v_sense, NULL, &b.err), b.err);
    const double r_cell = 1.0 / (1e-4 + 4e-4 * 0.37);
    ck_assert_close(v_sense, v * 130.0 / (47.0 + 3.0 + r_cell + 5.0 + 130.0), 1e-14, 0.0);
    bench_end(&b);
}
END_TEST

/* Ideal wires: v_out = -r_f i (1 - error), the error being that of a loop gain A b:
 * the sense input sits at v_in, i = g (v - v_in), and the amplifier's Thevenin source
 * gain (-v_in) drives through r_out.  Solved by hand below. */
START_TEST(test_dc_of_a_tia)
{
    struct bench b;
    double v_sense;
    const double v = 0.19, g = 1e-4 + 4e-4 * 0.37;
    bench_begin(&b, 1, 1, &toy, &tia_sense);
    b.xb.r_wordline = b.xb.r_bitline = b.xb.r_driver = 0.0;
    b.xb.sense.v_os = 1.5e-3;
    bench_build(&b, 1e-5, false);
    ck_assert_ok(ow_engine_dc(b.engine, &v, NULL, &v_sense, NULL, &b.err), b.err);
    /* g (v - u) = (u - o)/r_f = (o - gain (v_os - u))/r_out, u the input, o the output */
    const double a = 2000.0, rf = 700.0, ro = 60.0, os = 1.5e-3;
    /* o = u - rf g (v - u); (u - o)/rf = (o - a os + a u)/ro */
    const double p = 1.0 + rf * g, q = rf * g * v; /* o = p u - q */
    const double u = (q / rf + q / ro + a * os / ro) / ((p - 1.0) / rf + (p + a) / ro);
    ck_assert_close(v_sense, p * u - q, 1e-9, 0.0);
    bench_end(&b);
}
END_TEST

START_TEST(test_dc_of_an_overdriven_tia_stays_at_the_rail)
{
    struct bench b;
    double v_sense[2];
    const double v[2] = {5.0, 5.0};
    bench_begin(&b, 2, 2, &toy, &tia_sense);
    b.xb.param[G0] = 5e-3;
    bench_build(&b, 1e-5, false);
    ck_assert_ok(ow_engine_dc(b.engine, v, NULL, v_sense, NULL, &b.err), b.err);
    for (size_t j = 0; j < 2; j++) {
        ck_assert_double_lt(v_sense[j], -0.5);
        ck_assert_double_gt(v_sense[j], -1.1);
    }
    bench_end(&b);
}
END_TEST

/* An engine keeps the matrix from one DC read to the next: whatever it has read before, clipped
 * or not, and whatever has changed since, a read is that of a new engine to the last bit. */
START_TEST(test_dc_reads_do_not_remember)
{
    static const struct {
        double r_wire, r_f;
    } way[] = {{3.0, 700.0}, {0.0, 700.0}, {3.0, 30e3}, {0.0, 30e3}};
    static const double height[] = {0.05, 0.2, 0.05, 0.3, 0.11};
    struct bench used;
    bench_begin(&used, 9, 6, &toy, &tia_sense);
    double *scale = ow_crossbar_spread(&used.xb, OW_SCALE);
    used.xb.r_wordline = used.xb.r_bitline = way[_i].r_wire;
    used.xb.sense.r_f = way[_i].r_f;
    bench_build(&used, 1e-5, true);
    for (size_t k = 0; k < 5; k++) {
        struct bench fresh;
        double v[9], v_used[6], v_fresh[6];
        for (size_t i = 0; i < 9; i++)
            v[i] = height[k] * cos((double)i);
        if (k == 4)
            scale[7] *= 1.5;
        bench_begin(&fresh, 9, 6, &toy, &tia_sense);
        memcpy(ow_crossbar_spread(&fresh.xb, OW_SCALE), scale, 54 * sizeof *scale);
        fresh.xb.r_wordline = fresh.xb.r_bitline = way[_i].r_wire;
        fresh.xb.sense.r_f = way[_i].r_f;
        bench_build(&fresh, 1e-5, true);
        ck_assert_ok(ow_engine_dc(used.engine, v, NULL, v_used, NULL, &used.err), used.err);
        ck_assert_ok(ow_engine_dc(fresh.engine, v, NULL, v_fresh, NULL, &fresh.err), fresh.err);
        ck_assert_mem_eq(v_used, v_fresh, sizeof v_used);
        bench_end(&fresh);
    }
    bench_end(&used);
}
END_TEST

/* Cells of conductance 0 on an open word line: the line floats and carries nothing. */
START_TEST(test_floating_lines_carry_no_current)
{
    struct bench b;
    const double v[3] = {0.2, 0.2, 0.2};
    double v_sense[2], with_line, v_node[32];
    bench_begin(&b, 3, 2, &toy, &resistor_sense);
    double *scale = ow_crossbar_spread(&b.xb, OW_SCALE);
    scale[2] = scale[3] = 0.0;
    bench_build(&b, 1e-5, true);
    ck_assert_ok(ow_engine_dc(b.engine, v, NULL, v_sense, NULL, &b.err), b.err);
    with_line = v_sense[0];
    bench_end(&b);

    bench_begin(&b, 3, 2, &toy, &resistor_sense);
    scale = ow_crossbar_spread(&b.xb, OW_SCALE);
    memset(scale, 0, 6 * sizeof *scale);
    b.xb.r_driver = INFINITY;
    bench_build(&b, 1e-5, true);
    ck_assert_ok(ow_engine_dc(b.engine, v, NULL, v_sense, v_node, &b.err), b.err);
    ck_assert_double_eq(v_sense[0], 0.0);
    ck_assert_double_gt(with_line, 0.0);
    for (size_t k = b.circuit->first_free; k < b.circuit->n_node; k++)
        ck_assert_double_eq(v_node[k], 0.0);
    bench_end(&b);
}
END_TEST

/* ---- the Newton matrix ---------------------------------------------------------------- */

/* d solves (I - gamma J) d = -r, r = rl1 z1 + c - other_gamma dy/dt: J d by central differences
 * of the rates.  The rates are quadratic in the toy, so differences are exact but for rounding.
 */
/* With and without capacitances across the cells; lines apart and merged. */
static const struct {
    double c_cell;
    bool is_merged;
} newton_case[] = {{0.0, false}, {0.7e-15, false}, {0.0, true}, {0.7e-15, true}};

START_TEST(test_newton_solves_the_linearised_system)
{
    struct bench b;
    struct ow_system sys;
    struct ow_mass *mass;
    struct ow_newton *newton;
    const double v_row[2] = {0.31, -0.17}, gamma = 3.1e-12, other_gamma = 2.3e-12, rl1 = 0.6;
    bench_begin(&b, 2, 3, &toy, &tia_sense);
    b.xb.c_cell = newton_case[_i].c_cell;
    if (newton_case[_i].is_merged)
        b.xb.r_wordline = b.xb.r_bitline = 0.0;
    b.xb.param[K] = 4e10;
    b.xb.param[B] = 2e10;
    ck_assert_ok(ow_circuit_create(&b.xb, &b.circuit, &b.err), b.err);
    ck_assert_int_eq(ow_system_create(b.circuit, 1, &sys), OW_OK);
    ck_assert_int_eq(ow_mass_create(&sys, &mass), OW_OK);
    ck_assert_int_eq(ow_newton_create(&sys, mass, &newton), OW_OK);
    double store[8 + 64], *y = store + 8, z1[64], c[64], r[64], d[64], side[64], up[64],
                          down[64];
    ck_assert_uint_le(sys.n_y, 64);
    ck_assert_uint_le(b.circuit->first_free, 8);
    for (size_t k = 0; k < sys.n_y; k++) {
        y[k] = 0.3 * sin(1.0 + (double)k);
        z1[k] = cos(0.7 * (double)k);
        c[k] = cos(0.9 * (double)k);
    }
    ow_mass_rates(mass, &sys, v_row, y, r);
    for (size_t k = 0; k < sys.n_y; k++)
        r[k] = other_gamma * r[k] - (rl1 * z1[k] + (_i % 2 ? c[k] : 0.0));
    ow_system_place(&sys, v_row, y);
    ck_assert_int_eq(ow_newton_setup(newton, gamma), OW_OK);
    double weight[64];
    for (size_t k = 0; k < sys.n_y; k++)
        weight[k] = 1.0;
    const struct ow_bdf at = {.gamma = other_gamma,
                              .rl1 = rl1,
                              .v_row = v_row,
                              .y = y,
                              .z1 = z1,
                              .c = _i % 2 ? c : NULL};
    ck_assert_int_eq(ow_newton_correct(newton, &at, weight, 1e-12, d), OW_OK);
    const double h = 1e-3;
    for (size_t k = 0; k < sys.n_y; k++)
        side[k] = y[k] + h * d[k];
    ow_mass_rates(mass, &sys, v_row, side, up);
    for (size_t k = 0; k < sys.n_y; k++)
        side[k] = y[k] - h * d[k];
    ow_mass_rates(mass, &sys, v_row, side, down);
    for (size_t k = 0; k < sys.n_y; k++) {
        const double jd = (up[k] - down[k]) / (2.0 * h);
        ck_assert_close(d[k] - gamma * jd, r[k], 0.0, 1e-8 * (1.0 + fabs(gamma * jd)));
    }
    ow_newton_destroy(newton);
    ow_mass_destroy(mass);
    ow_system_finish(&sys);
    bench_end(&b);
}
END_TEST

/* ---- the solvers ------------------------------------------------------------------------ */

/* Uneven but reproducible numbers in (0, 1). */
static double noise(size_t k)
{
    return 0.5 + 0.49 * sin(12.9898 * (double)k + 78.233);
}

static const struct {
    size_t rows, cols;
    const struct ow_sense *sense;
    double r_f, r_driver, mass, gamma;
} grid[] = {
    {1, 1, &tia_sense, 700.0, 47.0, 1.0, 1e-12},
    {1, 9, &resistor_sense, 130.0, 47.0, 1.0, 1e-11},
    {17, 1, &tia_sense, 700.0, 0.0, 0.0, 1.0},
    {7, 13, &tia_sense, 700.0, 47.0, 1.0, 1e-10},
    {19, 11, &tia_sense, 90.0, 47.0, 0.0, 1.0},
    {13, 6, &resistor_sense, 0.0, 47.0, 0.0, 1.0},
    {8, 16, &resistor_sense, INFINITY, 47.0, 0.0, 1.0},
    {9, 5, &resistor_sense, 130.0, INFINITY, 1.0, 1e-9},
    {6, 11, &driver_sense, 71.0, 47.0, 1.0, 1e-11},
    {5, 8, &driver_sense, 0.0, 47.0, 0.0, 1.0},
};
enum { N_GRID = sizeof grid / sizeof grid[0] };

/* The lines' solver and KLU are two ways to one solution; the lines' is asked for 1e-10. */
START_TEST(test_lines_agree_with_klu)
{
    struct bench b;
    struct ow_system sys;
    struct ow_schur *lines;
    struct ow_sparse *sparse;
    struct ow_sense sense = *grid[_i].sense;
    sense.r_f = grid[_i].r_f;
    bench_begin(&b, grid[_i].rows, grid[_i].cols, &toy, &sense);
    b.xb.r_driver = grid[_i].r_driver;
    ck_assert_ok(ow_circuit_create(&b.xb, &b.circuit, &b.err), b.err);
    ck_assert(b.circuit->is_grid);
    ck_assert_int_eq(ow_system_create(b.circuit, 1, &sys), OW_OK);
    ck_assert_int_eq(ow_schur_create(&sys, &lines), OW_OK);
    ck_assert_int_eq(ow_sparse_create(&sys, &sparse), OW_OK);
    double *g = calloc(sys.n_cell, sizeof *g), *y = calloc(sys.n_y, sizeof *y);
    double *one = calloc(sys.n_free, sizeof *one), *other = calloc(sys.n_free, sizeof *other);
    double v_row[32] = {0.0}, largest = 0.0;
    for (size_t k = 0; k < sys.n_cell; k++)
        g[k] = 1e-3 * noise(k); /* 10 uS to 1 mS against wires of 0.2 S */
    for (size_t k = 0; k < sys.n_free; k++) {
        y[k] = 0.1 * noise(3 * k);
        one[k] = other[k] = noise(7 * k) - 0.5;
    }
    ow_system_place(&sys, v_row, y);
    const struct ow_linear linear = {
        .sys = &sys, .mass = grid[_i].mass, .gamma = grid[_i].gamma, .g = g};
    ck_assert(ow_schur_factor(lines, &linear));
    ck_assert(ow_schur_solve(lines, other, NULL, NULL, NULL, 1e-10, one));
    ck_assert_int_eq(ow_sparse_factor(sparse, &linear), OW_OK);
    ow_sparse_solve(sparse, other);
    for (size_t k = 0; k < sys.n_free; k++)
        largest = fmax(largest, fabs(other[k]));
    for (size_t k = 0; k < sys.n_free; k++)
        ck_assert_close(one[k], other[k], 0.0, 1e-9 * largest);
    free(g), free(y), free(one), free(other);
    ow_schur_destroy(lines);
    ow_sparse_destroy(sparse);
    ow_system_finish(&sys);
    bench_end(&b);
}
END_TEST

/* Negative differential conductance: the lines' pivots fail and KLU takes over. */
START_TEST(test_negative_conductance_is_solved)
{
    struct bench b;
    struct ow_system sys;
    struct ow_schur *lines;
    bench_begin(&b, 5, 4, &toy, &resistor_sense);
    ck_assert_ok(ow_circuit_create(&b.xb, &b.circuit, &b.err), b.err);
    ck_assert_int_eq(ow_system_create(b.circuit, 1, &sys), OW_OK);
    ck_assert_int_eq(ow_schur_create(&sys, &lines), OW_OK);
    double g[20], y[128] = {0.0}, v_row[5] = {0.0};
    ck_assert_uint_le(sys.n_y, 128);
    for (size_t k = 0; k < 20; k++)
        g[k] = k == 0 ? -0.6 : 1e-3;
    ow_system_place(&sys, v_row, y);
    const struct ow_linear linear = {.sys = &sys, .mass = 0.0, .gamma = 1.0, .g = g};
    ck_assert(!ow_schur_factor(lines, &linear));
    ow_schur_destroy(lines);
    ow_system_finish(&sys);
    ow_circuit_destroy(b.circuit);

    /* the same through the engine: a cell with scale < 0 is not for users, but the
     * arithmetic is that of a device on its falling branch */
    const double v[5] = {0.1, 0.1, 0.1, 0.1, 0.1};
    double v_sense[4], v_node[64];
    double *scale = ow_crossbar_spread(&b.xb, OW_SCALE);
    scale[0] = -1000.0;
    bench_build(&b, 1e-5, true);
    ck_assert_ok(ow_engine_dc(b.engine, v, NULL, v_sense, v_node, &b.err), b.err);
    double i_out = 0.0, i_cells = 0.0;
    for (size_t j = 0; j < 4; j++)
        i_out += v_sense[j] / 130.0;
    for (size_t k = 0; k < 20; k++)
        i_cells += scale[k] * (1e-4 + 4e-4 * b.xb.spread[X0][k]) *
                   (v_node[ow_circuit_te(b.circuit, k)] - v_node[ow_circuit_be(b.circuit, k)]);
    ck_assert_close(i_out, i_cells, 1e-9, 0.0);
    bench_end(&b);
}
END_TEST

/* Exact for cubics on any points; for two samples the trapezium, for three the parabola. */
START_TEST(test_integral_of_samples)
{
    static const double t[] = {0.0, 0.1, 0.15, 0.7, 1.1, 1.11, 2.0};
    for (size_t n = 2; n <= 7; n++) {
        struct ow_integral in;
        double sum[2] = {0.0, 0.0};
        const int degree = n >= 4 ? 2 : (int)n - 1; /* the ends are parabolas */
        ow_integral_begin(&in, 2);
        for (size_t k = 0; k < n; k++) {
            const double f[2] = {pow(t[k], degree), 3.0};
            ow_integral_add(&in, t[k], f, sum);
        }
        ow_integral_end(&in, sum);
        ck_assert_close(sum[0], pow(t[n - 1], degree + 1) / (degree + 1), 1e-14, 0.0);
        ck_assert_close(sum[1], 3.0 * t[n - 1], 1e-14, 0.0);
    }
}
END_TEST

/* ---- transients ----------------------------------------------------------------------- */

/* Everything merged but the sense input, so one RC: C dV/dt = g (v(t) - V) - V / r_f with
 * a ramp of slope s: V = h s (t - T (1 - e^(-t/T))), h = g/(g + 1/r_f), T = C/(g + 1/r_f). */
START_TEST(test_rc_ramp_matches_closed_form)
{
    struct bench b;
    const double v = 0.2;
    bench_begin(&b, 1, 1, &toy, &resistor_sense);
    b.xb.r_wordline = b.xb.r_bitline = b.xb.r_driver = 0.0;
    b.xb.sense.c_in = 4e-12;
    bench_build(&b, 1e-9, false);
    ck_assert_ok(ow_engine_read(b.engine, &v, &short_pulse, NULL, &b.reading, &b.err), b.err);
    const double g = 1e-4 + 4e-4 * 0.37, c = 4e-12 + 3e-15 + 0.2e-15;
    const double sum = g + 1.0 / 130.0, h = g / sum, tau = c / sum;
    const double s = v / short_pulse.t_rise, tr = short_pulse.t_rise;
    const double top = h * s * (tr - tau * (1.0 - exp(-tr / tau)));
    const double sample = h * v + (top - h * v) * exp(-short_pulse.t_read / tau);
    ck_assert_close(b.reading.v_sample[0], sample, 1e-7, 0.0);
    size_t n_checked = 0;
    for (size_t k = 0; k < b.reading.wave.n; k++) {
        const double t = b.reading.wave.t[k];
        if (t > tr)
            break;
        ck_assert_close(b.reading.wave.v[k], h * s * (t - tau * (1.0 - exp(-t / tau))), 1e-6,
                        1e-10);
        n_checked++;
    }
    ck_assert_uint_gt(n_checked, 10);
    ck_assert_close(b.reading.wave.t[b.reading.wave.n - 1], ow_pulse_end(&short_pulse), 1e-15,
                    0.0);
    bench_end(&b);
}
END_TEST

/* Where one cell ends: it has felt the whole waveform. */
static double end_state(const struct ow_sense *sense, double rtol, double *residual)
{
    struct bench b;
    const double v[4] = {0.2, 0.07, 0.0, 0.15};
    bench_begin(&b, 4, 3, &toy, sense);
    b.xb.param[K] = 9e8; /* x moves by more than 20 % of its travel */
    b.xb.param[B] = 2e7;
    bench_build(&b, rtol, false);
    ck_assert_ok(ow_engine_read(b.engine, v, &short_pulse, NULL, &b.reading, &b.err), b.err);
    *residual = ow_energy_residual(&b.reading.energy);
    const double x_move = fabs(b.reading.x_end[0] - b.xb.spread[X0][0]);
    ck_assert_double_gt(x_move, 0.2);
    const double x = b.reading.x_end[0];
    bench_end(&b);
    return x;
}

/* The error falls with rtol, and the energies balance.  CVODE holds local errors: a global
 * error of 30 rtol leaves room for their sum. */
START_TEST(test_answers_converge_with_rtol)
{
    const struct ow_sense *sense = _i ? &tia_sense : &resistor_sense;
    double residual;
    const double exact = end_state(sense, 1e-11, &residual);
    ck_assert_double_lt(residual, 1e-8);
    for (double rtol = 1e-3; rtol > 1e-8; rtol *= 1e-2) {
        const double error = fabs(end_state(sense, rtol, &residual) / exact - 1.0);
        ck_assert_double_lt(error, 30.0 * rtol);
        ck_assert_double_lt(residual, 30.0 * rtol);
    }
}
END_TEST

/* The settled output is the DC solution, and the currents that the wires carry add up:
 * physical energies are all positive. */
START_TEST(test_settled_output_is_the_dc_solution)
{
    struct bench b;
    const double v[4] = {0.2, 0.07, 0.0, 0.15};
    bench_begin(&b, 4, 3, &toy, &tia_sense);
    bench_build(&b, 1e-8, false);
    const struct ow_pulse pulse = {.t_rise = 1e-9, .t_read = 200e-9};
    ck_assert_ok(ow_engine_read(b.engine, v, &pulse, NULL, &b.reading, &b.err), b.err);
    for (size_t j = 0; j < 3; j++)
        ck_assert_close(b.reading.v_sample[j], b.reading.v_dc[j], 1e-6, 0.0);
    const struct ow_energy *e = &b.reading.energy;
    ck_assert_double_gt(e->drivers, 0.0);
    ck_assert_double_gt(e->devices, 0.0);
    ck_assert_double_gt(e->wires, 0.0);
    ck_assert_double_gt(e->sense, 0.0);
    ck_assert_close(e->quiescent, 3 * 1.8 * 20e-6 * ow_pulse_end(&pulse), 1e-12, 0.0);
    ck_assert_double_lt(ow_energy_residual(e), 1e-4);
    bench_end(&b);
}
END_TEST

/* i = (G0 + G1 x) v^3 + G0 v: the toy, bent. */
static void bent_eval(const struct ow_cells *c, struct ow_response *out)
{
    toy_eval(c, out);
    for (size_t j = 0; j < c->n; j++) {
        const double v = c->v[j], g0 = ow_param_at(c, G0, j),
                     g = g0 + ow_param_at(c, G1, j) * c->x[0][j];
        out->i[j] = g * v * v * v + g0 * v;
        if (!out->di_dv)
            continue;
        out->di_dv[j] = 3.0 * g * v * v + g0;
        out->di_dx[0][j] = ow_param_at(c, G1, j) * v * v * v;
    }
}

/* What a look finds at some rows is what placing finds there, held or not, and whether cells
 * are ohmic. */
START_TEST(test_a_look_is_what_placing_finds)
{
    struct bench b;
    struct ow_system sys;
    struct ow_model bent = toy;
    const double v_row[40] = {0.31, -0.17, 0.2, 0.1};
    bent.eval = bent_eval;
    bench_begin(&b, 40, 100, _i ? &bent : &toy, &tia_sense);
    b.xb.param[K] = 4e10;
    ck_assert_ok(ow_circuit_create(&b.xb, &b.circuit, &b.err), b.err);
    ck_assert_int_eq(ow_system_create(b.circuit, 1, &sys), OW_OK);
    const size_t before = b.circuit->first_free, cols = 100;
    double *store = calloc(before + sys.n_y, sizeof *store), *y = store + before;
    double *x = calloc(sys.n_cell, sizeof *x), *room = calloc(ow_look_room(&sys), sizeof *room);
    ow_system_initial_states(&sys, x);
    for (int is_held = 0; is_held < 2; is_held++) {
        struct ow_look look;
        ow_system_hold(&sys, is_held);
        for (size_t k = 0; k < sys.n_free; k++)
            y[k] = 0.3 * sin(1.0 + (double)k);
        ow_system_put_states(&sys, x, y);
        ow_system_place(&sys, v_row, y);
        const double *nodes = ow_system_nodes_around(&sys, v_row, y);
        for (size_t from = 0; from < 40; from = look.to) {
            const size_t to =
                from + ow_system_rows(&sys) < 40 ? from + ow_system_rows(&sys) : 40;
            ow_look(&sys, nodes, y, true, from, to, room, &look);
            for (size_t k = 0; k < (to - from) * cols; k++) {
                ck_assert_double_eq(look.v[k], sys.v_cell[from * cols + k]);
                ck_assert_double_eq(look.i[k], sys.at.i[from * cols + k]);
                ck_assert_double_eq(look.f[0][k], sys.at.f[0][from * cols + k]);
            }
            ck_assert(!ow_look_is_at_rest(&sys, &look));
            ow_look(&sys, nodes, y, false, from, to, room, &look);
            for (size_t k = 0; k < (to - from) * cols; k++)
                ck_assert_close(look.i[k], sys.at.i[from * cols + k], 1e-14, 0.0);
        }
        ck_assert_int_eq(ow_look_is_ohmic(&sys, y, 0.7, room), _i == 0);
    }
    free(store);
    free(x);
    free(room);
    ow_system_finish(&sys);
    bench_end(&b);
}
END_TEST

/* Cells at rest conduct linearly, amplifiers do not at their rails: outputs that have settled
 * there are far more exact than steps on the way. */
START_TEST(test_a_clipped_read_of_linear_cells)
{
    struct ow_reading at[2];
    for (int k = 0; k < 2; k++) {
        struct bench b;
        const double v[4] = {0.9, 0.8, 0.0, 0.7};
        bench_begin(&b, 4, 3, &toy, &tia_sense);
        b.xb.param[G0] = 3e-4;
        b.xb.param[G1] = 2e-3;
        bench_build(&b, k ? 1e-9 : 1e-4, false);
        ck_assert_ok(ow_engine_read(b.engine, v, &short_pulse, NULL, &b.reading, &b.err),
                     b.err);
        at[k] = b.reading;
        memset(&b.reading, 0, sizeof b.reading);
        bench_end(&b);
    }
    size_t n_clipped = 0;
    for (size_t j = 0; j < 3; j++) {
        n_clipped += fabs(at[1].v_gain[j]) > 0.88;
        ck_assert_close(at[0].v_sample[j], at[1].v_sample[j], 0.0, 1e-10);
    }
    ck_assert_uint_ge(n_clipped, 1);
    ck_assert_close(at[0].energy.sense, at[1].energy.sense, 1e-3, 0.0);
    ck_assert_close(at[0].energy.devices, at[1].energy.devices, 1e-3, 0.0);
    ck_assert_double_lt(ow_energy_residual(&at[0].energy), 1e-4);
    ow_reading_finish(&at[0]);
    ow_reading_finish(&at[1]);
}
END_TEST

/* Amplifiers that leave their rails or come to them in a step or two, where neither one
 * correction nor a matrix that was made before is that of the equation at hand. */
START_TEST(test_a_read_that_leaves_the_rails)
{
    static const struct {
        double gbw, drive;
    } at[] = {{3e8, 0.42}, {3e8, 0.75}, {3e9, 0.42}, {3e9, 0.45}, {3e10, 0.42}};
    struct ow_energy energy[2];
    for (int k = 0; k < 2; k++) {
        struct bench b;
        const double s = at[_i].drive, v[4] = {0.9 * s, 0.8 * s, 0.0, 0.7 * s};
        bench_begin(&b, 4, 3, &toy, &tia_sense);
        b.xb.sense.gbw = at[_i].gbw;
        b.xb.param[G0] = 3e-4;
        b.xb.param[G1] = 2e-3;
        bench_build(&b, k ? 1e-6 : 1e-2, false);
        ck_assert_ok(ow_engine_read(b.engine, v, &short_pulse, NULL, &b.reading, &b.err),
                     b.err);
        energy[k] = b.reading.energy;
        bench_end(&b);
    }
    /* Newton's method alone leaves 1e-3 at most, one wrong step up to 7e-2 */
    ck_assert_close(energy[0].sense, energy[1].sense, 2e-3, 0.0);
}
END_TEST

/* Transients likewise: a read is the same bits after one of other cells, clipped or at rest,
 * and after states have moved. */
START_TEST(test_reads_do_not_remember)
{
    static const double v[3][4] = {{0.2, 0.1, 0.0, 0.15}, {0.9, -0.8, 0.7, 0.9}};
    struct bench b;
    struct ow_reading first;
    struct ow_model banded = toy, bent = toy;
    banded.eval = band_eval;
    bent.eval = bent_eval;
    bench_begin(&b, 4, 3, _i == 0 ? &toy : _i == 1 ? &banded : &bent, &tia_sense);
    b.xb.param[G1] = 2e-3;
    b.xb.param[K] = _i == 1 ? 1e9 : 0.0;
    bench_build(&b, 1e-4, false);
    ck_assert_ok(ow_engine_read(b.engine, v[0], &short_pulse, NULL, &b.reading, &b.err), b.err);
    first = b.reading;
    ck_assert_int_eq(ow_reading_init(&b.reading, 3, 12, 1), OW_OK);
    for (int k = 1; k < 4; k++) {
        for (size_t c = 0; c < 12; c++)
            b.xb.spread[X0][c] =
                k < 3 ? 0.05 * (double)(c + 1) : fmod(0.37 + 0.61 * (double)c, 1.0);
        ck_assert_ok(ow_engine_read(b.engine, v[k % 3], &short_pulse, NULL, &b.reading, &b.err),
                     b.err);
    }
    ck_assert_int_eq(b.reading.steps, first.steps);
    ck_assert_mem_eq(&b.reading.energy, &first.energy, sizeof first.energy);
    ck_assert_mem_eq(b.reading.x_end, first.x_end, 12 * sizeof *first.x_end);
    ck_assert_mem_eq(b.reading.wave.v, first.wave.v, 3 * first.wave.n * sizeof *first.wave.v);
    ow_reading_finish(&first);
    bench_end(&b);
}
END_TEST

/* Amplifiers with an offset drive cells whose sources are at rest, and at no voltage at all
 * every cell conducts linearly. */
START_TEST(test_an_offset_drives_bent_cells)
{
    struct bench b;
    struct ow_model bent = toy;
    const double v[4] = {_i * 1e-8};
    bent.eval = bent_eval;
    bench_begin(&b, 4, 3, &bent, &tia_sense);
    b.xb.sense.v_os = 0.3;
    bench_build(&b, 1e-6, false);
    ck_assert_ok(ow_engine_read(b.engine, v, &short_pulse, NULL, &b.reading, &b.err), b.err);
    for (size_t j = 0; j < 3; j++)
        ck_assert_close(b.reading.v_sample[j], b.reading.v_dc[j], 1e-6, 0.0);
    bench_end(&b);
}
END_TEST

/* A caller may have threads of its own, each with an engine: sweeps that one thread makes are
 * not always made by the first. */
START_TEST(test_engines_in_a_team)
{
    enum { N = 5 };
    struct bench b[N];
    enum ow_status st[N];
    const double v[40] = {0.2, 0.1, 0.0, -0.2};
    for (int k = 0; k < N; k++) {
        bench_begin(&b[k], 40, 60, &toy, &tia_sense);
        b[k].xb.param[K] = _i ? 1e6 : 0.0;
        bench_build(&b[k], 1e-4, false);
    }
#ifdef _OPENMP
    _Pragma("omp parallel for schedule(static, 1) num_threads(N)")
#endif
        for (int k = 0; k < N; k++) st[k] =
            ow_engine_read(b[k].engine, v, &short_pulse, NULL, &b[k].reading, &b[k].err);
    for (int k = 0; k < N; k++) {
        ck_assert_ok(st[k], b[k].err);
        ck_assert_mem_eq(&b[k].reading.energy, &b[0].reading.energy,
                         sizeof b[k].reading.energy);
    }
    for (int k = 0; k < N; k++)
        bench_end(&b[k]);
}
END_TEST

/* Bit lines whose ends are their sources are where the sources are, at all times. */
START_TEST(test_bit_lines_that_are_driven_without_a_driver)
{
    struct bench b;
    const double v[7] = {0.2, 0.1, 0.0, 0.15, 0.05, -0.1, 0.12};
    bench_begin(&b, 4, 3, &toy, &driver_sense);
    b.xb.sense.r_f = 0.0;
    b.xb.param[K] = _i ? 1e6 : 0.0;
    bench_build(&b, 1e-4, false);
    ck_assert_ok(ow_engine_read(b.engine, v, &short_pulse, NULL, &b.reading, &b.err), b.err);
    for (size_t n = 0; n < b.reading.wave.n; n++)
        for (size_t j = 0; j < 3; j++)
            ck_assert_close(b.reading.wave.v[3 * n + j],
                            v[4 + j] * ow_pulse_at(&short_pulse, b.reading.wave.t[n]), 0.0,
                            1e-14);
    for (size_t j = 0; j < 3; j++)
        ck_assert_close(b.reading.v_sample[j], v[4 + j], 1e-14, 0.0);
    bench_end(&b);
}
END_TEST

/* Lines at the voltages of a write: the selected cell sees all of V, its neighbours half of
 * it, and only differences between sources drive currents. */
START_TEST(test_driven_bit_lines_make_a_write)
{
    struct bench b;
    const double v = 0.4, select[6] = {v, 0.5 * v, 0.5 * v, 0.5 * v, 0.0, 0.5 * v};
    double v_node[64];
    bench_begin(&b, 3, 3, &toy, &driver_sense);
    b.xb.param[K] = 2e8;
    b.xb.param[G0] = 1e-9; /* next to no drop on the lines */
    b.xb.param[G1] = 1e-9;
    bench_build(&b, 1e-8, false);
    ck_assert_uint_le(b.circuit->n_node, 64);
    ck_assert_ok(ow_engine_dc(b.engine, select, NULL, b.reading.v_dc, v_node, &b.err), b.err);
    for (size_t k = 0; k < 9; k++) {
        const double across =
            v_node[ow_circuit_te(b.circuit, k)] - v_node[ow_circuit_be(b.circuit, k)];
        const bool is_row = k / 3 == 0, is_col = k % 3 == 1;
        ck_assert_close(across,
                        is_row && is_col   ? v
                        : is_row || is_col ? 0.5 * v
                                           : 0.0,
                        0.0, 1e-6 * v);
    }
    ck_assert_ok(ow_engine_read(b.engine, select, &short_pulse, NULL, &b.reading, &b.err),
                 b.err);
    for (size_t k = 0; k < 9; k++) {
        const bool is_row = k / 3 == 0, is_col = k % 3 == 1;
        const double u = is_row && is_col ? v : is_row || is_col ? 0.5 * v : 0.0;
        const double x0 = b.xb.spread[X0][k];
        /* dx/dt = K v (1 - x), over the plateau and half of each edge */
        const double x1 = 1.0 - (1.0 - x0) * exp(-2e8 * u * (10e-9 + 0.5e-9));
        ck_assert_close(b.reading.x_end[k], x1, 0.0, 1e-6);
    }
    const struct ow_energy *e = &b.reading.energy;
    ck_assert_double_eq(e->sense, 0.0);
    ck_assert_double_gt(e->drivers, 0.0);
    ck_assert_double_lt(ow_energy_residual(e), 1e-4); /* all of it charging */
    /* Every source up to the same voltage: nothing but capacitance, and no device moves. */
    const double all[6] = {v, v, v, v, v, v};
    ck_assert_ok(ow_engine_read(b.engine, all, &short_pulse, NULL, &b.reading, &b.err), b.err);
    for (size_t k = 0; k < 9; k++)
        ck_assert_close(b.reading.x_end[k], b.xb.spread[X0][k], 0.0, 1e-4);
    bench_end(&b);
}
END_TEST

/* Devices at a constant voltage: x follows its closed form.  dx/dt = K v (1 - x) - B x. */
START_TEST(test_states_follow_their_law)
{
    struct bench b;
    const double v = 0.2;
    bench_begin(&b, 1, 1, &toy, &tia_sense);
    b.xb.r_wordline = b.xb.r_bitline = b.xb.r_driver = 0.0;
    b.xb.sense.gain = 1e7; /* a virtual ground within 1e-7 */
    b.xb.param[G0] = b.xb.param[G1] = 1e-9;
    b.xb.param[K] = 3e7;
    b.xb.param[B] = 1e7;
    bench_build(&b, 1e-9, false);
    const struct ow_pulse pulse = {.t_rise = 1e-12, .t_read = 60e-9};
    ck_assert_ok(ow_engine_read(b.engine, &v, &pulse, NULL, &b.reading, &b.err), b.err);
    const double lambda = 3e7 * v + 1e7, rest = 3e7 * v / lambda;
    const double top = rest + (0.37 - rest) * exp(-lambda * pulse.t_read);
    /* the edges, 1 ps each, change x by less than 1e-5 */
    ck_assert_close(b.reading.x_end[0], top * exp(-1e7 * pulse.t_read), 2e-5, 0.0);
    bench_end(&b);
}
END_TEST

/* States that stand still under the full drive are held at first; what an edge moves is not
 * lost. */
START_TEST(test_states_that_only_edges_move)
{
    struct bench b;
    struct ow_model band = toy;
    const double amplitude[2] = {0.2, 0.0};
    band.eval = band_eval;
    bench_begin(&b, 2, 1, &band, &resistor_sense);
    b.xb.param[K] = 1e11;
    b.xb.param[G0] = b.xb.param[G1] = 1e-9; /* no drop on the lines */
    bench_build(&b, 1e-7, false);
    ck_assert_ok(ow_engine_read(b.engine, amplitude, &short_pulse, NULL, &b.reading, &b.err),
                 b.err);
    /* twice the integral over a ramp of 0.2 V in t_rise */
    const double moved = 2.0 * 1e11 * pow(0.16, 3) / 6.0 * short_pulse.t_rise / 0.2;
    ck_assert_double_gt(moved, 0.1);
    ck_assert_close(b.reading.x_end[0], b.xb.spread[X0][0] + moved, 1e-4, 0.0);
    ck_assert_double_eq(b.reading.x_end[1], b.xb.spread[X0][1]);
    bench_end(&b);
}
END_TEST

START_TEST(test_states_carry_over)
{
    struct bench b;
    const double v[2] = {0.2, 0.1};
    double first[4];
    bench_begin(&b, 2, 2, &toy, &resistor_sense);
    b.xb.param[K] = 5e8;
    bench_build(&b, 1e-6, false);
    ck_assert_ok(ow_engine_read(b.engine, v, &short_pulse, NULL, &b.reading, &b.err), b.err);
    memcpy(first, b.reading.x_end, sizeof first);
    ck_assert_ok(ow_engine_read(b.engine, v, &short_pulse, first, &b.reading, &b.err), b.err);
    for (size_t k = 0; k < 4; k++)
        ck_assert_double_gt(b.reading.x_end[k], first[k]);
    /* a fresh read begins at the programmed states again */
    ck_assert_ok(ow_engine_read(b.engine, v, &short_pulse, NULL, &b.reading, &b.err), b.err);
    ck_assert_mem_eq(b.reading.x_end, first, sizeof first);
    bench_end(&b);
}
END_TEST

/* ---- events --------------------------------------------------------------------------- */

/* A cell that jumps from G0 to G0 + G1 when h, falling at the rate K v, reaches 0. */
enum { H0 = B };

static const struct ow_state jump_state[] = {{"x", 0.0, 1.0, X0, true, "on"},
                                             {"h", 0.0, 1.0, H0, false, "remaining"}};

static void jump_eval(const struct ow_cells *c, struct ow_response *out)
{
    toy_eval(c, out);
    for (size_t j = 0; j < c->n; j++) {
        const double k = ow_param_at(c, K, j);
        out->f[0][j] = 0.0;
        out->f[1][j] = -k * c->v[j];
        if (!out->di_dv)
            continue;
        out->df_dv[0][j] = out->df_dx[0][0][j] = out->df_dx[0][1][j] = 0.0;
        out->di_dx[1][j] = out->df_dx[1][0][j] = out->df_dx[1][1][j] = 0.0;
        out->df_dv[1][j] = -k;
    }
}

static void jump_fire(const double param[], double v, double x[])
{
    x[0] = 1.0;

    x[1] = 1e6; /* never again */
}

static const struct ow_model jumper = {.name = "jumper",
                                       .param = toy_param,
                                       .n_param = N_PARAM,
                                       .state = jump_state,
                                       .n_state = 2,
                                       .program = X0,
                                       .eval = jump_eval,
                                       .event_state = 1,
                                       .fire = jump_fire};

START_TEST(test_jumps_happen_when_due)
{
    struct bench b;
    const double v[2] = {0.2, 0.1};
    bench_begin(&b, 2, 2, &jumper, &tia_sense);
    b.xb.r_wordline = b.xb.r_bitline = b.xb.r_driver = 0.0;
    b.xb.sense.gain = 1e7;
    b.xb.param[G0] = 1e-9;
    b.xb.param[G1] = 1e-6;
    b.xb.param[K] = 5e8;
    double *h = ow_crossbar_spread(&b.xb, H0);
    for (size_t k = 0; k < 4; k++)
        b.xb.spread[X0][k] = 0.0;
    h[0] = 0.31, h[1] = 0.77, h[2] = 0.31, h[3] = 9.0;
    bench_build(&b, 1e-8, false);
    ck_assert_ok(ow_engine_read(b.engine, v, &short_pulse, NULL, &b.reading, &b.err), b.err);
    /* K v (t - t_rise/2) = h on the plateau; the virtual ground settles within 0.1 ps */
    for (size_t k = 0; k < 3; k++)
        ck_assert_close(b.reading.t_event[k], 0.25e-9 + h[k] / (5e8 * v[k / 2]), 0.0, 1e-13);
    ck_assert(isnan(b.reading.t_event[3]));
    ck_assert_int_eq(b.reading.events, 3);
    ck_assert_double_eq(b.reading.x_end[0], 1.0);
    ck_assert_double_eq(b.reading.x_end[3], 0.0);
    ck_assert_double_lt(ow_energy_residual(&b.reading.energy), 1e-6);
    bench_end(&b);
}
END_TEST

/* Lines that settle within femtoseconds are not followed there: few steps a jump, and the
 * same answer within the tolerance, energies included.  With a thousand times the capacitance
 * they are followed. */
START_TEST(test_lines_settle_after_jumps)
{
    double x[2][2 * 20], energy[2];
    long steps[2], slow_steps = 0;
    for (int run = 0; run < 3; run++) {
        struct bench b;
        const double v[9] = {0.4, 0.2, 0.2, 0.2, 0.0, 0.2, 0.0, 0.0, 0.0};
        bench_begin(&b, 4, 5, &jumper, &driver_sense);
        if (run == 2) {
            b.xb.c_wordline *= 1e4;
            b.xb.c_bitline *= 1e4;
        }
        b.xb.param[G1] = 9e-4;
        b.xb.param[K] = 1e9;
        double *h = ow_crossbar_spread(&b.xb, H0);
        for (size_t k = 0; k < 20; k++) {
            b.xb.spread[X0][k] = 0.0;
            h[k] = 0.4 + 0.31 * (double)k;
        }
        bench_build(&b, run == 1 ? 1e-9 : 1e-5, false);
        ck_assert_ok(ow_engine_read(b.engine, v, &short_pulse, NULL, &b.reading, &b.err),
                     b.err);
        ck_assert_int_ge(b.reading.events, 4);
        ck_assert_double_lt(ow_energy_residual(&b.reading.energy), 1e-4);
        if (run < 2) {
            memcpy(x[run], b.reading.x_end, sizeof x[run]);
            energy[run] = b.reading.energy.source;
            steps[run] = b.reading.steps;
        } else
            slow_steps = b.reading.steps;
        bench_end(&b);
    }
    for (size_t k = 0; k < 40; k++)
        ck_assert_close(x[0][k], x[1][k], 1e-5, 1e-4);
    ck_assert_close(energy[0], energy[1], 1e-4, 0.0);
    ck_assert_int_lt(3 * steps[0], 2 * slow_steps);
}
END_TEST

/* ---- failures --------------------------------------------------------------------------- */

START_TEST(test_a_node_without_capacitance_is_refused)
{
    struct bench b;
    const struct ow_engine_options options = {.rtol = 1e-5, .v_scale = 0.2};
    bench_begin(&b, 2, 2, &toy, &resistor_sense);
    b.xb.c_wordline = 0.0;
    ck_assert_ok(ow_circuit_create(&b.xb, &b.circuit, &b.err), b.err);
    ck_assert_int_eq(ow_engine_create(b.circuit, &options, false, &b.engine, &b.err),
                     OW_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(b.err.text, "w0_0"));
    ck_assert_ptr_nonnull(strstr(b.err.text, "engine.name: dc"));
    ck_assert_ptr_null(b.engine);
    b.err = (struct ow_error){0};
    ck_assert_ok(ow_engine_create(b.circuit, &options, true, &b.engine, &b.err), b.err);
    bench_end(&b);
}
END_TEST

START_TEST(test_a_runaway_ends_in_an_error)
{
    struct ow_model runaway = toy;
    struct bench b;
    const double v = 0.1;
    runaway.eval = runaway_eval;
    bench_begin(&b, 1, 1, &runaway, &resistor_sense);
    b.xb.param[K] = 1e10; /* infinite after 1 / (1e10 0.37) = 0.27 ns */
    bench_build(&b, 1e-6, false);
    ck_assert_int_eq(ow_engine_read(b.engine, &v, &short_pulse, NULL, &b.reading, &b.err),
                     OW_ERR_SOLVER);
    ck_assert_ptr_nonnull(strstr(b.err.text, "CVODE failed after t = "));
    bench_end(&b);
}
END_TEST

START_TEST(test_cancel_stops_a_read)
{
    struct bench b;
    const double v = 0.1;
    static volatile sig_atomic_t cancel = 1;
    const struct ow_engine_options options = {.rtol = 1e-5, .v_scale = 0.2, .cancel = &cancel};
    bench_begin(&b, 1, 1, &toy, &resistor_sense);
    bench_build(&b, 1e-5, false);
    ow_engine_destroy(b.engine);
    ck_assert_ok(ow_engine_create(b.circuit, &options, false, &b.engine, &b.err), b.err);
    ck_assert_int_eq(ow_engine_read(b.engine, &v, &short_pulse, NULL, &b.reading, &b.err),
                     OW_ERR_CANCELLED);
    bench_end(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine");
    TCase *dc = tcase_create("dc"), *transient = tcase_create("transient"),
          *failure = tcase_create("failure");
    tcase_add_test(dc, test_dc_matches_published_currents);
    tcase_add_test(dc, test_dc_of_one_cell_is_a_divider);
    tcase_add_test(dc, test_dc_of_a_tia);
    tcase_add_test(dc, test_dc_of_an_overdriven_tia_stays_at_the_rail);
    tcase_add_loop_test(dc, test_dc_reads_do_not_remember, 0, 4);
    tcase_add_test(dc, test_floating_lines_carry_no_current);
    tcase_add_loop_test(dc, test_lines_agree_with_klu, 0, N_GRID);
    tcase_add_test(dc, test_negative_conductance_is_solved);
    tcase_add_test(transient, test_integral_of_samples);
    tcase_add_loop_test(transient, test_newton_solves_the_linearised_system, 0,
                        sizeof newton_case / sizeof newton_case[0]);
    tcase_add_test(transient, test_rc_ramp_matches_closed_form);
    tcase_add_loop_test(transient, test_answers_converge_with_rtol, 0, 2);
    tcase_add_test(transient, test_settled_output_is_the_dc_solution);
    tcase_add_loop_test(transient, test_a_look_is_what_placing_finds, 0, 2);
    tcase_add_test(transient, test_a_clipped_read_of_linear_cells);
    tcase_add_loop_test(transient, test_a_read_that_leaves_the_rails, 0, 5);
    tcase_add_loop_test(transient, test_reads_do_not_remember, 0, 3);
    tcase_add_loop_test(transient, test_an_offset_drives_bent_cells, 0, 2);
    tcase_add_loop_test(transient, test_engines_in_a_team, 0, 2);
    tcase_add_loop_test(transient, test_bit_lines_that_are_driven_without_a_driver, 0, 2);
    tcase_add_test(transient, test_driven_bit_lines_make_a_write);
    tcase_add_test(transient, test_states_follow_their_law);
    tcase_add_test(transient, test_states_that_only_edges_move);
    tcase_add_test(transient, test_states_carry_over);
    tcase_add_test(transient, test_jumps_happen_when_due);
    tcase_add_test(transient, test_lines_settle_after_jumps);
    tcase_add_test(failure, test_a_node_without_capacitance_is_refused);
    tcase_add_test(failure, test_a_runaway_ends_in_an_error);
    tcase_add_test(failure, test_cancel_stops_a_read);
    tcase_set_timeout(transient, 60);
    suite_add_tcase(suite, dc);
    suite_add_tcase(suite, transient);
    suite_add_tcase(suite, failure);
    return run_suite(suite);
}
