/* Many DC reads from the array's ports, against one full solution of the circuit a read. */
#include "ow_case.h"
#include "ow_engine.h"
#include "ow_mesh.h"
#include "ow_ports.h"
#include "ow_product.h"

#include <float.h>
#include <stdio.h>

/* ---- the product ---------------------------------------------------------------------- */

/* Uneven but reproducible numbers in (-1, 1). */
static double noise(size_t k)
{
    return sin(12.9898 * (double)k + 78.233 * sin((double)k));
}

START_TEST(test_product)
{
    enum { K = 37, M = 24, N = 16, LDA = 29, LDB = 18, LDC = 21 };
    double a[K * LDA], b[K * LDB], c[M * LDC], plain[M * LDC];
    for (size_t k = 0; k < K * LDA; k++)
        a[k] = noise(k);
    for (size_t k = 0; k < K * LDB; k++)
        b[k] = noise(1000 + k);
    for (size_t k = 0; k < M * LDC; k++)
        c[k] = plain[k] = noise(2000 + k);
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j < N; j++)
            for (size_t k = 0; k < K; k++)
                plain[i * LDC + j] += a[k * LDA + i] * b[k * LDB + j];
    ow_product(K, M, N, a, LDA, b, LDB, c, LDC);
    for (size_t k = 0; k < M * LDC; k++) /* K roundings of sums below K */
        ck_assert_close(c[k], plain[k], 0.0, K * K * DBL_EPSILON);
}
END_TEST

/* ---- meshes ----------------------------------------------------------------------------
 */

/* A star of three becomes a triangle: y_ab = y_a y_b / s.  What its first arm dissipates is
 * y_a (v_a - v_m)^2 with v_m = (y_a v_a + y_b v_b + y_c v_c) / s; between a and b alone
 *   f_ab + f_ac = y_a ((y_b + y_c) / s)^2,   f_ab + f_bc = y_a (y_b / s)^2 ...  */
START_TEST(test_star_becomes_triangle)
{
    static const double y[] = {0.7, 1.9, 5.3};
    const double s = 7.9, a = y[0] / s, b = y[1] / s, c = y[2] / s;
    struct ow_mesh *mesh = ow_mesh_create(4, NULL);
    double response[3];
    ck_assert_ptr_nonnull(mesh);
    for (size_t k = 0; k < 3; k++)
        *ow_mesh_at(mesh, OW_MESH_ALL, 0, 1 + k) = y[k];
    *ow_mesh_at(mesh, OW_MESH_DEVICES, 0, 1) = y[0];
    ck_assert(ow_mesh_eliminate(mesh, 1, 4, response));
    const double *share[] = {&a, &b, &c};
    for (size_t k = 0; k < 3; k++)
        ck_assert_close(response[k], *share[k], 1e-15, 0.0);
    ck_assert_close(*ow_mesh_at(mesh, OW_MESH_ALL, 1, 2), y[0] * y[1] / s, 1e-15, 0.0);
    ck_assert_close(*ow_mesh_at(mesh, OW_MESH_ALL, 3, 1), y[0] * y[2] / s, 1e-15, 0.0);
    ck_assert_close(*ow_mesh_at(mesh, OW_MESH_ALL, 2, 3), y[1] * y[2] / s, 1e-15, 0.0);
    const double f_ab = *ow_mesh_at(mesh, OW_MESH_DEVICES, 1, 2),
                 f_ac = *ow_mesh_at(mesh, OW_MESH_DEVICES, 1, 3),
                 f_bc = *ow_mesh_at(mesh, OW_MESH_DEVICES, 2, 3);
    ck_assert_close(f_ab + f_ac, y[0] * (b + c) * (b + c), 1e-14, 0.0);
    ck_assert_close(f_ab + f_bc, y[0] * b * b, 1e-14, 0.0);
    ck_assert_close(f_ac + f_bc, y[0] * c * c, 1e-14, 0.0);
    ow_mesh_destroy(mesh);
}
END_TEST

