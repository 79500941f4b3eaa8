#include "ow_vmm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_convert.h"

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
                          .n_total = 2 * ow_problem_arrays(p) * p->n_vec * p->n_phase};
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

/* ---- reads of all arrays ------------------------------------------------------------- */

/* The bit lines of all arrays stand beside each other, in the arrays' order. */
struct reads {
    size_t n_read, n_col;             /* n_vec n_phase of each array; columns of all       */
    struct ow_matrix v_sense, v_gain; /* [n_read][n_col] V, see struct ow_batch           */
    struct ow_energy *energy;         /* [n_array][n_read]                                 */
    double *settle;                   /* [n_vec][n_bit] s, of the slowest array and sign; NaN */
    double moved, steps;              /* the farthest; the mean of all reads               */
    struct ow_coupling coupling;
    double wall_s, setup_s;
};

static enum ow_status reads_init(const struct ow_problem *p, struct reads *r,
                                 struct ow_error *err)
{
    const size_t n_array = ow_problem_arrays(p);
    *r = (struct reads){.n_read = p->n_vec * p->n_phase};
    for (size_t k = 0; k < n_array; k++)
        r->n_col += p->array[k].xb.cols;
    r->v_sense = ow_matrix_create(r->n_read, r->n_col);
    r->v_gain = ow_matrix_create(r->n_read, r->n_col);
    r->energy = calloc(n_array * r->n_read, sizeof *r->energy);
    r->settle = calloc(p->n_vec * p->array->n_bit, sizeof *r->settle);
    if (r->v_sense.a && r->v_gain.a && r->energy && r->settle)
        return OW_OK;
    return ow_fail(err, OW_ERR_NOMEM, "results: out of memory");
}

static void reads_finish(struct reads *r)
{
    ow_matrix_finish(&r->v_sense);
    ow_matrix_finish(&r->v_gain);
    free(r->energy);
    free(r->settle);
}

/* Columns from `first` on. */
static void put_columns(struct ow_matrix *whole, size_t first, const struct ow_matrix *part)
{
    for (size_t k = 0; k < part->rows; k++)
        memcpy(ow_matrix_row(whole, k) + first, ow_matrix_row(part, k),
               part->cols * sizeof *part->a);
}

/* Array number k, whose bit lines come from `first` on. */
/* The sums of all reads, and the largest mismatch. */
static void add_coupling(struct ow_coupling *sum, const struct ow_coupling *c)
{
    sum->points += c->points;
    sum->rejected += c->rejected;
    sum->iterations += c->iterations;
    sum->solutions += c->solutions;
    if (c->mismatch > sum->mismatch) {
        sum->mismatch = c->mismatch;
        sum->worst_port = c->worst_port;
    }
}

static void put_batch(const struct ow_problem *p, size_t k, size_t first,
                      const struct ow_batch *batch, struct reads *r)
{
    const double n = (double)(ow_problem_arrays(p) * r->n_read);
    put_columns(&r->v_sense, first, &batch->v_sense);
    put_columns(&r->v_gain, first, &batch->v_gain);
    memcpy(r->energy + k * r->n_read, batch->energy, r->n_read * sizeof *r->energy);
    for (size_t read = 0; read < r->n_read; read++) {
        double *settle = &r->settle[read / p->array->n_sign];
        const double t = batch->settle[read];
        *settle = isnan(t) || isnan(*settle) ? NAN : fmax(*settle, t);
        r->moved = fmax(r->moved, batch->moved[read]);
        r->steps += (double)batch->steps[read] / n;
        add_coupling(&r->coupling, &batch->coupling[read]);
    }
    r->wall_s += batch->wall_s;
    r->setup_s += batch->setup_s;
}

static void forward(void *data, size_t n_done, size_t n_total)
{
    const struct context *c = data;
    if (c->options->progress)
        c->options->progress(c->options->data, c->n_done + n_done, c->n_total);
}

/* Which of several arrays a message is about. */
static enum ow_status fail_array(const struct ow_problem *p, size_t k, enum ow_status st,
                                 const struct ow_error *why, struct ow_error *err)
{
    if (st == OW_ERR_CANCELLED || ow_problem_arrays(p) == 1)
        return ow_fail(err, st, "%s", why->text);
    return ow_fail(err, st, "array (%zu, %zu): %s", k / p->n_col_tile, k % p->n_col_tile,
                   why->text);
}

