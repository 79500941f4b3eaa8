#include "ow_again.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_accuracy.h"
#include "ow_engine.h"
#include "ow_figures.h"
#include "ow_file.h"
#include "ow_host.h"
#include "ow_raw.h"
#include "ow_variant.h"
#include "ow_words.h"

/* A point that took longer in the sweep is repeated at DC: a report takes seconds. */
#define LONG_RUN 20.0 /* s */

/* ---- the point --------------------------------------------------------------------- */

struct row {
    bool is_there;
    enum ow_point_status status;
    struct ow_again *a;
};

static enum ow_status keep(void *data, const struct ow_point_record *row, struct ow_error *err)
{
    struct row *r = data;
    r->is_there = true;
    r->status = row->status;
    r->a->wall_s = row->wall_s;
    r->a->csnr_db = NAN;
    json_t *result = row->result ? json_loads(row->result, 0, NULL) : NULL;
    if (result) {
        r->a->csnr_db = ow_figure(result, "accuracy.raw.total.csnr_db");
        r->a->warnings = json_incref(json_object_get(result, "warnings"));
    }
    json_decref(result);
    if (row->spec && !(r->a->text = strdup(row->spec)))
        return ow_fail(err, OW_ERR_NOMEM, "point %zu: out of memory", row->id);
    return OW_OK;
}

static const struct ow_array *array_of(const struct ow_again *a)
{
    return &a->problem.array[a->options.tile];
}

static enum ow_status check_choice(const struct ow_again *a, struct ow_error *err)
{
    const struct ow_problem *p = &a->problem;
    if (a->options.tile >= ow_problem_arrays(p))
        return ow_fail(err, OW_ERR_INPUT, "point %zu: no tile %zu: expected 0 to %zu",
                       a->options.point, a->options.tile, ow_problem_arrays(p) - 1);
    if (a->options.column >= array_of(a)->n_out)
        return ow_fail(err, OW_ERR_INPUT, "point %zu: no column %zu: expected 0 to %zu",
                       a->options.point, a->options.column, array_of(a)->n_out - 1);
    if (a->options.vector >= p->n_vec)
        return ow_fail(err, OW_ERR_INPUT, "point %zu: no vector %zu: expected 0 to %zu",
                       a->options.point, a->options.vector, p->n_vec - 1);
    return OW_OK;
}

enum ow_status ow_again_init(struct ow_store *store, const struct ow_again_options *options,
                             struct ow_again *out, struct ow_error *err)
{
    const size_t point = options->point;
    const struct ow_store_query one = {
        .has_point = true, .point = point, .with_result = true, .with_spec = true};
    struct ow_again a = {.options = *options};
    struct row row = {.a = &a};
    char name[64];
    bool has_spec = false;
    enum ow_status st = ow_store_each(store, &one, keep, &row, err);
    snprintf(name, sizeof name, "point %zu", point);
    if (!st && !row.is_there)
        st = ow_fail(err, OW_ERR_INPUT, "there is no point %zu", point);
    if (!st && !a.text)
        st = ow_fail(err, OW_ERR_INPUT, "point %zu is %s: expected one that was run", point,
                     ow_point_status_str(row.status));
    if (!st) {
        st = ow_spec_parse(a.text, strlen(a.text), name, NULL, &a.spec, err);
        has_spec = !st;
    }
    if (has_spec)
        *out = a; /* the problem borrows the specification where it stays */
    if (!st)
        st = ow_problem_init(&out->spec, &out->problem, err);
    if (!st)
        st = check_choice(out, err);
    if (st && has_spec)
        ow_again_finish(out);
    else if (st) {
        free(a.text);
        json_decref(a.warnings);
    }
    return st;
}

void ow_again_finish(struct ow_again *a)
{
    if (a->problem.spec)
        ow_problem_finish(&a->problem);
    if (a->spec.memory)
        ow_spec_finish(&a->spec);
    free(a->text);
    json_decref(a->warnings);
    *a = (struct ow_again){0};
}

/* ---- voltage drop ------------------------------------------------------------------ */

/* " of tile 3", or nothing where there is one array. */
static void put_tile(const struct ow_again *a, FILE *to)
{
    if (ow_problem_arrays(&a->problem) > 1)
        fprintf(to, " tile %zu of", a->options.tile);
}

