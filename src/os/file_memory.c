/* SPDX-License-Identifier: Apache-2.0 */
#include "os/files.h"

#include <errno.h>
#include <sys/mman.h>

enum os_error file_open_memory(const char *name, int *ret_fd)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0)
        return os_error_of(errno);
    *ret_fd = fd;
    return OS_OK;
}
