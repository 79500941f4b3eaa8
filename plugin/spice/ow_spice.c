#define _GNU_SOURCE /* pipe2() */

#include "ow_spice.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ow_spice_child.h"
#include "ow_spice_log.h"
#include "ow_spice_private.h"

#define DEFAULT_LIBRARY "libngspice.so.0"
#define TICK_MS         50 /* a cancel flag that another thread sets is seen after this */

/* One child and what connects to it. */
struct run {
    pid_t pid;           /* 0: none */
    int data_fd, log_fd; /* -1: closed */
    char dir[512];       /* private directory, "" when it is gone */
    bool log_is_open, data_is_open;
    double deadline; /* s, monotonic; 0: none */
    bool has_op;
    double t;                  /* s, latest time point */
    enum ow_frame_kind ending; /* of the frame that ended the data, if has_ending */
    bool has_ending;
    char words[256]; /* of that frame */
    size_t n_back;   /* places that have come back */
    size_t n, size;  /* bytes in the buffer, and its size */
    double *buffer;  /* frames, which are multiples of 8 bytes but for the last */
    struct ow_log log;
};

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

/* -- the private directory ---------------------------------------------------------------- */

static bool write_file(const char *dir, const char *name, const char *text)
{
    char path[640];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    if (!f)
        return false;
    const bool is_written = fputs(text, f) >= 0;
    return fclose(f) == 0 && is_written;
}

/* Also what ngspice may have put there.  Called as soon as the deck has been read, so that
 * even a killed parent leaves nothing, and again at the end. */
