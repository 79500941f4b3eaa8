/* The specification of a characterisation: a YAML file with one map a section, numbers
 * with SPICE suffixes, every key optional but what to multiply.
 *
 *   vmm:    {weights: w.npy, inputs: {random: [100, 64]}}
 *   array:  {r_wordline: 2.5, c_wordline: 0.1f}
 *   device: {model: team, set: ow_benign, params: {r_on: 12k}}
 *
 * struct ow_spec mirrors the sections; one table (ow_spec_keys.c) says of every key its
 * type, unit, default, range and place in the struct, and feeds loading, defaults, `--set`,
 * the resolved print and the help alike.
 *
 * Messages begin with FILE:LINE:COLUMN (or the --set option) and the full key. */
#ifndef OW_SPEC_H
#define OW_SPEC_H

#include <stdint.h>
#include <stdio.h>

#include "ow_accuracy.h"
#include "ow_crossbar.h"
#include "ow_lines.h"
#include "ow_periphery.h"
#include "ow_yaml.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A matrix from a file, or a random one: weights normal (0, 1), inputs uniform in [0, 1)
 * or, when signed, in (-1, 1). */
struct ow_source {
    char *path; /* as it can be opened from here; NULL if random */
    bool is_random;
    size_t rows, cols;    /* of the random matrix                          */
    uint32_t random_seed; /* the specification's `seed` unless given       */
};

/* Entries whose names the specification does not know, with their places: kept as they
 * stand, later ones (from --set) in place of earlier ones of the same name. */
struct ow_entry {
    const struct ow_node *key, *value; /* borrowed from the specification */
};
struct ow_section {
    size_t n;
    struct ow_entry *entry; /* [n] */
};

/* One memristor; in series with a transistor or a selector; 2T2R is 1T1R in both arms of the
 * differential mapping. */
enum ow_cell_kind { OW_CELL_1R, OW_CELL_1T1R, OW_CELL_1S1R, OW_CELL_2T2R };
/* How an input becomes pulses: one of that height; one of v_read for each of its bits; or one
 * of v_read and that width. */
enum ow_encoding { OW_ENCODING_AMPLITUDE, OW_ENCODING_BIT_SERIAL, OW_ENCODING_PULSE_WIDTH };
enum ow_state_rule { OW_STATE_RESTORE, OW_STATE_CARRY };
enum ow_write_scheme { OW_WRITE_V2, OW_WRITE_V3 };
enum ow_write_order { OW_ORDER_ROWS, OW_ORDER_CELLS };
enum ow_converter_kind { OW_CONVERTER_IDEAL, OW_CONVERTER_SUBCKT };
enum ow_driver_kind { OW_DRIVER_RESISTOR, OW_DRIVER_SUBCKT };
enum ow_engine_kind { OW_ENGINE_CVODE, OW_ENGINE_NGSPICE, OW_ENGINE_DC, OW_ENGINE_COSIM };

/* Full scale, see DESIGN section 4. */
struct ow_range_choice {
    enum ow_range_rule rule;
    double lo, hi; /* output units; of OW_RANGE_FIXED, lo < hi */
};

/* Which input vectors calibrate: every second one, all, or the first n. */
enum ow_vectors_rule { OW_VECTORS_HALF, OW_VECTORS_ALL, OW_VECTORS_FIRST };
struct ow_vectors {
    enum ow_vectors_rule rule;
    size_t n; /* of OW_VECTORS_FIRST, >= 1 */
};

/* Word lines and bit lines of one array, where the weights take several; 0, 0: one array. */
struct ow_tile {
    size_t rows, cols; /* >= 1, >= 2 */
};

/* Which word lines: all of the array, or a list in the order in which it was written. */
struct ow_rows {
    size_t n;    /* 0: all */
    size_t *row; /* [n] owned */
};

/* A subcircuit of the user's, as written. */
struct ow_block_source {
    char *file, *subckt; /* NULL: none */
    struct ow_section pins, params;
};

struct ow_spec_memory;