/* N nodes, some pairs far apart in conductance, some not connected, half of them a device. */
static struct ow_mesh *uneven_mesh(size_t n, size_t n_node)
{
    struct ow_mesh *mesh = ow_mesh_create(n, NULL);
    ck_assert_ptr_nonnull(mesh);
    for (size_t a = 0; a < n; a++)
        for (size_t b = a + 1; b < n_node; b++) {
            const double y = exp(9.0 * noise(n * a + b));
            if ((a + b) % 5 == 0)
                continue;
            *ow_mesh_at(mesh, OW_MESH_ALL, a, b) = y;
            *ow_mesh_at(mesh, b % 2 ? OW_MESH_DEVICES : OW_MESH_WIRES, a, b) = y;
        }
    for (size_t b = n_node; b < n; b++)
        *ow_mesh_at(mesh, OW_MESH_ALL, b - n_node, b) = 1.0;
    return mesh;
}

/* All at once, in panels, is one after the other. */
START_TEST(test_elimination_in_panels)
{
    enum { N = 300, N_NODE = 270, GONE = 137 };
    struct ow_mesh *at_once = uneven_mesh(N, N_NODE), *rest = uneven_mesh(N, N_NODE);
    double *response = malloc((size_t)GONE * (N - GONE) * sizeof *response);
    ck_assert_ptr_nonnull(response);
    ck_assert(ow_mesh_eliminate(at_once, GONE, N_NODE, response));
    for (size_t k = 0; k < GONE; k++) {
        ck_assert(ow_mesh_eliminate(rest, 1, N_NODE - k, NULL));
        struct ow_mesh *less = ow_mesh_rest(rest, 1);
        ck_assert_ptr_nonnull(less);
        ow_mesh_destroy(rest);
        rest = less;
    }
    for (int what = 0; what < OW_MESH_N_PART; what++)
        for (size_t a = 0; a < N - GONE; a++)
            for (size_t b = a + 1; b < N - GONE; b++) {
                const double y = *ow_mesh_at(rest, OW_MESH_ALL, a, b);
                /* columns' forms are not bounded by their y, which is none between them */
                if (a + GONE < N_NODE || what != OW_MESH_ALL)
                    ck_assert_close(*ow_mesh_at(at_once, what, GONE + a, GONE + b),
                                    *ow_mesh_at(rest, what, a, b), 1e-11,
                                    what == OW_MESH_ALL ? 0.0 : 1e-12 * fmax(y, 1.0));
            }
    for (size_t m = 0; m < GONE; m++) {
        double sum = 0.0;
        for (size_t b = 0; b < N_NODE - GONE; b++)
            sum += response[m * (N - GONE) + b];
        ck_assert_close(sum, 1.0, 1e-13, 0.0); /* of all nodes at 1 V */
    }
    free(response);
    ow_mesh_destroy(at_once);
    ow_mesh_destroy(rest);
}
END_TEST

/* ---- an array, its ports and its engine -------------------------------------------------- */

struct bench {
    struct ow_crossbar xb;
    struct ow_circuit *circuit;
    struct ow_engine *engine;
    struct ow_ports *ports;
    struct ow_error err;
};

static const struct ow_pulse pulse = {.t_rise = 0.7e-9, .t_read = 9.3e-9};
static const double v_read = 0.21;

/* The circuit of the crossbar in b->xb, and both ways to read it. */
static void bench_build(struct bench *b)
{
    const struct ow_engine_options options = {.rtol = 1e-5, .v_scale = v_read};
    ck_assert_ok(ow_circuit_create(&b->xb, &b->circuit, &b->err), b->err);
    ck_assert_ok(ow_engine_create(b->circuit, &options, true, &b->engine, &b->err), b->err);
    ck_assert_ok(ow_ports_create(b->circuit, 2.0 * v_read, 1, NULL, &b->ports, &b->err),
                 b->err);
}

