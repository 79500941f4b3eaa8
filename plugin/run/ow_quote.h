/* A piece of the user's text as it may stand in a one-line message. */
#ifndef OW_QUOTE_H
#define OW_QUOTE_H

#include <stddef.h>

enum { OW_QUOTE_MAX = 40 }; /* bytes shown, the rest becomes "..." */

struct ow_quote {
    char text[OW_QUOTE_MAX + 8];
};

/* Copy n bytes: control characters, which could break the line or drive a terminal,
 * become '?'; what is too long is cut, never inside a UTF-8 character. */
struct ow_quote ow_quote(const char *text, size_t n);

#endif
