/* SPDX-License-Identifier: Apache-2.0 */
/* The standard C API, the way programs that are written against it use it. */
#include "check.h"

#include <stdlib.h>

#include "base/buf.h"
#include "wasm.h"
#include "wasm/text.h"

static wasm_engine_t *engine;
static wasm_store_t *store;

static bool begin(void)
{
    engine = wasm_engine_new();
    store = wasm_store_new(engine);
    return engine != NULL && store != NULL;
}

static void end(void)
{
    wasm_store_delete(store);
    wasm_engine_delete(engine);
}

static void binary_of(const char *text, wasm_byte_vec_t *out)
{
    const struct text_options options = {.names = true};
    struct stint_error error = {0};
    struct buf binary;
    buf_init(&binary, &alloc_root, SIZE_MAX);
    if (text_to_binary(&alloc_root, text, strlen(text), &options, &binary, &error) != STINT_OK)
        printf("  %s\n", error.message);
    wasm_byte_vec_new(out, binary.bytes, (const byte_t *)binary.data);
    buf_free(&binary);
}

static wasm_module_t *module_of(const char *text)
{
    wasm_byte_vec_t binary;
    binary_of(text, &binary);
    wasm_module_t *module = wasm_module_new(store, &binary);
    wasm_byte_vec_delete(&binary);
    return module;
}

/* An instance, and its exports in `ret_exports`. */
static wasm_instance_t *instance_of(const char *text, wasm_extern_t **imports, size_t count,
                                    wasm_extern_vec_t *ret_exports)
{
    wasm_extern_vec_t import_vec = {count, imports};
    wasm_trap_t *trap = NULL;
    wasm_module_t *module = module_of(text);
    wasm_extern_vec_new_empty(ret_exports);
    if (!CHECK(module != NULL))
        return NULL;
    wasm_instance_t *instance = wasm_instance_new(store, module, &import_vec, &trap);
    wasm_module_delete(module);
    if (trap != NULL) {
        wasm_message_t message;
        wasm_trap_message(trap, &message);
        printf("  %s\n", message.data);
        wasm_name_delete(&message);
        wasm_trap_delete(trap);
    }
    if (CHECK(instance != NULL))
        wasm_instance_exports(instance, ret_exports);
    return instance;
}

static wasm_func_t *func_at(const wasm_extern_vec_t *exports, size_t index)
{
    return wasm_extern_as_func(exports->data[index]);
}

/* Calls a function of i32 parameters; true when it did not trap. The result goes to `ret_value`. */
static bool call_i32(const wasm_func_t *func, const int32_t *args, size_t count, int32_t *ret_value)
{
    wasm_val_t vals[4], result = WASM_INIT_VAL;
    for (size_t i = 0; i < count; i++) {
        vals[i].kind = WASM_I32;
        vals[i].of.i32 = args[i];
    }
    wasm_val_vec_t arg_vec = {count, vals}, result_vec = {wasm_func_result_arity(func), &result};
    wasm_trap_t *trap = wasm_func_call(func, &arg_vec, &result_vec);
    if (trap != NULL) {
        wasm_trap_delete(trap);
        return false;
    }
    *ret_value = result.of.i32;
    return true;
}

/* ---- hello: a host function without arguments -------------------------------------------- */

static int hellos;

static wasm_trap_t *hello(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    CHECK_INT(args->size, 0);
    CHECK_INT(results->size, 0);
    hellos++;
    return NULL;
}

TEST(hello)
{
    REQUIRE(begin());
    hellos = 0;
    wasm_functype_t *type = wasm_functype_new_0_0();
    wasm_func_t *func = wasm_func_new(store, type, hello);
    wasm_functype_delete(type);
    wasm_extern_t *imports[] = {wasm_func_as_extern(func)};
    wasm_extern_vec_t exports;
    wasm_instance_t *instance = instance_of("(module (func $hello (import \"\" \"hello\"))"
                                            " (func (export \"run\") (call $hello)))",
                                            imports, 1, &exports);
    wasm_func_delete(func);
    REQUIRE(exports.size == 1);
    wasm_instance_delete(instance);
    wasm_val_vec_t none = WASM_EMPTY_VEC;
    CHECK(wasm_func_call(func_at(&exports, 0), &none, &none) == NULL);
    CHECK(wasm_func_call(func_at(&exports, 0), &none, &none) == NULL);
    CHECK_INT(hellos, 2);
    wasm_extern_vec_delete(&exports);
    end();
}

