/* ohmweave verify: the engine against ngspice, vector by vector. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_deck.h"
#include "cli_plot.h"
#include "ow_file.h"
#include "ow_json.h"
#include "ow_number.h"
#include "ow_verify.h"

struct arguments {
    struct cli_spec spec;
    struct cli_output output;
    const struct ow_array *array;
    const char *list, *tile;
    double timeout_s;
};

enum { KEY_VECTORS = 0x100, KEY_TIMEOUT };

static const struct argp_option options[] = {
    {"vectors", KEY_VECTORS, "LIST", 0,
     "which input vectors (or pulses of a program), such as 0,3-5 (default 0)", 0},
    CLI_TILE_OPTION,
    {"out", CLI_KEY_OUT, "DIR", 0, "leave the decks, both hosts' waveforms and an SVG there",
     0},
    {"json", CLI_KEY_JSON, "FILE", 0, "write the comparison as JSON; - for standard output", 0},
    {"timeout", KEY_TIMEOUT, "S", 0, "give up on one ngspice run after S seconds", 0},
    {0}};

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->spec;
        return 0;
    case CLI_KEY_TILE:
        a->tile = text;
        return 0;
    case KEY_VECTORS:
        a->list = text;
        return 0;
    case KEY_TIMEOUT:
        if (ow_number_parse(text, &a->timeout_s) != OW_NUMBER_OK || !(a->timeout_s > 0.0))
            argp_error(state, "--timeout=%s: expected seconds, above 0", text);
        return 0;
    default:
        return cli_output_parse(key, text, &a->output);
    }
}

static const struct argp_child children[] = {{&cli_spec_argp, 0, NULL, 0}, {0}};
static const struct argp argp = {
    options,
    parse,
    "SPEC",
    "Run the same circuit in CVODE and in ngspice and compare: sense outputs, energy, device "
    "states, jumps.\v"
    "Every vector starts from the programmed states.  Exit status 0: they agree; 1: they do "
    "not, or a run failed.",
    children,
    NULL,
    NULL};

/* "0,3-5" to numbers below n_vec. */
static enum ow_status read_list(const char *text, size_t n_vec, size_t **out, size_t *n,
                                struct ow_error *err)
{
    const char *at = text ? text : "0";
    *n = 0;
    *out = NULL;
    for (;;) {
        char *end;
        const bool is_number = *at >= '0' && *at <= '9';
        const unsigned long long first = is_number ? strtoull(at, &end, 10) : 0;
        unsigned long long last = first;
        bool is_good = is_number;
        if (is_good && *end == '-') {
            is_good = end[1] >= '0' && end[1] <= '9';
            last = is_good ? strtoull(end + 1, &end, 10) : 0;
        }
        if (!is_good || last < first || last >= n_vec || (*end != ',' && *end != '\0')) {
            free(*out);
            *out = NULL;
            return ow_fail(err, OW_ERR_INPUT,
                           "--vectors=%s: expected numbers and ranges from 0 to %zu, such as "
                           "0,3-5",
                           text ? text : "0", n_vec - 1);
        }
        size_t *more = realloc(*out, (*n + (size_t)(last - first) + 1) * sizeof *more);
        if (!more) {
            free(*out);
            *out = NULL;
            return ow_fail(err, OW_ERR_NOMEM, "--vectors: out of memory");
        }
        *out = more;
        for (unsigned long long k = first; k <= last; k++)
            more[(*n)++] = (size_t)k;
        if (*end == '\0')
            return OW_OK;
        at = end + 1;
    }
}

/* ---- the comparison ------------------------------------------------------------------- */

static const char *const energy_name[OW_N_COMPARED] = {
    "sources and rails", "without the quiescent part", "charge from the drivers' supply"};

static const char *verdict(bool is_ok)
{
    return is_ok ? "agrees" : "DIFFERS";
}

static void print_cell(const struct ow_array *array, size_t cell)
{
    printf("cell (%zu, %zu)", cell / array->xb.cols, cell % array->xb.cols);
}

static const char *engine_name(const struct arguments *a)
{
    return a->array->spec->engine.name == OW_ENGINE_COSIM ? "co-simulation" : "CVODE";
}

