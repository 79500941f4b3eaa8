/* The table of keys; private to ow_spec_*.c. */
#ifndef OW_SPEC_KEYS_H
#define OW_SPEC_KEYS_H

#include "ow_spec.h"

enum ow_key_type {
    OW_KEY_NUMBER,  /* double; the word, if there is one, gives NaN          */
    OW_KEY_COUNT,   /* size_t; the word gives 0                              */
    OW_KEY_CHOICE,  /* an enum, the index into word                          */
    OW_KEY_BOOLEAN, /* bool                                                  */
    OW_KEY_MODEL,   /* const struct ow_model *                               */
    OW_KEY_SET,     /* char *, name or path; the word gives NULL             */
    OW_KEY_PATH,    /* char *; the word gives NULL                           */
    OW_KEY_NAME,    /* char *, of something in a netlist; the word gives NULL */
    OW_KEY_SOURCE,  /* struct ow_source                                      */
    OW_KEY_RANGE,   /* struct ow_range_choice                                */
    OW_KEY_VECTORS, /* struct ow_vectors                                     */
    OW_KEY_ROWS,    /* struct ow_rows                                        */
    OW_KEY_TILE,    /* struct ow_tile; the word gives zeros                  */
    OW_KEY_SECTION  /* struct ow_section: a map of what the user likes       */
};

struct ow_key {
    const char *name; /* "section.key", "section.part.key", or "key" at the top */
    enum ow_key_type type;
    const char *unit;
    const char *dflt;        /* YAML; NULL: required (a section: empty), but
                                see ow_key_is_needed()                       */
    double lo, hi;           /* closed range of numbers and counts           */
    const char *const *word; /* NULL-terminated: choices, or one keyword     */
    size_t offset;           /* in struct ow_spec                            */
    const char *doc;
};

extern const struct ow_key ow_keys[];
enum { OW_N_KEYS = 98 };

/* OW_N_KEYS if there is none. */
size_t ow_key_find(const char *name);

/* Length of "section" in "section.key", of "section.part" in "section.part.key"; 0 at the
 * top. */
size_t ow_key_section(const struct ow_key *key);

/* Whether the key has a place in this specification: those of `program` only where that is
 * given, and there without inputs and, with a target, without weights. */
bool ow_key_is_needed(const struct ow_spec *spec, const struct ow_key *key);

/* What may stand there: "a number from 0 to 1e+09 ohm, or auto". */
struct ow_expected {
    char text[320];
};
struct ow_expected ow_key_expected(const struct ow_key *key);

static inline void *ow_key_field(struct ow_spec *spec, const struct ow_key *key)
{
    return (char *)spec + key->offset;
}

/* An override: its value's document and, for an entry of a section, its name. */
struct ow_override {
    struct ow_document doc;
    struct ow_node entry;
};

/* Where a model's parameters come from. */
struct ow_origins {
    const struct ow_node *value[OW_MAX_PARAMS]; /* NULL: set or default */
    bool in_set[OW_MAX_PARAMS];
};

struct ow_spec_memory {
    struct ow_document doc;       /* the file; empty in a variation of an outline  */
    const struct ow_node *root;   /* of the file                                   */
    struct ow_override *override; /* [n_override]                                 */
    size_t n_override;
    const struct ow_node *value[OW_N_KEYS]; /* what decides each key; NULL: default */
    struct ow_origins device, access;       /* of their parameters                 */
};

/* Whether a path in this value is meant from where the program runs: an override's. */
static inline bool ow_node_is_override(const struct ow_node *node)
{
    return node->line == 0;
}

/* One of the models that a specification has parameters of. */
struct ow_part {
    const char *section; /* "device", "access" */
    const struct ow_model *model;
    const char *set;
    const struct ow_section *params;
    double *param;
    struct ow_origins *origins;
};
enum { OW_N_PARTS = 2 };
struct ow_part ow_spec_part(const struct ow_spec *spec, size_t which);

/* Whether the user may not set this parameter because ohmweave does: NULL, or why. */
const char *ow_spec_param_taken(const struct ow_part *part, size_t k);

/* The best of n candidates for a misspelt word: offer() each, then ask. */
struct ow_guess {
    const char *word;
    size_t distance;
    char best[64];
};
struct ow_guess ow_guess_begin(const char *word);
void ow_guess_offer(struct ow_guess *guess, const char *candidate, const char *written);
/* " (did you mean X?)", or nothing. */
struct ow_expected ow_guess_text(const struct ow_guess *guess);

/* Relations between keys. */
enum ow_status ow_spec_check(const struct ow_spec *spec, struct ow_error *err);

#endif
