#include "cli_plot.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ow_file.h"

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

/* A gnuplot string: single quotes, doubled inside. */
static void put_quoted(FILE *to, const char *text)
{
    fputc('\'', to);
    for (; *text; text++) {
        if (*text == '\'')
            fputc('\'', to);
        fputc(*text, to);
    }
    fputc('\'', to);
}

static void put_script(FILE *to, const char *path, const char *title, const char *engine_csv,
                       const char *spice_csv, const size_t column[], size_t n_shown,
                       double t_sample)
{
    fputs("set term svg size 900,560 font 'sans,14' background '#ffffff' name 'verify'\n"
          "set datafile separator ','\nset output ",
          to);
    put_quoted(to, path);
    fputs("\nset title ", to);
    put_quoted(to, title);
    fputs(" noenhanced\nset xlabel 'time (ns)'\nset ylabel 'sense output (mV)'\n"
          "set autoscale xfix\nset grid lc '#dddddd'\nset border 3\nset tics nomirror out\n"
          "set key outside right top samplen 2\n",
          to);
    fprintf(to,
            "set arrow from %.9g, graph 0 to %.9g, graph 1 nohead dt 2 lc '#888888'\n"
            "set label 'sampled' at %.9g, graph 1 center offset 0,0.6 tc '#666666'\n"
            "array colour[4] = ['#0072b2', '#d55e00', '#009e73', '#cc79a7']\n"
            "engine = ",
            1e9 * t_sample, 1e9 * t_sample, 1e9 * t_sample);
    put_quoted(to, engine_csv);
    fputs("\nspice = ", to);
    put_quoted(to, spice_csv);
    fputs("\nplot ", to);
    for (size_t k = 0; k < n_shown; k++)
        fprintf(to,
                "engine skip 2 using ($1*1e9):($%zu*1e3) with lines lw 2 lc rgb colour[%zu] "
                "title 'out%zu CVODE', "
                "spice skip 2 using ($1*1e9):($%zu*1e3) every 6 with points pt 6 ps 0.7 lc rgb "
                "colour[%zu] title 'out%zu ngspice'%s",
                column[k] + 2, k + 1, column[k], column[k] + 2, k + 1, column[k],
                k + 1 < n_shown ? ", " : "\n");
}

/* The same with Greek letters for cli_si()'s "us" and "kohm". */
static void put_title(FILE *to, const char *text)
{
    char greek[1200];
    size_t n = 0;
    for (const char *c = text; *c && n + 4 < sizeof greek; c++) {
        const bool is_number = c > text + 1 && c[-1] == ' ' && c[-2] >= '0' && c[-2] <= '9';
        if (is_number && *c == 'u' && c[1] != ' ') {
            memcpy(greek + n, "\302\265", 2);
            n += 2;
        } else if (strncmp(c, "ohm", 3) == 0) {
            memcpy(greek + n, "\316\251", 2);
            n += 2;
            c += 2;
        } else
            greek[n++] = *c;
    }
    greek[n] = '\0';
    put_quoted(to, greek);
}

static FILE *open_gnuplot(struct ow_error *err)
{
    signal(SIGPIPE, SIG_IGN); /* a gnuplot that is not there closes its end at once */
    FILE *gnuplot = popen("gnuplot 2>/dev/null", "w");
    if (!gnuplot)
        ow_fail(err, OW_ERR_HOST, "gnuplot: %s", strerror(errno));
    return gnuplot;
}

static enum ow_status close_gnuplot(FILE *gnuplot, const char *path, struct ow_error *err)
{
    const int status = pclose(gnuplot);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && access(path, R_OK) == 0)
        return OW_OK;
    return ow_fail(err, OW_ERR_HOST,
                   "%s was not drawn: gnuplot is missing or failed (Debian package "
                   "gnuplot-nox)",
                   path);
}

enum ow_status cli_plot_waves(const char *path, const char *title, const char *engine_csv,
                              const char *spice_csv, const size_t column[], size_t n_shown,
                              double t_sample, struct ow_error *err)
{
    FILE *gnuplot = open_gnuplot(err);
    if (!gnuplot)
        return OW_ERR_HOST;
    put_script(gnuplot, path, title, engine_csv, spice_csv, column, n_shown, t_sample);
    return close_gnuplot(gnuplot, path, err);
}

/* ---- current-voltage loops ------------------------------------------------------------- */

/* More loops than this are a fan of thin lines. */
enum { MOST_BOLD = 4 };

/* The scales of both panels. */
struct loop_scale {
    double v, i;           /* largest |v| (V) and |i| (A)                          */
    double floor;          /* A, where the logarithmic panel ends                  */
    double v_unit, i_unit; /* what one unit of the axis is                         */
    char v_name[8], i_name[8];
};

/* 1e-6 and "uA" with a Greek mu, for a largest value of 3.4e-5 A. */
static double axis_unit(double largest, const char *unit, char name[8])
{
    static const char *const prefix[] = {"f", "p", "n", "\302\265", "m", "", "k", "M"};
    const int unity = 5, n_prefix = 8;
    int k = largest > 0.0 ? (int)floor(log10(largest) / 3.0) + unity : unity;
    k = k < 0 ? 0 : k >= n_prefix ? n_prefix - 1 : k;
    snprintf(name, 8, "%s%s", prefix[k], unit);
    return pow(10.0, 3.0 * (k - unity));
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
    FILE *to = open_gnuplot(err);
    if (!to)
        return OW_ERR_HOST;
    fputs("set encoding utf8\n"
          "set term svg size 1000,440 font 'sans,15' background '#ffffff' name 'iv'\n"
          "set output ",
          to);
    put_quoted(to, path);
    fputc('\n', to);
    put_data(to, l, &s);
    fputs("set multiplot layout 1,2 title ", to);
    put_title(to, l->title);
    fputs(" font 'sans,14' noenhanced\n"
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
    fprintf(
        to,
        "unset arrow\nunset key\nunset offsets\nset ylabel '|current| (A)'\nset logscale y\n"
        "set format y '10^{%%T}'\nset mytics 10\nset yrange [%.4g:%.4g]\n",
        s.floor, 2.0 * s.i);
    put_panel(to, l, &s, true, line);
    fputs("unset multiplot\n", to);
    return close_gnuplot(to, path, err);
}
