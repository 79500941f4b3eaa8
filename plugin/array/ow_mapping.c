#include "ow_mapping.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_random.h"

/* Asked and reachable conductances count as equal within this: 1/r_on computed by hand
 * must not be refused for its last digit. */
static const double range_rtol = 1e-6;

/* A binary device has just two conductances; g_min and g_max must mean those. */
static const double binary_rtol = 0.01;

/* ---- one cell: programmed state <-> conductance -------------------------------------- */

/* One cell at the read voltage, while its programmed state is varied. */
struct probe {
    const struct ow_model *model;
    double v_read; /* V */
    double param[OW_MAX_PARAMS];
    struct ow_inner inner; /* of a pair: where the last search ended */
};

static struct probe probe_of(const struct ow_crossbar *xb, size_t cell, double v_read)
{
    struct probe p = {.model = xb->model, .v_read = v_read};
    double x[OW_MAX_STATES];
    ow_crossbar_cell(xb, cell, p.param, x);
    return p;
}

/* g = i(v_read) / v_read [S] with the programmed state at `state`. */
static double conductance(struct probe *p, double state)
{
    double x[OW_MAX_STATES], i, di_dv;
    struct ow_point at;
    p->param[p->model->program] = state;
    ow_states_init(p->model, p->param, x);
    if (p->model->series) {
        struct ow_cells cell = {.n = 1, .param = p->param, .v = &p->v_read, .inner = &p->inner};
        for (size_t s = 0; s < p->model->n_state; s++)
            cell.x[s] = &x[s];
        ow_conduct(p->model, &cell, &i, &di_dv);
        return i / p->v_read;
    }
    ow_eval_one(p->model, p->param, p->v_read, x, &at);
    return at.i / p->v_read;
}

/* The travel of the programmed state, within what its parameter may be. */
static void travel(const struct ow_model *model, double *lo, double *hi)
{
    const struct ow_param *p = &model->param[model->program];
    *lo = p->lo;
    *hi = p->hi;
    for (size_t s = 0; s < model->n_state; s++)
        if (model->state[s].init == model->program) {
            *lo = fmax(*lo, model->state[s].lo);
            *hi = fmin(*hi, model->state[s].hi);
        }
}

/* The two ends of a travel, ordered by conductance. */
struct reach {
    double x_lo, x_hi; /* states           */
    double g_lo, g_hi; /* S, g_lo <= g_hi  */
};

static struct reach reach_of(struct probe *p)
{
    struct reach r;
    travel(p->model, &r.x_lo, &r.x_hi);
    r.g_lo = conductance(p, r.x_lo);
    r.g_hi = conductance(p, r.x_hi);
    if (r.g_lo > r.g_hi)
        r = (struct reach){r.x_hi, r.x_lo, r.g_hi, r.g_lo};
    return r;
}

/* ln(g / target): conductances span decades, often exponentially in the state, and there
 * the logarithm is what is nearly straight. */
static double log_excess(struct probe *p, double state, double target)
{
    return log(fmax(conductance(p, state), DBL_MIN) / target);
}

/* The state at which g is `target` (within the reach).  Ridders' method (IEEE Trans.
 * Circuits Syst. 26 (1979) 979): the bracket at least halves in every round, so the
 * travel is down to rounding after 60, whatever the shape of g.  False when g jumps
 * over the target. */
