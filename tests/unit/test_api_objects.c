/* SPDX-License-Identifier: Apache-2.0 */
/* The C API: memories, tables, globals, references, exceptions, linking, introspection, WASI. */
#include "check.h"

#include <stdlib.h>
#include <unistd.h>

#include "stint.h"

static stint_engine *engine;
static stint_linker *linker;
static stint_store *store;
static struct stint_error error;

static bool begin(void)
{
    memset(&error, 0, sizeof(error));
    return stint_engine_new(NULL, &engine, &error) == STINT_OK &&
           stint_linker_new(engine, &linker, &error) == STINT_OK &&
           stint_store_new(engine, NULL, &store, &error) == STINT_OK;
}

static void end(void)
{
    stint_store_free(store);
    stint_linker_free(linker);
    stint_engine_release(engine);
}

static stint_module *module_from(const char *text)
{
    stint_module *module = NULL;
    memset(&error, 0, sizeof(error));
    if (stint_module_new_from_text(engine, text, strlen(text), &module, &error) != STINT_OK)
        printf("  %s\n", error.message);
    return module;
}

static stint_instance *instance_from(const char *text)
{
    stint_instance *instance = NULL;
    stint_module *module = module_from(text);
    if (module == NULL)
        return NULL;
    if (stint_linker_instantiate(linker, store, module, &instance, &error) != STINT_OK)
        instance = NULL;
    stint_module_release(module);
    return instance;
}

static enum stint_status call(stint_instance *instance, const char *name, const stint_value *args,
                              size_t arg_count, stint_value *results, size_t result_count)
{
    memset(&error, 0, sizeof(error));
    return stint_func_call(store, stint_instance_func(instance, name), args, arg_count, results,
                           result_count, &error);
}

TEST(memories)
{
    REQUIRE(begin());
    const struct stint_limits limits = {.min = 1, .max = 3};
    const struct stint_limits wrong = {.min = 2, .max = 1};
    stint_memory *memory;
    CHECK(stint_memory_new(store, &wrong, &memory, &error) == STINT_ARGUMENT);
    REQUIRE(stint_memory_new(store, &limits, &memory, NULL) == STINT_OK);
    CHECK_INT(stint_memory_bytes(memory), 65536);
    char text[6];
    CHECK(stint_memory_write(memory, 65530, "hello", 6));
    CHECK(!stint_memory_write(memory, 65531, "hello", 6));
    CHECK(!stint_memory_write(memory, UINT64_MAX, "hello", 6));
    CHECK(stint_memory_read(memory, 65530, text, 6));
    CHECK_STR(text, "hello");
    CHECK(!stint_memory_read(memory, 65536, text, 1));
    CHECK(stint_memory_read(memory, 65536, text, 0));
    CHECK(memcmp(stint_memory_data(memory) + 65530, "hello", 6) == 0);
    uint64_t pages;
    CHECK(stint_memory_grow(memory, 2, &pages) == STINT_OK);
    CHECK_INT(pages, 1);
    CHECK(stint_memory_grow(memory, 1, NULL) == STINT_LIMIT);
    CHECK_INT(stint_memory_bytes(memory), 3 * 65536);
    CHECK_INT(stint_memory_type(memory).max, 3);
    end();
}

TEST(tables)
{
    REQUIRE(begin());
    stint_instance *instance = instance_from("(module (func (export \"f\")))");
    REQUIRE(instance != NULL);
    const struct stint_table_type type = {STINT_TYPE_FUNCREF, {.min = 2, .max = 4}};
    stint_value null = stint_funcref(NULL), func, number = stint_i32(1);
    func = stint_funcref(stint_instance_func(instance, "f"));
    stint_table *table;
    CHECK(stint_table_new(store, &type, &number, &table, &error) == STINT_ARGUMENT);
    REQUIRE(stint_table_new(store, &type, &null, &table, NULL) == STINT_OK);
    CHECK_INT(stint_table_count(table), 2);
    CHECK(stint_table_set(table, 1, &func, NULL) == STINT_OK);
    memset(&error, 0, sizeof(error));
    CHECK(stint_table_set(table, 2, &func, &error) == STINT_TRAP);
    CHECK(error.trap == STINT_TRAP_TABLE_BOUNDS);
    stint_value value;
    CHECK(stint_table_get(table, 1, &value, NULL) == STINT_OK);
    CHECK(value.kind == STINT_KIND_FUNC && value.of.func == func.of.func);
    CHECK(stint_table_get(table, 0, &value, NULL) == STINT_OK && value.of.func == NULL);
    CHECK(stint_table_grow(table, 2, &func, NULL) == STINT_OK);
    CHECK(stint_table_grow(table, 1, &func, NULL) == STINT_LIMIT);
    CHECK_INT(stint_table_count(table), 4);
    CHECK(stint_table_type_of(table).element == STINT_TYPE_FUNCREF);
    end();
}

