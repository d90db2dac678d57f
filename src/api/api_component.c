/* SPDX-License-Identifier: Apache-2.0 */
/* Components for embedders: values as text. */
#include <string.h>

#include "api/api_int.h"
#include "api/component_code.h"
#include "base/arena.h"
#include "base/buf.h"
#include "component/plan.h"
#include "component/wave.h"
#include "os/pages.h"
#include "stint_component.h"
#include "wasi/host_net.h"
#include "wasi/p2.h"
#include "wasm/limits.h"

enum { RESULT_BYTES_MAX = 1 << 30 };

struct stint_component {
    struct stint_engine *engine;
    struct plan *plan;
};

struct stint_component_instance {
    struct alloc *alloc; /* the store's */
    struct plan *plan;
    struct wasi_p2 *wasi;
    struct host_net *net; /* or NULL */
    struct component_instance *instance;
    struct buf result; /* of the last call */
};

enum stint_status stint_component_new(stint_engine *engine, const uint8_t *bytes, size_t size_bytes,
                                      stint_component **ret_component, struct stint_error *error)
{
    struct component_refusal refusal;
    struct component_file *file;
    struct stint_error own_error = {0};
    if (error == NULL)
        error = &own_error;
    enum stint_status status =
        component_code_create(engine, bytes, size_bytes, false, NULL, &file, &refusal, error);
    if (status != STINT_OK)
        return status;
    struct stint_component *component = alloc_get_zeroed(&engine->alloc, 1, sizeof(*component));
    if (component == NULL) {
        component_release(file);
        return api_no_memory(error);
    }
    status = plan_create(file, &component->plan, error);
    component_release(file);
    if (status != STINT_OK) {
        alloc_put(&engine->alloc, component, sizeof(*component));
        return status;
    }
    component->engine = engine_retain(engine);
    *ret_component = component;
    return STINT_OK;
}

enum stint_status stint_component_new_from_file(stint_engine *engine, const char *path,
                                                stint_component **ret_component,
                                                struct stint_error *error)
{
    const uint8_t *bytes;
    size_t size_bytes;
    enum stint_status status = pages_map_file(path, LIMIT_MODULE_BYTES, &bytes, &size_bytes, error);
    if (status != STINT_OK)
        return status;
    /* Copied, so that nobody who rewrites the file can change a validated component. */
    status = stint_component_new(engine, bytes, size_bytes, ret_component, error);
    pages_unmap_file(bytes, size_bytes);
    return status;
}

void stint_component_free(stint_component *component)
{
    if (component == NULL)
        return;
    struct stint_engine *engine = component->engine;
    plan_release(component->plan);
    alloc_put(&engine->alloc, component, sizeof(*component));
    engine_release(engine);
}

/* ---- What it imports and exports --------------------------------------------------------------- */

static struct stint_component_item item_of(struct wasm_name interface, struct wasm_name name)
{
    return (struct stint_component_item){{interface.text, interface.bytes},
                                         {name.text, name.bytes}};
}

size_t stint_component_import_count(const stint_component *component)
{
    uint32_t count;
    (void)plan_imports(component->plan, &count);
    return count;
}

size_t stint_component_export_count(const stint_component *component)
{
    uint32_t count;
    (void)plan_exports(component->plan, &count);
    return count;
}

void stint_component_import(const stint_component *component, size_t index,
                            struct stint_component_item *ret_item)
{
    uint32_t count;
    const struct plan_import *imports = plan_imports(component->plan, &count);
    *ret_item = item_of(imports[index].interface, imports[index].name);
}

void stint_component_export(const stint_component *component, size_t index,
                            struct stint_component_item *ret_item)
{
    uint32_t count;
    const struct plan_export *exports = plan_exports(component->plan, &count);
    *ret_item = item_of(exports[index].interface, exports[index].name);
}

/* ---- Instances ------------------------------------------------------------------------------------- */

enum stint_status stint_wasi_config_allow_net(stint_wasi_config *config, const char *rule,
                                              struct stint_error *error)
{
    struct stint_error own_error = {0};
    if (error == NULL)
        error = &own_error;
    struct host_net *tried = host_net_create(&alloc_root);
    enum stint_status status =
        tried != NULL ? host_net_allow(tried, rule, error) : api_no_memory(error);
    host_net_free(tried);
    if (status == STINT_OK && api_wasi_add_rule(config, rule) != STINT_OK)
        status = api_no_memory(error);
    return status;
}

