/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of slots: what a store holds between two calls, in a form that other stores can have, which
 * were filled as it was. Memories become images; references to functions and tags become numbers:
 *
 *     63       32 31        0
 *     | instance | function |   instances from 1 in the order of the store's list; 0: null;
 *     | NO_INST. | function |   functions of the host in the order of theirs
 */
#include <string.h>

#include "runtime/ops.h"
#include "runtime/pool_slots.h"
#include "wasm/limits.h"

#define NO_INSTANCE UINT32_MAX

struct snapshot_memory {
    uint64_t bytes;
    struct cow_image image;
};

struct snapshot_table {
    uint64_t *elements; /* numbers, where they are functions */
    uint64_t count;
};

struct snapshot_instance {
    const struct stint_module *module;
    uint8_t *data_dropped;
    uint64_t **refs; /* of each element segment; NULL where it was dropped */
    uint32_t *counts;
};

/* A store's objects by number. */
struct numbers {
    const struct type_registry *types;
    struct arena arena;
    struct stint_instance **instances;
    struct func **funcs; /* the host's */
    struct tag **tags;
    uint32_t instance_count, func_count, tag_count;
    bool is_unknown; /* something was met that has no number */
};

static enum stint_status no_memory(struct stint_error *error)
{
    return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a snapshot");
}

/* ---- Numbers ----------------------------------------------------------------------------- */

static bool numbers_init(struct numbers *numbers, const struct stint_store *store)
{
    *numbers = (struct numbers){.types = store->engine->types};
    arena_init(&numbers->arena, &store->engine->alloc);
    for (struct stint_instance *i = store->instances; i != NULL; i = i->next)
        numbers->instance_count++;
    for (struct func *f = store->host_funcs; f != NULL; f = f->next)
        numbers->func_count++;
    for (struct tag *t = store->tags; t != NULL; t = t->next)
        numbers->tag_count++;
    numbers->instances =
        arena_get(&numbers->arena, (numbers->instance_count + 1) * sizeof(*numbers->instances));
    numbers->funcs =
        arena_get(&numbers->arena, (numbers->func_count + 1) * sizeof(*numbers->funcs));
    numbers->tags = arena_get(&numbers->arena, (numbers->tag_count + 1) * sizeof(*numbers->tags));
    if (numbers->instances == NULL || numbers->funcs == NULL || numbers->tags == NULL)
        return false;
    uint32_t at = 0;
    for (struct stint_instance *i = store->instances; i != NULL; i = i->next)
        numbers->instances[at++] = i;
    at = 0;
    for (struct func *f = store->host_funcs; f != NULL; f = f->next)
        numbers->funcs[at++] = f;
    at = 0;
    for (struct tag *t = store->tags; t != NULL; t = t->next)
        numbers->tags[at++] = t;
    return true;
}

/* Maps of words: of a function to its number and back, and the same for tags. */
static uint64_t number_of_func(void *env, uint64_t word)
{
    struct numbers *numbers = env;
    const struct func *func = (const struct func *)(uintptr_t)word;
    if (func == NULL)
        return 0;
    for (uint32_t i = 0; func->instance != NULL && i < numbers->instance_count; i++) {
        if (numbers->instances[i] == func->instance)
            return (uint64_t)(i + 1) << 32 | func->index;
    }
    for (uint32_t i = 0; func->instance == NULL && i < numbers->func_count; i++) {
        if (numbers->funcs[i] == func)
            return (uint64_t)NO_INSTANCE << 32 | i;
    }
    numbers->is_unknown = true;
    return 0;
}

static uint64_t func_of_number(void *env, uint64_t word)
{
    const struct numbers *numbers = env;
    uint32_t instance = (uint32_t)(word >> 32), index = (uint32_t)word;
    struct func *func = NULL;
    if (instance == NO_INSTANCE)
        func = numbers->funcs[index];
    else if (instance != 0)
        func = instance_func(numbers->instances[instance - 1], index);
    return (uintptr_t)func;
}