TEST(globals)
{
    REQUIRE(begin());
    const struct stint_global_type constant = {STINT_TYPE_I64, false},
                                   variable = {STINT_TYPE_F64, true};
    stint_value value = stint_i64(-5), other = stint_f64(2.5);
    stint_global *c, *v;
    REQUIRE(stint_global_new(store, &constant, &value, &c, NULL) == STINT_OK);
    REQUIRE(stint_global_new(store, &variable, &other, &v, NULL) == STINT_OK);
    CHECK(stint_global_set(c, &value, NULL) == STINT_ARGUMENT);
    CHECK(stint_global_set(v, &value, NULL) == STINT_ARGUMENT);
    other.of.f64 = 3.5;
    CHECK(stint_global_set(v, &other, NULL) == STINT_OK);
    CHECK(stint_global_get(v, &value, NULL) == STINT_OK && value.of.f64 == 3.5);
    CHECK(stint_global_get(c, &value, NULL) == STINT_OK && value.of.i64 == -5);
    CHECK(stint_global_type_of(v).is_mutable && stint_global_type_of(c).type == STINT_TYPE_I64);
    end();
}

/* ---- References -------------------------------------------------------------------------- */

static int finalized;

static void count_finalized(void *pointer)
{
    ++*(int *)pointer;
}

TEST(host_pointers_as_externref)
{
    finalized = 0;
    REQUIRE(begin());
    stint_instance *instance =
        instance_from("(module (global $g (mut externref) (ref.null extern))"
                      " (func (export \"put\") (param externref) (global.set $g (local.get 0)))"
                      " (func (export \"get\") (result externref) (global.get $g)))");
    REQUIRE(instance != NULL);
    stint_ref ref;
    REQUIRE(stint_ref_from_pointer(store, &finalized, count_finalized, &ref, NULL) == STINT_OK);
    CHECK(stint_ref_kind_of(store, ref) == STINT_REF_HOST);
    stint_value value = stint_externref(ref), back;
    CHECK(call(instance, "put", &value, 1, NULL, 0) == STINT_OK);
    stint_ref_release(store, ref);
    stint_store_collect(store);
    CHECK_INT(finalized, 0);
    CHECK(call(instance, "get", NULL, 0, &back, 1) == STINT_OK);
    void *pointer = NULL;
    CHECK(back.kind == STINT_KIND_EXTERN && stint_ref_pointer(store, back.of.ref, &pointer));
    CHECK(pointer == &finalized);
    stint_ref_release(store, back.of.ref);

    value.of.ref.handle = 0;
    CHECK(call(instance, "put", &value, 1, NULL, 0) == STINT_OK);
    stint_store_collect(store);
    CHECK_INT(finalized, 1);
    CHECK(call(instance, "get", NULL, 0, &back, 1) == STINT_OK);
    CHECK(back.of.ref.handle == 0 && stint_ref_kind_of(store, back.of.ref) == STINT_REF_NULL);
    REQUIRE(stint_ref_from_pointer(store, &finalized, count_finalized, &ref, NULL) == STINT_OK);
    end();
    CHECK_INT(finalized, 2);
}

