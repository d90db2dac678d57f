/* SPDX-License-Identifier: Apache-2.0 */
/* The text format: what each abbreviation stands for, and what is malformed. */
#include "text_check.h"
#include "wasm/limits.h"

/* Two texts that must give the same binary. */
static void check_same(const char *text, const char *plain, int line)
{
    struct text_test a, b;
    text_begin(&a);
    text_begin(&b);
    bool ok = text_encode_it(&a, text, false) == STINT_OK &&
              text_encode_it(&b, plain, false) == STINT_OK && a.binary.bytes == b.binary.bytes &&
              memcmp(a.binary.data, b.binary.data, a.binary.bytes) == 0;
    if (!ok) {
        check_report(false, __FILE__, line, text);
        printf("    %u:%u %s | %u:%u %s\n", a.error.line, a.error.column, a.error.message,
               b.error.line, b.error.column, b.error.message);
    }
    text_end(&a);
    text_end(&b);
}

static void check_malformed(const char *text, const char *message, int line)
{
    struct text_test t;
    text_begin(&t);
    enum stint_status status = text_encode_it(&t, text, true);
    if (status != STINT_SYNTAX || strstr(t.error.message, message) == NULL) {
        check_report(false, __FILE__, line, text);
        printf("    status %d, message \"%s\", wanted \"%s\"\n", status, t.error.message, message);
    }
    CHECK_INT(t.binary.bytes, 0);
    text_end(&t);
}

#define SAME(text, plain) check_same(text, plain, __LINE__)
#define MALFORMED(text, message) check_malformed(text, message, __LINE__)