static enum ow_status simulate(struct context *c, bool has_ideal_wires, double band,
                               struct reads *out, struct ow_error *err)
{
    const struct ow_problem *p = c->problem;
    const struct ow_spec *spec = p->spec;
    const bool is_dc = spec->engine.name == OW_ENGINE_DC;
    const bool is_subckt = ow_periphery_is_there(&spec->periphery);
    const struct ow_batch_options options = {.host = {.kind = !has_ideal_wires || is_subckt
                                                                  ? spec->engine.name
                                                              : is_dc ? OW_ENGINE_DC
                                                                      : OW_ENGINE_CVODE,
                                                      .rtol = spec->engine.rtol,
                                                      .has_ideal_wires = has_ideal_wires,
                                                      .allows_commands = spec->allows_commands,
                                                      .codemodel = c->options->codemodel,
                                                      .cancel = c->options->cancel},
                                             .band = band,
                                             .n_worker = c->options->n_worker,
                                             .progress = forward,
                                             .data = c};
    size_t first = 0;
    enum ow_status st = reads_init(p, out, err);
    for (size_t k = 0; !st && k < ow_problem_arrays(p); k++) {
        struct ow_batch batch = {0};
        struct ow_error why = {0};
        if ((st = ow_batch_run(&p->array[k], &options, &batch, &why)))
            return fail_array(p, k, st, &why, err);
        put_batch(p, k, first, &batch, out);
        ow_batch_finish(&batch);
        first += p->array[k].xb.cols;
        c->n_done += out->n_read;
    }
    return st;
}

/* ---- from reads to measures ---------------------------------------------------------- */

static enum ow_status measure_accuracy(const struct context *c, const struct reads *reads,
                                       const struct ow_vmm_result *r, struct ow_matrix *y,
                                       struct ow_accuracy *out, struct ow_error *err)
{
    const struct ow_problem *p = c->problem;
    const enum ow_status st = ow_convert(p, &reads->v_sense, &r->adc_range, y, err);
    if (st)
        return st;
    const struct ow_accuracy_input in = {.y = &p->y,
                                         .yq = &p->yq,
                                         .circuit = y,
                                         .is_calibration = c->is_calibration,
                                         .labels = c->labels,
                                         .fs = r->range.hi - r->range.lo};
    return ow_accuracy_measure(&in, out, err);
}

/* ---- energy ------------------------------------------------------------------------- */

static double log2_levels(size_t levels)
{
    return levels ? log2((double)levels) : 0.0;
}

/* W, that supplies of amplifiers and of subcircuits deliver at rest, mean of all reads: of all
 * arrays together. */
static double power_at_rest(const struct ow_problem *p, const struct reads *reads)
{
    double sum = 0.0;
    const size_t n = ow_problem_arrays(p) * reads->n_read;
    for (size_t k = 0; k < n; k++)
        sum += reads->energy[k].quiescent;
    return sum / (double)reads->n_read / ow_pulse_end(&p->array->pulse);
}

