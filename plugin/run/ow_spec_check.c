/* Relations between keys: what no single range can say. */
#include "ow_file.h"
#include "ow_spec_keys.h"

#include <math.h>
#include <string.h>

#include "ow_noise.h"

/* Nodes without capacitance have no place in an ODE.  A line of zero resistance is one
 * node, which carries the whole line's capacitance or has merged onto its source. */
static enum ow_status check_capacitance(const struct ow_spec *spec, struct ow_error *err)
{
    static const char remedy[] =
        "0 leaves a node without capacitance, which %s cannot step: expected a positive "
        "value, or engine.name dc";
    const char *engine = spec->engine.name == OW_ENGINE_COSIM ? "cosim" : "cvode";
    const bool is_tia = spec->sense.kind == OW_SENSE_TIA;
    const bool is_coupled = spec->engine.name == OW_ENGINE_COSIM; /* ngspice has the inputs */
    const double c_input =
        is_coupled ? 1.0
                   : spec->sense.c_in + (is_tia || spec->sense.kind == OW_SENSE_INTEGRATOR
                                             ? 0.0
                                             : spec->sense.c_load);
    if (spec->engine.name != OW_ENGINE_CVODE && spec->engine.name != OW_ENGINE_COSIM)
        return OW_OK;
    if (spec->array.c_wordline == 0.0 && spec->array.r_wordline + spec->array.r_driver > 0.0)
        return ow_spec_fail(spec, "array.c_wordline", err, OW_ERR_INPUT, remedy, engine);
    if (spec->array.c_bitline == 0.0 && spec->array.r_bitline > 0.0)
        return ow_spec_fail(spec, "array.c_bitline", err, OW_ERR_INPUT, remedy, engine);
    if (c_input == 0.0 && (spec->array.r_bitline > 0.0 || spec->array.c_bitline == 0.0))
        return ow_spec_fail(spec, "sense.c_in", err, OW_ERR_INPUT, remedy, engine);
    if (is_tia && !is_coupled && spec->sense.c_load == 0.0)
        return ow_spec_fail(spec, "sense.c_load", err, OW_ERR_INPUT, remedy, engine);
    return OW_OK;
}

double ow_spec_sigma_read(const struct ow_spec *spec)
{
    const double k = spec->device.flicker, t = spec->device.flicker_time;
    const double flicker =
        k > 0.0 ? ow_noise_flicker(k, 1.0 / t, spec->device.noise_bandwidth) : 0.0;
    return hypot(spec->device.sigma_read, flicker);
}

/* 1/f noise has a band, and stays a small change. */
static enum ow_status check_noise(const struct ow_spec *spec, struct ow_error *err)
{
    const double periods = spec->device.noise_bandwidth * spec->device.flicker_time;
    if (spec->device.flicker == 0.0)
        return OW_OK;
    if (!(periods > 1.0))
        return ow_spec_fail(spec, "device.flicker", err, OW_ERR_INPUT,
                            "%g from 1/device.flicker_time = %g Hz to device.noise_bandwidth = "
                            "%g Hz: expected a bandwidth above that",
                            spec->device.flicker, 1.0 / spec->device.flicker_time,
                            spec->device.noise_bandwidth);
    if (!(ow_spec_sigma_read(spec) <= 1.0))
        return ow_spec_fail(spec, "device.flicker", err, OW_ERR_INPUT,
                            "%g, with device.sigma_read = %g, changes currents by %.3g of "
                            "themselves: expected 1 at most",
                            spec->device.flicker, spec->device.sigma_read,
                            ow_spec_sigma_read(spec));
    return OW_OK;
}

/* The reference of an offset is one cell a word line, in the middle of the range. */
static enum ow_status check_scheme(const struct ow_spec *spec, struct ow_error *err)
{
    if (spec->mapping.scheme != OW_SCHEME_OFFSET)
        return OW_OK;
    if (spec->device.model->is_binary)
        return ow_spec_fail(spec, "mapping.scheme", err, OW_ERR_INPUT,
                            "offset: %s has two states, and none in the middle for the "
                            "reference: expected differential",
                            spec->device.model->name);
    if (spec->array.cell == OW_CELL_2T2R)
        return ow_spec_fail(spec, "mapping.scheme", err, OW_ERR_INPUT,
                            "offset: array.cell 2T2R is the two arms of a pair of lines: "
                            "expected differential, or 1T1R there");
    return OW_OK;
}

