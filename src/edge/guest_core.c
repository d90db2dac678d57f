/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests as core modules that import preview 1 and WASI 0.2 by name and export the handler under its
 * canonical name, as bindings generators emit them before they make components.
 */
#include <string.h>

#include "api/module_code.h"
#include "edge/guest_int.h"

static enum stint_status import_one(struct guest_host *host, struct stint_store *store,
                                    const struct wasm_import *import, const struct type_def *type,
                                    struct func **ret_func, struct stint_error *error)
{
    const struct wasm_name *module = &import->module, *name = &import->field;
    if (wasi_p1_knows_module(module->text, module->bytes))
        return wasi_p1_import(host->p1, store, module->text, module->bytes, name->text, name->bytes,
                              type, ret_func, error);
    if (wasi_p2_knows_module(module->text, module->bytes))
        return wasi_p2_import(host->p2, store, module->text, module->bytes, name->text, name->bytes,
                              type, ret_func, error);
    if (host->services == NULL)
        return STINT_NOT_FOUND;
    struct stint_error detail = {0};
    const struct host_resolver resolver = services_resolver(host->services);
    enum stint_status status =
        wasi_p2_import_from(host->p2, store, &resolver, module->text, module->bytes, name->text,
                            name->bytes, type, ret_func, &detail);
    if (status != STINT_OK && status != STINT_NOT_FOUND)
        *error = detail;
    return status;
}

static enum stint_status link_slot(void *env, struct stint_store *store,
                                   struct extern_value *ret_imports, struct stint_error *error)
{
    struct guest *guest = env;
    const struct wasm_module *wasm = guest->module->wasm;
    struct guest_host *host;
    enum stint_status status = guest_host_create(guest, &host, error);
    if (status != STINT_OK)
        return status;
    store->user = host;
    status = wasi_p1_create(&guest->engine->alloc, &host->shared, &host->p1, error);
    if (status == STINT_OK)
        status = wasi_p1_keep(host->p1, error);
    if (status == STINT_OK && pool_store_has_snapshot(store))
        status = wasi_p2_reopen_handles(host->p2, guest->resources, error);
    for (uint32_t i = 0; i < wasm->import_count && status == STINT_OK; i++) {
        const struct wasm_import *import = &wasm->imports[i];
        ret_imports[i].kind = EXTERN_FUNC;
        status = STINT_NOT_FOUND;
        if (import->kind == EXTERN_FUNC)
            status = import_one(host, store, import, module_func_type(wasm, import->index),
                                &ret_imports[i].func, error);
        if (status == STINT_NOT_FOUND)
            status = error_set(error, STINT_UNLINKABLE, STINT_NO_OFFSET,
                               "it imports %.*s %.*s, which there is not here",
                               (int)import->module.bytes, import->module.text,
                               (int)import->field.bytes, import->field.text);
    }
    return status;
}

static enum stint_status reset_slot(void *env, struct stint_store *store)
{
    struct guest *guest = env;
    struct guest_host *host = store->user;
    struct stint_error ignored = {0};
    enum stint_status status = guest_host_restart(host);
    if (status == STINT_OK && pool_store_has_snapshot(store))
        status = wasi_p2_reopen_handles(host->p2, guest->resources, &ignored);
    return status;
}

enum stint_status guest_core_keep(struct guest_use *use, struct stint_error *error)
{
    const struct guest_host *host = use->host;
    if (!wasi_p1_is_as_kept(host->p1))
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "a file is open, or a standard stream closed");
    return wasi_p2_keep_handles(host->p2, host->guest->resources, error);
}

static void end_slot(void *env, void *user)
{
    (void)env;
    guest_host_free(user);
}

static bool find_http(struct guest *guest)
{
    const struct wasm_module *wasm = guest->module->wasm;
    for (uint32_t i = 0; i < wasm->export_count; i++) {
        const struct wasm_export *export = &wasm->exports[i];
        if (export->kind != EXTERN_FUNC ||
            !wasi_p2_is_export(export->name.text, export->name.bytes, "wasi:http/incoming-handler",
                               "handle"))
            continue;
        const struct type_def *type = module_func_type(wasm, export->index);
        guest->handler_index = export->index;
        return type->param_count == 2 && type->result_count == 0 && type->params[0] == VT_I32 &&
               type->params[1] == VT_I32;
    }
    return false;
}

