/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots and who has them. Idle slots lie on stacks, one a processor, so that a thread finds the slot
 * whose memory is still in that processor's cache; a thread whose own stack is empty takes from the
 * others before a new slot is made.
 */
#include "runtime/pool.h"

#include <assert.h>
#include <string.h>

#include "os/machine.h"
#include "runtime/pool_int.h"

#define SLOT_MEMORY_ADDRESSES (((uint64_t)8 << 30) + (1 << 20))
#define SLOT_HEAP_ADDRESSES (((uint64_t)4 << 30) + (2 << 20))
/* Stacks of the interpreter and of machine code. */
#define SLOT_STACK_ADDRESSES ((uint64_t)64 << 20)

enum {
    KEEP_BYTES_DEFAULT = 1 << 20,
    SLOT_OWN_BYTES = 256 << 10, /* what a slot takes beside its memories, roughly */
    /* Uses after which a slot gives back what deep recursion took of its stack. */
    USES_TO_TRIM = 256,
};

struct pool_config pool_config_default(void)
{
    return (struct pool_config){.limits = store_limits_default(),
                                .start_fuel = UINT64_MAX,
                                .keep_bytes = KEEP_BYTES_DEFAULT};
}

uint32_t pool_size(const struct wasm_module *module, const struct pool_config *config,
                   uint64_t memory_bytes, uint64_t address_bytes)
{
    uint64_t addresses = SLOT_STACK_ADDRESSES + SLOT_HEAP_ADDRESSES, resident = SLOT_OWN_BYTES;
    uint64_t keep = config->keep_bytes < UINT32_MAX ? config->keep_bytes : UINT32_MAX;
    /* Of 64-bit memories the store's limit decides; most are as small as the others. */
    addresses += module->memory_count * SLOT_MEMORY_ADDRESSES;
    resident += module->memory_count * keep;
    uint64_t by_memory = memory_bytes / 2 / resident;
    uint64_t by_addresses = address_bytes / 2 / addresses;
    uint64_t slots = by_memory < by_addresses ? by_memory : by_addresses;
    if (slots > POOL_SLOTS_MAX)
        slots = POOL_SLOTS_MAX;
    return slots > 0 ? (uint32_t)slots : 1;
}

/* ---- Making and ending slots ------------------------------------------------------------- */

static void slot_end(struct pool_slot *slot)
{
    struct stint_pool *pool = slot->pool;
    store_free(slot->store);
    slot_forget(slot);
    arena_free(&slot->arena);
    alloc_put(&pool->module->engine->alloc, slot, sizeof(*slot));
    atomic_fetch_sub_explicit(&pool->slots, 1, memory_order_relaxed);
}

