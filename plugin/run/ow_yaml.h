/* YAML as a tree in which every value knows where it stands.  The only file with
 * libyaml behind it.
 *
 * A specification needs scalars, lists and maps with scalar keys.  What YAML has beyond
 * that makes files mean other things than they seem to (anchors, aliases, tags, merge
 * keys, several documents, duplicate keys) and is refused. */
#ifndef OW_YAML_H
#define OW_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "ow_status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ow_node_kind { OW_NODE_SCALAR, OW_NODE_LIST, OW_NODE_MAP };

struct ow_node {
    enum ow_node_kind kind;
    const char *origin;   /* file name or command-line option; the document owns it */
    size_t line, column;  /* from 1; line 0 for an origin without lines             */
    char *text;           /* a scalar's; else NULL                                  */
    bool is_quoted;       /* "null" is a text, null is not                          */
    size_t n;             /* items of a list, entries of a map                      */
    struct ow_node *item; /* [n] items, or values of a map                          */
    struct ow_node *key;  /* [n] a map's keys, all scalars and all different        */
};

struct ow_document {
    char *origin;
    struct ow_node root;
};

/* `origin` names the text in messages.  has_lines is false for a text from the command
 * line, whose line numbers would say nothing.  OW_ERR_INPUT or OW_ERR_NOMEM. */
enum ow_status ow_yaml_parse(const char *text, size_t n, const char *origin, bool has_lines,
                             struct ow_document *out, struct ow_error *err);
void ow_document_finish(struct ow_document *doc);

/* The value of a key, or NULL. */
const struct ow_node *ow_node_get(const struct ow_node *map, const char *key);

/* FILE:LINE:COLUMN, or the origin alone. */
struct ow_place {
    char text[300];
};
struct ow_place ow_node_place(const struct ow_node *node);

/* ow_fail with the place in front. */
enum ow_status ow_node_fail(const struct ow_node *node, struct ow_error *err,
                            enum ow_status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#ifdef __cplusplus
}
#endif
#endif
