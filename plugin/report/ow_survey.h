/* What a store holds, small enough for a hundred thousand points: axes, states and figures.
 *
 * A combination is one value of every axis but `seeds`; its points are the Monte Carlo. */
#ifndef OW_SURVEY_H
#define OW_SURVEY_H

#include "ow_limits.h"
#include "ow_store.h"

enum { OW_SURVEY_MAX_AXES = 32, OW_SURVEY_MAX_FIGURES = 64, OW_SURVEY_MAX_SEEN = 8 };

/* The first name of an axis stands for it; the others of a zip go along. */
struct ow_axis {
    char *name, *others; /* "device.set", "device.g_min, device.g_max" or NULL */
    char *zipped;        /* "device.g_min: 1 µS, 100 µS; ..." or NULL          */
    size_t n, stride;
    double *number; /* [n] the first name's values; NaN where it is none     */
    char **text;    /* [n] the same for people: "0.5 Ω"                      */
    bool is_number; /* all of them are numbers, and different                */
    bool is_seeds, is_size;
    const char *unit; /* "ohm", "" for a pure number                          */
    char *title;      /* "word-line resistance of a segment"                  */
};

/* The figures that every report looks at, in this order; then those of the limits and others
 * that are asked for. */
enum {
    OW_F_CSNR_RAW,
    OW_F_CSNR_ARRAY,
    OW_F_CSNR_COLUMN,
    OW_F_ENOB,
    OW_F_TOP1,
    OW_F_TOP1_IDEAL,
    OW_F_PER_MAC,
    OW_F_DRIVERS,
    OW_F_DEVICES,
    OW_F_WIRES,
    OW_F_SENSE,
    OW_F_DAC,
    OW_F_ADC,
    OW_F_LATENCY,
    OW_F_ROWS,
    OW_F_COLS,
    OW_F_N_VEC,
    OW_F_N_IN,
    OW_F_N_OUT,
    OW_F_IDEAL_WIRES,
    OW_N_F
};

struct ow_measure {
    char name[200];
    const char *unit;
    char title[120]; /* "ENOB, one gain and offset" */
    bool is_more_better;
};

/* Up to a few different texts, in the order of their appearance. */
struct ow_seen {
    size_t n; /* different ones, not all of which are kept */
    char *text[OW_SURVEY_MAX_SEEN];
};

struct ow_survey {
    size_t n_axis, n_point;
    struct ow_axis axis[OW_SURVEY_MAX_AXES];
    size_t seeds; /* the axis; n_axis: none */

    size_t n_figure;
    struct ow_measure figure[OW_SURVEY_MAX_FIGURES];
    size_t accuracy, energy; /* the figures that the report is about */

    struct ow_limits limits;
    size_t limit_figure[OW_MAX_LIMITS];

    /* rows, in the order of their numbers */
    size_t n_row;
    size_t *id;
    unsigned char *status;
    signed char *pass;
    double *value; /* [n_row][n_figure] */
    double *wall_s;
    char **note; /* NULL, or a failed row's error or a missed limit: of the first rows and
                    of the first that failed                                             */
    size_t count[OW_N_POINT_STATUS];
    size_t n_pass, n_miss;

    /* rows by combination: order[first[c]] to order[first[c + 1] - 1] */
    size_t n_combo;
    size_t *first, *order;

    char *path, *base, *files, *machine, *version, *began; /* about */
    struct ow_seen versions, hosts, errors;
    char first_began[32], last_ended[32];
    double cpu_s;
    int64_t peak_bytes;
    double *work; /* [n_row] for quantiles */
};

/* Rows beyond this many keep no error text, unless they are among the first to fail. */
enum { OW_SURVEY_NOTES = 1000 };

/* `more` is NULL or a further figure, by its full name.  OW_ERR_FILE: damaged. */
enum ow_status ow_survey_init(struct ow_store *store, const char *more, struct ow_survey *out,
                              struct ow_error *err);
void ow_survey_finish(struct ow_survey *s);

/* Where a row, or a combination, stands on an axis. */
size_t ow_survey_index(const struct ow_survey *s, size_t row, size_t axis);
size_t ow_combo_index(const struct ow_survey *s, size_t combo, size_t axis);
/* The combination at index[n_axis]; that of the seeds does not matter. */
size_t ow_combo_at(const struct ow_survey *s, const size_t index[]);

struct ow_combo {
    size_t n, n_done, n_pass; /* points: all, with a result, that keep every limit */
};
struct ow_combo ow_combo_count(const struct ow_survey *s, size_t combo);

/* 10 %, median and 90 % of the done points' values (linear between neighbours), NaN without
 * any. */
struct ow_spread {
    double lo, median, hi;
    size_t n;
};
struct ow_spread ow_combo_spread(const struct ow_survey *s, size_t combo, size_t figure);
/* Median only, in units of energy per MAC: mean per vector over its n_in n_out products. */
double ow_combo_per_mac(const struct ow_survey *s, size_t combo, size_t figure);

/* The figure's index, n_figure if the survey has not looked at it. */
size_t ow_survey_figure(const struct ow_survey *s, const char *name);

#endif
