/* SPDX-License-Identifier: Apache-2.0 */
/* Values in scripts: those of core modules, and lists of any. */
#include "base/number.h"
#include "wast/script_text_int.h"

/* ---- Values ------------------------------------------------------------------------------ */

/* An integer of up to 64 bits. */
bool script_integer(struct script_reader *r, unsigned bits, uint64_t *ret_value)
{
    const struct text_token *token = script_peek(r);
    if (token->kind != TOKEN_ATOM ||
        number_integer(r->source->text + token->offset, token->size, bits, ret_value) != NUMBER_OK)
        return script_fail(r, "an integer that fits its type is expected here");
    r->at++;
    return true;
}

/* A float, or one of the two patterns of not-a-number. */
bool script_float(struct script_reader *r, unsigned bits, uint64_t *ret_value, uint8_t *ret_nan)
{
    const struct text_token *token = script_peek(r);
    *ret_value = 0;
    *ret_nan = NAN_NONE;
    if (text_token_is(r->source, token, "nan:canonical"))
        *ret_nan = NAN_CANONICAL;
    else if (text_token_is(r->source, token, "nan:arithmetic"))
        *ret_nan = NAN_ARITHMETIC;
    else if (token->kind != TOKEN_ATOM || number_float(r->source->text + token->offset, token->size,
                                                       bits, &r->scratch, ret_value) != NUMBER_OK)
        return script_fail(r, "a floating-point number is expected here");
    r->at++;
    return true;
}

static bool read_vector(struct script_reader *r, struct script_value *value)
{
    static const struct {
        const char *name;
        uint8_t bits;
        bool is_float;
    } shapes[] = {{"i8x16", 8, false},  {"i16x8", 16, false}, {"i32x4", 32, false},
                  {"i64x2", 64, false}, {"f32x4", 32, true},  {"f64x2", 64, true}};
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        if (!text_token_is(r->source, script_peek(r), shapes[i].name))
            continue;
        r->at++;
        value->lane_bits = shapes[i].bits;
        value->is_float = shapes[i].is_float;
        for (unsigned lane = 0; lane < 128u / value->lane_bits; lane++) {
            uint64_t bits;
            bool ok = value->is_float ? script_float(r, value->lane_bits, &bits, &value->nan[lane])
                                      : script_integer(r, value->lane_bits, &bits);
            if (!ok)
                return false;
            unsigned bit = lane * value->lane_bits;
            value->bits[bit / 64] |= bits << bit % 64;
        }
        return true;
    }
    return script_fail(r, "the shape of a vector is expected here");
}

/* Whether anything stands before the parenthesis that closes. */
static bool at_end(const struct script_reader *r)
{
    return script_peek(r)->kind == TOKEN_CLOSE;
}

static bool read_reference(struct script_reader *r, struct script_value *value)
{
    static const struct {
        const char *name;
        enum script_type type;
    } patterns[] = {{"ref.func", VALUE_REF_FUNC},   {"ref.extern", VALUE_REF_EXTERN},
                    {"ref.any", VALUE_REF_ANY},     {"ref.eq", VALUE_REF_EQ},
                    {"ref.i31", VALUE_REF_I31},     {"ref.struct", VALUE_REF_STRUCT},
                    {"ref.array", VALUE_REF_ARRAY}, {"ref.exn", VALUE_REF_EXN},
                    {"ref.host", VALUE_REF_HOST},   {"ref.null", VALUE_REF_NULL}};
    for (size_t i = 0; i < COUNT_OF(patterns); i++) {
        if (!text_token_is(r->source, script_peek(r), patterns[i].name))
            continue;
        r->at++;
        value->type = (uint8_t)patterns[i].type;
        if (at_end(r))
            return value->type != VALUE_REF_HOST || script_fail(r, "a number is expected here");
        if (value->type == VALUE_REF_NULL) {
            r->at++; /* the heap type: a null fits in any */
            return true;
        }
        if (value->type != VALUE_REF_EXTERN && value->type != VALUE_REF_HOST)
            return script_fail(r, ") is expected here");
        value->type = VALUE_REF_HOST;
        return script_integer(r, 32, &value->bits[0]);
    }
    return script_fail(r, "a constant or a pattern of a result is expected here");
}

/* (t.const …), (ref.… …) */
bool script_value(struct script_reader *r, struct script_value *ret_value)
{
    static const struct {
        const char *name;
        enum script_type type;
    } constants[] = {{"i32.const", VALUE_I32},
                     {"i64.const", VALUE_I64},
                     {"f32.const", VALUE_F32},
                     {"f64.const", VALUE_F64},
                     {"v128.const", VALUE_V128}};
    struct script_value value = {0};
    bool ok = false, found = false;
    if (script_peek(r)->kind != TOKEN_OPEN)
        return script_fail(r, "a constant is expected here");
    if (script_at_component_value(r))
        return script_component_value(r, ret_value);
    for (size_t i = 0; i < COUNT_OF(constants) && !found; i++) {
        found = script_accept_form(r, constants[i].name);
        value.type = (uint8_t)constants[i].type;
    }
    if (!found) {
        r->at++;
        ok = read_reference(r, &value);
    } else if (value.type == VALUE_V128) {
        ok = read_vector(r, &value);
    } else {
        unsigned bits = value.type == VALUE_I32 || value.type == VALUE_F32 ? 32 : 64;
        ok = value.type == VALUE_I32 || value.type == VALUE_I64
                 ? script_integer(r, bits, &value.bits[0])
                 : script_float(r, bits, &value.bits[0], &value.nan[0]);
    }
    if (!ok || !script_expect_close(r))
        return false;
    *ret_value = value;
    return true;
}

bool script_take_values(struct script_reader *r, size_t first,
                        const struct script_value **ret_values)
{
    size_t count = r->value_count - first;
    const struct script_value *from = count == 0 ? NULL : r->values + first;
    *ret_values = arena_copy(&r->script->arena, from, count * sizeof(*from));
    r->value_count = first;
    return *ret_values != NULL || script_nomem(r);
}

bool script_values(struct script_reader *r, const struct script_value **ret_values,
                   uint32_t *ret_count)
{
    size_t first = r->value_count;
    for (; script_peek(r)->kind == TOKEN_OPEN; r->value_count++) {
        struct script_value value;
        if (r->value_count - first == SCRIPT_VALUES_MAX)
            return script_fail(r, "too many values");
        if (!script_value(r, &value))
            return false;
        if (!vec_reserve(r->script->arena.alloc, &r->values, &r->value_capacity,
                         r->value_count + 1, sizeof(*r->values)))
            return script_nomem(r);
        r->values[r->value_count] = value;
    }
    *ret_count = (uint32_t)(r->value_count - first);
    return script_take_values(r, first, ret_values);
}
