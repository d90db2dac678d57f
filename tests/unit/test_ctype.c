/* SPDX-License-Identifier: Apache-2.0 */
/* Component value types: sizes, alignments and flattening, by hand from CanonicalABI.md. */
#include "check.h"

#include <string.h>

#include "component/ctype.h"

static struct arena arena;
static struct stint_error error;

static struct ctype_member member(const char *name, const struct ctype *type)
{
    struct wasm_name label = {name, name == NULL ? 0 : (uint32_t)strlen(name)};
    return (struct ctype_member){.name = label, .type = type};
}

static const struct ctype *make(enum ctype_kind kind, const struct ctype_member *members,
                                uint32_t count, uint32_t number)
{
    const struct ctype *type = NULL;
    struct ctype draft = {.kind = kind,
                          .member_count = count,
                          .members = members,
                          .length = kind == CTYPE_LIST_FIXED ? number : 0,
                          .resource = kind == CTYPE_LIST_FIXED ? 0 : number};
    error_clear(&error);
    CHECK_INT(ctype_make(&arena, &draft, &type, &error), STINT_OK);
    return type;
}

static enum stint_status try_make(enum ctype_kind kind, const struct ctype_member *members,
                                  uint32_t count, uint32_t length)
{
    const struct ctype *type = NULL;
    struct ctype draft = {
        .kind = kind, .member_count = count, .members = members, .length = length};
    error_clear(&error);
    enum stint_status status = ctype_make(&arena, &draft, &type, &error);
    CHECK(status == STINT_OK || type == NULL);
    return status;
}

#define PRIM(kind) ctype_primitive(CTYPE_##kind)

static void check_shape(const struct ctype *type, uint32_t size, uint32_t align, const char *flat)
{
    REQUIRE(type != NULL);
    CHECK_INT(type->size_bytes, size);
    CHECK_INT(type->align_bytes, align);
    if (flat == NULL) {
        CHECK_INT(type->flat_count, FLAT_TOO_MANY);
        return;
    }
    REQUIRE(type->flat_count == strlen(flat));
    for (uint32_t i = 0; flat[i] != '\0'; i++) {
        uint8_t want = flat[i] == 'i'   ? VT_I32
                       : flat[i] == 'I' ? VT_I64
                       : flat[i] == 'f' ? VT_F32
                                        : VT_F64;
        CHECK_INT(type->flat[i], want);
    }
}

static void check_text(const struct ctype *type, const char *want)
{
    char text[200];
    CHECK_STR(ctype_format(type, text, sizeof(text)), want);
}

TEST(shapes_of_scalars)
{
    check_shape(PRIM(BOOL), 1, 1, "i");
    check_shape(PRIM(S16), 2, 2, "i");
    check_shape(PRIM(U64), 8, 8, "I");
    check_shape(PRIM(F32), 4, 4, "f");
    check_shape(PRIM(F64), 8, 8, "F");
    check_shape(PRIM(CHAR), 4, 4, "i");
    check_shape(PRIM(STRING), 8, 4, "ii");
    CHECK(PRIM(STRING)->has_pointers);
    CHECK(!PRIM(CHAR)->has_pointers);
}

TEST(shapes_of_records)
{
    arena_init(&arena, &alloc_root);
    struct ctype_member fields[] = {member("a", PRIM(U8)), member("b", PRIM(U64)),
                                    member("c", PRIM(U8)), member("d", PRIM(STRING))};
    const struct ctype *record = make(CTYPE_RECORD, fields, 4, 0);
    check_shape(record, 32, 8, "iIiii");
    CHECK_INT(record->members[1].offset_bytes, 8);
    CHECK_INT(record->members[2].offset_bytes, 16);
    CHECK_INT(record->members[3].offset_bytes, 20);
    CHECK(record->has_pointers);
    CHECK_INT(record->depth, 2);
    check_text(record, "record { a: u8, b: u64, c: u8, d: string }");
    /* The members are the type's own. */
    fields[0].type = PRIM(F64);
    CHECK(record->members[0].type == PRIM(U8));
    arena_free(&arena);
}

