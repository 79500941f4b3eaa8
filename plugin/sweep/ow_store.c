#define _GNU_SOURCE /* flock */
#include "ow_store.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ow_clock.h"

enum { APPLICATION_ID = 0x4f484d57 /* "OHMW" */, FORMAT = 1 };
#define SYNC_EVERY 1.0 /* s */

struct ow_store {
    sqlite3 *db;
    char *path, *lock_path;
    int lock_fd; /* -1: reads only */
    sqlite3_stmt *add, *put;
    double last_sync;
    bool is_writer, is_alone;
};

static const char *const status_name[OW_N_POINT_STATUS] = {"open",    "done",   "failed",
                                                           "timeout", "memory", "crashed"};

const char *ow_point_status_str(enum ow_point_status status)
{
    return status_name[status];
}

static enum ow_point_status status_of(const char *name)
{
    for (size_t k = 0; name && k < OW_N_POINT_STATUS; k++)
        if (strcmp(name, status_name[k]) == 0)
            return (enum ow_point_status)k;
    return OW_POINT_OPEN;
}

/* SQLite's codes, translated here alone. */
static enum ow_status fail_db(const struct ow_store *s, struct ow_error *err)
{
    const int code = s->db ? sqlite3_errcode(s->db) : SQLITE_NOMEM;
    if (code == SQLITE_NOMEM)
        return ow_fail(err, OW_ERR_NOMEM, "%s: out of memory", s->path);
    if (code == SQLITE_NOTADB)
        return ow_fail(err, OW_ERR_FILE, "%s: is no store of a sweep", s->path);
    return ow_fail(err, OW_ERR_FILE, "%s: %s", s->path, sqlite3_errmsg(s->db));
}

static enum ow_status execute(struct ow_store *s, const char *sql, struct ow_error *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? OW_OK : fail_db(s, err);
}

static enum ow_status prepare(struct ow_store *s, const char *sql, sqlite3_stmt **out,
                              struct ow_error *err)
{
    return sqlite3_prepare_v2(s->db, sql, -1, out, NULL) == SQLITE_OK ? OW_OK : fail_db(s, err);
}

/* A statement that changes something, run once and made ready for the next time. */
static enum ow_status run(struct ow_store *s, sqlite3_stmt *statement, struct ow_error *err)
{
    sqlite3_step(statement);
    return sqlite3_reset(statement) == SQLITE_OK ? OW_OK : fail_db(s, err);
}

static enum ow_status read_integer(struct ow_store *s, const char *sql, sqlite3_int64 *value,
                                   struct ow_error *err)
{
    sqlite3_stmt *statement;
    const enum ow_status st = prepare(s, sql, &statement, err);
    if (st)
        return st;
    *value = 0;
    if (sqlite3_step(statement) == SQLITE_ROW)
        *value = sqlite3_column_int64(statement, 0);
    return sqlite3_finalize(statement) == SQLITE_OK ? OW_OK : fail_db(s, err);
}

/* ---- one writer -------------------------------------------------------------------- */

/* A lock on a file of its own: closing any descriptor of a database would drop SQLite's
 * locks on it.  Whoever ends, ends its lock; the file's name goes with an orderly end. */
static enum ow_status lock(struct ow_store *s, struct ow_error *err)
{
    for (int k = 0; k < 100; k++) {
        struct stat mine, there;
        s->lock_fd = open(s->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (s->lock_fd < 0)
            return ow_fail(err, OW_ERR_FILE, "%s: %s", s->lock_path, strerror(errno));
        if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0)
            return ow_fail(err, OW_ERR_FILE,
                           "%s: another sweep writes to it: expected one at a time", s->path);
        /* the one before may have removed the name between our two calls */
        if (fstat(s->lock_fd, &mine) == 0 && stat(s->lock_path, &there) == 0 &&
            mine.st_ino == there.st_ino)
            return OW_OK;
        close(s->lock_fd);
        s->lock_fd = -1;
    }
    return ow_fail(err, OW_ERR_FILE, "%s: cannot be locked", s->lock_path);
}

