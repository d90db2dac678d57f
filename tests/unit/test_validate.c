/* SPDX-License-Identifier: Apache-2.0 */
/* Function bodies: what the core suite does not ask for, above all places, limits and features. */
#include "wasm/limits.h"
#include "wasm/names.h"
#include "wasm/validate_int.h"
#include "wasm/validate_rules.h"
#include "wasm_bytes.h"

#define I32 "\x7f"
#define I64 "\x7e"
#define FUNC "\x60"
#define END "\x0b"

/* A module around one function of type `type`:
 *   types 0 [] -> [], 1 [i32] -> [i32], 2 [] -> [i32 i64], 3 [i32 i64] -> [i32 i64], 4 array of i32
 *   table 0 of functions, memory 0, tag 0 of type 0, globals 0 (mutable i32) and 1 (i64) */
static void put_module(struct bytes_test *t, uint8_t type, const char *body, size_t size)
{
    bytes_begin(t);
    bytes_section(t, 1,
                  BYTES("\5" FUNC "\0\0" FUNC "\1" I32 "\1" I32 FUNC "\0\2" I32 I64 FUNC
                        "\2" I32 I64 "\2" I32 I64 "\x5e" I32 "\1"));
    bytes_section(t, 3, (const char[]){1, (char)type}, 2);
    bytes_section(t, 4, BYTES("\1\x70\0\1"));
    bytes_section(t, 5, BYTES("\1\0\1"));
    bytes_section(t, 13, BYTES("\1\0\0"));
    bytes_section(t, 6, BYTES("\2" I32 "\1\x41\0\x0b" I64 "\0\x42\0\x0b"));
    struct buf code;
    buf_init(&code, &t->root, SIZE_MAX);
    buf_append_byte(&code, 1);
    buf_append_uleb(&code, size);
    buf_append(&code, body, size);
    bytes_section(t, 10, (const char *)code.data, code.bytes);
    buf_free(&code);
    bytes_section(t, 0, BYTES("\4name\1\6\1\0\3sum"));
}

static void check_body(uint8_t type, const char *body, size_t size, enum stint_status want,
                       const char *message, int line)
{
    static struct body_rules slow_rules;
    struct bytes_test t;
    struct stint_error slow = {0};
    put_module(&t, type, body, size);
    bytes_check(&t, FEATURES_DEFAULT, want, message, __FILE__, line);
    if (t.module != NULL) {
        check_int(validate_bodies(t.module, &slow_rules, &slow), want, __FILE__, line, "slow");
        check_str(slow.message, t.error.message, __FILE__, line, "slow");
    }
    bytes_end(&t);
}

#define VALID(type, body) check_body(type, BYTES(body), STINT_OK, "", __LINE__)
#define INVALID(type, body, message) check_body(type, BYTES(body), STINT_INVALID, message, __LINE__)
#define MALFORMED(type, body, message)                                                             \
    check_body(type, BYTES(body), STINT_MALFORMED, message, __LINE__)

TEST(operands)
{
    VALID(0, "\0" END);
    VALID(1, "\0\x20\0\x41\1\x6a" END);
    INVALID(1, "\0" END, "type mismatch: instruction requires [i32] but stack has [], at end");
    INVALID(1, "\0\x42\0" END, "type mismatch: instruction requires [i32] but stack has [i64]");
    INVALID(0, "\0\x41\0" END, "type mismatch: the block has 0 results, but [i32] is left");
    INVALID(1, "\0\x20\0\x6a" END, "type mismatch: instruction requires [i32] but stack has []");
    /* Operands of an outer block are out of reach. */
    INVALID(0, "\0\x41\0\x02\x40\x1a\x0b\x1a" END, "type mismatch: instruction requires one more");
    INVALID(0, "\0\x41\0\x41\0\x02\x40\x6a\x1a\x0b\x1a\x1a" END, "type mismatch");
    VALID(1, "\0\x41\0\x10\0" END);
    INVALID(1, "\0\x41\0\x02\x40\x10\0\x1a\x0b" END, "type mismatch");
    VALID(2, "\0\x41\0\x42\0" END);
    VALID(3, "\0\x20\0\x20\1\x02\3\x0b" END);
    VALID(3, "\0\x20\0\x20\1\x03\3\x0b" END);
    INVALID(2, "\0\x42\0\x41\0" END, "type mismatch: instruction requires [i64] but stack has");
}

