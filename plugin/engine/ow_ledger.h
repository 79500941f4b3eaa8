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
    const struct ow_mass *mass;  /* borrowed */
    bool is_short;               /* lines are, see ow_ledger_judge()                */
    double *i_source;            /* [n_source] A, workspace, as all the following   */
    double *i_bit;               /* [cols] A                                        */
    double *charging;            /* [n_free] A, M dV/dt                             */
    struct ow_power *part;       /* of blocks of rows                               */
    bool *is_at_rest;            /* likewise                                        */
    double *room;                /* of every thread, ow_look_room()                 */
    double *i_cell, *i_slope;    /* [n_cell] A, A/s                                 */
    double *zero;                /* [n_source] V                                    */
    double *q, *dq;              /* [n_free] A, A or A s                            */
    struct ow_integral integral; /* over the smooth piece at hand                   */
    double settled[OW_N_POWER];  /* W, where lines have settled last                */
    double sum[OW_N_POWER];      /* J                                               */
};

/* The mass is borrowed; can_settle: ow_ledger_settle() may be called.  OW_ERR_NOMEM. */
enum ow_status ow_ledger_init(struct ow_system *sys, const struct ow_mass *mass,
                              bool can_settle, struct ow_ledger *out);
void ow_ledger_finish(struct ow_ledger *ledger);

/* Lines are short where the drop along a segment at a source is less than 10 rtol of the
 * voltages, or along others, whose small part of the energy need not be as exact, a hundredth
 * of that. Newton's method leaves some thousandths of rtol undone, so such drops do not tell
 * what flows there, and currents are summed (ow_power_summed) where dV/dt is known.  Judged by
 * the powers taken last and the sources' voltages v[n_source]. */
void ow_ledger_judge(struct ow_ledger *ledger, const double v[], double rtol);

/* The powers (W) of a DC point, at which the system is placed and lines are judged. */
void ow_ledger_dc(struct ow_ledger *ledger, double rtol, struct ow_power *at);

/* A new transient. */
void ow_ledger_clear(struct ow_ledger *ledger);
/* What there is now, with the change `stored` (J) of the stored energy. */
struct ow_energy ow_ledger_energy(const struct ow_ledger *ledger, double stored);

/* The powers (W) at the system's placed point, with the sources' slopes dv_row and the free
 * nodes' rate[n_free] (V/s), NULL: not known. */
void ow_ledger_powers(struct ow_ledger *ledger, const double dv_row[], const double rate[],
                      double power[OW_N_POWER]);

/* A smooth piece, sampled at the placed points of times t that increase. */
void ow_ledger_begin(struct ow_ledger *ledger);
void ow_ledger_sample(struct ow_ledger *ledger, const double dv_row[], const double rate[],
                      double t);
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
 * from the sources, it is nothing.  Where currents are summed, what charges the nodes goes with
 * the voltages: M W with V, -M u(0) with D, -M D with D2. */
void ow_ledger_settle(struct ow_ledger *ledger, const struct ow_settle *settle,
                      const double v_row[], const double dv_row[], const double y[]);

#endif
