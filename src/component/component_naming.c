/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which types are named, and which resource types are free in a type.
 *
 * What an import or export mentions must be nameable from outside: records, variants, enums, flags and
 * resource types have to be imported or exported themselves; lists, options and the like need no name
 * (Explainer.md: External Visibility of Types).
 */
#include "component/component_validate_int.h"

/* ---- Names ------------------------------------------------------------------------------- */

static bool is_named(const struct number_map *named, const struct vtype *type)
{
    return number_map_find(named, vtype_key(type)) != NULL;
}

static bool value_named(struct comp_validator *v, const struct number_map *named,
                        const struct vval *value);

/* Whether all that a value type is made of is named. */
static bool parts_named(struct comp_validator *v, const struct number_map *named,
                        const struct vdef *def)
{
    if (!comp_spend(v, 1 + (uint64_t)def->member_count))
        return false;
    if (def->kind == CTYPE_OWN || def->kind == CTYPE_BORROW)
        return is_named(named, &def->resource);
    for (uint32_t i = 0; i < def->member_count; i++) {
        if (!value_named(v, named, &def->members[i].type))
            return false;
    }
    return true;
}

static bool value_named(struct comp_validator *v, const struct number_map *named,
                        const struct vval *value)
{
    if (value->form != COMP_INDEX)
        return true;
    switch (value->type.def->kind) {
    case CTYPE_RECORD:
    case CTYPE_VARIANT:
    case CTYPE_FLAGS:
    case CTYPE_ENUM:
        return is_named(named, &value->type);
    default:
        return parts_named(v, named, value->type.def);
    }
}

static bool func_named(struct comp_validator *v, const struct number_map *named,
                       const struct vfunc *func)
{
    for (uint32_t i = 0; i < func->param_count; i++) {
        if (!value_named(v, named, &func->params[i].type))
            return false;
    }
    return value_named(v, named, &func->result);
}

/* Whether what a type mentions is named; whether it is so itself does not matter. */
static bool type_named(struct comp_validator *v, const struct number_map *named,
                       const struct vtype *type)
{
    if (!comp_spend(v, 1))
        return false;
    switch ((enum vtype_kind)type->kind) {
    case VTYPE_VALUE:
        return parts_named(v, named, type->def);
    case VTYPE_FUNC:
        return func_named(v, named, type->func);
    case VTYPE_INSTANCE:
        for (uint32_t i = 0; i < type->instance->exports.count; i++) {
            const struct ventity *entity = &type->instance->exports.items[i].entity;
            if (entity->sort != SORT_CORE_MODULE && entity->sort != SORT_COMPONENT &&
                !type_named(v, named, &entity->type))
                return false;
        }
        return true;
    /* A resource type is introduced by the import or export, a component type is closed. */
    case VTYPE_RESOURCE:
    case VTYPE_COMPONENT:
        break;
    }
    return true;
}

static bool add_name(struct comp_validator *v, bool is_import, const struct vtype *type)
{
    struct comp_scope *scope = v->scope;
    if (is_import && !number_map_put(&scope->imports.named, vtype_key(type), 1))
        return comp_nomem(v);
    return number_map_put(&scope->exports.named, vtype_key(type), 1) || comp_nomem(v);
}

bool comp_check_named(struct comp_validator *v, bool is_import, const struct ventity *entity)
{
    struct comp_scope *scope = v->scope;
    const struct number_map *named = is_import ? &scope->imports.named : &scope->exports.named;
    /* The types of an instance are looked at where it is imported or exported. */
    if (scope->kind == SCOPE_INSTANCE_TYPE)
        return true;
    if (!comp_spend(v, 1))
        return false;
    switch (entity->sort) {
    case SORT_TYPE:
        return type_named(v, named, &entity->referenced) && add_name(v, is_import, &entity->type);
    case SORT_FUNC:
        return func_named(v, named, entity->type.func);
    case SORT_INSTANCE: {
        const struct vexterns *exports = &entity->type.instance->exports;
        for (uint32_t i = 0; i < exports->count; i++) {
            if (!comp_check_named(v, is_import, &exports->items[i].entity))
                return false;
        }
        return true;
    }
    default:
        return true;
    }
}

