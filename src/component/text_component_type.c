/* SPDX-License-Identifier: Apache-2.0 */
/* Types of components (Explainer.md: Type Definitions), core types among them. */
#include "component/text_component_int.h"

enum {
    CODE_RESOURCE = 0x3f,
    CODE_FUNC = 0x40,
    CODE_COMPONENT = 0x41,
    CODE_INSTANCE = 0x42,
    CODE_FUNC_ASYNC = 0x43,
};

/* ---- Value types ------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint8_t code;
} primitives[] = {
    {"bool", 0x7f},   {"s8", 0x7e},      {"u8", 0x7d},      {"s16", 0x7c},  {"u16", 0x7b},
    {"s32", 0x7a},    {"u32", 0x79},     {"s64", 0x78},     {"u64", 0x77},  {"f32", 0x76},
    {"f64", 0x75},    {"char", 0x74},    {"string", 0x73},  {"float32", 0x76},
    {"float64", 0x75}, {"error-context", 0x64},
};

/* What the parts of a compound type are. */
enum parts {
    PARTS_FIELDS, /* (field "name" t)* */
    PARTS_CASES,  /* (case "name" t?)* */
    PARTS_LABELS, /* "name"* */
    PARTS_TYPES,  /* t* */
    PARTS_ONE,
    PARTS_TWO,
    PARTS_OPTIONAL,
    PARTS_RESULT,
    PARTS_INDEX,
};

static const struct compound {
    const char *name;
    uint8_t code, parts; /* enum parts */
} compounds[] = {
    {"record", 0x72, PARTS_FIELDS}, {"variant", 0x71, PARTS_CASES}, {"list", 0x70, PARTS_ONE},
    {"tuple", 0x6f, PARTS_TYPES},   {"flags", 0x6e, PARTS_LABELS},  {"enum", 0x6d, PARTS_LABELS},
    {"option", 0x6b, PARTS_ONE},    {"result", 0x6a, PARTS_RESULT}, {"own", 0x69, PARTS_INDEX},
    {"borrow", 0x68, PARTS_INDEX},  {"stream", 0x66, PARTS_OPTIONAL},
    {"future", 0x65, PARTS_OPTIONAL}, {"map", 0x63, PARTS_TWO},
};
enum { CODE_LIST = 0x70, CODE_LIST_FIXED = 0x67 };

/* The row of `compounds` whose form stands here, or NULL. */
static const struct compound *find_compound(const struct ctext *p)
{
    for (size_t i = 0; i < COUNT_OF(compounds); i++) {
        if (ctext_at_form(p, compounds[i].name))
            return &compounds[i];
    }
    return NULL;
}

static bool accept_primitive(struct ctext *p)
{
    for (size_t i = 0; i < COUNT_OF(primitives); i++) {
        if (ctext_accept_keyword(p, primitives[i].name)) {
            ctext_byte(p, primitives[i].code);
            return true;
        }
    }
    return false;
}

bool ctext_at_valtype(const struct ctext *p)
{
    for (size_t i = 0; i < COUNT_OF(primitives); i++) {
        if (ctext_at_keyword(p, primitives[i].name))
            return true;
    }
    return ctext_at_index(p) || find_compound(p) != NULL;
}

static bool optional_valtype(struct ctext *p)
{
    bool found = ctext_at_valtype(p);
    ctext_byte(p, found);
    return !found || ctext_valtype(p);
}

static bool case_parts(struct ctext *p)
{
    struct ctext_id ignored;
    if (!ctext_expect_form(p, "case") || !ctext_optional_id(p, &ignored) || !ctext_name(p) ||
        !optional_valtype(p))
        return false;
    ctext_byte(p, 0x00);
    return ctext_expect_close(p);
}

static bool list_parts(struct ctext *p, enum parts parts)
{
    size_t mark = p->work.bytes;
    uint32_t count = 0;
    for (; !ctext_at(p, TOKEN_CLOSE); count++) {
        bool ok;
        if (parts == PARTS_FIELDS)
            ok = ctext_expect_form(p, "field") && ctext_name(p) && ctext_valtype(p) &&
                 ctext_expect_close(p);
        else if (parts == PARTS_CASES)
            ok = case_parts(p);
        else
            ok = parts == PARTS_LABELS ? ctext_name(p) : ctext_valtype(p);
        if (!ok)
            return false;
    }
    ctext_insert_count(p, mark, count);
    return true;
}

static bool one_part(struct ctext *p, size_t code_at)
{
    uint32_t length;
    if (!ctext_valtype(p))
        return false;
    if (p->work.failed || p->work.data[code_at] != CODE_LIST || ctext_at(p, TOKEN_CLOSE))
        return true;
    p->work.data[code_at] = CODE_LIST_FIXED;
    if (!ctext_u32(p, &length))
        return false;
    ctext_uleb(p, length);
    return true;
}

