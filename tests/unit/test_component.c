/* SPDX-License-Identifier: Apache-2.0 */
/* The component decoder and validator: what the suite does not ask for, above all places and limits. */
#include "component/component.h"
#include "component/component_limits.h"
#include "component/component_names.h"
#include "runtime_stub.h"

/* ---- Components from pieces -------------------------------------------------------------- */

struct comp_test {
    struct world w;
    struct alloc alloc;
    struct buf bytes;
    struct component_file *file;
    struct stint_error error;
};

#define HEADER "\0asm\x0d\0\1\0"
#define BYTES(text) (text), sizeof(text) - 1

static bool test_open(struct comp_test *t, const struct engine_config *config)
{
    memset(t, 0, sizeof(*t));
    alloc_init(&t->alloc, NULL, NULL, SIZE_MAX);
    buf_init(&t->bytes, &t->alloc, SIZE_MAX);
    buf_append(&t->bytes, BYTES(HEADER));
    return world_open(&t->w, config, NULL);
}

static void test_close(struct comp_test *t)
{
    component_release(t->file);
    buf_free(&t->bytes);
    world_close(&t->w);
}

static void put_section(struct comp_test *t, uint8_t id, const void *content, size_t size)
{
    buf_append_byte(&t->bytes, id);
    buf_append_uleb(&t->bytes, size);
    buf_append(&t->bytes, content, size);
}

static enum stint_status create(struct comp_test *t)
{
    component_release(t->file);
    t->file = NULL;
    error_clear(&t->error);
    return component_create(t->w.engine, t->bytes.data, t->bytes.bytes, false, &t->file, &t->error);
}

/* One section behind the header; what comes of it. */
static void check_section(uint8_t id, const char *content, size_t size, enum stint_status want,
                          uint64_t offset_bytes, const char *message, int line)
{
    struct comp_test t;
    if (!CHECK(test_open(&t, NULL)))
        return;
    put_section(&t, id, content, size);
    enum stint_status status = create(&t);
    if (status != want || strstr(t.error.message, message) == NULL ||
        (want != STINT_OK && t.error.offset_bytes != offset_bytes))
        printf("    line %d: %s at %llu: %s\n", line, status_text(status),
               (unsigned long long)t.error.offset_bytes, t.error.message);
    CHECK_INT(status, want);
    CHECK(strstr(t.error.message, message) != NULL);
    if (want != STINT_OK)
        CHECK_INT(t.error.offset_bytes, offset_bytes);
    test_close(&t);
}

#define CHECK_SECTION(id, content, want, offset, message)                                          \
    check_section(id, BYTES(content), want, offset, message, __LINE__)

/* ---- It works ---------------------------------------------------------------------------- */

/* A core module with a function f; its instance, the function, lifted and exported as "e"; a resource
 * type "r" of its own; an instance type that binds one, imported twice. */
static void put_whole(struct comp_test *t)
{
    put_section(t, 1, BYTES("\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\7\5\1\1f\0\0\x0a\4\1\2\0\x0b"));
    put_section(t, 2, BYTES("\1\0\0\0"));
    put_section(t, 6, BYTES("\1\0\0\1\0\1f"));
    put_section(t, 7, BYTES("\3\x40\0\1\0\x3f\x7f\0\x42\1\4\0\1r\3\1"));
    put_section(t, 8, BYTES("\1\0\0\0\0\0"));
    put_section(t, 10, BYTES("\2\0\1a\5\2\0\1b\5\2"));
    put_section(t, 11, BYTES("\2\0\1e\1\0\0\0\1r\3\1\0"));
    put_section(t, 4, BYTES(HEADER "\7\3\1\x70\x7d"));
    put_section(t, 0, BYTES("\4note text"));
}