/* How many amplifiers are at a rail.  v_sense is what r_out leaves of an amplifier's swing. */
static size_t count_clipped(const struct ow_sense *sense, const double v_sense[], size_t cols)
{
    const double rail = 0.5 * sense->vdd / (1.0 + sense->r_out / sense->r_f);
    if (sense->kind != OW_SENSE_TIA)
        return 0;
    return (size_t)lround(ow_clipped_fraction(v_sense, cols, rail) * (double)cols);
}

/* loss[rows*cols], NaN on word lines without an input. */
static enum ow_status solve_array(const struct ow_again *a, const struct ow_array *array,
                                  double loss[], size_t *n_clipped, struct ow_error *err)
{
    const double v_read = a->spec.input.v_read;
    const struct ow_engine_options how = {.rtol = 1e-6, .v_scale = v_read, .n_threads = 1};
    const size_t rows = array->xb.rows, cols = array->xb.cols;
    struct ow_variant variant = {0};
    struct ow_engine *engine = NULL;
    double *v_row = calloc(ow_crossbar_sources(&array->xb), sizeof *v_row),
           *v_sense = calloc(cols, sizeof *v_sense), *v_node = NULL;
    enum ow_status st = ow_variant_init(&variant, array, false, err);
    if (st)
        goto done;
    v_node = calloc(variant.circuit->n_node, sizeof *v_node);
    if (!v_row || !v_sense || !v_node) {
        st = ow_fail(err, OW_ERR_NOMEM, "voltages: out of memory");
        goto done;
    }
    for (size_t i = 0; i < array->n_in; i++)
        v_row[i] = v_read;
    if ((st = ow_engine_create(variant.circuit, &how, true, &engine, err)) ||
        (st = ow_engine_dc(engine, v_row, NULL, v_sense, v_node, err)))
        goto done;
    for (size_t k = 0; k < rows * cols; k++)
        loss[k] = k / cols < array->n_in ? 1.0 - (v_node[ow_circuit_te(variant.circuit, k)] -
                                                  v_node[ow_circuit_be(variant.circuit, k)]) /
                                                     v_read
                                         : NAN;
    *n_clipped = count_clipped(&array->xb.sense, v_sense, cols);
done:
    ow_engine_destroy(engine);
    ow_variant_finish(&variant);
    free(v_row);
    free(v_sense);
    free(v_node);
    return st;
}

/* Bit lines of subcircuits, and all of them where an amplifier would be at a rail and lose hold
 * of its own, which is no drop along wires, end in signal ground. */
static enum ow_status solve(const struct ow_again *a, double loss[], size_t *n_clipped,
                            struct ow_error *err)
{
    struct ow_array array = *array_of(a); /* of which it borrows everything */
    const struct ow_sense grounded = {.kind = OW_SENSE_RESISTOR};
    size_t none;
    if (array.xb.sense.kind == OW_SENSE_SUBCKT)
        array.xb.sense = grounded;
    const enum ow_status st = solve_array(a, &array, loss, n_clipped, err);
    if (st || *n_clipped == 0)
        return st;
    array.xb.sense = grounded;
    return solve_array(a, &array, loss, &none, err);
}

enum { MOST_PIXELS = 256 };

/* Of large arrays the worst cell of every block. */
static double block_worst(const double loss[], size_t rows, size_t cols, size_t size, size_t i,
                          size_t j)
{
    double worst = NAN;
    for (size_t r = i * size; r < (i + 1) * size && r < rows; r++)
        for (size_t c = j * size; c < (j + 1) * size && c < cols; c++)
            if (!(worst >= loss[r * cols + c]) && !isnan(loss[r * cols + c]))
                worst = loss[r * cols + c];
    return worst;
}

static void put_map(FILE *to, const double loss[], size_t rows, size_t cols, size_t size)
{
    const double half = 0.5 * (double)(size - 1);
    fputs("$m << E\n", to);
    for (size_t i = 0; i * size < rows; i++)
        for (size_t j = 0; j * size < cols; j++)
            fprintf(to, "%g %g %.5g\n", (double)(j * size) + half, (double)(i * size) + half,
                    100.0 * block_worst(loss, rows, cols, size, i, j));
    fputs("E\n", to);
}