/* Digits that are shifted have a base of 2^b. */
static enum ow_status check_slices(const struct ow_spec *spec, struct ow_error *err)
{
    const size_t n = spec->mapping.slices, given = spec->mapping.levels;
    const size_t levels = !given && spec->device.model->is_binary ? 2 : given;
    if (n == 1)
        return OW_OK;
    if (levels < 2 || (levels & (levels - 1)))
        return ow_spec_fail(
            spec, "mapping.levels", err, OW_ERR_INPUT,
            "%zu with mapping.slices = %zu: expected a power of two, the levels "
            "of a slice",
            levels, n);
    if (!((double)n * log2((double)levels) <= 32.0))
        return ow_spec_fail(spec, "mapping.slices", err, OW_ERR_INPUT,
                            "%zu of %g bits each: expected 32 bits together at most", n,
                            log2((double)levels));
    return OW_OK;
}

static enum ow_status check_encoding(const struct ow_spec *spec, struct ow_error *err)
{
    if (spec->input.encoding == OW_ENCODING_BIT_SERIAL && spec->input.bits == 0)
        return ow_spec_fail(spec, "input.bits", err, OW_ERR_INPUT,
                            "0 with input.encoding bit_serial: expected 1 to 32, the bits that "
                            "are read one by one");
    if (spec->input.encoding != OW_ENCODING_PULSE_WIDTH)
        return OW_OK;
    const double whole = spec->input.t_rise + spec->input.t_read,
                 least = whole / (ldexp(1.0, (int)spec->input.bits) - 1.0);
    if (spec->input.bits == 0)
        return ow_spec_fail(spec, "input.bits", err, OW_ERR_INPUT,
                            "0 with input.encoding pulse_width: expected 1 or more, the bits "
                            "of a width");
    if (!(least >= spec->input.t_rise))
        return ow_spec_fail(
            spec, "input.bits", err, OW_ERR_INPUT,
            "%zu: the shortest pulse, %.3g s, would be over before it has risen "
            "(input.t_rise = %.3g s): expected fewer bits or a longer "
            "input.t_read",
            spec->input.bits, least, spec->input.t_rise);
    return OW_OK;
}

/* Subcircuits need ngspice, and a number that says what their outputs mean. */
static enum ow_status check_periphery(const struct ow_spec *spec, struct ow_error *err)
{
    const bool has_ngspice = ow_spec_needs_ngspice(spec);
    const bool is_sense = spec->sense.kind == OW_SENSE_SUBCKT;
    if (!has_ngspice && (is_sense || spec->driver.kind == OW_DRIVER_SUBCKT))
        return ow_spec_fail(spec, is_sense ? "sense.amp" : "driver.amp", err, OW_ERR_INPUT,
                            "subckt: only ngspice simulates subcircuits, expected engine.name "
                            "cosim (or ngspice)");
    if (spec->adc.kind == OW_CONVERTER_SUBCKT &&
        !(spec->engine.name == OW_ENGINE_COSIM || (has_ngspice && is_sense)))
        return ow_spec_fail(spec, "adc.converter", err, OW_ERR_INPUT,
                            "subckt: expected engine.name cosim (or ngspice with sense.amp: "
                            "subckt)");
    if (spec->adc.kind == OW_CONVERTER_SUBCKT && spec->adc.bits > 0)
        return ow_spec_fail(spec, "adc.bits", err, OW_ERR_INPUT,
                            "%zu with adc.converter: subckt, which has its own: expected 0",
                            spec->adc.bits);
    if (spec->adc.kind == OW_CONVERTER_SUBCKT &&
        spec->input.encoding == OW_ENCODING_PULSE_WIDTH)
        return ow_spec_fail(spec, "adc.converter", err, OW_ERR_INPUT,
                            "subckt: outputs of input.encoding pulse_width are integrated and "
                            "not converted, expected ideal");
    if (is_sense && isnan(spec->sense.r_f))
        return ow_spec_fail(
            spec, "sense.r_f", err, OW_ERR_INPUT,
            "auto with sense.amp: subckt, expected what the subcircuit's output "
            "makes of a current (ohm)");
    if (spec->program.is_given && spec->engine.name == OW_ENGINE_COSIM)
        return ow_spec_fail(spec, "engine.name", err, OW_ERR_INPUT,
                            "cosim reads arrays and does not write them, expected cvode or "
                            "ngspice with the section program");
    return OW_OK;
}

