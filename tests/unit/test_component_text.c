/* SPDX-License-Identifier: Apache-2.0 */
/* The text of components: what its abbreviations stand for, where it is wrong, and its limits. */
#include "check.h"
#include "component/text_component.h"
#include "wast/script.h"

struct ctext_test {
    struct alloc root;
    struct buf binary;
    struct stint_error error;
};

static void begin(struct ctext_test *t)
{
    memset(t, 0, sizeof(*t));
    alloc_init(&t->root, NULL, NULL, SIZE_MAX);
    buf_init(&t->binary, &t->root, SIZE_MAX);
}

static void end(struct ctext_test *t)
{
    buf_free(&t->binary);
    CHECK_INT(atomic_load(&t->root.used_bytes), 0);
}

static enum stint_status encode(struct ctext_test *t, const char *text, bool names)
{
    const struct text_options options = {.names = names};
    buf_clear(&t->binary);
    error_clear(&t->error);
    return text_to_any_binary(&t->root, text, strlen(text), &options, &t->binary, &t->error);
}

/* Two texts that stand for the same binary. */
static void check_same(const char *a, const char *b)
{
    struct ctext_test s, t;
    begin(&s);
    begin(&t);
    bool ok = encode(&s, a, false) == STINT_OK && encode(&t, b, false) == STINT_OK;
    check_report(ok, __FILE__, __LINE__, a);
    if (!ok)
        printf("    %s%s\n", s.error.message, t.error.message);
    bool same = s.binary.bytes == t.binary.bytes && s.binary.bytes != 0 &&
                memcmp(s.binary.data, t.binary.data, s.binary.bytes) == 0;
    check_report(same, __FILE__, __LINE__, "the binaries are the same");
    end(&s);
    end(&t);
}

TEST(bytes)
{
    static const uint8_t wanted[] = {
        0,  'a', 's', 'm', 0x0d, 0, 1, 0,    /* preamble */
        7,  3,   1,   0x70, 0x7d,            /* types: a list of u8 */
        10, 7,   1,   0,   1,   'x', 3, 0, 0 /* imports: "x", equal to type 0 */
    };
    struct ctext_test t;
    begin(&t);
    REQUIRE(encode(&t, "(component (type $t (list u8)) (import \"x\" (type (eq $t))))", false) ==
            STINT_OK);
    CHECK_INT(t.binary.bytes, sizeof(wanted));
    CHECK(memcmp(t.binary.data, wanted, sizeof(wanted)) == 0);
    end(&t);
}

TEST(abbreviations)
{
    check_same("(component (import \"f\" (func (param \"a\" (list u8)))))",
               "(component (type (list u8)) (type (func (param \"a\" 0)))"
               " (import \"f\" (func (type 1))))");
    check_same("(component (func $f (import \"f\")) (export \"g\" (func $f)))",
               "(component (type (func)) (import \"f\" (func (type 0))) (export \"g\" (func 0)))");
    check_same("(component (import \"i\" (instance $i (export \"j\" (instance (export \"f\" "
               "(func)))))) (export \"g\" (func $i \"j\" \"f\")))",
               "(component (type (instance (type (instance (type (func)) (export \"f\" (func "
               "(type 0))))) (export \"j\" (instance (type 0))))) (import \"i\" (instance (type 0)))"
               " (alias export 0 \"j\" (instance)) (alias export 1 \"f\" (func))"
               " (export \"g\" (func 0)))");
    check_same("(component $o (type $t u8) (component (type (list $t))))",
               "(component (type u8) (component (alias outer 1 0 (type)) (type (list 0))))");
    check_same("(component (core module $m (func (export \"f\"))) (core instance $i (instantiate $m))"
               " (func (export \"a\") (canon lift (core func $i \"f\"))))",
               "(component (core module (func (export \"f\"))) (core instance (instantiate 0))"
               " (type (func)) (alias core export 0 \"f\" (core func))"
               " (canon lift (core func 0) (func (type 0))) (export \"a\" (func 0)))");
    check_same("(component (core module $m) (core instance (instantiate $m (with \"a\" (instance)))))",
               "(component (core module) (core instance) (core instance (instantiate 0"
               " (with \"a\" (instance 0)))))");
    check_same("(component (import \"m\" (core module (import \"a\" \"b\" (func (param i32))))))",
               "(component (core type (module (type (func (param i32)))"
               " (import \"a\" \"b\" (func (type 0))))) (import \"m\" (core module (type 0))))");
    check_same("(component quote \"(type u8)\")", "(component (type u8))");
    /* An identifier of an outer component may be taken here afterwards. */
    check_same("(component $o (type $t u8) (component (type (list $t)) (type $t s8) (type (list $t))))",
               "(component (type u8) (component (alias outer 1 0 (type)) (type (list 0)) (type s8)"
               " (type (list 2))))");
}

