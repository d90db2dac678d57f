/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments, environment, clocks, random bytes, the end of the process. */
#include "wasi/host_clock.h"
#include "wasi/host_random.h"
#include "wasi/p1_int.h"

/* ---- Arguments and environment ----------------------------------------------------------- */

static enum os_error put_sizes(const struct p1_call *call, const struct p1_strings *strings,
                               const uint64_t *args)
{
    uint8_t *count = p1_at(call, p1_u32(args[0]), 4);
    uint8_t *size = p1_at(call, p1_u32(args[1]), 4);
    if (count == NULL || size == NULL)
        return OS_FAULT;
    bytes_put32(count, strings->count);
    bytes_put32(size, strings->size_bytes);
    return OS_OK;
}

static enum os_error put_strings(const struct p1_call *call, const struct p1_strings *strings,
                                 const uint64_t *args)
{
    uint32_t bytes_at = p1_u32(args[1]);
    uint8_t *pointers = p1_at(call, p1_u32(args[0]), (uint64_t)strings->count * 4);
    uint8_t *bytes = p1_at(call, bytes_at, strings->size_bytes);
    if (pointers == NULL || bytes == NULL)
        return OS_FAULT;
    const char *string = strings->bytes;
    for (uint32_t i = 0; i < strings->count; i++) {
        bytes_put32(pointers + (size_t)i * 4, bytes_at + (uint32_t)(string - strings->bytes));
        string += strlen(string) + 1;
    }
    if (strings->size_bytes > 0)
        memcpy(bytes, strings->bytes, strings->size_bytes);
    return OS_OK;
}

enum os_error p1_args_get(struct p1_call *call, const uint64_t *args)
{
    return put_strings(call, &call->wasi->args, args);
}

enum os_error p1_args_sizes_get(struct p1_call *call, const uint64_t *args)
{
    return put_sizes(call, &call->wasi->args, args);
}

enum os_error p1_environ_get(struct p1_call *call, const uint64_t *args)
{
    return put_strings(call, &call->wasi->env, args);
}

enum os_error p1_environ_sizes_get(struct p1_call *call, const uint64_t *args)
{
    return put_sizes(call, &call->wasi->env, args);
}

/* ---- Clocks ------------------------------------------------------------------------------ */

enum os_error p1_clock(uint32_t id, uint32_t *ret_clock)
{
    static const uint8_t clocks[] = {OS_CLOCK_REALTIME, OS_CLOCK_MONOTONIC, OS_CLOCK_PROCESS_CPU,
                                     OS_CLOCK_THREAD_CPU};
    if (id >= COUNT_OF(clocks))
        return OS_INVAL;
    *ret_clock = clocks[id];
    return OS_OK;
}

enum os_error p1_clock_res_get(struct p1_call *call, const uint64_t *args)
{
    uint32_t clock;
    uint8_t *result = p1_at(call, p1_u32(args[1]), 8);
    if (result == NULL)
        return OS_FAULT;
    enum os_error error = p1_clock(p1_u32(args[0]), &clock);
    if (!error)
        bytes_put64(result, clock_resolution_ns((enum os_clock)clock));
    return error;
}

enum os_error p1_clock_time_get(struct p1_call *call, const uint64_t *args)
{
    /* args[1], the precision that is wanted, is a hint to save work; there is none to save. */
    uint32_t clock;
    uint8_t *result = p1_at(call, p1_u32(args[2]), 8);
    if (result == NULL)
        return OS_FAULT;
    enum os_error error = p1_clock(p1_u32(args[0]), &clock);
    if (!error)
        bytes_put64(result, clock_now_ns((enum os_clock)clock));
    return error;
}

/* ---- Random bytes ------------------------------------------------------------------------ */

enum os_error p1_random_get(struct p1_call *call, const uint64_t *args)
{
    uint32_t bytes = p1_u32(args[1]);
    uint8_t *at = p1_at(call, p1_u32(args[0]), bytes);
    return at == NULL ? OS_FAULT : host_random_fill(&call->wait, at, bytes);
}

/* ---- The process ------------------------------------------------------------------------- */

static enum os_error leave(struct p1_call *call, uint32_t exit_code)
{
    call->status = error_set(call->error, STINT_EXIT, STINT_NO_OFFSET,
                             "the guest exited with code %u", exit_code);
    call->error->exit_code = exit_code;
    return OS_OK;
}

enum os_error p1_proc_exit(struct p1_call *call, const uint64_t *args)
{
    return leave(call, p1_u32(args[0]));
}

/*
 * There are no handlers in preview 1, so a signal does what it does to a process that has none: it
 * is ignored, or ends the guest with the exit code that a shell gives. Stopping is not offered.
 */
enum os_error p1_proc_raise(struct p1_call *call, const uint64_t *args)
{
    enum { IGNORED = 0, STOPS = 255 };
    /* By `signal` of the specification: Linux' number, IGNORED or STOPS. */
    static const uint8_t numbers[] = {
        IGNORED, 1,  2,  3,  4,  5,       6,       7,     8,     9,     10,
        11,      12, 13, 14, 15, IGNORED, IGNORED, STOPS, STOPS, STOPS, STOPS,
        IGNORED, 24, 25, 26, 27, IGNORED, 29,      30,    31,
    };
    uint32_t signal = p1_u32(args[0]);
    if (signal >= COUNT_OF(numbers))
        return OS_INVAL;
    if (numbers[signal] == STOPS)
        return OS_NOTSUP;
    return numbers[signal] == IGNORED ? OS_OK : leave(call, 128u + numbers[signal]);
}

enum os_error p1_sched_yield(struct p1_call *call, const uint64_t *args)
{
    (void)args;
    thread_yield();
    return host_wait_is_over(&call->wait) ? OS_STOPPED : OS_OK;
}
