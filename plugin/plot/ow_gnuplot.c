#define _GNU_SOURCE /* memfd_create, pipe2 */
#include "ow_gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ow_file.h"
#include "ow_quote.h"

extern char **environ;

/* ---- the script -------------------------------------------------------------------- */

enum ow_status ow_gnuplot_begin(struct ow_gnuplot *g, struct ow_error *err)
{
    *g = (struct ow_gnuplot){0};
    g->to = open_memstream(&g->script, &g->n);
    if (!g->to)
        return ow_fail(err, OW_ERR_NOMEM, "a picture: out of memory");
    fputs("set encoding utf8\nset micro\n", g->to);
    return OW_OK;
}

void ow_gnuplot_discard(struct ow_gnuplot *g)
{
    if (g->to)
        fclose(g->to);
    free(g->script);
    *g = (struct ow_gnuplot){0};
}

void ow_gnuplot_term(struct ow_gnuplot *g, enum ow_picture kind, int width, int height,
                     int letters)
{
    if (kind == OW_PICTURE_PNG) /* 72 of cairo's pixels an inch, twice; SVG has 96 */
        fprintf(g->to,
                "set term pngcairo noenhanced size %d,%d font 'Arial,%d' fontscale 1.5 "
                "linewidth 2 pointscale 2 background '#ffffff'\n",
                2 * width, 2 * height, letters);
    else
        fprintf(g->to,
                "set term svg noenhanced standalone size %d,%d font 'Arial,%d' "
                "background '#ffffff'\n",
                width, height, letters);
}

/* Double quotes, and every character that could mean anything as its number: quotes and the end
 * of a string, `commands`, @macros, markup.  A digit behind a number would be taken for a part
 * of it, so it becomes one as well. */
static void put_text(FILE *to, const char *text, bool is_format)
{
    bool is_number = false;
    fputc('"', to);
    while (*text) {
        const size_t n = ow_utf8_length(text);
        const unsigned char c = (unsigned char)*text;
        const bool is_digit = c >= '0' && c <= '9';
        const bool is_plain = n > 1 || (is_digit && !is_number) || (c >= 'A' && c <= 'Z') ||
                              (c >= 'a' && c <= 'z') || c == ' ';
        if (is_plain)
            fwrite(text, 1, n, to);
        else
            fprintf(to, "\\%03o%s",
                    n == 0                  ? '?'
                    : c < 0x20 || c == 0x7f ? ' '
                                            : c,
                    c == '%' && is_format ? "\\045" : "");
        is_number = !is_plain;
        text += n ? n : 1;
    }
    fputc('"', to);
}

void ow_gnuplot_text(FILE *to, const char *text)
{
    put_text(to, text, false);
}

void ow_gnuplot_tic(FILE *to, const char *text)
{
    put_text(to, text, true);
}

/* ---- the process ------------------------------------------------------------------- */

/* Files without a name: a pipe would make one of us wait for the other. */
enum { SCRIPT, PICTURE, SAYS, N_FD };

static enum ow_status start(const int fd[N_FD], pid_t *pid, struct ow_error *err)
{
    char *const argv[] = {"gnuplot", "--default-settings", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t too_large; /* ends it, whatever we think of it: it would draw half a picture */
    sigemptyset(&too_large);
    sigaddset(&too_large, SIGXFSZ);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &too_large);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&actions);
    for (int k = 0; k < N_FD; k++)
        posix_spawn_file_actions_adddup2(&actions, fd[k], k);
    const int e = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (e)
        return ow_fail(err, OW_ERR_HOST,
                       "gnuplot: %s: expected the Debian package gnuplot-nox, or another "
                       "gnuplot 5.4 or later on the path",
                       strerror(e));
    return OW_OK;
}

/* What gnuplot complained about: its last line with words. */
static void last_words(int fd, char *text, size_t size)
{
    const off_t end = lseek(fd, 0, SEEK_END);
    const off_t from = end > (off_t)size - 1 ? end - ((off_t)size - 1) : 0;
    const ssize_t n = pread(fd, text, size - 1, from);
    text[n > 0 ? n : 0] = '\0';
    char *last = text;
    for (char *c = text; *c; c++) {
        if (*c == '\n' && c[1] && c[1] != '\n')
            last = c + 1;
        if ((unsigned char)*c < 0x20)
            *c = ' ';
    }
    memmove(text, last, strlen(last) + 1);
}

