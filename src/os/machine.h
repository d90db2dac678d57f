/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine has, for sizes that are chosen by it. */
#ifndef OS_MACHINE_H
#define OS_MACHINE_H

#include "base/status.h"

/* Memory that this process may count on: the machine's, or the limit of its control group. */
uint64_t machine_memory_bytes(void);
/* Address space of a process: as wide as its addresses are, or as the process is limited to. */
uint64_t machine_address_bytes(void);
/* The number in a file of one line, as the kernel writes them; UINT64_MAX where there is none. */
uint64_t machine_number_in(const char *path);
/* Mappings that a process may have (vm.max_map_count). */
uint64_t machine_mappings_max(void);
/* Whether this process may have one more: what is said of memory that cannot be had depends on it. */
bool machine_has_mapping(void);
/* Processors, at least 1, and the number of the one that runs this thread now (any number). */
unsigned machine_cpu_count(void);
unsigned machine_cpu_current(void);

#endif
