#include "ow_variant.h"

#include <stdlib.h>
#include <string.h>

/* Index of the gate voltage among the cell's parameters, or their number. */
static size_t gate_of(const struct ow_array *array)
{
    return ow_param_index(array->xb.model, "access.v_gate");
}

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
    const size_t gate = gate_of(array);
    if (array->writes.n && gate < v->xb.model->n_param) {
        v->own_gate = malloc(n_cell * sizeof *v->own_gate);
        if (!v->own_gate)
            return ow_fail(err, OW_ERR_NOMEM, "the circuit: out of memory");
        v->xb.spread[gate] = v->own_gate;
        ow_variant_select(v, 0);
    }
    return ow_circuit_create(&v->xb, &v->circuit, err);
}

void ow_variant_finish(struct ow_variant *v)
{
    ow_circuit_destroy(v->circuit);
    free(v->own_scale);
    free(v->own_gate);
    memset(v, 0, sizeof *v);
}

void ow_variant_redraw(struct ow_variant *v, size_t vector)
{
    ow_mapping_redraw(&v->array->mapping, &v->xb, vector);
    if (v->array->writes.n)
        ow_variant_select(v, v->array->writes.write[vector].row);
}

void ow_variant_select(struct ow_variant *v, size_t row)
{
    const size_t n_cell = v->xb.rows * v->xb.cols;
    for (size_t k = 0; v->own_gate && k < n_cell; k++)
        v->own_gate[k] = k / v->xb.cols == row ? v->xb.param[gate_of(v->array)]
                                               : v->array->spec->program.v_gate_off;
}