/* `team` with iv=linear and states all over their travel: 10 kohm to 1 Mohm. */
static void bench_begin(struct bench *b, size_t rows, size_t cols, enum ow_sense_kind kind)
{
    memset(b, 0, sizeof *b);
    case_init(&b->xb, rows, cols, "team", kind);
    case_param(&b->xb, "r_on", 1e4);
    case_param(&b->xb, "r_off", 1e6);
    for (size_t k = 0; k < rows * cols; k++)
        b->xb.spread[b->xb.model->program][k] = 0.5 + 0.49 * noise(k);
}

static void bench_end(struct bench *b)
{
    ow_ports_destroy(b->ports);
    ow_engine_destroy(b->engine);
    ow_circuit_destroy(b->circuit);
    ow_crossbar_finish(&b->xb);
}

struct reads {
    size_t n, rows, cols;
    double *amplitude, *v_sense, *v_gain;
    struct ow_energy *energy;
    bool *is_done;
};

/* Between lowest and 1 times v_read; one read in seven drives nothing at all. */
static void reads_init(struct reads *r, const struct bench *b, size_t n, double lowest)
{
    r->n = n;
    r->rows = b->xb.rows;
    r->cols = b->xb.cols;
    r->amplitude = calloc(n * r->rows, sizeof *r->amplitude);
    r->v_sense = calloc(n * r->cols, sizeof *r->v_sense);
    r->v_gain = calloc(n * r->cols, sizeof *r->v_gain);
    r->energy = calloc(n, sizeof *r->energy);
    r->is_done = calloc(n, sizeof *r->is_done);
    for (size_t k = 0; k < n * r->rows; k++)
        if (k / r->rows % 7 != 3)
            r->amplitude[k] =
                v_read * (lowest + (1.0 - lowest) * (0.5 + 0.5 * noise(k + 5000)));
}

static void reads_finish(struct reads *r)
{
    free(r->amplitude);
    free(r->v_sense);
    free(r->v_gain);
    free(r->energy);
    free(r->is_done);
}

static void read_ports(struct bench *b, struct reads *r)
{
    for (size_t k = 0; k < r->n; k += OW_PORTS_BLOCK) {
        const size_t n = r->n - k < OW_PORTS_BLOCK ? r->n - k : OW_PORTS_BLOCK;
        ck_assert_ok(ow_ports_read(b->ports, n, r->amplitude + k * r->rows, &pulse,
                                   r->v_sense + k * r->cols, r->v_gain + k * r->cols,
                                   r->energy + k, r->is_done + k, &b->err),
                     b->err);
    }
}

/* What differs must be rounding and the tolerance of Newton's method, 1e-12 of v_read. */
static void check_energy(const struct ow_energy *a, const struct ow_energy *b)
{
    const double none = 1e-12 * (b->throughput + b->quiescent);
#define SAME(entry) ck_assert_close(a->entry, b->entry, 1e-9, none)
    SAME(source);
    SAME(supply);
    SAME(drivers);
    SAME(devices);
    SAME(wires);
    SAME(sense);
    SAME(throughput);
    SAME(output);
    SAME(quiescent);
#undef SAME
    ck_assert_close(a->charge, b->charge, 1e-9, none / v_read);
    ck_assert_double_eq(a->stored, 0.0);
    ck_assert_double_le(ow_energy_residual(a), 1e-9);
}

/* Every read that the ports did, against the engine. */
static void check_reads(struct bench *b, const struct reads *r)
{
    struct ow_reading full;
    ck_assert_int_eq(ow_reading_init(&full, r->cols, r->rows * r->cols, b->xb.model->n_state),
                     OW_OK);
    for (size_t k = 0; k < r->n; k++) {
        if (!r->is_done[k])
            continue;
        ck_assert_ok(ow_engine_read_dc(b->engine, r->amplitude + k * r->rows, &pulse, NULL,
                                       &full, &b->err),
                     b->err);
        for (size_t j = 0; j < r->cols; j++) {
            ck_assert_close(r->v_sense[k * r->cols + j], full.v_sample[j], 1e-10,
                            1e-11 * v_read);
            ck_assert_close(r->v_gain[k * r->cols + j], full.v_gain[j], 1e-10, 1e-11 * v_read);
        }
        check_energy(&r->energy[k], &full.energy);
    }
    ow_reading_finish(&full);
}

