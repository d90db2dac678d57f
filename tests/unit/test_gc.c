/* SPDX-License-Identifier: Apache-2.0 */
/* The collected heap and the operators on its objects. */
#include "runtime_stub.h"

/* Types of the module below, by index. */
enum { NODE, BYTES, REFS, FUNCS, MIXED, WIDE, SHORTS };

static const char types_module[] =
    "(module"
    "(type $node (sub (struct (field (mut i32)) (field (mut (ref null $node))))))"
    "(type $bytes (array (mut i8)))"
    "(type $refs (array (mut (ref null any))))"
    "(type $funcs (array (mut funcref)))"
    "(type $mixed (sub $node (struct (field (mut i32)) (field (mut (ref null $node)))"
    "  (field (mut i8)) (field (mut i16)) (field (mut i64)) (field (mut v128))"
    "  (field (mut funcref)) (field (mut externref)) (field f64))))"
    "(type $wide (array (mut v128)))"
    "(type $shorts (array (mut i16)))"
    "(tag $t (param i32 v128 anyref funcref))"
    "(table $table 4 anyref)"
    "(global $g (export \"g\") (ref null $node) (struct.new $node (i32.const 5)"
    "  (struct.new $node (i32.const 6) (ref.null $node))))"
    "(global $a (export \"a\") (ref $refs) (array.new_fixed $refs 3 (ref.i31 (i32.const 1))"
    "  (ref.null any) (struct.new_default $node)))"
    "(global $f (export \"f\") (ref $bytes) (array.new $bytes (i32.const 300) (i32.const 4)))"
    "(global $w (export \"w\") (ref $wide) (array.new_fixed $wide 2 (v128.const i64x2 1 2)"
    "  (v128.const i64x2 3 4)))"
    "(elem (ref null $node) (global.get $g) (struct.new $node (i32.const 8) (global.get $g)))"
    "(elem (table $table) (i32.const 1) (ref null any) (ref.i31 (i32.const 3)) (global.get $a))"
    "(elem funcref (ref.func $fn) (ref.null func))"
    "(data \"abcdefgh\") (func $fn))";

struct heap_world {
    struct world w;
    struct stint_instance *instance;
    const struct type_def *const *types;
    uint64_t slots[16]; /* roots */
};

static bool open_heap(struct heap_world *h, bool stress, uint64_t heap_bytes)
{
    struct engine_config config = engine_config_default();
    struct store_limits limits = store_limits_default();
    config.gc_stress = stress;
    limits.gc_heap_bytes_max = heap_bytes;
    memset(h, 0, sizeof(*h));
    if (!CHECK(world_open(&h->w, &config, &limits)) ||
        !CHECK(stub_exec_create(h->w.store, &h->w.store->exec) == STINT_OK))
        return false;
    h->w.store->exec->roots = h->slots;
    h->w.store->exec->root_count = COUNT_OF(h->slots);
    if (!CHECK(world_instantiate(&h->w, types_module, NULL, &h->instance) == STINT_OK)) {
        printf("    %s\n", h->w.error.message);
        return false;
    }
    h->types = h->instance->module->wasm->types;
    return true;
}

static void close_heap(struct heap_world *h)
{
    world_close(&h->w);
}

static uint64_t get(struct heap_world *h, unsigned type, uint32_t field, uint64_t ref)
{
    uint64_t value[2] = {0, 0};
    CHECK_INT(op_struct_get(h->instance, h->types[type], field, false, ref, value),
              STINT_TRAP_NONE);
    return value[0];
}

static uint64_t item(struct heap_world *h, unsigned type, uint64_t ref, uint32_t at)
{
    uint64_t value[2] = {0, 0};
    CHECK_INT(op_array_get(h->instance, h->types[type], false, ref, at, value), STINT_TRAP_NONE);
    return value[0];
}

static uint64_t global(struct heap_world *h, const char *name)
{
    return world_export(h->instance, name).global->cell[0];
}

