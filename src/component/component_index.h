/* SPDX-License-Identifier: Apache-2.0 */
/* Two small tables for the validator: from names to places in an array, and from numbers to numbers. */
#ifndef COMPONENT_COMPONENT_INDEX_H
#define COMPONENT_COMPONENT_INDEX_H

#include "base/arena.h"
#include "wasm/module.h"

/*
 * Finds items of an array by name. The array's items are `stride_bytes` apart, `first` is the name of
 * the first one; `second` a second part of the names (of core imports), or NULL.
 */
struct name_index {
    const struct wasm_name *first, *second;
    size_t stride_bytes;
    uint32_t count, mask;
    uint32_t *slots; /* item + 1, or 0 */
};

enum { INDEX_NONE = 0xffffffff };

/* Slots go into the arena; false when memory is out. Where two items have one name, the later one goes
 * to `ret_duplicate` (may be NULL), which is INDEX_NONE otherwise. */
MUST_CHECK bool name_index_build(struct arena *arena, const struct wasm_name *first,
                                 const struct wasm_name *second, size_t stride_bytes,
                                 uint32_t count, struct name_index *ret_index,
                                 uint32_t *ret_duplicate);
/* The item's place, or INDEX_NONE. `second` may be NULL. */
uint32_t name_index_find(const struct name_index *index, struct wasm_name name,
                         const struct wasm_name *second);

/* Numbers above 0 to numbers. */
struct number_map {
    struct alloc *alloc;
    struct number_entry {
        uint64_t key, value; /* key 0: free */
    } *entries;
    size_t capacity, count; /* capacity is a power of two, or 0 */
};

void number_map_init(struct number_map *map, struct alloc *alloc);
void number_map_free(struct number_map *map);
/* Keeps the memory. */
void number_map_clear(struct number_map *map);
/* Adds or replaces; false when memory is out. */
MUST_CHECK bool number_map_put(struct number_map *map, uint64_t key, uint64_t value);
/* NULL: not there. Valid until the next put. */
const uint64_t *number_map_find(const struct number_map *map, uint64_t key);

#endif
