/* For tests in ngspice: decks in a folder of their own, run and read back.  OW_CODEMODEL and
 * OW_NGSPICE are set by meson where there are both. */
#ifndef OW_DECK_H
#define OW_DECK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ow_check.h"

static char folder[] = "/tmp/ow_deck_XXXXXX";

static inline void make_folder(void)
{
    strcpy(folder, "/tmp/ow_deck_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
    FILE *init = fopen(".spiceinit", "w"); /* not the user's */
    ck_assert_ptr_nonnull(init);
    fclose(init);
    /* ngspice 39 reads pre_codemodel's argument in lower case: a path may have capitals */
    ck_assert_int_eq(symlink(OW_CODEMODEL, "ohmweave.cm"), 0);
    ck_assert_int_eq(symlink(OW_ARRAY_CODEMODEL, "ohmweave_array.cm"), 0);
}

static inline void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(system(command), 0);
}

/* Run a program and keep what it printed in `log`, errors behind all else so that no line is
 * torn; its exit status. */
static inline int run(const char *command, const char *log)
{
    char line[1024];
    snprintf(line, sizeof line,
             "HOME=. timeout 100 %s >%s 2>errors </dev/null; s=$?; cat errors >>%s; exit $s",
             command, log, log);
    const int status = system(line);
    ck_assert_msg(WIFEXITED(status), "%s: killed", command);
    return WEXITSTATUS(status);
}

static inline char *slurp(const char *path)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file, "%s: no such file", path);
    char *text = NULL;
    size_t n = 0, room = 0;
    do {
        room = room ? 2 * room : 4096;
        text = realloc(text, room + 1);
        ck_assert_ptr_nonnull(text);
        n += fread(text + n, 1, room - n, file);
    } while (n == room);
    fclose(file);
    text[n] = '\0';
    return text;
}

/* Saved vectors: value[point][vector], vector 0 is the sweep or the time. */
struct saved {
    size_t n_vector, n_point;
    double *value; /* owned */
    bool is_complex;
};

static inline double saved_at(const struct saved *s, size_t point, size_t vector)
{
    ck_assert(point < s->n_point && vector < s->n_vector);
    return s->value[point * s->n_vector + vector];
}
static inline double saved_last(const struct saved *s, size_t vector)
{
    ck_assert_uint_gt(s->n_point, 0);
    return saved_at(s, s->n_point - 1, vector);
}

/* An ASCII raw file.  Of a complex vector the real part counts. */
static inline struct saved read_raw(const char *path)
{
    char *text = slurp(path);
    struct saved s = {0};
    const char *flags = strstr(text, "Flags:"), *values = strstr(text, "Values:");
    ck_assert(flags && values);
    ck_assert_int_eq(sscanf(strstr(text, "No. Variables:"), "No. Variables: %zu", &s.n_vector),
                     1);
    ck_assert_int_eq(sscanf(strstr(text, "No. Points:"), "No. Points: %zu", &s.n_point), 1);
    s.is_complex = strncmp(flags, "Flags: complex", 14) == 0;
    s.value = calloc(s.n_vector * s.n_point + 1, sizeof *s.value);
    ck_assert_ptr_nonnull(s.value);
    char *at = strchr(values, '\n');
    for (size_t p = 0; p < s.n_point; p++) {
        ck_assert_uint_eq(strtoul(at, &at, 10), p);
        for (size_t v = 0; v < s.n_vector; v++) {
            s.value[p * s.n_vector + v] = strtod(at, &at);
            if (s.is_complex) {
                ck_assert_int_eq(*at, ',');
                strtod(at + 1, &at);
            }
        }
    }
    free(text);
    return s;
}

static inline void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

/* What follows the circuit in every deck: run, and save `vectors`. */
static inline void write_deck(const char *circuit, const char *vectors)
{
    FILE *deck = fopen("deck.cir", "w");
    ck_assert_ptr_nonnull(deck);
    fprintf(deck,
            "* test\n.options numdgt=17\n%s.control\npre_codemodel ./ohmweave.cm\n"
            "set filetype=ascii\nset numdgt=17\nrun\nwrite out.raw %s\nquit 0\n.endc\n.end\n",
            circuit, vectors);
    ck_assert_int_eq(fclose(deck), 0);
}

static inline struct saved simulate(const char *circuit, const char *vectors)
{
    write_deck(circuit, vectors);
    remove("out.raw");
    const int status = run(OW_NGSPICE " -b deck.cir", "log");
    if (status != 0 || access("out.raw", R_OK) != 0) {
        char *log = slurp("log");
        ck_abort_msg("ngspice failed (status %d):\n%s\n%s", status, circuit, log);
    }
    return read_raw("out.raw");
}

/* Decks are put together in a growing string. */
struct text {
    char *s;
    size_t n, room;
};
__attribute__((format(printf, 2, 3))) static inline void add(struct text *t, const char *format,
                                                             ...)
{
    for (;;) {
        va_list args;
        va_start(args, format);
        const int n = vsnprintf(t->s ? t->s + t->n : NULL, t->room - t->n, format, args);
        va_end(args);
        ck_assert_int_ge(n, 0);
        if (t->s && t->n + (size_t)n < t->room) {
            t->n += (size_t)n;
            return;
        }
        t->room = 2 * (t->n + (size_t)n + 64);
        t->s = realloc(t->s, t->room);
        ck_assert_ptr_nonnull(t->s);
    }
}

#endif