/* What the module's initialisers made is there and stays so. */
static void check_module(struct heap_world *h)
{
    uint64_t node = global(h, "g"), refs = global(h, "a"), wide[2];
    CHECK_INT(get(h, NODE, 0, node), 5);
    CHECK_INT(get(h, NODE, 0, get(h, NODE, 1, node)), 6);
    CHECK_INT(item(h, REFS, refs, 0), gc_make_i31(1));
    CHECK_INT(item(h, REFS, refs, 1), 0);
    CHECK_INT(get(h, NODE, 0, item(h, REFS, refs, 2)), 0);
    CHECK_INT(item(h, BYTES, global(h, "f"), 3), 300 & 0xff);
    CHECK_INT(op_array_get(h->instance, h->types[WIDE], false, global(h, "w"), 1, wide), 0);
    CHECK(wide[0] == 3 && wide[1] == 4);
    CHECK(h->instance->elems[0].refs[0] == node);
    CHECK_INT(get(h, NODE, 0, h->instance->elems[0].refs[1]), 8);
    CHECK(get(h, NODE, 1, h->instance->elems[0].refs[1]) == node);
    CHECK_INT(h->instance->tables[0]->elements[1], gc_make_i31(3));
    CHECK(h->instance->tables[0]->elements[2] == refs);
}

TEST(initialisers_make_objects_that_survive)
{
    for (int stress = 0; stress < 2; stress++) {
        struct heap_world h;
        REQUIRE(open_heap(&h, stress != 0, 1 << 30));
        check_module(&h);
        uint64_t before = global(&h, "g");
        gc_collect(h.w.store->gc);
        CHECK(global(&h, "g") != before);
        check_module(&h);
        gc_collect(h.w.store->gc);
        check_module(&h);
        close_heap(&h);
    }
}

TEST(fields_of_all_sizes)
{
    struct heap_world h;
    REQUIRE(open_heap(&h, true, 1 << 30));
    struct stint_instance *instance = h.instance;
    const struct type_def *mixed = h.types[MIXED];
    uint64_t *s = h.slots, value[2];
    uint64_t func = (uintptr_t)instance_func(instance, 0);
    /* Only slots 1 and 8 hold references to the heap; the stub shows slots 0 to 15 as roots, and
     * numbers that are even and not null are none: so numbers are odd here. */
    uint64_t values[10] = {7, s[1], 0x1ff, 0x1ffff, UINT64_MAX, 1, 3, func, 0, 0x3ff1};
    CHECK_INT(op_struct_new_default(instance, h.types[NODE], &s[1]), STINT_TRAP_NONE);
    values[1] = s[1];
    h.w.store->gc->is_stress = false;
    h.w.store->gc->end = h.w.store->gc->next + 4096;
    CHECK_INT(op_struct_new(instance, mixed, values, &s[0]), STINT_TRAP_NONE);
    CHECK_INT(get(&h, MIXED, 0, s[0]), 7);
    CHECK(get(&h, MIXED, 1, s[0]) == s[1]);
    CHECK_INT(op_struct_get(instance, mixed, 2, true, s[0], value), STINT_TRAP_NONE);
    CHECK_INT(value[0], 0xffffffff);
    CHECK_INT(get(&h, MIXED, 2, s[0]), 0xff);
    CHECK_INT(op_struct_get(instance, mixed, 3, true, s[0], value), STINT_TRAP_NONE);
    CHECK_INT(value[0], 0xffffffff);
    CHECK_INT(get(&h, MIXED, 3, s[0]), 0xffff);
    CHECK_INT(get(&h, MIXED, 4, s[0]), UINT64_MAX);
    CHECK_INT(op_struct_get(instance, mixed, 5, false, s[0], value), STINT_TRAP_NONE);
    CHECK(value[0] == 1 && value[1] == 3);
    CHECK(get(&h, MIXED, 6, s[0]) == func);
    CHECK_INT(get(&h, MIXED, 7, s[0]), 0);
    CHECK_INT(get(&h, MIXED, 8, s[0]), 0x3ff1);
    value[0] = 0x180;
    CHECK_INT(op_struct_set(instance, mixed, 2, s[0], value), STINT_TRAP_NONE);
    CHECK_INT(op_struct_get(instance, mixed, 2, true, s[0], value), STINT_TRAP_NONE);
    CHECK_INT(value[0], 0xffffff80);
    CHECK_INT(op_struct_get(instance, mixed, 2, true, 0, value), STINT_TRAP_NULL_STRUCT);
    CHECK_INT(op_struct_set(instance, mixed, 2, 0, value), STINT_TRAP_NULL_STRUCT);
    gc_collect(h.w.store->gc);
    CHECK(get(&h, MIXED, 1, s[0]) == s[1]);
    CHECK(get(&h, MIXED, 6, s[0]) == func);
    close_heap(&h);
}

