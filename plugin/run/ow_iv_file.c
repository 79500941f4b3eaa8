/* Loops in files: CSV, and ngspice's binary raw format. */
#include <locale.h>
#include <stdint.h>

#include "ow_file.h"
#include "ow_iv.h"
#include "ow_raw.h"

static void put_csv(const char *title, const struct ow_model *model,
                    const struct ow_iv_wave wave[], size_t n_device, FILE *to)
{
    fprintf(to, "# %s; s, V, V, A, states, device\nt,v_source,v,i", title);
    for (size_t s = 0; s < model->n_state; s++)
        fprintf(to, ",%s", model->state[s].name);
    fputs(",device\n", to);
    for (size_t d = 0; d < n_device; d++)
        for (size_t k = 0; k < wave[d].n; k++) {
            const double *row = ow_iv_row(&wave[d], k);
            for (size_t c = 0; c < OW_IV_X + model->n_state; c++)
                fprintf(to, c == OW_IV_T ? "%.15g," : "%.12g,", row[c]);
            fprintf(to, "%zu\n", d);
        }
}

enum ow_status ow_iv_write_csv(const char *path, const char *title,
                               const struct ow_model *model, const struct ow_iv_wave wave[],
                               size_t n_device, struct ow_error *err)
{
    struct ow_file file = {0};
    const enum ow_status st = ow_file_create(path, &file, err);
    if (st)
        return st;
    /* A caller's locale must not put commas into the numbers. */
    const locale_t c_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (c_locale == (locale_t)0) {
        ow_file_discard(&file);
        return ow_fail(err, OW_ERR_NOMEM, "%s: out of memory", path);
    }
    const locale_t before = uselocale(c_locale);
    put_csv(title, model, wave, n_device, file.to);
    uselocale(before);
    freelocale(c_locale);
    return ow_file_commit(&file, err);
}

static void put_plot(const char *title, const struct ow_model *model,
                     const struct ow_iv_wave *wave, FILE *to)
{
    static const char *const first[OW_IV_X][2] = {{"time", "time"},
                                                  {"v(source)", "voltage"},
                                                  {"v(te)", "voltage"},
                                                  {"i(device)", "current"}};
    ow_raw_begin(to, title, OW_IV_X + model->n_state, wave->n);
    for (size_t k = 0; k < OW_IV_X; k++)
        ow_raw_variable(to, k, first[k][0], first[k][1]);
    for (size_t s = 0; s < model->n_state; s++) {
        char name[80];
        snprintf(name, sizeof name, "v(%s)", model->state[s].name);
        ow_raw_variable(to, OW_IV_X + s, name, "voltage");
    }
    ow_raw_points(to);
    fwrite(wave->row, sizeof *wave->row * (OW_IV_X + model->n_state), wave->n, to);
}

enum ow_status ow_iv_write_raw(const char *path, const char *title,
                               const struct ow_model *model, const struct ow_iv_wave wave[],
                               size_t n_device, struct ow_error *err)
{
    struct ow_file file = {0};
    const enum ow_status st = ow_file_create(path, &file, err);
    if (st)
        return st;
    for (size_t d = 0; d < n_device; d++)
        put_plot(title, model, &wave[d], file.to);
    return ow_file_commit(&file, err);
}
