/* SPDX-License-Identifier: Apache-2.0 */
/* Types of a plan, and what the root imports from the host. */
#include <string.h>

#include "base/buf.h"
#include "component/plan_int.h"

/* ---- Value and function types ------------------------------------------------------------- */

static enum stint_status resolve(struct plan_builder *b, struct plan_env *env,
                                 struct comp_valtype type, const struct ctype **ret_type)
{
    if (type.is_index == COMP_NONE) {
        *ret_type = NULL;
        return STINT_OK;
    }
    if (type.is_index == COMP_PRIMITIVE) {
        if (type.value > CTYPE_PRIMITIVE_LAST)
            return plan_broken(b);
        *ret_type = ctype_primitive((enum ctype_kind)type.value);
        return STINT_OK;
    }
    const struct plan_item *item = plan_item_at(env, SORT_TYPE, type.value);
    if (item == NULL || item->type.kind != PLAN_TYPE_VALUE)
        return plan_broken(b);
    *ret_type = item->type.value;
    return STINT_OK;
}

static bool needs_types(enum ctype_kind kind)
{
    return kind == CTYPE_RECORD || kind == CTYPE_TUPLE || kind == CTYPE_LIST ||
           kind == CTYPE_LIST_FIXED || kind == CTYPE_OPTION || kind == CTYPE_MAP;
}

static enum stint_status resolve_members(struct plan_builder *b, struct plan_env *env,
                                         const struct comp_type *type, struct arena *arena,
                                         bool is_needed, struct ctype_member **ret_members)
{
    struct ctype_member *members = arena_get_zeroed(arena, type->label_count, sizeof(*members));
    if (members == NULL)
        return plan_no_memory(b);
    for (uint32_t i = 0; i < type->label_count; i++) {
        members[i].name = type->labels[i].name;
        enum stint_status status = resolve(b, env, type->labels[i].type, &members[i].type);
        if (status != STINT_OK)
            return status;
        if (is_needed && members[i].type == NULL)
            return plan_broken(b);
    }
    *ret_members = members;
    return STINT_OK;
}

static enum stint_status define_value(struct plan_builder *b, struct plan_env *env,
                                      const struct comp_type *type, struct plan_type *ret_type)
{
    struct ctype draft = {.kind = type->value_kind, .length = type->length};
    struct ctype_member *members = NULL;
    ret_type->kind = PLAN_TYPE_VALUE;
    if (type->value_kind <= CTYPE_PRIMITIVE_LAST) {
        ret_type->value = ctype_primitive((enum ctype_kind)type->value_kind);
        return STINT_OK;
    }
    if (draft.kind == CTYPE_OWN || draft.kind == CTYPE_BORROW) {
        const struct plan_item *item = plan_item_at(env, SORT_TYPE, type->index);
        if (item == NULL || item->type.kind != PLAN_TYPE_RESOURCE)
            return plan_broken(b);
        draft.resource = item->type.resource;
    } else {
        enum stint_status status =
            resolve_members(b, env, type, &b->work, needs_types(draft.kind), &members);
        if (status != STINT_OK)
            return status;
        draft.members = members;
        draft.member_count = type->label_count;
    }
    return ctype_make(&b->plan->arena, &draft, &ret_type->value, b->error);
}

static enum stint_status define_func(struct plan_builder *b, struct plan_env *env,
                                     const struct comp_type *type, struct plan_type *ret_type)
{
    struct ctype_member *params;
    struct ctype_func *func = arena_get_zeroed(&b->plan->arena, 1, sizeof(*func));
    if (func == NULL)
        return plan_no_memory(b);
    enum stint_status status = resolve_members(b, env, type, &b->plan->arena, true, &params);
    if (status == STINT_OK)
        status = resolve(b, env, type->result, &func->result);
    if (status != STINT_OK)
        return status;
    func->params = params;
    func->param_count = type->label_count;
    func->is_async = type->is_async;
    ret_type->kind = PLAN_TYPE_FUNC;
    ret_type->func = func;
    return STINT_OK;
}

static enum stint_status define_resource(struct plan_builder *b, struct plan_env *env,
                                         const struct comp_type *type, struct plan_type *ret_type)
{
    struct plan_resource resource = {.import = PLAN_NONE, .part = env->part};
    if (type->has_dtor) {
        const struct plan_item *dtor = plan_item_at(env, SORT_CORE_FUNC, type->dtor);
        if (dtor == NULL)
            return plan_broken(b);
        resource.dtor = dtor->core;
    }
    struct plan_step step = {STEP_RESOURCE, (uint32_t)b->plan->resources.count};
    ret_type->kind = PLAN_TYPE_RESOURCE;
    ret_type->resource = step.number;
    enum stint_status status = PLAN_ADD(b, resources, resource);
    return status == STINT_OK ? PLAN_ADD(b, steps, step) : status;
}

enum stint_status plan_type_define(struct plan_builder *b, struct plan_env *env,
                                   const struct comp_type *type)
{
    struct plan_item item = {0};
    enum stint_status status = STINT_OK;
    switch (type->kind) {
    case COMP_TYPE_VALUE:
        status = define_value(b, env, type, &item.type);
        break;
    case COMP_TYPE_FUNC:
        status = define_func(b, env, type, &item.type);
        break;
    case COMP_TYPE_RESOURCE:
        status = define_resource(b, env, type, &item.type);
        break;
    default:
        item.type.kind = PLAN_TYPE_OTHER;
        item.type.other.type = type;
        item.type.other.env = env;
    }
    return status == STINT_OK ? plan_item_add(b, env, SORT_TYPE, item) : status;
}

