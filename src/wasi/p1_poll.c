/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll_oneoff. Subscriptions and events in guest memory:
 *
 *   subscription   0 userdata  8 tag  16 union: clock: 16 id  24 timeout  32 precision  40 flags
 *                                               file:  16 descriptor                    48 in all
 *   in wasi_unstable a clock has an identifier first: 24 id  32 timeout  40 precision  48 flags
 *                                                                                       56 in all
 *   event          0 userdata  8 error  10 type  16 nbytes  24 flags                    32 in all
 *
 * Both lists may overlap, so all subscriptions are read before the first event is written.
 */
#include "wasi/host_clock.h"
#include "wasi/p1_int.h"

enum {
    SUBSCRIPTION_BYTES = 48,
    SUBSCRIPTION_BYTES_UNSTABLE = 56,
    EVENT_BYTES = 32,
    SUBSCRIPTIONS_MAX = 4096,
};

enum { TAG_CLOCK = 0, TAG_FD_READ = 1, TAG_FD_WRITE = 2 };
enum { CLOCK_IS_ABSOLUTE = 1 };
enum { EVENT_HANGUP = 1 };

struct subscription {
    uint64_t userdata;
    uint64_t time_ns; /* clocks: as the guest gave it */
    uint64_t due_ns;  /* clocks: on the monotonic clock */
    struct p1_descriptor *descriptor;
    uint8_t tag;
    uint8_t clock;
    bool is_absolute;
    bool is_now;    /* there is an event, whatever else comes */
    uint16_t error; /* enum os_error */
};

/* Subscriptions and, by the same index, what the system is asked to wait for. */
struct poll {
    struct subscription *subscriptions;
    struct ready_item *items;
    uint32_t count;
};

static void read_clock(enum p1_abi abi, const uint8_t *at, struct subscription *subscription)
{
    const uint8_t *clock = at + (abi == P1_UNSTABLE ? 24 : 16);
    uint16_t flags = bytes_get16(clock + 24);
    uint32_t id = 0;
    enum os_error error = p1_clock(bytes_get32(clock), &id);
    if (!error && flags & ~CLOCK_IS_ABSOLUTE)
        error = OS_INVAL;
    /* Processor time does not pass while one waits. */
    if (!error && id != OS_CLOCK_REALTIME && id != OS_CLOCK_MONOTONIC)
        error = OS_NOTSUP;
    subscription->error = (uint16_t)error;
    subscription->is_now = error != OS_OK;
    subscription->clock = (uint8_t)id;
    subscription->time_ns = bytes_get64(clock + 8);
    subscription->is_absolute = flags & CLOCK_IS_ABSOLUTE;
    if (!error)
        subscription->due_ns =
            host_clock_due_ns((enum os_clock)id, subscription->time_ns, subscription->is_absolute);
}

static void read_file(const struct p1_call *call, const uint8_t *at,
                      struct subscription *subscription, struct ready_item *ret_item)
{
    bool is_read = subscription->tag == TAG_FD_READ;
    struct p1_descriptor *descriptor = NULL;
    enum os_error error = p1_find(call, bytes_get32(at + 16), 0, &descriptor);
    uint64_t rights = P1_POLL_FD_READWRITE | (is_read ? P1_FD_READ : P1_FD_WRITE);
    if (!error && !(descriptor->rights_base & rights))
        error = OS_NOTCAPABLE;
    subscription->descriptor = descriptor;
    subscription->error = (uint16_t)error;
    /* Files never make one wait. */
    subscription->is_now = error || descriptor->file.sink != NULL ||
                           !host_file_is_stream(&descriptor->file);
    if (!subscription->is_now) {
        ret_item->fd = descriptor->file.fd;
        ret_item->wanted = is_read ? READY_READ : READY_WRITE;
    }
}

static enum os_error read_all(const struct p1_call *call, const uint8_t *in, uint32_t each_bytes,
                              struct poll *poll)
{
    for (uint32_t i = 0; i < poll->count; i++) {
        const uint8_t *at = in + (size_t)i * each_bytes;
        struct subscription *subscription = &poll->subscriptions[i];
        *subscription = (struct subscription){.userdata = bytes_get64(at), .tag = at[8]};
        poll->items[i] = (struct ready_item){.fd = -1};
        if (subscription->tag == TAG_CLOCK)
            read_clock(call->abi, at, subscription);
        else if (subscription->tag == TAG_FD_READ || subscription->tag == TAG_FD_WRITE)
            read_file(call, at, subscription, &poll->items[i]);
        else
            return OS_INVAL;
    }
    return OS_OK;
}

/* When the next clock is due, or 0 when there is an event already. A wall clock is looked at anew,
 * since it may have been set. */
