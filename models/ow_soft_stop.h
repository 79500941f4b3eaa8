/* The end of a state's travel, for equations that do not slow down by themselves.
 *
 * A state x leaves its travel at `bound` with the rate F > 0 (outwards).  Clamping x would
 * wind up or stick, a step in F makes implicit solvers chatter.  Instead F is multiplied by
 *
 *   ramp(u) = 1            u <= 0,            u = (x - bound) / OW_STOP_DEPTH
 *             1 - u^2      0 <= u <= 1
 *             2 - 2 u      1 <= u             (negative: pushed back to u = 1)
 *
 * so that x comes to rest at u = 1.  Why this shape:
 *  - once continuously differentiable, so a solver sees no kink where the stop begins;
 *  - concave, so x - h F ramp(x) = x0 has one root and Newton's method reaches it from
 *    anywhere: no step, however large, makes the iteration jump to and fro;
 *  - it touches the outward rate only: when the drive reverses, x leaves at full speed.
 * The price is stiffness of 2 F / OW_STOP_DEPTH while x rests against the stop, which is
 * nothing to an implicit method. */
#ifndef OW_SOFT_STOP_H
#define OW_SOFT_STOP_H

/* Of a travel of length 1: a tenth of what two hosts may differ by. */
#define OW_STOP_DEPTH 1e-4

/* Overshoot is cut here, far beyond any iterate, so that the product with any legal rate
 * is finite. */
#define OW_STOP_DEEPEST 1e30

/* ramp at a distance `past` the bound (negative inside), and its derivative. */
static inline double ow_soft_stop(double past, double *d_past)
{
    const double u = past / OW_STOP_DEPTH;
    *d_past = 0.0;
    if (u <= 0.0)
        return 1.0;
    if (u <= 1.0) {
        *d_past = -2.0 * u / OW_STOP_DEPTH;
        return 1.0 - u * u;
    }
    if (u >= OW_STOP_DEEPEST)
        return 2.0 - 2.0 * OW_STOP_DEEPEST;
    *d_past = -2.0 / OW_STOP_DEPTH;
    return 2.0 - 2.0 * u;
}

#endif
