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
/* Set by meson where the code models are built; the environment wins. */
#ifndef OW_CODEMODEL
#define OW_CODEMODEL ""
#endif

static const char *codemodel(void)
{
    const char *path = getenv("OW_CODEMODEL");
    return path ? path : OW_CODEMODEL;
}

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
        .vector = vector, .n_vector = 1, .codemodel = codemodel(), .timeout_s = 100.0};
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
        .kind = kind, .rtol = 1e-7, .codemodel = codemodel(), .timeout_s = 100.0};
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

/* The macromodel as a subcircuit is the program's own; drivers of resistors, too, but for whose
 * supply it is. */
static const struct {
    const char *name, *coupled;
    bool is_whole; /* the same groups of energy */
} twin[] = {
    {"op-amp",
     "sense: {amp: subckt, file: @/ow_tia_opamp.inc, subckt: ow_tia_opamp, r_f: 8k, "
     "params: {r_f: 8k, c_in: 0, c_load: 0}}\n",
     true},
    {"drivers",
     "sense: {r_f: 8k}\ndriver: {amp: subckt, file: @/ow_driver_ideal.inc, "
     "subckt: ow_driver_ideal, params: {r_out: 50}}\n",
     false},
    {"both",
     "sense: {amp: subckt, file: @/generic_tt.inc, subckt: ow_tia_opamp, r_f: 8k, "
     "params: {r_f: 8k, c_in: 0, c_load: 0}}\n"
     "driver: {amp: subckt, file: @/generic_tt.inc, subckt: ow_driver_ideal}\n",
     false},
};

START_TEST(test_macromodels_agree)
{
    struct study own, s;
    char text[2000];
    begin_study(&own, SIZE(8, 4) LINES BENIGN "sense: {r_f: 8k}\n");
    snprintf(text, sizeof text, "%s%s%s", SIZE(8, 4) LINES BENIGN, twin[_i].coupled, COSIM);
    begin_study(&s, text);
    struct ran whole = read_all(&own, OW_ENGINE_CVODE), coupled = read_all(&s, OW_ENGINE_COSIM);
    const double sense = sense_difference(&coupled, &whole);
    double energy = 0.0;
    for (size_t k = 0; k < whole.n; k++) {
        const struct ow_energy *c = &coupled.reading[k].energy, *w = &whole.reading[k].energy;
        ck_assert_close(c->devices, w->devices, 1e-3, 0.0);
        ck_assert_close(c->wires, w->wires, 1e-3, 0.0);
        ck_assert_close(c->sense, w->sense, 1e-3, 0.0);
        if (twin[_i].is_whole)
            energy = fmax(energy, energy_difference(c, w));
    }
    if (getenv("OW_SHOW"))
        printf("%s: sense %.2g energy %.2g\n", twin[_i].name, sense, energy);
    fflush(stdout);
    ck_assert_msg(sense <= 1e-4, "%s: sense outputs differ by %g", twin[_i].name, sense);
    ck_assert_msg(energy <= 1e-3, "%s: energies differ by %g", twin[_i].name, energy);
    forget(&whole);
    forget(&coupled);
    study_finish(&own);
    study_finish(&s);
}
END_TEST

static void run_vmm(const char *text, unsigned n_worker, struct ow_vmm_result *r)
{
    struct study s;
    struct ow_error err = {0};
    const struct ow_vmm_options how = {.codemodel = codemodel(), .n_worker = n_worker};
    begin_study(&s, text);
    ck_assert_ok(ow_vmm_run(&s.problem, &how, r, &err), err);
    study_finish(&s);
}

