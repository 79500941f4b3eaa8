#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ow_clock.h"
#include "ow_file.h"
#include "ow_si.h"

volatile sig_atomic_t cli_cancelled;

static int exit_code(enum ow_status status)
{
    switch (status) {
    case OW_OK:
        return EXIT_STANDS;
    case OW_ERR_INPUT:
    case OW_ERR_RANGE:
    case OW_ERR_FILE:
        return EXIT_BAD_INPUT;
    default:
        return EXIT_RUN_FAILED;
    }
}

int cli_fail(const struct ow_error *err)
{
    fflush(stdout);
    fprintf(stderr, "ohmweave: %s\n", err->text[0] ? err->text : ow_status_str(err->status));
    return exit_code(err->status);
}

int cli_fail_write(const struct ow_error *err)
{
    cli_fail(err);
    return EXIT_RUN_FAILED;
}

int cli_finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "ohmweave: standard output: %s\n", strerror(errno));
    return code == EXIT_STANDS ? EXIT_RUN_FAILED : code;
}

bool cli_parse(const struct argp *argp, int argc, char **argv, void *input, int *code)
{
    argp_err_exit_status = EXIT_BAD_INPUT;
    const error_t e = argp_parse(argp, argc, argv, 0, NULL, input);
    *code = e ? EXIT_BAD_INPUT : EXIT_STANDS;
    return e == 0;
}

static volatile sig_atomic_t is_polled;

static void on_interrupt(int number)
{
    static const char text[] = "ohmweave: cancelled\n";
    (void)number;
    if (is_polled && !cli_cancelled) {
        cli_cancelled = 1;
        return;
    }
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0) {
        /* nobody reads it: the exit code still says so */
    }
    _exit(EXIT_RUN_FAILED);
}

void cli_catch_interrupts(void)
{
    static const int number[] = {SIGINT, SIGTERM};
    for (size_t k = 0; k < sizeof number / sizeof number[0]; k++) {
        struct sigaction was, action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};
        sigemptyset(&action.sa_mask);
        if (sigaction(number[k], NULL, &was) == 0 && was.sa_handler != SIG_IGN)
            sigaction(number[k], &action, NULL);
    }
}

void cli_poll_interrupts(void)
{
    is_polled = 1;
}

bool cli_check_writable(const char *path, struct ow_error *err)
{
    if (!path || strcmp(path, "-") == 0)
        return true;
    struct ow_file file = {0};
    const bool is_fine = ow_file_create(path, &file, err) == OW_OK;
    ow_file_discard(&file);
    return is_fine;
}

bool cli_write_json(json_t *root, const char *path, struct ow_error *err)
{
    char *text = root ? json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(root);
    if (!text) {
        ow_fail(err, OW_ERR_NOMEM, "out of memory while writing JSON");
        return false;
    }
    bool is_written;
    if (strcmp(path, "-") == 0) {
        is_written = puts(text) >= 0 && fflush(stdout) == 0;
        if (!is_written) {
            ow_fail(err, OW_ERR_FILE, "standard output: %s", strerror(errno));
            clearerr(stdout); /* said, so cli_finish() need not */
        }
    } else {
        struct ow_file file = {0};
        is_written = ow_file_create(path, &file, err) == OW_OK;
        if (is_written) {
            fprintf(file.to, "%s\n", text);
            is_written = ow_file_commit(&file, err) == OW_OK;
        }
    }
    free(text);
    return is_written;
}

void cli_progress_begin(struct cli_progress *p, const char *what)
{
    *p = (struct cli_progress){
        .what = what, .is_on = isatty(STDERR_FILENO), .begin = ow_seconds()};
}

void cli_progress_show(void *progress, size_t done, size_t total)
{
    struct cli_progress *p = progress;
    const double now = ow_seconds(), spent = now - p->begin;
    if (!p->is_on || (now - p->last < 0.2 && done < total))
        return;
    p->last = now;
    fprintf(stderr, "\r\033[K%s: %zu of %zu", p->what, done, total);
    if (done > 0 && done < total)
        fprintf(stderr, ", %.0f s left", spent / (double)done * (double)(total - done));
    fflush(stderr);
}

void cli_progress_end(struct cli_progress *p)
{
    if (p->is_on)
        fprintf(stderr, "\r\033[K");
}

const char *cli_si(double value, const char *unit, char text[32])
{
    return ow_si(value, 4, unit, text);
}
