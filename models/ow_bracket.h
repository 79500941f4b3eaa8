/* A device and what is in series with it: u + drop(u) = v for magnitudes u, v >= 0 of
 * voltages, where drop(0) = 0 and drop does not fall.  One root, bracketed by 0 and v.
 *
 * Newton's method kept inside a bracket.  Where the drop is far above v, on the flank of an
 * exponential, it would come down one thermal voltage a step; there the logarithm of the drop
 * takes the step, to where the drop is still 4 v, or the middle if that is not in
 * the bracket.  A step that
 * leaves it, or the second in a row that does not halve the residual, is replaced by a halving
 * of the bracket. */
#ifndef OW_BRACKET_H
#define OW_BRACKET_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Halvings are of the bit patterns, which for doubles >= 0 are monotone in the value: 64 of
 * them reach neighbouring doubles from any bracket.  At the worst every third step is one. */
enum { OW_BRACKET_MAX = 200 };

struct ow_bracket {
    double u, lo, hi; /* the iterate and what encloses the root */
    double h_last;
    bool was_slow, is_done;
};

static inline struct ow_bracket ow_bracket_start(double v)
{
    return (struct ow_bracket){.u = v, .hi = v, .h_last = INFINITY};
}

static inline double ow_bracket_middle(double lo, double hi)
{
    uint64_t a, b;
    memcpy(&a, &lo, sizeof a);
    memcpy(&b, &hi, sizeof b);
    a += (b - a) / 2;
    memcpy(&lo, &a, sizeof lo);
    return lo;
}

/* The next iterate from the drop and its slope at b->u.  is_done: b->u is the root to
 * rounding, and drop and slope were taken there. */
static inline void ow_bracket_narrow(struct ow_bracket *b, double drop, double ddrop, double v)
{
    const double h = (b->u - v) + drop, slope = 1.0 + ddrop;
    if (fabs(h) <= 2.0 * DBL_EPSILON * v || fabs(h) <= DBL_EPSILON * slope * b->u) {
        b->is_done = true;
        return;
    }
    if (h > 0.0)
        b->hi = b->u;
    else
        b->lo = b->u;
    const bool is_slow = !(fabs(h) < 0.5 * b->h_last);
    double newton = b->u - h / slope;
    if (drop > 8.0 * v) {
        const double log_step = b->u - drop / ddrop * log(drop / (4.0 * v));
        newton = log_step > b->lo ? log_step : fmin(newton, 0.5 * (b->lo + b->u));
    }
    const bool is_newton = newton > b->lo && newton < b->hi && !(is_slow && b->was_slow);
    const double next = is_newton ? newton : ow_bracket_middle(b->lo, b->hi);
    b->was_slow = is_newton && is_slow;
    b->h_last = fabs(h);
    if (next == b->u || next == b->lo) /* neighbouring doubles */
        b->is_done = true;
    else
        b->u = next;
}

#endif