static uint64_t number_of_tag(void *env, uint64_t word)
{
    struct numbers *numbers = env;
    for (uint32_t i = 0; i < numbers->tag_count; i++) {
        if ((uintptr_t)numbers->tags[i] == word)
            return i;
    }
    numbers->is_unknown = true;
    return 0;
}

static uint64_t tag_of_number(void *env, uint64_t word)
{
    const struct numbers *numbers = env;
    return (uintptr_t)numbers->tags[word];
}

static bool is_func(const struct numbers *numbers, valtype type)
{
    return vt_is_ref(type) && !type_is_traced(numbers->types, type);
}

/* Values of one type; references into the heap are the same in all stores. */
static void map(struct numbers *numbers, uint64_t (*of)(void *env, uint64_t word), valtype type,
                const uint64_t *from, uint64_t *to, uint64_t count)
{
    if (!is_func(numbers, type)) {
        if (count != 0)
            memmove(to, from, (size_t)count * sizeof(uint64_t));
        return;
    }
    for (uint64_t i = 0; i < count; i++)
        to[i] = of(numbers, from[i]);
}

/* ---- Taking ------------------------------------------------------------------------------ */

static bool take_memory(const struct pool_slot *slot, const struct memory *memory,
                        struct snapshot_memory *to)
{
    uint64_t linked, bytes = slot_content_bytes(memory, memory->bytes);
    /* What linking writes has to be covered, though it be zero by now. */
    if (!slot_segments_end(slot, memory, &linked))
        return false;
    if (bytes < linked)
        bytes = linked;
    to->bytes = memory->bytes;
    return slot_image_create(&slot->slots->engine->alloc, memory, bytes, &to->image);
}

static bool take_memories(const struct pool_slot *slot, struct slots_snapshot *snapshot)
{
    uint32_t count = 0;
    for (const struct memory *m = slot->store->memories; m != NULL; m = m->next)
        count++;
    snapshot->memories = arena_get_zeroed(&snapshot->arena, count, sizeof(*snapshot->memories));
    if (snapshot->memories == NULL)
        return false;
    for (const struct memory *m = slot->store->memories; m != NULL; m = m->next) {
        if (!take_memory(slot, m, &snapshot->memories[snapshot->memory_count]))
            return false;
        snapshot->bytes += m->bytes;
        snapshot->memory_count++;
    }
    return true;
}

static bool take_tables(const struct stint_store *store, struct numbers *numbers,
                        struct slots_snapshot *snapshot)
{
    for (const struct table *t = store->tables; t != NULL; t = t->next)
        snapshot->table_count++;
    struct snapshot_table *to =
        arena_get_zeroed(&snapshot->arena, snapshot->table_count, sizeof(*to));
    snapshot->tables = to;
    for (const struct table *t = store->tables; to != NULL && t != NULL; t = t->next, to++) {
        to->count = t->count;
        to->elements = arena_get(&snapshot->arena, (size_t)t->count * sizeof(uint64_t));
        if (to->elements == NULL)
            return false;
        map(numbers, number_of_func, t->type.element, t->elements, to->elements, t->count);
    }
    return to != NULL;
}

static bool take_globals(const struct stint_store *store, struct numbers *numbers,
                         struct slots_snapshot *snapshot)
{
    for (const struct global *g = store->globals; g != NULL; g = g->next)
        snapshot->global_count++;
    snapshot->globals =
        arena_get_zeroed(&snapshot->arena, snapshot->global_count, sizeof(*snapshot->globals));
    uint32_t at = 0;
    for (const struct global *g = store->globals; snapshot->globals != NULL && g != NULL;
         g = g->next, at++)
        map(numbers, number_of_func, g->type.type, g->cell, snapshot->globals[at],
            is_func(numbers, g->type.type) ? 1 : 2);
    return snapshot->globals != NULL;
}

