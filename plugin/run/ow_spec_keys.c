#include "ow_spec_keys.h"

#include <stddef.h>
#include <string.h>

static const char *const
    none[] = {"none", NULL},
    *const automatic[] = {"auto", NULL}, *const null[] = {"null", NULL},
    *const v_read[] = {"v_read", NULL}, *const cell[] = {"1R", "1T1R", "1S1R", "2T2R", NULL},
    *const scheme[] = {"differential", "offset", NULL},
    *const encoding[] = {"amplitude", "bit_serial", "pulse_width", NULL},
    *const state[] = {"restore", "carry", NULL}, *const amp[] = {"resistor", "tia",
                                                                 "subckt",   "integrator",
                                                                 "voltage",  NULL},
    *const driver[] = {"resistor", "subckt", NULL},
    *const converter[] = {"ideal", "subckt", NULL}, *const write[] = {"v2", "v3", NULL},
    *const order[] = {"rows", "cells", NULL}, *const g_min[] = {"g_min", NULL},
    *const weights[] = {"weights", NULL}, *const r_driver[] = {"array.r_driver", NULL},
    *const engine[] = {"cvode", "ngspice", "dc", "cosim", NULL};

#define AT(member) offsetof(struct ow_spec, member)

/* Defaults of the amplifier: an op-amp in a 180 nm process or so, fast enough for a read
 * of 10 ns; c_f keeps the loop with its input capacitance from peaking. */
