/* SPDX-License-Identifier: Apache-2.0 */
/* Element and data segments (core specification 6.6.8, 6.6.9), of their own and inline. */
#include "wasm/text_int.h"

/* Flags of a segment in the binary (5.5.12, 5.5.14). */
enum {
    ELEM_NOT_ACTIVE = 1, /* passive; with ELEM_EXPLICIT declared */
    ELEM_EXPLICIT = 2,   /* a table index, and the kind or type, follow */
    ELEM_EXPRESSIONS = 4,
    DATA_PASSIVE = 1,
    DATA_EXPLICIT = 2,
};

/* ---- Elements ---------------------------------------------------------------------------- */

/* A list of function indices, as such or as expressions. */
static bool read_functions(struct text_parser *p, bool as_expressions, struct buf *list,
                           uint32_t *ret_count)
{
    uint32_t index, count = 0;
    for (; text_at_index(p); count++) {
        if (!text_index(p, SPACE_FUNC, &index))
            return false;
        if (as_expressions)
            text_append_opcode(list, OP_REF_FUNC);
        buf_append_uleb(list, index);
        if (as_expressions)
            text_append_opcode(list, OP_END);
    }
    *ret_count = count;
    return true;
}

/* A list of (item …) or folded instructions. */
static bool read_items(struct text_parser *p, struct buf *list, uint32_t *ret_count)
{
    uint32_t count = 0;
    for (; text_at(p, TOKEN_OPEN); count++) {
        if (!text_expression_form(p, "item", list))
            return false;
    }
    *ret_count = count;
    return true;
}

/* The list of a segment, to p->list. */
static bool read_list(struct text_parser *p, bool is_active, unsigned *mode, text_valtype *ret_type,
                      uint32_t *ret_count)
{
    buf_clear(&p->list);
    *ret_type = TEXT_FUNCREF;
    if (text_at_reftype(p)) {
        *mode |= ELEM_EXPRESSIONS;
        return text_reftype(p, ret_type) && read_items(p, &p->list, ret_count);
    }
    /* Active segments may leave `func` out, as of old. */
    bool is_bare = is_active && (text_at_index(p) || text_at(p, TOKEN_CLOSE));
    if (!is_bare && !text_accept_keyword(p, "func"))
        return text_expected(p, "func or a reference type");
    return read_functions(p, false, &p->list, ret_count);
}

/* Encodes a segment from its flags, its offset in p->body and its list in p->list. */
static void append_elem(struct text_parser *p, unsigned mode, uint32_t table, text_valtype type,
                        uint32_t count)
{
    struct buf *section = &p->sections[SECTION_ELEM];
    bool is_active = (mode & ELEM_NOT_ACTIVE) == 0;
    if (is_active && (table != 0 || type != TEXT_FUNCREF))
        mode |= ELEM_EXPLICIT;
    buf_append_byte(section, (uint8_t)mode);
    if (is_active) {
        if ((mode & ELEM_EXPLICIT) != 0)
            buf_append_uleb(section, table);
        buf_append(section, p->body.data, p->body.bytes);
    }
    if ((mode & ELEM_EXPRESSIONS) != 0) {
        if (mode != ELEM_EXPRESSIONS)
            text_append_valtype(section, type);
    } else if (mode != 0) {
        buf_append_byte(section, 0); /* kind: functions */
    }
    buf_append_uleb(section, count);
    buf_append(section, p->list.data, p->list.bytes);
    section->failed = section->failed || p->body.failed || p->list.failed;
    p->counts[SECTION_ELEM]++;
}

bool text_field_elem(struct text_parser *p)
{
    uint32_t table = 0, count;
    unsigned mode = 0;
    text_valtype type;
    text_skip_id(p);
    bool has_table = text_accept_form(p, "table");
    if (has_table && (!text_index(p, SPACE_TABLE, &table) || !text_expect_close(p)))
        return false;
    bool is_active = has_table || (text_at(p, TOKEN_OPEN) && !text_at_reftype(p));
    if (is_active) {
        buf_clear(&p->body);
        if (!text_expression_form(p, "offset", &p->body))
            return false;
    } else {
        mode = ELEM_NOT_ACTIVE;
        if (text_accept_keyword(p, "declare"))
            mode |= ELEM_EXPLICIT;
    }
    if (!read_list(p, is_active, &mode, &type, &count))
        return false;
    append_elem(p, mode, table, type, count);
    return true;
}

/* The offset of inline segments: zero, of the address type. */
static void append_zero(struct buf *buf, bool is_64)
{
    text_append_opcode(buf, is_64 ? OP_I64_CONST : OP_I32_CONST);
    buf_append_byte(buf, 0);
    text_append_opcode(buf, OP_END);
}

bool text_inline_elem(struct text_parser *p, uint32_t table, bool is_64, text_valtype type,
                      uint32_t *ret_count)
{
    unsigned mode = 0;
    bool ok;
    buf_clear(&p->list);
    if (text_at(p, TOKEN_OPEN) || type != TEXT_FUNCREF)
        mode = ELEM_EXPRESSIONS;
    if (text_at(p, TOKEN_OPEN))
        ok = read_items(p, &p->list, ret_count);
    else
        ok = read_functions(p, mode != 0, &p->list, ret_count);
    if (!ok)
        return false;
    buf_clear(&p->body);
    append_zero(&p->body, is_64);
    append_elem(p, mode, table, type, *ret_count);
    return text_expect_close(p);
}

/* ---- Data -------------------------------------------------------------------------------- */

/* All strings that stand here, to p->list. */
static bool read_strings(struct text_parser *p)
{
    buf_clear(&p->list);
    while (text_at(p, TOKEN_STRING)) {
        if (!text_string(p, &p->list))
            return false;
    }
    return true;
}

static bool append_strings(struct text_parser *p)
{
    struct buf *section = &p->sections[SECTION_DATA];
    buf_append_uleb(section, p->list.bytes);
    buf_append(section, p->list.data, p->list.bytes);
    p->counts[SECTION_DATA]++;
    return !section->failed || text_nomem(p);
}

bool text_field_data(struct text_parser *p)
{
    struct buf *section = &p->sections[SECTION_DATA];
    uint32_t memory = 0;
    text_skip_id(p);
    bool has_memory = text_accept_form(p, "memory");
    if (has_memory && (!text_index(p, SPACE_MEMORY, &memory) || !text_expect_close(p)))
        return false;
    if (has_memory || text_at(p, TOKEN_OPEN)) {
        buf_append_byte(section, memory != 0 ? DATA_EXPLICIT : 0);
        if (memory != 0)
            buf_append_uleb(section, memory);
        if (!text_expression_form(p, "offset", section))
            return false;
    } else {
        buf_append_byte(section, DATA_PASSIVE);
    }
    return read_strings(p) && append_strings(p);
}

bool text_inline_data(struct text_parser *p, uint32_t memory, bool is_64, uint64_t *ret_bytes)
{
    struct buf *section = &p->sections[SECTION_DATA];
    if (!read_strings(p))
        return false;
    buf_append_byte(section, memory != 0 ? DATA_EXPLICIT : 0);
    if (memory != 0)
        buf_append_uleb(section, memory);
    append_zero(section, is_64);
    *ret_bytes = p->list.bytes;
    return append_strings(p) && text_expect_close(p);
}
