/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types where they are needed (Binary.md, "Type Definitions"). A type with a name is written once in
 * each space; what has no name once for each definition that it comes from.
 */
#include "component/component_new_int.h"

const uint8_t new_type_codes[] = {
    [CTYPE_BOOL] = 0x7f,          [CTYPE_S8] = 0x7e,     [CTYPE_U8] = 0x7d,
    [CTYPE_S16] = 0x7c,           [CTYPE_U16] = 0x7b,    [CTYPE_S32] = 0x7a,
    [CTYPE_U32] = 0x79,           [CTYPE_S64] = 0x78,    [CTYPE_U64] = 0x77,
    [CTYPE_F32] = 0x76,           [CTYPE_F64] = 0x75,    [CTYPE_CHAR] = 0x74,
    [CTYPE_STRING] = 0x73,        [CTYPE_RECORD] = 0x72, [CTYPE_VARIANT] = 0x71,
    [CTYPE_LIST] = 0x70,          [CTYPE_TUPLE] = 0x6f,  [CTYPE_FLAGS] = 0x6e,
    [CTYPE_ENUM] = 0x6d,          [CTYPE_OPTION] = 0x6b, [CTYPE_RESULT] = 0x6a,
    [CTYPE_OWN] = 0x69,           [CTYPE_BORROW] = 0x68, [CTYPE_LIST_FIXED] = 0x67,
    [CTYPE_STREAM] = 0x66,        [CTYPE_FUTURE] = 0x65, [CTYPE_ERROR_CONTEXT] = 0x64,
    [CTYPE_MAP] = 0x63,
};

enum {
    CODE_FUNC = 0x40,
    CODE_INSTANCE = 0x42,
    CODE_SORT_TYPE = 0x03,
    CODE_SORT_INSTANCE = 0x05,
    DECL_TYPE = 0x01,
    DECL_ALIAS = 0x02,
    DECL_EXPORT = 0x04,
    ALIAS_EXPORT = 0x00,
    ALIAS_OUTER = 0x02,
    CODE_EQ = 0x00,
    CODE_SUB_RESOURCE = 0x01,
};

void new_space_free(struct component_new *n, struct new_space *space)
{
    alloc_put(n->alloc, space->known, space->known_capacity * sizeof(*space->known));
    space->known = NULL;
    space->known_count = space->known_capacity = 0;
}

static bool find_known(const struct new_space *space, const void *key, struct wasm_name name,
                       uint32_t *ret_index)
{
    for (size_t i = space->known_count; i-- > 0;) {
        if (space->known[i].key == key && wit_same_name(space->known[i].name, name)) {
            *ret_index = space->known[i].index;
            return true;
        }
    }
    return false;
}

static uint32_t add_known(struct component_new *n, struct new_space *space, const void *key,
                          struct wasm_name name, uint32_t index)
{
    if (!vec_reserve(n->alloc, &space->known, &space->known_capacity, space->known_count + 1,
                     sizeof(*space->known)))
        (void)new_fail_nomem(n);
    else
        space->known[space->known_count++] = (struct new_known){key, name, index};
    return index;
}

void new_know(struct component_new *n, struct new_space *space, const struct wit_type *type,
              uint32_t index)
{
    (void)add_known(n, space, new_owner(n, type), type->name, index);
}

void new_forget(struct new_space *space, const struct new_interface *interface)
{
    size_t kept = 0;
    for (size_t i = 0; i < space->known_count; i++) {
        if (space->known[i].key != interface)
            space->known[kept++] = space->known[i];
    }
    space->known_count = kept;
}

/* ---- Definitions -------------------------------------------------------------------------- */

/* Writes a definition and empties it; its index. */
static uint32_t put_type(struct component_new *n, struct new_space *space, struct buf *def)
{
    if (space->place == PLACE_INSTANCE) {
        (void)buf_append_byte(space->out, DECL_TYPE);
        (void)buf_append(space->out, def->data, def->bytes);
        space->decls++;
        buf_clear(def);
    } else {
        static const uint8_t one = 1;
        (void)buf_insert(def, 0, &one, 1);
        (void)new_put_section(n, space->out, SECTION_COMP_TYPE, def);
    }
    return space->types++;
}

static uint32_t define(struct component_new *n, struct new_space *space,
                       const struct wit_scope *scope, const struct comp_type *def);

