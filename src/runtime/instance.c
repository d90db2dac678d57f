/* SPDX-License-Identifier: Apache-2.0 */
/* Instances: instantiation, functions on demand, exports. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime/constexpr.h"
#include "runtime/native.h"
#include "runtime/runtime_int.h"
#include "wasm/limits.h"

static size_t own_func_count(const struct wasm_module *module)
{
    return module->func_count - module->import_func_count;
}

void instance_end(struct stint_instance *instance)
{
    const struct wasm_module *module = instance->module->wasm;
    struct stint_store *store = instance->store;
    for (uint32_t i = 0; instance->elems != NULL && i < module->elem_count; i++)
        block_put(&store->alloc, instance->elems[i].refs,
                  instance->elems[i].count * sizeof(uint64_t));
    block_put(&store->alloc, instance->own_funcs, own_func_count(module) * sizeof(struct func));
    rt_module_release(instance->module);
}

/* ---- Allocation -------------------------------------------------------------------------- */

/* The instance with its arrays, all empty; NULL when memory is out. It belongs to the store. */
static struct stint_instance *allocate(struct stint_store *store, struct stint_module *owner)
{
    const struct wasm_module *module = owner->wasm;
    struct arena *arena = &store->arena;
    size_t own_globals = module->global_count - module->import_global_count;
    struct stint_instance *instance =
        arena_get_zeroed(arena, 1, sizeof(*instance) + own_globals * sizeof(struct global));
    if (instance == NULL)
        return NULL;
    instance->store = store;
    instance->module = rt_module_retain(owner);
    instance->code = owner->code;
    instance->types = module->types;
    instance->next = store->instances;
    store->instances = instance;

    size_t own = own_func_count(module);
    instance->memories = arena_get_zeroed(arena, module->memory_count, sizeof(void *));
    instance->tables = arena_get_zeroed(arena, module->table_count, sizeof(void *));
    instance->globals = arena_get_zeroed(arena, module->global_count, sizeof(void *));
    instance->tags = arena_get_zeroed(arena, module->tag_count, sizeof(void *));
    instance->import_funcs = arena_get_zeroed(arena, module->import_func_count, sizeof(void *));
    instance->data_dropped = arena_get_zeroed(arena, module->data_count, 1);
    instance->elems = arena_get_zeroed(arena, module->elem_count, sizeof(*instance->elems));
    if (own != 0)
        instance->own_funcs = block_get(&store->alloc, own * sizeof(struct func));
    bool complete = instance->memories != NULL && instance->tables != NULL &&
                    instance->globals != NULL && instance->tags != NULL &&
                    instance->import_funcs != NULL && instance->data_dropped != NULL &&
                    instance->elems != NULL && (own == 0 || instance->own_funcs != NULL);
    return complete ? instance : NULL;
}

static void take_imports(struct stint_instance *instance, const struct extern_value *imports)
{
    const struct wasm_module *module = instance->module->wasm;
    for (uint32_t i = 0; i < module->import_count; i++) {
        uint32_t index = module->imports[i].index;
        switch ((enum extern_kind)module->imports[i].kind) {
        case EXTERN_FUNC:
            instance->import_funcs[index] = imports[i].func;
            break;
        case EXTERN_TABLE:
            instance->tables[index] = imports[i].table;
            break;
        case EXTERN_MEMORY:
            instance->memories[index] = imports[i].memory;
            break;
        case EXTERN_GLOBAL:
            instance->globals[index] = imports[i].global;
            break;
        case EXTERN_TAG:
            instance->tags[index] = imports[i].tag;
            break;
        }
    }
}

/* Memories and tables; the latter with null elements for now. */
static enum stint_status make_memories_tables(struct stint_instance *instance,
                                              struct stint_error *error)
{
    const struct wasm_module *module = instance->module->wasm;
    enum stint_status status = STINT_OK;
    for (uint32_t i = module->import_memory_count; i < module->memory_count; i++) {
        status =
            rt_memory_create(instance->store, &module->memories[i], &instance->memories[i], error);
        if (status != STINT_OK)
            return status;
    }
    if (module->memory_count != 0) {
        instance->memory0 = instance->memories[0];
        instance->memory0_base = instance->memory0->base;
    }
    for (uint32_t i = module->import_table_count; i < module->table_count; i++) {
        status = rt_table_create(instance->store, &module->tables[i].type, 0, &instance->tables[i],
                                 error);
        if (status != STINT_OK)
            return status;
    }
    return STINT_OK;
}

static enum stint_status make_tags(struct stint_instance *instance, struct stint_error *error)
{
    const struct wasm_module *module = instance->module->wasm;
    for (uint32_t i = module->import_tag_count; i < module->tag_count; i++) {
        enum stint_status status =
            rt_tag_create(instance->store, module->tag_types[i], &instance->tags[i]);
        if (status != STINT_OK)
            return error_set(error, status, STINT_NO_OFFSET, "no memory for the tags");
    }
    return STINT_OK;
}

/* ---- Initialisation ---------------------------------------------------------------------- */

