/* SPDX-License-Identifier: Apache-2.0 */
/* What follows a plain instruction's keyword (core specification 6.5). */
#include <string.h>

#include "wasm/text_int.h"

void text_append_opcode(struct buf *buf, enum op op)
{
    const struct op_info *info = &op_infos[op];
    if (info->prefix == 0) {
        buf_append_byte(buf, (uint8_t)info->code);
        return;
    }
    buf_append_byte(buf, info->prefix);
    buf_append_uleb(buf, info->code);
}

/* ---- Indices ----------------------------------------------------------------------------- */

static bool index_immediate(struct text_parser *p, enum text_space space, struct buf *buf)
{
    uint32_t index;
    if (!text_index(p, space, &index))
        return false;
    buf_append_uleb(buf, index);
    return true;
}

/* An index that is 0 when it is left out. */
static bool optional_index(struct text_parser *p, enum text_space space, struct buf *buf)
{
    if (text_at_index(p))
        return index_immediate(p, space, buf);
    buf_append_byte(buf, 0);
    return true;
}

/* Two indices of one space, or none, which is 0 0. */
static bool index_pair(struct text_parser *p, enum text_space space, struct buf *buf)
{
    if (text_at_index(p))
        return index_immediate(p, space, buf) && index_immediate(p, space, buf);
    buf_append(buf, "\0\0", 2);
    return true;
}

/*
 * Segment initialisation: `x? y` where x is the memory or table and y the segment. The binary has
 * them the other way around.
 */
static bool segment_immediate(struct text_parser *p, enum text_space space,
                              enum text_space segments, struct buf *buf)
{
    uint32_t target = 0, segment, first = p->at;
    if (!text_at_index(p))
        return text_expected(p, "an index of a segment");
    p->at++;
    bool has_target = text_at_index(p);
    p->at = first;
    if ((has_target && !text_index(p, space, &target)) || !text_index(p, segments, &segment))
        return false;
    buf_append_uleb(buf, segment);
    buf_append_uleb(buf, target);
    return true;
}

static bool label_immediate(struct text_parser *p, struct buf *buf)
{
    uint32_t index;
    if (!text_label_index(p, &index))
        return false;
    buf_append_uleb(buf, index);
    return true;
}

static bool local_immediate(struct text_parser *p, struct buf *buf)
{
    uint32_t index;
    if (!text_local_index(p, &index))
        return false;
    buf_append_uleb(buf, index);
    return true;
}

/* Puts a count in front of what was appended since `start`. */
static void insert_count(struct text_parser *p, struct buf *buf, size_t start, uint32_t count)
{
    buf_clear(&p->scratch);
    buf_append_uleb(&p->scratch, count);
    buf_insert(buf, start, p->scratch.data, p->scratch.bytes);
    buf->failed = buf->failed || p->scratch.failed;
}

static bool br_table_immediate(struct text_parser *p, struct buf *buf)
{
    uint32_t count = 0, index;
    size_t start = buf->bytes;
    do {
        if (!text_label_index(p, &index))
            return false;
        buf_append_uleb(buf, index);
        count++;
    } while (text_at_index(p));
    insert_count(p, buf, start, count - 1); /* the default label is not counted */
    return true;
}

static bool call_indirect_immediate(struct text_parser *p, struct buf *buf)
{
    uint32_t table = 0, type;
    if (text_at_index(p) && !text_index(p, SPACE_TABLE, &table))
        return false;
    if (!text_typeuse(p, PARAM_IDS_NONE, &type))
        return false;
    buf_append_uleb(buf, type);
    buf_append_uleb(buf, table);
    return true;
}

/* ---- Memory ------------------------------------------------------------------------------ */

/* "offset=8": the number behind the sign, if this keyword stands here. */
static bool keyword_number(struct text_parser *p, const char *prefix, bool *ret_found,
                           uint64_t *ret_value)
{
    const struct text_token *token = text_peek(p);
    const char *text = p->source->text + token->offset;
    size_t length = strlen(prefix);
    *ret_found =
        token->kind == TOKEN_ATOM && token->size > length && memcmp(text, prefix, length) == 0;
    if (!*ret_found)
        return true;
    switch (number_unsigned(text + length, token->size - length, UINT64_MAX, ret_value)) {
    case NUMBER_OK:
        p->at++;
        return true;
    case NUMBER_RANGE:
        return text_fail(p, "constant out of range: %s takes 64 bits", prefix);
    default:
        return text_fail(p, "unexpected token: %s needs an unsigned number", prefix);
    }
}

