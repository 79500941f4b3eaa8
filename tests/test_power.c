/* Powers by hand, and their balance in random states that obey Kirchhoff's law. */
#include "ow_case.h"
#include "ow_power.h"

/* 1 x 1, everything merged: the cell hangs on the source, the sense resistor below it. */
START_TEST(test_powers_by_hand)
{
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *c;
    case_init(&xb, 1, 1, "team", OW_SENSE_RESISTOR);
    xb.r_wordline = xb.r_bitline = xb.r_driver = 0.0;
    ck_assert_ok(ow_circuit_create(&xb, &c, &err), err);
    ck_assert_uint_eq(c->n_node, 3);
    const double v[] = {0.0, -0.37, 0.029}, dv[] = {-4.1e8}, i_cell[] = {-83e-6};
    double i_source[1];
    struct ow_power p;
    ow_power_at(c, v, dv, i_cell, i_source, &p);
    const double i = -83e-6 + 0.13e-15 * -4.1e8; /* A: cell and word line's capacitance */
    ck_assert_close(i_source[0], i, 1e-14, 0.0);
    ck_assert_close(p.source, -0.37 * i, 1e-14, 0.0);
    ck_assert_close(p.throughput, 0.37 * -i, 1e-14, 0.0);
    ck_assert_close(p.devices, (-0.37 - 0.029) * -83e-6, 1e-14, 0.0);
    ck_assert_close(p.sense, 0.029 * 0.029 / 310.0, 1e-14, 0.0);
    ck_assert(p.charge_rate == 0.0 && p.drivers == 0.0 && p.wires == 0.0 && p.supply == 0.0);
    ck_assert_close(
        ow_energy_stored(c, v),
        0.5 * (0.13e-15 * 0.37 * 0.37 + (0.11e-15 + 5.2e-15 + 9.7e-15) * 0.029 * 0.029), 1e-14,
        0.0);
    ow_circuit_destroy(c);
    ow_crossbar_finish(&xb);
}
END_TEST

/* One driver in series with its segment, one amplifier that sinks current. */
START_TEST(test_amplifier_powers_by_hand)
{
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *c;
    double v[8] = {0}, i_source[1];
    const double dv[] = {3e8}, i_cell[] = {12e-6};
    case_init(&xb, 1, 1, "team", OW_SENSE_TIA);
    xb.r_bitline = 0.0;
    ck_assert_ok(ow_circuit_create(&xb, &c, &err), err);
    ck_assert_uint_le(c->n_node, 8);
    v[1] = 0.31, v[ow_circuit_te(c, 0)] = 0.3093, v[c->amp[0].in] = 0.0011;
    v[c->amp[0].inner] = -0.0917, v[c->amp[0].out] = -0.0881;
    struct ow_power p;
    ow_power_at(c, v, dv, i_cell, i_source, &p);
    const double i = (0.31 - 0.3093) / 56.7, i_o = (-0.0917 + 0.0881) / 110.0;
    ck_assert_close(i_source[0], i, 1e-12, 0.0);
    ck_assert_close(p.charge_rate, i, 1e-12, 0.0);
    ck_assert_close(p.drivers, i * i * 53.0, 1e-12, 0.0);
    ck_assert_close(p.wires, i * i * 3.7, 1e-12, 0.0);
    ck_assert_close(p.output, 0.9 * -i_o, 1e-12, 0.0);
    ck_assert_close(p.quiescent, 1.8 * 21e-6, 1e-12, 0.0);
    ck_assert_close(p.supply, p.output + p.quiescent, 1e-15, 0.0);
    /* output stage, r_out, feedback */
    ck_assert_close(p.sense,
                    1.8 * 21e-6 + (0.9 - 0.0917) * -i_o + 110.0 * i_o * i_o +
                        (0.0011 + 0.0881) * (0.0011 + 0.0881) / 7.1e3,
                    1e-12, 0.0);
    ck_assert_close(p.throughput, 0.31 * i + p.output, 1e-12, 0.0);
    ow_circuit_destroy(c);
    ow_crossbar_finish(&xb);
}
END_TEST

static double uniform(void) /* -1 .. 1 */
{
    return 2.0 * (double)rand() / RAND_MAX - 1.0;
}

/* What leaves each node through resistors, cells and amplifiers. */
static void leaving(const struct ow_circuit *c, const double v[], const double i_cell[],
                    double i[])
{
    for (size_t k = 0; k < c->n_resistor; k++) {
        const struct ow_resistor r = ow_circuit_resistor(c, k);
        i[r.a] += (v[r.a] - v[r.b]) / r.r;
        i[r.b] -= (v[r.a] - v[r.b]) / r.r;
    }
    for (size_t j = 0; j < c->xb->rows * c->xb->cols; j++) {
        i[ow_circuit_te(c, j)] += i_cell[j];
        i[ow_circuit_be(c, j)] -= i_cell[j];
    }
    for (size_t k = 0; k < c->n_amp; k++)
        i[c->amp[k].out] -= ow_amp_current(&c->xb->sense, v[c->amp[k].inner], v[c->amp[k].out]);
}

