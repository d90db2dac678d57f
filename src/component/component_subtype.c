/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subtyping. Functions and values match when they are equal; what is new in a given instance or
 * component is ignored, and so is what a component does not import of what it could. As elsewhere, a
 * failure leaves its message in the validator.
 */
#include <string.h>

#include "component/component_validate_int.h"

/* ---- Core items -------------------------------------------------------------------------- */

static const char *extern_word(uint8_t kind)
{
    static const char *const words[] = {"func", "table", "memory", "global", "tag"};
    return words[kind];
}

static bool global_matches(struct comp_validator *v, const struct global_type *given,
                           const struct global_type *wanted)
{
    if (given->is_mutable != wanted->is_mutable)
        return false;
    return given->type == wanted->type ||
           (!given->is_mutable && types_matches(v->registry, given->type, wanted->type));
}

bool comp_core_matches(struct comp_validator *v, const struct comp_core_extern *given,
                       const struct comp_core_extern *wanted)
{
    bool ok = false;
    if (!comp_spend(v, 1))
        return false;
    if (given->kind != wanted->kind)
        return comp_invalid(v, "expected %s, found %s", extern_word(wanted->kind),
                            extern_word(given->kind));
    switch ((enum extern_kind)given->kind) {
    case EXTERN_FUNC:
        ok = types_id_matches(v->registry, given->func->id, wanted->func->id);
        break;
    case EXTERN_TABLE:
        ok = given->table.element == wanted->table.element &&
             limits_match(&given->table.limits, given->table.limits.min, &wanted->table.limits);
        break;
    case EXTERN_MEMORY:
        ok = limits_match(&given->memory.limits, given->memory.limits.min, &wanted->memory.limits);
        break;
    case EXTERN_GLOBAL:
        ok = global_matches(v, &given->global, &wanted->global);
        break;
    case EXTERN_TAG:
        ok = given->func->id == wanted->func->id;
        break;
    }
    return ok || comp_invalid(v, "the types of two %ss do not match", extern_word(given->kind));
}

static bool module_matches(struct comp_validator *v, const struct vmodule *given,
                           const struct vmodule *wanted)
{
    for (uint32_t i = 0; i < given->import_count; i++) {
        const struct comp_core_import *names = &given->import_names[i];
        uint32_t found = name_index_find(&wanted->import_index, names->module, &names->field);
        if (found == INDEX_NONE)
            return comp_invalid(v, "missing expected import '%.*s'", NAME_SHOWN(names->field));
        if (!comp_core_matches(v, &wanted->imports[found], &given->imports[i]))
            return comp_fail_in(v, "type mismatch in import", names->field);
    }
    for (uint32_t i = 0; i < wanted->export_count; i++) {
        struct wasm_name name = wanted->export_names[i];
        uint32_t found = name_index_find(&given->export_index, name, NULL);
        if (found == INDEX_NONE)
            return comp_invalid(v, "missing expected export '%.*s'", NAME_SHOWN(name));
        if (!comp_core_matches(v, &given->exports[found], &wanted->exports[i]))
            return comp_fail_in(v, "type mismatch in export", name);
    }
    return true;
}

/* ---- Values and functions ---------------------------------------------------------------- */

static const char *value_word(uint8_t kind)
{
    static const char *const words[] = {"bool",   "s8",
                                        "u8",     "s16",
                                        "u16",    "s32",
                                        "u32",    "s64",
                                        "u64",    "f32",
                                        "f64",    "char",
                                        "string", "error-context",
                                        "record", "variant",
                                        "list",   "list of fixed length",
                                        "tuple",  "flags",
                                        "enum",   "option",
                                        "result", "own",
                                        "borrow", "stream",
                                        "future", "map"};
    return words[kind];
}

static bool same_name(struct wasm_name a, struct wasm_name b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.text, b.text, a.bytes) == 0);
}

static bool members_match(struct comp_validator *v, const struct vmember *given,
                          const struct vmember *wanted, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!same_name(given[i].name, wanted[i].name))
            return comp_invalid(v, "expected the name '%.*s', found '%.*s'",
                                NAME_SHOWN(wanted[i].name), NAME_SHOWN(given[i].name));
        if (comp_value_matches(v, &given[i].type, &wanted[i].type))
            continue;
        return given[i].name.bytes == 0 ? false
                                        : comp_fail_in(v, "type mismatch in", given[i].name);
    }
    return true;
}

static bool def_matches(struct comp_validator *v, const struct vdef *given,
                        const struct vdef *wanted)
{
    if (given == wanted)
        return true;
    if (!comp_spend(v, 1 + (uint64_t)given->member_count))
        return false;
    if (given->kind != wanted->kind)
        return comp_invalid(v, "expected %s, found %s", value_word(wanted->kind),
                            value_word(given->kind));
    if (given->kind == CTYPE_OWN || given->kind == CTYPE_BORROW)
        return given->resource.id == wanted->resource.id ||
               comp_invalid(v, "resource types are not the same");
    if (given->member_count != wanted->member_count)
        return comp_invalid(v, "expected %u members of a %s, found %u", wanted->member_count,
                            value_word(given->kind), given->member_count);
    if (given->length != wanted->length)
        return comp_invalid(v, "expected a list of %u elements, found one of %u", wanted->length,
                            given->length);
    return members_match(v, given->members, wanted->members, given->member_count);
}

