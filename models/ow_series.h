/* A cell of two elements in series, as one model: a memristor from TE to the inner node, an
 * access device (transistor, selector) from there to BE.  The inner node has no capacitance;
 * its voltage follows from
 *
 *   i_m(u, x_m) = i_a(v - u, x_a)
 *
 * where neither side falls with its own voltage: one root u between 0 and v, found to rounding
 * by Newton's method inside a bracket.  With g_m, g_a the slopes there,
 *
 *   di/dv = g_m g_a/(g_m + g_a),   du/dv = g_a/(g_m + g_a),
 *   du/dx_m = -(di_m/dx_m)/(g_m + g_a),   du/dx_a = (di_a/dx_a)/(g_m + g_a).
 *
 * The access device's slope is that at the last iterate but one, some 1e-7 of the voltages
 * away.
 *
 * Parameters and states are the memristor's, then the access device's with a prefix: what is
 * spread over the cells, drawn, stuck or programmed is the memristor's, at the indices that it
 * has alone.  Each element keeps its own scale, rate and rs. */
#ifndef OW_SERIES_H
#define OW_SERIES_H

#include "ow_model.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_series {
    struct ow_model model;          /* the pair; model.series is this struct          */
    const struct ow_model *part[2]; /* memristor and access device, of the registry   */
    struct ow_param param[OW_MAX_PARAMS];
    struct ow_state state[OW_MAX_STATES];
    char name[64], doc[128];
    char param_name[OW_MAX_PARAMS][32], state_name[OW_MAX_STATES][32];
};

/* The access device's parameters are PREFIX.NAME, its states PREFIX_NAME.  OW_ERR_INPUT if they
 * have too many states or parameters together, or if the access device jumps; OW_ERR_NOMEM. */
enum ow_status ow_series_create(const struct ow_model *memristor, const struct ow_model *access,
                                const char *prefix, struct ow_series **out,
                                struct ow_error *err);
void ow_series_destroy(struct ow_series *series);

/* What ow_eval(), ow_conduct() and ow_fire() do for such a model. */
void ow_series_eval(const struct ow_series *series, const struct ow_cells *cells,
                    struct ow_response *out);
void ow_series_conduct(const struct ow_series *series, const struct ow_cells *cells, double i[],
                       double di_dv[]);
/* u of one cell. */
double ow_series_inner(const struct ow_series *series, const double param[], double v,
                       const double x[]);

#ifdef __cplusplus
}
#endif
#endif
