/* SPDX-License-Identifier: Apache-2.0 */
/* Types of parts as the whole writes them: the same definitions with other indices. */
#include "component/compose_int.h"

#include <string.h>

enum {
    CODE_RESULTS = 0x00,
    CODE_NO_RESULT = 0x01,
    CODE_FUNC = 0x40,
    CODE_COMPONENT = 0x41,
    CODE_INSTANCE = 0x42,
    CODE_FUNC_ASYNC = 0x43,
    DECL_TYPE = 0x01,
    DECL_ALIAS = 0x02,
    DECL_IMPORT = 0x03,
    DECL_EXPORT = 0x04,
    ALIAS_EXPORT = 0x00,
    ALIAS_OUTER = 0x02,
    NAME_PLAIN = 0x00,
    NAME_WITH_ATTRIBUTES = 0x02,
};

/* Declarations as they are read: where their types and instances are in what is written. */
struct scope {
    struct scope *outer; /* NULL: the part is around it */
    struct compose_side *side;
    uint32_t type_count, instance_count;
    uint32_t *types, *instances;
};

/* Declarations as they are written. */
struct decls {
    struct buf bytes;
    uint32_t count, types, instances;
    struct map names; /* exports: the sort, and the index of types and instances */
};

static bool put_type(struct composer *c, struct compose_side *side, struct scope *scope,
                     const struct comp_type *type, struct buf *out);

static bool unsupported(struct composer *c, const struct compose_side *side, const char *what)
{
    return compose_fail(c, STINT_UNSUPPORTED, "%s: composing a component whose imports mention %s is "
                                              "not supported",
                        side->part->title, what);
}

/* ---- Value types ------------------------------------------------------------------------- */

static bool map_type(struct composer *c, struct compose_side *side, const struct scope *scope,
                     uint32_t index, uint32_t *ret_index)
{
    if (scope == NULL)
        return compose_place(c, side, SORT_TYPE, index, ret_index);
    if (index >= scope->type_count)
        return unsupported(c, side, "a type that is not there");
    *ret_index = scope->types[index];
    return true;
}

static bool put_value(struct composer *c, struct compose_side *side, struct scope *scope,
                      struct comp_valtype type, struct buf *out)
{
    uint32_t index;
    if (type.is_index == COMP_PRIMITIVE)
        return buf_append_byte(out, new_type_codes[type.value]) || compose_no_memory(c);
    return map_type(c, side, scope, type.value, &index) &&
           (buf_append_sleb(out, index) || compose_no_memory(c));
}

static bool put_optional(struct composer *c, struct compose_side *side, struct scope *scope,
                         struct comp_valtype type, struct buf *out)
{
    (void)buf_append_byte(out, type.is_index != COMP_NONE);
    return type.is_index == COMP_NONE || put_value(c, side, scope, type, out);
}

/* Labels with their types, as each kind has them. */
static bool put_labels(struct composer *c, struct compose_side *side, struct scope *scope,
                       const struct comp_type *type, struct buf *out)
{
    bool is_func = type->kind == COMP_TYPE_FUNC;
    uint8_t kind = type->value_kind;
    (void)buf_append_uleb(out, type->label_count);
    for (uint32_t i = 0; i < type->label_count; i++) {
        const struct comp_label *label = &type->labels[i];
        if (is_func || kind != CTYPE_TUPLE)
            compose_put_name(out, label->name);
        if ((is_func || kind == CTYPE_RECORD || kind == CTYPE_TUPLE) &&
            !put_value(c, side, scope, label->type, out))
            return false;
        if (!is_func && kind == CTYPE_VARIANT) {
            if (!put_optional(c, side, scope, label->type, out))
                return false;
            (void)buf_append_byte(out, 0);
        }
    }
    return true;
}

