/* The specification: every key's default, every refusal with its place, overrides, the
 * resolved print, and mutated input of every loader. */
#define _GNU_SOURCE /* asprintf */
#include "ow_check.h"

#include <float.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ow_file.h"
#include "ow_quote.h"
#include "ow_random.h"
#include "ow_spec.h"
#include "ow_table.h"

#define VMM      "vmm: {weights: {random: [4, 3]}, inputs: {random: [5, 4]}}\n"
#define PULSES   "program: {pulses: {v_set: 2, v_reset: -1, t_width: 3n}}\n"
#define N(table) ((int)(sizeof(table) / sizeof(table)[0]))

static char dir[64], cwd[2000];

/* Every test runs in a directory of its own. */
static void set_up(void)
{
    strcpy(dir, "/tmp/ow-spec-XXXXXX");
    ck_assert_ptr_nonnull(getcwd(cwd, sizeof cwd));
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
}

static const char *const files[] = {"sub/spec.yaml", "sub/w.csv", "sub/set.inc",
                                    "sub/null",      "x.csv",     "my set's \xc3\xa4.inc"};

static void tear_down(void)
{
    for (int k = 0; k < N(files); k++)
        unlink(files[k]);
    rmdir("sub");
    ck_assert_int_eq(chdir(cwd), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

static enum ow_status parse(const char *text, const char *const overrides[],
                            struct ow_spec *spec, struct ow_error *err)
{
    return ow_spec_parse(text, strlen(text), "s.yaml", overrides, spec, err);
}

/* ---- defaults ------------------------------------------------------------------- */

#define NUMBER(member) offsetof(struct ow_spec, member)
/* As DESIGN section 5 promises them, and the amplifier's as documented. */
/* clang-format off */
static const struct { const char *name; size_t at; double value; } number_default[] = {
    {"array.r_wordline",     NUMBER(array.r_wordline),     1.0},
    {"array.r_bitline",      NUMBER(array.r_bitline),      1.0},
    {"array.c_wordline",     NUMBER(array.c_wordline),     0.1e-15},
    {"array.c_bitline",      NUMBER(array.c_bitline),      0.1e-15},
    {"array.r_driver",       NUMBER(array.r_driver),       50.0},
    {"device.g_min",         NUMBER(device.g_min),         1e-6},
    {"device.g_max",         NUMBER(device.g_max),         100e-6},
    {"device.sigma_d2d",     NUMBER(device.sigma_d2d),     0.0},
    {"device.sigma_program", NUMBER(device.sigma_program), 0.0},
    {"device.sigma_read",    NUMBER(device.sigma_read),    0.0},
    {"device.noise_bandwidth", NUMBER(device.noise_bandwidth), 0.0},
    {"device.flicker",       NUMBER(device.flicker),       0.0},
    {"device.flicker_time",  NUMBER(device.flicker_time),  1.0},
    {"device.stuck_on",      NUMBER(device.stuck_on),      0.0},
    {"device.stuck_off",     NUMBER(device.stuck_off),     0.0},
    {"input.v_read",         NUMBER(input.v_read),         0.2},
    {"input.t_read",         NUMBER(input.t_read),         10e-9},
    {"input.t_rise",         NUMBER(input.t_rise),         0.5e-9},
    {"sense.c_f",            NUMBER(sense.c_f),            1e-15},
    {"sense.gain",           NUMBER(sense.gain),           10e3},
    {"sense.gbw",            NUMBER(sense.gbw),            1e9},
    {"sense.r_out",          NUMBER(sense.r_out),          100.0},
    {"sense.c_in",           NUMBER(sense.c_in),           5e-15},
    {"sense.c_load",         NUMBER(sense.c_load),         10e-15},
    {"sense.v_os",           NUMBER(sense.v_os),           0.0},
    {"sense.vdd",            NUMBER(sense.vdd),            1.8},
    {"sense.i_q",            NUMBER(sense.i_q),            20e-6},
    {"adc.t_conv",           NUMBER(adc.t_conv),           0.0},
    {"engine.rtol",          NUMBER(engine.rtol),          1e-5},
};
/* clang-format on */

START_TEST(test_defaults)
{
    struct ow_error err = {0};
    struct ow_spec s = {0};
    ck_assert_ok(parse(VMM, NULL, &s, &err), err);
    for (int k = 0; k < N(number_default); k++) {
        const double value = *(double *)((char *)&s + number_default[k].at);
        ck_assert_msg(value == number_default[k].value, "%s: %.17g, expected %.17g",
                      number_default[k].name, value, number_default[k].value);
    }
    ck_assert_int_eq(s.array.cell, OW_CELL_1R);
    ck_assert_uint_eq(s.array.rows, 0);
    ck_assert_uint_eq(s.array.cols, 0);
    ck_assert(s.array.tile.rows == 0 && s.array.tile.cols == 0);
    ck_assert_str_eq(s.device.model->name, "team");
    ck_assert_ptr_null(s.device.set);
    ck_assert_uint_eq(s.device.params.n, 0);
    ck_assert_int_eq(s.mapping.scheme, OW_SCHEME_DIFFERENTIAL);
    ck_assert_uint_eq(s.mapping.levels, 0);
    ck_assert_int_eq(s.input.encoding, OW_ENCODING_AMPLITUDE);
    ck_assert_uint_eq(s.input.bits, 0);
    ck_assert(isnan(s.input.v_supply));
    ck_assert_double_eq(ow_spec_v_supply(&s), 0.2);
    ck_assert_int_eq(s.input.state, OW_STATE_RESTORE);
    ck_assert(!s.input.is_signed);
    ck_assert_int_eq(s.sense.kind, OW_SENSE_TIA);
    ck_assert(isnan(s.sense.r_f));
    ck_assert_uint_eq(s.adc.bits, 0);
    ck_assert_int_eq(s.adc.range.rule, OW_RANGE_CALIBRATED);
    ck_assert(isnan(s.adc.energy));
    ck_assert_uint_eq(s.adc.share, 1);
    ck_assert_int_eq(s.calibration.vectors.rule, OW_VECTORS_HALF);
    ck_assert_int_eq(s.engine.name, OW_ENGINE_CVODE);
    ck_assert_uint_eq(s.seed, 1);
    ck_assert_uint_eq(s.sweep.n + s.limits.n, 0);
    ck_assert(!s.program.is_given);
    ck_assert_ptr_null(s.vmm.labels);
    ck_assert(s.vmm.weights.is_random);
    ck_assert_uint_eq(s.vmm.weights.rows, 4);
    ck_assert_uint_eq(s.vmm.weights.cols, 3);
    ck_assert_uint_eq(s.vmm.weights.random_seed, 1);
    double param[OW_MAX_PARAMS];
    ow_params_default(s.device.model, param);
    ck_assert_mem_eq(s.device.param, param, s.device.model->n_param * sizeof *param);
    ow_spec_finish(&s);
    ow_spec_finish(&s);
}
END_TEST

/* Every key with a value that is not its default. */
static const char everything[] =
    "vmm:\n"
    "  weights: {random: [8, 5], seed: 77}\n"
    "  inputs: {random: [9, 8]}\n"
    "array: {cell: 1R, rows: 16, cols: 1k, tile: none, r_wordline: 2.5, r_bitline: 0,\n"
    "        c_wordline: 0.2fF, c_bitline: 3e-16, r_driver: 1.5k}\n"
    "device:\n"
    "  model: team\n"
    "  set: ow_hard\n"
    "  params: {r_on: 1.25k, ctrl: voltage, v_on: -0.6}\n"
    "  g_min: 101u\n"
    "  g_max: 0.75m\n"
    "  sigma_d2d: 0.01\n"
    "  sigma_program: 2e-2\n"
    "  sigma_read: 3m\n"
    "  noise_bandwidth: 150meg\n"
    "  flicker: 2e-7\n"
    "  flicker_time: 3600\n"
    "  stuck_on: 0.25\n"
    "  stuck_off: .125\n"
    "mapping: {scheme: differential, levels: 16}\n"
    "input: {encoding: amplitude, v_read: 150mV, t_read: 2.5ns, t_rise: 100p, bits: 6,\n"
    "        v_supply: 0.9, state: carry, signed: true}\n"
    "sense: {amp: resistor, r_f: 2meg, c_f: 0, gain: 1e5, gbw: 2.5g, r_out: 10, c_in: 7f,\n"
    "        c_load: 9f, v_os: -1m, vdd: 1.2, i_q: 0}\n"
    "adc: {bits: 8, range: [-1.5, 2], energy: 2p, t_conv: 5n, share: 4}\n"
    "calibration: {vectors: 7}\n"
    "engine: {name: dc, rtol: 1e-7}\n"
    "program: {scheme: v3, r_driver: 75, verify: {tolerance: 0.02, max_pulses: 9}, "
    "pulses: {v_set: 1.5, v_reset: -1.25, t_width: 20n, t_rise: 2n, count: 3, order: cells, "
    "rows: [3, 5-7, 0]}}\n"
    "seed: 4294967295\n"
    "sweep: {array.r_wordline: [0.5, 1, 2, 5], size: [16, 32, 64]}\n"
    "limits: {accuracy.array.enob: {min: 6}}\n";

START_TEST(test_every_key)
{
    struct ow_error err = {0};
    struct ow_spec s = {0};
    ck_assert_ok(parse(everything, NULL, &s, &err), err);
    ck_assert_uint_eq(s.vmm.weights.random_seed, 77);
    ck_assert_uint_eq(s.vmm.inputs.rows, 9);
    ck_assert_uint_eq(s.vmm.inputs.random_seed, 4294967295u);
    ck_assert_uint_eq(s.array.rows, 16);
    ck_assert_uint_eq(s.array.cols, 1000);
    ck_assert_double_eq(s.array.r_wordline, 2.5);
    ck_assert_double_eq(s.array.r_bitline, 0.0);
    ck_assert_double_eq(s.array.c_wordline, 0.2e-15);
    ck_assert_double_eq(s.array.c_bitline, 3e-16);
    ck_assert_double_eq(s.array.r_driver, 1500.0);
    ck_assert_str_eq(s.device.set, "ow_hard");
    const struct ow_model *m = s.device.model;
    ck_assert_double_eq(s.device.param[ow_param_index(m, "r_on")], 1250.0);
    ck_assert_double_eq(s.device.param[ow_param_index(m, "r_off")], 10e3); /* of the set */
    ck_assert_double_eq(s.device.param[ow_param_index(m, "v_on")], -0.6);
    ck_assert_double_eq(s.device.param[OW_SEED], 4294967295.0);
    ck_assert_double_eq(s.device.g_min, 101e-6);
    ck_assert_double_eq(s.device.g_max, 0.75e-3);
    ck_assert_double_eq(s.device.sigma_d2d, 0.01);
    ck_assert_double_eq(s.device.sigma_program, 0.02);
    ck_assert_double_eq(s.device.sigma_read, 3e-3);
    ck_assert_double_eq(s.device.noise_bandwidth, 150e6);
    ck_assert_double_eq(s.device.flicker, 2e-7);
    ck_assert_double_eq(s.device.flicker_time, 3600.0);
    ck_assert_double_eq(s.device.stuck_on, 0.25);
    ck_assert_double_eq(s.device.stuck_off, 0.125);
    ck_assert_uint_eq(s.mapping.levels, 16);
    ck_assert_double_eq(s.input.v_read, 0.15);
    ck_assert_double_eq(s.input.t_read, 2.5e-9);
    ck_assert_double_eq(s.input.t_rise, 100e-12);
    ck_assert_uint_eq(s.input.bits, 6);
    ck_assert_double_eq(s.input.v_supply, 0.9);
    ck_assert_double_eq(ow_spec_v_supply(&s), 0.9);
    ck_assert_int_eq(s.input.state, OW_STATE_CARRY);
    ck_assert(s.input.is_signed);
    ck_assert_int_eq(s.sense.kind, OW_SENSE_RESISTOR);
    ck_assert_double_eq(s.sense.r_f, 2e6);
    ck_assert_double_eq(s.sense.c_f, 0.0);
    ck_assert_double_eq(s.sense.gain, 1e5);
    ck_assert_double_eq(s.sense.gbw, 2.5e9);
    ck_assert_double_eq(s.sense.r_out, 10.0);
    ck_assert_double_eq(s.sense.c_in, 7e-15);
    ck_assert_double_eq(s.sense.c_load, 9e-15);
    ck_assert_double_eq(s.sense.v_os, -1e-3);
    ck_assert_double_eq(s.sense.vdd, 1.2);
    ck_assert_double_eq(s.sense.i_q, 0.0);
    ck_assert_uint_eq(s.adc.bits, 8);
    ck_assert_int_eq(s.adc.range.rule, OW_RANGE_FIXED);
    ck_assert_double_eq(s.adc.range.lo, -1.5);
    ck_assert_double_eq(s.adc.range.hi, 2.0);
    ck_assert_double_eq(s.adc.energy, 2e-12);
    ck_assert_double_eq(s.adc.t_conv, 5e-9);
    ck_assert_uint_eq(s.adc.share, 4);
    ck_assert_int_eq(s.calibration.vectors.rule, OW_VECTORS_FIRST);
    ck_assert_uint_eq(s.calibration.vectors.n, 7);
    ck_assert_int_eq(s.engine.name, OW_ENGINE_DC);
    ck_assert_double_eq(s.engine.rtol, 1e-7);
    ck_assert_uint_eq(s.seed, 4294967295u);
    static const size_t row[] = {3, 5, 6, 7, 0};
    ck_assert(s.program.is_given);
    ck_assert_int_eq(s.program.scheme, OW_WRITE_V3);
    ck_assert_double_eq(s.program.r_driver, 75.0);
    ck_assert_ptr_null(s.program.target);
    ck_assert_ptr_null(s.program.begin);
    ck_assert_double_eq(s.program.pulses.v_set, 1.5);
    ck_assert_double_eq(s.program.pulses.v_reset, -1.25);
    ck_assert_double_eq(s.program.pulses.t_width, 20e-9);
    ck_assert_double_eq(s.program.pulses.t_rise, 2e-9);
    ck_assert_uint_eq(s.program.pulses.count, 3);
    ck_assert_int_eq(s.program.pulses.order, OW_ORDER_CELLS);
    ck_assert_uint_eq(s.program.pulses.rows.n, 5);
    ck_assert_mem_eq(s.program.pulses.rows.row, row, sizeof row);
    ck_assert_double_eq(s.program.verify.tolerance, 0.02);
    ck_assert_uint_eq(s.program.verify.max_pulses, 9);
    /* The free sections, with their places. */
    ck_assert_uint_eq(s.sweep.n, 2);
    ck_assert_str_eq(s.sweep.entry[0].key->text, "array.r_wordline");
    ck_assert_uint_eq(s.sweep.entry[0].value->n, 4);
    ck_assert_str_eq(s.sweep.entry[0].value->item[3].text, "5");
    ck_assert_uint_eq(s.sweep.entry[0].value->item[3].line, 30);
    ck_assert_uint_eq(s.sweep.entry[0].value->item[3].column, 39);
    ck_assert_str_eq(ow_node_get(s.limits.entry[0].value, "min")->text, "6");
    ck_assert_ptr_null(ow_node_get(s.limits.entry[0].value, "max"));
    ow_spec_finish(&s);
}
END_TEST

START_TEST(test_tile)
{
    static const char *const set[] = {"array.tile=[3, 1k]", NULL};
    struct ow_error err = {0};
    struct ow_spec s = {0};
    ck_assert_ok(parse(VMM "array: {tile: [1, 2]}\n", NULL, &s, &err), err);
    ck_assert(s.array.tile.rows == 1 && s.array.tile.cols == 2);
    ow_spec_finish(&s);
    ck_assert_ok(parse(VMM "array: {tile: [16, 8]}\n", set, &s, &err), err);
    ck_assert(s.array.tile.rows == 3 && s.array.tile.cols == 1000);
    ow_spec_finish(&s);
}
END_TEST

START_TEST(test_words)
{
    struct ow_error err = {0};
    struct ow_spec s = {0};
    static const char *const more[] = {
        "adc.range=max",   "calibration.vectors=all", "array.rows=auto",     "sense.r_f=auto",
        "adc.energy=null", "input.v_supply=v_read",   "array.tile=[7, 8]",   "array.tile=none",
        "device.set=null", "device.params.r_off=20k", "engine.name=ngspice", NULL};
    ck_assert_ok(parse(everything, more, &s, &err), err);
    ck_assert_int_eq(s.adc.range.rule, OW_RANGE_MAX);
    ck_assert_int_eq(s.calibration.vectors.rule, OW_VECTORS_ALL);
    ck_assert_uint_eq(s.array.rows, 0);
    ck_assert(s.array.tile.rows == 0 && s.array.tile.cols == 0);
    ck_assert(isnan(s.sense.r_f));
    ck_assert(isnan(s.adc.energy));
    ck_assert(isnan(s.input.v_supply));
    ck_assert_ptr_null(s.device.set);
    ck_assert_int_eq(s.engine.name, OW_ENGINE_NGSPICE);
    ow_spec_finish(&s);
}
END_TEST

/* Suffixes as SPICE has them. */
/* clang-format off */
static const struct { const char *text; double value; } suffix[] = {
    {"1e3", 1e3}, {"4.7k", 4700}, {"4.7K", 4700}, {"0.1m", 1e-4}, {"100u", 1e-4}, {"12n", 12e-9},
    {"1.5meg", 1.5e6}, {"1.5MEG", 1.5e6}, {"1.5MegOhm", 1.5e6}, {"0.5g", 0.5e9}, {"2kohm", 2000},
    {"+3", 3}, {".5", 0.5}, {"5.", 5}, {"\"10k\"", 10e3}, {"'10k'", 10e3}, {"1e-9", 1e-9}, {"0", 0},
};
/* clang-format on */

START_TEST(test_suffixes)
{
    struct ow_error err = {0};
    struct ow_spec s = {0};
    char text[200];
    snprintf(text, sizeof text, VMM "array: {r_wordline: %s}\n", suffix[_i].text);
    ck_assert_ok(parse(text, NULL, &s, &err), err);
    ck_assert_double_eq(s.array.r_wordline, suffix[_i].value);
    ow_spec_finish(&s);
}
END_TEST

/* ---- refusals ---------------------------------------------------------------------- */

#define TILE                                                                                   \
    "expected none or [rows, cols] from [1, 2] to [65536, 65536] (word and bit lines of each " \
    "array that the weights are cut into; none: one array)"
#define SEGMENT " (word-line resistance of a segment)"
/* clang-format off */
static const struct { const char *text, *message; } bad[] = {
    /* not YAML, or more of it than a specification needs */
    {"",                        "s.yaml:1:1: nothing here, expected a value"},
    {"vmm: [1, 2\n",            "s.yaml:2:1: not YAML: while parsing a flow sequence: did not find expected ',' or ']'"},
    {"a: 1\nb\n",               "s.yaml:3:1: not YAML: while scanning a simple key: could not find expected ':'"},
    {"vmm:\n\tweights: x\n",    "s.yaml:2:1: a tab in the indentation, expected blanks"},
    {VMM "\xff\n",              "s.yaml:2:1: not YAML: invalid leading UTF-8 octet"},
    {VMM "seed: \x01\n",        "s.yaml:2:7: not YAML: control characters are not allowed"},
    {VMM "---\nseed: 1\n",      "s.yaml:2:1: a second document, expected the end"},
    {VMM "array: &a {rows: 3}", "s.yaml:2:8: &a: anchors and aliases are not supported, write the value out"},
    {VMM "seed: *a\n",          "s.yaml:2:7: *a: anchors and aliases are not supported, write the value out"},
    {VMM "*a : 3\n",            "s.yaml:2:1: *a: anchors and aliases are not supported, write the value out"},
    {VMM "seed: !!int 3\n",     "s.yaml:2:7: tags (tag:yaml.org,2002:int) are not supported"},
    {VMM "seed: \"\\0\"\n",     "s.yaml:2:7: a NUL character in a text"},
    {VMM "? [a]\n: 1\n",        "s.yaml:2:3: a list or a map, expected a key"},
    {VMM "seed: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n", "s.yaml:2:22: nested more than 16 deep"},

    /* keys */
    {"- 1\n",                            "s.yaml:1:1: a list: expected a map of sections such as vmm, array, device"},
    {"5\n",                              "s.yaml:1:1: '5': expected a map of sections such as vmm, array, device"},
    {VMM "seed: 1\nseed: 2\n",           "s.yaml:3:1: seed: key given twice, first in line 2"},
    {VMM "array:\n  rows: 4\n  rows: 4", "s.yaml:4:3: rows: key given twice, first in line 3"},
    {VMM "array: {}\nvmm: {}\n",         "s.yaml:3:1: vmm: key given twice, first in line 1"},
    {VMM "arrray: {rows: 3}\n",          "s.yaml:2:1: arrray: unknown key (did you mean array?)"},
    {VMM "array: {r_wordlin: 3}\n",      "s.yaml:2:9: array.r_wordlin: unknown key (did you mean r_wordline?)"},
    {VMM "array: {r_f: 3}\n",            "s.yaml:2:9: array.r_f: unknown key (did you mean sense.r_f?)"},
    {VMM "r_driver: 3\n",                "s.yaml:2:1: r_driver: unknown key (did you mean array.r_driver?)"},
    {VMM "array.rows: 3\n",              "s.yaml:2:1: array.rows: unknown key, expected rows under the section array"},
    {VMM "colour: red\n",                "s.yaml:2:1: colour: unknown key"},
    {VMM "input: {colour: red}\n",       "s.yaml:2:9: input.colour: unknown key"},
    {VMM "array: [1]\n",                 "s.yaml:2:8: array: a list: expected a map of keys"},
    {VMM "array:\nseed: 1\n",            "s.yaml:2:7: array: nothing: expected a map of keys"},
    {"array: {rows: 3}\n",               "s.yaml:1:1: vmm.weights: missing, expected a file name or {random: [rows, cols], seed: N} (matrix [n_in, n_out])"},
    {"seed: 3\nvmm: {weights: {random: [4, 3]}}\n", "s.yaml:2:1: vmm.inputs: missing, expected a file name or {random: [rows, cols], seed: N} (matrix [n_vec, n_in], values in [0, 1])"},

    /* numbers */
    {VMM "array: {r_wordline: ten}\n",   "s.yaml:2:21: array.r_wordline: 'ten' is not a number: expected a number from 0 to 1e+09 ohm" SEGMENT},
    {VMM "array: {r_wordline: 10x}\n",   "s.yaml:2:21: array.r_wordline: '10x' is a number with an unknown suffix or unit (suffixes: t g meg k m u n p f mil): expected a number from 0 to 1e+09 ohm" SEGMENT},
    {VMM "array: {r_wordline: -1}\n",    "s.yaml:2:21: array.r_wordline: '-1' is too small: expected a number from 0 to 1e+09 ohm" SEGMENT},
    {VMM "array: {r_wordline: 1e-12}\n", "s.yaml:2:21: array.r_wordline: 1e-12 ohm: expected 0, or 1e-09 ohm or more"},
    {VMM "array: {r_driver: 1e-300}\n",  "s.yaml:2:19: array.r_driver: 1e-300 ohm: expected 0, or 1e-09 ohm or more"},
    {VMM "array: {r_wordline: 2g}\n",    "s.yaml:2:21: array.r_wordline: '2g' is too large: expected a number from 0 to 1e+09 ohm" SEGMENT},
    {VMM "array: {r_wordline: .inf}\n",  "s.yaml:2:21: array.r_wordline: '.inf' is not a number: expected a number from 0 to 1e+09 ohm" SEGMENT},
    {VMM "array: {r_wordline: inf}\n",   "s.yaml:2:21: array.r_wordline: 'inf' is infinite: expected a number from 0 to 1e+09 ohm" SEGMENT},
    {VMM "array: {r_wordline: nan}\n",   "s.yaml:2:21: array.r_wordline: 'nan' is not a number: expected a number from 0 to 1e+09 ohm" SEGMENT},
    {VMM "array: {r_wordline: [1]}\n",   "s.yaml:2:21: array.r_wordline: a list: expected a number from 0 to 1e+09 ohm" SEGMENT},
    {VMM "array: {r_wordline: }\n",      "s.yaml:2:21: array.r_wordline: nothing: expected a number from 0 to 1e+09 ohm" SEGMENT},
    {VMM "array: {r_wordline: null}\n",  "s.yaml:2:21: array.r_wordline: 'null' is not a number: expected a number from 0 to 1e+09 ohm" SEGMENT},
    {VMM "input: {t_rise: 0}\n",         "s.yaml:2:17: input.t_rise: '0' is too small: expected a number from 1e-15 to 1000 s (rise and fall time)"},
    {VMM "input: {t_read: -1n}\n",       "s.yaml:2:17: input.t_read: '-1n' is too small: expected a number from 1e-15 to 1000 s (time at full height, then the outputs are sampled)"},
    {VMM "sense: {r_f: automatic}\n",    "s.yaml:2:14: sense.r_f: 'automatic' is not a number: expected a number from 0.001 to 1e+15 ohm or auto (feedback or sense resistor; auto: calibration currents reach 80 % of the swing)"},
    {VMM "array: {rows: 0}\n",           "s.yaml:2:15: array.rows: '0' is too small: expected a whole number from 1 to 65536 or auto (word lines; auto: as the weights need)"},
    {VMM "array: {rows: 2.5}\n",         "s.yaml:2:15: array.rows: '2.5' is not whole: expected a whole number from 1 to 65536 or auto (word lines; auto: as the weights need)"},
    {VMM "seed: 4294967296\n",           "s.yaml:2:7: seed: '4294967296' is too large: expected a whole number from 0 to 4294967295 (of every random draw)"},
    {VMM "seed: -1\n",                   "s.yaml:2:7: seed: '-1' is too small: expected a whole number from 0 to 4294967295 (of every random draw)"},

    /* choices, booleans, files */
    {VMM "engine: {name: cvod}\n",       "s.yaml:2:16: engine.name: 'cvod': expected cvode, ngspice, dc or cosim (what solves the circuit)"},
    {VMM "sense: {amp: {a: b}}\n",       "s.yaml:2:14: sense.amp: a map: expected resistor, tia, subckt, integrator or voltage (what reads a bit line)"},
    {VMM "input: {signed: yes}\n",       "s.yaml:2:17: input.signed: 'yes': expected true or false (inputs in [-1, 1], in two phases)"},
    {VMM "device: {model: tema}\n",      "s.yaml:2:17: device.model: 'tema': expected team, "},
    {"vmm: {weights: no.csv, inputs: {random: [5, 4]}}\n", "s.yaml:1:16: vmm.weights: no.csv: No such file or directory"},
    {"vmm: {weights: \"no\\n/a-name-that-is-longer-than-what-is-quoted-of-other-texts.csv\", inputs: x}\n", "s.yaml:1:16: vmm.weights: no?/a-name-that-is-longer-than-what-is-quoted-of-other-texts.csv: No such file or directory"},
    {"vmm: {weights: [1], inputs: {random: [5, 4]}}\n",    "s.yaml:1:16: vmm.weights: a list: expected a file name or {random: [rows, cols], seed: N} (matrix [n_in, n_out])"},
    {"vmm: {weights: '', inputs: {random: [5, 4]}}\n",     "s.yaml:1:16: vmm.weights: nothing: expected a file name or {random: [rows, cols], seed: N} (matrix [n_in, n_out])"},
    {"vmm: {weights: {random: [4, 0]}, inputs: x}\n",      "s.yaml:1:29: vmm.weights: '0' is too small: expected a file name or {random: [rows, cols], seed: N} (matrix [n_in, n_out])"},
    {"vmm: {weights: {random: [4]}, inputs: x}\n",         "s.yaml:1:25: vmm.weights: a list is no shape: expected a file name or {random: [rows, cols], seed: N} (matrix [n_in, n_out])"},
    {"vmm: {weights: {seed: 4}, inputs: x}\n",             "s.yaml:1:16: vmm.weights: a map: expected a file name or {random: [rows, cols], seed: N} (matrix [n_in, n_out])"},
    {"vmm: {weights: {random: [4, 4], seed: -4}, inputs: x}\n", "s.yaml:1:39: vmm.weights: '-4' is too small: expected a file name or {random: [rows, cols], seed: N} (matrix [n_in, n_out])"},
    {"vmm: {weights: {random: [4, 4], sed: 4}, inputs: x}\n",   "s.yaml:1:33: vmm.weights: unknown key 'sed': expected a file name or {random: [rows, cols], seed: N}"},
    {VMM "array: {tile: 64}\n",          "s.yaml:2:15: array.tile: '64': " TILE},
    {VMM "array: {tile: [64]}\n",        "s.yaml:2:15: array.tile: a list: " TILE},
    {VMM "array: {tile: [4, 4, 4]}\n",   "s.yaml:2:15: array.tile: a list: " TILE},
    {VMM "array: {tile: [0, 8]}\n",      "s.yaml:2:16: array.tile: '0' is too small: " TILE},
    {VMM "array: {tile: [8, 1]}\n",      "s.yaml:2:19: array.tile: '1' is too small: " TILE},
    {VMM "array: {tile: [8, 65537]}\n",  "s.yaml:2:19: array.tile: '65537' is too large: " TILE},
    {VMM "array: {tile: [8.5, 4]}\n",    "s.yaml:2:16: array.tile: '8.5' is not whole: " TILE},
    {VMM "array: {tile: [[8, 8], 4]}\n", "s.yaml:2:16: array.tile: a list: " TILE},
    {VMM "array: {tile: [4, 4], rows: 8}\n", "s.yaml:2:29: array.rows: 8 with array.tile = [4, 4]: expected auto"},
    {VMM "array: {cols: 6, tile: [4, 4]}\n", "s.yaml:2:15: array.cols: 6 with array.tile = [4, 4]: expected auto"},
    {VMM "array: {tile: [4, 4]}\n" PULSES,   "s.yaml:2:15: array.tile: [4, 4]: the section program writes one array: expected none"},
    {VMM "adc: {range: maximum}\n",      "s.yaml:2:14: adc.range: 'maximum': expected calibrated, max or [lo, hi] (full scale, in units of the product)"},
    {VMM "adc: {range: [1]}\n",          "s.yaml:2:14: adc.range: a list: expected calibrated, max or [lo, hi] (full scale, in units of the product)"},
    {VMM "adc: {range: [2, 1]}\n",       "s.yaml:2:14: adc.range: a list with lo >= hi: expected calibrated, max or [lo, hi] (full scale, in units of the product)"},
    {VMM "adc: {range: [2, x]}\n",       "s.yaml:2:18: adc.range: 'x' is not a number: expected calibrated, max or [lo, hi] (full scale, in units of the product)"},
    {VMM "calibration: {vectors: 0}\n",  "s.yaml:2:24: calibration.vectors: '0' is too small: expected half, all or a whole number from 1 on (input vectors that calibrate gain, offset and range)"},
    {VMM "program: 3\n",                 "s.yaml:2:10: program: '3': expected a map of keys"},
    {VMM "program: {sheme: v2}\n",       "s.yaml:2:11: program.sheme: unknown key (did you mean scheme?)"},
    {VMM "program:\n  pulses:\n    v_st: 2\n", "s.yaml:4:5: program.pulses.v_st: unknown key (did you mean v_set?)"},
    {VMM "program:\n  pulses: 7\n",      "s.yaml:3:11: program.pulses: '7': expected a map of keys"},
    {VMM "program: {scheme: v2}\n",      "s.yaml:2:1: program.pulses.v_set: missing, expected a number from -1000 to 1000 V (height of a pulse that raises the conductance; the device decides the sign)"},
    {VMM "program:\n  pulses: {v_set: 2, t_width: 1n}\n", "s.yaml:3:3: program.pulses.v_reset: missing, expected a number from -1000 to 1000 V (height of a pulse that lowers it, of the other sign)"},
    {VMM "program: {scheme: v4}\n",      "s.yaml:2:19: program.scheme: 'v4': expected v2 or v3 (voltage of the lines that are not selected: v2 V/2; v3 V/3 on word lines, 2V/3 on bit lines)"},
    {VMM "program: {pulses: {v_set: -1, v_reset: -2, t_width: 1n}}\n", "s.yaml:2:40: program.pulses.v_reset: -2 V and v_set = -1 V: expected heights of opposite sign"},
    {VMM "program: {pulses: {v_set: -2k}}\n", "s.yaml:2:27: program.pulses.v_set: '-2k' is too small: expected a number from -1000 to 1000 V (height of a pulse that raises the conductance; the device decides the sign)"},
    {VMM "program: {target: no.csv}\n",  "s.yaml:2:19: program.target: no.csv: No such file or directory"},
    {VMM "program: {pulses: {v_set: 2, v_reset: -1, t_width: 1n, rows: 3}}\n",   "s.yaml:2:62: program.pulses.rows: '3': expected all or a list of whole numbers and ranges such as [0, 4-7] (word lines to program)"},
    {VMM "program: {pulses: {v_set: 2, v_reset: -1, t_width: 1n, rows: []}}\n",  "s.yaml:2:62: program.pulses.rows: a list: expected all or a list of whole numbers and ranges such as [0, 4-7] (word lines to program)"},
    {VMM "program: {pulses: {v_set: 2, v_reset: -1, t_width: 1n, rows: [1, 7-4]}}\n", "s.yaml:2:66: program.pulses.rows: '7-4' is a number with an unknown suffix or unit (suffixes: t g meg k m u n p f mil): expected all or a list of whole numbers and ranges such as [0, 4-7] (word lines to program)"},
    {VMM "program: {pulses: {v_set: 2, v_reset: -1, t_width: 1n, rows: [70000]}}\n",  "s.yaml:2:63: program.pulses.rows: '70000' is too large: expected all or a list of whole numbers and ranges such as [0, 4-7] (word lines to program)"},
    {"program: {pulses: {v_set: 2, v_reset: -1, t_width: 1n}}\n", "s.yaml:1:1: vmm.weights: missing, expected a file name or {random: [rows, cols], seed: N} (matrix [n_in, n_out])"},
    {VMM "sweep: 3\n",                   "s.yaml:2:8: sweep: '3': expected a map of keys (grid of runs (ohmweave sweep only))"},

    /* devices */
    {VMM "device: {set: ow_bening}\n",            "s.yaml:2:15: device.set: there is no parameter set 'ow_bening' (did you mean ow_benign?), expected the name of a parameter set, a file or null"},
    {VMM "device: {set: ./x.inc}\n",              "s.yaml:2:15: device.set: ./x.inc: No such file or directory"},
    {VMM "device: {set: stochastic_write}\n",     "s.yaml:2:15: device.set: stochastic_write:2: the card is for 'ow_stochastic', expected ow_team"},
    {VMM "device: {params: 3}\n",                 "s.yaml:2:18: device.params: '3': expected a map of keys (single parameters on top of the set)"},
    {VMM "device: {params: {r_onn: 1k}}\n",       "s.yaml:2:19: device.params.r_onn: team has no such parameter (did you mean r_on?)"},
    {VMM "device: {params: {seed: 3}}\n",         "s.yaml:2:19: device.params.seed: cannot be set, it comes from the specification's `seed`"},
    {VMM "device: {params: {id: 3}}\n",           "s.yaml:2:19: device.params.id: cannot be set, it numbers the cells"},
    {VMM "device: {params: {x0: 0.3}}\n",         "s.yaml:2:19: device.params.x0: cannot be set, it is set by the weights"},
    {VMM "device: {params: {r_on: [1]}}\n",       "s.yaml:2:25: device.params.r_on: a list: expected a number or a name"},
    {VMM "device: {params: {r_on: ten}}\n",       "s.yaml:2:25: device.params: r_on = 'ten': not a number"},
    {VMM "device: {params: {r_on: -1k}}\n",       "s.yaml:2:25: device.params: r_on = -1000: expected a number from"},
    {VMM "device: {params: {i_on: 8.9u}}\n",      "s.yaml:2:25: device.params: i_on = 8.9e-06: expected a number from"},
    {VMM "device: {params: {ctrl: power}}\n",     "s.yaml:2:25: device.params: ctrl = 'power': expected one of current, voltage"},
    {VMM "device:\n  set: ow_hard\n  params:\n    r_on: 20k\n", "s.yaml:5:5: device.params: "},

    /* relations */
    {VMM "device: {g_min: 2m,\n  g_max: 1m}\n",   "s.yaml:3:10: device.g_max: 0.001 S is not above device.g_min = 0.002 S"},
    {VMM "device: {g_min: 200u}\n",               "s.yaml: device.g_max (default): 0.0001 S is not above device.g_min = 0.0002 S"},
    {VMM "device: {flicker: 1u}\n",                   "s.yaml:2:19: device.flicker: 1e-06 from 1/device.flicker_time = 1 Hz to device.noise_bandwidth = 0 Hz: expected a bandwidth above that"},
    {VMM "device: {flicker: 1u, noise_bandwidth: 1k, flicker_time: 1m}\n", "s.yaml:2:19: device.flicker: 1e-06 from 1/device.flicker_time = 1000 Hz to device.noise_bandwidth = 1000 Hz: expected a bandwidth above that"},
    {VMM "device: {flicker: 0.1, noise_bandwidth: 1g}\n", "s.yaml:2:19: device.flicker: 0.1, with device.sigma_read = 0, changes currents by 1.44 of themselves: expected 1 at most"},
    {VMM "device: {stuck_on: 0.6, stuck_off: 0.6}\n", "s.yaml:2:36: device.stuck_off: 0.6 and device.stuck_on = 0.6 are more than all devices"},
    {VMM "mapping: {levels: 1}\n",                "s.yaml:2:19: mapping.levels: one level stores nothing, expected 0 (continuous) or 2 and more"},
    {VMM "mapping: {levels: 4}\ndevice: {model: stochastic}\n", "s.yaml:2:19: mapping.levels: 4 levels, but stochastic has two states, expected 0 or 2"},
    {VMM "input: {v_supply: 0.1}\n",              "s.yaml:2:19: input.v_supply: 0.1 V is below input.v_read = 0.2 V, which it has to deliver"},
    {VMM "array: {c_wordline: 0}\n",              "s.yaml:2:21: array.c_wordline: 0 leaves a node without capacitance, which cvode cannot step: expected a positive value, or engine.name dc"},
    {VMM "array: {c_wordline: 0, r_wordline: 0}", "s.yaml:2:21: array.c_wordline: 0 leaves a node without capacitance, which cvode cannot step: expected a positive value, or engine.name dc"},
    {VMM "array: {c_bitline: 0}\n",               "s.yaml:2:20: array.c_bitline: 0 leaves a node without capacitance, which cvode cannot step: expected a positive value, or engine.name dc"},
    {VMM "sense: {c_in: 0}\n",                    "s.yaml:2:15: sense.c_in: 0 leaves a node without capacitance, which cvode cannot step: expected a positive value, or engine.name dc"},
    {VMM "sense: {c_load: 0}\n",                  "s.yaml:2:17: sense.c_load: 0 leaves a node without capacitance, which cvode cannot step: expected a positive value, or engine.name dc"},
};
/* clang-format on */

START_TEST(test_refused)
{
    struct ow_error err = {0};
    struct ow_spec s = {.seed = 77};
    const enum ow_status st = parse(bad[_i].text, NULL, &s, &err);
    ck_assert_int_ne(st, OW_OK);
    ck_assert_int_eq(st, err.status);
    /* Messages of the models' own parameter tables and the list of models are theirs: the
     * beginning counts. */
    if (strstr(bad[_i].message, "device.params") || strstr(bad[_i].message, "tema"))
        err.text[strlen(bad[_i].message)] = '\0';
    ck_assert_str_eq(err.text, bad[_i].message);
    ck_assert_uint_eq(s.seed, 77);
}
END_TEST

/* Upper-case M alone: the message must offer both readings. */
START_TEST(test_ambiguous_suffix)
{
    struct ow_error err = {0};
    struct ow_spec s = {0};
    ck_assert_int_eq(parse(VMM "sense: {r_f: 1M}\n", NULL, &s, &err), OW_ERR_INPUT);
    ck_assert_ptr_eq(strstr(err.text, "s.yaml:2:14: sense.r_f: '1M' is ambiguous"), err.text);
    ck_assert_ptr_nonnull(strstr(err.text, "write m or meg"));
    ck_assert_int_eq(parse(VMM "array: {c_bitline: 1F}\n", NULL, &s, &err), OW_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.text, "'1F' is ambiguous"));
}
END_TEST

/* Legal: what the capacitance rule must let through. */
static const char *const no_capacitance[] = {
    VMM
    "array: {c_wordline: 0, c_bitline: 0}\nsense: {c_in: 0, c_load: 0}\nengine: {name: dc}\n",
    VMM "array: {c_wordline: 0, c_bitline: 0}\nengine: {name: ngspice}\n",
    VMM "array: {c_wordline: 0, r_wordline: 0, r_driver: 0}\n", /* on the source       */
    VMM "array: {c_bitline: 0, r_bitline: 0}\n",                /* the line is the input */
    VMM "array: {r_bitline: 0}\nsense: {c_in: 0}\n",            /* the same            */
    VMM "sense: {amp: resistor, c_in: 0}\n",                    /* c_load is there     */
    VMM "sense: {amp: resistor, c_load: 0}\n",
};

START_TEST(test_capacitance_rule)
{
    struct ow_error err = {0};
    struct ow_spec s = {0};
    ck_assert_ok(parse(no_capacitance[_i], NULL, &s, &err), err);
    ow_spec_finish(&s);
}
END_TEST

/* ---- overrides --------------------------------------------------------------------- */

START_TEST(test_overrides_win)
{
    struct ow_error err = {0};
    struct ow_spec s = {0};
    static const char *const set[] = {"array.rows=128",
                                      "array.r_wordline=3",
                                      "array.r_wordline=4.5",
                                      "seed=9",
                                      "vmm.weights={random: [2, 1], seed: 5}",
                                      "device.params.r_on=2k",
                                      "device.params.r_off=9k",
                                      "adc.range=[-1, 1]",
                                      "sweep.size=[8, 16]",
                                      "sweep.seed=[1, 2]",
                                      "limits={a: b}",
                                      "limits.c=d",
                                      "limits.x.y={max: 3}",
                                      "program.pulses.v_set=2.5",
                                      "program.pulses.rows=[4]",
                                      NULL};
    ck_assert_ok(parse(everything, set, &s, &err), err);
    ck_assert_uint_eq(s.array.rows, 128);
    ck_assert_double_eq(s.array.r_wordline, 4.5);
    ck_assert_uint_eq(s.seed, 9);
    ck_assert_uint_eq(s.vmm.weights.rows, 2);
    ck_assert_uint_eq(s.vmm.weights.random_seed, 5);
    ck_assert_uint_eq(s.vmm.inputs.random_seed, 9);
    ck_assert_uint_eq(s.device.params.n, 4); /* r_on, ctrl, v_on of the file, and r_off */
    const struct ow_model *m = s.device.model;
    ck_assert_double_eq(s.device.param[ow_param_index(m, "r_on")], 2000.0);
    ck_assert_double_eq(s.device.param[ow_param_index(m, "r_off")], 9000.0);
    ck_assert_double_eq(s.device.param[ow_param_index(m, "v_on")], -0.6);
    ck_assert_double_eq(s.adc.range.lo, -1.0);
    ck_assert_uint_eq(s.sweep.n, 3);
    ck_assert_uint_eq(s.sweep.entry[1].value->n, 2);
    ck_assert_str_eq(s.sweep.entry[1].value->item[1].text, "16");
    ck_assert_str_eq(s.sweep.entry[2].key->text, "seed");
    ck_assert_uint_eq(s.limits.n, 3); /* the whole section, then two more */
    ck_assert_str_eq(s.limits.entry[1].value->text, "d");
    ck_assert_str_eq(s.limits.entry[2].key->text, "x.y");
    ck_assert_double_eq(s.program.pulses.v_set, 2.5);
    ck_assert_double_eq(s.program.pulses.v_reset, -1.25);
    ck_assert_uint_eq(s.program.pulses.rows.n, 1);
    ck_assert_uint_eq(s.program.pulses.rows.row[0], 4);
    ow_spec_finish(&s);
}
END_TEST

/* clang-format off */
static const struct { const char *set, *message; } bad_set[] = {
    {"array.rows",          "--set array.rows: expected KEY=VALUE, such as array.rows=128"},
    {"=3",                  "--set =3: expected KEY=VALUE, such as array.rows=128"},
    {"",                    "--set : expected KEY=VALUE, such as array.rows=128"},
    {"array.rows=",         "--set array.rows=: nothing here, expected a value"},
    {"array.rows=many",     "--set array.rows=many: array.rows: 'many' is not a number: expected a whole number from 1 to 65536 or auto (word lines; auto: as the weights need)"},
    {"array.rosw=3",        "--set array.rosw=3: array.rosw: unknown key (did you mean rows?)"},
    {"rows=3",              "--set rows=3: rows: unknown key (did you mean array.rows?)"},
    {"arry.rows=3",         "--set arry.rows=3: arry.rows: unknown key (did you mean array.rows?)"},
    {"array={rows: 3}",     "--set array={rows: 3}: array is a section: set its keys one by one"},
    {"program={scheme: v2}", "--set program={scheme: v2}: program is a section: set its keys one by one"},
    {"program.pulses={}",   "--set program.pulses={}: program.pulses is a section: set its keys one by one"},
    {"program.pulses.vset=1", "--set program.pulses.vset=1: program.pulses.vset: unknown key (did you mean v_set?)"},
    {"program.scheme=v2",   "s.yaml:1:1: program.pulses.v_set: missing, expected a number from -1000 to 1000 V (height of a pulse that raises the conductance; the device decides the sign)"},
    {"adc.range=[1",        "--set adc.range=[1: not YAML: while parsing a flow sequence: did not find expected ',' or ']'"},
    {"adc.range=[2, 1]",    "--set adc.range=[2, 1]: adc.range: a list with lo >= hi: expected calibrated, max or [lo, hi] (full scale, in units of the product)"},
    {"sweep.x={a: 1, a: 2}", "--set sweep.x={a: 1, a: 2}: a: key given twice"},
    {"device.params.=3",    "--set device.params.=3: device.params.: unknown key (did you mean params?)"},
    {"device.params.r_n=3", "--set device.params.r_n=3: device.params.r_n: team has no such parameter (did you mean r_on?)"},
    {"device.params.r_on=0", "--set device.params.r_on=0: device.params: r_on = 0: expected a number from"},
    {"device.g_max=1n",     "--set device.g_max=1n: device.g_max: 1e-09 S is not above device.g_min = 1e-06 S"},
    {"vmm.labels=no.csv",   "--set vmm.labels=no.csv: vmm.labels: no.csv: No such file or directory"},
    {"seed=1\n---\n2",      "--set seed=1?---?2: a second document, expected the end"},
};
/* clang-format on */

START_TEST(test_override_refused)
{
    struct ow_error err = {0};
    struct ow_spec s = {.seed = 77};
    const char *const set[] = {"seed=5", bad_set[_i].set, "seed=6", NULL};
    ck_assert_int_ne(parse(VMM, set, &s, &err), OW_OK);
    if (strstr(bad_set[_i].message, "device.params: "))
        err.text[strlen(bad_set[_i].message)] = '\0';
    ck_assert_str_eq(err.text, bad_set[_i].message);
    ck_assert_uint_eq(s.seed, 77);
}
END_TEST

/* ---- files ------------------------------------------------------------------------- */

/* Files lie beside the specification that names them, or where the program runs when the
 * command line does. */
START_TEST(test_paths)
{
    struct ow_error err = {0};
    struct ow_spec s = {0};
    ck_assert_int_eq(mkdir("sub", 0777), 0);
    put("sub/w.csv", "1,2\n");
    put("x.csv", "1\n");
    put("sub/null", "1\n");
    put("sub/spec.yaml", "vmm: {weights: w.csv, inputs: ../x.csv, labels: \"null\"}\n");
    ck_assert_ok(ow_spec_load("sub/spec.yaml", NULL, &s, &err), err);
    ck_assert_str_eq(s.vmm.weights.path, "sub/w.csv");
    ck_assert_str_eq(s.vmm.inputs.path, "sub/../x.csv");
    ck_assert_str_eq(s.vmm.labels, "sub/null");
    ow_spec_finish(&s);
    static const char *const set[] = {"vmm.weights=x.csv", "vmm.labels=null", NULL};
    ck_assert_ok(ow_spec_load("sub/spec.yaml", set, &s, &err), err);
    ck_assert_str_eq(s.vmm.weights.path, "x.csv");
    ck_assert_ptr_null(s.vmm.labels);
    ow_spec_finish(&s);
    ck_assert_int_eq(ow_spec_load("none.yaml", NULL, &s, &err), OW_ERR_FILE);
    ck_assert_str_eq(err.text, "none.yaml: cannot be opened: No such file or directory");
    ck_assert_int_eq(ow_spec_load("sub", NULL, &s, &err), OW_ERR_FILE);
    ck_assert_str_eq(err.text, "sub: is a directory, expected a file");
    /* Without the file beside it, the name that was tried is said. */
    put("sub/spec.yaml", "vmm:\n  weights: v.csv\n  inputs: ../x.csv\n");
    ck_assert_int_eq(ow_spec_load("sub/spec.yaml", NULL, &s, &err), OW_ERR_FILE);
    ck_assert_str_eq(err.text,
                     "sub/spec.yaml:2:12: vmm.weights: sub/v.csv: No such file or directory");
}
END_TEST

START_TEST(test_set_files)
{
    struct ow_error err = {0};
    struct ow_spec s = {0};
    const char *odd = "my set's \xc3\xa4.inc";
    put(odd, "* mine\n.model m ow_team (r_on=123\n+ ctrl=voltage)\n");
    char *text = NULL;
    ck_assert_int_gt(asprintf(&text, VMM "device: {set: \"%s\", params: {r_off: 77k}}\n", odd),
                     0);
    ck_assert_ok(parse(text, NULL, &s, &err), err);
    ck_assert_str_eq(s.device.set, odd);
    const struct ow_model *m = s.device.model;
    ck_assert_double_eq(s.device.param[ow_param_index(m, "r_on")], 123.0);
    ck_assert_double_eq(s.device.param[ow_param_index(m, "r_off")], 77e3);
    /* Its print, with the odd name, loads again. */
    char *print = NULL;
    size_t n;
    FILE *to = open_memstream(&print, &n);
    ck_assert_ok(ow_spec_print(&s, to, &err), err);
    fclose(to);
    ow_spec_finish(&s);
    ck_assert_ok(ow_spec_parse(print, n, "again.yaml", NULL, &s, &err), err);
    ck_assert_double_eq(s.device.param[ow_param_index(m, "r_on")], 123.0);
    ow_spec_finish(&s);
    free(print);

    put(odd, "* mine\n.model m ow_team (r_on=123 r_x=5)\n");
    ck_assert_int_eq(parse(text, NULL, &s, &err), OW_ERR_INPUT);
    char want[200];
    snprintf(want, sizeof want, "s.yaml:2:15: device.set: %s:2: ow_team has no parameter 'r_x'",
             odd);
    ck_assert_str_eq(err.text, want);
    free(text);
}
END_TEST

/* How many of the images the ideal product classifies as labelled. */
static size_t n_right(const struct ow_matrix *x, const struct ow_matrix *w,
                      const struct ow_matrix *labels)
{
    size_t right = 0;
    for (size_t k = 0; k < x->rows; k++) {
        size_t best = 0;
        double y_best = -INFINITY;
        for (size_t j = 0; j < w->cols; j++) {
            double y = 0.0;
            for (size_t i = 0; i < x->cols; i++)
                y += ow_matrix_row(x, k)[i] * ow_matrix_row(w, i)[j];
            if (y > y_best) {
                y_best = y;
                best = j;
            }
        }
        right += labels->a[k] == (double)best;
    }
    return right;
}

/* The shipped examples load, and are what they say. */
/* clang-format off */
static const struct { const char *name, *model, *set; double r_wordline, g_max; } example[] = {
    {"digits",           "team",       "ow_benign",        1.0,  100e-6},
    {"digits_hard",      "team",       "ow_hard",          20.0, 1e-3},
    {"digits_tiles",     "team",       "ow_hard",          20.0, 1e-3},
    {"digits_slices",    "team",       "ow_benign",        1.0,  100e-6},
    {"write_team",       "team",       "team_write",       2.5,  90e-6},
    {"write_driftdiff",  "driftdiff",  "driftdiff_write",  2.5,  50e-6},
    {"write_stochastic", "stochastic", "stochastic_write", 2.5,  100e-6},
    {"program_team",     "team",       "team_write",       2.5,  60e-6},
    {"program_stochastic", "stochastic", "stochastic_write", 2.5, 100e-6},
    {"cell_1s1r",        "team",       "team_write",       2.5,  25e-6},
};
/* clang-format on */

START_TEST(test_examples)
{
    struct ow_error err = {0};
    struct ow_spec s = {0};
    char path[4000];
    snprintf(path, sizeof path, "%s/../../netlists/examples/%s.yaml", test_data_dir(),
             example[_i].name);
    ck_assert_ok(ow_spec_load(path, NULL, &s, &err), err);
    ck_assert_str_eq(s.device.model->name, example[_i].model);
    ck_assert_str_eq(s.device.set, example[_i].set);
    ck_assert_double_eq(s.array.r_wordline, example[_i].r_wordline);
    ck_assert_double_eq(s.array.r_bitline, example[_i].r_wordline);
    ck_assert_double_eq(s.device.g_max, example[_i].g_max);
    if (s.vmm.weights.is_random) {
        ck_assert_uint_eq(s.vmm.weights.rows, 8);
        ck_assert_uint_eq(s.vmm.weights.cols, 4); /* 8 x 8 devices */
        ck_assert(s.program.is_given || s.sense.kind == OW_SENSE_RESISTOR);
    } else {
        struct ow_matrix w = {0}, x = {0}, labels = {0};
        ck_assert_ok(ow_table_load(s.vmm.weights.path, &w, &err), err);
        ck_assert_ok(ow_table_load(s.vmm.inputs.path, &x, &err), err);
        ck_assert_ok(ow_table_load(s.vmm.labels, &labels, &err), err);
        ck_assert_uint_eq(w.rows, 64);
        ck_assert_uint_eq(w.cols, 10);
        ck_assert_uint_eq(x.rows, 360);
        ck_assert_uint_eq(x.cols, 64);
        ck_assert_uint_eq(labels.rows, 360);
        ck_assert_uint_eq(labels.cols, 1);
        /* 97.8 %, as the data's README says. */
        ck_assert_uint_eq(n_right(&x, &w, &labels), 352);
        ow_matrix_finish(&w);
        ow_matrix_finish(&x);
        ow_matrix_finish(&labels);
    }
    ow_spec_finish(&s);
}
END_TEST

/* ---- print ------------------------------------------------------------------------- */

static char *print(const struct ow_spec *s)
{
    struct ow_error err = {0};
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    ck_assert_ptr_nonnull(to);
    ck_assert_ok(ow_spec_print(s, to, &err), err);
    ck_assert_int_eq(fclose(to), 0);
    return text;
}

/* Cut comments: what remains is the specification. */
static void strip(char *text)
{
    char *to = text;
    for (const char *at = text; *at; at++) {
        if (at[0] == ' ' && at[1] == ' ' && at[2] == '#')
            while (at[1] != '\n')
                at++;
        else
            *to++ = *at;
    }
    *to = '\0';
}

/* Pointers differ between two loads; everything else must not. */
static void assert_same(const struct ow_spec *a, const struct ow_spec *b)
{
    ck_assert_mem_eq(&a->array, &b->array, sizeof a->array);
    ck_assert_mem_eq(&a->mapping, &b->mapping, sizeof a->mapping);
    ck_assert_mem_eq(&a->sense, &b->sense, sizeof a->sense);
    ck_assert_mem_eq(&a->engine, &b->engine, sizeof a->engine);
    ck_assert_uint_eq(a->seed, b->seed);
    ck_assert_ptr_eq(a->device.model, b->device.model);
    ck_assert_mem_eq(a->device.param, b->device.param,
                     a->device.model->n_param * sizeof *a->device.param);
    ck_assert_uint_eq(a->vmm.weights.random_seed, b->vmm.weights.random_seed);
    ck_assert_uint_eq(a->vmm.inputs.random_seed, b->vmm.inputs.random_seed);
    ck_assert_uint_eq(a->sweep.n, b->sweep.n);
    ck_assert_uint_eq(a->limits.n, b->limits.n);
    ck_assert_int_eq(a->program.is_given, b->program.is_given);
    ck_assert_mem_eq(&a->program.verify, &b->program.verify, sizeof a->program.verify);
    ck_assert_uint_eq(a->program.pulses.rows.n, b->program.pulses.rows.n);
    ck_assert_double_eq(a->program.pulses.t_width, b->program.pulses.t_width);
    ck_assert_double_eq(a->input.v_read, b->input.v_read);
    ck_assert_double_eq(a->device.g_max, b->device.g_max);
}

static const char *const printed[] = {
    VMM,
    everything,
    VMM "device: {model: driftdiff, params: {mu: 1.2345678901234567e6, symmetric: 1}}\n",
    VMM "device: {model: stochastic, set: stochastic_gaba}\n",
    VMM "device: {model: team, set: team_xyce, params: {r_off: 1.0000000000000002k}}\n",
    VMM "sweep: {\"a: b\": [\"- x\", '', \"null\", "
        "\"#\\n\\t\\\"\\\\\\x07\\u2028\\u00e4\\U0001F600\"], "
        "\"---\": {\"...\": []}, k: {}}\nlimits: {long: |\n  two\n  lines\n  }\n",
    "vmm: {weights: {random: [4, 3]}}\n" PULSES,

    VMM "sweep:\n  text: |\n    two\n    lines\n  folded: a\n    b\n",
    VMM "array: {tile: [16, 0.5k]}\n",
};

START_TEST(test_print_loads_again)
{
    struct ow_error err = {0};
    struct ow_spec a = {0}, b = {0};
    if (parse(printed[_i], NULL, &a, &err) != OW_OK) {
        /* One row is no YAML on purpose of its block text inside a flow map. */
        ck_assert_int_eq(_i, 5);
        return;
    }
    char *first = print(&a);
    ck_assert_ok(ow_spec_parse(first, strlen(first), "again.yaml", NULL, &b, &err), err);
    char *second = print(&b);
    strip(first);
    strip(second);
    ck_assert_str_eq(first, second);
    assert_same(&a, &b);
    free(first);
    free(second);
    ow_spec_finish(&a);
    ow_spec_finish(&b);
}
END_TEST

START_TEST(test_print_names_origins)
{
    static const char *const set[] = {"array.rows=128", "device.params.r_on=2k",
                                      "input.v_read=0.1\n", NULL};
    static const char *const line[] = {
        "    rows: 128                                     # --set array.rows=128\n",
        "    cols: auto                                    # default\n",
        "    r_wordline: 3                                 # s.yaml:3\n",
        "        r_on: 2k                                  # --set device.params.r_on=2k\n",
        "        r_off: 9k                                 # s.yaml:4\n",
        "        v_on: -0.5                                # set ow_hard\n",
        "        rate: 1                                   # default\n",
        "    v_read: 0.1                                   # --set input.v_read=0.1?\n",
        "    weights: {random: [4, 3], seed: 1}            # s.yaml:1\n",
        "seed: 1                                           # default\n",
    };
    struct ow_error err = {0};
    struct ow_spec s = {0};
    ck_assert_ok(parse(VMM
                       "array:\n    r_wordline: 3\ndevice: {set: ow_hard, params: {r_off: 9k}}",
                       set, &s, &err),
                 err);
    char *text = print(&s);
    for (int k = 0; k < N(line); k++)
        ck_assert_msg(strstr(text, line[k]), "no line %s in\n%s", line[k], text);
    free(text);
    ow_spec_finish(&s);
}
END_TEST

START_TEST(test_print_reports_a_full_disk)
{
    struct ow_error err = {0};
    struct ow_spec s = {0};
    ck_assert_ok(parse(VMM, NULL, &s, &err), err);
    FILE *full = fopen("/dev/full", "w");
    ck_assert_ptr_nonnull(full);
    ck_assert_int_eq(ow_spec_print(&s, full, &err), OW_ERR_FILE);
    ck_assert_str_eq(err.text, "the specification cannot be written: No space left on device");
    fclose(full);
    ow_spec_finish(&s);
}
END_TEST

/* The help names every key that the print does. */
START_TEST(test_help)
{
    struct ow_error err = {0};
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    ck_assert_ok(ow_spec_help(to, &err), err);
    fclose(to);
    for (int k = 0; k < N(number_default); k++)
        ck_assert_ptr_nonnull(strstr(text, number_default[k].name));
    ck_assert_ptr_nonnull(strstr(text, "vmm.weights            (required)    matrix"));
    ck_assert_ptr_nonnull(strstr(text, "expected cvode, ngspice, dc or cosim\n"));
    free(text);
}
END_TEST

/* ---- what commands ask ------------------------------------------------------------- */

START_TEST(test_sections_of_other_commands)
{
    struct ow_error err = {0};
    struct ow_spec s = {0};
    ck_assert_ok(parse(VMM "sweep: {seed: [1, 2]}\nlimits: {a: 1}\n", NULL, &s, &err), err);
    ck_assert_ok(ow_spec_for(&s, "sweep", &err), err);
    ck_assert_int_eq(ow_spec_for(&s, "vmm", &err), OW_ERR_INPUT);
    ck_assert_str_eq(err.text,
                     "s.yaml:2:9: sweep: `ohmweave vmm` would ignore this section, it "
                     "is for `ohmweave sweep`");
    ow_spec_finish(&s);
    ck_assert_ok(parse(VMM "sweep: {}\n" PULSES, NULL, &s, &err), err);
    ck_assert_ok(ow_spec_for(&s, "program", &err), err);
    ck_assert_ok(ow_spec_for(&s, "verify", &err), err);
    ck_assert_ok(ow_spec_for(&s, "netlist", &err), err);
    ck_assert_int_eq(ow_spec_for(&s, "vmm", &err), OW_ERR_INPUT);
    ck_assert_str_eq(err.text, "s.yaml:3:27: program.pulses.v_set: `ohmweave vmm` would ignore "
                               "the section program, it is for `ohmweave program`");
    ow_spec_finish(&s);
    ck_assert_ok(parse(VMM, NULL, &s, &err), err);
    ck_assert_ok(ow_spec_for(&s, "vmm", &err), err);
    ck_assert_int_eq(ow_spec_for(&s, "program", &err), OW_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.text, "s.yaml: program: missing, expected"));
    ow_spec_finish(&s);
}
END_TEST

