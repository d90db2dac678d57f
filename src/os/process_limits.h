/* SPDX-License-Identifier: Apache-2.0 */
/* What the system lets this process have. */
#ifndef OS_PROCESS_LIMITS_H
#define OS_PROCESS_LIMITS_H

#include "base/status.h"

/* UINT64_MAX: no limit, or none that is known. */
struct process_limits {
    uint64_t files, files_max; /* descriptors; and as many as it may raise that to */
    uint64_t mappings;         /* vm.max_map_count */
    uint64_t address_bytes;    /* RLIMIT_AS */
    uint64_t tasks;            /* processes and threads that its control group may still have */
    uint64_t memory_bytes;     /* the machine's, or what its control group may have of that */
    bool is_group_memory;      /* the latter */
    bool counts_unused;        /* vm.overcommit_memory is 2: writable memory counts, used or not */
};

void limits_read(struct process_limits *ret_limits);
/* As many descriptors as may be, up to `wanted`; never fewer than before. */
void limits_raise_files(uint64_t wanted);

#endif
