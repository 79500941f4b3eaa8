/* Results as JSON: what the commands' objects are made of.  Every function returns a new
 * reference, or NULL without memory. */
#ifndef OW_JSON_H
#define OW_JSON_H

#include <jansson.h>

#include "ow_warnings.h"

/* A number, or null for what is not finite. */
json_t *ow_json_number(double value);

/* A table of numbers as an object. */
struct ow_json_row {
    const char *name;
    double value;
};
json_t *ow_json_object(const struct ow_json_row rows[], size_t n);
#define OW_JSON_OBJECT(rows) ow_json_object(rows, sizeof(rows) / sizeof(rows)[0])

json_t *ow_json_warnings(const struct ow_warnings *w);

#endif
