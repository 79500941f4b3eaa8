/* A specification made concrete: matrices loaded, weights programmed into arrays, the sense
 * resistance chosen.  What every command that simulates begins with.
 *
 * Without `array.tile` there is one array.  With [rows, cols], W is cut into
 * n_row_tile x n_col_tile of them,
 *
 *   n_row_tile = ceil(n_in / rows),   n_col_tile = ceil(n_out / n),
 *
 * where n outputs find room on cols lines: floor(cols / 2), so that an odd bit line is left
 * out, or cols - 1 with a reference line; by their slices, if they have some.  The last ones
 * are cut to what is left of the weights. Array (r, c) has the weights from (r rows, c n) on,
 * drivers, sense amplifiers and a reference of its own, and makes the partial sums of its rows.
 * Its converters quantise them over one range common to all arrays, and their results are added
 * without error:
 *
 *   Y'[j] = sum over r of ADC(partial sum of array (r, .) for output j);
 *
 * of slices of weights and bits of inputs, see ow_convert.h.
 *
 * All arrays are of one design: one w_max, g range and sense resistance.  A cell's id is its
 * place in the whole matrix (reference lines come last), so the weights meet the same devices
 * in whatever arrays they are, and no draw of one array is another's.
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

/* How weights [n_in][n_out] are cut: inputs and outputs of an array, the last ones' at most. */
struct ow_cut {
    size_t n_in, n_out, n_row_tile, n_col_tile;
};
struct ow_cut ow_problem_cut(const struct ow_spec *spec, size_t n_in, size_t n_out);

struct ow_problem {
    const struct ow_spec *spec; /* borrowed */
    size_t n_vec, n_in, n_out;
    size_t n_phase;           /* reads a vector, see struct ow_array               */
    struct ow_matrix weights; /* [n_in][n_out]                                     */
    struct ow_matrix inputs;  /* [n_vec][n_in] as given                            */
    struct ow_matrix driven;  /* [n_vec][n_in] as driven: quantised to input.bits  */
    struct ow_matrix wq;      /* [n_in][n_out] the weights at their exact levels   */
    struct ow_matrix slice;   /* [n_in][n_out][n_slice] their slices; empty for one */
    struct ow_matrix y, yq;   /* [n_vec][n_out] X W, and driven inputs times Wq    */
    int *labels;              /* [n_vec], or NULL                                  */
    size_t n_row_tile, n_col_tile;
    struct ow_array *array; /* [n_row_tile][n_col_tile] owned, the first is the largest */
};

static inline size_t ow_problem_arrays(const struct ow_problem *p)
{
    return p->n_row_tile * p->n_col_tile;
}

/* The specification is borrowed until finish.  Errors name the file, line and key. */
enum ow_status ow_problem_init(const struct ow_spec *spec, struct ow_problem *out,
                               struct ow_error *err);
void ow_problem_finish(struct ow_problem *problem);

/* The conductances of all arrays as one matrix [S], in the places of their weights; reference
 * lines, one of each array, stand to the right of those. */
enum ow_status ow_problem_conductance(const struct ow_problem *problem, struct ow_matrix *out,
                                      struct ow_error *err);

/* Is vector k one of those that calibrate? */
bool ow_problem_calibrates(const struct ow_problem *problem, size_t k);

#ifdef __cplusplus
}
#endif
#endif
