#include "ow_problem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_random.h"
#include "ow_table.h"

/* ---- matrices ---------------------------------------------------------------------- */

/* Keyed by row and column, so that a smaller matrix is a corner of a larger one. */
static void fill_random(struct ow_matrix *m, uint32_t seed, bool is_weights, bool is_signed)
{
    for (size_t r = 0; r < m->rows; r++)
        for (size_t c = 0; c < m->cols; c++) {
            const struct ow_draw_key key = {.seed = seed,
                                            .purpose =
                                                is_weights ? OW_DRAW_WEIGHT : OW_DRAW_INPUT,
                                            .id = r,
                                            .event = c};
            const double u = is_weights ? ow_draw_normal(&key) : ow_draw_uniform(&key);
            ow_matrix_row(m, r)[c] = !is_weights && is_signed ? 2.0 * u - 1.0 : u;
        }
}

/* A file's own message says where in it; the place that names the file goes in front. */
static enum ow_status load_table(const struct ow_spec *spec, const char *key, const char *path,
                                 struct ow_matrix *out, struct ow_error *err)
{
    struct ow_error why = {0};
    const enum ow_status st = ow_table_load(path, out, &why);
    return st ? ow_spec_fail(spec, key, err, st, "%s", why.text) : OW_OK;
}

static enum ow_status load(const struct ow_spec *spec, bool is_weights, struct ow_matrix *out,
                           struct ow_error *err)
{
    const struct ow_source *source = is_weights ? &spec->vmm.weights : &spec->vmm.inputs;
    const char *key = is_weights ? "vmm.weights" : "vmm.inputs";
    if (!source->is_random)
        return load_table(spec, key, source->path, out, err);
    *out = ow_matrix_create(source->rows, source->cols);
    if (!out->a)
        return ow_spec_fail(spec, key, err, OW_ERR_NOMEM,
                            "a random matrix of %zu x %zu: out of memory", source->rows,
                            source->cols);
    fill_random(out, source->random_seed, is_weights, spec->input.is_signed);
    return OW_OK;
}

static enum ow_status check_inputs(const struct ow_problem *p, struct ow_error *err)
{
    const struct ow_spec *spec = p->spec;
    if (p->inputs.cols != p->n_in)
        return ow_spec_fail(spec, "vmm.inputs", err, OW_ERR_INPUT,
                            "%zu values a vector, expected %zu, one for each row of the "
                            "weights",
                            p->inputs.cols, p->n_in);
    const double lo = spec->input.is_signed ? -1.0 : 0.0;
    for (size_t k = 0; k < p->n_vec * p->n_in; k++)
        if (!(p->inputs.a[k] >= lo && p->inputs.a[k] <= 1.0))
            return ow_spec_fail(spec, "vmm.inputs", err, OW_ERR_INPUT,
                                "%s: [%zu, %zu] = %.10g, expected a value from %g to 1%s",
                                spec->vmm.inputs.path ? spec->vmm.inputs.path : "random",
                                k / p->n_in, k % p->n_in, p->inputs.a[k], lo,
                                lo == 0.0 && p->inputs.a[k] < 0.0
                                    ? " (negative ones need input.signed: true)"
                                    : "");
    return OW_OK;
}

static enum ow_status load_labels(struct ow_problem *p, struct ow_error *err)
{
    struct ow_matrix m = {0};
    if (!p->spec->vmm.labels)
        return OW_OK;
    enum ow_status st = load_table(p->spec, "vmm.labels", p->spec->vmm.labels, &m, err);
    if (st)
        return st;
    if (m.rows * m.cols != p->n_vec || (m.rows != 1 && m.cols != 1)) {
        st = ow_spec_fail(p->spec, "vmm.labels", err, OW_ERR_INPUT,
                          "%zu x %zu values, expected %zu labels, one for each input vector",
                          m.rows, m.cols, p->n_vec);
        goto done;
    }
    p->labels = calloc(p->n_vec, sizeof *p->labels);
    if (!p->labels) {
        st = ow_fail(err, OW_ERR_NOMEM, "labels: out of memory");
        goto done;
    }
    for (size_t k = 0; k < p->n_vec && !st; k++) {
        if (!(m.a[k] >= 0.0 && m.a[k] < (double)p->n_out && m.a[k] == floor(m.a[k])))
            st =
                ow_spec_fail(p->spec, "vmm.labels", err, OW_ERR_INPUT,
                             "label %zu is %g, expected a whole number from 0 to %zu, a column "
                             "of the weights",
                             k, m.a[k], p->n_out - 1);
        else
            p->labels[k] = (int)m.a[k];
    }
done:
    ow_matrix_finish(&m);
    return st;
}

