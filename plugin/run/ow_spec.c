/* Loading: the file's tree and the overrides choose one node for every key, each key's
 * type turns its node (or its default) into a value, then relations are checked. */
#include "ow_spec.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "ow_file.h"
#include "ow_number.h"
#include "ow_quote.h"
#include "ow_series.h"
#include "ow_sets.h"
#include "ow_spec_keys.h"
#include "ow_spec_periphery.h"

/* Specifications are written by hand; a set file is a page. */
#define SPEC_BYTES_MAX ((size_t)1 << 20)

struct loader {
    struct ow_spec *spec;
    struct ow_spec_memory *memory; /* spec->memory */
    struct ow_error *err;
};

static enum ow_status out_of_memory(const struct loader *l)
{
    return ow_fail(l->err, OW_ERR_NOMEM, "%s: out of memory", l->spec->path);
}

/* Messages have one line and leave the terminal alone. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

/* What stands there, for a message: 'text', a list or a map. */
static struct ow_quote shown(const struct ow_node *node)
{
    if (node->kind != OW_NODE_SCALAR)
        return node->kind == OW_NODE_LIST ? ow_quote("a list", 6) : ow_quote("a map", 5);
    if (*node->text == '\0')
        return ow_quote("nothing", 7);
    struct ow_quote q = ow_quote(node->text, strlen(node->text));
    const size_t n = strlen(q.text);
    memmove(q.text + 1, q.text, n);
    q.text[0] = q.text[n + 1] = '\'';
    q.text[n + 2] = '\0';
    return q;
}

/* The common message: what stands there is not what the key takes.  `why` may be "". */
static enum ow_status refuse(const struct loader *l, const struct ow_key *key,
                             const struct ow_node *node, const char *why)
{
    return ow_node_fail(node, l->err, OW_ERR_INPUT, "%s: %s%s: expected %s (%s)", key->name,
                        shown(node).text, why, ow_key_expected(key).text, key->doc);
}

/* ---- values --------------------------------------------------------------------- */

static bool is_word(const struct ow_node *node, const char *word)
{
    return node->kind == OW_NODE_SCALAR && strcmp(node->text, word) == 0;
}

/* null and its like are words only where they stand without quotes. */
static bool is_plain_word(const struct ow_node *node, const char *word)
{
    return is_word(node, word) && !node->is_quoted;
}

/* A finite number within [lo, hi], or a message that says why not. */
static enum ow_status read_number(const struct loader *l, const struct ow_key *key,
                                  const struct ow_node *node, double lo, double hi,
                                  bool is_whole, double *value)
{
    char why[256];
    double number = NAN;
    if (node->kind != OW_NODE_SCALAR || *node->text == '\0')
        return refuse(l, key, node, "");
    const enum ow_number got = ow_number_parse(node->text, &number);
    if (got != OW_NUMBER_OK) {
        snprintf(why, sizeof why, " is %s", ow_number_str(got));
        return refuse(l, key, node, why);
    }
    if (!(number >= lo && number <= hi))
        return refuse(l, key, node, number < lo ? " is too small" : " is too large");
    if (is_whole && number != floor(number))
        return refuse(l, key, node, " is not whole");
    *value = number;
    return OW_OK;
}

static enum ow_status read_number_key(const struct loader *l, const struct ow_key *key,
                                      const struct ow_node *node)
{
    double *field = ow_key_field(l->spec, key);
    if (key->word && is_word(node, key->word[0])) {
        *field = NAN;
        return OW_OK;
    }
    return read_number(l, key, node, key->lo, key->hi, false, field);
}

static enum ow_status read_count_key(const struct loader *l, const struct ow_key *key,
                                     const struct ow_node *node)
{
    double number = 0.0;
    if (!key->word || !is_word(node, key->word[0])) {
        const enum ow_status st = read_number(l, key, node, key->lo, key->hi, true, &number);
        if (st != OW_OK)
            return st;
    }
    *(size_t *)ow_key_field(l->spec, key) = (size_t)number;
    return OW_OK;
}

/* Every enum of the specification is stored through this type. */
_Static_assert(sizeof(enum ow_state_rule) == sizeof(unsigned) &&
                   sizeof(enum ow_sense_kind) == sizeof(unsigned) &&
                   sizeof(enum ow_engine_kind) == sizeof(unsigned),
               "choices are stored as unsigned");

static enum ow_status read_choice_key(const struct loader *l, const struct ow_key *key,
                                      const struct ow_node *node)
{
    for (unsigned k = 0; key->word[k]; k++)
        if (is_word(node, key->word[k])) {
            memcpy(ow_key_field(l->spec, key), &k, sizeof k);
            return OW_OK;
        }
    return refuse(l, key, node, "");
}

static enum ow_status read_boolean_key(const struct loader *l, const struct ow_key *key,
                                       const struct ow_node *node)
{
    const bool is_true = is_word(node, "true");
    if (!is_true && !is_word(node, "false"))
        return refuse(l, key, node, "");
    *(bool *)ow_key_field(l->spec, key) = is_true;
    return OW_OK;
}

static enum ow_status read_model_key(const struct loader *l, const struct ow_key *key,
                                     const struct ow_node *node)
{
    const bool is_auto = key->word && is_word(node, key->word[0]);
    const struct ow_model *model =
        node->kind == OW_NODE_SCALAR ? ow_model_find(node->text) : NULL;
    if (!model && !is_auto)
        return refuse(l, key, node, "");
    *(const struct ow_model **)ow_key_field(l->spec, key) = model;
    return OW_OK;
}

/* "$PDK_ROOT/...", as process design kits are found. */
static bool is_variable(const char *path)
{
    const size_t n = strcspn(path, "/");
    char name[64];
    if (*path != '$' || n < 2 || n > sizeof name)
        return false;
    snprintf(name, n, "%s", path + 1);
    return getenv(name) != NULL;
}