static bool put_func(struct composer *c, struct compose_side *side, struct scope *scope,
                     const struct comp_type *type, struct buf *out)
{
    (void)buf_append_byte(out, type->is_async ? CODE_FUNC_ASYNC : CODE_FUNC);
    if (!put_labels(c, side, scope, type, out))
        return false;
    (void)buf_append_byte(out, type->result.is_index == COMP_NONE ? CODE_NO_RESULT : CODE_RESULTS);
    if (type->result.is_index == COMP_NONE)
        return buf_append_byte(out, 0) || compose_no_memory(c);
    return put_value(c, side, scope, type->result, out);
}

static bool put_defined(struct composer *c, struct compose_side *side, struct scope *scope,
                        const struct comp_type *type, struct buf *out)
{
    uint32_t resource;
    (void)buf_append_byte(out, new_type_codes[type->value_kind]);
    switch (type->value_kind) {
    case CTYPE_RECORD:
    case CTYPE_VARIANT:
    case CTYPE_TUPLE:
    case CTYPE_FLAGS:
    case CTYPE_ENUM:
        return put_labels(c, side, scope, type, out);
    case CTYPE_OWN:
    case CTYPE_BORROW:
        if (!map_type(c, side, scope, type->index, &resource))
            return false;
        return buf_append_uleb(out, resource) || compose_no_memory(c);
    case CTYPE_LIST:
    case CTYPE_LIST_FIXED:
    case CTYPE_OPTION:
    case CTYPE_MAP:
        for (uint32_t i = 0; i < type->label_count; i++) {
            if (!put_value(c, side, scope, type->labels[i].type, out))
                return false;
        }
        if (type->value_kind == CTYPE_LIST_FIXED)
            (void)buf_append_uleb(out, type->length);
        return true;
    case CTYPE_RESULT:
    case CTYPE_STREAM:
    case CTYPE_FUTURE:
        for (uint32_t i = 0; i < type->label_count; i++) {
            if (!put_optional(c, side, scope, type->labels[i].type, out))
                return false;
        }
        return true;
    default:
        return true; /* a primitive type under a name */
    }
}

/* ---- Declarations ------------------------------------------------------------------------ */

void compose_put_extern_name(struct buf *out, struct wasm_name name,
                             const struct comp_attributes *attributes)
{
    const struct wasm_name *names[3];
    uint8_t codes[3], count = 0;
    if (attributes != NULL) {
        const struct wasm_name *all[] = {&attributes->implements, &attributes->version_suffix,
                                         &attributes->external_id};
        for (uint8_t i = 0; i < COUNT_OF(all); i++) {
            if (all[i]->text != NULL) {
                names[count] = all[i];
                codes[count++] = i;
            }
        }
    }
    (void)buf_append_byte(out, count == 0 ? NAME_PLAIN : NAME_WITH_ATTRIBUTES);
    compose_put_name(out, name);
    if (count > 0)
        (void)buf_append_uleb(out, count);
    for (uint8_t i = 0; i < count; i++) {
        (void)buf_append_byte(out, codes[i]);
        compose_put_name(out, *names[i]);
    }
}

static bool put_extern(struct composer *c, const struct scope *scope,
                       const struct comp_extern_type *type, struct buf *out)
{
    uint32_t index;
    if (type->sort == SORT_CORE_MODULE || type->sort == SORT_VALUE)
        return unsupported(c, scope->side, "core modules or values");
    compose_put_sort(out, type->sort);
    if (type->sort == SORT_TYPE) {
        (void)buf_append_byte(out, type->bound == BOUND_SUB_RESOURCE);
        if (type->bound == BOUND_SUB_RESOURCE)
            return true;
    }
    return map_type(c, scope->side, scope, type->index, &index) &&
           (buf_append_uleb(out, index) || compose_no_memory(c));
}

/* The declaration that is read now is item `index` of its sort in what is written. */
static void note(struct scope *scope, uint8_t sort, uint32_t index)
{
    if (sort == SORT_TYPE)
        scope->types[scope->type_count++] = index;
    else if (sort == SORT_INSTANCE)
        scope->instances[scope->instance_count++] = index;
}