static bool state_for(struct probe *p, const struct reach *r, double target, double *state)
{
    const double enough = 1e-14; /* of ln g: a few units in the last place of g */
    double a = r->x_lo, b = r->x_hi;
    double f_a = log_excess(p, a, target), f_b = log_excess(p, b, target);
    if (f_a >= -enough || f_b <= enough) { /* at an end, or beyond it by rounding */
        *state = f_a >= -enough ? a : b;
        return true;
    }
    double x = a, f = f_a;
    for (int k = 0; k < 100 && fabs(f) > enough && a != b; k++) {
        const double m = a + 0.5 * (b - a);
        const double f_m = log_excess(p, m, target);
        if (m == a || m == b)
            break;
        /* f_a < 0 < f_b: the exponential through the three points crosses zero here */
        x = m - (m - a) * f_m / sqrt(f_m * f_m - f_a * f_b);
        f = log_excess(p, x, target);
        const double lo = f_m < 0.0 ? m : a, f_lo = f_m < 0.0 ? f_m : f_a;
        const double hi = f_m < 0.0 ? b : m, f_hi = f_m < 0.0 ? f_b : f_m;
        a = f < 0.0 ? x : lo;
        f_a = f < 0.0 ? f : f_lo;
        b = f < 0.0 ? hi : x;
        f_b = f < 0.0 ? f_hi : f;
    }
    *state = x;
    return fabs(f) <= range_rtol;
}

void ow_mapping_reach(const struct ow_crossbar *xb, size_t cell, double v_read, double *lo,
                      double *hi)
{
    struct probe p = probe_of(xb, cell, v_read);
    const struct reach r = reach_of(&p);
    *lo = r.g_lo;
    *hi = r.g_hi;
}

double ow_mapping_conductance(const struct ow_crossbar *xb, size_t cell, double v_read)
{
    struct probe p = probe_of(xb, cell, v_read);
    return conductance(&p, p.param[xb->model->program]);
}

/* ---- draws --------------------------------------------------------------------------- */

static struct ow_draw_key key_of(const struct ow_crossbar *xb, size_t cell,
                                 enum ow_draw purpose, uint64_t event)
{
    return (struct ow_draw_key){.seed = (uint32_t)xb->param[OW_SEED],
                                .purpose = purpose,
                                .id = (uint64_t)xb->spread[OW_ID][cell],
                                .event = event};
}

/* 1 + sigma z, kept positive. */
static double draw_factor(double sigma, const struct ow_crossbar *xb, size_t cell,
                          enum ow_draw purpose, uint64_t event)
{
    const struct ow_draw_key key = key_of(xb, cell, purpose, event);
    return sigma > 0.0 ? fmax(1.0 + sigma * ow_draw_normal(&key), OW_FACTOR_MIN) : 1.0;
}

enum condition { WORKS, STUCK_ON, STUCK_OFF };

static enum condition draw_condition(const struct ow_mapping_spec *spec,
                                     const struct ow_crossbar *xb, size_t cell)
{
    const struct ow_draw_key key = key_of(xb, cell, OW_DRAW_STUCK, 0);
    const double u = ow_draw_uniform(&key);
    return u < spec->stuck_on                     ? STUCK_ON
           : u < spec->stuck_on + spec->stuck_off ? STUCK_OFF
                                                  : WORKS;
}

/* ---- weights ------------------------------------------------------------------------- */

/* 0 .. 1 on the nearest of `levels` equally spaced values; 0 levels is continuous. */
static double quantise(double y, double levels)
{
    return levels > 0.0 ? floor(y * (levels - 1.0) + 0.5) / (levels - 1.0) : y;
}

double ow_mapping_slice_weight(unsigned levels, unsigned slices, unsigned s)
{
    const double l = levels;
    return slices > 1 ? pow(l, slices - 1.0 - s) * (l - 1.0) / (pow(l, slices) - 1.0) : 1.0;
}

static unsigned slices_of(const struct ow_mapping_spec *spec)
{
    return spec->slices ? spec->slices : 1;
}

static struct ow_lines lines_of(const struct ow_mapping_spec *spec, size_t n_out)
{
    return (struct ow_lines){.scheme = spec->scheme, .n = n_out * slices_of(spec)};
}

/* The weight at its level, for magnitudes or for what lies above -w_max.  Continuous weights
 * are themselves, without a rounding. */
static double weight_at_level(enum ow_scheme scheme, double w, double w_max, double levels)
{
    if (levels == 0.0)
        return w;
    return scheme == OW_SCHEME_OFFSET
               ? w_max * (2.0 * quantise(0.5 + 0.5 * w / w_max, levels) - 1.0)
               : copysign(w_max * quantise(fabs(w) / w_max, levels), w);
}

