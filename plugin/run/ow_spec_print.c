/* The resolved specification, and the help: both are the table, written out. */
#define _GNU_SOURCE /* uselocale */
#include "ow_spec_keys.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "ow_number.h"

enum { COMMENT_COLUMN = 48 };

struct printer {
    FILE *to;
    bool is_plain; /* without comments */
};

/* Comments start in one column, so a line is made in memory first. */
struct line {
    const struct printer *printer;
    char *text;
    size_t n;
    FILE *into;
};

static bool begin_line(struct line *line, const struct printer *printer)
{
    *line = (struct line){.printer = printer};
    line->into = open_memstream(&line->text, &line->n);
    return line->into != NULL;
}

static void end_line(struct line *line, const char *comment)
{
    fclose(line->into);
    const char *text = line->text ? line->text : "";
    if (line->printer->is_plain)
        fprintf(line->printer->to, "%s\n", text);
    else
        fprintf(line->printer->to, "%-*s  # %s\n", COMMENT_COLUMN, text, comment);
    free(line->text);
}

/* ---- scalars ----------------------------------------------------------------------- */

/* Characters that mean nothing to YAML wherever they stand. */
static bool is_harmless(const char *text)
{
    static const char more[] = "_./+-";
    for (const char *c = text; *c; c++)
        if (!(*c >= '0' && *c <= '9') && !(*c >= 'a' && *c <= 'z') &&
            !(*c >= 'A' && *c <= 'Z') && !strchr(more, *c))
            return false;
    /* "---" and "..." part documents, "-" begins an item. */
    return *text != '\0' && strspn(text, "-.") != strlen(text);
}

/* One UTF-8 character; libyaml has made sure that it is one. */
static size_t decode(const char *text, unsigned long *code)
{
    const unsigned char first = (unsigned char)*text;
    const size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    *code = n == 1 ? first : first & (0x7fu >> n);
    for (size_t k = 1; k < n; k++)
        *code = *code << 6 | ((unsigned char)text[k] & 0x3f);
    return n;
}

static void put_quoted(FILE *to, const char *text)
{
    fputc('"', to);
    while (*text) {
        unsigned long code;
        const size_t n = decode(text, &code);
        if (code == '"' || code == '\\')
            fprintf(to, "\\%c", (int)code);
        else if ((code >= 0x20 && code < 0x7f) || (code >= 0xa0 && code < 0x2000))
            fwrite(text, 1, n, to);
        else
            fprintf(to, "\\U%08lX", code);
        text += n;
    }
    fputc('"', to);
}

static void put_text(FILE *to, const char *text, bool is_quoted)
{
    if (is_harmless(text) && !(is_quoted && strcmp(text, "null") == 0))
        fputs(text, to);
    else
        put_quoted(to, text);
}

void ow_node_print(FILE *to, const struct ow_node *node)
{
    if (node->kind == OW_NODE_SCALAR) {
        put_text(to, node->text, node->is_quoted);
        return;
    }
    fputc(node->kind == OW_NODE_LIST ? '[' : '{', to);
    for (size_t k = 0; k < node->n; k++) {
        if (k > 0)
            fputs(", ", to);
        if (node->kind == OW_NODE_MAP) {
            put_text(to, node->key[k].text, true);
            fputs(": ", to);
        }
        ow_node_print(to, &node->item[k]);
    }
    fputc(node->kind == OW_NODE_LIST ? ']' : '}', to);
}

/* A path, absolute, so that the print loads again from anywhere. */
static void put_path(FILE *to, const char *path)
{
    char *absolute = realpath(path, NULL);
    put_text(to, absolute ? absolute : path, true);
    free(absolute);
}

/* ---- keys -------------------------------------------------------------------------- */

/* "spec.yaml:12", "--set array.rows=128" or "default", free of line breaks. */
static void put_origin(char *text, size_t room, const struct ow_node *node)
{
    if (!node)
        snprintf(text, room, "default");
    else if (ow_node_is_override(node))
        snprintf(text, room, "%s", node->origin);
    else
        snprintf(text, room, "%s:%zu", node->origin, node->line);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
            *c = '?'; /* comments may hold less than names of files */
}

static void put_value(FILE *to, const struct ow_spec *spec, size_t k)
{
    const struct ow_key *key = &ow_keys[k];
    const struct ow_node *node = spec->memory->value[k];
    const char *path = NULL;
    if (key->type == OW_KEY_SOURCE)
        path = ((const struct ow_source *)((const char *)spec + key->offset))->path;
    else if (key->type == OW_KEY_PATH || key->type == OW_KEY_SET || key->type == OW_KEY_NAME)
        path = *(char *const *)((const char *)spec + key->offset);
    /* A set's name is no path, but then it has no slash and no directory either. */
    if (path && (key->type != OW_KEY_SET || strpbrk(path, "/.")))
        put_path(to, path);
    else if (key->type == OW_KEY_SOURCE && !ow_node_get(node, "seed")) {
        const struct ow_source *source =
            (const struct ow_source *)((const char *)spec + key->offset);
        fprintf(to, "{random: [%zu, %zu], seed: %lu}", source->rows, source->cols,
                (unsigned long)source->random_seed);
    } else if (node)
        ow_node_print(to, node);
    else
        fputs(key->dflt, to);
}

static bool print_entry(const struct printer *to, const char *indent,
                        const struct ow_entry *entry)
{
    struct line line;
    char origin[300];
    if (!begin_line(&line, to))
        return false;
    fputs(indent, line.into);
    put_text(line.into, entry->key->text, true);
    fputs(": ", line.into);
    ow_node_print(line.into, entry->value);
    put_origin(origin, sizeof origin, entry->value);
    end_line(&line, origin);
    return true;
}

