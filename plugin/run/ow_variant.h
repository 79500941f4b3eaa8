/* An array's circuit with its own copy of what one read changes, so that several can be
 * at work on one array. */
#ifndef OW_VARIANT_H
#define OW_VARIANT_H

#include "ow_array.h"
#include "ow_circuit.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_variant {
    const struct ow_array *array; /* borrowed */
    struct ow_crossbar xb;        /* the array's, but for the wires and own_scale       */
    double *own_scale;            /* [rows*cols] read noise of the vector at hand, or NULL */
    double *own_gate;             /* [rows*cols] V, of 1T1R cells that are written, or NULL */
    struct ow_circuit *circuit;
};

/* In place, since the circuit points into it.  has_ideal_wires: r_wordline = r_bitline = 0,
 * the control run.  OW_ERR_NOMEM; finish is fine after a failure. */
enum ow_status ow_variant_init(struct ow_variant *v, const struct ow_array *array,
                               bool has_ideal_wires, struct ow_error *err);
void ow_variant_finish(struct ow_variant *v);

/* Draw the read noise of input vector k; of an array that is written, select the word line of
 * pulse k. */
void ow_variant_redraw(struct ow_variant *v, size_t vector);

/* Gates of 1T1R cells while one word line is written: on along it, at program.v_gate_off along
 * the others.  Nothing to do for other cells. */
void ow_variant_select(struct ow_variant *v, size_t row);

#ifdef __cplusplus
}
#endif
#endif
