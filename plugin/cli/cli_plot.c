#include "cli_plot.h"

#include <math.h>
#include <string.h>

#include "ow_file.h"
#include "ow_gnuplot.h"
#include "ow_si.h"

enum ow_status cli_write_wave(const char *path, const char *host, const struct ow_reading *r,
                              struct ow_error *err)
{
    struct ow_file file = {0};
    const enum ow_status st = ow_file_create(path, &file, err);
    if (st)
        return st;
    fprintf(file.to, "# sense outputs by %s; time in s, outputs in V\nt", host);
    for (size_t j = 0; j < r->cols; j++)
        fprintf(file.to, ",out%zu", j);
    for (size_t k = 0; k < r->wave.n; k++) {
        fprintf(file.to, "\n%.12g", r->wave.t[k]);
        for (size_t j = 0; j < r->cols; j++)
            fprintf(file.to, ",%.9g", r->wave.v[k * r->cols + j]);
    }
    fputc('\n', file.to);
    return ow_file_commit(&file, err);
}

/* Columns of a data block: ns, then mV of the outputs shown. */
static void put_wave(FILE *to, const char *name, const struct ow_reading *r,
                     const size_t column[], size_t n_shown)
{
    fprintf(to, "$%s << EOD\n", name);
    for (size_t k = 0; k < r->wave.n; k++) {
        fprintf(to, "%.9g", 1e9 * r->wave.t[k]);
        for (size_t j = 0; j < n_shown; j++)
            fprintf(to, " %.6g", 1e3 * r->wave.v[k * r->cols + column[j]]);
        fputc('\n', to);
    }
    fputs("EOD\n", to);
}

enum ow_status cli_plot_waves(const char *path, const char *title, const char *name,
                              const struct ow_reading *engine, const struct ow_reading *spice,
                              const size_t column[], size_t n_shown, double t_sample,
                              struct ow_error *err)
{
    struct ow_gnuplot g;
    const enum ow_status st = ow_gnuplot_begin(&g, err);
    if (st)
        return st;
    ow_gnuplot_term(&g, OW_PICTURE_SVG, 900, 560, 14);
    put_wave(g.to, "engine", engine, column, n_shown);
    put_wave(g.to, "spice", spice, column, n_shown);
    fputs("set title ", g.to);
    ow_gnuplot_text(g.to, title);
    fputs("\nset xlabel 'time (ns)'\nset ylabel 'sense output (mV)'\n"
          "set autoscale xfix\nset grid lc '#dddddd'\nset border 3\nset tics nomirror out\n"
          "set key outside right top samplen 2\n",
          g.to);
    fprintf(g.to,
            "set arrow from %.9g, graph 0 to %.9g, graph 1 nohead dt 2 lc '#888888'\n"
            "set label 'sampled' at %.9g, graph 1 center offset 0,0.6 tc '#666666'\n"
            "array colour[4] = ['#0072b2', '#d55e00', '#009e73', '#cc79a7']\nplot ",
            1e9 * t_sample, 1e9 * t_sample, 1e9 * t_sample);
    for (size_t k = 0; k < n_shown; k++)
        fprintf(g.to,
                "$engine using 1:%zu with lines lw 2 lc rgb colour[%zu] title 'out%zu %s', "
                "$spice using 1:%zu every 6 with points pt 6 ps 0.7 lc rgb colour[%zu] "
                "title 'out%zu ngspice'%s",
                k + 2, k + 1, column[k], name, k + 2, k + 1, column[k],
                k + 1 < n_shown ? ", " : "\n");
    return ow_gnuplot_save(&g, path, err);
}

/* ---- current-voltage loops ------------------------------------------------------------- */

/* More loops than this are a fan of thin lines. */
enum { MOST_BOLD = 4 };

/* The scales of both panels. */
struct loop_scale {
    double v, i;           /* largest |v| (V) and |i| (A)                          */
    double floor;          /* A, where the logarithmic panel ends                  */
    double v_unit, i_unit; /* what one unit of the axis is                         */
    char v_name[16], i_name[16];
};

/* With a Greek mu. */
static double axis_unit(double largest, const char *unit, char name[16])
{
    char plain[16];
    const double one = ow_si_axis(largest, unit, plain);
    snprintf(name, 16, "%s%s", plain[0] == 'u' ? "\302\265" : "", plain + (plain[0] == 'u'));
    return one;
}