/* ---- Free resource types ----------------------------------------------------------------- */

/*
 * `seen` has the bodies that were looked at, by id, so that shared parts count once. A body's binders
 * are closed when it is left; what it binds has numbers of its own, so nothing else is bound by it.
 */
struct free_search {
    struct comp_validator *v;
    struct number_map *set;
    struct number_map seen;
};

static bool free_in_type(struct free_search *s, const struct vtype *type);

static bool free_in_members(struct free_search *s, const struct vmember *members, uint32_t count)
{
    if (!comp_spend(s->v, 1 + (uint64_t)count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (members[i].type.form == COMP_INDEX && !free_in_type(s, &members[i].type.type))
            return false;
    }
    return true;
}

static bool free_in_externs(struct free_search *s, const struct vexterns *externs)
{
    if (!comp_spend(s->v, 1 + (uint64_t)externs->count))
        return false;
    for (uint32_t i = 0; i < externs->count; i++) {
        const struct ventity *entity = &externs->items[i].entity;
        if (entity->sort != SORT_CORE_MODULE && !free_in_type(s, &entity->type))
            return false;
    }
    return true;
}

/* 1 a resource type that is bound where it is found, 2 one that is free. */
static bool bind(struct free_search *s, uint32_t resource)
{
    return number_map_put(&s->seen, resource, 1) || comp_nomem(s->v);
}

static bool bind_all(struct free_search *s, const struct vpaths *paths)
{
    for (uint32_t i = 0; i < paths->count; i++) {
        if (!bind(s, paths->items[i].resource))
            return false;
    }
    return comp_spend(s->v, paths->count);
}

static bool free_in_type(struct free_search *s, const struct vtype *type)
{
    if (number_map_find(&s->seen, type->id) != NULL)
        return true;
    if (!number_map_put(&s->seen, type->id, 2))
        return comp_nomem(s->v);
    switch ((enum vtype_kind)type->kind) {
    case VTYPE_RESOURCE:
        return number_map_put(s->set, type->id, 1) || comp_nomem(s->v);
    case VTYPE_VALUE:
        if (type->def->kind == CTYPE_OWN || type->def->kind == CTYPE_BORROW)
            return free_in_type(s, &type->def->resource);
        return free_in_members(s, type->def->members, type->def->member_count);
    case VTYPE_FUNC: {
        const struct vval *result = &type->func->result;
        return free_in_members(s, type->func->params, type->func->param_count) &&
               (result->form != COMP_INDEX || free_in_type(s, &result->type));
    }
    case VTYPE_INSTANCE:
        for (uint32_t i = 0; i < type->instance->defined_count; i++) {
            if (!bind(s, type->instance->defined[i]))
                return false;
        }
        return comp_spend(s->v, type->instance->defined_count) &&
               free_in_externs(s, &type->instance->exports);
    case VTYPE_COMPONENT:
        return bind_all(s, &type->component->imported) && bind_all(s, &type->component->defined) &&
               free_in_externs(s, &type->component->imports) &&
               free_in_externs(s, &type->component->exports);
    }
    return true;
}

bool comp_free_resources(struct comp_validator *v, const struct vtype *type, struct number_map *set)
{
    struct free_search search = {.v = v, .set = set};
    number_map_init(&search.seen, &v->alloc);
    bool ok = free_in_type(&search, type);
    number_map_free(&search.seen);
    return ok;
}

bool comp_free_resources_of(struct comp_validator *v, const struct ventity *entity,
                            struct number_map *set)
{
    return entity->sort == SORT_CORE_MODULE || comp_free_resources(v, &entity->type, set);
}
