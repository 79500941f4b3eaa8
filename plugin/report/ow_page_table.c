/* The report's tables: combinations, then points. */
#include <math.h>
#include <string.h>

#include "ow_page.h"
#include "ow_view.h"
#include "ow_words.h"

enum { MOST_ROWS = 1000, FEW_ROWS = 40 };

/* A column of figures, in one unit so that its numbers compare. */
struct column {
    size_t figure;
    double one;
    char unit[24];
};

enum { MOST_COLUMNS = 8 };
struct columns {
    size_t n;
    struct column column[MOST_COLUMNS];
};

static void add_column(const struct ow_survey *s, size_t figure, struct columns *c)
{
    double largest = NAN;
    for (size_t k = 0; k < c->n; k++)
        if (c->column[k].figure == figure)
            return;
    for (size_t row = 0; row < s->n_row; row++) {
        const double v = fabs(s->value[row * s->n_figure + figure]);
        if (!isnan(v) && !(v >= largest * (1.0 - 1e-12)) ? !(largest > v) : v > largest)
            largest = v;
    }
    if (isnan(largest) || c->n == MOST_COLUMNS)
        return; /* no point has it */
    struct column *column = &c->column[c->n++];
    column->figure = figure;
    column->one = ow_words_axis(largest, s->figure[figure].unit, column->unit);
}

static struct columns choose_columns(const struct ow_survey *s)
{
    struct columns c = {0};
    add_column(s, s->accuracy, &c);
    for (size_t k = 0; k < s->limits.n && c.n < 4; k++)
        if (strncmp(s->limits.limit[k].name, "energy.", 7) != 0)
            add_column(s, s->limit_figure[k], &c);
    add_column(s, OW_F_CSNR_RAW, &c);
    add_column(s, OW_F_CSNR_ARRAY, &c);
    add_column(s, OW_F_TOP1, &c);
    add_column(s, s->energy, &c);
    add_column(s, OW_F_LATENCY, &c);
    return c;
}

/* ---- cells ------------------------------------------------------------------------- */

static void put_head(FILE *to, const char *title, const char *small, bool is_name)
{
    fputs(is_name ? "<th class=\"name\" scope=\"col\">" : "<th scope=\"col\">", to);
    ow_page_text(to, title);
    if (small && *small) {
        fputs("<small>", to);
        ow_page_text(to, small);
        fputs("</small>", to);
    }
    fputs("</th>", to);
}

static void put_axis_heads(FILE *to, const struct ow_survey *s, bool with_seeds)
{
    for (size_t k = 0; k < s->n_axis; k++)
        if (k != s->seeds || with_seeds)
            put_head(to, s->axis[k].name, s->axis[k].others ? "and its zip" : "",
                     !s->axis[k].is_number);
}

static void put_axis_cell(FILE *to, const struct ow_axis *a, size_t k)
{
    char text[200];
    ow_words_cut(a->text[k], 40, text);
    if (a->is_number)
        fprintf(to, "<td data-v=\"%.17g\">", a->number[k]);
    else
        fputs("<td class=\"name\">", to);
    ow_page_text(to, text);
    fputs("</td>", to);
}

static void put_figure_heads(FILE *to, const struct ow_survey *s, const struct columns *c)
{
    for (size_t k = 0; k < c->n; k++) {
        const char *title = s->figure[c->column[k].figure].title,
                   *bracket = strstr(title, " (");
        char head[120], small[160];
        snprintf(head, sizeof head, "%.*s", bracket ? (int)(bracket - title) : 119, title);
        snprintf(small, sizeof small, "%s%s%.*s", c->column[k].unit,
                 bracket && *c->column[k].unit ? ", " : "",
                 bracket ? (int)strlen(bracket) - 3 : 0, bracket ? bracket + 2 : "");
        put_head(to, head, small, false);
    }
}

/* So many digits that a column's numbers end alike. */
static const char *digits(double value, const struct column *c, bool is_short, char text[32])
{
    if (strcmp(c->unit, "bit") == 0)
        snprintf(text, 32, "%.2f", value);
    else if (strcmp(c->unit, "dB") == 0)
        snprintf(text, 32, "%.1f", value);
    else
        snprintf(text, 32, is_short ? "%#.3g" : "%#.4g", value / c->one);
    const size_t n = strlen(text);
    if (text[n - 1] == '.')
        text[n - 1] = '\0';
    return text;
}

