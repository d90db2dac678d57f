/* SPDX-License-Identifier: Apache-2.0 */
/* Zeroed arrays that are small, or of which little is touched. */
#ifndef RUNTIME_BLOCK_H
#define RUNTIME_BLOCK_H

#include "base/alloc.h"

/* A block of at most this size is allocated; a larger one is mapped, so that it costs memory only
 * where it is touched. A mapping of its own costs a start some microseconds. */
enum { BLOCK_MAPPED_BYTES = 16 << 10 };

/* A zeroed block, charged to the allocator's budget, or NULL. */
MUST_CHECK void *block_get(struct alloc *alloc, size_t bytes);
/* `bytes` is what it was made with. Accepts NULL. */
void block_put(struct alloc *alloc, void *block, size_t bytes);

#endif
