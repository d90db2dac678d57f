/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept aside of a slot's store, memories aside (pool_memory.c), and how it is put back.
 * Addresses of objects stay the same over the life of a slot, so that the copies hold addresses.
 */
#include <string.h>

#include "runtime/native.h"
#include "runtime/pool_slots.h"

/* ---- Keeping ----------------------------------------------------------------------------- */

static struct slot_heads heads_of(const struct stint_store *store)
{
    return (struct slot_heads){.instances = store->instances,
                               .host_funcs = store->host_funcs,
                               .tables = store->tables,
                               .memories = store->memories,
                               .globals = store->globals,
                               .tags = store->tags,
                               .user = store->user,
                               .arena = arena_mark(&store->arena)};
}

/* A constant global changes only when the collector moves what it refers to. */
static bool may_change(const struct global *global)
{
    return global->type.is_mutable || global->is_traced;
}

static bool keep_globals(struct pool_slot *slot)
{
    uint32_t count = 0;
    for (struct global *g = slot->store->globals; g != NULL; g = g->next)
        count += may_change(g);
    slot->globals = arena_get_zeroed(&slot->arena, count, sizeof(*slot->globals));
    if (slot->globals == NULL)
        return false;
    for (struct global *g = slot->store->globals; g != NULL; g = g->next) {
        if (may_change(g))
            slot->globals[slot->global_count++] = (struct slot_global){g, {g->cell[0], g->cell[1]}};
    }
    return true;
}

static size_t table_bytes(uint64_t elements)
{
    return (size_t)elements * sizeof(uint64_t);
}

static bool keep_table(struct pool_slot *slot, struct slot_table *kept, struct table *table)
{
    struct alloc *alloc = &slot->slots->engine->alloc;
    size_t bytes = table_bytes(table->capacity);
    kept->table = table;
    kept->count = table->count;
    kept->capacity = table->capacity;
    if (bytes <= BLOCK_MAPPED_BYTES) {
        kept->elements = arena_copy(&slot->arena, table->elements, bytes);
        return kept->elements != NULL;
    }
    if (!alloc_charge(alloc, bytes))
        return false;
    if (!cow_image_create((const uint8_t *)table->elements, bytes, &kept->image)) {
        alloc_discharge(alloc, bytes);
        return false;
    }
    kept->is_mapped = cow_map(&kept->image, (uint8_t *)table->elements);
    return true;
}

static bool keep_tables(struct pool_slot *slot)
{
    uint32_t count = 0;
    for (struct table *t = slot->store->tables; t != NULL; t = t->next)
        count++;
    slot->tables = arena_get_zeroed(&slot->arena, count, sizeof(*slot->tables));
    if (slot->tables == NULL)
        return false;
    for (struct table *t = slot->store->tables; t != NULL; t = t->next) {
        if (!keep_table(slot, &slot->tables[slot->table_count++], t))
            return false;
    }
    return true;
}

static bool keep_instance(struct pool_slot *slot, struct slot_instance *kept,
                          struct stint_instance *instance)
{
    const struct wasm_module *module = instance->module->wasm;
    struct arena *arena = &slot->arena;
    kept->instance = instance;
    kept->data_dropped = arena_copy(arena, instance->data_dropped, module->data_count);
    kept->refs = arena_get_zeroed(arena, module->elem_count, sizeof(*kept->refs));
    kept->counts = arena_get_zeroed(arena, module->elem_count, sizeof(*kept->counts));
    if (kept->data_dropped == NULL || kept->refs == NULL || kept->counts == NULL)
        return false;
    for (uint32_t i = 0; i < module->elem_count; i++) {
        const struct elem_instance *segment = &instance->elems[i];
        kept->counts[i] = segment->count;
        if (segment->refs == NULL)
            continue;
        kept->has_segments = true;
        kept->refs[i] = arena_copy(arena, segment->refs, table_bytes(segment->count));
        if (kept->refs[i] == NULL)
            return false;
    }
    return true;
}

static bool keep_instances(struct pool_slot *slot)
{
    uint32_t count = 0;
    for (struct stint_instance *i = slot->store->instances; i != NULL; i = i->next)
        count++;
    slot->instances = arena_get_zeroed(&slot->arena, count, sizeof(*slot->instances));
    if (slot->instances == NULL)
        return false;
    for (struct stint_instance *i = slot->store->instances; i != NULL; i = i->next) {
        if (!keep_instance(slot, &slot->instances[slot->instance_count++], i))
            return false;
    }
    return true;
}

bool slot_keep(struct pool_slot *slot)
{
    struct stint_store *store = slot->store;
    struct alloc *alloc = &slot->slots->engine->alloc;
    /* The heap first: it pins host references, which changes its handles. */
    if (store_exec(store) == NULL || !gc_snapshot_take(store, alloc, &slot->gc))
        return false;
    bool kept =
        keep_globals(slot) && keep_tables(slot) && keep_instances(slot) && slot_keep_memories(slot);
    slot->heads = heads_of(store);
    return kept;
}

