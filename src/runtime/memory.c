/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linear memories: one reservation each, of which the first `bytes` are committed.
 *
 * A 32-bit memory on a 64-bit machine reserves all that an index and an offset can reach, so that
 * machine code needs no checks. Where that much address space cannot be had (a limit on it, too
 * many memories, a 32-bit machine) it gets its maximum and a guard, or half of that, and so on down
 * to what it starts with: growth fails earlier then, which programs have to expect anyway.
 */
#include <string.h>

#include "os/pages.h"
#include "runtime/ops.h"
#include "runtime/runtime_int.h"
#include "wasm/limits.h"

#define GUARD_BYTES ((uint64_t)64 << 10)
#define RESERVE_32_BYTES (((uint64_t)8 << 30) + GUARD_BYTES)
/* So much may a memory take of scarce address space without asking whether it leaves some. */
#define MODEST_BYTES ((uint64_t)64 << 20)
/* How much a memory reserves at most when neither its start nor the store's limit asks for more:
 * a 64-bit one, and any one where addresses have 32 bits. */
#define RESERVE_64_MAX_BYTES ((uint64_t)16 << 30)
#define RESERVE_SMALL_MACHINE_BYTES ((uint64_t)512 << 20)

/* Bytes of so many pages; UINT64_MAX stands for 2^64 and more. */
static uint64_t page_bytes(uint64_t pages)
{
    return pages > UINT64_MAX / WASM_PAGE_BYTES ? UINT64_MAX : pages * WASM_PAGE_BYTES;
}

static uint64_t pages_max(const struct memory_type *type)
{
    return type->limits.is_64 ? LIMIT_MEMORY64_PAGES : LIMIT_MEMORY32_PAGES;
}

/* Up to where the memory may grow, by its type, the store's limit and our own. */
static uint64_t growth_limit(const struct stint_store *store, const struct memory_type *type)
{
    uint64_t pages = pages_max(type);
    if (type->limits.has_max && type->limits.max < pages)
        pages = type->limits.max;
    uint64_t bytes = page_bytes(pages);
    uint64_t policy = store->limits.memory_bytes_max;
    if (policy == UINT64_MAX && type->limits.is_64)
        policy = RESERVE_64_MAX_BYTES;
    if (sizeof(size_t) < 8 && policy > RESERVE_SMALL_MACHINE_BYTES)
        policy = RESERVE_SMALL_MACHINE_BYTES;
    uint64_t start = page_bytes(type->limits.min);
    if (bytes > policy)
        bytes = policy;
    if (bytes < start)
        bytes = start;
    return bytes - bytes % WASM_PAGE_BYTES;
}

static bool try_reserve(struct memory *memory, uint64_t bytes)
{
    if (bytes > SIZE_MAX)
        return false;
    memory->base = pages_reserve((size_t)bytes);
    if (memory->base == NULL)
        return false;
    memory->reserved_bytes = (size_t)bytes;
    return true;
}

static bool try_limit(struct memory *memory, uint64_t limit)
{
    memory->bytes_max = limit;
    return limit <= UINT64_MAX - GUARD_BYTES && try_reserve(memory, limit + GUARD_BYTES);
}

/* A part of `limit`, in whole pages, but no less than `least`. */
static uint64_t part_of(uint64_t limit, unsigned part, uint64_t least)
{
    uint64_t bytes = limit / part;
    bytes -= bytes % WASM_PAGE_BYTES;
    return bytes < least ? least : bytes;
}

/* Sets base, reserved_bytes and bytes_max. */
static bool reserve(struct memory *memory, uint64_t start, uint64_t limit)
{
    bool is_scarce = false;
    if (!memory->type.limits.is_64 && sizeof(size_t) >= 8) {
        memory->bytes_max = limit;
        if (try_reserve(memory, RESERVE_32_BYTES))
            return true;
        is_scarce = true;
    }
    while (!try_limit(memory, limit)) {
        if (limit <= start)
            return false;
        is_scarce = true;
        limit = part_of(limit, 2, start);
    }
    if (!is_scarce || limit <= MODEST_BYTES || limit == start)
        return true;
    /* What was found may be all there is: leave most of it to other memories and to stacks. */
    pages_release(memory->base, memory->reserved_bytes);
    return try_limit(memory, part_of(limit, 4, start > MODEST_BYTES ? start : MODEST_BYTES));
}

