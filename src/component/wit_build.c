/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces of WIT text in the model: their types and functions. */
#include "component/wit_parse_int.h"

static const char *const primitives[] = {
    [CTYPE_BOOL] = "bool",     [CTYPE_S8] = "s8",   [CTYPE_U8] = "u8",   [CTYPE_S16] = "s16",
    [CTYPE_U16] = "u16",       [CTYPE_S32] = "s32", [CTYPE_U32] = "u32", [CTYPE_S64] = "s64",
    [CTYPE_U64] = "u64",       [CTYPE_F32] = "f32", [CTYPE_F64] = "f64", [CTYPE_CHAR] = "char",
    [CTYPE_STRING] = "string",
};

static const struct comp_valtype no_type = {.is_index = COMP_NONE};

/* ---- Parts of the model ------------------------------------------------------------------- */

struct wit_interface *wit_new_interface(struct wit_parser *p, struct wasm_name name)
{
    struct wit *w = p->wit;
    struct wit_interface *interface = arena_get_zeroed(&w->arena, 1, sizeof(*interface));
    if (interface == NULL || !vec_reserve(w->alloc, &w->interfaces, &w->interface_capacity,
                                          w->interface_count + 1, sizeof(*w->interfaces))) {
        (void)wit_fail_nomem(p);
        return NULL;
    }
    interface->name = name;
    w->interfaces[w->interface_count++] = interface;
    return interface;
}

bool wit_add_item(struct wit_parser *p, struct wit_interface *interface, struct wit_item item)
{
    if (!vec_reserve(p->wit->alloc, &interface->items, &interface->capacity, interface->count + 1,
                     sizeof(*interface->items)))
        return wit_fail_nomem(p);
    interface->items[interface->count++] = item;
    return true;
}

bool wit_builder_init(struct wit_builder *b, struct wit_parser *p, struct wit_package *package,
                      struct wit_interface *interface, bool is_export)
{
    *b = (struct wit_builder){
        .p = p, .package = package, .interface = interface, .is_export = is_export};
    b->locals_end = &b->locals;
    b->scope = arena_get_zeroed(&p->wit->arena, 1, sizeof(*b->scope));
    return b->scope != NULL || wit_fail_nomem(p);
}

/* A type gets an index; old arrays stay in the arena, as many bytes again at most. */
static bool add_index(struct wit_builder *b, struct wit_type *type, uint32_t *ret_index)
{
    uint32_t count = b->scope->spaces[SORT_TYPE].count;
    if (type == NULL)
        return wit_fail_nomem(b->p);
    if (count == b->scope->spaces[SORT_TYPE].capacity) {
        uint32_t capacity = count < 8 ? 16 : count * 2;
        struct wit_entity *items = arena_get_zeroed(&b->p->wit->arena, capacity, sizeof(*items));
        if (items == NULL)
            return wit_fail_nomem(b->p);
        if (count > 0)
            memcpy(items, b->scope->spaces[SORT_TYPE].items, count * sizeof(*items));
        b->scope->spaces[SORT_TYPE].items = items;
        b->scope->spaces[SORT_TYPE].capacity = capacity;
    }
    b->scope->spaces[SORT_TYPE].items[count].type = type;
    b->scope->spaces[SORT_TYPE].count++;
    *ret_index = count;
    return true;
}

static struct wit_type *new_type(struct wit_builder *b, const struct comp_type *def)
{
    struct wit_type *type = arena_get_zeroed(&b->p->wit->arena, 1, sizeof(*type));
    if (type == NULL) {
        (void)wit_fail_nomem(b->p);
        return NULL;
    }
    type->def = def;
    type->scope = def != NULL ? b->scope : NULL;
    return type;
}

static struct comp_type *new_def(struct wit_builder *b, unsigned kind)
{
    struct comp_type *def = arena_get_zeroed(&b->p->wit->arena, 1, sizeof(*def));
    if (def == NULL) {
        (void)wit_fail_nomem(b->p);
        return NULL;
    }
    def->kind = COMP_TYPE_VALUE;
    def->value_kind = (uint8_t)kind;
    def->result = no_type;
    return def;
}