/* Products of tiles and of states that are carried, to the end. */
START_TEST(test_products_agree)
{
    static const char *const text[] = {
        SIZE(6, 3) "array: {tile: [4, 6], r_wordline: 2, r_bitline: 3}\n" BENIGN
                   "sense: {r_f: 8k}\n",
        SIZE(6, 3) "array: {tile: [4, 5], r_wordline: 2, r_bitline: 3}\n" BENIGN
                   "mapping: {scheme: offset}\ninput: {signed: true}\nsense: {r_f: 8k}\n"};
    struct ow_vmm_result whole, coupled;
    char all[2000];
    run_vmm(text[_i], 1, &whole);
    snprintf(all, sizeof all, "%s%s", text[_i], COSIM);
    run_vmm(all, 1, &coupled);
    for (size_t k = 0; k < whole.y_circuit.rows * whole.y_circuit.cols; k++)
        ck_assert_close(coupled.y_circuit.a[k], whole.y_circuit.a[k], 0.0,
                        1e-4 * whole.accuracy.fs);
    for (size_t k = 0; k < whole.energy.rows; k++)
        ck_assert_close(coupled.energy.a[k], whole.energy.a[k], 1e-3, 0.0);
    ow_vmm_result_finish(&whole);
    ow_vmm_result_finish(&coupled);
}
END_TEST

/* ---- energies --------------------------------------------------------------------------- */

#define ALL_CMOS SIZE(4, 2) LINES BENIGN TIA_CMOS DRIVER_CMOS

static void check_sums(const struct ow_energy *e)
{
    const double parts =
        e->driver_static + e->driver_dynamic + e->sense_static + e->sense_dynamic;
    ck_assert_close(parts, e->supply, 1e-12, 0.0);
    ck_assert_close(e->quiescent + e->output, e->supply, 1e-12, 0.0);
    ck_assert_close(e->source + e->supply,
                    e->drivers + e->devices + e->wires + e->sense + e->stored, 0.0,
                    1e-4 * e->throughput + 1e-6 * e->supply);
    ck_assert(e->drivers > 0.0 && e->devices > 0.0 && e->wires > 0.0 && e->sense > 0.0);
}

/* ---- a converter of the user's own ------------------------------------------------------- */

/* A successive-approximation converter behind every amplifier: what it says at the end is what
 * is decoded, a whole code of 256 within half a step of what an amplifier alone gives; eight of
 * them take 2 pJ each, and the balance closes with them. */
START_TEST(test_converters_convert)
{
    static const char text[] = SIZE(8, 4) LINES BENIGN TIA_CMOS COSIM;
    static const char adc[] =
        "adc: {converter: subckt, file: @/generic_tt.inc, subckt: ow_sar_adc, "
        "pins: {smp: pulse(-0.9 0.9 2n 50p 50p 8.35n 1u), "
        "clk: pulse(-0.9 0.9 10.9n 50p 50p 0.45n 1n)}, params: {lo: -0.6, fs: 0.6}}\n";
    const double step = 0.6 / 256.0;
    char with[2048];
    struct study plain, converted;
    struct ow_vmm_result a, b;
    struct ow_error err = {0};
    const struct ow_vmm_options how = {.codemodel = codemodel(), .n_worker = 1};
    snprintf(with, sizeof with, "%s%s", text, adc);
    begin_study(&plain, text);
    begin_study(&converted, with);
    ck_assert_ok(ow_vmm_run(&plain.problem, &how, &a, &err), err);
    ck_assert_ok(ow_vmm_run(&converted.problem, &how, &b, &err), err);
    for (size_t k = 0; k < a.v_sense.rows * a.v_sense.cols; k++) {
        const double code = b.v_sense.a[k] / step, analog = (a.v_sense.a[k] + 0.6) / step;
        ck_assert_double_le(fabs(code - round(code)), 1e-3);
        /* floor; the amplifier droops by a hundredth of a step while it is sampled */
        ck_assert_double_ge(analog - code, -0.1);
        ck_assert_double_le(analog - code, 1.1);
    }
    const double energy = b.cost.physical.adc_static + b.cost.physical.adc_dynamic;
    ck_assert_close(energy, 8 * 2e-12, 1e-2, 0.0);
    ck_assert_double_eq(a.cost.physical.adc_dynamic, 0.0);
    ck_assert_double_le(b.cost.balance_residual, 1e-5);
    ow_vmm_result_finish(&a);
    ow_vmm_result_finish(&b);
    study_finish(&plain);
    study_finish(&converted);
}
END_TEST

/* What supplies give is static and dynamic, nothing else; static is what they give to inputs of
 * nothing, which is no less balanced. */