TEST(the_smallest_modules)
{
    static const uint8_t empty[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    static const char *const texts[] = {"",
                                        "(module)",
                                        " (module $m) ",
                                        "(module binary \"\\00asm\\01\\00\\00\\00\")",
                                        "(module quote \"(mod\" \"ule)\")",
                                        "(module definition $m)",
                                        "(module definition quote)"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct text_test t;
        text_begin(&t);
        CHECK_INT(text_encode_it(&t, texts[i], false), STINT_OK);
        CHECK_INT(t.binary.bytes, sizeof(empty));
        CHECK_MEM(t.binary.data, empty, sizeof(empty));
        text_end(&t);
    }
}

TEST(a_function_to_the_byte)
{
    static const uint8_t want[] = {0,    'a', 's',  'm', 1, 0, 0, 0,    1, 7,    1, 0x60, 2,   0x7f,
                                   0x7f, 1,   0x7f, 3,   2, 1, 0, 7,    7, 1,    3, 'a',  'd', 'd',
                                   0,    0,   10,   9,   1, 7, 0, 0x20, 0, 0x20, 1, 0x6a, 0x0b};
    struct text_test t;
    text_begin(&t);
    CHECK_INT(text_encode_it(&t,
                             "(func (export \"add\") (param $a i32) (param $b i32) (result i32)\n"
                             "  (i32.add (local.get $a) (local.get $b)))",
                             false),
              STINT_OK);
    CHECK_INT(t.binary.bytes, sizeof(want));
    CHECK_MEM(t.binary.data, want, sizeof(want));
    text_end(&t);
}

TEST(folded_and_flat_are_the_same)
{
    SAME("(func (result i32) (i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3))))",
         "(func (result i32) i32.const 1 i32.const 2 i32.const 3 i32.mul i32.add)");
    SAME("(func (if (i32.const 1) (then (nop)) (else (unreachable))))",
         "(func i32.const 1 if nop else unreachable end)");
    SAME("(func (if $l (i32.const 1) (nop) (then (br $l))))",
         "(func i32.const 1 nop if $l br $l end $l)");
    SAME("(func (block $a (loop $b (br $a) (br $b) (br 2))))",
         "(func block $a loop $b br 1 br 0 br 2 end $b end $a)");
    SAME("(func (block) block nop (nop) end (nop))", "(func block end block nop nop end nop)");
    SAME("(func (block $x (block $x (br $x))) (block $x (br $x)))",
         "(func block block br 0 end end block br 0 end)");
    SAME("(tag $e) (func (block $h (try_table (catch $e $h) (catch_all 0) (throw $e))))",
         "(tag $e) (func block try_table (catch 0 0) (catch_all 0) throw 0 end end)");
}

TEST(types_are_found_or_added_at_the_end)
{
    SAME("(func (param i32)) (type (func)) (func (param i32)) (func)",
         "(type (func)) (type (func (param i32))) (func (type 1)) (func (type 1)) (func (type 0))");
    SAME("(func (call_indirect (param i64)))  (func (param i64)) (table 0 funcref)",
         "(type (func)) (type (func (param i64))) (func (type 0) call_indirect (type 1)) "
         "(func (type 1)) (table 0 funcref)");
    SAME("(func (block (param i32) (result i32 i32)))",
         "(type (func)) (type (func (param i32) (result i32 i32))) (func (block (type 1)))");
    SAME("(func (block (result i64)))", "(type (func)) (func (type 0) block (result i64) end)");
    SAME("(rec (type (func)) (type (struct))) (func)",
         "(rec (type (func)) (type (struct))) (type (func)) (func (type 2))");
    SAME("(type (sub (func))) (func)", "(type (sub (func))) (type (func)) (func (type 1))");
    SAME("(type (sub final (func))) (func)", "(type (func)) (func (type 0))");
    SAME("(type $t (func (param $x i32))) (func (type $t) (local i32) (local.get 1))",
         "(type (func (param i32))) (func (type 0) (param i32) (local i32) local.get 1)");
}

TEST(inline_imports_exports_and_segments)
{
    SAME("(func $f (export \"a\") (export \"b\") (import \"m\" \"n\") (param i32))",
         "(type (func (param i32))) (import \"m\" \"n\" (func (type 0))) (export \"a\" (func 0)) "
         "(export \"b\" (func 0))");
    SAME("(import \"m\" \"n\" (func)) (func $f) (export \"f\" (func $f))",
         "(type (func)) (func (import \"m\" \"n\") (type 0)) (func (type 0)) "
         "(export \"f\" (func 1))");
    SAME("(table funcref (elem $f $f)) (func $f)",
         "(table 2 2 funcref) (elem (i32.const 0) func 0 0) (func)");
    SAME("(table i64 funcref (elem (ref.func 0) (item ref.null func))) (func)",
         "(table i64 2 2 funcref) (elem (offset i64.const 0) funcref (ref.func 0) (ref.null func)) "
         "(func)");
    SAME("(type $t (func)) (table (ref null $t) (elem 0)) (func)",
         "(type $t (func)) (table 1 1 (ref null 0)) (elem (table 0) (i32.const 0) (ref null 0) "
         "(ref.func 0)) (func)");
    SAME("(memory (data \"ab\" \"c\"))", "(memory 1 1) (data (offset i32.const 0) \"abc\")");
    SAME("(memory i64 (data))", "(memory i64 0 0) (data (i64.const 0))");
    SAME("(elem (i32.const 0) $f) (func $f) (table 1 funcref)",
         "(elem (table 0) (offset (i32.const 0)) func 0) (func) (table 1 funcref)");
    SAME("(global $g (export \"g\") (mut i32) (i32.const 1))",
         "(global (mut i32) i32.const 1) (export \"g\" (global 0))");
    SAME("(table 1 funcref (ref.null func)) (memory i32 0)",
         "(table i32 1 (ref null func) ref.null func) (memory 0)");
}

TEST(immediates)
{
    SAME("(memory 0) (memory $m 0) (func (i32.load $m offset=1_0 align=2 (i32.const 0)) drop)",
         "(memory 0) (memory 0) (func i32.const 0 i32.load 1 offset=0xa align=2 drop)");
    SAME("(memory 0) (func (v128.load8_lane 3 (i32.const 0) (unreachable)) drop)",
         "(memory 0) (func i32.const 0 unreachable v128.load8_lane 0 offset=0 align=1 3 drop)");
    SAME("(memory 0) (memory 0) (func (memory.copy) (memory.copy 1 0) (memory.init 1 0) "
         "(memory.init 0)) (data \"\")",
         "(memory 0) (memory $b 0) (func memory.copy 0 0 memory.copy $b 0 memory.init $b $d "
         "memory.init 0 $d) (data $d)");
    SAME("(table 0 funcref) (elem $e func) (func (table.get) (table.init $e) (table.copy))",
         "(table $t 0 funcref) (elem func) (func table.get $t table.init $t 0 table.copy 0 0)");
    SAME("(func (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 -1) drop)",
         "(func v128.const i64x2 0x0706050403020100 0xff0e0d0c0b0a0908 drop)");
    SAME("(func (v128.const f32x4 1 -0 nan:0x1 inf) drop)",
         "(func v128.const i32x4 0x3f800000 0x80000000 0x7f800001 0x7f800000 drop)");
    SAME("(func (br_table 0 0 0 (i32.const 0)))", "(func i32.const 0 br_table 0 0 0)");
    SAME("(func (select (result i32) (unreachable)) (select (result)) (select))",
         "(func unreachable select (result i32) select (result) select)");
    SAME("(type $s (struct (field $a i32) (field i64 (mut i8)) (field $b f32))) "
         "(func (struct.get $s $b) (struct.get 0 $a) (struct.get $s 2))",
         "(type (struct (field i32 i64 (mut i8) f32))) "
         "(func struct.get 0 3 struct.get 0 0 struct.get 0 2)");
    SAME("(func (ref.test (ref null any)) (ref.test eqref) (ref.cast (ref i31)))",
         "(func ref.test anyref ref.test (ref null eq) ref.cast (ref i31))");
    SAME("(func (block (br_on_cast 0 anyref (ref i31))))",
         "(func block br_on_cast 0 (ref null any) (ref i31) end)");
}

TEST(identifiers_may_be_quoted)
{
    SAME("(func $\"a b\") (func $c) (export \"x\" (func $\"a\\20b\")) (start $\"\\63\")",
         "(func) (func) (export \"x\" (func 0)) (start 1)");
}

TEST(names_go_to_the_name_section)
{
    static const char want[] = "\x04name\x00\x02\x01m\x01\x04\x01\x00\x01"
                               "f\x02\x06\x01\x00\x01\x01\x01x";
    struct text_test t;
    text_begin(&t);
    CHECK_INT(text_encode_it(&t, "(module $m (func $f (param i32) (local $x i64)))", true),
              STINT_OK);
    size_t size = sizeof(want) - 1;
    REQUIRE(t.binary.bytes > size);
    CHECK_MEM(t.binary.data + t.binary.bytes - size, want, size);
    CHECK_INT(text_encode_it(&t,
                             "(module (@name \"m\") (func (@name \"f\") (param i32) "
                             "(local (@name \"x\") i64)))",
                             true),
              STINT_OK);
    CHECK_MEM(t.binary.data + t.binary.bytes - size, want, size);
    text_end(&t);
}

TEST(custom_sections_find_their_places)
{
    static const uint8_t want[] = {0, 'a', 's', 'm', 1, 0,   0,   0, 0, 2, 1,   'a', 1, 4, 1,  0x60,
                                   0, 0,   0,   3,   1, 'b', '!', 0, 2, 1, 'c', 0,   2, 1, 'd'};
    struct text_test t;
    text_begin(&t);
    CHECK_INT(text_encode_it(&t,
                             "(module (@custom \"c\" (after last)) (@custom \"d\")\n"
                             "(@custom \"b\" (before import) \"!\") (type (func))\n"
                             "(@custom \"a\" (before first)))",
                             false),
              STINT_OK);
    CHECK_INT(t.binary.bytes, sizeof(want));
    CHECK_MEM(t.binary.data, want, sizeof(want));
    text_end(&t);
    MALFORMED("(@custom \"a\" (after nowhere))", "section kind");
    MALFORMED("(func (@custom \"a\"))", "misplaced");
    MALFORMED("(func (@metadata.code.branch_hint \"\\00\") nop)", "invalid target");
    MALFORMED("(func (@metadata.code.branch_hint \"\\02\") if end)", "branch hint");
}

TEST(malformed_structure)
{
    MALFORMED("(module) (module)", "should end");
    MALFORMED("(module (module))", "field of a module");
    MALFORMED("(module quote \"(module quote)\")", "plain text");
    MALFORMED("(module binary 1)", "string");
    MALFORMED("module", "( is expected");
    MALFORMED("(func) (import \"a\" \"b\" (func))", "import behind a definition");
    MALFORMED("(memory 1) (table (import \"a\" \"b\") 1 funcref)", "import behind");
    MALFORMED("(start 0) (start 0)", "multiple start");
    MALFORMED("(func $f) (func $f)", "duplicate function");
    MALFORMED("(func $f (import \"\" \"\")) (func $\"f\")", "duplicate function");
    MALFORMED("(type $t (func)) (rec (type $t (func)))", "duplicate type");
    MALFORMED("(type (struct (field $a i32) (field $a i32)))", "duplicate field");
    MALFORMED("(func (param $a i32) (local $a i32))", "duplicate local");
    MALFORMED("(export \"a\" (func $f))", "unknown function $f");
    MALFORMED("(func (local.get $x))", "unknown local $x");
    MALFORMED("(func (param $x i32)) (func (local.get $x))", "unknown local $x");
    MALFORMED("(func (block $l) (br $l))", "unknown label $l");
    MALFORMED("(import \"a\" (func))", "string");
    MALFORMED("(type (func (param i33)))", "value type is expected here, not i33");
    MALFORMED("(type (sub $x (func)))", "unknown type $x");
}

TEST(malformed_functions)
{
    MALFORMED("(func (i32.foo))", "unknown operator i32.foo");
    MALFORMED("(func i32.const)", "32-bit integer");
    MALFORMED("(func i32.const 4294967296)", "out of range");
    MALFORMED("(func f32.const 1e39)", "out of range");
    MALFORMED("(func i32.const \"a\")", "32-bit integer");
    MALFORMED("(func block)", "end");
    MALFORMED("(func end)", "ends nothing");
    MALFORMED("(func block else end)", "ends nothing");
    MALFORMED("(func if else else end)", "ends nothing");
    MALFORMED("(func block $a end $b)", "mismatching label");
    MALFORMED("(func block end $b)", "mismatching label");
    MALFORMED("(func (block $a end $a))", "ends nothing");
    MALFORMED("(func (block block))", "end");
    MALFORMED("(func (if (i32.const 0)))", "(then");
    MALFORMED("(func (if (then) (then)))", ")");
    MALFORMED("(func (i32.add nop))", "folded");
    MALFORMED("(func (end))", "unexpected token");
    MALFORMED("(func (nop) (local i32))", "unknown operator local");
    MALFORMED("(func (result i32) (param i32))", "unknown operator param");
    MALFORMED("(func (block (param $x i32)))", "identifier");
    MALFORMED("(memory 0) (func (i32.load align=3 (i32.const 0)))", "power of two");
    MALFORMED("(memory 0) (func (i32.load offset=x (i32.const 0)))", "unsigned number");
    MALFORMED("(memory 0) (func (i32.load align=1 offset=1 (i32.const 0)))", "folded");
    MALFORMED("(func (i8x16.shuffle 0 1 2))", "unsigned number");
    MALFORMED("(func (i8x16.extract_lane_s 256))", "out of range");
    MALFORMED("(func (v128.const i32x4 1 2 3))", "32-bit integer");
    MALFORMED("(func (v128.const i32x5 1 2 3))", "shape");
    MALFORMED("(type $t (func)) (func (type $t) (param i32))", "inline function type");
    MALFORMED("(type $t (struct)) (func (type $t) (param i32))", "inline function type");
    MALFORMED("(func (type 7) (param i32))", "unknown type 7");
}

TEST(errors_say_where)
{
    struct text_test t;
    text_begin(&t);
    CHECK_INT(text_encode_it(&t, "(module\n  (func\n    i32.const 1\n    i32.oops))", false),
              STINT_SYNTAX);
    CHECK_INT(t.error.line, 4);
    CHECK_INT(t.error.column, 5);
    text_end(&t);
}

/* `count` times `unit`, between two texts. */
static enum stint_status encode_repeated(struct text_test *t, const char *head, const char *unit,
                                         size_t count, const char *tail)
{
    struct buf text;
    buf_init(&text, &t->root, SIZE_MAX);
    buf_append_string(&text, head);
    for (size_t i = 0; i < count; i++)
        buf_append_string(&text, unit);
    buf_append_string(&text, tail);
    buf_append_byte(&text, 0);
    enum stint_status status = text_encode_it(t, (const char *)text.data, false);
    buf_free(&text);
    return status;
}

TEST(nesting_has_a_limit_and_costs_no_stack)
{
    struct text_test t;
    text_begin(&t);
    CHECK_INT(encode_repeated(&t, "(func ", "block ", LIMIT_CONTROL_DEPTH + 1, ")"), STINT_LIMIT);
    CHECK_INT(encode_repeated(&t, "(func ", "(nop ", LIMIT_CONTROL_DEPTH + 1, ")"), STINT_SYNTAX);
    CHECK_INT(encode_repeated(&t, "", "(", 1000000, ""), STINT_SYNTAX);
    CHECK_INT(encode_repeated(&t, "", "(;", 1000000, ""), STINT_SYNTAX);
    CHECK_INT(encode_repeated(&t, "", "(@a ", 1000000, ""), STINT_SYNTAX);
    CHECK_INT(encode_repeated(&t, "(func (drop", "(i32.eqz ", 1000, "(i32.const 0)"), STINT_SYNTAX);
    text_end(&t);
}

TEST(memory_runs_out_at_each_allocation)
{
    static const char text[] =
        "(module $m (@name \"n\") (@custom \"c\" \"x\") (type $t (func (param i32)))\n"
        "(rec (type $s (struct (field $f i32)))) (import \"a\" \"b\" (func $i (type $t)))\n"
        "(table $tab funcref (elem $f)) (memory $mem (data \"d\")) (global $g i32 i32.const 1)\n"
        "(tag $e (param i32)) (export \"f\" (func $f)) (start $f)\n"
        "(func $f (local $\"x y\" f32) (@metadata.code.branch_hint \"\\01\")\n"
        "  (if $l (i32.const 1) (then (br $l)) (else (drop (f32.const 1.5))))\n"
        "  (block $b (try_table (catch $e $b) (call_indirect (param i64) (i64.const 1)))))\n"
        "(elem $el (i32.const 0) funcref (ref.null func)) (data $dat \"z\"))";
    for (size_t at = 1;; at++) {
        struct text_test t;
        text_begin(&t);
        atomic_store(&t.root.fail_at, at);
        enum stint_status status = text_encode_it(&t, text, true);
        text_end(&t);
        if (status == STINT_OK) {
            CHECK(at > 20);
            break;
        }
        if (!CHECK_INT(status, STINT_NOMEM)) {
            printf("    at %zu: %s\n", at, t.error.message);
            break;
        }
    }
}

CHECK_MAIN
