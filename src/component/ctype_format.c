/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "component/ctype.h"

/* Text that is cut off where the room ends; `is_full` also ends the walk over types, which share
 * parts and may be far longer written out than in memory. */
struct out {
    char *text;
    size_t size, used;
    bool is_full;
};

static void PRINTF_LIKE(2, 3) put(struct out *out, const char *format, ...)
{
    if (out->is_full)
        return;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(out->text + out->used, out->size - out->used, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= out->size - out->used) {
        out->is_full = true;
        return;
    }
    out->used += (size_t)length;
}

static void put_type(struct out *out, const struct ctype *type);

static const char *const primitive_names[CTYPE_PRIMITIVE_LAST + 1] = {
    [CTYPE_BOOL] = "bool",     [CTYPE_S8] = "s8",
    [CTYPE_U8] = "u8",         [CTYPE_S16] = "s16",
    [CTYPE_U16] = "u16",       [CTYPE_S32] = "s32",
    [CTYPE_U32] = "u32",       [CTYPE_S64] = "s64",
    [CTYPE_U64] = "u64",       [CTYPE_F32] = "f32",
    [CTYPE_F64] = "f64",       [CTYPE_CHAR] = "char",
    [CTYPE_STRING] = "string", [CTYPE_ERROR_CONTEXT] = "error-context",
};

/* "<a, b>" of what has types and no names. */
static void put_arguments(struct out *out, const char *name, const struct ctype *type)
{
    put(out, "%s<", name);
    for (uint32_t i = 0; i < type->member_count && !out->is_full; i++) {
        put(out, "%s", i == 0 ? "" : ", ");
        put_type(out, type->members[i].type);
    }
    put(out, ">");
}

/* "{ a: u32, b: string }", "{ a(u32), b }", "{ a, b }". */
static void put_members(struct out *out, const char *name, const struct ctype *type)
{
    bool is_record = type->kind == CTYPE_RECORD;
    put(out, "%s {", name);
    for (uint32_t i = 0; i < type->member_count && !out->is_full; i++) {
        const struct ctype_member *member = &type->members[i];
        put(out, "%s%.*s", i == 0 ? " " : ", ", (int)member->name.bytes,
            member->name.text == NULL ? "" : member->name.text);
        if (member->type == NULL)
            continue;
        put(out, is_record ? ": " : "(");
        put_type(out, member->type);
        put(out, is_record ? "" : ")");
    }
    put(out, " }");
}

static void put_result(struct out *out, const struct ctype *type)
{
    const struct ctype *ok = type->members[0].type, *err = type->members[1].type;
    put(out, "result");
    if (ok == NULL && err == NULL)
        return;
    put(out, "<");
    if (ok == NULL)
        put(out, "_");
    else
        put_type(out, ok);
    if (err != NULL) {
        put(out, ", ");
        put_type(out, err);
    }
    put(out, ">");
}

static void put_type(struct out *out, const struct ctype *type)
{
    if (out->is_full)
        return;
    if (type == NULL) {
        put(out, "_");
        return;
    }
    switch (type->kind) {
    case CTYPE_RECORD:
        put_members(out, "record", type);
        return;
    case CTYPE_VARIANT:
        put_members(out, "variant", type);
        return;
    case CTYPE_FLAGS:
        put_members(out, "flags", type);
        return;
    case CTYPE_ENUM:
        put_members(out, "enum", type);
        return;
    case CTYPE_LIST_FIXED:
        put(out, "list<");
        put_type(out, type->members[0].type);
        put(out, ", %u>", type->length);
        return;
    case CTYPE_LIST:
        put_arguments(out, "list", type);
        return;
    case CTYPE_TUPLE:
        put_arguments(out, "tuple", type);
        return;
    case CTYPE_OPTION:
        put_arguments(out, "option", type);
        return;
    case CTYPE_MAP:
        put_arguments(out, "map", type);
        return;
    case CTYPE_RESULT:
        put_result(out, type);
        return;
    case CTYPE_OWN:
        put(out, "own<%u>", type->resource);
        return;
    case CTYPE_BORROW:
        put(out, "borrow<%u>", type->resource);
        return;
    case CTYPE_STREAM:
    case CTYPE_FUTURE: {
        const char *name = type->kind == CTYPE_STREAM ? "stream" : "future";
        if (type->member_count == 0 || type->members[0].type == NULL)
            put(out, "%s", name);
        else
            put_arguments(out, name, type);
        return;
    }
    default:
        put(out, "%s", primitive_names[type->kind]);
    }
}

char *ctype_format(const struct ctype *type, char *text, size_t size)
{
    struct out out = {.text = text, .size = size};
    if (size == 0)
        return text;
    text[0] = '\0';
    put_type(&out, type);
    return text;
}