static enum ow_status take(int fd, char **picture, size_t *n, struct ow_error *err)
{
    struct stat s;
    if (fstat(fd, &s) != 0 || s.st_size <= 0)
        return ow_fail(err, OW_ERR_HOST, "gnuplot: drew nothing");
    *n = (size_t)s.st_size;
    *picture = malloc(*n + 1);
    if (!*picture)
        return ow_fail(err, OW_ERR_NOMEM, "a picture: out of memory");
    for (size_t k = 0; k < *n;) {
        const ssize_t got = pread(fd, *picture + k, *n - k, (off_t)k);
        if (got <= 0) {
            free(*picture);
            return ow_fail(err, OW_ERR_HOST, "gnuplot: its picture cannot be read");
        }
        k += (size_t)got;
    }
    (*picture)[*n] = '\0';
    return OW_OK;
}

static enum ow_status write_script(const struct ow_gnuplot *g, int fd, struct ow_error *err)
{
    for (size_t k = 0; k < g->n;) {
        const ssize_t n = write(fd, g->script + k, g->n - k);
        if (n < 0)
            return ow_fail(err, OW_ERR_HOST, "gnuplot: its script: %s", strerror(errno));
        k += (size_t)n;
    }
    lseek(fd, 0, SEEK_SET);
    return OW_OK;
}

static enum ow_status run(const struct ow_gnuplot *g, const int fd[N_FD], char **picture,
                          size_t *n, struct ow_error *err)
{
    char words[400];
    pid_t pid;
    int status;
    enum ow_status st;
    if ((st = write_script(g, fd[SCRIPT], err)) || (st = start(fd, &pid, err)))
        return st;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return ow_fail(err, OW_ERR_HOST, "gnuplot: %s", strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return take(fd[PICTURE], picture, n, err);
    if (WIFSIGNALED(status)) /* its last words are about something else */
        return ow_fail(err, OW_ERR_HOST, "gnuplot: %s", strsignal(WTERMSIG(status)));
    last_words(fd[SAYS], words, sizeof words);
    return ow_fail(err, OW_ERR_HOST, "gnuplot: failed: %.200s", *words ? words : "no message");
}

enum ow_status ow_gnuplot_draw(struct ow_gnuplot *g, char **picture, size_t *n,
                               struct ow_error *err)
{
    int fd[N_FD];
    enum ow_status st = OW_OK;
    fclose(g->to);
    g->to = NULL;
    for (int k = 0; k < N_FD; k++) {
        /* above the standard ones, so that dup2() in the child is one */
        const int low = memfd_create("gnuplot", MFD_CLOEXEC);
        fd[k] = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, 3);
        if (low >= 0)
            close(low);
        if (fd[k] < 0 && !st)
            st = ow_fail(err, OW_ERR_HOST, "gnuplot: %s", strerror(errno));
    }
    if (!st && !g->script)
        st = ow_fail(err, OW_ERR_NOMEM, "a picture: out of memory");
    if (!st)
        st = run(g, fd, picture, n, err);
    for (int k = 0; k < N_FD; k++)
        if (fd[k] >= 0)
            close(fd[k]);
    ow_gnuplot_discard(g);
    return st;
}

enum ow_status ow_gnuplot_save(struct ow_gnuplot *g, const char *path, struct ow_error *err)
{
    struct ow_file file = {0};
    char *picture;
    size_t n;
    enum ow_status st = ow_gnuplot_draw(g, &picture, &n, err);
    if (st)
        return st;
    st = ow_file_create(path, &file, err);
    if (!st) {
        fwrite(picture, 1, n, file.to);
        st = ow_file_commit(&file, err);
    }
    free(picture);
    return st;
}

/* ---- in a page --------------------------------------------------------------------- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Past an element at `svg` if it is <NAME>...</NAME>. */
static const char *past(const char *svg, const char *open, const char *close)
{
    const char *end = begins(svg, open) ? strstr(svg, close) : NULL;
    return end ? end + strlen(close) : svg;
}

void ow_gnuplot_put_inline(const char *svg, const char *prefix, FILE *to)
{
    static const char *const naming[] = {"id='", "id=\"", "href='#", "href=\"#", "url(#"};
    bool is_tag = false;
    const char *c = strstr(svg, "<svg");
    while (c && *c) {
        const char *after = past(past(c, "<title>", "</title>"), "<desc>", "</desc>");
        if (!is_tag && after > c) {
            c = after;
            continue;
        }
        size_t n = 1;
        if (*c == '<')
            is_tag = true;
        else if (*c == '>')
            is_tag = false;
        if (is_tag && begins(c, "<image "))
            n = strlen("<image ");
        for (size_t k = 0; is_tag && k < sizeof naming / sizeof naming[0]; k++)
            if (begins(c, naming[k]))
                n = strlen(naming[k]);
        fwrite(c, 1, n, to);
        if (n > 1)
            fputs(*c == '<' ? "style='image-rendering:pixelated' " : prefix, to);
        c += n;
    }
}