/* ---- opening ----------------------------------------------------------------------- */

static const char schema[] =
    "CREATE TABLE about(key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
    "CREATE TABLE point("
    " id INTEGER PRIMARY KEY,"
    " status TEXT NOT NULL DEFAULT 'open',"
    " settings TEXT NOT NULL,"
    " seed INTEGER,"
    " pass INTEGER,"
    " attempts INTEGER NOT NULL DEFAULT 0,"
    " wall_s REAL, cpu_s REAL, peak_bytes INTEGER,"
    " began TEXT, ended TEXT, host TEXT, version TEXT,"
    " error TEXT, misses TEXT,"
    " result TEXT, spec TEXT);"
    "CREATE INDEX point_status ON point(status);";

static enum ow_status create(struct ow_store *s, struct ow_error *err)
{
    char pragma[128];
    snprintf(pragma, sizeof pragma, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             APPLICATION_ID, FORMAT);
    enum ow_status st = ow_store_begin(s, err);
    if (!st && !(st = execute(s, schema, err)) && !(st = execute(s, pragma, err)))
        st = ow_store_commit(s, err);
    return st;
}

static enum ow_status check_format(struct ow_store *s, struct ow_error *err)
{
    sqlite3_int64 id, format;
    enum ow_status st;
    if ((st = read_integer(s, "PRAGMA application_id", &id, err)) ||
        (st = read_integer(s, "PRAGMA user_version", &format, err)))
        return st;
    if (id != APPLICATION_ID)
        return ow_fail(err, OW_ERR_FILE, "%s: is no store of a sweep", s->path);
    if (format != FORMAT)
        return ow_fail(err, OW_ERR_FILE,
                       "%s: has format %lld, this version of ohmweave knows %d", s->path,
                       (long long)format, FORMAT);
    return OW_OK;
}

/* Write-ahead log: readers do not wait, and a commit is one append. */
static enum ow_status prepare_writer(struct ow_store *s, struct ow_error *err)
{
    enum ow_status st;
    if ((st = execute(s, "PRAGMA journal_mode = WAL", err)) ||
        (st = execute(s, "PRAGMA synchronous = FULL", err)) ||
        (st = execute(s, "PRAGMA wal_autocheckpoint = 4000", err)))
        return st;
    s->last_sync = ow_seconds();
    return OW_OK;
}

static enum ow_status prepare_statements(struct ow_store *s, struct ow_error *err)
{
    const enum ow_status st =
        prepare(s, "INSERT INTO point(id, settings, seed) VALUES(?1, ?2, ?3)", &s->add, err);
    return st ? st
              : prepare(s,
                        "UPDATE point SET status = ?2, pass = ?3, attempts = attempts + 1,"
                        " wall_s = ?4, cpu_s = ?5, peak_bytes = ?6, began = ?7, ended = ?8,"
                        " host = ?9, version = ?10, error = ?11, misses = ?12, result = ?13,"
                        " spec = ?14 WHERE id = ?1 AND status <> 'done'",
                        &s->put, err);
}