static bool print_param(const struct printer *to, const struct ow_part *part, size_t k)
{
    const struct ow_param *p = &part->model->param[k];
    const struct ow_node *node = part->origins->value[k];
    const double value = part->param[k];
    struct line line;
    char origin[300];
    if (ow_spec_param_taken(part, k))
        return true;
    if (!begin_line(&line, to))
        return false;
    fprintf(line.into, "        %s: ", p->name);
    if (node)
        ow_node_print(line.into, node);
    else if (p->choice)
        fputs(p->choice[(size_t)value], line.into);
    else
        fputs(ow_number_text(value, 6, (char[32]){0}), line.into);
    put_origin(origin, sizeof origin, node);
    if (!node && part->origins->in_set[k]) {
        snprintf(origin, sizeof origin, "set ");
        const struct ow_node set = {.origin = part->set};
        put_origin(origin + 4, sizeof origin - 4, &set);
    }
    end_line(&line, origin);
    return true;
}

/* device.params and access.params print every parameter of the model, the other sections what
 * is there. */
static bool print_section(const struct printer *to, const struct ow_spec *spec, size_t k)
{
    const struct ow_key *key = &ow_keys[k];
    const size_t n = ow_key_section(key);
    const struct ow_section *s = (const struct ow_section *)((const char *)spec + key->offset);
    bool fine = true;
    if (strcmp(key->name, "device.params") == 0 || strcmp(key->name, "access.params") == 0) {
        const bool is_access = strncmp(key->name, "access", n) == 0;
        const struct ow_part part = ow_spec_part(spec, is_access);
        if (part.model)
            fprintf(to->to, "    %s:\n", key->name + n + 1);
        for (size_t p = 0; part.model && p < part.model->n_param && fine; p++)
            fine = print_param(to, &part, p);
        return fine;
    }
    if (s->n > 0)
        fprintf(to->to, "%s%s:\n", n ? "    " : "", key->name + (n ? n + 1 : 0));
    for (size_t e = 0; e < s->n && fine; e++)
        fine = print_entry(to, n ? "        " : "    ", &s->entry[e]);
    return fine;
}

/* Keys that have no place in this specification would not load again. */
static bool is_printed(const struct ow_spec *spec, size_t k)
{
    return spec->memory->value[k] || ow_key_is_needed(spec, &ow_keys[k]);
}

/* "section:" and, inside it, "part:" before the first of their keys; the depth of key k. */
static int print_headers(const struct printer *to, const struct ow_spec *spec, size_t k)
{
    const char *name = ow_keys[k].name, *last = NULL;
    int depth = 0;
    for (size_t before = k; before > 0 && !last; before--)
        if (is_printed(spec, before - 1))
            last = ow_keys[before - 1].name;
    for (const char *dot = strchr(name, '.'), *part = name; dot;
         part = dot + 1, dot = strchr(part, '.'), depth++)
        if (!last || strncmp(last, name, (size_t)(dot - name) + 1) != 0)
            fprintf(to->to, "%*s%.*s:\n", 4 * depth, "", (int)(dot - part), part);
    return depth;
}

static bool print_key(const struct printer *to, const struct ow_spec *spec, size_t k)
{
    const struct ow_key *key = &ow_keys[k];
    const size_t n = ow_key_section(key);
    struct line line;
    char origin[300];
    if (!is_printed(spec, k))
        return true;
    const int depth = print_headers(to, spec, k);
    if (key->type == OW_KEY_SECTION)
        return print_section(to, spec, k);
    if (!begin_line(&line, to))
        return false;
    fprintf(line.into, "%*s%s: ", 4 * depth, "", key->name + (n ? n + 1 : 0));
    put_value(line.into, spec, k);
    put_origin(origin, sizeof origin, spec->memory->value[k]);
    end_line(&line, origin);
    return true;
}

/* What the stream says when all has been written. */
static enum ow_status check_stream(FILE *to, bool fine, struct ow_error *err)
{
    if (!fine)
        return ow_fail(err, OW_ERR_NOMEM, "out of memory while printing the specification");
    if (fflush(to) != 0 || ferror(to))
        return ow_fail(err, OW_ERR_FILE, "the specification cannot be written: %s",
                       strerror(errno));
    return OW_OK;
}

static enum ow_status print(const struct ow_spec *spec, const struct printer *to,
                            struct ow_error *err)
{
    /* Numbers have a decimal point, whatever the caller's locale. */
    const locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c_locale)
        return check_stream(to->to, false, err);
    const locale_t before = uselocale(c_locale);
    bool fine = true;
    if (!to->is_plain)
        fputs("# ohmweave specification: every key, its value and where that came from\n",
              to->to);
    for (size_t k = 0; k < OW_N_KEYS && fine; k++)
        fine = print_key(to, spec, k);
    uselocale(before);
    freelocale(c_locale);
    return check_stream(to->to, fine, err);
}

enum ow_status ow_spec_print(const struct ow_spec *spec, FILE *to, struct ow_error *err)
{
    return print(spec, &(struct printer){.to = to}, err);
}

enum ow_status ow_spec_print_plain(const struct ow_spec *spec, FILE *to, struct ow_error *err)
{
    return print(spec, &(struct printer){.to = to, .is_plain = true}, err);
}

enum ow_status ow_spec_help(FILE *to, struct ow_error *err)
{
    for (size_t k = 0; k < OW_N_KEYS; k++) {
        const struct ow_key *key = &ow_keys[k];
        const char *dflt = key->dflt                     ? key->dflt
                           : key->type == OW_KEY_SECTION ? "{}"
                                                         : "(required)";
        fprintf(to, "%-22s %-13s %s\n%36s expected %s\n", key->name, dflt, key->doc, "",
                ow_key_expected(key).text);
    }
    return check_stream(to, true, err);
}
