/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers of machine code for collected objects, casts and exceptions (runtime/native_helpers.def).
 *
 * Values come in slots that are no roots. Where an allocation may collect, the references among
 * them lie on the shadow stack while it does, and go back to their slots afterwards.
 */
#include "runtime/field_gc.h"
#include "runtime/native_int.h"
#include "runtime/native_ops.h"
#include "runtime/ops.h"
#include "runtime/runtime_int.h"

_Static_assert(sizeof(struct type_def) == NATIVE_TYPE_BYTES, "machine code finds definitions");
_Static_assert(offsetof(struct type_def, kind) == NATIVE_TYPE_KIND, "and their kinds");

bool native_prepare_objects(struct stint_instance *instance)
{
    instance->run->types = types_chunks(instance->store->engine->types);
    const struct wasm_module *module = instance->module->wasm;
    for (uint32_t i = 0; i < module->type_count; i++) {
        if (module->types[i]->kind != TYPE_FUNC)
            return heap_for(instance) != NULL;
    }
    return true;
}

/* ---- References in slots --------------------------------------------------------------------- */

/* The types of values in slots: of fields, or of so many elements of one type, or of a function's
 * parameters. */
struct value_types {
    const struct field_type *fields;
    bool is_repeated;     /* fields[0] for all */
    const valtype *types; /* instead of `fields` */
    uint32_t count;
};

static bool is_traced_at(const struct stint_instance *context, const struct value_types *types,
                         uint32_t i, uint32_t *ret_slots)
{
    if (types->types != NULL) {
        *ret_slots = vt_slots(types->types[i]);
        return type_is_traced(context->store->engine->types, types->types[i]);
    }
    const struct field_type *field = &types->fields[types->is_repeated ? 0 : i];
    *ret_slots = vt_slots(field->type);
    return field->is_traced;
}

/* Puts the references on the shadow stack; false when that is full. */
static bool keep(struct stint_instance *context, const struct value_types *types,
                 const uint64_t *slots)
{
    struct native_run *run = context->run;
    uint64_t *top = run->shadow_top;
    uint32_t width;
    for (uint32_t i = 0; i < types->count; i++, slots += width) {
        if (!is_traced_at(context, types, i, &width))
            continue;
        if (top >= run->shadow_limit)
            return false;
        *top++ = (uint32_t)*slots;
    }
    run->shadow_top = top;
    return true;
}

/* Takes back what keep put there. */
static void take_back(struct stint_instance *context, const struct value_types *types,
                      uint64_t *slots, uint64_t *bottom)
{
    const uint64_t *from = bottom;
    uint32_t width;
    for (uint32_t i = 0; i < types->count; i++, slots += width) {
        if (is_traced_at(context, types, i, &width))
            *slots = *from++;
    }
    context->run->shadow_top = bottom;
}

/* Whether an object of this size is made without a collection. */
static bool has_room(const struct stint_instance *context, uint64_t bytes)
{
    const struct gc_heap *heap = context->store->gc;
    return heap != NULL && bytes <= heap->end - heap->next;
}

static enum native_result finish(struct stint_instance *context, enum stint_trap trap)
{
    return LIKELY(trap == STINT_TRAP_NONE) ? NATIVE_OK : native_trap(context, trap);
}

/* ---- Structs and arrays ---------------------------------------------------------------------- */

enum native_result native_struct_new(struct stint_instance *context, uint32_t type_index,
                                     uint64_t *slots)
{
    const struct type_def *type = context->types[type_index];
    uint64_t ref;
    if (has_room(context, type->object_bytes)) {
        enum stint_trap trap = op_struct_new(context, type, slots, &ref);
        if (trap == STINT_TRAP_NONE)
            slots[0] = ref;
        return finish(context, trap);
    }
    uint64_t *bottom = context->run->shadow_top;
    struct value_types types = {.fields = type->fields, .count = type->field_count};
    if (!keep(context, &types, slots))
        return native_trap(context, STINT_TRAP_STACK_OVERFLOW);
    enum stint_trap trap = op_struct_new_default(context, type, &ref);
    take_back(context, &types, slots, bottom);
    const uint64_t *value = slots;
    for (uint32_t i = 0; trap == STINT_TRAP_NONE && i < type->field_count; i++) {
        trap = op_struct_set(context, type, i, ref, value);
        value += vt_slots(type->fields[i].type);
    }
    if (trap == STINT_TRAP_NONE)
        slots[0] = ref;
    return finish(context, trap);
}

enum native_result native_struct_new_default(struct stint_instance *context, uint32_t type,
                                             uint64_t *slots)
{
    return finish(context, op_struct_new_default(context, context->types[type], slots));
}

enum native_result native_array_new(struct stint_instance *context, uint32_t type_index,
                                    uint32_t length, uint64_t *slots)
{
    const struct type_def *type = context->types[type_index];
    if (!type->fields[0].is_traced || has_room(context, gc_array_bytes(type, length)))
        return finish(context, op_array_new(context, type, slots, length, slots));
    uint64_t *bottom = context->run->shadow_top, ref;
    struct value_types types = {.fields = type->fields, .count = 1};
    if (!keep(context, &types, slots))
        return native_trap(context, STINT_TRAP_STACK_OVERFLOW);
    enum stint_trap trap = op_array_new_default(context, type, length, &ref);
    take_back(context, &types, slots, bottom);
    if (trap == STINT_TRAP_NONE)
        trap = op_array_fill(context, type, ref, 0, slots, length);
    if (trap == STINT_TRAP_NONE)
        slots[0] = ref;
    return finish(context, trap);
}

