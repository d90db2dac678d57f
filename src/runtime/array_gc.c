/* SPDX-License-Identifier: Apache-2.0 */
/* Operators on arrays. */
#include "runtime/field_gc.h"
#include "runtime/ops.h"
#include "runtime/runtime_int.h"

static uint32_t length_of(const uint8_t *object)
{
    return gc_load32(object + GC_ARRAY_LENGTH_OFFSET);
}

static uint8_t *element(uint8_t *object, const struct type_def *type, uint32_t at)
{
    return object + GC_ARRAY_ELEMENTS_OFFSET + ((size_t)at << type->fields[0].log2_bytes);
}

/* The object behind `ref`, with room for `count` elements from `at` on. */
static enum stint_trap checked(struct stint_instance *instance, uint64_t ref, uint32_t at,
                               uint32_t count, uint8_t **ret_object)
{
    if ((gc_ref)ref == GC_NULL)
        return STINT_TRAP_NULL_ARRAY;
    uint8_t *object = object_at(instance, ref);
    if (!range_fits(length_of(object), at, count))
        return STINT_TRAP_ARRAY_BOUNDS;
    *ret_object = object;
    return STINT_TRAP_NONE;
}

/* A new array of zeros; NULL when the heap is exhausted. */
static uint8_t *new_array(struct stint_instance *instance, const struct type_def *type,
                          uint32_t length, gc_ref *ret_ref)
{
    struct gc_heap *heap = heap_for(instance);
    gc_ref ref = heap == NULL ? GC_NULL : gc_new_array(heap, type, length, NULL);
    if (ref == GC_NULL)
        return NULL;
    *ret_ref = ref;
    return gc_address(heap, ref);
}

static void fill(uint8_t *object, const struct type_def *type, uint32_t at, const uint64_t *value,
                 uint32_t count)
{
    const struct field_type *field = &type->fields[0];
    uint8_t *to = element(object, type, at);
    if (field->log2_bytes == 0) {
        memset(to, (uint8_t)*value, count);
        return;
    }
    for (; count > 0; count--, to += (size_t)1 << field->log2_bytes)
        field_store(field, to, value);
}

enum stint_trap op_array_new(struct stint_instance *instance, const struct type_def *type,
                             const uint64_t *value, uint32_t length, uint64_t *ret_ref)
{
    gc_ref ref;
    uint8_t *object = new_array(instance, type, length, &ref);
    if (object == NULL)
        return STINT_TRAP_HEAP_EXHAUSTED;
    fill(object, type, 0, value, length);
    *ret_ref = ref;
    return STINT_TRAP_NONE;
}

enum stint_trap op_array_new_default(struct stint_instance *instance, const struct type_def *type,
                                     uint32_t length, uint64_t *ret_ref)
{
    gc_ref ref;
    if (new_array(instance, type, length, &ref) == NULL)
        return STINT_TRAP_HEAP_EXHAUSTED;
    *ret_ref = ref;
    return STINT_TRAP_NONE;
}

enum stint_trap op_array_new_fixed(struct stint_instance *instance, const struct type_def *type,
                                   const uint64_t *values, uint32_t length, uint64_t *ret_ref)
{
    const struct field_type *field = &type->fields[0];
    gc_ref ref;
    uint8_t *object = new_array(instance, type, length, &ref);
    if (object == NULL)
        return STINT_TRAP_HEAP_EXHAUSTED;
    for (uint32_t i = 0; i < length; i++) {
        field_store(field, element(object, type, i), values);
        values += vt_slots(field->type);
    }
    *ret_ref = ref;
    return STINT_TRAP_NONE;
}

/* ---- Segments ---------------------------------------------------------------------------- */

/* The bytes of `count` elements from byte `from` of a data segment; NULL when out of bounds. */
static const uint8_t *data_bytes(struct stint_instance *instance, const struct type_def *type,
                                 uint32_t data, uint32_t from, uint32_t count)
{
    static const uint8_t nothing[1];
    const struct wasm_data *segment = &instance->module->wasm->datas[data];
    uint32_t size = instance->data_dropped[data] ? 0 : segment->size_bytes;
    if (!range_fits(size, from, (uint64_t)count << type->fields[0].log2_bytes))
        return NULL;
    return count == 0 ? nothing : segment->bytes + from;
}

static void put_refs(uint8_t *object, const struct type_def *type, uint32_t at,
                     const uint64_t *refs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        field_store(&type->fields[0], element(object, type, at + i), &refs[i]);
}

enum stint_trap op_array_new_data(struct stint_instance *instance, const struct type_def *type,
                                  uint32_t data, uint32_t from, uint32_t length, uint64_t *ret_ref)
{
    const uint8_t *bytes = data_bytes(instance, type, data, from, length);
    if (bytes == NULL)
        return STINT_TRAP_MEMORY_BOUNDS;
    gc_ref ref;
    uint8_t *object = new_array(instance, type, length, &ref);
    if (object == NULL)
        return STINT_TRAP_HEAP_EXHAUSTED;
    memcpy(element(object, type, 0), bytes, (size_t)length << type->fields[0].log2_bytes);
    *ret_ref = ref;
    return STINT_TRAP_NONE;
}

