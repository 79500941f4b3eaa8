#include "ow_bare.h"

#include <stdio.h>
#include <string.h>

#include "ow_table.h"

struct ow_crossbar ow_bare_crossbar(const struct ow_crossbar *xb)
{
    struct ow_crossbar bare = *xb;
    bare.r_driver = 0.0;
    bare.sense = (struct ow_sense){.kind = OW_SENSE_DRIVER};
    bare.periphery = NULL;
    return bare;
}

/* Inputs of n_in, if the file has none, and weights that will not be asked for. */
static enum ow_status load_spec(const char *path, bool needs_weights, size_t n_in,
                                struct ow_spec *spec, struct ow_error *err)
{
    char inputs[64];
    const char *overrides[3] = {NULL};
    size_t n = 0;
    struct ow_spec outline = {0};
    const enum ow_status st = ow_spec_outline(path, NULL, &outline, err);
    if (st)
        return st;
    snprintf(inputs, sizeof inputs, "vmm.inputs={random: [1, %zu]}", n_in);
    if (!needs_weights)
        overrides[n++] = "vmm.weights={random: [1, 1]}";
    if (!needs_weights || !ow_spec_node(&outline, "vmm.inputs"))
        overrides[n++] = inputs;
    ow_spec_finish(&outline);
    return ow_spec_load(path, overrides, spec, err);
}

static enum ow_status hold_weights(const char *path, struct ow_bare *b, struct ow_error *err)
{
    struct ow_matrix w = {0};
    enum ow_status st = load_spec(path, true, 1, &b->spec, err);
    if (st)
        return st;
    size_t n_in = b->spec.vmm.weights.rows;
    if (!b->spec.vmm.weights.is_random) {
        if ((st = ow_table_load(b->spec.vmm.weights.path, &w, err)))
            return st;
        n_in = w.rows;
        ow_matrix_finish(&w);
    }
    ow_spec_finish(&b->spec);
    if ((st = load_spec(path, true, n_in, &b->spec, err)))
        return st;
    return ow_problem_init(&b->spec, &b->problem, err);
}

static enum ow_status hold_conductances(const char *path, const char *table, struct ow_bare *b,
                                        struct ow_error *err)
{
    struct ow_matrix g = {0};
    enum ow_status st = load_spec(path, false, 1, &b->spec, err);
    if (st || (st = ow_table_load(table, &g, err)))
        return st;
    const struct ow_mapping_spec how = ow_array_mapping(&b->spec);
    b->array.spec = &b->spec;
    st = ow_array_build(&b->array, g.rows, g.cols, err);
    if (!st)
        st = ow_array_hold(&b->array, &how, &g, "device.g_max", &b->array.mapping, err);
    ow_matrix_finish(&g);
    return st;
}

enum ow_status ow_bare_load(const char *path, const char *conductances, struct ow_bare *b,
                            struct ow_error *err)
{
    *b = (struct ow_bare){0};
    const enum ow_status st = conductances ? hold_conductances(path, conductances, b, err)
                                           : hold_weights(path, b, err);
    if (st)
        return st;
    b->xb = ow_bare_crossbar(conductances ? &b->array.xb : &b->problem.array[0].xb);
    return ow_circuit_create(&b->xb, &b->circuit, err);
}

void ow_bare_finish(struct ow_bare *b)
{
    ow_circuit_destroy(b->circuit);
    ow_problem_finish(&b->problem);
    ow_array_finish(&b->array);
    ow_spec_finish(&b->spec);
    memset(b, 0, sizeof *b);
}
