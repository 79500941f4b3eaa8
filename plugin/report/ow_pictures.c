#include "ow_pictures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_view.h"
#include "ow_words.h"

/* ---- style ------------------------------------------------------------------------- */

enum { HALF = 540, FULL = 1100, HEIGHT = 380, LETTERS = 14 };

const char *ow_picture_colour(size_t k)
{
    static const char *const colour[] = {"#0072b2", "#d55e00", "#009e73",
                                         "#cc79a7", "#56b4e9", "#e69f00"};
    return colour[k % (sizeof colour / sizeof colour[0])];
}

/* Marks and dashes, for those who print in grey. */
static const char *dash(size_t k)
{
    static const char *const type[] = {"1", "'-'", "'.'", "'.-'"};
    return type[k % 4];
}

/* Where two axes tell the lines apart, colours and marks are for one and dashes for the other.
 */
struct look {
    size_t colour, dash;
    int mark;
};

static struct look look_of(const struct ow_survey *s, const struct ow_view *v, size_t line)
{
    static const int full[] = {7, 5, 9, 13, 11, 15}, hollow[] = {6, 4, 8, 12, 10, 14};
    size_t n_axis = 0, inner = 1;
    for (size_t k = 0; k < s->n_axis; k++)
        if (v->n_shown[k] > 1) {
            n_axis++;
            inner = v->n_shown[k];
        }
    if (n_axis != 2)
        return (struct look){line, line, full[line % 6]};
    const size_t a = line / inner, b = line % inner;
    return (struct look){a, b, b % 2 ? hollow[a % 6] : full[a % 6]};
}

void ow_picture_begin(struct ow_gnuplot *g, const struct ow_canvas *canvas, int height)
{
    ow_gnuplot_term(g, canvas->kind, canvas->is_wide ? FULL : HALF, height ? height : HEIGHT,
                    LETTERS);
    fputs(
        "set border 3 lw 1 lc rgb '#444444'\nset tics nomirror out scale 0.6,0.3 textcolor rgb "
        "'#222222'\n"
        "set grid lt 1 lc rgb '#e6e6e6' lw 0.8\nset datafile missing '?'\n",
        g->to);
}

void ow_picture_key(FILE *to, size_t columns, size_t longest)
{
    /* gnuplot takes letters for wider than they are */
    fprintf(to,
            "set key at screen 0.52, screen 0.012 center bottom horizontal maxcols %zu Left "
            "reverse samplen 2.4 width %.1f font ',13'\n",
            columns, 1.0 - 0.25 * (double)longest);
}

void ow_picture_capital(FILE *to, const char *text)
{
    fputc(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text, to);
    fputs(text + 1, to);
}

void ow_picture_palette(FILE *to)
{
    fputs(
        "set palette defined (0 '#440154', 1 '#472c7a', 2 '#3b518b', 3 '#2c718e', 4 '#21908d', "
        "5 '#27ad81', 6 '#5cc863', 7 '#aadc32', 8 '#fde725') maxcolors 256\n",
        to);
}

void ow_picture_label(FILE *to, const char *axis, const char *title, const char *unit)
{
    char text[400];
    snprintf(text, sizeof text, *unit ? "%.300s (%.50s)" : "%.300s", title, unit);
    fprintf(to, "set %slabel ", axis);
    ow_gnuplot_text(to, text);
    fputs(*axis == 'x' ? " offset 0,0.4\n" : "\n", to);
}

/* ---- axes -------------------------------------------------------------------------- */

struct scale {
    double lo, hi; /* of the values, in units of the axis */
    double one;    /* what one unit of the axis is        */
    char unit[24];
    bool is_log, is_empty;
};

static struct scale scale_begin(void)
{
    return (struct scale){.lo = INFINITY, .hi = -INFINITY, .one = 1.0};
}

static void scale_add(struct scale *s, double value)
{
    if (!isfinite(value))
        return;
    s->lo = fmin(s->lo, value);
    s->hi = fmax(s->hi, value);
}

