/* SPDX-License-Identifier: Apache-2.0 */
/* Warm components: what of a plan can be done beforehand, and the slots that have it. */
#include "component/component_pool.h"

#include <assert.h>

#include "component/component_instance_int.h"
#include "runtime/pool_slots.h"

/* What a slot has beside its store; in the slot's arena. */
struct component_slot {
    struct component_instance *instance;
    struct component_pool_host host;
    bool has_host;
};

struct component_pool {
    struct plan *plan;
    struct component_pool_config config;
    size_t steps;     /* of the plan's, done beforehand */
    uint32_t *starts; /* the core instances of those steps whose start functions are left */
    uint32_t start_count, start_capacity;
    struct pool_slots slots;
};

struct component_pool_config component_pool_config_default(void)
{
    const struct pool_config module = pool_config_default();
    return (struct component_pool_config){
        .limits = module.limits, .start_fuel = module.start_fuel, .keep_bytes = module.keep_bytes};
}

/* ---- What can be done beforehand --------------------------------------------------------- */

/* Whether start functions that ran before could see that this instance is made, or it them: it writes to
 * a memory or table of another. (Nor can it need these to have grown: validation knows their first
 * sizes only.) */
static bool is_entangled(const struct wasm_module *wasm)
{
    for (uint32_t i = 0; i < wasm->data_count; i++) {
        if (wasm->datas[i].mode == SEGMENT_ACTIVE &&
            wasm->datas[i].memory < wasm->import_memory_count)
            return true;
    }
    for (uint32_t i = 0; i < wasm->elem_count; i++) {
        if (wasm->elems[i].mode == SEGMENT_ACTIVE &&
            wasm->elems[i].table < wasm->import_table_count)
            return true;
    }
    return false;
}

/* All steps, unless one that is entangled follows a start function: then those up to the first one. */
static size_t steps_beforehand(const struct plan *plan)
{
    size_t first_start = plan->steps.count;
    for (size_t i = 0; i < plan->steps.count; i++) {
        const struct plan_step *step = &plan->steps.items[i];
        if (step->kind != STEP_CORE)
            continue;
        const struct wasm_module *wasm = plan->cores.items[step->number].module->wasm;
        if (first_start < i && is_entangled(wasm))
            return first_start + 1;
        if (wasm->has_start && first_start == plan->steps.count)
            first_start = i;
    }
    return plan->steps.count;
}

static bool find_starts(struct component_pool *pool)
{
    const struct plan *plan = pool->plan;
    pool->steps = steps_beforehand(plan);
    pool->start_capacity = (uint32_t)plan->cores.count;
    pool->starts = alloc_get_zeroed(&plan->engine->alloc, pool->start_capacity, sizeof(uint32_t));
    if (pool->starts == NULL && pool->start_capacity != 0)
        return false;
    for (size_t i = 0; i < pool->steps; i++) {
        const struct plan_step *step = &plan->steps.items[i];
        if (step->kind == STEP_CORE && plan->cores.items[step->number].module->wasm->has_start)
            pool->starts[pool->start_count++] = step->number;
    }
    return true;
}

/* Memories of their own that core instances have, once the first steps are done. */
static uint32_t count_memories(const struct component_pool *pool)
{
    const struct plan *plan = pool->plan;
    uint32_t count = 0;
    for (size_t i = 0; i < pool->steps; i++) {
        const struct plan_step *step = &plan->steps.items[i];
        if (step->kind != STEP_CORE)
            continue;
        const struct wasm_module *wasm = plan->cores.items[step->number].module->wasm;
        count += wasm->memory_count - wasm->import_memory_count;
    }
    return count;
}

/* ---- Slots ------------------------------------------------------------------------------- */

/* The host's handles as the snapshot has them. */
static enum stint_status reopen(struct component_pool *pool, struct pool_slot *slot,
                                struct stint_error *error)
{
    const struct component_pool_config *config = &pool->config;
    struct component_slot *own = slot->user;
    const struct component_handles_host host = {config->env, own->host.env, config->keep,
                                                config->reopen};
    return slot->snapshot == NULL
               ? STINT_OK
               : component_handles_put(own->instance, slot->snapshot->user, &host, error);
}

