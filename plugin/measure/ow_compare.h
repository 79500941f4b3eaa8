/* Two hosts, one circuit: what `ohmweave verify` compares, and when they agree. */
#ifndef OW_COMPARE_H
#define OW_COMPARE_H

#include "ow_reading.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Agreement is:
 *   sense   of full scale, the span of the reference's sense outputs at the sampling time
 *           over all reads and columns (their largest magnitude if there is one only)
 *   energy  relative, for each of enum ow_compared_energy
 *   state   of the state's range, at the end
 *   event   the time of a jump, of the pulse, 2 t_rise + t_read
 *   near    of the draw: with less hazard left than this a cell may have jumped in one host
 *           and not in the other */
#define OW_AGREE_SENSE  1e-3
#define OW_AGREE_ENERGY 1e-2
#define OW_AGREE_STATE  1e-3
#define OW_AGREE_EVENT  1e-2
#define OW_NEAR_EVENT   1e-2

/* Sums over all reads. */
enum ow_compared_energy {
    OW_COMPARED_TOTAL,   /* J, sources and rails                                       */
    OW_COMPARED_DYNAMIC, /* J, the same without the quiescent part, which agrees trivially */
    OW_COMPARED_CHARGE,  /* C, drawn from the drivers' supply                          */
    OW_N_COMPARED
};

/* The largest difference of one kind: where, and both numbers. */
struct ow_difference {
    double worst;       /* in the unit of its limit; 0 if there was nothing to compare */
    size_t read, index; /* index: column, kind of energy, or cell                      */
    size_t state;       /* for states                                                  */
    double a, b;
    bool is_ok; /* within its limit                                            */
};

/* A cell that is listed apart and judged by nothing else: its next jump was due. */
struct ow_near_event {
    size_t read, cell;
    double left, draw; /* hazard left and drawn, of the host that is nearer to the jump */
    bool is_alike;     /* both hosts made the same jumps nevertheless                   */
};

struct ow_comparison {
    size_t n_read;
    double full_scale; /* V                                                 */
    double energy_a[OW_N_COMPARED], energy_b[OW_N_COMPARED]; /* means per read        */
    struct ow_difference sense, energy, state;
    struct ow_difference event;      /* times of jumps, over cells that jumped alike      */
    size_t n_event;                  /* cells that jumped in either host, over all reads  */
    size_t n_unlike;                 /* of these, cells that did not jump alike           */
    size_t unlike_read, unlike_cell; /* the first of those                            */
    struct ow_near_event *near;      /* [n_near] owned                                    */
    size_t n_near;
    bool is_ok; /* every difference within its limit, none unlike    */
};

/* Compare a[n_read] (the engine) with the reference b[n_read] (ngspice), n_read >= 1.
 * xb gives the model and the cells' seeds and ids, from which the draws follow.  A NaN
 * anywhere is a difference without limit.  OW_OK also when the hosts differ;
 * OW_ERR_INPUT if the readings are not of one size, OW_ERR_NOMEM. */
enum ow_status ow_compare(const struct ow_crossbar *xb, const struct ow_pulse *pulse,
                          const struct ow_reading a[], const struct ow_reading b[],
                          size_t n_read, struct ow_comparison *out, struct ow_error *err);
/* The same for sense outputs at every time point of either, between the other's points the
 * nearer of a straight line and a cubic: of full scale or of the reference's outputs' span at
 * all times, whichever is greater; limit OW_AGREE_SENSE.  In a read with jumps also any value
 * will do that the other has as much earlier or later as jumps differ (or a step).  For
 * waveforms whose points lie close; `index` is the column, and *t where. */
void ow_compare_waves(const struct ow_reading a[], const struct ow_reading b[], size_t n_read,
                      double full_scale, struct ow_difference *out, double *t);
void ow_comparison_finish(struct ow_comparison *c);

#ifdef __cplusplus
}
#endif
#endif