static void put_number(FILE *to, double value, const struct column *c)
{
    char text[32];
    if (isnan(value))
        fputs("<td data-v=\"\">\xe2\x80\x93</td>", to);
    else
        fprintf(to, "<td data-v=\"%.9g\">%s</td>", value, digits(value, c, false, text));
}

/* ---- combinations ------------------------------------------------------------------ */

static void put_spread(FILE *to, const struct ow_spread *q, const struct column *c)
{
    char median[32], lo[32], hi[32];
    if (q->n == 0) {
        fputs("<td data-v=\"\">\xe2\x80\x93</td>", to);
        return;
    }
    fprintf(to, "<td data-v=\"%.9g\">%s", q->median, digits(q->median, c, false, median));
    if (q->hi - q->lo > 1e-9 * fabs(q->median))
        fprintf(to, " <small>%s\xe2\x80\x93%s</small>", digits(q->lo, c, true, lo),
                digits(q->hi, c, true, hi));
    fputs("</td>", to);
}

static void put_combo(FILE *to, const struct ow_survey *s, const struct columns *c,
                      size_t combo)
{
    const struct ow_combo n = ow_combo_count(s, combo);
    const double rows = ow_combo_spread(s, combo, OW_F_ROWS).median,
                 cols = ow_combo_spread(s, combo, OW_F_COLS).median;
    fputs("<tr>", to);
    for (size_t k = 0; k < s->n_axis; k++)
        if (k != s->seeds)
            put_axis_cell(to, &s->axis[k], ow_combo_index(s, combo, k));
    if (isnan(rows))
        fputs("<td data-v=\"\">\xe2\x80\x93</td>", to);
    else
        fprintf(to, "<td data-v=\"%.17g\">%g \xc3\x97 %g</td>", rows * cols, rows, cols);
    fprintf(to, "<td data-v=\"%zu\"%s>%zu of %zu</td>", n.n_done,
            n.n_done < n.n ? " class=\"bad\"" : "", n.n_done, n.n);
    if (s->limits.n > 0)
        fprintf(to, "<td data-v=\"%zu\" class=\"%s\">%zu of %zu</td>", n.n_pass,
                n.n_pass == n.n ? "pass" : "miss", n.n_pass, n.n);
    for (size_t k = 0; k < c->n; k++) {
        const struct ow_spread q = ow_combo_spread(s, combo, c->column[k].figure);
        put_spread(to, &q, &c->column[k]);
    }
    fputs("</tr>\n", to);
}

static void put_combos(FILE *to, const struct ow_survey *s, const struct columns *c)
{
    const size_t n = s->n_combo < MOST_ROWS ? s->n_combo : MOST_ROWS;
    fprintf(to,
            "<h2>Combinations</h2>\n<p class=\"more\">%zu combinations, %zu seeds each: "
            "medians, and "
            "10 to 90 %% of the seeds in small. A click on a head sorts.%s</p>\n",
            s->n_combo, s->axis[s->seeds].n,
            n < s->n_combo ? " The first 1,000 are shown." : "");
    if (n > FEW_ROWS)
        fprintf(to, "<details%s><summary>Table of %zu combinations</summary>\n",
                n <= 200 ? " open" : "", n);
    fputs("<div class=\"scroll\"><table>\n<thead><tr>", to);
    put_axis_heads(to, s, false);
    put_head(to, "cells", NULL, false);
    put_head(to, "done", NULL, false);
    if (s->limits.n > 0)
        put_head(to, "pass", NULL, false);
    put_figure_heads(to, s, c);
    fputs("</tr></thead>\n<tbody>\n", to);
    for (size_t k = 0; k < n; k++)
        put_combo(to, s, c, k);
    fprintf(to, "</tbody></table></div>\n%s", n > FEW_ROWS ? "</details>\n" : "");
}

/* ---- points ------------------------------------------------------------------------ */

