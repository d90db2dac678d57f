/* SPDX-License-Identifier: Apache-2.0 */
/* The C API: engines, modules, calls, host functions, metering, failures. */
#include "check.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "stint.h"

static stint_engine *engine;
static stint_linker *linker;
static stint_store *store;
static stint_instance *instance;
static struct stint_error error;

static stint_module *module_from(const char *text)
{
    stint_module *module = NULL;
    memset(&error, 0, sizeof(error));
    if (stint_module_new_from_text(engine, text, strlen(text), &module, &error) != STINT_OK)
        printf("  %s\n", error.message);
    return module;
}

/* Engine, linker and store; a module too, unless `text` is NULL. */
static bool begin(const char *text)
{
    engine = NULL;
    linker = NULL;
    store = NULL;
    instance = NULL;
    memset(&error, 0, sizeof(error));
    stint_config *config = stint_config_new();
    stint_config_set_metering(config, true);
    bool ok = stint_engine_new(config, &engine, &error) == STINT_OK &&
              stint_linker_new(engine, &linker, &error) == STINT_OK &&
              stint_store_new(engine, NULL, &store, &error) == STINT_OK;
    stint_config_free(config);
    if (ok && text != NULL) {
        stint_module *module = module_from(text);
        ok = module != NULL &&
             stint_linker_instantiate(linker, store, module, &instance, &error) == STINT_OK;
        stint_module_release(module);
    }
    return ok;
}

static void end(void)
{
    stint_store_free(store);
    stint_linker_free(linker);
    stint_engine_release(engine);
}

static enum stint_status call(const char *name, const stint_value *args, size_t arg_count,
                              stint_value *results, size_t result_count)
{
    memset(&error, 0, sizeof(error));
    return stint_func_call(store, stint_instance_func(instance, name), args, arg_count, results,
                           result_count, &error);
}

TEST(numbers_pass_both_ways)
{
    REQUIRE(begin("(module (func (export \"f\") (param i32 i64 f32 f64) (result f64 f32 i64 i32)"
                  " local.get 3 local.get 2 local.get 1 local.get 0))"));
    stint_value args[] = {stint_i32(-7), stint_i64(INT64_MIN), stint_f32(1.5f), stint_f64(-0.25)};
    stint_value results[4];
    CHECK(call("f", args, 4, results, 4) == STINT_OK);
    CHECK(results[0].kind == STINT_KIND_F64 && results[0].of.f64 == -0.25);
    CHECK(results[1].kind == STINT_KIND_F32 && results[1].of.f32 == 1.5f);
    CHECK(results[2].kind == STINT_KIND_I64 && results[2].of.i64 == INT64_MIN);
    CHECK(results[3].kind == STINT_KIND_I32 && results[3].of.i32 == -7);
    end();
}

TEST(vectors_pass_both_ways)
{
    REQUIRE(begin("(module (func (export \"f\") (param v128) (result v128)"
                  " local.get 0 local.get 0 i32x4.add))"));
    stint_value arg = {.kind = STINT_KIND_V128}, result;
    for (int i = 0; i < 16; i++)
        arg.of.v128[i] = (uint8_t)i;
    CHECK(call("f", &arg, 1, &result, 1) == STINT_OK);
    CHECK(result.kind == STINT_KIND_V128);
    for (int i = 0; i < 16; i++)
        CHECK_INT(result.of.v128[i], 2 * i);
    end();
}

TEST(more_values_than_fit_the_stack_buffer)
{
    char text[2000] = "(module (func (export \"f\") (param";
    for (int i = 0; i < 40; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), " i64");
    snprintf(text + strlen(text), sizeof(text) - strlen(text), ") (result i64) local.get 39))");
    REQUIRE(begin(text));
    stint_value args[40], result;
    for (int i = 0; i < 40; i++)
        args[i] = stint_i64(i);
    CHECK(call("f", args, 40, &result, 1) == STINT_OK);
    CHECK_INT(result.of.i64, 39);
    end();
}

TEST(wrong_arguments_are_refused)
{
    REQUIRE(begin("(module (func (export \"f\") (param i32 funcref)))"));
    stint_value args[] = {stint_i32(1), stint_i32(2)};
    CHECK(call("f", args, 1, NULL, 0) == STINT_ARGUMENT);
    CHECK_STR(error.message, "the function takes 2 arguments and gives 0 results, not 1 and 0");
    CHECK(call("f", args, 2, NULL, 0) == STINT_ARGUMENT);
    CHECK_STR(error.message, "argument 2 is of kind i32, not funcref");
    args[1] = stint_funcref(NULL);
    CHECK(call("f", args, 2, NULL, 0) == STINT_OK);
    end();
}

