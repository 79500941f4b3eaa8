#define _GNU_SOURCE /* open_memstream */
#include "ow_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_again.h"
#include "ow_figures.h"
#include "ow_file.h"
#include "ow_page.h"
#include "ow_quote.h"

const char *const ow_report_figure_name[OW_REPORT_N_FIGURE] = {
    "accuracy", "energy", "heat", "parts", "drop", "waves", "histogram"};

struct ow_report {
    const struct ow_report_options *options;
    struct ow_store *store;
    struct ow_survey survey;
    bool has_survey;

    size_t point;
    struct ow_again again;
    bool is_again; /* it has been looked for; */
    enum ow_status again_status;
    struct ow_error again_error; /* why it is not there */

    bool has_heat;
    size_t heat[2], heat_figure; /* n_figure: accuracy and energy */
};

/* ---- choices ----------------------------------------------------------------------- */

static enum ow_status find_axis(const struct ow_survey *s, const char *name, size_t n,
                                size_t *axis, struct ow_error *err)
{
    char all[400];
    size_t n_all = 0;
    all[0] = '\0';
    for (size_t k = 0; k < s->n_axis; k++)
        if (k != s->seeds && strlen(s->axis[k].name) == n &&
            memcmp(s->axis[k].name, name, n) == 0) {
            *axis = k;
            return OW_OK;
        }
    for (size_t k = 0; k < s->n_axis && n_all < sizeof all; k++)
        if (k != s->seeds)
            n_all += (size_t)snprintf(all + n_all, sizeof all - n_all, "%s%s",
                                      n_all ? ", " : "", s->axis[k].name);
    return ow_fail(err, OW_ERR_INPUT, "heat map: %s is not swept: expected two of %s",
                   ow_quote(name, n).text, *all ? all : "(none is)");
}

/* "KEY,KEY[,FIGURE]": the figure's full name into figure[200], "" for none. */
static enum ow_status heat_figure(const char *text, char figure[200], struct ow_error *err)
{
    const char *first = strchr(text, ','), *second = first ? strchr(first + 1, ',') : NULL;
    figure[0] = '\0';
    if (!first)
        return ow_fail(err, OW_ERR_INPUT, "heat map: %s: expected KEY,KEY or KEY,KEY,FIGURE",
                       ow_quote(text, strlen(text)).text);
    return second ? ow_figure_find(second + 1, "heat map: ", figure, err) : OW_OK;
}

static enum ow_status choose_heat(struct ow_report *r, const char *text, const char *figure,
                                  struct ow_error *err)
{
    const struct ow_survey *s = &r->survey;
    const char *first = strchr(text, ',') + 1;
    enum ow_status st;
    if ((st = find_axis(s, text, (size_t)(first - 1 - text), &r->heat[0], err)) ||
        (st = find_axis(s, first, strcspn(first, ","), &r->heat[1], err)))
        return st;
    if (r->heat[0] == r->heat[1])
        return ow_fail(err, OW_ERR_INPUT, "heat map: %s twice: expected two keys",
                       s->axis[r->heat[0]].name);
    r->has_heat = true;
    r->heat_figure = *figure ? ow_survey_figure(s, figure) : s->n_figure;
    return OW_OK;
}

static size_t choose_point(const struct ow_survey *s)
{
    const bool is_more = s->figure[s->accuracy].is_more_better;
    size_t chosen = 0, last = 0;
    double worst = NAN;
    for (size_t k = 0; k < s->n_row; k++) {
        const double v = s->value[k * s->n_figure + s->accuracy];
        if (s->status[k] == OW_POINT_DONE)
            last = k;
        if (s->pass[k] == 1 && !isnan(v) &&
            (isnan(worst) || (is_more ? v < worst : v > worst))) {
            worst = v;
            chosen = k;
        }
    }
    return s->id[isnan(worst) ? last : chosen];
}

/* ---- opening ----------------------------------------------------------------------- */

static enum ow_status check_done(const struct ow_survey *s, const char *store,
                                 struct ow_error *err)
{
    if (s->count[OW_POINT_DONE] > 0)
        return OW_OK;
    const size_t n_failed = s->n_row - s->count[OW_POINT_OPEN];
    if (n_failed == 0)
        return ow_fail(err, OW_ERR_INPUT,
                       "%s: no point is done yet (%zu to run): expected at least one", store,
                       s->n_row);
    return ow_fail(err, OW_ERR_INPUT, "%s: no point is done, %zu failed; the first: %.300s",
                   store, n_failed, s->errors.n ? s->errors.text[0] : "?");
}

static enum ow_status open_report(struct ow_report *r, const char *store, struct ow_error *err)
{
    const struct ow_report_options *o = r->options;
    char figure[200] = "";
    enum ow_status st = o->heat ? heat_figure(o->heat, figure, err) : OW_OK;
    if (st || (st = ow_store_open(store, OW_STORE_READ, &r->store, err)) ||
        (st = ow_survey_init(r->store, *figure ? figure : NULL, &r->survey, err)))
        return st;
    r->has_survey = true;
    if ((st = check_done(&r->survey, store, err)))
        return st;
    if (o->heat && (st = choose_heat(r, o->heat, figure, err)))
        return st;
    r->point = o->has_point ? o->point : choose_point(&r->survey);
    return OW_OK;
}

