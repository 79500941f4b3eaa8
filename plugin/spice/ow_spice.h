/* ngspice as a second host: the deck of plugin/netlist run in libngspice.  The only room
 * with sharedspice.h.
 *
 * libngspice keeps its state in globals, may crash, and may leave a run half done.  So
 * every run has a process of its own, a forked child that loads the library at run time,
 * works in a private directory without the user's .spiceinit, sends the accepted points
 * over a pipe, and is gone afterwards.  Nothing of a run is left to the next one, and
 * killing the child is always safe.  Start-up costs about 20 ms a run.
 *
 * An ow_spice belongs to one thread at a time. */
#ifndef OW_SPICE_H
#define OW_SPICE_H

#include <signal.h>

#include "ow_circuit.h"
#include "ow_reading.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_spice;
struct ow_offer;

/* Zero or NULL in a field takes the default. */
struct ow_spice_options {
    const char *library;                 /* default "libngspice.so.0"                     */
    const char *codemodel;               /* ohmweave.cm; needed by ow_spice_read() only   */
    const char *array_codemodel;         /* ohmweave_array.cm, for ow_spice_couple()      */
    double timeout_s;                    /* s of wall time a run; default: none           */
    double reltol;                       /* of the deck, default 1e-6                     */
    double max_step;                     /* s, of the deck, default t_rise / 20           */
    const volatile sig_atomic_t *cancel; /* NULL, or stop when it becomes non-zero        */
};

/* Strings are copied, `cancel` is borrowed.  Tries the library once, in a child.
 * OW_ERR_HOST if it cannot be loaded or the code models' file cannot be read. */
enum ow_status ow_spice_open(const struct ow_spice_options *options, struct ow_spice **out,
                             struct ow_error *err);
void ow_spice_close(struct ow_spice *spice);

/* The same as ow_engine_read() by ngspice: pulses of height amplitude[n_source] (V) from the DC
 * point at t = 0; x_begin is [n_state][n_cell], or NULL for the programmed states; `out`
 * was initialised with the circuit's sizes and is filled whole.  Powers are evaluated at
 * ngspice's time points with the models' own equations and integrated by the trapezoidal
 * rule.  A device's t_event is the beginning of the step in which its discrete states change.
 * OW_ERR_HOST (with ngspice's own words), OW_ERR_CANCELLED, OW_ERR_NOMEM, OW_ERR_RANGE. */
enum ow_status ow_spice_read(struct ow_spice *spice, const struct ow_circuit *circuit,
                             const double amplitude[], const struct ow_pulse *pulse,
                             const double *x_begin, struct ow_reading *out,
                             struct ow_error *err);

/* One accepted point of an analysis. */
struct ow_spice_point {
    bool is_tran; /* else an operating point              */
    double t;     /* s, 0 for an operating point          */
    size_t n;
    const double *value; /* [n] in the order of ow_spice_job.name */
};

/* A deck with the user's circuits around the array, which CVODE steps inside ngspice's process:
 * the coupled deck of ow_netlist.h.  `bare` is the same crossbar with bare lines
 * (ow_coupled.h). Otherwise as ow_spice_read(), but for the energies: what sources and supplies
 * deliver, and what drivers and array and array and amplifiers exchange, are ngspice's; what
 * devices and wires dissipate and what the array stores are CVODE's.  So the balance is that of
 * the coupling.  Charges in the periphery count as dissipated there. */
struct ow_couple_options {
    double rtol;        /* of CVODE, 1e-12 .. 1e-2                                        */
    double tol;         /* between both sides at every port, of v_scale                   */
    double v_scale;     /* V */
    unsigned n_threads; /* 0 is 1 */
};
enum ow_status ow_spice_couple(struct ow_spice *spice, const struct ow_circuit *circuit,
                               const struct ow_circuit *bare,
                               const struct ow_couple_options *options,
                               const double amplitude[], const struct ow_pulse *pulse,
                               const double *x_begin, struct ow_reading *out,
                               struct ow_error *err);

/* A place in memory. */
struct ow_spice_place {
    void *data;
    size_t size;
};

/* Any deck.  `point` is called in order for every accepted point; what it returns other
 * than OW_OK ends the run and is returned, with *err as it left it. */
struct ow_spice_job {
    const char *deck;        /* whole text, with .control commands that run it       */
    const char *const *name; /* [n_name] vectors, node names in lower case; NULL
                                entries read 0                                       */
    size_t n_name;
    bool needs_op; /* fail unless an operating point arrived ...           */
    double t_end;  /* s, > 0: ... and a transient that reached this time   */
    enum ow_status (*point)(void *user, const struct ow_spice_point *point,
                            struct ow_error *err);
    void *user;
    const struct ow_offer *offer;      /* NULL, or an array that the deck takes (ow_offer.h) */
    const struct ow_spice_place *back; /* [n_back] what ngspice's process has there when the
                                          deck has been run, this one has afterwards   */
    size_t n_back;
};

enum ow_status ow_spice_run(struct ow_spice *spice, const struct ow_spice_job *job,
                            struct ow_error *err);

#ifdef __cplusplus
}
#endif
#endif
