#include "ow_pool.h"

#include <stdlib.h>
#include <string.h>

#include "ow_kernel.h"

enum { HEAD = 64 };

struct block {
    struct block *next;
    size_t bytes; /* behind the head */
};
_Static_assert(sizeof(struct block) <= HEAD, "a block's head");

struct ow_pool {
    struct block *kept; /* the largest first */
};

struct ow_pool *ow_pool_create(void)
{
    return calloc(1, sizeof(struct ow_pool));
}

void ow_pool_destroy(struct ow_pool *pool)
{
    for (struct block *b = pool ? pool->kept : NULL, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(pool);
}

static struct block *find(struct ow_pool *pool)
{
    struct block *found = NULL;
#ifdef _OPENMP
    OW_PRAGMA(omp critical(ow_pool))
#endif
    {
        found = pool->kept;
        pool->kept = found ? found->next : NULL;
    }
    return found;
}

static struct block *block_create(size_t bytes)
{
    void *new = NULL;
    if (posix_memalign(&new, HEAD, bytes + HEAD))
        return NULL;
    struct block *b = new;
    b->bytes = bytes;
    return b;
}

/* Half as much again as asked for: what is asked for grows, and pages cost nothing before they
 * are touched. */
void *ow_pool_take(struct ow_pool *pool, size_t bytes)
{
    struct block *b = pool ? find(pool) : NULL;
    if (!b || b->bytes < bytes) {
        free(b);
        b = block_create(pool ? bytes + bytes / 2 : bytes);
    }
    return b ? memset((char *)b + HEAD, 0, bytes) : NULL;
}

void ow_pool_give(struct ow_pool *pool, void *block)
{
    if (!block)
        return;
    struct block *b = (struct block *)(void *)((char *)block - HEAD), **at;
    if (!pool) {
        free(b);
        return;
    }
#ifdef _OPENMP
    OW_PRAGMA(omp critical(ow_pool))
#endif
    {
        for (at = &pool->kept; *at && (*at)->bytes > b->bytes; at = &(*at)->next)
            ;
        b->next = *at;
        *at = b;
    }
}