TEST(reads_definitions)
{
    struct comp_test t;
    REQUIRE(test_open(&t, NULL));
    put_whole(&t);
    CHECK_INT(create(&t), STINT_OK);
    REQUIRE(t.file != NULL);
    const struct component *root = t.file->root;
    CHECK_INT(t.file->module_count, 1);
    CHECK_INT(t.file->module_offsets[0], 10);
    CHECK_INT(root->counts[SORT_CORE_FUNC], 1);
    CHECK_INT(root->counts[SORT_FUNC], 2);
    CHECK_INT(root->counts[SORT_TYPE], 4);
    CHECK_INT(root->counts[SORT_INSTANCE], 2);
    CHECK_INT(root->counts[SORT_COMPONENT], 1);
    REQUIRE(root->defs.count == 12);
    const struct comp_def *defs = root->defs.items;
    CHECK_INT(defs[0].kind, DEF_CORE_MODULE);
    CHECK_INT(defs[2].kind, DEF_ALIAS_CORE_EXPORT);
    CHECK_MEM(defs[2].name.text, "f", 1);
    CHECK_INT(defs[6].canon->op, CANON_LIFT);
    CHECK_INT(defs[6].canon->options.memory, COMP_NO_INDEX);
    CHECK_INT(defs[5].type->decls.count, 1);
    CHECK_INT(defs[5].type->decls.items[0].kind, DEF_EXPORT_DECL);
    REQUIRE(defs[11].kind == DEF_COMPONENT);
    CHECK(defs[11].component->parent == root);
    CHECK_INT(defs[11].component->defs.items[0].type->value_kind, CTYPE_LIST);
    CHECK(component_is_binary(t.bytes.data, t.bytes.bytes));
    struct component_file *again = component_retain(t.file);
    component_release(again);
    test_close(&t);
}

TEST(keeps_a_copy_or_uses_what_is_lent)
{
    struct comp_test t;
    struct component_file *lent;
    REQUIRE(test_open(&t, NULL));
    put_whole(&t);
    CHECK_INT(component_create(t.w.engine, t.bytes.data, t.bytes.bytes, true, &lent, &t.error),
              STINT_OK);
    CHECK(lent->bytes == t.bytes.data);
    component_release(lent);
    CHECK_INT(create(&t), STINT_OK);
    memset(t.bytes.data, 0xff, t.bytes.bytes);
    CHECK_MEM(t.file->root->defs.items[2].name.text, "f", 1);
    test_close(&t);
}

/* ---- Names ------------------------------------------------------------------------------- */

static struct wasm_name name_of(const char *text)
{
    return (struct wasm_name){text, (uint32_t)strlen(text)};
}

TEST(tells_names_apart)
{
    struct extern_name name;
    CHECK(extern_name_parse(name_of("a-1-B2"), &name) == NULL && name.kind == NAME_LABEL);
    CHECK(extern_name_parse(name_of("[method]a-b.c"), &name) == NULL && name.kind == NAME_METHOD);
    CHECK_INT(name.resource.bytes, 3);
    CHECK_MEM(name.member.text, "c", 1);
    CHECK(extern_name_parse(name_of("wasi:io/streams@0.2.6"), &name) == NULL);
    CHECK_INT(name.kind, NAME_INTERFACE);
    CHECK_MEM(name.version.text, "0.2.6", 5);
    static const char *const bad[] = {"",        "-a",        "a--b",       "aB",       "1a",
                                      "a_b",     "a:b",       "a:b/",       "a:B/c",    "a:b/c/d",
                                      "a:b:c/d", "[method]a", "[static].a", "[other]a", "a:b/c!"};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        CHECK(extern_name_parse(name_of(bad[i]), &name) != NULL);
}

TEST(knows_versions)
{
    static const char *const good[] = {"0.0.0",          "1.2.3",     "0.2.0-rc-2023-11-10",
                                       "1.0.0-a.1+b.01", "1.0.0+001", "1.0.0-0a"};
    static const char *const bad[] = {"",
                                      "1",
                                      "1.2",
                                      "1.2.3.4",
                                      "01.2.3",
                                      "1.2.3-",
                                      "1.2.3+",
                                      "1.2.x",
                                      "1.2.3-01",
                                      "1.2.3-a..b",
                                      "1.2.3 ",
                                      "v1.2.3",
                                      "1.2.100000000000000000000"};
    static const char *const canonical[] = {"1", "10", "0.2", "0.0.3", "0.0.0"};
    static const char *const not_canonical[] = {"", "0", "0.0", "1.2", "0.2.1", "0.0.01", "x"};
    for (size_t i = 0; i < COUNT_OF(good); i++)
        CHECK(version_is_valid(name_of(good[i])));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        CHECK(!version_is_valid(name_of(bad[i])));
    for (size_t i = 0; i < COUNT_OF(canonical); i++)
        CHECK(version_is_canonical(name_of(canonical[i])));
    for (size_t i = 0; i < COUNT_OF(not_canonical); i++)
        CHECK(!version_is_canonical(name_of(not_canonical[i])));
}

