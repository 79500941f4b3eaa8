/* Noise of the devices while they are read.
 *
 * Thermal (Nyquist, Phys. Rev. 32 (1928) 110): a conductance g at the temperature T carries a
 * noise current of the mean square 4 k T g B in the bandwidth B.  Devices are independent, so
 * a bit line collects 4 k T B sum(g), which the sense amplifier turns into a voltage.  It does
 * not vanish where no voltage is applied, as a change of the conductance would: it is added to
 * the sense outputs.  For ideal wires; a line between the devices and the amplifier lets less
 * through.  Amplifier and feedback or sense resistor have no noise of their own here.
 *
 * 1/f (Hooge, Phys. Lett. A 29 (1969) 139): the relative power density of the current is K/f,
 * whatever the voltage: a change of the conductance, of the variance K ln(f_hi/f_lo) between
 * the lowest and the highest frequency seen.  It widens sigma_read (ow_mapping.h). */
#ifndef OW_NOISE_H
#define OW_NOISE_H

#include "ow_crossbar.h"
#include "ow_matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Temperature [K] of all devices: the model's `temp`, or 27 degrees Celsius if it has none. */
double ow_noise_temperature(const struct ow_crossbar *xb);

/* Standard deviation [V] of sense output j in `bandwidth` [Hz] with the conductances
 * g[rows][cols] [S]. */
double ow_noise_thermal(const struct ow_crossbar *xb, const struct ow_matrix *g,
                        double bandwidth, size_t j);

/* Add it to v_sense[n_read][cols] [V].  Each draw is keyed by the seed of `xb`, the id of the
 * column's first cell and the read.  A bandwidth of 0 changes nothing. */
void ow_noise_add_thermal(const struct ow_crossbar *xb, const struct ow_matrix *g,
                          double bandwidth, struct ow_matrix *v_sense);

/* Relative standard deviation of 1/f noise, 0 < f_lo <= f_hi [Hz]. */
double ow_noise_flicker(double k, double f_lo, double f_hi);

#ifdef __cplusplus
}
#endif
#endif
