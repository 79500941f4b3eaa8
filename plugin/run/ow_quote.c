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
