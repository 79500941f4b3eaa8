/* What transients take, counted: for benchmarks, which tell from it what must have gone through
 * memory. */
#ifndef OW_EFFORT_H
#define OW_EFFORT_H

struct ow_effort {
    long steps, orders; /* of CVODE, and the sum of their orders */
    long matrices;      /* set up for Newton's method            */
    long corrections;   /* of Newton's method                    */
    long iterations;    /* of the lines' solver, those at DC too */
};

#endif
