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

/* Bytes of the UTF-8 character that NUL-terminated text begins with, 1 to 4; 0 if it begins
 * with none. */
size_t ow_utf8_length(const char *text);

#endif
