/* What a sweep will take. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ow_sweep.h"

/* The keys whose values decide sizes, engine and number of reads. */
static bool matters(const char *name)
{
    static const char *const key[] = {"size",        "vmm.",         "array.rows",
                                      "array.cols",  "array.tile",   "device.model",
                                      "engine.name", "input.signed", "device.set",
                                      "mapping.",    "input.bits",   "input.encoding"};
    for (size_t k = 0; k < sizeof key / sizeof key[0]; k++)
        if (strncmp(name, key[k], strlen(key[k])) == 0)
            return true;
    return false;
}

/* The number of the combination that a point belongs to. */
static size_t combination(const struct ow_sweep_cost *c, size_t point)
{
    size_t k = 0;
    for (size_t a = 0; a < c->plan->n_axis; a++)
        if (c->matters[a]) {
            const struct ow_plan_axis *axis = &c->plan->axis[a];
            k = k * axis->length + point / axis->stride % axis->length;
        }
    return k;
}

/* The first point of a combination. */
static size_t first_point(const struct ow_sweep_cost *c, size_t k)
{
    size_t point = 0;
    for (size_t a = c->plan->n_axis; a-- > 0;)
        if (c->matters[a]) {
            const struct ow_plan_axis *axis = &c->plan->axis[a];
            point += k % axis->length * axis->stride;
            k /= axis->length;
        }
    return point;
}

/* A combination that is refused here fails when its points run, each with its message. */
static enum ow_status estimate(const struct ow_sweep_cost *c, size_t k,
                               struct ow_point_estimate *out, struct ow_error *err)
{
    struct ow_spec spec;
    struct ow_error why = {0};
    *out = (struct ow_point_estimate){0};
    enum ow_status st = ow_plan_spec(c->plan, first_point(c, k), &spec, &why);
    if (!st) {
        st = ow_point_estimate(&spec, out, &why);
        ow_spec_finish(&spec);
    }
    return st == OW_ERR_NOMEM ? ow_fail(err, st, "%s", why.text) : OW_OK;
}

enum ow_status ow_sweep_cost_init(const struct ow_plan *plan, struct ow_sweep_cost *out,
                                  struct ow_error *err)
{
    struct ow_sweep_cost c = {.plan = plan, .n = 1};
    for (size_t k = 0; k < plan->n_column; k++)
        c.matters[plan->column[k].axis] |= matters(plan->column[k].name);
    for (size_t a = 0; a < plan->n_axis; a++)
        c.n *= c.matters[a] ? plan->axis[a].length : 1;
    c.estimate = calloc(c.n, sizeof *c.estimate);
    if (!c.estimate)
        return ow_fail(err, OW_ERR_NOMEM, "sweep: out of memory");
    for (size_t k = 0; k < c.n; k++) {
        const enum ow_status st = estimate(&c, k, &c.estimate[k], err);
        if (st) {
            ow_sweep_cost_finish(&c);
            return st;
        }
        c.seconds += c.estimate[k].seconds * (double)(plan->n_point / c.n);
        if (c.estimate[k].bytes > c.bytes) {
            c.bytes = c.estimate[k].bytes;
            c.largest = first_point(&c, k);
        }
    }
    *out = c;
    return OW_OK;
}

void ow_sweep_cost_finish(struct ow_sweep_cost *c)
{
    free(c->estimate);
    *c = (struct ow_sweep_cost){0};
}

const struct ow_point_estimate *ow_sweep_cost_of(const struct ow_sweep_cost *c, size_t point)
{
    return &c->estimate[combination(c, point)];
}

/* ---- memory ------------------------------------------------------------------------ */

static double read_number(const char *path, const char *format)
{
    char line[200];
    double value = 0.0;
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, format, &value) == 1)
            break;
    if (f)
        fclose(f);
    return value;
}

double ow_sweep_free_memory(void)
{
    const double machine = 1024.0 * read_number("/proc/meminfo", "MemAvailable: %lf");
    const double most = read_number("/sys/fs/cgroup/memory.max", "%lf"),
                 used = read_number("/sys/fs/cgroup/memory.current", "%lf"),
                 cache = read_number("/sys/fs/cgroup/memory.stat", "file %lf");
    const double group = most > 0.0 ? most - used + cache : 0.0;
    return group > 0.0 && group < machine ? group : machine;
}

enum ow_status ow_sweep_fits(const struct ow_sweep_cost *c, double memory, struct ow_error *err)
{
    if (memory <= 0.0 || c->bytes <= memory)
        return OW_OK;
    const struct ow_point_estimate *e = ow_sweep_cost_of(c, c->largest);
    return ow_fail(
        err, OW_ERR_INPUT,
        "point %zu, an array of %zu x %zu, needs about %.3g GB and there are %.3g GB "
        "(--memory): expected smaller arrays, array.tile to cut the weights into "
        "such, or engine.name dc, which takes less than half",
        c->largest, e->rows, e->cols, 1e-9 * c->bytes, 1e-9 * memory);
}
