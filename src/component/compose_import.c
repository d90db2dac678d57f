/* SPDX-License-Identifier: Apache-2.0 */
/* What the whole imports. */
#include "component/compose_int.h"

#include <stdio.h>
#include <string.h>

#include "component/plan_int.h"

/* ---- What parts want --------------------------------------------------------------------- */

struct compose_import *compose_find_import(struct compose_side *side, const struct comp_def *def)
{
    uint32_t low = 0, high = side->import_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (side->imports[middle].def < def)
            low = middle + 1;
        else
            high = middle;
    }
    return low < side->import_count && side->imports[low].def == def ? &side->imports[low] : NULL;
}

/* What defines an item of a part, behind exports of it. */
static const struct comp_def *definition(const struct compose_side *side, uint8_t sort,
                                         uint32_t index)
{
    const struct compose_space *space = &side->spaces[sort];
    const struct comp_def *def = index < space->count ? space->defs[index] : NULL;
    while (def != NULL && def->kind == DEF_EXPORT)
        def = def->index < space->count ? space->defs[def->index] : NULL;
    return def;
}

/* Whether a type of a part is that of an import which is apart. */
static bool is_of_apart(struct compose_side *side, uint32_t type)
{
    const struct comp_def *def = definition(side, SORT_TYPE, type);
    while (def != NULL && def->kind == DEF_ALIAS_EXPORT)
        def = definition(side, SORT_INSTANCE, def->index);
    if (def == NULL || def->kind != DEF_IMPORT)
        return false;
    const struct compose_import *import = compose_find_import(side, def);
    return import != NULL && import->outer != NULL && import->outer->is_apart;
}

/* Whether its types are of imports that are apart, which come before it. */
static bool builds_upon_apart(struct compose_side *side, const struct compose_import *import)
{
    if (import->def->sort != SORT_INSTANCE)
        return false;
    const struct comp_def *def =
        definition(side, SORT_TYPE, import->def->extern_type.index);
    if (def == NULL || def->kind != DEF_TYPE)
        return false;
    for (uint32_t i = 0; i < def->type->decls.count; i++) {
        const struct comp_def *decl = &def->type->decls.items[i];
        if (decl->kind == DEF_ALIAS_OUTER && decl->sort == SORT_TYPE && decl->outer_count == 1 &&
            is_of_apart(side, decl->index))
            return true;
    }
    return false;
}

/*
 * What imports of one interface have in common: the name; where versions are merged, up to the first number
 * that is not 0. One that is apart has a byte behind it.
 */
static struct wasm_name key_of(struct composer *c, struct wasm_name name, bool is_apart)
{
    uint32_t bytes = name.bytes;
    const char *at = bytes > 0 ? memchr(name.text, '@', bytes) : NULL;
    bool is_early = at != NULL && memchr(at, '-', bytes - (size_t)(at - name.text)) != NULL;
    if (c->merges_versions && at != NULL && !is_early) {
        const char *end = name.text + bytes, *stop = at + 1;
        for (; stop < end && (*stop == '0' || *stop == '.'); stop++)
            continue;
        for (; stop < end && *stop >= '0' && *stop <= '9'; stop++)
            continue;
        bytes = (uint32_t)(stop - name.text);
    }
    char *key = compose_get(c, (size_t)bytes + 2, 1);
    if (key == NULL)
        return (struct wasm_name){0};
    memcpy(key, name.text, bytes);
    key[bytes] = is_apart ? '!' : '=';
    return (struct wasm_name){key, bytes + 1};
}

static bool join(struct composer *c, struct map *outers, struct compose_import *import,
                 bool is_apart, bool is_denied)
{
    struct wasm_name key = key_of(c, import->def->name, is_apart);
    if (key.text == NULL)
        return false;
    const uint64_t *known = map_find(outers, key.text, key.bytes);
    struct compose_outer *outer = &c->outers[known != NULL ? *known : c->outer_count];
    if (known == NULL) {
        *outer = (struct compose_outer){.name = import->def->name,
                                        .interface = import->def->name,
                                        .is_apart = is_apart,
                                        .is_denied = is_denied};
        if (!map_put(outers, key.text, key.bytes, c->outer_count++))
            return compose_no_memory(c);
    } else if (outer->wanted->def->sort != import->def->sort) {
        return compose_fail(c, STINT_INVALID, "%s and %s both import '%.*s', as different sorts of things",
                            outer->wanted->side->part->title, import->side->part->title,
                            NAME_ARGS(import->def->name));
    } else if (plan_name_is_later(import->def->name, outer->name)) {
        outer->name = outer->interface = import->def->name;
    }
    import->outer = outer;
    import->next = NULL;
    struct compose_import **end = &outer->wanted;
    /* Parts are few, and none wants a name twice; versions that are merged may be. */
    while (*end != NULL)
        end = &(*end)->next;
    *end = import;
    return true;
}

/* A name that no part imports. */
static bool name_apart(struct composer *c, const struct map *outers, struct compose_outer *outer,
                       uint32_t *number)
{
    char name[32], key[40];
    int bytes, key_bytes;
    do {
        bytes = snprintf(name, sizeof(name), "%s-x%u", outer->is_denied ? "denied" : "apart",
                         (unsigned)(*number)++);
        key_bytes = snprintf(key, sizeof(key), "%s=", name);
    } while (map_find(outers, key, (size_t)key_bytes) != NULL);
    outer->name.text = arena_copy_string(c->arena, name, (size_t)bytes);
    outer->name.bytes = (uint32_t)bytes;
    return outer->name.text != NULL || compose_no_memory(c);
}