/* Every array has drivers, amplifiers and converters of its own. */
static struct ow_cost_spec billing(const struct ow_problem *p, const struct reads *reads)
{
    const struct ow_spec *spec = p->spec;
    const struct ow_array *a = p->array;
    const bool has_amps =
        a->xb.sense.kind == OW_SENSE_TIA || a->xb.sense.kind == OW_SENSE_INTEGRATOR;
    const double t_read = ow_cycle_time(&a->pulse, 0.0, 1);
    /* a converter waits for no more columns than there are */
    const size_t share = spec->adc.share < a->lines.n ? spec->adc.share : a->lines.n;
    const double t_all = ow_cycle_time(&a->pulse, spec->adc.t_conv, share);
    const double n_bit = (double)a->n_bit;
    /* subcircuits were measured and not specified: as many "amplifiers" of 1 V as take it */
    const bool is_measured = ow_periphery_is_there(&spec->periphery);
    const double i_q =
        is_measured ? power_at_rest(p, reads) / (double)reads->n_col : a->xb.sense.i_q;
    return (struct ow_cost_spec){
        .n_in = p->n_in,
        .n_out = p->n_out,
        .v_supply = ow_spec_v_supply(spec),
        .n_amp = has_amps || is_measured ? reads->n_col : 0,
        .vdd = is_measured ? 1.0 : a->xb.sense.vdd,
        .i_q = i_q,
        /* every bit, one after the other: with signed inputs another read, one conversion */
        .t_cycle = n_bit * (t_all + (double)(a->n_sign - 1) * t_read),
        .n_dac = p->n_in * p->n_phase * p->n_col_tile,
        .n_adc = p->n_out * a->n_slice * p->n_row_tile * a->n_bit,
        .e_dac = NAN,
        .e_adc = spec->adc.energy,
        .input_bits = (double)spec->input.bits,
        .weight_bits = (double)a->n_slice * log2_levels(a->mapping.levels)};
}

/* Mean device energy of a vector [J] by hand; work[3 rows] is workspace. */
static double hand_check(const struct ow_problem *p, const struct ow_array *a, double work[])
{
    double *amplitude = work, *rms = work + a->xb.rows, *width = rms + a->xb.rows;
    /* the dc engine holds the plateau and knows no edges */
    const bool is_dc = p->spec->engine.name == OW_ENGINE_DC;
    const struct ow_pulse pulse = {.t_rise = is_dc ? 0.0 : a->pulse.t_rise,
                                   .t_read = a->pulse.t_read};
    memset(rms, 0, a->xb.rows * sizeof *rms); /* of a vector's reads together */
    const double edges = 2.0 / 3.0 * pulse.t_rise;
    for (size_t read = 0; read < p->n_vec * p->n_phase; read++) {
        ow_array_amplitudes(a, read, amplitude);
        const bool has_width = ow_array_widths(a, read, width);
        for (size_t i = 0; i < a->xb.rows; i++) {
            /* of the time at full height, of dc of the area */
            const double part = !has_width ? 1.0
                                : is_dc
                                    ? (width[i] + a->pulse.t_rise) / ow_pulse_area(&a->pulse)
                                    : (width[i] + edges) / (pulse.t_read + edges);
            rms[i] += part * amplitude[i] * amplitude[i] / (double)p->n_vec;
        }
    }
    for (size_t i = 0; i < a->xb.rows; i++)
        rms[i] = sqrt(rms[i]);
    return ow_hand_check(&a->mapping.g, rms, &pulse);
}

static enum ow_status measure_energy(const struct ow_problem *p, const struct reads *reads,
                                     struct ow_vmm_result *r, struct ow_error *err)
{
    const size_t rows = p->array->xb.rows, n = ow_problem_arrays(p) * reads->n_read;
    double *amplitude = calloc(3 * rows, sizeof *amplitude);
    r->energy = ow_matrix_create(p->n_vec, 1);
    if (!amplitude || !r->energy.a) {
        free(amplitude);
        return ow_fail(err, OW_ERR_NOMEM, "energies: out of memory");
    }
    for (size_t k = 0; k < ow_problem_arrays(p); k++)
        r->hand_devices += hand_check(p, &p->array[k], amplitude);
    for (size_t k = 0; k < n; k++)
        r->energy.a[k % reads->n_read / p->n_phase] +=
            reads->energy[k].source + reads->energy[k].supply;
    r->billing = billing(p, reads);
    r->cost = ow_cost_measure(&r->billing, reads->energy, n, p->n_vec);
    free(amplitude);
    return OW_OK;
}

/* ---- the run ------------------------------------------------------------------------ */

/* Cells of all arrays, and those that could not take their programming error. */
static size_t count_cells(const struct ow_problem *p, size_t *n_cut)
{
    size_t n = 0;
    *n_cut = 0;
    for (size_t k = 0; k < ow_problem_arrays(p); k++) {
        n += p->array[k].xb.rows * p->array[k].xb.cols;
        *n_cut += p->array[k].mapping.n_cut;
    }
    return n;
}

