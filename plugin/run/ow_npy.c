/* numpy's .npy, see ow_table.h.  The format (numpy/lib/format.py, NEP 1):
 *   6 bytes   \x93 N U M P Y
 *   2 bytes   version, major and minor
 *   2 bytes   (version 1) or 4 bytes (2 and 3), little-endian: length of the header
 *   header    a Python literal, {'descr': '<f8', 'fortran_order': False, 'shape': (64, 10), },
 *             padded with blanks so that the data are aligned to 64 bytes
 *   data */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ow_file.h"
#include "ow_quote.h"
#include "ow_table.h"

#define NPY_MAGIC "\x93NUMPY"
enum { NPY_MAGIC_LEN = 6, NPY_ALIGN = 64, NPY_MAX_DIM = 32 };

/* ---- reading: the header ------------------------------------------------------ */

struct npy {
    const char *name;
    struct ow_error *err;
    const char *begin, *at, *end; /* the header's text                     */
    char kind;                    /* 'b' bool, 'i', 'u', 'f'               */
    size_t size;                  /* bytes of one item                     */
    bool is_big;                  /* big-endian                            */
    bool is_fortran;
    size_t n_dim, shape[NPY_MAX_DIM];
    bool has_descr, has_order, has_shape;
};

/* `why` must be a literal sentence; the place is the byte in the file. */
static enum ow_status refuse(const struct npy *npy, const char *why)
{
    const size_t left = (size_t)(npy->end - npy->at);
    return ow_fail(npy->err, OW_ERR_INPUT, "%s: npy header: %s at '%s'", npy->name, why,
                   ow_quote(npy->at, left).text);
}

static void skip_blanks(struct npy *npy)
{
    while (npy->at < npy->end && strchr(" \t\r\n", *npy->at) && *npy->at)
        npy->at++;
}

/* Take the character c if it is next. */
static bool take(struct npy *npy, char c)
{
    skip_blanks(npy);
    if (npy->at == npy->end || *npy->at != c)
        return false;
    npy->at++;
    return true;
}

static bool take_word(struct npy *npy, const char *word)
{
    const size_t n = strlen(word);
    skip_blanks(npy);
    if ((size_t)(npy->end - npy->at) < n || memcmp(npy->at, word, n) != 0)
        return false;
    npy->at += n;
    return true;
}

/* A Python string without escapes: *text is inside the header. */
static bool take_string(struct npy *npy, const char **text, size_t *n)
{
    skip_blanks(npy);
    if (npy->at == npy->end || (*npy->at != '\'' && *npy->at != '"'))
        return false;
    const char *close = memchr(npy->at + 1, *npy->at, (size_t)(npy->end - npy->at) - 1);
    if (!close)
        return false;
    *text = npy->at + 1;
    *n = (size_t)(close - *text);
    npy->at = close + 1;
    return true;
}

static bool take_size(struct npy *npy, size_t *size)
{
    size_t value = 0;
    skip_blanks(npy);
    const char *first = npy->at;
    for (; npy->at < npy->end && *npy->at >= '0' && *npy->at <= '9'; npy->at++) {
        const size_t digit = (size_t)(*npy->at - '0');
        if (value > (SIZE_MAX - digit) / 10)
            return false;
        value = 10 * value + digit;
    }
    if (npy->at == first)
        return false;
    if (npy->at < npy->end && *npy->at == 'L') /* Python 2 wrote longs so */
        npy->at++;
    *size = value;
    return true;
}

/* kind, bytes of an item; see numpy's array interface. */
static const struct {
    char kind;
    size_t size;
} npy_type[] = {
    {'b', 1}, {'i', 1}, {'i', 2}, {'i', 4}, {'i', 8}, {'u', 1},
    {'u', 2}, {'u', 4}, {'u', 8}, {'f', 2}, {'f', 4}, {'f', 8},
};

static bool host_is_big(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 0;
}

