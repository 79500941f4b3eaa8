/* Window functions: the factor on a state's rate that ends its travel from 0 to 1.
 *
 * Written for the direction of motion, so that none of them can be turned the wrong way
 * round: `ahead` = x for a state that moves up, 1 - x for one that moves down; 1 is the end
 * that it moves to, 0 the end that it leaves.
 *
 *   joglekar      1 - (2 a - 1)^2p               Joglekar, Wolf, Eur. J. Phys. 30 (2009) 661
 *   biolek        1 - a^2p                       Biolek, Biolek, Biolkova, Radioengineering
 *                   = 1 - (x - stp(-i))^2p       18 (2009) 210, x growing with +i
 *   prodromakis   j (1 - ((a - 1/2)^2 + 3/4)^p)  Prodromakis et al., IEEE TED 58 (2011) 3099
 *   rect_asym     H(1 - a)                       Biolek et al., IEEE Access 9 (2021) 30242, (7)
 *   none          1                              (and a stop behind the end, see below)
 *
 * What is done at the ends, which the papers leave open:
 *  - Ahead, beyond the end: the tangent there (joglekar, biolek, prodromakis).  It pushes
 *    back, and it keeps a window with an even power from growing again.
 *  - Behind: joglekar and prodromakis are 0 at both ends, so that a state which reached one
 *    would stick for ever, and beyond it would run away.  Within OW_STOP_DEPTH of the end
 *    that is being left, the window is held at its value there.  What the published
 *    equation does nearer to the end than that is beyond any solver's accuracy.
 *  - rect_asym: the soft stop of ow_soft_stop.h, placed to end at the bound, so that the
 *    state rests on it.  none: the same stop, placed to begin at the bound. */
#ifndef OW_WINDOW_H
#define OW_WINDOW_H

#include <math.h>

#include "ow_soft_stop.h"

enum ow_window_kind {
    OW_WINDOW_NONE,
    OW_WINDOW_JOGLEKAR,
    OW_WINDOW_BIOLEK,
    OW_WINDOW_PRODROMAKIS,
    OW_WINDOW_RECT_ASYM
};

struct ow_window {
    double f, df_dx;
};

/* The published law and its derivative to `a`, for 0 <= a <= 1. */
static inline double ow_window_law(enum ow_window_kind kind, double p, double j, double a,
                                   double *d_a)
{
    if (kind == OW_WINDOW_BIOLEK) {
        *d_a = -2.0 * p * pow(a, 2.0 * p - 1.0);
        return 1.0 - pow(a, 2.0 * p);
    }
    if (kind == OW_WINDOW_JOGLEKAR) {
        const double z = 2.0 * a - 1.0;
        *d_a = -4.0 * p * copysign(pow(fabs(z), 2.0 * p - 1.0), z);
        return 1.0 - pow(fabs(z), 2.0 * p);
    }
    const double base = (a - 0.5) * (a - 0.5) + 0.75;
    *d_a = -2.0 * j * p * (a - 0.5) * pow(base, p - 1.0);
    return j * (1.0 - pow(base, p));
}

/* The window at x for a motion up (direction > 0) or down. */
static inline struct ow_window ow_window_at(enum ow_window_kind kind, double p, double j,
                                            double x, double direction)
{
    const double sign = direction > 0.0 ? 1.0 : -1.0;
    const double ahead = direction > 0.0 ? x : 1.0 - x;
    struct ow_window w;
    if (kind == OW_WINDOW_NONE || kind == OW_WINDOW_RECT_ASYM) {
        const double begin = kind == OW_WINDOW_NONE ? 1.0 : 1.0 - OW_STOP_DEPTH;
        w.f = ow_soft_stop(ahead - begin, &w.df_dx);
        w.df_dx *= sign;
        return w;
    }
    const double behind = kind == OW_WINDOW_BIOLEK ? 0.0 : OW_STOP_DEPTH;
    const double a = fmin(fmax(ahead, behind), 1.0);
    w.f = ow_window_law(kind, p, j, a, &w.df_dx);
    if (ahead > 1.0)
        w.f = w.df_dx * fmin(ahead - 1.0, OW_STOP_DEEPEST);
    if (ahead < behind || ahead - 1.0 > OW_STOP_DEEPEST)
        w.df_dx = 0.0;
    w.df_dx *= sign;
    return w;
}

#endif
