#include "ow_matrix.h"

#include <stdint.h>
#include <stdlib.h>

struct ow_matrix ow_matrix_create(size_t rows, size_t cols)
{
    struct ow_matrix m = {0};
    if (rows == 0 || cols == 0 || rows > SIZE_MAX / sizeof *m.a / cols)
        return m;
    m.a = calloc(rows * cols, sizeof *m.a);
    if (m.a) {
        m.rows = rows;
        m.cols = cols;
    }
    return m;
}

void ow_matrix_finish(struct ow_matrix *m)
{
    free(m->a);
    *m = (struct ow_matrix){0};
}