/* A definition without a name. */
static bool use_def(struct wit_builder *b, const struct comp_type *def,
                    struct comp_valtype *ret_type)
{
    struct comp_valtype type = {COMP_INDEX, 0};
    if (def == NULL || !add_index(b, new_type(b, def), &type.value))
        return false;
    *ret_type = type;
    return true;
}

/* Labels while they are read; they end in the arena. */
struct labels {
    struct comp_label *items;
    size_t count, capacity;
};

static bool add_label(struct wit_builder *b, struct labels *labels, struct wasm_name name,
                      struct comp_valtype type)
{
    if (!vec_reserve(b->p->wit->alloc, &labels->items, &labels->capacity, labels->count + 1,
                     sizeof(*labels->items)))
        return wit_fail_nomem(b->p);
    labels->items[labels->count++] = (struct comp_label){name, type};
    return true;
}

static bool end_labels(struct wit_builder *b, struct labels *labels, struct comp_type *def, bool ok)
{
    if (ok && labels->count > 0) {
        def->labels =
            arena_copy(&b->p->wit->arena, labels->items, labels->count * sizeof(*labels->items));
        def->label_count = (uint32_t)labels->count;
        ok = def->labels != NULL || wit_fail_nomem(b->p);
    }
    alloc_put(b->p->wit->alloc, labels->items, labels->capacity * sizeof(*labels->items));
    return ok;
}

/* ---- Types where they are used ------------------------------------------------------------ */

static bool read_type(struct wit_builder *b, struct comp_valtype *ret_type);
static bool define(struct wit_builder *b, struct wit_local *local);

static struct wit_local *find_local(struct wit_builder *b, struct wasm_name name)
{
    for (struct wit_local *local = b->locals; local != NULL; local = local->next) {
        if (wit_same_name(local->name, name))
            return local;
    }
    return NULL;
}

static bool is_resource(const struct wit_type *type)
{
    while (type->same != NULL)
        type = type->same;
    return type->def == NULL;
}

/* The name of a type at hand, and its definition read. */
static bool read_local_name(struct wit_builder *b, struct wit_local **ret_local)
{
    struct wit_cursor at = b->p->now;
    struct wasm_name name;
    if (!wit_need_id(b->p, "a type", &name))
        return false;
    struct wit_local *local = find_local(b, name);
    if (local == NULL)
        return wit_fail_at(b->p, &at, "there is no type '%.*s' here", (int)name.bytes, name.text);
    if (!define(b, local))
        return false;
    *ret_local = local;
    return true;
}

static bool read_handle(struct wit_builder *b, unsigned kind, struct comp_valtype *ret_type)
{
    struct wit_local *local;
    struct wit_cursor at = b->p->now;
    if (!read_local_name(b, &local))
        return false;
    if (!is_resource(local->type))
        return wit_fail_at(b->p, &at, "'%.*s' is no resource", (int)local->name.bytes,
                           local->name.text);
    struct comp_type *def = new_def(b, kind);
    if (def != NULL)
        def->index = local->index;
    return use_def(b, def, ret_type);
}

static bool read_named(struct wit_builder *b, struct comp_valtype *ret_type)
{
    struct wit_cursor at = b->p->now;
    struct wit_local *local;
    if (!read_local_name(b, &local))
        return false;
    if (is_resource(local->type)) {
        struct wit_cursor after = b->p->now;
        b->p->now = at;
        bool ok = read_handle(b, CTYPE_OWN, ret_type);
        b->p->now = after;
        return ok;
    }
    *ret_type = (struct comp_valtype){COMP_INDEX, local->index};
    return true;
}

