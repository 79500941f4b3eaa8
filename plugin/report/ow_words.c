#include "ow_words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ow_si.h"

static bool is_plain(const char *unit)
{
    return *unit == '\0' || strcmp(unit, "1") == 0 || strcmp(unit, "dB") == 0 ||
           strcmp(unit, "bit") == 0 || strcmp(unit, "TOPS/W") == 0;
}

const char *ow_words_value(double value, int digits, const char *unit, char text[48])
{
    char plain[32];
    if (isnan(value))
        return strcpy(text, "\xe2\x80\x93");
    if (strcmp(unit, "bit") == 0 || strcmp(unit, "dB") == 0) {
        snprintf(text, 48, "%.*f %s", *unit == 'b' ? 2 : 1, value, unit);
        return text;
    }
    if (is_plain(unit)) {
        snprintf(text, 48, "%.*g%s%s", digits, value, *unit && strcmp(unit, "1") ? " " : "",
                 strcmp(unit, "1") == 0 ? "" : unit);
        return text;
    }
    if (strcmp(unit, "ohm") == 0 && fabs(value) >= 0.1 && fabs(value) < 1.0)
        snprintf(plain, sizeof plain, "%.*g ohm", digits, value); /* as people write wires */
    else
        ow_si(value, digits, unit, plain);
    ow_si_greek(plain, text, 48);
    return text;
}

double ow_words_axis(double largest, const char *unit, char name[24])
{
    char plain[16], text[40], greek[40];
    if (is_plain(unit)) {
        snprintf(name, 24, "%s", strcmp(unit, "1") == 0 ? "" : unit);
        return 1.0;
    }
    const double one = ow_si_axis(largest, unit, plain);
    snprintf(text, sizeof text, "1 %s", plain); /* as behind a number */
    ow_si_greek(text, greek, sizeof greek);
    snprintf(name, 24, "%.20s", greek + 2);
    return one;
}

/* "ENOB (one gain and offset, circuit alone)" */
static void put_title(const char *name, const char *words, char title[120])
{
    static const char *const part[][2] = {{".raw.", "as read"},
                                          {".array.", "one gain and offset"},
                                          {".column.", "gain and offset by column"},
                                          {".circuit.", "circuit alone"},
                                          {".quantisation.", "quantisation alone"},
                                          {"ideal_wires.", "ideal wires"}};
    int n = snprintf(title, 120, "%s", words), n_part = 0;
    for (size_t k = 0; k < sizeof part / sizeof part[0]; k++)
        if (strstr(name, part[k][0]))
            n += snprintf(title + n, (size_t)(120 - n), "%s%s", n_part++ ? ", " : " (",
                          part[k][1]);
    if (n_part)
        snprintf(title + n, (size_t)(120 - n), ")");
}

void ow_words_figure(const char *name, char title[120], bool *is_more_better)
{
    static const struct {
        const char *part, *words;
        bool is_more_better;
    } known[] = {{"csnr_db", "CSNR", true},
                 {"enob", "ENOB", true},
                 {"rel_l2", "relative error", false},
                 {"rmse_fs", "RMS error, part of full scale", false},
                 {"max_fs", "largest error, part of full scale", false},
                 {"top1", "top-1 hits", true},
                 {"top1_column", "top-1 hits, by column", true},
                 {"clipped", "clipped outputs", false},
                 {"per_mac", "energy per MAC", false},
                 {"per_mac_array", "energy per MAC without converters", false},
                 {"tops_per_watt", "operations per energy", true},
                 {"median", "median latency", false},
                 {"worst", "worst latency", false}};
    const char *dot = strrchr(name, '.');
    const char *last = dot ? dot + 1 : name;
    *is_more_better = false;
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
        if (strcmp(last, known[k].part) == 0) {
            *is_more_better = known[k].is_more_better;
            put_title(name, known[k].words, title);
            return;
        }
    snprintf(title, 120, "%.119s", name);
}

/* Where the k-th character from `text` begins. */
static const char *skip(const char *text, size_t k)
{
    for (; *text && k > 0; k--)
        for (text++; ((unsigned char)*text & 0xc0) == 0x80;)
            text++;
    return text;
}

void ow_words_cut(const char *from, size_t n, char *text)
{
    size_t length = 0;
    for (const char *c = from; *c; c = skip(c, 1))
        length++;
    if (length <= n && strlen(from) <= 4 * n) {
        strcpy(text, from);
        return;
    }
    const size_t head = (n - 1) / 3, tail = n - 1 - head;
    size_t n_head = (size_t)(skip(from, head) - from);
    const char *end = skip(from, length - tail);
    if (n_head > 4 * head)
        n_head = 4 * head;
    if (strlen(end) > 4 * tail)
        end += strlen(end) - 4 * tail;
    memcpy(text, from, n_head);
    snprintf(text + n_head, 4 * n + 4 - n_head, "\xe2\x80\xa6%s", end);
}

const char *ow_words_duration(double s, const char *unknown, char text[32])
{
    if (isnan(s))
        snprintf(text, 32, "%s", unknown);
    else if (s < 100.0)
        snprintf(text, 32, "%.2g s", s);
    else if (s < 5400.0)
        snprintf(text, 32, "%.0f min", s / 60.0);
    else if (s < 172800.0)
        snprintf(text, 32, "%.1f h", s / 3600.0);
    else
        snprintf(text, 32, "%.1f days", s / 86400.0);
    return text;
}
