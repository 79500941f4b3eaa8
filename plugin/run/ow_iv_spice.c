/* The same loop in ngspice: one deck, every device in a branch of its own on one source. */
#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ow_iv.h"
#include "ow_number.h"

/* ngspice's steps for each of `points`.  It interpolates nothing: the peak of a current that
 * collapses is known to a step times the drive's slope. */
enum { STEPS_A_POINT = 8 };

/* As every generated deck (see DESIGN): far below what the comparison allows. */
static const char tolerances[] = "reltol=1e-6 vntol=1n abstol=1e-15 chgtol=1e-20";

/* Behind a compliance the device's voltage collapses as fast as its state moves, and the
 * code model asks for ever smaller steps, until ngspice gives up ("timestep too small").  A
 * capacitance that takes this share of (compliance x period / amplitude) holds the voltage.
 * It carries less than 1e-11 of the compliance at the speed of the drive, but 1e-3 of it
 * where the voltage collapses within 1e-9 of the period: there slow sweeps may differ. */
static const double STEADY = 1e-12;

/* A printf argument that reads back as the same number. */
#define NUM(value) ow_number_text(value, 15, (char[32]){0})

static void write_source(const struct ow_iv_drive *d, FILE *to)
{
    if (d->shape == OW_IV_SINE) {
        fprintf(to, "Vs src 0 DC 0 SIN(0 %s %s)\n", NUM(d->peak[0]), NUM(1.0 / d->period));
        return;
    }
    fprintf(to, "Vs src 0 DC 0 PWL(0 0");
    for (size_t k = 0; k < d->cycles; k++)
        for (int half = 0; half < 2; half++) {
            const double t = (double)k * d->period + half * 0.5 * d->period;
            const double end = (double)k * d->period + (half + 1) * 0.5 * d->period;
            const double peak = d->peak[half], fall = t + 2.0 * d->rise + d->width;
            fputs("\n+", to);
            if (d->shape == OW_IV_TRIANGLE)
                fprintf(to, " %s %s", NUM(t + 0.25 * d->period), NUM(peak));
            else
                fprintf(to, " %s %s %s %s", NUM(t + d->rise), NUM(peak),
                        NUM(t + d->rise + d->width), NUM(peak));
            if (d->shape == OW_IV_PULSE && fall < end * (1.0 - 1e-9))
                fprintf(to, " %s 0", NUM(fall));
            fprintf(to, " %s 0", NUM(end));
        }
    fputs(")\n", to);
}

static void write_card(const struct ow_iv_circuit *c, size_t k, FILE *to)
{
    const struct ow_model *m = c->model;
    fprintf(to, ".model m%zu ow_%s(", k, m->name);
    for (size_t j = 0, n = 0; j < m->n_param; j++) {
        const struct ow_param *row = &m->param[j];
        if (c->param[j] == row->dflt)
            continue;
        fputs(n++ % 6 == 5 ? "\n+ " : " ", to);
        if (row->choice)
            fprintf(to, "%s=\"%s\"", row->name, row->choice[(size_t)c->param[j]]);
        else
            fprintf(to, "%s=%s", row->name, NUM(c->param[j]));
    }
    fputs(")\n", to);
}

