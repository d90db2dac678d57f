/* SPDX-License-Identifier: Apache-2.0 */
/* Machine code through the C API: tiers, what they share, artefacts, failures. */
#include "check.h"

#include <stdlib.h>

#include "stint.h"
#include "stint_config.h"

static const char text[] =
    "(module (import \"h\" \"add\" (func $add (param i32) (result i32))) (memory 1)"
    " (func (export \"work\") (param $n i32) (result i32) (local $x i32)"
    "  (loop (local.set $x (call $add (i32.mul (local.get $x) (i32.const 3))))"
    "   (br_if 0 (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"
    "  (local.get $x))"
    " (func $deep (param i32) (result i32)"
    "  (i32.load (i32.mul (local.get 0) (i32.const 65536))))"
    " (func (export \"trap\") (param i32) (result i32)"
    "  (i32.add (call $deep (local.get 0)) (i32.const 1)))"
    " (func (export \"spin\") (loop (br 0))))";

static stint_engine *engine;
static stint_linker *linker;
static stint_module *module;
static stint_store *store;
static stint_instance *instance;
static struct stint_error error;

static enum stint_status add(stint_call *call, void *env, const stint_value *args,
                             stint_value *ret_results)
{
    (void)call;
    (void)env;
    ret_results[0] = stint_i32(args[0].of.i32 + 7);
    return STINT_OK;
}

static bool make_engine(enum stint_tier tier, bool is_strict)
{
    stint_config *config = stint_config_new();
    engine = NULL;
    linker = NULL;
    module = NULL;
    store = NULL;
    memset(&error, 0, sizeof(error));
    enum stint_status status = stint_config_set_tier(config, tier);
    if (status == STINT_OK) {
        stint_config_set_strict_traps(config, is_strict);
        stint_config_set_opt_level(config, 1);
        stint_config_set_cache(config, false);
        status = stint_engine_new(config, &engine, &error);
    }
    stint_config_free(config);
    return status == STINT_OK;
}

/* False where nothing compiles here; `error` says why then. */
static bool begin(enum stint_tier tier, bool is_strict)
{
    static const stint_valtype i32 = STINT_TYPE_I32;
    const struct stint_func_type type = {&i32, 1, &i32, 1};
    if (!make_engine(tier, is_strict))
        return false;
    if (stint_module_new_from_text(engine, text, strlen(text), &module, &error) != STINT_OK)
        return false;
    CHECK(stint_linker_new(engine, &linker, &error) == STINT_OK);
    CHECK(stint_linker_define_func(linker, "h", "add", &type, add, NULL, NULL, &error) == STINT_OK);
    CHECK(stint_store_new(engine, NULL, &store, &error) == STINT_OK);
    CHECK(stint_linker_instantiate(linker, store, module, &instance, &error) == STINT_OK);
    return CHECK_STR(error.message, "");
}

static void end(void)
{
    stint_store_free(store);
    stint_module_release(module);
    stint_linker_free(linker);
    stint_engine_release(engine);
}

static enum stint_status call(const char *name, int32_t argument, int32_t *ret_result)
{
    stint_value value = stint_i32(argument), result = stint_i32(-1);
    enum stint_status status =
        stint_func_call(store, stint_instance_func(instance, name), &value, 1, &result, 1, &error);
    *ret_result = result.of.i32;
    return status;
}

/* Fuel has to be the same in all tiers. */
static uint64_t check_work(int32_t want)
{
    int32_t got;
    CHECK(call("work", 1000, &got) == STINT_OK);
    CHECK_INT(got, want);
    return stint_store_fuel_used(store);
}

static int32_t expected(void)
{
    uint32_t x = 0;
    for (int i = 0; i < 1000; i++)
        x = x * 3 + 7;
    return (int32_t)x;
}

TEST(unknown_tier_is_refused)
{
    stint_config *config = stint_config_new();
    CHECK(stint_config_set_tier(config, (enum stint_tier)3) == STINT_ARGUMENT);
    CHECK(stint_config_set_tier(config, STINT_TIER_INTERP) == STINT_OK);
    stint_config_free(config);
}