static uint32_t add_item(struct decls *decls, uint8_t sort)
{
    decls->count++;
    return sort == SORT_TYPE ? decls->types++ : sort == SORT_INSTANCE ? decls->instances++ : 0;
}

static bool put_outer_alias(struct composer *c, struct scope *scope, const struct comp_def *def,
                            struct decls *decls)
{
    const struct scope *from = scope;
    uint32_t index;
    if (def->sort != SORT_TYPE)
        return unsupported(c, scope->side, "core types");
    for (uint32_t i = 0; i < def->outer_count && from != NULL; i++)
        from = from->outer;
    if (!map_type(c, scope->side, from, def->index, &index))
        return false;
    (void)buf_append_byte(&decls->bytes, DECL_ALIAS);
    compose_put_sort(&decls->bytes, def->sort);
    (void)buf_append_byte(&decls->bytes, ALIAS_OUTER);
    (void)buf_append_uleb(&decls->bytes, def->outer_count);
    (void)buf_append_uleb(&decls->bytes, index);
    note(scope, def->sort, add_item(decls, def->sort));
    return true;
}

static bool put_export_alias(struct composer *c, struct scope *scope, const struct comp_def *def,
                             struct decls *decls)
{
    if ((def->sort != SORT_TYPE && def->sort != SORT_INSTANCE) ||
        def->index >= scope->instance_count)
        return unsupported(c, scope->side, "aliases of other kinds");
    (void)buf_append_byte(&decls->bytes, DECL_ALIAS);
    compose_put_sort(&decls->bytes, def->sort);
    (void)buf_append_byte(&decls->bytes, ALIAS_EXPORT);
    (void)buf_append_uleb(&decls->bytes, scope->instances[def->index]);
    compose_put_name(&decls->bytes, def->name);
    note(scope, def->sort, add_item(decls, def->sort));
    return true;
}

/* What another part wants as well is there already. */
static bool put_extern_decl(struct composer *c, struct scope *scope, const struct comp_def *def,
                            struct decls *decls)
{
    const uint64_t *known = def->kind == DEF_IMPORT
                                ? NULL
                                : map_find(&decls->names, def->name.text, def->name.bytes);
    if (known != NULL) {
        if (*known >> 32 != def->sort)
            return compose_fail(c, STINT_INVALID,
                                "the parts disagree on what '%.*s' of an interface is that they import",
                                NAME_ARGS(def->name));
        note(scope, def->sort, (uint32_t)*known);
        return true;
    }
    (void)buf_append_byte(&decls->bytes, def->kind == DEF_IMPORT ? DECL_IMPORT : DECL_EXPORT);
    compose_put_extern_name(&decls->bytes, def->name, def->attributes);
    if (!put_extern(c, scope, &def->extern_type, &decls->bytes))
        return false;
    uint32_t index = add_item(decls, def->sort);
    note(scope, def->sort, index);
    return def->kind == DEF_IMPORT ||
           map_put(&decls->names, def->name.text, def->name.bytes,
                   (uint64_t)def->sort << 32 | index) ||
           compose_no_memory(c);
}

static bool put_decl(struct composer *c, struct scope *scope, const struct comp_def *def,
                     struct decls *decls)
{
    switch (def->kind) {
    case DEF_TYPE:
        (void)buf_append_byte(&decls->bytes, DECL_TYPE);
        if (!put_type(c, scope->side, scope, def->type, &decls->bytes))
            return false;
        note(scope, SORT_TYPE, add_item(decls, SORT_TYPE));
        return true;
    case DEF_ALIAS_OUTER:
        return put_outer_alias(c, scope, def, decls);
    case DEF_ALIAS_EXPORT:
        return put_export_alias(c, scope, def, decls);
    case DEF_IMPORT:
    case DEF_EXPORT_DECL:
        return put_extern_decl(c, scope, def, decls);
    default:
        return unsupported(c, scope->side, "core types");
    }
}

