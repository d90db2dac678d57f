/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bulk memory operations of metered code: in pieces, with a look at fuel and time between them, so
 * that filling gigabytes ends when the guest has to. Bounds are checked for the whole first; a
 * piece is a multiple of 64 bytes, so that the pieces cost what the whole does.
 */
#include "interp/cell.h"
#include "runtime/ops.h"

enum { PIECE_BYTES = 4 << 20 };

static bool in_bounds(const struct memory *memory, uint64_t at, uint64_t bytes)
{
    return bytes <= memory->bytes && at <= memory->bytes - bytes;
}

/* Charges a piece; false when the guest has to stop. */
static bool charge(struct exec *ctx, uint64_t bytes)
{
    ctx->fuel -= (int64_t)(bytes >> 6);
    if (LIKELY(ctx->fuel >= 0) || interp_fuel_slice(ctx))
        return true;
    ctx->trap = STINT_TRAP_NONE;
    return false;
}

static bool trapped(struct exec *ctx, enum stint_trap trap)
{
    ctx->trap = trap;
    return trap != STINT_TRAP_NONE;
}

bool interp_memory_fill(struct exec *ctx, struct memory *memory, uint64_t at, uint8_t value,
                        uint64_t bytes)
{
    if (!in_bounds(memory, at, bytes))
        return !trapped(ctx, STINT_TRAP_MEMORY_BOUNDS);
    do {
        uint64_t piece = bytes < PIECE_BYTES ? bytes : PIECE_BYTES;
        if (!charge(ctx, piece))
            return false;
        if (trapped(ctx, op_memory_fill(memory, at, value, piece)))
            return false;
        at += piece;
        bytes -= piece;
    } while (bytes > 0);
    return true;
}

bool interp_memory_copy(struct exec *ctx, struct memory *to, uint64_t to_at, struct memory *from,
                        uint64_t from_at, uint64_t bytes)
{
    if (!in_bounds(to, to_at, bytes) || !in_bounds(from, from_at, bytes))
        return !trapped(ctx, STINT_TRAP_MEMORY_BOUNDS);
    /* Where the destination covers the end of the source, the end has to move first. */
    bool backward = to == from && to_at > from_at;
    uint64_t done = 0;
    do {
        uint64_t left = bytes - done;
        uint64_t piece = left < PIECE_BYTES ? left : PIECE_BYTES;
        uint64_t skip = backward ? left - piece : done;
        if (!charge(ctx, piece))
            return false;
        if (trapped(ctx, op_memory_copy(to, to_at + skip, from, from_at + skip, piece)))
            return false;
        done += piece;
    } while (done < bytes);
    return true;
}
