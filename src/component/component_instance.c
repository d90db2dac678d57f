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

static enum stint_status make_core(struct component_instance *instance, uint32_t number,
                                   struct stint_error *error)
{
    enum { FEW = 32 };
    const struct plan_core *core = &instance->plan->cores.items[number];
    struct component_part *part = &instance->parts[core->part];
    uint32_t count = core->module->wasm->import_count;
    struct extern_value few[FEW], *imports = few;
    if (count > FEW)
        imports = alloc_get(&instance->store->alloc, count * sizeof(*imports));
    if (imports == NULL)
        return no_memory(error);
    for (uint32_t i = 0; i < count; i++)
        imports[i] = resolve(instance, &core->imports[i]);
    /* Its start function is inside, as in a call. */
    enum stint_status status = STINT_OK;
    if (!part_enter(part, NULL))
        status = canon_trap(error, "cannot enter component instance");
    if (status == STINT_OK)
        status = instance_create(instance->store, core->module, imports, &instance->cores[number],
                                 error);
    part_leave(part, NULL);
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
                                  struct stint_error *error)
{
    const struct plan_resource *resource;
    switch (step->kind) {
    case STEP_CORE:
        return make_core(instance, step->number, error);
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

static enum stint_status build(struct component_instance *instance,
                               const struct host_resolver *resolvers, uint32_t resolver_count,
                               struct stint_error *error)
{
    const struct plan *plan = instance->plan;
    if (!get_tables(instance))
        return no_memory(error);
    enum stint_status status =
        component_link(plan, resolvers, resolver_count, instance->imports, error);
    if (status != STINT_OK)
        return status;
    set_up(instance);
    for (size_t i = 0; i < plan->steps.count && status == STINT_OK; i++)
        status = run_step(instance, &plan->steps.items[i], error);
    return status;
}

enum stint_status component_instantiate(struct stint_store *store, struct plan *plan,
                                        const struct host_resolver *resolvers,
                                        uint32_t resolver_count,
                                        struct component_instance **ret_instance,
                                        struct stint_error *error)
{
    struct component_instance *instance = alloc_get_zeroed(&store->alloc, 1, sizeof(*instance));
    if (instance == NULL)
        return no_memory(error);
    instance->store = store;
    instance->plan = plan_retain(plan);
    arena_init(&instance->arena, &store->alloc);
    enum stint_status status = build(instance, resolvers, resolver_count, error);
    if (status == STINT_OK)
        *ret_instance = instance;
    else
        component_instance_free(instance);
    return status;
}

/* The host's resources that a guest still has; guests' own go with their memory. */
static void drop_handles(struct component_part *part)
{
    for (uint32_t i = 0; (i = handles_next(&part->handles, i)) != 0;) {
        const struct handle *handle = &part->handles.items[i];
        struct stint_error ignored = {0};
        if (handle->scope == NULL && handle->type->owner == NULL && handle->type->drop != NULL)
            (void)handle->type->drop(handle->type->env, handle->rep, &ignored);
    }
    handles_free(&part->handles);
}

void component_instance_free(struct component_instance *instance)
{
    if (instance == NULL)
        return;
    struct stint_store *store = instance->store;
    for (size_t i = 0; instance->parts != NULL && i < instance->plan->parents.count; i++)
        drop_handles(&instance->parts[i]);
    plan_release(instance->plan);
    arena_free(&instance->arena);
    alloc_put(&store->alloc, instance, sizeof(*instance));
}