static enum ow_status read_descr(struct npy *npy)
{
    static const char expected[] =
        "expected bool, an integer of 1 to 8 bytes or a float of 2, 4 or 8 bytes";
    const char *text;
    size_t n;
    if (!take_string(npy, &text, &n))
        return refuse(npy, "expected the name of one plain number type (no records)");
    if (n == 3 && memchr("<>|=", text[0], 4)) {
        npy->kind = text[1];
        npy->size = (size_t)(text[2] - '0');
        npy->is_big = text[0] == '>' || (text[0] == '=' && host_is_big());
        for (size_t k = 0; k < sizeof npy_type / sizeof npy_type[0]; k++)
            if (npy->kind == npy_type[k].kind && npy->size == npy_type[k].size &&
                (text[0] != '|' || npy->size == 1))
                return OW_OK;
    }
    return ow_fail(npy->err, OW_ERR_INPUT, "%s: npy: type '%s'%s, %s", npy->name,
                   ow_quote(text, n).text, n == 2 && text[1] == 'O' ? " (Python objects)" : "",
                   expected);
}

static enum ow_status read_order(struct npy *npy)
{
    npy->is_fortran = take_word(npy, "True");
    if (!npy->is_fortran && !take_word(npy, "False"))
        return refuse(npy, "expected True or False");
    return OW_OK;
}

static enum ow_status read_shape(struct npy *npy)
{
    if (!take(npy, '('))
        return refuse(npy, "expected a shape such as (64, 10)");
    while (!take(npy, ')')) {
        if (npy->n_dim == NPY_MAX_DIM)
            return refuse(npy, "too many dimensions");
        if (!take_size(npy, &npy->shape[npy->n_dim]))
            return refuse(npy, "expected a size that fits this machine");
        npy->n_dim++;
        if (!take(npy, ',') && (npy->n_dim == 1 || npy->at == npy->end || *npy->at != ')'))
            return refuse(npy, "expected a comma");
    }
    return OW_OK;
}

static enum ow_status read_entry(struct npy *npy)
{
    const struct {
        const char *key;
        bool *has;
        enum ow_status (*read)(struct npy *npy);
    } entry[] = {
        {"descr", &npy->has_descr, read_descr},
        {"fortran_order", &npy->has_order, read_order},
        {"shape", &npy->has_shape, read_shape},
    };
    const char *key;
    size_t n;
    if (!take_string(npy, &key, &n))
        return refuse(npy, "expected a key in quotes");
    for (size_t k = 0; k < sizeof entry / sizeof entry[0]; k++) {
        if (strlen(entry[k].key) != n || memcmp(entry[k].key, key, n) != 0)
            continue;
        if (*entry[k].has)
            return refuse(npy, "the key just read stands there twice");
        *entry[k].has = true;
        return take(npy, ':') ? entry[k].read(npy) : refuse(npy, "expected ':'");
    }
    return ow_fail(npy->err, OW_ERR_INPUT,
                   "%s: npy header: unknown key '%s', expected descr, fortran_order and shape",
                   npy->name, ow_quote(key, n).text);
}

static enum ow_status read_header(struct npy *npy)
{
    if (!take(npy, '{'))
        return refuse(npy, "expected '{'");
    while (!take(npy, '}')) {
        const enum ow_status st = read_entry(npy);
        if (st != OW_OK)
            return st;
        skip_blanks(npy);
        if (!take(npy, ',') && (npy->at == npy->end || *npy->at != '}'))
            return refuse(npy, "expected ',' or '}'");
    }
    skip_blanks(npy);
    if (npy->at != npy->end)
        return refuse(npy, "expected nothing more");
    if (!npy->has_descr || !npy->has_order || !npy->has_shape)
        return ow_fail(npy->err, OW_ERR_INPUT, "%s: npy header: no '%s'", npy->name,
                       !npy->has_descr   ? "descr"
                       : !npy->has_order ? "fortran_order"
                                         : "shape");
    return OW_OK;
}

/* Magic, version and header; *data is where the numbers begin. */
static enum ow_status read_preamble(struct npy *npy, const unsigned char *bytes, size_t n,
                                    size_t *data)
{
    if (n < NPY_MAGIC_LEN || memcmp(bytes, NPY_MAGIC, NPY_MAGIC_LEN) != 0)
        return ow_fail(npy->err, OW_ERR_INPUT,
                       "%s: does not begin with \\x93NUMPY, expected an .npy file", npy->name);
    const unsigned major = n > 6 ? bytes[6] : 0, minor = n > 7 ? bytes[7] : 0;
    if (n >= 8 && (major < 1 || major > 3 || minor != 0))
        return ow_fail(npy->err, OW_ERR_INPUT,
                       "%s: npy version %u.%u, expected 1.0, 2.0 or 3.0", npy->name, major,
                       minor);
    const size_t n_length = major == 1 ? 2 : 4, begin = 8 + n_length;
    if (n < begin)
        return ow_fail(npy->err, OW_ERR_INPUT,
                       "%s: truncated: %zu bytes, expected at least the %zu of an npy header",
                       npy->name, n, begin);
    size_t length = 0;
    for (size_t k = n_length; k-- > 0;)
        length = length << 8 | bytes[8 + k];
    if (length > n - begin)
        return ow_fail(npy->err, OW_ERR_INPUT,
                       "%s: truncated: expected a header of %zu bytes, the file has %zu",
                       npy->name, length, n - begin);
    npy->begin = npy->at = (const char *)bytes + begin;
    npy->end = npy->begin + length;
    *data = begin + length;
    return read_header(npy);
}

