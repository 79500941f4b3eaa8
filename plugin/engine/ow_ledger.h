/* Where the energy of one transient goes: the integrals of the powers of ow_power.h, over
 * pieces that CVODE steps through, pieces whose solution is known, and lines that settle. */
#ifndef OW_LEDGER_H
#define OW_LEDGER_H

#include "ow_integral.h"
#include "ow_look.h"
#include "ow_power.h"
#include "ow_settle.h"

/* The entries of struct ow_energy that are integrals of powers: all but `stored`. */
enum { OW_N_POWER = 10 };

struct ow_ledger {
    struct ow_system *sys;       /* borrowed */
    double *i_source;            /* [n_source] A, workspace, as all the following   */
    struct ow_power *part;       /* of blocks of rows                               */
    bool *is_at_rest;            /* likewise                                        */
    double *room;                /* of every thread, ow_look_room()                 */
    double *i_cell, *i_slope;    /* [n_cell] A, A/s                                 */
    double *zero;                /* [n_source] V                                    */
    struct ow_integral integral; /* over the smooth piece at hand                   */
    double settled[OW_N_POWER];  /* W, where lines have settled last                */
    double sum[OW_N_POWER];      /* J                                               */
};

/* can_settle: ow_ledger_settle() may be called.  OW_ERR_NOMEM. */
enum ow_status ow_ledger_init(struct ow_system *sys, bool can_settle, struct ow_ledger *out);
void ow_ledger_finish(struct ow_ledger *ledger);

/* A new transient. */
void ow_ledger_clear(struct ow_ledger *ledger);
/* What there is now, with the change `stored` (J) of the stored energy. */
struct ow_energy ow_ledger_energy(const struct ow_ledger *ledger, double stored);

/* The powers (W) at the system's placed point, with the sources' slopes dv_row (V/s). */
void ow_ledger_powers(struct ow_ledger *ledger, const double dv_row[],
                      double power[OW_N_POWER]);

/* Their throughput alone. */
double ow_ledger_throughput(struct ow_ledger *ledger, const double dv_row[]);

/* A smooth piece, sampled at the placed points of times t that increase. */
void ow_ledger_begin(struct ow_ledger *ledger);
void ow_ledger_sample(struct ow_ledger *ledger, const double dv_row[], double t);
/* The same at v_row and y, which has room for ow_system_nodes_around(), while states are held:
 * of regular circuits in one sweep that places nothing.  Whether every rate is 0 there. */
bool ow_ledger_sample_held(struct ow_ledger *ledger, const double v_row[],
                           const double dv_row[], double y[], double t);
void ow_ledger_end(struct ow_ledger *ledger);

/* A piece of dt from where lines have settled last, over which powers are quadratic in time,
 * with their values in its middle and at its end. */
void ow_ledger_add(struct ow_ledger *ledger, double dt, const double middle[OW_N_POWER],
                   const double end[OW_N_POWER]);

/* What lines that have settled at y have left there: the system is placed at y, sources are at
 * v_row with slopes dv_row.  For linear cells, with the settled solution V + W t and u, D, D2
 * and u'M u/2 of ow_settle.h, P the bilinear form of a power p, integral of p(V + W t + u) -
 * p(V + W t)  =  2 P(V, D) + 2 P(W, D2) + integral of p(u) ; the last is u'M u/2 for all that
 * dissipates together, and is shared out like p(D); it is left out where, beside what u draws
 * from the sources, it is nothing. */
void ow_ledger_settle(struct ow_ledger *ledger, const struct ow_settle *settle,
                      const double v_row[], const double dv_row[], const double y[]);

#endif