/* Beyond this the squares of outputs leave the range of a double. */
static const double output_limit = 1e150;

/* Y = X W, summed in order. */
static enum ow_status multiply(const struct ow_spec *spec, const struct ow_matrix *x,
                               const struct ow_matrix *w, struct ow_matrix *y,
                               struct ow_error *err)
{
    *y = ow_matrix_create(x->rows, w->cols);
    if (!y->a)
        return ow_fail(err, OW_ERR_NOMEM, "outputs: out of memory");
    for (size_t k = 0; k < x->rows; k++)
        for (size_t i = 0; i < x->cols; i++)
            for (size_t j = 0; j < w->cols; j++)
                ow_matrix_row(y, k)[j] += ow_matrix_row(x, k)[i] * ow_matrix_row(w, i)[j];
    for (size_t k = 0; k < y->rows * y->cols; k++)
        if (!(fabs(y->a[k]) <= output_limit))
            return ow_spec_fail(spec, "vmm.weights", err, OW_ERR_INPUT,
                                "output %zu of vector %zu is %g, expected a magnitude of %g at "
                                "most: scale the weights",
                                k % y->cols, k / y->cols, y->a[k], output_limit);
    return OW_OK;
}

/* The quantiser takes magnitudes; signs are put back. */
static enum ow_status quantise_inputs(struct ow_problem *p, struct ow_error *err)
{
    p->driven = ow_matrix_create(p->n_vec, p->n_in);
    if (!p->driven.a)
        return ow_fail(err, OW_ERR_NOMEM, "inputs: out of memory");
    const size_t n = p->n_vec * p->n_in;
    for (size_t k = 0; k < n; k++)
        p->driven.a[k] = fabs(p->inputs.a[k]);
    const enum ow_status st = ow_input_quantise(&p->driven, (unsigned)p->spec->input.bits, err);
    for (size_t k = 0; k < n; k++)
        p->driven.a[k] = copysign(p->driven.a[k], p->inputs.a[k]);
    return st;
}

/* ---- the array --------------------------------------------------------------------- */

static enum ow_status check_tile(const struct ow_spec *spec, size_t rows, size_t cols,
                                 struct ow_error *err)
{
    if (spec->array.tile && (spec->array.tile < rows || spec->array.tile < cols))
        return ow_spec_fail(spec, "array.tile", err, OW_ERR_INPUT,
                            "%zu: an array of %zu x %zu in several tiles is not supported yet; "
                            "expected none",
                            spec->array.tile, rows, cols);
    return OW_OK;
}

static enum ow_status size_of(const struct ow_problem *p, size_t *rows, size_t *cols,
                              struct ow_error *err)
{
    const struct ow_spec *spec = p->spec;
    *rows = spec->array.rows ? spec->array.rows : p->n_in;
    *cols = spec->array.cols ? spec->array.cols : 2 * p->n_out;
    if (*rows < p->n_in)
        return ow_spec_fail(spec, "array.rows", err, OW_ERR_INPUT,
                            "%zu word lines, expected auto or at least %zu, the rows of the "
                            "weights",
                            *rows, p->n_in);
    if (*cols < 2 * p->n_out)
        return ow_spec_fail(spec, "array.cols", err, OW_ERR_INPUT,
                            "%zu bit lines, expected auto or at least %zu, two for each column "
                            "of the weights",
                            *cols, 2 * p->n_out);
    return check_tile(spec, *rows, *cols, err);
}