/* ---- reading: the data -------------------------------------------------------- */

/* One item as an unsigned number, most significant byte first. */
static uint64_t gather(const struct npy *npy, const unsigned char *item)
{
    uint64_t bits = 0;
    for (size_t k = 0; k < npy->size; k++)
        bits = bits << 8 | item[npy->is_big ? k : npy->size - 1 - k];
    return bits;
}

/* IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
static double from_half(uint64_t bits)
{
    const int exponent = (int)(bits >> 10 & 31);
    const double fraction = (double)(bits & 1023), sign = bits >> 15 ? -1.0 : 1.0;
    if (exponent == 31)
        return fraction != 0.0 ? (double)NAN : sign * (double)INFINITY;
    return sign * (exponent ? ldexp(1024.0 + fraction, exponent - 25) : ldexp(fraction, -24));
}

static double from_float(uint64_t bits, size_t size)
{
    if (size == 2)
        return from_half(bits);
    if (size == 4) {
        const uint32_t word = (uint32_t)bits;
        float value;
        memcpy(&value, &word, sizeof value);
        return value;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Whether a double holds an integer of this magnitude exactly: 53 significant bits. */
static bool is_exact(uint64_t magnitude)
{
    while (magnitude >= UINT64_C(1) << 53 && (magnitude & 1) == 0)
        magnitude >>= 1;
    return magnitude <= UINT64_C(1) << 53;
}

/* False for an integer that a double cannot hold. */
static bool convert(const struct npy *npy, const unsigned char *item, double *value)
{
    const uint64_t bits = gather(npy, item);
    if (npy->kind == 'f') {
        *value = from_float(bits, npy->size);
        return true;
    }
    const unsigned n_bits = (unsigned)(8 * npy->size);
    const bool is_negative = npy->kind == 'i' && bits >> (n_bits - 1);
    /* Two's complement: 2^n - bits, where 2^64 is 0 of a uint64_t. */
    const uint64_t modulus = n_bits < 64 ? UINT64_C(1) << n_bits : 0;
    const uint64_t magnitude = is_negative ? modulus - bits : bits;
    if (npy->kind == 'b')
        *value = magnitude ? 1.0 : 0.0;
    else
        *value = is_negative ? -(double)magnitude : (double)magnitude;
    return is_exact(magnitude);
}

/* Shape to rows and columns, checked against the bytes that are there. */
static enum ow_status check_shape(const struct npy *npy, size_t n_bytes, size_t *rows,
                                  size_t *cols)
{
    if (npy->n_dim < 1 || npy->n_dim > 2)
        return ow_fail(npy->err, OW_ERR_INPUT, "%s: %zu dimensions, expected 1 or 2", npy->name,
                       npy->n_dim);
    const size_t r = npy->shape[0], c = npy->n_dim == 2 ? npy->shape[1] : 1;
    if (r == 0 || c == 0)
        return ow_fail(npy->err, OW_ERR_INPUT,
                       "%s: shape (%zu, %zu) is empty, expected a table", npy->name, r, c);
    /* Divisions, because a product of the header's numbers may overflow. */
    if (r > n_bytes / npy->size / c)
        return ow_fail(npy->err, OW_ERR_INPUT,
                       "%s: truncated: %zu x %zu items of %zu bytes expected, the file has %zu "
                       "bytes of data",
                       npy->name, r, c, npy->size, n_bytes);
    if (r * c * npy->size != n_bytes)
        return ow_fail(npy->err, OW_ERR_INPUT,
                       "%s: %zu bytes after the data, expected the end of the file", npy->name,
                       n_bytes - r * c * npy->size);
    *rows = r;
    *cols = c;
    return OW_OK;
}