TEST(unreachable_code)
{
    VALID(2, "\0\x00" END);
    VALID(2, "\0\x00\x6a\x42\0" END);
    VALID(1, "\0\x20\0\x0f\x1a\x1a\x1b" END);
    INVALID(0, "\0\x00\x42\0\x45\x1a" END, "type mismatch: instruction requires [i32] but");
    /* What follows the block is reachable again as far as validation goes. */
    INVALID(1, "\0\x02\x40\x00\x0b\x1a\x41\0" END, "type mismatch: instruction requires one more");
    VALID(1, "\0\x02\x7f\x20\0\x0c\1\x0b" END);
    VALID(0, "\0\x41\0\x04\x40\x0f\x05\x00\x0b" END);
    VALID(1, "\0\x02\x7f\x00\x41\0\x0e\0\0\x0b" END);
}

TEST(branches)
{
    VALID(1, "\0\x02\x7f\x41\1\x20\0\x0d\0\x0b" END);
    INVALID(0, "\0\x0c\1" END, "unknown label 1: 1 blocks are open");
    INVALID(0, "\0\x41\0\x0d\x7f" END, "unknown label 127");
    MALFORMED(0, "\0\x0c\xff\xff\xff\xff\x1f" END, "integer too large");
    INVALID(1, "\0\x02\x40\x41\0\x41\0\x0e\1\0\1\x0b\x41\0" END,
            "type mismatch: labels of one br_table take 0 and 1 values");
    INVALID(1, "\0\x02\x7e\x41\0\x41\0\x0e\1\0\1\x0b\x1a\x41\0" END,
            "type mismatch: a label takes i64, but found i32");
    INVALID(1, "\0\x02\x7f\x41\0\x0e\0\0\x0b" END, "type mismatch: a label takes 1 values");
    MALFORMED(0, "\0\x41\0\x0e\x0f\0\0" END, "unexpected end of section or function");
    INVALID(0, "\0\x41\0\x04\x7f\x41\0\x0b\x1a" END, "type mismatch: an if without else");
    VALID(1, "\0\x20\0\x04\x7f\x41\0\x05\x41\1\x0b" END);
    MALFORMED(0, "\0\x05" END, "misplaced ELSE opcode");
}

TEST(ends)
{
    MALFORMED(0, "\0\x02\x40" END, "unexpected end of section or function: 1 blocks lack");
    MALFORMED(0, "\0" END "\x01" END, "section size mismatch: the body's last `end` is followed");
    MALFORMED(0, "\0\x01", "END opcode expected: the body's last byte");
    MALFORMED(0, "", "unexpected end of section or function");
    /* The last byte belongs to an immediate. */
    MALFORMED(0, "\0\x41" END, "unexpected end of section or function");
    MALFORMED(0, "\0\x44" END, "unexpected end of section or function");
    INVALID(0, "\0\x10" END, "unknown function 11");
}

