/* SPDX-License-Identifier: Apache-2.0 */
/* Linkers and instances. */
#include <stdio.h>
#include <string.h>

#include "api/api_int.h"
#include "base/arena.h"
#include "base/map.h"
#include "runtime/link.h"

/* What stands under a name. */
struct definition {
    struct host_def *host; /* for all stores; or NULL: */
    stint_store *store;    /* the only one for `value` */
    struct extern_value value;
    struct definition *next; /* of all in the linker */
};

struct stint_linker {
    stint_engine *engine;
    struct arena arena; /* definitions and their keys */
    struct map names;   /* "module\0name" to struct definition */
    struct definition *definitions;
    bool has_wasi;
};

enum stint_status stint_linker_new(stint_engine *engine, stint_linker **ret_linker,
                                   struct stint_error *error)
{
    stint_linker *linker = alloc_get_zeroed(&engine->alloc, 1, sizeof(*linker));
    if (linker == NULL)
        return api_no_memory(error);
    linker->engine = engine_retain(engine);
    arena_init(&linker->arena, &engine->alloc);
    map_init(&linker->names, &engine->alloc);
    *ret_linker = linker;
    return STINT_OK;
}

void stint_linker_free(stint_linker *linker)
{
    if (linker == NULL)
        return;
    stint_engine *engine = linker->engine;
    for (struct definition *d = linker->definitions; d != NULL; d = d->next)
        host_def_release(d->host);
    map_free(&linker->names);
    arena_free(&linker->arena);
    alloc_put(&engine->alloc, linker, sizeof(*linker));
    engine_release(engine);
}

/* The key of a name in memory of the arena, or NULL. */
static char *make_key(struct arena *arena, const char *module, size_t module_bytes,
                      const char *name, size_t name_bytes)
{
    char *key = arena_get(arena, module_bytes + 1 + name_bytes);
    if (key == NULL)
        return NULL;
    if (module_bytes != 0)
        memcpy(key, module, module_bytes);
    key[module_bytes] = '\0';
    if (name_bytes != 0)
        memcpy(key + module_bytes + 1, name, name_bytes);
    return key;
}

/* Puts a definition under a name, over an older one. */
static enum stint_status put(stint_linker *linker, const char *module, const char *name,
                             size_t name_bytes, const struct definition *what,
                             struct stint_error *error)
{
    size_t module_bytes = strlen(module);
    char *key = make_key(&linker->arena, module, module_bytes, name, name_bytes);
    struct definition *definition = arena_copy(&linker->arena, what, sizeof(*what));
    if (key == NULL || definition == NULL ||
        !map_put(&linker->names, key, module_bytes + 1 + name_bytes, (uintptr_t)definition))
        return api_no_memory(error);
    definition->next = linker->definitions;
    linker->definitions = definition;
    return STINT_OK;
}

static const struct definition *find(const stint_linker *linker, const struct wasm_import *import)
{
    char inline_key[256];
    size_t bytes = (size_t)import->module.bytes + 1 + import->field.bytes;
    struct arena arena;
    arena_init(&arena, &linker->engine->alloc);
    char *key = inline_key;
    if (bytes > sizeof(inline_key)) {
        key = make_key(&arena, import->module.text, import->module.bytes, import->field.text,
                       import->field.bytes);
    } else {
        if (import->module.bytes != 0)
            memcpy(key, import->module.text, import->module.bytes);
        key[import->module.bytes] = '\0';
        if (import->field.bytes != 0)
            memcpy(key + import->module.bytes + 1, import->field.text, import->field.bytes);
    }
    const uint64_t *found = key != NULL ? map_find(&linker->names, key, bytes) : NULL;
    arena_free(&arena);
    return found != NULL ? (const struct definition *)(uintptr_t)*found : NULL;
}

/* Takes over the reference to `host`. */
static enum stint_status put_host(stint_linker *linker, const char *module, const char *name,
                                  struct host_def *host, void (*env_free)(void *env),
                                  struct stint_error *error)
{
    const struct definition definition = {.host = host};
    enum stint_status status = put(linker, module, name, strlen(name), &definition, error);
    if (status != STINT_OK)
        host_def_release(host);
    else
        host_def_own_env(host, env_free);
    return status;
}

enum stint_status stint_linker_define_func(stint_linker *linker, const char *module,
                                           const char *name, const struct stint_func_type *type,
                                           stint_host_fn fn, void *env, void (*env_free)(void *env),
                                           struct stint_error *error)
{
    struct host_def *host;
    enum stint_status status = host_def_create(linker->engine, type, fn, env, &host, error);
    return status == STINT_OK ? put_host(linker, module, name, host, env_free, error) : status;
}

