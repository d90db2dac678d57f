/* SPDX-License-Identifier: Apache-2.0 */
/* Globals, tables, memories and externs of the standard C API. */
#include <string.h>

#include "api/wasm_c_int.h"

static const struct type_registry *types_of(const wasm_store_t *store)
{
    return store->store->engine->types;
}

/* ---- Externs ----------------------------------------------------------------------------- */

wasm_externkind_t wasm_extern_kind(const wasm_extern_t *external)
{
    static const wasm_externkind_t kinds[] = {
        [STINT_EXTERN_FUNC] = WASM_EXTERN_FUNC,     [STINT_EXTERN_TABLE] = WASM_EXTERN_TABLE,
        [STINT_EXTERN_MEMORY] = WASM_EXTERN_MEMORY, [STINT_EXTERN_GLOBAL] = WASM_EXTERN_GLOBAL,
        [STINT_EXTERN_TAG] = EXTERNTYPE_TAG,
    };
    return kinds[ref_of(external)->kind];
}

wasm_externtype_t *wasm_extern_type(const wasm_extern_t *handle)
{
    const struct wasm_ref_t *ref = ref_of(handle);
    const struct stint_extern *external = &ref->of.external;
    struct stint_extern_type type;
    memset(&type, 0, sizeof(type));
    type.kind = external->kind;
    switch (external->kind) {
    case STINT_EXTERN_FUNC:
        type.of.func = stint_func_type_of(external->of.func);
        break;
    case STINT_EXTERN_TABLE:
        type.of.table = stint_table_type_of(external->of.table);
        break;
    case STINT_EXTERN_MEMORY:
        type.of.memory = stint_memory_type(external->of.memory);
        break;
    case STINT_EXTERN_GLOBAL:
        type.of.global = stint_global_type_of(external->of.global);
        break;
    case STINT_EXTERN_TAG:
        type.of.func = stint_tag_type(external->of.tag);
        break;
    }
    return externtype_from(types_of(ref->store), &type);
}

wasm_functype_t *wasm_func_type(const wasm_func_t *func)
{
    return (wasm_functype_t *)wasm_extern_type((const wasm_extern_t *)func);
}

wasm_globaltype_t *wasm_global_type(const wasm_global_t *global)
{
    return (wasm_globaltype_t *)wasm_extern_type((const wasm_extern_t *)global);
}

wasm_tabletype_t *wasm_table_type(const wasm_table_t *table)
{
    return (wasm_tabletype_t *)wasm_extern_type((const wasm_extern_t *)table);
}

wasm_memorytype_t *wasm_memory_type(const wasm_memory_t *memory)
{
    return (wasm_memorytype_t *)wasm_extern_type((const wasm_extern_t *)memory);
}

/* ---- Globals ----------------------------------------------------------------------------- */

wasm_global_t *wasm_global_new(wasm_store_t *store, const wasm_globaltype_t *type,
                               const wasm_val_t *val)
{
    const struct stint_global_type own_type = {type->content->type, type->mutability == WASM_VAR};
    struct stint_extern external;
    stint_value value;
    memset(&external, 0, sizeof(external));
    external.kind = STINT_EXTERN_GLOBAL;
    if (!val_to_stint(store, own_type.type, val, &value))
        return NULL;
    enum stint_status status =
        stint_global_new(store->store, &own_type, &value, &external.of.global, NULL);
    api_values_release(store->store, &value, 1);
    return status == STINT_OK ? (wasm_global_t *)ref_wrap(store, &external) : NULL;
}

void wasm_global_get(const wasm_global_t *global, wasm_val_t *out)
{
    const struct wasm_ref_t *ref = ref_of(global);
    stint_value value;
    out->kind = WASM_I32;
    out->of.i64 = 0;
    if (stint_global_get(ref->of.external.of.global, &value, NULL) == STINT_OK &&
        !val_from_stint(ref->store, &value, out))
        out->of.i64 = 0;
}

