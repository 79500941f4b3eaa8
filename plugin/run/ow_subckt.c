#include "ow_subckt.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ow_file.h"
#include "ow_quote.h"

enum { DEPTH_MAX = 16, BYTES_MAX = 64 << 20, PATH_SIZE = 4096 };

struct reader {
    const char *wanted; /* or NULL */
    struct ow_subckt *out;
    bool is_found;
    struct ow_names seen; /* subcircuits */
    struct ow_error *err;
};

static void finish_names(struct ow_names *names)
{
    for (size_t k = 0; k < names->n; k++)
        free(names->name[k]);
    free(names->name);
    *names = (struct ow_names){0};
}

void ow_subckt_finish(struct ow_subckt *s)
{
    finish_names(&s->pin);
    finish_names(&s->param);
    free(s->command);
    *s = (struct ow_subckt){0};
}

static enum ow_status add_name(struct ow_names *names, const char *text, size_t n,
                               struct ow_error *err)
{
    char **more = realloc(names->name, (names->n + 1) * sizeof *more);
    if (more)
        names->name = more;
    char *name = more ? strndup(text, n) : NULL;
    if (!name)
        return ow_fail(err, OW_ERR_NOMEM, "netlist: out of memory");
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    names->name[names->n++] = name;
    return OW_OK;
}

/* ---- lines ------------------------------------------------------------------------- */

/* One card with its continuations joined and comments gone; NULL at the end. */
static char *next_card(char **at, size_t *line, size_t *first)
{
    char *card = NULL, *end = NULL;
    while (**at) {
        char *begin = *at;
        const size_t n = strcspn(begin, "\n");
        char *text = begin + strspn(begin, " \t\r");
        const bool is_comment = text >= begin + n || *text == '*' || *text == '$';
        if (card && !is_comment && *text != '+')
            return card;
        *at = begin + n + (begin[n] == '\n');
        ++*line;
        if (begin[n] == '\n')
            begin[n] = '\0';
        if (is_comment)
            continue;
        for (char *c = text; *c; c++)
            if (*c == ';' || *c == '\r' || (*c == '$' && (c[1] == ' ' || c[1] == '\0')))
                *c = '\0';
        if (!card) {
            card = text;
            *first = *line;
            end = card + strlen(card);
        } else { /* over what is left of the lines before */
            const size_t more = strlen(text + 1);
            *end = ' ';
            memmove(end + 1, text + 1, more + 1);
            end += 1 + more;
        }
    }
    return card;
}

static bool begins(const char *card, const char *word)
{
    const size_t n = strlen(word);
    return strncasecmp(card, word, n) == 0 &&
           (card[n] == '\0' || isspace((unsigned char)card[n]));
}

/* The next word of a card; false at its end.  `=` is a word. */
static bool next_word(const char **at, const char **word, size_t *n)
{
    const char *c = *at + strspn(*at, " \t(),");
    *word = c;
    *n = *c == '=' ? 1 : strcspn(c, " \t(),=");
    *at = c + *n;
    return *n > 0;
}

/* ---- cards --------------------------------------------------------------------------- */

/* Analyses and outputs are the program's business, and `.control` could run anything. */
static const char *command_of(const char *card)
{
    static const char *const words[] = {
        ".control", ".exec", ".tran", ".ac",    ".dc",    ".op",    ".noise", ".pz",
        ".sens",    ".tf",   ".sp",   ".disto", ".four",  ".sim",   ".save",  ".probe",
        ".print",   ".plot", ".end",  ".title", ".width", ".snload"};
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
        if (begins(card, words[k]))
            return words[k];
    return NULL;
}

/* A code model that starts a program (ngspice 42 and later). */
static bool starts_process(const char *card)
{
    const char *at = card, *word;
    size_t n;
    return begins(card, ".model") && next_word(&at, &word, &n) && next_word(&at, &word, &n) &&
           next_word(&at, &word, &n) && n == 9 && strncasecmp(word, "d_process", n) == 0;
}

static enum ow_status note_command(struct reader *r, const char *file, size_t line,
                                   const char *word)
{
    if (r->out->command)
        return OW_OK;
    char text[PATH_SIZE + 64];
    snprintf(text, sizeof text, "%s:%zu: %s", file, line, word);
    r->out->command = strdup(text);
    return r->out->command ? OW_OK : ow_fail(r->err, OW_ERR_NOMEM, "netlist: out of memory");
}

