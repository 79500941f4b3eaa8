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

static struct ow_lines lines_of(const struct ow_spec *spec, size_t n_out)
{
    return (struct ow_lines){.scheme = spec->mapping.scheme, .n = n_out * spec->mapping.slices};
}

/* Of one array that holds all weights. */
static enum ow_status size_of(const struct ow_spec *spec, size_t n_in, size_t n_out,
                              size_t *rows, size_t *cols, struct ow_error *err)
{
    *rows = spec->array.rows ? spec->array.rows : n_in;
    const struct ow_lines lines = lines_of(spec, n_out);
    const size_t needed = ow_lines_count(&lines);
    *cols = spec->array.cols ? spec->array.cols : needed;
    if (*rows < n_in)
        return ow_spec_fail(spec, "array.rows", err, OW_ERR_INPUT,
                            "%zu word lines, expected auto or at least %zu, the rows of the "
                            "weights",
                            *rows, n_in);
    if (*cols < needed)
        return ow_spec_fail(spec, "array.cols", err, OW_ERR_INPUT,
                            "%zu bit lines, expected auto or at least %zu, %s for each column "
                            "of the weights%s%s",
                            *cols, needed, lines.scheme == OW_SCHEME_OFFSET ? "one" : "two",
                            spec->mapping.slices > 1 ? " and slice" : "",
                            lines.scheme == OW_SCHEME_OFFSET ? " and a reference" : "");
    return OW_OK;
}

