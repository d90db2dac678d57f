/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warm slots of components: instances of one plan that are ready before they are asked for, as
 * runtime/pool.h has them for modules.
 *
 *     status = component_pool_create(plan, &config, &pool, &error);
 *     status = component_pool_take(pool, &instance, &error);   in any thread: as if just made
 *     status = component_call(instance, …);                    by the thread that took it
 *     component_pool_give(pool, instance);                     all is as at first again
 *     component_pool_free(pool);                               once all have been given back
 *
 * Imports are resolved once a slot; what a slot's instances had been after linking and after their
 * segments had been copied is kept aside, and giving one back restores that: memories, tables, globals,
 * segments, the collected heap, handles, limits. Start functions run at every take, in the plan's order,
 * never before, so nothing that one guest computed, or drew at random, is seen by the next, unless
 * component_pool_snapshot is asked for that.
 *
 * Where a core instance follows one with a start function, and writes segments into a memory or table
 * that it imports, the order could be seen. Then only the steps up to the
 * first start function are done beforehand; the others are run at every take, and undone.
 */
#ifndef COMPONENT_COMPONENT_POOL_H
#define COMPONENT_COMPONENT_POOL_H

#include "component/plan.h"
#include "runtime/pool.h"

struct component_pool;

enum { COMPONENT_POOL_RESOLVERS_MAX = 8 };

/* What the host has made for one slot. */
struct component_pool_host {
    void *env; /* the slot's, given back to `reset` and `end` */
    struct host_resolver resolvers[COMPONENT_POOL_RESOLVERS_MAX];
    uint32_t resolver_count;
};

struct component_pool_config {
    /* Called for each new slot, whose store is there, in the thread that takes it. */
    enum stint_status (*make)(void *env, struct stint_store *store,
                              struct component_pool_host *ret_host, struct stint_error *error);
    /* After each use, after the guest's handles were dropped. A failure ends the slot. May be NULL, as
     * may `make` (nothing is imported) and `end`. */
    enum stint_status (*reset)(void *env, void *slot_env);
    void (*end)(void *env, void *slot_env); /* of what `make` made, after the slot's store */
    /*
     * For component_pool_snapshot. What a handle of the host's that the guest has is to be in other slots:
     * a word of the host's, or an error that says what is open and cannot be. And the resource for such a
     * word, in a slot that begins with the snapshot. NULL: no handle may be left.
     */
    enum stint_status (*keep)(void *env, void *slot_env, const struct resource_type *type,
                              uint32_t rep, uint32_t *ret_word, struct stint_error *error);
    enum stint_status (*reopen)(void *env, void *slot_env, const struct resource_type *type,
                                uint32_t word, uint32_t *ret_rep, struct stint_error *error);
    void *env;
    void (*env_free)(void *env); /* by component_pool_free, not when creation fails; may be NULL */

    struct store_limits limits; /* of each slot */
    uint64_t start_fuel;        /* what start functions may use; UINT64_MAX: no limit */
    uint64_t start_timeout_ns;  /* 0: no limit */
    uint32_t slots_max;         /* 0: what the machine allows */
    uint32_t slots_warm;        /* made at once */
    size_t keep_bytes;          /* of each memory: written pages that stay in memory */
    /* Between take and give only the thread that took an instance writes to its memories, and that
     * thread gives it back: a reset then need not ask which pages were written when there was no page
     * fault. What runs elsewhere on behalf of it ends with page_faults_elsewhere. */
    bool uses_stay;
    bool without_scan; /* for tests and measurements: as on kernels before 6.7 */
};

struct component_pool_config component_pool_config_default(void);

/* Makes the pool and its first slot, so that what is wrong with the component is known here. Keeps the
 * plan; copies `config`. */
MUST_CHECK enum stint_status component_pool_create(struct plan *plan,
                                                   const struct component_pool_config *config,
                                                   struct component_pool **ret_pool,
                                                   struct stint_error *error);
void component_pool_free(struct component_pool *pool); /* accepts NULL */

/* STINT_LIMIT when all slots are taken, STINT_NOMEM when no further one can be made; else what a start
 * function ended with. */
MUST_CHECK enum stint_status component_pool_take(struct component_pool *pool,
                                                 struct component_instance **ret_instance,
                                                 struct stint_error *error);
/* In two steps, as pool_take_still and pool_start. */
MUST_CHECK enum stint_status component_pool_take_still(struct component_pool *pool,
                                                       struct component_instance **ret_instance,
                                                       struct stint_error *error);
MUST_CHECK enum stint_status component_pool_start(struct component_pool *pool,
                                                  struct component_instance *instance,
                                                  struct stint_error *error);
void component_pool_give(struct component_pool *pool, struct component_instance *instance);
void component_pool_trim(struct component_pool *pool, uint32_t keep);
uint32_t component_pool_cool(struct component_pool *pool); /* as pool_cool */
void component_pool_renew(struct component_pool *pool); /* as pool_renew */
/* As pool_snapshot; the guest's handles are part of it (see component_pool_config.keep). */
typedef enum stint_status (*component_pool_check)(void *env, struct component_instance *instance,
                                                  struct stint_error *error);
MUST_CHECK enum stint_status component_pool_snapshot(struct component_pool *pool,
                                                     struct component_instance *instance,
                                                     component_pool_check check, void *env,
                                                     struct stint_error *error);
void component_pool_stats(struct component_pool *pool, struct pool_stats *ret_stats);

/* What `make` made for the slot of an instance, which a pool has given. */
void *component_instance_slot_env(struct component_instance *instance);
/* Of any instance. */
struct stint_store *component_instance_store(struct component_instance *instance);

#endif
