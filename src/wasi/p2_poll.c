/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wasi:io/poll. All waiting of WASI 0.2 comes down to wait_for: what each pollable waits for is asked
 * of its source, then the descriptors and times of all of them go to host_wait_any.
 */
#include "os/clock.h"
#include "wasi/p2_stream.h"

void p2_pollable_end(struct wasi_p2 *wasi, struct p2_object *object)
{
    p2_release(wasi, ((struct p2_pollable *)object)->source);
}

enum stint_status p2_subscribe(struct host_component_call *call, struct p2_object *source,
                               p2_look look, uint64_t *slots)
{
    struct p2_pollable *pollable;
    enum stint_status status = p2_new(call, P2_POLLABLE, &pollable);
    if (status != STINT_OK)
        return status;
    p2_retain(source);
    pollable->source = source;
    pollable->look = look;
    pollable->due_ns = HOST_WAIT_FOREVER;
    return p2_return(call, &pollable->base, slots);
}

enum stint_status p2_subscribe_time(struct host_component_call *call, uint64_t due_ns,
                                    uint64_t *slots)
{
    struct p2_pollable *pollable;
    enum stint_status status = p2_new(call, P2_POLLABLE, &pollable);
    if (status != STINT_OK)
        return status;
    pollable->due_ns = due_ns;
    return p2_return(call, &pollable->base, slots);
}

/* ---- Waiting ----------------------------------------------------------------------------- */

/* One thing of a wait. */
struct wanted {
    struct p2_object *source;
    p2_look look;
    uint64_t due_ns;
    bool is_ready, is_signal;
};

static void look_at(struct wanted *wanted, struct ready_item *ret_item, uint64_t *due_ns)
{
    struct p2_readiness readiness = {.fd = -1, .due_ns = wanted->due_ns};
    if (wanted->look != NULL)
        wanted->look(wanted->source, &readiness);
    else
        readiness.is_ready = wanted->due_ns <= clock_now_ns(OS_CLOCK_MONOTONIC);
    wanted->is_ready = readiness.is_ready;
    wanted->is_signal = readiness.is_signal;
    wanted->due_ns = readiness.due_ns;
    *ret_item = (struct ready_item){.fd = readiness.is_ready ? -1 : readiness.fd,
                                    .wanted = readiness.wanted};
    if (readiness.is_ready)
        *due_ns = 0;
    else if (readiness.due_ns < *due_ns)
        *due_ns = readiness.due_ns;
}

/* Marks what is ready; waits until something is, unless `only_look`. */
static enum os_error wait_for(struct host_component_call *call, struct wanted *wanted,
                              struct ready_item *items, size_t count, bool only_look)
{
    const struct host_wait wait = p2_wait(call);
    for (;;) {
        uint64_t due_ns = HOST_WAIT_FOREVER;
        size_t ready = 0;
        for (size_t i = 0; i < count; i++)
            look_at(&wanted[i], &items[i], &due_ns);
        enum os_error error = host_wait_any(&wait, items, count, only_look ? 0 : due_ns, &ready);
        if (error)
            return error;
        uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
        ready = 0;
        for (size_t i = 0; i < count; i++) {
            uint64_t ignored = HOST_WAIT_FOREVER;
            if (!wanted[i].is_ready && items[i].seen != 0 && wanted[i].is_signal)
                look_at(&wanted[i], &items[i], &ignored);
            else if (!wanted[i].is_ready)
                wanted[i].is_ready = items[i].seen != 0 || wanted[i].due_ns <= now_ns;
            ready += wanted[i].is_ready;
        }
        if (ready > 0 || only_look)
            return OS_OK;
    }
}

enum os_error p2_await(struct host_component_call *call, struct p2_object *source, p2_look look)
{
    struct wanted wanted = {.source = source, .look = look, .due_ns = HOST_WAIT_FOREVER};
    struct ready_item item;
    return wait_for(call, &wanted, &item, 1, false);
}

