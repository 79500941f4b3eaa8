/* For authors of models that jump at random times: the hazard left until the next jump is a
 * state h, the number of jumps so far a state k, and what a jump draws depends on the device
 * and on k alone (ow_random.h). */
#ifndef OW_EVENT_H
#define OW_EVENT_H

#include <math.h>

#include "ow_model.h"
#include "ow_random.h"

#define OW_H0_DRAW (-1.0) /* initial hazard: take the draw */

/* The count as a whole number: a solver may ask for others.  Exact up to 2^53. */
static inline double ow_event_count(double k)
{
    return fmin(fmax(rint(k), 0.0), 0x1p53);
}

static inline struct ow_draw_key ow_event_key(const double p[], enum ow_draw purpose,
                                              double event)
{
    return (struct ow_draw_key){.seed = (uint32_t)p[OW_SEED],
                                .purpose = purpose,
                                .id = (uint64_t)p[OW_ID],
                                .event = (uint64_t)event};
}

/* Hazard until the next jump, after those that k counts: Exp(1). */
static inline double ow_event_hazard(const double p[], enum ow_draw purpose, double k)
{
    const struct ow_draw_key key = ow_event_key(p, purpose, ow_event_count(k));
    return ow_draw_exponential(&key);
}

/* To the next jump: count this one and draw the hazard until the one after it, less what the
 * host has overrun, so that the times of many jumps do not slip with a host's steps. */
static inline void ow_event_next(const double p[], enum ow_draw purpose, double *h, double *k)
{
    *k = ow_event_count(*k) + 1.0;
    *h = fmin(*h, 0.0) + ow_event_hazard(p, purpose, *k);
}

/* What h0 and k0 may be; NULL, or what is wrong. */
static inline const char *ow_event_check(double h0, double k0)
{
    if (h0 < 0.0 && h0 != OW_H0_DRAW)
        return "h0 must be -1 (take the draw) or at least 0";
    if (k0 != floor(k0))
        return "k0 must be a whole number";
    return NULL;
}

#endif