/* The slices [slices] of a weight that is at one of levels^slices levels. */
static void cut_weight(const struct ow_mapping_spec *spec, const struct ow_mapping *m, double w,
                       double slice[])
{
    const bool is_offset = spec->scheme == OW_SCHEME_OFFSET;
    const double part = is_offset ? 0.5 + 0.5 * w / m->w_max : fabs(w) / m->w_max;
    uint64_t left = (uint64_t)round(part * (pow(m->levels, slices_of(spec)) - 1.0));
    for (unsigned s = slices_of(spec); s-- > 0; left /= m->levels) {
        const double digit = (double)(left % m->levels) / (m->levels - 1.0);
        slice[s] = is_offset ? m->w_max * (2.0 * digit - 1.0) : copysign(m->w_max * digit, w);
    }
}

/* What a cell holds, of the way from g_min to g_max; 0 beyond the weights. */
static double target_of(const struct ow_mapping *m, const struct ow_lines *lines, size_t row,
                        size_t col)
{
    const struct ow_matrix *held = m->slice.a ? &m->slice : &m->wq;
    if (row >= held->rows || col >= ow_lines_count(lines))
        return 0.0;
    const double *w = ow_matrix_row(held, row);
    if (lines->scheme == OW_SCHEME_OFFSET)
        return col < lines->n ? 0.5 + 0.5 * w[col] / m->w_max : 0.5;
    const double arm = w[col / 2] / m->w_max;
    return fmax(col % 2 ? -arm : arm, 0.0);
}

double ow_mapping_line_sum(const struct ow_mapping *m, const struct ow_lines *lines, size_t col)
{
    double sum = 0.0;
    for (size_t i = 0; i < m->g.rows; i++)
        sum += m->g_min + target_of(m, lines, i, col) * (m->g_max - m->g_min);
    return sum;
}

enum ow_status ow_mapping_w_max(const struct ow_matrix *w, double *w_max, struct ow_error *err)
{
    double most = 0.0;
    for (size_t k = 0; k < w->rows * w->cols; k++) {
        if (!isfinite(w->a[k]))
            return ow_fail(err, OW_ERR_INPUT,
                           "weight (%zu, %zu) is %g: expected a finite number", k / w->cols,
                           k % w->cols, w->a[k]);
        most = fmax(most, fabs(w->a[k]));
    }
    if (most == 0.0)
        return ow_fail(err, OW_ERR_INPUT,
                       "weights: %zu x %zu without a value other than 0: the product "
                       "would be 0 whatever the circuit does",
                       w->rows, w->cols);
    *w_max = most;
    return OW_OK;
}

/* With a w_max given, zeros alone are fine: other arrays hold the rest. */
static enum ow_status check_weights(const struct ow_mapping_spec *spec,
                                    const struct ow_matrix *w, const struct ow_crossbar *xb,
                                    double *w_max, struct ow_error *err)
{
    if (spec->w_max == 0.0) {
        const enum ow_status st = ow_mapping_w_max(w, w_max, err);
        if (st != OW_OK)
            return st;
    } else {
        *w_max = spec->w_max;
        for (size_t k = 0; k < w->rows * w->cols; k++)
            if (!(fabs(w->a[k]) <= *w_max))
                return ow_fail(err, OW_ERR_INPUT,
                               "weight (%zu, %zu) is %g: expected a magnitude up to %g",
                               k / w->cols, k % w->cols, w->a[k], *w_max);
    }
    if (xb->rows < w->rows)
        return ow_fail(err, OW_ERR_INPUT,
                       "array.rows = %zu: expected at least %zu, one for each input", xb->rows,
                       w->rows);
    const struct ow_lines lines = lines_of(spec, w->cols);
    if (xb->cols < ow_lines_count(&lines))
        return ow_fail(err, OW_ERR_INPUT, "array.cols = %zu: expected at least %zu, %s",
                       xb->cols, ow_lines_count(&lines),
                       spec->scheme == OW_SCHEME_OFFSET
                           ? "one for each output and slice, and a reference"
                           : "two (G+ and G-) for each output and slice");
    return OW_OK;
}