/* `<a, b>` of at most `max` types; `_` stands for none where `may_skip`. Nothing at all if !needed. */
static bool read_arguments(struct wit_builder *b, struct labels *labels, size_t max, bool may_skip,
                           bool needed)
{
    static const struct wasm_name nameless = {0};
    if (!wit_is_sign(b->p, '<') && !needed)
        return true;
    if (!wit_need_sign(b->p, '<'))
        return false;
    do {
        struct comp_valtype type = no_type;
        if (wit_is_sign(b->p, '>') && labels->count > 0)
            break;
        if (labels->count == max)
            return wit_expected(b->p, "'>'");
        bool is_skipped = may_skip && wit_take_sign(b->p, '_');
        if ((!is_skipped && !read_type(b, &type)) || !add_label(b, labels, nameless, type))
            return false;
    } while (wit_take_sign(b->p, ','));
    return wit_need_sign(b->p, '>');
}

/* list<T>, or list<T, N>. */
static bool read_list(struct wit_builder *b, struct comp_type *def, struct labels *labels)
{
    struct comp_valtype type;
    if (!wit_need_sign(b->p, '<') || !read_type(b, &type) ||
        !add_label(b, labels, (struct wasm_name){0}, type))
        return false;
    if (wit_take_sign(b->p, ',')) {
        if (b->p->now.kind != WIT_NUMBER || b->p->now.text.bytes > 9)
            return wit_expected(b->p, "the list's length");
        def->value_kind = CTYPE_LIST_FIXED;
        for (uint32_t i = 0; i < b->p->now.text.bytes; i++)
            def->length = def->length * 10 + (uint32_t)(b->p->now.text.text[i] - '0');
        wit_next(b->p);
    }
    return wit_need_sign(b->p, '>');
}

static bool read_generic(struct wit_builder *b, unsigned kind, struct comp_valtype *ret_type)
{
    struct comp_type *def = new_def(b, kind);
    struct labels labels = {0};
    bool ok = def != NULL;
    if (!ok)
        return false;
    switch (kind) {
    case CTYPE_LIST:
        ok = read_list(b, def, &labels);
        break;
    case CTYPE_RESULT:
        ok = read_arguments(b, &labels, 2, true, false);
        while (ok && labels.count < 2)
            ok = add_label(b, &labels, (struct wasm_name){0}, no_type);
        break;
    case CTYPE_TUPLE:
        ok = read_arguments(b, &labels, SIZE_MAX, false, true);
        break;
    case CTYPE_MAP:
        ok = read_arguments(b, &labels, 2, false, true);
        break;
    default:
        ok = read_arguments(b, &labels, 1, false, kind == CTYPE_OPTION);
        break;
    }
    return end_labels(b, &labels, def, ok) && use_def(b, def, ret_type);
}

static bool read_type_inside(struct wit_builder *b, struct comp_valtype *ret_type)
{
    static const struct {
        const char *word;
        uint8_t kind;
    } generics[] = {
        {"list", CTYPE_LIST},     {"option", CTYPE_OPTION}, {"result", CTYPE_RESULT},
        {"tuple", CTYPE_TUPLE},   {"map", CTYPE_MAP},       {"stream", CTYPE_STREAM},
        {"future", CTYPE_FUTURE},
    };
    for (unsigned i = 0; i < COUNT_OF(primitives); i++) {
        if (wit_take_word(b->p, primitives[i])) {
            *ret_type = (struct comp_valtype){COMP_PRIMITIVE, i};
            return true;
        }
    }
    for (size_t i = 0; i < COUNT_OF(generics); i++) {
        if (wit_take_word(b->p, generics[i].word))
            return read_generic(b, generics[i].kind, ret_type);
    }
    bool is_borrow = wit_is_word(b->p, "borrow");
    if (is_borrow || wit_is_word(b->p, "own")) {
        wit_next(b->p);
        return wit_need_sign(b->p, '<') &&
               read_handle(b, is_borrow ? CTYPE_BORROW : CTYPE_OWN, ret_type) &&
               wit_need_sign(b->p, '>');
    }
    return read_named(b, ret_type);
}

static bool read_type(struct wit_builder *b, struct comp_valtype *ret_type)
{
    if (b->p->depth == LIMIT_WIT_NESTING)
        return wit_fail(b->p, "types are nested too deeply");
    b->p->depth++;
    bool ok = read_type_inside(b, ret_type);
    b->p->depth--;
    return ok;
}

