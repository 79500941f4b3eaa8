/* The set-up of the ports: whether they pay and apply, and the responses to every excitation,
 * from what ow_dissect.h leaves of the array.  There the sense inputs j are eliminated at
 * last, with their resistors g_s to ground (an amplifier is one, too) and the currents J:
 *
 *   v_j = sum of a_jk v_k + sum of a_jJ J        k: sources and ground
 *   i_sense = g_s v_j - J_j,   i_source_k = sum of y_kl (v_k - v_l) - sum of y_kJ J . */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_dissect.h"
#include "ow_kernel.h"
#include "ow_look.h"
#include "ow_ports_parts.h"

/* ---- does it pay ----------------------------------------------------------------------- */

/* Counts of operations, weighed by how well they run: those of the lines' solver, some 10
 * iterations of 60 a cell, and those of products come in long vectors.  Where lines have
 * merged, elimination fills the shorter side of the array. */
static double cells_of(const struct ow_circuit *c)
{
    return (double)(c->xb->rows * c->xb->cols);
}

static double filled_of(const struct ow_circuit *c)
{
    return (double)(c->n_node - c->first_free) * fmin((double)c->xb->rows, (double)c->xb->cols);
}

static double solve_operations(const struct ow_circuit *c)
{
    return c->is_grid ? 40.0 * cells_of(c) : 5.0 * cells_of(c) + 2.0 * filled_of(c);
}

/* One read: two solutions with a matrix that is there, devices and powers. */
static double read_operations(const struct ow_circuit *c)
{
    return 2.0 * solve_operations(c) + 60.0 * cells_of(c);
}

bool ow_ports_pays(const struct ow_circuit *c, size_t n_read)
{
    const double most = 2147483648.0; /* bytes */
    return ow_dissect_bytes(c->xb->rows, c->xb->cols) <= most &&
           ow_dissect_operations(c->xb->rows, c->xb->cols) <
               (double)n_read * read_operations(c);
}

/* ---- does it apply --------------------------------------------------------------------- */

/* A row of cells. */
struct row {
    struct ow_cells cells;
    const double *spread[OW_MAX_PARAMS];
    double *v, *x, *i, *di_dv; /* [cols], [n_state][cols], [cols], [cols] */
};

static void row_load(const struct ow_crossbar *xb, size_t i, struct row *row)
{
    const struct ow_model *model = xb->model;
    const size_t n = xb->cols;
    row->cells =
        (struct ow_cells){.n = n, .param = xb->param, .spread = row->spread, .v = row->v};
    for (size_t k = 0; k < model->n_param; k++)
        row->spread[k] = xb->spread[k] ? xb->spread[k] + i * n : NULL;
    for (size_t s = 0; s < model->n_state; s++)
        row->cells.x[s] = row->x + s * n;
    for (size_t j = 0; j < n; j++) {
        double param[OW_MAX_PARAMS], x[OW_MAX_STATES];
        ow_crossbar_cell(xb, i * n + j, param, x);
        for (size_t s = 0; s < model->n_state; s++)
            row->x[s * n + j] = x[s];
    }
}

/* g[cols] S, and whether currents are g v up to v_most. */
static bool row_is_linear(const struct ow_crossbar *xb, struct row *row, double v_most,
                          double g[])
{
    memset(row->v, 0, xb->cols * sizeof *row->v);
    ow_conduct(xb->model, &row->cells, row->i, row->di_dv);
    memcpy(g, row->di_dv, xb->cols * sizeof *g);
    for (size_t j = 0; j < xb->cols; j++)
        if (!(g[j] >= 0.0 && isfinite(g[j])))
            return false;
    return ow_cells_are_ohmic(xb->model, &row->cells, g, v_most, row->v, row->i, row->di_dv);
}

/* Conductances of the cells [rows][cols] S at their programmed states; *g is NULL where they
 * are none, and owned. */
