/* The circuit as the ODE that CVODE steps:
 *
 *   M dV/dt = I(V, x),   dx/dt = f(v, x)
 *
 * V: free node voltages (amplifiers' inner nodes included), x: device states, v: the
 * voltages across the cells.  I is the current into a node from its elements; at an
 * amplifier's inner node it is gain (v_os - v_in - h(v_a)) - v_a, in volt.  M (ow_mass.h)
 * holds the node capacitances, the cells' own, the feedback capacitances between sense input
 * and output, and the amplifiers' time constants.
 *
 * The unknown y is [V of the free nodes | continuous state 0 of every cell | state 1 ...].
 * Discrete states change at events only and live beside y.  So do all states while the system
 * is held: reads of devices below their thresholds, where every f is 0, have a shorter y. */
#ifndef OW_SYSTEM_H
#define OW_SYSTEM_H

#include "ow_circuit.h"

struct ow_system {
    const struct ow_circuit *circuit; /* borrowed */
    int n_threads;
    size_t n_free, n_cell;
    size_t n_state;               /* of the model                                       */
    bool has_switches;            /* every cell is one (is_switch in ow_model.h): then only
                                     the event state counts as continuous below         */
    size_t n_continuous;          /* how many of them are continuous                    */
    size_t moving[OW_MAX_STATES]; /* their indices in the model                         */
    size_t n_moving;              /* how many are in y: n_continuous, or 0 while held   */
    size_t n_y;                   /* n_free + n_moving n_cell                           */
    bool is_ohmic;                /* held cells conduct linearly, with at.di_dv; who holds
                                     them says so                                       */
    double tau;                   /* s, time constant of the gain node                  */

    /* The point that was placed last, and what the devices answered there. */
    double *v_node;                 /* [n_node] V                                         */
    double *v_cell;                 /* [n_cell] V                                         */
    struct ow_inner *inner;         /* [n_cell] of pairs, else NULL: ow_cells.inner       */
    const double *x[OW_MAX_STATES]; /* [n_cell]: into y or into `still`               */
    double *still;                  /* [n_state][n_cell], used by states that are not in y */
    struct ow_response at;          /* every array [n_cell]                               */
    double *at_store;               /* behind `at`                                        */
    double *current;                /* [n_free] I, workspace                              */
    double *most;                   /* [rows] workspace                                   */
};

/* How many of n_threads (0 is 1) are worth it: below some 300 x 300 cells waiting for each
 * other costs more than it brings. */
int ow_system_threads(const struct ow_circuit *circuit, unsigned n_threads);

/* n_threads (1 or more) share the work of large sweeps; results do not depend on it. */
enum ow_status ow_system_create(const struct ow_circuit *circuit, int n_threads,
                                struct ow_system *out);
void ow_system_finish(struct ow_system *sys);

/* Hold the states where they are, or let them go.  A new system is let go.  States and
 * voltages in y are not touched: put them there afterwards. */
void ow_system_hold(struct ow_system *sys, bool is_held);

/* Whether every state's rate at the placed point is 0; whether any of f[n] is not. */
bool ow_system_is_at_rest(const struct ow_system *sys);
bool ow_system_is_any(const double f[], size_t n);

/* Put sources (v_row[n_source], V) and the voltages of y in place: v_node and v_cell.  Here and
 * below y may be where free nodes stand in v_node. */
void ow_system_put_voltages(struct ow_system *sys, const double v_row[], const double y[]);

/* Put only the sources in place. */
void ow_system_put_sources(struct ow_system *sys, const double v_row[]);

/* Put only the free nodes behind the planes of a grid in place. */
void ow_system_put_behind(struct ow_system *sys, const double y[]);

/* All node voltages [n_node] without a copy: those of y with ground and the sources at v_row
 * put before them, where first_free values have room. */
const double *ow_system_nodes_around(const struct ow_system *sys, const double v_row[],
                                     double y[]);

/* Put sources (v_row[n_source], V) and unknowns in place and evaluate every device there.
 * y is borrowed until the next call. */
void ow_system_place(struct ow_system *sys, const double v_row[], const double y[]);
/* The same for currents and their slopes di/dv alone, which is all that DC asks for: rates and
 * other derivatives are stale after it.  And I there: into[n_free], of which the greatest
 * magnitude is returned (NULL: not wanted, and 0). */
double ow_system_place_static(struct ow_system *sys, const double v_row[], const double y[],
                              double into[]);
/* The same for currents and rates alone: the devices' derivatives are stale after it. */
void ow_system_place_values(struct ow_system *sys, const double v_row[], const double y[]);

/* Rows [from, to) of a grid, whose part of I is in into[], the planes of nodes one behind the
 * other, and still in the cache. */
typedef void ow_system_rows_fn(const void *data, size_t from, size_t to, double into[]);

/* ow_system_place_values() and I there, in one sweep over the rows: into[n_free].  `then` (or
 * NULL) is called for all rows of a grid, from several threads at a time. */
void ow_system_place_flow(struct ow_system *sys, const double v_row[], const double y[],
                          ow_system_rows_fn *then, const void *data, double into[]);

/* I at the placed point: into[n_free]. */
void ow_system_currents(const struct ow_system *sys, double into[]);
/* The same of a grid at nodes[n_node], but of all nodes behind its planes alone. */
void ow_system_currents_behind(const struct ow_system *sys, const double nodes[],
                               double into[]);

/* The states' part of dy/dt there; the voltages' part is M^-1 I. */
void ow_system_state_rates(const struct ow_system *sys, double ydot[]);

/* States x[n_state][n_cell] into y (continuous) and `still` (discrete), and back. */
void ow_system_put_states(struct ow_system *sys, const double x[], double y[]);
void ow_system_get_states(const struct ow_system *sys, const double y[], double x[]);

/* The same of one cell, x[n_state]. */
void ow_system_put_cell(struct ow_system *sys, size_t cell, const double x[], double y[]);
void ow_system_get_cell(const struct ow_system *sys, const double y[], size_t cell, double x[]);
/* Where y has a continuous state of the first cell; the other cells' follow. */
size_t ow_system_place_of(const struct ow_system *sys, size_t state);

/* Evaluate one cell anew at the placed point, whose states have become x. */
void ow_system_place_cell(struct ow_system *sys, size_t cell, const double param[],
                          const double x[]);

/* The programmed states of every cell: x[n_state][n_cell]. */
void ow_system_initial_states(const struct ow_system *sys, double x[]);

/* Rows of cells that are taken at a time, in the cache and by one thread; 1 or more. */
size_t ow_system_rows(const struct ow_system *sys);

/* First node without capacitance, or n_node: M is regular if there is none. */
size_t ow_system_massless(const struct ow_system *sys);

#endif
