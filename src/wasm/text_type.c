/* SPDX-License-Identifier: Apache-2.0 */
/* Types (core specification 6.4): value types, limits, and the uses of function types. */
#include <string.h>

#include "wasm/heaptypes.h"
#include "wasm/text_int.h"

static const struct {
    uint8_t code;
    const char *heap, *shorthand;
} heaptypes[] = {
#define X(name, code, heap, shorthand) {code, heap, shorthand},
    HEAPTYPE_MAP(X)
#undef X
};

static const struct {
    uint8_t code;
    const char *name;
} numtypes[] = {
    {VT_I32, "i32"}, {VT_I64, "i64"}, {VT_F32, "f32"}, {VT_F64, "f64"}, {VT_V128, "v128"}};

/* The heap type of a reference as the signed number that the binary has. */
static int64_t heap_code(text_valtype ref)
{
    return (int64_t)ref >> 8;
}

static text_valtype make_ref(bool is_nullable, int64_t heap)
{
    return (uint64_t)heap << 8 | (is_nullable ? VT_REF_NULL : VT_REF);
}

static text_valtype abstract_ref(uint8_t code)
{
    return make_ref(true, (int64_t)code - 0x80);
}

void text_append_heaptype(struct buf *buf, text_valtype ref)
{
    buf_append_sleb(buf, heap_code(ref));
}

void text_append_valtype(struct buf *buf, text_valtype type)
{
    unsigned kind = type & 0xff;
    if (kind != VT_REF && kind != VT_REF_NULL) {
        buf_append_byte(buf, (uint8_t)kind);
        return;
    }
    if (kind == VT_REF || heap_code(type) >= 0)
        buf_append_byte(buf, (uint8_t)kind);
    text_append_heaptype(buf, type);
}

bool text_heaptype(struct text_parser *p, text_valtype *ret_type)
{
    uint32_t index;
    for (size_t i = 0; i < COUNT_OF(heaptypes); i++) {
        if (text_accept_keyword(p, heaptypes[i].heap)) {
            *ret_type = abstract_ref(heaptypes[i].code);
            return true;
        }
    }
    if (!text_at_index(p))
        return text_expected(p, "a heap type");
    if (!text_index(p, SPACE_TYPE, &index))
        return false;
    *ret_type = make_ref(true, index);
    return true;
}

/* A shorthand such as funcref; 0 where none stands here. */
static text_valtype accept_shorthand(struct text_parser *p)
{
    for (size_t i = 0; i < COUNT_OF(heaptypes); i++) {
        if (text_accept_keyword(p, heaptypes[i].shorthand))
            return abstract_ref(heaptypes[i].code);
    }
    return 0;
}

bool text_at_reftype(const struct text_parser *p)
{
    if (text_at_form(p, "ref"))
        return true;
    for (size_t i = 0; i < COUNT_OF(heaptypes); i++) {
        if (text_at_keyword(p, heaptypes[i].shorthand))
            return true;
    }
    return false;
}

bool text_reftype(struct text_parser *p, text_valtype *ret_type)
{
    text_valtype type = accept_shorthand(p);
    if (type == 0) {
        if (!text_accept_form(p, "ref"))
            return text_expected(p, "a reference type");
        bool is_nullable = text_accept_keyword(p, "null");
        if (!text_heaptype(p, &type) || !text_expect_close(p))
            return false;
        type = make_ref(is_nullable, heap_code(type));
    }
    *ret_type = type;
    return true;
}

bool text_valtype_read(struct text_parser *p, text_valtype *ret_type)
{
    for (size_t i = 0; i < COUNT_OF(numtypes); i++) {
        if (text_accept_keyword(p, numtypes[i].name)) {
            *ret_type = numtypes[i].code;
            return true;
        }
    }
    if (!text_at_reftype(p))
        return text_expected(p, "a value type");
    return text_reftype(p, ret_type);
}

bool text_global_type(struct text_parser *p, struct buf *buf)
{
    text_valtype type;
    bool is_mutable = text_accept_form(p, "mut");
    if (!text_valtype_read(p, &type) || (is_mutable && !text_expect_close(p)))
        return false;
    text_append_valtype(buf, type);
    buf_append_byte(buf, is_mutable);
    return true;
}

bool text_limits(struct text_parser *p, struct buf *buf)
{
    uint64_t min, max = 0;
    bool is_64 = text_accept_keyword(p, "i64");
    if (!is_64)
        text_accept_keyword(p, "i32");
    /* That a limit fits its address type is for the validator to see. */
    if (!text_unsigned(p, UINT64_MAX, &min))
        return false;
    bool has_max = text_at_digit(p);
    if (has_max && !text_unsigned(p, UINT64_MAX, &max))
        return false;
    buf_append_byte(buf, (uint8_t)((has_max ? 1 : 0) | (is_64 ? 4 : 0)));
    buf_append_uleb(buf, min);
    if (has_max)
        buf_append_uleb(buf, max);
    return true;
}

/* ---- Function types ---------------------------------------------------------------------- */