static bool is_in(double y, double lo, double hi)
{
    return y >= lo && y <= hi;
}

static enum ow_status check_spec(const struct ow_mapping_spec *s, struct ow_error *err)
{
    /* clang-format off */
    const struct { const char *name; double y; } fraction[] = {
        {"device.sigma_program", s->sigma_program}, {"device.sigma_d2d", s->sigma_d2d},
        {"device.sigma_read",    s->sigma_read},    {"device.stuck_on",  s->stuck_on},
        {"device.stuck_off",     s->stuck_off},
        {"device.stuck_on + device.stuck_off", s->stuck_on + s->stuck_off},
    };
    /* clang-format on */
    for (size_t k = 0; k < sizeof fraction / sizeof *fraction; k++)
        if (!is_in(fraction[k].y, 0.0, 1.0))
            return ow_fail(err, OW_ERR_INPUT, "%s = %g: expected 0 to 1", fraction[k].name,
                           fraction[k].y);
    if (!(s->v_read > 0.0 && isfinite(s->v_read)))
        return ow_fail(err, OW_ERR_INPUT, "input.v_read = %g V: expected more than 0",
                       s->v_read);
    if (!(s->g_min > 0.0 && s->g_min < s->g_max && isfinite(s->g_max)))
        return ow_fail(err, OW_ERR_INPUT,
                       "device.g_min = %g S, device.g_max = %g S: expected "
                       "0 < g_min < g_max",
                       s->g_min, s->g_max);
    if (s->levels == 1)
        return ow_fail(err, OW_ERR_INPUT,
                       "mapping.levels = 1: expected 0 (continuous) or at least 2");
    return OW_OK;
}

/* ---- the map ------------------------------------------------------------------------- */

static enum ow_status refuse_range(const struct ow_mapping_spec *spec,
                                   const struct ow_crossbar *xb, size_t cell,
                                   const struct reach *r, struct ow_error *err)
{
    return ow_fail(err, OW_ERR_INPUT,
                   "device.g_min = %.6g S, device.g_max = %.6g S: device %s of cell "
                   "(%zu, %zu) %s %.6g S %s %.6g S at input.v_read = %g V",
                   spec->g_min, spec->g_max, xb->model->name, cell / xb->cols, cell % xb->cols,
                   xb->model->is_binary ? "has the two conductances" : "reaches from", r->g_lo,
                   xb->model->is_binary ? "and" : "to", r->g_hi, spec->v_read);
}

static enum ow_status check_reach(const struct ow_mapping_spec *spec,
                                  const struct ow_crossbar *xb, size_t cell,
                                  const struct reach *r, struct ow_error *err)
{
    const bool is_binary = xb->model->is_binary;
    const double rtol = is_binary ? binary_rtol : range_rtol;
    bool is_ok = r->g_lo >= 0.0 && r->g_hi > r->g_lo && spec->g_min >= r->g_lo * (1.0 - rtol) &&
                 spec->g_max <= r->g_hi * (1.0 + rtol);
    if (is_binary)
        is_ok = is_ok && spec->g_min <= r->g_lo * (1.0 + rtol) &&
                spec->g_max >= r->g_hi * (1.0 - rtol);
    return is_ok ? OW_OK : refuse_range(spec, xb, cell, r, err);
}