TEST(collected_objects)
{
    REQUIRE(begin());
    stint_instance *instance = instance_from(
        "(module (type $s (struct (field (mut i32)))) (type $a (array i8))"
        " (func (export \"make\") (param i32) (result anyref) (struct.new $s (local.get 0)))"
        " (func (export \"array\") (result (ref $a)) (array.new_default $a (i32.const 3)))"
        " (func (export \"read\") (param (ref $s)) (result i32) (struct.get $s 0 (local.get 0))))");
    REQUIRE(instance != NULL);
    stint_value arg = stint_i32(77), object, array, result;
    CHECK(call(instance, "make", &arg, 1, &object, 1) == STINT_OK);
    CHECK(object.kind == STINT_KIND_ANY);
    CHECK(stint_ref_kind_of(store, object.of.ref) == STINT_REF_STRUCT);
    stint_store_collect(store);
    CHECK(call(instance, "read", &object, 1, &result, 1) == STINT_OK);
    CHECK_INT(result.of.i32, 77);
    CHECK(call(instance, "array", NULL, 0, &array, 1) == STINT_OK);
    CHECK(stint_ref_kind_of(store, array.of.ref) == STINT_REF_ARRAY);
    CHECK(call(instance, "read", &array, 1, &result, 1) == STINT_ARGUMENT);
    CHECK(!stint_ref_equal(store, array.of.ref, object.of.ref));
    stint_ref copy;
    CHECK(stint_ref_copy(store, object.of.ref, &copy, NULL) == STINT_OK);
    stint_ref_release(store, object.of.ref);
    stint_store_collect(store);
    object.of.ref = copy;
    CHECK(call(instance, "read", &object, 1, &result, 1) == STINT_OK);
    stint_ref_release(store, copy);
    stint_ref_release(store, array.of.ref);

    stint_ref i31;
    int32_t number = 0;
    CHECK(stint_ref_from_i31(store, -3, &i31, NULL) == STINT_OK);
    CHECK(stint_ref_i31(store, i31, &number) && number == -3);
    CHECK(stint_ref_kind_of(store, i31) == STINT_REF_I31);
    void *pointer;
    CHECK(!stint_ref_pointer(store, i31, &pointer));
    stint_ref_release(store, i31);
    end();
}

/* ---- Exceptions -------------------------------------------------------------------------- */

static enum stint_status throw(stint_call * c, void *env, const stint_value *args,
                               stint_value *ret_results) {
    (void)ret_results; stint_ref exception;
    enum stint_status status =
        stint_exception_new(stint_call_store(c), env, args, 1, &exception, NULL);
    if (status == STINT_OK){status = stint_call_throw(c, exception);
                            stint_ref_release(stint_call_store(c), exception);}
return status;
}

TEST(exceptions_in_both_directions)
{
    static const stint_valtype i32s[] = {STINT_TYPE_I32};
    const struct stint_func_type type = {i32s, 1, NULL, 0};
    struct stint_extern external = {.kind = STINT_EXTERN_TAG};
    REQUIRE(begin());
    REQUIRE(stint_tag_new(store, &type, &external.of.tag, NULL) == STINT_OK);
    CHECK_INT(stint_tag_type(external.of.tag).param_count, 1);
    CHECK(stint_linker_define(linker, store, "host", "tag", &external, NULL) == STINT_OK);
    CHECK(stint_linker_define_func(linker, "host", "throw", &type, throw, external.of.tag, NULL,
                                   NULL) == STINT_OK);
    stint_instance *instance =
        instance_from("(module (import \"host\" \"tag\" (tag $t (param i32)))"
                      " (import \"host\" \"throw\" (func $throw (param i32)))"
                      " (func (export \"throw\") (param i32) (throw $t (local.get 0)))"
                      " (func (export \"catch\") (param i32) (result i32)"
                      "  (block $h (result i32)"
                      "   (try_table (catch $t $h) (call $throw (local.get 0))) (i32.const -1))))");
    REQUIRE(instance != NULL);
    stint_value arg = stint_i32(31), result;
    CHECK(call(instance, "catch", &arg, 1, &result, 1) == STINT_OK);
    CHECK_INT(result.of.i32, 31);

    CHECK(call(instance, "throw", &arg, 1, NULL, 0) == STINT_EXCEPTION);
    stint_ref exception = stint_store_take_exception(store);
    CHECK(stint_ref_kind_of(store, exception) == STINT_REF_EXN);
    CHECK(stint_exception_tag(store, exception) == external.of.tag);
    CHECK(stint_exception_payload(store, exception, &result, 1, NULL) == STINT_OK);
    CHECK_INT(result.of.i32, 31);
    CHECK(stint_exception_payload(store, exception, &result, 2, NULL) == STINT_ARGUMENT);
    stint_ref_release(store, exception);
    CHECK(stint_store_take_exception(store).handle == 0);
    end();
}

/* ---- Linking ----------------------------------------------------------------------------- */

TEST(unknown_imports_are_all_named)
{
    REQUIRE(begin());
    stint_module *module = module_from("(module (import \"a\" \"x\" (func))"
                                       " (import \"b\" \"y\" (global i32)))");
    stint_instance *instance;
    CHECK(!stint_linker_knows(linker, module, 0));
    CHECK(stint_linker_instantiate(linker, store, module, &instance, &error) == STINT_UNLINKABLE);
    CHECK_STR(error.message, "unknown imports: a.x, b.y");
    stint_module_release(module);
    end();
}

