/* Numbers with SI prefixes, for people. */
#ifndef OW_SI_H
#define OW_SI_H

#ifdef __cplusplus
extern "C" {
#endif

/* "1.234 uS": up to `digits` significant digits; "-" for NaN. */
const char *ow_si(double value, int digits, const char *unit, char text[32]);

/* What one unit of an axis is whose largest value is `largest`: 1e-6 and "uA" for 3.4e-5 A.
 * From f to M; `unit` has at most 8 letters. */
double ow_si_axis(double largest, const char *unit, char name[16]);

/* The same text with Greek letters where ow_si() has "us" and "kohm". */
void ow_si_greek(const char *text, char *greek, unsigned long size);

#ifdef __cplusplus
}
#endif
#endif
