#include "ow_planes.h"

#include <math.h>

#include "ow_simd.h"

/* Of the driver and the first word-line segment behind it; 0 if the driver is open. */
static double g_first(const struct ow_crossbar *xb)
{
    return 1.0 / (xb->r_driver + xb->r_wordline);
}

/* Where row i of the bit lines' plane goes on: the next row, or behind the last segment the
 * sense inputs, which may all be ground, or sources. */
static const double *row_after(const struct ow_circuit *ckt, const double v[], size_t i,
                               size_t *stride)
{
    const size_t cols = ckt->xb->cols;
    const bool is_last = i + 1 == ckt->xb->rows;
    *stride = is_last && ckt->sense_in[0] == OW_GROUND ? 0 : 1;
    return is_last ? v + ckt->sense_in[0] : v + ckt->bline + (i + 1) * cols;
}

/* Row i of the bit lines: of merged ones always the same. */
static const double *bit_lines_of(const struct ow_circuit *ckt, const double v[], size_t i)
{
    return v + (ckt->is_merged ? ckt->sense_in[0] : ckt->bline + i * ckt->xb->cols);
}

OW_WIDE static void across_rows(const struct ow_circuit *ckt, const double v[], size_t from,
                                size_t to, double v_cell[])
{
    const size_t cols = ckt->xb->cols;
    for (size_t i = from; i < to; i++, v_cell += cols) {
        const double *b = bit_lines_of(ckt, v, i);
        const double *w = v + ckt->wline + i * (ckt->is_merged ? 1 : cols), w_line = *w;
        if (ckt->is_merged)
            for (size_t j = 0; j < cols; j++)
                v_cell[j] = w_line - b[j];
        else
            for (size_t j = 0; j < cols; j++)
                v_cell[j] = w[j] - b[j];
    }
}

void ow_planes_across(const struct ow_circuit *ckt, const double v[], size_t from, size_t to,
                      double v_cell[])
{
    across_rows(ckt, v, from, to, v_cell);
}

OW_WIDE static void word_line_currents(const struct ow_circuit *ckt, size_t i, const double v[],
                                       const double i_cell[], double into[])
{
    const size_t cols = ckt->xb->cols;
    const double g = 1.0 / ckt->xb->r_wordline;
    const double *w = v + ckt->wline + i * cols;
    into[0] = -i_cell[0] + g_first(ckt->xb) * (v[1 + i] - w[0]);
    if (cols == 1)
        return;
    into[0] += g * (w[1] - w[0]);
    for (size_t j = 1; j + 1 < cols; j++)
        into[j] = -i_cell[j] + g * ((w[j - 1] - w[j]) + (w[j + 1] - w[j]));
    into[cols - 1] = -i_cell[cols - 1] + g * (w[cols - 2] - w[cols - 1]);
}

/* Row i of the bit lines. */
OW_WIDE static void bit_row_currents(const struct ow_circuit *ckt, size_t i, const double v[],
                                     const double i_cell[], double into[])
{
    const size_t cols = ckt->xb->cols;
    const double g = 1.0 / ckt->xb->r_bitline;
    const double *b = v + ckt->bline + i * cols;
    const double *before = i ? b - cols : b; /* the first row has none before it */
    size_t stride;
    const double *after = row_after(ckt, v, i, &stride);
    if (stride)
        for (size_t j = 0; j < cols; j++)
            into[j] = i_cell[j] + g * ((before[j] - b[j]) + (after[j] - b[j]));
    else
        for (size_t j = 0; j < cols; j++)
            into[j] = i_cell[j] + g * ((before[j] - b[j]) + (after[0] - b[j]));
}

void ow_planes_currents(const struct ow_circuit *ckt, const double v[], const double i_cell[],
                        size_t from, size_t to, double into_w[], double into_b[])
{
    const size_t cols = ckt->xb->cols;
    for (size_t i = from; i < to; i++, i_cell += cols, into_w += cols, into_b += cols) {
        word_line_currents(ckt, i, v, i_cell, into_w);
        bit_row_currents(ckt, i, v, i_cell, into_b);
    }
}

void ow_planes_inputs(const struct ow_circuit *ckt, const double v[], double into[])
{
    const size_t rows = ckt->xb->rows, cols = ckt->xb->cols, first = ckt->first_free;
    if (ckt->sense_in[0] < first)
        return;
    const double g = 1.0 / ckt->xb->r_bitline;
    const double *last = v + ckt->bline + (rows - 1) * cols, *in = v + ckt->sense_in[0];
    for (size_t j = 0; j < cols; j++)
        into[ckt->sense_in[0] - first + j] = g * (last[j] - in[j]);
}