static enum ow_status conductances(const struct ow_crossbar *xb, double v_most, double **g)
{
    const size_t n = xb->cols;
    bool is_linear = true;
    double *work = malloc((3 + xb->model->n_state) * n * sizeof *work);
    struct row row = {.v = work, .i = work + n, .di_dv = work + 2 * n, .x = work + 3 * n};
    *g = malloc(xb->rows * n * sizeof **g);
    enum ow_status st = work && *g ? OW_OK : OW_ERR_NOMEM;
    for (size_t i = 0; !st && is_linear && i < xb->rows; i++) {
        row_load(xb, i, &row);
        is_linear = row_is_linear(xb, &row, v_most, *g + i * n);
    }
    free(work);
    if (st || !is_linear) {
        free(*g);
        *g = NULL;
    }
    return st;
}

/* ---- the array with its ends --------------------------------------------------------------
 */

/* Sense inputs, ground, sources, then one column for each J. */
struct ends {
    struct ow_mesh *mesh;
    double *response; /* [n_in][mesh->n - n_in] */
    size_t n_in;      /* sense inputs, 0 where they are ground */
    size_t ground, n_node;
    double g_sense; /* S */
};

static void ends_finish(struct ends *e)
{
    ow_mesh_destroy(e->mesh);
    free(e->response);
}

static double conductance(double r)
{
    return r > 0.0 && isfinite(r) ? 1.0 / r : 0.0;
}

static bool ends_init(const struct ow_ports *p, const struct ow_mesh *array, struct ends *e)
{
    const struct ow_sense *sense = &p->circuit->xb->sense;
    const size_t n_in = p->circuit->sense_in[0] == OW_GROUND ? 0 : p->cols;
    *e = (struct ends){.n_in = n_in, .ground = n_in, .n_node = n_in + 1 + p->rows};
    if (sense->kind != OW_SENSE_SUBCKT)
        e->g_sense =
            conductance(ow_ports_has_amps(p) ? p->r_loop / (1.0 + sense->gain) : sense->r_f);
    e->mesh = ow_mesh_create(e->n_node + (ow_ports_has_amps(p) ? p->cols : 0), NULL);
    e->response = malloc((n_in * (e->mesh ? e->mesh->n - n_in : 0) + 1) * sizeof *e->response);
    if (!e->mesh || !e->response)
        return false;
    for (int what = 0; what < OW_MESH_N_PART; what++)
        for (size_t a = 0; a < array->n; a++)
            for (size_t b = a + 1; b < array->n; b++) {
                /* grounded sense inputs are the one node behind the sources */
                const size_t to_a = a < p->rows ? n_in + 1 + a : a - p->rows,
                             to_b = b < p->rows ? n_in + 1 + b : b - p->rows;
                *ow_mesh_at(e->mesh, what, to_a, to_b) = *ow_mesh_at(array, what, a, b);
            }
    for (size_t j = 0; j < n_in; j++) {
        *ow_mesh_at(e->mesh, OW_MESH_ALL, j, e->ground) = e->g_sense;
        if (ow_ports_has_amps(p))
            *ow_mesh_at(e->mesh, OW_MESH_ALL, j, e->n_node + j) = 1.0;
    }
    return true;
}

static bool ends_eliminate(struct ends *e, int n_threads)
{
    bool is_ok = false;
#ifdef _OPENMP
    OW_PRAGMA(omp parallel num_threads(n_threads))
    OW_PRAGMA(omp single)
#endif
    is_ok = ow_mesh_eliminate(e->mesh, e->n_in, e->n_node, e->response);
    (void)n_threads;
    return is_ok;
}

/* ---- responses ------------------------------------------------------------------------- */

static bool is_source(const struct ow_ports *p, size_t excitation)
{
    return excitation < p->rows;
}

static bool is_clamp(const struct ow_ports *p, size_t excitation)
{
    return excitation >= p->first_clamp && excitation < p->first_clamp + p->cols &&
           ow_ports_has_amps(p);
}