TEST(instances_are_linked_to_each_other)
{
    REQUIRE(begin());
    stint_instance *library = instance_from("(module (memory (export \"m\") 1)"
                                            " (global (export \"g\") (mut i32) (i32.const 3))"
                                            " (table (export \"t\") 1 funcref)"
                                            " (func (export \"f\") (result i32) (i32.const 4)))");
    REQUIRE(library != NULL);
    CHECK(stint_linker_define_instance(linker, "lib", library, NULL) == STINT_OK);
    stint_instance *user = instance_from(
        "(module (import \"lib\" \"m\" (memory 1)) (import \"lib\" \"g\" (global $g (mut i32)))"
        " (import \"lib\" \"f\" (func $f (result i32))) (import \"lib\" \"t\" (table 1 funcref))"
        " (func (export \"sum\") (result i32) (i32.add (global.get $g) (call $f))))");
    REQUIRE(user != NULL);
    stint_value result;
    CHECK(call(user, "sum", NULL, 0, &result, 1) == STINT_OK);
    CHECK_INT(result.of.i32, 7);

    struct stint_extern external;
    CHECK(stint_instance_export(library, "g", &external));
    CHECK(external.kind == STINT_EXTERN_GLOBAL);
    stint_value value = stint_i32(10);
    CHECK(stint_global_set(external.of.global, &value, NULL) == STINT_OK);
    CHECK(call(user, "sum", NULL, 0, &result, 1) == STINT_OK);
    CHECK_INT(result.of.i32, 14);
    CHECK(!stint_instance_export(library, "nothing", &external));
    CHECK(stint_instance_func(library, "g") == NULL);
    CHECK(stint_instance_memory(library, "f") == NULL);

    /* The wrong store, and the wrong type. */
    stint_module *module = module_from("(module (import \"lib\" \"f\" (func (param i32))))");
    stint_store *other;
    stint_instance *instance;
    REQUIRE(stint_store_new(engine, NULL, &other, NULL) == STINT_OK);
    memset(&error, 0, sizeof(error));
    CHECK(stint_linker_instantiate(linker, other, module, &instance, &error) == STINT_ARGUMENT);
    CHECK_STR(error.message, "lib.f was defined with an object of another store");
    stint_store_free(other);
    memset(&error, 0, sizeof(error));
    CHECK(stint_linker_instantiate(linker, store, module, &instance, &error) == STINT_UNLINKABLE);
    stint_module_release(module);
    end();
}

static void check_name(struct stint_name name, const char *wanted)
{
    CHECK_INT(name.bytes, strlen(wanted));
    CHECK(strncmp(name.text, wanted, name.bytes) == 0);
}

TEST(introspection)
{
    REQUIRE(begin());
    stint_module *module = module_from(
        "(module (import \"env\" \"f\" (func (param i32 funcref) (result f64)))"
        " (import \"env\" \"t\" (table 1 2 externref)) (memory (export \"m\") 3)"
        " (global (export \"g\") (mut i64) (i64.const 1)) (@custom \"note\" \"text\"))");
    REQUIRE(module != NULL);
    struct stint_import import;
    struct stint_export export;
    CHECK_INT(stint_module_import_count(module), 2);
    CHECK_INT(stint_module_export_count(module), 2);
    stint_module_import(module, 0, &import);
    check_name(import.module, "env");
    check_name(import.name, "f");
    CHECK(import.type.kind == STINT_EXTERN_FUNC && import.type.of.func.param_count == 2);
    CHECK(import.type.of.func.params[1] == STINT_TYPE_FUNCREF);
    CHECK(import.type.of.func.results[0] == STINT_TYPE_F64);
    stint_module_import(module, 1, &import);
    CHECK(import.type.kind == STINT_EXTERN_TABLE && import.type.of.table.limits.max == 2);
    CHECK(import.type.of.table.element == STINT_TYPE_EXTERNREF);
    stint_module_export(module, 0, &export);
    CHECK(export.type.kind == STINT_EXTERN_MEMORY && export.type.of.memory.min == 3);
    CHECK(export.type.of.memory.max == UINT64_MAX);
    stint_module_export(module, 1, &export);
    check_name(export.name, "g");
    CHECK(export.type.of.global.type == STINT_TYPE_I64 && export.type.of.global.is_mutable);
    const uint8_t *bytes;
    size_t size_bytes;
    CHECK(stint_module_custom_section(module, "note", &bytes, &size_bytes));
    CHECK(size_bytes == 4 && memcmp(bytes, "text", 4) == 0);
    CHECK(!stint_module_custom_section(module, "none", &bytes, &size_bytes));
    stint_module_release(module);
    end();
}

