/* Wall time for the `wall_s` of results; it decides nothing. */
#ifndef OW_CLOCK_H
#define OW_CLOCK_H

#include <time.h>

static inline double ow_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#endif
