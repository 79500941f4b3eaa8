/* The array of a specification by itself, its line ends bare: what another circuit drives and
 * reads (ow_coupled.h).  Drivers, sense amplifiers and inputs of the specification do not
 * count, and inputs may be missing. */
#ifndef OW_BARE_H
#define OW_BARE_H

#include "ow_circuit.h"
#include "ow_problem.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_bare {
    struct ow_spec spec;
    struct ow_problem problem; /* unless conductances were given ...          */
    struct ow_array array;     /* ... and then this                           */
    struct ow_crossbar xb;     /* of either, with bare lines; its arrays are theirs */
    struct ow_circuit *circuit;
};

/* An array's crossbar with bare lines: a shallow copy. */
struct ow_crossbar ow_bare_crossbar(const struct ow_crossbar *xb);

/* In place, since the circuit points into it.  conductances: a table [rows][cols] of S that the
 * cells hold instead of weights, or NULL.  With `array.tile`, the first array.  Finish is fine
 * after a failure. */
enum ow_status ow_bare_load(const char *path, const char *conductances, struct ow_bare *out,
                            struct ow_error *err);
void ow_bare_finish(struct ow_bare *bare);

#ifdef __cplusplus
}
#endif
#endif
