#include "ow_integral.h"

#include <string.h>

/* Weights w[n] with integral from a to b = sum w f, exact for the polynomial through all n
 * points: two Gauss points are exact for a cubic. */
static void weights(const double t[], size_t n, double a, double b, double w[])
{
    const double mid = 0.5 * (a + b), half = 0.5 * (b - a);
    const double node = 0.57735026918962576; /* 1/sqrt(3) */
    for (size_t k = 0; k < n; k++) {
        w[k] = 0.0;
        for (int side = -1; side <= 1; side += 2) {
            double lagrange = 1.0;
            for (size_t m = 0; m < n; m++)
                if (m != k)
                    lagrange *= (mid + side * node * half - t[m]) / (t[k] - t[m]);
            w[k] += half * lagrange;
        }
    }
}

/* The interval from kept sample k to k + 1, through n kept samples from `first`. */
static void add_interval(const struct ow_integral *in, size_t first, size_t n, size_t k,
                         double sum[])
{
    double w[4];
    weights(in->t + first, n, in->t[k], in->t[k + 1], w);
    for (size_t m = 0; m < n; m++)
        for (size_t c = 0; c < in->n_function; c++)
            sum[c] += w[m] * in->f[first + m][c];
}

void ow_integral_begin(struct ow_integral *in, size_t n_function)
{
    in->n_function = n_function;
    in->n = 0;
    in->has_first = false;
}

void ow_integral_add(struct ow_integral *in, double t, const double f[], double sum[])
{
    if (in->n == 4) {
        memmove(in->t, in->t + 1, 3 * sizeof in->t[0]);
        memmove(in->f, in->f + 1, 3 * sizeof in->f[0]);
        in->n = 3;
    }
    in->t[in->n] = t;
    memcpy(in->f[in->n], f, in->n_function * sizeof *f);
    in->n++;
    if (in->n == 3 && !in->has_first) {
        add_interval(in, 0, 3, 0, sum);
        in->has_first = true;
    } else if (in->n == 4)
        add_interval(in, 0, 4, 1, sum);
}

void ow_integral_end(struct ow_integral *in, double sum[])
{
    if (in->n == 2) /* a single interval: the trapezium */
        add_interval(in, 0, 2, 0, sum);
    else if (in->n > 2)
        add_interval(in, in->n - 3, 3, in->n - 2, sum);
    in->n = 0;
}
