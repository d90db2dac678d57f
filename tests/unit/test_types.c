/* SPDX-License-Identifier: Apache-2.0 */
#include "wasm/types.h"

#include <threads.h>

#include "check.h"
#include "wasm/limits.h"

#define MEMBER_REF(k) VT_MAKE_REF_NULL(HEAP_MEMBER + (k))

static struct alloc root;
static struct type_registry *types;

static void begin(void)
{
    alloc_init(&root, NULL, NULL, SIZE_MAX);
    CHECK(types_create(&root, &types) == STINT_OK);
}

static void end(void)
{
    types_free(types);
    CHECK_INT(atomic_load(&root.used_bytes), 0);
}

static struct type_draft struct_of(const struct field_type *fields, uint32_t count)
{
    return (struct type_draft){
        .kind = TYPE_STRUCT, .super = HEAP_BOT, .field_count = count, .fields = fields};
}

static uint32_t add(const struct type_draft *drafts, uint32_t count)
{
    uint32_t id = UINT32_MAX;
    struct stint_error error = {0};
    CHECK(types_add_group(types, drafts, count, &id, &error) == STINT_OK);
    return id;
}

TEST(equal_functions_are_one)
{
    static const valtype two[] = {VT_I32, VT_I64};
    uint32_t a, b, c;
    begin();
    CHECK(types_add_func(types, two, 2, two, 1, &a) == STINT_OK);
    CHECK(types_add_func(types, two, 1, two, 2, &b) == STINT_OK);
    CHECK(types_add_func(types, two, 2, two, 1, &c) == STINT_OK);
    CHECK_INT(a, c);
    CHECK(a != b);
    const struct type_def *def = types_get(types, a);
    CHECK_INT(def->id, a);
    CHECK_INT(def->kind, TYPE_FUNC);
    CHECK_INT(def->param_count, 2);
    CHECK_INT(def->params[1], VT_I64);
    CHECK_INT(def->results[0], VT_I32);
    CHECK_INT(def->super, TYPE_ID_NONE);
    end();
}

TEST(slots_count_vectors_twice)
{
    static const valtype values[] = {VT_V128, VT_I32, VT_V128};
    uint32_t id;
    begin();
    CHECK(types_add_func(types, values, 3, values, 2, &id) == STINT_OK);
    CHECK_INT(types_get(types, id)->param_slots, 5);
    CHECK_INT(types_get(types, id)->result_slots, 3);
    end();
}

/* Two types that refer to each other, and the same two in the other order. */
TEST(groups_are_equal_by_position)
{
    const struct field_type to_1 = {.type = MEMBER_REF(1)}, to_0 = {.type = MEMBER_REF(0)};
    const struct field_type to_1_mutable = {.type = MEMBER_REF(1), .is_mutable = true};
    struct type_draft pair[2] = {struct_of(&to_1, 1), struct_of(&to_0, 1)};
    struct type_draft other[2] = {struct_of(&to_1_mutable, 1), struct_of(&to_0, 1)};
    begin();
    uint32_t a = add(pair, 2), b = add(other, 2), c = add(pair, 2);
    CHECK_INT(a, c);
    CHECK(a != b);
    CHECK_INT(types_get(types, a)->fields[0].type, VT_MAKE_REF_NULL(a + 1));
    CHECK_INT(types_get(types, a + 1)->fields[0].type, VT_MAKE_REF_NULL(a));
    /* The second member alone, naming the group's first by its id, is another type. */
    const struct field_type by_id = {.type = VT_MAKE_REF_NULL(a)};
    struct type_draft alone = struct_of(&by_id, 1);
    CHECK(add(&alone, 1) != a + 1);
    /* A group that names another's member by id does not equal the group that has it. */
    struct type_draft named[2] = {struct_of(&to_1, 1), struct_of(&by_id, 1)};
    CHECK(add(named, 2) != a);
    end();
}

TEST(objects_are_laid_out)
{
    static const valtype none[1];
    uint32_t func;
    begin();
    CHECK(types_add_func(types, none, 0, none, 0, &func) == STINT_OK);
    const struct field_type fields[] = {
        {.type = VT_I8},     {.type = VT_I16},        {.type = VT_I8},
        {.type = VT_ANYREF}, {.type = VT_I64},        {.type = VT_FUNCREF},
        {.type = VT_V128},   {.type = VT_F32},        {.type = VT_MAKE_REF_NULL(func)},
        {.type = VT_EXNREF}, {.type = MEMBER_REF(0)},
    };
    static const uint32_t offsets[] = {8, 10, 12, 16, 24, 32, 40, 56, 64, 72, 76};
    static const uint8_t logs[] = {0, 1, 0, 2, 3, 3, 4, 2, 3, 2, 2};
    static const bool traced[] = {0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1};
    struct type_draft draft = struct_of(fields, COUNT_OF(fields));
    const struct type_def *def = types_get(types, add(&draft, 1));
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        CHECK_INT(def->fields[i].offset_bytes, offsets[i]);
        CHECK_INT(def->fields[i].log2_bytes, logs[i]);
        CHECK_INT(def->fields[i].is_traced, traced[i]);
    }
    CHECK_INT(def->object_bytes, 80);
    struct type_draft array = struct_of(fields + 1, 1);
    array.kind = TYPE_ARRAY;
    def = types_get(types, add(&array, 1));
    CHECK_INT(def->fields[0].log2_bytes, 1);
    CHECK_INT(def->fields[0].offset_bytes, 0);
    struct type_draft empty = struct_of(NULL, 0);
    CHECK_INT(types_get(types, add(&empty, 1))->object_bytes, 8);
    end();
}