/* Decided when all values are known. */
static void scale_close(struct scale *s, const char *unit, bool may_be_log)
{
    s->is_empty = !(s->lo <= s->hi);
    if (s->is_empty)
        s->lo = s->hi = 0.0;
    s->is_log = may_be_log && s->lo > 0.0 && s->hi > 8.0 * s->lo;
    s->one = ow_words_axis(s->is_log ? sqrt(s->lo * s->hi) : fmax(fabs(s->lo), fabs(s->hi)),
                           unit, s->unit);
    s->lo /= s->one;
    s->hi /= s->one;
}

/* 1, 2, 5, 10, ... where that is not too many; powers of ten with marks between else. */
static void put_log_tics(FILE *to, const char *axis, double lo, double hi)
{
    const int first = (int)floor(log10(lo)), last = (int)ceil(log10(hi));
    static const double step[] = {1.0, 2.0, 5.0};
    const int n_step = last - first <= 3 ? 3 : 1;
    fprintf(to, "set logscale %s\nset m%stics 10\nset %stics (", axis, axis, axis);
    for (int d = first, n = 0; d <= last; d++)
        for (int k = 0; k < n_step; k++, n++)
            fprintf(to, "%s%.6g", n ? ", " : "", step[k] * pow(10.0, d));
    fputs(")\n", to);
}

static void put_y(FILE *to, const struct scale *s, const char *title)
{
    ow_picture_label(to, "y", title, s->unit);
    if (s->is_log) {
        const double room = pow(s->hi / s->lo, 0.06);
        put_log_tics(to, "y", s->lo / room, s->hi * room);
        fprintf(to, "set yrange [%.6g:%.6g]\n", s->lo / room, s->hi * room);
        return;
    }
    const double span = s->hi - s->lo,
                 room = span > 0.0 ? 0.08 * span : 0.1 * fabs(s->hi) + 1e-9;
    /* from zero where the values come near it */
    const double lo = s->lo >= 0.0 && s->lo < 0.35 * s->hi ? 0.0 : s->lo - room;
    fprintf(to, "set yrange [%.6g:%.6g]\n", lo, s->hi + room);
}

/* Numbers at their places, logarithmically if they span much; names one after the other. */
struct places {
    const struct ow_axis *axis; /* NULL: a single place */
    double one;
    bool is_number, is_log;
};

static double place(const struct places *p, size_t k)
{
    return p->is_number ? p->axis->number[k] / p->one : (double)k;
}

/* Slanted where they would run into each other: `room` in letters. */
static void put_names(FILE *to, const char *which, const struct ow_axis *a, size_t room)
{
    enum { SLANTED = 12, MOST = 20 };
    const bool is_x = *which == 'x';
    const size_t most = !is_x          ? 20
                        : room / 3 < 6 ? 6
                                       : room / 3,
                 step = (a->n + most - 1) / most;
    size_t longest = 0;
    for (size_t k = 0; k < a->n; k += step)
        longest = strlen(a->text[k]) > longest ? strlen(a->text[k]) : longest;
    longest = longest > MOST ? MOST : longest;
    const bool is_slanted = is_x && (longest + 2) * ((a->n + step - 1) / step) > room;
    fprintf(to, "set %stics %s(", which, is_slanted ? "rotate by -30 " : "");
    for (size_t k = 0; k < a->n; k += step) {
        char text[120];
        ow_words_cut(a->text[k], is_slanted ? SLANTED : is_x ? MOST : 14, text);
        fputs(k ? ", " : "", to);
        ow_gnuplot_tic(to, text);
        fprintf(to, " %zu", k);
    }
    fputs(")\n", to);
}