/* The chosen point, made when it is first needed. */
static enum ow_status need_again(struct ow_report *r, struct ow_error *err)
{
    const struct ow_again_options how = {.point = r->point,
                                         .tile = r->options->tile,
                                         .column = r->options->column,
                                         .vector = r->options->vector,
                                         .codemodel = r->options->codemodel,
                                         .cancel = r->options->cancel};
    if (!r->is_again)
        r->again_status = ow_again_init(r->store, &how, &r->again, &r->again_error);
    r->is_again = true;
    return r->again_status ? ow_fail(err, r->again_status, "%s", r->again_error.text) : OW_OK;
}

enum ow_status ow_report_open(const char *store, const struct ow_report_options *options,
                              struct ow_report **out, struct ow_error *err)
{
    struct ow_report *r = calloc(1, sizeof *r);
    if (!r)
        return ow_fail(err, OW_ERR_NOMEM, "report: out of memory");
    r->options = options;
    enum ow_status st = open_report(r, store, err);
    if (!st && (options->has_point || options->tile || options->column || options->vector))
        st = need_again(r, err); /* what was asked for must be there */
    if (st)
        ow_report_close(r);
    else
        *out = r;
    return st;
}

void ow_report_close(struct ow_report *r)
{
    if (!r)
        return;
    if (r->is_again && !r->again_status)
        ow_again_finish(&r->again);
    if (r->has_survey)
        ow_survey_finish(&r->survey);
    ow_store_close(r->store);
    free(r);
}

json_t *ow_report_json(const struct ow_report *r)
{
    json_t *json = ow_answer_json(&r->survey);
    json_object_set_new(json, "point", json_integer((json_int_t)r->point));
    return json;
}

size_t ow_report_point(const struct ow_report *r)
{
    return r->point;
}

/* ---- one picture ------------------------------------------------------------------- */

struct order {
    enum ow_report_figure figure;
    size_t measure; /* of accuracy, energy and heat */
    size_t heat[2];
    struct ow_canvas canvas;
};

static enum ow_status script(struct ow_report *r, const struct order *o, struct ow_gnuplot *g,
                             FILE *caption, struct ow_error *err)
{
    const struct ow_survey *s = &r->survey;
    enum ow_status st = OW_OK;
    if (o->figure == OW_REPORT_DROP || o->figure == OW_REPORT_WAVES ||
        o->figure == OW_REPORT_HISTOGRAM)
        st = need_again(r, err);
    if (st)
        return st;
    switch (o->figure) {
    case OW_REPORT_HEAT:
        return ow_picture_heat(s, o->heat[0], o->heat[1], o->measure, &o->canvas, g, caption,
                               err);
    case OW_REPORT_PARTS:
        return ow_picture_parts(s, &o->canvas, g, caption, err);
    case OW_REPORT_DROP:
        return ow_again_drop(&r->again, &o->canvas, g, caption, err);
    case OW_REPORT_WAVES:
        return ow_again_waves(&r->again, &o->canvas, g, caption, err);
    case OW_REPORT_HISTOGRAM:
        return ow_again_histogram(&r->again, &o->canvas, g, caption, err);
    default:
        return ow_picture_lines(s, o->measure, &o->canvas, g, caption, err);
    }
}

static bool ends(const char *text, const char *with)
{
    const size_t n = strlen(text), m = strlen(with);
    return n > m && strcmp(text + n - m, with) == 0;
}

enum ow_status ow_report_plot(struct ow_report *r, enum ow_report_figure figure,
                              const char *path, struct ow_error *err)
{
    const struct ow_survey *s = &r->survey;
    struct order o = {.figure = figure, .measure = s->accuracy};
    struct ow_gnuplot g;
    char *words = NULL;
    size_t n, pair[1][2];
    if (!ends(path, ".svg") && !ends(path, ".png"))
        return ow_fail(err, OW_ERR_INPUT, "%s: expected a name that ends in .svg or .png",
                       path);
    o.canvas.kind = ends(path, ".png") ? OW_PICTURE_PNG : OW_PICTURE_SVG;
    o.canvas.is_wide = figure == OW_REPORT_PARTS || figure == OW_REPORT_WAVES;
    if (figure == OW_REPORT_ENERGY)
        o.measure = s->energy;
    if (figure == OW_REPORT_HEAT && r->has_heat) {
        memcpy(o.heat, r->heat, sizeof o.heat);
        if (r->heat_figure < s->n_figure)
            o.measure = r->heat_figure;
    } else if (figure == OW_REPORT_HEAT) {
        if (ow_picture_pairs(s, 1, pair) == 0)
            return ow_fail(err, OW_ERR_INPUT,
                           "heat map: fewer than two keys are swept: expected two");
        memcpy(o.heat, pair[0], sizeof o.heat);
    }
    enum ow_status st = ow_gnuplot_begin(&g, err);
    if (st)
        return st;
    FILE *caption = open_memstream(&words, &n);
    if (!caption)
        st = ow_fail(err, OW_ERR_NOMEM, "a picture: out of memory");
    else {
        st = script(r, &o, &g, caption, err);
        fclose(caption);
    }
    if (!st)
        st = ow_gnuplot_save(&g, path, err);
    ow_gnuplot_discard(&g);
    free(words);
    return st;
}

