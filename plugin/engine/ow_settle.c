#include "ow_settle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_kernel.h"

/* Residuals of the linear solutions: of what becomes voltages, in one pass, and of what
 * corrects integrals by a hundred-thousandth. */
static const double fine = 5e-6, coarse = 1e-2;

enum { MAX_NEWTON = 8 };

enum ow_status ow_settle_init(struct ow_system *sys, const struct ow_mass *mass,
                              struct ow_newton *newton, double rtol, double v_scale,
                              struct ow_settle *out)
{
    const size_t n_cell = sys->n_cell, n_free = sys->n_free + 1;
    struct ow_settle s = {
        .sys = sys, .mass = mass, .newton = newton, .rtol = rtol, .v_scale = v_scale};
    s.slope = calloc(sys->n_y + 1, sizeof *s.slope);
    s.area = calloc(n_free, sizeof *s.area);
    s.area2 = calloc(n_free, sizeof *s.area2);
    s.there = calloc(sys->n_y + 1, sizeof *s.there);
    s.off = calloc(n_free, sizeof *s.off);
    s.rhs = calloc(n_free, sizeof *s.rhs);
    s.zero = calloc(sys->circuit->n_source, sizeof *s.zero);
    s.v_before = calloc(n_cell, sizeof *s.v_before);
    s.f_before = calloc(sys->n_continuous * n_cell + 1, sizeof *s.f_before);
    s.in_cell = calloc(n_cell, sizeof *s.in_cell);
    s.moved = calloc(n_cell, sizeof *s.moved);
    *out = s;
    return s.slope && s.area && s.area2 && s.there && s.off && s.rhs && s.zero && s.v_before &&
                   s.f_before && s.in_cell && s.moved
               ? OW_OK
               : OW_ERR_NOMEM;
}

void ow_settle_finish(struct ow_settle *s)
{
    free(s->slope);
    free(s->area);
    free(s->area2);
    free(s->there);
    free(s->off);
    free(s->rhs);
    free(s->zero);
    free(s->v_before);
    free(s->f_before);
    free(s->in_cell);
    free(s->moved);
    *s = (struct ow_settle){0};
}

/* V' from the voltages in y, where the system stands.  The matrix of the first step serves all:
 * lines are not far from where they settle.  But for linear cells, whose currents and slopes
 * need no second look, the system stands at V' in the end. */
static bool find_dc(struct ow_settle *s, const double v_row[], double y[])
{
    const size_t n = s->sys->n_free;
    /* a jump looks at all currents anew, a step of CVODE goes on from what is left */
    const double enough = (s->is_linear ? 1e-2 : 1e-3) * s->rtol * s->v_scale;
    double *step = s->off, size = 0.0;
    ow_system_currents(s->sys, s->rhs);
    if (ow_newton_setup_dc(s->newton))
        return false;
    for (int k = 0; k < MAX_NEWTON; k++) {
        const double size_before = size;
        if (ow_newton_solve_dc(s->newton, s->rhs, fine, step))
            return false;
        size = ow_largest(step, n);
        if (!(k == 0 || size < 0.5 * size_before || size <= enough))
            return false;
        for (size_t m = 0; m < n; m++)
            y[m] += step[m];
        const double contraction = s->is_linear ? fine : k > 0 ? size / size_before : 1.0;
        if (size * contraction <= enough) {
            if (!s->is_linear)
                ow_system_place(s->sys, v_row, y);
            return true;
        }
        ow_system_place_static(s->sys, v_row, y, s->rhs);
    }
    return false;
}

/* W into the slope's voltages and the lag L into `area`, out of the point that was placed,
 * which it leaves: what a second of the sources' slopes and of the states' rates does to the
 * nodes' currents. */
static bool find_slope(struct ow_settle *s, const double dv_row[])
{
    struct ow_system *sys = s->sys;
    double *w = s->slope;
    bool is_moving = ow_largest(dv_row, sys->circuit->n_source) > 0.0;
    if (is_moving || !s->is_linear)
        memset(s->in_cell, 0, sys->n_cell * sizeof *s->in_cell);
    for (size_t m = 0; m < sys->n_moving && !s->is_linear; m++)
        for (size_t k = 0; k < sys->n_cell; k++) {
            const size_t at = sys->moving[m];
            s->in_cell[k] += sys->at.di_dx[at][k] * sys->at.f[at][k];
            is_moving = is_moving || s->in_cell[k] != 0.0;
        }
    memset(w, 0, sys->n_free * sizeof *w);
    s->is_constant = !is_moving;
    if (!is_moving)
        return true;
    ow_system_put_voltages(sys, dv_row, w);
    for (size_t k = 0; k < sys->n_cell; k++)
        sys->at.i[k] = s->in_cell[k] + sys->at.di_dv[k] * sys->v_cell[k];
    ow_system_currents(sys, s->rhs);
    if (ow_newton_solve_dc(s->newton, s->rhs, fine, w))
        return false;
    ow_mass_times(s->mass, w, s->rhs);
    return ow_newton_solve_dc(s->newton, s->rhs, fine, s->area) == OW_OK;
}

