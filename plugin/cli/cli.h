/* What every command shares.  This folder alone prints and exits. */
#ifndef OW_CLI_H
#define OW_CLI_H

#include <argp.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "ow_status.h"

/* Exit codes, the same for every command. */
enum { EXIT_STANDS = 0, EXIT_RUN_FAILED = 1, EXIT_BAD_INPUT = 2 };

struct command {
    const char *name, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is "ohmweave NAME" */
};
extern const struct command cmd_vmm, cmd_program, cmd_verify, cmd_netlist, cmd_solve, cmd_iv,
    cmd_models, cmd_sweep, cmd_export, cmd_rerun, cmd_report;

/* Print "ohmweave: TEXT" on standard error; the exit code that the status calls for. */
int cli_fail(const struct ow_error *err);
/* The same for a result that could not be written, which is no fault of the input. */
int cli_fail_write(const struct ow_error *err);
/* To be called last: the exit code, unless standard output could not take the answer. */
int cli_finish(int code);

/* argp_parse() with our exit code; false when the arguments are wrong (already said) or
 * help was asked for, with *code set. */
bool cli_parse(const struct argp *argp, int argc, char **argv, void *input, int *code);

/* Ctrl-C and SIGTERM end the program with a message and EXIT_RUN_FAILED: at once, or, from
 * cli_poll_interrupts() on, by setting cli_cancelled, which runs look at in every step; a
 * second one then ends it at once.  An ignored SIGINT (`nohup`, `&` in a script) stays so. */
extern volatile sig_atomic_t cli_cancelled;
void cli_catch_interrupts(void);
void cli_poll_interrupts(void);

/* Can `path` be written later?  Asked before a long run.  "-" and NULL always can. */
bool cli_check_writable(const char *path, struct ow_error *err);
/* Write to FILE, or to standard output for "-".  Takes the reference.  False: said. */
bool cli_write_json(json_t *root, const char *path, struct ow_error *err);

/* Progress with the time left, on standard error when that is a terminal. */
struct cli_progress {
    const char *what;
    bool is_on;
    double begin, last;
};
void cli_progress_begin(struct cli_progress *p, const char *what);
void cli_progress_show(void *progress, size_t done, size_t total);
void cli_progress_end(struct cli_progress *p);

/* "1.234 uS": value with an SI prefix and up to 4 significant digits; "-" for NaN. */
const char *cli_si(double value, const char *unit, char text[32]);

#endif
