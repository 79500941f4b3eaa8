/* Nonlinear devices at DC: Newton's method on the lines' solver, whose devices say no more than
 * their currents, against Kirchhoff's law with their whole equations, and against the same
 * array by direct factorisation; numbers that do not depend on threads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_check.h"
#include "ow_engine.h"
#include "ow_reference_ode.h"

/* v_read: how strongly devices are bent.  rs: ohm in series. */
static const struct {
    const char *set, *change;
    double to, v_read, rs;
} device[] = {
    {"yakopcic_nbsto", NULL, 0, 0.2, 0.0},    {"yakopcic_nbsto", NULL, 0, 1.0, 120.0},
    {"yakopcic_jo", NULL, 0, 0.3, 0.0},       {"stanford_v1", NULL, 0, 0.4, 0.0},
    {"stanford_noise_v1", NULL, 0, 0.4, 0.0}, {"sky130", NULL, 0, 0.3, 50.0},
    {"selector_exp_60mv", NULL, 0, 0.9, 0.0}, {"ow_benign", NULL, 0, 0.2, 0.0},
    {"ow_hard", "iv", 1, 0.2, 0.0},           {"jart_v1b", NULL, 0, 0.3, 0.0},
    {"driftdiff_write", NULL, 0, 0.3, 0.0},   {"selector_ts_fast", NULL, 0, 0.2, 0.0},
};
static const struct {
    size_t rows, cols;
    double r_wordline, r_bitline;
    bool is_tia;
} shape[] = {{37, 53, 3.0, 5.0, false},
             {1, 90, 2.0, 7.0, false},
             {90, 1, 2.0, 7.0, true},
             {40, 31, 60.0, 40.0, false}, /* with multigrid */
             {24, 33, 2.0, 3.0, true}};
enum { N_DEVICE = sizeof device / sizeof device[0], N_SHAPE = sizeof shape / sizeof shape[0] };

static double fraction(size_t k)
{
    return fmod(0.37 + 0.61803398875 * (double)k, 1.0);
}

static void array(struct ow_crossbar *xb, int d, size_t rows, size_t cols)
{
    struct ow_error err = {0};
    double param[OW_MAX_PARAMS];
    const struct ow_model *m = use_set(device[d].set, param);
    if (device[d].change)
        put(m, param, device[d].change, device[d].to);
    param[OW_RS] = device[d].rs;
    ck_assert_ok(ow_crossbar_init(xb, rows, cols, m, &err), err);
    memcpy(xb->param, param, m->n_param * sizeof *param);
    for (size_t k = 0; k < rows * cols; k++)
        xb->spread[m->program][k] = 0.05 + 0.9 * fraction(k);
    xb->r_driver = 50.0;
    xb->sense = (struct ow_sense){.kind = OW_SENSE_RESISTOR, .r_f = 50.0};
}

static void solve(const struct ow_circuit *ckt, unsigned n_threads, double v_read,
                  const double v_row[], double v_node[])
{
    struct ow_error err = {0};
    const struct ow_engine_options options = {
        .rtol = 1e-5, .v_scale = v_read, .n_threads = n_threads};
    struct ow_engine *engine;
    double *v_sense = calloc(ckt->xb->cols, sizeof *v_sense);
    ck_assert_ok(ow_engine_create(ckt, &options, true, &engine, &err), err);
    ck_assert_ok(ow_engine_dc(engine, v_row, NULL, v_sense, v_node, &err), err);
    for (size_t j = 0; j < ckt->xb->cols; j++)
        ck_assert(v_sense[j] == v_node[ckt->sense_out[j]]);
    ow_engine_destroy(engine);
    free(v_sense);
}

/* At every node but those of amplifiers what flows in flows out, to rounding of the largest
 * current that 1e-13 of v_read makes in a wire. */
