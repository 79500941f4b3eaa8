#include "ow_plan.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ow_number.h"
#include "ow_quote.h"

/* Nodes that no file holds: values of ranges, matrices of sizes. */
struct ow_plan_memory {
    struct ow_document **document; /* [n] */
    size_t n, room;
    const struct ow_node *pinned[2]; /* weights and inputs of the outline, with its seed */
};

struct builder {
    struct ow_plan *plan;
    double seed; /* the specification's own */
    struct ow_error *err;
};

static const char *const matrix_key[2] = {"vmm.weights", "vmm.inputs"};

static enum ow_status out_of_memory(const struct builder *b)
{
    return ow_fail(b->err, OW_ERR_NOMEM, "sweep: out of memory");
}

/* ---- nodes ------------------------------------------------------------------------- */

/* A new node that blames `at`. */
static enum ow_status make_node(const struct builder *b, const struct ow_node *at,
                                const struct ow_node **out, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static enum ow_status make_node(const struct builder *b, const struct ow_node *at,
                                const struct ow_node **out, const char *format, ...)
{
    struct ow_plan_memory *m = b->plan->memory;
    char text[200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (m->n == m->room) {
        const size_t room = 2 * m->room + 64;
        struct ow_document **more = realloc(m->document, room * sizeof *more);
        if (!more)
            return out_of_memory(b);
        m->document = more;
        m->room = room;
    }
    struct ow_document *doc = malloc(sizeof *doc);
    if (!doc)
        return out_of_memory(b);
    const enum ow_status st =
        ow_yaml_parse(text, strlen(text), ow_node_place(at).text, false, doc, b->err);
    if (st) {
        free(doc);
        return st;
    }
    m->document[m->n++] = doc;
    *out = &doc->root;
    return OW_OK;
}

static bool node_number(const struct ow_node *node, double *value)
{
    return node && node->kind == OW_NODE_SCALAR &&
           ow_number_parse(node->text, value) == OW_NUMBER_OK;
}

/* {random: [rows, cols], seed: N} as far as it is one. */
static bool is_random(const struct ow_node *node)
{
    const struct ow_node *shape =
        node && node->kind == OW_NODE_MAP ? ow_node_get(node, "random") : NULL;
    return shape && shape->kind == OW_NODE_LIST && shape->n == 2 &&
           shape->item[0].kind == OW_NODE_SCALAR && shape->item[1].kind == OW_NODE_SCALAR;
}

static bool needs_seed(const struct ow_node *node)
{
    return is_random(node) && !ow_node_get(node, "seed");
}

/* The same random matrix, with the specification's own seed. */
static enum ow_status pin(const struct builder *b, const struct ow_node **node)
{
    const struct ow_node *was = *node;
    if (!needs_seed(was))
        return OW_OK;
    const struct ow_node *shape = ow_node_get(was, "random");
    return make_node(b, was, node, "{random: [%.30s, %.30s], seed: %.0f}", shape->item[0].text,
                     shape->item[1].text, b->seed);
}

/* ---- values of an axis ------------------------------------------------------------- */

static bool is_whole(const struct ow_plan_column *column)
{
    return column->is_size || ow_spec_is_count(column->name);
}

/* The k-th of n values; logarithmic ones with 12 digits, so that 1 to 1000 meets 10. */
static double range_value(double from, double to, bool is_log, size_t k, size_t n)
{
    const double part = n > 1 ? (double)k / (double)(n - 1) : 0.0;
    if (k == 0 || k == n - 1)
        return k == 0 ? from : to;
    const double x = is_log ? from * pow(to / from, part) : from + part * (to - from);
    char text[40];
    snprintf(text, sizeof text, "%.12g", x);
    return strtod(text, NULL);
}

static enum ow_status read_range(const struct builder *b, const struct ow_plan_column *column,
                                 const struct ow_node *node, double *from, double *to,
                                 size_t *steps, bool *is_log)
{
    static const char *const known[] = {"from", "to", "steps", "scale"};
    static const char expected[] = "expected {from: A, to: B, steps: N, scale: lin or log}";
    for (size_t k = 0; k < node->n; k++) {
        size_t j = 0;
        while (j < 4 && strcmp(node->key[k].text, known[j]) != 0)
            j++;
        if (j == 4)
            return ow_node_fail(&node->key[k], b->err, OW_ERR_INPUT,
                                "sweep.%s: unknown key %s, %s", column->name,
                                ow_quote(node->key[k].text, strlen(node->key[k].text)).text,
                                expected);
    }
    const struct ow_node *n = ow_node_get(node, "steps"), *scale = ow_node_get(node, "scale");
    double count = 0.0;
    if (!node_number(ow_node_get(node, "from"), from) ||
        !node_number(ow_node_get(node, "to"), to) || !node_number(n, &count))
        return ow_node_fail(node, b->err, OW_ERR_INPUT, "sweep.%s: no range of numbers, %s",
                            column->name, expected);
    if (!(count >= 2.0 && count <= OW_PLAN_MAX_POINTS) || count != floor(count))
        return ow_node_fail(n, b->err, OW_ERR_INPUT,
                            "sweep.%s: steps: '%.40s': expected a whole number from 2 to %d, "
                            "both ends count",
                            column->name, n->text, OW_PLAN_MAX_POINTS);
    *is_log = scale && scale->kind == OW_NODE_SCALAR && strcmp(scale->text, "log") == 0;
    if (scale && !*is_log &&
        !(scale->kind == OW_NODE_SCALAR && strcmp(scale->text, "lin") == 0))
        return ow_node_fail(scale, b->err, OW_ERR_INPUT, "sweep.%s: scale: expected lin or log",
                            column->name);
    if (*is_log && !(*from > 0.0 && *to > 0.0))
        return ow_node_fail(node, b->err, OW_ERR_INPUT,
                            "sweep.%s: scale log: expected ends above 0", column->name);
    *steps = (size_t)count;
    return OW_OK;
}

static enum ow_status take_range(const struct builder *b, struct ow_plan_column *column,
                                 const struct ow_node *node, size_t *length)
{
    double from = 0.0, to = 0.0, before = NAN;
    bool is_log = false;
    const enum ow_status st = read_range(b, column, node, &from, &to, length, &is_log);
    if (st)
        return st;
    if (!(column->value = calloc(*length, sizeof *column->value)))
        return out_of_memory(b);
    for (size_t k = 0; k < *length; k++) {
        double x = range_value(from, to, is_log, k, *length);
        if (is_whole(column))
            x = column->is_size ? 2.0 * round(x / 2.0) : round(x);
        if (x == before)
            return ow_node_fail(node, b->err, OW_ERR_INPUT,
                                "sweep.%s: %g comes twice: expected fewer steps or other ends",
                                column->name, x);
        before = x;
        char text[32];
        const enum ow_status made =
            make_node(b, node, &column->value[k], "%s", ow_number_text(x, 6, text));
        if (made)
            return made;
    }
    return OW_OK;
}

static enum ow_status take_list(const struct builder *b, struct ow_plan_column *column,
                                const struct ow_node *node, size_t *length)
{
    if (node->n == 0)
        return ow_node_fail(node, b->err, OW_ERR_INPUT, "sweep.%s: an empty list",
                            column->name);
    *length = node->n;
    if (!(column->value = calloc(node->n, sizeof *column->value)))
        return out_of_memory(b);
    for (size_t k = 0; k < node->n; k++)
        column->value[k] = &node->item[k];
    return OW_OK;
}

/* ---- sizes ------------------------------------------------------------------------- */

/* Input vectors of the outline: those of a random matrix, 100 without one. */
static enum ow_status count_vectors(const struct builder *b, const struct ow_node *size,
                                    double *n_vec)
{
    const struct ow_node *inputs = ow_spec_node(b->plan->outline, "vmm.inputs"),
                         *weights = ow_spec_node(b->plan->outline, "vmm.weights");
    const bool is_file = weights && !is_random(weights);
    *n_vec = 100.0;
    if (is_file || (inputs && !is_random(inputs)))
        return ow_node_fail(
            size, b->err, OW_ERR_INPUT,
            "sweep.size: makes random weights and inputs of that size: expected "
            "no %s, or a random one",
            matrix_key[is_file ? 0 : 1]);
    if (inputs && !node_number(&ow_node_get(inputs, "random")->item[0], n_vec))
        return ow_node_fail(inputs, b->err, OW_ERR_INPUT,
                            "vmm.inputs: expected {random: [n_vec, n_in], seed: N}");
    return OW_OK;
}

/* The outline's own seed for weights or inputs, whatever its shape there. */
static double matrix_seed(const struct builder *b, size_t which)
{
    const struct ow_node *node = ow_spec_node(b->plan->outline, matrix_key[which]);
    double seed = b->seed;
    if (is_random(node))
        node_number(ow_node_get(node, "seed"), &seed);
    return seed;
}

static enum ow_status take_sizes(const struct builder *b, struct ow_plan_column *column,
                                 size_t length)
{
    double n_vec;
    enum ow_status st = count_vectors(b, column->value[0], &n_vec);
    column->weights = calloc(length, sizeof *column->weights);
    column->inputs = calloc(length, sizeof *column->inputs);
    if (!column->weights || !column->inputs)
        return out_of_memory(b);
    for (size_t k = 0; !st && k < length; k++) {
        const struct ow_node *node = column->value[k];
        double size;
        if (!node_number(node, &size) || !(size >= 2.0 && size <= 65536.0) ||
            size != 2.0 * floor(size / 2.0))
            return ow_node_fail(node, b->err, OW_ERR_INPUT,
                                "sweep.size: %s: expected an even number from 2 to 65536, of "
                                "word lines and of bit lines",
                                node->text ? ow_quote(node->text, strlen(node->text)).text
                                           : "a list");
        st = make_node(b, node, &column->weights[k], "{random: [%.0f, %.0f], seed: %.0f}", size,
                       size / 2.0, matrix_seed(b, 0));
        if (!st)
            st = make_node(b, node, &column->inputs[k], "{random: [%.0f, %.0f], seed: %.0f}",
                           n_vec, size, matrix_seed(b, 1));
    }
    return st;
}

/* ---- axes -------------------------------------------------------------------------- */

static const struct ow_plan_column *find_column(const struct ow_plan *plan, const char *name)
{
    for (size_t c = 0; c < plan->n_column; c++)
        if (strcmp(plan->column[c].name, name) == 0)
            return &plan->column[c];
    return NULL;
}

/* One more name, of the axis that is being made. */
static enum ow_status add_column(const struct builder *b, const struct ow_node *key,
                                 const char *name, struct ow_plan_column **out)
{
    struct ow_plan *plan = b->plan;
    if (find_column(plan, name))
        return ow_node_fail(key, b->err, OW_ERR_INPUT, "sweep.%s: is swept twice", name);
    if (plan->n_column == OW_PLAN_MAX_COLUMNS)
        return ow_node_fail(key, b->err, OW_ERR_INPUT, "sweep: more than %d keys",
                            OW_PLAN_MAX_COLUMNS);
    struct ow_plan_column *column = &plan->column[plan->n_column];
    *column = (struct ow_plan_column){.name = strdup(name), .axis = plan->n_axis};
    if (!column->name)
        return out_of_memory(b);
    plan->n_column++;
    *out = column;
    return OW_OK;
}

/* KEY: list or range. */
static enum ow_status take_key(const struct builder *b, const struct ow_node *key,
                               const struct ow_node *node, size_t *length)
{
    struct ow_plan_column *column;
    const bool is_size = strcmp(key->text, "size") == 0;
    struct ow_error why = {0};
    enum ow_status st = is_size ? OW_OK : ow_spec_check_key(key, &why);
    if (st) /* "FILE:LINE:COLUMN: what" says where already; say in what as well */
        return ow_fail(b->err, st, "%s; in the section sweep", why.text);
    if (strncmp(key->text, "sweep", 5) == 0 || strncmp(key->text, "limits", 6) == 0 ||
        strncmp(key->text, "program.", 8) == 0)
        return ow_node_fail(key, b->err, OW_ERR_INPUT, "sweep.%s: cannot be swept", key->text);
    if ((st = add_column(b, key, key->text, &column)))
        return st;
    column->is_size = is_size;
    if (node->kind == OW_NODE_LIST)
        st = take_list(b, column, node, length);
    else if (node->kind == OW_NODE_MAP)
        st = take_range(b, column, node, length);
    else
        st = ow_node_fail(node, b->err, OW_ERR_INPUT,
                          "sweep.%s: expected a list of values, or {from: A, to: B, steps: N, "
                          "scale: lin or log}",
                          key->text);
    return st || !is_size ? st : take_sizes(b, column, *length);
}

static void end_axis(struct ow_plan *plan, size_t length)
{
    plan->axis[plan->n_axis++].length = length;
}

/* {KEY: values, KEY: values}, all of one length. */
static enum ow_status take_zip(const struct builder *b, const struct ow_node *map)
{
    size_t length = 0, first = 0;
    if (map->kind != OW_NODE_MAP || map->n == 0)
        return ow_node_fail(map, b->err, OW_ERR_INPUT,
                            "sweep.zip: expected {KEY: [values], KEY: [values]}, or a list of "
                            "such maps");
    for (size_t k = 0; k < map->n; k++) {
        const enum ow_status st = take_key(b, &map->key[k], &map->item[k], &length);
        if (st)
            return st;
        if (k > 0 && length != first)
            return ow_node_fail(&map->item[k], b->err, OW_ERR_INPUT,
                                "sweep.zip: %s has %zu values, expected %zu as %s has",
                                map->key[k].text, length, first, map->key[0].text);
        first = length;
    }
    end_axis(b->plan, length);
    return OW_OK;
}

static enum ow_status take_zips(const struct builder *b, const struct ow_node *node)
{
    if (node->kind != OW_NODE_LIST)
        return take_zip(b, node);
    for (size_t k = 0; k < node->n; k++) {
        const enum ow_status st = take_zip(b, &node->item[k]);
        if (st)
            return st;
    }
    return OW_OK;
}

static enum ow_status take_seeds(const struct builder *b, const struct ow_node *key,
                                 const struct ow_node *node)
{
    struct ow_plan_column *column;
    double n;
    if (!node_number(node, &n) || !(n >= 1.0 && n <= OW_PLAN_MAX_POINTS) || n != floor(n) ||
        b->seed + n > 4294967296.0)
        return ow_node_fail(node, b->err, OW_ERR_INPUT,
                            "sweep.seeds: expected how many seeds, a whole number from 1 to %d",
                            OW_PLAN_MAX_POINTS);
    enum ow_status st = add_column(b, key, "seed", &column);
    if (st)
        return st;
    column->is_seeds = true;
    if (!(column->value = calloc((size_t)n, sizeof *column->value)))
        return out_of_memory(b);
    for (size_t k = 0; !st && k < (size_t)n; k++)
        st = make_node(b, node, &column->value[k], "%.0f", b->seed + (double)k);
    for (size_t w = 0; !st && w < 2; w++) {
        b->plan->memory->pinned[w] = ow_spec_node(b->plan->outline, matrix_key[w]);
        st = pin(b, &b->plan->memory->pinned[w]);
    }
    for (size_t c = 0; !st && c < b->plan->n_column; c++)
        for (size_t w = 0; w < 2; w++)
            for (size_t k = 0; !st && strcmp(b->plan->column[c].name, matrix_key[w]) == 0 &&
                               k < b->plan->axis[b->plan->column[c].axis].length;
                 k++)
                st = pin(b, &b->plan->column[c].value[k]);
    if (!st)
        end_axis(b->plan, (size_t)n);
    return st;
}

static enum ow_status take_axes(const struct builder *b)
{
    const struct ow_section *sweep = &b->plan->outline->sweep;
    const struct ow_entry *seeds = NULL;
    enum ow_status st = OW_OK;
    for (size_t k = 0; k < sweep->n && !st; k++) {
        const struct ow_entry *e = &sweep->entry[k];
        size_t length;
        if (strcmp(e->key->text, "seeds") == 0)
            seeds = e;
        else if (strcmp(e->key->text, "zip") == 0)
            st = take_zips(b, e->value);
        else if (!(st = take_key(b, e->key, e->value, &length)))
            end_axis(b->plan, length);
    }
    return !st && seeds ? take_seeds(b, seeds->key, seeds->value) : st;
}

/* `size` stands for two keys, which then have no axes of their own. */
static enum ow_status check_size(const struct builder *b)
{
    const struct ow_plan_column *size = find_column(b->plan, "size");
    static const char *const taken[] = {"vmm.weights", "vmm.inputs", "array.rows",
                                        "array.cols"};
    for (size_t k = 0; size && k < sizeof taken / sizeof taken[0]; k++)
        if (find_column(b->plan, taken[k]))
            return ow_node_fail(size->value[0], b->err, OW_ERR_INPUT,
                                "sweep.size: decides %s, which is swept as well", taken[k]);
    return OW_OK;
}

static enum ow_status count_points(const struct builder *b)
{
    struct ow_plan *plan = b->plan;
    double n = 1.0;
    for (size_t a = 0; a < plan->n_axis; a++)
        n *= (double)plan->axis[a].length;
    if (n > OW_PLAN_MAX_POINTS)
        return ow_fail(b->err, OW_ERR_INPUT,
                       "%s: sweep: %.3g points, expected %d at most: sweep fewer values, or "
                       "values together with zip",
                       plan->outline->path, n, OW_PLAN_MAX_POINTS);
    plan->n_point = 1;
    for (size_t a = plan->n_axis; a-- > 0;) {
        plan->axis[a].stride = plan->n_point;
        plan->n_point *= plan->axis[a].length;
    }
    return OW_OK;
}

/* Value k of an axis in a point, the other axes at their first or last values. */
static enum ow_status try_value(const struct ow_plan *plan, size_t a, size_t k, bool is_last,
                                struct ow_error *err)
{
    const struct ow_plan_axis *axis = &plan->axis[a];
    struct ow_spec spec;
    size_t point = is_last ? plan->n_point - 1 : 0;
    point += (k - point / axis->stride % axis->length) * axis->stride;
    const enum ow_status st = ow_plan_spec(plan, point, &spec, err);
    if (!st)
        ow_spec_finish(&spec);
    return st;
}

/* A value that is refused beside the first and beside the last values of the other axes is
 * wrong by itself.  Of long axes the first ones and the last: ranges are like their ends. */
static enum ow_status try_values(const struct builder *b)
{
    enum { MOST = 200 };
    const struct ow_plan *plan = b->plan;
    for (size_t a = 0; a < plan->n_axis; a++)
        for (size_t k = 0; k < plan->axis[a].length; k++) {
            struct ow_error why = {0};
            if (k >= MOST && k != plan->axis[a].length - 1)
                continue;
            const enum ow_status st = try_value(plan, a, k, false, &why);
            if (st && try_value(plan, a, k, true, NULL))
                return ow_fail(b->err, st, "%s", why.text);
        }
    return OW_OK;
}

/* ---- life -------------------------------------------------------------------------- */

enum ow_status ow_plan_init(const struct ow_spec *outline, struct ow_plan *out,
                            struct ow_error *err)
{
    struct ow_plan plan = {.outline = outline, .memory = calloc(1, sizeof *plan.memory)};
    struct builder b = {.plan = &plan, .seed = 1.0, .err = err};
    if (!plan.memory)
        return out_of_memory(&b);
    const struct ow_node *seed = ow_spec_node(outline, "seed");
    if (seed)
        node_number(seed,
                    &b.seed); /* what it cannot be is found when the first point is read */
    enum ow_status st = OW_OK;
    if (outline->sweep.n == 0)
        st = ow_fail(err, OW_ERR_INPUT,
                     "%s: sweep: missing, expected a map of keys and their values, such as "
                     "sweep: {array.r_wordline: [0.5, 1, 2], seeds: 10}",
                     outline->path);
    if (!st && !(st = take_axes(&b)) && !(st = check_size(&b)) && !(st = count_points(&b)))
        st = try_values(&b);
    if (st)
        ow_plan_finish(&plan);
    else
        *out = plan;
    return st;
}

void ow_plan_finish(struct ow_plan *plan)
{
    for (size_t c = 0; c < plan->n_column; c++) {
        free(plan->column[c].name);
        free(plan->column[c].value);
        free(plan->column[c].weights);
        free(plan->column[c].inputs);
    }
    for (size_t k = 0; plan->memory && k < plan->memory->n; k++) {
        ow_document_finish(plan->memory->document[k]);
        free(plan->memory->document[k]);
    }
    if (plan->memory)
        free(plan->memory->document);
    free(plan->memory);
    *plan = (struct ow_plan){0};
}

/* ---- points ------------------------------------------------------------------------ */

size_t ow_plan_index(const struct ow_plan *plan, size_t point, size_t c)
{
    const struct ow_plan_axis *axis = &plan->axis[plan->column[c].axis];
    return point / axis->stride % axis->length;
}

enum ow_status ow_plan_spec(const struct ow_plan *plan, size_t point, struct ow_spec *out,
                            struct ow_error *err)
{
    struct ow_setting setting[OW_PLAN_MAX_SETTINGS];
    size_t n = 0;
    for (size_t w = 0; w < 2; w++) /* first, so that a swept matrix comes in its place */
        if (plan->memory->pinned[w])
            setting[n++] = (struct ow_setting){matrix_key[w], plan->memory->pinned[w]};
    for (size_t c = 0; c < plan->n_column; c++) {
        const struct ow_plan_column *column = &plan->column[c];
        const size_t k = ow_plan_index(plan, point, c);
        if (column->is_size) {
            setting[n++] = (struct ow_setting){matrix_key[0], column->weights[k]};
            setting[n++] = (struct ow_setting){matrix_key[1], column->inputs[k]};
        } else
            setting[n++] = (struct ow_setting){column->name, column->value[k]};
    }
    return ow_spec_vary(plan->outline, setting, n, out, err);
}

static json_t *node_json(const struct ow_node *node)
{
    double value;
    if (node_number(node, &value))
        return value == floor(value) && fabs(value) < 1e15 ? json_integer((json_int_t)value)
                                                           : json_real(value);
    if (node->kind == OW_NODE_SCALAR)
        return json_string(node->text);
    json_t *json = node->kind == OW_NODE_LIST ? json_array() : json_object();
    for (size_t k = 0; k < node->n; k++)
        if (node->kind == OW_NODE_LIST)
            json_array_append_new(json, node_json(&node->item[k]));
        else
            json_object_set_new(json, node->key[k].text, node_json(&node->item[k]));
    return json;
}

json_t *ow_plan_value_json(const struct ow_plan *plan, size_t c, size_t k)
{
    return node_json(plan->column[c].value[k]);
}

json_t *ow_plan_json(const struct ow_plan *plan, size_t point)
{
    json_t *json = json_object();
    for (size_t c = 0; c < plan->n_column; c++)
        json_object_set_new(json, plan->column[c].name,
                            ow_plan_value_json(plan, c, ow_plan_index(plan, point, c)));
    return json;
}

int64_t ow_plan_seed(const struct ow_plan *plan, size_t point)
{
    const struct ow_plan_column *column = find_column(plan, "seed");
    const struct ow_node *node =
        column ? column->value[ow_plan_index(plan, point, (size_t)(column - plan->column))]
               : ow_spec_node(plan->outline, "seed");
    double seed = 1.0;
    node_number(node, &seed);
    return (int64_t)seed;
}
