/* One point of a store simulated again, from the specification in its row, for what no row
 * holds: voltages in the array, waveforms, errors of single outputs. */
#ifndef OW_AGAIN_H
#define OW_AGAIN_H

#include <signal.h>

#include "ow_pictures.h"
#include "ow_vmm.h"

struct ow_again_options {
    size_t point;
    size_t tile;           /* of the arrays, that whose voltages are looked at */
    size_t column, vector; /* output of it and input vector of the waveforms   */
    const char *codemodel; /* of ngspice, for points that it has a part in; or NULL */
    const volatile sig_atomic_t *cancel;
};

struct ow_again {
    struct ow_again_options options;
    struct ow_spec spec;
    struct ow_problem problem;
    char *text;       /* the specification as YAML                            */
    double wall_s;    /* s, that the point took in the sweep                  */
    double csnr_db;   /* that it has in the store                             */
    json_t *warnings; /* of its run, texts; NULL: none                        */
};

/* OW_ERR_INPUT: there is no such point, it has no specification, its files are gone, or it has
 * no such column or vector. */
enum ow_status ow_again_init(struct ow_store *store, const struct ow_again_options *options,
                             struct ow_again *out, struct ow_error *err);
void ow_again_finish(struct ow_again *a);

/* How much of the read voltage does not arrive at each device, every input at full scale; bit
 * lines of subcircuits, and of amplifiers that would be at a rail, end in signal ground. */
enum ow_status ow_again_drop(const struct ow_again *a, const struct ow_canvas *canvas,
                             struct ow_gnuplot *g, FILE *caption, struct ow_error *err);
/* The sense outputs of the column's two bit lines, one vector. */
enum ow_status ow_again_waves(const struct ow_again *a, const struct ow_canvas *canvas,
                              struct ow_gnuplot *g, FILE *caption, struct ow_error *err);
/* How the errors of all outputs are spread. */
enum ow_status ow_again_histogram(const struct ow_again *a, const struct ow_canvas *canvas,
                                  struct ow_gnuplot *g, FILE *caption, struct ow_error *err);

/* All sources and sense outputs of that read as an ngspice raw file; node names as in the
 * decks of `ohmweave netlist`. */
enum ow_status ow_again_raw(const struct ow_again *a, const char *path, struct ow_error *err);

#endif
