/* SPDX-License-Identifier: Apache-2.0 */
#include "os/machine.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

/* What is assumed where the system does not say: a small board. */
#define MEMORY_ASSUMED_BYTES ((uint64_t)512 << 20)

/* The number in a file of a line, or UINT64_MAX where it has none ("max"). */
static uint64_t number_in(const char *path)
{
    char text[32];
    uint64_t number = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return UINT64_MAX;
    ssize_t bytes = read(fd, text, sizeof(text));
    close(fd);
    if (bytes <= 0 || text[0] < '0' || text[0] > '9')
        return UINT64_MAX;
    for (ssize_t i = 0; i < bytes && text[i] >= '0' && text[i] <= '9'; i++) {
        if (number > (UINT64_MAX - 9) / 10)
            return UINT64_MAX;
        number = number * 10 + (uint64_t)(text[i] - '0');
    }
    return number;
}

uint64_t machine_memory_bytes(void)
{
    /* Of the control group that a container sees as its root, in both versions. */
    static const char *const limits[] = {"/sys/fs/cgroup/memory.max",
                                         "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t memory =
        pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : MEMORY_ASSUMED_BYTES;
    for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
        uint64_t limit = number_in(limits[i]);
        if (limit != 0 && limit < memory)
            memory = limit;
    }
    return memory;
}

uint64_t machine_address_bytes(void)
{
    /* The stack lies at the upper end of what a process may use. */
    int here;
    uint64_t space = 1;
    for (uintptr_t at = (uintptr_t)&here; at != 0; at >>= 1)
        space <<= 1;
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur < space)
        space = limit.rlim_cur;
    return space;
}

unsigned machine_cpu_count(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count > 0 ? (unsigned)count : 1;
}

unsigned machine_cpu_current(void)
{
    int cpu = sched_getcpu();
    return cpu < 0 ? 0 : (unsigned)cpu;
}