static bool same_canonical(const char *a, const char *b)
{
    struct alloc alloc;
    struct arena arena;
    alloc_init(&alloc, NULL, NULL, SIZE_MAX);
    arena_init(&arena, &alloc);
    struct wasm_name x = name_canonical(&arena, name_of(a)), y = name_canonical(&arena, name_of(b));
    bool same = x.bytes == y.bytes && memcmp(x.text, y.text, x.bytes) == 0;
    arena_free(&arena);
    return same;
}

TEST(compares_names_strongly)
{
    CHECK(same_canonical("foo-BAR", "FOO-bar"));
    CHECK(same_canonical("[method]foo.BAR", "[static]foo.bar"));
    CHECK(same_canonical("[static]foo-BAR.FOO-bar", "foo-bar"));
    CHECK(same_canonical("foo:bar/BAZ", "foo:bar/baz"));
    CHECK(!same_canonical("[constructor]foo", "foo"));
    CHECK(!same_canonical("[method]foo.bar", "bar"));
    CHECK(!same_canonical("a:b/c@1.0.0-RC", "a:b/c@1.0.0-rc"));
}

/* ---- Bad input --------------------------------------------------------------------------- */

TEST(refuses_malformed_files)
{
    struct comp_test t;
    REQUIRE(test_open(&t, NULL));
    for (size_t bytes = 0; bytes < 8; bytes++) {
        t.bytes.bytes = bytes;
        CHECK_INT(create(&t), STINT_MALFORMED);
    }
    t.bytes.bytes = 8;
    CHECK_INT(create(&t), STINT_OK);
    t.bytes.data[6] = 0;
    CHECK_INT(create(&t), STINT_MALFORMED);
    CHECK_INT(t.error.offset_bytes, 6);
    test_close(&t);
}

TEST(tells_where_a_file_is_malformed)
{
    CHECK_SECTION(13, "", STINT_MALFORMED, 8, "malformed section id 13");
    CHECK_SECTION(7, "\1\x73\0", STINT_MALFORMED, 12, "section size mismatch: 1 bytes follow");
    CHECK_SECTION(7, "\1\x44", STINT_MALFORMED, 11, "malformed type: 0x44");
    CHECK_SECTION(7, "\1\x71\1\1a\0\1", STINT_MALFORMED, 16, "malformed end of a case");
    CHECK_SECTION(7, "\1\x72\1\1\xff\x73", STINT_MALFORMED, 14, "malformed UTF-8");
    CHECK_SECTION(7, "\2\x73", STINT_MALFORMED, 10, "2 types do not fit");
    CHECK_SECTION(8, "\1\x07", STINT_MALFORMED, 11, "malformed canonical definition: 0x07");
    CHECK_SECTION(6, "\1\1\2\0\0", STINT_MALFORMED, 11, "malformed sort of an outer alias");
    CHECK_SECTION(0, "\5ab", STINT_MALFORMED, 10, "length out of bounds");
    CHECK_SECTION(4, "\0asm\x0c\0\1\0", STINT_MALFORMED, 14, "unknown binary version");
    CHECK_SECTION(1, "\0asm\1\0\0\0\x0f\0", STINT_MALFORMED, 18, "in core module 0");
}