TEST(errors_may_be_ignored)
{
    REQUIRE(begin("(module (func (export \"f\") unreachable))"));
    stint_func *func = stint_instance_func(instance, "f");
    CHECK(stint_func_call(store, func, NULL, 0, NULL, 0, NULL) == STINT_TRAP);
    stint_module *module;
    CHECK(stint_module_new(engine, (const uint8_t *)"x", 1, &module, NULL) == STINT_MALFORMED);
    CHECK(stint_module_new_from_file(engine, "/nonexistent", &module, NULL) == STINT_NOT_FOUND);
    end();
}

/* ---- Traps ------------------------------------------------------------------------------- */

TEST(a_trap_has_code_and_frames)
{
    REQUIRE(begin("(module (memory 1) (func $inner (param i32) (drop (i32.load (local.get 0))))"
                  " (func $outer (export \"f\") (call $inner (i32.const -1))))"));
    CHECK(call("f", NULL, 0, NULL, 0) == STINT_TRAP);
    CHECK(error.trap == STINT_TRAP_MEMORY_BOUNDS);
    CHECK_STR(stint_trap_text(error.trap), "out of bounds memory access");
    struct stint_frame frames[4];
    CHECK_INT(stint_store_backtrace(store, frames, 4), 2);
    CHECK_INT(frames[0].func_index, 0);
    CHECK_INT(frames[1].func_index, 1);
    CHECK(frames[0].instance == instance);
    char text[200], cut[8];
    size_t bytes = stint_store_format_backtrace(store, false, text, sizeof(text));
    CHECK_INT(bytes, strlen(text));
    CHECK(strstr(text, "inner") != NULL && strstr(text, "outer") != NULL);
    CHECK_INT(stint_store_format_backtrace(store, false, cut, sizeof(cut)), bytes);
    CHECK_INT(strlen(cut), sizeof(cut) - 1);
    end();
}

/* ---- Host functions ---------------------------------------------------------------------- */

static int frees;

static void count_free(void *env)
{
    ++*(int *)env;
}

static enum stint_status add_up(stint_call *c, void *env, const stint_value *args,
                                stint_value *ret_results)
{
    CHECK(stint_call_store(c) == store);
    CHECK(env == &frees);
    ret_results[0].of.i64 = args[0].of.i32 + args[1].of.i64;
    return STINT_OK;
}

static enum stint_status misbehave(stint_call *c, void *env, const stint_value *args,
                                   stint_value *ret_results)
{
    (void)env;
    switch (args[0].of.i32) {
    case 0:
        return stint_call_trap(c, "the sensor is on fire");
    case 1:
        return stint_call_exit(c, 42);
    case 2:
        ret_results[0] = stint_f32(1);
        return STINT_OK;
    case 3:
        return STINT_IO;
    case 4:
        return STINT_TRAP;
    case 5:
        return (enum stint_status)999;
    default:
        return STINT_EXCEPTION;
    }
}

static const stint_valtype add_params[] = {STINT_TYPE_I32, STINT_TYPE_I64};
static const stint_valtype i64_result[] = {STINT_TYPE_I64};

TEST(host_functions_are_called)
{
    frees = 0;
    REQUIRE(begin(NULL));
    const struct stint_func_type type = {add_params, 2, i64_result, 1};
    CHECK(stint_linker_define_func(linker, "host", "add", &type, add_up, &frees, count_free,
                                   &error) == STINT_OK);
    stint_module *module =
        module_from("(module (import \"host\" \"add\" (func $add (param i32 i64) (result i64)))"
                    " (export \"direct\" (func $add))"
                    " (func (export \"f\") (param i32) (result i64)"
                    "  (call $add (local.get 0) (i64.const 1000))))");
    REQUIRE(stint_linker_instantiate(linker, store, module, &instance, &error) == STINT_OK);
    stint_value args[] = {stint_i32(5), stint_i64(7)}, result;
    CHECK(call("f", args, 1, &result, 1) == STINT_OK);
    CHECK_INT(result.of.i64, 1005);
    CHECK(call("direct", args, 2, &result, 1) == STINT_OK);
    CHECK_INT(result.of.i64, 12);

    /* The function outlives the linker that it came from. */
    stint_linker_free(linker);
    linker = NULL;
    CHECK_INT(frees, 0);
    CHECK(call("f", args, 1, &result, 1) == STINT_OK);
    stint_module_release(module);
    end();
    CHECK_INT(frees, 1);
}