TEST(a_long_list_survives_many_collections)
{
    enum { LENGTH = 20000 };
    struct heap_world h;
    REQUIRE(open_heap(&h, false, 64 << 20));
    uint64_t *list = &h.slots[1], collections, live;
    struct {
        uint64_t value, next;
    } values;
    for (uint32_t i = 0; i < LENGTH; i++) {
        uint64_t garbage;
        h.slots[2] = *list;
        /* The frame of the operation: number, then reference. The number is odd. */
        h.slots[1] = i * 2 + 1;
        CHECK_INT(op_struct_new(h.instance, h.types[NODE], &h.slots[1], &h.slots[3]), 0);
        h.slots[1] = h.slots[3];
        CHECK_INT(op_array_new_default(h.instance, h.types[BYTES], 1000, &garbage), 0);
    }
    gc_counts(h.w.store->gc, &collections, &live);
    CHECK(collections >= 3);
    values.next = *list;
    for (uint32_t i = LENGTH; i > 0; i--) {
        values.value = get(&h, NODE, 0, values.next);
        if (values.value != (i - 1) * 2 + 1) {
            CHECK_INT(values.value, (i - 1) * 2 + 1);
            break;
        }
        values.next = get(&h, NODE, 1, values.next);
    }
    CHECK_INT(values.next, 0);
    memset(h.slots, 0, sizeof(h.slots));
    gc_collect(h.w.store->gc);
    gc_counts(h.w.store->gc, &collections, &live);
    CHECK(live < 1000);
    check_module(&h);
    close_heap(&h);
}

TEST(the_heap_is_limited)
{
    struct heap_world h;
    REQUIRE(open_heap(&h, false, 1 << 20));
    uint64_t ref;
    CHECK_INT(op_array_new_default(h.instance, h.types[BYTES], 1 << 20, &ref),
              STINT_TRAP_HEAP_EXHAUSTED);
    CHECK_INT(op_array_new_default(h.instance, h.types[WIDE], UINT32_MAX, &ref),
              STINT_TRAP_HEAP_EXHAUSTED);
    /* What is not referred to does not count. */
    for (int i = 0; i < 20; i++)
        CHECK_INT(op_array_new_default(h.instance, h.types[BYTES], 300000, &ref), STINT_TRAP_NONE);
    enum stint_trap trap = STINT_TRAP_NONE;
    int made = 0;
    for (; made < 10 && trap == STINT_TRAP_NONE; made++)
        trap = op_array_new_default(h.instance, h.types[BYTES], 100000, &h.slots[made]);
    CHECK_INT(trap, STINT_TRAP_HEAP_EXHAUSTED);
    CHECK_INT(made, 6);
    h.slots[0] = 0;
    CHECK_INT(op_array_new_default(h.instance, h.types[BYTES], 100000, &h.slots[0]), 0);
    check_module(&h);
    close_heap(&h);
}

TEST(the_budget_limits_the_heap_too)
{
    struct world w;
    struct store_limits limits = store_limits_default();
    struct stint_instance *instance = NULL;
    limits.budget_bytes = 1 << 20;
    REQUIRE(world_open(&w, NULL, &limits));
    REQUIRE(world_instantiate(&w, types_module, NULL, &instance) == STINT_OK);
    const struct type_def *bytes = instance->module->wasm->types[BYTES];
    uint64_t ref;
    CHECK_INT(op_array_new_default(instance, bytes, 1 << 20, &ref), STINT_TRAP_HEAP_EXHAUSTED);
    CHECK_INT(op_array_new_default(instance, bytes, 400000, &ref), STINT_TRAP_NONE);
    CHECK_INT(op_array_new_default(instance, bytes, 400000, &ref), STINT_TRAP_NONE);
    CHECK(atomic_load(&w.store->alloc.peak_bytes) <= 1 << 20);
    world_close(&w);
}

