/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An interruption is a flag that another thread sets, which wakes nobody; so where there is one, a
 * wait is cut into slices of a few milliseconds. Where only a deadline can stop the guest, the system
 * waits for it exactly; so does a waiter, whose thread wakes the guests that it interrupts.
 */
#include "wasi/host_wait.h"

#include "os/clock.h"

enum { SLICE_NS = 4000000 };

bool host_wait_is_over(const struct host_wait *wait)
{
    if (wait->interrupt && atomic_load_explicit(wait->interrupt, memory_order_relaxed))
        return true;
    return wait->deadline_ns != 0 && clock_now_ns(OS_CLOCK_MONOTONIC) >= wait->deadline_ns;
}

/* How long to wait at most before the next look; 0 when `until_ns` has come. */
static uint64_t step_ns(const struct host_wait *wait, uint64_t until_ns)
{
    uint64_t end_ns = until_ns;
    if (wait->deadline_ns != 0 && wait->deadline_ns < end_ns)
        end_ns = wait->deadline_ns;
    if (until_ns == 0)
        return 0;
    uint64_t step = UINT64_MAX;
    if (end_ns != HOST_WAIT_FOREVER) {
        uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
        step = end_ns > now_ns ? end_ns - now_ns : 0;
    }
    bool is_sliced = wait->interrupt && !host_wait_suspends(wait);
    return is_sliced && step > SLICE_NS ? SLICE_NS : step;
}

/* What is ready at once; without descriptors the system need not be asked. */
static enum os_error look(struct ready_item *items, size_t count, size_t *ret_ready)
{
    size_t open = 0;
    for (size_t i = 0; i < count; i++) {
        items[i].seen = 0;
        open += items[i].fd >= 0;
    }
    *ret_ready = 0;
    return open == 0 ? OS_OK : ready_wait(items, count, 0, ret_ready);
}

static enum os_error wait_once(const struct host_wait *wait, struct ready_item *items, size_t count,
                               uint64_t step, size_t *ret_ready)
{
    if (step == 0)
        return look(items, count, ret_ready);
    if (!host_wait_suspends(wait))
        return ready_wait(items, count, step, ret_ready);
    /* A look costs less than a suspension. */
    enum os_error error = look(items, count, ret_ready);
    if (error || *ret_ready > 0)
        return error;
    return wait->waiter->wait(wait->waiter, items, count, step, ret_ready);
}

enum os_error host_wait_any(const struct host_wait *wait, struct ready_item *items, size_t count,
                            uint64_t until_ns, size_t *ret_ready)
{
    for (;;) {
        if (host_wait_is_over(wait))
            return OS_STOPPED;
        uint64_t step = step_ns(wait, until_ns);
        size_t ready = 0;
        enum os_error error = wait_once(wait, items, count, step, &ready);
        if (error)
            return error;
        bool is_due = until_ns != HOST_WAIT_FOREVER &&
                      (until_ns == 0 || clock_now_ns(OS_CLOCK_MONOTONIC) >= until_ns);
        if (ready > 0 || is_due) {
            *ret_ready = ready;
            return OS_OK;
        }
    }
}

enum os_error host_wait_fd(const struct host_wait *wait, int fd, int16_t wanted)
{
    struct ready_item item = {.fd = fd, .wanted = wanted};
    size_t ready;
    return host_wait_any(wait, &item, 1, HOST_WAIT_FOREVER, &ready);
}

enum os_error host_wait_look(int fd, int16_t wanted)
{
    struct ready_item item = {.fd = fd, .wanted = wanted};
    size_t ready = 0;
    enum os_error error = ready_wait(&item, 1, 0, &ready);
    if (error)
        return error;
    return ready > 0 ? OS_OK : OS_AGAIN;
}

enum os_error host_wait_work(const struct host_wait *wait, void (*run)(void *arg), void *arg)
{
    if (host_wait_suspends(wait))
        return wait->waiter->work(wait->waiter, run, arg);
    run(arg);
    return OS_OK;
}
