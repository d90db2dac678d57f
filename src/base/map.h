/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash map from byte strings to 64-bit values. Keys are not copied: they must outlive the map.
 * Hashing is seeded per map, so that hostile names cannot be chosen to collide cheaply; probing is
 * linear, the load at most one half.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/alloc.h"

struct map_entry {
    const void *key; /* NULL: free */
    size_t key_bytes;
    uint64_t hash;
    uint64_t value;
};

struct map {
    struct alloc *alloc;
    struct map_entry *entries;
    size_t capacity, count; /* capacity is a power of two, or 0 */
    uint64_t seed;
};

void map_init(struct map *map, struct alloc *alloc);
void map_free(struct map *map);
/* Adds, or replaces the value of an equal key; false when memory is out. */
MUST_CHECK bool map_put(struct map *map, const void *key, size_t key_bytes, uint64_t value);
/* The value of an equal key, or NULL. Valid until the next map_put. */
uint64_t *map_find(const struct map *map, const void *key, size_t key_bytes);
/* A 64-bit hash of bytes; not cryptographic. */
uint64_t hash_bytes(const void *data, size_t bytes, uint64_t seed);

#endif
