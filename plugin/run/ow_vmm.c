#include "ow_vmm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- from readings to measures ------------------------------------------------------ */

struct context {
    const struct ow_problem *problem;
    const struct ow_vmm_options *options;
    bool *is_calibration; /* [n_vec] */
    double *labels;       /* [n_vec] or NULL */
    size_t n_done, n_total;
};

static enum ow_status context_init(const struct ow_problem *p,
                                   const struct ow_vmm_options *options, struct context *c,
                                   struct ow_error *err)
{
    *c = (struct context){.problem = p,
                          .options = options,
                          .is_calibration = calloc(p->n_vec, sizeof *c->is_calibration),
                          .labels = p->labels ? calloc(p->n_vec, sizeof *c->labels) : NULL,
                          .n_total = 2 * p->n_vec * p->n_phase};
    if (!c->is_calibration || (p->labels && !c->labels))
        return ow_fail(err, OW_ERR_NOMEM, "calibration: out of memory");
    for (size_t k = 0; k < p->n_vec; k++) {
        c->is_calibration[k] = ow_problem_calibrates(p, k);
        if (c->labels)
            c->labels[k] = p->labels[k];
    }
    return OW_OK;
}

static void context_finish(struct context *c)
{
    free(c->is_calibration);
    free(c->labels);
}

/* Decode every vector; with signed inputs the second phase counts negative. */
static enum ow_status decode(const struct ow_problem *p, const struct ow_batch *batch,
                             struct ow_matrix *y, struct ow_error *err)
{
    double *phase = calloc(p->n_out, sizeof *phase);
    *y = ow_matrix_create(p->n_vec, p->n_out);
    if (!y->a || !phase) {
        free(phase);
        ow_matrix_finish(y);
        return ow_fail(err, OW_ERR_NOMEM, "outputs: out of memory");
    }
    for (size_t read = 0; read < batch->n_read; read++) {
        ow_array_decode(p->array, ow_matrix_row(&batch->v_sense, read), phase);
        for (size_t j = 0; j < p->n_out; j++)
            ow_matrix_row(y, read / p->n_phase)[j] += read % p->n_phase ? -phase[j] : phase[j];
    }
    free(phase);
    return OW_OK;
}

static enum ow_status measure_accuracy(const struct context *c, const struct ow_batch *batch,
                                       const struct ow_range *range, struct ow_matrix *y,
                                       struct ow_accuracy *out, struct ow_error *err)
{
    const struct ow_problem *p = c->problem;
    enum ow_status st = decode(p, batch, y, err);
    if (st)
        return st;
    ow_adc_quantise(y, range, (unsigned)p->spec->adc.bits);
    const struct ow_accuracy_input in = {.y = &p->y,
                                         .yq = &p->yq,
                                         .circuit = y,
                                         .is_calibration = c->is_calibration,
                                         .labels = c->labels,
                                         .fs = range->hi - range->lo};
    return ow_accuracy_measure(&in, out, err);
}

/* ---- energy ------------------------------------------------------------------------- */

static double log2_levels(size_t levels)
{
    return levels ? log2((double)levels) : 0.0;
}

static struct ow_cost_spec billing(const struct ow_problem *p)
{
    const struct ow_spec *spec = p->spec;
    const bool is_tia = p->array->xb.sense.kind == OW_SENSE_TIA;
    const double t_read = ow_cycle_time(&p->array->pulse, 0.0, 1);
    const double t_all = ow_cycle_time(&p->array->pulse, spec->adc.t_conv, spec->adc.share);
    return (struct ow_cost_spec){
        .n_in = p->n_in,
        .n_out = p->n_out,
        .v_supply = ow_spec_v_supply(spec),
        .n_amp = is_tia ? p->array->xb.cols : 0,
        .vdd = p->array->xb.sense.vdd,
        .i_q = p->array->xb.sense.i_q,
        /* with signed inputs the second phase is another read, then one conversion */
        .t_cycle = t_all + (double)(p->n_phase - 1) * t_read,
        .n_dac = p->n_in * p->n_phase,
        .n_adc = p->n_out,
        .e_dac = NAN,
        .e_adc = spec->adc.energy,
        .input_bits = (double)spec->input.bits,
        .weight_bits = log2_levels(p->array->mapping.levels)};
}