bool comp_value_matches(struct comp_validator *v, const struct vval *given,
                        const struct vval *wanted)
{
    uint8_t primitive = vval_primitive(given), wanted_primitive = vval_primitive(wanted);
    if (given->form == COMP_NONE || wanted->form == COMP_NONE)
        return given->form == wanted->form ||
               comp_invalid(v, "expected %s type, found %s", wanted->form == COMP_NONE ? "no" : "a",
                            given->form == COMP_NONE ? "none" : "one");
    if (primitive != CTYPE_RECORD && wanted_primitive != CTYPE_RECORD)
        return primitive == wanted_primitive ||
               comp_invalid(v, "expected %s, found %s", value_word(wanted_primitive),
                            value_word(primitive));
    if (primitive != wanted_primitive)
        return comp_invalid(
            v, "expected %s, found %s",
            value_word(wanted->form == COMP_INDEX ? wanted->type.def->kind : wanted_primitive),
            value_word(given->form == COMP_INDEX ? given->type.def->kind : primitive));
    return def_matches(v, given->type.def, wanted->type.def);
}

static bool func_matches(struct comp_validator *v, const struct vfunc *given,
                         const struct vfunc *wanted)
{
    if (given == wanted)
        return true;
    if (!comp_spend(v, 1 + (uint64_t)given->param_count))
        return false;
    if (given->is_async != wanted->is_async)
        return comp_invalid(v, "expected %s function, found %s function",
                            wanted->is_async ? "an async" : "a sync",
                            given->is_async ? "an async" : "a sync");
    if (given->param_count != wanted->param_count)
        return comp_invalid(v, "expected %u parameters, found %u", wanted->param_count,
                            given->param_count);
    return members_match(v, given->params, wanted->params, given->param_count) &&
           comp_value_matches(v, &given->result, &wanted->result);
}

/* ---- Instances and components ------------------------------------------------------------ */

static bool instance_matches(struct comp_validator *v, const struct vinstance *given,
                             const struct vinstance *wanted)
{
    if (!comp_spend(v, 1 + (uint64_t)wanted->exports.count))
        return false;
    for (uint32_t i = 0; i < wanted->exports.count; i++) {
        const struct vextern *want = &wanted->exports.items[i];
        uint32_t found = name_index_find(&given->exports.index, want->name, NULL);
        if (found == INDEX_NONE)
            return comp_invalid(v, "missing expected export '%.*s'", NAME_SHOWN(want->name));
        if (!comp_entity_matches(v, &given->exports.items[found].entity, &want->entity))
            return comp_fail_in(v, "type mismatch in instance export", want->name);
    }
    return true;
}

/*
 * Someone thinks of `given` as of a `wanted`. What such a one is given has to do for what `given`
 * imports; what `given` then exports, with these resource types, has to do for what is expected.
 */
static bool component_matches(struct comp_validator *v, const struct vcomponent *given,
                              const struct vcomponent *wanted)
{
    struct remap imports, exports;
    if (given == wanted)
        return true;
    bool ok = comp_open(v, &wanted->imports, given, true, &imports);
    if (ok) {
        struct arena_mark mark = arena_mark(&v->arena);
        struct vexterns given_exports = given->exports;
        ok = remap_externs(v, &imports, &given_exports);
        if (ok) {
            ok = comp_open(v, &given_exports, wanted, false, &exports);
            remap_free(&exports);
        }
        arena_rewind(&v->arena, mark);
    }
    remap_free(&imports);
    return ok;
}

static bool type_matches(struct comp_validator *v, const struct vtype *given,
                         const struct vtype *wanted)
{
    static const char *const words[] = {"defined type", "func type", "instance type",
                                        "component type", "resource"};
    struct vval given_value = {.form = COMP_INDEX, .type = *given};
    struct vval wanted_value = {.form = COMP_INDEX, .type = *wanted};
    if (given->kind != wanted->kind)
        return comp_invalid(v, "expected %s, found %s", words[wanted->kind], words[given->kind]);
    switch ((enum vtype_kind)given->kind) {
    case VTYPE_VALUE:
        return comp_value_matches(v, &given_value, &wanted_value);
    case VTYPE_FUNC:
        return func_matches(v, given->func, wanted->func);
    case VTYPE_INSTANCE:
        return instance_matches(v, given->instance, wanted->instance);
    case VTYPE_COMPONENT:
        return component_matches(v, given->component, wanted->component);
    case VTYPE_RESOURCE:
        break;
    }
    return given->id == wanted->id || comp_invalid(v, "resource types are not the same");
}

