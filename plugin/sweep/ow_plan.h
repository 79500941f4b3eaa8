/* The points of a sweep: every combination of what its axes say, numbered from 0, the last
 * axis fastest.
 *
 *   sweep:
 *     array.r_wordline: [0.5, 1, 2, 5]                        any key of the specification
 *     engine.rtol: {from: 1e-6, to: 1e-3, steps: 4, scale: log}   `steps` values, ends included
 *     zip: {input.t_read: [5n, 10n], input.t_rise: [0.2n, 0.5n]}  together; a list of such
 *                                                             maps are several such axes
 *     size: [16, 32, 64]      square arrays, two lines an output: random weights
 *                             [size, size/2], inputs [n, size]
 *     seeds: 100              Monte Carlo: `seed` and the 99 after it
 *
 * The axes stand in the order of the specification, `seeds` last.  Random matrices without a
 * seed of their own keep that of the specification while `seeds` runs: what spreads is the
 * devices, not the task.  Ranges of whole numbers are rounded, sizes to even ones.
 *
 * Errors carry the place of the value that they are about. */
#ifndef OW_PLAN_H
#define OW_PLAN_H

#include <jansson.h>

#include "ow_spec.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    OW_PLAN_MAX_COLUMNS = 32,      /* swept names, of all axes together */
    OW_PLAN_MAX_POINTS = 10000000, /* and points                        */
    OW_PLAN_MAX_SETTINGS = 2 * OW_PLAN_MAX_COLUMNS + 2
};

/* What one axis does to one name. */
struct ow_plan_column {
    char *name;  /* "array.r_wordline", "size", "seed"  */
    size_t axis; /* several columns of one axis: a zip  */
    bool is_size, is_seeds;
    const struct ow_node **value;   /* [axis length] as written or made                 */
    const struct ow_node **weights; /* [axis length] of `size`: the matrices that go    */
    const struct ow_node **inputs;  /*               with it; else NULL                 */
};

struct ow_plan_axis {
    size_t length;
    size_t stride; /* points until its value changes */
};

struct ow_plan {
    const struct ow_spec *outline; /* borrowed */
    size_t n_axis, n_column, n_point;
    struct ow_plan_axis axis[OW_PLAN_MAX_COLUMNS];
    struct ow_plan_column column[OW_PLAN_MAX_COLUMNS];
    struct ow_plan_memory *memory;
};

/* The outline (ow_spec_outline()) is borrowed until finish.  Without a section `sweep` an
 * error; every value is tried with a few of the others, so that a wrong one is found before
 * the first point runs. */
enum ow_status ow_plan_init(const struct ow_spec *outline, struct ow_plan *out,
                            struct ow_error *err);
void ow_plan_finish(struct ow_plan *plan);

/* Which value of its axis column c has at a point. */
size_t ow_plan_index(const struct ow_plan *plan, size_t point, size_t c);

/* The specification of a point; it borrows plan and outline. */
enum ow_status ow_plan_spec(const struct ow_plan *plan, size_t point, struct ow_spec *out,
                            struct ow_error *err);

/* {"array.r_wordline": 0.5, "size": 16, "seed": 1}: numbers as such, without suffixes.  A new
 * reference, NULL without memory. */
json_t *ow_plan_json(const struct ow_plan *plan, size_t point);
/* The k-th value of column c. */
json_t *ow_plan_value_json(const struct ow_plan *plan, size_t c, size_t k);
int64_t ow_plan_seed(const struct ow_plan *plan, size_t point);

#ifdef __cplusplus
}
#endif
#endif
