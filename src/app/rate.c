/* SPDX-License-Identifier: Apache-2.0 */
#include "app/rate.h"

#include <string.h>

#include "base/map.h"
#include "os/random.h"

enum { WAYS = 8 }; /* places where a client's bucket can be */

/* Tokens are counted as the time when the bucket is full again: one number, and nothing to fill. */
struct bucket {
    struct client_key client;
    uint64_t full_ns;
};

struct rate_limiter {
    struct alloc *alloc;
    uint64_t token_ns; /* time that one request costs */
    uint64_t burst_ns; /* what a full bucket holds */
    uint64_t seed;
    uint32_t mask; /* of sets of WAYS buckets */
    struct bucket *buckets;
};

struct rate_limiter *rate_create(struct alloc *alloc, const struct app_rate *rate, uint32_t clients)
{
    struct rate_limiter *limiter = alloc_get_zeroed(alloc, 1, sizeof(*limiter));
    uint32_t sets = 1;
    if (limiter == NULL)
        return NULL;
    while (sets < UINT32_MAX / 2 / WAYS && sets * WAYS < clients)
        sets *= 2;
    limiter->alloc = alloc;
    limiter->mask = sets - 1;
    limiter->token_ns = rate->count == 0 ? 0 : rate->per_ns / rate->count;
    if (__builtin_mul_overflow(limiter->token_ns, rate->burst, &limiter->burst_ns))
        limiter->burst_ns = UINT64_MAX / 4;
    limiter->buckets = alloc_get_zeroed(alloc, (size_t)sets * WAYS, sizeof(*limiter->buckets));
    if (limiter->buckets == NULL || random_fill(&limiter->seed, sizeof(limiter->seed)) != OS_OK) {
        rate_free(limiter);
        return NULL;
    }
    return limiter;
}

void rate_free(struct rate_limiter *limiter)
{
    if (limiter == NULL)
        return;
    alloc_put(limiter->alloc, limiter->buckets,
              ((size_t)limiter->mask + 1) * WAYS * sizeof(*limiter->buckets));
    alloc_put(limiter->alloc, limiter, sizeof(*limiter));
}

bool rate_take(struct rate_limiter *limiter, struct client_key client, uint64_t now_ns,
               uint64_t *ret_wait_ns)
{
    uint64_t hash = hash_bytes(client.bytes, sizeof(client.bytes), limiter->seed);
    struct bucket *set = limiter->buckets + (size_t)(hash & limiter->mask) * WAYS;
    struct bucket *found = NULL, *fullest = set;
    for (size_t i = 0; i < WAYS && found == NULL; i++) {
        if (memcmp(&set[i].client, &client, sizeof(client)) == 0)
            found = &set[i];
        if (set[i].full_ns < fullest->full_ns)
            fullest = &set[i];
    }
    if (found == NULL) {
        found = fullest;
        *found = (struct bucket){.client = client};
    }
    uint64_t full_ns = found->full_ns > now_ns ? found->full_ns : now_ns;
    uint64_t after_ns = full_ns + limiter->token_ns;
    if (after_ns - now_ns > limiter->burst_ns && limiter->token_ns > 0) {
        *ret_wait_ns = after_ns - now_ns - limiter->burst_ns;
        return false;
    }
    found->full_ns = after_ns;
    return true;
}
