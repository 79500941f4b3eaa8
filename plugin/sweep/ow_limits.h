/* What a run must reach, `limits: {accuracy.array.total.enob: {min: 6}, energy.per_mac: {max:
 * 5f}}`, and whether it did. */
#ifndef OW_LIMITS_H
#define OW_LIMITS_H

#include <jansson.h>

#include "ow_spec.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OW_MAX_LIMITS = 32 };

struct ow_limit {
    char name[200];  /* of the figure, in full             */
    double min, max; /* NaN: no limit on that side; SI     */
};

struct ow_limits {
    size_t n;
    struct ow_limit limit[OW_MAX_LIMITS];
};

/* From an outline or a specification.  Figures that no result has are refused. */
enum ow_status ow_limits_init(const struct ow_spec *outline, struct ow_limits *out,
                              struct ow_error *err);

/* Whether a result keeps them all; what it misses goes into misses[size], one line, "" if
 * nothing.  A figure without a value keeps no limit. */
bool ow_limits_keep(const struct ow_limits *limits, const json_t *result, char *misses,
                    size_t size);

/* {"energy.per_mac": {"max": 5e-15}} and back.  A new reference, NULL without memory. */
json_t *ow_limits_json(const struct ow_limits *limits);
void ow_limits_from_json(const json_t *json, struct ow_limits *out);

#ifdef __cplusplus
}
#endif
#endif
