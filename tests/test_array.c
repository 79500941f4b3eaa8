/* The crossbar and its circuit, by hand and against a published network; then weights as
 * programmed states, for toy models with a known conductance and for the whole registry. */
#include "ow_check.h"

#include <float.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "ow_circuit.h"
#include "ow_mapping.h"
#include "ow_noise.h"
#include "ow_random.h"
#include "ow_reading.h"
#include "ow_statistics.h"

/* ---- toy models: conductances that can be inverted on paper ----------------------------- */

enum { TOY_G_OFF = OW_N_COMMON, TOY_G_ON, TOY_X0, TOY_B, TOY_N_PARAM };
/* clang-format off */
static const struct ow_param toy_param[] = {
    OW_COMMON_PARAMS,
    {"g_off", "S",   2e-6, 1e-12, 1.0, NULL, "conductance at x = 0"},
    {"g_on",  "S",   3e-4, 1e-12, 1.0, NULL, "conductance at x = 1"},
    {"x0",    "1",   0.25, 0.0,   1.0, NULL, "initial state"},
    {"b",     "1/V", 0.0,  0.0,   9.0, NULL, "bend: i = g sinh(b v) / b"},
};
static const struct ow_state toy_state[] = {
    {"x", 0.0, 1.0, TOY_X0, false, "state"},
};
/* clang-format on */

static double bend(const struct ow_cells *c, size_t j)
{
    const double b = ow_param_at(c, TOY_B, j), v = c->v[j];
    return b > 0.0 ? sinh(b * v) / b : v;
}

static double toy_mix(const struct ow_cells *c, size_t j, double x)
{
    return ow_param_at(c, TOY_G_OFF, j) * (1.0 - x) + ow_param_at(c, TOY_G_ON, j) * x;
}

/* Only the current matters here: none of these is ever stepped. */
static void linear_eval(const struct ow_cells *c, struct ow_response *out)
{
    for (size_t j = 0; j < c->n; j++) {
        out->i[j] = toy_mix(c, j, c->x[0][j]) * bend(c, j);
        out->di_dv[j] = out->di_dx[0][j] = 0.0;
        out->f[0][j] = out->df_dv[0][j] = out->df_dx[0][0][j] = 0.0;
    }
}

/* Conductance falls as x rises, over decades: g = g_on (g_off / g_on)^x. */
static void falling_eval(const struct ow_cells *c, struct ow_response *out)
{
    linear_eval(c, out);
    for (size_t j = 0; j < c->n; j++) {
        const double on = ow_param_at(c, TOY_G_ON, j), off = ow_param_at(c, TOY_G_OFF, j);
        out->i[j] = on * pow(off / on, c->x[0][j]) * bend(c, j);
    }
}

/* Nothing between 0.3 and 0.7 of the range. */
static void jumping_eval(const struct ow_cells *c, struct ow_response *out)
{
    linear_eval(c, out);
    for (size_t j = 0; j < c->n; j++)
        out->i[j] =
            toy_mix(c, j, c->x[0][j] < 0.5 ? 0.6 * c->x[0][j] : 0.4 + 0.6 * c->x[0][j]) *
            c->v[j];
}

/* Two states, of which the second is programmed, over less than its parameter allows. */
static const struct ow_state narrow_state[] = {
    {"y", 0.0, 9.0, TOY_B, false, "does nothing"},
    {"x", 0.2, 0.8, TOY_X0, false, "state"},
};
static void narrow_eval(const struct ow_cells *c, struct ow_response *out)
{
    for (size_t j = 0; j < c->n; j++) {
        out->i[j] = toy_mix(c, j, c->x[1][j]) * c->v[j];
        out->di_dv[j] = 0.0;
        for (size_t r = 0; r < 2; r++) {
            out->di_dx[r][j] = out->f[r][j] = out->df_dv[r][j] = 0.0;
            out->df_dx[r][0][j] = out->df_dx[r][1][j] = 0.0;
        }
    }
}

#define TOY(label, fn, binary)                                                                 \
    {                                                                                          \
        .name = label, .doc = "toy", .source = "tests", .param = toy_param,                    \
        .n_param = TOY_N_PARAM, .state = toy_state, .n_state = 1, .program = TOY_X0,           \
        .is_binary = binary, .eval = fn                                                        \
    }
static const struct ow_model toy_narrow = {.name = "toy_narrow",
                                           .doc = "toy",
                                           .source = "tests",
                                           .param = toy_param,
                                           .n_param = TOY_N_PARAM,
                                           .state = narrow_state,
                                           .n_state = 2,
                                           .program = TOY_X0,
                                           .eval = narrow_eval};
static const struct ow_model toy_linear = TOY("toy_linear", linear_eval, false);
static const struct ow_model toy_falling = TOY("toy_falling", falling_eval, false);
static const struct ow_model toy_jumping = TOY("toy_jumping", jumping_eval, false);
static const struct ow_model toy_binary = TOY("toy_binary", linear_eval, true);

/* ---- a crossbar with uneven values ------------------------------------------------------ */

static struct ow_crossbar crossbar(const struct ow_model *model, size_t rows, size_t cols)
{
    struct ow_error err = {0};
    struct ow_crossbar xb;
    ck_assert_ok(ow_crossbar_init(&xb, rows, cols, model, &err), err);
    xb.r_wordline = 1.7;
    xb.r_bitline = 2.3;
    xb.c_wordline = 0.11e-15;
    xb.c_bitline = 0.13e-15;
    xb.r_driver = 53.0;
    xb.sense = (struct ow_sense){.kind = OW_SENSE_TIA,
                                 .r_f = 1.9e3,
                                 .c_f = 7e-15,
                                 .gain = 1200.0,
                                 .gbw = 3e9,
                                 .r_out = 110.0,
                                 .c_in = 5e-15,
                                 .c_load = 17e-15,
                                 .v_os = -1e-3,
                                 .vdd = 1.8,
                                 .i_q = 21e-6};
    return xb;
}

static struct ow_circuit *circuit_of(const struct ow_crossbar *xb)
{
    struct ow_error err = {0};
    struct ow_circuit *c = NULL;
    ck_assert_ok(ow_circuit_create(xb, &c, &err), err);
    return c;
}

/* Every way in which lines can merge, for 3 x 5: nodes and resistors counted by hand. */
/* clang-format off */
static const struct { double r_wordline, r_driver; size_t nodes, resistors; } wline[] = {
    {1.7, 53.0,     15, 15}, /* driver and first segment are one element     */
    {1.7, 0.0,      15, 15},
    {0.0, 53.0,      3,  3}, /* one node a line                              */
    {0.0, 0.0,       0,  0}, /* the line is its source                       */
    {1.7, INFINITY, 15, 12}, /* nothing from the source                      */
    {0.0, INFINITY,  3,  0},
};
static const struct { double r_bitline; size_t nodes, resistors; } bline[] = {
    {2.3, 15, 15},
    {0.0,  0,  0},           /* the line is its sense input                  */
};
static const struct { enum ow_sense_kind kind; double r_f; size_t nodes, resistors; } sense[] = {
    {OW_SENSE_RESISTOR, 1.9e3,     5, 5},
    {OW_SENSE_RESISTOR, 0.0,       0, 0}, /* the input is ground             */
    {OW_SENSE_RESISTOR, INFINITY,  5, 0},
    {OW_SENSE_TIA,      1.9e3,    15, 5}, /* input, inner, output            */
    {OW_SENSE_DRIVER,   1.9e3,     5, 5}, /* to a source of its own          */
    {OW_SENSE_DRIVER,   0.0,       0, 0}, /* the input is that source        */
};
/* clang-format on */
#define LEN(a) (sizeof(a) / sizeof((a)[0]))
enum { ROWS = 3, COLS = 5, N_SENSE = LEN(sense), N_MERGE = 6 * 2 * N_SENSE };

static struct ow_crossbar merged(size_t k)
{
    struct ow_crossbar xb = crossbar(&toy_linear, ROWS, COLS);
    xb.r_wordline = wline[k / (2 * N_SENSE)].r_wordline;
    xb.r_driver = wline[k / (2 * N_SENSE)].r_driver;
    xb.r_bitline = bline[k / N_SENSE % 2].r_bitline;
    xb.sense.kind = sense[k % N_SENSE].kind;
    xb.sense.r_f = sense[k % N_SENSE].r_f;
    return xb;
}

START_TEST(test_merged_lines_have_the_nodes_and_elements_counted_by_hand)
{
    const size_t k = (size_t)_i;
    struct ow_crossbar xb = merged(k);
    struct ow_circuit *c = circuit_of(&xb);
    const bool is_driven = sense[k % N_SENSE].kind == OW_SENSE_DRIVER;
    ck_assert_uint_eq(c->n_source, ROWS + (is_driven ? COLS : 0));
    ck_assert_uint_eq(c->first_free, 1 + c->n_source);
    ck_assert_uint_eq(c->n_node, c->first_free + wline[k / (2 * N_SENSE)].nodes +
                                     bline[k / N_SENSE % 2].nodes + sense[k % N_SENSE].nodes);
    ck_assert_uint_eq(c->n_resistor, wline[k / (2 * N_SENSE)].resistors +
                                         bline[k / N_SENSE % 2].resistors +
                                         sense[k % N_SENSE].resistors);
    ck_assert_uint_eq(c->n_amp, sense[k % N_SENSE].kind == OW_SENSE_TIA ? COLS : 0);
    double drivers = 0.0, lines = 0.0;
    size_t n_sense = 0;
    for (size_t r = 0; r < c->n_resistor; r++) {
        const struct ow_resistor e = ow_circuit_resistor(c, r);
        ck_assert(e.a != e.b && e.a < c->n_node && e.b < c->n_node);
        ck_assert(e.r > 0.0 && isfinite(e.r));
        ck_assert(e.driver_share >= 0.0 && e.driver_share <= 1.0);
        n_sense += e.is_sense;
        drivers += e.driver_share * e.r;
        lines += e.is_sense ? 0.0 : (1.0 - e.driver_share) * e.r;
    }
    /* All the resistance there is, each part where it belongs. */
    const bool is_open = isinf(xb.r_driver);
    ck_assert_uint_eq(n_sense, is_driven ? 0 : sense[k % N_SENSE].resistors);
    ck_assert_close(
        drivers, (is_open ? 0.0 : ROWS * xb.r_driver) + (is_driven ? COLS * xb.sense.r_f : 0.0),
        1e-14, 0.0);
    ck_assert_close(lines, ROWS * (COLS - is_open) * xb.r_wordline + ROWS * COLS * xb.r_bitline,
                    1e-14, 0.0);
    ow_circuit_destroy(c);
    ow_crossbar_finish(&xb);
}
END_TEST