static enum stint_status capture(void *owner, const struct pool_slot *slot,
                                 struct slots_snapshot *snapshot, struct stint_error *error)
{
    const struct component_pool_config *config = &((struct component_pool *)owner)->config;
    const struct component_slot *own = slot->user;
    const struct component_handles_host host = {config->env, own->host.env, config->keep,
                                                config->reopen};
    struct component_handles *handles;
    enum stint_status status =
        component_handles_take(own->instance, &host, &snapshot->arena, &handles, error);
    if (status == STINT_OK)
        snapshot->user = handles;
    return status;
}

static enum stint_status fill(void *owner, struct pool_slot *slot, struct stint_error *error)
{
    struct component_pool *pool = owner;
    const struct component_pool_config *config = &pool->config;
    struct component_slot *own = arena_get_zeroed(&slot->arena, 1, sizeof(*own));
    if (own == NULL)
        return slots_no_memory(error);
    slot->user = own;
    if (config->make != NULL) {
        enum stint_status status = config->make(config->env, slot->store, &own->host, error);
        if (status != STINT_OK)
            return status;
    }
    own->has_host = true;
    /* All that start functions did is in a snapshot, so there is nothing to wait for. */
    size_t steps = slot->snapshot != NULL ? pool->plan->steps.count : pool->steps;
    enum stint_status status =
        component_prepare(slot->store, pool->plan, own->host.resolvers, own->host.resolver_count,
                          steps, &own->instance, error);
    return status == STINT_OK ? reopen(pool, slot, error) : status;
}

static bool reset(void *owner, struct pool_slot *slot)
{
    struct component_pool *pool = owner;
    const struct component_pool_config *config = &pool->config;
    struct component_slot *own = slot->user;
    struct stint_error ignored = {0};
    component_reset(own->instance);
    if (config->reset != NULL && config->reset(config->env, own->host.env) != STINT_OK)
        return false;
    return reopen(pool, slot, &ignored) == STINT_OK;
}

static void before_end(void *owner, struct pool_slot *slot)
{
    struct component_slot *own = slot->user;
    (void)owner;
    if (own != NULL)
        component_instance_free(own->instance);
}

static void after_end(void *owner, struct pool_slot *slot)
{
    const struct component_pool_config *config = &((struct component_pool *)owner)->config;
    struct component_slot *own = slot->user;
    if (own != NULL && own->has_host && config->end != NULL)
        config->end(config->env, own->host.env);
}

static const struct pool_slots_ops ops = {
    .fill = fill, .capture = capture, .reset = reset, .before_end = before_end, .after_end = after_end};

/* ---- The pool ---------------------------------------------------------------------------- */

static void pool_end(struct component_pool *pool)
{
    struct stint_engine *engine = engine_retain(pool->plan->engine);
    slots_end(&pool->slots);
    plan_release(pool->plan);
    alloc_put(&engine->alloc, pool->starts, pool->start_capacity * sizeof(uint32_t));
    alloc_put(&engine->alloc, pool, sizeof(*pool));
    engine_release(engine);
}

