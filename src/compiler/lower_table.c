/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operators of tables, and elem.drop. Single elements are inline; what touches many calls the
 * runtime. The table's own fields change when it grows, the elements at any time: two alias scopes,
 * so that a table.set does not force the count to be read again.
 */
#include "compiler/lower.h"

static bool is_table_64(const struct lower *l, uint32_t table)
{
    return l->unit->wasm->tables[table].type.limits.is_64;
}

/* An index or count of a table, in 64 bits. */
static LLVMValueRef pop_wide(struct lower *l, bool is_64)
{
    LLVMValueRef v = lower_pop_v(l);
    return is_64 ? v : LLVMBuildZExt(l->unit->builder, v, l->unit->i64, "");
}

/* Back to the table's index type; UINT64_MAX becomes -1 of either. */
static void push_index(struct lower *l, LLVMValueRef v, bool is_64)
{
    if (!is_64)
        v = LLVMBuildTrunc(l->unit->builder, v, l->unit->i32, "");
    lower_push(l, v, is_64 ? VT_I64 : VT_I32);
}

/* A reference in the form of a slot. */
static LLVMValueRef pop_slot(struct lower *l)
{
    struct unit *u = l->unit;
    LLVMValueRef v = lower_pop_v(l);
    if (LLVMTypeOf(v) == u->ptr)
        return LLVMBuildPtrToInt(u->builder, v, u->i64, "");
    return LLVMBuildZExt(u->builder, v, u->i64, "");
}

static LLVMValueRef count_of(struct lower *l, LLVMValueRef table)
{
    return load_as(l, l->unit->i64, address_at(l, table, NATIVE_TABLE_COUNT), 8, MEMORY_CONTEXT);
}

/* The address of an element, which is looked for first. */
static LLVMValueRef element(struct lower *l, LLVMValueRef table, LLVMValueRef index)
{
    struct unit *u = l->unit;
    LLVMValueRef outside = LLVMBuildICmp(u->builder, LLVMIntUGE, index, count_of(l, table), "");
    trap_if(l, outside, STINT_TRAP_TABLE_BOUNDS);
    LLVMValueRef elements =
        load_as(l, u->ptr, address_at(l, table, NATIVE_TABLE_ELEMENTS), 8, MEMORY_CONTEXT);
    return address(l, elements, LLVMBuildShl(u->builder, index, const_i64(u, 3), ""));
}

static void table_get(struct lower *l)
{
    uint32_t table = lower_u32(l);
    valtype type = l->unit->wasm->tables[table].type.element;
    LLVMValueRef index = pop_wide(l, is_table_64(l, table));
    LLVMValueRef at = element(l, table_object(l, table), index);
    lower_push(l, load_as(l, lower_type(l->unit, type), at, 8, MEMORY_TABLES), type);
}

static void table_set(struct lower *l)
{
    uint32_t table = lower_u32(l);
    LLVMValueRef value = pop_slot(l);
    LLVMValueRef index = pop_wide(l, is_table_64(l, table));
    LLVMValueRef at = element(l, table_object(l, table), index);
    store_as(l, value, at, 8, MEMORY_TABLES);
}

static void table_size(struct lower *l)
{
    uint32_t table = lower_u32(l);
    push_index(l, count_of(l, table_object(l, table)), is_table_64(l, table));
}

static void table_grow(struct lower *l)
{
    uint32_t table = lower_u32(l);
    bool is_64 = is_table_64(l, table);
    LLVMValueRef count = pop_wide(l, is_64), value = pop_slot(l);
    LLVMValueRef args[] = {const_i32(l->unit, table), count, value};
    push_index(l, call_helper(l, NATIVE_IMPORT_table_grow, EFFECT_NONE, args, 3), is_64);
}

static void table_fill(struct lower *l)
{
    uint32_t table = lower_u32(l);
    bool is_64 = is_table_64(l, table);
    LLVMValueRef count = pop_wide(l, is_64), value = pop_slot(l), at = pop_wide(l, is_64);
    LLVMValueRef args[] = {const_i32(l->unit, table), at, value, count};
    call_helper(l, NATIVE_IMPORT_table_fill, EFFECT_FUEL, args, 4);
}

static void table_copy(struct lower *l)
{
    uint32_t to = lower_u32(l), from = lower_u32(l);
    bool to_64 = is_table_64(l, to), from_64 = is_table_64(l, from);
    LLVMValueRef count = pop_wide(l, to_64 && from_64);
    LLVMValueRef from_at = pop_wide(l, from_64), to_at = pop_wide(l, to_64);
    LLVMValueRef args[] = {const_i32(l->unit, to), const_i32(l->unit, from), to_at, from_at, count};
    call_helper(l, NATIVE_IMPORT_table_copy, EFFECT_FUEL, args, 5);
}

static void table_init(struct lower *l)
{
    uint32_t elem = lower_u32(l), table = lower_u32(l);
    LLVMValueRef count = lower_pop_v(l), from = lower_pop_v(l);
    LLVMValueRef at = pop_wide(l, is_table_64(l, table));
    LLVMValueRef args[] = {const_i32(l->unit, elem), const_i32(l->unit, table), at, from, count};
    call_helper(l, NATIVE_IMPORT_table_init, EFFECT_FUEL, args, 5);
}

static void elem_drop(struct lower *l)
{
    LLVMValueRef elem = const_i32(l->unit, lower_u32(l));
    call_helper(l, NATIVE_IMPORT_elem_drop, EFFECT_NONE, &elem, 1);
}

bool lower_table_op(struct lower *l, enum op op)
{
    switch (op) {
    case OP_TABLE_GET:
        table_get(l);
        return true;
    case OP_TABLE_SET:
        table_set(l);
        return true;
    case OP_TABLE_SIZE:
        table_size(l);
        return true;
    case OP_TABLE_GROW:
        table_grow(l);
        return true;
    case OP_TABLE_FILL:
        table_fill(l);
        return true;
    case OP_TABLE_COPY:
        table_copy(l);
        return true;
    case OP_TABLE_INIT:
        table_init(l);
        return true;
    case OP_ELEM_DROP:
        elem_drop(l);
        return true;
    default:
        return false;
    }
}
