/* SPDX-License-Identifier: Apache-2.0 */
/* Imports and exports (Explainer.md: Import and Export Definitions; Binary.md's notes on them). */
#include <string.h>

#include "component/component_validate_int.h"

/* ---- Lists of them ----------------------------------------------------------------------- */

void extern_list_init(struct comp_validator *v, struct extern_list *list)
{
    list->items = (struct space){.each_bytes = sizeof(struct vextern)};
    map_init(&list->names, &v->alloc);
    number_map_init(&list->named, &v->alloc);
    number_map_init(&list->resources, &v->alloc);
    map_init(&list->resource_names, &v->alloc);
}

void extern_list_free(struct comp_validator *v, struct extern_list *list)
{
    space_free(v, &list->items);
    map_free(&list->names);
    number_map_free(&list->named);
    number_map_free(&list->resources);
    map_free(&list->resource_names);
}

bool comp_keep_externs(struct comp_validator *v, const struct extern_list *list,
                       struct vexterns *ret_externs)
{
    uint32_t count = list->items.count;
    struct vextern *items =
        arena_copy(&v->arena, list->items.items, count * sizeof(struct vextern));
    if (items == NULL)
        return comp_nomem(v);
    *ret_externs = (struct vexterns){.count = count, .items = items};
    /* Names that are canonically unique are so literally. */
    return name_index_build(&v->arena, &items->name, NULL, sizeof(*items), count,
                            &ret_externs->index, NULL) ||
           comp_nomem(v);
}

/* ---- What is imported and exported ------------------------------------------------------- */

static bool type_entity(struct comp_validator *v, const struct comp_extern_type *type,
                        struct ventity *entity)
{
    if (type->bound == BOUND_SUB_RESOURCE) {
        entity->type = (struct vtype){.kind = VTYPE_RESOURCE, .id = comp_fresh_id(v)};
        entity->referenced = entity->type;
        return entity->type.id != 0;
    }
    struct comp_sortidx what = {SORT_TYPE, type->index};
    return comp_item_entity(v, what, true, entity);
}

bool comp_extern_entity(struct comp_validator *v, const struct comp_extern_type *type,
                        struct ventity *ret_entity)
{
    struct ventity entity = {.sort = type->sort};
    bool ok = false;
    switch (type->sort) {
    case SORT_CORE_MODULE: {
        const struct core_type_item *item = scope_at(v, v->scope, SORT_CORE_TYPE, type->index);
        if (item != NULL && item->module == NULL)
            comp_invalid(v, "core type index %u is not a module type", type->index);
        else if (item != NULL)
            entity.module = item->module;
        ok = entity.module != NULL;
        break;
    }
    case SORT_FUNC:
        ok = comp_type_of_kind(v, type->index, VTYPE_FUNC, &entity.type);
        break;
    case SORT_COMPONENT:
        ok = comp_type_of_kind(v, type->index, VTYPE_COMPONENT, &entity.type);
        break;
    case SORT_INSTANCE:
        ok = comp_type_of_kind(v, type->index, VTYPE_INSTANCE, &entity.type);
        break;
    case SORT_TYPE:
        ok = type_entity(v, type, &entity);
        break;
    default:
        return comp_fail(v, STINT_UNSUPPORTED, "values of components are not supported");
    }
    if (ok)
        *ret_entity = entity;
    return ok;
}

bool comp_item_entity(struct comp_validator *v, struct comp_sortidx what, bool fresh_alias,
                      struct ventity *ret_entity)
{
    struct ventity entity = {.sort = what.sort};
    if (what.sort == SORT_VALUE)
        return comp_fail(v, STINT_UNSUPPORTED, "values of components are not supported");
    const void *item = scope_at(v, v->scope, (enum comp_sort)what.sort, what.index);
    if (item == NULL)
        return false;
    if (what.sort == SORT_CORE_MODULE)
        memcpy(&entity.module, item, sizeof(entity.module));
    else
        memcpy(&entity.type, item, sizeof(entity.type));
    entity.referenced = entity.type;
    if (what.sort == SORT_TYPE && fresh_alias)
        entity.type.alias = ++v->next_alias;
    *ret_entity = entity;
    return true;
}

bool comp_add_entity_index(struct comp_validator *v, const struct ventity *entity)
{
    if (entity->sort == SORT_CORE_MODULE)
        return scope_add(v, SORT_CORE_MODULE, &entity->module);
    return scope_add(v, (enum comp_sort)entity->sort, &entity->type);
}

/* ---- Resource types that come with them -------------------------------------------------- */

