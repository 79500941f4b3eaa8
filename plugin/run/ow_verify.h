/* The referee: the same circuit in CVODE, or in the co-simulation that a specification asks
 * for, and flat in ngspice, vector by vector. */
#ifndef OW_VERIFY_H
#define OW_VERIFY_H

#include "ow_compare.h"
#include "ow_host.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_verify_options {
    const size_t *vector; /* [n_vector] which to compare                              */
    size_t n_vector;
    const char *codemodel;
    double timeout_s; /* of one ngspice run; 0: none                              */
    const volatile sig_atomic_t *cancel;
    void (*progress)(void *data, size_t n_done, size_t n_total); /* simulations */
    void *data;
};

struct ow_verify_result {
    size_t n_read;                     /* n_vector n_phase */
    struct ow_reading *engine, *spice; /* [n_read] */
    struct ow_comparison comparison;
    bool has_wave; /* of a co-simulation also the waveforms are compared, and count          */
    struct ow_difference wave;
    double t_wave; /* s, where they differ most                                               */
    double engine_s, spice_s; /* wall time of each */
    double moved;             /* ow_array_moved() of the engine, the farthest of all reads */
    size_t n_moved;           /* cells of all reads that went OW_MOVED or more               */
};

/* OW_OK also when the hosts differ: comparison says so. */
enum ow_status ow_verify_run(const struct ow_array *array,
                             const struct ow_verify_options *options,
                             struct ow_verify_result *out, struct ow_error *err);
void ow_verify_result_finish(struct ow_verify_result *result);

#ifdef __cplusplus
}
#endif
#endif
