/* A specification made concrete: matrices loaded, weights programmed into an array, the
 * sense resistance chosen.  What every command that simulates begins with.
 *
 * With a `program` section the array writes, and there are no inputs and outputs. */
#ifndef OW_PROBLEM_H
#define OW_PROBLEM_H

#include "ow_array.h"
#include "ow_matrix.h"
#include "ow_spec.h"

#ifdef __cplusplus
extern "C" {
#endif

/* v_out swings between the rails, +-vdd/2, of a TIA; a sense resistor is let swing over
 * this part of v_read, beyond which it would eat the devices' voltage. */
#define OW_RESISTOR_SWING 0.05
/* `r_f: auto` puts the largest calibration current at this part of the swing: of a TIA's gain
 * node, which carries the drop over r_out as well. */
#define OW_AUTO_SWING 0.8

struct ow_problem {
    const struct ow_spec *spec; /* borrowed */
    size_t n_vec, n_in, n_out;
    size_t n_phase;           /* reads a vector: 2 when inputs are signed          */
    struct ow_matrix weights; /* [n_in][n_out]                                     */
    struct ow_matrix inputs;  /* [n_vec][n_in] as given                            */
    struct ow_matrix driven;  /* [n_vec][n_in] as driven: quantised to input.bits  */
    struct ow_matrix y, yq;   /* [n_vec][n_out] X W, and driven inputs times Wq    */
    int *labels;              /* [n_vec], or NULL                                  */
    struct ow_array *array;   /* owned                                             */
};

/* The specification is borrowed until finish.  Errors name the file, line and key. */
enum ow_status ow_problem_init(const struct ow_spec *spec, struct ow_problem *out,
                               struct ow_error *err);
void ow_problem_finish(struct ow_problem *problem);

/* Is vector k one of those that calibrate? */
bool ow_problem_calibrates(const struct ow_problem *problem, size_t k);

#ifdef __cplusplus
}
#endif
#endif
