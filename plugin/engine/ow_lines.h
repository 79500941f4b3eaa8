/* The two families of lines of a crossbar, as linear algebra and nothing else:
 *
 *   [ Aw + D    -D    ] [w]   [fw]     w[i][j], b[i][j]: word-line and bit-line nodes
 *   [  -D     Ab + D  ] [b] = [fb]     D = diag(cells)
 *
 * Aw: independent tridiagonals, one a word line along j, fed at its first node; Ab: one a
 * bit line along i, ended at its last.  Eliminating the bit lines leaves
 *   S = Aw + D - D (Ab + D)^-1 D
 * on the word-line nodes, symmetric and, for cells >= 0, positive definite.
 *
 * A line with conductance g between neighbours is eliminated from its first node on; at node
 * k it sees behind itself the conductance q,
 *   q[0] = s[0],  q[k] = s[k] + g q[k-1] / (g + q[k-1]),   s: shunts and cells,
 * a sum of positive terms, so nothing cancels.  Kept is t = g / pivot, with pivot = q + g
 * (q at the last node):
 *   forwards   y[k] = f[k] + t[k-1] y[k-1]
 *   backwards  x[k] = t[k] (y[k] / g + x[k+1]) */
#ifndef OW_LINES_H
#define OW_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct ow_lines {
    size_t rows, cols, n;   /* n = rows cols                                            */
    double g_word, g_bit;   /* S (or S s), > 0: between neighbours                      */
    double c_word, c_bit;   /* the same, >= 0: from every node to ground                */
    double *source;         /* [rows] from the first node of each word line to ground   */
    double *end;            /* [cols] from the last node of each bit line to ground     */
    double *d;              /* [rows][cols] cells                                       */
    double *t_word, *t_bit; /* [rows][cols] factors                                     */
    double *behind;         /* [cols] workspace of the factors */
};

/* Arrays of the right size, unset; NULL without memory. */
struct ow_lines *ow_lines_create(size_t rows, size_t cols);
void ow_lines_destroy(struct ow_lines *lines);

/* False if a line's pivots are not positive: cells with negative differential conductance, or
 * a line that nothing holds. */
bool ow_lines_factor(struct ow_lines *lines);

/* z = (Aw + D)^-1 f. */
void ow_lines_word(const struct ow_lines *lines, const double f[], double z[]);
/* x = (Ab + D)^-1 x. */
void ow_lines_bit(const struct ow_lines *lines, double x[]);
/* out = S p; b[n] is workspace.  Neither may be p. */
void ow_lines_product(const struct ow_lines *lines, const double p[], double b[], double out[]);

#endif
