/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of one module: linking and start functions; the slots are pool_slots.c's. */
#include "runtime/pool.h"

#include <assert.h>

#include "runtime/pool_slots.h"

enum { KEEP_BYTES_DEFAULT = 1 << 20 };

struct stint_pool {
    struct stint_module *module;
    struct pool_config config;
    uint32_t initialize; /* index of the function `_initialize`, or UINT32_MAX */
    struct pool_slots slots;
};

struct pool_config pool_config_default(void)
{
    return (struct pool_config){.limits = store_limits_default(),
                                .start_fuel = UINT64_MAX,
                                .keep_bytes = KEEP_BYTES_DEFAULT};
}

uint32_t pool_size(const struct wasm_module *module, const struct pool_config *config,
                   const struct pool_room *room)
{
    return slots_fit(module->memory_count, config->keep_bytes, room);
}

/* ---- Slots ------------------------------------------------------------------------------- */

static enum stint_status link_imports(struct stint_pool *pool, struct pool_slot *slot,
                                      struct extern_value **ret_imports, struct stint_error *error)
{
    const struct pool_config *config = &pool->config;
    uint32_t count = pool->module->wasm->import_count;
    struct extern_value *imports = arena_get_zeroed(&slot->arena, count, sizeof(*imports));
    if (imports == NULL)
        return slots_no_memory(error);
    for (uint32_t i = 0; i < count; i++)
        imports[i].kind = EXTERN_MISSING;
    *ret_imports = imports;
    return config->link == NULL ? STINT_OK : config->link(config->env, slot->store, imports, error);
}

static enum stint_status fill(void *owner, struct pool_slot *slot, struct stint_error *error)
{
    struct stint_pool *pool = owner;
    struct extern_value *imports = NULL;
    struct stint_instance *instance;
    enum stint_status status = link_imports(pool, slot, &imports, error);
    if (status == STINT_OK)
        status = instance_prepare(slot->store, pool->module, imports, &instance, error);
    if (status == STINT_OK) {
        slot->user = instance;
        slot->fresh = instance;
    }
    return status;
}

static bool reset(void *owner, struct pool_slot *slot)
{
    const struct pool_config *config = &((struct stint_pool *)owner)->config;
    return config->reset == NULL || config->reset(config->env, slot->store) == STINT_OK;
}

/* What the embedder keeps for a store is still needed while that is freed. */
static void before_end(void *owner, struct pool_slot *slot)
{
    (void)owner;
    slot->user = slot->store != NULL ? slot->store->user : NULL;
}

static void after_end(void *owner, struct pool_slot *slot)
{
    const struct pool_config *config = &((struct stint_pool *)owner)->config;
    if (config->end != NULL && slot->user != NULL)
        config->end(config->env, slot->user);
}

static const struct pool_slots_ops ops = {
    .fill = fill, .reset = reset, .before_end = before_end, .after_end = after_end};

/* ---- The pool ---------------------------------------------------------------------------- */

/* The export `_initialize`, where it is a function without parameters and results. */
static uint32_t find_initialize(const struct wasm_module *module)
{
    static const char name[] = "_initialize";
    const struct wasm_export *export = module_find_export(module, name, sizeof(name) - 1);
    if (export == NULL || export->kind != EXTERN_FUNC)
        return UINT32_MAX;
    const struct type_def *type = module_func_type(module, export->index);
    return type->param_count == 0 && type->result_count == 0 ? export->index : UINT32_MAX;
}

static void pool_end(struct stint_pool *pool)
{
    struct stint_engine *engine = engine_retain(pool->module->engine);
    slots_end(&pool->slots);
    rt_module_release(pool->module);
    alloc_put(&engine->alloc, pool, sizeof(*pool));
    engine_release(engine);
}

