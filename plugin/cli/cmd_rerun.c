/* ohmweave rerun: one point of a store once more, and whether it comes out the same. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_sweep.h"
#include "cli_vmm.h"
#include "ow_figures.h"
#include "ow_file.h"
#include "ow_number.h"

struct arguments {
    struct cli_output output;
    const char *store, *point;
    bool is_printed; /* the specification, and nothing is run */
};

enum { KEY_SPEC = 0x200 };

static const struct argp_option options[] = {
    {"spec", KEY_SPEC, NULL, 0, "print the point's specification and stop", 0},
    {"out", CLI_KEY_OUT, "DIR", 0, "write outputs, conductances and energies there as .npy", 0},
    {"json", CLI_KEY_JSON, "FILE", 0, "write the result as JSON; - for standard output", 0},
    {0}};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case KEY_SPEC:
        a->is_printed = true;
        return 0;
    case ARGP_KEY_ARG:
        if (!a->store)
            a->store = text;
        else if (!a->point)
            a->point = text;
        else
            argp_error(state, "unexpected argument '%s': one point at a time", text);
        return 0;
    case ARGP_KEY_END:
        if (!a->point)
            argp_error(state, "a store and the number of a point are required");
        return 0;
    default:
        return cli_output_parse(key, text, &a->output);
    }
}

static const struct argp argp = {
    options,
    parse,
    "STORE POINT",
    "Repeat one point of a sweep from the specification in its row, and compare: every figure "
    "must be the same as there to the last bit, but for times.",
    NULL,
    NULL,
    NULL};

/* What the row says; texts are owned. */
struct kept {
    bool is_there;
    enum ow_point_status status;
    char *spec, *result, *error, *version;
};

static void kept_finish(struct kept *k)
{
    free(k->spec);
    free(k->result);
    free(k->error);
    free(k->version);
}

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

static enum ow_status keep(void *data, const struct ow_point_record *row, struct ow_error *err)
{
    struct kept *k = data;
    *k = (struct kept){.is_there = true,
                       .status = row->status,
                       .spec = copy(row->spec),
                       .result = copy(row->result),
                       .error = copy(row->error),
                       .version = copy(row->version)};
    return OW_OK;
}

static enum ow_status load(const struct arguments *a, struct kept *k, size_t *id,
                           struct ow_error *err)
{
    struct ow_store *store;
    double n;
    if (ow_number_parse(a->point, &n) != OW_NUMBER_OK || !(n >= 0.0 && n < 1e15) ||
        n != floor(n))
        return ow_fail(err, OW_ERR_INPUT, "'%.40s': expected the number of a point", a->point);
    *id = (size_t)n;
    const struct ow_store_query one = {
        .has_point = true, .point = *id, .with_result = true, .with_spec = true};
    enum ow_status st = ow_store_open(a->store, OW_STORE_READ, &store, err);
    if (st)
        return st;
    st = ow_store_each(store, &one, keep, k, err);
    if (!st && !k->is_there)
        st = ow_fail(err, OW_ERR_INPUT, "%s: there is no point %zu", a->store, *id);
    if (!st && !k->spec)
        st = ow_fail(err, OW_ERR_INPUT, "%s: point %zu is %s: expected one that was run",
                     a->store, *id, ow_point_status_str(k->status));
    if (!st && ow_sweep_check_files(store, err))
        fprintf(stderr, "ohmweave: %s\n", err->text);
    ow_store_close(store);
    return st;
}

/* ---- comparing ----------------------------------------------------------------------- */

struct comparison {
    const json_t *there, *here;
    size_t n_same, n_different;
};

static bool compare_figure(void *data, const char *name)
{
    struct comparison *c = data;
    const double a = ow_figure(c->there, name), b = ow_figure(c->here, name);
    if (strncmp(name, "solver.", 7) == 0 && strcmp(name, "solver.steps") != 0)
        return true; /* times */
    if (a == b || (isnan(a) && isnan(b))) {
        c->n_same++;
        return true;
    }
    if (c->n_different++ < 10)
        fprintf(stderr, "ohmweave: %s: %.17g in the store, %.17g now\n", name, a, b);
    return true;
}

static int compare(const struct arguments *a, const struct kept *k, json_t *here)
{
    struct ow_error err = {0};
    json_t *there = json_loads(k->result, 0, NULL);
    struct comparison c = {.there = there, .here = here};
    int code = EXIT_RUN_FAILED;
    if (!there)
        fprintf(stderr, "ohmweave: %s: the row's result is damaged\n", a->store);
    else if (ow_figure_each(compare_figure, &c, &err))
        cli_fail(&err);
    else if (c.n_different > 0)
        fprintf(stderr,
                "ohmweave: %zu of %zu figures differ from the store (ohmweave %s there, "
                "%s here)\n",
                c.n_different, c.n_different + c.n_same, k->version, OW_VERSION);
    else {
        if (cli_output_has_table(&a->output))
            printf("\nThe same as in the store: %zu figures to the last bit\n", c.n_same);
        code = EXIT_STANDS;
    }
    json_decref(there);
    return code;
}

/* ---- the command --------------------------------------------------------------------- */

static int simulate(const struct arguments *a, const struct kept *k, const struct ow_spec *spec)
{
    struct ow_problem problem;
    struct ow_vmm_result result;
    struct ow_error err = {0};
    char codemodel[CLI_PATH_SIZE];
    if (ow_file_keep(a->store, &err) || ow_spec_keep_files(spec, &err) ||
        !cli_output_check(&a->output, &err) || !cli_codemodel_for(spec, codemodel, &err) ||
        ow_problem_init(spec, &problem, &err))
        return cli_fail(&err);
    const struct ow_vmm_options how = {.codemodel = codemodel, .cancel = &cli_cancelled};
    cli_poll_interrupts();
    int code;
    if (ow_vmm_run(&problem, &how, &result, &err))
        code = cli_fail(&err);
    else {
        code = cli_vmm_report(&a->output, &problem, &result);
        json_t *here = k->result ? ow_vmm_json(&problem, &result) : NULL;
        if (here && compare(a, k, here) != EXIT_STANDS)
            code = EXIT_RUN_FAILED;
        json_decref(here);
        ow_vmm_result_finish(&result);
    }
    ow_problem_finish(&problem);
    return code;
}

static int run(int argc, char **argv)
{
    struct arguments a = {0};
    struct kept k = {0};
    struct ow_spec spec;
    struct ow_error err = {0};
    char name[CLI_PATH_SIZE];
    size_t id = 0;
    int code;
    if (!cli_parse(&argp, argc, argv, &a, &code))
        return code;
    if (load(&a, &k, &id, &err)) {
        code = cli_fail(&err);
        goto done;
    }
    if (a.is_printed) {
        fputs(k.spec, stdout);
        goto done;
    }
    snprintf(name, sizeof name, "%.3900s, point %zu", a.store, id);
    if (k.error && cli_output_has_table(&a.output))
        printf("In the store point %zu is %s: %s\n", id, ow_point_status_str(k.status),
               k.error);
    if (ow_spec_parse(k.spec, strlen(k.spec), name, NULL, &spec, &err)) {
        code = cli_fail(&err);
        goto done;
    }
    code = simulate(&a, &k, &spec);
    ow_spec_finish(&spec);
done:
    kept_finish(&k);
    return code;
}

const struct command cmd_rerun = {"rerun",
                                  "one point of a sweep again, compared with its store", run};