START_TEST(test_energies_add_up)
{
    struct study s;
    struct ow_error err = {0};
    struct ow_host *host;
    struct ow_reading r, rest;
    double amplitude[4] = {0.0};
    begin_study(&s, ALL_CMOS COSIM);
    const struct ow_array *a = s.problem.array;
    const struct ow_host_options how = {.kind = OW_ENGINE_COSIM, .codemodel = codemodel()};
    ck_assert_ok(ow_host_open(a, &how, &host, &err), err);
    ck_assert_ok(ow_host_reading(a, &r, &err), err);
    ck_assert_ok(ow_host_reading(a, &rest, &err), err);
    ck_assert_ok(ow_host_read(host, 0, NULL, &r, &err), err);
    check_sums(&r.energy);
    ck_assert_double_lt(ow_energy_residual(&r.energy), 1e-4);
    ck_assert_double_gt(fabs(r.energy.sense_dynamic), 1e-2 * r.energy.devices);
    ck_assert_ok(ow_host_drive(host, amplitude, NULL, &rest, &err), err);
    ck_assert_close(rest.energy.sense_static, r.energy.sense_static, 1e-4, 0.0);
    ck_assert_close(rest.energy.driver_static, r.energy.driver_static, 1e-4, 0.0);
    ck_assert_double_lt(fabs(rest.energy.sense_dynamic), 1e-6 * r.energy.sense_static);
    ck_assert_double_lt(fabs(rest.energy.driver_dynamic), 1e-6 * r.energy.driver_static);

    struct ow_energy broken = r.energy;
    ck_assert_int_eq(ow_host_balance(&broken, &err), OW_OK);
    broken.devices += 2e-3 * broken.throughput;
    ck_assert_int_eq(ow_host_balance(&broken, &err), OW_ERR_BALANCE);
    broken.devices = NAN;
    ck_assert_int_eq(ow_host_balance(&broken, &err), OW_ERR_BALANCE);
    ow_reading_finish(&r);
    ow_reading_finish(&rest);
    ow_host_close(host);
    study_finish(&s);
}
END_TEST

/* ---- tolerance, determinism ---------------------------------------------------------------
 */

/* Both sides agree within the tolerance, and what that changes is less. */
START_TEST(test_tolerance_holds)
{
    static const double tol[] = {1e-2, 1e-3, 1e-5, 1e-7};
    struct ran r[N(tol)];
    for (int k = 0; k < N(tol); k++) {
        struct study s;
        char text[2000];
        snprintf(text, sizeof text, "%sengine: {name: cosim, tol: %g}\n", ALL_CMOS, tol[k]);
        begin_study(&s, text);
        r[k] = read_all(&s, OW_ENGINE_COSIM);
        for (size_t m = 0; m < r[k].n; m++) {
            const struct ow_coupling *c = &r[k].reading[m].coupling;
            ck_assert(c->mismatch > 0.0 && c->points > 100 && c->solutions >= c->points);
            ck_assert_msg(c->mismatch <= tol[k], "%g with tol %g", c->mismatch, tol[k]);
        }
        study_finish(&s);
    }
    for (int k = 0; k + 1 < N(tol); k++) {
        const double d = sense_difference(&r[k], &r[k + 1]);
        if (getenv("OW_SHOW"))
            printf("tol %g: %.2g, mismatch %.2g\n", tol[k], d,
                   r[k].reading[0].coupling.mismatch);
        ck_assert_msg(d <= tol[k], "outputs change by %g from tol %g to %g", d, tol[k],
                      tol[k + 1]);
    }
    for (int k = 0; k < N(tol); k++)
        forget(&r[k]);
}
END_TEST