static void check_law(const struct ow_circuit *ckt, double v_read, const double v[])
{
    const struct ow_crossbar *xb = ckt->xb;
    double *into = calloc(ckt->n_node, sizeof *into), *most = calloc(ckt->n_node, sizeof *most);
    for (size_t k = 0; k < ckt->n_resistor; k++) {
        const struct ow_resistor r = ow_circuit_resistor(ckt, k);
        into[r.a] -= (v[r.a] - v[r.b]) / r.r;
        into[r.b] += (v[r.a] - v[r.b]) / r.r;
        most[r.a] += v_read / r.r;
        most[r.b] += v_read / r.r;
    }
    for (size_t k = 0; k < xb->rows * xb->cols; k++) {
        double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
        struct ow_point pt;
        ow_crossbar_cell(xb, k, param, x);
        ow_eval_one(xb->model, param, v[ow_circuit_te(ckt, k)] - v[ow_circuit_be(ckt, k)], x,
                    &pt);
        into[ow_circuit_te(ckt, k)] -= pt.i;
        into[ow_circuit_be(ckt, k)] += pt.i;
        most[ow_circuit_te(ckt, k)] += v_read * fabs(pt.di_dv);
        most[ow_circuit_be(ckt, k)] += v_read * fabs(pt.di_dv);
    }
    for (size_t n = ckt->first_free; n < ckt->n_node - 2 * ckt->n_amp; n++)
        ck_assert_close(into[n], 0.0, 0.0, 1e-12 * most[n]);
    free(into);
    free(most);
}

START_TEST(test_nonlinear_arrays_fulfil_the_law)
{
    const int d = _i / N_SHAPE, s = _i % N_SHAPE;
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *ckt;
    array(&xb, d, shape[s].rows, shape[s].cols);
    xb.r_wordline = shape[s].r_wordline;
    xb.r_bitline = shape[s].r_bitline;
    if (shape[s].is_tia)
        xb.sense = (struct ow_sense){.kind = OW_SENSE_TIA,
                                     .r_f = 20.0,
                                     .gain = 2000.0,
                                     .gbw = 3e9,
                                     .r_out = 60.0,
                                     .vdd = 1.8,
                                     .i_q = 20e-6};
    ck_assert_ok(ow_circuit_create(&xb, &ckt, &err), err);
    ck_assert(ckt->is_grid);
    double *v_row = calloc(xb.rows, sizeof *v_row);
    double *v = calloc(ckt->n_node, sizeof *v), *w = calloc(ckt->n_node, sizeof *w);
    for (size_t i = 0; i < xb.rows; i++)
        v_row[i] = device[d].v_read * (i % 5 == 3 ? -fraction(i) : fraction(i));
    solve(ckt, 1, device[d].v_read, v_row, v);
    check_law(ckt, device[d].v_read, v);
    ckt->is_grid = false; /* any circuit, as far as the engine knows */
    solve(ckt, 1, device[d].v_read, v_row, w);
    for (size_t n = 0; n < ckt->n_node; n++)
        ck_assert_close(v[n], w[n], 0.0, 1e-11 * device[d].v_read);
    free(v_row);
    free(v);
    free(w);
    ow_circuit_destroy(ckt);
    ow_crossbar_finish(&xb);
}
END_TEST

/* Bit for bit, on an array large enough for threads. */
START_TEST(test_threads_change_no_number)
{
    enum { ROWS = 303, COLS = 311 };
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *ckt;
    static double v_row[ROWS];
    array(&xb, 0, ROWS, COLS);
    xb.r_wordline = xb.r_bitline = _i ? 30.0 : 1.0;
    ck_assert_ok(ow_circuit_create(&xb, &ckt, &err), err);
    double *v = calloc(ckt->n_node, sizeof *v), *w = calloc(ckt->n_node, sizeof *w);
    for (size_t i = 0; i < ROWS; i++)
        v_row[i] = 0.2 * fraction(i);
    solve(ckt, 1, 0.2, v_row, v);
    for (unsigned n_threads = 2; n_threads <= 4; n_threads++) {
        solve(ckt, n_threads, 0.2, v_row, w);
        ck_assert_mem_eq(v, w, ckt->n_node * sizeof *v);
    }
    free(v);
    free(w);
    ow_circuit_destroy(ckt);
    ow_crossbar_finish(&xb);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dc");
    TCase *tc = tcase_create("dc");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_nonlinear_arrays_fulfil_the_law, 0, N_DEVICE * N_SHAPE);
    tcase_add_loop_test(tc, test_threads_change_no_number, 0, 2);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