/* Whether a memory index stands here; a number alone is the lane, where there is a lane. */
static bool at_memory_index(struct text_parser *p, bool has_lane)
{
    if (!has_lane || text_at_id(p))
        return text_at_index(p);
    if (!text_at_digit(p))
        return false;
    const struct text_token *next = text_peek(p) + 1;
    const char *text = p->source->text + next->offset;
    return next->kind == TOKEN_ATOM &&
           ((*text >= '0' && *text <= '9') || strncmp(text, "offset=", 7) == 0 ||
            strncmp(text, "align=", 6) == 0);
}

static bool memarg(struct text_parser *p, enum op op, bool has_lane, struct buf *buf)
{
    uint32_t memory = 0, align = op_infos[op].arg;
    uint64_t offset = 0, bytes = 0;
    bool found;
    if (at_memory_index(p, has_lane) && !text_index(p, SPACE_MEMORY, &memory))
        return false;
    if (!keyword_number(p, "offset=", &found, &offset))
        return false;
    uint32_t token = p->at;
    if (!keyword_number(p, "align=", &found, &bytes))
        return false;
    if (found && (bytes == 0 || (bytes & (bytes - 1)) != 0))
        return text_fail_at(p, token, "alignment must be a power of two");
    if (found)
        align = (uint32_t)__builtin_ctzll(bytes);
    buf_append_uleb(buf, align | (memory != 0 ? 0x40 : 0));
    if (memory != 0)
        buf_append_uleb(buf, memory);
    buf_append_uleb(buf, offset);
    return true;
}

/* ---- Constants --------------------------------------------------------------------------- */

/* Turns a failed number into a message; `what` as in "a number of 32 bits". */
static bool check_number(struct text_parser *p, enum number_result result, const char *what)
{
    switch (result) {
    case NUMBER_OK:
        return true;
    case NUMBER_RANGE:
        return text_fail(p, "constant out of range: %s is expected", what);
    case NUMBER_MEMORY:
        return text_nomem(p);
    default:
        return text_expected(p, what);
    }
}

static bool integer(struct text_parser *p, unsigned bits, uint64_t *ret_value)
{
    static const char *const what[] = {"an 8-bit integer", "a 16-bit integer", "a 32-bit integer",
                                       "a 64-bit integer"};
    const struct text_token *token = text_peek(p);
    enum number_result result = NUMBER_NONE;
    if (token->kind == TOKEN_ATOM)
        result = number_integer(p->source->text + token->offset, token->size, bits, ret_value);
    if (!check_number(p, result, what[__builtin_ctz(bits) - 3]))
        return false;
    p->at++;
    return true;
}

static bool floating(struct text_parser *p, unsigned bits, uint64_t *ret_value)
{
    const struct text_token *token = text_peek(p);
    enum number_result result = NUMBER_NONE;
    if (token->kind == TOKEN_ATOM)
        result = number_float(p->source->text + token->offset, token->size, bits, &p->scratch,
                              ret_value);
    if (!check_number(p, result,
                      bits == 32 ? "a 32-bit floating-point number"
                                 : "a 64-bit floating-point number"))
        return false;
    p->at++;
    return true;
}

/* The low bytes of a number, the lowest first. */
static void append_little(struct buf *buf, uint64_t value, unsigned bits)
{
    for (unsigned shift = 0; shift < bits; shift += 8)
        buf_append_byte(buf, (uint8_t)(value >> shift));
}

static bool float_immediate(struct text_parser *p, unsigned bits, struct buf *buf)
{
    uint64_t value;
    if (!floating(p, bits, &value))
        return false;
    append_little(buf, value, bits);
    return true;
}

static bool integer_immediate(struct text_parser *p, unsigned bits, struct buf *buf)
{
    uint64_t value;
    if (!integer(p, bits, &value))
        return false;
    buf_append_sleb(buf, bits == 32 ? (int32_t)value : (int64_t)value);
    return true;
}