enum ow_status ow_again_drop(const struct ow_again *a, const struct ow_canvas *canvas,
                             struct ow_gnuplot *g, FILE *caption, struct ow_error *err)
{
    const struct ow_crossbar *xb = &array_of(a)->xb;
    const size_t rows = xb->rows, cols = xb->cols, most = rows > cols ? rows : cols,
                 size = (most + MOST_PIXELS - 1) / MOST_PIXELS;
    double *loss = malloc(rows * cols * sizeof *loss), sum = 0.0, worst = -INFINITY;
    size_t n = 0, at = 0, n_clipped = 0;
    FILE *to = g->to;
    const enum ow_status st = loss ? solve(a, loss, &n_clipped, err)
                                   : ow_fail(err, OW_ERR_NOMEM, "voltages: out of memory");
    if (st) {
        free(loss);
        return st;
    }
    for (size_t k = 0; k < rows * cols; k++)
        if (!isnan(loss[k])) {
            n++;
            sum += loss[k];
            if (loss[k] > worst) {
                worst = loss[k];
                at = k;
            }
        }
    ow_picture_begin(g, canvas, 0);
    ow_picture_palette(to);
    fputs("unset grid\nset border 0\nset tics scale 0.4\nset object 9999 rectangle from graph "
          "0,0 to "
          "graph 1,1 fc rgb '#dddddd' fs solid noborder behind\n",
          to);
    ow_picture_label(to, "x", "bit line", "");
    ow_picture_label(to, "y", "word line", "");
    ow_picture_label(to, "cb", "voltage lost on the way to the device", "%");
    fprintf(to,
            "set cblabel font ',13'\nset xrange [-0.5:%g]\nset yrange [%g:-0.5]\nset cbrange "
            "[0:*]\n",
            (double)cols - 0.5, (double)rows - 0.5);
    fputs("set colorbox user origin screen 0.86, graph 0 size screen 0.028, graph 1 noborder\n"
          "set rmargin screen 0.83\n",
          to);
    fprintf(to,
            "set object 1 circle at %zu,%zu size screen 0.012 fs empty border lc rgb '#d55e00' "
            "lw 2 front\n",
            at % cols, at / cols);
    put_map(to, loss, rows, cols, size);
    fputs("plot $m using 1:2:3 with image notitle\n", to);
    free(loss);
    fputs("IR drop of", caption);
    put_tile(a, caption);
    fprintf(
        caption,
        " point %zu, %zu \xc3\x97 %zu cells: the part of the read voltage (%.3g V on "
        "every input, at DC) that is not across the device. Mean %.3g %%; worst %.3g %% at "
        "word "
        "line %zu, bit line %zu (circle). Drivers are at the left, sense inputs at the bottom.",
        a->options.point, rows, cols, a->spec.input.v_read, 100.0 * sum / (double)(n ? n : 1),
        100.0 * worst, at / cols, at % cols);
    if (n_clipped > 0)
        fprintf(caption,
                " Bit lines end in signal ground: with every input on, %zu of %zu amplifiers "
                "would be at a rail.",
                n_clipped, cols);
    if (size > 1)
        fprintf(caption, " A pixel is the worst of %zu \xc3\x97 %zu cells.", size, size);
    return OW_OK;
}

/* ---- waveforms --------------------------------------------------------------------- */

/* CVODE, but for what only ngspice can simulate. */
static enum ow_engine_kind wave_engine(const struct ow_again *a)
{
    const bool is_subckt = ow_periphery_is_there(&a->spec.periphery);
    return a->spec.engine.name == OW_ENGINE_COSIM || is_subckt ? a->spec.engine.name
                                                               : OW_ENGINE_CVODE;
}

static enum ow_status read_vector(const struct ow_again *a, struct ow_reading *reading,
                                  struct ow_error *err)
{
    const struct ow_array *array = array_of(a);
    const struct ow_host_options how = {.kind = wave_engine(a),
                                        .codemodel = a->options.codemodel,
                                        .rtol = a->spec.engine.rtol,
                                        .n_threads = 2,
                                        .cancel = a->options.cancel};
    struct ow_host *host = NULL;
    enum ow_status st = ow_host_reading(array, reading, err);
    if (!st && !(st = ow_host_open(array, &how, &host, err)))
        st = ow_host_read(host, a->options.vector * array->n_phase, NULL, reading, err);
    ow_host_close(host);
    if (st)
        ow_reading_finish(reading);
    return st;
}

static void put_wave(FILE *to, const struct ow_again *a, const size_t line[2],
                     const struct ow_reading *r, double one_t, double one_v)
{
    const struct ow_pulse *pulse = &array_of(a)->pulse;
    fputs("$w << E\n", to);
    for (size_t k = 0; k < r->wave.n; k++) {
        const double *v = r->wave.v + k * r->cols;
        fprintf(to, "%.8g %.6g %.6g %.6g\n", r->wave.t[k] / one_t, v[line[0]] / one_v,
                v[line[1]] / one_v, ow_pulse_at(pulse, r->wave.t[k]));
    }
    fputs("E\n", to);
}

