/* ohmweave iv: the current-voltage loop of one device. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli_plot.h"
#include "cli_spec.h"
#include "ow_clock.h"
#include "ow_compare.h"
#include "ow_file.h"
#include "ow_iv.h"
#include "ow_json.h"
#include "ow_number.h"
#include "ow_sets.h"
#include "ow_table.h"

enum engine { ENGINE_CVODE, ENGINE_NGSPICE, ENGINE_BOTH };
static const char *const engine_name[] = {"cvode", "ngspice", "both", NULL};

enum { PATH_SIZE = 4096, MOST_ROWS = 2000000, MOST_PARAMS = 2 * OW_MAX_PARAMS };

/* ---- arguments ------------------------------------------------------------------------ */

/* clang-format off */
/* Options that take a number: name, name of the number, closed range, whole?, help. */
#define NUMBER_LIST(X)                                                                                    \
    X(amplitude,  "V",   -1e6,  1e6,  false, "height of the first half period; default: searched, so that the device switches")   \
    X(second,     "V",   -1e6,  1e6,  false, "height of the second half of a triangle or pulse; default: minus the first")        \
    X(frequency,  "HZ",  1e-12, 1e15, false, "of the drive; default: searched")                             \
    X(period,     "S",   1e-15, 1e12, false, "the same as a time")                                         \
    X(width,      "S",   1e-18, 1e12, false, "plateau of a pulse; default: a quarter of the period")        \
    X(rise,       "S",   1e-18, 1e12, false, "each edge of a pulse; default: a hundredth of the period")    \
    X(series,     "OHM", 0.0,   1e15, false, "resistance between source and device; default 0")            \
    X(compliance, "A",   1e-18, 1e6,  false, "limit the current, smoothly; default: no limit")             \
    X(cycles,     "N",   1.0,   1e5,  true,  "how many periods; default 2")                                \
    X(points,     "N",   40.0,  1e6,  true,  "rows a period, at least; default 1000")                      \
    X(read,       "V",   1e-12, 1e6,  false, "source voltage at which resistances are read; default: a tenth of the highest") \
    X(devices,    "N",   1.0,   1e4,  true,  "that many devices, their ids one after another; default 1")  \
    X(seed,       "N",   0.0,   4294967295.0, true, "seed of a stochastic device's draws")                 \
    X(timeout,    "S",   1e-3,  1e9,  false, "give up on the ngspice run after S seconds")

struct arguments {
    const struct ow_model *model;
    const char *set, *param[MOST_PARAMS]; /* "key=value" */
    size_t n_param;
    enum ow_iv_shape shape;
    bool has_shape;
    enum engine engine;
#define MEMBER(name, unit, lo, hi, is_whole, doc) double name; /* NaN: not given */
    NUMBER_LIST(MEMBER)
    const char *overlay, *csv, *raw, *svg, *json, *out;
};

enum number_index {
#define INDEX(name, unit, lo, hi, is_whole, doc) NUMBER_##name,
    NUMBER_LIST(INDEX)
    N_NUMBERS
};

static const struct number {
    const char *name;
    size_t offset;
    double lo, hi;
    bool is_whole;
} numbers[] = {
#define ROW(name, unit, lo, hi, is_whole, doc) {#name, offsetof(struct arguments, name), lo, hi, is_whole},
    NUMBER_LIST(ROW)
};

enum { KEY_SET = 0x100, KEY_PARAM, KEY_DRIVE, KEY_ENGINE, KEY_OVERLAY, KEY_CSV, KEY_RAW, KEY_SVG,
       KEY_JSON, KEY_OUT, KEY_NUMBER /* + enum number_index */ };

static const struct argp_option options[] = {
    {"set",     KEY_SET,     "SET",   0, "parameter set: its name, or a file with a .model card", 1},
    {"param",   KEY_PARAM,   "K=V",   0, "one parameter, over the set; any number of times", 1},
    {"drive",   KEY_DRIVE,   "SHAPE", 0, "sine, triangle or pulse; default sine", 2},
#define OPTION(name, unit, lo, hi, is_whole, doc) {#name, KEY_NUMBER + NUMBER_##name, unit, 0, doc, 3},
    NUMBER_LIST(OPTION)
    {"engine",  KEY_ENGINE,  "NAME",  0, "cvode, ngspice, or both and compare; default cvode", 4},
    {"overlay", KEY_OVERLAY, "FILE",  0, "measured points for the picture: v, i or t, v, i; .npy or .csv", 4},
    {"csv",     KEY_CSV,     "FILE",  0, "write the loop as text", 5},
    {"raw",     KEY_RAW,     "FILE",  0, "write it in ngspice's binary format, for `load`", 5},
    {"svg",     KEY_SVG,     "FILE",  0, "draw it, with gnuplot", 5},
    {"json",    KEY_JSON,    "FILE",  0, "write the figures as JSON; - for standard output", 5},
    {"out",     KEY_OUT,     "DIR",   0, "all of these there, and the deck for ngspice", 5},
    {0}};
