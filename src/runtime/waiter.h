/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waits when a guest's call has to. Without one the thread does; a server sets one in its stores,
 * which suspends the guest's fiber, so that the thread serves others meanwhile.
 */
#ifndef RUNTIME_WAITER_H
#define RUNTIME_WAITER_H

#include "os/readiness.h"

struct waiter {
    /* As ready_wait (os/readiness.h). May return early with nothing ready, and does so once the store
     * was interrupted by the thread that resumes the guest. */
    enum os_error (*wait)(struct waiter *waiter, struct ready_item *items, size_t count,
                          uint64_t timeout_ns, size_t *ret_ready);
    /* Runs `run(arg)`, which may block but touches no store, in another thread, and comes back when it
     * is done. OS_NOMEM, OS_AGAIN: it was not run. */
    enum os_error (*work)(struct waiter *waiter, void (*run)(void *arg), void *arg);
    /* Called at the end of a slice of fuel, at most a millisecond after the last: others may run. */
    void (*yield)(struct waiter *waiter);
};

#endif