enum ow_status ow_again_waves(const struct ow_again *a, const struct ow_canvas *canvas,
                              struct ow_gnuplot *g, FILE *caption, struct ow_error *err)
{
    static const char *const sign[] = {"+", "\xe2\x88\x92"};
    const struct ow_pulse *pulse = &array_of(a)->pulse;
    const struct ow_lines *lines = &array_of(a)->lines;
    const double taken = ow_array_taken(array_of(a)); /* sampled, or integrated */
    const size_t column = a->options.column, k0 = column * array_of(a)->n_slice,
                 line[] = {ow_lines_plus(lines, k0), ow_lines_minus(lines, k0)};
    struct ow_reading r = {0};
    double largest = 0.0;
    char t_unit[24], v_unit[24];
    FILE *to = g->to;
    const enum ow_status st = read_vector(a, &r, err);
    if (st)
        return st;
    for (size_t k = 0; k < r.wave.n; k++)
        for (size_t j = 0; j < 2; j++)
            largest = fmax(largest, fabs(r.wave.v[k * r.cols + line[j]]));
    const double one_t = ow_words_axis(ow_pulse_end(pulse), "s", t_unit),
                 one_v = ow_words_axis(largest, "V", v_unit);
    ow_picture_begin(g, canvas, canvas->is_wide ? 330 : 0);
    ow_picture_label(to, "x", "time", t_unit);
    ow_picture_label(to, "y", "sense output", v_unit);
    put_wave(to, a, line, &r, one_t, one_v);
    fprintf(to,
            "set xrange [0:%.6g]\nset offsets 0,0,graph 0.06,graph 0.06\nset arrow from %.6g, "
            "graph "
            "0 to %.6g, graph 1 nohead dt (6,4) lc rgb '#555555'\nset label '%s' at %.6g, "
            "graph "
            "0.97 right offset -0.5,0 font ',12' tc rgb '#444444'\n",
            ow_pulse_end(pulse) / one_t, taken / one_t, taken / one_t,
            taken < ow_pulse_end(pulse) ? "sampled" : "integrated", taken / one_t);
    for (size_t k = 0; k < 2; k++)
        fprintf(to,
                "set arrow from 0,%.6g to %.6g,%.6g nohead lw 1 dt (2,3) lc rgb '%s' back\n",
                r.v_dc[line[k]] / one_v, ow_pulse_end(pulse) / one_t, r.v_dc[line[k]] / one_v,
                ow_picture_colour(k));
    ow_picture_key(to, 2, 8);
    fputs("set bmargin 4.6\nplot ", to);
    for (size_t k = 0; k < 2; k++)
        fprintf(to, "%s$w using 1:%zu with lines lw 2.2 dt %s lc rgb '%s' title 'out%zu (%s)'",
                k ? ", " : "", k + 2, k ? "'-'" : "1", ow_picture_colour(k), line[k], sign[k]);
    fputc('\n', to);
    fprintf(caption, "Outputs of column %zu of", column);
    put_tile(a, caption);
    fprintf(caption,
            " point %zu, the bit lines %zu (+) and %zu (\xe2\x88\x92), in "
            "the transient of input vector %zu (%s). Dotted: where they would settle (DC).",
            a->options.point, line[0], line[1], a->options.vector,
            wave_engine(a) == OW_ENGINE_COSIM     ? "co-simulation"
            : wave_engine(a) == OW_ENGINE_NGSPICE ? "ngspice"
                                                  : "CVODE");
    ow_reading_finish(&r);
    return OW_OK;
}

/* "s3" or "out3", the netlist's names. */
static void put_variable(FILE *to, size_t k, const char *what, size_t number)
{
    char name[48];
    snprintf(name, sizeof name, "v(%s%zu)", what, number);
    ow_raw_variable(to, k, name, "voltage");
}

