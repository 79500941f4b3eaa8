/* ohmweave sweep: a grid of characterisations into a store. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_cluster.h"
#include "cli_spec.h"
#include "cli_sweep.h"
#include "ow_chunks.h"
#include "ow_clock.h"
#include "ow_file.h"
#include "ow_number.h"
#include "ow_shard.h"
#include "ow_words.h"

struct arguments {
    struct cli_spec spec;
    struct cli_cluster cluster;
    struct cli_output output;
    const char *store, *points;
    unsigned jobs;    /* 0: one a processor */
    double timeout_s; /* NaN: generous      */
    double memory;    /* NaN: what is free  */
    bool is_resumed, is_dry;
};

enum { KEY_STORE = 0x200, KEY_RESUME, KEY_DRY, KEY_TIMEOUT, KEY_MEMORY, KEY_POINTS };

static const struct argp_option options[] = {
    {"store", KEY_STORE, "FILE", 0, "SQLite file that takes the results, one row a point", 0},
    {"resume", KEY_RESUME, NULL, 0,
     "go on with a store: points that are done stay, the others are run (again)", 0},
    {"jobs", 'j', "N", 0,
     "points at a time, each in a process of its own (one a processor; in a task of a cluster "
     "one)",
     0},
    {"dry-run", KEY_DRY, NULL, 0, "say what would be run and what it would take, and stop", 0},
    {"timeout", KEY_TIMEOUT, "SECONDS", 0,
     "stop a point after that and go on; 0: never (50 times its estimate, 600 s at least)", 0},
    {"memory", KEY_MEMORY, "BYTES", 0,
     "for all points at a time, such as 8g; 0: no limit (nine tenths of what is free)", 0},
    {"points", KEY_POINTS, "FILE", 0,
     "only the points whose numbers are in FILE, one a line, into a store that has these alone "
     "(goes on with one that is there); what a task of --executor=slurm runs",
     0},
    {"json", CLI_KEY_JSON, "FILE", 0,
     "write what became of the points as JSON; - for standard output", 0},
    {0}};

static double parse_number(struct argp_state *state, const char *option, const char *text,
                           double lo, double hi, const char *expected)
{
    double n;
    if (ow_number_parse(text, &n) != OW_NUMBER_OK || !(n >= lo && n <= hi))
        argp_error(state, "--%s=%s: expected %s", option, text, expected);
    return n;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    double n;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->spec;
        state->child_inputs[1] = &a->cluster;
        return 0;
    case KEY_STORE:
        a->store = text;
        return 0;
    case KEY_RESUME:
        a->is_resumed = true;
        return 0;
    case KEY_DRY:
        a->is_dry = true;
        return 0;
    case KEY_POINTS:
        a->points = text;
        return 0;
    case 'j':
        n = parse_number(state, "jobs", text, 1.0, OW_POOL_MAX_WORKERS,
                         "a whole number from 1 to 256");
        if (n != floor(n))
            argp_error(state, "--jobs=%s: expected a whole number from 1 to 256", text);
        a->jobs = (unsigned)n;
        return 0;
    case KEY_TIMEOUT:
        a->timeout_s = parse_number(state, "timeout", text, 0.0, 1e9, "seconds, or 0");
        return 0;
    case KEY_MEMORY:
        a->memory = parse_number(state, "memory", text, 0.0, 1e18, "bytes, such as 8g, or 0");
        if (a->memory > 0.0 && a->memory < 1e6) /* 8m is 8 milli */
            argp_error(state, "--memory=%s: expected bytes from 1meg on, such as 8g, or 0",
                       text);
        return 0;
    case ARGP_KEY_END:
        if (!a->store && !a->is_dry && !a->spec.is_resolved)
            argp_error(state, "--store=FILE is required (or --dry-run)");
        if (a->points && a->cluster.scheduler)
            argp_error(state, "--points and --executor=slurm exclude each other");
        return 0;
    default:
        return cli_output_parse(key, text, &a->output);
    }
}