/* ---- Functions ---------------------------------------------------------------------------- */

static bool read_params(struct wit_builder *b, struct labels *labels)
{
    if (!wit_need_sign(b->p, '('))
        return false;
    while (!wit_is_sign(b->p, ')')) {
        struct wasm_name name;
        struct comp_valtype type;
        if (!wit_need_id(b->p, "a parameter's name", &name) || !wit_need_sign(b->p, ':') ||
            !read_type(b, &type) || !add_label(b, labels, name, type))
            return false;
        if (!wit_take_sign(b->p, ',') && !wit_is_sign(b->p, ')'))
            return wit_expected(b->p, "',' or ')'");
    }
    return wit_need_sign(b->p, ')');
}

static bool read_result(struct wit_builder *b, struct comp_type *def)
{
    if (b->p->now.kind != WIT_SIGN || !b->p->now.is_arrow)
        return true;
    wit_next(b->p);
    return read_type(b, &def->result);
}

/* `(…) -> …` at hand; `self` is the first parameter of a method. */
static bool read_signature(struct wit_builder *b, const struct wit_local *self, bool is_async,
                           struct wit_func *ret_func, struct comp_type **ret_def)
{
    struct comp_type *def = new_def(b, CTYPE_BOOL);
    struct labels labels = {0};
    bool ok = def != NULL;
    if (!ok)
        return false;
    def->kind = COMP_TYPE_FUNC;
    def->is_async = is_async;
    if (self != NULL) {
        static const struct wasm_name name = {"self", 4};
        struct comp_valtype type;
        struct comp_type *borrow = new_def(b, CTYPE_BORROW);
        if (borrow != NULL)
            borrow->index = self->index;
        ok = use_def(b, borrow, &type) && add_label(b, &labels, name, type);
    }
    ok = ok && read_params(b, &labels);
    ok = end_labels(b, &labels, def, ok) && read_result(b, def);
    *ret_func = (struct wit_func){def, b->scope};
    *ret_def = def;
    return ok;
}

static bool read_func_type(struct wit_builder *b, const struct wit_local *self,
                           struct wit_func *ret_func)
{
    struct comp_type *def;
    bool is_async = wit_take_word(b->p, "async");
    if (!wit_take_word(b->p, "func"))
        return wit_expected(b->p, "func");
    return read_signature(b, self, is_async, ret_func, &def);
}

bool wit_read_func(struct wit_builder *b, struct wit_func *ret_func)
{
    return read_func_type(b, NULL, ret_func);
}

/* "[method]thing.name" and the like, as an item. */
static bool add_member(struct wit_builder *b, const char *what, const struct wit_local *resource,
                       struct wasm_name member, struct wit_func func)
{
    struct arena *arena = &b->p->wit->arena;
    size_t start = strlen(what), bytes = start + resource->name.bytes + 1 + member.bytes;
    char *text = arena_get(arena, bytes);
    if (text == NULL)
        return wit_fail_nomem(b->p);
    memcpy(text, what, start);
    memcpy(text + start, resource->name.text, resource->name.bytes);
    text[start + resource->name.bytes] = '.';
    if (member.bytes > 0)
        memcpy(text + start + resource->name.bytes + 1, member.text, member.bytes);
    else
        bytes--;
    struct wit_item item = {.sort = SORT_FUNC,
                            .is_export = b->is_export,
                            .name = {text, (uint32_t)bytes},
                            .entity = {.func = func}};
    return wit_add_item(b->p, b->interface, item);
}

static bool read_constructor(struct wit_builder *b, const struct wit_local *resource)
{
    static const struct wasm_name nameless = {"", 0};
    struct wit_func func;
    struct comp_type *def;
    if (!read_signature(b, NULL, false, &func, &def))
        return false;
    if (def->result.is_index == COMP_NONE) {
        struct comp_type *own = new_def(b, CTYPE_OWN);
        if (own != NULL)
            own->index = resource->index;
        if (!use_def(b, own, &def->result))
            return false;
    }
    return wit_need_sign(b->p, ';') && add_member(b, "[constructor]", resource, nameless, func);
}

