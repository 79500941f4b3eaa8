/* Points cut into chunks of about the same cost. */
#ifndef OW_CHUNKS_H
#define OW_CHUNKS_H

#include <stddef.h>

#include "ow_status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_chunks {
    size_t n;
    size_t *begin; /* [n + 1] chunk k is point[begin[k]] to before point[begin[k + 1]] */
    size_t *point; /* [begin[n]] ascending inside a chunk                              */
};

/* A good number of tasks for so much work: half a minute for each at least, as a scheduler
 * takes its time over one, and some hundreds at most.  1 to n_point, which is not 0. */
size_t ow_chunks_number(double seconds, size_t n_point, unsigned jobs);

/* Deal point[n] out to n_chunk chunks (1 to n), costly ones first, there and back again.
 * seconds[n]: what each takes.  OW_ERR_NOMEM. */
enum ow_status ow_chunks_cut(const size_t point[], const double seconds[], size_t n,
                             size_t n_chunk, struct ow_chunks *out, struct ow_error *err);
void ow_chunks_finish(struct ow_chunks *chunks);

#ifdef __cplusplus
}
#endif
#endif
