#include "ow_yaml.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "ow_quote.h"

/* A specification nests four deep; the recursion below needs some bound. */
enum { DEPTH_MAX = 16 };

struct reader {
    yaml_parser_t parser;
    const char *text; /* the whole input, for messages */
    size_t n;
    const char *origin;
    bool has_lines;
    int depth;
    struct ow_error *err;
};

struct ow_place ow_node_place(const struct ow_node *node)
{
    struct ow_place place;
    const size_t room = sizeof place.text;
    if (node->line == 0) {
        snprintf(place.text, room, "%s", node->origin);
        return place;
    }
    /* A long path loses its beginning: its end and the line matter most. */
    const size_t len = strlen(node->origin), most = room - 64;
    snprintf(place.text, room, "%s%s:%zu:%zu", len > most ? "..." : "",
             node->origin + (len > most ? len - most : 0), node->line, node->column);
    return place;
}

enum ow_status ow_node_fail(const struct ow_node *node, struct ow_error *err,
                            enum ow_status status, const char *format, ...)
{
    char text[sizeof err->text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return ow_fail(err, status, "%s: %s", ow_node_place(node).text, text);
}

const struct ow_node *ow_node_get(const struct ow_node *map, const char *key)
{
    for (size_t k = 0; map->kind == OW_NODE_MAP && k < map->n; k++)
        if (strcmp(map->key[k].text, key) == 0)
            return &map->item[k];
    return NULL;
}

static void node_finish(struct ow_node *node)
{
    for (size_t k = 0; k < node->n; k++) {
        node_finish(&node->item[k]);
        if (node->key)
            free(node->key[k].text);
    }
    free(node->item);
    free(node->key);
    free(node->text);
    *node = (struct ow_node){0};
}

void ow_document_finish(struct ow_document *doc)
{
    node_finish(&doc->root);
    free(doc->origin);
    *doc = (struct ow_document){0};
}

/* A node without content at a place in the input. */
static struct ow_node node_at(const struct reader *in, const yaml_mark_t *mark)
{
    return (struct ow_node){.origin = in->origin,
                            .line = in->has_lines ? mark->line + 1 : 0,
                            .column = mark->column + 1};
}

/* libyaml knows the place of a character that is not UTF-8 or not printable only as a
 * number of bytes. */
static yaml_mark_t mark_of_byte(const struct reader *in, size_t offset)
{
    yaml_mark_t mark = {0};
    for (size_t k = 0; k < offset && k < in->n; k++)
        if (in->text[k] == '\n') {
            mark.line++;
            mark.column = 0;
        } else if (((unsigned char)in->text[k] & 0xc0) != 0x80) {
            mark.column++;
        }
    return mark;
}

/* Whether the indentation of a line contains a tab, by far the most common reason for
 * libyaml's "cannot start any token". */
static bool is_tab_indented(const struct reader *in, size_t line)
{
    const char *at = in->text, *end = in->text + in->n;
    for (size_t k = 0; k < line && at < end; k++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (!at)
            return false;
        at++;
    }
    for (; at < end && (*at == ' ' || *at == '\t'); at++)
        if (*at == '\t')
            return true;
    return false;
}

/* libyaml's own complaint, with its place. */
static enum ow_status status_from_yaml(const struct reader *in)
{
    const yaml_parser_t *p = &in->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return ow_fail(in->err, OW_ERR_NOMEM, "%s: out of memory", in->origin);
    const yaml_mark_t mark =
        p->error == YAML_READER_ERROR ? mark_of_byte(in, p->problem_offset) : p->problem_mark;
    const struct ow_node at = node_at(in, &mark);
    if (p->error == YAML_SCANNER_ERROR && is_tab_indented(in, mark.line))
        return ow_node_fail(&at, in->err, OW_ERR_INPUT,
                            "a tab in the indentation, expected blanks");
    return ow_node_fail(&at, in->err, OW_ERR_INPUT, "not YAML: %s%s%s",
                        p->context ? p->context : "", p->context ? ": " : "",
                        p->problem ? p->problem : "unreadable");
}

static enum ow_status out_of_memory(const struct reader *in)
{
    return ow_fail(in->err, OW_ERR_NOMEM, "%s: out of memory", in->origin);
}

static enum ow_status next_event(struct reader *in, yaml_event_t *event)
{
    return yaml_parser_parse(&in->parser, event) ? OW_OK : status_from_yaml(in);
}

/* Anchors and tags of an event that begins a node; NULL for other events. */
static void decorations(const yaml_event_t *event, const yaml_char_t **anchor,
                        const yaml_char_t **tag)
{
    *anchor = *tag = NULL;
    if (event->type == YAML_SCALAR_EVENT) {
        *anchor = event->data.scalar.anchor;
        *tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        *anchor = event->data.sequence_start.anchor;
        *tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        *anchor = event->data.mapping_start.anchor;
        *tag = event->data.mapping_start.tag;
    } else if (event->type == YAML_ALIAS_EVENT) {
        *anchor = event->data.alias.anchor;
    }
}

static enum ow_status read_node(struct reader *in, const yaml_event_t *event,
                                struct ow_node *out);

static enum ow_status read_scalar(const struct reader *in, const yaml_event_t *event,
                                  struct ow_node *out)
{
    const char *value = (const char *)event->data.scalar.value;
    const size_t n = event->data.scalar.length;
    if (memchr(value, '\0', n))
        return ow_node_fail(out, in->err, OW_ERR_INPUT, "a NUL character in a text");
    out->kind = OW_NODE_SCALAR;
    out->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    out->text = strdup(value);
    return out->text ? OW_OK : out_of_memory(in);
}

/* Room for one more item (and key). */
static enum ow_status grow(const struct reader *in, struct ow_node *node, size_t *room)
{
    if (node->n < *room)
        return OW_OK;
    const size_t more = *room ? 2 * *room : 8;
    struct ow_node *item = realloc(node->item, more * sizeof *item);
    if (!item)
        return out_of_memory(in);
    node->item = item;
    if (node->kind == OW_NODE_MAP) {
        struct ow_node *key = realloc(node->key, more * sizeof *key);
        if (!key)
            return out_of_memory(in);
        node->key = key;
    }
    *room = more;
    return OW_OK;
}

static enum ow_status read_key(struct reader *in, const yaml_event_t *event,
                               const struct ow_node *map, struct ow_node *key)
{
    const struct ow_node at = node_at(in, &event->start_mark);
    if (event->type != YAML_SCALAR_EVENT && event->type != YAML_ALIAS_EVENT)
        return ow_node_fail(&at, in->err, OW_ERR_INPUT, "a list or a map, expected a key");
    const enum ow_status st = read_node(in, event, key);
    if (st != OW_OK)
        return st;
    for (size_t k = 0; k < map->n; k++)
        if (strcmp(map->key[k].text, key->text) == 0) {
            const struct ow_quote shown = ow_quote(key->text, strlen(key->text));
            free(key->text);
            if (!in->has_lines)
                return ow_node_fail(&at, in->err, OW_ERR_INPUT, "%s: key given twice",
                                    shown.text);
            return ow_node_fail(&at, in->err, OW_ERR_INPUT,
                                "%s: key given twice, first in line %zu", shown.text,
                                map->key[k].line);
        }
    return OW_OK;
}

/* The items of a list, or the entries of a map, up to its end. */
static enum ow_status read_items(struct reader *in, yaml_event_type_t end, struct ow_node *out)
{
    for (size_t room = 0;;) {
        yaml_event_t event;
        enum ow_status st = next_event(in, &event);
        if (st != OW_OK)
            return st;
        if (event.type == end) {
            yaml_event_delete(&event);
            return OW_OK;
        }
        struct ow_node key = {0};
        st = grow(in, out, &room);
        if (st == OW_OK && out->kind == OW_NODE_MAP) {
            st = read_key(in, &event, out, &key);
            yaml_event_delete(&event);
            if (st != OW_OK)
                return st;
            st = next_event(in, &event);
            if (st != OW_OK) {
                free(key.text);
                return st;
            }
        }
        if (st == OW_OK)
            st = read_node(in, &event, &out->item[out->n]);
        yaml_event_delete(&event);
        if (st != OW_OK) {
            free(key.text);
            return st;
        }
        if (out->kind == OW_NODE_MAP)
            out->key[out->n] = key;
        out->n++;
    }
}

/* *out is filled on success and empty otherwise. */
static enum ow_status read_node(struct reader *in, const yaml_event_t *event,
                                struct ow_node *out)
{
    const yaml_char_t *anchor, *tag;
    struct ow_node node = node_at(in, &event->start_mark);
    enum ow_status st;
    decorations(event, &anchor, &tag);
    if (anchor)
        st = ow_node_fail(&node, in->err, OW_ERR_INPUT,
                          "%c%s: anchors and aliases are not supported, write the value out",
                          event->type == YAML_ALIAS_EVENT ? '*' : '&',
                          ow_quote((const char *)anchor, strlen((const char *)anchor)).text);
    else if (tag)
        st = ow_node_fail(&node, in->err, OW_ERR_INPUT, "tags (%s) are not supported",
                          ow_quote((const char *)tag, strlen((const char *)tag)).text);
    else if (event->type == YAML_SCALAR_EVENT)
        st = read_scalar(in, event, &node);
    else if (in->depth == DEPTH_MAX)
        st = ow_node_fail(&node, in->err, OW_ERR_INPUT, "nested more than %d deep", DEPTH_MAX);
    else {
        const bool is_map = event->type == YAML_MAPPING_START_EVENT;
        node.kind = is_map ? OW_NODE_MAP : OW_NODE_LIST;
        in->depth++;
        st = read_items(in, is_map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT, &node);
        in->depth--;
    }
    if (st == OW_OK)
        *out = node;
    else
        node_finish(&node);
    return st;
}

/* One event that carries nothing: the begin and end of stream and document. */
static enum ow_status expect(struct reader *in, yaml_event_type_t type, const char *otherwise)
{
    yaml_event_t event;
    enum ow_status st = next_event(in, &event);
    if (st != OW_OK)
        return st;
    if (event.type != type) {
        const struct ow_node at = node_at(in, &event.start_mark);
        st = ow_node_fail(&at, in->err, OW_ERR_INPUT, "%s", otherwise);
    }
    yaml_event_delete(&event);
    return st;
}

static enum ow_status read_document(struct reader *in, struct ow_node *root)
{
    yaml_event_t event;
    enum ow_status st = expect(in, YAML_STREAM_START_EVENT, "not YAML");
    if (st == OW_OK)
        st = expect(in, YAML_DOCUMENT_START_EVENT, "nothing here, expected a value");
    if (st == OW_OK)
        st = next_event(in, &event);
    if (st != OW_OK)
        return st;
    st = read_node(in, &event, root);
    yaml_event_delete(&event);
    if (st == OW_OK)
        st = expect(in, YAML_DOCUMENT_END_EVENT, "not YAML");
    if (st == OW_OK)
        st = expect(in, YAML_STREAM_END_EVENT, "a second document, expected the end");
    return st;
}

enum ow_status ow_yaml_parse(const char *text, size_t n, const char *origin, bool has_lines,
                             struct ow_document *out, struct ow_error *err)
{
    const bool has_mark = n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;
    if (has_mark) /* an editor's byte order mark is no YAML */
        text += 3, n -= 3;
    struct ow_document doc = {.origin = strdup(origin)};
    struct reader in = {
        .text = text, .n = n, .origin = doc.origin, .has_lines = has_lines, .err = err};
    if (!doc.origin || !yaml_parser_initialize(&in.parser)) {
        free(doc.origin);
        return ow_fail(err, OW_ERR_NOMEM, "%s: out of memory", origin);
    }
    /* Without this a byte order mark would choose UTF-16, of which nothing above thinks. */
    yaml_parser_set_encoding(&in.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&in.parser, (const unsigned char *)text, n);
    const enum ow_status st = read_document(&in, &doc.root);
    yaml_parser_delete(&in.parser);
    if (st != OW_OK) {
        ow_document_finish(&doc);
        return st;
    }
    *out = doc;
    return OW_OK;
}
