/* A part of a sweep, done apart: a list of points in a file, and a store with these points
 * alone that is merged into the sweep's own one later.  Part and whole meet in files only, so
 * they may be on different machines. */
#ifndef OW_SHARD_H
#define OW_SHARD_H

#include "ow_sweep.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A list of points as text, one number a line.  Written, it appears as a whole or not at all.
 */
enum ow_status ow_points_write(const char *path, const size_t point[], size_t n,
                               struct ow_error *err);
/* Sorted, each once and below `limit`; free() them.  OW_ERR_INPUT with file and line. */
enum ow_status ow_points_read(const char *path, size_t limit, size_t **point, size_t *n,
                              struct ow_error *err);

/* Open the store of these points: where there is none a new one, else the one that an earlier
 * attempt has left, which must be of the same sweep.  An attempt that ended while it made the
 * store has left none. */
enum ow_status ow_shard_open(const char *path, const struct ow_plan *plan,
                             const struct ow_limits *limits, const char *version,
                             const size_t point[], size_t n, struct ow_store **out,
                             struct ow_error *err);

/* Take over what was run there, tell `took` of each such row, and remove the shard.  One that
 * is of another sweep, damaged or still written to is left alone: an error, and nothing is
 * taken over.  One that nobody has made is fine: nothing to take. */
enum ow_status ow_shard_merge(struct ow_store *store, const char *path,
                              void (*took)(void *data, const struct ow_point_record *row),
                              void *data, struct ow_error *err);

/* Remove a shard with all its files. */
void ow_shard_remove(const char *path);

#ifdef __cplusplus
}
#endif
#endif
