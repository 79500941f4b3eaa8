/* Tasks with numbers, on several threads. */
#ifndef OW_CREW_H
#define OW_CREW_H

#include <stddef.h>

#include "ow_status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_crew {
    void *data;
    /* What a thread has for itself, made before its first task; both NULL where there is
     * nothing.  end() is called for whatever begin() has left in *own, after a failure too. */
    enum ow_status (*begin)(void *data, void **own, struct ow_error *err);
    void (*end)(void *own);
    enum ow_status (*task)(void *data, void *own, size_t k, struct ow_error *err);
    /* After every task that did not fail, by one thread at a time.  May be NULL. */
    void (*done)(void *data, size_t k);
};

/* Tasks 0 .. n_task - 1, taken in order, on n_worker threads (0: one a processor), of which
 * the caller's is one.  After a failure no further task is taken; the error is that of the
 * least failing number, the same for any number of threads. */
enum ow_status ow_crew_run(const struct ow_crew *crew, unsigned n_worker, size_t n_task,
                           struct ow_error *err);

/* How many threads would take part, and how many processors that leaves for the work of each
 * (1 at least). */
unsigned ow_crew_size(unsigned n_worker, size_t n_task);
unsigned ow_crew_share(unsigned n_worker, size_t n_task);

#ifdef __cplusplus
}
#endif
#endif
