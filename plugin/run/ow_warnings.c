#include "ow_warnings.h"

#include <stdarg.h>
#include <stdio.h>

void ow_warn(struct ow_warnings *w, const char *format, ...)
{
    va_list args;
    if (w->n == OW_MAX_WARNINGS)
        return;
    va_start(args, format);
    vsnprintf(w->text[w->n++], sizeof w->text[0], format, args);
    va_end(args);
}
