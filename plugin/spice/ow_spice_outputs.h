/* What ngspice's time points say of the sense outputs, whichever deck they come from: into a
 * reading. */
#ifndef OW_SPICE_OUTPUTS_H
#define OW_SPICE_OUTPUTS_H

#include "ow_spice.h"

struct ow_outputs {
    const struct ow_pulse *pulse; /* borrowed, as the following */
    struct ow_reading *out;
    bool is_integrator;
    size_t n_gain;                  /* gain nodes: cols, or 0                         */
    double t;                       /* s, of the point before; < 0: there is none     */
    bool is_converted;              /* `converted` of the last point is what was sampled   */
    double *converted;              /* [cols] V, of the point at hand, likewise            */
    double *v, *gain;               /* [cols] V, of the point at hand: for the caller */
    double *v_before, *gain_before; /* [cols] V */
};

/* Clears what points add to in `out`.  OW_ERR_NOMEM; finish is fine after a failure. */
enum ow_status ow_outputs_init(const struct ow_circuit *circuit, const struct ow_pulse *pulse,
                               struct ow_reading *out, struct ow_outputs *o,
                               struct ow_error *err);
void ow_outputs_finish(struct ow_outputs *o);

/* An operating point, or a time point that follows the one before; v and gain are filled. */
enum ow_status ow_outputs_take(struct ow_outputs *o, const struct ow_spice_point *point,
                               struct ow_error *err);

#endif
