/* Decks as text.  What ngspice makes of them is in test_spice.c. */
#include "ow_case.h"
#include "ow_netlist.h"

#include <ctype.h>

static const struct ow_pulse pulse = {.t_rise = 0.5e-9, .t_read = 9.5e-9};
static const double amplitude[] = {0.21, 0.13};

/* The deck of a crossbar; the caller frees it. */
static char *deck_of(const struct ow_crossbar *xb, const struct ow_netlist_options *options)
{
    struct ow_error err = {0};
    struct ow_circuit *circuit;
    char *text = NULL;
    size_t size;
    ck_assert_ok(ow_circuit_create(xb, &circuit, &err), err);
    FILE *f = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(f);
    ck_assert_ok(ow_netlist_write(circuit, amplitude, &pulse, options, f, &err), err);
    fclose(f);
    ow_circuit_destroy(circuit);
    return text;
}

static bool has_line(const char *deck, const char *line)
{
    const size_t n = strlen(line);
    for (const char *p = deck; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
        if (strncmp(p, line, n) == 0 && (p[n] == '\n' || p[n] == '\0'))
            return true;
    return false;
}

#define ck_assert_line(deck, line)                                                             \
    ck_assert_msg(has_line(deck, line), "no line '%s' in\n%s", line, deck)
#define ck_assert_no_text(deck, text)                                                          \
    ck_assert_msg(!strstr(deck, text), "there should be no '%s' in\n%s", text, deck)

START_TEST(test_deck_says_what_the_circuit_is)
{
    struct ow_crossbar xb;
    case_init(&xb, 2, 3, "team", OW_SENSE_TIA);
    case_param(&xb, "r_on", 4.7e3);
    case_param(&xb, "ctrl", 1.0);
    char *deck = deck_of(&xb, NULL);
    static const char *const line[] = {
        ".options reltol=1e-06 vntol=1e-09 abstol=1e-15 chgtol=1e-20",
        "Vs0 s0 0 DC 0.21 PWL(0 0 5e-10 0.21 1e-08 0.21 1.05e-08 0)",
        "Vs1 s1 0 DC 0.13 PWL(0 0 5e-10 0.13 1e-08 0.13 1.05e-08 0)",
        "R0 s0 w0_0 56.7", /* driver and first segment */
        "R1 w0_0 w0_1 3.7",
        "Cw1_2 w1_2 0 1.3e-16",
        "Cin2 in2 0 5.2e-15",
        "Cout2 out2 0 9.7e-15",
        "X1 in1 a1 out1 ow_amp",
        "Cf in out 4.3e-15",
        "Rout o out 110",
        "A1_2 %gd(w1_2 b1_2) null m1_2",
        ".model m1_2 ow_team( id=5 ctrl=\"voltage\" r_on=4700 )",
        ".tran 2.5e-11 2e-08 0 2.5e-11",
        "pre_codemodel ./ohmweave.cm",
        "  meas tran sense2 find v(out2) at=1e-08",
        ".end",
    };
    for (size_t k = 0; k < sizeof line / sizeof line[0]; k++)
        ck_assert_line(deck, line[k]);
    ck_assert_no_text(deck, "write ");
    /* gain / (2 pi gbw) = 1.114 us behind 1 kohm; gain / 1 kohm; rails at +-0.9 V. */
    double c_gain;
    ck_assert_int_eq(sscanf(strstr(deck, "Cgain a 0 "), "Cgain a 0 %lf", &c_gain), 1);
    ck_assert_close(c_gain, 1.1140846e-9, 1e-7, 0.0);
    ck_assert_line(deck, "Rgain a 0 1000");
    ck_assert_line(deck, "Bgain 0 a I = 9.1*(0.0007 - V(in) - h(V(a)))");
    ck_assert_line(deck, ".func h(x) {0.1*(sp((x - 0.9)/0.001) - sp((-x - 0.9)/0.001))}");
    free(deck);
    ow_crossbar_finish(&xb);
}
END_TEST

/* Names and values only where they differ from the defaults, and states when asked. */
START_TEST(test_states_and_carried_states)
{
    struct ow_crossbar xb;
    case_init(&xb, 2, 3, "stochastic", OW_SENSE_RESISTOR);
    /* x, h, k, p of 6 cells; h of cell 4 is overdue by a rounding error */
    double x[4][6] = {
        {0, 1, 0, 0, 1, 0}, {0.3, 0.4, 0.5, 0.6, -1e-13, 0.8}, {0, 1, 2, 4, 1, 0}, {0}};
    ck_assert_uint_eq(xb.model->n_state, 4);
    const struct ow_netlist_options options = {.has_states = true, .x_begin = &x[0][0]};
    char *deck = deck_of(&xb, &options);
    ck_assert_line(deck, "A1_0 %gd(w1_0 b1_0) x1_0_x x1_0_h x1_0_k x1_0_p m1_0");
    ck_assert_line(deck, ".model m1_0 ow_stochastic( id=3 h0=0.6 k0=4 p0=0 )");
    ck_assert_line(deck, ".model m1_1 ow_stochastic( id=4 x0=1 h0=0 k0=1 p0=0 )");
    free(deck);
    ow_crossbar_finish(&xb);
}
END_TEST

/* Cards are continued before they get long, and no resistance is 0. */
START_TEST(test_lines_are_short_and_resistances_positive)
{
    static const struct {
        double r_wordline, r_bitline, r_driver, r_f;
    } zero[] = {
        {3.7, 2.3, 53.0, 310.0}, {0.0, 2.3, 53.0, 310.0}, {3.7, 0.0, 0.0, 310.0},
        {0.0, 0.0, 53.0, 310.0}, {0.0, 0.0, 0.0, 310.0},  {0.0, 0.0, 0.0, 0.0},
    };
    struct ow_crossbar xb;
    case_init(&xb, 2, 3, "driftdiff", OW_SENSE_RESISTOR);
    for (size_t k = 3; k < xb.model->n_param; k++)
        xb.param[k] =
            xb.model->param[k].choice ? 0.0 : xb.model->param[k].dflt * 1.000000123456;
    xb.r_wordline = zero[_i].r_wordline;
    xb.r_bitline = zero[_i].r_bitline;
    xb.r_driver = zero[_i].r_driver;
    xb.sense.r_f = zero[_i].r_f;
    char *deck = deck_of(&xb, NULL);
    size_t width = 0, n_continued = 0;
    for (const char *p = deck; *p; p++) {
        width = *p == '\n' ? 0 : width + 1;
        ck_assert_uint_le(width, 118); /* .options and comments are not continued */
        n_continued += p[0] == '\n' && p[1] == '+';
    }
    ck_assert_uint_gt(n_continued, 5);
    for (const char *p = strstr(deck, "\nR"); p; p = strstr(p + 1, "\nR")) {
        double r;
        ck_assert_int_eq(sscanf(p + 1, "%*s %*s %*s %lf", &r), 1);
        ck_assert(r > 0.0);
    }
    free(deck);
    ow_crossbar_finish(&xb);
}
END_TEST

/* Open sense resistors and a column of cells without current: nothing drives it. */
START_TEST(test_floating_parts_are_left_out)
{
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *circuit;
    bool is_floating[64];
    case_init(&xb, 2, 3, "team", OW_SENSE_RESISTOR);
    xb.sense.r_f = INFINITY;
    double *scale = ow_crossbar_spread(&xb, OW_SCALE);
    ck_assert_ptr_nonnull(scale);
    scale[1] = scale[4] = 0.0; /* column 1 */
    ck_assert_ok(ow_circuit_create(&xb, &circuit, &err), err);
    ck_assert_uint_le(circuit->n_node, 64);
    ck_assert_ok(ow_circuit_floating(circuit, is_floating, &err), err);
    size_t n = 0;
    for (size_t k = 0; k < circuit->n_node; k++)
        n += is_floating[k];
    ck_assert_uint_eq(n, 3); /* b0_1, b1_1, in1 */
    ck_assert(is_floating[ow_circuit_be(circuit, 1)] && is_floating[ow_circuit_be(circuit, 4)]);
    ck_assert(is_floating[circuit->sense_in[1]] && !is_floating[circuit->sense_in[0]]);
    char *deck = deck_of(&xb, NULL);
    ck_assert_no_text(deck, "b0_1");
    ck_assert_no_text(deck, "in1");
    ck_assert_no_text(deck, "A0_1");
    free(deck);
    /* A state lives on without a voltage, so its cell is kept, tied across ground. */
    deck = deck_of(&xb, &(struct ow_netlist_options){.has_states = true});
    ck_assert_line(deck, "A0_1 %gd(0 0) x0_1_x m0_1");
    free(deck);
    ow_circuit_destroy(circuit);
    ow_crossbar_finish(&xb);
}
END_TEST

START_TEST(test_code_model_paths)
{
    struct ow_crossbar xb;
    case_init(&xb, 2, 3, "team", OW_SENSE_RESISTOR);
    char *deck = deck_of(&xb, &(struct ow_netlist_options){.codemodel = "../lib/ohmweave.cm",
                                                           .raw = "out/Wave.raw",
                                                           .title = "a title"});
    ck_assert_line(deck, "a title");
    ck_assert_line(deck, "pre_codemodel ../lib/ohmweave.cm");
    ck_assert_line(deck, "write out/Wave.raw");
    free(deck);
    deck = deck_of(&xb, &(struct ow_netlist_options){.codemodel = "Lib.cm"});
    ck_assert_line(deck, "pre_alias osdi codemodel");
    ck_assert_line(deck, "pre_osdi ./Lib.cm");
    free(deck);
    ow_crossbar_finish(&xb);
}
END_TEST

/* clang-format off */
static const struct {
    struct ow_netlist_options options;
    struct ow_pulse pulse;
    double amplitude[2];
    enum ow_status status;
    const char *text; /* in the message */
} refused[] = {
    {{.codemodel = "a b.cm"},  {1e-9, 1e-8, NULL}, {0.1, 0.2},      OW_ERR_INPUT, "'a b.cm'"},
    {{.codemodel = ""},        {1e-9, 1e-8, NULL}, {0.1, 0.2},      OW_ERR_INPUT, "''"},
    {{.raw = "x;y"},           {1e-9, 1e-8, NULL}, {0.1, 0.2},      OW_ERR_INPUT, "raw file"},
    {{.title = "a\n.end"},     {1e-9, 1e-8, NULL}, {0.1, 0.2},      OW_ERR_INPUT, "title"},
    {{.reltol = -1e-6},        {1e-9, 1e-8, NULL}, {0.1, 0.2},      OW_ERR_RANGE, "reltol"},
    {{.max_step = INFINITY},   {1e-9, 1e-8, NULL}, {0.1, 0.2},      OW_ERR_RANGE, "max_step"},
    {{.title = NULL},          {0.0, 1e-8, NULL},  {0.1, 0.2},      OW_ERR_RANGE, "t_rise"},
    {{.title = NULL},          {1e-9, NAN, NULL},  {0.1, 0.2},      OW_ERR_RANGE, "t_read"},
    {{.title = NULL},          {1e-9, 1e-8, NULL}, {0.1, NAN},      OW_ERR_RANGE, "word line 1"},
    {{.title = NULL},          {1e-9, 1e-8, NULL}, {INFINITY, 0.0}, OW_ERR_RANGE, "word line 0"},
};
/* clang-format on */

START_TEST(test_bad_input_is_refused)
{
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *circuit;
    char *text = NULL;
    size_t size;
    case_init(&xb, 2, 3, "team", OW_SENSE_RESISTOR);
    ck_assert_ok(ow_circuit_create(&xb, &circuit, &err), err);
    FILE *f = open_memstream(&text, &size);
    ck_assert_int_eq(ow_netlist_write(circuit, refused[_i].amplitude, &refused[_i].pulse,
                                      &refused[_i].options, f, &err),
                     refused[_i].status);
    ck_assert_int_eq(err.status, refused[_i].status);
    ck_assert_msg(strstr(err.text, refused[_i].text) != NULL, "'%s' in '%s'", refused[_i].text,
                  err.text);
    fclose(f);
    ck_assert_uint_eq(size, 0); /* nothing written */
    free(text);
    ow_circuit_destroy(circuit);
    ow_crossbar_finish(&xb);
}
END_TEST

START_TEST(test_full_disk_is_an_error)
{
    struct ow_error err = {0};
    struct ow_crossbar xb;
    struct ow_circuit *circuit;
    case_init(&xb, 2, 3, "team", OW_SENSE_RESISTOR);
    ck_assert_ok(ow_circuit_create(&xb, &circuit, &err), err);
    FILE *f = fopen("/dev/full", "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(ow_netlist_write(circuit, amplitude, &pulse, NULL, f, &err), OW_ERR_FILE);
    fclose(f);
    ow_circuit_destroy(circuit);
    ow_crossbar_finish(&xb);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("netlist");
    TCase *tc = tcase_create("netlist");
    tcase_add_test(tc, test_deck_says_what_the_circuit_is);
    tcase_add_test(tc, test_states_and_carried_states);
    tcase_add_loop_test(tc, test_lines_are_short_and_resistances_positive, 0, 6);
    tcase_add_test(tc, test_floating_parts_are_left_out);
    tcase_add_test(tc, test_code_model_paths);
    tcase_add_loop_test(tc, test_bad_input_is_refused, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    tcase_add_test(tc, test_full_disk_is_an_error);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
