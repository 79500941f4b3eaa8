#define _GNU_SOURCE /* pipe2, POSIX_SPAWN_SETSIGDEF */
#include "ow_command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ow_clock.h"
#include "ow_pool.h"

enum { MOST_BYTES = 1 << 26 };

extern char **environ;

/* ---- starting ---------------------------------------------------------------------- */

static bool is_wanted(const char *variable, const char *const without[])
{
    for (size_t k = 0; without && without[k]; k++)
        if (strncmp(variable, without[k], strlen(without[k])) == 0)
            return false;
    return true;
}

static char **environment(const char *const without[])
{
    size_t n = 0, kept = 0;
    while (environ[n])
        n++;
    char **list = calloc(n + 1, sizeof *list);
    for (size_t k = 0; list && k < n; k++)
        if (is_wanted(environ[k], without))
            list[kept++] = environ[k];
    return list;
}

static int spawn(const char *const word[], char *const environment[], const int out[2],
                 const int err[2], pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGINT);
    sigaddset(&usual, SIGTERM);
    sigaddset(&usual, SIGPIPE);
    int failed = posix_spawn_file_actions_init(&files);
    if (failed)
        return failed;
    if ((failed = posix_spawnattr_init(&how))) {
        posix_spawn_file_actions_destroy(&files);
        return failed;
    }
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                       POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigdefault(&how, &usual);
    posix_spawnattr_setsigmask(&how, &none);
    if (!(failed = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY,
                                                    0)) &&
        !(failed = posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO)) &&
        !(failed = posix_spawn_file_actions_adddup2(&files, err[1], STDERR_FILENO)))
        /* POSIX promises that words and environment are not written to */
        failed = posix_spawnp(pid, word[0], &files, &how, (char *const *)word, environment);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return failed;
}

/* ---- listening --------------------------------------------------------------------- */

/* Until both pipes are closed; false: it took too long or said too much. */
static bool listen_to(const int fd[2], struct ow_bytes text[2], double timeout_s)
{
    const double end = ow_seconds() + timeout_s;
    bool is_open[2] = {true, true};
    while (is_open[0] || is_open[1]) {
        struct pollfd p[2] = {{.fd = is_open[0] ? fd[0] : -1, .events = POLLIN},
                              {.fd = is_open[1] ? fd[1] : -1, .events = POLLIN}};
        const double left = end - ow_seconds();
        if (left <= 0.0)
            return false;
        if (poll(p, 2, (int)(1e3 * left) + 1) < 0)
            continue; /* a signal: the caller's handler has noted it */
        for (int k = 0; k < 2; k++) {
            char bytes[4096];
            if (!p[k].revents)
                continue;
            const ssize_t n = read(fd[k], bytes, sizeof bytes);
            if (n > 0)
                ow_bytes_add(&text[k], bytes, (size_t)n);
            is_open[k] = n > 0 || (n < 0 && errno == EINTR);
            if (text[k].is_short || text[k].n > MOST_BYTES)
                return false;
        }
    }
    return true;
}

static enum ow_status hear(const char *name, pid_t pid, const int fd[2], double timeout_s,
                           struct ow_command_answer *out, struct ow_error *err)
{
    struct ow_bytes text[2] = {{0}, {0}};
    int status = 0;
    const bool is_heard = listen_to(fd, text, timeout_s);
    if (!is_heard)
        kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    for (int k = 0; k < 2; k++)
        ow_bytes_add(&text[k], "", 1);
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (is_heard && !text[0].is_short && !text[1].is_short) {
        *out = (struct ow_command_answer){.code = code, .out = text[0].a, .err = text[1].a};
        return OW_OK;
    }
    free(text[0].a);
    free(text[1].a);
    return ow_fail(err, OW_ERR_HOST, "%s: no answer within %.3g s", name, timeout_s);
}

enum ow_status ow_command_run(const char *const word[], const char *const without[],
                              double timeout_s, struct ow_command_answer *out,
                              struct ow_error *err)
{
    int pipe_out[2], pipe_err[2];
    pid_t pid;
    if (pipe2(pipe_out, O_CLOEXEC) != 0)
        return ow_fail(err, OW_ERR_HOST, "%s: no pipe: %s", word[0], strerror(errno));
    if (pipe2(pipe_err, O_CLOEXEC) != 0) {
        close(pipe_out[0]);
        close(pipe_out[1]);
        return ow_fail(err, OW_ERR_HOST, "%s: no pipe: %s", word[0], strerror(errno));
    }
    char **variables = environment(without);
    const int failed = variables ? spawn(word, variables, pipe_out, pipe_err, &pid) : ENOMEM;
    free(variables);
    close(pipe_out[1]);
    close(pipe_err[1]);
    const int fd[2] = {pipe_out[0], pipe_err[0]};
    const enum ow_status st =
        failed ? ow_fail(err, OW_ERR_HOST, "%s: %s%s", word[0], strerror(failed),
                         failed == ENOENT ? " in PATH" : "")
               : hear(word[0], pid, fd, timeout_s, out, err);
    close(pipe_out[0]);
    close(pipe_err[0]);
    return st;
}

void ow_command_answer_finish(struct ow_command_answer *answer)
{
    free(answer->out);
    free(answer->err);
    *answer = (struct ow_command_answer){0};
}

const char *ow_command_line(const char *text, const char *prefix, char *line, size_t size)
{
    size_t n = 0;
    while (*text && n + 1 < size) {
        const char *end = strchrnul(text, '\n');
        if (strncmp(text, prefix, strlen(prefix)) == 0)
            text += strlen(prefix);
        if (n > 0 && text < end)
            for (const char *c = "; "; *c && n + 1 < size; c++)
                line[n++] = *c;
        for (; text < end && n + 1 < size; text++)
            line[n++] = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;
        text = *end ? end + 1 : end;
    }
    line[n] = '\0';
    return line;
}