TEST(asynchronous_forms)
{
    check_same("(component (type $s (stream u8)) (core func (canon stream.new $s)))",
               "(component (type $s (stream u8)) (canon stream.new 0 (core func)))");
    check_same("(component (core func (canon task.return (result (list u8)))))",
               "(component (type (list u8)) (canon task.return (result 0) (core func)))");
    check_same("(component (type (func async (result (future)))))",
               "(component (type (future)) (type (func async (result 0))))");
}

TEST(names)
{
    static const char name[] = "\x0e" "component-name";
    struct ctext_test t;
    begin(&t);
    REQUIRE(encode(&t, "(component $c (type $abc u8))", true) == STINT_OK);
    CHECK(memmem(t.binary.data, t.binary.bytes, name, sizeof(name) - 1) != NULL);
    CHECK(memmem(t.binary.data, t.binary.bytes, "\x01\x07\x03\x01\x00\x03" "abc", 9) != NULL);
    REQUIRE(encode(&t, "(component $c (type $abc u8))", false) == STINT_OK);
    CHECK(memmem(t.binary.data, t.binary.bytes, name, sizeof(name) - 1) == NULL);
    REQUIRE(encode(&t, "(component (type (@name \"x y\") u8))", true) == STINT_OK);
    CHECK(memmem(t.binary.data, t.binary.bytes, "x y", 3) != NULL);
    end(&t);
}

TEST(what_is_wrong)
{
    static const struct {
        const char *text;
        uint32_t line, column;
        const char *message;
    } wrong[] = {
        {"(component\n  (type $t u7))", 2, 12, "a type is expected here, not u7"},
        {"(component (export \"a\" (func $f)))", 1, 30, "unknown function $f"},
        {"(component (type $t u8) (type $t u8))", 1, 31, "duplicate type: $t is bound already"},
        {"(component $c (import \"f\" (func $f)) (component (export \"g\" (func $f))))", 1, 67,
         "function $f is defined in an outer component"},
        {"(component (instance (instantiate 0 (with \"a\" (core func 0)))))", 1, 53,
         "of core items, components exchange only modules"},
        {"(component (func))", 1, 17, "(canon …) is expected here, not )"},
        {"(component (core module (func $f) (func $f)))", 1, 41, "duplicate function"},
        {"(component (canon lift (core func 0) (memoir 0) (func)))", 1, 38,
         "an option, or (func …) is expected here"},
        {"(component (alias outer $x 0 (type)))", 1, 25, "unknown outer component $x"},
        {"(component (import \"a\" (implements \"b:c/d\") (implements \"b:c/d\") (instance)))", 1, 45,
         "is expected here"},
        {"(component) (component)", 1, 13, "the text should end behind its component"},
        {"(component (type (flags \"\\ff\")))", 1, 25, "malformed UTF-8"},
    };
    struct ctext_test t;
    begin(&t);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        bool ok = encode(&t, wrong[i].text, true) == STINT_SYNTAX &&
                  t.error.line == wrong[i].line && t.error.column == wrong[i].column &&
                  strstr(t.error.message, wrong[i].message) != NULL && t.binary.bytes == 0;
        check_report(ok, __FILE__, __LINE__, wrong[i].text);
        if (!ok)
            printf("    %u:%u %s\n", t.error.line, t.error.column, t.error.message);
    }
    end(&t);
}

