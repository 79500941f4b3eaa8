#include "ow_pace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_kernel.h"
#include "ow_simd.h"

enum ow_status ow_pace_init(const struct ow_system *sys, struct ow_pace *out)
{
    *out = (struct ow_pace){.sys = sys};
    out->power = calloc(sys->circuit->xb->rows, sizeof *out->power);
    out->moment = calloc(sys->circuit->xb->rows, sizeof *out->moment);
    return out->power && out->moment ? OW_OK : OW_ERR_NOMEM;
}

void ow_pace_finish(struct ow_pace *pace)
{
    free(pace->power);
    free(pace->moment);
    *pace = (struct ow_pace){0};
}

bool ow_pace_counts(const struct ow_pace *pace)
{
    return pace->sys->n_moving > 0 && !pace->sys->has_switches;
}

/* change[n] += di/dx f */
OW_SIMD static void add_change(const double di_dx[], const double f[], size_t n,
                               double change[])
{
    for (size_t k = 0; k < n; k++)
        change[k] += di_dx[k] * f[k];
}

/* p[n] and p r^8 of cells: p from their voltages, p r^8 from their currents' changes. */
OW_SIMD static void moments(const double i[], const double change[], size_t n, double p[],
                            double moment[])
{
    const double most = 1e30; /* 1/s, whose eighth power is still a number */
    for (size_t k = 0; k < n; k++) {
        const double power = fabs(p[k] * i[k]), rate = fabs(change[k] / i[k]);
        const double r = rate < most ? rate : most, r2 = r * r, r4 = r2 * r2;
        p[k] = power > 0.0 ? power : 0.0;
        moment[k] = power > 0.0 ? power * r4 * r4 : 0.0;
    }
}

/* Of cells [from, to). */
static void add_cells(const struct ow_system *sys, size_t from, size_t to, double *power,
                      double *moment)
{
    enum { SOME = 256 };
    const struct ow_response *at = &sys->at;
    *power = *moment = 0.0;
    for (size_t k = from, n; k < to; k += n) {
        double change[SOME] = {0.0}, p[SOME], m8[SOME];
        n = to - k < SOME ? to - k : (size_t)SOME;
        for (size_t m = 0; m < sys->n_moving; m++)
            add_change(at->di_dx[sys->moving[m]] + k, at->f[sys->moving[m]] + k, n, change);
        memcpy(p, sys->v_cell + k, n * sizeof *p);
        moments(at->i + k, change, n, p, m8);
        *power += ow_total(p, n);
        *moment += ow_total(m8, n);
    }
}

double ow_pace_limit(struct ow_pace *pace)
{
    const double part = 0.15; /* of its power by which a cell's may change */
    const struct ow_system *sys = pace->sys;
    const size_t rows = sys->circuit->xb->rows, cols = sys->circuit->xb->cols;
    const size_t block = ow_system_rows(sys), n_block = (rows + block - 1) / block;
    OW_SWEEP(sys->n_threads, from, rows, block,
             add_cells(sys, from * cols, ow_until(from, block, rows) * cols,
                       &pace->power[from / block], &pace->moment[from / block]));
    const double moment = ow_total(pace->moment, n_block);
    return moment > 0.0 ? part * pow(ow_total(pace->power, n_block) / moment, 0.125) : INFINITY;
}
