#define _GNU_SOURCE /* strtod_l: a decimal comma in the caller's locale must not matter */
#include "ow_number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *ow_number_str(enum ow_number result)
{
    switch (result) {
#define OW_NUMBER_TEXT(name, text)                                                             \
    case name:                                                                                 \
        return text;
        OW_NUMBER_LIST(OW_NUMBER_TEXT)
#undef OW_NUMBER_TEXT
    }
    return "not a number";
}

/* Longest first, so that `meg` wins over `m`.  The power of ten goes through strtod with
 * the digits, so that "0.1f" is the double nearest to 1e-16 and equal to it. */
/* clang-format off */
static const struct {
    const char *name;
    int exponent;
} prefix[] = {
    {"meg", 6}, {"\xc2\xb5", -6}, {"\xce\xbc", -6}, /* micro sign, Greek mu */
    {"t", 12},  {"g", 9},   {"k", 3},   {"m", -3},  {"u", -6},
    {"n", -9},  {"p", -12}, {"f", -15}, {"a", -18},
};

static const char *const unit[] = {
    "s", "v", "a", "ohm", "\xce\xa9", /* Greek capital omega */
    "f", "hz", "k", "m", "w", "j", "c", "h", "ev",
};
/* clang-format on */

static bool is_unit(const char *s)
{
    for (size_t k = 0; k < sizeof unit / sizeof unit[0]; k++)
        if (strcasecmp(s, unit[k]) == 0)
            return true;
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Length of [+-] digits [. digits] [e [+-] digits], or 0.  `mantissa` is the part
 * before the exponent.  An `e` without digits is left to the suffix ("1eV"). */
static size_t scan(const char *s, size_t *mantissa)
{
    size_t k = s[0] == '+' || s[0] == '-', n_digit = 0;
    for (; is_digit(s[k]); k++)
        n_digit++;
    if (s[k] == '.')
        for (k++; is_digit(s[k]); k++)
            n_digit++;
    *mantissa = k;
    if (n_digit == 0)
        return 0;
    if (s[k] == 'e' || s[k] == 'E') {
        size_t e = k + 1;
        e += s[e] == '+' || s[e] == '-';
        if (is_digit(s[e]))
            for (k = e; is_digit(s[k]); k++)
                ;
    }
    return k;
}

static enum ow_number read_suffix(const char *s, int *exponent, double *factor)
{
    *exponent = 0;
    *factor = 1.0;
    if (*s == '\0')
        return OW_NUMBER_OK;
    if (strcasecmp(s, "mil") == 0) {
        *factor = 25.4;
        *exponent = -6;
        return OW_NUMBER_OK;
    }
    if (strcmp(s, "F") == 0 || strcasecmp(s, "a") == 0)
        return OW_NUMBER_AMBIGUOUS;
    for (size_t k = 0; k < sizeof prefix / sizeof prefix[0]; k++) {
        const size_t n = strlen(prefix[k].name);
        if (strncasecmp(s, prefix[k].name, n) != 0 || (s[n] != '\0' && !is_unit(s + n)))
            continue;
        if (n == 1 && s[0] == 'M')
            return OW_NUMBER_AMBIGUOUS;
        *exponent = prefix[k].exponent;
        return OW_NUMBER_OK;
    }
    return is_unit(s) ? OW_NUMBER_OK : OW_NUMBER_SUFFIX;
}

/* digits x 10^exponent, correctly rounded. */
static double read_digits(const char *text, size_t n_mantissa, long exponent)
{
    char copy[400]; /* the caller has checked the length */
    memcpy(copy, text, n_mantissa);
    copy[n_mantissa] = 'e';
    char *to = copy + n_mantissa + 1;
    unsigned long rest = exponent < 0 ? 0ul - (unsigned long)exponent : (unsigned long)exponent;
    if (exponent < 0)
        *to++ = '-';
    char digit[24];
    size_t n = 0;
    do
        digit[n++] = (char)('0' + rest % 10);
    while ((rest /= 10) > 0);
    while (n > 0)
        *to++ = digit[--n];
    *to = '\0';
    const locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const double value = c_locale ? strtod_l(copy, NULL, c_locale) : strtod(copy, NULL);
    if (c_locale)
        freelocale(c_locale);
    return value;
}

enum ow_number ow_number_parse(const char *text, double *value)
{
    enum { LONGEST_MANTISSA = 360 };
    const char *unsigned_text = text + (*text == '+' || *text == '-');
    size_t n_mantissa;
    int exponent;
    double factor;
    if (*text == '\0')
        return OW_NUMBER_EMPTY;
    if (strcasecmp(unsigned_text, "inf") == 0) {
        *value = *text == '-' ? -HUGE_VAL : HUGE_VAL;
        return OW_NUMBER_INFINITE;
    }
    const size_t n = scan(text, &n_mantissa);
    if (n == 0 || n_mantissa > LONGEST_MANTISSA)
        return OW_NUMBER_SYNTAX;
    const enum ow_number suffix = read_suffix(text + n, &exponent, &factor);
    if (suffix != OW_NUMBER_OK)
        return suffix;
    /* strtol saturates at a value far beyond any double's exponent, which is all that
     * matters; keep room for the suffix. */
    long power = n > n_mantissa ? strtol(text + n_mantissa + 1, NULL, 10) : 0;
    if (power > 100000)
        power = 100000;
    if (power < -100000)
        power = -100000;
    const double result = read_digits(text, n_mantissa, power + exponent) * factor;
    if (!isfinite(result))
        return OW_NUMBER_OVERFLOW;
    *value = result;
    return OW_NUMBER_OK;
}

const char *ow_number_text(double value, int digits, char text[32])
{
    for (; digits <= DBL_DECIMAL_DIG; digits++) {
        snprintf(text, 32, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return text;
}