TEST(arrays_check_bounds_first)
{
    struct heap_world h;
    REQUIRE(open_heap(&h, true, 1 << 30));
    struct stint_instance *instance = h.instance;
    const struct type_def *bytes = h.types[BYTES];
    uint64_t value[2] = {0x141, 0}, *a = &h.slots[0], *b = &h.slots[1];
    uint32_t length = 0;
    CHECK_INT(op_array_new(instance, bytes, value, 5, a), STINT_TRAP_NONE);
    CHECK_INT(op_array_new_default(instance, bytes, 5, b), STINT_TRAP_NONE);
    CHECK_INT(op_array_len(instance, *a, &length), STINT_TRAP_NONE);
    CHECK_INT(length, 5);
    CHECK_INT(op_array_len(instance, 0, &length), STINT_TRAP_NULL_ARRAY);
    CHECK_INT(item(&h, BYTES, *a, 4), 0x41);
    CHECK_INT(op_array_get(instance, bytes, false, *a, 5, value), STINT_TRAP_ARRAY_BOUNDS);
    CHECK_INT(op_array_get(instance, bytes, false, 0, 5, value), STINT_TRAP_NULL_ARRAY);
    CHECK_INT(op_array_set(instance, bytes, *a, 5, value), STINT_TRAP_ARRAY_BOUNDS);
    CHECK_INT(op_array_set(instance, bytes, 0, 0, value), STINT_TRAP_NULL_ARRAY);
    value[0] = 1;
    CHECK_INT(op_array_set(instance, bytes, *a, 0, value), STINT_TRAP_NONE);
    CHECK_INT(op_array_fill(instance, bytes, *b, 1, value, 4), STINT_TRAP_NONE);
    CHECK_INT(op_array_fill(instance, bytes, *b, 1, value, 5), STINT_TRAP_ARRAY_BOUNDS);
    CHECK_INT(op_array_fill(instance, bytes, *b, 5, value, 0), STINT_TRAP_NONE);
    CHECK_INT(op_array_fill(instance, bytes, *b, 6, value, 0), STINT_TRAP_ARRAY_BOUNDS);
    CHECK_INT(op_array_fill(instance, bytes, 0, 0, value, 0), STINT_TRAP_NULL_ARRAY);
    CHECK_INT(op_array_copy(instance, bytes, *a, 1, bytes, *a, 0, 4), STINT_TRAP_NONE);
    CHECK_INT(item(&h, BYTES, *a, 1), 1);
    CHECK_INT(item(&h, BYTES, *a, 4), 0x41);
    CHECK_INT(op_array_copy(instance, bytes, *a, 2, bytes, *b, 0, 4), STINT_TRAP_ARRAY_BOUNDS);
    CHECK_INT(op_array_copy(instance, bytes, *a, 0, bytes, *b, 2, 4), STINT_TRAP_ARRAY_BOUNDS);
    CHECK_INT(op_array_copy(instance, bytes, 0, 0, bytes, *b, 0, 0), STINT_TRAP_NULL_ARRAY);
    CHECK_INT(op_array_copy(instance, bytes, *a, 9, bytes, 0, 0, 0), STINT_TRAP_NULL_ARRAY);
    close_heap(&h);
}

