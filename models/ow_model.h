/* The contract of a compact memristor model: its parameters, its states, and one
 * evaluation that gives the current, the state derivatives and all first partial
 * derivatives.  Physics only: no host, no I/O, no mutable globals.
 *
 * Convention: two terminals, TE and BE; v is the voltage of TE over BE [V], i flows
 * from TE to BE through the device [A], time in s, everything SI unless a row says
 * otherwise.  States are scaled so that their travel is of order 1.
 *
 * Who uses it: plugin/xspice turns every registry entry into an ngspice code model,
 * plugin/engine steps thousands of cells of one model inside CVODE, plugin/array
 * inverts it to programme weights.  All of them read the same tables. */
#ifndef OW_MODEL_H
#define OW_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "ow_status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { OW_MAX_STATES = 4, OW_MAX_PARAMS = 64 };

/* One parameter.  A row feeds defaults, checks, help, the specification and the code
 * model's interface alike.  Every value is a double; a choice is the index into
 * `choice`, and NULL-terminated names may be written instead of the index. */
struct ow_param {
    const char *name;          /* as in a .model card: lower case          */
    const char *unit;          /* "ohm"; "1" for a pure number             */
    double dflt, lo, hi;       /* default and closed range, in `unit`      */
    const char *const *choice; /* NULL, or the names of 0, 1, ...          */
    const char *doc;           /* one line                                 */
};

/* Parameters that every model has; their rows come first in its table, through
 * OW_COMMON_PARAMS, so their indices are the same everywhere. */
enum ow_common_param {
    OW_SCALE, /* multiplies the terminal current: device area or spread; the
                 dynamics see the unscaled current                         */
    OW_RATE,  /* multiplies all state derivatives; 0 is a stuck device     */
    OW_SEED,  /* key of the random draws, with OW_ID; whole numbers        */
    OW_ID,    /* tells devices with one seed apart                         */
    OW_TOL,   /* code models only: relative accuracy of the state; CVODE
                 has its own tolerance                                     */
    OW_RS,    /* ohm, in series with the device.  `scale` comes after it, as
                 the area of a SPICE diode does: the terminals see
                 scale times the current of (device + rs), that is a
                 resistance of rs/scale                                    */
    OW_N_COMMON
};

/* clang-format off */
#define OW_COMMON_PARAMS                                                                            \
    {"scale", "1", 1.0,  0.0, 1e12,         NULL, "multiplies the terminal current (area, spread)"}, \
    {"rate",  "1", 1.0,  0.0, 1e12,         NULL, "multiplies the state derivatives; 0 is stuck"},   \
    {"seed",  "1", 1.0,  0.0, 4294967295.0, NULL, "seed of the random draws (whole number)"},        \
    {"id",    "1", 0.0,  0.0, 4294967295.0, NULL, "tells devices of one seed apart (whole number)"}, \
    {"tol",   "1", 1e-6, 1e-12, 1e-2,       NULL, "relative accuracy of the state in a code model"}, \
    {"rs",    "ohm", 0.0, 0.0, 1e12,        NULL, "series resistance (scale divides it)"}

/* The ambient temperature, as in SPICE in degrees Celsius.  Not a common parameter: a model
 * whose equations know a temperature puts this row into its table, another has none, so
 * that nobody sets a temperature that does nothing.  Found by its name, ow_param_index(). */
#define OW_TEMP_PARAM \
    {"temp", "degC", 27.0, -200.0, 1000.0, NULL, "ambient temperature"}
/* clang-format on */
#define OW_ZERO_CELSIUS 273.15 /* K */

/* One state.  Every state has a parameter that sets its initial value, so a device in
 * any condition can be written as one .model card. */
struct ow_state {
    const char *name; /* lower case; names the code model's state port    */
    double lo, hi;    /* nominal travel; `hi - lo` is "the range" in
                         comparisons between hosts                        */
    size_t init;      /* index of the parameter with the initial value    */
    bool is_discrete; /* f is 0; changes only in fire()                   */
    const char *doc;
};

/* Of a pair: u across its first element at v, and du/dv. */
struct ow_inner {
    double v, u, share;
};

/* n cells of one model at one instant, as a structure of arrays (n = 1 for a code
 * model).  Borrowed, never written. */
struct ow_cells {
    size_t n;
    const double *param;            /* [n_param] one value for all cells, in table order */
    const double *const *spread;    /* NULL, or [n_param] of NULL or [n]: per-cell values
                                       that stand in for param[k]                        */
    const double *v;                /* [n] V                                             */
    const double *x[OW_MAX_STATES]; /* [n_state][n]                                   */
    struct ow_inner *inner;         /* NULL, or [n] for pairs (ow_series.h): where the search
                                       ended, for the next one to begin; 0 before the first */
};

/* The value of parameter k in cell j. */
static inline double ow_param_at(const struct ow_cells *cells, size_t k, size_t j)
{
    return cells->spread && cells->spread[k] ? cells->spread[k][j] : cells->param[k];
}

/* Everything a Newton step needs at n bias points: arrays of [n], owned by the caller.
 * df_dx[r][s] is d f[r] / d x[s].  Where only i and f are wanted, di_dv is NULL, and the other
 * derivatives may be anything. */
