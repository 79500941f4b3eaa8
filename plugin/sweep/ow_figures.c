#include "ow_figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ow_quote.h"
#include "ow_spec.h"
#include "ow_vmm_json.h"

/* The object or value at a dotted name, NULL if there is none. */
static const json_t *at(const json_t *json, const char *name)
{
    while (json && *name) {
        char part[64];
        const size_t n = strcspn(name, ".");
        if (n >= sizeof part)
            return NULL;
        memcpy(part, name, n);
        part[n] = '\0';
        json = json_object_get(json, part);
        name += n + (name[n] == '.');
    }
    return json;
}

double ow_figure(const json_t *result, const char *name)
{
    const json_t *value = at(result, name);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static bool walk(const json_t *object, const char *prefix,
                 bool (*call)(void *data, const char *name), void *data)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        char name[200];
        snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", key);
        if (json_is_object(value)
                ? !walk(value, name, call, data)
                : !json_is_string(value) && !json_is_array(value) && !call(data, name))
            return false;
    }
    return true;
}

/* The names are those of a result that holds nothing, of the least array there is. */
static json_t *empty_result(struct ow_error *err)
{
    static const char least[] = "vmm: {weights: {random: [1, 1]}, inputs: {random: [2, 1]}}\n"
                                "device: {set: ow_benign}\n";
    static const struct ow_vmm_result result;
    struct ow_problem problem;
    struct ow_spec spec;
    json_t *json = NULL;
    if (ow_spec_parse(least, sizeof least - 1, "figures", NULL, &spec, err))
        return NULL;
    if (ow_problem_init(&spec, &problem, err) == OW_OK) {
        json = ow_vmm_json(&problem, &result);
        if (!json)
            ow_fail(err, OW_ERR_NOMEM, "figures: out of memory");
        ow_problem_finish(&problem);
    }
    ow_spec_finish(&spec);
    return json;
}

enum ow_status ow_figure_each(bool (*call)(void *data, const char *name), void *data,
                              struct ow_error *err)
{
    struct ow_error why = {0};
    json_t *empty = empty_result(&why);
    if (!empty)
        return ow_fail(err, why.status, "%s", why.text);
    walk(empty, "", call, data);
    json_decref(empty);
    return OW_OK;
}

/* Looking for a name, or for what comes near it. */
struct search {
    const char *name;
    char *full; /* [200] */
    bool is_found;
    char near[4][200]; /* with the same last part, or holding the text */
    size_t n_near;
};

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

static bool look(void *data, const char *name)
{
    struct search *s = data;
    char total[200]; /* accuracy.raw.enob for accuracy.raw.total.enob */
    const char *part = strstr(name, ".total.");
    snprintf(total, sizeof total, "%.*s%s", part ? (int)(part - name) : 0, name,
             part ? part + 6 : "");
    if (strcmp(name, s->name) == 0 || (part && strcmp(total, s->name) == 0)) {
        snprintf(s->full, 200, "%s", name);
        s->is_found = true;
        return false;
    }
    if (s->n_near < 4 && strcmp(last_part(name), last_part(s->name)) == 0)
        snprintf(s->near[s->n_near++], 200, "%s", name);
    return true;
}

enum ow_status ow_figure_find(const char *name, const char *where, char full[200],
                              struct ow_error *err)
{
    struct search s = {.name = name, .full = full};
    const enum ow_status st = ow_figure_each(look, &s, err);
    if (st || s.is_found)
        return st;
    char near[900] = "accuracy.array.total.enob, energy.per_mac or latency.worst";
    for (size_t k = 0, n = 0; k < s.n_near; k++)
        n += (size_t)snprintf(near + n, sizeof near - n, "%s%s", k ? ", " : "", s.near[k]);
    return ow_fail(err, OW_ERR_INPUT, "%s%s: no such figure of a result, expected one like %s",
                   where, ow_quote(name, strlen(name)).text, near);
}

const char *ow_figure_unit(const char *name)
{
    static const struct {
        const char *part, *unit;
    } known[] = {{"csnr_db", "dB"},
                 {"enob", "bit"},
                 {"balance_residual", ""},
                 {"v_supply", "V"},
                 {"t_cycle", "s"},
                 {"r_f", "ohm"},
                 {"tops_per_watt", "TOPS/W"},
                 {"tops_per_watt_1b", "TOPS/W"}};
    const char *last = last_part(name);
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
        if (strcmp(last, known[k].part) == 0)
            return known[k].unit;
    if (strncmp(name, "energy.", 7) == 0)
        return "J";
    if (strncmp(name, "latency.", 8) == 0 ||
        (strncmp(name, "solver.", 7) == 0 && strcmp(last, "steps") != 0))
        return "s";
    return "";
}
