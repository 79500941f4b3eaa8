/* How long the outputs take: from the start of the pulse (t = 0) until they stay within a
 * band around the DC solution of the same input.  An output is the difference of two sense
 * voltages (ow_lines.h). */
#ifndef OW_LATENCY_H
#define OW_LATENCY_H

#include "ow_lines.h"
#include "ow_reading.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Half a step of a `bits` converter over fs: fs / 2^(bits + 1), in the unit of fs; 8 bits
 * are taken when bits is 0. */
double ow_latency_band(double fs, unsigned bits);

/* Time [s] after which every difference of `lines` is within band (V) of that of v_dc[cols],
 * until t_sample; linear between the points of the waveform, whose rows have `cols` values.  0
 * if no output ever leaves the band.  NaN: not settled at t_sample, the waveform does not reach
 * it, or band is not > 0. */
double ow_latency_settle(const struct ow_waveform *wave, size_t cols,
                         const struct ow_lines *lines, const double v_dc[], double band,
                         double t_sample);

/* Time [s] after which the integral of every difference of `lines` from the first point on is
 * within band (V s) of that to the last, straight lines between the points.  0 if no integral
 * ever is farther from its end.  NaN: band is not > 0. */
double ow_latency_settle_integral(const struct ow_waveform *wave, size_t cols,
                                  const struct ow_lines *lines, double band);

struct ow_latency {
    double median; /* s; a vector that has not settled counts as later than all others, the
                      mean of the middle two for an even number; NaN if that is not settled */
    double worst;  /* s; NaN unless all have settled                                        */
    size_t n_settled;
};

/* settle[n_vec] is sorted in place (the unsettled last). */
struct ow_latency ow_latency_summary(double settle[], size_t n_vec);

#ifdef __cplusplus
}
#endif
#endif