/* SI units.  `auto` is NaN for a number and 0 for a count. */
struct ow_spec {
    char *path; /* the file's name, for messages */
    struct {
        struct ow_source weights, inputs;
        char *labels; /* NULL: none */
    } vmm;
    struct {
        enum ow_cell_kind cell;
        size_t rows, cols; /* 0: as many as the weights need             */
        struct ow_tile tile;
        double r_wordline, r_bitline, c_wordline, c_bitline; /* a segment */
        double r_driver;
    } array;
    struct {
        const struct ow_model *model;
        char *set; /* name of a set, or path of a file; NULL: model defaults       */
        struct ow_section params;    /* as written                                 */
        double param[OW_MAX_PARAMS]; /* [model->n_param] defaults, then the set, then
                                        params; `seed` is the specification's      */
        double g_min, g_max;         /* S                                          */
        double cp;                   /* F across each device                       */
        double sigma_d2d, sigma_program, sigma_read; /* relative                   */
        double noise_bandwidth;     /* Hz; 0: no noise                                 */
        double flicker;             /* f S_I/I^2                                       */
        double flicker_time;        /* s                                               */
        double stuck_on, stuck_off; /* fractions of all cells                     */
    } device;
    struct {
        const struct ow_model *model; /* NULL: none (1R)                                 */
        char *set;
        struct ow_section params;
        double param[OW_MAX_PARAMS]; /* as of the device                                 */
    } access;
    struct {
        const struct ow_model *model; /* device.model, or it and access.model in series   */
        struct ow_series *series;     /* owned; NULL: 1R                                 */
        double param[OW_MAX_PARAMS];  /* the device's, then the access device's          */
    } cell;
    struct {
        enum ow_scheme scheme;
        size_t levels; /* 0: continuous                      */
        size_t slices; /* devices in a weight's digits, >= 1 */
    } mapping;
    struct {
        enum ow_encoding encoding;
        double v_read, t_read, t_rise; /* V, s, s                             */
        size_t bits;                   /* 0: not quantised                    */
        double v_supply;               /* V; NaN: v_read, see ow_spec_v_supply */
        enum ow_state_rule state;
        bool is_signed;
    } input;
    struct ow_sense sense;              /* r_f NaN: chosen from the calibration currents */
    struct ow_block_source sense_block; /* of sense.amp: subckt                       */
    bool is_inverting;                  /* its output falls with the current          */
    struct {
        enum ow_driver_kind kind;
        struct ow_block_source block;
    } driver;
    struct {
        char *lib, *corner; /* NULL: none; without a section */
    } process;
    struct ow_periphery periphery; /* made of these */
    bool allows_commands; /* in these netlists: whoever loads it says so, not the file */
    struct {
        size_t bits; /* 0: ideal */
        struct ow_range_choice range;
        double energy;               /* J a conversion; NaN: not known, counts as null */
        double t_conv;               /* s a conversion                                 */
        size_t share;                /* columns that take turns at one converter       */
        double offset, sigma_offset; /* V, of all converters, and of each */
        enum ow_converter_kind kind;
        struct ow_block_source block;
    } adc;
    struct {
        struct ow_vectors vectors;
    } calibration;
    struct {
        enum ow_engine_kind name;
        double rtol;
        double tol; /* cosim: of v_read, between both sides at every port */
    } engine;
    struct {
        bool is_given; /* some key of it is; without it the values below mean nothing   */
        enum ow_write_scheme scheme;
        char *begin;       /* conductances before the first pulse; NULL: all at g_min     */
        char *target;      /* conductances to reach; NULL: those of the weights           */
        double r_driver;   /* ohm, of a bit line's driver; NaN: array.r_driver            */
        double v_gate_off; /* V over the bit line, of 1T1R cells on other word lines     */
        struct {
            double v_set, v_reset;  /* V, of opposite sign                              */
            double t_width, t_rise; /* s                                                */
            size_t count;           /* pulses in a row, without verification            */
            enum ow_write_order order;
            struct ow_rows rows;
        } pulses;
        struct {
            double tolerance;  /* of g_max - g_min                                      */
            size_t max_pulses; /* of each polarity to a row or cell; 0: open loop       */
        } verify;
    } program;
    size_t seed; /* below 2^32 */
    struct ow_section sweep, limits;
    struct ow_spec_memory *memory;
};

/* Whether its engine is, or has a part in, ngspice. */
static inline bool ow_spec_needs_ngspice(const struct ow_spec *spec)
{
    return spec->engine.name == OW_ENGINE_NGSPICE || spec->engine.name == OW_ENGINE_COSIM;
}

static inline double ow_spec_v_supply(const struct ow_spec *spec)
{
    const double v = spec->input.v_supply;
    return v == v ? v : spec->input.v_read;
}

