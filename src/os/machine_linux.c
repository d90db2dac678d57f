/* SPDX-License-Identifier: Apache-2.0 */
#include "os/machine.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/control_group.h"

/* What is assumed where the system does not say: a small board. */
#define MEMORY_ASSUMED_BYTES ((uint64_t)512 << 20)

uint64_t machine_memory_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t memory =
        pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : MEMORY_ASSUMED_BYTES;
    struct control_group group;
    control_group_own(&group);
    return group.memory_bytes != 0 && group.memory_bytes < memory ? group.memory_bytes : memory;
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

uint64_t machine_number_in(const char *path)
{
    char text[32];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return UINT64_MAX;
    ssize_t bytes = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (bytes <= 0 || text[0] < '0' || text[0] > '9')
        return UINT64_MAX;
    text[bytes] = '\0';
    return strtoull(text, NULL, 10);
}

uint64_t machine_mappings_max(void)
{
    return machine_number_in("/proc/sys/vm/max_map_count");
}

bool machine_has_mapping(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *two = mmap(NULL, 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (two == MAP_FAILED)
        return false;
    /* Memory beside others of its kind is part of their mapping; half of it made different is not. */
    bool has_one = mprotect(two, page, PROT_READ) == 0;
    (void)munmap(two, 2 * page);
    return has_one;
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
