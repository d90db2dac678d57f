/* SPDX-License-Identifier: Apache-2.0 */
#include "component/wit_int.h"

static const char *const keywords[] = {
    "as",       "async",     "bool",  "borrow", "char",   "constructor", "enum",    "error-context",
    "export",   "f32",       "f64",   "flags",  "from",   "func",        "future",  "import",
    "include",  "interface", "list",  "map",    "option", "own",         "package", "record",
    "resource", "result",    "s16",   "s32",    "s64",    "s8",          "static",  "stream",
    "string",   "tuple",     "type",  "u16",    "u32",    "u64",         "u8",      "use",
    "variant",  "with",      "world",
};

static const char *const primitives[] = {
    [CTYPE_BOOL] = "bool",     [CTYPE_S8] = "s8",
    [CTYPE_U8] = "u8",         [CTYPE_S16] = "s16",
    [CTYPE_U16] = "u16",       [CTYPE_S32] = "s32",
    [CTYPE_U32] = "u32",       [CTYPE_S64] = "s64",
    [CTYPE_U64] = "u64",       [CTYPE_F32] = "f32",
    [CTYPE_F64] = "f64",       [CTYPE_CHAR] = "char",
    [CTYPE_STRING] = "string", [CTYPE_ERROR_CONTEXT] = "error-context",
};

static void put(struct buf *out, const char *text)
{
    (void)buf_append_string(out, text);
}

static void put_raw(struct buf *out, struct wasm_name name)
{
    (void)buf_append(out, name.text, name.bytes);
}

/* An identifier, with % where it is a keyword. */
static void put_name(struct buf *out, struct wasm_name name)
{
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (strlen(keywords[i]) == name.bytes && memcmp(keywords[i], name.text, name.bytes) == 0)
            put(out, "%");
    }
    put_raw(out, name);
}

static void indent(struct buf *out, unsigned depth)
{
    while (depth-- > 0)
        put(out, "  ");
}

/* ---- Names of interfaces: "namespace:package/interface@version" --------------------------- */

static size_t find_char(struct wasm_name name, char wanted, size_t otherwise)
{
    const char *at = name.bytes > 0 ? memchr(name.text, wanted, name.bytes) : NULL;
    return at != NULL ? (size_t)(at - name.text) : otherwise;
}

static struct wasm_name part(struct wasm_name name, size_t from, size_t to)
{
    return (struct wasm_name){name.text + from, (uint32_t)(to - from)};
}

static bool is_packaged(struct wasm_name name)
{
    return find_char(name, ':', name.bytes) < name.bytes &&
           find_char(name, '/', name.bytes) < name.bytes;
}

static struct wasm_name package_of(struct wasm_name name)
{
    return part(name, 0, find_char(name, '/', name.bytes));
}

static struct wasm_name interface_of(struct wasm_name name)
{
    size_t from = find_char(name, '/', 0);
    return part(name, from < name.bytes && name.text[from] == '/' ? from + 1 : from,
                find_char(name, '@', name.bytes));
}

/* With its "@", or empty. */
static struct wasm_name version_of(struct wasm_name name)
{
    return part(name, find_char(name, '@', name.bytes), name.bytes);
}

static bool same_package(struct wasm_name a, struct wasm_name b)
{
    return wit_same_name(package_of(a), package_of(b)) &&
           wit_same_name(version_of(a), version_of(b));
}

/* ---- Types -------------------------------------------------------------------------------- */

static void put_type(struct buf *out, const struct wit_scope *scope, struct comp_valtype type);

static void put_types(struct buf *out, const struct wit_scope *scope, const char *name,
                      const struct comp_label *labels, uint32_t count)
{
    put(out, name);
    put(out, "<");
    for (uint32_t i = 0; i < count; i++) {
        put(out, i > 0 ? ", " : "");
        put_type(out, scope, labels[i].type);
    }
    put(out, ">");
}

static void put_result(struct buf *out, const struct wit_scope *scope, const struct comp_type *def)
{
    bool has_ok = def->labels[0].type.is_index != COMP_NONE;
    bool has_error = def->labels[1].type.is_index != COMP_NONE;
    put(out, "result");
    if (!has_ok && !has_error)
        return;
    put(out, "<");
    if (has_ok)
        put_type(out, scope, def->labels[0].type);
    else
        put(out, "_");
    if (has_error) {
        put(out, ", ");
        put_type(out, scope, def->labels[1].type);
    }
    put(out, ">");
}

/* A stream or future may be of nothing. */
static void put_maybe(struct buf *out, const struct wit_scope *scope, const char *name,
                      const struct comp_type *def)
{
    if (def->label_count == 0 || def->labels[0].type.is_index == COMP_NONE)
        put(out, name);
    else
        put_types(out, scope, name, def->labels, 1);
}