static struct places put_x(FILE *to, const struct ow_axis *a)
{
    struct places p = {.axis = a, .one = 1.0, .is_number = a && a->is_number};
    struct scale s = scale_begin();
    if (!a) {
        fputs("set xrange [-1:1]\nunset xtics\n", to);
        return p;
    }
    if (!p.is_number) {
        put_names(to, "x", a, 60);
        fprintf(to, "set xrange [-0.5:%g]\n", (double)a->n - 0.5);
        ow_picture_label(to, "x", a->title, "");
        return p;
    }
    for (size_t k = 0; k < a->n; k++)
        scale_add(&s, a->number[k]);
    scale_close(&s, a->unit, true);
    p.one = s.one;
    p.is_log = s.is_log || (s.lo > 0.0 && s.hi >= 4.0 * s.lo);
    ow_picture_label(to, "x", a->title, s.unit);
    const double room = p.is_log ? pow(s.hi / s.lo, 0.05) : 0.05 * (s.hi - s.lo);
    if (p.is_log) {
        if (a->n > 9)
            put_log_tics(to, "x", s.lo, s.hi);
        fprintf(to, "set logscale x\nset xrange [%.6g:%.6g]\n", s.lo / room, s.hi * room);
    } else
        fprintf(to, "set xrange [%.6g:%.6g]\n", s.lo - room, s.hi + room);
    if (a->n <= 9) {
        fputs("set xtics (", to);
        for (size_t k = 0; k < a->n; k++)
            fprintf(to, "%s%.6g", k ? ", " : "", place(&p, k));
        fputs(")\nset mxtics 1\n", to);
    }
    return p;
}

/* ---- lines and bands --------------------------------------------------------------- */

/* Limits of the figure that lie where it can be seen. */
static void add_limits(const struct ow_survey *s, size_t figure, struct scale *y)
{
    for (size_t k = 0; k < s->limits.n; k++)
        if (s->limit_figure[k] == figure) {
            scale_add(y, s->limits.limit[k].min);
            scale_add(y, s->limits.limit[k].max);
        }
}

/* A dashed line, named at the right, outside, where no curve is. */
static void put_limit(FILE *to, const struct ow_survey *s, size_t figure, double value,
                      const struct scale *y, const char *sign)
{
    char text[80], number[48];
    if (isnan(value))
        return;
    snprintf(text, sizeof text, "%s %s", sign,
             ow_words_value(value, 4, s->figure[figure].unit, number));
    fprintf(to,
            "set arrow from graph 0, first %.6g to graph 1, first %.6g nohead lw 1.5 dt (6,4) "
            "lc rgb '#555555' back\nset label ",
            value / y->one, value / y->one);
    ow_gnuplot_text(to, text);
    fprintf(to, " at graph 1.01, first %.6g left font ',12' tc rgb '#444444'\nset rmargin 9\n",
            value / y->one);
}

static void put_limits(FILE *to, const struct ow_survey *s, size_t figure,
                       const struct scale *y)
{
    for (size_t k = 0; k < s->limits.n; k++)
        if (s->limit_figure[k] == figure) {
            put_limit(to, s, figure, s->limits.limit[k].min, y, "\xe2\x89\xa5");
            put_limit(to, s, figure, s->limits.limit[k].max, y, "\xe2\x89\xa4");
        }
}

static bool has_bands(const struct ow_survey *s)
{
    return s->seeds < s->n_axis && s->axis[s->seeds].n > 1;
}

static void put_blocks(FILE *to, const struct ow_survey *s, const struct ow_view *v,
                       size_t figure, const struct places *x, const struct scale *y)
{
    for (size_t line = 0; line < v->n_line; line++) {
        fprintf(to, "$l%zu << E\n", line);
        for (size_t k = 0; k < ow_view_places(s, v); k++) {
            const struct ow_spread q = ow_combo_spread(s, ow_view_combo(s, v, line, k), figure);
            if (q.n == 0)
                fputc('\n', to); /* the line breaks where nothing is known */
            else
                fprintf(to, "%.8g %.6g %.6g %.6g\n", place(x, k), q.median / y->one,
                        q.lo / y->one, q.hi / y->one);
        }
        fputs("E\n", to);
    }
}

static bool line_is_empty(const struct ow_survey *s, const struct ow_view *v, size_t line,
                          size_t figure)
{
    for (size_t k = 0; k < ow_view_places(s, v); k++)
        if (ow_combo_spread(s, ow_view_combo(s, v, line, k), figure).n > 0)
            return false;
    return true;
}

