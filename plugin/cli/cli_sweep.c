#include "cli_sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_figures.h"

/* What a line shows beside the swept values. */
static const struct {
    const char *name, *title;
    double times; /* of the figure's unit */
    const char *format;
} column[] = {{"accuracy.raw.total.csnr_db", "CSNR/dB", 1.0, "%.1f"},
              {"accuracy.array.total.csnr_db", "array", 1.0, "%.1f"},
              {"accuracy.column.total.csnr_db", "column", 1.0, "%.1f"},
              {"accuracy.array.total.enob", "ENOB/bit", 1.0, "%.2f"},
              {"energy.per_mac", "fJ/MAC", 1e15, "%.4g"},
              {"latency.worst", "worst/ns", 1e9, "%.3g"}};
enum {
    N_FIGURE = sizeof column / sizeof column[0],
    LEAST_OF = 3, /* the figure whose worst seed is shown, too */
    MOST_LINES = 100,
    WIDTH = 10
};

/* One line of the table: a point, or those that differ in their seed alone. */
struct line {
    size_t number; /* of the first point, in lines */
    json_t *settings;
    size_t n, n_pass;
    double *value; /* [N_FIGURE][n_seed], n of them each */
};

struct table {
    json_t *columns; /* about.columns */
    json_t *points;  /* NULL, or where the JSON's points go */
    bool is_printed;
    size_t n_seed; /* points a line */
    struct line line;
    size_t n_shown, n_done, n_failed_limits;
    bool has_limits, is_full;
};

enum ow_status cli_sweep_columns(struct ow_store *store, json_t **columns, struct ow_error *err)
{
    char *text = NULL;
    const enum ow_status st = ow_store_about(store, "columns", &text, err);
    if (st)
        return st;
    *columns = text ? json_loads(text, 0, NULL) : NULL;
    free(text);
    return *columns ? OW_OK
                    : ow_fail(err, OW_ERR_FILE, "the store does not say what was swept");
}

enum ow_status cli_sweep_row(const struct ow_point_record *row, json_t **settings,
                             json_t **result, struct ow_error *err)
{
    *settings = row->settings ? json_loads(row->settings, 0, NULL) : NULL;
    *result = row->result ? json_loads(row->result, 0, NULL) : NULL;
    if (json_is_object(*settings) && (!row->result || json_is_object(*result)))
        return OW_OK;
    json_decref(*settings);
    json_decref(*result);
    return ow_fail(err, OW_ERR_FILE, "point %zu: its row is damaged", row->id);
}

static const char *value_text(const json_t *value, char text[64])
{
    if (json_is_string(value))
        snprintf(text, 64, "%s", json_string_value(value));
    else if (json_is_number(value))
        snprintf(text, 64, "%.6g", json_number_value(value));
    else {
        char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        snprintf(text, 64, "%s", dumped ? dumped : "");
        free(dumped);
    }
    for (char *c = text; *c; c++) /* names are the user's: keep them from the terminal */
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return text;
}

static const char *column_name(const struct table *t, size_t c)
{
    return json_string_value(json_object_get(json_array_get(t->columns, c), "name"));
}

static size_t n_columns(const struct table *t)
{
    return json_array_size(t->columns);
}

/* Without the seeds, where a line stands for all of them. */
static bool is_shown(const struct table *t, size_t c)
{
    return t->n_seed == 1 || strcmp(column_name(t, c), "seed") != 0;
}

/* Points that differ in the last axis alone, if that is the seed. */
static size_t count_seeds(const struct table *t)
{
    const size_t n = n_columns(t);
    const json_t *last = json_array_get(t->columns, n - 1);
    if (n == 0 || strcmp(column_name(t, n - 1), "seed") != 0)
        return 1;
    return json_array_size(json_object_get(last, "values"));
}

static int width_of(const char *title)
{
    const int n = (int)strlen(title) + 2;
    return n > WIDTH ? n : WIDTH;
}

