/* SPDX-License-Identifier: Apache-2.0 */
/* WAVE: component values as text, there and back. */
#include "check.h"

#include <string.h>

#include "component/wave.h"

static struct arena arena;
static struct stint_error error;

#define PRIM(kind) ctype_primitive(CTYPE_##kind)

static struct ctype_member member(const char *name, const struct ctype *type)
{
    struct wasm_name label = {name, name == NULL ? 0 : (uint32_t)strlen(name)};
    return (struct ctype_member){.name = label, .type = type};
}

static const struct ctype *make(enum ctype_kind kind, const struct ctype_member *members,
                                uint32_t count, uint32_t length)
{
    const struct ctype *type = NULL;
    struct ctype draft = {
        .kind = kind, .member_count = count, .members = members, .length = length};
    CHECK_INT(ctype_make(&arena, &draft, &type, &error), STINT_OK);
    return type;
}

static const struct ctype *of(enum ctype_kind kind, const struct ctype *element)
{
    struct ctype_member members[] = {member(NULL, element)};
    return make(kind, members, 1, 3);
}

/* Reads `text`, prints it, and compares with `want`; reads that again and compares the values. */
static void check_text(const struct ctype *type, const char *text, const char *want)
{
    struct cvalue value, again;
    struct buf out;
    error_clear(&error);
    buf_init(&out, &alloc_root, SIZE_MAX);
    enum stint_status status = wave_parse(&arena, type, text, strlen(text), &value, &error);
    CHECK_STR(error.message, "");
    CHECK_INT(status, STINT_OK);
    if (status == STINT_OK) {
        wave_print(&value, &out);
        (void)buf_append_byte(&out, 0);
        CHECK_STR((const char *)out.data, want);
        status = wave_parse(&arena, type, want, strlen(want), &again, &error);
        CHECK_INT(status, STINT_OK);
        CHECK(status == STINT_OK && cvalue_equal(&value, &again));
    }
    buf_free(&out);
}

static void check_error(const struct ctype *type, const char *text, const char *want)
{
    struct cvalue value;
    error_clear(&error);
    CHECK_INT(wave_parse(&arena, type, text, strlen(text), &value, &error), STINT_ARGUMENT);
    CHECK(strstr(error.message, want) != NULL);
    if (strstr(error.message, want) == NULL)
        CHECK_STR(error.message, want);
}

static const struct ctype *make_record(void)
{
    struct ctype_member fields[] = {member("name", PRIM(STRING)), member("ok", PRIM(U8)),
                                    member("note", of(CTYPE_OPTION, PRIM(S32)))};
    return make(CTYPE_RECORD, fields, 3, 0);
}

TEST(numbers)
{
    arena_init(&arena, &alloc_root);
    check_text(PRIM(BOOL), " true ", "true");
    check_text(PRIM(U8), "255", "255");
    check_text(PRIM(S8), "-128", "-128");
    check_text(PRIM(S64), "-9223372036854775808", "-9223372036854775808");
    check_text(PRIM(U64), "18446744073709551615", "18446744073709551615");
    check_text(PRIM(F64), "0.1", "0.1");
    check_text(PRIM(F32), "16777216", "16777216");
    check_text(PRIM(F64), "-inf", "-inf");
    check_text(PRIM(F32), "nan", "nan");
    check_error(PRIM(U8), "256", "at column 1: expected a value of type u8, found '256'");
    check_error(PRIM(S8), "-129", "found '-129'");
    check_error(PRIM(U32), "-1", "expected a value of type u32");
    check_error(PRIM(BOOL), "yes", "a value of type bool");
    check_error(PRIM(U8), "1 2", "at column 3: expected the end, found '2'");
    check_error(PRIM(F64), "", "found the end");
    arena_free(&arena);
}

