/* What a sweep was asked, in a sentence, and what came out. */
#ifndef OW_ANSWER_H
#define OW_ANSWER_H

#include <stdio.h>

#include "ow_survey.h"

struct ow_answer {
    size_t n_passing; /* combinations all of whose points keep every limit           */
    size_t n_run;     /* combinations with a point that is done                      */
    /* Combinations, n_combo where there is none: among those that pass if any does, else
     * among all with a result.  Medians of the seeds decide. */
    size_t largest, least_energy, best_accuracy;
    double rows, cols; /* of the largest array */
    size_t n_as_large; /* passing combinations of that size */
};
struct ow_answer ow_answer_find(const struct ow_survey *s);

/* Plain text, one or more sentences each. */
void ow_answer_question(const struct ow_survey *s, FILE *to);
void ow_answer_task(const struct ow_survey *s, FILE *to);
void ow_answer_swept(const struct ow_survey *s, FILE *to);
void ow_answer_lead(const struct ow_survey *s, const struct ow_answer *a, FILE *to);
void ow_answer_rest(const struct ow_survey *s, const struct ow_answer *a, FILE *to);
/* "accuracy.array.total.enob at least 5 bit, ..." */
void ow_answer_limits(const struct ow_survey *s, FILE *to);

/* {"question": ..., "answer": ..., "count": {...}, "largest": {...}, ...}: a new reference,
 * NULL without memory. */
json_t *ow_answer_json(const struct ow_survey *s);

#endif
