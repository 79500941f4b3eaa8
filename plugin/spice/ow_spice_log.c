#include "ow_spice_log.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What a complaint of ngspice looks like; it marks no severity that could be relied on. */
static const char *const complaint[] = {
    "error",   "too small",    "singular", "aborted",      "couldn't",  "cannot",
    "can't",   "fatal",        "unknown",  "unrecognized", "failed",    "no such",
    "illegal", "not converge", "unable",   "out of",       "undefined", "check line",
};

/* How those end whose next line is the card that they are about. */
static const char *const opening[] = {"from line", "on line:", "its substitute:"};

static bool contains(const char *line, const char *what)
{
    const size_t n = strlen(what);
    for (; *line; line++) {
        size_t k = 0;
        while (k < n && tolower((unsigned char)line[k]) == what[k])
            k++;
        if (k == n)
            return true;
    }
    return false;
}

static bool is_complaint(const char *line)
{
    for (size_t k = 0; k < sizeof complaint / sizeof complaint[0]; k++)
        if (contains(line, complaint[k]))
            return true;
    return false;
}

/* The callback's "stderr " in front, and blanks. */
static const char *strip(const char *line)
{
    if (strncmp(line, "stderr ", 7) == 0 || strncmp(line, "stdout ", 7) == 0)
        line += 7;
    while (isspace((unsigned char)*line))
        line++;
    return line;
}

static bool is_opening(const char *line)
{
    const size_t n = strlen(line);
    for (size_t k = 0; k < sizeof opening / sizeof opening[0]; k++) {
        const size_t m = strlen(opening[k]);
        if (n >= m && strcmp(line + n - m, opening[k]) == 0)
            return true;
    }
    return false;
}

static void add_line(struct ow_log *log, const char *line)
{
    if (!*line)
        return;
    snprintf(log->last, sizeof log->last, "%s", line);
    if (log->is_open) {
        char *error = log->error[log->n_error - 1];
        const size_t n = strlen(error);
        snprintf(error + n, OW_LOG_LINE - n, " %s", line);
        log->is_open = false;
        return;
    }
    if (!is_complaint(line))
        return;
    if (log->n_error && strcmp(log->error[log->n_error - 1], line) == 0)
        return;
    if (log->n_error == OW_LOG_LINES) { /* keep the first half, scroll the second */
        const size_t half = OW_LOG_LINES / 2;
        memmove(log->error[half], log->error[half + 1],
                (OW_LOG_LINES - half - 1) * sizeof log->error[0]);
        log->n_error--;
    }
    snprintf(log->error[log->n_error++], OW_LOG_LINE, "%s", line);
    log->is_open = is_opening(line);
}

void ow_log_append(struct ow_log *log, const char *text, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (text[k] != '\n' && text[k] != '\0') {
            if (log->n + 1 < sizeof log->line) /* the rest of a long line is dropped */
                log->line[log->n++] = text[k];
            continue;
        }
        log->line[log->n] = '\0';
        add_line(log, strip(log->line));
        log->n = 0;
    }
}

void ow_log_tell(const struct ow_log *log, char *words, size_t size)
{
    size_t at = 0;
    words[0] = '\0';
    if (log->n_error == 0 && log->last[0])
        snprintf(words, size, ": %s", log->last);
    for (size_t k = 0; k < log->n_error && at < size; k++)
        at += (size_t)snprintf(words + at, size - at, "%s%s", k ? " | " : ": ", log->error[k]);
}