TEST(integers)
{
    /* Padded to the full length, as linkers leave them. */
    VALID(1, "\0\x20\x80\x80\x80\x80\0\x41\x80\x80\x80\x80\x78\x6a" END);
    VALID(1, "\0\x20\x80\0\x28\x02\xff\xff\xff\xff\x0f" END);
    VALID(0, "\0\x42\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f\x1a" END);
    VALID(0, "\0\x41\xff\xff\xff\xff\x07\x1a" END);
    MALFORMED(0, "\0\x41\xff\xff\xff\xff\x0f\x1a" END, "integer too large");
    MALFORMED(0, "\0\x41\x80\x80\x80\x80\x80\0\x1a" END, "integer representation too long");
    INVALID(1, "\0\x20\0\x28\x02\x80\x80\x80\x80\x10" END, "offset out of range: 4294967296");
    INVALID(1, "\0\x20\0\x28\x03\0" END, "alignment must not be larger than natural: 2^3");
    MALFORMED(1, "\0\x20\0\x28\x80\1\0" END, "malformed memop flags 0x80");
    INVALID(1, "\0\x20\0\x28\x42\1\0" END, "unknown memory 1: the module has 1");
    VALID(1, "\0\x20\0\x28\x42\0\0" END);
    INVALID(0, "\0\xfd\x0c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xfd\x15\x10\x1a" END,
            "invalid lane index 16: there are 16 lanes");
    MALFORMED(0, "\0\xff" END, "illegal opcode ff");
    MALFORMED(0, "\0\xfd\xff\3" END, "illegal opcode fd 1ff");
    MALFORMED(0, "\0\x06\x40" END, "illegal opcode 06");
}

TEST(locals)
{
    VALID(0, "\2\2" I32 "\3" I64 "\x20\4\x1a\x20\1\x1a" END);
    INVALID(0, "\1\2" I32 "\x20\2\x1a" END, "unknown local 2: there are 2");
    INVALID(0, "\0\x20\0\x1a" END, "unknown local 0");
    MALFORMED(0, "\2\xff\xff\xff\xff\x0f" I32 "\1" I32 END, "too many locals: 4294967296");
    check_body(0, BYTES("\1\xd1\x86\x03" I32 END), STINT_LIMIT,
               "too many locals: 50001, the limit is 50000", __LINE__);
    VALID(0, "\1\xd0\x86\x03" I32 "\x20\xcf\x86\x03\x1a" END);
    INVALID(0, "\1\xd0\x86\x03" I32 "\x20\xd0\x86\x03\x1a" END, "unknown local 50000");
}

/* Locals without a default: (ref 0) here, in local 1; local 0 is an i32. */
TEST(locals_that_must_be_set)
{
#define REF0 "\x64\0"
#define SET1 "\x00\xd0\0\xd4\x21\1"
    VALID(0, "\2\1" I32 "\1" REF0 "\x20\0\x1a" END);
    INVALID(0, "\2\1" I32 "\1" REF0 "\x20\1\x1a" END, "uninitialized local 1");
    VALID(0, "\2\1" I32 "\1" REF0 SET1 "\x20\1\x1a" END);
    /* Set in a block: forgotten at its end. */
    INVALID(0, "\2\1" I32 "\1" REF0 "\x02\x40" SET1 "\x0b\x20\1\x1a" END, "uninitialized local 1");
    VALID(0, "\2\1" I32 "\1" REF0 "\x02\x40" SET1 "\x20\1\x1a\x0b" END);
    INVALID(0, "\2\1" I32 "\1" REF0 "\x20\0\x04\x40" SET1 "\x05\x20\1\x1a\x0b" END,
            "uninitialized local 1");
    VALID(0, "\2\1" I32 "\1" REF0 SET1 "\x02\x40" SET1 "\x0b\x20\1\x1a" END);
}

TEST(message_names_function_and_byte)
{
    struct bytes_test t;
    put_module(&t, 0, BYTES("\0\x01\x01\x42\0\x45\x1a" END));
    CHECK_LOAD(&t, STINT_INVALID, "");
    CHECK_STR(t.error.message, "type mismatch: instruction requires [i32] but stack has [i64], "
                               "at i32.eqz in function #0 ($sum)");
    CHECK_INT(t.buf.data[t.error.offset_bytes], 0x45);
    bytes_end(&t);
}

