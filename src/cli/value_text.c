/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/value_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An integer of `bits` bits, signed or unsigned, decimal or 0x; '_' may stand between digits. */
static bool parse_integer(const char *word, unsigned bits, uint64_t *ret_value)
{
    bool is_negative = *word == '-';
    uint64_t value = 0, most = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    if (*word == '-' || *word == '+')
        word++;
    unsigned base = 10;
    if (word[0] == '0' && (word[1] == 'x' || word[1] == 'X')) {
        base = 16;
        word += 2;
    }
    if (*word == '\0' || *word == '_')
        return false;
    for (; *word != '\0'; word++) {
        unsigned digit;
        if (*word == '_' && word[1] != '\0')
            continue;
        if (*word >= '0' && *word <= '9')
            digit = (unsigned)(*word - '0');
        else if (base == 16 && (*word | 0x20) >= 'a' && (*word | 0x20) <= 'f')
            digit = (unsigned)((*word | 0x20) - 'a') + 10;
        else
            return false;
        if (value > (most - digit) / base)
            return false;
        value = value * base + digit;
    }
    if (is_negative) {
        if (value > most / 2 + 1)
            return false;
        value = (0 - value) & most;
    }
    *ret_value = value;
    return true;
}

/* "nan:0x…": a payload of `bits` bits; 0 where the word is not one. */
static uint64_t parse_nan_payload(const char *word, unsigned bits)
{
    uint64_t payload;
    const char *at = word + (*word == '-' || *word == '+' ? 1 : 0);
    if (strncmp(at, "nan:0x", 6) != 0 || !parse_integer(at + 4, bits, &payload))
        return 0;
    return payload;
}

static bool parse_f32(const char *word, uint64_t *ret_value)
{
    uint32_t bits = (uint32_t)parse_nan_payload(word, 23);
    if (bits != 0) {
        *ret_value = bits | 0x7f800000u | (*word == '-' ? 0x80000000u : 0);
        return true;
    }
    char *end;
    float value = strtof(word, &end);
    if (end == word || *end != '\0')
        return false;
    memcpy(&bits, &value, sizeof(bits));
    *ret_value = bits;
    return true;
}

static bool parse_f64(const char *word, uint64_t *ret_value)
{
    uint64_t bits = parse_nan_payload(word, 52);
    if (bits != 0) {
        *ret_value = bits | UINT64_C(0x7ff0000000000000) | (uint64_t)(*word == '-') << 63;
        return true;
    }
    char *end;
    double value = strtod(word, &end);
    if (end == word || *end != '\0')
        return false;
    memcpy(&bits, &value, sizeof(bits));
    *ret_value = bits;
    return true;
}

/* "i32x4:1,2,3,4": shape and lanes. */
static const struct shape {
    char name[8];
    uint8_t lanes;
    valtype lane;
} shapes[] = {
    {"i8x16:", 16, VT_I8}, {"i16x8:", 8, VT_I16}, {"i32x4:", 4, VT_I32},
    {"i64x2:", 2, VT_I64}, {"f32x4:", 4, VT_F32}, {"f64x2:", 2, VT_F64},
};

static bool parse_lane(const char *word, valtype lane, uint64_t *ret_value)
{
    switch (lane) {
    case VT_I8:
        return parse_integer(word, 8, ret_value);
    case VT_I16:
        return parse_integer(word, 16, ret_value);
    case VT_I32:
        return parse_integer(word, 32, ret_value);
    case VT_I64:
        return parse_integer(word, 64, ret_value);
    case VT_F32:
        return parse_f32(word, ret_value);
    default:
        return parse_f64(word, ret_value);
    }
}

static bool parse_v128(const char *word, uint64_t *ret_slots)
{
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        const struct shape *shape = &shapes[i];
        size_t length = strlen(shape->name);
        uint64_t slots[2] = {0, 0};
        if (strncmp(word, shape->name, length) != 0)
            continue;
        const char *at = word + length;
        unsigned bits = 128u / shape->lanes, per_slot = 64 / bits;
        for (unsigned lane = 0; lane < shape->lanes; lane++) {
            char text[64];
            uint64_t value;
            size_t bytes = strcspn(at, ",");
            if (bytes >= sizeof(text))
                return false;
            memcpy(text, at, bytes);
            text[bytes] = '\0';
            if (!parse_lane(text, shape->lane, &value))
                return false;
            slots[lane / per_slot] |= value << bits * (lane % per_slot);
            at += bytes;
            bool is_last = lane + 1u == shape->lanes;
            if (*at != (is_last ? '\0' : ','))
                return false;
            at++;
        }
        memcpy(ret_slots, slots, sizeof(slots));
        return true;
    }
    return false;
}