/* t? (error t)? */
static bool result_parts(struct ctext *p)
{
    if (!optional_valtype(p))
        return false;
    bool has_error = ctext_accept_form(p, "error");
    ctext_byte(p, has_error);
    return !has_error || (ctext_valtype(p) && ctext_expect_close(p));
}

static bool compound_parts(struct ctext *p, enum parts parts, size_t code_at)
{
    uint32_t index;
    switch (parts) {
    case PARTS_ONE:
        return one_part(p, code_at);
    case PARTS_TWO:
        return ctext_valtype(p) && ctext_valtype(p);
    case PARTS_OPTIONAL:
        return optional_valtype(p);
    case PARTS_RESULT:
        return result_parts(p);
    case PARTS_INDEX:
        if (!ctext_index_or_ref(p, SORT_TYPE, &index))
            return false;
        ctext_uleb(p, index);
        return true;
    default:
        return list_parts(p, parts);
    }
}

/* (record …) and the like. */
static bool compound_type(struct ctext *p)
{
    const struct compound *compound = find_compound(p);
    size_t code_at = p->work.bytes;
    if (compound == NULL)
        return ctext_expected(p, "a type");
    if (!ctext_enter(p))
        return false;
    p->at += 2;
    ctext_byte(p, compound->code);
    if (!compound_parts(p, (enum parts)compound->parts, code_at))
        return false;
    ctext_leave(p);
    return ctext_expect_close(p);
}

bool ctext_valtype(struct ctext *p)
{
    uint32_t index;
    size_t mark = p->work.bytes;
    if (accept_primitive(p))
        return true;
    if (ctext_at_index(p)) {
        if (!ctext_index(p, SORT_TYPE, &index))
            return false;
    } else if (!ctext_at(p, TOKEN_OPEN)) {
        return ctext_expected(p, "a value type");
    } else if (!compound_type(p) || !ctext_define(p, CSECTION_TYPE, mark, SORT_TYPE, NULL, &index)) {
        return false;
    }
    buf_append_sleb(&p->work, index);
    return true;
}

bool ctext_result(struct ctext *p)
{
    if (!ctext_accept_form(p, "result")) {
        ctext_byte(p, 0x01);
        ctext_byte(p, 0x00);
        return true;
    }
    ctext_byte(p, 0x00);
    return ctext_valtype(p) && ctext_expect_close(p);
}

bool ctext_core_valtype(struct ctext *p)
{
    static const struct {
        const char *name;
        uint8_t code;
    } types[] = {{"i32", 0x7f},  {"i64", 0x7e},     {"f32", 0x7d},      {"f64", 0x7c},
                 {"v128", 0x7b}, {"funcref", 0x70}, {"externref", 0x6f}, {"anyref", 0x6e}};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        if (ctext_accept_keyword(p, types[i].name)) {
            ctext_byte(p, types[i].code);
            return true;
        }
    }
    return ctext_expected(p, "a core value type");
}

/* ---- Types with parentheses -------------------------------------------------------------- */

/* async? (param "x" t)* (result t)? */
static bool func_type(struct ctext *p)
{
    ctext_byte(p, ctext_accept_keyword(p, "async") ? CODE_FUNC_ASYNC : CODE_FUNC);
    size_t mark = p->work.bytes;
    uint32_t count = 0;
    for (; ctext_accept_form(p, "param"); count++) {
        if (!ctext_name(p) || !ctext_valtype(p) || !ctext_expect_close(p))
            return false;
    }
    ctext_insert_count(p, mark, count);
    return ctext_result(p);
}

static bool export_decl(struct ctext *p)
{
    struct ctext_id id;
    enum comp_sort sort;
    uint32_t index;
    size_t mark = p->work.bytes;
    return ctext_extern_name(p) && ctext_extern_type(p, &sort, &id) &&
           ctext_define(p, CSECTION_EXPORT, mark, sort, &id, &index);
}

static bool read_decl(struct ctext *p, enum ctext_scope_kind kind)
{
    bool ok;
    if (ctext_accept_core_form(p, "type"))
        ok = ctext_field_core_type(p);
    else if (ctext_accept_core_form(p, "rec"))
        ok = ctext_field_core_rec(p);
    else if (ctext_accept_form(p, "type"))
        ok = ctext_field_type(p);
    else if (ctext_accept_form(p, "alias"))
        return ctext_alias(p);
    else if (kind == SCOPE_COMPONENT_TYPE && ctext_accept_form(p, "import"))
        ok = ctext_field_import(p);
    else if (ctext_accept_form(p, "export"))
        ok = export_decl(p);
    else
        return ctext_expected(p, kind == SCOPE_COMPONENT_TYPE
                                     ? "a declaration, such as type, import or export,"
                                     : "a declaration, such as type or export,");
    return ok && ctext_expect_close(p);
}

