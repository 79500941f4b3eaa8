/* What hangs behind one bit line: the sense input and, with an amplifier, its gain and output
 * nodes.  Folded into one admittance of the sense input, and a right-hand side there.  With
 * K = mass c_f + gamma / r_f:
 *   gain    (mass tau - gamma d_a) a = f_a + gamma d_in in
 *   output  (mass c_out + K + gamma / r_out) out = f_out + K in + gamma / r_out a
 *   input   (g + mass c_in + K) in = f_in + g b_last + K out
 * g and b_last: the bit line's last segment and node. */
#ifndef OW_BEHIND_H
#define OW_BEHIND_H

#include "ow_linear.h"

struct ow_behind {
    double y_in;                 /* admittance of the input, all behind it included */
    double k_back;               /* K                                               */
    double k_in, k_inner, c_out; /* of the output: (f_out + k_inner f_a / a_own + k_in in) /
                                    c_out                                           */
    double a_in, a_own;          /* of the gain node: (f_a + a_in in) / a_own       */
    double f_inner, f_out;       /* right-hand sides at hand                        */
};

/* Of bit line j, whose sense input is a free node. */
struct ow_behind ow_behind_of(const struct ow_linear *linear, size_t j);

/* The right-hand side of the sense input, all behind it included; rhs is [n_free]. */
double ow_behind_fold(struct ow_behind *behind, const struct ow_circuit *circuit, size_t j,
                      const double rhs[]);

/* The solution: v_in at the sense input, the others from it. */
void ow_behind_unfold(const struct ow_behind *behind, const struct ow_circuit *circuit,
                      size_t j, double v_in, double solution[]);

#endif
