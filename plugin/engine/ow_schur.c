#include "ow_schur.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_grid.h"

/* What hangs behind the last segment of one bit line: sense input, and with an amplifier
 * its gain and output nodes.  With K = mass c_f + gamma / r_f:
 *   gain    (mass tau - gamma d_a) a = f_a + gamma d_in in
 *   output  (mass c_out + K + gamma / r_out) out = f_out + K in + gamma / r_out a
 *   input   (g + mass c_in + K) in = f_in + g b_last + K out */
struct folded {
    double y_in;                 /* admittance of the input, all behind it included */
    double k_back;               /* K                                               */
    double k_in, k_inner, c_out; /* of the output: (f_out + k_inner f_a / a_own + k_in in) /
                                    c_out                                           */
    double a_in, a_own;          /* of the gain node: (f_a + a_in in) / a_own       */
    double f_in, f_inner, f_out; /* right-hand sides at hand                        */
};

struct ow_schur {
    const struct ow_system *sys; /* borrowed */
    struct ow_grid_solver *solver;
    struct ow_grid grid;   /* its arrays are the following                       */
    double *source, *end;  /* [rows], [cols]                                     */
    double *d;             /* [rows][cols]                                       */
    bool has_input;        /* sense inputs are nodes, not ground                 */
    struct folded *behind; /* [cols]                                             */
    double *fw, *fb;       /* [rows][cols] right-hand sides                      */
};

/* ---- life ---------------------------------------------------------------------------- */

enum ow_status ow_schur_create(const struct ow_system *sys, struct ow_schur **out)
{
    const struct ow_circuit *ckt = sys->circuit;
    const size_t rows = ckt->xb->rows, cols = ckt->xb->cols, n = sys->n_cell;
    struct ow_schur *s = calloc(1, sizeof *s);
    if (!s)
        return OW_ERR_NOMEM;
    s->sys = sys;
    s->has_input = ckt->sense_in[0] >= ckt->first_free;
    s->source = malloc(rows * sizeof *s->source);
    s->end = malloc(cols * sizeof *s->end);
    s->d = malloc(n * sizeof *s->d);
    s->behind = calloc(cols, sizeof *s->behind);
    s->fw = malloc(n * sizeof *s->fw);
    s->fb = malloc(n * sizeof *s->fb);
    if (!s->source || !s->end || !s->d || !s->behind || !s->fw || !s->fb ||
        ow_grid_create(rows, cols, 1, &s->solver)) {
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
    free(s->d);
    free(s->behind);
    free(s->fw);
    free(s->fb);
    free(s);
}

/* ---- factors ------------------------------------------------------------------------- */

static struct folded fold(const struct ow_linear *lin, size_t j)
{
    const struct ow_circuit *ckt = lin->sys->circuit;
    const struct ow_sense *sense = &ckt->xb->sense;
    const double gamma = lin->gamma;
    struct folded f = {.y_in = lin->mass * ckt->c[ckt->sense_in[j]]};
    if (!ckt->n_amp) {
        f.y_in += gamma / sense->r_f;
        return f;
    }
    const struct ow_amp *amp = &ckt->amp[j];
    double d_in, d_a;
    ow_amp_drive(sense, lin->sys->v_node[amp->in], lin->sys->v_node[amp->inner], &d_in, &d_a);
    f.k_back = lin->mass * sense->c_f + gamma / sense->r_f;
    f.a_own = lin->mass * lin->sys->tau - gamma * d_a;
    f.a_in = gamma * d_in;
    f.k_inner = gamma / sense->r_out;
    f.c_out = lin->mass * ckt->c[amp->out] + f.k_back + f.k_inner;
    f.k_in = f.k_back + f.k_inner * f.a_in / f.a_own;
    f.y_in += f.k_back - f.k_back * f.k_in / f.c_out;
    return f;
}

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
                               .d = s->d};
    const double g_bit = s->grid.g_bit;
    for (size_t i = 0; i < xb->rows; i++) /* 0 if the driver is open */
        s->source[i] = lin->gamma / (xb->r_driver + xb->r_wordline);
    for (size_t j = 0; j < xb->cols; j++) {
        s->end[j] = g_bit;
        if (s->has_input) {
            s->behind[j] = fold(lin, j);
            s->end[j] *= s->behind[j].y_in / (g_bit + s->behind[j].y_in);
        }
    }
    for (size_t k = 0; k < s->sys->n_cell; k++)
        s->d[k] = ow_linear_cell(lin, k);
    return ow_grid_factor(s->solver, &s->grid);
}

/* ---- solution ------------------------------------------------------------------------ */

/* Right-hand sides behind the bit lines onto their last nodes, and back. */
static void fold_rhs(struct ow_schur *s, const double rhs[], double last[])
{
    const struct ow_circuit *ckt = s->sys->circuit;
    const double g = s->grid.g_bit;
    for (size_t j = 0; s->has_input && j < s->grid.cols; j++) {
        struct folded *f = &s->behind[j];
        f->f_in = rhs[ckt->sense_in[j] - ckt->first_free];
        if (ckt->n_amp) {
            f->f_inner = rhs[ckt->amp[j].inner - ckt->first_free];
            f->f_out =
                rhs[ckt->amp[j].out - ckt->first_free] + f->k_inner * f->f_inner / f->a_own;
            f->f_in += f->k_back * f->f_out / f->c_out;
        }
        last[j] += g / (g + f->y_in) * f->f_in;
    }
}

static void unfold(const struct ow_schur *s, const double last[], double rhs[])
{
    const struct ow_circuit *ckt = s->sys->circuit;
    const double g = s->grid.g_bit;
    for (size_t j = 0; s->has_input && j < s->grid.cols; j++) {
        const struct folded *f = &s->behind[j];
        const double in = (f->f_in + g * last[j]) / (g + f->y_in);
        rhs[ckt->sense_in[j] - ckt->first_free] = in;
        if (ckt->n_amp) {
            rhs[ckt->amp[j].out - ckt->first_free] = (f->f_out + f->k_in * in) / f->c_out;
            rhs[ckt->amp[j].inner - ckt->first_free] = (f->f_inner + f->a_in * in) / f->a_own;
        }
    }
}

bool ow_schur_solve(struct ow_schur *s, double rhs[], const double weight[], double tol)
{
    const struct ow_circuit *ckt = s->sys->circuit;
    const size_t n = s->sys->n_cell;
    const size_t at_w = ckt->wline - ckt->first_free, at_b = ckt->bline - ckt->first_free;
    double *w = rhs + at_w, *b = rhs + at_b;
    struct ow_grid_effort effort;
    memcpy(s->fw, w, n * sizeof *w);
    memcpy(s->fb, b, n * sizeof *b);
    fold_rhs(s, rhs, s->fb + n - ckt->xb->cols);
    const struct ow_grid_rhs f = {.w = s->fw, .b = s->fb};
    const struct ow_grid_weights weights = {.w = weight ? weight + at_w : NULL,
                                            .b = weight ? weight + at_b : NULL};
    if (!ow_grid_solve(s->solver, &f, weight ? &weights : NULL, tol, w, b, &effort))
        return false;
    unfold(s, b + n - ckt->xb->cols, rhs);
    return true;
}