/* dv/dt of the free nodes that Kirchhoff's law asks for: C dv/dt = -i, with c_f between
 * an amplifier's input and output. */
static void slopes(const struct ow_circuit *c, const double i[], double dv[])
{
    const double c_f = c->xb->sense.c_f;
    for (size_t k = c->first_free; k < c->n_node; k++)
        dv[k] = ow_circuit_c(c, k) > 0.0 ? -i[k] / ow_circuit_c(c, k) : 0.0;
    for (size_t k = 0; k < c->n_amp; k++) {
        const size_t a = c->amp[k].in, b = c->amp[k].out;
        const double ca = ow_circuit_c(c, a) + c_f, cb = ow_circuit_c(c, b) + c_f,
                     det = ca * cb - c_f * c_f;
        dv[a] = (-i[a] * cb - i[b] * c_f) / det;
        dv[b] = (-i[b] * ca - i[a] * c_f) / det;
    }
}

static double stored_rate(const struct ow_circuit *c, const double v[], const double dv[])
{
    double p = 0.0;
    for (size_t k = 1; k < c->n_node; k++)
        p += ow_circuit_c(c, k) * v[k] * dv[k];
    for (size_t k = 0; k < c->n_amp; k++) {
        const size_t a = c->amp[k].in, b = c->amp[k].out;
        p += c->xb->sense.c_f * (v[a] - v[b]) * (dv[a] - dv[b]);
    }
    return p;
}

enum { N_NODE = 128, N_CELL = 12, N_CASES = 24 };

/* Every combination of zero resistances, with all that may stand at the bit lines' ends. */
static void balance_case(int k, struct ow_crossbar *xb, struct ow_circuit **c)
{
    static const enum ow_sense_kind kind[] = {OW_SENSE_RESISTOR, OW_SENSE_TIA, OW_SENSE_DRIVER};
    struct ow_error err = {0};
    srand(17 + (unsigned)k);
    case_init(xb, 3, 4, "team", kind[k / 8]);
    if (k & 1)
        xb->r_wordline = 0.0;
    if (k & 2)
        xb->r_bitline = 0.0;
    if (k & 4)
        xb->r_driver = 0.0;
    if (k & 4 && kind[k / 8] == OW_SENSE_DRIVER)
        xb->sense.r_f = 0.0;
    ck_assert_ok(ow_circuit_create(xb, c, &err), err);
    ck_assert_uint_le((*c)->n_node, N_NODE);
}

START_TEST(test_powers_balance)
{
    struct ow_crossbar xb;
    struct ow_circuit *c;
    double v[N_NODE] = {0}, dv[N_NODE] = {0}, i[N_NODE] = {0}, i_cell[N_CELL], i_source[7];
    struct ow_power p;
    balance_case(_i, &xb, &c);
    for (size_t k = 1; k < c->n_node; k++)
        v[k] = uniform();
    for (size_t j = 0; j < N_CELL; j++)
        i_cell[j] = 1e-4 * uniform();
    for (size_t k = 0; k < c->n_source; k++)
        dv[1 + k] = 1e9 * uniform();
    leaving(c, v, i_cell, i);
    slopes(c, i, dv);
    ow_power_at(c, v, dv + 1, i_cell, i_source, &p);
    const double in = p.source + p.supply;
    const double out = p.drivers + p.devices + p.wires + p.sense + stored_rate(c, v, dv);
    ck_assert(p.throughput > 0.0);
    ck_assert_close(in, out, 0.0, 1e-11 * p.throughput);
    for (size_t k = 0; k < c->n_source; k++) /* a source feeds what leaves its node */
        ck_assert_close(i_source[k], i[1 + k] + ow_circuit_c(c, 1 + k) * dv[1 + k], 1e-12,
                        1e-18);
    ow_circuit_destroy(c);
    ow_crossbar_finish(&xb);
}
END_TEST

/* -i is what charges free nodes, M dv/dt: sums of it and of the cells' currents are what the
 * drops say, to rounding. */
