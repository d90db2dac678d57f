/* SPDX-License-Identifier: Apache-2.0 */
/* Instances of plans: one pass over the steps. */
#include <string.h>

#include "base/buf.h"
#include "component/component_instance_int.h"

static enum stint_status no_memory(struct stint_error *error)
{
    return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a component's instance");
}

/* What a reference stands for; its step has been done. */
static struct extern_value resolve(const struct component_instance *instance,
                                   const struct core_ref *ref)
{
    if (ref->source == CORE_TRAMPOLINE)
        return (struct extern_value){.kind = EXTERN_FUNC, .func = instance->functions[ref->number]};
    return instance_extern(instance->cores[ref->number], (enum extern_kind)ref->kind, ref->index);
}

static struct func *resolve_func(const struct component_instance *instance,
                                 const struct core_ref *ref)
{
    return ref->source == CORE_NONE ? NULL : resolve(instance, ref).func;
}

static struct host_guest guest_of(const struct component_instance *instance, uint32_t part,
                                  const struct plan_options *options)
{
    struct host_guest guest = {.store = instance->store,
                               .part = &instance->parts[part],
                               .handles = &instance->parts[part].handles,
                               .realloc = resolve_func(instance, &options->realloc),
                               .encoding = options->encoding};
    if (options->memory.source != CORE_NONE)
        guest.memory = resolve(instance, &options->memory).memory;
    return guest;
}

/* ---- Steps ------------------------------------------------------------------------------- */

/* A start function is inside its component instance, as a call is. */
static enum stint_status start_core(struct component_instance *instance, uint32_t number,
                                    struct stint_error *error)
{
    struct component_part *part = &instance->parts[instance->plan->cores.items[number].part];
    enum stint_status status = STINT_OK;
    if (!part_enter(part, NULL))
        status = canon_trap(error, "cannot enter component instance");
    if (status == STINT_OK)
        status = instance_start(instance->cores[number], error);
    part_leave(part, NULL);
    return status;
}

static enum stint_status make_core(struct component_instance *instance, uint32_t number,
                                   struct stint_error *error)
{
    enum { FEW = 32 };
    const struct plan_core *core = &instance->plan->cores.items[number];
    uint32_t count = core->module->wasm->import_count;
    struct extern_value few[FEW], *imports = few;
    if (count > FEW)
        imports = alloc_get(&instance->store->alloc, count * sizeof(*imports));
    if (imports == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < count; i++)
        imports[i] = resolve(instance, &core->imports[i]);
    enum stint_status status =
        instance_prepare(instance->store, core->module, imports, &instance->cores[number], error);
    if (imports != few)
        alloc_put(&instance->store->alloc, imports, count * sizeof(*imports));
    return status;
}

static enum stint_status make_trampoline(struct component_instance *instance, uint32_t number,
                                         struct stint_error *error)
{
    const struct plan_trampoline *plan = &instance->plan->trampolines.items[number];
    struct trampoline *t = &instance->trampolines[number];
    t->plan = plan;
    t->instance = instance;
    t->guest = guest_of(instance, plan->part, &plan->options);
    if (plan->kind == TRAMPOLINE_HOST) {
        t->function = instance->imports[plan->number].function;
        t->env = instance->imports[plan->number].env;
    } else if (plan->kind == TRAMPOLINE_FUSED) {
        t->callee = &instance->lifted[plan->number];
    }
    /* One that nobody imports has no type. */
    if (plan->type_id == TYPE_ID_NONE)
        return STINT_OK;
    enum stint_status status =
        rt_func_create(instance->store, plan->type_id, trampoline_function(plan->kind), t, NULL,
                       &instance->functions[number]);
    return status == STINT_NOMEM ? no_memory(error) : status;
}

static void make_lift(struct component_instance *instance, uint32_t number)
{
    const struct plan_lift *plan = &instance->plan->lifts.items[number];
    instance->lifted[number] =
        (struct lifted){.guest = guest_of(instance, plan->part, &plan->options),
                        .core = resolve_func(instance, &plan->core),
                        .post_return = resolve_func(instance, &plan->options.post_return),
                        .plan = plan};
}

static enum stint_status run_step(struct component_instance *instance, const struct plan_step *step,
                                  bool with_start, struct stint_error *error)
{
    const struct plan_resource *resource;
    enum stint_status status;
    switch (step->kind) {
    case STEP_CORE:
        status = make_core(instance, step->number, error);
        if (status == STINT_OK && with_start)
            status = start_core(instance, step->number, error);
        return status;
    case STEP_TRAMPOLINE:
        return make_trampoline(instance, step->number, error);
    case STEP_LIFT:
        make_lift(instance, step->number);
        return STINT_OK;
    default:
        resource = &instance->plan->resources.items[step->number];
        instance->own_resources[step->number].dtor = resolve_func(instance, &resource->dtor);
        return STINT_OK;
    }
}

/* ---- Making ------------------------------------------------------------------------------ */

static bool get_tables(struct component_instance *instance)
{
    const struct plan *plan = instance->plan;
    struct arena *arena = &instance->arena;
#define TABLE(field, list)                                                                         \
    ((instance->field = arena_get_zeroed(arena, plan->list.count, sizeof(*instance->field))) !=    \
     NULL)
    return TABLE(parts, parents) && TABLE(own_resources, resources) &&
           TABLE(resources, resources) && TABLE(imports, imports) && TABLE(cores, cores) &&
           TABLE(lifted, lifts) && TABLE(trampolines, trampolines) && TABLE(functions, trampolines);
#undef TABLE
}