static struct loop_scale scale_of(const struct cli_loops *l)
{
    struct loop_scale s = {.floor = INFINITY};
    for (size_t d = 0; d < l->n_device; d++)
        for (size_t k = 0; k < l->wave[d].n; k++) {
            const double *row = ow_iv_row(&l->wave[d], k);
            s.v = fmax(s.v, fabs(row[OW_IV_V]));
            s.i = fmax(s.i, fabs(row[OW_IV_I]));
        }
    for (size_t k = 0; l->measured && k < l->measured->rows; k++) {
        const double *row = ow_matrix_row(l->measured, k) + l->measured->cols - 2;
        s.v = fmax(s.v, fabs(row[0]));
        s.i = fmax(s.i, fabs(row[1]));
    }
    /* |i| falls to 0 with v in any case: the current at a twentieth of the voltage is the
     * least that says something. */
    for (size_t d = 0; d < l->n_device; d++)
        for (size_t k = 0; k < l->wave[d].n; k++) {
            const double *row = ow_iv_row(&l->wave[d], k);
            if (fabs(row[OW_IV_V]) > 0.05 * s.v && fabs(row[OW_IV_I]) > 0.0)
                s.floor = fmin(s.floor, fabs(row[OW_IV_I]));
        }
    s.floor = pow(10.0, floor(log10(fmin(s.floor, 0.1 * s.i)) + 1e-9));
    s.v_unit = axis_unit(s.v, "V", s.v_name);
    s.i_unit = axis_unit(s.i, "A", s.i_name);
    return s;
}

/* One line of a data block: v and i in units of the axes, |i| in ampere. */
static void put_point(FILE *to, const struct loop_scale *s, double v, double i)
{
    fprintf(to, "%.6g %.6g %.6g\n", v / s->v_unit, i / s->i_unit,
            fmax(fabs(i), 0.1 * s->floor));
}

/* A loop, without the points that lie within `near` of half a panel from the last. */
static void put_loop(FILE *to, const struct loop_scale *s, const struct ow_iv_wave *w,
                     double near)
{
    const double decades = log10(s->i / s->floor);
    double v = INFINITY, i = INFINITY, log_i = INFINITY;
    bool is_last_out = true;
    for (size_t k = 0; k < w->n; k++) {
        const double *row = ow_iv_row(w, k);
        const double log_now = log10(fmax(fabs(row[OW_IV_I]), 0.1 * s->floor));
        const bool is_near = fabs(row[OW_IV_V] - v) < near * s->v &&
                             fabs(row[OW_IV_I] - i) < near * s->i &&
                             fabs(log_now - log_i) < near * decades;
        if (is_near) {
            is_last_out = false;
            continue;
        }
        /* an abrupt edge begins where it began, not at the last point drawn */
        if (!is_last_out)
            put_point(to, s, ow_iv_row(w, k - 1)[OW_IV_V], ow_iv_row(w, k - 1)[OW_IV_I]);
        put_point(to, s, row[OW_IV_V], row[OW_IV_I]);
        is_last_out = true;
        v = row[OW_IV_V];
        i = row[OW_IV_I];
        log_i = log_now;
    }
    fputc('\n', to);
}

/* ngspice's loop as about fifty points a period, evenly along the curve in the linear panel. */
static void put_dots(FILE *to, const struct loop_scale *s, const struct ow_iv_wave *w)
{
    double way = INFINITY;
    for (size_t k = 0; k < w->n; k++) {
        const double *row = ow_iv_row(w, k), *last = ow_iv_row(w, k ? k - 1 : 0);
        way +=
            hypot((row[OW_IV_V] - last[OW_IV_V]) / s->v, (row[OW_IV_I] - last[OW_IV_I]) / s->i);
        if (way < 0.12)
            continue;
        put_point(to, s, row[OW_IV_V], row[OW_IV_I]);
        way = 0.0;
    }
}

/* Which way round: an arrow in the middle of each branch of the last period. */
static void put_arrows(FILE *to, const struct loop_scale *s, const struct cli_loops *l)
{
    const struct ow_iv_wave *w = &l->wave[0];
    const double begin = (double)(l->cycles - 1) * l->period;
    size_t k = 0;
    for (int branch = 0; branch < 4; branch++) {
        const double t = begin + (0.14 + 0.25 * branch - (branch % 2 ? 0.03 : 0.0)) * l->period;
        while (k + 1 < w->n && ow_iv_row(w, k)[OW_IV_T] < t)
            k++;
        const double *b = ow_iv_row(w, k);
        size_t j = k;
        double dv = 0.0, di = 0.0, way = 0.0;
        while (j > 0 && way < 0.03) {
            j--;
            dv = (b[OW_IV_V] - ow_iv_row(w, j)[OW_IV_V]) / s->v;
            di = (b[OW_IV_I] - ow_iv_row(w, j)[OW_IV_I]) / s->i;
            way = hypot(dv, di);
        }
        if (way < 0.03 || way > 0.3) /* at rest, or in the middle of a jump */
            continue;
        fprintf(to,
                "set arrow from %.6g,%.6g to %.6g,%.6g head filled size screen 0.013,20 fixed "
                "front lw "
                "1.2 lc rgb '#0072b2'\n",
                (b[OW_IV_V] - 0.03 / way * dv * s->v) / s->v_unit,
                (b[OW_IV_I] - 0.03 / way * di * s->i) / s->i_unit, b[OW_IV_V] / s->v_unit,
                b[OW_IV_I] / s->i_unit);
    }
}

