/* What ngspice said, boiled down to the lines that tell why a run failed. */
#ifndef OW_SPICE_LOG_H
#define OW_SPICE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum { OW_LOG_LINES = 4, OW_LOG_LINE = 160 };

/* Starts zeroed. */
struct ow_log {
    char line[OW_LOG_LINE]; /* the one that is still coming                          */
    size_t n;
    char error[OW_LOG_LINES][OW_LOG_LINE]; /* the first complaints, where causes stand,
                                              and the last, where the analysis ends    */
    size_t n_error;
    bool is_open; /* the card that the last of them is about is in the next line      */
    char last[OW_LOG_LINE]; /* of whatever kind                                       */
};

void ow_log_append(struct ow_log *log, const char *text, size_t n);

/* ": line | line | ...", or the last line if nothing looked like an error, or "". */
void ow_log_tell(const struct ow_log *log, char *words, size_t size);

#endif
