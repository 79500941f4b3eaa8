/* Numbers and names as a report shows them, UTF-8. */
#ifndef OW_WORDS_H
#define OW_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* "38.2 fJ", "5.12 bit", "27.3 dB", "97.8 %", "0.5 Ω"; "–" for NaN. */
const char *ow_words_value(double value, int digits, const char *unit, char text[48]);

/* A figure in words, "ENOB, one gain and offset", and whether more of it is better. */
void ow_words_figure(const char *name, char title[120], bool *is_more_better);

/* The unit of a figure's values as they are shown: times and name of an axis for values up to
 * `largest`: 1e-15 and "fJ". */
double ow_words_axis(double largest, const char *unit, char name[24]);

/* At most n characters: the middle of what is longer becomes an ellipsis.  text[4 n + 4]. */
void ow_words_cut(const char *from, size_t n, char *text);

/* A duration: "35 s", "12 min", "3.4 h"; `unknown`, at most 31 bytes, for NaN. */
const char *ow_words_duration(double s, const char *unknown, char text[32]);

#endif