TEST(supertypes)
{
    const struct field_type two[] = {{.type = VT_ANYREF}, {.type = VT_I32, .is_mutable = true}};
    const struct field_type narrower[] = {{.type = VT_MAKE_REF_NULL(HEAP_EQ)},
                                          {.type = VT_I32, .is_mutable = true}};
    const struct field_type changed[] = {{.type = VT_ANYREF}, {.type = VT_I64, .is_mutable = true}};
    struct type_draft drafts[4] = {struct_of(two, 1), struct_of(two, 2), struct_of(narrower, 2),
                                   struct_of(two, 2)};
    begin();
    drafts[1].super = HEAP_MEMBER;
    drafts[2].super = HEAP_MEMBER + 1;
    drafts[3].super = HEAP_MEMBER;
    drafts[3].is_final = true;
    uint32_t first = add(drafts, 4);
    CHECK_INT(types_get(types, first + 2)->depth, 2);
    CHECK_INT(types_get(types, first + 2)->super, first + 1);
    CHECK_INT(types_get(types, first + 2)->display[0], first);
    CHECK(types_id_matches(types, first + 2, first));
    CHECK(types_id_matches(types, first + 2, first + 1));
    CHECK(types_id_matches(types, first + 2, first + 2));
    CHECK(!types_id_matches(types, first + 1, first + 2));
    CHECK(!types_id_matches(types, first + 3, first + 1));
    CHECK(types_id_matches(types, first + 3, first));

    /* Fewer fields, a changed one, a final super type, one that comes later. */
    struct stint_error error = {0};
    size_t used = atomic_load(&root.used_bytes);
    uint32_t untouched = 77;
    struct type_draft bad = struct_of(two, 0);
    bad.super = first;
    CHECK(types_add_group(types, &bad, 1, &untouched, &error) == STINT_INVALID);
    CHECK(strncmp(error.message, "sub type does not match", 23) == 0);
    bad = struct_of(changed, 2);
    bad.super = first + 1;
    CHECK(types_add_group(types, &bad, 1, &untouched, NULL) == STINT_INVALID);
    bad = struct_of(two, 2);
    bad.super = first + 3;
    CHECK(types_add_group(types, &bad, 1, &untouched, NULL) == STINT_INVALID);
    bad.super = HEAP_MEMBER;
    CHECK(types_add_group(types, &bad, 1, &untouched, NULL) == STINT_INVALID);
    CHECK_INT(untouched, 77);
    CHECK_INT(atomic_load(&root.used_bytes), used);
    end();
}

TEST(depth_is_limited)
{
    struct type_draft draft = struct_of(NULL, 0);
    uint32_t id = 0;
    begin();
    for (int depth = 0; depth <= LIMIT_SUBTYPE_DEPTH; depth++) {
        draft.super = depth == 0 ? (heaptype)HEAP_BOT : id;
        id = add(&draft, 1);
    }
    CHECK_INT(types_get(types, id)->depth, LIMIT_SUBTYPE_DEPTH);
    draft.super = id;
    CHECK(types_add_group(types, &draft, 1, &id, NULL) == STINT_LIMIT);
    end();
}

TEST(heap_types)
{
    static const heaptype abstract[] = {HEAP_ANY,    HEAP_EQ,       HEAP_I31,  HEAP_STRUCT,
                                        HEAP_ARRAY,  HEAP_NONE,     HEAP_FUNC, HEAP_NOFUNC,
                                        HEAP_EXTERN, HEAP_NOEXTERN, HEAP_EXN,  HEAP_NOEXN};
    /* Row: sub; column: super; in the order above. */
    static const char *const wanted[] = {"100000000000", "110000000000", "111000000000",
                                         "110100000000", "110010000000", "111111000000",
                                         "000000100000", "000000110000", "000000001000",
                                         "000000001100", "000000000010", "000000000011"};
    const struct field_type field = {.type = VT_I32};
    static const valtype none[1];
    uint32_t func;
    begin();
    for (size_t i = 0; i < COUNT_OF(abstract); i++) {
        for (size_t k = 0; k < COUNT_OF(abstract); k++)
            CHECK_INT(types_heap_matches(types, abstract[i], abstract[k]), wanted[i][k] == '1');
        CHECK(types_heap_matches(types, HEAP_BOT, abstract[i]));
        CHECK(!types_heap_matches(types, abstract[i], HEAP_BOT));
    }
    struct type_draft draft = struct_of(&field, 1);
    uint32_t structure = add(&draft, 1);
    draft.kind = TYPE_ARRAY;
    uint32_t array = add(&draft, 1);
    CHECK(types_add_func(types, none, 0, none, 0, &func) == STINT_OK);
    CHECK(types_heap_matches(types, structure, HEAP_STRUCT));
    CHECK(types_heap_matches(types, structure, HEAP_EQ));
    CHECK(types_heap_matches(types, structure, HEAP_ANY));
    CHECK(!types_heap_matches(types, structure, HEAP_ARRAY));
    CHECK(types_heap_matches(types, array, HEAP_ARRAY));
    CHECK(types_heap_matches(types, func, HEAP_FUNC));
    CHECK(!types_heap_matches(types, func, HEAP_ANY));
    CHECK(types_heap_matches(types, HEAP_NONE, structure));
    CHECK(types_heap_matches(types, HEAP_NOFUNC, func));
    CHECK(!types_heap_matches(types, HEAP_NONE, func));
    CHECK(!types_heap_matches(types, HEAP_STRUCT, structure));
    CHECK_INT(types_heap_top(types, array), HEAP_ANY);
    CHECK_INT(types_heap_top(types, func), HEAP_FUNC);
    CHECK_INT(types_heap_top(types, HEAP_NOEXN), HEAP_EXN);
    end();
}