START_TEST(test_merging_keeps_all_capacitance_but_what_is_on_ground)
{
    const size_t k = (size_t)_i;
    struct ow_crossbar xb = merged(k);
    struct ow_circuit *c = circuit_of(&xb);
    const bool is_driven = sense[k % N_SENSE].kind == OW_SENSE_DRIVER;
    const bool at_ground = sense[k % N_SENSE].r_f == 0.0 && !is_driven;
    double expected = ROWS * COLS * xb.c_wordline;
    if (!at_ground) /* the load is the amplifier's */
        expected += COLS * (xb.sense.c_in + (is_driven ? 0.0 : xb.sense.c_load));
    if (!at_ground || xb.r_bitline > 0.0)
        expected += ROWS * COLS * xb.c_bitline;
    double sum = 0.0;
    for (size_t n = 0; n < c->n_node; n++)
        sum += ow_circuit_c(c, n);
    ck_assert_close(sum, expected, 1e-13, 0.0);
    ck_assert(ow_circuit_c(c, OW_GROUND) == 0.0);
    for (size_t a = 0; a < c->n_amp; a++)
        ck_assert(ow_circuit_c(c, c->amp[a].inner) == 0.0);
    /* A line on its source keeps the source's node charged. */
    if (xb.r_wordline == 0.0 && xb.r_driver == 0.0)
        ck_assert_close(ow_circuit_c(c, 2), COLS * xb.c_wordline, 1e-14, 0.0);
    ow_circuit_destroy(c);
    ow_crossbar_finish(&xb);
}
END_TEST

START_TEST(test_node_names_tell_all_nodes_apart)
{
    struct ow_crossbar xb = merged((size_t)_i);
    struct ow_circuit *c = circuit_of(&xb);
    char name[64][32];
    ck_assert(c->n_node <= LEN(name));
    for (size_t n = 0; n < c->n_node; n++) {
        ow_circuit_node_name(c, n, name[n]);
        for (size_t m = 0; m < n; m++)
            ck_assert_str_ne(name[n], name[m]);
    }
    ck_assert_str_eq(name[0], "0");
    ck_assert_str_eq(name[ROWS], "s2");
    /* Cell (2, 3) sits where its lines' names say, the first of source, word line, bit
     * line and sense input that the node stands for. */
    const char *te = xb.r_wordline > 0.0 ? "w2_3" : xb.r_driver > 0.0 ? "w2" : "s2";
    const bool is_driven = sense[_i % N_SENSE].kind == OW_SENSE_DRIVER;
    const bool is_merged = sense[_i % N_SENSE].r_f == 0.0;
    const char *merged_3 = is_driven ? "d3" : "0", *merged_0 = is_driven ? "d0" : "0";
    const char *be = xb.r_bitline > 0.0 ? "b2_3" : is_merged ? merged_3 : "b3";
    ck_assert_str_eq(name[ow_circuit_te(c, 2 * COLS + 3)], te);
    ck_assert_str_eq(name[ow_circuit_be(c, 2 * COLS + 3)], be);
    ck_assert_str_eq(name[c->sense_in[3]], is_merged            ? merged_3
                                           : xb.r_bitline > 0.0 ? "in3"
                                                                : "b3");
    /* The first of each block too. */
    ck_assert_str_eq(name[1], "s0");
    ck_assert_str_eq(name[ow_circuit_te(c, 0)], xb.r_wordline > 0.0 ? "w0_0"
                                                : xb.r_driver > 0.0 ? "w0"
                                                                    : "s0");
    ck_assert_str_eq(name[ow_circuit_be(c, 0)], xb.r_bitline > 0.0 ? "b0_0"
                                                : is_merged        ? merged_0
                                                                   : "b0");
    ck_assert_str_eq(name[c->sense_in[0]], is_merged            ? merged_0
                                           : xb.r_bitline > 0.0 ? "in0"
                                                                : "b0");
    if (c->n_amp) {
        ck_assert_str_eq(name[c->amp[0].inner], "a0");
        ck_assert_str_eq(name[c->amp[0].out], "out0");
        ck_assert_str_eq(name[c->amp[3].inner], "a3");
        ck_assert_str_eq(name[c->amp[3].out], "out3");
        ck_assert_uint_eq(c->amp[3].in, c->sense_in[3]);
        ck_assert_uint_eq(c->amp[3].out, c->sense_out[3]);
    } else {
        ck_assert_uint_eq(c->sense_out[3], c->sense_in[3]);
    }
    ow_circuit_destroy(c);
    ow_crossbar_finish(&xb);
}
END_TEST

/* ---- a small solver of resistive circuits, to ask what the elements mean ---------------- */

/* Node voltages of a circuit with ohmic cells g[rows*cols] (S) and a sense resistor: nodal
 * equations by Gaussian elimination with pivoting. */
static void solve(const struct ow_circuit *c, const double g[], const double v_row[],
                  double v[])
{
    const size_t n = c->n_node;
    double *a = calloc(n * (n + 1), sizeof *a); /* [n][n + 1]: matrix and right-hand side */
    ck_assert_ptr_nonnull(a);
#define A(r, s) a[(r) * (n + 1) + (s)]
    for (size_t e = 0; e < c->n_resistor + c->xb->rows * c->xb->cols; e++) {
        const bool is_cell = e >= c->n_resistor;
        const size_t k = e - (is_cell ? c->n_resistor : 0);
        const size_t p = is_cell ? ow_circuit_te(c, k) : ow_circuit_resistor(c, k).a;
        const size_t q = is_cell ? ow_circuit_be(c, k) : ow_circuit_resistor(c, k).b;
        const double y = is_cell ? g[k] : 1.0 / ow_circuit_resistor(c, k).r;
        A(p, p) += y, A(q, q) += y, A(p, q) -= y, A(q, p) -= y;
    }
    for (size_t r = 0; r < c->first_free; r++) {
        for (size_t s = 0; s <= n; s++)
            A(r, s) = r == s;
        A(r, n) = r ? v_row[r - 1] : 0.0;
    }
    for (size_t k = 0; k < n; k++) {
        size_t pivot = k;
        for (size_t r = k + 1; r < n; r++)
            if (fabs(A(r, k)) > fabs(A(pivot, k)))
                pivot = r;
        for (size_t s = 0; s <= n; s++) {
            const double t = A(k, s);
            A(k, s) = A(pivot, s);
            A(pivot, s) = t;
        }
        for (size_t r = 0; r < n; r++) {
            const double factor = r == k ? 0.0 : A(r, k) / A(k, k);
            for (size_t s = k; factor != 0.0 && s <= n; s++)
                A(r, s) -= factor * A(k, s);
        }
    }
    for (size_t k = 0; k < n; k++)
        v[k] = A(k, n) / A(k, k);
#undef A
    free(a);
}

/* Current into ground through each bit line, by the cells on it (Kirchhoff). */
static void bitline_currents(const struct ow_circuit *c, const double g[], const double v[],
                             double i[])
{
    const size_t cols = c->xb->cols;
    for (size_t j = 0; j < cols; j++) {
        i[j] = 0.0;
        for (size_t r = 0; r < c->xb->rows; r++) {
            const size_t k = r * cols + j;
            i[j] += g[k] * (v[ow_circuit_te(c, k)] - v[ow_circuit_be(c, k)]);
        }
    }
}

/* R[i][j] = 10 (4 i + j + 1) ohm, segments of 1 and 2 ohm, and the bit-line currents that
 * are published for it. */
START_TEST(test_published_network)
{
    static const double v_row[] = {3.0, 2.0, -1.0, 2.0, 3.0};
    static const double i_ref[] = {0.15274675287437675, 0.10872370543516569,
                                   0.08719952841122902, 0.07446608444256336};
    struct ow_crossbar xb = crossbar(&toy_linear, 5, 4);
    xb.r_driver = 0.0;
    xb.r_wordline = 1.0;
    xb.r_bitline = 2.0;
    xb.sense = (struct ow_sense){.kind = OW_SENSE_RESISTOR, .r_f = 0.0};
    struct ow_circuit *c = circuit_of(&xb);
    double g[20], v[64], i[4];
    for (size_t k = 0; k < 20; k++)
        g[k] = 1.0 / (10.0 * ((double)k + 1.0));
    solve(c, g, v_row, v);
    bitline_currents(c, g, v, i);
    for (size_t j = 0; j < 4; j++)
        ck_assert_close(i[j], i_ref[j], 1e-13, 0.0); /* 16 digits given, 46 equations */
    ow_circuit_destroy(c);
    ow_crossbar_finish(&xb);
}
END_TEST

