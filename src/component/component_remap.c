/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Substitution in types. Bodies are rebuilt only where something in them changes, and once however
 * often a type has them: what became of a body is kept in the map.
 */
#include <string.h>

#include "component/component_validate_int.h"

void remap_init(struct comp_validator *v, struct remap *map)
{
    number_map_init(&map->resources, &v->alloc);
    number_map_init(&map->types, &v->alloc);
}

void remap_free(struct remap *map)
{
    number_map_free(&map->resources);
    number_map_free(&map->types);
}

bool remap_put_type(struct comp_validator *v, struct remap *map, const struct vtype *old,
                    const struct vtype *type)
{
    struct vtype *copy = comp_get(v, 1, sizeof(*copy));
    if (copy == NULL)
        return false;
    *copy = *type;
    return number_map_put(&map->types, vtype_key(old), (uintptr_t)copy) || comp_nomem(v);
}

static bool remap_type(struct comp_validator *v, struct remap *map, struct vtype *type);

/* A copy of a body, with an id of its own. */
static void *copy_of(struct comp_validator *v, const void *body, size_t bytes, uint32_t *ret_id)
{
    void *copy = comp_get(v, 1, bytes);
    if (copy != NULL)
        memcpy(copy, body, bytes);
    *ret_id = comp_fresh_id(v);
    return *ret_id != 0 ? copy : NULL;
}