/* Which end of the range made the mapping refuse: the one that is farther from what the device
 * can do, by *excess on a logarithmic scale. */
static const char *refused_end(const struct ow_problem *p, double *excess)
{
    const struct ow_spec *spec = p->spec;
    double lo, hi;
    ow_mapping_reach(&p->xb, 0, spec->input.v_read, &lo, &hi);
    double below = log(lo / spec->device.g_min), above = log(spec->device.g_max / hi);
    if (spec->device.model->is_binary) { /* must match its two conductances */
        below = fabs(below);
        above = fabs(above);
    }
    *excess = fmax(below, above);
    return below > above ? "device.g_min" : "device.g_max";
}

/* Or weights without a value. */
static const char *refused_key(const struct ow_problem *p)
{
    double w_max = 0.0, excess;
    for (size_t k = 0; k < p->n_in * p->n_out; k++)
        w_max = fmax(w_max, fabs(p->weights.a[k]));
    return w_max == 0.0 ? "vmm.weights" : refused_end(p, &excess);
}

/* Or conductances from a file, where the range itself is what devices can do. */
static const char *refused_file(const struct ow_problem *p, const char *key)
{
    double excess;
    const char *end = refused_end(p, &excess);
    return excess > (p->spec->device.model->is_binary ? 0.01 : 1e-6) ? end : key;
}

static enum ow_status build_crossbar(struct ow_problem *p, size_t rows, size_t cols,
                                     struct ow_error *err)
{
    const struct ow_spec *spec = p->spec;
    const enum ow_status st = ow_crossbar_init(&p->xb, rows, cols, spec->device.model, err);
    if (st)
        return st;
    memcpy(p->xb.param, spec->device.param, sizeof p->xb.param);
    p->xb.r_wordline = spec->array.r_wordline;
    p->xb.r_bitline = spec->array.r_bitline;
    p->xb.c_wordline = spec->array.c_wordline;
    p->xb.c_bitline = spec->array.c_bitline;
    p->xb.c_cell = spec->device.cp;
    p->xb.r_driver = spec->array.r_driver;
    p->xb.sense = spec->sense;
    return OW_OK;
}

static struct ow_mapping_spec mapping_of(const struct ow_spec *spec)
{
    return (struct ow_mapping_spec){.v_read = spec->input.v_read,
                                    .g_min = spec->device.g_min,
                                    .g_max = spec->device.g_max,
                                    .levels = (unsigned)spec->mapping.levels,
                                    .sigma_program = spec->device.sigma_program,
                                    .sigma_d2d = spec->device.sigma_d2d,
                                    .sigma_read = ow_spec_sigma_read(spec),
                                    .stuck_on = spec->device.stuck_on,
                                    .stuck_off = spec->device.stuck_off};
}

/* The mapping's own message, with the place of the key that it is about. */
static enum ow_status refuse_mapping(const struct ow_problem *p, const char *key,
                                     enum ow_status st, const struct ow_error *why,
                                     struct ow_error *err)
{
    if (st == OW_ERR_INPUT)
        return ow_spec_fail(p->spec, key, err, st, "%s", why->text);
    if (st == OW_ERR_SOLVER)
        return ow_spec_fail(p->spec, "device.model", err, st, "%s", why->text);
    return ow_fail(err, st, "%s", why->text);
}

static enum ow_status map_weights(struct ow_problem *p, const struct ow_mapping_spec *how,
                                  struct ow_mapping *out, struct ow_error *err)
{
    struct ow_error why = {0};
    const enum ow_status st = ow_mapping_init(how, &p->weights, &p->xb, out, &why);
    return st ? refuse_mapping(p, refused_key(p), st, &why, err) : OW_OK;
}

static enum ow_status build_weights(struct ow_problem *p, struct ow_error *err)
{
    const struct ow_mapping_spec how = mapping_of(p->spec);
    size_t rows, cols;
    enum ow_status st = size_of(p, &rows, &cols, err);
    if (st == OW_OK)
        st = build_crossbar(p, rows, cols, err);
    return st == OW_OK ? map_weights(p, &how, &p->mapping, err) : st;
}

