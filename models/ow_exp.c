#include "ow_exp.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "ow_simd.h"

enum { BLOCK = 512 };

/* 2^n and e^r - 1 for u = n ln 2 + r, |r| <= ln(2)/2. */
struct parts {
    double two_n, p;
};

static inline __attribute__((always_inline)) struct parts split(double u)
{
    /* Adding 1.5 2^52 rounds to a whole number, which then stands in the low bits. */
    const double shift = 0x1.8p52, shifted = u * 0x1.71547652b82fep0 + shift;
    const double n = shifted - shift;
    /* ln 2 in two parts; the first ends in zeros, so that n times it is exact. */
    const double r = (u - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33;
    /* Taylor's series: what is left out is below r^14/14! = 4e-18. */
    double s = 1.0 / 6227020800.0;
    s = s * r + 1.0 / 479001600.0;
    s = s * r + 1.0 / 39916800.0;
    s = s * r + 1.0 / 3628800.0;
    s = s * r + 1.0 / 362880.0;
    s = s * r + 1.0 / 40320.0;
    s = s * r + 1.0 / 5040.0;
    s = s * r + 1.0 / 720.0;
    s = s * r + 1.0 / 120.0;
    s = s * r + 1.0 / 24.0;
    s = s * r + 1.0 / 6.0;
    s = s * r + 0.5;
    struct parts e = {.p = r + r * r * s};
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits << 52) + 0x3ff0000000000000u; /* n in the exponent's place */
    memcpy(&e.two_n, &bits, sizeof bits);
    return e;
}

/* In a loop of its own: beside other arithmetic it would become a branch. */
OW_WIDE static void hold(size_t n, const double u[], double most, double out[])
{
    for (size_t k = 0; k < n; k++) {
        const double below = u[k] > most ? most : u[k];
        out[k] = below < -most ? -most : below;
    }
}

void ow_hold_all(size_t n, const double u[], double most, double out[])
{
    hold(n, u, most, out);
}

OW_WIDE static void exp_block(size_t n, const double u[], double y[])
{
    for (size_t k = 0; k < n; k++) {
        const struct parts e = split(u[k]);
        y[k] = e.two_n + e.two_n * e.p;
    }
}

OW_WIDE static void sinh_block(size_t n, const double z[], const double held[], double y[],
                               double dy[])
{
    for (size_t k = 0; k < n; k++) {
        const struct parts e = split(fabs(held[k]));
        const double m = e.two_n * e.p + (e.two_n - 1.0); /* e^|z| - 1, exact near 0 */
        const double back = 1.0 / (1.0 + m);
        dy[k] = 0.5 * ((1.0 + m) + back);
        y[k] = copysign(0.5 * (m + m * back), held[k]) + dy[k] * (z[k] - held[k]);
    }
}

void ow_exp_all(size_t n, const double u[], double y[])
{
    double held[BLOCK];
    for (size_t first = 0; first < n; first += BLOCK) {
        const size_t m = n - first < BLOCK ? n - first : BLOCK;
        hold(m, u + first, 700.0, held);
        exp_block(m, held, y + first);
    }
}

void ow_sinh_all(size_t n, const double z[], double y[], double dy[])
{
    double held[BLOCK];
    for (size_t first = 0; first < n; first += BLOCK) {
        const size_t m = n - first < BLOCK ? n - first : BLOCK;
        hold(m, z + first, 80.0, held);
        sinh_block(m, z + first, held, y + first, dy + first);
    }
}
