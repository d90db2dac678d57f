/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core functions that canonical definitions make: calls to the host, calls to other component
 * instances, and built-ins (CanonicalABI.md: Canonical Definitions).
 */
#include "component/canon_code.h"
#include "component/component_instance_int.h"

static enum stint_status cannot_leave(struct stint_error *error)
{
    return canon_trap(error, "cannot leave component instance");
}

static enum stint_status cannot_enter(struct stint_error *error)
{
    return canon_trap(error, "cannot enter component instance");
}

static enum stint_status call_host(struct host_call *call, uint64_t *slots)
{
    const struct trampoline *t = call->env;
    struct host_component_call component_call = {
        .guest = &t->guest, .env = t->env, .error = call->error};
    if (UNLIKELY(!t->guest.part->may_leave))
        return cannot_leave(call->error);
    return t->function(&component_call, slots);
}

/* ---- Calls between component instances ------------------------------------------------------ */

enum stint_status lifted_post_return(const struct lifted *lifted, const uint64_t *results,
                                     struct stint_error *error)
{
    struct component_part *part = lifted->guest.part;
    uint64_t slots[1] = {results[0]};
    if (lifted->post_return == NULL)
        return STINT_OK;
    part->may_leave = false;
    enum stint_status status =
        canon_call_core(lifted->guest.store, lifted->post_return, slots, error);
    part->may_leave = true;
    return status;
}

/* The parameters into the callee, as its core function takes them. */
static enum stint_status pass_params(const struct trampoline *t,
                                     const struct canon_transfer *transfer, const uint64_t *slots,
                                     uint64_t *args)
{
    const struct plan_trampoline *plan = t->plan;
    const struct ctype *tuple = t->callee->plan->params;
    struct stint_error *error = transfer->error;
    if (!plan->flat.params_in_memory) {
        if (plan->params_body != CANON_PLAIN)
            return canon_transfer_flat(transfer, plan->params_body, slots, args);
        for (uint32_t i = 0; i < t->callee->plan->flat.param_count; i++)
            args[i] = slots[i];
        return STINT_OK;
    }
    const struct host_guest *from = transfer->from, *to = transfer->to;
    uint32_t source = (uint32_t)slots[0], target = 0;
    if ((source & (tuple->align_bytes - 1u)) != 0)
        return canon_trap(error, canon_words_guest.unaligned);
    if (!canon_in_bounds(from->memory, source, tuple->size_bytes))
        return canon_trap(error, "parameters out of bounds of memory");
    enum stint_status status =
        canon_realloc(to, 0, 0, tuple->align_bytes, tuple->size_bytes, &canon_words_guest,
                      "parameters out of bounds of memory", &target, error);
    if (status != STINT_OK)
        return status;
    args[0] = target;
    return canon_transfer_memory(transfer, plan->params_body, from->memory->base + source,
                                 to->memory->base + target);
}

/* The result of the callee's core function into the caller. */
static enum stint_status pass_result(const struct trampoline *t,
                                     const struct canon_transfer *transfer, const uint64_t *results,
                                     uint64_t *slots)
{
    const struct plan_trampoline *plan = t->plan;
    const struct ctype *type = plan->type->result;
    if (type == NULL)
        return STINT_OK;
    if (!plan->flat.result_in_memory) {
        if (plan->result_body != CANON_PLAIN)
            return canon_transfer_flat(transfer, plan->result_body, results, slots);
        slots[0] = results[0];
        return STINT_OK;
    }
    const struct host_guest *from = transfer->from, *to = transfer->to;
    uint32_t source = (uint32_t)results[0], target = (uint32_t)slots[plan->flat.param_count - 1];
    if (((source | target) & (type->align_bytes - 1u)) != 0)
        return canon_trap(transfer->error, canon_words_guest.unaligned);
    if (!canon_in_bounds(from->memory, source, type->size_bytes) ||
        !canon_in_bounds(to->memory, target, type->size_bytes))
        return canon_trap(transfer->error, "result out of bounds of memory");
    return canon_transfer_memory(transfer, plan->result_body, from->memory->base + source,
                                 to->memory->base + target);
}

/* The call proper: the callee was entered. */
static enum stint_status run_fused(struct trampoline *t, struct canon_loans *loans, uint64_t *slots,
                                   struct stint_error *error)
{
    struct handle_scope scope = {0};
    struct lifted *callee = t->callee;
    uint64_t args[FLAT_PARAMS_MAX + 1] = {0};
    struct canon_transfer transfer = {.code = &t->instance->plan->code,
                                      .resources = t->instance->resources,
                                      .from = &t->guest,
                                      .to = &callee->guest,
                                      .loans = loans,
                                      .scope = &scope,
                                      .error = error};
    enum stint_status status = pass_params(t, &transfer, slots, args);
    if (status == STINT_OK)
        status = canon_call_core(callee->guest.store, callee->core, args, error);
    if (status != STINT_OK)
        return status;
    if (scope.borrows != 0)
        return canon_trap(error, "borrow handles still remain at the end of the call");
    transfer.from = &callee->guest;
    transfer.to = &t->guest;
    status = pass_result(t, &transfer, args, slots);
    return status == STINT_OK ? lifted_post_return(callee, args, error) : status;
}

static enum stint_status call_fused(struct host_call *call, uint64_t *slots)
{
    struct trampoline *t = call->env;
    struct component_part *part = t->callee->guest.part;
    struct component_part *common = instance_part(t->instance, t->plan->common);
    struct canon_loans loans;
    if (UNLIKELY(!t->guest.part->may_leave))
        return cannot_leave(call->error);
    if (UNLIKELY(t->plan->is_recursive || !part_enter(part, common)))
        return cannot_enter(call->error);
    loans.alloc = &call->store->alloc;
    loans.count = 0;
    loans.more = NULL;
    loans.capacity = 0;
    enum stint_status status = run_fused(t, &loans, slots, call->error);
    if (loans.count != 0)
        canon_loans_end(&loans, t->guest.handles);
    if (LIKELY(status == STINT_OK))
        part_leave(part, common);
    return status;
}