/* Declarations up to the closing parenthesis. */
static bool decls_type(struct ctext *p, enum ctext_scope_kind kind, struct wasm_name id)
{
    if (!ctext_enter(p) || !ctext_open_scope(p, kind, id))
        return false;
    while (!ctext_at(p, TOKEN_CLOSE)) {
        if (!read_decl(p, kind))
            return false;
    }
    ctext_leave(p);
    const struct ctext_scope *scope = p->scope;
    ctext_byte(p, kind == SCOPE_COMPONENT_TYPE ? CODE_COMPONENT : CODE_INSTANCE);
    ctext_uleb(p, scope->decl_count);
    buf_append(&p->work, scope->out.data, scope->out.bytes);
    ctext_close_scope(p);
    return true;
}

/* (rep t) (dtor f)? */
static bool resource_type(struct ctext *p)
{
    uint32_t dtor;
    ctext_byte(p, CODE_RESOURCE);
    if (!ctext_expect_form(p, "rep") || !ctext_core_valtype(p) || !ctext_expect_close(p))
        return false;
    bool has_dtor = ctext_accept_form(p, "dtor");
    ctext_byte(p, has_dtor);
    if (!has_dtor)
        return true;
    if (!ctext_index_or_ref(p, SORT_CORE_FUNC, &dtor))
        return false;
    ctext_uleb(p, dtor);
    return ctext_expect_close(p);
}

/* What a type definition defines. */
static bool def_type(struct ctext *p, struct wasm_name id)
{
    bool ok;
    if (!ctext_at(p, TOKEN_OPEN))
        return accept_primitive(p) || ctext_expected(p, "a type");
    if (ctext_accept_form(p, "func"))
        ok = func_type(p);
    else if (ctext_accept_form(p, "component"))
        ok = decls_type(p, SCOPE_COMPONENT_TYPE, id);
    else if (ctext_accept_form(p, "instance"))
        ok = decls_type(p, SCOPE_INSTANCE_TYPE, id);
    else if (ctext_accept_form(p, "resource"))
        ok = resource_type(p);
    else
        return compound_type(p);
    return ok && ctext_expect_close(p);
}

bool ctext_field_type(struct ctext *p)
{
    struct ctext_id id;
    uint32_t exports, index;
    bool is_alias;
    size_t mark = p->work.bytes;
    if (!ctext_optional_id(p, &id) || !ctext_skip_exports(p, &exports) ||
        !ctext_inline_alias(p, SORT_TYPE, &id, &is_alias, &index))
        return false;
    if (!is_alias && (!def_type(p, id.id) ||
                      !ctext_define(p, CSECTION_TYPE, mark, SORT_TYPE, &id, &index)))
        return false;
    return ctext_keep_exports(p, exports, SORT_TYPE, index);
}

/* ---- Core types -------------------------------------------------------------------------- */

/* The index space of a module type is the core parser's: `indices` has nothing of it. */
static bool find_core_type(void *context, struct wasm_name id, uint32_t *ret_index)
{
    const struct ctext *p = context;
    const uint64_t *found = map_find(&p->scope->indices[SORT_CORE_TYPE], id.text, id.bytes);
    if (found != NULL)
        *ret_index = (uint32_t)*found;
    return found != NULL;
}

/* Of a module type, which is the innermost scope then. */
static enum stint_status outer_core_type(void *context, uint32_t *at, uint32_t *ret_outer_count,
                                         uint32_t *ret_index)
{
    struct ctext *p = context;
    p->at = *at;
    if (!ctext_outer(p, SORT_CORE_TYPE, ret_outer_count, ret_index))
        return p->status;
    *at = p->at;
    return STINT_OK;
}

/* What stands here, up to the closing parenthesis, is left in `work`. */
static bool core_type(struct ctext *p, enum text_core_form form, struct wasm_name id)
{
    const struct text_core_scope scope = {p, find_core_type, outer_core_type};
    uint32_t end = p->at;
    if (form == CORE_TYPE_MODULE && !ctext_open_scope(p, SCOPE_MODULE_TYPE, id))
        return false;
    p->status = text_core_type(p->alloc, p->source, form, &end, &scope, &p->work, p->error);
    if (form == CORE_TYPE_MODULE)
        ctext_close_scope(p);
    p->at = end;
    return p->status == STINT_OK;
}

