/* Text tables, see ow_table.h. */
#define _GNU_SOURCE /* strtod_l: a decimal comma in the caller's locale must not matter */
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ow_quote.h"
#include "ow_table.h"

struct csv {
    const char *at, *end; /* what is left                                    */
    const char *name;
    size_t line;       /* from 1                                          */
    const char *begin; /* of the line                                     */
    char separator;    /* ',' or ';' or ' ' for any blanks; 0 = undecided */
    locale_t c_locale;
    double *a; /* [room] values so far, row by row                */
    size_t n, room;
    size_t rows, cols, first_line; /* first_line holds the first row         */
    struct ow_error *err;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static size_t column(const struct csv *csv, const char *at)
{
    return (size_t)(at - csv->begin) + 1;
}

static enum ow_status append(struct csv *csv, double value)
{
    if (csv->n == csv->room) {
        const size_t room = csv->room ? 2 * csv->room : 256;
        double *a = realloc(csv->a, room * sizeof *a);
        if (!a)
            return ow_fail(csv->err, OW_ERR_NOMEM, "%s: out of memory for %zu numbers",
                           csv->name, room);
        csv->a = a;
        csv->room = room;
    }
    csv->a[csv->n++] = value;
    return OW_OK;
}

/* The separator of a file is that of its first row. */
static char find_separator(const char *line, const char *end)
{
    if (memchr(line, ',', (size_t)(end - line)))
        return ',';
    return memchr(line, ';', (size_t)(end - line)) ? ';' : ' ';
}

/* One field, without blanks around it. */
static enum ow_status read_field(struct csv *csv, const char *field, const char *end)
{
    enum { LONGEST = 400 };
    char copy[LONGEST + 1];
    const size_t len = (size_t)(end - field), col = column(csv, field);
    if (len == 0)
        return ow_fail(csv->err, OW_ERR_INPUT, "%s:%zu:%zu: nothing here, expected a number",
                       csv->name, csv->line, col);
    if (len > LONGEST)
        return ow_fail(csv->err, OW_ERR_INPUT,
                       "%s:%zu:%zu: %zu characters without a separator, expected a number",
                       csv->name, csv->line, col, len);
    memcpy(copy, field, len);
    copy[len] = '\0';
    char *rest;
    const double value = strtod_l(copy, &rest, csv->c_locale);
    /* strtod also reads 0x10, which in a table is more likely a mistake. */
    if (rest != copy + len || memchr(copy, 'x', len) || memchr(copy, 'X', len))
        return ow_fail(csv->err, OW_ERR_INPUT,
                       "%s:%zu:%zu: '%s' is not a number (comments begin with #)", csv->name,
                       csv->line, col, ow_quote(copy, len).text);
    if (!isfinite(value))
        return ow_fail(csv->err, OW_ERR_INPUT,
                       "%s:%zu:%zu: '%s' is not finite, expected a finite number", csv->name,
                       csv->line, col, ow_quote(copy, len).text);
    return append(csv, value);
}

/* Cut a line into fields; blanks around a field do not count.  A run of blanks is one
 * separator, two commas enclose an empty field. */
static enum ow_status read_fields(struct csv *csv, const char *at, const char *end, size_t *n)
{
    for (;;) {
        while (at < end && is_blank(*at))
            at++;
        const char *stop = at;
        while (stop < end &&
               (csv->separator == ' ' ? !is_blank(*stop) : *stop != csv->separator))
            stop++;
        const char *next = stop;
        while (stop > at && is_blank(stop[-1]))
            stop--;
        const enum ow_status st = read_field(csv, at, stop);
        if (st != OW_OK)
            return st;
        ++*n;
        if (next >= end)
            return OW_OK;
        at = next + 1;
    }
}

static enum ow_status read_line(struct csv *csv, const char *end)
{
    const char *at = csv->begin, *comment = memchr(at, '#', (size_t)(end - at));
    if (comment)
        end = comment;
    while (at < end && is_blank(*at))
        at++;
    while (end > at && is_blank(end[-1]))
        end--;
    if (at == end)
        return OW_OK;
    if (!csv->separator)
        csv->separator = find_separator(at, end);
    size_t n = 0;
    const enum ow_status st = read_fields(csv, at, end, &n);
    if (st != OW_OK)
        return st;
    if (csv->rows == 0) {
        csv->cols = n;
        csv->first_line = csv->line;
    } else if (n != csv->cols) {
        return ow_fail(csv->err, OW_ERR_INPUT,
                       "%s:%zu:%zu: %zu value%s in this row, expected %zu as in line %zu",
                       csv->name, csv->line, column(csv, at), n, n == 1 ? "" : "s", csv->cols,
                       csv->first_line);
    }
    csv->rows++;
    return OW_OK;
}

static enum ow_status read_lines(struct csv *csv)
{
    while (csv->at < csv->end) {
        const char *end = memchr(csv->at, '\n', (size_t)(csv->end - csv->at));
        if (!end)
            end = csv->end;
        csv->line++;
        csv->begin = csv->at;
        const enum ow_status st = read_line(csv, end);
        if (st != OW_OK)
            return st;
        csv->at = end < csv->end ? end + 1 : end;
    }
    if (csv->rows == 0)
        return ow_fail(csv->err, OW_ERR_INPUT, "%s:%zu:1: no numbers, expected a table",
                       csv->name, csv->line ? csv->line : 1);
    return OW_OK;
}

enum ow_status ow_csv_parse(const char *text, size_t n, const char *name, struct ow_matrix *out,
                            struct ow_error *err)
{
    const bool has_mark = n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
    struct csv csv = {
        .at = text + (has_mark ? 3 : 0), .end = text + n, .name = name, .err = err};
    csv.c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!csv.c_locale)
        return ow_fail(err, OW_ERR_NOMEM, "%s: out of memory", name);
    const enum ow_status st = read_lines(&csv);
    freelocale(csv.c_locale);
    if (st != OW_OK) {
        free(csv.a);
        return st;
    }
    *out = (struct ow_matrix){.rows = csv.rows, .cols = csv.cols, .a = csv.a};
    return OW_OK;
}
