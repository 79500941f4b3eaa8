/* Workspace that is taken and given back again and again: blocks are kept, and the largest goes
 * to the next that asks, because fresh pages of the system cost as much as the work on them.
 * The threads of OpenMP may share a pool. */
#ifndef OW_POOL_H
#define OW_POOL_H

#include <stddef.h>

struct ow_pool;

/* NULL without memory. */
struct ow_pool *ow_pool_create(void);
/* All blocks must have been given back. */
void ow_pool_destroy(struct ow_pool *pool);

/* Zeros, at a multiple of 64 bytes; NULL without memory.  Without a pool (NULL) a block of its
 * own. */
void *ow_pool_take(struct ow_pool *pool, size_t bytes);
/* To the same pool; NULL is fine. */
void ow_pool_give(struct ow_pool *pool, void *block);

#endif
