/* SPDX-License-Identifier: Apache-2.0 */
/* Calls from the host. */
#include "component/canon_value.h"
#include "component/component_instance_int.h"

static enum stint_status find(struct component_instance *instance, const struct plan_export *export,
                              struct lifted **ret_lifted, struct stint_error *error)
{
    const struct plan_function *function = &instance->plan->export_functions.items[export->number];
    if (function->is_host)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "\"%.*s\" is an import that is exported as it is", (int)export->name.bytes,
                         export->name.text);
    struct lifted *lifted = &instance->lifted[function->number];
    if (lifted->plan->options.is_async)
        return error_set(error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "asynchronous function \"%.*s\" is not supported", (int)export->name.bytes,
                         export->name.text);
    *ret_lifted = lifted;
    return STINT_OK;
}

static enum stint_status enter(struct component_part *part, struct stint_error *error)
{
    if (UNLIKELY(!part_enter(part, NULL)))
        return canon_trap(error, "cannot enter component instance");
    return STINT_OK;
}

/* ---- With values ------------------------------------------------------------------------- */

static enum stint_status check_args(const struct component_instance *instance,
                                    const struct ctype_func *func, const struct cvalue *args,
                                    struct stint_error *error)
{
    for (uint32_t i = 0; i < func->param_count; i++) {
        enum stint_status status =
            canon_value_check(func->params[i].type, &args[i], instance->resources, error);
        if (status != STINT_OK)
            return status;
    }
    return STINT_OK;
}

static enum stint_status lower_args(const struct lifted *lifted, const struct canon_values *values,
                                    const struct cvalue *args, uint64_t *slots)
{
    const struct ctype_func *func = lifted->plan->type;
    const struct ctype *tuple = lifted->plan->params;
    enum stint_status status = STINT_OK;
    if (!lifted->plan->flat.params_in_memory) {
        for (uint32_t i = 0; i < func->param_count && status == STINT_OK; i++) {
            status = canon_lower_flat(values, func->params[i].type, &args[i], slots);
            slots += func->params[i].type->flat_count;
        }
        return status;
    }
    uint32_t pointer = 0;
    status =
        canon_realloc(values->guest, 0, 0, tuple->align_bytes, tuple->size_bytes, &canon_words_host,
                      canon_words_host.result_list, &pointer, values->error);
    uint8_t *to = status == STINT_OK ? values->guest->memory->base + pointer : NULL;
    slots[0] = pointer;
    for (uint32_t i = 0; i < func->param_count && status == STINT_OK; i++)
        status = canon_lower_memory(values, func->params[i].type, &args[i],
                                    to + tuple->members[i].offset_bytes);
    return status;
}

static enum stint_status lift_result(const struct lifted *lifted, struct canon_values *values,
                                     const uint64_t *slots, struct cvalue *ret_result)
{
    const struct ctype *type = lifted->plan->type->result;
    if (type == NULL)
        return STINT_OK;
    if (!lifted->plan->flat.result_in_memory)
        return canon_lift_flat(values, type, slots, ret_result);
    uint32_t pointer = (uint32_t)slots[0];
    const struct memory *memory = lifted->guest.memory;
    if ((pointer & (type->align_bytes - 1u)) != 0)
        return canon_trap(values->error, "unaligned pointer");
    if (memory == NULL || !canon_in_bounds(memory, pointer, type->size_bytes))
        return canon_trap(values->error, "pointer out of bounds of memory");
    return canon_lift_memory(values, type, memory->base + pointer, ret_result);
}

/* The call proper: the instance was entered. */
static enum stint_status run(struct component_instance *instance, const struct lifted *lifted,
                             const struct cvalue *args, struct arena *arena,
                             struct cvalue *ret_result, struct stint_error *error)
{
    struct handle_scope scope = {0};
    uint64_t slots[FLAT_PARAMS_MAX + 1];
    struct canon_values values = {.guest = &lifted->guest,
                                  .resources = instance->resources,
                                  .scope = &scope,
                                  .arena = arena,
                                  .bytes_left = CANON_LIFT_BYTES_MAX,
                                  .error = error};
    slots[0] = 0;
    enum stint_status status = lower_args(lifted, &values, args, slots);
    if (status == STINT_OK)
        status = canon_call_core(instance->store, lifted->core, slots, error);
    if (status == STINT_OK)
        status = lift_result(lifted, &values, slots, ret_result);
    if (status == STINT_OK && scope.borrows != 0)
        status = canon_trap(error, "borrow handles still remain at the end of the call");
    return status == STINT_OK ? lifted_post_return(lifted, slots, error) : status;
}

enum stint_status component_call(struct component_instance *instance,
                                 const struct plan_export *export, const struct cvalue *args,
                                 struct arena *arena, struct cvalue *ret_result,
                                 struct stint_error *error)
{
    struct lifted *lifted;
    struct cvalue result = {0};
    enum stint_status status = find(instance, export, &lifted, error);
    if (status == STINT_OK)
        status = check_args(instance, lifted->plan->type, args, error);
    if (status == STINT_OK)
        status = enter(lifted->guest.part, error);
    if (status != STINT_OK)
        return status;
    status = run(instance, lifted, args, arena, &result, error);
    if (status != STINT_OK)
        return status;
    part_leave(lifted->guest.part, NULL);
    if (ret_result != NULL)
        *ret_result = result;
    return STINT_OK;
}

/* ---- Flat -------------------------------------------------------------------------------- */

enum stint_status component_call_flat(
    struct component_instance *instance, const struct plan_export *export, uint64_t *slots,
    enum stint_status (*use)(void *env, const struct host_guest *guest, const uint64_t *slots),
    void *env, struct stint_error *error)
{
    struct lifted *lifted;
    enum stint_status status = find(instance, export, &lifted, error);
    if (status == STINT_OK)
        status = enter(lifted->guest.part, error);
    if (status != STINT_OK)
        return status;
    status = canon_call_core(instance->store, lifted->core, slots, error);
    if (status == STINT_OK && use != NULL)
        status = use(env, &lifted->guest, slots);
    if (status == STINT_OK)
        status = lifted_post_return(lifted, slots, error);
    if (status == STINT_OK)
        part_leave(lifted->guest.part, NULL);
    return status;
}

void component_guest(struct component_instance *instance, const struct plan_export *export,
                     struct host_guest *ret_guest)
{
    const struct plan_function *function = &instance->plan->export_functions.items[export->number];
    struct host_guest none = {.store = instance->store};
    *ret_guest = function->is_host ? none : instance->lifted[function->number].guest;
}

enum stint_status component_drop(struct component_instance *instance,
                                 const struct resource_type *type, uint32_t rep,
                                 struct stint_error *error)
{
    return trampoline_destroy(instance->store, type, rep, NULL, error);
}

const struct plan *component_instance_plan(const struct component_instance *instance)
{
    return instance->plan;
}