struct ow_response {
    double *i, *di_dv;                           /* A, S                          */
    double *di_dx[OW_MAX_STATES];                /* A per unit of the state       */
    double *f[OW_MAX_STATES];                    /* 1/s                           */
    double *df_dv[OW_MAX_STATES];                /* 1/(V s)                       */
    double *df_dx[OW_MAX_STATES][OW_MAX_STATES]; /* 1/s                           */
};

struct ow_series;

struct ow_model {
    const char *name;   /* registry name: "team"; the code model is "ow_team"      */
    const char *doc;    /* one line                                                */
    const char *source; /* the paper                                               */
    const struct ow_param *param;
    size_t n_param;
    const struct ow_state *state;
    size_t n_state;
    size_t program;   /* index of the initial-state parameter that a weight sets;
                         the conductance is monotone in it over its state's travel */
    bool is_binary;   /* a weight takes the two ends of the travel only          */
    bool is_volatile; /* the state decays without a voltage                      */

    /* What single ranges cannot say, such as r_on < r_off.  NULL if fine, else one
     * sentence that names the parameters.  May be NULL. */
    const char *(*check)(const double param[]);

    /* Fill every array of *out for all cells, i and f alone if di_dv is NULL.  Defined and
     * finite for every finite v and x: solvers overshoot, so x may lie a little outside its
     * travel.  At given states the current has the sign of v and does not fall with it.
     * `scale`, `rate` and `rs` are applied by ow_eval(), not here.  Cannot fail; the parameters
     * must have passed ow_params_check(). */
    void (*eval)(const struct ow_cells *cells, struct ow_response *out);

    /* i and di_dv of eval alone, at given states, to rounding: what a DC solution asks for many
     * times.  NULL: eval says it. */
    void (*conduct)(const struct ow_cells *cells, double i[], double di_dv[]);

    /* Initial states where they are more than a copy of the `init` parameters (which
     * x already holds on entry); `param` is one cell's.  May be NULL. */
    void (*init)(const double param[], double x[]);

    /* Events, for models that jump; both NULL for the others.  A jump is due when the
     * continuous state x[event_state] falls to 0; fire() makes it, for one cell whose
     * own parameters are given.  v is the voltage at that instant, inside `rs`: where
     * several causes compete for one hazard, it decides which it was.  Hosts call
     * ow_fire(). */
    size_t event_state;
    void (*fire)(const double param[], double v, double x[]);

    /* Whether a device with these parameters is a switch: between jumps its current is
     * proportional to v, and of its states only x[event_state] moves, which neither the
     * current nor any rate depends on.  Hosts need not step such a device.  NULL: it is not. */
    bool (*is_switch)(const double param[]);

    /* Of a cell of two elements (ow_series.h), else NULL.  Then there are no eval and conduct,
     * and the functions below, which is all that hosts call, know how. */
    const struct ow_series *series;
};

/* The registry, in the order of the documentation. */
extern const struct ow_model *const ow_models[];
extern const size_t ow_n_models;

/* NULL if there is none. */
const struct ow_model *ow_model_find(const char *name);

/* model->eval behind the series resistance `rs`, then `scale` on the current and `rate` on
 * the derivatives.  With rs > 0 the device itself sees v_d, the solution of
 * v = v_d + rs i(v_d, x), to rounding; derivatives are those of the solution. */
void ow_eval(const struct ow_model *model, const struct ow_cells *cells,
             struct ow_response *out);

/* i and di_dv of it alone, [n] each. */
void ow_conduct(const struct ow_model *model, const struct ow_cells *cells, double i[],
                double di_dv[]);

/* The same for one cell, with plain numbers. */
struct ow_point {
    double i, di_dv, di_dx[OW_MAX_STATES];
    double f[OW_MAX_STATES], df_dv[OW_MAX_STATES], df_dx[OW_MAX_STATES][OW_MAX_STATES];
};
void ow_eval_one(const struct ow_model *model, const double param[], double v, const double x[],
                 struct ow_point *out);

/* Cells [first, first + n) of all.  spread is room for part->spread. */
void ow_cells_slice(const struct ow_model *model, const struct ow_cells *cells, size_t first,
                    size_t n, struct ow_cells *part, const double *spread[OW_MAX_PARAMS]);

/* The same, and where their responses go; pointers to derivatives that
 * out does not have stay as *to has them. */
void ow_cells_part(const struct ow_model *model, const struct ow_cells *cells,
                   const struct ow_response *out, size_t first, size_t n, struct ow_cells *part,
                   struct ow_response *to, const double *spread[OW_MAX_PARAMS]);

/* model->fire for a device at whose terminals, outside `rs`, there is v. */
void ow_fire(const struct ow_model *model, const double param[], double v, double x[]);

/* Index of a parameter, or n_param. */
size_t ow_param_index(const struct ow_model *model, const char *name);

void ow_params_default(const struct ow_model *model, double param[]);

/* Every value within its range (NaN is not), choices and seeds whole, and
 * model->check.  On failure OW_ERR_RANGE, *bad is the index of the parameter (n_param if
 * it is a relation between several) and err names parameter, value and what was
 * expected.  bad and err may be NULL. */
enum ow_status ow_params_check(const struct ow_model *model, const double param[], size_t *bad,
                               struct ow_error *err);

/* The initial states of one cell. */
void ow_states_init(const struct ow_model *model, const double param[], double x[]);

/* One cell's parameters out of many: out is [n_param]. */
void ow_params_gather(const struct ow_model *model, const struct ow_cells *cells, size_t j,
                      double out[]);

#ifdef __cplusplus
}
#endif
#endif