static void put_handle(struct buf *out, const struct wit_scope *scope, const struct comp_type *def)
{
    struct comp_valtype resource = {COMP_INDEX, def->index};
    if (def->value_kind == CTYPE_OWN) {
        put_type(out, scope, resource);
        return;
    }
    put(out, "borrow<");
    put_type(out, scope, resource);
    put(out, ">");
}

/* What has no name: WIT writes it out. */
static void put_definition(struct buf *out, const struct wit_scope *scope,
                           const struct comp_type *def)
{
    if (def->kind != COMP_TYPE_VALUE) {
        put(out, "_");
        return;
    }
    switch (def->value_kind) {
    case CTYPE_LIST:
        put_types(out, scope, "list", def->labels, 1);
        break;
    case CTYPE_LIST_FIXED:
        put(out, "list<");
        put_type(out, scope, def->labels[0].type);
        (void)buf_append_format(out, ", %u>", def->length);
        break;
    case CTYPE_TUPLE:
        put_types(out, scope, "tuple", def->labels, def->label_count);
        break;
    case CTYPE_OPTION:
        put_types(out, scope, "option", def->labels, 1);
        break;
    case CTYPE_MAP:
        put_types(out, scope, "map", def->labels, 2);
        break;
    case CTYPE_RESULT:
        put_result(out, scope, def);
        break;
    case CTYPE_STREAM:
        put_maybe(out, scope, "stream", def);
        break;
    case CTYPE_FUTURE:
        put_maybe(out, scope, "future", def);
        break;
    case CTYPE_OWN:
    case CTYPE_BORROW:
        put_handle(out, scope, def);
        break;
    default:
        if (def->value_kind <= CTYPE_PRIMITIVE_LAST)
            put(out, primitives[def->value_kind]);
        else
            put(out, "_"); /* records and the like have names in WIT, always */
        break;
    }
}

static void put_type(struct buf *out, const struct wit_scope *scope, struct comp_valtype type)
{
    if (type.is_index == COMP_PRIMITIVE) {
        put(out, type.value <= CTYPE_PRIMITIVE_LAST ? primitives[type.value] : "_");
        return;
    }
    const struct wit_type *named = wit_type_at(scope, type.value);
    if (named != NULL && named->name.text != NULL)
        put_name(out, named->name);
    else if (named != NULL && named->def != NULL)
        put_definition(out, named->scope, named->def);
    else
        put(out, "_");
}

static void put_params(struct buf *out, struct wit_func func, bool skip_self)
{
    put(out, "(");
    for (uint32_t i = skip_self ? 1 : 0; i < func.def->label_count; i++) {
        put(out, i > (skip_self ? 1U : 0U) ? ", " : "");
        put_name(out, func.def->labels[i].name);
        put(out, ": ");
        put_type(out, func.scope, func.def->labels[i].type);
    }
    put(out, ")");
}

static void put_func(struct buf *out, struct wit_func func, bool is_static, bool skip_self)
{
    put(out, is_static ? "static " : "");
    if (func.def == NULL) {
        put(out, "func()");
        return;
    }
    put(out, func.def->is_async ? "async func" : "func");
    put_params(out, func, skip_self);
    if (func.def->result.is_index != COMP_NONE) {
        put(out, " -> ");
        put_type(out, func.scope, func.def->result);
    }
}

/* ---- Resources ---------------------------------------------------------------------------- */

/* Whether `name` is "[what]resource" or "[what]resource.member"; the member's name. */
static bool is_member(struct wasm_name name, const char *what, struct wasm_name resource,
                      struct wasm_name *ret_member)
{
    size_t start = strlen(what), bytes = start + resource.bytes;
    if (name.bytes < bytes || memcmp(name.text, what, start) != 0 ||
        memcmp(name.text + start, resource.text, resource.bytes) != 0)
        return false;
    if (name.bytes > bytes && name.text[bytes] != '.')
        return false;
    *ret_member = part(name, name.bytes > bytes ? bytes + 1 : bytes, name.bytes);
    return true;
}

/* A constructor that may fail says so; one that may not gives the resource, which goes without saying. */
static void put_constructor(struct buf *out, struct wit_func func)
{
    put(out, "constructor");
    if (func.def == NULL) {
        put(out, "()");
        return;
    }
    put_params(out, func, false);
    const struct wit_type *result = wit_type_at(func.scope, func.def->result.value);
    if (result != NULL && result->def != NULL && result->def->value_kind == CTYPE_RESULT) {
        put(out, " -> ");
        put_type(out, func.scope, func.def->result);
    }
}

