#include "ow_quote.h"

#include <string.h>

struct ow_quote ow_quote(const char *text, size_t n)
{
    struct ow_quote q;
    size_t shown = n;
    if (n > OW_QUOTE_MAX)
        for (shown = OW_QUOTE_MAX; shown > 0 && ((unsigned char)text[shown] & 0xc0) == 0x80;)
            shown--;
    for (size_t k = 0; k < shown; k++) {
        const unsigned char c = (unsigned char)text[k];
        q.text[k] = c < 0x20 || c == 0x7f ? '?' : text[k];
    }
    strcpy(q.text + shown, shown < n ? "..." : "");
    return q;
}

size_t ow_utf8_length(const char *text)
{
    const unsigned char *t = (const unsigned char *)text, c = t[0];
    const size_t n = c < 0x80   ? 1
                     : c < 0xc2 ? 0
                     : c < 0xe0 ? 2
                     : c < 0xf0 ? 3
                     : c < 0xf5 ? 4
                                : 0;
    for (size_t k = 1; k < n; k++)
        if ((t[k] & 0xc0) != 0x80)
            return 0;
    /* overlong ones, surrogates, beyond the last */
    if ((c == 0xe0 && t[1] < 0xa0) || (c == 0xed && t[1] > 0x9f) ||
        (c == 0xf0 && t[1] < 0x90) || (c == 0xf4 && t[1] > 0x8f))
        return 0;
    return n;
}
