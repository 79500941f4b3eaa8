/* One array of a problem: a programmed crossbar with drivers, sense and pulse, and what drives
 * it.  What a simulator simulates; a product takes one or, in tiles, several (ow_problem.h).
 *
 * With a `program` section it writes: the cells hold what they begin with, the bit lines are
 * driven, and each "input vector" is one of the pulses that the cells need as they begin. */
#ifndef OW_ARRAY_H
#define OW_ARRAY_H

#include "ow_mapping.h"
#include "ow_matrix.h"
#include "ow_reading.h"
#include "ow_spec.h"
#include "ow_writes.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_array {
    const struct ow_spec *spec; /* borrowed */
    size_t n_vec;
    size_t n_phase;          /* reads a vector: n_sign of each of n_bit bits              */
    size_t n_sign;           /* 2 when inputs are signed, else 1                          */
    size_t n_bit;            /* of an input that are read one by one, else 1              */
    size_t first_in, n_in;   /* inputs of a vector that drive its word lines              */
    size_t first_out, n_out; /* outputs that its bit lines make, or take part in          */
    size_t n_slice;          /* differences of an output, the most significant first      */
    struct ow_lines lines;   /* whose they are: number output n_slice + slice             */
    const double *driven;    /* borrowed [n_vec][n_driven], as driven: quantised          */
    size_t n_driven;
    struct ow_crossbar xb;
    struct ow_mapping mapping;
    struct ow_writes writes; /* n is 0 for reads                                  */
    struct ow_pulse pulse;
    double v_scale;    /* V, of the pulses                                  */
    double y_per_volt; /* Y' = y_per_volt (v+ - v-), of a difference of sense outputs */
    double *weight;    /* [cols] of them, or NULL (struct ow_lines)         */
};

void ow_array_finish(struct ow_array *a);

/* What input x drives in the reads of a bit: itself, or (bit_serial) 0 or 1 with its sign.  The
 * most significant bit is read first, number 0 of n_bit:
 *   x = sum over k of ow_array_bit_weight(k) ow_array_digit(x, k),
 *   ow_array_bit_weight(k) = 2^(n_bit - 1 - k) / (2^n_bit - 1),   1 for n_bit = 1. */
double ow_array_digit(const struct ow_array *a, double x, size_t bit);
double ow_array_bit_weight(const struct ow_array *a, size_t bit);

/* Pulse heights of read number r = vector n_phase + bit n_sign + sign:
 * amplitude[ow_crossbar_sources()] in V.  With signed inputs, the first of two drives the
 * positive ones and the second the negative ones. */
void ow_array_amplitudes(const struct ow_array *a, size_t read, double amplitude[]);

/* Widths of the pulses (struct ow_pulse), where inputs are widths: false and nothing otherwise.
 * All have the height v_read and, measured half way up, x times the width t_rise + t_read of
 * the widest, so that x times its area. */
bool ow_array_widths(const struct ow_array *a, size_t read, double width[]);
/* When the outputs have been sampled, or integrated [s]. */
double ow_array_taken(const struct ow_array *a);

/* How far a read has moved the programmed states from where they were programmed: the
 * farthest, of the state's travel; *n_moved is raised by the cells that went OW_MOVED or
 * more.  A comparison of devices that all stay put proves little, and weights that move
 * are no weights. */
#define OW_MOVED 0.2
double ow_array_moved(const struct ow_array *a, const struct ow_reading *reading,
                      size_t *n_moved);

/* What the sense outputs make of a current that is held through a full pulse [ohm]: r_f, or of
 * integrators the time for which they take it in over c_int. */
double ow_array_ohm(const struct ow_array *a);
/* Hz, of white noise on the outputs: device.noise_bandwidth, which integration over a time t
 * limits to 1/(2 t). */
double ow_array_bandwidth(const struct ow_array *a);

/* V, what the converter of difference k < lines.n adds to it.  adc.share differences in a row,
 * the slices of an output one by one, have one converter. */
double ow_array_offset(const struct ow_array *a, size_t k);

/* Decode one set of sense outputs, v[xb.cols] to y[lines.n]. */
void ow_array_decode(const struct ow_array *a, const double v[], double y[]);

/* ---- how a problem makes them -------------------------------------------------------- */

/* The crossbar alone, with the specification's devices, lines and sense; `a` has the
 * specification.  After a failure of this and the following, finish. */
enum ow_status ow_array_build(struct ow_array *a, size_t rows, size_t cols,
                              struct ow_error *err);

/* Everything that the specification does to a write. */
struct ow_mapping_spec ow_array_mapping(const struct ow_spec *spec);

/* ow_mapping_init() and ow_mapping_write(), whose messages get the place of the key that they
 * are about; `key` names the conductances. */
enum ow_status ow_array_map(struct ow_array *a, const struct ow_mapping_spec *how,
                            const struct ow_matrix *weights, struct ow_mapping *out,
                            struct ow_error *err);
enum ow_status ow_array_hold(struct ow_array *a, const struct ow_mapping_spec *how,
                             const struct ow_matrix *g, const char *key, struct ow_mapping *out,
                             struct ow_error *err);

#ifdef __cplusplus
}
#endif
#endif