enum stint_trap op_array_new_elem(struct stint_instance *instance, const struct type_def *type,
                                  uint32_t elem, uint32_t from, uint32_t length, uint64_t *ret_ref)
{
    const struct elem_instance *segment = &instance->elems[elem];
    if (!range_fits(segment->count, from, length))
        return STINT_TRAP_TABLE_BOUNDS;
    gc_ref ref;
    uint8_t *object = new_array(instance, type, length, &ref);
    if (object == NULL)
        return STINT_TRAP_HEAP_EXHAUSTED;
    if (length != 0)
        put_refs(object, type, 0, segment->refs + from, length);
    *ret_ref = ref;
    return STINT_TRAP_NONE;
}

enum stint_trap op_array_init_data(struct stint_instance *instance, const struct type_def *type,
                                   uint32_t data, uint64_t ref, uint32_t at, uint32_t from,
                                   uint32_t count)
{
    uint8_t *object = NULL;
    enum stint_trap trap = checked(instance, ref, at, count, &object);
    if (trap != STINT_TRAP_NONE)
        return trap;
    const uint8_t *bytes = data_bytes(instance, type, data, from, count);
    if (bytes == NULL)
        return STINT_TRAP_MEMORY_BOUNDS;
    memcpy(element(object, type, at), bytes, (size_t)count << type->fields[0].log2_bytes);
    return STINT_TRAP_NONE;
}

enum stint_trap op_array_init_elem(struct stint_instance *instance, const struct type_def *type,
                                   uint32_t elem, uint64_t ref, uint32_t at, uint32_t from,
                                   uint32_t count)
{
    uint8_t *object = NULL;
    enum stint_trap trap = checked(instance, ref, at, count, &object);
    if (trap != STINT_TRAP_NONE)
        return trap;
    const struct elem_instance *segment = &instance->elems[elem];
    if (!range_fits(segment->count, from, count))
        return STINT_TRAP_TABLE_BOUNDS;
    if (count != 0)
        put_refs(object, type, at, segment->refs + from, count);
    return STINT_TRAP_NONE;
}

/* ---- Access ------------------------------------------------------------------------------ */

enum stint_trap op_array_get(struct stint_instance *instance, const struct type_def *type,
                             bool sign, uint64_t ref, uint32_t at, uint64_t *ret_value)
{
    uint8_t *object = NULL;
    enum stint_trap trap = checked(instance, ref, at, 1, &object);
    if (trap == STINT_TRAP_NONE)
        field_load(&type->fields[0], element(object, type, at), sign, ret_value);
    return trap;
}

enum stint_trap op_array_set(struct stint_instance *instance, const struct type_def *type,
                             uint64_t ref, uint32_t at, const uint64_t *value)
{
    uint8_t *object = NULL;
    enum stint_trap trap = checked(instance, ref, at, 1, &object);
    if (trap == STINT_TRAP_NONE)
        field_store(&type->fields[0], element(object, type, at), value);
    return trap;
}

enum stint_trap op_array_len(struct stint_instance *instance, uint64_t ref, uint32_t *ret_length)
{
    if ((gc_ref)ref == GC_NULL)
        return STINT_TRAP_NULL_ARRAY;
    *ret_length = length_of(object_at(instance, ref));
    return STINT_TRAP_NONE;
}

enum stint_trap op_array_fill(struct stint_instance *instance, const struct type_def *type,
                              uint64_t ref, uint32_t at, const uint64_t *value, uint32_t count)
{
    uint8_t *object = NULL;
    enum stint_trap trap = checked(instance, ref, at, count, &object);
    if (trap == STINT_TRAP_NONE)
        fill(object, type, at, value, count);
    return trap;
}

enum stint_trap op_array_copy(struct stint_instance *instance, const struct type_def *to_type,
                              uint64_t to, uint32_t to_at, const struct type_def *from_type,
                              uint64_t from, uint32_t from_at, uint32_t count)
{
    uint8_t *to_object = NULL, *from_object = NULL;
    /* Both references are looked at before either range. */
    if ((gc_ref)to == GC_NULL || (gc_ref)from == GC_NULL)
        return STINT_TRAP_NULL_ARRAY;
    enum stint_trap trap = checked(instance, to, to_at, count, &to_object);
    if (trap == STINT_TRAP_NONE)
        trap = checked(instance, from, from_at, count, &from_object);
    if (trap == STINT_TRAP_NONE)
        memmove(element(to_object, to_type, to_at), element(from_object, from_type, from_at),
                (size_t)count << to_type->fields[0].log2_bytes);
    return trap;
}