/* Modules for Spin's first version export this, in a binding of their own time. */
static bool is_of_spin_1(const struct wasm_module *wasm)
{
    static const char name[] = "handle-http-request";
    for (uint32_t i = 0; i < wasm->export_count; i++) {
        const struct wasm_name *own = &wasm->exports[i].name;
        if (own->bytes == strlen(name) && memcmp(own->text, name, strlen(name)) == 0)
            return true;
    }
    return false;
}

static bool find_command(const struct guest *guest, uint32_t *ret_index)
{
    const struct wasm_module *wasm = guest->module->wasm;
    const char *entry = guest->config.entry;
    for (uint32_t i = 0; i < wasm->export_count; i++) {
        const struct wasm_export *export = &wasm->exports[i];
        if (export->kind != EXTERN_FUNC || export->name.bytes != strlen(entry) ||
            memcmp(export->name.text, entry, export->name.bytes) != 0)
            continue;
        const struct type_def *type = module_func_type(wasm, export->index);
        *ret_index = export->index;
        return type->param_count == 0 && type->result_count == 0;
    }
    return false;
}

static enum stint_status find_handler(struct guest *guest, struct stint_error *error)
{
    enum guest_kind kind = guest->config.kind;
    uint32_t index = 0;
    if (kind == GUEST_SILENT || (kind != GUEST_COMMAND && find_http(guest)))
        return STINT_OK;
    bool has_command = find_command(guest, &index);
    if (kind == GUEST_COMMAND && !has_command)
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET,
                         "the module exports no function '%s' without parameters and results, which "
                         "the executor 'wagi' runs",
                         guest->config.entry);
    if (kind != GUEST_COMMAND && is_of_spin_1(guest->module->wasm))
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "the module exports 'handle-http-request', as Spin's SDKs of before version "
                         "2 had it, which is not supported: build it with a later SDK");
    if (kind == GUEST_HANDLER || !has_command)
        return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET,
                         "the module exports no wasi:http/incoming-handler, so it cannot answer "
                         "requests%s",
                         has_command ? guest_command_hint : "");
    guest->is_command = true;
    guest->handler_index = index;
    return STINT_OK;
}

enum stint_status guest_core_create(struct guest *guest, struct stint_error *error)
{
    struct pool_config config = pool_config_default();
    enum stint_status status = module_code_create(guest->engine, guest->bytes.data, guest->bytes.bytes,
                                                  true, &guest->module, error);
    if (status != STINT_OK)
        return status;
    status = find_handler(guest, error);
    if (status == STINT_OK)
        status = guest_message_find(guest, error);
    if (status != STINT_OK)
        return status;
    config.link = link_slot;
    config.reset = reset_slot;
    config.end = end_slot;
    config.env = guest;
    config.limits = guest->config.limits;
    config.slots_max = guest->config.instances_max;
    config.slots_warm = guest->config.instances_warm;
    /* An instance that serves several requests may do so in several workers. */
    config.uses_stay = guest->config.reuse_max <= 1;
    return pool_create(guest->module, &config, &guest->modules, error);
}

enum stint_status guest_core_call(struct guest_use *use, const struct p2_exchange_handles *handles,
                                  struct stint_error *error)
{
    struct handle_table *table = wasi_p2_handles(use->host->p2);
    struct func *handler = instance_func(use->module, use->host->guest->handler_index);
    uint32_t request, outparam;
    enum stint_status status =
        handle_add(table, handles->request_type, handles->request_rep, NULL, &request, error);
    if (status == STINT_OK)
        status =
            handle_add(table, handles->outparam_type, handles->outparam_rep, NULL, &outparam, error);
    if (status != STINT_OK)
        return status;
    uint64_t slots[] = {request, outparam};
    return rt_call(use->store, handler, slots, error);
}