static enum ow_status open_store(struct ow_store *s, enum ow_store_mode mode,
                                 struct ow_error *err)
{
    const bool is_new = mode == OW_STORE_CREATE;
    const int flags = mode == OW_STORE_READ
                          ? SQLITE_OPEN_READONLY
                          : SQLITE_OPEN_READWRITE | (is_new ? SQLITE_OPEN_CREATE : 0);
    struct stat there;
    enum ow_status st;
    if (*s->path == '\0') /* SQLite would take both for a store that is forgotten */
        return ow_fail(err, OW_ERR_FILE, "a store without a name: expected a file");
    const bool is_there = stat(s->path, &there) == 0;
    if (s->path[0] == ':' || (is_there && !S_ISREG(there.st_mode)))
        return ow_fail(err, OW_ERR_FILE, "%s: no place for a store: expected a file", s->path);
    if (!is_new && !is_there)
        return ow_fail(err, OW_ERR_FILE, "%s: %s", s->path, strerror(errno));
    if (s->is_writer && (st = lock(s, err)))
        return st;
    if (sqlite3_open_v2(s->path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return fail_db(s, err);
    sqlite3_busy_timeout(s->db, 10000);
    /* before anything is read: what is shared then stays so */
    if (s->is_alone && (st = execute(s, "PRAGMA locking_mode = EXCLUSIVE", err)))
        return st;
    /* blank: new, or a sweep was killed while it made it */
    sqlite3_int64 n_table = 0;
    st = read_integer(s, "SELECT count(*) FROM sqlite_master", &n_table, err);
    if (is_new && is_there && (st || n_table > 0))
        return ow_fail(err, OW_ERR_FILE,
                       "%s: is there already: expected a new name, or --resume", s->path);
    if (st)
        return st;
    const bool is_blank = s->is_writer && n_table == 0;
    if (!is_blank && (st = check_format(s, err)))
        return st;
    if (!s->is_writer)
        return OW_OK;
    if ((st = prepare_writer(s, err)) || (is_blank && (st = create(s, err))))
        return st;
    return prepare_statements(s, err);
}

enum ow_status ow_store_open(const char *path, enum ow_store_mode mode, struct ow_store **out,
                             struct ow_error *err)
{
    struct ow_store *s = calloc(1, sizeof *s);
    if (!s)
        return ow_fail(err, OW_ERR_NOMEM, "%s: out of memory", path);
    s->lock_fd = -1;
    s->is_alone = mode & OW_STORE_ALONE;
    mode &= ~(unsigned)OW_STORE_ALONE;
    s->is_writer = mode != OW_STORE_READ;
    s->path = strdup(path);
    if (!s->path || asprintf(&s->lock_path, "%s-lock", path) < 0) {
        s->lock_path = NULL;
        ow_store_close(s);
        return ow_fail(err, OW_ERR_NOMEM, "%s: out of memory", path);
    }
    const enum ow_status st = open_store(s, mode, err);
    if (st)
        ow_store_close(s);
    else
        *out = s;
    return st;
}

void ow_store_close(struct ow_store *s)
{
    if (!s)
        return;
    sqlite3_finalize(s->add);
    sqlite3_finalize(s->put);
    if (s->db && s->is_writer) {
        /* one file, and none beside it that a reader would make; unless one reads just now */
        sqlite3_busy_timeout(s->db, 0);
        sqlite3_exec(s->db, "PRAGMA synchronous = FULL; PRAGMA journal_mode = DELETE", NULL,
                     NULL, NULL);
    }
    sqlite3_close(s->db);
    if (s->lock_fd >= 0) {
        unlink(s->lock_path);
        close(s->lock_fd);
    }
    free(s->path);
    free(s->lock_path);
    free(s);
}

/* ---- about ------------------------------------------------------------------------- */

enum ow_status ow_store_about(struct ow_store *s, const char *key, char **value,
                              struct ow_error *err)
{
    sqlite3_stmt *statement;
    enum ow_status st = prepare(s, "SELECT value FROM about WHERE key = ?1", &statement, err);
    if (st)
        return st;
    *value = NULL;
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_text(statement, 0)) {
        *value = strdup((const char *)sqlite3_column_text(statement, 0));
        if (!*value)
            st = ow_fail(err, OW_ERR_NOMEM, "%s: out of memory", s->path);
    }
    if (sqlite3_finalize(statement) != SQLITE_OK && !st)
        st = fail_db(s, err);
    return st;
}

enum ow_status ow_store_set_about(struct ow_store *s, const char *key, const char *value,
                                  struct ow_error *err)
{
    sqlite3_stmt *statement;
    enum ow_status st =
        prepare(s, "INSERT OR REPLACE INTO about(key, value) VALUES(?1, ?2)", &statement, err);
    if (st)
        return st;
    sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, value, -1, SQLITE_STATIC);
    st = run(s, statement, err);
    sqlite3_finalize(statement);
    return st;
}

