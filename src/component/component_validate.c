/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over definitions; component_validate_int.h tells how. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "component/component_validate_int.h"

/* ---- Failures and limits ----------------------------------------------------------------- */

bool comp_fail(struct comp_validator *v, enum stint_status status, const char *format, ...)
{
    char message[STINT_ERROR_MESSAGE_BYTES];
    va_list args;
    if (v->status != STINT_OK)
        return false;
    v->status = status;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    error_set(v->error, status, v->at, "%s", message);
    return false;
}

bool comp_nomem(struct comp_validator *v)
{
    /* Arrays double: with half of the budget used up, it may be what was in the way. */
    if (atomic_load(&v->alloc.peak_bytes) > LIMIT_COMP_VALIDATION_BYTES / 2)
        return comp_fail(v, STINT_LIMIT,
                         "the component's types take too much memory to be checked");
    return comp_fail(v, STINT_NOMEM, "out of memory for the component");
}

bool comp_fail_in(struct comp_validator *v, const char *what, struct wasm_name name)
{
    char inner[STINT_ERROR_MESSAGE_BYTES];
    if (v->error == NULL || v->status != STINT_INVALID)
        return false;
    size_t room = sizeof(v->error->message);
    memcpy(inner, v->error->message, sizeof(inner));
    int head = snprintf(v->error->message, room, "%s '%.*s': ", what, NAME_SHOWN(name));
    if (head > 0 && (size_t)head < room)
        snprintf(v->error->message + head, room - (size_t)head, "%.*s",
                 (int)(room - (size_t)head - 1), inner);
    return false;
}

bool comp_spend(struct comp_validator *v, uint64_t steps)
{
    v->steps += steps;
    if (v->steps <= LIMIT_COMP_STEPS)
        return true;
    return comp_fail(v, STINT_LIMIT, "the component's types are too involved to be checked");
}

bool comp_add_weight(struct comp_validator *v, struct vweight *weight, struct vweight part)
{
    weight->nodes += part.nodes;
    if (weight->depth <= part.depth)
        weight->depth = part.depth + 1;
    if (weight->nodes > LIMIT_COMP_TYPE_NODES)
        return comp_fail(v, STINT_LIMIT, "a type is too large: the limit is %d parts",
                         LIMIT_COMP_TYPE_NODES);
    if (weight->depth > LIMIT_COMP_TYPE_DEPTH)
        return comp_fail(v, STINT_LIMIT, "a type is nested too deeply: the limit is %d",
                         LIMIT_COMP_TYPE_DEPTH);
    return true;
}

void *comp_get(struct comp_validator *v, size_t count, size_t each_bytes)
{
    void *block = arena_get_zeroed(&v->arena, count, each_bytes);
    if (block == NULL)
        comp_nomem(v);
    return block;
}

uint32_t comp_fresh_id(struct comp_validator *v)
{
    if (v->next_id == UINT32_MAX) {
        comp_fail(v, STINT_LIMIT, "too many types");
        return 0;
    }
    return ++v->next_id;
}

/* ---- Index spaces ------------------------------------------------------------------------ */

static const struct {
    uint8_t each_bytes;
    const char *name;
} space_kinds[SORT_COUNT] = {
    [SORT_CORE_FUNC] = {sizeof(struct comp_core_extern), "core function"},
    [SORT_CORE_TABLE] = {sizeof(struct comp_core_extern), "core table"},
    [SORT_CORE_MEMORY] = {sizeof(struct comp_core_extern), "core memory"},
    [SORT_CORE_GLOBAL] = {sizeof(struct comp_core_extern), "core global"},
    [SORT_CORE_TAG] = {sizeof(struct comp_core_extern), "core tag"},
    [SORT_CORE_TYPE] = {sizeof(struct core_type_item), "core type"},
    [SORT_CORE_MODULE] = {sizeof(struct vmodule *), "core module"},
    [SORT_CORE_INSTANCE] = {sizeof(struct vcore_instance *), "core instance"},
    [SORT_FUNC] = {sizeof(struct vtype), "function"},
    [SORT_VALUE] = {sizeof(struct vval), "value"},
    [SORT_TYPE] = {sizeof(struct vtype), "type"},
    [SORT_COMPONENT] = {sizeof(struct vtype), "component"},
    [SORT_INSTANCE] = {sizeof(struct vtype), "instance"},
};

