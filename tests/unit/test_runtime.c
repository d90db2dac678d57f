/* SPDX-License-Identifier: Apache-2.0 */
/* Engines, modules, stores, instantiation and linking. */
#include "runtime/link.h"
#include "runtime/trace.h"
#include "runtime_stub.h"

static uint32_t func_type(struct world *w, const char *params, const char *results)
{
    valtype types[2][8];
    uint32_t counts[2] = {0, 0}, id = 0;
    for (int side = 0; side < 2; side++) {
        for (const char *p = side == 0 ? params : results; *p != '\0'; p++)
            types[side][counts[side]++] = *p == 'i' ? VT_I32 : *p == 'l' ? VT_I64 : VT_EXTERNREF;
    }
    CHECK(types_add_func(w->engine->types, types[0], counts[0], types[1], counts[1], &id) ==
          STINT_OK);
    return id;
}

static int free_count;

static void count_free(void *env)
{
    free_count += *(int *)env;
}

static enum stint_status add(struct host_call *call, uint64_t *slots)
{
    slots[0] = (uint32_t)(slots[0] + slots[1] + (uint64_t)*(int *)call->env);
    return STINT_OK;
}

TEST(host_functions_are_called_and_freed)
{
    struct world w;
    int env = 5;
    struct func *func = NULL;
    uint64_t slots[2] = {1, 2};
    REQUIRE(world_open(&w, NULL, NULL));
    REQUIRE(rt_func_create(w.store, func_type(&w, "ii", "i"), add, &env, count_free, &func) ==
            STINT_OK);
    CHECK_INT(rt_call(w.store, func, slots, &w.error), STINT_OK);
    CHECK_INT(slots[0], 8);
    CHECK_INT(w.store->call_count, 1);
    free_count = 0;
    world_close(&w);
    CHECK_INT(free_count, 5);
}

TEST(an_instance_has_what_its_module_says)
{
    struct world w;
    struct stint_instance *instance = NULL;
    REQUIRE(world_open(&w, NULL, NULL));
    REQUIRE(world_instantiate(&w,
                              "(module (memory (export \"m\") 1 3) (data (i32.const 3) \"abc\")"
                              "(table (export \"t\") 4 funcref) (elem (i32.const 1) $f $g)"
                              "(global $x i32 (i32.const 7))"
                              "(global (export \"g\") i64 (i64.add (i64.const 40) (i64.const 2)))"
                              "(global (export \"h\") i32 (global.get $x))"
                              "(func $f (export \"f\") (param i32)) (func $g))",
                              NULL, &instance) == STINT_OK);
    struct extern_value m = world_export(instance, "m"), t = world_export(instance, "t"),
                        f = world_export(instance, "f");
    REQUIRE(m.kind == EXTERN_MEMORY && t.kind == EXTERN_TABLE && f.kind == EXTERN_FUNC);
    CHECK_INT(m.memory->bytes, 65536);
    CHECK_MEM(m.memory->base + 2, "\0abc\0", 5);
    CHECK(m.memory == instance->memory0);
    CHECK_INT(t.table->count, 4);
    CHECK_INT(t.table->elements[0], 0);
    CHECK(t.table->elements[1] == (uintptr_t)f.func);
    CHECK(t.table->elements[2] == (uintptr_t)instance_func(instance, 1));
    CHECK_INT(f.func->type->param_count, 1);
    CHECK(f.func->instance == instance);
    CHECK(f.func->code == (const char *)instance->code);
    CHECK_INT(world_export(instance, "g").global->cell[0], 42);
    CHECK_INT(world_export(instance, "h").global->cell[0], 7);
    CHECK_INT(world_export(instance, "nothing").kind, EXTERN_MISSING);
    /* The same function again is the same object. */
    CHECK(instance_func(instance, 0) == f.func);
    world_close(&w);
}

