/* Counter-based random numbers (Philox4x32-10: Salmon et al., SC 2011): a draw is a pure
 * function of what it is for, so the order of evaluation, rejected steps, the number of
 * threads and the host change nothing. */
#ifndef OW_RANDOM_H
#define OW_RANDOM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a draw is for.  Results depend on the numbers: add at the end, never reorder. */
enum ow_draw {
    OW_DRAW_SWITCH = 0,    /* hazard until event k of a stochastic device         */
    OW_DRAW_D2D = 1,       /* device-to-device spread                             */
    OW_DRAW_PROGRAM = 2,   /* error of programming; event = write number          */
    OW_DRAW_READ = 3,      /* noise of one read; event = vector number            */
    OW_DRAW_STUCK = 4,     /* stuck-on and stuck-off cells                        */
    OW_DRAW_RTN = 5,       /* random telegraph noise                              */
    OW_DRAW_WEIGHT = 6,    /* generated weight matrices; id = element             */
    OW_DRAW_INPUT = 7,     /* generated input matrices; id = element              */
    OW_DRAW_DEVICE = 8,    /* a model's own parameters; event = which             */
    OW_DRAW_CYCLE = 9,     /* the same, anew in each cycle                       */
    OW_DRAW_SHRINK = 10,   /* hazard until shrinking number k of a filament       */
    OW_DRAW_GAP = 11,      /* hazard until jump number k of a gap                 */
    OW_DRAW_GAP_JUMP = 12, /* size of that jump                                   */
    OW_DRAW_THERMAL = 13,  /* thermal noise of one read; id = a column's first cell */
    OW_DRAW_ADC = 14,      /* offset of a converter; id = its first column's first cell */
    OW_DRAW_TEST = 1000    /* tests and benchmarks                                */
};

/* Key of one draw: the same key gives the same number, and the three distributions below
 * use the same random bits. */
struct ow_draw_key {
    uint32_t seed;
    enum ow_draw purpose;
    uint64_t id;    /* which device or element   */
    uint64_t event; /* which draw of this device */
};

/* In the open interval (0, 1), on the odd multiples of 2^-53. */
double ow_draw_uniform(const struct ow_draw_key *key);

/* Mean 1; between 1e-16 and 36.8. */
double ow_draw_exponential(const struct ow_draw_key *key);

/* Mean 0, variance 1 (Box and Muller); within +-8.6. */
double ow_draw_normal(const struct ow_draw_key *key);

/* The block function itself. */
void ow_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

#ifdef __cplusplus
}
#endif
#endif
