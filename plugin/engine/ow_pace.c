#include "ow_pace.h"

#include <math.h>
#include <stdlib.h>

#include "ow_kernel.h"

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

/* Of cells [from, to). */
static void add_cells(const struct ow_system *sys, size_t from, size_t to, double *power,
                      double *moment)
{
    const double most = 1e30; /* 1/s, whose eighth power is still a number */
    const struct ow_response *at = &sys->at;
    *power = *moment = 0.0;
    for (size_t k = from; k < to; k++) {
        double change = 0.0;
        for (size_t m = 0; m < sys->n_moving; m++)
            change += at->di_dx[sys->moving[m]][k] * at->f[sys->moving[m]][k];
        const double p = fabs(sys->v_cell[k] * at->i[k]);
        if (!(p > 0.0))
            continue;
        const double r = fmin(fabs(change / at->i[k]), most), r2 = r * r, r4 = r2 * r2;
        *power += p;
        *moment += p * r4 * r4;
    }
}

double ow_pace_limit(struct ow_pace *pace)
{
    const double part = 0.15; /* of its power by which a cell's may change */
    const struct ow_system *sys = pace->sys;
    const size_t rows = sys->circuit->xb->rows, cols = sys->circuit->xb->cols;
    const size_t block = ow_system_rows(sys), n_block = (rows + block - 1) / block;
    OW_SWEEP(sys->n_threads, from, rows, block,
             add_cells(sys, from * cols, (from + block < rows ? from + block : rows) * cols,
                       &pace->power[from / block], &pace->moment[from / block]));
    const double moment = ow_total(pace->moment, n_block);
    return moment > 0.0 ? part * pow(ow_total(pace->power, n_block) / moment, 0.125) : INFINITY;
}