static enum stint_status link_imports(struct pool_slot *slot, struct extern_value **ret_imports,
                                      struct stint_error *error)
{
    const struct pool_config *config = &slot->pool->config;
    uint32_t count = slot->pool->module->wasm->import_count;
    struct extern_value *imports = arena_get_zeroed(&slot->arena, count, sizeof(*imports));
    if (imports == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a warm slot");
    for (uint32_t i = 0; i < count; i++)
        imports[i].kind = EXTERN_MISSING;
    *ret_imports = imports;
    return config->link == NULL ? STINT_OK : config->link(config->env, slot->store, imports, error);
}

static enum stint_status slot_fill(struct pool_slot *slot, struct stint_error *error)
{
    struct stint_module *module = slot->pool->module;
    struct extern_value *imports = NULL;
    enum stint_status status =
        store_create(module->engine, &slot->pool->config.limits, &slot->store);
    if (status != STINT_OK)
        return error_set(error, status, STINT_NO_OFFSET, "no memory for a warm slot");
    slot->store->slot = slot;
    status = link_imports(slot, &imports, error);
    if (status == STINT_OK)
        status = instance_prepare(slot->store, module, imports, &slot->instance, error);
    if (status == STINT_OK && !slot_keep(slot))
        status = error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a warm slot");
    return status;
}

/* The number of slots was raised before, by whoever calls this. */
static enum stint_status slot_make(struct stint_pool *pool, struct pool_slot **ret_slot,
                                   struct stint_error *error)
{
    struct alloc *alloc = &pool->module->engine->alloc;
    struct pool_slot *slot = alloc_get_zeroed(alloc, 1, sizeof(*slot));
    if (slot == NULL) {
        atomic_fetch_sub_explicit(&pool->slots, 1, memory_order_relaxed);
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a warm slot");
    }
    slot->pool = pool;
    arena_init(&slot->arena, alloc);
    enum stint_status status = slot_fill(slot, error);
    if (status == STINT_OK)
        *ret_slot = slot;
    else
        slot_end(slot);
    return status;
}

/* ---- Idle slots -------------------------------------------------------------------------- */

static struct pool_slot *shard_pop(struct pool_shard *shard)
{
    /* A look without the lock spares most of the visits to other processors' stacks. */
    if (__atomic_load_n(&shard->idle, __ATOMIC_RELAXED) == NULL)
        return NULL;
    lock_take(&shard->lock);
    struct pool_slot *slot = shard->idle;
    if (slot != NULL) {
        __atomic_store_n(&shard->idle, slot->next, __ATOMIC_RELAXED);
        shard->idle_count--;
    }
    lock_give(&shard->lock);
    return slot;
}

static void shard_push(struct pool_shard *shard, struct pool_slot *slot)
{
    lock_take(&shard->lock);
    slot->next = shard->idle;
    __atomic_store_n(&shard->idle, slot, __ATOMIC_RELAXED);
    shard->idle_count++;
    lock_give(&shard->lock);
}

static uint32_t shard_here(const struct stint_pool *pool)
{
    return pool->shard_count == 1 ? 0 : machine_cpu_current() % pool->shard_count;
}

static struct pool_slot *find_idle(struct stint_pool *pool)
{
    uint32_t here = shard_here(pool);
    struct pool_slot *slot = NULL;
    for (uint32_t i = 0; i < pool->shard_count && slot == NULL; i++)
        slot = shard_pop(&pool->shards[(here + i) % pool->shard_count]);
    return slot;
}

/* Counts one more slot, where there may be one. */
static bool reserve_slot(struct stint_pool *pool)
{
    unsigned now = atomic_load_explicit(&pool->slots, memory_order_relaxed);
    while (now < pool->config.slots_max) {
        if (atomic_compare_exchange_weak_explicit(&pool->slots, &now, now + 1, memory_order_relaxed,
                                                  memory_order_relaxed))
            return true;
    }
    return false;
}

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

static enum stint_status make_warm(struct stint_pool *pool, struct stint_error *error)
{
    uint32_t count = pool->config.slots_warm > 0 ? pool->config.slots_warm : 1;
    for (uint32_t i = 0; i < count && reserve_slot(pool); i++) {
        struct pool_slot *slot;
        enum stint_status status = slot_make(pool, &slot, error);
        if (status != STINT_OK)
            return status;
        shard_push(&pool->shards[i % pool->shard_count], slot);
    }
    return STINT_OK;
}

static void pool_end(struct stint_pool *pool)
{
    struct stint_engine *engine = engine_retain(pool->module->engine);
    pool_trim(pool, 0);
    assert(atomic_load(&pool->slots) == 0);
    for (uint32_t i = 0; i < pool->images_made; i++) {
        alloc_discharge(&engine->alloc, pool->images[i].bytes);
        cow_image_free(&pool->images[i]);
    }
    alloc_put(&engine->alloc, pool->images, pool->image_count * sizeof(*pool->images));
    for (uint32_t i = 0; i < pool->shard_count; i++)
        lock_free(&pool->shards[i].lock);
    lock_free(&pool->lock);
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
    if (config->slots_max == 0)
        pool->config.slots_max =
            pool_size(module->wasm, config, machine_memory_bytes(), machine_address_bytes());
    uint32_t cpus = machine_cpu_count();
    pool->shard_count = cpus < POOL_SHARDS_MAX ? cpus : POOL_SHARDS_MAX;
    for (uint32_t i = 0; i < pool->shard_count; i++)
        lock_init(&pool->shards[i].lock);
    lock_init(&pool->lock);
    /* Memories that linking puts beside the module's get images of their slot. */
    pool->image_count = module->wasm->memory_count;
    pool->images = alloc_get_zeroed(alloc, pool->image_count, sizeof(*pool->images));
    enum stint_status status =
        pool->images == NULL && pool->image_count != 0
            ? error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a pool")
            : make_warm(pool, error);
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

/* Puts the slot's state back; false when it was ended instead. */
static bool reset(struct pool_slot *slot)
{
    struct stint_pool *pool = slot->pool;
    const struct pool_config *config = &pool->config;
    struct cow_work work = {0};
    bool trim = ++slot->uses % USES_TO_TRIM == 0;
    bool fine = config->reset == NULL || config->reset(config->env, slot->store) == STINT_OK;
    fine = fine && slot_restore(slot, trim, &work);
    slot->is_taken = false;
    if (work.copied_bytes != 0)
        atomic_fetch_add_explicit(&pool->copied_bytes, work.copied_bytes, memory_order_relaxed);
    if (work.dropped != 0)
        atomic_fetch_add_explicit(&pool->dropped, work.dropped, memory_order_relaxed);
    if (!fine) {
        atomic_fetch_add_explicit(&pool->failures, 1, memory_order_relaxed);
        slot_end(slot);
    }
    return fine;
}

/* Start function and `_initialize`. */
static enum stint_status start(struct pool_slot *slot, struct stint_error *error)
{
    const struct stint_pool *pool = slot->pool;
    struct stint_store *store = slot->store;
    uint64_t none[1] = {0};
    if (!pool->module->wasm->has_start && pool->initialize == UINT32_MAX)
        return STINT_OK;
    rt_fuel_set(store, pool->config.start_fuel);
    rt_timeout_set(store, pool->config.start_timeout_ns);
    enum stint_status status = instance_start(slot->instance, error);
    if (status == STINT_OK && pool->initialize != UINT32_MAX)
        status = rt_call(store, instance_func(slot->instance, pool->initialize), none, error);
    rt_fuel_set(store, UINT64_MAX);
    rt_timeout_set(store, 0);
    return status;
}

enum stint_status pool_take(struct stint_pool *pool, struct stint_instance **ret_instance,
                            struct stint_error *error)
{
    enum stint_status status = STINT_OK;
    struct pool_slot *slot = find_idle(pool);
    if (slot == NULL) {
        if (!reserve_slot(pool))
            return error_set(error, STINT_LIMIT, STINT_NO_OFFSET, "all %u slots are taken",
                             pool->config.slots_max);
        status = slot_make(pool, &slot, error);
        if (status != STINT_OK)
            return status;
    }
    slot->is_taken = true;
    atomic_fetch_add_explicit(&pool->takes, 1, memory_order_relaxed);
    status = start(slot, error);
    if (status == STINT_OK)
        *ret_instance = slot->instance;
    else
        pool_give(pool, slot->instance);
    return status;
}

void pool_give(struct stint_pool *pool, struct stint_instance *instance)
{
    struct pool_slot *slot = instance->store->slot;
    assert(slot != NULL && slot->pool == pool && slot->is_taken);
    if (reset(slot))
        shard_push(&pool->shards[shard_here(pool)], slot);
}

void pool_trim(struct stint_pool *pool, uint32_t keep)
{
    struct pool_stats now;
    pool_stats(pool, &now);
    for (uint32_t idle = now.idle; idle > keep; idle--) {
        struct pool_slot *slot = find_idle(pool);
        if (slot == NULL)
            return;
        slot_end(slot);
    }
}

void pool_stats(struct stint_pool *pool, struct pool_stats *ret_stats)
{
    uint32_t idle = 0;
    for (uint32_t i = 0; i < pool->shard_count; i++) {
        lock_take(&pool->shards[i].lock);
        idle += pool->shards[i].idle_count;
        lock_give(&pool->shards[i].lock);
    }
    *ret_stats = (struct pool_stats){
        .slots_max = pool->config.slots_max,
        .slots = atomic_load_explicit(&pool->slots, memory_order_relaxed),
        .idle = idle,
        .takes = atomic_load_explicit(&pool->takes, memory_order_relaxed),
        .failures = atomic_load_explicit(&pool->failures, memory_order_relaxed),
        .copied_bytes = atomic_load_explicit(&pool->copied_bytes, memory_order_relaxed),
        .dropped = atomic_load_explicit(&pool->dropped, memory_order_relaxed),
        .scans = !pool->config.without_scan && cow_can_scan(),
    };
}
