/* SPDX-License-Identifier: Apache-2.0 */
/* Stores: limits, metering, statistics, backtraces. */
#include <stdio.h>
#include <string.h>

#include "api/api_int.h"
#include "base/buf.h"
#include "runtime/trace.h"

/* The innermost frames tell what happened; an endless recursion has thousands. */
enum { FRAMES_FORMATTED = 64 };

void stint_store_limits_init(struct stint_store_limits *ret_limits)
{
    struct store_limits limits = store_limits_default();
    memset(ret_limits, 0, sizeof(*ret_limits));
    ret_limits->memory_bytes_max = limits.memory_bytes_max;
    ret_limits->table_elements_max = limits.table_elements_max;
    ret_limits->gc_heap_bytes_max = limits.gc_heap_bytes_max;
    ret_limits->stack_bytes_max = limits.stack_bytes_max;
    ret_limits->call_depth_max = limits.call_depth_max;
    ret_limits->budget_bytes = limits.budget_bytes;
}

struct store_limits api_store_limits(const struct stint_store_limits *limits)
{
    struct store_limits chosen = store_limits_default();
    if (limits != NULL) {
        chosen.memory_bytes_max = limits->memory_bytes_max;
        chosen.table_elements_max = limits->table_elements_max;
        chosen.gc_heap_bytes_max = limits->gc_heap_bytes_max;
        chosen.stack_bytes_max = limits->stack_bytes_max;
        chosen.call_depth_max = limits->call_depth_max;
        chosen.budget_bytes = limits->budget_bytes;
    }
    return chosen;
}

enum stint_status stint_store_new(stint_engine *engine, const struct stint_store_limits *limits,
                                  stint_store **ret_store, struct stint_error *error)
{
    struct store_limits chosen = api_store_limits(limits);
    enum stint_status status = store_create(engine, &chosen, ret_store);
    return status == STINT_NOMEM ? api_no_memory(error) : status;
}

void stint_store_free(stint_store *store)
{
    store_free(store);
}

void stint_store_set_user(stint_store *store, void *user)
{
    store->user = user;
}

void *stint_store_user(const stint_store *store)
{
    return store->user;
}

void stint_store_set_fuel(stint_store *store, uint64_t fuel)
{
    rt_fuel_set(store, fuel);
}

uint64_t stint_store_fuel_used(const stint_store *store)
{
    return rt_fuel_used(store);
}

void stint_store_set_timeout_ns(stint_store *store, uint64_t timeout_ns)
{
    rt_timeout_set(store, timeout_ns);
}

void stint_store_interrupt(stint_store *store)
{
    rt_interrupt(store);
}

void stint_store_stats(const stint_store *store, struct stint_stats *ret_stats)
{
    memset(ret_stats, 0, sizeof(*ret_stats));
    ret_stats->fuel_used = rt_fuel_used(store);
    ret_stats->calls = store->call_count;
    for (const struct memory *memory = store->memories; memory != NULL; memory = memory->next)
        ret_stats->memory_bytes += memory->bytes;
    if (store->gc != NULL)
        gc_counts(store->gc, &ret_stats->gc_collections, &ret_stats->gc_live_bytes);
    ret_stats->store_bytes = atomic_load_explicit(&store->alloc.used_bytes, memory_order_relaxed);
    ret_stats->store_peak_bytes =
        atomic_load_explicit(&store->alloc.peak_bytes, memory_order_relaxed);
}

size_t stint_store_backtrace(stint_store *store, struct stint_frame *ret_frames, size_t limit)
{
    _Static_assert(
        sizeof(struct stint_frame) == sizeof(struct frame_info) &&
            offsetof(struct stint_frame, func_index) == offsetof(struct frame_info, func_index) &&
            offsetof(struct stint_frame, offset_bytes) == offsetof(struct frame_info, offset_bytes),
        "a public frame is the internal one");
    return rt_backtrace(store, (struct frame_info *)ret_frames, limit);
}

size_t stint_store_format_backtrace(stint_store *store, bool with_lines, char *text,
                                    size_t text_bytes)
{
    struct frame_info frames[FRAMES_FORMATTED];
    struct buf lines;
    size_t total = rt_backtrace(store, frames, FRAMES_FORMATTED);
    size_t count = total < FRAMES_FORMATTED ? total : FRAMES_FORMATTED;
    buf_init(&lines, &store->alloc, 1 << 20);
    /* What did not fit is missing at the end, as with a small `text_bytes`. */
    (void)trace_format(&lines, frames, count, total, NULL, with_lines);
    if (text_bytes > 0) {
        size_t copied = lines.bytes < text_bytes ? lines.bytes : text_bytes - 1;
        if (copied > 0)
            memcpy(text, lines.data, copied);
        text[copied] = '\0';
    }
    size_t bytes = lines.bytes;
    buf_free(&lines);
    return bytes;
}
