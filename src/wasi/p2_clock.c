/* SPDX-License-Identifier: Apache-2.0 */
/* wasi:clocks and wasi:random. */
#include "wasi/host_clock.h"
#include "wasi/host_random.h"
#include "wasi/p2_stream.h"

enum { NS_PER_SECOND = 1000000000 };

/* ---- The monotonic clock ----------------------------------------------------------------- */

enum stint_status p2_monotonic_clock_now(struct host_component_call *call, uint64_t *slots)
{
    (void)call;
    slots[0] = clock_now_ns(OS_CLOCK_MONOTONIC);
    return STINT_OK;
}

enum stint_status p2_monotonic_clock_resolution(struct host_component_call *call, uint64_t *slots)
{
    (void)call;
    slots[0] = clock_resolution_ns(OS_CLOCK_MONOTONIC);
    return STINT_OK;
}

static enum stint_status subscribe(struct host_component_call *call, bool is_absolute,
                                   uint64_t *slots)
{
    return p2_subscribe_time(call, host_clock_due_ns(OS_CLOCK_MONOTONIC, slots[0], is_absolute),
                             slots);
}

enum stint_status p2_monotonic_clock_subscribe_instant(struct host_component_call *call,
                                                       uint64_t *slots)
{
    return subscribe(call, true, slots);
}

enum stint_status p2_monotonic_clock_subscribe_duration(struct host_component_call *call,
                                                        uint64_t *slots)
{
    return subscribe(call, false, slots);
}

enum stint_status p2_monotonic_clock_subscribe_oct(struct host_component_call *call,
                                                   uint64_t *slots)
{
    return subscribe(call, p2_u32(slots[1]) != 0, slots);
}

/* ---- The wall clock ---------------------------------------------------------------------- */

/* datetime: 0 seconds  8 nanoseconds */
static enum stint_status put_time(struct host_component_call *call, uint64_t pointer, uint64_t ns)
{
    uint8_t *at;
    enum stint_status status = p2_result(call, pointer, 16, 8, &at);
    if (status != STINT_OK)
        return status;
    bytes_put64(at, ns / NS_PER_SECOND);
    bytes_put32(at + 8, (uint32_t)(ns % NS_PER_SECOND));
    return STINT_OK;
}

enum stint_status p2_wall_clock_now(struct host_component_call *call, uint64_t *slots)
{
    return put_time(call, slots[0], clock_now_ns(OS_CLOCK_REALTIME));
}

enum stint_status p2_wall_clock_resolution(struct host_component_call *call, uint64_t *slots)
{
    return put_time(call, slots[0], clock_resolution_ns(OS_CLOCK_REALTIME));
}

/* Guests live in UTC, wherever their host stands. timezone-display: 0 offset  4 name  12 summer time */
enum stint_status p2_timezone_display(struct host_component_call *call, uint64_t *slots)
{
    uint8_t *at;
    enum stint_status status = p2_result(call, slots[2], 16, 4, &at);
    return status == STINT_OK ? p2_put_string(call, "UTC", 3, at + 4) : status;
}

enum stint_status p2_timezone_utc_offset(struct host_component_call *call, uint64_t *slots)
{
    (void)call;
    slots[0] = 0;
    return STINT_OK;
}

/* ---- Random bytes ------------------------------------------------------------------------ */

enum stint_status p2_get_random_bytes(struct host_component_call *call, uint64_t *slots)
{
    const struct host_wait wait = p2_wait(call);
    uint32_t pointer;
    uint8_t *at;
    if (slots[0] > UINT32_MAX)
        return p2_trap(call, "more random bytes are asked for than memory holds");
    uint32_t bytes = (uint32_t)slots[0];
    enum stint_status status = host_realloc(call, bytes, 1, &pointer);
    if (status == STINT_OK)
        status = p2_result(call, pointer, bytes, 1, &at);
    if (status != STINT_OK)
        return status;
    enum os_error error = host_random_fill(&wait, at, bytes);
    if (error)
        return error == OS_STOPPED ? p2_stopped(call) : p2_trap(call, "no random bytes");
    status = p2_result(call, slots[1], 8, 4, &at);
    if (status != STINT_OK)
        return status;
    bytes_put32(at, pointer);
    bytes_put32(at + 4, bytes);
    return STINT_OK;
}

/* What may be predictable is not: the system's bytes are cheap enough. */
enum stint_status p2_get_insecure_random_bytes(struct host_component_call *call, uint64_t *slots)
{
    return p2_get_random_bytes(call, slots);
}

static enum stint_status fill(struct host_component_call *call, void *data, size_t bytes)
{
    const struct host_wait wait = p2_wait(call);
    enum os_error error = host_random_fill(&wait, data, bytes);
    if (!error)
        return STINT_OK;
    return error == OS_STOPPED ? p2_stopped(call) : p2_trap(call, "no random bytes");
}

enum stint_status p2_get_random_u64(struct host_component_call *call, uint64_t *slots)
{
    return fill(call, slots, sizeof(*slots));
}

enum stint_status p2_get_insecure_random_u64(struct host_component_call *call, uint64_t *slots)
{
    return p2_get_random_u64(call, slots);
}

/* tuple<u64, u64> */
enum stint_status p2_insecure_seed(struct host_component_call *call, uint64_t *slots)
{
    uint8_t *at;
    enum stint_status status = p2_result(call, slots[0], 16, 8, &at);
    return status == STINT_OK ? fill(call, at, 16) : status;
}