static bool read_member(struct wit_builder *b, const struct wit_local *resource)
{
    struct wasm_name name;
    struct wit_func func;
    if (wit_read_gates(b->p)) {
        wit_skip_item(b->p);
        return b->p->wit->status == STINT_OK;
    }
    if (wit_take_word(b->p, "constructor"))
        return read_constructor(b, resource);
    if (!wit_need_id(b->p, "a function's name or '}'", &name) || !wit_need_sign(b->p, ':'))
        return false;
    bool is_static = wit_take_word(b->p, "static");
    return read_func_type(b, is_static ? NULL : resource, &func) && wit_need_sign(b->p, ';') &&
           add_member(b, is_static ? "[static]" : "[method]", resource, name, func);
}

/* `resource name;` or with functions, at the word. */
static bool read_members(struct wit_builder *b, const struct wit_local *resource)
{
    wit_next(b->p);
    wit_next(b->p);
    if (wit_take_sign(b->p, ';'))
        return true;
    if (!wit_need_sign(b->p, '{'))
        return false;
    while (!wit_is_sign(b->p, '}')) {
        if (!read_member(b, resource))
            return false;
    }
    wit_next(b->p);
    return true;
}

/* ---- Definitions of types ----------------------------------------------------------------- */

/* `{ a: t, b }`: labels with a type, with one that may be there, or without. */
static bool read_block(struct wit_builder *b, unsigned kind, struct comp_type *def)
{
    struct labels labels = {0};
    bool ok = wit_need_sign(b->p, '{');
    while (ok && !wit_is_sign(b->p, '}')) {
        struct wasm_name name;
        struct comp_valtype type = no_type;
        ok = wit_need_id(b->p, "a name or '}'", &name);
        if (ok && kind == CTYPE_RECORD)
            ok = wit_need_sign(b->p, ':') && read_type(b, &type);
        else if (ok && kind == CTYPE_VARIANT && wit_take_sign(b->p, '('))
            ok = read_type(b, &type) && wit_need_sign(b->p, ')');
        ok = ok && add_label(b, &labels, name, type);
        if (ok && !wit_take_sign(b->p, ',') && !wit_is_sign(b->p, '}'))
            ok = wit_expected(b->p, "',' or '}'");
    }
    if (ok && labels.count == 0)
        ok = wit_expected(b->p, "a name");
    ok = end_labels(b, &labels, def, ok);
    return ok && wit_need_sign(b->p, '}');
}

/* `type name = …;` behind the `=`. */
static bool define_alias(struct wit_builder *b, struct wit_type *type)
{
    struct comp_valtype target;
    if (b->p->now.kind == WIT_ID && find_local(b, b->p->now.text) != NULL) {
        struct wit_local *local;
        if (!read_local_name(b, &local))
            return false;
        type->same = local->type;
        return wit_need_sign(b->p, ';');
    }
    if (!read_type(b, &target))
        return false;
    type->scope = b->scope;
    if (target.is_index == COMP_PRIMITIVE)
        type->def = new_def(b, target.value);
    else
        type->def = wit_type_at(b->scope, target.value)->def;
    return type->def != NULL && wit_need_sign(b->p, ';');
}

/* `use path.{…}` at the path: what the name is over there. */
static bool define_use(struct wit_builder *b, struct wit_local *local)
{
    struct wit_def *def = wit_read_path(b->p, b->package);
    if (def == NULL)
        return false;
    if (def->kind != WIT_INTERFACE)
        return wit_fail_at(b->p, &local->at, "types can be used of interfaces only");
    struct wit_interface *from = wit_build(b->p, def, b->is_export && def->is_exported);
    for (size_t i = 0; from != NULL && i < from->count; i++) {
        if (from->items[i].sort == SORT_TYPE && wit_same_name(from->items[i].name, local->source)) {
            local->type->same = from->items[i].entity.type;
            return true;
        }
    }
    return wit_fail_at(b->p, &local->name_at, "'%.*s' is no type of %.*s", (int)local->source.bytes,
                       local->source.text, (int)def->name.bytes, def->name.text);
}

