/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/block.h"

#include "os/pages.h"

void *block_get(struct alloc *alloc, size_t bytes)
{
    if (bytes <= BLOCK_MAPPED_BYTES)
        return alloc_get_zeroed(alloc, 1, bytes);
    if (!alloc_charge(alloc, bytes))
        return NULL;
    void *block = pages_get(bytes);
    if (block == NULL)
        alloc_discharge(alloc, bytes);
    return block;
}

void block_put(struct alloc *alloc, void *block, size_t bytes)
{
    if (bytes <= BLOCK_MAPPED_BYTES) {
        alloc_put(alloc, block, bytes);
    } else if (block != NULL) {
        pages_release(block, bytes);
        alloc_discharge(alloc, bytes);
    }
}