static size_t longest_title(const struct ow_survey *s, const struct ow_view *v)
{
    size_t longest = 0;
    char title[200];
    for (size_t line = 0; line < v->n_line; line++) {
        ow_view_line(s, v, line, title);
        longest = strlen(title) > longest ? strlen(title) : longest;
    }
    return longest;
}

/* Names of the lines below the picture, two side by side where they are short. */
static size_t key_rows(const struct ow_survey *s, const struct ow_view *v)
{
    if (v->n_line == 1)
        return 0;
    return longest_title(s, v) <= 20 ? (v->n_line + 1) / 2 : v->n_line;
}

static void put_key(FILE *to, const struct ow_survey *s, const struct ow_view *v)
{
    const size_t rows = key_rows(s, v);
    if (rows == 0) {
        fputs("set key off\n", to);
        return;
    }
    fprintf(to, "set bmargin %.1f\n", 3.6 + 0.9 * (double)rows);
    ow_picture_key(to, rows < v->n_line ? 2 : 1, longest_title(s, v));
}

/* Where the seeds are all there is: how many of them gave what. */
static void put_seeds(const struct ow_survey *s, size_t figure, struct ow_gnuplot *g,
                      FILE *caption)
{
    enum { N_BIN = 24 };
    const struct ow_measure *m = &s->figure[figure];
    const struct ow_spread q = ow_combo_spread(s, 0, figure);
    struct scale x = scale_begin();
    size_t count[N_BIN] = {0};
    char one[48], other[48], third[48];
    FILE *to = g->to;
    for (size_t row = 0; row < s->n_row; row++)
        scale_add(&x, s->value[row * s->n_figure + figure]);
    scale_close(&x, m->unit, false);
    const double room = x.hi > x.lo ? 0.02 * (x.hi - x.lo) : 0.01 * fabs(x.hi) + 1e-9;
    const double lo = x.lo - room, width = (x.hi + room - lo) / N_BIN;
    for (size_t row = 0; row < s->n_row; row++) {
        const double v = s->value[row * s->n_figure + figure] / x.one;
        if (!isnan(v))
            count[(size_t)fmin(fmax((v - lo) / width, 0.0), N_BIN - 1)]++;
    }
    fputs("$l << E\n", to);
    for (size_t k = 0; k < N_BIN; k++)
        fprintf(to, "%.8g %zu\n", lo + ((double)k + 0.5) * width, count[k]);
    fprintf(to, "E\nset xrange [%.8g:%.8g]\nset yrange [0:*]\nset key off\n", lo, x.hi + room);
    ow_picture_label(to, "x", m->title, x.unit);
    ow_picture_label(to, "y", "points", "");
    const double mark[] = {q.lo, q.median, q.hi};
    for (size_t k = 0; k < 3; k++)
        fprintf(
            to,
            "set arrow from %.8g, graph 0 to %.8g, graph 1 nohead front lw %s lc rgb '%s'\n",
            mark[k] / x.one, mark[k] / x.one, k == 1 ? "2" : "1.5 dt (6,4)",
            k == 1 ? "#d55e00" : "#555555");
    fputs("set boxwidth 1 relative\n"
          "plot $l using 1:2 with boxes fs solid border rgb '#ffffff' lc rgb '#0072b2'\n",
          to);
    ow_picture_capital(caption, m->title);
    fprintf(caption, " of the %zu seeds: median %s, 10 to 90 %% from %s to %s (lines).", q.n,
            ow_words_value(q.median, 4, m->unit, one), ow_words_value(q.lo, 4, m->unit, other),
            ow_words_value(q.hi, 4, m->unit, third));
}