/* clang-format off */
const struct ow_key ow_keys[] = {
/*   name                    type            unit  default         lo      hi     words      place                     meaning */
    {"vmm.weights",          OW_KEY_SOURCE,  "1",   NULL,           0,      0,     NULL,      AT(vmm.weights),          "matrix [n_in, n_out]"},
    {"vmm.inputs",           OW_KEY_SOURCE,  "1",   NULL,           0,      0,     NULL,      AT(vmm.inputs),           "matrix [n_vec, n_in], values in [0, 1]"},
    {"vmm.labels",           OW_KEY_PATH,    "1",   "null",         0,      0,     null,      AT(vmm.labels),           "the right output of every input vector"},

    {"array.cell",           OW_KEY_CHOICE,  "1",   "1R",           0,      0,     cell,      AT(array.cell),           "what sits at a crossing: the device alone, or in series with a transistor (1T1R), a selector (1S1R); 2T2R: 1T1R in both arms"},
    {"array.rows",           OW_KEY_COUNT,   "1",   "auto",         1,      65536, automatic, AT(array.rows),           "word lines; auto: as the weights need"},
    {"array.cols",           OW_KEY_COUNT,   "1",   "auto",         1,      65536, automatic, AT(array.cols),           "bit lines; auto: as the weights need"},
    {"array.tile",           OW_KEY_TILE,    "1",   "none",         1,      65536, none,      AT(array.tile),           "word and bit lines of each array that the weights are cut into; none: one array"},
    {"array.r_wordline",     OW_KEY_NUMBER,  "ohm", "1",            0,      1e9,   NULL,      AT(array.r_wordline),     "word-line resistance of a segment"},
    {"array.r_bitline",      OW_KEY_NUMBER,  "ohm", "1",            0,      1e9,   NULL,      AT(array.r_bitline),      "bit-line resistance of a segment"},
    {"array.c_wordline",     OW_KEY_NUMBER,  "F",   "0.1f",         0,      1e-6,  NULL,      AT(array.c_wordline),     "word-line capacitance of a segment"},
    {"array.c_bitline",      OW_KEY_NUMBER,  "F",   "0.1f",         0,      1e-6,  NULL,      AT(array.c_bitline),      "bit-line capacitance of a segment"},
    {"array.r_driver",       OW_KEY_NUMBER,  "ohm", "50",           0,      1e9,   NULL,      AT(array.r_driver),       "output resistance of a word-line driver"},

    {"device.model",         OW_KEY_MODEL,   "1",   "team",         0,      0,     NULL,      AT(device.model),         "compact model"},
    {"device.set",           OW_KEY_SET,     "1",   "null",         0,      0,     null,      AT(device.set),           "parameter set by name, or a file (with / in it or ending in .inc, .lib, .mod)"},
    {"device.params",        OW_KEY_SECTION, "1",   NULL,           0,      0,     NULL,      AT(device.params),        "single parameters on top of the set"},
    {"device.g_min",         OW_KEY_NUMBER,  "S",   "1u",           1e-15,  1e3,   NULL,      AT(device.g_min),         "least conductance of the mapping, at v_read"},
    {"device.g_max",         OW_KEY_NUMBER,  "S",   "100u",         1e-15,  1e3,   NULL,      AT(device.g_max),         "greatest conductance of the mapping, at v_read"},
    {"device.cp",            OW_KEY_NUMBER,  "F",   "0",            0,      1e-6,  NULL,      AT(device.cp),            "capacitance across each device"},
    {"device.sigma_d2d",     OW_KEY_NUMBER,  "1",   "0",            0,      1,     NULL,      AT(device.sigma_d2d),     "relative spread of current from device to device"},
    {"device.sigma_program", OW_KEY_NUMBER,  "1",   "0",            0,      1,     NULL,      AT(device.sigma_program), "relative error of a programmed conductance"},
    {"device.sigma_read",    OW_KEY_NUMBER,  "1",   "0",            0,      1,     NULL,      AT(device.sigma_read),    "relative change of current from read to read"},
    {"device.noise_bandwidth", OW_KEY_NUMBER, "Hz", "0",            0,      1e15,  NULL,      AT(device.noise_bandwidth), "of a read: thermal noise of the devices, and the upper end of 1/f; 0: neither"},
    {"device.flicker",       OW_KEY_NUMBER,  "1",   "0",            0,      1,     NULL,      AT(device.flicker),       "1/f noise of each device, f S_I/I^2; needs noise_bandwidth"},
    {"device.flicker_time",  OW_KEY_NUMBER,  "s",   "1",            1e-15,  1e12,  NULL,      AT(device.flicker_time),  "time since calibration, whose inverse is the lower end of 1/f"},
    {"device.stuck_on",      OW_KEY_NUMBER,  "1",   "0",            0,      1,     NULL,      AT(device.stuck_on),      "fraction of devices stuck at g_max"},
    {"device.stuck_off",     OW_KEY_NUMBER,  "1",   "0",            0,      1,     NULL,      AT(device.stuck_off),     "fraction of devices stuck at g_min"},

    {"access.model",         OW_KEY_MODEL,   "1",   "auto",         0,      0,     automatic, AT(access.model),         "transistor or selector in series with the device, on its bit line; auto: as array.cell needs"},
    {"access.set",           OW_KEY_SET,     "1",   "null",         0,      0,     null,      AT(access.set),           "its parameter set, by name or a file"},
    {"access.params",        OW_KEY_SECTION, "1",   NULL,           0,      0,     NULL,      AT(access.params),        "its single parameters on top of the set"},

    {"mapping.scheme",       OW_KEY_CHOICE,  "1",   "differential", 0,      0,     scheme,    AT(mapping.scheme),       "how a weight becomes conductances: two lines an output; or one, and a reference line for all in an array"},
    {"mapping.levels",       OW_KEY_COUNT,   "1",   "0",            0,      65536, NULL,      AT(mapping.levels),       "conductance levels of a device; 0: continuous"},
    {"mapping.slices",       OW_KEY_COUNT,   "1",   "1",            1,      32,    NULL,      AT(mapping.slices),       "devices that hold the digits of a weight, on lines of their own, each of mapping.levels"},

    {"input.encoding",       OW_KEY_CHOICE,  "1",   "amplitude",    0,      0,     encoding,  AT(input.encoding),       "how an input becomes pulses of v_read: of its height; one for each of its bits, in a read each; of its width"},
    {"input.v_read",         OW_KEY_NUMBER,  "V",   "0.2",          1e-6,   1e3,   NULL,      AT(input.v_read),         "pulse height of an input of 1, or of a bit"},
    {"input.t_read",         OW_KEY_NUMBER,  "s",   "10n",          1e-15,  1e3,   NULL,      AT(input.t_read),         "time at full height, then the outputs are sampled"},
    {"input.t_rise",         OW_KEY_NUMBER,  "s",   "0.5n",         1e-15,  1e3,   NULL,      AT(input.t_rise),         "rise and fall time"},
    {"input.bits",           OW_KEY_COUNT,   "1",   "0",            0,      32,    NULL,      AT(input.bits),           "bits of the input converter; 0: ideal"},
    {"input.v_supply",       OW_KEY_NUMBER,  "V",   "v_read",       1e-6,   1e3,   v_read,    AT(input.v_supply),       "supply that the drivers' charge is billed at; v_read: ideal drivers"},
    {"input.state",          OW_KEY_CHOICE,  "1",   "restore",      0,      0,     state,     AT(input.state),          "devices before each vector: as programmed, or as the one before left them"},
    {"input.signed",         OW_KEY_BOOLEAN, "1",   "false",        0,      0,     NULL,      AT(input.is_signed),      "inputs in [-1, 1], in two phases"},

    {"sense.amp",            OW_KEY_CHOICE,  "1",   "tia",          0,      0,     amp,       AT(sense.kind),           "what reads a bit line"},
    {"sense.r_f",            OW_KEY_NUMBER,  "ohm", "auto",         1e-3,   1e15,  automatic, AT(sense.r_f),            "feedback or sense resistor; auto: calibration currents reach 80 % of the swing"},
    {"sense.c_f",            OW_KEY_NUMBER,  "F",   "1f",           0,      1e-6,  NULL,      AT(sense.c_f),            "feedback capacitance"},
    {"sense.gain",           OW_KEY_NUMBER,  "1",   "10k",          1,      1e9,   NULL,      AT(sense.gain),           "open-loop gain of the amplifier"},
    {"sense.gbw",            OW_KEY_NUMBER,  "Hz",  "1g",           1,      1e15,  NULL,      AT(sense.gbw),            "gain-bandwidth product"},
    {"sense.r_out",          OW_KEY_NUMBER,  "ohm", "100",          1e-3,   1e9,   NULL,      AT(sense.r_out),          "output resistance of the amplifier"},
    {"sense.c_in",           OW_KEY_NUMBER,  "F",   "5f",           0,      1e-6,  NULL,      AT(sense.c_in),           "capacitance at its input"},
    {"sense.c_load",         OW_KEY_NUMBER,  "F",   "10f",          0,      1e-6,  NULL,      AT(sense.c_load),         "capacitance at its output"},
    {"sense.v_os",           OW_KEY_NUMBER,  "V",   "0",            -10,    10,    NULL,      AT(sense.v_os),           "input offset"},
    {"sense.vdd",            OW_KEY_NUMBER,  "V",   "1.8",          0.1,    1e3,   NULL,      AT(sense.vdd),            "supply from rail to rail, signal ground in the middle"},
    {"sense.i_q",            OW_KEY_NUMBER,  "A",   "20u",          0,      1,     NULL,      AT(sense.i_q),            "quiescent current of one amplifier"},
    {"sense.r_in",           OW_KEY_NUMBER,  "ohm", "4",            0.1,    1e9,   NULL,      AT(sense.r_in),           "integrator: input resistance, from the bit line to signal ground"},
    {"sense.c_int",          OW_KEY_NUMBER,  "F",   "auto",         1e-18,  1,     automatic, AT(sense.c_int),          "integrator: capacitance that takes the current in; auto: calibration charges reach 80 % of the swing"},
    {"sense.inverting",      OW_KEY_BOOLEAN, "1",   "true",         0,      0,     NULL,      AT(is_inverting),         "the output of a subckt falls as the current rises: v = -r_f i"},
    {"sense.file",           OW_KEY_PATH,    "1",   "null",         0,      0,     null,      AT(sense_block.file),     "netlist with the amplifier, for amp: subckt"},
    {"sense.subckt",         OW_KEY_NAME,    "1",   "null",         0,      0,     null,      AT(sense_block.subckt),   "name of its subcircuit, one instance a bit line"},
    {"sense.pins",           OW_KEY_SECTION, "1",   NULL,           0,      0,     NULL,      AT(sense_block.pins),     "what its pins are: PIN: in, out, a voltage, or a source such as pulse(0 0.9 1n ...); pins of the names in, out, ref, vdd, vss need no saying"},
    {"sense.params",         OW_KEY_SECTION, "1",   NULL,           0,      0,     NULL,      AT(sense_block.params),   "parameters of its instances"},

    {"driver.amp",           OW_KEY_CHOICE,  "1",   "resistor",     0,      0,     driver,    AT(driver.kind),          "what drives a word line: a source behind array.r_driver, or a subckt"},
    {"driver.file",          OW_KEY_PATH,    "1",   "null",         0,      0,     null,      AT(driver.block.file),    "netlist with the driver, for amp: subckt"},
    {"driver.subckt",        OW_KEY_NAME,    "1",   "null",         0,      0,     null,      AT(driver.block.subckt),  "name of its subcircuit, one instance a word line"},
    {"driver.pins",          OW_KEY_SECTION, "1",   NULL,           0,      0,     NULL,      AT(driver.block.pins),    "as sense.pins; in: the wanted voltage, out: the word line"},
    {"driver.params",        OW_KEY_SECTION, "1",   NULL,           0,      0,     NULL,      AT(driver.block.params),  "parameters of its instances"},

    {"process.lib",          OW_KEY_PATH,    "1",   "null",         0,      0,     null,      AT(process.lib),          "transistors that the subcircuits use; begins with $PDK_ROOT/ or the like if it may"},
    {"process.corner",       OW_KEY_NAME,    "1",   "null",         0,      0,     null,      AT(process.corner),       "section of that library; null: the whole file"},

    {"adc.bits",             OW_KEY_COUNT,   "1",   "0",            0,      32,    NULL,      AT(adc.bits),             "bits of the output converter; 0: ideal"},
    {"adc.range",            OW_KEY_RANGE,   "1",   "calibrated",   0,      0,     NULL,      AT(adc.range),            "full scale, in units of the product"},
    {"adc.energy",           OW_KEY_NUMBER,  "J",   "null",         0,      1,     null,      AT(adc.energy),           "of one conversion; null: not known"},
    {"adc.t_conv",           OW_KEY_NUMBER,  "s",   "0",            0,      1e3,   NULL,      AT(adc.t_conv),           "time of one conversion"},
    {"adc.share",            OW_KEY_COUNT,   "1",   "1",            1,      65536, NULL,      AT(adc.share),            "columns of an array that share one converter"},
    {"adc.offset",           OW_KEY_NUMBER,  "V",   "0",            -10,    10,    NULL,      AT(adc.offset),           "what every converter adds to the difference of sense outputs that it converts"},
    {"adc.sigma_offset",     OW_KEY_NUMBER,  "V",   "0",            0,      10,    NULL,      AT(adc.sigma_offset),     "its standard deviation from converter to converter"},
    {"adc.converter",        OW_KEY_CHOICE,  "1",   "ideal",        0,      0,     converter, AT(adc.kind),            "what converts: arithmetic as the keys above say, or a subckt for every bit line, whose output at the end of the read counts"},
    {"adc.file",             OW_KEY_PATH,    "1",   "null",         0,      0,     null,      AT(adc.block.file),       "netlist with the converter, for converter: subckt"},
    {"adc.subckt",           OW_KEY_NAME,    "1",   "null",         0,      0,     null,      AT(adc.block.subckt),     "name of its subcircuit, one instance a bit line"},
    {"adc.pins",             OW_KEY_SECTION, "1",   NULL,           0,      0,     NULL,      AT(adc.block.pins),       "as sense.pins; in: the output of the amplifier, out: the voltage that the code means"},
    {"adc.params",           OW_KEY_SECTION, "1",   NULL,           0,      0,     NULL,      AT(adc.block.params),     "parameters of its instances"},

    {"calibration.vectors",  OW_KEY_VECTORS, "1",   "half",         0,      0,     NULL,      AT(calibration.vectors),  "input vectors that calibrate gain, offset and range"},

    {"engine.name",          OW_KEY_CHOICE,  "1",   "cvode",        0,      0,     engine,    AT(engine.name),          "what solves the circuit"},
    {"engine.rtol",          OW_KEY_NUMBER,  "1",   "1e-5",         1e-12,  1e-2,  NULL,      AT(engine.rtol),          "relative tolerance in time"},
    {"engine.tol",           OW_KEY_NUMBER,  "1",   "1e-5",         1e-9,   1e-2,  NULL,      AT(engine.tol),           "cosim: how well array and periphery agree at every line end, of v_read"},

    {"program.scheme",       OW_KEY_CHOICE,  "1",   "v2",           0,      0,     write,     AT(program.scheme),       "voltage of the lines that are not selected: v2 V/2; v3 V/3 on word lines, 2V/3 on bit lines"},
    {"program.target",       OW_KEY_PATH,    "1",   "weights",      0,      0,     weights,   AT(program.target),       "conductances [rows, cols] in S to reach; weights: those that vmm.weights map to"},
    {"program.begin",        OW_KEY_PATH,    "1",   "g_min",        0,      0,     g_min,     AT(program.begin),        "conductances before the first pulse; g_min: every cell there"},
    {"program.r_driver",     OW_KEY_NUMBER,  "ohm", "array.r_driver", 0,    1e9,   r_driver,  AT(program.r_driver),     "output resistance of a bit-line driver"},
    {"program.v_gate_off",   OW_KEY_NUMBER,  "V",   "0",           -1e3,    1e3,   NULL,      AT(program.v_gate_off),   "1T1R: gate voltage along the word lines that are not selected, over the bit line"},
    {"program.pulses.v_set", OW_KEY_NUMBER,  "V",   NULL,          -1e3,    1e3,   NULL,      AT(program.pulses.v_set), "height of a pulse that raises the conductance; the device decides the sign"},
    {"program.pulses.v_reset", OW_KEY_NUMBER, "V",  NULL,          -1e3,    1e3,   NULL,      AT(program.pulses.v_reset), "height of a pulse that lowers it, of the other sign"},
    {"program.pulses.t_width", OW_KEY_NUMBER, "s",  NULL,           1e-15,  1e3,   NULL,      AT(program.pulses.t_width), "time at full height, and then at rest before the next pulse"},
    {"program.pulses.t_rise", OW_KEY_NUMBER, "s",   "1n",           1e-15,  1e3,   NULL,      AT(program.pulses.t_rise), "rise and fall time"},
    {"program.pulses.count", OW_KEY_COUNT,   "1",   "1",            1,      1000000, NULL,    AT(program.pulses.count), "pulses that every cell gets which needs one, without verification"},
    {"program.pulses.order", OW_KEY_CHOICE,  "1",   "rows",         0,      0,     order,     AT(program.pulses.order), "all cells of a word line at once, or one by one"},
    {"program.pulses.rows",  OW_KEY_ROWS,    "1",   "all",          0,      0,     NULL,      AT(program.pulses.rows),  "word lines to program"},
    {"program.verify.tolerance", OW_KEY_NUMBER, "1", "0.05",        1e-9,   1,     NULL,      AT(program.verify.tolerance), "of g_max - g_min: nearer to its target than this, a cell needs no pulse"},
    {"program.verify.max_pulses", OW_KEY_COUNT, "1", "0",           0,      1000000, NULL,    AT(program.verify.max_pulses), "pulses of each polarity until a cell must be at its target; 0: nothing is verified"},
    {"seed",                 OW_KEY_COUNT,   "1",   "1",            0, 4294967295, NULL,      AT(seed),                 "of every random draw"},
    {"sweep",                OW_KEY_SECTION, "1",   NULL,           0,      0,     NULL,      AT(sweep),                "grid of runs (ohmweave sweep only)"},
    {"limits",               OW_KEY_SECTION, "1",   NULL,           0,      0,     NULL,      AT(limits),               "what a run must reach (ohmweave sweep only)"},
};
/* clang-format on */