/* Where a source or J stands in the mesh. */
static size_t place_of(const struct ow_ports *p, const struct ends *e, size_t excitation)
{
    return is_source(p, excitation) ? e->ground + 1 + excitation
                                    : e->n_node + excitation - p->first_clamp;
}

/* Sum over all other nodes. */
static double sum_beside(const struct ends *e, int what, size_t node)
{
    double sum = 0.0;
    for (size_t k = e->ground; k < e->n_node; k++)
        sum += k == node ? 0.0 : *ow_mesh_at(e->mesh, what, node, k);
    return sum;
}

/* Row x of N and S. */
static void put_currents(struct ow_ports *p, const struct ends *e, size_t x)
{
    const size_t at = place_of(p, e, x), width = e->mesh->n - e->n_in;
    double *sense = p->sense + x * p->wide_cols, *source = p->source + x * p->wide_rows;
    double lost = 0.0; /* of J = 1 A: what does not come out of its own sense input */
    for (size_t i = 0; i < p->rows; i++) {
        const size_t node = e->ground + 1 + i;
        source[i] = node == at ? sum_beside(e, OW_MESH_ALL, at)
                               : 0.0 - *ow_mesh_at(e->mesh, OW_MESH_ALL, node, at);
        lost -= source[i];
    }
    for (size_t j = 0; j < e->n_in; j++) {
        const double v = e->response[j * width + at - e->n_in];
        sense[j] = ow_ports_has_amps(p) ? e->g_sense * v : v;
        lost += is_clamp(p, x) && j == x - p->first_clamp ? 0.0 : sense[j];
    }
    /* g_s v - J would cancel */
    if (is_clamp(p, x))
        sense[x - p->first_clamp] = 0.0 - lost;
}

/* The form's entry for two sources or J. */
static double entry(const struct ow_ports *p, const struct ends *e, int what, size_t x,
                    size_t y)
{
    const size_t a = place_of(p, e, x);
    return x == y && is_source(p, x) ? sum_beside(e, what, a)
                                     : 0.0 - *ow_mesh_at(e->mesh, what, a, place_of(p, e, y));
}

/* Entries once on the diagonal's tiles, twice above them. */
static void put_entry(const struct ow_ports *p, double form[], size_t x, size_t y, double value)
{
    const size_t first = x < y ? x : y, last = x < y ? y : x;
    if (first / TILE == last / TILE)
        form[first * p->n_excitation + last] = form[last * p->n_excitation + first] = value;
    else
        form[first * p->n_excitation + last] = 2.0 * value;
}

/* The offset is the same current into all sense inputs. */
static double offset_current(const struct ow_ports *p)
{
    const struct ow_sense *s = &p->circuit->xb->sense;
    return s->gain * s->v_os / p->r_loop;
}

static void put_offset_currents(struct ow_ports *p)
{
    const double i = offset_current(p);
    double *sense = p->sense + p->rows * p->wide_cols;
    double *source = p->source + p->rows * p->wide_rows;
    for (size_t x = p->first_clamp; x < p->first_clamp + p->cols; x++) {
        for (size_t j = 0; j < p->cols; j++)
            sense[j] += i * p->sense[x * p->wide_cols + j];
        for (size_t k = 0; k < p->rows; k++)
            source[k] += i * p->source[x * p->wide_rows + k];
    }
}

static void put_form(const struct ow_ports *p, const struct ends *e, int what, double form[])
{
    const double i = ow_ports_has_offset(p) ? offset_current(p) : 0.0;
    double offset_offset = 0.0;
    for (size_t x = 0; x < p->n_excitation; x++) {
        double offset = 0.0;
        if (!is_source(p, x) && !is_clamp(p, x))
            continue;
        for (size_t y = 0; y < p->n_excitation; y++) {
            if (!is_source(p, y) && !is_clamp(p, y))
                continue;
            const double value = entry(p, e, what, x, y);
            if (x <= y)
                put_entry(p, form, x, y, value);
            offset += is_clamp(p, y) ? i * value : 0.0;
        }
        if (ow_ports_has_offset(p))
            put_entry(p, form, x, p->rows, offset);
        offset_offset += is_clamp(p, x) ? i * offset : 0.0;
    }
    if (ow_ports_has_offset(p))
        put_entry(p, form, p->rows, p->rows, offset_offset);
}

