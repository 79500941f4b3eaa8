/* RODAS, a Rosenbrock method of order 4 with an embedded one of order 3.
 *   Hairer, Wanner, Solving Ordinary Differential Equations II, 2nd ed. (1996), IV.7 and
 *   the coefficients of its table.  Stiffly accurate and L-stable, so states that have
 *   nearly come to rest do not limit the step; linearly implicit, so a step costs one
 *   Jacobian, which the models give, and no iteration that could fail.
 * For dx/dt = f(t, x), J = df/dx, f_t = df/dv dv/dt and a step h, stages i = 1..6:
 *   (1/(gamma h) - J) k_i = f(t + c_i h, x + sum a_ij k_j) + sum (c_ij/h) k_j + d_i h f_t
 * the new state is x + sum a_5j k_j + k_5 + k_6, and k_6 estimates the local error.
 *
 * Before that, the whole of a step is tried by what is cheaper: nothing moves (rest()), or it
 * moves smoothly (glide(), an explicit pair of orders 4 and 3), or one begins where the other
 * ends (cross()).  Most steps of a circuit simulator are one of the three. */
#include "ow_advance.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { N_STAGE = 6, MAX_TRIALS = 1000000, MAX_BISECTIONS = 100 };

/* A state that feeds back on itself runs away in finite time, TEAM's within steps that are
 * rounding errors of the time since t1.  Such steps leave time where it is, but not the state,
 * and are over when the travel is; a state that goes on for ever ends them here. */
enum { MAX_FROZEN = 10000 };

/* clang-format off */
static const double GAMMA = 0.25;
static const double A[N_STAGE][N_STAGE] = {
    {0.0},
    {1.544},
    {0.9466785280815826, 0.2557011698983284},
    {3.314825187068521,  2.896124015972201, 0.9986419139977817},
    {1.221224509226641,  6.019134481288629, 12.53708332932087, -0.6878860361058950},
    {1.221224509226641,  6.019134481288629, 12.53708332932087, -0.6878860361058950, 1.0},
};
static const double C[N_STAGE][N_STAGE] = {
    {0.0},
    {-5.6688},
    {-2.430093356833875,  -0.2063599157091915},
    {-0.1073529058151375, -9.594562251023355, -20.47028614809616},
    {7.496443313967647,   -10.24680431464352, -33.99990352819905, 11.70890893206160},
    {8.083246795921522,   -7.981132988064893, -31.52159432874371, 16.31930543123136,
     -6.058818238834054},
};
static const double NODE[N_STAGE] = {0.0, 0.386, 0.21, 0.63, 1.0, 1.0};
static const double D[N_STAGE] = {0.25, -0.1043, 0.1035, -0.0362, 0.0, 0.0};
/* clang-format on */

/* Share of `tol` that one step may err: a hundred steps at their limit, all to the same
 * side, add up to `tol`. */
static const double STEP_SHARE = 0.01;

/* One integration: what stays the same from step to step.  Time runs from 0 to `span`. */
struct run {
    const struct ow_model *model;
    size_t n;
    double span, v1, slope, bulge; /* s, V, V/s, V                                */
    double weight[OW_MAX_STATES];  /* 1 / allowed error of a step                 */
    long n_eval;

    /* The contract's arrays for one cell, put together once: they point to v and into x
     * and at. */
    struct ow_cells cells;
    struct ow_response response;
    double v, x[OW_MAX_STATES];
    struct ow_point at;
};

/* A point on the way, with the model's answer there. */
struct point {
    double s; /* s, since t1 */
    double x[OW_MAX_STATES];
    struct ow_point at;
};

static double voltage(const struct run *run, double s)
{
    const double u = s / run->span;
    return run->v1 + run->slope * s + 4.0 * run->bulge * u * (1.0 - u);
}

/* V/s */
static double voltage_slope(const struct run *run, double s)
{
    return run->slope + 4.0 * run->bulge / run->span * (1.0 - 2.0 * s / run->span);
}

static void prepare(struct run *run, const double param[])
{
    run->cells.n = 1;
    run->cells.param = param;
    run->cells.v = &run->v;
    run->response.i = &run->at.i;
    run->response.di_dv = &run->at.di_dv;
    for (size_t r = 0; r < run->n; r++) {
        run->cells.x[r] = &run->x[r];
        run->response.di_dx[r] = &run->at.di_dx[r];
        run->response.f[r] = &run->at.f[r];
        run->response.df_dv[r] = &run->at.df_dv[r];
        for (size_t c = 0; c < run->n; c++)
            run->response.df_dx[r][c] = &run->at.df_dx[r][c];
    }
}

