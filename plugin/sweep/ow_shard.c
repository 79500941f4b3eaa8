#define _GNU_SOURCE /* asprintf */
#include "ow_shard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ow_file.h"
#include "ow_quote.h"

enum { LIST_BYTES_MAX = 1 << 28 };

/* ---- lists ------------------------------------------------------------------------- */

enum ow_status ow_points_write(const char *path, const size_t point[], size_t n,
                               struct ow_error *err)
{
    struct ow_file file = {0};
    const enum ow_status st = ow_file_create(path, &file, err);
    if (st)
        return st;
    for (size_t k = 0; k < n; k++)
        fprintf(file.to, "%zu\n", point[k]);
    return ow_file_commit(&file, err);
}

static int compare(const void *a, const void *b)
{
    const size_t s = *(const size_t *)a, t = *(const size_t *)b;
    return s < t ? -1 : s > t;
}

/* Digits alone: no sign, no blank. */
static bool read_number(const char *text, size_t length, size_t limit, size_t *number)
{
    *number = 0;
    for (size_t k = 0; k < length; k++) {
        if (text[k] < '0' || text[k] > '9' || *number > limit)
            return false;
        *number = 10 * *number + (size_t)(text[k] - '0');
    }
    return length > 0 && *number < limit;
}

static enum ow_status read_lines(const char *path, const char *text, const char *end,
                                 size_t limit, size_t point[], size_t *n, struct ow_error *err)
{
    size_t line = 1;
    for (*n = 0; text < end; line++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        const size_t length = (size_t)((stop ? stop : end) - text);
        if (!read_number(text, length, limit, &point[*n]))
            return ow_fail(err, OW_ERR_INPUT,
                           "%s:%zu: '%s': expected the number of a point, 0 to %zu", path, line,
                           ow_quote(text, length).text, limit - 1);
        ++*n;
        text += length + 1;
    }
    return OW_OK;
}

static size_t drop_repetitions(size_t point[], size_t n)
{
    size_t kept = 0;
    for (size_t k = 0; k < n; k++)
        if (kept == 0 || point[k] != point[kept - 1])
            point[kept++] = point[k];
    return kept;
}

enum ow_status ow_points_read(const char *path, size_t limit, size_t **point, size_t *n,
                              struct ow_error *err)
{
    char *text;
    size_t length;
    enum ow_status st = ow_file_read(path, LIST_BYTES_MAX, &text, &length, err);
    if (st)
        return st;
    *point = calloc(length / 2 + 1, sizeof **point); /* a number takes two bytes at least */
    st = *point ? read_lines(path, text, text + length, limit, *point, n, err)
                : ow_fail(err, OW_ERR_NOMEM, "%s: out of memory", path);
    free(text);
    if (!st && *n == 0)
        st = ow_fail(err, OW_ERR_INPUT, "%s: expected the numbers of points, one a line", path);
    if (st) {
        free(*point);
        return st;
    }
    qsort(*point, *n, sizeof **point, compare);
    *n = drop_repetitions(*point, *n);
    return OW_OK;
}

/* ---- the store --------------------------------------------------------------------- */

static enum ow_status no_memory(const char *path, struct ow_error *err)
{
    return ow_fail(err, OW_ERR_NOMEM, "%s: out of memory", path);
}

void ow_shard_remove(const char *path)
{
    static const char *const end[] = {"", "-wal", "-shm", "-journal", "-lock"};
    for (size_t k = 0; k < sizeof end / sizeof end[0]; k++) {
        char *name;
        if (asprintf(&name, "%s%s", path, end[k]) < 0)
            continue;
        unlink(name);
        free(name);
    }
}

/* Under another name first: what has the shard's name is complete. */
static enum ow_status make(const char *path, const struct ow_plan *plan,
                           const struct ow_limits *limits, const char *version,
                           const size_t point[], size_t n, struct ow_error *err)
{
    char *name;
    struct ow_store *store;
    if (asprintf(&name, "%s.new", path) < 0)
        return no_memory(path, err);
    ow_shard_remove(name);
    enum ow_status st = ow_store_open(name, OW_STORE_CREATE | OW_STORE_ALONE, &store, err);
    if (!st) {
        st = ow_sweep_describe_some(store, plan, limits, version, point, n, err);
        ow_store_close(store);
        if (!st && rename(name, path) != 0)
            st = ow_fail(err, OW_ERR_FILE, "%s: %s", path, strerror(errno));
        ow_shard_remove(name);
    }
    free(name);
    return st;
}

enum ow_status ow_shard_open(const char *path, const struct ow_plan *plan,
                             const struct ow_limits *limits, const char *version,
                             const size_t point[], size_t n, struct ow_store **out,
                             struct ow_error *err)
{
    struct ow_store *store;
    enum ow_status st;
    if (access(path, F_OK) != 0 && (st = make(path, plan, limits, version, point, n, err)))
        return st;
    if ((st = ow_store_open(path, OW_STORE_WRITE | OW_STORE_ALONE, &store, err)))
        return st;
    if ((st = ow_sweep_same(store, plan, limits, err)))
        ow_store_close(store);
    else
        *out = store;
    return st;
}

/* ---- merging ----------------------------------------------------------------------- */

struct listener {
    void (*took)(void *data, const struct ow_point_record *row);
    void *data;
};

static enum ow_status pass_on(void *data, const struct ow_point_record *row,
                              struct ow_error *err)
{
    const struct listener *l = data;
    l->took(l->data, row);
    return OW_OK;
}

enum ow_status ow_shard_merge(struct ow_store *store, const char *path,
                              void (*took)(void *data, const struct ow_point_record *row),
                              void *data, struct ow_error *err)
{
    struct listener listener = {took, data};
    const struct ow_store_query run = {.statuses = ~(1u << OW_POINT_OPEN)};
    struct ow_store *shard;
    if (access(path, F_OK) != 0)
        return OW_OK;
    enum ow_status st = ow_store_open(path, OW_STORE_WRITE | OW_STORE_ALONE, &shard, err);
    if (st)
        return st;
    st = ow_sweep_alike(store, shard, path, err);
    ow_store_close(shard);
    if (st || (st = ow_store_merge(store, path, err)) ||
        (st = ow_store_open(path, OW_STORE_WRITE | OW_STORE_ALONE, &shard, err)))
        return st;
    st = ow_store_each(shard, &run, pass_on, &listener, err);
    ow_store_close(shard);
    if (!st)
        ow_shard_remove(path);
    return st;
}
