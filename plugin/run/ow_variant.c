#include "ow_variant.h"

#include <stdlib.h>
#include <string.h>

enum ow_status ow_variant_init(struct ow_variant *v, const struct ow_array *array,
                               bool has_ideal_wires, struct ow_error *err)
{
    const size_t n_cell = array->xb.rows * array->xb.cols;
    *v = (struct ow_variant){.array = array, .xb = array->xb};
    if (has_ideal_wires) {
        v->xb.r_wordline = v->xb.r_bitline = 0.0;
        if (v->xb.r_driver == 0.0)
            v->xb.c_cell = 0.0; /* across ideal sources: no settled output knows of it */
    }
    if (v->xb.spread[OW_SCALE]) {
        v->own_scale = malloc(n_cell * sizeof *v->own_scale);
        if (!v->own_scale)
            return ow_fail(err, OW_ERR_NOMEM, "the circuit: out of memory");
        memcpy(v->own_scale, v->xb.spread[OW_SCALE], n_cell * sizeof *v->own_scale);
        v->xb.spread[OW_SCALE] = v->own_scale;
    }
    return ow_circuit_create(&v->xb, &v->circuit, err);
}

void ow_variant_finish(struct ow_variant *v)
{
    ow_circuit_destroy(v->circuit);
    free(v->own_scale);
    memset(v, 0, sizeof *v);
}

void ow_variant_redraw(struct ow_variant *v, size_t vector)
{
    ow_mapping_redraw(&v->array->mapping, &v->xb, vector);
}