TEST(shapes_of_variants)
{
    arena_init(&arena, &alloc_root);
    struct ctype_member cases[] = {member("f", PRIM(F32)), member("i", PRIM(U32)),
                                   member("n", NULL), member("w", PRIM(F64))};
    const struct ctype *variant = make(CTYPE_VARIANT, cases, 4, 0);
    check_shape(variant, 16, 8, "iI");
    CHECK_INT(variant->payload_offset_bytes, 8);
    check_shape(make(CTYPE_VARIANT, cases, 2, 0), 8, 4, "ii");
    check_text(variant, "variant { f(f32), i(u32), n, w(f64) }");

    struct ctype_member some[] = {member(NULL, PRIM(U16))};
    const struct ctype *option = make(CTYPE_OPTION, some, 1, 0);
    check_shape(option, 4, 2, "ii");
    CHECK_INT(option->member_count, 1);
    check_text(option, "option<u16>");

    struct ctype_member sides[] = {member(NULL, NULL), member(NULL, PRIM(STRING))};
    const struct ctype *result = make(CTYPE_RESULT, sides, 2, 0);
    check_shape(result, 12, 4, "iii");
    check_text(result, "result<_, string>");
    sides[1].type = NULL;
    check_shape(make(CTYPE_RESULT, sides, 2, 0), 1, 1, "i");
    arena_free(&arena);
}

TEST(discriminants_grow_with_the_cases)
{
    static struct ctype_member labels[0x10001];
    arena_init(&arena, &alloc_root);
    check_shape(make(CTYPE_ENUM, labels, 0x100, 0), 1, 1, "i");
    check_shape(make(CTYPE_ENUM, labels, 0x101, 0), 2, 2, "i");
    check_shape(make(CTYPE_ENUM, labels, 0x10000, 0), 2, 2, "i");
    check_shape(make(CTYPE_ENUM, labels, 0x10001, 0), 4, 4, "i");
    check_shape(make(CTYPE_FLAGS, labels, 8, 0), 1, 1, "i");
    check_shape(make(CTYPE_FLAGS, labels, 9, 0), 2, 2, "i");
    check_shape(make(CTYPE_FLAGS, labels, 17, 0), 4, 4, "i");
    CHECK_INT(try_make(CTYPE_FLAGS, labels, 33, 0), STINT_INVALID);
    CHECK_INT(try_make(CTYPE_FLAGS, labels, 0, 0), STINT_INVALID);
    CHECK_INT(try_make(CTYPE_RECORD, labels, 0, 0), STINT_INVALID);
    arena_free(&arena);
}

TEST(shapes_of_lists_and_handles)
{
    arena_init(&arena, &alloc_root);
    struct ctype_member element[] = {member(NULL, PRIM(U16))};
    const struct ctype *list = make(CTYPE_LIST, element, 1, 0);
    check_shape(list, 8, 4, "ii");
    CHECK(list->has_pointers);
    check_text(list, "list<u16>");
    check_shape(make(CTYPE_LIST_FIXED, element, 1, 3), 6, 2, "iii");
    check_shape(make(CTYPE_LIST_FIXED, element, 1, 17), 34, 2, NULL);
    check_text(make(CTYPE_LIST_FIXED, element, 1, 17), "list<u16, 17>");
    const struct ctype *own = make(CTYPE_OWN, NULL, 0, 7);
    check_shape(own, 4, 4, "i");
    CHECK(own->has_handles && !own->has_borrow);
    struct ctype_member borrowed[] = {member(NULL, make(CTYPE_BORROW, NULL, 0, 7))};
    const struct ctype *tuple = make(CTYPE_TUPLE, borrowed, 1, 0);
    CHECK(tuple->has_handles && tuple->has_borrow);
    check_text(tuple, "tuple<borrow<7>>");
    const struct ctype *stream = make(CTYPE_STREAM, element, 1, 0);
    check_shape(stream, 4, 4, "i");
    CHECK(stream->has_async && !stream->has_pointers);
    arena_free(&arena);
}

