/* What the files of ow_coupled.h share: life, the DC point and answers (ow_coupled.c), currents
 * and powers at the ports (ow_coupled_ports.c), tries (ow_coupled_step.c). */
#ifndef OW_COUPLED_PARTS_H
#define OW_COUPLED_PARTS_H

#include "ow_coupled.h"
#include "ow_engine.h"
#include "ow_follow.h"
#include "ow_ledger.h"
#include "ow_pace.h"
#include "ow_stepper.h"

/* The powers that are told apart here, of those of ow_ledger.h. */
enum { SOURCE, SUPPLY, DRIVERS, DEVICES, WIRES, SENSE, THROUGHPUT, CHARGE };

/* What is known of one time. */
struct ow_moment {
    double t;        /* s                                                    */
    double *v, *i;   /* [n_port] V, A: i without what charges the ports' own
                        capacitance, which depends on the step               */
    double *y;       /* [n_free] V                                           */
    double *x;       /* [n_state][n_cell]                                    */
    double *t_event; /* [n_cell] s                                           */
    long n_event;
    double p[OW_N_POWER]; /* W, at its end, those of the ports for i above        */
    double e[OW_N_POWER]; /* J, since time 0                                      */
    double stored;        /* J                                                    */

    /* How it got here. */
    double span;     /* s, a stretch before; 0: there is none               */
    double *rate;    /* [n_free] V/s, mean over it, or 0                     */
    double *v_rate;  /* [n_port] V/s, likewise                               */
    double *f;       /* [n_continuous][n_cell] 1/s, here                     */
    bool is_at_rest; /* every f is 0 here                                    */
    double longest;  /* s, what the powers allow for a step from here        */
};

struct ow_coupled {
    const struct ow_circuit *circuit; /* borrowed */
    struct ow_coupled_options options;
    size_t n_port;
    struct ow_system sys;
    struct ow_mass *mass;
    struct ow_newton *newton;
    struct ow_stepper *stepper;
    struct ow_engine *dc;
    struct ow_ledger ledger;
    struct ow_pace pace;
    struct ow_follow follow;
    bool is_follow_old;        /* it has not seen the accepted point */
    struct ow_moment at, next; /* accepted, and tried */
    bool is_held;              /* next has the states of at, and next.x is not used ... */
    bool has_states;           /* ... and so has the system                             */
    double stored_0;           /* J, at time 0 */
    double *c_port;            /* [n_port] F, merged onto the ports */
    bool has_c_port;
    double *v_node, *v_sense; /* [n_node], [cols] workspace */

    /* The ports' voltages of the step that is tried, v + s d + s (s - 1) b with s from 0 to
     * 1, and those of the accepted step before. */
    double *d, *b;             /* [n_port] V */
    double *slope;             /* [n_port] V/s, of the accepted step before, its mean */
    double h_before;           /* s, 0: there is none */
    double *rate;              /* [n_y] 1/s, how the unknowns are expected to go on ... */
    const double *expected;    /* ... there, or that of the accepted point              */
    double t_anchor;           /* s, of a point before the one that is sampled ...      */
    const double *anchor;      /* [n_free] V, ... what there was ...                    */
    const double *anchor_rate; /* [n_free] V/s, ... and its mean rate ...            */
    double anchor_span;        /* s, ... over this time before, 0: not known            */
    double *anchor_room[2];    /* [n_free] for these two, but at the accepted point      */
    double *end_rate;          /* [n_free] V/s, at the point that is sampled ...        */
    bool has_end_rate;         /* ... or nothing changes there                          */
    double *v_row, *dv_row;    /* [n_port] workspace */
};

/* ---- at the ports (ow_coupled_ports.c) --------------------------------------------------- */

/* Powers and the ports' currents at the placed point of port voltages v, both but for what
 * charges the ports' own capacitance; dv/dt of the nodes is in end_rate. */
void ow_coupled_sample(struct ow_coupled *c, const double v[], double p[], double i[]);
/* With it, where the ports' voltages v have the slopes in dv_row: p again, and i. */
void ow_coupled_charge(const struct ow_coupled *c, const double v[], double i[], double p[]);

/* ---- steps (ow_coupled_step.c) ----------------------------------------------------------- */

/* The ports' voltages at time t of the step (ow_stepper.h), of ow_coupled `data`. */
void ow_coupled_drive(void *data, double t, double v_row[]);
/* What steps from the placed point need to know: the states' rates there, and how far its
 * powers let them go. */
void ow_coupled_note_rates(const struct ow_coupled *c, struct ow_moment *m);
void ow_coupled_limit(struct ow_coupled *c, struct ow_moment *m);

#endif