TEST(all_tiers_do_the_same)
{
    uint64_t fuel[3] = {0};
    for (int tier = STINT_TIER_INTERP; tier <= STINT_TIER_AOT; tier++) {
        bool is_there = begin((enum stint_tier)tier, false);
        if (is_there) {
            if (tier == STINT_TIER_AOT)
                CHECK_INT(stint_module_compiled_count(module), 4);
            if (tier == STINT_TIER_INTERP)
                CHECK_INT(stint_module_compiled_count(module), 0);
            CHECK(stint_module_code_refused(module) == NULL);
            stint_store_set_fuel(store, 1000000);
            fuel[tier] = check_work(expected());
        }
        static char reason[256];
        snprintf(reason, sizeof(reason), "%s", error.message);
        end();
        if (!is_there && tier != STINT_TIER_INTERP)
            SKIP(reason);
    }
    CHECK_INT(fuel[STINT_TIER_AOT], fuel[STINT_TIER_JIT]);
}

/* Calls `name` with an argument that traps; then the store is used on. */
TEST(compiled_traps_have_backtraces)
{
    static char reason[256];
    bool is_there = begin(STINT_TIER_AOT, true);
    if (is_there) {
        struct stint_frame frames[4];
        int32_t got;
        CHECK(call("trap", 1, &got) == STINT_TRAP);
        CHECK_INT(error.trap, STINT_TRAP_MEMORY_BOUNDS);
        CHECK_INT(stint_store_backtrace(store, frames, 4), 2);
        CHECK_INT(frames[0].func_index, 2);
        CHECK_INT(frames[1].func_index, 3);
        memset(&error, 0, sizeof(error));
        CHECK(call("trap", 0, &got) == STINT_OK);
        CHECK_INT(got, 1);
    }
    snprintf(reason, sizeof(reason), "%s", error.message);
    end();
    if (!is_there)
        SKIP(reason);
}

TEST(compiled_loops_run_out_of_fuel)
{
    static char reason[256];
    bool is_there = begin(STINT_TIER_AOT, false);
    if (is_there) {
        stint_store_set_fuel(store, 100000);
        CHECK(stint_func_call(store, stint_instance_func(instance, "spin"), NULL, 0, NULL, 0,
                              &error) == STINT_FUEL);
    }
    snprintf(reason, sizeof(reason), "%s", error.message);
    end();
    if (!is_there)
        SKIP(reason);
}

/* A module whose section "stint.aot" is no image: it runs, and says why not as machine code. */
TEST(broken_artefacts_run_all_the_same)
{
    static const uint8_t bytes[] = {0,   'a', 's', 'm', 1,   0,   0,   0,   0,   14,  9,   's',
                                    't', 'i', 'n', 't', '.', 'a', 'o', 't', 's', 't', 'i', 'n'};
    if (!make_engine(STINT_TIER_JIT, false))
        SKIP("this build runs no machine code");
    uint8_t *own = malloc(sizeof(bytes));
    memcpy(own, bytes, sizeof(bytes));
    CHECK(stint_module_new(engine, own, sizeof(bytes), &module, &error) == STINT_OK);
    CHECK_STR(error.message, "");
    memset(own, 0, sizeof(bytes));
    free(own); /* it was copied */
    CHECK(stint_module_code_refused(module) != NULL);
    CHECK_INT(stint_module_compiled_count(module), 0);
    end();
}

TEST(small_budgets_fail_cleanly)
{
    static const uint8_t empty[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    for (size_t budget = 4096; budget < 1 << 18; budget += 4096) {
        stint_config *config = stint_config_new();
        if (stint_config_set_tier(config, STINT_TIER_JIT) != STINT_OK) {
            stint_config_free(config);
            SKIP("this build runs no machine code");
        }
        stint_config_set_cache(config, false);
        stint_config_set_budget_bytes(config, budget);
        memset(&error, 0, sizeof(error));
        if (stint_engine_new(config, &engine, &error) == STINT_OK) {
            enum stint_status status =
                stint_module_new(engine, empty, sizeof(empty), &module, &error);
            CHECK(status == STINT_OK || status == STINT_NOMEM);
            if (status == STINT_OK)
                stint_module_release(module);
            stint_engine_release(engine);
        }
        stint_config_free(config);
    }
}

CHECK_MAIN
