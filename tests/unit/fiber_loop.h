/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of guests on fibers: one thread that runs them all, and waits for whatever they wait for in
 * one call. What a server's loop does, on top of poll.
 */
#ifndef FIBER_LOOP_H
#define FIBER_LOOP_H

#include "check.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "runtime/store.h"
#include "runtime/waiter.h"

enum { LOOP_ITEMS_MAX = 2048 };

struct loop_guest {
    struct waiter waiter; /* for its store */
    struct fiber *fiber;  /* NULL: not started, or over */
    struct loop *loop;
    /* What it waits for, or `is_due`: to be resumed at once. */
    struct ready_item *items;
    size_t count, ready;
    uint64_t due_ns;
    bool is_due;
    unsigned waits, works, yields;
};

struct loop {
    struct fiber_pool *pool;
    struct loop_guest *guests[LOOP_ITEMS_MAX];
    size_t count;
    unsigned waiting_most; /* guests that waited at the same time */
};

static inline void loop_add(struct loop *loop, struct loop_guest *guest, fiber_fn run, void *arg)
{
    guest->loop = loop;
    loop->guests[loop->count++] = guest;
    CHECK_INT(fiber_start(loop->pool, run, arg, &guest->fiber), STINT_OK);
}

static enum os_error loop_wait(struct waiter *waiter, struct ready_item *items, size_t count,
                               uint64_t timeout_ns, size_t *ret_ready)
{
    struct loop_guest *guest = (struct loop_guest *)waiter;
    guest->items = items;
    guest->count = count;
    guest->ready = 0;
    guest->due_ns =
        timeout_ns == UINT64_MAX ? UINT64_MAX : clock_now_ns(OS_CLOCK_MONOTONIC) + timeout_ns;
    guest->waits++;
    guest->is_due = false;
    fiber_suspend();
    *ret_ready = guest->ready;
    return OS_OK;
}

/* In the thread itself; what counts is that the guest is told later. */
static enum os_error loop_work(struct waiter *waiter, void (*run)(void *arg), void *arg)
{
    struct loop_guest *guest = (struct loop_guest *)waiter;
    guest->works++;
    guest->is_due = true;
    run(arg);
    fiber_suspend();
    return OS_OK;
}

static void loop_yield(struct waiter *waiter)
{
    struct loop_guest *guest = (struct loop_guest *)waiter;
    guest->yields++;
    guest->is_due = true;
    fiber_suspend();
}

static const struct waiter loop_waiter = {loop_wait, loop_work, loop_yield};

static inline void loop_resume(struct loop_guest *guest)
{
    guest->count = 0;
    guest->due_ns = UINT64_MAX;
    if (!fiber_resume(guest->fiber))
        guest->fiber = NULL;
}

/* One wait for all that are left, and each that may go on does. False when none is left. */
static inline bool loop_turn(struct loop *loop)
{
    static struct ready_item all[LOOP_ITEMS_MAX];
    size_t count = 0, ready;
    uint64_t due_ns = UINT64_MAX, now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    unsigned alive = 0, waiting = 0;
    for (size_t i = 0; i < loop->count; i++) {
        struct loop_guest *guest = loop->guests[i];
        if (guest->fiber == NULL)
            continue;
        alive++;
        waiting += !guest->is_due;
        if (guest->is_due)
            due_ns = 0;
        else if (guest->due_ns < due_ns)
            due_ns = guest->due_ns;
        for (size_t k = 0; k < guest->count && count < LOOP_ITEMS_MAX; k++)
            all[count++] = guest->items[k];
    }
    if (waiting > loop->waiting_most)
        loop->waiting_most = waiting;
    if (alive == 0)
        return false;
    uint64_t timeout_ns = due_ns == UINT64_MAX ? UINT64_MAX : due_ns > now_ns ? due_ns - now_ns : 0;
    CHECK_INT(ready_wait(all, count, timeout_ns, &ready), OS_OK);
    now_ns = clock_now_ns(OS_CLOCK_MONOTONIC);
    const struct ready_item *seen = all;
    for (size_t i = 0; i < loop->count; i++) {
        struct loop_guest *guest = loop->guests[i];
        for (size_t k = 0; guest->fiber != NULL && k < guest->count; k++) {
            guest->items[k].seen = (seen++)->seen;
            guest->ready += guest->items[k].seen != 0;
        }
    }
    for (size_t i = 0; i < loop->count; i++) {
        struct loop_guest *guest = loop->guests[i];
        if (guest->fiber != NULL && (guest->is_due || guest->ready > 0 || guest->due_ns <= now_ns))
            loop_resume(guest);
    }
    return true;
}

#endif
