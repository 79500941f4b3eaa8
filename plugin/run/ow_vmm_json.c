#include "ow_vmm_json.h"

#include <math.h>

#include "ow_json.h"

static json_t *deviation(const struct ow_deviation *d)
{
    const struct ow_json_row rows[] = {{"rel_l2", d->rel_l2},
                                       {"csnr_db", d->csnr_db},
                                       {"rmse_fs", d->rmse_fs},
                                       {"max_fs", d->max_fs},
                                       {"enob", d->enob}};
    return OW_JSON_OBJECT(rows);
}

static json_t *deviations(const struct ow_deviations *d)
{
    json_t *object = json_object();
    json_object_set_new(object, "total", deviation(&d->total));
    json_object_set_new(object, "circuit", deviation(&d->circuit));
    json_object_set_new(object, "quantisation", deviation(&d->quantisation));
    return object;
}

static json_t *accuracy(const struct ow_accuracy *a)
{
    const struct ow_json_row rows[] = {{"fs", a->fs},
                                       {"top1", a->top1},
                                       {"top1_ideal", a->top1_ideal},
                                       {"top1_column", a->top1_column}};
    json_t *object = OW_JSON_OBJECT(rows);
    json_object_set_new(object, "raw", deviations(&a->raw));
    json_object_set_new(object, "array", deviations(&a->array));
    json_object_set_new(object, "column", deviations(&a->column));
    return object;
}

double ow_vmm_energy_total(const struct ow_vmm_result *r)
{
    const struct ow_bill *bill = &r->cost.billed;
    const struct ow_energy *e = &r->cost.physical;
    return e->drivers + e->devices + e->wires + e->sense + e->stored +
           (isnan(bill->dac) ? 0.0 : bill->dac) + (isnan(bill->adc) ? 0.0 : bill->adc);
}

static json_t *energy(const struct ow_vmm_result *r)
{
    const struct ow_cost *c = &r->cost;
    const struct ow_json_row rows[] = {{"per_mac", c->per_mac},
                                       {"per_mac_array", c->per_mac_array},
                                       {"total", ow_vmm_energy_total(r)},
                                       {"drivers", c->physical.drivers},
                                       {"devices", c->physical.devices},
                                       {"wires", c->physical.wires},
                                       {"sense", c->physical.sense},
                                       {"adc", c->billed.adc},
                                       {"stored", c->physical.stored},
                                       {"balance_residual", c->balance_residual},
                                       {"hand_check_devices", r->hand_devices}};
    const struct ow_json_row bill[] = {
        {"drivers", c->billed.drivers}, {"amplifiers", c->billed.amplifiers},
        {"dac", c->billed.dac},         {"adc", c->billed.adc},
        {"total", c->billed.total},     {"v_supply", r->billing.v_supply},
        {"t_cycle", r->billing.t_cycle}};
    json_t *object = OW_JSON_OBJECT(rows);
    char scope[96];
    ow_cost_scope(&r->billing, c, scope);
    const struct ow_json_row own[] = {{"drivers_static", c->physical.driver_static},
                                      {"drivers_dynamic", c->physical.driver_dynamic},
                                      {"sense_static", c->physical.sense_static},
                                      {"sense_dynamic", c->physical.sense_dynamic},
                                      {"adc_static", c->physical.adc_static},
                                      {"adc_dynamic", c->physical.adc_dynamic}};
    json_object_set_new(object, "supplies", OW_JSON_OBJECT(own));
    json_object_set_new(object, "billed", OW_JSON_OBJECT(bill));
    json_object_set_new(object, "scope", json_string(scope));
    return object;
}

/* Of all reads together; per accepted point they say how hard the coupling was. */
static json_t *coupling(const struct ow_coupling *c)
{
    const struct ow_json_row rows[] = {{"points", (double)c->points},
                                       {"rejected", (double)c->rejected},
                                       {"iterations", (double)c->iterations},
                                       {"solutions", (double)c->solutions},
                                       {"mismatch", c->mismatch},
                                       {"worst_port", (double)c->worst_port}};
    return OW_JSON_OBJECT(rows);
}

json_t *ow_vmm_json(const struct ow_problem *p, const struct ow_vmm_result *r)
{
    const struct ow_json_row latency[] = {{"median", r->latency.median},
                                          {"worst", r->latency.worst}};
    const struct ow_json_row inputs[] = {{"mean", r->inputs.mean},
                                         {"mean_square", r->inputs.mean_square},
                                         {"zeros", r->inputs.zeros}};
    const struct ow_json_row solver[] = {{"steps", r->steps},
                                         {"wall_s", r->wall_s},
                                         {"setup_s", r->setup_s},
                                         {"control_wall_s", r->control_s}};
    const struct ow_json_row adc[] = {{"lo", r->adc_range.lo}, {"hi", r->adc_range.hi}};
    const struct ow_json_row states[] = {{"moved", r->moved}};
    const struct ow_sense *s = &p->array->xb.sense;
    const bool is_integrator = s->kind == OW_SENSE_INTEGRATOR;
    const struct ow_json_row sense[] = {{"r_f", is_integrator ? NAN : s->r_f},
                                        {"r_in", is_integrator ? s->r_f : NAN},
                                        {"c_int", is_integrator ? s->c_int : NAN}};
    const struct ow_json_row bits[] = {{"input", r->billing.input_bits},
                                       {"weight", r->billing.weight_bits},
                                       {"output", (double)p->spec->adc.bits}};
    json_t *root = json_object(), *acc = accuracy(&r->accuracy);
    json_object_set_new(acc, "clipped", ow_json_number(r->clipped));
    json_object_set_new(root, "accuracy", acc);
    json_object_set_new(root, "energy", energy(r));
    json_object_set_new(root, "tops_per_watt", ow_json_number(r->cost.tops_per_watt));
    json_object_set_new(root, "tops_per_watt_1b", ow_json_number(r->cost.tops_per_watt_1b));
    json_object_set_new(root, "latency", OW_JSON_OBJECT(latency));
    json_object_set_new(root, "array",
                        json_pack("{s:I, s:I, s:[I, I]}", "rows", (json_int_t)p->array->xb.rows,
                                  "cols", (json_int_t)p->array->xb.cols, "tiles",
                                  (json_int_t)p->n_row_tile, (json_int_t)p->n_col_tile));
    json_object_set_new(root, "vmm",
                        json_pack("{s:I, s:I, s:I, s:I}", "n_vec", (json_int_t)p->n_vec, "n_in",
                                  (json_int_t)p->n_in, "n_out", (json_int_t)p->n_out, "reads",
                                  (json_int_t)p->n_phase)); /* of each vector */
    json_object_set_new(root, "inputs", OW_JSON_OBJECT(inputs));
    json_object_set_new(root, "bits", OW_JSON_OBJECT(bits)); /* 0: continuous */
    json_object_set_new(root, "sense", OW_JSON_OBJECT(sense));
    json_object_set_new(root, "adc", OW_JSON_OBJECT(adc));
    json_object_set_new(root, "states", OW_JSON_OBJECT(states));
    json_t *all = OW_JSON_OBJECT(solver);
    if (p->spec->engine.name == OW_ENGINE_COSIM)
        json_object_set_new(all, "coupling", coupling(&r->coupling));
    json_object_set_new(root, "solver", all);
    json_object_set_new(root, "ideal_wires", accuracy(&r->ideal_wires));
    json_object_set_new(root, "warnings", ow_json_warnings(&r->warnings));
    return root;
}