/* What is compared, and counted by --vectors. */
static const char *one_of(const struct ow_array *array)
{
    return array->writes.n ? "pulse" : "vector";
}

static void print_comparison(const struct arguments *a, const size_t vector[],
                             const struct ow_verify_result *r)
{
    const struct ow_array *array = a->array;
    const struct ow_comparison *c = &r->comparison;
    const struct ow_difference *d;
    char text[32], other[32];
    printf("%s: %s against ngspice, ", array->spec->path, engine_name(a));
    if (a->tile)
        printf("array %s of ", a->tile);
    printf("%zu x %zu devices (%s), %zu %s%s\n", array->xb.rows, array->xb.cols,
           array->xb.model->name, r->n_read, array->writes.n ? "pulse" : "read",
           r->n_read == 1 ? "" : "s");
    d = &c->sense;
    printf("  sense outputs  %-8s worst %.2e of full scale (%s), limit %g: %s %zu, out%zu, "
           "%.9g V and %.9g V\n",
           verdict(d->is_ok), d->worst, cli_si(c->full_scale, "V", text), OW_AGREE_SENSE,
           one_of(array), vector[d->read / array->n_phase], d->index, d->a, d->b);
    d = &r->wave;
    if (r->has_wave)
        printf("  at all times   %-8s worst %.2e, limit %g: %s %zu, out%zu at %s, %.9g V and "
               "%.9g V\n",
               verdict(d->is_ok), d->worst, OW_AGREE_SENSE, one_of(array),
               vector[d->read / array->n_phase], d->index, cli_si(r->t_wave, "s", text), d->a,
               d->b);
    d = &c->energy;
    printf("  energy         %-8s worst %.2e, limit %g: %s, %s and %s\n", verdict(d->is_ok),
           d->worst, OW_AGREE_ENERGY, energy_name[d->index],
           cli_si(d->a, d->index == OW_COMPARED_CHARGE ? "C" : "J", text),
           cli_si(d->b, d->index == OW_COMPARED_CHARGE ? "C" : "J", other));
    const double n_mac = (double)(array->n_in * array->n_out) / (double)array->n_phase;
    if (!array->writes.n)
        printf("                          per MAC %s and %s (physical)\n",
               cli_si(c->energy_a[OW_COMPARED_TOTAL] / n_mac, "J", text),
               cli_si(c->energy_b[OW_COMPARED_TOTAL] / n_mac, "J", other));
    d = &c->state;
    printf("  device states  %-8s worst %.2e of the range, limit %g", verdict(d->is_ok),
           d->worst, OW_AGREE_STATE);
    if (array->xb.model->n_state) {
        printf(": %s %zu, ", one_of(array), vector[d->read / array->n_phase]);
        print_cell(array, d->index);
        printf(", %s = %.9g and %.9g", array->xb.model->state[d->state].name, d->a, d->b);
    }
    printf(
        "\n                          %zu cells moved by %g of the range or more, the farthest "
        "by %.2g\n",
        r->n_moved, OW_MOVED, r->moved);
    if (array->xb.model->fire) {
        d = &c->event;
        printf("  jumps          %-8s %zu cells jumped, %zu not alike; worst time %.2e of the "
               "pulse, limit %g\n",
               verdict(d->is_ok && c->n_unlike == 0), c->n_event, c->n_unlike, d->worst,
               OW_AGREE_EVENT);
        for (size_t k = 0; k < c->n_near; k++) {
            printf("    apart: %s %zu, ", one_of(array),
                   vector[c->near[k].read / array->n_phase]);
            print_cell(array, c->near[k].cell);
            printf(", %.3g of %.3g hazard left, %s\n", c->near[k].left, c->near[k].draw,
                   c->near[k].is_alike ? "alike" : "not alike");
        }
    }
    printf("  time           %s %.3g s, ngspice %.3g s: ratio %.3g\n", engine_name(a),
           r->engine_s, r->spice_s, r->spice_s / r->engine_s);
    puts(c->is_ok ? "The hosts agree." : "The hosts DO NOT agree.");
}