/* Bits of an input that are read one by one; else 1. */
static inline size_t ow_spec_n_bit(const struct ow_spec *spec)
{
    return spec->input.encoding == OW_ENCODING_BIT_SERIAL ? spec->input.bits : 1;
}

/* Reads that a vector takes: of each bit, and of positive and negative inputs. */
static inline size_t ow_spec_n_phase(const struct ow_spec *spec)
{
    return ow_spec_n_bit(spec) * (spec->input.is_signed ? 2 : 1);
}

/* Relative change of a device's current from read to read: sigma_read and 1/f noise. */
double ow_spec_sigma_read(const struct ow_spec *spec);

/* Load `path`; overrides is NULL or a NULL-terminated list of "array.rows=128", the later
 * ones winning.  An override's value is YAML ("[1, 2]", "{random: [8, 8]}"), its files lie
 * where the program runs, those of the file beside the file.  Everything is checked, also
 * that the files named can be read.  On failure *spec is as it was. */
enum ow_status ow_spec_load(const char *path, const char *const overrides[],
                            struct ow_spec *spec, struct ow_error *err);
/* The same for a text; `path` stands for its file. */
enum ow_status ow_spec_parse(const char *text, size_t n, const char *path,
                             const char *const overrides[], struct ow_spec *spec,
                             struct ow_error *err);
void ow_spec_finish(struct ow_spec *spec); /* frees and zeroes */

/* An outline: the file and the overrides are read, but not yet what they say.  Only `path`,
 * the sections and ow_spec_node() mean something then, and keys that are needed may lack. */
enum ow_status ow_spec_outline(const char *path, const char *const overrides[],
                               struct ow_spec *spec, struct ow_error *err);
enum ow_status ow_spec_outline_text(const char *text, size_t n, const char *path,
                                    const char *const overrides[], struct ow_spec *spec,
                                    struct ow_error *err);

/* Another value for a key, as in "array.rows" or "device.params.r_on", which
 * ow_spec_check_key() has approved of. */
struct ow_setting {
    const char *key;
    const struct ow_node *value;
};
/* An outline with some values changed, without its sweep and limits, read and checked like a
 * file of its own.  It borrows outline and settings until ow_spec_finish(). */
enum ow_status ow_spec_vary(const struct ow_spec *outline, const struct ow_setting setting[],
                            size_t n, struct ow_spec *spec, struct ow_error *err);

/* Whether a setting may have the key that stands in this scalar. */
enum ow_status ow_spec_check_key(const struct ow_node *key, struct ow_error *err);
/* Unit ("ohm", "1" for a pure number) and meaning of a key, also of a `device.params.NAME` of
 * that model, which may be NULL, and of an `access.params.NAME`.  False: there is no such key.
 */
bool ow_spec_key_about(const char *key, const struct ow_model *model, const char **unit,
                       const char **doc);
/* Whether a key takes whole numbers only. */
bool ow_spec_is_count(const char *key);
/* The node that decides a key; NULL: its default. */
const struct ow_node *ow_spec_node(const struct ow_spec *spec, const char *key);

/* Nothing may be written over the files that it names: see ow_file_keep(). */
enum ow_status ow_spec_keep_files(const struct ow_spec *spec, struct ow_error *err);

/* Refuse sections that `command` ("vmm") would ignore and another command wants, and the
 * lack of one that it needs. */
enum ow_status ow_spec_for(const struct ow_spec *spec, const char *command,
                           struct ow_error *err);

/* Fail with the place and name of a key in front: for what only shows later, such as a
 * conductance range that the device cannot reach.  `key` as in "device.g_max". */
enum ow_status ow_spec_fail(const struct ow_spec *spec, const char *key, struct ow_error *err,
                            enum ow_status status, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* The whole specification as YAML that loads again, with every default, every device
 * parameter and, as comments, where each value came from.  OW_ERR_FILE if `to` fails. */
enum ow_status ow_spec_print(const struct ow_spec *spec, FILE *to, struct ow_error *err);
/* The same without comments, a third of the length. */
enum ow_status ow_spec_print_plain(const struct ow_spec *spec, FILE *to, struct ow_error *err);

/* A value in YAML's flow style, on one line. */
void ow_node_print(FILE *to, const struct ow_node *node);

/* Every key with default, unit, range and meaning. */
enum ow_status ow_spec_help(FILE *to, struct ow_error *err);

#ifdef __cplusplus
}
#endif
#endif
