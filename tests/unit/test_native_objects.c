/* SPDX-License-Identifier: Apache-2.0 */
/* The helpers of machine code for objects, exceptions, memories and tables. */
#include "runtime/native_entry.h"
#include "runtime/native_ops.h"
#include "runtime_stub.h"

enum { NODE, REFS, BYTES, MIXED };

static const char objects_module[] =
    "(module"
    "(type $node (sub (struct (field (mut i32)) (field (mut (ref null $node))))))"
    "(type $refs (array (mut (ref null any))))"
    "(type $bytes (array (mut i8)))"
    "(type $mixed (struct (field i64) (field (mut (ref null $node))) (field v128)"
    "  (field (mut (ref null $node))) (field funcref)))"
    "(tag $t (param i32 v128 (ref null $node) funcref (ref null $node)))"
    "(tag $other (param i32))"
    "(memory $m 300)"
    "(table $table 8 (ref null $node))"
    "(elem $e (ref null $node) (struct.new $node (i32.const 8) (ref.null $node)) (ref.null $node))"
    "(data $d \"abcdefgh\"))";

struct native_world {
    struct world w;
    struct stint_instance *instance;
    struct native_run *run;
    struct native_activation activation;
    uint64_t *bottom; /* of the shadow stack */
};

static bool open_native(struct native_world *n, bool stress, uint64_t heap_bytes)
{
    struct engine_config config = engine_config_default();
    struct store_limits limits = store_limits_default();
    config.gc_stress = stress;
    config.is_metered = true;
    limits.gc_heap_bytes_max = heap_bytes;
    memset(n, 0, sizeof(*n));
    if (!CHECK(world_open(&n->w, &config, &limits)) ||
        !CHECK(stub_exec_create(n->w.store, &n->w.store->exec) == STINT_OK) ||
        !CHECK(native_prepare_store(n->w.store)) ||
        !CHECK(world_instantiate(&n->w, objects_module, NULL, &n->instance) == STINT_OK))
        return false;
    n->run = n->instance->run = n->w.store->run;
    n->run->fuel = 1 << 30;
    n->run->state->top = &n->activation;
    n->bottom = n->run->shadow_top;
    return CHECK(native_prepare_objects(n->instance)) && CHECK(n->run->gc != NULL);
}

static void close_native(struct native_world *n)
{
    CHECK(n->run->shadow_top == n->bottom);
    n->run->state->top = NULL;
    world_close(&n->w);
}

/* A new node, kept alive on the shadow stack, where it can be read again. */
static uint64_t *push_node(struct native_world *n, uint32_t value, uint64_t next)
{
    uint64_t slots[2] = {value, next};
    CHECK_INT(native_struct_new(n->instance, NODE, slots), NATIVE_OK);
    *n->run->shadow_top = slots[0];
    return n->run->shadow_top++;
}

static uint32_t node_value(struct native_world *n, uint64_t ref)
{
    uint64_t value = 0;
    CHECK_INT(op_struct_get(n->instance, n->instance->types[NODE], 0, false, ref, &value),
              STINT_TRAP_NONE);
    return (uint32_t)value;
}

static void check_trap(struct native_world *n, enum native_result result, enum stint_trap trap)
{
    CHECK_INT(result, NATIVE_EXIT);
    CHECK_INT(n->activation.status, STINT_TRAP);
    CHECK_INT(n->activation.trap, trap);
    n->activation.status = STINT_OK;
    n->activation.trap = STINT_TRAP_NONE;
}

