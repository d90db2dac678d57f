/* SPDX-License-Identifier: Apache-2.0 */
/* Memories, tables, globals, tags and exceptions. */
#include <string.h>

#include "api/api_int.h"
#include "runtime/ops.h"
#include "wasm/limits.h"

static struct wasm_limits limits_in(const struct stint_limits *limits)
{
    return (struct wasm_limits){.min = limits->min,
                                .max = limits->max,
                                .has_max = limits->max != UINT64_MAX,
                                .is_64 = limits->is_64,
                                .is_shared = limits->is_shared};
}

static struct stint_limits limits_out(const struct wasm_limits *limits)
{
    return (struct stint_limits){limits->min, limits->has_max ? limits->max : UINT64_MAX,
                                 limits->is_64, limits->is_shared};
}

/* ---- Memories ---------------------------------------------------------------------------- */

enum stint_status stint_memory_new(stint_store *store, const struct stint_limits *limits,
                                   stint_memory **ret_memory, struct stint_error *error)
{
    struct memory_type type = {.limits = limits_in(limits)};
    struct memory *memory;
    uint64_t most = limits->is_64 ? LIMIT_MEMORY64_PAGES : LIMIT_MEMORY32_PAGES;
    if (limits->min > most || (type.limits.has_max && limits->max < limits->min))
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "these are no limits of a memory");
    enum stint_status status = rt_memory_create(store, &type, &memory, error);
    if (status == STINT_OK)
        *ret_memory = memory_handle(memory);
    return status;
}

uint8_t *stint_memory_data(stint_memory *memory)
{
    return memory_of(memory)->base;
}

uint64_t stint_memory_bytes(const stint_memory *memory)
{
    return memory_of(memory)->bytes;
}

static bool is_inside(const struct memory *memory, uint64_t at, size_t bytes)
{
    return bytes <= memory->bytes && at <= memory->bytes - bytes;
}

bool stint_memory_read(const stint_memory *handle, uint64_t at, void *ret_bytes, size_t bytes)
{
    const struct memory *memory = memory_of(handle);
    if (!is_inside(memory, at, bytes))
        return false;
    if (bytes != 0)
        memcpy(ret_bytes, memory->base + at, bytes);
    return true;
}

bool stint_memory_write(stint_memory *handle, uint64_t at, const void *bytes, size_t size_bytes)
{
    struct memory *memory = memory_of(handle);
    if (!is_inside(memory, at, size_bytes))
        return false;
    if (size_bytes != 0)
        memcpy(memory->base + at, bytes, size_bytes);
    return true;
}

enum stint_status stint_memory_grow(stint_memory *memory, uint64_t pages, uint64_t *ret_pages)
{
    uint64_t before = memory_grow(memory_of(memory), pages);
    if (before == UINT64_MAX)
        return STINT_LIMIT;
    if (ret_pages != NULL)
        *ret_pages = before;
    return STINT_OK;
}

struct stint_limits stint_memory_type(const stint_memory *memory)
{
    return limits_out(&memory_of(memory)->type.limits);
}

/* ---- Tables ------------------------------------------------------------------------------ */

enum stint_status stint_table_new(stint_store *store, const struct stint_table_type *type,
                                  const stint_value *init, stint_table **ret_table,
                                  struct stint_error *error)
{
    struct table_type own = {.element = type->element, .limits = limits_in(&type->limits)};
    struct table *table;
    uint64_t slot;
    if (!vt_is_ref(type->element) || (own.limits.has_max && own.limits.max < own.limits.min))
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "this is no type of a table");
    enum stint_status status =
        api_value_write(store, type->element, init, "the initial element", &slot, error);
    if (status == STINT_OK)
        status = rt_table_create(store, &own, slot, &table, error);
    if (status == STINT_OK)
        *ret_table = table_handle(table);
    return status;
}

uint64_t stint_table_count(const stint_table *table)
{
    return table_of(table)->count;
}

enum stint_status stint_table_get(stint_table *handle, uint64_t at, stint_value *ret_value,
                                  struct stint_error *error)
{
    struct table *table = table_of(handle);
    uint64_t slot;
    enum stint_trap trap = op_table_get(table, at, &slot);
    if (trap != STINT_TRAP_NONE)
        return error_set_trap(error, trap);
    return api_value_read(table->store, table->type.element, &slot, ret_value, error);
}

enum stint_status stint_table_set(stint_table *handle, uint64_t at, const stint_value *value,
                                  struct stint_error *error)
{
    struct table *table = table_of(handle);
    uint64_t slot;
    enum stint_status status =
        api_value_write(table->store, table->type.element, value, "the element", &slot, error);
    if (status != STINT_OK)
        return status;
    enum stint_trap trap = op_table_set(table, at, slot);
    return trap == STINT_TRAP_NONE ? STINT_OK : error_set_trap(error, trap);
}

enum stint_status stint_table_grow(stint_table *handle, uint64_t count, const stint_value *init,
                                   struct stint_error *error)
{
    struct table *table = table_of(handle);
    uint64_t slot;
    enum stint_status status =
        api_value_write(table->store, table->type.element, init, "the element", &slot, error);
    if (status != STINT_OK)
        return status;
    if (table_grow(table, count, slot) == UINT64_MAX)
        return error_set(error, STINT_LIMIT, STINT_NO_OFFSET,
                         "the table cannot grow by %llu elements", (unsigned long long)count);
    return STINT_OK;
}

