#define _GNU_SOURCE /* open_memstream */
#include "ow_answer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_json.h"
#include "ow_spec.h"
#include "ow_view.h"
#include "ow_words.h"

static double median(const struct ow_survey *s, size_t combo, size_t figure)
{
    return ow_combo_spread(s, combo, figure).median;
}

static bool passes(const struct ow_survey *s, const struct ow_combo *c)
{
    return s->limits.n > 0 && c->n > 0 && c->n_pass == c->n;
}

static bool is_better(const struct ow_survey *s, size_t figure, double a, double b)
{
    if (isnan(a))
        return false;
    return isnan(b) || (s->figure[figure].is_more_better ? a > b : a < b);
}

struct ow_answer ow_answer_find(const struct ow_survey *s)
{
    struct ow_answer a = {.largest = s->n_combo,
                          .least_energy = s->n_combo,
                          .best_accuracy = s->n_combo,
                          .rows = NAN,
                          .cols = NAN};
    double energy = NAN, accuracy = NAN, of_largest = NAN;
    for (size_t k = 0; k < s->n_combo; k++) {
        const struct ow_combo c = ow_combo_count(s, k);
        a.n_passing += passes(s, &c);
        a.n_run += c.n_done > 0;
    }
    for (size_t k = 0; k < s->n_combo; k++) {
        const struct ow_combo c = ow_combo_count(s, k);
        if (c.n_done == 0 || (a.n_passing > 0 && !passes(s, &c)))
            continue;
        const double e = median(s, k, s->energy), q = median(s, k, s->accuracy),
                     rows = median(s, k, OW_F_ROWS), cols = median(s, k, OW_F_COLS);
        if (is_better(s, s->energy, e, energy)) {
            energy = e;
            a.least_energy = k;
        }
        if (is_better(s, s->accuracy, q, accuracy)) {
            accuracy = q;
            a.best_accuracy = k;
        }
        const bool is_as_large = rows * cols == a.rows * a.cols;
        if (isnan(a.rows) || rows * cols > a.rows * a.cols ||
            (is_as_large && is_better(s, s->accuracy, q, of_largest))) {
            a.n_as_large = is_as_large ? a.n_as_large + 1 : 1;
            a.rows = rows;
            a.cols = cols;
            a.largest = k;
            of_largest = q;
        } else
            a.n_as_large += is_as_large;
    }
    return a;
}

/* ---- the question ------------------------------------------------------------------ */

static void put_noun(const struct ow_axis *a, FILE *to)
{
    if (a->is_size)
        fputs("array size", to);
    else if (strlen(a->title) <= 44)
        fputs(a->title, to);
    else
        fputs(a->name, to);
}

static void put_values(const struct ow_axis *a, FILE *to)
{
    char text[120];
    for (size_t k = 0; k < a->n; k++) {
        if (a->n > 6 && k > 0 && k + 1 < a->n)
            continue;
        ow_words_cut(a->text[k], 28, text);
        fprintf(to, "%s%s", k == 0 ? " " : a->n > 6 ? " to " : ", ", text);
    }
    if (a->n > 6)
        fprintf(to, " (%zu values)", a->n);
}

/* "ENOB" of "ENOB (one gain and offset)" */
static void put_short(const struct ow_measure *m, FILE *to)
{
    const char *bracket = strstr(m->title, " (");
    fprintf(to, "%.*s", bracket ? (int)(bracket - m->title) : 119, m->title);
}

void ow_answer_question(const struct ow_survey *s, FILE *to)
{
    size_t n = 0, n_shown = 0;
    for (size_t k = 0; k < s->n_axis; k++)
        n += ow_view_can_show(s, k);
    fputs("How do ", to);
    put_short(&s->figure[s->accuracy], to);
    fputs(" and ", to);
    put_short(&s->figure[s->energy], to);
    if (n == 0) {
        fputs(" spread from seed to seed?", to);
        return;
    }
    fputs(" depend on ", to);
    for (size_t k = 0; k < s->n_axis; k++)
        if (ow_view_can_show(s, k)) {
            fputs(n_shown == 0 ? "" : n_shown + 1 == n ? " and " : ", ", to);
            put_noun(&s->axis[k], to);
            n_shown++;
        }
    fputc('?', to);
}

void ow_answer_swept(const struct ow_survey *s, FILE *to)
{
    size_t n = 0;
    for (size_t k = 0; k < s->n_axis; k++) {
        const struct ow_axis *a = &s->axis[k];
        if (!ow_view_can_show(s, k))
            continue;
        fprintf(to, "%s%s", n++ ? "; " : "", a->name);
        if (a->others)
            fprintf(to, " (with %s)", a->others);
        put_values(a, to);
    }
    if (n == 0)
        fputs("nothing but seeds", to);
}