enum ow_status ow_again_raw(const struct ow_again *a, const char *path, struct ow_error *err)
{
    const struct ow_array *array = array_of(a);
    const size_t rows = array->xb.rows, cols = array->xb.cols, n = 1 + rows + cols;
    struct ow_reading r = {0};
    struct ow_file file = {0};
    char title[80];
    const size_t n_source = ow_crossbar_sources(&array->xb),
                 read = a->options.vector * array->n_phase;
    double *amplitude = calloc(2 * n_source, sizeof *amplitude), *width = amplitude + n_source,
           *point = calloc(n, sizeof *point);
    struct ow_pulse pulse = array->pulse;
    enum ow_status st = amplitude && point
                            ? read_vector(a, &r, err)
                            : ow_fail(err, OW_ERR_NOMEM, "waveforms: out of memory");
    if (st || (st = ow_file_create(path, &file, err)))
        goto done;
    ow_array_amplitudes(array, read, amplitude);
    pulse.width = ow_array_widths(array, read, width) ? width : NULL;
    snprintf(title, sizeof title, "ohmweave: point %zu, input vector %zu", a->options.point,
             a->options.vector);
    ow_raw_begin(file.to, title, n, r.wave.n);
    ow_raw_variable(file.to, 0, "time", "time");
    for (size_t i = 0; i < rows; i++)
        put_variable(file.to, 1 + i, "s", i);
    for (size_t j = 0; j < cols; j++)
        put_variable(file.to, 1 + rows + j, "out", j);
    ow_raw_points(file.to);
    for (size_t k = 0; k < r.wave.n; k++) {
        point[0] = r.wave.t[k];
        for (size_t i = 0; i < rows; i++)
            point[1 + i] = amplitude[i] * ow_pulse_source_at(&pulse, i, r.wave.t[k]);
        memcpy(point + 1 + rows, r.wave.v + k * cols, cols * sizeof *point);
        fwrite(point, sizeof *point, n, file.to);
    }
    st = ow_file_commit(&file, err);
done:
    ow_reading_finish(&r);
    free(amplitude);
    free(point);
    return st;
}

/* ---- errors ------------------------------------------------------------------------ */

enum { N_BIN = 41 };

/* The gain and offset that bring the outputs of the calibration vectors closest to Y. */
static void fit(const struct ow_problem *p, const struct ow_matrix *y, double *gain,
                double *offset)
{
    double n = 0.0, x = 0.0, t = 0.0, xx = 0.0, xt = 0.0;
    for (size_t k = 0; k < p->n_vec; k++)
        for (size_t j = 0; j < p->n_out && ow_problem_calibrates(p, k); j++) {
            const double a = ow_matrix_row(y, k)[j], b = ow_matrix_row(&p->y, k)[j];
            n += 1.0;
            x += a;
            t += b;
            xx += a * a;
            xt += a * b;
        }
    const double determinant = n * xx - x * x;
    *gain = determinant > 1e-12 * n * xx ? (n * xt - x * t) / determinant : 1.0;
    *offset = n > 0.0 ? (t - *gain * x) / n : 0.0;
}

struct errors {
    double *raw, *fitted; /* [n] % of full scale */
    size_t n, n_fitted;
};

static enum ow_status find_errors(const struct ow_problem *p, const struct ow_vmm_result *r,
                                  struct errors *e, struct ow_error *err)
{
    double gain, offset;
    const double fs = r->accuracy.fs;
    e->raw = malloc((p->n_vec * p->n_out + 1) * sizeof *e->raw);
    e->fitted = malloc((p->n_vec * p->n_out + 1) * sizeof *e->fitted);
    if (!e->raw || !e->fitted)
        return ow_fail(err, OW_ERR_NOMEM, "errors: out of memory");
    if (!(fs > 0.0))
        return ow_fail(err, OW_ERR_INPUT, "the outputs have no full scale");
    fit(p, &r->y_circuit, &gain, &offset);
    for (size_t k = 0; k < p->n_vec; k++)
        for (size_t j = 0; j < p->n_out; j++) {
            const double y = ow_matrix_row(&r->y_circuit, k)[j],
                         exact = ow_matrix_row(&p->y, k)[j];
            e->raw[e->n++] = 100.0 * (y - exact) / fs;
            if (!ow_problem_calibrates(p, k)) /* those that it was not fitted on */
                e->fitted[e->n_fitted++] = 100.0 * (gain * y + offset - exact) / fs;
        }
    return OW_OK;
}

static double greatest(const double a[], size_t n)
{
    double most = 0.0;
    for (size_t k = 0; k < n; k++)
        most = fmax(most, fabs(a[k]));
    return most;
}

