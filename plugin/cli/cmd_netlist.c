/* ohmweave netlist: the circuit of one input vector as an ngspice deck. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_deck.h"
#include "ow_file.h"
#include "ow_number.h"

struct arguments {
    struct cli_spec spec;
    const struct ow_array *array;
    const char *out, *raw, *tile;
    size_t vector;
};

enum { KEY_RAW = 0x100, KEY_VECTOR };

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0, "write the deck there (default: standard output)", 0},
    {"vector", KEY_VECTOR, "K", 0,
     "which input vector (or pulse of a program) drives it (default 0)", 0},
    CLI_TILE_OPTION,
    {"raw", KEY_RAW, "FILE", 0, "let the deck write its waveforms to this .raw file", 0},
    {0}};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    double n;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->spec;
        return 0;
    case 'o':
        a->out = strcmp(text, "-") == 0 ? NULL : text;
        return 0;
    case CLI_KEY_TILE:
        a->tile = text;
        return 0;
    case KEY_RAW:
        a->raw = text;
        return 0;
    case KEY_VECTOR:
        if (ow_number_parse(text, &n) != OW_NUMBER_OK || !(n >= 0 && n < 1e9) || n != floor(n))
            argp_error(state, "--vector=%s: expected a whole number, 0 or above", text);
        a->vector = (size_t)n;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&cli_spec_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    options,  parse,
    "SPEC",   "Write the circuit of one input vector as a deck that plain `ngspice -b` runs.",
    children, NULL,
    NULL};

/* To a file, interruptible: either the whole deck is there or nothing is. */
static int write_to(const struct arguments *a, const char *codemodel)
{
    const struct ow_array *array = a->array;
    struct ow_error err = {0};
    struct ow_file file = {0};
    if (a->out && ow_file_create(a->out, &file, &err))
        return cli_fail(&err);
    if (a->out)
        cli_poll_interrupts();
    int code = EXIT_STANDS;
    FILE *to = a->out ? file.to : stdout;
    const enum ow_status st =
        cli_write_deck(array, a->vector * array->n_phase, codemodel, a->raw, to, &err);
    if (st &&
        !ferror(to)) /* a failing file is ow_file_commit()'s to report, or cli_finish()'s */
        code = cli_fail(&err);
    else if (cli_cancelled) {
        ow_fail(&err, OW_ERR_CANCELLED, "cancelled");
        code = cli_fail(&err);
    } else if (a->out && ow_file_commit(&file, &err))
        code = cli_fail_write(&err);
    ow_file_discard(&file);
    return code;
}

static int run(int argc, char **argv)
{
    struct arguments a = {0};
    struct ow_error err = {0};
    char codemodel[4096];
    int code;
    if (!cli_parse(&argp, argc, argv, &a, &code) || !cli_spec_load(&a.spec, "netlist", &code))
        goto done;
    a.array = cli_choose_tile(&a.spec.problem, a.tile, &err);
    if (a.array && a.vector >= a.array->n_vec)
        ow_fail(&err, OW_ERR_INPUT, "--vector=%zu: expected 0 to %zu", a.vector,
                a.array->n_vec - 1);
    if (err.status) {
        code = cli_fail(&err);
        goto done;
    }
    const bool is_found = cli_find_codemodel(codemodel, sizeof codemodel, &err);
    if (!is_found)
        snprintf(codemodel, sizeof codemodel, "./ohmweave.cm");
    code = write_to(&a, codemodel);
    if (!is_found && code == EXIT_STANDS) /* the deck is still worth having */
        fprintf(stderr, "ohmweave: note: %s; the deck expects ./ohmweave.cm\n", err.text);
done:
    cli_spec_finish(&a.spec);
    return code;
}

const struct command cmd_netlist = {"netlist", "write the circuit as an ngspice deck", run};