TEST(features)
{
    static const struct {
        uint32_t feature;
        const char *body, *message;
        size_t size;
    } cases[] = {
        {FEATURE_SIGN_EXT, "\0\x41\0\xc0\x1a" END, "i32.extend8_s needs the feature 'sign-ext", 6},
        {FEATURE_SIMD, "\0\x41\0\xfd\x0f\x1a" END, "i8x16.splat needs the feature 'simd' (-W", 7},
        {FEATURE_TAIL_CALL, "\0\x12\0" END, "return_call needs the feature 'tail-call'", 4},
        {FEATURE_BULK, "\0\x41\0\x41\0\x41\0\xfc\x0b\0" END, "memory.fill needs the feature", 11},
        {FEATURE_REF_TYPES, "\0\xd0\x70\x1a" END, "ref.null needs the feature 'reference-types", 5},
        {FEATURE_GC, "\0\x41\0\xfb\x1c\x1a" END, "an array type needs the feature 'gc' (-W gc)", 7},
        {FEATURE_EXCEPTIONS, "\0\x08\0" END, "", 4},
        {FEATURE_MULTI_VALUE, "\0\x02\0\x0b" END, "block needs the feature 'multi-value'", 5},
        {FEATURE_MULTI_MEMORY, "\0\x41\0\x28\x42\0\0\x1a" END, "i32.load needs the feature", 9},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes_test t;
        put_module(&t, 0, cases[i].body, cases[i].size);
        CHECK(bytes_load(&t, FEATURES_DEFAULT) == STINT_OK);
        /* The module around the body has types with several results, a tag and an array type. */
        uint32_t without = FEATURES_DEFAULT & ~cases[i].feature;
        if (cases[i].feature != FEATURE_MULTI_VALUE)
            bytes_check(&t, without, STINT_INVALID, cases[i].message, __FILE__, __LINE__);
        else
            CHECK(bytes_load(&t, without) == STINT_INVALID);
        bytes_end(&t);
    }
}

/* `count` times `open`, then as many `end`, in a body. */
static enum stint_status load_nested(struct bytes_test *t, uint32_t count)
{
    struct buf body;
    bytes_begin(t);
    buf_init(&body, &t->root, SIZE_MAX);
    buf_append_byte(&body, 0);
    for (uint32_t i = 0; i < count; i++)
        buf_append(&body, BYTES("\x02\x40"));
    for (uint32_t i = 0; i < count + 1; i++)
        buf_append(&body, BYTES(END));
    struct buf code;
    buf_init(&code, &t->root, SIZE_MAX);
    buf_append_byte(&code, 1);
    buf_append_uleb(&code, body.bytes);
    buf_append(&code, body.data, body.bytes);
    bytes_section(t, 1, BYTES("\1" FUNC "\0\0"));
    bytes_section(t, 3, BYTES("\1\0"));
    bytes_section(t, 10, (const char *)code.data, code.bytes);
    buf_free(&code);
    buf_free(&body);
    return bytes_load(t, FEATURES_DEFAULT);
}

TEST(nesting_is_limited)
{
    struct bytes_test t;
    CHECK(load_nested(&t, LIMIT_CONTROL_DEPTH - 1) == STINT_OK);
    bytes_end(&t);
    CHECK(load_nested(&t, LIMIT_CONTROL_DEPTH) == STINT_LIMIT);
    CHECK(strncmp(t.error.message, "too many nested blocks: the limit is 100000", 43) == 0);
    bytes_end(&t);
}

