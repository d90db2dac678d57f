/* SPDX-License-Identifier: Apache-2.0 */
/* Pools through the C API: linking, WASI, limits, failures. */
#include "check.h"

#include <fcntl.h>
#include <unistd.h>

#include "stint.h"

static stint_engine *engine;
static stint_linker *linker;
static stint_module *module;
static stint_pool *pool;
static struct stint_pool_options options;
static struct stint_error error;

static bool begin(const char *text)
{
    engine = NULL;
    linker = NULL;
    module = NULL;
    pool = NULL;
    memset(&error, 0, sizeof(error));
    stint_pool_options_init(&options);
    bool ok =
        CHECK(stint_engine_new(NULL, &engine, &error) == STINT_OK) &&
        CHECK(stint_linker_new(engine, &linker, &error) == STINT_OK) &&
        CHECK(stint_module_new_from_text(engine, text, strlen(text), &module, &error) == STINT_OK);
    CHECK_STR(error.message, "");
    options.linker = linker;
    return ok;
}

static bool open_pool(void)
{
    bool ok = CHECK(stint_pool_new(module, &options, &pool, &error) == STINT_OK);
    CHECK_STR(error.message, "");
    return ok;
}

static void end(void)
{
    stint_pool_free(pool);
    stint_module_release(module);
    stint_linker_free(linker);
    stint_engine_release(engine);
}

/* Takes an instance, calls an export with an i32 and gives it back; the i32 that came of it. */
static int32_t run(const char *name, int32_t argument)
{
    stint_store *store = NULL;
    stint_instance *instance = NULL;
    memset(&error, 0, sizeof(error));
    stint_value result = stint_i32(-1), value = stint_i32(argument);
    if (!CHECK(stint_pool_take(pool, &store, &instance, &error) == STINT_OK))
        return -1;
    CHECK(stint_func_call(store, stint_instance_func(instance, name), &value, 1, &result, 1,
                          &error) == STINT_OK);
    CHECK_STR(error.message, "");
    stint_pool_give(pool, instance);
    return result.of.i32;
}

/* ---- Host functions ---------------------------------------------------------------------- */

struct host {
    int calls, resets;
    bool refuses;
};

static enum stint_status count_call(stint_call *call, void *env, const stint_value *args,
                                    stint_value *ret_results)
{
    struct host *host = env;
    host->calls++;
    ret_results[0] = stint_i32(args[0].of.i32 * 2);
    return STINT_OK;
}

static enum stint_status reset(void *env, stint_store *store)
{
    struct host *host = env;
    host->resets++;
    return host->refuses ? STINT_IO : STINT_OK;
}

TEST(instances_are_linked_once_and_reset_each_time)
{
    struct host host = {0};
    const stint_valtype i32 = STINT_TYPE_I32;
    const struct stint_func_type type = {&i32, 1, &i32, 1};
    REQUIRE(begin("(module (import \"h\" \"f\" (func $f (param i32) (result i32)))"
                  " (memory 1) (func (export \"run\") (param i32) (result i32)"
                  "  (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0))"
                  "   (call $f (local.get 0)))) (i32.load (i32.const 0))))"));
    REQUIRE(stint_linker_define_func(linker, "h", "f", &type, count_call, &host, NULL, &error) ==
            STINT_OK);
    options.reset = reset;
    options.env = &host;
    options.slots_max = 2;
    REQUIRE(open_pool());
    for (int i = 0; i < 5; i++)
        CHECK_INT(run("run", 21 + i), 42 + 2 * i);
    CHECK_INT(host.calls, 5);
    CHECK_INT(host.resets, 5);
    struct stint_pool_stats stats;
    stint_pool_stats(pool, &stats);
    CHECK_INT(stats.takes, 5);
    CHECK_INT(stats.slots, 1);
    CHECK_INT(stats.slots_max, 2);
    host.refuses = true;
    CHECK_INT(run("run", 1), 2);
    stint_pool_stats(pool, &stats);
    CHECK_INT(stats.failures, 1);
    CHECK_INT(stats.slots, 0);
    host.refuses = false;
    CHECK_INT(run("run", 1), 2);
    stint_pool_trim(pool, 0);
    stint_pool_stats(pool, &stats);
    CHECK_INT(stats.slots, 0);
    end();
}

