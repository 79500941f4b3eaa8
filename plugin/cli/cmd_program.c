/* ohmweave program: write pulses, and what they leave in every device. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_spec.h"
#include "ow_program.h"
#include "ow_program_json.h"
#include "ow_table.h"

struct arguments {
    struct cli_spec spec;
    struct cli_output output;
};

static const struct argp_option options[] = {
    {"out", CLI_KEY_OUT, "DIR", 0,
     "leave final states and conductances, targets, disturb, switching times and a table of "
     "the pulses as .npy",
     0},
    {"json", CLI_KEY_JSON, "FILE", 0, "write the result as JSON; - for standard output", 0},
    {0}};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->spec;
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
    "Program an array with pulses, row by row: what the devices hold afterwards, how far the "
    "others were disturbed, what it cost.\v"
    "The section `program` says how.  Every pulse is a full transient of the array with "
    "drivers "
    "on word lines and bit lines; the devices switch as their physics has it.",
    children,
    NULL,
    NULL};

/* ---- the table ---------------------------------------------------------------------- */

static void print_head(const struct ow_array *array, const struct ow_program_result *r)
{
    const struct ow_spec *spec = array->spec;
    const bool is_v2 = spec->program.scheme == OW_WRITE_V2;
    char text[32], other[32];
    printf("%s: %zu of %zu word lines of %zu x %zu devices, %s%s%s, %s scheme\n", spec->path,
           r->n_row, array->xb.rows, array->xb.rows, array->xb.cols, array->xb.model->name,
           spec->device.set ? " set " : "", spec->device.set ? spec->device.set : "",
           is_v2 ? "V/2" : "V/3");
    printf("  g %s to %s,", cli_si(array->mapping.g_min, "S", text),
           cli_si(array->mapping.g_max, "S", other));
    printf(" segments %s word, %s bit;", cli_si(array->xb.r_wordline, "ohm", text),
           cli_si(array->xb.r_bitline, "ohm", other));
    printf(" SET %s, RESET %s", cli_si(spec->program.pulses.v_set, "V", text),
           cli_si(spec->program.pulses.v_reset, "V", other));
    printf(" for %s\n", cli_si(array->pulse.t_read, "s", text));
}

static void print_energy(const struct ow_program_result *r)
{
    const struct ow_energy *e = &r->energy;
    const struct {
        const char *name;
        double energy;
    } part[] = {{"drivers", e->drivers},
                {"devices", e->devices},
                {"wires", e->wires},
                {"stored", e->stored}};
    const double total = ow_program_energy_total(r);
    char text[32];
    printf("\nEnergy   ");
    for (size_t k = 0; k < sizeof part / sizeof part[0]; k++) {
        const double share = part[k].energy / total;
        printf(" %s %s (%.0f %%),", part[k].name,
               cli_si(fabs(share) < 1e-6 ? 0.0 : part[k].energy, "J", text), 100.0 * share);
    }
    printf(" total %s\n", cli_si(total, "J", text));
    printf("  %s a selected cell; balance residual of the worst pulse %.2g\n",
           cli_si(total / (double)r->n_selected, "J", text), r->residual);
}

static void print_table(const struct ow_array *array, const struct ow_program_result *r)
{
    const double tolerance = array->spec->program.verify.tolerance;
    const size_t n = r->n_row * array->xb.cols;
    print_head(array, r);
    printf("\nCells     %zu pulses selected %zu of %zu cells, %zu are within %g of their "
           "targets\n",
           r->pulses.rows, r->n_selected, n, n - r->n_missed, tolerance);
    printf("  error of the conductance: rms %.3g, max %.3g (of g_max - g_min)\n", r->g_rms,
           r->g_max);
    if (array->xb.model->fire)
        printf("  jumps: %ld, of them %ld in cells that the pulse had not selected\n",
               r->events, r->events_disturb);
    printf(
        "Disturb   of states while not selected: rms %.3g, max %.3g of the travel; %.3g %% of "
        "the cells beyond %g\n",
        r->disturb_rms, r->disturb_max, 100.0 * r->disturb_fraction, tolerance);
    print_energy(r);
    printf("\nSolver    %.0f steps a pulse, %.3g s\n", r->steps / (double)r->pulses.rows,
           r->wall_s);
    for (size_t k = 0; k < r->warnings.n; k++)
        printf("%s%s\n", k ? "          " : "Note      ", r->warnings.text[k]);
}

/* ---- files -------------------------------------------------------------------------- */

static bool save_states(const char *directory, const struct ow_array *array,
                        const struct ow_program_result *r, struct ow_error *err)
{
    const size_t shape[] = {r->x.rows, array->xb.rows, array->xb.cols};
    char path[CLI_PATH_SIZE];
    return cli_path_in(path, directory, "states", err) &&
           ow_npy_save(path, r->x.a, OW_NPY_F8, 3, shape, err) == OW_OK;
}

static bool save_all(const char *directory, const struct ow_array *array,
                     const struct ow_program_result *r, struct ow_error *err)
{
    const struct {
        const char *name;
        const struct ow_matrix *matrix;
    } file[] = {{"conductance", &r->g},
                {"target", &array->writes.target},
                {"disturb", &r->disturb},
                {"t_switch", &r->t_event},
                {"pulses", &r->pulses}};
    for (size_t k = 0; k < sizeof file / sizeof file[0]; k++)
        if (!cli_save_table(directory, file[k].name, file[k].matrix, err))
            return false;
    return save_states(directory, array, r, err);
}

/* ---- the command -------------------------------------------------------------------- */

/* The table comes before the files, so that a full disk does not cost the result. */
static int report(const struct arguments *a, const struct ow_program_result *r)
{
    const struct ow_array *array = a->spec.problem.array;
    struct ow_error err = {0};
    int code = EXIT_STANDS;
    if (cli_output_has_table(&a->output))
        print_table(array, r);
    if (a->output.json && !cli_write_json(ow_program_json(array, r), a->output.json, &err))
        code = cli_fail_write(&err);
    if (a->output.out && !save_all(a->output.out, array, r, &err))
        code = cli_fail_write(&err);
    return code;
}

static int run(int argc, char **argv)
{
    struct arguments a = {0};
    struct ow_error err = {0};
    struct ow_program_result result = {0};
    struct cli_progress progress;
    char codemodel[CLI_PATH_SIZE];
    int code;
    if (!cli_parse(&argp, argc, argv, &a, &code) || !cli_spec_load(&a.spec, "program", &code))
        goto done;
    const struct ow_spec *spec = &a.spec.spec;
    if (!cli_output_check(&a.output, &err) || !cli_codemodel_for(spec, codemodel, &err)) {
        code = cli_fail(&err);
        goto done;
    }
    const struct ow_program_options how = {.codemodel = codemodel,
                                           .cancel = &cli_cancelled,
                                           .progress = cli_progress_show,
                                           .data = &progress};
    cli_poll_interrupts();
    cli_progress_begin(&progress,
                       spec->program.pulses.order == OW_ORDER_ROWS ? "rows" : "cells");
    const enum ow_status st = ow_program_run(a.spec.problem.array, &how, &result, &err);
    cli_progress_end(&progress);
    code = st ? cli_fail(&err) : report(&a, &result);
    ow_program_result_finish(&result);
done:
    cli_spec_finish(&a.spec);
    return code;
}

const struct command cmd_program = {
    "program", "write pulses: what the devices hold then, disturb and energy", run};