static void evaluate(struct run *run, struct point *p)
{
    run->v = run->span > 0.0 ? voltage(run, p->s) : run->v1;
    for (size_t r = 0; r < run->n; r++)
        run->x[r] = p->x[r];
    ow_eval(run->model, &run->cells, &run->response);
    p->at = run->at;
    run->n_eval++;
}

/* LU factors of a small dense matrix with partial pivoting. */
enum { MAX_ORDER = 2 * OW_MAX_STATES };
struct lu {
    size_t n, pivot[MAX_ORDER];
    double a[MAX_ORDER][MAX_ORDER];
};

/* false if singular or not finite. */
static bool lu_factor(struct lu *lu)
{
    for (size_t k = 0; k < lu->n; k++) {
        size_t p = k;
        for (size_t r = k + 1; r < lu->n; r++)
            if (fabs(lu->a[r][k]) > fabs(lu->a[p][k]))
                p = r;
        if (!(fabs(lu->a[p][k]) > 0.0) || !isfinite(lu->a[p][k]))
            return false;
        lu->pivot[k] = p;
        for (size_t c = 0; p != k && c < lu->n; c++) {
            const double swap = lu->a[k][c];
            lu->a[k][c] = lu->a[p][c];
            lu->a[p][c] = swap;
        }
        for (size_t r = k + 1; r < lu->n; r++) {
            lu->a[r][k] /= lu->a[k][k];
            for (size_t c = k + 1; c < lu->n; c++)
                lu->a[r][c] -= lu->a[r][k] * lu->a[k][c];
        }
    }
    return true;
}

/* b becomes the solution. */
static void lu_solve(const struct lu *lu, double b[])
{
    for (size_t k = 0; k < lu->n; k++) {
        const double swap = b[k];
        b[k] = b[lu->pivot[k]];
        b[lu->pivot[k]] = swap;
    }
    for (size_t r = 1; r < lu->n; r++)
        for (size_t c = 0; c < r; c++)
            b[r] -= lu->a[r][c] * b[c];
    for (size_t r = lu->n; r-- > 0;) {
        for (size_t c = r + 1; c < lu->n; c++)
            b[r] -= lu->a[r][c] * b[c];
        b[r] /= lu->a[r][r];
    }
}

/* One step of size h from `from`.  Fills to->s and to->x, and the error norm: 1 is just
 * allowed.  false if nothing finite came out. */
static bool rodas(struct run *run, const struct point *from, double h, struct point *to,
                  double *error)
{
    const size_t n = run->n;
    struct lu lu = {.n = n};
    for (size_t r = 0; r < n; r++) {
        for (size_t c = 0; c < n; c++)
            lu.a[r][c] = -from->at.df_dx[r][c];
        lu.a[r][r] += 1.0 / (GAMMA * h);
    }
    if (!lu_factor(&lu))
        return false;

    double k[N_STAGE][OW_MAX_STATES];
    const double v_slope = voltage_slope(run, from->s);
    struct point stage = *from;
    for (size_t i = 0; i < N_STAGE; i++) {
        if (i > 0) {
            stage.s = from->s + NODE[i] * h;
            for (size_t r = 0; r < n; r++) {
                stage.x[r] = from->x[r];
                for (size_t j = 0; j < i; j++)
                    stage.x[r] += A[i][j] * k[j][r];
            }
            evaluate(run, &stage);
        }
        for (size_t r = 0; r < n; r++) {
            k[i][r] = stage.at.f[r] + D[i] * h * from->at.df_dv[r] * v_slope;
            for (size_t j = 0; j < i; j++)
                k[i][r] += C[i][j] / h * k[j][r];
        }
        lu_solve(&lu, k[i]);
    }

    to->s = from->s + h;
    *error = 0.0;
    for (size_t r = 0; r < n; r++) {
        to->x[r] = stage.x[r] + k[N_STAGE - 1][r];
        if (!isfinite(to->x[r]))
            return false;
        *error = fmax(*error, fabs(k[N_STAGE - 1][r]) * run->weight[r]);
    }
    return isfinite(*error);
}

