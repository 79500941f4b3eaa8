/* The result of write pulses as JSON, with the field names promised to users.  What is not
 * defined is null. */
#ifndef OW_PROGRAM_JSON_H
#define OW_PROGRAM_JSON_H

#include <jansson.h>

#include "ow_program.h"

/* A new reference; NULL without memory. */
json_t *ow_program_json(const struct ow_array *array, const struct ow_program_result *result);

/* energy.total: what the simulated circuit took. */
double ow_program_energy_total(const struct ow_program_result *result);

#endif