TEST(segments_are_used_up_or_kept)
{
    struct world w;
    struct stint_instance *instance = NULL;
    REQUIRE(world_open(&w, NULL, NULL));
    REQUIRE(world_instantiate(&w,
                              "(module (memory 1) (data (i32.const 0) \"ab\") (data \"cd\")"
                              "(table 4 funcref) (elem (i32.const 0) $f) (elem func $f $f)"
                              "(elem declare func $f) (func $f))",
                              NULL, &instance) == STINT_OK);
    struct memory *memory = instance->memory0;
    struct table *table = instance->tables[0];
    CHECK_INT(op_memory_init(instance, 0, memory, 0, 0, 1), STINT_TRAP_MEMORY_BOUNDS);
    CHECK_INT(op_memory_init(instance, 0, memory, 0, 0, 0), STINT_TRAP_NONE);
    CHECK_INT(op_memory_init(instance, 1, memory, 65534, 0, 2), STINT_TRAP_NONE);
    CHECK_MEM(memory->base + 65534, "cd", 2);
    CHECK_INT(op_memory_init(instance, 1, memory, 65535, 0, 2), STINT_TRAP_MEMORY_BOUNDS);
    CHECK_INT(op_memory_init(instance, 1, memory, 0, 1, 2), STINT_TRAP_MEMORY_BOUNDS);
    op_data_drop(instance, 1);
    CHECK_INT(op_memory_init(instance, 1, memory, 0, 0, 1), STINT_TRAP_MEMORY_BOUNDS);
    CHECK_INT(op_table_init(instance, 0, table, 0, 0, 1), STINT_TRAP_TABLE_BOUNDS);
    CHECK_INT(op_table_init(instance, 2, table, 0, 0, 1), STINT_TRAP_TABLE_BOUNDS);
    CHECK_INT(op_table_init(instance, 1, table, 3, 0, 2), STINT_TRAP_TABLE_BOUNDS);
    CHECK_INT(table->elements[3], 0);
    CHECK_INT(op_table_init(instance, 1, table, 2, 0, 2), STINT_TRAP_NONE);
    CHECK(table->elements[3] == (uintptr_t)instance_func(instance, 0));
    op_elem_drop(instance, 1);
    op_elem_drop(instance, 1);
    CHECK_INT(op_table_init(instance, 1, table, 0, 0, 1), STINT_TRAP_TABLE_BOUNDS);
    CHECK_INT(op_table_init(instance, 1, table, 4, 0, 0), STINT_TRAP_NONE);
    world_close(&w);
}

TEST(segments_out_of_bounds_trap_in_order)
{
    struct world w;
    struct stint_instance *one = NULL, *two = NULL;
    REQUIRE(world_open(&w, NULL, NULL));
    REQUIRE(world_instantiate(&w, "(module (memory (export \"m\") 1))", NULL, &one) == STINT_OK);
    struct extern_value memory = world_export(one, "m");
    CHECK_INT(world_instantiate(&w,
                                "(module (memory (import \"\" \"m\") 1) (data (i32.const 9) \"x\")"
                                "(data (i32.const 65535) \"yz\") (data (i32.const 10) \"n\"))",
                                &memory, &two),
              STINT_TRAP);
    CHECK_INT(w.error.trap, STINT_TRAP_MEMORY_BOUNDS);
    CHECK_STR(w.error.message, "out of bounds memory access: segment 1 of 2 bytes at 65535, in a "
                               "memory of 65536");
    CHECK(two == NULL);
    CHECK_INT(memory.memory->base[9], 'x');
    CHECK_INT(memory.memory->base[65535], 0);
    CHECK_INT(memory.memory->base[10], 0);
    CHECK_INT(world_instantiate(&w, "(module (table 2 funcref) (elem (i32.const -1) $f) (func $f))",
                                NULL, &two),
              STINT_TRAP);
    CHECK_INT(w.error.trap, STINT_TRAP_TABLE_BOUNDS);
    CHECK_STR(w.error.message, "out of bounds table access: segment 0 of 1 elements at 4294967295, "
                               "in a table of 2");
    world_close(&w);
}

static enum stint_status fail(struct host_call *call, uint64_t *slots)
{
    return error_set_trap(call->error, STINT_TRAP_UNREACHABLE);
}

