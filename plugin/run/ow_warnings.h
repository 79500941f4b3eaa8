/* What a reader of a result's numbers must know. */
#ifndef OW_WARNINGS_H
#define OW_WARNINGS_H

#include <stddef.h>

enum { OW_MAX_WARNINGS = 8 };

struct ow_warnings {
    size_t n;
    char text[OW_MAX_WARNINGS][256];
};

/* One more, unless there are too many already. */
void ow_warn(struct ow_warnings *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
