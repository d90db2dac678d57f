/* SPDX-License-Identifier: Apache-2.0 */
/* What the C library keeps of memory that was freed. */
#ifndef OS_HEAP_H
#define OS_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/* Gives the system back what is free where that is more than `free_bytes_max`: after a burst the heaps
 * of threads would keep most of it. False where there was less, or the C library cannot tell. */
bool heap_trim(size_t free_bytes_max);

#endif
