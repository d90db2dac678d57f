/* SPDX-License-Identifier: Apache-2.0 */
/* The binary format: what is read, and the limits, features and failures around it. */
#include "wasm/limits.h"
#include "wasm_bytes.h"

#define I32 "\x7f"
#define I64 "\x7e"
#define FUNCREF "\x70"
#define FUNC "\x60"
#define END "\x0b"

TEST(empty_module)
{
    struct bytes_test t;
    bytes_begin(&t);
    CHECK_LOAD(&t, STINT_OK, "");
    CHECK_INT(t.module->func_count, 0);
    CHECK(module_is_binary(t.buf.data, t.buf.bytes));
    CHECK(!module_is_binary(t.buf.data, 7));
    bytes_end(&t);
}

TEST(not_a_module)
{
    struct alloc root;
    struct type_registry *types;
    struct wasm_module *module = NULL;
    alloc_init(&root, NULL, NULL, SIZE_MAX);
    REQUIRE(types_create(&root, &types) == STINT_OK);
    static const struct {
        const char *bytes;
        size_t size;
        const char *message;
    } cases[] = {
        {BYTES(""), "unexpected end: 0 bytes are no WebAssembly module"},
        {BYTES("\0as"), "unexpected end: 3 bytes"},
        {BYTES("#!/bin/sh"), "magic header not detected"},
        {BYTES("\0asm"), "unexpected end: the version is missing"},
        {BYTES("\0asm\x0d\0\1\0"), "unknown binary version 65549: 1 was expected"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct stint_error error = {0};
        const uint8_t *bytes = cases[i].size == 0 ? NULL : (const uint8_t *)cases[i].bytes;
        CHECK(module_decode(&root, types, bytes, cases[i].size, FEATURES_DEFAULT, &module,
                            &error) == STINT_MALFORMED);
        CHECK(strncmp(error.message, cases[i].message, strlen(cases[i].message)) == 0);
        CHECK(module == NULL);
    }
    types_free(types);
}

TEST(sections)
{
    struct bytes_test t;
    bytes_begin(&t);
    bytes_section(&t, 3, BYTES("\0"));
    bytes_section(&t, 1, BYTES("\0"));
    CHECK_LOAD(&t, STINT_MALFORMED, "unexpected content after last section: the type section");
    CHECK_INT(t.error.offset_bytes, 11);
    bytes_end(&t);

    bytes_begin(&t);
    bytes_section(&t, 14, BYTES(""));
    CHECK_LOAD(&t, STINT_MALFORMED, "malformed section id 14");
    bytes_end(&t);

    bytes_begin(&t);
    bytes_section(&t, 1, BYTES("\0\0"));
    CHECK_LOAD(&t, STINT_MALFORMED, "section size mismatch: 1 bytes are left over in the type");
    bytes_end(&t);

    bytes_begin(&t);
    buf_append(&t.buf, BYTES("\1\xff\xff\xff\xff\x0f"));
    CHECK_LOAD(&t, STINT_MALFORMED, "length out of bounds: the type section claims 4294967295");
    bytes_end(&t);

    bytes_begin(&t);
    bytes_section(&t, 0, BYTES("\3abcde"));
    bytes_section(&t, 0, BYTES("\1x"));
    CHECK_LOAD(&t, STINT_OK, "");
    CHECK_INT(t.module->custom_count, 2);
    CHECK_INT(t.module->customs[0].name.bytes, 3);
    CHECK_INT(t.module->customs[0].size_bytes, 2);
    CHECK_MEM(t.module->bytes + t.module->customs[0].offset_bytes, "de", 2);
    CHECK_INT(t.module->customs[1].size_bytes, 0);
    bytes_end(&t);
}

/* Few bytes that claim much: nothing is allocated for what cannot be there. */
TEST(claims_are_checked_against_the_rest)
{
    static const uint8_t sections[] = {1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13};
    for (size_t i = 0; i < COUNT_OF(sections); i++) {
        struct bytes_test t;
        bytes_begin(&t);
        bytes_section(&t, sections[i], BYTES("\xff\xff\x7f\0"));
        CHECK_LOAD(&t, STINT_MALFORMED, "unexpected end of section or function: 2097151 ");
        CHECK(atomic_load(&t.root.peak_bytes) < 100000);
        bytes_end(&t);
    }
}

static void put_all(struct bytes_test *t)
{
    bytes_begin(t);
    bytes_section(t, 1, BYTES("\2" FUNC "\0\0" FUNC "\1" I32 "\1" I64));
    bytes_section(t, 2,
                  BYTES("\4\1m\1f\0\1\1m\1t\1" FUNCREF "\1\2\x0a\1m\3mem\2\0\1\1m\1g\3" I32 "\0"));
    bytes_section(t, 3, BYTES("\2\0\1"));
    bytes_section(t, 4, BYTES("\2" FUNCREF "\0\3\x40\0\x64\x70\5\1\2\xd2\1" END));
    bytes_section(t, 5, BYTES("\1\5\1\x80\x80\4"));
    bytes_section(t, 13, BYTES("\1\0\0"));
    bytes_section(t, 6,
                  BYTES("\5" I32 "\1\x41\x7f" END I64 "\0\x42\x80\x7f" END FUNCREF
                        "\0\xd0\x70" END I32 "\0\x23\0" END I32 "\0\x41\1\x23\4\x6a" END));
    bytes_section(t, 7, BYTES("\2\3run\0\1\1e\4\0"));
    bytes_section(t, 8, BYTES("\1"));
    bytes_section(t, 9,
                  BYTES("\3\0\x41\1" END "\2\1\2\1\0\1\0\7" FUNCREF "\2\xd2\2" END "\xd0\x70" END));
    bytes_section(t, 12, BYTES("\2"));
    bytes_section(t, 10, BYTES("\2\2\0" END "\4\0\x42\0" END));
    bytes_section(t, 11, BYTES("\2\2\1\x42\7" END "\3abc\1\1z"));
}

/* A segment of 200 functions, after one of two and before one of expressions. */
static void put_elems(struct bytes_test *t)
{
    struct buf elems;
    bytes_begin(t);
    buf_init(&elems, &t->root, SIZE_MAX);
    bytes_section(t, 1, BYTES("\1" FUNC "\0\0"));
    bytes_section(t, 2, BYTES("\1\1a\1b\0\0"));
    bytes_section(t, 3, BYTES("\2\0\0"));
    buf_append(&elems, BYTES("\3\1\0\2\2\1\1\0\xc8\1"));
    /* Numbers of one byte and, of the same value, of two and three. */
    for (unsigned i = 0; i < 200; i++)
        buf_append(&elems, i % 3 == 0 ? "\1" : i % 3 == 1 ? "\x82\0" : "\x80\x80\0", 1 + i % 3);
    buf_append(&elems, BYTES("\5" FUNCREF "\1\xd2\1" END));
    bytes_section(t, 9, (const char *)elems.data, elems.bytes);
    bytes_section(t, 10, BYTES("\2\2\0" END "\2\0" END));
    buf_free(&elems);
}

TEST(known_tables_are_taken)
{
    struct bytes_test t;
    struct wasm_module *again;
    uint32_t functions[202];
    put_elems(&t);
    CHECK_LOAD(&t, STINT_OK, "");
    REQUIRE(t.module != NULL);
    const struct wasm_module *m = t.module;
    REQUIRE(m->elem_count == 3 && m->elems[0].count == 2 && m->elems[1].count == 200);
    memcpy(functions, m->elems[0].functions, 2 * sizeof(functions[0]));
    memcpy(functions + 2, m->elems[1].functions, 200 * sizeof(functions[0]));
    struct module_tables known = {.bodies = m->bodies,
                                  .func_types = m->func_types,
                                  .elem_functions = functions,
                                  .body_count = 2,
                                  .func_type_count = 3,
                                  .elem_function_count = 202};
    REQUIRE(module_decode_known(&t.root, t.types, t.buf.data, t.buf.bytes, FEATURES_DEFAULT, &known,
                                &again, &t.error) == STINT_OK);
    CHECK(again->bodies == m->bodies && again->func_types == m->func_types);
    CHECK(again->elems[0].functions == functions && again->elems[1].functions == functions + 2);
    CHECK(again->elems[1].count == 200 && again->elems[2].functions == NULL);
    CHECK_INT(again->elems[2].exprs[0].index, 1);
    CHECK(module_func_type(again, 2) == module_func_type(m, 2));
    module_free(again);
    /* Of other lengths: not taken. */
    known.body_count = known.func_type_count = known.elem_function_count = 1;
    REQUIRE(module_decode_known(&t.root, t.types, t.buf.data, t.buf.bytes, FEATURES_DEFAULT, &known,
                                &again, &t.error) == STINT_OK);
    CHECK(again->bodies != m->bodies && again->func_types != m->func_types);
    CHECK_INT(again->elems[1].functions[1], 2);
    module_free(again);
    bytes_end(&t);
}

TEST(index_spaces)
{
    struct bytes_test t;
    put_all(&t);
    CHECK_LOAD(&t, STINT_OK, "");
    REQUIRE(t.module != NULL);
    const struct wasm_module *m = t.module;
    CHECK_INT(m->type_count, 2);
    CHECK_INT(m->import_count, 4);
    CHECK_INT(m->import_func_count, 1);
    CHECK_INT(m->func_count, 3);
    CHECK(m->func_types[0] == 1 && m->func_types[1] == 0);
    CHECK_INT(m->bodies[1].size_bytes, 4);
    CHECK_INT(m->table_count, 3);
    CHECK_INT(m->tables[0].type.limits.max, 10);
    CHECK(!m->tables[1].has_init && m->tables[2].has_init);
    CHECK(m->tables[2].type.limits.is_64);
    CHECK_INT(m->tables[2].init.kind, CONST_REF_FUNC);
    CHECK_INT(m->tables[2].init.index, 1);
    CHECK_INT(m->memory_count, 2);
    CHECK_INT(m->memories[1].limits.max, 65536);
    CHECK_INT(m->tag_count, 1);
    CHECK(m->has_start && m->start == 1);
    CHECK_INT(m->exports[1].kind, EXTERN_TAG);
    CHECK(module_find_export(m, "run", 3) == &m->exports[0]);
    CHECK(module_find_export(m, "ru", 2) == NULL);
    bytes_end(&t);
}

TEST(constant_expressions)
{
    struct bytes_test t;
    put_all(&t);
    CHECK_LOAD(&t, STINT_OK, "");
    REQUIRE(t.module != NULL);
    const struct wasm_global *globals = t.module->globals + 1;
    CHECK_INT(globals[0].init.kind, CONST_BITS);
    CHECK_INT(globals[0].init.bits[0], 0xffffffff);
    CHECK_INT(globals[1].init.bits[0], -128);
    CHECK_INT(globals[2].init.kind, CONST_REF_NULL);
    CHECK_INT(globals[3].init.kind, CONST_GLOBAL_GET);
    CHECK_INT(globals[3].init.index, 0);
    CHECK_INT(globals[4].init.kind, CONST_CODE);
    CHECK_INT(globals[4].init.size_bytes, 6);
    CHECK_INT(globals[4].init.type, VT_I32);
    CHECK_INT(t.module->bytes[globals[4].init.offset_bytes], 0x41);
    bytes_end(&t);
}

TEST(segments)
{
    struct bytes_test t;
    put_all(&t);
    CHECK_LOAD(&t, STINT_OK, "");
    REQUIRE(t.module != NULL);
    const struct wasm_elem *elems = t.module->elems;
    CHECK_INT(elems[0].mode, SEGMENT_ACTIVE);
    CHECK_INT(elems[0].count, 2);
    CHECK_INT(elems[0].functions[1], 2);
    CHECK(elems[0].exprs == NULL);
    CHECK_INT(elems[0].type, VT_MAKE_REF(HEAP_FUNC));
    CHECK_INT(elems[0].offset.bits[0], 1);
    CHECK_INT(elems[1].mode, SEGMENT_PASSIVE);
    CHECK_INT(elems[2].mode, SEGMENT_DECLARED);
    CHECK(elems[2].functions == NULL);
    CHECK_INT(elems[2].exprs[0].kind, CONST_REF_FUNC);
    CHECK_INT(elems[2].exprs[1].kind, CONST_REF_NULL);
    /* Functions 0 to 2: in a segment, exported, in a segment. */
    CHECK_INT(t.module->func_declared[0], 7);
    const struct wasm_data *datas = t.module->datas;
    CHECK_INT(datas[0].mode, SEGMENT_ACTIVE);
    CHECK_INT(datas[0].memory, 1);
    CHECK_INT(datas[0].offset.bits[0], 7);
    CHECK_MEM(datas[0].bytes, "abc", 3);
    CHECK_INT(datas[1].mode, SEGMENT_PASSIVE);
    CHECK_INT(datas[1].size_bytes, 1);
    bytes_end(&t);
}

/* Loads a module of one section, and of types [] -> [] and [i32] -> [i64] before it. */
static void check_section(uint8_t id, const char *content, size_t size, uint32_t features,
                          enum stint_status want, const char *message, int line)
{
    struct bytes_test t;
    bytes_begin(&t);
    if (id != 1)
        bytes_section(&t, 1, BYTES("\2" FUNC "\0\0" FUNC "\1" I32 "\1" I64));
    bytes_section(&t, id, content, size);
    bytes_check(&t, features, want, message, __FILE__, line);
    bytes_end(&t);
}

#define CHECK_SECTION(id, content, want, message)                                                  \
    check_section((id), BYTES(content), FEATURES_DEFAULT, (want), (message), __LINE__)
#define CHECK_WITHOUT(feature, id, content, message)                                               \
    do {                                                                                           \
        check_section((id), BYTES(content), FEATURES_DEFAULT, STINT_OK, "", __LINE__);             \
        check_section((id), BYTES(content), FEATURES_DEFAULT & ~(uint32_t)FEATURE_##feature,       \
                      STINT_INVALID, (message), __LINE__);                                         \
    } while (0)

TEST(bad_types)
{
    CHECK_SECTION(1, "\1\x61", STINT_MALFORMED, "malformed definition type 0x61");
    CHECK_SECTION(1, "\1" FUNC "\1\x40\0", STINT_MALFORMED, "malformed value type 0x40");
    CHECK_SECTION(1, "\1" FUNC "\1\x64\x40\0", STINT_MALFORMED, "malformed heap type 0x40");
    CHECK_SECTION(1, "\1" FUNC "\1\x64\1\0", STINT_INVALID, "unknown type 1: the module has");
    CHECK_SECTION(1, "\1\x50\1\0" FUNC "\0\0", STINT_INVALID, "unknown type: the super type of");
    CHECK_SECTION(1, "\1\x50\2\0\0" FUNC "\0\0", STINT_INVALID, "sub type with 2 super types");
    CHECK_SECTION(1, "\1\x5f\1" I32 "\2", STINT_MALFORMED, "malformed mutability 0x02");
    CHECK_SECTION(1, "\2\x4e\0\x4e\0", STINT_OK, "");
    CHECK_SECTION(1, "\1" FUNC "\xe9\7", STINT_MALFORMED, "unexpected end of section or function");
}

TEST(bad_definitions)
{
    CHECK_SECTION(3, "\1\2", STINT_INVALID, "unknown type 2: the module has 2");
    CHECK_SECTION(3, "\1\0", STINT_MALFORMED, "function and code section have inconsistent");
    CHECK_SECTION(4, "\1\x64\x70\0\1", STINT_INVALID, "type mismatch: a table of non-null");
    CHECK_SECTION(4, "\1" I32 "\0\1", STINT_MALFORMED, "malformed reference type 0x7f");
    CHECK_SECTION(4, "\1" FUNCREF "\1\2\1", STINT_INVALID, "size minimum must not be greater");
    CHECK_SECTION(5, "\1\0\x81\x80\4", STINT_INVALID, "memory size must be at most 65536 pages");
    CHECK_SECTION(5, "\1\2\1", STINT_INVALID,
                  "malformed limits flags 0x02 of a memory: sharing is not supported");
    CHECK_SECTION(6, "\1" I32 "\0\x42\0" END, STINT_INVALID, "type mismatch: instruction requires");
    CHECK_SECTION(6, "\1" I32 "\0" END, STINT_INVALID, "type mismatch: instruction requires [i32]");
    CHECK_SECTION(6, "\1" I32 "\0\x41\0\x41\0" END, STINT_INVALID, "type mismatch: a constant");
    CHECK_SECTION(6, "\1" I32 "\0\x41\0\x45" END, STINT_INVALID, "constant expression required");
    CHECK_SECTION(6, "\1" I32 "\0\x23\0" END, STINT_INVALID, "unknown global 0");
    CHECK_SECTION(6, "\2" I32 "\1\x41\0" END I32 "\0\x23\0" END, STINT_INVALID,
                  "constant expression required: global 0 is mutable");
    CHECK_SECTION(6, "\1" I32 "\0\x41\0", STINT_MALFORMED, "unexpected end of section or function");
    CHECK_SECTION(7, "\1\1f\0\0", STINT_INVALID, "unknown function 0: the module has 0");
    CHECK_SECTION(7, "\1\1f\5\0", STINT_MALFORMED, "malformed export kind 0x05");
    CHECK_SECTION(8, "\0", STINT_INVALID, "unknown function 0");
    CHECK_SECTION(13, "\1\0\1", STINT_INVALID, "non-empty tag result type");
    CHECK_SECTION(2, "\1\1m\1\xff\0\0", STINT_MALFORMED, "malformed UTF-8 encoding of the import");
    CHECK_SECTION(2, "\1\1m\1g\3" I32 "\2", STINT_MALFORMED, "malformed mutability 0x02");
    CHECK_SECTION(2, "\1\1m\1g\5\0", STINT_MALFORMED, "malformed import kind 0x05");
    CHECK_SECTION(11, "\1\0\x41\0" END "\0", STINT_INVALID, "unknown memory 0");
    CHECK_SECTION(11, "\1\3", STINT_MALFORMED, "unexpected end of section or function");
    CHECK_SECTION(9, "\1\x08\0\0", STINT_MALFORMED, "malformed elements segment kind 8");
    CHECK_SECTION(12, "\1", STINT_MALFORMED, "data count and data section have inconsistent");
}

TEST(features)
{
    CHECK_WITHOUT(MULTI_VALUE, 1, "\1" FUNC "\0\2" I32 I32,
                  "a function with several results needs");
    CHECK_WITHOUT(SIMD, 1, "\1" FUNC "\1\x7b\0",
                  "the type v128 needs the feature 'simd' (-W simd)");
    CHECK_WITHOUT(REF_TYPES, 1, "\1" FUNC "\1\x6f\0", "externref needs the feature 'reference-");
    CHECK_WITHOUT(REF_TYPES, 1, "\1" FUNC "\1\x70\0", "a reference as a value needs the feature");
    CHECK_WITHOUT(FUNC_REFS, 1, "\1" FUNC "\1\x64\x70\0", "a typed reference needs the feature");
    CHECK_WITHOUT(GC, 1, "\1\x5f\0", "a struct type needs the feature 'gc' (-W gc)");
    CHECK_WITHOUT(GC, 1, "\1\x4e\0", "a rec group needs the feature 'gc'");
    CHECK_WITHOUT(GC, 1, "\1" FUNC "\1\x63\0\0", "unknown type 0");
    CHECK_WITHOUT(GC, 1, "\1" FUNC "\1\x6e\0", "anyref needs the feature 'gc'");
    CHECK_WITHOUT(EXCEPTIONS, 1, "\1" FUNC "\1\x69\0", "exnref needs the feature 'exceptions'");
    CHECK_WITHOUT(EXCEPTIONS, 13, "\1\0\0", "the tag section needs the feature 'exceptions'");
    CHECK_WITHOUT(BULK, 12, "\0", "the data count section needs the feature 'bulk-memory'");
    CHECK_WITHOUT(BULK, 11, "\1\1\0", "a passive data segment needs the feature 'bulk-memory'");
    CHECK_WITHOUT(MULTI_MEMORY, 5, "\2\0\1\0\1", "multiple memories: a second one needs");
    CHECK_WITHOUT(MEMORY64, 5, "\1\4\1", "a 64-bit index type needs the feature 'memory64'");
    CHECK_WITHOUT(MUTABLE_GLOBAL, 2, "\1\1m\1g\3" I32 "\1", "an imported mutable global needs");
    CHECK_WITHOUT(EXTENDED_CONST, 6, "\1" I32 "\0\x41\0\x41\0\x6a" END,
                  "i32.add needs the feature");
    CHECK_WITHOUT(GC, 6, "\2" I32 "\0\x41\0" END I32 "\0\x23\0" END, "unknown global 0: only");
}

/* A section of `count` equal items, after types as above. */
static enum stint_status load_many(struct bytes_test *t, uint8_t id, uint32_t count,
                                   const char *item, size_t size)
{
    struct buf content;
    bytes_begin(t);
    if (id != 1)
        bytes_section(t, 1, BYTES("\1" FUNC "\0\0"));
    buf_init(&content, &t->root, SIZE_MAX);
    buf_append_uleb(&content, count);
    for (uint32_t i = 0; i < count; i++)
        buf_append(&content, item, size);
    bytes_section(t, id, (const char *)content.data, content.bytes);
    buf_free(&content);
    return bytes_load(t, FEATURES_DEFAULT);
}

TEST(limits)
{
    static const struct {
        uint8_t id;
        uint32_t limit;
        const char *item;
        size_t size;
    } cases[] = {
        {1, LIMIT_TYPES, BYTES("\x4e\0")},         {4, LIMIT_TABLES, BYTES(FUNCREF "\0\0")},
        {5, LIMIT_MEMORIES, BYTES("\0\0")},        {11, LIMIT_DATA_SEGMENTS, BYTES("\1\0")},
        {9, LIMIT_ELEM_SEGMENTS, BYTES("\1\0\0")},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes_test t;
        CHECK_INT(load_many(&t, cases[i].id, cases[i].limit, cases[i].item, cases[i].size),
                  STINT_OK);
        bytes_end(&t);
        CHECK_INT(load_many(&t, cases[i].id, cases[i].limit + 1, cases[i].item, cases[i].size),
                  STINT_LIMIT);
        CHECK(strncmp(t.error.message, "too many ", 9) == 0);
        bytes_end(&t);
    }
}

/* Sections of one item more than is allowed, which fail at their count. */
TEST(large_limits)
{
    static const struct {
        uint8_t id;
        uint32_t limit;
        const char *head; /* before the count */
        size_t head_size, each_bytes;
    } cases[] = {
        {1, LIMIT_REC_GROUP_TYPES, BYTES("\1\x4e"), 2},
        {1, LIMIT_PARAMS, BYTES("\1\x60"), 1},
        {1, LIMIT_RESULTS, BYTES("\1\x60\0"), 1},
        {1, LIMIT_STRUCT_FIELDS, BYTES("\1\x5f"), 2},
        {2, LIMIT_IMPORTS, BYTES(""), 4},
        {3, LIMIT_FUNCTIONS, BYTES(""), 1},
        {6, LIMIT_GLOBALS, BYTES(""), 3},
        {7, LIMIT_EXPORTS, BYTES(""), 3},
        {13, LIMIT_TAGS, BYTES(""), 2},
        {9, LIMIT_ELEM_ITEMS, BYTES("\1\1\0"), 1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes_test t;
        struct buf content;
        bytes_begin(&t);
        buf_init(&content, &t.root, SIZE_MAX);
        buf_append(&content, cases[i].head, cases[i].head_size);
        buf_append_uleb(&content, cases[i].limit + 1);
        size_t rest = (size_t)(cases[i].limit + 1) * cases[i].each_bytes;
        REQUIRE(buf_reserve(&content, rest));
        memset(content.data + content.bytes, 0, rest);
        content.bytes += rest;
        bytes_section(&t, cases[i].id, (const char *)content.data, content.bytes);
        buf_free(&content);
        CHECK_LOAD(&t, STINT_LIMIT, "too many ");
        bytes_end(&t);
    }
}

TEST(module_size_is_limited)
{
    struct bytes_test t;
    bytes_begin(&t);
    /* The bytes are not looked at. */
    CHECK_INT(module_decode(&t.root, t.types, t.buf.data, (size_t)LIMIT_MODULE_BYTES + 1,
                            FEATURES_DEFAULT, &t.module, &t.error),
              STINT_LIMIT);
    CHECK(strncmp(t.error.message, "the module is too large", 23) == 0);
    bytes_end(&t);
}

TEST(names_are_limited)
{
    struct bytes_test t;
    struct buf content;
    for (uint32_t extra = 0; extra < 2; extra++) {
        bytes_begin(&t);
        buf_init(&content, &t.root, SIZE_MAX);
        buf_append_uleb(&content, LIMIT_NAME_BYTES + extra);
        for (uint32_t i = 0; i < LIMIT_NAME_BYTES + extra; i++)
            buf_append_byte(&content, 'x');
        bytes_section(&t, 0, (const char *)content.data, content.bytes);
        buf_free(&content);
        CHECK_INT(bytes_load(&t, FEATURES_DEFAULT), extra == 0 ? STINT_OK : STINT_LIMIT);
        bytes_end(&t);
    }
}

TEST(export_names_are_unique)
{
    struct bytes_test t;
    bytes_begin(&t);
    bytes_section(&t, 5, BYTES("\1\0\1"));
    bytes_section(&t, 7, BYTES("\3\1a\2\0\1b\2\0\1a\2\0"));
    CHECK_LOAD(&t, STINT_INVALID, "duplicate export name \"a\"");
    bytes_end(&t);
}

TEST(limits_of_imports)
{
    const struct wasm_limits one_to_two = {.min = 1, .max = 2, .has_max = true};
    const struct wasm_limits one = {.min = 1, .max = UINT64_MAX};
    const struct wasm_limits wide = {.min = 1, .max = 2, .has_max = true, .is_64 = true};
    CHECK(limits_match(&one_to_two, 1, &one_to_two));
    CHECK(limits_match(&one_to_two, 1, &one));
    CHECK(!limits_match(&one, 1, &one_to_two));
    CHECK(!limits_match(&one, 0, &one));
    CHECK(limits_match(&one, 5, &one));
    CHECK(!limits_match(&wide, 1, &one));
}

TEST(memory_runs_out)
{
    struct bytes_test t;
    put_all(&t);
    CHECK_LOAD(&t, STINT_OK, "");
    size_t used = atomic_load(&t.root.used_bytes), at = 0;
    bool was_reached = true;
    while (was_reached && at < 1000) {
        struct wasm_module *module = NULL;
        struct type_registry *types = NULL;
        struct stint_error error = {0};
        atomic_store(&t.root.calls, 0);
        atomic_store(&t.root.fail_at, ++at);
        enum stint_status status = types_create(&t.root, &types);
        if (status == STINT_OK)
            status = module_decode(&t.root, types, t.buf.data, t.buf.bytes, FEATURES_DEFAULT,
                                   &module, &error);
        was_reached = atomic_load(&t.root.calls) >= at;
        atomic_store(&t.root.fail_at, 0);
        CHECK_INT(status, was_reached ? STINT_NOMEM : STINT_OK);
        module_free(module);
        types_free(types);
        CHECK_INT(atomic_load(&t.root.used_bytes), used);
    }
    CHECK(at > 10 && at < 1000);
    bytes_end(&t);
}

/* Every prefix of a module is refused, whatever it ends in. */
TEST(truncated_modules)
{
    struct bytes_test t;
    put_all(&t);
    size_t size = t.buf.bytes;
    size_t accepted = 0;
    for (size_t cut = 0; cut < size; cut++) {
        /* In a block of its own, so that a read past the end is seen. */
        struct wasm_module *module = NULL;
        struct stint_error error = {0};
        uint8_t *copy = alloc_get(&t.root, cut);
        if (cut != 0)
            memcpy(copy, t.buf.data, cut);
        enum stint_status status =
            module_decode(&t.root, t.types, copy, cut, FEATURES_DEFAULT, &module, &error);
        CHECK(status == STINT_OK || (status == STINT_MALFORMED && error.offset_bytes <= cut));
        accepted += status == STINT_OK;
        module_free(module);
        alloc_put(&t.root, copy, cut);
    }
    /* Up to where functions without bodies begin, a module may end after any section. */
    CHECK_INT(accepted, 3);
    bytes_end(&t);
}

CHECK_MAIN
