/* Matrices in files: .npy (numpy's format, versions 1 to 3) and text (CSV).
 *
 * Everything that comes in is checked: a matrix that was loaded is not empty and holds
 * finite numbers only.  Messages name the file and the place: FILE:LINE:COLUMN for text,
 * FILE and [row, column] (from 0, as numpy counts) for .npy. */
#ifndef OW_TABLE_H
#define OW_TABLE_H

#include <stdint.h>

#include "ow_matrix.h"
#include "ow_status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A name in .npy, or a file that begins like one, is read as .npy, everything else as
 * text.  OW_ERR_FILE, OW_ERR_INPUT, OW_ERR_NOMEM. */
enum ow_status ow_table_load(const char *path, struct ow_matrix *out, struct ow_error *err);

/* The same from n bytes in memory; `name` stands for the file in messages.
 *
 * npy: 1 or 2 dimensions ([n] loads as n x 1), C or Fortran order, either byte order,
 * bool, integers of 1 to 8 bytes (beyond 2^53 only if a double holds them exactly),
 * floats of 2, 4 and 8 bytes.  The file must end where the data end.
 *
 * CSV: one row a line, values separated by commas, or else by semicolons, or else by
 * blanks and tabs (decided by the first row); `#` begins a comment; blank lines, CRLF
 * and a byte order mark are skipped.  Numbers have a decimal point in every locale. */
enum ow_status ow_npy_parse(const void *bytes, size_t n, const char *name,
                            struct ow_matrix *out, struct ow_error *err);
enum ow_status ow_csv_parse(const char *text, size_t n, const char *name, struct ow_matrix *out,
                            struct ow_error *err);

enum ow_npy_type { OW_NPY_F8, OW_NPY_I4 }; /* double, int32_t */

/* Replace `path` (atomically, see ow_file.h) by an .npy of 1 to 3 dimensions: format 1.0,
 * little-endian, C order.  data is [shape[0]]...[shape[n_dim - 1]] of the type; a size
 * of 0 is legal, as is NaN (null in results). */
enum ow_status ow_npy_save(const char *path, const void *data, enum ow_npy_type type,
                           size_t n_dim, const size_t shape[], struct ow_error *err);
enum ow_status ow_table_save(const char *path, const struct ow_matrix *m, struct ow_error *err);

#ifdef __cplusplus
}
#endif
#endif
