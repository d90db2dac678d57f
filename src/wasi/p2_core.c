/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Core modules that import WASI 0.2 by name, as language toolchains emit them before they wrap them
 * into components: the same functions, with the module itself for the other side of the canonical ABI.
 */
#include "wasi/p2_core.h"

#include "runtime/link.h"

enum { TYPES_MAX = 20 }; /* parameters and results in a signature */

static const char drop_prefix[] = "[resource-drop]";

/* ---- Calls ------------------------------------------------------------------------------- */

/* The guest's realloc, (i32, i32, i32, i32) -> i32; NULL: it has none. */
static struct func *find_realloc(struct wasi_p2 *wasi, struct stint_instance *caller)
{
    static const char name[] = "cabi_realloc";
    struct extern_value value;
    if (wasi->realloc_of == caller)
        return wasi->realloc;
    wasi->realloc_of = caller;
    wasi->realloc = NULL;
    if (instance_export(caller, name, sizeof(name) - 1, &value) && value.kind == EXTERN_FUNC) {
        const struct type_def *type = value.func->type;
        bool fits = type->param_count == 4 && type->result_count == 1 && type->results[0] == VT_I32;
        for (uint32_t i = 0; fits && i < 4; i++)
            fits = type->params[i] == VT_I32;
        wasi->realloc = fits ? value.func : NULL;
    }
    return wasi->realloc;
}

static enum stint_status enter(struct host_call *host, uint64_t *slots)
{
    const struct p2_import *import = host->env;
    struct wasi_p2 *wasi = import->wasi;
    struct host_guest guest = {
        .store = host->store,
        .handles = &wasi->handles,
        .memory = host->caller ? host->caller->memory0 : NULL,
        .realloc = host->caller ? find_realloc(wasi, host->caller) : NULL,
        .encoding = ENCODING_UTF8,
    };
    struct host_component_call call = {
        .guest = &guest, .env = import->item.env, .error = host->error};
    return import->item.function(&call, slots);
}

static enum stint_status enter_drop(struct host_call *host, uint64_t *slots)
{
    const struct p2_import *import = host->env;
    struct wasi_p2 *wasi = import->wasi;
    const struct resource_type *type = import->item.resource;
    uint32_t rep;
    bool was_owned;
    enum stint_status status =
        handle_drop(&wasi->handles, type, p2_u32(slots[0]), &rep, &was_owned, host->error);
    return status == STINT_OK && was_owned ? type->drop(type->env, rep, host->error) : status;
}

/* ---- Imports ----------------------------------------------------------------------------- */

static struct wasm_name name_of(const char *text, size_t bytes)
{
    return (struct wasm_name){.text = text, .bytes = (uint32_t)bytes};
}

bool wasi_p2_knows_module(const char *module, size_t module_bytes)
{
    uint8_t interface;
    unsigned version;
    return p2_find_interface(name_of(module, module_bytes), &interface, &version);
}

/* A resource is a type: what can be imported of it is its drop. True for a drop, with the resource. */
static bool take_drop(const char **name, size_t *name_bytes)
{
    const size_t prefix_bytes = sizeof(drop_prefix) - 1;
    if (*name_bytes <= prefix_bytes || memcmp(*name, drop_prefix, prefix_bytes) != 0)
        return false;
    *name += prefix_bytes;
    *name_bytes -= prefix_bytes;
    return true;
}

static bool find(const char *module, size_t module_bytes, const char *name, size_t name_bytes,
                 struct p2_found *ret_found)
{
    uint8_t interface;
    unsigned version;
    if (!p2_find_interface(name_of(module, module_bytes), &interface, &version))
        return false;
    bool is_drop = take_drop(&name, &name_bytes);
    *ret_found = p2_find(interface, version, name_of(name, name_bytes));
    if (is_drop)
        ret_found->row = NULL;
    else
        ret_found->resource = NULL;
    return ret_found->row != NULL || ret_found->resource != NULL;
}

bool wasi_p2_has(const char *module, size_t module_bytes, const char *name, size_t name_bytes)
{
    struct p2_found found;
    return find(module, module_bytes, name, name_bytes, &found);
}

/* "iI:i" as a registered type. */
static enum stint_status type_of(struct type_registry *types, const char *signature,
                                 uint32_t *ret_id)
{
    valtype values[TYPES_MAX];
    uint32_t count = 0, param_count = 0;
    for (const char *at = signature; *at && count < TYPES_MAX; at++) {
        if (*at == ':')
            param_count = count;
        else
            values[count++] = *at == 'I' ? VT_I64 : VT_I32;
    }
    return types_add_func(types, values, param_count, values + param_count, count - param_count,
                          ret_id);
}