enum stint_status stint_linker_define_word_func(
    stint_linker *linker, const char *module, const char *name, const struct stint_func_type *type,
    stint_word_fn fn, void *env, void (*env_free)(void *env), struct stint_error *error)
{
    struct host_def *host;
    enum stint_status status = host_def_create_words(linker->engine, type, fn, env, &host, error);
    return status == STINT_OK ? put_host(linker, module, name, host, env_free, error) : status;
}

struct extern_value api_extern_of(const struct stint_extern *what)
{
    struct extern_value value = {.kind = (uint8_t)what->kind};
    switch (what->kind) {
    case STINT_EXTERN_FUNC:
        value.func = func_of(what->of.func);
        break;
    case STINT_EXTERN_TABLE:
        value.table = table_of(what->of.table);
        break;
    case STINT_EXTERN_MEMORY:
        value.memory = memory_of(what->of.memory);
        break;
    case STINT_EXTERN_GLOBAL:
        value.global = global_of(what->of.global);
        break;
    case STINT_EXTERN_TAG:
        value.tag = tag_of(what->of.tag);
        break;
    }
    return value;
}

struct stint_extern api_extern_handle(const struct extern_value *value)
{
    struct stint_extern handle;
    memset(&handle, 0, sizeof(handle));
    handle.kind = (enum stint_extern_kind)value->kind;
    switch ((enum extern_kind)value->kind) {
    case EXTERN_FUNC:
        handle.of.func = func_handle(value->func);
        break;
    case EXTERN_TABLE:
        handle.of.table = table_handle(value->table);
        break;
    case EXTERN_MEMORY:
        handle.of.memory = memory_handle(value->memory);
        break;
    case EXTERN_GLOBAL:
        handle.of.global = global_handle(value->global);
        break;
    case EXTERN_TAG:
        handle.of.tag = tag_handle(value->tag);
        break;
    }
    return handle;
}

enum stint_status stint_linker_define(stint_linker *linker, stint_store *store, const char *module,
                                      const char *name, const struct stint_extern *what,
                                      struct stint_error *error)
{
    const struct definition definition = {.store = store, .value = api_extern_of(what)};
    return put(linker, module, name, strlen(name), &definition, error);
}

enum stint_status stint_linker_define_instance(stint_linker *linker, const char *module,
                                               stint_instance *instance, struct stint_error *error)
{
    const struct wasm_module *wasm = instance->module->wasm;
    for (uint32_t i = 0; i < wasm->export_count; i++) {
        const struct wasm_export *export = &wasm->exports[i];
        const struct definition definition = {
            .store = instance->store,
            .value = instance_extern(instance, (enum extern_kind) export->kind, export->index),
        };
        enum stint_status status =
            put(linker, module, export->name.text, export->name.bytes, &definition, error);
        if (status != STINT_OK)
            return status;
    }
    return STINT_OK;
}

void stint_linker_define_wasi(stint_linker *linker)
{
    linker->has_wasi = true;
}

bool stint_linker_knows(const stint_linker *linker, const stint_module *module, size_t import_index)
{
    const struct wasm_import *import = &module->wasm->imports[import_index];
    return find(linker, import) != NULL || (linker->has_wasi && api_wasi_has(import));
}

/* What the linker has for one import; what it lacks stays EXTERN_MISSING. */
static enum stint_status resolve(const stint_linker *linker, stint_store *store,
                                 const stint_module *module, const struct wasm_import *import,
                                 struct extern_value *ret_value, struct stint_error *error)
{
    const struct definition *definition = find(linker, import);
    ret_value->kind = EXTERN_MISSING;
    if (definition == NULL) {
        if (!linker->has_wasi || import->kind != EXTERN_FUNC || !api_wasi_has(import))
            return STINT_OK;
        enum stint_status status = api_wasi_find(store, module, import, &ret_value->func, error);
        if (status == STINT_OK)
            ret_value->kind = EXTERN_FUNC;
        return status;
    }
    if (definition->host != NULL) {
        enum stint_status status = host_def_add(definition->host, store, &ret_value->func, error);
        if (status == STINT_OK)
            ret_value->kind = EXTERN_FUNC;
        return status;
    }
    if (definition->store != store) {
        char name[LINK_TEXT_BYTES];
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                         "%s was defined with an object of another store",
                         import_name_format(import, name, sizeof(name)));
    }
    *ret_value = definition->value;
    return STINT_OK;
}

