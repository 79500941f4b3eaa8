/* Which slice of a survey a picture shows. */
#ifndef OW_VIEW_H
#define OW_VIEW_H

#include <stdio.h>

#include "ow_survey.h"

enum { OW_VIEW_MAX_LINES = 6 };

/* A figure against one axis, a line for each of a few combinations of the others. */
struct ow_view {
    size_t x;      /* the axis; n_axis: there is none, a single place      */
    size_t n_line; /* 1 to OW_VIEW_MAX_LINES                               */
    size_t index[OW_VIEW_MAX_LINES][OW_SURVEY_MAX_AXES];
    size_t n_shown[OW_SURVEY_MAX_AXES]; /* values of each axis that lines have: 1 where it stays
                                           at one of several, 0 where there is no choice      */
};

/* x: `size`, else the first axis of numbers, else the first, else the seeds.  The others
 * share the lines, of which there are at most n_line: each gets one value more in turn. */
struct ow_view ow_view_choose(const struct ow_survey *s, size_t n_line);

/* How many places x has, and the combination of a line there. */
size_t ow_view_places(const struct ow_survey *s, const struct ow_view *v);
size_t ow_view_combo(const struct ow_survey *s, const struct ow_view *v, size_t line,
                     size_t place);

/* "r_wordline 0.5 Ω, ow_benign"; "" where one line is all there is. */
void ow_view_line(const struct ow_survey *s, const struct ow_view *v, size_t line,
                  char text[200]);
/* What stays fixed and what is left out, as sentences; nothing if nothing is. */
void ow_view_rest(const struct ow_survey *s, const struct ow_view *v, FILE *to);

/* The value of an axis with most points done: where an axis stays that is not shown. */
size_t ow_view_stay(const struct ow_survey *s, size_t axis);
/* Is it an axis that pictures can show: more than one value, no seeds? */
bool ow_view_can_show(const struct ow_survey *s, size_t axis);

/* "r_wordline 0.5 Ω", or the value alone where it says what it is. */
void ow_view_value(const struct ow_survey *s, size_t axis, size_t k, char text[120]);
/* All values of a combination so. */
void ow_view_combination(const struct ow_survey *s, size_t combo, bool with_size, FILE *to);
/* "array.r_wordline", and the rest of a zip in brackets. */
void ow_view_axis(const struct ow_survey *s, size_t axis, FILE *to);

#endif