static bool take_instance(const struct stint_instance *instance, struct numbers *numbers,
                          struct arena *arena, struct snapshot_instance *to)
{
    const struct wasm_module *module = instance->module->wasm;
    to->module = instance->module;
    to->data_dropped = arena_copy(arena, instance->data_dropped, module->data_count);
    to->refs = arena_get_zeroed(arena, module->elem_count, sizeof(*to->refs));
    to->counts = arena_get_zeroed(arena, module->elem_count, sizeof(*to->counts));
    if (to->data_dropped == NULL || to->refs == NULL || to->counts == NULL)
        return false;
    for (uint32_t i = 0; i < module->elem_count; i++) {
        const struct elem_instance *segment = &instance->elems[i];
        if (segment->refs == NULL)
            continue;
        to->counts[i] = segment->count;
        to->refs[i] = arena_get(arena, (size_t)segment->count * sizeof(uint64_t));
        if (to->refs[i] == NULL)
            return false;
        map(numbers, number_of_func, module->elems[i].type, segment->refs, to->refs[i],
            segment->count);
    }
    return true;
}

static bool take_instances(const struct stint_store *store, struct numbers *numbers,
                           struct slots_snapshot *snapshot)
{
    snapshot->func_count = numbers->func_count;
    snapshot->tag_count = numbers->tag_count;
    snapshot->instance_count = numbers->instance_count;
    struct snapshot_instance *to =
        arena_get_zeroed(&snapshot->arena, numbers->instance_count, sizeof(*to));
    snapshot->instances = to;
    for (const struct stint_instance *i = store->instances; to != NULL && i != NULL;
         i = i->next, to++) {
        if (!take_instance(i, numbers, &snapshot->arena, to))
            return false;
    }
    return to != NULL;
}

static enum stint_status take(const struct pool_slot *slot, struct numbers *numbers,
                              struct slots_snapshot *snapshot, struct stint_error *error)
{
    struct stint_store *store = slot->store;
    const struct gc_words words = {numbers, number_of_func, number_of_tag};
    if (!gc_is_portable(store))
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "its collected heap refers to objects of the host");
    /* The heap first: this is a collection, which moves what the others refer to. */
    if (!gc_portable_take(store, &store->engine->alloc, &words, &snapshot->gc) ||
        !take_tables(store, numbers, snapshot) || !take_globals(store, numbers, snapshot) ||
        !take_instances(store, numbers, snapshot) || !take_memories(slot, snapshot))
        return no_memory(error);
    if (numbers->is_unknown)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "it refers to functions that are not its own");
    return STINT_OK;
}

enum stint_status snapshot_create(const struct pool_slot *slot,
                                  struct slots_snapshot **ret_snapshot, struct stint_error *error)
{
    struct stint_engine *engine = slot->slots->engine;
    struct numbers numbers;
    if (slot->store->is_poisoned)
        return error_set(error, STINT_POISONED, STINT_NO_OFFSET, "a trap has left it unfinished");
    struct slots_snapshot *snapshot = alloc_get_zeroed(&engine->alloc, 1, sizeof(*snapshot));
    if (snapshot == NULL)
        return no_memory(error);
    snapshot->engine = engine;
    arena_init(&snapshot->arena, &engine->alloc);
    enum stint_status status = numbers_init(&numbers, slot->store) ? STINT_OK : no_memory(error);
    if (status == STINT_OK)
        status = take(slot, &numbers, snapshot, error);
    arena_free(&numbers.arena);
    if (status == STINT_OK)
        *ret_snapshot = snapshot;
    else
        snapshot_free(snapshot);
    return status;
}

void snapshot_free(struct slots_snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    struct alloc *alloc = &snapshot->engine->alloc;
    for (uint32_t i = 0; i < snapshot->memory_count; i++)
        slot_image_free(alloc, &snapshot->memories[i].image);
    gc_snapshot_free(snapshot->gc);
    arena_free(&snapshot->arena);
    alloc_put(alloc, snapshot, sizeof(*snapshot));
}

const struct cow_image *snapshot_image(const struct slots_snapshot *snapshot, uint32_t number)
{
    return &snapshot->memories[number].image;
}

/* ---- Putting into a store ---------------------------------------------------------------- */