TEST(arrays_from_segments)
{
    struct heap_world h;
    REQUIRE(open_heap(&h, true, 1 << 30));
    struct stint_instance *instance = h.instance;
    const struct type_def *shorts = h.types[SHORTS], *refs = h.types[REFS], *fs = h.types[FUNCS];
    uint64_t *a = &h.slots[0];
    CHECK_INT(op_array_new_data(instance, shorts, 0, 1, 3, a), STINT_TRAP_NONE);
    CHECK_INT(item(&h, SHORTS, *a, 0), 'b' | 'c' << 8);
    CHECK_INT(item(&h, SHORTS, *a, 2), 'f' | 'g' << 8);
    CHECK_INT(op_array_new_data(instance, shorts, 0, 1, 4, a), STINT_TRAP_MEMORY_BOUNDS);
    CHECK_INT(op_array_new_data(instance, shorts, 0, 0, UINT32_MAX, a), STINT_TRAP_MEMORY_BOUNDS);
    CHECK_INT(op_array_init_data(instance, shorts, 0, *a, 1, 0, 2), STINT_TRAP_NONE);
    CHECK_INT(item(&h, SHORTS, *a, 1), 'a' | 'b' << 8);
    CHECK_INT(op_array_init_data(instance, shorts, 0, *a, 1, 0, 3), STINT_TRAP_ARRAY_BOUNDS);
    CHECK_INT(op_array_init_data(instance, shorts, 0, *a, 0, 5, 2), STINT_TRAP_MEMORY_BOUNDS);
    CHECK_INT(op_array_init_data(instance, shorts, 0, 0, 0, 5, 2), STINT_TRAP_NULL_ARRAY);
    op_data_drop(instance, 0);
    CHECK_INT(op_array_new_data(instance, shorts, 0, 0, 1, a), STINT_TRAP_MEMORY_BOUNDS);
    CHECK_INT(op_array_new_data(instance, shorts, 0, 0, 0, a), STINT_TRAP_NONE);

    CHECK_INT(op_array_new_elem(instance, refs, 0, 0, 2, a), STINT_TRAP_NONE);
    CHECK_INT(get(&h, NODE, 0, item(&h, REFS, *a, 1)), 8);
    CHECK_INT(op_array_new_elem(instance, refs, 0, 1, 2, a), STINT_TRAP_TABLE_BOUNDS);
    CHECK_INT(op_array_init_elem(instance, refs, 0, *a, 0, 1, 1), STINT_TRAP_NONE);
    CHECK_INT(get(&h, NODE, 0, item(&h, REFS, *a, 0)), 8);
    CHECK_INT(op_array_init_elem(instance, refs, 0, *a, 1, 0, 2), STINT_TRAP_ARRAY_BOUNDS);
    CHECK_INT(op_array_init_elem(instance, refs, 0, *a, 0, 2, 1), STINT_TRAP_TABLE_BOUNDS);
    op_elem_drop(instance, 0);
    CHECK_INT(op_array_new_elem(instance, refs, 0, 0, 1, a), STINT_TRAP_TABLE_BOUNDS);
    CHECK_INT(op_array_new_elem(instance, refs, 0, 0, 0, a), STINT_TRAP_NONE);
    CHECK_INT(op_array_new_elem(instance, fs, 2, 0, 2, a), STINT_TRAP_NONE);
    CHECK(item(&h, FUNCS, *a, 0) == (uintptr_t)instance_func(instance, 0));
    CHECK_INT(item(&h, FUNCS, *a, 1), 0);
    close_heap(&h);
}

static int finalized;

static void finalize(void *pointer)
{
    finalized += *(int *)pointer;
}

TEST(host_references_are_finalized_once)
{
    struct heap_world h;
    int one = 1, ten = 10, hundred = 100;
    uint32_t handle = 0, other = 0;
    void *pointer = NULL;
    REQUIRE(open_heap(&h, false, 1 << 30));
    struct gc_heap *heap = h.w.store->gc;
    finalized = 0;
    h.slots[0] = gc_new_host(heap, &one, finalize, NULL);
    gc_ref kept = gc_new_host(heap, &ten, finalize, NULL);
    REQUIRE(gc_root_push(heap, kept, &handle));
    REQUIRE(gc_root_push(heap, gc_new_host(heap, &hundred, NULL, NULL), &other));
    gc_collect(heap);
    CHECK_INT(finalized, 0);
    CHECK(gc_host_pointer(heap, gc_root_get(heap, handle), &pointer) && pointer == &ten);
    CHECK(gc_host_pointer(heap, gc_root_get(heap, other), &pointer) && pointer == &hundred);
    h.slots[0] = 0;
    gc_collect(heap);
    CHECK_INT(finalized, 1);
    gc_root_pop(heap, handle);
    gc_collect(heap);
    CHECK_INT(finalized, 11);
    CHECK(gc_root_push(heap, gc_make_i31(4), &handle));
    CHECK_INT(gc_root_get(heap, handle), gc_make_i31(4));
    CHECK(!gc_host_pointer(heap, gc_make_i31(4), &pointer));
    CHECK(!gc_host_pointer(heap, GC_NULL, &pointer));
    CHECK(!gc_host_pointer(heap, (gc_ref)global(&h, "g"), &pointer));
    h.slots[0] = gc_new_host(heap, &one, finalize, NULL);
    close_heap(&h);
    CHECK_INT(finalized, 12);
}

