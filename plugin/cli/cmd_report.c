/* ohmweave report: what came out of a sweep, as one page to look at. */
#include <math.h>
#include <string.h>

#include "cli_spec.h"
#include "ow_file.h"
#include "ow_number.h"
#include "ow_report.h"

struct arguments {
    struct cli_output output;
    struct ow_report_options how;
    const char *store, *page, *plot, *waveforms;
    enum ow_report_figure figure;
};

enum {
    KEY_PLOT = 0x200,
    KEY_FIGURE,
    KEY_HEAT,
    KEY_POINT,
    KEY_TILE,
    KEY_COLUMN,
    KEY_VECTOR,
    KEY_WAVES
};

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0, "the page, HTML without anything beside it", 0},
    {"plot", KEY_PLOT, "FILE", 0, "a single picture instead, .svg or .png", 0},
    {"figure", KEY_FIGURE, "NAME", 0,
     "which: accuracy (default), energy, heat, parts, drop, waves or histogram", 0},
    {"heat", KEY_HEAT, "KEY,KEY[,FIGURE]", 0,
     "the map of a figure over two swept keys, such as size,array.r_wordline,energy.per_mac "
     "(all pairs, up to three; accuracy and energy)",
     0},
    {"point", KEY_POINT, "N", 0,
     "the point to look at closely (the least accurate that keeps the limits, else the last)",
     0},
    {"tile", KEY_TILE, "N", 0, "which of its arrays, with array.tile (0)", 0},
    {"column", KEY_COLUMN, "N", 0, "the output whose waveforms are drawn (0)", 0},
    {"vector", KEY_VECTOR, "N", 0, "and the input vector (0)", 0},
    {"waveforms", KEY_WAVES, "FILE", 0,
     "all sources and outputs of that read as an ngspice raw file", 0},
    {"json", CLI_KEY_JSON, "FILE", 0,
     "write question and answer as JSON; - for standard output", 0},
    {0}};

static size_t whole(struct argp_state *state, const char *option, const char *text)
{
    double n;
    if (ow_number_parse(text, &n) != OW_NUMBER_OK || !(n >= 0.0 && n < 1e15) || n != floor(n))
        argp_error(state, "--%s=%s: expected a whole number from 0 on", option, text);
    return (size_t)n;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'o':
        a->page = text;
        return 0;
    case KEY_PLOT:
        a->plot = text;
        return 0;
    case KEY_FIGURE:
        for (size_t k = 0; k < OW_REPORT_N_FIGURE; k++)
            if (strcmp(text, ow_report_figure_name[k]) == 0) {
                a->figure = (enum ow_report_figure)k;
                return 0;
            }
        argp_error(state,
                   "--figure=%s: expected accuracy, energy, heat, parts, drop, waves or "
                   "histogram",
                   text);
        return 0;
    case KEY_HEAT:
        a->how.heat = text;
        return 0;
    case KEY_POINT:
        a->how.point = whole(state, "point", text);
        a->how.has_point = true;
        return 0;
    case KEY_TILE:
        a->how.tile = whole(state, "tile", text);
        return 0;
    case KEY_COLUMN:
        a->how.column = whole(state, "column", text);
        return 0;
    case KEY_VECTOR:
        a->how.vector = whole(state, "vector", text);
        return 0;
    case KEY_WAVES:
        a->waveforms = text;
        return 0;
    case ARGP_KEY_ARG:
        if (a->store)
            argp_error(state, "unexpected argument '%s': one store at a time", text);
        a->store = text;
        return 0;
    case ARGP_KEY_END:
        if (!a->store)
            argp_error(state, "a store is required");
        else if (!a->page && !a->plot && !a->waveforms && !a->output.json)
            argp_error(state, "-o FILE is required (or --plot, --waveforms or --json)");
        return 0;
    default:
        return cli_output_parse(key, text, &a->output);
    }
}

static const struct argp argp = {
    options,
    parse,
    "STORE",
    "What came out of a sweep: the answer in figures, accuracy and energy with the spread of "
    "the "
    "seeds, heat maps, where the energy goes, one point looked at closely, all points.\v"
    "The page needs no network and no other file; pictures are drawn by gnuplot.  The chosen "
    "point is simulated again for its voltages, waveforms and errors.",
    NULL,
    NULL,
    NULL};

static void print_answer(const struct arguments *a, const struct ow_report *report)
{
    const char *const path[] = {a->page, a->plot, a->waveforms};
    json_t *json = ow_report_json(report);
    const char *question = json_string_value(json_object_get(json, "question")),
               *answer = json_string_value(json_object_get(json, "answer"));
    printf("%s\n%s\n", question ? question : "", answer ? answer : "");
    json_decref(json);
    for (size_t k = 0; k < sizeof path / sizeof path[0]; k++)
        if (path[k])
            printf("  %s\n", path[k]);
}

static int write_all(const struct arguments *a, struct ow_report *report)
{
    struct ow_error err = {0};
    if ((a->page && ow_report_page(report, a->page, &err)) ||
        (a->plot && ow_report_plot(report, a->figure, a->plot, &err)) ||
        (a->waveforms && ow_report_raw(report, a->waveforms, &err)))
        return err.status == OW_ERR_FILE ? cli_fail_write(&err) : cli_fail(&err);
    if (cli_output_has_table(&a->output))
        print_answer(a, report);
    if (a->output.json && !cli_write_json(ow_report_json(report), a->output.json, &err))
        return cli_fail_write(&err);
    return EXIT_STANDS;
}

static int run(int argc, char **argv)
{
    struct arguments a = {.how = {.version = OW_VERSION, .cancel = &cli_cancelled}};
    struct ow_report *report = NULL;
    struct ow_error err = {0};
    int code;
    if (!cli_parse(&argp, argc, argv, &a, &code))
        return code;
    if (ow_file_keep(a.store, &err) || !cli_output_check(&a.output, &err) ||
        !cli_check_writable(a.page, &err) || !cli_check_writable(a.plot, &err) ||
        !cli_check_writable(a.waveforms, &err))
        return cli_fail(&err);
    char codemodel[CLI_PATH_SIZE];
    struct ow_error none = {0};
    if (cli_find_codemodel(codemodel, sizeof codemodel, &none)) /* else such pictures say so */
        a.how.codemodel = codemodel;
    cli_poll_interrupts();
    code =
        ow_report_open(a.store, &a.how, &report, &err) ? cli_fail(&err) : write_all(&a, report);
    ow_report_close(report);
    return code;
}

const struct command cmd_report = {"report", "a sweep as one page to look at, or as pictures",
                                   run};
