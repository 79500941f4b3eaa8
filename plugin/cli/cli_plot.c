#include "cli_plot.h"

#include <errno.h>
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
          "set grid lc '#dddddd'\nset border 3\nset tics nomirror out\n"
          "set key outside right top samplen 2\n",
          to);
    fprintf(to,
            "set arrow from %.9g, graph 0 to %.9g, graph 1 nohead dt 2 lc '#888888'\n"
            "set label 'sampled' at %.9g, graph 0.04 offset 0.6,0 tc '#666666'\n"
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

enum ow_status cli_plot_waves(const char *path, const char *title, const char *engine_csv,
                              const char *spice_csv, const size_t column[], size_t n_shown,
                              double t_sample, struct ow_error *err)
{
    signal(SIGPIPE, SIG_IGN); /* a gnuplot that is not there closes its end at once */
    FILE *gnuplot = popen("gnuplot 2>/dev/null", "w");
    if (!gnuplot)
        return ow_fail(err, OW_ERR_HOST, "gnuplot: %s", strerror(errno));
    put_script(gnuplot, path, title, engine_csv, spice_csv, column, n_shown, t_sample);
    const int status = pclose(gnuplot);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && access(path, R_OK) == 0)
        return OW_OK;
    return ow_fail(err, OW_ERR_HOST,
                   "%s was not drawn: gnuplot is missing or failed (Debian package "
                   "gnuplot-nox)",
                   path);
}
