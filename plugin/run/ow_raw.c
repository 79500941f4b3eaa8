#include "ow_raw.h"

void ow_raw_begin(FILE *to, const char *title, size_t n_variable, size_t n_point)
{
    fputs("Title: ", to);
    for (; *title; title++) /* a line is a line */
        fputc((unsigned char)*title < 0x20 ? ' ' : *title, to);
    fprintf(to,
            "\nPlotname: Transient Analysis\nFlags: real\nNo. Variables: %zu\n"
            "No. Points: %zu\nVariables:\n",
            n_variable, n_point);
}

void ow_raw_variable(FILE *to, size_t k, const char *name, const char *kind)
{
    fprintf(to, "\t%zu\t%s\t%s\n", k, name, kind);
}

void ow_raw_points(FILE *to)
{
    fputs("Binary:\n", to);
}
