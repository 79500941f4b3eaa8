/* OW_SIMD before a function with plain loops over arrays: it is compiled twice, for every
 * x86-64 and for AVX2, and the machine's own is taken at run time.  No fused multiply-add:
 * both compute the same bits.  Elsewhere, and under sanitizers, which cannot bear the
 * dispatch before their start, it is nothing. */
#ifndef OW_SIMD_H
#define OW_SIMD_H

#if defined __x86_64__ && defined __GNUC__ && !defined __clang__ && \
    !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
#define OW_SIMD __attribute__((target_clones("avx2", "default")))
#else
#define OW_SIMD
#endif

#endif