enum ow_status ow_picture_lines(const struct ow_survey *s, size_t figure,
                                const struct ow_canvas *canvas, struct ow_gnuplot *g,
                                FILE *caption, struct ow_error *err)
{
    const struct ow_view v = ow_view_choose(s, OW_VIEW_MAX_LINES);
    const struct ow_measure *m = &s->figure[figure];
    struct scale y = scale_begin();
    FILE *to = g->to;
    for (size_t line = 0; line < v.n_line; line++)
        for (size_t k = 0; k < ow_view_places(s, &v); k++) {
            const struct ow_spread q =
                ow_combo_spread(s, ow_view_combo(s, &v, line, k), figure);
            scale_add(&y, q.lo);
            scale_add(&y, q.hi);
        }
    if (!(y.lo <= y.hi))
        return ow_fail(err, OW_ERR_INPUT, "%s: no point has a value of it", m->name);
    if (v.x == s->n_axis && has_bands(s)) {
        ow_picture_begin(g, canvas, 0);
        put_seeds(s, figure, g, caption);
        return OW_OK;
    }
    add_limits(s, figure, &y);
    scale_close(&y, m->unit, strcmp(m->unit, "dB") != 0 && strcmp(m->unit, "bit") != 0);
    ow_picture_begin(g, canvas, HEIGHT - 20 + 17 * (int)key_rows(s, &v));
    const struct places x = put_x(to, v.x < s->n_axis ? &s->axis[v.x] : NULL);
    put_y(to, &y, m->title);
    put_limits(to, s, figure, &y);
    put_blocks(to, s, &v, figure, &x, &y);
    put_key(to, s, &v);
    fputs("plot ", to);
    for (size_t line = 0; line < v.n_line && has_bands(s); line++)
        if (!line_is_empty(s, &v, line, figure))
            fprintf(to,
                    "$l%zu using 1:3:4 with filledcurves fs noborder lc rgb '#c0%s' notitle, ",
                    line, ow_picture_colour(look_of(s, &v, line).colour) + 1);
    for (size_t line = 0, n = 0; line < v.n_line; line++) {
        char title[200];
        if (line_is_empty(s, &v, line, figure))
            continue;
        const struct look look = look_of(s, &v, line);
        ow_view_line(s, &v, line, title);
        fprintf(
            to, "%s$l%zu using 1:2 with linespoints lw 2.2 pt %d ps 0.75 dt %s lc rgb '%s' ",
            n++ ? ", " : "", line, look.mark, dash(look.dash), ow_picture_colour(look.colour));
        fputs(*title ? "title " : "notitle", to);
        if (*title)
            ow_gnuplot_text(to, title);
    }
    fputc('\n', to);
    ow_picture_capital(caption, m->title);
    fputs(has_bands(s) ? ": median of the seeds; bands from 10 to 90 % of them." : ".",
          caption);
    ow_view_rest(s, &v, caption);
    return OW_OK;
}

/* ---- heat maps --------------------------------------------------------------------- */

size_t ow_picture_pairs(const struct ow_survey *s, size_t most, size_t pair[][2])
{
    const struct ow_view v = ow_view_choose(s, 1);
    size_t n = 0;
    if (v.x == s->n_axis)
        return 0;
    for (size_t b = 0; b < s->n_axis; b++) /* first those with x */
        if (b != v.x && ow_view_can_show(s, b) && n < most) {
            pair[n][0] = v.x;
            pair[n++][1] = b;
        }
    for (size_t a = 0; a < s->n_axis; a++)
        for (size_t b = a + 1; b < s->n_axis; b++)
            if (a != v.x && b != v.x && ow_view_can_show(s, a) && ow_view_can_show(s, b) &&
                n < most) {
                pair[n][0] = a;
                pair[n++][1] = b;
            }
    return n;
}

enum { MOST_FRAMES = 400 };

struct map {
    const struct ow_survey *s;
    size_t x, y, figure;
    size_t index[OW_SURVEY_MAX_AXES];
};

static size_t map_combo(const struct map *m, size_t i, size_t j)
{
    size_t index[OW_SURVEY_MAX_AXES];
    memcpy(index, m->index, sizeof index);
    index[m->x] = i;
    index[m->y] = j;
    return ow_combo_at(m->s, index);
}

