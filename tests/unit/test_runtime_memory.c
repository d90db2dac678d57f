/* SPDX-License-Identifier: Apache-2.0 */
/* Memories and tables on their own. */
#include "runtime_stub.h"
#include "wasm/limits.h"

static struct memory_type memory_type(uint64_t min, uint64_t max, bool is_64)
{
    return (struct memory_type){
        .limits = {.min = min, .max = max, .has_max = max != UINT64_MAX, .is_64 = is_64}};
}

static struct memory *make_memory(struct world *w, uint64_t min, uint64_t max, bool is_64)
{
    struct memory_type type = memory_type(min, max, is_64);
    struct memory *memory = NULL;
    error_clear(&w->error);
    return rt_memory_create(w->store, &type, &memory, &w->error) == STINT_OK ? memory : NULL;
}

TEST(memories_grow_up_to_their_maximum)
{
    struct world w;
    REQUIRE(world_open(&w, NULL, NULL));
    struct memory *memory = make_memory(&w, 1, 3, false);
    REQUIRE(memory != NULL);
    uint8_t *base = memory->base;
    base[65535] = 9;
    CHECK_INT(memory_grow(memory, 0), 1);
    CHECK_INT(memory_grow(memory, 3), UINT64_MAX);
    CHECK_INT(memory_grow(memory, UINT64_MAX), UINT64_MAX);
    CHECK_INT(memory_grow(memory, 2), 1);
    CHECK_INT(memory_grow(memory, 1), UINT64_MAX);
    CHECK_INT(memory_grow(memory, 0), 3);
    CHECK(memory->base == base);
    CHECK_INT(base[65535], 9);
    CHECK_INT(base[3 * 65536 - 1], 0);
    CHECK_INT(atomic_load(&w.store->alloc.used_bytes) >= 3 * 65536, 1);
    world_close(&w);
}

TEST(huge_maxima_cost_nothing)
{
    struct world w;
    REQUIRE(world_open(&w, NULL, NULL));
    CHECK(make_memory(&w, 0, UINT64_MAX, false) != NULL);
    CHECK(make_memory(&w, 0, 65536, false) != NULL);
    struct memory *wide = make_memory(&w, 1, UINT64_C(1) << 48, true);
    REQUIRE(wide != NULL);
    CHECK_INT(memory_grow(wide, UINT64_C(1) << 48), UINT64_MAX);
    CHECK_INT(memory_grow(wide, (UINT64_C(1) << 48) - 1), UINT64_MAX);
    CHECK_INT(memory_grow(wide, 1), 1);
    CHECK(make_memory(&w, 0, UINT64_MAX, true) != NULL);
    world_close(&w);
}

TEST(impossible_minima_are_refused)
{
    struct world w;
    REQUIRE(world_open(&w, NULL, NULL));
    CHECK(make_memory(&w, UINT64_C(1) << 48, UINT64_C(1) << 48, true) == NULL);
    CHECK_INT(w.error.status, STINT_NOMEM);
    CHECK(make_memory(&w, (UINT64_C(1) << 48) - 1, UINT64_MAX, true) == NULL);
    CHECK(make_memory(&w, UINT64_C(1) << 40, UINT64_MAX, true) == NULL);
    CHECK(make_memory(&w, 65537, UINT64_MAX, false) == NULL);
    CHECK_INT(w.error.status, STINT_ARGUMENT);
    CHECK(make_memory(&w, 1000000, UINT64_MAX, false) == NULL);
    world_close(&w);
}

TEST(the_limit_of_the_store_holds)
{
    struct world w;
    struct store_limits limits = store_limits_default();
    limits.memory_bytes_max = 3 * 65536 + 5;
    REQUIRE(world_open(&w, NULL, &limits));
    CHECK(make_memory(&w, 4, 10, false) == NULL);
    CHECK_INT(w.error.status, STINT_LIMIT);
    CHECK_STR(w.error.message, "a memory of 4 pages is over the limit of 196613 bytes");
    struct memory *memory = make_memory(&w, 1, 10, false);
    REQUIRE(memory != NULL);
    CHECK_INT(memory_grow(memory, 3), UINT64_MAX);
    CHECK_INT(memory_grow(memory, 2), 1);
    world_close(&w);
}

TEST(the_budget_is_charged_for_what_is_committed)
{
    struct world w;
    struct store_limits limits = store_limits_default();
    limits.budget_bytes = 300000;
    REQUIRE(world_open(&w, NULL, &limits));
    struct memory *memory = make_memory(&w, 1, UINT64_MAX, false);
    REQUIRE(memory != NULL);
    CHECK_INT(memory_grow(memory, 4), UINT64_MAX);
    CHECK_INT(memory->bytes, 65536);
    CHECK_INT(memory_grow(memory, 3), 1);
    CHECK(make_memory(&w, 1, UINT64_MAX, false) == NULL);
    CHECK_INT(w.error.status, STINT_NOMEM);
    world_close(&w);
}