TEST(a_host_function_of_one_store)
{
    frees = 0;
    REQUIRE(begin(NULL));
    const struct stint_func_type type = {add_params, 2, i64_result, 1};
    stint_func *func;
    REQUIRE(stint_func_new(store, &type, add_up, &frees, count_free, &func, &error) == STINT_OK);
    stint_value args[] = {stint_i32(1), stint_i64(2)}, result;
    CHECK(stint_func_call(store, func, args, 2, &result, 1, &error) == STINT_OK);
    CHECK_INT(result.of.i64, 3);
    struct stint_func_type seen = stint_func_type_of(func);
    CHECK(seen.param_count == 2 && seen.params[1] == STINT_TYPE_I64 && seen.result_count == 1);
    uint64_t words[2] = {40, 2};
    CHECK(stint_func_call_unchecked(store, func, words, &error) == STINT_OK);
    CHECK_INT(words[0], 42);
    end();
    CHECK_INT(frees, 1);
}

TEST(host_functions_that_fail)
{
    REQUIRE(begin(NULL));
    const struct stint_func_type type = {add_params, 1, i64_result, 1};
    REQUIRE(stint_linker_define_func(linker, "host", "f", &type, misbehave, NULL, NULL, &error) ==
            STINT_OK);
    stint_module *module =
        module_from("(module (import \"host\" \"f\" (func $f (param i32) (result i64)))"
                    " (func (export \"f\") (param i32) (result i64) (call $f (local.get 0))))");
    REQUIRE(stint_linker_instantiate(linker, store, module, &instance, &error) == STINT_OK);
    stint_module_release(module);
    static const struct {
        enum stint_status status;
        const char *message;
    } wanted[] = {
        {STINT_TRAP, "the sensor is on fire"},
        {STINT_EXIT, "the guest exited with 42"},
        {STINT_TRAP, "the host function's result 1 is of kind f32, not i64"},
        {STINT_IO, "host function failed: input or output failed"},
        {STINT_TRAP, "host function failed"},
        {STINT_TRAP, "host function failed"},
        {STINT_TRAP, "host function failed"}, /* an exception that is not there */
    };
    for (int i = 0; i < 7; i++) {
        stint_value arg = stint_i32(i), result;
        CHECK(call("f", &arg, 1, &result, 1) == wanted[i].status);
        CHECK_STR(error.message, wanted[i].message);
        if (wanted[i].status == STINT_TRAP)
            CHECK(error.trap == STINT_TRAP_HOST);
        if (wanted[i].status == STINT_EXIT)
            CHECK_INT(error.exit_code, 42);
    }
    end();
}

static enum stint_status recurse(stint_call *c, void *env, const stint_value *args,
                                 stint_value *ret_results)
{
    (void)env;
    stint_instance *caller = stint_call_instance(c);
    stint_value arg = stint_i32(args[0].of.i32 - 1);
    CHECK(stint_call_memory(c) == stint_instance_memory(caller, "memory"));
    return stint_func_call(stint_call_store(c), stint_instance_func(caller, "f"), &arg, 1,
                           ret_results, 1, NULL);
}

TEST(guest_calls_host_calls_guest)
{
    REQUIRE(begin(NULL));
    static const stint_valtype i32s[] = {STINT_TYPE_I32};
    const struct stint_func_type type = {i32s, 1, i32s, 1};
    REQUIRE(stint_linker_define_func(linker, "host", "f", &type, recurse, NULL, NULL, &error) ==
            STINT_OK);
    stint_module *module = module_from(
        "(module (import \"host\" \"f\" (func $host (param i32) (result i32)))"
        " (memory (export \"memory\") 1)"
        " (func (export \"f\") (param i32) (result i32)"
        "  (if (result i32) (local.get 0)"
        "   (then (i32.add (i32.const 2) (call $host (local.get 0)))) (else (i32.const 0)))))");
    REQUIRE(stint_linker_instantiate(linker, store, module, &instance, &error) == STINT_OK);
    stint_module_release(module);
    stint_value arg = stint_i32(20), result;
    CHECK(call("f", &arg, 1, &result, 1) == STINT_OK);
    CHECK_INT(result.of.i32, 40);
    end();
}