TEST(the_start_function_runs_last)
{
    struct world w;
    struct stint_instance *instance = NULL;
    struct extern_value start = {.kind = EXTERN_FUNC};
    REQUIRE(world_open(&w, NULL, NULL));
    REQUIRE(rt_func_create(w.store, func_type(&w, "", ""), fail, NULL, NULL, &start.func) ==
            STINT_OK);
    CHECK_INT(
        world_instantiate(&w, "(module (import \"\" \"f\" (func)) (start 0))", &start, &instance),
        STINT_TRAP);
    CHECK_INT(w.error.trap, STINT_TRAP_UNREACHABLE);
    CHECK(instance == NULL);
    world_close(&w);
}

TEST(what_is_missing_is_named)
{
    struct world w;
    struct stint_instance *instance = NULL;
    struct extern_value none = {.kind = EXTERN_MISSING};
    REQUIRE(world_open(&w, NULL, NULL));
    CHECK_INT(world_instantiate(&w,
                                "(module (import \"env\" \"f\\00\" "
                                "(func (param i32 i64) (result f32))))",
                                &none, &instance),
              STINT_UNLINKABLE);
    CHECK_STR(w.error.message, "unknown import: env.f? (func (param i32 i64) (result f32))");
    world_close(&w);
}

/* Gives the host's `value` to a module that imports `wanted`, and checks status and message. */
static void check_link(struct world *w, const struct extern_value *value, const char *wanted,
                       const char *message)
{
    struct stint_instance *instance = NULL;
    char text[200];
    snprintf(text, sizeof(text), "(module (type $f (func)) (import \"m\" \"n\" %s))", wanted);
    enum stint_status status = world_instantiate(w, text, value, &instance);
    CHECK_INT(status, message == NULL ? STINT_OK : STINT_UNLINKABLE);
    if (message != NULL) {
        char whole[STINT_ERROR_MESSAGE_BYTES];
        snprintf(whole, sizeof(whole), "incompatible import type: m.n is %s", message);
        CHECK_STR(w->error.message, whole);
    }
}

TEST(imports_match_or_say_why)
{
    struct world w;
    struct extern_value func = {.kind = EXTERN_FUNC}, memory = {.kind = EXTERN_MEMORY},
                        table = {.kind = EXTERN_TABLE}, global = {.kind = EXTERN_GLOBAL},
                        tag = {.kind = EXTERN_TAG};
    struct memory_type memory_type = {.limits = {.min = 1, .max = 2, .has_max = true}};
    struct table_type table_type = {.element = VT_FUNCREF,
                                    .limits = {.min = 10, .max = UINT64_MAX}};
    struct global_type global_type = {.type = VT_I32};
    uint64_t cell[2] = {0, 0};
    REQUIRE(world_open(&w, NULL, NULL));
    uint32_t type = func_type(&w, "i", "");
    REQUIRE(rt_func_create(w.store, type, fail, NULL, NULL, &func.func) == STINT_OK);
    REQUIRE(rt_memory_create(w.store, &memory_type, &memory.memory, &w.error) == STINT_OK);
    REQUIRE(rt_table_create(w.store, &table_type, 0, &table.table, &w.error) == STINT_OK);
    REQUIRE(rt_global_create(w.store, &global_type, cell, &global.global) == STINT_OK);
    REQUIRE(rt_tag_create(w.store, types_get(w.engine->types, type), &tag.tag) == STINT_OK);

    check_link(&w, &func, "(func (param i32))", NULL);
    check_link(&w, &func, "(func (param i32) (result i32))",
               "(func (param i32)), but the module wants (func (param i32) (result i32))");
    check_link(&w, &func, "(global i32)", "(func (param i32)), but the module wants (global i32)");
    check_link(&w, &memory, "(memory 1)", NULL);
    check_link(&w, &memory, "(memory 1 3)", NULL);
    check_link(&w, &memory, "(memory 2)", "(memory 1 2), but the module wants (memory 2)");
    check_link(&w, &memory, "(memory 1 1)", "(memory 1 2), but the module wants (memory 1 1)");
    check_link(&w, &memory, "(memory i64 1)", "(memory 1 2), but the module wants (memory i64 1)");
    /* What has grown counts. */
    CHECK_INT(memory_grow(memory.memory, 1), 1);
    check_link(&w, &memory, "(memory 2)", NULL);
    check_link(&w, &table, "(table 10 funcref)", NULL);
    check_link(&w, &table, "(table 10 externref)",
               "(table 10 funcref), but the module wants (table 10 externref)");
    check_link(&w, &table, "(table 1 20 funcref)",
               "(table 10 funcref), but the module wants (table 1 20 funcref)");
    check_link(&w, &global, "(global i32)", NULL);
    check_link(&w, &global, "(global (mut i32))",
               "(global i32), but the module wants (global (mut i32))");
    check_link(&w, &tag, "(tag (param i32))", NULL);
    check_link(&w, &tag, "(tag)", "(tag (param i32)), but the module wants (tag)");
    world_close(&w);
}