/* ---- rows -------------------------------------------------------------------------- */

enum ow_status ow_store_begin(struct ow_store *s, struct ow_error *err)
{
    return execute(s, "BEGIN IMMEDIATE", err);
}

enum ow_status ow_store_commit(struct ow_store *s, struct ow_error *err)
{
    const enum ow_status st = execute(s, "COMMIT", err);
    if (st)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return st;
}

static void bind_text(sqlite3_stmt *statement, int k, const char *text)
{
    sqlite3_bind_text(statement, k, text, -1, SQLITE_STATIC); /* NULL stays NULL */
}

static void bind_integer(sqlite3_stmt *statement, int k, int64_t value)
{
    if (value < 0)
        sqlite3_bind_null(statement, k);
    else
        sqlite3_bind_int64(statement, k, value);
}

enum ow_status ow_store_add(struct ow_store *s, const struct ow_point_record *p,
                            struct ow_error *err)
{
    sqlite3_bind_int64(s->add, 1, (sqlite3_int64)p->id);
    bind_text(s->add, 2, p->settings);
    bind_integer(s->add, 3, p->seed);
    return run(s, s->add, err);
}

/* The operating system has a commit that is not synchronised, and keeps it when the process
 * dies; only a loss of power can undo it. */
static enum ow_status choose_sync(struct ow_store *s, struct ow_error *err)
{
    const double now = ow_seconds();
    const bool is_due = now - s->last_sync >= SYNC_EVERY;
    if (!sqlite3_get_autocommit(s->db)) /* may not change inside a transaction */
        return OW_OK;
    if (is_due)
        s->last_sync = now;
    return execute(s, is_due ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
                   err);
}

enum ow_status ow_store_put(struct ow_store *s, const struct ow_point_record *p,
                            struct ow_error *err)
{
    const enum ow_status st = choose_sync(s, err);
    if (st)
        return st;
    sqlite3_bind_int64(s->put, 1, (sqlite3_int64)p->id);
    bind_text(s->put, 2, status_name[p->status]);
    bind_integer(s->put, 3, p->pass);
    sqlite3_bind_double(s->put, 4, p->wall_s); /* NaN becomes NULL */
    sqlite3_bind_double(s->put, 5, p->cpu_s);
    bind_integer(s->put, 6, p->peak_bytes);
    bind_text(s->put, 7, p->began);
    bind_text(s->put, 8, p->ended);
    bind_text(s->put, 9, p->host);
    bind_text(s->put, 10, p->version);
    bind_text(s->put, 11, p->error);
    bind_text(s->put, 12, p->misses);
    bind_text(s->put, 13, p->result);
    bind_text(s->put, 14, p->spec);
    return run(s, s->put, err);
}

static int64_t column_integer(sqlite3_stmt *statement, int k)
{
    return sqlite3_column_type(statement, k) == SQLITE_NULL
               ? -1
               : sqlite3_column_int64(statement, k);
}

static double column_number(sqlite3_stmt *statement, int k)
{
    return sqlite3_column_type(statement, k) == SQLITE_NULL
               ? NAN
               : sqlite3_column_double(statement, k);
}

static const char *column_text(sqlite3_stmt *statement, int k)
{
    return (const char *)sqlite3_column_text(statement, k);
}