_Static_assert(sizeof ow_keys / sizeof ow_keys[0] == OW_N_KEYS, "OW_N_KEYS counts the rows");

size_t ow_key_find(const char *name)
{
    size_t k = 0;
    while (k < OW_N_KEYS && strcmp(ow_keys[k].name, name) != 0)
        k++;
    return k;
}

size_t ow_key_section(const struct ow_key *key)
{
    const char *dot = strrchr(key->name, '.');
    return dot ? (size_t)(dot - key->name) : 0;
}

/* "a, b or c" */
static size_t list_words(char *text, size_t room, const char *const word[])
{
    size_t n = 0;
    for (size_t k = 0; word[k] && n < room; k++)
        n += (size_t)snprintf(text + n, room - n, "%s%s",
                              k == 0        ? ""
                              : word[k + 1] ? ", "
                                            : " or ",
                              word[k]);
    return n;
}

struct ow_expected ow_key_expected(const struct ow_key *key)
{
    struct ow_expected e = {"a map of keys"};
    const size_t room = sizeof e.text;
    const char *unit = strcmp(key->unit, "1") == 0 ? "" : key->unit;
    switch (key->type) {
    case OW_KEY_NUMBER:
    case OW_KEY_COUNT: {
        const bool is_count = key->type == OW_KEY_COUNT;
        const int digits = is_count ? 10 : 6;
        snprintf(e.text, room, "%s from %.*g to %.*g%s%s%s%s",
                 is_count ? "a whole number" : "a number", digits, key->lo, digits, key->hi,
                 *unit ? " " : "", unit, key->word ? " or " : "",
                 key->word ? key->word[0] : "");
        break;
    }
    case OW_KEY_CHOICE:
        list_words(e.text, room, key->word);
        break;
    case OW_KEY_BOOLEAN:
        snprintf(e.text, room, "true or false");
        break;
    case OW_KEY_MODEL: {
        const char *name[32] = {NULL};
        for (size_t m = 0; m < ow_n_models && m + 1 < sizeof name / sizeof name[0]; m++)
            name[m] = ow_models[m]->name;
        list_words(e.text, room, name);
        break;
    }
    case OW_KEY_SET:
        snprintf(e.text, room, "the name of a parameter set, a file or null");
        break;
    case OW_KEY_PATH:
        snprintf(e.text, room, "a file name%s%s", key->word ? " or " : "",
                 key->word ? key->word[0] : "");
        break;
    case OW_KEY_NAME:
        snprintf(e.text, room, "a name as in a netlist%s%s", key->word ? " or " : "",
                 key->word ? key->word[0] : "");
        break;
    case OW_KEY_SOURCE:
        snprintf(e.text, room, "a file name or {random: [rows, cols], seed: N}");
        break;
    case OW_KEY_RANGE:
        snprintf(e.text, room, "calibrated, max or [lo, hi]");
        break;
    case OW_KEY_VECTORS:
        snprintf(e.text, room, "half, all or a whole number from 1 on");
        break;
    case OW_KEY_ROWS:
        snprintf(e.text, room, "all or a list of whole numbers and ranges such as [0, 4-7]");
        break;
    case OW_KEY_TILE:
        snprintf(e.text, room, "%s or [rows, cols] from [%g, %g] to [%g, %g]", key->word[0],
                 key->lo, key->lo + 1.0, key->hi, key->hi);
        break;
    case OW_KEY_SECTION:
        break;
    }
    return e;
}