bool ow_problem_calibrates(const struct ow_problem *p, size_t k)
{
    const struct ow_vectors *v = &p->spec->calibration.vectors;
    switch (v->rule) {
    case OW_VECTORS_HALF:
        return k % 2 == 0;
    case OW_VECTORS_FIRST:
        return k < v->n;
    case OW_VECTORS_ALL:
        break;
    }
    return true;
}

/* Largest bit-line current of the calibration vectors, ideal wires and sense.  amplitude[rows]
 * and i[cols] are workspace. */
static double largest_current(const struct ow_problem *p, double amplitude[], double i[])
{
    const size_t cols = p->xb.cols;
    double largest = 0.0;
    for (size_t r = 0; r < p->n_vec * p->n_phase; r++) {
        if (!ow_problem_calibrates(p, r / p->n_phase))
            continue;
        ow_problem_amplitudes(p, r, amplitude);
        memset(i, 0, cols * sizeof *i);
        for (size_t k = 0; k < p->xb.rows; k++) {
            const double *g = ow_matrix_row(&p->mapping.g, k);
            for (size_t j = 0; j < cols; j++)
                i[j] += amplitude[k] * g[j];
        }
        for (size_t j = 0; j < cols; j++)
            largest = i[j] > largest ? i[j] : largest;
    }
    return largest;
}

static enum ow_status choose_sense(struct ow_problem *p, struct ow_error *err)
{
    const struct ow_spec *spec = p->spec;
    const bool is_tia = p->xb.sense.kind == OW_SENSE_TIA;
    double *amplitude = calloc(p->xb.rows + p->xb.cols, sizeof *amplitude);
    if (!amplitude)
        return ow_fail(err, OW_ERR_NOMEM, "pulse heights: out of memory");
    p->i_largest = largest_current(p, amplitude, amplitude + p->xb.rows);
    free(amplitude);
    if (isnan(p->xb.sense.r_f)) {
        if (!(p->i_largest > 0.0))
            return ow_spec_fail(spec, "sense.r_f", err, OW_ERR_INPUT,
                                "auto: all calibration inputs are 0; expected a resistance");
        const double swing =
            is_tia ? 0.5 * p->xb.sense.vdd : OW_RESISTOR_SWING * spec->input.v_read;
        const double r_out = is_tia ? p->xb.sense.r_out : 0.0;
        p->xb.sense.r_f = OW_AUTO_SWING * swing / p->i_largest - r_out;
        if (!(p->xb.sense.r_f > 0.0))
            return ow_spec_fail(
                spec, "sense.r_f", err, OW_ERR_INPUT,
                "auto: the largest calibration current, %.3g A, takes more than "
                "%g of the swing over sense.r_out alone; expected a smaller "
                "sense.r_out, a larger sense.vdd or less current",
                p->i_largest, OW_AUTO_SWING);
    }
    const double sign = is_tia ? -1.0 : 1.0;
    p->y_per_volt =
        sign * p->mapping.w_max /
        (spec->input.v_read * p->xb.sense.r_f * (p->mapping.g_max - p->mapping.g_min));
    return OW_OK;
}

/* ---- writes ------------------------------------------------------------------------ */

/* Conductances that the weights map to. */
static enum ow_status map_target(struct ow_problem *p, const struct ow_mapping_spec *how,
                                 struct ow_mapping *out, struct ow_error *err)
{
    size_t rows, cols;
    enum ow_status st = load(p->spec, true, &p->weights, err);
    p->n_in = p->weights.rows;
    p->n_out = p->weights.cols;
    if (st || (st = size_of(p, &rows, &cols, err)) || (st = build_crossbar(p, rows, cols, err)))
        return st;
    return map_weights(p, how, out, err);
}

