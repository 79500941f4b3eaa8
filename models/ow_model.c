#include "ow_model.h"

#include <math.h>
#include <string.h>

extern const struct ow_model ow_team, ow_driftdiff, ow_stochastic;

const struct ow_model *const ow_models[] = {&ow_team, &ow_driftdiff, &ow_stochastic};
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

static bool is_one(const struct ow_cells *cells, size_t k)
{
    return !(cells->spread && cells->spread[k]) && cells->param[k] == 1.0;
}

void ow_eval(const struct ow_model *model, const struct ow_cells *cells,
             struct ow_response *out)
{
    const size_t ns = model->n_state;
    model->eval(cells, out);
    if (!is_one(cells, OW_SCALE)) {
        multiply(cells, OW_SCALE, out->i);
        multiply(cells, OW_SCALE, out->di_dv);
        for (size_t s = 0; s < ns; s++)
            multiply(cells, OW_SCALE, out->di_dx[s]);
    }
    if (!is_one(cells, OW_RATE))
        for (size_t r = 0; r < ns; r++) {
            multiply(cells, OW_RATE, out->f[r]);
            multiply(cells, OW_RATE, out->df_dv[r]);
            for (size_t s = 0; s < ns; s++)
                multiply(cells, OW_RATE, out->df_dx[r][s]);
        }
}

void ow_eval_one(const struct ow_model *model, const double param[], double v,
                 const double x[], struct ow_point *out)
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

enum ow_status ow_params_check(const struct ow_model *model, const double param[],
                               size_t *bad, struct ow_error *err)
{
    for (size_t k = 0; k < model->n_param; k++) {
        const struct ow_param *p = &model->param[k];
        const bool is_whole = p->choice || k == OW_SEED || k == OW_ID;
        if (param[k] >= p->lo && param[k] <= p->hi &&
            (!is_whole || param[k] == floor(param[k])))
            continue;
        if (bad)
            *bad = k;
        return ow_fail(err, OW_ERR_RANGE, "%s = %g: expected %s from %g to %g %s (%s)",
                       p->name, param[k], is_whole ? "a whole number" : "a number", p->lo,
                       p->hi, strcmp(p->unit, "1") ? p->unit : "", p->doc);
    }
    const char *relation = model->check ? model->check(param) : NULL;
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
