/* Co-simulation: the array in CVODE inside ngspice's process, the user's circuits around it.
 * Against the flat deck, against CVODE alone, its own energies; and every way in which a user's
 * netlist can fail, after which the program goes on. */
#define _GNU_SOURCE
#include "ow_run.h"

#include <malloc.h>
#include <sys/time.h>

#define STUDY_FILE "c.yaml"
#include "ow_compare.h"
#include "ow_engine.h"
#include "ow_study.h"
#include "ow_verify.h"
#include "ow_vmm.h"

#define N(a) ((int)(sizeof(a) / sizeof(a)[0]))
#ifndef OW_CODEMODEL
#define OW_CODEMODEL ""
#endif

/* ---- texts ---------------------------------------------------------------------------- */

#define SIZE(n, half)                                                                          \
    "vmm: {weights: {random: [" #n ", " #half "], seed: 1}, inputs: {random: [2, " #n          \
    "], seed: 2}}\n"
#define LINES  "array: {r_wordline: 2, r_bitline: 3, r_driver: 50}\n"
#define BENIGN "device: {set: ow_benign, g_min: 1u, g_max: 90u}\n"
#define COSIM  "engine: {name: cosim}\n"
/* @ is where netlists/periphery is. */
#define TIA_CMOS                                                                               \
    "sense: {amp: subckt, file: @/generic_tt.inc, subckt: ow_tia_cmos, r_f: 10k, "             \
    "params: {r_f: 10k}}\n"
#define DRIVER_CMOS "driver: {amp: subckt, file: @/generic_tt.inc, subckt: ow_driver_cmos}\n"
/* A circuit for pulses of volts: the output follows the line, which 50 ohm hold. */
#define SENSE_50                                                                               \
    "sense: {amp: subckt, file: @/generic_tt.inc, subckt: ow_sense_resistor, r_f: 50, "        \
    "params: {r_f: 50}, inverting: false}\n"
#define SELECTOR                                                                               \
    "array: {cell: 1S1R, r_wordline: 2, r_bitline: 3, r_driver: 50}\n"                         \
    "device: {set: ow_benign, g_min: 1u, g_max: 20u}\n"                                        \
    "access: {params: {i_0: 1n}}\ninput: {v_read: 0.8}\n"

#define IONS                                                                                   \
    "device: {model: driftdiff, set: driftdiff_write, g_min: 1.5u, g_max: 50u}\n"              \
    "input: {v_read: 1, t_read: 600n, t_rise: 20n}\n"

static char *expand(const char *text)
{
    char path[4096], *out = NULL;
    size_t n = 0;
    snprintf(path, sizeof path, "%s/../../netlists/periphery", test_data_dir());
    FILE *to = open_memstream(&out, &n);
    ck_assert_ptr_nonnull(to);
    for (const char *c = text; *c; c++)
        if (*c == '@')
            fputs(path, to);
        else
            fputc(*c, to);
    ck_assert_int_eq(fclose(to), 0);
    return out;
}

static void begin_study(struct study *s, const char *text)
{
    char *all = expand(text);
    study_init(all, s);
    free(all);
}

/* ---- against the flat deck -------------------------------------------------------------- */

/* Both use the same circuit but not the same steps: waves differ by the array's interpolation
 * between ngspice's points, energies by the trapezoidal rule.  Limits are ten times what was
 * measured, or what `verify` asks for where that is less. */
