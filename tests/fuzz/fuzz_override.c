/* The text of one --set. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ow_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char base[] = "vmm: {weights: {random: [2, 1]}, inputs: {random: [1, 2]}}";
    struct ow_error err = {0};
    struct ow_spec spec = {0};
    char *text = strndup((const char *)data, size);
    const char *const set[] = {text, NULL};
    if (text && ow_spec_parse(base, sizeof base - 1, "fuzz.yaml", set, &spec, &err) == OW_OK)
        ow_spec_finish(&spec);
    free(text);
    return 0;
}