/* What merging does must be the limit of small resistances (and infinite ones of large). */
START_TEST(test_merged_circuit_is_the_limit_of_small_resistances)
{
    static const double v_row[] = {0.31, 0.0, 0.173, 0.07, -0.11, 0.13, 0.0, 0.19};
    struct ow_crossbar xb = merged((size_t)_i);
    /* A TIA is no resistive circuit, and an array without any path to ground has no
     * defined voltages. */
    const bool is_skipped = xb.sense.kind == OW_SENSE_TIA || isinf(xb.sense.r_f);
    double g[ROWS * COLS], v[64], i[COLS], i_limit[COLS];
    for (size_t k = 0; k < ROWS * COLS; k++)
        g[k] = 1e-3 * (1.0 + 0.37 * (double)(k * k % 11));
    for (int is_limit = 0; is_limit < 2 && !is_skipped; is_limit++) {
        if (is_limit) { /* 1e-6 of 1 / g: what that does to the currents is below 1e-3 */
            const double small = 1e-6;
            xb.r_wordline = fmax(xb.r_wordline, small);
            xb.r_bitline = fmax(xb.r_bitline, small);
            xb.r_driver = fmin(fmax(xb.r_driver, small), 1e12);
            xb.sense.r_f = fmax(xb.sense.r_f, small);
        }
        struct ow_circuit *c = circuit_of(&xb);
        solve(c, g, v_row, v);
        bitline_currents(c, g, v, is_limit ? i_limit : i);
        ow_circuit_destroy(c);
    }
    for (size_t j = 0; j < COLS && !is_skipped; j++)
        /* 15 cells of up to 5 mS behind a few 1e-6 ohm: below 1e-6 relative; open drivers
         * of 1e12 ohm leak 1e-12 A; where bit lines are driven, currents of up to 1 mA
         * nearly cancel */
        ck_assert_close(i[j], i_limit[j], 1e-6,
                        xb.sense.kind == OW_SENSE_DRIVER ? 1e-9 : 1e-11);
    ow_crossbar_finish(&xb);
}
END_TEST

/* ---- the amplifier ---------------------------------------------------------------------- */

START_TEST(test_amplifier_matches_hand_values)
{
    struct ow_crossbar xb = crossbar(&toy_linear, 1, 1);
    const struct ow_sense *s = &xb.sense;
    double d_in, d_a;
    /* Far from the rails the clamp is e^-400 away: 1200 (-1 mV - 0.4 mV) - 0.5 V. */
    ck_assert_close(ow_amp_drive(s, 0.4e-3, 0.5, &d_in, &d_a), -1200.0 * 1.4e-3 - 0.5, 1e-11,
                    0.0);
    ck_assert_close(d_in, -1200.0, 1e-15, 0.0);
    ck_assert_close(d_a, -1.0, 1e-9, 0.0);
    /* At the rail exactly: h = 100 * 1 mV * ln 2, slope 50. */
    ck_assert_close(ow_amp_drive(s, 0.0, 0.9, &d_in, &d_a),
                    1200.0 * (-1e-3 - 0.1 * log(2.0)) - 0.9, 1e-13, 0.0);
    ck_assert_close(d_a, -1200.0 * 50.0 - 1.0, 1e-13, 0.0);
    /* 2.7 mV past the lower rail, where softplus(2.7) = 2.7650... */
    ck_assert_close(ow_amp_drive(s, 0.0, -0.9027, &d_in, &d_a),
                    1200.0 * (-1e-3 + 0.1 * log(1.0 + exp(2.7))) + 0.9027, 1e-11, 0.0);
    ck_assert_close(ow_amp_current(s, 0.31, 0.2), 1e-3, 1e-14, 0.0);
    ow_crossbar_finish(&xb);
}
END_TEST

START_TEST(test_amplifier_derivatives_match_differences)
{
    static const double v_a[] = {0.1, -0.3, 0.88, 0.9, 0.914, -0.893, -0.95, 3.7};
    struct ow_crossbar xb = crossbar(&toy_linear, 1, 1);
    for (size_t k = 0; k < LEN(v_a); k++) {
        const double h = 1e-7, v_in = 0.7e-3; /* h over the width of 10 mV: error (1e-5)^2 */
        double d_in, d_a, unused[2];
        const double mid = ow_amp_drive(&xb.sense, v_in, v_a[k], &d_in, &d_a);
        const double hi = ow_amp_drive(&xb.sense, v_in, v_a[k] + h, &unused[0], &unused[1]);
        const double lo = ow_amp_drive(&xb.sense, v_in, v_a[k] - h, &unused[0], &unused[1]);
        ck_assert_close(d_a, (hi - lo) / (2.0 * h), 1e-7, 1e-8 * fabs(mid) / h * 1e-6 + 1e-6);
        ck_assert_close(
            d_in, (ow_amp_drive(&xb.sense, v_in + h, v_a[k], &unused[0], &unused[1]) - mid) / h,
            1e-6, 0.0);
    }
    double d_in, d_a;
    ck_assert(isfinite(ow_amp_drive(&xb.sense, -1e6, 1e6, &d_in, &d_a)) && isfinite(d_a));
    ck_assert(isfinite(ow_amp_drive(&xb.sense, 1e6, -1e6, &d_in, &d_a)) && isfinite(d_a));
    ow_crossbar_finish(&xb);
}
END_TEST

/* ---- crossbar, pulse, reading, matrix --------------------------------------------------- */

START_TEST(test_crossbar_starts_with_own_ids_and_states)
{
    struct ow_crossbar xb = crossbar(&toy_linear, 4, 7);
    double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
    xb.param[OW_SEED] = 42.0;
    xb.spread[TOY_X0][2 * 7 + 5] = 0.625;
    ow_crossbar_cell(&xb, 2 * 7 + 5, param, x);
    ck_assert(param[OW_ID] == 19.0 && param[OW_SEED] == 42.0 && x[0] == 0.625);
    ow_crossbar_cell(&xb, 27, param, x);
    ck_assert(param[OW_ID] == 27.0 && x[0] == 0.25);
    double *scale = ow_crossbar_spread(&xb, OW_SCALE);
    ck_assert(scale && scale[0] == 1.0 && scale[27] == 1.0);
    scale[3] = 1.5;
    ck_assert_ptr_eq(ow_crossbar_spread(&xb, OW_SCALE), scale); /* values survive */
    ow_crossbar_cell(&xb, 3, param, x);
    ck_assert(param[OW_SCALE] == 1.5);
    ow_crossbar_finish(&xb);
    ow_crossbar_finish(&xb); /* twice is fine */
}
END_TEST

START_TEST(test_crossbar_sizes_are_refused)
{
    static const size_t size[][2] = {{0, 5}, {5, 0}, {65536, 65536}, {SIZE_MAX / 2, 4}};
    for (size_t k = 0; k < LEN(size); k++) {
        struct ow_error err = {0};
        struct ow_crossbar xb;
        ck_assert_int_eq(ow_crossbar_init(&xb, size[k][0], size[k][1], &toy_linear, &err),
                         OW_ERR_RANGE);
        ck_assert_int_eq(err.status, OW_ERR_RANGE);
        ow_crossbar_finish(&xb);
    }
}
END_TEST

#define AT(field) offsetof(struct ow_crossbar, field)
/* clang-format off */
static const struct { const char *says; size_t at; enum ow_sense_kind kind; double bad[4], good[3]; }
field[] = { /* lists end at their first repeated value */
    {"array.r_wordline", AT(r_wordline),   OW_SENSE_TIA,      {-1.0, NAN, INFINITY},       {0.0, 1e9}},
    {"array.r_bitline",  AT(r_bitline),    OW_SENSE_TIA,      {-1e-9, NAN, INFINITY},      {0.0, 1e9}},
    {"array.c_wordline", AT(c_wordline),   OW_SENSE_TIA,      {-1e-18, NAN, INFINITY},     {0.0, 1.0}},
    {"array.c_bitline",  AT(c_bitline),    OW_SENSE_RESISTOR, {-1e-18, NAN, INFINITY},     {0.0, 1.0}},
    {"array.r_driver",   AT(r_driver),     OW_SENSE_TIA,      {-1.0, NAN, -INFINITY},      {0.0, INFINITY}},
    {"sense.r_f",        AT(sense.r_f),    OW_SENSE_TIA,      {0.0, -1.0, NAN, INFINITY},  {1e-3, 1e9}},
    {"sense.r_f",        AT(sense.r_f),    OW_SENSE_RESISTOR, {-1.0, NAN, -INFINITY},      {0.0, 5.0, INFINITY}},
    {"sense.c_f",        AT(sense.c_f),    OW_SENSE_TIA,      {-1e-15, NAN, INFINITY},     {0.0, 1e-12}},
    {"sense.gain",       AT(sense.gain),   OW_SENSE_TIA,      {0.0, -7.0, NAN, INFINITY},  {1.0, 1e9}},
    {"sense.gbw",        AT(sense.gbw),    OW_SENSE_TIA,      {0.0, -7.0, NAN, INFINITY},  {1.0, 1e12}},
    {"sense.r_out",      AT(sense.r_out),  OW_SENSE_TIA,      {0.0, -7.0, NAN, INFINITY},  {1e-3, 1e9}},
    {"sense.c_in",       AT(sense.c_in),   OW_SENSE_RESISTOR, {-1e-15, NAN, INFINITY},     {0.0, 1e-12}},
    {"sense.c_load",     AT(sense.c_load), OW_SENSE_TIA,      {-1e-15, NAN, INFINITY},     {0.0, 1e-12}},
    {"sense.v_os",       AT(sense.v_os),   OW_SENSE_TIA,      {NAN, INFINITY, -INFINITY},  {-0.1, 0.0, 0.1}},
    {"sense.vdd",        AT(sense.vdd),    OW_SENSE_TIA,      {0.0, -1.8, NAN, INFINITY},  {0.7, 5.0}},
    {"sense.i_q",        AT(sense.i_q),    OW_SENSE_TIA,      {-1e-6, NAN, INFINITY},      {0.0, 1e-3}},
};
/* clang-format on */