START_TEST(test_sums_are_the_same_powers)
{
    struct ow_crossbar xb;
    struct ow_circuit *c;
    double v[N_NODE] = {0}, i[N_NODE] = {0}, charging[N_NODE], dv[7];
    double i_cell[N_CELL], by_drops[7], by_sums[7], i_bit[4];
    struct ow_power drops, sums;
    balance_case(_i, &xb, &c);
    for (size_t k = 1; k < c->n_node; k++)
        v[k] = uniform();
    for (size_t j = 0; j < N_CELL; j++)
        i_cell[j] = 1e-4 * uniform();
    for (size_t k = 0; k < c->n_source; k++)
        dv[k] = 1e9 * uniform();
    leaving(c, v, i_cell, i);
    for (size_t k = c->first_free; k < c->n_node; k++)
        charging[k - c->first_free] = -i[k];
    ow_power_at(c, v, dv, i_cell, by_drops, &drops);
    ow_power_summed(c, v, dv, charging, i_cell, by_sums, i_bit, &sums);
    const double *a = (const double *)&drops, *b = (const double *)&sums;
    for (size_t k = 0; k < sizeof drops / sizeof *a; k++)
        ck_assert_close(b[k], a[k], 1e-11, 1e-14 * drops.throughput);
    for (size_t k = 0; k < c->n_source; k++)
        ck_assert_close(by_sums[k], by_drops[k], 1e-11, 1e-15);
    ow_circuit_destroy(c);
    ow_crossbar_finish(&xb);
}
END_TEST

/* What drops of nanovolts cannot tell.  By hand: one cell of 1 uA, nodes of 1 nA and 2 nA, on
 * 1 mohm; voltages are off by 1 uV. */
START_TEST(test_sums_take_no_notice_of_small_drops)
{
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *c;
    const double i_cell[] = {1e-6}, charging[] = {1e-9, 2e-9, 0.0};
    const double dv[] = {0.0, 0.0}, i_word = 1.001e-6, i_end = 0.998e-6;
    double i_source[2], i_bit[1];
    struct ow_power p;
    case_init(&xb, 1, 1, "team", OW_SENSE_DRIVER);
    xb.r_wordline = xb.r_bitline = xb.sense.r_f = 1e-3;
    xb.r_driver = 2e-3;
    ck_assert_ok(ow_circuit_create(&xb, &c, &err), err);
    ck_assert_uint_eq(c->n_node, 6); /* two sources, the cell's, the end */
    const double v[] = {0.0, 0.9, -0.4, 0.9 + 1e-6, -0.4 + 1e-6, -0.4 - 1e-6};
    ow_power_summed(c, v, dv, charging, i_cell, i_source, i_bit, &p);
    ck_assert_close(i_source[0], i_word, 1e-14, 0.0);
    ck_assert_close(i_source[1], -i_end, 1e-14, 0.0);
    ck_assert_close(p.source, 0.9 * i_word + 0.4 * i_end, 1e-14, 0.0);
    ck_assert_close(p.devices, 1.3e-6, 1e-14, 0.0);
    ck_assert_close(p.drivers, 2e-3 * i_word * i_word + 1e-3 * i_end * i_end, 1e-14, 0.0);
    ck_assert_close(p.wires, 1e-3 * (i_word * i_word + i_end * i_end), 1e-14, 0.0);
    /* what is left of the balance is what the voltages are off by */
    const double left = p.source - p.drivers - p.devices - p.wires -
                        (v[3] * charging[0] + v[4] * charging[1] + v[5] * charging[2]);
    const double off = (v[1] - v[3] - 3e-3 * i_word) * i_word +
                       (v[4] - v[5] - 1e-3 * i_end) * i_end +
                       (v[5] - v[2] - 1e-3 * i_end) * i_end;
    ck_assert_double_gt(fabs(off), 1e-15);
    ck_assert_close(left, off, 0.0, 1e-21);
    ow_circuit_destroy(c);
    ow_crossbar_finish(&xb);
}
END_TEST

/* dE/dt by a difference: the stored energy itself has no missing factor. */
START_TEST(test_stored_energy_matches_its_rate)
{
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *c;
    double v[N_NODE] = {0}, dv[N_NODE] = {0}, lo[N_NODE] = {0}, hi[N_NODE] = {0};
    srand(5);
    case_init(&xb, 3, 4, "team", OW_SENSE_TIA);
    ck_assert_ok(ow_circuit_create(&xb, &c, &err), err);
    for (size_t k = 1; k < c->n_node; k++) {
        v[k] = uniform(), dv[k] = uniform();
        lo[k] = v[k] - 1e-3 * dv[k], hi[k] = v[k] + 1e-3 * dv[k];
    }
    /* Exact for a quadratic form. */
    ck_assert_close((ow_energy_stored(c, hi) - ow_energy_stored(c, lo)) / 2e-3,
                    stored_rate(c, v, dv), 1e-10, 0.0);
    ow_circuit_destroy(c);
    ow_crossbar_finish(&xb);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("power");
    TCase *tc = tcase_create("power");
    tcase_add_test(tc, test_powers_by_hand);
    tcase_add_test(tc, test_amplifier_powers_by_hand);
    tcase_add_loop_test(tc, test_powers_balance, 0, N_CASES);
    tcase_add_loop_test(tc, test_sums_are_the_same_powers, 0, N_CASES);
    tcase_add_test(tc, test_sums_take_no_notice_of_small_drops);
    tcase_add_test(tc, test_stored_energy_matches_its_rate);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