static void put_valtype(struct component_new *n, struct new_space *space,
                        const struct wit_scope *scope, struct comp_valtype type, struct buf *out)
{
    static const struct wasm_name nameless = {0};
    if (type.is_index == COMP_PRIMITIVE) {
        (void)buf_append_byte(out, new_type_codes[type.value]);
        return;
    }
    const struct wit_type *what = wit_type_at(scope, type.value);
    uint32_t index = 0;
    if (what == NULL || (what->name.text == NULL && what->def == NULL)) {
        (void)new_fail(n, STINT_UNSUPPORTED, "a type of the world has no definition");
        return;
    }
    if (what->name.text != NULL) {
        index = new_named(n, space, what);
    } else if (what->def->value_kind <= CTYPE_PRIMITIVE_LAST) {
        (void)buf_append_byte(out, new_type_codes[what->def->value_kind]);
        return;
    } else if (!find_known(space, what->def, nameless, &index)) {
        index = add_known(n, space, what->def, nameless, define(n, space, what->scope, what->def));
    }
    (void)buf_append_sleb(out, index);
}

static void put_optional(struct component_new *n, struct new_space *space,
                         const struct wit_scope *scope, struct comp_valtype type, struct buf *out)
{
    (void)buf_append_byte(out, type.is_index != COMP_NONE);
    if (type.is_index != COMP_NONE)
        put_valtype(n, space, scope, type, out);
}

static void put_labels(struct component_new *n, struct new_space *space,
                       const struct wit_scope *scope, const struct comp_type *def, struct buf *out)
{
    (void)buf_append_uleb(out, def->label_count);
    for (uint32_t i = 0; i < def->label_count; i++) {
        const struct comp_label *label = &def->labels[i];
        bool is_func = def->kind == COMP_TYPE_FUNC;
        if (is_func || def->value_kind != CTYPE_TUPLE)
            new_put_name(out, label->name.text, label->name.bytes);
        if (is_func || def->value_kind == CTYPE_RECORD || def->value_kind == CTYPE_TUPLE) {
            put_valtype(n, space, scope, label->type, out);
        } else if (def->value_kind == CTYPE_VARIANT) {
            put_optional(n, space, scope, label->type, out);
            (void)buf_append_byte(out, 0);
        }
    }
}

static void put_value_type(struct component_new *n, struct new_space *space,
                           const struct wit_scope *scope, const struct comp_type *def,
                           struct buf *out)
{
    struct comp_valtype resource = {COMP_INDEX, def->index};
    (void)buf_append_byte(out, new_type_codes[def->value_kind]);
    switch (def->value_kind) {
    case CTYPE_RECORD:
    case CTYPE_VARIANT:
    case CTYPE_TUPLE:
    case CTYPE_FLAGS:
    case CTYPE_ENUM:
        put_labels(n, space, scope, def, out);
        break;
    case CTYPE_LIST:
    case CTYPE_OPTION:
        put_valtype(n, space, scope, def->labels[0].type, out);
        break;
    case CTYPE_LIST_FIXED:
        put_valtype(n, space, scope, def->labels[0].type, out);
        (void)buf_append_uleb(out, def->length);
        break;
    case CTYPE_RESULT:
        put_optional(n, space, scope, def->labels[0].type, out);
        put_optional(n, space, scope, def->labels[1].type, out);
        break;
    case CTYPE_OWN:
    case CTYPE_BORROW:
        put_valtype(n, space, scope, resource, out);
        break;
    default:
        break;
    }
}

static uint32_t define(struct component_new *n, struct new_space *space,
                       const struct wit_scope *scope, const struct comp_type *def)
{
    struct buf out;
    buf_init(&out, n->alloc, SIZE_MAX);
    if (n->status == STINT_OK && def->kind == COMP_TYPE_FUNC) {
        (void)buf_append_byte(&out, CODE_FUNC);
        put_labels(n, space, scope, def, &out);
        (void)buf_append_byte(&out, def->result.is_index == COMP_NONE);
        if (def->result.is_index == COMP_NONE)
            (void)buf_append_byte(&out, 0);
        else
            put_valtype(n, space, scope, def->result, &out);
    } else if (n->status == STINT_OK) {
        if (def->value_kind > CTYPE_BORROW || def->value_kind == CTYPE_ERROR_CONTEXT)
            (void)new_fail(n, STINT_UNSUPPORTED, "the world has types of asynchronous functions");
        else
            put_value_type(n, space, scope, def, &out);
    }
    if (out.failed)
        (void)new_fail_nomem(n);
    uint32_t index = put_type(n, space, &out);
    buf_free(&out);
    return index;
}

uint32_t new_func_type(struct component_new *n, struct new_space *space, struct wit_func func)
{
    return define(n, space, func.scope, func.def);
}