START_TEST(test_fields_are_checked_and_named)
{
    struct ow_crossbar xb = crossbar(&toy_linear, 2, 3);
    double *y = (double *)(void *)((char *)&xb + field[_i].at);
    const double was = *y;
    struct ow_error err = {0};
    xb.sense.kind = field[_i].kind;
    ck_assert_ok(ow_crossbar_check(&xb, &err), err);
    for (size_t k = 0; k < 4 && (k < 3 || field[_i].bad[k] != 0.0); k++) {
        *y = field[_i].bad[k];
        ck_assert_int_eq(ow_crossbar_check(&xb, &err), OW_ERR_RANGE);
        ck_assert_msg(strstr(err.text, field[_i].says), "'%s' in: %s", field[_i].says,
                      err.text);
    }
    for (size_t k = 0; k < 2 || (k < 3 && field[_i].good[k] != 0.0); k++) {
        *y = field[_i].good[k];
        ck_assert_ok(ow_crossbar_check(&xb, &err), err);
    }
    *y = was;
    ow_crossbar_finish(&xb);
}
END_TEST

START_TEST(test_a_bad_cell_is_named_by_its_place)
{
    struct ow_crossbar xb = crossbar(&toy_linear, 3, 4);
    struct ow_error err = {0};
    xb.spread[TOY_X0][2 * 4 + 1] = 1.25;
    ck_assert_int_eq(ow_crossbar_check(&xb, &err), OW_ERR_RANGE);
    ck_assert_msg(strstr(err.text, "(2, 1)") && strstr(err.text, "x0 = 1.25"), "%s", err.text);
    xb.spread[TOY_X0][0] = NAN;
    ck_assert_int_eq(ow_crossbar_check(&xb, &err), OW_ERR_RANGE);
    ck_assert_msg(strstr(err.text, "(0, 0)"), "%s", err.text);
    ow_crossbar_finish(&xb);
}
END_TEST

START_TEST(test_pulse_has_its_corners)
{
    const struct ow_pulse p = {.t_rise = 0.5e-9, .t_read = 8e-9};
    /* clang-format off */
    static const struct { double t, height; } at[] = {
        {-1e-9, 0.0}, {0.0, 0.0}, {0.15e-9, 0.3}, {0.5e-9, 1.0}, {4e-9, 1.0}, {8.5e-9, 1.0},
        {8.6e-9, 0.8}, {8.95e-9, 0.1}, {9.0e-9, 0.0}, {17e-9, 0.0}, {1.0, 0.0},
    };
    /* clang-format on */
    for (size_t k = 0; k < LEN(at); k++) /* differences of ns are exact to 1e-15 or so */
        ck_assert_close(ow_pulse_at(&p, at[k].t), at[k].height, 0.0, 1e-13);
    ck_assert_close(ow_pulse_sample(&p), 8.5e-9, 1e-15, 0.0);
    ck_assert_close(ow_pulse_end(&p), 17e-9, 1e-15, 0.0);
}
END_TEST

START_TEST(test_reading_grows_and_keeps_its_points)
{
    struct ow_reading r;
    ck_assert_int_eq(ow_reading_init(&r, 3, 6, 2), OW_OK);
    for (size_t k = 0; k < 1000; k++) {
        const double v[3] = {(double)k, 0.5 * (double)k, -(double)k};
        ck_assert_int_eq(ow_waveform_append(&r.wave, 3, 1e-9 * (double)k, v), OW_OK);
    }
    ck_assert_uint_eq(r.wave.n, 1000);
    for (size_t k = 0; k < 1000; k++)
        ck_assert(r.wave.t[k] == 1e-9 * (double)k && r.wave.v[3 * k + 1] == 0.5 * (double)k &&
                  r.wave.v[3 * k + 2] == -(double)k);
    for (size_t k = 0; k < 6; k++)
        ck_assert(isnan(r.t_event[k]) && r.x_end[6 + k] == 0.0);
    ow_reading_finish(&r);
    ow_reading_finish(&r);
    ck_assert_int_eq(ow_reading_init(&r, 3, SIZE_MAX / 4, 3), OW_ERR_NOMEM);
    ow_reading_finish(&r);
}
END_TEST

START_TEST(test_residual_is_the_imbalance_over_what_flowed)
{
    struct ow_energy e = {.source = 7.1,
                          .supply = 5.0,
                          .quiescent = 3.5,
                          .output = 1.5,
                          .drivers = 1.3,
                          .devices = 2.9,
                          .wires = 0.7,
                          .sense = 6.4,
                          .stored = 0.6,
                          .throughput = 9.5};
    /* 12.1 in, 11.9 out */
    ck_assert_close(ow_energy_residual(&e), 0.2 / 9.5, 1e-13, 0.0);
    e.stored += 0.4;
    ck_assert_close(ow_energy_residual(&e), 0.2 / 9.5, 1e-13, 0.0);
    e.stored -= 0.2;
    ck_assert_close(ow_energy_residual(&e), 0.0, 0.0, 1e-15);
    ck_assert(ow_energy_residual(
                  &(struct ow_energy){.supply = 1.0, .quiescent = 1.0, .sense = 1.0}) == 0.0);
}
END_TEST

START_TEST(test_matrix_is_zero_and_refuses_overflow)
{
    struct ow_matrix m = ow_matrix_create(3, 5);
    ck_assert(m.rows == 3 && m.cols == 5);
    for (size_t k = 0; k < 15; k++)
        ck_assert(m.a[k] == 0.0);
    ck_assert_ptr_eq(ow_matrix_row(&m, 2), m.a + 10);
    ow_matrix_finish(&m);
    ck_assert(!m.a && m.rows == 0);
    static const size_t none[][2] = {{SIZE_MAX / 8, 3}, {SIZE_MAX / 2, 4}, {0, 5}, {5, 0}};
    for (size_t k = 0; k < LEN(none); k++) {
        m = ow_matrix_create(none[k][0], none[k][1]);
        ck_assert(!m.a && m.rows == 0 && m.cols == 0);
    }
    ow_matrix_finish(&m);
}
END_TEST

/* ---- weights ---------------------------------------------------------------------------- */

static const struct ow_mapping_spec plain = {.v_read = 0.23, .g_min = 3e-6, .g_max = 2.7e-4};

static struct ow_matrix matrix(size_t rows, size_t cols, const double a[])
{
    struct ow_matrix m = ow_matrix_create(rows, cols);
    ck_assert_ptr_nonnull(m.a);
    memcpy(m.a, a, rows * cols * sizeof *a);
    return m;
}

/* 3 inputs, 2 outputs; largest |w| is 1.6. */
static const double weight[] = {0.4, -1.6, 0.0, 0.8, -0.37, 1.1};

static double g_of(const struct ow_mapping *m, size_t row, size_t col)
{
    return ow_matrix_row(&m->g, row)[col];
}

START_TEST(test_weights_become_conductances_by_hand)
{
    const struct ow_model *const toys[] = {&toy_linear, &toy_falling};
    struct ow_matrix w = matrix(3, 2, weight);
    for (size_t t = 0; t < 2; t++) {
        struct ow_crossbar xb = crossbar(toys[t], 4, 5); /* one row and one column too many */
        struct ow_error err = {0};
        struct ow_mapping m;
        xb.param[TOY_B] = 2.1; /* bent: g at 0.23 V is not g at 0 */
        ck_assert_ok(ow_mapping_init(&plain, &w, &xb, &m, &err), err);
        ck_assert(m.w_max == 1.6 && m.levels == 0);
        ck_assert(m.g.rows == 4 && m.g.cols == 5 && m.wq.rows == 3 && m.wq.cols == 2);
        /* 3 uS + |w| / 1.6 * 267 uS.  The solve ends within 1e-14 of ln g, or where two
         * neighbouring states of a travel of 1 differ by 1e-16 * dln g / dx < 1e-14. */
        const double tol = 1e-12;
        ck_assert_close(g_of(&m, 0, 0), 3e-6 + 0.25 * 267e-6, tol, 0.0);
        ck_assert_close(g_of(&m, 0, 1), 3e-6, tol, 0.0);
        ck_assert_close(g_of(&m, 0, 2), 3e-6, tol, 0.0);
        ck_assert_close(g_of(&m, 0, 3), 270e-6, tol, 0.0);
        ck_assert_close(g_of(&m, 1, 0), 3e-6, tol, 0.0);
        ck_assert_close(g_of(&m, 1, 1), 3e-6, tol, 0.0);
        ck_assert_close(g_of(&m, 1, 2), 3e-6 + 0.5 * 267e-6, tol, 0.0);
        ck_assert_close(g_of(&m, 2, 1), 3e-6 + 0.37 / 1.6 * 267e-6, tol, 0.0);
        for (size_t k = 0; k < 5; k++)
            ck_assert_close(g_of(&m, 3, k), 3e-6, tol, 0.0);
        for (size_t k = 0; k < 4; k++)
            ck_assert_close(g_of(&m, k, 4), 3e-6, tol, 0.0);
        for (size_t k = 0; k < 6; k++)
            ck_assert_close(m.wq.a[k], weight[k], 1e-15, 0.0);
        /* What is in the array is what the matrix says. */
        ck_assert_close(ow_mapping_conductance(&xb, 2 * 5 + 1, 0.23), g_of(&m, 2, 1), 1e-15,
                        0.0);
        ck_assert_ok(ow_crossbar_check(&xb, &err), err);
        ow_mapping_finish(&m);
        ow_mapping_finish(&m);
        ow_crossbar_finish(&xb);
    }
    ow_matrix_finish(&w);
}
END_TEST

