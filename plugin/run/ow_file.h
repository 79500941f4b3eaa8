/* Files as a whole: read one into memory, or replace one so that a reader sees the old
 * content or the new one and never a half (write beside it, fsync, rename). */
#ifndef OW_FILE_H
#define OW_FILE_H

#include <stdio.h>

#include "ow_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The bytes of `path`, followed by a NUL that *n does not count; free() them.  Pipes are
 * read to their end.  OW_ERR_FILE if it cannot be read or is longer than n_max bytes. */
enum ow_status ow_file_read(const char *path, size_t n_max, char **bytes, size_t *n,
                            struct ow_error *err);

/* Files that are read and that nothing may be written over from here on, in this process, by
 * whatever name: an answer that takes the place of its own question is a slip.  NULL and a file
 * that is not there are fine; there is no way back. */
enum ow_status ow_file_keep(const char *path, struct ow_error *err);

/* A file on its way. */
struct ow_file {
    FILE *to;          /* write here, binary                          */
    char *path, *temp; /* owned: the name it will have, the one it has */
};

/* OW_ERR_FILE if the directory is missing or cannot be written, or if `path` exists and
 * is no regular file (renaming onto a device would replace the device) or one to keep. */
enum ow_status ow_file_create(const char *path, struct ow_file *file, struct ow_error *err);
/* Take its name.  Whatever the outcome, the file is closed and nothing is left behind. */
enum ow_status ow_file_commit(struct ow_file *file, struct ow_error *err);
/* Forget it.  Fine on a zeroed, committed or discarded file. */
void ow_file_discard(struct ow_file *file);

/* `name` as seen from the file `base`: itself if absolute or if base is NULL, else beside
 * base.  NULL without memory; free() it. */
char *ow_file_beside(const char *base, const char *name);

#ifdef __cplusplus
}
#endif
#endif