/* g_min, g_max and levels as they will be used. */
static enum ow_status settle_levels(const struct ow_mapping_spec *spec,
                                    const struct ow_crossbar *xb, struct ow_mapping *m,
                                    struct ow_error *err)
{
    m->g_min = spec->g_min;
    m->g_max = spec->g_max;
    m->levels = spec->levels;
    if (!xb->model->is_binary)
        return OW_OK;
    if (spec->levels != 0 && spec->levels != 2)
        return ow_fail(err, OW_ERR_INPUT, "mapping.levels = %u: model %s is binary: expected 2",
                       spec->levels, xb->model->name);
    if (spec->scheme == OW_SCHEME_OFFSET)
        return ow_fail(err, OW_ERR_INPUT,
                       "mapping.scheme = offset: model %s is binary: it has no conductance in "
                       "the middle for the reference: expected differential",
                       xb->model->name);
    struct probe p = probe_of(xb, 0, spec->v_read);
    const struct reach r = reach_of(&p);
    const enum ow_status st = check_reach(spec, xb, 0, &r, err);
    m->g_min = r.g_lo;
    m->g_max = r.g_hi;
    m->levels = 2;
    return st;
}

static enum ow_status check_slices(const struct ow_mapping_spec *spec,
                                   const struct ow_mapping *m, struct ow_error *err)
{
    if (slices_of(spec) > 1 &&
        !(m->levels >= 2 && pow(m->levels, slices_of(spec)) <= ldexp(1.0, 32)))
        return ow_fail(
            err, OW_ERR_INPUT,
            "mapping.slices = %u with mapping.levels = %u: expected 2 levels or more, "
            "and 2^32 at most together",
            spec->slices, m->levels);
    return OW_OK;
}

/* Programme one cell for the conductance `target` [S]. */
static enum ow_status write_cell(const struct ow_mapping_spec *spec, struct ow_crossbar *xb,
                                 size_t cell, double target, struct ow_mapping *m,
                                 struct ow_error *err)
{
    const bool is_binary = xb->model->is_binary;
    const enum condition condition = draw_condition(spec, xb, cell);
    struct probe p = probe_of(xb, cell, spec->v_read);
    const struct reach r = reach_of(&p);
    const enum ow_status st = check_reach(spec, xb, cell, &r, err);
    if (st != OW_OK)
        return st;
    const double error = condition == WORKS
                             ? draw_factor(spec->sigma_program, xb, cell, OW_DRAW_PROGRAM, 0)
                             : 1.0;
    if (condition != WORKS) {
        target = condition == STUCK_ON ? m->g_max : m->g_min;
        xb->spread[OW_RATE][cell] = 0.0;
        m->n_stuck_on += condition == STUCK_ON;
        m->n_stuck_off += condition == STUCK_OFF;
    }
    const double wanted = target * error, reached = fmin(fmax(wanted, r.g_lo), r.g_hi);
    m->n_cut += !is_binary && error != 1.0 && reached != wanted;
    double *state = &xb->spread[xb->model->program][cell];
    if (is_binary)
        *state = target - r.g_lo < r.g_hi - target ? r.x_lo : r.x_hi;
    else if (!state_for(&p, &r, reached, state))
        return ow_fail(err, OW_ERR_SOLVER,
                       "model %s, cell (%zu, %zu): no programmed state %s gives %g S: the "
                       "conductance is not continuous in it",
                       xb->model->name, cell / xb->cols, cell % xb->cols,
                       xb->model->param[xb->model->program].name, wanted);
    if (is_binary)
        m->scale[cell] *= error;
    m->scale[cell] *= draw_factor(spec->sigma_d2d, xb, cell, OW_DRAW_D2D, 0);
    return OW_OK;
}

/* The arrays of the cells that the effects need. */
static bool make_room(const struct ow_mapping_spec *spec, struct ow_crossbar *xb,
                      struct ow_mapping *m)
{
    const size_t n = xb->rows * xb->cols;
    const bool is_scaled = spec->sigma_d2d > 0.0 || spec->sigma_read > 0.0 ||
                           (spec->sigma_program > 0.0 && xb->model->is_binary);
    m->g = ow_matrix_create(xb->rows, xb->cols);
    m->scale = malloc(n * sizeof *m->scale);
    if (!m->g.a || !m->scale || (is_scaled && !ow_crossbar_spread(xb, OW_SCALE)) ||
        (spec->stuck_on + spec->stuck_off > 0.0 && !ow_crossbar_spread(xb, OW_RATE)))
        return false;
    for (size_t k = 0; k < n; k++)
        m->scale[k] = xb->spread[OW_SCALE] ? xb->spread[OW_SCALE][k] : xb->param[OW_SCALE];
    return true;
}