START_TEST(test_later_failures_have_a_place)
{
    struct ow_error err = {0};
    struct ow_spec s = {0};
    static const char *const set[] = {"device.g_min=2u", NULL};
    ck_assert_ok(parse(VMM "device:\n  g_max: 1m\n", set, &s, &err), err);
    ck_assert_int_eq(ow_spec_fail(&s, "device.g_max", &err, OW_ERR_RANGE, "too %s", "much"),
                     OW_ERR_RANGE);
    ck_assert_str_eq(err.text, "s.yaml:3:10: device.g_max: too much");
    ow_spec_fail(&s, "device.g_min", &err, OW_ERR_RANGE, "no");
    ck_assert_str_eq(err.text, "--set device.g_min=2u: device.g_min: no");
    ow_spec_fail(&s, "sense.vdd", &err, OW_ERR_RANGE, "no");
    ck_assert_str_eq(err.text, "s.yaml: sense.vdd (default): no");
    ow_spec_finish(&s);
}
END_TEST

START_TEST(test_quote)
{
    ck_assert_str_eq(ow_quote("a\nb\x1b\x7f", 5).text, "a?b??");
    /* 39 letters and a two-byte character that would be cut: it goes as a whole. */
    const char *text = "123456789012345678901234567890123456789\xc3\xa4xyz";
    ck_assert_str_eq(ow_quote(text, strlen(text)).text,
                     "123456789012345678901234567890123456789...");
    ck_assert_str_eq(ow_quote(text, 41).text, "123456789012345678901234567890123456789...");
    ck_assert_str_eq(ow_quote(text, 39).text, "123456789012345678901234567890123456789");
}
END_TEST

