#include "ow_si.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const prefix[] = {"a", "f", "p", "n", "u", "m", "", "k", "M", "G", "T", "P"};
enum { UNITY = 6, N_PREFIX = 12 };

const char *ow_si(double value, int digits, const char *unit, char text[32])
{
    if (!isfinite(value) || value == 0.0) {
        snprintf(text, 32, value == 0.0 ? "0 %s" : isnan(value) ? "-" : "inf %s", unit);
        return text;
    }
    /* a further digit that rounds up may reach the next prefix: 999.96 m is 1 */
    const double up = 1.0 + 0.5 * pow(10.0, -digits);
    const int k = (int)floor(log10(fabs(value) * up) / 3.0) + UNITY;
    if (k < 0 || k >= N_PREFIX)
        snprintf(text, 32, "%.*g %s", digits, value, unit);
    else
        snprintf(text, 32, "%.*g %s%s", digits, value / pow(10.0, 3.0 * (k - UNITY)), prefix[k],
                 unit);
    return text;
}

double ow_si_axis(double largest, const char *unit, char name[16])
{
    enum { LOW = 1, HIGH = 8 }; /* f, M */
    int k = largest > 0.0 ? (int)floor(log10(largest) / 3.0) + UNITY : UNITY;
    k = k < LOW ? LOW : k > HIGH ? HIGH : k;
    snprintf(name, 16, "%s%.8s", prefix[k], unit);
    return pow(10.0, 3.0 * (k - UNITY));
}

void ow_si_greek(const char *text, char *greek, unsigned long size)
{
    size_t n = 0;
    for (const char *c = text; *c && n + 4 < size; c++) {
        const int is_number = c > text + 1 && c[-1] == ' ' && c[-2] >= '0' && c[-2] <= '9';
        if (is_number && *c == 'u' && c[1] != ' ') {
            memcpy(greek + n, "\302\265", 2);
            n += 2;
        } else if (strncmp(c, "ohm", 3) == 0) {
            memcpy(greek + n, "\316\251", 2);
            n += 2;
            c += 2;
        } else
            greek[n++] = *c;
    }
    greek[n] = '\0';
}
