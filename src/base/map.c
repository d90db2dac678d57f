/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <string.h>

/* One step: multiply by an odd constant, then fold the well-mixed high half down. */
static uint64_t fold(uint64_t value, uint64_t factor)
{
    value *= factor | 1;
    return value ^ value >> 32;
}

uint64_t hash_bytes(const void *data, size_t bytes, uint64_t seed)
{
    const uint8_t *p = data;
    uint64_t hash = seed ^ 0x9e3779b97f4a7c15u;
    size_t left = bytes;
    for (; left >= 8; left -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, sizeof(word));
        hash = fold(hash ^ word, 0xd6e8feb86659fd93u);
    }
    uint64_t tail = 0;
    if (left != 0)
        memcpy(&tail, p, left);
    hash = fold(hash ^ tail, 0xa0761d6478bd642fu ^ bytes);
    return fold(hash, 0xe7037ed1a0b428dbu);
}

void map_init(struct map *map, struct alloc *alloc)
{
    memset(map, 0, sizeof(*map));
    map->alloc = alloc;
    map->seed = hash_bytes(&map, sizeof(map), (uintptr_t)alloc);
}

void map_free(struct map *map)
{
    if (map->entries != NULL)
        alloc_put(map->alloc, map->entries, map->capacity * sizeof(*map->entries));
    map->entries = NULL;
    map->capacity = map->count = 0;
}

static struct map_entry *slot_of(const struct map *map, const void *key, size_t key_bytes,
                                 uint64_t hash)
{
    size_t mask = map->capacity - 1;
    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        struct map_entry *entry = &map->entries[i];
        if (entry->key == NULL)
            return entry;
        if (entry->hash == hash && entry->key_bytes == key_bytes &&
            (key_bytes == 0 || memcmp(entry->key, key, key_bytes) == 0))
            return entry;
    }
}

static bool grow(struct map *map)
{
    struct map bigger = *map;
    bigger.capacity = map->capacity == 0 ? 16 : map->capacity * 2;
    bigger.entries = alloc_get_zeroed(map->alloc, bigger.capacity, sizeof(*bigger.entries));
    if (bigger.entries == NULL)
        return false;
    for (size_t i = 0; i < map->capacity; i++) {
        const struct map_entry *entry = &map->entries[i];
        if (entry->key != NULL)
            *slot_of(&bigger, entry->key, entry->key_bytes, entry->hash) = *entry;
    }
    size_t count = map->count;
    map_free(map);
    map->entries = bigger.entries;
    map->capacity = bigger.capacity;
    map->count = count;
    return true;
}

bool map_put(struct map *map, const void *key, size_t key_bytes, uint64_t value)
{
    static const char empty[1];
    if (key == NULL)
        key = empty;
    if (map->count * 2 >= map->capacity && !grow(map))
        return false;
    uint64_t hash = hash_bytes(key, key_bytes, map->seed);
    struct map_entry *entry = slot_of(map, key, key_bytes, hash);
    if (entry->key == NULL) {
        *entry = (struct map_entry){.key = key, .key_bytes = key_bytes, .hash = hash};
        map->count++;
    }
    entry->value = value;
    return true;
}

uint64_t *map_find(const struct map *map, const void *key, size_t key_bytes)
{
    if (map->count == 0)
        return NULL;
    struct map_entry *entry =
        slot_of(map, key, key_bytes, hash_bytes(key, key_bytes, map->seed));
    return entry->key == NULL ? NULL : &entry->value;
}