/* ---- callback: environments and results -------------------------------------------------- */

static int env_deletions;

static void delete_env(void *env)
{
    CHECK_INT(*(int *)env, 42);
    env_deletions++;
}

static wasm_trap_t *closure(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    CHECK_INT(args->data[0].kind, WASM_I32);
    results->data[0].kind = WASM_I32;
    results->data[0].of.i32 = *(int *)env + args->data[0].of.i32;
    return NULL;
}

TEST(callback)
{
    static int number = 42;
    REQUIRE(begin());
    env_deletions = 0;
    wasm_functype_t *type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_func_t *func = wasm_func_new_with_env(store, type, closure, &number, delete_env);
    wasm_functype_delete(type);
    wasm_extern_t *imports[] = {wasm_func_as_extern(func)};
    wasm_extern_vec_t exports;
    wasm_instance_t *instance =
        instance_of("(module (func $f (import \"\" \"f\") (param i32) (result i32))"
                    " (func (export \"run\") (param $x i32) (param $y i32) (result i32)"
                    "  (call $f (i32.add (local.get $x) (local.get $y)))))",
                    imports, 1, &exports);
    REQUIRE(exports.size == 1);
    int32_t args[] = {3, 4}, result = 0;
    CHECK(call_i32(func_at(&exports, 0), args, 2, &result));
    CHECK_INT(result, 49);
    wasm_func_delete(func);
    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);
    CHECK_INT(env_deletions, 0);
    end();
    CHECK_INT(env_deletions, 1);
}

/* ---- trap -------------------------------------------------------------------------------- */

static wasm_trap_t *fail(void *env, const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    wasm_name_t message;
    wasm_name_new_from_string_nt(&message, "callback abort");
    wasm_trap_t *trap = wasm_trap_new(env, &message);
    wasm_name_delete(&message);
    wasm_trap_set_host_info(trap, &hellos);
    return trap;
}

static void check_message(const wasm_trap_t *trap, const char *wanted)
{
    wasm_message_t message;
    wasm_trap_message(trap, &message);
    CHECK_INT(message.size, strlen(wanted) + 1);
    CHECK_STR(message.data, wanted);
    wasm_name_delete(&message);
}

TEST(traps_from_the_host_and_from_the_guest)
{
    REQUIRE(begin());
    wasm_functype_t *type = wasm_functype_new_0_1(wasm_valtype_new_i32());
    wasm_func_t *func = wasm_func_new_with_env(store, type, fail, store, NULL);
    wasm_functype_delete(type);
    wasm_extern_t *imports[] = {wasm_func_as_extern(func)};
    wasm_extern_vec_t exports;
    wasm_instance_t *instance =
        instance_of("(module (func $callback (import \"\" \"callback\") (result i32))"
                    " (func (export \"callback\") (result i32) (call $callback))"
                    " (func $inner unreachable)"
                    " (func (export \"unreachable\") (result i32) (call $inner) (i32.const 1)))",
                    imports, 1, &exports);
    REQUIRE(exports.size == 2);
    wasm_val_t result = WASM_INIT_VAL;
    wasm_val_vec_t none = WASM_EMPTY_VEC, results = {1, &result};
    wasm_trap_t *trap = wasm_func_call(func_at(&exports, 0), &none, &results);
    REQUIRE(trap != NULL);
    check_message(trap, "callback abort");
    CHECK(wasm_trap_get_host_info(trap) == &hellos);
    wasm_trap_delete(trap);

    trap = wasm_func_call(func_at(&exports, 1), &none, &results);
    REQUIRE(trap != NULL);
    check_message(trap, "unreachable");
    wasm_frame_t *frame = wasm_trap_origin(trap);
    REQUIRE(frame != NULL);
    CHECK_INT(wasm_frame_func_index(frame), 2);
    CHECK(wasm_frame_func_offset(frame) < wasm_frame_module_offset(frame));
    CHECK(wasm_instance_same(wasm_frame_instance(frame), instance));
    wasm_frame_vec_t frames;
    wasm_trap_trace(trap, &frames);
    CHECK_INT(frames.size, 2);
    CHECK_INT(wasm_frame_func_index(frames.data[1]), 3);
    wasm_frame_vec_delete(&frames);
    wasm_frame_delete(frame);
    wasm_trap_delete(trap);

    /* Wrong use is a trap as well. */
    trap = wasm_func_call(func_at(&exports, 0), &results, &results);
    REQUIRE(trap != NULL);
    check_message(trap, "wrong number of arguments or results");
    wasm_trap_delete(trap);
    wasm_func_delete(func);
    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);
    end();
}