static char *expand(const char *path)
{
    const size_t n = strcspn(path, "/");
    char name[64];
    snprintf(name, n, "%s", path + 1);
    const char *value = getenv(name);
    char *full = malloc(strlen(value) + strlen(path + n) + 1);
    if (full)
        strcpy(stpcpy(full, value), path + n);
    return full;
}

/* A file that the specification names, as it can be opened from here, and readable. */
static enum ow_status read_path(const struct loader *l, const struct ow_key *key,
                                const struct ow_node *node, char **path)
{
    if (node->kind != OW_NODE_SCALAR || *node->text == '\0')
        return refuse(l, key, node, "");
    char *found =
        is_variable(node->text)
            ? expand(node->text)
            : ow_file_beside(ow_node_is_override(node) ? NULL : l->spec->path, node->text);
    if (!found)
        return out_of_memory(l);
    if (access(found, R_OK) != 0) {
        const int why = errno;
        make_printable(found);
        const enum ow_status st = ow_node_fail(node, l->err, OW_ERR_FILE, "%s: %.700s: %s",
                                               key->name, found, strerror(why));
        free(found);
        return st;
    }
    *path = found;
    return OW_OK;
}

static enum ow_status read_path_key(const struct loader *l, const struct ow_key *key,
                                    const struct ow_node *node)
{
    if (key->word && is_plain_word(node, key->word[0]))
        return OW_OK;
    return read_path(l, key, node, ow_key_field(l->spec, key));
}

/* Of a subcircuit or of a section of a library. */
static enum ow_status read_name_key(const struct loader *l, const struct ow_key *key,
                                    const struct ow_node *node)
{
    char **field = ow_key_field(l->spec, key);
    if (key->word && is_plain_word(node, key->word[0]))
        return OW_OK;
    if (node->kind != OW_NODE_SCALAR || !isalpha((unsigned char)*node->text) ||
        node->text[strspn(node->text, OW_NETLIST_LETTERS)])
        return refuse(l, key, node, "");
    *field = strdup(node->text);
    return *field ? OW_OK : out_of_memory(l);
}

/* "team.inc" and "sets/mine" are files, "team_f10" is a name. */
static bool is_set_file(const char *text)
{
    static const char *const ending[] = {".inc", ".lib", ".mod"};
    const size_t n = strlen(text);
    for (size_t k = 0; k < sizeof ending / sizeof ending[0]; k++)
        if (n > 4 && strcasecmp(text + n - 4, ending[k]) == 0)
            return true;
    return strchr(text, '/') != NULL;
}

static enum ow_status no_such_set(const struct loader *l, const struct ow_key *key,
                                  const struct ow_node *node)
{
    struct ow_guess guess = ow_guess_begin(node->text);
    for (size_t k = 0; k < ow_n_sets; k++)
        ow_guess_offer(&guess, ow_sets[k].name, ow_sets[k].name);
    return ow_node_fail(
        node, l->err, OW_ERR_INPUT, "%s: there is no parameter set %s%s, expected %s",
        key->name, shown(node).text, ow_guess_text(&guess).text, ow_key_expected(key).text);
}

static enum ow_status read_set_key(const struct loader *l, const struct ow_key *key,
                                   const struct ow_node *node)
{
    char **field = ow_key_field(l->spec, key);
    if (is_plain_word(node, key->word[0]))
        return OW_OK;
    if (node->kind != OW_NODE_SCALAR || *node->text == '\0')
        return refuse(l, key, node, "");
    if (is_set_file(node->text))
        return read_path(l, key, node, field);
    if (!ow_set_find(node->text))
        return no_such_set(l, key, node);
    *field = strdup(node->text);
    return *field ? OW_OK : out_of_memory(l);
}

/* {random: [rows, cols], seed: N} */
static enum ow_status read_random(const struct loader *l, const struct ow_key *key,
                                  const struct ow_node *node, struct ow_source *source)
{
    enum { SIDE_MAX = 1000000 };
    double side[2], seed;
    for (size_t k = 0; k < node->n; k++)
        if (strcmp(node->key[k].text, "random") != 0 && strcmp(node->key[k].text, "seed") != 0)
            return ow_node_fail(&node->key[k], l->err, OW_ERR_INPUT,
                                "%s: unknown key %s: expected %s", key->name,
                                shown(&node->key[k]).text, ow_key_expected(key).text);
    const struct ow_node *shape = ow_node_get(node, "random"),
                         *given = ow_node_get(node, "seed");
    if (!shape || shape->kind != OW_NODE_LIST || shape->n != 2)
        return refuse(l, key, shape ? shape : node, shape ? " is no shape" : "");
    for (size_t k = 0; k < 2; k++) {
        const enum ow_status st =
            read_number(l, key, &shape->item[k], 1, SIDE_MAX, true, &side[k]);
        if (st != OW_OK)
            return st;
    }
    if (given) {
        const enum ow_status st = read_number(l, key, given, 0, UINT32_MAX, true, &seed);
        if (st != OW_OK)
            return st;
    } else {
        seed = (double)l->spec->seed;
    }
    *source = (struct ow_source){.is_random = true,
                                 .rows = (size_t)side[0],
                                 .cols = (size_t)side[1],
                                 .random_seed = (uint32_t)seed};
    return OW_OK;
}

static enum ow_status read_source_key(const struct loader *l, const struct ow_key *key,
                                      const struct ow_node *node)
{
    struct ow_source *source = ow_key_field(l->spec, key);
    return node->kind == OW_NODE_MAP ? read_random(l, key, node, source)
                                     : read_path(l, key, node, &source->path);
}