/* clang-format on */

/* Index in a NULL-terminated list; ends the program with a message if it is not there. */
static unsigned one_of(struct argp_state *state, const char *option, const char *text,
                       const char *const name[])
{
    unsigned k = 0;
    while (name[k] && strcmp(name[k], text) != 0)
        k++;
    if (!name[k])
        argp_error(state, "--%s=%s: expected %s, %s or %s", option, text, name[0], name[1],
                   name[2]);
    return k;
}

static void parse_number(struct argp_state *state, const struct number *n, const char *text)
{
    double value;
    const enum ow_number result = ow_number_parse(text, &value);
    if (result != OW_NUMBER_OK)
        argp_error(state, "--%s: '%s' is %s", n->name, text, ow_number_str(result));
    if (!(value >= n->lo && value <= n->hi) || (n->is_whole && value != floor(value)))
        argp_error(state, "--%s=%s: expected %s from %g to %.10g", n->name, text,
                   n->is_whole ? "a whole number" : "a number", n->lo, n->hi);
    *(double *)((char *)state->input + n->offset) = value;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        for (size_t k = 0; k < N_NUMBERS; k++)
            *(double *)((char *)a + numbers[k].offset) = NAN;
        return 0;
    case KEY_SET:
        a->set = text;
        return 0;
    case KEY_PARAM:
        if (a->n_param == MOST_PARAMS)
            argp_error(state, "--param: more than %d of them", MOST_PARAMS);
        a->param[a->n_param++] = text;
        return 0;
    case KEY_DRIVE:
        a->shape = one_of(state, "drive", text, ow_iv_shape_name);
        a->has_shape = true;
        return 0;
    case KEY_ENGINE:
        a->engine = one_of(state, "engine", text, engine_name);
        return 0;
    case KEY_OVERLAY:
        a->overlay = text;
        return 0;
    case KEY_CSV:
        a->csv = text;
        return 0;
    case KEY_RAW:
        a->raw = text;
        return 0;
    case KEY_SVG:
        a->svg = text;
        return 0;
    case KEY_JSON:
        a->json = text;
        return 0;
    case KEY_OUT:
        a->out = text;
        return 0;
    case ARGP_KEY_ARG:
        if (a->model || !ow_model_find(text))
            argp_error(state, "%s '%s'; `ohmweave models` lists them",
                       a->model ? "unexpected argument" : "no model", text);
        a->model = ow_model_find(text);
        return 0;
    case ARGP_KEY_END:
        if (!a->model)
            argp_error(state, "a model is required; `ohmweave models` lists them");
        if (!isnan(a->frequency) && !isnan(a->period))
            argp_error(state, "--frequency and --period are one and the same: give one");
        if (a->overlay && !a->svg && !a->out)
            argp_error(state, "--overlay is for the picture: give --svg or --out too");
        return 0;
    default:
        if (key >= KEY_NUMBER && key < KEY_NUMBER + (int)N_NUMBERS) {
            parse_number(state, &numbers[key - KEY_NUMBER], text);
            return 0;
        }
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    options,
    parse,
    "MODEL",
    "The current-voltage loop of one device between a source (with a series resistance and a "
    "compliance, if any) and ground: its figures, waveforms and picture.\v"
    "Without --amplitude or --frequency the lowest voltage and the highest frequency are "
    "taken at which the device switches in every period.  Exit status 0: the answer stands; 1: "
    "a run failed, or, with --engine both, the hosts differ.",
    NULL,
    NULL,
    NULL};

/* ---- from arguments to a job ----------------------------------------------------------- */

struct job {
    const struct arguments *a;
    struct ow_iv_drive drive;
    double v_read;
    size_t points, n_device;
    double *param;                   /* [n_device][n_param] owned */
    struct ow_iv_circuit *circuit;   /* [n_device] owned          */
    struct ow_iv_wave *wave, *spice; /* [n_device] owned: CVODE's and ngspice's */
    double cvode_s, ngspice_s;       /* wall time                 */
    char codemodel[PATH_SIZE];
    char title[400];
};

