#define _GNU_SOURCE /* pipe2 */
#include "ow_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ow_clock.h"

#define TICK_MS 200

/* What goes back through the pipe, before n bytes of answer. */
struct head {
    uint64_t n;
    double cpu_s;
    int64_t peak_bytes;
};

struct worker {
    pid_t pid;   /* 0: none */
    int in, out; /* pipes to it and from it */
    bool is_busy;
    size_t task;
    double begin, deadline; /* s, monotonic; deadline 0: none */
    int64_t began;
    double bytes; /* of the task, see struct ow_pool */
    struct ow_bytes got;
};

struct run {
    const struct ow_pool *pool;
    struct worker *worker; /* [n_worker] */
    double bytes;          /* of all tasks that run */
};

void ow_bytes_add(struct ow_bytes *b, const void *more, size_t n)
{
    if (b->is_short)
        return;
    if (b->n + n > b->room) {
        const size_t room = 2 * b->room + n + 4096;
        char *a = realloc(b->a, room);
        if (!a) {
            b->is_short = true;
            return;
        }
        b->a = a;
        b->room = room;
    }
    if (n > 0)
        memcpy(b->a + b->n, more, n);
    b->n += n;
}

/* ---- in the worker ----------------------------------------------------------------- */

static bool write_all(int fd, const void *bytes, size_t n)
{
    const char *at = bytes;
    while (n > 0) {
        const ssize_t k = write(fd, at, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return false;
        at += k;
        n -= (size_t)k;
    }
    return true;
}

static bool read_all(int fd, void *bytes, size_t n)
{
    char *at = bytes;
    while (n > 0) {
        const ssize_t k = read(fd, at, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return false;
        at += k;
        n -= (size_t)k;
    }
    return true;
}

/* The kernel's own mark of the most memory, set back before each task. */
static void forget_peak(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (f) {
        fputs("5", f);
        fclose(f);
    }
}

static int64_t read_peak(void)
{
    char line[200];
    long long kib = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %lld", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib < 0 ? -1 : 1024 * (int64_t)kib;
}

static double cpu_seconds(void)
{
    double sum = 0.0;
    const int who[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    for (size_t k = 0; k < 2; k++) {
        struct rusage u;
        getrusage(who[k], &u);
        sum += (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
               1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    }
    return sum;
}

/* If the machine runs out of memory, the kernel shall take a worker and not its caller. */
static void offer_to_be_killed(void)
{
    FILE *f = fopen("/proc/self/oom_score_adj", "w");
    if (f) {
        fputs("900", f);
        fclose(f);
    }
}

/* The address sanitizer's shadow counts as data, terabytes of it: with a limit nothing runs. */
#ifdef __has_feature /* clang */
#if __has_feature(address_sanitizer)
#define HAS_SHADOW 1
#endif
#endif
#if defined HAS_SHADOW || defined __SANITIZE_ADDRESS__ /* gcc */
static const bool has_shadow = true;
#else
static const bool has_shadow = false;
#endif

/* No task may take more memory than all together are allowed: it runs out of it before the
 * machine does. */
static void limit_memory(double bytes)
{
    struct rlimit limit;
    if (has_shadow || bytes <= 0.0 || getrlimit(RLIMIT_DATA, &limit) != 0)
        return;
    if (limit.rlim_max == RLIM_INFINITY || (double)limit.rlim_max > bytes)
        limit.rlim_cur = (rlim_t)bytes;
    setrlimit(RLIMIT_DATA, &limit);
}

static void serve(const struct ow_pool *pool, int in, int out, pid_t caller)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != caller)
        _exit(0);
    setpgid(0, 0); /* what a worker starts ends with it */
    /* The caller's to handle: a terminal, a batch system or pkill sends them to everyone. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGPIPE, SIG_DFL);
    offer_to_be_killed();
    limit_memory(pool->memory);
    uint64_t task;
    while (read_all(in, &task, sizeof task)) {
        struct ow_bytes answer = {0};
        forget_peak();
        const double before = cpu_seconds();
        pool->work(pool->data, (size_t)task, &answer);
        if (answer.is_short)
            abort();
        const struct head head = {
            .n = answer.n, .cpu_s = cpu_seconds() - before, .peak_bytes = read_peak()};
        if (!write_all(out, &head, sizeof head) || !write_all(out, answer.a, answer.n))
            break;
        free(answer.a);
    }
    _exit(0);
}

/* ---- in the caller ----------------------------------------------------------------- */

static enum ow_status start(struct run *r, struct worker *w, struct ow_error *err)
{
    const pid_t caller = getpid();
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) != 0)
        return ow_fail(err, OW_ERR_HOST, "no pipe to a worker: %s", strerror(errno));
    if (pipe2(from, O_CLOEXEC) != 0) {
        close(to[0]);
        close(to[1]);
        return ow_fail(err, OW_ERR_HOST, "no pipe to a worker: %s", strerror(errno));
    }
    w->pid = fork();
    if (w->pid == 0) {
        for (unsigned k = 0; k < r->pool->n_worker; k++) /* the other workers' pipes */
            if (r->worker[k].pid > 0) {
                close(r->worker[k].in);
                close(r->worker[k].out);
            }
        close(to[1]);
        close(from[0]);
        serve(r->pool, to[0], from[1], caller);
    }
    close(to[0]);
    close(from[1]);
    if (w->pid < 0) {
        w->pid = 0;
        close(to[1]);
        close(from[0]);
        return ow_fail(err, OW_ERR_HOST, "no process for a worker: %s", strerror(errno));
    }
    w->in = to[1];
    w->out = from[0];
    w->got.n = 0;
    return OW_OK;
}

/* End a worker and all that it has started: by which signal it ended, or 0.  One that waits
 * for a task loses nothing, and one that has died keeps the cause. */
static int stop(struct worker *w)
{
    int status = 0;
    if (w->pid == 0)
        return 0;
    kill(-w->pid, SIGKILL);
    kill(w->pid, SIGKILL); /* before it had a group of its own */
    while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(w->in);
    close(w->out);
    w->pid = 0;
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* Whether the task may begin beside those that run. */
static bool has_room(const struct run *r, double bytes)
{
    return r->pool->memory <= 0.0 || r->bytes == 0.0 || r->bytes + bytes <= r->pool->memory;
}

static enum ow_status give(struct run *r, struct worker *w, size_t task,
                           const struct ow_pool_cost *cost, struct ow_error *err)
{
    const uint64_t number = task;
    enum ow_status st = OW_OK;
    for (int k = 0; k < 2; k++) { /* an idle worker may have died meanwhile: once more */
        if (w->pid == 0 && (st = start(r, w, err)))
            return st;
        if (write_all(w->in, &number, sizeof number))
            break;
        stop(w);
        if (k == 1)
            return ow_fail(err, OW_ERR_HOST, "workers end before they begin");
    }
    w->is_busy = true;
    w->task = task;
    w->begin = ow_seconds();
    w->deadline = cost->timeout_s > 0.0 ? w->begin + cost->timeout_s : 0.0;
    w->began = (int64_t)time(NULL);
    w->bytes = cost->bytes;
    r->bytes += cost->bytes;
    return OW_OK;
}

static enum ow_status finish(struct run *r, struct worker *w, struct ow_pool_answer *answer,
                             struct ow_error *err)
{
    w->is_busy = false;
    r->bytes -= w->bytes;
    answer->task = w->task;
    answer->wall_s = ow_seconds() - w->begin;
    answer->began = w->began;
    const enum ow_status st = r->pool->done(r->pool->data, answer, err);
    w->got.n = 0;
    return st;
}

/* What has arrived from a worker that has something to say, or has ended. */
static enum ow_status hear(struct run *r, struct worker *w, struct ow_error *err)
{
    char bytes[65536];
    struct head head;
    const ssize_t n = read(w->out, bytes, sizeof bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return OW_OK;
    if (n <= 0) {
        struct ow_pool_answer answer = {
            .end = OW_POOL_DIED, .signal = stop(w), .cpu_s = NAN, .peak_bytes = -1};
        return w->is_busy ? finish(r, w, &answer, err) : OW_OK;
    }
    ow_bytes_add(&w->got, bytes, (size_t)n);
    if (w->got.is_short)
        return ow_fail(err, OW_ERR_NOMEM, "an answer of a worker: out of memory");
    if (w->got.n < sizeof head)
        return OW_OK;
    memcpy(&head, w->got.a, sizeof head);
    if (w->got.n < sizeof head + head.n)
        return OW_OK;
    struct ow_pool_answer answer = {.end = OW_POOL_ANSWERED,
                                    .bytes = w->got.a + sizeof head,
                                    .n = head.n,
                                    .cpu_s = head.cpu_s,
                                    .peak_bytes = head.peak_bytes};
    return finish(r, w, &answer, err);
}

static enum ow_status stop_late_ones(struct run *r, struct ow_error *err)
{
    const double now = ow_seconds();
    for (unsigned k = 0; k < r->pool->n_worker; k++) {
        struct worker *w = &r->worker[k];
        if (!w->is_busy || w->deadline == 0.0 || now < w->deadline)
            continue;
        stop(w);
        struct ow_pool_answer answer = {.end = OW_POOL_TIMEOUT, .cpu_s = NAN, .peak_bytes = -1};
        const enum ow_status st = finish(r, w, &answer, err);
        if (st)
            return st;
    }
    return OW_OK;
}

/* Milliseconds until the next deadline, at most a tick. */
static int patience(const struct run *r)
{
    double left = 1e-3 * TICK_MS;
    const double now = ow_seconds();
    for (unsigned k = 0; k < r->pool->n_worker; k++)
        if (r->worker[k].is_busy && r->worker[k].deadline > 0.0)
            left = fmin(left, r->worker[k].deadline - now);
    return left > 0.0 ? (int)(1e3 * left) + 1 : 0;
}

static enum ow_status listen_to_all(struct run *r, struct pollfd poll_fd[],
                                    struct ow_error *err)
{
    nfds_t n = 0;
    struct worker *of[OW_POOL_MAX_WORKERS];
    for (unsigned k = 0; k < r->pool->n_worker; k++)
        if (r->worker[k].is_busy) {
            of[n] = &r->worker[k];
            poll_fd[n++] = (struct pollfd){.fd = r->worker[k].out, .events = POLLIN};
        }
    if (poll(poll_fd, n, patience(r)) > 0)
        for (nfds_t k = 0; k < n; k++)
            if (poll_fd[k].revents) {
                const enum ow_status st = hear(r, of[k], err);
                if (st)
                    return st;
            }
    return stop_late_ones(r, err);
}

static enum ow_status loop(struct run *r, const size_t task[], size_t n,
                           struct pollfd poll_fd[], struct ow_error *err)
{
    const struct ow_pool *pool = r->pool;
    size_t next = 0, n_busy;
    do {
        enum ow_status st;
        if (pool->cancel && *pool->cancel)
            return ow_fail(err, OW_ERR_CANCELLED, "cancelled");
        for (unsigned k = 0; k < pool->n_worker && next < n; k++) {
            const struct ow_pool_cost cost = pool->cost(pool->data, task[next]);
            if (r->worker[k].is_busy || !has_room(r, cost.bytes))
                continue;
            if ((st = give(r, &r->worker[k], task[next], &cost, err)))
                return st;
            next++;
        }
        if ((st = listen_to_all(r, poll_fd, err)))
            return st;
        if (pool->tick)
            pool->tick(pool->data);
        n_busy = 0;
        for (unsigned k = 0; k < pool->n_worker; k++)
            n_busy += r->worker[k].is_busy;
    } while (next < n || n_busy > 0);
    return OW_OK;
}

enum ow_status ow_pool_run(const struct ow_pool *pool, const size_t task[], size_t n,
                           struct ow_error *err)
{
    struct run r = {.pool = pool, .worker = calloc(pool->n_worker, sizeof *r.worker)};
    struct pollfd *poll_fd = calloc(pool->n_worker, sizeof *poll_fd);
    enum ow_status st = OW_ERR_NOMEM;
    /* a worker that dies while it is written to must not take the caller along */
    struct sigaction was, ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGPIPE, &ignore, &was);
    if (!r.worker || !poll_fd)
        ow_fail(err, st, "workers: out of memory");
    else if (n > 0)
        st = loop(&r, task, n, poll_fd, err);
    else
        st = OW_OK;
    for (unsigned k = 0; r.worker && k < pool->n_worker; k++) {
        stop(&r.worker[k]);
        free(r.worker[k].got.a);
    }
    free(r.worker);
    free(poll_fd);
    sigaction(SIGPIPE, &was, NULL);
    return st;
}