/* `first`, then the steps of `rest` (NULL: none). */
static bool make_path(struct comp_validator *v, uint32_t resource, uint32_t first,
                      const struct vpath *rest, struct vpath *ret_path)
{
    uint32_t length = rest != NULL ? rest->length : 0;
    uint32_t *steps = comp_get(v, (size_t)length + 1, sizeof(*steps));
    if (steps == NULL || !comp_spend(v, length))
        return false;
    steps[0] = first;
    if (length != 0)
        memcpy(steps + 1, rest->steps, length * sizeof(*steps));
    *ret_path = (struct vpath){resource, length + 1, steps};
    return true;
}

static bool add_imported(struct comp_validator *v, uint32_t resource, const struct vpath *rest)
{
    struct vpath path;
    return make_path(v, resource, v->scope->imports.items.count, rest, &path) &&
           space_add(v, &v->scope->imported, &path);
}

bool comp_add_defined(struct comp_validator *v, uint32_t resource, valtype rep)
{
    struct defined_resource defined = {resource, rep};
    if (!number_map_put(&v->scope->defined_map, resource, v->scope->defined.count))
        return comp_nomem(v);
    return space_add(v, &v->scope->defined, &defined);
}

/* The last place at which a resource type is exported is the one that counts. */
static bool add_explicit(struct comp_validator *v, uint32_t resource, const struct vpath *rest)
{
    struct comp_scope *scope = v->scope;
    struct vpath path;
    if (!make_path(v, resource, scope->exports.items.count, rest, &path))
        return false;
    const uint64_t *place = number_map_find(&scope->explicit_map, resource);
    if (place != NULL) {
        SPACE_AT(&scope->explicit_resources, struct vpath, *place) = path;
        return true;
    }
    if (!number_map_put(&scope->explicit_map, resource, scope->explicit_resources.count))
        return comp_nomem(v);
    return space_add(v, &scope->explicit_resources, &path);
}

static const struct vpath *path_of(struct comp_validator *v, const struct vpaths *paths,
                                   uint32_t resource)
{
    for (uint32_t i = 0; i < paths->count && comp_spend(v, 1); i++) {
        if (paths->items[i].resource == resource)
            return &paths->items[i];
    }
    return NULL;
}

/* Fresh numbers for what an instance type binds: they belong to the scope now. */
static bool freshen(struct comp_validator *v, bool is_import, const struct vinstance *old,
                    struct remap *map)
{
    for (uint32_t i = 0; i < old->defined_count; i++) {
        uint32_t resource = comp_fresh_id(v);
        if (resource == 0 || !number_map_put(&map->resources, old->defined[i], resource))
            return comp_nomem(v);
        const struct vpath *path = path_of(v, &old->explicit_resources, old->defined[i]);
        if (is_import ? path == NULL || !add_imported(v, resource, path)
                      : !comp_add_defined(v, resource, VT_BOT))
            return comp_nomem(v);
    }
    return true;
}

/*
 * Turns an instance type as written into that of an instance that there is: each use of it has
 * resource types of its own.
 */
static bool open_instance(struct comp_validator *v, bool is_import, struct vtype *type)
{
    const struct vinstance *old = type->instance;
    struct remap map;
    if (old->defined_count == 0)
        return true;
    struct vinstance *instance = comp_get(v, 1, sizeof(*instance));
    if (instance == NULL)
        return false;
    *instance = *old;
    instance->id = comp_fresh_id(v);
    instance->defined_count = 0;
    remap_init(v, &map);
    bool ok = instance->id != 0 && freshen(v, is_import, old, &map) &&
              remap_externs(v, &map, &instance->exports) &&
              remap_paths(v, &map, &instance->explicit_resources);
    remap_free(&map);
    if (ok)
        *type = (struct vtype){.kind = VTYPE_INSTANCE, .id = instance->id, .instance = instance};
    return ok;
}

static bool prepare_instance(struct comp_validator *v, bool is_import, struct vtype *type)
{
    if (!open_instance(v, is_import, type))
        return false;
    if (is_import)
        return true;
    const struct vpaths *paths = &type->instance->explicit_resources;
    for (uint32_t i = 0; i < paths->count; i++) {
        if (!add_explicit(v, paths->items[i].resource, &paths->items[i]))
            return false;
    }
    return true;
}

static bool prepare_resource(struct comp_validator *v, bool is_import, const struct ventity *entity)
{
    bool is_new = vtype_same(&entity->type, &entity->referenced);
    uint32_t resource = entity->type.id;
    if (is_import)
        return !is_new || add_imported(v, resource, NULL);
    return (!is_new || comp_add_defined(v, resource, VT_BOT)) && add_explicit(v, resource, NULL);
}