bool value_parse(const char *word, valtype type, uint64_t *ret_slots)
{
    switch (type) {
    case VT_I32:
        return parse_integer(word, 32, ret_slots);
    case VT_I64:
        return parse_integer(word, 64, ret_slots);
    case VT_F32:
        return parse_f32(word, ret_slots);
    case VT_F64:
        return parse_f64(word, ret_slots);
    case VT_V128:
        return parse_v128(word, ret_slots);
    default:
        break;
    }
    if (!vt_is_nullable(type) || strcmp(word, "null") != 0)
        return false;
    *ret_slots = 0;
    return true;
}

const char *value_example(valtype type)
{
    switch (type) {
    case VT_I32:
    case VT_I64:
        return "such as 42, -1 or 0xff";
    case VT_F32:
    case VT_F64:
        return "such as 1.5, -0x1p-3, inf or nan";
    case VT_V128:
        return "such as i32x4:1,2,3,4 or f64x2:0.5,1";
    default:
        return vt_is_nullable(type) ? "null" : "none: it cannot be written as text";
    }
}

/* The shortest decimal that reads back as the same number; `digits` always suffice. */
static void format_float(double value, bool is_f32, char *ret_text)
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(ret_text, VALUE_TEXT_BYTES, "%.*g", digits, value);
        if (is_f32 ? strtof(ret_text, NULL) == (float)value : strtod(ret_text, NULL) == value)
            return;
    }
}

static void format_real(uint64_t bits, bool is_f32, bool json, char *ret_text)
{
    unsigned fraction_bits = is_f32 ? 23 : 52;
    uint64_t fraction = bits & ((UINT64_C(1) << fraction_bits) - 1);
    uint64_t exponents = is_f32 ? 0xff : 0x7ff;
    bool is_negative = (bits >> (is_f32 ? 31 : 63) & 1) != 0;
    const char *quote = json ? "\"" : "";
    if ((bits >> fraction_bits & exponents) != exponents) {
        double value;
        float narrow;
        uint32_t low = (uint32_t)bits;
        memcpy(&narrow, &low, sizeof(narrow));
        memcpy(&value, &bits, sizeof(value));
        format_float(is_f32 ? (double)narrow : value, is_f32, ret_text);
    } else if (fraction == 0) {
        snprintf(ret_text, VALUE_TEXT_BYTES, "%s%sinf%s", quote, is_negative ? "-" : "", quote);
    } else if (fraction == UINT64_C(1) << (fraction_bits - 1)) {
        snprintf(ret_text, VALUE_TEXT_BYTES, "%s%snan%s", quote, is_negative ? "-" : "", quote);
    } else {
        snprintf(ret_text, VALUE_TEXT_BYTES, "%s%snan:0x%llx%s", quote, is_negative ? "-" : "",
                 (unsigned long long)fraction, quote);
    }
}

static const char *reference_kind(valtype type)
{
    switch (vt_heap(type)) {
    case HEAP_EXTERN:
    case HEAP_NOEXTERN:
        return "externref";
    case HEAP_EXN:
    case HEAP_NOEXN:
        return "exnref";
    case HEAP_FUNC:
    case HEAP_NOFUNC:
        return "funcref";
    case HEAP_I31:
        return "i31ref";
    case HEAP_STRUCT:
        return "structref";
    case HEAP_ARRAY:
        return "arrayref";
    case HEAP_EQ:
        return "eqref";
    case HEAP_ANY:
        return "anyref";
    default:
        return "reference";
    }
}

void value_format(const uint64_t *slots, valtype type, bool json, char *ret_text)
{
    const char *quote = json ? "\"" : "";
    switch (type) {
    case VT_I32:
        snprintf(ret_text, VALUE_TEXT_BYTES, "%d", (int)(uint32_t)slots[0]);
        return;
    case VT_I64:
        snprintf(ret_text, VALUE_TEXT_BYTES, "%lld", (long long)slots[0]);
        return;
    case VT_F32:
        format_real((uint32_t)slots[0], true, json, ret_text);
        return;
    case VT_F64:
        format_real(slots[0], false, json, ret_text);
        return;
    case VT_V128:
        snprintf(ret_text, VALUE_TEXT_BYTES, "%si32x4:0x%08x,0x%08x,0x%08x,0x%08x%s", quote,
                 (uint32_t)slots[0], (uint32_t)(slots[0] >> 32), (uint32_t)slots[1],
                 (uint32_t)(slots[1] >> 32), quote);
        return;
    default:
        break;
    }
    if (slots[0] == 0)
        snprintf(ret_text, VALUE_TEXT_BYTES, "null");
    else
        snprintf(ret_text, VALUE_TEXT_BYTES, "%s%s%s", quote, reference_kind(type), quote);
}