static enum ow_status read_range_key(const struct loader *l, const struct ow_key *key,
                                     const struct ow_node *node)
{
    struct ow_range_choice range = {.rule = OW_RANGE_FIXED};
    if (is_word(node, "calibrated") || is_word(node, "max")) {
        range.rule = is_word(node, "max") ? OW_RANGE_MAX : OW_RANGE_CALIBRATED;
    } else {
        const double most = 1e30; /* its square is finite */
        if (node->kind != OW_NODE_LIST || node->n != 2)
            return refuse(l, key, node, "");
        enum ow_status st = read_number(l, key, &node->item[0], -most, most, false, &range.lo);
        if (st == OW_OK)
            st = read_number(l, key, &node->item[1], -most, most, false, &range.hi);
        if (st != OW_OK)
            return st;
        if (!(range.lo < range.hi))
            return refuse(l, key, node, " with lo >= hi");
    }
    *(struct ow_range_choice *)ow_key_field(l->spec, key) = range;
    return OW_OK;
}

static enum ow_status read_vectors_key(const struct loader *l, const struct ow_key *key,
                                       const struct ow_node *node)
{
    struct ow_vectors v = {.rule = OW_VECTORS_FIRST};
    if (is_word(node, "half") || is_word(node, "all")) {
        v.rule = is_word(node, "half") ? OW_VECTORS_HALF : OW_VECTORS_ALL;
    } else {
        double number;
        const enum ow_status st = read_number(l, key, node, 1, 1e9, true, &number);
        if (st != OW_OK)
            return st;
        v.n = (size_t)number;
    }
    *(struct ow_vectors *)ow_key_field(l->spec, key) = v;
    return OW_OK;
}

/* One row, or several: "7", "4-7". */
static enum ow_status read_row_range(const struct loader *l, const struct ow_key *key,
                                     const struct ow_node *node, size_t *first, size_t *last)
{
    unsigned long lo, hi;
    int used = 0;
    const bool is_digit =
        node->kind == OW_NODE_SCALAR && *node->text >= '0' && *node->text <= '9';
    if (is_digit && sscanf(node->text, "%6lu-%6lu%n", &lo, &hi, &used) == 2 && hi >= lo &&
        node->text[used] == '\0') {
        *first = lo;
        *last = hi;
        return OW_OK;
    }
    double number;
    const enum ow_status st = read_number(l, key, node, 0, 65535, true, &number);
    if (st == OW_OK)
        *first = *last = (size_t)number;
    return st;
}

static enum ow_status read_rows_key(const struct loader *l, const struct ow_key *key,
                                    const struct ow_node *node)
{
    struct ow_rows *rows = ow_key_field(l->spec, key);
    if (is_word(node, "all"))
        return OW_OK;
    if (node->kind != OW_NODE_LIST || node->n == 0)
        return refuse(l, key, node, "");
    for (size_t k = 0; k < node->n; k++) {
        size_t first, last;
        const enum ow_status st = read_row_range(l, key, &node->item[k], &first, &last);
        if (st != OW_OK)
            return st;
        size_t *row = realloc(rows->row, (rows->n + last - first + 1) * sizeof *row);
        if (!row)
            return out_of_memory(l);
        rows->row = row;
        for (size_t r = first; r <= last; r++)
            row[rows->n++] = r;
    }
    return OW_OK;
}

/* Two bit lines make an output, so the least array has two. */
static enum ow_status read_tile_key(const struct loader *l, const struct ow_key *key,
                                    const struct ow_node *node)
{
    double side[2];
    if (is_word(node, key->word[0]))
        return OW_OK;
    if (node->kind != OW_NODE_LIST || node->n != 2)
        return refuse(l, key, node, "");
    for (size_t k = 0; k < 2; k++) {
        const enum ow_status st =
            read_number(l, key, &node->item[k], key->lo + (double)k, key->hi, true, &side[k]);
        if (st != OW_OK)
            return st;
    }
    *(struct ow_tile *)ow_key_field(l->spec, key) =
        (struct ow_tile){.rows = (size_t)side[0], .cols = (size_t)side[1]};
    return OW_OK;
}

typedef enum ow_status read_fn(const struct loader *l, const struct ow_key *key,
                               const struct ow_node *node);

static read_fn *const read_type[] = {
    [OW_KEY_NUMBER] = read_number_key,   [OW_KEY_COUNT] = read_count_key,
    [OW_KEY_CHOICE] = read_choice_key,   [OW_KEY_BOOLEAN] = read_boolean_key,
    [OW_KEY_MODEL] = read_model_key,     [OW_KEY_SET] = read_set_key,
    [OW_KEY_PATH] = read_path_key,       [OW_KEY_SOURCE] = read_source_key,
    [OW_KEY_NAME] = read_name_key,       [OW_KEY_RANGE] = read_range_key,
    [OW_KEY_VECTORS] = read_vectors_key, [OW_KEY_ROWS] = read_rows_key,
    [OW_KEY_TILE] = read_tile_key,
};

/* ---- which node decides a key ------------------------------------------------------ */

/* Set an entry, in the place of one of the same name. */
static enum ow_status add_entry(const struct loader *l, struct ow_section *s,
                                const struct ow_node *key, const struct ow_node *value)
{
    size_t k = 0;
    while (k < s->n && strcmp(s->entry[k].key->text, key->text) != 0)
        k++;
    if (k == s->n) {
        struct ow_entry *entry = realloc(s->entry, (s->n + 1) * sizeof *entry);
        if (!entry)
            return out_of_memory(l);
        s->entry = entry;
        s->n++;
    }
    s->entry[k] = (struct ow_entry){.key = key, .value = value};
    return OW_OK;
}