/* Sensitivities to v0 and to a bulge. */
struct sensitivity {
    double by_v[OW_MAX_STATES], by_bulge[OW_MAX_STATES];
};

/* What f_v is multiplied with at both ends of a piece of the step: w is taken exactly. */
struct forcing {
    double v_1, v_2, b_1, b_2;
};

static struct forcing forcing_of(const struct run *run, const struct point *from, double h)
{
    const double u = from->s / run->span, d = h / run->span;
    /* integrals of w and of w times the local time, by hand */
    const double q0 = 4.0 * u * (1.0 - u), q1 = 4.0 * d * (1.0 - 2.0 * u), q2 = -4.0 * d * d;
    return (struct forcing){.v_1 = u + d / 3.0,
                            .v_2 = u + 2.0 * d / 3.0,
                            .b_1 = q0 + q1 / 3.0 + q2 / 6.0,
                            .b_2 = q0 + q1 * 2.0 / 3.0 + q2 / 2.0};
}

/* Both obey S' = J S + f_v w(t), with w = u for v0 and w = 4 u (1 - u) for the bulge,
 * u = s/span.  One step of Lobatto IIIC (order 2, L-stable; same book, IV.5):
 *   K1 = J1 (S + h/2 (K1 - K2)) + g1,  K2 = J2 (S + h/2 (K1 + K2)) + g2,
 *   S+ = S + h/2 (K1 + K2)
 * needs J at the ends only, where it is known.  The forcing g takes f_v as linear over the
 * step and integrates its product with w exactly, so that even a single step sees the
 * bulge, which is zero at both ends. */
static bool sense(const struct run *run, const struct point *from, const struct point *to,
                  double h, struct sensitivity *s)
{
    const size_t n = run->n;
    const struct forcing g = forcing_of(run, from, h);

    struct lu lu = {.n = 2 * n};
    double rhs_v[MAX_ORDER], rhs_b[MAX_ORDER];
    for (size_t r = 0; r < n; r++) {
        rhs_v[r] = from->at.df_dv[r] * g.v_1;
        rhs_b[r] = from->at.df_dv[r] * g.b_1;
        rhs_v[n + r] = to->at.df_dv[r] * g.v_2;
        rhs_b[n + r] = to->at.df_dv[r] * g.b_2;
        for (size_t c = 0; c < n; c++) {
            const double j1 = from->at.df_dx[r][c], j2 = to->at.df_dx[r][c];
            const double unit = r == c;
            lu.a[r][c] = unit - 0.5 * h * j1;
            lu.a[r][n + c] = 0.5 * h * j1;
            lu.a[n + r][c] = -0.5 * h * j2;
            lu.a[n + r][n + c] = unit - 0.5 * h * j2;
            rhs_v[r] += j1 * s->by_v[c];
            rhs_b[r] += j1 * s->by_bulge[c];
            rhs_v[n + r] += j2 * s->by_v[c];
            rhs_b[n + r] += j2 * s->by_bulge[c];
        }
    }
    if (!lu_factor(&lu))
        return false;
    lu_solve(&lu, rhs_v);
    lu_solve(&lu, rhs_b);
    for (size_t r = 0; r < n; r++) {
        s->by_v[r] += 0.5 * h * (rhs_v[r] + rhs_v[n + r]);
        s->by_bulge[r] += 0.5 * h * (rhs_b[r] + rhs_b[n + r]);
    }
    return true;
}

/* Does the speed move no state by a hundredth of what one step may err? */
static bool is_still(const struct run *run, const struct ow_point *at)
{
    for (size_t r = 0; r < run->n; r++)
        if (!(run->span * fabs(at->f[r]) * run->weight[r] < 0.01))
            return false;
    return true;
}

/* sense() where the Jacobian does not matter. */
static void sense_mild(const struct run *run, const struct point *from, const struct point *to,
                       struct sensitivity *s)
{
    const double half = 0.5 * (to->s - from->s);
    const struct forcing g = forcing_of(run, from, to->s - from->s);
    for (size_t r = 0; r < run->n; r++) {
        s->by_v[r] += half * (from->at.df_dv[r] * g.v_1 + to->at.df_dv[r] * g.v_2);
        s->by_bulge[r] += half * (from->at.df_dv[r] * g.b_1 + to->at.df_dv[r] * g.b_2);
    }
}

