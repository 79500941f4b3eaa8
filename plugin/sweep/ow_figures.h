/* Figures of a result by name: "energy.per_mac" is what ow_vmm_json() has there.  The short
 * "accuracy.array.enob" stands for "accuracy.array.total.enob". */
#ifndef OW_FIGURES_H
#define OW_FIGURES_H

#include <jansson.h>
#include <stdbool.h>

#include "ow_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* NaN for null, and for what is not there. */
double ow_figure(const json_t *result, const char *name);

/* The full name of a figure that results have, or an error with the nearest ones; full[200].
 * `where` begins the message. */
enum ow_status ow_figure_find(const char *name, const char *where, char full[200],
                              struct ow_error *err);

/* Every name, in the order of the JSON.  Stops when the call returns false. */
enum ow_status ow_figure_each(bool (*call)(void *data, const char *name), void *data,
                              struct ow_error *err);

/* "J", "s", "bit", "dB", or "" for a pure number. */
const char *ow_figure_unit(const char *name);

#ifdef __cplusplus
}
#endif
#endif