static const struct {
    const char *name, *text;
    double wave, energy; /* of full scale, relative */
    bool moves;
} flat[] = {
    {"1R", SIZE(16, 8) LINES BENIGN TIA_CMOS COSIM, 1e-3, 2e-5, false},
    {"1R, drivers", SIZE(8, 4) LINES BENIGN TIA_CMOS DRIVER_CMOS COSIM, 1e-3, 3e-4, false},
    {"1T1R",
     SIZE(8, 4) "array: {cell: 1T1R, r_wordline: 2, r_bitline: 3}\n" BENIGN TIA_CMOS COSIM,
     1e-3, 2e-5, false},
    {"1S1R", SIZE(8, 4) SELECTOR TIA_CMOS COSIM, 1e-3, 6e-4, false},
    {"1S1R, drivers", SIZE(4, 2) SELECTOR TIA_CMOS DRIVER_CMOS COSIM, 1e-3, 6e-4, false},
    {"op-amps",
     SIZE(8, 4) LINES BENIGN
     "sense: {amp: subckt, file: @/generic_tt.inc, subckt: ow_tia_opamp, r_f: 10k}\n" COSIM,
     1e-3, 1e-4, false},
    {"drivers alone", SIZE(4, 2) LINES BENIGN "sense: {r_f: 8k}\n" DRIVER_CMOS COSIM, 1e-3,
     3e-4, false},
    {"states move",
     SIZE(8, 4) LINES "device: {set: team_write, g_min: 12u, g_max: 90u}\n"
                      "input: {v_read: 1.4, t_read: 10n, t_rise: 0.5n}\n" SENSE_50 COSIM,
     1e-3, 1e-3, true},
    /* a filament that is about to close, for which one host is 1 ns of 640 ns ahead */
    {"ions move", SIZE(4, 2) LINES IONS SENSE_50 COSIM, 3e-2, 5e-3, true},
    {"ions move, tight", SIZE(4, 2) LINES IONS SENSE_50 "engine: {name: cosim, rtol: 1e-8}\n",
     1e-2, 2e-4, true},
    {"jumps",
     SIZE(8, 4) LINES "device: {model: stochastic, set: stochastic_write}\n"
                      "input: {v_read: 1.3, t_read: 100n, t_rise: 2n}\n" SENSE_50 COSIM,
     4e-2, 1e-2, true}, /* ngspice's trapezoidal rule overshoots by 1 % after a jump */
    {"widths",
     SIZE(4, 2) LINES BENIGN TIA_CMOS
     "input: {encoding: pulse_width, bits: 3, signed: true}\n" COSIM,
     1e-3, 1e-3, false},
};

START_TEST(test_flat_decks_agree)
{
    struct study s;
    struct ow_error err = {0};
    struct ow_verify_result r;
    static const size_t vector[] = {0};
    begin_study(&s, flat[_i].text);
    const struct ow_verify_options how = {
        .vector = vector, .n_vector = 1, .codemodel = OW_CODEMODEL, .timeout_s = 100.0};
    ck_assert_ok(ow_verify_run(s.problem.array, &how, &r, &err), err);
    const struct ow_comparison *c = &r.comparison;
    const double wave = r.wave.worst;
    if (getenv("OW_SHOW"))
        printf("%s: sense %.2g wave %.2g energy %.2g state %.2g event %.2g moved %zu (%g) "
               "jumped %zu unlike %zu  %.2f s %.2f s\n",
               flat[_i].name, c->sense.worst, wave, c->energy.worst, c->state.worst,
               c->event.worst, r.n_moved, r.moved, c->n_event, c->n_unlike, r.engine_s,
               r.spice_s);
    fflush(stdout);
    ck_assert(r.has_wave);
    ck_assert_msg(wave <= flat[_i].wave, "%s: %g at %g s (%g V, %g V)", flat[_i].name, wave,
                  r.t_wave, r.wave.a, r.wave.b);
    ck_assert_msg(c->energy.worst <= flat[_i].energy, "%s: energies differ by %g",
                  flat[_i].name, c->energy.worst);
    ck_assert_msg(c->sense.is_ok && c->state.is_ok && c->event.is_ok && c->n_unlike == 0,
                  "%s: sense %g, state %g, event %g, unlike %zu", flat[_i].name, c->sense.worst,
                  c->state.worst, c->event.worst, c->n_unlike);
    ck_assert_double_gt(c->full_scale, 1e-3); /* V: there is something to compare */
    ck_assert_uint_gt(r.engine[0].wave.n, 100);
    if (flat[_i].moves)
        ck_assert_uint_gt(r.n_moved + c->n_event, 1);
    ow_verify_result_finish(&r);
    study_finish(&s);
}
END_TEST

/* ---- against CVODE alone ---------------------------------------------------------------- */

struct ran {
    size_t n;
    struct ow_reading *reading; /* [n] */
};