static void print_titles(const struct table *t)
{
    printf("\n%7s", t->n_seed == 1 ? "point" : "seeds");
    for (size_t c = 0; c < n_columns(t); c++)
        if (is_shown(t, c))
            printf("%*s", width_of(column_name(t, c)), column_name(t, c));
    for (size_t k = 0; k < N_FIGURE; k++)
        printf("%*s", WIDTH, column[k].title);
    printf("%s%s\n", t->n_seed == 1 ? "" : "  ENOB min", t->has_limits ? "  limits" : "");
}

static void print_figure(double x, const char *format)
{
    char text[64];
    snprintf(text, sizeof text, format, x);
    printf("%*s", WIDTH, isnan(x) ? "-" : text);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The middle one of those that have a value; sorts them. */
static double median(double value[], size_t n)
{
    size_t m = 0;
    for (size_t k = 0; k < n; k++)
        if (!isnan(value[k]))
            value[m++] = value[k];
    qsort(value, m, sizeof *value, compare);
    return m == 0 ? NAN : 0.5 * (value[(m - 1) / 2] + value[m / 2]);
}

static void print_line(struct table *t)
{
    struct line *line = &t->line;
    char text[64];
    double least = NAN;
    if (t->n_seed == 1)
        printf("%7zu", line->number);
    else
        printf("%3zu/%-3zu", line->n, t->n_seed);
    for (size_t c = 0; c < n_columns(t); c++)
        if (is_shown(t, c))
            printf("%*s", width_of(column_name(t, c)),
                   value_text(json_object_get(line->settings, column_name(t, c)), text));
    for (size_t k = 0; k < N_FIGURE; k++) {
        double *value = line->value + k * t->n_seed;
        print_figure(median(value, line->n), column[k].format);
        if (k == LEAST_OF)
            least = value[0]; /* sorted by now */
    }
    if (t->n_seed > 1)
        print_figure(least, column[LEAST_OF].format);
    if (!t->has_limits)
        printf("\n");
    else if (line->n_pass == line->n || line->n_pass == 0)
        printf("  %s\n", line->n_pass ? "pass" : "miss");
    else
        printf("  %zu of %zu pass\n", line->n_pass, line->n);
}

/* The line is whole. */
static void end_line(struct table *t)
{
    if (t->line.n == 0)
        return;
    if (t->n_shown == 0)
        print_titles(t);
    print_line(t);
    t->n_shown += t->line.n;
    t->is_full = t->n_shown >= MOST_LINES * t->n_seed;
    json_decref(t->line.settings);
    t->line = (struct line){.value = t->line.value};
}

static void add_to_line(struct table *t, const struct ow_point_record *p, json_t *settings,
                        const json_t *result)
{
    const size_t number = p->id / t->n_seed;
    if (t->line.n > 0 && t->line.number != number)
        end_line(t);
    if (t->is_full)
        return;
    if (t->line.n == 0) {
        t->line.number = number;
        t->line.settings = json_incref(settings);
    }
    for (size_t k = 0; k < N_FIGURE; k++)
        t->line.value[k * t->n_seed + t->line.n] =
            ow_figure(result, column[k].name) * column[k].times;
    t->line.n++;
    t->line.n_pass += p->pass == 1;
}

static void add_json(struct table *t, const struct ow_point_record *p, json_t *settings,
                     json_t *result)
{
    json_t *point = json_pack("{s:I, s:s, s:O}", "id", (json_int_t)p->id, "status",
                              ow_point_status_str(p->status), "settings", settings);
    if (p->pass >= 0)
        json_object_set_new(point, "pass", json_boolean(p->pass));
    if (p->error)
        json_object_set_new(point, "error", json_string(p->error));
    if (result)
        json_object_set(point, "result", result);
    json_array_append_new(t->points, point);
}

static enum ow_status take(void *data, const struct ow_point_record *p, struct ow_error *err)
{
    struct table *t = data;
    t->n_done += p->status == OW_POINT_DONE;
    t->n_failed_limits += p->pass == 0;
    const bool is_wanted = t->is_printed && p->status == OW_POINT_DONE && !t->is_full;
    if (!is_wanted && !t->points)
        return OW_OK;
    json_t *settings, *result;
    const enum ow_status st = cli_sweep_row(p, &settings, &result, err);
    if (st)
        return st;
    if (is_wanted)
        add_to_line(t, p, settings, result);
    if (t->points)
        add_json(t, p, settings, result);
    json_decref(settings);
    json_decref(result);
    return OW_OK;
}

static void print_counts(const struct table *t, const char *name,
                         const size_t count[OW_N_POINT_STATUS])
{
    if (t->n_done > t->n_shown)
        printf("  and %zu points more: ohmweave export %s\n", t->n_done - t->n_shown, name);
    if (t->n_seed > 1 && t->n_shown > 0)
        printf("  medians over the seeds\n");
    printf("\n%zu point%s done", count[OW_POINT_DONE], count[OW_POINT_DONE] == 1 ? "" : "s");
    for (size_t k = 0; k < OW_N_POINT_STATUS; k++)
        if (count[k] > 0 && k != OW_POINT_DONE)
            printf(", %zu %s", count[k], ow_point_status_str((enum ow_point_status)k));
    if (t->has_limits)
        printf("; %zu miss a limit", t->n_failed_limits);
    printf(" (%s)\n", name);
}

static json_t *counts_json(const size_t count[OW_N_POINT_STATUS], const struct table *t)
{
    json_t *root = json_object();
    for (size_t k = 0; k < OW_N_POINT_STATUS; k++)
        json_object_set_new(root, ow_point_status_str((enum ow_point_status)k),
                            json_integer((json_int_t)count[k]));
    if (t->has_limits)
        json_object_set_new(root, "miss", json_integer((json_int_t)t->n_failed_limits));
    return root;
}

int cli_sweep_answer(struct ow_store *store, const char *name, const struct cli_output *output)
{
    struct ow_error err = {0};
    struct table t = {.is_printed = cli_output_has_table(output)};
    size_t count[OW_N_POINT_STATUS];
    char *limits = NULL;
    const struct ow_store_query all = {.with_result = true};
    int code = EXIT_RUN_FAILED;
    if (cli_sweep_columns(store, &t.columns, &err) ||
        ow_store_about(store, "limits", &limits, &err) || ow_store_count(store, count, &err))
        goto fail;
    t.has_limits = limits && strcmp(limits, "{}") != 0;
    t.points = output->json ? json_array() : NULL;
    t.n_seed = count_seeds(&t);
    t.line.value = calloc(N_FIGURE * (t.n_seed + 1), sizeof *t.line.value);
    if (!t.line.value)
        ow_fail(&err, OW_ERR_NOMEM, "%s: out of memory", name);
    if (!t.line.value || ow_store_each(store, &all, take, &t, &err))
        goto fail;
    if (t.is_printed) {
        end_line(&t);
        print_counts(&t, name, count);
    }
    size_t n_all = 0;
    for (size_t k = 0; k < OW_N_POINT_STATUS; k++)
        n_all += count[k];
    code =
        n_all == count[OW_POINT_DONE] && t.n_failed_limits == 0 ? EXIT_STANDS : EXIT_RUN_FAILED;
    if (output->json) {
        json_t *root = json_pack("{s:O, s:o, s:O}", "columns", t.columns, "count",
                                 counts_json(count, &t), "points", t.points);
        if (!cli_write_json(root, output->json, &err))
            code = cli_fail_write(&err);
    }
    goto done;
fail:
    cli_fail(&err);
done:
    json_decref(t.line.settings);
    free(t.line.value);
    json_decref(t.columns);
    json_decref(t.points);
    free(limits);
    return code;
}