static bool v128_immediate(struct text_parser *p, struct buf *buf)
{
    static const struct {
        const char *name;
        uint8_t lanes, bits;
        bool is_float;
    } shapes[] = {{"i8x16", 16, 8, false}, {"i16x8", 8, 16, false}, {"i32x4", 4, 32, false},
                  {"i64x2", 2, 64, false}, {"f32x4", 4, 32, true},  {"f64x2", 2, 64, true}};
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        if (!text_accept_keyword(p, shapes[i].name))
            continue;
        for (unsigned lane = 0; lane < shapes[i].lanes; lane++) {
            uint64_t value;
            if (shapes[i].is_float ? !floating(p, shapes[i].bits, &value)
                                   : !integer(p, shapes[i].bits, &value))
                return false;
            append_little(buf, value, shapes[i].bits);
        }
        return true;
    }
    return text_expected(p, "the shape of a vector, as in i32x4,");
}

/* `count` lane numbers of a byte each. Whether such a lane exists is for the validator. */
static bool lanes_immediate(struct text_parser *p, unsigned count, struct buf *buf)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t lane;
        if (!text_unsigned(p, UINT8_MAX, &lane))
            return false;
        buf_append_byte(buf, (uint8_t)lane);
    }
    return true;
}

/* ---- References and types ---------------------------------------------------------------- */

/* ref.test, ref.cast: whether the type is nullable is part of the opcode. */
static bool cast_operator(struct text_parser *p, enum op op, struct buf *buf)
{
    text_valtype type;
    if (!text_reftype(p, &type))
        return false;
    if ((type & 0xff) == VT_REF_NULL)
        op = op == OP_REF_TEST ? OP_REF_TEST_NULL : OP_REF_CAST_NULL;
    text_append_opcode(buf, op);
    text_append_heaptype(buf, type);
    return true;
}

static bool br_cast_immediate(struct text_parser *p, struct buf *buf)
{
    uint32_t label;
    text_valtype from, to;
    if (!text_label_index(p, &label) || !text_reftype(p, &from) || !text_reftype(p, &to))
        return false;
    buf_append_byte(buf, (uint8_t)(((from & 0xff) == VT_REF_NULL ? 1 : 0) |
                                   ((to & 0xff) == VT_REF_NULL ? 2 : 0)));
    buf_append_uleb(buf, label);
    text_append_heaptype(buf, from);
    text_append_heaptype(buf, to);
    return true;
}

static bool heap_immediate(struct text_parser *p, struct buf *buf)
{
    text_valtype type;
    if (!text_heaptype(p, &type))
        return false;
    text_append_heaptype(buf, type);
    return true;
}

/* select: with (result …)* it is another operator. */
static bool select_operator(struct text_parser *p, struct buf *buf)
{
    bool is_typed = false;
    buf_clear(&p->results);
    p->result_count = 0;
    while (text_accept_form(p, "result")) {
        is_typed = true;
        if (!text_results(p))
            return false;
    }
    text_append_opcode(buf, is_typed ? OP_SELECT_T : OP_SELECT);
    if (is_typed) {
        buf_append_uleb(buf, p->result_count);
        buf_append(buf, p->results.data, p->results.bytes);
    }
    return true;
}

static bool field_immediate(struct text_parser *p, struct buf *buf)
{
    uint32_t type, field;
    if (!text_index(p, SPACE_TYPE, &type) || !text_field_index(p, type, &field))
        return false;
    buf_append_uleb(buf, type);
    buf_append_uleb(buf, field);
    return true;
}

static bool type_count_immediate(struct text_parser *p, struct buf *buf)
{
    uint32_t count;
    if (!index_immediate(p, SPACE_TYPE, buf) || !text_u32(p, &count))
        return false;
    buf_append_uleb(buf, count);
    return true;
}

static bool data_immediate(struct text_parser *p, struct buf *buf)
{
    p->needs_data_count = true;
    return index_immediate(p, SPACE_DATA, buf);
}

/* The code of the catch clause that stands here, or -1. */
static int accept_catch(struct text_parser *p)
{
    static const char *const names[] = {"catch", "catch_ref", "catch_all", "catch_all_ref"};
    for (int i = 0; i < (int)COUNT_OF(names); i++) {
        if (text_accept_form(p, names[i]))
            return i;
    }
    return -1;
}