/* Whether the store has what the snapshot's had. */
static bool is_alike(const struct stint_store *store, const struct numbers *numbers,
                     const struct slots_snapshot *snapshot)
{
    uint32_t memories = 0, tables = 0, globals = 0;
    for (const struct memory *m = store->memories; m != NULL; m = m->next)
        memories++;
    for (const struct table *t = store->tables; t != NULL; t = t->next)
        tables++;
    for (const struct global *g = store->globals; g != NULL; g = g->next)
        globals++;
    if (memories != snapshot->memory_count || tables != snapshot->table_count ||
        globals != snapshot->global_count || numbers->instance_count != snapshot->instance_count ||
        numbers->func_count != snapshot->func_count || numbers->tag_count != snapshot->tag_count)
        return false;
    for (uint32_t i = 0; i < numbers->instance_count; i++) {
        if (numbers->instances[i]->module != snapshot->instances[i].module)
            return false;
    }
    return true;
}

static bool put_memories(const struct stint_store *store, const struct slots_snapshot *snapshot)
{
    const struct snapshot_memory *from = snapshot->memories;
    for (struct memory *m = store->memories; m != NULL; m = m->next, from++) {
        if (from->bytes < m->bytes ||
            memory_grow(m, (from->bytes - m->bytes) / WASM_PAGE_BYTES) == UINT64_MAX)
            return false;
    }
    return true;
}

static bool put_tables(const struct stint_store *store, struct numbers *numbers,
                       const struct slots_snapshot *snapshot)
{
    const struct snapshot_table *from = snapshot->tables;
    for (struct table *t = store->tables; t != NULL; t = t->next, from++) {
        if (from->count < t->count || table_grow(t, from->count - t->count, 0) == UINT64_MAX)
            return false;
        map(numbers, func_of_number, t->type.element, from->elements, t->elements, from->count);
    }
    return true;
}

static void put_globals(const struct stint_store *store, struct numbers *numbers,
                        const struct slots_snapshot *snapshot)
{
    const uint64_t(*from)[2] = (const uint64_t(*)[2])snapshot->globals;
    for (struct global *g = store->globals; g != NULL; g = g->next, from++)
        map(numbers, func_of_number, g->type.type, *from, g->cell,
            is_func(numbers, g->type.type) ? 1 : 2);
}

static void put_segments(struct stint_instance *instance, struct numbers *numbers,
                         const struct snapshot_instance *from)
{
    const struct wasm_module *module = instance->module->wasm;
    if (module->data_count != 0)
        memcpy(instance->data_dropped, from->data_dropped, module->data_count);
    for (uint32_t i = 0; i < module->elem_count; i++) {
        struct elem_instance *segment = &instance->elems[i];
        if (from->refs[i] == NULL && segment->refs != NULL)
            op_elem_drop(instance, i);
        else if (segment->refs != NULL)
            map(numbers, func_of_number, module->elems[i].type, from->refs[i], segment->refs,
                from->counts[i]);
    }
}

static enum stint_status put(struct pool_slot *slot, struct numbers *numbers,
                             struct stint_error *error)
{
    const struct slots_snapshot *snapshot = slot->snapshot;
    struct stint_store *store = slot->store;
    const struct gc_words words = {numbers, func_of_number, tag_of_number};
    if (!is_alike(store, numbers, snapshot))
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "its host adds to it while it runs");
    if (!put_memories(store, snapshot) || !put_tables(store, numbers, snapshot) ||
        !gc_portable_put(store, snapshot->gc, &words))
        return no_memory(error);
    put_globals(store, numbers, snapshot);
    for (uint32_t i = 0; i < numbers->instance_count; i++)
        put_segments(numbers->instances[i], numbers, &snapshot->instances[i]);
    return STINT_OK;
}

enum stint_status snapshot_apply(struct pool_slot *slot, struct stint_error *error)
{
    struct numbers numbers;
    enum stint_status status =
        numbers_init(&numbers, slot->store) ? put(slot, &numbers, error) : no_memory(error);
    arena_free(&numbers.arena);
    return status;
}