/* The model's answer at another time of the step, states as they are. */
static bool is_still_at(struct run *run, const struct point *now, double s, struct point *there)
{
    *there = *now;
    there->s = s;
    evaluate(run, there);
    return is_still(run, &there->at);
}

/* A device that is read, not written, hardly moves.  Where the speeds at both ends are
 * nothing, and where the voltage crosses zero or has an extremum between them, the
 * trapezoidal rule will do.  Between these points |v| grows or falls, and with it the speed.
 * true if that was the case; then *now becomes *end. */
static bool rest(struct run *run, struct point *now, struct point *end, struct sensitivity *s)
{
    struct point between;
    const double v_end = run->v1 + run->slope * run->span;
    if (run->v1 * v_end < 0.0 &&
        !is_still_at(run, now, run->span * run->v1 / (run->v1 - v_end), &between))
        return false;
    const double u = 0.5 + 0.125 * run->slope * run->span / run->bulge;
    if (run->bulge != 0.0 && u > 0.0 && u < 1.0 &&
        !is_still_at(run, now, u * run->span, &between))
        return false;
    sense_mild(run, now, end, s);
    for (size_t r = 0; r < run->n; r++)
        end->x[r] += 0.5 * run->span * (now->at.f[r] + end->at.f[r]);
    *now = *end; /* the model's answer differs by nothing that matters */
    return true;
}

/* The largest |df/dx| times the step, for which an explicit method and sense_mild() are
 * good to a few per cent. */
static const double MILD = 0.1;

static bool is_mild(const struct run *run, double h, const struct ow_point *at)
{
    for (size_t r = 0; r < run->n; r++)
        for (size_t c = 0; c < run->n; c++)
            if (!(h * fabs(at->df_dx[r][c]) < MILD))
                return false;
    return true;
}

/* A step of size h at once by Kutta's 3/8 rule, of order 4 (Hairer, Norsett, Wanner, Solving
 * Ordinary Differential Equations I, 2nd ed. (1993), II.1):
 *   k_2 = f(h/3, x + h/3 k_1)             k_3 = f(2h/3, x + h (k_2 - k_1/3))
 *   k_4 = f(h, x + h (k_1 - k_2 + k_3))   x+ = x + h/8 (k_1 + 3 k_2 + 3 k_3 + k_4)
 * With k_5 = f(h, x+), which the next step needs anyway,
 *   x+ + h/24 (-k_1 + 3 k_2 - 3 k_3 - 3 k_4 + 4 k_5)
 * is of order 3: the weights (-1, 3, -3, -3, 4) are orthogonal to 1, c, c^2 and A c.  Where
 * the speed depends on the time alone they are its third difference, so that a parabola costs
 * nothing and a threshold crossed on the way does not go unseen.
 * true if that is good enough; then *now is the end. */
static bool glide(struct run *run, struct point *now, double h, struct sensitivity *s)
{
    const size_t n = run->n;
    if (!is_mild(run, h, &now->at))
        return false;
    const double *k1 = now->at.f;
    double k2[OW_MAX_STATES], k3[OW_MAX_STATES], k4[OW_MAX_STATES];
    struct point p = {.s = now->s + h / 3.0};
    for (size_t r = 0; r < n; r++)
        p.x[r] = now->x[r] + h / 3.0 * k1[r];
    evaluate(run, &p);
    memcpy(k2, p.at.f, n * sizeof *k2);
    p.s = now->s + 2.0 * h / 3.0;
    for (size_t r = 0; r < n; r++)
        p.x[r] = now->x[r] + h * (k2[r] - k1[r] / 3.0);
    evaluate(run, &p);
    memcpy(k3, p.at.f, n * sizeof *k3);
    p.s = now->s + h;
    for (size_t r = 0; r < n; r++)
        p.x[r] = now->x[r] + h * (k1[r] - k2[r] + k3[r]);
    evaluate(run, &p);
    memcpy(k4, p.at.f, n * sizeof *k4);
    for (size_t r = 0; r < n; r++)
        p.x[r] = now->x[r] + h / 8.0 * (k1[r] + 3.0 * (k2[r] + k3[r]) + k4[r]);
    evaluate(run, &p);
    for (size_t r = 0; r < n; r++) {
        const double error =
            h / 24.0 * (-k1[r] + 3.0 * (k2[r] - k3[r] - k4[r]) + 4.0 * p.at.f[r]);
        if (!(fabs(error) * run->weight[r] < 1.0))
            return false;
    }
    /* A bump between two ends at rest may be symmetric, which third differences do not see. */
    if (!is_mild(run, h, &p.at) || (is_still(run, &now->at) && is_still(run, &p.at)))
        return false;
    sense_mild(run, now, &p, s);
    *now = p;
    return true;
}

