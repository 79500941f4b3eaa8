/* CVODE's vector operations, where its time goes: most of a step is sums of vectors (the
 * predictor alone takes q (q + 1) / 2 of them at order q).  A serial N_Vector with loops
 * that the compiler vectorises in place of the library's. */
#ifndef OW_VECTOR_H
#define OW_VECTOR_H

#include <nvector/nvector_serial.h>

/* A new serial vector of n entries whose clones, too, have these operations; NULL without
 * memory. */
N_Vector ow_vector_create(sunindextype n, SUNContext context);

#endif
