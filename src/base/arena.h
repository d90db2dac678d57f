/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An arena: many allocations, one release. One for each module, component or request.
 * Blocks are aligned to 16 and live until arena_free. Not for use by two threads at once.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/alloc.h"

struct arena_chunk;

struct arena {
    struct alloc *alloc;
    struct arena_chunk *chunks; /* newest first */
    uint8_t *next, *end;        /* free room in the newest chunk */
    size_t total_bytes;         /* of all chunks */
};

void arena_init(struct arena *arena, struct alloc *alloc);
/* Releases everything; the arena can be used again. Accepts a zeroed arena. */
void arena_free(struct arena *arena);

/* A point to go back to: arena_rewind gives back everything allocated since then. */
struct arena_mark {
    struct arena_chunk *newest;
    uint8_t *next;
};
struct arena_mark arena_mark(const struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);

/* Uninitialised memory, or NULL when memory or budget is out. `bytes` 0 gives a unique address. */
MUST_CHECK void *arena_get(struct arena *arena, size_t bytes);
/* Zeroed array, or NULL; also on overflow of the product. */
MUST_CHECK void *arena_get_zeroed(struct arena *arena, size_t count, size_t bytes_each);
/* A copy of `bytes` bytes, or NULL. */
MUST_CHECK void *arena_copy(struct arena *arena, const void *data, size_t bytes);
/* A NUL-terminated copy, or NULL. */
MUST_CHECK char *arena_copy_string(struct arena *arena, const char *text, size_t bytes);

#endif
