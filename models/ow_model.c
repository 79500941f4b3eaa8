#include "ow_model.h"

#include <math.h>
#include <string.h>

#include "ow_bracket.h"
#include "ow_series.h"

extern const struct ow_model ow_team, ow_driftdiff, ow_driftdiff_noise, ow_stochastic,
    ow_rram_asu, ow_stanford, ow_stanford_noise, ow_jart, ow_jart_var, ow_threshold,
    ow_lindrift, ow_ddk, ow_yakopcic, ow_selector_exp, ow_selector_ts, ow_ekv;

const struct ow_model *const ow_models[] = {
    &ow_team,     &ow_driftdiff,    &ow_driftdiff_noise, &ow_stochastic,
    &ow_rram_asu, &ow_stanford,     &ow_stanford_noise,  &ow_jart,
    &ow_jart_var, &ow_threshold,    &ow_lindrift,        &ow_ddk,
    &ow_yakopcic, &ow_selector_exp, &ow_selector_ts,     &ow_ekv};
const size_t ow_n_models = sizeof ow_models / sizeof ow_models[0];

const struct ow_model *ow_model_find(const char *name)
{
    for (size_t m = 0; m < ow_n_models; m++)
        if (strcmp(ow_models[m]->name, name) == 0)
            return ow_models[m];
    return NULL;
}

/* y[j] *= factor of cell j. */
static void multiply(const struct ow_cells *cells, size_t k, double *y)
{
    for (size_t j = 0; j < cells->n; j++)
        y[j] *= ow_param_at(cells, k, j);
}

/* True if parameter k has this value in every cell. */
static bool is_all(const struct ow_cells *cells, size_t k, double value)
{
    return !(cells->spread && cells->spread[k]) && cells->param[k] == value;
}

/* ---- the series resistance --------------------------------------------------------------
 *
 * u + rs |i(u)| = |v| for the magnitude u of the device's voltage; i does not fall with u, so
 * there is one root (ow_bracket.h). */

enum { BLOCK = 32 };

typedef void conduct_fn(const struct ow_model *model, const struct ow_cells *cells, double i[],
                        double di_dv[]);

/* Derivatives at constant v from those at constant v_d, of one cell:
 * d v_d/dv = 1/D, d v_d/dx = -rs (di/dx)/D with D = 1 + rs di/dv. */
static void behind_rs(size_t n_state, double rs, size_t j, struct ow_response *out)
{
    const double d = 1.0 + rs * out->di_dv[j];
    out->di_dv[j] /= d;
    for (size_t s = 0; s < n_state; s++) {
        out->di_dx[s][j] /= d;
        for (size_t r = 0; r < n_state; r++)
            out->df_dx[r][s][j] -= out->df_dv[r][j] * (rs * out->di_dx[s][j]);
    }
    for (size_t r = 0; r < n_state; r++)
        out->df_dv[r][j] /= d;
}

/* i and di_dv alone, out of all that eval fills, of at most BLOCK cells. */
static void conduct_block(const struct ow_model *model, const struct ow_cells *cells,
                          double i[], double di_dv[])
{
    double all[OW_MAX_STATES * (3 + OW_MAX_STATES)][BLOCK];
    size_t used = 0;
    struct ow_response out = {.i = i, .di_dv = di_dv};
    for (size_t r = 0; r < model->n_state; r++) {
        out.di_dx[r] = all[used++];
        out.f[r] = all[used++];
        out.df_dv[r] = all[used++];
        for (size_t s = 0; s < model->n_state; s++)
            out.df_dx[r][s] = all[used++];
    }
    model->eval(cells, &out);
}

void ow_cells_slice(const struct ow_model *model, const struct ow_cells *cells, size_t first,
                    size_t n, struct ow_cells *part, const double *spread[OW_MAX_PARAMS])
{
    *part = (struct ow_cells){.n = n, .param = cells->param, .v = cells->v + first};
    for (size_t s = 0; s < model->n_state; s++)
        part->x[s] = cells->x[s] + first;
    part->inner = cells->inner ? cells->inner + first : NULL;
    if (!cells->spread)
        return;
    for (size_t k = 0; k < model->n_param; k++)
        spread[k] = cells->spread[k] ? cells->spread[k] + first : NULL;
    part->spread = spread;
}

/* The quick way, if there is one. */
static void conduct(const struct ow_model *model, const struct ow_cells *cells, double i[],
                    double di_dv[])
{
    if (model->conduct) {
        model->conduct(cells, i, di_dv);
        return;
    }
    for (size_t first = 0; first < cells->n; first += BLOCK) {
        const double *spread[OW_MAX_PARAMS];
        struct ow_cells part;
        ow_cells_slice(model, cells, first, cells->n - first < BLOCK ? cells->n - first : BLOCK,
                       &part, spread);
        conduct_block(model, &part, i + first, di_dv + first);
    }
}

