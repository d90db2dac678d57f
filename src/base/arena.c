/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <string.h>

enum { ALIGN = 16, CHUNK_BYTES_MIN = 1024, CHUNK_BYTES_MAX = 1 << 20 };

struct arena_chunk {
    struct arena_chunk *older;
    size_t bytes; /* this header included */
};

_Static_assert(sizeof(struct arena_chunk) % ALIGN == 0 || sizeof(void *) == 4,
               "the first block of a chunk is aligned");

void arena_init(struct arena *arena, struct alloc *alloc)
{
    memset(arena, 0, sizeof(*arena));
    arena->alloc = alloc;
}

void arena_free(struct arena *arena)
{
    struct arena_chunk *chunk = arena->chunks;
    while (chunk != NULL) {
        struct arena_chunk *older = chunk->older;
        alloc_put(arena->alloc, chunk, chunk->bytes);
        chunk = older;
    }
    arena_init(arena, arena->alloc);
}

struct arena_mark arena_mark(const struct arena *arena)
{
    return (struct arena_mark){arena->chunks, arena->next};
}

void arena_rewind(struct arena *arena, struct arena_mark mark)
{
    while (arena->chunks != mark.newest) {
        struct arena_chunk *older = arena->chunks->older;
        arena->total_bytes -= arena->chunks->bytes;
        alloc_put(arena->alloc, arena->chunks, arena->chunks->bytes);
        arena->chunks = older;
    }
    arena->next = mark.next;
    arena->end = mark.newest == NULL ? NULL : (uint8_t *)mark.newest + mark.newest->bytes;
}

/* Chunks double with the arena, so that a large module takes few and a small one wastes little. */
static bool add_chunk(struct arena *arena, size_t bytes)
{
    size_t header = (sizeof(struct arena_chunk) + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    size_t size = arena->total_bytes;
    if (size < CHUNK_BYTES_MIN)
        size = CHUNK_BYTES_MIN;
    if (size > CHUNK_BYTES_MAX)
        size = CHUNK_BYTES_MAX;
    if (bytes > SIZE_MAX - header)
        return false;
    if (size < bytes + header)
        size = bytes + header;
    struct arena_chunk *chunk = alloc_get(arena->alloc, size);
    if (chunk == NULL)
        return false;
    chunk->older = arena->chunks;
    chunk->bytes = size;
    arena->chunks = chunk;
    arena->next = (uint8_t *)chunk + header;
    arena->end = (uint8_t *)chunk + size;
    arena->total_bytes += size;
    return true;
}

void *arena_get(struct arena *arena, size_t bytes)
{
    if (bytes == 0)
        bytes = 1;
    if (bytes > SIZE_MAX - ALIGN)
        return NULL;
    bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if ((size_t)(arena->end - arena->next) < bytes && !add_chunk(arena, bytes))
        return NULL;
    void *block = arena->next;
    arena->next += bytes;
    return block;
}

void *arena_get_zeroed(struct arena *arena, size_t count, size_t bytes_each)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, bytes_each, &bytes))
        return NULL;
    void *block = arena_get(arena, bytes);
    if (block != NULL)
        memset(block, 0, bytes);
    return block;
}

void *arena_copy(struct arena *arena, const void *data, size_t bytes)
{
    void *block = arena_get(arena, bytes);
    if (block != NULL && bytes != 0)
        memcpy(block, data, bytes);
    return block;
}

char *arena_copy_string(struct arena *arena, const char *text, size_t bytes)
{
    char *copy = bytes == SIZE_MAX ? NULL : arena_get(arena, bytes + 1);
    if (copy != NULL) {
        if (bytes != 0)
            memcpy(copy, text, bytes);
        copy[bytes] = '\0';
    }
    return copy;
}