static void put_digits(double value, const char *unit, char text[48])
{
    snprintf(text, 48,
             strcmp(unit, "bit") == 0  ? "%.2f"
             : strcmp(unit, "dB") == 0 ? "%.1f"
                                       : "%#.3g",
             value);
    const size_t n = strlen(text);
    if (text[n - 1] == '.')
        text[n - 1] = '\0';
}

/* Dark cells, the lower part of the palette, take white letters. */
static void put_cells(FILE *to, const struct map *m, const struct scale *c)
{
    const struct ow_measure *f = &m->s->figure[m->figure];
    const struct ow_survey *s = m->s;
    const size_t nx = s->axis[m->x].n, ny = s->axis[m->y].n;
    const bool has_numbers = nx <= 8 && ny <= 12,
               has_frames = s->limits.n > 0 && nx * ny <= MOST_FRAMES;
    fputs("$m << E\n", to);
    for (size_t j = 0; j < ny; j++)
        for (size_t i = 0; i < nx; i++) {
            const struct ow_spread q = ow_combo_spread(s, map_combo(m, i, j), m->figure);
            if (q.n > 0)
                fprintf(to, "%zu %zu %.6g\n", i, j, q.median / c->one);
            else
                fprintf(to, "%zu %zu NaN\n", i, j);
        }
    fputs("E\n", to);
    int object = 1;
    for (size_t j = 0; j < ny; j++)
        for (size_t i = 0; i < nx; i++) {
            const size_t combo = map_combo(m, i, j);
            const struct ow_combo n = ow_combo_count(s, combo);
            const double value = ow_combo_spread(s, combo, m->figure).median / c->one;
            const double at = c->is_log ? log(value / c->lo) / log(c->hi / c->lo)
                                        : (value - c->lo) / (c->hi - c->lo);
            char text[48] = "\xe2\x80\x93";
            if (has_numbers && !isnan(value))
                put_digits(value, f->unit, text);
            if (has_numbers) {
                fprintf(to, "set label ");
                ow_gnuplot_text(to, text);
                fprintf(to, " at %zu,%zu center font ',13' tc rgb '%s' front\n", i, j,
                        at < 0.62 ? "#ffffff" : "#000000");
            }
            if (has_frames && n.n > 0 && n.n_pass == n.n)
                fprintf(to,
                        "set object %d rectangle center %zu,%zu size 0.9,0.86 fs empty border "
                        "lc rgb '%s' lw 1.8 front\n",
                        object++, i, j, at < 0.62 ? "#ffffff" : "#000000");
        }
}

