/* SPDX-License-Identifier: Apache-2.0 */
/* The interpreter as an engine, and its state of a module. */
#include "interp/interp.h"

#include "interp/exec_int.h"
#include "runtime/block.h"
#include "stint_config.h"

static void module_detach(struct module_code *code)
{
    if (code == NULL)
        return;
    struct alloc *alloc = &code->module->engine->alloc;
    for (struct func_extra *extra = code->translated; extra != NULL;) {
        struct func_extra *next = extra->next;
        alloc_put(alloc, extra, extra->size_bytes);
        extra = next;
    }
    translator_free(code->translator, alloc);
    interp_native_end(code);
    alloc_put(alloc, code->ranges, code->range_capacity * sizeof(*code->ranges));
    block_put(alloc, code->funcs, code->funcs_bytes);
    lock_free(&code->lock);
    alloc_put(alloc, code, sizeof(*code));
}

static enum stint_status module_attach(struct stint_module *module, struct module_code **ret_code,
                                       struct stint_error *error)
{
    const struct wasm_module *wasm = module->wasm;
    struct module_code *code = alloc_get_zeroed(&module->engine->alloc, 1, sizeof(*code));
    if (code == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for the module's code");
    lock_init(&code->lock);
    code->module = module;
    code->func_count = wasm->func_count - wasm->import_func_count;
    code->funcs_bytes = (code->func_count + 1) * sizeof(*code->funcs);
    /* Of many functions only those that run take memory. */
    code->funcs = block_get(&module->engine->alloc, code->funcs_bytes);
    if (code->funcs == NULL) {
        error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for %u functions",
                  (unsigned)code->func_count);
        module_detach(code);
        return STINT_NOMEM;
    }
    *ret_code = code;
    return STINT_OK;
}

static const void *func_entry(struct module_code *code, uint32_t own_index)
{
    return &code->funcs[own_index];
}

const struct engine_ops interp_ops = {
    .name = "interpreter",
    .module_attach = module_attach,
    .module_detach = module_detach,
    .func_entry = func_entry,
    .has_run = STINT_WITH_NATIVE ? interp_has_run : NULL,
    .loop_offset = STINT_WITH_NATIVE ? interp_loop_offset : NULL,
    .exec_create = exec_create,
    .exec_free = exec_free,
    .call = exec_call,
    .interpret = STINT_WITH_NATIVE ? exec_interpret : NULL,
    .call_tail = STINT_WITH_NATIVE ? exec_call_tail : NULL,
    .code_added = STINT_WITH_NATIVE ? interp_code_added : NULL,
    .visit_roots = exec_visit_roots,
    .backtrace = exec_backtrace,
    .exec_reset = STINT_DEVICE ? NULL : exec_reset, /* only pools need it */
    .fuel_pending = exec_fuel_pending,
};