/* Conditions of published loops, as noted in the set's file; the period of the two sweeps is
 * not noted there and is invented. */
static const struct preset {
    const char *set;
    enum ow_iv_shape shape;
    double amplitude, period, series, compliance; /* V, s, ohm, A */
} presets[] = {
    {"team_xyce", OW_IV_SINE, 1.0, 1e-3, 50.0, INFINITY},
    {"driftdiff_yang_dc_asymmetric", OW_IV_TRIANGLE, 0.2, 1.0, 0.0, 1e-6},
    {"driftdiff_yang_dc_symmetric", OW_IV_TRIANGLE, 0.5, 1.0, 0.0, 1e-6},
};

static const struct preset *find_preset(const char *set)
{
    for (size_t k = 0; set && k < sizeof presets / sizeof presets[0]; k++)
        if (strcmp(presets[k].set, set) == 0)
            return &presets[k];
    return NULL;
}

static double first_of(double given, double otherwise)
{
    return isnan(given) ? otherwise : given;
}

static enum ow_status apply_param(const struct ow_model *m, const char *text, double param[],
                                  struct ow_error *err)
{
    char key[64];
    const char *equals = strchr(text, '=');
    struct ow_error bad = {0};
    if (!equals || equals == text || equals - text >= (long)sizeof key)
        return ow_fail(err, OW_ERR_INPUT, "--param %s: expected key=value", text);
    memcpy(key, text, (size_t)(equals - text));
    key[equals - text] = '\0';
    const size_t k = ow_param_index(m, key);
    if (k == m->n_param)
        return ow_fail(err, OW_ERR_INPUT,
                       "--param %s: %s has no such parameter; `ohmweave models %s` lists them",
                       text, m->name, m->name);
    const enum ow_status st = ow_param_parse(m, k, equals + 1, &param[k], &bad);
    return st ? ow_fail(err, st, "--param %s: %s", text, bad.text) : OW_OK;
}

static enum ow_status apply_set(const struct arguments *a, double param[], struct ow_error *err)
{
    const struct ow_set *set = ow_set_find(a->set);
    if (set)
        return ow_set_apply(set->text, set->name, a->model, param, err);
    char *text;
    size_t n;
    if (ow_file_read(a->set, 1 << 20, &text, &n, NULL))
        return ow_fail(err, OW_ERR_INPUT,
                       "--set %s: neither a set of `ohmweave models %s` nor a file that can be "
                       "read",
                       a->set, a->model->name);
    const enum ow_status st = ow_set_apply(text, a->set, a->model, param, err);
    free(text);
    return st;
}

static enum ow_status set_params(const struct arguments *a, double param[],
                                 struct ow_error *err)
{
    enum ow_status st = OW_OK;
    ow_params_default(a->model, param);
    if (a->set)
        st = apply_set(a, param, err);
    for (size_t k = 0; !st && k < a->n_param; k++)
        st = apply_param(a->model, a->param[k], param, err);
    if (!isnan(a->seed))
        param[OW_SEED] = a->seed;
    return st ? st : ow_params_check(a->model, param, NULL, err);
}

static enum ow_status set_drive(struct job *job, const struct preset *preset,
                                struct ow_error *err)
{
    const struct arguments *a = job->a;
    struct ow_iv_drive *d = &job->drive;
    d->shape = a->has_shape || !preset ? a->shape : preset->shape;
    if (d->shape != OW_IV_PULSE && !(isnan(a->rise) && isnan(a->width)))
        return ow_fail(err, OW_ERR_INPUT, "--%s: only a pulse has one; give --drive=pulse",
                       isnan(a->rise) ? "width" : "rise");
    d->peak[0] = first_of(a->amplitude, preset ? preset->amplitude : NAN);
    d->peak[1] = a->second;
    d->period = first_of(isnan(a->period) ? 1.0 / a->frequency : a->period,
                         preset ? preset->period : NAN);
    d->width = first_of(a->width, 0.0);
    d->rise = first_of(a->rise, 0.0);
    d->cycles = (size_t)first_of(a->cycles, 2.0);
    enum ow_status st = ow_iv_choose(&job->circuit[0], &cli_cancelled, d, err);
    if (st || (st = ow_iv_drive_check(d, err)))
        return st;
    const double highest = fmax(fabs(d->peak[0]), fabs(d->peak[1]));
    job->v_read = first_of(a->read, 0.1 * highest);
    if (job->v_read >= highest)
        return ow_fail(err, OW_ERR_RANGE, "--read=%g: not below the amplitude, %g V",
                       job->v_read, highest);
    return OW_OK;
}

