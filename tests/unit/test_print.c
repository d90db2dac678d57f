/* SPDX-License-Identifier: Apache-2.0 */
/* Binaries as dumps and as text. */
#include "text_check.h"

/* A text that prints as it is written. */
static void check_fixed(const char *text, int line)
{
    struct text_test t;
    text_begin(&t);
    bool ok = text_encode_it(&t, text, true) == STINT_OK && text_print_it(&t) == STINT_OK &&
              strcmp((const char *)t.text.data, text) == 0;
    if (!ok) {
        check_report(false, __FILE__, line, "prints as it is written");
        printf("    %s\n%s\n%s\n", t.error.message, text, (const char *)t.text.data);
    }
    text_end(&t);
}

#define FIXED(text) check_fixed(text, __LINE__)

TEST(definitions)
{
    FIXED("(module)\n");
    FIXED("(module $m\n"
          "  (type $t (;0;) (func (param i32 i64) (result f32 f64)))\n"
          "  (rec\n"
          "    (type (;1;) (sub (struct (field $a (mut i8)) (field (ref null $t)))))\n"
          "    (type (;2;) (sub final 1 (array (mut v128)))))\n"
          "  (type (;3;) (func))\n"
          "  (import \"a\" \"\\\"\\0a\" (func $f (;0;) (type $t) (param i32 i64) "
          "(result f32 f64)))\n"
          "  (import \"b\" \"ü\" (global (;0;) (mut externref)))\n"
          "  (import \"b\" \"\" (tag (;0;) (type 3))))\n");
}

TEST(sections_in_their_order)
{
    FIXED("(module\n"
          "  (type (;0;) (func))\n"
          "  (import \"m\" \"t\" (table $t (;0;) i64 1 10 funcref))\n"
          "  (import \"m\" \"m\" (memory (;0;) 0))\n"
          "  (table (;1;) 2 (ref func) (ref.func 0))\n"
          "  (memory (;1;) i64 1 2)\n"
          "  (tag (;0;) (type 0))\n"
          "  (global $g (;0;) i32 (i32.const -1))\n"
          "  (global (;1;) (mut f32) f32.const 0x1.8p+1 (;=3;) f32.const nan drop)\n"
          "  (export \"e\" (func 0))\n"
          "  (export \"g\" (global $g))\n"
          "  (start 0)\n"
          "  (elem (;0;) (offset i64.const 1 i64.const 2 i64.add) func 0 0)\n"
          "  (elem (;1;) declare func 0)\n"
          "  (elem (;2;) (table 1) (i32.const 0) (ref func) (ref.func 0))\n"
          "  (elem (;3;) funcref (ref.null nofunc) (item ref.func 0 drop))\n"
          "  (func (;0;) (type 0))\n"
          "  (data (;0;) \"\\00\\ff\\\\z\")\n"
          "  (data (;1;) (memory 1) (i64.const 0) \"\"))\n");
}

TEST(code)
{
    FIXED(
        "(module\n"
        "  (type (;0;) (func (param i32) (result i32)))\n"
        "  (type (;1;) (func (param i32 i32) (result i32 i32)))\n"
        "  (table (;0;) 0 funcref)\n"
        "  (memory (;0;) 1)\n"
        "  (memory $m (;1;) 1)\n"
        "  (tag $e (;0;) (type 0) (param i32) (result i32))\n"
        "  (func $f (;0;) (type 0) (param $x i32) (result i32) (local i64 i64) (local $y f32)\n"
        "    block (result i32)\n"
        "      local.get $x\n"
        "      local.get 1\n"
        "      call_indirect (type 0) (param i32) (result i32)\n"
        "      (@metadata.code.branch_hint \"\\01\") if (type 1) (param i32 i32) (result i32 i32)\n"
        "        i32.load offset=8\n"
        "        i32.load16_u $m align=1\n"
        "      else\n"
        "        br_table 0 1 0\n"
        "      end\n"
        "      try_table (catch $e 0) (catch_all_ref 1)\n"
        "        call $f\n"
        "      end\n"
        "    end\n"
        "    f64.const 0x1.5555555555555p-2 (;=0.33333333333333331;)\n"
        "    f32.const -nan:0x123\n"
        "    f64.const -inf\n"
        "    v128.const i32x4 0x00000001 0x00000002 0xffffffff 0x80000000\n"
        "    v128.load8_lane $m offset=1 7\n"
        "    i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31\n"
        "    select (result i32)\n"
        "    memory.copy $m 0\n"
        "    ref.null extern\n"
        "    ref.test (ref null i31)\n"
        "    ref.cast (ref 0)\n"
        "    br_on_cast_fail 0 (ref null any) (ref eq)\n"
        "    array.new_fixed 0 3\n"
        "    i64.const -9223372036854775808))\n");
}

TEST(names_that_are_no_identifiers)
{
    FIXED("(module (@name \"\")\n"
          "  (type (;0;) (func))\n"
          "  (func $a (;0;) (type 0))\n"
          "  (func (@name \"a\") (;1;) (type 0) (local (@name \"\") i32) (local $x i32)\n"
          "    call $a\n"
          "    call 1\n"
          "    local.get 0\n"
          "    local.get $x)\n"
          "  (func $\"b c\\\"\" (;2;) (type 0)\n"
          "    call $\"b c\\\"\"))\n");
}

TEST(custom_sections)
{
    FIXED("(module\n"
          "  (@custom \"a\" (before first) \"\\00x\")\n"
          "  (type (;0;) (func))\n"
          "  (@custom \"b\" (after type) \"\"))\n");
}