/* ---- What the host is to offer ------------------------------------------------------------- */

static enum stint_status host_import(struct plan_builder *b, struct wasm_name interface,
                                     struct wasm_name name, enum comp_sort sort,
                                     const struct ctype_func *func, uint32_t resource,
                                     uint32_t *ret_number)
{
    struct plan_import import = {
        .interface = interface, .name = name, .sort = (uint8_t)sort, .func = func};
    *ret_number = (uint32_t)b->plan->imports.count;
    enum stint_status status = PLAN_ADD(b, imports, import);
    return status == STINT_OK ? PLAN_ADD(b, import_resources, resource) : status;
}

static enum stint_status host_instance(struct plan_builder *b, const struct comp_type *type,
                                       struct plan_env *outer, struct wasm_name interface,
                                       const struct plan_instance **ret_instance);

/* What `name` of `interface` is, by its type: a function, a resource, a type or an instance. */
static enum stint_status host_item(struct plan_builder *b, struct plan_env *env,
                                   struct wasm_name interface, struct wasm_name name,
                                   const struct comp_extern_type *type, struct plan_item *ret_item)
{
    const struct plan_item *of = NULL;
    struct plan_item item = {0};
    enum stint_status status = STINT_OK;
    uint32_t number;
    if (type->sort == SORT_FUNC || type->sort == SORT_INSTANCE ||
        (type->sort == SORT_TYPE && type->bound == BOUND_EQ)) {
        of = plan_item_at(env, SORT_TYPE, type->index);
        if (of == NULL)
            return plan_broken(b);
    }
    if (type->sort == SORT_TYPE && type->bound == BOUND_EQ) {
        item = *of;
    } else if (type->sort == SORT_TYPE) {
        struct plan_resource resource = {.part = PLAN_NONE};
        item.type.kind = PLAN_TYPE_RESOURCE;
        item.type.resource = (uint32_t)b->plan->resources.count;
        status =
            host_import(b, interface, name, SORT_TYPE, NULL, item.type.resource, &resource.import);
        if (status == STINT_OK)
            status = PLAN_ADD(b, resources, resource);
    } else if (type->sort == SORT_FUNC) {
        if (of->type.kind != PLAN_TYPE_FUNC)
            return plan_broken(b);
        item.function = (struct plan_function){.type = of->type.func, .is_host = true};
        status = host_import(b, interface, name, SORT_FUNC, of->type.func, PLAN_NONE, &number);
        if (status == STINT_OK)
            item.function.number = number;
    } else if (type->sort == SORT_INSTANCE) {
        if (of->type.kind != PLAN_TYPE_OTHER || of->type.other.type->kind != COMP_TYPE_INSTANCE)
            return plan_broken(b);
        status = host_instance(b, of->type.other.type, of->type.other.env, name, &item.instance);
    } else {
        return error_set(b->error, STINT_UNSUPPORTED, STINT_NO_OFFSET,
                         "import \"%.*s\" is a %s, which no host gives", (int)name.bytes, name.text,
                         type->sort == SORT_CORE_MODULE ? "core module"
                         : type->sort == SORT_COMPONENT ? "component"
                                                        : "value");
    }
    if (status == STINT_OK)
        *ret_item = item;
    return status;
}

static enum stint_status declare(struct plan_builder *b, struct plan_env *env,
                                 const struct comp_def *def)
{
    struct plan_item item;
    if (++b->defs > PLAN_DEFS_MAX)
        return error_set(b->error, STINT_LIMIT, STINT_NO_OFFSET,
                         "the component expands to more than %u definitions",
                         (unsigned)PLAN_DEFS_MAX);
    switch (def->kind) {
    case DEF_TYPE:
        return plan_type_define(b, env, def->type);
    case DEF_ALIAS_OUTER:
        return plan_alias_outer(b, env, def);
    case DEF_ALIAS_EXPORT:
        return plan_alias_export(b, env, def);
    case DEF_CORE_TYPE:
        return plan_item_add(b, env, SORT_CORE_TYPE, (struct plan_item){0});
    case DEF_EXPORT_DECL:
        break;
    default:
        return plan_broken(b);
    }
    enum stint_status status =
        host_item(b, env, env->interface, def->name, &def->extern_type, &item);
    if (status == STINT_OK)
        status = plan_item_add(b, env, (enum comp_sort)def->sort, item);
    if (status == STINT_OK)
        env->exports.items[env->exports.count++] =
            (struct plan_named){.name = def->name, .sort = def->sort, .item = item};
    return status;
}

static enum stint_status host_instance(struct plan_builder *b, const struct comp_type *type,
                                       struct plan_env *outer, struct wasm_name interface,
                                       const struct plan_instance **ret_instance)
{
    struct plan_env *env;
    if (b->depth >= PLAN_DEPTH_MAX)
        return error_set(b->error, STINT_LIMIT, STINT_NO_OFFSET, "instances are nested too deep");
    enum stint_status status = plan_env_make(b, &type->decls, outer, &env);
    if (status != STINT_OK)
        return status;
    env->interface = interface;
    b->depth++;
    for (uint32_t i = 0; i < type->decls.count && status == STINT_OK; i++)
        status = declare(b, env, &type->decls.items[i]);
    b->depth--;
    *ret_instance = &env->exports;
    return status;
}

enum stint_status plan_import_make(struct plan_builder *b, struct plan_env *env,
                                   const struct comp_def *def, struct plan_item *ret_item)
{
    return host_item(b, env, (struct wasm_name){0}, def->name, &def->extern_type, ret_item);
}
