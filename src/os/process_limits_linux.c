/* SPDX-License-Identifier: Apache-2.0 */
#include "os/process_limits.h"

#include <sys/resource.h>

#include "os/control_group.h"
#include "os/machine.h"

static uint64_t limit_of(rlim_t value)
{
    return value == RLIM_INFINITY ? UINT64_MAX : (uint64_t)value;
}

void limits_read(struct process_limits *ret_limits)
{
    struct rlimit files = {RLIM_INFINITY, RLIM_INFINITY}, space = files;
    struct control_group group;
    (void)!getrlimit(RLIMIT_NOFILE, &files);
    (void)!getrlimit(RLIMIT_AS, &space);
    control_group_own(&group);
    uint64_t memory = machine_memory_bytes();
    *ret_limits = (struct process_limits){
        .files = limit_of(files.rlim_cur),
        .files_max = limit_of(files.rlim_max),
        .mappings = machine_mappings_max(),
        .address_bytes = limit_of(space.rlim_cur),
        .tasks = group.tasks,
        .memory_bytes = memory,
        .is_group_memory = group.memory_bytes <= memory,
        .counts_unused = machine_number_in("/proc/sys/vm/overcommit_memory") == 2,
    };
}

void limits_raise_files(uint64_t wanted)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY ||
        files.rlim_cur >= wanted)
        return;
    bool is_enough = files.rlim_max == RLIM_INFINITY || files.rlim_max >= wanted;
    files.rlim_cur = is_enough ? (rlim_t)wanted : files.rlim_max;
    (void)!setrlimit(RLIMIT_NOFILE, &files);
}
