/* ohmweave solve: one linear array. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "ow_file.h"
#include "ow_json.h"
#include "ow_number.h"
#include "ow_solve.h"
#include "ow_table.h"

struct arguments {
    const char *conductance, *drive, *json, *nodes;
    struct ow_solve_wires wires;
    int n_threads;
};

enum {
    KEY_R_WORDLINE = 0x100,
    KEY_R_BITLINE,
    KEY_R_DRIVER,
    KEY_R_SENSE,
    KEY_JSON,
    KEY_NODES,
    KEY_THREADS
};

static const struct argp_option options[] = {
    {"conductance", 'g', "FILE", 0, "conductances in S, [rows, cols], .npy or CSV", 0},
    {"drive", 'v', "FILE", 0, "one voltage (V) a row, .npy or .csv", 0},
    {"r-wordline", KEY_R_WORDLINE, "OHM", 0, "of each word-line segment (default 0)", 0},
    {"r-bitline", KEY_R_BITLINE, "OHM", 0, "of each bit-line segment (default 0)", 0},
    {"r-driver", KEY_R_DRIVER, "OHM", 0, "of each source; inf is an open end (default 0)", 0},
    {"r-sense", KEY_R_SENSE, "OHM", 0, "from each bit line to ground; inf is open (default 0)",
     0},
    {"nodes", KEY_NODES, "FILE.npy", 0, "write the node voltages, [2, rows, cols]", 0},
    {"threads", KEY_THREADS, "N", 0,
     "at most N threads (default: OMP_NUM_THREADS, or all processors); no number depends on it",
     0},
    {"json", KEY_JSON, "FILE", 0, "write the result as JSON; - for standard output", 0},
    {0}};

static double resistance(struct argp_state *state, const char *text)
{
    double value = -1.0;
    const enum ow_number is = ow_number_parse(text, &value);
    if (is != OW_NUMBER_OK && is != OW_NUMBER_INFINITE)
        argp_error(state, "'%s' is %s; expected ohms such as 2.5 or 1k", text,
                   ow_number_str(is));
    return value;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'g':
        a->conductance = text;
        return 0;
    case 'v':
        a->drive = text;
        return 0;
    case KEY_R_WORDLINE:
        a->wires.r_wordline = resistance(state, text);
        return 0;
    case KEY_R_BITLINE:
        a->wires.r_bitline = resistance(state, text);
        return 0;
    case KEY_R_DRIVER:
        a->wires.r_driver = resistance(state, text);
        return 0;
    case KEY_R_SENSE:
        a->wires.r_sense = resistance(state, text);
        return 0;
    case KEY_NODES:
        a->nodes = text;
        return 0;
    case KEY_THREADS: {
        char *end;
        const long n = strtol(text, &end, 10);
        if (end == text || *end || n < 1 || n > 256)
            argp_error(state, "--threads=%s: expected a whole number from 1 to 256", text);
        a->n_threads = (int)n;
        return 0;
    }
    case KEY_JSON:
        a->json = text;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument '%s'", text);
        return EINVAL;
    case ARGP_KEY_END:
        if (!a->conductance || !a->drive)
            argp_error(state, "--conductance and --drive are required");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options,
    parse,
    NULL,
    "Solve one linear crossbar: the line currents at DC.\v"
    "Source i drives one word-line segment (and --r-driver) to cell (i, 0); segments lead on "
    "to the last column.  Each bit line leads to cell (rows - 1, j) and through one more "
    "segment (and --r-sense) to ground.",
    NULL,
    NULL,
    NULL};

static json_t *array_of(const struct ow_matrix *m)
{
    json_t *array = json_array();
    for (size_t k = 0; k < m->rows * m->cols; k++)
        json_array_append_new(array, ow_json_number(m->a[k]));
    return array;
}

static void print_line(const char *name, const struct ow_matrix *m)
{
    enum { MOST = 16 };
    printf("%s (A), %zu values\n", name, m->cols);
    for (size_t k = 0; k < m->cols && k < MOST; k++)
        printf("  [%zu] %.12g\n", k, m->a[k]);
    if (m->cols > MOST)
        printf("  ... (all of them with --json FILE)\n");
}

static void print_effort(const struct ow_matrix *g, const struct ow_solve_result *r)
{
    printf("solved %zu x %zu in %.3g s, solver: %s", g->rows, g->cols, r->wall_s,
           ow_solve_method_str(r->method));
    if (r->iterations > 0)
        printf(", %d iterations", r->iterations);
    if (r->method != OW_SOLVE_NONE && !isnan(r->residual))
        printf(", relative residual %.2g", r->residual);
    putchar('\n');
}

static json_t *result_json(const struct ow_solve_result *r)
{
    return json_pack("{s:o, s:o, s:{s:s, s:i, s:o, s:f}}", "i_bitline", array_of(&r->i_bitline),
                     "i_wordline", array_of(&r->i_wordline), "solver", "method",
                     ow_solve_method_str(r->method), "iterations", r->iterations, "residual",
                     ow_json_number(r->residual), "wall_s", r->wall_s);
}

static enum ow_status write_nodes(const char *path, const struct ow_solve_result *r,
                                  struct ow_error *err)
{
    const size_t shape[] = {2, r->nodes.rows / 2, r->nodes.cols};
    return ow_npy_save(path, r->nodes.a, OW_NPY_F8, 3, shape, err);
}

static int run(int argc, char **argv)
{
    struct arguments a = {0};
    struct ow_error err = {0};
    struct ow_matrix g = {0}, drive = {0};
    struct ow_solve_result result = {0};
    int code;
    if (!cli_parse(&argp, argc, argv, &a, &code))
        return code;
    if (ow_file_keep(a.conductance, &err) || ow_file_keep(a.drive, &err) ||
        !cli_check_writable(a.json, &err) || !cli_check_writable(a.nodes, &err) ||
        ow_table_load(a.conductance, &g, &err) || ow_table_load(a.drive, &drive, &err) ||
        ow_solve(&g, &drive, &a.wires, a.n_threads, &result, &err)) {
        code = cli_fail(&err);
        goto done;
    }
    if (!a.json || strcmp(a.json, "-") != 0) {
        print_line("i_bitline", &result.i_bitline);
        print_line("i_wordline", &result.i_wordline);
        print_effort(&g, &result);
    }
    if (a.nodes && write_nodes(a.nodes, &result, &err))
        code = cli_fail_write(&err);
    if (a.json && !cli_write_json(result_json(&result), a.json, &err))
        code = cli_fail_write(&err);
done:
    ow_matrix_finish(&g);
    ow_matrix_finish(&drive);
    ow_solve_result_finish(&result);
    return code;
}

const struct command cmd_solve = {"solve", "solve one linear array (line currents at DC)", run};