/* One line that says what was done. */
static void set_title(struct job *job)
{
    const struct arguments *a = job->a;
    const struct ow_iv_drive *d = &job->drive;
    const struct ow_iv_circuit *c = &job->circuit[0];
    char v[32], w[32], t[32], f[32];
    int n = snprintf(job->title, sizeof job->title, "%s%s%.60s: %s %s", a->model->name,
                     a->set ? ", " : "", a->set ? a->set : "", ow_iv_shape_name[d->shape],
                     cli_si(d->peak[0], "V", v));
    if (d->peak[1] != -d->peak[0])
        n += snprintf(job->title + n, sizeof job->title - (size_t)n, " and %s",
                      cli_si(d->peak[1], "V", w));
    n += snprintf(job->title + n, sizeof job->title - (size_t)n, ", period %s (%s)",
                  cli_si(d->period, "s", t), cli_si(1.0 / d->period, "Hz", f));
    if (d->shape == OW_IV_PULSE)
        n += snprintf(job->title + n, sizeof job->title - (size_t)n, ", width %s",
                      cli_si(d->width, "s", t));
    if (c->series > 0.0)
        n += snprintf(job->title + n, sizeof job->title - (size_t)n, ", %s in series",
                      cli_si(c->series, "ohm", t));
    if (isfinite(c->compliance))
        snprintf(job->title + n, sizeof job->title - (size_t)n, ", compliance %s",
                 cli_si(c->compliance, "A", t));
}

static void job_finish(struct job *job)
{
    for (size_t k = 0; k < job->n_device; k++) {
        if (job->wave)
            ow_iv_wave_finish(&job->wave[k]);
        if (job->spice)
            ow_iv_wave_finish(&job->spice[k]);
    }
    free(job->param);
    free(job->circuit);
    free(job->wave);
    free(job->spice);
}

static enum ow_status job_init(struct job *job, const struct arguments *a, struct ow_error *err)
{
    const size_t np = a->model->n_param;
    const struct preset *preset = find_preset(a->set);
    enum ow_status st;
    *job = (struct job){.a = a, .n_device = (size_t)first_of(a->devices, 1.0)};
    /* a multiple of 4, so that the extremes of the drive are on the grid */
    job->points = ((size_t)first_of(a->points, 1000.0) + 3) / 4 * 4;
    if ((double)job->n_device * (double)job->points * first_of(a->cycles, 2.0) > MOST_ROWS)
        return ow_fail(
            err, OW_ERR_RANGE,
            "%zu devices, %g cycles and %zu points make more than %d rows; take less "
            "of one of them",
            job->n_device, first_of(a->cycles, 2.0), job->points, MOST_ROWS);
    job->param = calloc(job->n_device * np, sizeof *job->param);
    job->circuit = calloc(job->n_device, sizeof *job->circuit);
    job->wave = calloc(job->n_device, sizeof *job->wave);
    job->spice = calloc(job->n_device, sizeof *job->spice);
    if (!job->param || !job->circuit || !job->wave || !job->spice)
        return ow_fail(err, OW_ERR_NOMEM, "the loop: out of memory");
    if ((st = set_params(a, job->param, err)))
        return st;
    for (size_t k = 0; k < job->n_device; k++) {
        double *param = job->param + k * np;
        memmove(param, job->param, np * sizeof *param);
        param[OW_ID] = job->param[OW_ID] + (double)k;
        job->circuit[k] = (struct ow_iv_circuit){
            .model = a->model,
            .param = param,
            .series = first_of(a->series, preset ? preset->series : 0.0),
            .compliance = first_of(a->compliance, preset ? preset->compliance : INFINITY)};
    }
    /* the last id is the largest */
    if ((st = ow_params_check(a->model, job->circuit[job->n_device - 1].param, NULL, err)) ||
        (st = set_drive(job, preset, err)))
        return st;
    set_title(job);
    return OW_OK;
}

/* ---- runs ----------------------------------------------------------------------------- */