TEST(values_survive_the_collection_that_their_object_needs)
{
    for (int stress = 0; stress < 2; stress++) {
        struct native_world n;
        uint64_t value[2] = {0};
        REQUIRE(open_native(&n, stress != 0, 1 << 30));
        uint64_t *one = push_node(&n, 1, 0), *two = push_node(&n, 2, *one);
        uint64_t mixed[6] = {UINT64_C(0xdeadbeef00000011), *one, 5, 6, *two, 0};
        CHECK_INT(native_struct_new(n.instance, MIXED, mixed), NATIVE_OK);
        const struct type_def *type = n.instance->types[MIXED];
        CHECK_INT(op_struct_get(n.instance, type, 1, false, mixed[0], value), STINT_TRAP_NONE);
        CHECK_INT(value[0], *one);
        CHECK_INT(op_struct_get(n.instance, type, 2, false, mixed[0], value), STINT_TRAP_NONE);
        CHECK(value[0] == 5 && value[1] == 6);
        CHECK_INT(op_struct_get(n.instance, type, 3, false, mixed[0], value), STINT_TRAP_NONE);
        CHECK_INT(value[0], *two);

        uint64_t refs[3] = {*two, 9 << 1 | 1, *one};
        CHECK_INT(native_array_new_fixed(n.instance, REFS, 3, refs), NATIVE_OK);
        *n.run->shadow_top++ = refs[0];
        uint64_t filled[2] = {*one};
        CHECK_INT(native_array_new(n.instance, REFS, 700, filled), NATIVE_OK);
        const struct type_def *array = n.instance->types[REFS];
        CHECK_INT(op_array_get(n.instance, array, false, filled[0], 699, value), STINT_TRAP_NONE);
        CHECK_INT(node_value(&n, value[0]), 1);
        CHECK_INT(op_array_get(n.instance, array, false, n.run->shadow_top[-1], 0, value),
                  STINT_TRAP_NONE);
        CHECK_INT(node_value(&n, value[0]), 2);
        n.run->shadow_top = n.bottom;
        close_native(&n);
    }
}

TEST(exceptions_carry_what_was_thrown)
{
    for (int stress = 0; stress < 2; stress++) {
        struct native_world n;
        REQUIRE(open_native(&n, stress != 0, 1 << 30));
        uint64_t *one = push_node(&n, 1, 0), *two = push_node(&n, 2, 0);
        uint64_t thrown[6] = {7, 8, 9, *one, 0, *two}, caught[6] = {0};
        CHECK_INT(native_throw(n.instance, 0, thrown), NATIVE_PENDING);
        CHECK_INT(n.run->pending, NATIVE_PENDING_EXCEPTION);
        gc_collect(n.w.store->gc);
        CHECK_INT(native_catch_tag(n.instance, 1, caught), 0);
        CHECK_INT(native_catch_tag(n.instance, 0, caught), 1);
        CHECK(caught[0] == 7 && caught[1] == 8 && caught[2] == 9);
        CHECK(caught[3] == *one && caught[5] == *two);
        uint32_t exception = native_catch_take(n.instance);
        CHECK(exception != 0 && n.run->pending == NATIVE_PENDING_NONE && n.run->exception == 0);
        CHECK_INT(native_throw_ref(n.instance, exception), NATIVE_PENDING);
        CHECK_INT(native_catch_take(n.instance), exception);
        n.run->shadow_top = n.bottom;
        close_native(&n);
    }
}

TEST(references_are_tested_by_the_index_in_the_module)
{
    struct native_world n;
    REQUIRE(open_native(&n, false, 1 << 30));
    uint64_t node = *push_node(&n, 1, 0);
    CHECK_INT(native_ref_test(n.instance, node, NODE, 0), 1);
    CHECK_INT(native_ref_test(n.instance, node, MIXED, 0), 0);
    CHECK_INT(native_ref_test(n.instance, node, HEAP_STRUCT, 0), 1);
    CHECK_INT(native_ref_test(n.instance, node, HEAP_ARRAY, 1), 0);
    CHECK_INT(native_ref_test(n.instance, 0, NODE, 0), 0);
    CHECK_INT(native_ref_test(n.instance, 0, NODE, 1), 1);
    CHECK_INT(native_ref_test(n.instance, 5, HEAP_I31, 0), 1);
    n.run->shadow_top = n.bottom;
    close_native(&n);
}