/* Every read of the first array; carried as the specification says. */
static struct ran read_all(const struct study *s, enum ow_engine_kind kind)
{
    const struct ow_array *a = s->problem.array;
    const struct ow_host_options how = {
        .kind = kind, .rtol = 1e-7, .codemodel = OW_CODEMODEL, .timeout_s = 100.0};
    struct ow_error err = {0};
    struct ow_host *host = NULL;
    struct ran r = {.n = a->n_vec * a->n_phase};
    const bool carries = s->spec.input.state == OW_STATE_CARRY;
    r.reading = calloc(r.n, sizeof *r.reading);
    ck_assert_ptr_nonnull(r.reading);
    ck_assert_ok(ow_host_open(a, &how, &host, &err), err);
    for (size_t k = 0; k < r.n; k++) {
        const double *x = carries && k > 0 ? r.reading[k - 1].x_end : NULL;
        ck_assert_ok(ow_host_reading(a, &r.reading[k], &err), err);
        ck_assert_ok(ow_host_read(host, k, x, &r.reading[k], &err), err);
    }
    ow_host_close(host);
    return r;
}

static void forget(struct ran *r)
{
    for (size_t k = 0; k < r->n; k++)
        ow_reading_finish(&r->reading[k]);
    free(r->reading);
}

static double full_scale(const struct ran *r)
{
    double lo = INFINITY, hi = -INFINITY;
    for (size_t k = 0; k < r->n; k++)
        for (size_t j = 0; j < r->reading[k].cols; j++) {
            lo = fmin(lo, r->reading[k].v_sample[j]);
            hi = fmax(hi, r->reading[k].v_sample[j]);
        }
    return hi - lo;
}

static double sense_difference(const struct ran *a, const struct ran *b)
{
    const double fs = full_scale(b);
    double worst = 0.0;
    ck_assert_uint_eq(a->n, b->n);
    for (size_t k = 0; k < a->n; k++)
        for (size_t j = 0; j < a->reading[k].cols; j++)
            worst =
                fmax(worst, fabs(a->reading[k].v_sample[j] - b->reading[k].v_sample[j]) / fs);
    return worst;
}

/* The groups that mean the same on both sides, each relative to itself, or to a thousandth of
 * what goes through where it is less than that. */
#define GROUPS(X)                                                                              \
    X(source) X(supply) X(drivers) X(devices) X(wires) X(sense) X(charge) X(output) X(quiescent)

