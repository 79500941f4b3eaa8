/* A look at the cells of some rows: their voltages, currents and rates at any node voltages and
 * states, in a few KB that one thread keeps in its cache.  What is asked of all cells at every
 * step is mostly a sum; arrays of all answers would go through memory for nothing.
 *
 * For circuits that are grids or merged (ow_planes.h).  The system's placed point is not
 * touched. */
#ifndef OW_LOOK_H
#define OW_LOOK_H

#include "ow_system.h"

struct ow_look {
    size_t from, to;          /* rows [from, to)                                        */
    double *v, *i;            /* [(to - from) cols] V, A                                */
    double *f[OW_MAX_STATES]; /* likewise, 1/s; only with rates                         */
};

/* The room (doubles) that a look at ow_system_rows() takes. */
size_t ow_look_room(const struct ow_system *sys);

/* At nodes[n_node] and the states of y[n_y], or where the system holds them.  Room: of the
 * calling thread's own.  to - from: ow_system_rows() at most. */
void ow_look(const struct ow_system *sys, const double nodes[], const double y[],
             bool has_rates, size_t from, size_t to, double room[], struct ow_look *out);

/* Whether currents of all cells are g v, as far as some voltages up to v_most show: models are
 * smooth or bent at some voltage, and none is bent back.  cells->v is v, which is workspace, as
 * are i and di_dv: [cells->n] as g. */
bool ow_cells_are_ohmic(const struct ow_model *model, const struct ow_cells *cells,
                        const double g[], double v_most, double v[], double i[],
                        double di_dv[]);

/* The same of a whole system at the states of y[n_y], or where it holds them, with the slopes
 * at the placed point.  Of any circuit. */
bool ow_look_is_ohmic(const struct ow_system *sys, const double y[], double v_most,
                      double room[]);

/* Whether every rate that was looked at is 0. */
bool ow_look_is_at_rest(const struct ow_system *sys, const struct ow_look *look);

#endif
