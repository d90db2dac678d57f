/* SPDX-License-Identifier: Apache-2.0 */
#include "services/link_pool.h"

#include <string.h>

#include "base/alloc.h"
#include "os/clock.h"
#include "os/lock.h"

enum { IDLE_MAX = 64 };

struct link_pool {
    const struct link_kind *kind;
    struct lock lock;
    struct idle_link *links[IDLE_MAX]; /* the oldest first */
    size_t count;
};

struct link_pool *link_pool_create(const struct link_kind *kind)
{
    struct link_pool *pool = alloc_get_zeroed(&alloc_root, 1, sizeof(*pool));
    if (pool == NULL)
        return NULL;
    pool->kind = kind;
    lock_init(&pool->lock);
    return pool;
}

void link_pool_free(struct link_pool *pool)
{
    if (pool == NULL)
        return;
    for (size_t i = 0; i < pool->count; i++)
        pool->kind->free(pool->links[i]);
    lock_free(&pool->lock);
    alloc_put(&alloc_root, pool, sizeof(*pool));
}

static struct idle_link *take_at(struct link_pool *pool, size_t index)
{
    struct idle_link *link = pool->links[index];
    pool->count--;
    memmove(&pool->links[index], &pool->links[index + 1],
            (pool->count - index) * sizeof(pool->links[0]));
    return link;
}

struct idle_link *link_pool_take(struct link_pool *pool, const void *wanted, const void *owner)
{
    for (;;) {
        struct idle_link *link = NULL;
        lock_take(&pool->lock);
        for (size_t i = pool->count; i > 0 && link == NULL; i--) {
            const struct idle_link *idle = pool->links[i - 1];
            if (idle->owner == owner && pool->kind->fits(idle, wanted))
                link = take_at(pool, i - 1);
        }
        lock_give(&pool->lock);
        bool is_fine = link != NULL && clock_now_ns(OS_CLOCK_MONOTONIC) < link->until_ns &&
                       pool->kind->is_quiet(link);
        if (link == NULL || is_fine)
            return link;
        pool->kind->free(link);
    }
}

void link_pool_give(struct link_pool *pool, struct idle_link *link, const void *owner,
                    uint64_t until_ns)
{
    struct idle_link *oldest = NULL;
    link->owner = owner;
    link->until_ns = until_ns;
    lock_take(&pool->lock);
    if (pool->count == IDLE_MAX)
        oldest = take_at(pool, 0);
    pool->links[pool->count++] = link;
    lock_give(&pool->lock);
    if (oldest != NULL)
        pool->kind->free(oldest);
}
