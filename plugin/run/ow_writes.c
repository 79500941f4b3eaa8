#include "ow_writes.h"

#include <stdlib.h>
#include <string.h>

static enum ow_status take_rows(struct ow_writes *w, struct ow_error *err)
{
    const struct ow_rows *rows = &w->spec->program.pulses.rows;
    w->n_row = rows->n ? rows->n : w->target.rows;
    w->row = malloc(w->n_row * sizeof *w->row);
    if (!w->row)
        return ow_fail(err, OW_ERR_NOMEM, "pulses: out of memory");
    for (size_t k = 0; k < w->n_row; k++) {
        w->row[k] = rows->n ? rows->row[k] : k;
        if (w->row[k] >= w->target.rows)
            return ow_spec_fail(w->spec, "program.pulses.rows", err, OW_ERR_INPUT,
                                "word line %zu: expected 0 to %zu", w->row[k],
                                w->target.rows - 1);
    }
    return OW_OK;
}

size_t ow_writes_groups(const struct ow_writes *w)
{
    const bool is_single = w->spec->program.pulses.order == OW_ORDER_CELLS;
    return is_single ? w->n_row * w->target.cols : w->n_row;
}

struct ow_write ow_writes_group(const struct ow_writes *w, size_t k, bool is_set)
{
    const size_t cols = w->target.cols;
    if (w->spec->program.pulses.order == OW_ORDER_ROWS)
        return (struct ow_write){
            .row = w->row[k], .first = 0, .last = cols - 1, .is_set = is_set};
    return (struct ow_write){
        .row = w->row[k / cols], .first = k % cols, .last = k % cols, .is_set = is_set};
}

bool ow_write_selects(const struct ow_writes *w, const struct ow_write *write, size_t j,
                      double g)
{
    const double up = ow_matrix_row(&w->target, write->row)[j] - g;
    const double tolerance = w->spec->program.verify.tolerance * w->range;
    return j >= write->first && j <= write->last && (write->is_set ? up : -up) > tolerance;
}

size_t ow_write_amplitudes(const struct ow_writes *w, const struct ow_write *write,
                           const double g_row[], double amplitude[])
{
    const bool is_v2 = w->spec->program.scheme == OW_WRITE_V2;
    const double v =
        write->is_set ? w->spec->program.pulses.v_set : w->spec->program.pulses.v_reset;
    const double word = v / (is_v2 ? 2.0 : 3.0), bit = is_v2 ? word : 2.0 * word;
    const size_t rows = w->target.rows;
    size_t n = 0;
    for (size_t i = 0; i < rows; i++)
        amplitude[i] = i == write->row ? v : word;
    for (size_t j = 0; j < w->target.cols; j++) {
        const bool is_selected = ow_write_selects(w, write, j, g_row[j]);
        amplitude[rows + j] = is_selected ? 0.0 : bit;
        n += is_selected;
    }
    return n;
}

/* What every cell needs as it begins. */
static enum ow_status plan(struct ow_writes *w, struct ow_error *err)
{
    const size_t n_group = ow_writes_groups(w);
    w->write = malloc(2 * n_group * sizeof *w->write);
    if (!w->write)
        return ow_fail(err, OW_ERR_NOMEM, "pulses: out of memory");
    for (size_t k = 0; k < 2 * n_group; k++) {
        const struct ow_write write = ow_writes_group(w, k / 2, k % 2 == 0);
        const double *g = ow_matrix_row(&w->begin, write.row);
        bool is_needed = false;
        for (size_t j = write.first; j <= write.last && !is_needed; j++)
            is_needed = ow_write_selects(w, &write, j, g[j]);
        if (is_needed)
            w->write[w->n++] = write;
    }
    return w->n ? OW_OK
                : ow_spec_fail(w->spec, "program.verify.tolerance", err, OW_ERR_INPUT,
                               "nothing to write: every cell begins within %g of g_max - g_min "
                               "of its target",
                               w->spec->program.verify.tolerance);
}

enum ow_status ow_writes_init(const struct ow_spec *spec, struct ow_matrix *target,
                              const struct ow_mapping *begin, struct ow_writes *out,
                              struct ow_error *err)
{
    struct ow_writes w = {
        .spec = spec, .target = *target, .range = begin->g_max - begin->g_min};
    const size_t n = target->rows * target->cols;
    *target = (struct ow_matrix){0};
    w.begin = ow_matrix_create(begin->g.rows, begin->g.cols);
    enum ow_status st = OW_OK;
    if (w.begin.a)
        memcpy(w.begin.a, begin->g.a, n * sizeof *w.begin.a);
    else
        st = ow_fail(err, OW_ERR_NOMEM, "pulses: out of memory");
    if (st == OW_OK)
        st = take_rows(&w, err);
    if (st == OW_OK)
        st = plan(&w, err);
    if (st == OW_OK)
        *out = w;
    else
        ow_writes_finish(&w);
    return st;
}

void ow_writes_finish(struct ow_writes *w)
{
    ow_matrix_finish(&w->target);
    ow_matrix_finish(&w->begin);
    free(w->row);
    free(w->write);
    *w = (struct ow_writes){0};
}
