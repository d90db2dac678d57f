/* SPDX-License-Identifier: Apache-2.0 */
/* Instances of components, and aliases. */
#include <string.h>

#include "component/component_validate_int.h"

/* ---- Instantiation ----------------------------------------------------------------------- */

static bool read_args(struct comp_validator *v, const struct comp_def *def,
                      struct vexterns *ret_args)
{
    uint32_t same;
    struct vextern *items = comp_get(v, def->arg_count, sizeof(*items));
    if (items == NULL || !comp_spend(v, def->arg_count))
        return false;
    for (uint32_t i = 0; i < def->arg_count; i++) {
        items[i].name = def->args[i].name;
        if (!comp_item_entity(v, def->args[i].what, false, &items[i].entity))
            return false;
    }
    *ret_args = (struct vexterns){.count = def->arg_count, .items = items};
    if (!name_index_build(&v->arena, &items->name, NULL, sizeof(*items), def->arg_count,
                          &ret_args->index, &same))
        return comp_nomem(v);
    return same == INDEX_NONE ||
           comp_invalid(v, "instantiation argument '%.*s' is given more than once",
                        NAME_SHOWN(items[same].name));
}

/* Each instance has resource types of its own for those that its component defines. */
static bool freshen_defined(struct comp_validator *v, const struct vcomponent *component,
                            struct remap *map)
{
    for (uint32_t i = 0; i < component->defined.count; i++) {
        uint32_t resource = comp_fresh_id(v);
        if (resource == 0 || !comp_add_defined(v, resource, VT_BOT))
            return false;
        if (!number_map_put(&map->resources, component->defined.items[i].resource, resource))
            return comp_nomem(v);
    }
    return comp_spend(v, component->defined.count);
}

static bool add_instance(struct comp_validator *v, struct vinstance *instance)
{
    struct vtype type = {.kind = VTYPE_INSTANCE, .instance = instance};
    instance->id = comp_fresh_id(v);
    instance->weight = (struct vweight){1, 1};
    for (uint32_t i = 0; i < instance->exports.count; i++) {
        if (!comp_add_weight(v, &instance->weight,
                             ventity_weight(&instance->exports.items[i].entity)))
            return false;
    }
    type.id = instance->id;
    return type.id != 0 && scope_add(v, SORT_INSTANCE, &type);
}

bool comp_instantiate(struct comp_validator *v, const struct comp_def *def)
{
    const struct vtype *place = scope_at(v, v->scope, SORT_COMPONENT, def->index);
    struct vexterns args;
    struct remap map;
    if (place == NULL || !read_args(v, def, &args))
        return false;
    const struct vcomponent *component = place->component;
    struct vinstance *instance = comp_get(v, 1, sizeof(*instance));
    if (instance == NULL)
        return false;
    instance->exports = component->exports;
    instance->explicit_resources = component->explicit_resources;
    /* What was imported and what is defined are different resource types, so one substitution does. */
    bool ok = comp_open(v, &args, component, true, &map) && freshen_defined(v, component, &map) &&
              remap_externs(v, &map, &instance->exports) &&
              remap_paths(v, &map, &instance->explicit_resources);
    remap_free(&map);
    return ok && add_instance(v, instance);
}

/* ---- Instances from exports -------------------------------------------------------------- */

/* Resource types that become exported with the item at place `at`. */
static bool add_paths(struct comp_validator *v, const struct ventity *entity, uint32_t at,
                      struct space *paths)
{
    struct vpaths inner = {0};
    if (entity->sort == SORT_INSTANCE)
        inner = entity->type.instance->explicit_resources;
    if (entity->sort == SORT_TYPE && entity->type.kind == VTYPE_RESOURCE) {
        struct vpath path = {.resource = entity->type.id, .length = 1};
        uint32_t *steps = comp_get(v, 1, sizeof(*steps));
        if (steps == NULL)
            return false;
        steps[0] = at;
        path.steps = steps;
        return space_add(v, paths, &path);
    }
    for (uint32_t i = 0; i < inner.count; i++) {
        struct vpath path = {inner.items[i].resource, inner.items[i].length + 1, NULL};
        uint32_t *steps = comp_get(v, path.length, sizeof(*steps));
        if (steps == NULL || !comp_spend(v, path.length))
            return false;
        steps[0] = at;
        memcpy(steps + 1, inner.items[i].steps, inner.items[i].length * sizeof(*steps));
        path.steps = steps;
        if (!space_add(v, paths, &path))
            return false;
    }
    return true;
}

