/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers of machine code for memories, tables and segments (runtime/native_helpers.def): the
 * operators of runtime/ops.h by the module's indices, with the fuel that the interpreter charges.
 */
#include "runtime/native_ops.h"
#include "runtime/native_int.h"
#include "runtime/ops.h"
#include "runtime/runtime_int.h"

/* Between two looks at fuel and time; a multiple of 64, so that pieces cost what the whole does. */
enum { PIECE_BYTES = 4 << 20 };

static bool is_metered(const struct stint_instance *context)
{
    return context->store->engine->config.is_metered;
}

/* Charges before a piece of work, and takes the next slice where this one does not cover it. */
static enum native_result charge_piece(struct stint_instance *context, uint64_t bytes)
{
    if (!is_metered(context))
        return NATIVE_OK;
    context->run->fuel -= (int64_t)(bytes >> 6);
    return LIKELY(context->run->fuel >= 0) ? NATIVE_OK : native_fuel_slice(context);
}

/* Charges after the work; the code that called finds out at its next look. */
static enum native_result done(struct stint_instance *context, enum stint_trap trap, uint64_t bytes)
{
    if (UNLIKELY(trap != STINT_TRAP_NONE))
        return native_trap(context, trap);
    if (is_metered(context))
        context->run->fuel -= (int64_t)(bytes >> 6);
    return NATIVE_OK;
}

/* ---- Memories ------------------------------------------------------------------------------ */

uint64_t native_memory_grow(struct stint_instance *context, uint32_t memory, uint64_t pages)
{
    return memory_grow(context->memories[memory], pages);
}

enum native_result native_memory_fill(struct stint_instance *context, uint32_t index, uint64_t at,
                                      uint32_t value, uint64_t bytes)
{
    struct memory *memory = context->memories[index];
    if (!range_fits(memory->bytes, at, bytes))
        return native_trap(context, STINT_TRAP_MEMORY_BOUNDS);
    do {
        uint64_t piece = bytes < PIECE_BYTES ? bytes : PIECE_BYTES;
        enum native_result result = charge_piece(context, piece);
        if (UNLIKELY(result != NATIVE_OK))
            return result;
        (void)op_memory_fill(memory, at, (uint8_t)value, piece);
        at += piece;
        bytes -= piece;
    } while (bytes > 0);
    return NATIVE_OK;
}

enum native_result native_memory_copy(struct stint_instance *context, uint32_t to_index,
                                      uint32_t from_index, uint64_t to_at, uint64_t from_at,
                                      uint64_t bytes)
{
    struct memory *to = context->memories[to_index], *from = context->memories[from_index];
    if (!range_fits(to->bytes, to_at, bytes) || !range_fits(from->bytes, from_at, bytes))
        return native_trap(context, STINT_TRAP_MEMORY_BOUNDS);
    /* Where the destination covers the end of the source, the end has to move first. */
    bool backward = to == from && to_at > from_at;
    uint64_t done_bytes = 0;
    do {
        uint64_t left = bytes - done_bytes;
        uint64_t piece = left < PIECE_BYTES ? left : PIECE_BYTES;
        uint64_t skip = backward ? left - piece : done_bytes;
        enum native_result result = charge_piece(context, piece);
        if (UNLIKELY(result != NATIVE_OK))
            return result;
        (void)op_memory_copy(to, to_at + skip, from, from_at + skip, piece);
        done_bytes += piece;
    } while (done_bytes < bytes);
    return NATIVE_OK;
}

enum native_result native_memory_init(struct stint_instance *context, uint32_t data,
                                      uint32_t memory, uint64_t at, uint32_t from, uint32_t bytes)
{
    return done(context, op_memory_init(context, data, context->memories[memory], at, from, bytes),
                bytes);
}

void native_data_drop(struct stint_instance *context, uint32_t data)
{
    op_data_drop(context, data);
}

/* ---- Tables -------------------------------------------------------------------------------- */

uint64_t native_table_grow(struct stint_instance *context, uint32_t table, uint64_t count,
                           uint64_t value)
{
    return table_grow(context->tables[table], count, value);
}

enum native_result native_table_fill(struct stint_instance *context, uint32_t table, uint64_t at,
                                     uint64_t value, uint64_t count)
{
    return done(context, op_table_fill(context->tables[table], at, value, count), 0);
}

enum native_result native_table_copy(struct stint_instance *context, uint32_t to, uint32_t from,
                                     uint64_t to_at, uint64_t from_at, uint64_t count)
{
    return done(context,
                op_table_copy(context->tables[to], to_at, context->tables[from], from_at, count),
                count << 3);
}

enum native_result native_table_init(struct stint_instance *context, uint32_t elem, uint32_t table,
                                     uint64_t at, uint32_t from, uint32_t count)
{
    return done(context, op_table_init(context, elem, context->tables[table], at, from, count), 0);
}

void native_elem_drop(struct stint_instance *context, uint32_t elem)
{
    op_elem_drop(context, elem);
}
