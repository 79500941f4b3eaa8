/* Pictures through gnuplot, when it is installed. */
#ifndef OW_CLI_PLOT_H
#define OW_CLI_PLOT_H

#include "cli.h"
#include "ow_iv.h"
#include "ow_matrix.h"
#include "ow_reading.h"

/* Write the sense outputs of one read against time as CSV. */
enum ow_status cli_write_wave(const char *path, const char *host, const struct ow_reading *r,
                              struct ow_error *err);

/* Overlay both hosts' waveforms in an SVG: the outputs of the n_shown columns given; `name` is
 * what the engine is called.
 * OW_ERR_HOST if gnuplot is missing or fails. */
enum ow_status cli_plot_waves(const char *path, const char *title, const char *name,
                              const struct ow_reading *engine, const struct ow_reading *spice,
                              const size_t column[], size_t n_shown, double t_sample,
                              struct ow_error *err);

/* Current-voltage loops of one kind of device. */
struct cli_loops {
    const char *title;
    const struct ow_iv_wave *wave;  /* [n_device] drawn as lines                          */
    const struct ow_iv_wave *spice; /* [n_device] drawn as points, or NULL                */
    size_t n_device, cycles;
    double period;                    /* s                                                */
    const struct ow_matrix *measured; /* NULL, or points: the last two columns are v, i   */
};

/* An SVG with i(v) beside log |i|.  OW_ERR_HOST if gnuplot is missing or fails. */
enum ow_status cli_plot_loops(const char *path, const struct cli_loops *loops,
                              struct ow_error *err);

#endif