/* ---- mutations --------------------------------------------------------------------- */

/* Draws for the mutations: number k of run `run`, below n. */
static size_t draw(uint64_t run, uint64_t *k, size_t n)
{
    const struct ow_draw_key key = {
        .seed = 1, .purpose = OW_DRAW_TEST, .id = run, .event = (*k)++};
    return (size_t)(ow_draw_uniform(&key) * (double)n);
}

/* A few random edits: a byte changed, removed, or doubled; a stretch copied elsewhere; the
 * end cut off; a token that means something put in. */
static size_t mutate(uint64_t run, char *text, size_t n, size_t room)
{
    static const char *const token[] = {
        "{",    "}",     "[",    "]",       ":",    ",",         "\n",           "\t",
        "'",    "\"",    "&a ",  "*a",      "!!x ", "---\n",     "...",          "%",
        "null", "1e999", "-1",   "nan",     "#",    "\xc3",      "\xef\xbb\xbf", "\0",
        "|\n",  "? ",    "<<: ", "'descr'", "(1,)", "9999999999"};
    uint64_t k = 0;
    for (size_t edits = 1 + draw(run, &k, 4); edits > 0; edits--) {
        const size_t at = n ? draw(run, &k, n) : 0;
        const char *piece = token[draw(run, &k, sizeof token / sizeof token[0])];
        const size_t len = strlen(piece) ? strlen(piece) : 1;
        switch (draw(run, &k, 6)) {
        case 0:
            if (n > 0)
                text[at] = (char)draw(run, &k, 256);
            break;
        case 1:
            if (n > 0)
                memmove(text + at, text + at + 1, --n - at);
            break;
        case 2:
            n = at;
            break;
        case 3: {
            const size_t from = n ? draw(run, &k, n) : 0, most = n - (at > from ? at : from);
            memmove(text + at, text + from, most < 20 ? most : 20);
            break;
        }
        default:
            if (n + len <= room) {
                memmove(text + at + len, text + at, n - at);
                memcpy(text + at, piece, len);
                n += len;
            }
        }
    }
    return n;
}