static void put_resource(struct buf *out, const struct wit_interface *interface,
                         struct wasm_name name, unsigned depth)
{
    bool is_open = false;
    struct wasm_name member;
    indent(out, depth);
    put(out, "resource ");
    put_name(out, name);
    for (size_t i = 0; i < interface->count; i++) {
        const struct wit_item *item = &interface->items[i];
        bool is_constructor = is_member(item->name, "[constructor]", name, &member);
        bool is_static = !is_constructor && is_member(item->name, "[static]", name, &member);
        bool is_method =
            !is_constructor && !is_static && is_member(item->name, "[method]", name, &member);
        if (item->sort != SORT_FUNC || (!is_constructor && !is_static && !is_method))
            continue;
        put(out, is_open ? "" : " {\n");
        is_open = true;
        indent(out, depth + 1);
        if (is_constructor) {
            put_constructor(out, item->entity.func);
        } else {
            put_name(out, member);
            put(out, ": ");
            put_func(out, item->entity.func, is_static, is_method);
        }
        put(out, ";\n");
    }
    if (is_open)
        indent(out, depth);
    put(out, is_open ? "}\n" : ";\n");
}

/* ---- Interfaces --------------------------------------------------------------------------- */

static void put_block(struct buf *out, const char *what, const struct wit_type *type,
                      unsigned depth)
{
    const struct comp_type *def = type->def;
    put(out, what);
    put(out, " ");
    put_name(out, type->name);
    put(out, " {\n");
    for (uint32_t i = 0; i < def->label_count; i++) {
        bool has_type = def->labels[i].type.is_index != COMP_NONE &&
                        (def->value_kind == CTYPE_RECORD || def->value_kind == CTYPE_VARIANT);
        indent(out, depth + 1);
        put_name(out, def->labels[i].name);
        if (has_type) {
            put(out, def->value_kind == CTYPE_RECORD ? ": " : "(");
            put_type(out, type->scope, def->labels[i].type);
            put(out, def->value_kind == CTYPE_RECORD ? "" : ")");
        }
        put(out, ",\n");
    }
    indent(out, depth);
    put(out, "}\n");
}

static void put_type_item(struct buf *out, const struct wit_interface *interface,
                          const struct wit_type *type, unsigned depth)
{
    if (type->same == NULL && type->def == NULL) {
        put_resource(out, interface, type->name, depth);
        return;
    }
    indent(out, depth);
    unsigned kind = type->same == NULL && type->def->kind == COMP_TYPE_VALUE ? type->def->value_kind
                                                                             : CTYPE_BOOL;
    switch (kind) {
    case CTYPE_RECORD:
        put_block(out, "record", type, depth);
        return;
    case CTYPE_VARIANT:
        put_block(out, "variant", type, depth);
        return;
    case CTYPE_ENUM:
        put_block(out, "enum", type, depth);
        return;
    case CTYPE_FLAGS:
        put_block(out, "flags", type, depth);
        return;
    default:
        break;
    }
    put(out, "type ");
    put_name(out, type->name);
    put(out, " = ");
    if (type->same != NULL && type->same->name.text != NULL)
        put_name(out, type->same->name);
    else if (type->same == NULL)
        put_definition(out, type->scope, type->def);
    else
        put(out, "_");
    put(out, ";\n");
}

/* A name of another interface that this one only passes on. */
static bool is_use(const struct wit_interface *interface, const struct wit_item *item)
{
    const struct wit_type *type = item->entity.type;
    return item->sort == SORT_TYPE && type != NULL && type->same != NULL &&
           type->same->owner != NULL && type->same->owner != interface &&
           type->same->owner->name.text != NULL;
}

static void put_interface_name(struct buf *out, const struct wit_interface *from,
                               struct wasm_name name)
{
    if (from->name.text != NULL && same_package(from->name, name))
        put_name(out, interface_of(name));
    else
        put_raw(out, name);
}

static bool is_first_use(const struct wit_interface *interface, size_t number)
{
    const struct wit_interface *owner = interface->items[number].entity.type->same->owner;
    for (size_t i = 0; i < number; i++) {
        if (is_use(interface, &interface->items[i]) &&
            interface->items[i].entity.type->same->owner == owner)
            return false;
    }
    return true;
}