/* Weights that mean something. */
static enum ow_status find_w_max(const struct ow_problem *p, double *w_max,
                                 struct ow_error *err)
{
    struct ow_error why = {0};
    const enum ow_status st = ow_mapping_w_max(&p->weights, w_max, &why);
    return st ? ow_spec_fail(p->spec, "vmm.weights", err, st, "%s", why.text) : OW_OK;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

struct ow_cut ow_problem_cut(const struct ow_spec *spec, size_t n_in, size_t n_out)
{
    const struct ow_tile *tile = &spec->array.tile;
    struct ow_cut cut = {.n_in = n_in, .n_out = n_out};
    if (tile->rows) {
        cut.n_in = least(tile->rows, n_in);
        const size_t room = ow_lines_room(spec->mapping.scheme, tile->cols);
        cut.n_out = least(room / spec->mapping.slices, n_out);
    }
    cut.n_row_tile = (n_in + cut.n_in - 1) / cut.n_in;
    cut.n_col_tile = (n_out + cut.n_out - 1) / cut.n_out;
    return cut;
}

/* Bit lines of all arrays beside each other: those of the outputs, then the references. */
static size_t whole_cols(const struct ow_problem *p)
{
    const struct ow_lines lines = lines_of(p->spec, p->n_out);
    const size_t n_more = lines.scheme == OW_SCHEME_OFFSET ? p->n_col_tile - 1 : 0;
    return p->spec->array.cols ? p->spec->array.cols : ow_lines_count(&lines) + n_more;
}

/* Place among them of an array's line j. */
static size_t place_of(const struct ow_problem *p, const struct ow_array *a, size_t j)
{
    const size_t first = a->n_slice * a->first_out;
    if (a->lines.scheme == OW_SCHEME_OFFSET)
        return j == a->lines.n ? a->n_slice * p->n_out + a->first_out / p->array->n_out
                               : first + j;
    return 2 * first + j;
}

/* Every device has an id of its own, of 32 bits (OW_COMMON_PARAMS). */
static enum ow_status make_arrays(struct ow_problem *p, struct ow_error *err)
{
    const struct ow_cut cut = ow_problem_cut(p->spec, p->n_in, p->n_out);
    p->n_row_tile = cut.n_row_tile;
    p->n_col_tile = cut.n_col_tile;
    if (p->n_in > UINT32_MAX / whole_cols(p))
        return ow_spec_fail(p->spec, "vmm.weights", err, OW_ERR_INPUT,
                            "%zu x %zu: expected at most %lu devices, these take %zu a row",
                            p->n_in, p->n_out, (unsigned long)UINT32_MAX, whole_cols(p));
    p->array = calloc(ow_problem_arrays(p), sizeof *p->array);
    if (!p->array)
        return ow_fail(err, OW_ERR_NOMEM, "the arrays: out of memory");
    for (size_t k = 0; k < ow_problem_arrays(p); k++) {
        const size_t first_in = k / p->n_col_tile * cut.n_in;
        const size_t first_out = k % p->n_col_tile * cut.n_out;
        p->array[k] = (struct ow_array){
            .spec = p->spec,
            .n_vec = p->n_vec,
            .n_phase = p->n_phase,
            .n_sign = p->spec->input.is_signed ? 2 : 1,
            .n_bit = ow_spec_n_bit(p->spec),
            .n_slice = p->spec->mapping.slices,
            .first_in = first_in,
            .n_in = least(cut.n_in, p->n_in - first_in),
            .first_out = first_out,
            .n_out = least(cut.n_out, p->n_out - first_out),
            .lines = lines_of(p->spec, least(cut.n_out, p->n_out - first_out)),
            .driven = p->driven.a,
            .n_driven = p->n_in,
            .pulse = {.t_rise = p->spec->input.t_rise, .t_read = p->spec->input.t_read},
            .v_scale = p->spec->input.v_read};
    }
    return OW_OK;
}

/* Places in the whole. */
static void number_cells(const struct ow_problem *p, struct ow_array *a)
{
    const size_t cols = whole_cols(p);
    for (size_t i = 0; i < a->xb.rows; i++)
        for (size_t j = 0; j < a->xb.cols; j++)
            a->xb.spread[OW_ID][i * a->xb.cols + j] =
                (double)((a->first_in + i) * cols + place_of(p, a, j));
}

/* Into a larger matrix, from a row and column on. */
static void put_block(struct ow_matrix *whole, size_t row, size_t col,
                      const struct ow_matrix *part)
{
    for (size_t i = 0; i < part->rows; i++)
        memcpy(ow_matrix_row(whole, row + i) + col, ow_matrix_row(part, i),
               part->cols * sizeof *part->a);
}

/* An array's weights become its devices' states. */
static enum ow_status build_array(struct ow_problem *p, const struct ow_mapping_spec *how,
                                  struct ow_array *a, struct ow_error *err)
{
    const struct ow_spec *spec = p->spec;
    size_t rows, cols;
    enum ow_status st;
    if ((st = size_of(spec, a->n_in, a->n_out, &rows, &cols, err)) ||
        (st = ow_array_build(a, rows, cols, err)))
        return st;
    number_cells(p, a);
    struct ow_matrix weights = ow_matrix_create(a->n_in, a->n_out);
    if (!weights.a)
        return ow_fail(err, OW_ERR_NOMEM, "weights: out of memory");
    for (size_t i = 0; i < a->n_in; i++)
        memcpy(ow_matrix_row(&weights, i),
               ow_matrix_row(&p->weights, a->first_in + i) + a->first_out,
               a->n_out * sizeof *weights.a);
    st = ow_array_map(a, how, &weights, &a->mapping, err);
    ow_matrix_finish(&weights);
    if (st)
        return st;
    put_block(&p->wq, a->first_in, a->first_out, &a->mapping.wq);
    put_block(&p->slice, a->first_in, a->n_slice * a->first_out, &a->mapping.slice);
    return OW_OK;
}

static enum ow_status build_weights(struct ow_problem *p, struct ow_error *err)
{
    struct ow_mapping_spec how = ow_array_mapping(p->spec);
    enum ow_status st;
    if ((st = find_w_max(p, &how.w_max, err)) || (st = make_arrays(p, err)))
        return st;
    const size_t n_slice = p->spec->mapping.slices;
    p->wq = ow_matrix_create(p->n_in, p->n_out);
    if (n_slice > 1)
        p->slice = ow_matrix_create(p->n_in, p->n_out * n_slice);
    if (!p->wq.a || (n_slice > 1 && !p->slice.a))
        return ow_fail(err, OW_ERR_NOMEM, "weights: out of memory");
    for (size_t k = 0; !st && k < ow_problem_arrays(p); k++)
        st = build_array(p, &how, &p->array[k], err);
    return st;
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

/* Pulses of many widths count for an integrator by their areas; width[rows] is workspace. */
static void weigh_widths(const struct ow_array *a, size_t read, double amplitude[],
                         double width[])
{
    if (a->spec->sense.kind != OW_SENSE_INTEGRATOR || !ow_array_widths(a, read, width))
        return;
    for (size_t k = 0; k < a->xb.rows; k++)
        amplitude[k] *= (width[k] + a->pulse.t_rise) / ow_pulse_area(&a->pulse);
}

/* Largest bit-line current [A] of the calibration vectors, ideal wires and sense; of
 * integrators the mean over the pulse.  amplitude[2 rows] and i[cols] are workspace. */
static double largest_current(const struct ow_problem *p, const struct ow_array *a,
                              double amplitude[], double i[])
{
    const size_t cols = a->xb.cols;
    double largest = 0.0;
    for (size_t r = 0; r < p->n_vec * p->n_phase; r++) {
        if (!ow_problem_calibrates(p, r / p->n_phase))
            continue;
        ow_array_amplitudes(a, r, amplitude);
        weigh_widths(a, r, amplitude, amplitude + a->xb.rows);
        memset(i, 0, cols * sizeof *i);
        for (size_t k = 0; k < a->xb.rows; k++) {
            const double *g = ow_matrix_row(&a->mapping.g, k);
            for (size_t j = 0; j < cols; j++)
                i[j] += amplitude[k] * g[j];
        }
        for (size_t j = 0; j < cols; j++)
            largest = i[j] > largest ? i[j] : largest;
    }
    return largest;
}

/* `r_f: auto` for this current. */
static enum ow_status choose_r_f(const struct ow_spec *spec, double i_largest, double *r_f,
                                 struct ow_error *err)
{
    const bool is_tia = spec->sense.kind == OW_SENSE_TIA;
    const double swing =
        is_tia ? 0.5 * spec->sense.vdd : OW_RESISTOR_SWING * spec->input.v_read;
    if (!(i_largest > 0.0))
        return ow_spec_fail(spec, "sense.r_f", err, OW_ERR_INPUT,
                            "auto: all calibration inputs are 0; expected a resistance");
    *r_f = OW_AUTO_SWING * swing / i_largest - (is_tia ? spec->sense.r_out : 0.0);
    if (!(*r_f > 0.0))
        return ow_spec_fail(spec, "sense.r_f", err, OW_ERR_INPUT,
                            "auto: the largest calibration current, %.3g A, takes more than "
                            "%g of the swing over sense.r_out alone; expected a smaller "
                            "sense.r_out, a larger sense.vdd or less current",
                            i_largest, OW_AUTO_SWING);
    return OW_OK;
}

/* `c_int: auto` for this current, through an ohm of 1 F. */
static enum ow_status choose_c_int(const struct ow_spec *spec, double i_largest,
                                   double ohm_farad, double *c_int, struct ow_error *err)
{
    if (!(i_largest > 0.0))
        return ow_spec_fail(spec, "sense.c_int", err, OW_ERR_INPUT,
                            "auto: all calibration inputs are 0; expected a capacitance");
    *c_int = i_largest * ohm_farad / (OW_AUTO_SWING * 0.5 * spec->sense.vdd);
    return OW_OK;
}

/* The largest of all arrays decides. */
static enum ow_status choose_current(const struct ow_problem *p, double *i_largest,
                                     struct ow_error *err)
{
    const struct ow_crossbar *xb = &p->array->xb;
    double *amplitude = calloc(2 * xb->rows + xb->cols, sizeof *amplitude);
    if (!amplitude)
        return ow_fail(err, OW_ERR_NOMEM, "pulse heights: out of memory");
    *i_largest = 0.0;
    for (size_t k = 0; k < ow_problem_arrays(p); k++)
        *i_largest = fmax(
            *i_largest, largest_current(p, &p->array[k], amplitude, amplitude + 2 * xb->rows));
    free(amplitude);
    return OW_OK;
}

/* r_f, which of an integrator is its input resistance, and c_int of an integrator. */
static enum ow_status choose_values(const struct ow_problem *p, struct ow_sense *s,
                                    struct ow_error *err)
{
    const bool is_integrator = p->spec->sense.kind == OW_SENSE_INTEGRATOR;
    struct ow_array unit = *p->array;
    double i_largest = 0.0;
    enum ow_status st;
    *s = p->array->xb.sense;
    if (is_integrator)
        s->r_f = s->r_in;
    if (!isnan(is_integrator ? s->c_int : s->r_f))
        return OW_OK;
    if ((st = choose_current(p, &i_largest, err)))
        return st;
    unit.xb.sense.c_int = 1.0;
    return is_integrator ? choose_c_int(p->spec, i_largest, ow_array_ohm(&unit), &s->c_int, err)
                         : choose_r_f(p->spec, i_largest, &s->r_f, err);
}

/* A line that floats settles to sum(g v) / sum(g) (Wan et al., Nature 608 (2022) 504): its
 * known sum(g) makes a sum of that mean again.  The weights are those sums over the largest of
 * all arrays, which goes to *largest [S]. */
static enum ow_status weigh_lines(struct ow_problem *p, double *largest, struct ow_error *err)
{
    *largest = 0.0;
    for (size_t k = 0; k < ow_problem_arrays(p); k++) {
        struct ow_array *a = &p->array[k];
        a->lines.weight = a->weight = calloc(a->xb.cols, sizeof *a->weight);
        if (!a->weight)
            return ow_fail(err, OW_ERR_NOMEM, "weights of lines: out of memory");
        for (size_t j = 0; j < a->xb.cols; j++) {
            a->weight[j] = ow_mapping_line_sum(&a->mapping, &a->lines, j);
            *largest = fmax(*largest, a->weight[j]);
        }
    }
    for (size_t k = 0; k < ow_problem_arrays(p); k++)
        for (size_t j = 0; j < p->array[k].xb.cols; j++)
            p->array[k].weight[j] /= *largest;
    return OW_OK;
}

static enum ow_status choose_sense(struct ow_problem *p, struct ow_error *err)
{
    const struct ow_spec *spec = p->spec;
    const bool is_inverting =
        spec->sense.kind == OW_SENSE_SUBCKT
            ? spec->is_inverting
            : spec->sense.kind == OW_SENSE_TIA || spec->sense.kind == OW_SENSE_INTEGRATOR;
    const bool is_floating = spec->sense.kind == OW_SENSE_VOLTAGE;
    const double sign = is_inverting ? -1.0 : 1.0;
    /* half of the range is above the reference */
    const double w_of_range = spec->mapping.scheme == OW_SCHEME_OFFSET ? 2.0 : 1.0;
    struct ow_sense sense;
    double g_largest = 0.0;
    enum ow_status st = choose_values(p, &sense, err);
    if (st || (is_floating && (st = weigh_lines(p, &g_largest, err))))
        return st;
    for (size_t k = 0; k < ow_problem_arrays(p); k++) {
        struct ow_array *a = &p->array[k];
        a->xb.sense = sense;
        const double g = is_floating ? g_largest : 1.0 / ow_array_ohm(a);
        a->y_per_volt = sign * w_of_range * a->mapping.w_max * g /
                        (spec->input.v_read * (a->mapping.g_max - a->mapping.g_min));
        if ((st = ow_crossbar_check(&a->xb, err)))
            return st;
    }
    return OW_OK;
}

/* ---- writes ------------------------------------------------------------------------ */

/* Conductances that the weights map to. */
static enum ow_status map_target(struct ow_problem *p, struct ow_mapping_spec *how,
                                 struct ow_mapping *out, struct ow_error *err)
{
    size_t rows, cols;
    enum ow_status st = load(p->spec, true, &p->weights, err);
    p->n_in = p->weights.rows;
    p->n_out = p->weights.cols;
    if (st || (st = size_of(p->spec, p->n_in, p->n_out, &rows, &cols, err)) ||
        (st = find_w_max(p, &how->w_max, err)) ||
        (st = ow_array_build(p->array, rows, cols, err)))
        return st;
    return ow_array_map(p->array, how, &p->weights, out, err);
}

/* Conductances as they stand in a file, which says how large the array is. */
static enum ow_status load_target(struct ow_problem *p, const struct ow_mapping_spec *how,
                                  struct ow_mapping *out, struct ow_error *err)
{
    const struct ow_spec *spec = p->spec;
    const size_t rows = spec->array.rows, cols = spec->array.cols;
    struct ow_matrix g = {0};
    enum ow_status st = load_table(spec, "program.target", spec->program.target, &g, err);
    if (!st && ((rows && rows != g.rows) || (cols && cols != g.cols)))
        st = ow_spec_fail(spec, rows && rows != g.rows ? "array.rows" : "array.cols", err,
                          OW_ERR_INPUT,
                          "%zu x %zu conductances in program.target, expected auto or as many",
                          g.rows, g.cols);
    if (!st && !(st = ow_array_build(p->array, g.rows, g.cols, err)))
        st = ow_array_hold(p->array, how, &g, "program.target", out, err);
    ow_matrix_finish(&g);
    return st;
}

/* What devices without any fault or spread would hold. */
static enum ow_status find_target(struct ow_problem *p, struct ow_matrix *target,
                                  struct ow_error *err)
{
    struct ow_mapping_spec ideal = ow_array_mapping(p->spec);
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
static enum ow_status begin_states(struct ow_array *a, struct ow_error *err)
{
    const struct ow_spec *spec = a->spec;
    struct ow_mapping_spec how = ow_array_mapping(spec);
    struct ow_matrix g = {0};
    enum ow_status st = OW_OK;
    how.sigma_program = how.sigma_read = 0.0;
    if (spec->program.begin)
        st = load_table(spec, "program.begin", spec->program.begin, &g, err);
    else if (!(g = ow_matrix_create(a->xb.rows, a->xb.cols)).a)
        st = ow_fail(err, OW_ERR_NOMEM, "the array: out of memory");
    for (size_t k = 0; !st && !spec->program.begin && k < g.rows * g.cols; k++)
        g.a[k] = spec->device.g_min;
    if (!st)
        st = ow_array_hold(a, &how, &g, "program.begin", &a->mapping, err);
    ow_matrix_finish(&g);
    return st;
}

static enum ow_status init_writes(struct ow_problem *p, struct ow_error *err)
{
    const struct ow_spec *spec = p->spec;
    struct ow_array *a = p->array = calloc(1, sizeof *p->array);
    struct ow_matrix target = {0};
    if (!a)
        return ow_fail(err, OW_ERR_NOMEM, "the array: out of memory");
    p->n_row_tile = p->n_col_tile = 1;
    a->spec = spec;
    if (spec->engine.name == OW_ENGINE_DC)
        return ow_spec_fail(spec, "engine.name", err, OW_ERR_INPUT,
                            "dc moves no states: expected cvode or ngspice to write");
    p->n_phase = a->n_phase = a->n_sign = a->n_bit = 1;
    a->pulse = (struct ow_pulse){.t_rise = spec->program.pulses.t_rise,
                                 .t_read = spec->program.pulses.t_width};
    a->v_scale = fmax(fabs(spec->program.pulses.v_set), fabs(spec->program.pulses.v_reset));
    enum ow_status st = find_target(p, &target, err);
    if (!st)
        st = begin_states(a, err);
    if (st) {
        ow_matrix_finish(&target);
        return st;
    }
    a->xb.sense.kind = OW_SENSE_DRIVER;
    a->xb.sense.r_f =
        isnan(spec->program.r_driver) ? spec->array.r_driver : spec->program.r_driver;
    st = ow_writes_init(spec, &target, &a->mapping, &a->writes, err);
    p->n_vec = a->n_vec = a->writes.n;
    return st ? st : ow_crossbar_check(&a->xb, err);
}

/* ---- life -------------------------------------------------------------------------- */

static enum ow_status init_reads(struct ow_problem *p, struct ow_error *err)
{
    const struct ow_spec *spec = p->spec;
    enum ow_status st;
    p->n_phase = ow_spec_n_phase(spec);
    if ((st = load(spec, true, &p->weights, err)) || (st = load(spec, false, &p->inputs, err)))
        return st;
    p->n_in = p->weights.rows;
    p->n_out = p->weights.cols;
    p->n_vec = p->inputs.rows;
    if ((st = check_inputs(p, err)) || (st = load_labels(p, err)) ||
        (st = quantise_inputs(p, err)) || (st = build_weights(p, err)) ||
        (st = choose_sense(p, err)) ||
        (st = multiply(spec, &p->inputs, &p->weights, &p->y, err)))
        return st;
    return multiply(spec, &p->driven, &p->wq, &p->yq, err);
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
    ow_matrix_finish(&p->wq);
    ow_matrix_finish(&p->slice);
    ow_matrix_finish(&p->y);
    ow_matrix_finish(&p->yq);
    free(p->labels);
    for (size_t k = 0; p->array && k < ow_problem_arrays(p); k++)
        ow_array_finish(&p->array[k]);
    free(p->array);
    memset(p, 0, sizeof *p);
}

/* ---- the whole of several arrays --------------------------------------------------- */

enum ow_status ow_problem_conductance(const struct ow_problem *p, struct ow_matrix *out,
                                      struct ow_error *err)
{
    const struct ow_array *last = &p->array[ow_problem_arrays(p) - 1];
    *out = ow_matrix_create(last->first_in + last->xb.rows, whole_cols(p));
    if (!out->a)
        return ow_fail(err, OW_ERR_NOMEM, "conductances: out of memory");
    for (size_t k = 0; k < ow_problem_arrays(p); k++) {
        const struct ow_array *a = &p->array[k];
        for (size_t i = 0; i < a->xb.rows; i++)
            for (size_t j = 0; j < a->xb.cols; j++)
                ow_matrix_row(out, a->first_in + i)[place_of(p, a, j)] =
                    ow_matrix_row(&a->mapping.g, i)[j];
    }
    return OW_OK;
}
