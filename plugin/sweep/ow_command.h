/* Another program, run to its end, and what it says.  It is started by its words and never
 * through a shell, so nothing in them has a meaning but to that program. */
#ifndef OW_COMMAND_H
#define OW_COMMAND_H

#include <stddef.h>

#include "ow_status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ow_command_answer {
    int code;        /* exit code, or 128 + signal     */
    char *out, *err; /* what it printed, owned         */
};

/* word[0] is looked for in PATH; the list ends with NULL.  The program has nothing to read, a
 * process group of its own (a Ctrl-C is the caller's to handle) and the caller's environment
 * but for the variables that begin with one of without[], a list that ends with NULL.
 *
 * OW_ERR_HOST: not there, or killed because it was not done after timeout_s.  Whatever the
 * exit code, it is OW_OK.  (Where a new process starts as a copy, as under valgrind, one that
 * is not there ends with 127.) */
enum ow_status ow_command_run(const char *const word[], const char *const without[],
                              double timeout_s, struct ow_command_answer *out,
                              struct ow_error *err);
void ow_command_answer_finish(struct ow_command_answer *answer);

/* What a program has to say for itself, in one line of at most `size` - 1 bytes: its lines one
 * behind the other, each without `prefix`, control characters as '?'. */
const char *ow_command_line(const char *text, const char *prefix, char *line, size_t size);

#ifdef __cplusplus
}
#endif
#endif