static size_t count_done(const struct reads *r)
{
    size_t n = 0;
    for (size_t k = 0; k < r->n; k++)
        n += r->is_done[k];
    return n;
}

/* ---- linear reads ------------------------------------------------------------------------ */

/* Odd shapes, more than a tile of either side, and every way in which lines merge or end. */
static const struct {
    size_t rows, cols;
    enum ow_sense_kind kind;
    double r_f, r_driver, r_wordline, r_bitline, v_os;
} shape[] = {
    {1, 1, OW_SENSE_TIA, 7.1e3, 53.0, 3.7, 2.3, 0.7e-3},
    {1, 9, OW_SENSE_RESISTOR, 310.0, 53.0, 3.7, 2.3, 0.0},
    {17, 1, OW_SENSE_TIA, 7.1e3, 0.0, 3.7, 2.3, -0.4e-3},
    {7, 13, OW_SENSE_TIA, 7.1e3, 53.0, 3.7, 2.3, 0.0},
    {19, 11, OW_SENSE_RESISTOR, 310.0, 53.0, 3.7, 2.3, 0.0},
    {70, 5, OW_SENSE_TIA, 2.1e3, 53.0, 13.7, 12.3, 0.7e-3},
    {5, 70, OW_SENSE_TIA, 7.1e3, 53.0, 13.7, 12.3, 0.7e-3},
    {9, 8, OW_SENSE_TIA, 7.1e3, 53.0, 0.0, 0.0, 0.7e-3},
    {9, 8, OW_SENSE_TIA, 7.1e3, 0.0, 0.0, 0.0, 0.7e-3},
    {6, 7, OW_SENSE_TIA, 7.1e3, 0.0, 0.0, 2.3, 0.7e-3},
    {6, 7, OW_SENSE_RESISTOR, 310.0, 53.0, 3.7, 0.0, 0.0},
    {6, 7, OW_SENSE_RESISTOR, 0.0, 53.0, 3.7, 2.3, 0.0},
    {6, 7, OW_SENSE_RESISTOR, 0.0, 0.0, 0.0, 0.0, 0.0},
    {6, 7, OW_SENSE_RESISTOR, INFINITY, 53.0, 3.7, 2.3, 0.0},
    {6, 7, OW_SENSE_TIA, 7.1e3, INFINITY, 3.7, 2.3, 0.7e-3},
    {6, 7, OW_SENSE_RESISTOR, 310.0, INFINITY, 3.7, 2.3, 0.0},
    {150, 110, OW_SENSE_TIA, 2.1e3, 53.0, 3.7, 2.3, 0.7e-3},
    {61, 187, OW_SENSE_RESISTOR, 310.0, 53.0, 13.7, 12.3, 0.0},
    {143, 52, OW_SENSE_RESISTOR, 0.0, 0.0, 3.7, 2.3, 0.0},
    {90, 93, OW_SENSE_TIA, 2.1e3, 53.0, 0.0, 2.3, 0.7e-3},
    {90, 93, OW_SENSE_TIA, 2.1e3, 53.0, 3.7, 0.0, 0.7e-3},
};
enum { N_SHAPE = sizeof shape / sizeof shape[0] };

START_TEST(test_ports_are_the_circuit)
{
    struct bench b;
    struct reads r;
    bench_begin(&b, shape[_i].rows, shape[_i].cols, shape[_i].kind);
    b.xb.sense.r_f = shape[_i].r_f;
    b.xb.sense.v_os = shape[_i].v_os;
    b.xb.r_driver = shape[_i].r_driver;
    b.xb.r_wordline = shape[_i].r_wordline;
    b.xb.r_bitline = shape[_i].r_bitline;
    bench_build(&b);
    ck_assert_ptr_nonnull(b.ports);
    reads_init(&r, &b, 67, -0.3);
    read_ports(&b, &r);
    ck_assert_uint_eq(count_done(&r), r.n);
    check_reads(&b, &r);
    reads_finish(&r);
    bench_end(&b);
}
END_TEST

