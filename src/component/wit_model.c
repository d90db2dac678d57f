/* SPDX-License-Identifier: Apache-2.0 */
#include "component/wit_int.h"

enum { DEPTH_MAX = 100 };

static bool fail(struct wit *w, enum stint_status status, const char *why)
{
    if (w->status == STINT_OK)
        w->status = error_set(w->error, status, STINT_NO_OFFSET, "%s", why);
    return false;
}

/* ---- Scopes and interfaces ---------------------------------------------------------------- */

/* Room for what the definitions append. */
static struct wit_scope *scope_create(struct wit *w, struct wit_scope *parent,
                                      const struct comp_defs *defs)
{
    struct wit_scope *scope = arena_get_zeroed(&w->arena, 1, sizeof(*scope));
    if (scope == NULL)
        return NULL;
    scope->parent = parent;
    for (uint32_t i = 0; i < defs->count; i++)
        scope->spaces[defs->items[i].sort].capacity++;
    for (unsigned sort = 0; sort < SORT_COUNT; sort++) {
        uint32_t capacity = scope->spaces[sort].capacity;
        scope->spaces[sort].items =
            arena_get_zeroed(&w->arena, capacity, sizeof(struct wit_entity));
        if (scope->spaces[sort].items == NULL)
            return NULL;
    }
    return scope;
}

static struct wit_entity entity_at(const struct wit_scope *scope, unsigned sort, uint32_t index)
{
    if (scope == NULL || index >= scope->spaces[sort].count)
        return (struct wit_entity){0};
    return scope->spaces[sort].items[index];
}

const struct wit_type *wit_type_at(const struct wit_scope *scope, uint32_t index)
{
    return entity_at(scope, SORT_TYPE, index).type;
}

static void append(struct wit_scope *scope, unsigned sort, struct wit_entity entity)
{
    if (scope->spaces[sort].count < scope->spaces[sort].capacity)
        scope->spaces[sort].items[scope->spaces[sort].count++] = entity;
}

static struct wit_interface *interface_create(struct wit *w, struct wasm_name name)
{
    struct wit_interface *interface = arena_get_zeroed(&w->arena, 1, sizeof(*interface));
    if (interface == NULL || !vec_reserve(w->alloc, &w->interfaces, &w->interface_capacity,
                                          w->interface_count + 1, sizeof(*w->interfaces))) {
        (void)fail(w, STINT_NOMEM, "out of memory");
        return NULL;
    }
    interface->name = name;
    w->interfaces[w->interface_count++] = interface;
    return interface;
}

static void add_item(struct wit *w, struct wit_interface *interface, unsigned sort, bool is_export,
                     struct wasm_name name, struct wit_entity entity)
{
    if (interface == NULL)
        return;
    if (!vec_reserve(w->alloc, &interface->items, &interface->capacity, interface->count + 1,
                     sizeof(*interface->items))) {
        (void)fail(w, STINT_NOMEM, "out of memory");
        return;
    }
    interface->items[interface->count++] = (struct wit_item){
        .sort = (uint8_t)sort, .is_export = is_export, .name = name, .entity = entity};
}

static struct wit_entity find_item(const struct wit_interface *interface, unsigned sort,
                                   struct wasm_name name)
{
    for (size_t i = 0; interface != NULL && i < interface->count; i++) {
        if (interface->items[i].sort == sort && wit_same_name(interface->items[i].name, name))
            return interface->items[i].entity;
    }
    return (struct wit_entity){0};
}

/* ---- Types -------------------------------------------------------------------------------- */

static struct wit_type *type_create(struct wit *w)
{
    struct wit_type *type = arena_get_zeroed(&w->arena, 1, sizeof(*type));
    if (type == NULL)
        (void)fail(w, STINT_NOMEM, "out of memory");
    return type;
}

/* A type gets a name: it is defined by it, unless it had one before. NULL: a new resource. */
static struct wit_entity name_type(struct wit *w, struct wit_interface *owner,
                                   struct wasm_name name, const struct wit_type *target)
{
    struct wit_type *type = type_create(w);
    if (type != NULL) {
        type->name = name;
        type->owner = owner;
        if (target != NULL && (target->name.text != NULL || target->def == NULL)) {
            type->same = target;
        } else if (target != NULL) {
            type->def = target->def;
            type->scope = target->scope;
        }
    }
    return (struct wit_entity){.type = type};
}

/* An export names a type. A resource that the component itself defines has no name before: it is known
 * by this one from then on, in what was said of it before as well. */
static struct wit_entity export_type(struct wit *w, struct wit_interface *owner,
                                     struct wasm_name name, struct wit_entity entity)
{
    struct wit_type *type = entity.type;
    if (type == NULL || type->name.text != NULL || type->def != NULL || type->same != NULL)
        return name_type(w, owner, name, type);
    type->name = name;
    type->owner = owner;
    return (struct wit_entity){.type = type};
}