/* Conductances as they stand in a file, which says how large the array is. */
static enum ow_status load_target(struct ow_problem *p, const struct ow_mapping_spec *how,
                                  struct ow_mapping *out, struct ow_error *err)
{
    const struct ow_spec *spec = p->spec;
    const size_t rows = spec->array.rows, cols = spec->array.cols;
    struct ow_matrix g = {0};
    struct ow_error why = {0};
    enum ow_status st = load_table(spec, "program.target", spec->program.target, &g, err);
    if (!st && ((rows && rows != g.rows) || (cols && cols != g.cols)))
        st = ow_spec_fail(spec, rows && rows != g.rows ? "array.rows" : "array.cols", err,
                          OW_ERR_INPUT,
                          "%zu x %zu conductances in program.target, expected auto or as many",
                          g.rows, g.cols);
    if (!st && !(st = check_tile(spec, g.rows, g.cols, err)) &&
        !(st = build_crossbar(p, g.rows, g.cols, err)) &&
        (st = ow_mapping_write(how, &g, &p->xb, out, &why)))
        st = refuse_mapping(p, refused_file(p, "program.target"), st, &why, err);
    ow_matrix_finish(&g);
    return st;
}

/* What devices without any fault or spread would hold. */
static enum ow_status find_target(struct ow_problem *p, struct ow_matrix *target,
                                  struct ow_error *err)
{
    struct ow_mapping_spec ideal = mapping_of(p->spec);
    struct ow_mapping mapping;
    ideal.sigma_program = ideal.sigma_d2d = ideal.sigma_read = 0.0;
    ideal.stuck_on = ideal.stuck_off = 0.0;
    const enum ow_status st = p->spec->program.target ? load_target(p, &ideal, &mapping, err)
                                                      : map_target(p, &ideal, &mapping, err);
    if (st)
        return st;
    *target = mapping.g;
    mapping.g = (struct ow_matrix){0};
    ow_mapping_finish(&mapping);
    return OW_OK;
}

/* The states that the cells begin with, from the file or all at g_min.  The write itself is
 * simulated, and nothing reads: sigma_program and sigma_read have nothing to add. */
static enum ow_status begin_states(struct ow_problem *p, struct ow_error *err)
{
    const struct ow_spec *spec = p->spec;
    struct ow_mapping_spec how = mapping_of(spec);
    struct ow_matrix g = {0};
    struct ow_error why = {0};
    enum ow_status st = OW_OK;
    how.sigma_program = how.sigma_read = 0.0;
    if (spec->program.begin)
        st = load_table(spec, "program.begin", spec->program.begin, &g, err);
    else if (!(g = ow_matrix_create(p->xb.rows, p->xb.cols)).a)
        st = ow_fail(err, OW_ERR_NOMEM, "the array: out of memory");
    for (size_t k = 0; !st && !spec->program.begin && k < g.rows * g.cols; k++)
        g.a[k] = spec->device.g_min;
    if (!st && (st = ow_mapping_write(&how, &g, &p->xb, &p->mapping, &why)))
        st = refuse_mapping(p, refused_file(p, "program.begin"), st, &why, err);
    ow_matrix_finish(&g);
    return st;
}

static enum ow_status init_writes(struct ow_problem *p, struct ow_error *err)
{
    const struct ow_spec *spec = p->spec;
    struct ow_matrix target = {0};
    if (spec->engine.name == OW_ENGINE_DC)
        return ow_spec_fail(spec, "engine.name", err, OW_ERR_INPUT,
                            "dc moves no states: expected cvode or ngspice to write");
    p->n_phase = 1;
    p->pulse = (struct ow_pulse){.t_rise = spec->program.pulses.t_rise,
                                 .t_read = spec->program.pulses.t_width};
    p->v_scale = fmax(fabs(spec->program.pulses.v_set), fabs(spec->program.pulses.v_reset));
    enum ow_status st = find_target(p, &target, err);
    if (!st)
        st = begin_states(p, err);
    if (st) {
        ow_matrix_finish(&target);
        return st;
    }
    p->xb.sense.kind = OW_SENSE_DRIVER;
    p->xb.sense.r_f =
        isnan(spec->program.r_driver) ? spec->array.r_driver : spec->program.r_driver;
    st = ow_writes_init(spec, &target, &p->mapping, &p->writes, err);
    p->n_vec = p->writes.n;
    return st ? st : ow_crossbar_check(&p->xb, err);
}