static enum ow_status measure_energy(const struct ow_problem *p, const struct ow_batch *batch,
                                     struct ow_vmm_result *r, struct ow_error *err)
{
    /* the dc engine holds the plateau and knows no edges */
    const bool is_dc = p->spec->engine.name == OW_ENGINE_DC;
    const struct ow_pulse pulse = {.t_rise = is_dc ? 0.0 : p->array->pulse.t_rise,
                                   .t_read = p->array->pulse.t_read};
    double *amplitude = calloc(p->array->xb.rows, sizeof *amplitude);
    double *rms = calloc(p->array->xb.rows, sizeof *rms); /* of a vector's reads together */
    r->energy = ow_matrix_create(p->n_vec, 1);
    if (!amplitude || !rms || !r->energy.a) {
        free(amplitude);
        free(rms);
        return ow_fail(err, OW_ERR_NOMEM, "energies: out of memory");
    }
    for (size_t read = 0; read < batch->n_read; read++) {
        r->energy.a[read / p->n_phase] +=
            batch->energy[read].source + batch->energy[read].supply;
        ow_array_amplitudes(p->array, read, amplitude);
        for (size_t i = 0; i < p->array->xb.rows; i++)
            rms[i] += amplitude[i] * amplitude[i] / (double)p->n_vec;
    }
    for (size_t i = 0; i < p->array->xb.rows; i++)
        rms[i] = sqrt(rms[i]);
    r->hand_devices = ow_hand_check(&p->array->mapping.g, rms, &pulse);
    r->billing = billing(p);
    r->cost = ow_cost_measure(&r->billing, batch->energy, batch->n_read, p->n_vec);
    free(amplitude);
    free(rms);
    return OW_OK;
}

/* A vector has settled when its slower phase has. */
static struct ow_latency measure_latency(const struct ow_problem *p, struct ow_batch *batch)
{
    for (size_t k = 0; k < p->n_vec; k++) {
        double slowest = 0.0;
        for (size_t phase = 0; phase < p->n_phase; phase++) {
            const double t = batch->settle[k * p->n_phase + phase];
            slowest = isnan(t) || isnan(slowest) ? NAN : fmax(slowest, t);
        }
        batch->settle[k] = slowest;
    }
    return ow_latency_summary(batch->settle, p->n_vec);
}

/* ---- the run ------------------------------------------------------------------------ */

static void forward(void *data, size_t n_done, size_t n_total)
{
    const struct context *c = data;
    if (c->options->progress)
        c->options->progress(c->options->data, c->n_done + n_done, c->n_total);
}

static enum ow_status simulate(struct context *c, bool has_ideal_wires, double band,
                               struct ow_batch *out, struct ow_error *err)
{
    const struct ow_spec *spec = c->problem->spec;
    const bool is_dc = spec->engine.name == OW_ENGINE_DC;
    const struct ow_batch_options options = {.host = {.kind = !has_ideal_wires
                                                                  ? spec->engine.name
                                                              : is_dc ? OW_ENGINE_DC
                                                                      : OW_ENGINE_CVODE,
                                                      .rtol = spec->engine.rtol,
                                                      .has_ideal_wires = has_ideal_wires,
                                                      .codemodel = c->options->codemodel,
                                                      .cancel = c->options->cancel},
                                             .band = band,
                                             .n_worker = c->options->n_worker,
                                             .progress = forward,
                                             .data = c};
    return ow_batch_run(c->problem->array, &options, out, err);
}