/* The declarations of a type, in a scope of their own inside of `outer`. */
static bool put_decls(struct composer *c, struct compose_side *side, struct scope *outer,
                      const struct comp_defs *defs, struct decls *decls)
{
    struct scope scope = {.outer = outer, .side = side};
    scope.types = compose_get(c, defs->count, sizeof(*scope.types));
    scope.instances = compose_get(c, defs->count, sizeof(*scope.instances));
    if (scope.types == NULL || scope.instances == NULL)
        return false;
    for (uint32_t i = 0; i < defs->count; i++) {
        if (!put_decl(c, &scope, &defs->items[i], decls))
            return false;
    }
    return !decls->bytes.failed || compose_no_memory(c);
}

static void decls_init(struct decls *decls, struct alloc *alloc)
{
    memset(decls, 0, sizeof(*decls));
    buf_init(&decls->bytes, alloc, SIZE_MAX);
    map_init(&decls->names, alloc);
}

static void decls_free(struct decls *decls)
{
    buf_free(&decls->bytes);
    map_free(&decls->names);
}

/* ---- Types ------------------------------------------------------------------------------- */

static bool put_type(struct composer *c, struct compose_side *side, struct scope *scope,
                     const struct comp_type *type, struct buf *out)
{
    struct decls decls;
    switch (type->kind) {
    case COMP_TYPE_VALUE:
        return put_defined(c, side, scope, type, out);
    case COMP_TYPE_FUNC:
        return put_func(c, side, scope, type, out);
    case COMP_TYPE_RESOURCE:
        return unsupported(c, side, "a resource type of its own");
    default:
        break;
    }
    decls_init(&decls, c->alloc);
    bool ok = put_decls(c, side, scope, &type->decls, &decls);
    (void)buf_append_byte(out, type->kind == COMP_TYPE_COMPONENT ? CODE_COMPONENT : CODE_INSTANCE);
    (void)buf_append_uleb(out, decls.count);
    (void)buf_append(out, decls.bytes.data, decls.bytes.bytes);
    decls_free(&decls);
    return ok && (!out->failed || compose_no_memory(c));
}

bool compose_put_type(struct composer *c, struct compose_side *side, const struct comp_type *type,
                      uint32_t *ret_place)
{
    struct buf one;
    buf_init(&one, c->alloc, SIZE_MAX);
    if (!put_type(c, side, NULL, type, &one)) {
        buf_free(&one);
        return false;
    }
    *ret_place = c->counts[SORT_TYPE]++;
    return compose_put_one(c, SECTION_COMP_TYPE, &one);
}

/* The instance type that a part imports; NULL where it has none of its own. */
static const struct comp_type *interface_of(const struct compose_import *import)
{
    const struct compose_space *types = &import->side->spaces[SORT_TYPE];
    uint32_t index = import->def->extern_type.index;
    const struct comp_def *def = index < types->count ? types->defs[index] : NULL;
    return def != NULL && def->kind == DEF_TYPE && def->type->kind == COMP_TYPE_INSTANCE ? def->type
                                                                                         : NULL;
}

bool compose_put_interface(struct composer *c, const struct compose_outer *outer,
                           uint32_t *ret_place)
{
    struct decls decls;
    struct buf one;
    bool ok = true;
    decls_init(&decls, c->alloc);
    for (const struct compose_import *import = outer->wanted; import != NULL && ok;
         import = import->next) {
        const struct comp_type *type = interface_of(import);
        ok = type != NULL ? put_decls(c, import->side, NULL, &type->decls, &decls)
                          : unsupported(c, import->side, "types that are aliases");
    }
    buf_init(&one, c->alloc, SIZE_MAX);
    (void)buf_append_byte(&one, CODE_INSTANCE);
    (void)buf_append_uleb(&one, decls.count);
    (void)buf_append(&one, decls.bytes.data, decls.bytes.bytes);
    decls_free(&decls);
    if (!ok) {
        buf_free(&one);
        return false;
    }
    *ret_place = c->counts[SORT_TYPE]++;
    return compose_put_one(c, SECTION_COMP_TYPE, &one);
}
