/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads, stores, memory.size and memory.grow.
 *
 * Where bounds are checked: in fast mode nowhere for memories of 32-bit addresses, whose index and
 * offset together stay within what is reserved, guard included; in strict mode, and for 64-bit
 * addresses, before each access, unless it is within the least size of the memory's type.
 */
#include "compiler/lower_int.h"
#include "compiler/lower_ops.h"

enum access_how { ACCESS_NONE, ACCESS_PLAIN, ACCESS_SIGNED, ACCESS_UNSIGNED, ACCESS_STORE };

/* How the value in memory becomes the operand, or the other way round; its bytes are in op.def. */
static const uint8_t rows[OP_COUNT] = {
    [OP_I32_LOAD] = ACCESS_PLAIN,        [OP_I64_LOAD] = ACCESS_PLAIN,
    [OP_F32_LOAD] = ACCESS_PLAIN,        [OP_F64_LOAD] = ACCESS_PLAIN,
    [OP_I32_LOAD8_S] = ACCESS_SIGNED,    [OP_I32_LOAD8_U] = ACCESS_UNSIGNED,
    [OP_I32_LOAD16_S] = ACCESS_SIGNED,   [OP_I32_LOAD16_U] = ACCESS_UNSIGNED,
    [OP_I64_LOAD8_S] = ACCESS_SIGNED,    [OP_I64_LOAD8_U] = ACCESS_UNSIGNED,
    [OP_I64_LOAD16_S] = ACCESS_SIGNED,   [OP_I64_LOAD16_U] = ACCESS_UNSIGNED,
    [OP_I64_LOAD32_S] = ACCESS_SIGNED,   [OP_I64_LOAD32_U] = ACCESS_UNSIGNED,
    [OP_I32_STORE] = ACCESS_STORE,       [OP_I64_STORE] = ACCESS_STORE,
    [OP_F32_STORE] = ACCESS_STORE,       [OP_F64_STORE] = ACCESS_STORE,
    [OP_I32_STORE8] = ACCESS_STORE,      [OP_I32_STORE16] = ACCESS_STORE,
    [OP_I64_STORE8] = ACCESS_STORE,      [OP_I64_STORE16] = ACCESS_STORE,
    [OP_I64_STORE32] = ACCESS_STORE,
};

/* ---- Places ------------------------------------------------------------------------------------ */

struct memory_operand lower_memory_operand(struct lower *l)
{
    struct memory_operand operand = {0, 0};
    uint32_t flags = lower_u32(l);
    if ((flags & 0x40) != 0)
        operand.memory = lower_u32(l);
    operand.offset = lower_u64(l);
    return operand;
}

LLVMValueRef lower_index(struct lower *l, uint32_t memory, LLVMValueRef index)
{
    if (l->unit->wasm->memories[memory].limits.is_64)
        return index;
    return LLVMBuildZExt(l->unit->builder, index, l->unit->i64, "");
}

/* The memory's size in bytes now. */
static LLVMValueRef memory_bytes(struct lower *l, uint32_t memory)
{
    const struct wasm_limits *limits = &l->unit->wasm->memories[memory].limits;
    if (limits->has_max && limits->max == limits->min && limits->min < (uint64_t)1 << 40)
        return const_i64(l->unit, limits->min << 16);
    LLVMValueRef at = address_at(l, memory_object(l, memory), NATIVE_MEMORY_BYTES);
    return load_as(l, l->unit->i64, at, 8, MEMORY_CONTEXT);
}

/* Whether constant bounds are within the least size, which a memory never goes below. */
static bool always_fits(struct lower *l, uint32_t memory, LLVMValueRef index, uint64_t end)
{
    const struct wasm_limits *limits = &l->unit->wasm->memories[memory].limits;
    if (LLVMIsAConstantInt(index) == NULL || limits->min >= (uint64_t)1 << 40)
        return false;
    uint64_t at = LLVMConstIntGetZExtValue(index), least = limits->min << 16;
    return end <= least && at <= least - end;
}

/* Traps unless index + end, without overflow, is at most the memory's size. */
static void check(struct lower *l, uint32_t memory, LLVMValueRef index, uint64_t end)
{
    const struct unit *u = l->unit;
    if (always_fits(l, memory, index, end))
        return;
    LLVMValueRef bytes = memory_bytes(l, memory), is_out;
    if (!u->wasm->memories[memory].limits.is_64) {
        LLVMValueRef last = LLVMBuildAdd(u->builder, index, const_i64(u, end), "");
        is_out = LLVMBuildICmp(u->builder, LLVMIntUGT, last, bytes, "");
    } else {
        LLVMValueRef args[2] = {bytes, const_i64(u, end - 1)};
        LLVMTypeRef type = u->i64;
        LLVMValueRef room = intrinsic(l, "llvm.usub.sat", &type, 1, args, 2);
        is_out = LLVMBuildICmp(u->builder, LLVMIntUGE, index, room, "");
    }
    trap_if(l, is_out, STINT_TRAP_MEMORY_BOUNDS);
}