struct stint_table_type stint_table_type_of(const stint_table *table)
{
    const struct table_type *type = &table_of(table)->type;
    return (struct stint_table_type){type->element, limits_out(&type->limits)};
}

/* ---- Globals ----------------------------------------------------------------------------- */

enum stint_status stint_global_new(stint_store *store, const struct stint_global_type *type,
                                   const stint_value *value, stint_global **ret_global,
                                   struct stint_error *error)
{
    struct global_type own = {.type = type->type, .is_mutable = type->is_mutable};
    struct global *global;
    uint64_t cell[2] = {0, 0};
    enum stint_status status = api_value_write(store, type->type, value, "the value", cell, error);
    if (status != STINT_OK)
        return status;
    status = rt_global_create(store, &own, cell, &global);
    if (status != STINT_OK)
        return api_no_memory(error);
    *ret_global = global_handle(global);
    return STINT_OK;
}

enum stint_status stint_global_get(stint_global *handle, stint_value *ret_value,
                                   struct stint_error *error)
{
    struct global *global = global_of(handle);
    return api_value_read(global->store, global->type.type, global->cell, ret_value, error);
}

enum stint_status stint_global_set(stint_global *handle, const stint_value *value,
                                   struct stint_error *error)
{
    struct global *global = global_of(handle);
    if (!global->type.is_mutable)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "the global is constant");
    return api_value_write(global->store, global->type.type, value, "the value", global->cell,
                           error);
}

struct stint_global_type stint_global_type_of(const stint_global *global)
{
    const struct global_type *type = &global_of(global)->type;
    return (struct stint_global_type){type->type, type->is_mutable};
}

/* ---- Tags and exceptions ----------------------------------------------------------------- */

enum stint_status stint_tag_new(stint_store *store, const struct stint_func_type *type,
                                stint_tag **ret_tag, struct stint_error *error)
{
    uint32_t id;
    struct tag *tag;
    struct type_registry *types = store->engine->types;
    enum stint_status status = types_add_func(types, type->params, (uint32_t)type->param_count,
                                              type->results, (uint32_t)type->result_count, &id);
    if (status == STINT_OK)
        status = rt_tag_create(store, types_get(types, id), &tag);
    if (status != STINT_OK)
        return api_no_memory(error);
    *ret_tag = tag_handle(tag);
    return STINT_OK;
}

struct stint_func_type stint_tag_type(const stint_tag *tag)
{
    return api_func_type(tag_of(tag)->type);
}

enum stint_status stint_exception_new(stint_store *store, stint_tag *handle,
                                      const stint_value *payload, size_t count,
                                      stint_ref *ret_exception, struct stint_error *error)
{
    struct tag *tag = tag_of(handle);
    const struct type_def *type = tag->type;
    if (count != type->param_count)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "the tag has %u values, not %zu",
                         type->param_count, count);
    struct gc_heap *heap = gc_heap_of(store, error);
    if (heap == NULL)
        return api_no_memory(error);
    gc_ref exception = gc_new_exception(heap, tag, error);
    if (exception == GC_NULL)
        return STINT_TRAP;
    uint64_t *slots = gc_exception_payload(heap, exception);
    for (size_t i = 0; i < count; i++) {
        enum stint_status status =
            api_value_write(store, type->params[i], &payload[i], "the payload", slots, error);
        if (status != STINT_OK)
            return status;
        slots += vt_slots(type->params[i]);
    }
    return api_ref_make(store, exception, ret_exception, error);
}

stint_ref stint_store_take_exception(stint_store *store)
{
    stint_ref ref = {0};
    if (store->gc != NULL &&
        api_ref_make(store, gc_take_exception(store->gc), &ref, NULL) != STINT_OK)
        ref.handle = 0;
    return ref;
}

/* Whether the handle is on an exception; it then goes to `ret_exception`. */
static bool exception_of(const stint_store *store, stint_ref ref, gc_ref *ret_exception)
{
    gc_ref object = api_ref_get(store, ref);
    if (object == GC_NULL || !gc_ref_is(store->gc, object, HEAP_EXN))
        return false;
    *ret_exception = object;
    return true;
}

stint_tag *stint_exception_tag(const stint_store *store, stint_ref exception)
{
    gc_ref object;
    if (!exception_of(store, exception, &object))
        return NULL;
    return tag_handle(gc_exception_tag(store->gc, object));
}

enum stint_status stint_exception_payload(stint_store *store, stint_ref exception,
                                          stint_value *ret_payload, size_t count,
                                          struct stint_error *error)
{
    gc_ref object;
    if (!exception_of(store, exception, &object))
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET, "this is no exception");
    const struct type_def *type = gc_exception_tag(store->gc, object)->type;
    if (count != type->param_count)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                         "the exception has %u values, not %zu", type->param_count, count);
    const uint64_t *slots = gc_exception_payload(store->gc, object);
    for (size_t i = 0; i < count; i++) {
        enum stint_status status =
            api_value_read(store, type->params[i], slots, &ret_payload[i], error);
        if (status != STINT_OK) {
            api_values_release(store, ret_payload, i);
            return status;
        }
        slots += vt_slots(type->params[i]);
    }
    return STINT_OK;
}
