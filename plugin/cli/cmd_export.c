/* ohmweave export: a store as tables for other tools. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_sweep.h"
#include "ow_figures.h"
#include "ow_file.h"
#include "ow_table.h"

struct arguments {
    const char *store, *csv, *npy;
    const char **figure; /* [n_figure] asked for */
    size_t n_figure;
};

enum { KEY_CSV = 0x200, KEY_NPY, KEY_FIGURE };

static const struct argp_option options[] = {
    {"csv", KEY_CSV, "FILE", 0,
     "write CSV there (standard output, if nothing else is asked for)", 0},
    {"npy", KEY_NPY, "DIR", 0,
     "write one .npy a column into this directory, a value a point, NaN where there is none; "
     "swept values that are no numbers by their place in the list",
     0},
    {"figure", KEY_FIGURE, "NAME", 0,
     "only this figure, such as energy.per_mac (any number of times; all of them)", 0},
    {0}};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case KEY_CSV:
        a->csv = text;
        return 0;
    case KEY_NPY:
        a->npy = text;
        return 0;
    case KEY_FIGURE: {
        const char **more = realloc(a->figure, (a->n_figure + 1) * sizeof *more);
        if (!more)
            return ENOMEM;
        a->figure = more;
        a->figure[a->n_figure++] = text;
        return 0;
    }
    case ARGP_KEY_ARG:
        if (a->store)
            argp_error(state, "unexpected argument '%s': one store at a time", text);
        a->store = text;
        return 0;
    case ARGP_KEY_END:
        if (!a->store)
            argp_error(state, "a store is required: the FILE of `ohmweave sweep --store`");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options,
    parse,
    "STORE",
    "The points of a sweep as a table: settings, status and every figure of the result.",
    NULL,
    NULL,
    NULL};

enum { MOST_FIGURES = 256 };

struct export
{
    json_t *columns;                /* about.columns */
    char figure[MOST_FIGURES][200]; /* [n_figure] full names */
    size_t n_figure;
    FILE *csv;              /* or NULL */
    struct ow_matrix value; /* [n_column + n_figure][n_point], or empty */
    bool is_read;           /* what fails then is a file that is written */
};

static bool take_figure(void *data, const char *name)
{
    struct export *e = data;
    if (e->n_figure == MOST_FIGURES)
        return false;
    snprintf(e->figure[e->n_figure++], sizeof e->figure[0], "%s", name);
    return true;
}

static enum ow_status choose_figures(const struct arguments *a, struct export *e,
                                     struct ow_error *err)
{
    if (a->n_figure == 0)
        return ow_figure_each(take_figure, e, err);
    for (size_t k = 0; k < a->n_figure && k < MOST_FIGURES; k++) {
        const enum ow_status st = ow_figure_find(a->figure[k], "--figure=", e->figure[k], err);
        if (st)
            return st;
        e->n_figure = k + 1;
    }
    return OW_OK;
}

static const char *column_name(const struct export *e, size_t c)
{
    return json_string_value(json_object_get(json_array_get(e->columns, c), "name"));
}

/* ---- CSV: RFC 4180 ------------------------------------------------------------------ */

static void put_text(FILE *to, const char *text)
{
    if (!text)
        return;
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, to);
        return;
    }
    fputc('"', to);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', to);
        fputc(*text, to);
    }
    fputc('"', to);
}

static void put_number(FILE *to, double value)
{
    if (!isnan(value))
        fprintf(to, "%.17g", value);
}

static void put_value(FILE *to, const json_t *value)
{
    if (json_is_string(value))
        put_text(to, json_string_value(value));
    else if (json_is_number(value))
        put_number(to, json_number_value(value));
    else if (value) {
        char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        put_text(to, text);
        free(text);
    }
}

static void put_titles(const struct export *e)
{
    fputs("point,status", e->csv);
    for (size_t c = 0; c < json_array_size(e->columns); c++) {
        fputc(',', e->csv);
        put_text(e->csv, column_name(e, c));
    }
    fputs(",pass,attempts,wall_s,cpu_s,peak_bytes,error", e->csv);
    for (size_t k = 0; k < e->n_figure; k++)
        fprintf(e->csv, ",%s", e->figure[k]);
    fputs("\r\n", e->csv);
}

static void put_row(const struct export *e, const struct ow_point_record *p,
                    const json_t *settings, const json_t *result)
{
    FILE *to = e->csv;
    fprintf(to, "%zu,%s", p->id, ow_point_status_str(p->status));
    for (size_t c = 0; c < json_array_size(e->columns); c++) {
        fputc(',', to);
        put_value(to, json_object_get(settings, column_name(e, c)));
    }
    fprintf(to, ",%s,%d,", p->pass < 0 ? "" : p->pass ? "1" : "0", p->attempts);
    put_number(to, p->wall_s);
    fputc(',', to);
    put_number(to, p->cpu_s);
    fputc(',', to);
    put_number(to, p->peak_bytes < 0 ? NAN : (double)p->peak_bytes);
    fputc(',', to);
    put_text(to, p->error);
    for (size_t k = 0; k < e->n_figure; k++) {
        fputc(',', to);
        put_number(to, ow_figure(result, e->figure[k]));
    }
    fputs("\r\n", to);
}

