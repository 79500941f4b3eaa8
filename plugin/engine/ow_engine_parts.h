/* What the files of ow_engine.h share: life and the DC point (ow_engine.c), transients pulse by
 * pulse (ow_engine_read.c) and piece by piece (ow_engine_piece.c), reads at DC
 * (ow_engine_plateau.c). */
#ifndef OW_ENGINE_PARTS_H
#define OW_ENGINE_PARTS_H

#include "ow_dc.h"
#include "ow_engine.h"
#include "ow_ledger.h"
#include "ow_pace.h"
#include "ow_sensed.h"
#include "ow_settle.h"
#include "ow_stepper.h"
#include "ow_switches.h"

struct ow_engine {
    const struct ow_circuit *circuit; /* borrowed */
    struct ow_engine_options options;
    struct ow_system sys;
    struct ow_mass *mass; /* NULL for DC only */
    struct ow_newton *newton;
    struct ow_stepper *stepper; /* NULL for DC only */
    struct ow_dc dc;
    struct ow_sensed sensed;
    struct ow_ledger ledger;
    struct ow_pace pace;
    bool has_settle, has_switches; /* whether there are the following */
    struct ow_settle settle;
    struct ow_switches switches;

    /* The drive of the read in progress. */
    const double *amplitude;
    const struct ow_pulse *pulse;

    double *v_row, *dv_row; /* [n_source] workspace */
    double *corner;         /* [2 n_source + 3] s, where some pulse turns */
    double *y_dc;           /* [n_y]; for DC only where v_node has its free nodes */
    double *x;              /* [n_state][n_cell] */
};

/* x_begin, or if it is NULL the programmed states. */
const double *ow_engine_states(struct ow_engine *e, const double *x_begin);

/* No waveform, no samples, no jumps. */
void ow_engine_clear(struct ow_reading *out);

/* The sources of engine `data` at time t (ow_stepper.h).  Within a straight piece of the pulse,
 * so corners need no care. */
void ow_engine_drive(void *data, double t, double v_row[]);

/* From t0 to t1, over which the drive is one straight line, with its slopes in dv_row;
 * *has_stirred: it ended early, since held states have. */
enum ow_status ow_engine_piece(struct ow_engine *e, double t0, double t1, bool *has_stirred,
                               struct ow_reading *out, struct ow_error *err);

#endif
