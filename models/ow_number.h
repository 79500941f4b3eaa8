/* Numbers as circuit people write them: 10k, 0.1f, 2.5ns, 3meg, 1e-9. */
#ifndef OW_NUMBER_H
#define OW_NUMBER_H

#ifdef __cplusplus
extern "C" {
#endif

/* clang-format off */
#define OW_NUMBER_LIST(X)                                                                     \
    X(OW_NUMBER_OK,        "a number")                                                        \
    X(OW_NUMBER_INFINITE,  "infinite")                                                        \
    X(OW_NUMBER_EMPTY,     "empty, expected a number")                                        \
    X(OW_NUMBER_SYNTAX,    "not a number")                                                    \
    X(OW_NUMBER_SUFFIX,    "a number with an unknown suffix or unit (suffixes: t g meg k m u" \
                           " n p f mil)")                                                     \
    X(OW_NUMBER_AMBIGUOUS, "ambiguous: M is milli in SPICE and mega elsewhere (write m or"    \
                           " meg), F femto or farad (f or nothing), a atto or ampere"         \
                           " (e-18 or nothing)")                                              \
    X(OW_NUMBER_OVERFLOW,  "too large for a double")
/* clang-format on */

enum ow_number {
#define OW_NUMBER_ENUM(name, text) name,
    OW_NUMBER_LIST(OW_NUMBER_ENUM)
#undef OW_NUMBER_ENUM
};

/* Read the whole of `text` (no spaces): a decimal number, an optional SPICE suffix in
 * any case, an optional unit in any case, which is not checked further.
 *   t 1e12  g 1e9  meg 1e6  k 1e3  m 1e-3  mil 25.4e-6  u (or the micro sign) 1e-6
 *   n 1e-9  p 1e-12  f 1e-15  a 1e-18 (with a unit only: "2aF")
 *   units: s V A ohm F Hz K m W J C H eV (S reads as s, the ohm sign as ohm)
 * Refused as ambiguous: M as a prefix ("1M", "1MHz"), F alone ("1F"), and a or A alone
 * (ngspice 39 ignores it, newer ones read atto, people mean ampere).  K alone is kilo.
 * inf, +inf and -inf give OW_NUMBER_INFINITE with *value infinite, for the few places
 * where that is legal.  NaN and hexadecimal are no numbers.  *value is written for
 * OW_NUMBER_OK and OW_NUMBER_INFINITE only.  Reads a decimal point whatever the locale. */
enum ow_number ow_number_parse(const char *text, double *value);

/* The first of `digits` to 17 significant digits that reads back as the same number: 3.7, not
 * 3.7000000000000002.  Returns text. */
const char *ow_number_text(double value, int digits, char text[32]);

/* Half a sentence for a message: "r_on: '1M' is ambiguous: ..."; never NULL. */
const char *ow_number_str(enum ow_number result);

#ifdef __cplusplus
}
#endif
#endif