static enum ow_status run_cvode(struct job *job, struct ow_error *err)
{
    const struct ow_iv_options how = {.points = job->points,
                                      .at = job->a->engine == ENGINE_BOTH ? job->spice : NULL,
                                      .cancel = &cli_cancelled};
    const double begin = ow_seconds();
    struct cli_progress progress;
    enum ow_status st = OW_OK;
    cli_progress_begin(&progress, "devices");
    for (size_t k = 0; !st && k < job->n_device; k++) {
        st = ow_iv_run(&job->circuit[k], &job->drive, &how, &job->wave[k], err);
        cli_progress_show(&progress, k + 1, job->n_device);
    }
    cli_progress_end(&progress);
    job->cvode_s = ow_seconds() - begin;
    return st;
}

static enum ow_status run_ngspice(struct job *job, struct ow_error *err)
{
    const struct ow_spice_options how = {.codemodel = job->codemodel,
                                         .timeout_s = first_of(job->a->timeout, 0.0),
                                         .cancel = &cli_cancelled};
    const double begin = ow_seconds();
    struct ow_spice *spice = NULL;
    enum ow_status st = ow_spice_open(&how, &spice, err);
    if (!st)
        st = ow_iv_run_spice(spice, job->circuit, job->n_device, &job->drive, job->points,
                             job->codemodel, job->spice, err);
    ow_spice_close(spice);
    job->ngspice_s = ow_seconds() - begin;
    return st;
}

/* The waveforms that figures and files are of. */
static const struct ow_iv_wave *main_wave(const struct job *job)
{
    return job->a->engine == ENGINE_NGSPICE ? job->spice : job->wave;
}

/* ---- figures -------------------------------------------------------------------------- */

static const struct figure {
    const char *name, *unit;
    size_t offset;
    const char *doc;
} figures[] = {
#define FIGURE(member) offsetof(struct ow_iv_figures, member)
    {"v_max", "V", FIGURE(v_max), "highest voltage across the device"},
    {"v_min", "V", FIGURE(v_min), "lowest"},
    {"i_max", "A", FIGURE(i_max), "highest current"},
    {"i_min", "A", FIGURE(i_min), "lowest"},
    {"v_set", "V", FIGURE(v_set), "where it switches on"},
    {"v_reset", "V", FIGURE(v_reset), "where it switches off"},
    {"r_on", "ohm", FIGURE(r_on), "least resistance at the read voltage"},
    {"r_off", "ohm", FIGURE(r_off), "largest"},
    {"x_min", "", FIGURE(x_min), "least state"},
    {"x_max", "", FIGURE(x_max), "largest"},
    {"energy", "J", FIGURE(energy), "taken by the device"},
    {"energy_source", "J", FIGURE(energy_source), "given by the source"},
    {"area_positive", "VA", FIGURE(area[0]), "of the loop, v > 0"},
    {"area_negative", "VA", FIGURE(area[1]), "v < 0"},
};
enum { N_FIGURES = sizeof figures / sizeof figures[0], MOST_COLUMNS = 4 };

static double figure_of(const struct ow_iv_figures *f, size_t k)
{
    return *(const double *)((const char *)f + figures[k].offset);
}

/* [n_device][cycles], device by device; NULL without memory.  Not 0, by ow_iv_drive_check. */
static struct ow_iv_figures *measure(const struct job *job)
{
    const size_t n_cycle = job->drive.cycles;
    struct ow_iv_figures *f = calloc(job->n_device * n_cycle, sizeof *f);
    for (size_t k = 0; f && k < job->n_device * n_cycle; k++) {
        const double t0 = (double)(k % n_cycle) * job->drive.period;
        ow_iv_measure(job->a->model, &main_wave(job)[k / n_cycle], t0, t0 + job->drive.period,
                      job->v_read, &f[k]);
    }
    return f;
}

struct statistics {
    size_t n; /* loops that have the figure */
    double mean, deviation, least, largest;
};

static struct statistics statistics_of(const struct ow_iv_figures f[], size_t n, size_t k)
{
    struct statistics s = {.least = NAN, .largest = NAN};
    double sum = 0.0, square = 0.0;
    for (size_t j = 0; j < n; j++) {
        const double value = figure_of(&f[j], k);
        if (isnan(value))
            continue;
        s.n++;
        sum += value;
        s.least = fmin(s.least, value);
        s.largest = fmax(s.largest, value);
    }
    s.mean = s.n ? sum / (double)s.n : NAN;
    for (size_t j = 0; j < n; j++) {
        const double off = figure_of(&f[j], k) - s.mean;
        square += isnan(off) ? 0.0 : off * off;
    }
    s.deviation = s.n > 1 ? sqrt(square / (double)(s.n - 1)) : NAN;
    if (s.deviation < 1e-12 * fabs(s.mean)) /* rounding */
        s.deviation = 0.0;
    return s;
}

