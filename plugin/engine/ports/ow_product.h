/* The product of two matrices, as a sum of outer products:
 *
 *   c[i][j] += sum over k of a[k][i] b[k][j]        i < m, j < n, k < n_k
 *
 * Every entry of c is summed in the order of k.  Rows of a, b and c are lda, ldb and ldc
 * apart. */
#ifndef OW_PRODUCT_H
#define OW_PRODUCT_H

#include <stddef.h>

enum { OW_PRODUCT_STEP = 8 }; /* m and n are multiples of it */

/* n zeros, where rows of a multiple of OW_PRODUCT_STEP begin with a line of the cache: as b a
 * product likes them up to twice as much.  free() them; NULL without memory. */
double *ow_product_calloc(size_t n);

void ow_product(size_t n_k, size_t m, size_t n, const double a[], size_t lda, const double b[],
                size_t ldb, double c[], size_t ldc);

#endif