static void repeat(struct buf *text, const char *what, int times)
{
    for (int i = 0; i < times; i++)
        buf_append_string(text, what);
}

TEST(nesting_is_limited)
{
    static const char *const forms[][2] = {
        {"(component ", ")"}, {"(component (type ", "))"}, {"(component (type (list ", ")))"}};
    static const char *const inner[][2] = {
        {"(component ", ")"}, {"(component (type ", "))"}, {"(option ", ")"}};
    struct ctext_test t;
    struct buf text;
    begin(&t);
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        buf_init(&text, &t.root, SIZE_MAX);
        buf_append_string(&text, forms[i][0]);
        repeat(&text, inner[i][0], 500);
        buf_append_string(&text, i == 0 ? "" : "u8");
        repeat(&text, inner[i][1], 500);
        buf_append_string(&text, forms[i][1]);
        buf_append_byte(&text, 0);
        CHECK_INT(encode(&t, (const char *)text.data, true), STINT_LIMIT);
        CHECK(t.error.line == 1);
        buf_free(&text);
    }
    end(&t);
}

static const char large[] =
    "(component $c (@custom \"x\" \"y\") (core module $m (func (export \"f\"))) (type $t (list u8))"
    " (import \"i\" (instance $i (export \"f\" (func (param \"a\" (tuple string u8))))))"
    " (component $n (core type (module (import \"a\" \"b\" (func)))) (type (option $t)))"
    " (core instance $j (instantiate $m (with \"e\" (instance))))"
    " (func (export \"g\") (canon lift (core func $j \"f\"))) (export \"h\" (func $i \"f\")))";

TEST(out_of_memory)
{
    struct ctext_test t;
    struct alloc limited;
    const struct text_options options = {.names = true};
    begin(&t);
    REQUIRE(encode(&t, large, true) == STINT_OK);
    for (size_t budget = 0; budget < 200000; budget += 997) {
        struct stint_error error = {0};
        struct buf binary;
        alloc_init(&limited, NULL, NULL, budget);
        buf_init(&binary, &limited, SIZE_MAX);
        enum stint_status status =
            text_to_any_binary(&limited, large, sizeof(large) - 1, &options, &binary, &error);
        CHECK(status == STINT_OK || status == STINT_NOMEM);
        CHECK(status == STINT_OK || binary.bytes == 0);
        buf_free(&binary);
        CHECK_INT(atomic_load(&limited.used_bytes), 0);
    }
    end(&t);
}

TEST(values_in_scripts)
{
    static const char text[] =
        "(component definition $A (component)) (component instance $i $A)\n"
        "(assert_return (invoke $i \"f\" (s8.const -1) (char.const \"\\u{e4}\")\n"
        "  (record.const (field \"a\" u8.const 1) (field \"b\" (list.const (bool.const true)))))\n"
        "  (result.err (option.some (flags.const \"x\" \"y\"))))\n";
    struct alloc root;
    struct script script;
    struct stint_error error = {0};
    alloc_init(&root, NULL, NULL, SIZE_MAX);
    REQUIRE(script_read_text(&root, text, sizeof(text) - 1, &script, &error) == STINT_OK);
    REQUIRE(script.command_count == 3);
    CHECK_INT(script.commands[1].kind, SCRIPT_INSTANCE);
    const struct script_action *action = &script.commands[2].action;
    REQUIRE(action->arg_count == 3);
    CHECK(action->args[0].bits[0] == UINT64_MAX);
    CHECK_INT(action->args[1].bits[0], 0xe4);
    REQUIRE(action->args[2].item_count == 2);
    CHECK_INT(action->args[2].items[0].type, VALUE_U8);
    CHECK_INT(action->args[2].items[1].items[0].type, VALUE_BOOL);
    const struct script_value *result = script.commands[2].results[0].options;
    CHECK_INT(result->bits[0], 1);
    CHECK_INT(result->items[0].items[0].item_count, 2);
    script_free(&script);
    CHECK_INT(atomic_load(&root.used_bytes), 0);
}

CHECK_MAIN