/* ---- Metering ---------------------------------------------------------------------------- */

static const char spin[] =
    "(module (func (export \"spin\") (loop $l (br $l)))"
    " (func (export \"short\") (drop (i32.add (i32.const 1) (i32.const 2)))))";

TEST(fuel_runs_out_and_is_counted)
{
    REQUIRE(begin(spin));
    stint_store_set_fuel(store, 10000);
    CHECK(call("spin", NULL, 0, NULL, 0) == STINT_FUEL);
    CHECK_INT(stint_store_fuel_used(store), 10000);
    stint_store_set_fuel(store, 100);
    CHECK(call("short", NULL, 0, NULL, 0) == STINT_OK);
    CHECK(stint_store_fuel_used(store) > 10000);
    struct stint_stats stats;
    stint_store_stats(store, &stats);
    CHECK_INT(stats.calls, 2);
    CHECK_INT(stats.fuel_used, stint_store_fuel_used(store));
    CHECK(stats.store_bytes > 0 && stats.store_peak_bytes >= stats.store_bytes);
    end();
}

TEST(time_runs_out)
{
    REQUIRE(begin(spin));
    stint_store_set_timeout_ns(store, 2000000);
    CHECK(call("spin", NULL, 0, NULL, 0) == STINT_TIMEOUT);
    stint_store_set_timeout_ns(store, 0);
    CHECK(call("short", NULL, 0, NULL, 0) == STINT_OK);
    end();
}

TEST(an_interruption_ends_a_call)
{
    REQUIRE(begin(spin));
    stint_store_interrupt(store);
    CHECK(call("spin", NULL, 0, NULL, 0) == STINT_INTERRUPTED);
    CHECK(call("short", NULL, 0, NULL, 0) == STINT_OK);
    end();
}

static void *interrupt_soon(void *context)
{
    const struct timespec a_moment = {.tv_nsec = 5000000};
    nanosleep(&a_moment, NULL);
    stint_store_interrupt(context);
    return NULL;
}

TEST(an_interruption_from_another_thread)
{
    pthread_t thread;
    REQUIRE(begin(spin));
    REQUIRE(pthread_create(&thread, NULL, interrupt_soon, store) == 0);
    CHECK(call("spin", NULL, 0, NULL, 0) == STINT_INTERRUPTED);
    pthread_join(thread, NULL);
    end();
}

/* ---- Configuration ----------------------------------------------------------------------- */

TEST(features_can_be_switched_off)
{
    stint_config *config = stint_config_new();
    stint_module *module;
    CHECK(stint_config_set_feature(config, "simd", false) == STINT_OK);
    CHECK(stint_config_set_feature(config, "no such thing", false) == STINT_NOT_FOUND);
    REQUIRE(stint_engine_new(config, &engine, &error) == STINT_OK);
    stint_config_free(config);
    static const char text[] = "(module (func (drop (v128.const i64x2 1 2))))";
    memset(&error, 0, sizeof(error));
    CHECK(stint_module_new_from_text(engine, text, strlen(text), &module, &error) != STINT_OK);
    stint_engine_release(engine);
}

struct counting {
    size_t blocks, bytes;
};

static void *count_resize(void *context, void *block, size_t old_bytes, size_t new_bytes)
{
    struct counting *counting = context;
    counting->bytes += new_bytes - old_bytes;
    if (old_bytes == 0)
        counting->blocks++;
    if (new_bytes == 0) {
        counting->blocks--;
        free(block);
        return NULL;
    }
    return realloc(block, new_bytes);
}

TEST(an_allocator_of_the_embedder)
{
    struct counting counting = {0};
    stint_config *config = stint_config_new();
    stint_config_set_allocator(config, count_resize, &counting);
    REQUIRE(stint_engine_new(config, &engine, &error) == STINT_OK);
    stint_config_free(config);
    stint_module *module = module_from("(module (memory 1) (table 5 funcref))");
    CHECK(stint_store_new(engine, NULL, &store, &error) == STINT_OK);
    CHECK(stint_linker_new(engine, &linker, &error) == STINT_OK);
    CHECK(stint_linker_instantiate(linker, store, module, &instance, &error) == STINT_OK);
    CHECK(counting.blocks > 0 && counting.bytes > 0);
    size_t used, peak;
    stint_engine_memory(engine, &used, &peak);
    CHECK(used > 0 && peak >= used);
    stint_module_release(module);
    end();
    CHECK_INT(counting.blocks, 0);
    CHECK_INT(counting.bytes, 0);
}