static struct ow_point_record record_of(sqlite3_stmt *row)
{
    return (struct ow_point_record){.id = (size_t)sqlite3_column_int64(row, 0),
                                    .status = status_of(column_text(row, 1)),
                                    .settings = column_text(row, 2),
                                    .seed = column_integer(row, 3),
                                    .pass = (int)column_integer(row, 4),
                                    .attempts = sqlite3_column_int(row, 5),
                                    .wall_s = column_number(row, 6),
                                    .cpu_s = column_number(row, 7),
                                    .peak_bytes = column_integer(row, 8),
                                    .began = column_text(row, 9),
                                    .ended = column_text(row, 10),
                                    .host = column_text(row, 11),
                                    .version = column_text(row, 12),
                                    .error = column_text(row, 13),
                                    .misses = column_text(row, 14),
                                    .result = column_text(row, 15),
                                    .spec = column_text(row, 16)};
}

enum ow_status ow_store_each(struct ow_store *s, const struct ow_store_query *q,
                             enum ow_status (*row)(void *data,
                                                   const struct ow_point_record *row,
                                                   struct ow_error *err),
                             void *data, struct ow_error *err)
{
    char sql[512];
    sqlite3_stmt *statement;
    snprintf(sql, sizeof sql,
             "SELECT id, status, settings, seed, pass, attempts, wall_s, cpu_s, peak_bytes,"
             " began, ended, host, version, error, misses, %s, %s FROM point%s ORDER BY id",
             q->with_result ? "result" : "NULL", q->with_spec ? "spec" : "NULL",
             q->has_point ? " WHERE id = ?1" : "");
    enum ow_status st = prepare(s, sql, &statement, err);
    if (st)
        return st;
    if (q->has_point)
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)q->point);
    while (!st && sqlite3_step(statement) == SQLITE_ROW) {
        const struct ow_point_record record = record_of(statement);
        if (q->statuses == 0 || (q->statuses >> record.status & 1))
            st = row(data, &record, err);
    }
    if (sqlite3_finalize(statement) != SQLITE_OK && !st)
        st = fail_db(s, err);
    return st;
}

enum ow_status ow_store_count(struct ow_store *s, size_t count[OW_N_POINT_STATUS],
                              struct ow_error *err)
{
    sqlite3_stmt *statement;
    const enum ow_status st =
        prepare(s, "SELECT status, count(*) FROM point GROUP BY status", &statement, err);
    if (st)
        return st;
    memset(count, 0, OW_N_POINT_STATUS * sizeof *count);
    while (sqlite3_step(statement) == SQLITE_ROW)
        count[status_of(column_text(statement, 0))] =
            (size_t)sqlite3_column_int64(statement, 1);
    return sqlite3_finalize(statement) == SQLITE_OK ? OW_OK : fail_db(s, err);
}

enum ow_status ow_store_merge(struct ow_store *s, const char *path, struct ow_error *err)
{
    static const char move[] =
        "UPDATE point SET status = f.status, pass = f.pass,"
        " attempts = point.attempts + f.attempts, wall_s = f.wall_s, cpu_s = f.cpu_s,"
        " peak_bytes = f.peak_bytes, began = f.began, ended = f.ended, host = f.host,"
        " version = f.version, error = f.error, misses = f.misses, result = f.result,"
        " spec = f.spec FROM shard.point AS f"
        " WHERE point.id = f.id AND f.status <> 'open' AND point.status <> 'done'";
    struct ow_store *shard;
    sqlite3_stmt *attach;
    /* a look at it first: is it a store, and of this format? */
    enum ow_status st = ow_store_open(path, OW_STORE_WRITE, &shard, err);
    if (st)
        return st;
    ow_store_close(shard);
    if ((st = prepare(s, "ATTACH ?1 AS shard", &attach, err)))
        return st;
    bind_text(attach, 1, path);
    st = run(s, attach, err);
    sqlite3_finalize(attach);
    if (st)
        return st;
    execute(s, "PRAGMA synchronous = FULL", NULL);
    if (!(st = ow_store_begin(s, err)) && !(st = execute(s, move, err)))
        st = ow_store_commit(s, err);
    if (st && !sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    execute(s, "DETACH shard", NULL);
    return st;
}