/* ---- Resources --------------------------------------------------------------------------- */

static const struct resource_type *resource_of(const struct trampoline *t)
{
    return t->instance->resources[t->plan->number];
}

static enum stint_status resource_new(struct host_call *call, uint64_t *slots)
{
    struct trampoline *t = call->env;
    uint32_t index = 0;
    if (!t->guest.part->may_leave)
        return cannot_leave(call->error);
    enum stint_status status =
        handle_add(t->guest.handles, resource_of(t), (uint32_t)slots[0], NULL, &index, call->error);
    slots[0] = index;
    return status;
}

static enum stint_status resource_rep(struct host_call *call, uint64_t *slots)
{
    struct trampoline *t = call->env;
    struct handle *handle;
    enum stint_status status =
        handle_get(t->guest.handles, resource_of(t), (uint32_t)slots[0], &handle, call->error);
    if (status == STINT_OK)
        slots[0] = handle->rep;
    return status;
}

/* The innermost part that is around, or is, both. */
static struct component_part *common_part(struct component_part *a, struct component_part *b)
{
    for (; a != NULL; a = a->parent) {
        for (struct component_part *p = b; p != NULL; p = p->parent) {
            if (p == a)
                return a;
        }
    }
    return NULL;
}

enum stint_status trampoline_destroy(struct stint_store *store, const struct resource_type *type,
                                     uint32_t rep, struct component_part *caller,
                                     struct stint_error *error)
{
    struct component_part *owner = (struct component_part *)type->owner;
    if (owner == NULL)
        return type->drop == NULL ? STINT_OK : type->drop(type->env, rep, error);
    /* A call like any other; of one's own destructor too. */
    struct component_part *common = common_part(owner, caller);
    uint64_t context[CONTEXT_SLOTS] = {owner->context[0], owner->context[1]};
    uint64_t slots[1] = {rep};
    if (common != owner && !part_enter(owner, common))
        return cannot_enter(error);
    if (type->dtor != NULL) {
        owner->context[0] = owner->context[1] = 0;
        enum stint_status status = canon_call_core(store, type->dtor, slots, error);
        if (status != STINT_OK)
            return status;
        owner->context[0] = context[0];
        owner->context[1] = context[1];
    }
    if (common != owner)
        part_leave(owner, common);
    return STINT_OK;
}

static enum stint_status resource_drop(struct host_call *call, uint64_t *slots)
{
    struct trampoline *t = call->env;
    const struct resource_type *type = resource_of(t);
    uint32_t rep;
    bool was_owned;
    if (!t->guest.part->may_leave)
        return cannot_leave(call->error);
    enum stint_status status =
        handle_drop(t->guest.handles, type, (uint32_t)slots[0], &rep, &was_owned, call->error);
    if (status != STINT_OK || !was_owned)
        return status;
    return trampoline_destroy(call->store, type, rep, t->guest.part, call->error);
}

/* ---- Other built-ins ----------------------------------------------------------------------- */

static enum stint_status context_get(struct host_call *call, uint64_t *slots)
{
    struct trampoline *t = call->env;
    slots[0] = t->guest.part->context[t->plan->number % CONTEXT_SLOTS];
    return STINT_OK;
}

static enum stint_status context_set(struct host_call *call, uint64_t *slots)
{
    struct trampoline *t = call->env;
    t->guest.part->context[t->plan->number % CONTEXT_SLOTS] = slots[0];
    return STINT_OK;
}

static enum stint_status backpressure_inc(struct host_call *call, uint64_t *slots)
{
    struct trampoline *t = call->env;
    if (t->guest.part->backpressure == UINT16_MAX)
        return canon_trap(call->error, "backpressure counter overflow");
    t->guest.part->backpressure++;
    return STINT_OK;
}

static enum stint_status backpressure_dec(struct host_call *call, uint64_t *slots)
{
    struct trampoline *t = call->env;
    if (t->guest.part->backpressure == 0)
        return canon_trap(call->error, "backpressure counter underflow");
    t->guest.part->backpressure--;
    return STINT_OK;
}

static enum stint_status unsupported(struct host_call *call, uint64_t *slots)
{
    struct trampoline *t = call->env;
    if (!t->guest.part->may_leave)
        return cannot_leave(call->error);
    return error_set(call->error, STINT_UNSUPPORTED, STINT_NO_OFFSET, "%s is not supported",
                     t->plan->what == NULL ? "a built-in" : t->plan->what);
}

host_fn trampoline_function(enum trampoline_kind kind)
{
    static const host_fn functions[] = {
        [TRAMPOLINE_HOST] = call_host,
        [TRAMPOLINE_FUSED] = call_fused,
        [TRAMPOLINE_RESOURCE_NEW] = resource_new,
        [TRAMPOLINE_RESOURCE_DROP] = resource_drop,
        [TRAMPOLINE_RESOURCE_REP] = resource_rep,
        [TRAMPOLINE_CONTEXT_GET] = context_get,
        [TRAMPOLINE_CONTEXT_SET] = context_set,
        [TRAMPOLINE_BACKPRESSURE_INC] = backpressure_inc,
        [TRAMPOLINE_BACKPRESSURE_DEC] = backpressure_dec,
        [TRAMPOLINE_UNSUPPORTED] = unsupported,
    };
    return functions[kind];
}
