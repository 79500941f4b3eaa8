/* A matrix in numpy's format. */
#include <stdint.h>

#include "ow_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ow_error err = {0};
    struct ow_matrix m = {0};
    if (ow_npy_parse(data, size, "fuzz.npy", &m, &err) == OW_OK)
        ow_matrix_finish(&m);
    return 0;
}