static void put_source(const struct ow_source *source, const char *what, bool is_swept,
                       FILE *to)
{
    char text[160];
    if (!source->is_random) {
        ow_words_cut(source->path ? source->path : "?", 38, text);
        fprintf(to, "%s from %s", what, text);
    } else if (is_swept)
        fprintf(to, "random %s", what);
    else
        fprintf(to, "random %s [%zu, %zu]", what, source->rows, source->cols);
}

static bool is_swept(const struct ow_survey *s, const char *name)
{
    for (size_t k = 0; k < s->n_axis; k++)
        if (strcmp(s->axis[k].name, name) == 0 ||
            (s->axis[k].others && strstr(s->axis[k].others, name)))
            return true;
    return false;
}

void ow_answer_task(const struct ow_survey *s, FILE *to)
{
    static const char *const engine[] = {"CVODE (transients)", "ngspice", "dc",
                                         "co-simulation"};
    struct ow_spec spec;
    struct ow_error why = {0};
    if (!s->base || ow_spec_parse(s->base, strlen(s->base), "base", NULL, &spec, &why))
        return;
    const bool is_size = is_swept(s, "size");
    char text[160];
    put_source(&spec.vmm.weights, "weights", is_size || is_swept(s, "vmm.weights"), to);
    fputs(", ", to);
    put_source(&spec.vmm.inputs, "inputs", is_size || is_swept(s, "vmm.inputs"), to);
    if (spec.vmm.labels)
        fputs(", with labels", to);
    if (!is_swept(s, "device.model"))
        fprintf(to, "; device model %s", spec.device.model->name);
    if (spec.device.set && !is_swept(s, "device.set")) {
        ow_words_cut(spec.device.set, 38, text);
        fprintf(to, ", set %s", text);
    }
    if (!is_swept(s, "engine.name"))
        fprintf(to, "; engine %s", engine[spec.engine.name]);
    if (s->seeds < s->n_axis && s->axis[s->seeds].n > 1)
        fprintf(to, "; %zu seeds for each of %zu combinations", s->axis[s->seeds].n,
                s->n_combo);
    fputs(".", to);
    ow_spec_finish(&spec);
}

void ow_answer_limits(const struct ow_survey *s, FILE *to)
{
    char text[48];
    size_t n = 0;
    for (size_t k = 0; k < s->limits.n; k++) {
        const struct ow_limit *limit = &s->limits.limit[k];
        const char *unit = s->figure[s->limit_figure[k]].unit;
        const struct ow_measure *m = &s->figure[s->limit_figure[k]];
        if (!isnan(limit->min))
            fprintf(to, "%s%s at least %s", n++ ? ", " : "", m->title,
                    ow_words_value(limit->min, 4, unit, text));
        if (!isnan(limit->max))
            fprintf(to, "%s%s at most %s", n++ ? ", " : "", m->title,
                    ow_words_value(limit->max, 4, unit, text));
    }
}

/* ---- the answer -------------------------------------------------------------------- */

static void put_at(const struct ow_survey *s, size_t combo, bool with_size, FILE *to)
{
    char *text = NULL;
    size_t n;
    FILE *into = open_memstream(&text, &n);
    if (!into)
        return;
    ow_view_combination(s, combo, with_size, into);
    fclose(into);
    if (text && *text)
        fprintf(to, " (%s)", text);
    free(text);
}

static bool has_seeds(const struct ow_survey *s)
{
    return s->seeds < s->n_axis && s->axis[s->seeds].n > 1;
}

void ow_answer_lead(const struct ow_survey *s, const struct ow_answer *a, FILE *to)
{
    char one[48], other[48];
    const char *with = has_seeds(s) ? " with every seed" : "";
    if (s->limits.n == 0 || a->largest == s->n_combo)
        return;
    if (a->n_passing == 0) {
        fprintf(to, "No combination keeps all limits%s.", with);
        return;
    }
    fprintf(to, "The largest array that keeps all limits%s is %g \xc3\x97 %g", with, a->rows,
            a->cols);
    put_at(s, a->largest, false, to);
    fprintf(
        to, ", with %s and %s per MAC",
        ow_words_value(median(s, a->largest, s->accuracy), 3, s->figure[s->accuracy].unit, one),
        ow_words_value(median(s, a->largest, OW_F_PER_MAC), 3, "J", other));
    if (a->n_as_large > 1)
        fprintf(to, "; %zu combinations of that size do", a->n_as_large);
    fputc('.', to);
}

