/* Anderson's mixing (J. ACM 12 (1965) 547) for a fixed point v = F(v) that comes slowly: the
 * next v out of the last few pairs of v and F(v), as if F were linear. */
#ifndef OW_MIX_H
#define OW_MIX_H

#include <stdbool.h>
#include <stddef.h>

enum { OW_MIX_DEPTH = 4 };

struct ow_mix {
    size_t n;      /* length of a vector                                  */
    size_t n_kept; /* differences that are kept, OW_MIX_DEPTH at most ... */
    size_t next;   /* ... and which is the next to be overwritten         */
    bool has_last;
    double *memory; /* behind the following, all [n]            */
    double *f, *r;  /* F(v) and F(v) - v of the last pair       */
    double *df[OW_MIX_DEPTH], *dr[OW_MIX_DEPTH];
};

bool ow_mix_init(struct ow_mix *mix, size_t n); /* false: no memory */
void ow_mix_finish(struct ow_mix *mix);

/* Another fixed point. */
void ow_mix_clear(struct ow_mix *mix);

/* Where to go from v, at which F is f: to[n], which may be f. */
void ow_mix_step(struct ow_mix *mix, const double v[], const double f[], double to[]);

#endif