/* ---- memory ------------------------------------------------------------------------------ */

TEST(memory)
{
    REQUIRE(begin());
    wasm_extern_vec_t exports;
    wasm_instance_t *instance = instance_of(
        "(module (memory (export \"memory\") 2 3)"
        " (func (export \"size\") (result i32) (memory.size))"
        " (func (export \"load\") (param i32) (result i32) (i32.load8_s (local.get 0)))"
        " (func (export \"store\") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))"
        " (data (i32.const 0x1000) \"\\01\\02\\03\\04\"))",
        NULL, 0, &exports);
    REQUIRE(exports.size == 4);
    wasm_memory_t *memory = wasm_extern_as_memory(exports.data[0]);
    REQUIRE(memory != NULL);
    CHECK(wasm_extern_as_func(exports.data[0]) == NULL);
    wasm_memory_t *copy = wasm_memory_copy(memory);
    CHECK(wasm_memory_same(memory, copy));
    wasm_memory_delete(copy);
    CHECK_INT(wasm_memory_size(memory), 2);
    CHECK_INT(wasm_memory_data_size(memory), 0x20000);
    CHECK_INT(wasm_memory_data(memory)[0x1003], 4);
    int32_t result = 0, address = 0x1002, outside = 0x1ffff + 1, write[] = {0x1002, 6};
    CHECK(call_i32(func_at(&exports, 1), NULL, 0, &result) && result == 2);
    CHECK(call_i32(func_at(&exports, 2), &address, 1, &result) && result == 3);
    CHECK(!call_i32(func_at(&exports, 2), &outside, 1, &result));
    CHECK(call_i32(func_at(&exports, 3), write, 2, &result));
    CHECK_INT(wasm_memory_data(memory)[0x1002], 6);
    CHECK(wasm_memory_grow(memory, 1));
    CHECK(call_i32(func_at(&exports, 2), &outside, 1, &result) && result == 0);
    CHECK(!wasm_memory_grow(memory, 1));
    CHECK(wasm_memory_grow(memory, 0));
    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);

    /* One of the host's own. */
    wasm_limits_t limits = {5, 5};
    wasm_memorytype_t *type = wasm_memorytype_new(&limits);
    memory = wasm_memory_new(store, type);
    wasm_memorytype_delete(type);
    CHECK_INT(wasm_memory_size(memory), 5);
    CHECK(!wasm_memory_grow(memory, 1));
    wasm_memorytype_t *seen = wasm_memory_type(memory);
    CHECK_INT(wasm_memorytype_limits(seen)->max, 5);
    wasm_memorytype_delete(seen);
    wasm_memory_delete(memory);
    end();
}

/* ---- table ------------------------------------------------------------------------------- */

static wasm_trap_t *negate(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    results->data[0].kind = WASM_I32;
    results->data[0].of.i32 = -args->data[0].of.i32;
    return NULL;
}