/* ---- life ------------------------------------------------------------------------------ */

static bool make_room(struct ow_ports *p)
{
    const size_t n = p->n_excitation;
    p->sense = ow_product_calloc(n * p->wide_cols);
    p->source = ow_product_calloc(n * p->wide_rows);
    p->devices = ow_product_calloc(n * n);
    p->wires = ow_product_calloc(n * n);
    return p->sense && p->source && p->devices && p->wires;
}

/* Everything from the array's mesh. */
static enum ow_status fill(struct ow_ports *p, const struct ow_mesh *array, int n_threads)
{
    struct ends e;
    enum ow_status st = OW_ERR_NOMEM;
    if (ends_init(p, array, &e) && make_room(p) && ends_eliminate(&e, n_threads)) {
        for (size_t x = 0; x < p->n_excitation; x++)
            if (is_source(p, x) || is_clamp(p, x))
                put_currents(p, &e, x);
        if (ow_ports_has_offset(p))
            put_offset_currents(p);
        put_form(p, &e, OW_MESH_DEVICES, p->devices);
        put_form(p, &e, OW_MESH_WIRES, p->wires);
        st = OW_OK;
    }
    ends_finish(&e);
    return st;
}

static struct ow_ports *describe(const struct ow_circuit *circuit)
{
    const struct ow_sense *sense = &circuit->xb->sense;
    struct ow_ports *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->circuit = circuit;
    p->rows = circuit->xb->rows;
    p->cols = circuit->xb->cols;
    p->wide_rows = ow_ports_wide(p->rows);
    p->wide_cols = ow_ports_wide(p->cols);
    p->r_loop = sense->r_f + sense->r_out;
    p->v_linear = ow_amp_linear_to(sense);
    /* some six dense solutions of n^3 / 3 against ten reads: the steps of Newton's method that
     * clamps take in the whole circuit */
    p->most_rails = (size_t)cbrt(5.0 * read_operations(circuit));
    p->first_clamp = ow_ports_round_up(p->rows + ow_ports_has_offset(p), LANES);
    p->n_excitation = ow_ports_wide(p->first_clamp + (ow_ports_has_amps(p) ? p->cols : 0));
    return p;
}

enum ow_status ow_ports_create(const struct ow_circuit *circuit, double v_most, int n_threads,
                               const volatile sig_atomic_t *cancel, struct ow_ports **out,
                               struct ow_error *err)
{
    struct ow_mesh *array = NULL;
    double *g = NULL;
    struct ow_ports *p = describe(circuit);
    enum ow_status st = OW_ERR_NOMEM;
    *out = NULL;
    if (!p)
        goto done;
    if (circuit->xb->sense.kind == OW_SENSE_DRIVER ||
        (ow_ports_has_amps(p) && p->v_linear <= 0.0))
        st = OW_OK;
    else if ((st = conductances(circuit->xb, v_most, &g)) == OW_OK && g &&
             (st = ow_dissect(circuit, g, n_threads, cancel, &array)) == OW_OK &&
             (st = fill(p, array, n_threads)) == OW_OK) {
        *out = p;
        p = NULL;
    }
done:
    free(g);
    ow_mesh_destroy(array);
    ow_ports_destroy(p);
    if (st == OW_ERR_CANCELLED)
        return ow_fail(err, st, "cancelled");
    return st ? ow_ports_no_memory(err) : OW_OK;
}

void ow_ports_destroy(struct ow_ports *p)
{
    if (!p)
        return;
    free(p->sense);
    free(p->source);
    free(p->devices);
    free(p->wires);
    free(p);
}
