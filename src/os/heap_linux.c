/* SPDX-License-Identifier: Apache-2.0 */
#include "os/heap.h"

#include <malloc.h>

bool heap_trim(size_t free_bytes_max)
{
#ifdef __GLIBC__
    return mallinfo2().fordblks > free_bytes_max && malloc_trim(0) == 1;
#else
    (void)free_bytes_max;
    return false;
#endif
}