void slot_forget(struct pool_slot *slot)
{
    slot_forget_memories(slot);
    for (uint32_t i = 0; i < slot->table_count; i++) {
        struct slot_table *kept = &slot->tables[i];
        if (kept->image.data == NULL)
            continue;
        alloc_discharge(&slot->slots->engine->alloc, table_bytes(kept->capacity));
        cow_image_free(&kept->image);
    }
    gc_snapshot_free(slot->gc);
    slot->gc = NULL;
}

/* ---- Restoring --------------------------------------------------------------------------- */

/* Ends what host functions have added to the store. */
static void end_later(struct pool_slot *slot)
{
    struct stint_store *store = slot->store;
    const struct slot_heads *heads = &slot->heads;
    for (; store->host_funcs != heads->host_funcs; store->host_funcs = store->host_funcs->next) {
        struct func *func = store->host_funcs;
        if (func->host_env_free != NULL)
            func->host_env_free(func->host_env);
    }
    for (; store->instances != heads->instances; store->instances = store->instances->next)
        instance_end(store->instances);
    for (; store->tables != heads->tables; store->tables = store->tables->next)
        table_end(store->tables);
    for (; store->memories != heads->memories; store->memories = store->memories->next)
        memory_end(store->memories);
    store->globals = heads->globals;
    store->tags = heads->tags;
    store->user = heads->user;
    arena_rewind(&store->arena, heads->arena);
}

static bool restore_table(struct pool_slot *slot, struct slot_table *kept, struct cow_work *work)
{
    struct table *table = kept->table;
    size_t bytes = table_bytes(kept->capacity);
    bool has_moved = table->capacity != kept->capacity;
    if (has_moved) {
        /* It grew into another block. */
        uint64_t *elements = kept->capacity == 0 ? NULL : block_get(&slot->store->alloc, bytes);
        if (kept->capacity != 0 && elements == NULL)
            return false;
        table_end(table);
        table->elements = elements;
        table->capacity = kept->capacity;
        kept->is_mapped =
            kept->image.data != NULL && cow_map(&kept->image, (uint8_t *)table->elements);
    }
    table->count = kept->count;
    if (kept->image.data != NULL) {
        const struct cow_policy policy = {.is_mapped = kept->is_mapped,
                                          .without_scan = slot->slots->config.without_scan,
                                          .keep_bytes = slot->slots->config.keep_bytes};
        cow_restore(&kept->image, (uint8_t *)table->elements, bytes, &policy, work);
    } else if (bytes != 0) {
        memcpy(table->elements, kept->elements, bytes);
    }
    return true;
}

static bool restore_segments(struct pool_slot *slot, const struct slot_instance *kept)
{
    const struct wasm_module *module = kept->instance->module->wasm;
    for (uint32_t i = 0; i < module->elem_count; i++) {
        struct elem_instance *segment = &kept->instance->elems[i];
        size_t bytes = table_bytes(kept->counts[i]);
        if (kept->refs[i] == NULL)
            continue;
        if (segment->refs == NULL) {
            segment->refs = block_get(&slot->store->alloc, bytes);
            if (segment->refs == NULL)
                return false;
            segment->count = kept->counts[i];
        }
        memcpy(segment->refs, kept->refs[i], bytes);
    }
    return true;
}

static void restore_flags(struct stint_store *store)
{
    store->has_fuel = false;
    store->fuel_reserve = store->fuel_slice = store->fuel_used = 0;
    store->deadline_ns = 0;
    store->call_count = 0;
    store->const_roots = NULL;
    store->waiter = NULL;
    store->tier_steps = (struct tier_steps){0};
    /* What a trap in machine code left is inexact, but all of it is restored. */
    store->is_poisoned = store->is_failing = false;
    atomic_store_explicit(&store->interrupt, false, memory_order_relaxed);
}

bool slot_restore(struct pool_slot *slot, bool trim, struct cow_work *work)
{
    struct stint_store *store = slot->store;
    end_later(slot);
    store->engine->ops->exec_reset(store->exec, trim);
    native_store_reset(store, trim);
    restore_flags(store);
    for (uint32_t i = 0; i < slot->table_count; i++) {
        if (!restore_table(slot, &slot->tables[i], work))
            return false;
    }
    for (uint32_t i = 0; i < slot->instance_count; i++) {
        const struct slot_instance *kept = &slot->instances[i];
        uint32_t count = kept->instance->module->wasm->data_count;
        if (count != 0)
            memcpy(kept->instance->data_dropped, kept->data_dropped, count);
        if (kept->has_segments && !restore_segments(slot, kept))
            return false;
    }
    if (!slot_restore_memories(slot, work) || !gc_restore(store, slot->gc))
        return false;
    for (uint32_t i = 0; i < slot->global_count; i++) {
        const struct slot_global *kept = &slot->globals[i];
        kept->global->cell[0] = kept->cell[0];
        kept->global->cell[1] = kept->cell[1];
    }
    atomic_store_explicit(&store->alloc.peak_bytes,
                          atomic_load_explicit(&store->alloc.used_bytes, memory_order_relaxed),
                          memory_order_relaxed);
    return true;
}
