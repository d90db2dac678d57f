/* SPDX-License-Identifier: Apache-2.0 */
/* What all functions of WASI 0.2 share: traps, waiting, results in the guest's memory. */
#include "os/clock.h"
#include "wasi/p2_int.h"

struct host_wait p2_wait(const struct host_component_call *call)
{
    struct stint_store *store = call->guest->store;
    /* Without metering nobody may interrupt, and a wait needs no slices. */
    return (struct host_wait){store->deadline_ns,
                              store->engine->config.is_metered ? &store->interrupt : NULL,
                              store->waiter};
}

enum stint_status p2_trap(struct host_component_call *call, const char *text)
{
    return error_set(call->error, STINT_TRAP, STINT_NO_OFFSET, "%s", text);
}

enum stint_status p2_no_memory(struct host_component_call *call)
{
    return error_set(call->error, STINT_NOMEM, STINT_NO_OFFSET,
                     "out of memory for the guest's WASI state");
}

enum stint_status p2_stopped(struct host_component_call *call)
{
    struct stint_store *store = call->guest->store;
    if (store->deadline_ns != 0 && clock_now_ns(OS_CLOCK_MONOTONIC) >= store->deadline_ns)
        return error_set(call->error, STINT_TIMEOUT, STINT_NO_OFFSET, "time is up");
    atomic_store_explicit(&store->interrupt, false, memory_order_relaxed);
    return error_set(call->error, STINT_INTERRUPTED, STINT_NO_OFFSET, "interrupted");
}

uint8_t *p2_scratch(struct host_component_call *call)
{
    struct wasi_p2 *wasi = p2_of(call);
    if (wasi->scratch == NULL)
        wasi->scratch = alloc_get(wasi->alloc, P2_SCRATCH_BYTES);
    return wasi->scratch;
}

/* ---- Results ----------------------------------------------------------------------------- */

enum stint_status p2_result(struct host_component_call *call, uint64_t pointer, uint32_t bytes,
                            uint32_t align, uint8_t **ret_at)
{
    uint8_t *at = host_at(call, p2_u32(pointer), bytes, align);
    if (at == NULL)
        return STINT_TRAP;
    memset(at, 0, bytes);
    *ret_at = at;
    return STINT_OK;
}

enum stint_status p2_put_bytes(struct host_component_call *call, const void *data, size_t bytes,
                               uint32_t *ret_pointer)
{
    uint32_t pointer;
    if (bytes > UINT32_MAX)
        return p2_trap(call, "a list is longer than the guest's memory");
    enum stint_status status = host_realloc(call, (uint32_t)bytes, 1, &pointer);
    if (status != STINT_OK)
        return status;
    uint8_t *at = host_at(call, pointer, bytes, 1);
    if (at == NULL)
        return STINT_TRAP;
    if (bytes > 0)
        memcpy(at, data, bytes);
    *ret_pointer = pointer;
    return STINT_OK;
}

enum stint_status p2_put_string(struct host_component_call *call, const char *text, size_t bytes,
                                uint8_t *at)
{
    uint32_t pointer, units;
    enum stint_status status = host_put_string(call, text, bytes, &pointer, &units);
    if (status != STINT_OK)
        return status;
    bytes_put32(at, pointer);
    bytes_put32(at + 4, units);
    return STINT_OK;
}

enum stint_status p2_put_option_string(struct host_component_call *call, const char *text,
                                       size_t bytes, uint8_t *at)
{
    if (text == NULL)
        return STINT_OK;
    at[0] = 1;
    return p2_put_string(call, text, bytes, at + 4);
}