TEST(tells_where_a_component_is_invalid)
{
    CHECK_SECTION(7, "\2\x73\x70\2", STINT_INVALID, 12, "unknown type 2: index out of bounds");
    CHECK_SECTION(7, "\1\x72\2\1a\x73\1A\x73", STINT_INVALID, 11, "conflicts with a previous one");
    CHECK_SECTION(7, "\1\x41\1\1\x3f\x7f\0", STINT_INVALID, 14, "within a concrete component");
    CHECK_SECTION(7, "\1\x63\x76\x73", STINT_INVALID, 11, "a map's keys are of a primitive type");
    CHECK_SECTION(7, "\1\x67\x7d\x80\x80\x80\x80\1", STINT_INVALID, 11, "maximum byte size");
    CHECK_SECTION(6, "\1\3\2\1\0", STINT_INVALID, 11, "invalid outer alias count of 1");
    CHECK_SECTION(10, "\1\0\2aB\3\1", STINT_INVALID, 11, "'aB' is not a valid extern name");
    CHECK_SECTION(10, "\2\0\1a\3\1\0\1A\3\1", STINT_INVALID, 16, "conflicts with a previous name");
    CHECK_SECTION(8, "\1\3\0", STINT_INVALID, 11, "unknown type 0");
    CHECK_SECTION(5, "\1\0\0\0", STINT_INVALID, 11, "unknown component 0");
    CHECK_SECTION(12, "\1\x7d\1\0", STINT_UNSUPPORTED, 11, "values of components");
    CHECK_SECTION(3, "\1\x50\1\1\x50\0", STINT_INVALID, 14, "a module type inside a module type");
}

TEST(needs_names_of_exported_types)
{
    struct comp_test t;
    REQUIRE(test_open(&t, NULL));
    put_section(&t, 7, BYTES("\2\x6d\1\1a\x40\1\1p\0\1\0"));
    put_section(&t, 10, BYTES("\1\0\1f\1\1"));
    CHECK_INT(create(&t), STINT_INVALID);
    CHECK(strstr(t.error.message, "'f' is not valid to be used as import") != NULL);
    test_close(&t);
}

/* ---- Limits ------------------------------------------------------------------------------ */

TEST(limits_nested_components)
{
    struct comp_test t;
    struct buf inner;
    REQUIRE(test_open(&t, NULL));
    buf_init(&inner, &t.alloc, SIZE_MAX);
    for (int i = 1; i < LIMIT_COMP_NESTING; i++) {
        buf_clear(&inner);
        buf_append(&inner, t.bytes.data, t.bytes.bytes);
        buf_clear(&t.bytes);
        buf_append(&t.bytes, BYTES(HEADER));
        put_section(&t, 4, inner.data, inner.bytes);
    }
    CHECK_INT(create(&t), STINT_OK);
    buf_clear(&inner);
    buf_append(&inner, t.bytes.data, t.bytes.bytes);
    buf_clear(&t.bytes);
    buf_append(&t.bytes, BYTES(HEADER));
    put_section(&t, 4, inner.data, inner.bytes);
    CHECK_INT(create(&t), STINT_LIMIT);
    CHECK(strstr(t.error.message, "nested too deeply") != NULL);
    buf_free(&inner);
    test_close(&t);
}

TEST(limits_the_size_of_types)
{
    struct comp_test t;
    REQUIRE(test_open(&t, NULL));
    /* Each tuple has the one before it twice. */
    put_section(&t, 7, BYTES("\1\x73"));
    for (int i = 0; i < 40; i++) {
        const char tuple[] = {1, 0x6f, 2, (char)i, (char)i};
        put_section(&t, 7, tuple, sizeof(tuple));
    }
    CHECK_INT(create(&t), STINT_LIMIT);
    CHECK(strstr(t.error.message, "a type is too large") != NULL);
    test_close(&t);
}

TEST(limits_the_depth_of_instances)
{
    struct comp_test t;
    REQUIRE(test_open(&t, NULL));
    put_section(&t, 5, BYTES("\1\1\0"));
    for (uint32_t i = 0; i < 300; i++) {
        struct buf instance;
        buf_init(&instance, &t.alloc, SIZE_MAX);
        buf_append(&instance, BYTES("\1\1\1\0\1i\5"));
        buf_append_uleb(&instance, i);
        put_section(&t, 5, instance.data, instance.bytes);
        buf_free(&instance);
    }
    CHECK_INT(create(&t), STINT_LIMIT);
    CHECK(strstr(t.error.message, "a type is nested too deeply") != NULL);
    test_close(&t);
}

