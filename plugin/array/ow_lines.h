/* Which bit lines of an array make its outputs: n differences of two sense voltages,
 *
 *                  plus     minus
 *   differential   2k       2k + 1     G+ and G-, a pair of lines each
 *   offset         k        n          one line each, and one reference for all
 *
 * with k < n.  Lines beyond those are filled.  Where lines float, their voltages are means and
 * no sums, and each counts with a weight of its own. */
#ifndef OW_LINES_H
#define OW_LINES_H

#include <stddef.h>

enum ow_scheme { OW_SCHEME_DIFFERENTIAL, OW_SCHEME_OFFSET };

struct ow_lines {
    enum ow_scheme scheme;
    size_t n;
    const double *weight; /* [lines] borrowed, or NULL: 1 */
};

static inline size_t ow_lines_plus(const struct ow_lines *l, size_t k)
{
    return l->scheme == OW_SCHEME_OFFSET ? k : 2 * k;
}
static inline size_t ow_lines_minus(const struct ow_lines *l, size_t k)
{
    return l->scheme == OW_SCHEME_OFFSET ? l->n : 2 * k + 1;
}
/* Bit lines that n differences take. */
static inline size_t ow_lines_count(const struct ow_lines *l)
{
    return l->scheme == OW_SCHEME_OFFSET ? l->n + 1 : 2 * l->n;
}
/* Differences that find room on so many bit lines. */
static inline size_t ow_lines_room(enum ow_scheme scheme, size_t cols)
{
    return scheme == OW_SCHEME_DIFFERENTIAL ? cols / 2 : cols > 0 ? cols - 1 : 0;
}
static inline double ow_lines_difference(const struct ow_lines *l, size_t k, const double v[])
{
    const size_t plus = ow_lines_plus(l, k), minus = ow_lines_minus(l, k);
    return l->weight ? l->weight[plus] * v[plus] - l->weight[minus] * v[minus]
                     : v[plus] - v[minus];
}

#endif
