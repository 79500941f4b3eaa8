/* Weights become programmed device states, inputs become pulse heights.
 *
 * Differential mapping: physical column 2j is the arm G+ of output j and column 2j + 1 its
 * arm G-;
 *   w = w_max (G+ - G-) / (g_max - g_min),   w_max = max |W| (of all arrays that share W),
 * and the arm that a weight does not need sits at g_min.
 *
 * Offset mapping (Shafiee et al., ISCA 2016, whose bias a "unit column" takes off again; Xiao
 * et al., IEEE Circuits Syst. Mag. 22 (2022) 26, figure 5): column j is G of output j, and one
 * reference column for all of them holds what is to be taken off,
 *   w = 2 w_max (G - G_ref) / (g_max - g_min),   G_ref = (g_min + g_max) / 2.
 * Levels are those of G, so with an even number of them no weight is 0.
 *
 * Bit slices (Shafiee et al.; Xiao et al.): N devices of L levels in place of each one, on
 * lines of their own, hold the digits d_s = 0 .. L - 1 of the weight's level among L^N, the
 * most significant first.  Each slice is a weight at L levels by itself, and w = sum over s of
 * c_s w_s,   c_s = L^(N - 1 - s) (L - 1) / (L^N - 1),   sum of c_s = 1. In the offset mapping,
 * where every digit has the middle taken off, they add up to (L^N - 1) / 2, the middle of all
 * levels.
 *
 * G is the conductance i(v_read) / v_read of the device alone, at frozen state.  Rows and
 * columns of the array beyond the weights are filled with cells at g_min; their inputs are to
 * be driven at 0.
 *
 * What goes wrong in a real array, in the order in which it acts on one cell:
 *   target g       the level of the weight
 *   stuck          the device sits at g_max (stuck_on) or g_min (stuck_off) and does not
 *                  move any more (OW_RATE = 0); the write does not touch it
 *   sigma_program  else the write lands on g (1 + sigma_program z), cut to what the device
 *                  can reach; a binary device has no states in between, so there the
 *                  factor acts on its current scale
 *   sigma_d2d      its current is (1 + sigma_d2d z) times the nominal one, which the write
 *                  does not make up for (OW_SCALE)
 *   sigma_read     in every read vector its current is another (1 + sigma_read z) times
 * z is standard normal, from Philox keyed by the cell's seed and id.  Factors are kept
 * at or above OW_FACTOR_MIN, so that a device never turns into a source or an open end. */
#ifndef OW_MAPPING_H
#define OW_MAPPING_H

#include <stdint.h>

#include "ow_crossbar.h"
#include "ow_lines.h"
#include "ow_matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OW_FACTOR_MIN 1e-3

struct ow_mapping_spec {
    enum ow_scheme scheme; /* a binary model has no G_ref for OW_SCHEME_OFFSET        */
    double v_read;         /* V, > 0                                                    */
    double g_min, g_max;   /* S, 0 < g_min < g_max                                      */
    unsigned levels;       /* 0: continuous; else 2 or more equally spaced conductances
                              from g_min to g_max.  A binary model takes 0 or 2 and has
                              2 either way                                              */
    unsigned slices;       /* 0 or 1: a weight is not sliced; else levels are those of a
                              slice, levels^slices at most 2^32                         */
    double sigma_program, sigma_d2d, sigma_read; /* relative, 0 .. 1                  */
    double stuck_on, stuck_off; /* fractions of the devices, 0 .. 1 together          */
    double w_max; /* 0: that of the weights at hand; else not below it, and they may be 0 */
};

struct ow_mapping {
    double w_max;        /* as used                                                   */
    double g_min, g_max; /* S: as asked; a binary model's own two conductances        */
    unsigned levels;     /* as used                                                   */
    double sigma_read;
    struct ow_matrix wq;    /* [n_in][n_out] the weights at their exact levels           */
    struct ow_matrix slice; /* [n_in][n_out][slices] of which these weights are made; empty
                               without slices                                         */
    struct ow_matrix g;     /* [rows][cols] S, what the array holds: every effect of the
                               list above but sigma_read                                 */
    double *scale;          /* [rows*cols] OW_SCALE of every cell without read noise     */
    size_t n_cut;           /* cells whose sigma_program the reach has cut        */
    size_t n_stuck_on, n_stuck_off; /* cells                                          */
};

/* c_s of slice s. */
double ow_mapping_slice_weight(unsigned levels, unsigned slices, unsigned s);

/* Largest |W|.  OW_ERR_INPUT: weights not finite or all zero. */
enum ow_status ow_mapping_w_max(const struct ow_matrix *weights, double *w_max,
                                struct ow_error *err);

/* Write the programmed states (and OW_SCALE, OW_RATE where an effect asks for them) of
 * the initialised crossbar `xb`, whose model parameters are set; OW_SEED is the key of the
 * draws.  weights is [n_in][n_out], xb has at least n_in rows and ow_lines_count() columns
 * for n_out slices differences.
 * OW_ERR_INPUT: weights not finite, all zero or above spec->w_max, array too small, levels,
 * range or spread out of bounds; a g range that a device cannot reach (the message names the
 * one it can). OW_ERR_SOLVER: the conductance is not a continuous function of the programmed
 * state. After a failure the states in xb are undefined and *out is as it was. */
enum ow_status ow_mapping_init(const struct ow_mapping_spec *spec,
                               const struct ow_matrix *weights, struct ow_crossbar *xb,
                               struct ow_mapping *out, struct ow_error *err);
/* The same for conductances instead of weights: target[rows][cols] in S, each within what the
 * device can do (a binary one takes the nearer of its two), spec->g_min and g_max or not;
 * levels do not apply, w_max is 0 and wq empty. */
enum ow_status ow_mapping_write(const struct ow_mapping_spec *spec,
                                const struct ow_matrix *target, struct ow_crossbar *xb,
                                struct ow_mapping *out, struct ow_error *err);
/* S, the sum of the conductances that line `col` was asked to hold, over all rows, of a map of
 * weights onto these lines. */
double ow_mapping_line_sum(const struct ow_mapping *m, const struct ow_lines *lines,
                           size_t col);
void ow_mapping_finish(struct ow_mapping *m);

/* Draw the read noise of vector number k into xb->spread[OW_SCALE].  The same k gives the
 * same noise, in any order; nothing happens when sigma_read is 0. */
void ow_mapping_redraw(const struct ow_mapping *m, struct ow_crossbar *xb, uint64_t k);

/* Smallest and largest conductance [S] at v_read that the programmed state of one cell
 * (OW_SCALE as it stands) can give; `lo` < `hi` whatever the direction. */
void ow_mapping_reach(const struct ow_crossbar *xb, size_t cell, double v_read, double *lo,
                      double *hi);

/* Conductance of one cell at v_read in its initial state [S]. */
double ow_mapping_conductance(const struct ow_crossbar *xb, size_t cell, double v_read);

/* Inputs on 2^bits equally spaced levels from 0 to 1 (bits = 0: unchanged; at most 32),
 * in place.  OW_ERR_INPUT for a value outside [0, 1] or NaN, named by its place (counted
 * from 0), or for too many bits; nothing is changed then. */
enum ow_status ow_input_quantise(struct ow_matrix *inputs, unsigned bits, struct ow_error *err);

#ifdef __cplusplus
}
#endif
#endif