/* .subckt NAME pins ... [params:] name=value ... */
static enum ow_status take_subckt(struct reader *r, const char *card)
{
    const char *at = card, *word, *name;
    size_t n, n_name;
    next_word(&at, &word, &n);
    if (!next_word(&at, &name, &n_name))
        return OW_OK; /* ngspice will say so */
    enum ow_status st = add_name(&r->seen, name, n_name, r->err);
    const bool is_wanted = !r->is_found && r->wanted && strlen(r->wanted) == n_name &&
                           strncasecmp(name, r->wanted, n_name) == 0;
    if (st || !is_wanted)
        return st;
    r->is_found = true;
    while (!st && next_word(&at, &word, &n)) {
        if (n >= 7 && strncasecmp(word, "params:", 7) == 0)
            continue;
        const char *after = at + strspn(at, " \t");
        if (*after != '=') {
            st = add_name(&r->out->pin, word, n, r->err);
            continue;
        }
        st = add_name(&r->out->param, word, n, r->err);
        at = after + 1; /* over its value, which may stand in braces or quotes */
        at += strspn(at, " \t");
        const char close = *at == '{' ? '}' : *at == '\'' || *at == '"' ? *at : '\0';
        const char *end = close ? strchr(at + 1, close) : at + strcspn(at, " \t");
        at = !end ? at + strlen(at) : end + (close != '\0');
    }
    return st;
}

static enum ow_status read_cards(struct reader *r, const char *file, int depth);

/* Beside the including file, in the working directory, or from $NAME/ or ~/. */
static enum ow_status take_include(struct reader *r, const char *card, const char *file,
                                   size_t line, int depth)
{
    const char *name = card + strcspn(card, " \t");
    name += strspn(name, " \t");
    const char quote = *name == '"' || *name == '\'' ? *name++ : '\0';
    const size_t n = quote ? strcspn(name, quote == '"' ? "\"" : "'") : strcspn(name, " \t");
    const char *rest = name + n + (quote != '\0');
    if (begins(card, ".lib") && !rest[strspn(rest, " \t\"'")])
        return OW_OK; /* the beginning of a section */
    char path[PATH_SIZE], *beside = NULL;
    if (n == 0 || n >= sizeof path)
        return ow_fail(r->err, OW_ERR_INPUT, "%s:%zu: expected a file name", file, line);
    snprintf(path, sizeof path, "%.*s", (int)n, name);
    beside = ow_file_beside(file, path);
    if (!beside)
        return ow_fail(r->err, OW_ERR_NOMEM, "netlist: out of memory");
    const enum ow_status st =
        depth < DEPTH_MAX ? read_cards(r, beside, depth + 1)
                          : ow_fail(r->err, OW_ERR_INPUT, "%s:%zu: includes go deeper than %d",
                                    file, line, DEPTH_MAX);
    free(beside);
    return st;
}

static enum ow_status take_card(struct reader *r, const char *card, const char *file,
                                size_t line, int depth)
{
    const char *command = command_of(card);
    if (command || starts_process(card))
        return note_command(r, file, line, command ? command : "d_process");
    if (begins(card, ".subckt") || begins(card, ".macro"))
        return take_subckt(r, card);
    if (begins(card, ".include") || begins(card, ".inc") || begins(card, ".lib"))
        return take_include(r, card, file, line, depth);
    return OW_OK;
}

static enum ow_status read_cards(struct reader *r, const char *file, int depth)
{
    char *text;
    size_t n, line = 0, first = 0;
    enum ow_status st = ow_file_read(file, BYTES_MAX, &text, &n, r->err);
    if (st)
        return st;
    if (strncasecmp(text, "*ng_script", 10) == 0)
        st = note_command(r, file, 1, "*ng_script");
    char *at = text;
    for (char *card; !st && (card = next_card(&at, &line, &first));)
        st = take_card(r, card, file, first, depth);
    free(text);
    return st;
}

/* ---- the door --------------------------------------------------------------------------- */

static enum ow_status no_such(const struct reader *r, const char *file)
{
    char list[400] = "";
    size_t at = 0;
    for (size_t k = 0; k < r->seen.n && at < sizeof list - 64; k++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", k ? ", " : "",
                               ow_quote(r->seen.name[k], strlen(r->seen.name[k])).text);
    return ow_fail(r->err, OW_ERR_INPUT, "%s has no subcircuit %s%s%s", file,
                   ow_quote(r->wanted, strlen(r->wanted)).text,
                   r->seen.n ? ", expected one of " : " and no other", list);
}

enum ow_status ow_subckt_find(const char *file, const char *name, struct ow_subckt *out,
                              struct ow_error *err)
{
    *out = (struct ow_subckt){0};
    struct reader r = {.wanted = name, .out = out, .err = err};
    enum ow_status st = read_cards(&r, file, 0);
    if (st == OW_OK && name && !r.is_found)
        st = no_such(&r, file);
    finish_names(&r.seen);
    if (st)
        ow_subckt_finish(out);
    return st;
}