/* The types of a (param …) or (result …) up to its parenthesis. */
static bool read_list(struct text_parser *p, bool binds, struct buf *buf, uint32_t *count)
{
    text_valtype type;
    while (!text_at(p, TOKEN_CLOSE)) {
        if ((binds && !text_bind_local(p, TOKEN_NONE)) || !text_valtype_read(p, &type))
            return false;
        text_append_valtype(buf, type);
        ++*count;
    }
    p->at++;
    return true;
}

/* One (param …), from behind its keyword. */
static bool read_param(struct text_parser *p, enum param_ids ids)
{
    text_valtype type;
    bool binds = ids == PARAM_IDS_BOUND;
    if (!text_at_id(p))
        return read_list(p, binds, &p->params, &p->param_count);
    if (ids == PARAM_IDS_NONE)
        return text_expected(p, "a type without an identifier");
    uint32_t id = p->at++;
    if ((binds && !text_bind_local(p, id)) || !text_valtype_read(p, &type))
        return false;
    text_append_valtype(&p->params, type);
    p->param_count++;
    return text_expect_close(p);
}

bool text_results(struct text_parser *p)
{
    return read_list(p, false, &p->results, &p->result_count);
}

/* (param …)* (result …)* into p->params and p->results. */
static bool read_signature(struct text_parser *p, enum param_ids ids)
{
    buf_clear(&p->params);
    buf_clear(&p->results);
    p->param_count = p->result_count = 0;
    while (text_accept_form(p, "param")) {
        if (!read_param(p, ids))
            return false;
    }
    while (text_accept_form(p, "result")) {
        if (!text_results(p))
            return false;
    }
    return true;
}

/* What stands behind the 0x60 of a function type; appended to `buf`. */
static void append_signature(const struct text_parser *p, struct buf *buf)
{
    buf_append_uleb(buf, p->param_count);
    buf_append(buf, p->params.data, p->params.bytes);
    buf_append_uleb(buf, p->result_count);
    buf_append(buf, p->results.data, p->results.bytes);
}

/* Adds the next type of the module. `is_plain`: an inline type use may mean it. */
static bool add_type(struct text_parser *p, enum type_kind kind, bool is_plain)
{
    struct text_type type = {.kind = (uint8_t)kind};
    if (kind == TYPE_FUNC) {
        buf_clear(&p->scratch);
        append_signature(p, &p->scratch);
        if (p->scratch.failed)
            return text_nomem(p);
        type.param_count = p->param_count;
        type.signature_bytes = (uint32_t)p->scratch.bytes;
        type.signature = arena_copy(&p->arena, p->scratch.data, p->scratch.bytes);
        if (type.signature == NULL)
            return text_nomem(p);
        if (is_plain && map_find(&p->signatures, type.signature, type.signature_bytes) == NULL &&
            !map_put(&p->signatures, type.signature, type.signature_bytes, p->type_count))
            return text_nomem(p);
    }
    if (!vec_reserve(p->alloc, &p->types, &p->type_capacity, (size_t)p->type_count + 1,
                     sizeof(*p->types)))
        return text_nomem(p);
    p->types[p->type_count++] = type;
    return true;
}

bool text_add_foreign_type(struct text_parser *p)
{
    return add_type(p, TYPE_ARRAY, false);
}

/* The index of the function type in p->params and p->results; a new one if there is none. */
static bool find_signature(struct text_parser *p, uint32_t *ret_type)
{
    buf_clear(&p->scratch);
    append_signature(p, &p->scratch);
    if (p->scratch.failed)
        return text_nomem(p);
    const uint64_t *found = map_find(&p->signatures, p->scratch.data, p->scratch.bytes);
    if (found != NULL) {
        *ret_type = (uint32_t)*found;
        return true;
    }
    struct buf *section = &p->sections[SECTION_TYPE];
    buf_append_byte(section, 0x60);
    append_signature(p, section);
    p->counts[SECTION_TYPE]++;
    *ret_type = p->type_count;
    return add_type(p, TYPE_FUNC, true);
}

/* The explicit part of a type use: its index is known, what is written inline must agree. */
static bool check_inline_type(struct text_parser *p, uint32_t token, uint32_t index)
{
    if (p->param_count == 0 && p->result_count == 0)
        return true;
    if (index >= p->type_count)
        return text_fail_at(p, token, "unknown type %u", index);
    const struct text_type *type = &p->types[index];
    buf_clear(&p->scratch);
    append_signature(p, &p->scratch);
    if (p->scratch.failed)
        return text_nomem(p);
    if (type->kind != TYPE_FUNC || type->signature_bytes != p->scratch.bytes ||
        memcmp(type->signature, p->scratch.data, p->scratch.bytes) != 0)
        return text_fail_at(
            p, token, "inline function type: it differs from type %u, which is named here", index);
    return true;
}

/* (type x), if it stands here. */
static bool read_type_index(struct text_parser *p, bool *ret_found, uint32_t *ret_index)
{
    *ret_found = text_accept_form(p, "type");
    return !*ret_found || (text_index(p, SPACE_TYPE, ret_index) && text_expect_close(p));
}