/* ---- Names ------------------------------------------------------------------------------- */

/* The resource type `type` must be the one that is imported or exported as `name`. */
static bool check_resource_name(struct comp_validator *v, const struct extern_list *list,
                                const struct vtype *type, struct wasm_name name)
{
    const uint64_t *place = number_map_find(&list->resources, vtype_key(type));
    if (place == NULL)
        return comp_invalid(v, "resource used in function does not have a name in this context");
    struct wasm_name actual = SPACE_AT(&list->items, struct vextern, *place).name;
    return (actual.bytes == name.bytes && memcmp(actual.text, name.text, name.bytes) == 0) ||
           comp_invalid(v, "function does not match expected resource name '%.*s'",
                        NAME_SHOWN(actual));
}

/* What a value type is where it is a handle of this kind; NULL elsewhere. */
static const struct vtype *handle_of(const struct vval *value, enum ctype_kind kind)
{
    if (value->form != COMP_INDEX || value->type.def->kind != kind)
        return NULL;
    return &value->type.def->resource;
}

static bool check_constructor(struct comp_validator *v, const struct extern_list *list,
                              const struct extern_name *name, const struct vfunc *func)
{
    const struct vval *result = &func->result;
    if (func->is_async)
        return comp_invalid(v, "constructor function cannot be async");
    if (result->form == COMP_NONE)
        return comp_invalid(v, "function should return one value");
    const struct vtype *resource = handle_of(result, CTYPE_OWN);
    if (result->form == COMP_INDEX && result->type.def->kind == CTYPE_RESULT)
        resource = handle_of(&result->type.def->members[0].type, CTYPE_OWN);
    if (resource == NULL)
        return comp_invalid(v, "function should return `(own $T)` or `(result (own $T))`");
    return check_resource_name(v, list, resource, name->resource);
}

static bool check_method(struct comp_validator *v, const struct extern_list *list,
                         const struct extern_name *name, const struct vfunc *func)
{
    if (func->param_count == 0)
        return comp_invalid(v, "function should have at least one argument");
    struct wasm_name self = func->params[0].name;
    if (self.bytes != 4 || memcmp(self.text, "self", 4) != 0)
        return comp_invalid(v, "function should have a first argument called `self`");
    const struct vtype *resource = handle_of(&func->params[0].type, CTYPE_BORROW);
    if (resource == NULL)
        return comp_invalid(v, "function should take a first argument of `(borrow $T)`");
    return check_resource_name(v, list, resource, name->resource);
}

static bool check_version(struct comp_validator *v, const struct extern_name *name,
                          const struct comp_attributes *attributes)
{
    struct wasm_name version = name->version;
    struct wasm_name suffix =
        attributes != NULL ? attributes->version_suffix : (struct wasm_name){NULL, 0};
    bool ok = version.text == NULL || version_is_canonical(version);
    if (suffix.text == NULL) {
        ok = ok || version_is_valid(version);
    } else if (ok && version.text != NULL) {
        char *whole = comp_get(v, (size_t)version.bytes + suffix.bytes + 1, 1);
        if (whole == NULL)
            return false;
        memcpy(whole, version.text, version.bytes);
        memcpy(whole + version.bytes, suffix.text, suffix.bytes);
        ok = version_is_valid((struct wasm_name){whole, version.bytes + suffix.bytes});
    } else {
        ok = false;
    }
    return ok || comp_invalid(v, "invalid version '%.*s' of an interface", NAME_SHOWN(version));
}

static bool check_attributes(struct comp_validator *v, const struct extern_name *name,
                             const struct comp_attributes *attributes, const struct ventity *entity)
{
    struct extern_name implemented;
    if (attributes->version_suffix.text != NULL && name->kind != NAME_INTERFACE)
        return comp_invalid(v, "only names of interfaces can have a version suffix");
    if (attributes->implements.text == NULL)
        return true;
    if (name->kind != NAME_LABEL)
        return comp_invalid(v, "the name is not valid with `implements`");
    if (entity->sort != SORT_INSTANCE)
        return comp_invalid(v, "only instances can have an `implements`");
    const char *problem = extern_name_parse(attributes->implements, &implemented);
    if (problem != NULL)
        return comp_invalid(v, "'%.*s' is not a valid name: %s", NAME_SHOWN(attributes->implements),
                            problem);
    if (implemented.kind != NAME_INTERFACE)
        return comp_invalid(v, "name '%.*s' must be an interface",
                            NAME_SHOWN(attributes->implements));
    return check_version(v, &implemented, NULL);
}