/* A part of a larger matrix, on an array of its own, is mapped as in the whole. */
START_TEST(test_w_max_of_a_larger_matrix)
{
    struct ow_matrix w = matrix(3, 2, weight), row = matrix(1, 2, weight + 4),
                     zero = ow_matrix_create(1, 2);
    struct ow_crossbar xb[] = {crossbar(&toy_linear, 3, 4), crossbar(&toy_linear, 1, 4),
                               crossbar(&toy_linear, 1, 4)};
    struct ow_mapping_spec part = plain;
    struct ow_mapping m[3];
    struct ow_error err = {0};
    part.levels = 5;
    ck_assert_ok(ow_mapping_init(&part, &w, &xb[0], &m[0], &err), err);
    ck_assert_ok(ow_mapping_w_max(&w, &part.w_max, &err), err);
    ck_assert_double_eq(part.w_max, 1.6);
    ck_assert_ok(ow_mapping_init(&part, &row, &xb[1], &m[1], &err), err);
    ck_assert_double_eq(m[1].w_max, 1.6);
    ck_assert_mem_eq(m[1].g.a, ow_matrix_row(&m[0].g, 2), 4 * sizeof(double));
    ck_assert_mem_eq(m[1].wq.a, ow_matrix_row(&m[0].wq, 2), 2 * sizeof(double));
    ck_assert_ok(ow_mapping_init(&part, &zero, &xb[2], &m[2], &err), err);
    for (size_t j = 0; j < 4; j++)
        ck_assert_close(g_of(&m[2], 0, j), 3e-6, 1e-12, 0.0);
    for (int k = 0; k < 3; k++) {
        ow_mapping_finish(&m[k]);
        ow_crossbar_finish(&xb[k]);
    }
    ow_matrix_finish(&w);
    ow_matrix_finish(&row);
    ow_matrix_finish(&zero);
}
END_TEST

/* Linear in x: the state itself is known, 3 uS is x = 1 uS / 298 uS. */
START_TEST(test_programmed_state_by_hand)
{
    struct ow_matrix w = matrix(1, 1, (const double[]){-2.0});
    struct ow_crossbar xb = crossbar(&toy_linear, 1, 2);
    struct ow_error err = {0};
    struct ow_mapping m;
    ck_assert_ok(ow_mapping_init(&plain, &w, &xb, &m, &err), err);
    ck_assert_close(xb.spread[TOY_X0][0], 1.0 / 298.0, 1e-11, 0.0);
    ck_assert_close(xb.spread[TOY_X0][1], 268.0 / 298.0, 1e-11, 0.0);
    ow_mapping_finish(&m);
    ow_crossbar_finish(&xb);
    ow_matrix_finish(&w);
}
END_TEST

START_TEST(test_levels_round_to_the_nearest)
{
    /* 4 levels of |w|/w_max: 0, 1/3, 2/3, 1 */
    static const double w_in[] = {3.0, 0.49, -0.51, 1.49, -1.51, 2.51};
    static const double w_out[] = {3.0, 0.0, -1.0, 1.0, -2.0, 3.0};
    struct ow_matrix w = matrix(6, 1, w_in);
    struct ow_crossbar xb = crossbar(&toy_falling, 6, 2);
    struct ow_mapping_spec spec = plain;
    struct ow_error err = {0};
    struct ow_mapping m;
    spec.levels = 4;
    ck_assert_ok(ow_mapping_init(&spec, &w, &xb, &m, &err), err);
    for (size_t k = 0; k < 6; k++) {
        ck_assert_close(m.wq.a[k], w_out[k], 1e-15, 0.0);
        ck_assert_close((g_of(&m, k, 0) - g_of(&m, k, 1)) * 3.0 / 267e-6, w_out[k], 1e-11,
                        1e-13);
    }
    ow_mapping_finish(&m);
    ow_crossbar_finish(&xb);
    ow_matrix_finish(&w);
}
END_TEST

/* Every model of the registry holds the weights it is given, at its own limits too. */
START_TEST(test_registry_holds_its_weights)
{
    const struct ow_model *model = ow_models[_i];
    struct ow_matrix w = matrix(3, 2, weight);
    struct ow_crossbar xb = crossbar(model, 3, 4);
    struct ow_mapping_spec spec = {.v_read = 0.1};
    struct ow_error err = {0};
    struct ow_mapping m;
    ow_mapping_reach(&xb, 0, spec.v_read, &spec.g_min, &spec.g_max);
    if (model->n_state == 0) { /* a selector has nothing to programme */
        ck_assert_int_eq(ow_mapping_init(&spec, &w, &xb, &m, &err), OW_ERR_INPUT);
        ow_crossbar_finish(&xb);
        ow_matrix_finish(&w);
        return;
    }
    ck_assert_double_lt(spec.g_min, spec.g_max);
    spec.g_min = fmax(spec.g_min, 1e-3 * spec.g_max); /* yakopcic reaches down to 0 */
    for (int inner = 0; inner <= !model->is_binary; inner++) {
        if (inner) { /* well inside, unevenly */
            const double ratio = spec.g_max / spec.g_min;
            spec.g_max = spec.g_min * pow(ratio, 0.83);
            spec.g_min *= pow(ratio, 0.19);
        }
        ck_assert_ok(ow_mapping_init(&spec, &w, &xb, &m, &err), err);
        const double span = spec.g_max - spec.g_min;
        for (size_t k = 0; k < 6; k++) {
            const double got =
                1.6 * (g_of(&m, k / 2, k % 2 * 2) - g_of(&m, k / 2, k % 2 * 2 + 1)) / span;
            ck_assert_close(got, m.wq.a[k], 1e-9, 1e-10);
            ck_assert_close(m.wq.a[k],
                            !model->is_binary       ? weight[k]
                            : fabs(weight[k]) < 0.8 ? 0.0
                                                    : copysign(1.6, weight[k]),
                            1e-15, 0.0);
        }
        ow_mapping_finish(&m);
    }
    ow_crossbar_finish(&xb);
    ow_matrix_finish(&w);
}
END_TEST

/* The travel of the programmed state bounds what can be written, not its parameter. */
START_TEST(test_reach_ends_with_the_travel)
{
    struct ow_matrix w = matrix(3, 2, weight);
    struct ow_crossbar xb = crossbar(&toy_narrow, 3, 4);
    struct ow_mapping_spec spec = plain;
    struct ow_error err = {0};
    struct ow_mapping m;
    double lo, hi;
    xb.param[OW_SCALE] = 0.5; /* the shared scale is part of the device */
    ow_mapping_reach(&xb, 7, 0.2, &lo, &hi);
    ck_assert_close(lo, 0.5 * (2e-6 + 0.2 * 298e-6), 1e-14, 0.0); /* 30.8 uS  */
    ck_assert_close(hi, 0.5 * (2e-6 + 0.8 * 298e-6), 1e-14, 0.0); /* 120.2 uS */
    spec.g_min = 31e-6, spec.g_max = 121e-6;
    ck_assert_int_eq(ow_mapping_init(&spec, &w, &xb, &m, &err), OW_ERR_INPUT);
    spec.g_min = 30e-6, spec.g_max = 120e-6;
    ck_assert_int_eq(ow_mapping_init(&spec, &w, &xb, &m, &err), OW_ERR_INPUT);
    ck_assert_msg(strstr(err.text, "from 3.08e-05 S to 0.0001202 S"), "%s", err.text);
    spec.g_min = lo, spec.g_max = hi;
    ck_assert_ok(ow_mapping_init(&spec, &w, &xb, &m, &err), err);
    ck_assert(xb.spread[TOY_X0][0 * 4 + 3] == 0.8 && xb.spread[TOY_X0][0 * 4 + 2] == 0.2);
    ck_assert_close(xb.spread[TOY_X0][1 * 4 + 2], 0.5, 1e-12, 0.0);
    ck_assert(m.scale[5] == 0.5);
    ow_mapping_finish(&m);
    ow_crossbar_finish(&xb);
    ow_matrix_finish(&w);
}
END_TEST

/* Cells that differ are inverted one by one, and the one that falls short is named. */
START_TEST(test_cells_with_a_spread_are_programmed_each_for_itself)
{
    struct ow_matrix w = matrix(3, 2, weight);
    struct ow_crossbar xb = crossbar(&toy_linear, 3, 4);
    struct ow_error err = {0};
    struct ow_mapping m;
    double *g_on = ow_crossbar_spread(&xb, TOY_G_ON);
    ck_assert_ptr_nonnull(g_on);
    for (size_t k = 0; k < 12; k++)
        g_on[k] = 2.8e-4 + 1.3e-5 * (double)(k * 5 % 12);
    ck_assert_ok(ow_mapping_init(&plain, &w, &xb, &m, &err), err);
    ck_assert_close(g_of(&m, 1, 2), 3e-6 + 0.5 * 267e-6, 1e-12, 0.0);
    ck_assert_close(xb.spread[TOY_X0][6], (3e-6 + 0.5 * 267e-6 - 2e-6) / (g_on[6] - 2e-6),
                    1e-11, 0.0);
    ow_mapping_finish(&m);
    g_on[1 * 4 + 3] = 2.6e-4;
    ck_assert_int_eq(ow_mapping_init(&plain, &w, &xb, &m, &err), OW_ERR_INPUT);
    ck_assert_msg(strstr(err.text, "cell (1, 3) reaches from 2e-06 S to 0.00026 S"), "%s",
                  err.text);
    ow_crossbar_finish(&xb);
    ow_matrix_finish(&w);
}
END_TEST

/* ---- what goes wrong in a real array ---------------------------------------------------- */

enum { MANY = 60 }; /* x 60 cells */