START_TEST(test_runs_are_alike)
{
    static const char *const text[] = {ALL_CMOS COSIM,
                                       SIZE(4, 2) "device: {model: stochastic, set: "
                                                  "stochastic_write, sigma_read: 0.01}\n"
                                                  "input: {v_read: 1.3, t_read: 20n, "
                                                  "t_rise: 1n}\n" SENSE_50 COSIM};
    static const unsigned n_worker[] = {1, 1, 2};
    struct ow_vmm_result r[3];
    for (int k = 0; k < 3; k++) {
        run_vmm(text[_i], n_worker[k], &r[k]);
        const struct ow_matrix *v = &r[k].v_sense, *e = &r[k].energy;
        ck_assert_mem_eq(v->a, r[0].v_sense.a, v->rows * v->cols * sizeof *v->a);
        ck_assert_mem_eq(e->a, r[0].energy.a, e->rows * e->cols * sizeof *e->a);
        ck_assert_int_eq(r[k].coupling.iterations, r[0].coupling.iterations);
        ck_assert_double_eq(r[k].coupling.mismatch, r[0].coupling.mismatch);
    }
    for (int k = 0; k < 3; k++)
        ow_vmm_result_finish(&r[k]);
}
END_TEST

/* ---- netlists that fail -------------------------------------------------------------------
 */

#define GOOD                                                                                   \
    ".subckt amp in out r_f=10k\ne1 o 0 0 in 1000\nr1 o out 100\nr2 in out {r_f}\n.ends\n"
#define USER                                                                                   \
    "vmm: {weights: {random: [2, 1], seed: 1}, inputs: {random: [1, 2], seed: 2}}\n" BENIGN    \
    "sense: {amp: subckt, file: u.inc, subckt: amp, r_f: 10k%s}\n" COSIM

/* One line of what went wrong, if anything. */
static enum ow_status try_user(const char *netlist, const char *more, bool allows,
                               struct ow_matrix *v_sense, struct ow_error *err)
{
    struct study s;
    struct ow_vmm_result r;
    char text[2000];
    const struct ow_vmm_options how = {.codemodel = codemodel(), .n_worker = 1};
    *err = (struct ow_error){0};
    if (netlist)
        put("u.inc", netlist);
    snprintf(text, sizeof text, USER, more ? more : "");
    enum ow_status st = study_try(text, &s, err);
    if (st)
        return st;
    s.spec.allows_commands = allows;
    st = ow_vmm_run(&s.problem, &how, &r, err);
    if (!st && v_sense) {
        *v_sense = r.v_sense;
        r.v_sense = (struct ow_matrix){0};
    }
    if (!st)
        ow_vmm_result_finish(&r);
    study_finish(&s);
    return st;
}

/* As it was in a process that has seen nothing else. */
static void check_good(const struct ow_matrix *before)
{
    struct ow_error err;
    struct ow_matrix now;
    ck_assert_ok(try_user(GOOD, NULL, false, &now, &err), err);
    ck_assert_mem_eq(now.a, before->a, now.rows * now.cols * sizeof *now.a);
    ow_matrix_finish(&now);
}

