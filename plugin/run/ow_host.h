/* One simulator over one variant of an array's circuit, whichever simulator it is. */
#ifndef OW_HOST_H
#define OW_HOST_H

#include <signal.h>

#include "ow_array.h"
#include "ow_reading.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_host_options {
    enum ow_engine_kind kind;
    double rtol;                         /* cvode                                         */
    bool has_ideal_wires;                /* r_wordline = r_bitline = 0: the control run   */
    const char *codemodel;               /* path of ohmweave.cm, for ngspice              */
    unsigned n_threads;                  /* for one read of a large array; 0 is 1         */
    bool allows_commands;                /* ngspice: also in the user's netlists         */
    double timeout_s;                    /* of one ngspice run; 0: none                   */
    const volatile sig_atomic_t *cancel; /* NULL, or stop when it becomes non-zero        */
};

struct ow_host;

/* Belongs to one thread; several may share an array, which is borrowed. */
enum ow_status ow_host_open(const struct ow_array *array, const struct ow_host_options *options,
                            struct ow_host **out, struct ow_error *err);
void ow_host_close(struct ow_host *host);

/* Read number `read` of the array (see ow_array_amplitudes()), with the read noise of its
 * vector and bit, from the states x_begin or the programmed ones (NULL).  One that does not
 * balance within OW_BALANCE is an OW_ERR_BALANCE. */
enum ow_status ow_host_read(struct ow_host *host, size_t read, const double *x_begin,
                            struct ow_reading *out, struct ow_error *err);

/* The same with any heights amplitude[ow_crossbar_sources()] (V) and without read noise. */
enum ow_status ow_host_drive(struct ow_host *host, const double amplitude[],
                             const double *x_begin, struct ow_reading *out,
                             struct ow_error *err);

/* The word line whose pulse comes next with ow_host_drive(): gates of 1T1R cells follow. */
void ow_host_select(struct ow_host *host, size_t row);

#define OW_BALANCE 1e-3

/* That check alone. */
enum ow_status ow_host_balance(const struct ow_energy *energy, struct ow_error *err);

/* A reading of the right size. */
enum ow_status ow_host_reading(const struct ow_array *array, struct ow_reading *out,
                               struct ow_error *err);

#ifdef __cplusplus
}
#endif
#endif
