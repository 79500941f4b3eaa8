#include "ow_json.h"

#include <math.h>

json_t *ow_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *ow_json_object(const struct ow_json_row rows[], size_t n)
{
    json_t *object = json_object();
    for (size_t k = 0; k < n; k++)
        json_object_set_new(object, rows[k].name, ow_json_number(rows[k].value));
    return object;
}

json_t *ow_json_warnings(const struct ow_warnings *w)
{
    json_t *array = json_array();
    for (size_t k = 0; k < w->n; k++)
        json_array_append_new(array, json_string(w->text[k]));
    return array;
}