static enum stint_status wrong_type(const struct func *func, const struct type_def *type,
                                    const char *module, size_t module_bytes, const char *name,
                                    size_t name_bytes, struct stint_error *error)
{
    char ours[LINK_TEXT_BYTES], theirs[LINK_TEXT_BYTES];
    struct func wanted = {.type = type};
    struct extern_value have = {.kind = EXTERN_FUNC, .func = (struct func *)(uintptr_t)func};
    struct extern_value want = {.kind = EXTERN_FUNC, .func = &wanted};
    return error_set(error, STINT_UNLINKABLE, STINT_NO_OFFSET, "%.*s %.*s is %s, not %s",
                     (int)module_bytes, module, (int)name_bytes, name,
                     extern_type_format(&have, ours, sizeof(ours)),
                     extern_type_format(&want, theirs, sizeof(theirs)));
}

static enum stint_status make(struct wasi_p2 *wasi, struct host_item item,
                              struct p2_import **ret_import)
{
    struct p2_import *import = arena_get_zeroed(&wasi->arena, 1, sizeof(*import));
    uint32_t type_id;
    if (import == NULL)
        return STINT_NOMEM;
    bool is_function = item.function != NULL;
    enum stint_status status =
        type_of(wasi->store->engine->types, is_function ? item.signature : "i:", &type_id);
    import->wasi = wasi;
    import->item = item;
    if (status == STINT_OK)
        status = rt_func_create(wasi->store, type_id, is_function ? enter : enter_drop, import,
                                NULL, &import->func);
    if (status != STINT_OK)
        return status;
    import->next = wasi->imports;
    wasi->imports = import;
    *ret_import = import;
    return STINT_OK;
}

static enum stint_status import_item(struct wasi_p2 *wasi, struct stint_store *store,
                                     struct host_item item, const char *module,
                                     size_t module_bytes, const char *name, size_t name_bytes,
                                     const struct type_def *type, struct func **ret_func,
                                     struct stint_error *error)
{
    if (wasi->store != NULL && wasi->store != store)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                         "a guest's WASI state belongs to another store");
    wasi->store = store;
    struct p2_import *import = wasi->imports;
    while (import != NULL && (import->item.function != item.function ||
                              import->item.resource != item.resource ||
                              import->item.env != item.env))
        import = import->next;
    if (import == NULL) {
        enum stint_status status = make(wasi, item, &import);
        if (status != STINT_OK)
            return error_set(error, status, STINT_NO_OFFSET, "out of memory for host functions");
    }
    if (type->id != import->func->type->id)
        return wrong_type(import->func, type, module, module_bytes, name, name_bytes, error);
    *ret_func = import->func;
    return STINT_OK;
}

enum stint_status wasi_p2_import(struct wasi_p2 *wasi, struct stint_store *store,
                                 const char *module, size_t module_bytes, const char *name,
                                 size_t name_bytes, const struct type_def *type,
                                 struct func **ret_func, struct stint_error *error)
{
    struct p2_found found;
    struct host_item item = {.env = wasi};
    if (!find(module, module_bytes, name, name_bytes, &found))
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET, "WASI 0.2 has no '%.*s'",
                         (int)(name_bytes < 64 ? name_bytes : 64), name);
    if (found.row != NULL) {
        item.function = found.row->function;
        item.signature = found.row->signature;
    } else {
        item.resource = &wasi->types[found.resource->type];
    }
    return import_item(wasi, store, item, module, module_bytes, name, name_bytes, type, ret_func,
                       error);
}

enum stint_status wasi_p2_import_from(struct wasi_p2 *wasi, struct stint_store *store,
                                      const struct host_resolver *resolver, const char *module,
                                      size_t module_bytes, const char *name, size_t name_bytes,
                                      const struct type_def *type, struct func **ret_func,
                                      struct stint_error *error)
{
    struct host_item item = {0};
    const char *bare = name;
    size_t bare_bytes = name_bytes;
    bool is_drop = take_drop(&bare, &bare_bytes);
    enum stint_status status =
        resolver->resolve(resolver->context, name_of(module, module_bytes),
                          name_of(bare, bare_bytes), &item, error);
    if (status != STINT_OK)
        return status;
    if (is_drop ? item.resource == NULL : item.function == NULL)
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET, "there is no '%.*s'",
                         (int)(name_bytes < 64 ? name_bytes : 64), name);
    return import_item(wasi, store, item, module, module_bytes, name, name_bytes, type, ret_func,
                       error);
}
