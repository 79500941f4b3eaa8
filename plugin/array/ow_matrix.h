/* A dense row-major matrix of doubles: weights, inputs, outputs. */
#ifndef OW_MATRIX_H
#define OW_MATRIX_H

#include <stddef.h>

struct ow_matrix {
    size_t rows, cols;
    double *a; /* [rows*cols], owned by whoever holds the struct; NULL when empty */
};

/* Zero-filled; a is NULL (and both sizes 0) without memory or on overflow. */
struct ow_matrix ow_matrix_create(size_t rows, size_t cols);
void ow_matrix_finish(struct ow_matrix *m); /* frees and zeroes */
static inline double *ow_matrix_row(const struct ow_matrix *m, size_t r)
{
    return m->a + r * m->cols;
}

#endif
