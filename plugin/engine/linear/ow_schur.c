#include "ow_schur.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_behind.h"
#include "ow_grid.h"

struct ow_schur {
    const struct ow_system *sys; /* borrowed */
    struct ow_grid_solver *solver;
    struct ow_grid grid;      /* its arrays are the following                       */
    double *source, *end;     /* [rows], [cols]                                     */
    bool has_input;           /* sense inputs are nodes, not ground                 */
    struct ow_behind *behind; /* [cols]                                             */
    long n_iteration;         /* of all solutions                                   */
    double *last;             /* [cols] what comes from behind onto the last row    */
};

/* ---- life ---------------------------------------------------------------------------- */

enum ow_status ow_schur_create(const struct ow_system *sys, struct ow_schur **out)
{
    const struct ow_circuit *ckt = sys->circuit;
    const size_t rows = ckt->xb->rows, cols = ckt->xb->cols;
    struct ow_schur *s = calloc(1, sizeof *s);
    if (!s)
        return OW_ERR_NOMEM;
    s->sys = sys;
    s->has_input = ckt->sense_in[0] >= ckt->first_free;
    s->source = malloc(rows * sizeof *s->source);
    s->end = malloc(cols * sizeof *s->end);
    s->behind = calloc(cols, sizeof *s->behind);
    s->last = malloc(cols * sizeof *s->last);
    if (!s->source || !s->end || !s->behind || !s->last ||
        ow_grid_create(rows, cols, sys->n_threads, &s->solver)) {
        ow_schur_destroy(s);
        return OW_ERR_NOMEM;
    }
    *out = s;
    return OW_OK;
}

void ow_schur_destroy(struct ow_schur *s)
{
    if (!s)
        return;
    ow_grid_destroy(s->solver);
    free(s->source);
    free(s->end);
    free(s->behind);
    free(s->last);
    free(s);
}

/* ---- factors ------------------------------------------------------------------------- */

bool ow_schur_factor(struct ow_schur *s, const struct ow_linear *lin)
{
    const struct ow_crossbar *xb = s->sys->circuit->xb;
    s->grid = (struct ow_grid){.rows = xb->rows,
                               .cols = xb->cols,
                               .g_word = lin->gamma / xb->r_wordline,
                               .g_bit = lin->gamma / xb->r_bitline,
                               .c_word = lin->mass * xb->c_wordline,
                               .c_bit = lin->mass * xb->c_bitline,
                               .source = s->source,
                               .end = s->end,
                               .d = lin->g,
                               .d_scale = lin->gamma,
                               .d_own = lin->mass * xb->c_cell};
    const double g_bit = s->grid.g_bit;
    for (size_t i = 0; i < xb->rows; i++) /* 0 if the driver is open */
        s->source[i] = lin->gamma / (xb->r_driver + xb->r_wordline);
    for (size_t j = 0; j < xb->cols; j++) {
        s->end[j] = g_bit;
        if (s->has_input) {
            s->behind[j] = ow_behind_of(lin, j);
            s->end[j] *= s->behind[j].y_in / (g_bit + s->behind[j].y_in);
        }
    }
    return ow_grid_factor(s->solver, &s->grid);
}

/* ---- solution ------------------------------------------------------------------------ */

/* Right-hand sides behind the bit lines: folded, into their sense inputs' places in out, and
 * onto the bit lines' last nodes. */
static void fold(struct ow_schur *s, const double rhs[], double out[])
{
    const struct ow_circuit *ckt = s->sys->circuit;
    const double g = s->grid.g_bit;
    for (size_t j = 0; s->has_input && j < s->grid.cols; j++) {
        struct ow_behind *f = &s->behind[j];
        const double f_in = ow_behind_fold(f, ckt, j, rhs);
        out[ckt->sense_in[j] - ckt->first_free] = f_in;
        s->last[j] = g / (g + f->y_in) * f_in;
    }
}

static void unfold(const struct ow_schur *s, const double last[], double out[])
{
    const struct ow_circuit *ckt = s->sys->circuit;
    const double g = s->grid.g_bit;
    for (size_t j = 0; s->has_input && j < s->grid.cols; j++) {
        const double f_in = out[ckt->sense_in[j] - ckt->first_free];
        ow_behind_unfold(&s->behind[j], ckt, j, (f_in + g * last[j]) / (g + s->behind[j].y_in),
                         out);
    }
}

/* What the lines' solver is given. */
struct planes {
    const struct ow_schur *s;
    const double *rhs; /* as for ow_schur_solve(), as the following */
    ow_grid_rows_fn *rows;
    const void *data;
};

static void rows_of(const void *data, size_t from, size_t to, double w[], double b[])
{
    const struct planes *p = data;
    const struct ow_circuit *ckt = p->s->sys->circuit;
    const size_t cols = ckt->xb->cols, n = (to - from) * cols, at = from * cols;
    if (p->rows) {
        p->rows(p->data, from, to, w, b);
    } else {
        memcpy(w, p->rhs + (ckt->wline - ckt->first_free) + at, n * sizeof *w);
        memcpy(b, p->rhs + (ckt->bline - ckt->first_free) + at, n * sizeof *b);
    }
    for (size_t j = 0; p->s->has_input && to == ckt->xb->rows && j < cols; j++)
        b[n - cols + j] += p->s->last[j];
}

bool ow_schur_solve(struct ow_schur *s, const double rhs[], ow_grid_rows_fn *rows,
                    const void *data, const double weight[], double tol, double out[])
{
    const struct ow_circuit *ckt = s->sys->circuit;
    const size_t to_last = s->sys->n_cell - ckt->xb->cols;
    const size_t at_w = ckt->wline - ckt->first_free, at_b = ckt->bline - ckt->first_free;
    const struct planes planes = {.s = s, .rhs = rhs, .rows = rows, .data = data};
    const struct ow_grid_rhs f = {.rows = rows_of, .data = &planes};
    const struct ow_grid_weights weights = {.w = weight ? weight + at_w : NULL,
                                            .b = weight ? weight + at_b : NULL};
    struct ow_grid_effort effort;
    fold(s, rhs, out);
    const bool is_solved = ow_grid_solve(s->solver, &f, weight ? &weights : NULL, tol,
                                         out + at_w, out + at_b, &effort);
    s->n_iteration += effort.iterations;
    if (is_solved)
        unfold(s, out + at_b + to_last, out);
    return is_solved;
}

long ow_schur_iterations(const struct ow_schur *s)
{
    return s->n_iteration;
}
