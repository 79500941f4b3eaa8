/* From the sense voltages of all reads to products: what the converters span, what they make
 * of each read, and how their results are added up,
 *
 *   Y'[j] = sum over bits b, row tiles r and slices s of  q_b c_s ADC(p),
 *
 * q_b = ow_array_bit_weight() and c_s = ow_mapping_slice_weight(), both 1 where there is one. p
 * is the product of what one bit drives with what one slice holds on the rows of one tile, each
 * counted as an input and a weight of its own. */
#ifndef OW_CONVERT_H
#define OW_CONVERT_H

#include <stdbool.h>

#include "ow_accuracy.h"
#include "ow_problem.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Full scale of the whole product, and what a converter spans, by the same rule from what it
 * gets, p above.  They are the same where a product takes one conversion.  Of a given range,
 * full scale is n_row_tile times that.  is_calibration[n_vec]. */
enum ow_status ow_convert_ranges(const struct ow_problem *problem, const bool is_calibration[],
                                 struct ow_range *whole, struct ow_range *adc,
                                 struct ow_error *err);

/* Y' [n_vec][n_out], of v_sense [n_vec n_phase][bit lines of all arrays, in their order] V:
 * decoded, through the converters, added up. */
enum ow_status ow_convert(const struct ow_problem *problem, const struct ow_matrix *v_sense,
                          const struct ow_range *adc, struct ow_matrix *y,
                          struct ow_error *err);

#ifdef __cplusplus
}
#endif
#endif
