/* OW_SIMD before a function with plain loops over arrays: it is compiled twice, for every
 * x86-64 and for AVX2, and the machine's own is taken at run time.  No fused multiply-add:
 * both compute the same bits.
 *
 * For static functions, each with a name of its own in the whole program: clang 14 makes the
 * choice in a global symbol of that name, and gives other files none for a function that is not
 * static. */
#ifndef OW_SIMD_H
#define OW_SIMD_H

#ifdef OW_HAVE_CLONES
#define OW_SIMD __attribute__((target_clones("avx2", "default")))
#else
#define OW_SIMD
#endif

/* The same with AVX-512, whose multiply-add has to be forbidden: for files that are compiled
 * with -ffp-contract=off, as the models are. */
#ifdef OW_HAVE_CLONES
#define OW_WIDE __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define OW_WIDE
#endif

#endif
