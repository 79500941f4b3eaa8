/* What a sweep leaves: one SQLite file, one row a point, there from the beginning.  Any SQLite
 * tool reads it:
 *
 *   about(key, value)     the specification as written, axes, limits, version, machine, begin
 *   point(id, status, settings, seed, pass, attempts, wall_s, cpu_s, peak_bytes, began, ended,
 *         host, version, error, misses, result, spec)
 *
 * `settings` is what is swept and `result` what `vmm --json` writes, both JSON; `spec` is the
 * whole resolved specification, which loads again by itself.
 *
 * Every row that ow_store_put() took is in the file if the process is killed in the next
 * moment; at least once a second it is on the disk as well, for a loss of power.  One process
 * writes (ow_store_open() refuses a second); others may read meanwhile. */
#ifndef OW_STORE_H
#define OW_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ow_status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ow_point_status {
    OW_POINT_OPEN,    /* not run yet                                   */
    OW_POINT_DONE,    /* with a result that stands                     */
    OW_POINT_FAILED,  /* with an error                                 */
    OW_POINT_TIMEOUT, /* stopped when its time was over                */
    OW_POINT_MEMORY,  /* out of memory                                 */
    OW_POINT_CRASHED, /* its process ended by a signal                 */
    OW_N_POINT_STATUS
};
const char *ow_point_status_str(enum ow_point_status status); /* "open", ... */

/* A row.  Texts are UTF-8 and may be NULL; numbers that are not known NaN, -1 where whole. */
struct ow_point_record {
    size_t id;
    enum ow_point_status status;
    const char *settings; /* JSON object                                             */
    int64_t seed;
    int pass;     /* 1 every limit is kept, 0 not, -1 no limits or no result   */
    int attempts; /* runs so far, failed ones included                         */
    double wall_s, cpu_s;
    int64_t peak_bytes;        /* resident memory of its process, at most                   */
    const char *began, *ended; /* UTC, ISO 8601                                      */
    const char *host, *version;
    const char *error;  /* one line                                                  */
    const char *misses; /* limits that are not kept, one line                        */
    const char *result; /* JSON object                                               */
    const char *spec;   /* YAML                                                      */
};

struct ow_store;

enum ow_store_mode {
    OW_STORE_READ,
    OW_STORE_WRITE,
    OW_STORE_CREATE,
    /* Added to the last two: nobody reads meanwhile.  Then nothing is shared through memory,
     * which processes on two machines do not have, and the file may lie on a network. */
    OW_STORE_ALONE = 1 << 4
};

/* OW_ERR_FILE: not there, no store, already there (CREATE), in use by another writer. */
enum ow_status ow_store_open(const char *path, enum ow_store_mode mode, struct ow_store **out,
                             struct ow_error *err);
/* All on the disk, in one file.  NULL is fine. */
void ow_store_close(struct ow_store *store);

/* about: a text by name.  *value is NULL if there is none; free() it. */
enum ow_status ow_store_about(struct ow_store *store, const char *key, char **value,
                              struct ow_error *err);
enum ow_status ow_store_set_about(struct ow_store *store, const char *key, const char *value,
                                  struct ow_error *err);

/* Several changes at once: all of them or, if the process ends before, none. */
enum ow_status ow_store_begin(struct ow_store *store, struct ow_error *err);
enum ow_status ow_store_commit(struct ow_store *store, struct ow_error *err);

/* A new row; only id, settings and seed are looked at. */
enum ow_status ow_store_add(struct ow_store *store, const struct ow_point_record *point,
                            struct ow_error *err);

/* What became of a point: everything but settings and seed, which stay.  attempts is raised
 * by one, not set.  A point that is done stays as it is. */
enum ow_status ow_store_put(struct ow_store *store, const struct ow_point_record *point,
                            struct ow_error *err);

/* Rows in the order of their ids.  What is not asked for is NULL, and not read. */
struct ow_store_query {
    unsigned statuses; /* 1 << status of each that is wanted; 0: all */
    bool has_point;    /* this id alone                              */
    size_t point;
    bool with_result, with_spec;
};
/* `row` is valid during the call only; what is not OW_OK ends it. */
enum ow_status ow_store_each(struct ow_store *store, const struct ow_store_query *query,
                             enum ow_status (*row)(void *data,
                                                   const struct ow_point_record *row,
                                                   struct ow_error *err),
                             void *data, struct ow_error *err);

/* How many points have each status. */
enum ow_status ow_store_count(struct ow_store *store, size_t count[OW_N_POINT_STATUS],
                              struct ow_error *err);

/* The rows of another store that were run there, attempts added, as ow_store_put() would. */
enum ow_status ow_store_merge(struct ow_store *store, const char *path, struct ow_error *err);

#ifdef __cplusplus
}
#endif
#endif
