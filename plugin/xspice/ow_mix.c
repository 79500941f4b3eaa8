#include "ow_mix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ow_mix_init(struct ow_mix *mix, size_t n)
{
    *mix = (struct ow_mix){.n = n};
    mix->memory = calloc((2 + 2 * OW_MIX_DEPTH) * n, sizeof *mix->memory);
    if (!mix->memory)
        return false;
    mix->f = mix->memory;
    mix->r = mix->f + n;
    for (size_t k = 0; k < OW_MIX_DEPTH; k++) {
        mix->df[k] = mix->memory + (2 + 2 * k) * n;
        mix->dr[k] = mix->df[k] + n;
    }
    return true;
}

void ow_mix_finish(struct ow_mix *mix)
{
    free(mix->memory);
    *mix = (struct ow_mix){0};
}

void ow_mix_clear(struct ow_mix *mix)
{
    mix->n_kept = mix->next = 0;
    mix->has_last = false;
}

static double dot(const double x[], const double y[], size_t n)
{
    double sum = 0.0;
    for (size_t k = 0; k < n; k++)
        sum += x[k] * y[k];
    return sum;
}

/* The weights c of the differences: |r - sum c dr| least, by Cholesky's method on its normal
 * equations; a difference that is nearly a combination of those before gets no weight. */
static void weigh(const struct ow_mix *mix, double c[OW_MIX_DEPTH])
{
    double l[OW_MIX_DEPTH][OW_MIX_DEPTH] = {{0.0}};
    for (size_t i = 0; i < mix->n_kept; i++) {
        c[i] = dot(mix->dr[i], mix->r, mix->n);
        for (size_t j = 0; j <= i; j++) {
            double sum = dot(mix->dr[i], mix->dr[j], mix->n);
            const double whole = sum;
            for (size_t k = 0; k < j; k++)
                sum -= l[i][k] * l[j][k];
            if (j < i)
                l[i][j] = l[j][j] > 0.0 ? sum / l[j][j] : 0.0;
            else
                l[i][i] = sum > 1e-8 * whole ? sqrt(sum) : 0.0;
        }
    }
    for (size_t i = 0; i < mix->n_kept; i++) {
        for (size_t k = 0; k < i; k++)
            c[i] -= l[i][k] * c[k];
        c[i] = l[i][i] > 0.0 ? c[i] / l[i][i] : 0.0;
    }
    for (size_t i = mix->n_kept; i-- > 0;) {
        for (size_t k = i + 1; k < mix->n_kept; k++)
            c[i] -= l[k][i] * c[k];
        c[i] = l[i][i] > 0.0 ? c[i] / l[i][i] : 0.0;
    }
}

static void keep(struct ow_mix *mix, const double v[], const double f[])
{
    double *df = mix->df[mix->next], *dr = mix->dr[mix->next];
    for (size_t k = 0; k < mix->n; k++) {
        const double r = f[k] - v[k];
        df[k] = f[k] - mix->f[k];
        dr[k] = r - mix->r[k];
        mix->f[k] = f[k];
        mix->r[k] = r;
    }
    if (!mix->has_last) {
        mix->has_last = true;
        return;
    }
    mix->next = (mix->next + 1) % OW_MIX_DEPTH;
    mix->n_kept += mix->n_kept < OW_MIX_DEPTH;
}

void ow_mix_step(struct ow_mix *mix, const double v[], const double f[], double to[])
{
    double c[OW_MIX_DEPTH] = {0.0};
    keep(mix, v, f);
    weigh(mix, c);
    memmove(to, f, mix->n * sizeof *to);
    for (size_t m = 0; m < mix->n_kept; m++)
        for (size_t k = 0; k < mix->n; k++)
            to[k] -= c[m] * mix->df[m][k];
}