TEST(exceptions_keep_their_payload)
{
    struct heap_world h;
    REQUIRE(open_heap(&h, true, 1 << 30));
    struct gc_heap *heap = h.w.store->gc;
    struct tag *tag = h.instance->tags[0];
    uint64_t func = (uintptr_t)instance_func(h.instance, 0);
    CHECK_INT(op_struct_new_default(h.instance, h.types[NODE], &h.slots[1]), STINT_TRAP_NONE);
    h.slots[0] = gc_new_exception(heap, tag, NULL);
    REQUIRE(h.slots[0] != GC_NULL);
    uint64_t *payload = gc_exception_payload(heap, (gc_ref)h.slots[0]);
    CHECK_INT(payload[4], 0);
    payload[0] = 2;
    payload[1] = 4;
    payload[2] = 6;
    payload[3] = h.slots[1];
    payload[4] = func;
    gc_set_exception(heap, (gc_ref)h.slots[0]);
    h.slots[0] = 0;
    gc_collect(heap);
    gc_ref exception = gc_take_exception(heap);
    CHECK_INT(gc_take_exception(heap), GC_NULL);
    CHECK(gc_exception_tag(heap, exception) == tag);
    payload = gc_exception_payload(heap, exception);
    CHECK(payload[0] == 2 && payload[1] == 4 && payload[2] == 6 && payload[4] == func);
    CHECK(payload[3] == h.slots[1]);
    CHECK(gc_ref_is(heap, exception, HEAP_EXN));
    CHECK(!gc_ref_is(heap, exception, HEAP_NOEXN));
    close_heap(&h);
}

TEST(references_are_tested)
{
    struct heap_world h;
    int host = 0;
    REQUIRE(open_heap(&h, true, 1 << 30));
    struct stint_store *store = h.w.store;
    heaptype node = h.types[NODE]->id, mixed = h.types[MIXED]->id, bytes = h.types[BYTES]->id;
    uint64_t i31 = gc_make_i31(5), func = (uintptr_t)instance_func(h.instance, 0);
    CHECK_INT(op_struct_new_default(h.instance, h.types[MIXED], &h.slots[0]), STINT_TRAP_NONE);
    h.slots[1] = gc_new_host(store->gc, &host, NULL, NULL);
    uint64_t array = global(&h, "f"), object = h.slots[0], foreign = h.slots[1];
    const struct {
        uint64_t ref;
        heaptype heap;
        bool is;
    } cases[] = {
        {i31, HEAP_ANY, true},
        {i31, HEAP_EQ, true},
        {i31, HEAP_I31, true},
        {i31, HEAP_STRUCT, false},
        {i31, HEAP_NONE, false},
        {i31, HEAP_EXTERN, true},
        {i31, node, false},
        {object, HEAP_ANY, true},
        {object, HEAP_EQ, true},
        {object, HEAP_STRUCT, true},
        {object, HEAP_ARRAY, false},
        {object, HEAP_I31, false},
        {object, node, true},
        {object, mixed, true},
        {object, bytes, false},
        {array, HEAP_ARRAY, true},
        {array, HEAP_STRUCT, false},
        {array, bytes, true},
        {array, node, false},
        {foreign, HEAP_ANY, true},
        {foreign, HEAP_EQ, false},
        {foreign, node, false},
        {foreign, HEAP_EXTERN, true},
        {foreign, HEAP_NOEXTERN, false},
        {func, HEAP_FUNC, true},
        {func, HEAP_NOFUNC, false},
        {global(&h, "g"), mixed, false},
        {func, instance_func(h.instance, 0)->type->id, true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (op_ref_test(store, cases[i].ref, VT_MAKE_REF(cases[i].heap)) != cases[i].is)
            CHECK_INT(i, -1);
        CHECK(!op_ref_test(store, 0, VT_MAKE_REF(cases[i].heap)));
        CHECK(op_ref_test(store, 0, VT_MAKE_REF_NULL(cases[i].heap)));
    }
    close_heap(&h);
}

CHECK_MAIN
