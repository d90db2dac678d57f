/* SPDX-License-Identifier: Apache-2.0 */
/* JSON: what is accepted, what is not, and what the tree holds. */
#include "base/json.h"
#include "check.h"

static struct alloc root;
static struct arena arena;
static struct stint_error json_error;

static const struct json_value *parse(const char *text)
{
    const struct json_value *value = NULL;
    alloc_init(&root, NULL, NULL, SIZE_MAX);
    arena_init(&arena, &root);
    error_clear(&json_error);
    if (json_parse(&arena, text, strlen(text), 8, &value, &json_error) != STINT_OK)
        return NULL;
    return value;
}

static void done(void)
{
    arena_free(&arena);
    CHECK_INT(atomic_load(&root.used_bytes), 0);
}

TEST(values_of_each_kind)
{
    const struct json_value *v =
        parse(" {\"a\": null, \"b\":[true ,false,-1.5e+3, \"x\"], \"c\":{}, \"d\":[]}\n");
    REQUIRE(v != NULL);
    CHECK_INT(v->kind, JSON_OBJECT);
    CHECK_INT(v->count, 4);
    CHECK_INT(json_member(v, "a")->kind, JSON_NULL);
    const struct json_value *list = json_member(v, "b");
    CHECK_INT(list->count, 4);
    CHECK_INT(list->first->kind, JSON_TRUE);
    CHECK_INT(list->first->next->kind, JSON_FALSE);
    CHECK_INT(list->first->next->next->kind, JSON_NUMBER);
    CHECK_INT(list->first->next->next->text_bytes, 7);
    CHECK(json_is(list->first->next->next->next, "x"));
    CHECK(list->first->next->next->next->next == NULL);
    CHECK_INT(json_member(v, "c")->count, 0);
    CHECK_INT(json_member(v, "d")->kind, JSON_ARRAY);
    CHECK(json_member(v, "e") == NULL);
    CHECK(json_member(list, "a") == NULL);
    CHECK(json_member(NULL, "a") == NULL);
    done();
}

TEST(strings_and_escapes)
{
    const struct json_value *v =
        parse("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00\\u0000z\"");
    REQUIRE(v != NULL);
    static const char want[] = "a\"\\/\b\f\n\r\t\xc3\xa4\xf0\x9f\x98\x80\0z";
    CHECK_INT(v->text_bytes, sizeof(want) - 1);
    CHECK_MEM(v->text, want, sizeof(want) - 1);
    done();
}

TEST(unsigned_integers)
{
    uint64_t number = 7;
    CHECK(json_u64(parse("18446744073709551615"), &number));
    CHECK(number == UINT64_MAX);
    done();
    CHECK(!json_u64(parse("18446744073709551616"), &number));
    done();
    CHECK(!json_u64(parse("1.0"), &number));
    done();
    CHECK(!json_u64(parse("-1"), &number));
    done();
    CHECK(!json_u64(parse("\"1\""), &number));
    done();
    CHECK(!json_u64(NULL, &number));
}

TEST(what_is_no_json)
{
    static const char *const wrong[] = {
        "",
        " ",
        "{",
        "[",
        "]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "01",
        "1.",
        ".5",
        "+1",
        "-",
        "1e",
        "1e+",
        "0x1",
        "nul",
        "truex",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "'a'",
        "[1]2",
        "\"\t\"",
        "{}{}",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\x80\"",
        "[1}",
        "{\"a\":1]",
        "NaN",
        "[\"a\",",
        "\"\\u00g0\"",
        "tru",
        "\"\\\"",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        if (!CHECK(parse(wrong[i]) == NULL))
            printf("    %s\n", wrong[i]);
        CHECK_INT(json_error.status, STINT_SYNTAX);
        CHECK(json_error.line != 0 && json_error.message[0] != 0);
        done();
    }
}

TEST(errors_have_a_place)
{
    CHECK(parse("{\"a\": 1,\n  \"b\": x}") == NULL);
    CHECK_INT(json_error.line, 2);
    CHECK_INT(json_error.column, 8);
    done();
}

TEST(nesting_has_a_limit)
{
    CHECK(parse("[[[[[[[[1]]]]]]]]") != NULL);
    done();
    CHECK(parse("[[[[[[[[[1]]]]]]]]]") == NULL);
    CHECK_INT(json_error.status, STINT_LIMIT);
    done();
    CHECK(parse("[[[[[[[[]]]]]]],[[[[[[[]]]]]]]]") != NULL); /* depth, not number */
    done();
}

TEST(memory_runs_out_at_each_allocation)
{
    static const char text[] = "{\"a\":[1,\"\\n\",{\"b\":null}],\"c\":\"\\u0041\"}";
    for (size_t at = 1;; at++) {
        const struct json_value *value;
        struct stint_error error = {0};
        alloc_init(&root, NULL, NULL, SIZE_MAX);
        atomic_store(&root.fail_at, at);
        arena_init(&arena, &root);
        enum stint_status status = json_parse(&arena, text, sizeof(text) - 1, 8, &value, &error);
        arena_free(&arena);
        CHECK_INT(atomic_load(&root.used_bytes), 0);
        if (status == STINT_OK)
            break;
        CHECK_INT(status, STINT_NOMEM);
    }
}

CHECK_MAIN