bool space_add(struct comp_validator *v, struct space *space, const void *item)
{
    if (!vec_reserve(&v->alloc, &space->items, &space->capacity, (size_t)space->count + 1,
                     space->each_bytes))
        return comp_nomem(v);
    memcpy((uint8_t *)space->items + space->count * space->each_bytes, item, space->each_bytes);
    space->count++;
    return true;
}

void space_free(struct comp_validator *v, struct space *space)
{
    alloc_put(&v->alloc, space->items, space->capacity * space->each_bytes);
    space->items = NULL;
}

void *scope_at(struct comp_validator *v, const struct comp_scope *scope, enum comp_sort sort,
               uint32_t index)
{
    const struct space *space = &scope->spaces[sort];
    if (index < space->count)
        return (uint8_t *)space->items + index * space->each_bytes;
    comp_invalid(v, "unknown %s %u: index out of bounds, there are %u so far",
                 space_kinds[sort].name, index, space->count);
    return NULL;
}

bool scope_add(struct comp_validator *v, enum comp_sort sort, const void *item)
{
    return space_add(v, &v->scope->spaces[sort], item);
}

static bool scope_open(struct comp_validator *v, struct comp_scope *scope, enum scope_kind kind)
{
    *scope = (struct comp_scope){.kind = (uint8_t)kind, .outer = v->scope};
    for (int i = 0; i < SORT_COUNT; i++)
        scope->spaces[i].each_bytes = space_kinds[i].each_bytes;
    scope->imported.each_bytes = scope->explicit_resources.each_bytes = sizeof(struct vpath);
    scope->defined.each_bytes = sizeof(struct defined_resource);
    number_map_init(&scope->defined_map, &v->alloc);
    number_map_init(&scope->explicit_map, &v->alloc);
    extern_list_init(v, &scope->imports);
    extern_list_init(v, &scope->exports);
    v->scope = scope;
    return true;
}

static void scope_close(struct comp_validator *v, struct comp_scope *scope)
{
    for (int i = 0; i < SORT_COUNT; i++)
        space_free(v, &scope->spaces[i]);
    space_free(v, &scope->imported);
    space_free(v, &scope->defined);
    space_free(v, &scope->explicit_resources);
    number_map_free(&scope->defined_map);
    number_map_free(&scope->explicit_map);
    extern_list_free(v, &scope->imports);
    extern_list_free(v, &scope->exports);
    v->scope = scope->outer;
}

/* ---- Definitions ------------------------------------------------------------------------- */

static bool define_core_type(struct comp_validator *v, const struct comp_core_type *type)
{
    struct core_type_item item = {.type = type};
    if (type->is_module) {
        item.module = comp_module_type(v, type);
        if (item.module == NULL)
            return false;
    }
    return scope_add(v, SORT_CORE_TYPE, &item);
}

static bool define_component(struct comp_validator *v, const struct component *component)
{
    struct vtype type = {.kind = VTYPE_COMPONENT};
    if (!comp_walk(v, SCOPE_COMPONENT, &component->defs, &type.component, NULL))
        return false;
    type.id = type.component->id;
    return scope_add(v, SORT_COMPONENT, &type);
}

