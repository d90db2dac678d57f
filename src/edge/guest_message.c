/* SPDX-License-Identifier: Apache-2.0 */
/* Guests that take messages of channels: fermyon:spin/inbound-redis. */
#include <string.h>

#include "edge/guest_int.h"

static const char interface[] = "fermyon:spin/inbound-redis", name[] = "handle-message";
static const char core_name[] = "fermyon:spin/inbound-redis#handle-message";

static enum stint_status find_core(struct guest *guest)
{
    const struct wasm_module *wasm = guest->module->wasm;
    for (uint32_t i = 0; i < wasm->export_count; i++) {
        const struct wasm_export *export = &wasm->exports[i];
        if (export->kind != EXTERN_FUNC || export->name.bytes != sizeof(core_name) - 1 ||
            memcmp(export->name.text, core_name, sizeof(core_name) - 1) != 0)
            continue;
        const struct type_def *type = module_func_type(wasm, export->index);
        guest->message_index = export->index;
        return type->param_count == 2 && type->result_count == 1 && type->params[0] == VT_I32 &&
                       type->params[1] == VT_I32 && type->results[0] == VT_I32
                   ? STINT_OK
                   : STINT_NOT_FOUND;
    }
    return STINT_NOT_FOUND;
}

/* handle-message: func(message: list<u8>) -> result<_, error> */
static bool is_right(const struct plan_export *found)
{
    if (found == NULL || found->func->param_count != 1 || found->func->result == NULL)
        return false;
    const struct ctype *param = found->func->params[0].type;
    return param->kind == CTYPE_LIST && param->members[0].type->kind == CTYPE_U8 &&
           found->func->result->kind == CTYPE_RESULT && !found->func->is_async;
}

enum stint_status guest_message_find(struct guest *guest, struct stint_error *error)
{
    bool is_core = guest->module != NULL;
    if (!guest->config.takes_messages)
        return STINT_OK;
    if (is_core && find_core(guest) == STINT_OK)
        return STINT_OK;
    if (!is_core) {
        guest->message_handler = plan_find(guest->plan, interface, name);
        if (is_right(guest->message_handler))
            return STINT_OK;
        if (plan_find(guest->plan, "spin:redis/inbound-redis@3.0.0", name) != NULL)
            return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                             "its handler of messages is asynchronous (spin:redis@3.0.0), which is "
                             "not offered: use %s",
                             interface);
    }
    return error_set(error, STINT_NOT_FOUND, STINT_NO_OFFSET,
                     "the %s does not export %s, so it cannot take messages of the redis trigger",
                     is_core ? "module" : "component", interface);
}

static enum stint_status call_component(struct guest_use *use, const void *data, size_t bytes,
                                        bool *ret_is_accepted, struct stint_error *error)
{
    const struct plan_export *handler = use->host->guest->message_handler;
    struct arena arena;
    struct cvalue result;
    const struct cvalue arg = {.type = handler->func->params[0].type,
                               .blob = {(uint32_t)bytes, data}};
    arena_init(&arena, &alloc_root);
    enum stint_status status =
        component_call(use->component, handler, &arg, &arena, &result, error);
    if (status == STINT_OK)
        *ret_is_accepted = result.variant.index == 0;
    arena_free(&arena);
    return status;
}

static enum stint_status core_trap(struct stint_error *error, const char *text)
{
    return error_set(error, STINT_TRAP, STINT_NO_OFFSET, "%s", text);
}

/* Memory of the guest for the message, by the allocator that it exports for such. */
static enum stint_status make_room(struct guest_use *use, struct memory *memory, uint32_t bytes,
                                   uint32_t *ret_pointer, struct stint_error *error)
{
    struct extern_value realloc;
    if (!instance_export(use->module, "cabi_realloc", 12, &realloc) ||
        realloc.kind != EXTERN_FUNC)
        return core_trap(error, "the module exports no cabi_realloc");
    uint64_t slots[] = {0, 0, 1, bytes};
    enum stint_status status = rt_call(use->store, realloc.func, slots, error);
    if (status != STINT_OK)
        return status;
    *ret_pointer = (uint32_t)slots[0];
    return *ret_pointer <= memory->bytes && bytes <= memory->bytes - *ret_pointer
               ? STINT_OK
               : core_trap(error, "cabi_realloc returned a pointer outside of the memory");
}

static enum stint_status call_core(struct guest_use *use, const void *data, size_t bytes,
                                   bool *ret_is_accepted, struct stint_error *error)
{
    struct func *handler = instance_func(use->module, use->host->guest->message_index);
    struct extern_value memory;
    uint32_t pointer = 0;
    if (!instance_export(use->module, "memory", 6, &memory) || memory.kind != EXTERN_MEMORY)
        return core_trap(error, "the module exports no memory");
    enum stint_status status =
        make_room(use, memory.memory, (uint32_t)bytes, &pointer, error);
    if (status != STINT_OK)
        return status;
    if (bytes > 0)
        memcpy(memory.memory->base + pointer, data, bytes);
    uint64_t slots[] = {pointer, bytes};
    status = rt_call(use->store, handler, slots, error);
    if (status != STINT_OK)
        return status;
    /* result<_, error>: its case is the first byte. */
    pointer = (uint32_t)slots[0];
    if (pointer >= memory.memory->bytes)
        return core_trap(error, "the result is outside of the memory");
    *ret_is_accepted = memory.memory->base[pointer] == 0;
    return STINT_OK;
}

enum stint_status guest_message(struct guest_use *use, const void *data, size_t bytes,
                                bool *ret_is_accepted, struct stint_error *error)
{
    return use->component != NULL ? call_component(use, data, bytes, ret_is_accepted, error)
                                  : call_core(use, data, bytes, ret_is_accepted, error);
}