/* `index` is the column, the kind of energy or the cell (row cols + column). */
static json_t *difference_json(const struct ow_difference *d, double limit)
{
    return json_pack("{s:o, s:f, s:b, s:o, s:o, s:I, s:I}", "worst", ow_json_number(d->worst),
                     "limit", limit, "ok", (int)d->is_ok, "cvode", ow_json_number(d->a),
                     "ngspice", ow_json_number(d->b), "read", (json_int_t)d->read, "index",
                     (json_int_t)d->index);
}

static json_t *comparison_json(const struct ow_verify_result *r)
{
    const struct ow_comparison *c = &r->comparison;
    json_t *root = json_pack(
        "{s:b, s:I, s:o, s:o, s:o, s:o, s:f, s:I, s:o, s:I, s:I, s:I, s:{s:f, s:f}}", "ok",
        (int)c->is_ok, "reads", (json_int_t)r->n_read, "full_scale",
        ow_json_number(c->full_scale), "sense", difference_json(&c->sense, OW_AGREE_SENSE),
        "energy", difference_json(&c->energy, OW_AGREE_ENERGY), "state",
        difference_json(&c->state, OW_AGREE_STATE), "moved", r->moved, "cells_moved",
        (json_int_t)r->n_moved, "event", difference_json(&c->event, OW_AGREE_EVENT), "events",
        (json_int_t)c->n_event, "unlike", (json_int_t)c->n_unlike, "near",
        (json_int_t)c->n_near, "solver", "cvode_s", r->engine_s, "ngspice_s", r->spice_s);
    if (root && r->has_wave)
        json_object_set_new(root, "wave", difference_json(&r->wave, OW_AGREE_SENSE));
    return root;
}

/* ---- files ---------------------------------------------------------------------------- */

enum { MOST_SHOWN = 4, PATH_SIZE = 4096 };

static enum ow_status file_in(char path[PATH_SIZE], const char *directory, const char *name,
                              size_t vector, const char *phase, const char *suffix,
                              struct ow_error *err)
{
    const int n =
        snprintf(path, PATH_SIZE, "%s/%s_%zu%s%s", directory, name, vector, phase, suffix);
    return n < PATH_SIZE ? OW_OK
                         : ow_fail(err, OW_ERR_FILE, "%s: the name is too long", directory);
}

/* The columns with the largest outputs, so that the picture shows something. */
static size_t choose_columns(const struct ow_reading *r, size_t column[MOST_SHOWN])
{
    size_t n = 0;
    for (; n < MOST_SHOWN && n < r->cols; n++) {
        size_t best = r->cols;
        for (size_t j = 0; j < r->cols; j++) {
            bool is_taken = false;
            for (size_t k = 0; k < n; k++)
                is_taken = is_taken || column[k] == j;
            if (!is_taken &&
                (best == r->cols || fabs(r->v_sample[j]) > fabs(r->v_sample[best])))
                best = j;
        }
        column[n] = best;
    }
    return n;
}

/* "", "_minus", "_bit3" or "_bit0_plus": which of a vector's reads; bit 0 is the least. */
static void name_phase(const struct ow_array *a, size_t phase, char name[32])
{
    const char *sign = a->n_sign == 1 ? "" : phase % a->n_sign ? "_minus" : "_plus";
    name[0] = '\0';
    if (a->n_bit > 1)
        snprintf(name, 32, "_bit%zu", a->n_bit - 1 - phase / a->n_sign);
    strcat(name, sign);
}

static enum ow_status save_deck(const struct ow_array *array, size_t read,
                                const char *codemodel, const char *path, struct ow_error *err)
{
    struct ow_file file = {0};
    enum ow_status st = ow_file_create(path, &file, err);
    if (!st && !(st = cli_write_deck(array, read, codemodel, NULL, file.to, err)))
        st = ow_file_commit(&file, err);
    ow_file_discard(&file);
    return st;
}

