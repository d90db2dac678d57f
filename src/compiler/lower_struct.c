/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structs. Fields are plain loads and stores. Small structs are made here, where the heap has room
 * at its end; the runtime's helper collects and makes the others.
 */
#include "compiler/lower_int.h"
#include "compiler/lower_object.h"

/* Larger ones are left to the helper: their code would be long, and the call costs little beside. */
enum { INLINE_BYTES_MAX = 96 };

/* ---- Fields ---------------------------------------------------------------------------------- */

static LLVMTypeRef storage(const struct unit *u, const struct field_type *field)
{
    if (field->type == VT_I8)
        return u->i8;
    return field->type == VT_I16 ? u->i16 : lower_type(u, field->type);
}

/* Objects lie at multiples of 8. */
static unsigned align_of(const struct field_type *field)
{
    return field->log2_bytes > 3 ? 8 : 1u << field->log2_bytes;
}

void field_push(struct lower *l, const struct field_type *field, LLVMValueRef at, bool sign)
{
    struct unit *u = l->unit;
    LLVMValueRef v = load_as(l, storage(u, field), at, align_of(field), MEMORY_OBJECTS);
    if (!vt_is_packed(field->type)) {
        lower_push(l, v, field->type);
        return;
    }
    v = sign ? LLVMBuildSExt(u->builder, v, u->i32, "") : LLVMBuildZExt(u->builder, v, u->i32, "");
    lower_push(l, v, VT_I32);
}

void field_put(struct lower *l, const struct field_type *field, LLVMValueRef at, LLVMValueRef v)
{
    struct unit *u = l->unit;
    if (vt_is_packed(field->type))
        v = LLVMBuildTrunc(u->builder, v, storage(u, field), "");
    store_as(l, v, at, align_of(field), MEMORY_OBJECTS);
}

static void struct_get(struct lower *l, bool sign)
{
    const struct type_def *type = l->unit->wasm->types[lower_u32(l)];
    const struct field_type *field = &type->fields[lower_u32(l)];
    struct value ref = lower_pop(l);
    object_trap_null(l, ref, STINT_TRAP_NULL_STRUCT);
    field_push(l, field, address_at(l, object_address(l, ref.v), field->offset_bytes), sign);
}

static void struct_set(struct lower *l)
{
    const struct type_def *type = l->unit->wasm->types[lower_u32(l)];
    const struct field_type *field = &type->fields[lower_u32(l)];
    LLVMValueRef v = lower_pop_v(l);
    struct value ref = lower_pop(l);
    object_trap_null(l, ref, STINT_TRAP_NULL_STRUCT);
    field_put(l, field, address_at(l, object_address(l, ref.v), field->offset_bytes), v);
}

/* ---- Making ---------------------------------------------------------------------------------- */

/* Makes it through the runtime. `values` are NULL for defaults. */
static LLVMValueRef make_by_helper(struct lower *l, uint32_t module_type,
                                   const struct value *values)
{
    struct unit *u = l->unit;
    const struct type_def *type = u->wasm->types[module_type];
    uint32_t slot = 0;
    for (uint32_t i = 0; values != NULL && i < type->field_count; i++)
        slot += vt_slots(values[i].type);
    LLVMValueRef slots = helper_slots(l, slot > 0 ? slot : 1);
    slot = 0;
    for (uint32_t i = 0; values != NULL && i < type->field_count; i++) {
        slot_store(l, slots, slot, values[i]);
        slot += vt_slots(values[i].type);
    }
    LLVMValueRef args[] = {const_i32(u, module_type), slots};
    call_helper(l, values != NULL ? NATIVE_IMPORT_struct_new : NATIVE_IMPORT_struct_new_default,
                EFFECT_FUEL | EFFECT_COLLECTS, args, 2);
    return slot_load(l, slots, 0, VT_MAKE_REF(HEAP_STRUCT));
}

/* Fills a new object, whose memory is not zero. */
static void fill(struct lower *l, uint32_t module_type, const struct value *values, LLVMValueRef at)
{
    struct unit *u = l->unit;
    const struct type_def *type = u->wasm->types[module_type];
    /* The id, and the collector's word above it. */
    LLVMValueRef id = LLVMBuildZExt(u->builder, object_type_id(l, module_type), u->i64, "");
    store_as(l, id, at, 8, MEMORY_HEADERS);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct field_type *field = &type->fields[i];
        LLVMValueRef to = address_at(l, at, field->offset_bytes);
        if (values != NULL)
            field_put(l, field, to, values[i].v);
        else
            store_as(l, LLVMConstNull(storage(u, field)), to, align_of(field), MEMORY_OBJECTS);
    }
}

static LLVMValueRef make_inline(struct lower *l, uint32_t module_type, const struct value *values)
{
    struct unit *u = l->unit;
    LLVMBuilderRef b = u->builder;
    /* Before the branch: the two paths must not differ in where operands are. */
    spill_operands(l);
    LLVMValueRef heap = object_heap(l);
    LLVMValueRef bytes = const_i32(u, u->wasm->types[module_type]->object_bytes);
    LLVMValueRef next_at = address_at(l, heap, NATIVE_GC_NEXT);
    LLVMValueRef next = load_as(l, u->i32, next_at, 4, MEMORY_CONTEXT);
    LLVMValueRef end = load_as(l, u->i32, address_at(l, heap, NATIVE_GC_END), 4, MEMORY_CONTEXT);
    LLVMValueRef room = LLVMBuildSub(b, end, next, "");
    LLVMBasicBlockRef fast = lower_block(l, "new"), slow = lower_block(l, "new.slow");
    LLVMBasicBlockRef done = lower_block(l, "new.done");
    LLVMValueRef full = LLVMBuildICmp(b, LLVMIntULT, room, bytes, "");
    lower_branch(l, full, slow, fast, u->cold_branch);

    lower_continue_at(l, fast);
    store_as(l, LLVMBuildAdd(b, next, bytes, ""), next_at, 4, MEMORY_CONTEXT);
    fill(l, module_type, values, object_address(l, next));
    fast = lower_here(l);
    lower_goto(l, done);

    lower_continue_at(l, slow);
    LLVMValueRef made = make_by_helper(l, module_type, values);
    slow = lower_here(l);
    lower_goto(l, done);

    lower_continue_at(l, done);
    LLVMValueRef phi = LLVMBuildPhi(b, u->i32, "");
    LLVMValueRef refs[] = {next, made};
    LLVMBasicBlockRef from[] = {fast, slow};
    LLVMAddIncoming(phi, refs, from, 2);
    return phi;
}

static void struct_new(struct lower *l, bool is_default)
{
    struct unit *u = l->unit;
    uint32_t module_type = lower_u32(l);
    const struct type_def *type = u->wasm->types[module_type];
    const struct value *values = is_default ? NULL : object_pop_many(l, type->field_count);
    LLVMValueRef ref = type->object_bytes <= INLINE_BYTES_MAX
                           ? make_inline(l, module_type, values)
                           : make_by_helper(l, module_type, values);
    lower_push(l, ref, VT_MAKE_REF(type->id));
}

bool lower_struct_op(struct lower *l, enum op op)
{
    switch (op) {
    case OP_STRUCT_NEW:
    case OP_STRUCT_NEW_DEFAULT:
        struct_new(l, op == OP_STRUCT_NEW_DEFAULT);
        return true;
    case OP_STRUCT_GET:
    case OP_STRUCT_GET_S:
    case OP_STRUCT_GET_U:
        struct_get(l, op == OP_STRUCT_GET_S);
        return true;
    case OP_STRUCT_SET:
        struct_set(l);
        return true;
    default:
        return false;
    }
}