/* ---- .npy --------------------------------------------------------------------------- */

/* A swept value as a number: itself, or its place among the column's values. */
static double value_of(const struct export *e, size_t c, const json_t *settings)
{
    const json_t *value = json_object_get(settings, column_name(e, c)),
                 *all = json_object_get(json_array_get(e->columns, c), "values");
    if (json_is_number(value))
        return json_number_value(value);
    for (size_t k = 0; k < json_array_size(all); k++)
        if (json_equal(json_array_get(all, k), value))
            return (double)k;
    return NAN;
}

static void keep_row(struct export *e, const struct ow_point_record *p, const json_t *settings,
                     const json_t *result)
{
    const size_t n_column = json_array_size(e->columns);
    if (p->id >= e->value.cols)
        return;
    for (size_t c = 0; c < n_column; c++)
        ow_matrix_row(&e->value, c)[p->id] = value_of(e, c, settings);
    for (size_t k = 0; k < e->n_figure; k++)
        ow_matrix_row(&e->value, n_column + k)[p->id] = ow_figure(result, e->figure[k]);
}

static enum ow_status save_columns(const struct export *e, const char *directory,
                                   struct ow_error *err)
{
    const size_t n_column = json_array_size(e->columns);
    for (size_t k = 0; k < e->value.rows; k++) {
        char path[CLI_PATH_SIZE];
        const char *name = k < n_column ? column_name(e, k) : e->figure[k - n_column];
        if (!cli_path_in(path, directory, name, err))
            return err->status;
        const enum ow_status st =
            ow_npy_save(path, ow_matrix_row(&e->value, k), OW_NPY_F8, 1, &e->value.cols, err);
        if (st)
            return st;
    }
    return OW_OK;
}

/* ---- the command -------------------------------------------------------------------- */

static enum ow_status take_row(void *data, const struct ow_point_record *p,
                               struct ow_error *err)
{
    struct export *e = data;
    json_t *settings, *result;
    const enum ow_status st = cli_sweep_row(p, &settings, &result, err);
    if (st)
        return st;
    if (e->csv)
        put_row(e, p, settings, result);
    if (e->value.a)
        keep_row(e, p, settings, result);
    json_decref(settings);
    json_decref(result);
    return OW_OK;
}

static enum ow_status begin(struct ow_store *store, const struct arguments *a, struct export *e,
                            struct ow_error *err)
{
    size_t count[OW_N_POINT_STATUS], n = 0;
    enum ow_status st;
    if ((st = cli_sweep_columns(store, &e->columns, err)) ||
        (st = ow_store_count(store, count, err)) || (st = choose_figures(a, e, err)))
        return st;
    for (size_t k = 0; k < OW_N_POINT_STATUS; k++)
        n += count[k];
    if (!a->npy || n == 0)
        return OW_OK;
    e->value = ow_matrix_create(json_array_size(e->columns) + e->n_figure, n);
    if (!e->value.a)
        return ow_fail(err, OW_ERR_NOMEM, "%s: out of memory", a->store);
    for (size_t k = 0; k < e->value.rows * n; k++)
        e->value.a[k] = NAN;
    return OW_OK;
}

static enum ow_status export_store(const struct arguments *a, struct export *e,
                                   struct ow_error *err)
{
    const bool is_to_stdout = (!a->csv && !a->npy) || (a->csv && strcmp(a->csv, "-") == 0);
    const struct ow_store_query all = {.with_result = true};
    struct ow_file file = {0};
    struct ow_store *store = NULL;
    enum ow_status st = ow_store_open(a->store, OW_STORE_READ, &store, err);
    if (!st)
        st = ow_file_keep(a->store, err);
    if (!st)
        st = begin(store, a, e, err);
    if (!st && !cli_make_directory(a->npy, err))
        st = err->status;
    if (!st && a->csv && !is_to_stdout)
        st = ow_file_create(a->csv, &file, err);
    e->csv = is_to_stdout ? stdout : file.to;
    if (!st && e->csv)
        put_titles(e);
    if (!st)
        st = ow_store_each(store, &all, take_row, e, err);
    e->is_read = !st;
    if (!st && file.to)
        st = ow_file_commit(&file, err);
    ow_file_discard(&file);
    if (!st && a->npy)
        st = save_columns(e, a->npy, err);
    ow_store_close(store);
    return st;
}

static int run(int argc, char **argv)
{
    struct arguments a = {0};
    struct ow_error err = {0};
    int code;
    struct export *e = calloc(1, sizeof *e);
    if (!e)
        return EXIT_RUN_FAILED;
    if (cli_parse(&argp, argc, argv, &a, &code) && export_store(&a, e, &err))
        code = e->is_read ? cli_fail_write(&err) : cli_fail(&err);
    json_decref(e->columns);
    ow_matrix_finish(&e->value);
    free(e);
    free(a.figure);
    return code;
}

const struct command cmd_export = {"export", "a store of a sweep as CSV or .npy", run};