bool compose_gather(struct composer *c)
{
    struct map outers;
    bool ok = true;
    uint32_t number = 0;
    c->outers = compose_get(c, c->import_count, sizeof(*c->outers));
    if (c->outers == NULL)
        return false;
    map_init(&outers, c->alloc);
    for (uint32_t i = 0; i < c->what->part_count && ok; i++) {
        struct compose_side *side = &c->sides[i];
        const struct compose_part *part = side->part;
        for (uint32_t k = 0; k < side->import_count && side->is_used && ok; k++) {
            struct compose_import *import = &side->imports[k];
            if (import->link != COMPOSE_NONE)
                continue;
            bool is_denied = part->denies != NULL && import->def->sort == SORT_INSTANCE &&
                             part->denies(part->env, import->def->name);
            bool is_apart =
                is_denied || (part->denies != NULL && builds_upon_apart(side, import));
            ok = join(c, &outers, import, is_apart, is_denied);
        }
    }
    for (uint32_t i = 0; i < c->outer_count && ok; i++) {
        if (c->outers[i].is_apart)
            ok = name_apart(c, &outers, &c->outers[i], &number);
    }
    map_free(&outers);
    return ok;
}

/* ---- Writing ----------------------------------------------------------------------------- */

/* The type that comes behind an import's name. */
static bool put_extern(struct composer *c, const struct compose_outer *outer, struct buf *one)
{
    struct compose_import *first = outer->wanted;
    const struct comp_extern_type *type = &first->def->extern_type;
    uint32_t index = 0;
    bool ok = true;
    if (type->sort == SORT_INSTANCE)
        ok = compose_put_interface(c, outer, &index);
    else if (type->sort == SORT_FUNC || (type->sort == SORT_TYPE && type->bound == BOUND_EQ))
        ok = compose_place(c, first->side, SORT_TYPE, type->index, &index);
    else if (type->sort != SORT_TYPE)
        ok = compose_fail(c, STINT_UNSUPPORTED, "%s imports '%.*s', a %s, which no host gives",
                          first->side->part->title, NAME_ARGS(outer->name),
                          type->sort == SORT_COMPONENT     ? "component"
                          : type->sort == SORT_CORE_MODULE ? "core module"
                                                           : "value");
    compose_put_sort(one, type->sort);
    if (type->sort == SORT_TYPE)
        (void)buf_append_byte(one, type->bound == BOUND_SUB_RESOURCE);
    if (type->sort != SORT_TYPE || type->bound == BOUND_EQ)
        (void)buf_append_uleb(one, index);
    return ok;
}

static bool put_outer(struct composer *c, struct compose_outer *outer)
{
    struct buf one, type;
    const struct comp_def *first = outer->wanted->def;
    if (outer->state == COMPOSE_BEGUN)
        return compose_fail(c, STINT_UNSUPPORTED,
                            "the imports of the parts need each other in a circle: '%.*s'",
                            NAME_ARGS(outer->name));
    outer->state = COMPOSE_BEGUN;
    buf_init(&one, c->alloc, SIZE_MAX);
    buf_init(&type, c->alloc, SIZE_MAX);
    bool ok = put_extern(c, outer, &type);
    compose_put_extern_name(&one, outer->name, outer->is_apart ? NULL : first->attributes);
    (void)buf_append(&one, type.data, type.bytes);
    ok = ok && (!type.failed || compose_no_memory(c));
    buf_free(&type);
    if (!ok) {
        buf_free(&one);
        return false;
    }
    outer->state = COMPOSE_WRITTEN;
    outer->place = c->counts[first->sort]++;
    return compose_put_one(c, SECTION_COMP_IMPORT, &one);
}

bool compose_place_import(struct composer *c, struct compose_import *import, uint32_t *ret_place)
{
    if (import->link != COMPOSE_NONE) {
        const struct compose_side *other = &c->sides[c->what->links[import->link].part];
        return compose_put_alias(c, import->def->sort, other->instance, import->export, ret_place);
    }
    if (import->outer->state != COMPOSE_WRITTEN && !put_outer(c, import->outer))
        return false;
    *ret_place = import->outer->place;
    return true;
}

static bool place_new(struct composer *c, struct compose_side *side, const struct comp_def *def,
                      uint32_t *ret_place)
{
    struct compose_import *import;
    uint32_t instance;
    switch (def->kind) {
    case DEF_IMPORT:
        import = compose_find_import(side, def);
        return import != NULL && compose_place_import(c, import, ret_place);
    case DEF_ALIAS_EXPORT:
        return compose_place(c, side, SORT_INSTANCE, def->index, &instance) &&
               compose_put_alias(c, def->sort, instance, def->name, ret_place);
    case DEF_TYPE:
        return compose_put_type(c, side, def->type, ret_place);
    default:
        return compose_fail(c, STINT_UNSUPPORTED,
                            "%s: composing a component whose imports mention what it makes itself is "
                            "not supported",
                            side->part->title);
    }
}

bool compose_place(struct composer *c, struct compose_side *side, uint8_t sort, uint32_t index,
                   uint32_t *ret_place)
{
    struct compose_space *space = &side->spaces[sort];
    const struct comp_def *def = definition(side, sort, index);
    if (def == NULL)
        return compose_fail(c, STINT_INVALID, "%s is not valid", side->part->title);
    if (space->places[index] != 0) {
        *ret_place = space->places[index] - 1;
        return true;
    }
    if (c->depth == COMPOSE_DEPTH_MAX)
        return compose_fail(c, STINT_LIMIT, "the imports of %s need each other more than %d deep",
                            side->part->title, COMPOSE_DEPTH_MAX);
    c->depth++;
    bool ok = place_new(c, side, def, ret_place);
    c->depth--;
    if (ok)
        space->places[index] = *ret_place + 1;
    return ok;
}
