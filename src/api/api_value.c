/* SPDX-License-Identifier: Apache-2.0 */
/* Values between the embedder's tagged form and slots; references behind handles. */
#include <string.h>

#include "api/api_int.h"
#include "runtime/ops.h"

/* A handle is a root's number plus one, so that zero is null and needs no heap. */
gc_ref api_ref_get(const stint_store *store, stint_ref ref)
{
    return ref.handle == 0 ? GC_NULL : gc_root_get(store->gc, ref.handle - 1);
}

enum stint_status api_ref_make(stint_store *store, gc_ref ref, stint_ref *ret_ref,
                               struct stint_error *error)
{
    uint32_t root;
    if (ref == GC_NULL) {
        ret_ref->handle = 0;
        return STINT_OK;
    }
    struct gc_heap *heap = gc_heap_of(store, error);
    if (heap == NULL || !gc_root_push(heap, ref, &root))
        return api_no_memory(error);
    ret_ref->handle = root + 1;
    return STINT_OK;
}

enum stint_status api_value_read(stint_store *store, valtype type, const uint64_t *slots,
                                 stint_value *ret_value, struct stint_error *error)
{
    stint_value value;
    enum stint_status status = STINT_OK;
    memset(&value, 0, sizeof(value));
    value.kind = api_kind(store->engine->types, type);
    switch (value.kind) {
    case STINT_KIND_I32:
        value.of.i32 = (int32_t)(uint32_t)slots[0];
        break;
    case STINT_KIND_I64:
        value.of.i64 = (int64_t)slots[0];
        break;
    case STINT_KIND_F32:
        memcpy(&value.of.f32, slots, sizeof(value.of.f32));
        break;
    case STINT_KIND_F64:
        memcpy(&value.of.f64, slots, sizeof(value.of.f64));
        break;
    case STINT_KIND_V128:
        memcpy(value.of.v128, slots, sizeof(value.of.v128));
        break;
    case STINT_KIND_FUNC:
        value.of.func = func_handle((struct func *)(uintptr_t)slots[0]);
        break;
    case STINT_KIND_EXTERN:
    case STINT_KIND_ANY:
    case STINT_KIND_EXN:
        status = api_ref_make(store, (gc_ref)slots[0], &value.of.ref, error);
        break;
    }
    if (status == STINT_OK)
        *ret_value = value;
    return status;
}

static const char *kind_text(enum stint_kind kind)
{
    static const char *const texts[] = {"i32",     "i64",       "f32",    "f64",   "v128",
                                        "funcref", "externref", "anyref", "exnref"};
    return (unsigned)kind < COUNT_OF(texts) ? texts[kind] : "no value";
}

enum stint_status api_value_write(stint_store *store, valtype type, const stint_value *value,
                                  const char *what, uint64_t *ret_slots, struct stint_error *error)
{
    char wanted[64];
    uint64_t slots[2] = {0, 0};
    if (value->kind != api_kind(store->engine->types, type))
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "%s is of kind %s, not %s", what,
                         kind_text(value->kind), valtype_format(type, wanted, sizeof(wanted)));
    switch (value->kind) {
    case STINT_KIND_I32:
        slots[0] = (uint32_t)value->of.i32;
        break;
    case STINT_KIND_I64:
        slots[0] = (uint64_t)value->of.i64;
        break;
    case STINT_KIND_F32:
        memcpy(slots, &value->of.f32, sizeof(value->of.f32));
        break;
    case STINT_KIND_F64:
        memcpy(slots, &value->of.f64, sizeof(value->of.f64));
        break;
    case STINT_KIND_V128:
        memcpy(slots, value->of.v128, sizeof(value->of.v128));
        break;
    case STINT_KIND_FUNC:
        slots[0] = (uintptr_t)func_of(value->of.func);
        break;
    case STINT_KIND_EXTERN:
    case STINT_KIND_ANY:
    case STINT_KIND_EXN:
        slots[0] = api_ref_get(store, value->of.ref);
        break;
    }
    if (vt_is_ref(type) && !op_ref_test(store, slots[0], type))
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "%s is not of type %s", what,
                         valtype_format(type, wanted, sizeof(wanted)));
    memcpy(ret_slots, slots, vt_slots(type) * sizeof(*slots));
    return STINT_OK;
}

void api_values_release(stint_store *store, const stint_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i].kind == STINT_KIND_EXTERN || values[i].kind == STINT_KIND_ANY ||
            values[i].kind == STINT_KIND_EXN)
            stint_ref_release(store, values[i].of.ref);
    }
}

enum stint_status stint_ref_from_pointer(stint_store *store, void *pointer,
                                         void (*finalizer)(void *pointer), stint_ref *ret_ref,
                                         struct stint_error *error)
{
    struct gc_heap *heap = gc_heap_of(store, error);
    uint32_t root;
    /* A root is taken before the object is there and then used again: afterwards nothing can fail,
     * so that the finalizer is either called later or not at all. */
    if (heap == NULL || !gc_root_push(heap, GC_NULL, &root))
        return api_no_memory(error);
    gc_ref ref = gc_new_host(heap, pointer, finalizer, error);
    gc_root_pop(heap, root);
    return ref == GC_NULL ? STINT_TRAP : api_ref_make(store, ref, ret_ref, error);
}

bool stint_ref_pointer(const stint_store *store, stint_ref ref, void **ret_pointer)
{
    gc_ref object = api_ref_get(store, ref);
    return object != GC_NULL && gc_host_pointer(store->gc, object, ret_pointer);
}

enum stint_status stint_ref_from_i31(stint_store *store, int32_t value, stint_ref *ret_ref,
                                     struct stint_error *error)
{
    return api_ref_make(store, gc_make_i31((uint32_t)value), ret_ref, error);
}

bool stint_ref_i31(const stint_store *store, stint_ref ref, int32_t *ret_value)
{
    gc_ref object = api_ref_get(store, ref);
    if (!gc_is_i31(object))
        return false;
    *ret_value = (int32_t)object >> 1;
    return true;
}

enum stint_ref_kind stint_ref_kind_of(const stint_store *store, stint_ref ref)
{
    gc_ref object = api_ref_get(store, ref);
    if (object == GC_NULL)
        return STINT_REF_NULL;
    if (gc_is_i31(object))
        return STINT_REF_I31;
    if (gc_ref_is(store->gc, object, HEAP_STRUCT))
        return STINT_REF_STRUCT;
    if (gc_ref_is(store->gc, object, HEAP_ARRAY))
        return STINT_REF_ARRAY;
    return gc_ref_is(store->gc, object, HEAP_EXN) ? STINT_REF_EXN : STINT_REF_HOST;
}

enum stint_status stint_ref_copy(stint_store *store, stint_ref ref, stint_ref *ret_ref,
                                 struct stint_error *error)
{
    return api_ref_make(store, api_ref_get(store, ref), ret_ref, error);
}

void stint_ref_release(stint_store *store, stint_ref ref)
{
    if (ref.handle != 0)
        gc_root_pop(store->gc, ref.handle - 1);
}

bool stint_ref_equal(const stint_store *store, stint_ref a, stint_ref b)
{
    return api_ref_get(store, a) == api_ref_get(store, b);
}

void stint_store_collect(stint_store *store)
{
    if (store->gc != NULL)
        gc_collect(store->gc);
}