/* MANY x MANY/2 weights that leave every G+ at half range and every G- at g_min. */
static void map_many(const struct ow_model *model, const struct ow_mapping_spec *spec,
                     double seed, struct ow_crossbar *xb, struct ow_mapping *m)
{
    struct ow_matrix w = ow_matrix_create(MANY, MANY / 2);
    struct ow_error err = {0};
    for (size_t k = 0; k < MANY * MANY / 2; k++)
        w.a[k] = 0.5;
    w.a[0] = 1.0;
    *xb = crossbar(model, MANY, MANY);
    xb->param[OW_SEED] = seed;
    ck_assert_ok(ow_mapping_init(spec, &w, xb, m, &err), err);
    ow_matrix_finish(&w);
}

/* Mean and deviation of g / target - 1 over the G+ arms but the first. */
static void statistics(const struct ow_mapping *m, double target, double *mean, double *sigma)
{
    double sum = 0.0, square = 0.0;
    const size_t n = MANY * MANY / 2 - 1;
    for (size_t k = 1; k <= n; k++) {
        const double e = m->g.a[2 * k] / target - 1.0;
        sum += e;
        square += e * e;
    }
    *mean = sum / (double)n;
    *sigma = sqrt(square / (double)n - *mean * *mean);
}

/* 1799 draws: the mean is good to sigma / 42, the deviation to sigma / 60; four times that
 * is allowed.  The seed is fixed, so this passes always or never. */
static void check_statistics(const struct ow_mapping *m, double target, double sigma)
{
    double mean, dev;
    statistics(m, target, &mean, &dev);
    ck_assert_close(mean, 0.0, 0.0, 4.0 * sigma / 42.0);
    ck_assert_close(dev, sigma, 4.0 / 60.0, 0.0);
}

static const double half = 3e-6 + 0.5 * 267e-6; /* S, the G+ arms of map_many() */

START_TEST(test_programming_error_has_its_spread_and_stays_reachable)
{
    struct ow_mapping_spec spec = plain;
    struct ow_crossbar xb;
    struct ow_mapping m;
    spec.sigma_program = 0.07;
    map_many(&toy_falling, &spec, 5.0, &xb, &m);
    check_statistics(&m, half, 0.07);
    ck_assert_ptr_null(xb.spread[OW_SCALE]); /* it is in the state, not in the scale */
    ow_mapping_finish(&m);
    ow_crossbar_finish(&xb);

    /* With 60 % the write often asks for more than the device has: 2 to 300 uS. */
    spec.sigma_program = 0.6;
    spec.g_min = 2e-6;
    spec.g_max = 3e-4;
    map_many(&toy_falling, &spec, 5.0, &xb, &m);
    size_t n_cut = 0;
    for (size_t k = 0; k < MANY * MANY; k++) {
        ck_assert(m.g.a[k] >= 2e-6 * (1.0 - 1e-12) && m.g.a[k] <= 3e-4 * (1.0 + 1e-12));
        n_cut += m.g.a[k] <= 2e-6 * (1.0 + 1e-9);
    }
    ck_assert(n_cut > MANY * MANY / 5); /* half of the arms at g_min land below it */
    ow_mapping_finish(&m);
    ow_crossbar_finish(&xb);
}
END_TEST

START_TEST(test_device_spread_is_not_made_up_for)
{
    struct ow_mapping_spec spec = plain;
    struct ow_crossbar xb, calm;
    struct ow_mapping m, n;
    map_many(&toy_linear, &spec, 5.0, &calm, &n);
    spec.sigma_d2d = 0.11;
    map_many(&toy_linear, &spec, 5.0, &xb, &m);
    check_statistics(&m, half, 0.11);
    for (size_t k = 0; k < MANY * MANY; k++) {
        ck_assert(xb.spread[TOY_X0][k] == calm.spread[TOY_X0][k]); /* same write */
        ck_assert(xb.spread[OW_SCALE][k] == m.scale[k]);
        ck_assert_close(m.g.a[k], m.scale[k] * n.g.a[k], 1e-14, 0.0);
    }
    ow_mapping_finish(&n);
    ow_mapping_finish(&m);
    ow_crossbar_finish(&calm);
    ow_crossbar_finish(&xb);
}
END_TEST

START_TEST(test_read_noise_is_another_in_every_vector_and_repeatable)
{
    struct ow_mapping_spec spec = plain;
    struct ow_crossbar xb;
    struct ow_mapping m;
    spec.sigma_read = 0.05;
    spec.sigma_d2d = 0.2;
    map_many(&toy_linear, &spec, 9.0, &xb, &m);
    check_statistics(&m, half, 0.2); /* m.g is without the read noise */
    double first[MANY * MANY], cross = 0.0, square = 0.0;
    ow_mapping_redraw(&m, &xb, 0);
    memcpy(first, xb.spread[OW_SCALE], sizeof first);
    ow_mapping_redraw(&m, &xb, 1);
    for (size_t k = 0; k < MANY * MANY; k++) {
        const double a = first[k] / m.scale[k] - 1.0;
        const double b = xb.spread[OW_SCALE][k] / m.scale[k] - 1.0;
        cross += a * b / (MANY * MANY);
        square += b * b / (MANY * MANY);
    }
    /* 3600 draws: deviation to 1/85, correlation of independent draws to 1/60 (x 4) */
    ck_assert_close(sqrt(square), 0.05, 4.0 / 85.0, 0.0);
    ck_assert_close(cross / (0.05 * 0.05), 0.0, 0.0, 4.0 / 60.0);
    ow_mapping_redraw(&m, &xb, 0);
    ck_assert(memcmp(first, xb.spread[OW_SCALE], sizeof first) == 0);
    ow_mapping_finish(&m);
    ow_crossbar_finish(&xb);
}
END_TEST

/* 4 k T B of 330 uS, 1.380649e-23 J/K, 300.15 K (a model without a temperature) or JART's 293
 * K, and 100 MHz, through 5 kohm of a TIA or over 700 ohm in parallel to the devices. */
START_TEST(test_thermal_noise_matches_hand_values)
{
    struct ow_matrix g = ow_matrix_create(2, 2);
    struct ow_crossbar xb = crossbar(&toy_linear, 2, 2);
    g.a[0] = 7e-6, g.a[1] = 1e-4, g.a[3] = 2.3e-4;
    xb.sense.kind = OW_SENSE_TIA;
    xb.sense.r_f = 5e3;
    ck_assert_close(ow_noise_thermal(&xb, &g, 1e8, 1), 1.1694126437040948e-4, 1e-9, 0.0);
    xb.sense.kind = OW_SENSE_RESISTOR;
    xb.sense.r_f = 700.0;
    ck_assert_close(ow_noise_thermal(&xb, &g, 1e8, 1), 1.3299575151793117e-5, 1e-9, 0.0);
    xb.sense.r_f = 0.0; /* the input is ground */
    ck_assert(ow_noise_thermal(&xb, &g, 1e8, 1) == 0.0);
    ow_crossbar_finish(&xb);
    xb = crossbar(ow_model_find("jart"), 2, 2);
    xb.param[ow_param_index(xb.model, "temp")] = 19.85;
    xb.sense.kind = OW_SENSE_TIA;
    xb.sense.r_f = 5e3;
    ck_assert_close(ow_noise_thermal(&xb, &g, 1e8, 1), 1.1554001549679662e-4, 1e-9, 0.0);
    ow_crossbar_finish(&xb);
    ow_matrix_finish(&g);
    /* K = 2e-7 from 1/40 Hz to 100 MHz */
    ck_assert_close(ow_noise_flicker(2e-7, 0.025, 1e8), 2.1028342872450173e-3, 1e-12, 0.0);
    ck_assert(ow_noise_flicker(0.0, 0.025, 1e8) == 0.0);
}
END_TEST

/* Each read and column has a draw of its own: normal, with the deviation of its column. */
START_TEST(test_thermal_noise_is_normal_and_of_each_read)
{
    enum { N_READ = 10000 };
    static double u[2][N_READ], off[N_READ];
    struct ow_matrix g = ow_matrix_create(2, 2), v = ow_matrix_create(N_READ, 2),
                     quiet = ow_matrix_create(1, 2), few = ow_matrix_create(9, 2);
    struct ow_crossbar xb = crossbar(&toy_linear, 2, 2);
    double cross = 0.0;
    g.a[0] = 7e-6, g.a[1] = 1e-4, g.a[3] = 2.3e-4;
    xb.sense.kind = OW_SENSE_TIA;
    xb.sense.r_f = 5e3;
    xb.param[OW_SEED] = 5.0;
    for (size_t k = 0; k < N_READ; k++)
        v.a[2 * k] = v.a[2 * k + 1] = 0.25;
    ow_noise_add_thermal(&xb, &g, 1e8, &v);
    for (size_t k = 0; k < N_READ; k++) {
        double z[2];
        for (size_t j = 0; j < 2; j++) {
            z[j] = (v.a[2 * k + j] - 0.25) / ow_noise_thermal(&xb, &g, 1e8, j);
            u[j][k] = normal_cdf(z[j]);
        }
        cross += z[0] * z[1] / N_READ;
        off[k] = normal_cdf(z[1] / 1.06); /* must be seen */
    }
    for (int j = 0; j < 2; j++) {
        const double p = ks_probability(ks_uniform(u[j], N_READ), N_READ);
        ck_assert_msg(p > 0.01, "column %d: p = %g", j, p);
    }
    ck_assert(ks_probability(ks_uniform(off, N_READ), N_READ) < 0.01);
    ck_assert_close(cross, 0.0, 0.0, 3.9 / sqrt(N_READ));
    /* a read's draw is its own, however many there are; without a bandwidth there is none */
    for (size_t k = 0; k < 18; k++)
        few.a[k] = 0.25;
    ow_noise_add_thermal(&xb, &g, 1e8, &few);
    ck_assert_mem_eq(few.a, v.a, 18 * sizeof *few.a);
    /* and that of its devices' ids: other cells, other noise */
    for (size_t k = 0; k < 4; k++)
        xb.spread[OW_ID][k] += 2.0;
    for (size_t k = 0; k < 18; k++)
        few.a[k] = 0.25;
    ow_noise_add_thermal(&xb, &g, 1e8, &few);
    for (size_t k = 0; k < 18; k++)
        ck_assert(few.a[k] != v.a[k] && few.a[k] != 0.25);
    quiet.a[0] = 0.5;
    ow_noise_add_thermal(&xb, &g, 0.0, &quiet);
    ck_assert(quiet.a[0] == 0.5 && quiet.a[1] == 0.0);
    ow_crossbar_finish(&xb);
    ow_matrix_finish(&g);
    ow_matrix_finish(&v);
    ow_matrix_finish(&quiet);
    ow_matrix_finish(&few);
}
END_TEST

