/* SPDX-License-Identifier: Apache-2.0 */
#include "os/readiness.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <time.h>

enum { NS_PER_SECOND = 1000000000 };

_Static_assert(POLLIN == READY_READ && POLLOUT == READY_WRITE && POLLERR == READY_ERROR &&
                   POLLHUP == READY_HANGUP && POLLNVAL == READY_BAD_FD,
               "the bits are those of poll");
_Static_assert(sizeof(struct ready_item) == sizeof(struct pollfd) &&
                   offsetof(struct ready_item, wanted) == offsetof(struct pollfd, events) &&
                   offsetof(struct ready_item, seen) == offsetof(struct pollfd, revents),
               "an item is a pollfd");

enum os_error ready_wait(struct ready_item *items, size_t count, uint64_t timeout_ns,
                         size_t *ret_ready)
{
    struct timespec timeout = {(time_t)(timeout_ns / NS_PER_SECOND),
                               (long)(timeout_ns % NS_PER_SECOND)};
    int ready = ppoll((struct pollfd *)(void *)items, (nfds_t)count,
                      timeout_ns == UINT64_MAX ? NULL : &timeout, NULL);
    if (ready == -1) {
        if (errno != EINTR)
            return os_error_of(errno);
        for (size_t i = 0; i < count; i++)
            items[i].seen = 0;
        ready = 0;
    }
    *ret_ready = (size_t)ready;
    return OS_OK;
}

void thread_yield(void)
{
    (void)sched_yield();
}