/* What a declaration in a component or instance type may not be, though it can be written. */
static bool check_decl(struct comp_validator *v, const struct comp_def *def)
{
    bool is_alias = def->kind == DEF_ALIAS_EXPORT || def->kind == DEF_ALIAS_CORE_EXPORT ||
                    def->kind == DEF_ALIAS_OUTER;
    bool is_fine =
        (def->kind == DEF_ALIAS_EXPORT && (def->sort == SORT_TYPE || def->sort == SORT_INSTANCE)) ||
        (def->kind == DEF_ALIAS_OUTER && (def->sort == SORT_TYPE || def->sort == SORT_CORE_TYPE));
    if (v->scope->kind == SCOPE_COMPONENT || !is_alias || is_fine)
        return true;
    return comp_invalid(
        v, "aliases in a component or instance type may only refer to types or instances");
}

static bool declare(struct comp_validator *v, const struct comp_def *def, bool is_import)
{
    struct ventity entity;
    return comp_extern_entity(v, &def->extern_type, &entity) &&
           comp_add_extern(v, def, is_import, &entity);
}

static bool define(struct comp_validator *v, const struct comp_def *def)
{
    if (!check_decl(v, def))
        return false;
    switch ((enum comp_def_kind)def->kind) {
    case DEF_CORE_MODULE:
        return comp_define_module(v, v->file->modules[def->module]);
    case DEF_CORE_INSTANTIATE:
        return comp_core_instantiate(v, def);
    case DEF_CORE_EXPORTS:
        return comp_core_exports(v, def);
    case DEF_CORE_TYPE:
        return define_core_type(v, def->core_type);
    case DEF_COMPONENT:
        return define_component(v, def->component);
    case DEF_INSTANTIATE:
        return comp_instantiate(v, def);
    case DEF_EXPORTS:
        return comp_exports(v, def);
    case DEF_ALIAS_EXPORT:
        return comp_alias_export(v, def);
    case DEF_ALIAS_CORE_EXPORT:
        return comp_alias_core_export(v, def);
    case DEF_ALIAS_OUTER:
        return comp_alias_outer(v, def);
    case DEF_TYPE:
        return comp_define_type(v, def->type);
    case DEF_CANON:
        return comp_canon(v, def->canon);
    case DEF_IMPORT:
        return declare(v, def, true);
    case DEF_EXPORT_DECL:
        return declare(v, def, false);
    case DEF_EXPORT:
        return comp_export(v, def);
    case DEF_START:
    case DEF_VALUE:
        break;
    }
    return comp_fail(v, STINT_UNSUPPORTED, "values of components are not supported");
}

/* ---- The end of a scope ------------------------------------------------------------------ */

static bool keep(struct comp_validator *v, const struct space *space, struct vpaths *ret_paths)
{
    void *items = arena_copy(&v->arena, space->items, space->count * space->each_bytes);
    if (items == NULL)
        return comp_nomem(v);
    *ret_paths = (struct vpaths){space->count, items};
    return true;
}

/* Nothing that is imported can be of a resource type of this component's own. */
static bool check_imports(struct comp_validator *v, const struct vexterns *imports)
{
    struct number_map free_set;
    bool ok = true;
    number_map_init(&free_set, &v->alloc);
    for (uint32_t i = 0; i < imports->count && ok; i++)
        ok = comp_free_resources_of(v, &imports->items[i].entity, &free_set);
    for (uint32_t i = 0; i < v->scope->defined.count && ok; i++) {
        uint32_t resource = SPACE_AT(&v->scope->defined, struct defined_resource, i).resource;
        if (number_map_find(&free_set, resource) != NULL)
            ok = comp_invalid(v, "local resource type found in imports");
    }
    number_map_free(&free_set);
    return ok;
}

