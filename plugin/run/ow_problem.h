/* A specification made concrete: matrices loaded, weights programmed into a crossbar, the
 * sense resistance chosen.  What every command that simulates begins with.
 *
 * With a `program` section it writes: the cells hold what they begin with, the bit lines are
 * driven, and each "input vector" is one of the pulses that the cells need as they begin.
 * There are no inputs and outputs then. */
#ifndef OW_PROBLEM_H
#define OW_PROBLEM_H

#include "ow_mapping.h"
#include "ow_matrix.h"
#include "ow_reading.h"
#include "ow_spec.h"
#include "ow_writes.h"

#ifdef __cplusplus
extern "C" {
#endif

/* v_out swings between the rails, +-vdd/2, of a TIA; a sense resistor is let swing over
 * this part of v_read, beyond which it would eat the devices' voltage. */
#define OW_RESISTOR_SWING 0.05
/* `r_f: auto` puts the largest calibration current at this part of the swing: of a TIA's gain
 * node, which carries the drop over r_out as well. */
#define OW_AUTO_SWING 0.8

struct ow_problem {
    const struct ow_spec *spec; /* borrowed */
    size_t n_vec, n_in, n_out;
    size_t n_phase;           /* reads a vector: 2 when inputs are signed          */
    struct ow_matrix weights; /* [n_in][n_out]                                     */
    struct ow_matrix inputs;  /* [n_vec][n_in] as given                            */
    struct ow_matrix driven;  /* [n_vec][n_in] as driven: quantised to input.bits  */
    struct ow_matrix y, yq;   /* [n_vec][n_out] X W, and driven inputs times Wq    */
    int *labels;              /* [n_vec], or NULL                                  */
    struct ow_crossbar xb;
    struct ow_mapping mapping;
    struct ow_writes writes; /* n is 0 for reads                                  */
    struct ow_pulse pulse;
    double v_scale;    /* V, of the pulses                                  */
    double i_largest;  /* A, ideal current of the calibration vectors       */
    double y_per_volt; /* Y' = y_per_volt (v+ - v-), of the sense outputs   */
};

/* The specification is borrowed until finish.  Errors name the file, line and key. */
enum ow_status ow_problem_init(const struct ow_spec *spec, struct ow_problem *out,
                               struct ow_error *err);
void ow_problem_finish(struct ow_problem *problem);

/* Is vector k one of those that calibrate? */
bool ow_problem_calibrates(const struct ow_problem *problem, size_t k);

/* Pulse heights of read number r = vector n_phase + phase: amplitude[ow_crossbar_sources()] in
 * V.  With signed inputs, phase 0 drives the positive ones and phase 1 the negative ones. */
void ow_problem_amplitudes(const struct ow_problem *problem, size_t read, double amplitude[]);

/* How far a read has moved the programmed states from where they were programmed: the
 * farthest, of the state's travel; *n_moved is raised by the cells that went OW_MOVED or
 * more.  A comparison of devices that all stay put proves little, and weights that move
 * are no weights. */
#define OW_MOVED 0.2
double ow_problem_moved(const struct ow_problem *problem, const struct ow_reading *reading,
                        size_t *n_moved);

/* Decode one set of sense outputs, v[xb.cols] to y[n_out]. */
void ow_problem_decode(const struct ow_problem *problem, const double v[], double y[]);

#ifdef __cplusplus
}
#endif
#endif