TEST(characters_and_strings)
{
    arena_init(&arena, &alloc_root);
    check_text(PRIM(CHAR), "'x'", "'x'");
    check_text(PRIM(CHAR), "'\\''", "'\\''");
    check_text(PRIM(CHAR), "'\\u{1F600}'", "'\xf0\x9f\x98\x80'");
    check_text(PRIM(STRING), "\"\"", "\"\"");
    check_text(PRIM(STRING), "\"a\\n\\\"\\u{1}\xc3\xa9\" // said", "\"a\\n\\\"\\u{1}\xc3\xa9\"");
    check_error(PRIM(CHAR), "'ab'", "expected \"'\"");
    check_error(PRIM(CHAR), "'\\u{d800}'", "Unicode scalar value");
    check_error(PRIM(CHAR), "'\\u{110000}'", "Unicode scalar value");
    check_error(PRIM(STRING), "\"abc", "found the end");
    check_error(PRIM(STRING), "\"\\q\"", "an escape");
    check_error(PRIM(STRING), "\"\xff\"", "a character");
    arena_free(&arena);
}

TEST(lists_and_records)
{
    arena_init(&arena, &alloc_root);
    struct ctype_member pair[] = {member(NULL, PRIM(U32)), member(NULL, PRIM(STRING))};
    struct ctype_member rights[] = {member("read", NULL), member("write", NULL),
                                    member("ok", NULL)};
    const struct ctype *record = make_record();
    check_text(of(CTYPE_LIST, PRIM(U8)), "[1, 2, 255,]", "[1, 2, 255]");
    check_text(of(CTYPE_LIST, PRIM(S16)), "[ ]", "[]");
    check_text(of(CTYPE_LIST, of(CTYPE_LIST, PRIM(S16))), "[[1],[2,3]]", "[[1], [2, 3]]");
    check_text(of(CTYPE_LIST_FIXED, PRIM(U16)), "[1, 2, 3]", "[1, 2, 3]");
    check_text(make(CTYPE_TUPLE, pair, 2, 0), "(7, \"x\")", "(7, \"x\")");
    check_text(record, "{note: 4, name: \"a\", %ok: 1}", "{name: \"a\", %ok: 1, note: some(4)}");
    check_text(record, "{name: \"a\", ok: 1}", "{name: \"a\", %ok: 1, note: none}");
    check_text(make(CTYPE_FLAGS, rights, 3, 0), "{write, read}", "{read, write}");
    check_text(make(CTYPE_FLAGS, rights, 3, 0), "{}", "{}");
    check_error(of(CTYPE_LIST, PRIM(U8)), "[1 2]", "expected ']'");
    check_error(of(CTYPE_LIST_FIXED, PRIM(U16)), "[1, 2]", "list<u16, 3>");
    check_error(record, "{ok: 1}", "expected 'name'");
    check_error(record, "{name: \"a\", name: \"b\"}", "each field once");
    check_error(record, "{size: 1}", "found 'size:'");
    check_error(make(CTYPE_TUPLE, pair, 2, 0), "(7)", "expected ','");
    check_error(make(CTYPE_FLAGS, rights, 3, 0), "{run}", "found 'run}'");
    arena_free(&arena);
}

TEST(variants)
{
    arena_init(&arena, &alloc_root);
    struct ctype_member shapes[] = {member("point", NULL), member("circle", PRIM(F64)),
                                    member("none", NULL)};
    struct ctype_member colours[] = {member("red", NULL), member("green", NULL)};
    struct ctype_member outcome[] = {member(NULL, PRIM(U32)), member(NULL, PRIM(STRING))};
    struct ctype_member bare[] = {member(NULL, NULL), member(NULL, NULL)};
    const struct ctype *option = of(CTYPE_OPTION, PRIM(S32));
    check_text(make(CTYPE_VARIANT, shapes, 3, 0), "circle(2.5)", "circle(2.5)");
    check_text(make(CTYPE_VARIANT, shapes, 3, 0), "%none", "%none");
    check_text(make(CTYPE_ENUM, colours, 2, 0), "green", "green");
    check_text(option, "none", "none");
    check_text(option, "5", "some(5)");
    check_text(of(CTYPE_OPTION, option), "some(none)", "some(none)");
    check_text(make(CTYPE_RESULT, outcome, 2, 0), "7", "ok(7)");
    check_text(make(CTYPE_RESULT, outcome, 2, 0), "err(\"no\")", "err(\"no\")");
    check_text(make(CTYPE_RESULT, bare, 2, 0), "err", "err");
    check_error(of(CTYPE_OPTION, option), "5", "option<option<s32>>");
    check_error(make(CTYPE_VARIANT, shapes, 3, 0), "circle", "expected '('");
    check_error(make(CTYPE_ENUM, colours, 2, 0), "blue", "found 'blue'");
    arena_free(&arena);
}