/* A cell that does not conduct, a line that floats, devices behind their own resistance. */
START_TEST(test_unequal_cells)
{
    struct bench b;
    struct reads r;
    bench_begin(&b, 6, 5, OW_SENSE_TIA);
    case_param(&b.xb, "rs", 431.0);
    double *scale = ow_crossbar_spread(&b.xb, OW_SCALE);
    for (size_t k = 0; k < 30; k++)
        scale[k] = k == 7 || k / 5 == 4 ? 0.0 : 1.0 + 0.5 * noise(k);
    bench_build(&b);
    ck_assert_ptr_nonnull(b.ports);
    reads_init(&r, &b, 9, 0.0);
    read_ports(&b, &r);
    ck_assert_uint_eq(count_done(&r), r.n);
    check_reads(&b, &r);
    reads_finish(&r);
    bench_end(&b);
}
END_TEST

/* Wires of 1 uohm between cells of 1 Gohm: where differences are taken, 1e15 times rounding. */
START_TEST(test_conductances_far_apart)
{
    struct ow_crossbar xb;
    struct bench b = {0};
    struct reads r;
    enum { ROWS = 37, COLS = 23 };
    case_init(&xb, ROWS, COLS, "team", OW_SENSE_RESISTOR);
    b.xb = xb;
    case_param(&b.xb, "r_on", 1e9);
    case_param(&b.xb, "r_off", 3e9);
    for (size_t k = 0; k < ROWS * COLS; k++)
        b.xb.spread[b.xb.model->program][k] = 0.5 + 0.49 * noise(k);
    b.xb.r_driver = 1.0;
    b.xb.r_wordline = b.xb.r_bitline = 1e-6;
    b.xb.sense.r_f = 1.0;
    bench_build(&b);
    ck_assert_ptr_nonnull(b.ports);
    reads_init(&r, &b, 8, -0.4);
    read_ports(&b, &r);
    for (size_t k = 0; k < r.n; k++)
        for (size_t j = 0; j < COLS; j++) {
            double i = 0.0, most = 0.0;
            for (size_t row = 0; row < ROWS; row++) {
                const double x = b.xb.spread[b.xb.model->program][row * COLS + j],
                             di = r.amplitude[k * ROWS + row] / (1e9 + 2e9 * x);
                i += di;
                most += fabs(di);
            }
            /* what resistors of 1 ohm take from it: 37 of 1 Gohm cells' currents */
            ck_assert_close(r.v_sense[k * COLS + j], i, 0.0, 2e-7 * most);
        }
    for (size_t k = 0; k < r.n; k++)
        ck_assert_double_le(ow_energy_residual(&r.energy[k]), 1e-12);
    reads_finish(&r);
    bench_end(&b);
}
END_TEST

/* ---- amplifiers at their rails --------------------------------------------------------------
 */

/* From a few clipped outputs to nearly all, at either rail, strongly coupled by the wires. */
static const struct {
    size_t rows, cols;
    double r_f, lowest, r_driver, r_wordline, gain, v_os;
} clipped[] = {
    {23, 12, 95e3, 0.0, 53.0, 3.7, 9.1e3, 0.7e-3},
    {23, 12, 70e3, -1.0, 53.0, 3.7, 9.1e3, 0.7e-3},
    {31, 70, 200e3, -1.0, 530.0, 23.0, 300.0, 0.0},
    {9, 5, 2e6, 0.5, 53.0, 0.0, 1e7, -2e-3},
    {40, 3, 900e3, -1.0, 5300.0, 370.0, 50.0, 1e-3},
    {9, 5, 2e6, 0.5, 53.0, 3.7, 1e11, 0.0},
};
enum { N_CLIPPED = sizeof clipped / sizeof clipped[0] };

static void clipped_begin(struct bench *b, int k)
{
    bench_begin(b, clipped[k].rows, clipped[k].cols, OW_SENSE_TIA);
    b->xb.sense.r_f = clipped[k].r_f;
    b->xb.sense.gain = clipped[k].gain;
    b->xb.sense.v_os = clipped[k].v_os;
    b->xb.r_driver = clipped[k].r_driver;
    b->xb.r_wordline = clipped[k].r_wordline;
    bench_build(b);
}