/* Branch, ammeter (Vm: its current is the device's), device. */
static void write_device(const struct ow_iv_circuit *c, const struct ow_iv_drive *d, size_t k,
                         FILE *to)
{
    const double i_c = c->compliance;
    char begin[32];
    snprintf(begin, sizeof begin, "b%zu", k);
    if (isfinite(i_c)) {
        const double g = 1.0 / fmax(c->series, OW_IV_KNEE / i_c);
        const double highest = fmax(fabs(d->peak[0]), fabs(d->peak[1]));
        fprintf(to, "Bc%zu src b%zu I = %s*sat(%s*V(src,b%zu))\n", k, k, NUM(i_c), NUM(g / i_c),
                k);
        /* a device that switches in a jump would discharge it at once, and does not need it */
        if (!c->model->is_binary)
            fprintf(to, "Cc%zu b%zu 0 %s\n", k, k, NUM(STEADY * d->period * i_c / highest));
    } else if (c->series > 0.0)
        fprintf(to, "Rs%zu src b%zu %s\n", k, k, NUM(c->series));
    else
        strcpy(begin, "src");
    fprintf(to, "Vm%zu %s te%zu 0\nA%zu %%gd(te%zu 0)", k, begin, k, k, k);
    for (size_t s = 0; s < c->model->n_state; s++)
        fprintf(to, " te%zu_%s", k, c->model->state[s].name);
    fprintf(to, " m%zu\n", k);
    write_card(c, k, to);
}

/* ngspice 39 turns every `pre_codemodel` line into lower case, but not one that begins with
 * pre_osdi: a path with capitals goes through an alias of that name. */
static void write_codemodel(const char *path, FILE *to)
{
    bool has_capitals = false;
    for (const char *c = path; *c; c++)
        has_capitals |= isupper((unsigned char)*c) != 0;
    if (has_capitals)
        fputs("pre_alias osdi codemodel\n", to);
    fprintf(to, "%s %s%s\n", has_capitals ? "pre_osdi" : "pre_codemodel",
            strchr(path, '/') ? "" : "./", path);
}

static void write_deck(const struct ow_iv_circuit c[], size_t n, const struct ow_iv_drive *d,
                       size_t points, const char *codemodel, const char *raw, FILE *to)
{
    const double step = d->period / (double)(points * STEPS_A_POINT);
    fprintf(
        to,
        "ohmweave: i-v loop of ow_%s, %s\n"
        "* Written by ohmweave.  Run: ngspice -b THIS_FILE\n"
        "* teK: terminal of device K; i(VmK) its current; teK_NAME its state NAME, 1 V = 1\n"
        ".options %s\n",
        c->model->name, ow_iv_shape_name[d->shape], tolerances);
    if (isfinite(c->compliance))
        fputs("* Bc: a resistor that saturates at the compliance.  Cc carries next to nothing\n"
              "* and is for ngspice, which cannot step over a collapsing voltage without.\n"
              ".func sat(z) {z/(1 + (z*z)*(z*z)*(z*z)*(z*z))^0.125}\n",
              to);
    write_source(d, to);
    for (size_t k = 0; k < n; k++)
        write_device(&c[k], d, k, to);
    fprintf(to, ".tran %s %s 0 %s\n.control\n", NUM(step), NUM((double)d->cycles * d->period),
            NUM(step));
    write_codemodel(codemodel, to);
    fputs("run\n", to);
    if (raw)
        fprintf(to, "set filetype=binary\nwrite %s\n", raw);
    fputs("if $?batchmode\n  quit $sim_status\nend\n.endc\n.end\n", to);
}

static enum ow_status check_path(const char *what, const char *path, struct ow_error *err)
{
    const char *bad = path;
    while (*bad && (isalnum((unsigned char)*bad) || strchr("/._-+@=", *bad)))
        bad++;
    if (*path && !*bad)
        return OW_OK;
    return ow_fail(err, OW_ERR_INPUT,
                   "%s '%s': an ngspice command cannot name this file; use letters, digits and "
                   "/ . _ - + @ = only",
                   what, path);
}

enum ow_status ow_iv_deck(const struct ow_iv_circuit circuit[], size_t n_device,
                          const struct ow_iv_drive *drive, size_t points, const char *codemodel,
                          const char *raw, FILE *to, struct ow_error *err)
{
    enum ow_status st = check_path("path of the code models", codemodel, err);
    if (!st && raw)
        st = check_path("raw file", raw, err);
    if (st)
        return st;
    /* A caller's locale must not put commas into the numbers. */
    const locale_t c_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0)
        return ow_fail(err, OW_ERR_NOMEM, "the deck: out of memory");
    const locale_t before = uselocale(c_locale);
    write_deck(circuit, n_device, drive, points, codemodel, raw, to);
    uselocale(before);
    freelocale(c_locale);
    return fflush(to) == 0 && !ferror(to)
               ? OW_OK
               : ow_fail(err, OW_ERR_FILE, "the deck cannot be written");
}