enum stint_status component_pool_create(struct plan *plan,
                                        const struct component_pool_config *config,
                                        struct component_pool **ret_pool, struct stint_error *error)
{
    struct alloc *alloc = &plan->engine->alloc;
    struct component_pool *pool = alloc_get_zeroed(alloc, 1, sizeof(*pool));
    if (pool == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a pool");
    pool->plan = plan_retain(plan);
    pool->config = *config;
    enum stint_status status = STINT_OK;
    if (!find_starts(pool))
        status = error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a pool");
    if (status == STINT_OK) {
        const struct pool_slots_config slots = {.limits = config->limits,
                                                .slots_max = config->slots_max,
                                                .slots_warm = config->slots_warm,
                                                .memory_count = count_memories(pool),
                                                .keep_bytes = config->keep_bytes,
                                                .without_scan = config->without_scan,
                                                .uses_stay = config->uses_stay};
        status = slots_begin(&pool->slots, plan->engine, &slots, &ops, pool, error);
    }
    if (status == STINT_OK)
        *ret_pool = pool;
    else
        pool_end(pool);
    return status;
}

void component_pool_free(struct component_pool *pool)
{
    if (pool == NULL)
        return;
    void (*env_free)(void *env) = pool->config.env_free;
    void *env = pool->config.env;
    pool_end(pool);
    if (env_free != NULL)
        env_free(env);
}

/* ---- Taking and giving ------------------------------------------------------------------- */

enum stint_status component_pool_take_still(struct component_pool *pool,
                                            struct component_instance **ret_instance,
                                            struct stint_error *error)
{
    struct pool_slot *slot;
    enum stint_status status = slots_take(&pool->slots, &slot, error);
    if (status != STINT_OK)
        return status;
    const struct component_slot *own = slot->user;
    *ret_instance = own->instance;
    return STINT_OK;
}

static bool has_start(const struct component_pool *pool, const struct component_instance *instance)
{
    return instance->store->slot->snapshot == NULL &&
           (pool->start_count > 0 || pool->steps < pool->plan->steps.count);
}

enum stint_status component_pool_start(struct component_pool *pool,
                                       struct component_instance *instance,
                                       struct stint_error *error)
{
    return has_start(pool, instance)
               ? component_start(instance, pool->starts, pool->start_count, pool->steps, error)
               : STINT_OK;
}

enum stint_status component_pool_take(struct component_pool *pool,
                                      struct component_instance **ret_instance,
                                      struct stint_error *error)
{
    struct component_instance *instance;
    enum stint_status status = component_pool_take_still(pool, &instance, error);
    if (status == STINT_OK && has_start(pool, instance)) {
        rt_fuel_set(instance->store, pool->config.start_fuel);
        rt_timeout_set(instance->store, pool->config.start_timeout_ns);
        status = component_pool_start(pool, instance, error);
        rt_fuel_set(instance->store, UINT64_MAX);
        rt_timeout_set(instance->store, 0);
        if (status != STINT_OK)
            component_pool_give(pool, instance);
    }
    if (status == STINT_OK)
        *ret_instance = instance;
    return status;
}

void component_pool_give(struct component_pool *pool, struct component_instance *instance)
{
    struct pool_slot *slot = instance->store->slot;
    assert(slot != NULL && slot->slots == &pool->slots);
    (void)pool;
    slots_give(slot);
}

struct checking {
    component_pool_check check;
    void *env;
};

static enum stint_status check_slot(void *env, struct pool_slot *slot, struct stint_error *error)
{
    const struct checking *checking = env;
    const struct component_slot *own = slot->user;
    return checking->check(checking->env, own->instance, error);
}

enum stint_status component_pool_snapshot(struct component_pool *pool,
                                          struct component_instance *instance,
                                          component_pool_check check, void *env,
                                          struct stint_error *error)
{
    struct checking checking = {check, env};
    struct pool_slot *slot = instance->store->slot;
    assert(slot != NULL && slot->slots == &pool->slots);
    (void)pool;
    return slots_snapshot(slot, check != NULL ? check_slot : NULL, &checking, error);
}

void component_pool_trim(struct component_pool *pool, uint32_t keep)
{
    slots_trim(&pool->slots, keep);
}

uint32_t component_pool_cool(struct component_pool *pool)
{
    return slots_cool(&pool->slots);
}

void component_pool_renew(struct component_pool *pool)
{
    slots_renew(&pool->slots);
}

void component_pool_stats(struct component_pool *pool, struct pool_stats *ret_stats)
{
    slots_stats(&pool->slots, ret_stats);
}

void *component_instance_slot_env(struct component_instance *instance)
{
    struct component_slot *own = instance->store->slot->user;
    return own->host.env;
}

struct stint_store *component_instance_store(struct component_instance *instance)
{
    return instance->store;
}
