/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collector's private side.
 *
 *   base                      base + half_bytes               base + 2 * half_bytes
 *   |-- capacity ----|          |-- capacity ----|              |
 *   | objects  |free |          | copies go here |              |      | rest of the reservation
 *   ^start     ^next ^end
 *
 * Both halves are committed up to `capacity` before an object is allocated there, so that a
 * collection needs no memory and cannot fail.
 */
#ifndef RUNTIME_GC_INT_H
#define RUNTIME_GC_INT_H

#include <string.h>

#include "runtime/gc.h"

enum {
    GC_HEADER_BYTES = 8,
    GC_HOST_BYTES = 24,
    /* Nothing starts at a half's first bytes: reference 0 is null. */
    GC_HALF_RESERVED_BYTES = 8,
};

struct gc_handle {
    gc_ref ref;
    uint32_t next_free; /* of free ones: handle + 1 of the next, or 0 */
    bool is_used;
};

struct gc_state {
    uint32_t half_bytes; /* what each half may grow to */
    uint32_t capacity;   /* what each half has committed */
    uint32_t start;      /* of the active half: 0 or half_bytes */
    size_t reserved_bytes;

    gc_ref exception;
    gc_ref *hosts; /* the host references that have finalizers */
    size_t host_count, host_capacity;
    struct gc_handle *handles;
    size_t handle_count, handle_capacity;
    uint32_t free_handle; /* handle + 1, or 0 */

    uint64_t collections, live_bytes;
};

static inline uint32_t gc_load32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static inline void gc_store32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
}

static inline uint64_t gc_load64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static inline void gc_store64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
}

/* The size of an array object; it may be more than any heap holds. */
static inline uint64_t gc_array_bytes(const struct type_def *type, uint32_t length)
{
    uint64_t bytes = GC_ARRAY_ELEMENTS_OFFSET + ((uint64_t)length << type->fields[0].log2_bytes);
    return (bytes + 7) & ~UINT64_C(7);
}

/* gc.c: commits both halves up to `capacity`, of whole pages and at most half_bytes. */
MUST_CHECK bool gc_extend(struct gc_heap *heap, uint64_t capacity);

/* gc_collect.c: the size of an object. */
uint64_t gc_object_bytes(const struct type_registry *types, const uint8_t *object);

/* Where allocation ends, leaving stress aside. */
static inline uint32_t gc_limit(const struct gc_heap *heap)
{
    return heap->state->start + heap->state->capacity;
}

/* Calls the finalizer of a host object. */
static inline void gc_finalize(const uint8_t *object)
{
    void (*finalizer)(void *) = (void (*)(void *))(uintptr_t)gc_load64(object + 16);
    finalizer((void *)(uintptr_t)gc_load64(object + 8));
}

#endif
