#include "ow_status.h"

#include <stdarg.h>
#include <stdio.h>

const char *ow_status_str(enum ow_status status)
{
    switch (status) {
#define OW_STATUS_TEXT(name, text)                                                             \
    case name:                                                                                 \
        return text;
        OW_STATUS_LIST(OW_STATUS_TEXT)
#undef OW_STATUS_TEXT
    }
    return "unknown status";
}

enum ow_status ow_fail(struct ow_error *err, enum ow_status status, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
        err->status = status;
    }
    return status;
}
