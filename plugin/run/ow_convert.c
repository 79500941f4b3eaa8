#include "ow_convert.h"

#include <stdlib.h>
#include <string.h>

/* ---- ranges -------------------------------------------------------------------------- */

/* Differences that make the outputs of a row tile, and conversions of a bit. */
static size_t tile_width(const struct ow_problem *p)
{
    return p->n_out * p->array->n_slice;
}
static size_t turn_width(const struct ow_problem *p)
{
    return p->n_row_tile * tile_width(p);
}

/* What converters see, exact, and the weights of each row tile, both beside those of the tile
 * above: y[n_vec][n_bit][n_row_tile][n_out][n_slice] and, 0 below the last,
 * w[rows of a tile][n_row_tile][n_out][n_slice].  From these their range follows. */
struct partial {
    struct ow_matrix y, w;
};

/* Input i of vector k in the reads of a bit; analog inputs count as given. */
static double input(const struct ow_problem *p, size_t k, size_t i, size_t bit)
{
    if (p->spec->input.encoding != OW_ENCODING_BIT_SERIAL)
        return ow_matrix_row(&p->inputs, k)[i];
    return ow_array_digit(p->array, ow_matrix_row(&p->driven, k)[i], bit);
}

static void partial_finish(struct partial *partial)
{
    ow_matrix_finish(&partial->y);
    ow_matrix_finish(&partial->w);
}

static enum ow_status partial_init(const struct ow_problem *p, struct partial *out,
                                   struct ow_error *err)
{
    const size_t n_in = p->array->n_in, n_bit = p->array->n_bit, width = tile_width(p),
                 n_turn = turn_width(p);
    const struct ow_matrix *weights = p->slice.a ? &p->slice : &p->weights;
    *out = (struct partial){
        .y = ow_matrix_create(p->n_vec, n_bit * n_turn),
        .w = ow_matrix_create(n_in, n_turn),
    };
    if (!out->y.a || !out->w.a) {
        partial_finish(out);
        return ow_fail(err, OW_ERR_NOMEM, "partial sums: out of memory");
    }
    for (size_t i = 0; i < p->n_in; i++) {
        const double *w = ow_matrix_row(weights, i);
        const size_t first = i / n_in * width;
        memcpy(ow_matrix_row(&out->w, i % n_in) + first, w, width * sizeof *w);
        for (size_t k = 0; k < p->n_vec * n_bit; k++) {
            const double x = input(p, k / n_bit, i, k % n_bit);
            for (size_t j = 0; j < width; j++)
                out->y.a[k * n_turn + first + j] += x * w[j];
        }
    }
    return OW_OK;
}

enum ow_status ow_convert_ranges(const struct ow_problem *p, const bool is_calibration[],
                                 struct ow_range *whole, struct ow_range *adc,
                                 struct ow_error *err)
{
    const struct ow_range_choice *choice = &p->spec->adc.range;
    const double least = p->spec->input.is_signed ? -1.0 : 0.0, n = (double)p->n_row_tile;
    struct partial partial;
    enum ow_status st = ow_range_find(choice->rule, &p->y, is_calibration, &p->weights, least,
                                      n * choice->lo, n * choice->hi, whole, err);
    if (st || (st = partial_init(p, &partial, err)))
        return st;
    st = ow_range_find(choice->rule, &partial.y, is_calibration, &partial.w, least, choice->lo,
                       choice->hi, adc, err);
    partial_finish(&partial);
    return st;
}

/* ---- products ------------------------------------------------------------------------ */

/* What the arrays of each row tile make of every bit of every vector,
 * [n_vec][n_bit][n_row_tile][n_out][n_slice]; negative inputs, read after the positive ones,
 * count negative. */
static void decode(const struct ow_problem *p, const struct ow_matrix *v_sense, double phase[],
                   struct ow_matrix *partial)
{
    const size_t n_turn = turn_width(p), n_sign = p->array->n_sign;
    size_t first = 0;
    for (size_t k = 0; k < ow_problem_arrays(p); k++) {
        const struct ow_array *a = &p->array[k];
        const size_t at = k / p->n_col_tile * tile_width(p) + a->first_out * a->n_slice;
        for (size_t read = 0; read < v_sense->rows; read++) {
            double *y = partial->a + read / n_sign * n_turn + at;
            ow_array_decode(a, ow_matrix_row(v_sense, read) + first, phase);
            for (size_t j = 0; j < a->lines.n; j++)
                y[j] += read % n_sign ? -phase[j] : phase[j];
        }
        first += a->xb.cols;
    }
}

/* Every conversion has its converter's offset. */
static void offset(const struct ow_problem *p, struct ow_matrix *partial)
{
    const size_t n_turn = turn_width(p), n = partial->rows * p->array->n_bit;
    for (size_t k = 0; k < ow_problem_arrays(p); k++) {
        const struct ow_array *a = &p->array[k];
        const size_t at = k / p->n_col_tile * tile_width(p) + a->first_out * a->n_slice;
        for (size_t j = 0; j < a->lines.n; j++) {
            const double y = a->y_per_volt * ow_array_offset(a, j);
            for (size_t turn = 0; turn < n; turn++)
                partial->a[turn * n_turn + at + j] += y;
        }
    }
}

/* The digital part: shift and add over bits, row tiles and slices. */
static void add_up(const struct ow_problem *p, const struct ow_matrix *partial,
                   struct ow_matrix *y)
{
    const struct ow_array *a = p->array;
    const size_t n_turn = turn_width(p), width = tile_width(p), n_slice = a->n_slice;
    for (size_t k = 0; k < p->n_vec; k++)
        for (size_t c = 0; c < partial->cols; c++)
            ow_matrix_row(y, k)[c % width / n_slice] +=
                ow_array_bit_weight(a, c / n_turn) *
                ow_mapping_slice_weight(a->mapping.levels, (unsigned)n_slice,
                                        (unsigned)(c % n_slice)) *
                ow_matrix_row(partial, k)[c];
}

enum ow_status ow_convert(const struct ow_problem *p, const struct ow_matrix *v_sense,
                          const struct ow_range *adc, struct ow_matrix *y, struct ow_error *err)
{
    struct ow_matrix partial = ow_matrix_create(p->n_vec, p->array->n_bit * turn_width(p));
    double *phase = calloc(tile_width(p), sizeof *phase);
    enum ow_status st = OW_OK;
    *y = ow_matrix_create(p->n_vec, p->n_out);
    if (y->a && partial.a && phase) {
        decode(p, v_sense, phase, &partial);
        offset(p, &partial);
        ow_adc_quantise(&partial, adc, (unsigned)p->spec->adc.bits);
        add_up(p, &partial, y);
    } else {
        ow_matrix_finish(y);
        st = ow_fail(err, OW_ERR_NOMEM, "outputs: out of memory");
    }
    free(phase);
    ow_matrix_finish(&partial);
    return st;
}
