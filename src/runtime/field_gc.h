/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of objects and elements of arrays: between storage and operand slots. */
#ifndef RUNTIME_FIELD_GC_H
#define RUNTIME_FIELD_GC_H

#include "runtime/gc_int.h"

/* `sign` matters for packed fields only. v128 writes two slots. */
static inline void field_load(const struct field_type *field, const uint8_t *at, bool sign,
                              uint64_t *ret_value)
{
    switch (field->log2_bytes) {
    case 0:
        *ret_value = sign ? (uint32_t)(int32_t)(int8_t)*at : *at;
        break;
    case 1: {
        uint16_t value;
        memcpy(&value, at, sizeof(value));
        *ret_value = sign ? (uint32_t)(int32_t)(int16_t)value : value;
        break;
    }
    case 2: /* numbers and references to the heap */
        *ret_value = gc_load32(at);
        break;
    case 3: /* numbers and references to functions */
        *ret_value = gc_load64(at);
        break;
    default:
        memcpy(ret_value, at, 16);
        break;
    }
}

static inline void field_store(const struct field_type *field, uint8_t *at, const uint64_t *value)
{
    switch (field->log2_bytes) {
    case 0:
        *at = (uint8_t)*value;
        break;
    case 1: {
        uint16_t narrow = (uint16_t)*value;
        memcpy(at, &narrow, sizeof(narrow));
        break;
    }
    case 2:
        gc_store32(at, (uint32_t)*value);
        break;
    case 3:
        gc_store64(at, *value);
        break;
    default:
        memcpy(at, value, 16);
        break;
    }
}

/* The address of an object that exists. */
static inline uint8_t *object_at(const struct stint_instance *instance, uint64_t ref)
{
    return gc_address(instance->store->gc, (gc_ref)ref);
}

/* The heap, made if there is none; NULL when memory is out. */
static inline struct gc_heap *heap_for(const struct stint_instance *instance)
{
    struct gc_heap *heap = instance->store->gc;
    return LIKELY(heap != NULL) ? heap : gc_heap_of(instance->store, NULL);
}

#endif
