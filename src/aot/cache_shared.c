/* SPDX-License-Identifier: Apache-2.0 */
/* The process's cache. */
#include "aot/cache.h"
#include "os/lock.h"

static struct lock shared_lock = LOCK_INIT;
static struct cache *shared;            /* once it is open; under the lock, as is the rest */
static struct stint_error shared_error; /* why it could not be opened */

struct cache *cache_shared(struct stint_error *error)
{
    lock_take(&shared_lock);
    if (shared == NULL && shared_error.status == STINT_OK &&
        cache_open(&alloc_root, &shared, &shared_error) != STINT_OK)
        shared = NULL;
    struct cache *cache = shared;
    if (cache == NULL)
        error_set(error, shared_error.status, STINT_NO_OFFSET, "%s", shared_error.message);
    lock_give(&shared_lock);
    return cache;
}