static void remove_directory(struct run *run)
{
    if (!run->dir[0])
        return;
    DIR *dir = opendir(run->dir);
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlinkat(dirfd(dir), e->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(run->dir);
    run->dir[0] = '\0';
}

/* The code models' path may hold spaces or capitals, which an ngspice command cannot name:
 * a link of a plain name stands for it. */
static enum ow_status make_directory(const struct ow_spice *spice, const char *deck,
                                     struct run *run, struct ow_error *err)
{
    const char *tmp = getenv("TMPDIR");
    const int n = snprintf(run->dir, sizeof run->dir, "%s/ohmweave-ngspice-XXXXXX",
                           tmp && *tmp ? tmp : "/tmp");
    if (n < 0 || (size_t)n >= sizeof run->dir || !mkdtemp(run->dir)) {
        run->dir[0] = '\0';
        return ow_fail(err, OW_ERR_FILE, "no temporary directory in '%s': %s",
                       tmp && *tmp ? tmp : "/tmp", strerror(errno));
    }
    char link[640], array_link[640];
    snprintf(link, sizeof link, "%s/%s", run->dir, OW_CODEMODEL_FILE);
    snprintf(array_link, sizeof array_link, "%s/%s", run->dir, OW_ARRAY_FILE);
    if (!write_file(run->dir, OW_INIT_FILE, "") || !write_file(run->dir, OW_DECK_FILE, deck) ||
        (spice->codemodel && symlink(spice->codemodel, link) != 0) ||
        (spice->array_codemodel && symlink(spice->array_codemodel, array_link) != 0))
        return ow_fail(err, OW_ERR_FILE, "%s: %s", run->dir, strerror(errno));
    return OW_OK;
}

/* -- starting and ending a child ------------------------------------------------------------
 */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static enum ow_status start(const struct ow_spice *spice, const struct ow_spice_job *job,
                            struct run *run, struct ow_error *err)
{
    int data[2] = {-1, -1}, log[2] = {-1, -1};
    struct ow_spice_task task = {.library = spice->library,
                                 .directory = job ? run->dir : NULL,
                                 .name = job ? job->name : NULL,
                                 .n_name = job ? job->n_name : 0,
                                 .offer = job ? job->offer : NULL,
                                 .back = job ? job->back : NULL,
                                 .n_back = job ? job->n_back : 0,
                                 .parent = getpid()};
    if (pipe2(data, O_CLOEXEC) == 0 && pipe2(log, O_CLOEXEC) == 0) {
        task.data_fd = data[1];
        task.log_fd = log[1];
        const pid_t pid = fork();
        if (pid == 0)
            ow_spice_child(&task);
        if (pid > 0)
            run->pid = pid;
    }
    const int cause = errno;
    close_fd(&data[1]);
    close_fd(&log[1]);
    run->data_fd = data[0];
    run->log_fd = log[0];
    if (run->pid == 0)
        return ow_fail(err, OW_ERR_HOST, "cannot start a process for ngspice: %s",
                       strerror(cause));
    fcntl(run->data_fd, F_SETFL, O_NONBLOCK);
    fcntl(run->log_fd, F_SETFL, O_NONBLOCK);
    return OW_OK;
}

/* What is left in a pipe or has just come.  False at its end. */
static bool read_log(struct run *run)
{
    char text[4096];
    for (;;) {
        const ssize_t n = read(run->log_fd, text, sizeof text);
        if (n > 0)
            ow_log_append(&run->log, text, (size_t)n);
        else if (n == 0 || (errno != EINTR && errno != EAGAIN))
            return false;
        else if (errno == EAGAIN)
            return true;
    }
}

/* Kill unless it has ended by itself; always reaps.  Returns the status of waitpid(). */
static int end(struct run *run, bool is_killed)
{
    int status = 0;
    if (run->pid > 0) {
        if (is_killed)
            kill(run->pid, SIGKILL);
        while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    run->pid = 0;
    if (run->log_fd >= 0)
        read_log(run);
    close_fd(&run->data_fd);
    close_fd(&run->log_fd);
    remove_directory(run);
    free(run->buffer);
    run->buffer = NULL;
    return status;
}

/* -- frames
 * ------------------------------------------------------------------------------------ */

static enum ow_status take_point(struct run *run, const struct ow_spice_job *job,
                                 const struct ow_frame *frame, const double value[],
                                 struct ow_error *err)
{
    const struct ow_spice_point point = {.is_tran = frame->kind == OW_FRAME_TRAN,
                                         .t = frame->kind == OW_FRAME_TRAN ? value[0] : 0.0,
                                         .n = job->n_name,
                                         .value = value + 1};
    assert(frame->n == 1 + job->n_name);
    remove_directory(run);
    if (point.is_tran)
        run->t = point.t;
    else
        run->has_op = true;
    return job->point ? job->point(job->user, &point, err) : OW_OK;
}

/* Take every whole frame out of the buffer. */
static enum ow_status take_frames(struct run *run, const struct ow_spice_job *job,
                                  struct ow_error *err)
{
    enum ow_status st = OW_OK;
    size_t at = 0;
    while (st == OW_OK && !run->has_ending && run->n - at >= sizeof(struct ow_frame)) {
        const char *bytes = (const char *)run->buffer + at;
        struct ow_frame frame;
        memcpy(&frame, bytes, sizeof frame);
        const bool is_point = frame.kind == OW_FRAME_OP || frame.kind == OW_FRAME_TRAN;
        const size_t body = frame.n * (is_point ? sizeof(double) : 1);
        if (run->n - at < sizeof frame + body)
            break;
        bytes += sizeof frame;
        if (is_point) {
            st = take_point(run, job, &frame, (const double *)(const void *)bytes, err);
        } else if (frame.kind == OW_FRAME_BACK) {
            assert(run->n_back < job->n_back && body == job->back[run->n_back].size);
            memcpy(job->back[run->n_back++].data, bytes, body);
        } else {
            run->has_ending = true;
            run->ending = (enum ow_frame_kind)frame.kind;
            snprintf(run->words, sizeof run->words, "%.*s", (int)body, bytes);
        }
        at += sizeof frame + body;
    }
    run->n -= at;
    memmove(run->buffer, (char *)run->buffer + at, run->n);
    return st;
}

/* False at the end of the pipe. */
static bool read_data(struct run *run)
{
    const ssize_t n = read(run->data_fd, (char *)run->buffer + run->n, run->size - run->n);
    if (n > 0)
        run->n += (size_t)n;
    return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

/* -- one run
 * ------------------------------------------------------------------------------------- */

static bool is_cancelled(const struct ow_spice *spice)
{
    return spice->options.cancel && *spice->options.cancel;
}

/* Until the child has said its last word, or is to be killed. */
static enum ow_status pump(const struct ow_spice *spice, const struct ow_spice_job *job,
                           struct run *run, struct ow_error *err)
{
    bool has_log = true;
    while (!run->has_ending) {
        struct pollfd fds[2] = {{.fd = run->data_fd, .events = POLLIN},
                                {.fd = has_log ? run->log_fd : -1, .events = POLLIN}};
        if (is_cancelled(spice))
            return ow_fail(err, OW_ERR_CANCELLED, "ngspice run cancelled");
        if (run->deadline > 0.0 && now() > run->deadline)
            return ow_fail(err, OW_ERR_HOST, "ngspice: no result after %g s (timeout)",
                           spice->options.timeout_s);
        if (poll(fds, 2, TICK_MS) < 0 && errno != EINTR)
            return ow_fail(err, OW_ERR_HOST, "ngspice: poll: %s", strerror(errno));
        if (fds[1].revents)
            has_log = read_log(run);
        if (!fds[0].revents)
            continue;
        const bool is_open = read_data(run);
        const enum ow_status st = take_frames(run, job, err);
        if (st != OW_OK)
            return st;
        if (!is_open)
            return OW_OK; /* without an ending: it crashed */
    }
    return OW_OK;
}

/* The one place that says what a run without a callback's complaint came to. */
static enum ow_status judge(const struct ow_spice_job *job, const struct run *run, int status,
                            struct ow_error *err)
{
    char words[768];
    ow_log_tell(&run->log, words, sizeof words);
    if (!run->has_ending && WIFSIGNALED(status))
        return ow_fail(err, OW_ERR_HOST, "ngspice crashed (%s)%s", strsignal(WTERMSIG(status)),
                       words);
    if (!run->has_ending)
        return ow_fail(err, OW_ERR_HOST, "ngspice's process ended early%s", words);
    if (run->ending == OW_FRAME_LIBRARY)
        return ow_fail(err, OW_ERR_HOST,
                       "ngspice cannot be loaded (%s); Debian has it in the package "
                       "libngspice0 (and the simulator itself in ngspice)",
                       run->words);
    if (run->ending == OW_FRAME_MISSING)
        return ow_fail(err, OW_ERR_HOST, "ngspice has no vector '%s'%s", run->words, words);
    if (run->ending == OW_FRAME_EXIT)
        return ow_fail(err, OW_ERR_HOST, "ngspice gave up%s", words);
    if (job && job->t_end > 0.0 && run->t < 0.0)
        return ow_fail(err, OW_ERR_HOST, "ngspice did not start the transient%s", words);
    if (job && job->t_end > 0.0 && run->t < job->t_end * (1.0 - 1e-9))
        return ow_fail(err, OW_ERR_HOST, "ngspice: the transient stopped at %g s of %g s%s",
                       run->t, job->t_end, words);
    if (job && job->needs_op && !run->has_op)
        return ow_fail(err, OW_ERR_HOST, "ngspice found no operating point%s", words);
    return OW_OK;
}

/* job NULL: only try the library. */
static enum ow_status run_child(struct ow_spice *spice, const struct ow_spice_job *job,
                                struct ow_error *err)
{
    struct run run = {.data_fd = -1, .log_fd = -1, .t = -1.0};
    const size_t frame =
        sizeof(struct ow_frame) + (1 + (job ? job->n_name : 0)) * sizeof(double);
    enum ow_status st = OW_OK;
    size_t largest = frame < 65536 ? 65536 : frame;
    for (size_t k = 0; job && k < job->n_back; k++)
        if (largest < job->back[k].size + sizeof(struct ow_frame))
            largest = job->back[k].size + sizeof(struct ow_frame);
    run.size = 2 * largest;
    run.buffer = malloc(run.size);
    if (spice->options.timeout_s > 0.0)
        run.deadline = now() + spice->options.timeout_s;
    if (!run.buffer)
        st = ow_fail(err, OW_ERR_NOMEM, "ngspice: out of memory");
    if (st == OW_OK && job)
        st = make_directory(spice, job->deck, &run, err);
    if (st == OW_OK)
        st = start(spice, job, &run, err);
    if (st == OW_OK)
        st = pump(spice, job, &run, err);
    const int status = end(&run, st != OW_OK);
    return st == OW_OK ? judge(job, &run, status, err) : st;
}

enum ow_status ow_spice_run(struct ow_spice *spice, const struct ow_spice_job *job,
                            struct ow_error *err)
{
    return run_child(spice, job, err);
}

/* -- open and close
 * ---------------------------------------------------------------------------- */

/* NULL stays NULL. */
static enum ow_status find_library(const char *path, char **full, struct ow_error *err)
{
    if (!path)
        return OW_OK;
    *full = realpath(path, NULL);
    return *full && access(*full, R_OK) == 0
               ? OW_OK
               : ow_fail(err, OW_ERR_HOST, "code models '%s': %s", path, strerror(errno));
}

enum ow_status ow_spice_open(const struct ow_spice_options *options, struct ow_spice **out,
                             struct ow_error *err)
{
    const char *library = options && options->library ? options->library : DEFAULT_LIBRARY;
    struct ow_spice *spice = calloc(1, sizeof *spice);
    enum ow_status st = OW_OK;
    if (!spice || !(spice->library = strdup(library)))
        st = ow_fail(err, OW_ERR_NOMEM, "ngspice: out of memory");
    if (st == OW_OK && options)
        spice->options = *options;
    if (st == OW_OK)
        st = find_library(spice->options.codemodel, &spice->codemodel, err);
    if (st == OW_OK)
        st = find_library(spice->options.array_codemodel, &spice->array_codemodel, err);
    if (st == OW_OK)
        st = run_child(spice, NULL, err);
    if (st != OW_OK) {
        ow_spice_close(spice);
        return st;
    }
    *out = spice;
    return OW_OK;
}

void ow_spice_close(struct ow_spice *spice)
{
    if (!spice)
        return;
    free(spice->library);
    free(spice->codemodel);
    free(spice->array_codemodel);
    free(spice);
}