static double energy_difference(const struct ow_energy *a, const struct ow_energy *b)
{
    double worst = 0.0;
    const double least = 1e-3 * b->throughput;
#define COMPARE(group)                                                                         \
    if (strcmp(#group, "charge") == 0)                                                         \
        worst = fmax(worst, fabs(a->group - b->group) / fmax(fabs(b->group), 1e-18));          \
    else                                                                                       \
        worst = fmax(worst, fabs(a->group - b->group) / fmax(fabs(b->group), least));
    GROUPS(COMPARE)
#undef COMPARE
    return worst;
}

static double state_difference(const struct ran *a, const struct ran *b,
                               const struct ow_model *m)
{
    double worst = 0.0;
    for (size_t k = 0; k < a->n; k++)
        for (size_t s = 0; s < a->reading[k].n_state; s++)
            for (size_t c = 0; c < a->reading[k].n_cell; c++) {
                const size_t at = s * a->reading[k].n_cell + c;
                worst = fmax(worst, fabs(a->reading[k].x_end[at] - b->reading[k].x_end[at]) /
                                        (m->state[s].hi - m->state[s].lo));
            }
    return worst;
}

/* CVODE's energies are those of its own steps, of which a read of linear devices has few: 1e-3
 * is what `verify` leaves to both, times a tenth. */
static const struct {
    const char *name, *text;
    bool moves;
} alone[] = {
    {"tia", SIZE(8, 4) LINES BENIGN "sense: {r_f: 8k}\n", false},
    {"resistor", SIZE(8, 4) LINES BENIGN "sense: {amp: resistor, r_f: 100}\n", false},
    {"no wires",
     SIZE(6, 3) "array: {r_wordline: 0, r_bitline: 0}\n" BENIGN "sense: {r_f: 8k}\n", false},
    {"no word lines",
     SIZE(6, 3) "array: {r_wordline: 0, r_bitline: 5}\n" BENIGN
                "sense: {amp: resistor, r_f: 100}\n",
     false},
    {"no bit lines",
     SIZE(6, 3) "array: {r_wordline: 5, r_bitline: 0}\n" BENIGN "sense: {r_f: 8k}\n", false},
    {"no drivers",
     SIZE(6, 3) "array: {r_wordline: 2, r_bitline: 3, r_driver: 0}\n" BENIGN
                "sense: {r_f: 8k}\n",
     false},
    {"nothing but cells",
     SIZE(6, 3) "array: {r_wordline: 0, r_bitline: 0, r_driver: 0}\n" BENIGN
                "sense: {amp: resistor, r_f: 100}\n",
     false},
    {"columns", SIZE(24, 1) LINES BENIGN "sense: {r_f: 8k}\n", false},
    {"one row", SIZE(1, 6) LINES BENIGN "sense: {r_f: 8k}\n", false},
    {"offset", SIZE(6, 3) LINES BENIGN "mapping: {scheme: offset}\nsense: {r_f: 8k}\n", false},
    {"signed",
     "vmm: {weights: {random: [6, 3], seed: 1}, inputs: {random: [2, 6], seed: 2}}\n"
     "input: {signed: true}\n" LINES BENIGN "sense: {r_f: 8k}\n",
     false},
    {"carried",
     SIZE(6, 3) LINES "device: {set: team_write, g_min: 12u, g_max: 90u}\n"
                      "input: {v_read: 1.4, t_read: 5n, t_rise: 0.5n, state: carry}\n"
                      "sense: {amp: resistor, r_f: 50}\nengine: {rtol: 1e-7}\n",
     true},
    {"offset of an amplifier", SIZE(4, 2) LINES BENIGN "sense: {r_f: 8k, v_os: 1m}\n", false},
};

/* The program's own amplifiers and resistors on both sides of the coupling. */
START_TEST(test_cvode_agrees)
{
    struct study s;
    begin_study(&s, alone[_i].text);
    struct ran whole = read_all(&s, OW_ENGINE_CVODE), coupled = read_all(&s, OW_ENGINE_COSIM);
    const double sense = sense_difference(&coupled, &whole);
    const double state = state_difference(&coupled, &whole, s.problem.array->xb.model);
    double energy = 0.0, residual = 0.0;
    size_t n_moved = 0;
    for (size_t k = 0; k < whole.n; k++) {
        energy = fmax(energy,
                      energy_difference(&coupled.reading[k].energy, &whole.reading[k].energy));
        residual = fmax(residual, ow_energy_residual(&coupled.reading[k].energy));
        ow_array_moved(s.problem.array, &coupled.reading[k], &n_moved);
        for (size_t j = 0; j < whole.reading[k].cols; j++)
            ck_assert_close(coupled.reading[k].v_dc[j], whole.reading[k].v_dc[j],
                            alone[_i].moves ? 1e-3 : 1e-5, 1e-7);
    }
    if (getenv("OW_SHOW"))
        printf("%s: sense %.2g energy %.2g state %.2g residual %.2g moved %zu\n",
               alone[_i].name, sense, energy, state, residual, n_moved);
    ck_assert_msg(sense <= 1e-4, "%s: sense outputs differ by %g", alone[_i].name, sense);
    ck_assert_msg(energy <= 1e-3, "%s: energies differ by %g", alone[_i].name, energy);
    ck_assert_msg(state <= 1e-4, "%s: states differ by %g", alone[_i].name, state);
    ck_assert_msg(residual <= 1e-4, "%s: residual %g", alone[_i].name, residual);
    ck_assert(alone[_i].moves == (n_moved > 0));
    forget(&whole);
    forget(&coupled);
    study_finish(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cosim");
    if (!getenv("OW_HAS_SPICE") || access(OW_CODEMODEL, R_OK) != 0) {
        fprintf(stderr, "skipped: there is no ngspice or no ohmweave.cm\n");
        return EXIT_SUCCESS;
    }
    TCase *hosts = tcase_create("hosts");
    tcase_add_loop_test(hosts, test_flat_decks_agree, 0, N(flat));
    tcase_add_loop_test(hosts, test_cvode_agrees, 0, N(alone));
    tcase_set_timeout(hosts, 60);
    suite_add_tcase(suite, hosts);
    return run_suite(suite);
}