enum stint_status pool_create(struct stint_module *module, const struct pool_config *config,
                              struct stint_pool **ret_pool, struct stint_error *error)
{
    struct alloc *alloc = &module->engine->alloc;
    struct stint_pool *pool = alloc_get_zeroed(alloc, 1, sizeof(*pool));
    if (pool == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a pool");
    pool->module = rt_module_retain(module);
    pool->config = *config;
    pool->initialize = config->skip_initialize ? UINT32_MAX : find_initialize(module->wasm);
    const struct pool_slots_config slots = {.limits = config->limits,
                                            .slots_max = config->slots_max,
                                            .slots_warm = config->slots_warm,
                                            .memory_count = module->wasm->memory_count,
                                            .keep_bytes = config->keep_bytes,
                                            .without_scan = config->without_scan,
                                            .uses_stay = config->uses_stay};
    enum stint_status status = slots_begin(&pool->slots, module->engine, &slots, &ops, pool, error);
    if (status == STINT_OK)
        *ret_pool = pool;
    else
        pool_end(pool);
    return status;
}

void pool_free(struct stint_pool *pool)
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

enum stint_status pool_take_still(struct stint_pool *pool, struct stint_instance **ret_instance,
                                  struct stint_error *error)
{
    struct pool_slot *slot;
    enum stint_status status = slots_take(&pool->slots, &slot, error);
    if (status == STINT_OK)
        *ret_instance = slot->user;
    return status;
}

static bool has_start(const struct stint_pool *pool, const struct stint_instance *instance)
{
    return instance->store->slot->snapshot == NULL &&
           (pool->module->wasm->has_start || pool->initialize != UINT32_MAX);
}

enum stint_status pool_start(struct stint_pool *pool, struct stint_instance *instance,
                             struct stint_error *error)
{
    uint64_t none[1] = {0};
    if (!has_start(pool, instance))
        return STINT_OK;
    enum stint_status status = instance_start(instance, error);
    if (status == STINT_OK && pool->initialize != UINT32_MAX)
        status = rt_call(instance->store, instance_func(instance, pool->initialize), none, error);
    return status;
}

enum stint_status pool_take(struct stint_pool *pool, struct stint_instance **ret_instance,
                            struct stint_error *error)
{
    struct stint_instance *instance;
    enum stint_status status = pool_take_still(pool, &instance, error);
    if (status == STINT_OK && has_start(pool, instance)) {
        rt_fuel_set(instance->store, pool->config.start_fuel);
        rt_timeout_set(instance->store, pool->config.start_timeout_ns);
        status = pool_start(pool, instance, error);
        rt_fuel_set(instance->store, UINT64_MAX);
        rt_timeout_set(instance->store, 0);
        if (status != STINT_OK)
            pool_give(pool, instance);
    }
    if (status == STINT_OK)
        *ret_instance = instance;
    return status;
}

void pool_give(struct stint_pool *pool, struct stint_instance *instance)
{
    struct pool_slot *slot = instance->store->slot;
    assert(slot != NULL && slot->slots == &pool->slots);
    (void)pool;
    slots_give(slot);
}

struct checking {
    pool_check check;
    void *env;
};

static enum stint_status check_slot(void *env, struct pool_slot *slot, struct stint_error *error)
{
    const struct checking *checking = env;
    return checking->check(checking->env, slot->user, error);
}

enum stint_status pool_snapshot(struct stint_pool *pool, struct stint_instance *instance,
                                pool_check check, void *env, struct stint_error *error)
{
    struct checking checking = {check, env};
    struct pool_slot *slot = instance->store->slot;
    assert(slot != NULL && slot->slots == &pool->slots);
    (void)pool;
    return slots_snapshot(slot, check != NULL ? check_slot : NULL, &checking, error);
}

void pool_trim(struct stint_pool *pool, uint32_t keep)
{
    slots_trim(&pool->slots, keep);
}

uint32_t pool_cool(struct stint_pool *pool)
{
    return slots_cool(&pool->slots);
}

void pool_renew(struct stint_pool *pool)
{
    slots_renew(&pool->slots);
}

void pool_stats(struct stint_pool *pool, struct pool_stats *ret_stats)
{
    slots_stats(&pool->slots, ret_stats);
}