static void put_point(FILE *to, const struct ow_survey *s, const struct columns *c, size_t row)
{
    const enum ow_point_status status = (enum ow_point_status)s->status[row];
    const bool is_bad = status != OW_POINT_DONE && status != OW_POINT_OPEN;
    fprintf(to, "<tr><td data-v=\"%zu\">%zu</td>", s->id[row], s->id[row]);
    for (size_t k = 0; k < s->n_axis; k++)
        put_axis_cell(to, &s->axis[k], ow_survey_index(s, row, k));
    fprintf(to, "<td class=\"name%s\">%s</td>", is_bad ? " bad" : "",
            ow_point_status_str(status));
    if (s->limits.n > 0)
        fprintf(to, "<td class=\"name%s\">%s</td>",
                s->pass[row] < 0 ? ""
                : s->pass[row]   ? " pass"
                                 : " miss",
                s->pass[row] < 0 ? ""
                : s->pass[row]   ? "pass"
                                 : "miss");
    for (size_t k = 0; k < c->n; k++)
        put_number(to, s->value[row * s->n_figure + c->column[k].figure], &c->column[k]);
    if (isnan(s->wall_s[row]))
        fputs("<td data-v=\"\">\xe2\x80\x93</td>", to);
    else
        fprintf(to, "<td data-v=\"%.9g\">%.3f</td>", s->wall_s[row], s->wall_s[row]);
    fputs("<td class=\"note\">", to);
    ow_page_text(to, s->note[row]);
    fputs("</td></tr>\n", to);
}

static void put_point_heads(FILE *to, const struct ow_survey *s, const struct columns *c)
{
    fputs("<div class=\"scroll\"><table>\n<thead><tr>", to);
    put_head(to, "point", NULL, false);
    put_axis_heads(to, s, true);
    put_head(to, "state", NULL, true);
    if (s->limits.n > 0)
        put_head(to, "limits", NULL, true);
    put_figure_heads(to, s, c);
    put_head(to, "time", "s", false);
    put_head(to, "why", "error, or limits that it misses", true);
    fputs("</tr></thead>\n<tbody>\n", to);
}

static bool has_failed(const struct ow_survey *s, size_t row)
{
    return s->status[row] != OW_POINT_DONE && s->status[row] != OW_POINT_OPEN;
}

static void put_points(FILE *to, const struct ow_survey *s, const struct columns *c)
{
    const size_t n = s->n_row < MOST_ROWS ? s->n_row : MOST_ROWS;
    fputs("<h2>Points</h2>\n", to);
    if (n < s->n_row)
        fprintf(to,
                "<p class=\"more\">The first 1,000 of %zu points; all of them: ohmweave export "
                "STORE.</p>\n",
                s->n_row);
    if (n > FEW_ROWS)
        fprintf(to, "<details><summary>Table of %zu points</summary>\n", n);
    put_point_heads(to, s, c);
    for (size_t k = 0; k < n; k++)
        put_point(to, s, c, k);
    fprintf(to, "</tbody></table></div>\n%s", n > FEW_ROWS ? "</details>\n" : "");
}

/* Those that failed beyond the first rows. */
static void put_failed(FILE *to, const struct ow_survey *s, const struct columns *c)
{
    size_t n = 0, n_shown = 0;
    for (size_t k = MOST_ROWS; k < s->n_row; k++)
        n += has_failed(s, k);
    if (n == 0)
        return;
    fprintf(to, "<details><summary>%zu further points failed%s</summary>\n", n,
            n > MOST_ROWS ? ", the first 1,000" : "");
    put_point_heads(to, s, c);
    for (size_t k = MOST_ROWS; k < s->n_row && n_shown < MOST_ROWS; k++)
        if (has_failed(s, k)) {
            put_point(to, s, c, k);
            n_shown++;
        }
    fputs("</tbody></table></div>\n</details>\n", to);
}

void ow_page_tables(const struct ow_survey *s, FILE *to)
{
    const struct columns c = choose_columns(s);
    fputs("<section>\n", to);
    if (s->seeds < s->n_axis && s->axis[s->seeds].n > 1)
        put_combos(to, s, &c);
    put_points(to, s, &c);
    put_failed(to, s, &c);
    fputs("</section>\n", to);
}
