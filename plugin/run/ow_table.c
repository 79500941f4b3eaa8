#include "ow_table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ow_file.h"

/* A table is read into memory whole; nothing that a crossbar could use is larger. */
#define TABLE_BYTES_MAX ((size_t)1 << 30)

static bool is_npy(const char *path, const char *bytes, size_t n)
{
    const size_t len = strlen(path);
    return (len >= 4 && strcasecmp(path + len - 4, ".npy") == 0) ||
           (n >= 6 && memcmp(bytes, "\x93NUMPY", 6) == 0);
}

enum ow_status ow_table_load(const char *path, struct ow_matrix *out, struct ow_error *err)
{
    char *bytes;
    size_t n;
    enum ow_status st = ow_file_read(path, TABLE_BYTES_MAX, &bytes, &n, err);
    if (st != OW_OK)
        return st;
    st = is_npy(path, bytes, n) ? ow_npy_parse(bytes, n, path, out, err)
                                : ow_csv_parse(bytes, n, path, out, err);
    free(bytes);
    return st;
}

enum ow_status ow_table_save(const char *path, const struct ow_matrix *m, struct ow_error *err)
{
    const size_t shape[] = {m->rows, m->cols};
    return ow_npy_save(path, m->a, OW_NPY_F8, 2, shape, err);
}
