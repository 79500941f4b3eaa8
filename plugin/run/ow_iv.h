/* The current-voltage loop of one device: a source, what limits it, the device, ground.
 *
 *   source --[series resistance, compliance]-- TE device BE -- ground
 *
 * The branch between source and device has one law, the same in both hosts:
 *   i = g u / (1 + |g u / I_c|^8)^(1/8),   g = 1 / max(series, OW_IV_KNEE / I_c)
 * with u the voltage across it [V] and I_c the compliance [A].  It is a resistor below 0.8
 * I_c (within 2 %) and a current source of I_c beyond; being smooth, it gives no solver a
 * kink.  Without a compliance it is the resistor, without either a piece of wire. */
#ifndef OW_IV_H
#define OW_IV_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "ow_model.h"
#include "ow_spice.h"

#ifdef __cplusplus
extern "C" {
#endif

/* V: what a compliance takes where the series resistance takes less. */
#define OW_IV_KNEE 1e-3

enum ow_iv_shape { OW_IV_SINE, OW_IV_TRIANGLE, OW_IV_PULSE, OW_IV_N_SHAPE };
extern const char *const ow_iv_shape_name[OW_IV_N_SHAPE + 1]; /* NULL at the end */

/* From 0 V at t = 0; each period goes to peak[0] in its first half and to peak[1] in its
 * second.  A pulse takes `rise`, `width` on the plateau and `rise` again, and then waits. */
struct ow_iv_drive {
    enum ow_iv_shape shape;
    double peak[2];     /* V; of opposite sign in a sine              */
    double period;      /* s                                          */
    double width, rise; /* s, pulses only; 2 rise + width <= period/2 */
    size_t cycles;
};

/* Voltage at time t, 0 to cycles * period. */
double ow_iv_drive_at(const struct ow_iv_drive *drive, double t);
/* OW_ERR_RANGE, with the name of the option that is wrong. */
enum ow_status ow_iv_drive_check(const struct ow_iv_drive *drive, struct ow_error *err);

struct ow_iv_circuit {
    const struct ow_model *model;
    const double *param; /* [n_param], checked */
    double series;       /* ohm, >= 0          */
    double compliance;   /* A, > 0 or infinite */
};

/* Current through the branch with u volt across it, and di/du [S].  Not for a wire. */
double ow_iv_branch(const struct ow_iv_circuit *circuit, double u, double *di_du);
bool ow_iv_has_branch(const struct ow_iv_circuit *circuit);

/* The device's voltage with the source at v_source and the states x[n_state] held, and its
 * response there.  `near` is a guess.  One root: both currents grow with their voltages.
 * OW_ERR_SOLVER if there is none, which a device with a falling i(v) could do. */
enum ow_status ow_iv_bias(const struct ow_iv_circuit *circuit, double v_source,
                          const double x[], double near, double *v, struct ow_point *at);

/* What was seen over time: rows of 4 + n_state numbers.  Two rows of one time are a jump. */
enum ow_iv_column {
    OW_IV_T,      /* s                     */
    OW_IV_SOURCE, /* V, of the source      */
    OW_IV_V,      /* V, across the device  */
    OW_IV_I,      /* A                     */
    OW_IV_X       /* the first state       */
};
struct ow_iv_wave {
    size_t n_state, n, room;
    double *row; /* [n][4 + n_state] owned */
};
static inline const double *ow_iv_row(const struct ow_iv_wave *wave, size_t k)
{
    return wave->row + k * (OW_IV_X + wave->n_state);
}
/* A row more, to be filled; NULL without memory. */
double *ow_iv_append(struct ow_iv_wave *wave);
void ow_iv_wave_finish(struct ow_iv_wave *wave);

struct ow_iv_options {
    size_t points;                       /* a period, at least; 40 or more      */
    double rtol;                         /* of CVODE; 0: 1e-7                   */
    size_t max_jumps;                    /* fail beyond; 0: any number          */
    const struct ow_iv_wave *at;         /* NULL, or rows at the times of this one too: of the
                                            other host, to be compared with      */
    const volatile sig_atomic_t *cancel; /* NULL, or stop when it is not zero   */
};

/* By CVODE; wave is empty before.  Every step is a row, and so is every period / points.
 * OW_ERR_SOLVER, OW_ERR_CANCELLED, OW_ERR_NOMEM. */
enum ow_status ow_iv_run(const struct ow_iv_circuit *circuit, const struct ow_iv_drive *drive,
                         const struct ow_iv_options *options, struct ow_iv_wave *wave,
                         struct ow_error *err);

/* n_device circuits (of one model) side by side on one source, as a deck that plain `ngspice
 * -b` runs.  codemodel: path of ohmweave.cm; raw: file for ngspice to write, or NULL.
 * Both paths as in ow_netlist.h.  OW_ERR_INPUT (paths), OW_ERR_FILE, OW_ERR_NOMEM. */
enum ow_status ow_iv_deck(const struct ow_iv_circuit circuit[], size_t n_device,
                          const struct ow_iv_drive *drive, size_t points, const char *codemodel,
                          const char *raw, FILE *to, struct ow_error *err);
/* Run that deck: wave[n_device], empty before.  As ow_spice_run(). */
enum ow_status ow_iv_run_spice(struct ow_spice *spice, const struct ow_iv_circuit circuit[],
                               size_t n_device, const struct ow_iv_drive *drive, size_t points,
                               const char *codemodel, struct ow_iv_wave wave[],
                               struct ow_error *err);

/* Fill what is not given (NaN in peak[0], peak[1] or period) so that the device opens a
 * loop: of 0.5, 1, 1.5, 2, 3 and 5 V the first at which some decade of frequency, from 100
 * MHz down to 1 Hz (then to 10 mHz), moves the programmed state by OW_IV_LOOP of its travel
 * and back in the second period, for eight draws of a stochastic device.  If none does, as a
 * compliance may prevent, the same for the device alone; if none does then, what moves it
 * farthest.  peak[1] follows peak[0].  OW_ERR_CANCELLED. */
#define OW_IV_LOOP 0.6
enum ow_status ow_iv_choose(const struct ow_iv_circuit *circuit,
                            const volatile sig_atomic_t *cancel, struct ow_iv_drive *drive,
                            struct ow_error *err);

/* ---- figures ------------------------------------------------------------------------- */

/* Of one device in one period.  NaN for what did not happen. */
struct ow_iv_figures {
    double v_min, v_max, i_min, i_max; /* V, A: of the device                             */
    double x_min, x_max;               /* of the programmed state; NaN without a state    */
    double v_set, v_reset;             /* V: of the device where its conductance i/v first rises
                                          and first falls through the geometric mean of its extremes
                                          (which must be a factor of 2 apart)                          */
    double r_on, r_off;                /* ohm: least and largest v/i where the source passes the
                                          read voltage, of either sign                                */
    double energy;        /* J: integral of v i dt                                       */
    double energy_source; /* J: the same with the source's voltage                       */
    double area[2];       /* V A: |integral of i dv| over v > 0 and over v < 0           */
};
/* The rows from t0 to t1. */
void ow_iv_measure(const struct ow_model *model, const struct ow_iv_wave *wave, double t0,
                   double t1, double v_read, struct ow_iv_figures *out);

/* ---- both hosts ---------------------------------------------------------------------- */

/* Points of b (ngspice), which says nothing between them, against the curve of a (CVODE, with
 * rows at the same times).  A point agrees when it is within a limit of that curve over
 * OW_IV_EDGE of a period before and after: the time of an edge that feeds back on itself is
 * ill-conditioned. */
#define OW_IV_EDGE 2e-5
struct ow_iv_difference {
    double current; /* worst, of the largest |i| of both                      */
    double state;   /* worst, of the state's travel, or of what it goes through if more */
    double energy;  /* of the device, relative to the integral of |v i|       */
    double t_current, t_state; /* s, where                                   */
    bool is_ok;                /* OW_AGREE_SENSE, _STATE and _ENERGY of ow_compare.h      */
};
void ow_iv_compare(const struct ow_model *model, const struct ow_iv_wave *a,
                   const struct ow_iv_wave *b, double period, struct ow_iv_difference *out);

/* ---- files --------------------------------------------------------------------------- */

/* ngspice's binary format, one plot a device: time, v(source), v(te), i(device) and the
 * states as v(name).  ngspice's `load` reads it. */
enum ow_status ow_iv_write_raw(const char *path, const char *title,
                               const struct ow_model *model, const struct ow_iv_wave wave[],
                               size_t n_device, struct ow_error *err);
/* Text: t, v_source, v, i, states, device (from 0). */
enum ow_status ow_iv_write_csv(const char *path, const char *title,
                               const struct ow_model *model, const struct ow_iv_wave wave[],
                               size_t n_device, struct ow_error *err);

#ifdef __cplusplus
}
#endif
#endif
