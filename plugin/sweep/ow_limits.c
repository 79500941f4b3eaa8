#include "ow_limits.h"

#include <math.h>
#include <string.h>

#include "ow_figures.h"
#include "ow_json.h"
#include "ow_number.h"
#include "ow_quote.h"

static enum ow_status read_side(const struct ow_node *key, const struct ow_node *value,
                                const char *name, struct ow_limit *limit, struct ow_error *err)
{
    const bool is_min = strcmp(key->text, "min") == 0;
    double number;
    if (!is_min && strcmp(key->text, "max") != 0)
        return ow_node_fail(key, err, OW_ERR_INPUT,
                            "limits.%s: unknown key %s: expected min and max", name,
                            ow_quote(key->text, strlen(key->text)).text);
    if (value->kind != OW_NODE_SCALAR || ow_number_parse(value->text, &number) != OW_NUMBER_OK)
        return ow_node_fail(value, err, OW_ERR_INPUT, "limits.%s: %s: expected a number%s%s",
                            name, key->text, *ow_figure_unit(name) ? " in " : "",
                            ow_figure_unit(name));
    *(is_min ? &limit->min : &limit->max) = number;
    return OW_OK;
}

static enum ow_status read_limit(const struct ow_entry *entry, struct ow_limit *limit,
                                 struct ow_error *err)
{
    const struct ow_node *map = entry->value;
    char where[400];
    snprintf(where, sizeof where, "%s: limits: ", ow_node_place(entry->key).text);
    *limit = (struct ow_limit){.min = NAN, .max = NAN};
    enum ow_status st = ow_figure_find(entry->key->text, where, limit->name, err);
    if (st)
        return st;
    if (map->kind != OW_NODE_MAP || map->n == 0)
        return ow_node_fail(map, err, OW_ERR_INPUT,
                            "limits.%s: expected {min: A}, {max: B} or both", limit->name);
    for (size_t k = 0; k < map->n && !st; k++)
        st = read_side(&map->key[k], &map->item[k], limit->name, limit, err);
    if (!st && limit->min > limit->max)
        return ow_node_fail(map, err, OW_ERR_INPUT, "limits.%s: min is above max", limit->name);
    return st;
}

enum ow_status ow_limits_init(const struct ow_spec *outline, struct ow_limits *out,
                              struct ow_error *err)
{
    struct ow_limits limits = {.n = outline->limits.n};
    if (limits.n > OW_MAX_LIMITS)
        return ow_node_fail(outline->limits.entry[OW_MAX_LIMITS].key, err, OW_ERR_INPUT,
                            "limits: more than %d", OW_MAX_LIMITS);
    for (size_t k = 0; k < limits.n; k++) {
        const enum ow_status st = read_limit(&outline->limits.entry[k], &limits.limit[k], err);
        if (st)
            return st;
    }
    *out = limits;
    return OW_OK;
}

bool ow_limits_keep(const struct ow_limits *limits, const json_t *result, char *misses,
                    size_t size)
{
    bool keeps = true;
    size_t n = 0;
    misses[0] = '\0';
    for (size_t k = 0; k < limits->n; k++) {
        const struct ow_limit *limit = &limits->limit[k];
        const double value = ow_figure(result, limit->name);
        const bool is_below = !isnan(limit->min) && !(value >= limit->min);
        const bool is_above = !isnan(limit->max) && !(value <= limit->max);
        if (!is_below && !is_above)
            continue;
        keeps = false;
        if (n < size && isnan(value))
            n += (size_t)snprintf(misses + n, size - n, "%s%s has no value", n ? "; " : "",
                                  limit->name);
        else if (n < size)
            n += (size_t)snprintf(misses + n, size - n, "%s%s = %.4g, %s %.4g", n ? "; " : "",
                                  limit->name, value, is_below ? "min" : "max",
                                  is_below ? limit->min : limit->max);
    }
    return keeps;
}

json_t *ow_limits_json(const struct ow_limits *limits)
{
    json_t *json = json_object();
    for (size_t k = 0; k < limits->n; k++) {
        json_t *sides = json_object();
        if (!isnan(limits->limit[k].min))
            json_object_set_new(sides, "min", json_real(limits->limit[k].min));
        if (!isnan(limits->limit[k].max))
            json_object_set_new(sides, "max", json_real(limits->limit[k].max));
        json_object_set_new(json, limits->limit[k].name, sides);
    }
    return json;
}

void ow_limits_from_json(const json_t *json, struct ow_limits *out)
{
    const char *name;
    json_t *sides;
    *out = (struct ow_limits){0};
    json_object_foreach((json_t *)json, name, sides)
    {
        struct ow_limit *limit = &out->limit[out->n];
        if (out->n == OW_MAX_LIMITS)
            return;
        out->n++;
        snprintf(limit->name, sizeof limit->name, "%s", name);
        limit->min = ow_figure(sides, "min");
        limit->max = ow_figure(sides, "max");
    }
}