/* A whole section: what was there before is forgotten. */
static enum ow_status set_section(const struct loader *l, const struct ow_key *key,
                                  const struct ow_node *node)
{
    struct ow_section *s = ow_key_field(l->spec, key);
    if (node->kind != OW_NODE_MAP)
        return refuse(l, key, node, "");
    s->n = 0;
    for (size_t k = 0; k < node->n; k++) {
        const enum ow_status st = add_entry(l, s, &node->key[k], &node->item[k]);
        if (st != OW_OK)
            return st;
    }
    return OW_OK;
}

static enum ow_status set_value(const struct loader *l, size_t k, const struct ow_node *node)
{
    l->memory->value[k] = node;
    return ow_keys[k].type == OW_KEY_SECTION ? set_section(l, &ow_keys[k], node) : OW_OK;
}

static bool is_section(const char *name, size_t n)
{
    for (size_t k = 0; k < OW_N_KEYS; k++)
        if (ow_key_section(&ow_keys[k]) == n && strncmp(ow_keys[k].name, name, n) == 0 && n > 0)
            return true;
    return false;
}

/* The keys that are most like `name`, which is written in `section` (n long).  Right in
 * another section, or right but for its letters. */
static struct ow_expected guess_key(const char *section, size_t n, const char *name)
{
    struct ow_guess guess = ow_guess_begin(name);
    for (size_t k = 0; k < OW_N_KEYS; k++) {
        const size_t own = ow_key_section(&ow_keys[k]);
        const char *last = ow_keys[k].name + (own ? own + 1 : 0);
        const bool is_here = own == n && strncmp(ow_keys[k].name, section, n) == 0;
        if (is_here || strcmp(last, name) == 0)
            ow_guess_offer(&guess, last, is_here ? last : ow_keys[k].name);
        if (n == 0 && own > 0) { /* a section, or the whole name */
            char text[32];
            snprintf(text, sizeof text, "%.*s", (int)own, ow_keys[k].name);
            ow_guess_offer(&guess, text, text);
            ow_guess_offer(&guess, ow_keys[k].name, ow_keys[k].name);
        }
    }
    return ow_guess_text(&guess);
}

static enum ow_status unknown_key(const struct loader *l, const char *section, size_t n,
                                  const struct ow_node *key)
{
    const size_t k = ow_key_find(key->text);
    if (n == 0 && k < OW_N_KEYS) {
        const size_t own = ow_key_section(&ow_keys[k]);
        return ow_node_fail(key, l->err, OW_ERR_INPUT,
                            "%s: unknown key, expected %s under the section %.*s", key->text,
                            key->text + own + 1, (int)own, key->text);
    }
    return ow_node_fail(key, l->err, OW_ERR_INPUT, "%.*s%s%s: unknown key%s", (int)n, section,
                        n ? "." : "", ow_quote(key->text, strlen(key->text)).text,
                        guess_key(section, n, key->text).text);
}

/* array: {rows: 128, ...} */
static enum ow_status take_section(const struct loader *l, const char *section,
                                   const struct ow_node *map)
{
    const size_t n = strlen(section);
    if (map->kind != OW_NODE_MAP)
        return ow_node_fail(map, l->err, OW_ERR_INPUT, "%s: %s: expected a map of keys",
                            section, shown(map).text);
    for (size_t e = 0; e < map->n; e++) {
        size_t k = 0;
        while (k < OW_N_KEYS && !(ow_key_section(&ow_keys[k]) == n &&
                                  strncmp(ow_keys[k].name, section, n) == 0 &&
                                  strcmp(ow_keys[k].name + n + 1, map->key[e].text) == 0))
            k++;
        char part[64]; /* of the section, with keys of its own */
        const int n_part = snprintf(part, sizeof part, "%s.%s", section, map->key[e].text);
        const bool is_part = n_part < (int)sizeof part && is_section(part, (size_t)n_part);
        if (k == OW_N_KEYS && !is_part)
            return unknown_key(l, section, n, &map->key[e]);
        const enum ow_status st =
            is_part ? take_section(l, part, &map->item[e]) : set_value(l, k, &map->item[e]);
        if (st != OW_OK)
            return st;
    }
    return OW_OK;
}

static enum ow_status take_file(const struct loader *l, const struct ow_node *root)
{
    if (root->kind != OW_NODE_MAP)
        return ow_node_fail(root, l->err, OW_ERR_INPUT,
                            "%s: expected a map of sections such as vmm, array, device",
                            shown(root).text);
    for (size_t e = 0; e < root->n; e++) {
        const struct ow_node *key = &root->key[e];
        const size_t k = strchr(key->text, '.') ? OW_N_KEYS : ow_key_find(key->text);
        enum ow_status st;
        if (k < OW_N_KEYS)
            st = set_value(l, k, &root->item[e]);
        else if (is_section(key->text, strlen(key->text)))
            st = take_section(l, key->text, &root->item[e]);
        else
            st = unknown_key(l, "", 0, key);
        if (st != OW_OK)
            return st;
    }
    return OW_OK;
}

/* ---- overrides --------------------------------------------------------------------- */

/* The key that a name from the command line means; a section of the user's own entries
 * also takes "device.params.r_on", of which *entry is "r_on". */
static size_t find_override(const char *name, const char **entry)
{
    *entry = NULL;
    for (size_t k = 0; k < OW_N_KEYS; k++) {
        const size_t n = strlen(ow_keys[k].name);
        if (strcmp(ow_keys[k].name, name) == 0)
            return k;
        if (ow_keys[k].type == OW_KEY_SECTION && strncmp(ow_keys[k].name, name, n) == 0 &&
            name[n] == '.' && name[n + 1] != '\0') {
            *entry = name + n + 1;
            return k;
        }
    }
    return OW_N_KEYS;
}

