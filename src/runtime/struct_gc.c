/* SPDX-License-Identifier: Apache-2.0 */
/* Operators on structs, and tests of references. */
#include "runtime/field_gc.h"
#include "runtime/ops.h"

enum stint_trap op_struct_new(struct stint_instance *instance, const struct type_def *type,
                              const uint64_t *values, uint64_t *ret_ref)
{
    struct gc_heap *heap = heap_for(instance);
    gc_ref ref = heap == NULL ? GC_NULL : gc_new_struct(heap, type, NULL);
    if (ref == GC_NULL)
        return STINT_TRAP_HEAP_EXHAUSTED;
    /* Only now: the collector may have changed the values where they stand. */
    uint8_t *object = gc_address(heap, ref);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct field_type *field = &type->fields[i];
        field_store(field, object + field->offset_bytes, values);
        values += vt_slots(field->type);
    }
    *ret_ref = ref;
    return STINT_TRAP_NONE;
}

enum stint_trap op_struct_new_default(struct stint_instance *instance, const struct type_def *type,
                                      uint64_t *ret_ref)
{
    struct gc_heap *heap = heap_for(instance);
    gc_ref ref = heap == NULL ? GC_NULL : gc_new_struct(heap, type, NULL);
    if (ref == GC_NULL)
        return STINT_TRAP_HEAP_EXHAUSTED;
    *ret_ref = ref;
    return STINT_TRAP_NONE;
}

enum stint_trap op_struct_get(struct stint_instance *instance, const struct type_def *type,
                              uint32_t field, bool sign, uint64_t ref, uint64_t *ret_value)
{
    if ((gc_ref)ref == GC_NULL)
        return STINT_TRAP_NULL_STRUCT;
    const struct field_type *at = &type->fields[field];
    field_load(at, object_at(instance, ref) + at->offset_bytes, sign, ret_value);
    return STINT_TRAP_NONE;
}

enum stint_trap op_struct_set(struct stint_instance *instance, const struct type_def *type,
                              uint32_t field, uint64_t ref, const uint64_t *value)
{
    if ((gc_ref)ref == GC_NULL)
        return STINT_TRAP_NULL_STRUCT;
    const struct field_type *at = &type->fields[field];
    field_store(at, object_at(instance, ref) + at->offset_bytes, value);
    return STINT_TRAP_NONE;
}

bool op_ref_test(struct stint_store *store, uint64_t ref, valtype type)
{
    const struct type_registry *types = store->engine->types;
    heaptype heap = vt_heap(type);
    if (ref == 0)
        return vt_is_nullable(type);
    if (types_heap_top(types, heap) != HEAP_FUNC)
        return gc_ref_is(store->gc, (gc_ref)ref, heap);
    const struct func *func = (const struct func *)(uintptr_t)ref;
    if (heap_is_abstract(heap))
        return heap == HEAP_FUNC;
    return types_id_matches(types, func->type->id, heap);
}
