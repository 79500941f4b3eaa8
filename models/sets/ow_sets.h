/* Parameter sets: files of this folder, each one .model card with its source, embedded
 * in the library and installed as they are, so that ngspice reads the same text. */
#ifndef OW_SETS_H
#define OW_SETS_H

#include "ow_model.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_set {
    const char *name; /* "team_f10": the file without .inc */
    const char *text; /* the file                          */
};

/* Sorted by name; generated from the files at build time. */
extern const struct ow_set ow_sets[];
extern const size_t ow_n_sets;

/* NULL if there is none.  Any case. */
const struct ow_set *ow_set_find(const char *name);

/* Write the values of the set's .model card into param[n_param], and leave the parameters
 * that it does not name alone.  The text holds comments (* at the start of a line, ; or $
 * behind one), and exactly one card, with + continuations:
 *
 *   .model NAME ow_team (key=value key=value ...)
 *
 * Case does not matter (but see ow_number.h on M), commas are spaces.  Values are SPICE
 * numbers or names of choices, each within its own range; what is said about several
 * parameters together is left to ow_params_check(), after the caller's own overrides.
 * On failure OW_ERR_INPUT or OW_ERR_RANGE, err begins with "origin:line: " and names the
 * key, and param[] is as it was. */
enum ow_status ow_set_apply(const char *text, const char *origin, const struct ow_model *model,
                            double param[], struct ow_error *err);

/* The model that the text's card is for; OW_ERR_INPUT if there is no card or no such
 * model. */
enum ow_status ow_set_model(const char *text, const char *origin, const struct ow_model **model,
                            struct ow_error *err);

/* One parameter's value from text: a SPICE number or the name of a choice, within the
 * parameter's own range.  err names the parameter, but no place. */
enum ow_status ow_param_parse(const struct ow_model *model, size_t k, const char *text,
                              double *value, struct ow_error *err);

#ifdef __cplusplus
}
#endif
#endif
