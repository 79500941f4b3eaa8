#define _GNU_SOURCE /* strcasestr() */
#include "ow_subckt.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ow_file.h"
#include "ow_quote.h"

enum { DEPTH_MAX = 64, FILES_MAX = 10000, BYTES_MAX = 64 << 20, PATH_SIZE = 4096 };

struct reader {
    const char *wanted; /* or NULL */
    struct ow_subckt *out;
    bool is_found;
    struct ow_names seen; /* subcircuits */
    size_t n_file;
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

/* ---- lines -------------------------------------------------------------------------
 * As inp_read(), inp_stripcomments_line() and inp_stitch_continuation_lines() of ngspice's
 * inpcom.c have them: what looks like a comment here and like a command there would be run. */

/* ngspice drops these wherever they stand. */
static void drop_returns(char *text)
{
    char *to = text;
    for (const char *c = text; *c; c++)
        if (*c != '\r')
            *to++ = *c;
    *to = '\0';
}

static bool is_blank(char c)
{
    return c != '\0' && (unsigned char)c <= ' ';
}

/* `;`, `//`, and `$` after a blank or a comma; none of them begins a line. */
static void strip_comment(char *line)
{
    for (char *c = line; *c; c++) {
        const bool is_dollar =
            c > line && *c == '$' && (c[-1] == ' ' || c[-1] == ',' || c[-1] == '\t');
        if ((c > line && *c == ';') || is_dollar || (*c == '/' && c[1] == '/'))
            *c = '\0';
    }
}

/* `.incx` is `.inc` to ngspice. */
static bool begins(const char *card, const char *word)
{
    return strncasecmp(card, word, strlen(word)) == 0;
}

static bool is_word(const char *card, const char *word)
{
    const char after = begins(card, word) ? card[strlen(word)] : 'x';
    return after == '\0' || is_blank(after);
}

/* One card with its continuations joined and comments gone, but for .lib's own line; also a
 * line that has a # in the second place, for which see command_of().  NULL at the end. */
static char *next_card(char **at, size_t *line, size_t *first)
{
    char *card = NULL, *end = NULL;
    while (**at) {
        char *begin = *at, *text = begin;
        const size_t n = strcspn(begin, "\n");
        while (text < begin + n && is_blank(*text))
            text++;
        const bool is_hash = text + 1 < begin + n && text[1] == '#';
        const bool is_comment = text >= begin + n || (!is_hash && strchr("*$#", *text));
        if (card && (is_hash || (!is_comment && *text != '+')))
            return card;
        *at = begin + n + (begin[n] == '\n');
        ++*line;
        if (begin[n] == '\n')
            begin[n] = '\0';
        if (is_comment)
            continue;
        if (!begins(text, ".lib") && !is_hash)
            strip_comment(text);
        if (!card) {
            card = text;
            *first = *line;
            end = card + strlen(card);
            if (is_hash)
                return card;
        } else { /* over what is left of the lines before */
            const size_t more = strlen(text + 1);
            *end = ' ';
            memmove(end + 1, text + 1, more + 1);
            end += 1 + more;
        }
    }
    return card;
}

/* The next word of a card; false at its end.  `=` is a word. */
static bool next_word(const char **at, const char **word, size_t *n)
{
    const char *c = *at;
    while (is_blank(*c) || (*c && strchr("(),", *c)))
        c++;
    *word = c;
    if (*c == '=')
        c++;
    else
        while (*c && !is_blank(*c) && !strchr("(),=", *c))
            c++;
    *at = c;
    *n = (size_t)(c - *word);
    return *n > 0;
}

/* ---- cards --------------------------------------------------------------------------- */

/* A code model that starts a program or loads a library (ngspice 42 and later), and what makes
 * a model write files. */
static const char *deed_of(const char *card)
{
    static const char *const words[] = {"d_process", "d_cosim", "rootfile"};
    if (!begins(card, ".model") && !begins(card, ".cmodel"))
        return NULL;
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
        if (strcasestr(card, words[k]))
            return words[k];
    return NULL;
}

/* Analyses and outputs are the program's business, and `.control` could run anything.  So could
 * a line *#, and ngspice makes one of "x#..." where it finds it in a subcircuit that is not
 * used. */
static const char *command_of(const char *card)
{
    static const char *const words[] = {
        ".exec",  ".tran",  ".ac",   ".dc",    ".op",    ".noise", ".pz",
        ".sens",  ".tf",    ".sp",   ".disto", ".four",  ".sim",   ".save",
        ".probe", ".print", ".plot", ".end",   ".title", ".width", ".snload"};
    if (card[0] && card[1] == '#')
        return "*#";
    if (begins(card, ".control"))
        return ".control";
    if (begins(card, ".endc"))
        return ".endc";
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
        if (is_word(card, words[k]))
            return words[k];
    return deed_of(card);
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

/* What follows the value of a parameter, which may stand in braces or quotes. */
static const char *over_value(const char *at)
{
    while (is_blank(*at))
        at++;
    const char quote = *at == '\'' || *at == '"' ? *at++ : '\0';
    for (int depth = 0; *at; at++) {
        if (quote && *at == quote)
            return at + 1;
        if (!quote && depth == 0 && is_blank(*at))
            return at;
        depth += (*at == '{') - (*at == '}');
    }
    return at;
}

/* .subckt NAME pins ... [params:] name=value ... */
static enum ow_status take_subckt(struct reader *r, const char *card)
{
    static const char params[] = "params:";
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
        if (strncasecmp(word, params, sizeof params - 1) == 0) {
            at = word + sizeof params - 1;
            continue;
        }
        const char *after = at;
        while (is_blank(*after))
            after++;
        const bool is_param = *after == '=';
        st = add_name(is_param ? &r->out->param : &r->out->pin, word, n, r->err);
        if (is_param)
            at = over_value(after + 1);
    }
    return st;
}

/* A file being read, and whose card named it. */
struct place {
    const struct place *from; /* or NULL */
    const char *file;
    dev_t device;
    ino_t inode;
};

static enum ow_status read_cards(struct reader *r, const char *file, const struct place *from);

/* ngspice looks in its own working directory first, a folder of the program's below this one.
 */
static enum ow_status check_parent(const struct reader *r, const char *name, const char *beside,
                                   const char *file, size_t line)
{
    struct stat there, here;
    const char *tmp = getenv("TMPDIR");
    char path[PATH_SIZE];
    while (strncmp(name, "./", 2) == 0)
        name += 2;
    if (strncmp(name, "../", 3) != 0 ||
        snprintf(path, sizeof path, "%s/%s", tmp && *tmp ? tmp : "/tmp", name + 3) >=
            (int)sizeof path ||
        stat(path, &there) != 0 || stat(beside, &here) != 0 ||
        (there.st_dev == here.st_dev && there.st_ino == here.st_ino))
        return OW_OK;
    return ow_fail(r->err, OW_ERR_INPUT, "%s:%zu: ngspice would take %s instead of %s", file,
                   line, path, beside);
}

/* Beside the including file. */
static enum ow_status read_other(struct reader *r, const char *name, size_t n, bool is_lib,
                                 bool is_optional, size_t line, const struct place *from)
{
    char path[PATH_SIZE];
    if (n == 0 || n >= sizeof path)
        return ow_fail(r->err, OW_ERR_INPUT, "%s:%zu: expected a file name", from->file, line);
    snprintf(path, sizeof path, "%.*s", (int)n, name);
    char *beside = ow_file_beside(from->file, path);
    if (!beside)
        return ow_fail(r->err, OW_ERR_NOMEM, "netlist: out of memory");
    enum ow_status st = check_parent(r, path, beside, from->file, line);
    char *real = is_lib ? realpath(beside, NULL) : NULL; /* names in it are beside that */
    const char *file = real ? real : beside;
    bool is_open = false; /* a library's section that refers to another one of its own */
    for (const struct place *p = from; is_lib && p; p = p->from)
        is_open = is_open || strcmp(p->file, file) == 0;
    if (st == OW_OK && !is_open && !(is_optional && access(file, F_OK) != 0))
        st = read_cards(r, file, from);
    free(real);
    free(beside);
    return st;
}

/* .include FILE */
static enum ow_status take_include(struct reader *r, const char *card, size_t line,
                                   const struct place *from)
{
    const char *name = card;
    while (*name && !is_blank(*name))
        name++;
    while (is_blank(*name))
        name++;
    const char quote = *name == '"' || *name == '\'' ? *name++ : '\0';
    const char *end = name;
    while (*end && (quote ? *end != quote : !is_blank(*end)))
        end++;
    return read_other(r, name, (size_t)(end - name), false, false, line, from);
}

/* The file that .lib refers to, its length in *n; NULL where a section begins. */
static const char *reference(const char *card, size_t *n)
{
    const char *name = card, *end, *rest;
    while (*name && !is_blank(*name))
        name++;
    while (is_blank(*name) || *name == '"' || *name == '\'')
        name++;
    for (end = name; *end && !is_blank(*end) && *end != '"' && *end != '\'';)
        end++;
    for (rest = end; is_blank(*rest) || *rest == '"' || *rest == '\'';)
        rest++;
    *n = (size_t)(end - name);
    return *rest ? name : NULL;
}

/* .lib FILE SECTION, or .lib SECTION.  ngspice looks at it before comments are gone where it is
 * a file's first line, and afterwards elsewhere: what it could refer to, we read. */
static enum ow_status take_lib(struct reader *r, char *card, size_t line,
                               const struct place *from)
{
    size_t n_whole, n;
    const char *whole = reference(card, &n_whole);
    enum ow_status st = OW_OK;
    char *plain = strdup(card);
    if (!plain)
        return ow_fail(r->err, OW_ERR_NOMEM, "netlist: out of memory");
    strip_comment(plain);
    const char *name = reference(plain, &n);
    if (name)
        st = read_other(r, name, n, true, false, line, from);
    if (st == OW_OK && whole && !(name && n == n_whole))
        st = read_other(r, whole, n_whole, true, true, line, from);
    free(plain);
    return st;
}

static enum ow_status take_card(struct reader *r, char *card, size_t line,
                                const struct place *from)
{
    const char *command = command_of(card);
    if (*card == '+') /* ngspice would add it to what stands before the file */
        return ow_fail(r->err, OW_ERR_INPUT, "%s:%zu: + continues no line of this file",
                       from->file, line);
    if (command)
        return note_command(r, from->file, line, command);
    if (begins(card, ".subckt") || begins(card, ".macro"))
        return take_subckt(r, card);
    if (begins(card, ".inc"))
        return take_include(r, card, line, from);
    if (begins(card, ".lib"))
        return take_lib(r, card, line, from);
    return OW_OK;
}

/* No endless loop of files, nor a way that takes too long. */
static enum ow_status check_way(struct reader *r, struct place *place)
{
    struct stat info;
    int depth = 0;
    if (++r->n_file > FILES_MAX)
        return ow_fail(r->err, OW_ERR_INPUT, "%s: more than %d files are included", place->file,
                       FILES_MAX);
    if (stat(place->file, &info) != 0)
        return OW_OK;                                     /* reading it will say so */
    if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) /* ngspice opens it once more */
        return ow_fail(r->err, OW_ERR_FILE, "%s: is no regular file", place->file);
    place->device = info.st_dev;
    place->inode = info.st_ino;
    for (const struct place *p = place->from; p; p = p->from)
        if (++depth >= DEPTH_MAX || (p->device == info.st_dev && p->inode == info.st_ino))
            return ow_fail(r->err, OW_ERR_INPUT,
                           depth < DEPTH_MAX ? "%s: includes itself"
                                             : "%s: lies too deep in files that include others",
                           place->file);
    return OW_OK;
}

static enum ow_status read_cards(struct reader *r, const char *file, const struct place *from)
{
    char *text;
    size_t n, line = 0, first = 0;
    struct place here = {.from = from, .file = file};
    enum ow_status st = check_way(r, &here);
    if (st || (st = ow_file_read(file, BYTES_MAX, &text, &n, r->err)))
        return st;
    if (strlen(text) != n) { /* ngspice would read on in the next line */
        free(text);
        return ow_fail(r->err, OW_ERR_INPUT, "%s: has bytes of value 0, expected text", file);
    }
    drop_returns(text);
    if (strncasecmp(text, "*ng_script", 10) == 0)
        st = note_command(r, file, 1, "*ng_script");
    char *at = text;
    for (char *card; !st && (card = next_card(&at, &line, &first));)
        st = take_card(r, card, first, &here);
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
    char *real = realpath(file, NULL); /* as the deck has it */
    enum ow_status st = read_cards(&r, real ? real : file, NULL);
    free(real);
    if (st == OW_OK && name && !r.is_found)
        st = no_such(&r, file);
    finish_names(&r.seen);
    if (st)
        ow_subckt_finish(out);
    return st;
}