/* The speed, in units of the allowed error over the whole step. */
static double pace(const struct run *run, const struct ow_point *at, size_t *fastest)
{
    double most = 0.0;
    for (size_t r = 0; r < run->n; r++)
        if (run->span * fabs(at->f[r]) * run->weight[r] > most) {
            most = run->span * fabs(at->f[r]) * run->weight[r];
            *fastest = r;
        }
    return most;
}

/* A threshold between `still` and `moving`, states as they are: *moving comes so near to it
 * that what is moved in between is nothing.  Newton's method on the fastest speed as a
 * function of time, a little before the root so as to stay where it moves. */
static bool find_edge(struct run *run, const struct point *still, struct point *moving)
{
    enum { MAX_LOOKS = 12 };
    double margin = 1e-5;
    for (int k = 0; k < MAX_LOOKS; k++) {
        size_t r = 0;
        const double speed = pace(run, &moving->at, &r);
        const double slope = moving->at.df_dv[r] * voltage_slope(run, moving->s);
        const double root = moving->s - moving->at.f[r] / slope;
        if (!((root - still->s) * (root - moving->s) < 0.0))
            return false;
        if (speed * fabs(moving->s - root) < 0.01 * run->span)
            return true;
        struct point there;
        if (is_still_at(run, moving, root + margin * (moving->s - root), &there))
            margin *= 10.0;
        else
            *moving = there;
        if (margin > 0.5)
            return false;
    }
    return false;
}

/* At rest up to a threshold, then moving, or the other way round; `end` has the states of
 * *now.  Each part has its own error control. */
static bool cross(struct run *run, struct point *now, const struct point *end,
                  struct sensitivity *s)
{
    const bool starts = is_still(run, &now->at);
    struct point edge = starts ? *end : *now;
    if (!find_edge(run, starts ? now : end, &edge))
        return false;
    if (starts) {
        *now = edge;
        return glide(run, now, run->span - now->s, s);
    }
    struct point last;
    if (!glide(run, now, edge.s, s) || !is_still_at(run, now, run->span, &last))
        return false;
    *now = last;
    return true;
}

/* The first step: a tenth of the travel at the faster of the two ends' speeds. */
static double first_step(struct run *run, const struct point *from)
{
    struct point end = *from;
    end.s = run->span;
    evaluate(run, &end);
    double h = run->span;
    for (size_t s = 0; s < run->n; s++) {
        const struct ow_state *st = &run->model->state[s];
        const double speed = fmax(fabs(from->at.f[s]), fabs(end.at.f[s]));
        if (speed * h > 0.1 * (st->hi - st->lo))
            h = 0.1 * (st->hi - st->lo) / speed;
    }
    return h;
}

/* Where the event state crosses 0 within the step of size h that led from `from` (above
 * 0) to `value` (not above): the Illinois variant of regula falsi on the size of the step. */
static double locate(struct run *run, const struct point *from, double h, double value)
{
    const size_t e = run->model->event_state;
    double lo = 0.0, f_lo = from->x[e], hi = h, f_hi = value;
    int side = 0;
    for (int k = 0; k < MAX_BISECTIONS && hi - lo > 4.0 * DBL_EPSILON * (from->s + hi); k++) {
        double at = lo + (hi - lo) * f_lo / (f_lo - f_hi), error;
        if (!(at > lo && at < hi))
            at = 0.5 * (lo + hi);
        struct point to;
        if (!rodas(run, from, at, &to, &error))
            break;
        const double f = to.x[e];
        if (fabs(f) * run->weight[e] < 0.1)
            return at;
        if (f > 0.0) {
            lo = at, f_lo = f;
            if (side == 1)
                f_hi *= 0.5;
            side = 1;
        } else {
            hi = at, f_hi = f;
            if (side == -1)
                f_lo *= 0.5;
            side = -1;
        }
    }
    return hi;
}