/* Does any loop switch on or off? */
static bool has_switched(const struct ow_iv_figures f[], size_t n)
{
    size_t k = 0;
    while (k < n && isnan(f[k].v_set) && isnan(f[k].v_reset))
        k++;
    return k < n;
}

static void print_figures(const struct job *job, const struct ow_iv_figures f[])
{
    const size_t n_cycle = job->drive.cycles, n = job->n_device * n_cycle;
    const bool is_short = n <= MOST_COLUMNS;
    char text[32];
    printf("  %-15s", "");
    if (is_short)
        for (size_t j = 0; j < n; j++) {
            if (job->n_device > 1)
                snprintf(text, sizeof text, "device %zu.%zu", j / n_cycle, j % n_cycle + 1);
            else
                snprintf(text, sizeof text, "cycle %zu", j + 1);
            printf("%14s", text);
        }
    else
        printf("%14s%14s%14s%14s%8s", "mean", "deviation", "least", "largest", "loops");
    puts("");
    for (size_t k = 0; k < N_FIGURES; k++) {
        printf("  %-15s", figures[k].name);
        if (is_short)
            for (size_t j = 0; j < n; j++)
                printf("%14s", cli_si(figure_of(&f[j], k), figures[k].unit, text));
        else {
            const struct statistics s = statistics_of(f, n, k);
            printf("%14s", cli_si(s.mean, figures[k].unit, text));
            printf("%14s", cli_si(s.deviation, figures[k].unit, text));
            printf("%14s", cli_si(s.least, figures[k].unit, text));
            printf("%14s%8zu", cli_si(s.largest, figures[k].unit, text), s.n);
        }
        printf("  %s\n", figures[k].doc);
    }
    printf("  resistances at a source voltage of %s\n", cli_si(job->v_read, "V", text));
    if (job->a->model->n_state > 0 && !has_switched(f, n))
        puts("  It does not switch under this drive: more voltage, a lower frequency, or less "
             "in "
             "series may do it.");
}

/* ---- comparison ----------------------------------------------------------------------- */

/* The worst device in each respect. */
static struct ow_iv_difference compare(const struct job *job, size_t *n_differ)
{
    struct ow_iv_difference worst = {.is_ok = true};
    *n_differ = 0;
    for (size_t k = 0; k < job->n_device; k++) {
        struct ow_iv_difference d;
        ow_iv_compare(job->a->model, &job->wave[k], &job->spice[k], job->drive.period, &d);
        if (d.current >= worst.current) {
            worst.current = d.current;
            worst.t_current = d.t_current;
        }
        if (d.state >= worst.state) {
            worst.state = d.state;
            worst.t_state = d.t_state;
        }
        worst.energy = fmax(worst.energy, d.energy);
        worst.is_ok = worst.is_ok && d.is_ok;
        *n_differ += !d.is_ok;
    }
    return worst;
}

static const char *verdict(bool is_ok)
{
    return is_ok ? "agrees" : "DIFFERS";
}

static void print_comparison(const struct job *job, const struct ow_iv_difference *d,
                             size_t n_differ)
{
    char text[32];
    printf("CVODE against ngspice, edges within %g of a period\n", OW_IV_EDGE);
    printf("  current  %-8s worst %.2e of the largest, limit %g, at %s\n",
           verdict(d->current <= OW_AGREE_SENSE), d->current, OW_AGREE_SENSE,
           cli_si(d->t_current, "s", text));
    printf("  states   %-8s worst %.2e of the range, limit %g, at %s\n",
           verdict(d->state <= OW_AGREE_STATE), d->state, OW_AGREE_STATE,
           cli_si(d->t_state, "s", text));
    printf("  energy   %-8s worst %.2e, limit %g\n", verdict(d->energy <= OW_AGREE_ENERGY),
           d->energy, OW_AGREE_ENERGY);
    printf("  time     CVODE %.3g s, ngspice %.3g s\n", job->cvode_s, job->ngspice_s);
    if (d->is_ok)
        puts("The hosts agree.");
    else
        printf("The hosts DO NOT agree: %zu of %zu device%s.\n", n_differ, job->n_device,
               job->n_device > 1 ? "s" : "");
}

