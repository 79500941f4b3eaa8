#include "ow_product.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

double *ow_product_calloc(size_t n)
{
    void *a = NULL;
    if (posix_memalign(&a, OW_PRODUCT_STEP * sizeof(double), n * sizeof(double)))
        return NULL;
    return memset(a, 0, n * sizeof(double));
}

/* A block of M x 8 entries of c stays in registers while k runs; of b, one column of blocks
 * stays in the cache while i does.  VECTORS of the processor's width hold the 8. */
#define DEFINE_PRODUCT(name, attribute, M, VECTORS)                                            \
    attribute static void name(size_t n_k, size_t m, size_t n, const double a[], size_t lda,   \
                               const double b[], size_t ldb, double c[], size_t ldc)           \
    {                                                                                          \
        enum { WIDTH = OW_PRODUCT_STEP / (VECTORS) };                                          \
        typedef double vector __attribute__((vector_size(WIDTH * sizeof(double))));            \
        for (size_t j = 0; j < n; j += OW_PRODUCT_STEP)                                        \
            for (size_t i = 0; i < m; i += (M)) {                                              \
                vector sum[M][VECTORS], right[VECTORS];                                        \
                const double *ak = a + i, *bk = b + j;                                         \
                for (size_t r = 0; r < (M); r++)                                               \
                    memcpy(sum[r], c + (i + r) * ldc + j, sizeof sum[r]);                      \
                for (size_t k = 0; k < n_k; k++, ak += lda, bk += ldb) {                       \
                    memcpy(right, bk, sizeof right);                                           \
                    for (size_t r = 0; r < (M); r++)                                           \
                        for (size_t v = 0; v < (VECTORS); v++)                                 \
                            sum[r][v] += ak[r] * right[v];                                     \
                }                                                                              \
                for (size_t r = 0; r < (M); r++)                                               \
                    memcpy(c + (i + r) * ldc + j, sum[r], sizeof sum[r]);                      \
            }                                                                                  \
    }

DEFINE_PRODUCT(product_128, , 4, 4)
#ifdef __x86_64__
DEFINE_PRODUCT(product_256, __attribute__((target("avx2,fma"))), 4, 2)
DEFINE_PRODUCT(product_512, __attribute__((target("avx512f"))), 8, 1)
#endif

void ow_product(size_t n_k, size_t m, size_t n, const double a[], size_t lda, const double b[],
                size_t ldb, double c[], size_t ldc)
{
    assert(m % OW_PRODUCT_STEP == 0 && n % OW_PRODUCT_STEP == 0);
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f")) {
        product_512(n_k, m, n, a, lda, b, ldb, c, ldc);
        return;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        product_256(n_k, m, n, a, lda, b, ldb, c, ldc);
        return;
    }
#endif
    product_128(n_k, m, n, a, lda, b, ldb, c, ldc);
}