static void add_warnings(const struct ow_problem *p, double control_clipped,
                         struct ow_vmm_result *r)
{
    const struct ow_spec *spec = p->spec;
    if (r->clipped > 0.0)
        ow_warn(&r->warnings, "%.2g %% of the amplifiers' outputs are clipped at a rail",
                100.0 * r->clipped);
    if (control_clipped > 0.0)
        ow_warn(&r->warnings,
                "%.2g %% of the control run's outputs are clipped at a rail: it does not show "
                "what the wires do",
                100.0 * control_clipped);
    if (r->moved > 0.01)
        ow_warn(&r->warnings, "reads move the devices: the farthest by %.2g of its travel",
                r->moved);
    if (p->array->mapping.n_cut > 0)
        ow_warn(
            &r->warnings,
            "sigma_program: %zu of %zu cells were cut at the range that the device can reach",
            p->array->mapping.n_cut, p->array->xb.rows * p->array->xb.cols);
    if (r->accuracy.n_scored == 0)
        ow_warn(&r->warnings,
                "every vector calibrates, so none is left to score array and column");
    if (spec->engine.name == OW_ENGINE_DC)
        ow_warn(&r->warnings, "dc: energies are the plateau's, without edges and charging");
    if (r->range.is_from_few && spec->adc.range.rule == OW_RANGE_CALIBRATED)
        ow_warn(&r->warnings, "full scale comes from %zu calibration vectors, fewer than %d",
                r->accuracy.n_calibration, OW_RANGE_FEW);
    if (isnan(spec->input.v_supply))
        ow_warn(&r->warnings,
                "drivers are ideal: their charge is billed at v_read (input.v_supply)");
    if (p->array->xb.model->is_volatile)
        ow_warn(&r->warnings,
                "the device %s is volatile: weights hold only as long as its state does",
                p->array->xb.model->name);
    if (r->latency.n_settled < p->n_vec && spec->engine.name != OW_ENGINE_DC)
        ow_warn(&r->warnings, "%zu of %zu vectors had not settled at the sampling time",
                p->n_vec - r->latency.n_settled, p->n_vec);
}

static enum ow_status run(struct context *c, struct ow_batch *real, struct ow_batch *control,
                          struct ow_vmm_result *r, struct ow_error *err)
{
    const struct ow_problem *p = c->problem;
    const struct ow_spec *spec = p->spec;
    const struct ow_sense *sense = &p->array->xb.sense;
    struct ow_matrix y_control = {0};
    double control_clipped = 0.0;
    enum ow_status st = ow_range_find(spec->adc.range.rule, &p->y, c->is_calibration,
                                      &p->weights, spec->input.is_signed ? -1.0 : 0.0,
                                      spec->adc.range.lo, spec->adc.range.hi, &r->range, err);
    if (st)
        return st;
    const double band = ow_latency_band(r->range.hi - r->range.lo, (unsigned)spec->adc.bits) /
                        fabs(p->array->y_per_volt);
    if ((st = simulate(c, false, band, real, err)))
        return st;
    c->n_done = real->n_read;
    if ((st = simulate(c, true, band, control, err)) ||
        (st = measure_accuracy(c, real, &r->range, &r->y_circuit, &r->accuracy, err)) ||
        (st = measure_accuracy(c, control, &r->range, &y_control, &r->ideal_wires, err)) ||
        (st = measure_energy(p, real, r, err)))
        goto done;
    if (sense->kind == OW_SENSE_TIA) {
        const size_t n = real->n_read * p->array->xb.cols;
        r->clipped = ow_clipped_fraction(real->v_gain.a, n, 0.5 * sense->vdd);
        control_clipped = ow_clipped_fraction(control->v_gain.a, n, 0.5 * sense->vdd);
    } else
        r->clipped = NAN;
    for (size_t k = 0; k < real->n_read; k++) {
        r->moved = fmax(r->moved, real->moved[k]);
        r->steps += (double)real->steps[k] / (double)real->n_read;
    }
    r->latency = measure_latency(p, real);
    r->inputs = ow_input_statistics(&p->driven);
    r->wall_s = real->wall_s;
    r->setup_s = real->setup_s;
    r->control_s = control->wall_s;
    r->v_sense = real->v_sense;
    real->v_sense = (struct ow_matrix){0};
    add_warnings(p, control_clipped, r);
done:
    ow_matrix_finish(&y_control);
    return st;
}

enum ow_status ow_vmm_run(const struct ow_problem *p, const struct ow_vmm_options *options,
                          struct ow_vmm_result *out, struct ow_error *err)
{
    struct ow_vmm_result result = {0};
    struct ow_batch real = {0}, control = {0};
    struct context c;
    enum ow_status st = context_init(p, options, &c, err);
    if (!st)
        st = run(&c, &real, &control, &result, err);
    context_finish(&c);
    ow_batch_finish(&real);
    ow_batch_finish(&control);
    if (st)
        ow_vmm_result_finish(&result);
    else
        *out = result;
    return st;
}

void ow_vmm_result_finish(struct ow_vmm_result *r)
{
    ow_matrix_finish(&r->y_circuit);
    ow_matrix_finish(&r->v_sense);
    ow_matrix_finish(&r->energy);
    memset(r, 0, sizeof *r);
}