/* clang-format off */
static const struct { const char *netlist, *more; enum ow_status status; const char *message; } fails[] = {
    {".subckt amp in out\nr1 in 0 1k\nb1 out 0 v = v(out) > 0.5 ? 0 : 1\n.ends\n", NULL, OW_ERR_HOST, ""},
    {".subckt amp in out\nr1 in 0 1k\nb1 out 0 v = time > 5n ? (v(out) > 0.5 ? 0 : 1) : 0\n.ends\n", NULL, OW_ERR_HOST, ""},
    {".subckt amp in out\nr1 in 0 1k\nm1 out in 0 0 nothere\n.ends\n", NULL, OW_ERR_HOST, "can't find model 'nothere' from line m1 out in 0 0 nothere"},
    {".subckt amp in out\nr1 in 0 1k\nx1 in out nothere\n.ends\n", NULL, OW_ERR_HOST, "nothere"},
    {".subckt amp in out\nr1 in out {nothere}\n.ends\n", NULL, OW_ERR_HOST, ""},
    {".subckt amp in out\nr1 in out 1k\n", NULL, OW_ERR_HOST, "Check line .subckt amp in out"},
    {".subckt amp in out\nqqq\n.ends\n", NULL, OW_ERR_HOST, "qqq"},
    {"my amplifier\n" GOOD, NULL, OW_ERR_HOST, "or its substitute: my amplifier"},
    {"* mine\n+ stray\n" GOOD, NULL, OW_ERR_INPUT, "u.inc:2: + continues no line"},
    {".subckt amp a out\n.ends\n", NULL, OW_ERR_INPUT, "c.yaml:3:43: sense.subckt: its pin a: what is it?"},
    {".subckt amp in\n.ends\n", NULL, OW_ERR_INPUT, "amp has 1 pins that are `in` and 0 that are `out`"},
    {GOOD, ", pins: {ot: out}", OW_ERR_INPUT, "sense.pins.ot: amp has no such pin (did you mean out?)"},
    {GOOD, ", pins: {out: 1 V}", OW_ERR_INPUT, "sense.pins.out: expected in, out, a voltage"},
    {GOOD, ", params: {r_g: 1k}", OW_ERR_INPUT, "sense.params.r_g: amp has no such parameter (did you mean r_f?)"},
    {GOOD, ", params: {r_f: x}", OW_ERR_INPUT, "sense.params.r_f: expected a number"},
    {".subckt amd in out\n.ends\n", NULL, OW_ERR_INPUT, "u.inc has no subcircuit amp, expected one of amd"},
    {GOOD ".include none.inc\n", NULL, OW_ERR_FILE, "none.inc: cannot be opened"},
    {GOOD ".include u.inc\n", NULL, OW_ERR_INPUT, "u.inc: includes itself"},
    {"\x7f" "ELF\x01\x02\xff\xfe\n\n+\n\xf0\x9f", NULL, OW_ERR_INPUT, "u.inc has no subcircuit amp"},
    {GOOD "\x7f" "ELF\x01\x02\xff\xfe\n\n+\n\xf0\x9f\n", NULL, OW_ERR_HOST, ""},
};
/* clang-format on */

START_TEST(test_netlists_fail_with_one_error)
{
    struct ow_error err;
    struct ow_matrix good = {0};
    const bool is_run = fails[_i].status == OW_ERR_HOST;
    if (is_run)
        ck_assert_ok(try_user(GOOD, NULL, false, &good, &err), err);
    const enum ow_status st = try_user(fails[_i].netlist, fails[_i].more, false, NULL, &err);
    if (getenv("OW_SHOW"))
        printf("%s\n", err.text);
    fflush(stdout);
    ck_assert_msg(st == fails[_i].status, "status %d: %s", (int)st, err.text);
    ck_assert_msg(strstr(err.text, fails[_i].message), "no '%s' in '%s'", fails[_i].message,
                  err.text);
    ck_assert(strlen(err.text) > 20 && !strchr(err.text, '\n'));
    if (is_run)
        check_good(&good);
    ow_matrix_finish(&good);
}
END_TEST

START_TEST(test_no_netlist)
{
    struct ow_error err;
    ck_assert_int_eq(try_user(NULL, NULL, false, NULL, &err), OW_ERR_FILE);
    ck_assert_msg(strstr(err.text, "u.inc") && !strchr(err.text, '\n'), "%s", err.text);
}
END_TEST

/* A shell in every disguise leaves a file behind, if anything is run. */
static const char *const deeds[] = {
    ".control\nshell touch @\n.endc\n",
    ".CONTROL\nshell touch @\n.ENDC\n",
    ".controls\nshell touch @\n.endc\n",
    ".cont\rrol\nshell touch @\n.endc\n",
    "*#shell touch @\n",
    ".subckt nobody a b\nx#shell touch @\nr1 a b 1\n.ends\n",
    ".control\npre_shell touch @\n.endc\n",
    "*#pre_shell touch @\n",
};

static char *with_marker(const char *text, const char *marker)
{
    const char *at = strchr(text, '@');
    char *all = NULL;
    ck_assert_int_gt(asprintf(&all, "%.*s%s%s", (int)(at - text), text, marker, at + 1), 0);
    return all;
}