/* The component's resource types that its exports mention; each has to be exported by name. */
static bool collect_defined(struct comp_validator *v, const struct vexterns *exports,
                            struct vpaths *ret_defined)
{
    struct comp_scope *scope = v->scope;
    struct number_map free_set;
    bool ok = true;
    uint32_t count = 0;
    struct vpath *items = comp_get(v, scope->defined.count, sizeof(*items));
    if (items == NULL)
        return false;
    number_map_init(&free_set, &v->alloc);
    for (uint32_t i = 0; i < exports->count && ok; i++)
        ok = comp_free_resources_of(v, &exports->items[i].entity, &free_set);
    for (uint32_t i = 0; i < scope->defined.count && ok; i++) {
        uint32_t resource = SPACE_AT(&scope->defined, struct defined_resource, i).resource;
        if (number_map_find(&free_set, resource) == NULL)
            continue;
        const uint64_t *place = number_map_find(&scope->explicit_map, resource);
        if (place == NULL)
            ok = comp_invalid(v, "local resource type found in export but not exported itself");
        else
            items[count++] = SPACE_AT(&scope->explicit_resources, struct vpath, *place);
    }
    number_map_free(&free_set);
    *ret_defined = (struct vpaths){count, items};
    return ok;
}

static bool finish_component(struct comp_validator *v, const struct vcomponent **ret_component)
{
    struct vcomponent *component = comp_get(v, 1, sizeof(*component));
    if (component == NULL)
        return false;
    component->id = comp_fresh_id(v);
    component->weight = v->scope->weight;
    *ret_component = component;
    return component->id != 0 && comp_keep_externs(v, &v->scope->imports, &component->imports) &&
           comp_keep_externs(v, &v->scope->exports, &component->exports) &&
           keep(v, &v->scope->imported, &component->imported) &&
           keep(v, &v->scope->explicit_resources, &component->explicit_resources) &&
           check_imports(v, &component->imports) &&
           collect_defined(v, &component->exports, &component->defined);
}

static bool finish_instance(struct comp_validator *v, const struct vinstance **ret_instance)
{
    const struct comp_scope *scope = v->scope;
    struct vinstance *instance = comp_get(v, 1, sizeof(*instance));
    uint32_t *defined = comp_get(v, scope->defined.count, sizeof(*defined));
    if (instance == NULL || defined == NULL)
        return false;
    for (uint32_t i = 0; i < scope->defined.count; i++)
        defined[i] = SPACE_AT(&scope->defined, struct defined_resource, i).resource;
    instance->id = comp_fresh_id(v);
    instance->weight = scope->weight;
    instance->defined_count = scope->defined.count;
    instance->defined = defined;
    *ret_instance = instance;
    return instance->id != 0 && comp_keep_externs(v, &scope->exports, &instance->exports) &&
           keep(v, &scope->explicit_resources, &instance->explicit_resources);
}

bool comp_walk(struct comp_validator *v, enum scope_kind kind, const struct comp_defs *defs,
               const struct vcomponent **ret_component, const struct vinstance **ret_instance)
{
    struct comp_scope scope;
    uint32_t at = v->at;
    bool ok = scope_open(v, &scope, kind);
    for (uint32_t i = 0; i < defs->count && ok; i++) {
        v->at = defs->items[i].offset_bytes;
        ok = comp_spend(v, 1) && define(v, &defs->items[i]);
    }
    if (ok)
        v->at = at;
    if (ok && kind == SCOPE_INSTANCE_TYPE)
        ok = finish_instance(v, ret_instance);
    else if (ok)
        ok = finish_component(v, ret_component);
    scope_close(v, &scope);
    return ok;
}

enum stint_status component_validate(const struct component_file *file, struct stint_error *error)
{
    struct comp_validator v = {.file = file,
                               .registry = file->engine->types,
                               .error = error,
                               .at = file->root->offset_bytes};
    const struct vcomponent *component;
    alloc_init_child(&v.alloc, file->alloc, LIMIT_COMP_VALIDATION_BYTES);
    arena_init(&v.arena, &v.alloc);
    (void)comp_walk(&v, SCOPE_COMPONENT, &file->root->defs, &component, NULL);
    arena_free(&v.arena);
    return v.status;
}