static uint64_t next_due_ns(struct poll *poll)
{
    uint64_t due_ns = HOST_WAIT_FOREVER;
    for (uint32_t i = 0; i < poll->count; i++) {
        struct subscription *subscription = &poll->subscriptions[i];
        if (subscription->is_now)
            return 0;
        if (subscription->tag != TAG_CLOCK)
            continue;
        uint64_t wake_ns = subscription->due_ns;
        if (subscription->is_absolute && subscription->clock == OS_CLOCK_REALTIME) {
            subscription->due_ns =
                host_clock_due_ns(OS_CLOCK_REALTIME, subscription->time_ns, true);
            uint64_t step_ns = clock_now_ns(OS_CLOCK_MONOTONIC) + HOST_CLOCK_STEP_NS;
            wake_ns = subscription->due_ns < step_ns ? subscription->due_ns : step_ns;
        }
        if (wake_ns < due_ns)
            due_ns = wake_ns;
    }
    return due_ns;
}

/* Marks what has come to pass; returns how many events that gives. */
static uint32_t mark(struct poll *poll)
{
    uint32_t events = 0;
    uint64_t now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    for (uint32_t i = 0; i < poll->count; i++) {
        struct subscription *subscription = &poll->subscriptions[i];
        if (subscription->tag == TAG_CLOCK)
            subscription->is_now |= subscription->due_ns <= now_ns;
        else if (poll->items[i].seen != 0)
            subscription->is_now = true;
        events += subscription->is_now;
    }
    return events;
}

static void put_event(uint8_t *at, const struct subscription *subscription,
                      const struct ready_item *item)
{
    enum os_error error = (enum os_error)subscription->error;
    uint64_t nbytes = 0;
    if (item->seen & READY_BAD_FD)
        error = OS_BADF;
    if (!error && subscription->tag == TAG_FD_READ)
        nbytes = host_file_waiting_bytes(&subscription->descriptor->file);
    else if (!error && subscription->tag == TAG_FD_WRITE)
        nbytes = 1; /* at least */
    memset(at, 0, EVENT_BYTES);
    bytes_put64(at, subscription->userdata);
    bytes_put16(at + 8, (uint16_t)error);
    at[10] = subscription->tag;
    bytes_put64(at + 16, nbytes);
    bytes_put16(at + 24, item->seen & (READY_HANGUP | READY_ERROR) ? EVENT_HANGUP : 0);
}

static enum os_error run(struct p1_call *call, struct poll *poll, uint8_t *out, uint8_t *result)
{
    for (;;) {
        size_t ready;
        enum os_error error =
            host_wait_any(&call->wait, poll->items, poll->count, next_due_ns(poll), &ready);
        if (error)
            return error;
        uint32_t events = mark(poll);
        if (events == 0)
            continue;
        bytes_put32(result, events);
        for (uint32_t i = 0; i < poll->count; i++) {
            if (!poll->subscriptions[i].is_now)
                continue;
            put_event(out, &poll->subscriptions[i], &poll->items[i]);
            out += EVENT_BYTES;
        }
        return OS_OK;
    }
}

enum os_error p1_poll_oneoff(struct p1_call *call, const uint64_t *args)
{
    uint32_t each_bytes =
        call->abi == P1_UNSTABLE ? SUBSCRIPTION_BYTES_UNSTABLE : SUBSCRIPTION_BYTES;
    uint32_t count = p1_u32(args[2]);
    uint8_t *in = p1_at(call, p1_u32(args[0]), (uint64_t)count * each_bytes);
    uint8_t *out = p1_at(call, p1_u32(args[1]), (uint64_t)count * EVENT_BYTES);
    uint8_t *result = p1_at(call, p1_u32(args[3]), 4);
    if (in == NULL || out == NULL || result == NULL)
        return OS_FAULT;
    if (count == 0 || count > SUBSCRIPTIONS_MAX)
        return OS_INVAL;

    struct alloc *alloc = call->wasi->alloc;
    size_t subscription_bytes = count * sizeof(struct subscription);
    size_t item_bytes = count * sizeof(struct ready_item);
    struct poll poll = {.count = count};
    enum os_error error = OS_NOMEM;
    poll.subscriptions = alloc_get(alloc, subscription_bytes);
    poll.items = alloc_get(alloc, item_bytes);
    if (poll.subscriptions && poll.items) {
        error = read_all(call, in, each_bytes, &poll);
        if (!error)
            error = run(call, &poll, out, result);
    }
    alloc_put(alloc, poll.subscriptions, subscription_bytes);
    alloc_put(alloc, poll.items, item_bytes);
    return error;
}