static enum stint_status dump(struct text_test *t, bool headers, bool disassembly)
{
    const struct print_options options = {.headers = headers, .disassembly = disassembly};
    const struct print_sink sink = {text_write, &t->text};
    buf_clear(&t->text);
    error_clear(&t->error);
    enum stint_status status =
        print_sections(&t->root, t->binary.data, t->binary.bytes, &options, &sink, &t->error);
    buf_append_byte(&t->text, 0);
    return status;
}

TEST(dumps)
{
    struct text_test t;
    text_begin(&t);
    CHECK_INT(text_encode_it(&t,
                             "(func $f (param i32) (result i32) (local.get 0)) (memory 1) "
                             "(data (i32.const 1) \"abc\")",
                             true),
              STINT_OK);
    CHECK_INT(dump(&t, true, false), STINT_OK);
    CHECK_STR((const char *)t.text.data, "WebAssembly module, version 1, 57 bytes\n"
                                         "type      0x0000000a         6 bytes  1 entry\n"
                                         "func      0x00000012         2 bytes  1 entry\n"
                                         "memory    0x00000016         3 bytes  1 entry\n"
                                         "code      0x0000001b         6 bytes  1 entry\n"
                                         "data      0x00000023         9 bytes  1 entry\n"
                                         "custom    0x0000002e        11 bytes  \"name\"\n");
    CHECK_INT(dump(&t, false, true), STINT_OK);
    CHECK(strstr((const char *)t.text.data,
                 "  0x0000001c  func $f (;0;) (type 0) (param i32) (result i32) 4 bytes\n"
                 "  0x0000001e  20 00                   | local.get 0\n"
                 "  0x00000020  0b                      | end\n") != NULL);
    CHECK(strstr((const char *)t.text.data, "(data (;0;) (i32.const 1) \"abc\")") != NULL);
    text_end(&t);
}

TEST(broken_modules_are_shown_up_to_the_break)
{
    struct text_test t;
    text_begin(&t);
    CHECK_INT(text_encode_it(&t,
                             "(module binary \"\\00asm\\01\\00\\00\\00\\01\\04\\01\\60\\00\\00\" "
                             "\"\\03\\02\\01\\00\\0a\\04\\01\\02\\00\\ff\")",
                             false),
              STINT_OK);
    CHECK_INT(dump(&t, false, true), STINT_MALFORMED);
    CHECK_INT(t.error.offset_bytes, 23);
    CHECK(strstr((const char *)t.text.data, "(type (;0;) (func))\n") != NULL);
    CHECK(strstr((const char *)t.text.data, "malformed at 0x00000017: illegal opcode 0xff\n") !=
          NULL);
    CHECK_INT(text_print_it(&t), STINT_MALFORMED);
    CHECK_INT(text_encode_it(&t, "(module binary \"nothing\")", false), STINT_OK);
    CHECK_INT(dump(&t, false, false), STINT_MALFORMED);
    CHECK_INT(text_print_it(&t), STINT_MALFORMED);
    CHECK_INT(text_encode_it(&t, "(module binary)", false), STINT_OK);
    CHECK_INT(dump(&t, false, false), STINT_MALFORMED);
    text_end(&t);
}

static bool write_some(void *context, const char *text, size_t bytes)
{
    size_t *left = context;
    (void)text;
    bool fits = bytes <= *left;
    *left -= fits ? bytes : *left;
    return fits;
}

TEST(output_comes_in_chunks_and_may_be_refused)
{
    struct text_test t;
    text_begin(&t);
    struct buf text;
    buf_init(&text, &t.root, SIZE_MAX);
    for (int i = 0; i < 20000; i++)
        buf_append_string(&text, "(func (drop (i32.const 1)))");
    buf_append_byte(&text, 0);
    CHECK_INT(text_encode_it(&t, (const char *)text.data, false), STINT_OK);
    CHECK_INT(text_print_it(&t), STINT_OK);
    CHECK(t.text.bytes > 1000000);
    size_t left = 200000;
    const struct print_sink sink = {write_some, &left};
    CHECK_INT(print_text(&t.root, t.binary.data, t.binary.bytes, &sink, &t.error), STINT_IO);
    CHECK_INT(t.error.status, STINT_IO);
    buf_free(&text);
    text_end(&t);
}

TEST(memory_runs_out_at_each_allocation)
{
    struct text_test t;
    text_begin(&t);
    CHECK_INT(text_encode_it(&t,
                             "(module $m (type $s (struct (field $a i32))) (func $f (local $x i32)"
                             "(@metadata.code.branch_hint \"\\00\") if end) (memory $mem 1))",
                             true),
              STINT_OK);
    for (size_t at = 1;; at++) {
        struct alloc limited;
        size_t left = SIZE_MAX;
        const struct print_sink sink = {write_some, &left};
        struct stint_error error = {0};
        alloc_init(&limited, NULL, NULL, SIZE_MAX);
        atomic_store(&limited.fail_at, at);
        enum stint_status status =
            print_text(&limited, t.binary.data, t.binary.bytes, &sink, &error);
        CHECK_INT(atomic_load(&limited.used_bytes), 0);
        if (status == STINT_OK && atomic_load(&limited.calls) < at)
            break;
        /* Names are for reading: without memory for them the text comes without them. */
        CHECK(status == STINT_OK || status == STINT_NOMEM);
    }
    text_end(&t);
}

CHECK_MAIN