bool ctext_field_core_type(struct ctext *p)
{
    struct ctext_id id;
    uint32_t index;
    size_t mark = p->work.bytes;
    if (!ctext_optional_id(p, &id))
        return false;
    if (ctext_accept_form(p, "module"))
        return core_type(p, CORE_TYPE_MODULE, id.id) && ctext_expect_close(p) &&
               ctext_define(p, CSECTION_CORE_TYPE, mark, SORT_CORE_TYPE, &id, &index);
    /* Such a type may name itself. */
    return ctext_bind(p, SORT_CORE_TYPE, &id, &index) && core_type(p, CORE_TYPE_ONE, id.id) &&
           ctext_add(p, CSECTION_CORE_TYPE, mark);
}

bool ctext_field_core_rec(struct ctext *p)
{
    const struct wasm_name none = {NULL, 0};
    struct ctext_id id;
    uint32_t index, first = p->at;
    size_t mark = p->work.bytes;
    while (ctext_at_form(p, "type")) {
        uint32_t open = p->at;
        p->at += 2;
        if (!ctext_optional_id(p, &id) || !ctext_bind(p, SORT_CORE_TYPE, &id, &index))
            return false;
        p->at = p->source->tokens[open].size + 1;
    }
    p->at = first;
    return core_type(p, CORE_TYPE_GROUP, none) && ctext_add(p, CSECTION_CORE_TYPE, mark);
}

/* ---- Imports and exports ----------------------------------------------------------------- */

/* Whether (type INDEX) or (type INDEX "name"…) stands here, rather than a type definition. */
static bool at_type_ref(const struct ctext *p)
{
    const struct text_token *tokens = p->source->tokens + p->at;
    return ctext_at_form(p, "type") &&
           (tokens[2].kind == TOKEN_ID || tokens[2].kind == TOKEN_ID_QUOTED ||
            tokens[2].kind == TOKEN_ATOM) &&
           (tokens[3].kind == TOKEN_CLOSE || tokens[3].kind == TOKEN_STRING);
}

bool ctext_type_use(struct ctext *p, enum comp_sort sort, uint32_t *ret_index)
{
    bool is_module = sort == SORT_CORE_MODULE;
    struct wasm_name none = {NULL, 0};
    size_t mark = p->work.bytes;
    if (at_type_ref(p)) {
        p->at += 2;
        return ctext_ref(p, is_module ? SORT_CORE_TYPE : SORT_TYPE, ret_index) &&
               ctext_expect_close(p);
    }
    if (is_module)
        return core_type(p, CORE_TYPE_MODULE, none) &&
               ctext_define(p, CSECTION_CORE_TYPE, mark, SORT_CORE_TYPE, NULL, ret_index);
    bool ok = sort == SORT_FUNC
                  ? func_type(p)
                  : decls_type(p, sort == SORT_COMPONENT ? SCOPE_COMPONENT_TYPE : SCOPE_INSTANCE_TYPE,
                               none);
    return ok && ctext_define(p, CSECTION_TYPE, mark, SORT_TYPE, NULL, ret_index);
}

/* (eq i), (sub resource), or a value type where a value is meant. */
static bool read_bound(struct ctext *p, enum comp_sort sort)
{
    enum { BOUND_EQ_CODE = 0x00, BOUND_OTHER_CODE = 0x01 };
    uint32_t index;
    if (ctext_accept_form(p, "eq")) {
        ctext_byte(p, BOUND_EQ_CODE);
        if (!ctext_index_or_ref(p, sort, &index))
            return false;
        ctext_uleb(p, index);
        return ctext_expect_close(p);
    }
    ctext_byte(p, BOUND_OTHER_CODE);
    if (sort == SORT_VALUE)
        return ctext_valtype(p);
    if (!ctext_accept_form(p, "sub") || !ctext_accept_keyword(p, "resource"))
        return ctext_expected(p, "(eq …) or (sub resource)");
    return ctext_expect_close(p);
}

bool ctext_extern_type(struct ctext *p, enum comp_sort *ret_sort, struct ctext_id *ret_id)
{
    enum comp_sort sort;
    uint32_t index;
    if (!ctext_sort_form(p, false, &sort))
        return false;
    if (sort < SORT_FUNC && sort != SORT_CORE_MODULE)
        return ctext_fail_at(p, p->at - 1, "items of this sort can be neither imported nor exported");
    if (ret_id != NULL && !ctext_optional_id(p, ret_id))
        return false;
    ctext_sort(p, sort);
    *ret_sort = sort;
    if (sort == SORT_TYPE || sort == SORT_VALUE)
        return read_bound(p, sort) && ctext_expect_close(p);
    if (!ctext_type_use(p, sort, &index))
        return false;
    ctext_uleb(p, index);
    return ctext_expect_close(p);
}

bool ctext_field_import(struct ctext *p)
{
    struct ctext_id id;
    enum comp_sort sort;
    uint32_t index;
    size_t mark = p->work.bytes;
    return ctext_extern_name(p) && ctext_extern_type(p, &sort, &id) &&
           ctext_define(p, CSECTION_IMPORT, mark, sort, &id, &index);
}
