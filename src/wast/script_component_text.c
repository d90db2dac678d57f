/* SPDX-License-Identifier: Apache-2.0 */
/* Values of components in scripts: (u32.const 1), (list.const (str.const "a")) … */
#include "base/utf8.h"
#include "wast/script_text_int.h"

static const struct row {
    const char *name;
    uint8_t type; /* enum script_type */
    uint8_t bits; /* of integers */
    bool is_signed, is_other; /* is_other: none of an option, error of a result */
} rows[] = {
    {"bool.const", VALUE_BOOL, 0, false, false},
    {"s8.const", VALUE_S8, 8, true, false},
    {"u8.const", VALUE_U8, 8, false, false},
    {"s16.const", VALUE_S16, 16, true, false},
    {"u16.const", VALUE_U16, 16, false, false},
    {"s32.const", VALUE_S32, 32, true, false},
    {"u32.const", VALUE_U32, 32, false, false},
    {"s64.const", VALUE_S64, 64, true, false},
    {"u64.const", VALUE_U64, 64, false, false},
    {"char.const", VALUE_CHAR, 0, false, false},
    {"str.const", VALUE_STRING, 0, false, false},
    {"list.const", VALUE_LIST, 0, false, false},
    {"record.const", VALUE_RECORD, 0, false, false},
    {"tuple.const", VALUE_TUPLE, 0, false, false},
    {"variant.const", VALUE_VARIANT, 0, false, false},
    {"enum.const", VALUE_ENUM, 0, false, false},
    {"option.some", VALUE_OPTION, 0, false, false},
    {"option.none", VALUE_OPTION, 0, false, true},
    {"result.ok", VALUE_RESULT, 0, false, false},
    {"result.err", VALUE_RESULT, 0, false, true},
    {"flags.const", VALUE_FLAGS, 0, false, false},
};

static bool read_after(struct script_reader *r, const struct row *row,
                       struct script_value *ret_value);

/* The row of the keyword at a token, or NULL. */
static const struct row *find_row(const struct script_reader *r, const struct text_token *token)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (text_token_is(r->source, token, rows[i].name))
            return &rows[i];
    }
    return NULL;
}

bool script_at_component_value(const struct script_reader *r)
{
    return script_peek(r)->kind == TOKEN_OPEN && find_row(r, script_peek(r) + 1) != NULL;
}

/* The value of a field, which may do without parentheses of its own. */
static bool read_field(struct script_reader *r, struct script_value *ret_value)
{
    const struct row *row = find_row(r, script_peek(r));
    static const struct {
        const char *name;
        enum script_type type;
    } floats[] = {{"f32.const", VALUE_F32}, {"f64.const", VALUE_F64}};
    for (size_t i = 0; i < COUNT_OF(floats); i++) {
        if (text_token_is(r->source, script_peek(r), floats[i].name)) {
            struct script_value value = {.type = (uint8_t)floats[i].type};
            r->at++;
            if (!script_float(r, floats[i].type == VALUE_F32 ? 32 : 64, &value.bits[0],
                              &value.nan[0]))
                return false;
            *ret_value = value;
            return true;
        }
    }
    return row != NULL ? read_after(r, row, ret_value) : script_value(r, ret_value);
}

static bool read_bool(struct script_reader *r, struct script_value *value)
{
    bool is_true = text_token_is(r->source, script_peek(r), "true");
    if (!is_true && !text_token_is(r->source, script_peek(r), "false"))
        return script_fail(r, "true or false is expected here");
    value->bits[0] = is_true;
    r->at++;
    return true;
}

static bool read_char(struct script_reader *r, struct script_value *value)
{
    struct wasm_name text;
    uint32_t code_point = 0;
    if (!script_string(r, &text))
        return false;
    if (text.bytes == 0 ||
        utf8_decode((const uint8_t *)text.text, text.bytes, &code_point) != text.bytes) {
        r->at--;
        return script_fail(r, "a string of one character is expected here");
    }
    value->bits[0] = code_point;
    return true;
}

/* (field "label" value)*, or labels alone. */
static bool read_labelled(struct script_reader *r, struct script_value *value)
{
    bool is_record = value->type == VALUE_RECORD;
    size_t first = r->value_count;
    while (script_peek(r)->kind != TOKEN_CLOSE) {
        struct script_value item = {0};
        struct wasm_name label;
        if (r->value_count - first == SCRIPT_VALUES_MAX)
            return script_fail(r, "too many values");
        if (is_record && !script_accept_form(r, "field"))
            return script_fail(r, "(field …) is expected here");
        if (!script_string(r, &label))
            return false;
        if (is_record && (!read_field(r, &item) || !script_expect_close(r)))
            return false;
        item.label = label;
        if (!vec_reserve(r->script->arena.alloc, &r->values, &r->value_capacity,
                         r->value_count + 1, sizeof(*r->values)))
            return script_nomem(r);
        r->values[r->value_count++] = item;
    }
    value->item_count = (uint32_t)(r->value_count - first);
    return script_take_values(r, first, &value->items);
}

/* The payload of a case: one value or none. */
static bool read_payload(struct script_reader *r, struct script_value *value, uint32_t min,
                         uint32_t max)
{
    if (!script_values(r, &value->items, &value->item_count))
        return false;
    if (value->item_count < min || value->item_count > max)
        return script_fail(r, "another number of values is expected here");
    return true;
}

static bool read_content(struct script_reader *r, const struct row *row, struct script_value *value)
{
    if (row->bits != 0) {
        unsigned above = 64u - row->bits;
        if (!script_integer(r, row->bits, &value->bits[0]))
            return false;
        if (row->is_signed)
            value->bits[0] = (uint64_t)((int64_t)(value->bits[0] << above) >> above);
        return true;
    }
    switch (row->type) {
    case VALUE_BOOL:
        return read_bool(r, value);
    case VALUE_CHAR:
        return read_char(r, value);
    case VALUE_STRING:
    case VALUE_ENUM:
        return script_string(r, &value->text);
    case VALUE_VARIANT:
        return script_string(r, &value->text) && read_payload(r, value, 0, 1);
    case VALUE_OPTION:
        return row->is_other || read_payload(r, value, 1, 1);
    case VALUE_RESULT:
        value->bits[0] = row->is_other;
        return read_payload(r, value, 0, 1);
    case VALUE_RECORD:
    case VALUE_FLAGS:
        return read_labelled(r, value);
    default:
        return script_values(r, &value->items, &value->item_count);
    }
}

/* From the keyword on, up to the closing parenthesis. */
static bool read_after(struct script_reader *r, const struct row *row,
                       struct script_value *ret_value)
{
    struct script_value value = {.type = row->type};
    if (r->depth == SCRIPT_DEPTH_MAX)
        return script_fail(r, "values are nested too deeply");
    r->depth++;
    r->at++;
    if (!read_content(r, row, &value))
        return false;
    r->depth--;
    *ret_value = value;
    return true;
}

bool script_component_value(struct script_reader *r, struct script_value *ret_value)
{
    r->at++;
    return read_after(r, find_row(r, script_peek(r)), ret_value) && script_expect_close(r);
}