enum ow_status ow_picture_heat(const struct ow_survey *s, size_t x, size_t y, size_t figure,
                               const struct ow_canvas *canvas, struct ow_gnuplot *g,
                               FILE *caption, struct ow_error *err)
{
    struct map m = {.s = s, .x = x, .y = y, .figure = figure};
    const struct ow_measure *f = &s->figure[figure];
    const struct ow_axis *ax = &s->axis[x], *ay = &s->axis[y];
    struct scale c = scale_begin();
    FILE *to = g->to;
    char unit[24];
    if (ax->n * ay->n > 250000)
        return ow_fail(err, OW_ERR_INPUT, "%s, %s: too many values for a map", ax->name,
                       ay->name);
    for (size_t k = 0; k < s->n_axis; k++)
        m.index[k] = k == x || k == y ? 0 : ow_view_stay(s, k);
    for (size_t j = 0; j < ay->n; j++)
        for (size_t i = 0; i < ax->n; i++)
            scale_add(&c, ow_combo_spread(s, map_combo(&m, i, j), figure).median);
    if (!(c.lo <= c.hi))
        return ow_fail(err, OW_ERR_INPUT, "%s over %s and %s: no point has a value of it",
                       f->name, ax->name, ay->name);
    scale_close(&c, f->unit, strcmp(f->unit, "dB") != 0 && strcmp(f->unit, "bit") != 0);
    if (!(c.hi > c.lo)) /* one value everywhere */
        c.hi = c.lo + fmax(fabs(c.lo), 1e-12) * 1e-3;
    ow_picture_begin(g, canvas, 0);
    ow_picture_palette(to);
    fputs("unset grid\nset style fill solid\nset object 9999 rectangle from graph 0,0 to graph "
          "1,1 "
          "fc rgb '#dddddd' fs solid noborder behind\nset border 0\n",
          to);
    put_names(to, "x", ax, 44);
    put_names(to, "y", ay, 0);
    fputs("set tics scale 0\n", to);
    snprintf(unit, sizeof unit, "%s", "");
    ow_picture_label(to, "x", ax->title, unit);
    ow_picture_label(to, "y", strlen(ay->title) > 44 ? ay->name : ay->title, unit);
    ow_picture_label(to, "cb", f->title, c.unit);
    fputs("set cblabel font ',13'\n", to);
    if (c.is_log)
        put_log_tics(to, "cb", c.lo, c.hi);
    fprintf(to, "set cbrange [%.6g:%.6g]\nset xrange [-0.5:%g]\nset yrange [-0.5:%g]\n", c.lo,
            c.hi, (double)ax->n - 0.5, (double)ay->n - 0.5);
    fputs("set colorbox user origin screen 0.86, graph 0 size screen 0.028, graph 1 noborder\n"
          "set rmargin screen 0.83\n",
          to);
    put_cells(to, &m, &c);
    fputs("plot $m using 1:2:3 with image notitle\n", to);
    ow_picture_capital(caption, f->title);
    fputs(" over ", caption);
    ow_view_axis(s, x, caption);
    fputs(" and ", caption);
    ow_view_axis(s, y, caption);
    fputs(has_bands(s) ? ", medians of the seeds." : ".", caption);
    if (s->limits.n > 0 && ax->n * ay->n <= MOST_FRAMES)
        fputs(" Framed: every point there keeps all limits.", caption);
    struct ow_view rest = {0};
    for (size_t k = 0; k < s->n_axis; k++) {
        rest.n_shown[k] = k != x && k != y && ow_view_can_show(s, k);
        rest.index[0][k] = m.index[k];
    }
    ow_view_rest(s, &rest, caption);
    return OW_OK;
}

/* ---- parts of the energy ----------------------------------------------------------- */

enum { N_PART = 6, MOST_PANELS = 4, MOST_BARS = 40 };
static const struct {
    size_t figure;
    const char *title, *colour;
} part[N_PART] = {
    {OW_F_DEVICES, "devices", "#0072b2"}, {OW_F_WIRES, "wires", "#e69f00"},
    {OW_F_DRIVERS, "drivers", "#009e73"}, {OW_F_SENSE, "sense amplifiers", "#56b4e9"},
    {OW_F_DAC, "DAC", "#d55e00"},         {OW_F_ADC, "ADC", "#cc79a7"}};

struct bars {
    struct ow_view view;
    size_t n;                                 /* bars of a panel             */
    double e[MOST_PANELS][MOST_BARS][N_PART]; /* J a MAC, 0 where not known  */
    double top[MOST_PANELS], least, most;     /* the highest of each panel; of those */
    bool is_there[N_PART];
};

static void find_bars(const struct ow_survey *s, struct bars *b)
{
    *b = (struct bars){.view = ow_view_choose(s, MOST_PANELS), .least = INFINITY};
    const size_t n = ow_view_places(s, &b->view);
    b->n = n < MOST_BARS ? n : MOST_BARS;
    for (size_t line = 0; line < b->view.n_line; line++) {
        for (size_t k = 0; k < b->n; k++) {
            double sum = 0.0;
            for (size_t p = 0; p < N_PART; p++) {
                const double e =
                    ow_combo_per_mac(s, ow_view_combo(s, &b->view, line, k), part[p].figure);
                b->e[line][k][p] = e > 0.0 ? e : 0.0;
                b->is_there[p] = b->is_there[p] || e > 0.0;
                sum += b->e[line][k][p];
            }
            b->top[line] = fmax(b->top[line], sum);
        }
        if (b->top[line] > 0.0) {
            b->least = fmin(b->least, b->top[line]);
            b->most = fmax(b->most, b->top[line]);
        }
    }
}

