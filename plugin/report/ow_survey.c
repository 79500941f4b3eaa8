#define _GNU_SOURCE /* open_memstream */
#include "ow_survey.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ow_figures.h"
#include "ow_scan.h"
#include "ow_spec.h"
#include "ow_words.h"

static const char *const figure_name[OW_N_F] = {"accuracy.raw.total.csnr_db",
                                                "accuracy.array.total.csnr_db",
                                                "accuracy.column.total.csnr_db",
                                                "accuracy.array.total.enob",
                                                "accuracy.top1",
                                                "accuracy.top1_ideal",
                                                "energy.per_mac",
                                                "energy.drivers",
                                                "energy.devices",
                                                "energy.wires",
                                                "energy.sense",
                                                "energy.billed.dac",
                                                "energy.billed.adc",
                                                "latency.worst",
                                                "array.rows",
                                                "array.cols",
                                                "vmm.n_vec",
                                                "vmm.n_in",
                                                "vmm.n_out",
                                                "ideal_wires.array.total.csnr_db"};

/* ---- axes -------------------------------------------------------------------------- */

static enum ow_status out_of_memory(struct ow_error *err)
{
    return ow_fail(err, OW_ERR_NOMEM, "report: out of memory");
}

static char *text_of(const json_t *value, const char *unit)
{
    char text[48];
    if (json_is_string(value))
        return strdup(json_string_value(value));
    if (json_is_number(value))
        return strdup(ow_words_value(json_number_value(value), 6, unit, text));
    if (json_array_size(value) == 2 && json_is_integer(json_array_get(value, 0)) &&
        json_is_integer(json_array_get(value, 1))) { /* tiles */
        snprintf(text, sizeof text, "%lld \xc3\x97 %lld",
                 (long long)json_integer_value(json_array_get(value, 0)),
                 (long long)json_integer_value(json_array_get(value, 1)));
        return strdup(text);
    }
    return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool are_different(const double number[], size_t n)
{
    double *sorted = malloc(n * sizeof *sorted);
    bool are = sorted != NULL;
    for (size_t k = 0; k < n && are; k++)
        if (isnan(sorted[k] = number[k]))
            are = false;
    if (are)
        qsort(sorted, n, sizeof *sorted, ascending);
    for (size_t k = 1; k < n && are; k++)
        are = sorted[k] > sorted[k - 1];
    free(sorted);
    return are;
}

/* The model that parameters belong to, if the base says one. */
static const struct ow_model *model_of(const char *base)
{
    struct ow_spec spec;
    struct ow_error why = {0};
    if (!base || ow_spec_parse(base, strlen(base), "base", NULL, &spec, &why))
        return NULL;
    const struct ow_model *model = spec.device.model; /* of the registry: it stays */
    ow_spec_finish(&spec);
    return model;
}

static enum ow_status axis_init(struct ow_axis *a, const char *name, const json_t *values,
                                const struct ow_model *model, struct ow_error *err)
{
    const char *doc = name;
    a->unit = "";
    a->is_size = strcmp(name, "size") == 0;
    a->is_seeds = strcmp(name, "seed") == 0;
    if (a->is_size)
        doc = "array size N (N \xc3\x97 N cells)";
    else
        ow_spec_key_about(name, model, &a->unit, &doc);
    if (strcmp(a->unit, "1") == 0)
        a->unit = "";
    a->n = json_array_size(values);
    a->name = strdup(name);
    /* "bits of the output converter; 0: ideal" */
    a->title = strlen(doc) > 60 ? strdup(name) : strndup(doc, strcspn(doc, ";"));
    a->number = calloc(a->n, sizeof *a->number);
    a->text = calloc(a->n, sizeof *a->text);
    if (!a->name || !a->title || !a->number || !a->text)
        return out_of_memory(err);
    for (size_t k = 0; k < a->n; k++) {
        const json_t *value = json_array_get(values, k);
        a->number[k] = json_is_number(value) ? json_number_value(value) : NAN;
        if (!(a->text[k] = text_of(value, a->unit)))
            return out_of_memory(err);
    }
    a->is_number = are_different(a->number, a->n);
    return OW_OK;
}

/* Another name of an axis, and its values. */
static enum ow_status add_other(struct ow_axis *a, const char *name, const json_t *values,
                                const struct ow_model *model, struct ow_error *err)
{
    enum { MOST = 12 };
    const char *unit = "", *doc;
    char *others = NULL, *zipped = NULL;
    size_t n_others, n_zipped;
    FILE *to = open_memstream(&others, &n_others), *into = open_memstream(&zipped, &n_zipped);
    if (to && into) {
        ow_spec_key_about(name, model, &unit, &doc);
        fprintf(to, "%s%s%s", a->others ? a->others : "", a->others ? ", " : "", name);
        fprintf(into, "%s%s%s: ", a->zipped ? a->zipped : "", a->zipped ? "; " : "", name);
        for (size_t k = 0; k < a->n && k < MOST; k++) {
            char *text = text_of(json_array_get(values, k), unit);
            fprintf(into, "%s%s", k ? ", " : "", text ? text : "?");
            free(text);
        }
        fputs(a->n > MOST ? ", \xe2\x80\xa6" : "", into);
    }
    if (to)
        fclose(to);
    if (into)
        fclose(into);
    if (!others || !zipped) {
        free(others);
        free(zipped);
        return out_of_memory(err);
    }
    free(a->others);
    free(a->zipped);
    a->others = others;
    a->zipped = zipped;
    return OW_OK;
}

static enum ow_status damaged(const struct ow_survey *s, const char *what, struct ow_error *err)
{
    return ow_fail(err, OW_ERR_FILE, "the store of %s: its %s is damaged",
                   s->path ? s->path : "a sweep", what);
}

static enum ow_status read_columns(struct ow_survey *s, const json_t *columns,
                                   struct ow_error *err)
{
    const struct ow_model *model = model_of(s->base);
    if (!json_is_array(columns))
        return damaged(s, "table of columns", err);
    for (size_t c = 0; c < json_array_size(columns); c++) {
        const json_t *column = json_array_get(columns, c), *values;
        const char *name = json_string_value(json_object_get(column, "name"));
        const json_t *axis = json_object_get(column, "axis");
        const size_t k = json_is_integer(axis) ? (size_t)json_integer_value(axis) : SIZE_MAX;
        values = json_object_get(column, "values");
        if (!name || k > s->n_axis || k >= OW_SURVEY_MAX_AXES || json_array_size(values) == 0)
            return damaged(s, "table of columns", err);
        enum ow_status st = OW_OK;
        if (k < s->n_axis)
            st = json_array_size(values) == s->axis[k].n
                     ? add_other(&s->axis[k], name, values, model, err)
                     : damaged(s, "table of columns", err);
        else
            st = axis_init(&s->axis[s->n_axis++], name, values, model, err);
        if (st)
            return st;
    }
    s->n_point = 1;
    for (size_t k = s->n_axis; k-- > 0;) { /* the last one is the fastest */
        s->axis[k].stride = s->n_point;
        if (s->axis[k].n > SIZE_MAX / 64 / s->n_point)
            return damaged(s, "table of columns", err);
        s->n_point *= s->axis[k].n;
    }
    s->seeds = s->n_axis;
    for (size_t k = 0; k < s->n_axis; k++)
        if (s->axis[k].is_seeds)
            s->seeds = k;
    return OW_OK;
}

/* ---- figures ----------------------------------------------------------------------- */

size_t ow_survey_figure(const struct ow_survey *s, const char *name)
{
    size_t k = 0;
    while (k < s->n_figure && strcmp(s->figure[k].name, name) != 0)
        k++;
    return k;
}

static size_t add_figure(struct ow_survey *s, const char *name)
{
    const size_t k = ow_survey_figure(s, name);
    if (k < s->n_figure)
        return k;
    if (k == OW_SURVEY_MAX_FIGURES)
        return 0;
    struct ow_measure *m = &s->figure[s->n_figure++];
    snprintf(m->name, sizeof m->name, "%s", name);
    m->unit = ow_figure_unit(name);
    ow_words_figure(name, m->title, &m->is_more_better);
    return k;
}

static void choose_figures(struct ow_survey *s, const char *more)
{
    for (size_t k = 0; k < OW_N_F; k++)
        add_figure(s, figure_name[k]);
    s->accuracy = s->energy = OW_SURVEY_MAX_FIGURES;
    for (size_t k = 0; k < s->limits.n; k++) {
        const char *name = s->limits.limit[k].name;
        s->limit_figure[k] = add_figure(s, name);
        if (s->accuracy == OW_SURVEY_MAX_FIGURES && strncmp(name, "accuracy.", 9) == 0)
            s->accuracy = s->limit_figure[k];
        if (s->energy == OW_SURVEY_MAX_FIGURES && strncmp(name, "energy.", 7) == 0)
            s->energy = s->limit_figure[k];
    }
    if (s->accuracy == OW_SURVEY_MAX_FIGURES)
        s->accuracy = OW_F_CSNR_ARRAY;
    if (s->energy == OW_SURVEY_MAX_FIGURES)
        s->energy = OW_F_PER_MAC;
    if (more)
        add_figure(s, more);
}

/* ---- rows -------------------------------------------------------------------------- */

struct reading {
    struct ow_survey *s;
    struct ow_scan_name name[OW_SURVEY_MAX_FIGURES];
    size_t room, n_failed;
};

static bool see(struct ow_seen *seen, const char *text)
{
    for (size_t k = 0; k < seen->n && k < OW_SURVEY_MAX_SEEN; k++)
        if (strcmp(seen->text[k], text) == 0)
            return true;
    if (seen->n < OW_SURVEY_MAX_SEEN && !(seen->text[seen->n] = strdup(text)))
        return false;
    seen->n++;
    return true;
}

static bool grow(struct reading *r)
{
    struct ow_survey *s = r->s;
    const size_t room = r->room ? 2 * r->room : 1024;
#define GROW(a, n)                                                                             \
    do {                                                                                       \
        void *more = realloc(s->a, room * (n) * sizeof *s->a);                                 \
        if (!more)                                                                             \
            return false;                                                                      \
        s->a = more;                                                                           \
    } while (0)
    GROW(id, 1);
    GROW(status, 1);
    GROW(pass, 1);
    GROW(value, s->n_figure);
    GROW(wall_s, 1);
    GROW(note, 1);
#undef GROW
    r->room = room;
    return true;
}

static void take_times(struct ow_survey *s, const struct ow_point_record *p)
{
    if (p->began && (!s->first_began[0] || strcmp(p->began, s->first_began) < 0))
        snprintf(s->first_began, sizeof s->first_began, "%s", p->began);
    if (p->ended && strcmp(p->ended, s->last_ended) > 0)
        snprintf(s->last_ended, sizeof s->last_ended, "%s", p->ended);
    if (!isnan(p->cpu_s))
        s->cpu_s += p->cpu_s;
    if (p->peak_bytes > s->peak_bytes)
        s->peak_bytes = p->peak_bytes;
}

static enum ow_status take(void *data, const struct ow_point_record *p, struct ow_error *err)
{
    struct reading *r = data;
    struct ow_survey *s = r->s;
    if (p->id >= s->n_point)
        return ow_fail(err, OW_ERR_FILE, "point %zu: its row is damaged: expected 0 to %zu",
                       p->id, s->n_point - 1);
    if (s->n_row == r->room && !grow(r))
        return out_of_memory(err);
    const size_t k = s->n_row++;
    const bool is_done = p->status == OW_POINT_DONE;
    const bool has_failed = !is_done && p->status != OW_POINT_OPEN;
    const char *note = has_failed ? p->error : p->misses;
    s->id[k] = p->id;
    s->status[k] = (unsigned char)p->status;
    s->pass[k] = (signed char)(is_done ? p->pass : -1);
    s->wall_s[k] = p->wall_s;
    s->note[k] = NULL;
    s->count[p->status]++;
    s->n_pass += s->pass[k] == 1;
    s->n_miss += s->pass[k] == 0;
    double *value = s->value + k * s->n_figure;
    if (!ow_scan(is_done && p->result ? p->result : "{}", r->name, s->n_figure, value) ||
        (is_done && !p->result))
        return ow_fail(err, OW_ERR_FILE, "point %zu: its row is damaged", p->id);
    take_times(s, p);
    if (note && *note &&
        (k < OW_SURVEY_NOTES || (has_failed && r->n_failed < OW_SURVEY_NOTES)) &&
        !(s->note[k] = strdup(note)))
        return out_of_memory(err);
    r->n_failed += has_failed;
    if ((p->version && !see(&s->versions, p->version)) ||
        (p->host && !see(&s->hosts, p->host)) || (has_failed && note && !see(&s->errors, note)))
        return out_of_memory(err);
    return OW_OK;
}

/* ---- combinations ------------------------------------------------------------------ */

size_t ow_survey_index(const struct ow_survey *s, size_t row, size_t axis)
{
    return s->id[row] / s->axis[axis].stride % s->axis[axis].n;
}

size_t ow_combo_at(const struct ow_survey *s, const size_t index[])
{
    size_t combo = 0;
    for (size_t k = 0; k < s->n_axis; k++)
        if (k != s->seeds)
            combo = combo * s->axis[k].n + index[k];
    return combo;
}

size_t ow_combo_index(const struct ow_survey *s, size_t combo, size_t axis)
{
    if (axis == s->seeds)
        return 0;
    for (size_t k = s->n_axis; k-- > axis + 1;)
        if (k != s->seeds)
            combo /= s->axis[k].n;
    return combo % s->axis[axis].n;
}

static size_t combo_of(const struct ow_survey *s, size_t row)
{
    size_t index[OW_SURVEY_MAX_AXES];
    for (size_t k = 0; k < s->n_axis; k++)
        index[k] = ow_survey_index(s, row, k);
    return ow_combo_at(s, index);
}

static enum ow_status sort_rows(struct ow_survey *s, struct ow_error *err)
{
    s->n_combo = s->n_point / (s->seeds < s->n_axis ? s->axis[s->seeds].n : 1);
    s->first = calloc(s->n_combo + 2, sizeof *s->first);
    s->order = calloc(s->n_row + 1, sizeof *s->order);
    s->work = calloc(s->n_row + 1, sizeof *s->work);
    if (!s->first || !s->order || !s->work)
        return out_of_memory(err);
    for (size_t k = 0; k < s->n_row; k++) /* counted two places on, placed one place on */
        s->first[combo_of(s, k) + 2]++;
    for (size_t c = 0; c < s->n_combo; c++)
        s->first[c + 2] += s->first[c + 1];
    for (size_t k = 0; k < s->n_row; k++)
        s->order[s->first[combo_of(s, k) + 1]++] = k;
    return OW_OK;
}

struct ow_combo ow_combo_count(const struct ow_survey *s, size_t combo)
{
    struct ow_combo c = {.n = s->first[combo + 1] - s->first[combo]};
    for (size_t k = s->first[combo]; k < s->first[combo + 1]; k++) {
        c.n_done += s->status[s->order[k]] == OW_POINT_DONE;
        c.n_pass += s->pass[s->order[k]] == 1;
    }
    return c;
}

static double quantile(const double sorted[], size_t n, double p)
{
    const double at = p * (double)(n - 1);
    const size_t k = (size_t)at;
    return k + 1 < n ? sorted[k] + (at - (double)k) * (sorted[k + 1] - sorted[k]) : sorted[k];
}

static struct ow_spread spread_of(double value[], size_t n)
{
    if (n == 0)
        return (struct ow_spread){NAN, NAN, NAN, 0};
    qsort(value, n, sizeof *value, ascending);
    return (struct ow_spread){quantile(value, n, 0.1), quantile(value, n, 0.5),
                              quantile(value, n, 0.9), n};
}

struct ow_spread ow_combo_spread(const struct ow_survey *s, size_t combo, size_t figure)
{
    size_t n = 0;
    for (size_t k = s->first[combo]; k < s->first[combo + 1]; k++) {
        const double v = s->value[s->order[k] * s->n_figure + figure];
        if (!isnan(v))
            s->work[n++] = v;
    }
    return spread_of(s->work, n);
}

double ow_combo_per_mac(const struct ow_survey *s, size_t combo, size_t figure)
{
    size_t n = 0;
    for (size_t k = s->first[combo]; k < s->first[combo + 1]; k++) {
        const double *value = s->value + s->order[k] * s->n_figure;
        const double v = value[figure] / (value[OW_F_N_IN] * value[OW_F_N_OUT]);
        if (isfinite(v))
            s->work[n++] = v;
    }
    return spread_of(s->work, n).median;
}

/* ---- the whole --------------------------------------------------------------------- */

static enum ow_status read_about(struct ow_survey *s, struct ow_store *store,
                                 struct ow_error *err)
{
    const struct {
        const char *key;
        char **value;
    } about[] = {{"path", &s->path},       {"base", &s->base},       {"files", &s->files},
                 {"machine", &s->machine}, {"version", &s->version}, {"began", &s->began}};
    char *columns = NULL, *limits = NULL;
    enum ow_status st = OW_OK;
    for (size_t k = 0; k < sizeof about / sizeof about[0] && !st; k++)
        st = ow_store_about(store, about[k].key, about[k].value, err);
    if (st || (st = ow_store_about(store, "columns", &columns, err)) ||
        (st = ow_store_about(store, "limits", &limits, err)))
        goto done;
    json_t *json = json_loads(limits ? limits : "{}", 0, NULL);
    if (!json)
        st = damaged(s, "limits", err);
    else
        ow_limits_from_json(json, &s->limits);
    json_decref(json);
    if (st)
        goto done;
    json = json_loads(columns ? columns : "", 0, NULL);
    st = read_columns(s, json, err);
    json_decref(json);
done:
    free(columns);
    free(limits);
    return st;
}

enum ow_status ow_survey_init(struct ow_store *store, const char *more, struct ow_survey *out,
                              struct ow_error *err)
{
    const struct ow_store_query all = {.with_result = true};
    *out = (struct ow_survey){.peak_bytes = -1};
    struct reading r = {.s = out};
    enum ow_status st = read_about(out, store, err);
    if (!st) {
        choose_figures(out, more);
        for (size_t k = 0; k < out->n_figure; k++)
            r.name[k] = (struct ow_scan_name){out->figure[k].name, strlen(out->figure[k].name)};
        st = ow_store_each(store, &all, take, &r, err);
    }
    if (!st)
        st = sort_rows(out, err);
    if (st)
        ow_survey_finish(out);
    return st;
}

static void seen_finish(struct ow_seen *seen)
{
    for (size_t k = 0; k < seen->n && k < OW_SURVEY_MAX_SEEN; k++)
        free(seen->text[k]);
}

void ow_survey_finish(struct ow_survey *s)
{
    for (size_t a = 0; a < s->n_axis; a++) {
        struct ow_axis *axis = &s->axis[a];
        for (size_t k = 0; axis->text && k < axis->n; k++)
            free(axis->text[k]);
        free(axis->text);
        free(axis->number);
        free(axis->name);
        free(axis->others);
        free(axis->zipped);
        free(axis->title);
    }
    for (size_t k = 0; k < s->n_row; k++)
        free(s->note[k]);
    free(s->note);
    free(s->id);
    free(s->status);
    free(s->pass);
    free(s->value);
    free(s->wall_s);
    free(s->first);
    free(s->order);
    free(s->work);
    free(s->path);
    free(s->base);
    free(s->files);
    free(s->machine);
    free(s->version);
    free(s->began);
    seen_finish(&s->versions);
    seen_finish(&s->hosts);
    seen_finish(&s->errors);
    *s = (struct ow_survey){0};
}