/* The targets stand in m->g, what the cells hold replaces them. */
static enum ow_status write_all(const struct ow_mapping_spec *spec, struct ow_crossbar *xb,
                                struct ow_mapping *m, struct ow_error *err)
{
    const size_t n = xb->rows * xb->cols;
    for (size_t k = 0; k < n; k++) {
        const enum ow_status st = write_cell(spec, xb, k, m->g.a[k], m, err);
        if (st != OW_OK)
            return st;
    }
    if (xb->spread[OW_SCALE])
        memcpy(xb->spread[OW_SCALE], m->scale, n * sizeof *m->scale);
    for (size_t k = 0; k < n; k++)
        m->g.a[k] = ow_mapping_conductance(xb, k, spec->v_read);
    return OW_OK;
}

static bool is_programmable(const struct ow_model *model)
{
    for (size_t s = 0; s < model->n_state; s++)
        if (model->state[s].init == model->program)
            return true;
    return false;
}

/* What both ways of writing begin with. */
static enum ow_status begin(const struct ow_mapping_spec *spec, struct ow_crossbar *xb,
                            struct ow_mapping *m, struct ow_error *err)
{
    *m = (struct ow_mapping){.sigma_read = spec->sigma_read};
    if (!is_programmable(xb->model))
        return ow_fail(err, OW_ERR_INPUT, "device %s has no state that could hold a weight",
                       xb->model->name);
    enum ow_status st = check_spec(spec, err);
    if (st == OW_OK)
        st = settle_levels(spec, xb, m, err);
    if (st == OW_OK && !make_room(spec, xb, m))
        st = ow_fail(err, OW_ERR_NOMEM, "weights of a %zu x %zu array: out of memory", xb->rows,
                     xb->cols);
    return st;
}

/* Weights at their levels into m->wq, the conductances that they ask for into m->g. */
static enum ow_status map_weights(const struct ow_mapping_spec *spec,
                                  const struct ow_matrix *weights, struct ow_mapping *m,
                                  struct ow_error *err)
{
    const struct ow_lines lines = lines_of(spec, weights->cols);
    const size_t n = weights->rows * weights->cols, n_slice = slices_of(spec);
    const double levels = m->levels ? pow(m->levels, (double)n_slice) : 0.0;
    m->wq = ow_matrix_create(weights->rows, weights->cols);
    if (n_slice > 1)
        m->slice = ow_matrix_create(weights->rows, lines.n);
    if (!m->wq.a || (n_slice > 1 && !m->slice.a))
        return ow_fail(err, OW_ERR_NOMEM, "weights of %zu x %zu: out of memory", weights->rows,
                       weights->cols);
    for (size_t k = 0; k < n; k++) {
        m->wq.a[k] = weight_at_level(spec->scheme, weights->a[k], m->w_max, levels);
        if (n_slice > 1)
            cut_weight(spec, m, m->wq.a[k], m->slice.a + k * n_slice);
    }
    for (size_t k = 0; k < m->g.rows * m->g.cols; k++)
        m->g.a[k] = m->g_min +
                    target_of(m, &lines, k / m->g.cols, k % m->g.cols) * (m->g_max - m->g_min);
    return OW_OK;
}

/* To the caller on success. */
static enum ow_status end(enum ow_status st, struct ow_mapping *m, struct ow_mapping *out)
{
    if (st == OW_OK)
        *out = *m;
    else
        ow_mapping_finish(m);
    return st;
}

