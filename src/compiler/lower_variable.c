/* SPDX-License-Identifier: Apache-2.0 */
/* Locals, globals, constants, drop and select. */
#include <string.h>

#include "compiler/lower_int.h"

/* The constant with these bits: low half first. NaNs keep their payload. */
static LLVMValueRef constant_of(const struct unit *u, valtype type, const uint64_t bits[2])
{
    LLVMValueRef halves[2] = {const_i64(u, bits[0]), const_i64(u, bits[1])};
    switch (type) {
    case VT_I32:
        return const_i32(u, (uint32_t)bits[0]);
    case VT_I64:
        return halves[0];
    case VT_F32:
        return LLVMConstBitCast(const_i32(u, (uint32_t)bits[0]), u->f32);
    case VT_F64:
        return LLVMConstBitCast(halves[0], u->f64);
    default:
        return LLVMConstBitCast(LLVMConstVector(halves, 2), u->v128);
    }
}

static void push_constant(struct lower *l, valtype type, uint64_t bits)
{
    const uint64_t both[2] = {bits, 0};
    lower_push(l, constant_of(l->unit, type, both), type);
}

static void global_get(struct lower *l)
{
    struct unit *u = l->unit;
    uint32_t index = lower_u32(l);
    const struct wasm_global *global = &u->wasm->globals[index];
    valtype type = global->type.type;
    bool is_own = index >= u->wasm->import_global_count;
    if (is_own && !global->type.is_mutable && global->init.kind == CONST_BITS &&
        !vt_is_ref(type)) {
        lower_push(l, constant_of(u, type, global->init.bits), type);
        return;
    }
    LLVMValueRef v = load_as(l, lower_type(u, type), global_cell(l, index), 8, MEMORY_GLOBALS);
    if (!global->type.is_mutable && !lower_is_gc_ref(u, type))
        LLVMSetMetadata(v, u->md_invariant_load, u->empty_node);
    lower_push(l, v, type);
}

static void global_set(struct lower *l)
{
    uint32_t index = lower_u32(l);
    struct value value = lower_pop(l);
    if (lower_is_gc_ref(l->unit, value.type)) /* references fill their slot */
        value.v = LLVMBuildZExt(l->unit->builder, value.v, l->unit->i64, "");
    store_as(l, value.v, global_cell(l, index), 8, MEMORY_GLOBALS);
}

static void select_op(struct lower *l, valtype type)
{
    struct unit *u = l->unit;
    LLVMValueRef condition = LLVMBuildICmp(u->builder, LLVMIntNE, lower_pop_v(l),
                                           const_i32(u, 0), "");
    struct value b = lower_pop(l), a = lower_pop(l);
    lower_push(l, LLVMBuildSelect(u->builder, condition, a.v, b.v, ""),
               type != VT_BOT ? type : a.type);
}

static void set_local(struct lower *l, bool keeps)
{
    uint32_t index = lower_u32(l);
    struct value value = lower_pop(l);
    local_store(l, &l->locals[index], value.v);
    if (keeps)
        lower_push(l, value.v, value.type);
}

static void float_constant(struct lower *l, enum op op)
{
    if (op == OP_F32_CONST) {
        uint32_t bits;
        memcpy(&bits, lower_bytes(l, 4), 4);
        push_constant(l, VT_F32, bits);
    } else {
        uint64_t bits;
        memcpy(&bits, lower_bytes(l, 8), 8);
        push_constant(l, VT_F64, bits);
    }
}

bool lower_variable_op(struct lower *l, enum op op)
{
    const struct local *local;
    switch (op) {
    case OP_LOCAL_GET:
        local = &l->locals[lower_u32(l)];
        lower_push(l, local_load(l, local), local->type);
        return true;
    case OP_LOCAL_SET:
    case OP_LOCAL_TEE:
        set_local(l, op == OP_LOCAL_TEE);
        return true;
    case OP_GLOBAL_GET:
        global_get(l);
        return true;
    case OP_GLOBAL_SET:
        global_set(l);
        return true;
    case OP_I32_CONST:
        push_constant(l, VT_I32, (uint32_t)lower_s32(l));
        return true;
    case OP_I64_CONST:
        push_constant(l, VT_I64, (uint64_t)lower_s64(l));
        return true;
    case OP_F32_CONST:
    case OP_F64_CONST:
        float_constant(l, op);
        return true;
    case OP_DROP:
        l->height--;
        return true;
    case OP_SELECT:
        select_op(l, VT_BOT);
        return true;
    case OP_SELECT_T:
        (void)lower_u32(l);
        select_op(l, lower_valtype(l));
        return true;
    default:
        return false;
    }
}