static bool check_spec_bytes(const char *bytes, size_t n)
{
    struct ow_error err = {0};
    struct ow_spec s = {0}, again = {0};
    const enum ow_status st = ow_spec_parse(bytes, n, "f.yaml", NULL, &s, &err);
    if (st != OW_OK) {
        ck_assert_int_eq(err.status, st);
        ck_assert_ptr_eq(strstr(err.text, "f.yaml"), err.text);
        ck_assert_ptr_null(strchr(err.text, '\n'));
        return false;
    }
    /* Whatever was accepted prints as what is accepted again, and is the same. */
    char *first = print(&s);
    ck_assert_ok(ow_spec_parse(first, strlen(first), "f.yaml", NULL, &again, &err), err);
    char *second = print(&again);
    strip(first);
    strip(second);
    ck_assert_str_eq(first, second);
    assert_same(&s, &again);
    free(first);
    free(second);
    ow_spec_finish(&s);
    ow_spec_finish(&again);
    return true;
}

static bool check_table_bytes(const char *bytes, size_t n, bool is_npy)
{
    struct ow_error err = {0};
    struct ow_matrix m = {0};
    const enum ow_status st =
        is_npy ? ow_npy_parse(bytes, n, "f", &m, &err) : ow_csv_parse(bytes, n, "f", &m, &err);
    if (st != OW_OK) {
        ck_assert_int_eq(err.status, st);
        ck_assert_ptr_eq(strstr(err.text, "f:"), err.text);
        ck_assert_ptr_null(strchr(err.text, '\n'));
        ck_assert_ptr_null(m.a);
        return false;
    }
    ck_assert_uint_gt(m.rows * m.cols, 0);
    for (size_t k = 0; k < m.rows * m.cols; k++)
        ck_assert(isfinite(m.a[k]));
    ow_matrix_finish(&m);
    return true;
}

