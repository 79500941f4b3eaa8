/* ngspice's binary raw format: what its `load`, gaw and xschem read. */
#ifndef OW_RAW_H
#define OW_RAW_H

#include <stddef.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The head of one plot of a transient analysis; the points follow it, variable by variable, as
 * native doubles.  Variables are named one by one: the first is time, in s.  The date is left
 * out, so that the same run gives the same file. */
void ow_raw_begin(FILE *to, const char *title, size_t n_variable, size_t n_point);
/* `kind` is "time", "voltage" or "current". */
void ow_raw_variable(FILE *to, size_t k, const char *name, const char *kind);
void ow_raw_points(FILE *to);

#ifdef __cplusplus
}
#endif
#endif