/* The type or function type that an import or export is said to have. */
static const struct wit_type *declared(const struct wit_scope *scope,
                                       const struct comp_extern_type *type)
{
    return wit_type_at(scope, type->index);
}

static struct wit_func as_func(const struct wit_type *type)
{
    if (type == NULL || type->def == NULL || type->def->kind != COMP_TYPE_FUNC)
        return (struct wit_func){0};
    return (struct wit_func){type->def, type->scope};
}

/* ---- Walking ------------------------------------------------------------------------------ */

/* Where a list of definitions stands: what its imports are given and where its exports go. */
struct walk {
    struct wit_scope *scope;
    struct wit_interface *into;
    bool is_root;
    const struct comp_arg *args; /* of the instantiation, in the scope `args_scope` */
    uint32_t arg_count;
    struct wit_scope *args_scope;
};

static void walk_defs(struct wit *w, struct walk *at, const struct comp_defs *defs);

/* The interface that an instance type describes. */
static struct wit_interface *describe(struct wit *w, const struct wit_type *type,
                                      struct wasm_name name)
{
    struct wit_interface *interface = interface_create(w, name);
    if (interface == NULL || type == NULL || type->def == NULL ||
        type->def->kind != COMP_TYPE_INSTANCE)
        return interface;
    struct walk inner = {.scope = scope_create(w, type->scope, &type->def->decls),
                         .into = interface};
    if (inner.scope == NULL)
        (void)fail(w, STINT_NOMEM, "out of memory");
    else
        walk_defs(w, &inner, &type->def->decls);
    return interface;
}

static struct wit_entity declare(struct wit *w, const struct walk *at, const struct comp_def *def)
{
    const struct comp_extern_type *type = &def->extern_type;
    const struct wit_type *target = declared(at->scope, type);
    switch (def->sort) {
    case SORT_TYPE:
        return name_type(w, at->into, def->name, type->bound == BOUND_EQ ? target : NULL);
    case SORT_FUNC:
        return (struct wit_entity){.func = as_func(target)};
    case SORT_INSTANCE:
        return (struct wit_entity){.interface = describe(w, target, def->name)};
    default:
        return (struct wit_entity){0};
    }
}

static struct wit_entity import(struct wit *w, const struct walk *at, const struct comp_def *def)
{
    for (uint32_t i = 0; !at->is_root && i < at->arg_count; i++) {
        const struct comp_sortidx *what = &at->args[i].what;
        if (wit_same_name(at->args[i].name, def->name) && what->sort == def->sort)
            return entity_at(at->args_scope, what->sort, what->index);
    }
    struct wit_entity entity = declare(w, at, def);
    if (at->is_root)
        add_item(w, &w->world, def->sort, false, def->name, entity);
    return entity;
}

static struct wit_entity export(struct wit *w, const struct walk *at, const struct comp_def *def)
{
    struct wit_entity entity = entity_at(at->scope, def->sort, def->index);
    if (def->sort == SORT_TYPE)
        entity = export_type(w, at->into, def->name, entity);
    if (def->sort == SORT_FUNC && def->has_extern_type)
        entity.func = as_func(declared(at->scope, &def->extern_type));
    if (def->sort == SORT_INSTANCE && entity.interface != NULL &&
        entity.interface->name.text == NULL)
        entity.interface->name = def->name;
    add_item(w, at->into, def->sort, true, def->name, entity);
    return entity;
}

static struct wit_entity instantiate(struct wit *w, const struct walk *at,
                                     const struct comp_def *def)
{
    struct wit_entity what = entity_at(at->scope, SORT_COMPONENT, def->index);
    struct wit_interface *interface = interface_create(w, (struct wasm_name){0});
    if (interface == NULL || what.component == NULL)
        return (struct wit_entity){.interface = interface};
    struct walk inner = {.scope = scope_create(w, what.scope, &what.component->defs),
                         .into = interface,
                         .args = def->args,
                         .arg_count = def->arg_count,
                         .args_scope = at->scope};
    if (inner.scope == NULL)
        (void)fail(w, STINT_NOMEM, "out of memory");
    else
        walk_defs(w, &inner, &what.component->defs);
    return (struct wit_entity){.interface = interface};
}

static struct wit_entity gather(struct wit *w, const struct walk *at, const struct comp_def *def)
{
    struct wit_interface *interface = interface_create(w, (struct wasm_name){0});
    for (uint32_t i = 0; interface != NULL && i < def->arg_count; i++) {
        const struct comp_arg *arg = &def->args[i];
        struct wit_entity entity = entity_at(at->scope, arg->what.sort, arg->what.index);
        if (arg->what.sort == SORT_TYPE)
            entity = export_type(w, interface, arg->name, entity);
        add_item(w, interface, arg->what.sort, true, arg->name, entity);
    }
    return (struct wit_entity){.interface = interface};
}

