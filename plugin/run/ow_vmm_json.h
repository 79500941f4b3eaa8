/* The result of the main job as JSON, with the field names promised to users.  What is not
 * defined is null. */
#ifndef OW_VMM_JSON_H
#define OW_VMM_JSON_H

#include <jansson.h>

#include "ow_vmm.h"

/* A new reference; NULL without memory. */
json_t *ow_vmm_json(const struct ow_problem *problem, const struct ow_vmm_result *result);

/* energy.total: what the simulated circuit took, and the converters if specified. */
double ow_vmm_energy_total(const struct ow_vmm_result *result);

#endif
