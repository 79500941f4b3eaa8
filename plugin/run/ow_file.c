#include "ow_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* errno belongs to the call just made, so take it before anything else. */
static enum ow_status fail_errno(struct ow_error *err, const char *path, const char *what)
{
    return ow_fail(err, errno == ENOMEM ? OW_ERR_NOMEM : OW_ERR_FILE, "%s: %s: %s", path, what,
                   strerror(errno));
}

/* Append what `fd` still has to bytes[*n]. */
static enum ow_status slurp(int fd, const char *path, size_t n_max, size_t guess, char **bytes,
                            size_t *n, struct ow_error *err)
{
    size_t room = guess + 1;
    for (;;) {
        if (!*bytes || *n + 1 >= room) {
            room = *bytes ? 2 * room : room + 1;
            char *more = realloc(*bytes, room);
            if (!more)
                return ow_fail(err, OW_ERR_NOMEM, "%s: out of memory for %zu bytes", path,
                               room);
            *bytes = more;
        }
        const ssize_t got = read(fd, *bytes + *n, room - 1 - *n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_errno(err, path, "cannot be read");
        if (got == 0)
            break;
        *n += (size_t)got;
        if (*n > n_max)
            return ow_fail(err, OW_ERR_FILE, "%s: longer than %zu bytes", path, n_max);
    }
    (*bytes)[*n] = '\0';
    return OW_OK;
}

enum ow_status ow_file_read(const char *path, size_t n_max, char **bytes, size_t *n,
                            struct ow_error *err)
{
    char *got = NULL;
    size_t n_got = 0;
    struct stat info;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(err, path, "cannot be opened");
    enum ow_status st = OW_OK;
    if (fstat(fd, &info) != 0)
        st = fail_errno(err, path, "cannot be read");
    else if (S_ISDIR(info.st_mode))
        st = ow_fail(err, OW_ERR_FILE, "%s: is a directory, expected a file", path);
    else if (S_ISREG(info.st_mode) && (unsigned long long)info.st_size > n_max)
        st = ow_fail(err, OW_ERR_FILE, "%s: longer than %zu bytes", path, n_max);
    else
        st = slurp(fd, path, n_max, S_ISREG(info.st_mode) ? (size_t)info.st_size : 4096, &got,
                   &n_got, err);
    close(fd);
    if (st != OW_OK) {
        free(got);
        return st;
    }
    *bytes = got;
    *n = n_got;
    return OW_OK;
}

/* Open a name beside `path` that nobody has: O_EXCL decides, the process id only makes
 * the first attempt likely to succeed. */
static int open_temp(const char *path, char **temp)
{
    enum { ATTEMPTS = 100 };
    const size_t room = strlen(path) + 48;
    char *name = malloc(room);
    int fd = -1;
    if (!name)
        return -1;
    for (int k = 0; k < ATTEMPTS && fd < 0; k++) {
        snprintf(name, room, "%s.%ld-%d.tmp", path, (long)getpid(), k);
        fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd < 0)
        free(name);
    else
        *temp = name;
    return fd;
}

/* What ow_file_keep() was told. */
static struct {
    dev_t device;
    ino_t number;
} * kept; /* [n_kept] */
static size_t n_kept;

static bool is_kept(const struct stat *file)
{
    for (size_t k = 0; k < n_kept; k++)
        if (kept[k].device == file->st_dev && kept[k].number == file->st_ino)
            return true;
    return false;
}

enum ow_status ow_file_keep(const char *path, struct ow_error *err)
{
    struct stat file;
    if (!path || stat(path, &file) != 0 || is_kept(&file))
        return OW_OK;
    void *more = realloc(kept, (n_kept + 1) * sizeof *kept);
    if (!more)
        return ow_fail(err, OW_ERR_NOMEM, "%s: out of memory", path);
    kept = more;
    kept[n_kept].device = file.st_dev;
    kept[n_kept++].number = file.st_ino;
    return OW_OK;
}

enum ow_status ow_file_create(const char *path, struct ow_file *file, struct ow_error *err)
{
    struct ow_file made = {0};
    struct stat info;
    if (*path == '\0')
        return ow_fail(err, OW_ERR_FILE, "cannot write a file without a name");
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
        return ow_fail(err, OW_ERR_FILE, "%s: exists and is not a regular file", path);
    if (n_kept > 0 && stat(path, &info) == 0 && is_kept(&info))
        return ow_fail(err, OW_ERR_FILE, "%s: is read by this command, expected another name",
                       path);
    made.path = strdup(path);
    if (!made.path)
        return ow_fail(err, OW_ERR_NOMEM, "%s: out of memory", path);
    const int fd = open_temp(path, &made.temp);
    if (fd < 0) {
        const enum ow_status st = fail_errno(err, path, "cannot be written");
        free(made.path);
        return st;
    }
    made.to = fdopen(fd, "wb");
    if (!made.to) {
        const enum ow_status st = fail_errno(err, path, "cannot be written");
        close(fd);
        ow_file_discard(&made);
        return st;
    }
    *file = made;
    return OW_OK;
}

/* The rename itself is safe on disk only when its directory is.  Some file systems
 * cannot sync a directory; the file is whole either way, so that is no error. */
static void sync_directory(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return;
    const int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(copy);
}

enum ow_status ow_file_commit(struct ow_file *file, struct ow_error *err)
{
    enum ow_status st = OW_OK;
    const bool is_whole =
        !ferror(file->to) && fflush(file->to) == 0 && fsync(fileno(file->to)) == 0;
    if (!is_whole)
        st = fail_errno(err, file->path, "cannot be written");
    if (fclose(file->to) != 0 && st == OW_OK)
        st = fail_errno(err, file->path, "cannot be written");
    file->to = NULL;
    if (st == OW_OK && rename(file->temp, file->path) != 0)
        st = fail_errno(err, file->path, "cannot be written");
    if (st == OW_OK) {
        free(file->temp);
        file->temp = NULL;
        sync_directory(file->path);
    }
    ow_file_discard(file);
    return st;
}

void ow_file_discard(struct ow_file *file)
{
    if (file->to)
        fclose(file->to);
    if (file->temp)
        unlink(file->temp);
    free(file->temp);
    free(file->path);
    *file = (struct ow_file){0};
}

char *ow_file_beside(const char *base, const char *name)
{
    const char *slash = base && name[0] != '/' ? strrchr(base, '/') : NULL;
    const size_t n = slash ? (size_t)(slash - base) + 1 : 0;
    char *path = malloc(n + strlen(name) + 1);
    if (!path)
        return NULL;
    if (n > 0)
        memcpy(path, base, n);
    strcpy(path + n, name);
    return path;
}