static void put_best(const struct ow_survey *s, size_t combo, size_t figure, const char *word,
                     FILE *to)
{
    char one[48];
    fprintf(to, "the %s ", word);
    put_short(&s->figure[figure], to);
    fprintf(to, " is %s",
            ow_words_value(median(s, combo, figure), 3, s->figure[figure].unit, one));
    put_at(s, combo, true, to);
}

void ow_answer_rest(const struct ow_survey *s, const struct ow_answer *a, FILE *to)
{
    const bool has_accuracy = a->best_accuracy < s->n_combo,
               has_energy = a->least_energy < s->n_combo;
    if (!has_accuracy && !has_energy)
        return;
    if (s->n_combo == 1) {
        char one[48], other[48];
        put_short(&s->figure[s->accuracy], to);
        fprintf(to, " is %s, ",
                ow_words_value(median(s, 0, s->accuracy), 3, s->figure[s->accuracy].unit, one));
        put_short(&s->figure[s->energy], to);
        fprintf(to, " %s%s.",
                ow_words_value(median(s, 0, s->energy), 3, s->figure[s->energy].unit, other),
                has_seeds(s) ? ", medians of the seeds" : "");
        return;
    }
    fputs(a->n_passing > 0 ? "Among what keeps the limits " : "Of all that was run ", to);
    if (has_accuracy)
        put_best(s, a->best_accuracy, s->accuracy, "best", to);
    fputs(has_accuracy && has_energy ? " and " : "", to);
    if (has_energy)
        put_best(s, a->least_energy, s->energy, "least", to);
    fputc('.', to);
}

/* ---- JSON -------------------------------------------------------------------------- */

static json_t *combo_json(const struct ow_survey *s, size_t combo)
{
    if (combo == s->n_combo)
        return json_null();
    json_t *at = json_object(), *json = json_object();
    for (size_t k = 0; k < s->n_axis; k++)
        if (k != s->seeds) {
            const size_t i = ow_combo_index(s, combo, k);
            json_object_set_new(at, s->axis[k].name,
                                isnan(s->axis[k].number[i]) ? json_string(s->axis[k].text[i])
                                                            : json_real(s->axis[k].number[i]));
        }
    json_object_set_new(json, "settings", at);
    json_object_set_new(json, "rows", ow_json_number(median(s, combo, OW_F_ROWS)));
    json_object_set_new(json, "cols", ow_json_number(median(s, combo, OW_F_COLS)));
    json_object_set_new(json, s->figure[s->accuracy].name,
                        ow_json_number(median(s, combo, s->accuracy)));
    json_object_set_new(json, s->figure[s->energy].name,
                        ow_json_number(median(s, combo, s->energy)));
    return json;
}

static void set_text(json_t *json, const char *key,
                     void (*put)(const struct ow_survey *s, FILE *to),
                     const struct ow_survey *s)
{
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    if (!to)
        return;
    put(s, to);
    fclose(to);
    json_object_set_new(json, key, json_string(text));
    free(text);
}

static void put_answer(const struct ow_survey *s, FILE *to)
{
    const struct ow_answer a = ow_answer_find(s);
    ow_answer_lead(s, &a, to);
    fputs(s->limits.n > 0 ? " " : "", to);
    ow_answer_rest(s, &a, to);
}

json_t *ow_answer_json(const struct ow_survey *s)
{
    const struct ow_answer a = ow_answer_find(s);
    json_t *json = json_object(), *count = json_object();
    set_text(json, "question", ow_answer_question, s);
    set_text(json, "answer", put_answer, s);
    for (size_t k = 0; k < OW_N_POINT_STATUS; k++)
        json_object_set_new(count, ow_point_status_str((enum ow_point_status)k),
                            json_integer((json_int_t)s->count[k]));
    if (s->limits.n > 0) {
        json_object_set_new(count, "pass", json_integer((json_int_t)s->n_pass));
        json_object_set_new(count, "miss", json_integer((json_int_t)s->n_miss));
        json_object_set_new(json, "passing_combinations",
                            json_integer((json_int_t)a.n_passing));
    }
    json_object_set_new(json, "count", count);
    json_object_set_new(json, "combinations", json_integer((json_int_t)s->n_combo));
    json_object_set_new(json, a.n_passing ? "largest_passing" : "largest",
                        combo_json(s, a.largest));
    json_object_set_new(json, "best_accuracy", combo_json(s, a.best_accuracy));
    json_object_set_new(json, "least_energy", combo_json(s, a.least_energy));
    return json;
}
