/* Every read of an array, on as many worker threads as asked for.  A read is a pure
 * function of its number, so the result does not depend on how many there are. */
#ifndef OW_BATCH_H
#define OW_BATCH_H

#include "ow_host.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_batch_options {
    struct ow_host_options host;
    double band;       /* V, of the latency; see ow_latency_settle()                        */
    unsigned n_worker; /* 0: one a processor                                                */
    /* Called after every read or block of reads, by one thread at a time.  May be NULL. */
    void (*progress)(void *data, size_t n_done, size_t n_total);
    void *data;
};

/* n_read = n_vec n_phase; read number = vector n_phase + phase. */
struct ow_batch {
    size_t n_read;
    struct ow_matrix v_sense; /* [n_read][cols] V at the sampling time, with thermal noise */
    struct ow_matrix v_gain;  /* [n_read][cols] V, see struct ow_reading */
    struct ow_energy *energy; /* [n_read]                                                  */
    double *moved;            /* [n_read] ow_array_moved()       */
    double *settle;           /* [n_read] s, NaN: not settled                              */
    long *steps;              /* [n_read] time steps                                       */
    struct ow_coupling *coupling; /* [n_read] of co-simulations, else zeros                */
    double wall_s;  /* s, from the first read to the last                        */
    double setup_s; /* s of that: the reduction to the ports, 0 without          */
};

/* With `input.state: carry` one worker reads in order, each from where the last one ended.
 * DC reads of linear devices come from the array's ports (ow_ports.h) where that is cheaper.
 * On failure, the error of the first failing read. */
enum ow_status ow_batch_run(const struct ow_array *array,
                            const struct ow_batch_options *options, struct ow_batch *out,
                            struct ow_error *err);
void ow_batch_finish(struct ow_batch *batch);

#ifdef __cplusplus
}
#endif
#endif
