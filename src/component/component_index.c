/* SPDX-License-Identifier: Apache-2.0 */
#include "component/component_index.h"

#include <string.h>

#include "base/map.h"

/* ---- Names ------------------------------------------------------------------------------- */

static struct wasm_name name_at(const struct wasm_name *first, size_t stride_bytes, uint32_t item)
{
    const struct wasm_name *name =
        (const void *)((const uint8_t *)first + (size_t)item * stride_bytes);
    return *name;
}

static bool same(struct wasm_name a, struct wasm_name b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.text, b.text, a.bytes) == 0);
}

/* The slot of a name: its own, or the free one where it belongs. */
static uint32_t *slot_of(const struct name_index *index, struct wasm_name name,
                         const struct wasm_name *second)
{
    /* The place of the table is what a hostile name cannot know. */
    uint64_t hash = hash_bytes(name.text, name.bytes, (uintptr_t)index->slots);
    if (index->second != NULL)
        hash = hash_bytes(second->text, second->bytes, hash);
    for (uint32_t i = (uint32_t)hash & index->mask;; i = (i + 1) & index->mask) {
        uint32_t item = index->slots[i];
        if (item == 0)
            return &index->slots[i];
        if (same(name, name_at(index->first, index->stride_bytes, item - 1)) &&
            (index->second == NULL ||
             same(*second, name_at(index->second, index->stride_bytes, item - 1))))
            return &index->slots[i];
    }
}

bool name_index_build(struct arena *arena, const struct wasm_name *first,
                      const struct wasm_name *second, size_t stride_bytes, uint32_t count,
                      struct name_index *ret_index, uint32_t *ret_duplicate)
{
    struct name_index index = {
        .first = first, .second = second, .stride_bytes = stride_bytes, .count = count};
    uint32_t duplicate = INDEX_NONE, capacity = 2;
    while (capacity / 2 < count)
        capacity *= 2;
    index.mask = capacity - 1;
    index.slots = arena_get_zeroed(arena, capacity, sizeof(*index.slots));
    if (index.slots == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct wasm_name more = {NULL, 0};
        if (second != NULL)
            more = name_at(second, stride_bytes, i);
        uint32_t *slot = slot_of(&index, name_at(first, stride_bytes, i), &more);
        if (*slot == 0)
            *slot = i + 1;
        else if (duplicate == INDEX_NONE)
            duplicate = i;
    }
    *ret_index = index;
    if (ret_duplicate != NULL)
        *ret_duplicate = duplicate;
    return true;
}

uint32_t name_index_find(const struct name_index *index, struct wasm_name name,
                         const struct wasm_name *second)
{
    if (index->count == 0)
        return INDEX_NONE;
    uint32_t item = *slot_of(index, name, second);
    return item == 0 ? INDEX_NONE : item - 1;
}

/* ---- Numbers ----------------------------------------------------------------------------- */

void number_map_init(struct number_map *map, struct alloc *alloc)
{
    *map = (struct number_map){.alloc = alloc};
}

void number_map_free(struct number_map *map)
{
    alloc_put(map->alloc, map->entries, map->capacity * sizeof(*map->entries));
    map->entries = NULL;
    map->capacity = map->count = 0;
}

void number_map_clear(struct number_map *map)
{
    if (map->count != 0)
        memset(map->entries, 0, map->capacity * sizeof(*map->entries));
    map->count = 0;
}

static struct number_entry *entry_of(const struct number_map *map, uint64_t key)
{
    size_t mask = map->capacity - 1;
    for (size_t i = (key * 0x9e3779b97f4a7c15u >> 32) & mask;; i = (i + 1) & mask) {
        struct number_entry *entry = &map->entries[i];
        if (entry->key == 0 || entry->key == key)
            return entry;
    }
}

static bool grow(struct number_map *map)
{
    struct number_map bigger = *map;
    bigger.capacity = map->capacity == 0 ? 8 : map->capacity * 2;
    bigger.entries = alloc_get_zeroed(map->alloc, bigger.capacity, sizeof(*bigger.entries));
    if (bigger.entries == NULL)
        return false;
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->entries[i].key != 0)
            *entry_of(&bigger, map->entries[i].key) = map->entries[i];
    }
    alloc_put(map->alloc, map->entries, map->capacity * sizeof(*map->entries));
    *map = bigger;
    return true;
}

bool number_map_put(struct number_map *map, uint64_t key, uint64_t value)
{
    if (map->count * 2 >= map->capacity && !grow(map))
        return false;
    struct number_entry *entry = entry_of(map, key);
    if (entry->key == 0)
        map->count++;
    *entry = (struct number_entry){key, value};
    return true;
}

const uint64_t *number_map_find(const struct number_map *map, uint64_t key)
{
    if (map->count == 0)
        return NULL;
    const struct number_entry *entry = entry_of(map, key);
    return entry->key == 0 ? NULL : &entry->value;
}
