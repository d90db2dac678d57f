/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of the text format. */
#include "check.h"
#include "wasm/text_lex.h"

static struct alloc root;
static struct text_source source;
static struct stint_error lex_error;

static enum stint_status lex_bytes(const char *text, size_t bytes)
{
    alloc_init(&root, NULL, NULL, SIZE_MAX);
    source = (struct text_source){.alloc = &root};
    error_clear(&lex_error);
    return text_lex(&root, text, bytes, &source, &lex_error);
}

static bool lex(const char *text)
{
    return lex_bytes(text, strlen(text)) == STINT_OK;
}

static void done(void)
{
    text_source_free(&source);
    CHECK_INT(atomic_load(&root.used_bytes), 0);
}

/* One letter a token. */
static const char *kinds(void)
{
    static const char letters[] = {
        [TOKEN_END] = '.', [TOKEN_OPEN] = '(',      [TOKEN_CLOSE] = ')',  [TOKEN_ATOM] = 'a',
        [TOKEN_ID] = '$',  [TOKEN_ID_QUOTED] = '@', [TOKEN_STRING] = 's', [TOKEN_RESERVED] = 'r',
    };
    static char text[100];
    for (uint32_t i = 0; i <= source.token_count && i < sizeof(text) - 1; i++)
        text[i] = letters[source.tokens[i].kind], text[i + 1] = 0;
    return text;
}

#define CHECK_KINDS(text, want)                                                                    \
    do {                                                                                           \
        CHECK(lex(text));                                                                          \
        CHECK_STR(kinds(), want);                                                                  \
        done();                                                                                    \
    } while (0)

TEST(kinds_of_tokens)
{
    CHECK_KINDS("", ".");
    CHECK_KINDS("(module $a \"b\" 0x1.8p+3 i32.add offset=1 $\"c d\")", "(a$saaa@).");
    CHECK_KINDS("a(b)c", "a(a)a.");
    CHECK_KINDS("\"a\"\"b\" a\"b\" \"a\"b $a\"b\" $\"a\"b", "rrrrr.");
    CHECK_KINDS("a,b;c[d]e{f}", "arararararar.");
    CHECK_KINDS("$!#$%&'*+-./:<=>?@\\^_`|~", "$.");
}

TEST(comments_and_space)
{
    CHECK_KINDS("a;; b\nc;;d\re ;;", "aaa.");
    CHECK_KINDS("a(;b;)c(;(;(;;););)d(; ;; ;)", "aaa.");
    CHECK_KINDS("\t\r\n a\r", "a.");
    CHECK_KINDS(";; \xc3\xa4\n(; \xe2\x82\xac ;)", ".");
}

TEST(parentheses_know_their_partners)
{
    CHECK(lex("(a (b) (c (d)))"));
    CHECK_INT(source.token_count, 12);
    CHECK_INT(source.tokens[0].size, 11);
    CHECK_INT(source.tokens[11].size, 0);
    CHECK_INT(source.tokens[2].size, 4);
    CHECK_INT(source.tokens[5].size, 10);
    CHECK_INT(source.tokens[7].size, 9);
    done();
}

TEST(annotations_are_left_out_or_listed)
{
    CHECK_KINDS("(@a)(@b (c) \"d\" , ;; )\n [ (@e) $ $x)f", "a.");
    CHECK(lex("a (@custom \"x\" (after code)) b (@other 1) (@name \"y\")"));
    CHECK_STR(kinds(), "aa.");
    REQUIRE(source.annotation_count == 2);
    CHECK_INT(source.annotations[0].kind, ANNOTATION_CUSTOM);
    CHECK_INT(source.annotations[0].token, 1);
    CHECK_INT(source.annotation_tokens[source.annotations[0].first].kind, TOKEN_STRING);
    CHECK_INT(source.annotation_tokens[source.annotations[0].first + 5].kind, TOKEN_END);
    CHECK_INT(source.annotations[1].kind, ANNOTATION_NAME);
    CHECK_INT(source.annotations[1].token, 2);
    done();
}

TEST(strings_stand_for_bytes)
{
    static const char want[] = "\t\n\r\"'\\\0\xff"
                               "A\xe2\x82\xac\xf4\x8f\xbf\xbfz";
    struct buf bytes;
    CHECK(lex("\"\\t\\n\\r\\\"\\'\\\\\\00\\fFA\\u{20_aC}\\u{10ffff}z\""));
    buf_init(&bytes, &root, SIZE_MAX);
    CHECK(text_append_string(&source, &source.tokens[0], &bytes));
    CHECK_INT(bytes.bytes, sizeof(want) - 1);
    CHECK_MEM(bytes.data, want, sizeof(want) - 1);
    buf_free(&bytes);
    done();
}

TEST(what_is_no_token)
{
    static const char *const wrong[] = {
        "(",
        ")",
        "())",
        "(; a",
        "(;(;;)",
        "\"",
        "\"a\n\"",
        "\"\t\"",
        "\"\\x\"",
        "\"\\0\"",
        "\"\\u{}\"",
        "\"\\u{110000}\"",
        "\"\\u{d800}\"",
        "\"\\u{1_}\"",
        "\"\\u{_1}\"",
        "\"\\u1\"",
        "$",
        "$\"\"",
        "$\"\\ff\"",
        "$ \"a\"",
        "(@)",
        "(@ a)",
        "(@\"\")",
        "(@\"\\ff\")",
        "(@a",
        "(@a (b)",
        "(@a))",
        "(@a \"b)",
        "\x01",
        "\x7f",
        "\xc3\xa4",
        "\"\xff\"",
        ";; \xff",
        "(@custom",
        "(@a \x02)",
        "\"\\",
        "\"\\\"",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        if (!CHECK(!lex(wrong[i])))
            printf("    %s\n", wrong[i]);
        CHECK_INT(lex_error.status, STINT_SYNTAX);
        CHECK(lex_error.line != 0 && lex_error.column != 0);
        done();
    }
    CHECK_INT(lex_bytes("a\0b", 3), STINT_SYNTAX);
    done();
}

TEST(errors_have_line_and_column)
{
    CHECK(!lex("a\n  b\n   \"c"));
    CHECK_INT(lex_error.line, 3);
    CHECK_INT(lex_error.column, 4);
    done();
    CHECK(!lex("(a\n (b)\n"));
    CHECK_INT(lex_error.line, 1);
    CHECK_INT(lex_error.column, 1);
    done();
}

TEST(too_long_a_text_is_refused)
{
    CHECK_INT(lex_bytes("", LIMIT_TEXT_BYTES), STINT_LIMIT);
    done();
}

CHECK_MAIN