/* ---- Named types -------------------------------------------------------------------------- */

/* What a type's names stand for in the end. */
static const struct wit_type *origin(const struct wit_type *type)
{
    while (type->same != NULL)
        type = type->same;
    return type;
}

static void put_bound(struct buf *out, bool is_resource, uint32_t index)
{
    (void)buf_append_byte(out, CODE_SORT_TYPE);
    (void)buf_append_byte(out, is_resource ? CODE_SUB_RESOURCE : CODE_EQ);
    if (!is_resource)
        (void)buf_append_uleb(out, index);
}

/* (import "prefix""name" (type …)): its index. */
static uint32_t import_type(struct component_new *n, struct new_space *space, struct wasm_name name,
                            bool is_resource, uint32_t index)
{
    struct buf out;
    buf_init(&out, n->alloc, SIZE_MAX);
    (void)buf_append_byte(&out, 1);
    (void)buf_append_byte(&out, 0x00);
    new_put_name(&out, name.text, name.bytes);
    put_bound(&out, is_resource, index);
    (void)new_put_section(n, space->out, SECTION_COMP_IMPORT, &out);
    buf_free(&out);
    return space->types++;
}

static uint32_t alias_export(struct component_new *n, struct new_space *space, uint32_t instance,
                             struct wasm_name name)
{
    struct buf out;
    buf_init(&out, n->alloc, SIZE_MAX);
    (void)buf_append_byte(&out, 1);
    (void)buf_append_byte(&out, CODE_SORT_TYPE);
    (void)buf_append_byte(&out, ALIAS_EXPORT);
    (void)buf_append_uleb(&out, instance);
    new_put_name(&out, name.text, name.bytes);
    (void)new_put_section(n, space->out, SECTION_COMP_ALIAS, &out);
    buf_free(&out);
    return space->types++;
}

static uint32_t named_at_root(struct component_new *n, struct new_space *space,
                              struct new_interface *owner, const struct wit_type *type)
{
    if (owner->name.bytes > 0 && (!owner->is_export || owner->instance != COMP_NO_INDEX)) {
        if (!owner->is_export && !new_import_interface(n, owner))
            return 0;
        return alias_export(n, space, owner->instance, type->name);
    }
    if (type->same != NULL)
        return new_named(n, space, type->same);
    if (owner->is_export && type->def == NULL) {
        (void)new_fail(n, STINT_UNSUPPORTED, "resource %.*s is used before it is defined",
                       NAME_ARGS(type->name));
        return 0;
    }
    uint32_t index = type->def != NULL ? define(n, space, type->scope, type->def) : 0;
    if (owner->is_export)
        return index;
    return import_type(n, space, type->name, type->def == NULL, index);
}

static uint32_t named_in_instance(struct component_new *n, struct new_space *space,
                                  struct new_interface *owner, const struct wit_type *type)
{
    if (owner != space->interface) {
        uint32_t outer = new_named(n, &n->root, type);
        (void)buf_append_byte(space->out, DECL_ALIAS);
        (void)buf_append_byte(space->out, CODE_SORT_TYPE);
        (void)buf_append_byte(space->out, ALIAS_OUTER);
        (void)buf_append_uleb(space->out, 1);
        (void)buf_append_uleb(space->out, outer);
        space->decls++;
        return space->types++;
    }
    uint32_t index = 0;
    if (type->same != NULL)
        index = new_named(n, space, type->same);
    else if (type->def != NULL)
        index = define(n, space, type->scope, type->def);
    (void)buf_append_byte(space->out, DECL_EXPORT);
    (void)buf_append_byte(space->out, 0x00);
    new_put_name(space->out, type->name.text, type->name.bytes);
    put_bound(space->out, type->same == NULL && type->def == NULL, index);
    space->decls++;
    return space->types++;
}

/* The wrapper is given each type that its functions use. Two may have the same name. */
static uint32_t named_in_wrapper(struct component_new *n, struct new_space *space,
                                 const struct wit_type *type)
{
    if (type->same != NULL)
        return new_named(n, space, type->same);
    uint32_t index = type->def != NULL ? define(n, space, type->scope, type->def) : 0;
    struct buf name;
    buf_init(&name, n->alloc, SIZE_MAX);
    (void)buf_append_string(&name, "import-type-");
    (void)buf_append(&name, type->name.text, type->name.bytes);
    (void)buf_append_format(&name, "-x%u", (unsigned)space->arg_count);
    if (name.failed)
        (void)new_fail_nomem(n);
    new_put_name(space->args, (const char *)name.data, name.bytes);
    (void)buf_append_byte(space->args, CODE_SORT_TYPE);
    (void)buf_append_uleb(space->args, new_named(n, &n->root, type));
    space->arg_count++;
    struct wasm_name text = {(const char *)name.data, (uint32_t)name.bytes};
    index = import_type(n, space, text, type->def == NULL, index);
    buf_free(&name);
    return index;
}

