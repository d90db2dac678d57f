/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "component/handle.h"
#include "component/wave_int.h"

static void put(struct buf *out, const char *text)
{
    (void)buf_append_string(out, text);
}

static void put_label(struct buf *out, struct wasm_name name)
{
    if (wave_is_word(name.text, name.bytes))
        put(out, "%");
    (void)buf_append(out, name.text, name.bytes);
}

/* The shortest decimal that reads back to the same number. */
static void put_float(struct buf *out, double value, bool is_single)
{
    char text[40];
    if (isnan(value)) {
        put(out, "nan");
        return;
    }
    if (isinf(value)) {
        put(out, value < 0 ? "-inf" : "inf");
        return;
    }
    for (int digits = is_single ? 6 : 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, value);
        if (is_single ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value)
            break;
    }
    put(out, text);
}

static void put_char(struct buf *out, uint32_t code, char quote)
{
    uint8_t utf8[4];
    switch (code) {
    case '\n':
        put(out, "\\n");
        return;
    case '\r':
        put(out, "\\r");
        return;
    case '\t':
        put(out, "\\t");
        return;
    case '\\':
        put(out, "\\\\");
        return;
    default:
        break;
    }
    if (code == (uint32_t)quote)
        (void)buf_append_format(out, "\\%c", quote);
    else if (code < 0x20 || code == 0x7f)
        (void)buf_append_format(out, "\\u{%x}", code);
    else
        (void)buf_append(out, utf8, utf8_encode(code, utf8));
}

static void put_string(struct buf *out, struct wasm_name string)
{
    put(out, "\"");
    for (size_t at = 0; at < string.bytes; at++) {
        unsigned char byte = (unsigned char)string.text[at];
        if (byte < 0x80)
            put_char(out, byte, '"');
        else
            (void)buf_append_byte(out, byte);
    }
    put(out, "\"");
}

static void put_items(struct buf *out, const struct cvalue *value, const char *open,
                      const char *close)
{
    put(out, open);
    if (wave_is_blob(value->type)) {
        for (uint32_t i = 0; i < value->blob.size_bytes; i++)
            (void)buf_append_format(out, "%s%u", i > 0 ? ", " : "", value->blob.bytes[i]);
    } else {
        for (uint32_t i = 0; i < value->list.count; i++) {
            put(out, i > 0 ? ", " : "");
            wave_print(&value->list.items[i], out);
        }
    }
    put(out, close);
}

static void put_record(struct buf *out, const struct cvalue *value)
{
    put(out, "{");
    for (uint32_t i = 0; i < value->list.count; i++) {
        put(out, i > 0 ? ", " : "");
        put_label(out, value->type->members[i].name);
        put(out, ": ");
        wave_print(&value->list.items[i], out);
    }
    put(out, value->list.count == 0 ? ":}" : "}");
}

static void put_variant(struct buf *out, const struct cvalue *value)
{
    static const char *const option[] = {"none", "some"}, *const result[] = {"ok", "err"};
    if (value->type->kind == CTYPE_OPTION)
        put(out, option[value->variant.index != 0]);
    else if (value->type->kind == CTYPE_RESULT)
        put(out, result[value->variant.index != 0]);
    else
        put_label(out, value->type->members[value->variant.index].name);
    if (value->variant.payload != NULL) {
        put(out, "(");
        wave_print(value->variant.payload, out);
        put(out, ")");
    }
}

static void put_flags(struct buf *out, const struct cvalue *value)
{
    bool has_any = false;
    put(out, "{");
    for (uint32_t i = 0; i < value->type->member_count; i++) {
        if (i / 32 >= value->flags.word_count || (value->flags.words[i / 32] >> i % 32 & 1) == 0)
            continue;
        put(out, has_any ? ", " : "");
        has_any = true;
        put_label(out, value->type->members[i].name);
    }
    put(out, "}");
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static double single_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return (double)value;
}

void wave_print(const struct cvalue *value, struct buf *out)
{
    switch (value->type->kind) {
    case CTYPE_BOOL:
        put(out, value->boolean ? "true" : "false");
        break;
    case CTYPE_S8:
    case CTYPE_S16:
    case CTYPE_S32:
    case CTYPE_S64:
        (void)buf_append_format(out, "%lld", (long long)value->s);
        break;
    case CTYPE_U8:
    case CTYPE_U16:
    case CTYPE_U32:
    case CTYPE_U64:
        (void)buf_append_format(out, "%llu", (unsigned long long)value->u);
        break;
    case CTYPE_F32:
        put_float(out, single_of(value->f32_bits), true);
        break;
    case CTYPE_F64:
        put_float(out, double_of(value->f64_bits), false);
        break;
    case CTYPE_CHAR:
        put(out, "'");
        put_char(out, (uint32_t)value->u, '\'');
        put(out, "'");
        break;
    case CTYPE_STRING:
        put_string(out, value->string);
        break;
    case CTYPE_LIST:
    case CTYPE_LIST_FIXED:
    case CTYPE_MAP:
        put_items(out, value, "[", "]");
        break;
    case CTYPE_TUPLE:
        put_items(out, value, "(", ")");
        break;
    case CTYPE_RECORD:
        put_record(out, value);
        break;
    case CTYPE_VARIANT:
    case CTYPE_ENUM:
    case CTYPE_OPTION:
    case CTYPE_RESULT:
        put_variant(out, value);
        break;
    case CTYPE_FLAGS:
        put_flags(out, value);
        break;
    default:
        (void)buf_append_format(out, "<%s %u>",
                                value->handle.type != NULL ? value->handle.type->name : "handle",
                                value->handle.rep);
        break;
    }
}