TEST(value_types)
{
    begin();
    CHECK(types_matches(types, VT_BOT, VT_I32));
    CHECK(types_matches(types, VT_MAKE_REF(HEAP_FUNC), VT_FUNCREF));
    CHECK(!types_matches(types, VT_FUNCREF, VT_MAKE_REF(HEAP_FUNC)));
    CHECK(!types_matches(types, VT_I32, VT_I64));
    CHECK(!types_matches(types, VT_I32, VT_ANYREF));
    CHECK(!types_matches(types, VT_I8, VT_I16));
    end();
}

TEST(text)
{
    char text[32];
    CHECK_STR(valtype_format(VT_I32, text, sizeof(text)), "i32");
    CHECK_STR(valtype_format(VT_FUNCREF, text, sizeof(text)), "funcref");
    CHECK_STR(valtype_format(VT_MAKE_REF(HEAP_I31), text, sizeof(text)), "(ref i31)");
    CHECK_STR(valtype_format(VT_MAKE_REF_NULL(5), text, sizeof(text)), "(ref null 5)");
    CHECK_STR(valtype_format(VT_MAKE_REF(HEAP_NOEXTERN), text, 8), "(ref no");
}

/* Ids beyond the first chunks, and definitions that stay where they are. */
TEST(many_types)
{
    enum { COUNT = 5000 };
    valtype params[16];
    begin();
    const struct type_def *first = NULL;
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t id = 0;
        for (unsigned bit = 0; bit < 16; bit++)
            params[bit] = (i >> bit & 1) != 0 ? VT_I64 : VT_I32;
        CHECK(types_add_func(types, params, 16, NULL, 0, &id) == STINT_OK);
        CHECK_INT(id, i);
        if (i == 0)
            first = types_get(types, id);
    }
    CHECK(first == types_get(types, 0));
    CHECK_INT(types_get(types, COUNT - 1)->params[0], ((COUNT - 1) & 1) != 0 ? VT_I64 : VT_I32);
    end();
}

static int add_many(void *context)
{
    uint32_t *ids = context;
    valtype params[8];
    for (uint32_t i = 0; i < 256; i++) {
        for (unsigned bit = 0; bit < 8; bit++)
            params[bit] = (i >> bit & 1) != 0 ? VT_F64 : VT_F32;
        if (types_add_func(types, params, 8, params, 1, &ids[i]) != STINT_OK)
            return 1;
    }
    return 0;
}

TEST(threads_get_the_same_ids)
{
    static uint32_t ids[4][256];
    thrd_t threads[4];
    begin();
    for (int i = 0; i < 4; i++)
        CHECK(thrd_create(&threads[i], add_many, ids[i]) == thrd_success);
    for (int i = 0; i < 4; i++) {
        int result = 1;
        CHECK(thrd_join(threads[i], &result) == thrd_success);
        CHECK_INT(result, 0);
        CHECK_MEM(ids[i], ids[0], sizeof(ids[0]));
    }
    end();
}

TEST(memory_runs_out)
{
    const struct field_type field = {.type = MEMBER_REF(1)};
    struct type_draft drafts[2] = {struct_of(&field, 1), struct_of(&field, 1)};
    for (size_t at = 1; at < 20; at++) {
        uint32_t id = 77;
        alloc_init(&root, NULL, NULL, SIZE_MAX);
        atomic_store(&root.fail_at, at);
        enum stint_status status = types_create(&root, &types);
        if (status == STINT_OK) {
            status = types_add_group(types, drafts, 2, &id, NULL);
            CHECK((status == STINT_OK) == (id == 0));
            end();
        }
        if (status == STINT_OK)
            return;
        CHECK_INT(status, STINT_NOMEM);
    }
    CHECK(false);
}

CHECK_MAIN