bool text_catches(struct text_parser *p, struct buf *buf)
{
    uint32_t count = 0;
    size_t start = buf->bytes;
    for (int code; (code = accept_catch(p)) >= 0; count++) {
        buf_append_byte(buf, (uint8_t)code);
        if (code < 2 && !index_immediate(p, SPACE_TAG, buf))
            return false;
        if (!label_immediate(p, buf) || !text_expect_close(p))
            return false;
    }
    insert_count(p, buf, start, count);
    return true;
}

/* ---- All of them ------------------------------------------------------------------------- */

/* Indices, by the kind of immediate. */
static bool index_immediates(struct text_parser *p, enum op_immediate kind, struct buf *buf)
{
    switch (kind) {
    case IMM_LABEL:
        return label_immediate(p, buf);
    case IMM_BR_TABLE:
        return br_table_immediate(p, buf);
    case IMM_FUNC:
        return index_immediate(p, SPACE_FUNC, buf);
    case IMM_TYPE:
        return index_immediate(p, SPACE_TYPE, buf);
    case IMM_CALL_INDIRECT:
        return call_indirect_immediate(p, buf);
    case IMM_LOCAL:
        return local_immediate(p, buf);
    case IMM_GLOBAL:
        return index_immediate(p, SPACE_GLOBAL, buf);
    case IMM_TABLE:
        return optional_index(p, SPACE_TABLE, buf);
    case IMM_MEMORY:
        return optional_index(p, SPACE_MEMORY, buf);
    case IMM_DATA_MEMORY:
        p->needs_data_count = true;
        return segment_immediate(p, SPACE_MEMORY, SPACE_DATA, buf);
    case IMM_DATA:
        return data_immediate(p, buf);
    case IMM_MEMORY2:
        return index_pair(p, SPACE_MEMORY, buf);
    case IMM_ELEM_TABLE:
        return segment_immediate(p, SPACE_TABLE, SPACE_ELEM, buf);
    case IMM_ELEM:
        return index_immediate(p, SPACE_ELEM, buf);
    case IMM_TABLE2:
        return index_pair(p, SPACE_TABLE, buf);
    case IMM_TAG:
        return index_immediate(p, SPACE_TAG, buf);
    case IMM_TYPE_FIELD:
        return field_immediate(p, buf);
    case IMM_TYPE_COUNT:
        return type_count_immediate(p, buf);
    case IMM_TYPE_DATA:
        return index_immediate(p, SPACE_TYPE, buf) && data_immediate(p, buf);
    case IMM_TYPE_ELEM:
        return index_immediate(p, SPACE_TYPE, buf) && index_immediate(p, SPACE_ELEM, buf);
    case IMM_TYPE2:
        return index_immediate(p, SPACE_TYPE, buf) && index_immediate(p, SPACE_TYPE, buf);
    case IMM_BR_CAST:
        return br_cast_immediate(p, buf);
    case IMM_HEAP:
        return heap_immediate(p, buf);
    default:
        return true;
    }
}

bool text_operator(struct text_parser *p, enum op op, struct buf *buf)
{
    const struct op_info *info = &op_infos[op];
    if (op == OP_SELECT)
        return select_operator(p, buf);
    if (op == OP_REF_TEST || op == OP_REF_CAST)
        return cast_operator(p, op, buf);
    text_append_opcode(buf, op);
    switch (info->immediate) {
    case IMM_MEMARG:
        return memarg(p, op, false, buf);
    case IMM_MEMARG_LANE:
        return memarg(p, op, true, buf) && lanes_immediate(p, 1, buf);
    case IMM_I32:
        return integer_immediate(p, 32, buf);
    case IMM_I64:
        return integer_immediate(p, 64, buf);
    case IMM_F32:
        return float_immediate(p, 32, buf);
    case IMM_F64:
        return float_immediate(p, 64, buf);
    case IMM_V128:
        return v128_immediate(p, buf);
    case IMM_SHUFFLE:
        return lanes_immediate(p, 16, buf);
    case IMM_LANE:
        return lanes_immediate(p, 1, buf);
    default:
        return index_immediates(p, info->immediate, buf);
    }
}