bool comp_entity_matches(struct comp_validator *v, const struct ventity *given,
                         const struct ventity *wanted)
{
    static const char *const words[SORT_COUNT] = {
        [SORT_CORE_MODULE] = "module",  [SORT_FUNC] = "func",
        [SORT_VALUE] = "value",         [SORT_TYPE] = "type",
        [SORT_COMPONENT] = "component", [SORT_INSTANCE] = "instance"};
    if (!comp_spend(v, 1))
        return false;
    if (given->sort != wanted->sort)
        return comp_invalid(v, "expected %s, found %s", words[wanted->sort], words[given->sort]);
    if (given->sort == SORT_CORE_MODULE)
        return module_matches(v, given->module, wanted->module);
    if (given->sort == SORT_TYPE)
        return type_matches(v, &given->referenced, &wanted->referenced);
    return type_matches(v, &given->type, &wanted->type);
}

/* ---- Opening ----------------------------------------------------------------------------- */

static const struct ventity *entity_named(const struct vexterns *externs, struct wasm_name name)
{
    uint32_t found = name_index_find(&externs->index, name, NULL);
    return found == INDEX_NONE ? NULL : &externs->items[found].entity;
}

/* Which resource type stands in `given` where `path` leads in `wanted`; 0 where there is none. */
static uint32_t resource_at(const struct vexterns *given, const struct vexterns *wanted,
                            const struct vpath *path)
{
    const struct vextern *want = &wanted->items[path->steps[0]];
    const struct ventity *entity = entity_named(given, want->name);
    for (uint32_t i = 1; i < path->length; i++) {
        if (entity == NULL || entity->sort != SORT_INSTANCE || want->entity.sort != SORT_INSTANCE)
            return 0;
        want = &want->entity.type.instance->exports.items[path->steps[i]];
        entity = entity_named(&entity->type.instance->exports, want->name);
    }
    if (entity == NULL || entity->sort != SORT_TYPE || entity->type.kind != VTYPE_RESOURCE)
        return 0;
    return entity->type.id;
}

/* The types that were given for those that were wanted, also inside of instances. */
static bool add_renamings(struct comp_validator *v, const struct ventity *given,
                          const struct ventity *wanted, struct remap *renamings)
{
    if (!comp_spend(v, 1))
        return false;
    if (wanted->sort == SORT_TYPE && given->sort == SORT_TYPE)
        return remap_put_type(v, renamings, &wanted->type, &given->type);
    if (wanted->sort != SORT_INSTANCE || given->sort != SORT_INSTANCE)
        return true;
    const struct vexterns *exports = &wanted->type.instance->exports;
    for (uint32_t i = 0; i < exports->count; i++) {
        const struct ventity *inner =
            entity_named(&given->type.instance->exports, exports->items[i].name);
        if (inner != NULL && !add_renamings(v, inner, &exports->items[i].entity, renamings))
            return false;
    }
    return true;
}

/* What was remembered of bodies is of no use once the arena is wound back. */
static bool forget_types(struct comp_validator *v, struct remap *map)
{
    if (map->types.capacity > 64) {
        number_map_free(&map->types);
        return true;
    }
    number_map_clear(&map->types);
    return comp_spend(v, 1);
}

static bool check_one(struct comp_validator *v, const struct ventity *given,
                      const struct ventity *wanted, struct remap *map)
{
    struct arena_mark mark = arena_mark(&v->arena);
    struct ventity entity = *wanted;
    bool ok = remap_entity(v, map, &entity) && forget_types(v, map) &&
              comp_entity_matches(v, given, &entity);
    arena_rewind(&v->arena, mark);
    return ok;
}

bool comp_open(struct comp_validator *v, const struct vexterns *given,
               const struct vcomponent *component, bool is_import, struct remap *ret_map)
{
    const struct vexterns *wanted = is_import ? &component->imports : &component->exports;
    const struct vpaths *resources = is_import ? &component->imported : &component->defined;
    struct remap renamings;
    bool ok = comp_spend(v, 1 + (uint64_t)wanted->count + resources->count);
    remap_init(v, ret_map);
    remap_init(v, &renamings);
    for (uint32_t i = 0; i < resources->count && ok; i++) {
        uint32_t resource = resource_at(given, wanted, &resources->items[i]);
        if (resource != 0 &&
            !number_map_put(&ret_map->resources, resources->items[i].resource, resource))
            ok = comp_nomem(v);
    }
    for (uint32_t i = 0; i < wanted->count && ok; i++) {
        const struct vextern *want = &wanted->items[i];
        const struct ventity *entity = entity_named(given, want->name);
        if (entity == NULL)
            ok = comp_invalid(v, "missing %s named '%.*s'", is_import ? "import" : "export",
                              NAME_SHOWN(want->name));
        else if (!check_one(v, entity, &want->entity, ret_map))
            ok = comp_fail_in(
                v, is_import ? "type mismatch for import" : "type mismatch for export", want->name);
        else
            ok = add_renamings(v, entity, &want->entity, &renamings);
    }
    number_map_free(&ret_map->types);
    ret_map->types = renamings.types;
    number_map_free(&renamings.resources);
    return ok;
}
