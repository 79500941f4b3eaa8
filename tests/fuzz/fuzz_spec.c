/* A specification's file.  What was accepted must print as what is accepted again. */
#include <stdint.h>
#include <stdlib.h>

#include "ow_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ow_error err = {0};
    struct ow_spec spec = {0}, again = {0};
    char *text = NULL;
    size_t n;
    if (ow_spec_parse((const char *)data, size, "fuzz.yaml", NULL, &spec, &err) != OW_OK)
        return 0;
    FILE *to = open_memstream(&text, &n);
    if (!to || ow_spec_print(&spec, to, &err) != OW_OK || fclose(to) != 0 ||
        ow_spec_parse(text, n, "fuzz.yaml", NULL, &again, &err) != OW_OK)
        abort();
    free(text);
    ow_spec_finish(&again);
    ow_spec_finish(&spec);
    return 0;
}