/* sum x y; partial sums in a fixed order. */
static double dot(const double x[], const double y[], size_t n)
{
    enum { LANES = 8 };
    double sum[LANES] = {0.0};
    size_t k = 0;
    for (; k + LANES <= n; k += LANES)
        for (size_t m = 0; m < LANES; m++)
            sum[m] += x[k + m] * y[k + m];
    for (; k < n; k++)
        sum[0] += x[k] * y[k];
    return ow_total(sum, LANES);
}

/* D, D2 and the energies of u, which is in `off`. */
static bool find_areas(struct ow_settle *s)
{
    const size_t n = s->sys->n_free;
    ow_mass_times(s->mass, s->off, s->rhs);
    s->energy = 0.5 * dot(s->off, s->rhs, n);
    s->from_sources = -dot(s->there, s->rhs, n);
    if (!(s->energy <= s->energy_most) ||
        ow_newton_solve_dc(s->newton, s->rhs, coarse, s->area))
        return false;
    if (s->is_constant)
        return true;
    ow_mass_times(s->mass, s->area, s->rhs);
    return ow_newton_solve_dc(s->newton, s->rhs, coarse, s->area2) == OW_OK;
}

/* The states of y, at whose voltages the system stands, without its slopes; D across the cells
 * is in in_cell.  Slopes are secants here, which cannot be wrong by more than they move a state
 * of rates that rise or fall with the voltage.  False if that is too much. */
static bool move_states_along_secants(const struct ow_settle *s, double y[])
{
    const struct ow_system *sys = s->sys;
    for (size_t m = 0; m < sys->n_moving; m++) {
        const double *f = sys->at.f[sys->moving[m]], *f_before = s->f_before + m * sys->n_cell;
        double *x = y + sys->n_free + m * sys->n_cell, most = 0.0;
        for (size_t k = 0; k < sys->n_cell; k++) {
            const double u = s->v_before[k] - sys->v_cell[k];
            const double moved = u == 0.0 ? 0.0 : (f_before[k] - f[k]) / u * s->in_cell[k];
            most = most > fabs(moved) ? most : fabs(moved);
            s->moved[k] = moved;
        }
        if (!(most <= s->rtol))
            return false;
        for (size_t k = 0; k < sys->n_cell; k++)
            x[k] += s->moved[k];
    }
    return true;
}

/* The same with the slopes. */
static bool move_states(const struct ow_settle *s, double y[])
{
    const struct ow_system *sys = s->sys;
    for (size_t m = 0; m < sys->n_moving; m++) {
        const double *f = sys->at.f[sys->moving[m]], *f_v = sys->at.df_dv[sys->moving[m]];
        const double *f_before = s->f_before + m * sys->n_cell;
        double *x = y + sys->n_free + m * sys->n_cell;
        for (size_t k = 0; k < sys->n_cell; k++) {
            const double u = s->v_before[k] - sys->v_cell[k];
            const double curved = (f_before[k] - f[k] - f_v[k] * u) * s->in_cell[k];
            const double moved = f_v[k] * s->in_cell[k];
            if (!(fabs(moved) <= 100.0 * s->rtol && fabs(curved) <= s->rtol * fabs(u)))
                return false;
            x[k] += moved;
        }
    }
    return true;
}

bool ow_settle(struct ow_settle *s, const double v_row[], const double dv_row[], bool is_placed,
               double y[])
{
    struct ow_system *sys = s->sys;
    const size_t n_free = sys->n_free, n_cell = sys->n_cell;
    double *there = s->there;
    if (sys->circuit->n_amp > 0)
        return false;
    if (!is_placed)
        ow_system_place(sys, v_row, y);
    memcpy(s->v_before, sys->v_cell, n_cell * sizeof *s->v_before);
    for (size_t m = 0; m < sys->n_moving; m++)
        memcpy(s->f_before + m * n_cell, sys->at.f[sys->moving[m]], n_cell * sizeof *y);
    memcpy(there, y, sys->n_y * sizeof *y);
    if (!find_dc(s, v_row, there) || !find_slope(s, dv_row))
        return false;
    for (size_t k = 0; k < n_free && !s->is_constant; k++)
        there[k] -= s->area[k];
    for (size_t k = 0; k < n_free; k++)
        s->off[k] = y[k] - there[k];
    if (!find_areas(s))
        return false;
    ow_system_put_voltages(sys, s->zero, s->area);
    memcpy(s->in_cell, sys->v_cell, n_cell * sizeof *s->in_cell);
    if (s->is_linear)
        ow_system_place_values(sys, v_row, there);
    if (!s->is_linear || !move_states_along_secants(s, there)) {
        ow_system_place(sys, v_row, there);
        if (!move_states(s, there))
            return false;
    }
    s->is_still = s->is_constant && ow_system_is_at_rest(sys);
    memcpy(y, there, sys->n_y * sizeof *y);
    return true;
}
