/* ohmweave vmm: accuracy and energy per MAC of one specification. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_vmm.h"
#include "ow_number.h"
#include "ow_table.h"
#include "ow_vmm.h"
#include "ow_vmm_json.h"

struct arguments {
    struct cli_spec spec;
    struct cli_output output;
    unsigned n_worker;
};

static const struct argp_option options[] = {
    {"out", CLI_KEY_OUT, "DIR", 0,
     "leave Y', Y, Yq, sense voltages, programmed G and energies as .npy", 0},
    {"json", CLI_KEY_JSON, "FILE", 0, "write the result as JSON; - for standard output", 0},
    {"jobs", 'j', "N", 0, "worker threads (default: one a processor)", 0},
    {0}};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    double n;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->spec;
        return 0;
    case 'j':
        if (ow_number_parse(text, &n) != OW_NUMBER_OK || !(n >= 1 && n <= 256) || n != floor(n))
            argp_error(state, "--jobs=%s: expected a whole number from 1 to 256", text);
        a->n_worker = (unsigned)n;
        return 0;
    default:
        return cli_output_parse(key, text, &a->output);
    }
}

static const struct argp_child children[] = {{&cli_spec_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    options,
    parse,
    "SPEC",
    "Vector-matrix products through the circuit: accuracy and energy per MAC.\v"
    "Every input vector is a full transient of the array with its drivers and sense "
    "amplifiers; a control run with ideal wires says how much of the error is wire resistance.",
    children,
    NULL,
    NULL};

/* ---- the table ---------------------------------------------------------------------- */

/* `format` takes one double; what is not defined is a dash. */
static const char *plain(double value, const char *format, char text[32])
{
    if (!isfinite(value))
        return "-";
    snprintf(text, 32, format, value);
    return text;
}

static const char *decibel(double value, char text[32])
{
    return plain(value, "%.1f dB", text);
}

static void print_deviation(const char *name, const struct ow_deviation *raw,
                            const struct ow_deviation *array, const struct ow_deviation *column)
{
    const struct ow_deviation *d[] = {raw, array, column};
    char text[32];
    printf("  %-14s", name);
    for (size_t k = 0; k < 3; k++)
        printf("%11s", decibel(d[k]->csnr_db, text));
    for (size_t k = 0; k < 3; k++)
        printf("%9s", plain(d[k]->enob, "%.2f", text));
    printf("%11s\n", plain(raw->rel_l2, "%.2e", text));
}

/* Mean squares add, so the part that vanishes with the wires is theirs. */
static void print_wire_share(const struct ow_vmm_result *r)
{
    const double with = r->accuracy.raw.circuit.rmse_fs;
    const double without = r->ideal_wires.raw.circuit.rmse_fs;
    char raw[32], column[32];
    printf("  control run with ideal wires: circuit error %s raw, %s by column\n",
           decibel(r->ideal_wires.raw.circuit.csnr_db, raw),
           decibel(r->ideal_wires.column.circuit.csnr_db, column));
    if (with > 0.0 && !isnan(without)) {
        const double share = 1.0 - without * without / (with * with);
        if (share >= 0.0)
            printf("  wire resistance makes %.1f %% of the raw mean square circuit error\n",
                   100.0 * share);
        else
            printf("  wire resistance does not add to the raw circuit error: it makes up for "
                   "others\n");
    }
}

static void print_accuracy(const struct ow_problem *p, const struct ow_vmm_result *r)
{
    const struct ow_accuracy *a = &r->accuracy;
    printf("\nAccuracy          CSNR: raw      array     column ENOB: raw    array   column "
           "rel. L2 raw\n");
    print_deviation("total", &a->raw.total, &a->array.total, &a->column.total);
    print_deviation("circuit", &a->raw.circuit, &a->array.circuit, &a->column.circuit);
    print_deviation("quantisation", &a->raw.quantisation, &a->array.quantisation,
                    &a->column.quantisation);
    print_wire_share(r);
    if (!isnan(a->top1)) {
        printf("  top-1 %.2f %% raw", 100.0 * a->top1);
        if (!isnan(a->top1_column))
            printf(", %.2f %% calibrated by column (%zu vectors)", 100.0 * a->top1_column,
                   a->n_scored);
        printf("; ideal %.2f %%\n", 100.0 * a->top1_ideal);
    }
    if (!isnan(r->clipped))
        printf("  clipped at a rail: %.3g %% of the amplifiers' outputs\n", 100.0 * r->clipped);
    static const char *const rule[] = {"calibrated", "the most that is possible", "as given"};
    printf("  full scale %.4g (%.4g to %.4g, %s); calibration on %zu of %zu vectors\n", a->fs,
           r->range.lo, r->range.hi, rule[p->spec->adc.range.rule], a->n_calibration, p->n_vec);
    if (p->n_row_tile > 1)
        printf("  %zu partial sums an output, each converted from %.4g to %.4g, then added\n",
               p->n_row_tile, r->adc_range.lo, r->adc_range.hi);
}