static const struct argp_child children[] = {
    {&cli_spec_argp, 0, NULL, 0}, {&cli_cluster_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    options,
    parse,
    "SPEC",
    "Every combination of the values in the specification's section `sweep`, each a "
    "vector-matrix product through the circuit as in `ohmweave vmm`.\v"
    "Points run in processes of their own: one that fails, hangs or crashes is written down "
    "with its reason, and the rest goes on.  Exit status 0: every point is done and keeps the "
    "specification's `limits`.",
    children,
    NULL,
    NULL};

/* ---- before ------------------------------------------------------------------------ */

static void print_where(const struct arguments *a, const struct ow_plan *plan,
                        const struct ow_sweep_cost *cost, unsigned jobs)
{
    char text[32];
    if (!a->cluster.scheduler) {
        printf("about %s on %u of %ld processors",
               ow_words_duration(cost->seconds / jobs, "-", text), jobs,
               sysconf(_SC_NPROCESSORS_ONLN));
        return;
    }
    size_t n_task = a->cluster.n_task;
    if (n_task == 0 || n_task > plan->n_point)
        n_task = n_task ? plan->n_point : ow_chunks_number(cost->seconds, plan->n_point, jobs);
    printf("%zu task%s for %s, about %s each on %u processor%s", n_task, n_task == 1 ? "" : "s",
           a->cluster.scheduler->name,
           ow_words_duration(cost->seconds / jobs / (double)n_task, "-", text), jobs,
           jobs == 1 ? "" : "s");
}

static void print_plan(const struct arguments *args, const struct ow_plan *plan,
                       const struct ow_sweep_cost *cost, unsigned jobs, double memory)
{
    printf("%s: %zu point%s", plan->outline->path, plan->n_point,
           plan->n_point == 1 ? "" : "s");
    for (size_t a = 0; a < plan->n_axis; a++) {
        printf("%s%zu ", a ? " x " : " = ", plan->axis[a].length);
        for (size_t c = 0, n = 0; c < plan->n_column; c++)
            if (plan->column[c].axis == a)
                printf("%s%s", n++ ? "+" : "", plan->column[c].name);
    }
    const struct ow_point_estimate *e = ow_sweep_cost_of(cost, cost->largest);
    printf("\n  ");
    print_where(args, plan, cost, jobs);
    printf("; the largest array, %zu x %zu, takes about %.2g GB", e->rows, e->cols,
           1e-9 * cost->bytes);
    if (memory > 0.0)
        printf(" of %.3g GB", 1e-9 * memory);
    printf(" (both rough)\n");
}

/* ---- meanwhile --------------------------------------------------------------------- */

struct watch {
    bool is_on;
    double last, begin;
};

static void show(void *data, const struct ow_sweep_progress *p)
{
    struct watch *w = data;
    char left[32];
    const double now = ow_seconds();
    if (!w->is_on || (now - w->last < 0.2 && p->n_done < p->n_total))
        return;
    w->last = now;
    fprintf(stderr, "\r\033[Kpoints: %zu of %zu", p->n_done, p->n_total);
    if (p->n_failed)
        fprintf(stderr, ", %zu failed", p->n_failed);
    if (p->n_done > 0)
        fprintf(stderr, ", %.3g a second, %s left", (double)p->n_done / (now - w->begin),
                ow_words_duration(p->left_s, "-", left));
    fflush(stderr);
}

/* One line for what failed; the store has them all. */
static void tell(void *data, const struct ow_point_record *point)
{
    struct watch *w = data;
    if (point->status == OW_POINT_DONE)
        return;
    if (w->is_on)
        fprintf(stderr, "\r\033[K");
    fprintf(stderr, "ohmweave: point %zu %s: %s\n", point->id,
            ow_point_status_str(point->status), point->error);
}

/* ---- the command ------------------------------------------------------------------- */

struct sweep {
    struct ow_spec outline;
    struct ow_plan plan;
    struct ow_limits limits;
    struct ow_sweep_cost cost;
    struct ow_sweep_usage usage;
    struct ow_store *store;
    size_t *point, n_point; /* of --points; NULL: all */
    bool has_outline;
};

static void sweep_finish(struct sweep *s)
{
    ow_store_close(s->store);
    free(s->point);
    ow_sweep_cost_finish(&s->cost);
    ow_plan_finish(&s->plan);
    if (s->has_outline)
        ow_spec_finish(&s->outline);
}

static enum ow_status sweep_load(const struct arguments *a, struct sweep *s,
                                 struct ow_error *err)
{
    enum ow_status st = ow_spec_outline(a->spec.path, a->spec.overrides, &s->outline, err);
    if (st)
        return st;
    s->has_outline = true;
    s->outline.allows_commands = a->spec.allows_commands;
    if ((st = ow_plan_init(&s->outline, &s->plan, err)) ||
        (st = ow_limits_init(&s->outline, &s->limits, err)))
        return st;
    return ow_sweep_cost_init(&s->plan, &s->cost, err);
}

/* What the first point says, as far as it can be read, of all of them. */
static enum ow_status check_first(const struct arguments *a, const struct sweep *s,
                                  struct ow_error *err)
{
    struct ow_spec spec;
    struct ow_error why = {0};
    enum ow_status st = ow_file_keep(a->spec.path, err);
    if (st || (st = ow_file_keep(a->store, err)) || (st = ow_file_keep(a->points, err)) ||
        ow_plan_spec(&s->plan, 0, &spec, &why))
        return st;
    st = ow_spec_keep_files(&spec, err);
    if (!st)
        st = ow_spec_for(&spec, "sweep", err);
    ow_spec_finish(&spec);
    return st;
}

/* --resolved: the first point. */
static int print_resolved(const struct sweep *s)
{
    struct ow_spec spec;
    struct ow_error err = {0};
    if (ow_plan_spec(&s->plan, 0, &spec, &err))
        return cli_fail(&err);
    const enum ow_status st = ow_spec_print(&spec, stdout, &err);
    ow_spec_finish(&spec);
    return st && !ferror(stdout) ? cli_fail(&err) : EXIT_STANDS;
}

static enum ow_status open_store(const struct arguments *a, struct sweep *s,
                                 struct ow_error *err)
{
    enum ow_status st;
    if (a->points) {
        st = ow_points_read(a->points, s->plan.n_point, &s->point, &s->n_point, err);
        return st ? st
                  : ow_shard_open(a->store, &s->plan, &s->limits, OW_VERSION, s->point,
                                  s->n_point, &s->store, err);
    }
    if ((st = cli_cluster_check(&a->cluster, &a->spec, a->store, !a->is_resumed, err)) ||
        (st = ow_store_open(a->store, a->is_resumed ? OW_STORE_WRITE : OW_STORE_CREATE,
                            &s->store, err)))
        return st;
    return ow_sweep_begin(s->store, &s->plan, &s->limits, OW_VERSION, err);
}

/* Where any point asks for ngspice, the code models must be there. */
static bool find_codemodel(const struct ow_plan *plan, char path[CLI_PATH_SIZE],
                           struct ow_error *err)
{
    path[0] = '\0';
    for (size_t k = 0; k < plan->n_point && k < 1000; k++) {
        struct ow_spec spec;
        struct ow_error why = {0};
        if (ow_plan_spec(plan, k, &spec, &why))
            continue;
        const bool is_spice = ow_spec_needs_ngspice(&spec);
        ow_spec_finish(&spec);
        if (is_spice)
            return cli_find_codemodel(path, CLI_PATH_SIZE, err);
    }
    return true;
}

static enum ow_status run_here(const struct arguments *a, struct sweep *s, unsigned jobs,
                               double memory, const char *codemodel, struct ow_error *err)
{
    struct watch watch = {.is_on = isatty(STDERR_FILENO), .begin = ow_seconds()};
    const struct ow_sweep_options how = {.codemodel = codemodel,
                                         .version = OW_VERSION,
                                         .jobs = jobs,
                                         .timeout_s = a->timeout_s,
                                         .memory = memory,
                                         .only = s->point,
                                         .n_only = s->n_point,
                                         .cancel = &cli_cancelled,
                                         .progress = show,
                                         .ended = tell,
                                         .data = &watch};
    const enum ow_status st =
        ow_sweep_run(s->store, &s->plan, &s->limits, &s->cost, &how, &s->usage, err);
    if (watch.is_on)
        fprintf(stderr, "\r\033[K");
    return st;
}

static int run_points(const struct arguments *a, struct sweep *s, unsigned jobs, double memory,
                      const char *codemodel)
{
    struct ow_error err = {0};
    const struct cli_cluster_how handed_on = {
        .jobs = jobs, .timeout_s = a->timeout_s, .memory = a->memory};
    cli_poll_interrupts();
    const enum ow_status st = a->cluster.scheduler
                                  ? cli_cluster_run(&a->cluster, &a->spec, s->store, a->store,
                                                    &s->plan, &s->cost, &handed_on, &err)
                                  : run_here(a, s, jobs, memory, codemodel, &err);
    int code = EXIT_STANDS;
    if (st) {
        cli_fail(&err);
        fprintf(stderr, "ohmweave: the finished points are in %s; --resume goes on\n",
                a->store);
        code = EXIT_RUN_FAILED;
    }
    const int answer = cli_sweep_answer(s->store, a->store, &a->output);
    char text[32];
    if (s->usage.wall_s > 0.0 && cli_output_has_table(&a->output))
        printf("  %s: %u at a time, busy %.0f %%; the store took %.2g %%\n",
               ow_words_duration(s->usage.wall_s, "-", text), jobs, 100.0 * s->usage.busy,
               100.0 * s->usage.store_s / s->usage.wall_s);
    /* a task has done its work when its points have ended, however */
    return code == EXIT_STANDS && !a->points ? answer : code;
}

/* What the points may take at a time, and how many of them, unless it was said. */
static double default_memory(const struct arguments *a)
{
    return a->cluster.scheduler ? 0.0 : 0.9 * ow_sweep_free_memory();
}

static unsigned default_jobs(const struct arguments *a)
{
    const long processors = a->cluster.scheduler ? 1 : sysconf(_SC_NPROCESSORS_ONLN);
    const long most = OW_POOL_MAX_WORKERS;
    return (unsigned)(processors < 1 ? 1 : processors > most ? most : processors);
}

/* A file that cannot be written now may be written next time; input stays as it is. */
static int fail_to_open(const struct arguments *a, const struct ow_error *err)
{
    const int code = cli_fail(err);
    return a->points && err->status == OW_ERR_FILE ? EXIT_RUN_FAILED : code;
}

static int run(int argc, char **argv)
{
    struct arguments a = {.timeout_s = NAN, .memory = NAN};
    struct sweep s = {0};
    struct ow_error err = {0};
    char codemodel[CLI_PATH_SIZE];
    int code;
    if (!cli_parse(&argp, argc, argv, &a, &code))
        goto done;
    if (sweep_load(&a, &s, &err) || check_first(&a, &s, &err) ||
        !cli_output_check(&a.output, &err)) {
        code = cli_fail(&err);
        goto done;
    }
    if (a.spec.is_resolved) {
        code = print_resolved(&s);
        goto done;
    }
    const unsigned jobs = a.jobs ? a.jobs : default_jobs(&a);
    const double memory = isnan(a.memory) ? default_memory(&a) : a.memory;
    if (cli_output_has_table(&a.output) && !a.points)
        print_plan(&a, &s.plan, &s.cost, jobs, memory);
    fflush(stdout);
    /* a task may have none of the large points */
    if ((!a.points && ow_sweep_fits(&s.cost, memory, &err)) ||
        !find_codemodel(&s.plan, codemodel, &err))
        code = cli_fail(&err);
    else if (!a.is_dry && open_store(&a, &s, &err))
        code = fail_to_open(&a, &err);
    else if (!a.is_dry)
        code = run_points(&a, &s, jobs, memory, codemodel);
done:
    sweep_finish(&s);
    cli_cluster_finish(&a.cluster);
    free(a.spec.overrides);
    return code;
}

const struct command cmd_sweep = {
    "sweep", "a grid of such runs on all processors: resumable, one SQLite store", run};