enum native_result native_array_new_default(struct stint_instance *context, uint32_t type,
                                            uint32_t length, uint64_t *slots)
{
    return finish(context, op_array_new_default(context, context->types[type], length, slots));
}

enum native_result native_array_new_fixed(struct stint_instance *context, uint32_t type_index,
                                          uint32_t length, uint64_t *slots)
{
    const struct type_def *type = context->types[type_index];
    if (!type->fields[0].is_traced || has_room(context, gc_array_bytes(type, length)))
        return finish(context, op_array_new_fixed(context, type, slots, length, slots));
    uint64_t *bottom = context->run->shadow_top, ref;
    struct value_types types = {.fields = type->fields, .is_repeated = true, .count = length};
    if (!keep(context, &types, slots))
        return native_trap(context, STINT_TRAP_STACK_OVERFLOW);
    enum stint_trap trap = op_array_new_default(context, type, length, &ref);
    take_back(context, &types, slots, bottom);
    for (uint32_t i = 0; trap == STINT_TRAP_NONE && i < length; i++)
        trap = op_array_set(context, type, ref, i, &slots[i]);
    if (trap == STINT_TRAP_NONE)
        slots[0] = ref;
    return finish(context, trap);
}

enum native_result native_array_new_data(struct stint_instance *context, uint32_t type,
                                         uint32_t data, uint32_t from, uint32_t length,
                                         uint64_t *slots)
{
    return finish(context,
                  op_array_new_data(context, context->types[type], data, from, length, slots));
}

enum native_result native_array_new_elem(struct stint_instance *context, uint32_t type,
                                         uint32_t elem, uint32_t from, uint32_t length,
                                         uint64_t *slots)
{
    return finish(context,
                  op_array_new_elem(context, context->types[type], elem, from, length, slots));
}

enum native_result native_array_fill(struct stint_instance *context, uint32_t type, uint32_t array,
                                     uint32_t at, uint64_t *slots, uint32_t count)
{
    return finish(context, op_array_fill(context, context->types[type], array, at, slots, count));
}

enum native_result native_array_copy(struct stint_instance *context, uint32_t to_type,
                                     uint32_t from_type, uint32_t to, uint32_t to_at, uint32_t from,
                                     uint32_t from_at, uint32_t count)
{
    return finish(context, op_array_copy(context, context->types[to_type], to, to_at,
                                         context->types[from_type], from, from_at, count));
}

enum native_result native_array_init_data(struct stint_instance *context, uint32_t type,
                                          uint32_t data, uint32_t array, uint32_t at, uint32_t from,
                                          uint32_t count)
{
    return finish(context,
                  op_array_init_data(context, context->types[type], data, array, at, from, count));
}

enum native_result native_array_init_elem(struct stint_instance *context, uint32_t type,
                                          uint32_t elem, uint32_t array, uint32_t at, uint32_t from,
                                          uint32_t count)
{
    return finish(context,
                  op_array_init_elem(context, context->types[type], elem, array, at, from, count));
}

uint32_t native_ref_test(struct stint_instance *context, uint64_t ref, uint32_t heap,
                         uint32_t is_nullable)
{
    heaptype type = heap_is_abstract(heap) ? heap : context->types[heap]->id;
    return op_ref_test(context->store, ref,
                       is_nullable != 0 ? VT_MAKE_REF_NULL(type) : VT_MAKE_REF(type));
}

/* ---- Exceptions ------------------------------------------------------------------------------ */

enum native_result native_throw(struct stint_instance *context, uint32_t tag_index, uint64_t *slots)
{
    struct tag *tag = context->tags[tag_index];
    struct gc_heap *heap = heap_for(context);
    uint64_t *bottom = context->run->shadow_top;
    struct value_types types = {.types = tag->type->params, .count = tag->type->param_count};
    if (heap == NULL)
        return native_trap(context, STINT_TRAP_HEAP_EXHAUSTED);
    if (!keep(context, &types, slots))
        return native_trap(context, STINT_TRAP_STACK_OVERFLOW);
    gc_ref exception = gc_new_exception(heap, tag, NULL);
    take_back(context, &types, slots, bottom);
    if (exception == GC_NULL)
        return native_trap(context, STINT_TRAP_HEAP_EXHAUSTED);
    if (tag->type->param_slots > 0)
        memcpy(gc_exception_payload(heap, exception), slots,
               tag->type->param_slots * sizeof(*slots));
    return native_throw_ref(context, exception);
}

enum native_result native_throw_ref(struct stint_instance *context, uint32_t exception)
{
    context->run->exception = exception;
    context->run->pending = NATIVE_PENDING_EXCEPTION;
    return NATIVE_PENDING;
}

uint32_t native_catch_tag(struct stint_instance *context, uint32_t tag_index, uint64_t *slots)
{
    const struct gc_heap *heap = context->store->gc;
    struct tag *tag = context->tags[tag_index];
    gc_ref exception = context->run->exception;
    if (gc_exception_tag(heap, exception) != tag)
        return 0;
    if (tag->type->param_slots > 0)
        memcpy(slots, gc_exception_payload(heap, exception),
               tag->type->param_slots * sizeof(*slots));
    return 1;
}

uint32_t native_catch_take(struct stint_instance *context)
{
    gc_ref exception = context->run->exception;
    context->run->exception = GC_NULL;
    context->run->pending = NATIVE_PENDING_NONE;
    return exception;
}