/* Each global may refer to those before it. */
static enum stint_status init_globals(struct stint_instance *instance, struct stint_error *error)
{
    const struct wasm_module *module = instance->module->wasm;
    uint32_t first = module->import_global_count, count = module->global_count - first;
    struct global *globals = instance->own_globals;
    for (uint32_t i = 0; i < count; i++) {
        globals[i].type = module->globals[first + i].type;
        instance->globals[first + i] = &globals[i];
    }
    globals_add(instance->store, globals, count);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t value[2] = {0, 0};
        enum stint_status status =
            const_eval(instance, &module->globals[first + i].init, value, error);
        if (status != STINT_OK)
            return status;
        memcpy(globals[i].cell, value, sizeof(value));
    }
    return STINT_OK;
}

static enum stint_status init_tables(struct stint_instance *instance, struct stint_error *error)
{
    const struct wasm_module *module = instance->module->wasm;
    for (uint32_t i = module->import_table_count; i < module->table_count; i++) {
        uint64_t value[2] = {0, 0};
        if (!module->tables[i].has_init)
            continue;
        enum stint_status status = const_eval(instance, &module->tables[i].init, value, error);
        if (status != STINT_OK)
            return status;
        struct table *table = instance->tables[i];
        for (uint64_t k = 0; value[0] != 0 && k < table->count; k++)
            table->elements[k] = value[0];
    }
    return STINT_OK;
}

/* Element `at` of a segment. */
static enum stint_status elem_value(struct stint_instance *instance, const struct wasm_elem *elem,
                                    uint32_t at, uint64_t ret_value[2], struct stint_error *error)
{
    if (elem->functions == NULL)
        return const_eval(instance, &elem->exprs[at], ret_value, error);
    ret_value[0] = (uintptr_t)instance_func(instance, elem->functions[at]);
    return STINT_OK;
}

/* Passive segments keep their elements; the others are used up by instantiation. */
static enum stint_status init_elems(struct stint_instance *instance, struct stint_error *error)
{
    const struct wasm_module *module = instance->module->wasm;
    for (uint32_t i = 0; i < module->elem_count; i++) {
        const struct wasm_elem *elem = &module->elems[i];
        struct elem_instance *segment = &instance->elems[i];
        if (elem->mode != SEGMENT_PASSIVE || elem->count == 0)
            continue;
        segment->refs = block_get(&instance->store->alloc, elem->count * sizeof(uint64_t));
        if (segment->refs == NULL)
            return error_set(error, STINT_NOMEM, STINT_NO_OFFSET,
                             "no memory for a segment of %u elements", elem->count);
        segment->count = elem->count;
        for (uint32_t k = 0; k < elem->count; k++) {
            uint64_t value[2];
            enum stint_status status = elem_value(instance, elem, k, value, error);
            if (status != STINT_OK)
                return status;
            segment->refs[k] = value[0];
        }
    }
    return STINT_OK;
}

/* A trap of an active segment; the message begins with the standard text. */
static enum stint_status segment_trap(struct stint_error *error, enum stint_trap trap,
                                      const char *format, ...) PRINTF_LIKE(3, 4);

static enum stint_status segment_trap(struct stint_error *error, enum stint_trap trap,
                                      const char *format, ...)
{
    if (error == NULL || error->status != STINT_OK)
        return STINT_TRAP;
    (void)error_set_trap(error, trap);
    size_t used = strlen(error->message);
    va_list args;
    va_start(args, format);
    vsnprintf(error->message + used, sizeof(error->message) - used, format, args);
    va_end(args);
    return STINT_TRAP;
}

/* Where an active segment goes. */
static enum stint_status segment_offset(struct stint_instance *instance,
                                        const struct const_expr *offset, bool is_64,
                                        uint64_t *ret_at, struct stint_error *error)
{
    uint64_t value[2];
    enum stint_status status = const_eval(instance, offset, value, error);
    if (status == STINT_OK)
        *ret_at = is_64 ? value[0] : (uint32_t)value[0];
    return status;
}

static enum stint_status apply_elem(struct stint_instance *instance, uint32_t index,
                                    struct stint_error *error)
{
    const struct wasm_elem *elem = &instance->module->wasm->elems[index];
    struct table *table = instance->tables[elem->table];
    uint64_t at = 0;
    enum stint_status status =
        segment_offset(instance, &elem->offset, table->type.limits.is_64, &at, error);
    if (status != STINT_OK)
        return status;
    if (!range_fits(table->count, at, elem->count))
        return segment_trap(error, STINT_TRAP_TABLE_BOUNDS,
                            ": segment %u of %u elements at %llu, in a table of %llu", index,
                            elem->count, (unsigned long long)at, (unsigned long long)table->count);
    for (uint32_t k = 0; k < elem->count; k++) {
        uint64_t value[2];
        status = elem_value(instance, elem, k, value, error);
        if (status != STINT_OK)
            return status;
        table->elements[at + k] = value[0];
    }
    return STINT_OK;
}