static enum ow_status read_data(const struct npy *npy, const unsigned char *data,
                                struct ow_matrix *m)
{
    for (size_t r = 0; r < m->rows; r++)
        for (size_t c = 0; c < m->cols; c++) {
            const size_t k = npy->is_fortran ? c * m->rows + r : r * m->cols + c;
            double value;
            if (!convert(npy, data + k * npy->size, &value))
                return ow_fail(npy->err, OW_ERR_INPUT,
                               "%s: [%zu, %zu] is an integer beyond 2^53 that a double cannot "
                               "hold exactly",
                               npy->name, r, c);
            if (!isfinite(value))
                return ow_fail(npy->err, OW_ERR_INPUT,
                               "%s: [%zu, %zu] is %s, expected a finite number", npy->name, r,
                               c, isnan(value) ? "nan" : "infinite");
            ow_matrix_row(m, r)[c] = value;
        }
    return OW_OK;
}

enum ow_status ow_npy_parse(const void *bytes, size_t n, const char *name,
                            struct ow_matrix *out, struct ow_error *err)
{
    struct npy npy = {.name = name, .err = err};
    size_t data = 0, rows = 0, cols = 0;
    enum ow_status st = read_preamble(&npy, bytes, n, &data);
    if (st != OW_OK)
        return st;
    st = check_shape(&npy, n - data, &rows, &cols);
    if (st != OW_OK)
        return st;
    struct ow_matrix m = ow_matrix_create(rows, cols);
    if (!m.a)
        return ow_fail(err, OW_ERR_NOMEM, "%s: out of memory for %zu x %zu numbers", name, rows,
                       cols);
    st = read_data(&npy, (const unsigned char *)bytes + data, &m);
    if (st != OW_OK)
        ow_matrix_finish(&m);
    else
        *out = m;
    return st;
}

/* ---- writing ------------------------------------------------------------------ */

/* Magic, version, length and header of a file with this type and shape. */
static void write_header(FILE *to, enum ow_npy_type type, size_t n_dim, const size_t shape[])
{
    char text[192]; /* three sizes of at most 20 digits and 70 characters of words */
    int n = snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                     type == OW_NPY_F8 ? "<f8" : "<i4");
    for (size_t d = 0; d < n_dim; d++)
        n += snprintf(text + n, sizeof text - (size_t)n, d ? ", %zu" : "%zu", shape[d]);
    n += snprintf(text + n, sizeof text - (size_t)n, "%s), }", n_dim == 1 ? "," : "");
    const size_t before = NPY_MAGIC_LEN + 4, used = before + (size_t)n + 1;
    const size_t length = (used + NPY_ALIGN - 1) / NPY_ALIGN * NPY_ALIGN - before;
    fwrite(NPY_MAGIC, 1, NPY_MAGIC_LEN, to);
    const unsigned char version[4] = {1, 0, (unsigned char)(length & 255),
                                      (unsigned char)(length >> 8)};
    fwrite(version, 1, sizeof version, to);
    fprintf(to, "%-*s\n", (int)length - 1, text);
}

/* n items in little-endian order, whatever the host's. */
static void write_items(FILE *to, const void *data, size_t n, size_t size)
{
    if (!host_is_big()) {
        fwrite(data, size, n, to);
        return;
    }
    const unsigned char *item = data;
    for (size_t k = 0; k < n; k++, item += size)
        for (size_t b = size; b-- > 0;)
            fputc(item[b], to);
}

enum ow_status ow_npy_save(const char *path, const void *data, enum ow_npy_type type,
                           size_t n_dim, const size_t shape[], struct ow_error *err)
{
    const size_t size = type == OW_NPY_F8 ? sizeof(double) : sizeof(int32_t);
    size_t n = 1;
    if (n_dim < 1 || n_dim > 3)
        return ow_fail(err, OW_ERR_INPUT, "%s: %zu dimensions, expected 1 to 3", path, n_dim);
    for (size_t d = 0; d < n_dim; d++) {
        if (shape[d] != 0 && n > SIZE_MAX / size / shape[d])
            return ow_fail(err, OW_ERR_RANGE, "%s: the shape overflows this machine", path);
        n *= shape[d];
    }
    struct ow_file file;
    const enum ow_status st = ow_file_create(path, &file, err);
    if (st != OW_OK)
        return st;
    write_header(file.to, type, n_dim, shape);
    if (n > 0)
        write_items(file.to, data, n, size);
    return ow_file_commit(&file, err);
}