/* A call that gives 1000 results, again and again: the operand stack outgrows the body. */
TEST(operands_are_limited)
{
    struct bytes_test t;
    struct buf part;
    bytes_begin(&t);
    buf_init(&part, &t.root, SIZE_MAX);
    buf_append(&part, BYTES("\2" FUNC "\0\0" FUNC "\0\xe8\x07"));
    for (int i = 0; i < 1000; i++)
        buf_append(&part, BYTES(I32));
    bytes_section(&t, 1, (const char *)part.data, part.bytes);
    bytes_section(&t, 2, BYTES("\1\1m\1f\0\1"));
    bytes_section(&t, 3, BYTES("\1\0"));
    buf_clear(&part);
    buf_append_byte(&part, 1);
    buf_append_uleb(&part, 1 + 2 * 20000 + 1);
    buf_append_byte(&part, 0);
    for (int i = 0; i < 20000; i++)
        buf_append(&part, BYTES("\x10\0"));
    buf_append(&part, BYTES(END));
    bytes_section(&t, 10, (const char *)part.data, part.bytes);
    CHECK_LOAD(&t, STINT_LIMIT, "too many operands at once: the limit is 10000000");
    buf_free(&part);
    bytes_end(&t);
}

/* A body of `size` bytes, which begins as given and ends in nops and `end`. */
static void check_long_body(const char *begin, size_t begin_size, size_t size,
                            enum stint_status want, const char *message)
{
    struct alloc alloc;
    struct buf body;
    alloc_init(&alloc, NULL, NULL, SIZE_MAX);
    buf_init(&body, &alloc, SIZE_MAX);
    buf_append(&body, begin, begin_size);
    REQUIRE(buf_reserve(&body, size - begin_size));
    memset(body.data + begin_size, 1, size - begin_size);
    body.data[size - 1] = 0x0b;
    check_body(0, (const char *)body.data, size, want, message, __LINE__);
    buf_free(&body);
}

TEST(bodies_are_limited)
{
    check_long_body(BYTES("\0"), LIMIT_FUNCTION_BYTES, STINT_OK, "");
    check_long_body(BYTES("\0"), LIMIT_FUNCTION_BYTES + 1, STINT_LIMIT,
                    "the body is too large: 7654322 bytes, the limit is 7654321");
    /* br_table with 65521 labels, array.new_fixed with 10001 operands. */
    check_long_body(BYTES("\0\x41\0\x0e\xf1\xff\3"), 70000, STINT_LIMIT,
                    "too many labels in a br_table: 65521, the limit is 65520");
    check_body(0, BYTES("\0\x00\xfb\x08\4\x91\xce\0\x1a" END), STINT_LIMIT,
               "too many elements: 10001, the limit is 10000", __LINE__);
    check_body(0, BYTES("\0\x00\xfb\x08\4\x90\xce\0\x1a" END), STINT_OK, "", __LINE__);
}

TEST(memory_runs_out)
{
    /* Bodies that make every buffer grow, and two of which the second is larger. */
    struct bytes_test t;
    size_t failures = 0;
    put_module(
        &t, 0,
        BYTES("\2\1" I32 "\1" REF0 SET1 "\x02\3\x0c\0\x0b\x1a\x1a\x41\0\x04\x40\x05\x0b" END));
    CHECK(bytes_load(&t, FEATURES_DEFAULT) == STINT_OK);
    size_t used = atomic_load(&t.root.used_bytes);
    for (size_t at = 1; at < 1000; at++) {
        struct wasm_module *module = NULL;
        struct type_registry *types = NULL;
        atomic_store(&t.root.calls, 0);
        atomic_store(&t.root.fail_at, at);
        error_clear(&t.error);
        enum stint_status status = types_create(&t.root, &types);
        if (status == STINT_OK)
            status = module_decode(&t.root, types, t.buf.data, t.buf.bytes, FEATURES_DEFAULT,
                                   &module, &t.error);
        if (status == STINT_OK)
            status = module_validate(module, &t.error);
        bool was_reached = atomic_load(&t.root.calls) >= at;
        atomic_store(&t.root.fail_at, 0);
        module_free(module);
        types_free(types);
        CHECK_INT(atomic_load(&t.root.used_bytes), used);
        if (!was_reached) {
            CHECK(status == STINT_OK);
            break;
        }
        CHECK_INT(status, STINT_NOMEM);
        failures++;
    }
    CHECK(failures > 10);
    bytes_end(&t);
}

CHECK_MAIN
