/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays: single elements and lengths are inline; what makes or touches many calls the runtime. */
#include "compiler/lower_object.h"

static const struct field_type *element_of(const struct lower *l, uint32_t module_type)
{
    return &l->unit->wasm->types[module_type]->fields[0];
}

/* ---- Access ---------------------------------------------------------------------------------- */

static LLVMValueRef length_at(struct lower *l, LLVMValueRef object)
{
    return load_as(l, l->unit->i32, address_at(l, object, ARRAY_LENGTH), 8, MEMORY_HEADERS);
}

/* The address of an element; null and bounds trap. */
static LLVMValueRef element_at(struct lower *l, struct value ref, LLVMValueRef index,
                               const struct field_type *field)
{
    struct unit *u = l->unit;
    LLVMBuilderRef b = u->builder;
    object_trap_null(l, ref, STINT_TRAP_NULL_ARRAY);
    LLVMValueRef object = object_address(l, ref.v);
    LLVMValueRef outside = LLVMBuildICmp(b, LLVMIntUGE, index, length_at(l, object), "");
    trap_if(l, outside, STINT_TRAP_ARRAY_BOUNDS);
    LLVMValueRef wide = LLVMBuildZExt(b, index, u->i64, "");
    LLVMValueRef bytes = LLVMBuildShl(b, wide, const_i64(u, field->log2_bytes), "");
    return address(l, address_at(l, object, ARRAY_ELEMENTS), bytes);
}

static void array_get(struct lower *l, bool sign)
{
    const struct field_type *field = element_of(l, lower_u32(l));
    LLVMValueRef index = lower_pop_v(l);
    struct value ref = lower_pop(l);
    field_push(l, field, element_at(l, ref, index, field), sign);
}

static void array_set(struct lower *l)
{
    const struct field_type *field = element_of(l, lower_u32(l));
    LLVMValueRef v = lower_pop_v(l), index = lower_pop_v(l);
    struct value ref = lower_pop(l);
    field_put(l, field, element_at(l, ref, index, field), v);
}

static void array_len(struct lower *l)
{
    struct value ref = lower_pop(l);
    object_trap_null(l, ref, STINT_TRAP_NULL_ARRAY);
    lower_push(l, length_at(l, object_address(l, ref.v)), VT_I32);
}

/* ---- Through the runtime --------------------------------------------------------------------- */

/* A helper that makes an array of this type, whose reference it leaves in the first slot. */
static void make(struct lower *l, enum native_import helper, uint32_t module_type,
                 LLVMValueRef *args, unsigned count, LLVMValueRef slots)
{
    call_helper(l, helper, EFFECT_FUEL | EFFECT_COLLECTS, args, count);
    valtype type = VT_MAKE_REF(l->unit->wasm->types[module_type]->id);
    lower_push(l, slot_load(l, slots, 0, type), type);
}

static void array_new(struct lower *l, bool is_default)
{
    uint32_t module_type = lower_u32(l);
    LLVMValueRef length = lower_pop_v(l), slots = helper_slots(l, 2);
    if (!is_default)
        slot_store(l, slots, 0, lower_pop(l));
    LLVMValueRef args[] = {const_i32(l->unit, module_type), length, slots};
    make(l, is_default ? NATIVE_IMPORT_array_new_default : NATIVE_IMPORT_array_new, module_type,
         args, 3, slots);
}

static void array_new_fixed(struct lower *l)
{
    uint32_t module_type = lower_u32(l), length = lower_u32(l);
    uint32_t width = vt_slots(element_of(l, module_type)->type);
    LLVMValueRef slots = helper_slots(l, length > 0 ? length * width : 1);
    const struct value *values = object_pop_many(l, length);
    for (uint32_t i = 0; i < length; i++)
        slot_store(l, slots, i * width, values[i]);
    LLVMValueRef args[] = {const_i32(l->unit, module_type), const_i32(l->unit, length), slots};
    make(l, NATIVE_IMPORT_array_new_fixed, module_type, args, 3, slots);
}

static void array_new_segment(struct lower *l, enum native_import helper)
{
    uint32_t module_type = lower_u32(l), segment = lower_u32(l);
    LLVMValueRef length = lower_pop_v(l), from = lower_pop_v(l), slots = helper_slots(l, 1);
    LLVMValueRef args[] = {const_i32(l->unit, module_type), const_i32(l->unit, segment), from,
                           length, slots};
    make(l, helper, module_type, args, 5, slots);
}

static void array_fill(struct lower *l)
{
    LLVMValueRef type = const_i32(l->unit, lower_u32(l)), slots = helper_slots(l, 2);
    LLVMValueRef count = lower_pop_v(l);
    slot_store(l, slots, 0, lower_pop(l));
    LLVMValueRef at = lower_pop_v(l), ref = lower_pop_v(l);
    LLVMValueRef args[] = {type, ref, at, slots, count};
    call_helper(l, NATIVE_IMPORT_array_fill, EFFECT_FUEL, args, 5);
}

static void array_copy(struct lower *l)
{
    LLVMValueRef to_type = const_i32(l->unit, lower_u32(l));
    LLVMValueRef from_type = const_i32(l->unit, lower_u32(l));
    LLVMValueRef count = lower_pop_v(l), from_at = lower_pop_v(l), from = lower_pop_v(l);
    LLVMValueRef to_at = lower_pop_v(l), to = lower_pop_v(l);
    LLVMValueRef args[] = {to_type, from_type, to, to_at, from, from_at, count};
    call_helper(l, NATIVE_IMPORT_array_copy, EFFECT_FUEL, args, 7);
}

static void array_init(struct lower *l, enum native_import helper)
{
    LLVMValueRef type = const_i32(l->unit, lower_u32(l));
    LLVMValueRef segment = const_i32(l->unit, lower_u32(l));
    LLVMValueRef count = lower_pop_v(l), from = lower_pop_v(l);
    LLVMValueRef at = lower_pop_v(l), ref = lower_pop_v(l);
    LLVMValueRef args[] = {type, segment, ref, at, from, count};
    call_helper(l, helper, EFFECT_FUEL, args, 6);
}

bool lower_array_op(struct lower *l, enum op op)
{
    switch (op) {
    case OP_ARRAY_NEW:
    case OP_ARRAY_NEW_DEFAULT:
        array_new(l, op == OP_ARRAY_NEW_DEFAULT);
        return true;
    case OP_ARRAY_NEW_FIXED:
        array_new_fixed(l);
        return true;
    case OP_ARRAY_NEW_DATA:
        array_new_segment(l, NATIVE_IMPORT_array_new_data);
        return true;
    case OP_ARRAY_NEW_ELEM:
        array_new_segment(l, NATIVE_IMPORT_array_new_elem);
        return true;
    case OP_ARRAY_GET:
    case OP_ARRAY_GET_S:
    case OP_ARRAY_GET_U:
        array_get(l, op == OP_ARRAY_GET_S);
        return true;
    case OP_ARRAY_SET:
        array_set(l);
        return true;
    case OP_ARRAY_LEN:
        array_len(l);
        return true;
    case OP_ARRAY_FILL:
        array_fill(l);
        return true;
    case OP_ARRAY_COPY:
        array_copy(l);
        return true;
    case OP_ARRAY_INIT_DATA:
        array_init(l, NATIVE_IMPORT_array_init_data);
        return true;
    case OP_ARRAY_INIT_ELEM:
        array_init(l, NATIVE_IMPORT_array_init_elem);
        return true;
    default:
        return false;
    }
}