static void add_warnings(const struct ow_problem *p, double control_clipped,
                         struct ow_vmm_result *r)
{
    const struct ow_spec *spec = p->spec;
    const struct ow_model *model = p->array->xb.model;
    size_t n_cut;
    const size_t n_cell = count_cells(p, &n_cut);
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
    if (n_cut > 0)
        ow_warn(
            &r->warnings,
            "sigma_program: %zu of %zu cells were cut at the range that the device can reach",
            n_cut, n_cell);
    if (r->accuracy.n_scored == 0)
        ow_warn(&r->warnings,
                "every vector calibrates, so none is left to score array and column");
    if (spec->engine.name == OW_ENGINE_DC)
        ow_warn(&r->warnings, "dc: energies are the plateau's, without edges and charging");
    if (r->range.is_from_few && spec->adc.range.rule == OW_RANGE_CALIBRATED)
        ow_warn(&r->warnings, "full scale comes from %zu calibration vector%s, fewer than %d",
                r->accuracy.n_calibration, r->accuracy.n_calibration == 1 ? "" : "s",
                OW_RANGE_FEW);
    if (isnan(spec->input.v_supply))
        ow_warn(&r->warnings,
                "drivers are ideal: their charge is billed at v_read (input.v_supply)");
    if (model->is_volatile)
        ow_warn(&r->warnings,
                "the device %s is volatile: weights hold only as long as its state does",
                model->name);
    if (r->latency.n_settled < p->n_vec && spec->engine.name != OW_ENGINE_DC &&
        spec->sense.kind != OW_SENSE_INTEGRATOR)
        ow_warn(&r->warnings, "%zu of %zu vectors had not settled at the sampling time",
                p->n_vec - r->latency.n_settled, p->n_vec);
}

/* Settling times of a vector's bits, one after the other: settle[n_vec], in place. */
static void add_settling(const struct ow_problem *p, double settle[])
{
    const size_t n_bit = p->array->n_bit;
    for (size_t k = 0; k < p->n_vec; k++) {
        double sum = 0.0;
        for (size_t b = 0; b < n_bit; b++)
            sum += settle[k * n_bit + b];
        settle[k] = sum;
    }
}

static enum ow_status run(struct context *c, struct reads *real, struct reads *control,
                          struct ow_vmm_result *r, struct ow_error *err)
{
    const struct ow_problem *p = c->problem;
    const struct ow_spec *spec = p->spec;
    const struct ow_sense *sense = &p->array->xb.sense;
    struct ow_matrix y_control = {0};
    double control_clipped = 0.0;
    enum ow_status st = ow_convert_ranges(p, c->is_calibration, &r->range, &r->adc_range, err);
    if (st)
        return st;
    const double band =
        ow_latency_band(r->adc_range.hi - r->adc_range.lo, (unsigned)spec->adc.bits) /
        fabs(p->array->y_per_volt);
    if ((st = simulate(c, false, band, real, err)) ||
        (st = simulate(c, true, band, control, err)) ||
        (st = measure_accuracy(c, real, r, &r->y_circuit, &r->accuracy, err)) ||
        (st = measure_accuracy(c, control, r, &y_control, &r->ideal_wires, err)) ||
        (st = measure_energy(p, real, r, err)))
        goto done;
    if (sense->kind == OW_SENSE_TIA || sense->kind == OW_SENSE_INTEGRATOR) {
        const size_t n = real->n_read * real->n_col;
        r->clipped = ow_clipped_fraction(real->v_gain.a, n, 0.5 * sense->vdd);
        control_clipped = ow_clipped_fraction(control->v_gain.a, n, 0.5 * sense->vdd);
    } else
        r->clipped = NAN;
    r->moved = real->moved;
    r->steps = real->steps;
    r->coupling = real->coupling;
    add_settling(p, real->settle);
    r->latency = ow_latency_summary(real->settle, p->n_vec);
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
    struct reads real = {0}, control = {0};
    struct context c;
    enum ow_status st = context_init(p, options, &c, err);
    if (!st)
        st = run(&c, &real, &control, &result, err);
    context_finish(&c);
    reads_finish(&real);
    reads_finish(&control);
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
