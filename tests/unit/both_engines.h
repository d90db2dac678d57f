/* SPDX-License-Identifier: Apache-2.0 */
/* For tests that run functions (one i32 to one i32, memory "m") interpreted and as machine code, and
 * demand the same of both. */
#ifndef BOTH_ENGINES_H
#define BOTH_ENGINES_H

#include "check.h"

#include <stdlib.h>

#include "stint.h"
#include "base/status.h"

struct side {
    stint_engine *engine;
    stint_module *module;
};

struct outcome {
    enum stint_status status;
    int32_t result;
    uint64_t fuel;
    uint8_t memory[65536];
};

static struct stint_error error;
static char reason[sizeof(error.message)];

static bool make_side(enum stint_tier tier, const char *text, struct side *ret_side)
{
    stint_config *config = stint_config_new();
    *ret_side = (struct side){0};
    memset(&error, 0, sizeof(error));
    enum stint_status status = stint_config_set_tier(config, tier);
    if (status == STINT_OK) {
        stint_config_set_metering(config, true);
        stint_config_set_opt_level(config, 2);
        stint_config_set_cache(config, false);
        status = stint_engine_new(config, &ret_side->engine, &error);
    }
    stint_config_free(config);
    if (status == STINT_OK)
        status = stint_module_new_from_text(ret_side->engine, text, strlen(text),
                                            &ret_side->module, &error);
    snprintf(reason, sizeof(reason), "%s", error.message);
    return status == STINT_OK;
}

static void free_side(struct side *side)
{
    stint_module_release(side->module);
    stint_engine_release(side->engine);
}

static void run_one(const struct side *side, const char *name, int32_t n, uint64_t fuel,
                    struct outcome *ret_outcome)
{
    stint_linker *linker = NULL;
    stint_store *store = NULL;
    stint_instance *instance = NULL;
    CHECK(stint_linker_new(side->engine, &linker, &error) == STINT_OK);
    CHECK(stint_store_new(side->engine, NULL, &store, &error) == STINT_OK);
    CHECK(stint_linker_instantiate(linker, store, side->module, &instance, &error) == STINT_OK);
    stint_store_set_fuel(store, fuel);
    stint_value value = stint_i32(n), result = stint_i32(-1);
    ret_outcome->status = stint_func_call(store, stint_instance_func(instance, name), &value, 1,
                                          &result, 1, &error);
    ret_outcome->result = ret_outcome->status == STINT_OK ? result.of.i32 : 0;
    ret_outcome->fuel = stint_store_fuel_used(store);
    CHECK(stint_memory_read(stint_instance_memory(instance, "m"), 0, ret_outcome->memory,
                            sizeof(ret_outcome->memory)));
    stint_store_free(store);
    stint_linker_free(linker);
}

static struct outcome interpreted, compiled;

/* Returns the fuel that it took. */
static uint64_t compare(const struct side *sides, const char *name, int32_t n, uint64_t fuel)
{
    run_one(&sides[0], name, n, fuel, &interpreted);
    run_one(&sides[1], name, n, fuel, &compiled);
    bool same = interpreted.status == compiled.status && interpreted.result == compiled.result &&
                interpreted.fuel == compiled.fuel &&
                memcmp(interpreted.memory, compiled.memory, sizeof(compiled.memory)) == 0;
    if (!CHECK(same))
        printf("%s(%d), fuel %llu: status %d, %d; result %d, %d; used %llu, %llu\n", name, n,
               (unsigned long long)fuel, interpreted.status, compiled.status, interpreted.result,
               compiled.result, (unsigned long long)interpreted.fuel,
               (unsigned long long)compiled.fuel);
    return interpreted.fuel;
}

#endif
