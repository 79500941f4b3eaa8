/* The built program run as a user runs it, in a directory of the test's own.
 *
 * Environment, set by meson: OW_PROGRAM is the program. */
#ifndef OW_RUN_H
#define OW_RUN_H

#ifndef _GNU_SOURCE
#error "define _GNU_SOURCE before the first include"
#endif
#include "ow_check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a directory for every test -------------------------------------------------------- */

static char dir[64], cwd[2000];

static inline void put_bytes(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
}

static inline void put(const char *path, const char *text)
{
    put_bytes(path, text, strlen(text));
}

static inline char *get(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
    char *text = calloc(1, 1 << 22);
    ck_assert_ptr_nonnull(text);
    const size_t got = fread(text, 1, (1 << 22) - 1, f);
    fclose(f);
    if (n)
        *n = got;
    return text;
}

/* Names in a directory, without "." and ".."; with `name` only those that begin so. */
static inline int count_files(const char *path, const char *name)
{
    DIR *d = opendir(path);
    int n = 0;
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.' && (!name || strncmp(e->d_name, name, strlen(name)) == 0);
    closedir(d);
    return n;
}

static inline void remove_all(const char *path)
{
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));) {
        char *name;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (asprintf(&name, "%s/%s", path, e->d_name) < 0)
            break;
        if (unlink(name) != 0)
            remove_all(name);
        free(name);
    }
    if (d)
        closedir(d);
    rmdir(path);
}

static inline void enter_directory(void)
{
    strcpy(dir, "/tmp/ow-test-XXXXXX");
    ck_assert_ptr_nonnull(getcwd(cwd, sizeof cwd));
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
}

static inline void leave_directory(void)
{
    ck_assert_int_eq(chdir(cwd), 0);
    remove_all(dir);
}

/* ---- the program ----------------------------------------------------------------------- */

static inline const char *program(void)
{
    const char *path = getenv("OW_PROGRAM");
    ck_assert_msg(path != NULL, "OW_PROGRAM is not set: run this through meson test");
    return path;
}

struct outcome {
    int code;        /* exit code, or 128 + signal */
    char *out, *err; /* owned */
};

static inline void outcome_finish(struct outcome *o)
{
    free(o->out);
    free(o->err);
}

static inline int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

enum { MOST_ARGS = 24 };

/* Start `line`, words separated by blanks; "ohmweave" stands for the program. */
static inline pid_t start(const char *line, const char *out, const char *err)
{
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid > 0)
        return pid;
    char *copy = strdup(line), *arg[MOST_ARGS + 1] = {NULL}, *rest = copy;
    for (int k = 0; k < MOST_ARGS && (arg[k] = strtok_r(k ? NULL : copy, " ", &rest)); k++) {
    }
    if (strcmp(arg[0], "ohmweave") == 0)
        arg[0] = strdup(program());
    signal(SIGINT, SIG_DFL);
    if (!freopen(out, "wb", stdout) || !freopen(err, "wb", stderr) ||
        !freopen("/dev/null", "rb", stdin))
        _exit(126);
    execvp(arg[0], arg);
    _exit(127);
}

static inline struct outcome run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline struct outcome run(const char *format, ...)
{
    char *line;
    va_list args;
    va_start(args, format);
    ck_assert_int_gt(vasprintf(&line, format, args), 0);
    va_end(args);
    struct outcome o = {.code = wait_for(start(line, ".out", ".err"))};
    free(line);
    o.out = get(".out", NULL);
    o.err = get(".err", NULL);
    return o;
}

/* One line, "ohmweave: PLACE...", that holds every one of the words; nothing else said. */
static inline void check_refusal(struct outcome *o, int code, const char *place,
                                 const char *word, const char *other)
{
    ck_assert_msg(o->code == code, "exit code %d, expected %d: %s", o->code, code, o->err);
    ck_assert_msg(o->out[0] == '\0', "standard output is not empty: %s", o->out);
    const char *end = strchr(o->err, '\n');
    ck_assert_msg(end && end[1] == '\0', "not one line: '%s'", o->err);
    ck_assert_msg(strncmp(o->err, "ohmweave: ", 10) == 0 &&
                      strncmp(o->err + 10, place, strlen(place)) == 0,
                  "expected 'ohmweave: %s...', got %s", place, o->err);
    ck_assert_msg(!word || strstr(o->err, word), "no '%s' in %s", word, o->err);
    ck_assert_msg(!other || strstr(o->err, other), "no '%s' in %s", other, o->err);
    outcome_finish(o);
}

static inline void check_stands(const struct outcome *o)
{
    ck_assert_msg(o->code == 0, "exit code %d: %s", o->code, o->err);
    ck_assert_msg(o->err[0] == '\0', "standard error is not empty: %s", o->err);
}

static inline json_t *parse_json(const char *text)
{
    json_error_t e;
    json_t *root = json_loads(text, 0, &e);
    ck_assert_msg(root != NULL, "not JSON (line %d: %s): %s", e.line, e.text, text);
    return root;
}

/* "energy.total" */
static inline double number_at(const json_t *root, const char *path)
{
    char name[100], *rest;
    snprintf(name, sizeof name, "%s", path);
    for (char *word = strtok_r(name, ".", &rest); word; word = strtok_r(NULL, ".", &rest))
        root = json_object_get(root, word);
    ck_assert_msg(json_is_number(root), "%s is no number", path);
    return json_number_value(root);
}

#endif