TEST(limits_index_spaces)
{
    struct comp_test t;
    REQUIRE(test_open(&t, NULL));
    for (int i = 0; i < LIMIT_COMP_INSTANCES; i++)
        put_section(&t, 5, BYTES("\1\1\0"));
    CHECK_INT(create(&t), STINT_OK);
    put_section(&t, 5, BYTES("\1\1\0"));
    CHECK_INT(create(&t), STINT_LIMIT);
    CHECK(strstr(t.error.message, "too many instances") != NULL);
    CHECK_INT(t.error.offset_bytes, t.bytes.bytes - 2);
    test_close(&t);
}

/* 2^19 parts, of few definitions. */
static void put_large_type(struct buf *bytes)
{
    buf_append(bytes, BYTES("\7\x4a\x13\x73"));
    for (int i = 0; i < 18; i++) {
        const char tuple[] = {0x6f, 2, (char)i, (char)i};
        buf_append(bytes, tuple, sizeof(tuple));
    }
}

/* Comparing two large types that are not the same one is work; many instantiations are too much. */
TEST(limits_the_work_of_validation)
{
    struct comp_test t;
    struct buf inner;
    REQUIRE(test_open(&t, NULL));
    buf_init(&inner, &t.alloc, SIZE_MAX);
    buf_append(&inner, BYTES(HEADER));
    put_large_type(&inner);
    buf_append(&inner, BYTES("\x0a\7\1\0\1t\3\0\x12"));
    put_section(&t, 4, inner.data, inner.bytes);
    buf_free(&inner);
    put_large_type(&t.bytes);
    put_section(&t, 5, BYTES("\1\0\0\1\1t\3\x12"));
    CHECK_INT(create(&t), STINT_OK);
    for (int i = 1; i < LIMIT_COMP_INSTANCES; i++)
        put_section(&t, 5, BYTES("\1\0\0\1\1t\3\x12"));
    CHECK_INT(create(&t), STINT_LIMIT);
    CHECK(strstr(t.error.message, "too involved to be checked") != NULL);
    test_close(&t);
}

/* A component that exports a resource type many times: so does each instance, with one of its own. */
TEST(limits_the_memory_of_validation)
{
    enum { RESOURCES = 5000 };
    struct comp_test t;
    struct buf inner, exports;
    REQUIRE(test_open(&t, NULL));
    buf_init(&inner, &t.alloc, SIZE_MAX);
    buf_init(&exports, &t.alloc, SIZE_MAX);
    buf_append(&inner, BYTES(HEADER "\7\4\1\x3f\x7f\0"));
    buf_append_uleb(&exports, RESOURCES);
    for (int i = 0; i < RESOURCES; i++) {
        buf_append_byte(&exports, 0);
        buf_append_byte(&exports, 5);
        buf_append_format(&exports, "a%04d", i);
        buf_append(&exports, BYTES("\3\0\0"));
    }
    buf_append_byte(&inner, 11);
    buf_append_uleb(&inner, exports.bytes);
    buf_append(&inner, exports.data, exports.bytes);
    put_section(&t, 4, inner.data, inner.bytes);
    put_section(&t, 5, BYTES("\1\0\0\0"));
    CHECK_INT(create(&t), STINT_OK);
    for (int i = 1; i < LIMIT_COMP_INSTANCES; i++)
        put_section(&t, 5, BYTES("\1\0\0\0"));
    CHECK_INT(create(&t), STINT_LIMIT);
    CHECK(strstr(t.error.message, "too much memory to be checked") != NULL);
    buf_free(&exports);
    buf_free(&inner);
    test_close(&t);
}

TEST(survives_every_failing_allocation)
{
    struct comp_test t;
    REQUIRE(test_open(&t, NULL));
    put_whole(&t);
    size_t at = 1;
    for (;; at++) {
        size_t calls = atomic_load(&t.w.engine->alloc.calls);
        atomic_store(&t.w.engine->alloc.fail_at, calls + at);
        enum stint_status status = create(&t);
        atomic_store(&t.w.engine->alloc.fail_at, 0);
        if (status == STINT_OK)
            break;
        CHECK_INT(status, STINT_NOMEM);
        if (!CHECK(at < 1000))
            break;
    }
    CHECK(at > 20);
    test_close(&t);
}

CHECK_MAIN
