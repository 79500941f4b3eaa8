/* CVODE's vectors and what it does with them, where much of its time goes: most of a step
 * is sums of vectors (the predictor alone takes q (q + 1) / 2 of them at order q).  Plain
 * arrays, loops that the compiler vectorises, sums in a fixed order.
 *
 * All vectors of one stepper have one length, which lies outside them and may be made
 * shorter between two runs, down to what is to be stepped: entries behind it keep whatever
 * they hold. */
#ifndef OW_VECTOR_H
#define OW_VECTOR_H

#include <stddef.h>
#include <sundials/sundials_nvector.h>

/* A new vector with room for `capacity` entries; it and its clones have *length of them, at
 * most `capacity`.  length is borrowed for as long as any of them lives.  NULL without
 * memory. */
N_Vector ow_vector_create(size_t capacity, const size_t *length, SUNContext context);

#endif