START_TEST(test_stuck_devices_sit_at_the_ends_and_do_not_move)
{
    struct ow_mapping_spec spec = plain;
    struct ow_crossbar xb;
    struct ow_mapping m;
    spec.stuck_on = 0.1;
    spec.stuck_off = 0.25;
    spec.sigma_program = 0.04; /* a write does not reach them */
    map_many(&toy_falling, &spec, 3.0, &xb, &m);
    size_t n_on = 0, n_off = 0;
    for (size_t k = 0; k < MANY * MANY; k++) {
        const bool is_stuck = xb.spread[OW_RATE][k] == 0.0;
        ck_assert(is_stuck || xb.spread[OW_RATE][k] == 1.0);
        const bool is_on = is_stuck && m.g.a[k] > half;
        n_on += is_on;
        n_off += is_stuck && !is_on;
        if (is_stuck)
            ck_assert_close(m.g.a[k], is_on ? 2.7e-4 : 3e-6, 1e-12, 0.0);
    }
    ck_assert_uint_eq(n_on, m.n_stuck_on);
    ck_assert_uint_eq(n_off, m.n_stuck_off);
    /* binomial: 360 +- 18, 900 +- 26; four of those */
    ck_assert_close((double)n_on, 360.0, 0.0, 72.0);
    ck_assert_close((double)n_off, 900.0, 0.0, 104.0);
    ow_mapping_finish(&m);
    ow_crossbar_finish(&xb);
}
END_TEST

static double z_of(enum ow_draw purpose, uint64_t id, uint64_t event)
{
    const struct ow_draw_key key = {.seed = 77, .purpose = purpose, .id = id, .event = event};
    return ow_draw_normal(&key);
}

/* Which number belongs to which cell is a promise: results are repeated by seed. */
START_TEST(test_draws_are_keyed_by_seed_id_purpose_and_vector)
{
    struct ow_mapping_spec spec = plain;
    struct ow_crossbar xb;
    struct ow_mapping m;
    spec.sigma_program = 0.01, spec.sigma_d2d = 0.02, spec.sigma_read = 0.03;
    map_many(&toy_linear, &spec, 77.0, &xb, &m);
    ck_assert_ptr_null(xb.spread[OW_RATE]); /* nothing is stuck */
    ow_mapping_redraw(&m, &xb, 41);
    for (uint64_t id = 0; id < 6; id += 2) { /* G+ arms: w_max, then half range */
        const double target = id ? half : 2.7e-4;
        const double d2d = 1.0 + 0.02 * z_of(OW_DRAW_D2D, id, 0);
        ck_assert_close(m.scale[id], d2d, 1e-15, 0.0);
        ck_assert_close(m.g.a[id], target * (1.0 + 0.01 * z_of(OW_DRAW_PROGRAM, id, 0)) * d2d,
                        1e-12, 0.0);
        ck_assert_close(xb.spread[OW_SCALE][id],
                        d2d * (1.0 + 0.03 * z_of(OW_DRAW_READ, id, 41)), 1e-15, 0.0);
    }
    ow_mapping_finish(&m);
    ow_crossbar_finish(&xb);
}
END_TEST

START_TEST(test_seed_decides_all_draws)
{
    struct ow_mapping_spec spec = plain;
    struct ow_crossbar a, b, c;
    struct ow_mapping ma, mb, mc;
    spec.sigma_program = 0.1, spec.sigma_d2d = 0.1, spec.stuck_on = 0.05;
    map_many(&toy_linear, &spec, 11.0, &a, &ma);
    map_many(&toy_linear, &spec, 11.0, &b, &mb);
    map_many(&toy_linear, &spec, 12.0, &c, &mc);
    size_t n_same = 0;
    for (size_t k = 0; k < MANY * MANY; k++) {
        ck_assert(ma.g.a[k] == mb.g.a[k]);
        n_same += ma.g.a[k] == mc.g.a[k];
    }
    ck_assert(n_same < MANY); /* stuck twice is possible, the rest is continuous */
    ow_mapping_finish(&ma), ow_mapping_finish(&mb), ow_mapping_finish(&mc);
    ow_crossbar_finish(&a), ow_crossbar_finish(&b), ow_crossbar_finish(&c);
}
END_TEST

START_TEST(test_binary_devices_take_two_levels)
{
    struct ow_matrix w = matrix(3, 2, weight);
    struct ow_crossbar xb = crossbar(&toy_binary, 3, 4);
    struct ow_mapping_spec spec = {.v_read = 0.2, .g_min = 2.01e-6, .g_max = 2.99e-4};
    struct ow_error err = {0};
    struct ow_mapping m;
    ck_assert_ok(ow_mapping_init(&spec, &w, &xb, &m, &err), err);
    /* within 1 % of its own two, which then count exactly */
    ck_assert_close(m.g_min, 2e-6, 1e-14, 0.0);
    ck_assert_close(m.g_max, 3e-4, 1e-14, 0.0);
    ck_assert_uint_eq(m.levels, 2);
    static const double wq[] = {0.0, -1.6, 0.0, 1.6, 0.0, 1.6}; /* 0.8 is half: up */
    for (size_t k = 0; k < 6; k++)
        ck_assert_close(m.wq.a[k], wq[k], 1e-15, 0.0);
    ck_assert(xb.spread[TOY_X0][3] == 1.0 && xb.spread[TOY_X0][2] == 0.0);
    ow_mapping_finish(&m);
    spec.levels = 4;
    ck_assert_int_eq(ow_mapping_init(&spec, &w, &xb, &m, &err), OW_ERR_INPUT);
    ck_assert_msg(strstr(err.text, "mapping.levels = 4"), "%s", err.text);
    spec.levels = 2;
    spec.g_max = 2e-4; /* no state in between */
    ck_assert_int_eq(ow_mapping_init(&spec, &w, &xb, &m, &err), OW_ERR_INPUT);
    ck_assert_msg(strstr(err.text, "2e-06 S and 0.0003 S"), "%s", err.text);
    ow_crossbar_finish(&xb);
    ow_matrix_finish(&w);

    /* A programming error has no state to go to: it is in the current. */
    spec = (struct ow_mapping_spec){
        .v_read = 0.2, .g_min = 2e-6, .g_max = 3e-4, .sigma_program = 0.08};
    map_many(&toy_binary, &spec, 1.0, &xb, &m);
    check_statistics(&m, 3e-4, 0.08);
    ow_mapping_finish(&m);
    ow_crossbar_finish(&xb);
}
END_TEST