enum ow_status ow_mapping_init(const struct ow_mapping_spec *spec,
                               const struct ow_matrix *weights, struct ow_crossbar *xb,
                               struct ow_mapping *out, struct ow_error *err)
{
    struct ow_mapping m;
    enum ow_status st = begin(spec, xb, &m, err);
    if (st == OW_OK)
        st = check_slices(spec, &m, err);
    if (st == OW_OK)
        st = check_weights(spec, weights, xb, &m.w_max, err);
    if (st == OW_OK)
        st = map_weights(spec, weights, &m, err);
    if (st == OW_OK)
        st = write_all(spec, xb, &m, err);
    return end(st, &m, out);
}

static enum ow_status check_targets(const struct ow_mapping_spec *spec,
                                    const struct ow_matrix *target,
                                    const struct ow_crossbar *xb, struct ow_error *err)
{
    if (target->rows != xb->rows || target->cols != xb->cols)
        return ow_fail(err, OW_ERR_INPUT, "%zu x %zu conductances: expected %zu x %zu",
                       target->rows, target->cols, xb->rows, xb->cols);
    for (size_t k = 0; k < target->rows * target->cols; k++) {
        struct probe p = probe_of(xb, k, spec->v_read);
        const struct reach r = reach_of(&p);
        if (!is_in(target->a[k], r.g_lo * (1.0 - range_rtol), r.g_hi * (1.0 + range_rtol)))
            return ow_fail(
                err, OW_ERR_INPUT,
                "[%zu, %zu] = %.6g S: expected %.6g S to %.6g S, which is what device "
                "%s can do at input.v_read = %g V",
                k / target->cols, k % target->cols, target->a[k], r.g_lo, r.g_hi,
                xb->model->name, spec->v_read);
    }
    return OW_OK;
}

enum ow_status ow_mapping_write(const struct ow_mapping_spec *spec,
                                const struct ow_matrix *target, struct ow_crossbar *xb,
                                struct ow_mapping *out, struct ow_error *err)
{
    struct ow_mapping m;
    enum ow_status st = begin(spec, xb, &m, err);
    if (st == OW_OK)
        st = check_targets(spec, target, xb, err);
    if (st == OW_OK) {
        memcpy(m.g.a, target->a, m.g.rows * m.g.cols * sizeof *m.g.a);
        st = write_all(spec, xb, &m, err);
    }
    return end(st, &m, out);
}

void ow_mapping_finish(struct ow_mapping *m)
{
    ow_matrix_finish(&m->wq);
    ow_matrix_finish(&m->slice);
    ow_matrix_finish(&m->g);
    free(m->scale);
    *m = (struct ow_mapping){0};
}

void ow_mapping_redraw(const struct ow_mapping *m, struct ow_crossbar *xb, uint64_t k)
{
    if (m->sigma_read == 0.0)
        return;
    for (size_t cell = 0; cell < xb->rows * xb->cols; cell++)
        xb->spread[OW_SCALE][cell] =
            m->scale[cell] * draw_factor(m->sigma_read, xb, cell, OW_DRAW_READ, k);
}

/* ---- inputs -------------------------------------------------------------------------- */

enum ow_status ow_input_quantise(struct ow_matrix *inputs, unsigned bits, struct ow_error *err)
{
    const size_t n = inputs->rows * inputs->cols;
    if (bits > 32)
        return ow_fail(err, OW_ERR_INPUT, "input.bits = %u: expected 0 to 32", bits);
    for (size_t k = 0; k < n; k++)
        if (!is_in(inputs->a[k], 0.0, 1.0))
            return ow_fail(err, OW_ERR_INPUT, "input %zu of vector %zu is %g: expected 0 to 1",
                           k % inputs->cols, k / inputs->cols, inputs->a[k]);
    const double steps = ldexp(1.0, (int)bits) - 1.0;
    for (size_t k = 0; bits > 0 && k < n; k++)
        inputs->a[k] = floor(inputs->a[k] * steps + 0.5) / steps;
    return OW_OK;
}