static void put_panel(FILE *to, const struct ow_survey *s, const struct bars *b, size_t line,
                      double one, double left, double right, bool has_tics)
{
    char title[200];
    ow_view_line(s, &b->view, line, title);
    fprintf(to, "$p%zu << E\n", line);
    for (size_t k = 0; k < b->n; k++) {
        for (size_t p = 0; p < N_PART; p++)
            fprintf(to, "%.6g ", b->e[line][k][p] / one);
        fputc('\n', to);
    }
    fprintf(to, "E\nset lmargin at screen %.4f\nset rmargin at screen %.4f\n", left, right);
    fputs("set title offset 0,-0.6 font ',13' ", to);
    ow_gnuplot_text(to, title);
    if (line > 0)
        fputs("\nunset ylabel", to);
    if (!has_tics)
        fputs("\nset format y ''", to);
    if (line + 1 == b->view.n_line)
        fputs(
            "\nset key at screen 0.995, screen 0.93 right top Left reverse vertical samplen 1 "
            "width -4 invert",
            to);
    fputs("\nplot ", to);
    for (size_t p = 0, n = 0; p < N_PART; p++)
        if (b->is_there[p])
            fprintf(to, "%s$p%zu using %zu lc rgb '%s' title '%s'", n++ ? ", " : "", line,
                    p + 1, part[p].colour, part[p].title);
    fputc('\n', to);
}

enum ow_status ow_picture_parts(const struct ow_survey *s, const struct ow_canvas *canvas,
                                struct ow_gnuplot *g, FILE *caption, struct ow_error *err)
{
    struct bars b;
    char unit[24];
    FILE *to = g->to;
    find_bars(s, &b);
    if (!(b.most > 0.0))
        return ow_fail(err, OW_ERR_INPUT, "energy: no point has a value of its parts");
    const struct ow_axis *a = b.view.x < s->n_axis ? &s->axis[b.view.x] : NULL;
    const bool is_own = b.most > 3.0 * b.least; /* a scale for each panel, else one for all */
    const double one = ow_words_axis(b.most, "J", unit);
    ow_picture_begin(g, canvas, 0);
    fputs("set style data histograms\nset style histogram rowstacked\nset boxwidth 0.68\n"
          "set style fill solid border rgb '#ffffff'\nset key off\nset grid noxtics ytics\n",
          to);
    if (a)
        put_names(to, "x", a, 110 / b.view.n_line);
    else
        fputs("unset xtics\n", to);
    fprintf(to, "set xrange [-0.6:%g]\nset bmargin at screen 0.2\nset tmargin at screen 0.91\n",
            (double)b.n - 0.4);
    ow_picture_label(to, "x", a ? a->title : "", "");
    ow_picture_label(to, "y", "energy per MAC", unit);
    const double left = 0.08, right = 0.84, gap = is_own ? 0.05 : 0.025,
                 width = (right - left + gap) / (double)b.view.n_line;
    fputs("set multiplot\n", to);
    for (size_t line = 0; line < b.view.n_line; line++) {
        const double from = left + width * (double)line;
        const double top = is_own ? b.top[line] : b.most;
        fprintf(to, "set yrange [0:%.6g]\n", 1.06 * (top > 0.0 ? top : b.most) / one);
        put_panel(to, s, &b, line, one, from, from + width - gap, is_own || line == 0);
    }
    fputs("unset multiplot\n", to);
    fprintf(caption,
            "Where the energy of a MAC goes: what each part dissipates in a read, by the "
            "balance of "
            "the simulation, over the number of products%s. %s is billed otherwise (charge "
            "from the "
            "supply, amplifiers for the whole cycle).%s",
            has_bands(s) ? "; medians of the seeds" : "", s->figure[s->energy].name,
            is_own ? " The panels have scales of their own." : "");
    if (b.n < ow_view_places(s, &b.view))
        fprintf(caption, " The first %zu of %zu values are shown.", b.n,
                ow_view_places(s, &b.view));
    ow_view_rest(s, &b.view, caption);
    return OW_OK;
}