TEST(long_names_are_cut_in_messages)
{
    struct world w;
    struct extern_value none = {.kind = EXTERN_MISSING};
    struct stint_instance *instance = NULL;
    char text[1200] = "(module (import \"";
    memset(text + 17, 'a', 900);
    strcat(text, "\" \"f\" (func)))");
    REQUIRE(world_open(&w, NULL, NULL));
    CHECK_INT(world_instantiate(&w, text, &none, &instance), STINT_UNLINKABLE);
    CHECK(strncmp(w.error.message, "unknown import: aaaa", 20) == 0);
    world_close(&w);
}

TEST(modules_outlive_their_makers)
{
    struct world w;
    struct stint_instance *instance = NULL;
    REQUIRE(world_open(&w, NULL, NULL));
    struct stint_module *module = world_module(&w, "(module (func (export \"f\")))");
    REQUIRE(module != NULL);
    struct stint_engine *engine = engine_retain(w.engine);
    REQUIRE(instance_create(w.store, module, NULL, &instance, &w.error) == STINT_OK);
    rt_module_release(module);
    rt_module_release(NULL);
    CHECK(world_export(instance, "f").func != NULL);
    store_free(w.store);
    CHECK_INT(atomic_load(&engine->references), 2);
    engine_release(w.engine);
    engine_release(engine);
    engine_release(NULL);
    store_free(NULL);
}

TEST(invalid_modules_leave_nothing_behind)
{
    struct world w;
    REQUIRE(world_open(&w, NULL, NULL));
    size_t used[2];
    for (int i = 0; i < 2; i++) {
        error_clear(&w.error);
        CHECK(world_module(&w, "(module (func (result i32)))") == NULL);
        CHECK_INT(w.error.status, STINT_INVALID);
        used[i] = atomic_load(&w.engine->alloc.used_bytes);
    }
    /* The types of the first stay registered; the second needs no more. */
    CHECK_INT(used[1], used[0]);
    world_close(&w);
}

TEST(thousands_of_functions_cost_nothing_until_asked_for)
{
    enum { COUNT = 20000 };
    static char text[COUNT * 7 + 100];
    struct world w;
    struct stint_instance *instance = NULL;
    size_t used = (size_t)snprintf(text, sizeof(text), "(module ");
    for (int i = 0; i < COUNT; i++, used += 6)
        memcpy(text + used, "(func)", 6);
    memcpy(text + used, ")", 2);
    REQUIRE(world_open(&w, NULL, NULL));
    REQUIRE(world_instantiate(&w, text, NULL, &instance) == STINT_OK);
    CHECK(instance->own_funcs[COUNT - 1].type == NULL);
    CHECK_INT(instance_func(instance, COUNT - 1)->index, COUNT - 1);
    world_close(&w);
}