/* One thing wrong each, and the word that says what. */
/* clang-format off */
static const struct {
    struct ow_mapping_spec spec;
    size_t rows, cols;
    double w0;                   /* instead of the first weight           */
    enum ow_status status;
    const char *says;
} refused[] = {
    {{.v_read = 0.2, .g_min = 3e-6, .g_max = 2e-4}, 2, 4, 1.0,   OW_ERR_INPUT, "array.rows = 2: expected at least 3"},
    {{.v_read = 0.2, .g_min = 3e-6, .g_max = 2e-4}, 3, 3, 1.0,   OW_ERR_INPUT, "array.cols = 3: expected at least 4"},
    {{.v_read = 0.2, .g_min = 3e-6, .g_max = 2e-4}, 3, 4, NAN,   OW_ERR_INPUT, "weight (0, 0)"},
    {{.v_read = 0.2, .g_min = 3e-6, .g_max = 2e-4}, 3, 4, -INFINITY, OW_ERR_INPUT, "weight (0, 0)"},
    {{.v_read = 0.2, .g_min = 3e-6, .g_max = 2e-4, .w_max = 2.0}, 3, 4, -2.1, OW_ERR_INPUT, "weight (0, 0) is -2.1: expected a magnitude up to 2"},
    {{.v_read = 0.2, .g_min = 3e-6, .g_max = 2e-4, .w_max = 2.0}, 3, 4, NAN, OW_ERR_INPUT, "weight (0, 0)"},
    {{.v_read = 0.0, .g_min = 3e-6, .g_max = 2e-4}, 3, 4, 1.0,   OW_ERR_INPUT, "input.v_read = 0"},
    {{.v_read = INFINITY, .g_min = 3e-6, .g_max = 2e-4}, 3, 4, 1.0,   OW_ERR_INPUT, "input.v_read = "},
    {{.v_read = -0.2, .g_min = 3e-6, .g_max = 2e-4}, 3, 4, 1.0,   OW_ERR_INPUT, "input.v_read = "},
    {{.v_read = NAN, .g_min = 3e-6, .g_max = 2e-4}, 3, 4, 1.0,   OW_ERR_INPUT, "input.v_read = "},
    {{.v_read = 0.2, .g_min = 3e-4, .g_max = 2e-4}, 3, 4, 1.0,   OW_ERR_INPUT, "g_min < g_max"},
    {{.v_read = 0.2, .g_min = 2e-4, .g_max = 2e-4}, 3, 4, 1.0,   OW_ERR_INPUT, "g_min < g_max"},
    {{.v_read = 0.2, .g_min = 0.0,  .g_max = 2e-4}, 3, 4, 1.0,   OW_ERR_INPUT, "g_min < g_max"},
    {{.v_read = 0.2, .g_min = 3e-6, .g_max = 4e-4}, 3, 4, 1.0,   OW_ERR_INPUT, "reaches from 2e-06 S to 0.0003 S"},
    {{.v_read = 0.2, .g_min = 1e-6, .g_max = 2e-4}, 3, 4, 1.0,   OW_ERR_INPUT, "reaches from 2e-06 S to 0.0003 S"},
    {{.v_read = 0.2, .g_min = 3e-6, .g_max = 2e-4, .levels = 1}, 3, 4, 1.0, OW_ERR_INPUT, "mapping.levels = 1"},
    {{.v_read = 0.2, .g_min = 3e-6, .g_max = 2e-4, .sigma_program = -0.1}, 3, 4, 1.0, OW_ERR_INPUT, "device.sigma_program"},
    {{.v_read = 0.2, .g_min = 3e-6, .g_max = 2e-4, .sigma_d2d = NAN},  3, 4, 1.0, OW_ERR_INPUT, "device.sigma_d2d"},
    {{.v_read = 0.2, .g_min = 3e-6, .g_max = 2e-4, .sigma_read = 1.1}, 3, 4, 1.0, OW_ERR_INPUT, "device.sigma_read"},
    {{.v_read = 0.2, .g_min = 3e-6, .g_max = 2e-4, .stuck_on = 1.1},   3, 4, 1.0, OW_ERR_INPUT, "device.stuck_on"},
    {{.v_read = 0.2, .g_min = 3e-6, .g_max = 2e-4, .stuck_off = -0.1}, 3, 4, 1.0, OW_ERR_INPUT, "device.stuck_off"},
    {{.v_read = 0.2, .g_min = 3e-6, .g_max = 2e-4, .stuck_on = 0.6, .stuck_off = 0.6}, 3, 4, 1.0, OW_ERR_INPUT, "stuck_on + device.stuck_off"},
};
/* clang-format on */

START_TEST(test_every_refusal_names_its_cause)
{
    struct ow_matrix w = matrix(3, 2, weight);
    struct ow_crossbar xb = crossbar(&toy_falling, refused[_i].rows, refused[_i].cols);
    struct ow_mapping m = {.w_max = 7.0};
    struct ow_error err = {0};
    w.a[0] = refused[_i].w0;
    ck_assert_int_eq(ow_mapping_init(&refused[_i].spec, &w, &xb, &m, &err), refused[_i].status);
    ck_assert_int_eq(err.status, refused[_i].status);
    ck_assert_msg(strstr(err.text, refused[_i].says), "'%s' in: %s", refused[_i].says,
                  err.text);
    ck_assert(m.w_max == 7.0); /* untouched */
    ow_crossbar_finish(&xb);
    ow_matrix_finish(&w);
}
END_TEST

START_TEST(test_all_zero_weights_and_jumps_are_refused)
{
    struct ow_matrix zero = ow_matrix_create(3, 2), w = matrix(3, 2, weight);
    struct ow_crossbar xb = crossbar(&toy_linear, 3, 4), jump = crossbar(&toy_jumping, 3, 4);
    struct ow_error err = {0};
    struct ow_mapping m;
    ck_assert_int_eq(ow_mapping_init(&plain, &zero, &xb, &m, &err), OW_ERR_INPUT);
    /* 0.8 / 1.6 is at half of the range, where there is nothing. */
    ck_assert_int_eq(ow_mapping_init(&plain, &w, &jump, &m, &err), OW_ERR_SOLVER);
    ck_assert_msg(strstr(err.text, "x0"), "%s", err.text);
    ow_crossbar_finish(&jump);
    ow_crossbar_finish(&xb);
    ow_matrix_finish(&zero);
    ow_matrix_finish(&w);
}
END_TEST

/* ---- inputs ----------------------------------------------------------------------------- */

START_TEST(test_inputs_round_to_their_levels)
{
    /* 2 bits: 0, 1/3, 2/3, 1; the thresholds are at 1/6, 1/2, 5/6 */
    static const double in[] = {0.03, 0.16, 0.17, 0.49, 0.51, 0.83, 0.84, 1.0};
    static const double out[] = {0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0};
    struct ow_error err = {0};
    struct ow_matrix x = matrix(2, 4, in);
    ck_assert_ok(ow_input_quantise(&x, 0, &err), err);
    ck_assert(memcmp(x.a, in, sizeof in) == 0);
    ck_assert_ok(ow_input_quantise(&x, 2, &err), err);
    for (size_t k = 0; k < 8; k++)
        ck_assert_close(x.a[k], out[k] / 3.0, 1e-15, 0.0);
    ck_assert_ok(ow_input_quantise(&x, 32, &err), err); /* 3 divides 2^32 - 1 */
    for (size_t k = 0; k < 8; k++)
        ck_assert_close(x.a[k], out[k] / 3.0, 1e-15, 0.0);
    ow_matrix_finish(&x);
}
END_TEST

START_TEST(test_inputs_outside_0_to_1_are_refused_whole)
{
    static const double bad[] = {-1e-9, 1.0000001, NAN, INFINITY};
    for (size_t k = 0; k < LEN(bad); k++) {
        const double in[] = {0.3, 0.4, 0.5, bad[k]};
        struct ow_error err = {0};
        struct ow_matrix x = matrix(2, 2, in);
        ck_assert_int_eq(ow_input_quantise(&x, 1, &err), OW_ERR_INPUT);
        ck_assert_msg(strstr(err.text, "input 1 of vector 1"), "%s", err.text);
        ck_assert(x.a[0] == 0.3);
        x.a[3] = 0.6;
        x.a[0] = bad[k];
        ck_assert_int_eq(ow_input_quantise(&x, 1, &err), OW_ERR_INPUT);
        ck_assert_msg(strstr(err.text, "input 0 of vector 0"), "%s", err.text);
        x.a[0] = 0.3;
        ck_assert_int_eq(ow_input_quantise(&x, 33, &err), OW_ERR_INPUT);
        ow_matrix_finish(&x);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("array");
    TCase *circuit = tcase_create("circuit"), *parts = tcase_create("parts");
    TCase *mapping = tcase_create("mapping");
    tcase_add_loop_test(circuit, test_merged_lines_have_the_nodes_and_elements_counted_by_hand,
                        0, N_MERGE);
    tcase_add_loop_test(circuit, test_merging_keeps_all_capacitance_but_what_is_on_ground, 0,
                        N_MERGE);
    tcase_add_loop_test(circuit, test_node_names_tell_all_nodes_apart, 0, N_MERGE);
    tcase_add_test(circuit, test_published_network);
    tcase_add_loop_test(circuit, test_merged_circuit_is_the_limit_of_small_resistances, 0,
                        N_MERGE);
    tcase_add_test(parts, test_amplifier_matches_hand_values);
    tcase_add_test(parts, test_amplifier_derivatives_match_differences);
    tcase_add_test(parts, test_crossbar_starts_with_own_ids_and_states);
    tcase_add_test(parts, test_crossbar_sizes_are_refused);
    tcase_add_loop_test(parts, test_fields_are_checked_and_named, 0, (int)LEN(field));
    tcase_add_test(parts, test_a_bad_cell_is_named_by_its_place);
    tcase_add_test(parts, test_pulse_has_its_corners);
    tcase_add_test(parts, test_reading_grows_and_keeps_its_points);
    tcase_add_test(parts, test_residual_is_the_imbalance_over_what_flowed);
    tcase_add_test(parts, test_matrix_is_zero_and_refuses_overflow);
    tcase_add_test(mapping, test_weights_become_conductances_by_hand);
    tcase_add_test(mapping, test_w_max_of_a_larger_matrix);
    tcase_add_test(mapping, test_programmed_state_by_hand);
    tcase_add_test(mapping, test_reach_ends_with_the_travel);
    tcase_add_test(mapping, test_cells_with_a_spread_are_programmed_each_for_itself);
    tcase_add_test(mapping, test_levels_round_to_the_nearest);
    tcase_add_loop_test(mapping, test_registry_holds_its_weights, 0, (int)ow_n_models);
    tcase_add_test(mapping, test_programming_error_has_its_spread_and_stays_reachable);
    tcase_add_test(mapping, test_device_spread_is_not_made_up_for);
    tcase_add_test(mapping, test_read_noise_is_another_in_every_vector_and_repeatable);
    tcase_add_test(mapping, test_thermal_noise_matches_hand_values);
    tcase_add_test(mapping, test_thermal_noise_is_normal_and_of_each_read);
    tcase_add_test(mapping, test_stuck_devices_sit_at_the_ends_and_do_not_move);
    tcase_add_test(mapping, test_draws_are_keyed_by_seed_id_purpose_and_vector);
    tcase_add_test(mapping, test_seed_decides_all_draws);
    tcase_add_test(mapping, test_binary_devices_take_two_levels);
    tcase_add_loop_test(mapping, test_every_refusal_names_its_cause, 0, (int)LEN(refused));
    tcase_add_test(mapping, test_all_zero_weights_and_jumps_are_refused);
    tcase_add_test(mapping, test_inputs_round_to_their_levels);
    tcase_add_test(mapping, test_inputs_outside_0_to_1_are_refused_whole);
    suite_add_tcase(s, circuit);
    suite_add_tcase(s, parts);
    suite_add_tcase(s, mapping);
    return run_suite(s);
}