enum ow_status ow_spec_check_key(const struct ow_node *key, struct ow_error *err)
{
    const char *name = key->text, *entry;
    if (find_override(name, &entry) < OW_N_KEYS)
        return OW_OK;
    if (is_section(name, strlen(name)))
        return ow_node_fail(key, err, OW_ERR_INPUT, "%s is a section: set its keys one by one",
                            name);
    size_t n = strlen(name); /* of the section in front */
    while (n > 0 && !(name[n] == '.' && is_section(name, n)))
        n--;
    return ow_node_fail(key, err, OW_ERR_INPUT, "%s: unknown key%s",
                        ow_quote(name, strlen(name)).text,
                        guess_key(name, n, name + (n ? n + 1 : 0)).text);
}

static enum ow_status take_value(const struct loader *l, size_t k, const char *entry,
                                 const char *value, struct ow_override *o)
{
    const char *origin = o->doc.origin; /* of "--set ..." */
    struct ow_document doc;
    enum ow_status st = ow_yaml_parse(value, strlen(value), origin, false, &doc, l->err);
    if (st != OW_OK)
        return st;
    free(o->doc.origin);
    o->doc = doc;
    if (!entry)
        return set_value(l, k, &o->doc.root);
    o->entry = (struct ow_node){.kind = OW_NODE_SCALAR, .origin = doc.origin};
    o->entry.text = strdup(entry);
    if (!o->entry.text)
        return out_of_memory(l);
    return add_entry(l, ow_key_field(l->spec, &ow_keys[k]), &o->entry, &o->doc.root);
}

/* One "array.rows=128". */
static enum ow_status take_override(const struct loader *l, const char *text,
                                    struct ow_override *o)
{
    static const char option[] = "--set ";
    o->doc.origin = malloc(strlen(text) + sizeof option);
    if (!o->doc.origin)
        return out_of_memory(l);
    strcpy(stpcpy(o->doc.origin, option), text);
    make_printable(o->doc.origin);
    const char *equals = strchr(text, '='), *entry;
    if (!equals || equals == text)
        return ow_fail(l->err, OW_ERR_INPUT, "%s: expected KEY=VALUE, such as array.rows=128",
                       o->doc.origin);
    char *name = strndup(text, (size_t)(equals - text));
    if (!name)
        return out_of_memory(l);
    const size_t k = find_override(name, &entry);
    const struct ow_node at = {.kind = OW_NODE_SCALAR, .origin = o->doc.origin, .text = name};
    const enum ow_status st =
        k < OW_N_KEYS ? take_value(l, k, entry, equals + 1, o) : ow_spec_check_key(&at, l->err);
    free(name);
    return st;
}

static enum ow_status take_overrides(const struct loader *l, const char *const overrides[])
{
    size_t n = 0;
    while (overrides && overrides[n])
        n++;
    if (n == 0)
        return OW_OK;
    l->memory->override = calloc(n, sizeof *l->memory->override);
    if (!l->memory->override)
        return out_of_memory(l);
    for (size_t k = 0; k < n; k++) {
        l->memory->n_override = k + 1; /* finish() frees this one as well */
        const enum ow_status st = take_override(l, overrides[k], &l->memory->override[k]);
        if (st != OW_OK)
            return st;
    }
    return OW_OK;
}

/* ---- device parameters ------------------------------------------------------------- */

struct ow_part ow_spec_part(const struct ow_spec *spec, size_t which)
{
    struct ow_spec *s = (struct ow_spec *)spec; /* arrays that its owner fills */
    if (which == 0)
        return (struct ow_part){"device",          s->device.model, s->device.set,
                                &s->device.params, s->device.param, &s->memory->device};
    return (struct ow_part){"access",          s->access.model, s->access.set,
                            &s->access.params, s->access.param, &s->memory->access};
}

const char *ow_spec_param_taken(const struct ow_part *part, size_t k)
{
    if (k == OW_SEED)
        return "comes from the specification's `seed`";
    if (k == OW_ID)
        return "numbers the cells";
    const bool is_weight = strcmp(part->section, "device") == 0 && k == part->model->program;
    return is_weight ? "is set by the weights" : NULL;
}

/* The node of "device.set" and its like. */
static const struct ow_node *part_node(const struct loader *l, const struct ow_part *part,
                                       const char *key)
{
    char name[32];
    snprintf(name, sizeof name, "%s.%s", part->section, key);
    return l->memory->value[ow_key_find(name)];
}

static enum ow_status apply_set(const struct loader *l, const struct ow_part *part,
                                double param[])
{
    const char *name = part->set;
    char *text = NULL;
    struct ow_error bad = {0};
    enum ow_status st;
    if (is_set_file(name)) {
        size_t n;
        st = ow_file_read(name, SPEC_BYTES_MAX, &text, &n, &bad);
        if (st == OW_OK && strlen(text) != n)
            st = ow_fail(&bad, OW_ERR_INPUT, "%s: not a text", name);
        if (st == OW_OK)
            st = ow_set_apply(text, name, part->model, param, &bad);
    } else {
        st = ow_set_apply(ow_set_find(name)->text, name, part->model, param, &bad);
    }
    free(text);
    return st == OW_OK ? OW_OK
                       : ow_node_fail(part_node(l, part, "set"), l->err, st, "%s.set: %s",
                                      part->section, bad.text);
}

static enum ow_status unknown_param(const struct loader *l, const struct ow_part *part,
                                    const struct ow_node *key)
{
    const struct ow_model *model = part->model;
    struct ow_guess guess = ow_guess_begin(key->text);
    for (size_t k = 0; k < model->n_param; k++)
        if (!ow_spec_param_taken(part, k))
            ow_guess_offer(&guess, model->param[k].name, model->param[k].name);
    return ow_node_fail(key, l->err, OW_ERR_INPUT, "%s.params.%s: %s has no such parameter%s",
                        part->section, ow_quote(key->text, strlen(key->text)).text, model->name,
                        ow_guess_text(&guess).text);
}

