/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place where a guest's call waits. A wait ends early, with OS_STOPPED, when the guest's time
 * is up or it is interrupted; everything else that may take long asks host_wait_is_over now and
 * then.
 */
#ifndef WASI_HOST_WAIT_H
#define WASI_HOST_WAIT_H

#include <stdatomic.h>

#include "os/readiness.h"

/* What can stop the guest; all zero: nothing. Times are on OS_CLOCK_MONOTONIC. */
struct host_wait {
    uint64_t deadline_ns;         /* 0: none */
    const atomic_bool *interrupt; /* set from any thread; NULL: nobody can */
};

#define HOST_WAIT_FOREVER UINT64_MAX

static inline bool host_wait_can_stop(const struct host_wait *wait)
{
    return wait->deadline_ns != 0 || wait->interrupt != NULL;
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

#endif
