/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk memory operations of metered code; see runtime/bulk.h. */
#include "runtime/bulk.h"

#include "interp/cell.h"

static bool charge(void *context, uint64_t bytes)
{
    struct exec *ctx = context;
    ctx->fuel -= (int64_t)(bytes >> 6);
    return LIKELY(ctx->fuel >= 0) || interp_fuel_slice(ctx);
}

static bool end(struct exec *ctx, enum bulk_end how)
{
    ctx->trap = how == BULK_OUT_OF_BOUNDS ? STINT_TRAP_MEMORY_BOUNDS : STINT_TRAP_NONE;
    return how == BULK_DONE;
}

bool interp_memory_fill(struct exec *ctx, struct memory *memory, uint64_t at, uint8_t value,
                        uint64_t bytes)
{
    return end(ctx, bulk_memory_fill(memory, at, value, bytes, charge, ctx));
}

bool interp_memory_copy(struct exec *ctx, struct memory *to, uint64_t to_at, struct memory *from,
                        uint64_t from_at, uint64_t bytes)
{
    return end(ctx, bulk_memory_copy(to, to_at, from, from_at, bytes, charge, ctx));
}