TEST(what_is_missing_is_named)
{
    REQUIRE(begin("(module (import \"h\" \"f\" (func)))"));
    CHECK(stint_pool_new(module, &options, &pool, &error) == STINT_UNLINKABLE);
    CHECK_STR(error.message, "unknown import: h.f");
    memset(&error, 0, sizeof(error));
    options.linker = NULL;
    CHECK(stint_pool_new(module, &options, &pool, &error) == STINT_UNLINKABLE);
    CHECK(pool == NULL);
    end();
}

TEST(limits_of_instances_and_of_their_number)
{
    stint_store *stores[2];
    stint_instance *instances[2];
    struct stint_store_limits limits;
    REQUIRE(begin("(module (memory 1) (func (export \"grow\") (param i32) (result i32)"
                  " (memory.grow (local.get 0))))"));
    stint_store_limits_init(&limits);
    limits.memory_bytes_max = 3 * 65536;
    options.limits = &limits;
    options.slots_max = 1;
    REQUIRE(open_pool());
    CHECK_INT(run("grow", 2), 1);
    CHECK_INT(run("grow", 3), -1);
    REQUIRE(stint_pool_take(pool, &stores[0], &instances[0], &error) == STINT_OK);
    CHECK(stint_pool_take(pool, &stores[1], &instances[1], &error) == STINT_LIMIT);
    CHECK_STR(error.message, "all 1 slots are taken");
    stint_pool_give(pool, instances[0]);
    end();
    stint_pool_free(NULL);
}

/* ---- WASI -------------------------------------------------------------------------------- */

static const char closing[] =
    "(module"
    " (import \"wasi_snapshot_preview1\" \"fd_close\" (func $close (param i32) (result i32)))"
    " (import \"wasi_snapshot_preview1\" \"fd_prestat_get\""
    "  (func $prestat (param i32 i32) (result i32)))"
    " (import \"wasi_snapshot_preview1\" \"args_sizes_get\""
    "  (func $args (param i32 i32) (result i32)))"
    " (memory (export \"memory\") 1)"
    " (func (export \"close\") (param i32) (result i32) (call $close (local.get 0)))"
    " (func (export \"args\") (param i32) (result i32)"
    "  (drop (call $args (i32.const 0) (i32.const 8))) (i32.load (i32.const 0)))"
    " (func (export \"prestat\") (param i32) (result i32)"
    "  (call $prestat (local.get 0) (i32.const 0))))";

TEST(each_use_finds_its_files_open)
{
    REQUIRE(begin(closing));
    int null = open("/dev/null", O_RDWR);
    stint_wasi_config *wasi = stint_wasi_config_new();
    REQUIRE(wasi != NULL && null >= 0);
    CHECK(stint_wasi_config_add_arg(wasi, "guest") == STINT_OK);
    CHECK(stint_wasi_config_add_dir(wasi, "/", "/", true) == STINT_OK);
    stint_wasi_config_set_stdio(wasi, -1, null, -1);
    stint_linker_define_wasi(linker);
    CHECK(stint_pool_new(module, &options, &pool, &error) == STINT_ARGUMENT);
    memset(&error, 0, sizeof(error));
    options.wasi = wasi;
    options.slots_max = 1;
    REQUIRE(open_pool());
    for (int i = 0; i < 4; i++) {
        CHECK_INT(run("prestat", 3), 0);
        CHECK_INT(run("close", 3), 0);
        CHECK_INT(run("close", 1), 0);
        CHECK_INT(run("close", 4), 8);
        CHECK_INT(run("args", 0), 1);
    }
    struct stint_pool_stats stats;
    stint_pool_stats(pool, &stats);
    CHECK_INT(stats.failures, 0);
    end();
    stint_wasi_config_free(wasi);
    close(null);
}

CHECK_MAIN
