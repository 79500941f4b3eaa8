/* Matrices in files: every variant byte by byte, every refusal with its message. */
#include "ow_check.h"

#include <dirent.h>
#include <float.h>
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ow_file.h"
#include "ow_table.h"

static char dir[64];

static void set_up(void)
{
    strcpy(dir, "/tmp/ow-table-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

/* Everything a test leaves must be gone but the files it names itself. */
static void tear_down(void)
{
    struct dirent *entry;
    DIR *d = opendir(dir);
    ck_assert_ptr_nonnull(d);
    while ((entry = readdir(d)))
        if (entry->d_name[0] != '.') {
            char path[400];
            snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
            unlink(path);
        }
    closedir(d);
    ck_assert_int_eq(rmdir(dir), 0);
}

static const char *in_dir(const char *name)
{
    static char path[128]; /* one test, one thread */
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void put(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
}

static size_t n_files(void)
{
    size_t n = 0;
    struct dirent *entry;
    DIR *d = opendir(dir);
    ck_assert_ptr_nonnull(d);
    while ((entry = readdir(d)))
        n += entry->d_name[0] != '.';
    closedir(d);
    return n;
}

/* ---- CSV ------------------------------------------------------------------------ */

/* All of these are [[1.5, -2e-3], [7, 0.25]]. */
static const char *const csv_same[] = {
    "1.5,-2e-3\n7,0.25\n",
    "1.5,-2e-3\n7,0.25",       /* no newline at the end  */
    "1.5,-2e-3\r\n7,0.25\r\n", /* Windows                */
    ("\xef\xbb\xbf"
     "1.5,-2e-3\n7,0.25\n"), /* its byte order mark    */
    "# weights\n\n  \n1.5 , -2E-03 # first\n\t7,.25\n\n",
    "1.5;-2e-3\n7;0.25\n",
    "1.5 -2e-3\n7\t0.25\n",
    "  1.5   -0.002  \n +7. \t 0.25 \n",
    "#1,2,3\n1.5,-2e-3\n#7\n7,0.25#",
};

START_TEST(test_csv_variants)
{
    struct ow_error err = {0};
    struct ow_matrix m = {0};
    const char *text = csv_same[_i];
    ck_assert_ok(ow_csv_parse(text, strlen(text), "t.csv", &m, &err), err);
    ck_assert_uint_eq(m.rows, 2);
    ck_assert_uint_eq(m.cols, 2);
    /* Exactly the doubles of a correctly rounding reader. */
    ck_assert_double_eq(ow_matrix_row(&m, 0)[0], 1.5);
    ck_assert_double_eq(ow_matrix_row(&m, 0)[1], -2e-3);
    ck_assert_double_eq(ow_matrix_row(&m, 1)[0], 7.0);
    ck_assert_double_eq(ow_matrix_row(&m, 1)[1], 0.25);
    ow_matrix_finish(&m);
}
END_TEST

/* clang-format off */
static const struct { const char *text, *message; } csv_bad[] = {
    {"",                 "t.csv:1:1: no numbers, expected a table"},
    {"# nothing\n\n",    "t.csv:2:1: no numbers, expected a table"},
    {"1,2\n3\n",         "t.csv:2:1: 1 value in this row, expected 2 as in line 1"},
    {"#\n1,2\n\n 3,4,5", "t.csv:4:2: 3 values in this row, expected 2 as in line 2"},
    {"1,2\n3,abc\n",     "t.csv:2:3: 'abc' is not a number (comments begin with #)"},
    {"1, 2,\n",          "t.csv:1:6: nothing here, expected a number"},
    {"1,,2\n",           "t.csv:1:3: nothing here, expected a number"},
    {",1\n",             "t.csv:1:1: nothing here, expected a number"},
    {"1,2\n3,  NaN\n",   "t.csv:2:5: 'NaN' is not finite, expected a finite number"},
    {"-inf 1\n",         "t.csv:1:1: '-inf' is not finite, expected a finite number"},
    {"1,1e999\n",        "t.csv:1:3: '1e999' is not finite, expected a finite number"},
    {"1,0x10\n",         "t.csv:1:3: '0x10' is not a number (comments begin with #)"},
    {"10k,1\n",          "t.csv:1:1: '10k' is not a number (comments begin with #)"},
    {"1,5;2,5\n",        "t.csv:1:3: '5;2' is not a number (comments begin with #)"},
    {"1 2\n3,4 5\n",     "t.csv:2:1: '3,4' is not a number (comments begin with #)"},
    {"1\x1b[31m,2\n",    "t.csv:1:1: '1?[31m' is not a number (comments begin with #)"},
};
/* clang-format on */

START_TEST(test_csv_refused)
{
    struct ow_error err = {0};
    struct ow_matrix m = {.rows = 77};
    const char *text = csv_bad[_i].text;
    ck_assert_int_eq(ow_csv_parse(text, strlen(text), "t.csv", &m, &err), OW_ERR_INPUT);
    ck_assert_str_eq(err.text, csv_bad[_i].message);
    ck_assert_int_eq(err.status, OW_ERR_INPUT);
    ck_assert_uint_eq(m.rows, 77); /* written on success only */
}
END_TEST

START_TEST(test_csv_long_and_binary_fields)
{
    struct ow_error err = {0};
    struct ow_matrix m = {0};
    char text[600];
    memset(text, '1', sizeof text);
    ck_assert_int_eq(ow_csv_parse(text, sizeof text, "t", &m, &err), OW_ERR_INPUT);
    ck_assert_str_eq(err.text, "t:1:1: 600 characters without a separator, expected a number");
    /* 300 digits are a number. */
    text[0] = '0';
    text[1] = '.';
    ck_assert_ok(ow_csv_parse(text, 300, "t", &m, &err), err);
    ck_assert_double_eq(m.a[0], 1.0 / 9.0);
    ow_matrix_finish(&m);
    ck_assert_int_eq(ow_csv_parse("1,\0002\n", 5, "t", &m, &err), OW_ERR_INPUT);
    ck_assert_str_eq(err.text, "t:1:3: '?2' is not a number (comments begin with #)");
}
END_TEST

START_TEST(test_csv_ignores_the_locale)
{
    static const char *const comma[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8"};
    struct ow_error err = {0};
    struct ow_matrix m = {0};
    /* Where no such locale is installed this is the plain case once more. */
    for (size_t k = 0; k < sizeof comma / sizeof comma[0]; k++)
        if (setlocale(LC_ALL, comma[k]))
            break;
    ck_assert_ok(ow_csv_parse("1.25,2\n", 7, "t", &m, &err), err);
    ck_assert_double_eq(m.a[0], 1.25);
    ow_matrix_finish(&m);
    setlocale(LC_ALL, "C");
}
END_TEST

/* ---- npy ------------------------------------------------------------------------ */

struct bytes {
    unsigned char b[512];
    size_t n;
};

static void add(struct bytes *to, const void *b, size_t n)
{
    ck_assert_uint_le(to->n + n, sizeof to->b);
    memcpy(to->b + to->n, b, n);
    to->n += n;
}

static void add_header(struct bytes *to, unsigned major, const char *header)
{
    const size_t n = strlen(header);
    const unsigned char version[] = {(unsigned char)major, 0};
    const unsigned char length[] = {(unsigned char)(n & 255), (unsigned char)(n >> 8), 0, 0};
    add(to, "\x93NUMPY", 6);
    add(to, version, 2);
    add(to, length, major == 1 ? 2 : 4);
    add(to, header, n);
}

static struct bytes make_npy(unsigned major, const char *header, const void *data, size_t n)
{
    struct bytes f = {.n = 0};
    add_header(&f, major, header);
    add(&f, data, n);
    return f;
}

/* Every type, by the bytes of two items in both orders.  The values are exact in every
 * type that is shown; half: 0x3e00 = 1.5, 0xc500 = -5. */
/* clang-format off */
static const struct { const char *descr; const char *data; size_t size; double a, b; } npy_types[] = {
    {"|b1", "\x01\x00",                                                          1, 1, 0},
    {"|u1", "\x07\xff",                                                          1, 7, 255},
    {"<i1", "\x07\xff",                                                          1, 7, -1},
    {"<u2", "\x34\x12\xff\xff",                                                  2, 4660, 65535},
    {">u2", "\x12\x34\xff\xfe",                                                  2, 4660, 65534},
    {"<i2", "\x34\x12\xfe\xff",                                                  2, 4660, -2},
    {">i4", "\x00\x01\xe2\x40\xff\xff\xff\xf0",                                  4, 123456, -16},
    {"<i4", "\x40\xe2\x01\x00\xf0\xff\xff\xff",                                  4, 123456, -16},
    {"<u4", "\x40\xe2\x01\x00\xf0\xff\xff\xff",                                  4, 123456, 4294967280.0},
    {"<i8", "\x01\0\0\0\0\0\x20\x00" "\0\0\0\0\0\0\0\x80",                        8, 0, 0}, /* below */
    {"<u8", "\0\0\0\0\0\0\x20\x00" "\0\0\0\0\0\0\0\x80",                          8, 9007199254740992.0, 9223372036854775808.0},
    {"<f2", "\x00\x3e\x00\xc5",                                                  2, 1.5, -5},
    {">f2", "\x3e\x00\x00\x01",                                                  2, 1.5, 5.9604644775390625e-8},
    {"<f4", "\x00\x00\xc0\x3f\x00\x00\xa0\xc0",                                  4, 1.5, -5},
    {">f4", "\x3f\xc0\x00\x00\xc0\xa0\x00\x00",                                  4, 1.5, -5},
    {"<f8", "\0\0\0\0\0\0\xf8\x3f" "\0\0\0\0\0\0\x14\xc0",                        8, 1.5, -5},
    {"=f8", "\0\0\0\0\0\0\xf8\x3f" "\0\0\0\0\0\0\x14\xc0",                        8, 1.5, -5},
    {">f8", "\x3f\xf8\0\0\0\0\0\0" "\xc0\x14\0\0\0\0\0\0",                        8, 1.5, -5},
};
/* clang-format on */

START_TEST(test_npy_types)
{
    struct ow_error err = {0};
    struct ow_matrix m = {0};
    char header[128];
    snprintf(header, sizeof header,
             "{'descr': '%s', 'fortran_order': False, 'shape': (1, 2), }  \n",
             npy_types[_i].descr);
    const struct bytes f = make_npy(1, header, npy_types[_i].data, 2 * npy_types[_i].size);
    if (strcmp(npy_types[_i].descr, "<i8") == 0) { /* 2^53 + 1 has no double */
        ck_assert_int_eq(ow_npy_parse(f.b, f.n, "t.npy", &m, &err), OW_ERR_INPUT);
        ck_assert_str_eq(err.text, "t.npy: [0, 0] is an integer beyond 2^53 that a double "
                                   "cannot hold exactly");
        return;
    }
    ck_assert_ok(ow_npy_parse(f.b, f.n, "t.npy", &m, &err), err);
    ck_assert_uint_eq(m.rows, 1);
    ck_assert_uint_eq(m.cols, 2);
    ck_assert_double_eq(m.a[0], npy_types[_i].a);
    ck_assert_double_eq(m.a[1], npy_types[_i].b);
    ow_matrix_finish(&m);
}
END_TEST

static const double six[] = {0.5, -1.25, 3.0, 4.75, 1e-300, -7.5};

/* Headers that mean the same [2][3] array. */
static const struct {
    unsigned major;
    const char *header;
} npy_headers[] = {
    {1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n"},
    {2, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n"},
    {3, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n"},
    {1, "{\"shape\":(2,3,),\"fortran_order\":False,\"descr\":\"<f8\"}"},
    {1, " { 'shape' : ( 2L , 3L ) , 'descr':'<f8','fortran_order' :\tFalse } \n"},
};

START_TEST(test_npy_headers)
{
    struct ow_error err = {0};
    struct ow_matrix m = {0};
    const struct bytes f =
        make_npy(npy_headers[_i].major, npy_headers[_i].header, six, sizeof six);
    ck_assert_ok(ow_npy_parse(f.b, f.n, "t.npy", &m, &err), err);
    ck_assert_uint_eq(m.rows, 2);
    ck_assert_uint_eq(m.cols, 3);
    ck_assert_mem_eq(m.a, six, sizeof six);
    ow_matrix_finish(&m);
}
END_TEST

START_TEST(test_npy_fortran_order_and_one_dimension)
{
    struct ow_error err = {0};
    struct ow_matrix m = {0};
    struct bytes f = make_npy(1, "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }\n",
                              six, sizeof six);
    ck_assert_ok(ow_npy_parse(f.b, f.n, "t.npy", &m, &err), err);
    for (size_t r = 0; r < 2; r++)
        for (size_t c = 0; c < 3; c++)
            ck_assert_double_eq(ow_matrix_row(&m, r)[c], six[c * 2 + r]);
    ow_matrix_finish(&m);
    f = make_npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (6,), }\n", six,
                 sizeof six);
    ck_assert_ok(ow_npy_parse(f.b, f.n, "t.npy", &m, &err), err);
    ck_assert_uint_eq(m.rows, 6);
    ck_assert_uint_eq(m.cols, 1);
    ck_assert_mem_eq(m.a, six, sizeof six);
    ow_matrix_finish(&m);
}
END_TEST

#define HEAD(descr, order, shape)                                                              \
    "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }"
/* clang-format off */
static const struct { unsigned major; const char *header; size_t n_data; const char *message; } npy_bad[] = {
    {1, HEAD("'<f8'", "False", "(2, 3)"), 47, "t.npy: truncated: 2 x 3 items of 8 bytes expected, the file has 47 bytes of data"},
    {1, HEAD("'<f8'", "False", "(2, 2)"), 48, "t.npy: 16 bytes after the data, expected the end of the file"},
    {1, HEAD("'<f8'", "False", "(4294967296, 4294967296)"), 48, "t.npy: truncated: 4294967296 x 4294967296 items of 8 bytes expected, the file has 48 bytes of data"},
    {1, HEAD("'<f8'", "False", "(18446744073709551616,)"), 8, "t.npy: npy header: expected a size that fits this machine at '6,), }'"},
    {1, HEAD("'<f8'", "False", "()"), 8, "t.npy: 0 dimensions, expected 1 or 2"},
    {1, HEAD("'<f8'", "False", "(1, 2, 3)"), 48, "t.npy: 3 dimensions, expected 1 or 2"},
    {1, HEAD("'<f8'", "False", "(0, 3)"), 0, "t.npy: shape (0, 3) is empty, expected a table"},
    {1, HEAD("'<f8'", "False", "(-1, 3)"), 0, "t.npy: npy header: expected a size that fits this machine at '-1, 3), }'"},
    {1, HEAD("'<f8'", "False", "(6)"), 48, "t.npy: npy header: expected a comma at '), }'"},
    {1, HEAD("'<f8'", "False", "[6]"), 48, "t.npy: npy header: expected a shape such as (64, 10) at '[6], }'"},
    {1, HEAD("'|O'", "False", "(6,)"), 48, "t.npy: npy: type '|O' (Python objects), expected bool, an integer of 1 to 8 bytes or a float of 2, 4 or 8 bytes"},
    {1, HEAD("'<c16'", "False", "(3,)"), 48, "t.npy: npy: type '<c16', expected bool, an integer of 1 to 8 bytes or a float of 2, 4 or 8 bytes"},
    {1, HEAD("'<f3'", "False", "(6,)"), 48, "t.npy: npy: type '<f3', expected bool, an integer of 1 to 8 bytes or a float of 2, 4 or 8 bytes"},
    {1, HEAD("'|f8'", "False", "(6,)"), 48, "t.npy: npy: type '|f8', expected bool, an integer of 1 to 8 bytes or a float of 2, 4 or 8 bytes"},
    {1, HEAD("[('a', '<f8')]", "False", "(6,)"), 48, "t.npy: npy header: expected the name of one plain number type (no records) at '[('a', '<f8')], 'fortran_order': False, ...'"},
    {1, HEAD("'<f8'", "0", "(6,)"), 48, "t.npy: npy header: expected True or False at '0, 'shape': (6,), }'"},
    {1, "{'descr': '<f8', 'shape': (6,)}", 48, "t.npy: npy header: no 'fortran_order'"},
    {1, "{'fortran_order': False, 'shape': (6,)}", 48, "t.npy: npy header: no 'descr'"},
    {1, "{'descr': '<f8', 'fortran_order': False}", 48, "t.npy: npy header: no 'shape'"},
    {1, "{'descr': '<f8', 'descr': '<f8', 'shape': (6,)}", 48, "t.npy: npy header: the key just read stands there twice at ': '<f8', 'shape': (6,)}'"},
    {1, "{'descr' '<f8'}", 48, "t.npy: npy header: expected ':' at ''<f8'}'"},
    {1, "{'descr': '<f8' 'shape': (6,)}", 48, "t.npy: npy header: expected ',' or '}' at ''shape': (6,)}'"},
    {1, "{'colour': 1}", 48, "t.npy: npy header: unknown key 'colour', expected descr, fortran_order and shape"},
    {1, "{colour: 1}", 48, "t.npy: npy header: expected a key in quotes at 'colour: 1}'"},
    {1, "descr", 48, "t.npy: npy header: expected '{' at 'descr'"},
    {1, HEAD("'<f8'", "False", "(6,)") " x", 48, "t.npy: npy header: expected nothing more at 'x'"},
    {1, HEAD("'<f8", "False", "(6,)"), 48, "t.npy: npy: type '<f8, ', expected bool, an integer of 1 to 8 bytes or a float of 2, 4 or 8 bytes"},
    {1, "{'descr", 0, "t.npy: npy header: expected a key in quotes at ''descr'"},
    {4, HEAD("'<f8'", "False", "(6,)"), 48, "t.npy: npy version 4.0, expected 1.0, 2.0 or 3.0"},
};
/* clang-format on */

START_TEST(test_npy_refused)
{
    struct ow_error err = {0};
    struct ow_matrix m = {.rows = 77};
    const struct bytes f =
        make_npy(npy_bad[_i].major, npy_bad[_i].header, six, npy_bad[_i].n_data);
    ck_assert_int_eq(ow_npy_parse(f.b, f.n, "t.npy", &m, &err), OW_ERR_INPUT);
    ck_assert_str_eq(err.text, npy_bad[_i].message);
    ck_assert_uint_eq(m.rows, 77);
}
END_TEST

/* A file that was cut anywhere is refused, and says that it is short. */
START_TEST(test_npy_cut_anywhere)
{
    const struct bytes f = make_npy(
        1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n", six, sizeof six);
    for (size_t n = 0; n < f.n; n++) {
        struct ow_error err = {0};
        struct ow_matrix m = {0};
        unsigned char *copy = malloc(n + 1); /* so that a read beyond it is seen */
        memcpy(copy, f.b, n);
        ck_assert_int_eq(ow_npy_parse(copy, n, "t.npy", &m, &err), OW_ERR_INPUT);
        ck_assert_ptr_nonnull(strstr(err.text, n < 6 ? "\\x93NUMPY" : "truncated"));
        free(copy);
    }
}
END_TEST

START_TEST(test_npy_not_finite)
{
    struct ow_error err = {0};
    struct ow_matrix m = {0};
    double a[6];
    for (int c = 0; c < 3; c++) {
        memcpy(a, six, sizeof a);
        a[4] = c == 0 ? NAN : c == 1 ? INFINITY : -INFINITY;
        const struct bytes f = make_npy(
            1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n", a, sizeof a);
        ck_assert_int_eq(ow_npy_parse(f.b, f.n, "t.npy", &m, &err), OW_ERR_INPUT);
        ck_assert_str_eq(err.text, c == 0
                                       ? "t.npy: [1, 1] is nan, expected a finite number"
                                       : "t.npy: [1, 1] is infinite, expected a finite number");
    }
    const struct bytes f =
        make_npy(1, "{'descr': '<f2', 'fortran_order': False, 'shape': (1,), }", "\x00\x7e", 2);
    ck_assert_int_eq(ow_npy_parse(f.b, f.n, "t.npy", &m, &err), OW_ERR_INPUT);
    ck_assert_str_eq(err.text, "t.npy: [0, 0] is nan, expected a finite number");
}
END_TEST

/* ---- files ---------------------------------------------------------------------- */

START_TEST(test_save_writes_numpys_bytes)
{
    struct ow_error err = {0};
    const char *path = in_dir("w.npy");
    const int32_t label[] = {3, -1, 70000};
    const size_t shape[] = {3};
    char *bytes;
    size_t n;
    ck_assert_ok(ow_npy_save(path, label, OW_NPY_I4, 1, shape, &err), err);
    ck_assert_ok(ow_file_read(path, 1000, &bytes, &n, &err), err);
    /* What numpy 1.24 writes for np.array([3, -1, 70000], '<i4'). */
    static const char head[] = "\x93NUMPY\x01\x00\x76\x00"
                               "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }";
    ck_assert_uint_eq(n, 128 + 12);
    ck_assert_mem_eq(bytes, head, sizeof head - 1);
    for (size_t k = sizeof head - 1; k < 127; k++)
        ck_assert_int_eq(bytes[k], ' ');
    ck_assert_int_eq(bytes[127], '\n');
    ck_assert_mem_eq(bytes + 128, "\x03\0\0\0\xff\xff\xff\xff\x70\x11\x01\0", 12);
    free(bytes);
}
END_TEST

START_TEST(test_save_and_load_agree)
{
    struct ow_error err = {0};
    struct ow_matrix m = ow_matrix_create(5, 7), back = {0};
    const char *path = in_dir("w.npy");
    for (size_t k = 0; k < 35; k++)
        m.a[k] = sin((double)k * 1.37) * pow(10.0, (double)k - 17.0);
    m.a[3] = -0.0;
    m.a[4] = DBL_TRUE_MIN;
    ck_assert_ok(ow_table_save(path, &m, &err), err);
    ck_assert_ok(ow_table_save(path, &m, &err), err); /* over itself */
    ck_assert_ok(ow_table_load(path, &back, &err), err);
    ck_assert_uint_eq(back.rows, 5);
    ck_assert_uint_eq(back.cols, 7);
    ck_assert_mem_eq(back.a, m.a, 35 * sizeof *m.a);
    ck_assert_uint_eq(n_files(), 1);
    ow_matrix_finish(&m);
    ow_matrix_finish(&back);
}
END_TEST

START_TEST(test_save_three_dimensions_and_none)
{
    struct ow_error err = {0};
    const size_t three[] = {2, 1, 3}, empty[] = {0, 3}, huge[] = {SIZE_MAX / 8, 3, 1};
    char *bytes;
    size_t n;
    ck_assert_ok(ow_npy_save(in_dir("a.npy"), six, OW_NPY_F8, 3, three, &err), err);
    ck_assert_ok(ow_file_read(in_dir("a.npy"), 1000, &bytes, &n, &err), err);
    ck_assert_uint_eq(n, 128 + sizeof six);
    ck_assert_ptr_nonnull(strstr(bytes + 10, "'shape': (2, 1, 3), }"));
    ck_assert_mem_eq(bytes + 128, six, sizeof six);
    free(bytes);
    ck_assert_ok(ow_npy_save(in_dir("b.npy"), NULL, OW_NPY_F8, 2, empty, &err), err);
    ck_assert_int_eq(ow_npy_save(in_dir("c.npy"), six, OW_NPY_F8, 3, huge, &err), OW_ERR_RANGE);
    ck_assert_int_eq(ow_npy_save(in_dir("c.npy"), six, OW_NPY_F8, 0, three, &err),
                     OW_ERR_INPUT);
    ck_assert_uint_eq(n_files(), 2);
}
END_TEST

START_TEST(test_load_decides_by_name_and_magic)
{
    struct ow_error err = {0};
    struct ow_matrix m = {0};
    const struct bytes f = make_npy(
        1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n", six, sizeof six);
    put(in_dir("w.dat"), f.b, f.n);
    ck_assert_ok(ow_table_load(in_dir("w.dat"), &m, &err), err);
    ck_assert_uint_eq(m.cols, 3);
    ow_matrix_finish(&m);
    put(in_dir("w.NPY"), "1,2\n", 4);
    ck_assert_int_eq(ow_table_load(in_dir("w.NPY"), &m, &err), OW_ERR_INPUT);
    ck_assert_ptr_nonnull(strstr(err.text, "w.NPY: does not begin with \\x93NUMPY"));
    put(in_dir("w.txt"), "1,2\n", 4);
    ck_assert_ok(ow_table_load(in_dir("w.txt"), &m, &err), err);
    ck_assert_double_eq(m.a[1], 2.0);
    ow_matrix_finish(&m);
}
END_TEST

START_TEST(test_file_errors)
{
    struct ow_error err = {0};
    struct ow_matrix m = {0};
    char *bytes, want[256];
    size_t n;
    const double one = 1.0;
    const size_t shape[] = {1};
    ck_assert_int_eq(ow_table_load(in_dir("none.csv"), &m, &err), OW_ERR_FILE);
    snprintf(want, sizeof want, "%s/none.csv: cannot be opened: No such file or directory",
             dir);
    ck_assert_str_eq(err.text, want);
    ck_assert_int_eq(ow_table_load(dir, &m, &err), OW_ERR_FILE);
    snprintf(want, sizeof want, "%s: is a directory, expected a file", dir);
    ck_assert_str_eq(err.text, want);
    put(in_dir("long"), "123456", 6);
    ck_assert_int_eq(ow_file_read(in_dir("long"), 5, &bytes, &n, &err), OW_ERR_FILE);
    snprintf(want, sizeof want, "%s/long: longer than 5 bytes", dir);
    ck_assert_str_eq(err.text, want);
    ck_assert_ok(ow_file_read(in_dir("long"), 6, &bytes, &n, &err), err);
    ck_assert_uint_eq(n, 6);
    ck_assert_str_eq(bytes, "123456");
    free(bytes);

    ck_assert_int_eq(ow_npy_save(in_dir("no/x.npy"), &one, OW_NPY_F8, 1, shape, &err),
                     OW_ERR_FILE);
    snprintf(want, sizeof want, "%s/no/x.npy: cannot be written: No such file or directory",
             dir);
    ck_assert_str_eq(err.text, want);
    ck_assert_int_eq(ow_npy_save(dir, &one, OW_NPY_F8, 1, shape, &err), OW_ERR_FILE);
    snprintf(want, sizeof want, "%s: exists and is not a regular file", dir);
    ck_assert_str_eq(err.text, want);
    ck_assert_int_eq(ow_npy_save("/dev/null", &one, OW_NPY_F8, 1, shape, &err), OW_ERR_FILE);
    ck_assert_int_eq(ow_npy_save("", &one, OW_NPY_F8, 1, shape, &err), OW_ERR_FILE);
    ck_assert_uint_eq(n_files(), 1);
}
END_TEST

/* A file without an end is refused at the limit instead of filling the memory. */
START_TEST(test_endless_file)
{
    struct ow_error err = {0};
    char *bytes;
    size_t n;
    ck_assert_int_eq(ow_file_read("/dev/zero", 100000, &bytes, &n, &err), OW_ERR_FILE);
    ck_assert_str_eq(err.text, "/dev/zero: longer than 100000 bytes");
}
END_TEST

/* The old content stays until the new one is whole. */
START_TEST(test_replacing_is_atomic)
{
    struct ow_error err = {0};
    struct ow_file file = {0};
    char *bytes;
    size_t n;
    put(in_dir("x"), "old", 3);
    ck_assert_ok(ow_file_create(in_dir("x"), &file, &err), err);
    fputs("new", file.to);
    fflush(file.to);
    ck_assert_ok(ow_file_read(in_dir("x"), 10, &bytes, &n, &err), err);
    ck_assert_str_eq(bytes, "old");
    free(bytes);
    ow_file_discard(&file);
    ow_file_discard(&file);
    ck_assert_uint_eq(n_files(), 1);
    ck_assert_ok(ow_file_create(in_dir("x"), &file, &err), err);
    fputs("new", file.to);
    ck_assert_ok(ow_file_commit(&file, &err), err);
    ck_assert_ok(ow_file_read(in_dir("x"), 10, &bytes, &n, &err), err);
    ck_assert_str_eq(bytes, "new");
    free(bytes);
    ck_assert_uint_eq(n_files(), 1);
    struct stat info;
    const mode_t mask = umask(022);
    umask(mask);
    ck_assert_int_eq(stat(in_dir("x"), &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0666 & ~mask);
}
END_TEST

/* A write that fails half-way: the reader's end of the disk is played by a stream that
 * was closed underneath. */
START_TEST(test_failed_write_leaves_the_old_file)
{
    struct ow_error err = {0};
    struct ow_file file = {0};
    char *bytes;
    size_t n;
    put(in_dir("x"), "old", 3);
    ck_assert_ok(ow_file_create(in_dir("x"), &file, &err), err);
    FILE *full = fopen("/dev/full", "wb");
    ck_assert_ptr_nonnull(full);
    ck_assert_int_ge(dup2(fileno(full), fileno(file.to)), 0);
    fputs("new", file.to);
    ck_assert_int_eq(ow_file_commit(&file, &err), OW_ERR_FILE);
    ck_assert_ptr_nonnull(strstr(err.text, "x: cannot be written: No space left on device"));
    fclose(full);
    ck_assert_ok(ow_file_read(in_dir("x"), 10, &bytes, &n, &err), err);
    ck_assert_str_eq(bytes, "old");
    free(bytes);
    ck_assert_uint_eq(n_files(), 1);
}
END_TEST

START_TEST(test_beside)
{
    static const struct {
        const char *base, *name, *path;
    } row[] = {
        {"a/b/spec.yaml", "w.npy", "a/b/w.npy"}, {"spec.yaml", "data/w.npy", "data/w.npy"},
        {"a/spec.yaml", "/w.npy", "/w.npy"},     {NULL, "w.npy", "w.npy"},
        {"/spec.yaml", "w.npy", "/w.npy"},
    };
    for (size_t k = 0; k < sizeof row / sizeof row[0]; k++) {
        char *path = ow_file_beside(row[k].base, row[k].name);
        ck_assert_str_eq(path, row[k].path);
        free(path);
    }
}
END_TEST

#define N(table) ((int)(sizeof(table) / sizeof(table)[0]))

int main(void)
{
    Suite *suite = suite_create("table");
    TCase *tc = tcase_create("csv");
    tcase_add_loop_test(tc, test_csv_variants, 0, N(csv_same));
    tcase_add_loop_test(tc, test_csv_refused, 0, N(csv_bad));
    tcase_add_test(tc, test_csv_long_and_binary_fields);
    tcase_add_test(tc, test_csv_ignores_the_locale);
    suite_add_tcase(suite, tc);

    tc = tcase_create("npy");
    tcase_add_loop_test(tc, test_npy_types, 0, N(npy_types));
    tcase_add_loop_test(tc, test_npy_headers, 0, N(npy_headers));
    tcase_add_loop_test(tc, test_npy_refused, 0, N(npy_bad));
    tcase_add_test(tc, test_npy_fortran_order_and_one_dimension);
    tcase_add_test(tc, test_npy_cut_anywhere);
    tcase_add_test(tc, test_npy_not_finite);
    suite_add_tcase(suite, tc);

    tc = tcase_create("files");
    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, test_save_writes_numpys_bytes);
    tcase_add_test(tc, test_save_and_load_agree);
    tcase_add_test(tc, test_save_three_dimensions_and_none);
    tcase_add_test(tc, test_load_decides_by_name_and_magic);
    tcase_add_test(tc, test_file_errors);
    tcase_add_test(tc, test_endless_file);
    tcase_add_test(tc, test_replacing_is_atomic);
    tcase_add_test(tc, test_failed_write_leaves_the_old_file);
    tcase_add_test(tc, test_beside);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
