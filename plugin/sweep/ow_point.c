#define _GNU_SOURCE /* open_memstream */
#include "ow_point.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_table.h"
#include "ow_vmm_json.h"

/* ---- running ----------------------------------------------------------------------- */

enum ow_status ow_point_print(const struct ow_spec *spec, char **text, struct ow_error *err)
{
    size_t n;
    FILE *to = open_memstream(text, &n);
    if (!to)
        return ow_fail(err, OW_ERR_NOMEM, "the specification: out of memory");
    const enum ow_status st = ow_spec_print_plain(spec, to, err);
    fclose(to);
    return st;
}

/* 17 digits: the very same numbers, so that a repetition can be compared with them. */
static enum ow_status print_result(const struct ow_problem *problem,
                                   const struct ow_vmm_result *result, char **text,
                                   struct ow_error *err)
{
    json_t *json = ow_vmm_json(problem, result);
    *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(json);
    return *text ? OW_OK : ow_fail(err, OW_ERR_NOMEM, "the result: out of memory");
}

enum ow_status ow_point_run(const struct ow_spec *spec, const struct ow_vmm_options *options,
                            struct ow_point_result *out, struct ow_error *err)
{
    struct ow_problem problem = {0};
    struct ow_vmm_result result = {0};
    *out = (struct ow_point_result){0};
    enum ow_status st = ow_point_print(spec, &out->spec, err);
    if (st || (st = ow_spec_for(spec, "vmm", err)) ||
        (st = ow_problem_init(spec, &problem, err)))
        return st;
    st = ow_vmm_run(&problem, options, &result, err);
    if (!st)
        st = print_result(&problem, &result, &out->result, err);
    ow_vmm_result_finish(&result);
    ow_problem_finish(&problem);
    return st;
}

void ow_point_result_finish(struct ow_point_result *r)
{
    free(r->spec);
    free(r->result);
    *r = (struct ow_point_result){0};
}

/* ---- estimating -------------------------------------------------------------------- */

static enum ow_status shape_of(const struct ow_source *source, size_t *rows, size_t *cols,
                               struct ow_error *err)
{
    struct ow_matrix m;
    if (source->is_random) {
        *rows = source->rows;
        *cols = source->cols;
        return OW_OK;
    }
    const enum ow_status st = ow_table_load(source->path, &m, err);
    if (st)
        return st;
    *rows = m.rows;
    *cols = m.cols;
    ow_matrix_finish(&m);
    return OW_OK;
}

/* Of all reads of an array.  Fitted to scripts/bench and to ngspice's own figures in README.md;
 * larger arrays leave the caches.  Many vectors at DC may reduce the array to its ports. */
static void estimate_array(const struct ow_spec *spec, double rows, double cols, double reads,
                           double *seconds, double *bytes)
{
    const double cells = rows * cols, large = fmin(1.0, cells / 65536.0);
    switch (spec->engine.name) {
    case OW_ENGINE_DC: {
        const double ends = (rows + cols) * (rows + cols), least = fmin(rows, cols);
        const double one_by_one = reads * cells * 0.5e-6,
                     reduced = cells * (1e-6 + 4e-9 * least) + 8e-8 * ends +
                               reads * rows * (2.0 * rows + cols) * 5e-11;
        *seconds = fmin(one_by_one, reduced);
        *bytes = cells * 400.0 + (reduced < one_by_one ? 650.0 * cells + 100.0 * ends : 0.0);
        break;
    }
    case OW_ENGINE_NGSPICE:
        *seconds = reads * 1e-3 * pow(cells, 1.5);
        *bytes = cells * 12e3;
        break;
    case OW_ENGINE_COSIM: /* the control run is one as well; transistors at every line */
        *seconds = 1.6 * reads * (0.1 + 8e-3 * (rows + cols) + cells * (1e-4 + 3e-4 * large));
        *bytes = cells * 1200.0 + (rows + cols) * 50e3;
        break;
    default:
        *seconds = reads * (6e-3 + cells * (12e-6 + 14e-6 * large));
        *bytes = cells * 900.0;
    }
}

enum ow_status ow_point_estimate(const struct ow_spec *spec, struct ow_point_estimate *out,
                                 struct ow_error *err)
{
    size_t n_in, n_out, n_vec, n_check;
    enum ow_status st;
    if ((st = shape_of(&spec->vmm.weights, &n_in, &n_out, err)) ||
        (st = shape_of(&spec->vmm.inputs, &n_vec, &n_check, err)))
        return st;
    const struct ow_cut cut = ow_problem_cut(spec, n_in, n_out);
    const struct ow_lines lines = {.scheme = spec->mapping.scheme,
                                   .n = cut.n_out * spec->mapping.slices};
    const size_t rows = spec->array.rows ? spec->array.rows : cut.n_in,
                 cols = spec->array.cols ? spec->array.cols : ow_lines_count(&lines);
    const double cells = (double)rows * (double)cols, /* of an array, one of: */
        arrays = (double)cut.n_row_tile * (double)cut.n_col_tile;
    /* the control run, with ideal wires, takes a quarter of the time or so again */
    double reads = (double)n_vec * (double)ow_spec_n_phase(spec) * 1.25;
    if (spec->input.encoding == OW_ENCODING_PULSE_WIDTH) /* a restart where a width ends */
        reads *= 1.0 + 0.2 * fmin(ldexp(1.0, (int)spec->input.bits), (double)cut.n_in);
    /* inputs, products, partial sums (in both runs, exact and decoded), sense voltages */
    const double phases = (double)ow_spec_n_phase(spec),
                 partial = (double)ow_spec_n_bit(spec) * (double)cut.n_row_tile *
                           (double)n_out * (double)spec->mapping.slices;
    const double tables =
        8.0 * ((double)n_in * (double)n_out * 2.0 +
               (double)n_vec * (2.0 * (double)n_in + 4.0 * (double)n_out + 2.0 * partial +
                                4.0 * phases * (double)cols * arrays)) +
        (arrays - 1.0) * cells * 48.0; /* programmed, while another one is read */
    double seconds, bytes;
    estimate_array(spec, (double)rows, (double)cols, reads, &seconds, &bytes);
    *out = (struct ow_point_estimate){.rows = rows,
                                      .cols = cols,
                                      .seconds = arrays * seconds,
                                      .bytes = 16e6 + bytes + tables};
    return OW_OK;
}