/* Names in the order of a row: source, then for each device v, i and its states. */
struct capture {
    const struct ow_model *model;
    size_t n_device;
    struct ow_iv_wave *wave;
};

static enum ow_status take_point(void *user, const struct ow_spice_point *p,
                                 struct ow_error *err)
{
    struct capture *c = user;
    const size_t n_state = c->model->n_state;
    for (size_t k = 0; p->is_tran && k < c->n_device; k++) {
        double *row = ow_iv_append(&c->wave[k]);
        if (!row)
            return ow_fail(err, OW_ERR_NOMEM, "the loop: out of memory");
        row[OW_IV_T] = p->t;
        row[OW_IV_SOURCE] = p->value[0];
        memcpy(row + OW_IV_V, p->value + 1 + k * (2 + n_state), (2 + n_state) * sizeof *row);
    }
    return OW_OK;
}

enum { NAME = 64 };

/* *text is [1 + n_device (2 + n_state)][NAME], *name points into it. */
static enum ow_status make_names(const struct capture *c, char **text, const char ***name,
                                 size_t *n, struct ow_error *err)
{
    const size_t n_state = c->model->n_state;
    *n = 1 + c->n_device * (2 + n_state);
    *text = calloc(*n, NAME);
    *name = calloc(*n, sizeof **name);
    if (!*text || !*name)
        return ow_fail(err, OW_ERR_NOMEM, "the loop: out of memory");
    for (size_t k = 0; k < *n; k++)
        (*name)[k] = *text + k * NAME;
    strcpy(*text, "src");
    for (size_t k = 0; k < c->n_device; k++) {
        char *to = *text + (1 + k * (2 + n_state)) * NAME;
        snprintf(to, NAME, "te%zu", k);
        snprintf(to + NAME, NAME, "vm%zu#branch", k);
        for (size_t s = 0; s < n_state; s++)
            snprintf(to + (2 + s) * NAME, NAME, "te%zu_%s", k, c->model->state[s].name);
    }
    return OW_OK;
}

enum ow_status ow_iv_run_spice(struct ow_spice *spice, const struct ow_iv_circuit circuit[],
                               size_t n_device, const struct ow_iv_drive *drive, size_t points,
                               const char *codemodel, struct ow_iv_wave wave[],
                               struct ow_error *err)
{
    struct capture capture = {circuit->model, n_device, wave};
    char *deck = NULL, *text = NULL;
    const char **name = NULL;
    size_t n_deck, n_name;
    for (size_t k = 0; k < n_device; k++)
        wave[k].n_state = circuit->model->n_state;
    enum ow_status st = make_names(&capture, &text, &name, &n_name, err);
    FILE *to = st ? NULL : open_memstream(&deck, &n_deck);
    if (!st && !to)
        st = ow_fail(err, OW_ERR_NOMEM, "the deck: out of memory");
    if (to) {
        st = ow_iv_deck(circuit, n_device, drive, points, codemodel, NULL, to, err);
        if (fclose(to) != 0 && !st)
            st = ow_fail(err, OW_ERR_NOMEM, "the deck: out of memory");
    }
    if (!st) {
        const struct ow_spice_job job = {.deck = deck,
                                         .name = name,
                                         .n_name = n_name,
                                         .t_end = (double)drive->cycles * drive->period,
                                         .point = take_point,
                                         .user = &capture};
        st = ow_spice_run(spice, &job, err);
    }
    free(deck);
    free(text);
    free(name);
    return st;
}