/* Others may look at it meanwhile (pool_stats). */
static void set_bytes(struct memory *memory, uint64_t bytes)
{
    __atomic_store_n(&memory->bytes, bytes, __ATOMIC_RELAXED);
}

/* Makes the pages up to `bytes` accessible and charges them. */
static bool extend(struct memory *memory, uint64_t bytes)
{
    size_t more = (size_t)(bytes - memory->bytes);
    if (!alloc_charge(&memory->store->alloc, more))
        return false;
    if (!pages_commit(memory->base + memory->bytes, more)) {
        alloc_discharge(&memory->store->alloc, more);
        return false;
    }
    set_bytes(memory, bytes);
    return true;
}

enum stint_status rt_memory_create(struct stint_store *store, const struct memory_type *type,
                                   struct memory **ret_memory, struct stint_error *error)
{
    uint64_t start = page_bytes(type->limits.min);
    if (type->limits.min > pages_max(type))
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                         "a memory of this type has at most %llu pages",
                         (unsigned long long)pages_max(type));
    if (start > store->limits.memory_bytes_max)
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET,
                         "a memory of %llu pages is over the limit of %llu bytes",
                         (unsigned long long)type->limits.min,
                         (unsigned long long)store->limits.memory_bytes_max);
    struct memory *memory = arena_get_zeroed(&store->arena, 1, sizeof(*memory));
    if (memory != NULL) {
        memory->store = store;
        memory->type = *type;
    }
    if (memory == NULL || start > SIZE_MAX - GUARD_BYTES ||
        !reserve(memory, start, growth_limit(store, type)) || !extend(memory, start)) {
        if (memory != NULL)
            pages_release(memory->base, memory->reserved_bytes);
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no room for a memory of %llu pages",
                         (unsigned long long)type->limits.min);
    }
    memory->next = store->memories;
    store->memories = memory;
    *ret_memory = memory;
    return STINT_OK;
}

void memory_end(struct memory *memory)
{
    pages_release(memory->base, memory->reserved_bytes);
    alloc_discharge(&memory->store->alloc, (size_t)memory->bytes);
}

bool memory_shrink(struct memory *memory, uint64_t bytes, bool keeps_zeros)
{
    size_t less = (size_t)(memory->bytes - bytes);
    if (keeps_zeros ? !pages_hide(memory->base + bytes, less)
                    : !pages_revoke(memory->base + bytes, less))
        return false;
    alloc_discharge(&memory->store->alloc, less);
    set_bytes(memory, bytes);
    return true;
}

uint64_t memory_grow(struct memory *memory, uint64_t pages)
{
    uint64_t old = memory->bytes / WASM_PAGE_BYTES;
    if (pages == 0)
        return old;
    if (pages > (memory->bytes_max - memory->bytes) / WASM_PAGE_BYTES)
        return UINT64_MAX;
    return extend(memory, memory->bytes + pages * WASM_PAGE_BYTES) ? old : UINT64_MAX;
}

enum stint_trap op_memory_fill(struct memory *memory, uint64_t at, uint8_t value, uint64_t bytes)
{
    if (!range_fits(memory->bytes, at, bytes))
        return STINT_TRAP_MEMORY_BOUNDS;
    memset(memory->base + at, value, (size_t)bytes);
    return STINT_TRAP_NONE;
}

enum stint_trap op_memory_copy(struct memory *to, uint64_t to_at, struct memory *from,
                               uint64_t from_at, uint64_t bytes)
{
    if (!range_fits(to->bytes, to_at, bytes) || !range_fits(from->bytes, from_at, bytes))
        return STINT_TRAP_MEMORY_BOUNDS;
    memmove(to->base + to_at, from->base + from_at, (size_t)bytes);
    return STINT_TRAP_NONE;
}

enum stint_trap op_memory_init(struct stint_instance *instance, uint32_t data,
                               struct memory *memory, uint64_t at, uint32_t from, uint32_t bytes)
{
    const struct wasm_data *segment = &instance->module->wasm->datas[data];
    uint32_t size = instance->data_dropped[data] ? 0 : segment->size_bytes;
    if (!range_fits(size, from, bytes) || !range_fits(memory->bytes, at, bytes))
        return STINT_TRAP_MEMORY_BOUNDS;
    if (bytes != 0)
        memcpy(memory->base + at, segment->bytes + from, bytes);
    return STINT_TRAP_NONE;
}

void op_data_drop(struct stint_instance *instance, uint32_t data)
{
    instance->data_dropped[data] = 1;
}