static enum ow_status apply_param(const struct loader *l, const struct ow_part *part,
                                  const struct ow_entry *entry)
{
    const struct ow_model *model = part->model;
    const struct ow_node *key = entry->key, *value = entry->value;
    struct ow_error bad = {0};
    const size_t k = ow_param_index(model, key->text);
    if (k == model->n_param)
        return unknown_param(l, part, key);
    if (ow_spec_param_taken(part, k))
        return ow_node_fail(key, l->err, OW_ERR_INPUT, "%s.params.%s: cannot be set, it %s",
                            part->section, key->text, ow_spec_param_taken(part, k));
    if (value->kind != OW_NODE_SCALAR || *value->text == '\0')
        return ow_node_fail(value, l->err, OW_ERR_INPUT,
                            "%s.params.%s: %s: expected a number or a name (%s)", part->section,
                            key->text, shown(value).text, model->param[k].doc);
    const enum ow_status st = ow_param_parse(model, k, value->text, &part->param[k], &bad);
    if (st != OW_OK)
        return ow_node_fail(value, l->err, st, "%s.params: %s", part->section, bad.text);
    part->origins->value[k] = value;
    return OW_OK;
}

/* Where the blame for parameter k lies: with its own value, else with the set, else with
 * the model. */
static const struct ow_node *param_node(const struct loader *l, const struct ow_part *part,
                                        size_t k)
{
    if (k < OW_MAX_PARAMS && part->origins->value[k])
        return part->origins->value[k];
    if (part->params->n > 0)
        return part->params->entry[0].key;
    const struct ow_node *set = part_node(l, part, "set");
    return set ? set : part_node(l, part, "model");
}

/* Model defaults, then the set, then the single parameters. */
static enum ow_status resolve_params(const struct loader *l, size_t which)
{
    const struct ow_part part = ow_spec_part(l->spec, which);
    const struct ow_model *model = part.model;
    double given[OW_MAX_PARAMS];
    struct ow_error bad = {0};
    size_t k_bad = model->n_param;
    enum ow_status st;
    ow_params_default(model, part.param);
    for (size_t k = 0; k < model->n_param; k++)
        given[k] = NAN; /* to see which ones the set names */
    if (part.set && (st = apply_set(l, &part, given)) != OW_OK)
        return st;
    for (size_t k = 0; k < model->n_param; k++)
        if (!isnan(given[k])) {
            part.param[k] = given[k];
            part.origins->in_set[k] = true;
        }
    for (size_t k = 0; k < part.params->n; k++)
        if ((st = apply_param(l, &part, &part.params->entry[k])) != OW_OK)
            return st;
    part.param[OW_SEED] = (double)l->spec->seed;
    st = ow_params_check(model, part.param, &k_bad, &bad);
    if (st == OW_OK)
        return OW_OK;
    const struct ow_node *node =
        param_node(l, &part, k_bad < model->n_param ? k_bad : OW_MAX_PARAMS);
    return node ? ow_node_fail(node, l->err, st, "%s.params: %s", part.section, bad.text)
                : ow_fail(l->err, st, "%s: %s.params: %s", l->spec->path, part.section,
                          bad.text);
}

/* ---- the cell ---------------------------------------------------------------------- */

/* What array.cell takes as access devices, the first by default. */
static const char *const access_of[][3] = {
    [OW_CELL_1R] = {NULL},
    [OW_CELL_1T1R] = {"ekv", NULL},
    [OW_CELL_1S1R] = {"selector_exp", "selector_ts", NULL},
    [OW_CELL_2T2R] = {"ekv", NULL},
};

static enum ow_status check_access(const struct loader *l)
{
    const struct ow_spec *spec = l->spec;
    const char *const *name = access_of[spec->array.cell];
    if (!name[0]) {
        static const char why[] = "would be ignored, array.cell is 1R: expected 1T1R, 1S1R or "
                                  "2T2R there, or nothing here";
        const char *ignored = spec->access.model ? "access.model"
                              : spec->access.set ? "access.set"
                                                 : NULL;
        if (ignored)
            return ow_spec_fail(spec, ignored, l->err, OW_ERR_INPUT, "%s", why);
        if (spec->access.params.n == 0)
            return OW_OK;
        const struct ow_node *key = spec->access.params.entry[0].key;
        return ow_node_fail(key, l->err, OW_ERR_INPUT, "access.params.%s: %s",
                            ow_quote(key->text, strlen(key->text)).text, why);
    }
    for (size_t k = 0; name[k]; k++)
        if (strcmp(name[k], spec->access.model->name) == 0)
            return OW_OK;
    return ow_spec_fail(spec, "access.model", l->err, OW_ERR_INPUT,
                        "%s in a cell of another kind: expected %s%s%s for this array.cell",
                        spec->access.model->name, name[0], name[1] ? " or " : "",
                        name[1] ? name[1] : "");
}

/* The device, or both in series; parameters one after the other. */
static enum ow_status make_cell(const struct loader *l)
{
    struct ow_spec *spec = l->spec;
    struct ow_error why = {0};
    spec->cell.model = spec->device.model;
    memcpy(spec->cell.param, spec->device.param, sizeof spec->cell.param);
    if (!spec->access.model)
        return OW_OK;
    const enum ow_status st = ow_series_create(spec->device.model, spec->access.model, "access",
                                               &spec->cell.series, &why);
    if (st != OW_OK)
        return ow_spec_fail(spec, "array.cell", l->err, st, "%s", why.text);
    spec->cell.model = &spec->cell.series->model;
    memcpy(spec->cell.param + spec->device.model->n_param, spec->access.param,
           spec->access.model->n_param * sizeof *spec->cell.param);
    return OW_OK;
}