TEST(little_address_space_is_made_do_with)
{
    struct world w;
    struct memory *memories[64];
    int made = 0;
    REQUIRE(world_open(&w, NULL, NULL));
    /* The space of 16,000 full reservations is there, of 64 certainly: take it away by asking for
     * large 64-bit memories first. */
    struct store_limits *limits = &w.store->limits;
    limits->memory_bytes_max = UINT64_C(1) << 46;
    for (; made < 64; made++) {
        memories[made] = make_memory(&w, 1, UINT64_MAX, made % 2 == 0);
        if (memories[made] == NULL)
            break;
        CHECK(memory_grow(memories[made], 1) == 1);
        memories[made]->base[2 * 65536 - 1] = 1;
    }
    CHECK_INT(made, 64);
    world_close(&w);
}

TEST(fill_and_copy_check_first)
{
    struct world w;
    REQUIRE(world_open(&w, NULL, NULL));
    struct memory *a = make_memory(&w, 1, 1, false), *b = make_memory(&w, 0, 1, false);
    REQUIRE(a != NULL && b != NULL);
    CHECK_INT(op_memory_fill(a, 65530, 7, 6), STINT_TRAP_NONE);
    CHECK_INT(op_memory_fill(a, 65530, 8, 7), STINT_TRAP_MEMORY_BOUNDS);
    CHECK_INT(a->base[65530], 7);
    CHECK_INT(op_memory_fill(a, 65536, 8, 0), STINT_TRAP_NONE);
    CHECK_INT(op_memory_fill(a, 65537, 8, 0), STINT_TRAP_MEMORY_BOUNDS);
    CHECK_INT(op_memory_fill(a, UINT64_MAX, 8, 2), STINT_TRAP_MEMORY_BOUNDS);
    for (int i = 0; i < 10; i++)
        a->base[i] = (uint8_t)i;
    CHECK_INT(op_memory_copy(a, 2, a, 0, 8), STINT_TRAP_NONE);
    CHECK_MEM(a->base, "\0\1\0\1\2\3\4\5\6\7", 10);
    CHECK_INT(op_memory_copy(a, 0, a, 2, 8), STINT_TRAP_NONE);
    CHECK_MEM(a->base, "\0\1\2\3\4\5\6\7\6\7", 10);
    CHECK_INT(op_memory_copy(b, 0, a, 0, 0), STINT_TRAP_NONE);
    CHECK_INT(op_memory_copy(b, 0, a, 0, 1), STINT_TRAP_MEMORY_BOUNDS);
    CHECK_INT(op_memory_copy(a, 65535, a, 0, 2), STINT_TRAP_MEMORY_BOUNDS);
    CHECK_INT(op_memory_copy(a, 0, a, 65535, 2), STINT_TRAP_MEMORY_BOUNDS);
    CHECK_INT(op_memory_copy(a, 0, a, 65536, 0), STINT_TRAP_NONE);
    world_close(&w);
}

static struct table *make_table(struct world *w, uint64_t min, uint64_t max, uint64_t init)
{
    struct table_type type = {.element = VT_FUNCREF,
                              .limits = {.min = min, .max = max, .has_max = max != UINT64_MAX}};
    struct table *table = NULL;
    error_clear(&w->error);
    return rt_table_create(w->store, &type, init, &table, &w->error) == STINT_OK ? table : NULL;
}

TEST(tables_grow_and_keep_their_elements)
{
    struct world w;
    REQUIRE(world_open(&w, NULL, NULL));
    struct table *table = make_table(&w, 0, UINT64_MAX, 0);
    REQUIRE(table != NULL);
    uint64_t value = 0;
    CHECK_INT(op_table_get(table, 0, &value), STINT_TRAP_TABLE_BOUNDS);
    CHECK_INT(op_table_fill(table, 0, 1, 0), STINT_TRAP_NONE);
    for (uint64_t i = 0; i < 5000; i++)
        CHECK_INT(table_grow(table, 1, i + 1), i);
    CHECK_INT(table_grow(table, 0, 0), 5000);
    for (uint64_t i = 0; i < 5000; i += 499) {
        CHECK_INT(op_table_get(table, i, &value), STINT_TRAP_NONE);
        CHECK_INT(value, i + 1);
    }
    CHECK_INT(table_grow(table, LIMIT_TABLE_ELEMENTS, 0), UINT64_MAX);
    CHECK_INT(table_grow(table, UINT64_MAX, 0), UINT64_MAX);
    CHECK_INT(table_grow(table, LIMIT_TABLE_ELEMENTS - 5000, 0), 5000);
    CHECK_INT(op_table_set(table, LIMIT_TABLE_ELEMENTS - 1, 3), STINT_TRAP_NONE);
    CHECK_INT(op_table_set(table, LIMIT_TABLE_ELEMENTS, 3), STINT_TRAP_TABLE_BOUNDS);
    world_close(&w);
}

