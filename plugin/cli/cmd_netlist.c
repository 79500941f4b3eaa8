/* ohmweave netlist: the circuit of one input vector as an ngspice deck, or the array as a
 * subcircuit. */
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_deck.h"
#include "ow_array_inc.h"
#include "ow_bare.h"
#include "ow_file.h"
#include "ow_number.h"

struct arguments {
    struct cli_spec spec;
    const struct ow_array *array;
    const char *out, *raw, *tile;
    size_t vector;
    bool has_vector;
    /* of --array: the subcircuit's name, a table, what it calls the specification */
    const char *name, *conductances, *spec_path;
    bool has_monitor;
};

enum { KEY_RAW = 0x100, KEY_VECTOR, KEY_ARRAY, KEY_CONDUCTANCE, KEY_SPEC_PATH, KEY_MONITOR };

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0, "write the deck there (default: standard output)", 0},
    {"vector", KEY_VECTOR, "K", 0,
     "which input vector (or pulse of a program) drives it (default 0)", 0},
    CLI_TILE_OPTION,
    {"raw", KEY_RAW, "FILE", 0, "let the deck write its waveforms to this .raw file", 0},
    {NULL, 0, NULL, 0, "The array alone, for circuits of your own:", 1},
    {"array", KEY_ARRAY, "NAME", OPTION_ARG_OPTIONAL,
     "write the array as a subcircuit NAME (default: my_array) with a pin for each line, which "
     "ohmweave_array.cm steps inside ngspice",
     1},
    {"conductance", KEY_CONDUCTANCE, "FILE", 0,
     "its cells hold these conductances in S (.npy or .csv, a row a word line), not the "
     "weights",
     1},
    {"monitor", KEY_MONITOR, NULL, 0, "five more pins, for its energies", 1},
    {"spec-path", KEY_SPEC_PATH, "PATH", 0,
     "what the subcircuit calls the specification (default: its absolute path)", 1},
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
        a->has_vector = true;
        return 0;
    case KEY_ARRAY:
        a->name = text ? text : "my_array";
        return 0;
    case KEY_CONDUCTANCE:
        a->conductances = text;
        return 0;
    case KEY_SPEC_PATH:
        a->spec_path = text;
        return 0;
    case KEY_MONITOR:
        a->has_monitor = true;
        return 0;
    case ARGP_KEY_END:
        if (!a->name && (a->conductances || a->spec_path || a->has_monitor))
            argp_error(state, "--conductance, --monitor and --spec-path go with --array");
        if (a->name && (a->raw || a->tile || a->has_vector || a->spec.n_override))
            argp_error(state,
                       "--array takes the specification as it is, without --set, --tile, "
                       "--vector and --raw");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&cli_spec_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {options,
                                 parse,
                                 "SPEC",
                                 "Write the circuit of one input vector as a deck that plain "
                                 "`ngspice -b` runs, or the array "
                                 "alone as a subcircuit.",
                                 children,
                                 NULL,
                                 NULL};

typedef enum ow_status write_fn(const void *what, FILE *to, struct ow_error *err);

/* To a file, interruptible: either all of it is there or nothing is. */
static int write_to(const char *out, write_fn *write, const void *what)
{
    struct ow_error err = {0};
    struct ow_file file = {0};
    if (out && ow_file_create(out, &file, &err))
        return cli_fail(&err);
    if (out)
        cli_poll_interrupts();
    int code = EXIT_STANDS;
    FILE *to = out ? file.to : stdout;
    const enum ow_status st = write(what, to, &err);
    if (st &&
        !ferror(to)) /* a failing file is ow_file_commit()'s to report, or cli_finish()'s */
        code = cli_fail(&err);
    else if (cli_cancelled) {
        ow_fail(&err, OW_ERR_CANCELLED, "cancelled");
        code = cli_fail(&err);
    } else if (out && ow_file_commit(&file, &err))
        code = cli_fail_write(&err);
    ow_file_discard(&file);
    return code;
}

struct deck {
    const struct arguments *arguments;
    const char *codemodel;
};

static enum ow_status write_deck(const void *what, FILE *to, struct ow_error *err)
{
    const struct deck *d = what;
    const struct arguments *a = d->arguments;
    return cli_write_deck(a->array, a->vector * a->array->n_phase, d->codemodel, a->raw, to,
                          err);
}

static enum ow_status write_inc(const void *what, FILE *to, struct ow_error *err)
{
    return ow_array_inc_write(what, to, err);
}

/* --array.  Loaded once, so that what ngspice will meet is known to be fine. */
static int run_array(const struct arguments *a)
{
    char spec[PATH_MAX], table[PATH_MAX];
    struct ow_error err = {0};
    struct ow_bare bare = {0};
    struct ow_array_inc inc = {.name = a->name, .has_monitor = a->has_monitor};
    int code;
    if (ow_file_keep(a->spec.path, &err) || ow_file_keep(a->conductances, &err) ||
        ow_bare_load(a->spec.path, a->conductances, &bare, &err))
        code = cli_fail(&err);
    else {
        inc.spec = a->spec_path ? a->spec_path : realpath(a->spec.path, spec);
        inc.conductances = a->conductances ? realpath(a->conductances, table) : NULL;
        inc.rows = bare.xb.rows;
        inc.cols = bare.xb.cols;
        code = write_to(a->out, write_inc, &inc);
    }
    ow_bare_finish(&bare);
    return code;
}

static int run(int argc, char **argv)
{
    struct arguments a = {0};
    struct ow_error err = {0};
    char codemodel[4096];
    int code;
    if (!cli_parse(&argp, argc, argv, &a, &code))
        goto done;
    if (a.name && !a.spec.is_resolved) {
        code = run_array(&a);
        goto done;
    }
    if (!cli_spec_load(&a.spec, "netlist", &code))
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
    code = write_to(a.out, write_deck, &(struct deck){&a, codemodel});
    if (!is_found && code == EXIT_STANDS) /* the deck is still worth having */
        fprintf(stderr, "ohmweave: note: %s; the deck expects ./ohmweave.cm\n", err.text);
done:
    cli_spec_finish(&a.spec);
    return code;
}

const struct command cmd_netlist = {"netlist", "write the circuit as an ngspice deck", run};
