/* The two families of lines of a crossbar (ow_grid.h) in single precision, as linear algebra
 * and nothing else:
 *
 *   [ Aw + D    -D    ]
 *   [  -D     Ab + D  ],   S = Aw + D - D (Ab + D)^-1 D
 *
 * A line with conductance g between neighbours is eliminated from its first node on; at node
 * k it sees behind itself the conductance q,
 *   q[0] = s[0],  q[k] = s[k] + g q[k-1] / (g + q[k-1]),   s: shunts and cells,
 * a sum of positive terms, so nothing cancels: single precision would not survive that, with
 * cells of 1 uS on wires of 1 S.  Kept is t = g / pivot, with pivot = q + g (q at the last
 * node):
 *   forwards   y[k] = f[k] / g + t[k-1] y[k-1]
 *   backwards  x[k] = t[k] (y[k] + x[k+1])
 *
 * Bit lines are taken in blocks side by side, as they lie in memory; word lines in blocks of
 * OW_LINES, transposed on the way in and out. */
#ifndef OW_LINES_H
#define OW_LINES_H

#include <stdbool.h>
#include <stddef.h>

enum { OW_LINES = 16 };

/* Arrays marked [rows][stride] have `cols` values a row and zeros behind them. */
struct ow_lines {
    size_t rows, cols, stride;
    size_t size;                        /* rows stride                                    */
    int n_threads;                      /* that share the work                            */
    float g_word, g_bit, c_word, c_bit; /* as in ow_grid.h, in any one unit               */
    float *source, *end;                /* [rows], [cols]                                 */
    float *d;                           /* [rows][stride] cells                           */
    float *t_word;                      /* [blocks of word lines][cols][OW_LINES] factors */
    float *t_bit;                       /* [rows][stride]                                 */
    float *work;                        /* of every thread                                */
    size_t n_work;                      /* of one thread                                  */
    double *sum;                        /* one a block of lines                           */
};

/* Arrays of the right size, unset; NULL without memory.  Small arrays get one thread. */
struct ow_lines *ow_lines_create(size_t rows, size_t cols, int n_threads);
void ow_lines_destroy(struct ow_lines *lines);
/* A [rows][stride], unset but for the zeros behind the rows; free() it.  NULL without memory.
 */
float *ow_lines_vector(const struct ow_lines *lines);

/* False if a line's pivots are not positive and finite: cells with negative differential
 * conductance, or a line that nothing holds. */
bool ow_lines_factor(struct ow_lines *lines);

/* z = (Aw + D)^-1 f, or z += that. */
void ow_lines_word(const struct ow_lines *lines, const float f[], bool is_added, float z[]);
/* x = (Ab + D)^-1 (x + D w). */
void ow_lines_bit(const struct ow_lines *lines, const float w[], float x[]);
/* fw += D (Ab + D)^-1 fb. */
void ow_lines_fold(const struct ow_lines *lines, const float fb[], float fw[]);
/* out = r - S p (r: NULL is 0); returns p out. */
double ow_lines_residual(const struct ow_lines *lines, const float r[], const float p[],
                         float out[]);
/* The same for p = (Aw + D)^-1 r, where (Aw + D) p cancels r: out = D (Ab + D)^-1 D p. */
void ow_lines_residual_after_word(const struct ow_lines *lines, const float p[], float out[]);

#endif