static void put_panel(FILE *to, const struct cli_loops *l, const struct loop_scale *s,
                      bool is_log, const char *line)
{
    const int column = is_log ? 3 : 2;
    fprintf(to, "plot $loop using 1:%d with lines %s title %s", column, line,
            l->spice      ? "'CVODE'"
            : l->measured ? "'model'"
                          : "''");
    if (l->spice)
        fprintf(to,
                ", $spice using 1:%d with points pt 6 ps 0.6 lw 1.2 lc rgb '#d55e00' title "
                "'ngspice'",
                column);
    if (l->measured)
        fprintf(to,
                ", $measured using 1:%d with points pt 7 ps 0.4 lc rgb '#333333' title "
                "'measured'",
                column);
    fputc('\n', to);
}

static void put_data(FILE *to, const struct cli_loops *l, const struct loop_scale *s)
{
    fputs("$loop << EOD\n", to);
    for (size_t d = 0; d < l->n_device; d++)
        put_loop(to, s, &l->wave[d], l->n_device * l->cycles > MOST_BOLD ? 6e-3 : 2e-3);
    fputs("EOD\n", to);
    if (l->spice) {
        fputs("$spice << EOD\n", to);
        put_dots(to, s, &l->spice[0]);
        fputs("EOD\n", to);
    }
    if (l->measured) {
        const size_t v = l->measured->cols - 2;
        fputs("$measured << EOD\n", to);
        for (size_t k = 0; k < l->measured->rows; k++) {
            const double *row = ow_matrix_row(l->measured, k);
            put_point(to, s, row[v], row[v + 1]);
        }
        fputs("EOD\n", to);
    }
}

enum ow_status cli_plot_loops(const char *path, const struct cli_loops *l, struct ow_error *err)
{
    const struct loop_scale s = scale_of(l);
    const size_t n_loop = l->n_device * l->cycles;
    const bool is_fan = n_loop > MOST_BOLD;
    /* The more of them, the thinner and the more transparent. */
    const double bold = is_fan ? (double)MOST_BOLD / (double)n_loop : 1.0;
    char line[64];
    snprintf(line, sizeof line, "lw %.2f lc rgb '#%02x0072b2'", 0.7 + 1.1 * bold,
             (unsigned)(160.0 * (1.0 - bold)));
    struct ow_gnuplot g;
    char title[1200];
    const enum ow_status st = ow_gnuplot_begin(&g, err);
    if (st)
        return st;
    FILE *to = g.to;
    ow_gnuplot_term(&g, OW_PICTURE_SVG, 1000, 440, 15);
    put_data(to, l, &s);
    fputs("set multiplot layout 1,2 title ", to);
    ow_si_greek(l->title, title, sizeof title);
    ow_gnuplot_text(to, title);
    fputs(" font ',14'\n"
          "set border 3 lw 1.2\nset tics nomirror out\nset grid lc rgb '#e4e4e4' lw 0.8\n"
          "set key top left reverse Left samplen 1.5 font ',13'\n",
          to);
    fprintf(to,
            "set xlabel 'voltage across the device (%s)'\nset ylabel 'current (%s)'\n"
            "set xrange [%.4g:%.4g]\nset offsets 0, 0, graph 0.04, graph 0.04\nset xzeroaxis "
            "lc rgb '#888888'\n"
            "set yzeroaxis lc rgb '#888888'\n",
            s.v_name, s.i_name, -1.08 * s.v / s.v_unit, 1.08 * s.v / s.v_unit);
    if (!is_fan)
        put_arrows(to, &s, l);
    put_panel(to, l, &s, false, line);
    fprintf(to,
            "unset arrow\nunset key\nunset offsets\nset ylabel '|current|'\nset logscale y\n"
            "set format y '%%.0s %%cA'\nset mytics 10\nset yrange [%.4g:%.4g]\n",
            s.floor, 2.0 * s.i);
    put_panel(to, l, &s, true, line);
    fputs("unset multiplot\n", to);
    return ow_gnuplot_save(&g, path, err);
}