static struct wit_entity outer(const struct walk *at, const struct comp_def *def)
{
    const struct wit_scope *scope = at->scope;
    for (uint32_t i = 0; i < def->outer_count && scope != NULL; i++)
        scope = scope->parent;
    return entity_at(scope, def->sort, def->index);
}

static struct wit_entity evaluate(struct wit *w, const struct walk *at, const struct comp_def *def)
{
    struct wit_entity entity = {0};
    switch (def->kind) {
    case DEF_COMPONENT:
        entity.component = def->component;
        entity.scope = at->scope;
        return entity;
    case DEF_INSTANTIATE:
        return instantiate(w, at, def);
    case DEF_EXPORTS:
        return gather(w, at, def);
    case DEF_ALIAS_EXPORT:
        return find_item(entity_at(at->scope, SORT_INSTANCE, def->index).interface, def->sort,
                         def->name);
    case DEF_ALIAS_OUTER:
        return outer(at, def);
    case DEF_TYPE: {
        struct wit_type *type = type_create(w);
        if (type != NULL && def->type->kind != COMP_TYPE_RESOURCE) {
            type->def = def->type;
            type->scope = at->scope;
        }
        entity.type = type;
        return entity;
    }
    case DEF_CANON:
        if (def->sort == SORT_FUNC)
            entity.func = as_func(wit_type_at(at->scope, def->canon->type));
        return entity;
    case DEF_IMPORT:
        return import(w, at, def);
    case DEF_EXPORT:
        return export(w, at, def);
    case DEF_EXPORT_DECL:
        entity = declare(w, at, def);
        add_item(w, at->into, def->sort, true, def->name, entity);
        return entity;
    default:
        return entity;
    }
}

static void walk_defs(struct wit *w, struct walk *at, const struct comp_defs *defs)
{
    if (w->depth == DEPTH_MAX) {
        (void)fail(w, STINT_UNSUPPORTED, "instances are nested too deeply");
        return;
    }
    w->depth++;
    for (uint32_t i = 0; i < defs->count && w->status == STINT_OK; i++) {
        const struct comp_def *def = &defs->items[i];
        if (++w->walked > WIT_DEFINITIONS_MAX)
            (void)fail(w, STINT_UNSUPPORTED, "the component unfolds to too many definitions");
        else if (def->sort == SORT_TYPE || def->sort == SORT_FUNC || def->sort == SORT_INSTANCE ||
                 def->sort == SORT_COMPONENT)
            append(at->scope, def->sort, evaluate(w, at, def));
    }
    w->depth--;
}

void wit_free(struct wit *w)
{
    for (size_t i = 0; i < w->interface_count; i++)
        alloc_put(w->alloc, w->interfaces[i]->items,
                  w->interfaces[i]->capacity * sizeof(struct wit_item));
    alloc_put(w->alloc, w->world.items, w->world.capacity * sizeof(struct wit_item));
    alloc_put(w->alloc, w->interfaces, w->interface_capacity * sizeof(*w->interfaces));
    arena_free(&w->arena);
}

static const struct comp_type *find_component_type(const struct comp_defs *defs)
{
    for (uint32_t i = 0; i < defs->count; i++) {
        if (defs->items[i].kind == DEF_TYPE && defs->items[i].type->kind == COMP_TYPE_COMPONENT)
            return defs->items[i].type;
    }
    return NULL;
}

/*
 * The section is a component that exports a type: that of a component which exports one thing, the
 * world's type, that of a component with its imports and exports.
 */
bool wit_model_world(struct wit *w, const struct component *component)
{
    const struct comp_type *package = find_component_type(&component->defs);
    const struct comp_type *world = package != NULL ? find_component_type(&package->decls) : NULL;
    if (world == NULL)
        return fail(w, STINT_INVALID, "the section describes no world");
    struct wit_scope *outer = scope_create(w, NULL, &component->defs);
    struct wit_scope *scope = outer != NULL ? scope_create(w, outer, &package->decls) : NULL;
    scope = scope != NULL ? scope_create(w, scope, &world->decls) : NULL;
    struct walk root = {.scope = scope, .into = &w->world, .is_root = true};
    w->world.is_world = true;
    if (scope == NULL)
        return fail(w, STINT_NOMEM, "out of memory");
    walk_defs(w, &root, &world->decls);
    return w->status == STINT_OK;
}

bool wit_model(struct wit *w, const struct component *component)
{
    struct walk root = {
        .scope = scope_create(w, NULL, &component->defs), .into = &w->world, .is_root = true};
    w->world.is_world = true;
    if (root.scope == NULL)
        return fail(w, STINT_NOMEM, "out of memory");
    walk_defs(w, &root, &component->defs);
    return w->status == STINT_OK;
}