TEST(tables_are_limited)
{
    struct world w;
    struct store_limits limits = store_limits_default();
    limits.table_elements_max = 100;
    REQUIRE(world_open(&w, NULL, &limits));
    CHECK(make_table(&w, 101, UINT64_MAX, 0) == NULL);
    CHECK_INT(w.error.status, STINT_LIMIT);
    CHECK_STR(w.error.message, "a table of 101 elements is over the limit of 100");
    CHECK(make_table(&w, 11, 10, 0) == NULL);
    CHECK_INT(w.error.status, STINT_ARGUMENT);
    struct table *table = make_table(&w, 10, 20, 5);
    REQUIRE(table != NULL);
    CHECK_INT(table->elements[9], 5);
    CHECK_INT(table_grow(table, 11, 0), UINT64_MAX);
    CHECK_INT(table_grow(table, 10, 6), 10);
    CHECK_INT(table->elements[19], 6);
    world_close(&w);
}

TEST(tables_copy_and_fill)
{
    struct world w;
    REQUIRE(world_open(&w, NULL, NULL));
    struct table *a = make_table(&w, 10, 10, 0), *b = make_table(&w, 0, 10, 0);
    REQUIRE(a != NULL && b != NULL);
    for (uint64_t i = 0; i < 10; i++)
        CHECK_INT(op_table_set(a, i, i), STINT_TRAP_NONE);
    CHECK_INT(op_table_copy(a, 1, a, 0, 9), STINT_TRAP_NONE);
    CHECK_INT(a->elements[9], 8);
    CHECK_INT(a->elements[1], 0);
    CHECK_INT(op_table_copy(a, 2, a, 0, 9), STINT_TRAP_TABLE_BOUNDS);
    CHECK_INT(op_table_copy(b, 0, a, 10, 0), STINT_TRAP_NONE);
    CHECK_INT(op_table_copy(b, 0, a, 0, 1), STINT_TRAP_TABLE_BOUNDS);
    CHECK_INT(op_table_fill(a, 8, 77, 2), STINT_TRAP_NONE);
    CHECK_INT(op_table_fill(a, 8, 78, 3), STINT_TRAP_TABLE_BOUNDS);
    CHECK_INT(a->elements[9], 77);
    world_close(&w);
}

TEST(indirect_calls_find_their_function)
{
    struct world w;
    struct stint_instance *instance = NULL;
    struct func *func = NULL;
    REQUIRE(world_open(&w, NULL, NULL));
    REQUIRE(world_instantiate(&w,
                              "(module (type $a (sub (func))) (type $b (sub $a (func)))"
                              "(type $c (func (param i32))) (table 4 funcref)"
                              "(elem (i32.const 0) $fa $fb $fc) (func $fa (type $a))"
                              "(func $fb (type $b)) (func $fc (type $c)))",
                              NULL, &instance) == STINT_OK);
    struct table *table = instance->tables[0];
    const struct type_def *const *types = instance->module->wasm->types;
    CHECK_INT(op_table_func(table, 0, types[0], &func), STINT_TRAP_NONE);
    CHECK(func == instance_func(instance, 0));
    CHECK_INT(op_table_func(table, 1, types[0], &func), STINT_TRAP_NONE);
    CHECK(func == instance_func(instance, 1));
    CHECK_INT(op_table_func(table, 0, types[1], &func), STINT_TRAP_INDIRECT_TYPE);
    CHECK_INT(op_table_func(table, 2, types[0], &func), STINT_TRAP_INDIRECT_TYPE);
    CHECK_INT(op_table_func(table, 3, types[0], &func), STINT_TRAP_INDIRECT_NULL);
    CHECK_INT(op_table_func(table, 4, types[0], &func), STINT_TRAP_INDIRECT_BOUNDS);
    CHECK_INT(op_table_func(table, UINT64_MAX, types[0], &func), STINT_TRAP_INDIRECT_BOUNDS);
    world_close(&w);
}

CHECK_MAIN
