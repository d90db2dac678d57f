/* SPDX-License-Identifier: Apache-2.0 */
#include "wasi/host_random.h"

#include "os/random.h"

enum { CHUNK_BYTES = 1 << 20 }; /* about 3 ms of work */

enum os_error host_random_fill(const struct host_wait *wait, void *data, size_t bytes)
{
    uint8_t *at = data;
    while (bytes > 0) {
        size_t chunk = bytes < CHUNK_BYTES ? bytes : CHUNK_BYTES;
        enum os_error error = random_fill(at, chunk);
        if (error)
            return error;
        at += chunk;
        bytes -= chunk;
        if (bytes > 0 && host_wait_is_over(wait))
            return OS_STOPPED;
    }
    return OS_OK;
}
