#include "ow_noise.h"

#include <math.h>

#include "ow_physics.h"
#include "ow_random.h"

double ow_noise_temperature(const struct ow_crossbar *xb)
{
    const size_t k = ow_param_index(xb->model, "temp");
    return OW_ZERO_CELSIUS + (k < xb->model->n_param ? xb->param[k] : 27.0);
}

double ow_noise_thermal(const struct ow_crossbar *xb, const struct ow_matrix *g,
                        double bandwidth, size_t j)
{
    const double kt = OW_K_EV * OW_Q * ow_noise_temperature(xb); /* J */
    double sum = 0.0;
    for (size_t i = 0; i < g->rows; i++)
        sum += ow_matrix_row(g, i)[j];
    /* A sense resistor shares the current with the devices; an amplifier's input is a ground.
     */
    const double r =
        xb->sense.kind != OW_SENSE_RESISTOR ? xb->sense.r_f : 1.0 / (1.0 / xb->sense.r_f + sum);
    return r * sqrt(4.0 * kt * bandwidth * sum);
}

void ow_noise_add_thermal(const struct ow_crossbar *xb, const struct ow_matrix *g,
                          double bandwidth, struct ow_matrix *v_sense)
{
    for (size_t j = 0; bandwidth > 0.0 && j < v_sense->cols; j++) {
        const double deviation = ow_noise_thermal(xb, g, bandwidth, j);
        for (size_t read = 0; read < v_sense->rows; read++) {
            const struct ow_draw_key key = {.seed = (uint32_t)xb->param[OW_SEED],
                                            .purpose = OW_DRAW_THERMAL,
                                            .id = (uint64_t)xb->spread[OW_ID][j],
                                            .event = read};
            ow_matrix_row(v_sense, read)[j] += deviation * ow_draw_normal(&key);
        }
    }
}

double ow_noise_flicker(double k, double f_lo, double f_hi)
{
    return sqrt(k * log(f_hi / f_lo));
}
