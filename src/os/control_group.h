/* SPDX-License-Identifier: Apache-2.0 */
/* What Linux's control groups let a process have, in both of their versions. */
#ifndef OS_CONTROL_GROUP_H
#define OS_CONTROL_GROUP_H

#include "base/status.h"

/* UINT64_MAX: no limit. */
struct control_group {
    uint64_t memory_bytes; /* the least memory.max of the group and of those that it is in */
    uint64_t tasks;        /* how many processes and threads may still be added: pids.max */
};

/* `root`: where the hierarchies are mounted, "/sys/fs/cgroup". `groups`: what /proc/self/cgroup says, a
 * line for each hierarchy. */
void control_group_read(const char *root, const char *groups, struct control_group *ret_group);
/* Of this process. */
void control_group_own(struct control_group *ret_group);

#endif