static bool check_name(struct comp_validator *v, const struct extern_list *list,
                       const struct extern_name *name, const struct comp_attributes *attributes,
                       const struct ventity *entity)
{
    if (attributes != NULL && !check_attributes(v, name, attributes, entity))
        return false;
    if (name->kind == NAME_LABEL)
        return true;
    if (name->kind == NAME_INTERFACE)
        return check_version(v, name, attributes);
    if (entity->sort != SORT_FUNC)
        return comp_invalid(v, "item is not a func");
    if (name->kind == NAME_CONSTRUCTOR)
        return check_constructor(v, list, name, entity->type.func);
    if (name->kind == NAME_METHOD)
        return check_method(v, list, name, entity->type.func);
    return map_find(&list->resource_names, name->resource.text, name->resource.bytes) != NULL ||
           comp_invalid(v, "static resource name is not known in this context");
}

bool comp_add_named(struct comp_validator *v, struct extern_list *list, bool is_import,
                    struct wasm_name name, const struct comp_attributes *attributes,
                    const struct ventity *entity, struct vweight *weight)
{
    const char *what = is_import ? "import name" : "export name";
    struct extern_name parsed;
    struct vextern item = {.name = name, .entity = *entity};
    const char *problem = extern_name_parse(name, &parsed);
    if (problem != NULL)
        return comp_invalid(v, "%s '%.*s' is not a valid extern name: %s", what, NAME_SHOWN(name),
                            problem);
    if (!check_name(v, list, &parsed, attributes, entity))
        return comp_fail_in(v, what, name);
    struct wasm_name canonical = name_canonical(&v->arena, name);
    if (canonical.text == NULL)
        return comp_nomem(v);
    if (map_find(&list->names, canonical.text, canonical.bytes) != NULL)
        return comp_invalid(v, "%s '%.*s' conflicts with a previous name", what, NAME_SHOWN(name));
    if (!map_put(&list->names, canonical.text, canonical.bytes, 0))
        return comp_nomem(v);
    return comp_add_weight(v, weight, ventity_weight(entity)) && space_add(v, &list->items, &item);
}

/* ---- Imports and exports ----------------------------------------------------------------- */

/* A resource type at the top is what names of methods refer to. */
static bool register_resource(struct comp_validator *v, struct extern_list *list,
                              struct wasm_name name, const struct ventity *entity)
{
    if (entity->sort != SORT_TYPE || entity->type.kind != VTYPE_RESOURCE)
        return true;
    return (number_map_put(&list->resources, vtype_key(&entity->type), list->items.count) &&
            map_put(&list->resource_names, name.text, name.bytes, 0)) ||
           comp_nomem(v);
}

bool comp_add_extern(struct comp_validator *v, const struct comp_def *def, bool is_import,
                     struct ventity *entity)
{
    struct extern_list *list = is_import ? &v->scope->imports : &v->scope->exports;
    const char *word = is_import ? "import" : "export";
    bool ok = true;
    if (entity->sort == SORT_INSTANCE)
        ok = prepare_instance(v, is_import, &entity->type);
    else if (entity->sort == SORT_TYPE && entity->type.kind == VTYPE_RESOURCE)
        ok = prepare_resource(v, is_import, entity);
    if (!ok || !comp_add_entity_index(v, entity) || !register_resource(v, list, def->name, entity))
        return false;
    if (!comp_check_named(v, is_import, entity))
        return comp_invalid(v,
                            "'%.*s' is not valid to be used as %s: it mentions a type that is not "
                            "%sed itself",
                            NAME_SHOWN(def->name), word, word);
    return comp_add_named(v, list, is_import, def->name, def->attributes, entity,
                          &v->scope->weight);
}

bool comp_export(struct comp_validator *v, const struct comp_def *def)
{
    struct ventity entity, ascribed;
    struct comp_sortidx what = {def->sort, def->index};
    if (!comp_item_entity(v, what, true, &entity))
        return false;
    if (!def->has_extern_type)
        return comp_add_extern(v, def, false, &entity);
    if (!comp_extern_entity(v, &def->extern_type, &ascribed))
        return false;
    if (!comp_entity_matches(v, &entity, &ascribed))
        return comp_fail_in(v, "ascribed type is not compatible with the item's type of export",
                            def->name);
    return comp_add_extern(v, def, false, &ascribed);
}