/* Voltages v_d of at most BLOCK cells behind their rs, iterated together: one that is done is
 * evaluated where it is.  i, di_dv: at v_d, without rs. */
static void find_voltages(const struct ow_model *model, const struct ow_cells *cells,
                          conduct_fn *conduct_them, double v_d[], double i[], double di_dv[])
{
    struct ow_bracket b[BLOCK];
    struct ow_cells device = *cells;
    device.v = v_d;
    for (size_t j = 0; j < cells->n; j++)
        b[j] = ow_bracket_start(fabs(cells->v[j]));
    bool is_done = false;
    for (int k = 0; !is_done; k++) {
        for (size_t j = 0; j < cells->n; j++)
            v_d[j] = copysign(b[j].u, cells->v[j]);
        conduct_them(model, &device, i, di_dv);
        is_done = true;
        for (size_t j = 0; j < cells->n && k < OW_BRACKET_MAX; j++)
            if (!b[j].is_done) {
                const double rs = ow_param_at(cells, OW_RS, j), v = fabs(cells->v[j]);
                ow_bracket_narrow(&b[j], rs * fabs(i[j]), rs * di_dv[j], v);
                is_done = is_done && b[j].is_done;
            }
    }
}

static void eval_behind_rs(const struct ow_model *model, const struct ow_cells *cells,
                           struct ow_response *out)
{
    double v_d[BLOCK];
    struct ow_cells device = *cells;
    device.v = v_d;
    /* by eval itself, so that one device and many have the same bits */
    find_voltages(model, cells, conduct_block, v_d, out->i, out->di_dv);
    model->eval(&device, out);
    for (size_t j = 0; j < cells->n; j++)
        behind_rs(model->n_state, ow_param_at(cells, OW_RS, j), j, out);
}

void ow_cells_part(const struct ow_model *model, const struct ow_cells *cells,
                   const struct ow_response *out, size_t first, size_t n, struct ow_cells *part,
                   struct ow_response *to, const double *spread[OW_MAX_PARAMS])
{
    ow_cells_slice(model, cells, first, n, part, spread);
    to->i = out->i + first;
    for (size_t s = 0; s < model->n_state; s++)
        to->f[s] = out->f[s] + first;
    if (!out->di_dv)
        return;
    to->di_dv = out->di_dv + first;
    for (size_t s = 0; s < model->n_state; s++) {
        to->di_dx[s] = out->di_dx[s] + first;
        to->df_dv[s] = out->df_dv[s] + first;
        for (size_t r = 0; r < model->n_state; r++)
            to->df_dx[s][r] = out->df_dx[s][r] + first;
    }
}

/* Derivatives are needed in here even where nobody else wants them. */
enum { N_DERIVATIVE = 1 + OW_MAX_STATES * (2 + OW_MAX_STATES) };

static struct ow_response block_of(double derivative[N_DERIVATIVE][BLOCK])
{
    struct ow_response to = {.di_dv = *derivative++};
    for (size_t r = 0; r < OW_MAX_STATES; r++) {
        to.di_dx[r] = *derivative++;
        to.df_dv[r] = *derivative++;
        for (size_t s = 0; s < OW_MAX_STATES; s++)
            to.df_dx[r][s] = *derivative++;
    }
    return to;
}

static void solve_series(const struct ow_model *model, const struct ow_cells *cells,
                         struct ow_response *out)
{
    double derivative[N_DERIVATIVE][BLOCK];
    for (size_t first = 0; first < cells->n; first += BLOCK) {
        const size_t left = cells->n - first;
        const double *spread[OW_MAX_PARAMS];
        struct ow_cells part;
        struct ow_response to = block_of(derivative);
        ow_cells_part(model, cells, out, first, left < BLOCK ? left : BLOCK, &part, &to,
                      spread);
        eval_behind_rs(model, &part, &to);
    }
}

void ow_eval(const struct ow_model *model, const struct ow_cells *cells,
             struct ow_response *out)
{
    const size_t ns = model->n_state;
    if (model->series) {
        ow_series_eval(model->series, cells, out);
        return;
    }
    if (is_all(cells, OW_RS, 0.0))
        model->eval(cells, out);
    else
        solve_series(model, cells, out);
    const bool is_scaled = !is_all(cells, OW_SCALE, 1.0);
    const bool is_rated = !is_all(cells, OW_RATE, 1.0);
    if (is_scaled)
        multiply(cells, OW_SCALE, out->i);
    for (size_t r = 0; is_rated && r < ns; r++)
        multiply(cells, OW_RATE, out->f[r]);
    if (!out->di_dv)
        return;
    if (is_scaled) {
        multiply(cells, OW_SCALE, out->di_dv);
        for (size_t s = 0; s < ns; s++)
            multiply(cells, OW_SCALE, out->di_dx[s]);
    }
    for (size_t r = 0; is_rated && r < ns; r++) {
        multiply(cells, OW_RATE, out->df_dv[r]);
        for (size_t s = 0; s < ns; s++)
            multiply(cells, OW_RATE, out->df_dx[r][s]);
    }
}