/* ---- Memory that runs out ----------------------------------------------------------------- */

struct failing {
    size_t calls, fail_at; /* the call that fails, from 1 */
    size_t blocks;
};

static void *fail_resize(void *context, void *block, size_t old_bytes, size_t new_bytes)
{
    struct failing *failing = context;
    if (new_bytes != 0 && ++failing->calls == failing->fail_at)
        return NULL;
    if (new_bytes == 0) {
        failing->blocks--;
        free(block);
        return NULL;
    }
    void *result = realloc(block, new_bytes);
    if (result != NULL && old_bytes == 0)
        failing->blocks++;
    return result;
}

static enum stint_status keep_reference(stint_call *c, void *env, const stint_value *args,
                                        stint_value *ret_results)
{
    (void)env;
    ret_results[0].kind = STINT_KIND_EXTERN;
    return stint_ref_copy(stint_call_store(c), args[0].of.ref, &ret_results[0].of.ref, NULL);
}

/* Uses most of the API; false once something fails, with everything given back. */
static bool use_everything(struct failing *failing)
{
    static const char text[] =
        "(module (import \"host\" \"f\" (func $f (param externref) (result externref)))"
        " (import \"wasi_snapshot_preview1\" \"sched_yield\" (func (result i32)))"
        " (memory (export \"m\") 1) (table 4 funcref) (elem (i32.const 0) $f)"
        " (type $s (struct (field i32)))"
        " (func (export \"g\") (param externref) (result externref)"
        "  (drop (struct.new $s (i32.const 1))) (call $f (local.get 0))))";
    static const stint_valtype externref[] = {STINT_TYPE_EXTERNREF};
    const struct stint_func_type type = {externref, 1, externref, 1};
    stint_config *config = stint_config_new();
    stint_wasi_config *wasi = stint_wasi_config_new();
    stint_module *module = NULL;
    stint_value arg = {.kind = STINT_KIND_EXTERN}, result = arg;
    engine = NULL;
    linker = NULL;
    store = NULL;
    stint_config_set_allocator(config, fail_resize, failing);
    bool ok = stint_engine_new(config, &engine, NULL) == STINT_OK &&
              stint_linker_new(engine, &linker, NULL) == STINT_OK &&
              stint_linker_define_func(linker, "host", "f", &type, keep_reference, NULL, NULL,
                                       NULL) == STINT_OK &&
              stint_module_new_from_text(engine, text, strlen(text), &module, NULL) == STINT_OK &&
              stint_store_new(engine, NULL, &store, NULL) == STINT_OK &&
              stint_store_set_wasi(store, wasi, NULL) == STINT_OK;
    if (ok) {
        stint_linker_define_wasi(linker);
        ok = stint_linker_instantiate(linker, store, module, &instance, NULL) == STINT_OK &&
             stint_ref_from_pointer(store, failing, NULL, &arg.of.ref, NULL) == STINT_OK &&
             stint_func_call(store, stint_instance_func(instance, "g"), &arg, 1, &result, 1,
                             NULL) == STINT_OK;
    }
    stint_wasi_config_free(wasi);
    stint_config_free(config);
    stint_store_free(store);
    stint_module_release(module);
    stint_linker_free(linker);
    stint_engine_release(engine);
    return ok;
}

TEST(each_allocation_fails_once)
{
    struct failing failing = {0};
    REQUIRE(use_everything(&failing));
    CHECK_INT(failing.blocks, 0);
    size_t count = failing.calls;
    CHECK(count > 20);
    for (size_t at = 1; at <= count; at++) {
        failing = (struct failing){.fail_at = at};
        /* A few failures are made good, where less memory does as well. */
        bool ok = use_everything(&failing);
        if (!CHECK(failing.blocks == 0))
            printf("    allocation %zu of %zu, %s\n", at, count, ok ? "made good" : "failed");
    }
}