static enum stint_status apply_data(struct stint_instance *instance, uint32_t index,
                                    struct stint_error *error)
{
    const struct wasm_data *data = &instance->module->wasm->datas[index];
    struct memory *memory = instance->memories[data->memory];
    uint64_t at = 0;
    enum stint_status status =
        segment_offset(instance, &data->offset, memory->type.limits.is_64, &at, error);
    if (status != STINT_OK)
        return status;
    if (!range_fits(memory->bytes, at, data->size_bytes))
        return segment_trap(error, STINT_TRAP_MEMORY_BOUNDS,
                            ": segment %u of %u bytes at %llu, in a memory of %llu", index,
                            data->size_bytes, (unsigned long long)at,
                            (unsigned long long)memory->bytes);
    if (data->size_bytes != 0)
        memcpy(memory->base + at, data->bytes, data->size_bytes);
    instance->data_dropped[index] = 1;
    return STINT_OK;
}

static enum stint_status apply_segments(struct stint_instance *instance, struct stint_error *error)
{
    const struct wasm_module *module = instance->module->wasm;
    enum stint_status status = STINT_OK;
    for (uint32_t i = 0; i < module->elem_count && status == STINT_OK; i++) {
        if (module->elems[i].mode == SEGMENT_ACTIVE)
            status = apply_elem(instance, i, error);
    }
    for (uint32_t i = 0; i < module->data_count && status == STINT_OK; i++) {
        if (module->datas[i].mode == SEGMENT_ACTIVE)
            status = apply_data(instance, i, error);
    }
    return status;
}

static enum stint_status initialise(struct stint_instance *instance, struct stint_error *error)
{
    enum stint_status status = make_memories_tables(instance, error);
    if (status == STINT_OK)
        status = make_tags(instance, error);
    if (status == STINT_OK)
        status = init_globals(instance, error);
    if (status == STINT_OK)
        status = init_tables(instance, error);
    if (status == STINT_OK)
        status = init_elems(instance, error);
    if (status == STINT_OK)
        status = apply_segments(instance, error);
    return status;
}

enum stint_status instance_prepare(struct stint_store *store, struct stint_module *module,
                                   const struct extern_value *imports,
                                   struct stint_instance **ret_instance, struct stint_error *error)
{
    const struct wasm_module *wasm = module->wasm;
    for (uint32_t i = 0; i < wasm->import_count; i++) {
        enum stint_status status = extern_matches(wasm, &wasm->imports[i], &imports[i], error);
        if (status != STINT_OK)
            return status;
    }
    struct stint_instance *instance = allocate(store, module);
    if (instance == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for an instance");
    take_imports(instance, imports);
    enum stint_status status = initialise(instance, error);
    if (status == STINT_OK)
        *ret_instance = instance;
    return status;
}

enum stint_status instance_start(struct stint_instance *instance, struct stint_error *error)
{
    const struct wasm_module *module = instance->module->wasm;
    uint64_t none[1] = {0};
    if (!module->has_start)
        return STINT_OK;
    return rt_call(instance->store, instance_func(instance, module->start), none, error);
}

enum stint_status instance_create(struct stint_store *store, struct stint_module *module,
                                  const struct extern_value *imports,
                                  struct stint_instance **ret_instance, struct stint_error *error)
{
    struct stint_instance *instance;
    enum stint_status status = instance_prepare(store, module, imports, &instance, error);
    if (status == STINT_OK)
        status = instance_start(instance, error);
    if (status == STINT_OK)
        *ret_instance = instance;
    return status;
}

/* ---- Access ------------------------------------------------------------------------------ */

struct func *instance_func(struct stint_instance *instance, uint32_t index)
{
    const struct wasm_module *module = instance->module->wasm;
    assert(index < module->func_count);
    if (index < module->import_func_count)
        return instance->import_funcs[index];
    uint32_t own = index - module->import_func_count;
    struct func *func = &instance->own_funcs[own];
    if (func->type == NULL) {
        func->instance = instance;
        func->index = index;
        func->code = instance->store->engine->ops->func_entry(instance->code, own);
        func->type = module_func_type(module, index);
        (void)native_refresh(func);
    }
    return func;
}

struct extern_value instance_extern(struct stint_instance *instance, enum extern_kind kind,
                                    uint32_t index)
{
    struct extern_value value = {.kind = (uint8_t)kind};
    switch (kind) {
    case EXTERN_FUNC:
        value.func = instance_func(instance, index);
        break;
    case EXTERN_TABLE:
        value.table = instance->tables[index];
        break;
    case EXTERN_MEMORY:
        value.memory = instance->memories[index];
        break;
    case EXTERN_GLOBAL:
        value.global = instance->globals[index];
        break;
    case EXTERN_TAG:
        value.tag = instance->tags[index];
        break;
    }
    return value;
}

bool instance_export(struct stint_instance *instance, const char *name, size_t name_bytes,
                     struct extern_value *ret_value)
{
    const struct wasm_export *export = module_find_export(instance->module->wasm, name, name_bytes);
    if (export == NULL)
        return false;
    *ret_value = instance_extern(instance, (enum extern_kind) export->kind, export->index);
    return true;
}
