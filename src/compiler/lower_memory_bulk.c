/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.copy, memory.fill, memory.init and data.drop: helpers, which check, charge and work.
 * Copies and fills of a constant number of bytes below 64, which cost no fuel, are loads and stores.
 */
#include "compiler/lower_int.h"
#include "compiler/lower_ops.h"

enum { INLINE_BYTES_MAX = 63, PIECES_MAX = 4 };

/*
 * Pieces that cover `bytes` together: as large as fits, the last one moved back to end where the
 * whole does. Overlaps are written twice, with the same bytes.
 */
static unsigned cover(uint32_t bytes, uint32_t at[PIECES_MAX], uint32_t *ret_piece_bytes)
{
    uint32_t piece = 16;
    while (piece > bytes)
        piece /= 2;
    unsigned count = 0;
    for (uint32_t done = 0; done < bytes; done += piece)
        at[count++] = done + piece <= bytes ? done : bytes - piece;
    *ret_piece_bytes = piece;
    return count;
}

static LLVMTypeRef piece_type(const struct unit *u, uint32_t bytes)
{
    return bytes == 16 ? u->v128 : LLVMIntTypeInContext(u->context, bytes * 8);
}

/* Whether the operator is to be done in place: the count is a constant, and small. */
static bool is_inline(LLVMValueRef count)
{
    if (LLVMIsAConstantInt(count) == NULL)
        return false;
    uint64_t bytes = LLVMConstIntGetZExtValue(count);
    return bytes != 0 && bytes <= INLINE_BYTES_MAX;
}

static void copy_inline(struct lower *l, const uint32_t memories[2], LLVMValueRef to,
                        LLVMValueRef from, uint32_t bytes)
{
    uint32_t at[PIECES_MAX], piece_bytes;
    unsigned count = cover(bytes, at, &piece_bytes);
    struct place target = lower_place(l, (struct memory_operand){memories[0], 0}, to, bytes);
    struct place source = lower_place(l, (struct memory_operand){memories[1], 0}, from, bytes);
    LLVMTypeRef type = piece_type(l->unit, piece_bytes);
    LLVMValueRef pieces[PIECES_MAX];
    for (unsigned i = 0; i < count; i++)
        pieces[i] = load_as(l, type, address_at(l, source.at, at[i]), 1, source.kind);
    for (unsigned i = 0; i < count; i++)
        store_as(l, pieces[i], address_at(l, target.at, at[i]), 1, target.kind);
}

static void lower_copy(struct lower *l)
{
    const struct unit *u = l->unit;
    const uint32_t to_memory = lower_u32(l), from_memory = lower_u32(l);
    /* The count is a 64-bit address where both memories have those. */
    LLVMValueRef count = lower_pop_v(l), from = lower_pop_v(l), to = lower_pop_v(l);
    if (is_inline(count)) {
        copy_inline(l, (uint32_t[2]){to_memory, from_memory}, to, from,
                    (uint32_t)LLVMConstIntGetZExtValue(count));
        return;
    }
    if (to_memory == 0 && from_memory == 0 &&
        lower_move(l, NATIVE_IMPORT_memory_copy, to, from, count))
        return;
    if (LLVMTypeOf(count) == u->i32)
        count = LLVMBuildZExt(u->builder, count, u->i64, "");
    LLVMValueRef args[5] = {const_i32(u, to_memory), const_i32(u, from_memory),
                            lower_index(l, to_memory, to), lower_index(l, from_memory, from),
                            count};
    call_helper(l, NATIVE_IMPORT_memory_copy, EFFECT_FUEL, args, 5);
}

static void fill_inline(struct lower *l, uint32_t memory, LLVMValueRef to, LLVMValueRef value,
                        uint32_t bytes)
{
    const struct unit *u = l->unit;
    LLVMBuilderRef b = u->builder;
    uint32_t at[PIECES_MAX], piece_bytes;
    unsigned count = cover(bytes, at, &piece_bytes);
    struct place place = lower_place(l, (struct memory_operand){memory, 0}, to, bytes);
    LLVMTypeRef type = piece_type(u, piece_bytes);
    LLVMValueRef piece = LLVMBuildTrunc(b, value, u->i8, "");
    if (piece_bytes == 16) {
        piece = LLVMBuildInsertElement(b, LLVMConstNull(type), piece, const_i32(u, 0), "");
        piece = LLVMBuildShuffleVector(b, piece, LLVMConstNull(type),
                                       LLVMConstNull(LLVMVectorType(u->i32, 16)), "");
    } else {
        uint64_t ones = 0x0101010101010101 >> (64 - 8 * piece_bytes);
        piece = LLVMBuildZExt(b, piece, type, "");
        piece = LLVMBuildMul(b, piece, LLVMConstInt(type, ones, 0), "");
    }
    for (unsigned i = 0; i < count; i++)
        store_as(l, piece, address_at(l, place.at, at[i]), 1, place.kind);
}

static void lower_fill(struct lower *l)
{
    const struct unit *u = l->unit;
    uint32_t memory = lower_u32(l);
    LLVMValueRef count = lower_pop_v(l), value = lower_pop_v(l), to = lower_pop_v(l);
    if (is_inline(count)) {
        fill_inline(l, memory, to, value, (uint32_t)LLVMConstIntGetZExtValue(count));
        return;
    }
    if (memory == 0 && lower_move(l, NATIVE_IMPORT_memory_fill, to, value, count))
        return;
    LLVMValueRef args[4] = {const_i32(u, memory), lower_index(l, memory, to), value,
                            lower_index(l, memory, count)};
    call_helper(l, NATIVE_IMPORT_memory_fill, EFFECT_FUEL, args, 4);
}

static void lower_init(struct lower *l)
{
    const struct unit *u = l->unit;
    uint32_t segment = lower_u32(l), memory = lower_u32(l);
    LLVMValueRef count = lower_pop_v(l), from = lower_pop_v(l), to = lower_pop_v(l);
    LLVMValueRef args[5] = {const_i32(u, segment), const_i32(u, memory),
                            lower_index(l, memory, to), from, count};
    call_helper(l, NATIVE_IMPORT_memory_init, EFFECT_FUEL, args, 5);
}

bool lower_bulk_op(struct lower *l, enum op op)
{
    LLVMValueRef segment;
    switch (op) {
    case OP_MEMORY_COPY:
        lower_copy(l);
        return true;
    case OP_MEMORY_FILL:
        lower_fill(l);
        return true;
    case OP_MEMORY_INIT:
        lower_init(l);
        return true;
    case OP_DATA_DROP:
        segment = const_i32(l->unit, lower_u32(l));
        call_helper(l, NATIVE_IMPORT_data_drop, EFFECT_NONE, &segment, 1);
        return true;
    default:
        return false;
    }
}
