#include "ow_crew.h"

#include <pthread.h>
#include <unistd.h>

enum { MOST = 256 };

/* What the threads share; everything below the lock is guarded by it. */
struct shift {
    const struct ow_crew *crew;
    size_t n_task;
    pthread_mutex_t lock;
    size_t next;
    size_t failed; /* n_task while nothing has failed */
    enum ow_status status;
    struct ow_error err;
};

/* The next task, or n_task. */
static size_t take(struct shift *s)
{
    pthread_mutex_lock(&s->lock);
    const size_t k = s->status != OW_OK || s->next == s->n_task ? s->n_task : s->next++;
    pthread_mutex_unlock(&s->lock);
    return k;
}

/* Tasks are taken in order, so when one fails all before it have been taken and will be
 * finished: the least failing number does not depend on who was first. */
static void give(struct shift *s, size_t k, enum ow_status status, const struct ow_error *err)
{
    pthread_mutex_lock(&s->lock);
    if (status && k < s->failed) {
        s->failed = k;
        s->status = status;
        s->err = *err;
    }
    if (!status && s->crew->done)
        s->crew->done(s->crew->data, k);
    pthread_mutex_unlock(&s->lock);
}

static void *work(void *data)
{
    struct shift *s = data;
    const struct ow_crew *crew = s->crew;
    struct ow_error err = {0};
    enum ow_status st = OW_OK;
    void *own = NULL;
    size_t k = take(s);
    if (k < s->n_task && crew->begin) /* nothing left: nothing made for nothing */
        st = crew->begin(crew->data, &own, &err);
    for (; k < s->n_task; k = take(s)) {
        if (!st)
            st = crew->task(crew->data, own, k, &err);
        give(s, k, st, &err);
        if (st)
            break;
    }
    if (own)
        crew->end(own);
    return NULL;
}

static unsigned processors(unsigned asked)
{
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return asked ? asked : n > 0 ? (unsigned)n : 1;
}

unsigned ow_crew_size(unsigned n_worker, size_t n_task)
{
    const size_t n = processors(n_worker), most = n_task < MOST ? n_task : MOST;
    return (unsigned)(n < most ? n : most);
}

unsigned ow_crew_share(unsigned n_worker, size_t n_task)
{
    const unsigned size = ow_crew_size(n_worker, n_task);
    return size ? processors(n_worker) / size : 1;
}

enum ow_status ow_crew_run(const struct ow_crew *crew, unsigned n_worker, size_t n_task,
                           struct ow_error *err)
{
    struct shift s = {
        .crew = crew, .n_task = n_task, .lock = PTHREAD_MUTEX_INITIALIZER, .failed = n_task};
    pthread_t thread[MOST];
    unsigned n_started = 0;
    const unsigned n = ow_crew_size(n_worker, n_task);
    while (n_started + 1 < n && pthread_create(&thread[n_started], NULL, work, &s) == 0)
        n_started++;
    work(&s);
    for (unsigned k = 0; k < n_started; k++)
        pthread_join(thread[k], NULL);
    pthread_mutex_destroy(&s.lock);
    return s.status ? ow_fail(err, s.status, "%s", s.err.text) : OW_OK;
}