TEST(a_budget_holds)
{
    stint_config *config = stint_config_new();
    stint_config_set_budget_bytes(config, 1 << 20);
    REQUIRE(stint_engine_new(config, &engine, &error) == STINT_OK);
    stint_config_free(config);
    stint_module *module = module_from("(module (memory 100))");
    REQUIRE(module != NULL);
    REQUIRE(stint_store_new(engine, NULL, &store, &error) == STINT_OK);
    CHECK(stint_instance_new(store, module, NULL, 0, &instance, &error) != STINT_OK);
    stint_store_free(store);
    stint_module_release(module);
    stint_engine_release(engine);
}

TEST(store_limits_hold)
{
    struct stint_store_limits limits;
    REQUIRE(begin(NULL));
    stint_store_free(store);
    stint_store_limits_init(&limits);
    limits.memory_bytes_max = 2 * 65536;
    limits.table_elements_max = 10;
    REQUIRE(stint_store_new(engine, &limits, &store, &error) == STINT_OK);
    stint_module *module = module_from("(module (memory 1) (table 5 funcref)"
                                       " (func (export \"grow\") (param i32) (result i32)"
                                       "  (memory.grow (local.get 0)))"
                                       " (func (export \"grow_table\") (param i32) (result i32)"
                                       "  (table.grow (ref.null func) (local.get 0))))");
    REQUIRE(stint_linker_instantiate(linker, store, module, &instance, &error) == STINT_OK);
    stint_module_release(module);
    static const int wanted[] = {-1, 1, 0};
    for (int by = 2; by >= 1; by--) {
        stint_value arg = stint_i32(by), result;
        CHECK(call("grow", &arg, 1, &result, 1) == STINT_OK);
        CHECK_INT(result.of.i32, by == 2 ? wanted[0] : wanted[1]);
    }
    stint_value arg = stint_i32(6), result;
    CHECK(call("grow_table", &arg, 1, &result, 1) == STINT_OK);
    CHECK_INT(result.of.i32, -1);
    end();
}

TEST(collecting_at_every_allocation)
{
    stint_config *config = stint_config_new();
    stint_config_set_gc_stress(config, true);
    REQUIRE(stint_engine_new(config, &engine, &error) == STINT_OK);
    stint_config_free(config);
    stint_module *module = module_from("(module (type $s (struct (field i32)))"
                                       " (func (export \"f\") (result i32) (local (ref null $s))"
                                       "  (local.set 0 (struct.new $s (i32.const 6)))"
                                       "  (drop (struct.new $s (i32.const 7)))"
                                       "  (struct.get $s 0 (local.get 0))))");
    REQUIRE(stint_store_new(engine, NULL, &store, &error) == STINT_OK);
    REQUIRE(stint_instance_new(store, module, NULL, 0, &instance, &error) == STINT_OK);
    stint_value result;
    CHECK(call("f", NULL, 0, &result, 1) == STINT_OK);
    CHECK_INT(result.of.i32, 6);
    struct stint_stats stats;
    stint_store_stats(store, &stats);
    CHECK(stats.gc_collections >= 1);
    stint_store_free(store);
    stint_module_release(module);
    stint_engine_release(engine);
}

TEST(engines_outlive_their_release)
{
    REQUIRE(begin("(module (func (export \"f\") (result i32) (i32.const 9)))"));
    stint_linker_free(linker);
    CHECK(stint_engine_retain(engine) == engine);
    stint_engine_release(engine);
    stint_engine_release(engine);
    stint_value result;
    CHECK(call("f", NULL, 0, &result, 1) == STINT_OK);
    CHECK_INT(result.of.i32, 9);
    CHECK(stint_valtype_kind(engine, STINT_TYPE_I31REF) == STINT_KIND_ANY);
    CHECK(stint_valtype_kind(engine, STINT_TYPE_V128) == STINT_KIND_V128);
    stint_store_free(store);
}

TEST(versions_and_texts)
{
    CHECK(strlen(stint_version()) >= 5);
    CHECK_STR(stint_status_text(STINT_FUEL), "fuel used up");
    char text[64];
    CHECK_STR(stint_valtype_format(STINT_TYPE_FUNCREF, text, sizeof(text)), "funcref");
    CHECK(stint_valtype_is_nullable(STINT_TYPE_EXTERNREF));
    CHECK(!stint_valtype_is_nullable(STINT_TYPE_V128));
}

TEST(user_pointers)
{
    REQUIRE(begin(NULL));
    CHECK(stint_store_user(store) == NULL);
    stint_store_set_user(store, &frees);
    CHECK(stint_store_user(store) == &frees);
    end();
}

CHECK_MAIN