/* Names as many of the missing imports as fit into a message. */
static enum stint_status report_missing(const struct wasm_module *wasm,
                                        const struct extern_value *values, uint32_t missing,
                                        struct stint_error *error)
{
    char list[STINT_ERROR_MESSAGE_BYTES];
    size_t used = 0;
    uint32_t named = 0;
    for (uint32_t i = 0; i < wasm->import_count; i++) {
        char name[LINK_TEXT_BYTES];
        if (values[i].kind != EXTERN_MISSING)
            continue;
        import_name_format(&wasm->imports[i], name, sizeof(name));
        if (used + strlen(name) + 2 > sizeof(list) - 64)
            break;
        used +=
            (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", named > 0 ? ", " : "", name);
        named++;
    }
    if (named == missing)
        return error_set(error, STINT_UNLINKABLE, STINT_NO_OFFSET, "unknown import%s: %s",
                         missing == 1 ? "" : "s", list);
    return error_set(error, STINT_UNLINKABLE, STINT_NO_OFFSET, "unknown imports: %s and %u more",
                     list, missing - named);
}

enum stint_status api_linker_resolve(const stint_linker *linker, stint_store *store,
                                     const stint_module *module, struct extern_value *ret_values,
                                     struct stint_error *error)
{
    const struct wasm_module *wasm = module->wasm;
    enum stint_status status = STINT_OK;
    uint32_t missing = 0;
    for (uint32_t i = 0; i < wasm->import_count && status == STINT_OK; i++) {
        status = resolve(linker, store, module, &wasm->imports[i], &ret_values[i], error);
        missing += ret_values[i].kind == EXTERN_MISSING;
    }
    if (status == STINT_OK && missing > 0)
        status = report_missing(wasm, ret_values, missing, error);
    return status;
}

enum stint_status stint_linker_instantiate(stint_linker *linker, stint_store *store,
                                           stint_module *module, stint_instance **ret_instance,
                                           struct stint_error *error)
{
    enum stint_status status = STINT_OK;
    struct arena arena;
    arena_init(&arena, &store->alloc);
    struct extern_value *values =
        arena_get_zeroed(&arena, module->wasm->import_count, sizeof(*values));
    if (values == NULL)
        status = api_no_memory(error);
    if (status == STINT_OK)
        status = api_linker_resolve(linker, store, module, values, error);
    if (status == STINT_OK)
        status = instance_create(store, module, values, ret_instance, error);
    arena_free(&arena);
    return status;
}

enum stint_status stint_instance_new(stint_store *store, stint_module *module,
                                     const struct stint_extern *imports, size_t import_count,
                                     stint_instance **ret_instance, struct stint_error *error)
{
    const struct wasm_module *wasm = module->wasm;
    if (import_count != wasm->import_count)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                         "the module has %u imports, not %zu", wasm->import_count, import_count);
    struct arena arena;
    arena_init(&arena, &store->alloc);
    enum stint_status status;
    struct extern_value *values = arena_get_zeroed(&arena, import_count, sizeof(*values));
    if (values == NULL) {
        status = api_no_memory(error);
    } else {
        for (size_t i = 0; i < import_count; i++)
            values[i] = api_extern_of(&imports[i]);
        status = instance_create(store, module, values, ret_instance, error);
    }
    arena_free(&arena);
    return status;
}

stint_module *stint_instance_module(stint_instance *instance)
{
    return instance->module;
}

bool stint_instance_export(stint_instance *instance, const char *name,
                           struct stint_extern *ret_extern)
{
    struct extern_value value;
    if (!instance_export(instance, name, strlen(name), &value))
        return false;
    *ret_extern = api_extern_handle(&value);
    return true;
}

void stint_instance_export_at(stint_instance *instance, size_t index,
                              struct stint_extern *ret_extern)
{
    const struct wasm_export *export = &instance->module->wasm->exports[index];
    struct extern_value value =
        instance_extern(instance, (enum extern_kind) export->kind, export->index);
    *ret_extern = api_extern_handle(&value);
}

stint_func *stint_instance_func(stint_instance *instance, const char *name)
{
    struct extern_value value;
    if (!instance_export(instance, name, strlen(name), &value) || value.kind != EXTERN_FUNC)
        return NULL;
    return func_handle(value.func);
}

stint_memory *stint_instance_memory(stint_instance *instance, const char *name)
{
    struct extern_value value;
    if (!instance_export(instance, name, strlen(name), &value) || value.kind != EXTERN_MEMORY)
        return NULL;
    return memory_handle(value.memory);
}
