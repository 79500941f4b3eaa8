/* How the hot loops of this room are built: for several generations of x86 at once, the
 * loader picking one (OW_CLONES: with fused multiply-add; OW_SIMD of ow_simd.h: without, where
 * bits must not depend on the machine), and spread over threads by OpenMP where the build has it.
 * Every sum is made of parts whose bounds do not depend on the number of threads, added up in
 * order, so neither do the results. */
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

#ifdef _OPENMP
#include <omp.h>
static inline int ow_threads(void)
{
    return omp_get_max_threads();
}
static inline size_t ow_thread(void)
{
    return (size_t)omp_get_thread_num();
}
#else
static inline int ow_threads(void)
{
    return 1;
}
static inline size_t ow_thread(void)
{
    return 0;
}
#endif

/* Before a loop whose turns may run at the same time; a reduction may follow. */
#define OW_PRAGMA(text) _Pragma(#text)
#ifdef _OPENMP
#define OW_PARALLEL_FOR(n_threads, more)                                                       \
    OW_PRAGMA(omp parallel for schedule(static) num_threads(n_threads) more)
#else
#define OW_PARALLEL_FOR(n_threads, more) (void)(n_threads);
#endif

#endif