struct place lower_place(struct lower *l, struct memory_operand operand, LLVMValueRef index,
                         uint64_t bytes)
{
    const struct unit *u = l->unit;
    bool is_64 = u->wasm->memories[operand.memory].limits.is_64;
    index = lower_index(l, operand.memory, index);
    if (is_64 && operand.offset > UINT64_MAX - bytes)
        trap_if(l, LLVMConstInt(u->i1, 1, 0), STINT_TRAP_MEMORY_BOUNDS);
    else if (is_64 || u->options->strict)
        check(l, operand.memory, index, operand.offset + bytes);
    /* Two indices, the first of no effect: of addresses with one, the vectoriser of straight-line code
     * computes several at once, only to take them apart again. */
    LLVMValueRef indices[] = {const_i64(u, 0), index};
    LLVMTypeRef bytes_type = LLVMArrayType2(u->i8, 0);
    LLVMValueRef at =
        LLVMBuildGEP2(u->builder, bytes_type, memory_base(l, operand.memory), indices, 2, "");
    return (struct place){address_at(l, at, operand.offset), linear_kind(l->unit, operand.memory)};
}

/* ---- Operators --------------------------------------------------------------------------------- */

static void lower_load(struct lower *l, enum op op, unsigned bytes)
{
    const struct unit *u = l->unit;
    char letter = op_infos[op].signature[2];
    valtype type = letter == 'i'   ? VT_I32
                   : letter == 'l' ? VT_I64
                   : letter == 'f' ? VT_F32
                                   : VT_F64;
    LLVMTypeRef whole = lower_type(u, type);
    LLVMTypeRef part = rows[op] == ACCESS_PLAIN ? whole : LLVMIntTypeInContext(u->context, bytes * 8);
    struct memory_operand operand = lower_memory_operand(l);
    struct place place = lower_place(l, operand, lower_pop_v(l), bytes);
    LLVMValueRef value = load_as(l, part, place.at, 1, place.kind);
    if (rows[op] == ACCESS_SIGNED)
        value = LLVMBuildSExt(u->builder, value, whole, "");
    else if (rows[op] == ACCESS_UNSIGNED)
        value = LLVMBuildZExt(u->builder, value, whole, "");
    lower_push(l, value, type);
}

static void lower_store(struct lower *l, unsigned bytes)
{
    const struct unit *u = l->unit;
    struct memory_operand operand = lower_memory_operand(l);
    LLVMValueRef value = lower_pop_v(l);
    struct place place = lower_place(l, operand, lower_pop_v(l), bytes);
    LLVMTypeRef type = LLVMTypeOf(value);
    if (LLVMGetTypeKind(type) == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) != bytes * 8)
        value = LLVMBuildTrunc(u->builder, value, LLVMIntTypeInContext(u->context, bytes * 8), "");
    store_as(l, value, place.at, 1, place.kind);
}

/* A size in pages as the operators give it. */
static void push_pages(struct lower *l, uint32_t memory, LLVMValueRef pages)
{
    bool is_64 = l->unit->wasm->memories[memory].limits.is_64;
    if (!is_64)
        pages = LLVMBuildTrunc(l->unit->builder, pages, l->unit->i32, "");
    lower_push(l, pages, is_64 ? VT_I64 : VT_I32);
}

static void lower_size(struct lower *l)
{
    uint32_t memory = lower_u32(l);
    LLVMValueRef bytes = memory_bytes(l, memory);
    push_pages(l, memory,
               LLVMBuildLShr(l->unit->builder, bytes, const_i64(l->unit, 16), ""));
}

static void lower_grow(struct lower *l)
{
    uint32_t memory = lower_u32(l);
    LLVMValueRef args[2] = {const_i32(l->unit, memory), lower_index(l, memory, lower_pop_v(l))};
    push_pages(l, memory, call_helper(l, NATIVE_IMPORT_memory_grow, EFFECT_NONE, args, 2));
}

bool lower_memory_op(struct lower *l, enum op op)
{
    unsigned bytes = 1u << (op_infos[op].arg & 7);
    if (op == OP_MEMORY_SIZE)
        lower_size(l);
    else if (op == OP_MEMORY_GROW)
        lower_grow(l);
    else if (rows[op] == ACCESS_NONE)
        return lower_bulk_op(l, op);
    else if (rows[op] == ACCESS_STORE)
        lower_store(l, bytes);
    else
        lower_load(l, op, bytes);
    return true;
}