static bool put_uses(struct buf *out, const struct wit_interface *interface, unsigned depth)
{
    bool has_any = false;
    for (size_t i = 0; i < interface->count; i++) {
        if (!is_use(interface, &interface->items[i]) || !is_first_use(interface, i))
            continue;
        const struct wit_interface *owner = interface->items[i].entity.type->same->owner;
        has_any = true;
        indent(out, depth);
        put(out, "use ");
        put_interface_name(out, interface, owner->name);
        put(out, ".{");
        for (size_t k = i; k < interface->count; k++) {
            const struct wit_item *item = &interface->items[k];
            if (!is_use(interface, item) || item->entity.type->same->owner != owner)
                continue;
            put(out, k > i ? ", " : "");
            put_name(out, item->entity.type->same->name);
            if (!wit_same_name(item->entity.type->same->name, item->name)) {
                put(out, " as ");
                put_name(out, item->name);
            }
        }
        put(out, "};\n");
    }
    return has_any;
}

static void put_items(struct buf *out, const struct wit_interface *interface, unsigned depth)
{
    bool needs_space = put_uses(out, interface, depth);
    for (size_t i = 0; i < interface->count; i++) {
        const struct wit_item *item = &interface->items[i];
        bool is_func = item->sort == SORT_FUNC && item->name.text[0] != '[';
        bool is_type =
            item->sort == SORT_TYPE && item->entity.type != NULL && !is_use(interface, item);
        if (!is_func && !is_type)
            continue;
        put(out, needs_space ? "\n" : "");
        needs_space = true;
        if (is_type) {
            put_type_item(out, interface, item->entity.type, depth);
            continue;
        }
        indent(out, depth);
        put_name(out, item->name);
        put(out, ": ");
        put_func(out, item->entity.func, false, false);
        put(out, ";\n");
    }
}

/* The interfaces of the package of `first`, each once; a later one of the same name adds nothing. */
static void put_package(struct buf *out, struct wit *w, const struct wit_interface *first)
{
    put(out, "\npackage ");
    put_raw(out, package_of(first->name));
    put_raw(out, version_of(first->name));
    put(out, " {\n");
    for (size_t i = 0; i < w->interface_count; i++) {
        struct wit_interface *interface = w->interfaces[i];
        if (!is_packaged(interface->name) || !same_package(interface->name, first->name) ||
            interface->is_printed)
            continue;
        for (size_t k = i; k < w->interface_count; k++) {
            if (wit_same_name(w->interfaces[k]->name, interface->name))
                w->interfaces[k]->is_printed = true;
        }
        put(out, "  interface ");
        put_name(out, interface_of(interface->name));
        put(out, " {\n");
        put_items(out, interface, 2);
        put(out, "  }\n");
    }
    put(out, "}\n");
}

static void put_world_item(struct buf *out, const struct wit_item *item)
{
    const struct wit_interface *interface = item->entity.interface;
    indent(out, 1);
    put(out, item->is_export ? "export " : "import ");
    if (item->sort == SORT_INSTANCE && is_packaged(item->name)) {
        put_raw(out, item->name);
        put(out, ";\n");
        return;
    }
    put_name(out, item->name);
    put(out, ": ");
    if (item->sort == SORT_FUNC) {
        put_func(out, item->entity.func, false, false);
        put(out, ";\n");
        return;
    }
    put(out, "interface {\n");
    if (interface != NULL)
        put_items(out, interface, 2);
    indent(out, 1);
    put(out, "}\n");
}

static void put_world(struct buf *out, const struct wit *w)
{
    put(out, "package root:component;\n\nworld root {\n");
    bool needs_space = put_uses(out, &w->world, 1);
    for (int is_export = 0; is_export < 2; is_export++) {
        bool has_any = false;
        for (size_t i = 0; i < w->world.count; i++) {
            const struct wit_item *item = &w->world.items[i];
            bool is_type =
                item->sort == SORT_TYPE && item->entity.type != NULL && !is_use(&w->world, item);
            bool is_other = item->sort == SORT_INSTANCE || item->sort == SORT_FUNC;
            if (item->is_export != (is_export == 1) || (!is_type && !is_other))
                continue;
            put(out, needs_space && !has_any ? "\n" : "");
            has_any = true;
            if (is_type)
                put_type_item(out, &w->world, item->entity.type, 1);
            else
                put_world_item(out, item);
        }
        needs_space = needs_space || has_any;
    }
    put(out, "}\n");
}

enum stint_status wit_print(const struct component *component, struct buf *out,
                            struct stint_error *error)
{
    struct wit w = {.alloc = component->file->alloc, .status = STINT_OK, .error = error};
    arena_init(&w.arena, w.alloc);
    if (wit_model(&w, component)) {
        put_world(out, &w);
        for (size_t i = 0; i < w.interface_count; i++) {
            if (is_packaged(w.interfaces[i]->name) && !w.interfaces[i]->is_printed)
                put_package(out, &w, w.interfaces[i]);
        }
        if (out->failed)
            w.status = error_set(error, STINT_NOMEM, STINT_NO_OFFSET, "out of memory");
    }
    wit_free(&w);
    return w.status;
}