void wasm_global_set(wasm_global_t *global, const wasm_val_t *val)
{
    const struct wasm_ref_t *ref = ref_of(global);
    stint_global *own = ref->of.external.of.global;
    stint_value value;
    if (!val_to_stint(ref->store, stint_global_type_of(own).type, val, &value))
        return;
    enum stint_status status = stint_global_set(own, &value, NULL);
    (void)status; /* the standard has no way to say that a global is constant */
    api_values_release(ref->store->store, &value, 1);
}

/* ---- Tables ------------------------------------------------------------------------------ */

wasm_table_t *wasm_table_new(wasm_store_t *store, const wasm_tabletype_t *type, wasm_ref_t *init)
{
    const struct stint_table_type own_type = {type->element->type, limits_to_stint(&type->limits)};
    struct stint_extern external;
    stint_value value;
    memset(&external, 0, sizeof(external));
    external.kind = STINT_EXTERN_TABLE;
    if (!ref_to_stint(store, own_type.element, init, &value))
        return NULL;
    enum stint_status status =
        stint_table_new(store->store, &own_type, &value, &external.of.table, NULL);
    api_values_release(store->store, &value, 1);
    return status == STINT_OK ? (wasm_table_t *)ref_wrap(store, &external) : NULL;
}

wasm_ref_t *wasm_table_get(const wasm_table_t *table, wasm_table_size_t index)
{
    const struct wasm_ref_t *ref = ref_of(table);
    stint_value value;
    wasm_val_t val;
    if (stint_table_get(ref->of.external.of.table, index, &value, NULL) != STINT_OK ||
        !val_from_stint(ref->store, &value, &val))
        return NULL;
    return val.of.ref;
}

bool wasm_table_set(wasm_table_t *table, wasm_table_size_t index, wasm_ref_t *element)
{
    const struct wasm_ref_t *ref = ref_of(table);
    stint_table *own = ref->of.external.of.table;
    stint_value value;
    if (!ref_to_stint(ref->store, stint_table_type_of(own).element, element, &value))
        return false;
    enum stint_status status = stint_table_set(own, index, &value, NULL);
    api_values_release(ref->store->store, &value, 1);
    return status == STINT_OK;
}

wasm_table_size_t wasm_table_size(const wasm_table_t *table)
{
    return (wasm_table_size_t)stint_table_count(ref_of(table)->of.external.of.table);
}

bool wasm_table_grow(wasm_table_t *table, wasm_table_size_t delta, wasm_ref_t *init)
{
    const struct wasm_ref_t *ref = ref_of(table);
    stint_table *own = ref->of.external.of.table;
    stint_value value;
    if (!ref_to_stint(ref->store, stint_table_type_of(own).element, init, &value))
        return false;
    enum stint_status status = stint_table_grow(own, delta, &value, NULL);
    api_values_release(ref->store->store, &value, 1);
    return status == STINT_OK;
}

/* ---- Memories ---------------------------------------------------------------------------- */

wasm_memory_t *wasm_memory_new(wasm_store_t *store, const wasm_memorytype_t *type)
{
    const struct stint_limits limits = limits_to_stint(&type->limits);
    struct stint_extern external;
    memset(&external, 0, sizeof(external));
    external.kind = STINT_EXTERN_MEMORY;
    if (stint_memory_new(store->store, &limits, &external.of.memory, NULL) != STINT_OK)
        return NULL;
    return (wasm_memory_t *)ref_wrap(store, &external);
}

byte_t *wasm_memory_data(wasm_memory_t *memory)
{
    return (byte_t *)stint_memory_data(ref_of(memory)->of.external.of.memory);
}

size_t wasm_memory_data_size(const wasm_memory_t *memory)
{
    return (size_t)stint_memory_bytes(ref_of(memory)->of.external.of.memory);
}

wasm_memory_pages_t wasm_memory_size(const wasm_memory_t *memory)
{
    return (wasm_memory_pages_t)(wasm_memory_data_size(memory) / MEMORY_PAGE_SIZE);
}

bool wasm_memory_grow(wasm_memory_t *memory, wasm_memory_pages_t delta)
{
    return stint_memory_grow(ref_of(memory)->of.external.of.memory, delta, NULL) == STINT_OK;
}