/* sum (a[k] - b[k])^2; partial sums in a fixed order. */
OW_WIDE static double square_of_difference(const double a[], const double b[], size_t n)
{
    double sum[4] = {0.0, 0.0, 0.0, 0.0};
    size_t k = 0;
    for (; k + 4 <= n; k += 4)
        for (size_t lane = 0; lane < 4; lane++) {
            const double u = a[k + lane] - b[k + lane];
            sum[lane] += u * u;
        }
    for (; k < n; k++)
        sum[0] += (a[k] - b[k]) * (a[k] - b[k]);
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* sum x[k] y[k], likewise. */
OW_WIDE static double dot_of_row(const double x[], const double y[], size_t n)
{
    double sum[4] = {0.0, 0.0, 0.0, 0.0};
    size_t k = 0;
    for (; k + 4 <= n; k += 4)
        for (size_t lane = 0; lane < 4; lane++)
            sum[lane] += x[k + lane] * y[k + lane];
    for (; k < n; k++)
        sum[0] += x[k] * y[k];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

OW_WIDE static double sum_of_row(const double x[], size_t n)
{
    double sum[4] = {0.0, 0.0, 0.0, 0.0};
    size_t k = 0;
    for (; k + 4 <= n; k += 4)
        for (size_t lane = 0; lane < 4; lane++)
            sum[lane] += x[k + lane];
    for (; k < n; k++)
        sum[0] += x[k];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

void ow_planes_add_cells(const struct ow_circuit *ckt, const double i_cell[], double into[])
{
    const size_t cols = ckt->xb->cols, first = ckt->first_free;
    double *b = into + (ckt->sense_in[0] - first);
    for (size_t i = 0; i < ckt->xb->rows; i++, i_cell += cols) {
        into[ckt->wline - first + i] -= sum_of_row(i_cell, cols);
        for (size_t j = 0; j < cols; j++)
            b[j] += i_cell[j];
    }
}

/* sum w i - sum b i, row by row: the difference of few sums would cancel. */
double ow_planes_devices(const struct ow_circuit *ckt, const double v[], const double i_cell[],
                         size_t from, size_t to)
{
    const size_t cols = ckt->xb->cols;
    double sum = 0.0;
    for (size_t i = from; i < to; i++, i_cell += cols) {
        const double *b = bit_lines_of(ckt, v, i);
        const double *w = v + ckt->wline + i * (ckt->is_merged ? 1 : cols);
        const double word =
            ckt->is_merged ? *w * sum_of_row(i_cell, cols) : dot_of_row(w, i_cell, cols);
        sum += word - dot_of_row(b, i_cell, cols);
    }
    return sum;
}

void ow_planes_power(const struct ow_circuit *ckt, const double v[], size_t from, size_t to,
                     double i_source[], struct ow_power *out)
{
    const struct ow_crossbar *xb = ckt->xb;
    const size_t cols = xb->cols;
    const double r_first = xb->r_driver + xb->r_wordline;
    double word = 0.0, bit = 0.0;
    for (size_t i = from; i < to; i++) {
        const double *w = v + ckt->wline + i * cols, *b = v + ckt->bline + i * cols;
        const double i_first = g_first(xb) * (v[1 + i] - w[0]);
        i_source[i] += i_first;
        if (isfinite(r_first)) {
            out->drivers += i_first * i_first * xb->r_driver;
            out->wires += i_first * i_first * xb->r_wordline;
        }
        word += square_of_difference(w, w + 1, cols - 1);
        size_t stride;
        const double *after = row_after(ckt, v, i, &stride);
        for (size_t j = 0; !stride && j < cols; j++)
            bit += b[j] * b[j]; /* the sense inputs are ground */
        if (stride)
            bit += square_of_difference(b, after, cols);
    }
    out->wires += word / xb->r_wordline + bit / xb->r_bitline;
}

void ow_planes_driven(const struct ow_circuit *ckt, const double v[], double i_source[])
{
    const size_t rows = ckt->xb->rows, cols = ckt->xb->cols, in = ckt->sense_in[0];
    const double *last = v + ckt->bline + (rows - 1) * cols;
    for (size_t j = 0; in != OW_GROUND && in < ckt->first_free && j < cols; j++)
        i_source[in - 1 + j] += (v[in + j] - last[j]) / ckt->xb->r_bitline;
}
