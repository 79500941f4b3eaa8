/* For tests of what is drawn: the test of Kolmogorov and Smirnov. */
#ifndef OW_STATISTICS_H
#define OW_STATISTICS_H

#include <math.h>
#include <stdlib.h>

static inline int by_value(const void *a, const void *b)
{
    const double p = *(const double *)a, q = *(const double *)b;
    return (p > q) - (p < q);
}

/* P(distance > d) of n values by the limit law with Stephens' correction (J. R. Stat. Soc. B
 * 32 (1970) 115): 2 sum (-1)^(j-1) exp(-2 j^2 z^2), z = (sqrt(n) + 0.12 + 0.11/sqrt(n)) d. */
static inline double ks_probability(double d, double n)
{
    const double root = sqrt(n), z = (root + 0.12 + 0.11 / root) * d;
    double sum = 0.0, sign = 2.0;
    if (z < 0.2)
        return 1.0;
    for (int j = 1; j <= 100; j++, sign = -sign)
        sum += sign * exp(-2.0 * j * j * z * z);
    return fmin(fmax(sum, 0.0), 1.0);
}

/* Largest distance between the empirical law of u and the uniform one on (0, 1). */
static inline double ks_uniform(double u[], size_t n)
{
    double worst = 0.0;
    qsort(u, n, sizeof *u, by_value);
    for (size_t k = 0; k < n; k++)
        worst =
            fmax(worst, fmax(u[k] - (double)k / (double)n, (double)(k + 1) / (double)n - u[k]));
    return worst;
}

static inline double ks_two(double a[], double b[], size_t n)
{
    double worst = 0.0;
    qsort(a, n, sizeof *a, by_value);
    qsort(b, n, sizeof *b, by_value);
    for (size_t j = 0, k = 0; j < n && k < n;) {
        if (a[j] <= b[k])
            j++;
        else
            k++;
        worst = fmax(worst, fabs((double)j - (double)k) / (double)n);
    }
    return worst;
}

static inline double normal_cdf(double z)
{
    return 0.5 * erfc(-z / sqrt(2.0));
}

#endif