/* ---- life -------------------------------------------------------------------------- */

static enum ow_status init_reads(struct ow_problem *p, struct ow_error *err)
{
    const struct ow_spec *spec = p->spec;
    p->n_phase = spec->input.is_signed ? 2 : 1;
    p->pulse = (struct ow_pulse){.t_rise = spec->input.t_rise, .t_read = spec->input.t_read};
    p->v_scale = spec->input.v_read;
    enum ow_status st;
    if ((st = load(spec, true, &p->weights, err)) || (st = load(spec, false, &p->inputs, err)))
        return st;
    p->n_in = p->weights.rows;
    p->n_out = p->weights.cols;
    p->n_vec = p->inputs.rows;
    if ((st = check_inputs(p, err)) || (st = load_labels(p, err)) ||
        (st = quantise_inputs(p, err)) || (st = build_weights(p, err)) ||
        (st = choose_sense(p, err)) || (st = ow_crossbar_check(&p->xb, err)) ||
        (st = multiply(spec, &p->inputs, &p->weights, &p->y, err)))
        return st;
    return multiply(spec, &p->driven, &p->mapping.wq, &p->yq, err);
}

enum ow_status ow_problem_init(const struct ow_spec *spec, struct ow_problem *out,
                               struct ow_error *err)
{
    struct ow_problem p = {.spec = spec};
    const enum ow_status st =
        spec->program.is_given ? init_writes(&p, err) : init_reads(&p, err);
    if (st)
        ow_problem_finish(&p);
    else
        *out = p;
    return st;
}

void ow_problem_finish(struct ow_problem *p)
{
    ow_matrix_finish(&p->weights);
    ow_matrix_finish(&p->inputs);
    ow_matrix_finish(&p->driven);
    ow_matrix_finish(&p->y);
    ow_matrix_finish(&p->yq);
    free(p->labels);
    ow_writes_finish(&p->writes);
    ow_mapping_finish(&p->mapping);
    ow_crossbar_finish(&p->xb);
    memset(p, 0, sizeof *p);
}

/* ---- reads ------------------------------------------------------------------------- */

void ow_problem_amplitudes(const struct ow_problem *p, size_t read, double amplitude[])
{
    if (p->writes.n) {
        const struct ow_write *write = &p->writes.write[read];
        ow_write_amplitudes(&p->writes, write, ow_matrix_row(&p->writes.begin, write->row),
                            amplitude);
        return;
    }
    const double *x = ow_matrix_row(&p->driven, read / p->n_phase);
    const double sign = read % p->n_phase ? -1.0 : 1.0;
    for (size_t i = 0; i < p->xb.rows; i++)
        amplitude[i] = i < p->n_in ? p->spec->input.v_read * fmax(sign * x[i], 0.0) : 0.0;
}

void ow_problem_decode(const struct ow_problem *p, const double v[], double y[])
{
    for (size_t j = 0; j < p->n_out; j++)
        y[j] = p->y_per_volt * (v[2 * j] - v[2 * j + 1]);
}

double ow_problem_moved(const struct ow_problem *p, const struct ow_reading *r, size_t *n_moved)
{
    const struct ow_model *model = p->xb.model;
    const double *programmed = p->xb.spread[model->program];
    double farthest = 0.0;
    for (size_t s = 0; s < model->n_state; s++) {
        if (model->state[s].init != model->program)
            continue;
        const double travel = model->state[s].hi - model->state[s].lo;
        for (size_t k = 0; k < r->n_cell; k++) {
            const double moved = fabs(r->x_end[s * r->n_cell + k] - programmed[k]) / travel;
            farthest = fmax(farthest, moved);
            *n_moved += moved >= OW_MOVED;
        }
    }
    return farthest;
}