START_TEST(test_clipped_amplifiers_are_the_circuits)
{
    struct bench b;
    struct reads r;
    clipped_begin(&b, _i);
    ck_assert_ptr_nonnull(b.ports);
    reads_init(&r, &b, 80, clipped[_i].lowest);
    read_ports(&b, &r);
    ck_assert_uint_eq(count_done(&r), r.n);
    check_reads(&b, &r);
    size_t n_at_rail = 0;
    for (size_t k = 0; k < r.n * r.cols; k++)
        n_at_rail += fabs(r.v_gain[k]) > 0.5 * b.xb.sense.vdd;
    ck_assert_uint_gt(n_at_rail, 0);
    reads_finish(&r);
    bench_end(&b);
}
END_TEST

/* A dense system of hundreds of amplifiers at their rails costs more than the circuit. */
START_TEST(test_too_many_clipped_amplifiers)
{
    static const double r_f[] = {200.0, 30e6};
    struct bench b;
    struct reads r;
    bench_begin(&b, 3, 200, OW_SENSE_TIA);
    b.xb.sense.r_f = r_f[_i];
    bench_build(&b);
    ck_assert_ptr_nonnull(b.ports);
    reads_init(&r, &b, 14, 0.5);
    read_ports(&b, &r);
    for (size_t k = 0; k < r.n; k++) /* one in seven drives nothing */
        ck_assert_int_eq(r.is_done[k], (_i == 0 || k % 7 == 3));
    check_reads(&b, &r);
    reads_finish(&r);
    bench_end(&b);
}
END_TEST

/* ---- what it does not apply to
 * --------------------------------------------------------------- */

static const char *const curved_model[] = {"yakopcic", "selector_exp", "jart"};
enum { N_CURVED = sizeof curved_model / sizeof curved_model[0] };

START_TEST(test_curved_devices_are_refused)
{
    struct ow_crossbar xb;
    struct ow_circuit *circuit;
    struct ow_ports *ports;
    struct ow_error err = {0};
    case_init(&xb, 2, 3, curved_model[_i], OW_SENSE_TIA);
    ck_assert_ok(ow_circuit_create(&xb, &circuit, &err), err);
    ck_assert_ok(ow_ports_create(circuit, 0.4, 1, NULL, &ports, &err), err);
    ck_assert_ptr_null(ports);
    ow_circuit_destroy(circuit);
    ow_crossbar_finish(&xb);
}
END_TEST

/* One curved cell among straight ones, and amplifiers without a linear range. */
START_TEST(test_whatever_is_not_linear_is_refused)
{
    for (int k = 0; k < 3; k++) {
        struct bench b;
        bench_begin(&b, 4, 3, OW_SENSE_TIA);
        if (k == 1)
            b.xb.sense.vdd = 0.1;
        if (k == 2) { /* yakopcic's sinh is straight where its argument is small */
            ow_crossbar_finish(&b.xb);
            case_init(&b.xb, 4, 3, "yakopcic", OW_SENSE_TIA);
            const size_t straight = ow_param_index(b.xb.model, "b");
            ck_assert_uint_lt(straight, b.xb.model->n_param);
            double *value = ow_crossbar_spread(&b.xb, straight);
            for (size_t j = 0; j < 11; j++)
                value[j] = b.xb.model->param[straight].lo;
        }
        bench_build(&b);
        ck_assert(k == 0 ? b.ports != NULL : b.ports == NULL);
        bench_end(&b);
    }
}
END_TEST

/* ---- cost -----------------------------------------------------------------------------------
 */

