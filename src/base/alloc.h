/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allocator that is passed in at creation, with a budget and a parent.
 *
 * Every allocation is counted against its allocator and all of its parents; one that would exceed
 * any budget fails as if memory had run out. The root sits on the C library, or on functions that
 * the embedder gave. An allocator may be used by several threads at once: its counts are atomic.
 *
 * Sizes are in bytes. Blocks are aligned to 16. The caller states a block's size again when it
 * frees or grows it, so that no header is spent on small blocks.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stdatomic.h>

#include "base/status.h"

/* As the C library's realloc: `new_bytes` 0 frees and returns NULL; `old_bytes` 0 allocates. */
typedef void *(*alloc_fn)(void *context, void *block, size_t old_bytes, size_t new_bytes);

struct alloc {
    struct alloc *parent;  /* NULL at the root */
    alloc_fn resize;       /* the root's source of memory */
    void *context;
    size_t budget_bytes;   /* SIZE_MAX: no limit of its own */
    atomic_size_t used_bytes;
    atomic_size_t peak_bytes;
    /* Fault injection for tests: the allocation with this number (from 1) fails; 0 never. */
    atomic_size_t fail_at;
    atomic_size_t calls;
};

/* A root over the C library (`resize` NULL) or over the embedder's function. */
void alloc_init(struct alloc *alloc, alloc_fn resize, void *context, size_t budget_bytes);
/* A root over the C library, without a limit, for what belongs to no engine. */
extern struct alloc alloc_root;
/* A child that draws from `parent`, which must outlive it. */
void alloc_init_child(struct alloc *alloc, struct alloc *parent, size_t budget_bytes);

/* Uninitialised memory, or NULL. `bytes` 0 gives NULL, which is not a failure. */
MUST_CHECK void *alloc_get(struct alloc *alloc, size_t bytes);
/* Zeroed array, or NULL; also when count * bytes_each overflows. */
MUST_CHECK void *alloc_get_zeroed(struct alloc *alloc, size_t count, size_t bytes_each);
/* Grows or shrinks; on failure NULL, and the old block stays as it was. */
MUST_CHECK void *alloc_resize(struct alloc *alloc, void *block, size_t old_bytes, size_t new_bytes);
/* `bytes` is what the block was allocated with. Accepts NULL. */
void alloc_put(struct alloc *alloc, void *block, size_t bytes);

/* Counts memory that comes from elsewhere (mappings) against the budget; false when it is over. */
MUST_CHECK bool alloc_charge(struct alloc *alloc, size_t bytes);
void alloc_discharge(struct alloc *alloc, size_t bytes);

#endif