/* Replaces `*members` by new ones where one of them changes. */
static bool remap_members(struct comp_validator *v, struct remap *map,
                          const struct vmember **members, uint32_t count)
{
    struct vmember *copy = NULL;
    if (!comp_spend(v, 1 + (uint64_t)count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct vtype type = (*members)[i].type.type;
        if ((*members)[i].type.form != COMP_INDEX)
            continue;
        if (!remap_type(v, map, &type))
            return false;
        if (vtype_same(&type, &(*members)[i].type.type))
            continue;
        if (copy == NULL) {
            copy = arena_copy(&v->arena, *members, count * sizeof(*copy));
            if (copy == NULL)
                return comp_nomem(v);
        }
        copy[i].type.type = type;
    }
    if (copy != NULL)
        *members = copy;
    return true;
}

static bool remap_def(struct comp_validator *v, struct remap *map, struct vtype *type)
{
    const struct vdef *def = type->def;
    const struct vmember *members = def->members;
    struct vtype resource = def->resource;
    bool is_handle = def->kind == CTYPE_OWN || def->kind == CTYPE_BORROW;
    if (is_handle ? !remap_type(v, map, &resource)
                  : !remap_members(v, map, &members, def->member_count))
        return false;
    if (members == def->members && (!is_handle || vtype_same(&resource, &def->resource)))
        return true;
    uint32_t id;
    struct vdef *copy = copy_of(v, def, sizeof(*copy), &id);
    if (copy == NULL)
        return false;
    copy->id = id;
    copy->members = members;
    copy->resource = resource;
    *type = (struct vtype){.kind = VTYPE_VALUE, .id = id, .def = copy};
    return true;
}

static bool remap_func(struct comp_validator *v, struct remap *map, struct vtype *type)
{
    const struct vfunc *func = type->func;
    const struct vmember *params = func->params;
    struct vtype result = func->result.type;
    if (!remap_members(v, map, &params, func->param_count) ||
        (func->result.form == COMP_INDEX && !remap_type(v, map, &result)))
        return false;
    if (params == func->params &&
        (func->result.form != COMP_INDEX || vtype_same(&result, &func->result.type)))
        return true;
    uint32_t id;
    struct vfunc *copy = copy_of(v, func, sizeof(*copy), &id);
    if (copy == NULL)
        return false;
    copy->id = id;
    copy->params = params;
    copy->result.type = result;
    *type = (struct vtype){.kind = VTYPE_FUNC, .id = id, .func = copy};
    return true;
}

bool remap_paths(struct comp_validator *v, const struct remap *map, struct vpaths *paths)
{
    struct vpath *copy = NULL;
    if (!comp_spend(v, paths->count))
        return false;
    for (uint32_t i = 0; i < paths->count; i++) {
        const uint64_t *found = number_map_find(&map->resources, paths->items[i].resource);
        if (found == NULL)
            continue;
        if (copy == NULL) {
            copy = arena_copy(&v->arena, paths->items, paths->count * sizeof(*copy));
            if (copy == NULL)
                return comp_nomem(v);
        }
        copy[i].resource = (uint32_t)*found;
    }
    if (copy != NULL)
        paths->items = copy;
    return true;
}

bool remap_entity(struct comp_validator *v, struct remap *map, struct ventity *entity)
{
    if (entity->sort == SORT_CORE_MODULE)
        return true;
    if (entity->sort != SORT_TYPE)
        return remap_type(v, map, &entity->type);
    bool is_one = vtype_same(&entity->referenced, &entity->type);
    if (!remap_type(v, map, &entity->referenced))
        return false;
    if (is_one) {
        entity->type = entity->referenced;
        return true;
    }
    return remap_type(v, map, &entity->type);
}

static bool entity_same(const struct ventity *a, const struct ventity *b)
{
    return a->sort == SORT_CORE_MODULE ||
           (vtype_same(&a->type, &b->type) &&
            (a->sort != SORT_TYPE || vtype_same(&a->referenced, &b->referenced)));
}

bool remap_externs(struct comp_validator *v, struct remap *map, struct vexterns *externs)
{
    struct vextern *copy = NULL;
    if (!comp_spend(v, 1 + (uint64_t)externs->count))
        return false;
    for (uint32_t i = 0; i < externs->count; i++) {
        struct ventity entity = externs->items[i].entity;
        if (!remap_entity(v, map, &entity))
            return false;
        if (entity_same(&entity, &externs->items[i].entity))
            continue;
        if (copy == NULL) {
            copy = arena_copy(&v->arena, externs->items, externs->count * sizeof(*copy));
            if (copy == NULL)
                return comp_nomem(v);
        }
        copy[i].entity = entity;
    }
    if (copy != NULL)
        externs->items = copy;
    return true;
}

/* A type that stands for another can be larger: an instance with more exports. */
static bool weigh(struct comp_validator *v, const struct vexterns *externs, struct vweight *weight)
{
    for (uint32_t i = 0; i < externs->count; i++) {
        if (!comp_add_weight(v, weight, ventity_weight(&externs->items[i].entity)))
            return false;
    }
    return true;
}

static bool remap_numbers(struct comp_validator *v, const struct remap *map,
                          const uint32_t **numbers, uint32_t count)
{
    uint32_t *copy = NULL;
    if (!comp_spend(v, count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t *found = number_map_find(&map->resources, (*numbers)[i]);
        if (found == NULL)
            continue;
        if (copy == NULL) {
            copy = arena_copy(&v->arena, *numbers, count * sizeof(*copy));
            if (copy == NULL)
                return comp_nomem(v);
        }
        copy[i] = (uint32_t)*found;
    }
    if (copy != NULL)
        *numbers = copy;
    return true;
}

static bool remap_instance(struct comp_validator *v, struct remap *map, struct vtype *type)
{
    struct vinstance changed = *type->instance;
    if (!remap_externs(v, map, &changed.exports) ||
        !remap_numbers(v, map, &changed.defined, changed.defined_count) ||
        !remap_paths(v, map, &changed.explicit_resources))
        return false;
    if (changed.exports.items == type->instance->exports.items &&
        changed.defined == type->instance->defined &&
        changed.explicit_resources.items == type->instance->explicit_resources.items)
        return true;
    uint32_t id;
    changed.weight = (struct vweight){1, 1};
    if (!weigh(v, &changed.exports, &changed.weight))
        return false;
    struct vinstance *copy = copy_of(v, &changed, sizeof(*copy), &id);
    if (copy == NULL)
        return false;
    copy->id = id;
    *type = (struct vtype){.kind = VTYPE_INSTANCE, .id = id, .instance = copy};
    return true;
}

static bool remap_component(struct comp_validator *v, struct remap *map, struct vtype *type)
{
    const struct vcomponent *old = type->component;
    struct vcomponent changed = *old;
    if (!remap_externs(v, map, &changed.imports) || !remap_externs(v, map, &changed.exports) ||
        !remap_paths(v, map, &changed.imported) || !remap_paths(v, map, &changed.defined) ||
        !remap_paths(v, map, &changed.explicit_resources))
        return false;
    if (changed.imports.items == old->imports.items &&
        changed.exports.items == old->exports.items &&
        changed.imported.items == old->imported.items &&
        changed.defined.items == old->defined.items &&
        changed.explicit_resources.items == old->explicit_resources.items)
        return true;
    uint32_t id;
    changed.weight = (struct vweight){1, 1};
    if (!weigh(v, &changed.imports, &changed.weight) ||
        !weigh(v, &changed.exports, &changed.weight))
        return false;
    struct vcomponent *copy = copy_of(v, &changed, sizeof(*copy), &id);
    if (copy == NULL)
        return false;
    copy->id = id;
    *type = (struct vtype){.kind = VTYPE_COMPONENT, .id = id, .component = copy};
    return true;
}

static bool remap_body(struct comp_validator *v, struct remap *map, struct vtype *type)
{
    switch ((enum vtype_kind)type->kind) {
    case VTYPE_VALUE:
        return remap_def(v, map, type);
    case VTYPE_FUNC:
        return remap_func(v, map, type);
    case VTYPE_INSTANCE:
        return remap_instance(v, map, type);
    case VTYPE_COMPONENT:
        return remap_component(v, map, type);
    case VTYPE_RESOURCE:
        break;
    }
    return true;
}

static bool remap_type(struct comp_validator *v, struct remap *map, struct vtype *type)
{
    const uint64_t *found = number_map_find(&map->types, vtype_key(type));
    if (found != NULL) {
        *type = *(const struct vtype *)(uintptr_t)*found;
        return true;
    }
    if (type->kind == VTYPE_RESOURCE) {
        found = number_map_find(&map->resources, type->id);
        if (found != NULL)
            type->id = (uint32_t)*found;
        return true;
    }
    struct vtype old = *type;
    return remap_body(v, map, type) && remap_put_type(v, map, &old, type);
}
