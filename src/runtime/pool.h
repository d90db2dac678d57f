/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warm slots: instances of one module that are ready before they are asked for.
 *
 *     status = pool_create(module, &config, &pool, &error);
 *     status = pool_take(pool, &instance, &error);   in any thread: an instance as if just made
 *     status = rt_call(instance->store, …);          by the thread that took it
 *     pool_give(pool, instance);                     everything in its store is as at first again
 *     pool_free(pool);                               once all have been given back
 *
 * Each slot is a store with its instance. What its state was after linking and after the segments
 * had been copied is kept aside; giving an instance back restores that: memories by copying the
 * pages that were written (os/cow.h), tables, globals, segments, the collected heap, fuel and
 * limits. Start functions run at every take, never before: nothing that one guest computed, or
 * drew at random, is seen by the next; unless pool_snapshot makes one guest's state the beginning of all.
 *
 * Slots are made when there is no idle one, up to a number that the machine's memory and address
 * space allow. A thread mostly gets the slot that its processor used last.
 */
#ifndef RUNTIME_POOL_H
#define RUNTIME_POOL_H

#include "runtime/store.h"

struct stint_pool;

struct pool_config {
    /*
     * Called for each new slot: makes what the module imports in `store`, in order, into
     * `ret_imports`. What it leaves in the store, other instances included, is what every use of
     * the slot begins with. NULL: the module imports nothing.
     */
    enum stint_status (*link)(void *env, struct stint_store *store,
                              struct extern_value *ret_imports, struct stint_error *error);
    /* Called after each use, before the store's own state is restored: resets what the host keeps
     * for it. A failure ends the slot. May be NULL. */
    enum stint_status (*reset)(void *env, struct stint_store *store);
    /* Called when a slot has ended, with the store's `user` unless that is NULL. May be NULL. */
    void (*end)(void *env, void *user);
    void *env;
    void (*env_free)(void *env); /* called by pool_free, not when pool_create fails; may be NULL */

    struct store_limits limits; /* of each slot */
    uint64_t start_fuel;        /* what start functions may use; UINT64_MAX: no limit */
    uint64_t start_timeout_ns;  /* 0: no limit */
    uint32_t slots_max;         /* 0: what the machine allows */
    uint32_t slots_warm;        /* made at once */
    size_t keep_bytes;    /* of each memory: written pages that stay in memory; see pool_size */
    bool skip_initialize; /* leave calling the export `_initialize` to the caller */
    /* Between take and give only the thread that took an instance writes to its memories, and that
     * thread gives it back: a reset then need not ask which pages were written when there was no page
     * fault. What runs elsewhere on behalf of it ends with page_faults_elsewhere. */
    bool uses_stay;
    bool without_scan; /* for tests and measurements: as on kernels before 6.7 */
};

/* No imports, the default limits, sizes by the machine. */
struct pool_config pool_config_default(void);

/* What a machine has for the slots of all pools. */
struct pool_room {
    uint64_t memory_bytes, address_bytes;
    uint64_t mappings; /* of the process */
};
/* How many slots of a module fit: those of one pool take at most half of each. */
uint32_t pool_size(const struct wasm_module *module, const struct pool_config *config,
                   const struct pool_room *room);

/* Makes the pool and its first slot, so that what is wrong with the module is known here. The pool
 * keeps the module; `config` is copied. */
MUST_CHECK enum stint_status pool_create(struct stint_module *module,
                                         const struct pool_config *config,
                                         struct stint_pool **ret_pool, struct stint_error *error);
/* All instances have to be back. Accepts NULL. */
void pool_free(struct stint_pool *pool);

/*
 * An instance whose start function has run, and `_initialize` if it is exported, in a store whose
 * fuel and time are unlimited again. STINT_LIMIT when all slots are taken, STINT_NOMEM when no
 * further one can be made; else what the start function ended with.
 */
MUST_CHECK enum stint_status pool_take(struct stint_pool *pool,
                                       struct stint_instance **ret_instance,
                                       struct stint_error *error);
/*
 * The same in two steps, for who limits, interrupts or suspends start functions as all other calls: an
 * instance that was taken still is started once, before anything in it is called, with the fuel, the time
 * and the waiter that its store has. Where that fails it is given back as any other.
 */
MUST_CHECK enum stint_status pool_take_still(struct stint_pool *pool,
                                             struct stint_instance **ret_instance,
                                             struct stint_error *error);
MUST_CHECK enum stint_status pool_start(struct stint_pool *pool, struct stint_instance *instance,
                                        struct stint_error *error);
/* No call runs in the store, and nothing refers to it or into it any more: no handle, no interrupt
 * that is still to come. */
void pool_give(struct stint_pool *pool, struct stint_instance *instance);
/* Ends idle slots until at most `keep` are idle. */
void pool_trim(struct stint_pool *pool, uint32_t keep);
/* For a clock: ends half of the idle slots, rounded up, that nobody has asked for since the last call, so
 * that what a burst made goes again; those of slots_warm stay. How many ended. */
uint32_t pool_cool(struct stint_pool *pool);

/* Slots that are there end, idle ones now, the others when they are given back: new ones have what the
 * module has got since, such as machine code. */
void pool_renew(struct stint_pool *pool);

/*
 * Gives an instance back, in whose store nothing runs and to which nothing refers, and makes its state the
 * beginning of all later uses, in any slot: memories with their size, tables, globals, segments, the
 * collected heap; fuel, limits and what the host keeps are as at first. Start functions do not run again.
 * Once for each pool. `check` (may be NULL) is called with an instance that begins so; where it fails,
 * or the state cannot be kept, the reason is in `error` and the pool is as it was.
 */
typedef enum stint_status (*pool_check)(void *env, struct stint_instance *instance,
                                        struct stint_error *error);
MUST_CHECK enum stint_status pool_snapshot(struct stint_pool *pool, struct stint_instance *instance,
                                           pool_check check, void *env, struct stint_error *error);

/* Whether a slot's store begins with the pool's snapshot; from before `link` on. */
bool pool_store_has_snapshot(const struct stint_store *store);

struct pool_stats {
    uint32_t slots_max;
    uint32_t slots; /* there are now, taken or idle */
    uint32_t idle;
    uint64_t memory_bytes; /* of the memories of those that are taken */
    uint64_t takes;
    uint64_t cold_takes;   /* those whose slot had to be made first */
    uint64_t failures;     /* slots that could not be reset, and were ended */
    uint64_t copied_bytes; /* by resets, of memories and large tables */
    uint64_t dropped;      /* times that resets gave pages back */
    uint64_t questions;    /* times that resets asked the kernel for written pages, or could not */
    bool scans;            /* the kernel tells which pages were written */
    bool has_snapshot;     /* slots begin with one */
    uint64_t snapshot_bytes; /* of its memories */
};
void pool_stats(struct stint_pool *pool, struct pool_stats *ret_stats);

#endif