TEST(table)
{
    REQUIRE(begin());
    wasm_extern_vec_t exports;
    wasm_instance_t *instance = instance_of(
        "(module (table (export \"table\") 2 10 funcref) (type $t (func (param i32) (result i32)))"
        " (func (export \"call\") (param i32 i32) (result i32)"
        "  (call_indirect (type $t) (local.get 0) (local.get 1)))"
        " (func $f (export \"f\") (param i32) (result i32)"
        "  (i32.add (local.get 0) (i32.const 1)))"
        " (elem (i32.const 1) $f))",
        NULL, 0, &exports);
    REQUIRE(exports.size == 3);
    wasm_table_t *table = wasm_extern_as_table(exports.data[0]);
    wasm_func_t *f = func_at(&exports, 2);
    int32_t result = 0, at1[] = {7, 1}, at0[] = {7, 0}, at2[] = {7, 2};
    CHECK_INT(wasm_table_size(table), 2);
    CHECK(wasm_table_get(table, 0) == NULL);
    wasm_ref_t *element = wasm_table_get(table, 1);
    CHECK(element != NULL && wasm_ref_same(element, wasm_func_as_ref(f)));
    CHECK(wasm_ref_as_func(element) == f);
    wasm_ref_delete(element);
    CHECK(call_i32(func_at(&exports, 1), at1, 2, &result) && result == 8);
    CHECK(!call_i32(func_at(&exports, 1), at0, 2, &result));

    wasm_functype_t *type = wasm_functype_new_1_1(wasm_valtype_new_i32(), wasm_valtype_new_i32());
    wasm_func_t *h = wasm_func_new(store, type, negate);
    wasm_functype_delete(type);
    CHECK(wasm_table_set(table, 0, wasm_func_as_ref(h)));
    CHECK(wasm_table_set(table, 1, NULL));
    CHECK(!wasm_table_set(table, 2, wasm_func_as_ref(h)));
    CHECK(call_i32(func_at(&exports, 1), at0, 2, &result) && result == -7);
    CHECK(!call_i32(func_at(&exports, 1), at1, 2, &result));
    CHECK(wasm_table_grow(table, 3, wasm_func_as_ref(f)));
    CHECK_INT(wasm_table_size(table), 5);
    CHECK(call_i32(func_at(&exports, 1), at2, 2, &result) && result == 8);
    CHECK(!wasm_table_grow(table, 6, NULL));
    wasm_func_delete(h);
    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);
    end();
}

/* ---- global ------------------------------------------------------------------------------ */

TEST(global)
{
    REQUIRE(begin());
    wasm_globaltype_t *type = wasm_globaltype_new(wasm_valtype_new_i64(), WASM_VAR);
    wasm_val_t value = WASM_I64_VAL(4);
    wasm_global_t *mine = wasm_global_new(store, type, &value);
    wasm_globaltype_delete(type);
    REQUIRE(mine != NULL);
    wasm_extern_t *imports[] = {wasm_global_as_extern(mine)};
    wasm_extern_vec_t exports;
    wasm_instance_t *instance =
        instance_of("(module (import \"\" \"g\" (global $g (mut i64)))"
                    " (global (export \"c\") f32 (f32.const 1.5))"
                    " (export \"again\" (global $g))"
                    " (func (export \"double\") (result i32)"
                    "  (global.set $g (i64.mul (global.get $g) (i64.const 2))) (i32.const 0)))",
                    imports, 1, &exports);
    REQUIRE(exports.size == 3);
    int32_t result;
    CHECK(call_i32(func_at(&exports, 2), NULL, 0, &result));
    wasm_global_get(mine, &value);
    CHECK(value.kind == WASM_I64 && value.of.i64 == 8);
    CHECK(wasm_global_same(mine, wasm_extern_as_global(exports.data[1])));
    value.of.i64 = 100;
    wasm_global_set(mine, &value);
    wasm_global_get(wasm_extern_as_global(exports.data[1]), &value);
    CHECK_INT(value.of.i64, 100);
    wasm_global_t *constant = wasm_extern_as_global(exports.data[0]);
    wasm_val_t two = WASM_F32_VAL(2);
    wasm_global_set(constant, &two);
    wasm_global_get(constant, &value);
    CHECK(value.kind == WASM_F32 && value.of.f32 == 1.5f);
    wasm_globaltype_t *seen = wasm_global_type(constant);
    CHECK_INT(wasm_globaltype_mutability(seen), WASM_CONST);
    CHECK_INT(wasm_valtype_kind(wasm_globaltype_content(seen)), WASM_F32);
    wasm_globaltype_delete(seen);
    wasm_val_t wrong = WASM_I32_VAL(1);
    wasm_globaltype_t *f64 = wasm_globaltype_new(wasm_valtype_new_f64(), WASM_VAR);
    CHECK(wasm_global_new(store, f64, &wrong) == NULL);
    wasm_globaltype_delete(f64);
    wasm_global_delete(mine);
    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);
    end();
}

/* ---- reflect ----------------------------------------------------------------------------- */

