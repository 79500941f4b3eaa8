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
enum { N_FIGURE = sizeof column / sizeof column[0], MOST_LINES = 100, WIDTH = 10 };

struct table {
    json_t *columns; /* about.columns */
    json_t *points;  /* NULL, or where the JSON's points go */
    bool is_printed;
    size_t n_line, n_done, n_failed_limits;
    bool has_limits;
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

static int width_of(const char *title)
{
    const int n = (int)strlen(title) + 2;
    return n > WIDTH ? n : WIDTH;
}

static void print_titles(const struct table *t)
{
    printf("\n%7s", "point");
    for (size_t c = 0; c < json_array_size(t->columns); c++)
        printf("%*s", width_of(column_name(t, c)), column_name(t, c));
    for (size_t k = 0; k < N_FIGURE; k++)
        printf("%*s", WIDTH, column[k].title);
    printf("%s\n", t->has_limits ? "  limits" : "");
}

static void print_line(const struct table *t, const struct ow_point_record *p,
                       const json_t *settings, const json_t *result)
{
    char text[64];
    printf("%7zu", p->id);
    for (size_t c = 0; c < json_array_size(t->columns); c++)
        printf("%*s", width_of(column_name(t, c)),
               value_text(json_object_get(settings, column_name(t, c)), text));
    for (size_t k = 0; k < N_FIGURE; k++) {
        const double x = ow_figure(result, column[k].name) * column[k].times;
        snprintf(text, sizeof text, column[k].format, x);
        printf("%*s", WIDTH, isnan(x) ? "-" : text);
    }
    printf("%s\n", p->pass < 0 ? "" : p->pass ? "  pass" : "  miss");
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
    const bool is_shown = t->is_printed && p->status == OW_POINT_DONE && t->n_line < MOST_LINES;
    if (!is_shown && !t->points)
        return OW_OK;
    json_t *settings, *result;
    const enum ow_status st = cli_sweep_row(p, &settings, &result, err);
    if (st)
        return st;
    if (is_shown && t->n_line++ == 0)
        print_titles(t);
    if (is_shown)
        print_line(t, p, settings, result);
    if (t->points)
        add_json(t, p, settings, result);
    json_decref(settings);
    json_decref(result);
    return OW_OK;
}

static void print_counts(const struct table *t, const char *name,
                         const size_t count[OW_N_POINT_STATUS])
{
    if (t->n_done > t->n_line)
        printf("  and %zu more: ohmweave export %s\n", t->n_done - t->n_line, name);
    printf("\n%zu points done", count[OW_POINT_DONE]);
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
    if (ow_store_each(store, &all, take, &t, &err))
        goto fail;
    if (t.is_printed)
        print_counts(&t, name, count);
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
    json_decref(t.columns);
    json_decref(t.points);
    free(limits);
    return code;
}