START_TEST(test_nothing_is_run)
{
    struct ow_error err;
    char marker[100];
    snprintf(marker, sizeof marker, "/tmp/ow-test-marker-%d", (int)getpid()); /* no capitals */
    unlink(marker);
    char *deed = with_marker(deeds[_i], marker), *whole = NULL;
    for (int k = 0; k < 3; k++) { /* in the file, in another one, in another section */
        put("other.inc", deed);
        ck_assert_int_gt(asprintf(&whole, "%s%s", GOOD,
                                  k == 0   ? deed
                                  : k == 1 ? ".include other.inc\n"
                                           : ".lib tt\n.include other.inc\n.endl\n"),
                         0);
        ck_assert_int_eq(try_user(whole, NULL, false, NULL, &err), OW_ERR_INPUT);
        ck_assert_msg(strstr(err.text, "--allow-commands") && !strchr(err.text, '\n'), "%s",
                      err.text);
        ck_assert_ptr_nonnull(strstr(err.text, k == 0 ? "u.inc:" : "other.inc:"));
        ck_assert_msg(access(marker, F_OK) != 0, "it was run: %s", whole);
        /* and if it may, it is: nobody refuses what does nothing */
        if (k < 2 && _i != 6 && _i != 7) {
            (void)try_user(whole, NULL, true, NULL, &err);
            ck_assert_msg(access(marker, F_OK) == 0, "it was not run: %s, %s", whole, err.text);
            ck_assert_int_eq(unlink(marker), 0);
        }
        free(whole);
    }
    free(deed);
}
END_TEST

/* Commands that are allowed: a run that ends in them, one that goes on. */
START_TEST(test_allowed_commands)
{
    struct ow_error err;
    struct ow_matrix good, again;
    ck_assert_ok(try_user(GOOD, NULL, false, &good, &err), err);
    ck_assert_ok(try_user(GOOD ".control\nset x = 1\n.endc\n", NULL, true, &again, &err), err);
    ck_assert_mem_eq(again.a, good.a, good.rows * good.cols * sizeof *good.a);
    ow_matrix_finish(&again);
    ck_assert_int_eq(try_user(GOOD ".control\nquit\n.endc\n", NULL, true, NULL, &err),
                     OW_ERR_HOST);
    ck_assert(strlen(err.text) > 20 && !strchr(err.text, '\n'));
    ck_assert_int_eq(try_user(GOOD ".control\npre_codemodel /none.cm\nquit 3\n.endc\n", NULL,
                              true, NULL, &err),
                     OW_ERR_HOST);
    check_good(&good);
    ow_matrix_finish(&good);
}
END_TEST

/* ---- ngspice that dies ---------------------------------------------------------------------
 */

/* The first child of this process. */
static pid_t first_child(void)
{
    char path[64], text[64] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    const int fd = open(path, O_RDONLY);
    const ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
    if (fd >= 0)
        close(fd);
    return n > 0 ? (pid_t)atol(text) : 0;
}

static volatile sig_atomic_t n_killed;

static void kill_child(int sig)
{
    const pid_t pid = first_child();
    (void)sig;
    if (pid > 0 && kill(pid, SIGKILL) == 0)
        n_killed++;
}

START_TEST(test_ngspice_dies)
{
    struct study s;
    struct ow_error err = {0};
    struct ow_host *host;
    struct ow_reading r[2];
    begin_study(&s, SIZE(8, 4) LINES BENIGN TIA_CMOS "input: {t_read: 200n}\n" COSIM);
    const struct ow_array *a = s.problem.array;
    const struct ow_host_options how = {.kind = OW_ENGINE_COSIM, .codemodel = codemodel()},
                                 late = {.kind = OW_ENGINE_COSIM,
                                         .codemodel = codemodel(),
                                         .timeout_s = 0.1};
    for (int k = 0; k < 2; k++)
        ck_assert_ok(ow_host_reading(a, &r[k], &err), err);
    ck_assert_ok(ow_host_open(a, &how, &host, &err), err);
    ck_assert_ok(ow_host_read(host, 0, NULL, &r[0], &err), err);

    const struct itimerval once = {.it_value = {.tv_usec = 100000}};
    const struct sigaction action = {.sa_handler = kill_child, .sa_flags = SA_RESTART};
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &once, NULL), 0);
    ck_assert_int_eq(ow_host_read(host, 0, NULL, &r[1], &err), OW_ERR_HOST);
    ck_assert_int_eq(n_killed, 1);
    if (getenv("OW_SHOW"))
        printf("%s\n", err.text);
    ck_assert(strlen(err.text) > 20 && !strchr(err.text, '\n'));

    struct ow_host *hasty;
    ck_assert_ok(ow_host_open(a, &late, &hasty, &err), err);
    ck_assert_int_eq(ow_host_read(hasty, 0, NULL, &r[1], &err), OW_ERR_HOST);
    if (getenv("OW_SHOW"))
        printf("%s\n", err.text);
    ck_assert_msg(strstr(err.text, "0.1 s"), "%s", err.text);
    ow_host_close(hasty);

    ck_assert_ok(ow_host_read(host, 0, NULL, &r[1], &err), err);
    ck_assert_mem_eq(r[1].v_sample, r[0].v_sample, r[0].cols * sizeof *r[0].v_sample);
    ck_assert_mem_eq(&r[1].energy, &r[0].energy, sizeof r[0].energy);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
    for (int k = 0; k < 2; k++)
        ow_reading_finish(&r[k]);
    ow_host_close(host);
    study_finish(&s);
}
END_TEST