START_TEST(test_ports_pay_for_many_reads)
{
    static const struct {
        size_t rows, cols;
        double r_wire;
    } array[] = {{256, 256, 1.0}, {64, 20, 1.0}, {40, 50, 0.0}};
    for (size_t k = 0; k < 3; k++) {
        struct ow_crossbar xb;
        struct ow_circuit *circuit;
        struct ow_error err = {0};
        case_init(&xb, array[k].rows, array[k].cols, "team", OW_SENSE_TIA);
        xb.r_wordline = xb.r_bitline = array[k].r_wire;
        ck_assert_ok(ow_circuit_create(&xb, &circuit, &err), err);
        ck_assert(!ow_ports_pays(circuit, 1));
        ck_assert(!ow_ports_pays(circuit, array[k].rows / 10));
        ck_assert(ow_ports_pays(circuit, 3 * array[k].rows));
        ow_circuit_destroy(circuit);
        ow_crossbar_finish(&xb);
    }
}
END_TEST

/* 4096 x 4096 would take 18 GB. */
START_TEST(test_what_does_not_fit_is_not_tried)
{
    struct ow_crossbar xb;
    struct ow_circuit *circuit;
    struct ow_error err = {0};
    case_init(&xb, 4096, 4096, "team", OW_SENSE_TIA);
    ck_assert_ok(ow_circuit_create(&xb, &circuit, &err), err);
    ck_assert(!ow_ports_pays(circuit, 1000000));
    ow_circuit_destroy(circuit);
    ow_crossbar_finish(&xb);
}
END_TEST

/* ---- threads ----------------------------------------------------------------------------
 */

START_TEST(test_threads_change_no_bit)
{
    static const int n_threads[] = {1, 2, 4};
    struct bench b[3];
    struct reads r[3];
    for (int k = 0; k < 3; k++) {
        bench_begin(&b[k], 260, 131, OW_SENSE_TIA);
        b[k].xb.sense.r_f = 50e3;
        bench_build(&b[k]);
        ow_ports_destroy(b[k].ports);
        ck_assert_ok(ow_ports_create(b[k].circuit, 2.0 * v_read, n_threads[k], NULL,
                                     &b[k].ports, &b[k].err),
                     b[k].err);
        reads_init(&r[k], &b[k], 64, -1.0);
        read_ports(&b[k], &r[k]);
        ck_assert_mem_eq(r[0].v_sense, r[k].v_sense, r[0].n * r[0].cols * sizeof(double));
        ck_assert_mem_eq(r[0].v_gain, r[k].v_gain, r[0].n * r[0].cols * sizeof(double));
        ck_assert_mem_eq(r[0].energy, r[k].energy, r[0].n * sizeof *r[0].energy);
    }
    for (int k = 0; k < 3; k++) {
        reads_finish(&r[k]);
        bench_end(&b[k]);
    }
}
END_TEST

START_TEST(test_cancelled_set_up)
{
    struct bench b;
    const volatile sig_atomic_t cancel = 1;
    struct ow_ports *ports;
    bench_begin(&b, 30, 20, OW_SENSE_TIA);
    bench_build(&b);
    ck_assert_int_eq(ow_ports_create(b.circuit, 0.4, 2, &cancel, &ports, &b.err),
                     OW_ERR_CANCELLED);
    bench_end(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ports");
    TCase *tc = tcase_create("ports");
    tcase_set_timeout(tc, 60.0);
    tcase_add_test(tc, test_product);
    tcase_add_test(tc, test_star_becomes_triangle);
    tcase_add_test(tc, test_elimination_in_panels);
    tcase_add_loop_test(tc, test_ports_are_the_circuit, 0, N_SHAPE);
    tcase_add_test(tc, test_unequal_cells);
    tcase_add_test(tc, test_conductances_far_apart);
    tcase_add_loop_test(tc, test_clipped_amplifiers_are_the_circuits, 0, N_CLIPPED);
    tcase_add_loop_test(tc, test_too_many_clipped_amplifiers, 0, 2);
    tcase_add_loop_test(tc, test_curved_devices_are_refused, 0, N_CURVED);
    tcase_add_test(tc, test_whatever_is_not_linear_is_refused);
    tcase_add_test(tc, test_ports_pay_for_many_reads);
    tcase_add_test(tc, test_what_does_not_fit_is_not_tried);
    tcase_add_test(tc, test_threads_change_no_bit);
    tcase_add_test(tc, test_cancelled_set_up);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
