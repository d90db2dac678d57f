/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers of machine code for memories, tables and segments (runtime/native_helpers.def): the
 * operators of runtime/ops.h by the module's indices, with the fuel that the interpreter charges.
 */
#include "runtime/native_ops.h"
#include "runtime/bulk.h"
#include "runtime/native_int.h"
#include "runtime/ops.h"

static bool is_metered(const struct stint_instance *context)
{
    return context->store->engine->config.is_metered;
}

/* For bulk.h. */
static bool charge(void *opaque, uint64_t bytes)
{
    struct stint_instance *context = opaque;
    if (!is_metered(context))
        return true;
    context->run->fuel -= (int64_t)(bytes >> 6);
    return LIKELY(context->run->fuel >= 0) || native_fuel_slice(context) == NATIVE_OK;
}

static enum native_result end(struct stint_instance *context, enum bulk_end how)
{
    if (how == BULK_OUT_OF_BOUNDS)
        return native_trap(context, STINT_TRAP_MEMORY_BOUNDS);
    return how == BULK_DONE ? NATIVE_OK : NATIVE_EXIT;
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

enum native_result native_memory_fill(struct stint_instance *context, uint32_t memory, uint64_t at,
                                      uint32_t value, uint64_t bytes)
{
    return end(context, bulk_memory_fill(context->memories[memory], at, (uint8_t)value, bytes,
                                         charge, context));
}

enum native_result native_memory_copy(struct stint_instance *context, uint32_t to, uint32_t from,
                                      uint64_t to_at, uint64_t from_at, uint64_t bytes)
{
    return end(context, bulk_memory_copy(context->memories[to], to_at, context->memories[from],
                                         from_at, bytes, charge, context));
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
