/* SPDX-License-Identifier: Apache-2.0 */
#include "os/event.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum os_error event_create(int *ret_fd)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd == -1)
        return os_error_of(errno);
    *ret_fd = fd;
    return OS_OK;
}

void event_set(int fd)
{
    /* It fails only when the flag is set 2^64 times already. */
    uint64_t one = 1;
    ssize_t written = write(fd, &one, sizeof(one));
    (void)written;
}

void event_clear(int fd)
{
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof(count));
    (void)got;
}