TEST(two_instances_by_hand)
{
    REQUIRE(begin());
    stint_module *module =
        module_from("(module (import \"\" \"\" (global $g i32)) (func (export \"f\") (result i32)"
                    " (global.get $g)))");
    const struct stint_global_type type = {STINT_TYPE_I32, false};
    stint_value results[2];
    for (int i = 0; i < 2; i++) {
        struct stint_extern external = {.kind = STINT_EXTERN_GLOBAL};
        stint_value value = stint_i32(100 + i);
        stint_instance *instance;
        REQUIRE(stint_global_new(store, &type, &value, &external.of.global, NULL) == STINT_OK);
        REQUIRE(stint_instance_new(store, module, &external, 1, &instance, NULL) == STINT_OK);
        CHECK(stint_instance_module(instance) == module);
        CHECK(call(instance, "f", NULL, 0, &results[i], 1) == STINT_OK);
        stint_instance_export_at(instance, 0, &external);
        CHECK(external.kind == STINT_EXTERN_FUNC);
    }
    CHECK_INT(results[0].of.i32, 100);
    CHECK_INT(results[1].of.i32, 101);
    stint_instance *instance;
    CHECK(stint_instance_new(store, module, NULL, 0, &instance, NULL) == STINT_ARGUMENT);
    stint_module_release(module);
    end();
}

/* ---- WASI -------------------------------------------------------------------------------- */

static const char wasi_guest[] =
    "(module (import \"wasi_snapshot_preview1\" \"args_sizes_get\""
    "  (func $sizes (param i32 i32) (result i32)))"
    " (import \"wasi_snapshot_preview1\" \"fd_write\""
    "  (func $write (param i32 i32 i32 i32) (result i32)))"
    " (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param i32)))"
    " (memory (export \"memory\") 1) (data (i32.const 16) \"said\")"
    " (func (export \"_start\")"
    "  (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 4))"
    "  (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))"
    "  (drop (call $sizes (i32.const 0) (i32.const 4)))"
    "  (call $exit (i32.load (i32.const 0)))))";

TEST(wasi)
{
    int ends[2];
    REQUIRE(begin());
    REQUIRE(pipe(ends) == 0);
    stint_linker_define_wasi(linker);
    stint_module *module = module_from(wasi_guest);
    stint_instance *instance;
    REQUIRE(module != NULL);
    CHECK(stint_linker_knows(linker, module, 0));
    CHECK(stint_linker_instantiate(linker, store, module, &instance, &error) == STINT_ARGUMENT);
    stint_wasi_config *config = stint_wasi_config_new();
    for (int i = 0; i < 3; i++)
        CHECK(stint_wasi_config_add_arg(config, "word") == STINT_OK);
    CHECK(stint_wasi_config_add_env(config, "NAME", "value") == STINT_OK);
    CHECK(stint_wasi_config_add_env(config, "A=B", "value") == STINT_ARGUMENT);
    stint_wasi_config_set_stdio(config, -1, ends[1], -1);
    memset(&error, 0, sizeof(error));
    REQUIRE(stint_store_set_wasi(store, config, &error) == STINT_OK);
    CHECK(stint_store_set_wasi(store, config, NULL) == STINT_ARGUMENT);
    stint_wasi_config_free(config);
    REQUIRE(stint_linker_instantiate(linker, store, module, &instance, &error) == STINT_OK);
    uint32_t code = 99;
    CHECK(stint_instance_run(instance, &code, &error) == STINT_OK);
    CHECK_INT(code, 3);
    char text[5] = "";
    CHECK_INT(read(ends[0], text, 4), 4);
    CHECK_STR(text, "said");
    close(ends[0]);
    close(ends[1]);
    stint_module_release(module);
    end();
}

TEST(wasi_names_a_directory_that_is_not_there)
{
    REQUIRE(begin());
    stint_wasi_config *config = stint_wasi_config_new();
    CHECK(stint_wasi_config_add_dir(config, "/nonexistent/place", "/", true) == STINT_OK);
    CHECK(stint_store_set_wasi(store, config, &error) != STINT_OK);
    CHECK(strstr(error.message, "/nonexistent/place") != NULL);
    stint_wasi_config_free(config);
    end();
}

CHECK_MAIN