enum ow_status ow_report_raw(struct ow_report *r, const char *path, struct ow_error *err)
{
    const enum ow_status st = need_again(r, err);
    return st ? st : ow_again_raw(&r->again, path, err);
}

/* ---- the page ---------------------------------------------------------------------- */

enum { MOST_PAIRS = 3, MOST_PLATES = 8 + 2 * MOST_PAIRS };

struct plates {
    size_t n;
    struct ow_plate plate[MOST_PLATES];
};

/* Only what ends the whole report is an error here. */
static enum ow_status add_plate(struct ow_report *r, const struct order *o, const char *heading,
                                struct plates *plates, struct ow_error *err)
{
    struct ow_plate *p = &plates->plate[plates->n];
    struct ow_gnuplot g;
    struct ow_error why = {0};
    size_t n;
    bool is_drawn = false;
    enum ow_status st = ow_gnuplot_begin(&g, err);
    if (st)
        return st;
    *p = (struct ow_plate){.is_wide = o->canvas.is_wide, .heading = heading};
    FILE *caption = open_memstream(&p->caption, &n);
    if (!caption) {
        ow_gnuplot_discard(&g);
        return ow_fail(err, OW_ERR_NOMEM, "a picture: out of memory");
    }
    st = script(r, o, &g, caption, &why);
    if (!st) {
        is_drawn = true;
        st = ow_gnuplot_draw(&g, &p->svg, &n, &why);
    } else
        fprintf(caption, "%s: left out: %s", ow_report_figure_name[o->figure], why.text);
    fclose(caption);
    ow_gnuplot_discard(&g);
    plates->n++;
    if (st && (is_drawn || st == OW_ERR_NOMEM || st == OW_ERR_CANCELLED))
        return ow_fail(err, st, "%s", why.text);
    return OW_OK;
}

static enum ow_status add_maps(struct ow_report *r, struct plates *plates, struct ow_error *err)
{
    const struct ow_survey *s = &r->survey;
    size_t pair[MOST_PAIRS][2];
    size_t n = r->has_heat ? 1 : ow_picture_pairs(s, MOST_PAIRS, pair);
    if (r->has_heat)
        memcpy(pair[0], r->heat, sizeof pair[0]);
    for (size_t k = 0; k < n; k++) {
        struct order o = {.figure = OW_REPORT_HEAT, .measure = s->accuracy};
        memcpy(o.heat, pair[k], sizeof o.heat);
        if (r->has_heat && r->heat_figure < s->n_figure)
            o.measure = r->heat_figure;
        enum ow_status st = add_plate(r, &o, k ? NULL : "Two at a time", plates, err);
        if (st)
            return st;
        if (r->has_heat && r->heat_figure < s->n_figure)
            continue;
        o.measure = s->energy;
        if ((st = add_plate(r, &o, NULL, plates, err)))
            return st;
    }
    return OW_OK;
}

static enum ow_status add_plates(struct ow_report *r, struct plates *plates, char closely[80],
                                 struct ow_error *err)
{
    const struct ow_survey *s = &r->survey;
    const struct order first[] = {{.figure = OW_REPORT_ACCURACY, .measure = s->accuracy},
                                  {.figure = OW_REPORT_ENERGY, .measure = s->energy},
                                  {.figure = OW_REPORT_PARTS, .canvas.is_wide = true}},
                       last[] = {{.figure = OW_REPORT_DROP},
                                 {.figure = OW_REPORT_HISTOGRAM},
                                 {.figure = OW_REPORT_WAVES, .canvas.is_wide = true}};
    enum ow_status st = OW_OK;
    for (size_t k = 0; k < 3 && !st; k++)
        st = add_plate(r, &first[k], k ? NULL : "Accuracy and energy", plates, err);
    if (!st)
        st = add_maps(r, plates, err);
    snprintf(closely, 80, "Point %zu, looked at closely", r->point);
    for (size_t k = 0; k < 3 && !st; k++)
        st = add_plate(r, &last[k], k ? NULL : closely, plates, err);
    return st;
}

enum ow_status ow_report_page(struct ow_report *r, const char *path, struct ow_error *err)
{
    struct plates plates = {0};
    struct ow_file file = {0};
    char closely[80];
    enum ow_status st = add_plates(r, &plates, closely, err);
    if (!st && !(st = ow_file_create(path, &file, err))) {
        const struct ow_page page = {
            .s = &r->survey,
            .version = r->options->version,
            .plate = plates.plate,
            .n_plate = plates.n,
            .point = r->point,
            .warnings = r->is_again && !r->again_status ? r->again.warnings : NULL};
        ow_page_write(&page, file.to);
        st = ow_file_commit(&file, err);
    }
    for (size_t k = 0; k < plates.n; k++) {
        free(plates.plate[k].svg);
        free(plates.plate[k].caption);
    }
    return st;
}