static bool define_here(struct wit_builder *b, struct wit_local *local)
{
    static const struct {
        const char *word;
        uint8_t kind;
    } blocks[] = {{"record", CTYPE_RECORD},
                  {"variant", CTYPE_VARIANT},
                  {"enum", CTYPE_ENUM},
                  {"flags", CTYPE_FLAGS}};
    struct wit_parser *p = b->p;
    if (wit_take_word(p, "use"))
        return define_use(b, local);
    if (wit_take_word(p, "resource"))
        return true;
    for (size_t i = 0; i < COUNT_OF(blocks); i++) {
        if (!wit_take_word(p, blocks[i].word))
            continue;
        struct comp_type *def = new_def(b, blocks[i].kind);
        wit_next(p);
        if (def == NULL || !read_block(b, blocks[i].kind, def))
            return false;
        local->type->def = def;
        local->type->scope = b->scope;
        return true;
    }
    wit_next(p);
    wit_next(p);
    return wit_need_sign(p, '=') && define_alias(b, local->type);
}

static bool define(struct wit_builder *b, struct wit_local *local)
{
    if (local->type != NULL && !local->is_open)
        return true;
    if (local->is_open)
        return wit_fail_at(b->p, &local->name_at, "type '%.*s' is made of itself",
                           (int)local->name.bytes, local->name.text);
    if (b->p->depth == LIMIT_WIT_NESTING)
        return wit_fail_at(b->p, &local->name_at, "types are nested too deeply");
    local->type = new_type(b, NULL);
    if (local->type == NULL)
        return false;
    local->type->name = local->name;
    local->type->owner = b->interface;
    local->is_open = true;
    struct wit_cursor saved = b->p->now;
    b->p->now = local->at;
    b->p->depth++;
    bool ok = define_here(b, local);
    b->p->depth--;
    b->p->now = saved;
    local->is_open = false;
    return ok && add_index(b, local->type, &local->index);
}

/* ---- Names of types ----------------------------------------------------------------------- */

bool wit_is_local(const struct wit_parser *p)
{
    static const char *const words[] = {"use",  "type",  "record",  "variant",
                                        "enum", "flags", "resource"};
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (wit_is_word(p, words[i]))
            return true;
    }
    return false;
}

static bool note(struct wit_builder *b, struct wit_cursor at, struct wit_cursor name_at,
                 struct wasm_name name, struct wasm_name source)
{
    if (find_local(b, name) != NULL)
        return wit_fail_at(b->p, &name_at, "'%.*s' is defined twice", (int)name.bytes, name.text);
    struct wit_local *local = arena_get_zeroed(&b->p->wit->arena, 1, sizeof(*local));
    if (local == NULL)
        return wit_fail_nomem(b->p);
    local->name = name;
    local->at = at;
    local->name_at = name_at;
    local->source = source;
    *b->locals_end = local;
    b->locals_end = &local->next;
    return true;
}

/* `use path.{a, b as c};` at the path. */
static bool note_uses(struct wit_builder *b, struct wit_cursor at)
{
    struct wit_parser *p = b->p;
    while (p->now.kind != WIT_END && !wit_is_sign(p, '.')) {
        if (wit_is_sign(p, ';') || wit_is_sign(p, '{'))
            return wit_expected(p, "'.'");
        wit_skip_token(p);
    }
    if (!wit_need_sign(p, '.') || !wit_need_sign(p, '{'))
        return false;
    while (!wit_is_sign(p, '}')) {
        struct wit_cursor name_at = p->now;
        struct wasm_name source, name;
        if (!wit_need_id(p, "the name of a type", &source))
            return false;
        name = source;
        if (wit_take_word(p, "as") && !wit_need_id(p, "a name", &name))
            return false;
        if (!note(b, at, name_at, name, source))
            return false;
        if (!wit_take_sign(p, ',') && !wit_is_sign(p, '}'))
            return wit_expected(p, "',' or '}'");
    }
    wit_next(p);
    return wit_need_sign(p, ';');
}