/* Memory, open files and the folder for temporary ones after many runs, some of which fail.
 * mallinfo2() counts what the allocator keeps at hand as used: a few kB that come with time. */
START_TEST(test_many_runs_leave_nothing)
{
    const int n = getenv("OW_SLOW") ? 1000 : 60, warm = 10;
    size_t used = 0;
    int n_file = 0;
    struct ow_error err;
    ck_assert_int_eq(mkdir("tmp", 0700), 0);
    char tmp[100];
    snprintf(tmp, sizeof tmp, "%s/tmp", dir);
    setenv("TMPDIR", tmp, 1);
    for (int k = 0; k < n; k++) {
        if (k % 10 == 7)
            (void)try_user(fails[k / 10 % N(fails)].netlist, NULL, false, NULL, &err);
        ck_assert_ok(try_user(GOOD, NULL, false, NULL, &err), err);
        if (k == warm) {
            used = mallinfo2().uordblks;
            n_file = count_files("/proc/self/fd", NULL);
        }
    }
    const size_t now = mallinfo2().uordblks;
    if (getenv("OW_SHOW"))
        printf("%zu bytes, then %zu\n", used, now);
    fflush(stdout);
    ck_assert_msg(now <= used + 32768, "%zu bytes after %d runs, %zu after %d", used, warm, now,
                  n);
    ck_assert_int_eq(count_files("/proc/self/fd", NULL), n_file);
    ck_assert_int_eq(count_files("tmp", NULL), 0);
    unsetenv("TMPDIR");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cosim");
    if (!getenv("OW_HAS_SPICE") || access(codemodel(), R_OK) != 0) {
        fprintf(stderr, "skipped: there is no ngspice or no ohmweave.cm\n");
        return EXIT_SUCCESS;
    }
    TCase *hosts = tcase_create("hosts");
    tcase_add_loop_test(hosts, test_flat_decks_agree, 0, N(flat));
    tcase_add_loop_test(hosts, test_cvode_agrees, 0, N(alone));
    tcase_add_loop_test(hosts, test_macromodels_agree, 0, N(twin));
    tcase_add_loop_test(hosts, test_products_agree, 0, 2);
    tcase_add_test(hosts, test_converters_convert);
    tcase_add_test(hosts, test_energies_add_up);
    tcase_add_test(hosts, test_tolerance_holds);
    tcase_add_loop_test(hosts, test_runs_are_alike, 0, 2);
    tcase_set_timeout(hosts, 60);
    suite_add_tcase(suite, hosts);
    TCase *user = tcase_create("user");
    tcase_add_checked_fixture(user, enter_directory, leave_directory);
    tcase_add_loop_test(user, test_netlists_fail_with_one_error, 0, N(fails));
    tcase_add_test(user, test_no_netlist);
    tcase_add_loop_test(user, test_nothing_is_run, 0, N(deeds));
    tcase_add_test(user, test_allowed_commands);
    tcase_add_test(user, test_ngspice_dies);
    tcase_add_test(user, test_many_runs_leave_nothing);
    tcase_set_timeout(user, getenv("OW_SLOW") ? 600 : 60);
    suite_add_tcase(suite, user);
    return run_suite(suite);
}