static enum ow_status resolve_cell(const struct loader *l)
{
    struct ow_spec *spec = l->spec;
    const char *dflt = access_of[spec->array.cell][0];
    if (dflt && !spec->access.model)
        spec->access.model = ow_model_find(dflt);
    enum ow_status st = check_access(l);
    if (st == OW_OK)
        st = resolve_params(l, 0);
    if (st == OW_OK && spec->access.model)
        st = resolve_params(l, 1);
    return st == OW_OK ? make_cell(l) : st;
}

/* ---- all together ------------------------------------------------------------------ */

static enum ow_status missing(const struct loader *l, const struct ow_key *key)
{
    const struct ow_node *map = l->memory->root, *at = map;
    const char *name = key->name;
    for (size_t n = strcspn(name, "."); map && name[n] != '\0';
         name += n + 1, n = strcspn(name, ".")) {
        const struct ow_node *inside = NULL;
        for (size_t e = 0; map->kind == OW_NODE_MAP && e < map->n; e++)
            if (strlen(map->key[e].text) == n && strncmp(map->key[e].text, name, n) == 0) {
                at = &map->key[e];
                inside = &map->item[e];
            }
        map = inside;
    }
    return ow_node_fail(at, l->err, OW_ERR_INPUT, "%s: missing, expected %s (%s)", key->name,
                        ow_key_expected(key).text, key->doc);
}

static enum ow_status read_key(const struct loader *l, size_t k)
{
    const struct ow_key *key = &ow_keys[k];
    const struct ow_node *node = l->memory->value[k];
    if (key->type == OW_KEY_SECTION || (!node && !ow_key_is_needed(l->spec, key)))
        return OW_OK; /* kept as it stands, or not there */
    if (!node && !key->dflt)
        return missing(l, key);
    const struct ow_node dflt = {
        .kind = OW_NODE_SCALAR, .origin = "default", .text = (char *)key->dflt};
    return read_type[key->type](l, key, node ? node : &dflt);
}

/* The seed first, because random matrices take it where they have none of their own, and the
 * target of writes, which stands in for weights. */
static enum ow_status read_keys(const struct loader *l)
{
    const size_t first[] = {ow_key_find("seed"), ow_key_find("program.target")};
    for (size_t k = 0; k < OW_N_KEYS; k++)
        l->spec->program.is_given |=
            l->memory->value[k] && strncmp(ow_keys[k].name, "program.", 8) == 0;
    enum ow_status st = read_key(l, first[0]);
    if (st == OW_OK)
        st = read_key(l, first[1]);
    for (size_t k = 0; k < OW_N_KEYS && st == OW_OK; k++)
        if (k != first[0] && k != first[1])
            st = read_key(l, k);
    return st;
}

/* Every key read, every relation checked. */
static enum ow_status resolve(const struct loader *l)
{
    enum ow_status st = read_keys(l);
    if (st == OW_OK)
        st = resolve_cell(l);
    if (st == OW_OK)
        st = ow_spec_periphery(l->spec, l->err);
    return st == OW_OK ? ow_spec_check(l->spec, l->err) : st;
}

static enum ow_status begin(const char *path, struct ow_spec *spec, struct ow_error *err)
{
    *spec = (struct ow_spec){.path = strdup(path), .memory = calloc(1, sizeof *spec->memory)};
    if (spec->path && spec->memory)
        return OW_OK;
    ow_spec_finish(spec);
    return ow_fail(err, OW_ERR_NOMEM, "%s: out of memory", path);
}

static enum ow_status take_text(const struct loader *l, const char *text, size_t n,
                                const char *const overrides[])
{
    struct ow_spec_memory *m = l->memory;
    enum ow_status st = ow_yaml_parse(text, n, l->spec->path, true, &m->doc, l->err);
    if (st != OW_OK)
        return st;
    m->root = &m->doc.root;
    st = take_file(l, m->root);
    return st == OW_OK ? take_overrides(l, overrides) : st;
}

static enum ow_status parse(const char *text, size_t n, const char *path,
                            const char *const overrides[], bool is_outline,
                            struct ow_spec *spec, struct ow_error *err)
{
    struct ow_spec made;
    enum ow_status st = begin(path, &made, err);
    if (st != OW_OK)
        return st;
    const struct loader l = {.spec = &made, .memory = made.memory, .err = err};
    st = take_text(&l, text, n, overrides);
    if (st == OW_OK && !is_outline)
        st = resolve(&l);
    if (st != OW_OK)
        ow_spec_finish(&made);
    else
        *spec = made;
    return st;
}

static enum ow_status load(const char *path, const char *const overrides[], bool is_outline,
                           struct ow_spec *spec, struct ow_error *err)
{
    char *text;
    size_t n;
    enum ow_status st = ow_file_read(path, SPEC_BYTES_MAX, &text, &n, err);
    if (st != OW_OK)
        return st;
    st = parse(text, n, path, overrides, is_outline, spec, err);
    free(text);
    return st;
}

enum ow_status ow_spec_parse(const char *text, size_t n, const char *path,
                             const char *const overrides[], struct ow_spec *spec,
                             struct ow_error *err)
{
    return parse(text, n, path, overrides, false, spec, err);
}

enum ow_status ow_spec_load(const char *path, const char *const overrides[],
                            struct ow_spec *spec, struct ow_error *err)
{
    return load(path, overrides, false, spec, err);
}

enum ow_status ow_spec_outline(const char *path, const char *const overrides[],
                               struct ow_spec *spec, struct ow_error *err)
{
    return load(path, overrides, true, spec, err);
}

enum ow_status ow_spec_outline_text(const char *text, size_t n, const char *path,
                                    const char *const overrides[], struct ow_spec *spec,
                                    struct ow_error *err)
{
    return parse(text, n, path, overrides, true, spec, err);
}

/* ---- one point of a sweep ---------------------------------------------------------- */

static bool param_about(const struct ow_model *model, const char *name, const char **unit,
                        const char **doc)
{
    const size_t p = ow_param_index(model, name);
    if (p == model->n_param)
        return false;
    *unit = model->param[p].unit;
    *doc = model->param[p].doc;
    return true;
}