static void put_bins(FILE *to, const char *name, const double a[], size_t n, double most)
{
    size_t count[N_BIN] = {0};
    for (size_t k = 0; k < n; k++) {
        const double at = (a[k] / most + 1.0) / 2.0 * N_BIN;
        count[at < 0.0 ? 0 : at >= N_BIN ? N_BIN - 1 : (size_t)at]++;
    }
    fprintf(to, "$%s << E\n", name);
    for (size_t k = 0; k < N_BIN; k++)
        fprintf(to, "%.6g %.6g\n", most * ((2.0 * (double)k + 1.0) / N_BIN - 1.0),
                n ? 100.0 * (double)count[k] / (double)n : 0.0);
    fputs("E\n", to);
}

static void put_histogram(FILE *to, const struct errors *e)
{
    const double most =
        fmax(fmax(greatest(e->raw, e->n), greatest(e->fitted, e->n_fitted)), 1e-9) * 1.02;
    fprintf(to, "set xrange [%.6g:%.6g]\nset yrange [0:*]\nset offsets 0,0,graph 0.05,0\n",
            -most, most);
    put_bins(to, "raw", e->raw, e->n, most);
    put_bins(to, "fitted", e->fitted, e->n_fitted, most);
    ow_picture_key(to, 2, 26);
    fputs("set bmargin 4.6\nset arrow from 0, graph 0 to 0, graph 1 nohead lw 1 lc rgb "
          "'#888888' back\n"
          "set boxwidth 1 relative\n"
          "plot $raw using 1:2 with boxes fs solid noborder lc rgb '#90d55e00' notitle, "
          "$fitted using 1:2 with boxes fs solid noborder lc rgb '#900072b2' notitle, "
          "$raw using 1:2 with histeps lw 2 dt '-' lc rgb '#d55e00' title 'as read', ",
          to);
    fputs("$fitted using 1:2 with histeps lw 2 lc rgb '#0072b2' title 'after one gain and "
          "offset'\n",
          to);
}

/* With the engine of the sweep where that is quick, else at DC. */
enum ow_status ow_again_histogram(const struct ow_again *a, const struct ow_canvas *canvas,
                                  struct ow_gnuplot *g, FILE *caption, struct ow_error *err)
{
    const bool is_flat = a->spec.engine.name == OW_ENGINE_NGSPICE;
    const bool is_dc = (a->wall_s > LONG_RUN || is_flat) && wave_engine(a) == OW_ENGINE_CVODE;
    const char *const at_dc[] = {"engine.name=dc", NULL};
    const struct ow_vmm_options how = {.codemodel = a->options.codemodel,
                                       .cancel = a->options.cancel};
    struct ow_spec spec = {0};
    struct ow_problem problem = {0};
    struct ow_vmm_result result = {0};
    struct errors e = {0};
    char name[64];
    snprintf(name, sizeof name, "point %zu", a->options.point);
    enum ow_status st =
        ow_spec_parse(a->text, strlen(a->text), name, is_dc ? at_dc : NULL, &spec, err);
    if (st)
        return st;
    st = ow_problem_init(&spec, &problem, err);
    if (st) {
        ow_spec_finish(&spec);
        return st;
    }
    if ((st = ow_vmm_run(&problem, &how, &result, err)) ||
        (st = find_errors(&problem, &result, &e, err)))
        goto done;
    ow_picture_begin(g, canvas, 0);
    ow_picture_label(g->to, "x", "error of an output", "% of full scale");
    ow_picture_label(g->to, "y", "part of the outputs", "%");
    put_histogram(g->to, &e);
    fprintf(
        caption,
        "Errors of the %zu outputs of point %zu (%zu vectors, %zu columns), against the exact "
        "product: as read, and with one gain and offset for all, on the vectors that they were "
        "not fitted on.",
        e.n, a->options.point, problem.n_vec, problem.n_out);
    const double csnr = result.accuracy.raw.total.csnr_db;
    if (is_dc)
        fprintf(caption, " Simulated again at DC (the sweep: %.1f dB, here: %.1f dB).",
                a->csnr_db, csnr);
    else if (fabs(csnr - a->csnr_db) <= 1e-6 * fabs(csnr))
        fputs(csnr == a->csnr_db
                  ? " Simulated again, with the very result of the sweep."
                  : " Simulated again, with the result of the sweep but for rounding.",
              caption);
    else if (!isnan(a->csnr_db))
        fprintf(caption, " Simulated again: CSNR %.4g dB, but %.4g dB in the sweep.", csnr,
                a->csnr_db);
done:
    ow_vmm_result_finish(&result);
    ow_problem_finish(&problem);
    ow_spec_finish(&spec);
    free(e.raw);
    free(e.fitted);
    return st;
}