/* ---- JSON ------------------------------------------------------------------------------ */

static json_t *figures_json(const struct job *job, const struct ow_iv_figures f[])
{
    json_t *list = json_array();
    for (size_t j = 0; j < job->n_device * job->drive.cycles; j++) {
        json_t *one = json_pack("{s:I, s:I}", "device", (json_int_t)(j / job->drive.cycles),
                                "cycle", (json_int_t)(j % job->drive.cycles + 1));
        for (size_t k = 0; k < N_FIGURES; k++)
            json_object_set_new(one, figures[k].name, ow_json_number(figure_of(&f[j], k)));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *params_json(const struct job *job)
{
    const struct ow_model *m = job->a->model;
    json_t *all = json_object();
    for (size_t k = 0; k < m->n_param; k++)
        json_object_set_new(all, m->param[k].name, json_real(job->param[k]));
    return all;
}

static json_t *job_json(const struct job *job, const struct ow_iv_figures f[],
                        const struct ow_iv_difference *d)
{
    const struct ow_iv_drive *drive = &job->drive;
    const struct ow_iv_circuit *c = &job->circuit[0];
    json_t *comparison = json_null();
    if (d)
        comparison =
            json_pack("{s:b, s:{s:o, s:f}, s:{s:o, s:f}, s:{s:o, s:f}}", "ok", (int)d->is_ok,
                      "current", "worst", ow_json_number(d->current), "limit", OW_AGREE_SENSE,
                      "state", "worst", ow_json_number(d->state), "limit", OW_AGREE_STATE,
                      "energy", "worst", ow_json_number(d->energy), "limit", OW_AGREE_ENERGY);
    return json_pack("{s:s, s:s?, s:s, s:o, s:{s:s, s:f, s:f, s:f, s:I}, s:{s:f, s:o}, s:f, "
                     "s:o, s:o, s:{s:f, "
                     "s:f}}",
                     "model", job->a->model->name, "set", job->a->set, "engine",
                     engine_name[job->a->engine], "params", params_json(job), "drive", "shape",
                     ow_iv_shape_name[drive->shape], "amplitude", drive->peak[0], "second",
                     drive->peak[1], "period", drive->period, "cycles",
                     (json_int_t)drive->cycles, "circuit", "series", c->series, "compliance",
                     ow_json_number(c->compliance), "v_read", job->v_read, "loops",
                     figures_json(job, f), "comparison", comparison, "solver", "cvode_s",
                     job->cvode_s, "ngspice_s", job->ngspice_s);
}

/* ---- files ----------------------------------------------------------------------------- */

/* What an option asks for, else what --out does, else nothing. */
static bool output_path(const struct job *job, const char *given, const char *name,
                        char path[PATH_SIZE])
{
    if (given)
        return snprintf(path, PATH_SIZE, "%s", given) < PATH_SIZE;
    return job->a->out && snprintf(path, PATH_SIZE, "%s/%s", job->a->out, name) < PATH_SIZE;
}

static enum ow_status save_deck(const struct job *job, const char *path, struct ow_error *err)
{
    struct ow_file file = {0};
    enum ow_status st = ow_file_create(path, &file, err);
    if (!st && !(st = ow_iv_deck(job->circuit, job->n_device, &job->drive, job->points,
                                 job->codemodel, NULL, file.to, err)))
        st = ow_file_commit(&file, err);
    ow_file_discard(&file);
    return st;
}

static enum ow_status save_plot(const struct job *job, const char *path, struct ow_error *err)
{
    struct ow_matrix measured = {0};
    enum ow_status st = OW_OK;
    if (job->a->overlay)
        st = ow_table_load(job->a->overlay, &measured, err);
    if (!st && job->a->overlay && measured.cols != 2 && measured.cols != 3)
        st = ow_fail(err, OW_ERR_INPUT, "%s: %zu columns, expected v, i or t, v, i",
                     job->a->overlay, measured.cols);
    const struct cli_loops loops = {.title = job->title,
                                    .wave = main_wave(job),
                                    .spice = job->a->engine == ENGINE_BOTH ? job->spice : NULL,
                                    .n_device = job->n_device,
                                    .period = job->drive.period,
                                    .cycles = job->drive.cycles,
                                    .measured = job->a->overlay ? &measured : NULL};
    if (!st)
        st = cli_plot_loops(path, &loops, err);
    ow_matrix_finish(&measured);
    return st;
}

static enum ow_status save_files(const struct job *job, bool is_quiet, struct ow_error *err)
{
    const struct arguments *a = job->a;
    const struct ow_iv_wave *wave = main_wave(job);
    const bool is_both = a->engine == ENGINE_BOTH;
    char path[PATH_SIZE];
    enum ow_status st = OW_OK;
#define SAVE(given, name, call)                                                                \
    if (!st && output_path(job, given, name, path) && !(st = (call)) && !is_quiet)             \
    printf("  %s\n", path)
    SAVE(a->csv, "iv.csv",
         ow_iv_write_csv(path, job->title, a->model, wave, job->n_device, err));
    SAVE(a->raw, "iv.raw",
         ow_iv_write_raw(path, job->title, a->model, wave, job->n_device, err));
    if (is_both) {
        SAVE(NULL, "iv_ngspice.csv",
             ow_iv_write_csv(path, job->title, a->model, job->spice, job->n_device, err));
        SAVE(NULL, "iv_ngspice.raw",
             ow_iv_write_raw(path, job->title, a->model, job->spice, job->n_device, err));
    }
    if (job->codemodel[0])
        SAVE(NULL, "iv.cir", save_deck(job, path, err));
    SAVE(a->svg, "iv.svg", save_plot(job, path, err));
#undef SAVE
    return st;
}

/* ---- the command ---------------------------------------------------------------------- */

static int report(const struct job *job)
{
    const struct arguments *a = job->a;
    const bool is_quiet = a->json && strcmp(a->json, "-") == 0,
               is_both = a->engine == ENGINE_BOTH;
    struct ow_error err = {0};
    struct ow_iv_figures *f = measure(job);
    struct ow_iv_difference d = {.is_ok = true};
    size_t n_differ = 0;
    char path[PATH_SIZE];
    if (!f) {
        ow_fail(&err, OW_ERR_NOMEM, "the figures: out of memory");
        return cli_fail(&err);
    }
    if (is_both)
        d = compare(job, &n_differ);
    if (!is_quiet) {
        printf("%s\n", job->title);
        print_figures(job, f);
        if (is_both)
            print_comparison(job, &d, n_differ);
    }
    int code = d.is_ok ? EXIT_STANDS : EXIT_RUN_FAILED;
    if (output_path(job, a->json, "iv.json", path) &&
        !cli_write_json(job_json(job, f, is_both ? &d : NULL), path, &err))
        code = cli_fail_write(&err);
    free(f);
    if (save_files(job, is_quiet, &err))
        code = err.status == OW_ERR_INPUT ? cli_fail(&err) : cli_fail_write(&err);
    return code;
}

/* Everything that can be said before a long run is. */
static bool check_outputs(const struct arguments *a, struct ow_error *err)
{
    struct ow_matrix measured = {0};
    if (a->overlay && ow_table_load(a->overlay, &measured, err))
        return false;
    ow_matrix_finish(&measured);
    if (ow_file_keep(a->overlay, err) || ow_file_keep(a->set, err))
        return false;
    return cli_check_writable(a->json, err) && cli_check_writable(a->csv, err) &&
           cli_check_writable(a->raw, err) && cli_check_writable(a->svg, err) &&
           cli_make_directory(a->out, err);
}

static int run(int argc, char **argv)
{
    struct arguments a = {0};
    struct job job = {0};
    struct ow_error err = {0};
    int code;
    if (!cli_parse(&argp, argc, argv, &a, &code))
        return code;
    if (!check_outputs(&a, &err))
        return cli_fail(&err);
    cli_poll_interrupts();
    enum ow_status st = job_init(&job, &a, &err);
    if (!st && (a.engine != ENGINE_CVODE || a.out) &&
        !cli_find_codemodel(job.codemodel, sizeof job.codemodel, &err)) {
        job.codemodel[0] = '\0';
        if (a.engine != ENGINE_CVODE)
            st = OW_ERR_HOST;
    }
    if (!st && a.engine != ENGINE_CVODE)
        st = run_ngspice(&job, &err);
    if (!st && a.engine != ENGINE_NGSPICE)
        st = run_cvode(&job, &err);
    code = st ? cli_fail(&err) : report(&job);
    job_finish(&job);
    return code;
}

const struct command cmd_iv = {"iv", "the current-voltage loop of one device", run};
