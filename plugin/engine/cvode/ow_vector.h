/* CVODE's vectors and what it does with them, where much of its time goes: at large sizes all
 * of it is waiting for memory.  Plain arrays, loops that the compiler vectorises, sums in a
 * fixed order.
 *
 * CVODE asks for one operation at a time, some thirty a step.  Sums, multiples and copies are
 * therefore noted down and made together, a piece of all vectors at a time, when anything
 * else looks at a vector (N_VGetArrayPointer) or in the sweep of a norm: the pieces stay in the
 * cache.  What that vector does not depend on waits on, and results are those of all sums in
 * their order: thus a step's end and the next one's beginning pass over the history as one.
 *
 * The norm of a vector is the greater of two.  Entries before `few` (the nodes of lines) count
 * by their mean square over the whole length, as in CVODE's own norm.  To that those from there
 * to `split` (nodes behind the lines: what is read is among them) add their own mean square: a
 * mean over all nodes would allow them an error that is larger by the root of their share.
 * Those behind it (states) count by
 *   sqrt(sum a^4 / sum a^2),   a = weight x,
 * the mean square weighed by itself, which m equal entries among any number of small ones bring
 * to their own size: in a write a few of many devices move.
 *
 * All vectors of one stepper have one length, which may be made shorter between two runs, down
 * to what is to be stepped: entries behind it keep whatever they hold. */
#ifndef OW_VECTOR_H
#define OW_VECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <sundials/sundials_nvector.h>

#include "ow_status.h"

enum { OW_VECTOR_SUMS = 48 };

/* What all vectors of one stepper share. */
struct ow_vector_space {
    size_t length;
    size_t room;       /* for so many values before the entries of each, the caller's own */
    size_t few, split; /* few <= split <= length; the length to begin with */
    double rtol, atol, atol_behind; /* of ow_vector_weigh(), the last from `split` on */
    int n_threads;        /* that share the work, 1 or more; results do not depend on it */
    double *part;         /* sums of chunks, of squares and of their squares               */
    bool is_short;        /* no memory for some clone, see below                            */
    const double *unread; /* entries that nobody reads: sums into them are left out, or NULL */
    size_t n_sum;
    struct ow_vector_sum {
        double *z, a, b;
        const double *x, *y; /* NULL: 0 */
        bool is_weight;      /* of x */
    } sum[OW_VECTOR_SUMS];   /* z = a x + b y, not made yet */
};

/* For vectors of at most `capacity` entries, which is their length to begin with, and room for
 * `room` values before them.  OW_ERR_NOMEM. */
enum ow_status ow_vector_space_init(struct ow_vector_space *space, size_t capacity, size_t room,
                                    int n_threads);
void ow_vector_space_finish(struct ow_vector_space *space);

/* Make all sums that wait: before a change of the length. */
void ow_vector_space_make(struct ow_vector_space *space);

/* The entries of v, all of which the caller is about to write: what would only be overwritten
 * is not computed. */
double *ow_vector_overwrite(N_Vector v);

/* w = 1 / (rtol |y| + atol), later. */
void ow_vector_weigh(N_Vector y, N_Vector w);

/* Nobody reads what is put into v from now on, until space->unread is NULL again. */
void ow_vector_ignore(N_Vector v);

/* A new vector of zeros with room for `capacity` entries, at least space->length at any time;
 * so are its clones.  The space is borrowed for as long as any of them lives.  NULL without
 * memory.  N_VClone() itself would crash over a NULL: without memory a clone is the vector it
 * is to be a clone of, and space->is_short says that none of them is to be used. */
N_Vector ow_vector_create(size_t capacity, struct ow_vector_space *space, SUNContext context);

#endif
