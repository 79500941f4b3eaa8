#include "ow_program_json.h"

#include "ow_json.h"

double ow_program_energy_total(const struct ow_program_result *r)
{
    const struct ow_energy *e = &r->energy;
    return e->drivers + e->devices + e->wires + e->sense + e->stored;
}

static json_t *program(const struct ow_array *a, const struct ow_program_result *r)
{
    const struct ow_json_row g_error[] = {{"rms", r->g_rms}, {"max", r->g_max}};
    const struct ow_json_row disturb[] = {
        {"rms", r->disturb_rms}, {"max", r->disturb_max}, {"fraction", r->disturb_fraction}};
    json_t *change = OW_JSON_OBJECT(disturb);
    json_object_set_new(change, "events", json_integer(r->events_disturb));
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:o, s:o}", "scheme",
                     a->spec->program.scheme == OW_WRITE_V2 ? "v2" : "v3", "rows",
                     (json_int_t)r->n_row, "pulses", (json_int_t)r->pulses.rows, "selected",
                     (json_int_t)r->n_selected, "missed", (json_int_t)r->n_missed, "events",
                     (json_int_t)r->events, "tolerance", a->spec->program.verify.tolerance,
                     "g_error", OW_JSON_OBJECT(g_error), "disturb", change);
}

json_t *ow_program_json(const struct ow_array *a, const struct ow_program_result *r)
{
    const double total = ow_program_energy_total(r);
    const struct ow_json_row energy[] = {{"total", total},
                                         {"per_cell", total / (double)r->n_selected},
                                         {"drivers", r->energy.drivers},
                                         {"devices", r->energy.devices},
                                         {"wires", r->energy.wires},
                                         {"stored", r->energy.stored},
                                         {"balance_residual", r->residual}};
    const struct ow_json_row solver[] = {{"steps", r->steps}, {"wall_s", r->wall_s}};
    json_t *root = json_object();
    json_object_set_new(root, "program", program(a, r));
    json_object_set_new(root, "energy", OW_JSON_OBJECT(energy));
    json_object_set_new(root, "array",
                        json_pack("{s:I, s:I}", "rows", (json_int_t)a->xb.rows, "cols",
                                  (json_int_t)a->xb.cols));
    json_object_set_new(root, "solver", OW_JSON_OBJECT(solver));
    json_object_set_new(root, "warnings", ow_json_warnings(&r->warnings));
    return root;
}
