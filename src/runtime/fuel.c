/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuel in slices. The engine counts a slice down without a look at the store; what it finds too
 * little when it charges, the overdraft, is paid from the reserve here, before the next slice is
 * cut from it. So the sum does not depend on where slices end.
 */
#include "os/clock.h"
#include "runtime/store.h"
#include "runtime/waiter.h"
#include "stint_config.h"

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Operators charged in the current slice so far. */
static uint64_t pending(const struct stint_store *store)
{
    return store->exec == NULL ? 0 : store->engine->ops->fuel_pending(store->exec);
}

void rt_fuel_set(struct stint_store *store, uint64_t fuel)
{
    uint64_t used = pending(store);
    uint64_t left = store->fuel_slice > used ? store->fuel_slice - used : 0;
    store->has_fuel = fuel != UINT64_MAX;
    /* An engine that keeps its slice between calls, or a host function that sets fuel, has the
     * rest of that slice already. */
    store->fuel_reserve = fuel > left ? fuel - left : 0;
}

uint64_t rt_fuel_used(const struct stint_store *store)
{
    return add_saturated(store->fuel_used, pending(store));
}

void rt_timeout_set(struct stint_store *store, uint64_t timeout_ns)
{
    store->deadline_ns =
        timeout_ns == 0 ? 0 : add_saturated(clock_now_ns(OS_CLOCK_MONOTONIC), timeout_ns);
}

void rt_interrupt(struct stint_store *store)
{
    atomic_store_explicit(&store->interrupt, true, memory_order_relaxed);
}

/* The slice is over: `overdraft` more than its size was charged. False when the reserve cannot pay
 * that; what was left of it counts as used, as the operators it was too little for did not run. */
static bool settle(struct stint_store *store, uint64_t overdraft)
{
    bool paid = !store->has_fuel || overdraft <= store->fuel_reserve;
    uint64_t beyond = paid ? overdraft : store->fuel_reserve;
    store->fuel_used = add_saturated(store->fuel_used, add_saturated(store->fuel_slice, beyond));
    store->fuel_slice = 0;
    if (store->has_fuel)
        store->fuel_reserve -= beyond;
    return paid;
}

enum stint_status rt_fuel_next_slice(struct stint_store *store, uint64_t overdraft,
                                     int64_t *ret_slice, struct stint_error *error)
{
    /* Before the overdraft is paid, so that whoever asks meanwhile is told what is used. A call's
     * first slice ends none, and one of a single operator is a look at the guest. */
    if (STINT_WITH_FIBER && store->waiter != NULL && store->fuel_slice > 1)
        store->waiter->yield(store->waiter);
    if (!settle(store, overdraft))
        return error_set(error, STINT_FUEL, STINT_NO_OFFSET, "fuel used up after %llu operators",
                         (unsigned long long)store->fuel_used);
    if (atomic_load_explicit(&store->interrupt, memory_order_relaxed)) {
        atomic_store_explicit(&store->interrupt, false, memory_order_relaxed);
        return error_set(error, STINT_INTERRUPTED, STINT_NO_OFFSET, "interrupted");
    }
    if (store->deadline_ns != 0 && clock_now_ns(OS_CLOCK_MONOTONIC) >= store->deadline_ns)
        return error_set(error, STINT_TIMEOUT, STINT_NO_OFFSET, "time is up");
    uint64_t slice = tier_slice(store->engine, &store->tier_steps, FUEL_SLICE);
    if (store->has_fuel) {
        if (slice > store->fuel_reserve)
            slice = store->fuel_reserve;
        store->fuel_reserve -= slice;
    }
    store->fuel_slice = slice;
    *ret_slice = (int64_t)slice;
    return STINT_OK;
}

void rt_fuel_return(struct stint_store *store, int64_t left)
{
    if (left < 0) {
        (void)settle(store, -(uint64_t)left);
        return;
    }
    uint64_t unused = (uint64_t)left < store->fuel_slice ? (uint64_t)left : store->fuel_slice;
    store->fuel_slice -= unused;
    if (store->has_fuel)
        store->fuel_reserve += unused;
    (void)settle(store, 0);
}