static void check_name(const wasm_name_t *name, const char *wanted)
{
    CHECK_INT(name->size, strlen(wanted));
    CHECK(name->size == 0 || memcmp(name->data, wanted, name->size) == 0);
}

TEST(reflect)
{
    REQUIRE(begin());
    wasm_module_t *module =
        module_of("(module (import \"env\" \"f\" (func (param i32 externref) (result f64)))"
                  " (func (export \"func\") (param i32 f64 f32) (result i32) unreachable)"
                  " (global (export \"global\") (mut f64) (f64.const 0))"
                  " (table (export \"table\") 0 50 funcref) (memory (export \"memory\") 1))");
    REQUIRE(module != NULL);
    wasm_importtype_vec_t imports;
    wasm_module_imports(module, &imports);
    REQUIRE(imports.size == 1);
    check_name(wasm_importtype_module(imports.data[0]), "env");
    check_name(wasm_importtype_name(imports.data[0]), "f");
    const wasm_functype_t *func =
        wasm_externtype_as_functype_const(wasm_importtype_type(imports.data[0]));
    REQUIRE(func != NULL);
    CHECK_INT(wasm_functype_params(func)->size, 2);
    CHECK_INT(wasm_valtype_kind(wasm_functype_params(func)->data[1]), WASM_EXTERNREF);
    CHECK_INT(wasm_valtype_kind(wasm_functype_results(func)->data[0]), WASM_F64);
    CHECK(wasm_externtype_as_globaltype_const(wasm_importtype_type(imports.data[0])) == NULL);

    wasm_exporttype_vec_t exports, copies;
    wasm_module_exports(module, &exports);
    REQUIRE(exports.size == 4);
    wasm_exporttype_vec_copy(&copies, &exports);
    wasm_exporttype_vec_delete(&exports);
    static const wasm_externkind_t kinds[] = {WASM_EXTERN_FUNC, WASM_EXTERN_GLOBAL,
                                              WASM_EXTERN_TABLE, WASM_EXTERN_MEMORY};
    static const char *const names[] = {"func", "global", "table", "memory"};
    for (size_t i = 0; i < 4; i++) {
        check_name(wasm_exporttype_name(copies.data[i]), names[i]);
        CHECK_INT(wasm_externtype_kind(wasm_exporttype_type(copies.data[i])), kinds[i]);
    }
    const wasm_tabletype_t *table =
        wasm_externtype_as_tabletype_const(wasm_exporttype_type(copies.data[2]));
    CHECK_INT(wasm_tabletype_limits(table)->max, 50);
    CHECK_INT(wasm_valtype_kind(wasm_tabletype_element(table)), WASM_FUNCREF);
    const wasm_memorytype_t *memory =
        wasm_externtype_as_memorytype_const(wasm_exporttype_type(copies.data[3]));
    CHECK(wasm_memorytype_limits(memory)->max == wasm_limits_max_default);
    wasm_exporttype_vec_delete(&copies);
    wasm_importtype_vec_delete(&imports);
    wasm_module_delete(module);
    end();
}

/* ---- multi ------------------------------------------------------------------------------- */

static wasm_trap_t *swap(const wasm_val_vec_t *args, wasm_val_vec_t *results)
{
    for (size_t i = 0; i < 4; i++)
        wasm_val_copy(&results->data[i], &args->data[3 - i]);
    return NULL;
}

