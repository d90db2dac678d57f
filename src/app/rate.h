/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often clients may ask: a token bucket for each, in a table of fixed size. A bucket that is full
 * again says the same as none, so it is the first to make room; where none is, the one that is fullest
 * among those that could stand in its place is forgotten. So memory is bounded, and a flood of
 * addresses can make others' limits weaker, never stricter.
 *
 * Not for use by two threads at once: each worker has its own, with its share of the rate.
 */
#ifndef APP_RATE_H
#define APP_RATE_H

#include "app/client.h"

struct rate_limiter;

/*
 * For `clients` at a time (rounded up to a power of two; 24 bytes each). NULL: no
 * memory, or no entropy.
 */
struct rate_limiter *rate_create(struct alloc *alloc, const struct app_rate *rate,
                                 uint32_t clients);
void rate_free(struct rate_limiter *limiter); /* accepts NULL */
/* Takes one request of a client. False: too many; `ret_wait_ns` says when there is one again. */
bool rate_take(struct rate_limiter *limiter, struct client_key client, uint64_t now_ns,
               uint64_t *ret_wait_ns);

#endif
