/* malloc and its family in this program's own hands, shared libraries included: the k-th
 * allocation of a watched stretch fails, and what it has allocated and not freed is counted.
 * Include it in one source file of a test.  Not for allocations on several threads at once
 * but those that only count. */
#ifndef OW_MEMORY_H
#define OW_MEMORY_H

#ifndef _GNU_SOURCE
#error "define _GNU_SOURCE before the first include"
#endif
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- the allocator underneath ---------------------------------------------------------- */

static struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    int (*memalign)(void **, size_t, size_t);
    void *(*aligned)(size_t, size_t);
    void (*free)(void *);
} memory_below;

/* What dlsym() itself allocates before it has answered; never freed. */
static _Alignas(64) char memory_early[1 << 16];
static size_t memory_early_used;

static void *memory_take_early(size_t size)
{
    void *p = memory_early + memory_early_used;
    memory_early_used += (size + 63) / 64 * 64;
    if (memory_early_used > sizeof memory_early)
        abort();
    return p;
}

static bool memory_is_early(const void *p)
{
    return (uintptr_t)p - (uintptr_t)memory_early < sizeof memory_early;
}

/* False while it is being found. */
static bool memory_is_there(void)
{
    static bool is_finding;
    if (memory_below.free)
        return true;
    if (is_finding)
        return false;
    is_finding = true;
#define FIND(name, symbol)                                                                     \
    do {                                                                                       \
        void *found = dlsym(RTLD_NEXT, symbol);                                                \
        memcpy(&memory_below.name, &found, sizeof found);                                      \
    } while (0)
    FIND(malloc, "malloc");
    FIND(calloc, "calloc");
    FIND(realloc, "realloc");
    FIND(memalign, "posix_memalign");
    FIND(aligned, "aligned_alloc");
    FIND(free, "free");
#undef FIND
    return true;
}

/* ---- the watch --------------------------------------------------------------------------- */

enum { MEMORY_SLOTS = 1 << 14 };

static struct {
    pthread_mutex_t lock;
    bool is_on;
    size_t n;           /* allocations so far                  */
    size_t fail;        /* which of them fails, from 1; 0 none */
    bool is_persistent; /* and all that follow it              */
    size_t n_live;      /* of them, not freed                  */
    const void *slot[MEMORY_SLOTS];
} memory = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Open addressing. */
static size_t memory_home(const void *p)
{
    return (size_t)(((uintptr_t)p >> 4) * 0x9E3779B97F4A7C15u >> 50) % MEMORY_SLOTS;
}

static void memory_note(const void *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&memory.lock);
    if (++memory.n_live == MEMORY_SLOTS)
        abort();
    size_t k = memory_home(p);
    while (memory.slot[k])
        k = (k + 1) % MEMORY_SLOTS;
    memory.slot[k] = p;
    pthread_mutex_unlock(&memory.lock);
}

/* Close the gap at k: what has been pushed past it moves up. */
static void memory_close(size_t k)
{
    memory.slot[k] = NULL;
    for (size_t m = (k + 1) % MEMORY_SLOTS; memory.slot[m]; m = (m + 1) % MEMORY_SLOTS) {
        const size_t home = memory_home(memory.slot[m]);
        if ((m - home) % MEMORY_SLOTS >= (m - k) % MEMORY_SLOTS) {
            memory.slot[k] = memory.slot[m];
            memory.slot[m] = NULL;
            k = m;
        }
    }
}

/* Whether it was noted. */
static bool memory_forget(const void *p)
{
    if (!p || !memory.n_live)
        return false;
    pthread_mutex_lock(&memory.lock);
    size_t k = memory_home(p);
    while (memory.slot[k] && memory.slot[k] != p)
        k = (k + 1) % MEMORY_SLOTS;
    const bool is_known = memory.slot[k] == p;
    if (is_known) {
        memory_close(k);
        memory.n_live--;
    }
    pthread_mutex_unlock(&memory.lock);
    return is_known;
}

/* One more allocation; true if it is the one to fail. */
static bool memory_fails(void)
{
    if (!memory.is_on)
        return false;
    pthread_mutex_lock(&memory.lock);
    const size_t n = ++memory.n;
    const bool fails =
        memory.fail && (memory.is_persistent ? n >= memory.fail : n == memory.fail);
    pthread_mutex_unlock(&memory.lock);
    if (fails)
        errno = ENOMEM;
    return fails;
}

static void *memory_made(void *p)
{
    if (memory.is_on)
        memory_note(p);
    return p;
}

/* From here on; allocation number `fail` (from 1; 0 for none) fails, with all that follow it or
 * alone. */
static void memory_watch(size_t fail, bool is_persistent)
{
    memset(memory.slot, 0, sizeof memory.slot);
    memory.n = memory.n_live = 0;
    memory.fail = fail;
    memory.is_persistent = is_persistent;
    memory.is_on = true;
}

/* To here; allocations of before are freed as ever.  What the watched stretch has left behind
 * is memory.n_live. */
static void memory_rest(void)
{
    memory.is_on = false;
}

/* ---- what everybody calls ------------------------------------------------------------------
 */

void *malloc(size_t size)
{
    if (!memory_is_there())
        return memory_take_early(size);
    return memory_fails() ? NULL : memory_made(memory_below.malloc(size));
}

void *calloc(size_t n, size_t size)
{
    if (!memory_is_there())
        return memory_take_early(n * size);
    return memory_fails() ? NULL : memory_made(memory_below.calloc(n, size));
}

void *realloc(void *old, size_t size)
{
    if (!memory_is_there() || memory_is_early(old))
        abort();
    if (memory_fails())
        return NULL;
    const bool is_noted = memory_forget(old);
    void *p = memory_below.realloc(old, size);
    if (p ? is_noted || !old : is_noted)
        memory_made(p ? p : old);
    return p;
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (!memory_is_there() || memory_fails())
        return ENOMEM;
    const int failed = memory_below.memalign(out, alignment, size);
    if (!failed)
        memory_made(*out);
    return failed;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    if (!memory_is_there() || memory_fails())
        return NULL;
    return memory_made(memory_below.aligned(alignment, size));
}

void free(void *p)
{
    if (memory_is_early(p) || !memory_is_there())
        return;
    memory_forget(p);
    memory_below.free(p);
}

#endif