TEST(refuses_what_is_too_large_or_too_deep)
{
    arena_init(&arena, &alloc_root);
    struct ctype_member byte[] = {member(NULL, PRIM(U8))};
    CHECK_INT(try_make(CTYPE_LIST_FIXED, byte, 1, 1 << 28), STINT_INVALID);
    CHECK_STR(error.message, "type exceeds maximum byte size of 268435455");
    struct ctype_member two[2] = {member(NULL, make(CTYPE_LIST_FIXED, byte, 1, CTYPE_SIZE_MAX)),
                                  member(NULL, PRIM(U8))};
    CHECK_INT(try_make(CTYPE_TUPLE, two, 2, 0), STINT_INVALID);

    struct ctype_member inner[] = {member(NULL, PRIM(U8))};
    for (int depth = 1; depth < CTYPE_DEPTH_MAX; depth++)
        inner[0].type = make(CTYPE_LIST, inner, 1, 0);
    CHECK_INT(try_make(CTYPE_LIST, inner, 1, 0), STINT_INVALID);
    arena_free(&arena);
}

TEST(texts_of_types_end)
{
    char text[64];
    arena_init(&arena, &alloc_root);
    /* Types that share parts are exponentially larger written out. */
    const struct ctype *type = PRIM(U8);
    for (int i = 0; i < 60; i++) {
        struct ctype_member sides[] = {member(NULL, type), member(NULL, type)};
        type = make(CTYPE_RESULT, sides, 2, 0);
    }
    CHECK(strlen(ctype_format(type, text, sizeof(text))) < sizeof(text));
    arena_free(&arena);
}

TEST(core_signatures)
{
    arena_init(&arena, &alloc_root);
    struct ctype_member params[17];
    struct ctype_flat flat;
    for (int i = 0; i < 17; i++)
        params[i] = member("p", PRIM(F64));
    struct ctype_func func = {.param_count = 16, .params = params, .result = PRIM(STRING)};
    ctype_flatten(&func, false, &flat);
    CHECK_INT(flat.param_count, 16);
    CHECK(!flat.params_in_memory && flat.result_in_memory);
    CHECK_INT(flat.result_count, 1);
    CHECK_INT(flat.results[0], VT_I32);
    ctype_flatten(&func, true, &flat);
    CHECK_INT(flat.param_count, 17);
    CHECK_INT(flat.params[16], VT_I32);
    CHECK_INT(flat.result_count, 0);

    func.param_count = 17;
    func.result = PRIM(F32);
    ctype_flatten(&func, true, &flat);
    CHECK(flat.params_in_memory && !flat.result_in_memory);
    CHECK_INT(flat.param_count, 1);
    CHECK_INT(flat.params[0], VT_I32);
    CHECK_INT(flat.results[0], VT_F32);

    func = (struct ctype_func){0};
    ctype_flatten(&func, true, &flat);
    CHECK_INT(flat.param_count + flat.result_count, 0);
    arena_free(&arena);
}

TEST(memory_runs_out)
{
    struct alloc alloc;
    struct ctype_member some[] = {member(NULL, PRIM(U16))};
    const struct ctype *type = NULL;
    struct ctype draft = {.kind = CTYPE_OPTION, .member_count = 1, .members = some};
    alloc_init(&alloc, NULL, NULL, 16);
    arena_init(&arena, &alloc);
    CHECK_INT(ctype_make(&arena, &draft, &type, NULL), STINT_NOMEM);
    CHECK(type == NULL);
    arena_free(&arena);
}

CHECK_MAIN