TEST(what_is_missing_traps)
{
    struct native_world n;
    uint64_t slots[2] = {0};
    REQUIRE(open_native(&n, false, 1 << 20));
    check_trap(&n, native_array_new_default(n.instance, BYTES, 4 << 20, slots),
               STINT_TRAP_HEAP_EXHAUSTED);
    check_trap(&n, native_array_new(n.instance, REFS, 1 << 20, slots), STINT_TRAP_HEAP_EXHAUSTED);
    check_trap(&n, native_array_new_data(n.instance, BYTES, 0, 5, 4, slots),
               STINT_TRAP_MEMORY_BOUNDS);
    check_trap(&n, native_array_new_elem(n.instance, REFS, 0, 1, 2, slots),
               STINT_TRAP_TABLE_BOUNDS);
    check_trap(&n, native_array_fill(n.instance, REFS, 0, 0, slots, 1), STINT_TRAP_NULL_ARRAY);
    check_trap(&n, native_memory_fill(n.instance, 0, 300 << 16, 1, 1), STINT_TRAP_MEMORY_BOUNDS);
    check_trap(&n, native_memory_copy(n.instance, 0, 0, 0, UINT64_MAX, 2),
               STINT_TRAP_MEMORY_BOUNDS);
    check_trap(&n, native_memory_init(n.instance, 0, 0, 0, 8, 1), STINT_TRAP_MEMORY_BOUNDS);
    check_trap(&n, native_table_fill(n.instance, 0, 8, 0, 1), STINT_TRAP_TABLE_BOUNDS);
    check_trap(&n, native_table_copy(n.instance, 0, 0, 4, 0, 5), STINT_TRAP_TABLE_BOUNDS);
    native_elem_drop(n.instance, 0);
    check_trap(&n, native_table_init(n.instance, 0, 0, 0, 0, 1), STINT_TRAP_TABLE_BOUNDS);
    native_data_drop(n.instance, 0);
    check_trap(&n, native_memory_init(n.instance, 0, 0, 0, 0, 1), STINT_TRAP_MEMORY_BOUNDS);
    CHECK(native_memory_grow(n.instance, 0, 1 << 20) == UINT64_MAX);
    CHECK_INT(native_memory_grow(n.instance, 0, 1), 300);
    CHECK(native_table_grow(n.instance, 0, UINT64_MAX, 0) == UINT64_MAX);
    CHECK_INT(native_table_grow(n.instance, 0, 2, 0), 8);
    close_native(&n);
}

TEST(a_full_shadow_stack_traps)
{
    struct native_world n;
    REQUIRE(open_native(&n, true, 1 << 30));
    uint64_t *limit = n.run->shadow_limit, slots[3] = {3, 5, 7};
    n.run->shadow_limit = n.bottom + 2;
    check_trap(&n, native_array_new_fixed(n.instance, REFS, 3, slots), STINT_TRAP_STACK_OVERFLOW);
    CHECK(n.run->shadow_top == n.bottom);
    CHECK_INT(native_array_new_fixed(n.instance, REFS, 2, slots), NATIVE_OK);
    uint64_t thrown[6] = {0};
    n.run->shadow_limit = n.bottom + 1;
    check_trap(&n, native_throw(n.instance, 0, thrown), STINT_TRAP_STACK_OVERFLOW);
    CHECK(n.run->shadow_top == n.bottom);
    n.run->shadow_limit = limit;
    close_native(&n);
}

TEST(bulk_operations_charge_by_bytes)
{
    struct native_world n;
    REQUIRE(open_native(&n, false, 1 << 30));
    int64_t before = n.run->fuel;
    CHECK_INT(native_memory_fill(n.instance, 0, 0, 7, (9 << 20) + 63), NATIVE_OK);
    CHECK_INT(before - n.run->fuel, 9 << 14);
    before = n.run->fuel;
    CHECK_INT(native_memory_copy(n.instance, 0, 0, 64, 0, 64 * 5 + 1), NATIVE_OK);
    CHECK_INT(before - n.run->fuel, 5);
    CHECK_INT(native_table_copy(n.instance, 0, 0, 0, 0, 8), NATIVE_OK);
    CHECK_INT(before - n.run->fuel, 6);
    CHECK_INT(native_table_fill(n.instance, 0, 0, 0, 8), NATIVE_OK);
    CHECK_INT(before - n.run->fuel, 6);
    close_native(&n);
}

CHECK_MAIN