/* Deck, waveforms and picture of one read; says where they are unless is_quiet. */
static enum ow_status save_read(const struct arguments *a, size_t k, size_t vector,
                                const struct ow_verify_result *r, const char *codemodel,
                                bool is_quiet, struct ow_error *err)
{
    const struct ow_array *array = a->array;
    const size_t phase = k % array->n_phase;
    char sign[32], deck[PATH_SIZE], engine[PATH_SIZE], spice[PATH_SIZE], picture[PATH_SIZE],
        title[256];
    size_t column[MOST_SHOWN];
    enum ow_status st;
    name_phase(array, phase, sign);
    if ((st = file_in(deck, a->output.out, "deck", vector, sign, ".cir", err)) ||
        (st = file_in(engine, a->output.out, "wave", vector, sign, "_cvode.csv", err)) ||
        (st = file_in(spice, a->output.out, "wave", vector, sign, "_ngspice.csv", err)) ||
        (st = file_in(picture, a->output.out, "verify", vector, sign, ".svg", err)) ||
        (st = save_deck(array, vector * array->n_phase + phase, codemodel, deck, err)) ||
        (st = cli_write_wave(engine, engine_name(a), &r->engine[k], err)) ||
        (st = cli_write_wave(spice, "ngspice", &r->spice[k], err)))
        return st;
    if (!is_quiet)
        printf("  %s %zu%s: %s, %s\n    repeat it: ngspice -b %s\n", one_of(array), vector,
               sign, engine, spice, deck);
    const char *slash = strrchr(array->spec->path, '/');
    snprintf(title, sizeof title, "%.120s, %s %zu: %s and ngspice",
             slash ? slash + 1 : array->spec->path, one_of(array), vector, engine_name(a));
    const size_t n = choose_columns(&r->engine[k], column);
    struct ow_error why = {0};
    const double t_sample = ow_array_taken(array);
    if (cli_plot_waves(picture, title, engine_name(a), &r->engine[k], &r->spice[k], column, n,
                       t_sample, &why))
        fprintf(stderr, "ohmweave: note: %s\n", why.text); /* the comparison stands */
    else if (!is_quiet)
        printf("    picture:   %s\n", picture);
    return OW_OK;
}

/* ---- the command ---------------------------------------------------------------------- */

static int report(const struct arguments *a, const size_t vector[], const char *codemodel,
                  const struct ow_verify_result *r)
{
    struct ow_error err = {0};
    int code = r->comparison.is_ok ? EXIT_STANDS : EXIT_RUN_FAILED;
    const bool is_quiet = !cli_output_has_table(&a->output);
    if (!is_quiet)
        print_comparison(a, vector, r);
    if (a->output.json && !cli_write_json(comparison_json(r), a->output.json, &err))
        code = cli_fail_write(&err);
    for (size_t k = 0; a->output.out && k < r->n_read; k++) {
        err = (struct ow_error){0};
        if (save_read(a, k, vector[k / a->array->n_phase], r, codemodel, is_quiet, &err))
            code = cli_fail_write(&err);
    }
    return code;
}

static int run(int argc, char **argv)
{
    struct arguments a = {0};
    struct ow_error err = {0};
    struct ow_verify_result result = {0};
    struct cli_progress progress;
    char codemodel[PATH_SIZE];
    size_t *vector = NULL, n_vector;
    int code;
    if (!cli_parse(&argp, argc, argv, &a, &code) || !cli_spec_load(&a.spec, "verify", &code))
        goto done;
    a.array = cli_choose_tile(&a.spec.problem, a.tile, &err);
    if (!a.array || read_list(a.list, a.array->n_vec, &vector, &n_vector, &err) ||
        !cli_output_check(&a.output, &err) ||
        !cli_find_codemodel(codemodel, sizeof codemodel, &err)) {
        code = cli_fail(&err);
        goto done;
    }
    const struct ow_verify_options how = {.vector = vector,
                                          .n_vector = n_vector,
                                          .codemodel = codemodel,
                                          .timeout_s = a.timeout_s,
                                          .cancel = &cli_cancelled,
                                          .progress = cli_progress_show,
                                          .data = &progress};
    cli_poll_interrupts();
    cli_progress_begin(&progress, "simulations");
    const enum ow_status st = ow_verify_run(a.array, &how, &result, &err);
    cli_progress_end(&progress);
    code = st ? cli_fail(&err) : report(&a, vector, codemodel, &result);
    ow_verify_result_finish(&result);
done:
    free(vector);
    cli_spec_finish(&a.spec);
    return code;
}

const struct command cmd_verify = {"verify",
                                   "compare the engine with ngspice on the same circuit", run};