/* A tile is the size of an array, and there are as many as the weights need. */
static enum ow_status check_tile(const struct ow_spec *spec, struct ow_error *err)
{
    if (spec->array.tile.rows == 0)
        return OW_OK;
    if (spec->program.is_given)
        return ow_spec_fail(spec, "array.tile", err, OW_ERR_INPUT,
                            "[%zu, %zu]: the section program writes one array: expected none",
                            spec->array.tile.rows, spec->array.tile.cols);
    if (ow_lines_room(spec->mapping.scheme, spec->array.tile.cols) < spec->mapping.slices)
        return ow_spec_fail(spec, "array.tile", err, OW_ERR_INPUT,
                            "[%zu, %zu]: no room for an output of mapping.slices = %zu",
                            spec->array.tile.rows, spec->array.tile.cols, spec->mapping.slices);
    if (spec->array.rows || spec->array.cols)
        return ow_spec_fail(spec, spec->array.rows ? "array.rows" : "array.cols", err,
                            OW_ERR_INPUT, "%zu with array.tile = [%zu, %zu]: expected auto",
                            spec->array.rows ? spec->array.rows : spec->array.cols,
                            spec->array.tile.rows, spec->array.tile.cols);
    return OW_OK;
}

/* A gate needs a transistor. */
static enum ow_status check_gate(const struct ow_spec *spec, struct ow_error *err)
{
    const bool has_gate = spec->array.cell == OW_CELL_1T1R || spec->array.cell == OW_CELL_2T2R;
    if (has_gate || !spec->program.is_given || spec->program.v_gate_off == 0.0)
        return OW_OK;
    return ow_spec_fail(spec, "program.v_gate_off", err, OW_ERR_INPUT,
                        "%g V would be ignored: expected it with array.cell 1T1R or 2T2R only",
                        spec->program.v_gate_off);
}

/* Less than this beside what devices conduct is more than double precision can tell. */
#define LEAST_OHM 1e-9

static enum ow_status check_resistances(const struct ow_spec *spec, struct ow_error *err)
{
    const struct {
        const char *key;
        double r;
    } wire[] = {{"array.r_wordline", spec->array.r_wordline},
                {"array.r_bitline", spec->array.r_bitline},
                {"array.r_driver", spec->array.r_driver},
                {"program.r_driver", spec->program.is_given ? spec->program.r_driver : 0.0}};
    for (size_t k = 0; k < sizeof wire / sizeof wire[0]; k++)
        if (wire[k].r > 0.0 && wire[k].r < LEAST_OHM)
            return ow_spec_fail(spec, wire[k].key, err, OW_ERR_INPUT,
                                "%g ohm: expected 0, or %g ohm or more", wire[k].r, LEAST_OHM);
    return OW_OK;
}

