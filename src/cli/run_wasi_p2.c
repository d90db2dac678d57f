/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/run_wasi_p2.h"

#include <string.h>

#include "wasi/host_net.h"
#include "wasi/p2.h"

bool run_wasi_p2_names(const struct wasm_import *import)
{
    return wasi_p2_knows_module(import->module.text, import->module.bytes);
}

bool run_wasi_p2_is_used(const struct run *run)
{
    const struct wasm_module *wasm = run->module != NULL ? run->module->wasm : NULL;
    if (wasm == NULL)
        return true; /* a component */
    for (uint32_t i = 0; i < wasm->import_count; i++) {
        if (run_wasi_p2_names(&wasm->imports[i]))
            return true;
    }
    return false;
}

enum stint_status run_wasi_p2_open(struct run *run, const struct wasi_p1_config *shared,
                                   struct stint_error *error)
{
    const struct text_list *rules = &run->options->net;
    struct wasi_p2_config config = wasi_p2_config_default(shared);
    enum stint_status status = STINT_OK;
    run->net = rules->count > 0 ? host_net_create(&alloc_root) : NULL;
    if (rules->count > 0 && run->net == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    for (size_t i = 0; i < rules->count && status == STINT_OK; i++)
        status = host_net_allow(run->net, rules->items[i], error);
    if (status != STINT_OK)
        return status;
    config.net = run->net;
    return wasi_p2_create(&run->engine->alloc, &config, &run->wasi2, error);
}

void run_wasi_p2_close(struct run *run)
{
    wasi_p2_free(run->wasi2);
    run->wasi2 = NULL;
    host_net_free(run->net);
    run->net = NULL;
}

enum stint_status run_wasi_p2_find(struct run *run, const struct wasm_import *import,
                                   struct func **ret_func, struct stint_error *error)
{
    return wasi_p2_import(run->wasi2, run->store, import->module.text, import->module.bytes,
                          import->field.text, import->field.bytes,
                          module_func_type(run->module->wasm, import->index), ret_func, error);
}

void run_wasi_p2_offer(struct nearest *nearest)
{
    const char *name;
    for (size_t i = 0; (name = wasi_p2_function_name(i)) != NULL; i++)
        nearest_offer(nearest, name, strlen(name));
}

/* ---- wasi:cli/run ------------------------------------------------------------------------ */

static enum stint_status initialize(struct run *run, struct stint_error *error)
{
    static const char name[] = "_initialize";
    struct extern_value value;
    uint64_t slot = 0;
    if (!instance_export(run->instance, name, sizeof(name) - 1, &value) ||
        value.kind != EXTERN_FUNC || value.func->type->param_count != 0 ||
        value.func->type->result_count != 0)
        return STINT_OK;
    return rt_call(run->store, value.func, &slot, error);
}

enum stint_status run_wasi_p2_call(struct run *run, struct stint_error *error)
{
    const struct wasm_module *wasm = run->module->wasm;
    const struct wasm_export *export = NULL;
    for (uint32_t i = 0; i < wasm->export_count && export == NULL; i++) {
        const struct wasm_name *name = &wasm->exports[i].name;
        if (wasm->exports[i].kind == EXTERN_FUNC &&
            wasi_p2_is_export(name->text, name->bytes, "wasi:cli/run", "run"))
            export = &wasm->exports[i];
    }
    if (export == NULL)
        return STINT_NOT_FOUND;
    struct func *func = instance_func(run->instance, export->index);
    if (func->type->param_count != 0 || func->type->result_count != 1 ||
        func->type->results[0] != VT_I32)
        return error_set(error, STINT_INVALID, STINT_NO_OFFSET,
                         "'%.*s' is not a function () -> i32", (int)export->name.bytes,
                         export->name.text);
    uint64_t slot = 0;
    enum stint_status status = initialize(run, error);
    if (status == STINT_OK)
        status = rt_call(run->store, func, &slot, error);
    if (status != STINT_OK || (uint32_t)slot == 0)
        return status;
    error_set(error, STINT_EXIT, STINT_NO_OFFSET, "the guest failed");
    error->exit_code = 1;
    return STINT_EXIT;
}