static void print_energy(const struct ow_problem *p, const struct ow_vmm_result *r)
{
    const struct ow_cost *c = &r->cost;
    const struct ow_energy *e = &c->physical;
    const struct {
        const char *name;
        double energy;
    } part[] = {{"drivers", e->drivers}, {"devices", e->devices}, {"wires", e->wires},
                {"sense", e->sense},     {"stored", e->stored},   {"ADC", c->billed.adc}};
    const double total = ow_vmm_energy_total(r);
    char text[32], other[32], scope[96];
    printf("\nEnergy of a vector (mean)\n ");
    for (size_t k = 0; k < sizeof part / sizeof part[0]; k++) {
        if (isnan(part[k].energy)) {
            printf(" %s -,", part[k].name);
            continue;
        }
        const double share = part[k].energy / total;
        printf(" %s %s (%.0f %%),", part[k].name,
               cli_si(fabs(share) < 1e-6 ? 0.0 : part[k].energy, "J", text), 100.0 * share);
    }
    printf(" total %s\n", cli_si(total, "J", text));
    const struct {
        const char *name;
        double at_rest, more;
    } group[] = {{"drivers", e->driver_static, e->driver_dynamic},
                 {"sense", e->sense_static, e->sense_dynamic},
                 {"ADC", e->adc_static, e->adc_dynamic}};
    bool is_first = true;
    for (size_t k = 0; k < sizeof group / sizeof group[0]; k++)
        if (group[k].at_rest != 0.0 || group[k].more != 0.0) {
            printf("%s %s %s and %s", is_first ? "  from supplies, static and dynamic:" : ",",
                   group[k].name, cli_si(group[k].at_rest, "J", text),
                   cli_si(group[k].more, "J", other));
            is_first = false;
        }
    if (!is_first)
        printf("\n");
    printf("  balance residual %.2g; hand check sum g v^2 t: %s, simulated devices %s\n",
           c->balance_residual, cli_si(r->hand_devices, "J", text),
           cli_si(e->devices, "J", other));
    ow_cost_scope(&r->billing, c, scope);
    printf("  per MAC %s (%s);", cli_si(c->per_mac, "J", text), scope);
    printf(" drivers and amplifiers alone %s\n", cli_si(c->per_mac_array, "J", text));
    printf("  %s TOPS/W (%s; bits in/weight/out: ", plain(c->tops_per_watt, "%.4g", text),
           scope);
    const double bits[] = {r->billing.input_bits, r->billing.weight_bits,
                           (double)p->spec->adc.bits};
    for (size_t k = 0; k < 3; k++)
        printf("%s%s", k ? "/" : "", bits[k] > 0.0 ? plain(bits[k], "%.3g", text) : "analog");
    printf(")");
    if (!isnan(c->tops_per_watt_1b))
        printf(", %.4g TOPS/W at 1 bit", c->tops_per_watt_1b);
    printf("\n  %zu x %zu = %zu MACs a vector, 1 MAC = 2 operations; inputs: mean %.3f, mean "
           "square %.3f, zeros %.0f %%\n",
           p->n_in, p->n_out, p->n_in * p->n_out, r->inputs.mean, r->inputs.mean_square,
           100.0 * r->inputs.zeros);
}

static const char *sense_name(const struct ow_array *a)
{
    return a->xb.sense.kind == OW_SENSE_TIA      ? "TIA"
           : a->xb.sense.kind == OW_SENSE_SUBCKT ? a->xb.periphery->block[OW_BLOCK_SENSE].subckt
                                                 : "resistor";
}

static void print_sense(const struct ow_spec *spec, const struct ow_array *a)
{
    char text[32], other[32];
    const struct ow_sense *s = &a->xb.sense;
    if (s->kind == OW_SENSE_INTEGRATOR)
        printf(" sense integrator r_in = %s, c_int = %s%s\n", cli_si(s->r_f, "ohm", text),
               cli_si(s->c_int, "F", other), isnan(spec->sense.c_int) ? " (auto)" : "");
    else if (spec->sense.kind == OW_SENSE_VOLTAGE)
        printf(" sense voltage of floating lines\n");
    else
        printf(" sense %s r_f = %s%s\n", sense_name(a), cli_si(s->r_f, "ohm", text),
               isnan(spec->sense.r_f) ? " (auto)" : "");
}