static uint32_t named_from_wrapper(struct component_new *n, struct new_space *space,
                                   struct new_interface *owner, const struct wit_type *type)
{
    if (owner != space->interface) {
        space->imports->types = space->types;
        uint32_t index = new_named(n, space->imports, type);
        space->types = space->imports->types;
        return index;
    }
    uint32_t index;
    if (origin(type)->def == NULL) {
        space->imports->types = space->types;
        index = new_named(n, space->imports, type);
        space->types = space->imports->types;
    } else if (type->same != NULL) {
        index = new_named(n, space, type->same);
    } else {
        index = define(n, space, type->scope, type->def);
    }
    struct buf out;
    buf_init(&out, n->alloc, SIZE_MAX);
    (void)buf_append_byte(&out, 1);
    (void)buf_append_byte(&out, 0x00);
    new_put_name(&out, type->name.text, type->name.bytes);
    (void)buf_append_byte(&out, CODE_SORT_TYPE);
    (void)buf_append_uleb(&out, index);
    (void)buf_append_byte(&out, 0);
    (void)new_put_section(n, space->out, SECTION_COMP_EXPORT, &out);
    buf_free(&out);
    return space->types++;
}

uint32_t new_named(struct component_new *n, struct new_space *space, const struct wit_type *type)
{
    struct new_interface *owner = new_owner(n, type);
    uint32_t index = 0;
    if (n->status != STINT_OK || owner == NULL)
        return 0;
    if (find_known(space, owner, type->name, &index))
        return index;
    switch (space->place) {
    case PLACE_ROOT:
        index = named_at_root(n, space, owner, type);
        break;
    case PLACE_INSTANCE:
        index = named_in_instance(n, space, owner, type);
        break;
    case PLACE_WRAP_IMPORTS:
        index = named_in_wrapper(n, space, type);
        break;
    default:
        index = named_from_wrapper(n, space, owner, type);
        break;
    }
    return add_known(n, space, owner, type->name, index);
}

/* ---- Imports ------------------------------------------------------------------------------ */

static void put_instance_type(struct component_new *n, struct new_interface *interface,
                              struct buf *decls)
{
    struct new_space space = {.place = PLACE_INSTANCE, .interface = interface, .out = decls};
    for (struct new_type *type = interface->types; type != NULL; type = type->next)
        (void)new_named(n, &space, type->type);
    for (struct new_func *func = interface->funcs; func != NULL; func = func->next) {
        uint32_t index = new_func_type(n, &space, func->func);
        (void)buf_append_byte(decls, DECL_EXPORT);
        (void)buf_append_byte(decls, 0x00);
        new_put_name(decls, func->name.text, func->name.bytes);
        (void)buf_append_byte(decls, 0x01);
        (void)buf_append_uleb(decls, index);
        space.decls++;
    }
    new_space_free(n, &space);
    struct buf head;
    buf_init(&head, n->alloc, SIZE_MAX);
    (void)buf_append_byte(&head, CODE_INSTANCE);
    (void)buf_append_uleb(&head, space.decls);
    if (head.failed || !buf_insert(decls, 0, head.data, head.bytes))
        (void)new_fail_nomem(n);
    buf_free(&head);
}

bool new_import_interface(struct component_new *n, struct new_interface *interface)
{
    if (interface->is_begun)
        return interface->instance != COMP_NO_INDEX ||
               new_fail(n, STINT_INVALID, "%.*s and other interfaces use each other's types",
                        NAME_ARGS(interface->name));
    struct buf content;
    interface->is_begun = true;
    buf_init(&content, n->alloc, SIZE_MAX);
    put_instance_type(n, interface, &content);
    uint32_t type = put_type(n, &n->root, &content);
    (void)buf_append_byte(&content, 1);
    (void)buf_append_byte(&content, 0x00);
    new_put_name(&content, interface->name.text, interface->name.bytes);
    (void)buf_append_byte(&content, CODE_SORT_INSTANCE);
    (void)buf_append_uleb(&content, type);
    (void)new_put_section(n, n->out, SECTION_COMP_IMPORT, &content);
    interface->instance = n->instances++;
    buf_free(&content);
    return n->status == STINT_OK;
}