static enum stint_status open_net(struct stint_component_instance *made,
                                  const stint_wasi_config *wasi, struct stint_error *error)
{
    size_t count = 0;
    const char *const *rules = wasi != NULL ? api_wasi_rules(wasi, &count) : NULL;
    enum stint_status status = STINT_OK;
    if (count == 0)
        return STINT_OK;
    made->net = host_net_create(made->alloc);
    if (made->net == NULL)
        return api_no_memory(error);
    for (size_t i = 0; i < count && status == STINT_OK; i++)
        status = host_net_allow(made->net, rules[i], error);
    return status;
}

static enum stint_status open_wasi(struct stint_component_instance *made,
                                   const stint_wasi_config *wasi, struct stint_error *error)
{
    struct wasi_p1_config shared = wasi_p1_config_default();
    if (wasi != NULL)
        shared = api_wasi_config(wasi);
    else
        shared.stdin_fd = shared.stdout_fd = shared.stderr_fd = -1;
    enum stint_status status = open_net(made, wasi, error);
    if (status != STINT_OK)
        return status;
    struct wasi_p2_config config = wasi_p2_config_default(&shared);
    config.net = made->net;
    return wasi_p2_create(made->alloc, &config, &made->wasi, error);
}

enum stint_status stint_component_instantiate(stint_component *component, stint_store *store,
                                              const stint_wasi_config *wasi,
                                              stint_component_instance **ret_instance,
                                              struct stint_error *error)
{
    struct stint_error own_error = {0};
    if (error == NULL)
        error = &own_error;
    if (store->engine != component->engine)
        return error_set(error, STINT_ARGUMENT, STINT_NO_OFFSET,
                         "the store and the component are of different engines");
    struct stint_component_instance *made = alloc_get_zeroed(&store->alloc, 1, sizeof(*made));
    if (made == NULL)
        return api_no_memory(error);
    made->alloc = &store->alloc;
    made->plan = plan_retain(component->plan);
    buf_init(&made->result, made->alloc, RESULT_BYTES_MAX);
    enum stint_status status = open_wasi(made, wasi, error);
    if (status == STINT_OK) {
        struct host_resolver resolver = wasi_p2_resolver(made->wasi);
        status = component_instantiate(store, made->plan, &resolver, 1, &made->instance, error);
    }
    if (status != STINT_OK) {
        stint_component_instance_free(made);
        return status;
    }
    *ret_instance = made;
    return STINT_OK;
}

void stint_component_instance_free(stint_component_instance *instance)
{
    if (instance == NULL)
        return;
    component_instance_free(instance->instance);
    wasi_p2_free(instance->wasi);
    host_net_free(instance->net);
    plan_release(instance->plan);
    buf_free(&instance->result);
    alloc_put(instance->alloc, instance, sizeof(*instance));
}

/* ---- Calls ----------------------------------------------------------------------------------------- */

static enum stint_status call(struct stint_component_instance *instance,
                              const struct plan_export *export, const char *arguments,
                              struct arena *arena, struct stint_error *error)
{
    struct cvalue *args, result = {0};
    enum stint_status status =
        wave_parse_args(arena, export->func, arguments, strlen(arguments), &args, error);
    if (status == STINT_OK)
        status = component_call(instance->instance, export, args, arena, &result, error);
    if (status != STINT_OK)
        return status;
    if (export->func->result != NULL)
        wave_print(&result, &instance->result);
    return buf_append_byte(&instance->result, 0) ? STINT_OK : api_no_memory(error);
}

enum stint_status stint_component_call_text(stint_component_instance *instance,
                                            const char *interface, const char *name,
                                            const char *arguments, const char **ret_result,
                                            struct stint_error *error)
{
    struct stint_error own_error = {0};
    struct arena arena;
    if (error == NULL)
        error = &own_error;
    const struct plan_export *export = plan_find(instance->plan, interface, name);
    if (export == NULL)
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET,
                         "the component exports no function '%s%s%s'",
                         interface != NULL ? interface : "", interface != NULL ? "#" : "", name);
    buf_free(&instance->result);
    buf_init(&instance->result, instance->alloc, RESULT_BYTES_MAX);
    arena_init(&arena, instance->alloc);
    enum stint_status status =
        call(instance, export, arguments != NULL ? arguments : "()", &arena, error);
    arena_free(&arena);
    if (status == STINT_OK && ret_result != NULL)
        *ret_result = (const char *)instance->result.data;
    return status;
}
