/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bulk memory operations of metered code: in pieces, with a look at fuel and time between them, so
 * that filling gigabytes ends when the guest has to. Bounds are checked for the whole first; a
 * piece is a multiple of 64 bytes, so that the pieces cost what the whole does. Inline, as the
 * engines differ in how they charge.
 */
#ifndef RUNTIME_BULK_H
#define RUNTIME_BULK_H

#include "runtime/ops.h"

enum { BULK_PIECE_BYTES = 4 << 20 };

enum bulk_end { BULK_DONE, BULK_OUT_OF_BOUNDS, BULK_STOPPED };

/* Charges for a piece of so many bytes; false when the guest has to stop. */
typedef bool (*bulk_charge_fn)(void *context, uint64_t bytes);

static inline bool bulk_in_bounds(const struct memory *memory, uint64_t at, uint64_t bytes)
{
    return bytes <= memory->bytes && at <= memory->bytes - bytes;
}

static inline enum bulk_end bulk_memory_fill(struct memory *memory, uint64_t at, uint8_t value,
                                             uint64_t bytes, bulk_charge_fn charge, void *context)
{
    if (!bulk_in_bounds(memory, at, bytes))
        return BULK_OUT_OF_BOUNDS;
    do {
        uint64_t piece = bytes < BULK_PIECE_BYTES ? bytes : BULK_PIECE_BYTES;
        if (!charge(context, piece))
            return BULK_STOPPED;
        (void)op_memory_fill(memory, at, value, piece);
        at += piece;
        bytes -= piece;
    } while (bytes > 0);
    return BULK_DONE;
}

static inline enum bulk_end bulk_memory_copy(struct memory *to, uint64_t to_at, struct memory *from,
                                             uint64_t from_at, uint64_t bytes,
                                             bulk_charge_fn charge, void *context)
{
    if (!bulk_in_bounds(to, to_at, bytes) || !bulk_in_bounds(from, from_at, bytes))
        return BULK_OUT_OF_BOUNDS;
    /* Where the destination covers the end of the source, the end has to move first. */
    bool backward = to == from && to_at > from_at;
    uint64_t done = 0;
    do {
        uint64_t left = bytes - done;
        uint64_t piece = left < BULK_PIECE_BYTES ? left : BULK_PIECE_BYTES;
        uint64_t skip = backward ? left - piece : done;
        if (!charge(context, piece))
            return BULK_STOPPED;
        (void)op_memory_copy(to, to_at + skip, from, from_at + skip, piece);
        done += piece;
    } while (done < bytes);
    return BULK_DONE;
}

#endif
