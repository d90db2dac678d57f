/* SPDX-License-Identifier: Apache-2.0 */
/* Stores, and the objects that are plain data: host functions, globals, tags. */
#include "runtime/store.h"

#include <string.h>

#include "runtime/gc.h"
#include "runtime/native.h"
#include "runtime/runtime_int.h"
#include "wasm/limits.h"

struct store_limits store_limits_default(void)
{
    return (struct store_limits){
        .memory_bytes_max = UINT64_MAX,
        .table_elements_max = LIMIT_TABLE_ELEMENTS,
        .stack_bytes_max = 8 << 20,
        .call_depth_max = 200000,
        .gc_heap_bytes_max = 1 << 30,
        .budget_bytes = SIZE_MAX,
    };
}

enum stint_status store_create(struct stint_engine *engine, const struct store_limits *limits,
                               struct stint_store **ret_store)
{
    struct stint_store *store = alloc_get_zeroed(&engine->alloc, 1, sizeof(*store));
    if (store == NULL)
        return STINT_NOMEM;
    alloc_init_child(&store->alloc, &engine->alloc, limits->budget_bytes);
    arena_init(&store->arena, &store->alloc);
    atomic_init(&store->interrupt, false);
    store->engine = engine_retain(engine);
    store->limits = *limits;
    *ret_store = store;
    return STINT_OK;
}

void store_free(struct stint_store *store)
{
    if (store == NULL)
        return;
    /* The heap first: finalizers of the host may look at nothing else of the store, but the
     * objects they refer to are the host's own. */
    gc_heap_free(store->gc);
    if (store->exec != NULL)
        store->engine->ops->exec_free(store->exec);
    if (STINT_WITH_NATIVE)
        native_store_end(store);
    for (struct func *func = store->host_funcs; func != NULL; func = func->next) {
        if (func->host_env_free != NULL)
            func->host_env_free(func->host_env);
    }
    for (struct stint_instance *i = store->instances; i != NULL; i = i->next)
        instance_end(i);
    for (struct table *table = store->tables; table != NULL; table = table->next)
        table_end(table);
    for (struct memory *memory = store->memories; memory != NULL; memory = memory->next)
        memory_end(memory);
    if (store->api_state_free != NULL)
        store->api_state_free(store->api_state);
    arena_free(&store->arena);
    struct stint_engine *engine = store->engine;
    alloc_put(&engine->alloc, store, sizeof(*store));
    engine_release(engine);
}

bool type_is_traced(const struct type_registry *types, valtype type)
{
    return vt_is_ref(type) && types_heap_top(types, vt_heap(type)) != HEAP_FUNC;
}

struct exec *store_exec(struct stint_store *store)
{
    if (store->exec == NULL && store->engine->ops->exec_create(store, &store->exec) != STINT_OK)
        store->exec = NULL;
    return store->exec;
}

enum stint_status rt_call(struct stint_store *store, struct func *func, uint64_t *slots,
                          struct stint_error *error)
{
    struct exec *exec = store_exec(store);
    if (exec == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for the guest's stack");
    if (STINT_WITH_NATIVE && store->is_poisoned)
        return error_set(error, STINT_POISONED, STINT_NO_OFFSET,
                         "the store cannot be used after a memory trap in fast machine code");
    store->call_count++;
    return store->engine->ops->call(exec, func, slots, error);
}

enum stint_status rt_func_create(struct stint_store *store, uint32_t type_id, host_fn host,
                                 void *env, void (*env_free)(void *), struct func **ret_func)
{
    struct func *func = arena_get_zeroed(&store->arena, 1, sizeof(*func));
    if (func == NULL)
        return STINT_NOMEM;
    func->type = types_get(store->engine->types, type_id);
    func->host = host;
    func->host_env = env;
    func->host_env_free = env_free;
    func->next = store->host_funcs;
    store->host_funcs = func;
    *ret_func = func;
    return STINT_OK;
}

void rt_func_set_words(struct func *func, host_words_fn words)
{
    /* Without machine code nobody takes it. */
    if (STINT_WITH_NATIVE && type_fits_words(func->type))
        func->words = words;
}

void globals_add(struct stint_store *store, struct global *globals, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct global *global = &globals[i];
        global->is_traced = type_is_traced(store->engine->types, global->type.type);
        global->store = store;
        global->next = store->globals;
        store->globals = global;
    }
}

enum stint_status rt_global_create(struct stint_store *store, const struct global_type *type,
                                   const uint64_t cell[2], struct global **ret_global)
{
    struct global *global = arena_get_zeroed(&store->arena, 1, sizeof(*global));
    if (global == NULL)
        return STINT_NOMEM;
    global->type = *type;
    memcpy(global->cell, cell, vt_slots(type->type) * sizeof(*cell));
    globals_add(store, global, 1);
    *ret_global = global;
    return STINT_OK;
}

enum stint_status rt_tag_create(struct stint_store *store, const struct type_def *type,
                                struct tag **ret_tag)
{
    struct tag *tag = arena_get_zeroed(&store->arena, 1, sizeof(*tag));
    if (tag == NULL)
        return STINT_NOMEM;
    tag->type = type;
    tag->store = store;
    tag->next = store->tags;
    store->tags = tag;
    *ret_tag = tag;
    return STINT_OK;
}
