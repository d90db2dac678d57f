/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to servers that wait for who needs one next, in whichever thread that is. A link is given
 * when nothing is on its way on it and it is as it was when it was opened.
 *
 *     struct redis_link { struct idle_link idle; … };          the first member
 *     link = (struct redis_link *)link_pool_take(pool, &url, owner);
 *     link_pool_give(pool, &link->idle, owner, until_ns);
 */
#ifndef SERVICES_LINK_POOL_H
#define SERVICES_LINK_POOL_H

#include <stdbool.h>
#include <stdint.h>

struct link_pool;

struct idle_link {
    const void *owner;
    uint64_t until_ns; /* on OS_CLOCK_MONOTONIC: older ones are not used */
};

struct link_kind {
    bool (*fits)(const struct idle_link *link, const void *wanted);
    bool (*is_quiet)(
        const struct idle_link *link); /* its server has said nothing, and has not gone */
    void (*free)(struct idle_link *link);
};

/* `kind` stays. NULL: no memory. */
struct link_pool *link_pool_create(const struct link_kind *kind);
void link_pool_free(struct link_pool *pool); /* accepts NULL */

/* The one that was given last of those that fit; NULL: there is none. */
struct idle_link *link_pool_take(struct link_pool *pool, const void *wanted, const void *owner);
/* Where there are too many, the one that has waited longest is freed. */
void link_pool_give(struct link_pool *pool, struct idle_link *link, const void *owner,
                    uint64_t until_ns);

#endif