TEST(multi)
{
    REQUIRE(begin());
    wasm_valtype_t *params[] = {wasm_valtype_new_i32(), wasm_valtype_new_i64(),
                                wasm_valtype_new_f32(), wasm_valtype_new_f64()};
    wasm_valtype_t *results[] = {wasm_valtype_new_f64(), wasm_valtype_new_f32(),
                                 wasm_valtype_new_i64(), wasm_valtype_new_i32()};
    wasm_functype_t *type = wasm_functype_new_of(4, params, 4, results);
    wasm_func_t *func = wasm_func_new(store, type, swap);
    wasm_functype_delete(type);
    wasm_extern_t *imports[] = {wasm_func_as_extern(func)};
    wasm_extern_vec_t exports;
    wasm_instance_t *instance = instance_of(
        "(module (func $f (import \"\" \"f\") (param i32 i64 f32 f64) (result f64 f32 i64 i32))"
        " (func (export \"g\") (param i32 i64 f32 f64) (result f64 f32 i64 i32)"
        "  (call $f (local.get 0) (local.get 1) (local.get 2) (local.get 3))))",
        imports, 1, &exports);
    REQUIRE(exports.size == 1);
    wasm_val_t args[] = {WASM_I32_VAL(1), WASM_I64_VAL(2), WASM_F32_VAL(3), WASM_F64_VAL(4)};
    wasm_val_t outs[4];
    wasm_val_vec_t arg_vec = WASM_ARRAY_VEC(args), out_vec = WASM_ARRAY_VEC(outs);
    CHECK(wasm_func_call(func_at(&exports, 0), &arg_vec, &out_vec) == NULL);
    CHECK(outs[0].kind == WASM_F64 && outs[0].of.f64 == 4);
    CHECK(outs[1].kind == WASM_F32 && outs[1].of.f32 == 3);
    CHECK(outs[2].kind == WASM_I64 && outs[2].of.i64 == 2);
    CHECK(outs[3].kind == WASM_I32 && outs[3].of.i32 == 1);
    wasm_func_delete(func);
    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);
    end();
}

/* ---- hostref: host objects in the guest -------------------------------------------------- */

static int info_deletions;

static void delete_info(void *info)
{
    (void)info;
    info_deletions++;
}

TEST(hostref)
{
    REQUIRE(begin());
    info_deletions = 0;
    wasm_extern_vec_t exports;
    wasm_instance_t *instance =
        instance_of("(module (global $g (mut externref) (ref.null extern))"
                    " (table (export \"table\") 10 externref)"
                    " (func (export \"set\") (param externref) (global.set $g (local.get 0)))"
                    " (func (export \"get\") (result externref) (global.get $g)))",
                    NULL, 0, &exports);
    REQUIRE(exports.size == 3);
    wasm_foreign_t *one = wasm_foreign_new(store), *two = wasm_foreign_new(store);
    wasm_foreign_set_host_info_with_finalizer(one, &hellos, delete_info);
    wasm_foreign_set_host_info_with_finalizer(two, &hellos, delete_info);
    CHECK(!wasm_foreign_same(one, two));
    wasm_val_t args[] = {WASM_REF_VAL(wasm_foreign_as_ref(one))}, outs[1];
    wasm_val_vec_t arg_vec = WASM_ARRAY_VEC(args), out_vec = WASM_ARRAY_VEC(outs),
                   none = WASM_EMPTY_VEC;
    CHECK(wasm_func_call(func_at(&exports, 1), &arg_vec, &none) == NULL);
    wasm_foreign_delete(one);
    CHECK_INT(info_deletions, 0);
    CHECK(wasm_func_call(func_at(&exports, 2), &none, &out_vec) == NULL);
    CHECK(outs[0].kind == WASM_EXTERNREF && wasm_ref_as_foreign(outs[0].of.ref) == one);
    CHECK(wasm_foreign_get_host_info(wasm_ref_as_foreign(outs[0].of.ref)) == &hellos);
    wasm_val_delete(&outs[0]);

    wasm_table_t *table = wasm_extern_as_table(exports.data[0]);
    CHECK(wasm_table_set(table, 3, wasm_foreign_as_ref(two)));
    wasm_ref_t *back = wasm_table_get(table, 3);
    CHECK(wasm_ref_as_foreign(back) == two);
    wasm_ref_delete(back);
    CHECK(wasm_table_get(table, 4) == NULL);
    /* A function is a host object to an externref. */
    CHECK(wasm_table_set(table, 4, wasm_func_as_ref(func_at(&exports, 1))));
    back = wasm_table_get(table, 4);
    CHECK(wasm_ref_as_func(back) == func_at(&exports, 1));
    wasm_ref_delete(back);
    wasm_foreign_delete(two);
    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);
    CHECK_INT(info_deletions, 0);
    end();
    CHECK_INT(info_deletions, 2);
}

/* ---- finalize: host info and any order of deletion --------------------------------------- */