/* What can be done without stepping: rest(), cross() or glide(). */
static bool advance_at_once(struct run *run, struct point *now, struct sensitivity *s)
{
    struct point end;
    const bool begins_still = is_still(run, &now->at),
               ends_still = is_still_at(run, now, run->span, &end);
    if (begins_still && ends_still)
        return rest(run, now, &end, s);
    if (begins_still != ends_still)
        return cross(run, now, &end, s);
    return glide(run, now, run->span, s);
}

/* From 0 to span; *last is the end. */
static enum ow_status integrate(struct run *run, struct point *now, struct sensitivity *s,
                                struct ow_advanced *out)
{
    const bool has_events = run->model->fire;
    const size_t e = run->model->event_state;
    struct point end = *now;
    struct sensitivity to_end = {0};
    /* an event has to be located */
    if (advance_at_once(run, &end, &to_end) &&
        !(has_events && !out->is_due && end.x[e] <= 0.0)) {
        *now = end;
        *s = to_end;
        now->s = run->span;
        out->n_step = 1;
        return OW_OK;
    }
    double h = first_step(run, now);
    int n_frozen = 0;
    for (int trial = 0; trial < MAX_TRIALS; trial++) {
        const bool is_last = now->s + h >= run->span * (1.0 - 4.0 * DBL_EPSILON);
        if (is_last)
            h = run->span - now->s;
        if (!(h > 4.0 * DBL_EPSILON * now->s) && ++n_frozen > MAX_FROZEN)
            return OW_ERR_SOLVER;
        struct point next;
        double error;
        const bool is_finite = rodas(run, now, h, &next, &error);
        if (!is_finite || error > 1.0) {
            h *= is_finite ? fmax(0.2, 0.9 * pow(error, -0.25)) : 0.1;
            continue;
        }
        if (has_events && !out->is_due && next.x[e] <= 0.0) {
            out->is_due = true;
            out->t_due = now->s + locate(run, now, h, next.x[e]);
        }
        if (is_last)
            next.s = run->span;
        evaluate(run, &next);
        if (!sense(run, now, &next, h, s))
            return OW_ERR_SOLVER;
        *now = next;
        out->n_step++;
        if (is_last)
            return OW_OK;
        h *= error > 0.0 ? fmin(6.0, 0.9 * pow(error, -0.25)) : 6.0;
    }
    return OW_ERR_SOLVER;
}

enum ow_status ow_advance(const struct ow_model *model, const double param[],
                          const struct ow_path *path, const double x1[],
                          const struct ow_point *at1, struct ow_advanced *out)
{
    struct run run = {.model = model,
                      .n = model->n_state,
                      .span = path->t0 - path->t1,
                      .v1 = path->v1,
                      .bulge = path->bulge};
    struct ow_advanced result = {0};
    struct sensitivity s = {0};
    struct point now = {.s = 0.0};
    prepare(&run, param);
    memcpy(now.x, x1, model->n_state * sizeof *x1);
    if (model->fire && x1[model->event_state] <= 0.0)
        result.is_due = true; /* since before; t_due = t1 */
    if (run.span > 0.0)
        run.slope = (path->v0 - path->v1) / run.span;
    if (at1)
        now.at = *at1;
    else
        evaluate(&run, &now);
    if (run.span > 0.0) {
        for (size_t r = 0; r < run.n; r++)
            run.weight[r] = 1.0 / (fmax(STEP_SHARE * param[OW_TOL], 16.0 * DBL_EPSILON) *
                                   (model->state[r].hi - model->state[r].lo));
        const enum ow_status st = integrate(&run, &now, &s, &result);
        if (st != OW_OK)
            return st;
    }
    memcpy(result.x, now.x, run.n * sizeof result.x[0]);
    memcpy(result.dx_dv, s.by_v, sizeof result.dx_dv);
    memcpy(result.dx_dbulge, s.by_bulge, sizeof result.dx_dbulge);
    result.end = now.at;
    result.t_due += path->t1;
    result.n_eval = run.n_eval;
    *out = result;
    return OW_OK;
}

int ow_fire_due(const struct ow_model *model, const double param[], double v, double slack,
                double x[])
{
    int n = 0;
    while (model->fire && n < OW_MAX_JUMPS && x[model->event_state] <= slack) {
        ow_fire(model, param, v, x);
        n++;
    }
    return n;
}