TEST(arguments)
{
    arena_init(&arena, &alloc_root);
    struct ctype_member params[] = {member("a", PRIM(S32)), member("b", PRIM(STRING)),
                                    member("c", of(CTYPE_OPTION, PRIM(U8)))};
    struct ctype_func func = {.param_count = 3, .params = params}, none = {0};
    struct cvalue *args = NULL;
    const char *texts[] = {"(1, \"x\")", "1, \"x\", none", " ( 1 , \"x\" , none ) "};
    for (size_t i = 0; i < 3; i++) {
        error_clear(&error);
        CHECK_INT(wave_parse_args(&arena, &func, texts[i], strlen(texts[i]), &args, &error),
                  STINT_OK);
        CHECK_STR(error.message, "");
        CHECK(args != NULL && args[0].s == 1 && args[1].string.bytes == 1);
        CHECK(args != NULL && args[2].type == params[2].type && args[2].variant.index == 0);
    }
    CHECK_INT(wave_parse_args(&arena, &none, "()", 2, &args, &error), STINT_OK);
    CHECK_INT(wave_parse_args(&arena, &none, "", 0, &args, &error), STINT_OK);
    error_clear(&error);
    CHECK_INT(wave_parse_args(&arena, &func, "(1)", 3, &args, &error), STINT_ARGUMENT);
    CHECK_STR(error.message, "at column 3: expected 'b', found ')'");
    error_clear(&error);
    CHECK_INT(wave_parse_args(&arena, &none, "(1)", 3, &args, &error), STINT_ARGUMENT);
    CHECK(strstr(error.message, "expected ')'") != NULL);
    arena_free(&arena);
}

TEST(depth_and_memory)
{
    arena_init(&arena, &alloc_root);
    const struct ctype *type = PRIM(U16);
    char text[400];
    size_t bytes = 0, depth = 90;
    for (size_t i = 0; i < depth; i++)
        type = of(CTYPE_LIST, type);
    memset(text, '[', depth);
    text[depth] = '1';
    memset(text + depth + 1, ']', depth);
    bytes = depth * 2 + 1;
    struct cvalue value;
    CHECK_INT(wave_parse(&arena, type, text, bytes, &value, &error), STINT_OK);
    /* Every budget from nothing up ends in a value or in a clean failure. */
    for (size_t budget = 0; budget < 40000; budget += 500) {
        struct alloc small;
        struct arena limited;
        alloc_init_child(&small, &alloc_root, budget);
        arena_init(&limited, &small);
        error_clear(&error);
        enum stint_status status = wave_parse(&limited, type, text, bytes, &value, &error);
        CHECK(status == STINT_OK || status == STINT_NOMEM);
        arena_free(&limited);
    }
    arena_free(&arena);
}

/* One that takes room for all that is behind it in the text takes a hundred times the budget. */
TEST(many_short_items_take_little_memory)
{
    static const char *const items[] = {"\"a\",", "[7],"};
    enum { COUNT = 4000 };
    struct buf text;
    arena_init(&arena, &alloc_root);
    buf_init(&text, &alloc_root, SIZE_MAX);
    const struct ctype *types[] = {of(CTYPE_LIST, PRIM(STRING)),
                                   of(CTYPE_LIST, of(CTYPE_LIST, PRIM(U8)))};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct alloc small;
        struct arena limited;
        struct cvalue value = {0};
        buf_clear(&text);
        CHECK(buf_append_byte(&text, '['));
        for (size_t k = 0; k < COUNT; k++)
            CHECK(buf_append_string(&text, items[i]));
        CHECK(buf_append_byte(&text, ']'));
        alloc_init_child(&small, &alloc_root, (size_t)1 << 20);
        arena_init(&limited, &small);
        error_clear(&error);
        CHECK_INT(
            wave_parse(&limited, types[i], (const char *)text.data, text.bytes, &value, &error),
            STINT_OK);
        CHECK_INT(value.list.count, COUNT);
        arena_free(&limited);
    }
    buf_free(&text);
    arena_free(&arena);
}

CHECK_MAIN
