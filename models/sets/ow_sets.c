#include "ow_sets.h"

#include "ow_number.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

const struct ow_set *ow_set_find(const char *name)
{
    for (size_t k = 0; k < ow_n_sets; k++)
        if (strcasecmp(ow_sets[k].name, name) == 0)
            return &ow_sets[k];
    return NULL;
}

/* ---- words of the card ------------------------------------------------------------ */

enum { LONGEST_WORD = 400 }; /* a number may have many digits */

/* A place in the text.  Words are the card's own: `=` is one by itself; spaces, commas,
 * quotes and parentheses part them; a line that is not a continuation ends the card. */
struct reader {
    const char *at;
    size_t line; /* of `at`, from 1 */
    const char *origin;
    struct ow_error *err;
};

struct word {
    char text[LONGEST_WORD + 1];
    size_t line;
};

static enum ow_status refuse(const struct reader *r, size_t line, const char *what,
                             const char *word)
{
    return ow_fail(r->err, OW_ERR_INPUT, "%s:%zu: %s%s%s%s", r->origin, line, what,
                   word ? " '" : "", word ? word : "", word ? "'" : "");
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_break(char c)
{
    return is_space(c) || c == ',' || c == '(' || c == ')' || c == '"';
}

static bool is_end(char c)
{
    return c == '\0' || c == '\n' || c == ';' || c == '$';
}

static void skip_line(struct reader *r)
{
    while (*r->at != '\0' && *r->at != '\n')
        r->at++;
    if (*r->at == '\n') {
        r->at++;
        r->line++;
    }
}

/* To the first character of the next line that is neither blank nor a comment. */
static void skip_comments(struct reader *r)
{
    for (;;) {
        const char *p = r->at;
        while (is_space(*p))
            p++;
        if (*p == '\0' || (*p != '*' && !is_end(*p))) {
            r->at = p;
            return;
        }
        skip_line(r);
    }
}

/* The next word of the card; an empty one at its end. */
static enum ow_status next_word(struct reader *r, struct word *w)
{
    for (;;) {
        while (is_break(*r->at))
            r->at++;
        if (!is_end(*r->at))
            break;
        /* The card goes on only if the next line that says something begins with +. */
        struct reader ahead = *r;
        skip_line(&ahead);
        skip_comments(&ahead);
        if (*r->at == '\0' || *ahead.at != '+') {
            w->text[0] = '\0';
            w->line = r->line;
            return OW_OK;
        }
        *r = ahead;
        r->at++;
    }
    w->line = r->line;
    size_t n = 0;
    if (*r->at == '=')
        w->text[n++] = *r->at++;
    else
        for (; !is_end(*r->at) && !is_break(*r->at) && *r->at != '='; r->at++) {
            if (n == LONGEST_WORD)
                return refuse(r, r->line, "a word is too long", NULL);
            w->text[n++] = *r->at;
        }
    w->text[n] = '\0';
    return OW_OK;
}

/* ---- the card ---------------------------------------------------------------------- */

/* Read ".model NAME TYPE": to the type and behind it. */
static enum ow_status open_card(struct reader *r, struct word *type)
{
    struct word w;
    enum ow_status st;
    skip_comments(r);
    if (*r->at == '\0')
        return refuse(r, r->line, "no .model card", NULL);
    if ((st = next_word(r, &w)) != OW_OK)
        return st;
    if (strcasecmp(w.text, ".model") != 0)
        return refuse(r, w.line, "expected comments and one .model card, not", w.text);
    if ((st = next_word(r, &w)) != OW_OK || (st = next_word(r, type)) != OW_OK)
        return st;
    if (w.text[0] == '\0' || type->text[0] == '\0')
        return refuse(r, w.line, "expected .model NAME ow_MODEL (key=value ...)", NULL);
    return OW_OK;
}

/* The model's registry name in "ow_team", or NULL. */
static const char *model_of(const struct word *type)
{
    return strncasecmp(type->text, "ow_", 3) == 0 ? type->text + 3 : NULL;
}

enum ow_status ow_set_model(const char *text, const char *origin, const struct ow_model **model,
                            struct ow_error *err)
{
    struct reader r = {.at = text, .line = 1, .origin = origin, .err = err};
    struct word type;
    const enum ow_status st = open_card(&r, &type);
    if (st != OW_OK)
        return st;
    const char *name = model_of(&type);
    for (size_t m = 0; name && m < ow_n_models; m++)
        if (strcasecmp(name, ow_models[m]->name) == 0) {
            *model = ow_models[m];
            return OW_OK;
        }
    return refuse(&r, type.line, "no model of this library:", type.text);
}

static size_t find_param(const struct ow_model *model, const char *key)
{
    size_t k = 0;
    while (k < model->n_param && strcasecmp(model->param[k].name, key) != 0)
        k++;
    return k;
}

static enum ow_status no_such_choice(const struct ow_param *p, const char *text,
                                     struct ow_error *err)
{
    char names[256] = "";
    size_t n = 0;
    for (size_t c = 0; p->choice[c] && n < sizeof names; c++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", c ? ", " : "", p->choice[c]);
    return ow_fail(err, OW_ERR_INPUT, "%s = '%.100s': expected one of %s (%s)", p->name, text,
                   names, p->doc);
}

enum ow_status ow_param_parse(const struct ow_model *model, size_t k, const char *text,
                              double *value, struct ow_error *err)
{
    const struct ow_param *p = &model->param[k];
    double parsed = 0.0, all[OW_MAX_PARAMS];
    bool is_named = false;
    for (size_t c = 0; p->choice && p->choice[c] && !is_named; c++)
        if (strcasecmp(p->choice[c], text) == 0) {
            parsed = (double)c;
            is_named = true;
        }
    if (!is_named) {
        const enum ow_number result = ow_number_parse(text, &parsed);
        if (result == OW_NUMBER_SYNTAX && p->choice)
            return no_such_choice(p, text, err);
        if (result != OW_NUMBER_OK && result != OW_NUMBER_INFINITE)
            return ow_fail(err, OW_ERR_INPUT, "%s = '%.100s': %s", p->name, text,
                           ow_number_str(result));
    }
    /* The range of this one only: relations between several are for the caller, who
     * knows when all have been set. */
    size_t bad = model->n_param;
    struct ow_error range = {0};
    ow_params_default(model, all);
    all[k] = parsed;
    if (ow_params_check(model, all, &bad, &range) != OW_OK && bad == k)
        return ow_fail(err, range.status, "%s", range.text);
    *value = parsed;
    return OW_OK;
}

/* One "key = value" whose key has been read. */
static enum ow_status read_pair(struct reader *r, const struct ow_model *model,
                                const struct word *key, double param[], bool is_set[])
{
    struct word equals, value;
    enum ow_status st;
    if ((st = next_word(r, &equals)) != OW_OK)
        return st;
    if (strcmp(key->text, "=") == 0 || strcmp(equals.text, "=") != 0)
        return refuse(r, key->line, "expected key=value at", key->text);
    if ((st = next_word(r, &value)) != OW_OK)
        return st;
    if (value.text[0] == '\0' || strcmp(value.text, "=") == 0)
        return refuse(r, key->line, "no value for", key->text);
    const size_t k = find_param(model, key->text);
    if (k == model->n_param)
        return ow_fail(r->err, OW_ERR_INPUT, "%s:%zu: ow_%s has no parameter '%s'", r->origin,
                       key->line, model->name, key->text);
    if (is_set[k])
        return refuse(r, key->line, "a second value for", key->text);
    is_set[k] = true;
    struct ow_error bad = {0};
    st = ow_param_parse(model, k, value.text, &param[k], &bad);
    if (st != OW_OK)
        return ow_fail(r->err, st, "%s:%zu: %.900s", r->origin, value.line, bad.text);
    return OW_OK;
}

enum ow_status ow_set_apply(const char *text, const char *origin, const struct ow_model *model,
                            double param[], struct ow_error *err)
{
    struct reader r = {.at = text, .line = 1, .origin = origin, .err = err};
    struct word word;
    double changed[OW_MAX_PARAMS];
    bool is_set[OW_MAX_PARAMS] = {false};
    enum ow_status st = open_card(&r, &word);
    if (st != OW_OK)
        return st;
    const char *name = model_of(&word);
    if (!name || strcasecmp(name, model->name) != 0)
        return ow_fail(err, OW_ERR_INPUT, "%s:%zu: the card is for '%s', expected ow_%s",
                       origin, word.line, word.text, model->name);
    memcpy(changed, param, model->n_param * sizeof *changed);
    for (;;) {
        if ((st = next_word(&r, &word)) != OW_OK)
            return st;
        if (word.text[0] == '\0')
            break;
        if ((st = read_pair(&r, model, &word, changed, is_set)) != OW_OK)
            return st;
    }
    skip_line(&r);
    skip_comments(&r);
    if (*r.at != '\0')
        return refuse(&r, r.line, "expected nothing behind the one .model card", NULL);
    memcpy(param, changed, model->n_param * sizeof *changed);
    return OW_OK;
}