TEST(backtraces_name_functions)
{
    struct world w;
    struct stint_instance *instance = NULL;
    struct buf text;
    REQUIRE(world_open(&w, NULL, NULL));
    REQUIRE(world_instantiate(&w,
                              "(module (@name \"m\") (func (export \"main\")) (func)"
                              "(@custom \".debug_line\" \"garbage\"))",
                              NULL, &instance) == STINT_OK);
    const struct frame_info frames[] = {{instance, 1, 0x1a2f}, {instance, 0, 0x10}};
    buf_init(&text, &w.engine->alloc, SIZE_MAX);
    CHECK(trace_format(&text, frames, 2, 2, "app.wasm", true));
    CHECK(buf_append_byte(&text, 0));
    CHECK_STR((const char *)text.data, "  #0 0x1a2f  #1 (app.wasm)\n  #1 0x10  main (app.wasm)\n");
    buf_clear(&text);
    CHECK(trace_format(&text, frames, 1, 1001, NULL, false));
    CHECK(buf_append_byte(&text, 0));
    CHECK_STR((const char *)text.data, "  #0 0x1a2f  #1 (wasm)\n  ... 1000 more\n");
    struct frame_info none;
    CHECK_INT(rt_backtrace(w.store, &none, 1), 0);
    buf_free(&text);
    world_close(&w);
}

static const char everything[] =
    "(module (type $s (struct (field i32) (field externref))) (import \"\" \"f\" (func $i))"
    "(memory 1) (memory 0 10) (table $t 3 funcref) (table 1 externref) (tag (param i32))"
    "(table $u 3 (ref i31) (ref.i31 (i32.const 1)))"
    "(global $a i32 (i32.const 1)) (global v128 (v128.const i64x2 1 2))"
    "(global (ref $s) (struct.new $s (i32.const 1) (ref.null extern)))"
    "(elem (table $t) (i32.const 0) func $f $i) (elem funcref (ref.func $f))"
    "(elem (ref $s) (struct.new_default $s) (struct.new_default $s)) (data \"x\")"
    "(data (i32.const 0) \"y\") (func $f) (start $i))";

static enum stint_status nothing(struct host_call *call, uint64_t *slots)
{
    return STINT_OK;
}

TEST(every_allocation_may_fail)
{
    struct world w;
    bool done = false;
    for (size_t at = 1; !done && at < 200; at++) {
        struct stint_instance *instance = NULL;
        struct extern_value start = {.kind = EXTERN_FUNC};
        REQUIRE(world_open(&w, NULL, NULL));
        struct stint_module *module = world_module(&w, everything);
        REQUIRE(module != NULL);
        REQUIRE(rt_func_create(w.store, func_type(&w, "", ""), nothing, NULL, NULL, &start.func) ==
                STINT_OK);
        atomic_store(&w.store->alloc.fail_at, at);
        enum stint_status status = instance_create(w.store, module, &start, &instance, &w.error);
        done = status == STINT_OK;
        CHECK(done || status == STINT_NOMEM ||
              (status == STINT_TRAP && w.error.trap == STINT_TRAP_HEAP_EXHAUSTED));
        CHECK(done == (instance != NULL));
        CHECK_INT(w.error.status, status);
        rt_module_release(module);
        world_close(&w);
    }
    CHECK(done);
}

TEST(budgets_hold)
{
    bool done = false;
    int refused = 0;
    for (size_t budget = 3000; !done && budget < 4 << 20; budget += budget / 8) {
        struct world w;
        struct stint_instance *instance = NULL;
        struct extern_value start = {.kind = EXTERN_FUNC};
        struct store_limits limits = store_limits_default();
        limits.budget_bytes = budget;
        REQUIRE(world_open(&w, NULL, &limits));
        REQUIRE(rt_func_create(w.store, func_type(&w, "", ""), nothing, NULL, NULL, &start.func) ==
                STINT_OK);
        enum stint_status status = world_instantiate(&w, everything, &start, &instance);
        done = status == STINT_OK;
        refused += !done;
        CHECK(atomic_load(&w.store->alloc.peak_bytes) <= budget);
        world_close(&w);
    }
    CHECK(done);
    CHECK(refused > 5);
}

TEST(engines_may_fail_to_start)
{
    struct engine_config config = engine_config_default();
    struct stint_engine *engine = NULL;
    config.budget_bytes = 10;
    CHECK_INT(engine_create(&config, &stub_ops, &engine), STINT_NOMEM);
    CHECK(engine == NULL);
}

CHECK_MAIN