static const char csv_seed[] = "# head\r\n1.5,-2e-3, 7\n\n3,4,5 # tail\n 6 ,7,8.25\n";
static const char npy_seed[] =
    "\x93NUMPY\x01\x00\x3e\x00{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }   \n"
    "\x00\x00\xc0\x3f\x00\x00\xa0\xc0\x00\x00\xc0\x3f\x00\x00\xa0\xc0";

/* Seeded, so a failure repeats.  The copy has no byte to spare: a read beyond the input
 * is a sanitizer's or valgrind's finding. */
START_TEST(test_mutations)
{
    const struct {
        const char *text;
        size_t n;
    } seed[] = {
        {everything, sizeof everything - 1},
        {printed[7], strlen(printed[7])},
        {csv_seed, sizeof csv_seed - 1},
        {npy_seed, sizeof npy_seed - 1},
    };
    enum { RUNS = 12000, ROOM = 4096 };
    char text[ROOM];
    size_t n_accepted[sizeof seed / sizeof seed[0]] = {0};
    for (uint64_t run = 0; run < RUNS; run++) {
        const size_t which = run % (sizeof seed / sizeof seed[0]);
        memcpy(text, seed[which].text, seed[which].n);
        const size_t n = mutate(run, text, seed[which].n, ROOM);
        char *exact = malloc(n ? n : 1);
        memcpy(exact, text, n);
        n_accepted[which] +=
            which < 2 ? check_spec_bytes(exact, n) : check_table_bytes(exact, n, which == 3);
        free(exact);
    }
    /* The edits are neither so mild nor so wild that they test one outcome only. */
    for (size_t k = 0; k < sizeof seed / sizeof seed[0]; k++) {
        ck_assert_uint_gt(n_accepted[k], RUNS / 600);
        ck_assert_uint_lt(n_accepted[k], RUNS / 5);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spec");
    TCase *tc = tcase_create("values");
    tcase_add_test(tc, test_defaults);
    tcase_add_test(tc, test_every_key);
    tcase_add_test(tc, test_tile);
    tcase_add_test(tc, test_words);
    tcase_add_loop_test(tc, test_suffixes, 0, N(suffix));
    tcase_add_loop_test(tc, test_capacitance_rule, 0, N(no_capacitance));
    suite_add_tcase(suite, tc);

    tc = tcase_create("refused");
    tcase_add_loop_test(tc, test_refused, 0, N(bad));
    tcase_add_test(tc, test_ambiguous_suffix);
    suite_add_tcase(suite, tc);

    tc = tcase_create("overrides");
    tcase_add_test(tc, test_overrides_win);
    tcase_add_loop_test(tc, test_override_refused, 0, N(bad_set));
    suite_add_tcase(suite, tc);

    tc = tcase_create("files");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, test_paths);
    tcase_add_test(tc, test_set_files);
    suite_add_tcase(suite, tc);

    tc = tcase_create("print");
    tcase_add_loop_test(tc, test_examples, 0, N(example));
    tcase_add_loop_test(tc, test_print_loads_again, 0, N(printed));
    tcase_add_test(tc, test_print_names_origins);
    tcase_add_test(tc, test_print_reports_a_full_disk);
    tcase_add_test(tc, test_help);
    tcase_add_test(tc, test_sections_of_other_commands);
    tcase_add_test(tc, test_later_failures_have_a_place);
    tcase_add_test(tc, test_quote);
    suite_add_tcase(suite, tc);

    tc = tcase_create("mutations");
    tcase_set_timeout(tc, 100);
    tcase_add_test(tc, test_mutations);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
