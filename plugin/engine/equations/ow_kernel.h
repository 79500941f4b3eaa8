/* How the hot loops of this room are built: for several generations of x86 at once, the
 * loader picking one (OW_CLONES: with fused multiply-add; OW_SIMD of ow_simd.h: without, where
 * bits must not depend on the machine), and spread over threads by OpenMP where the build has
 * it. Every sum is made of parts whose bounds do not depend on the number of threads, added up
 * in order, so neither do the results. */
#ifndef OW_KERNEL_H
#define OW_KERNEL_H

#include <stddef.h>

#ifdef OW_HAVE_CLONES
#define OW_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define OW_CLONES
#endif
#define OW_INLINE static inline __attribute__((always_inline))

/* Elements of the parts into which a vector is cut. */
enum { OW_CHUNK = 8192 };
static inline size_t ow_chunks(size_t n)
{
    return (n + OW_CHUNK - 1) / OW_CHUNK;
}
static inline size_t ow_chunk_length(size_t n, size_t chunk)
{
    return n - chunk * OW_CHUNK < OW_CHUNK ? n - chunk * OW_CHUNK : OW_CHUNK;
}

/* Rows of a grid that are taken at a time, 1 or more: from the first to the last thing that is
 * done to them they stay in a cache of their thread. */
static inline size_t ow_some_rows(size_t cols)
{
    enum { CELLS = 2048 };
    return cols < CELLS ? CELLS / cols : 1;
}

/* Where `some` rows from `from` on end, of `rows` in all. */
static inline size_t ow_until(size_t from, size_t some, size_t rows)
{
    return rows - from < some ? rows : from + some;
}

/* The parts of a sum, in order. */
OW_INLINE double ow_total(const double part[], size_t n)
{
    double all = 0.0;
    for (size_t k = 0; k < n; k++)
        all += part[k];
    return all;
}

/* The greatest magnitude; 0 for none, NaN if anything is not finite. */
OW_INLINE double ow_largest(const double x[], size_t n)
{
    enum { LANES = 8 };
    double most[LANES] = {0.0}, nothing[LANES] = {0.0}, largest = 0.0;
    const size_t whole = n / LANES * LANES;
    for (size_t k = 0; k < whole; k += LANES)
        for (size_t m = 0; m < LANES; m++) {
            const double size = x[k + m] < 0.0 ? -x[k + m] : x[k + m];
            most[m] = size > most[m] ? size : most[m];
        }
    for (size_t k = 0; k < whole; k += LANES)
        for (size_t m = 0; m < LANES; m++)
            nothing[m] += x[k + m] - x[k + m];
    for (size_t k = whole; k < n; k++) {
        most[0] = x[k] > most[0] ? x[k] : -x[k] > most[0] ? -x[k] : most[0];
        nothing[0] += x[k] - x[k];
    }
    for (size_t m = 0; m < LANES; m++)
        largest = most[m] > largest ? most[m] : largest;
    return largest + ow_total(nothing, LANES);
}

#ifdef _OPENMP
#include <omp.h>
static inline int ow_threads(void)
{
    return omp_get_max_threads();
}
static inline int ow_number(void)
{
    return omp_get_thread_num();
}
#else
static inline int ow_threads(void)
{
    return 1;
}
static inline int ow_number(void)
{
    return 0;
}
#endif

/* Which of the rooms that there are for n_threads is the calling thread's own in a sweep.  The
 * only thread of a sweep may be any of a team that the caller has made. */
static inline size_t ow_thread(int n_threads)
{
    const int number = ow_number();
    return number < n_threads ? (size_t)number : 0;
}

/* for (k = 0; k < end; k += step) { the statement }, turns at the same time on n_threads of
 * them.  One thread does without OpenMP, whose set-up for one costs as much as a sweep over
 * a thousand cells. */
#define OW_PRAGMA(text) _Pragma(#text)
#ifdef _OPENMP
#define OW_SWEEP(n_threads, k, end, step, ...)                                                 \
    do {                                                                                       \
        if ((n_threads) > 1) {                                                                 \
            OW_PRAGMA(omp parallel for schedule(static) num_threads(n_threads))                \
            for (size_t k = 0; k < (end); k += (step)) {                                       \
                __VA_ARGS__;                                                                   \
            }                                                                                  \
        } else {                                                                               \
            for (size_t k = 0; k < (end); k += (step)) {                                       \
                __VA_ARGS__;                                                                   \
            }                                                                                  \
        }                                                                                      \
    } while (0)
#else
#define OW_SWEEP(n_threads, k, end, step, ...)                                                 \
    do {                                                                                       \
        (void)(n_threads);                                                                     \
        for (size_t k = 0; k < (end); k += (step)) {                                           \
            __VA_ARGS__;                                                                       \
        }                                                                                      \
    } while (0)
#endif

#endif
