/* SPDX-License-Identifier: Apache-2.0 */
#include "component/plan.h"

#include <string.h>

#include "base/buf.h"
#include "component/plan_int.h"

#define FREE_LIST(plan, list)                                                                      \
    alloc_put((plan)->alloc, (plan)->list.items,                                                   \
              (plan)->list.capacity * sizeof(*(plan)->list.items))

static void plan_free(struct plan *plan)
{
    struct stint_engine *engine = plan->engine;
    FREE_LIST(plan, parents);
    FREE_LIST(plan, resources);
    FREE_LIST(plan, cores);
    FREE_LIST(plan, lifts);
    FREE_LIST(plan, trampolines);
    FREE_LIST(plan, steps);
    FREE_LIST(plan, imports);
    FREE_LIST(plan, import_resources);
    FREE_LIST(plan, exports);
    FREE_LIST(plan, export_functions);
    canon_code_free(&plan->code);
    for (uint32_t i = 0; i < plan->file_count; i++)
        component_release(plan->files[i]);
    arena_free(&plan->arena);
    alloc_put(plan->alloc, plan, sizeof(*plan));
    engine_release(engine);
}

struct plan *plan_retain(struct plan *plan)
{
    atomic_fetch_add_explicit(&plan->references, 1, memory_order_relaxed);
    return plan;
}

void plan_release(struct plan *plan)
{
    if (plan != NULL && atomic_fetch_sub_explicit(&plan->references, 1, memory_order_acq_rel) == 1)
        plan_free(plan);
}

static struct plan *plan_new(struct component_file *file, uint32_t file_count)
{
    struct plan *plan = alloc_get_zeroed(file->alloc, 1, sizeof(*plan));
    if (plan == NULL)
        return NULL;
    atomic_init(&plan->references, 1);
    plan->engine = engine_retain(file->engine);
    plan->alloc = file->alloc;
    arena_init(&plan->arena, plan->alloc);
    canon_code_init(&plan->code, plan->alloc);
    plan->files = arena_get_zeroed(&plan->arena, file_count, sizeof(*plan->files));
    if (plan->files == NULL) {
        plan_free(plan);
        return NULL;
    }
    return plan;
}

/* ---- Exports ----------------------------------------------------------------------------- */

static enum stint_status add_function(struct plan_builder *b, struct wasm_name interface,
                                      const struct plan_named *named)
{
    const struct plan_function *function = &named->item.function;
    struct plan_export export = {.interface = interface,
                                 .name = named->name,
                                 .func = function->type,
                                 .number = (uint32_t)b->plan->exports.count};
    enum stint_status status = STINT_OK;
    if (!function->is_host)
        status = plan_lift_use(b, function->number);
    if (status == STINT_OK)
        status = PLAN_ADD(b, exports, export);
    return status == STINT_OK ? PLAN_ADD(b, export_functions, *function) : status;
}

static enum stint_status add_exports(struct plan_builder *b, const struct plan_instance *root)
{
    struct wasm_name none = {NULL, 0};
    enum stint_status status = STINT_OK;
    for (uint32_t i = 0; i < root->count && status == STINT_OK; i++) {
        const struct plan_named *named = &root->items[i];
        if (named->sort == SORT_FUNC)
            status = add_function(b, none, named);
        if (named->sort != SORT_INSTANCE)
            continue;
        const struct plan_instance *inside = named->item.instance;
        for (uint32_t j = 0; j < inside->count && status == STINT_OK; j++) {
            if (inside->items[j].sort == SORT_FUNC)
                status = add_function(b, named->name, &inside->items[j]);
        }
    }
    return status;
}

/* ---- Making ------------------------------------------------------------------------------ */

static enum stint_status build(struct plan_builder *b, const struct plan_with *with,
                               uint32_t with_count)
{
    struct plan_env *root;
    b->providers = arena_get_zeroed(&b->work, with_count, sizeof(*b->providers));
    if (b->providers == NULL)
        return plan_no_memory(b);
    for (uint32_t i = 0; i < with_count; i++) {
        b->providers[i].file = with[i].file;
        if (with[i].name != NULL)
            b->providers[i].name = (struct wasm_name){with[i].name, (uint32_t)strlen(with[i].name)};
    }
    b->provider_count = b->provider_limit = with_count;
    enum stint_status status =
        plan_instantiate(b, b->plan->files[0]->root, NULL, NULL, PLAN_NONE, &root);
    if (status == STINT_OK)
        status = add_exports(b, &root->exports);
    return status;
}

enum stint_status plan_compose(struct component_file *file, const struct plan_with *with,
                               uint32_t with_count, struct plan **ret_plan,
                               struct stint_error *error)
{
    struct plan_builder b = {.error = error};
    b.plan = plan_new(file, with_count + 1);
    if (b.plan == NULL)
        return error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "no memory for a component");
    b.plan->files[b.plan->file_count++] = component_retain(file);
    for (uint32_t i = 0; i < with_count; i++)
        b.plan->files[b.plan->file_count++] = component_retain(with[i].file);
    arena_init(&b.work, b.plan->alloc);
    canon_compiler_init(&b.compiler, &b.plan->code, &b.work);
    enum stint_status status = build(&b, with, with_count);
    canon_compiler_free(&b.compiler);
    arena_free(&b.work);
    if (status == STINT_OK)
        *ret_plan = b.plan;
    else
        plan_release(b.plan);
    return status;
}

enum stint_status plan_create(struct component_file *file, struct plan **ret_plan,
                              struct stint_error *error)
{
    return plan_compose(file, NULL, 0, ret_plan, error);
}

const struct plan_import *plan_imports(const struct plan *plan, uint32_t *ret_count)
{
    *ret_count = (uint32_t)plan->imports.count;
    return plan->imports.items;
}

const struct plan_export *plan_exports(const struct plan *plan, uint32_t *ret_count)
{
    *ret_count = (uint32_t)plan->exports.count;
    return plan->exports.items;
}
