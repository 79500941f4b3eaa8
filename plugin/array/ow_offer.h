/* How a program that runs ngspice in its own process hands an array to the code model ow_array,
 * instead of a specification in a file. */
#ifndef OW_OFFER_H
#define OW_OFFER_H

#include "ow_circuit.h"

/* The program finds this function of the library of code models by its name and calls it, after
 * the library was loaded and before the deck is read; the offer is borrowed until the process
 * ends.  An ow_array without `spec` takes it. */
#define OW_OFFER_FUNCTION "ow_array_offer"

/* How the coupling went: filled by the array as it goes. */
struct ow_offer_report {
    long points;       /* accepted time points                                        */
    long rejected;     /* attempted and not accepted                                  */
    long iterations;   /* Newton's, of all attempts                                   */
    long solutions;    /* of the array, in all of them                                */
    long steps;        /* CVODE's, in all of them                                     */
    long events;       /* jumps of cells                                              */
    double mismatch;   /* between the voltages that both sides have at a port, the largest at
                          an accepted point, of full scale; the currents differ by less
                          than that times the port's conductance                    */
    size_t worst_port; /* where                                                     */
    char failure[256]; /* the last thing that went wrong, or ""                     */
};

struct ow_offer {
    size_t size;                      /* sizeof(struct ow_offer), ... */
    const char *version;              /* ... and the program's version: both must be the
                                         library's own                                */
    const struct ow_circuit *circuit; /* as in ow_coupled.h                           */
    const double *x_begin;            /* as there */
    double v_scale, rtol;
    unsigned n_threads;
    struct ow_offer_report *report;
    double *x_end;   /* [n_state][n_cell] where the states are to go at the end       */
    double *t_event; /* [n_cell] s, the time of each cell's last jump; NaN: none       */
};

typedef int ow_offer_fn(const struct ow_offer *offer); /* 0: refused */

/* After the deck was run: fills x_end and t_event. */
#define OW_CLOSE_FUNCTION "ow_array_close"
typedef void ow_close_fn(void);

#endif