bool wit_note_local(struct wit_builder *b)
{
    struct wit_parser *p = b->p;
    struct wit_cursor at = p->now;
    struct wasm_name name;
    bool is_use = wit_is_word(p, "use");
    wit_next(p);
    if (is_use)
        return note_uses(b, at);
    struct wit_cursor name_at = p->now;
    if (!wit_need_id(p, "the type's name", &name) || !note(b, at, name_at, name, name))
        return false;
    p->now = at;
    wit_skip_item(p);
    return p->wit->status == STINT_OK;
}

bool wit_read_local(struct wit_builder *b)
{
    struct wit_cursor at = b->p->now;
    for (struct wit_local *local = b->locals; local != NULL; local = local->next) {
        if (local->at.start != at.start || local->at.file != at.file)
            continue;
        if (!define(b, local))
            return false;
        struct wit_item item = {.sort = SORT_TYPE,
                                .is_export = b->is_export,
                                .name = local->name,
                                .entity = {.type = local->type}};
        if (!wit_add_item(b->p, b->interface, item))
            return false;
        if (wit_is_word(b->p, "resource"))
            return read_members(b, local);
    }
    wit_skip_item(b->p);
    return b->p->wit->status == STINT_OK;
}

/* ---- Interfaces --------------------------------------------------------------------------- */

static bool read_item(struct wit_builder *b)
{
    struct wit_item item = {.sort = SORT_FUNC, .is_export = b->is_export};
    if (wit_is_local(b->p))
        return wit_read_local(b);
    return wit_need_id(b->p, "a function, a type or '}'", &item.name) && wit_need_sign(b->p, ':') &&
           wit_read_func(b, &item.entity.func) && wit_need_sign(b->p, ';') &&
           wit_add_item(b->p, b->interface, item);
}

bool wit_read_interface(struct wit_builder *b)
{
    struct wit_parser *p = b->p;
    struct wit_cursor start = p->now;
    for (int pass = 0; pass < 2; pass++) {
        p->now = start;
        wit_next(p);
        while (!wit_is_sign(p, '}')) {
            bool ok = true;
            if (p->now.kind == WIT_END)
                return wit_expected(p, "'}'");
            if (wit_read_gates(p) || (pass == 0 && !wit_is_local(p)))
                wit_skip_item(p);
            else
                ok = pass == 0 ? wit_note_local(b) : read_item(b);
            if (!ok || p->wit->status != STINT_OK)
                return false;
        }
    }
    wit_next(p);
    return true;
}

struct wit_interface *wit_build(struct wit_parser *p, struct wit_def *def, bool is_export)
{
    struct wit_interface **place = is_export ? &def->exported : &def->imported;
    struct wit_builder builder;
    if (*place != NULL)
        return *place;
    if (def->is_open) {
        (void)wit_fail(p, "interface '%.*s' uses types of itself, or of one that uses its",
                       (int)def->name.bytes, def->name.text);
        return NULL;
    }
    struct wasm_name name = wit_full_name(p, def);
    struct wit_interface *interface = name.text != NULL ? wit_new_interface(p, name) : NULL;
    if (interface == NULL || !wit_builder_init(&builder, p, def->package, interface, is_export))
        return NULL;
    struct wit_cursor saved = p->now;
    p->now = def->body;
    def->is_open = true;
    p->depth++;
    bool ok = p->depth < LIMIT_WIT_NESTING
                  ? wit_read_interface(&builder)
                  : wit_fail(p, "interfaces use each other's types through too many others");
    p->depth--;
    def->is_open = false;
    p->now = saved;
    if (!ok)
        return NULL;
    /* The world has it, whether it says so or not; those that it uses come first. */
    struct wit_item item = {.sort = SORT_INSTANCE,
                            .is_export = is_export,
                            .name = name,
                            .entity = {.interface = interface}};
    if (!wit_add_item(p, &p->wit->world, item))
        return NULL;
    *place = interface;
    return interface;
}