bool ow_key_is_needed(const struct ow_spec *spec, const struct ow_key *key)
{
    const bool is_write = spec->program.is_given;
    if (strncmp(key->name, "program.", 8) == 0)
        return is_write;
    if (is_write && strcmp(key->name, "vmm.weights") == 0)
        return !spec->program.target;
    return !(is_write && strcmp(key->name, "vmm.inputs") == 0);
}

enum { WORD_MAX = 60 };

/* Levenshtein's distance; SIZE_MAX for words too long to be keys. */
static size_t distance(const char *a, const char *b)
{
    const size_t n = strlen(b);
    size_t row[WORD_MAX + 1];
    if (n > WORD_MAX || strlen(a) > WORD_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            const size_t change = diagonal + (a[i] != b[j]);
            const size_t both = row[j] < row[j + 1] ? row[j] + 1 : row[j + 1] + 1;
            diagonal = row[j + 1];
            row[j + 1] = change < both ? change : both;
        }
    }
    return row[n];
}

/* More than a third of the letters wrong is another word. */
struct ow_guess ow_guess_begin(const char *word)
{
    return (struct ow_guess){.word = word, .distance = (strlen(word) + 2) / 3 + 1};
}

void ow_guess_offer(struct ow_guess *guess, const char *candidate, const char *written)
{
    const size_t d = distance(guess->word, candidate);
    if (d >= guess->distance)
        return;
    guess->distance = d;
    snprintf(guess->best, sizeof guess->best, "%s", written);
}

struct ow_expected ow_guess_text(const struct ow_guess *guess)
{
    struct ow_expected e = {""};
    if (guess->best[0])
        snprintf(e.text, sizeof e.text, " (did you mean %s?)", guess->best);
    return e;
}
