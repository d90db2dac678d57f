/* SPDX-License-Identifier: Apache-2.0 */
#include "os/random.h"

#include <errno.h>
#include <sys/random.h>

enum os_error random_fill(void *data, size_t bytes)
{
    uint8_t *at = data;
    while (bytes > 0) {
        ssize_t got = getrandom(at, bytes, 0);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            return os_error_of(errno);
        at += got;
        bytes -= (size_t)got;
    }
    return OS_OK;
}