static void conduct_behind_rs(const struct ow_model *model, const struct ow_cells *cells,
                              double i[], double di_dv[])
{
    for (size_t first = 0; first < cells->n; first += BLOCK) {
        const size_t n = cells->n - first < BLOCK ? cells->n - first : BLOCK;
        const double *spread[OW_MAX_PARAMS];
        double v_d[BLOCK];
        struct ow_cells part;
        ow_cells_slice(model, cells, first, n, &part, spread);
        find_voltages(model, &part, conduct, v_d, i + first, di_dv + first);
        for (size_t j = 0; j < n; j++)
            di_dv[first + j] /= 1.0 + ow_param_at(&part, OW_RS, j) * di_dv[first + j];
    }
}

void ow_conduct(const struct ow_model *model, const struct ow_cells *cells, double i[],
                double di_dv[])
{
    if (model->series) {
        ow_series_conduct(model->series, cells, i, di_dv);
        return;
    }
    if (is_all(cells, OW_RS, 0.0))
        conduct(model, cells, i, di_dv);
    else
        conduct_behind_rs(model, cells, i, di_dv);
    if (is_all(cells, OW_SCALE, 1.0))
        return;
    multiply(cells, OW_SCALE, i);
    multiply(cells, OW_SCALE, di_dv);
}

void ow_eval_one(const struct ow_model *model, const double param[], double v, const double x[],
                 struct ow_point *out)
{
    struct ow_cells cell = {.n = 1, .param = param, .v = &v};
    struct ow_response to = {.i = &out->i, .di_dv = &out->di_dv};
    for (size_t r = 0; r < model->n_state; r++) {
        cell.x[r] = &x[r];
        to.di_dx[r] = &out->di_dx[r];
        to.f[r] = &out->f[r];
        to.df_dv[r] = &out->df_dv[r];
        for (size_t s = 0; s < model->n_state; s++)
            to.df_dx[r][s] = &out->df_dx[r][s];
    }
    ow_eval(model, &cell, &to);
}

void ow_fire(const struct ow_model *model, const double param[], double v, double x[])
{
    if (model->series) {
        v = ow_series_inner(model->series, param, v, x);
        model = model->series->part[0];
    }
    if (param[OW_RS] > 0.0) {
        struct ow_point pt;
        double own[OW_MAX_PARAMS];
        memcpy(own, param, model->n_param * sizeof *own);
        own[OW_SCALE] = 1.0; /* the device's own current, which rs carries */
        ow_eval_one(model, own, v, x, &pt);
        v -= param[OW_RS] * pt.i;
    }
    model->fire(param, v, x);
}

size_t ow_param_index(const struct ow_model *model, const char *name)
{
    size_t k = 0;
    while (k < model->n_param && strcmp(model->param[k].name, name) != 0)
        k++;
    return k;
}

void ow_params_default(const struct ow_model *model, double param[])
{
    for (size_t k = 0; k < model->n_param; k++)
        param[k] = model->param[k].dflt;
}

/* A pair's check() is its memristor's. */
static const char *relation_of(const struct ow_model *model, const double param[])
{
    const char *relation = model->check ? model->check(param) : NULL;
    if (relation || !model->series || !model->series->part[1]->check)
        return relation;
    return model->series->part[1]->check(param + model->series->part[0]->n_param);
}

enum ow_status ow_params_check(const struct ow_model *model, const double param[], size_t *bad,
                               struct ow_error *err)
{
    for (size_t k = 0; k < model->n_param; k++) {
        const struct ow_param *p = &model->param[k];
        const bool is_whole = p->choice || k == OW_SEED || k == OW_ID;
        if (param[k] >= p->lo && param[k] <= p->hi &&
            (!is_whole || param[k] == floor(param[k])))
            continue;
        if (bad)
            *bad = k;
        return ow_fail(err, OW_ERR_RANGE, "%s = %g: expected %s from %g to %g %s (%s)", p->name,
                       param[k], is_whole ? "a whole number" : "a number", p->lo, p->hi,
                       strcmp(p->unit, "1") ? p->unit : "", p->doc);
    }
    const char *relation = relation_of(model, param);
    if (relation) {
        if (bad)
            *bad = model->n_param;
        return ow_fail(err, OW_ERR_RANGE, "%s", relation);
    }
    return OW_OK;
}

void ow_states_init(const struct ow_model *model, const double param[], double x[])
{
    for (size_t s = 0; s < model->n_state; s++)
        x[s] = param[model->state[s].init];
    if (model->init)
        model->init(param, x);
}

void ow_params_gather(const struct ow_model *model, const struct ow_cells *cells, size_t j,
                      double out[])
{
    for (size_t k = 0; k < model->n_param; k++)
        out[k] = ow_param_at(cells, k, j);
}