enum ow_status ow_spec_check(const struct ow_spec *spec, struct ow_error *err)
{
    const struct ow_model *model = spec->device.model;
    if (!(spec->device.g_min < spec->device.g_max))
        return ow_spec_fail(spec, "device.g_max", err, OW_ERR_INPUT,
                            "%g S is not above device.g_min = %g S", spec->device.g_max,
                            spec->device.g_min);
    if (!(spec->device.stuck_on + spec->device.stuck_off <= 1.0))
        return ow_spec_fail(spec, "device.stuck_off", err, OW_ERR_INPUT,
                            "%g and device.stuck_on = %g are more than all devices",
                            spec->device.stuck_off, spec->device.stuck_on);
    enum ow_status st;
    if ((st = check_noise(spec, err)) || (st = check_scheme(spec, err)) ||
        (st = check_slices(spec, err)) || (st = check_encoding(spec, err)) ||
        (st = check_tile(spec, err)) || (st = check_gate(spec, err)) ||
        (st = check_resistances(spec, err)))
        return st;
    if (spec->mapping.levels == 1)
        return ow_spec_fail(spec, "mapping.levels", err, OW_ERR_INPUT,
                            "one level stores nothing, expected 0 (continuous) or 2 and more");
    if (model->is_binary && spec->mapping.levels > 2)
        return ow_spec_fail(spec, "mapping.levels", err, OW_ERR_INPUT,
                            "%zu levels, but %s has two states, expected 0 or 2",
                            spec->mapping.levels, model->name);
    if (ow_spec_v_supply(spec) < spec->input.v_read)
        return ow_spec_fail(spec, "input.v_supply", err, OW_ERR_INPUT,
                            "%g V is below input.v_read = %g V, which it has to deliver",
                            spec->input.v_supply, spec->input.v_read);
    if (spec->program.is_given &&
        !(spec->program.pulses.v_set * spec->program.pulses.v_reset < 0.0))
        return ow_spec_fail(spec, "program.pulses.v_reset", err, OW_ERR_INPUT,
                            "%g V and v_set = %g V: expected heights of opposite sign",
                            spec->program.pulses.v_reset, spec->program.pulses.v_set);
    if ((st = check_periphery(spec, err)))
        return st;
    return check_capacitance(spec, err);
}

enum ow_status ow_spec_keep_files(const struct ow_spec *spec, struct ow_error *err)
{
    enum ow_status st = ow_file_keep(spec->path, err);
    for (size_t k = 0; k < OW_N_KEYS && !st; k++) {
        const void *field = (const char *)spec + ow_keys[k].offset;
        if (ow_keys[k].type == OW_KEY_SOURCE)
            st = ow_file_keep(((const struct ow_source *)field)->path, err);
        else if (ow_keys[k].type == OW_KEY_PATH || ow_keys[k].type == OW_KEY_SET)
            st = ow_file_keep(*(char *const *)field, err);
    }
    return st;
}

enum ow_status ow_spec_for(const struct ow_spec *spec, const char *command,
                           struct ow_error *err)
{
    const struct {
        const char *name, *command;
        const struct ow_section *section;
    } only[] = {
        {"sweep", "sweep", &spec->sweep},
        {"limits", "sweep", &spec->limits},
    };
    const bool takes_writes = strcmp(command, "program") == 0 ||
                              strcmp(command, "verify") == 0 || strcmp(command, "netlist") == 0;
    if (strcmp(command, "program") == 0 && !spec->program.is_given)
        return ow_fail(err, OW_ERR_INPUT,
                       "%s: program: missing, expected a map of keys with pulses: {v_set: V, "
                       "v_reset: V, t_width: s}",
                       spec->path);
    for (size_t k = 0; k < OW_N_KEYS && !takes_writes; k++)
        if (spec->memory->value[k] && strncmp(ow_keys[k].name, "program.", 8) == 0)
            return ow_spec_fail(spec, ow_keys[k].name, err, OW_ERR_INPUT,
                                "`ohmweave %s` would ignore the section program, it is for "
                                "`ohmweave program`",
                                command);
    for (size_t k = 0; k < sizeof only / sizeof only[0]; k++)
        if (only[k].section->n > 0 && strcmp(only[k].command, command) != 0)
            return ow_node_fail(only[k].section->entry[0].key, err, OW_ERR_INPUT,
                                "%s: `ohmweave %s` would ignore this section, it is for "
                                "`ohmweave %s`",
                                only[k].name, command, only[k].command);
    return OW_OK;
}
