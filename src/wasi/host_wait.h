/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place where a guest's call waits. A wait ends early, with OS_STOPPED, when the guest's time
 * is up or it is interrupted; everything else that may take long asks host_wait_is_over now and
 * then.
 */
#ifndef WASI_HOST_WAIT_H
#define WASI_HOST_WAIT_H

#include <stdatomic.h>

#include "runtime/waiter.h"
#include "stint_config.h"

/* What can stop the guest, and who waits; all zero: nothing, the thread. Times are on
 * OS_CLOCK_MONOTONIC. */
struct host_wait {
    uint64_t deadline_ns;         /* 0: none */
    const atomic_bool *interrupt; /* set from any thread; NULL: nobody can */
    struct waiter *waiter;        /* NULL: the thread waits */
};

#define HOST_WAIT_FOREVER UINT64_MAX

/* Whether it is not the thread that waits. */
static inline bool host_wait_suspends(const struct host_wait *wait)
{
    return STINT_WITH_FIBER && wait->waiter != NULL;
}

/* Whether a call of the system that waits would keep what must not be kept: the guest from its end,
 * or the thread from other guests. */
static inline bool host_wait_can_stop(const struct host_wait *wait)
{
    return wait->deadline_ns != 0 || wait->interrupt != NULL || host_wait_suspends(wait);
}

bool host_wait_is_over(const struct host_wait *wait);

/*
 * Waits until one of the items is ready or the time `until_ns` has come; 0 only looks. `ret_ready`
 * counts the items that are ready, whose `seen` tells what for; it is 0 when the time came first.
 */
MUST_CHECK enum os_error host_wait_any(const struct host_wait *wait, struct ready_item *items,
                                       size_t count, uint64_t until_ns, size_t *ret_ready);
/* Waits for one descriptor; `wanted` is READY_READ or READY_WRITE. */
MUST_CHECK enum os_error host_wait_fd(const struct host_wait *wait, int fd, int16_t wanted);
/* OS_AGAIN when the descriptor is not ready now. */
MUST_CHECK enum os_error host_wait_look(int fd, int16_t wanted);

/* Runs `run(arg)`, which may keep a thread for long: not the guest's, where that one serves others
 * too. It may read and write the guest's memory, and nothing else of its store. Not OS_OK: it was not
 * run. */
MUST_CHECK enum os_error host_wait_work(const struct host_wait *wait, void (*run)(void *arg),
                                        void *arg);

#endif