static void set_up(struct component_instance *instance)
{
    const struct plan *plan = instance->plan;
    for (size_t i = 0; i < plan->parents.count; i++) {
        struct component_part *part = &instance->parts[i];
        handles_init(&part->handles, &instance->store->alloc);
        part->parent = instance_part(instance, plan->parents.items[i]);
        part->may_enter = part->may_leave = true;
    }
    for (size_t i = 0; i < plan->resources.count; i++) {
        const struct plan_resource *resource = &plan->resources.items[i];
        instance->resources[i] = &instance->own_resources[i];
        if (resource->import != PLAN_NONE)
            instance->resources[i] = instance->imports[resource->import].resource;
        else
            instance->own_resources[i].owner = &instance->parts[resource->part];
    }
}

static enum stint_status run_steps(struct component_instance *instance, size_t first, size_t end,
                                   bool with_starts, struct stint_error *error)
{
    enum stint_status status = STINT_OK;
    for (size_t i = first; i < end && status == STINT_OK; i++)
        status = run_step(instance, &instance->plan->steps.items[i], with_starts, error);
    return status;
}

/* An instance whose imports are met, before the first step. */
static enum stint_status make(struct stint_store *store, struct plan *plan,
                              const struct host_resolver *resolvers, uint32_t resolver_count,
                              struct component_instance **ret_instance, struct stint_error *error)
{
    struct component_instance *instance = alloc_get_zeroed(&store->alloc, 1, sizeof(*instance));
    if (instance == NULL)
        return no_memory(error);
    instance->store = store;
    instance->plan = plan_retain(plan);
    arena_init(&instance->arena, &store->alloc);
    enum stint_status status = get_tables(instance) ? STINT_OK : no_memory(error);
    if (status == STINT_OK)
        status = component_link(plan, resolvers, resolver_count, instance->imports, error);
    if (status != STINT_OK) {
        component_instance_free(instance);
        return status;
    }
    set_up(instance);
    *ret_instance = instance;
    return STINT_OK;
}

static enum stint_status make_steps(struct stint_store *store, struct plan *plan,
                                    const struct host_resolver *resolvers, uint32_t resolver_count,
                                    size_t steps, bool with_starts,
                                    struct component_instance **ret_instance,
                                    struct stint_error *error)
{
    struct component_instance *instance;
    enum stint_status status = make(store, plan, resolvers, resolver_count, &instance, error);
    if (status != STINT_OK)
        return status;
    status = run_steps(instance, 0, steps, with_starts, error);
    if (status == STINT_OK)
        *ret_instance = instance;
    else
        component_instance_free(instance);
    return status;
}

enum stint_status component_instantiate(struct stint_store *store, struct plan *plan,
                                        const struct host_resolver *resolvers,
                                        uint32_t resolver_count,
                                        struct component_instance **ret_instance,
                                        struct stint_error *error)
{
    return make_steps(store, plan, resolvers, resolver_count, plan->steps.count, true, ret_instance,
                      error);
}

enum stint_status component_prepare(struct stint_store *store, struct plan *plan,
                                    const struct host_resolver *resolvers, uint32_t resolver_count,
                                    size_t steps, struct component_instance **ret_instance,
                                    struct stint_error *error)
{
    return make_steps(store, plan, resolvers, resolver_count, steps, false, ret_instance, error);
}

enum stint_status component_start(struct component_instance *instance, const uint32_t *starts,
                                  size_t start_count, size_t steps, struct stint_error *error)
{
    enum stint_status status = STINT_OK;
    for (size_t i = 0; i < start_count && status == STINT_OK; i++)
        status = start_core(instance, starts[i], error);
    if (status == STINT_OK)
        status = run_steps(instance, steps, instance->plan->steps.count, true, error);
    return status;
}

/* ---- Ending ------------------------------------------------------------------------------ */

/* The host's resources that a guest still has; guests' own go with their memory. */
static void drop_handles(struct component_part *part)
{
    for (uint32_t i = 0; (i = handles_next(&part->handles, i)) != 0;) {
        const struct handle *handle = &part->handles.items[i];
        struct stint_error ignored = {0};
        if (handle->scope == NULL && handle->type->owner == NULL && handle->type->drop != NULL)
            (void)handle->type->drop(handle->type->env, handle->rep, &ignored);
    }
}

void component_reset(struct component_instance *instance)
{
    for (size_t i = 0; i < instance->plan->parents.count; i++) {
        struct component_part *part = &instance->parts[i];
        drop_handles(part);
        handles_clear(&part->handles);
        part->may_enter = part->may_leave = true;
        part->backpressure = 0;
    }
}

void component_instance_free(struct component_instance *instance)
{
    if (instance == NULL)
        return;
    struct stint_store *store = instance->store;
    for (size_t i = 0; instance->parts != NULL && i < instance->plan->parents.count; i++) {
        drop_handles(&instance->parts[i]);
        handles_free(&instance->parts[i].handles);
    }
    plan_release(instance->plan);
    arena_free(&instance->arena);
    alloc_put(&store->alloc, instance, sizeof(*instance));
}