TEST(objects_outlive_the_store_handle)
{
    REQUIRE(begin());
    info_deletions = 0;
    wasm_extern_vec_t exports;
    wasm_instance_t *instance =
        instance_of("(module (func (export \"f\") (result i32) (i32.const 5)))", NULL, 0, &exports);
    REQUIRE(exports.size == 1);
    wasm_instance_set_host_info_with_finalizer(instance, &hellos, delete_info);
    wasm_func_set_host_info(func_at(&exports, 0), &engine);
    wasm_extern_vec_t again;
    wasm_instance_exports(instance, &again);
    CHECK(wasm_func_get_host_info(func_at(&again, 0)) == &engine);
    CHECK(wasm_extern_same(exports.data[0], again.data[0]));
    wasm_extern_vec_delete(&again);
    wasm_store_delete(store);
    wasm_engine_delete(engine);
    int32_t result = 0;
    CHECK(call_i32(func_at(&exports, 0), NULL, 0, &result) && result == 5);
    wasm_instance_delete(instance);
    CHECK_INT(info_deletions, 0);
    wasm_extern_vec_delete(&exports);
    CHECK_INT(info_deletions, 1);
}

/* ---- serialize, share, and what goes wrong ----------------------------------------------- */

TEST(serialize_and_share)
{
    REQUIRE(begin());
    wasm_byte_vec_t serialized;
    wasm_module_t *module = module_of("(module (func (export \"f\")))");
    wasm_module_serialize(module, &serialized);
    wasm_module_t *copy = wasm_module_deserialize(store, &serialized);
    CHECK(copy != NULL && serialized.size > 8);
    wasm_byte_vec_delete(&serialized);
    wasm_module_delete(copy);

    wasm_shared_module_t *shared = wasm_module_share(module);
    wasm_module_delete(module);
    wasm_store_t *second = wasm_store_new(engine);
    wasm_module_t *obtained = wasm_module_obtain(second, shared);
    CHECK(obtained != NULL);
    wasm_module_delete(obtained);
    wasm_store_delete(second);
    wasm_engine_t *other_engine = wasm_engine_new();
    wasm_store_t *third = wasm_store_new(other_engine);
    CHECK(wasm_module_obtain(third, shared) == NULL);
    wasm_store_delete(third);
    wasm_engine_delete(other_engine);
    wasm_shared_module_delete(shared);
    end();
}

TEST(what_goes_wrong)
{
    REQUIRE(begin());
    wasm_byte_vec_t bytes;
    wasm_byte_vec_new(&bytes, 4, "what");
    CHECK(!wasm_module_validate(store, &bytes));
    CHECK(wasm_module_new(store, &bytes) == NULL);
    wasm_byte_vec_delete(&bytes);
    wasm_module_t *module = module_of("(module (import \"a\" \"b\" (func)))");
    wasm_extern_vec_t none = WASM_EMPTY_VEC;
    wasm_trap_t *trap = NULL;
    CHECK(wasm_instance_new(store, module, &none, &trap) == NULL);
    CHECK(trap != NULL);
    wasm_trap_delete(trap);
    CHECK(wasm_instance_new(store, module, &none, NULL) == NULL);
    wasm_module_delete(module);
    module = module_of("(module (func $f unreachable) (start $f))");
    CHECK(wasm_instance_new(store, module, &none, &trap) == NULL);
    REQUIRE(trap != NULL);
    check_message(trap, "unreachable");
    wasm_trap_delete(trap);
    wasm_module_delete(module);

    /* A vector has no kind here; such a function can be looked at, not called. */
    wasm_extern_vec_t exports;
    wasm_instance_t *instance = instance_of(
        "(module (func (export \"f\") (result v128) (v128.const i64x2 0 0)))", NULL, 0, &exports);
    wasm_val_t out;
    wasm_val_vec_t outs = {1, &out};
    wasm_val_vec_t no_vals = WASM_EMPTY_VEC;
    trap = wasm_func_call(func_at(&exports, 0), &no_vals, &outs);
    CHECK(trap != NULL);
    wasm_trap_delete(trap);
    wasm_extern_vec_delete(&exports);
    wasm_instance_delete(instance);
    end();
}

TEST(conversions_of_pointers)
{
    wasm_val_t val;
    wasm_val_init_ptr(&val, &engine);
    CHECK(wasm_val_ptr(&val) == &engine);
    CHECK(wasm_valkind_is_num(val.kind));
}

CHECK_MAIN
