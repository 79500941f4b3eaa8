/* ohmweave models: what the registry holds. */
#include <math.h>
#include <string.h>

#include "cli.h"
#include "ow_model.h"
#include "ow_sets.h"

struct arguments {
    const char *name, *json;
};

enum { KEY_JSON = 0x100 };

static const struct argp_option options[] = {
    {"json", KEY_JSON, "FILE", 0, "write the list as JSON; - for standard output", 0}, {0}};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case KEY_JSON:
        a->json = text;
        return 0;
    case ARGP_KEY_ARG:
        if (a->name || !ow_model_find(text))
            argp_error(state, "%s '%s'; `ohmweave models` lists them",
                       a->name ? "unexpected argument" : "no model", text);
        a->name = text;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options,   parse,
    "[MODEL]", "List the compact models; with MODEL its states, parameters and parameter sets.",
    NULL,      NULL,
    NULL};

static bool is_set_of(const struct ow_set *set, const struct ow_model *model)
{
    const struct ow_model *of;
    return ow_set_model(set->text, set->name, &of, NULL) == OW_OK && of == model;
}

static void print_default(const struct ow_param *p)
{
    if (p->choice)
        printf("%-10s", p->choice[(int)p->dflt]);
    else
        printf("%-10.6g", p->dflt);
}

/* The comments before a set's card: where its numbers are from. */
static void print_source(const char *text)
{
    for (; *text == '*'; text += strcspn(text, "\n") + 1)
        printf("      %.*s\n", (int)strcspn(text + 2, "\n"), text + 2);
}

static void print_model(const struct ow_model *m)
{
    printf("%s: %s\n  code model ow_%s; source: %s\n\nStates\n", m->name, m->doc, m->name,
           m->source);
    for (size_t s = 0; s < m->n_state; s++)
        printf("  %-12s %g to %g  %s\n", m->state[s].name, m->state[s].lo, m->state[s].hi,
               m->state[s].doc);
    printf("\nParameters      default    unit      range\n");
    for (size_t k = 0; k < m->n_param; k++) {
        const struct ow_param *p = &m->param[k];
        printf("  %-13s ", p->name);
        print_default(p);
        if (p->choice) {
            printf(" ");
            for (size_t c = 0; p->choice[c]; c++)
                printf("%s%s", c ? "|" : "", p->choice[c]);
        } else
            printf(" %-9s %g to %g", strcmp(p->unit, "1") ? p->unit : "", p->lo, p->hi);
        printf("; %s\n", p->doc);
    }
    printf("\nParameter sets (device.set)\n");
    for (size_t k = 0; k < ow_n_sets; k++)
        if (is_set_of(&ow_sets[k], m)) {
            printf("  %s\n", ow_sets[k].name);
            print_source(ow_sets[k].text);
        }
}

static json_t *params_of(const struct ow_model *m)
{
    json_t *list = json_array();
    for (size_t k = 0; k < m->n_param; k++) {
        const struct ow_param *p = &m->param[k];
        json_t *choices = p->choice ? json_array() : json_null();
        for (size_t c = 0; p->choice && p->choice[c]; c++)
            json_array_append_new(choices, json_string(p->choice[c]));
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:f, s:f, s:f, s:o, s:s}", "name", p->name,
                                        "unit", p->unit, "default", p->dflt, "lo", p->lo, "hi",
                                        p->hi, "choices", choices, "doc", p->doc));
    }
    return list;
}

static json_t *model_json(const struct ow_model *m)
{
    json_t *states = json_array(), *sets = json_array();
    for (size_t s = 0; s < m->n_state; s++)
        json_array_append_new(states, json_pack("{s:s, s:f, s:f, s:s}", "name",
                                                m->state[s].name, "lo", m->state[s].lo, "hi",
                                                m->state[s].hi, "doc", m->state[s].doc));
    for (size_t k = 0; k < ow_n_sets; k++)
        if (is_set_of(&ow_sets[k], m))
            json_array_append_new(sets, json_pack("{s:s, s:s}", "name", ow_sets[k].name, "text",
                                                  ow_sets[k].text));
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "name", m->name, "doc", m->doc, "source",
                     m->source, "states", states, "params", params_of(m), "sets", sets);
}

static bool write_json(const struct arguments *a, struct ow_error *err)
{
    json_t *list = json_array();
    for (size_t k = 0; k < ow_n_models; k++)
        if (!a->name || strcmp(ow_models[k]->name, a->name) == 0)
            json_array_append_new(list, model_json(ow_models[k]));
    return cli_write_json(list, a->json, err);
}

static int run(int argc, char **argv)
{
    struct arguments a = {0};
    struct ow_error err = {0};
    int code;
    if (!cli_parse(&argp, argc, argv, &a, &code))
        return code;
    if (a.json && !cli_check_writable(a.json, &err))
        return cli_fail(&err);
    if (a.json && !write_json(&a, &err))
        return cli_fail_write(&err);
    if (a.json)
        return EXIT_STANDS;
    if (a.name) {
        print_model(ow_model_find(a.name));
        return EXIT_STANDS;
    }
    for (size_t k = 0; k < ow_n_models; k++)
        printf("%-15s %s\n                %s\n", ow_models[k]->name, ow_models[k]->doc,
               ow_models[k]->source);
    puts("\n`ohmweave models MODEL` lists states, parameters and parameter sets.");
    return EXIT_STANDS;
}

const struct command cmd_models = {"models", "list the compact models and their parameters",
                                   run};
