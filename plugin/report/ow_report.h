/* The report of a sweep: one page, or single pictures and files.  Reads a store, simulates one
 * of its points again, starts gnuplot. */
#ifndef OW_REPORT_H
#define OW_REPORT_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "ow_status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ow_report_figure {
    OW_REPORT_ACCURACY,
    OW_REPORT_ENERGY,
    OW_REPORT_HEAT,
    OW_REPORT_PARTS,
    OW_REPORT_DROP,
    OW_REPORT_WAVES,
    OW_REPORT_HISTOGRAM,
    OW_REPORT_N_FIGURE
};
extern const char *const ow_report_figure_name[OW_REPORT_N_FIGURE]; /* "accuracy", ... */

struct ow_report_options {
    const char *version; /* of this program, for the page                             */
    const char *heat;    /* NULL, or "KEY,KEY" or "KEY,KEY,FIGURE": that map alone    */
    bool has_point;
    size_t point;          /* that is looked at closely; else the passing one with the worst
                              accuracy, or the last that is done                      */
    size_t tile;           /* of its arrays, 0 where there is one                     */
    size_t column, vector; /* of its waveforms                                        */
    const char *codemodel; /* path of ohmweave.cm, for points with a part in ngspice; or NULL */
    const volatile sig_atomic_t *cancel;
};

struct ow_report;

/* The options are borrowed until close.  OW_ERR_FILE: no store; OW_ERR_INPUT: no point of it is
 * done, or a key, or point, tile, column or vector other than 0, that it does not have. */
enum ow_status ow_report_open(const char *store, const struct ow_report_options *options,
                              struct ow_report **out, struct ow_error *err);
void ow_report_close(struct ow_report *report);

/* The page.  Pictures that could not be made are left out, with the reason in their place; that
 * gnuplot is not there is OW_ERR_HOST. */
enum ow_status ow_report_page(struct ow_report *report, const char *path, struct ow_error *err);

/* One picture; a name that ends in .png is a PNG, .svg an SVG, all others are OW_ERR_INPUT. */
enum ow_status ow_report_plot(struct ow_report *report, enum ow_report_figure figure,
                              const char *path, struct ow_error *err);

/* Waveforms of the chosen point as an ngspice raw file. */
enum ow_status ow_report_raw(struct ow_report *report, const char *path, struct ow_error *err);

/* Question and answer: a new reference, NULL without memory. */
json_t *ow_report_json(const struct ow_report *report);
size_t ow_report_point(const struct ow_report *report);

#ifdef __cplusplus
}
#endif
#endif