static enum stint_status wait_one(struct host_component_call *call, uint64_t handle, bool only_look,
                                  bool *ret_is_ready)
{
    struct p2_pollable *pollable;
    struct ready_item item;
    enum stint_status status = p2_get(call, handle, P2_POLLABLE, &pollable);
    if (status != STINT_OK)
        return status;
    struct wanted wanted = {
        .source = pollable->source, .look = pollable->look, .due_ns = pollable->due_ns};
    enum os_error error = wait_for(call, &wanted, &item, 1, only_look);
    if (error == OS_STOPPED)
        return p2_stopped(call);
    *ret_is_ready = wanted.is_ready;
    return STINT_OK;
}

enum stint_status p2_pollable_ready(struct host_component_call *call, uint64_t *slots)
{
    bool is_ready;
    enum stint_status status = wait_one(call, slots[0], true, &is_ready);
    if (status == STINT_OK)
        slots[0] = is_ready;
    return status;
}

enum stint_status p2_pollable_block(struct host_component_call *call, uint64_t *slots)
{
    bool is_ready;
    return wait_one(call, slots[0], false, &is_ready);
}

/* ---- Lists of pollables ------------------------------------------------------------------ */

static enum stint_status read_list(struct host_component_call *call, uint32_t pointer,
                                   uint32_t count, struct wanted *wanted)
{
    const uint8_t *list = host_at(call, pointer, (uint64_t)count * 4, 4);
    if (list == NULL)
        return STINT_TRAP;
    for (uint32_t i = 0; i < count; i++) {
        struct p2_pollable *pollable;
        enum stint_status status =
            p2_get(call, bytes_get32(list + (size_t)i * 4), P2_POLLABLE, &pollable);
        if (status != STINT_OK)
            return status;
        wanted[i] = (struct wanted){
            .source = pollable->source, .look = pollable->look, .due_ns = pollable->due_ns};
    }
    return STINT_OK;
}

static enum stint_status put_ready(struct host_component_call *call, const struct wanted *wanted,
                                   uint32_t count, uint32_t ready, uint64_t result)
{
    uint32_t pointer;
    uint8_t *at;
    enum stint_status status = host_realloc(call, ready * 4, 4, &pointer);
    if (status != STINT_OK)
        return status;
    uint8_t *list = host_at(call, pointer, (uint64_t)ready * 4, 4);
    if (list == NULL)
        return STINT_TRAP;
    for (uint32_t i = 0; i < count; i++) {
        if (wanted[i].is_ready) {
            bytes_put32(list, i);
            list += 4;
        }
    }
    status = p2_result(call, result, 8, 4, &at);
    if (status != STINT_OK)
        return status;
    bytes_put32(at, pointer);
    bytes_put32(at + 4, ready);
    return STINT_OK;
}

static enum stint_status poll_list(struct host_component_call *call, const uint64_t *slots,
                                   struct wanted *wanted, struct ready_item *items)
{
    uint32_t count = p2_u32(slots[1]), ready = 0;
    enum stint_status status = read_list(call, p2_u32(slots[0]), count, wanted);
    if (status != STINT_OK)
        return status;
    enum os_error error = wait_for(call, wanted, items, count, false);
    if (error == OS_STOPPED)
        return p2_stopped(call);
    if (error)
        return p2_trap(call, "cannot wait for that many pollables");
    for (uint32_t i = 0; i < count; i++)
        ready += wanted[i].is_ready;
    return put_ready(call, wanted, count, ready, slots[2]);
}

enum stint_status p2_poll(struct host_component_call *call, uint64_t *slots)
{
    struct alloc *alloc = p2_of(call)->alloc;
    uint32_t count = p2_u32(slots[1]);
    if (count == 0)
        return p2_trap(call, "poll of an empty list would never end");
    if (count > P2_LIST_MAX)
        return p2_trap(call, "poll of too many pollables");
    size_t wanted_bytes = count * sizeof(struct wanted);
    size_t item_bytes = count * sizeof(struct ready_item);
    struct wanted *wanted = alloc_get(alloc, wanted_bytes);
    struct ready_item *items = alloc_get(alloc, item_bytes);
    enum stint_status status = wanted == NULL || items == NULL
                                   ? p2_no_memory(call)
                                   : poll_list(call, slots, wanted, items);
    alloc_put(alloc, wanted, wanted_bytes);
    alloc_put(alloc, items, item_bytes);
    return status;
}