bool text_typeuse(struct text_parser *p, enum param_ids ids, uint32_t *ret_type)
{
    bool has_index;
    uint32_t index = 0, token = p->at;
    if (!read_type_index(p, &has_index, &index) || !read_signature(p, ids))
        return false;
    if (!has_index)
        return find_signature(p, ret_type);
    if (!check_inline_type(p, token, index))
        return false;
    if (ids == PARAM_IDS_BOUND && p->param_count == 0 && index < p->type_count)
        p->local_count = p->types[index].param_count;
    *ret_type = index;
    return true;
}

bool text_blocktype(struct text_parser *p, struct buf *buf)
{
    bool has_index;
    uint32_t index = 0, token = p->at;
    if (!read_type_index(p, &has_index, &index) || !read_signature(p, PARAM_IDS_NONE))
        return false;
    if (!has_index && p->param_count == 0 && p->result_count <= 1) {
        if (p->result_count == 0)
            buf_append_byte(buf, 0x40);
        buf_append(buf, p->results.data, p->results.bytes);
        return true;
    }
    if (has_index ? !check_inline_type(p, token, index) : !find_signature(p, &index))
        return false;
    buf_append_sleb(buf, index);
    return true;
}

/* ---- Definitions ------------------------------------------------------------------------- */

/* A field's type: (mut t) or t, where t may be packed. */
static bool read_field_type(struct text_parser *p, struct buf *buf)
{
    text_valtype type;
    bool is_mutable = text_accept_form(p, "mut");
    if (text_accept_keyword(p, "i8"))
        type = VT_I8;
    else if (text_accept_keyword(p, "i16"))
        type = VT_I16;
    else if (!text_valtype_read(p, &type))
        return false;
    text_append_valtype(buf, type);
    buf_append_byte(buf, is_mutable);
    return !is_mutable || text_expect_close(p);
}

/* (field …)*; encodes them into p->params and counts them in p->param_count. */
static bool read_fields(struct text_parser *p)
{
    buf_clear(&p->params);
    p->param_count = 0;
    while (text_accept_form(p, "field")) {
        if (text_at_id(p)) {
            if (!text_bind_field(p, p->type_count, p->param_count++) ||
                !read_field_type(p, &p->params))
                return false;
        } else {
            for (; !text_at(p, TOKEN_CLOSE); p->param_count++) {
                if (!read_field_type(p, &p->params))
                    return false;
            }
        }
        if (!text_expect_close(p))
            return false;
    }
    return true;
}

/* (func …), (struct …) or (array …). */
static bool read_composite(struct text_parser *p, bool is_plain)
{
    struct buf *section = &p->sections[SECTION_TYPE];
    enum type_kind kind;
    if (text_accept_form(p, "func")) {
        kind = TYPE_FUNC;
        if (!read_signature(p, PARAM_IDS_IGNORED))
            return false;
        buf_append_byte(section, 0x60);
        append_signature(p, section);
    } else if (text_accept_form(p, "struct")) {
        kind = TYPE_STRUCT;
        if (!read_fields(p))
            return false;
        buf_append_byte(section, 0x5f);
        buf_append_uleb(section, p->param_count);
        buf_append(section, p->params.data, p->params.bytes);
    } else if (text_accept_form(p, "array")) {
        kind = TYPE_ARRAY;
        buf_append_byte(section, 0x5e);
        if (!read_field_type(p, section))
            return false;
    } else {
        return text_expected(p, "(func …), (struct …) or (array …)");
    }
    return text_expect_close(p) && add_type(p, kind, is_plain);
}

/* One (type …), from behind its keyword up to its closing parenthesis. */
static bool read_type(struct text_parser *p, bool is_alone)
{
    struct buf *section = &p->sections[SECTION_TYPE];
    uint32_t index, supers = 0;
    text_skip_id(p);
    if (!text_accept_form(p, "sub"))
        return read_composite(p, is_alone);
    bool is_final = text_accept_keyword(p, "final");
    buf_clear(&p->params);
    for (; text_at_index(p); supers++) {
        if (!text_index(p, SPACE_TYPE, &index))
            return false;
        buf_append_uleb(&p->params, index);
    }
    bool is_plain = is_final && supers == 0;
    if (!is_plain) {
        buf_append_byte(section, is_final ? 0x4f : 0x50);
        buf_append_uleb(section, supers);
        buf_append(section, p->params.data, p->params.bytes);
    }
    return read_composite(p, is_alone && is_plain) && text_expect_close(p);
}

bool text_field_type(struct text_parser *p)
{
    p->counts[SECTION_TYPE]++;
    return read_type(p, true);
}

bool text_field_rec(struct text_parser *p)
{
    struct buf *section = &p->sections[SECTION_TYPE];
    uint32_t count = 0;
    for (uint32_t at = p->at; p->source->tokens[at].kind == TOKEN_OPEN;
         at = p->source->tokens[at].size + 1)
        count++;
    p->counts[SECTION_TYPE]++;
    buf_append_byte(section, 0x4e);
    buf_append_uleb(section, count);
    while (text_accept_form(p, "type")) {
        if (!read_type(p, count == 1) || !text_expect_close(p))
            return false;
    }
    return true;
}