static void print_table(const struct ow_problem *p, const struct ow_vmm_result *r)
{
    const struct ow_spec *spec = p->spec;
    const struct ow_array *a = p->array; /* the others are like it, but for their size */
    char text[32], other[32];
    printf("%s: weights %zu x %zu on ", spec->path, p->n_in, p->n_out);
    if (ow_problem_arrays(p) > 1)
        printf("%zu x %zu arrays of up to ", p->n_row_tile, p->n_col_tile);
    printf("%zu x %zu devices, %s%s%s, %zu vector%s\n", a->xb.rows, a->xb.cols,
           a->xb.model->name, spec->device.set ? " set " : "",
           spec->device.set ? spec->device.set : "", p->n_vec, p->n_vec == 1 ? "" : "s");
    printf("  g %s to %s,", cli_si(a->mapping.g_min, "S", text),
           cli_si(a->mapping.g_max, "S", other));
    printf(" segments %s word, %s bit;", cli_si(a->xb.r_wordline, "ohm", text),
           cli_si(a->xb.r_bitline, "ohm", other));
    printf(" read %s for %s;", cli_si(spec->input.v_read, "V", text),
           cli_si(spec->input.t_read, "s", other));
    if (a->n_bit > 1)
        printf(" %zu bits one by one;", a->n_bit);
    if (a->n_slice > 1)
        printf(" weights in %zu slices;", a->n_slice);
    print_sense(spec, a);
    print_accuracy(p, r);
    print_energy(p, r);
    printf("\nLatency   median %s, worst %s; half an LSB of %zu bits, %s at %s\n",
           cli_si(r->latency.median, "s", text), cli_si(r->latency.worst, "s", other),
           spec->adc.bits ? spec->adc.bits : (size_t)8,
           spec->input.encoding == OW_ENCODING_PULSE_WIDTH ? "integrated" : "sampled",
           cli_si(ow_array_taken(a), "s", (char[32]){0}));
    printf("Solver    %.0f steps a read, %.3g s for the reads", r->steps, r->wall_s);
    if (r->setup_s > 0.0)
        printf(" (%.3g s of them to reduce the array to its ports)", r->setup_s);
    printf(", %.3g s for the control run\n", r->control_s);
    if (spec->engine.name == OW_ENGINE_COSIM)
        printf("Coupling  %.2f iterations and %.2f solutions of the array a point, %ld of %ld "
               "points repeated, mismatch %.2g of v_read at most\n",
               (double)r->coupling.iterations / (double)r->coupling.points,
               (double)r->coupling.solutions / (double)r->coupling.points, r->coupling.rejected,
               r->coupling.points, r->coupling.mismatch);
    for (size_t k = 0; k < r->warnings.n; k++)
        printf("%s%s\n", k ? "          " : "Note      ", r->warnings.text[k]);
}

/* ---- files -------------------------------------------------------------------------- */

static bool save_all(const char *directory, const struct ow_problem *p,
                     const struct ow_vmm_result *r, struct ow_error *err)
{
    struct ow_matrix g;
    if (ow_problem_conductance(p, &g, err))
        return false;
    const struct {
        const char *name;
        const struct ow_matrix *matrix;
    } file[] = {{"y", &p->y},
                {"yq", &p->yq},
                {"y_circuit", &r->y_circuit},
                {"v_sense", &r->v_sense},
                {"conductance", &g},
                {"energy", &r->energy}};
    bool is_saved = true;
    for (size_t k = 0; k < sizeof file / sizeof file[0] && is_saved; k++)
        is_saved = cli_save_table(directory, file[k].name, file[k].matrix, err);
    ow_matrix_finish(&g);
    return is_saved;
}

/* ---- the command -------------------------------------------------------------------- */

int cli_vmm_report(const struct cli_output *output, const struct ow_problem *p,
                   const struct ow_vmm_result *r)
{
    struct ow_error err = {0};
    int code = EXIT_STANDS;
    if (cli_output_has_table(output))
        print_table(p, r);
    if (output->json && !cli_write_json(ow_vmm_json(p, r), output->json, &err))
        code = cli_fail_write(&err);
    if (output->out && !save_all(output->out, p, r, &err))
        code = cli_fail_write(&err);
    return code;
}

static int run(int argc, char **argv)
{
    struct arguments a = {0};
    struct ow_error err = {0};
    struct ow_vmm_result result = {0};
    struct cli_progress progress;
    char codemodel[CLI_PATH_SIZE];
    int code;
    if (!cli_parse(&argp, argc, argv, &a, &code) || !cli_spec_load(&a.spec, "vmm", &code))
        goto done;
    if (!cli_output_check(&a.output, &err) ||
        !cli_codemodel_for(&a.spec.spec, codemodel, &err)) {
        code = cli_fail(&err);
        goto done;
    }
    const struct ow_vmm_options how = {.codemodel = codemodel,
                                       .n_worker = a.n_worker,
                                       .cancel = &cli_cancelled,
                                       .progress = cli_progress_show,
                                       .data = &progress};
    cli_poll_interrupts();
    cli_progress_begin(&progress, "reads");
    const enum ow_status st = ow_vmm_run(&a.spec.problem, &how, &result, &err);
    cli_progress_end(&progress);
    code = st ? cli_fail(&err) : cli_vmm_report(&a.output, &a.spec.problem, &result);
    ow_vmm_result_finish(&result);
done:
    cli_spec_finish(&a.spec);
    return code;
}

const struct command cmd_vmm = {
    "vmm", "vector-matrix products through the circuit: accuracy and energy per MAC", run};