static bool collect_exports(struct comp_validator *v, const struct comp_def *def,
                            struct extern_list *list, struct space *paths,
                            struct vinstance *instance)
{
    for (uint32_t i = 0; i < def->arg_count; i++) {
        const struct comp_arg *arg = &def->args[i];
        struct ventity entity;
        if (!comp_spend(v, 1) || !comp_item_entity(v, arg->what, false, &entity) ||
            !add_paths(v, &entity, i, paths) ||
            !comp_add_named(v, list, false, arg->name, arg->attributes, &entity, &instance->weight))
            return false;
    }
    struct vpath *items = arena_copy(&v->arena, paths->items, paths->count * sizeof(*items));
    if (items == NULL)
        return comp_nomem(v);
    instance->explicit_resources = (struct vpaths){paths->count, items};
    return comp_keep_externs(v, list, &instance->exports);
}

bool comp_exports(struct comp_validator *v, const struct comp_def *def)
{
    /* The list has no resource names: nothing of the instance is in scope while it is made. */
    struct extern_list list;
    struct space paths = {.each_bytes = sizeof(struct vpath)};
    struct vinstance *instance = comp_get(v, 1, sizeof(*instance));
    if (instance == NULL)
        return false;
    extern_list_init(v, &list);
    bool ok = collect_exports(v, def, &list, &paths, instance);
    extern_list_free(v, &list);
    space_free(v, &paths);
    return ok && add_instance(v, instance);
}

/* ---- Aliases ----------------------------------------------------------------------------- */

bool comp_alias_export(struct comp_validator *v, const struct comp_def *def)
{
    const struct vtype *instance = scope_at(v, v->scope, SORT_INSTANCE, def->index);
    if (instance == NULL)
        return false;
    const struct vexterns *exports = &instance->instance->exports;
    uint32_t item = name_index_find(&exports->index, def->name, NULL);
    if (item == INDEX_NONE)
        return comp_invalid(v, "instance %u has no export named '%.*s'", def->index,
                            NAME_SHOWN(def->name));
    const struct ventity *entity = &exports->items[item].entity;
    if (entity->sort != def->sort)
        return comp_invalid(v, "export '%.*s' of instance %u is of another sort than the alias",
                            NAME_SHOWN(def->name), def->index);
    return comp_add_entity_index(v, entity);
}

/*
 * A component can be taken out of the one around it, so no resource type of that one may come in. The
 * scopes of types all lie inside of the innermost component; an alias that leaves it has left a
 * component exactly when the scope just inside of its target is one.
 */
static bool check_closed(struct comp_validator *v, const struct comp_def *def,
                         const struct comp_scope *inside, const struct vtype *type)
{
    struct number_map free_set;
    if (def->outer_count == 0 || inside->kind != SCOPE_COMPONENT)
        return true;
    number_map_init(&free_set, &v->alloc);
    bool ok = comp_free_resources(v, type, &free_set);
    if (ok && free_set.count != 0)
        ok = comp_invalid(v, "cannot alias outer type which transitively refers to resources not "
                             "defined in the current component");
    number_map_free(&free_set);
    return ok;
}

bool comp_alias_outer(struct comp_validator *v, const struct comp_def *def)
{
    const struct comp_scope *scope = v->scope, *inside = NULL;
    for (uint32_t i = 0; i < def->outer_count && scope != NULL; i++) {
        inside = scope;
        scope = scope->outer;
    }
    if (scope == NULL)
        return comp_invalid(v, "invalid outer alias count of %u", def->outer_count);
    const void *item = scope_at(v, scope, (enum comp_sort)def->sort, def->index);
    if (item == NULL)
        return false;
    if (def->sort == SORT_TYPE && !check_closed(v, def, inside, item))
        return false;
    /* The item may lie in the very array that grows. */
    union {
        struct vtype type;
        struct core_type_item core_type;
        const struct vmodule *module;
    } copy;
    memcpy(&copy, item, v->scope->spaces[def->sort].each_bytes);
    return scope_add(v, (enum comp_sort)def->sort, &copy);
}
