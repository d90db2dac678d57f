/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modules that run: valid ones are instantiated with made-up imports and their exports called, under
 * small limits. Input that begins like a binary is one; any other input is decisions for the
 * generator of tests/differential, so that mutations of it are valid modules too. Half of the inputs
 * collect garbage at every allocation. Beyond the sanitizers: fuel is the same in two runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../differential/generate.h"
#include "interp/interp.h"
#include "runtime/store.h"

enum {
    FUEL = 100000,
    MEMORY_BYTES_MAX = 16 << 20,
    STACK_BYTES = 256 << 10,
    HEAP_BYTES = 1 << 20,
    TABLE_MAX = 10000,
    IMPORTS_MAX = 64,
    EXPORTS_MAX = 40,
    SLOTS_MAX = 256,
    BUDGET_BYTES = 256 << 20,
};

static void require(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

/* ---- Imports ------------------------------------------------------------------------------------- */

/* A value that a type without null can have; false where there is none to be had. */
static bool zero_value(struct stint_store *store, struct stint_instance *caller, valtype type,
                       uint64_t *slot)
{
    struct func *func = NULL;
    slot[0] = 0;
    if (!vt_is_ref(type) || vt_is_nullable(type))
        return true;
    if (types_heap_top(store->engine->types, vt_heap(type)) != HEAP_FUNC)
        return false;
    for (uint32_t i = 0; caller != NULL && i < caller->module->wasm->func_count; i++) {
        func = instance_func(caller, i);
        if (types_matches(store->engine->types, VT_MAKE_REF(func->type->id), type)) {
            slot[0] = (uint64_t)(uintptr_t)func;
            return true;
        }
    }
    return false;
}

static enum stint_status host_zero(struct host_call *call, uint64_t *slots)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < call->type->result_count; i++) {
        valtype type = call->type->results[i];
        if (!zero_value(call->store, call->caller, type, &slots[at]))
            return error_set_trap(call->error, STINT_TRAP_HOST);
        if (type == VT_V128)
            slots[at + 1] = 0;
        at += vt_slots(type);
    }
    return STINT_OK;
}

static enum stint_status make_import(struct stint_store *store, const struct wasm_module *module,
                                     const struct wasm_import *import, struct extern_value *value)
{
    struct stint_error error = {0};
    uint64_t cell[2] = {0};
    value->kind = import->kind;
    switch ((enum extern_kind)import->kind) {
    case EXTERN_FUNC:
        return rt_func_create(store, module_func_type(module, import->index)->id, host_zero, NULL,
                              NULL, &value->func);
    case EXTERN_TABLE:
        if (!vt_is_defaultable(module->tables[import->index].type.element))
            return STINT_UNLINKABLE;
        return rt_table_create(store, &module->tables[import->index].type, 0, &value->table,
                               &error);
    case EXTERN_MEMORY:
        return rt_memory_create(store, &module->memories[import->index], &value->memory, &error);
    case EXTERN_GLOBAL:
        if (!zero_value(store, NULL, module->globals[import->index].type.type, cell))
            return STINT_UNLINKABLE;
        return rt_global_create(store, &module->globals[import->index].type, cell, &value->global);
    case EXTERN_TAG:
        return rt_tag_create(store, module->tag_types[import->index], &value->tag);
    }
    return STINT_UNLINKABLE;
}

/* ---- Running ---------------------------------------------------------------------------------------- */

static void call_export(struct stint_store *store, struct stint_instance *instance,
                        const struct wasm_export *export)
{
    struct func *func = instance_func(instance, export->index);
    const struct type_def *type = func->type;
    uint64_t slots[SLOTS_MAX] = {0};
    struct stint_error error = {0};
    struct frame_info frames[4];
    uint32_t at = 0;
    if (type->param_slots > SLOTS_MAX || type->result_slots > SLOTS_MAX)
        return;
    for (uint32_t i = 0; i < type->param_count; i++) {
        if (!zero_value(store, instance, type->params[i], &slots[at]))
            return;
        if (!vt_is_ref(type->params[i]))
            slots[at] = 7 + i;
        at += vt_slots(type->params[i]);
    }
    rt_fuel_set(store, FUEL);
    enum stint_status status = rt_call(store, func, slots, &error);
    require(error.status == status, "the error does not match the status");
    if (status == STINT_TRAP)
        (void)store->engine->ops->backtrace(store->exec, frames, COUNT_OF(frames));
}

static uint64_t run_once(struct stint_engine *engine, struct stint_module *module)
{
    const struct wasm_module *wasm = module->wasm;
    struct extern_value imports[IMPORTS_MAX];
    struct store_limits limits = store_limits_default();
    struct stint_instance *instance = NULL;
    struct stint_error error = {0};
    struct stint_store *store;
    limits.memory_bytes_max = MEMORY_BYTES_MAX;
    limits.table_elements_max = TABLE_MAX;
    limits.stack_bytes_max = STACK_BYTES;
    limits.gc_heap_bytes_max = HEAP_BYTES;
    limits.budget_bytes = BUDGET_BYTES;
    require(store_create(engine, &limits, &store) == STINT_OK, "no store");
    rt_fuel_set(store, FUEL);
    enum stint_status status = wasm->import_count > IMPORTS_MAX ? STINT_UNLINKABLE : STINT_OK;
    for (uint32_t i = 0; i < wasm->import_count && status == STINT_OK; i++)
        status = make_import(store, wasm, &wasm->imports[i], &imports[i]);
    if (status == STINT_OK)
        status = instance_create(store, module, imports, &instance, &error);
    for (uint32_t i = 0; status == STINT_OK && i < wasm->export_count && i < EXPORTS_MAX; i++)
        if (wasm->exports[i].kind == EXTERN_FUNC)
            call_export(store, instance, &wasm->exports[i]);
    uint64_t fuel = rt_fuel_used(store);
    store_free(store);
    return fuel;
}

static void run_module(const uint8_t *bytes, size_t size, bool gc_stress, bool must_be_valid)
{
    struct engine_config config = engine_config_default();
    struct stint_engine *engine;
    struct stint_module *module;
    struct stint_error error = {0};
    config.is_metered = true;
    config.gc_stress = gc_stress;
    require(engine_create(&config, &interp_ops, &engine) == STINT_OK, "no engine");
    enum stint_status status = rt_module_create(engine, bytes, size, true, &module, &error);
    if (status == STINT_OK) {
        uint64_t fuel = run_once(engine, module);
        require(run_once(engine, module) == fuel, "fuel differs between two runs");
        rt_module_release(module);
    } else {
        require(!must_be_valid, error.message);
    }
    engine_release(engine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ data[i]) * 0x100000001b3;
    bool gc_stress = (hash >> 40 & 1) != 0;
    if (module_is_binary(data, size)) {
        run_module(data, size, gc_stress, false);
        return 0;
    }
    if (size < 2)
        return 0;
    /* The first byte says what the module may use, the others are decisions. */
    uint32_t features = data[0] & GENERATE_ALL;
    if ((features & GENERATE_REFS) == 0)
        features &= ~(uint32_t)GENERATE_GC;
    if ((features & GENERATE_SIMD) == 0)
        features &= ~(uint32_t)GENERATE_RELAXED;
    struct generate_source source = {.bytes = data + 1, .count = size - 1, .state = hash};
    struct alloc root;
    struct buf out;
    alloc_init(&root, NULL, NULL, SIZE_MAX);
    buf_init(&out, &root, SIZE_MAX);
    if (generate_module(&root, &source, features, &out))
        run_module(out.data, out.bytes, gc_stress, true);
    buf_free(&out);
    return 0;
}