bool ow_spec_key_about(const char *key, const struct ow_model *model, const char **unit,
                       const char **doc)
{
    const size_t k = ow_key_find(key);
    if (k < OW_N_KEYS) {
        *unit = ow_keys[k].unit;
        *doc = ow_keys[k].doc;
        return true;
    }
    if (strncmp(key, "device.params.", 14) == 0)
        return model && param_about(model, key + 14, unit, doc);
    if (strncmp(key, "access.params.", 14) != 0)
        return false;
    for (size_t c = 0; c < sizeof access_of / sizeof access_of[0]; c++)
        for (size_t a = 0; access_of[c][a]; a++)
            if (param_about(ow_model_find(access_of[c][a]), key + 14, unit, doc))
                return true;
    return false;
}

bool ow_spec_is_count(const char *key)
{
    const size_t k = ow_key_find(key);
    return k < OW_N_KEYS && ow_keys[k].type == OW_KEY_COUNT;
}

const struct ow_node *ow_spec_node(const struct ow_spec *spec, const char *key)
{
    const size_t k = ow_key_find(key);
    return k < OW_N_KEYS ? spec->memory->value[k] : NULL;
}

/* The values and the user's own entries, as they stand in the outline; what is swept and what
 * is limited is no part of a point. */
static enum ow_status take_outline(const struct loader *l, const struct ow_spec *outline)
{
    l->memory->root = outline->memory->root;
    for (size_t k = 0; k < OW_N_KEYS; k++) {
        const struct ow_node *value = outline->memory->value[k];
        if (ow_keys[k].type != OW_KEY_SECTION) {
            l->memory->value[k] = value;
            continue;
        }
        const struct ow_section *from =
            (const struct ow_section *)((const char *)outline + ow_keys[k].offset);
        if (from == &outline->sweep || from == &outline->limits)
            continue;
        l->memory->value[k] = value;
        for (size_t e = 0; e < from->n; e++) {
            const enum ow_status st = add_entry(l, ow_key_field(l->spec, &ow_keys[k]),
                                                from->entry[e].key, from->entry[e].value);
            if (st != OW_OK)
                return st;
        }
    }
    return OW_OK;
}

static enum ow_status take_setting(const struct loader *l, const struct ow_setting *setting,
                                   struct ow_override *o)
{
    const char *entry;
    const size_t k = find_override(setting->key, &entry);
    assert(k < OW_N_KEYS);
    if (!entry)
        return set_value(l, k, setting->value);
    o->entry = *setting->value; /* its place */
    o->entry.kind = OW_NODE_SCALAR;
    o->entry.n = 0;
    o->entry.item = o->entry.key = NULL;
    o->entry.text = strdup(entry);
    return o->entry.text
               ? add_entry(l, ow_key_field(l->spec, &ow_keys[k]), &o->entry, setting->value)
               : out_of_memory(l);
}

enum ow_status ow_spec_vary(const struct ow_spec *outline, const struct ow_setting setting[],
                            size_t n, struct ow_spec *spec, struct ow_error *err)
{
    struct ow_spec made;
    enum ow_status st = begin(outline->path, &made, err);
    if (st != OW_OK)
        return st;
    made.allows_commands = outline->allows_commands;
    const struct loader l = {.spec = &made, .memory = made.memory, .err = err};
    st = take_outline(&l, outline);
    if (st == OW_OK && n > 0 &&
        !(made.memory->override = calloc(n, sizeof *made.memory->override)))
        st = out_of_memory(&l);
    for (size_t k = 0; k < n && st == OW_OK; k++) {
        made.memory->n_override = k + 1;
        st = take_setting(&l, &setting[k], &made.memory->override[k]);
    }
    if (st == OW_OK)
        st = resolve(&l);
    if (st != OW_OK)
        ow_spec_finish(&made);
    else
        *spec = made;
    return st;
}

static void memory_destroy(struct ow_spec_memory *m)
{
    if (!m)
        return;
    for (size_t k = 0; k < m->n_override; k++) {
        ow_document_finish(&m->override[k].doc);
        free(m->override[k].entry.text);
    }
    free(m->override);
    ow_document_finish(&m->doc);
    free(m);
}

static void finish_block(struct ow_block_source *block)
{
    free(block->file);
    free(block->subckt);
    free(block->pins.entry);
    free(block->params.entry);
}

void ow_spec_finish(struct ow_spec *spec)
{
    free(spec->vmm.weights.path);
    free(spec->vmm.inputs.path);
    free(spec->vmm.labels);
    free(spec->device.set);
    free(spec->device.params.entry);
    free(spec->access.set);
    free(spec->access.params.entry);
    ow_series_destroy(spec->cell.series);
    ow_periphery_finish(&spec->periphery);
    finish_block(&spec->sense_block);
    finish_block(&spec->driver.block);
    finish_block(&spec->adc.block);
    free(spec->process.lib);
    free(spec->process.corner);
    free(spec->program.begin);
    free(spec->program.target);
    free(spec->program.pulses.rows.row);
    free(spec->sweep.entry);
    free(spec->limits.entry);
    free(spec->path);
    memory_destroy(spec->memory);
    *spec = (struct ow_spec){0};
}

enum ow_status ow_spec_fail(const struct ow_spec *spec, const char *key, struct ow_error *err,
                            enum ow_status status, const char *format, ...)
{
    char text[sizeof err->text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const size_t k = ow_key_find(key);
    const struct ow_node *node = k < OW_N_KEYS ? spec->memory->value[k] : NULL;
    return node ? ow_node_fail(node, err, status, "%s: %s", key, text)
                : ow_fail(err, status, "%s: %s (default): %s", spec->path, key, text);
}
